// The wire's page in a real browser: live while it can be seen, and whole
// without script.

package handlers_test

import (
	"strconv"
	"strings"
	"testing"

	"cookielab/handlers/browsertest"
	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
)

func tellWire(t *testing.T, browser browsertest.Browser, _ string) {
	quiet := func(t *testing.T, page browsertest.Page) {
		t.Helper()
		for _, complaint := range page.Complaints() {
			t.Errorf("the browser complains: %s", complaint)
		}
	}
	notebook := func(page browsertest.Page) string {
		for _, cookie := range page.Cookies() {
			if cookie.Name == webtest.NotebookCookie {
				return cookie.Value
			}
		}
		return ""
	}
	count := func(page browsertest.Page) (n int) {
		page.Eval(`document.querySelectorAll("#exchanges > .exchange").length`, &n)
		return n
	}

	t.Run("what happens appears on top", func(t *testing.T) {
		t.Parallel()
		lab := labtest.New(t)
		page := browser.Visit(t, browsertest.Options{})
		page.Open("http://" + lab.Addr + "/wire")
		page.WaitText("#live", "Live: new ones appear by themselves.")
		page.WaitText("#exchange-1 summary", "GET /wire") // this page itself
		other := page.NewTab()
		other.Open("http://" + lab.Addr + "/dashboard?from=another-tab")
		other.CloseTab()
		page.WaitText("#exchange-2 summary", "GET /dashboard?from=another-tab")
		page.WaitText("#live", "New since you opened this page: 2")
		if first := page.Attr("#exchanges > :first-child", "id"); first != "exchange-2" {
			t.Errorf("on top is %s", first)
		}
		if !page.Has("#exchange-2 details[open]") || page.Has("#exchange-1 details[open]") {
			t.Error("not the newest is open")
		}
		if page.Text("#exchange-2 .copyfield button") != "Copy" {
			t.Error("its text cannot be copied by a button")
		}
		if page.Text("#exchange-2 .steps li") == "" || page.Attr("#exchange-2 svg", "role") != "img" {
			t.Error("it is not drawn")
		}
		// A closed one stays closed: whoever reads is not disturbed.
		page.Click("#exchange-2 summary")
		page.Eval(`fetch("/api/lanes").then((r) => r.status)`, nil)
		page.WaitText("#exchange-3 summary", "GET /api/lanes")
		if page.Has(".exchange details[open]") {
			t.Error("one opened by itself")
		}
		page.Eval(`(async () => { for (let i = 0; i < 55; i++) await fetch("/api/lanes"); })()`, nil)
		page.WaitText("#exchange-58 summary", "GET /api/lanes")
		if n := count(page); n != 50 {
			t.Errorf("%d are kept", n)
		}
		quiet(t, page)
	})

	t.Run("a page that cannot be seen holds no connection", func(t *testing.T) {
		t.Parallel()
		lab := labtest.New(t)
		page := browser.Visit(t, browsertest.Options{})
		page.Open("http://" + lab.Addr + "/wire")
		key := notebook(page)
		watchers := func(want int) {
			t.Helper()
			webtest.Await(t, "the streams do not become "+strconv.Itoa(want), func() bool { return lab.WatchersOf(key) == want })
		}
		look := func(state string) {
			page.Eval(`Object.defineProperty(document, "visibilityState", { value: "`+state+`", configurable: true }); document.dispatchEvent(new Event("visibilitychange"))`, nil)
		}
		watchers(1)
		page.WaitText("#exchange-1 summary", "GET /wire")
		look("hidden")
		watchers(0)
		page.Eval(`fetch("/dashboard").then((r) => r.status)`, nil)
		if page.Has("#exchange-2") {
			t.Error("it was told all the same")
		}
		look("visible")
		page.WaitText("#exchange-2 summary", "GET /dashboard") // and nothing is lost
		if n := count(page); n != 2 {
			t.Errorf("%d are listed, not 2", n)
		}
		page.Open("about:blank")
		watchers(0)
		quiet(t, page)
	})

	t.Run("without script", func(t *testing.T) {
		t.Parallel()
		lab := labtest.New(t)
		page := browser.Visit(t, browsertest.Options{NoScript: true, Language: "zh-CN"})
		page.Open("http://" + lab.Addr + "/wire")
		page.Open("http://" + lab.Addr + "/wire")
		if said := page.Text("#live"); !strings.Contains(said, "刷新本页") {
			t.Errorf("it says %q", said)
		}
		if n := count(page); n != 1 || lab.WatchersOf(notebook(page)) != 0 {
			t.Errorf("%d are listed", n)
		}
		page.Click("#exchange-1 summary")
		if page.Has("#exchange-1 details[open]") {
			t.Error("it does not close")
		}
		quiet(t, page)
	})

	t.Run("no text is too small, and nothing is wider than the page", func(t *testing.T) {
		t.Parallel()
		lab := labtest.New(t)
		for _, width := range []int{390, 1024, 1440} {
			page := browser.Visit(t, browsertest.Options{Width: width, Height: 900})
			page.Open("http://" + lab.Addr + "/login")
			page.Type("input[name=username]", "alice")
			page.Click(".sign-in button[type=submit]")
			page.Eval(`fetch("/act/copy", { method: "POST" }).then((r) => r.status)`, nil)
			page.Open("http://" + lab.Addr + "/wire")
			var small []string
			page.Eval(`(() => { document.querySelectorAll("details").forEach((d) => { d.open = true; });
				return Array.from(document.querySelectorAll("#wire *"), (e) => [e, parseFloat(getComputedStyle(e).fontSize)])
					.filter(([e, size]) => size < 14 && e.textContent.trim()).map(([e]) => e.outerHTML.slice(0, 80)); })()`, &small)
			if len(small) > 0 {
				t.Errorf("at %d px smaller than 14 px: %q", width, small)
			}
			var wide, drawn, outside int
			page.Eval(`document.documentElement.scrollWidth`, &wide)
			page.Eval(`Array.from(document.querySelectorAll("#wire svg[role=img]")).filter((s) => s.getClientRects().length > 0).length`, &drawn)
			page.Eval(`Array.from(document.querySelectorAll("#wire svg[role=img]")).filter((s) => { const b = s.getBBox(); return b.x < 0 || b.x + b.width > s.clientWidth || b.y + b.height > s.clientHeight; }).length`, &outside)
			if wide > width || (drawn > 0) != (width > 390) || outside > 0 {
				t.Errorf("at %d px the page is %d wide; %d are drawn, %d beyond their frame", width, wide, drawn, outside)
			}
		}
	})
}
