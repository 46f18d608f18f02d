// The lessons through HTTP: what they have in common. What each one claims, its
// own test makes happen in the browsers: handlers/lesson_*_test.go.

package course_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"cookielab/handlers/labtest"
	"cookielab/handlers/notebook"
	"cookielab/handlers/webtest"
)

// Each lesson says the same in every language, and not too much of it.
func TestLessonTexts(t *testing.T) {
	tags := regexp.MustCompile(`<[^>]*>`)
	for i, lesson := range labtest.Lessons(labtest.New(t)) {
		if lesson.Number != i+1 {
			t.Errorf("lesson %s has the number %d, after %d others", lesson.Slug, lesson.Number, i)
		}
		if !slices.Contains([]string{"A", "B", "C"}, lesson.Answer) {
			t.Errorf("lesson %s has the answer %q", lesson.Slug, lesson.Answer)
		}
		english := lesson.Texts["en"]
		for language, text := range lesson.Texts {
			if !slices.Equal(text.Claims, english.Claims) || !slices.Equal(text.Closer, english.Closer) || text.Hints != english.Hints || text.Notes != english.Notes {
				t.Errorf("%s, %s: claims %v, closer %v, %d hints, notes %v; in English %v, %v, %d, %v", language, lesson.Slug,
					text.Claims, text.Closer, text.Hints, text.Notes, english.Claims, english.Closer, english.Hints, english.Notes)
			}
			for word, said := range text.Words {
				if got, want := webtest.Parts(said), webtest.Parts(english.Words[word]); !slices.Equal(got, want) || english.Words[word] == "" {
					t.Errorf("%s, %s: %q is %q, in English %q", language, lesson.Slug, word, said, english.Words[word])
				}
			}
			if len(text.Words) != len(english.Words) {
				t.Errorf("%s, %s: %d words, in English %d", language, lesson.Slug, len(text.Words), len(english.Words))
			}
			plain := tags.ReplaceAllString(text.Explain, "")
			if words := len(strings.Fields(plain)); language == "en" && words > 120 {
				t.Errorf("%s: the claims have %d words, more than 120", lesson.Slug, words)
			}
			if language == "zh" && !strings.ContainsFunc(plain, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
				t.Errorf("zh, %s: the claims are not translated", lesson.Slug)
			}
		}
	}
}

// The question comes first: no button works before it was answered.
func TestLessonAsksFirst(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client()
	page := c.Get("/lessons/forgets")
	if strings.Contains(page.Body, `value="ask"`) || !strings.Contains(page.Body, "Answer the question first") {
		t.Error("the button is there before the question was answered")
	}
	if r := c.Post("/lessons/forgets", url.Values{"act": {"ask"}}); r.Status != http.StatusConflict || !strings.Contains(r.Body, "Answer the question first") {
		t.Errorf("the act before the answer: %d", r.Status)
	}
	if r := c.Post("/lessons/forgets", url.Values{"act": {"predict"}, "said": {"A"}}); r.Status != http.StatusSeeOther || r.Header.Get("Location") != "/lessons/forgets#do" {
		t.Fatalf("the answer: %d to %s", r.Status, r.Header.Get("Location"))
	}
	for range 2 {
		if r := c.Post("/lessons/forgets", url.Values{"act": {"ask"}}); r.Status != http.StatusSeeOther || r.Header.Get("Location") != "/lessons/forgets#observe" {
			t.Fatalf("asking: %d to %s", r.Status, r.Header.Get("Location"))
		}
	}
	page = c.Get("/lessons/forgets")
	if text := regexp.MustCompile(`(?s)<p class="sentence".*?</p>`).FindString(page.Body); !strings.Contains(text, "You said <strong>A</strong>. What happened: <strong id=\"came\">B</strong>") {
		t.Errorf("it says %s", text)
	}
	t.Run("what was seen, no second answer changes", func(t *testing.T) {
		c.Post("/lessons/forgets", url.Values{"act": {"predict"}, "said": {"B"}})
		if !strings.Contains(c.Get("/lessons/forgets").Body, "You said <strong>A</strong>") {
			t.Error("the prediction changed after the fact")
		}
	})
	t.Run("it survives, and a reset forgets it", func(t *testing.T) {
		if !strings.Contains(c.Get("/lessons").Body, `<span class="state" aria-hidden="true">…`) {
			t.Error("the contents do not show that it was begun")
		}
		if r := c.Post("/lessons/forgets", url.Values{"act": {"reset"}}); r.Status != http.StatusSeeOther || r.Sets("hello") == nil {
			t.Errorf("reset: %d, %v", r.Status, r.Cookies)
		}
		if body := c.Get("/lessons/forgets").Body; !strings.Contains(body, "Answer the question first") || !strings.Contains(body, "Nothing happened yet") {
			t.Error("the reset forgot nothing")
		}
	})
}

func TestLessonRefusals(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client()
	c.Get("/lessons/forgets")
	for _, test := range []struct {
		name   string
		path   string
		form   url.Values
		status int
	}{
		{"no lesson of that name", "/lessons/none", url.Values{"act": {"predict"}, "said": {"A"}}, http.StatusNotFound},
		{"no such answer", "/lessons/forgets", url.Values{"act": {"predict"}, "said": {"E"}}, http.StatusBadRequest},
		{"no answer", "/lessons/forgets", url.Values{"act": {"predict"}}, http.StatusBadRequest},
		{"two answers", "/lessons/forgets", url.Values{"act": {"predict"}, "said": {"A", "B"}}, http.StatusBadRequest},
		{"no such act", "/lessons/forgets", url.Values{"act": {"x"}}, http.StatusBadRequest},
		{"no act", "/lessons/forgets", nil, http.StatusBadRequest},
	} {
		if r := c.Post(test.path, test.form); r.Status != test.status || !strings.HasPrefix(r.Body, "<!doctype html>") {
			t.Errorf("%s: %d", test.name, r.Status)
		}
	}
	for path, status := range map[string]int{"/lessons/none": 404, "/lessons/": 404, "/lessons/forgets?present=x": 404, "/lessons/forgets?present": 200} {
		if r := c.Get(path); r.Status != status {
			t.Errorf("%s: %d, want %d", path, r.Status, status)
		}
	}
	t.Run("without a notebook nothing can be written down", func(t *testing.T) {
		r := lab.Client().Post("/lessons/forgets", url.Values{"act": {"predict"}, "said": {"A"}})
		if r.Status != http.StatusConflict || !strings.Contains(r.Body, "lab_notebook") || len(r.Cookies) > 0 {
			t.Errorf("%d, %v", r.Status, r.Cookies)
		}
	})
	t.Run("a page of another site writes nothing", func(t *testing.T) {
		other := lab.Client()
		other.Get("/lessons")
		before := lab.Rows(t)
		if r := other.Get("/lessons/forgets", webtest.With("Sec-Fetch-Site", "cross-site")); r.Status != http.StatusOK || len(r.Cookies) > 0 {
			t.Errorf("%d, %v", r.Status, r.Cookies)
		}
		if lab.Rows(t) != before {
			t.Error("it wrote into the notebook")
		}
	})
}

// A line of curl names the run of the lesson, so what it is answered is written
// down there, and shows on the wire as another program's.
func TestLessonRun(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client().SignIn("alice")
	c.Get("/lessons/stolen")
	c.Post("/lessons/stolen", url.Values{"act": {"predict"}, "said": {"A"}})
	c.Post("/lessons/stolen", url.Values{"act": {"curl"}})
	page := c.Get("/lessons/stolen")
	run := regexp.MustCompile(`/api/lanes\?run=([0-9a-z]+)`).FindStringSubmatch(page.Body)
	if run == nil {
		t.Fatal("the page has no curl line")
	}
	thief := lab.Client()
	for _, cookie := range c.Cookies {
		if cookie.Name != webtest.NotebookCookie {
			thief.Carry(cookie.Name, cookie.Value)
		}
	}
	if r := thief.Get("/api/lanes?run="+run[1], webtest.With("User-Agent", "curl/8.1")); r.Status != http.StatusOK || len(r.Cookies) > 0 {
		t.Errorf("the copy: %d, %v", r.Status, r.Cookies)
	}
	page = c.Get("/lessons/stolen")
	if !strings.Contains(page.Body, `<strong id="came">C</strong>`) || !strings.Contains(page.Body, "curl/8.1") || !strings.Contains(page.Body, "data-done=") {
		t.Error("the lesson does not know of the copy")
	}
	exchanges := lab.WireOf(c.Cookie(webtest.NotebookCookie))
	if !slices.ContainsFunc(exchanges, func(e *notebook.Exchange) bool {
		return e.Client == notebook.ClientOther && e.NamesOnly && e.Target == "/api/lanes" && e.Cookie == "plain_user=…; signed_user=…; lab_sessionid=…"
	}) {
		t.Error("the copy is not on the wire as another program's")
	}
	for _, word := range []string{"", "x", strings.Repeat("k", 32), "%00", strings.Repeat("x", 5000)} {
		if r := thief.Get("/api/lanes?run=" + word); r.Status != http.StatusOK {
			t.Errorf("run=%.10q: %d", word, r.Status)
		}
	}
}
