// This file opens and closes tabs of Chromium, and moves and reads them.

package browsertest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// chromiumTab drives one tab.
type chromiumTab struct {
	visit *chromiumVisit
	ctx   context.Context
	leave context.CancelFunc // lets go of the tab and does not close it
	heard *chromiumWatch
}

// newTab opens a tab.
func (v *chromiumVisit) newTab() (driver, error) {
	w := &chromiumWatch{watch: newWatch()}
	ctx, leave := chromedp.NewContext(v.browser.ctx,
		chromedp.WithExistingBrowserContext(v.profile),
		chromedp.WithListener(w.hear),
		chromedp.WithDetachOnCancel())
	d := &chromiumTab{visit: v, ctx: ctx, leave: leave, heard: w}
	v.tabs = append(v.tabs, d)

	// The first action opens the tab; see Chromium for the alarm.
	alarm := time.AfterFunc(3*patience, leave)
	defer alarm.Stop()
	if err := chromedp.Do(ctx); err != nil {
		return nil, err
	}
	w.attend(ctx, cdp.FrameID(d.id()))
	return d, d.dress()
}

func (d *chromiumTab) name() string            { return d.visit.browser.Name() }
func (d *chromiumTab) watched() *watch         { return d.heard.watch }
func (d *chromiumTab) newTab() (driver, error) { return d.visit.newTab() }

func (d *chromiumTab) closeTab() error {
	ctx, cancel := d.limit()
	defer cancel()
	_, err := chromedp.CallBrowser(ctx, target.CloseTarget, target.CloseTargetParams{TargetID: d.id()})
	d.leave()
	return err
}

// id is Chromium's name for the tab.
func (d *chromiumTab) id() target.ID {
	return chromedp.FromContext(d.ctx).Target.TargetID
}

// dress makes the tab that of the visitor whom the options describe.
func (d *chromiumTab) dress() error {
	o := d.visit.options
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: "light"},
		{Name: "prefers-reduced-motion", Value: "no-preference"},
	}}
	if o.Dark {
		media.Features[0].Value = "dark"
	}
	if o.ReducedMotion {
		media.Features[1].Value = "reduce"
	}
	if o.Print {
		media.Media = "print"
	}

	// Without a user agent the command changes only the languages: as a browser
	// does it, the language of a region is followed by the language itself.
	language := cmp.Or(o.Language, "en-US")
	languages := language
	if base, _, regional := strings.Cut(language, "-"); regional {
		languages += "," + base
	}

	err := errors.Join(
		tell(d, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width:             int64(cmp.Or(o.Width, 1280)),
			Height:            int64(cmp.Or(o.Height, 800)),
			DeviceScaleFactor: 1,
		}),
		// Every tab believes that it has the focus, also while others are open.
		tell(d, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}),
		tell(d, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: o.NoScript}),
		tell(d, emulation.SetEmulatedMedia, media),
		tell(d, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{AcceptLanguage: languages}),
	)
	// Tabs that share a process share its locale, and Chromium refuses to set it
	// twice. Then it is set.
	_ = tell(d, emulation.SetLocaleOverride, emulation.SetLocaleOverrideParams{Locale: language})
	return err
}

func (d *chromiumTab) open(url string) error {
	answer, err := call(d, page.Navigate, page.NavigateParams{URL: url})
	if err == nil && answer.ErrorText != "" {
		err = errors.New(answer.ErrorText)
	}
	return err
}

func (d *chromiumTab) reload() error {
	return tell(d, page.Reload, page.ReloadParams{})
}

func (d *chromiumTab) address(document string) (string, error) {
	if !strings.HasPrefix(document, "chrome-error:") {
		return document, nil
	}
	history, err := call(d, page.GetNavigationHistory, cdp.Empty{})
	if err != nil {
		return "", err
	}
	return history.Entries[history.CurrentIndex].URL, nil
}

func (d *chromiumTab) evaluate(js string) (json.RawMessage, error) {
	yes := true
	answer, err := call(d, runtime.Evaluate, runtime.EvaluateParams{
		Expression:    js,
		ReturnByValue: &yes,
		AwaitPromise:  &yes,
	})
	switch {
	case err != nil:
		return nil, err
	case answer.ExceptionDetails != nil:
		return nil, thrown((&chromedp.ExceptionError{ExceptionDetails: answer.ExceptionDetails}).Error())
	}
	return json.RawMessage(answer.Result.Value), nil
}

// focused has nothing to do: see SetFocusEmulationEnabled.
func (d *chromiumTab) focused(act func() error) error { return act() }

func (d *chromiumTab) click(x, y float64) error {
	return d.do(chromedp.MouseEvent(chromedp.MouseMoved, x, y), chromedp.MouseClickXY(x, y))
}

func (d *chromiumTab) press(keys []key) error {
	var all strings.Builder
	for _, k := range keys {
		all.WriteString(k.chromium)
	}
	return d.do(chromedp.KeyEvent(all.String()))
}

func (d *chromiumTab) screenshot(whole bool) ([]byte, error) {
	ctx, cancel := d.limit()
	defer cancel()
	if whole {
		return chromedp.Run(ctx, chromedp.FullScreenshot(100))
	}
	return chromedp.Run(ctx, chromedp.CaptureScreenshot())
}

// limit is the context of one command: the tab's, but not for ever.
func (d *chromiumTab) limit() (context.Context, context.CancelFunc) {
	return context.WithTimeout(d.ctx, patience)
}

// do takes some steps in the tab.
func (d *chromiumTab) do(steps ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := d.limit()
	defer cancel()
	return chromedp.Do(ctx, steps...)
}

// call sends one command to the tab.
func call[P, R any](d *chromiumTab, command cdp.Command[P, R], params P) (R, error) {
	ctx, cancel := d.limit()
	defer cancel()
	result, err := chromedp.Call(ctx, command, params)
	if d.ctx.Err() != nil {
		err = errEnded
	}
	return result, err
}

// tell sends one command whose answer says nothing.
func tell[P, R any](d *chromiumTab, command cdp.Command[P, R], params P) error {
	_, err := call(d, command, params)
	return err
}
