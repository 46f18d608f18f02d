// A lesson before a class: one thought a screen, by the keyboard alone.

package handlers_test

import (
	"strings"
	"testing"

	"cookielab/handlers/browsertest"
	"cookielab/handlers/labtest"
)

func tellPresent(t *testing.T, browser browsertest.Browser, binary string) {
	projector := browsertest.Options{Width: 1024, Height: 768, Dark: true}
	t.Run("keyboard", func(t *testing.T) {
		t.Parallel()
		v := &visitor{Page: browser.Visit(t, projector), base: startProgram(t, binary), browser: browser.Name()}
		at := func(place string) {
			t.Helper()
			v.at(t, "/lessons/forgets"+place)
		}
		v.open(t, "/lessons/forgets", 200)
		v.Press("p")
		at("?present=predict")
		if v.Has(".site nav") && v.Text(".site") != "" {
			t.Error("the head of the page is still there")
		}
		var ground string
		if v.Eval(`getComputedStyle(document.body).backgroundColor`, &ground); ground != "rgb(250, 248, 244)" {
			t.Errorf("it is not light but %s", ground)
		}
		if v.Has("#do, #observe, #explain, #solution, .closer") {
			t.Error("it shows more than the question")
		}
		v.Press("b")
		if v.Press("b"); v.Has(".blank") {
			t.Error("B a second time leaves the screen black")
		}
		v.Press("b")
		if !v.Has(".blank") {
			t.Error("B does not blank the screen")
		}
		v.Press("ArrowRight") // brings it back, and does nothing else
		if at("?present=predict"); v.Has(".blank") {
			t.Error("the screen stays black")
		}
		v.Press("3")
		at("?present=do")
		for range 2 {
			v.Press("Enter")
			at("?present=observe")
		}
		v.WaitText("#came", "B")
		v.Press("Enter")
		v.Press("Enter")
		if v.Attr("#lesson", "data-done") == "" {
			t.Error("by the keyboard alone the lesson does not get done")
		}
		v.Press("ArrowRight")
		at("?present=explain")
		v.Press("ArrowLeft")
		v.Press("ArrowLeft")
		v.Press("ArrowLeft")
		at("?present=predict")
		if got := v.Text(".answers .chosen .letter") + v.Text(".answers .came .letter"); got != "CB" {
			t.Errorf("back at the question it shows %q", got)
		}
		v.Press("r")
		at("?present=predict")
		if v.Has(".answers .chosen, .answers .came") {
			t.Error("R does not restart the lesson")
		}
		v.Click(`.answers button[value="-"]`) // show without an answer
		at("?present=do")
		v.Press("p") // the same part
		at("#do")
		v.Press("p")
		at("?present=do")
		v.Press("p")
		v.Press("ArrowLeft")
		at("#predict")
		v.Press("ArrowRight")
		at("#do")
		if strings.Contains(v.Text("#do"), "Answer the question first") {
			t.Error("what was shown without an answer asks for one")
		}
	})
	if browser.Name() != "Chromium" {
		return // a screen of pixels is one
	}
	t.Run("each part fits the screen", func(t *testing.T) {
		t.Parallel()
		base := startProgram(t, binary)
		for _, language := range []string{"en", "zh-CN"} {
			o := projector
			o.Language = language
			v := &visitor{Page: browser.Visit(t, o), base: base, browser: browser.Name()}
			v.signIn(t, "alice")
			v.open(t, "/lessons/forgets?present=predict", 200)
			var slugs, over []string
			for _, lesson := range labtest.Lessons(labtest.New(t)) {
				slugs = append(slugs, `"`+lesson.Slug+`"`)
			}
			// One page, into which each part of each lesson is put in turn: to open as
			// many would take a minute. What is to be observed is so after each deed, too.
			v.Eval(`(async () => {
				const over = [], post = (address, fields) => fetch(address, { method: "POST", body: new URLSearchParams(fields) })
				for (const slug of [`+strings.Join(slugs, ",")+`]) {
					const look = async (part) => {
						const page = await (await fetch("/lessons/" + slug + "?present=" + part)).text()
						document.querySelector("main").replaceWith(new DOMParser().parseFromString(page, "text/html").querySelector("main"))
						const sheet = document.querySelector("main link")
						if (!sheet.sheet) await new Promise((loaded) => { sheet.onload = loaded })
						const high = document.documentElement.scrollHeight - innerHeight
						if (document.querySelector("#lesson.present").dataset.part !== part || high > 0) over.push(part + " of " + slug + " is " + high + " px higher than the screen")
						return document.querySelector("form.deed:has(.primary)")
					}
					await look("predict")
					await post("/lessons/" + slug, { act: "predict", said: "B" })
					let form = await look("do")
					for (let deeds = 0; form && deeds < 4; deeds++) {
						await post(form.action, new FormData(form))
						form = await look("observe")
					}
					await look("predict")
					await look("observe")
					await look("explain")
				}
				return over
			})()`, &over)
			for _, part := range over {
				t.Errorf("%s: %s", language, part)
			}
		}
	})
}
