// This file reads and writes the cookie jar of a visit in Firefox. BiDi would not
// tell whether a cookie is for one host only or says nothing of SameSite.

package browsertest

import (
	"strings"
	"time"
)

// firefoxCookie is a cookie in Firefox's words.
type firefoxCookie struct {
	Name      string  `json:"name"`
	Value     string  `json:"value"`
	Host      string  `json:"host"` // has a leading dot unless the cookie is for one host only
	Path      string  `json:"path"`
	Expires   float64 `json:"expires"` // in milliseconds, 0 for a session cookie
	HTTPOnly  bool    `json:"httpOnly"`
	Secure    bool    `json:"secure"`
	SameSite  string  `json:"sameSite"`
	Partition string  `json:"partition"`
}

func (d *firefoxTab) cookies() ([]jarCookie, error) {
	var jar []firefoxCookie
	if err := d.browser.help("cookies", &jar, d.visit.profile); err != nil {
		return nil, err
	}
	cookies := make([]jarCookie, len(jar))
	for i, c := range jar {
		domain, below := strings.CutPrefix(c.Host, ".")
		cookies[i] = jarCookie{
			Cookie: Cookie{
				Name:     c.Name,
				Value:    c.Value,
				Domain:   domain,
				HostOnly: !below,
				Path:     c.Path,
				Size:     len(c.Name) + len(c.Value),
				HTTPOnly: c.HTTPOnly,
				Secure:   c.Secure,
				SameSite: c.SameSite,

				Partitioned: c.Partition != "",
			},
			remove: func() error { return d.browser.help("deleteCookie", nil, d.visit.profile, c) },
		}
		if c.Expires != 0 {
			cookies[i].Expires = time.UnixMilli(int64(c.Expires)).UTC()
		}
	}
	return cookies, nil
}

func (d *firefoxTab) clearCookies() error {
	return d.browser.help("clearCookies", nil, d.visit.profile)
}

func (d *firefoxTab) setCookie(c Cookie) error {
	cookie := firefoxCookie{
		Name:     c.Name,
		Value:    c.Value,
		Host:     c.Domain,
		Path:     c.Path,
		HTTPOnly: c.HTTPOnly,
		Secure:   c.Secure,
		SameSite: c.SameSite,
	}
	if !c.HostOnly {
		cookie.Host = "." + c.Domain
	}
	if !c.Expires.IsZero() {
		cookie.Expires = float64(c.Expires.UnixMilli())
	}
	return d.browser.help("setCookie", nil, d.visit.profile, cookie)
}
