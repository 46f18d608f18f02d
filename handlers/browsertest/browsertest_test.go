// This file proves every method of the interfaces on small pages.

package browsertest

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// drivers are the browsers, and how they are found.
var drivers = map[string]struct {
	start func(testing.TB) Browser
	find  func() string
}{
	"Chromium": {Chromium, findChromium},
	"Firefox":  {Firefox, findFirefox},
}

// TestBrowsers shares one process of each browser among all its subtests.
func TestBrowsers(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: make test drives the browsers")
	}
	tests := map[string]func(*testing.T, Browser){
		"Version":    testVersion,
		"Open":       testOpen,
		"Read":       testRead,
		"Type":       testType,
		"Press":      testPress,
		"Click":      testClick,
		"Navigate":   testClickNavigates,
		"Scroll":     testScroll,
		"Eval":       testEval,
		"NoScript":   testNoScript,
		"Options":    testOptions,
		"Cookies":    testCookies,
		"SetCookie":  testSetCookie,
		"Jars":       testJars,
		"Tabs":       testTabs,
		"Complaints": testComplaints,
		"Screenshot": testScreenshot,
		"Fatal":      testFatal,
	}
	for name, driver := range drivers {
		t.Run(name, func(t *testing.T) {
			browser := driver.start(t)
			t.Cleanup(browser.Close)
			equal(t, "Name", browser.Name(), name)
			for name, test := range tests {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(t, browser)
				})
			}
		})
	}
}

// TestNoBrowser shows what happens on a machine without a browser.
func TestNoBrowser(t *testing.T) {
	for _, variable := range []string{"PATH", "HOME", "USERPROFILE", "ProgramFiles", "ProgramFiles(x86)", "LocalAppData"} {
		t.Setenv(variable, t.TempDir())
	}
	for name, driver := range drivers {
		if path := driver.find(); path != "" {
			t.Logf("this machine has %s for all users", path)
			continue
		}
		for ci, want := range map[string]string{"": "skip: there is no " + name, "true": "fatal: there is no " + name} {
			t.Setenv("CI", ci)
			heir := &listener{TB: t}
			heir.listen(func() { driver.start(heir) })
			if !strings.HasPrefix(heir.heard, want) {
				t.Errorf("with CI=%q the test ends with %q; want %q", ci, heir.heard, want)
			}
		}
	}
}

func testVersion(t *testing.T, b Browser) {
	numbers := map[string]int{"Chromium": 4, "Firefox": 3}
	version := strings.Split(b.Version(), ".")
	equal(t, "numbers of the version "+b.Version(), len(version), numbers[b.Name()])
}

func testOpen(t *testing.T, b Browser) {
	s := serve(t, pages{
		"/":         html(`<title>Home</title><p id=p>Hello`),
		"/moved":    redirect("/"),
		"/denied":   status(403, "no"),
		"/empty":    status(403, ""),
		"/none":     status(204, ""),
		"/hop":      html(`<script>location.replace("/")</script>`),
		"/slow.png": func(w http.ResponseWriter, r *http.Request) { time.Sleep(100 * time.Millisecond) },
		"/slow":     html(`<body onload="document.title = 'loaded'"><img src=/slow.png>`),
	})
	page := b.Visit(t, Options{})

	equal(t, "status of a blank page", page.Open("about:blank"), 0)
	equal(t, "status", page.Open(s+"/"), 200)
	equal(t, "URL", page.URL(), s+"/")
	equal(t, "Title", page.Title(), "Home")
	equal(t, "status after a redirect", page.Open(s+"/moved"), 200)
	equal(t, "URL after a redirect", page.URL(), s+"/")
	equal(t, "status of a fragment", page.Open(s+"/#p"), 200)
	equal(t, "URL with a fragment", page.URL(), s+"/#p")
	equal(t, "status of an error", page.Open(s+"/denied"), 403)
	equal(t, "Text of an error", page.Text("body"), "no")
	equal(t, "status of the same again", page.Reload(), 403)
	equal(t, "status of an empty error", page.Open(s+"/empty"), 403)
	equal(t, "URL of an empty error", page.URL(), s+"/empty")
	equal(t, "status of a script's redirect", page.Open(s+"/hop"), 200)
	equal(t, "URL of a script's redirect", page.URL(), s+"/")
	equal(t, "status without a document", page.Open(s+"/none"), 204)
	equal(t, "URL without a document", page.URL(), s+"/")
	page.Open(s + "/slow")
	equal(t, "Title after the load event", page.Title(), "loaded")
	page.Eval(`document.title = "changed"`, nil)
	equal(t, "status of Reload", page.Reload(), 200)
	equal(t, "Title after Reload", page.Title(), "loaded")

	other := strings.Replace(s, "127.0.0.1", "localhost", 1)
	equal(t, "status on another site", page.Open(other+"/"), 200)
	equal(t, "URL on another site", page.URL(), other+"/")
}

func testRead(t *testing.T, b Browser) {
	s := serve(t, pages{"/": html(`
		<p>  one  </p> <p>t<b>w</b>o<span hidden> hidden</span></p> <p hidden>three</p>
		<div style="display: contents">four</div> <a href="/x" data-empty>a link</a>
`)})
	page := b.Visit(t, Options{})
	page.Open(s + "/")

	soon := func(js string) { page.Eval("void setTimeout(() => "+js+", 100)", nil) }
	equal(t, "Has of what comes", page.Has("i"), false)
	soon(`document.body.insertAdjacentHTML("beforeend", "<i>soon</i>")`)
	equal(t, "Text of what comes", page.Text("i"), "soon")
	equal(t, "Has of what came", page.Has("i"), true)
	soon(`document.querySelector("i").append(", done")`)
	page.WaitText("i", "done")
	soon(`document.body.insertAdjacentHTML("beforeend", "<u title=tip></u>")`)
	equal(t, "Attr of what comes", page.Attr("u", "title"), "tip")
	equal(t, "Text", page.Text("p"), "one")
	equal(t, "Texts", fmt.Sprintf("%q", page.Texts("p")), `["one" "two" ""]`)
	equal(t, "Texts of nothing", len(page.Texts("table")), 0)
	equal(t, "Text without a box", page.Text("div"), "four")
	equal(t, "Attr is as written", page.Attr("a", "href"), "/x")
	equal(t, "empty Attr", page.Attr("a", "data-empty"), "")
	equal(t, "absent Attr", page.Attr("a", "class"), "")
}

func testType(t *testing.T, b Browser) {
	s := serve(t, pages{
		"/": html(`<form action=/form><input name=a value=old oninput="document.title = this.value">
			<input name=m type=email value=x@y.z><input name=n type=number value=7><textarea name=b>old</textarea><button>go</button></form>
			<div contenteditable>old</div>`),
		"/form": func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.FormValue("a"), r.FormValue("n")) },
	})
	page := b.Visit(t, Options{})
	page.Open(s + "/")

	page.Type("[name=a]", `Grüße, "世界" 🍪`)
	equal(t, "value seen by the page", page.Title(), `Grüße, "世界" 🍪`)
	page.Type("[name=a]", "")
	equal(t, "cleared value", page.Title(), "")
	page.Type("[name=m]", "ada@example.org")
	page.Type("[name=n]", "42")
	page.Type("[name=b]", "two\nlines")
	page.Type("div", "new")
	equal(t, "editable text", page.Text("div"), "new")
	var values []string
	page.Eval(`[...document.querySelectorAll("[name]")].map(e => e.value)`, &values)
	equal(t, "values", fmt.Sprintf("%q", values), `["" "ada@example.org" "42" "two\nlines"]`)

	page.Type("[name=a]", "enter\n")
	equal(t, "Text after Enter", page.Text("body"), "enter42")
}

func testPress(t *testing.T, b Browser) {
	s := serve(t, pages{
		"/": html(`<style>:focus-visible { color: red }</style><input id=a><button id=b onclick="document.title = 'pressed'">b</button>
			<form action=/next><input name=q></form>`),
		"/next": html(`<title>Next</title>`),
		"/keys": html(`<script>onkeydown = event => { event.preventDefault(); document.title = event.key }</script>`),
	})
	page := b.Visit(t, Options{})
	page.Open(s + "/")
	focused := func(id string) {
		t.Helper()
		var got string
		page.Eval(`document.activeElement.id + getComputedStyle(document.activeElement).color + document.hasFocus()`, &got)
		equal(t, "what has the focus", got, id+"rgb(255, 0, 0)true")
	}

	page.Press("Tab")
	focused("a")
	page.Press("x")
	page.Press("ArrowLeft")
	page.Press("ü")
	var value string
	page.Eval(`document.querySelector("#a").value`, &value)
	equal(t, "value", value, "üx")
	page.Press("Tab")
	focused("b")
	page.Press("Space")
	equal(t, "Title after the space bar", page.Title(), "pressed")
	page.Press("Tab")
	page.Press("q")
	page.Press("Enter")
	equal(t, "URL after Enter", page.URL(), s+"/next?q=q")
	equal(t, "Title after Enter", page.Title(), "Next")

	page.Open(s + "/keys")
	for name := range named {
		page.Press(name)
		if name == "Space" {
			name = " "
		}
		// The title has no space around it.
		equal(t, "the key that the page sees", page.Title(), strings.TrimSpace(name))
	}
}

func testClick(t *testing.T, b Browser) {
	s := serve(t, pages{"/": html(`
		<style>header { position: fixed; inset: 0 0 auto; height: 100px; background: white }</style>
		<header>over the rest</header>
		<p style="margin-top: 200px"><button id=b onclick="document.title = [event.isTrusted, event.button, event.detail]">click</button>
		<p style="margin-top: 5000px"><button id=far onclick="document.title = 'far'">far</button>
		<p style="height: 2000px"><label><input type=checkbox> box</label>
		<button id=late hidden onclick="document.title = 'late'">late</button>
		<a href="#far">to far</a>
		<a id=js href="javascript:void(document.title = 'js')">js</a>
		<a id=blank href="/" target=_blank>new</a>
		<button id=say onclick="document.title = confirm('sure?')">say</button>
		<script>setTimeout(() => document.querySelector("#late").hidden = false, 300)</script>`)})
	page := b.Visit(t, Options{})
	page.Open(s + "/")

	page.Click("#b")
	equal(t, "Title after a real click", page.Title(), "true,0,1")
	equal(t, "ScrollY after a click in view", page.ScrollY(), 0)
	page.Click("#late")
	equal(t, "Title after a late button", page.Title(), "late")
	page.Click("#far")
	equal(t, "Title after a click out of view", page.Title(), "far")
	page.Eval(`scrollTo(0, document.querySelector("#far").offsetTop - 20)`, nil)
	page.Click("#far") // is under the header
	page.Click("[type=checkbox]")
	equal(t, "checked", page.Has(":checked"), true)
	page.Click("label")
	equal(t, "checked", page.Has(":checked"), false)
	page.Click("a")
	equal(t, "URL after a fragment", page.URL(), s+"/#far")
	page.Click("#js")
	equal(t, "Title after a script's link", page.Title(), "js")
	page.Click("#blank")
	equal(t, "URL after a link to a new tab", page.URL(), s+"/#far")
	page.Click("#say")
	equal(t, "Title after a dialog", page.Title(), "true")
	equal(t, "dialogs", has(page.Complaints(), "sure?"), true)
}

func testClickNavigates(t *testing.T, b Browser) {
	slowly := func(next http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { time.Sleep(150 * time.Millisecond); next(w, r) }
	}
	var s string
	s = serve(t, pages{
		"/other": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, s+"/done", http.StatusSeeOther) },
		"/": html(`<title>Home</title> <form action=/other><button id=other>other</button></form> <a id=link href=/slow>slow</a> <a id=none href=/none>none</a> <a id=empty href=/empty>empty</a>
			<form method=post action=/post><input name=a value=1><button>post</button></form>
			<form id=stay onsubmit="event.preventDefault(); document.title = 'stayed'"><button>stay</button></form>
			<button id=script onclick="location = '/slow'">script</button>
			<button id=back onclick="history.back()">back</button>
			<button id=state onclick="history.pushState(null, '', '/pushed')">state</button>
			<button id=both onclick="history.replaceState(null, '', '/pushed'); location = '/slow'">both</button>`),
		"/barred": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", "form-action 'none'")
			html(`<title>Barred</title><form method=post action=/post><button>post</button></form>`)(w, r)
		},
		"/post":  slowly(redirect("/done")),
		"/done":  slowly(html(`<title>Done</title>`)),
		"/slow":  slowly(html(`<title>Slow</title><img src=/slow.png><script>onload = () => document.title = "Slow, loaded"</script>`)),
		"/none":  slowly(status(204, "")),
		"/empty": slowly(status(500, "")),
	})
	page := b.Visit(t, Options{})
	for _, test := range []struct{ from, selector, path, title string }{
		{"/", "#link", "/slow", "Slow, loaded"},
		{"/", "[method] button", "/done", "Done"},
		{"/", "#stay button", "/", "stayed"},
		{"/", "#script", "/slow", "Slow, loaded"},
		{"/", "#state", "/pushed", "Home"},
		{"/", "#both", "/slow", "Slow, loaded"},
		{"/", "#none", "/", "Home"},
		{"/barred", "[method] button", "/barred", "Barred"},
	} {
		page.Open(s + test.from)
		page.Click(test.selector)
		equal(t, "URL after a click on "+test.selector, page.URL(), s+test.path)
		equal(t, "Title after a click on "+test.selector, page.Title(), test.title)
	}
	page.Open(strings.Replace(s, "127.0.0.1", "localhost", 1) + "/")
	page.Click("#other")
	equal(t, "URL on another site", page.URL(), s+"/done")
	page.Open(s + "/")
	page.Click("#empty")
	equal(t, "URL of an empty error", page.URL(), s+"/empty")
	page.Open(s + "/done")
	page.Open(s + "/")
	page.Click("#back")
	equal(t, "URL after going back", page.URL(), s+"/done")
	equal(t, "Title after going back", page.Title(), "Done")
}

func testScroll(t *testing.T, b Browser) {
	s := serve(t, pages{"/": html(`<style>html { scroll-behavior: smooth }</style>
		<p style="height: 4000px">far<p id=end>end<p style="height: 4000px">further`)})
	page := b.Visit(t, Options{})
	page.Open(s + "/")
	equal(t, "ScrollY", page.ScrollY(), 0)
	page.Open(s + "/#end")
	if !poll(patience, func() bool { return page.ScrollY() > 4000 }) {
		t.Errorf("ScrollY is %v; want more than 4000", page.ScrollY())
	}
}

func testEval(t *testing.T, b Browser) {
	page := b.Visit(t, Options{})
	var sum int
	page.Eval(`const two = 2; two + 3`, &sum)
	equal(t, "sum", sum, 5)
	var promised struct{ A []string }
	page.Eval(`new Promise(done => setTimeout(() => done({a: ["x", "y"]}), 10))`, &promised)
	equal(t, "promise", strings.Join(promised.A, ""), "xy")
	page.Eval(`document.title = "dropped"; document.body`, nil)
	equal(t, "Title", page.Title(), "dropped")
}

func testNoScript(t *testing.T, b Browser) {
	s := serve(t, pages{"/": html(`<body><noscript>no script</noscript><form action=/next><input name=q><button onclick="document.title = 'on'">go</button></form>
		<script>document.title = "on"</script>`), "/next": html(`<p>next<script>document.title = "on"</script>`)})
	page := b.Visit(t, Options{NoScript: true})

	for _, host := range []string{"127.0.0.1", "localhost"} {
		for _, tab := range []Page{page, page.NewTab()} {
			tab.Open(strings.Replace(s, "127.0.0.1", host, 1) + "/")
			equal(t, "Title without script", tab.Title(), "")
			equal(t, "noscript", tab.Text("noscript"), "no script")
			tab.Type("input", "typed")
			tab.Click("button")
			equal(t, "Text after a click without script", tab.Text("p"), "next")
			equal(t, "Title after a click without script", tab.Title(), "")
			equal(t, "URL", strings.HasSuffix(tab.URL(), "/next?q=typed"), true)
			var sum int
			tab.Eval(`Promise.resolve(2 + 3)`, &sum)
			equal(t, "the tester's script", sum, 5)
		}
	}

	page = b.Visit(t, Options{})
	page.Open(s + "/")
	equal(t, "Title with script", page.Title(), "on")
	equal(t, "noscript with script", page.Text("noscript"), "")
}

func testOptions(t *testing.T, b Browser) {
	s := serve(t, pages{"/": func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Header.Get("Accept-Language"))
	}})
	for _, test := range []struct {
		options           Options
		want              string
		chromium, firefox string // Firefox asks for the very language only
	}{
		{Options{}, "1280 800 en-US en-US", "en-US,en;q=0.9", "en-US"},
		{Options{Width: 390, Height: 844, Dark: true, ReducedMotion: true, Language: "de"}, "390 844 de de dark reduced", "de", "de"},
		{Options{Language: "pt-BR"}, "1280 800 pt-BR pt-BR", "pt-BR,pt;q=0.9", "pt-BR"},
		{Options{Print: true}, "1280 800 en-US en-US print", "en-US,en;q=0.9", "en-US"},
	} {
		sent := test.chromium
		if b.Name() == "Firefox" {
			sent = test.firefox
		}
		page := b.Visit(t, test.options)
		for _, tab := range []Page{page, page.NewTab()} {
			for _, host := range []string{"127.0.0.1", "localhost"} {
				tab.Open(strings.Replace(s, "127.0.0.1", host, 1) + "/")
				var got string
				tab.Eval(`const media = {dark: "(prefers-color-scheme: dark)", reduced: "(prefers-reduced-motion)", print: "print"};
					[innerWidth, innerHeight, navigator.language, Intl.DateTimeFormat().resolvedOptions().locale,
					...Object.keys(media).filter(name => matchMedia(media[name]).matches)].join(" ")`, &got)
				equal(t, "what the page sees", got, test.want)
				equal(t, "what the server sees", tab.Text("body"), sent)
			}
		}
	}
}

func testCookies(t *testing.T, b Browser) {
	in := time.Now().Add(48 * time.Hour).UTC().Truncate(time.Second)
	s := serve(t, pages{"/set/": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Set-Cookie", "plain=1")
		w.Header().Add("Set-Cookie", "full=two; Path=/; HttpOnly; SameSite=Strict; Priority=High; Expires="+in.Format(http.TimeFormat))
		w.Header().Add("Set-Cookie", "wide=3; Domain=example.localhost; Path=/; SameSite=Lax")
		w.Header().Add("Set-Cookie", "sure=4; Path=/; Secure; SameSite=None")
	}})
	page := b.Visit(t, Options{})
	page.Open(strings.Replace(s, "127.0.0.1", "www.example.localhost", 1) + "/set/")

	want := []Cookie{
		{Name: "wide", Value: "3", Domain: "example.localhost", Path: "/", Size: 5, SameSite: "Lax", Priority: "Medium"},
		{Name: "full", Value: "two", Domain: "www.example.localhost", HostOnly: true, Path: "/", Size: 7, HTTPOnly: true, SameSite: "Strict", Priority: "High", Expires: in},
		{Name: "sure", Value: "4", Domain: "www.example.localhost", HostOnly: true, Path: "/", Size: 5, Secure: true, SameSite: "None", Priority: "Medium"},
		{Name: "plain", Value: "1", Domain: "www.example.localhost", HostOnly: true, Path: "/set", Size: 6, Priority: "Medium"},
	}
	if b.Name() == "Firefox" {
		forgetPriority(want)
	}
	got := page.Cookies()
	for i := range got {
		// A browser counts from the clock of the server to its own.
		if off := got[i].Expires.Sub(want[i].Expires); 0 < off && off < 2*time.Second {
			got[i].Expires = want[i].Expires
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("Cookies are\n%+v; want\n%+v", got, want)
	}
}

// forgetPriority makes the cookies those of a browser that knows no priority.
func forgetPriority(cookies []Cookie) {
	for i := range cookies {
		cookies[i].Priority = ""
	}
}

func testSetCookie(t *testing.T, b Browser) {
	s := serve(t, pages{"/": func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("Cookie")) }})
	page := b.Visit(t, Options{})
	in := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	cookies := []Cookie{
		{Name: "a", Value: "1", Domain: "127.0.0.1", HostOnly: true, Path: "/", Size: 2, Priority: "Medium"},
		{Name: "b", Value: "2", Domain: "127.0.0.1", HostOnly: true, Path: "/", Size: 2, HTTPOnly: true, SameSite: "Strict", Priority: "Low", Expires: in},
		{Name: "c", Value: "3", Domain: "127.0.0.1", HostOnly: true, Path: "/", Size: 2, Secure: true, SameSite: "None", Priority: "High"},
		{Name: "d", Value: "4", Domain: "127.0.0.1", HostOnly: true, Path: "/elsewhere", Size: 2, SameSite: "Lax", Priority: "Medium"},
		{Name: "e", Value: "5", Domain: "example.localhost", Path: "/", Size: 2, Priority: "Medium"},
		{Name: "f", Value: "6", Domain: "example.localhost", Path: "/", Size: 2, Priority: "Medium"},
	}
	changed := "c=3; a=changed"
	if b.Name() == "Firefox" {
		forgetPriority(cookies)
		changed = "a=changed; c=3" // a cookie that is overwritten keeps its age and place, as RFC 6265 has it
	}
	for _, c := range cookies {
		page.SetCookie(c)
	}
	if got := page.Cookies(); !slices.Equal(got, cookies) {
		t.Errorf("Cookies are\n%+v; want\n%+v", got, cookies)
	}
	page.Open(s + "/")
	equal(t, "what the server gets", page.Text("body"), "a=1; b=2; c=3")
	page.Open(strings.Replace(s, "127.0.0.1", "www.example.localhost", 1) + "/")
	equal(t, "what a host below gets", page.Text("body"), "e=5; f=6")

	page.SetCookie(Cookie{Name: "a", Value: "changed", Domain: "127.0.0.1", HostOnly: true})
	page.DeleteCookie("b", s+"/")
	page.DeleteCookie("d", s+"/")
	page.DeleteCookie("e", "http://www.example.localhost/")
	page.Open(s + "/")
	equal(t, "what the server gets after a change", page.Text("body"), changed)
	equal(t, "cookies left", len(page.Cookies()), 4)
}

func testJars(t *testing.T, b Browser) {
	s := serve(t, pages{"/set": setCookie("who=ada"), "/": func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("Cookie")) }})
	one, two := b.Visit(t, Options{}), b.Visit(t, Options{})
	one.Open(s + "/set")
	two.Open(s + "/")
	equal(t, "the other visit's cookies", len(two.Cookies()), 0)
	equal(t, "what the server gets from it", two.Text("body"), "")
	one.Open(s + "/")
	equal(t, "what the server gets from the first", one.Text("body"), "who=ada")
}

func testTabs(t *testing.T, b Browser) {
	s := serve(t, pages{"/set": setCookie("who=ada"), "/": func(w http.ResponseWriter, r *http.Request) {
		html(`<input oninput="document.title = this.value"><p>`+r.Header.Get("Cookie"))(w, r)
	}})
	one := b.Visit(t, Options{})
	one.Open(s + "/set")
	two := one.NewTab()
	two.Open(s + "/")
	equal(t, "what the server gets from the other tab", two.Text("p"), "who=ada")
	equal(t, "cookies of the other tab", len(two.Cookies()), 1)
	one.Open(s + "/")
	one.Type("input", "first") // each tab has the keyboard
	two.Type("input", "second")
	equal(t, "Title of the first tab", one.Title(), "first")
	equal(t, "Title of the second tab", two.Title(), "second")
	one.CloseTab()
	equal(t, "Text after the first tab has closed", two.Text("p"), "who=ada")
	three := two.NewTab()
	three.Open(s + "/")
	equal(t, "Text of a third tab", three.Text("p"), "who=ada")
}

func testComplaints(t *testing.T, b Browser) {
	strict := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", "default-src 'self'")
			html(body)(w, r)
		}
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	s := serve(t, pages{
		"/clean":  html(`<title>Clean</title><script>console.log("fine")</script><form><input type=password><button>go</button></form>`),
		"/denied": status(403, "no"),
		"/empty":  status(500, ""),
		"/csp":    strict(`<title>CSP</title><script>document.title = "run"</script>`),
		"/directive": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", "frobnicate-src 'self'")
			html(`<title>CSP</title>`)(w, r)
		},
		"/style":       strict(`<p style="color: red">`),
		"/image":       strict(`<img src="http://elsewhere.localhost/x.png">`),
		"/console":     html(`<script>console.error("boom", 1, {a: 1}); console.warn("careful"); console.assert(false, "wrong")</script>`),
		"/throw":       html(`<script>setTimeout(() => { throw new Error("thrown") })</script>`),
		"/reject":      html(`<script>Promise.reject(new Error("rejected"))</script>`),
		"/missing":     html(`<img src="/missing.png">`),
		"/frame":       html(`<iframe src="/denied"></iframe>`),
		"/fetch":       html(`<button onclick="fetch('/slowly')">go</button>`),
		"/slowly":      func(w http.ResponseWriter, r *http.Request) { time.Sleep(300 * time.Millisecond); w.WriteHeader(502) },
		"/favicon":     html(`<link rel=icon href="/missing.ico">`),
		"/alert":       html(`<script>alert("injected")</script>`),
		"/broken":      html(`<img src="` + gone.URL + `/x.png">`),
		"/gone":        html(`<a href="` + gone.URL + `">gone</a>`),
		"/favicon.ico": status(204, ""),
	})

	page := b.Visit(t, Options{})
	equal(t, "status", page.Open(s+"/clean"), 200)
	page.Click("button")
	equal(t, "status", page.Open(s+"/denied"), 403)
	page.Reload()
	equal(t, "status", page.Open(s+"/empty"), 500)
	if got := page.Complaints(); len(got) != 0 {
		t.Errorf("Complaints about clean pages and error statuses are %q", got)
	}

	seen := 0
	for path, words := range map[string]struct{ chromium, firefox []string }{
		"/csp":       {[]string{"security: Executing inline script violates"}, []string{"CSP_CSPInlineScriptViolation2: Content-Security-Policy"}},
		"/style":     {[]string{"security: Applying inline style violates"}, []string{"CSP_CSPInlineStyleViolation2: Content-Security-Policy"}},
		"/image":     {[]string{"security: Loading the image"}, []string{"blocked the loading of a resource (img-src) at http://elsewhere.localhost/x.png"}},
		"/directive": {[]string{"frobnicate-src"}, []string{"frobnicate-src"}},
		"/console": {
			[]string{"console.error: boom 1 Object", "console.warning: careful", "console.assert: wrong"},
			[]string{"console.error: boom 1 Object", "console.warn: careful", "console.assert: wrong"},
		},
		"/throw":   {[]string{"exception: Uncaught Error: thrown"}, []string{"content javascript: Error: thrown"}},
		"/reject":  {[]string{"exception: Uncaught (in promise) Error: rejected"}, []string{"content javascript: Error: rejected"}},
		"/missing": {[]string{"404 (Not Found) (" + s + "/missing.png)"}, []string{"404 (Not Found) (" + s + "/missing.png)"}},
		"/frame":   {[]string{"403 (Forbidden) (" + s + "/denied)"}, []string{"403 (Forbidden) (" + s + "/denied)"}},
		"/fetch":   {[]string{"502 (Bad Gateway) (" + s + "/slowly)"}, []string{"502 (Bad Gateway) (" + s + "/slowly)"}},
		"/favicon": {[]string{"404 (Not Found) (" + s + "/missing.ico)"}, []string{"404 (Not Found) (" + s + "/missing.ico)"}},
		"/alert":   {[]string{"dialog: injected"}, []string{"dialog: injected", "Layout was forced"}}, // by the dialog
		"/broken":  {[]string{"net::ERR_CONNECTION_REFUSED (" + gone.URL + "/x.png)"}, []string{"network: NS_ERROR_CONNECTION_REFUSED (" + gone.URL + "/x.png)"}},
		"/gone":    {[]string{"document: net::ERR_CONNECTION_REFUSED (" + gone.URL + "/)"}, []string{"document: connectionFailure (" + gone.URL + "/)"}},
	} {
		want := words.chromium
		if b.Name() == "Firefox" {
			want = words.firefox
		}
		page.Open(s + path)
		for _, selector := range []string{"button", "a"} {
			if page.Has(selector) {
				page.Click(selector)
			}
		}
		got := page.Complaints()[seen:]
		seen += len(got)
		if len(got) != len(want) {
			t.Errorf("Complaints about %s are %q; want %d of them", path, got, len(want))
		}
		for _, part := range want {
			if !has(got, part) {
				t.Errorf("Complaints about %s are %q; want one with %q", path, got, part)
			}
		}
	}
}

func testScreenshot(t *testing.T, b Browser) {
	s := serve(t, pages{"/": html(`<style>* { margin: 0 }</style><p style="height: 2800px; background: blue"><p style="height: 200px; background: red">`)})
	page := b.Visit(t, Options{Width: 400, Height: 300})
	page.Open(s + "/")
	whole := shoot(t, page.Screenshot)
	equal(t, "size of the page", whole.Bounds().Size().String(), "(400,3000)")
	equal(t, "color at the end", isRed(whole.At(399, 2999)), true)
	page.Eval("scrollTo(0, 2700)", nil)
	view := shoot(t, page.ScreenshotView)
	equal(t, "size of the window", view.Bounds().Size().String(), "(400,300)")
	equal(t, "color at the top", isRed(view.At(0, 0)), false)
	equal(t, "color at the end", isRed(view.At(399, 299)), true)
}

// shoot takes a screenshot and reads it.
func shoot(t *testing.T, take func(file string)) image.Image {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.png")
	take(file)
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	picture, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

func isRed(c color.Color) bool {
	red, green, _, _ := c.RGBA()
	return red == 0xffff && green == 0
}

// testFatal makes the tester's mistakes; those that wait do so with less patience.
func testFatal(t *testing.T, b Browser) {
	s := serve(t, pages{
		"/":         html(`<p>here</p><button disabled>off</button><b hidden>b</b><i>under</i><u style="position: fixed; inset: 0">over</u>`),
		"/hang":     html(`<img src="/hang.png">`),
		"/hang.png": func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	})
	heir := &listener{TB: t}
	page := b.Visit(heir, Options{}).(*tab)
	refused := "does not open: net::ERR"
	if b.Name() == "Firefox" {
		refused = "does not open: Error: deniedPortAccess"
	}
	for _, test := range []struct {
		patience time.Duration
		want     string
		mistake  func()
	}{
		{patience, refused, func() { page.Open("http://127.0.0.1:1/") }},
		{patience, "http://u v/ does not open: ", func() { page.Open("http://u v/") }},
		{patience, "does not accept the cookie", func() { page.SetCookie(Cookie{Name: "a;b", Domain: "x.localhost"}) }},
		{patience, "", func() { page.Open(s + "/") }},
		{patience, "Error: mine", func() { page.Eval("throw new Error('mine')", nil) }},
		{patience, "decoded", func() { page.Eval("undefined", new(int)) }},
		{patience, `there is no key "Tabulator"`, func() { page.Press("Tabulator") }},
		{patience, "is not a valid selector", func() { page.Has("<") }},
		{500 * time.Millisecond, "/ shows no element table after 500ms", func() { page.Text("table") }},
		{500 * time.Millisecond, "/ shows no element img after 500ms", func() { page.Attr("img", "src") }},
		{500 * time.Millisecond, `/ says "here" after 500ms; it should say "there"`, func() { page.WaitText("p", "there") }},
		{500 * time.Millisecond, `/ shows no element table after 500ms; it should say "there"`, func() { page.WaitText("table", "there") }},
		{500 * time.Millisecond, "cannot be clicked after 500ms: it does not exist", func() { page.Click("table") }},
		{500 * time.Millisecond, "cannot be clicked after 500ms: it is not visible", func() { page.Click("b") }},
		{500 * time.Millisecond, `cannot be clicked after 500ms: it is covered by <u style`, func() { page.Click("i") }},
		{500 * time.Millisecond, "after 500ms: it does not take the focus", func() { page.Type("p", "x") }},
		{500 * time.Millisecond, "/hang does not finish loading in 500ms", func() { page.Open(s + "/hang") }},
	} {
		page.patience = test.patience
		heir.listen(test.mistake)
		if !strings.Contains(heir.heard, test.want) || test.want == "" && heir.heard != "" {
			t.Errorf("the test ends with %q; want %q", heir.heard, test.want)
		}
	}
}

// listener is a test that notes how it ends.
type listener struct {
	testing.TB
	heard string
}

func (l *listener) Fatalf(format string, args ...any) {
	l.Helper()
	l.heard = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (l *listener) Fatal(args ...any) { l.Fatalf("fatal: %s", fmt.Sprint(args...)) }
func (l *listener) Skip(args ...any)  { l.Fatalf("skip: %s", fmt.Sprint(args...)) }

// listen tells a story to its end, even if that comes early.
func (l *listener) listen(story func()) {
	l.heard = ""
	done := make(chan struct{})
	go func() { defer close(done); story() }()
	<-done
}

// pages are the answers of a small server by their path.
type pages map[string]http.HandlerFunc

// serve starts the server for the time of the test and gives its address. It
// has an icon, so that no browser complains about that.
func serve(t *testing.T, p pages) string {
	mux := http.NewServeMux()
	for path, handler := range p {
		if path == "/" {
			path = "/{$}"
		}
		mux.HandleFunc(path, handler)
	}
	if p["/favicon.ico"] == nil {
		mux.HandleFunc("/favicon.ico", status(204, ""))
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func html(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!doctype html>", body)
	}
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(code); fmt.Fprint(w, body) }
}

func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusSeeOther) }
}

func setCookie(line string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Set-Cookie", line) }
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v; want %v", what, got, want)
	}
}

// has reports whether one of the complaints contains the part.
func has(complaints []string, part string) bool {
	return slices.ContainsFunc(complaints, func(c string) bool { return strings.Contains(c, part) })
}
