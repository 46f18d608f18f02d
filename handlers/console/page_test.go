// The console over HTTP: every call, what the page says it did, and two at once.

package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cookielab/handlers/labtest"
	"cookielab/handlers/lanes"
	"cookielab/handlers/webtest"
	"cookielab/sessions/storetest"
)

func TestConsole(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client()
	page := c.Get("/console")
	page.Holds(t, "now-none", "no session yet")
	if rows := strings.Count(lab.Rows(t), "\n"); rows != 1 { // the notebook's
		t.Errorf("looking files %d records", rows)
	}
	if ids := webtest.ConsoleCallsOf(c); len(ids) != 24 {
		t.Errorf("%d calls: %v", len(ids), ids)
	}

	// What is read starts no session.
	page = c.Run(t, "get")
	page.Holds(t, "result", "null")
	page.Holds(t, "did-cookie", "nothing sent")
	page.Holds(t, "did-store", "not asked", "version –", "data unchanged")
	page.Holds(t, "now-none", "no session yet")
	// What is set does, and the notebook notes the cookie.
	page = c.Run(t, "set")
	page.Holds(t, "did-cookie", "Set-Cookie: lab_sessionid=", "…", "; Path=/;", "Max-Age=1209600", "HttpOnly", "SameSite=Lax")
	page.Holds(t, "did-store", "create stored", "ms", "version – → 1", "k1 : nothing → 123")
	page.Holds(t, "did-wire", "POST /console → 303 See Other", "ms", "on the wire")
	page.Holds(t, "now-version", "1")
	page.Holds(t, "now-data", `{"k1":123}`)
	page.Holds(t, "now-flags", "accessed yes · modified yes")
	if a := c.Lanes()[lanes.Session].Attributes; a == nil || a.MaxAge == nil || *a.MaxAge != 1209600 {
		t.Errorf("the notebook has noted %+v", a)
	}
	number := c.Wire()[len(c.Wire())-3].Number // POST /console, then the page and /api/lanes
	if want := fmt.Sprintf(`href="/wire#exchange-%d"`, number); !strings.Contains(page.Body, want) {
		t.Errorf("no link %s", want)
	}
	if !strings.Contains(page.Body, `aria-labelledby="drawn-`+fmt.Sprint(number)) {
		t.Error("it is not drawn")
	}

	c.SignIn("alice")
	for _, test := range []struct {
		id            string
		fields        []string
		result, store string // in the words of the page
	}{
		{"get", nil, "123", "load found"},
		{"has", []string{"key", "k2"}, "false", "data unchanged"},
		{"set", []string{"value", "two words"}, "null", `update stored`},
		{"set", []string{"value", `"123"`}, "null", `k1 : "two words" → "123"`},
		{"setdefault", nil, `"123"`, "data unchanged"},
		{"update", nil, "null", `a : nothing → 1 b : nothing → 2`},
		{"add", nil, "1", "visits : nothing → 1"},
		{"add", []string{"by", "41"}, "42", "visits : 1 → 42"},
		{"pop", []string{"key", "a"}, "1", "a : 1 → nothing"},
		{"pop", []string{"key", "a", "default", "x"}, `"x"`, "data unchanged"},
		{"delete", []string{"key", "b"}, "true", "b : 2 → nothing"},
		{"keys", nil, `["_client","_role","_since","_user","k1","visits"]`, "load found"},
		{"values", nil, `"123",42]`, "data unchanged"},
		{"items", nil, `"_user":"alice"`, "data unchanged"},
		{"seconds", nil, "null", "_expiry : nothing → 300"},
		{"at", nil, "null", "_expiry : 300 → "},
		{"browser_close", nil, "null", `→ "browser_close"`},
		{"expiry", nil, `"browser_close":true`, "data unchanged"},
		{"reset", nil, "null", `_expiry : "browser_close" → nothing`},
		{"cycle_key", nil, "null", "create stored"},
		{"session_key", nil, `"`, "data unchanged"},
		{"exists", nil, "true", "load found"},
		{"clear_expired", nil, "0", "clear expired done"},
	} {
		page := c.Run(t, test.id, test.fields...)
		if page.Status != http.StatusOK {
			t.Fatalf("%s %v: answered %d", test.id, test.fields, page.Status)
		}
		page.Holds(t, "result", test.result)
		page.Holds(t, "did-store", test.store)
	}
	if r := c.Get("/dashboard"); strings.Contains(r.Body, "changed without this page") {
		t.Error("the dashboard takes the console for somebody else")
	}
	c.Run(t, "browser_close").Holds(t, "now-expires", "in the browser, until it is closed")

	// delete() leaves the browser a key that leads nowhere; flush does not.
	page = c.Run(t, "delete_record")
	page.Holds(t, "did-cookie", "nothing sent")
	page.Holds(t, "did-store", "delete deleted", "→ –", `_user : "alice" → nothing`)
	page.Holds(t, "now-none", "Unknown key")
	if got := c.Lanes()[lanes.Session].Verdict; got != lanes.Unknown {
		t.Errorf("after delete() the session way concludes %s", got)
	}
	c.SignIn("alice")
	page = c.Run(t, "clear")
	page.Holds(t, "did-store", "update stored", `_user : "alice" → nothing`)
	page.Holds(t, "now-data", "{}")
	c.SignIn("alice")
	page = c.Run(t, "flush")
	page.Holds(t, "did-cookie", "Set-Cookie: lab_sessionid=; Path=/; ", "Max-Age=0")
	page.Holds(t, "did-store", "delete deleted", "→ –")
	page.Holds(t, "now-none", "no session yet")
}

// What the console refuses has its status at once, and changes nothing.
func TestConsoleRefuses(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	alice.Run(t, "set", "value", "text")
	record := func() string { // the notebook's own may change
		kept := alice.Lanes()[lanes.Session].ServerKeeps
		return fmt.Sprint(kept.ID, kept.Version, string(kept.Data))
	}
	before := record()
	for _, test := range []struct {
		id     string
		fields []string
		status int
		code   string
	}{
		{"set", []string{"key", "_role", "value", "teacher"}, http.StatusForbidden, "reserved_key"},
		{"delete", []string{"key", "_user"}, http.StatusForbidden, "reserved_key"},
		{"set", []string{"key", ""}, http.StatusBadRequest, "bad_request"},
		{"set", []string{"value", `{"a":1,"a":2}`}, http.StatusBadRequest, "bad_request"},
		{"set", []string{"value", "1e999"}, http.StatusBadRequest, "bad_request"},
		{"update", []string{"values", "[1]"}, http.StatusBadRequest, "bad_request"},
		{"update", []string{"values", "words"}, http.StatusBadRequest, "bad_request"},
		{"add", []string{"key", "k1"}, http.StatusConflict, "not_whole"},
		{"add", []string{"by", "one"}, http.StatusBadRequest, "bad_request"},
		{"seconds", []string{"seconds", "34560001"}, http.StatusBadRequest, "bad_request"},
		{"seconds", []string{"seconds", ""}, http.StatusBadRequest, "bad_request"},
		{"at", []string{"at", "tomorrow"}, http.StatusBadRequest, "bad_request"},
	} {
		r := alice.Run(t, test.id, test.fields...)
		if r.Status != test.status {
			t.Errorf("%s %v: answered %d", test.id, test.fields, r.Status)
		}
		r.Holds(t, "result", fmt.Sprint(test.status)+" ·", test.code)
		r.Holds(t, "did-cookie", "nothing sent")
		r.Holds(t, "did-store", "data unchanged")
		if n := len(test.fields); !strings.Contains(r.Body, ` value="`+webtest.Escaped(test.fields[n-1])+`"`) {
			t.Errorf("%s %v: what was refused does not stand in its field", test.id, test.fields)
		}
		if after := record(); after != before {
			t.Errorf("%s %v: the record changed from %s to %s", test.id, test.fields, before, after)
		}
	}
	// A save that is refused for its size is answered by the page, too.
	alice.Run(t, "set", "key", "big", "value", strings.Repeat("x", 40<<10))
	before = record()
	r := alice.Run(t, "set", "key", "more", "value", strings.Repeat("x", 40<<10))
	if r.Status != http.StatusRequestEntityTooLarge || len(r.Cookies) > 1 {
		t.Errorf("too large: answered %d, and sets %v", r.Status, r.Cookies)
	}
	r.Holds(t, "result", "413 · session_too_large")
	if after := record(); after != before {
		t.Error("too large, and the record changed")
	}
	for _, form := range []url.Values{{}, {"call": {"explode"}}, {"call": {"set", "get"}}, {"call": {"set"}, "key": {"a", "b"}}, {"call": {"at_once"}}, {"call": {"at_once"}, "kind": {"bad"}}} {
		if r := alice.Post("/console", form); r.Status != http.StatusBadRequest {
			t.Errorf("%v is answered %d", form, r.Status)
		}
	}
	if r := alice.Get("/console?call=explode"); r.Status != http.StatusBadRequest {
		t.Errorf("an unknown call is answered %d", r.Status)
	}
	if r := alice.Post("/console", url.Values{"call": {"flush"}}, webtest.With("Sec-Fetch-Site", "cross-site")); r.Status != http.StatusForbidden {
		t.Errorf("another site's form is answered %d", r.Status)
	}
	lab.Sessions.Before = storetest.Down()
	for _, form := range []url.Values{{"call": {"keys"}}, {"call": {"at_once"}, "kind": {"add"}}} {
		if r := alice.Post("/console", form); r.Status != http.StatusServiceUnavailable || len(r.Cookies) > 0 {
			t.Errorf("%v without a store is answered %d, and sets %v", form, r.Status, r.Cookies)
		}
	}
	if r := alice.Get("/console"); r.Status != http.StatusServiceUnavailable || !strings.Contains(r.Body, webtest.Unavailable) {
		t.Errorf("without a store the page is answered %d", r.Status)
	}
	lab.Sessions.Before = nil
	if got := alice.Verdicts(); got != webtest.Everywhere {
		t.Errorf("afterwards the three ways conclude %q", got)
	}
}

// Nobody sees another's call, and who has no notebook sees none.
func TestConsoleIsPrivate(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	alice.Run(t, "set", "value", "a secret of alice")
	if r := lab.Client().Get("/console"); strings.Contains(r.Body, "secret of alice") {
		t.Error("a stranger sees alice's call")
	}
	bare := lab.Client()
	r := bare.Post("/console", url.Values{"call": {"set"}, "key": {"k"}, "value": {"1"}})
	if r.Status != http.StatusSeeOther || r.Sets(webtest.SessionCookie) == nil {
		t.Errorf("without a notebook: answered %d, sets %v", r.Status, r.Cookies)
	}
}

func TestConsoleShowsTextAsText(t *testing.T) {
	c := labtest.New(t).Client()
	for _, hostile := range []string{`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'; rm -rf / #`, "⟨x⟩\u202e", "</pre></code>"} {
		for _, r := range []webtest.Reply{c.Run(t, "set", "key", hostile, "value", hostile), c.Run(t, "get", "key", hostile), c.Run(t, "get", "key", hostile, "default", hostile)} {
			if found := webtest.Live(r.Body); found != "" || strings.Contains(r.Body, "<h1>x") {
				t.Errorf("%q acts: %s", hostile, found)
			}
		}
	}
}

// Two programs at once: what the page says of them is what the store holds.
func TestConsoleTwoAtOnce(t *testing.T) {
	t.Run("db", func(t *testing.T) {
		lab := labtest.New(t)
		for name, c := range map[string]*webtest.Client{"a stranger": lab.Client(), "alice": lab.Client().SignIn("alice")} {
			before := 0
			for range 3 {
				page := c.Run(t, "at_once", "kind", "keys")
				page.Holds(t, "result", "Both keys are there. Nothing was lost.")
				page = c.Run(t, "at_once", "kind", "add")
				page.Holds(t, "result", "Both counted. Nothing was lost.")
				page.Holds(t, "race-after", fmt.Sprintf("%d → %d", before, before+2))
				before += 2
				page = c.Run(t, "at_once", "kind", "set")
				page.Holds(t, "result", "Both were answered 200, and one count is lost.")
				page.Holds(t, "race-after", fmt.Sprintf("%d → %d", before, before+1))
				before++
				if drawn := strings.Count(page.Body, "POST /api/session/set"); drawn < 4 { // in the picture and in the list
					t.Errorf("%s: the two are drawn %d times", name, drawn)
				}
				c.Answers(t, "get", `{"key":"visits"}`, fmt.Sprint(before))
			}
			if got := c.Lanes()[lanes.Session].User; (got != nil) != (name == "alice") {
				t.Errorf("%s is %v afterwards", name, got)
			}
		}
	})
	t.Run("signed_cookies", func(t *testing.T) {
		c := labtest.New(t, labtest.InCookies).Client()
		c.Run(t, "at_once", "kind", "keys").Holds(t, "result", "only one key is there")
		c.Run(t, "at_once", "kind", "set").Holds(t, "race-after", "0 → 1")
		page := c.Run(t, "at_once", "kind", "add")
		page.Holds(t, "result", "The engine cannot do that")
		page.Holds(t, "race-after", "1 → 1")
		if !strings.Contains(page.Body, "409 Conflict · not_supported") {
			t.Error("the page does not show the 409")
		}
		c.Answers(t, "get", `{"key":"visits"}`, "1")
	})
}

// The engine signed_cookies: what cannot be done is said beforehand, and
// answered 409 when it is tried.
func TestConsoleSignedCookies(t *testing.T) {
	c := labtest.New(t, labtest.InCookies).Client().SignIn("alice")
	for _, id := range webtest.ConsoleCallsOf(c) {
		if id == "at_once" {
			continue
		}
		cannot := id == "add" || id == "delete_record"
		if said := strings.Contains(c.Get("/console?call="+id).Body, `id="not-supported"`); said != cannot {
			t.Errorf("%s: that it cannot be done is said: %t", id, said)
		}
		if id == "clear" || id == "flush" {
			continue
		}
		r := c.Run(t, id)
		if want := map[bool]int{true: http.StatusConflict, false: http.StatusOK}[cannot]; r.Status != want {
			t.Errorf("%s: answered %d", id, r.Status)
		}
		if cannot {
			r.Holds(t, "result", "409 · not_supported")
		} else {
			r.Holds(t, "did-store", "There is no store")
		}
	}
	page := c.Run(t, "set", "value", "7")
	page.Holds(t, "did-store", "k1 :", "→ 7")
	page.Holds(t, "did-cookie", "Set-Cookie: lab_sessionid=")
	page.Holds(t, "now-flags", "accessed yes · modified yes")
	c.Run(t, "keys").Holds(t, "now-flags", "accessed yes · modified no")
	c.Run(t, "exists").Holds(t, "now-flags", "accessed no · modified no")
}
