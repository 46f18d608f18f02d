package handlers_test

import (
	"maps"
	"slices"
	"strings"
)

// LessonForTest is what tests need to know of a lesson.
type LessonForTest struct {
	Number       int
	Slug, Answer string
	Acts         []string                     // its buttons
	Script       bool                         // it is about script
	Texts        map[string]LessonTextForTest // by language
}

// LessonTextForTest is its text in one language.
type LessonTextForTest struct {
	Claims  []string // their IDs
	Hints   int
	Closer  []string // IDs
	Words   map[string]string
	Explain string // the claims, as HTML
	Notes   bool
}

// LessonsForTest are the lessons, in order.
func LessonsForTest(lab *testLab) (all []LessonForTest) {
	for _, l := range lab.Course.Lessons {
		one := LessonForTest{Number: l.Number, Slug: l.Slug, Answer: l.Answer, Script: l.Script != "", Acts: slices.Sorted(maps.Keys(l.Acts)), Texts: map[string]LessonTextForTest{}}
		for _, w := range lab.Site.Languages.All {
			t := lab.Course.Texts.Lesson(w, l.Slug)
			text := LessonTextForTest{Hints: strings.Count(string(t.Hints), "<details>"), Words: t.Words, Notes: t.Notes != ""}
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
