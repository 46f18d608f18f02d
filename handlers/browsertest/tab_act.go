// This file moves a tab: it opens addresses, clicks and types, and waits for the
// navigations that follow.

package browsertest

import (
	"strings"
	"time"
)

// moment is how long a click may take to start a navigation.
const moment = 50 * time.Millisecond

func (p *tab) Open(url string) int {
	p.t.Helper()
	before := p.watch.navigations()
	err := p.navigate(p.patience, func() error { return p.open(url) })
	status := p.watch.status()
	// Browsers call it a failure too when a document with an error status is
	// empty, or when there is no document but a download or a status 204.
	if err != nil && (status == 0 || p.watch.navigations() == before) {
		p.t.Fatalf("%s does not open: %v", url, err)
	}
	return status
}

func (p *tab) Reload() int {
	p.t.Helper()
	if err := p.navigate(p.patience, p.reload); err != nil {
		p.t.Fatalf("%s does not load again: %v", p.URL(), err)
	}
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
	p.act(true, func() error { return p.click(aim.X, aim.Y) })
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
	keys := append([]key{named["Backspace"]}, keysOf(text)...)
	p.act(strings.Contains(text, "\n"), func() error { return p.press(keys) })
}

func (p *tab) Press(name string) {
	p.t.Helper()
	k, ok := named[name]
	if !ok {
		keys := keysOf(name)
		if len(keys) != 1 {
			p.t.Fatalf("there is no key %q", name)
		}
		k = keys[0]
	}
	p.act(true, func() error { return p.press([]key{k}) })
}

// act takes a step that only the browser, not a script, can take.
func (p *tab) act(navigates bool, step func() error) {
	p.t.Helper()
	focused := func() error { return p.focused(step) }
	var err error
	if navigates {
		err = p.navigate(moment, focused)
	} else {
		err = focused()
	}
	if err != nil {
		p.t.Fatalf("%s does not take the mouse or the keyboard: %v", p.name(), err)
	}
}

// navigate acts, gives a navigation some time to begin, and waits until the one
// that began has ended.
func (p *tab) navigate(begin time.Duration, act func() error) error {
	p.t.Helper()
	before := p.watch.navigations()
	err := act()
	p.settle()
	if err == nil {
		poll(begin, func() bool { return p.watch.navigations() > before })
	}
	if !poll(p.patience, p.watch.loaded) {
		p.t.Fatalf("%s does not finish loading in %v", p.URL(), p.patience)
	}
	return err
}
