// The lessons in real browsers: each is followed to its goal, and each of its
// claims is made to happen; in English with script and with its waits, in Chinese
// without either, where the lesson is not about script.

package handlers_test

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cookielab/handlers/browsertest"
	"cookielab/handlers/labtest"
)

// tellers has a method for each lesson, of the lesson's own name: it follows the
// lesson and calls claim for each claim. To add one, add a file.
type tellers struct{}

// student is a visitor who follows a lesson.
type student struct {
	*visitor
	t        *testing.T
	lesson   labtest.Lesson
	language string
	waits    bool // for clocks; and everything below "Look closer" is tried
	claimed  []string
}

// lessonWindow is what a projector of 1024 × 768 leaves of the window.
var lessonWindow = browsertest.Options{Width: 1024, Height: 660}

func tellLessons(t *testing.T, browser browsertest.Browser, binary string) {
	lessons := labtest.Lessons(labtest.New(t))
	for _, reader := range []struct {
		name     string
		language string
		options  browsertest.Options
	}{
		{"en", "en", browsertest.Options{Language: "en"}},
		{"zh without script", "zh", browsertest.Options{Language: "zh-CN", NoScript: true}},
	} {
		t.Run(reader.name, func(t *testing.T) {
			t.Parallel()
			options := reader.options
			options.Width, options.Height = lessonWindow.Width, lessonWindow.Height
			base := startProgram(t, binary)
			v := &visitor{Page: browser.Visit(t, options), base: base, browser: browser.Name(), noScript: options.NoScript}
			scripted := v
			if options.NoScript {
				options.NoScript = false
				scripted = &visitor{Page: browser.Visit(t, options), base: base, browser: browser.Name()}
			}
			for _, lesson := range lessons {
				t.Run(lesson.Slug, func(t *testing.T) {
					s := &student{visitor: v, t: t, lesson: lesson, language: reader.language, waits: reader.language == "en"}
					if lesson.Script {
						s.visitor = scripted
					}
					tellerOf(t, lesson)(s)
					s.hasClaimed()
				})
			}
			for _, complaint := range v.Complaints() {
				if !strings.Contains(complaint, "40") { // what is to be refused, was
					t.Errorf("the browser complains: %s", complaint)
				}
			}
		})
	}
}

// tellComeBack leaves a lesson for another window and comes back, where the lesson
// then finds that something has happened meanwhile: it loads itself again, but not
// if that would undo what was pressed to come back.
func tellComeBack(t *testing.T, browser browsertest.Browser, binary string) {
	v := &visitor{Page: browser.Visit(t, lessonWindow), base: startProgram(t, binary), browser: browser.Name()}
	v.open(t, "/lessons/forgets", 200)
	v.Click(`.answers button[value="A"]`)
	v.at(t, "/lessons/forgets#do")

	comeBack := func(selector string) {
		t.Helper()
		v.Eval(`dispatchEvent(new Event("blur"));
			window.fetch = async () => new Response('<p id="lesson" data-state="another">');
			addEventListener("mousedown", () => dispatchEvent(new Event("focus")));
			document.documentElement.dataset.old = ""`, nil)
		v.Click(selector)
		for range 250 {
			if !v.Has("html[data-old]") {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Errorf("after a click on %s the page is the old one", selector)
	}
	comeBack("h1")
	v.at(t, "/lessons/forgets#do")
	comeBack("#do .deed button")
	v.at(t, "/lessons/forgets#observe")
	comeBack(".parts a") // within the page
	v.at(t, "/lessons/forgets#predict")
	comeBack("a.next")
	v.at(t, "/lessons/plain#predict")
}

// tellerOf finds the method that tells a lesson: its slug, as Go writes names.
func tellerOf(t *testing.T, lesson labtest.Lesson) func(*student) {
	t.Helper()
	name := ""
	for part := range strings.SplitSeq(lesson.Slug, "-") {
		name += strings.ToUpper(part[:1]) + part[1:]
	}
	method := reflect.ValueOf(tellers{}).MethodByName(strings.TrimLeft(name, "0123456789"))
	if !method.IsValid() {
		t.Fatalf("no test tells the lesson %s", lesson.Slug)
	}
	return method.Interface().(func(*student))
}

// claim checks one of the lesson's claims, by its ID.
func (s *student) claim(id string, holds bool, format string, args ...any) {
	s.t.Helper()
	s.claimed = append(s.claimed, id)
	if !holds {
		s.t.Errorf("the claim %q does not hold: %s", id, fmt.Sprintf(format, args...))
	}
}

// hasClaimed complains of claims that nobody checked, and of checks for none.
func (s *student) hasClaimed() {
	s.t.Helper()
	slices.Sort(s.claimed)
	checked, claims := slices.Compact(s.claimed), slices.Sorted(slices.Values(s.lesson.Texts[s.language].Claims))
	if !slices.Equal(checked, claims) {
		s.t.Errorf("checked are %v, the lesson claims %v", checked, claims)
	}
}

// predict opens the lesson and answers its question. Nothing can be done before.
func (s *student) predict(letter string) {
	s.t.Helper()
	s.open(s.t, "/lessons/"+s.lesson.Slug, 200)
	if s.Has("#do .deed") || !s.Has("#do .locked") {
		s.t.Error("something can be done before the question was answered")
	}
	s.Click(`.answers button[value="` + letter + `"]`)
	s.at(s.t, "/lessons/"+s.lesson.Slug+"#do")
	if s.Has("#do .sign-in") {
		s.Click("#do .sign-in button[type=submit]")
		s.at(s.t, "/lessons/"+s.lesson.Slug+"#do")
	}
}

// act presses a button of the lesson. What comes of one below "Look closer" is not
// folded away.
func (s *student) act(act string) {
	s.t.Helper()
	selector := `input[name="act"][value="` + act + `"] ~ button`
	for _, place := range []string{"#observe ", "#do ", "#lesson "} {
		if s.Has(place + selector) {
			selector = place + selector
			break
		}
	}
	var closer string
	s.Run("document.querySelector("+strconv.Quote(selector)+`)?.closest(".closer details")?.id ?? ""`, &closer)
	s.Click(selector)
	if closer != "" && !s.Has("#"+closer+"[open]") {
		s.t.Errorf("what came of %s is folded away", act)
	}
}

// closer opens a part of "Look closer".
func (s *student) closer(id string) {
	s.t.Helper()
	if !s.Has("#closer-" + id + "[open]") {
		s.Click("#closer-" + id + " > summary")
	}
}

// sendByCurl has the lesson make a line of curl, pastes it into a shell, and comes
// back to the lesson.
func (s *student) sendByCurl() {
	s.t.Helper()
	s.closer("curl")
	s.act("curl")
	runCurl(s.t, s.Text("#closer-curl code"))
	s.open(s.t, "/lessons/"+s.lesson.Slug, 200)
}

// cell is how a cell of the board looks: its code. Columns count from 1.
func (s *student) cell(row string, column int) string {
	s.t.Helper()
	return s.Attr(fmt.Sprintf("#row-%s td:nth-of-type(%d)", row, column), "data-code")
}

// row is the whole row of a board: the codes of its cells.
func (s *student) row(row string) string {
	s.t.Helper()
	var codes []string
	s.Run(fmt.Sprintf(`Array.from(document.querySelectorAll("#row-%s td"), td => td.dataset.code || "")`, row), &codes)
	return strings.Join(codes, " ")
}

// came checks that the lesson is done, and what it says has happened: the answer
// of the teacher's sheet. Sentence and board are in the window.
func (s *student) came() {
	s.t.Helper()
	if got := s.Text("#came"); got != s.lesson.Answer {
		s.t.Errorf("what happened is %q, the answer is %q", got, s.lesson.Answer)
	}
	if s.Attr("#lesson", "data-done") == "" {
		s.t.Error("the lesson is not done")
	}
	if got := s.Text(".lesson-head .done"); !strings.HasPrefix(got, "✓") {
		s.t.Errorf("the head says %q", got)
	}
	if strings.HasSuffix(s.URL(), "#observe") {
		var box struct{ Top, Bottom, Height, Width float64 }
		fits := func() bool {
			s.Run(`({ Top: document.querySelector("#sentence").getBoundingClientRect().top, Bottom: document.querySelector("#board").getBoundingClientRect().bottom, Height: innerHeight, Width: innerWidth })`, &box)
			return box.Top >= 0 && (box.Bottom <= box.Height || box.Width < 840) // a narrow one has a list, and one scrolls
		}
		for range 20 {
			if fits() {
				return
			}
			time.Sleep(50 * time.Millisecond) // the browser scrolls when it is ready to
		}
		if !fits() {
			s.t.Errorf("what happened stands from %.0f to %.0f px in a window of %.0f", box.Top, box.Bottom, box.Height)
		}
	}
}

// jar is the value of a cookie in the browser's jar; "" for none.
func (s *student) jar(name string) string {
	s.t.Helper()
	for _, cookie := range s.Cookies() {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}
