// Lesson 8, logout, in real browsers.

package handlers_test

import (
	"strings"

	"cookielab/handlers/webtest"
)

// Logout tells lesson 8: with the button, with two deletions of a cookie, and with
// the line of curl.
func (tellers) Logout(s *student) {
	s.predict("A")
	s.act("logout")
	left := s.jar(webtest.CookieOf["plain"]) + s.jar(webtest.CookieOf["signed"]) + s.jar(webtest.CookieOf["session"])
	s.claim("browser-obeys", s.row("you") == "none none none" && left == "", "%q; the browser keeps %q", s.row("you"), left)
	s.claim("copies-live", s.cell("copy", 1) == "warn" && s.cell("copy", 2) == "yes", "%q", s.row("copy"))
	s.claim("session-ends", s.cell("copy", 3) == "no", "%q", s.row("copy"))
	s.came()
	if !s.waits {
		return
	}

	for _, step := range []struct {
		act, row, came string
		kept           bool
	}{{"set", "tag-set", "yes", true}, {"wrong", "tag-wrong", "yes", true}, {"right", "tag-right", "none", false}} {
		if step.act == "set" {
			s.closer("path")
		}
		s.act(step.act) // and what came of it is in view
		if got, kept := s.cell(step.row, 2), s.jar("tag") != ""; got != step.came || kept != step.kept {
			s.t.Errorf("%s: the next request says %q, want %q; the browser keeps it: %v", step.act, got, step.came, kept)
		}
	}
	s.sendByCurl()
	s.came()
	s.closer("curl")
	if got := s.Text("#row-curl th"); !strings.Contains(got, "curl") || s.row("curl") != "warn yes no" {
		s.t.Errorf("%q is told %q", got, s.row("curl"))
	}

	// Who is signed in again has other cookies, and no line is made of those.
	s.signIn(s.t, "alice")
	s.open(s.t, "/lessons/logout", 200)
	if s.came(); s.Has("#closer-curl code") {
		s.t.Error("there is a line with the new cookies")
	}
	s.closer("engine")
	s.Click("#closer-engine .deed a")
	s.at(s.t, "/engines")
}
