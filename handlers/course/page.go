// The lessons' pages: the contents, each lesson, and what its buttons post.

package course

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/auth"
	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/handlers/web"
)

// listData is the contents.
type listData struct {
	web.Page
	Sittings []sitting
	Done, Of int
	Minutes  int // of the short course
}

type sitting struct {
	Title   string
	Minutes int
	Lessons []listEntry
}

type listEntry struct {
	Number, Minutes int
	Slug, Title     string
	Short, Done     bool
	Begun           bool
}

// List serves GET /lessons.
func (h *Course) List(c echo.Context) error {
	page, err := h.site.Page(c, locale.Msg("lessons.title"))
	if err != nil {
		return err
	}
	w := h.site.Words(c)
	p := listData{Page: page, Of: len(h.Lessons)}
	for _, l := range h.Lessons {
		s, err := h.StepOf(c, l)
		if err != nil {
			return err
		}
		s.Finish() // by what a run has seen, and no visit of its own has yet
		if err := s.Save(); err != nil {
			return err
		}
		i := len(sittingStarts)
		for l.Number < sittingStarts[i-1] {
			i--
		}
		if i > len(p.Sittings) {
			p.Sittings = append(p.Sittings, sitting{Title: w.Say(locale.Msg("lessons.sitting", locale.Args{"N": i}))})
		}
		entry := listEntry{Number: l.Number, Minutes: l.Minutes, Slug: l.Slug, Title: s.text.Title, Short: l.Short,
			Done: !s.notes.Done.IsZero(), Begun: s.Asked() || s.begun()}
		sitting := &p.Sittings[len(p.Sittings)-1]
		sitting.Lessons = append(sitting.Lessons, entry)
		sitting.Minutes += entry.Minutes
		if entry.Done {
			p.Done++
		}
		if entry.Short {
			p.Minutes += entry.Minutes
		}
	}
	return h.site.Render(c, http.StatusOK, "lessons", p)
}

// partNames are the parts of a lesson, in order.
var partNames = []string{"predict", "do", "observe", "explain"}

// pageData is one lesson.
type pageData struct {
	web.Page
	Slug           string
	Number, Of     int
	Minutes        int
	Text           *Text
	Choices        []answer
	State          string // changes with what was seen, so that a script can tell
	Asked, Begun   bool
	Unsure         bool
	SaidIt, CameIt string        // by their letters, what you said and what happened; "": not yet
	Came           template.HTML // the choice that happened
	Right          bool
	DoneAt         string
	Browser        string // in which it was done
	NeedsSignIn    bool
	SignIn         auth.Form
	Tasks          []taskView
	Told           bool // something was done, and the tasks only say what is so
	Board          Board
	Closer         []closerView
	Present        bool
	Part           string // shown, in present mode
	Parts          []partLink
	Back, Next     link
	Code           []string
	Difference     template.HTML
	Django         string
	Script         string
	Switch         string // the address of the other mode
}

// taskView is a task with what its form needs of the page.
type taskView struct {
	Task
	Form    string // where the form goes
	Present bool
	Return  string // where a form that goes elsewhere comes back to
}

// shown are tasks with what their forms need of the lesson's page.
func (s *Step) shown(tasks []Task) []taskView {
	shown := make([]taskView, len(tasks))
	for i, t := range tasks {
		shown[i] = taskView{t, cmp.Or(t.Action, "/lessons/"+s.Lesson.Slug), s.Presents(), s.URL("observe")}
	}
	return shown
}

type answer struct {
	choice
	Chosen, Came bool
}

type partLink struct {
	Name, Title, URL string
	Current          bool
}

// link leads to another lesson, or another part; no URL: there is none.
type link struct{ Label, URL string }

type closerView struct {
	closer
	View
	Tasks []taskView
}

// Get serves GET /lessons/{slug}.
func (h *Course) Get(c echo.Context) error {
	s, err := h.step(c)
	if err != nil {
		return err
	}
	part := "predict"
	if s.Presents() {
		if part = c.QueryParam(web.PresentParam); part == "" {
			part = "predict"
		}
		if !slices.Contains(partNames, part) {
			return input.NewProblem(http.StatusNotFound, "not_found", locale.Msg("lessons.no_part"))
		}
	}
	if s.Findings, err = h.auth.RecallAll(c); err != nil {
		return err
	}
	if s.Asked() && s.Lesson.Look != nil { // what was there before the lesson began is no part of it
		s.Lesson.Look(s)
	}
	if s.notes.Opened.IsZero() {
		s.notes.Opened = h.site.Clock.Now().UTC()
	}
	s.Finish()
	// A script that looks whether the page changed may be overtaken by what it looks
	// for: it only looks, and the page that is loaded then writes it down.
	if c.Request().Header.Get("Sec-Fetch-Dest") != "empty" {
		if err := s.Save(); err != nil {
			return err
		}
	}
	return h.site.Render(c, http.StatusOK, "lesson", s.page(part))
}

// Finish notes that the lesson is done, once it is, and in which browser.
func (s *Step) Finish() {
	if s.notes.Done.IsZero() && s.Lesson.Done(s) {
		s.notes.Done, s.notes.Browser = s.course.site.Clock.Now().UTC(), s.Browser()
	}
}

// page is what the template shows.
func (s *Step) page(part string) *pageData {
	l := s.Lesson
	p := &pageData{
		Page: s.course.site.PageWithoutAsking(s.C, locale.Msg("lessons.title")), Slug: l.Slug, Number: l.Number, Of: len(s.course.Lessons), Minutes: l.Minutes, Text: s.text,
		Asked: s.Asked(), Begun: s.begun(), Unsure: s.notes.Said == unsure,
		Browser: s.notes.Browser, Present: s.Presents(), Part: part,
		Code: l.Code, Django: l.Django, Script: l.Script,
	}
	p.Name = s.text.Title + " · " + web.LabName
	if p.Present {
		p.Presenting, p.Theme = true, "light" // a projector has no black
	}
	came := ""
	if s.begun() {
		came = l.Happened(s)
	}
	for _, choice := range s.text.Choices {
		one := answer{choice, s.notes.Said == choice.Letter, came == choice.Letter}
		p.Choices = append(p.Choices, one)
		if one.Chosen {
			p.SaidIt = choice.Letter
		}
		if one.Came {
			p.Came, p.CameIt = choice.Text, choice.Letter
		}
	}
	p.Right = p.SaidIt != "" && p.SaidIt == p.CameIt
	if !s.notes.Done.IsZero() {
		p.DoneAt = markup.Minute(s.notes.Done)
	}
	p.NeedsSignIn = l.SignedIn && p.Asked && !p.Begun && !s.Ready()
	if p.NeedsSignIn {
		p.SignIn = s.course.auth.Form(s.C)
		p.SignIn.Next = s.URL("do")
		if p.SignIn.Username == auth.TeacherName {
			p.SignIn.Username = "alice"
		}
	}
	if p.Asked && !p.NeedsSignIn {
		tasks := l.Do(s)
		p.Tasks = s.shown(tasks)
		p.Told = p.Begun && !slices.ContainsFunc(tasks, func(t Task) bool { return t.Act != "" || t.To != "" || t.Line != "" || t.Script })
	}
	p.Board = l.Board(s)
	for _, closer := range s.text.Closer {
		v := closerView{closer: closer}
		if view := l.Closer[closer.ID]; view != nil && p.Asked {
			v.View = view(s)
			v.Tasks = s.shown(v.View.Tasks)
			v.Board.ID = "board-" + closer.ID
		}
		p.Closer = append(p.Closer, v)
	}
	p.Difference = s.course.Texts.different[l.Slug]
	for _, part := range partNames {
		p.Parts = append(p.Parts, partLink{part, s.W.Text("lessons." + part), s.URL(part), p.Present && part == p.Part})
	}
	p.Switch = LessonURL(l.Slug, "predict", !p.Present)
	p.Back, p.Next = s.neighbours(p.Present, part)
	p.State = s.state(p.NeedsSignIn)
	return p
}

// state is a word for what the page shows now.
func (s *Step) state(waits bool) string {
	shown := s.notes
	if !shown.Done.IsZero() {
		shown.Done = markup.Epoch // since when, changes until a visit may write it down
	}
	sum := sha256.Sum256([]byte(notesText(shown) + markup.YesNo(waits)))
	return hex.EncodeToString(sum[:6])
}

// neighbours are where Back and Next lead: to the lesson before and after or,
// shown to a class, to the part before and after.
func (s *Step) neighbours(present bool, part string) (back, next link) {
	at := slices.IndexFunc(s.course.Lessons, func(l *Lesson) bool { return l == s.Lesson })
	to := func(i int, part string) link {
		if i < 0 || i >= len(s.course.Lessons) {
			return link{s.W.Text("lessons.contents"), "/lessons"}
		}
		l := s.course.Lessons[i]
		return link{s.W.Say(locale.Msg("lessons.number", locale.Args{"N": l.Number, "Title": s.course.Texts.Lesson(s.W, l.Slug).Title})), LessonURL(l.Slug, part, present)}
	}
	if !present {
		return to(at-1, "predict"), to(at+1, "predict")
	}
	i := slices.Index(partNames, part)
	within := func(part string) link {
		return link{s.W.Text("lessons." + part), LessonURL(s.Lesson.Slug, part, true)}
	}
	if back = to(at-1, "explain"); i > 0 {
		back = within(partNames[i-1])
	}
	if next = to(at+1, "predict"); i < len(partNames)-1 {
		next = within(partNames[i+1])
	}
	return back, next
}

// Ready reports whether a student is signed in all three lanes.
func (s *Step) Ready() bool {
	for _, f := range s.Findings {
		if !f.Verdict.Accepted() || f.Who != s.Findings[0].Who || f.Who.Role != lanes.RoleStudent {
			return false
		}
	}
	return true
}

// Post serves POST /lessons/{slug} (field act): the answer to the question
// (said), a reset, or one of the lesson's own acts.
func (h *Course) Post(c echo.Context) error {
	fields, err := input.Singles(c.Request().PostForm, "act", "said", web.PresentParam)
	if err != nil {
		return err
	}
	s, err := h.step(c)
	if err != nil {
		return err
	}
	if !s.Notebook.MayWrite() {
		return input.NewProblem(http.StatusConflict, "no_notebook", locale.Msg("lessons.no_notebook"))
	}
	if s.Findings, err = h.auth.RecallAll(c); err != nil {
		return err
	}
	switch act := fields["act"]; act {
	case "predict":
		err = s.predict(fields["said"])
	case "reset":
		err = s.reset()
	default:
		do, ok := s.Lesson.Acts[act]
		switch {
		case !ok:
			return input.NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("lessons.no_act"))
		case !s.Asked():
			return input.NewProblem(http.StatusConflict, "predict_first", locale.Msg("lessons.predict_first"))
		}
		err = do(s)
	}
	if err != nil {
		return err
	}
	s.Finish()
	return s.Save()
}

// predict keeps what somebody expects. A second answer changes the first only
// while nothing was seen yet.
func (s *Step) predict(said string) error {
	if !slices.Contains([]string{"A", "B", "C", unsure, unasked}, said) {
		return input.NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("lessons.choose"))
	}
	if s.begun() && s.Asked() {
		return s.Done()
	}
	s.notes.Said, s.notes.SaidAt = said, s.course.site.Clock.Now().UTC()
	if s.notes.Opened.IsZero() {
		s.notes.Opened = s.notes.SaidAt
	}
	if err := s.prepare(); err != nil {
		return err
	}
	return s.To("do")
}

// prepare brings about the state with which the lesson begins, as far as that
// can be done on what this browser has.
func (s *Step) prepare() error {
	if !s.Lesson.SignedIn || s.Ready() {
		return nil
	}
	if who, ok := s.course.auth.SignedIn(s.C); ok && who.Role != lanes.RoleStudent {
		return nil // who is a teacher signs in as a student, or not
	}
	if err := s.Before(); err != nil {
		return err
	}
	return s.Restore()
}

// reset forgets the lesson, and takes back what it left in the browser.
func (s *Step) reset() error {
	s.Lesson.eraseCookies(s.C)
	if s.Lesson.Reset != nil {
		if err := s.Lesson.Reset(s); err != nil {
			return err
		}
	}
	s.notes = notes{Opened: s.course.site.Clock.Now().UTC()}
	if err := s.prepare(); err != nil {
		return err
	}
	return s.To("predict")
}

// eraseCookies deletes what the lesson has set.
func (l *Lesson) eraseCookies(c echo.Context) {
	for _, cookie := range l.Cookies {
		lanes.EraseLine(c, cookie)
	}
}

// nestedHints are hints of which each opens the next, and the last the solution.
// So they come one by one without a script, and without anybody counting.
func nestedHints(w *locale.Printer, hints []template.HTML, solution template.HTML) template.HTML {
	var m markup.Writer
	for i, hint := range hints {
		m.Raw("<p>")
		m.WriteString(string(hint))
		m.Raw("</p><details><summary>")
		if i < len(hints)-1 {
			m.Text(w.Text("lessons.another_hint"))
		} else {
			m.Text(w.Text("lessons.solution"))
		}
		m.Raw("</summary>")
	}
	m.Raw(`<div class="solution">`)
	m.WriteString(string(solution))
	m.Raw("</div>")
	m.Raw(strings.Repeat("</details>", len(hints)))
	return template.HTML(m.String())
}
