// The board of requests: which cookies go with which request, and what a response
// may set, by the model of the browser and in the browsers. Everybody asks everybody
// in every way.

package handlers_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cookielab/handlers/browsertest"
	"cookielab/sessions/browser"
)

// origin is an origin on this machine.
type origin struct {
	host string
	port int // which of the server's
}

var (
	local    = origin{"localhost", 0}
	local2   = origin{"localhost", 1}
	app      = origin{"app.localhost", 0}
	deepApp  = origin{"x.app.localhost", 0}
	api      = origin{"api.localhost", 0}
	v4       = origin{"127.0.0.1", 0}
	v6       = origin{"[::1]", 0}
	v4in6    = origin{"[::ffff:127.0.0.1]", 0} // insecure
	origins  = []origin{local, local2, app, deepApp, api, v4, v6, v4in6}
	boardSet = []string{
		"s%s=1; SameSite=Strict", "l%s=1; SameSite=Lax", "d%s=1", "n%s=1; SameSite=None; Secure",
		"p%s=1; SameSite=None; Secure; Partitioned", "q%s=1; Secure; Partitioned", "h%s=1; HttpOnly",
	}
)

// way is how a page asks for something that does not fill the window.
type way struct{ name, method, js string }

var requests = []way{
	{"image", http.MethodGet, `await new Promise(done => { const i = new Image(); i.onload = i.onerror = done; i.src = url })`},
	{"frame", http.MethodGet, `await new Promise(done => { const f = document.createElement("iframe"); f.onload = done; f.src = url; document.body.append(f) })`},
	{"fetch", http.MethodGet, `await fetch(url, {mode: "no-cors", credentials: "include"}).catch(() => 0)`},
	{"post", http.MethodPost, `await fetch(url, {mode: "no-cors", credentials: "include", method: "POST", body: "x"}).catch(() => 0)`},
}

// clicks are where from and where to a link and a form lead.
var clicks = [][2]origin{
	{local, local2}, {local, v4}, {local, app}, {v4, local}, {app, deepApp}, {deepApp, app}, {app, api}, {api, deepApp},
	{v6, local}, {v4, v6}, {v4in6, local}, {local, v4in6}, {v4in6, v4}, {local2, local},
}

func tellBoard(t *testing.T, b browsertest.Browser, _ string) {
	server := newRawServer(t)
	part := func(name string, tell func(b *board)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tell(&board{t: t, server: server, Page: b.Visit(t, browsertest.Options{}), profile: browser.Profile(strings.ToLower(b.Name()))})
		})
	}
	part("asks", func(b *board) {
		b.set()
		for _, from := range origins {
			b.asks(from)
		}
	})
	part("goes", func(b *board) {
		b.set()
		for _, click := range clicks {
			b.goes(click[0], click[1])
		}
	})
	for i := range 2 {
		part("receives", func(b *board) {
			for n, from := range origins {
				if n%2 == i {
					b.receives(from, origins[(n+3)%len(origins)])
				}
			}
		})
	}
}

// board is one profile of a browser and the model of its jar.
type board struct {
	browsertest.Page
	t       *testing.T
	server  *rawServer
	profile browser.Profile
	jar     *browser.Jar
}

func (b *board) at(p origin, id string) string {
	return fmt.Sprintf("http://%s:%s/?%s", p.host, b.server.ports[p.port], id)
}

func (b *board) url(p origin) browser.URL {
	u, err := browser.ParseURL(b.at(p, ""))
	if err != nil {
		b.t.Fatal(err)
	}
	return u
}

// set lets everybody set all kinds of cookies at the top level.
func (b *board) set() {
	b.jar = browser.New(b.profile)
	for _, p := range origins {
		id := b.server.id()
		lines := b.plan(id, p.host[:1]+fmt.Sprint(p.port))
		b.Open(b.at(p, id))
		b.jar.Receive(browser.Response{URL: b.url(p), SetCookie: lines, Now: time.Now(), Context: browser.Typed})
	}
	b.keeps("after all were visited")
}

// plan has the answer to an id set all kinds of cookies, with names of their own.
func (b *board) plan(id, name string) []string {
	var lines []string
	var headers strings.Builder
	for _, form := range boardSet {
		lines = append(lines, fmt.Sprintf(form, name))
		headers.WriteString("Set-Cookie: " + fmt.Sprintf(form, name) + "\r\n")
	}
	b.server.plan(id, []byte(headers.String()))
	return lines
}

// inPage runs a script of the page itself, which may await.
func (b *board) inPage(js string) {
	b.t.Helper()
	script, err := json.Marshal(`(async () => { ` + js + ` })().then(() => "", e => String(e)).then(trouble => {
		document.title = trouble; document.dispatchEvent(new Event("board")) })`)
	if err != nil {
		b.t.Fatal(err)
	}
	var trouble string
	b.Run(fmt.Sprintf(`new Promise(done => {
		document.addEventListener("board", () => done(document.title), {once: true});
		const script = document.createElement("script");
		script.textContent = %s;
		document.body.append(script);
	})`, script), &trouble)
	if trouble != "" {
		b.t.Fatalf("%s in %s", trouble, js)
	}
}

// sends compares what came with an id with what the model sends.
func (b *board) sends(what, id string, to origin, c browser.Context) {
	b.t.Helper()
	got, came := b.server.came(id)
	want := b.jar.Send(browser.Request{URL: b.url(to), Now: time.Now(), Context: c}).Header
	if !came || got != want {
		b.t.Errorf("%s\nsends     %q (%t)\npredicted %q", what, got, came, want)
	}
}

// asks is every way to ask everybody from one page.
func (b *board) asks(from origin) {
	b.visits("typed", from)
	var read string
	b.Run("document.cookie", &read)
	if want := b.jar.Send(browser.Request{URL: b.url(from), Now: time.Now(), Script: true, Context: browser.Typed}).Header; read != want {
		b.t.Errorf("a script at %v\nreads     %q\npredicted %q", from, read, want)
	}
	b.asksAll("", from, requests)
}

// visits is an address typed.
func (b *board) visits(what string, p origin) {
	b.t.Helper()
	id := b.server.id()
	b.Open(b.at(p, id))
	b.sends(fmt.Sprintf("%s: %v", what, p), id, p, browser.Typed)
}

func (b *board) asksAll(when string, from origin, ways []way) {
	b.t.Helper()
	id := b.server.id()
	var js strings.Builder
	js.WriteString("let url; await Promise.all([0")
	for _, to := range origins {
		for _, way := range ways {
			fmt.Fprintf(&js, ", (async url => { %s })(%q)", way.js, b.at(to, id+to.host+fmt.Sprint(to.port)+way.name))
		}
		// An image whose address redirects to where the page is.
		hop := id + to.host + fmt.Sprint(to.port) + "hop"
		b.server.plan(hop, []byte("Location: "+b.at(from, hop+"-back")+"\r\n"))
		fmt.Fprintf(&js, ", (async url => { %s })(%q)", requests[0].js, b.at(to, hop))
	}
	js.WriteString("])")
	b.inPage(js.String())
	page := b.url(from)
	for _, to := range origins {
		name := id + to.host + fmt.Sprint(to.port)
		for _, way := range ways {
			b.sends(fmt.Sprintf("%s: %s from %v to %v", when, way.name, from, to), name+way.name, to, browser.Context{From: &page, Method: way.method})
		}
		b.sends(fmt.Sprintf("%s: image from %v to %v and back", when, from, to), name+"hop-back", from, browser.Context{From: &page, Via: []browser.URL{b.url(to)}})
	}
}

// goes is what fills the window: a link, a form, and both with a redirect back.
func (b *board) goes(from, to origin) {
	page, via := b.url(from), []browser.URL{b.url(to)}
	methods := []string{http.MethodGet, http.MethodPost}
	if to == v4in6 { // before a form leaves a secure page for it, Firefox asks
		methods = methods[:1]
	}
	for _, method := range methods {
		for _, back := range []bool{false, true} {
			id := b.server.id()
			last := id
			if back {
				last = id + "-back"
				b.server.plan(id, []byte("Location: "+b.at(from, last)+"\r\n"))
			}
			b.Open(b.at(from, b.server.id()))
			b.inPage(fmt.Sprintf(`document.body.innerHTML = '<a href="%[1]s">link</a><form method="post" action="%[1]s"></form>';
				setTimeout(() => %[2]q == "GET" ? document.links[0].click() : document.forms[0].submit())`, b.at(to, id), method))
			b.WaitText("p", last)
			b.Run(`new Promise(done => document.readyState == "complete" ? done() : addEventListener("load", done))`, nil)
			what := fmt.Sprintf("%s from %v to %v", method, from, to)
			b.sends(what, id, to, browser.Context{From: &page, Method: method, Navigation: true})
			if back { // with GET, whatever it was
				b.sends(what+" and back", last, from, browser.Context{From: &page, Navigation: true, Via: via})
			}
		}
	}
	id := b.server.id()
	b.server.plan(id, []byte("Location: "+b.at(from, id+"-back")+"\r\n"))
	b.Open(b.at(to, id))
	b.sends(fmt.Sprintf("typed %v, on to %v", to, from), id+"-back", from, browser.Context{Navigation: true, Via: via})
}

// receives is what the answers to a page's requests may set, where it lies, and who
// gets it then.
func (b *board) receives(from, other origin) {
	b.ClearCookies()
	b.jar = browser.New(b.profile)
	b.Open(b.at(from, b.server.id()))
	page := b.url(from)
	var js strings.Builder
	for _, to := range origins {
		for i, way := range requests[:3] {
			id := b.server.id()
			lines := b.plan(id, fmt.Sprintf("%d%d", to.port, i))
			fmt.Fprintf(&js, "await (async url => { %s })(%q); ", way.js, b.at(to, id))
			b.jar.Receive(browser.Response{URL: b.url(to), SetCookie: lines, Now: time.Now(), Context: browser.Context{From: &page, Method: way.method}})
		}
	}
	b.inPage(js.String())
	b.keeps(fmt.Sprintf("after all were asked from %v", from))
	b.asksAll("then", from, requests[2:3]) // the others send the same, and frames cost most
	b.visits("then", from)
	b.visits("then", other)
}

// keeps compares the jars.
func (b *board) keeps(when string) {
	b.t.Helper()
	now := time.Now()
	var predicted []entry
	for _, c := range b.jar.Cookies(now) {
		predicted = append(predicted, entry{session: true, line: entryLine(browsertest.Cookie{
			Name: c.Name, Value: c.Value, Domain: c.Domain, HostOnly: c.HostOnly, Path: c.Path, HTTPOnly: c.HTTPOnly, Secure: c.Secure,
			SameSite: c.SameSite, Partitioned: c.Partition != "", Priority: c.Priority,
		})})
	}
	got := entriesOf(b.Cookies(), now)
	for _, e := range got {
		if !slices.ContainsFunc(predicted, e.like) {
			b.t.Errorf("%s\nkeeps %s, which is not predicted", when, e)
		}
	}
	for _, e := range predicted {
		if !slices.ContainsFunc(got, e.like) {
			b.t.Errorf("%s\nkeeps no %s, which is predicted", when, e)
		}
	}
}
