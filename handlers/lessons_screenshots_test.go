//go:build screenshots

// Pictures of each lesson.

package handlers_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cookielab/handlers/browsertest"
	"cookielab/handlers/labtest"
)

var lessonsTo = flag.String("lessons", "", "picture the lessons, at their ends, into this `folder`")

// TestLessonScreenshots pictures each lesson as a student finds it and leaves it,
// and before a class.
func TestLessonScreenshots(t *testing.T) {
	if *lessonsTo == "" {
		t.Skip("no folder was given with -lessons")
	}
	if err := os.MkdirAll(*lessonsTo, 0o755); err != nil {
		t.Fatal(err)
	}
	lessons := labtest.Lessons(labtest.New(t))
	binary := buildProgram(t)
	for _, one := range browsers {
		if one.name != *picturesOf {
			continue
		}
		browser := one.start(t)
		t.Cleanup(browser.Close)
		for _, size := range []struct {
			name string
			browsertest.Options
		}{
			{"1440-en-light", browsertest.Options{Width: 1440, Height: 900, Language: "en"}},
			{"1024-zh-dark", browsertest.Options{Width: 1024, Height: 660, Language: "zh-CN", Dark: true}},
			{"390-zh-light", browsertest.Options{Width: 390, Height: 844, Language: "zh-CN"}},
			{"1440-zh-dark", browsertest.Options{Width: 1440, Height: 900, Language: "zh-CN", Dark: true}},
			{"390-en-dark", browsertest.Options{Width: 390, Height: 844, Language: "en", Dark: true}},
		} {
			t.Run(size.name, func(t *testing.T) {
				t.Parallel()
				v := camera(t, browser, binary, size.Options)
				v.open(t, "/lessons", 200)
				v.Screenshot(filepath.Join(*lessonsTo, "contents-"+size.name+".png"))
				for _, lesson := range lessons {
					take := func(name string, whole bool) {
						file := filepath.Join(*lessonsTo, lesson.Slug+"-"+name+"-"+size.name+".png")
						if whole {
							v.Screenshot(file)
						} else {
							v.ScreenshotView(file)
						}
					}
					s := &student{visitor: v, t: t, lesson: lesson, language: strings.Split(size.name, "-")[1]}
					s.open(t, "/lessons/"+lesson.Slug, 200)
					if size.Width == 1440 {
						take("1-begin", false)
					}
					tellerOf(t, lesson)(s)
					s.open(t, "/lessons/"+lesson.Slug, 200)
					s.Eval(`document.querySelectorAll(".closer details").forEach(d => { d.open = true })
						new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))`, nil)
					take("2-end", true)
					if size.Width == 1024 {
						for _, part := range []string{"predict", "do", "observe", "explain"} {
							v.open(t, "/lessons/"+lesson.Slug+"?present="+part, 200)
							take("3-"+part, false)
						}
					}
				}
			})
		}
	}
}
