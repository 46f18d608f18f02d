// The course as tests go through it: lessons and runs.

package labtest

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cookielab/handlers"
	"cookielab/handlers/webtest"
)

// Lesson is what tests need to know of a lesson.
type Lesson struct {
	Number       int
	Slug, Answer string
	Acts         []string              // its buttons
	Script       bool                  // it is about script
	Texts        map[string]LessonText // by language
}

// LessonText is its text in one language.
type LessonText struct {
	Claims  []string // their IDs
	Hints   int
	Closer  []string // IDs
	Words   map[string]string
	Explain string // the claims, as HTML
	Notes   bool
}

// Lessons are the lessons, in order.
func Lessons(lab *Lab) (all []Lesson) {
	for _, l := range lab.Course.Lessons {
		one := Lesson{Number: l.Number, Slug: l.Slug, Answer: l.Answer, Script: l.Script != "", Acts: slices.Sorted(maps.Keys(l.Acts)), Texts: map[string]LessonText{}}
		for _, w := range lab.Site.Languages.All {
			t := lab.Course.Texts.Lesson(w, l.Slug)
			text := LessonText{Hints: strings.Count(string(t.Hints), "<details>"), Words: t.Words, Notes: t.Notes != ""}
			for _, claim := range t.Claims {
				text.Claims = append(text.Claims, claim.ID)
				text.Explain += string(claim.Text) + " "
			}
			for _, closer := range t.Closer {
				text.Closer = append(text.Closer, closer.ID)
			}
			one.Texts[w.Tag.String()] = text
		}
		all = append(all, one)
	}
	return all
}

// ElsewhereSite is the address of another site that need not be there.
const ElsewhereSite = "http://127.0.0.1:18081"

// AtHome makes a lab that has another site beside it, and a name by which that
// finds it.
func AtHome(c *handlers.Config) {
	c.Other, c.Home, c.AllowHosts = ElsewhereSite, "http://lab.localhost", []string{"lab.localhost"}
}

// AtOtherSite begins lesson 13 as somebody at localhost, where the other site
// sends its requests, and returns the run.
func AtOtherSite(t *testing.T, lab *Lab) (c *webtest.Client, run string) {
	t.Helper()
	c = lab.Client().SignIn("alice")
	c.Get("/lessons/other-site")
	c.Post("/lessons/other-site", url.Values{"act": {"predict"}, "said": {"B"}})
	if r := c.Post("/lessons/other-site", url.Values{"act": {"begin"}}); r.Status != http.StatusSeeOther || r.Sets("play_lax") == nil || r.Sets("play_none") == nil {
		t.Fatalf("beginning: %d, %v", r.Status, r.Cookies)
	}
	page := c.Get("/lessons/other-site", func(r *http.Request) { r.Host = "lab.localhost" })
	found := regexp.MustCompile(regexp.QuoteMeta(ElsewhereSite) + `/\?lang=en&amp;run=([0-9a-z]+)"`).FindStringSubmatch(page.Body)
	if found == nil {
		t.Fatal("the lesson leads to no other site")
	}
	return c, found[1]
}
