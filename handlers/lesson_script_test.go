// Lesson 12, script, in real browsers; and by HTTP, what its script may report.

package handlers_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
)

// Script tells lesson 12: with the buttons, and with a line in the console.
func (tellers) Script(s *student) {
	s.predict("B")
	s.closer("console")
	lines := s.Texts("#closer-console code[translate]")
	// A lesson loads itself again when its window comes back to the front and something has
	// happened, and that would cut the line off; but not while a form is on its way.
	s.Eval(`dispatchEvent(new Event("submit")); `+lines[len(lines)-1]+`.then(answer => answer.status)`, nil)
	s.open(s.t, "/lessons/script", 200)
	s.came()
	s.Click(".restart button")

	s.predict("A")
	s.Click(`#do button[data-script="seen"]`)
	s.WaitText("#came", "C")
	s.at(s.t, "/lessons/script#observe")
	s.came()
	var visible string
	s.Eval(`document.cookie`, &visible)
	s.claim("not-read", s.row("read") == "warn none none" && strings.Contains(visible, "plain_user=") && !strings.Contains(visible, "signed_user") && !strings.Contains(visible, "lab_sessionid"),
		"%q, and a script sees %q", s.row("read"), visible)
	s.claim("used", s.row("use") == "warn yes yes" && strings.Contains(s.Text("#row-use"), "alice"), "%q: %s", s.row("use"), s.Text("#row-use"))

	key := s.jar("lab_sessionid")
	s.closer("overwrite")
	s.Click(`#closer-overwrite button`)
	s.awaitCell("overwrite", "yes")
	s.claim("not-written", s.jar("lab_sessionid") == key, "the key became %q", s.jar("lab_sessionid"))
	s.at(s.t, "/lessons/script#board-overwrite")
	s.closer("echo")
	s.Click(`#closer-echo button`)
	s.awaitCell("echo", "warn")
	var wire string
	s.Eval(`fetch("/api/wire").then(answer => answer.text())`, &wire)
	s.open(s.t, "/wire", 200)
	var page string
	s.Eval(`document.documentElement.textContent`, &page)
	s.claim("wire", strings.Contains(wire, "lab_sessionid="+key) && strings.Contains(page, key), "the wire does not show the key")

	s.open(s.t, "/lessons/script", 200)
	s.closer("source")
	if got := s.Text("#closer-source pre"); !strings.Contains(got, "document.cookie.split") {
		s.t.Errorf("the script's source reads %.100q", got)
	}
}

// awaitCell waits until a board's only cell has a code.
func (s *student) awaitCell(row, code string) {
	s.t.Helper()
	s.WaitText(`#row-`+row+` td[data-code="`+code+`"] .word`, "")
}

// What is reported has to come from a script, whole, and is believed only as far as
// the server sees it itself.
func TestScriptReports(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client().SignIn("alice")
	c.Get("/lessons/script")
	c.Post("/lessons/script", url.Values{"act": {"predict"}, "said": {"A"}})
	report := url.Values{"act": {"seen"}, "names": {"plain_user"}, "who": {"alice"}}
	came := func(c *webtest.Client) string {
		_, came, _ := strings.Cut(c.Get("/lessons/script").Body, `<strong id="came">`)
		return came[:min(1, len(came))]
	}

	t.Run("refused", func(t *testing.T) {
		for name, form := range map[string]url.Values{
			"nothing said": {"act": {"seen"}}, "half of it": {"act": {"seen"}, "names": {""}}, "twice": {"act": {"seen"}, "names": {"a", "b"}, "who": {"alice"}}, "no key": {"act": {"echo"}},
		} {
			if r := c.Post("/lessons/script", form); r.Status != http.StatusBadRequest {
				t.Errorf("%s: %d", name, r.Status)
			}
		}
		if r := c.Post("/lessons/script", report, webtest.With("Sec-Fetch-Dest", "document")); r.Status != http.StatusBadRequest {
			t.Errorf("from a form: %d", r.Status)
		}
		if got := came(c); got != "" {
			t.Errorf("it says that %q happened", got)
		}
	})
	for _, test := range []struct{ name, names, who, want string }{
		{"not read, and used", "plain_user other", "alice", "C"},
		{"read", "plain_user lab_sessionid", "alice", "A"},
		{"somebody else", "plain_user", "bob", "B"},
		{"nobody", "", "", "B"},
	} {
		if r := c.Post("/lessons/script", url.Values{"act": {"seen"}, "names": {test.names}, "who": {test.who}}, webtest.With("Sec-Fetch-Dest", "empty")); r.Status != http.StatusSeeOther {
			t.Fatalf("%s: %d", test.name, r.Status)
		}
		if got := came(c); got != test.want {
			t.Errorf("%s: what happened is %q, want %q", test.name, got, test.want)
		}
	}
	t.Run("a key that is not the one", func(t *testing.T) {
		for key, want := range map[string]bool{"abcd…yz": false, c.Cookie("lab_sessionid")[:4] + "…" + c.Cookie("lab_sessionid")[30:]: true} {
			c.Post("/lessons/script", url.Values{"act": {"echo"}, "key": {key}})
			if got := strings.Contains(c.Get("/lessons/script").Body, "the whole key"); got != want {
				t.Errorf("%q is believed: %v", key, got)
			}
		}
	})
	t.Run("without a session nothing was used", func(t *testing.T) {
		c.Cookies = slices.DeleteFunc(c.Cookies, func(cookie *http.Cookie) bool { return cookie.Name == "lab_sessionid" })
		c.Post("/lessons/script", report)
		if got := came(c); got != "B" {
			t.Errorf("what happened is %q", got)
		}
	})
}
