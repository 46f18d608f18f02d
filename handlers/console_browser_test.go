// The console in a real browser: a call is a form, and what it did can be seen
// on a projector without scrolling.

package handlers_test

import (
	"fmt"
	"strings"
	"testing"

	"cookielab/handlers/browsertest"
	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
)

func tellConsole(t *testing.T, browser browsertest.Browser, _ string) {
	for _, show := range []struct {
		name string
		browsertest.Options
		run, kept, lost string
	}{
		{"en", browsertest.Options{Width: 1024, Height: 640}, "Run it", "Both counted. Nothing was lost.", "one count is lost"},
		{"zh without script", browsertest.Options{Width: 1024, Height: 640, NoScript: true, Language: "zh-CN"}, "执行", "两次都算上了", "少算了一次"},
	} {
		t.Run(show.name, func(t *testing.T) {
			t.Parallel()
			lab := labtest.New(t)
			page := browser.Visit(t, show.Options)
			seen := func(selectors ...string) {
				t.Helper()
				for _, selector := range selectors {
					var bottom float64
					page.Eval(fmt.Sprintf(`document.querySelector(%q).getBoundingClientRect().bottom`, selector), &bottom)
					if bottom > 640 || page.ScrollY() > 0 {
						t.Errorf("%s ends at %.0f px of 640, scrolled by %.0f", selector, bottom, page.ScrollY())
					}
				}
			}
			says := func(selector string, words ...string) {
				t.Helper()
				for _, want := range words {
					if got := page.Text(selector); !strings.Contains(got, want) {
						t.Errorf("%s says %q, not %q", selector, got, want)
					}
				}
			}
			open := func(id string) {
				t.Helper()
				if status := page.Open("http://" + lab.Addr + "/console?call=" + id); status != 200 {
					t.Fatalf("%s answers %d", id, status)
				}
			}
			open("set")
			says(".made button", show.run)
			page.Type("input[name=value]", "two words")
			page.Click(".made button")
			says("#result", "null")
			says("#now-data", `{"k1":"two words"}`)
			says("#did-cookie", "Set-Cookie: lab_sessionid=")
			says("#versions", "– → 1")
			seen("#now-data", ".made button", "#result", "#did-cookie", "#did-store", "#did-wire")
			kept := ""
			for _, cookie := range page.Cookies() {
				if cookie.Name == webtest.SessionCookie {
					kept = cookie.Value
				}
			}
			says("#now-key", kept[:4]+"…"+kept[len(kept)-2:])

			open("at_once")
			page.Click(`button[value="add"]`)
			says("#result", show.kept)
			says("#race-after", "0 → 2")
			page.Click(`button[value="set"]`)
			says("#result", show.lost)
			says("#race-after", "2 → 3")
			seen(`button[value="set"]`, `button[value="add"]`, "#result", "#race-after")

			open("set")
			page.Type("input[name=key]", "_user")
			page.Click(".made button")
			says("#result", "403", "reserved_key")
			says("#now-data", `"visits":3`)
			for _, complaint := range page.Complaints() {
				if !strings.Contains(complaint, "403") { // the page is the refusal
					t.Errorf("the browser complains: %s", complaint)
				}
			}
		})
	}
}
