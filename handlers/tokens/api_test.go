// Tokens for programs: got with a name and the class password, taken in one
// header only, and dead at once when they are ended.

package tokens_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"cookielab/handlers"
	"cookielab/handlers/auth"
	"cookielab/handlers/labtest"
	"cookielab/handlers/lanes"
	"cookielab/handlers/webtest"
	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

// made is the key of a session that an engine made.
func made(t *testing.T, lab *labtest.Lab, engine sessions.Engine, fill func(*sessions.Session) error) string {
	t.Helper()
	options := sessions.DefaultOptions()
	options.Clock = lab.Clock.Now
	manager, err := sessions.New(engine, options)
	if err != nil {
		t.Fatal(err)
	}
	session, err := manager.Create(t.Context(), fill)
	if err != nil {
		t.Fatal(err)
	}
	return session.Key()
}

func TestATokenOnEveryEngine(t *testing.T) {
	for _, engine := range []struct {
		name   string
		option func(*handlers.Config)
		looks  string
	}{
		{"SQLite", func(*handlers.Config) {}, `^[0-9a-f]{40}$`},
		{"memory", labtest.InMemory(t), `^[0-9a-f]{40}$`},
		{"signed_cookies", labtest.InCookies, `^[A-Za-z0-9_=-]{100,1000}$`},
	} {
		t.Run(engine.name, func(t *testing.T) {
			lab := labtest.New(t, engine.option)
			program := lab.Client()
			r := program.AskToken(`{"username":"alice","password":"cookies"}`)
			var answer map[string]string
			if err := json.Unmarshal([]byte(r.Body), &answer); err != nil || r.Status != http.StatusCreated {
				t.Fatalf("%d %s %v", r.Status, r.Body, err)
			}
			if len(answer) != 2 || !regexp.MustCompile(engine.looks).MatchString(answer["token"]) {
				t.Errorf("the answer is %v", answer)
			}
			if len(r.Cookies) > 0 || r.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("it sets %v, Cache-Control %q", r.Cookies, r.Header.Get("Cache-Control"))
			}
			ends, err := time.Parse(time.RFC3339, answer["expires_at"])
			if want := lab.Clock.Now().Add(14 * 24 * time.Hour); err != nil || ends.After(want) || want.Sub(ends) >= time.Second {
				t.Errorf("it ends at %q (%v), want %v", answer["expires_at"], err, want)
			}
			token := answer["token"]
			webtest.IsAlice(t, "the token", program.Get("/api/whoami", webtest.Sending(token)), "token")
			webtest.IsAlice(t, "the scheme in small letters", program.Get("/api/whoami", webtest.With("Authorization", "token "+token)), "token")
			head := program.Do(http.MethodHead, "/api/whoami", webtest.Sending(token))
			if head.Status != http.StatusOK || head.Body != "" || head.Header.Get("Content-Length") == "0" {
				t.Errorf("HEAD is answered %d %q, length %s", head.Status, head.Body, head.Header.Get("Content-Length"))
			}

			// Neither is ever taken for the other, nor for the notebook.
			alice := lab.Client().SignIn("alice")
			webtest.IsAlice(t, "the session", alice.Get("/api/whoami"), "session")
			webtest.IsNobody(t, "a session's key as a token", lab.Client().Get("/api/whoami", webtest.Sending(alice.Cookie("lab_sessionid"))))
			webtest.IsNobody(t, "a notebook's key as a token", lab.Client().Get("/api/whoami", webtest.Sending(alice.Cookie(webtest.NotebookCookie))))
			webtest.IsNobody(t, "a token as the session's cookie", lab.Client().Carry("lab_sessionid", token).Get("/api/whoami"))
			for _, name := range []string{"Authorization", "token", "Token", "auth_token", webtest.NotebookCookie} {
				webtest.IsNobody(t, "a token in the cookie "+name, lab.Client().Carry(name, token).Get("/api/whoami"))
			}
			webtest.IsNobody(t, "row 50: a token in the address", lab.Client().Get("/api/whoami?token="+token+"&Authorization=Token+"+token))
			if got := lab.Client().Carry("lab_sessionid", token).Verdicts(); !strings.HasPrefix(got, "absent absent ") || strings.HasSuffix(got, "found") || strings.HasSuffix(got, "verified") {
				t.Errorf("a token as the session's cookie: %s", got)
			}

			// Its end: by the clock, to the moment.
			lab.Clock.Advance(ends.Sub(lab.Clock.Now()) - time.Millisecond)
			webtest.IsAlice(t, "just before its end", program.Get("/api/whoami", webtest.Sending(token)), "token")
			lab.Clock.Advance(time.Second)
			webtest.IsNobody(t, "after its end", program.Get("/api/whoami", webtest.Sending(token)))
		})
	}
}

func TestEndingAToken(t *testing.T) {
	for _, engine := range []struct {
		name   string
		option func(*handlers.Config)
	}{{"SQLite", func(*handlers.Config) {}}, {"memory", labtest.InMemory(t)}} {
		t.Run(engine.name, func(t *testing.T) {
			lab := labtest.New(t, engine.option)
			program := lab.Client()
			token, other := program.Token("alice"), program.Token("alice")
			r := program.Do(http.MethodDelete, "/api/token", webtest.Sending(token))
			if r.Status != http.StatusNoContent || r.Body != "" || len(r.Cookies) > 0 {
				t.Errorf("it is answered %d %q, cookies %v", r.Status, r.Body, r.Cookies)
			}
			webtest.IsNobody(t, "the ended token", program.Get("/api/whoami", webtest.Sending(token)))
			webtest.IsNobody(t, "ending it twice", program.Do(http.MethodDelete, "/api/token", webtest.Sending(token)))
			webtest.IsAlice(t, "the other token", program.Get("/api/whoami", webtest.Sending(other)), "token")

			// Only the header says which: not a cookie, not the address.
			alice := lab.Client().SignIn("alice")
			webtest.IsNobody(t, "a session's cookie", alice.Do(http.MethodDelete, "/api/token"))
			webtest.IsNobody(t, "a session's key", alice.Do(http.MethodDelete, "/api/token", webtest.Sending(alice.Cookie("lab_sessionid"))))
			webtest.IsNobody(t, "row 50: an address", program.Do(http.MethodDelete, "/api/token?token="+other))
			webtest.IsAlice(t, "the other token afterwards", program.Get("/api/whoami", webtest.Sending(other)), "token")
			webtest.IsAlice(t, "the session afterwards", alice.Get("/api/whoami"), "session")

			// A logout is another thing.
			alice.Post("/logout", nil)
			webtest.IsNobody(t, "the session after the logout", alice.Get("/api/whoami"))
			webtest.IsAlice(t, "the token after the logout", alice.Get("/api/whoami", webtest.Sending(other)), "token")
		})
	}
	t.Run("signed_cookies", func(t *testing.T) {
		lab := labtest.New(t, labtest.InCookies)
		program := lab.Client()
		token := program.Token("alice")
		r := program.Do(http.MethodDelete, "/api/token", webtest.Sending(token))
		if r.Status != http.StatusConflict || !strings.Contains(r.Body, `"error":"not_supported"`) || !strings.Contains(r.Body, "no list of such tokens") {
			t.Errorf("it is answered %d %s", r.Status, r.Body)
		}
		webtest.IsAlice(t, "the token", program.Get("/api/whoami", webtest.Sending(token)), "token")
		webtest.IsNobody(t, "ending none", program.Do(http.MethodDelete, "/api/token"))
		webtest.IsNobody(t, "ending a changed one", program.Do(http.MethodDelete, "/api/token", webtest.Sending(webtest.ForgeSigned(token))))
		webtest.IsNobody(t, "a changed one", program.Get("/api/whoami", webtest.Sending(webtest.ForgeSigned(token))))
	})
}

// Rows 47 to 49, each also with a live session's cookie beside it: whoever
// sends an Authorization header is judged by that alone.
func TestOddAuthorizationHeaders(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	program := lab.Client()
	live, ended := program.Token("alice"), program.Token("alice")
	program.Do(http.MethodDelete, "/api/token", webtest.Sending(ended))
	webtest.IsAlice(t, "the live token", program.Get("/api/whoami", webtest.Sending(live)), "token")
	webtest.IsAlice(t, "the live session", alice.Get("/api/whoami"), "session")
	for _, odd := range [][]string{
		{""}, {"Token"}, {"Token "}, {"token"}, {"token abc"}, {"Token a b"}, {"Token " + live + " " + live}, {"Token  " + live}, {"Token\t" + live}, {" Token"},
		{"Bearer " + live}, {"Basic " + live}, {"Basic YWxpY2U6Y29va2llcw=="}, {"Bearer x"}, {"Digest username=alice"}, {live}, {"Token=" + live}, {"Token:" + live}, {"Token, " + live},
		{"Token " + live, "Token " + live}, {"Token " + live, "Token " + ended}, {"", "Token " + live}, {"Bearer x", "Token " + live},
		{"Token " + ended}, {"Token " + live[:39]}, {"Token " + live[1:]}, {"Token " + live + "0"}, {"Token " + strings.ToUpper(live)}, {"Token " + sessions.NewToken()},
		{"Token " + live + ","}, {"Token \"" + live + "\""}, {"Token token=" + live}, {"Token ../../etc/passwd"}, {"Token ' OR 1=1 --"}, {"Token *"}, {"Token " + strings.Repeat("a", 8<<10)},
	} {
		for _, c := range []*webtest.Client{lab.Client(), alice} {
			webtest.IsNobody(t, strings.Join(odd, " | "), c.Get("/api/whoami", func(r *http.Request) { r.Header["Authorization"] = odd }))
			webtest.IsNobody(t, "DELETE, "+strings.Join(odd, " | "), c.Do(http.MethodDelete, "/api/token", func(r *http.Request) { r.Header["Authorization"] = odd }))
		}
	}
	// What no client of Go sends: a newline that is part of the value.
	for _, odd := range []string{"Token " + live + "\n", "Token " + live + " ", "Token \n" + live, "Token " + live + "\x00"} {
		request := httptest.NewRequest(http.MethodGet, "http://"+lab.Addr+"/api/whoami", nil)
		request.Header["Authorization"] = []string{odd}
		local, err := net.ResolveTCPAddr("tcp", lab.Addr)
		if err != nil {
			t.Fatal(err)
		}
		request = request.WithContext(context.WithValue(request.Context(), http.LocalAddrContextKey, local))
		answer := httptest.NewRecorder()
		lab.ServeHTTP(answer, request)
		if answer.Code != http.StatusUnauthorized {
			t.Errorf("%q is answered %d %s", odd, answer.Code, answer.Body)
		}
	}
	// A folded header is one value with a space in it.
	folded := webtest.Raw(t, lab.Addr, "GET /api/whoami HTTP/1.1\r\nHost: "+lab.Addr+"\r\nAuthorization: Token "+live[:20]+"\r\n "+live[20:]+"\r\n\r\n")
	webtest.IsNobody(t, "a folded header", folded)
	webtest.IsAlice(t, "the live token after all that", program.Get("/api/whoami", webtest.Sending(live)), "token")
}

// A session that belongs to nobody is no answer to "who am I".
func TestWhoamiForNobody(t *testing.T) {
	lab := labtest.New(t)
	for what, c := range map[string]*webtest.Client{
		"a stranger": lab.Client(), "an unknown key": lab.Client().Carry("lab_sessionid", sessions.NewKey()), "no key": lab.Client().Carry("lab_sessionid", ""),
		"plain and signed": func() *webtest.Client { c := lab.Client().SignIn("alice"); c.Drop("lab_sessionid"); return c }(),
	} {
		webtest.IsNobody(t, what, c.Get("/api/whoami"))
	}
	anonymous := made(t, lab, sessions.Keyed("session", lab.Sessions), func(s *sessions.Session) error { return s.Set("basket", 1) })
	c := lab.Client().Carry("lab_sessionid", anonymous)
	if got := c.Lanes()[lanes.Session].Verdict; got != lanes.Found {
		t.Fatalf("the anonymous session is %s", got)
	}
	webtest.IsNobody(t, "an anonymous session", c.Get("/api/whoami"))
}

func TestTokenRefusals(t *testing.T) {
	lab := labtest.New(t)
	for _, test := range []struct {
		name, body string
		changes    []func(*http.Request)
		status     int
		code       string
	}{
		{"no body", "", nil, 422, "bad_name"},
		{"an empty object", "{}", nil, 422, "bad_name"},
		{"no name", `{"password":"cookies"}`, nil, 422, "bad_name"},
		{"a name with a space", `{"username":"no name","password":"cookies"}`, nil, 422, "bad_name"},
		{"a name of 31 letters", `{"username":"` + strings.Repeat("a", 31) + `","password":"cookies"}`, nil, 422, "bad_name"},
		{"a name with NUL", `{"username":"a\u0000b","password":"cookies"}`, nil, 422, "bad_name"},
		{"half a surrogate", `{"username":"a\ud800","password":"cookies"}`, nil, 422, "bad_name"},
		{"null", `{"username":null,"password":"cookies"}`, nil, 422, "bad_name"},
		{"a wrong password", `{"username":"alice","password":"crackers"}`, nil, 403, "wrong_password"},
		{"a prefix of the password", `{"username":"alice","password":"cookie"}`, nil, 403, "wrong_password"},
		{"no password", `{"username":"alice"}`, nil, 403, "wrong_password"},
		{"the teacher without the PIN", `{"username":"teacher","password":"cookies"}`, nil, 403, "needs_pin"},
		{"the teacher with a wrong PIN", `{"username":"Teacher","pin":"000000"}`, nil, 403, "wrong_pin"},
		{"a number as the name", `{"username":1,"password":"cookies"}`, nil, 400, "bad_request"},
		{"an unknown field", `{"username":"alice","password":"cookies","role":"teacher"}`, nil, 400, "bad_request"},
		{"row 42: half an object", `{"username":"alice"`, nil, 400, "bad_request"},
		{"row 42: a repeated field", `{"username":"alice","username":"bob","password":"cookies"}`, nil, 400, "bad_request"},
		{"row 42: a field repeated in other letters", `{"username":"alice","Username":"bob","password":"cookies"}`, nil, 400, "bad_request"},
		{"row 42: nested without end", strings.Repeat("[", 50_000), nil, 400, "bad_request"},
		{"row 42: more after it", `{"username":"alice","password":"cookies"}{}`, nil, 400, "bad_request"},
		{"row 42: a byte order mark", "\ufeff" + `{"username":"alice","password":"cookies"}`, nil, 400, "bad_request"},
		{"a list", `["alice","cookies"]`, nil, 400, "bad_request"},
		{"a form", "username=alice&password=cookies", []func(*http.Request){webtest.Body(webtest.FormType, "username=alice&password=cookies")}, 415, "unsupported_media_type"},
		{"JSON called text", "", []func(*http.Request){webtest.Body("text/plain", `{"username":"alice","password":"cookies"}`)}, 415, "unsupported_media_type"},
		{"too long", `{"username":"` + strings.Repeat("a", webtest.Limit) + `"}`, nil, 413, "too_large"},
		{"too long, chunked", "", []func(*http.Request){webtest.Chunked(webtest.JSONType, `{"username":"`+strings.Repeat("a", webtest.Limit)+`"}`)}, 413, "too_large"},
		{"from another site", `{"username":"alice","password":"cookies"}`, []func(*http.Request){webtest.With("Sec-Fetch-Site", "cross-site")}, 403, "cross_origin"},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := lab.SessionRows(t)
			r := lab.Client().AskToken(test.body, test.changes...)
			var answer struct{ Error, Message string }
			if err := json.Unmarshal([]byte(r.Body), &answer); err != nil || r.Status != test.status || answer.Error != test.code || answer.Message == "" {
				t.Errorf("answered %d %s, want %d %s", r.Status, r.Body, test.status, test.code)
			}
			webtest.Guarded(t, r)
			if len(r.Cookies) > 0 || lab.SessionRows(t) != before {
				t.Errorf("it left something behind: cookies %v", r.Cookies)
			}
		})
	}
	if r := lab.Client().AskToken(`{"username":"teacher","password":"` + webtest.TeacherPIN + `"}`); r.Status != http.StatusCreated {
		t.Errorf("the teacher with the PIN: %d %s", r.Status, r.Body)
	}
	if r := lab.Client().AskToken(`{"username":"TEACHER","pin":"` + webtest.TeacherPIN + `"}`); r.Status != http.StatusCreated {
		t.Errorf("the teacher with the PIN in its own field: %d %s", r.Status, r.Body)
	}
}

// One throttle for both: whoever guesses at one door is kept from the other.
func TestTokenAndLoginShareTheThrottle(t *testing.T) {
	lab := labtest.New(t)
	guess := `{"username":"alice","password":"crackers"}`
	for range 3 {
		lab.Client().AskToken(guess)
	}
	for range 2 {
		lab.Client().Post("/login", webtest.Wrong("alice"))
	}
	r := lab.Client().AskToken(`{"username":"alice","password":"cookies"}`)
	if r.Status != http.StatusTooManyRequests || r.Header.Get("Retry-After") != "60" || !strings.Contains(r.Body, `"error":"too_many_tries"`) {
		t.Errorf("answered %d, Retry-After %q: %s", r.Status, r.Header.Get("Retry-After"), r.Body)
	}
	for _, path := range []string{"/login", "/tokens"} {
		if r := lab.Client().Post(path, webtest.Login("alice")); r.Status != http.StatusTooManyRequests {
			t.Errorf("%s answers %d", path, r.Status)
		}
	}
	lab.Client().Token("bob")
	lab.Clock.Advance(time.Minute)
	lab.Client().Token("alice")
}

func TestTokenMethods(t *testing.T) {
	lab := labtest.New(t)
	for path, allowed := range map[string][]string{"/api/token": {"POST", "DELETE"}, "/api/whoami": {"GET", "HEAD"}, "/api/token/sealed": {"DELETE"}, "/api/whoami/sealed": {"GET", "HEAD"}} {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "FOO", "TRACE"} {
			if slices.Contains(allowed, method) {
				continue
			}
			r := lab.Client().Do(method, path, webtest.Sending(sessions.NewToken()))
			if r.Status != http.StatusMethodNotAllowed || r.Header.Get("Allow") == "" {
				t.Errorf("%s %s is answered %d, Allow %q", method, path, r.Status, r.Header.Get("Allow"))
			}
		}
	}
	for _, path := range []string{"/api/token", "/api/whoami"} {
		r := lab.Client().Do(http.MethodOptions, path, webtest.With("Origin", "http://evil.example"), webtest.With("Access-Control-Request-Headers", "authorization"))
		for name := range r.Header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("OPTIONS %s is answered with %s", path, name)
			}
		}
	}
}

// What lies in the database opens nothing, and the log tells of tokens without
// showing one.
func TestNoTokenIsWrittenDown(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client().SignIn("alice")
	tokens := []string{c.Token("alice"), c.Token("bob"), c.Token("teacher")}
	c.Post("/tokens", webtest.Login("alice"))
	for _, found := range regexp.MustCompile(`id="whole-(?:opaque|sealed)" tabindex="0">([^<]+)<`).FindAllStringSubmatch(c.Get("/tokens").Body, -1) {
		tokens = append(tokens, found[1])
	}
	if len(tokens) != 5 {
		t.Fatalf("%d tokens: the page shows the whole ones otherwise", len(tokens))
	}
	c.Post("/tokens/ask", nil)
	c.Post("/tokens/end", nil)
	for _, token := range tokens {
		c.Get("/api/whoami", webtest.Sending(token))
		c.Get("/api/lanes", webtest.Sending(token))
		c.Get("/dashboard", webtest.Sending(token))
		c.Get("/api/whoami?token="+token[:20], webtest.With("Authorization", "Bearer "+token))
		c.Get("/wire")
	}
	lab.Sessions.Before = storetest.Down()
	c.Get("/api/whoami", webtest.Sending(tokens[0]))
	c.Do(http.MethodDelete, "/api/token", webtest.Sending(tokens[0]))
	c.AskToken(`{"username":"alice","password":"cookies"}`)
	lab.Sessions.Before = nil
	c.Do(http.MethodDelete, "/api/token", webtest.Sending(tokens[0]))

	var written strings.Builder
	files, err := filepath.Glob(lab.File + "*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files { // the write-ahead log, too
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		written.Write(text)
	}
	wire := c.Get("/api/wire").Body
	for _, token := range tokens {
		for where, text := range map[string]string{"the database": written.String(), "the log": lab.Log.String(), "the wire": wire} {
			if strings.Contains(text, token) {
				t.Errorf("%s holds the token %s", where, token)
			}
		}
		if !strings.Contains(wire, `"Token `+token[:4]+"…"+token[len(token)-2:]+`"`) {
			t.Errorf("the wire does not show the ends of %.10s…", token)
		}
	}
	for _, told := range []string{"token issued", "token ended", "name=bob", "role=teacher"} {
		if !strings.Contains(lab.Log.String(), told) {
			t.Errorf("the log does not tell of %q", told)
		}
	}
}

// A store that cannot be reached is no 401.
func TestTokenStoreUnavailable(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client().SignIn("alice")
	token := c.Token("alice")
	lab.Sessions.Before = storetest.Down()
	for what, r := range map[string]webtest.Reply{
		"the token": c.Get("/api/whoami", webtest.Sending(token)), "the session": c.Get("/api/whoami"),
		"ending": c.Do(http.MethodDelete, "/api/token", webtest.Sending(token)), "getting": c.AskToken(`{"username":"alice","password":"cookies"}`),
	} {
		if r.Status != http.StatusServiceUnavailable || r.Header.Get("Retry-After") != "5" || r.Header.Get("WWW-Authenticate") != "" {
			t.Errorf("%s is answered %d %s", what, r.Status, r.Body)
		}
	}
	lab.Sessions.Before = nil
	webtest.IsAlice(t, "the token afterwards", c.Get("/api/whoami", webtest.Sending(token)), "token")
}

// /api/lanes has the token as its fourth way.
func TestTheFourthLane(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client()
	live, ended := c.Token("alice"), c.Token("alice")
	c.Do(http.MethodDelete, "/api/token", webtest.Sending(ended))
	short := made(t, lab, sessions.Tokens("token", lab.Sessions), func(s *sessions.Session) error {
		return errors.Join(s.SetExpiry(sessions.Until(lab.Clock.Now().Add(time.Second))), s.Set(sessions.UserKey, "alice"))
	})
	lab.Clock.Advance(2 * time.Second)
	order := func(r webtest.Reply) (ids []string) {
		var answer struct{ Lanes []auth.LaneFinding }
		if err := json.Unmarshal([]byte(r.Body), &answer); err != nil {
			t.Fatal(err)
		}
		for _, lane := range answer.Lanes {
			ids = append(ids, lane.ID)
		}
		return ids
	}
	if got := order(c.Get("/api/lanes")); !slices.Equal(got, []string{"plain", "signed", "session", "token"}) {
		t.Errorf("the ways are %v", got)
	}
	for _, test := range []struct {
		header  string
		verdict lanes.Verdict
		failed  string
		keeps   string
	}{
		{"", lanes.Absent, "header", "nothing"},
		{"Token " + live, lanes.Found, "", "record"},
		{"Token " + ended, lanes.Unknown, "record", "nothing"},
		{"Token " + short, lanes.Expired, "age", "record"},
		{"Token abc", lanes.Unreadable, "shape", "nothing"},
		{"Token " + sessions.NewKey(), lanes.Unreadable, "shape", "nothing"},
		{"Bearer " + live, lanes.Unreadable, "scheme", "nothing"},
	} {
		r := c.Get("/api/lanes", webtest.With("Authorization", test.header))
		lane := webtest.LanesIn(t, r.Body)[lanes.Token]
		if lane.Verdict != test.verdict || lane.Sent != (test.header != "") || lane.ServerKeeps.Kind != test.keeps || lane.Reason == "" {
			t.Errorf("%q: %+v keeps %+v", test.header, lane, lane.ServerKeeps)
		}
		if lane.Cookie != nil || lane.Attributes != nil || lane.BrowserExpires != nil {
			t.Errorf("%q has something of a cookie: %+v", test.header, lane)
		}
		failed := ""
		for _, check := range lane.Checks {
			if !check.OK {
				failed = check.Name
			}
		}
		if failed != test.failed {
			t.Errorf("%q fails the check %q, want %q", test.header, failed, test.failed)
		}
		if live := test.verdict == lanes.Found; live != (lane.User != nil) || live && (*lane.User != "alice" || lane.ServerExpires == nil || !lane.ServerKeeps.Reached) {
			t.Errorf("%q is %v until %v", test.header, lane.User, lane.ServerExpires)
		}
		if strings.Contains(r.Body, live) {
			t.Errorf("the answer to %q repeats the token", test.header)
		}
	}

	self := labtest.New(t, labtest.InCookies).Client()
	token := self.Token("alice")
	for header, want := range map[string]lanes.Verdict{token: lanes.Verified, webtest.ForgeSigned(token): lanes.Tampered, live: lanes.Tampered, "abc": lanes.Unreadable} {
		if lane := self.Lanes(webtest.Sending(header))[lanes.Token]; lane.Verdict != want || lane.ServerKeeps.Kind != "nothing" {
			t.Errorf("%.20s…: %s, keeps %s", header, lane.Verdict, lane.ServerKeeps.Kind)
		}
	}
}

// The wire shows a program's request where its cookie says whose wire that is,
// and no store is asked for it.
func TestWhoamiOnTheWire(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client().SignIn("alice")
	token := c.Token("alice")
	lab.Notebooks.Before = func(op string) error { t.Errorf("the notebooks' store was asked to %s", op); return nil }
	lab.Sessions.Before = nil
	webtest.IsAlice(t, "the token", c.Get("/api/whoami", webtest.Sending(token)), "token")
	lab.Notebooks.Before = nil
	wire := lab.WireOf(c.Cookie(webtest.NotebookCookie))
	last := wire[len(wire)-1]
	if last.Target != "/api/whoami" || last.Authorization != "Token "+token[:4]+"…"+token[38:] || len(last.Findings) != 1 || last.Findings[0].Lane != lanes.Token {
		t.Errorf("the wire ends with %+v", last)
	}
	for header, want := range map[string]string{
		"Basic YTpi": "Basic ····", "Token " + token: "Token " + token[:4] + "…" + token[38:], token: token[:4] + "…" + token[38:], "Token": "·····",
		strings.Repeat("x", 40) + " y": "xxxx… y",
	} {
		c.Get("/api/whoami", webtest.With("Authorization", header))
		wire := lab.WireOf(c.Cookie(webtest.NotebookCookie))
		if got := wire[len(wire)-1].Authorization; got != want {
			t.Errorf("%q stands on the wire as %q, want %q", header, got, want)
		}
	}
	count := len(lab.WireOf(c.Cookie(webtest.NotebookCookie)))
	c.Drop(webtest.NotebookCookie)
	c.Get("/api/whoami", webtest.Sending(token))
	lab.Client().Carry(webtest.NotebookCookie, sessions.NewKey()).Get("/api/whoami", webtest.Sending(token))
	if got := len(lab.WireOf(c.Cookie(webtest.NotebookCookie))); got != 0 || count == 0 {
		t.Errorf("%d exchanges on nobody's wire", got)
	}
}
