// The engines page in a real browser, as a class sees it: on a projector, in both
// languages, without script.

package handlers_test

import (
	"strings"
	"testing"

	"cookielab/handlers/browsertest"
	"cookielab/handlers/webtest"
)

func tellEngines(t *testing.T, browser browsertest.Browser, binary string) {
	for _, class := range []struct {
		language, heading, unchecked, lost string
		options                            browsertest.Options
	}{
		{"en", "One session, five engines", "Still works", "One lost", browsertest.Options{Width: 1024, Height: 640}},
		{"zh", "同一个 Session，五种引擎", "仍然有效", "丢了一个", browsertest.Options{Width: 1024, Height: 640, NoScript: true}},
		{"en", "One session, five engines", "Still works", "One lost", browsertest.Options{Width: 390, Height: 844}},
	} {
		name := class.language
		if class.options.Width < 1024 {
			name += ", narrow"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			class.options.Language = class.language
			v := &visitor{Page: browser.Visit(t, class.options), base: startProgram(t, binary), browser: browser.Name(), noScript: class.options.NoScript}
			v.open(t, "/dashboard", 200)
			v.Click(".menu summary")
			v.Click(`.menu a[href="/engines"]`)
			if v.at(t, "/engines"); v.Text("h1") != class.heading {
				t.Errorf("the page is headed %q", v.Text("h1"))
			}
			v.Click(`#outcomes form[action="/engines/all"] button`)
			v.at(t, "/engines")
			for _, row := range webtest.EnginesTable {
				var words []string
				for _, engine := range []string{"db", "cache", "file", "cached_db", "signed_cookies"} {
					words = append(words, v.Attr("#"+row.Action+"-"+engine, "data-outcome"))
				}
				if got, want := strings.Join(words, " "), strings.TrimSuffix(row.Want, " django:works"); got != want {
					t.Errorf("%s: %s, want %s", row.Action, got, want)
				}
			}
			for cell, want := range map[string]string{
				"#elsewhere-signed_cookies .word": class.unchecked, "#elsewhere-cached_db .django": class.unchecked, "#tabs-signed_cookies .word": class.lost,
			} {
				if got := v.Text(cell); !strings.Contains(got, want) {
					t.Errorf("%s says %q, want %q", cell, got, want)
				}
			}
			// The browser keeps five cookies for this page, and sends them nowhere else.
			n := 0
			for _, cookie := range v.Cookies() {
				if strings.HasPrefix(cookie.Name, "lab_e_") {
					if n++; cookie.Path != "/engines" || !cookie.HTTPOnly || cookie.SameSite != "Lax" {
						t.Errorf("the browser keeps %+v", cookie)
					}
				}
			}
			if n != 5 {
				t.Errorf("the browser keeps %d cookies of the page", n)
			}
			if class.options.Width == 1024 {
				v.Click(`#outcomes form[action="/engines/elsewhere"] button`) // the row with most to say is the last done
				var bottom float64
				if v.Eval(`document.querySelector("#outcomes").getBoundingClientRect().bottom + scrollY`, &bottom); bottom > 640 {
					t.Errorf("the buttons and the table end at %.0f px, below a projector's 640", bottom)
				}
			}
			var wide int
			if v.Eval(`document.documentElement.scrollWidth`, &wide); wide > class.options.Width {
				t.Errorf("the page is %d px wide", wide)
			}
			var low []string
			if v.Eval(`Array.from(document.querySelectorAll("#engines button")).filter(b => b.getBoundingClientRect().height < 44).map(b => b.textContent)`, &low); len(low) > 0 {
				t.Errorf("lower than 44 px: %q", low)
			}
			for _, complaint := range v.Complaints() {
				t.Errorf("the browser complains: %s", complaint)
			}
		})
	}
}
