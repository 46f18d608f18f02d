// Lesson 2, plain, in real browsers; and by HTTP, what a browser might send back.

package handlers_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"cookielab/handlers/browsertest"
	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
)

// Plain tells lesson 2.
func (tellers) Plain(s *student) {
	s.predict("A")
	s.act("set")
	s.claim("pair", s.Text("#row-sent code") == "colour=green; Path=/; Max-Age=600; HttpOnly" && s.cell("back", 1) == "yes" && s.Text("#row-back code") == "colour=green",
		"sent %q, back %q", s.Text("#row-sent"), s.Text("#row-back"))
	var colour browsertest.Cookie
	for _, cookie := range s.Cookies() {
		if cookie.Name == "colour" {
			colour = cookie
		}
	}
	var script string
	s.Eval("document.cookie", &script)
	left := time.Until(colour.Expires)
	s.claim("kept", colour.Path == "/" && colour.HTTPOnly && left > 500*time.Second && left <= 600*time.Second && !strings.Contains(script, "colour"), "%+v; a script sees %q", colour, script)
	var headers []string
	s.Eval(`fetch("/api/wire").then(r => r.json()).then(w => w.exchanges.map(e => e.cookie || ""))`, &headers)
	s.claim("shared", slices.ContainsFunc(headers, func(header string) bool {
		return strings.Contains("; "+header+";", "; colour=green;") && strings.Contains(header, webtest.NotebookCookie+"=")
	}), "%q", headers)
	s.came()
	if !s.waits {
		return
	}
	s.closer("script")
	s.act("twin")
	var told []map[string]any
	s.Eval(strings.Replace(s.Text("#closer-script .copyfield code"), "console.table(all)", "all.map(c => ({...c.toJSON?.() ?? c}))", 1), &told)
	if i := slices.IndexFunc(told, func(c map[string]any) bool { return c["name"] == "shade" }); i < 0 {
		s.t.Errorf("cookieStore gives %v", told)
	} else if _, path := told[i]["path"]; path != (s.browser == "Chromium") || slices.ContainsFunc(told, func(c map[string]any) bool { return c["name"] == "colour" }) {
		s.t.Errorf("%s gives %v", s.browser, told)
	}
}

// What comes back is read from the header as it stands there: the lesson would
// say A or B of a browser that sends attributes.
func TestLessonPlain(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client()
	came := func(header string) string {
		body := c.Get("/lessons/plain", webtest.With("Cookie", webtest.NotebookCookie+"="+c.Cookie(webtest.NotebookCookie)+header)).Body
		_, after, _ := strings.Cut(body, `<strong id="came">`)
		letter, _, _ := strings.Cut(after, "<")
		return letter
	}
	begin := func() {
		t.Helper()
		c.Get("/lessons/plain")
		c.Post("/lessons/plain", url.Values{"act": {"reset"}})
		c.Post("/lessons/plain", url.Values{"act": {"predict"}, "said": {"A"}})
		r := c.Post("/lessons/plain", url.Values{"act": {"set"}})
		if got := r.Header.Get("Set-Cookie"); got != "colour=green; Path=/; Max-Age=600; HttpOnly" {
			t.Fatalf("it sets %q", got)
		}
	}
	for _, test := range []struct{ header, letter string }{
		{"", ""},
		{"; colour=green", "C"},
		{";colour=green;x=y", "C"},
		{"; colour=green; Path=/; Max-Age=600; HttpOnly", "A"},
		{"; colour=green; Max-Age=540", "B"},
		{"; colour=blue", ""},
		{"; colour=green; colour=green", ""},
		{"; colour=green; HttpOnly", ""},
	} {
		begin()
		if got := came(test.header); got != test.letter {
			t.Errorf("after %q it says %q, want %q", test.header, got, test.letter)
		}
	}
	t.Run("a minute later", func(t *testing.T) {
		begin()
		came("; colour=green")
		lab.Clock.Advance(59 * time.Second)
		if came("; colour=green"); strings.Contains(c.Get("/lessons/plain").Body, "row-later") {
			t.Error("a minute is over after 59 s")
		}
		lab.Clock.Advance(2 * time.Second)
		if got := came("; colour=green; Max-Age=539"); got != "B" {
			t.Errorf("it says %q", got)
		}
		begin()
		came("; colour=green")
		lab.Clock.Advance(time.Hour) // the cookie is gone, and nothing is wrong with that
		if got := came(""); got != "C" {
			t.Errorf("an hour later it says %q", got)
		}
	})
}
