// This file reads and changes the cookie jar of a visit.

package browsertest

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// jarCookie is a cookie in the jar, and how to remove it.
type jarCookie struct {
	Cookie
	remove func() error
}

func (p *tab) Cookies() []Cookie {
	p.t.Helper()
	jar := p.jar()
	cookies := make([]Cookie, len(jar))
	for i, c := range jar {
		cookies[i] = c.Cookie
	}
	slices.SortFunc(cookies, func(a, b Cookie) int {
		return cmp.Or(cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Name, b.Name))
	})
	return cookies
}

func (p *tab) SetCookie(c Cookie) {
	p.t.Helper()
	c.Path = cmp.Or(c.Path, "/")
	if err := p.setCookie(c); err != nil {
		p.t.Fatalf("%s does not accept the cookie %+v: %v", p.name(), c, err)
	}
}

func (p *tab) DeleteCookie(name, address string) {
	p.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		p.t.Fatalf("the cookie %s is not deleted: %v", name, err)
	}
	for _, c := range p.jar() {
		if c.Name != name || !c.goesTo(u) {
			continue
		}
		if err := c.remove(); err != nil {
			p.t.Fatalf("%s does not delete the cookie %+v: %v", p.name(), c.Cookie, err)
		}
	}
}

func (p *tab) ClearCookies() {
	p.t.Helper()
	if err := p.clearCookies(); err != nil {
		p.t.Fatalf("%s does not empty its jar: %v", p.name(), err)
	}
}

func (p *tab) jar() []jarCookie {
	p.t.Helper()
	jar, err := p.cookies()
	if err != nil {
		p.t.Fatalf("%s does not show its cookies: %v", p.name(), err)
	}
	return jar
}

// goesTo reports whether the domain and the path of the cookie match the address
// (RFC 6265, 5.1.3 and 5.1.4).
func (c Cookie) goesTo(u *url.URL) bool {
	host := u.Hostname()
	if host != c.Domain && (c.HostOnly || !strings.HasSuffix(host, "."+c.Domain)) {
		return false
	}
	rest, ok := strings.CutPrefix(cmp.Or(u.Path, "/"), c.Path)
	return ok && (rest == "" || strings.HasSuffix(c.Path, "/") || strings.HasPrefix(rest, "/"))
}
