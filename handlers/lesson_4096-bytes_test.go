// Lesson 5, 4096-bytes, in real browsers; and by HTTP, its board and the host that counts
// cookies.

package handlers_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"cookielab/handlers"
	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
)

// Bytes tells lesson 5.
func (tellers) Bytes(s *student) {
	s.predict("A")
	s.act("full")
	s.claim("kept", s.cell("full", 2) == "yes" && s.jar("big") == strings.Repeat("a", 4093), "%q, in the jar %d bytes", s.Text("#row-full"), len(s.jar("big")))
	s.act("more")
	s.claim("ignored", s.cell("more", 2) == "no" && strings.Contains(s.Text("#row-more td:nth-of-type(2)"), "big=aaaaaa…") && s.jar("big") == strings.Repeat("a", 4093),
		"%q, in the jar %d bytes", s.Text("#row-more"), len(s.jar("big")))
	var sent []struct {
		Status int
		Cookie string
		Set    string
	}
	s.Eval(`fetch("/api/wire").then(r => r.json()).then(w => w.exchanges.filter(e => e.target === "/lessons/4096-bytes").map(e => ({ Status: e.status, Cookie: e.cookie, Set: e.set_cookie.find(line => line.startsWith("big=")) || "" })))`, &sent)
	last := len(sent) - 2
	for last > 0 && sent[last].Status != 303 { // a script may have looked at the page again
		last--
	}
	reply, next := sent[last], sent[last+1]
	s.claim("silent", strings.HasPrefix(reply.Set, "big="+strings.Repeat("b", 4094)+";") && strings.Contains(next.Cookie, "big=a"), "%d %.20s, %.20s", reply.Status, reply.Set, next.Cookie)
	s.claim("each", strings.Contains(next.Cookie, webtest.NotebookCookie+"=") && len(next.Cookie) > 4096+len(webtest.NotebookCookie), "%d bytes came", len(next.Cookie))
	s.came()
	if !s.waits {
		return
	}

	s.closer("characters")
	s.act("han")
	s.act("han-more")
	if !s.Has("#closer-characters[open]") {
		s.t.Error("what was just done does not show")
	}
	if s.row("han") != " yes" || s.row("han-more") != " no" || s.jar("z") != strings.Repeat("汉", 1365) || !strings.Contains(s.Text("#row-han-more td:nth-of-type(2)"), "z=汉汉") {
		s.t.Errorf("1365 characters: %q, 1366: %q; in the jar %.12q", s.Text("#row-han"), s.Text("#row-han-more"), s.jar("z"))
	}
	s.closer("limit")
	s.act("bulk")
	for range 3 { // each time it is the same, though the jar is not empty any more
		s.Click("#closer-limit .deed a")
		if !strings.HasPrefix(s.URL(), strings.Replace(s.base, "localhost", "bulk.localhost", 1)+"/play/bulk/count?run=") {
			s.t.Fatalf("the browser is at %s", s.URL())
		}
		if got := s.Text("#sentence"); !strings.Contains(got, "150") || !strings.Contains(got, "play_031") {
			s.t.Errorf("on the throw-away host it says %q", got)
		}
		s.Click("#play .deed a")
		s.at(s.t, "/lessons/4096-bytes#board-limit")
		if got := s.Text("#row-bulk"); !strings.Contains(got, "181") || !strings.Contains(got, "150") || !strings.Contains(got, "play_031") || !strings.Contains(got, s.browser) {
			s.t.Errorf("the lesson says %q", got)
		}
	}
	s.open(s.t, "/lessons/4096-bytes", 200) // it is still this browser's
	s.came()
}

// What comes back decides; a browser that does otherwise would make it A or B.
func TestLessonBytes(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client()
	page := func(big string) (letter, body string) {
		header := webtest.NotebookCookie + "=" + c.Cookie(webtest.NotebookCookie)
		if big != "" {
			header += "; big=" + big
		}
		body = c.Get("/lessons/4096-bytes", webtest.With("Cookie", header)).Body
		if match := regexp.MustCompile(`id="came">(.)`).FindStringSubmatch(body); match != nil {
			letter = match[1]
		}
		return letter, body
	}
	act := func(act, big string) string {
		c.Drop("big")
		if big != "" {
			c.Carry("big", big)
		}
		return c.Post("/lessons/4096-bytes", url.Values{"act": {act}, "said": {"A"}}).Header.Get("Set-Cookie")
	}
	a, b := strings.Repeat("a", 4093), strings.Repeat("b", 4094)
	for _, test := range []struct{ name, back, letter string }{
		{"the old one", a, "C"},
		{"nothing", "", "B"},
		{"the new one, shorter", b[1:], "A"},
		{"the new one", b, ""},
		{"something else", "x", ""},
	} {
		c.Get("/lessons/4096-bytes")
		act("reset", "")
		act("predict", "")
		if got := act("full", ""); !strings.HasPrefix(got, "big="+a+"; Path=/lessons/4096-bytes;") {
			t.Fatalf("first it sets %.30q", got)
		}
		page(a)
		if got := act("more", ""); !strings.HasPrefix(got, "big="+a+";") {
			t.Errorf("the old one is gone, and it sets %.30q over it", got)
		}
		page(a)
		if got := act("more", a); !strings.HasPrefix(got, "big="+b+";") {
			t.Fatalf("then it sets %.30q", got)
		}
		if got, _ := page(test.back); got != test.letter {
			t.Errorf("%s came back: it says %q, want %q", test.name, got, test.letter)
		}
		if got, _ := page(b[1:]); got != test.letter {
			t.Errorf("what comes later changes %q to %q", test.letter, got)
		}
	}
}

// The throw-away host counts what comes, for the notebook that the run names. At
// no other name of the lab are cookies thrown into the jar.
func TestBulkHost(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client()
	c.Get("/lessons/4096-bytes")
	c.Post("/lessons/4096-bytes", url.Values{"act": {"predict"}, "said": {"A"}})
	port := lab.Addr[strings.LastIndex(lab.Addr, ":"):]
	if r := c.Post("/lessons/4096-bytes", url.Values{"act": {"bulk"}}, webtest.With("Sec-Fetch-Site", "same-origin")); r.Header.Get("Location") != "/lessons/4096-bytes#board-limit" {
		t.Fatalf("%d to %s", r.Status, r.Header.Get("Location"))
	}
	match := regexp.MustCompile(`href="http://bulk\.localhost` + port + `(/play/bulk\?run=[0-9a-z]+)"`).FindStringSubmatch(c.Get("/lessons/4096-bytes").Body)
	if match == nil {
		t.Fatal("no link leads to the throw-away host")
	}
	there := func(r *http.Request) { r.Host = "bulk.localhost" + port }
	jar := lab.Client()
	for _, path := range []string{match[1], strings.Replace(match[1], "bulk?", "bulk/count?", 1)} {
		if r := jar.Get(path); r.Status != http.StatusNotFound || len(r.Cookies) > 0 {
			t.Errorf("at localhost, %s: %d, with %d cookies", path, r.Status, len(r.Cookies))
		}
		if r := jar.Get(path[:strings.Index(path, "=")+1]+"x", there); r.Status != http.StatusGone || len(r.Cookies) > 0 {
			t.Errorf("without a run, %s: %d, with %d cookies", path, r.Status, len(r.Cookies))
		}
	}
	r := jar.Get(match[1], there)
	if r.Status != http.StatusSeeOther || len(r.Cookies) != 181 || r.Cookies[0].Path != "/play" || r.Cookies[0].MaxAge != 120 {
		t.Fatalf("%d, %d cookies", r.Status, len(r.Cookies))
	}
	count := r.Header.Get("Location")
	for _, test := range []struct {
		name string
		gone []int
		says string
	}{
		{"all kept", nil, "181 came back. All of them were kept"},
		{"the oldest gone", []int{1, 2}, "179 came back. Gone are the oldest 2: play_001 to play_002"},
		{"others gone", []int{1, 9}, "179 came back. 2 are gone, not simply the oldest"},
		{"two minutes later", nil, "0 came back"},
	} {
		var pairs []string
		for number := 1; number <= 181 && test.says != "0 came back"; number++ {
			pairs = append(pairs, fmt.Sprintf("play_%03d=1", number))
		}
		header := strings.Join(pairs, "; ") + ";"
		for _, number := range test.gone {
			header = strings.Replace(header, fmt.Sprintf("play_%03d=1;", number), "", 1)
		}
		r := lab.Client().Get(count, there, webtest.With("Cookie", header), webtest.With("Accept-Language", "zh"))
		if r.Status != http.StatusOK || !strings.Contains(r.Body, test.says) || !strings.Contains(r.Body, `href="http://`+lab.Addr+`/lessons/4096-bytes#board-limit"`) || len(r.Cookies) > 0 {
			t.Errorf("%s: %d, %s", test.name, r.Status, r.Body)
		}
	}
	if body := c.Get("/lessons/4096-bytes").Body; !strings.Contains(body, "2 are gone, not simply the oldest") {
		t.Error("the lesson does not show the last count of some")
	}
	t.Run("what is left is deleted first", func(t *testing.T) {
		again := jar.Get(match[1], there)
		if len(again.Cookies) != 362 || !again.Cookies[180].Expires.Equal(time.Unix(0, 0)) || again.Cookies[180].Value != "" || again.Cookies[181].MaxAge != 120 {
			t.Errorf("%d lines", len(again.Cookies))
		}
	})
	t.Run("where only this name leads to the lab, there is no such host", func(t *testing.T) {
		lab := labtest.New(t, func(c *handlers.Config) { c.AllowHosts = []string{"lab.school.example"} })
		c, school := lab.Client(), func(r *http.Request) { r.Host = "lab.school.example" }
		c.Get("/lessons/4096-bytes", school)
		c.Post("/lessons/4096-bytes", url.Values{"act": {"predict"}, "said": {"A"}}, school)
		if body := c.Get("/lessons/4096-bytes", school).Body; !strings.Contains(body, "run the lab on your own machine") || strings.Contains(body, `value="bulk"`) {
			t.Error("it offers a host that cannot be reached")
		}
	})
}
