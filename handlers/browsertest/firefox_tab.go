// This file opens and closes tabs of Firefox, and moves and reads them.

package browsertest

import (
	"encoding/json"
	"net/url"
	"strings"
)

// firefoxTab drives one tab.
type firefoxTab struct {
	visit   *firefoxVisit
	browser *firefox
	context string // BiDi's name for the tab
	heard   *firefoxWatch
}

// newTab opens a tab.
func (v *firefoxVisit) newTab() (driver, error) {
	b := v.browser
	var made struct{ Context string }
	if err := b.call("browsingContext.create", object{
		"type":             "tab",
		"background":       true,
		"referenceContext": b.home, // which window
		"userContext":      v.profile,
	}, &made); err != nil {
		return nil, err
	}
	d := &firefoxTab{visit: v, browser: b, context: made.Context, heard: b.attend(made.Context)}
	return d, b.help("wake", nil, d.context)
}

func (d *firefoxTab) name() string            { return d.browser.Name() }
func (d *firefoxTab) watched() *watch         { return d.heard.watch }
func (d *firefoxTab) newTab() (driver, error) { return d.visit.newTab() }

func (d *firefoxTab) closeTab() error {
	return d.browser.call("browsingContext.close", object{"context": d.context}, nil)
}

func (d *firefoxTab) open(url string) error {
	return d.browser.call("browsingContext.navigate", object{"context": d.context, "url": url, "wait": "none"}, nil)
}

func (d *firefoxTab) reload() error {
	return d.browser.call("browsingContext.reload", object{"context": d.context, "wait": "none"}, nil)
}

func (d *firefoxTab) address(document string) (string, error) {
	if _, address, ok := failed(document); ok {
		return address, nil
	}
	return document, nil
}

// failed says what went wrong, and where, if the document is the page with which
// Firefox explains that.
func failed(document string) (reason, address string, ok bool) {
	for _, page := range []string{"about:neterror?", "about:certerror?"} {
		if query, ok := strings.CutPrefix(document, page); ok {
			values, _ := url.ParseQuery(query)
			return values.Get("e"), values.Get("u"), true
		}
	}
	return "", "", false
}

// evaluate keeps the script of a visit without scripts apart from the page:
// there Firefox stops whatever a script in the page leaves for later.
func (d *firefoxTab) evaluate(js string) (json.RawMessage, error) {
	target := object{"context": d.context}
	if d.visit.options.NoScript {
		target["sandbox"] = "tester"
	}
	return d.browser.evaluate(target, js)
}

// focused gives the tab the keyboard. Firefox has one for all tabs, so a page may
// see that it loses the focus between two acts, when another tab acts.
func (d *firefoxTab) focused(act func() error) error {
	d.browser.keyboard.Lock()
	defer d.browser.keyboard.Unlock()
	if err := d.browser.help("focus", nil, d.context); err != nil {
		return err
	}
	return act()
}

func (d *firefoxTab) click(x, y float64) error {
	return d.perform("pointer", []object{
		{"type": "pointerMove", "x": int(x), "y": int(y)},
		{"type": "pointerDown", "button": 0},
		{"type": "pointerUp", "button": 0},
	})
}

func (d *firefoxTab) press(keys []key) error {
	var strokes []object
	for _, k := range keys {
		strokes = append(strokes, object{"type": "keyDown", "value": k.firefox}, object{"type": "keyUp", "value": k.firefox})
	}
	return d.perform("key", strokes)
}

// perform moves the mouse or the keyboard.
func (d *firefoxTab) perform(device string, actions []object) error {
	return d.browser.call("input.performActions", object{
		"context": d.context,
		"actions": []object{{"type": device, "id": device, "actions": actions}},
	}, nil)
}

func (d *firefoxTab) screenshot(whole bool) ([]byte, error) {
	origin := "viewport"
	if whole {
		origin = "document"
	}
	var png struct{ Data []byte }
	err := d.browser.call("browsingContext.captureScreenshot", object{"context": d.context, "origin": origin}, &png)
	return png.Data, err
}
