// The field next: after signing in a visitor stays on this lab, whatever the
// field says.

package signin_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
)

func TestNext(t *testing.T) {
	lab := labtest.New(t)
	for _, test := range []struct {
		name  string
		next  []string // the values of the field; none: no such field
		wants string
	}{
		{"no field: the dashboard", nil, "/dashboard"},
		{"a page", []string{"/door/session"}, "/door/session"},
		{"a page with a query", []string{"/reset?done=1"}, "/reset?done=1"},
		{"a page with an address in its query", []string{"/dashboard?from=//evil.example"}, "/dashboard?from=//evil.example"},
		{"the front page", []string{"/"}, "/"},
		{"2 KB", []string{"/" + strings.Repeat("a", 2047)}, "/" + strings.Repeat("a", 2047)},
		{"row 51: another host", []string{"//evil.example"}, "/"},
		{"row 51: another host, \\ for /", []string{`/\evil.example`}, "/"},
		{"row 51: another host, three slashes", []string{"///evil.example"}, "/"},
		{"row 51: another host, \\ alone", []string{`\\evil.example`}, "/"},
		{"row 51: another host, \\ later on", []string{`/dashboard\..\\evil.example`}, "/"},
		{"row 51: https without slashes", []string{"https:evil.example"}, "/"},
		{"row 51: https", []string{"https://evil.example/"}, "/"},
		{"row 51: this very host, by its name", []string{"http://" + lab.Addr + "/dashboard"}, "/"},
		{"row 51: javascript", []string{"javascript:alert(1)"}, "/"},
		{"row 52: a tab that browsers drop, encoded", []string{"/%09/evil.example"}, "/"},
		{"row 52: a tab that browsers drop", []string{"/\t/evil.example"}, "/"},
		{"row 52: a newline that browsers drop", []string{"/\n/evil.example"}, "/"},
		{"row 52: a slash, encoded", []string{"/%2f/evil.example"}, "/"},
		{"row 52: a slash, encoded, at once", []string{"/%2fevil.example"}, "/"},
		{"row 52: a \\, encoded", []string{"/%5cevil.example"}, "/"},
		{"row 52: a header, encoded", []string{"/x%0d%0aSet-Cookie:a=b"}, "/"},
		{"row 52: a header", []string{"/x\r\nSet-Cookie: a=b"}, "/"},
		{"row 52: up and out", []string{"/..//evil.example"}, "/"},
		{"row 52: down, up and out", []string{"/x/..//evil.example"}, "/"},
		{"row 52: up, encoded", []string{"/%2e%2e//evil.example"}, "/"},
		{"row 52: one dot changes no host", []string{"/.//evil.example"}, "/.//evil.example"},
		{"row 53: twice", []string{"/dashboard", "/dashboard"}, "/"},
		{"row 53: 10 KB", []string{"/" + strings.Repeat("a", 10<<10)}, "/"},
		{"row 53: empty", []string{""}, "/"},
		{"row 53: a query alone", []string{"?q"}, "/"},
		{"row 53: a fragment alone", []string{"#x"}, "/"},
		{"row 53: a space in front", []string{" /dashboard"}, "/"},
		{"row 53: no slash in front", []string{"dashboard"}, "/"},
		{"no UTF-8", []string{"/\xff"}, "/"},
		{"NUL", []string{"/\x00"}, "/"},
		{"an escape that is none", []string{"/%zz"}, "/"},
	} {
		t.Run(test.name, func(t *testing.T) {
			form := webtest.Login("alice")
			if test.next != nil {
				form["next"] = test.next
			}
			answer := lab.Client().Post("/login", form)
			if answer.Status != http.StatusSeeOther {
				t.Fatalf("answered %d: %s", answer.Status, answer.Body)
			}
			if got := answer.Header.Values("Location"); len(got) != 1 || got[0] != test.wants {
				t.Errorf("sent to %q, not %q", got, test.wants)
			}
			for _, cookie := range answer.Cookies {
				if cookie.Name == "a" {
					t.Error("next has set a cookie")
				}
			}
		})
	}
}

// What the form carries from page to page is judged each time.
func TestNextThroughTheForm(t *testing.T) {
	lab := labtest.New(t)
	for _, test := range []struct {
		name, next string
		carried    bool
	}{
		{"a page is carried", "/door/session", true},
		{"another host is not", "//evil.example", false},
		{"a script is not", "javascript:alert(1)", false},
		{"markup is not", `"><script>alert(1)</script>`, false},
		{"markup in a path is text", `/"><script>alert(1)</script>`, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			wrong := url.Values{"username": {"alice"}, "password": {"wrong"}, "next": {test.next}}
			for _, page := range []webtest.Reply{
				lab.Client().Get("/login?next=" + url.QueryEscape(test.next)),
				lab.Client().Post("/login", wrong),
			} {
				field := `name="next"`
				if test.carried {
					field = `name="next" value="` + strings.ReplaceAll(webtest.Escaped(test.next), "+", "&#43;") + `"`
				}
				if strings.Contains(page.Body, field) != test.carried {
					t.Errorf("the form carries it: %v, want %v", !test.carried, test.carried)
				}
				if strings.Contains(page.Body, "<script>alert") || strings.Contains(page.Body, "evil.example") {
					t.Error("it stands on the page as it came")
				}
			}
		})
	}
}
