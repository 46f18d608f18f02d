// A browser that stores cookies as our model of a browser does.

package labtest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"cookielab/handlers/webtest"
	"cookielab/sessions/browser"
)

// Jar is a browser that stores cookies as our model of a browser does, so that each
// address is sent only the cookies that match it.
type Jar struct {
	*webtest.Client
	*browser.Jar
	t    testing.TB
	Lab  *Lab
	host string // without its port
}

// URL is an address of the lab under this browser's host.
func (j *Jar) URL(path string) browser.URL {
	return browser.URL{Scheme: "http", Host: j.host, Path: path}
}

// Ask sends a request that somebody typed, with the cookies that match its address.
func (j *Jar) Ask(method, path string, changes ...func(*http.Request)) webtest.Reply {
	now := j.Lab.Clock.Now()
	j.Client.Cookies = nil
	cookie := webtest.With("Cookie", j.Send(browser.Request{URL: j.URL(path), Now: now, Context: browser.Typed}).Header)
	host := func(r *http.Request) { r.Host = j.host + j.Lab.Addr[strings.LastIndexByte(j.Lab.Addr, ':'):] }
	r := j.Do(method, path, append([]func(*http.Request){host, cookie}, changes...)...)
	j.Receive(browser.Response{URL: j.URL(path), SetCookie: r.Header["Set-Cookie"], Now: now, Context: browser.Typed})
	return r
}

// SendTo asks the composer to send a line, and reports whether the reply has it.
func (j *Jar) SendTo(line string) bool {
	j.t.Helper()
	r := j.Ask(http.MethodPost, "/send", webtest.Body(webtest.FormType, url.Values{"line": {line}}.Encode()), webtest.With("Sec-Fetch-Site", "same-origin"))
	went := slices.Contains(r.Header["Set-Cookie"], line)
	if went != (r.Status == http.StatusSeeOther) || !went && r.Status != http.StatusConflict {
		j.t.Fatalf("%.60q is answered %d", line, r.Status)
	}
	return went
}

// Answers fails the test if there is a path of the lab that this browser can no longer open.
func (j *Jar) Answers() {
	j.t.Helper()
	paths := []string{"/static/lab.css", "/lessons/forgets/x", "/reset/x/y", "/sent", "/none"}
	for _, route := range j.Lab.Routes() {
		paths = append(paths, strings.NewReplacer(":lane", "plain", ":slug", "forgets", ":action", "write", ":op", "items", "*", "lab.css").Replace(route.Path))
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "/events") {
			continue // answers for ever, and its path is below others
		}
		if r := j.Ask(http.MethodHead, path); r.Status == http.StatusRequestHeaderFieldsTooLarge {
			j.t.Errorf("%s%s answers %d", j.host, path, r.Status)
		}
	}
}

// Jar makes a browser that knows the lab by this host.
func (lab *Lab) Jar(t testing.TB, host string) *Jar {
	return &Jar{t: t, Client: lab.Client(), Jar: browser.New(browser.Chromium), Lab: lab, host: host}
}
