// The other site and the neighbour: foreign pages that send requests to the lab,
// know nothing of it, and look like nothing of it.

package othersite_test

import (
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"cookielab/handlers/input"
	"cookielab/handlers/othersite"
	"cookielab/handlers/webtest"
	"cookielab/sessions"
)

// site is another site that serves until the test ends.
type site struct {
	*webtest.Server
	t testing.TB
}

// newSite starts one beside a lab that need not be there.
func newSite(t testing.TB, lab, neighbour string) site {
	t.Helper()
	server := webtest.NewServer(t)
	server.StartAt(func(url string) http.Handler {
		other, err := othersite.New(othersite.Config{Assets: webtest.AssetsOf(sessions.EngineDB), Address: url, Lab: lab, Neighbour: neighbour})
		if err != nil {
			t.Fatal(err)
		}
		return other
	})
	return site{server, t}
}

// ask sends a request with these further lines in its header.
func (s site) ask(method, path string, lines ...string) webtest.Reply {
	s.t.Helper()
	header := slices.Concat([]string{method + " " + path + " HTTP/1.1", "Host: " + s.Addr}, lines, []string{"", ""})
	return webtest.Raw(s.t, s.Addr, strings.Join(header, "\r\n"))
}

// guarded complains of an answer without the site's own headers, or with a cookie.
func (s site) guarded(path string, r webtest.Reply) {
	s.t.Helper()
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' " + webtest.TheLab + "; frame-src " + webtest.TheLab +
			"; connect-src " + webtest.TheLab + "; form-action " + webtest.TheLab + "; base-uri 'none'; frame-ancestors 'none'",
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

// requestsOf are the addresses that a page leads to or loads from, but its own
// style, script and icon: "POST http://…" for a form's.
func requestsOf(page string) (requests []string) {
	for _, tag := range webtest.TagsIn(page) {
		for _, a := range tag.Attributes {
			switch {
			case strings.HasPrefix(a[1], "/static/other."):
			case a[0] == "action":
				requests = append(requests, "POST "+a[1])
			case a[0] == "href", a[0] == "src", a[0] == "data-src":
				requests = append(requests, a[1])
			}
		}
	}
	return requests
}

// Each page sends the requests of its lesson, for the run it was given, and leads
// nowhere else.
func TestOtherSite(t *testing.T) {
	site := newSite(t, webtest.TheLab, webtest.TheNeighbour)
	forged := []string{
		"POST " + webtest.TheLab + "/play/transfer/none?run=R1z&from=more", "POST " + webtest.TheLab + "/play/transfer/samesite?run=R1z&from=more",
		"POST " + webtest.TheLab + "/play/transfer/token?run=R1z&from=more", "POST " + webtest.TheLab + "/play/transfer/metadata?run=R1z&from=more",
	}
	for path, want := range map[string][]string{
		"/": {
			webtest.TheLab + "/play/hello?run=R1z&how=link", "POST " + webtest.TheLab + "/play/transfer/samesite?run=R1z", "/more?run=R1z",
			webtest.TheLab + "/lessons/other-site#observe", "/?lang=zh&run=R1z",
		},
		"/more": slices.Concat([]string{
			webtest.TheLab + "/play/cookies?run=R1z&how=link", "POST " + webtest.TheLab + "/play/cookies?run=R1z&how=form",
			webtest.TheLab + "/play/cookies?run=R1z&how=img", webtest.TheLab + "/play/cookies?run=R1z&how=frame", webtest.TheLab + "/play/cookies?run=R1z&how=fetch",
		}, forged, []string{
			webtest.TheNeighbour + "/play/neighbour?run=R1z", "/?run=R1z", webtest.TheLab + "/lessons/other-site#observe", "/more?lang=zh&run=R1z",
		}),
		"/token": {"POST " + webtest.TheLab + "/play/api?run=R1z&from=other", webtest.TheLab + "/lessons/token#observe", "/token?lang=zh&run=R1z"},
	} {
		r := site.ask("GET", path+"?run=R1z")
		site.guarded(path, r)
		if got := requestsOf(r.Body); r.Status != http.StatusOK || !slices.Equal(got, want) {
			t.Errorf("%s answers %d and leads to\n%q, want\n%q", path, r.Status, got, want)
		}
		if !strings.Contains(r.Body, `<p class="host">`+site.Addr+`</p>`) {
			t.Errorf("%s does not say whose page it is", path)
		}
		if head := site.ask("HEAD", path+"?run=R1z"); head.Status != http.StatusOK || head.Body != "" {
			t.Errorf("HEAD %s answers %d: %q", path, head.Status, head.Body)
		}
	}
	t.Run("what its forms hide stands on the page", func(t *testing.T) {
		for path, where := range map[string]string{"/": "/play/transfer/samesite", "/token": "/play/api"} {
			page := site.ask("GET", path+"?run=R1z").Body
			for _, field := range []string{`<input type="hidden" name="to" value="mallory">`, `<input type="hidden" name="amount" value="10">`} {
				if strings.Count(page, field) != 1 {
					t.Errorf("the form of %s has no %s", path, field)
				}
			}
			if want := "<pre>POST " + where + "?run=…\nHost: localhost:8080\n\nto=mallory&amp;amount=10</pre>"; !strings.Contains(page, want) {
				t.Errorf("%s does not show %q", path, want)
			}
		}
	})
	t.Run("without a neighbour none is named", func(t *testing.T) {
		if page := newSite(t, webtest.TheLab, "").ask("GET", "/more?run=R1z").Body; strings.Contains(page, "neighbour") {
			t.Error("it leads to a neighbour")
		}
	})
	t.Run("without a run it only says where to begin", func(t *testing.T) {
		for _, path := range []string{"/", "/more", "/token"} {
			r := site.ask("GET", path)
			site.guarded(path, r)
			got := requestsOf(r.Body)
			if r.Status != http.StatusOK || got[0] != webtest.TheLab+"/lessons" || strings.Contains(strings.Join(got, " "), "/play/") {
				t.Errorf("%s answers %d and leads to %q", path, r.Status, got)
			}
		}
	})
}

// It has no memory and asks for none: cookies change nothing.
func TestOtherSiteKnowsNobody(t *testing.T) {
	site := newSite(t, webtest.TheLab, webtest.TheNeighbour)
	for _, path := range []string{"/?run=R1", "/more?run=R1", "/token?run=R1", "/", "/none", "/?run=-"} {
		plain := site.ask("GET", path)
		known := site.ask("GET", path, "Cookie: lab_notebook=x; lab_sessionid=y; plain_user=user=alice&role=student", "Authorization: Token z", "Referer: "+webtest.TheLab+"/login")
		plain.Header.Del("Date")
		known.Header.Del("Date")
		if plain.Body != known.Body || plain.Status != known.Status || len(known.Cookies) > 0 {
			t.Errorf("%s looks at who asks: %d, %d", path, plain.Status, known.Status)
		}
	}
}

func TestOtherSiteRefuses(t *testing.T) {
	site := newSite(t, webtest.TheLab, webtest.TheNeighbour)
	refused := func(t *testing.T, r webtest.Reply, what string, status int) {
		t.Helper()
		if r.Status != status {
			t.Errorf("%s is answered %d, not %d", what, r.Status, status)
		}
		site.guarded(what, r)
		if strings.Contains(r.Body, "/play/") {
			t.Errorf("the answer to %s sends requests", what)
		}
	}
	t.Run("what is no run", func(t *testing.T) {
		for _, query := range []string{"run=", "run=a-b", "run=%3Cb%3E", "run=" + strings.Repeat("x", 65), "run=a%20", "run=%E6%B1%89", "run=a&run=b", "run=%zz", "run=a;b", "run=a%00"} {
			for _, path := range []string{"/", "/more", "/token"} {
				refused(t, site.ask("GET", path+"?"+query), path+"?"+query, http.StatusBadRequest)
			}
		}
		if r := site.ask("GET", "/?run="+strings.Repeat("x", 64)); r.Status != http.StatusOK {
			t.Errorf("a run of 64 characters is answered %d", r.Status)
		}
	})
	t.Run("what is not there, as a page of its own", func(t *testing.T) {
		for _, path := range []string{"/none", "/login", "/dashboard", "/lessons", "/play/hello", "/api/lanes", "/static/lab.css", "/static/lab.js", "/static/", "/favicon.ico", "/more/"} {
			r := site.ask("GET", path)
			refused(t, r, path, http.StatusNotFound)
			if !strings.Contains(r.Body, "There is nothing at this address.") || !strings.Contains(r.Body, `<p class="host">`) {
				t.Errorf("%s says %s", path, r.Body)
			}
		}
	})
	t.Run("other methods", func(t *testing.T) {
		for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "PATCH"} {
			for _, path := range []string{"/", "/more", "/none"} {
				r := site.ask(method, path+"?run=R1", "Content-Length: 0")
				if refused(t, r, method+" "+path, http.StatusMethodNotAllowed); r.Header.Get("Allow") != "GET, HEAD" {
					t.Errorf("%s allows %q", path, r.Header["Allow"])
				}
			}
		}
	})
	t.Run("other hosts", func(t *testing.T) {
		_, port, _ := net.SplitHostPort(site.Addr)
		for _, host := range []string{"localhost:" + port, "127.0.0.1", "127.0.0.1:8080", "[::1]:" + port, "[::ffff:127.0.0.1]:" + port, "a.localhost:" + port, "evil.example", "evil.example:" + port, ""} {
			r := webtest.Raw(t, site.Addr, "GET /?run=R1 HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
			refused(t, r, "the host "+host, http.StatusMisdirectedRequest)
			if !strings.Contains(r.Body, "answers to the name "+site.Addr+" alone") || strings.Contains(r.Body, "evil") {
				t.Errorf("the host %s is told %s", host, r.Body)
			}
		}
	})
}

// Language: the one asked for, which goes on to the pages beside; else the best
// that the browser accepts.
func TestOtherSiteSpeaks(t *testing.T) {
	site := newSite(t, webtest.TheLab, webtest.TheNeighbour)
	for _, test := range []struct{ query, accepts, want string }{
		{"", "", "en"}, {"", "fr", "en"}, {"", "zh-CN,zh;q=0.9", "zh"},
		{"&lang=zh", "en", "zh"}, {"&lang=en", "zh-CN", "en"}, {"&lang=zh-CN", "en", "zh"},
	} {
		r := site.ask("GET", "/?run=R1"+test.query, "Accept-Language: "+test.accepts)
		html, word := `<html lang="en">`, "You have won"
		if test.want == "zh" {
			html, word = `<html lang="zh-Hans">`, "领取奖品"
		}
		if got := r.Header.Get("Content-Language"); r.Status != http.StatusOK || got != test.want || !strings.Contains(r.Body, html) || !strings.Contains(r.Body, word) {
			t.Errorf("lang %q, Accept-Language %q: %d in %q", test.query, test.accepts, r.Status, got)
		}
	}
	if got := requestsOf(site.ask("GET", "/?run=R1&lang=zh").Body); !slices.Contains(got, "/more?lang=zh&run=R1") || !slices.Contains(got, "/?lang=en&run=R1") {
		t.Errorf("the language does not go on: %q", got)
	}
	for _, query := range []string{"lang=fr", "lang=", "lang=%3Cb%3E", "lang=zh&lang=en"} {
		if r := site.ask("GET", "/?run=R1&"+query); r.Status != http.StatusBadRequest || r.Header.Get("Content-Language") == "" {
			t.Errorf("%s is answered %d", query, r.Status)
		}
	}
	if r := site.ask("GET", "/none?lang=zh"); r.Header.Get("Content-Language") != "zh" || !strings.Contains(r.Body, "这个地址什么也没有") {
		t.Errorf("an error speaks %q", r.Header.Get("Content-Language"))
	}
}

// A browser goes by the host alone, so a site with the lab's is no other site.
func TestNewOtherSite(t *testing.T) {
	for _, test := range []struct {
		address, lab string
		works, same  bool
	}{
		{"http://127.0.0.1:8081", "http://localhost:8080", true, false},
		{"http://localhost:8081", "http://127.0.0.1:8080", true, false},
		{"http://[::1]:8081", "http://127.0.0.1:8080", true, false},
		{"http://127.0.0.1:8081", "http://[::1]:8080", true, false},
		{"http://127.0.0.1:8081", "http://127.0.0.1:8080", false, true},
		{"http://LocalHost:8081", "http://localhost:8080", false, true},
		{"127.0.0.1:8081", "http://localhost:8080", false, false},
		{"http://127.0.0.1:8081/", "http://localhost:8080", false, false},
		{"http://127.0.0.1:8081", "", false, false},
		{"http://127.0.0.1:8081", "http://localhost:8080; script-src *", false, false},
	} {
		site, err := othersite.New(othersite.Config{Assets: webtest.AssetsOf(sessions.EngineDB), Address: test.address, Lab: test.lab})
		if (err == nil) != test.works || (site != nil) != test.works || errors.Is(err, othersite.ErrSameSite) != test.same {
			t.Errorf("%s beside %s: %v", test.address, test.lab, err)
		}
	}
	// A policy cannot name an IPv6 address; the browser would let nothing through.
	policy := newSite(t, "http://[::1]:8080", "").ask("GET", "/").Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "form-action http:;") {
		t.Errorf("the policy for a lab on [::1] is %s", policy)
	}
}

// The neighbour is the lab's other server, which posts to this one's port under
// the host that was asked: the same site.
func TestNeighbour(t *testing.T) {
	lab := webtest.New(t)
	lab.Site.Server, lab.Site.Others = "B", []input.Server{{Server: "A", Port: "8080"}}
	lab.Router.Get("/play/neighbour", webtest.Asset, othersite.NewNeighbour(lab.Site).Get)
	_, port, _ := net.SplitHostPort(lab.Addr)
	for _, host := range []string{"localhost", "127.0.0.1", "x.app.localhost"} {
		r := webtest.Raw(t, lab.Addr, "GET /play/neighbour?run=R1&lang=zh HTTP/1.1\r\nHost: "+host+":"+port+"\r\nAccept-Language: en\r\n\r\n")
		first := "http://" + host + ":8080"
		want := []string{
			"POST " + first + "/play/transfer/samesite?run=R1&from=neighbour", "POST " + first + "/play/transfer/metadata?run=R1&from=neighbour",
			first + "/lessons/other-site#observe", "/play/neighbour?lang=en&run=R1",
		}
		if got := requestsOf(r.Body); r.Status != http.StatusOK || !slices.Equal(got, want) {
			t.Errorf("%s answers %d and leads to\n%q, want\n%q", host, r.Status, got, want)
		}
		if !strings.Contains(r.Header.Get("Content-Security-Policy"), "; form-action "+first+"; ") || r.Header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: the headers are %v", host, r.Header)
		}
		if !strings.Contains(r.Body, `<p class="host">`+host+":"+port+`</p>`) || r.Header.Get("Content-Language") != "zh" {
			t.Errorf("%s: it does not say whose page it is, or speaks %q", host, r.Header.Get("Content-Language"))
		}
		if strings.Contains(r.Body, "lab.css") || len(r.Cookies) > 0 {
			t.Errorf("%s: it looks like the lab, or sets %v", host, r.Cookies)
		}
	}
	if r := webtest.Raw(t, lab.Addr, "GET /play/neighbour?run=R1 HTTP/1.1\r\nHost: [::1]:"+port+"\r\n\r\n"); !strings.Contains(r.Header.Get("Content-Security-Policy"), "; form-action http:; ") {
		t.Errorf("the policy under [::1] is %s", r.Header.Get("Content-Security-Policy"))
	}
	if got := requestsOf(lab.Client().Get("/play/neighbour").Body); got[0] != "http://127.0.0.1:8080/lessons" || strings.Contains(strings.Join(got, " "), "/play/transfer") {
		t.Errorf("without a run it leads to %q", got)
	}
	for _, query := range []string{"run=a-b", "run=", "run=a&run=a", "run=a&lang=fr"} {
		r := lab.Client().Get("/play/neighbour?" + query)
		if webtest.Guarded(t, r); r.Status != http.StatusBadRequest {
			t.Errorf("%s is answered %d", query, r.Status)
		}
	}
	if r := lab.Client().Post("/play/neighbour?run=R1", nil); r.Status != http.StatusMethodNotAllowed {
		t.Errorf("a POST is answered %d", r.Status)
	}
}
