// Lesson 10, ends, in real browsers.

package handlers_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"cookielab/handlers/webtest"
	"cookielab/handlers/wire"
)

// Ends tells lesson 10, with two real tabs.
func (tellers) Ends(s *student) {
	s.predict("C")
	s.act("close")
	key := s.jar(webtest.CookieOf["session"])
	s.act("still") // nothing was closed yet
	if s.Has("#came") {
		s.t.Errorf("before the second tab was there, %q is said to have happened", s.Text("#came"))
	}
	link := "#observe .deed a"
	if s.Attr(link, "target") != "_blank" || s.Attr(link, "rel") != "noopener" {
		s.t.Errorf("the link opens no tab of its own: target %q, rel %q", s.Attr(link, "target"), s.Attr(link, "rel"))
	}

	second := s.NewTab()
	if got := second.Open(s.base + s.Attr(link, "href")); got != 200 {
		s.t.Errorf("the second tab: %d", got)
	}
	if second.Attr("#observe .deed.told", "class") == "" || second.Has("#observe form.deed") {
		s.t.Error("the second tab does not only say that it is to be closed")
	}
	s.claim("shared", second.Attr("#row-tab td:nth-of-type(3)", "data-code") == "yes" && s.jar(webtest.CookieOf["session"]) == key, "%s", second.Text("#row-tab"))
	before := s.exchanges()
	second.CloseTab()
	s.claim("no-word", s.exchanges() == before, "%d exchanges before, %d after", before, s.exchanges())

	s.open(s.t, "/lessons/ends", 200)
	s.act("still")
	s.claim("still-there", s.row("still") == "warn yes yes" && s.cell("cookie", 3) == "warn" && s.jar(webtest.CookieOf["session"]) == key, "%q, %s", s.row("still"), s.Text("#row-cookie"))
	s.came()
	kept := time.Now()
	for _, cookie := range s.Cookies() {
		if cookie.Name == webtest.CookieOf["session"] {
			kept = cookie.Expires
		}
	}
	s.closer("outlives")
	at, err := time.Parse(time.DateOnly, s.Text("#row-end-record .word"))
	s.claim("record-stays", kept.IsZero() && time.Until(at) > 12*24*time.Hour, "the browser keeps the cookie until %v, the server its record until %v (%v)", kept, at, err)
	if !s.waits {
		return
	}

	s.closer("slides")
	s.act("read")
	s.act("write")
	if s.row("slide-read") != "none" || s.row("slide-write") != "yes" {
		s.t.Errorf("the record's end: %s, %s", s.Text("#row-slide-read"), s.Text("#row-slide-write"))
	}
	for _, call := range []string{"seconds", "at", "browser_close", "reset", "expiry"} {
		s.open(s.t, "/lessons/ends", 200)
		s.closer("forms")
		s.Click(`#closer-forms a[href$="call=` + call + `"]`)
		s.at(s.t, "/console?call="+call)
	}
	s.open(s.t, "/lessons/ends", 200)
	s.Click(".restart button")
	for _, cookie := range s.Cookies() {
		if cookie.Name == webtest.CookieOf["session"] && cookie.Expires.IsZero() {
			s.t.Error("after the reset the cookie still has no end")
		}
	}
}

// exchanges is how many requests the lab heard of from this browser, but for
// those by which a page that is open looks whether anything is new.
func (s *student) exchanges() (n int) {
	s.t.Helper()
	request, err := http.NewRequest(http.MethodGet, s.base+"/api/wire", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	request.AddCookie(&http.Cookie{Name: webtest.NotebookCookie, Value: s.jar(webtest.NotebookCookie)})
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct{ Exchanges []wire.Exchange }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		s.t.Fatal(err)
	}
	for _, e := range answer.Exchanges {
		if e.Fetch.Dest != "empty" && !strings.HasPrefix(e.Target, "/api/") {
			n++
		}
	}
	return n
}
