// This file reads and writes the cookie jar of a visit in Chromium.

package browsertest

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

func (p *tab) Cookies() []Cookie {
	p.t.Helper()
	jar := p.jar()
	cookies := make([]Cookie, len(jar))
	for i, c := range jar {
		domain, below := strings.CutPrefix(c.Domain, ".")
		cookies[i] = Cookie{
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
		}
		if !c.Session {
			cookies[i].Expires = time.UnixMicro(int64(c.Expires * 1e6)).UTC()
		}
	}
	slices.SortFunc(cookies, func(a, b Cookie) int {
		return cmp.Or(cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Name, b.Name))
	})
	return cookies
}

func (p *tab) SetCookie(c Cookie) {
	p.t.Helper()
	cookie := &network.CookieParam{
		Name:     c.Name,
		Value:    c.Value,
		Path:     cmp.Or(c.Path, "/"),
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
	ctx, cancel := p.limit()
	defer cancel()
	if _, err := chromedp.CallBrowser(ctx, storage.SetCookies, storage.SetCookiesParams{
		Cookies:          []*network.CookieParam{cookie},
		BrowserContextID: p.visit.profile,
	}); err != nil {
		p.t.Fatalf("Chromium does not accept the cookie %+v: %v", c, err)
	}
}

func (p *tab) DeleteCookie(name, address string) {
	p.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		p.t.Fatalf("the cookie %s is not deleted: %v", name, err)
	}
	// With an address Chromium itself deletes only the cookies for that host
	// alone, so each cookie to delete is named by domain and path.
	for _, c := range p.jar() {
		if c.Name == name && matchesDomain(u.Hostname(), c.Domain) && matchesPath(cmp.Or(u.Path, "/"), c.Path) {
			call(p, network.DeleteCookies, network.DeleteCookiesParams{
				Name:         c.Name,
				Domain:       c.Domain,
				Path:         c.Path,
				PartitionKey: c.PartitionKey,
			})
		}
	}
}

// jar is the cookie jar of the visit in Chromium's words.
func (p *tab) jar() []*network.Cookie {
	p.t.Helper()
	ctx, cancel := p.limit()
	defer cancel()
	jar, err := chromedp.CallBrowser(ctx, storage.GetCookies, storage.GetCookiesParams{BrowserContextID: p.visit.profile})
	if err != nil {
		p.t.Fatalf("Chromium does not show its cookies: %v", err)
	}
	return jar.Cookies
}

// matchesDomain reports whether a cookie with this domain, which has a leading
// dot unless the cookie is for one host only, goes to the host (RFC 6265, 5.1.3).
func matchesDomain(host, domain string) bool {
	below, wide := strings.CutPrefix(domain, ".")
	return host == below || wide && strings.HasSuffix(host, domain)
}

// matchesPath reports whether a cookie for one path goes to another (RFC 6265,
// 5.1.4).
func matchesPath(path, cookie string) bool {
	rest, ok := strings.CutPrefix(path, cookie)
	return ok && (rest == "" || strings.HasSuffix(cookie, "/") || strings.HasPrefix(rest, "/"))
}
