// Lesson 14, planted, in real browsers; and by HTTP, the keys of its login.

package handlers_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
	"cookielab/sessions"
)

// Planted tells lesson 14: the same key planted for two logins, and an invented one.
func (tellers) Planted(s *student) {
	s.predict("A")
	s.act("plant")
	first := s.jar("play_key")
	s.claim("worthless", first != "" && s.row("plant") == "none none", "%q", s.row("plant"))
	s.act("keep")
	s.claim("kept", s.row("keep") == "yes warn" && s.jar("play_key") == first, "%q, the key stayed: %v", s.row("keep"), s.jar("play_key") == first)
	s.act("plant")
	second := s.jar("play_key")
	if second == first || second == "" {
		s.t.Error("the second attack has the key of the first")
	}
	s.act("cycle")
	s.claim("cycled", s.row("cycle") == "yes no" && s.jar("play_key") != second, "%q, the key stayed: %v", s.row("cycle"), s.jar("play_key") == second)
	s.came()
	if !s.waits {
		return
	}
	s.closer("invented")
	s.act("invent")
	invented := s.jar("play_key")
	s.act("adopt")
	if s.row("adopt") != "yes no" || s.jar("play_key") == invented {
		s.t.Errorf("an invented key: %q, adopted: %v", s.row("adopt"), s.jar("play_key") == invented)
	}
	s.open(s.t, "/composer?preset=sister", 200)
}

// The play login's keys are its own: neither the lab's open anything there, nor
// the other way round, and nothing is adopted.
func TestPlantedKeys(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client().SignIn("alice")
	c.Get("/lessons/planted")
	act := func(name string) {
		t.Helper()
		if r := c.Post("/lessons/planted", url.Values{"act": {name}}); r.Status != http.StatusSeeOther {
			t.Fatalf("%s: %d %s", name, r.Status, r.Body)
		}
	}
	seen := func() string { // the codes of the board
		var codes []string
		for _, match := range regexp.MustCompile(`<td data-column="[^"]*"(?: data-code="([a-z]+)")?`).FindAllStringSubmatch(c.Get("/lessons/planted").Body, -1) {
			codes = append(codes, match[1])
		}
		return strings.Join(codes[:6], " ")
	}
	c.Post("/lessons/planted", url.Values{"act": {"predict"}, "said": {"C"}})
	for _, early := range []string{"keep", "cycle", "adopt"} {
		if act(early); seen() != "     " || c.Cookie("play_key") != "" {
			t.Errorf("%s with nothing planted: %q", early, seen())
		}
	}
	act("plant")
	planted := c.Cookie("play_key")
	if !sessions.ValidKey(planted) || strings.Contains(lab.Rows(t), planted) {
		t.Fatalf("planted is %q, or it lies in the database", planted)
	}
	run := func() (last string) { // as each planting begins one
		for _, e := range lab.WireOf(c.Cookie(webtest.NotebookCookie)) {
			if _, named, ok := strings.Cut(e.Target, "/play/planted?run="); ok {
				last = named
			}
		}
		return last
	}
	ask := func(key string) string {
		t.Helper()
		other := lab.Client()
		if key != "" {
			other.Carry("play_key", key)
		}
		r := other.Get("/play/planted?run=" + run())
		if r.Status != http.StatusOK || len(r.Cookies) > 0 {
			t.Errorf("asking: %d, %v", r.Status, r.Cookies)
		}
		return strings.TrimSpace(r.Body)
	}
	for key, want := range map[string]string{
		"": "absent", "x": "unknown", strings.Repeat("k", 32): "unknown", c.Cookie(webtest.SessionCookie): "unknown", c.Cookie(webtest.NotebookCookie): "unknown", run(): "unknown", planted: "found",
	} {
		if got := ask(key); got != `{"verdict":"`+want+`","user":""}` {
			t.Errorf("%q: %s, want %s", key, got, want)
		}
	}
	c.Carry("play_key", strings.Repeat("k", 32)) // somebody else put another there
	if act("keep"); seen() != " none    " {
		t.Errorf("with another key: %q", seen())
	}
	if c.Carry("play_key", planted); seen() != "none none    " {
		t.Errorf("planted: %q", seen())
	}
	act("keep")
	if got := ask(planted); got != `{"verdict":"found","user":"alice"}` || c.Cookie("play_key") != planted || seen() != "none none yes warn  " {
		t.Errorf("kept: %s, %q", got, seen())
	}
	if r := lab.Client().Carry(webtest.SessionCookie, planted).Get("/api/whoami"); r.Status != http.StatusUnauthorized {
		t.Errorf("the play login signs in to the lab: %d", r.Status)
	}
	act("plant")
	planted = c.Cookie("play_key")
	seen() // the browser brings it
	act("cycle")
	if got := ask(planted); got != `{"verdict":"unknown","user":""}` || c.Cookie("play_key") == planted || seen() != "none none yes warn yes no" {
		t.Errorf("cycled: %s, %q", got, seen())
	}
	if got := ask(c.Cookie("play_key")); got != `{"verdict":"found","user":"alice"}` {
		t.Errorf("the new key: %s", got)
	}
	if r := c.Get("/play/planted"); r.Status != http.StatusGone {
		t.Errorf("without a run: %d", r.Status)
	}
}
