// Errors: a page that says what is wrong in one sentence, or the same as JSON,
// and nothing else has happened.

package handlers_test

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

// wrongs are requests that go wrong, each for a page and for the API.
var wrongs = []struct {
	name, method, page, api string
	changes                 []func(*http.Request)
	status                  int
	code, message           string
}{
	{"a broken form", "POST", "/login", "", []func(*http.Request){body(formType, "%zz")}, 400, "bad_request", "The form is not well formed."},
	{"a form from another site", "POST", "/logout", "/api/lanes", []func(*http.Request){with("Sec-Fetch-Site", "cross-site")}, 403, "cross_origin",
		"This request was begun by a page of another origin. Only this lab’s own pages may change something here."},
	{"an unknown address", "GET", "/none", "/api/none", nil, 404, "not_found", "There is nothing at this address."},
	{"another method", "DELETE", "/login", "/api/lanes", nil, 405, "method_not_allowed", "This address does not take that method."},
	{"too long a form", "POST", "/login", "/api/lanes", []func(*http.Request){body(formType, strings.Repeat("x", limit+1))}, 413, "too_large",
		"That is more than a form of this lab can have."},
	{"a form of another kind", "POST", "/login", "", []func(*http.Request){body("application/json", "{}")}, 415, "unsupported_media_type",
		"This address takes ordinary forms only."},
	{"broken JSON", "POST", "", "/api/lanes", []func(*http.Request){body("application/json", "{")}, 400, "bad_request", "The JSON is not well formed."},
	{"no JSON", "POST", "", "/api/lanes", []func(*http.Request){body(formType, "a=b")}, 415, "unsupported_media_type",
		"This address takes JSON only: Content-Type: application/json."},
	{"another host", "GET", "/dashboard", "/api/lanes", []func(*http.Request){func(r *http.Request) { r.Host = "evil.example" }}, 421, "misdirected_request",
		"This server answers to localhost and 127.0.0.1 with its own port, not to this name."},
	{"a failure", "GET", "/test/failure", "/api/test/failure", nil, 500, "internal", "Something went wrong on our side. The log has the details."},
	{"a panic", "GET", "/test/panic", "/api/test/panic", nil, 500, "internal", "Something went wrong on our side. The log has the details."},
}

func TestErrors(t *testing.T) {
	lab := newLab(t)
	lab.Break()
	alice := lab.client().signIn("alice")
	for _, test := range wrongs {
		t.Run(test.name, func(t *testing.T) {
			before := lab.rows(t)
			var answers []reply
			if test.page != "" {
				page := alice.do(test.method, test.page, test.changes...)
				if kind := page.header.Get("Content-Type"); kind != "text/html; charset=UTF-8" {
					t.Errorf("the page is %s", kind)
				}
				if !strings.Contains(page.body, escaped(test.message)) || !strings.HasSuffix(strings.TrimSpace(page.body), "</html>") {
					t.Errorf("the page does not say %q: %s", test.message, page.body)
				}
				answers = append(answers, page)
			}
			if test.api != "" {
				api := alice.do(test.method, test.api, test.changes...)
				says(t, api, test.code, test.message)
				answers = append(answers, api)
			}
			for _, answer := range answers {
				guarded(t, answer)
				if answer.status != test.status || len(answer.cookies) > 0 {
					t.Errorf("answered %d with cookies %v", answer.status, answer.cookies)
				}
				for _, inner := range []string{"secret of", "goroutine", ".go:", "echo", "panic", "sql", "half a page"} {
					if strings.Contains(strings.ReplaceAll(answer.body, cmp.Or(test.page, test.api), ""), inner) {
						t.Errorf("the reply speaks of %q: %s", inner, answer.body)
					}
				}
			}
			if lab.rows(t) != before {
				t.Error("something was saved")
			}
		})
		if got := alice.verdicts(); got != everywhere {
			t.Fatalf("after %s the three ways conclude %q", test.name, got)
		}
	}
	for _, secret := range []string{"a secret of the panic", "a secret of the failure"} {
		if !strings.Contains(lab.log.String(), secret) {
			t.Errorf("the log does not tell of %s", secret)
		}
	}
}

// says complains unless a reply is JSON with these two fields and no other.
func says(t *testing.T, r reply, code, message string) {
	t.Helper()
	var fields map[string]string
	if err := json.Unmarshal([]byte(r.body), &fields); err != nil || r.header.Get("Content-Type") != "application/json" {
		t.Errorf("%s: %v: %s", r.header.Get("Content-Type"), err, r.body)
	}
	if want := map[string]string{"error": code, "message": message}; !maps.Equal(fields, want) {
		t.Errorf("says %v, not %v", fields, want)
	}
}

const unavailable = "The server cannot reach the place where sessions lie, so it cannot say who you are. Try again in a few seconds."

// A store that cannot be reached is no reason to take anybody for nobody.
func TestStoreUnavailable(t *testing.T) {
	everything := []string{"GET /", "GET /login", "GET /dashboard", "GET /door/session", "GET /door/plain", "GET /reset", "GET /sessions", "GET /tokens", "POST /tokens/revoke", "GET /api/lanes", "GET /healthz",
		"HEAD /dashboard", "POST /login", "POST /logout", "POST /reset", "POST /act/edit", "POST /act/copy", "POST /act/replay", "POST /act/expire",
		"POST /act/restore", "POST /act/logout/session", "POST /act/logout/plain", "POST /act/drop/plain", "POST /act/flip/signed", "POST /sessions/end", "POST /sessions/end-others", "GET /console", "GET /dissect", "GET /composer"}
	lab := newLab(t)
	for _, test := range []struct {
		name      string
		store     *storetest.Faulty
		down      []string // operations; none: all
		addresses []string
	}{
		{"the sessions", lab.sessions, nil, everything},
		{"the sessions, reading", lab.sessions, []string{"load"}, everything},
		{"the sessions, listing", lab.sessions, []string{"by owner"}, []string{"GET /sessions", "POST /sessions/end-others"}},
		{"the sessions, making", lab.sessions, []string{"create"}, []string{"POST /login", "POST /act/expire", "POST /tokens"}},
		{"the sessions, replacing", lab.sessions, []string{"update"}, []string{"POST /login", "POST /act/expire"}},
		{"the sessions, removing", lab.sessions, []string{"delete"}, []string{"POST /logout", "POST /reset", "POST /act/logout/session"}},
		{"the notebooks", lab.notebooks, nil, everything},
		{"the notebooks, reading", lab.notebooks, []string{"load"}, everything},
		{"the notebooks, writing", lab.notebooks, []string{"update"}, []string{"POST /act/edit", "POST /act/copy", "POST /act/logout/plain", "POST /act/drop/session", "POST /act/flip/signed"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			alice := lab.client().signIn("alice")
			for _, address := range test.addresses {
				method, path, _ := strings.Cut(address, " ")
				form := []func(*http.Request){}
				if method == http.MethodPost {
					form = append(form, body(formType, login("alice").Encode()))
				}
				test.store.Before = storetest.Down(test.down...)
				answer := alice.do(method, path, form...)
				test.store.Before = nil
				guarded(t, answer)
				if answer.status != http.StatusServiceUnavailable || answer.header.Get("Retry-After") != "5" || len(answer.cookies) > 0 || answer.header.Get("Location") != "" {
					t.Errorf("%s answers %d, Retry-After %q, with cookies %v", address, answer.status, answer.header.Get("Retry-After"), answer.cookies)
				}
				switch {
				case path == "/api/lanes":
					says(t, answer, "store_unavailable", unavailable)
				case method != http.MethodHead && !strings.Contains(answer.body, unavailable):
					t.Errorf("%s does not say why: %s", address, answer.body)
				}
				if got := alice.verdicts(); got != everywhere {
					t.Fatalf("after %s the three ways conclude %q", address, got)
				}
			}
		})
	}
}

// A session that an edit left behind can still be put back after the store has
// failed to make the new one, or to remove the old.
func TestPutItBackAfterTheStoreFailed(t *testing.T) {
	for _, path := range []string{"/act/restore", "/login"} {
		for _, op := range []string{"create", "update"} {
			t.Run(path+", "+op, func(t *testing.T) {
				lab := newLab(t)
				alice := lab.client().signIn("alice")
				alice.post("/act/edit", nil)
				lab.sessions.Before = storetest.Down(op)
				answer := alice.post(path, login("alice"))
				lab.sessions.Before = nil
				if answer.status != http.StatusServiceUnavailable || len(answer.cookies) > 0 {
					t.Errorf("answered %d with cookies %v", answer.status, answer.cookies)
				}
				if alice.post("/act/restore", nil); alice.verdicts() != everywhere {
					t.Errorf("put back, the three ways conclude %q", alice.verdicts())
				}
			})
		}
	}
}

// Whoever needs no store is served while there is none.
func TestWithoutAStore(t *testing.T) {
	lab := newLab(t)
	visitor := lab.client()
	visitor.get("/dashboard")
	lab.sessions.Before = storetest.Down()
	for _, path := range []string{"/", "/login", "/dashboard", "/sessions", "/reset", "/api/lanes"} {
		if answer := visitor.get(path); answer.status != http.StatusOK {
			t.Errorf("GET %s for a visitor without a session answers %d", path, answer.status)
		}
	}
	lab.notebooks.Before = storetest.Down()
	for path, want := range map[string]int{"/static/lab.css": 200, "/favicon.ico": 200, "/none": 404, "/healthz": 503} {
		if answer := visitor.get(path); answer.status != want {
			t.Errorf("GET %s without any store answers %d, not %d", path, answer.status, want)
		}
	}
}

func TestHealth(t *testing.T) {
	lab := newLab(t)
	if answer := lab.client().get("/healthz"); answer.status != http.StatusOK || answer.body != "ok\n" {
		t.Errorf("answered %d %q", answer.status, answer.body)
	}
}

// A session that another request ends meanwhile is not brought back.
func TestSessionEndedMeanwhile(t *testing.T) {
	lab := newLab(t)
	alice := lab.client().signIn("alice")
	id := sessions.KeyID("session", alice.cookie("lab_sessionid"))
	lab.sessions.Before = func(op string) error {
		if op == "create" { // the new key is being made: log out in between
			return lab.sessions.Store.Delete(context.Background(), id, 0)
		}
		return nil
	}
	answer := alice.post("/login", login("alice"))
	lab.sessions.Before = nil
	if answer.status != http.StatusConflict || len(answer.cookies) > 0 || !strings.Contains(answer.body, "was ended by another request") {
		t.Errorf("answered %d with cookies %v: %s", answer.status, answer.cookies, answer.body)
	}
	if strings.Contains(lab.rows(t), " session:alice ") {
		t.Error("a session was left behind")
	}
	if got := alice.verdicts(); got != "believed verified unknown" {
		t.Errorf("the three ways conclude %q", got)
	}
}

// After a panic the server goes on as before, for everybody.
func TestAfterAPanic(t *testing.T) {
	lab := newLab(t)
	lab.Break()
	alice := lab.client().signIn("alice")
	for range 3 {
		alice.get("/test/panic")
	}
	if answer := alice.get("/dashboard"); answer.status != http.StatusOK || !slices.Contains([]int{1, 2}, len(alice.wire())) {
		t.Errorf("answered %d, %d exchanges", answer.status, len(alice.wire()))
	}
	lab.client().signIn("bob")
}
