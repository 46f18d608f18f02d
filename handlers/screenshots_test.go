//go:build screenshots

// Pictures: those of README, and all pages in all sizes to look through. Plain
// go test does not build this file; make screenshots does.

package handlers_test

import (
	"flag"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"cookielab/handlers/browsertest"
)

var (
	picturesOf = flag.String("browser", "Chromium", "the browser that `shows` the pages")
	allTo      = flag.String("all", "", "picture every page in every size, theme and language, into this `folder`")
)

// TestScreenshots makes README's pictures in .github, or with -all every page.
func TestScreenshots(t *testing.T) {
	binary := buildProgram(t)
	for _, one := range browsers {
		if one.name != *picturesOf {
			continue
		}
		browser := one.start(t)
		t.Cleanup(browser.Close)
		if *allTo != "" {
			pictureAll(t, browser, binary)
		} else {
			picturesForReadme(t, browser, binary)
		}
		return
	}
	t.Fatalf("no browser is called %q", *picturesOf)
}

func picturesForReadme(t *testing.T, browser browsertest.Browser, binary string) {
	folder := filepath.Join("..", ".github")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, one := range pictures {
		t.Run(one.file, func(t *testing.T) {
			t.Parallel()
			v := camera(t, browser, binary, one.options)
			one.story(t, v)
			v.picture(t, filepath.Join(folder, one.file), one.part, one.options.Height)
		})
	}
}

// camera is a visitor who takes pictures.
func camera(t *testing.T, browser browsertest.Browser, binary string, options browsertest.Options) *visitor {
	return &visitor{Page: browser.Visit(t, options), base: startProgram(t, binary), browser: browser.Name(), noScript: options.NoScript}
}

// pictures are those of README.
var pictures = []struct {
	file    string
	options browsertest.Options
	part    string // a selector: only this; "": the window, and what lies in it
	story   func(t *testing.T, v *visitor)
}{
	{"dashboard.png", browsertest.Options{Width: 1440, Height: 900}, "", func(t *testing.T, v *visitor) {
		v.signIn(t, "alice")
	}},
	{"lesson.png", browsertest.Options{Width: 1024, Height: 900}, "#observe", func(t *testing.T, v *visitor) {
		v.signIn(t, "alice")
		v.open(t, "/lessons/believed", 200)
		v.Click(`.answers button[value="B"]`)
		v.Click("#do .deed button")
	}},
	{"edited.png", browsertest.Options{Width: 1024, Height: 640, Dark: true, Language: "zh-CN"}, "", func(t *testing.T, v *visitor) {
		v.signIn(t, "alice")
		v.press(t, "/act/copy")
		v.press(t, "/act/edit")
	}},
	{"wire.png", browsertest.Options{Width: 1440, Height: 900}, "#last svg", func(t *testing.T, v *visitor) {
		v.signIn(t, "alice")
	}},
}

// scenes are all that there is to look at, in the order of one visit.
var scenes = []struct {
	name string
	to   func(t *testing.T, v *visitor)
}{
	{"wire-empty", func(t *testing.T, v *visitor) { v.open(t, "/wire", 200) }},
	{"home", func(t *testing.T, v *visitor) { v.open(t, "/", 200) }},
	{"login", func(t *testing.T, v *visitor) { v.open(t, "/login", 200) }},
	{"login-refused", func(t *testing.T, v *visitor) {
		v.Type("input[name=password]", "crackers")
		v.Click(`main form[action="/login"] button`)
	}},
	{"dashboard-nobody", func(t *testing.T, v *visitor) { v.open(t, "/dashboard", 200) }},
	{"dashboard-signed-in", func(t *testing.T, v *visitor) { v.signIn(t, "alice") }},
	{"dashboard-copied-edited", func(t *testing.T, v *visitor) {
		v.press(t, "/act/copy")
		v.press(t, "/act/edit")
	}},
	{"dashboard-open", func(t *testing.T, v *visitor) {
		v.Eval(`document.querySelectorAll("main details").forEach(details => { details.open = true })`, nil)
	}},
	{"door-open", func(t *testing.T, v *visitor) { v.open(t, "/door/plain", 200) }},
	{"door-shut", func(t *testing.T, v *visitor) { v.open(t, "/door/signed", 403) }},
	{"sessions", func(t *testing.T, v *visitor) {
		v.open(t, "/dashboard", 200)
		v.press(t, "/act/restore")
		v.open(t, "/sessions", 200)
	}},
	{"not-found", func(t *testing.T, v *visitor) { v.open(t, "/nowhere", 404) }},
	{"dashboard-logged-out", func(t *testing.T, v *visitor) {
		v.open(t, "/dashboard", 200)
		v.press(t, "/logout")
	}},
	{"dashboard-expires", func(t *testing.T, v *visitor) {
		v.signIn(t, "alice")
		v.press(t, "/act/expire")
	}},
	{"dashboard-expired", func(t *testing.T, v *visitor) {
		time.Sleep(12 * time.Second)
		v.press(t, "/act/replay")
	}},
	{"wire", func(t *testing.T, v *visitor) {
		v.open(t, "/wire", 200)
		v.Eval(`document.querySelectorAll(".exchange details").forEach((details, i) => { details.open = i < 6 })`, nil)
	}},
	{"tokens-none", func(t *testing.T, v *visitor) { v.open(t, "/tokens", 200) }},
	{"tokens-once", func(t *testing.T, v *visitor) { v.press(t, "/tokens") }},
	{"tokens-asked", func(t *testing.T, v *visitor) { v.press(t, "/tokens/ask") }},
	{"tokens-ended", func(t *testing.T, v *visitor) { v.press(t, "/tokens/end") }},
	{"console", func(t *testing.T, v *visitor) {
		v.open(t, "/console?call=update", 200)
		v.Click(".made button")
	}},
	{"console-two-at-once", func(t *testing.T, v *visitor) {
		v.open(t, "/console?call=at_once", 200)
		v.Click(`button[value="set"]`)
	}},
	{"console-refused", func(t *testing.T, v *visitor) {
		v.open(t, "/console?call=set", 200)
		v.Type("input[name=key]", "_role")
		v.Click(".made button")
	}},
	{"composer", func(t *testing.T, v *visitor) { v.open(t, "/composer", 200) }},
	{"composer-they-part", func(t *testing.T, v *visitor) { v.open(t, "/composer?preset=tab", 200) }},
	{"composer-presets", func(t *testing.T, v *visitor) {
		v.open(t, "/composer?preset=domain", 200)
		v.Click(".presets summary")
	}},
	{"composer-sent", func(t *testing.T, v *visitor) {
		v.open(t, "/composer", 200)
		v.Click("#send")
		v.WaitText("#sent-script", "✓")
	}},
	{"composer-pasted", func(t *testing.T, v *visitor) {
		v.open(t, "/composer", 200)
		v.Type("#paste", "set-cookie: sid=a3fWa; Domain=.shop.example; Path=/; HttpOnly\nset-cookie: theme=dark; Max-Age=315360000; SameSite=None")
		v.WaitText(".pasted-lines", "shop.example")
	}},
	{"dissect-empty", func(t *testing.T, v *visitor) { v.open(t, "/dissect", 200) }},
	{"dissect-decoded", func(t *testing.T, v *visitor) { v.Click(`button[value="signed"]`) }},
	{"dissect-verified", func(t *testing.T, v *visitor) {
		v.Click(`button[value="verify"]`)
		v.WaitText(".headline .mark", "✓")
	}},
	{"dissect-changed", func(t *testing.T, v *visitor) { v.Click(`button[value="flip"]`) }},
	{"dissect-purpose", func(t *testing.T, v *visitor) { v.Click(`button[value="purpose"]`) }},
	{"dissect-jwt", func(t *testing.T, v *visitor) { v.Click(`button[value="jwt"]`) }},
	{"dissect-url", func(t *testing.T, v *visitor) { v.Click(`button[value="url"]`) }},
	{"engines-empty", func(t *testing.T, v *visitor) { v.open(t, "/engines", 200) }},
	{"engines", func(t *testing.T, v *visitor) { v.press(t, "/engines/all") }},
	{"engines-logged-out-elsewhere", func(t *testing.T, v *visitor) { v.press(t, "/engines/elsewhere") }},
	{"class-refused", func(t *testing.T, v *visitor) { v.open(t, "/class", 403) }},
	{"class", func(t *testing.T, v *visitor) {
		v.open(t, "/dashboard", 200)
		v.press(t, "/logout")
		v.signIn(t, "teacher")
		v.open(t, "/class", 200)
	}},
	{"class-unsure", func(t *testing.T, v *visitor) {
		v.Eval(`document.querySelector("input[name=sure]").required = false`, nil)
		v.press(t, "/class")
	}},
	{"class-done", func(t *testing.T, v *visitor) {
		v.Click("input[name=sure]")
		v.press(t, "/class")
	}},
	{"handout", func(t *testing.T, v *visitor) { v.open(t, "/handout", 200) }},
	{"handout-answers", func(t *testing.T, v *visitor) { v.open(t, "/handout?answers", 200) }},
	{"reset", func(t *testing.T, v *visitor) { v.open(t, "/reset", 200) }},
	{"reset-done", func(t *testing.T, v *visitor) { v.Click(`main form[action="/reset"] button`) }},
}

// pictureAll pictures every page in every size, theme and language, whole, and
// as it would be printed.
func pictureAll(t *testing.T, browser browsertest.Browser, binary string) {
	if err := os.MkdirAll(*allTo, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, language := range []string{"en", "zh"} {
		for _, size := range []image.Point{{1440, 900}, {1024, 768}, {840, 900}, {390, 844}} {
			for _, theme := range []string{"light", "dark"} {
				name := fmt.Sprintf("%d-%s-%s", size.X, language, theme)
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					v := camera(t, browser, binary, browsertest.Options{Width: size.X, Height: size.Y, Dark: theme == "dark", Language: language})
					for _, scene := range scenes {
						scene.to(t, v)
						v.Screenshot(filepath.Join(*allTo, scene.name+"-"+name+".png"))
					}
				})
			}
		}
		t.Run("print-"+language, func(t *testing.T) {
			t.Parallel()
			v := camera(t, browser, binary, browsertest.Options{Language: language})
			paper := browser.Visit(t, browsertest.Options{Print: true, Width: 672, Height: 1000, Language: language}) // A4, and its margins
			for _, scene := range scenes {
				scene.to(t, v)
				// On paper there are no buttons: it shows what the other visitor came to.
				for _, cookie := range paper.Cookies() {
					paper.DeleteCookie(cookie.Name, v.base)
				}
				for _, cookie := range v.Cookies() {
					paper.SetCookie(cookie)
				}
				paper.Open(v.URL())
				paper.Screenshot(filepath.Join(*allTo, scene.name+"-print-"+language+".png"))
			}
		})
	}
}

// press presses a button of the action bar, or of a page with one form.
func (v *visitor) press(t *testing.T, action string) {
	t.Helper()
	v.Click(`main form[action="` + action + `"] button`)
}

// picture writes the element to a file, or what lies in the window.
func (v *visitor) picture(t *testing.T, file, part string, height int) {
	t.Helper()
	var box image.Rectangle
	if part == "" {
		v.Eval(fmt.Sprintf(`({Max: {X: innerWidth, Y: %d}})`, height), &box)
	} else {
		v.Eval(fmt.Sprintf(`(() => {
			const box = document.querySelector(%q).getBoundingClientRect()
			const floor = {X: Math.floor(box.left + scrollX), Y: Math.floor(box.top + scrollY)}
			return {Min: floor, Max: {X: Math.ceil(box.right + scrollX), Y: Math.ceil(box.bottom + scrollY)}}
		})()`, part), &box)
	}
	whole := filepath.Join(t.TempDir(), "whole.png")
	v.Screenshot(whole)
	from, err := os.Open(whole)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	page, err := png.Decode(from)
	if err != nil {
		t.Fatal(err)
	}
	cut := image.NewRGBA(image.Rectangle{Max: box.Size()})
	draw.Draw(cut, cut.Bounds(), page, box.Min, draw.Src)
	to, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(to, cut); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err == nil {
		t.Logf("%s, %v, %d kB", file, cut.Bounds().Size(), info.Size()/1000)
	}
}
