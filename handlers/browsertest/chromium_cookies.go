// This file reads and writes the cookie jar of a visit in Chromium.

package browsertest

import (
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

func (d *chromiumTab) cookies() ([]jarCookie, error) {
	ctx, cancel := d.limit()
	defer cancel()
	jar, err := chromedp.CallBrowser(ctx, storage.GetCookies, storage.GetCookiesParams{BrowserContextID: d.visit.profile})
	if err != nil {
		return nil, err
	}
	cookies := make([]jarCookie, len(jar.Cookies))
	for i, c := range jar.Cookies {
		domain, below := strings.CutPrefix(c.Domain, ".")
		cookies[i] = jarCookie{
			Cookie: Cookie{
				Name:     c.Name,
				Value:    c.Value,
				Domain:   domain,
				HostOnly: !below,
				Path:     c.Path,
				Size:     int(c.Size),
				HTTPOnly: c.HTTPOnly,
				Secure:   c.Secure,
				SameSite: c.SameSite.String(),
				Priority: c.Priority.String(),

				Partitioned: c.PartitionKey != nil,
			},
			remove: func() error {
				return tell(d, network.DeleteCookies, network.DeleteCookiesParams{
					Name:         c.Name,
					Domain:       c.Domain,
					Path:         c.Path,
					PartitionKey: c.PartitionKey,
				})
			},
		}
		if !c.Session {
			cookies[i].Expires = time.UnixMicro(int64(c.Expires * 1e6)).UTC()
		}
	}
	return cookies, nil
}

func (d *chromiumTab) clearCookies() error {
	ctx, cancel := d.limit()
	defer cancel()
	_, err := chromedp.CallBrowser(ctx, storage.ClearCookies, storage.ClearCookiesParams{BrowserContextID: d.visit.profile})
	return err
}

func (d *chromiumTab) setCookie(c Cookie) error {
	cookie := &network.CookieParam{
		Name:     c.Name,
		Value:    c.Value,
		Path:     c.Path,
		HTTPOnly: c.HTTPOnly,
		Secure:   c.Secure,
		SameSite: network.CookieSameSite(c.SameSite),
		Priority: network.CookiePriority(c.Priority),
	}
	// Chromium takes a cookie with an address as one for that host only.
	switch {
	case !c.HostOnly:
		cookie.Domain = "." + c.Domain
	case c.Secure:
		cookie.URL = "https://" + c.Domain
	default:
		cookie.URL = "http://" + c.Domain
	}
	if !c.Expires.IsZero() {
		cookie.Expires = cdp.TimeSinceEpoch(float64(c.Expires.UnixMicro()) / 1e6)
	}
	ctx, cancel := d.limit()
	defer cancel()
	_, err := chromedp.CallBrowser(ctx, storage.SetCookies, storage.SetCookiesParams{
		Cookies:          []*network.CookieParam{cookie},
		BrowserContextID: d.visit.profile,
	})
	return err
}
