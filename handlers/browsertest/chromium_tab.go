// This file opens and closes tabs of Chromium and reads what they show.

package browsertest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// tab is one tab of a visit.
type tab struct {
	visit    *visit
	t        testing.TB
	patience time.Duration // with the page; less only where a test tests it
	ctx      context.Context
	leave    context.CancelFunc // lets go of the tab and does not close it
	watch    *watch
}

// open opens another tab.
func (v *visit) open() Page {
	v.t.Helper()
	w := newWatch()
	ctx, leave := chromedp.NewContext(v.browser.ctx,
		chromedp.WithExistingBrowserContext(v.profile),
		chromedp.WithListener(w.hear),
		chromedp.WithDetachOnCancel())
	p := &tab{visit: v, t: v.t, patience: patience, ctx: ctx, leave: leave, watch: w}
	v.tabs = append(v.tabs, p)

	// The first action opens the tab; see Chromium for the alarm.
	alarm := time.AfterFunc(3*patience, leave)
	defer alarm.Stop()
	if err := chromedp.Do(ctx); err != nil {
		p.t.Fatalf("Chromium opens no tab: %v", err)
	}
	w.begin(ctx, cdp.FrameID(p.id()))
	p.dress()
	return p
}

func (p *tab) NewTab() Page {
	p.t.Helper()
	return p.visit.open()
}

func (p *tab) CloseTab() {
	p.t.Helper()
	ctx, cancel := p.limit()
	defer cancel()
	if _, err := chromedp.CallBrowser(ctx, target.CloseTarget, target.CloseTargetParams{TargetID: p.id()}); err != nil {
		p.t.Fatalf("Chromium does not close the tab: %v", err)
	}
	p.leave()
}

// id is Chromium's name for the tab.
func (p *tab) id() target.ID {
	return chromedp.FromContext(p.ctx).Target.TargetID
}

// dress makes the tab that of the visitor whom the options describe.
func (p *tab) dress() {
	p.t.Helper()
	o := p.visit.options
	call(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width:             int64(cmp.Or(o.Width, 1280)),
		Height:            int64(cmp.Or(o.Height, 800)),
		DeviceScaleFactor: 1,
	})
	// Every tab believes that it has the focus, also while others are open.
	call(p, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: o.NoScript})

	scheme := "light"
	if o.Dark {
		scheme = "dark"
	}
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})

	// Without a user agent the command changes only the languages: as a browser
	// does it, the language of a region is followed by the language itself.
	language := cmp.Or(o.Language, "en-US")
	languages := language
	if base, _, regional := strings.Cut(language, "-"); regional {
		languages += "," + base
	}
	call(p, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{AcceptLanguage: languages})

	// Tabs that share a process share its locale, and Chromium refuses to set it
	// twice. Then it is set.
	ctx, cancel := p.limit()
	defer cancel()
	_, _ = chromedp.Call(ctx, emulation.SetLocaleOverride, emulation.SetLocaleOverrideParams{Locale: language})
}

func (p *tab) URL() string {
	p.t.Helper()
	var url string
	p.ask(&url, "document.URL")
	if !strings.HasPrefix(url, "chrome-error:") {
		return url
	}
	// Chromium shows a page of its own; its history knows the address.
	history := call(p, page.GetNavigationHistory, cdp.Empty{})
	return history.Entries[history.CurrentIndex].URL
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
	if err := p.evaluate(js, into); err != nil {
		p.t.Fatalf("the script %s fails: %v", js, err)
	}
}

func (p *tab) Screenshot(file string) {
	p.t.Helper()
	ctx, cancel := p.limit()
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.t.Fatalf("Chromium takes no screenshot: %v", err)
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
		err = p.evaluate(js, into)
		return err == nil || errors.As(err, new(*chromedp.ExceptionError)) || p.ctx.Err() != nil
	}
	if poll(patience, answered); err != nil {
		p.t.Fatalf("Chromium does not read the page: %v", err)
	}
}

// evaluate runs a script in the page and decodes its value.
func (p *tab) evaluate(js string, into any) error {
	ctx, cancel := p.limit()
	defer cancel()
	yes := true
	answer, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{
		Expression:    js,
		ReturnByValue: &yes,
		AwaitPromise:  &yes,
	})
	switch {
	case err != nil:
		return err
	case answer.ExceptionDetails != nil:
		return &chromedp.ExceptionError{ExceptionDetails: answer.ExceptionDetails}
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(answer.Result.Value, into); err != nil {
		return fmt.Errorf("its value, of type %s, cannot be decoded into %T: %w", answer.Result.Type, into, err)
	}
	return nil
}

// limit is the context of one command: the tab's, but not for ever.
func (p *tab) limit() (context.Context, context.CancelFunc) {
	return context.WithTimeout(p.ctx, patience)
}

// call sends one command to the tab.
func call[P, R any](p *tab, command cdp.Command[P, R], params P) R {
	p.t.Helper()
	ctx, cancel := p.limit()
	defer cancel()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		p.t.Fatalf("Chromium does not do %s: %v", command.Method, err)
	}
	return result
}
