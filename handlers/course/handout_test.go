// The handout through HTTP: all questions are on it, and the right answers only
// where they were asked for. That they are right, handout_browser_test.go tries.

package course_test

import (
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cookielab/handlers/course"
	"cookielab/handlers/labtest"
)

func TestHandout(t *testing.T) {
	lab := labtest.New(t)
	lessons := labtest.Lessons(lab)
	for language, text := range handouts(lab) {
		for path, answered := range map[string]bool{"/handout": false, "/handout?answers": true} {
			t.Run(language+path, func(t *testing.T) {
				c := lab.Client()
				c.Get("/?lang=" + language)
				r := c.Get(path)
				if r.Status != http.StatusOK || r.Header.Get("Content-Language") != language {
					t.Fatalf("%d, %s", r.Status, r.Header.Get("Content-Language"))
				}
				for _, lesson := range lessons {
					onSheet(t, between(t, r.Body, `id="question-`+lesson.Slug+`"`, "</article>"), lesson, questionOf(lab, language, lesson.Slug), answered)
				}
				if n := strings.Count(r.Body, `class="asked"`); n != len(lessons) {
					t.Errorf("%d questions, of %d lessons", n, len(lessons))
				}
				tables := between(t, r.Body, `class="to-fill grid"`, `</section>`)
				if empty := regexp.MustCompile(`<td class="lane-\w+"></td>`).MatchString(tables); empty == answered {
					t.Error("the cells of the table are filled in with the wrong sheets")
				}
				for _, id := range text.Tasks {
					task := between(t, r.Body, `id="task-`+id+`"`, "</article>")
					if ruled := strings.Contains(task, `class="ruled"`); ruled == answered || !strings.Contains(task, `class="field"`) {
						t.Errorf("the assignment %s has the wrong room to write: %s", id, task)
					}
				}
				for _, answer := range text.Answers {
					said := strings.Contains(r.Body, `<span class="answer">`+answer+"</span>") || regexp.MustCompile(`<td class="lane-\w+">`+regexp.QuoteMeta(answer)+"</td>").MatchString(r.Body)
					if said != answered {
						t.Errorf("the answer %q is there: %v", answer, said)
					}
				}
				if n := strings.Count(r.Body, `<span class="tag">`); answered && n != 3 || !answered && n != 0 {
					t.Errorf("%d sheets say that answers are on them", n)
				}
				other := map[bool]string{false: `class="button" href="/handout?answers"`, true: `class="button" href="/handout"`}[answered]
				if !strings.Contains(r.Body, other) || strings.Contains(r.Body, "?answers=&amp;lang=") != answered {
					t.Error("it does not lead to the other sheets, or forgets which these are with the other language")
				}
			})
		}
	}
}

// handout is what tests need to know of the sheets in one language.
type handout struct {
	Shape   []string // of what must be the same in every language: parts, tables, fields
	Tasks   []string // the assignments' IDs
	Answers []string // all of them, as HTML
}

// handouts are the sheets, by language.
func handouts(lab *labtest.Lab) map[string]handout {
	all := map[string]handout{}
	for _, w := range lab.Site.Languages.All {
		text := lab.Course.Texts.Handout(w)
		var one handout
		for _, table := range text.Tables() {
			for _, row := range table.Rows {
				one.Shape = append(one.Shape, table.ID)
				for _, cell := range row {
					if cell.Lane != "" {
						one.Shape, one.Answers = append(one.Shape, cell.Lane), append(one.Answers, string(cell.Text))
					}
				}
			}
		}
		for _, part := range text.Card.Parts {
			one.Shape = append(one.Shape, part.ID)
		}
		for _, task := range text.Assignments.Parts {
			one.Tasks = append(one.Tasks, task.ID)
			for _, field := range task.Fields {
				one.Shape, one.Answers = append(one.Shape, task.ID), append(one.Answers, string(field.Answer))
			}
		}
		all[w.Tag.String()] = one
	}
	return all
}

// question is a lesson's question as the sheets have it, in one language.
type question struct {
	Question, Why string
	Choices       map[string]string // by their letters
}

// questionOf is the question of a lesson, as HTML.
func questionOf(lab *labtest.Lab, language, slug string) question {
	text := lab.Course.Texts.Lesson(lab.Site.Assets.Languages.Named(language), slug)
	q := question{string(text.Question), string(text.Because(lab.Course.Lesson(slug).Why)), map[string]string{}}
	for _, choice := range text.Choices {
		q.Choices[choice.Letter] = string(choice.Text)
	}
	return q
}

// onSheet looks at one question.
func onSheet(t *testing.T, sheet string, lesson labtest.Lesson, asked question, answered bool) {
	t.Helper()
	if !strings.Contains(sheet, asked.Question) || len(asked.Choices) != 3 {
		t.Errorf("%s: its question is not on the sheet: %s", lesson.Slug, sheet)
	}
	for letter, text := range asked.Choices {
		li := between(t, sheet, `<span class="letter">`+letter+"</span>", "</li>")
		if !strings.Contains(li, text) {
			t.Errorf("%s: the choice %s is %s", lesson.Slug, letter, li)
		}
		if right := strings.Contains(li, `class="tag"`); right != (answered && letter == lesson.Answer) {
			t.Errorf("%s: the choice %s is marked as right: %v", lesson.Slug, letter, right)
		}
	}
	marks := regexp.MustCompile(`(?s)<li class="right"><span class="box" aria-hidden="true">✓</span> <span class="letter">(.)</span>`).FindAllStringSubmatch(sheet, -1)
	switch {
	case !answered && (len(marks) > 0 || strings.Contains(sheet, "✓") || strings.Contains(sheet, asked.Why) || !strings.Contains(sheet, `<span class="box"></span>`)):
		t.Errorf("%s: the answer is on the sheet: %s", lesson.Slug, sheet)
	case answered && (len(marks) != 1 || marks[0][1] != lesson.Answer || !strings.Contains(sheet, asked.Why) || !strings.Contains(sheet, `<span class="box">`+lesson.Answer+"</span>")):
		t.Errorf("%s: the answer %s is not on the sheet: %s", lesson.Slug, lesson.Answer, sheet)
	}
}

// between is what of a page stands from one mark to the next other.
func between(t *testing.T, page, from, to string) string {
	t.Helper()
	_, rest, found := strings.Cut(page, from)
	part, _, closed := strings.Cut(rest, to)
	if !found || !closed {
		t.Fatalf("there is nothing between %s and %s", from, to)
	}
	return part
}

// A teacher edits the sheets: what is missing is said before the lab starts.
func TestHandoutTexts(t *testing.T) {
	lab := labtest.New(t)
	all := handouts(lab)
	english := all["en"]
	if len(english.Tasks) != 5 {
		t.Errorf("the assignments are %v", english.Tasks)
	}
	for language, text := range all {
		if !slices.Equal(text.Shape, english.Shape) {
			t.Errorf("%s: the sheets have %v, in English %v", language, text.Shape, english.Shape)
		}
	}
	raw, err := os.ReadFile("../../templates/handout/en.md")
	if err != nil {
		t.Fatal(err)
	}
	good := string(raw)
	if err := course.ReadHandoutForTest(lab.Site.Languages.All[0], good); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string][2]string{
		"has no title":                           {"# What I saw in Cookie Lab", ""},
		"stands before the first part":           {"\n## Four", "\nSome text\n\n## Four"},
		"has no part {#card}":                    {"{#card}", "{#cards}"},
		"a part that no sheet shows":             {"\n## Which", "\n## More {#more}\n\nText\n\n## Which"},
		"has no name in braces":                  {" {#copy}", ""},
		"has 3 cells, not 4":                     {"| Verified | Found |", "| Found |"},
		"{#grid} has no table":                   {"| ", "  "},
		"{#addresses} asks for nothing":          {"- ", "* "},
		"or for something without an answer":     {"  > `POST /login`, answered 303.", ""},
		"{#there-and-back} asks for nothing, or": {"  > `POST /login`, answered 303.", "  `POST /login`, answered 303."},
	} {
		bad := strings.ReplaceAll(good, change[0], change[1])
		if strings.HasPrefix(want, "{#addresses}") { // the last one alone
			at := strings.Index(good, "{#addresses}")
			bad = good[:at] + strings.ReplaceAll(good[at:], "\n"+change[0], "\n"+change[1])
		}
		if err := course.ReadHandoutForTest(lab.Site.Languages.All[0], bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}
