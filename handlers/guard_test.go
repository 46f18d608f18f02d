// Guard rails: what holds for every address, method and reply.

package handlers_test

import (
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strings"
	"testing"

	"cookielab/handlers/lanes"
)

// addresses are the lab's own, each with the methods it takes.
func addresses(lab *testLab) map[string][]string {
	found := map[string][]string{}
	for _, route := range lab.Routes() {
		path := strings.NewReplacer(":lane", lanes.Session, ":op", "keys", ":deed", "write", ":slug", "forgets", "*", "lab.css").Replace(route.Path)
		found[path] = append(found[path], route.Method)
	}
	for _, methods := range found {
		sort.Strings(methods)
	}
	return found
}

// guarded complains of a reply that lacks what every reply must have.
func guarded(t *testing.T, r reply) {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
			"form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
		"Referrer-Policy":              "same-origin",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy":           "camera=(), geolocation=(), microphone=()",
	} {
		if got := r.header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
	// Nothing for other origins to read, nothing that outlives the lab on
	// localhost, where all ports share it, nothing that tells of what runs here.
	for name := range r.header {
		if strings.HasPrefix(name, "Access-Control-") ||
			slices.Contains([]string{"Strict-Transport-Security", "Clear-Site-Data", "Server", "X-Powered-By", "X-Xss-Protection"}, name) {
			t.Errorf("%s is sent: %q", name, r.header[name])
		}
	}
	if kind := r.header.Get("Content-Type"); r.body != "" && kind == "" {
		t.Errorf("a body of no type: %.80q", r.body)
	} else if strings.HasPrefix(kind, "text/") && !strings.Contains(strings.ToLower(kind), "charset=utf-8") {
		t.Errorf("Content-Type %q names no charset", kind)
	}
	if static := strings.HasPrefix(r.header.Get("Cache-Control"), "public"); static {
		if len(r.cookies) > 0 || r.header.Get("Vary") != "" {
			t.Errorf("may be kept for everybody, and sets %v, varies by %q", r.cookies, r.header.Get("Vary"))
		}
	} else if r.header.Get("Cache-Control") != "no-store" || r.header.Get("Vary") != "Cookie, Accept-Language" {
		t.Errorf("Cache-Control %q, Vary %q", r.header.Get("Cache-Control"), r.header.Values("Vary"))
	}
}

func TestEveryAddressAndMethod(t *testing.T) {
	lab := newLab(t)
	for path, takes := range addresses(lab) {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "FOO", "get"} {
			t.Run(method+" "+path, func(t *testing.T) {
				answer := raw(t, lab.addr, method+" "+path+" HTTP/1.1\r\nHost: "+lab.addr+"\r\nOrigin: http://"+lab.addr+"\r\nContent-Length: 0\r\n\r\n")
				guarded(t, answer)
				switch {
				case slices.Contains(takes, method):
					if answer.status >= 500 || answer.status == http.StatusMethodNotAllowed || answer.status == http.StatusNotFound {
						t.Errorf("answered %d", answer.status)
					}
					return
				case method == http.MethodOptions:
					if answer.status != http.StatusNoContent {
						t.Errorf("answered %d", answer.status)
					}
				case answer.status != http.StatusMethodNotAllowed:
					t.Errorf("rows 43, 45: answered %d", answer.status)
				}
				allow := strings.Split(answer.header.Get("Allow"), ", ")
				sort.Strings(allow)
				want := append([]string{"OPTIONS"}, takes...)
				if sort.Strings(want); !slices.Equal(allow, want) {
					t.Errorf("Allow is %v, not %v", allow, want)
				}
				if len(answer.cookies) > 0 {
					t.Errorf("sets %v", answer.cookies)
				}
			})
		}
	}
}

// Replies that net/http makes itself, without a handler, are no exception.
func TestOwnRepliesOfTheServer(t *testing.T) {
	lab, site := newLab(t), newOtherSite(t, theLab, theNeighbour)
	for server, addr := range map[string]string{"the lab": lab.addr, "the other site": site.addr} {
		head := "GET /static/other.css HTTP/1.1\r\nHost: " + addr + "\r\n"
		for _, test := range []struct {
			name, request string
			status        int
		}{
			{"no request line", "hello\r\n\r\n", http.StatusBadRequest},
			{"an unknown version", "GET / HTTP/3.7\r\nHost: " + addr + "\r\n\r\n", http.StatusHTTPVersionNotSupported},
			{"a large header", head + "X: " + strings.Repeat("x", 2<<20) + "\r\n\r\n", http.StatusRequestHeaderFieldsTooLarge},
			{"an unknown transfer encoding", head + "Transfer-Encoding: zip\r\n\r\n", http.StatusNotImplemented},
			{"an unknown expectation", head + "Expect: miracles\r\n\r\n", http.StatusExpectationFailed},
		} {
			t.Run(server+": "+test.name, func(t *testing.T) {
				answer := raw(t, addr, test.request)
				if answer.status != test.status {
					t.Errorf("answered %d: %s", answer.status, answer.body)
				}
				guarded(t, answer)
				if answer.header.Get("Cache-Control") != "no-store" {
					t.Error("it may be kept")
				}
			})
		}
	}
	if answer := raw(t, lab.addr, "OPTIONS * HTTP/1.1\r\nHost: "+lab.addr+"\r\n\r\n"); answer.status < 400 {
		t.Errorf("OPTIONS * is answered %d", answer.status)
	} else {
		guarded(t, answer)
	}
}

// Row 44: a reply to HEAD is that to GET without its body.
func TestHeadIsGetWithoutBody(t *testing.T) {
	lab := newLab(t)
	alice := lab.client().signIn("alice")
	alice.drop(notebookCookie) // the wire in it would grow between the two
	for path, takes := range addresses(lab) {
		if !slices.Contains(takes, http.MethodGet) || path == streamPath {
			continue
		}
		for who, c := range map[string]*client{"nobody": lab.client(), "alice": alice} {
			t.Run("row 44: "+path+" for "+who, func(t *testing.T) {
				line := " " + path + " HTTP/1.1\r\nHost: " + lab.addr + "\r\nCookie: " + c.header() + "\r\n\r\n"
				head, get := raw(t, lab.addr, "HEAD"+line), raw(t, lab.addr, "GET"+line)
				// A page that says how long it asked the store may have a digit more in one of the two.
				for tries := 5; tries > 0 && head.header.Get("Content-Length") != fmt.Sprint(len(get.body)); tries-- {
					head, get = raw(t, lab.addr, "HEAD"+line), raw(t, lab.addr, "GET"+line)
				}
				if head.status != get.status || head.body != "" || get.body == "" {
					t.Errorf("HEAD: %d with %d bytes, GET: %d with %d", head.status, len(head.body), get.status, len(get.body))
				}
				if got := head.header.Get("Content-Length"); got != fmt.Sprint(len(get.body)) {
					t.Errorf("HEAD says %s bytes, GET sends %d", got, len(get.body))
				}
				for _, name := range []string{"Content-Type", "Cache-Control", "Etag", "Vary"} {
					if h, g := head.header.Get(name), get.header.Get(name); h != g {
						t.Errorf("%s: HEAD %q, GET %q", name, h, g)
					}
				}
			})
		}
	}
}

func TestStaticFiles(t *testing.T) {
	lab := newLab(t)
	c := lab.client()
	page := c.get("/").body
	for path, kind := range map[string]string{
		"/static/lab.css": "text/css; charset=utf-8", "/static/lab.js": "text/javascript; charset=utf-8",
		"/static/icons.svg": "image/svg+xml", "/static/icon.svg": "image/svg+xml", "/favicon.ico": "image/x-icon",
	} {
		t.Run(path, func(t *testing.T) {
			plain := lab.client().get(path)
			tag := plain.header.Get("Etag")
			if plain.status != http.StatusOK || tag == "" || plain.header.Get("Content-Type") != kind {
				t.Errorf("%d, ETag %q, Content-Type %q", plain.status, tag, plain.header.Get("Content-Type"))
			}
			if got := plain.header.Get("Cache-Control"); got != "public, max-age=3600" {
				t.Errorf("Cache-Control is %q", got)
			}
			version := "?v=" + strings.Trim(tag, `"`)
			if strings.Contains(page, path+"?") && !strings.Contains(page, path+version) {
				t.Error("the pages name another version")
			}
			if got := lab.client().get(path + version).header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
				t.Errorf("with its version, Cache-Control is %q", got)
			}
			if got := lab.client().get(path + "?v=other").header.Get("Cache-Control"); got != "public, max-age=3600" {
				t.Errorf("with another version, Cache-Control is %q", got)
			}
			again := c.get(path, with("If-None-Match", tag))
			if again.status != http.StatusNotModified || again.body != "" || again.header.Get("Etag") != tag {
				t.Errorf("asked again: %d with %d bytes", again.status, len(again.body))
			}
			if changed := c.get(path, with("If-None-Match", `"other"`)); changed.status != http.StatusOK || changed.body != plain.body {
				t.Errorf("asked with another ETag: %d", changed.status)
			}
			if part := c.get(path, with("Range", "bytes=0-3")); part.status != http.StatusPartialContent || part.body != plain.body[:4] {
				t.Errorf("asked for four bytes: %d %q", part.status, part.body)
			}
			for _, answer := range []reply{plain, again} {
				guarded(t, answer)
			}
		})
	}
}

// foreign are requests that another origin began, as a browser marks them.
var foreign = map[string][]func(*http.Request){
	"cross-site":                               {with("Sec-Fetch-Site", "cross-site")},
	"same-site, which is another port":         {with("Sec-Fetch-Site", "same-site")},
	"cross-site, whatever Origin says":         {with("Sec-Fetch-Site", "cross-site"), func(r *http.Request) { r.Header.Set("Origin", "http://"+r.URL.Host) }},
	"without metadata, Origin null":            {with("Sec-Fetch-Site", ""), with("Origin", "null")},
	"without metadata, Origin of another port": {with("Sec-Fetch-Site", ""), with("Origin", "http://127.0.0.1:1")},
	"without metadata, Origin of another site": {with("Sec-Fetch-Site", ""), with("Origin", "http://evil.example")},
	"metadata that no browser sends":           {with("Sec-Fetch-Site", "same-origin, none")},
}

// Row 56: nothing that another origin begins changes anything, though the
// cookies came along.
func TestForeignRequestsChangeNothing(t *testing.T) {
	lab := newLab(t)
	alice := lab.client().signIn("alice")
	alice.post("/act/copy", nil)
	for name, marks := range foreign {
		t.Run("row 56: "+name, func(t *testing.T) {
			before := lab.rows(t)
			for path, takes := range addresses(lab) {
				if !slices.Contains(takes, http.MethodPost) {
					continue
				}
				for _, c := range []*client{alice, lab.client()} {
					request := marks
					if strings.HasPrefix(path, "/api/") {
						request = append([]func(*http.Request){body("application/json", `{"username":"mallory","password":"`+classPassword+`"}`)}, marks...)
					}
					answer := c.post(path, login("mallory"), request...)
					want := http.StatusForbidden
					if strings.HasPrefix(path, "/play/") {
						want = http.StatusGone // that takes them, and changes nothing but the run it names
					}
					if answer.status != want || len(answer.cookies) > 0 {
						t.Errorf("POST %s answered %d with cookies %v", path, answer.status, answer.cookies)
					}
				}
			}
			for _, method := range []string{"PUT", "DELETE", "FOO", "post"} {
				if answer := alice.do(method, "/api/token", append(marks, with("Authorization", "Token "+strings.Repeat("a", 40)))...); answer.status != http.StatusForbidden {
					t.Errorf("row 45: %s of a token counts as safe: %d", method, answer.status)
				}
				if answer := alice.do(method, "/logout", append(marks, body(formType, ""))...); answer.status != http.StatusForbidden {
					t.Errorf("row 45: %s counts as safe: %d", method, answer.status)
				}
			}
			if after := lab.rows(t); after != before {
				t.Errorf("the database changed from\n%s to\n%s", before, after)
			}
			if got := alice.verdicts(); got != everywhere {
				t.Errorf("afterwards the three ways conclude %q", got)
			}
		})
	}
}

func TestOwnRequestsPass(t *testing.T) {
	lab := newLab(t)
	for name, marks := range map[string][]func(*http.Request){
		"of the same origin":                {with("Sec-Fetch-Site", "same-origin")},
		"typed in":                          {with("Sec-Fetch-Site", "none")},
		"without metadata, Origin the same": {with("Sec-Fetch-Site", ""), func(r *http.Request) { r.Header.Set("Origin", "http://"+r.URL.Host) }},
		"of a program, which marks nothing": {with("Sec-Fetch-Site", "")},
	} {
		t.Run(name, func(t *testing.T) {
			if answer := lab.client().post("/login", login("alice"), marks...); answer.status != http.StatusSeeOther {
				t.Errorf("answered %d", answer.status)
			}
		})
	}
}

// GET and HEAD change nothing, whoever asks: reading writes no session.
func TestReadingWritesNoSession(t *testing.T) {
	lab := newLab(t)
	alice := lab.client().signIn("alice")
	lab.sessions.Before = func(op string) error {
		if op != "load" && op != "by owner" {
			t.Errorf("a read asked the store to %s", op)
		}
		return nil
	}
	for path := range addresses(lab) {
		if path == streamPath {
			continue
		}
		for _, c := range []*client{alice, lab.client(), lab.client().carry("lab_sessionid", strings.Repeat("a", 32))} {
			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions} {
				c.do(method, path)
			}
		}
	}
	if lab.sessions.Before = nil; alice.verdicts() != everywhere {
		t.Error("alice is signed out")
	}
}

// Where two guards would refuse a request, the outer one does. So each pair
// tells which of the two stands outside: host · recover · headers · recorder ·
// hold · body limit · cross-origin · handler.
func TestOrderOfTheGuards(t *testing.T) {
	lab := newLab(t)
	lab.Break()
	alice := lab.client().signIn("alice")
	evilHost := func(r *http.Request) { r.Host = "evil.example" }
	tooLong := body(formType, strings.Repeat("x", limit+1))
	crossSite := with("Sec-Fetch-Site", "cross-site")
	exchanges := func() int { return len(lab.WireOf(alice.cookie(notebookCookie))) }

	t.Run("host before recorder: a refused host is not on the wire", func(t *testing.T) {
		before := exchanges()
		alice.get("/dashboard", evilHost)
		if exchanges() != before {
			t.Error("it is")
		}
	})
	t.Run("host before recover: a refused host gets nowhere near a panic", func(t *testing.T) {
		if got := alice.get("/test/panic", evilHost).status; got != http.StatusMisdirectedRequest {
			t.Errorf("answered %d", got)
		}
	})
	t.Run("host before body limit", func(t *testing.T) {
		if got := alice.post("/logout", nil, evilHost, tooLong).status; got != http.StatusMisdirectedRequest {
			t.Errorf("answered %d", got)
		}
	})
	t.Run("host before cross-origin", func(t *testing.T) {
		if got := alice.post("/logout", nil, evilHost, crossSite).status; got != http.StatusMisdirectedRequest {
			t.Errorf("answered %d", got)
		}
	})
	t.Run("recover before hold: of a panic nothing is saved and nothing half sent", func(t *testing.T) {
		before, answer := lab.rows(t), alice.get("/test/panic")
		if answer.status != http.StatusInternalServerError || answer.header.Get("Half-Done") != "" || len(answer.cookies) > 0 || lab.rows(t) != before {
			t.Errorf("answered %d with %v", answer.status, answer.header)
		}
		guarded(t, answer)
	})
	t.Run("recorder before hold: the wire has what left, not what the handler wrote", func(t *testing.T) {
		alice.get("/test/failure")
		wire := lab.WireOf(alice.cookie(notebookCookie))
		last := wire[len(wire)-1]
		if last.Target != "/test/failure" || last.Status != http.StatusInternalServerError || len(last.SetCookie) > 0 {
			t.Errorf("%s %d %v", last.Target, last.Status, last.SetCookie)
		}
	})
	t.Run("hold before body limit: a refused form is on the wire, whole", func(t *testing.T) {
		alice.post("/logout", nil, tooLong)
		wire := lab.WireOf(alice.cookie(notebookCookie))
		if last := wire[len(wire)-1]; last.Target != "/logout" || last.Status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s %d", last.Target, last.Status)
		}
	})
	t.Run("body limit before cross-origin", func(t *testing.T) {
		if got := alice.post("/logout", nil, tooLong, crossSite).status; got != http.StatusRequestEntityTooLarge {
			t.Errorf("answered %d", got)
		}
	})
	t.Run("cross-origin before handler", func(t *testing.T) {
		if got := alice.post("/act/flip/no-such-way", nil, crossSite).status; got != http.StatusForbidden {
			t.Errorf("answered %d", got)
		}
		if got := alice.post("/act/flip/no-such-way", nil).status; got != http.StatusNotFound {
			t.Errorf("without it, answered %d", got)
		}
	})
	t.Run("in full: so the stack of a panic passes through them", func(t *testing.T) {
		alice.get("/test/panic")
		stack := lab.log.String() // innermost first
		at := len(stack)
		guards := []string{"CheckHost", "RecoverPanic", "WithSecureHeaders", "Record", "Hold", "Open", "ReadForm", "SameOrigin", "Break"}
		for _, guard := range guards {
			next := strings.LastIndex(stack[:at], guard+".func")
			if next < 0 {
				t.Fatalf("%s is not inside the one before: %v", guard, guards)
			}
			at = next
		}
	})
	if got := alice.verdicts(); got != everywhere {
		t.Errorf("afterwards the three ways conclude %q", got)
	}
}
