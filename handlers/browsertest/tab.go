// This file says what a driver does for a tab, and reads what a tab shows. It is
// the same in every browser; so are tab_act.go, tab_cookies.go and watch.go.

package browsertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// A driver moves one tab of one browser. The rest of the package knows nothing
// else about the browser.
type driver interface {
	// name is the name of the browser.
	name() string

	// watched is what the driver heard about the tab.
	watched() *watch

	// newTab opens another tab of the same visit, and closeTab closes this one.
	newTab() (driver, error)
	closeTab() error

	// open and reload start a navigation. An error after the server has
	// answered does not count: there may be no document to show.
	open(url string) error
	reload() error

	// address is the address that was asked for when the document is a page of
	// the browser itself that explains a failure, and else that of the document.
	address(document string) (string, error)

	// evaluate runs a script in the page and gives its value as JSON, nothing
	// for a value that JSON does not have. The error is a thrown if the script
	// failed and not the browser.
	evaluate(js string) (json.RawMessage, error)

	// focused acts while the tab has the keyboard.
	focused(act func() error) error

	// click clicks with the mouse, and press presses one key after the other.
	click(x, y float64) error
	press(keys []key) error

	// screenshot gives the whole page or what is in the window, as PNG.
	screenshot(whole bool) ([]byte, error)

	// cookies is the jar of the visit.
	cookies() ([]jarCookie, error)
	setCookie(c Cookie) error
	clearCookies() error
}

// thrown is what a script threw.
type thrown string

func (t thrown) Error() string { return string(t) }

// tab is one tab of a visit.
type tab struct {
	driver
	t        testing.TB
	patience time.Duration // with the page; less only where a test tests it
	watch    *watch
}

// show makes a Page of what a driver opened.
func show(t testing.TB, browser string, d driver, err error) Page {
	t.Helper()
	if err != nil {
		t.Fatalf("%s opens no tab: %v", browser, err)
	}
	return &tab{driver: d, t: t, patience: patience, watch: d.watched()}
}

func (p *tab) NewTab() Page {
	p.t.Helper()
	d, err := p.newTab()
	return show(p.t, p.name(), d, err)
}

func (p *tab) CloseTab() {
	p.t.Helper()
	if err := p.closeTab(); err != nil {
		p.t.Fatalf("%s does not close the tab: %v", p.name(), err)
	}
}

func (p *tab) URL() string {
	p.t.Helper()
	var document string
	p.ask(&document, "document.URL")
	url, err := p.address(document)
	if err != nil {
		p.t.Fatalf("%s does not tell the address: %v", p.name(), err)
	}
	return url
}

func (p *tab) Title() string {
	p.t.Helper()
	var title string
	p.ask(&title, "document.title")
	return title
}

func (p *tab) ScrollY() float64 {
	p.t.Helper()
	var y float64
	p.ask(&y, "scrollY")
	return y
}

func (p *tab) Has(selector string) bool {
	p.t.Helper()
	var has bool
	p.ask(&has, question("has", selector))
	return has
}

func (p *tab) Texts(selector string) []string {
	p.t.Helper()
	var texts []string
	p.ask(&texts, question("texts", selector))
	return texts
}

func (p *tab) Text(selector string) string {
	p.t.Helper()
	return p.await(selector, question("text", selector))
}

func (p *tab) Attr(selector, name string) string {
	p.t.Helper()
	return p.await(selector, question("attr", selector, name))
}

func (p *tab) WaitText(selector, want string) {
	p.t.Helper()
	var text *string
	contains := func() bool {
		p.ask(&text, question("text", selector))
		return text != nil && strings.Contains(*text, want)
	}
	switch {
	case poll(p.patience, contains):
	case text == nil:
		p.t.Fatalf("%s shows no element %s after %v; it should say %q", p.URL(), selector, p.patience, want)
	default:
		p.t.Fatalf("the element %s of %s says %q after %v; it should say %q", selector, p.URL(), *text, p.patience, want)
	}
}

func (p *tab) Eval(js string, into any) {
	p.t.Helper()
	if err := p.focused(func() error { return p.run(js, into) }); err != nil {
		p.t.Fatalf("the script %s fails: %v", js, err)
	}
}

func (p *tab) Run(js string, into any) {
	p.t.Helper()
	if err := p.run(js, into); err != nil {
		p.t.Fatalf("the script %s fails: %v", js, err)
	}
}

func (p *tab) Complaints() []string {
	p.t.Helper()
	p.settle()
	poll(time.Second, p.watch.quiet)
	return p.watch.complained()
}

func (p *tab) Screenshot(file string) {
	p.t.Helper()
	p.picture(file, true)
}

func (p *tab) ScreenshotView(file string) {
	p.t.Helper()
	p.picture(file, false)
}

func (p *tab) picture(file string, whole bool) {
	p.t.Helper()
	var png []byte
	err := p.focused(func() (err error) {
		png, err = p.screenshot(whole)
		return err
	})
	if err != nil {
		p.t.Fatalf("%s takes no screenshot: %v", p.name(), err)
	}
	if err := os.WriteFile(file, png, 0o644); err != nil {
		p.t.Fatalf("the screenshot is not written: %v", err)
	}
}

// await asks a question about an element until the element exists.
func (p *tab) await(selector, js string) string {
	p.t.Helper()
	var answer *string
	exists := func() bool { p.ask(&answer, js); return answer != nil }
	if !poll(p.patience, exists) {
		p.t.Fatalf("%s shows no element %s after %v", p.URL(), selector, p.patience)
	}
	return *answer
}

// ask evaluates an expression that changes nothing, so it can try again if a
// navigation takes the document away meanwhile.
func (p *tab) ask(into any, js string) {
	p.t.Helper()
	var err error
	answered := func() bool {
		err = p.run(js, into)
		return err == nil || errors.As(err, new(thrown)) || errors.Is(err, errEnded)
	}
	if poll(patience, answered); err != nil {
		p.t.Fatalf("%s does not read the page: %v", p.name(), err)
	}
}

// errEnded is the reason why nothing more comes from a tab or a browser.
var errEnded = errors.New("it has ended")

// run runs a script in the page and decodes its value.
func (p *tab) run(js string, into any) error {
	value, err := p.evaluate(js)
	if err != nil || into == nil {
		return err
	}
	if err := json.Unmarshal(value, into); err != nil {
		return fmt.Errorf("its value %s cannot be decoded into %T: %w", value, into, err)
	}
	return nil
}

// settle makes sure that the watch has heard of all that happened in the page
// up to now: the answer to a question comes after it.
func (p *tab) settle() {
	_, _ = p.evaluate("0") // a document that is being replaced may fail to answer
}
