// Forms that are too long, broken or of another kind: refused whole, before
// anything is done.

package handlers_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const limit = 64 << 10 // bytes of a form

// A refused form changes nothing: whoever is signed in still is, and the
// database is the same to the byte.
func TestRefusedFormsHaveNoEffect(t *testing.T) {
	lab := newLab(t)
	alice := lab.client().signIn("alice")
	long := "a=" + strings.Repeat("x", 100<<10-2)
	for _, test := range []struct {
		name   string
		change func(*http.Request)
		status int
	}{
		{"row 37: 100 KB", body(formType, long), http.StatusRequestEntityTooLarge},
		{"row 38: 100 KB, chunked", chunked(formType, long), http.StatusRequestEntityTooLarge},
		{"one byte over the limit", body(formType, long[:limit+1]), http.StatusRequestEntityTooLarge},
		{"one byte over the limit, chunked", chunked(formType, long[:limit+1]), http.StatusRequestEntityTooLarge},
		{"row 39: 10,000 fields", body(formType, strings.Repeat("a=1&", 9_999)+"a=1"), http.StatusRequestEntityTooLarge},
		{"101 fields", body(formType, strings.Repeat("a=1&", 100)+"a=1"), http.StatusRequestEntityTooLarge},
		{"too long, and of another kind", body("application/json", long), http.StatusRequestEntityTooLarge},
		{"row 40: a percent sign that encodes nothing", body(formType, "a=%zz"), http.StatusBadRequest},
		{"row 40: a semicolon between fields", body(formType, "a;b=1"), http.StatusBadRequest},
		{"row 41: multipart without a boundary", body("multipart/form-data", "a=1"), http.StatusBadRequest},
		{"row 41: multipart", body("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n"), http.StatusUnsupportedMediaType},
		{"row 42: JSON", body("application/json", `{"username":"bob"}`), http.StatusUnsupportedMediaType},
		{"row 42: JSON that ends too soon", body("application/json", `{"username":`), http.StatusUnsupportedMediaType},
		{"row 42: JSON, deeply nested", body("application/json", strings.Repeat("[", 60_000)), http.StatusUnsupportedMediaType},
		{"row 42: JSON that says it is text", body("text/plain", `{"username":"bob"}`), http.StatusUnsupportedMediaType},
		{"a form of no kind", body("", "username=bob&password=cookies"), http.StatusBadRequest},
		{"a form of a kind that is none", body("form;;", "username=bob&password=cookies"), http.StatusBadRequest},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := lab.rows(t)
			for _, path := range []string{"/login", "/logout", "/act/edit", "/act/logout/session", "/reset", "/class", "/dissect", "/composer", "/send"} {
				answer := alice.post(path, nil, test.change)
				if answer.status != test.status || len(answer.cookies) > 0 {
					t.Errorf("POST %s: answered %d, not %d, with cookies %v", path, answer.status, test.status, answer.cookies)
				}
			}
			if after := lab.rows(t); after != before {
				t.Errorf("the database changed from\n%s to\n%s", before, after)
			}
			if got := alice.verdicts(); got != everywhere {
				t.Errorf("afterwards the three ways conclude %q", got)
			}
		})
	}
}

func TestFormsUpToTheLimitAreTaken(t *testing.T) {
	lab := newLab(t)
	form := login("alice").Encode()
	full := form + "&x=" + strings.Repeat("x", limit-len(form)-3)
	for _, test := range []struct {
		name   string
		change func(*http.Request)
	}{
		{"64 KB", body(formType, full)},
		{"64 KB, chunked", chunked(formType, full)},
		{"100 fields", body(formType, strings.Repeat("a=1&", 98)+form)},
		{"with a charset", body(formType+"; charset=UTF-8", form)},
	} {
		t.Run(test.name, func(t *testing.T) {
			if answer := lab.client().post("/login", nil, test.change); answer.status != http.StatusSeeOther {
				t.Errorf("answered %d: %s", answer.status, answer.body)
			}
		})
	}
}

func TestLoginFields(t *testing.T) {
	lab := newLab(t)
	long := strings.Repeat("é", 30)
	for _, test := range []struct {
		name   string
		form   url.Values
		status int
	}{
		{"the name twice", url.Values{"username": {"alice", "bob"}, "password": {classPassword}}, http.StatusBadRequest},
		{"the same name twice", url.Values{"username": {"alice", "alice"}, "password": {classPassword}}, http.StatusBadRequest},
		{"the password twice", url.Values{"username": {"alice"}, "password": {"wrong", classPassword}}, http.StatusBadRequest},
		{"the PIN twice", url.Values{"username": {"teacher"}, "pin": {"wrong", teacherPIN}}, http.StatusBadRequest},
		{"fields nobody asked for are ignored", url.Values{"username": {"alice"}, "password": {classPassword}, "role": {"teacher"}, "is_admin": {"1"}, "_role": {"teacher"}}, http.StatusSeeOther},
		{"no field at all", url.Values{}, http.StatusUnprocessableEntity},
		{"no name", url.Values{"password": {classPassword}}, http.StatusUnprocessableEntity},
		{"no password", url.Values{"username": {"alice"}}, http.StatusForbidden},
		{"a name of 30 letters", login(long), http.StatusSeeOther},
		{"a name of 31 letters", login(long + "é"), http.StatusUnprocessableEntity},
		{"a name of digits, - and _", login("0-9_"), http.StatusSeeOther},
		{"a name in another script", login("小明"), http.StatusSeeOther},
		{"a space in the name", login("alice b"), http.StatusUnprocessableEntity},
		{"a space before the name is not trimmed away", login(" alice"), http.StatusUnprocessableEntity},
		{"row 28: SQL in the name", login("' OR '1'='1"), http.StatusUnprocessableEntity},
		{"row 29: NUL in the name", login("alice\x00"), http.StatusUnprocessableEntity},
		{"row 29: bytes that are no UTF-8", login("alice\xff"), http.StatusUnprocessableEntity},
		{"row 29: a mark that turns the writing", login("alice\u202e"), http.StatusUnprocessableEntity},
		{"row 29: a name of 10 KB", login(strings.Repeat("a", 10<<10)), http.StatusUnprocessableEntity},
		{"markup in the name", login("<b>alice"), http.StatusUnprocessableEntity},
		{"the password is not trimmed", url.Values{"username": {"alice"}, "password": {classPassword + " "}}, http.StatusForbidden},
		{"half the password", url.Values{"username": {"alice"}, "password": {classPassword[:3]}}, http.StatusForbidden},
		{"the class password does not make a teacher", url.Values{"username": {"teacher"}, "password": {classPassword}}, http.StatusForbidden},
		{"nor does it with an empty PIN", url.Values{"username": {"teacher"}, "password": {classPassword}, "pin": {""}}, http.StatusForbidden},
		{"the PIN makes a teacher", login("teacher"), http.StatusSeeOther},
		{"the PIN in the password field will do", url.Values{"username": {"teacher"}, "password": {teacherPIN}}, http.StatusSeeOther},
		{"the PIN does not sign in anybody else", url.Values{"username": {"bob"}, "pin": {teacherPIN}}, http.StatusForbidden},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := lab.client()
			answer := c.post("/login", test.form)
			if answer.status != test.status {
				t.Fatalf("answered %d, not %d: %s", answer.status, test.status, answer.body)
			}
			if answer.status != http.StatusSeeOther {
				if got := c.verdicts(); got != nowhere {
					t.Errorf("refused, and the three ways conclude %q", got)
				}
				return
			}
			name, role := test.form.Get("username"), "student"
			if name == "teacher" {
				role = "teacher"
			}
			for id, lane := range c.lanes() {
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
	c := newLab(t).client()
	if answer := c.post("/login?"+login("alice").Encode(), nil); answer.status != http.StatusUnprocessableEntity {
		t.Errorf("answered %d", answer.status)
	}
	if got := c.verdicts(); got != nowhere {
		t.Errorf("the three ways conclude %q", got)
	}
}

// Row 46: a form cannot ask for another method than its own.
func TestMethodIsNotOverridden(t *testing.T) {
	lab := newLab(t)
	alice := lab.client().signIn("alice")
	for _, test := range []struct {
		method, path string
		change       func(*http.Request)
	}{
		{http.MethodGet, "/logout", with("X-HTTP-Method-Override", "POST")},
		{http.MethodGet, "/logout?_method=POST", with("X-Method-Override", "POST")},
		{http.MethodPost, "/dashboard", body(formType, "_method=GET")},
	} {
		t.Run("row 46: "+test.method+" "+test.path, func(t *testing.T) {
			if answer := alice.do(test.method, test.path, test.change); answer.status != http.StatusMethodNotAllowed {
				t.Errorf("answered %d", answer.status)
			}
			if got := alice.verdicts(); got != everywhere {
				t.Errorf("the three ways conclude %q", got)
			}
		})
	}
}
