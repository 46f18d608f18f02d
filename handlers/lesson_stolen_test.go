// Lesson 7, stolen, in real browsers; and by HTTP, which copy it is about.

package handlers_test

import (
	"net/url"
	"regexp"
	"testing"
	"time"

	"cookielab/handlers/labtest"
)

// Stolen tells lesson 7: with the button, and with the line of curl.
func (tellers) Stolen(s *student) {
	s.predict("A")
	s.act("copy")
	s.claim("all-accept", s.row("copy") == "warn yes yes" && s.row("you") == "warn yes yes", "%q, %q", s.row("you"), s.row("copy"))
	s.claim("signed-too", s.cell("copy", 2) == "yes", "%q", s.row("copy"))
	s.claim("session-too", s.cell("copy", 3) == "yes", "%q", s.row("copy"))
	s.came()
	if !s.waits {
		return
	}

	s.Click(".restart button")
	s.predict("C")
	s.sendByCurl()
	s.came()
}

// What becomes of the copy later is no part of the lesson, and neither is one that
// somebody took before it.
func TestStolenIsAboutItsOwnCopy(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client().SignIn("alice")
	answer := func() {
		t.Helper()
		c.Get("/lessons/stolen")
		c.Post("/lessons/stolen", url.Values{"act": {"predict"}, "said": {"C"}})
		lab.Clock.Advance(time.Second)
	}
	came := func() string {
		t.Helper()
		if match := regexp.MustCompile(`id="came">(.)<`).FindStringSubmatch(c.Get("/lessons/stolen").Body); match != nil {
			return match[1]
		}
		return ""
	}
	answer()
	c.Post("/lessons/stolen", url.Values{"act": {"copy"}})
	if got := came(); got != "C" {
		t.Fatalf("happened: %q", got)
	}
	c.Post("/logout", nil)
	if got := came(); got != "C" {
		t.Errorf("after the logout it has happened: %q", got)
	}
	c.Post("/lessons/stolen", url.Values{"act": {"reset"}})
	answer()
	c.SignIn("alice") // sends the old copy again
	if got := came(); got != "" {
		t.Errorf("before anything was done has happened: %q", got)
	}
}
