// The other site beside a lab.

package labtest

import (
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"

	"cookielab/handlers/othersite"
	"cookielab/handlers/serve"
	"cookielab/handlers/web"
	"cookielab/handlers/webtest"
	"cookielab/sessions"
)

// otherSite is another site that serves until the test ends.
type otherSite struct {
	t    testing.TB
	Addr string // 127.0.0.1 and a port
}

// NewOtherSite starts one beside a lab that need not be there.
func NewOtherSite(t testing.TB, lab, neighbour string) otherSite {
	t.Helper()
	at, _, err := serve.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	site, err := othersite.New(othersite.Config{
		Assets: webtest.AssetsOf(sessions.EngineDB), Address: at.URL(), Lab: lab, Neighbour: neighbour,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := serve.NewServer(at, site, web.SecureHeaders(), slog.New(slog.DiscardHandler))
	go func() { _ = server.Serve() }()
	t.Cleanup(func() { _ = server.Close() })
	return otherSite{t, net.JoinHostPort(at.Host, at.Port)}
}

// Ask sends a request with these further lines in its header.
func (s otherSite) Ask(method, path string, lines ...string) webtest.Reply {
	s.t.Helper()
	header := slices.Concat([]string{method + " " + path + " HTTP/1.1", "Host: " + s.Addr}, lines, []string{"", ""})
	return webtest.Raw(s.t, s.Addr, strings.Join(header, "\r\n"))
}

const (
	TheLab       = "http://localhost:8080"
	TheNeighbour = "http://localhost:8082"
)

// Guarded complains of an answer without the site's own headers, or with a cookie.
func (s otherSite) Guarded(path string, r webtest.Reply) {
	s.t.Helper()
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' " + TheLab + "; frame-src " + TheLab +
			"; connect-src " + TheLab + "; form-action " + TheLab + "; base-uri 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options": "nosniff",
		"X-Frame-Options":        "DENY",
		"Referrer-Policy":        "same-origin",
		"Cache-Control":          "no-store",
		"Vary":                   "Accept-Language",
		"Content-Type":           "text/html; charset=UTF-8",
	} {
		if got := r.Header.Values(name); len(got) != 1 || got[0] != want {
			s.t.Errorf("%s: %s is %q, not %q", path, name, got, want)
		}
	}
	if len(r.Header["Set-Cookie"]) > 0 {
		s.t.Errorf("%s sets %v", path, r.Cookies)
	}
	if strings.Contains(r.Body, "⟨") || strings.Contains(r.Body, "{{") || !strings.HasSuffix(strings.TrimSpace(r.Body), "</html>") {
		s.t.Errorf("%s is unfinished: %s", path, r.Body)
	}
}
