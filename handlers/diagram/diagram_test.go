// Diagrams: what is drawn is what happened, in the order of happening, and the
// list says the same.

package diagram_test

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"cookielab/handlers/labtest"
	"cookielab/handlers/lanes"
	"cookielab/handlers/notebook"
	"cookielab/handlers/webtest"
	"cookielab/sessions"
)

// none complains if one of the texts has it.
func none(t *testing.T, what string, texts []string, unwanted string) {
	t.Helper()
	if slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(s, unwanted) }) {
		t.Errorf("%s: %q in %q", what, unwanted, texts)
	}
}

// A dashboard of somebody who is signed in: the store is asked between the
// signed way's conclusion and the session way's, and nowhere else.
func TestDrawingIsInTheOrderOfHappening(t *testing.T) {
	c := labtest.New(t).Client().SignIn("alice")
	c.Get("/dashboard")
	en := c.Draw(t, "en", 1)
	webtest.InOrder(t, "the picture", en.Labels, "Browser", "Server", "Store", "GET /dashboard", "plain_user", "signed_user", "lab_sessionid", "lab_notebook",
		"Plain: Believed", "Signed: Verified", "load", "found", " ms", "Session: Found", "200 OK")
	webtest.InOrder(t, "the list", en.Steps, "GET /dashboard, and brings plain_user signed_user lab_sessionid lab_notebook",
		"Plain cookie · Believed", "Signed cookie · Verified", "asks the store: load, and the store answers: found", "Server-side session · Found", "answers: 200 OK")
	if len(en.Steps) != 6 {
		t.Errorf("%d steps: %q", len(en.Steps), en.Steps)
	}
	webtest.InOrder(t, "the facts", en.Labels, "alice · student", "alice · student", "alice · student")
	webtest.InOrder(t, "the lab's own", en.Asides, "it is none of the three ways")
	none(t, "nobody is pale", en.Pale, "")
	zh := c.Draw(t, "zh", 1)
	webtest.InOrder(t, "in Chinese", zh.Labels, "浏览器", "服务器", "存储", "GET /dashboard", "普通：直接相信", "签名：验签通过", "读取", "找到", "Session：找到记录", "200 OK")
	webtest.InOrder(t, "the Chinese list", zh.Steps, "浏览器请求服务器：GET /dashboard，带来 plain_user", "普通 Cookie", "存储返回：找到", "服务器响应：200 OK")
}

// Nothing came, so nothing was asked.
func TestStoreThatWasNotAskedIsPale(t *testing.T) {
	c := labtest.New(t).Client()
	c.Get("/dashboard", webtest.With("Cookie", ""))
	d := c.Draw(t, "en", 1)
	webtest.InOrder(t, "pale", d.Pale, "Store", "not asked")
	webtest.InOrder(t, "the request", d.Labels, "no Cookie", "Nothing came", "Nothing came", "Nothing came", "200 OK", "lab_notebook")
	webtest.InOrder(t, "the list", d.Asides, "The store was not asked for a session.")
	webtest.InOrder(t, "the request in words", d.Steps, "brings no cookie", "and sets lab_notebook")
	if zh := c.Draw(t, "zh", 1); !slices.Contains(zh.Pale, "未查询") {
		t.Errorf("in Chinese: %q", zh.Pale)
	}
}

// A deletion is crossed out, and the list says so.
func TestDeletionsAreCrossedOut(t *testing.T) {
	c := labtest.New(t).Client().SignIn("alice")
	none(t, "a login", c.Draw(t, "en", 1).Steps, "deletes")
	c.Post("/logout", nil)
	d := c.Draw(t, "en", 1)
	if d.CrossedOut != 3 {
		t.Errorf("%d are crossed out", d.CrossedOut)
	}
	webtest.InOrder(t, "the picture", d.Labels, "POST /logout", "delete", "deleted", "303 See Other → /dashboard")
	webtest.InOrder(t, "the list", d.Steps, "go on to /dashboard, and sets lab_notebook, and deletes plain_user signed_user lab_sessionid")
}

// The replay stands inside of the deed that caused it: it began later and ended
// sooner.
func TestReplayIsDrawnInsideItsAction(t *testing.T) {
	c := labtest.New(t).Client().SignIn("alice")
	c.Post("/act/copy", nil)
	d := c.Draw(t, "en", 2)
	webtest.InOrder(t, "the picture", d.Labels, "another program", "POST /act/copy", "GET /api/lanes", "Session: Found", "200 OK", "303 See Other → /dashboard")
	webtest.InOrder(t, "the list", d.Steps, "The browser asks the server: POST /act/copy", "Another program asks the server: GET /api/lanes", "200 OK", "303 See Other")
	none(t, "all take part", d.Pale, "")

	wire := c.Wire()
	alone := webtest.TakeApart(t, string(webtest.Draw("en", wire[len(wire)-2:len(wire)-1])))
	alone.Sound()
	webtest.InOrder(t, "pale", alone.Pale, "Browser", "took no part")
	webtest.InOrder(t, "in words", alone.Asides, "The browser took no part.")
}

// Store operations that are the lab's own make no arrows; what they cost is said.
func TestOwnOperationsAreNotDrawn(t *testing.T) {
	start := time.Now()
	op := func(name, purpose string, err error) sessions.StoreOp {
		return sessions.StoreOp{Name: name, Purpose: purpose, Store: "sqlite", Start: start, Duration: 250 * time.Microsecond, Err: err}
	}
	draw := func(ops ...sessions.StoreOp) *webtest.Drawing {
		d := webtest.TakeApart(t, string(webtest.Draw("en", []*notebook.Exchange{{
			Number: 7, Client: notebook.ClientBrowser, Start: start, Duration: time.Millisecond, Method: "GET", Target: "/", Status: 200, Ops: ops,
		}})))
		d.Sound()
		return d
	}
	own := draw(op("load", "notebook", nil), op("update", "notebook", nil), op("load", "", nil))
	webtest.InOrder(t, "summed up", own.Asides, "3 ×, 0.75 ms")
	webtest.InOrder(t, "pale", own.Pale, "not asked")
	if own.DashedLines != 1 { // the response
		t.Errorf("%d answers are drawn", own.DashedLines)
	}
	for name, test := range map[string]struct {
		op   sessions.StoreOp
		want string
	}{
		"a record left behind is ended":  {op("delete", "", nil), "deleted"},
		"a key without a record":         {op("load", "session", sessions.ErrNotFound), "not found"},
		"a record whose time is over":    {op("load", "session", sessions.ErrExpired), "expired"},
		"a key that was replaced":        {op("load", "session", sessions.ErrReplaced), "only a note: key replaced"},
		"a record that somebody changed": {op("update", "session", sessions.ErrConflict), "changed meanwhile"},
		"a new record":                   {op("create", "session", nil), "stored"},
		"a key that is taken":            {op("create", "session", sessions.ErrExists), "exists already"},
		"a store that is down":           {op("load", "session", sessions.ErrUnavailable), "no answer"},
		"a list":                         {op("by owner", "session", nil), "done"},
	} {
		t.Run(name, func(t *testing.T) {
			d := draw(test.op)
			webtest.InOrder(t, "the picture", d.Labels, "Store", test.want, "0.25 ms")
			webtest.InOrder(t, "the list", d.Steps, "the store answers: "+test.want)
			none(t, "nobody is pale", d.Pale, "")
		})
	}
}

// Long and hostile texts: the picture stays within its labels, the list has
// more, and all of it is text.
func TestDrawingOfHostileText(t *testing.T) {
	hostile := "</text></svg><script>alert(1)</script>\x00\x1b\xff\u202e'\"&" + strings.Repeat("长", 300)
	e := &notebook.Exchange{
		Number: 1, Client: notebook.ClientBrowser, Start: time.Now(), Method: hostile, Target: "/" + hostile, Cookie: hostile + "=1; plain_user=2",
		Status: 299, Location: hostile, SetCookie: []string{hostile + "=1; Max-Age=0"},
		Findings: []notebook.Conclusion{{Finding: lanes.Finding{Lane: lanes.Plain, Verdict: lanes.Believed, Who: lanes.Identity{User: hostile, Role: hostile}}}},
	}
	figure := string(webtest.Draw("en", []*notebook.Exchange{e}))
	d := webtest.TakeApart(t, figure)
	d.Sound()
	if d.Elements["script"] > 0 || strings.ContainsAny(figure, "\x00\x1b") || !utf8.ValidString(figure) {
		t.Error("it is more than text")
	}
	webtest.InOrder(t, "the label", d.Labels, "</text></svg><script>alert(1)</…")
	webtest.InOrder(t, "the list", d.Steps, strings.Repeat("长", 50))
}

// Nothing to draw, and a status without a name.
func TestDrawingOfNothing(t *testing.T) {
	if figure := webtest.Draw("en", nil); figure != "" {
		t.Errorf("of nothing: %s", figure)
	}
	d := webtest.TakeApart(t, string(webtest.Draw("en", []*notebook.Exchange{{Client: notebook.ClientBrowser, Status: 999}})))
	d.Sound()
	webtest.InOrder(t, "the status", d.Labels, "999")
}

// What a drawing costs each dashboard.
func BenchmarkDraw(b *testing.B) {
	lab := labtest.New(b)
	c := lab.Client().SignIn("alice")
	c.Get("/dashboard")
	wire := c.Wire()
	last := wire[len(wire)-1:]
	b.ReportAllocs()
	for b.Loop() {
		webtest.Draw("en", last)
	}
}
