// Forms that are too long, broken or of another kind: refused whole, before
// anything is done.

package handlers_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
)

// A refused form changes nothing: whoever is signed in still is, and the
// database is the same to the byte.
func TestRefusedFormsHaveNoEffect(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	long := "a=" + strings.Repeat("x", 100<<10-2)
	for _, test := range []struct {
		name   string
		change func(*http.Request)
		status int
	}{
		{"row 37: 100 KB", webtest.Body(webtest.FormType, long), http.StatusRequestEntityTooLarge},
		{"row 38: 100 KB, chunked", webtest.Chunked(webtest.FormType, long), http.StatusRequestEntityTooLarge},
		{"one byte over the limit", webtest.Body(webtest.FormType, long[:webtest.Limit+1]), http.StatusRequestEntityTooLarge},
		{"one byte over the limit, chunked", webtest.Chunked(webtest.FormType, long[:webtest.Limit+1]), http.StatusRequestEntityTooLarge},
		{"row 39: 10,000 fields", webtest.Body(webtest.FormType, strings.Repeat("a=1&", 9_999)+"a=1"), http.StatusRequestEntityTooLarge},
		{"101 fields", webtest.Body(webtest.FormType, strings.Repeat("a=1&", 100)+"a=1"), http.StatusRequestEntityTooLarge},
		{"too long, and of another kind", webtest.Body("application/json", long), http.StatusRequestEntityTooLarge},
		{"row 40: a percent sign that encodes nothing", webtest.Body(webtest.FormType, "a=%zz"), http.StatusBadRequest},
		{"row 40: a semicolon between fields", webtest.Body(webtest.FormType, "a;b=1"), http.StatusBadRequest},
		{"row 41: multipart without a boundary", webtest.Body("multipart/form-data", "a=1"), http.StatusBadRequest},
		{"row 41: multipart", webtest.Body("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n"), http.StatusUnsupportedMediaType},
		{"row 42: JSON", webtest.Body("application/json", `{"username":"bob"}`), http.StatusUnsupportedMediaType},
		{"row 42: JSON that ends too soon", webtest.Body("application/json", `{"username":`), http.StatusUnsupportedMediaType},
		{"row 42: JSON, deeply nested", webtest.Body("application/json", strings.Repeat("[", 60_000)), http.StatusUnsupportedMediaType},
		{"row 42: JSON that says it is text", webtest.Body("text/plain", `{"username":"bob"}`), http.StatusUnsupportedMediaType},
		{"a form of no kind", webtest.Body("", "username=bob&password=cookies"), http.StatusBadRequest},
		{"a form of a kind that is none", webtest.Body("form;;", "username=bob&password=cookies"), http.StatusBadRequest},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := lab.Rows(t)
			for _, path := range []string{"/login", "/logout", "/act/edit", "/act/logout/session", "/reset", "/class", "/dissect", "/composer", "/send"} {
				answer := alice.Post(path, nil, test.change)
				if answer.Status != test.status || len(answer.Cookies) > 0 {
					t.Errorf("POST %s: answered %d, not %d, with cookies %v", path, answer.Status, test.status, answer.Cookies)
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

func TestFormsUpToTheLimitAreTaken(t *testing.T) {
	lab := labtest.New(t)
	form := webtest.Login("alice").Encode()
	full := form + "&x=" + strings.Repeat("x", webtest.Limit-len(form)-3)
	for _, test := range []struct {
		name   string
		change func(*http.Request)
	}{
		{"64 KB", webtest.Body(webtest.FormType, full)},
		{"64 KB, chunked", webtest.Chunked(webtest.FormType, full)},
		{"100 fields", webtest.Body(webtest.FormType, strings.Repeat("a=1&", 98)+form)},
		{"with a charset", webtest.Body(webtest.FormType+"; charset=UTF-8", form)},
	} {
		t.Run(test.name, func(t *testing.T) {
			if answer := lab.Client().Post("/login", nil, test.change); answer.Status != http.StatusSeeOther {
				t.Errorf("answered %d: %s", answer.Status, answer.Body)
			}
		})
	}
}

func TestLoginFields(t *testing.T) {
	lab := labtest.New(t)
	long := strings.Repeat("é", 30)
	for _, test := range []struct {
		name   string
		form   url.Values
		status int
	}{
		{"the name twice", url.Values{"username": {"alice", "bob"}, "password": {webtest.ClassPassword}}, http.StatusBadRequest},
		{"the same name twice", url.Values{"username": {"alice", "alice"}, "password": {webtest.ClassPassword}}, http.StatusBadRequest},
		{"the password twice", url.Values{"username": {"alice"}, "password": {"wrong", webtest.ClassPassword}}, http.StatusBadRequest},
		{"the PIN twice", url.Values{"username": {"teacher"}, "pin": {"wrong", webtest.TeacherPIN}}, http.StatusBadRequest},
		{"fields nobody asked for are ignored", url.Values{"username": {"alice"}, "password": {webtest.ClassPassword}, "role": {"teacher"}, "is_admin": {"1"}, "_role": {"teacher"}}, http.StatusSeeOther},
		{"no field at all", url.Values{}, http.StatusUnprocessableEntity},
		{"no name", url.Values{"password": {webtest.ClassPassword}}, http.StatusUnprocessableEntity},
		{"no password", url.Values{"username": {"alice"}}, http.StatusForbidden},
		{"a name of 30 letters", webtest.Login(long), http.StatusSeeOther},
		{"a name of 31 letters", webtest.Login(long + "é"), http.StatusUnprocessableEntity},
		{"a name of digits, - and _", webtest.Login("0-9_"), http.StatusSeeOther},
		{"a name in another script", webtest.Login("小明"), http.StatusSeeOther},
		{"a space in the name", webtest.Login("alice b"), http.StatusUnprocessableEntity},
		{"a space before the name is not trimmed away", webtest.Login(" alice"), http.StatusUnprocessableEntity},
		{"row 28: SQL in the name", webtest.Login("' OR '1'='1"), http.StatusUnprocessableEntity},
		{"row 29: NUL in the name", webtest.Login("alice\x00"), http.StatusUnprocessableEntity},
		{"row 29: bytes that are no UTF-8", webtest.Login("alice\xff"), http.StatusUnprocessableEntity},
		{"row 29: a mark that turns the writing", webtest.Login("alice\u202e"), http.StatusUnprocessableEntity},
		{"row 29: a name of 10 KB", webtest.Login(strings.Repeat("a", 10<<10)), http.StatusUnprocessableEntity},
		{"markup in the name", webtest.Login("<b>alice"), http.StatusUnprocessableEntity},
		{"the password is not trimmed", url.Values{"username": {"alice"}, "password": {webtest.ClassPassword + " "}}, http.StatusForbidden},
		{"half the password", url.Values{"username": {"alice"}, "password": {webtest.ClassPassword[:3]}}, http.StatusForbidden},
		{"the class password does not make a teacher", url.Values{"username": {"teacher"}, "password": {webtest.ClassPassword}}, http.StatusForbidden},
		{"nor does it with an empty PIN", url.Values{"username": {"teacher"}, "password": {webtest.ClassPassword}, "pin": {""}}, http.StatusForbidden},
		{"the PIN makes a teacher", webtest.Login("teacher"), http.StatusSeeOther},
		{"the PIN in the password field will do", url.Values{"username": {"teacher"}, "password": {webtest.TeacherPIN}}, http.StatusSeeOther},
		{"the PIN does not sign in anybody else", url.Values{"username": {"bob"}, "pin": {webtest.TeacherPIN}}, http.StatusForbidden},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := lab.Client()
			answer := c.Post("/login", test.form)
			if answer.Status != test.status {
				t.Fatalf("answered %d, not %d: %s", answer.Status, test.status, answer.Body)
			}
			if answer.Status != http.StatusSeeOther {
				if got := c.Verdicts(); got != webtest.Nowhere {
					t.Errorf("refused, and the three ways conclude %q", got)
				}
				return
			}
			name, role := test.form.Get("username"), "student"
			if name == "teacher" {
				role = "teacher"
			}
			for id, lane := range c.Lanes() {
				if id == "token" { // a login makes none
					continue
				}
				if lane.User == nil || *lane.User != name || lane.Role == nil || *lane.Role != role {
					t.Errorf("%s takes them for %v, %v", id, lane.User, lane.Role)
				}
			}
		})
	}
}

// Only the password and the role come from the form's own fields in its body:
// never from the address.
func TestLoginInTheAddressIsNone(t *testing.T) {
	c := labtest.New(t).Client()
	if answer := c.Post("/login?"+webtest.Login("alice").Encode(), nil); answer.Status != http.StatusUnprocessableEntity {
		t.Errorf("answered %d", answer.Status)
	}
	if got := c.Verdicts(); got != webtest.Nowhere {
		t.Errorf("the three ways conclude %q", got)
	}
}

// Row 46: a form cannot ask for another method than its own.
func TestMethodIsNotOverridden(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	for _, test := range []struct {
		method, path string
		change       func(*http.Request)
	}{
		{http.MethodGet, "/logout", webtest.With("X-HTTP-Method-Override", "POST")},
		{http.MethodGet, "/logout?_method=POST", webtest.With("X-Method-Override", "POST")},
		{http.MethodPost, "/dashboard", webtest.Body(webtest.FormType, "_method=GET")},
	} {
		t.Run("row 46: "+test.method+" "+test.path, func(t *testing.T) {
			if answer := alice.Do(test.method, test.path, test.change); answer.Status != http.StatusMethodNotAllowed {
				t.Errorf("answered %d", answer.Status)
			}
			if got := alice.Verdicts(); got != webtest.Everywhere {
				t.Errorf("the three ways conclude %q", got)
			}
		})
	}
}
