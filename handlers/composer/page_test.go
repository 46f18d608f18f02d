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
	"testing"

	"cookielab/handlers/composer"
	"cookielab/handlers/webtest"
)

// newLab starts the composer, and what a program asks about cookies.
func newLab(t testing.TB) *webtest.Lab {
	lab := webtest.New(t)
	page := composer.New(lab.Site)
	lab.Router.Get("/composer", webtest.SecretPage, page.Get)
	lab.Router.Post("/composer", webtest.SecretPage, page.Post)
	lab.Router.Post("/send", webtest.Action, page.Send)
	lab.Router.Get("/sent", webtest.Page, page.Sent)
	lab.Router.Post("/api/predict", webtest.SilentAPI.WithBody(composer.MaxPredict), page.Predict)
	return lab
}

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
	c := newLab(t).Client()
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
	c := newLab(t).Client()
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
	for _, preset := range c.Presets() {
		if r := c.Get("/composer?preset=" + preset); r.Status != http.StatusOK || !strings.Contains(r.Body, `id="headline"`) {
			t.Errorf("the preset %s: %d", preset, r.Status)
		}
	}
	for status, r := range map[int]webtest.Reply{
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
	lab := newLab(t)
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
	firefox := webtest.With("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0")
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

	// All of it can be deleted.
	r = c.Post("/send", url.Values{"act": {"forget"}})
	if gone := strings.Join(r.Header["Set-Cookie"], "\n"); !strings.Contains(gone, "id=x; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=-1") {
		t.Errorf("%d deletes %q", r.Status, gone)
	}
}

func TestComposerRefusesToSend(t *testing.T) {
	c := newLab(t).Client()
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
	if r := c.Post("/send", url.Values{"line": {"a=b"}}, webtest.With("Sec-Fetch-Site", "cross-site")); r.Status != http.StatusForbidden || len(r.Cookies) > 0 {
		t.Errorf("another site's form: %d with %v", r.Status, r.Cookies)
	}
}

func TestComposerExplainsHeaders(t *testing.T) {
	c := newLab(t).Client()
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
	lab := newLab(t)
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
