// The notes to take home: what was predicted and what happened, and nothing that
// opens a door.

package course_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"cookielab/handlers/course"
	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
)

func TestNotes(t *testing.T) {
	lab := labtest.New(t)
	browser := webtest.With("User-Agent", "Mozilla/5.0 (X11) Gecko/20100101 Firefox/153.0")
	for language, want := range map[string][]string{
		"en": {"# My notes from Cookie Lab\n", "Lessons done: 1 of ", "- Predicted: A – recognises your connection (2", "- Happened: B – meets a stranger again\n", "- Predicted: not sure yet (2",
			"- Happened: C – nobody\n", "- Done: 2", " UTC, in Firefox 153\n", "- Predicted: nothing, looked without an answer\n- Happened: not seen yet\n", "## Still open\n"},
		"zh": {"# 我的 Cookie Lab 笔记\n", "完成的课：1/", "- 预测：A：认得这条连接（2", "- 实际发生：B：又当你是陌生人\n", "- 预测：还不确定（2",
			"- 实际发生：C：都不会发现\n", "- 完成：2", "，用的是 Firefox 153\n", "- 预测：没有作答，直接看了\n- 实际发生：还没看到\n", "## 还没学的\n"},
	} {
		t.Run(language, func(t *testing.T) {
			c := lab.Client().SignIn("mallory")
			post := func(slug string, form url.Values) {
				t.Helper()
				if r := c.Post("/lessons/"+slug, form, browser); r.Status != http.StatusSeeOther {
					t.Fatalf("%s, %v: %d", slug, form, r.Status)
				}
			}
			c.Get("/lessons/forgets?lang="+language, browser)
			post("forgets", url.Values{"act": {"predict"}, "said": {"A"}})
			post("forgets", url.Values{"act": {"ask"}})
			lab.Clock.Advance(3 * time.Minute)
			post("forgets", url.Values{"act": {"ask"}})
			c.Get("/lessons/stolen", browser)
			post("stolen", url.Values{"act": {"predict"}, "said": {"D"}})
			lab.Clock.Advance(time.Second)
			post("stolen", url.Values{"act": {"curl"}})
			run := regexp.MustCompile(`/api/lanes\?run=([0-9a-z]+)`).FindStringSubmatch(c.Get("/lessons/stolen", browser).Body)
			if run == nil {
				t.Fatal("the lesson has no curl line")
			}
			post("stolen", url.Values{"act": {"copy"}})
			c.Get("/lessons/stolen", browser)
			post("believed", url.Values{"act": {"predict"}, "said": {"-"}})

			r := c.Get("/notes", browser)
			if r.Status != http.StatusOK || r.Header.Get("Content-Type") != "text/markdown; charset=utf-8" || r.Header.Get("Content-Language") != language ||
				r.Header.Get("Content-Disposition") != `attachment; filename="cookie-lab-notes.md"` || r.Header.Get("Cache-Control") != "no-store" {
				t.Fatalf("%d, %v", r.Status, r.Header)
			}
			for _, line := range want {
				if !strings.Contains(r.Body, line) {
					t.Errorf("they do not say %q:\n%s", line, r.Body)
				}
			}
			begun, open, _ := strings.Cut(r.Body, want[len(want)-1])
			for _, lesson := range labtest.Lessons(lab) {
				asked := course.MarkdownForTest(questionOf(lab, language, lesson.Slug).Question)
				known := lesson.Slug == "forgets" || lesson.Slug == "stolen" || lesson.Slug == "believed"
				if strings.Contains(begun, asked) != known || strings.Contains(open, asked) {
					t.Errorf("the question of %s is there: %v", lesson.Slug, !known)
				}
			}
			secrets := []string{run[1], "mallory"}
			for _, cookie := range c.Cookies {
				if len(cookie.Value) > 3 { // the visitor's number of the first lesson may be any
					secrets = append(secrets, cookie.Value)
				}
			}
			if len(secrets) < 6 {
				t.Fatalf("the browser carries only %v", c.Cookies)
			}
			for _, secret := range secrets {
				if strings.Contains(r.Body, secret) {
					t.Errorf("they hold %q", secret)
				}
			}
		})
	}
	t.Run("nothing was begun", func(t *testing.T) {
		r := lab.Client().Get("/notes")
		if r.Status != http.StatusOK || !strings.Contains(r.Body, "Lessons done: 0 of") || strings.Contains(r.Body, "Predicted") ||
			strings.Count(r.Body, "\n- ") != len(labtest.Lessons(lab)) {
			t.Errorf("%d: %s", r.Status, r.Body)
		}
	})
	t.Run("a browser’s name is no markup", func(t *testing.T) {
		c := lab.Client()
		evil := webtest.With("User-Agent", "<img/src=x>[a](javascript:b)")
		c.Get("/lessons/forgets", evil)
		c.Post("/lessons/forgets", url.Values{"act": {"predict"}, "said": {"B"}}, evil)
		for _, act := range []string{"ask", "ask", "tag", "ask"} {
			c.Post("/lessons/forgets", url.Values{"act": {act}}, evil)
		}
		if r := c.Get("/notes", evil); !strings.Contains(r.Body, `, in \<img/src=x>\[a](javascript:b)`+"\n") {
			t.Errorf("it is not in them as text:\n%s", r.Body)
		}
	})
	for text, want := range map[string]string{
		"<p>Set <code>a_b=&quot;*&quot;</code> &amp; <strong>wait</strong></p>": "Set `a_b=\"*\"` & wait",
		"a_b * c &lt;b&gt; [x] `y` \\":                                          "a\\_b \\* c \\<b> \\[x] \\`y\\` \\\\",
	} {
		if got := course.MarkdownForTest(text); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}
