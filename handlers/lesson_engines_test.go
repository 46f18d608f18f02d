// Lesson 15, engines, in real browsers; and by HTTP, what the engines page tells it.

package handlers_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cookielab/handlers"
	"cookielab/handlers/labtest"
	"cookielab/sessions/storetest/servers"
)

// Engines tells lesson 15: the five buttons, one after the other.
func (tellers) Engines(s *student) {
	// What is done on the page Engines itself counts, too.
	s.predict("D")
	s.open(s.t, "/engines", 200)
	s.Click(`#outcomes form[action="/engines/second"] button`)
	s.at(s.t, "/engines")
	s.open(s.t, "/lessons/engines", 200)
	if got := s.row("second"); got != "yes no yes yes yes" || s.Text("#came") != "A" {
		s.t.Errorf("what the page Engines did shows as %q", got)
	}
	s.Click(".restart button")
	if s.jar("lab_e_db") != "" {
		s.t.Error("a reset leaves cookies")
	}

	s.predict("B")
	for i, event := range []string{"second", "restart", "clear", "elsewhere", "tabs"} {
		if got := s.Attr("#lesson .deed:has(.primary) input[name=act]", "value"); got != event {
			s.t.Errorf("the next thing to do is %q, not %q", got, event)
		}
		s.act(event)
		s.at(s.t, "/lessons/engines#observe")
		if i == 0 && s.Text("#came") != "A" {
			s.t.Errorf("after the first event, what happened is %q", s.Text("#came"))
		}
	}
	s.came()
	s.claim("memory", s.row("second") == "yes no yes yes yes", "%q", s.row("second"))
	s.claim("gone", s.row("restart") == "yes no yes yes yes" && s.row("clear") == "yes no yes yes yes", "%q, %q", s.row("restart"), s.row("clear"))
	s.claim("logout", s.row("elsewhere") == "yes warn yes yes warn", "%q", s.row("elsewhere"))
	s.claim("tabs", s.row("tabs") == "yes yes yes yes no", "%q", s.row("tabs"))
	var across int
	if s.Eval(`document.querySelector("#board").scrollWidth - document.querySelector("#board").parentElement.clientWidth`, &across); across > 12 { // what its cells’ spacing sticks out
		s.t.Errorf("the board is %d px too wide", across)
	}
}

// A deed leads back to where its form stood, and never out of the lab; it tells the lesson
// only once that has asked its question.
func TestEnginesTellLesson(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client()
	c.Get("/lessons/engines")
	c.Press("second")
	if body := c.Get("/lessons/engines").Body; strings.Contains(body, `id="row-second"><th scope="row">Second server</th><td data-column="db" data-code`) || strings.Contains(body, `id="came"`) {
		t.Error("the lesson tells before it asked")
	}
	c.Post("/lessons/engines", url.Values{"act": {"predict"}, "said": {"A"}})
	for next, want := range map[string]string{
		"/lessons/engines#observe": "/lessons/engines#observe", "/lessons/engines?present=observe": "/lessons/engines?present=observe",
		"/lessons/forgets": "/lessons/forgets", "//evil.example/lessons/engines": "/engines", "/lessons/engines/../../reset": "/engines", "": "/engines",
	} {
		r := c.Post("/engines/second", url.Values{"act": {"second"}, "next": {next}})
		if r.Status != http.StatusSeeOther || r.Header.Get("Location") != want {
			t.Errorf("next=%s: %d to %s", next, r.Status, r.Header.Get("Location"))
		}
	}
	if body := c.Get("/lessons/engines").Body; !strings.Contains(body, `<strong id="came">A</strong>`) || strings.Contains(body, "data-done=") {
		t.Error("the lesson does not know of the second server, or is done already")
	}
	c.Press("all")
	if !strings.Contains(c.Get("/lessons/engines").Body, "data-done=") {
		t.Error("all events happened, and the lesson is not done")
	}
}

// With a shared cache, it is the other answer that comes true.
func TestEnginesLessonShared(t *testing.T) {
	redis := servers.Redis(t)
	lab := labtest.New(t, func(config *handlers.Config) {
		config.Engines.Cache, config.Engines.CachePrefix = redis.URL(), "lab-lesson:"
	})
	c := lab.Client()
	c.Get("/lessons/engines")
	c.Post("/lessons/engines", url.Values{"act": {"predict"}, "said": {"A"}})
	c.Press("second")
	if body := c.Get("/lessons/engines").Body; !strings.Contains(body, `<strong id="came">B</strong>`) || !strings.Contains(body, "a Redis that both servers share") {
		t.Error("it does not say that the cache is shared")
	}
}
