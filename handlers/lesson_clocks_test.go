// Lesson 9, clocks, in real browsers.

package handlers_test

import (
	"strings"
	"time"

	"cookielab/handlers/webtest"
)

// Clocks tells lesson 9. Without waiting it gets as far as the ten seconds: what
// each of the three says of its end shows while they run.
func (tellers) Clocks(s *student) {
	s.predict("C")
	s.act("ten")
	begun := time.Now()
	aboutTen := func(until time.Time) bool {
		return until.After(begun.Add(7*time.Second)) && until.Before(begun.Add(11*time.Second))
	}
	instant := func(selector, name string) time.Time {
		until, _ := time.Parse(time.RFC3339Nano, s.Attr(selector, name))
		return until
	}
	if got := s.row("soon"); got != "warn yes yes" {
		s.t.Errorf("within the ten seconds the copy gets %q", got)
	}
	if until := instant("#row-soon .soon", "data-soon"); !aboutTen(until) {
		s.t.Errorf("the countdown goes to %v, begun at %v", until, begun)
	}
	kept := map[string]time.Time{}
	for _, cookie := range s.Cookies() {
		kept[cookie.Name] = cookie.Expires
	}
	s.open(s.t, "/dashboard", 200)
	ends := func(column string) time.Time {
		return instant(`[data-attribute="server-ends"] td:nth-of-type(`+column+`) time`, "data-until")
	}
	noClock := !s.Has(`[data-attribute="server-ends"] td:nth-of-type(1) time`) && !strings.ContainsAny(s.jar(webtest.CookieOf["plain"]), "0123456789")
	signed, session := ends("2"), ends("3")
	s.open(s.t, "/lessons/clocks", 200)

	if s.waits {
		s.outlive()
		s.act("send")
		s.came()
	}
	s.claim("browser-stops", aboutTen(kept[webtest.CookieOf["plain"]]) && aboutTen(kept[webtest.CookieOf["signed"]]) && aboutTen(kept[webtest.CookieOf["session"]]) &&
		(!s.waits || s.row("you") == "none none none"), "the browser keeps them until %v; %q", kept, s.row("you"))
	s.claim("plain-believed", noClock && (!s.waits || s.cell("late", 1) == "warn"), "the value is %q; %q", s.jar(webtest.CookieOf["plain"]), s.row("late"))
	s.claim("signed-expired", aboutTen(signed) && (!s.waits || s.cell("late", 2) == "no"), "it ends at %v; %q", signed, s.row("late"))
	s.claim("row-lies", aboutTen(session) && (!s.waits || s.cell("late", 3) == "no" && s.Text("#row-late td:nth-of-type(3) .detail") == "its row still lies there"),
		"it ends at %v; %s", session, s.Text("#row-late"))
	if !s.waits {
		s.Click(".restart button") // who has ten seconds left is given back a whole life
		s.open(s.t, "/dashboard", 200)
		if left := time.Until(ends("3")); left < time.Hour {
			s.t.Errorf("after the reset the session ends in %v", left)
		}
		return
	}

	s.sendByCurl()
	s.came()
	if got := s.Text("#row-late th"); !strings.Contains(got, "curl") {
		s.t.Errorf("the copy is said to come from %q", got)
	}
	s.closer("clear")
	s.act("clean")
	if got := s.row("clean"); got != "warn no no" {
		s.t.Errorf("after clear_expired the copy gets %q", got)
	}
	if got := s.Text("#row-clean td:nth-of-type(3)"); !strings.Contains(got, "Unknown key") || !strings.Contains(got, "no row lies there") {
		s.t.Errorf("after clear_expired the session says %q", got)
	}
	s.came()
	s.closer("cache")
	s.Click("#closer-cache .deed a")
	s.at(s.t, "/engines")
}

// outlive waits until the browser has dropped all that lasts ten seconds: its
// clock cannot be set.
func (s *student) outlive() {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); s.jar(webtest.CookieOf["plain"])+s.jar(webtest.CookieOf["signed"])+s.jar(webtest.CookieOf["session"]) != ""; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("after 20 s the browser still keeps %v", s.Cookies())
		}
	}
}
