// Keyboard, screen reader, paper, and motion: what the pages are for those who
// do not look at a screen with a mouse in their hand.

package handlers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cookielab/handlers/browsertest"
	"cookielab/handlers/webtest"
)

// tellAccess is told in Chromium.
func tellAccess(t *testing.T, browser browsertest.Browser, binary string) {
	if browser.Name() != "Chromium" {
		return
	}
	visit := func(t *testing.T, o browsertest.Options) *visitor {
		return &visitor{Page: browser.Visit(t, o), base: startProgram(t, binary), noScript: o.NoScript}
	}
	wide, narrow := browsertest.Options{Width: 1440, Height: 900}, browsertest.Options{Width: 390, Height: 844}

	t.Run("keyboard alone", func(t *testing.T) {
		t.Parallel()
		v := visit(t, wide)
		v.open(t, "/dashboard", 200)

		v.Press("Tab")
		v.focused(t, ".skip")
		var seen bool
		if v.Eval(`document.activeElement.getBoundingClientRect().left >= 0`, &seen); !seen {
			t.Error("the skip link cannot be seen while it has the focus")
		}
		v.Press("Enter")
		v.Press("Tab")
		v.focused(t, "input[name=username]") // the head was skipped
		for _, key := range "keyboard" {
			v.Press(string(key))
		}
		v.Press("Tab")
		v.focused(t, "input[name=password]")
		v.Press("Enter")
		v.concludes(t, "believed", "verified", "found")
		v.says(t, "All three remember keyboard")

		// The menu: opened, gone through, left, and closed.
		v.Eval(`document.activeElement.blur()`, nil)
		for v.tab(t); !v.hasFocus(".menu summary"); v.tab(t) {
		}
		v.Press("Enter")
		if !v.Has(".menu[open]") {
			t.Fatal("Enter does not open the menu")
		}
		for i := range v.Texts(".menu li") {
			v.tab(t)
			v.focused(t, fmt.Sprintf(".menu li:nth-child(%d) a", i+1))
		}
		v.tab(t)
		if v.Has(".menu[open]") {
			t.Error("the menu stays open over what has the focus now")
		}
		v.Eval(`document.querySelector(".menu summary").focus()`, nil)
		v.Press("Space")
		v.tab(t)
		v.Press("Escape")
		if v.focused(t, ".menu summary"); v.Has(".menu[open]") {
			t.Error("Escape does not close the menu")
		}

		// Look closer: Enter opens a row and closes it.
		for v.tab(t); !v.hasFocus("#closer-1 > summary"); v.tab(t) {
		}
		v.Press("Enter")
		if !v.Has("#closer-1[open]") {
			t.Error("Enter does not open the row")
		}
		v.Press("Enter")
		if v.Has("#closer-1[open]") {
			t.Error("Enter does not close the row")
		}

		// A button of the bar.
		v.Eval(`document.querySelector(".bar button").focus()`, nil)
		v.Press("Enter")
		v.concludes(t, "believed", "tampered", "unknown")
	})

	for name, o := range map[string]browsertest.Options{"wide": wide, "narrow": narrow} {
		t.Run("focus, "+name, func(t *testing.T) {
			t.Parallel()
			v := visit(t, o)
			v.signIn(t, "focus-"+name)
			v.act(t, "/act/copy")
			v.open(t, "/dashboard", 200)
			v.Eval(`document.querySelectorAll("details:not(.menu)").forEach(d => { d.open = true })`, nil)
			v.goThrough(t)
		})
	}

	t.Run("what a screen reader finds", func(t *testing.T) {
		t.Parallel()
		var v *visitor
		for _, o := range []browsertest.Options{wide, {Width: 1024, Height: 640}, narrow} {
			v = visit(t, o)
			v.signIn(t, "reader")
			var nameless []string
			v.Eval(headless, &nameless)
			for _, cell := range nameless {
				t.Errorf("at %d px nothing says of which way the cell %s is", o.Width, cell)
			}
		}
		if got := v.Attr("#sentence", "role"); got != "status" {
			t.Errorf("the sentence has the role %q", got)
		}
		if got := v.Attr(".language", "lang"); got != "zh-Hans" {
			t.Errorf("the link to Chinese has the language %q", got)
		}
		for _, mark := range []string{".journey .mark", ".journey .number", ".journey svg"} {
			if got := v.Attr(mark, "aria-hidden"); got != "true" {
				t.Errorf("%s is read aloud", mark)
			}
		}
	})

	t.Run("a countdown speaks at 10, 5 and 0 only", func(t *testing.T) {
		t.Parallel()
		v := visit(t, wide)
		v.signIn(t, "ten")
		v.act(t, "/act/expire")
		v.Eval(`window.heard = []; new MutationObserver(() => {
			const text = document.querySelector("body > [role=status]").textContent
			if (text !== heard.at(-1)) heard.push(text)
		}).observe(document.body, { subtree: true, childList: true, characterData: true })`, nil)
		var heard []string
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
			if v.Eval("heard", &heard); strings.Contains(strings.Join(heard, ""), "its time is over") {
				break
			}
		}
		time.Sleep(2500 * time.Millisecond)
		v.Eval("heard", &heard)
		heard = slices.DeleteFunc(heard, func(text string) bool { return text == "" || text == "ends in 10 s" || text == "ends in 9 s" })
		if len(heard) != 2 || heard[0] != "ends in 5 s" && heard[0] != "ends in 4 s" || !strings.HasPrefix(heard[1], "its time is over") {
			t.Errorf("what was heard after the beginning: %q", heard)
		}
	})

	t.Run("on paper", func(t *testing.T) {
		t.Parallel()
		v := visit(t, browsertest.Options{Width: 680, Height: 960, Print: true, Dark: true})
		v.Open(v.base + "/dashboard?theme=dark")
		// The form is not on paper, so it is sent by a script.
		v.Eval(`document.querySelector("input[name=username]").value = "paper"`, nil)
		v.Eval(`document.querySelector(".sign-in").submit()`, nil)
		v.WaitText("#concludes-session .word", "Found")
		v.open(t, "/dashboard", 200)
		for _, gone := range []string{".bar", ".menu", ".choices", ".skip", ".copy-button", "#per-way", ".countdown"} {
			if got := v.Texts(gone); strings.Join(got, "") != "" {
				t.Errorf("%s is on paper: %q", gone, got)
			}
		}
		for _, there := range []string{"#journey thead .lane-session .title", "#keeps-plain .chip", "#attributes", "#raw-plain", "#record", "#closer-4 .checks", "#go pre"} {
			if v.Text(there) == "" {
				t.Errorf("%s is not on paper", there)
			}
		}
		for _, want := range []string{"Printed from Cookie Lab", time.Now().UTC().Format("2006-01-02"), browser.Name(), "SESSION_ENGINE=db"} {
			if got := v.Text("footer"); !strings.Contains(got, want) {
				t.Errorf("the footer says %q, not %q", got, want)
			}
		}
		key := ""
		for _, cookie := range v.Cookies() {
			if cookie.Name == webtest.CookieOf["session"] {
				key = cookie.Value
			}
		}
		if got := v.Text("#raw-session"); got != key[:6] {
			t.Errorf("the session's key is printed as %q, want %q", got, key[:6])
		}
		for _, page := range []string{"/dashboard", "/wire", "/console?call=exists"} {
			v.open(t, page, 200)
			for _, cookie := range v.Cookies() {
				if cookie.Name != "plain_user" && cookie.Name != "signed_user" && strings.Contains(v.Text("body"), cookie.Value) {
					t.Errorf("%s prints the whole key %s", page, cookie.Name)
				}
			}
		}
		v.open(t, "/dashboard", 200)
		var colours []string
		v.Eval(`Array.from(new Set(Array.from(document.querySelectorAll("body *"), e => {
			const s = getComputedStyle(e)
			return e.checkVisibility() ? [s.color, s.backgroundColor, s.borderLeftColor] : []
		}).flat())).filter(c => !/^rgb\((\d+), \1, \1\)$|, 0\)$/.test(c))`, &colours)
		if len(colours) > 0 {
			t.Errorf("colours on paper: %q", colours)
		}
		var over []string
		v.Eval(tooWide, &over)
		for _, element := range over {
			t.Errorf("paper cuts off %s", element)
		}
	})

	t.Run("with reduced motion nothing moves", func(t *testing.T) {
		t.Parallel()
		for _, still := range []bool{false, true} {
			v := visit(t, browsertest.Options{Width: 1440, Height: 900, ReducedMotion: still})
			v.signIn(t, "still")
			v.act(t, "/act/edit")
			var moves int
			v.Eval(`Array.from(document.querySelectorAll("*"), e => getComputedStyle(e)).filter(s => s.animationName !== "none" || s.transitionDuration !== "0s" || s.scrollBehavior === "smooth").length`, &moves)
			if (moves > 0) == still {
				t.Errorf("reduced motion %t: %d elements can move", still, moves)
			}
		}
	})
}

// tab goes to the next element, and looks whether it can be seen there.
func (v *visitor) tab(t *testing.T) {
	t.Helper()
	v.Press("Tab")
	var problem string
	v.Eval(`(() => {
		const e = document.activeElement
		if (e === document.body) return "the focus is nowhere"
		const style = getComputedStyle(e)
		if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 3) return "no focus can be seen on " + e.outerHTML.slice(0, 120)
		return ""
	})()`, &problem)
	if problem != "" {
		t.Fatal(problem)
	}
}

func (v *visitor) hasFocus(selector string) (has bool) {
	v.Eval(fmt.Sprintf("document.activeElement.matches(%q)", selector), &has)
	return has
}

func (v *visitor) focused(t *testing.T, selector string) {
	t.Helper()
	var is string
	if v.Eval("document.activeElement.outerHTML.slice(0, 120)", &is); !v.hasFocus(selector) {
		t.Fatalf("the focus is on %s, want %s", is, selector)
	}
}

// goThrough presses Tab until the page ends: every element that can be used is
// reached, from top to bottom and from left to right, can be seen, and shows
// that it has the focus.
func (v *visitor) goThrough(t *testing.T) {
	t.Helper()
	type stop struct {
		Name      string
		Top, Left float64
		Hidden    string // what covers it
	}
	var want []string
	v.Eval(`const usable = () => Array.from(document.querySelectorAll("a[href], button:not(:disabled), input:not([type=hidden]), summary, [tabindex='0']")).filter(e => e.checkVisibility());
		usable().forEach((e, i) => { e.dataset.stop = i }); usable().map(e => e.outerHTML.slice(0, 120))`, &want)
	var last stop
	for i, name := range want {
		v.tab(t)
		var now stop
		v.Eval(`(() => {
			const e = document.activeElement, box = e.getBoundingClientRect()
			const hit = document.elementFromPoint(box.left + Math.min(box.width / 2, 20), box.top + Math.min(box.height, innerHeight) / 2)
			return { name: e.dataset.stop, top: box.top + scrollY, left: box.left, hidden: !hit ? "it is out of sight" : e.contains(hit) ? "" : hit.outerHTML.slice(0, 120) }
		})()`, &now)
		if now.Name != fmt.Sprint(i) {
			t.Fatalf("after %d × Tab the focus is on number %s, want %s", i+1, now.Name, name)
		}
		if now.Hidden != "" {
			t.Errorf("%s has the focus, and is covered: %s", name, now.Hidden)
		}
		if i > 1 && now.Top < last.Top-30 && now.Left <= last.Left {
			t.Errorf("the focus goes up and back to %s: from %+v to %+v", name, last, now)
		}
		last = now
	}
	if len(want) < 30 {
		t.Errorf("only %d elements can be reached", len(want))
	}
}

// headless gives the cells of the table that have neither a header of a column
// that is not hidden from a screen reader, nor the way's name within.
const headless = `(() => {
	const read = e => {
		if (!e.checkVisibility() || e.closest("[aria-hidden=true]")) return ""
		return Array.from(e.childNodes, n => n.nodeType === 3 ? n.data : n.nodeType === 1 ? read(n) : "").join("").trim()
	}
	const heads = Array.from(document.querySelectorAll("#journey thead th"), read)
	return Array.from(document.querySelectorAll("#journey tbody tr")).filter(tr => tr.cells.length === 4).flatMap(tr =>
		Array.from(tr.cells).slice(1).filter((td, i) => !heads[i] && !read(td.querySelector(".way"))).map(td => td.id))
})()`

// tooWide gives the elements whose text is cut off or leaves the page.
const tooWide = `Array.from(document.querySelectorAll("body *")).filter(e => {
	if (!e.checkVisibility() || e.closest(".hidden, .skip, svg")) return false
	const s = getComputedStyle(e)
	return e.getBoundingClientRect().right > innerWidth + 1 || s.overflowX !== "visible" && e.scrollWidth > e.clientWidth + 1
}).map(e => e.outerHTML.slice(0, 120))`
