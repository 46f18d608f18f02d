// Guard rails: what holds for every address, method and reply.

package handlers_test

import (
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strings"
	"testing"

	"cookielab/handlers/labtest"
	"cookielab/handlers/lanes"
	"cookielab/handlers/webtest"
)

// addresses are the lab's own, each with the methods it takes.
func addresses(lab *labtest.Lab) map[string][]string {
	found := map[string][]string{}
	for _, route := range lab.Routes() {
		path := strings.NewReplacer(":lane", lanes.Session, ":op", "keys", ":action", "write", ":slug", "forgets", "*", "lab.css").Replace(route.Path)
		found[path] = append(found[path], route.Method)
	}
	for _, methods := range found {
		sort.Strings(methods)
	}
	return found
}

func TestEveryAddressAndMethod(t *testing.T) {
	lab := labtest.New(t)
	for path, takes := range addresses(lab) {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "FOO", "get"} {
			t.Run(method+" "+path, func(t *testing.T) {
				answer := webtest.Raw(t, lab.Addr, method+" "+path+" HTTP/1.1\r\nHost: "+lab.Addr+"\r\nOrigin: http://"+lab.Addr+"\r\nContent-Length: 0\r\n\r\n")
				webtest.Guarded(t, answer)
				switch {
				case slices.Contains(takes, method):
					if answer.Status >= 500 || answer.Status == http.StatusMethodNotAllowed || answer.Status == http.StatusNotFound {
						t.Errorf("answered %d", answer.Status)
					}
					return
				case method == http.MethodOptions:
					if answer.Status != http.StatusNoContent {
						t.Errorf("answered %d", answer.Status)
					}
				case answer.Status != http.StatusMethodNotAllowed:
					t.Errorf("rows 43, 45: answered %d", answer.Status)
				}
				allow := strings.Split(answer.Header.Get("Allow"), ", ")
				sort.Strings(allow)
				want := append([]string{"OPTIONS"}, takes...)
				if sort.Strings(want); !slices.Equal(allow, want) {
					t.Errorf("Allow is %v, not %v", allow, want)
				}
				if len(answer.Cookies) > 0 {
					t.Errorf("sets %v", answer.Cookies)
				}
			})
		}
	}
}

// Replies that net/http makes itself, without a handler, are no exception.
func TestOwnRepliesOfTheServer(t *testing.T) {
	lab, site := labtest.New(t), labtest.NewOtherSite(t, webtest.TheLab, webtest.TheNeighbour)
	for server, addr := range map[string]string{"the lab": lab.Addr, "the other site": site} {
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
				answer := webtest.Raw(t, addr, test.request)
				if answer.Status != test.status {
					t.Errorf("answered %d: %s", answer.Status, answer.Body)
				}
				webtest.Guarded(t, answer)
				if answer.Header.Get("Cache-Control") != "no-store" {
					t.Error("it may be kept")
				}
			})
		}
	}
	if answer := webtest.Raw(t, lab.Addr, "OPTIONS * HTTP/1.1\r\nHost: "+lab.Addr+"\r\n\r\n"); answer.Status < 400 {
		t.Errorf("OPTIONS * is answered %d", answer.Status)
	} else {
		webtest.Guarded(t, answer)
	}
}

// Row 44: a reply to HEAD is that to GET without its body.
func TestHeadIsGetWithoutBody(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	alice.Drop(webtest.NotebookCookie) // the wire in it would grow between the two
	for path, takes := range addresses(lab) {
		if !slices.Contains(takes, http.MethodGet) || path == webtest.StreamPath {
			continue
		}
		for who, c := range map[string]*webtest.Client{"nobody": lab.Client(), "alice": alice} {
			t.Run("row 44: "+path+" for "+who, func(t *testing.T) {
				line := " " + path + " HTTP/1.1\r\nHost: " + lab.Addr + "\r\nCookie: " + c.Header() + "\r\n\r\n"
				head, get := webtest.Raw(t, lab.Addr, "HEAD"+line), webtest.Raw(t, lab.Addr, "GET"+line)
				// A page that says how long it asked the store may have a digit more in one of the two.
				for tries := 5; tries > 0 && head.Header.Get("Content-Length") != fmt.Sprint(len(get.Body)); tries-- {
					head, get = webtest.Raw(t, lab.Addr, "HEAD"+line), webtest.Raw(t, lab.Addr, "GET"+line)
				}
				if head.Status != get.Status || head.Body != "" || get.Body == "" {
					t.Errorf("HEAD: %d with %d bytes, GET: %d with %d", head.Status, len(head.Body), get.Status, len(get.Body))
				}
				if got := head.Header.Get("Content-Length"); got != fmt.Sprint(len(get.Body)) {
					t.Errorf("HEAD says %s bytes, GET sends %d", got, len(get.Body))
				}
				for _, name := range []string{"Content-Type", "Cache-Control", "Etag", "Vary"} {
					if h, g := head.Header.Get(name), get.Header.Get(name); h != g {
						t.Errorf("%s: HEAD %q, GET %q", name, h, g)
					}
				}
			})
		}
	}
}

func TestStaticFiles(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client()
	page := c.Get("/").Body
	for path, kind := range map[string]string{
		"/static/lab.css": "text/css; charset=utf-8", "/static/lab.js": "text/javascript; charset=utf-8",
		"/static/icons.svg": "image/svg+xml", "/static/icon.svg": "image/svg+xml", "/favicon.ico": "image/x-icon",
	} {
		t.Run(path, func(t *testing.T) {
			plain := lab.Client().Get(path)
			tag := plain.Header.Get("Etag")
			if plain.Status != http.StatusOK || tag == "" || plain.Header.Get("Content-Type") != kind {
				t.Errorf("%d, ETag %q, Content-Type %q", plain.Status, tag, plain.Header.Get("Content-Type"))
			}
			if got := plain.Header.Get("Cache-Control"); got != "public, max-age=3600" {
				t.Errorf("Cache-Control is %q", got)
			}
			version := "?v=" + strings.Trim(tag, `"`)
			if strings.Contains(page, path+"?") && !strings.Contains(page, path+version) {
				t.Error("the pages name another version")
			}
			if got := lab.Client().Get(path + version).Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
				t.Errorf("with its version, Cache-Control is %q", got)
			}
			if got := lab.Client().Get(path + "?v=other").Header.Get("Cache-Control"); got != "public, max-age=3600" {
				t.Errorf("with another version, Cache-Control is %q", got)
			}
			again := c.Get(path, webtest.With("If-None-Match", tag))
			if again.Status != http.StatusNotModified || again.Body != "" || again.Header.Get("Etag") != tag {
				t.Errorf("asked again: %d with %d bytes", again.Status, len(again.Body))
			}
			if changed := c.Get(path, webtest.With("If-None-Match", `"other"`)); changed.Status != http.StatusOK || changed.Body != plain.Body {
				t.Errorf("asked with another ETag: %d", changed.Status)
			}
			if part := c.Get(path, webtest.With("Range", "bytes=0-3")); part.Status != http.StatusPartialContent || part.Body != plain.Body[:4] {
				t.Errorf("asked for four bytes: %d %q", part.Status, part.Body)
			}
			for _, answer := range []webtest.Reply{plain, again} {
				webtest.Guarded(t, answer)
			}
		})
	}
}

// foreign are requests that another origin began, as a browser marks them.
var foreign = map[string][]func(*http.Request){
	"cross-site":                               {webtest.With("Sec-Fetch-Site", "cross-site")},
	"same-site, which is another port":         {webtest.With("Sec-Fetch-Site", "same-site")},
	"cross-site, whatever Origin says":         {webtest.With("Sec-Fetch-Site", "cross-site"), func(r *http.Request) { r.Header.Set("Origin", "http://"+r.URL.Host) }},
	"without metadata, Origin null":            {webtest.With("Sec-Fetch-Site", ""), webtest.With("Origin", "null")},
	"without metadata, Origin of another port": {webtest.With("Sec-Fetch-Site", ""), webtest.With("Origin", "http://127.0.0.1:1")},
	"without metadata, Origin of another site": {webtest.With("Sec-Fetch-Site", ""), webtest.With("Origin", "http://evil.example")},
	"metadata that no browser sends":           {webtest.With("Sec-Fetch-Site", "same-origin, none")},
}

// Row 56: nothing that another origin begins changes anything, though the
// cookies came along.
func TestForeignRequestsChangeNothing(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	alice.Post("/act/copy", nil)
	for name, marks := range foreign {
		t.Run("row 56: "+name, func(t *testing.T) {
			before := lab.Rows(t)
			for path, takes := range addresses(lab) {
				if !slices.Contains(takes, http.MethodPost) {
					continue
				}
				for _, c := range []*webtest.Client{alice, lab.Client()} {
					request := marks
					if strings.HasPrefix(path, "/api/") {
						request = append([]func(*http.Request){webtest.Body("application/json", `{"username":"mallory","password":"`+webtest.ClassPassword+`"}`)}, marks...)
					}
					answer := c.Post(path, webtest.Login("mallory"), request...)
					want := http.StatusForbidden
					if strings.HasPrefix(path, "/play/") {
						want = http.StatusGone // that takes them, and changes nothing but the run it names
					}
					if answer.Status != want || len(answer.Cookies) > 0 {
						t.Errorf("POST %s answered %d with cookies %v", path, answer.Status, answer.Cookies)
					}
				}
			}
			for _, method := range []string{"PUT", "DELETE", "FOO", "post"} {
				if answer := alice.Do(method, "/api/token", append(marks, webtest.With("Authorization", "Token "+strings.Repeat("a", 40)))...); answer.Status != http.StatusForbidden {
					t.Errorf("row 45: %s of a token counts as safe: %d", method, answer.Status)
				}
				if answer := alice.Do(method, "/logout", append(marks, webtest.Body(webtest.FormType, ""))...); answer.Status != http.StatusForbidden {
					t.Errorf("row 45: %s counts as safe: %d", method, answer.Status)
				}
			}
			if after := lab.Rows(t); after != before {
				t.Errorf("the database changed from\n%s to\n%s", before, after)
			}
			if got := alice.Verdicts(); got != webtest.Everywhere {
				t.Errorf("afterwards the three ways conclude %q", got)
			}
		})
	}
}

func TestOwnRequestsPass(t *testing.T) {
	lab := labtest.New(t)
	for name, marks := range map[string][]func(*http.Request){
		"of the same origin":                {webtest.With("Sec-Fetch-Site", "same-origin")},
		"typed in":                          {webtest.With("Sec-Fetch-Site", "none")},
		"without metadata, Origin the same": {webtest.With("Sec-Fetch-Site", ""), func(r *http.Request) { r.Header.Set("Origin", "http://"+r.URL.Host) }},
		"of a program, which marks nothing": {webtest.With("Sec-Fetch-Site", "")},
	} {
		t.Run(name, func(t *testing.T) {
			if answer := lab.Client().Post("/login", webtest.Login("alice"), marks...); answer.Status != http.StatusSeeOther {
				t.Errorf("answered %d", answer.Status)
			}
		})
	}
}

// GET and HEAD change nothing, whoever asks: reading writes no session.
func TestReadingWritesNoSession(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	lab.Sessions.Before = func(op string) error {
		if op != "load" && op != "by owner" {
			t.Errorf("a read asked the store to %s", op)
		}
		return nil
	}
	for path := range addresses(lab) {
		if path == webtest.StreamPath {
			continue
		}
		for _, c := range []*webtest.Client{alice, lab.Client(), lab.Client().Carry("lab_sessionid", strings.Repeat("a", 32))} {
			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions} {
				c.Do(method, path)
			}
		}
	}
	if lab.Sessions.Before = nil; alice.Verdicts() != webtest.Everywhere {
		t.Error("alice is signed out")
	}
}

// Where two guards would refuse a request, the outer one does. So each pair
// tells which of the two stands outside: host · recover · headers · recorder ·
// hold · body limit · cross-origin · handler.
func TestOrderOfTheGuards(t *testing.T) {
	lab := labtest.New(t)
	lab.Break()
	alice := lab.Client().SignIn("alice")
	evilHost := func(r *http.Request) { r.Host = "evil.example" }
	tooLong := webtest.Body(webtest.FormType, strings.Repeat("x", webtest.Limit+1))
	crossSite := webtest.With("Sec-Fetch-Site", "cross-site")
	exchanges := func() int { return len(lab.WireOf(alice.Cookie(webtest.NotebookCookie))) }

	t.Run("host before recorder: a refused host is not on the wire", func(t *testing.T) {
		before := exchanges()
		alice.Get("/dashboard", evilHost)
		if exchanges() != before {
			t.Error("it is")
		}
	})
	t.Run("host before recover: a refused host gets nowhere near a panic", func(t *testing.T) {
		if got := alice.Get("/test/panic", evilHost).Status; got != http.StatusMisdirectedRequest {
			t.Errorf("answered %d", got)
		}
	})
	t.Run("host before body limit", func(t *testing.T) {
		if got := alice.Post("/logout", nil, evilHost, tooLong).Status; got != http.StatusMisdirectedRequest {
			t.Errorf("answered %d", got)
		}
	})
	t.Run("host before cross-origin", func(t *testing.T) {
		if got := alice.Post("/logout", nil, evilHost, crossSite).Status; got != http.StatusMisdirectedRequest {
			t.Errorf("answered %d", got)
		}
	})
	t.Run("recover before hold: of a panic nothing is saved and nothing half sent", func(t *testing.T) {
		before, answer := lab.Rows(t), alice.Get("/test/panic")
		if answer.Status != http.StatusInternalServerError || answer.Header.Get("Half-Done") != "" || len(answer.Cookies) > 0 || lab.Rows(t) != before {
			t.Errorf("answered %d with %v", answer.Status, answer.Header)
		}
		webtest.Guarded(t, answer)
	})
	t.Run("recorder before hold: the wire has what left, not what the handler wrote", func(t *testing.T) {
		alice.Get("/test/failure")
		wire := lab.WireOf(alice.Cookie(webtest.NotebookCookie))
		last := wire[len(wire)-1]
		if last.Target != "/test/failure" || last.Status != http.StatusInternalServerError || len(last.SetCookie) > 0 {
			t.Errorf("%s %d %v", last.Target, last.Status, last.SetCookie)
		}
	})
	t.Run("hold before body limit: a refused form is on the wire, whole", func(t *testing.T) {
		alice.Post("/logout", nil, tooLong)
		wire := lab.WireOf(alice.Cookie(webtest.NotebookCookie))
		if last := wire[len(wire)-1]; last.Target != "/logout" || last.Status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s %d", last.Target, last.Status)
		}
	})
	t.Run("body limit before cross-origin", func(t *testing.T) {
		if got := alice.Post("/logout", nil, tooLong, crossSite).Status; got != http.StatusRequestEntityTooLarge {
			t.Errorf("answered %d", got)
		}
	})
	t.Run("cross-origin before handler", func(t *testing.T) {
		if got := alice.Post("/act/flip/no-such-way", nil, crossSite).Status; got != http.StatusForbidden {
			t.Errorf("answered %d", got)
		}
		if got := alice.Post("/act/flip/no-such-way", nil).Status; got != http.StatusNotFound {
			t.Errorf("without it, answered %d", got)
		}
	})
	t.Run("in full: so the stack of a panic passes through them", func(t *testing.T) {
		alice.Get("/test/panic")
		stack := lab.Log.String() // innermost first
		at := len(stack)
		guards := []string{"checkHost", "RecoverPanic", "withSecureHeaders", "Record", "hold", "Open", "readForm", "sameOrigin", "Break"}
		for _, guard := range guards {
			next := strings.LastIndex(stack[:at], guard+".func")
			if next < 0 {
				t.Fatalf("%s is not inside the one before: %v", guard, guards)
			}
			at = next
		}
	})
	if got := alice.Verdicts(); got != webtest.Everywhere {
		t.Errorf("afterwards the three ways conclude %q", got)
	}
}
