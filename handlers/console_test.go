// The console over HTTP: every call, what the page says it did, and two at once.

package handlers_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"cookielab/handlers/lanes"
	"cookielab/sessions/storetest"
)

// run makes a call of the console with what stands in its form, but for some
// fields, and returns the page that shows what it did.
func (c *client) run(t *testing.T, id string, fields ...string) reply {
	t.Helper()
	form := url.Values{"call": {id}}
	page := c.get("/console?call=" + id).body
	for _, input := range regexp.MustCompile(`<input name="(\w+)" value="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		form.Set(input[1], html.UnescapeString(input[2]))
	}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	r := c.post("/console", form)
	if r.status != http.StatusSeeOther {
		return r
	}
	if want := "/console?call=" + id + "#outcome"; r.header.Get("Location") != want {
		t.Errorf("%s goes on to %q", id, r.header.Get("Location"))
	}
	return c.get("/console?call=" + id)
}

// part is the text of the element with an id, its tags taken out.
func (r reply) part(id string) string {
	_, rest, found := strings.Cut(r.body, ` id="`+id+`"`)
	if !found {
		return ""
	}
	_, rest, _ = strings.Cut(rest, ">")
	for _, end := range []string{"</dd>", "</p>", "</table>"} {
		if before, _, ok := strings.Cut(rest, end); ok && len(before) < len(rest) {
			rest = before
		}
	}
	text := html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(rest, " "))
	return strings.Join(strings.Fields(text), " ")
}

// holds complains unless the element says all of this, in this order.
func (r reply) holds(t *testing.T, id string, want ...string) {
	t.Helper()
	rest := r.part(id)
	for _, words := range want {
		at := strings.Index(rest, words)
		if at < 0 {
			t.Errorf("%s says %q, not %q", id, r.part(id), want)
			return
		}
		rest = rest[at+len(words):]
	}
}

func TestConsole(t *testing.T) {
	lab := newLab(t)
	c := lab.client()
	page := c.get("/console")
	page.holds(t, "now-none", "no session yet")
	if rows := strings.Count(lab.rows(t), "\n"); rows != 1 { // the notebook's
		t.Errorf("looking files %d records", rows)
	}
	if ids := consoleCallsOf(c); len(ids) != 24 {
		t.Errorf("%d calls: %v", len(ids), ids)
	}

	// What is read starts no session.
	page = c.run(t, "get")
	page.holds(t, "result", "null")
	page.holds(t, "did-cookie", "nothing sent")
	page.holds(t, "did-store", "not asked", "version –", "data unchanged")
	page.holds(t, "now-none", "no session yet")
	// What is set does, and the notebook notes the cookie.
	page = c.run(t, "set")
	page.holds(t, "did-cookie", "Set-Cookie: lab_sessionid=", "…", "; Path=/;", "Max-Age=1209600", "HttpOnly", "SameSite=Lax")
	page.holds(t, "did-store", "create stored", "ms", "version – → 1", "k1 : nothing → 123")
	page.holds(t, "did-wire", "POST /console → 303 See Other", "ms", "on the wire")
	page.holds(t, "now-version", "1")
	page.holds(t, "now-data", `{"k1":123}`)
	page.holds(t, "now-flags", "accessed yes · modified yes")
	if a := c.lanes()[lanes.Session].Attributes; a == nil || a.MaxAge == nil || *a.MaxAge != 1209600 {
		t.Errorf("the notebook has noted %+v", a)
	}
	number := c.wire()[len(c.wire())-3].Number // POST /console, then the page and /api/lanes
	if want := fmt.Sprintf(`href="/wire#exchange-%d"`, number); !strings.Contains(page.body, want) {
		t.Errorf("no link %s", want)
	}
	if !strings.Contains(page.body, `aria-labelledby="drawn-`+fmt.Sprint(number)) {
		t.Error("it is not drawn")
	}

	c.signIn("alice")
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
		page := c.run(t, test.id, test.fields...)
		if page.status != http.StatusOK {
			t.Fatalf("%s %v: answered %d", test.id, test.fields, page.status)
		}
		page.holds(t, "result", test.result)
		page.holds(t, "did-store", test.store)
	}
	if r := c.get("/dashboard"); strings.Contains(r.body, "changed without this page") {
		t.Error("the dashboard takes the console for somebody else")
	}
	c.run(t, "browser_close").holds(t, "now-expires", "in the browser, until it is closed")

	// delete() leaves the browser a key that leads nowhere; flush does not.
	page = c.run(t, "delete_record")
	page.holds(t, "did-cookie", "nothing sent")
	page.holds(t, "did-store", "delete deleted", "→ –", `_user : "alice" → nothing`)
	page.holds(t, "now-none", "Unknown key")
	if got := c.lanes()[lanes.Session].Verdict; got != lanes.Unknown {
		t.Errorf("after delete() the session way concludes %s", got)
	}
	c.signIn("alice")
	page = c.run(t, "clear")
	page.holds(t, "did-store", "update stored", `_user : "alice" → nothing`)
	page.holds(t, "now-data", "{}")
	c.signIn("alice")
	page = c.run(t, "flush")
	page.holds(t, "did-cookie", "Set-Cookie: lab_sessionid=; Path=/; ", "Max-Age=0")
	page.holds(t, "did-store", "delete deleted", "→ –")
	page.holds(t, "now-none", "no session yet")
}

// What the console refuses has its status at once, and changes nothing.
func TestConsoleRefuses(t *testing.T) {
	lab := newLab(t)
	alice := lab.client().signIn("alice")
	alice.run(t, "set", "value", "text")
	record := func() string { // the notebook's own may change
		kept := alice.lanes()[lanes.Session].ServerKeeps
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
		r := alice.run(t, test.id, test.fields...)
		if r.status != test.status {
			t.Errorf("%s %v: answered %d", test.id, test.fields, r.status)
		}
		r.holds(t, "result", fmt.Sprint(test.status)+" ·", test.code)
		r.holds(t, "did-cookie", "nothing sent")
		r.holds(t, "did-store", "data unchanged")
		if n := len(test.fields); !strings.Contains(r.body, ` value="`+escaped(test.fields[n-1])+`"`) {
			t.Errorf("%s %v: what was refused does not stand in its field", test.id, test.fields)
		}
		if after := record(); after != before {
			t.Errorf("%s %v: the record changed from %s to %s", test.id, test.fields, before, after)
		}
	}
	// A save that is refused for its size is answered by the page, too.
	alice.run(t, "set", "key", "big", "value", strings.Repeat("x", 40<<10))
	before = record()
	r := alice.run(t, "set", "key", "more", "value", strings.Repeat("x", 40<<10))
	if r.status != http.StatusRequestEntityTooLarge || len(r.cookies) > 1 {
		t.Errorf("too large: answered %d, and sets %v", r.status, r.cookies)
	}
	r.holds(t, "result", "413 · session_too_large")
	if after := record(); after != before {
		t.Error("too large, and the record changed")
	}
	for _, form := range []url.Values{{}, {"call": {"explode"}}, {"call": {"set", "get"}}, {"call": {"set"}, "key": {"a", "b"}}, {"call": {"at_once"}}, {"call": {"at_once"}, "kind": {"bad"}}} {
		if r := alice.post("/console", form); r.status != http.StatusBadRequest {
			t.Errorf("%v is answered %d", form, r.status)
		}
	}
	if r := alice.get("/console?call=explode"); r.status != http.StatusBadRequest {
		t.Errorf("an unknown call is answered %d", r.status)
	}
	if r := alice.post("/console", url.Values{"call": {"flush"}}, with("Sec-Fetch-Site", "cross-site")); r.status != http.StatusForbidden {
		t.Errorf("another site's form is answered %d", r.status)
	}
	lab.sessions.Before = storetest.Down()
	for _, form := range []url.Values{{"call": {"keys"}}, {"call": {"at_once"}, "kind": {"add"}}} {
		if r := alice.post("/console", form); r.status != http.StatusServiceUnavailable || len(r.cookies) > 0 {
			t.Errorf("%v without a store is answered %d, and sets %v", form, r.status, r.cookies)
		}
	}
	if r := alice.get("/console"); r.status != http.StatusServiceUnavailable || !strings.Contains(r.body, unavailable) {
		t.Errorf("without a store the page is answered %d", r.status)
	}
	lab.sessions.Before = nil
	if got := alice.verdicts(); got != everywhere {
		t.Errorf("afterwards the three ways conclude %q", got)
	}
}

// Nobody sees another's call, and who has no notebook sees none.
func TestConsoleIsPrivate(t *testing.T) {
	lab := newLab(t)
	alice := lab.client().signIn("alice")
	alice.run(t, "set", "value", "a secret of alice")
	if r := lab.client().get("/console"); strings.Contains(r.body, "secret of alice") {
		t.Error("a stranger sees alice's call")
	}
	bare := lab.client()
	r := bare.post("/console", url.Values{"call": {"set"}, "key": {"k"}, "value": {"1"}})
	if r.status != http.StatusSeeOther || r.sets(sessionCookie) == nil {
		t.Errorf("without a notebook: answered %d, sets %v", r.status, r.cookies)
	}
}

func TestConsoleShowsTextAsText(t *testing.T) {
	c := newLab(t).client()
	for _, hostile := range []string{`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'; rm -rf / #`, "⟨x⟩\u202e", "</pre></code>"} {
		for _, r := range []reply{c.run(t, "set", "key", hostile, "value", hostile), c.run(t, "get", "key", hostile), c.run(t, "get", "key", hostile, "default", hostile)} {
			if found := live(r.body); found != "" || strings.Contains(r.body, "<h1>x") {
				t.Errorf("%q acts: %s", hostile, found)
			}
		}
	}
}

// Two programs at once: what the page says of them is what the store holds.
func TestConsoleTwoAtOnce(t *testing.T) {
	t.Run("db", func(t *testing.T) {
		lab := newLab(t)
		for name, c := range map[string]*client{"a stranger": lab.client(), "alice": lab.client().signIn("alice")} {
			before := 0
			for range 3 {
				page := c.run(t, "at_once", "kind", "keys")
				page.holds(t, "result", "Both keys are there. Nothing was lost.")
				page = c.run(t, "at_once", "kind", "add")
				page.holds(t, "result", "Both counted. Nothing was lost.")
				page.holds(t, "race-after", fmt.Sprintf("%d → %d", before, before+2))
				before += 2
				page = c.run(t, "at_once", "kind", "set")
				page.holds(t, "result", "Both were answered 200, and one count is lost.")
				page.holds(t, "race-after", fmt.Sprintf("%d → %d", before, before+1))
				before++
				if drawn := strings.Count(page.body, "POST /api/session/set"); drawn < 4 { // in the picture and in the list
					t.Errorf("%s: the two are drawn %d times", name, drawn)
				}
				c.answers(t, "get", `{"key":"visits"}`, fmt.Sprint(before))
			}
			if got := c.lanes()[lanes.Session].User; (got != nil) != (name == "alice") {
				t.Errorf("%s is %v afterwards", name, got)
			}
		}
	})
	t.Run("signed_cookies", func(t *testing.T) {
		c := newLab(t, inCookies).client()
		c.run(t, "at_once", "kind", "keys").holds(t, "result", "only one key is there")
		c.run(t, "at_once", "kind", "set").holds(t, "race-after", "0 → 1")
		page := c.run(t, "at_once", "kind", "add")
		page.holds(t, "result", "The engine cannot do that")
		page.holds(t, "race-after", "1 → 1")
		if !strings.Contains(page.body, "409 Conflict · not_supported") {
			t.Error("the page does not show the 409")
		}
		c.answers(t, "get", `{"key":"visits"}`, "1")
	})
}

// The engine signed_cookies: what cannot be done is said beforehand, and
// answered 409 when it is tried.
func TestConsoleSignedCookies(t *testing.T) {
	c := newLab(t, inCookies).client().signIn("alice")
	for _, id := range consoleCallsOf(c) {
		if id == "at_once" {
			continue
		}
		cannot := id == "add" || id == "delete_record"
		if said := strings.Contains(c.get("/console?call="+id).body, `id="not-supported"`); said != cannot {
			t.Errorf("%s: that it cannot be done is said: %t", id, said)
		}
		if id == "clear" || id == "flush" {
			continue
		}
		r := c.run(t, id)
		if want := map[bool]int{true: http.StatusConflict, false: http.StatusOK}[cannot]; r.status != want {
			t.Errorf("%s: answered %d", id, r.status)
		}
		if cannot {
			r.holds(t, "result", "409 · not_supported")
		} else {
			r.holds(t, "did-store", "There is no store")
		}
	}
	page := c.run(t, "set", "value", "7")
	page.holds(t, "did-store", "k1 :", "→ 7")
	page.holds(t, "did-cookie", "Set-Cookie: lab_sessionid=")
	page.holds(t, "now-flags", "accessed yes · modified yes")
	c.run(t, "keys").holds(t, "now-flags", "accessed yes · modified no")
	c.run(t, "exists").holds(t, "now-flags", "accessed no · modified no")
}
