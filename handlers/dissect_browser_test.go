// The dissector in a real browser: with script one wrong character shows while it
// is typed, without script at the next button; both in both languages.

package handlers_test

import (
	"fmt"
	"strings"
	"testing"

	"cookielab/handlers/browsertest"
	"cookielab/handlers/labtest"
)

func tellDissect(t *testing.T, browser browsertest.Browser, _ string) {
	type words struct{ sealed, verified, refused, form, signature, purpose, only, undo, privacy string }
	english := words{"A signed value of this lab", "Verified", "Does not verify: ", "Well-formed", "Signature", "Purpose", "Decoded only, not verified", "Undo", "Nothing typed here is logged or kept"}
	chinese := words{"本实验室的签名值", "验签通过", "没有通过：", "格式", "签名", "用途", "只解了码，没有验证", "撤销", "这里输入的内容不写日志，也不保存"}
	for _, show := range []struct {
		name string
		browsertest.Options
		words
	}{
		{"en", browsertest.Options{Width: 1024, Height: 640, Language: "en"}, english},
		{"zh", browsertest.Options{Width: 1440, Height: 900, Language: "zh-CN"}, chinese},
		{"en without script", browsertest.Options{Width: 1440, Height: 900, NoScript: true, Language: "en"}, english},
		{"zh without script", browsertest.Options{Width: 1024, Height: 640, NoScript: true, Language: "zh-CN"}, chinese},
	} {
		t.Run(show.name, func(t *testing.T) {
			t.Parallel()
			lab := labtest.New(t)
			v := &visitor{Page: browser.Visit(t, show.Options), base: "http://" + lab.Addr, noScript: show.NoScript}
			says := func(selector, want string) { // what the server answers to a script comes a moment later
				t.Helper()
				v.WaitText(selector, want)
			}
			outcomes := func(want ...string) {
				t.Helper()
				for i, check := range []string{"form", "signature", "age", "purpose"} {
					if got := v.Attr("#check-"+check, "data-outcome"); got != want[i] {
						t.Errorf("the check %s is %s, want %s", check, got, want[i])
					}
				}
			}
			// press presses a key in the value, and has the server look without script.
			press := func(keys ...string) {
				t.Helper()
				for _, key := range keys {
					v.Press(key)
				}
				if show.NoScript {
					v.Click(`button[value="verify"]`)
				}
			}
			at := func(selector string, place int) {
				t.Helper()
				v.Eval(fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.focus(); e.setSelectionRange(%d, %[2]d) })()`, selector, place), nil)
			}

			v.open(t, "/dissect", 200)
			says("#privacy", show.privacy)
			v.Click(`button[value="signed"]`)
			says(".headline", show.sealed)
			if v.Has("#check-form") || v.Has(".headline .mark") {
				t.Error("what was only decoded has a verdict")
			}
			says("#taken", `"user": "alice"`)
			v.Click(`button[value="verify"]`)
			says(".headline", show.verified)
			outcomes("passed", "passed", "passed", "passed")
			for _, selector := range []string{".headline", "#check-form", "#check-purpose", "#came", `button[value="verify"]`, `button[value="url"]`} {
				var bottom float64
				v.Eval(fmt.Sprintf(`document.querySelector(%q).getBoundingClientRect().bottom`, selector), &bottom)
				if bottom > float64(show.Height) || v.ScrollY() > 0 {
					t.Errorf("%s ends at %.0f px of %d", selector, bottom, show.Height)
				}
			}

			// One character in the middle is another: the signature, and nothing before it.
			value := v.value(`#value`)
			another := "x"
			if value[60] == 'x' {
				another = "y"
			}
			at("#value", 60)
			press("Delete", another)
			says(".headline", show.refused+show.signature)
			says("#fault", show.signature)
			outcomes("passed", "failed", "open", "open")
			// One that base64 has not: the form, and where.
			at("#value", 61)
			press("Backspace", "!")
			says(".headline", show.refused+show.form)
			says(".is-flaw", "!")
			says("#flaw", "61")
			outcomes("failed", "open", "open", "open")
			// And back.
			at("#value", 61)
			press("Backspace", string(value[60]))
			says(".headline", show.verified)
			if v.value("#value") != value || v.Has("#fault") {
				t.Error("the value is not what it was, or still marked")
			}

			// The button does the same, and takes it back.
			v.Click(`button[value="flip"]`)
			says(".headline", show.refused+show.signature)
			says(`button[value="undo"]`, show.undo)
			v.Click(`button[value="undo"]`)
			says(".headline", show.verified)
			// Another purpose.
			v.Click(`button[value="purpose"]`)
			says(".headline", show.refused+show.purpose)
			outcomes("passed", "passed", "passed", "failed")
			v.Click(`button[value="jwt"]`)
			says(".headline", show.verified)
			v.Type("input[name=key]", "not its key")
			if show.NoScript {
				v.Click(`button[value="verify"]`)
			}
			says(".headline", show.refused+show.signature)
			v.Click(`button[value="url"]`)
			says(".headline", show.only)
			says("#taken", "小明")
			v.Click(`button[value="decode"]`)
			says(".headline", map[bool]string{true: "URL encoding", false: "URL 编码"}[show.Language == "en"])
			if v.Has("#check-form") {
				t.Error("what was only decoded has checks")
			}

			// Your own cookie, as this browser brings it.
			v.open(t, "/login", 200)
			v.Type(`input[name=username]`, "alice")
			v.Click(`.sign-in button[type=submit]`)
			v.open(t, "/dissect", 200)
			if v.value("#value") != "" {
				t.Error("the page still has the last value")
			}
			v.Click(`button[value="signed"]`)
			for _, cookie := range v.Cookies() {
				if cookie.Name == "signed_user" && cookie.Value != v.value("#value") {
					t.Errorf("filled in is %q, the browser keeps %q", v.value("#value"), cookie.Value)
				}
			}
			v.Click(`button[value="verify"]`)
			says("#check-purpose", "signed_user")
			if strings.Contains(v.URL(), "?") {
				t.Errorf("the browser is at %s", v.URL())
			}
			for _, complaint := range v.Complaints() {
				t.Errorf("the browser complains: %s", complaint)
			}
		})
	}
}

// value is what stands in a field.
func (v *visitor) value(selector string) (value string) {
	v.Eval(fmt.Sprintf(`document.querySelector(%q).value`, selector), &value)
	return value
}
