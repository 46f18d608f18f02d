// Bad input through the front door: odd Cookie headers, too much of them, and
// what is hardly HTTP. The row numbers are those of the project's list of bad
// inputs. Forms are in badforms_test.go, forged values in forged_test.go, slow
// clients in slow_test.go.

package handlers_test

import (
	"net/http"
	"strings"
	"testing"

	"cookielab/handlers/labtest"
	"cookielab/handlers/lanes"
	"cookielab/handlers/webtest"
	"cookielab/sessions"
)

func TestOddCookieHeaders(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	live, dead := alice.Cookie("lab_sessionid"), sessions.NewKey()
	for _, test := range []struct {
		name    string
		lines   []string // the header lines; LIVE and DEAD stand for keys
		session lanes.Verdict
		plain   lanes.Verdict // "": absent
	}{
		{"row 1: no Cookie header at all is a visitor like any other", nil, lanes.Absent, ""},
		{"row 2: an empty Cookie header is none", []string{"Cookie:"}, lanes.Absent, ""},
		{"row 2: semicolons alone are no cookies", []string{"Cookie: ;;;; ;"}, lanes.Absent, ""},
		{"row 3: of two the first counts, though it is the dead one", []string{"Cookie: lab_sessionid=DEAD; lab_sessionid=LIVE"}, lanes.Unknown, ""},
		{"row 3: of two the first counts, though the second is dead", []string{"Cookie: lab_sessionid=LIVE; lab_sessionid=DEAD"}, lanes.Found, ""},
		{"row 4: two Cookie headers are one", []string{"Cookie: plain_user=user=bob", "Cookie: lab_sessionid=LIVE"}, lanes.Found, lanes.Believed},
		{"row 4: the first counts across two headers", []string{"Cookie: lab_sessionid=DEAD", "Cookie: lab_sessionid=LIVE"}, lanes.Unknown, ""},
		{"row 5: a pair without = does not hide the next", []string{"Cookie: foo; lab_sessionid=LIVE"}, lanes.Found, ""},
		{"row 6: a pair without a name does not hide the next", []string{"Cookie: =foo; lab_sessionid=LIVE"}, lanes.Found, ""},
		{"row 7: an empty value is no key", []string{"Cookie: lab_sessionid="}, lanes.Unreadable, ""},
		{"row 8: names are case-sensitive, upper", []string{"Cookie: LAB_SESSIONID=LIVE"}, lanes.Absent, ""},
		{"row 8: names are case-sensitive, title", []string{"Cookie: Lab_sessionid=LIVE; Plain_user=user=bob"}, lanes.Absent, ""},
		{"row 9: $Version and $Path are ordinary names", []string{"Cookie: $Version=1; lab_sessionid=LIVE; $Path=/"}, lanes.Found, ""},
		{"row 10: quotes around a value are taken off", []string{`Cookie: lab_sessionid="LIVE"`}, lanes.Found, ""},
		{"row 11: a comma separates nothing", []string{"Cookie: lab_sessionid=LIVE, other=1"}, lanes.Unreadable, ""},
		{"row 12: a quote inside makes that pair alone unreadable", []string{`Cookie: lab_sessionid=LIVE"Y; plain_user=user=bob`}, lanes.Unreadable, lanes.Believed},
		{"row 12: a backslash inside makes that pair alone unreadable", []string{`Cookie: lab_sessionid=LIVE\Y; plain_user=user=bob`}, lanes.Unreadable, lanes.Believed},
		{"row 13: UTF-8 makes that pair alone unreadable", []string{"Cookie: lab_sessionid=LIVEé; plain_user=user=bob"}, lanes.Unreadable, lanes.Believed},
		{"row 13: a byte that is no UTF-8 makes that pair alone unreadable", []string{"Cookie: lab_sessionid=LIVE\xff; plain_user=user=bob"}, lanes.Unreadable, lanes.Believed},
		{"row 13: a tab inside makes that pair alone unreadable", []string{"Cookie: lab_sessionid=LI\tVE; plain_user=user=bob"}, lanes.Unreadable, lanes.Believed},
		{"row 14: a space after the name is nothing", []string{"Cookie: lab_sessionid =LIVE"}, lanes.Found, ""},
		{"row 14: a space before the value is part of it", []string{"Cookie: lab_sessionid= LIVE"}, lanes.Unreadable, ""},
		{"row 15: a value is never percent-decoded", []string{"Cookie: lab_sessionid=%2e%2e%2f%00"}, lanes.Unreadable, ""},
		{"row 15: not even into a live key", []string{"Cookie: lab_sessionid=%" + hex(live[0]) + live[1:]}, lanes.Unreadable, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var wrote []string
			lab.Sessions.Before = func(op string) error {
				if op != "load" {
					wrote = append(wrote, op)
				}
				return nil
			}
			lines := strings.NewReplacer("LIVE", live, "DEAD", dead).Replace(strings.Join(test.lines, "\r\n") + "\r\n")
			request := func(path string) webtest.Reply {
				return webtest.Raw(t, lab.Addr, "GET "+path+" HTTP/1.1\r\nHost: "+lab.Addr+"\r\n"+strings.TrimLeft(lines, "\r\n")+"\r\n")
			}

			answer := request("/api/lanes")
			if answer.Status != http.StatusOK || len(answer.Cookies) > 0 {
				t.Fatalf("the API answers %d and sets %v", answer.Status, answer.Cookies)
			}
			found := webtest.LanesIn(t, answer.Body)
			if got := found[lanes.Session].Verdict; got != test.session {
				t.Errorf("the session way concludes %s, not %s", got, test.session)
			}
			plain := test.plain
			if plain == "" {
				plain = lanes.Absent
			}
			if got := found[lanes.Plain].Verdict; got != plain {
				t.Errorf("the plain way concludes %s, not %s", got, plain)
			}

			page := request("/dashboard")
			if page.Status != http.StatusOK || len(page.Cookies) != 1 || page.Cookies[0].Name != webtest.NotebookCookie {
				t.Errorf("the dashboard answers %d and sets %v, not the notebook alone", page.Status, page.Cookies)
			}
			if len(wrote) > 0 {
				t.Errorf("looking at cookies wrote to the store: %v", wrote)
			}
		})
	}
}

func hex(b byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[b>>4], digits[b&15]})
}

func TestMalformedKeyIsNotLookedUp(t *testing.T) {
	lab := labtest.New(t)
	for _, key := range []string{"", "short", strings.Repeat("A", 32), strings.Repeat("a", 33), "../../etc/passwd", "' OR 1=1 --", "*"} {
		t.Run("rows 7, 20, 27, 30: "+key, func(t *testing.T) {
			lab.Sessions.Before = func(op string) error {
				t.Errorf("the store was asked to %s", op)
				return nil
			}
			if got := lab.Client().Carry("lab_sessionid", key).Lanes()[lanes.Session].Verdict; got != lanes.Unreadable {
				t.Errorf("verdict %s", got)
			}
		})
	}
}

// The cookies of a whole class project on localhost are one jar.
func TestManyCookies(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	for _, test := range []struct {
		name     string
		cookies  string
		status   int
		verdicts string
	}{
		{"row 32: a 64 KB header is refused by Go", "x=" + strings.Repeat("y", 64<<10), http.StatusRequestHeaderFieldsTooLarge, ""},
		{"a 24 KB header of other programs' cookies is taken", alice.Header() + "; x=" + strings.Repeat("y", 24<<10), http.StatusOK, webtest.Everywhere},
		{"3,000 cookies are taken", alice.Header() + strings.Repeat("; a=b", 3000-len(alice.Cookies)), http.StatusOK, webtest.Everywhere},
		{"row 33: of 3,001 cookies Go reads none", alice.Header() + strings.Repeat("; a=b", 3001-len(alice.Cookies)), http.StatusOK, "unreadable unreadable unreadable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, path := range []string{"/", "/dashboard", "/door/session", "/reset", "/api/lanes"} {
				answer := lab.Client().Get(path, webtest.With("Cookie", test.cookies))
				if want := doorsShut(path, test.status); answer.Status != want {
					t.Errorf("GET %s answers %d, not %d", path, answer.Status, want)
				}
			}
			if test.verdicts != "" {
				if got := lab.Client().Verdicts(webtest.With("Cookie", test.cookies)); got != test.verdicts {
					t.Errorf("the three ways conclude %q, not %q", got, test.verdicts)
				}
			}
		})
	}
}

// doorsShut is the status of a page for somebody who is no teacher.
func doorsShut(path string, status int) int {
	if strings.HasPrefix(path, "/door/") && status == http.StatusOK {
		return http.StatusForbidden
	}
	return status
}

func TestHardlyHTTP(t *testing.T) {
	lab := labtest.New(t)
	host := "Host: " + lab.Addr + "\r\n"
	for _, test := range []struct {
		name, request string
		status        int
	}{
		{"row 16: 0x01 in a header", "GET /dashboard HTTP/1.1\r\n" + host + "Cookie: a=\x01\r\n\r\n", http.StatusBadRequest},
		{"row 16: 0x7F in a header", "GET /dashboard HTTP/1.1\r\n" + host + "Cookie: a=\x7f\r\n\r\n", http.StatusBadRequest},
		{"row 16: a bare CR in a header", "GET /dashboard HTTP/1.1\r\n" + host + "Cookie: a=\rb\r\n\r\n", http.StatusBadRequest},
		{"row 17: NUL in the Cookie header", "GET /dashboard HTTP/1.1\r\n" + host + "Cookie: a=\x00\r\n\r\n", http.StatusBadRequest},
		{"row 17: %00 in the path", "GET /%00 HTTP/1.1\r\n" + host + "\r\n", http.StatusNotFound},
		{"row 17: %00 as a door", "GET /door/%00 HTTP/1.1\r\n" + host + "\r\n", http.StatusNotFound},
		{"row 17: %00 in a static file’s name", "GET /static/lab.css%00 HTTP/1.1\r\n" + host + "\r\n", http.StatusNotFound},
		{"row 61: a length beside chunked: chunked wins", "POST /logout HTTP/1.1\r\n" + host + "Content-Type: " + webtest.FormType +
			"\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n0\r\n\r\n", http.StatusSeeOther},
		{"row 61: two lengths", "POST /logout HTTP/1.1\r\n" + host + "Content-Length: 3\r\nContent-Length: 4\r\n\r\na=b", http.StatusBadRequest},
		{"row 61: a negative length", "POST /logout HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\na=b", http.StatusBadRequest},
		{"row 61: xchunked", "POST /logout HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n\r\na=b", http.StatusNotImplemented},
		{"row 61: a bad chunk", "POST /logout HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nzz\r\na=b", http.StatusBadRequest},
		{"row 62: /../x is not tidied up", "GET /../dashboard HTTP/1.1\r\n" + host + "\r\n", http.StatusNotFound},
		{"row 62: /%2e%2e/x is not tidied up", "GET /%2e%2e/dashboard HTTP/1.1\r\n" + host + "\r\n", http.StatusNotFound},
		{"row 62: //x is no redirect", "GET //dashboard HTTP/1.1\r\n" + host + "\r\n", http.StatusNotFound},
		{"row 62: //host/x is no redirect", "GET //evil.example/dashboard HTTP/1.1\r\n" + host + "\r\n", http.StatusNotFound},
		{"row 62: static files end at their folder", "GET /static/../handlers/guard.go HTTP/1.1\r\n" + host + "\r\n", http.StatusNotFound},
		{"row 62: static files end at their folder, encoded", "GET /static/..%2f..%2flab.db HTTP/1.1\r\n" + host + "\r\n", http.StatusNotFound},
		{"row 62: static files end at their folder, twice encoded", "GET /static/..%252f..%252flab.db HTTP/1.1\r\n" + host + "\r\n", http.StatusNotFound},
		{"row 62: static files end at their folder, backslash", `GET /static/..\..\lab.db HTTP/1.1` + "\r\n" + host + "\r\n", http.StatusNotFound},
		{"row 63: a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", http.StatusBadRequest},
		// Go hands this one on; it names no host.
		{"row 63: an HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", http.StatusMisdirectedRequest},
		{"row 63: HTTP/3.0 on TCP", "GET /dashboard HTTP/3.0\r\n" + host + "\r\n", http.StatusHTTPVersionNotSupported},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := webtest.Raw(t, lab.Addr, test.request)
			if answer.Status != test.status {
				t.Errorf("answered %d, not %d: %s", answer.Status, test.status, answer.Body)
			}
			if location := answer.Header.Get("Location"); location != "" && location != "/dashboard" {
				t.Errorf("sent to %q", location)
			}
			if again := lab.Client().Get("/healthz"); again.Status != http.StatusOK {
				t.Errorf("afterwards the server answers %d", again.Status)
			}
		})
	}
}

func TestNothingElseIsServed(t *testing.T) {
	lab := labtest.New(t)
	for _, path := range []string{
		"/debug/pprof/", "/debug/vars", "/.git/HEAD", "/static", "/static/", "/static/.", "/static/lab", "/lab.db", "/cookielab.db",
		"/handlers/guard.go", "/templates/layout.html", "/static/../templates/layout.html", "/index.html", "/dashboard/", "/api", "/api/", "/test/panic",
	} {
		t.Run(path, func(t *testing.T) {
			if answer := lab.Client().Get(path); answer.Status != http.StatusNotFound || len(answer.Cookies) > 0 {
				t.Errorf("answered %d with cookies %v", answer.Status, answer.Cookies)
			}
		})
	}
}

// A refusal repeats only the beginning of what it refuses: of a long name in the form, and
// of an unknown field in an error.
func TestRefusalsAreShort(t *testing.T) {
	c := labtest.New(t).Client().SignIn("alice")
	long := strings.Repeat("'", 60000)
	for name, r := range map[string]webtest.Reply{
		"a name that signs in":      c.Post("/login", nil, webtest.Body(webtest.FormType, "username="+long+"&password=x")),
		"a name that asks a token":  c.Post("/tokens", nil, webtest.Body(webtest.FormType, "username="+long+"&password=x")),
		"a token for it":            c.AskToken(`{"username":"` + long + `","password":"x"}`),
		"a field of a token":        c.AskToken(`{"` + long + `":"x"}`),
		"a field of a session call": c.Do(http.MethodPost, "/api/session/set", webtest.Body("application/json", `{"`+long+`":1}`), webtest.With("Sec-Fetch-Site", "same-origin")),
		"that field twice":          c.Do(http.MethodPost, "/api/session/set", webtest.Body("application/json", `{"`+long[:20000]+`":1,"`+long[:20000]+`":1}`), webtest.With("Sec-Fetch-Site", "same-origin")),
	} {
		if r.Status < 400 || r.Status >= 500 || len(r.Body) > 128<<10 || strings.HasPrefix(r.Body, "{") && len(r.Body) > 2000 {
			t.Errorf("%s: %d, %d bytes", name, r.Status, len(r.Body))
		}
	}
}
