// This file starts Chromium and opens visits in it: the Browser of the DevTools
// protocol. The files chromium_*.go hold the rest of this driver.

package browsertest

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// Chromium starts the Chromium of this machine, or a browser made from it such
// as Chrome and Edge, without a window and with an empty profile. Where there
// is none the test is skipped, but it fails in CI (the variable CI is "true").
func Chromium(t testing.TB) Browser {
	t.Helper()
	path := findChromium()
	if path == "" {
		missing(t, "there is no Chromium on this machine: to run the browser tests, install it "+
			"with 'apt install chromium', 'brew install --cask chromium' or 'winget install Google.Chrome'")
	}

	base, stopProcess := chromedp.NewExecAllocator(context.Background(), chromiumFlags(path)...)
	quiet := func(string, ...any) {}
	ctx, stopControl := chromedp.NewContext(base, chromedp.WithLogf(quiet), chromedp.WithErrorf(quiet))
	b := &chromium{ctx: ctx}
	b.stop = sync.OnceFunc(func() { stopControl(); stopProcess() })

	// The first action starts the process. Its context is that of the process,
	// so it cannot have a deadline of its own.
	alarm := time.AfterFunc(3*patience, b.stop)
	defer alarm.Stop()
	if err := chromedp.Do(ctx); err != nil {
		b.stop()
		t.Fatalf("%s does not start: %v", path, err)
	}
	version, err := chromedp.CallBrowser(ctx, browser.GetVersion, cdp.Empty{})
	if err != nil {
		b.stop()
		t.Fatalf("%s does not tell its version: %v", path, err)
	}
	_, b.version, _ = strings.Cut(version.Product, "/")
	return b
}

// findChromium gives the path of Chromium or of a browser made from it, or "".
func findChromium() string {
	return find(
		[]string{
			"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
			"microsoft-edge", "microsoft-edge-stable", "msedge",
		},
		[]string{
			"Chromium.app/Contents/MacOS/Chromium",
			"Google Chrome.app/Contents/MacOS/Google Chrome",
			"Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
		},
		[]string{
			`Chromium\Application\chrome.exe`, `Google\Chrome\Application\chrome.exe`, `Microsoft\Edge\Application\msedge.exe`,
		})
}

// chromiumFlags are the command line of a Chromium without a window that stays
// off the network unless a test sends it there.
func chromiumFlags(path string) []chromedp.ExecAllocatorOption {
	flags := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.Flag("headless", "new"),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("in-process-gpu", true), // one process less to talk to
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		// Each visit is a fresh profile, for which Chromium would start more than the
		// page: a process kept ready for the next site, and two that draw what drops
		// down from the address bar. Nobody sees those here, and they are half its work.
		chromedp.Flag("disable-features", "Translate,BlinkGenPropertyTrees,"+
			"SpareRendererForSitePerProcess,WebUIOmniboxPopup,WebUIOmniboxAimPopup"),
	)
	if os.Getuid() == 0 || os.Getenv("CI") == "true" {
		// Chromium's sandbox works neither for root nor in most containers.
		flags = append(flags, chromedp.NoSandbox)
	}
	return flags
}

// chromium is one Chromium process.
type chromium struct {
	ctx     context.Context
	stop    func()
	version string
}

func (b *chromium) Name() string    { return "Chromium" }
func (b *chromium) Version() string { return b.version }
func (b *chromium) Close()          { b.stop() }

func (b *chromium) Visit(t testing.TB, o Options) Page {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	made, err := chromedp.CallBrowser(ctx, target.CreateBrowserContext, target.CreateBrowserContextParams{})
	if err != nil {
		t.Fatalf("Chromium gives no fresh profile: %v", err)
	}
	v := &chromiumVisit{browser: b, options: o, profile: made.BrowserContextID}
	t.Cleanup(v.end)
	d, err := v.newTab()
	return show(t, b.Name(), d, err)
}

// chromiumVisit is one profile with its tabs. Chromium calls it a browser
// context.
type chromiumVisit struct {
	browser *chromium
	options Options
	profile cdp.BrowserContextID
	tabs    []*chromiumTab
}

// end closes the profile, and with it all its tabs.
func (v *chromiumVisit) end() {
	for _, tab := range v.tabs {
		tab.leave()
	}
	ctx, cancel := context.WithTimeout(v.browser.ctx, patience)
	defer cancel()
	// An error means that the browser is gone, and the profile with it.
	_, _ = chromedp.CallBrowser(ctx, target.DisposeBrowserContext, target.DisposeBrowserContextParams{BrowserContextID: v.profile})
}
