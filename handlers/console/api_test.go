// The session's calls over HTTP: what each answers, against what Django 3.2
// answers, and what it does to the cookie and the store.

package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"cookielab/handlers"
	"cookielab/handlers/labtest"
	"cookielab/handlers/lanes"
	"cookielab/handlers/webtest"
	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

// Every call, with Django's answers.
func TestSessionCalls(t *testing.T) {
	for engine, options := range map[string][]func(*handlers.Config){"db": nil, "signed_cookies": {labtest.InCookies}} {
		t.Run(engine, func(t *testing.T) {
			lab := labtest.New(t, options...)
			c := lab.Client()
			const accessed, modified, not = true, true, false

			// Reading starts no session.
			for _, read := range []struct{ op, fields, result string }{
				{"get", `{"key":"a"}`, "null"}, {"get", `{"key":"a","default":[1]}`, "[1]"}, {"has", `{"key":"a"}`, "false"},
				{"keys", "", "[]"}, {"values", "{}", "[]"}, {"items", "{}", "{}"}, {"pop", `{"key":"a"}`, "null"},
				{"pop", `{"key":"a","default":7}`, "7"}, {"delete", `{"key":"a"}`, "false"},
			} {
				if key := c.Answers(t, read.op, read.fields, read.result, accessed, not); key != "" {
					t.Errorf("%s starts a session", read.op)
				}
			}
			for _, op := range []string{"clear", "flush", "cycle_key"} {
				c.Answers(t, op, "{}", "null", accessed, modified)
			}
			c.Answers(t, "set_expiry", `{"reset":true}`, "null", accessed, not)
			if len(c.Cookies) > 0 || lab.Rows(t) != "" {
				t.Fatalf("a session was started: %v, %q", c.Cookies, lab.Rows(t))
			}

			// Writing does, and the answer tells its key.
			first := c.Answers(t, "set", `{"key":"a","value":1}`, "null", accessed, modified)
			if first == "" || c.Cookie(webtest.SessionCookie) != first {
				t.Fatalf("the key is %q, the cookie %q", first, c.Cookie(webtest.SessionCookie))
			}
			found := c.Lanes()[lanes.Session]
			if found.User != nil || !found.Verdict.Accepted() {
				t.Errorf("an anonymous session is %s, user %v", found.Verdict, found.User)
			}
			c.Answers(t, "get", `{"key":"a"}`, "1", accessed, not)
			c.Answers(t, "get", `{"key":"a","default":2}`, "1", accessed, not)
			c.Answers(t, "has", `{"key":"a"}`, "true", accessed, not)
			c.Answers(t, "setdefault", `{"key":"a","value":5}`, "1", accessed, not)
			c.Answers(t, "setdefault", `{"key":"b","value":{"x":[true,null,"é<&"]}}`, `{"x":[true,null,"é\u003c\u0026"]}`, accessed, modified)
			c.Answers(t, "keys", "{}", `["a","b"]`, accessed, not)
			c.Answers(t, "values", "{}", `[1,{"x":[true,null,"é\u003c\u0026"]}]`, accessed, not)
			c.Answers(t, "items", "{}", `{"a":1,"b":{"x":[true,null,"é\u003c\u0026"]}}`, accessed, not)
			c.Answers(t, "update", `{"values":{"b":2,"c":3}}`, "null", accessed, modified)
			c.Answers(t, "pop", `{"key":"b"}`, "2", accessed, modified)
			c.Answers(t, "pop", `{"key":"b","default":"none"}`, `"none"`, accessed, not)
			c.Answers(t, "delete", `{"key":"c"}`, "true", accessed, modified)
			c.Answers(t, "set", `{"key":"n","value":null}`, "null", accessed, modified)
			c.Answers(t, "has", `{"key":"n"}`, "true")
			c.Answers(t, "items", "{}", `{"a":1,"n":null}`)

			// Whole numbers keep 64 bits, and more, exactly.
			for _, number := range []string{"9223372036854775807", "-9223372036854775808", "18446744073709551615", "123456789012345678901234567890", "0.1", "1e300"} {
				c.Answers(t, "set", `{"key":"n","value":`+number+`}`, "null")
				c.Answers(t, "get", `{"key":"n"}`, number)
			}

			// cycle_key keeps the data; on a server the old key is dead.
			c.Answers(t, "update", `{"values":{"n":1}}`, "null")
			old := c.Cookie(webtest.SessionCookie)
			second := c.Answers(t, "cycle_key", "{}", "null", accessed, modified)
			if second == old || second != c.Cookie(webtest.SessionCookie) {
				t.Errorf("cycle_key makes %q of %q; the cookie is %q", second, old, c.Cookie(webtest.SessionCookie))
			}
			c.Answers(t, "items", "{}", `{"a":1,"n":1}`)
			thief := lab.Client().Carry(webtest.SessionCookie, old)
			there := map[bool]string{true: "true", false: "false"}
			c.Answers(t, "exists", `{"session_key":"`+old+`"}`, there[engine == "signed_cookies"], not, not)
			c.Answers(t, "exists", `{"session_key":"`+second+`"}`, "true", not, not)
			if engine == "db" {
				thief.Answers(t, "items", "{}", "{}")
			}
			for _, key := range []string{"", "session_key", "../../etc/passwd", strings.Repeat("k", 32), "' OR 1=1 --"} {
				fields, _ := json.Marshal(map[string]string{"session_key": key})
				c.Answers(t, "exists", string(fields), "false", not, not)
			}

			// clear keeps the key; flush does not.
			kept := c.Answers(t, "clear", "{}", "null", accessed, modified)
			if engine == "db" && kept != second {
				t.Errorf("clear changes the key from %q to %q", second, kept)
			}
			c.Answers(t, "items", "{}", "{}")
			c.Answers(t, "set", `{"key":"a","value":1}`, "null")
			before := c.Cookie(webtest.SessionCookie)
			if key := c.Answers(t, "flush", "{}", "null", accessed, modified); key != "" || c.Cookie(webtest.SessionCookie) != "" {
				t.Errorf("after flush the key is %q, the cookie %q", key, c.Cookie(webtest.SessionCookie))
			}
			c.Answers(t, "exists", `{"session_key":"`+before+`"}`, there[engine == "signed_cookies"])
			if after := c.Answers(t, "set", `{"key":"a","value":1}`, "null"); after == before {
				t.Error("flush keeps the key")
			}
		})
	}
}

// set_expiry in its four forms, as Django takes them.
func TestSessionCallExpiry(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client()
	at := func(d time.Duration) string { return lab.Clock.Now().Add(d).UTC().Format(time.RFC3339Nano) }
	ends := func(seconds int, browserClose bool) {
		t.Helper()
		want := fmt.Sprintf(`{"seconds":%d,"at":%q,"browser_close":%t}`, seconds, at(time.Duration(seconds)*time.Second), browserClose)
		c.Answers(t, "expiry", "{}", want, true, false)
	}
	const twoWeeks = 1209600
	ends(twoWeeks, false)
	c.Answers(t, "set", `{"key":"a","value":1}`, "null")
	ends(twoWeeks, false)

	r := c.Call("set_expiry", `{"seconds":300}`)
	if set := r.Sets(webtest.SessionCookie); set == nil || set.MaxAge != 300 {
		t.Errorf("the cookie is %v", set)
	}
	ends(300, false)
	lab.Clock.Advance(100 * time.Second)
	ends(300, false) // from the save that would be now
	c.Answers(t, "get", `{"key":"_expiry"}`, "300")

	until := at(time.Hour)
	c.Answers(t, "set_expiry", `{"at":"`+until+`"}`, "null", true, true)
	lab.Clock.Advance(time.Minute)
	ends(3540, false)

	r = c.Call("set_expiry", `{"browser_close":true}`)
	if set := r.Sets(webtest.SessionCookie); set == nil || set.MaxAge != 0 || !set.Expires.IsZero() {
		t.Errorf("the cookie is %v", set)
	}
	ends(twoWeeks, true)
	c.Answers(t, "set_expiry", `{"reset":true}`, "null", true, true)
	c.Answers(t, "set_expiry", `{"reset":true}`, "null", true, false)
	ends(twoWeeks, false)
	c.Answers(t, "set_expiry", `{"seconds":34560000}`, "null")
	ends(34560000, false)

	// A session that its own end is set into the past of is over at once.
	for _, over := range []string{`{"seconds":0}`, `{"seconds":-10}`, `{"seconds":-34560000}`, `{"at":"` + at(-time.Second) + `"}`, `{"at":"0001-01-01T00:00:00Z"}`, `{"at":"0000-01-01T00:00:00+14:00"}`} {
		v := lab.Client()
		v.Answers(t, "set", `{"key":"a","value":1}`, "null")
		key := v.Cookie(webtest.SessionCookie)
		v.Answers(t, "set_expiry", over, "null")
		if v.Cookie(webtest.SessionCookie) != "" {
			t.Errorf("%s: the browser keeps the cookie", over)
		}
		copied := lab.Client().Carry(webtest.SessionCookie, key)
		copied.Answers(t, "items", "{}", "{}")
		if got := copied.Lanes()[lanes.Session].Verdict; got != lanes.Expired {
			t.Errorf("%s: a copy is %s", over, got)
		}
		// exists does not look at expiry, clear_expired does.
		c.Answers(t, "exists", `{"session_key":"`+key+`"}`, "true")
		c.Answers(t, "clear_expired", "{}", "1", false, false)
		c.Answers(t, "exists", `{"session_key":"`+key+`"}`, "false")
	}
	c.Answers(t, "get", `{"key":"a"}`, "1") // a live one stays
	far := lab.Client()
	far.Answers(t, "set", `{"key":"a","value":1}`, "null")
	for _, tooFar := range []string{"9999-12-31T23:59:59Z", at(sessions.MaxAge + time.Second)} {
		r := far.Call("set_expiry", `{"at":"`+tooFar+`"}`)
		if r.Status != http.StatusBadRequest || !strings.Contains(r.Body, "expiry_too_far") || !strings.Contains(r.Body, "400 days") {
			t.Errorf("%s answered %d %s", tooFar, r.Status, r.Body)
		}
	}
	ends(34560000, false)
	far.Answers(t, "set_expiry", `{"at":"`+at(sessions.MaxAge)+`"}`, "null")
	far.Answers(t, "get", `{"key":"a"}`, "1")
}

// If the key changes while a logout is under way, the logout ends the session under its
// new key. So does a logout that carries the old key a moment later.
func TestALogoutEndsWhatTheSessionBecameMeanwhile(t *testing.T) {
	lab := labtest.New(t)
	ended := func(twin *webtest.Client) {
		t.Helper()
		if got := twin.Lanes()[lanes.Session].Verdict; got != lanes.Unknown {
			t.Errorf("the new key is %s after the logout", got)
		}
	}
	alice := lab.Client().SignIn("alice")
	twin := lab.Client().Carry(webtest.SessionCookie, alice.Cookie(webtest.SessionCookie))
	loaded := make(chan bool)
	lab.Sessions.Before = func(string) error { lab.Sessions.Before = nil; close(loaded); return nil }
	answered := make(chan webtest.Reply)
	go func() { answered <- alice.Call("flush", `{"think_ms":300}`) }()
	<-loaded
	twin.Call("cycle_key", `{}`)
	if r := <-answered; r.Status != http.StatusOK {
		t.Errorf("flush answers %d: %s", r.Status, r.Body)
	}
	ended(twin)

	bob := lab.Client().SignIn("bob")
	twin = lab.Client().Carry(webtest.SessionCookie, bob.Cookie(webtest.SessionCookie))
	twin.Call("cycle_key", `{}`)
	if got := bob.Lanes()[lanes.Session].Verdict; got != lanes.Unknown {
		t.Errorf("the old key is %s", got)
	}
	if r := bob.Post("/logout", nil); r.Status != http.StatusSeeOther {
		t.Errorf("POST /logout answers %d", r.Status)
	}
	ended(twin)
}

// Signing in ends the session that this browser had before, and never the new one, even
// if another program changed the old session's key in between.
func TestSigningInAgainAfterAChangeOfKey(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	alice.Call("cycle_key", `{}`)
	alice.SignIn("alice")
	if got := alice.Lanes()[lanes.Session].Verdict; got != lanes.Found {
		t.Errorf("the new session is %s", got)
	}
	twin := lab.Client().Carry(webtest.SessionCookie, alice.Cookie(webtest.SessionCookie))
	twin.Call("cycle_key", `{}`) // somebody else has it
	alice.Drop(webtest.SessionCookie)
	alice.SignIn("alice")
	if got := alice.Lanes()[lanes.Session].Verdict; got != lanes.Found {
		t.Errorf("the newest session is %s", got)
	}
	if got := twin.Lanes()[lanes.Session].Verdict; got != lanes.Unknown {
		t.Errorf("what the left session became is %s", got)
	}
}

// What is no call is refused, says why, and changes nothing.
func TestSessionCallsRefused(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	alice.Answers(t, "update", `{"values":{"text":"one","list":[],"most":9223372036854775807,"least":-9223372036854775808,"half":0.5,"big":9223372036854775808}}`, "null")
	deep := func(n int) string {
		return `{"key":"a","value":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`
	}
	before := lab.Rows(t)
	const bad, forbidden, conflict = http.StatusBadRequest, http.StatusForbidden, http.StatusConflict
	for _, test := range []struct {
		op, fields string
		status     int
		code       string
		words      string // separated by spaces
	}{
		{"explode", `{}`, 404, "unknown_op", "get, set_expiry, clear_expired"},
		{"GET", `{}`, 404, "unknown_op", ""},
		{"session_key", `{}`, 404, "unknown_op", ""},
		{"get", `{}`, bad, "bad_request", "get key"},
		{"get", ``, bad, "bad_request", "get key"},
		{"set", `{"key":"a"}`, bad, "bad_request", "set value"},
		{"set", `{"value":1}`, bad, "bad_request", "set key"},
		{"set", `{"key":"a","value":1,"colour":2}`, bad, "bad_request", "colour think_ms"},
		{"set", `{"KEY":"a","value":1}`, bad, "bad_request", "KEY"},
		{"set", `{"key":"a","key":"b","value":1}`, bad, "bad_request", "key twice"},
		{"set", `{"key":"a","value":{"x":1,"x":2}}`, bad, "bad_request", "x twice"},
		{"set", `{"key":"","value":1}`, bad, "bad_request", "key empty"},
		{"set", `{"key":5,"value":1}`, bad, "bad_request", "key text"},
		{"set", `{"key":null,"value":1}`, bad, "bad_request", "key text"},
		{"set", `{"key":"a","value":1e999}`, bad, "bad_request", "large"},
		{"set", `{"key":"a","value":[{"x":-1e999}]}`, bad, "bad_request", "large"},
		{"set", deep(100), bad, "bad_request", "100"},
		{"set", deep(30000), bad, "bad_request", ""},
		{"set", "{\"key\":\"a\",\"value\":\"\xff\"}", bad, "bad_request", ""},
		{"set", `[]`, bad, "bad_request", "{…}"},
		{"set", `null`, bad, "bad_request", "{…}"},
		{"set", `"a"`, bad, "bad_request", "{…}"},
		{"set", `{"key":"a","value":1`, bad, "bad_request", "JSON"},
		{"set", `{"key":"a","value":1}{}`, bad, "bad_request", "JSON"},
		{"set", "\ufeff" + `{"key":"a","value":1}`, bad, "bad_request", "JSON"},
		{"keys", `{"key":"a"}`, bad, "bad_request", "keys key"},
		{"exists", `{}`, bad, "bad_request", "session_key"},
		{"exists", `{"session_key":1}`, bad, "bad_request", "session_key"},
		{"update", `{"values":[1]}`, bad, "bad_request", "values object"},
		{"update", `{"values":null}`, bad, "bad_request", "values object"},
		{"update", `{"values":{"":1}}`, bad, "bad_request", "values empty"},
		{"add", `{"key":"a","by":1.5}`, bad, "bad_request", "by whole"},
		{"add", `{"key":"a","by":"1"}`, bad, "bad_request", "by whole"},
		{"add", `{"key":"a","by":9223372036854775808}`, bad, "bad_request", "by whole"},
		{"add", `{"key":"text"}`, conflict, "not_whole", "text"},
		{"add", `{"key":"list"}`, conflict, "not_whole", "list"},
		{"add", `{"key":"half"}`, conflict, "not_whole", "half"},
		{"add", `{"key":"big"}`, conflict, "not_whole", "big"},
		{"add", `{"key":"most"}`, conflict, "number_too_large", "most 64"},
		{"add", `{"key":"least","by":-1}`, conflict, "number_too_large", "least 64"},
		{"set_expiry", `{}`, bad, "bad_request", "seconds at browser_close reset"},
		{"set_expiry", `{"seconds":5,"reset":true}`, bad, "bad_request", "seconds at browser_close reset"},
		{"set_expiry", `{"at":"2030-01-01T00:00:00Z","browser_close":true}`, bad, "bad_request", "exactly"},
		{"set_expiry", `{"seconds":34560001}`, bad, "bad_request", "seconds 400"},
		{"set_expiry", `{"seconds":-34560001}`, bad, "bad_request", "seconds 400"},
		{"set_expiry", `{"seconds":99999999999999999999}`, bad, "bad_request", "seconds"},
		{"set_expiry", `{"seconds":1.5}`, bad, "bad_request", "seconds"},
		{"set_expiry", `{"seconds":null}`, bad, "bad_request", "seconds"},
		{"set_expiry", `{"at":"tomorrow"}`, bad, "bad_request", "at date"},
		{"set_expiry", `{"at":"9999-12-31T23:59:59Z"}`, bad, "expiry_too_far", "400 days Nothing was changed"},
		{"set_expiry", `{"seconds":1000000000000000000}`, bad, "bad_request", "seconds 400"},
		{"set_expiry", `{"seconds":-9223372036854775808}`, bad, "bad_request", "seconds 400"},
		{"set_expiry", `{"at":1900000000}`, bad, "bad_request", "at date"},
		{"set_expiry", `{"browser_close":false}`, bad, "bad_request", "browser_close true"},
		{"set_expiry", `{"reset":1}`, bad, "bad_request", "reset true"},
		{"get", `{"key":"a","think_ms":-1}`, bad, "bad_request", "think_ms 2000"},
		{"get", `{"key":"a","think_ms":2001}`, bad, "bad_request", "think_ms 2000"},
		{"get", `{"key":"a","think_ms":"5"}`, bad, "bad_request", "think_ms"},
		{"set", `{"key":"_user","value":"teacher"}`, forbidden, "reserved_key", "_user"},
		{"set", `{"key":"_","value":1}`, forbidden, "reserved_key", "_"},
		{"setdefault", `{"key":"_role","value":"teacher"}`, forbidden, "reserved_key", "_role"},
		{"setdefault", `{"key":"_new","value":1}`, forbidden, "reserved_key", "_new"},
		{"pop", `{"key":"_user"}`, forbidden, "reserved_key", "_user"},
		{"delete", `{"key":"_since"}`, forbidden, "reserved_key", "_since"},
		{"update", `{"values":{"fine":1,"_role":"teacher"}}`, forbidden, "reserved_key", "_role"},
		{"add", `{"key":"_counter"}`, forbidden, "reserved_key", "_counter"},
	} {
		refuses(t, alice, test.op, test.fields, test.status, test.code, strings.Fields(test.words)...)
	}
	if r := alice.Call("set", "key=a", webtest.Body(webtest.FormType, "key=a")); r.Status != http.StatusUnsupportedMediaType {
		t.Errorf("a form is answered %d", r.Status)
	}
	if r := alice.Call("set", `{"key":"a","value":"`+strings.Repeat("x", webtest.Limit)+`"}`); r.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body of more than 64 KB is answered %d", r.Status)
	}
	if r := alice.Call("set", `{"key":"a","value":1}`, webtest.With("Sec-Fetch-Site", "cross-site")); r.Status != http.StatusForbidden {
		t.Errorf("another site's page is answered %d", r.Status)
	}
	if r := alice.Do(http.MethodGet, "/api/session/keys"); r.Status != http.StatusMethodNotAllowed {
		t.Errorf("GET is answered %d", r.Status)
	}
	if after := lab.Rows(t); after != before {
		t.Errorf("the database changed from\n%s to\n%s", before, after)
	}
	// They can be read, and the deepest that is taken comes back.
	alice.Answers(t, "get", `{"key":"_user"}`, `"alice"`)
	alice.Answers(t, "has", `{"key":"_role"}`, "true")
	alice.Answers(t, "set", deep(99), "null")
	if r := alice.Call("items", "{}"); r.Status != http.StatusOK || !strings.Contains(r.Body, strings.Repeat("[", 99)) {
		t.Errorf("items are answered %d", r.Status)
	}
	if got := alice.Verdicts(); got != webtest.Everywhere {
		t.Errorf("afterwards the three ways conclude %q", got)
	}
}

// clear drops everything, also who somebody is, as Django's does: the key lives
// on, and nobody is behind it.
func TestSessionCallClearSignsOut(t *testing.T) {
	for _, op := range []string{"clear", "flush"} {
		alice := labtest.New(t).Client().SignIn("alice")
		key := alice.Cookie(webtest.SessionCookie)
		alice.Call(op, "{}")
		lane := alice.Lanes()[lanes.Session]
		if want := map[string]lanes.Verdict{"clear": lanes.Found, "flush": lanes.Absent}[op]; lane.Verdict != want || lane.User != nil {
			t.Errorf("after %s: %s, user %v", op, lane.Verdict, lane.User)
		}
		if door := alice.Get("/door/session"); door.Status != http.StatusForbidden {
			t.Errorf("after %s the door answers %d", op, door.Status)
		}
		if op == "clear" && alice.Cookie(webtest.SessionCookie) != key {
			t.Error("clear changes the key")
		}
	}
}

// More than a session holds is a 413; what it held stays.
func TestSessionCallTooLarge(t *testing.T) {
	for engine, test := range map[string]struct {
		options []func(*handlers.Config)
		fits    int
	}{
		"db":             {nil, 40 << 10},
		"signed_cookies": {[]func(*handlers.Config){labtest.InCookies}, 1200},
	} {
		t.Run(engine, func(t *testing.T) {
			c := labtest.New(t, test.options...).Client()
			text := `"` + strings.Repeat("x", test.fits) + `"`
			c.Answers(t, "set", `{"key":"a","value":`+text+`}`, "null")
			refuses(t, c, "set", `{"key":"b","value":`+text+`}`, http.StatusRequestEntityTooLarge, "session_too_large")
			c.Answers(t, "keys", "{}", `["a"]`)
			c.Answers(t, "get", `{"key":"a"}`, text)
		})
	}
	t.Run("to the byte, whether the value or its name is what is too long", func(t *testing.T) {
		lab := labtest.New(t, labtest.InCookies)
		for size := 2000; ; size++ {
			c := lab.Client()
			r := c.Call("set", `{"key":"a","value":"`+strings.Repeat("x", size)+`"}`)
			if r.Status == http.StatusOK {
				if set := r.Sets(webtest.SessionCookie); set == nil || len(set.Name)+len(set.Value) > 4096 {
					t.Fatalf("%d characters: no browser keeps %v", size, set)
				}
				continue
			}
			if r.Status != http.StatusRequestEntityTooLarge || len(r.Cookies) > 0 || !strings.Contains(r.Body, "session_too_large") {
				t.Errorf("%d characters: answered %d %s, with %v", size, r.Status, r.Body, r.Cookies)
			}
			if size > 2300 {
				break
			}
		}
	})
}

// Where nothing lies on the server, nothing can be added to atomically.
func TestSessionCallNotSupported(t *testing.T) {
	lab := labtest.New(t, labtest.InCookies)
	c := lab.Client()
	c.Answers(t, "set", `{"key":"n","value":1}`, "null")
	refuses(t, c, "add", `{"key":"n"}`, http.StatusConflict, "not_supported", "signed_cookies")
	c.Answers(t, "get", `{"key":"n"}`, "1")
	c.Answers(t, "clear_expired", "{}", "0")
}

// /api never opens a notebook, and never touches one.
func TestSessionCallsLeaveTheNotebookAlone(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client()
	c.Get("/dashboard")
	book := c.Cookie(webtest.NotebookCookie)
	c.Answers(t, "set", `{"key":"a","value":1}`, "null") // answers complains of any other cookie
	if e := c.Last(); e.Target != "/api/session/set" || e.Status != http.StatusOK || c.Cookie(webtest.NotebookCookie) != book {
		t.Errorf("on the wire is %s, %d", e.Target, e.Status)
	}
	stranger := lab.Client()
	stranger.Answers(t, "set", `{"key":"a","value":1}`, "null")
}

// With SESSION_SAVE_EVERY_REQUEST a call is saved once, not twice.
func TestSessionCallSavedOnce(t *testing.T) {
	for engine, options := range map[string]func(*handlers.Config){"db": func(*handlers.Config) {}, "signed_cookies": labtest.InCookies} {
		lab := labtest.New(t, options, func(config *handlers.Config) { config.Cookie.SaveEveryRequest = true })
		c := lab.Client()
		for range 3 { // answers compares the key it tells with the cookie
			c.Answers(t, "set", `{"key":"a","value":1}`, "null")
		}
		if engine == "db" {
			c.Answers(t, "add", `{"key":"a"}`, "2")
			if kept := c.Lanes()[lanes.Session].ServerKeeps; kept.Version != 4 { // before this request's own save
				t.Errorf("after four calls the version is %d", kept.Version)
			}
		}
	}
}

// Of 500 sets and 500 adds at once none is lost, though each thinks between
// loading and saving.
func TestSessionCallsAtOnce(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	const n = 500
	together := func(work func(c *webtest.Client, i int) webtest.Reply) {
		t.Helper()
		var all sync.WaitGroup
		busy := make(chan struct{}, 64)
		for i := range n {
			busy <- struct{}{}
			all.Add(1)
			go func() {
				defer func() { <-busy; all.Done() }()
				c := lab.Client().Carry(webtest.SessionCookie, alice.Cookie(webtest.SessionCookie))
				if r := work(c, i); r.Status != http.StatusOK {
					t.Errorf("number %d is answered %d %s", i, r.Status, r.Body)
				}
			}()
		}
		all.Wait()
	}
	together(func(c *webtest.Client, i int) webtest.Reply {
		return c.Call("set", fmt.Sprintf(`{"key":"k%03d","value":%d,"think_ms":5}`, i, i))
	})
	var answer struct{ Result map[string]json.RawMessage }
	if err := json.Unmarshal([]byte(alice.Call("items", "{}").Body), &answer); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if got := string(answer.Result[fmt.Sprintf("k%03d", i)]); got != fmt.Sprint(i) {
			t.Errorf("k%03d is %q", i, got)
		}
	}
	if got := string(answer.Result["_user"]); got != `"alice"` {
		t.Errorf("the user is %s", got)
	}
	together(func(c *webtest.Client, i int) webtest.Reply { return c.Call("add", `{"key":"count","think_ms":5}`) })
	alice.Answers(t, "get", `{"key":"count"}`, fmt.Sprint(n))
	alice.Answers(t, "add", `{"key":"count","by":-500}`, "0", true, true)
	alice.Answers(t, "add", `{"key":"count","by":0}`, "0")
}

// Logging out while a call thinks: the call is refused and brings nothing back.
func TestSessionCallOvertakenByLogout(t *testing.T) {
	for _, fields := range []struct{ op, body string }{
		{"set", `{"key":"a","value":1,"think_ms":2000}`}, {"add", `{"key":"a","think_ms":2000}`},
		{"cycle_key", `{"think_ms":2000}`}, {"clear", `{"think_ms":2000}`}, {"set_expiry", `{"browser_close":true,"think_ms":2000}`},
	} {
		labtest.InItsOwnTime(t, func(t *testing.T, lab *labtest.Lab, _ func() net.Conn) {
			alice := lab.Client().SignIn("alice")
			slow := lab.Client().Carry(webtest.SessionCookie, alice.Cookie(webtest.SessionCookie))
			answered := make(chan webtest.Reply)
			go func() { answered <- slow.Call(fields.op, fields.body) }()
			time.Sleep(time.Second) // its own time: the call is thinking now
			alice.Post("/logout", nil)
			r := <-answered
			if r.Status != http.StatusConflict || !strings.Contains(r.Body, `"session_ended"`) || len(r.Cookies) > 0 {
				t.Errorf("%s is answered %d %s, and sets %v", fields.op, r.Status, r.Body, r.Cookies)
			}
			if got := slow.Lanes()[lanes.Session].Verdict; got != lanes.Unknown {
				t.Errorf("after %s the old key is %s", fields.op, got)
			}
		})
	}
}

// A client that goes away while its call thinks has changed nothing, and the
// call does not think on.
func TestSessionCallWhoseClientGoesAway(t *testing.T) {
	labtest.InItsOwnTime(t, func(t *testing.T, lab *labtest.Lab, _ func() net.Conn) {
		alice := lab.Client().SignIn("alice")
		ctx, hangUp := context.WithCancel(context.Background())
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+lab.Addr+"/api/session/set", strings.NewReader(`{"key":"a","value":1,"think_ms":2000}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Cookie", alice.Header())
		done := make(chan error)
		go func() {
			response, err := lab.Web.Do(request)
			if err == nil {
				_, _ = io.Copy(io.Discard, response.Body)
				response.Body.Close()
			}
			done <- err
		}()
		time.Sleep(100 * time.Millisecond)
		hangUp()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("it ended with %v", err)
		}
		time.Sleep(100 * time.Millisecond) // it would think on for 1.8 s
		if e := alice.Last(); e.Target != "/api/session/set" || e.Status != http.StatusRequestTimeout {
			t.Errorf("the last on the wire is %s, %d", e.Target, e.Status)
		}
		time.Sleep(3 * time.Second)
		alice.Answers(t, "has", `{"key":"a"}`, "false")
	})
}

// A store that cannot be reached is a 503, and nothing was changed.
func TestSessionCallsWithoutAStore(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	alice.Answers(t, "set", `{"key":"a","value":1}`, "null")
	before := lab.Rows(t)
	calls := map[string]string{
		"get": `{"key":"a"}`, "set": `{"key":"a","value":2}`, "setdefault": `{"key":"b","value":2}`, "pop": `{"key":"a"}`, "delete": `{"key":"a"}`,
		"has": `{"key":"a"}`, "keys": `{}`, "values": `{}`, "items": `{}`, "update": `{"values":{"a":2}}`, "add": `{"key":"a"}`, "clear": `{}`,
		"flush": `{}`, "cycle_key": `{}`, "set_expiry": `{"seconds":5}`, "expiry": `{}`, "exists": `{"session_key":"` + alice.Cookie(webtest.SessionCookie) + `"}`, "clear_expired": `{}`,
	}
	reads := regexp.MustCompile("^(get|has|keys|values|items|expiry|exists|clear_expired)$")
	for op, fields := range calls {
		for _, down := range [][]string{nil, {"create", "update", "delete"}} {
			if down != nil && reads.MatchString(op) {
				continue
			}
			lab.Sessions.Before = storetest.Down(down...)
			r := alice.Call(op, fields)
			lab.Sessions.Before = nil
			if r.Status != http.StatusServiceUnavailable || r.Header.Get("Retry-After") != "5" || len(r.Cookies) > 0 {
				t.Errorf("%s without %v is answered %d %s, and sets %v", op, down, r.Status, r.Body, r.Cookies)
			}
		}
	}
	if after := lab.Rows(t); after != before {
		t.Errorf("the database changed from\n%s to\n%s", before, after)
	}
	alice.Answers(t, "get", `{"key":"a"}`, "1") // it recovers by itself
}

// What is read from the session is what is written into the answer: hostile
// text stays text.
func TestSessionCallsEchoText(t *testing.T) {
	c := labtest.New(t).Client()
	for _, text := range []string{"</script>", "\u2028", "\x00", "é", "汉字", `"\`, "\U0001F36A"} {
		var value bytes.Buffer
		_ = json.NewEncoder(&value).Encode(text)
		c.Call("set", `{"key":`+strings.TrimSpace(value.String())+`,"value":`+strings.TrimSpace(value.String())+`}`)
		r := c.Call("get", `{"key":`+strings.TrimSpace(value.String())+`}`)
		var a struct{ Result string }
		if err := json.Unmarshal([]byte(r.Body), &a); err != nil || a.Result != text || strings.Contains(r.Body, "<") {
			t.Errorf("%q comes back as %s", text, r.Body)
		}
	}
}

// refuses complains unless a call is refused with this status and code, and the
// sentence has these words; nothing is set then.
func refuses(t *testing.T, c *webtest.Client, op, fields string, status int, code string, words ...string) {
	t.Helper()
	r := c.Call(op, fields)
	var a struct{ Error, Message string }
	if err := json.Unmarshal([]byte(r.Body), &a); err != nil || r.Status != status || a.Error != code {
		t.Errorf("%s %.200s: answered %d %.300s, not %d %s", op, fields, r.Status, r.Body, status, code)
	}
	for _, word := range words {
		if !strings.Contains(a.Message, word) {
			t.Errorf("%s %.200s: the message does not name %q: %s", op, fields, word, a.Message)
		}
	}
	if len(r.Cookies) > 0 {
		t.Errorf("%s %.200s is refused, and sets %v", op, fields, r.Cookies)
	}
}
