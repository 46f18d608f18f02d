// The session's calls over HTTP: what each answers, against what Django 3.2
// answers, and what it does to the cookie and the store.

package handlers_test

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
	"cookielab/handlers/lanes"
	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

const sessionCookie = "lab_sessionid"

// call makes one session call.
func (c *client) call(op, fields string, changes ...func(*http.Request)) reply {
	c.lab.t.Helper()
	own := []func(*http.Request){body("application/json", fields), with("Sec-Fetch-Site", "same-origin")}
	return c.do(http.MethodPost, "/api/session/"+op, append(own, changes...)...)
}

// answers makes a call, complains unless it answers 200 with this result and
// these flags, and returns the session's key.
func (c *client) answers(t *testing.T, op, fields, result string, flags ...bool) (key string) {
	t.Helper()
	r := c.call(op, fields)
	var a struct {
		Op                 string
		Result             json.RawMessage
		SessionKey         *string `json:"session_key"`
		Accessed, Modified bool
	}
	decoder := json.NewDecoder(strings.NewReader(r.body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&a); err != nil || r.status != http.StatusOK {
		t.Fatalf("%s %s: answered %d %s", op, fields, r.status, r.body)
	}
	if a.Op != op || string(a.Result) != result {
		t.Errorf("%s %s: %s gives %s, not %s", op, fields, a.Op, a.Result, result)
	}
	if len(flags) == 2 && (a.Accessed != flags[0] || a.Modified != flags[1]) {
		t.Errorf("%s %s: accessed %t, modified %t, not %v", op, fields, a.Accessed, a.Modified, flags)
	}
	for _, cookie := range r.cookies {
		if cookie.Name != sessionCookie {
			t.Errorf("%s %s sets %s", op, fields, cookie.Name)
		}
	}
	if a.SessionKey != nil {
		key = *a.SessionKey
	}
	if set := r.sets(sessionCookie); set != nil && set.MaxAge >= 0 && set.Value != key {
		t.Errorf("%s %s: the answer tells the key %q, the cookie is %q", op, fields, key, set.Value)
	}
	return key
}

// refuses complains unless a call is refused with this status and code, and the
// sentence has these words; nothing is set then.
func (c *client) refuses(t *testing.T, op, fields string, status int, code string, words ...string) {
	t.Helper()
	r := c.call(op, fields)
	var a struct{ Error, Message string }
	if err := json.Unmarshal([]byte(r.body), &a); err != nil || r.status != status || a.Error != code {
		t.Errorf("%s %.200s: answered %d %.300s, not %d %s", op, fields, r.status, r.body, status, code)
	}
	for _, word := range words {
		if !strings.Contains(a.Message, word) {
			t.Errorf("%s %.200s: the message does not name %q: %s", op, fields, word, a.Message)
		}
	}
	if len(r.cookies) > 0 {
		t.Errorf("%s %.200s is refused, and sets %v", op, fields, r.cookies)
	}
}

// Every call, with Django's answers.
func TestSessionCalls(t *testing.T) {
	for engine, options := range map[string][]func(*handlers.Config){"db": nil, "signed_cookies": {inCookies}} {
		t.Run(engine, func(t *testing.T) {
			lab := newLab(t, options...)
			c := lab.client()
			const accessed, modified, not = true, true, false

			// Reading starts no session.
			for _, read := range []struct{ op, fields, result string }{
				{"get", `{"key":"a"}`, "null"}, {"get", `{"key":"a","default":[1]}`, "[1]"}, {"has", `{"key":"a"}`, "false"},
				{"keys", "", "[]"}, {"values", "{}", "[]"}, {"items", "{}", "{}"}, {"pop", `{"key":"a"}`, "null"},
				{"pop", `{"key":"a","default":7}`, "7"}, {"delete", `{"key":"a"}`, "false"},
			} {
				if key := c.answers(t, read.op, read.fields, read.result, accessed, not); key != "" {
					t.Errorf("%s starts a session", read.op)
				}
			}
			for _, op := range []string{"clear", "flush", "cycle_key"} {
				c.answers(t, op, "{}", "null", accessed, modified)
			}
			c.answers(t, "set_expiry", `{"reset":true}`, "null", accessed, not)
			if len(c.cookies) > 0 || lab.rows(t) != "" {
				t.Fatalf("a session was started: %v, %q", c.cookies, lab.rows(t))
			}

			// Writing does, and the answer tells its key.
			first := c.answers(t, "set", `{"key":"a","value":1}`, "null", accessed, modified)
			if first == "" || c.cookie(sessionCookie) != first {
				t.Fatalf("the key is %q, the cookie %q", first, c.cookie(sessionCookie))
			}
			found := c.lanes()[lanes.Session]
			if found.User != nil || !found.Verdict.Accepted() {
				t.Errorf("an anonymous session is %s, user %v", found.Verdict, found.User)
			}
			c.answers(t, "get", `{"key":"a"}`, "1", accessed, not)
			c.answers(t, "get", `{"key":"a","default":2}`, "1", accessed, not)
			c.answers(t, "has", `{"key":"a"}`, "true", accessed, not)
			c.answers(t, "setdefault", `{"key":"a","value":5}`, "1", accessed, not)
			c.answers(t, "setdefault", `{"key":"b","value":{"x":[true,null,"é<&"]}}`, `{"x":[true,null,"é\u003c\u0026"]}`, accessed, modified)
			c.answers(t, "keys", "{}", `["a","b"]`, accessed, not)
			c.answers(t, "values", "{}", `[1,{"x":[true,null,"é\u003c\u0026"]}]`, accessed, not)
			c.answers(t, "items", "{}", `{"a":1,"b":{"x":[true,null,"é\u003c\u0026"]}}`, accessed, not)
			c.answers(t, "update", `{"values":{"b":2,"c":3}}`, "null", accessed, modified)
			c.answers(t, "pop", `{"key":"b"}`, "2", accessed, modified)
			c.answers(t, "pop", `{"key":"b","default":"none"}`, `"none"`, accessed, not)
			c.answers(t, "delete", `{"key":"c"}`, "true", accessed, modified)
			c.answers(t, "set", `{"key":"n","value":null}`, "null", accessed, modified)
			c.answers(t, "has", `{"key":"n"}`, "true")
			c.answers(t, "items", "{}", `{"a":1,"n":null}`)

			// Whole numbers keep 64 bits, and more, exactly.
			for _, number := range []string{"9223372036854775807", "-9223372036854775808", "18446744073709551615", "123456789012345678901234567890", "0.1", "1e300"} {
				c.answers(t, "set", `{"key":"n","value":`+number+`}`, "null")
				c.answers(t, "get", `{"key":"n"}`, number)
			}

			// cycle_key keeps the data; on a server the old key is dead.
			c.answers(t, "update", `{"values":{"n":1}}`, "null")
			old := c.cookie(sessionCookie)
			second := c.answers(t, "cycle_key", "{}", "null", accessed, modified)
			if second == old || second != c.cookie(sessionCookie) {
				t.Errorf("cycle_key makes %q of %q; the cookie is %q", second, old, c.cookie(sessionCookie))
			}
			c.answers(t, "items", "{}", `{"a":1,"n":1}`)
			thief := lab.client().carry(sessionCookie, old)
			there := map[bool]string{true: "true", false: "false"}
			c.answers(t, "exists", `{"session_key":"`+old+`"}`, there[engine == "signed_cookies"], not, not)
			c.answers(t, "exists", `{"session_key":"`+second+`"}`, "true", not, not)
			if engine == "db" {
				thief.answers(t, "items", "{}", "{}")
			}
			for _, key := range []string{"", "session_key", "../../etc/passwd", strings.Repeat("k", 32), "' OR 1=1 --"} {
				fields, _ := json.Marshal(map[string]string{"session_key": key})
				c.answers(t, "exists", string(fields), "false", not, not)
			}

			// clear keeps the key; flush does not.
			kept := c.answers(t, "clear", "{}", "null", accessed, modified)
			if engine == "db" && kept != second {
				t.Errorf("clear changes the key from %q to %q", second, kept)
			}
			c.answers(t, "items", "{}", "{}")
			c.answers(t, "set", `{"key":"a","value":1}`, "null")
			before := c.cookie(sessionCookie)
			if key := c.answers(t, "flush", "{}", "null", accessed, modified); key != "" || c.cookie(sessionCookie) != "" {
				t.Errorf("after flush the key is %q, the cookie %q", key, c.cookie(sessionCookie))
			}
			c.answers(t, "exists", `{"session_key":"`+before+`"}`, there[engine == "signed_cookies"])
			if after := c.answers(t, "set", `{"key":"a","value":1}`, "null"); after == before {
				t.Error("flush keeps the key")
			}
		})
	}
}

// set_expiry in its four forms, as Django takes them.
func TestSessionCallExpiry(t *testing.T) {
	lab := newLab(t)
	c := lab.client()
	at := func(d time.Duration) string { return lab.clock.Now().Add(d).UTC().Format(time.RFC3339Nano) }
	ends := func(seconds int, browserClose bool) {
		t.Helper()
		want := fmt.Sprintf(`{"seconds":%d,"at":%q,"browser_close":%t}`, seconds, at(time.Duration(seconds)*time.Second), browserClose)
		c.answers(t, "expiry", "{}", want, true, false)
	}
	const twoWeeks = 1209600
	ends(twoWeeks, false)
	c.answers(t, "set", `{"key":"a","value":1}`, "null")
	ends(twoWeeks, false)

	r := c.call("set_expiry", `{"seconds":300}`)
	if set := r.sets(sessionCookie); set == nil || set.MaxAge != 300 {
		t.Errorf("the cookie is %v", set)
	}
	ends(300, false)
	lab.clock.Advance(100 * time.Second)
	ends(300, false) // from the save that would be now
	c.answers(t, "get", `{"key":"_expiry"}`, "300")

	until := at(time.Hour)
	c.answers(t, "set_expiry", `{"at":"`+until+`"}`, "null", true, true)
	lab.clock.Advance(time.Minute)
	ends(3540, false)

	r = c.call("set_expiry", `{"browser_close":true}`)
	if set := r.sets(sessionCookie); set == nil || set.MaxAge != 0 || !set.Expires.IsZero() {
		t.Errorf("the cookie is %v", set)
	}
	ends(twoWeeks, true)
	c.answers(t, "set_expiry", `{"reset":true}`, "null", true, true)
	c.answers(t, "set_expiry", `{"reset":true}`, "null", true, false)
	ends(twoWeeks, false)
	c.answers(t, "set_expiry", `{"seconds":34560000}`, "null")
	ends(34560000, false)

	// A session that its own end is set into the past of is over at once.
	for _, over := range []string{`{"seconds":0}`, `{"seconds":-10}`, `{"seconds":-34560000}`, `{"at":"` + at(-time.Second) + `"}`, `{"at":"0001-01-01T00:00:00Z"}`, `{"at":"0000-01-01T00:00:00+14:00"}`} {
		v := lab.client()
		v.answers(t, "set", `{"key":"a","value":1}`, "null")
		key := v.cookie(sessionCookie)
		v.answers(t, "set_expiry", over, "null")
		if v.cookie(sessionCookie) != "" {
			t.Errorf("%s: the browser keeps the cookie", over)
		}
		copied := lab.client().carry(sessionCookie, key)
		copied.answers(t, "items", "{}", "{}")
		if got := copied.lanes()[lanes.Session].Verdict; got != lanes.Expired {
			t.Errorf("%s: a copy is %s", over, got)
		}
		// exists does not look at expiry, clear_expired does.
		c.answers(t, "exists", `{"session_key":"`+key+`"}`, "true")
		c.answers(t, "clear_expired", "{}", "1", false, false)
		c.answers(t, "exists", `{"session_key":"`+key+`"}`, "false")
	}
	c.answers(t, "get", `{"key":"a"}`, "1") // a live one stays
	far := lab.client()
	far.answers(t, "set", `{"key":"a","value":1}`, "null")
	for _, tooFar := range []string{"9999-12-31T23:59:59Z", at(sessions.MaxAge + time.Second)} {
		r := far.call("set_expiry", `{"at":"`+tooFar+`"}`)
		if r.status != http.StatusBadRequest || !strings.Contains(r.body, "expiry_too_far") || !strings.Contains(r.body, "400 days") {
			t.Errorf("%s answered %d %s", tooFar, r.status, r.body)
		}
	}
	ends(34560000, false)
	far.answers(t, "set_expiry", `{"at":"`+at(sessions.MaxAge)+`"}`, "null")
	far.answers(t, "get", `{"key":"a"}`, "1")
}

// If the key changes while a logout is under way, the logout ends the session under its
// new key. So does a logout that carries the old key a moment later.
func TestALogoutEndsWhatTheSessionBecameMeanwhile(t *testing.T) {
	lab := newLab(t)
	ended := func(twin *client) {
		t.Helper()
		if got := twin.lanes()[lanes.Session].Verdict; got != lanes.Unknown {
			t.Errorf("the new key is %s after the logout", got)
		}
	}
	alice := lab.client().signIn("alice")
	twin := lab.client().carry(sessionCookie, alice.cookie(sessionCookie))
	loaded := make(chan bool)
	lab.sessions.Before = func(string) error { lab.sessions.Before = nil; close(loaded); return nil }
	answered := make(chan reply)
	go func() { answered <- alice.call("flush", `{"think_ms":300}`) }()
	<-loaded
	twin.call("cycle_key", `{}`)
	if r := <-answered; r.status != http.StatusOK {
		t.Errorf("flush answers %d: %s", r.status, r.body)
	}
	ended(twin)

	bob := lab.client().signIn("bob")
	twin = lab.client().carry(sessionCookie, bob.cookie(sessionCookie))
	twin.call("cycle_key", `{}`)
	if got := bob.lanes()[lanes.Session].Verdict; got != lanes.Unknown {
		t.Errorf("the old key is %s", got)
	}
	if r := bob.post("/logout", nil); r.status != http.StatusSeeOther {
		t.Errorf("POST /logout answers %d", r.status)
	}
	ended(twin)
}

// Signing in ends the session that this browser had before, and never the new one, even
// if another program changed the old session's key in between.
func TestSigningInAgainAfterAChangeOfKey(t *testing.T) {
	lab := newLab(t)
	alice := lab.client().signIn("alice")
	alice.call("cycle_key", `{}`)
	alice.signIn("alice")
	if got := alice.lanes()[lanes.Session].Verdict; got != lanes.Found {
		t.Errorf("the new session is %s", got)
	}
	twin := lab.client().carry(sessionCookie, alice.cookie(sessionCookie))
	twin.call("cycle_key", `{}`) // somebody else has it
	alice.drop(sessionCookie)
	alice.signIn("alice")
	if got := alice.lanes()[lanes.Session].Verdict; got != lanes.Found {
		t.Errorf("the newest session is %s", got)
	}
	if got := twin.lanes()[lanes.Session].Verdict; got != lanes.Unknown {
		t.Errorf("what the left session became is %s", got)
	}
}

// What is no call is refused, says why, and changes nothing.
func TestSessionCallsRefused(t *testing.T) {
	lab := newLab(t)
	alice := lab.client().signIn("alice")
	alice.answers(t, "update", `{"values":{"text":"one","list":[],"most":9223372036854775807,"least":-9223372036854775808,"half":0.5,"big":9223372036854775808}}`, "null")
	deep := func(n int) string {
		return `{"key":"a","value":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`
	}
	before := lab.rows(t)
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
		alice.refuses(t, test.op, test.fields, test.status, test.code, strings.Fields(test.words)...)
	}
	if r := alice.call("set", "key=a", body(formType, "key=a")); r.status != http.StatusUnsupportedMediaType {
		t.Errorf("a form is answered %d", r.status)
	}
	if r := alice.call("set", `{"key":"a","value":"`+strings.Repeat("x", limit)+`"}`); r.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body of more than 64 KB is answered %d", r.status)
	}
	if r := alice.call("set", `{"key":"a","value":1}`, with("Sec-Fetch-Site", "cross-site")); r.status != http.StatusForbidden {
		t.Errorf("another site's page is answered %d", r.status)
	}
	if r := alice.do(http.MethodGet, "/api/session/keys"); r.status != http.StatusMethodNotAllowed {
		t.Errorf("GET is answered %d", r.status)
	}
	if after := lab.rows(t); after != before {
		t.Errorf("the database changed from\n%s to\n%s", before, after)
	}
	// They can be read, and the deepest that is taken comes back.
	alice.answers(t, "get", `{"key":"_user"}`, `"alice"`)
	alice.answers(t, "has", `{"key":"_role"}`, "true")
	alice.answers(t, "set", deep(99), "null")
	if r := alice.call("items", "{}"); r.status != http.StatusOK || !strings.Contains(r.body, strings.Repeat("[", 99)) {
		t.Errorf("items are answered %d", r.status)
	}
	if got := alice.verdicts(); got != everywhere {
		t.Errorf("afterwards the three ways conclude %q", got)
	}
}

// clear drops everything, also who somebody is, as Django's does: the key lives
// on, and nobody is behind it.
func TestSessionCallClearSignsOut(t *testing.T) {
	for _, op := range []string{"clear", "flush"} {
		alice := newLab(t).client().signIn("alice")
		key := alice.cookie(sessionCookie)
		alice.call(op, "{}")
		lane := alice.lanes()[lanes.Session]
		if want := map[string]lanes.Verdict{"clear": lanes.Found, "flush": lanes.Absent}[op]; lane.Verdict != want || lane.User != nil {
			t.Errorf("after %s: %s, user %v", op, lane.Verdict, lane.User)
		}
		if door := alice.get("/door/session"); door.status != http.StatusForbidden {
			t.Errorf("after %s the door answers %d", op, door.status)
		}
		if op == "clear" && alice.cookie(sessionCookie) != key {
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
		"signed_cookies": {[]func(*handlers.Config){inCookies}, 1200},
	} {
		t.Run(engine, func(t *testing.T) {
			c := newLab(t, test.options...).client()
			text := `"` + strings.Repeat("x", test.fits) + `"`
			c.answers(t, "set", `{"key":"a","value":`+text+`}`, "null")
			c.refuses(t, "set", `{"key":"b","value":`+text+`}`, http.StatusRequestEntityTooLarge, "session_too_large")
			c.answers(t, "keys", "{}", `["a"]`)
			c.answers(t, "get", `{"key":"a"}`, text)
		})
	}
	t.Run("to the byte, whether the value or its name is what is too long", func(t *testing.T) {
		lab := newLab(t, inCookies)
		for size := 2000; ; size++ {
			c := lab.client()
			r := c.call("set", `{"key":"a","value":"`+strings.Repeat("x", size)+`"}`)
			if r.status == http.StatusOK {
				if set := r.sets(sessionCookie); set == nil || len(set.Name)+len(set.Value) > 4096 {
					t.Fatalf("%d characters: no browser keeps %v", size, set)
				}
				continue
			}
			if r.status != http.StatusRequestEntityTooLarge || len(r.cookies) > 0 || !strings.Contains(r.body, "session_too_large") {
				t.Errorf("%d characters: answered %d %s, with %v", size, r.status, r.body, r.cookies)
			}
			if size > 2300 {
				break
			}
		}
	})
}

// Where nothing lies on the server, nothing can be added to atomically.
func TestSessionCallNotSupported(t *testing.T) {
	lab := newLab(t, inCookies)
	c := lab.client()
	c.answers(t, "set", `{"key":"n","value":1}`, "null")
	c.refuses(t, "add", `{"key":"n"}`, http.StatusConflict, "not_supported", "signed_cookies")
	c.answers(t, "get", `{"key":"n"}`, "1")
	c.answers(t, "clear_expired", "{}", "0")
}

// /api never opens a notebook, and never touches one.
func TestSessionCallsLeaveTheNotebookAlone(t *testing.T) {
	lab := newLab(t)
	c := lab.client()
	c.get("/dashboard")
	book := c.cookie(notebookCookie)
	c.answers(t, "set", `{"key":"a","value":1}`, "null") // answers complains of any other cookie
	if e := c.last(); e.Target != "/api/session/set" || e.Status != http.StatusOK || c.cookie(notebookCookie) != book {
		t.Errorf("on the wire is %s, %d", e.Target, e.Status)
	}
	stranger := lab.client()
	stranger.answers(t, "set", `{"key":"a","value":1}`, "null")
}

// With SESSION_SAVE_EVERY_REQUEST a call is saved once, not twice.
func TestSessionCallSavedOnce(t *testing.T) {
	for engine, options := range map[string]func(*handlers.Config){"db": func(*handlers.Config) {}, "signed_cookies": inCookies} {
		lab := newLab(t, options, func(config *handlers.Config) { config.Cookie.SaveEveryRequest = true })
		c := lab.client()
		for range 3 { // answers compares the key it tells with the cookie
			c.answers(t, "set", `{"key":"a","value":1}`, "null")
		}
		if engine == "db" {
			c.answers(t, "add", `{"key":"a"}`, "2")
			if kept := c.lanes()[lanes.Session].ServerKeeps; kept.Version != 4 { // before this request's own save
				t.Errorf("after four calls the version is %d", kept.Version)
			}
		}
	}
}

// Of 500 sets and 500 adds at once none is lost, though each thinks between
// loading and saving.
func TestSessionCallsAtOnce(t *testing.T) {
	lab := newLab(t)
	alice := lab.client().signIn("alice")
	const n = 500
	together := func(work func(c *client, i int) reply) {
		t.Helper()
		var all sync.WaitGroup
		busy := make(chan struct{}, 64)
		for i := range n {
			busy <- struct{}{}
			all.Add(1)
			go func() {
				defer func() { <-busy; all.Done() }()
				c := lab.client().carry(sessionCookie, alice.cookie(sessionCookie))
				if r := work(c, i); r.status != http.StatusOK {
					t.Errorf("number %d is answered %d %s", i, r.status, r.body)
				}
			}()
		}
		all.Wait()
	}
	together(func(c *client, i int) reply {
		return c.call("set", fmt.Sprintf(`{"key":"k%03d","value":%d,"think_ms":5}`, i, i))
	})
	var answer struct{ Result map[string]json.RawMessage }
	if err := json.Unmarshal([]byte(alice.call("items", "{}").body), &answer); err != nil {
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
	together(func(c *client, i int) reply { return c.call("add", `{"key":"count","think_ms":5}`) })
	alice.answers(t, "get", `{"key":"count"}`, fmt.Sprint(n))
	alice.answers(t, "add", `{"key":"count","by":-500}`, "0", true, true)
	alice.answers(t, "add", `{"key":"count","by":0}`, "0")
}

// Logging out while a call thinks: the call is refused and brings nothing back.
func TestSessionCallOvertakenByLogout(t *testing.T) {
	for _, fields := range []struct{ op, body string }{
		{"set", `{"key":"a","value":1,"think_ms":2000}`}, {"add", `{"key":"a","think_ms":2000}`},
		{"cycle_key", `{"think_ms":2000}`}, {"clear", `{"think_ms":2000}`}, {"set_expiry", `{"browser_close":true,"think_ms":2000}`},
	} {
		inItsOwnTime(t, func(t *testing.T, lab *testLab, _ func() net.Conn) {
			alice := lab.client().signIn("alice")
			slow := lab.client().carry(sessionCookie, alice.cookie(sessionCookie))
			answered := make(chan reply)
			go func() { answered <- slow.call(fields.op, fields.body) }()
			time.Sleep(time.Second) // its own time: the call is thinking now
			alice.post("/logout", nil)
			r := <-answered
			if r.status != http.StatusConflict || !strings.Contains(r.body, `"session_ended"`) || len(r.cookies) > 0 {
				t.Errorf("%s is answered %d %s, and sets %v", fields.op, r.status, r.body, r.cookies)
			}
			if got := slow.lanes()[lanes.Session].Verdict; got != lanes.Unknown {
				t.Errorf("after %s the old key is %s", fields.op, got)
			}
		})
	}
}

// A client that goes away while its call thinks has changed nothing, and the
// call does not think on.
func TestSessionCallWhoseClientGoesAway(t *testing.T) {
	inItsOwnTime(t, func(t *testing.T, lab *testLab, _ func() net.Conn) {
		alice := lab.client().signIn("alice")
		ctx, hangUp := context.WithCancel(context.Background())
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+lab.addr+"/api/session/set", strings.NewReader(`{"key":"a","value":1,"think_ms":2000}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Cookie", alice.header())
		done := make(chan error)
		go func() {
			response, err := lab.web.Do(request)
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
		if e := alice.last(); e.Target != "/api/session/set" || e.Status != http.StatusRequestTimeout {
			t.Errorf("the last on the wire is %s, %d", e.Target, e.Status)
		}
		time.Sleep(3 * time.Second)
		alice.answers(t, "has", `{"key":"a"}`, "false")
	})
}

// A store that cannot be reached is a 503, and nothing was changed.
func TestSessionCallsWithoutAStore(t *testing.T) {
	lab := newLab(t)
	alice := lab.client().signIn("alice")
	alice.answers(t, "set", `{"key":"a","value":1}`, "null")
	before := lab.rows(t)
	calls := map[string]string{
		"get": `{"key":"a"}`, "set": `{"key":"a","value":2}`, "setdefault": `{"key":"b","value":2}`, "pop": `{"key":"a"}`, "delete": `{"key":"a"}`,
		"has": `{"key":"a"}`, "keys": `{}`, "values": `{}`, "items": `{}`, "update": `{"values":{"a":2}}`, "add": `{"key":"a"}`, "clear": `{}`,
		"flush": `{}`, "cycle_key": `{}`, "set_expiry": `{"seconds":5}`, "expiry": `{}`, "exists": `{"session_key":"` + alice.cookie(sessionCookie) + `"}`, "clear_expired": `{}`,
	}
	reads := regexp.MustCompile("^(get|has|keys|values|items|expiry|exists|clear_expired)$")
	for op, fields := range calls {
		for _, down := range [][]string{nil, {"create", "update", "delete"}} {
			if down != nil && reads.MatchString(op) {
				continue
			}
			lab.sessions.Before = storetest.Down(down...)
			r := alice.call(op, fields)
			lab.sessions.Before = nil
			if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") != "5" || len(r.cookies) > 0 {
				t.Errorf("%s without %v is answered %d %s, and sets %v", op, down, r.status, r.body, r.cookies)
			}
		}
	}
	if after := lab.rows(t); after != before {
		t.Errorf("the database changed from\n%s to\n%s", before, after)
	}
	alice.answers(t, "get", `{"key":"a"}`, "1") // it recovers by itself
}

// What is read from the session is what is written into the answer: hostile
// text stays text.
func TestSessionCallsEchoText(t *testing.T) {
	c := newLab(t).client()
	for _, text := range []string{"</script>", "\u2028", "\x00", "é", "汉字", `"\`, "\U0001F36A"} {
		var value bytes.Buffer
		_ = json.NewEncoder(&value).Encode(text)
		c.call("set", `{"key":`+strings.TrimSpace(value.String())+`,"value":`+strings.TrimSpace(value.String())+`}`)
		r := c.call("get", `{"key":`+strings.TrimSpace(value.String())+`}`)
		var a struct{ Result string }
		if err := json.Unmarshal([]byte(r.body), &a); err != nil || a.Result != text || strings.Contains(r.body, "<") {
			t.Errorf("%q comes back as %s", text, r.body)
		}
	}
}
