package handlers_test

import (
	"fmt"
	"os"
	"testing"

	"cookielab/handlers/browsertest"
)

func TestZZLook(t *testing.T) {
	if os.Getenv("LOOK") == "" {
		t.Skip()
	}
	browser := browsertest.Chromium(t)
	t.Cleanup(browser.Close)
	for _, lang := range []string{"en", "zh"} {
		for _, size := range [][2]int{{1440, 900}, {1024, 640}, {390, 844}} {
			for _, dark := range []bool{false, true} {
				if dark && size[0] != 1440 {
					continue
				}
				lab := newLab(t)
				p := browser.Visit(t, browsertest.Options{Width: size[0], Height: size[1], Dark: dark, Language: lang})
				name := func(scene string) string {
					d := "light"
					if dark {
						d = "dark"
					}
					return fmt.Sprintf("/tmp/tokshots/%s-%d-%s-%s.png", scene, size[0], lang, d)
				}
				p.Open("http://" + lab.addr + "/tokens")
				p.Screenshot(name("0none"))
				p.Click(`.bar form[action="/tokens"] button[type=submit]`)
				p.Screenshot(name("1fresh"))
				p.Click(`.bar form[action="/tokens/ask"] button`)
				p.Screenshot(name("2asked"))
				p.Click(`.bar form[action="/tokens/end"] button`)
				p.Eval(`document.querySelectorAll("main details:not(#go)").forEach(d => { d.open = true })`, nil)
				p.Screenshot(name("3ended"))
				p.Open("http://" + lab.addr + "/login?next=/tokens")
				p.Click(`.sign-in button[type=submit]`)
				p.Click(`.again summary`)
				p.Click(`.bar form[action="/tokens"] button[type=submit]`)
				p.Open("http://" + lab.addr + "/tokens")
				p.Screenshot(name("4mine"))
				p.Open("http://" + lab.addr + "/wire")
				p.Eval(`document.querySelectorAll(".exchange details").forEach((d, i) => { d.open = i > 3 && i < 8 })`, nil)
				p.Screenshot(name("5wire"))
			}
		}
	}
}
