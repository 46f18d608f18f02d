// axe-core looks at every page, in each state that a visitor can bring about.

package handlers_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"cookielab/handlers/browsertest"
)

// axeRules are the tags of the rules that are run: WCAG 2.2 up to AA, and what
// axe-core calls good practice. No rule is disabled. On a narrow window, in the
// dark and in the other language, those are run again that can differ there.
const (
	axeRules   = `["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]`
	axeAnother = `["color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable", "html-has-lang", "html-lang-valid", "valid-lang"]`
)

// pageFlaws is what every page is held to besides: its landmarks, its language,
// its room, and the type of all that can be seen.
const pageFlaws = `(() => {
	const flaws = []
	const count = (selector, want) => {
		const n = document.querySelectorAll(selector).length
		if (n !== want) flaws.push(n + " × " + selector)
	}
	count("h1", 1); count("body > header", 1); count("header nav", 1); count("body > main#main", 1); count("body > .skip[href='#main']:first-child", 1)
	if (document.documentElement.lang !== %q) flaws.push("the language " + document.documentElement.lang)
	if (!document.title.trim()) flaws.push("no title")
	if (document.documentElement.scrollWidth > innerWidth) flaws.push("the page is " + document.documentElement.scrollWidth + " px wide")
	for (const e of document.querySelectorAll("body *")) {
		if (!e.checkVisibility() || !Array.from(e.childNodes).some(n => n.nodeType === 3 && n.data.trim())) continue
		const s = getComputedStyle(e)
		const odd = parseFloat(s.fontSize) < 14 || !["400", "650"].includes(s.fontWeight) || s.fontStyle !== "normal" ||
			s.textTransform !== "none" || s.letterSpacing !== "normal"
		if (odd) flaws.push([s.fontSize, s.fontWeight, s.fontStyle, s.textTransform, s.letterSpacing, e.outerHTML.slice(0, 120)].join(" "))
	}
	return flaws
})()`

func tellAxe(t *testing.T, browser browsertest.Browser, binary string) {
	eachAuditor(t, browser, func(t *testing.T, a *auditor, options browsertest.Options) {
		a.visitor = &visitor{Page: browser.Visit(t, options), base: startProgram(t, binary)}
		a.walk(t, fmt.Sprintf("%s%d", options.Language, options.Width))
	})
}

// eachAuditor has pages looked at twice: by day, wide and in English, and by
// night, narrow and in Chinese. One browser is enough: what axe looks at is the
// same in each.
func eachAuditor(t *testing.T, browser browsertest.Browser, look func(t *testing.T, a *auditor, options browsertest.Options)) {
	if browser.Name() != "Chromium" {
		return
	}
	axe, err := os.ReadFile("testdata/axe/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, reader := range []struct {
		options         browsertest.Options
		language, rules string
	}{
		{browsertest.Options{Language: "en", Width: 1440, Height: 900}, "en", axeRules},
		{browsertest.Options{Language: "zh", Width: 390, Height: 900, Dark: true}, "zh-Hans", axeAnother},
	} {
		t.Run(fmt.Sprintf("axe, %s/%d", reader.options.Language, reader.options.Width), func(t *testing.T) {
			t.Parallel()
			look(t, &auditor{axe: string(axe), rules: reader.rules, language: reader.language}, reader.options)
		})
	}
}

// auditor is a visitor who has every page looked at.
type auditor struct {
	*visitor
	axe      string
	rules    string
	language string // of the page, as HTML says it
}

// walk brings about every state of every page.
func (a *auditor) walk(t *testing.T, name string) {
	page := func(path string, status int) {
		t.Helper()
		a.open(t, path, status)
		a.audit(t, path)
	}
	act := func(action, state string) {
		t.Helper()
		a.Click(`.bar form[action="` + action + `"] button`)
		a.audit(t, "/dashboard, "+state)
	}

	page("/dashboard", 200)
	a.signIn(t, name)
	a.audit(t, "/dashboard, signed in")
	a.open(t, "/dashboard", 200)
	a.Click(`.bar form[action="/act/copy"] button`)
	act("/act/edit", "edited, with a copy")
	a.Click(`.bar form[action="/act/restore"] button`)

	act("/act/expire", "with ten seconds left")
	began := time.Now()
	page("/tokens", 200)
	a.Eval(`fetch("/tokens", { method: "POST", body: new URLSearchParams({ username: "`+name+`", password: "cookies" }), redirect: "manual" }).then(() => 0)`, nil)
	a.open(t, "/tokens", 200)
	a.audit(t, "/tokens, shown once")
	a.Click(`.bar form[action="/tokens/end"] button`)
	a.audit(t, "/tokens, ended")
	page("/door/plain", 403)
	page("/", 200)
	page("/login", 200)
	a.Type(`input[name=username]`, name)
	a.Type(`input[name=password]`, "wrong")
	a.Click(`.sign-in button[type=submit]`)
	if !a.Has(".problem") {
		t.Error("a wrong password is no problem")
	}
	a.audit(t, "/login, refused")
	page("/none", 404)
	page("/wire", 200)
	page("/sessions", 200)
	page("/engines", 200)
	a.Click(`#outcomes form[action="/engines/all"] button`)
	a.audit(t, "/engines, all seven")
	page("/reset", 200)
	time.Sleep(time.Until(began.Add(11 * time.Second)))
	a.open(t, "/dashboard", 200)
	act("/act/replay", "over")
	a.concludes(t, "absent", "absent", "absent")
	a.copyConcludes(t, "believed", "expired", "expired")

	a.open(t, "/reset", 200)
	a.Click(`#reset form button`)
	a.audit(t, "/reset, done")
	a.signIn(t, "teacher")
	page("/door/session", 200)

	page("/handout", 200)
	page("/handout?answers", 200)

	page("/console", 200)
	for _, press := range []string{`.calls a[href="/console?call=add"]`, ".made button", `.calls a[href="/console?call=at_once"]`, `button[value="set"]`} {
		a.Click(press)
		a.audit(t, "/console, "+press)
	}

	page("/composer?preset=tab", 200)
	page("/composer?preset=domain", 200)
	a.Type("#paste", "set-cookie: a=1; SameSite=None\nset-cookie: b=2; Path=/; Foo")
	a.WaitText(".pasted-lines", "5.7")
	a.audit(t, "/composer, pasted")
	a.Click("#send")
	a.audit(t, "/sent")

	page("/dissect", 200)
	a.Click(`button[value="signed"]`)
	a.audit(t, "/dissect, decoded")
	for _, press := range []string{`button[value="verify"]`, `button[value="flip"]`, `button[value="purpose"]`, `button[value="jwt"]`, `button[value="url"]`} {
		a.Click(press)
		if press == `button[value="verify"]` {
			a.WaitText(".headline .mark", "✓") // in place
		}
		a.audit(t, "/dissect, "+press)
	}

	page("/class", 200)
	a.Eval(`document.querySelector("input[name=sure]").required = false`, nil)
	a.Click(`#class button`)
	a.audit(t, "/class, without the tick")
	a.Click(`input[name=sure]`)
	a.Click(`#class button`)
	a.audit(t, "/class, done")
	a.open(t, "/class", 403)
	a.audit(t, "/class, refused")

	// The menu lies over the page, so it is looked at once and by itself.
	a.open(t, "/", 200)
	a.Click(".menu summary")
	a.run(t, "the menu", "document.querySelector('header.site')")
}

// audit looks at the page as it is now, with every <details> open but the menu.
func (a *auditor) audit(t *testing.T, state string) {
	t.Helper()
	a.Eval(`document.querySelectorAll("details:not(.menu)").forEach(d => { d.open = true })`, nil)
	var flaws []string
	a.Eval(fmt.Sprintf(pageFlaws, a.language), &flaws)
	for _, flaw := range flaws {
		t.Errorf("%s: %s", state, flaw)
	}
	a.run(t, state, "document")
}

// run has axe-core look at a part of the page.
func (a *auditor) run(t *testing.T, state, part string) {
	t.Helper()
	var there bool
	if a.Eval("!!window.axe", &there); !there {
		a.Eval(a.axe+"; 0", nil)
	}
	var found []struct {
		ID, Impact, Help string
		Nodes            []string
	}
	a.Eval(`axe.run(`+part+`, { runOnly: `+a.rules+`, resultTypes: ["violations"] }).then(({ violations }) => violations.map(
		({ id, impact, help, nodes }) => ({ id, impact, help, nodes: nodes.map(n => n.target.join(" ") + "  " + n.html.slice(0, 200) + "\n      " + n.failureSummary) })))`, &found)
	for _, v := range found {
		t.Errorf("%s: %s (%s): %s\n    %s", state, v.ID, v.Impact, v.Help, strings.Join(v.Nodes, "\n    "))
	}
}
