// The demonstration that README describes: two minutes, nine clicks, on a
// projector of 1024 by 768. After each click, what the class must see stands in
// the window, in its language, and no click needs scrolling.

package handlers_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cookielab/handlers/browsertest"
	"cookielab/handlers/webtest"
)

func tellDemonstration(t *testing.T, browser browsertest.Browser, binary string) {
	for _, show := range []struct {
		name, language, address string
		noScript                bool
	}{
		{"en", "en", "/dashboard", false},
		{"zh", "zh", "/dashboard?lang=zh", false},
		{"en without script", "en", "/dashboard", true},
	} {
		t.Run(show.name, func(t *testing.T) {
			t.Parallel()
			p := &projector{
				visitor: &visitor{
					Page: browser.Visit(t, browsertest.Options{NoScript: show.noScript, Width: 1024, Height: 768}),
					base: startProgram(t, binary), browser: browser.Name(), noScript: show.noScript,
				},
				labels: readLabels(t, show.language),
			}
			p.open(t, show.address, 200)
			for i, click := range demonstration {
				p.step = fmt.Sprintf("%d %s", i+1, p.labels[click.label])
				p.show(t, click)
			}
			t.Logf("of 768 px a browser’s own bars leave about 640; the table ends at\n%s", strings.Join(p.ends, "\n"))
			for _, complaint := range p.Complaints() {
				t.Errorf("the browser complains: %s", complaint)
			}
		})
	}
}

// A click of the demonstration, and what must be seen after it.
type click struct {
	form, label string                           // what is pressed: the only button of a form, by its address, and its words
	before      func(t *testing.T, p *projector) // what must be so before it
	you, copied string                           // the verdicts; copied is "" while there is no copy
	who         [3]string                        // whom each way takes you for; "": nobody
	facts       []string                         // the cells of ① and ③ that hold the facts, and these
	cells       map[string]string                // what else cells must say: labels
	sentence    string                           // its label
	after       func(t *testing.T, p *projector)
}

const alice = "alice · student"

var (
	everyone   = [3]string{alice, alice, alice}
	remembered = []string{"keeps-plain " + alice, "keeps-signed " + alice, "server-session " + alice}
	serverHas  = map[string]string{"server-plain": "dashboard.nothing", "server-signed": "dashboard.one_secret"}
)

var demonstration = []click{
	{form: "/login", label: "login.button", before: nameIsFilledIn,
		you: webtest.Everywhere, who: everyone, facts: remembered, cells: serverHas, sentence: "sentence.login"},
	{form: "/act/edit", label: "bar.edit",
		you: "believed tampered unknown", who: [3]string{"alice · teacher"}, sentence: "sentence.edit",
		facts: []string{"keeps-plain alice · teacher", "keeps-signed alice · teacher", "server-session " + alice},
		cells: map[string]string{"keeps-signed": "dashboard.broken", "server-session": "dashboard.not_reached"}},
	{form: "/act/restore", label: "bar.restore",
		you: webtest.Everywhere, who: everyone, facts: remembered, cells: serverHas, sentence: "sentence.restore"},
	{form: "/act/copy", label: "bar.copy",
		you: webtest.Everywhere, copied: webtest.Everywhere, who: everyone, facts: remembered, cells: serverHas, sentence: "sentence.copy"},
	{form: "/logout", label: "bar.logout",
		you: webtest.Nowhere, copied: "believed verified unknown", sentence: "sentence.logout_copy",
		cells: map[string]string{"keeps-plain": "dashboard.nothing_came", "keeps-signed": "dashboard.nothing_came", "keeps-session": "dashboard.nothing_came",
			"server-session": "dashboard.no_record"}},
	{form: "/login", label: "login.button", before: nameIsFilledIn,
		you: webtest.Everywhere, copied: "believed verified unknown", who: everyone, facts: remembered, cells: serverHas, sentence: "sentence.login"},
	{form: "/act/expire", label: "bar.expire",
		you: webtest.Everywhere, copied: webtest.Everywhere, who: everyone, facts: remembered, cells: serverHas, sentence: "sentence.expire", after: counts},
	{form: "/act/replay", label: "bar.replay", before: timeIsUp,
		you: webtest.Nowhere, copied: "believed expired expired", facts: []string{"server-session " + alice}, sentence: "sentence.times_up_copy",
		cells: map[string]string{"keeps-plain": "dashboard.dropped", "keeps-signed": "dashboard.dropped", "keeps-session": "dashboard.dropped",
			"server-session": "dashboard.lies_over"}},
	{form: "/reset", label: "bar.reset", after: nothingIsLeft},
}

// nameIsFilledIn: signing in is one click.
func nameIsFilledIn(t *testing.T, p *projector) {
	var name string
	p.Eval(`document.querySelector("input[name=username]").value`, &name)
	if name != "alice" {
		t.Errorf("before %s the name field holds %q", p.step, name)
	}
	p.sees(t, "input[name=username]")
}

// counts: a countdown stands in ① for each way.
func counts(t *testing.T, p *projector) {
	if p.noScript {
		return
	}
	countdown := regexp.MustCompile("^" + strings.Replace(regexp.QuoteMeta(p.labels["script.ends_in"]), `\{s\}`, `(\d+)`, 1) + "$")
	for _, lane := range webtest.LaneIDs {
		p.sees(t, "#keeps-"+lane+" .soon")
		shown := p.Text("#keeps-" + lane + " .soon")
		if match := countdown.FindStringSubmatch(shown); match == nil {
			t.Errorf("after %s ① of %s counts %q, which is not %q", p.step, lane, shown, p.labels["script.ends_in"])
		} else if seconds, _ := strconv.Atoi(match[1]); seconds < 1 || seconds > 10 {
			t.Errorf("after %s ① of %s counts %q", p.step, lane, shown)
		}
	}
}

// timeIsUp: by the browser's own clock, which cannot be set.
func timeIsUp(t *testing.T, p *projector) {
	for deadline := time.Now().Add(20 * time.Second); len(p.Cookies()) > 1; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after 20 s the browser still keeps %v", p.Cookies())
		}
	}
	time.Sleep(time.Second) // the signed value's second, at the longest
	if p.noScript {
		return
	}
	for _, lane := range webtest.LaneIDs {
		p.WaitText("#keeps-"+lane+" .soon", p.labels["script.over_reload"])
	}
	p.fits(t, "while waiting for "+p.step)
}

// nothingIsLeft: the proof after the reset.
func nothingIsLeft(t *testing.T, p *projector) {
	if !strings.HasPrefix(p.URL(), p.base+"/reset?done=") {
		t.Fatalf("after %s the browser is at %s", p.step, p.URL())
	}
	for selector, label := range map[string]string{
		"#reset h1": "reset.proof", "#reset .verdict .word": "reset.nothing", "#arrived": "reset.nothing_line", "#record": "reset.gone",
	} {
		p.sees(t, selector)
		p.reads(t, selector, label)
	}
	if got := p.Attr("#arrived", "data-arrived"); got != "none" {
		t.Errorf("after %s %q cookies arrived", p.step, got)
	}
	if got := p.Attr("#record", "data-record"); got != "gone" {
		t.Errorf("after %s the record is %q", p.step, got)
	}
	if kept := p.Cookies(); len(kept) != 0 {
		t.Errorf("after %s the browser keeps %v", p.step, kept)
	}
}

// projector is what the class looks at.
type projector struct {
	*visitor
	labels map[string]string // the words of its language, by name
	step   string            // the click that it is about
	ends   []string          // where the table ended, each time
}

// show clicks, and looks.
func (p *projector) show(t *testing.T, c click) {
	if c.before != nil {
		c.before(t, p)
	}
	button := `main form[action="` + c.form + `"] button`
	p.isOnTop(t, "before")
	p.sees(t, button)
	if got := p.Text(button); got != p.labels[c.label] {
		t.Errorf("the button of %s says %q, want %q", p.step, got, p.labels[c.label])
	}
	p.Click(button)
	p.isOnTop(t, "after")
	if got := p.Attr("html", "lang"); got != p.labels["language.code"] {
		t.Errorf("after %s the page is in the language %q", p.step, got)
	}
	if c.you != "" {
		p.at(t, "/dashboard")
		p.sees(t, "#sentence")
		p.reads(t, "#sentence", c.sentence)
		p.concludesInWords(t, "#concludes-", c.you)
		p.concludesInWords(t, "#copy-", c.copied)
		p.keeps(t, c)
		p.fits(t, "after "+p.step)
	}
	if c.after != nil {
		c.after(t, p)
	}
}

// keeps checks rows ① to ③, and whom ④ takes you for.
func (p *projector) keeps(t *testing.T, c click) {
	t.Helper()
	facts := []string{}
	p.Eval(`Array.from(document.querySelectorAll(".journey .chip"), chip => chip.closest("td").id + " " + chip.innerText)`, &facts)
	if !slices.Equal(facts, c.facts) && len(facts)+len(c.facts) > 0 {
		t.Errorf("after %s the facts stand in %q, want %q", p.step, facts, c.facts)
	}
	for _, fact := range facts {
		cell, _, _ := strings.Cut(fact, " ")
		p.sees(t, "#"+cell+" .chip")
	}
	for cell, label := range c.cells {
		p.contains(t, "#"+cell, p.labels[label])
	}
	for i, lane := range webtest.LaneIDs {
		who := c.who[i]
		if who == "" {
			who = p.labels["dashboard.nobody"]
		}
		p.contains(t, "#concludes-"+lane+" .concluded", who)
		p.sees(t, "#keeps-"+lane, "#server-"+lane, "#concludes-"+lane)
	}
	travelled := []string{"#travelled-notebook"}
	if c.you != webtest.Nowhere {
		travelled = append(travelled, "#travelled-plain", "#travelled-signed", "#travelled-session")
	}
	if p.sees(t, travelled...); len(p.Texts("#travelled .segment")) != len(travelled) {
		t.Errorf("after %s the envelope holds %q", p.step, p.Texts("#travelled .segment"))
	}
}

// concludesInWords checks a line of row ④, yours or the copy's.
func (p *projector) concludesInWords(t *testing.T, line, verdicts string) {
	t.Helper()
	if verdicts == "" {
		if p.Has(line + "plain") {
			t.Errorf("after %s there is a copy, which nobody took", p.step)
		}
		return
	}
	for i, verdict := range strings.Fields(verdicts) {
		cell := line + webtest.LaneIDs[i]
		if got := p.Attr(cell, "data-verdict"); got != verdict {
			t.Errorf("after %s %s is %q, want %q", p.step, cell, got, verdict)
		}
		p.reads(t, cell+" .word", "verdict."+verdict+".word")
		p.sees(t, cell, cell+" .mark", cell+" .word", cell+" .concluded")
	}
}

// reads checks that an element says a label and nothing else. Of a label with
// markup or places it is what stands before the first.
func (p *projector) reads(t *testing.T, selector, label string) {
	t.Helper()
	want := strings.ReplaceAll(p.labels[label], "{{.Name}}", "alice")
	got, start, cut := p.Text(selector), want, false
	if i := strings.IndexAny(want, "<{"); i >= 0 {
		start, cut = strings.TrimSpace(want[:i]), true
	}
	if start == "" || !strings.HasPrefix(got, start) || !cut && got != want {
		t.Errorf("after %s %s says %q, want %q", p.step, selector, got, want)
	}
}

func (p *projector) contains(t *testing.T, selector, want string) {
	t.Helper()
	if got := p.Text(selector); want == "" || !strings.Contains(got, want) {
		t.Errorf("after %s %s says %q, want %q", p.step, selector, got, want)
	}
}

// isOnTop checks that nobody had to scroll, and that it would not help sideways.
func (p *projector) isOnTop(t *testing.T, when string) {
	t.Helper()
	if y := p.ScrollY(); y != 0 {
		t.Errorf("%s %s the page is scrolled down by %v px", when, p.step, y)
	}
	var wide [2]int
	p.Eval(`[document.documentElement.scrollWidth, document.documentElement.clientWidth]`, &wide)
	if wide[0] > wide[1] {
		t.Errorf("%s %s the page is %d px wide, the window %d", when, p.step, wide[0], wide[1])
	}
}

// sees checks that elements lie in the window whole, and that nothing covers
// them.
func (p *projector) sees(t *testing.T, selectors ...string) {
	t.Helper()
	p.finds(t, p.step, `selectors.flatMap(selector => {
		const e = document.querySelector(selector)
		if (!e) return [selector + " is not there"]
		const box = e.getBoundingClientRect(), root = document.documentElement
		const where = selector + " (" + [box.left, box.top, box.right, box.bottom].map(Math.round) + ")"
		if (box.width === 0 || box.height === 0 || !e.checkVisibility({visibilityProperty: true, opacityProperty: true})) return [where + " is not visible"]
		if (box.left < 0 || box.top < 0 || box.right > root.clientWidth || box.bottom > innerHeight)
			return [where + " is not in the window of " + root.clientWidth + " x " + innerHeight]
		const over = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2)
		return e.contains(over) ? [] : [where + " is covered by " + over?.cloneNode().outerHTML]
	})`, selectors...)
}

// fits checks the whole table: nothing in it is cut off or sticks out, no
// verdict wraps, and all of it is in the window.
func (p *projector) fits(t *testing.T, when string) {
	t.Helper()
	p.finds(t, when, `(() => {
		const problems = [], name = e => e.cloneNode().outerHTML + " " + JSON.stringify(e.innerText.slice(0, 60))
		for (const e of document.querySelectorAll("#journey, #journey *")) {
			// An inline element has no width of its own, an icon no text.
			if (!(e instanceof HTMLElement) || e.clientWidth === 0 || e.closest(".hidden")) continue
			if (e.scrollWidth > e.clientWidth) problems.push(name(e) + " needs " + e.scrollWidth + " px of width and has " + e.clientWidth)
			if (e.scrollHeight > e.clientHeight + 1 && getComputedStyle(e).overflowY !== "visible")
				problems.push(name(e) + " needs " + e.scrollHeight + " px of height and has " + e.clientHeight)
		}
		for (const word of document.querySelectorAll("#journey .word, #journey .title, #journey .short-title, #journey .chip, #journey .segment code")) {
			const text = document.createRange()
			text.selectNodeContents(word)
			const lines = new Set(Array.from(text.getClientRects(), line => Math.round(line.bottom)))
			if (lines.size > 1) problems.push(name(word) + " wraps")
		}
		const bottom = document.querySelector("#journey tbody").getBoundingClientRect().bottom
		if (bottom > innerHeight) problems.push("the table ends at " + bottom + " px, the window at " + innerHeight)
		return problems
	})()`)
	var bottom float64
	p.Eval(`document.querySelector("#journey tbody").getBoundingClientRect().bottom`, &bottom)
	p.ends = append(p.ends, fmt.Sprintf("%.0f px %s", bottom, when))
}

// finds runs a script that gives a list of problems.
func (p *projector) finds(t *testing.T, when, script string, selectors ...string) {
	t.Helper()
	list, err := json.Marshal(selectors)
	if err != nil {
		t.Fatal(err)
	}
	var problems []string
	p.Eval(`(selectors => `+script+`)(`+string(list)+`)`, &problems)
	for _, problem := range problems {
		t.Errorf("%s: %s", when, problem)
	}
}

// readLabels are the words of a language, by name, as they stand in its files.
func readLabels(t *testing.T, language string) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../templates/labels/*." + language + ".toml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	labels := map[string]string{}
	for _, file := range files {
		for id, text := range labelsIn(t, file) {
			labels[id] = strings.TrimSpace(text)
		}
	}
	return labels
}
