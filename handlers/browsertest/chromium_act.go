// This file moves Chromium: it opens addresses, clicks and types, and waits for
// the navigations that follow.

package browsertest

import (
	"strings"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// moment is how long a click may take to start a navigation.
const moment = 50 * time.Millisecond

func (p *tab) Open(url string) int {
	p.t.Helper()
	var failure string
	p.navigate(p.patience, func() {
		failure = call(p, page.Navigate, page.NavigateParams{URL: url}).ErrorText
	})
	status := p.watch.status()
	// Chromium calls it a failure too when a document with an error status is
	// empty, or when there is no document but a download or a status 204.
	if failure != "" && status == 0 {
		p.t.Fatalf("%s does not open: %s", url, failure)
	}
	return status
}

func (p *tab) Reload() int {
	p.t.Helper()
	p.navigate(p.patience, func() { call(p, page.Reload, page.ReloadParams{}) })
	return p.watch.status()
}

func (p *tab) Click(selector string) {
	p.t.Helper()
	var aim struct {
		X, Y    float64
		Problem string
	}
	ready := func() bool {
		aim.Problem = ""
		p.ask(&aim, question("aim", selector))
		return aim.Problem == ""
	}
	if !poll(p.patience, ready) {
		p.t.Fatalf("the element %s of %s cannot be clicked after %v: it %s", selector, p.URL(), p.patience, aim.Problem)
	}
	p.navigate(moment, func() {
		p.do(chromedp.MouseEvent(chromedp.MouseMoved, aim.X, aim.Y), chromedp.MouseClickXY(aim.X, aim.Y))
	})
}

func (p *tab) Type(selector, text string) {
	p.t.Helper()
	var problem string
	ready := func() bool {
		p.ask(&problem, question("focus", selector))
		return problem == ""
	}
	if !poll(p.patience, ready) {
		p.t.Fatalf("nobody can type into the element %s of %s after %v: it %s", selector, p.URL(), p.patience, problem)
	}
	// The content is selected, so Backspace clears the field.
	keys := func() { p.do(chromedp.KeyEvent(kb.Backspace + text)) }
	if strings.Contains(text, "\n") {
		p.navigate(moment, keys)
	} else {
		keys()
	}
}

// do takes steps that only the browser, not a script, can take.
func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := p.limit()
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("Chromium does not take the mouse or the keyboard: %v", err)
	}
}

// navigate acts, gives a navigation some time to begin, and waits until the one
// that began has ended.
func (p *tab) navigate(begin time.Duration, act func()) {
	p.t.Helper()
	before := p.watch.navigations()
	act()
	p.settle()
	poll(begin, func() bool { return p.watch.navigations() > before })
	if !poll(p.patience, p.watch.loaded) {
		p.t.Fatalf("%s does not finish loading in %v", p.URL(), p.patience)
	}
}

// settle makes sure that the watch has heard of all that happened in the page
// up to now: the answer to a question comes after it.
func (p *tab) settle() {
	_ = p.evaluate("0", nil) // a document that is being replaced may fail to answer
}
