// The other site and the neighbour: foreign pages that send requests to the lab,
// know nothing of it, and look like nothing of it.

package handlers_test

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cookielab/handlers"
	"cookielab/handlers/input"
	"cookielab/handlers/othersite"
	"cookielab/handlers/serve"
	"cookielab/handlers/web"
	"cookielab/sessions"
)

// otherSite is another site that serves until the test ends.
type otherSite struct {
	t    testing.TB
	addr string // 127.0.0.1 and a port
}

// newOtherSite starts one beside a lab that need not be there.
func newOtherSite(t testing.TB, lab, neighbour string) otherSite {
	t.Helper()
	at, _, err := serve.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	site, err := othersite.New(othersite.Config{
		Assets: assetsOf(sessions.EngineDB), Address: at.URL(), Lab: lab, Neighbour: neighbour,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := serve.NewServer(at, site, web.SecureHeaders(), slog.New(slog.DiscardHandler))
	go func() { _ = server.Serve() }()
	t.Cleanup(func() { _ = server.Close() })
	return otherSite{t, net.JoinHostPort(at.Host, at.Port)}
}

// ask sends a request with these further lines in its header.
func (s otherSite) ask(method, path string, lines ...string) reply {
	s.t.Helper()
	header := slices.Concat([]string{method + " " + path + " HTTP/1.1", "Host: " + s.addr}, lines, []string{"", ""})
	return raw(s.t, s.addr, strings.Join(header, "\r\n"))
}

const (
	theLab       = "http://localhost:8080"
	theNeighbour = "http://localhost:8082"
)

// requestsOf are the addresses that a page leads to or loads from, but its own
// style, script and icon: "POST http://…" for a form's.
func requestsOf(page string) (requests []string) {
	for _, tag := range tagsIn(page) {
		for _, a := range tag.attributes {
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
	site := newOtherSite(t, theLab, theNeighbour)
	forged := []string{
		"POST " + theLab + "/play/transfer/none?run=R1z&from=more", "POST " + theLab + "/play/transfer/samesite?run=R1z&from=more",
		"POST " + theLab + "/play/transfer/token?run=R1z&from=more", "POST " + theLab + "/play/transfer/metadata?run=R1z&from=more",
	}
	for path, want := range map[string][]string{
		"/": {
			theLab + "/play/hello?run=R1z&how=link", "POST " + theLab + "/play/transfer/samesite?run=R1z", "/more?run=R1z",
			theLab + "/lessons/other-site#observe", "/?lang=zh&run=R1z",
		},
		"/more": slices.Concat([]string{
			theLab + "/play/cookies?run=R1z&how=link", "POST " + theLab + "/play/cookies?run=R1z&how=form",
			theLab + "/play/cookies?run=R1z&how=img", theLab + "/play/cookies?run=R1z&how=frame", theLab + "/play/cookies?run=R1z&how=fetch",
		}, forged, []string{
			theNeighbour + "/play/neighbour?run=R1z", "/?run=R1z", theLab + "/lessons/other-site#observe", "/more?lang=zh&run=R1z",
		}),
		"/token": {"POST " + theLab + "/play/api?run=R1z&from=other", theLab + "/lessons/token#observe", "/token?lang=zh&run=R1z"},
	} {
		r := site.ask("GET", path+"?run=R1z")
		site.guarded(path, r)
		if got := requestsOf(r.body); r.status != http.StatusOK || !slices.Equal(got, want) {
			t.Errorf("%s answers %d and leads to\n%q, want\n%q", path, r.status, got, want)
		}
		if !strings.Contains(r.body, `<p class="host">`+site.addr+`</p>`) {
			t.Errorf("%s does not say whose page it is", path)
		}
		if head := site.ask("HEAD", path+"?run=R1z"); head.status != http.StatusOK || head.body != "" {
			t.Errorf("HEAD %s answers %d: %q", path, head.status, head.body)
		}
	}
	t.Run("what its forms hide stands on the page", func(t *testing.T) {
		for path, where := range map[string]string{"/": "/play/transfer/samesite", "/token": "/play/api"} {
			page := site.ask("GET", path+"?run=R1z").body
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
		if page := newOtherSite(t, theLab, "").ask("GET", "/more?run=R1z").body; strings.Contains(page, "neighbour") {
			t.Error("it leads to a neighbour")
		}
	})
	t.Run("without a run it only says where to begin", func(t *testing.T) {
		for _, path := range []string{"/", "/more", "/token"} {
			r := site.ask("GET", path)
			site.guarded(path, r)
			got := requestsOf(r.body)
			if r.status != http.StatusOK || got[0] != theLab+"/lessons" || strings.Contains(strings.Join(got, " "), "/play/") {
				t.Errorf("%s answers %d and leads to %q", path, r.status, got)
			}
		}
	})
}

// guarded complains of an answer without the site's own headers, or with a cookie.
func (s otherSite) guarded(path string, r reply) {
	s.t.Helper()
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' " + theLab + "; frame-src " + theLab +
			"; connect-src " + theLab + "; form-action " + theLab + "; base-uri 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options": "nosniff",
		"X-Frame-Options":        "DENY",
		"Referrer-Policy":        "same-origin",
		"Cache-Control":          "no-store",
		"Vary":                   "Accept-Language",
		"Content-Type":           "text/html; charset=UTF-8",
	} {
		if got := r.header.Values(name); len(got) != 1 || got[0] != want {
			s.t.Errorf("%s: %s is %q, not %q", path, name, got, want)
		}
	}
	if len(r.header["Set-Cookie"]) > 0 {
		s.t.Errorf("%s sets %v", path, r.cookies)
	}
	if strings.Contains(r.body, "⟨") || strings.Contains(r.body, "{{") || !strings.HasSuffix(strings.TrimSpace(r.body), "</html>") {
		s.t.Errorf("%s is unfinished: %s", path, r.body)
	}
}

// It has no memory and asks for none: cookies change nothing.
func TestOtherSiteKnowsNobody(t *testing.T) {
	site := newOtherSite(t, theLab, theNeighbour)
	for _, path := range []string{"/?run=R1", "/more?run=R1", "/token?run=R1", "/", "/none", "/?run=-"} {
		plain := site.ask("GET", path)
		known := site.ask("GET", path, "Cookie: lab_notebook=x; lab_sessionid=y; plain_user=user=alice&role=student", "Authorization: Token z", "Referer: "+theLab+"/login")
		plain.header.Del("Date")
		known.header.Del("Date")
		if plain.body != known.body || plain.status != known.status || len(known.cookies) > 0 {
			t.Errorf("%s looks at who asks: %d, %d", path, plain.status, known.status)
		}
	}
}

func TestOtherSiteRefuses(t *testing.T) {
	site := newOtherSite(t, theLab, theNeighbour)
	refused := func(t *testing.T, r reply, what string, status int) {
		t.Helper()
		if r.status != status {
			t.Errorf("%s is answered %d, not %d", what, r.status, status)
		}
		site.guarded(what, r)
		if strings.Contains(r.body, "/play/") {
			t.Errorf("the answer to %s sends requests", what)
		}
	}
	t.Run("what is no run", func(t *testing.T) {
		for _, query := range []string{"run=", "run=a-b", "run=%3Cb%3E", "run=" + strings.Repeat("x", 65), "run=a%20", "run=%E6%B1%89", "run=a&run=b", "run=%zz", "run=a;b", "run=a%00"} {
			for _, path := range []string{"/", "/more", "/token"} {
				refused(t, site.ask("GET", path+"?"+query), path+"?"+query, http.StatusBadRequest)
			}
		}
		if r := site.ask("GET", "/?run="+strings.Repeat("x", 64)); r.status != http.StatusOK {
			t.Errorf("a run of 64 characters is answered %d", r.status)
		}
	})
	t.Run("what is not there, as a page of its own", func(t *testing.T) {
		for _, path := range []string{"/none", "/login", "/dashboard", "/lessons", "/play/hello", "/api/lanes", "/static/lab.css", "/static/lab.js", "/static/", "/favicon.ico", "/more/"} {
			r := site.ask("GET", path)
			refused(t, r, path, http.StatusNotFound)
			if !strings.Contains(r.body, "There is nothing at this address.") || !strings.Contains(r.body, `<p class="host">`) {
				t.Errorf("%s says %s", path, r.body)
			}
		}
	})
	t.Run("other methods", func(t *testing.T) {
		for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "PATCH"} {
			for _, path := range []string{"/", "/more", "/none"} {
				r := site.ask(method, path+"?run=R1", "Content-Length: 0")
				if refused(t, r, method+" "+path, http.StatusMethodNotAllowed); r.header.Get("Allow") != "GET, HEAD" {
					t.Errorf("%s allows %q", path, r.header["Allow"])
				}
			}
		}
	})
	t.Run("other hosts", func(t *testing.T) {
		_, port, _ := net.SplitHostPort(site.addr)
		for _, host := range []string{"localhost:" + port, "127.0.0.1", "127.0.0.1:8080", "[::1]:" + port, "[::ffff:127.0.0.1]:" + port, "a.localhost:" + port, "evil.example", "evil.example:" + port, ""} {
			r := raw(t, site.addr, "GET /?run=R1 HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
			refused(t, r, "the host "+host, http.StatusMisdirectedRequest)
			if !strings.Contains(r.body, "answers to the name "+site.addr+" alone") || strings.Contains(r.body, "evil") {
				t.Errorf("the host %s is told %s", host, r.body)
			}
		}
	})
}

// Language: the one asked for, which goes on to the pages beside; else the best
// that the browser accepts.
func TestOtherSiteSpeaks(t *testing.T) {
	site := newOtherSite(t, theLab, theNeighbour)
	for _, test := range []struct{ query, accepts, want string }{
		{"", "", "en"}, {"", "fr", "en"}, {"", "zh-CN,zh;q=0.9", "zh"},
		{"&lang=zh", "en", "zh"}, {"&lang=en", "zh-CN", "en"}, {"&lang=zh-CN", "en", "zh"},
	} {
		r := site.ask("GET", "/?run=R1"+test.query, "Accept-Language: "+test.accepts)
		html, word := `<html lang="en">`, "You have won"
		if test.want == "zh" {
			html, word = `<html lang="zh-Hans">`, "领取奖品"
		}
		if got := r.header.Get("Content-Language"); r.status != http.StatusOK || got != test.want || !strings.Contains(r.body, html) || !strings.Contains(r.body, word) {
			t.Errorf("lang %q, Accept-Language %q: %d in %q", test.query, test.accepts, r.status, got)
		}
	}
	if got := requestsOf(site.ask("GET", "/?run=R1&lang=zh").body); !slices.Contains(got, "/more?lang=zh&run=R1") || !slices.Contains(got, "/?lang=en&run=R1") {
		t.Errorf("the language does not go on: %q", got)
	}
	for _, query := range []string{"lang=fr", "lang=", "lang=%3Cb%3E", "lang=zh&lang=en"} {
		if r := site.ask("GET", "/?run=R1&"+query); r.status != http.StatusBadRequest || r.header.Get("Content-Language") == "" {
			t.Errorf("%s is answered %d", query, r.status)
		}
	}
	if r := site.ask("GET", "/none?lang=zh"); r.header.Get("Content-Language") != "zh" || !strings.Contains(r.body, "这个地址什么也没有") {
		t.Errorf("an error speaks %q", r.header.Get("Content-Language"))
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
		site, err := othersite.New(othersite.Config{Assets: assetsOf(sessions.EngineDB), Address: test.address, Lab: test.lab})
		if (err == nil) != test.works || (site != nil) != test.works || errors.Is(err, othersite.ErrSameSite) != test.same {
			t.Errorf("%s beside %s: %v", test.address, test.lab, err)
		}
	}
	// A policy cannot name an IPv6 address; the browser would let nothing through.
	policy := newOtherSite(t, "http://[::1]:8080", "").ask("GET", "/").header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "form-action http:;") {
		t.Errorf("the policy for a lab on [::1] is %s", policy)
	}
}

// The neighbour is the lab's other server, which posts to this one's port under
// the host that was asked: the same site.
func TestNeighbour(t *testing.T) {
	lab := newLab(t, func(c *handlers.Config) {
		c.Server, c.Others = "B", []input.Server{{Server: "A", Port: "8080"}}
	})
	_, port, _ := net.SplitHostPort(lab.addr)
	for _, host := range []string{"localhost", "127.0.0.1", "x.app.localhost"} {
		r := raw(t, lab.addr, "GET /play/neighbour?run=R1&lang=zh HTTP/1.1\r\nHost: "+host+":"+port+"\r\nAccept-Language: en\r\n\r\n")
		first := "http://" + host + ":8080"
		want := []string{
			"POST " + first + "/play/transfer/samesite?run=R1&from=neighbour", "POST " + first + "/play/transfer/metadata?run=R1&from=neighbour",
			first + "/lessons/other-site#observe", "/play/neighbour?lang=en&run=R1",
		}
		if got := requestsOf(r.body); r.status != http.StatusOK || !slices.Equal(got, want) {
			t.Errorf("%s answers %d and leads to\n%q, want\n%q", host, r.status, got, want)
		}
		if !strings.Contains(r.header.Get("Content-Security-Policy"), "; form-action "+first+"; ") || r.header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: the headers are %v", host, r.header)
		}
		if !strings.Contains(r.body, `<p class="host">`+host+":"+port+`</p>`) || r.header.Get("Content-Language") != "zh" {
			t.Errorf("%s: it does not say whose page it is, or speaks %q", host, r.header.Get("Content-Language"))
		}
		if strings.Contains(r.body, "lab.css") || len(r.cookies) > 0 {
			t.Errorf("%s: it looks like the lab, or sets %v", host, r.cookies)
		}
	}
	if r := raw(t, lab.addr, "GET /play/neighbour?run=R1 HTTP/1.1\r\nHost: [::1]:"+port+"\r\n\r\n"); !strings.Contains(r.header.Get("Content-Security-Policy"), "; form-action http:; ") {
		t.Errorf("the policy under [::1] is %s", r.header.Get("Content-Security-Policy"))
	}
	if got := requestsOf(lab.client().get("/play/neighbour").body); got[0] != "http://127.0.0.1:8080/lessons" || strings.Contains(strings.Join(got, " "), "/play/transfer") {
		t.Errorf("without a run it leads to %q", got)
	}
	for _, query := range []string{"run=a-b", "run=", "run=a&run=a", "run=a&lang=fr"} {
		r := lab.client().get("/play/neighbour?" + query)
		if guarded(t, r); r.status != http.StatusBadRequest {
			t.Errorf("%s is answered %d", query, r.status)
		}
	}
	if r := lab.client().post("/play/neighbour?run=R1", nil); r.status != http.StatusMethodNotAllowed {
		t.Errorf("a POST is answered %d", r.status)
	}
	if r := newLab(t).client().get("/play/neighbour?run=R1"); r.status != http.StatusNotFound {
		t.Errorf("a server that is alone has a neighbour: %d", r.status)
	}
}

// Nothing of the lab's looks: no style sheet, no class, no part; one type and
// colours of its own, which can be read from the last row.
func TestOtherSiteLooksForeign(t *testing.T) {
	ours := map[string]bool{}
	class := regexp.MustCompile(`\.([a-zA-Z][\w-]*)`)
	for _, d := range readStyles(t) {
		for _, match := range class.FindAllStringSubmatch(d.selector, -1) {
			ours[match[1]] = true
		}
	}
	files, err := filepath.Glob("../templates/other/*.html")
	if err != nil || len(files) < 6 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, tag := range tagsIn(string(text)) {
			for _, a := range tag.attributes {
				for name := range strings.FieldsSeq(a[1]) {
					if a[0] == "class" && ours[name] {
						t.Errorf("%s has the lab's class %s", file, name)
					}
				}
			}
		}
		for _, match := range regexp.MustCompile(`static "([^"]*)"`).FindAllStringSubmatch(string(text), -1) {
			if !strings.HasPrefix(match[1], "other.") {
				t.Errorf("%s uses %s", file, match[1])
			}
		}
	}
	colours := map[string]rgb{}
	size := regexp.MustCompile(`\b([\d.]+)px\b`)
	for _, d := range readStyle(t, "../static/"+otherStyle) {
		if name, custom := strings.CutPrefix(d.property, "--"); custom && strings.HasPrefix(d.value, "#") {
			colours[name] = readColour(t, d.value)
		} else if !d.root() && (hexColour.MatchString(d.value) || colourFunction.MatchString(d.value)) {
			t.Errorf("%s: a colour outside of :root", d)
		}
		if found := size.FindStringSubmatch(d.value); found != nil && (d.property == "font-size" || d.property == "font") && (len(found[1]) < 2 || found[1] < "16") {
			t.Errorf("%s: nothing is under 16 px", d)
		}
		if d.selector == ".host" && d.property == "font-size" && d.value != "36px" {
			t.Errorf("the host's name is of %s", d.value)
		}
	}
	for _, p := range []pair{{"text", "paper"}, {"text", "box"}, {"quiet", "paper"}, {"loud", "paper"}} {
		if got := contrast(colours[p.text], colours[p.ground]); got < contrastAA {
			t.Errorf("%s on %s is %.2f", p.text, p.ground, got)
		}
	}
	if colours["paper"] != (rgb{255, 255, 255}) {
		t.Errorf("its paper is %v", colours["paper"])
	}
}
