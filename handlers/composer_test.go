// The composer in the whole lab: what it sends never locks anybody out, is deleted by a
// reset, and what was typed stays nowhere.

package handlers_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"cookielab/handlers"
	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
	"cookielab/sessions/browser"
)

// The cookies that the composer sets, for whatever path, never make a request to the lab
// larger than its server accepts. That also holds at another port, after a restart, for
// several hosts of one domain, and for lines that are sent at the same moment.
func TestComposerLocksNobodyOut(t *testing.T) {
	const value = 3900
	line := func(number int, attributes string) string {
		return "c" + strconv.Itoa(number) + "=" + strings.Repeat("v", value) + attributes
	}
	for _, attributes := range []string{
		"; Path=/reset", "; Path=/dashboard", "; Path=/static", "; Path=/static/lab.css", "; Path=/sent", "; Path=/send", "; Path=/", "", "; Path=/lessons/forgets; Secure; HttpOnly; SameSite=Strict",
		"; Path=/composer; Max-Age=60", "; Path=/reset; Secure; Partitioned; SameSite=None",
	} {
		j := labtest.New(t).Jar(t, "localhost")
		j.Ask(http.MethodGet, "/composer")
		went := 0
		for went < 12 && j.SendTo(line(went, attributes)) {
			went++
		}
		if went < 3 || went > 4 {
			t.Errorf("%q: %d lines went", attributes, went)
		}
		if j.Answers(); !j.SendTo("small=1") {
			t.Errorf("%q: a small one is refused, too", attributes)
		}
		// After the cookies are deleted, lines can be sent again.
		j.Ask(http.MethodPost, "/send", webtest.Body(webtest.FormType, "act=forget"), webtest.With("Sec-Fetch-Site", "same-origin"))
		if !j.SendTo(line(0, attributes)) {
			t.Errorf("%q: after all was deleted the first is refused", attributes)
		}
	}
	t.Run("many paths", func(t *testing.T) {
		j := labtest.New(t).Jar(t, "localhost")
		j.Ask(http.MethodGet, "/composer")
		for i, path := range []string{"/", "/reset", "/", "/dashboard", "/", "/lessons", "/lessons/forgets", "/", "/static", "/reset", "/reset"} {
			j.SendTo(line(i, "; Path="+path))
			j.Answers()
		}
	})
	t.Run("a server after a restart, or at another port", func(t *testing.T) {
		first := labtest.New(t)
		j := first.Jar(t, "localhost")
		j.Ask(http.MethodGet, "/composer")
		for n := range 3 {
			for i := range 12 {
				j.SendTo(line(100*n+i, "; Path=/reset"))
			}
			j.Answers()
			j.Lab = labtest.New(t, func(c *handlers.Config) { c.Notebooks, c.Clock = first.Notebooks, first.Clock.Now })
			j.Client.Server = j.Lab.Server
		}
	})
	t.Run("hosts of one domain", func(t *testing.T) {
		lab := labtest.New(t)
		domain := browser.New(browser.Chromium)
		for n := range 60 {
			j := lab.Jar(t, "h"+strconv.Itoa(n)+".app.localhost")
			j.Jar = domain
			j.Ask(http.MethodGet, "/composer")
			for i := range 6 {
				j.SendTo(line(100*n+i, "; Domain=app.localhost; Path=/reset"))
				j.SendTo("d" + strconv.Itoa(6*n+i) + "=" + strings.Repeat("v", 28) + "; Domain=app.localhost; Path=/reset")
				j.SendTo(line(i+6, "; Path=/reset"))
			}
			if n%20 == 19 {
				j.Answers()
			}
		}
	})
	t.Run("all at one moment", func(t *testing.T) {
		lab := labtest.New(t)
		j := lab.Jar(t, "localhost")
		j.Ask(http.MethodGet, "/composer")
		cookie := j.Send(browser.Request{URL: j.URL("/send"), Now: lab.Clock.Now(), Context: browser.Typed}).Header
		var all sync.WaitGroup
		var went atomic.Int32
		for i := range 12 {
			all.Go(func() {
				r := lab.Client().Post("/send", url.Values{"line": {line(i, "; Path=/")}}, webtest.With("Cookie", cookie))
				if r.Status == http.StatusSeeOther {
					went.Add(1)
				}
			})
		}
		if all.Wait(); went.Load() > 4 || went.Load() == 0 {
			t.Errorf("%d went", went.Load())
		}
	})
	t.Run("without a notebook nothing is sent", func(t *testing.T) {
		if r := labtest.New(t).Client().Post("/send", url.Values{"line": {"a=b"}}); r.Status != http.StatusConflict || !strings.Contains(r.Body, "lab_notebook") || len(r.Cookies) > 0 {
			t.Errorf("%d with %v", r.Status, r.Cookies)
		}
	})
}

// So much that no page would open any more is not sent.
func TestComposerKeepsTheLabOpen(t *testing.T) {
	lab := labtest.New(t)
	big := lab.Client()
	big.Get("/composer")
	sent := 0
	for ; sent < 20; sent++ {
		if r := big.Post("/send", url.Values{"line": {"c" + strconv.Itoa(sent) + "=" + strings.Repeat("v", 4000)}}); r.Status != http.StatusSeeOther {
			if r.Status != http.StatusConflict || len(r.Header["Set-Cookie"]) > 0 || !strings.Contains(r.Body, "First delete what was sent") {
				t.Errorf("%d with %d cookies", r.Status, len(r.Header["Set-Cookie"]))
			}
			break
		}
	}
	if r := big.Get("/reset"); sent < 3 || sent > 5 || r.Status != http.StatusOK {
		t.Errorf("after %d big ones the lab answers %d", sent, r.Status)
	}

	many := lab.Client()
	many.Get("/composer")
	for i := range 41 {
		r := many.Post("/send", url.Values{"line": {"a=b; Path=/" + strconv.Itoa(i)}})
		if want := map[bool]int{true: http.StatusSeeOther, false: http.StatusConflict}[i < 40]; r.Status != want {
			t.Errorf("line %d: %d, want %d", i+1, r.Status, want)
		}
	}
	if gone := many.Post("/send", url.Values{"act": {"forget"}}).Header["Set-Cookie"]; len(gone) < 40 {
		t.Errorf("%d are deleted", len(gone))
	}
	if r := many.Post("/send", url.Values{"line": {"a=b"}}); r.Status != http.StatusSeeOther {
		t.Errorf("after deleting: %d", r.Status)
	}
}

// A reset deletes what the composer sent, too.
func TestResetDeletesWhatWasSent(t *testing.T) {
	c := labtest.New(t).Client()
	c.Get("/composer")
	c.Post("/send", url.Values{"line": {"id=1; Path=/"}})
	r := c.Post("/reset", nil)
	if gone := strings.Join(r.Header["Set-Cookie"], "\n"); !strings.Contains(gone, "id=x; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=-1") {
		t.Errorf("%d deletes %q", r.Status, gone)
	}
}

// What is typed and pasted may be somebody's secret.
func TestComposerKeepsNothing(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client().SignIn("alice")
	const secret = "f00f00f00-secret"
	c.Compose("line", "id="+secret, "paste", "set-cookie: sid="+secret, "address", "http://"+secret+"/")
	for place, text := range map[string]string{
		"the log": lab.Log.String(), "the database": lab.Rows(t), "the wire": c.Get("/api/wire").Body, "the wire's page": c.Get("/wire").Body, "the next page": c.Get("/composer").Body,
	} {
		if strings.Contains(text, secret) {
			t.Errorf("it is in %s", place)
		}
	}
	// What is sent does travel, and the wire shows it; the database and the log have nothing of it.
	c.Post("/send", url.Values{"line": {"id=" + secret}})
	if !strings.Contains(c.Get("/api/wire").Body, secret) {
		t.Error("what was sent is not on the wire")
	}
	if strings.Contains(lab.Rows(t)+lab.Log.String(), secret) {
		t.Error("what was sent is in the database or in the log")
	}
}
