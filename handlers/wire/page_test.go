// The wire's page and its API: what they show is what was sent, to whom it
// belongs, and nothing of it does anything.

package wire_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"cookielab/handlers"
	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
	"cookielab/handlers/wire"
	"cookielab/sessions/storetest"
)

// wireOf is what /api/wire answers.
func wireOf(t *testing.T, c *webtest.Client) []wire.Exchange {
	t.Helper()
	r := c.Get("/api/wire")
	if kind := r.Header.Get("Content-Type"); kind != "application/json" || len(r.Cookies) > 0 {
		t.Fatalf("GET /api/wire: %s, cookies %v", kind, r.Cookies)
	}
	exchanges := webtest.JSON[struct{ Exchanges []wire.Exchange }](t, r).Exchanges
	if exchanges == nil {
		t.Fatalf("no list: %s", r.Body)
	}
	return exchanges
}

func TestWireAPISaysWhatWasSent(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client().SignIn("alice")
	brought := "other=xyz; " + c.Header()
	answer := c.Post("/logout?x=1", nil, webtest.With("Cookie", brought), webtest.With("User-Agent", "a browser/1"),
		webtest.With("Sec-Fetch-Mode", "navigate"), webtest.With("Sec-Fetch-Dest", "document"), webtest.With("Sec-Fetch-User", "?1"))
	wire := wireOf(t, c)
	e := wire[len(wire)-1]
	for _, fact := range []struct{ name, got, want string }{
		{"number", fmt.Sprint(e.Number), "2"},
		{"client", e.Client, "browser"},
		{"method", e.Method, "POST"},
		{"target", e.Target, "/logout?x=1"},
		{"protocol", e.Protocol, "HTTP/1.1"},
		{"host", e.Host, lab.Addr},
		{"fetch", fmt.Sprint(e.Fetch), "{same-origin navigate document ?1}"},
		{"user_agent", e.UserAgent, "a browser/1"},
		{"cookie", e.Cookie, brought},
		{"status", fmt.Sprint(e.Status), "303"},
		{"location", e.Location, "/dashboard"},
		{"set_cookie", strings.Join(e.SetCookie, "\n"), strings.Join(answer.Header.Values("Set-Cookie"), "\n")},
		{"cut", fmt.Sprint(e.Cut), "false"},
	} {
		if fact.got != fact.want {
			t.Errorf("%s: %q, not %q", fact.name, fact.got, fact.want)
		}
	}
	lanes := map[string]string{"plain_user": "plain", "signed_user": "signed", "lab_sessionid": "session"}
	var pairs []string
	for _, cookie := range e.Cookies {
		lane := ""
		if cookie.Lane != nil {
			lane = *cookie.Lane
		}
		if lane != lanes[cookie.Name] {
			t.Errorf("%s is of %q", cookie.Name, lane)
		}
		pairs = append(pairs, fmt.Sprint(cookie.Name, *cookie.Bytes))
	}
	var want []string
	for pair := range strings.SplitSeq(brought, "; ") {
		name, _, _ := strings.Cut(pair, "=")
		want = append(want, fmt.Sprint(name, len(pair)-1))
	}
	if !slices.Equal(pairs, want) {
		t.Errorf("cookies are %q, not %q", pairs, want)
	}
	var verdicts []string
	for _, f := range e.Findings {
		if f.User == nil || *f.User != "alice" || f.Role == nil || *f.Role != "student" || f.Reason == "" {
			t.Errorf("finding %+v", f)
		}
		verdicts = append(verdicts, f.Lane+" "+string(f.Verdict))
	}
	if got := strings.Join(verdicts, ", "); got != "plain believed, signed verified, session found" {
		t.Errorf("findings: %s", got)
	}
	var ops []string
	for _, op := range e.Store {
		if op.Error != nil || op.DurationMS <= 0 || op.Store == "" {
			t.Errorf("store: %+v", op)
		}
		ops = append(ops, op.Purpose+" "+op.Name)
	}
	if got := strings.Join(ops, ", "); got != "notebook load, session load, session delete, notebook create, notebook update" {
		t.Errorf("store: %s", got)
	}
	if since := time.Since(e.Start); since < 0 || since > time.Minute || e.DurationMS <= 0 {
		t.Errorf("start %v, duration %v", e.Start, e.DurationMS)
	}
	if len(e.KeptBack) != 0 {
		t.Errorf("stayed home: %+v", e.KeptBack)
	}
	// Programs read names, and lists that are never null.
	c.Drop("lab_sessionid")
	c.Get("/api/lanes")
	var raw struct{ Exchanges []map[string]any }
	if err := json.Unmarshal([]byte(c.Get("/api/wire").Body), &raw); err != nil {
		t.Fatal(err)
	}
	for _, e := range raw.Exchanges { // the login brought no cookie, the last one set none
		for _, name := range []string{"cookies", "stayed_home", "set_cookie", "store", "findings"} {
			if _, ok := e[name].([]any); !ok {
				t.Errorf("%s of number %v is %v", name, e["number"], e[name])
			}
		}
	}
}

func TestWireAPINamesFailures(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client()
	c.Get("/dashboard")
	lab.Sessions.Before = storetest.Down("create")
	c.Post("/login", webtest.Login("alice"))
	lab.Sessions.Before = nil
	c.Carry("lab_sessionid", strings.Repeat("a", 32)).Get("/dashboard")
	failed := map[string]string{}
	for _, e := range wireOf(t, c) {
		for _, op := range e.Store {
			if op.Error != nil {
				failed[op.Name] = *op.Error
			}
		}
	}
	if failed["create"] != "unavailable" || failed["load"] != "not_found" {
		t.Errorf("failures: %v", failed)
	}
}

// Nobody sees another's wire: neither a stranger, nor another visitor, nor who
// has the session but not the notebook.
func TestWireIsForItsNotebookAlone(t *testing.T) {
	lab := labtest.New(t)
	alice, bob := lab.Client().SignIn("alice"), lab.Client().SignIn("bob")
	alice.Get("/dashboard?a-secret-of-alice")
	thief := lab.Client()
	for _, cookie := range alice.Cookies {
		if cookie.Name != webtest.NotebookCookie {
			thief.Carry(cookie.Name, cookie.Value)
		}
	}
	for name, c := range map[string]*webtest.Client{
		"a stranger": lab.Client(), "bob": bob, "a thief of the session": thief, "a made-up key": lab.Client().Carry(webtest.NotebookCookie, strings.Repeat("a", 32)),
	} {
		t.Run(name, func(t *testing.T) {
			for _, e := range wireOf(t, c) {
				if strings.Contains(e.Target, "alice") || strings.Contains(e.Cookie, alice.Cookie("lab_sessionid")) {
					t.Errorf("the API shows %s", e.Target)
				}
			}
			if page := c.Get("/wire").Body; strings.Contains(page, "a-secret-of-alice") || name != "a thief of the session" && strings.Contains(page, "alice") {
				t.Error("the page shows alice's")
			}
		})
	}
	if own := alice.Get("/wire").Body; !strings.Contains(own, "a-secret-of-alice") {
		t.Error("alice does not see her own")
	}
}

func TestWireShowsTheNewestFifty(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client()
	for range 53 {
		c.Get("/dashboard")
	}
	wire := wireOf(t, c)
	if len(wire) != 50 || wire[0].Number != 4 || wire[49].Number != 53 {
		t.Errorf("the API has %d, from %d to %d", len(wire), wire[0].Number, wire[len(wire)-1].Number)
	}
	page := c.Get("/wire").Body
	numbers, texts := webtest.Items(page)
	if len(numbers) != 50 || numbers[0] != "53" || numbers[49] != "4" {
		t.Errorf("the page has %d: %v", len(numbers), numbers)
	}
	for i, text := range texts {
		if open := strings.Contains(text, "<details open>"); open != (i == 0) {
			t.Errorf("number %s is open: %v", numbers[i], open)
		}
		if strings.Count(text, "<svg role=\"img\"") != 1 || strings.Count(text, `<div class="copyfield"><pre>GET /dashboard`) != 1 {
			t.Errorf("number %s is not drawn, or not there as text", numbers[i])
		}
	}
	if !strings.Contains(page, `data-events="/wire/events?after=53&amp;lang=en"`) || !strings.Contains(page, "Reload this page to see newer ones.") {
		t.Error("the page does not say how to see newer ones")
	}
}

// Looking must not push out what is looked at; the page alone is a page like
// any other.
func TestLookingIsNotOnTheWire(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client()
	c.Get("/dashboard")
	c.Get("/api/wire")
	stream := c.Follow("?after=0")
	stream.Next()
	stream.Close()
	if wire := wireOf(t, c); len(wire) != 1 {
		t.Errorf("%d are on the wire", len(wire))
	}
	c.Get("/wire")
	if wire := wireOf(t, c); len(wire) != 2 || wire[1].Target != "/wire" {
		t.Errorf("after the page: %+v", wire)
	}
}

func TestEmptyWire(t *testing.T) {
	lab := labtest.New(t)
	for language, words := range map[string]string{"en": "Nothing has travelled yet.", "zh": "还没有传送过任何内容。"} {
		t.Run(language, func(t *testing.T) {
			c := lab.Client()
			page := c.Get("/wire?lang=" + language).Body
			if !strings.Contains(page, `id="no-exchanges">`+words) {
				t.Error("nothing is said")
			}
			if again := c.Get("/wire").Body; !strings.Contains(again, `id="no-exchanges" hidden>`) || !strings.Contains(again, `id="exchange-1"`) {
				t.Error("reloaded, it is not the first")
			}
		})
	}
}

// The raw text can be copied: it is what was sent, line by line.
func TestWireAsText(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client().SignIn("alice")
	answer := c.Post("/act/edit", nil, webtest.With("User-Agent", "a browser/1"))
	_, texts := webtest.Items(c.Get("/wire").Body)
	_, raw, _ := strings.Cut(texts[0], "<pre>")
	raw, _, _ = strings.Cut(raw, "</pre>")
	brought := lab.WireOf(c.Cookie(webtest.NotebookCookie))[1].Cookie
	want := "POST /act/edit HTTP/1.1\nHost: " + lab.Addr + "\nSec-Fetch-Site: same-origin\nUser-Agent: a browser/1\nCookie: " + brought +
		"\n\nHTTP/1.1 303 See Other\nLocation: /dashboard"
	for _, line := range answer.Header.Values("Set-Cookie") {
		want += "\nSet-Cookie: " + line
	}
	if got := html.UnescapeString(raw); got != want {
		t.Errorf("%s\nis not\n%s", got, want)
	}
}

func TestReplayOnTheWirePage(t *testing.T) {
	c := labtest.New(t).Client().SignIn("alice")
	c.Post("/act/copy", nil)
	wire := wireOf(t, c)
	if replay := wire[len(wire)-2]; replay.Client != "another program" || replay.Target != "/api/lanes" {
		t.Errorf("%s by %s", replay.Target, replay.Client)
	}
	for language, words := range map[string]string{"en": "by another program", "zh": "由另一个程序发出"} {
		_, texts := webtest.Items(c.Get("/wire?lang=" + language).Body)
		var marked []string
		for _, text := range texts {
			if strings.Contains(text, words) {
				marked = append(marked, text)
			}
		}
		if len(marked) != 1 || !strings.Contains(marked[0], "GET /api/lanes") {
			t.Errorf("in %s %d are marked as another program's", language, len(marked))
		}
	}
}

// A cookie that stayed home is shown with its reason where that is knowable,
// and with none where it is not.
func TestStayedHome(t *testing.T) {
	onDoors := func(config *handlers.Config) { config.Cookie.Path = "/door" }
	for _, test := range []struct {
		name    string
		options []func(*handlers.Config)
		wait    time.Duration
		path    string
		drops   string
		reason  string
		words   map[string]string
	}{
		{"its Path", []func(*handlers.Config){onDoors}, 0, "/dashboard", "lab_sessionid", "path",
			map[string]string{"en": "Path /door does not cover /dashboard", "zh": "Path /door 不包括 /dashboard"}},
		{"its time", nil, 15 * 24 * time.Hour, "/dashboard", "signed_user", "over", map[string]string{"en": "time was over", "zh": "时间"}},
		{"nobody knows", nil, 0, "/dashboard", "plain_user", "unknown", map[string]string{"en": "the request does not tell", "zh": "从请求里看不出来"}},
		{"nobody knows, though it has a Path", []func(*handlers.Config){onDoors}, 0, "/door/session", "lab_sessionid", "unknown", map[string]string{"en": "the request does not tell"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			lab := labtest.New(t, test.options...)
			c := lab.Client().SignIn("alice")
			lab.Clock.Advance(test.wait)
			c.Drop(test.drops)
			c.Get(test.path)
			wire := wireOf(t, c)
			home := wire[len(wire)-1].KeptBack
			if len(home) != 1 || home[0].Name != test.drops || home[0].Reason != test.reason || !strings.Contains(home[0].Message, test.words["en"]) {
				t.Fatalf("stayed home: %+v", home)
			}
			for language, words := range test.words {
				d := c.Draw(t, language, 1)
				webtest.InOrder(t, "the list", d.Asides, words)
				webtest.InOrder(t, "the picture", d.Labels, test.drops)
				_, texts := webtest.Items(c.Get("/wire?lang=" + language).Body)
				if !slices.ContainsFunc(texts, func(text string) bool {
					return strings.Contains(text, `<span class="bit home lane-`) && strings.Contains(text, words)
				}) {
					t.Errorf("in %s the page does not show it", language)
				}
				c.Get(test.path) // what is drawn next is the last exchange again
			}
		})
	}
	t.Run("what never was set did not stay home", func(t *testing.T) {
		c := labtest.New(t).Client()
		c.Get("/dashboard")
		c.Get("/dashboard")
		if home := wireOf(t, c)[1].KeptBack; len(home) > 0 {
			t.Errorf("stayed home: %+v", home)
		}
	})
}

// What a visitor writes is text on the page, in the drawing, in the API and in
// the stream.
func TestHostileTextOnTheWire(t *testing.T) {
	lab := labtest.New(t)
	for _, hostile := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</pre></details></li><h1>x`, `</text></svg><script>alert(1)</script>`,
		"\r\n\r\nid: 999\nevent: exchange\ndata: <b>x</b>\n\n", `{{.}}`, "\x00\x1b", `]]><!--`, `⟨wire.title⟩`,
	} {
		t.Run(fmt.Sprintf("%q", hostile), func(t *testing.T) {
			c := lab.Client()
			c.Get("/dashboard")
			c.Carry("plain_user", "user="+url.QueryEscape(hostile)+"&role="+url.QueryEscape(hostile))
			printable := strings.Map(func(r rune) rune {
				if r < ' ' || strings.ContainsRune(`";\,`, r) {
					return -1
				}
				return r
			}, hostile)
			if printable == "" {
				printable = "x"
			}
			c.Carry("other", printable).Carry(printable, "1")
			stream := c.Follow("?after=1")
			c.Get("/dashboard?x="+url.QueryEscape(hostile), webtest.With("User-Agent", printable), webtest.With("Sec-Fetch-Dest", printable))
			event := stream.Next()
			stream.Close()
			if event.Id != "2" || event.Name != "exchange" || strings.Count(event.Data, "<li class=\"exchange") != 1 {
				t.Fatalf("the stream tells %+v", event)
			}
			page := c.Get("/wire")
			for where, text := range map[string]string{"the page": page.Body, "the stream": event.Data} {
				if found := webtest.Live(text); found != "" {
					t.Errorf("%s has a live %s", where, found)
				}
				if strings.ContainsAny(printable, "<>") && strings.Contains(text, printable) {
					t.Errorf("%s has it as it came", where)
				}
				if strings.Count(text, "<pre>") != strings.Count(text, "</pre>") || strings.ContainsAny(text, "\x00\x1b") {
					t.Errorf("%s is broken up", where)
				}
				if !strings.Contains(html.UnescapeString(text), "User-Agent: "+strings.TrimSpace(printable)) {
					t.Errorf("%s does not show it as it is", where)
				}
			}
			c.Draw(t, "en", 1, printable)
			api := c.Get("/api/wire")
			if strings.ContainsAny(api.Body, "<>") {
				t.Errorf("the API answers %s", api.Body)
			}
			if wire := wireOf(t, c); wire[1].UserAgent != strings.TrimSpace(printable) || *wire[1].Findings[0].User != hostile {
				t.Errorf("the API says %q and %q", wire[1].UserAgent, *wire[1].Findings[0].User)
			}
		})
	}
}

// BenchmarkWirePage asks for the page when all fifty are there.
func BenchmarkWirePage(b *testing.B) {
	lab := labtest.New(b)
	c := lab.Client().SignIn("alice")
	for range 50 {
		c.Get("/dashboard")
	}
	for b.Loop() {
		b.ReportMetric(float64(len(c.Get("/wire").Body)), "bytes")
	}
}
