// The composer over HTTP: the line and its fields, what is really sent, what is
// refused, and that nothing is kept which need not be.

package composer_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"cookielab/handlers"
	"cookielab/handlers/composer"
	"cookielab/handlers/labtest"
	"cookielab/sessions/browser"
)

// fieldIn is the value of the page's input with that id.
func fieldIn(t *testing.T, page, id string) string {
	t.Helper()
	match := regexp.MustCompile(`<input id="` + id + `"[^>]* value="([^"]*)"`).FindStringSubmatch(page)
	if match == nil {
		t.Fatalf("there is no field %s", id)
	}
	return html.UnescapeString(match[1])
}

func TestComposerKeepsBothHalvesInStep(t *testing.T) {
	c := labtest.New(t).Client()
	r := c.Compose("line", " a = b ; path=/x;SECURE;SameSite=lax; foo=1; Max-Age=5; Max-Age=7;bar", "last", "line")
	for id, want := range map[string]string{"f-name": "a", "f-value": "b", "f-path": "/x", "f-samesite": "lax", "f-max-age": "7", "f-rest": "foo=1; bar"} {
		if got := fieldIn(t, r.Body, id); got != want {
			t.Errorf("%s says %q, want %q", id, got, want)
		}
	}
	if !strings.Contains(r.Body, `id="f-secure" name="secure" checked`) || strings.Contains(r.Body, `name="httponly" checked`) {
		t.Error("the flags are not those of the line")
	}
	r = c.Compose("was", "old=1", "line", "old=1", "name", "n", "value", "v", "domain", "d", "path", "/p", "expires", "e", "max_age", "1", "secure", "on", "httponly", "on", "samesite", "Lax", "partitioned", "on", "priority", "Low", "rest", "foo")
	if got, want := fieldIn(t, r.Body, "line"), "n=v; Domain=d; Path=/p; Expires=e; Max-Age=1; Secure; HttpOnly; SameSite=Lax; Partitioned; Priority=Low; foo"; got != want {
		t.Errorf("the line is %q, want %q", got, want)
	}
	// The line counts if it was edited, and if nothing was; a button can say otherwise.
	for _, test := range []struct{ was, line, name, by, want string }{
		{"old=1", "new=1", "n", "", "new=1"},
		{"old=1", "old=1", "old", "", "old=1"},
		{"old=1", "new=1", "n", "fields", "n=1"},
		{"", "new=1", "n", "", "new=1"},
	} {
		if r = c.Compose("was", test.was, "line", test.line, "name", test.name, "value", "1", "by", test.by); fieldIn(t, r.Body, "line") != test.want {
			t.Errorf("%+v: the line is %q", test, fieldIn(t, r.Body, "line"))
		}
	}
	// So it is when the fields are sent as they are.
	c.Get("/composer")
	if r := c.Post("/send", url.Values{"was": {"old=1"}, "line": {"old=1"}, "name": {"n"}, "value": {"1; HttpOnly"}}); !slices.Contains(r.Header["Set-Cookie"], "n=1; HttpOnly") {
		t.Errorf("%d sets %q", r.Status, r.Header["Set-Cookie"])
	}
}

func TestComposerJudges(t *testing.T) {
	c := labtest.New(t).Client()
	for line, want := range map[string][]string{
		"a=b":                         {"All three keep it, but do not send it", "No SameSite"},
		"a=b; SameSite=None":          {"None keeps it", "§ 5.7 step 19"},
		"a=1\t2":                      {"They differ", "Chromium 156 would not", "measured"},
		"a=b; Max-Age=1000000000":     {"For 400 days", "cut to 400 days"},
		"a=b; Expires=2030-01-31":     {"keep it", "is no date"},
		"a=" + strings.Repeat("v", 9): {"10 / 4096"},
		"":                            {"neither a name nor a value"},
		"a=; Max-Age=0":               {"finds nothing to delete"},
		"a=b; Path=/x":                {"An address below its Path"},
	} {
		r := c.Compose("line", line)
		for _, words := range want {
			if r.Status != http.StatusOK || !strings.Contains(html.UnescapeString(r.Body), words) {
				t.Errorf("%q: %d, not %q", line, r.Status, words)
			}
		}
	}
	for _, preset := range composer.Presets() {
		if r := c.Get("/composer?preset=" + preset); r.Status != http.StatusOK || !strings.Contains(r.Body, `id="headline"`) {
			t.Errorf("the preset %s: %d", preset, r.Status)
		}
	}
	for status, r := range map[int]labtest.Reply{
		http.StatusRequestEntityTooLarge: c.Compose("line", strings.Repeat("x", 9000)),
		http.StatusBadRequest:            c.Compose("line", "a=b", "address", "ftp://x/"),
		http.StatusNotFound:              c.Get("/composer?preset=none-such"),
	} {
		if r.Status != status || strings.Contains(r.Body, `id="headline"`) {
			t.Errorf("%d, want %d: %.200s", r.Status, status, r.Body)
		}
	}
}

func TestComposerSends(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client()
	c.Get("/composer")
	if r := c.Get("/sent"); r.Status != http.StatusOK || strings.Contains(r.Body, `id="sent"`) {
		t.Errorf("without anything sent, /sent answers %d", r.Status)
	}
	line := "__Host-a=\xff \"b; Path=/x ;Foo; Secure"
	r := c.Post("/send", url.Values{"line": {line}})
	if got := r.Header["Set-Cookie"]; !slices.Contains(got, line) {
		t.Fatalf("%d, Set-Cookie %q", r.Status, got)
	}
	if r.Status != http.StatusSeeOther || r.Header.Get("Location") != "/sent" {
		t.Errorf("%d to %s", r.Status, r.Header.Get("Location"))
	}
	c.Post("/send", url.Values{"line": {"id=1; Path=/"}})

	// What comes is held against what was predicted, for the browser that says so.
	firefox := labtest.With("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0")
	if page := c.Get("/sent", firefox); !strings.Contains(page.Body, "As predicted") || !strings.Contains(page.Body, "Firefox 153.0") {
		t.Errorf("the same came: %.300s", page.Body[strings.Index(page.Body, `id="sent"`):])
	}
	c.Carry("id", "2")
	if page := c.Get("/sent", firefox); !strings.Contains(page.Body, "Not as predicted") {
		t.Error("another value came, and the page says nothing")
	}
	c.Drop("id")
	if page := c.Get("/sent"); !strings.Contains(page.Body, "Not as predicted") || !strings.Contains(page.Body, "has not measured this browser") {
		t.Error("nothing came, and the page says nothing")
	}

	// All of it can be deleted, by the button and by a reset.
	again := func(r labtest.Reply) {
		t.Helper()
		gone := strings.Join(r.Header["Set-Cookie"], "\n")
		if !strings.Contains(gone, "id=x; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=-1") {
			t.Errorf("%d deletes %q", r.Status, gone)
		}
	}
	again(c.Post("/send", url.Values{"act": {"forget"}}))
	c.Post("/send", url.Values{"line": {"id=1; Path=/"}})
	again(c.Post("/reset", nil))
}

func TestComposerRefusesToSend(t *testing.T) {
	c := labtest.New(t).Client()
	c.Get("/composer")
	for line, status := range map[string]int{
		"a=b\r\nSet-Cookie: c=d":   http.StatusBadRequest,
		"a=b\nX: y":                http.StatusBadRequest,
		"lab_notebook=x":           http.StatusConflict,
		" lab_notebook =x; Path=/": http.StatusConflict,
		"=lab_notebook=x":          http.StatusConflict,
		"lab_notebook":             http.StatusConflict,
		strings.Repeat("x", 9000):  http.StatusRequestEntityTooLarge,
	} {
		if r := c.Post("/send", url.Values{"line": {line}}); r.Status != status || len(r.Header["Set-Cookie"]) > 0 {
			t.Errorf("%.40q: %d with %q", line, r.Status, r.Header["Set-Cookie"])
		}
	}
	if r := c.Post("/send", url.Values{"line": {"a=b"}}, labtest.With("Sec-Fetch-Site", "cross-site")); r.Status != http.StatusForbidden || len(r.Cookies) > 0 {
		t.Errorf("another site's form: %d with %v", r.Status, r.Cookies)
	}
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
		j := labtest.New(t).Jar("localhost")
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
		j.Ask(http.MethodPost, "/send", labtest.Body(labtest.FormType, "act=forget"), labtest.With("Sec-Fetch-Site", "same-origin"))
		if !j.SendTo(line(0, attributes)) {
			t.Errorf("%q: after all was deleted the first is refused", attributes)
		}
	}
	t.Run("many paths", func(t *testing.T) {
		j := labtest.New(t).Jar("localhost")
		j.Ask(http.MethodGet, "/composer")
		for i, path := range []string{"/", "/reset", "/", "/dashboard", "/", "/lessons", "/lessons/forgets", "/", "/static", "/reset", "/reset"} {
			j.SendTo(line(i, "; Path="+path))
			j.Answers()
		}
	})
	t.Run("a server after a restart, or at another port", func(t *testing.T) {
		first := labtest.New(t)
		j := first.Jar("localhost")
		j.Ask(http.MethodGet, "/composer")
		for n := range 3 {
			for i := range 12 {
				j.SendTo(line(100*n+i, "; Path=/reset"))
			}
			j.Answers()
			j.Lab = labtest.New(t, func(c *handlers.Config) { c.Notebooks, c.Clock = first.Notebooks, first.Clock.Now })
			j.Client.Lab = j.Lab
		}
	})
	t.Run("hosts of one domain", func(t *testing.T) {
		lab := labtest.New(t)
		domain := browser.New(browser.Chromium)
		for n := range 60 {
			j := lab.Jar("h" + strconv.Itoa(n) + ".app.localhost")
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
		j := lab.Jar("localhost")
		j.Ask(http.MethodGet, "/composer")
		cookie := j.Send(browser.Request{URL: j.Url("/send"), Now: lab.Clock.Now(), Context: browser.Typed}).Header
		var all sync.WaitGroup
		var went atomic.Int32
		for i := range 12 {
			all.Go(func() {
				r := lab.Client().Post("/send", url.Values{"line": {line(i, "; Path=/")}}, labtest.With("Cookie", cookie))
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

func TestComposerExplainsHeaders(t *testing.T) {
	c := labtest.New(t).Client()
	for text, want := range map[string][]string{
		"Set-Cookie: a=1; Domain=shop.example\nset-cookie:b=2":          {"https://www.shop.example/", ">a<", ">b<"},
		"< HTTP/2 200\n< set-cookie: a=1\n< content-type: text/html\n<": {">a<"},
		"a=1; Path=/\nb=2": {">a<", ">b<"},
		"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n": {"no Set-Cookie line"},
		"Server: x":                 {"no Set-Cookie line"},
		strings.Repeat("a=1\n", 60): {">10 more lines are not explained.<"},
	} {
		r := c.Compose("line", "x=y", "paste", text)
		for _, words := range want {
			if !strings.Contains(html.UnescapeString(r.Body), words) {
				t.Errorf("%.60q: %d, not %q", text, r.Status, words)
			}
		}
	}
	if r := c.Compose("line", "x=y", "paste", "a=1", "paste_address", "ftp://x"); !strings.Contains(r.Body, "not an address") {
		t.Error("a strange address is taken")
	}
}

// Whatever is typed and pasted, the page stays small, and says how much it leaves out.
func TestComposerBounds(t *testing.T) {
	lab := labtest.New(t)
	repeated := strings.Repeat
	hints := "a=b"
	for i := range 40 {
		hints += ";" + strconv.Itoa(i) + repeated("'", 190)
	}
	const hides = "not shown" // is said
	for name, test := range map[string]struct {
		fields []string
		status int
		says   string
	}{
		"quotes":                   {[]string{"line", repeated("'", 8192)}, 200, ""},
		"bytes that are not shown": {[]string{"line", repeated("\x01", 8192)}, 200, hides},
		"semicolons":               {[]string{"line", repeated(";", 8192)}, 200, hides},
		"attributes":               {[]string{"line", "a=b" + repeated(";a=b", 2000)}, 200, hides},
		"hints":                    {[]string{"line", hints, "came_before", hints}, 200, "…"},
		"a long path":              {[]string{"line", "a=b;Path=/" + repeated("'", 1000), "address", "http://a.example/" + repeated("'", 1900)}, 200, ""},
		"a long line":              {[]string{"line", repeated("x", 60000)}, 413, "8192 bytes"},
		"a long line before":       {[]string{"line", "a=b", "came_before", repeated("x", 60000)}, 413, "8192 bytes"},
		"a long address":           {[]string{"line", "a=b", "address", "http://a.example/" + repeated("x", 60000)}, 400, "2048 bytes"},
		"a long host":              {[]string{"line", "a=b", "address", "http://" + repeated("a.", 900) + "/"}, 400, "not an address"},
		"pasted attributes":        {[]string{"line", "a=b", "paste", repeated("a=b"+repeated(";a=b", 160)+"\n", 50)}, 200, hides},
		"pasted hints":             {[]string{"line", "a=b", "paste", repeated(strings.ReplaceAll(hints, repeated("'", 190), repeated("'", 10))+"\n", 40)}, 200, ">32 more hints are not shown.<"},
		"pasted bytes":             {[]string{"line", "a=b", "paste", repeated("a="+repeated("\x01", 200)+"\n", 50)}, 200, hides},
		"a long paste":             {[]string{"line", "a=b", "paste", repeated("x", 60000)}, 200, "32 KB"},
		"a paste from far away":    {[]string{"line", "a=b", "paste", "c=d", "paste_address", "http://a.example/" + repeated("x", 50000)}, 200, "2048 bytes"},
		"a long domain":            {[]string{"line", "a=b", "paste", "a=b;domain=" + repeated("a.", 10000) + "\n" + repeated("c=d\n", 50)}, 200, "www.example.com"},
	} {
		r := lab.Client().Compose(test.fields...)
		if r.Status != test.status || len(r.Body) > 320<<10 || !strings.Contains(r.Body, test.says) {
			t.Errorf("%s: %d, %d bytes, and %q is said: %t", name, r.Status, len(r.Body), test.says, strings.Contains(r.Body, test.says))
		}
	}
	// The lines that were sent need little memory, and their page stays small.
	c := lab.Client()
	c.Get("/composer")
	went := 0
	for i := range 20 {
		if c.Post("/send", url.Values{"line": {strconv.Itoa(i) + repeated("'", 8000)}}).Status == http.StatusSeeOther {
			went++
		}
	}
	if page := c.Get("/sent"); went != 8 || len(page.Body) > 640<<10 {
		t.Errorf("%d long lines went, and the page has %d bytes", went, len(page.Body))
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
