// The page of the tokens in a real browser: with buttons, with script, and by
// the lines that it gives for a terminal.

package handlers_test

import (
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"cookielab/handlers/browsertest"
	"cookielab/handlers/labtest"
)

func tellTokens(t *testing.T, browser browsertest.Browser, _ string) {
	for _, visit := range []struct {
		name     string
		noScript bool
		language string
	}{{"with script", false, "en"}, {"without script, in Chinese", true, "zh-CN"}} {
		t.Run(visit.name, func(t *testing.T) {
			t.Parallel()
			lab := labtest.New(t)
			v := &visitor{Page: browser.Visit(t, browsertest.Options{NoScript: visit.noScript, Language: visit.language, Width: 1440, Height: 900}),
				base: "http://" + lab.Addr, browser: browser.Name(), noScript: visit.noScript}
			verdicts := func(opaque, sealed string) {
				t.Helper()
				for kind, want := range map[string]string{"opaque": opaque, "sealed": sealed} {
					if got := v.Attr("#concludes-"+kind, "data-verdict"); got != want {
						t.Errorf("of the %s one the server concludes %q, want %q", kind, got, want)
					}
				}
			}
			v.open(t, "/dashboard", 200)
			v.Click(`.onward a[href="/tokens"]`)
			v.at(t, "/tokens")
			v.Click(`.bar form[action="/tokens"] button[type=submit]`)
			v.at(t, "/tokens")
			token := v.Text("#whole-opaque")
			if len(token) != 40 || len(v.Text("#whole-sealed")) < 100 {
				t.Fatalf("shown are %q and %q", token, v.Text("#whole-sealed"))
			}
			v.tokenByCurl(t, token)
			if !visit.noScript {
				v.tokenByScript(t, token)
			} else if v.Has("#script-on:not([hidden])") || v.Text("#script-off") == "" {
				t.Error("without script the page does not say that there is none")
			}
			v.Click(`.bar form[action="/tokens/ask"] button`)
			verdicts("found", "verified")
			if strings.Contains(v.Text("body"), token) {
				t.Error("the token is shown twice")
			}
			if got := v.Text("#sent-opaque"); !strings.Contains(got, "Token "+token[:4]+"…"+token[38:]) {
				t.Errorf("② says %q", got)
			}
			v.Click(`.bar form[action="/tokens/end"] button`)
			verdicts("unknown", "verified")
			if got := v.Text("#endable-sealed"); !strings.Contains(got, "409 Conflict") {
				t.Errorf("ending the self-contained one says %q", got)
			}
			v.open(t, "/login?next=/tokens", 200)
			v.Click(`.sign-in button[type=submit]`)
			v.at(t, "/tokens")
			v.Click(".again > summary")
			v.Click(`.bar form[action="/tokens"] button[type=submit]`)
			v.Click(`#mine form button`)
			if v.Has("#mine form") {
				t.Error("the token that was ended is still listed")
			}
			v.Click(`.bar form[action="/tokens/ask"] button`)
			verdicts("unknown", "verified")
			for _, complaint := range v.Complaints() {
				if !strings.Contains(complaint, "401") { // a browser tells of what a script was refused
					t.Errorf("the browser complains: %s", complaint)
				}
			}
		})
	}
}

// tokenByScript presses what only a script can do.
func (v *visitor) tokenByScript(t *testing.T, token string) {
	t.Helper()
	v.Click(`[data-send="token"]`)
	v.WaitText("#script-answer", `"auth":"token"`)
	if got := v.Text("#script-call"); !strings.Contains(got, "Token "+token[:4]+"…") || strings.Contains(got, token) {
		t.Errorf("the call is shown as %q", got)
	}
	v.Click(`[data-send="nothing"]`)
	v.WaitText("#script-answer", "401")
	v.WaitText("#script-answer", "WWW-Authenticate: Token")
	// The cookies of somebody else decide where no token is sent, and only there.
	v.Eval(`fetch("/login", { method: "POST", body: new URLSearchParams({ username: "bob", password: "cookies" }) }).then((r) => r.status)`, nil)
	v.Click(`[data-send="cookies"]`)
	v.WaitText("#script-answer", `{"user":"bob","role":"student","auth":"session"}`)
	v.Click(`[data-send="token"]`)
	v.WaitText("#script-answer", `{"user":"alice","role":"student","auth":"token"}`)
	v.Type("#script-token", token[:39]+"x")
	v.Click(`[data-send="token"]`)
	v.WaitText("#script-answer", "401")
	v.Eval(`fetch("/logout", { method: "POST" }).then((r) => r.status)`, nil)
}

// tokenByCurl pastes the page's lines into one shell, one after the other.
func (v *visitor) tokenByCurl(t *testing.T, token string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		return // the lines are for a POSIX shell
	}
	ask := v.Text("#curl-ask")
	script := strings.Join([]string{v.Text("#curl-opaque"), v.Text("#curl-sealed"), v.Text("#curl-get"), ask, v.Text("#curl-end"), ask}, "\n")
	if !strings.Contains(script, token) {
		t.Errorf("no line sends the token that is shown: %s", script)
	}
	out, err := exec.Command("sh", "-ec", strings.ReplaceAll(script, "curl -", "curl --silent --noproxy '*' -")).CombinedOutput()
	if err != nil {
		t.Errorf("the lines do not run: %v: %s", err, out)
	}
	var statuses []string
	for line := range strings.Lines(string(out)) {
		if rest, ok := strings.CutPrefix(line, "HTTP/1.1 "); ok {
			statuses = append(statuses, rest[:3])
		}
	}
	if got := strings.Join(statuses, " "); got != "200 200 200 204 401" || strings.Count(string(out), `"auth":"token"`) != 3 {
		t.Errorf("the lines are answered %s: %s", got, out)
	}
}
