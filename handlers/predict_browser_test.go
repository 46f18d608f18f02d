// The model of the browser against the browsers: every line of predict_lines_test.go
// is sent byte by byte, and the jar and the next Cookie header must be what
// /api/predict says.

package handlers_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cookielab/handlers/browsertest"
	"cookielab/handlers/composer"
	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
)

// predicted is one thing to try: some responses, one after the other, scripts of
// the last one's page, and a request.
type predicted struct {
	name   string
	url    string // of the responses: http://HOST/path, without a port
	set    [][]string
	script []string
	follow string        // of the request; "": url
	date   time.Duration // how far the server's clock is ahead, in its header Date; 0: it has none
}

func tellPredict(t *testing.T, browser browsertest.Browser, _ string) {
	lab := labtest.New(t)
	server := newRawServer(t)
	byHost := map[string][]predicted{}
	for _, p := range predictions() {
		host := hostIn(p.url)
		byHost[host] = append(byHost[host], p)
	}
	for host, all := range byHost {
		for part := range slices.Chunk(all, 250) {
			t.Run(host, func(t *testing.T) {
				t.Parallel()
				page := browser.Visit(t, browsertest.Options{})
				page.Open(server.on(host, "/"))
				for _, p := range part {
					p.hold(t, lab, server, page, browser)
				}
			})
		}
	}
}

func hostIn(url string) string {
	host, _, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	return host
}

// inDates puts the date that is so many seconds from now for {+60}.
func inDates(line string, now time.Time) string {
	for {
		begin := strings.Index(line, "{")
		end := strings.Index(line, "}")
		if begin < 0 || end < begin {
			return line
		}
		layout, seconds := http.TimeFormat, 0
		text := line[begin+1 : end]
		if before, after, ok := strings.Cut(text, "|"); ok {
			text, layout = before, after
		}
		if _, err := fmt.Sscan(text, &seconds); err != nil {
			return line
		}
		line = line[:begin] + now.Add(time.Duration(seconds)*time.Second).UTC().Format(layout) + line[end+1:]
	}
}

// hold plays it in the browser and compares.
func (p predicted) hold(t *testing.T, lab *labtest.Lab, server *rawServer, page browsertest.Page, browser browsertest.Browser) {
	t.Helper()
	now := time.Now()
	address := func(url string) string {
		host := hostIn(url)
		return server.on(host, strings.TrimPrefix(url, "http://"+host))
	}
	id := server.id()
	follow := p.follow
	if follow == "" {
		follow = p.url
	}
	question := map[string]any{"browser": strings.ToLower(browser.Name()), "now": now.Format(time.RFC3339Nano), "send_to": map[string]any{"url": follow}}
	var responses []map[string]any
	var js strings.Builder
	js.WriteString(`(async () => {
		const go = u => fetch(u, {cache: "no-store"}).then(r => r.text()).catch(() => 0); `)
	for i, lines := range p.set {
		response := map[string]any{"url": p.url}
		var headers strings.Builder
		encoded := []string{}
		if p.date != 0 {
			date := now.Add(p.date).Truncate(time.Second).UTC()
			response["date"] = date.Format(time.RFC3339)
			headers.WriteString("Date: " + date.Format(http.TimeFormat) + "\r\n")
		}
		for _, line := range lines {
			line = inDates(line, now)
			encoded = append(encoded, base64.StdEncoding.EncodeToString([]byte(line)))
			headers.WriteString("Set-Cookie: " + line + "\r\n")
		}
		response["set_cookie_b64"] = encoded
		responses = append(responses, response)
		step := fmt.Sprintf("%s-%d", id, i)
		server.plan(step, []byte(headers.String()))
		fmt.Fprintf(&js, "await go(%q); ", address(p.url)+"?"+step)
	}
	if p.script != nil {
		responses[len(responses)-1]["script"] = p.script
		for _, text := range p.script {
			quoted, _ := json.Marshal(text)
			fmt.Fprintf(&js, "document.cookie = %s; ", quoted)
		}
	}
	fmt.Fprintf(&js, "await go(%q); return 1 })()", address(follow)+"?"+id+"-follow")
	question["responses"] = responses

	page.ClearCookies()
	if p.script != nil { // what it sets depends on where it runs
		page.Open(address(p.url))
	}
	page.Run(js.String(), nil)
	jar := page.Cookies()
	header, _ := server.came(id + "-follow")

	answer := predict(t, lab.Client(), question)
	want, err := base64.StdEncoding.DecodeString(answer.CookieHeaderB64)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != header {
		t.Errorf("%.300s\nsends     %.300q\npredicted %.300q", p.name, header, want)
	}
	// Of one line alone the jar tells the outcome, too.
	if len(p.set) == 1 && len(p.set[0]) == 1 && p.script == nil && !strings.ContainsAny(p.set[0][0], "\r\n") {
		outcome := map[bool]string{true: "stored", false: "ignored"}[len(jar) > 0]
		if result := answer.Results[0][0]; string(result.Outcome) != outcome || result.Section == "" || strings.Contains(result.Reason, "⟨") {
			t.Errorf("%.300s\nis %s, predicted %+v", p.name, outcome, result)
		}
	}
	got, predicted := entriesOf(jar, now), entriesPredicted(answer.Jar)
	for _, e := range got {
		if !slices.ContainsFunc(predicted, e.like) {
			t.Errorf("%.300s\nkeeps %s, which is not predicted", p.name, e)
		}
	}
	for _, e := range predicted {
		if !slices.ContainsFunc(got, e.like) {
			t.Errorf("%.300s\nkeeps no %s, which is predicted", p.name, e)
		}
	}
}

// entry is a cookie in a form to compare.
type entry struct {
	line    string
	session bool
	left    float64 // seconds
}

// like: a browser counts Max-Age from a moment that is a little later than ours.
func (e entry) like(other entry) bool {
	return e.line == other.line && e.session == other.session && math.Abs(e.left-other.left) < 6
}

func (e entry) String() string {
	if e.session {
		return e.line + " until it closes"
	}
	return fmt.Sprintf("%s for %.0f s", e.line, e.left)
}

func entriesOf(jar []browsertest.Cookie, now time.Time) []entry {
	var all []entry
	for _, c := range jar {
		e := entry{line: entryLine(c), session: c.Expires.IsZero()}
		if !e.session {
			e.left = c.Expires.Sub(now).Seconds()
		}
		all = append(all, e)
	}
	return all
}

func entriesPredicted(jar []composer.PredictCookie) []entry {
	var all []entry
	for _, c := range jar {
		e := entry{session: c.ExpiresIn == nil, line: entryLine(browsertest.Cookie{
			Name: c.Name, Value: c.Value, Domain: c.Domain, HostOnly: c.HostOnly, Path: c.Path, HTTPOnly: c.HTTPOnly, Secure: c.Secure,
			SameSite: c.SameSite, Partitioned: c.Partitioned, Priority: c.Priority,
		})}
		if !e.session {
			e.left = float64(*c.ExpiresIn)
		}
		all = append(all, e)
	}
	return all
}

// entryLine leaves out what is no UTF-8: browsers do not show it, but send it.
func entryLine(c browsertest.Cookie) string {
	c.Name, c.Value = strings.ReplaceAll(c.Name, "\uFFFD", ""), strings.ReplaceAll(c.Value, "\uFFFD", "")
	c.Path = strings.ReplaceAll(c.Path, "\uFFFD", "")
	return fmt.Sprintf("%.60q=%.60q (%d bytes) domain=%s host_only=%t path=%.60q secure=%t http_only=%t same_site=%q partitioned=%t priority=%q",
		c.Name, c.Value, len(c.Name)+len(c.Value), c.Domain, c.HostOnly, c.Path, c.Secure, c.HTTPOnly, c.SameSite, c.Partitioned, c.Priority)
}

// predict asks /api/predict.
func predict(t *testing.T, c *webtest.Client, question any) composer.PredictAnswer {
	t.Helper()
	body, err := json.Marshal(question)
	if err != nil {
		t.Fatal(err)
	}
	return webtest.JSON[composer.PredictAnswer](t, c.Do(http.MethodPost, "/api/predict", webtest.Body(webtest.JSONType, string(body))))
}
