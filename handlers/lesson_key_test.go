// Lesson 6, key, in real browsers.

package handlers_test

import (
	"regexp"
	"strconv"
	"strings"

	"cookielab/handlers/webtest"
	"cookielab/sessions"
)

// Key tells lesson 6.
func (tellers) Key(s *student) {
	s.predict("B")
	key, size := s.jar(webtest.CookieOf["session"]), s.size(webtest.CookieOf["session"])
	s.act("store")
	now := s.size(webtest.CookieOf["session"])
	s.claim("same-size", now == size && s.jar(webtest.CookieOf["session"]) == key && s.cell("cookie", 2) == "yes" && s.number("#row-cookie td:nth-of-type(2) .word") == size,
		"%d bytes before, %d after: %s", size, now, s.Text("#row-cookie"))
	grew := s.number("#row-record td:nth-of-type(2) .word") - s.number("#row-record td:nth-of-type(1) .word")
	s.claim("grew", grew >= 10<<10 && grew < 11<<10, "by %d bytes: %s", grew, s.Text("#row-record"))
	name, id := s.Text("#row-row td:nth-of-type(2)"), sessions.KeyID("session", key).String()
	s.claim("hash", name == id[:4]+"…"+id[len(id)-2:] && s.Text("#row-row td:nth-of-type(1)") == name, "the row is named %q, the hash of the key is %s", name, id)
	s.came()
	if !s.waits {
		return
	}

	s.closer("unguessable")
	s.act("issue")
	for kind, want := range map[string]string{"counter": "warn", "time": "warn", "md5": "warn", "random": "yes"} {
		if got := s.cell("ids-"+kind, 2); got != want {
			s.t.Errorf("guessing the next of %s: %q, %s", kind, got, s.Text("#row-ids-"+kind))
		}
	}
	s.closer("password")
	s.Click("#closer-password .deed a")
	if got := s.Text("body"); !strings.Contains(got, "lesson_note") {
		s.t.Error("the console does not show what the session holds")
	}
	s.open(s.t, "/lessons/key", 200)
	s.Click(".restart button")
	s.open(s.t, "/console?call=items", 200)
	if got := s.Text("body"); strings.Contains(got, "lesson_note") {
		s.t.Error("after the reset the 10 KB are still there")
	}
}

// size is what a cookie takes in the browser's jar; 0 for none.
func (s *student) size(name string) int {
	s.t.Helper()
	for _, cookie := range s.Cookies() {
		if cookie.Name == name {
			return cookie.Size
		}
	}
	return 0
}

// number is the number that a text has.
func (s *student) number(selector string) int {
	s.t.Helper()
	n, _ := strconv.Atoi(regexp.MustCompile(`[0-9]+`).FindString(s.Text(selector)))
	return n
}
