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

	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
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
	{"a broken form", "POST", "/login", "", []func(*http.Request){webtest.Body(webtest.FormType, "%zz")}, 400, "bad_request", "The form is not well formed."},
	{"a form from another site", "POST", "/logout", "/api/lanes", []func(*http.Request){webtest.With("Sec-Fetch-Site", "cross-site")}, 403, "cross_origin",
		"This request was begun by a page of another origin. Only this lab’s own pages may change something here."},
	{"an unknown address", "GET", "/none", "/api/none", nil, 404, "not_found", "There is nothing at this address."},
	{"another method", "DELETE", "/login", "/api/lanes", nil, 405, "method_not_allowed", "This address does not take that method."},
	{"too long a form", "POST", "/login", "/api/lanes", []func(*http.Request){webtest.Body(webtest.FormType, strings.Repeat("x", webtest.Limit+1))}, 413, "too_large",
		"That is more than a form of this lab can have."},
	{"a form of another kind", "POST", "/login", "", []func(*http.Request){webtest.Body("application/json", "{}")}, 415, "unsupported_media_type",
		"This address takes ordinary forms only."},
	{"broken JSON", "POST", "", "/api/lanes", []func(*http.Request){webtest.Body("application/json", "{")}, 400, "bad_request", "The JSON is not well formed."},
	{"no JSON", "POST", "", "/api/lanes", []func(*http.Request){webtest.Body(webtest.FormType, "a=b")}, 415, "unsupported_media_type",
		"This address takes JSON only: Content-Type: application/json."},
	{"another host", "GET", "/dashboard", "/api/lanes", []func(*http.Request){func(r *http.Request) { r.Host = "evil.example" }}, 421, "misdirected_request",
		"This server answers to localhost and 127.0.0.1 with its own port, not to this name."},
	{"a failure", "GET", "/test/failure", "/api/test/failure", nil, 500, "internal", "Something went wrong on our side. The log has the details."},
	{"a panic", "GET", "/test/panic", "/api/test/panic", nil, 500, "internal", "Something went wrong on our side. The log has the details."},
}

func TestErrors(t *testing.T) {
	lab := labtest.New(t)
	lab.Break()
	alice := lab.Client().SignIn("alice")
	for _, test := range wrongs {
		t.Run(test.name, func(t *testing.T) {
			before := lab.Rows(t)
			var answers []webtest.Reply
			if test.page != "" {
				page := alice.Do(test.method, test.page, test.changes...)
				if kind := page.Header.Get("Content-Type"); kind != "text/html; charset=UTF-8" {
					t.Errorf("the page is %s", kind)
				}
				if !strings.Contains(page.Body, webtest.Escaped(test.message)) || !strings.HasSuffix(strings.TrimSpace(page.Body), "</html>") {
					t.Errorf("the page does not say %q: %s", test.message, page.Body)
				}
				answers = append(answers, page)
			}
			if test.api != "" {
				api := alice.Do(test.method, test.api, test.changes...)
				says(t, api, test.code, test.message)
				answers = append(answers, api)
			}
			for _, answer := range answers {
				webtest.Guarded(t, answer)
				if answer.Status != test.status || len(answer.Cookies) > 0 {
					t.Errorf("answered %d with cookies %v", answer.Status, answer.Cookies)
				}
				for _, inner := range []string{"secret of", "goroutine", ".go:", "echo", "panic", "sql", "half a page"} {
					if strings.Contains(strings.ReplaceAll(answer.Body, cmp.Or(test.page, test.api), ""), inner) {
						t.Errorf("the reply speaks of %q: %s", inner, answer.Body)
					}
				}
			}
			if lab.Rows(t) != before {
				t.Error("something was saved")
			}
		})
		if got := alice.Verdicts(); got != webtest.Everywhere {
			t.Fatalf("after %s the three ways conclude %q", test.name, got)
		}
	}
	for _, secret := range []string{"a secret of the panic", "a secret of the failure"} {
		if !strings.Contains(lab.Log.String(), secret) {
			t.Errorf("the log does not tell of %s", secret)
		}
	}
}

// says complains unless a reply is JSON with these two fields and no other.
func says(t *testing.T, r webtest.Reply, code, message string) {
	t.Helper()
	var fields map[string]string
	if err := json.Unmarshal([]byte(r.Body), &fields); err != nil || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s: %v: %s", r.Header.Get("Content-Type"), err, r.Body)
	}
	if want := map[string]string{"error": code, "message": message}; !maps.Equal(fields, want) {
		t.Errorf("says %v, not %v", fields, want)
	}
}

// A store that cannot be reached is no reason to take anybody for nobody.
func TestStoreUnavailable(t *testing.T) {
	everything := []string{"GET /", "GET /login", "GET /dashboard", "GET /door/session", "GET /door/plain", "GET /reset", "GET /sessions", "GET /tokens", "POST /tokens/revoke", "GET /api/lanes", "GET /healthz",
		"HEAD /dashboard", "POST /login", "POST /logout", "POST /reset", "POST /act/edit", "POST /act/copy", "POST /act/replay", "POST /act/expire",
		"POST /act/restore", "POST /act/logout/session", "POST /act/logout/plain", "POST /act/drop/plain", "POST /act/flip/signed", "POST /sessions/end", "POST /sessions/end-others", "GET /console", "GET /dissect", "GET /composer"}
	lab := labtest.New(t)
	for _, test := range []struct {
		name      string
		store     *storetest.Faulty
		down      []string // operations; none: all
		addresses []string
	}{
		{"the sessions", lab.Sessions, nil, everything},
		{"the sessions, reading", lab.Sessions, []string{"load"}, everything},
		{"the sessions, listing", lab.Sessions, []string{"by owner"}, []string{"GET /sessions", "POST /sessions/end-others"}},
		{"the sessions, making", lab.Sessions, []string{"create"}, []string{"POST /login", "POST /act/expire", "POST /tokens"}},
		{"the sessions, replacing", lab.Sessions, []string{"update"}, []string{"POST /login", "POST /act/expire"}},
		{"the sessions, removing", lab.Sessions, []string{"delete"}, []string{"POST /logout", "POST /reset", "POST /act/logout/session"}},
		{"the notebooks", lab.Notebooks, nil, everything},
		{"the notebooks, reading", lab.Notebooks, []string{"load"}, everything},
		{"the notebooks, writing", lab.Notebooks, []string{"update"}, []string{"POST /act/edit", "POST /act/copy", "POST /act/logout/plain", "POST /act/drop/session", "POST /act/flip/signed"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			alice := lab.Client().SignIn("alice")
			for _, address := range test.addresses {
				method, path, _ := strings.Cut(address, " ")
				form := []func(*http.Request){}
				if method == http.MethodPost {
					form = append(form, webtest.Body(webtest.FormType, webtest.Login("alice").Encode()))
				}
				test.store.Before = storetest.Down(test.down...)
				answer := alice.Do(method, path, form...)
				test.store.Before = nil
				webtest.Guarded(t, answer)
				if answer.Status != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") != "5" || len(answer.Cookies) > 0 || answer.Header.Get("Location") != "" {
					t.Errorf("%s answers %d, Retry-After %q, with cookies %v", address, answer.Status, answer.Header.Get("Retry-After"), answer.Cookies)
				}
				switch {
				case path == "/api/lanes":
					says(t, answer, "store_unavailable", webtest.Unavailable)
				case method != http.MethodHead && !strings.Contains(answer.Body, webtest.Unavailable):
					t.Errorf("%s does not say why: %s", address, answer.Body)
				}
				if got := alice.Verdicts(); got != webtest.Everywhere {
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
				lab := labtest.New(t)
				alice := lab.Client().SignIn("alice")
				alice.Post("/act/edit", nil)
				lab.Sessions.Before = storetest.Down(op)
				answer := alice.Post(path, webtest.Login("alice"))
				lab.Sessions.Before = nil
				if answer.Status != http.StatusServiceUnavailable || len(answer.Cookies) > 0 {
					t.Errorf("answered %d with cookies %v", answer.Status, answer.Cookies)
				}
				if alice.Post("/act/restore", nil); alice.Verdicts() != webtest.Everywhere {
					t.Errorf("put back, the three ways conclude %q", alice.Verdicts())
				}
			})
		}
	}
}

// Whoever needs no store is served while there is none.
func TestWithoutAStore(t *testing.T) {
	lab := labtest.New(t)
	visitor := lab.Client()
	visitor.Get("/dashboard")
	lab.Sessions.Before = storetest.Down()
	for _, path := range []string{"/", "/login", "/dashboard", "/sessions", "/reset", "/api/lanes"} {
		if answer := visitor.Get(path); answer.Status != http.StatusOK {
			t.Errorf("GET %s for a visitor without a session answers %d", path, answer.Status)
		}
	}
	lab.Notebooks.Before = storetest.Down()
	for path, want := range map[string]int{"/static/lab.css": 200, "/favicon.ico": 200, "/none": 404, "/healthz": 503} {
		if answer := visitor.Get(path); answer.Status != want {
			t.Errorf("GET %s without any store answers %d, not %d", path, answer.Status, want)
		}
	}
}

func TestHealth(t *testing.T) {
	lab := labtest.New(t)
	if answer := lab.Client().Get("/healthz"); answer.Status != http.StatusOK || answer.Body != "ok\n" {
		t.Errorf("answered %d %q", answer.Status, answer.Body)
	}
}

// A session that another request ends meanwhile is not brought back.
func TestSessionEndedMeanwhile(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	id := sessions.KeyID("session", alice.Cookie("lab_sessionid"))
	lab.Sessions.Before = func(op string) error {
		if op == "create" { // the new key is being made: log out in between
			return lab.Sessions.Store.Delete(context.Background(), id, 0)
		}
		return nil
	}
	answer := alice.Post("/login", webtest.Login("alice"))
	lab.Sessions.Before = nil
	if answer.Status != http.StatusConflict || len(answer.Cookies) > 0 || !strings.Contains(answer.Body, "was ended by another request") {
		t.Errorf("answered %d with cookies %v: %s", answer.Status, answer.Cookies, answer.Body)
	}
	if strings.Contains(lab.Rows(t), " session:alice ") {
		t.Error("a session was left behind")
	}
	if got := alice.Verdicts(); got != "believed verified unknown" {
		t.Errorf("the three ways conclude %q", got)
	}
}

// After a panic the server goes on as before, for everybody.
func TestAfterAPanic(t *testing.T) {
	lab := labtest.New(t)
	lab.Break()
	alice := lab.Client().SignIn("alice")
	for range 3 {
		alice.Get("/test/panic")
	}
	if answer := alice.Get("/dashboard"); answer.Status != http.StatusOK || !slices.Contains([]int{1, 2}, len(alice.Wire())) {
		t.Errorf("answered %d, %d exchanges", answer.Status, len(alice.Wire()))
	}
	lab.Client().SignIn("bob")
}
