// This file starts Firefox and opens visits in it: the Browser of WebDriver BiDi.
// The files firefox_*.go hold the rest of this driver.

package browsertest

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// Firefox starts the Firefox of this machine without a window and with an empty
// profile. Where there is none the test is skipped, but it fails in CI (the
// variable CI is "true").
func Firefox(t testing.TB) Browser {
	t.Helper()
	path := findFirefox()
	if path == "" {
		missing(t, "there is no Firefox on this machine: to run the browser tests, install it "+
			"with 'apt install firefox-esr', 'brew install --cask firefox' or 'winget install Mozilla.Firefox'")
	}
	b := &firefox{watches: map[string]*firefoxWatch{}}
	if err := b.start(path); err != nil {
		b.Close()
		t.Fatalf("%s does not start: %v", path, err)
	}
	return b
}

// findFirefox gives the path of Firefox, or "".
func findFirefox() string {
	return find(
		[]string{"firefox-esr", "firefox"},
		[]string{"Firefox.app/Contents/MacOS/firefox"},
		[]string{`Mozilla Firefox\firefox.exe`})
}

// firefoxPreferences make of a Firefox under remote control, which stays off the
// network by itself, one that serves many tabs at once.
const firefoxPreferences = `
// The mouse goes to the tab that is meant, not to the one in front.
user_pref("remote.events.async.mouse.enabled", false);
// The servers of the tests are on this machine.
user_pref("network.proxy.type", 0);
// Scroll bars take no room, as on a phone and in a Chromium without a window.
user_pref("ui.useOverlayScrollbars", 1);
// Nobody watches: to draw a page sixty times a second was a fifth of all the work.
user_pref("layout.frame_rate", 15);
// Nobody looks for experiments.
user_pref("messaging-system.rsexperimentloader.enabled", false);
`

// firefox is one Firefox process.
type firefox struct {
	*bidi
	version string
	profile string // folder
	process *exec.Cmd
	window  string // the chrome of Firefox: where its own scripts run
	home    string // the tab that is there from the start

	keyboard sync.Mutex // only one tab has it at a time

	mu      sync.Mutex
	watches map[string]*firefoxWatch // of every tab and frame
}

func (b *firefox) start(path string) error {
	var err error
	if b.profile, err = os.MkdirTemp("", "cookielab-firefox-"); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(b.profile, "user.js"), []byte(firefoxPreferences), 0o644); err != nil {
		return err
	}
	address, err := b.launch(path)
	if err != nil {
		return err
	}
	if b.bidi, err = dial(address+"/session", b.hear); err != nil {
		return err
	}

	var session struct {
		Capabilities struct{ BrowserVersion string }
	}
	var own, content struct {
		Contexts []struct{ Context string }
	}
	err = errors.Join(
		// It listens before it is ready to answer.
		b.bidi.callWithin(3*patience, "session.new", object{"capabilities": object{"alwaysMatch": object{
			"unhandledPromptBehavior": object{"default": "accept"},
		}}}, &session),
		b.call("browsingContext.getTree", object{"moz:scope": "chrome", "maxDepth": 0}, &own),
		b.call("browsingContext.getTree", object{"maxDepth": 0}, &content),
		b.call("session.subscribe", object{"events": firefoxEvents}, nil),
	)
	if err != nil {
		return err
	}
	if len(own.Contexts) == 0 || len(content.Contexts) == 0 {
		return errors.New("it has no window")
	}
	b.version = session.Capabilities.BrowserVersion
	b.window, b.home = own.Contexts[0].Context, content.Contexts[0].Context
	return b.installHelp()
}

// launch starts the process and gives the address at which it listens.
func (b *firefox) launch(path string) (string, error) {
	args := []string{"--headless", "--no-remote", "--profile", b.profile, "--remote-debugging-port=0", "--remote-allow-system-access"}
	if runtime.GOOS == "windows" {
		args = append(args, "--wait-for-browser") // else the process only starts another
	}
	process := exec.Command(path, append(args, "about:blank")...)
	process.Env = append(os.Environ(), "HOME="+b.profile) // for downloads and whatever else Firefox writes
	dieWithUs(process)
	stderr, err := process.StderrPipe()
	if err != nil {
		return "", err
	}
	if err := process.Start(); err != nil {
		return "", err
	}
	b.process = process

	alarm := time.AfterFunc(3*patience, func() { _ = process.Process.Kill() })
	defer alarm.Stop()
	said := ""
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if _, address, ok := strings.Cut(lines.Text(), "WebDriver BiDi listening on "); ok {
			go io.Copy(io.Discard, stderr)
			return address, nil
		}
		said = cmp.Or(lines.Text(), said)
	}
	return "", fmt.Errorf("it ended or hung, and said last: %q", said)
}

func (b *firefox) Name() string    { return "Firefox" }
func (b *firefox) Version() string { return b.version }

func (b *firefox) Close() {
	if b.bidi != nil {
		_ = b.call("browser.close", object{}, nil) // an error means that it has ended
		b.hangUp()
	}
	if b.process != nil {
		alarm := time.AfterFunc(patience, func() { _ = b.process.Process.Kill() })
		_ = b.process.Wait()
		alarm.Stop()
	}
	// The processes of its pages may take a moment longer to let go of the files.
	poll(patience, func() bool { return os.RemoveAll(b.profile) == nil })
}

func (b *firefox) Visit(t testing.TB, o Options) Page {
	t.Helper()
	var made struct{ UserContext string }
	if err := b.call("browser.createUserContext", object{}, &made); err != nil {
		t.Fatalf("Firefox gives no fresh profile: %v", err)
	}
	v := &firefoxVisit{browser: b, options: o, profile: made.UserContext}
	t.Cleanup(v.end)
	if err := v.dress(); err != nil {
		t.Fatalf("Firefox does not take the options %+v: %v", o, err)
	}
	d, err := v.newTab()
	return show(t, b.Name(), d, err)
}

// firefoxVisit is one profile with its tabs. Firefox calls it a container, and
// BiDi a user context.
type firefoxVisit struct {
	browser *firefox
	options Options
	profile string
}

// dress makes all tabs to come those of the visitor whom the options describe.
func (v *firefoxVisit) dress() error {
	o, profiles := v.options, []string{v.profile}
	return errors.Join(
		v.browser.help("dress", nil, v.profile, object{
			"noScript": o.NoScript, "dark": o.Dark, "reducedMotion": o.ReducedMotion, "print": o.Print,
		}),
		v.browser.call("browsingContext.setViewport", object{
			"userContexts":     profiles,
			"viewport":         object{"width": cmp.Or(o.Width, 1280), "height": cmp.Or(o.Height, 800)},
			"devicePixelRatio": 1,
		}, nil),
		v.browser.call("emulation.setLocaleOverride", object{
			"userContexts": profiles,
			"locale":       cmp.Or(o.Language, "en-US"),
		}, nil),
	)
}

// end closes the profile, and with it all its tabs.
func (v *firefoxVisit) end() {
	// An error means that the browser is gone, and the profile with it.
	_ = v.browser.help("forget", nil, v.profile)
	_ = v.browser.call("browser.removeUserContext", object{"userContext": v.profile}, nil)
}
