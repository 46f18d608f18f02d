// Lesson 3, believed, in real browsers.

package handlers_test

import (
	"strings"

	"cookielab/handlers/webtest"
)

// Believed tells lesson 3: in English as one does it in DevTools, in Chinese with
// the button.
func (tellers) Believed(s *student) {
	s.predict("B")
	if s.language == "en" {
		s.edit(s.t, webtest.CookieOf["plain"], func(value string) string { return strings.Replace(value, "student", "teacher", 1) })
		s.open(s.t, "/lessons/believed", 200)
		if s.Text("#came") != "A" || s.Attr("#lesson", "data-done") != "" || s.Has("#explain > .claims") {
			s.t.Error("the plain cookie alone, edited by hand, is not all that the lesson explains")
		}
	}
	s.act("edit")
	s.claim("believed", s.cell("you", 1) == "warn" && s.cell("door", 1) == "warn", "%q, %q", s.row("you"), s.row("door"))
	s.claim("noticed", s.cell("you", 2) == "no" && s.jar(webtest.CookieOf["signed"]) == webtest.ForgeSigned(s.jar(webtest.CookieOf["signed"])), "%q", s.row("you"))
	s.claim("nothing-to-edit", s.cell("you", 3) == "no", "%q", s.row("you"))
	s.came()
	s.doors(s.t, 200, 403, 403)
}
