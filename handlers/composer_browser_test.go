// The composer in a real browser: what is typed is judged, what is sent comes back
// as predicted, for every preset, with script and without.

package handlers_test

import (
	"fmt"
	"strings"
	"testing"

	"cookielab/handlers"
	"cookielab/handlers/browsertest"
	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
)

func tellComposer(t *testing.T, browser browsertest.Browser, _ string) {
	for _, visitor := range []struct {
		name                  string
		agrees, differs, deed string
		browsertest.Options
	}{
		{"en", "As predicted", "They differ", "Judge it", browsertest.Options{Width: 1024, Height: 768}},
		{"zh without script", "和预测一致", "意见不一", "判断", browsertest.Options{Width: 390, Height: 844, NoScript: true, Language: "zh-CN"}},
	} {
		t.Run(visitor.name, func(t *testing.T) {
			t.Parallel()
			lab := labtest.New(t, func(c *handlers.Config) { c.Clock = nil }) // the browser's is real, too
			base := "http://" + strings.Replace(lab.Addr, "127.0.0.1", "localhost", 1)
			page := browser.Visit(t, visitor.Options)
			open := func(path string) {
				t.Helper()
				if status := page.Open(base + path); status != 200 {
					t.Fatalf("%s answers %d", path, status)
				}
			}
			value := func(selector string) (text string) {
				page.Eval(fmt.Sprintf("document.querySelector(%q).value", selector), &text)
				return text
			}

			// What is typed is judged: at once, or by a button.
			open("/composer")
			page.Type("#line", "a=1; SameSite=None; Foo")
			if visitor.NoScript {
				page.Click(".line-row .no-script")
			}
			page.WaitText("#on-draft", "5.7 step 19")
			page.WaitText("#parts .part-unknown", "Foo")
			if got := value("#f-samesite"); got != "None" {
				t.Errorf("the field SameSite says %q", got)
			}

			// A field writes the line.
			page.Click("#f-secure")
			if visitor.NoScript {
				page.Click(".fields-part .no-script button")
			}
			page.WaitText("#board-again", "✓")
			if got := value("#line"); got != "a=1; Secure; SameSite=None; Foo" {
				t.Errorf("the line says %q", got)
			}
			page.Type("#line", "a\t=1\t2")
			if visitor.NoScript {
				page.Click(".line-row .no-script")
			}

			// The two browsers and the draft need not agree.
			open("/composer?preset=tab")
			page.WaitText("#headline", visitor.differs)

			// Whatever is sent, this browser does what its profile says.
			for i, preset := range labtest.New(t).Client().Presets() {
				if visitor.NoScript && i%3 > 0 {
					continue // what is sent is the same
				}
				open("/composer?preset=" + preset)
				page.Click("#send")
				page.WaitText("#sent h2", visitor.agrees)
				if disagree := page.Texts("#sent [data-agrees=false]"); len(disagree) > 0 || page.Has("#sent.differs") {
					t.Errorf("%s: not as predicted: %q, %q", preset, disagree, page.Text("#sent"))
				}
				if !visitor.NoScript {
					page.WaitText("#sent-script .verdict-cell", "✓")
				}
			}
			// And it all goes again.
			page.Click(`#composer-form button[value="forget"]`)
			for _, cookie := range page.Cookies() {
				if cookie.Name != webtest.NotebookCookie {
					t.Errorf("%+v is left", cookie)
				}
			}

			// A real login, pasted.
			open("/composer")
			page.Type("#paste", "HTTP/2 302\nset-cookie: sid=1; Domain=.shop.example; Path=/; HttpOnly\nSet-Cookie: t=2; SameSite=None\nlocation: /")
			if visitor.NoScript {
				page.Click("#paste-form button")
			}
			page.WaitText(".pasted-lines > li:nth-child(2)", "5.7 step 19")
			if lines := page.Texts(".pasted-lines > li"); len(lines) != 2 || !strings.Contains(lines[0], "shop.example") {
				t.Errorf("explained: %q", lines)
			}
			for _, complaint := range page.Complaints() {
				if !strings.Contains(strings.ToLower(complaint), "cookie") { // a refused one is what is shown
					t.Errorf("the browser complains: %s", complaint)
				}
			}
		})
	}
}
