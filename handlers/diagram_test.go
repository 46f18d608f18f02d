// Diagrams: what is drawn is what happened, in the order of happening, and the
// list says the same.

package handlers_test

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"cookielab/handlers/lanes"
	"cookielab/handlers/notebook"
	"cookielab/sessions"
)

// drawing is a diagram taken apart; taking it apart proves that it is
// well-formed XML, so that no text of it can be anything but text.
type drawing struct {
	t           *testing.T
	elements    map[string]int
	titles      []string // of <title> and <desc>
	labels      []string // of <text>, from the top down, without the numbers
	numbers     []string // the numbers in the picture
	steps       []string // the list's items that have a number
	values      []string // their numbers
	asides      []string // the list's other items
	pale        []string // the labels of lifelines that take no part
	described   string   // aria-labelledby
	ids         []string
	attributes  []string // names of all
	crossedOut  int
	dashedLines int
}

func takeApart(t *testing.T, figure string) *drawing {
	t.Helper()
	d := &drawing{t: t, elements: map[string]int{}}
	decoder := xml.NewDecoder(strings.NewReader(figure))
	var path []xml.StartElement
	var item strings.Builder
	attribute := func(e xml.StartElement, name string) string {
		for _, a := range e.Attr {
			if a.Name.Local == name {
				return a.Value
			}
		}
		return ""
	}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return d
		}
		if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, figure)
		}
		switch token := token.(type) {
		case xml.StartElement:
			token = token.Copy()
			path = append(path, token)
			d.elements[token.Name.Local]++
			for _, a := range token.Attr {
				d.attributes = append(d.attributes, a.Name.Local)
				if a.Name.Local == "id" {
					d.ids = append(d.ids, a.Value)
				}
			}
			switch class := attribute(token, "class"); {
			case token.Name.Local == "svg":
				d.described = attribute(token, "aria-labelledby")
			case token.Name.Local == "li":
				item.Reset()
			case class == "crossed":
				d.crossedOut++
			case class == "arrow dashed":
				d.dashedLines++
			}
		case xml.CharData:
			inside := path[len(path)-1]
			switch inside.Name.Local {
			case "title", "desc":
				d.titles = append(d.titles, string(token))
			case "text":
				switch {
				case attribute(inside, "class") == "step":
					d.numbers = append(d.numbers, string(token))
					continue
				case attribute(path[len(path)-2], "class") == "lifeline pale":
					d.pale = append(d.pale, string(token))
				}
				d.labels = append(d.labels, string(token))
			default:
				item.Write(token)
			}
		case xml.EndElement:
			if token.Name.Local == "li" {
				if value := attribute(path[len(path)-1], "value"); value != "" {
					d.steps, d.values = append(d.steps, item.String()), append(d.values, value)
				} else {
					d.asides = append(d.asides, item.String())
				}
			}
			path = path[:len(path)-1]
		}
	}
}

// inOrder complains unless texts has these among its own, in this order.
func inOrder(t *testing.T, what string, texts []string, want ...string) {
	t.Helper()
	rest := texts
	for _, text := range want {
		at := slices.IndexFunc(rest, func(s string) bool { return strings.Contains(s, text) })
		if at < 0 {
			t.Errorf("%s: no %q where it should be in %q", what, text, texts)
			return
		}
		rest = rest[at+1:]
	}
}

// none complains if one of the texts has it.
func none(t *testing.T, what string, texts []string, unwanted string) {
	t.Helper()
	if slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(s, unwanted) }) {
		t.Errorf("%s: %q in %q", what, unwanted, texts)
	}
}

// sound are what holds of every drawing.
func (d *drawing) sound(written ...string) {
	d.t.Helper()
	for element, n := range map[string]int{"figure": 1, "svg": 1, "title": 1, "desc": 1, "ol": 1} {
		if d.elements[element] != n {
			d.t.Errorf("%d × <%s>", d.elements[element], element)
		}
	}
	if len(d.ids) != 2 || d.described != strings.Join(d.ids, " ") {
		d.t.Errorf("labelled by %q, but the ids are %q", d.described, d.ids)
	}
	for _, text := range d.titles {
		if strings.TrimSpace(text) == "" {
			d.t.Error("title or description are empty")
		}
	}
	for _, label := range d.labels {
		if n := utf8.RuneCountInString(label); n > 32 {
			d.t.Errorf("a label of %d characters: %q", n, label)
		}
		if strings.Contains(label, "⟨wire") && !slices.Contains(written, label) {
			d.t.Errorf("a label without words: %q", label)
		}
	}
	for _, forbidden := range []string{"style", "href", "onload", "onclick"} {
		if slices.Contains(d.attributes, forbidden) {
			d.t.Errorf("it has the attribute %s", forbidden)
		}
	}
	var counted []string
	for i := range d.numbers {
		counted = append(counted, strconv.Itoa(i+1))
	}
	if !slices.Equal(d.numbers, counted) || !slices.Equal(d.values, counted) {
		d.t.Errorf("numbered %q, in the list %q", d.numbers, d.values)
	}
}

// draw takes the drawing of a client's exchanges apart, from the nth last on.
func (c *client) draw(t *testing.T, language string, n int, written ...string) *drawing {
	t.Helper()
	wire := c.wire()
	d := takeApart(t, string(c.lab.Draw(language, wire[len(wire)-n:])))
	d.sound(written...)
	return d
}

// A dashboard of somebody who is signed in: the store is asked between the
// signed way's conclusion and the session way's, and nowhere else.
func TestDrawingIsInTheOrderOfHappening(t *testing.T) {
	c := newLab(t).client().signIn("alice")
	c.get("/dashboard")
	en := c.draw(t, "en", 1)
	inOrder(t, "the picture", en.labels, "Browser", "Server", "Store", "GET /dashboard", "plain_user", "signed_user", "lab_sessionid", "lab_notebook",
		"Plain: Believed", "Signed: Verified", "load", "found", " ms", "Session: Found", "200 OK")
	inOrder(t, "the list", en.steps, "GET /dashboard, and brings plain_user signed_user lab_sessionid lab_notebook",
		"Plain cookie · Believed", "Signed cookie · Verified", "asks the store: load, and the store answers: found", "Server-side session · Found", "answers: 200 OK")
	if len(en.steps) != 6 {
		t.Errorf("%d steps: %q", len(en.steps), en.steps)
	}
	inOrder(t, "the facts", en.labels, "alice · student", "alice · student", "alice · student")
	inOrder(t, "the lab's own", en.asides, "it is none of the three ways")
	none(t, "nobody is pale", en.pale, "")
	zh := c.draw(t, "zh", 1)
	inOrder(t, "in Chinese", zh.labels, "浏览器", "服务器", "存储", "GET /dashboard", "普通：直接相信", "签名：验签通过", "读取", "找到", "Session：找到记录", "200 OK")
	inOrder(t, "the Chinese list", zh.steps, "浏览器请求服务器：GET /dashboard，带来 plain_user", "普通 Cookie", "存储返回：找到", "服务器响应：200 OK")
}

// Nothing came, so nothing was asked.
func TestStoreThatWasNotAskedIsPale(t *testing.T) {
	c := newLab(t).client()
	c.get("/dashboard", with("Cookie", ""))
	d := c.draw(t, "en", 1)
	inOrder(t, "pale", d.pale, "Store", "not asked")
	inOrder(t, "the request", d.labels, "no Cookie", "Nothing came", "Nothing came", "Nothing came", "200 OK", "lab_notebook")
	inOrder(t, "the list", d.asides, "The store was not asked for a session.")
	inOrder(t, "the request in words", d.steps, "brings no cookie", "and sets lab_notebook")
	if zh := c.draw(t, "zh", 1); !slices.Contains(zh.pale, "未查询") {
		t.Errorf("in Chinese: %q", zh.pale)
	}
}

// A deletion is crossed out, and the list says so.
func TestDeletionsAreCrossedOut(t *testing.T) {
	c := newLab(t).client().signIn("alice")
	none(t, "a login", c.draw(t, "en", 1).steps, "deletes")
	c.post("/logout", nil)
	d := c.draw(t, "en", 1)
	if d.crossedOut != 3 {
		t.Errorf("%d are crossed out", d.crossedOut)
	}
	inOrder(t, "the picture", d.labels, "POST /logout", "delete", "deleted", "303 See Other → /dashboard")
	inOrder(t, "the list", d.steps, "go on to /dashboard, and sets lab_notebook, and deletes plain_user signed_user lab_sessionid")
}

// The replay stands inside of the deed that caused it: it began later and ended
// sooner.
func TestReplayIsDrawnInsideItsDeed(t *testing.T) {
	c := newLab(t).client().signIn("alice")
	c.post("/act/copy", nil)
	d := c.draw(t, "en", 2)
	inOrder(t, "the picture", d.labels, "another program", "POST /act/copy", "GET /api/lanes", "Session: Found", "200 OK", "303 See Other → /dashboard")
	inOrder(t, "the list", d.steps, "The browser asks the server: POST /act/copy", "Another program asks the server: GET /api/lanes", "200 OK", "303 See Other")
	none(t, "all take part", d.pale, "")

	wire := c.wire()
	alone := takeApart(t, string(c.lab.Draw("en", wire[len(wire)-2:len(wire)-1])))
	alone.sound()
	inOrder(t, "pale", alone.pale, "Browser", "took no part")
	inOrder(t, "in words", alone.asides, "The browser took no part.")
}

// Store operations that are the lab's own make no arrows; what they cost is said.
func TestOwnOperationsAreNotDrawn(t *testing.T) {
	start := time.Now()
	op := func(name, purpose string, err error) sessions.StoreOp {
		return sessions.StoreOp{Name: name, Purpose: purpose, Store: "sqlite", Start: start, Duration: 250 * time.Microsecond, Err: err}
	}
	lab := makeLab(t)
	draw := func(ops ...sessions.StoreOp) *drawing {
		d := takeApart(t, string(lab.Draw("en", []*notebook.Exchange{{
			Number: 7, Client: notebook.ClientBrowser, Start: start, Duration: time.Millisecond, Method: "GET", Target: "/", Status: 200, Ops: ops,
		}})))
		d.sound()
		return d
	}
	own := draw(op("load", "notebook", nil), op("update", "notebook", nil), op("load", "", nil))
	inOrder(t, "summed up", own.asides, "3 ×, 0.75 ms")
	inOrder(t, "pale", own.pale, "not asked")
	if own.dashedLines != 1 { // the response
		t.Errorf("%d answers are drawn", own.dashedLines)
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
			inOrder(t, "the picture", d.labels, "Store", test.want, "0.25 ms")
			inOrder(t, "the list", d.steps, "the store answers: "+test.want)
			none(t, "nobody is pale", d.pale, "")
		})
	}
}

// Long and hostile texts: the picture stays within its labels, the list has
// more, and all of it is text.
func TestDrawingOfHostileText(t *testing.T) {
	hostile := "</text></svg><script>alert(1)</script>\x00\x1b\xff\u202e'\"&" + strings.Repeat("长", 300)
	lab := makeLab(t)
	e := &notebook.Exchange{
		Number: 1, Client: notebook.ClientBrowser, Start: time.Now(), Method: hostile, Target: "/" + hostile, Cookie: hostile + "=1; plain_user=2",
		Status: 299, Location: hostile, SetCookie: []string{hostile + "=1; Max-Age=0"},
		Findings: []notebook.Conclusion{{Finding: lanes.Finding{Lane: lanes.Plain, Verdict: lanes.Believed, Who: lanes.Identity{User: hostile, Role: hostile}}}},
	}
	figure := string(lab.Draw("en", []*notebook.Exchange{e}))
	d := takeApart(t, figure)
	d.sound()
	if d.elements["script"] > 0 || strings.ContainsAny(figure, "\x00\x1b") || !utf8.ValidString(figure) {
		t.Error("it is more than text")
	}
	inOrder(t, "the label", d.labels, "</text></svg><script>alert(1)</…")
	inOrder(t, "the list", d.steps, strings.Repeat("长", 50))
}

// Nothing to draw, and a status without a name.
func TestDrawingOfNothing(t *testing.T) {
	lab := makeLab(t)
	if figure := lab.Draw("en", nil); figure != "" {
		t.Errorf("of nothing: %s", figure)
	}
	d := takeApart(t, string(lab.Draw("en", []*notebook.Exchange{{Client: notebook.ClientBrowser, Status: 999}})))
	d.sound()
	inOrder(t, "the status", d.labels, "999")
}

// What a drawing costs each dashboard.
func BenchmarkDraw(b *testing.B) {
	lab := newLab(b)
	c := lab.client().signIn("alice")
	c.get("/dashboard")
	wire := c.wire()
	last := wire[len(wire)-1:]
	b.ReportAllocs()
	for b.Loop() {
		lab.Draw("en", last)
	}
}
