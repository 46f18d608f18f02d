// Tokens for programs: got with a name and the class password, taken in one
// header only, and dead at once when they are ended.

package handlers_test

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
	"cookielab/handlers/lanes"
	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

const jsonType = "application/json"

// askToken asks for a token with a body of JSON.
func (c *client) askToken(text string, changes ...func(*http.Request)) reply {
	c.lab.t.Helper()
	return c.do(http.MethodPost, "/api/token", append([]func(*http.Request){body(jsonType, text)}, changes...)...)
}

// token gets a token.
func (c *client) token(name string) string {
	c.lab.t.Helper()
	word := classPassword
	if name == "teacher" {
		word = teacherPIN
	}
	r := c.askToken(`{"username":"` + name + `","password":"` + word + `"}`)
	var answer struct{ Token string }
	if err := json.Unmarshal([]byte(r.body), &answer); err != nil || r.status != http.StatusCreated || answer.Token == "" {
		c.lab.t.Fatalf("a token for %s: %d %s %v", name, r.status, r.body, err)
	}
	return answer.Token
}

// sending is the header that a token travels in.
func sending(token string) func(*http.Request) { return with("Authorization", "Token "+token) }

// inMemory lets the lab keep its sessions in memory.
func inMemory(t testing.TB) func(*handlers.Config) {
	return func(c *handlers.Config) {
		memory, err := sessions.NewMemory(1000, c.Clock)
		if err != nil {
			t.Fatal(err)
		}
		c.Sessions = memory
	}
}

// made is the key of a session that an engine made.
func made(t *testing.T, lab *testLab, engine sessions.Engine, fill func(*sessions.Session) error) string {
	t.Helper()
	options := sessions.DefaultOptions()
	options.Clock = lab.clock.Now
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

// isNobody complains of anything but the one answer that everybody gets who is not known.
func isNobody(t *testing.T, what string, r reply) {
	t.Helper()
	const want = `{"error":"not_authenticated","message":"This address answers to those it knows: send a live session’s cookie, or a live token as Authorization: Token …"}`
	if r.status != http.StatusUnauthorized || strings.TrimSpace(r.body) != want {
		t.Errorf("%s is answered %d %s", what, r.status, r.body)
	}
	if got := r.header.Get("WWW-Authenticate"); got != "Token" {
		t.Errorf("%s: WWW-Authenticate is %q", what, got)
	}
	plainAnswer(t, what, r)
}

// plainAnswer complains of an answer that sets cookies or may be kept.
func plainAnswer(t *testing.T, what string, r reply) {
	t.Helper()
	if len(r.header["Set-Cookie"]) > 0 || r.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s sets %q, Cache-Control %q", what, r.header["Set-Cookie"], r.header.Get("Cache-Control"))
	}
	if !strings.Contains(strings.Join(r.header.Values("Vary"), ","), "Authorization") {
		t.Errorf("%s varies by %q", what, r.header.Values("Vary"))
	}
}

// isAlice complains unless the answer says that this is alice, by that way.
func isAlice(t *testing.T, what string, r reply, auth string) {
	t.Helper()
	if want := `{"user":"alice","role":"student","auth":"` + auth + `"}`; r.status != http.StatusOK || strings.TrimSpace(r.body) != want {
		t.Errorf("%s is answered %d %s, not %s", what, r.status, r.body, want)
	}
	plainAnswer(t, what, r)
}

func TestATokenOnEveryEngine(t *testing.T) {
	for _, engine := range []struct {
		name   string
		option func(*handlers.Config)
		looks  string
	}{
		{"SQLite", func(*handlers.Config) {}, `^[0-9a-f]{40}$`},
		{"memory", inMemory(t), `^[0-9a-f]{40}$`},
		{"signed_cookies", inCookies, `^[A-Za-z0-9_=-]{100,1000}$`},
	} {
		t.Run(engine.name, func(t *testing.T) {
			lab := newLab(t, engine.option)
			program := lab.client()
			r := program.askToken(`{"username":"alice","password":"cookies"}`)
			var answer map[string]string
			if err := json.Unmarshal([]byte(r.body), &answer); err != nil || r.status != http.StatusCreated {
				t.Fatalf("%d %s %v", r.status, r.body, err)
			}
			if len(answer) != 2 || !regexp.MustCompile(engine.looks).MatchString(answer["token"]) {
				t.Errorf("the answer is %v", answer)
			}
			if len(r.cookies) > 0 || r.header.Get("Cache-Control") != "no-store" {
				t.Errorf("it sets %v, Cache-Control %q", r.cookies, r.header.Get("Cache-Control"))
			}
			ends, err := time.Parse(time.RFC3339, answer["expires_at"])
			if want := lab.clock.Now().Add(14 * 24 * time.Hour); err != nil || ends.After(want) || want.Sub(ends) >= time.Second {
				t.Errorf("it ends at %q (%v), want %v", answer["expires_at"], err, want)
			}
			token := answer["token"]
			isAlice(t, "the token", program.get("/api/whoami", sending(token)), "token")
			isAlice(t, "the scheme in small letters", program.get("/api/whoami", with("Authorization", "token "+token)), "token")
			head := program.do(http.MethodHead, "/api/whoami", sending(token))
			if head.status != http.StatusOK || head.body != "" || head.header.Get("Content-Length") == "0" {
				t.Errorf("HEAD is answered %d %q, length %s", head.status, head.body, head.header.Get("Content-Length"))
			}

			// Neither is ever taken for the other, nor for the notebook.
			alice := lab.client().signIn("alice")
			isAlice(t, "the session", alice.get("/api/whoami"), "session")
			isNobody(t, "a session's key as a token", lab.client().get("/api/whoami", sending(alice.cookie("lab_sessionid"))))
			isNobody(t, "a notebook's key as a token", lab.client().get("/api/whoami", sending(alice.cookie(notebookCookie))))
			isNobody(t, "a token as the session's cookie", lab.client().carry("lab_sessionid", token).get("/api/whoami"))
			for _, name := range []string{"Authorization", "token", "Token", "auth_token", notebookCookie} {
				isNobody(t, "a token in the cookie "+name, lab.client().carry(name, token).get("/api/whoami"))
			}
			isNobody(t, "row 50: a token in the address", lab.client().get("/api/whoami?token="+token+"&Authorization=Token+"+token))
			if got := lab.client().carry("lab_sessionid", token).verdicts(); !strings.HasPrefix(got, "absent absent ") || strings.HasSuffix(got, "found") || strings.HasSuffix(got, "verified") {
				t.Errorf("a token as the session's cookie: %s", got)
			}

			// Its end: by the clock, to the moment.
			lab.clock.Advance(ends.Sub(lab.clock.Now()) - time.Millisecond)
			isAlice(t, "just before its end", program.get("/api/whoami", sending(token)), "token")
			lab.clock.Advance(time.Second)
			isNobody(t, "after its end", program.get("/api/whoami", sending(token)))
		})
	}
}

func TestEndingAToken(t *testing.T) {
	for _, engine := range []struct {
		name   string
		option func(*handlers.Config)
	}{{"SQLite", func(*handlers.Config) {}}, {"memory", inMemory(t)}} {
		t.Run(engine.name, func(t *testing.T) {
			lab := newLab(t, engine.option)
			program := lab.client()
			token, other := program.token("alice"), program.token("alice")
			r := program.do(http.MethodDelete, "/api/token", sending(token))
			if r.status != http.StatusNoContent || r.body != "" || len(r.cookies) > 0 {
				t.Errorf("it is answered %d %q, cookies %v", r.status, r.body, r.cookies)
			}
			isNobody(t, "the ended token", program.get("/api/whoami", sending(token)))
			isNobody(t, "ending it twice", program.do(http.MethodDelete, "/api/token", sending(token)))
			isAlice(t, "the other token", program.get("/api/whoami", sending(other)), "token")

			// Only the header says which: not a cookie, not the address.
			alice := lab.client().signIn("alice")
			isNobody(t, "a session's cookie", alice.do(http.MethodDelete, "/api/token"))
			isNobody(t, "a session's key", alice.do(http.MethodDelete, "/api/token", sending(alice.cookie("lab_sessionid"))))
			isNobody(t, "row 50: an address", program.do(http.MethodDelete, "/api/token?token="+other))
			isAlice(t, "the other token afterwards", program.get("/api/whoami", sending(other)), "token")
			isAlice(t, "the session afterwards", alice.get("/api/whoami"), "session")

			// A logout is another thing.
			alice.post("/logout", nil)
			isNobody(t, "the session after the logout", alice.get("/api/whoami"))
			isAlice(t, "the token after the logout", alice.get("/api/whoami", sending(other)), "token")
		})
	}
	t.Run("signed_cookies", func(t *testing.T) {
		lab := newLab(t, inCookies)
		program := lab.client()
		token := program.token("alice")
		r := program.do(http.MethodDelete, "/api/token", sending(token))
		if r.status != http.StatusConflict || !strings.Contains(r.body, `"error":"not_supported"`) || !strings.Contains(r.body, "no list of such tokens") {
			t.Errorf("it is answered %d %s", r.status, r.body)
		}
		isAlice(t, "the token", program.get("/api/whoami", sending(token)), "token")
		isNobody(t, "ending none", program.do(http.MethodDelete, "/api/token"))
		isNobody(t, "ending a changed one", program.do(http.MethodDelete, "/api/token", sending(forgeSigned(token))))
		isNobody(t, "a changed one", program.get("/api/whoami", sending(forgeSigned(token))))
	})
}

// Rows 47 to 49, each also with a live session's cookie beside it: whoever
// sends an Authorization header is judged by that alone.
func TestOddAuthorizationHeaders(t *testing.T) {
	lab := newLab(t)
	alice := lab.client().signIn("alice")
	program := lab.client()
	live, ended := program.token("alice"), program.token("alice")
	program.do(http.MethodDelete, "/api/token", sending(ended))
	isAlice(t, "the live token", program.get("/api/whoami", sending(live)), "token")
	isAlice(t, "the live session", alice.get("/api/whoami"), "session")
	for _, odd := range [][]string{
		{""}, {"Token"}, {"Token "}, {"token"}, {"token abc"}, {"Token a b"}, {"Token " + live + " " + live}, {"Token  " + live}, {"Token\t" + live}, {" Token"},
		{"Bearer " + live}, {"Basic " + live}, {"Basic YWxpY2U6Y29va2llcw=="}, {"Bearer x"}, {"Digest username=alice"}, {live}, {"Token=" + live}, {"Token:" + live}, {"Token, " + live},
		{"Token " + live, "Token " + live}, {"Token " + live, "Token " + ended}, {"", "Token " + live}, {"Bearer x", "Token " + live},
		{"Token " + ended}, {"Token " + live[:39]}, {"Token " + live[1:]}, {"Token " + live + "0"}, {"Token " + strings.ToUpper(live)}, {"Token " + sessions.NewToken()},
		{"Token " + live + ","}, {"Token \"" + live + "\""}, {"Token token=" + live}, {"Token ../../etc/passwd"}, {"Token ' OR 1=1 --"}, {"Token *"}, {"Token " + strings.Repeat("a", 8<<10)},
	} {
		for _, c := range []*client{lab.client(), alice} {
			isNobody(t, strings.Join(odd, " | "), c.get("/api/whoami", func(r *http.Request) { r.Header["Authorization"] = odd }))
			isNobody(t, "DELETE, "+strings.Join(odd, " | "), c.do(http.MethodDelete, "/api/token", func(r *http.Request) { r.Header["Authorization"] = odd }))
		}
	}
	// What no client of Go sends: a newline that is part of the value.
	for _, odd := range []string{"Token " + live + "\n", "Token " + live + " ", "Token \n" + live, "Token " + live + "\x00"} {
		request := httptest.NewRequest(http.MethodGet, "http://"+lab.addr+"/api/whoami", nil)
		request.Header["Authorization"] = []string{odd}
		local, err := net.ResolveTCPAddr("tcp", lab.addr)
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
	folded := raw(t, lab.addr, "GET /api/whoami HTTP/1.1\r\nHost: "+lab.addr+"\r\nAuthorization: Token "+live[:20]+"\r\n "+live[20:]+"\r\n\r\n")
	isNobody(t, "a folded header", folded)
	isAlice(t, "the live token after all that", program.get("/api/whoami", sending(live)), "token")
}

// A session that belongs to nobody is no answer to "who am I".
func TestWhoamiForNobody(t *testing.T) {
	lab := newLab(t)
	for what, c := range map[string]*client{
		"a stranger": lab.client(), "an unknown key": lab.client().carry("lab_sessionid", sessions.NewKey()), "no key": lab.client().carry("lab_sessionid", ""),
		"plain and signed": func() *client { c := lab.client().signIn("alice"); c.drop("lab_sessionid"); return c }(),
	} {
		isNobody(t, what, c.get("/api/whoami"))
	}
	anonymous := made(t, lab, sessions.Keyed("session", lab.sessions), func(s *sessions.Session) error { return s.Set("basket", 1) })
	c := lab.client().carry("lab_sessionid", anonymous)
	if got := c.lanes()[lanes.Session].Verdict; got != lanes.Found {
		t.Fatalf("the anonymous session is %s", got)
	}
	isNobody(t, "an anonymous session", c.get("/api/whoami"))
}

func TestTokenRefusals(t *testing.T) {
	lab := newLab(t)
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
		{"a form", "username=alice&password=cookies", []func(*http.Request){body(formType, "username=alice&password=cookies")}, 415, "unsupported_media_type"},
		{"JSON called text", "", []func(*http.Request){body("text/plain", `{"username":"alice","password":"cookies"}`)}, 415, "unsupported_media_type"},
		{"too long", `{"username":"` + strings.Repeat("a", limit) + `"}`, nil, 413, "too_large"},
		{"too long, chunked", "", []func(*http.Request){chunked(jsonType, `{"username":"`+strings.Repeat("a", limit)+`"}`)}, 413, "too_large"},
		{"from another site", `{"username":"alice","password":"cookies"}`, []func(*http.Request){with("Sec-Fetch-Site", "cross-site")}, 403, "cross_origin"},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := lab.sessionRows(t)
			r := lab.client().askToken(test.body, test.changes...)
			var answer struct{ Error, Message string }
			if err := json.Unmarshal([]byte(r.body), &answer); err != nil || r.status != test.status || answer.Error != test.code || answer.Message == "" {
				t.Errorf("answered %d %s, want %d %s", r.status, r.body, test.status, test.code)
			}
			guarded(t, r)
			if len(r.cookies) > 0 || lab.sessionRows(t) != before {
				t.Errorf("it left something behind: cookies %v", r.cookies)
			}
		})
	}
	if r := lab.client().askToken(`{"username":"teacher","password":"` + teacherPIN + `"}`); r.status != http.StatusCreated {
		t.Errorf("the teacher with the PIN: %d %s", r.status, r.body)
	}
	if r := lab.client().askToken(`{"username":"TEACHER","pin":"` + teacherPIN + `"}`); r.status != http.StatusCreated {
		t.Errorf("the teacher with the PIN in its own field: %d %s", r.status, r.body)
	}
}

// One throttle for both: whoever guesses at one door is kept from the other.
func TestTokenAndLoginShareTheThrottle(t *testing.T) {
	lab := newLab(t)
	guess := `{"username":"alice","password":"crackers"}`
	for range 3 {
		lab.client().askToken(guess)
	}
	for range 2 {
		lab.client().post("/login", wrong("alice"))
	}
	r := lab.client().askToken(`{"username":"alice","password":"cookies"}`)
	if r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") != "60" || !strings.Contains(r.body, `"error":"too_many_tries"`) {
		t.Errorf("answered %d, Retry-After %q: %s", r.status, r.header.Get("Retry-After"), r.body)
	}
	for _, path := range []string{"/login", "/tokens"} {
		if r := lab.client().post(path, login("alice")); r.status != http.StatusTooManyRequests {
			t.Errorf("%s answers %d", path, r.status)
		}
	}
	lab.client().token("bob")
	lab.clock.Advance(time.Minute)
	lab.client().token("alice")
}

func TestTokenMethods(t *testing.T) {
	lab := newLab(t)
	for path, allowed := range map[string][]string{"/api/token": {"POST", "DELETE"}, "/api/whoami": {"GET", "HEAD"}, "/api/token/sealed": {"DELETE"}, "/api/whoami/sealed": {"GET", "HEAD"}} {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "FOO", "TRACE"} {
			if slices.Contains(allowed, method) {
				continue
			}
			r := lab.client().do(method, path, sending(sessions.NewToken()))
			if r.status != http.StatusMethodNotAllowed || r.header.Get("Allow") == "" {
				t.Errorf("%s %s is answered %d, Allow %q", method, path, r.status, r.header.Get("Allow"))
			}
		}
	}
	for _, path := range []string{"/api/token", "/api/whoami"} {
		r := lab.client().do(http.MethodOptions, path, with("Origin", "http://evil.example"), with("Access-Control-Request-Headers", "authorization"))
		for name := range r.header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("OPTIONS %s is answered with %s", path, name)
			}
		}
	}
}

// What lies in the database opens nothing, and the log tells of tokens without
// showing one.
func TestNoTokenIsWrittenDown(t *testing.T) {
	lab := newLab(t)
	c := lab.client().signIn("alice")
	tokens := []string{c.token("alice"), c.token("bob"), c.token("teacher")}
	c.post("/tokens", login("alice"))
	for _, found := range regexp.MustCompile(`id="whole-(?:opaque|sealed)" tabindex="0">([^<]+)<`).FindAllStringSubmatch(c.get("/tokens").body, -1) {
		tokens = append(tokens, found[1])
	}
	if len(tokens) != 5 {
		t.Fatalf("%d tokens: the page shows the whole ones otherwise", len(tokens))
	}
	c.post("/tokens/ask", nil)
	c.post("/tokens/end", nil)
	for _, token := range tokens {
		c.get("/api/whoami", sending(token))
		c.get("/api/lanes", sending(token))
		c.get("/dashboard", sending(token))
		c.get("/api/whoami?token="+token[:20], with("Authorization", "Bearer "+token))
		c.get("/wire")
	}
	lab.sessions.Before = storetest.Down()
	c.get("/api/whoami", sending(tokens[0]))
	c.do(http.MethodDelete, "/api/token", sending(tokens[0]))
	c.askToken(`{"username":"alice","password":"cookies"}`)
	lab.sessions.Before = nil
	c.do(http.MethodDelete, "/api/token", sending(tokens[0]))

	var written strings.Builder
	files, err := filepath.Glob(lab.file + "*")
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
	wire := c.get("/api/wire").body
	for _, token := range tokens {
		for where, text := range map[string]string{"the database": written.String(), "the log": lab.log.String(), "the wire": wire} {
			if strings.Contains(text, token) {
				t.Errorf("%s holds the token %s", where, token)
			}
		}
		if !strings.Contains(wire, `"Token `+token[:4]+"…"+token[len(token)-2:]+`"`) {
			t.Errorf("the wire does not show the ends of %.10s…", token)
		}
	}
	for _, told := range []string{"token issued", "token ended", "name=bob", "role=teacher"} {
		if !strings.Contains(lab.log.String(), told) {
			t.Errorf("the log does not tell of %q", told)
		}
	}
}

// A store that cannot be reached is no 401.
func TestTokenStoreUnavailable(t *testing.T) {
	lab := newLab(t)
	c := lab.client().signIn("alice")
	token := c.token("alice")
	lab.sessions.Before = storetest.Down()
	for what, r := range map[string]reply{
		"the token": c.get("/api/whoami", sending(token)), "the session": c.get("/api/whoami"),
		"ending": c.do(http.MethodDelete, "/api/token", sending(token)), "getting": c.askToken(`{"username":"alice","password":"cookies"}`),
	} {
		if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") != "5" || r.header.Get("WWW-Authenticate") != "" {
			t.Errorf("%s is answered %d %s", what, r.status, r.body)
		}
	}
	lab.sessions.Before = nil
	isAlice(t, "the token afterwards", c.get("/api/whoami", sending(token)), "token")
}

// /api/lanes has the token as its fourth way.
func TestTheFourthLane(t *testing.T) {
	lab := newLab(t)
	c := lab.client()
	live, ended := c.token("alice"), c.token("alice")
	c.do(http.MethodDelete, "/api/token", sending(ended))
	short := made(t, lab, sessions.Tokens("token", lab.sessions), func(s *sessions.Session) error {
		return errors.Join(s.SetExpiry(sessions.Until(lab.clock.Now().Add(time.Second))), s.Set(sessions.UserKey, "alice"))
	})
	lab.clock.Advance(2 * time.Second)
	order := func(r reply) (ids []string) {
		var answer struct{ Lanes []auth.LaneFinding }
		if err := json.Unmarshal([]byte(r.body), &answer); err != nil {
			t.Fatal(err)
		}
		for _, lane := range answer.Lanes {
			ids = append(ids, lane.ID)
		}
		return ids
	}
	if got := order(c.get("/api/lanes")); !slices.Equal(got, []string{"plain", "signed", "session", "token"}) {
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
		r := c.get("/api/lanes", with("Authorization", test.header))
		lane := lanesIn(t, r.body)[lanes.Token]
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
		if strings.Contains(r.body, live) {
			t.Errorf("the answer to %q repeats the token", test.header)
		}
	}

	self := newLab(t, inCookies).client()
	token := self.token("alice")
	for header, want := range map[string]lanes.Verdict{token: lanes.Verified, forgeSigned(token): lanes.Tampered, live: lanes.Tampered, "abc": lanes.Unreadable} {
		if lane := self.lanes(sending(header))[lanes.Token]; lane.Verdict != want || lane.ServerKeeps.Kind != "nothing" {
			t.Errorf("%.20s…: %s, keeps %s", header, lane.Verdict, lane.ServerKeeps.Kind)
		}
	}
}

// The wire shows a program's request where its cookie says whose wire that is,
// and no store is asked for it.
func TestWhoamiOnTheWire(t *testing.T) {
	lab := newLab(t)
	c := lab.client().signIn("alice")
	token := c.token("alice")
	lab.notebooks.Before = func(op string) error { t.Errorf("the notebooks' store was asked to %s", op); return nil }
	lab.sessions.Before = nil
	isAlice(t, "the token", c.get("/api/whoami", sending(token)), "token")
	lab.notebooks.Before = nil
	wire := lab.WireOf(c.cookie(notebookCookie))
	last := wire[len(wire)-1]
	if last.Target != "/api/whoami" || last.Authorization != "Token "+token[:4]+"…"+token[38:] || len(last.Findings) != 1 || last.Findings[0].Lane != lanes.Token {
		t.Errorf("the wire ends with %+v", last)
	}
	for header, want := range map[string]string{
		"Basic YTpi": "Basic ····", "Token " + token: "Token " + token[:4] + "…" + token[38:], token: token[:4] + "…" + token[38:], "Token": "·····",
		strings.Repeat("x", 40) + " y": "xxxx… y",
	} {
		c.get("/api/whoami", with("Authorization", header))
		wire := lab.WireOf(c.cookie(notebookCookie))
		if got := wire[len(wire)-1].Authorization; got != want {
			t.Errorf("%q stands on the wire as %q, want %q", header, got, want)
		}
	}
	count := len(lab.WireOf(c.cookie(notebookCookie)))
	c.drop(notebookCookie)
	c.get("/api/whoami", sending(token))
	lab.client().carry(notebookCookie, sessions.NewKey()).get("/api/whoami", sending(token))
	if got := len(lab.WireOf(c.cookie(notebookCookie))); got != 0 || count == 0 {
		t.Errorf("%d exchanges on nobody's wire", got)
	}
}
