// The lessons' pages: the contents, each lesson, and what its buttons post.

package handlers

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"html/template"
	"net/http"
	"slices"

	"cookielab/handlers/auth"
	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
	"cookielab/handlers/web"

	"github.com/labstack/echo/v4"
)

// lessonsPage is the contents.
type lessonsPage struct {
	web.Page
	Sittings []lessonSitting
	Done, Of int
	Minutes  int // of the short course
}

type lessonSitting struct {
	Title   string
	Minutes int
	Lessons []lessonEntry
}

type lessonEntry struct {
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
	p := lessonsPage{Page: page, Of: len(h.lessons)}
	for _, l := range h.lessons {
		s, err := h.stepOf(c, l)
		if err != nil {
			return err
		}
		s.finish() // by what a run has seen, and no visit of its own has yet
		if err := s.save(); err != nil {
			return err
		}
		i := len(sittings)
		for l.Number < sittings[i-1] {
			i--
		}
		if i > len(p.Sittings) {
			p.Sittings = append(p.Sittings, lessonSitting{Title: w.Say(locale.Msg("lessons.sitting", locale.Args{"N": i}))})
		}
		entry := lessonEntry{Number: l.Number, Minutes: l.Minutes, Slug: l.Slug, Title: s.text.Title, Short: l.Short,
			Done: !s.notes.Done.IsZero(), Begun: s.asked() || s.begun()}
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

// The parts of a lesson, in order.
var lessonParts = []string{"predict", "do", "observe", "explain"}

// lessonPage is one lesson.
type lessonPage struct {
	web.Page
	Slug           string
	Number, Of     int
	Minutes        int
	Text           *lessonText
	Choices        []lessonAnswer
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
	Tasks          []lessonTask
	Told           bool // something was done, and the tasks only say what is so
	Board          lessonBoard
	Closer         []lessonCloserView
	Present        bool
	Part           string // shown, in present mode
	Parts          []lessonPart
	Back, Next     lessonLink
	Code           []string
	Difference     template.HTML
	Django         string
	Script         string
	Switch         string // the address of the other mode
}

// lessonTask is a task with what its form needs of the page.
type lessonTask struct {
	task
	Form    string // where the form goes
	Present bool
	Return  string // where a form that goes elsewhere comes back to
}

// shown are tasks with what their forms need of the lesson's page.
func (s *lessonStep) shown(tasks []task) []lessonTask {
	shown := make([]lessonTask, len(tasks))
	for i, t := range tasks {
		shown[i] = lessonTask{t, cmp.Or(t.Action, "/lessons/"+s.lesson.Slug), s.presents(), s.url("observe")}
	}
	return shown
}

type lessonAnswer struct {
	lessonChoice
	Chosen, Came bool
}

type lessonPart struct {
	Name, Title, URL string
	Current          bool
}

// lessonLink leads to another lesson, or another part; no URL: there is none.
type lessonLink struct{ Label, URL string }

type lessonCloserView struct {
	lessonCloser
	closerView
	Tasks []lessonTask
}

// Get serves GET /lessons/{slug}.
func (h *Course) Get(c echo.Context) error {
	s, err := h.step(c)
	if err != nil {
		return err
	}
	part := "predict"
	if s.presents() {
		if part = c.QueryParam(web.PresentParam); part == "" {
			part = "predict"
		}
		if !slices.Contains(lessonParts, part) {
			return input.NewProblem(http.StatusNotFound, "not_found", locale.Msg("lessons.no_part"))
		}
	}
	if s.findings, err = h.auth.RecallAll(c); err != nil {
		return err
	}
	if s.asked() && s.lesson.Look != nil { // what was there before the lesson began is no part of it
		s.lesson.Look(s)
	}
	if s.notes.Opened.IsZero() {
		s.notes.Opened = h.site.Clock.Now().UTC()
	}
	s.finish()
	// A script that looks whether the page changed may be overtaken by what it looks
	// for: it only looks, and the page that is loaded then writes it down.
	if c.Request().Header.Get("Sec-Fetch-Dest") != "empty" {
		if err := s.save(); err != nil {
			return err
		}
	}
	return h.site.Render(c, http.StatusOK, "lesson", s.page(part))
}

// finish notes that the lesson is done, once it is, and in which browser.
func (s *lessonStep) finish() {
	if s.notes.Done.IsZero() && s.lesson.Done(s) {
		s.notes.Done, s.notes.Browser = s.course.site.Clock.Now().UTC(), s.browser()
	}
}

// page is what the template shows.
func (s *lessonStep) page(part string) *lessonPage {
	l := s.lesson
	p := &lessonPage{
		Page: s.course.site.PageWithoutAsking(s.c, locale.Msg("lessons.title")), Slug: l.Slug, Number: l.Number, Of: len(s.course.lessons), Minutes: l.Minutes, Text: s.text,
		Asked: s.asked(), Begun: s.begun(), Unsure: s.notes.Said == unsure,
		Browser: s.notes.Browser, Present: s.presents(), Part: part,
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
		answer := lessonAnswer{choice, s.notes.Said == choice.Letter, came == choice.Letter}
		p.Choices = append(p.Choices, answer)
		if answer.Chosen {
			p.SaidIt = choice.Letter
		}
		if answer.Came {
			p.Came, p.CameIt = choice.Text, choice.Letter
		}
	}
	p.Right = p.SaidIt != "" && p.SaidIt == p.CameIt
	if !s.notes.Done.IsZero() {
		p.DoneAt = markup.Minute(s.notes.Done)
	}
	p.NeedsSignIn = l.SignedIn && p.Asked && !p.Begun && !s.ready()
	if p.NeedsSignIn {
		p.SignIn = s.course.auth.Form(s.c)
		p.SignIn.Next = s.url("do")
		if p.SignIn.Username == auth.TeacherName {
			p.SignIn.Username = "alice"
		}
	}
	if p.Asked && !p.NeedsSignIn {
		tasks := l.Do(s)
		p.Tasks = s.shown(tasks)
		p.Told = p.Begun && !slices.ContainsFunc(tasks, func(t task) bool { return t.Act != "" || t.To != "" || t.Line != "" || t.Script })
	}
	p.Board = l.Board(s)
	for _, closer := range s.text.Closer {
		v := lessonCloserView{lessonCloser: closer}
		if view := l.Closer[closer.ID]; view != nil && p.Asked {
			v.closerView = view(s)
			v.Tasks = s.shown(v.closerView.Tasks)
			v.Board.ID = "board-" + closer.ID
		}
		p.Closer = append(p.Closer, v)
	}
	p.Difference = s.course.texts.different[l.Slug]
	for _, part := range lessonParts {
		p.Parts = append(p.Parts, lessonPart{part, s.w.Text("lessons." + part), s.url(part), p.Present && part == p.Part})
	}
	p.Switch = lessonURL(l.Slug, "predict", !p.Present)
	p.Back, p.Next = s.neighbours(p.Present, part)
	p.State = s.state(p.NeedsSignIn)
	return p
}

// state is a word for what the page shows now.
func (s *lessonStep) state(waits bool) string {
	shown := s.notes
	if !shown.Done.IsZero() {
		shown.Done = markup.Epoch // since when, changes until a visit may write it down
	}
	sum := sha256.Sum256([]byte(notesText(shown) + markup.YesNo(waits)))
	return hex.EncodeToString(sum[:6])
}

// neighbours are where Back and Next lead: to the lesson before and after or,
// shown to a class, to the part before and after.
func (s *lessonStep) neighbours(present bool, part string) (back, next lessonLink) {
	at := slices.IndexFunc(s.course.lessons, func(l *lesson) bool { return l == s.lesson })
	to := func(i int, part string) lessonLink {
		if i < 0 || i >= len(s.course.lessons) {
			return lessonLink{s.w.Text("lessons.contents"), "/lessons"}
		}
		l := s.course.lessons[i]
		return lessonLink{s.w.Say(locale.Msg("lessons.number", locale.Args{"N": l.Number, "Title": s.course.texts.lesson(s.w, l.Slug).Title})), lessonURL(l.Slug, part, present)}
	}
	if !present {
		return to(at-1, "predict"), to(at+1, "predict")
	}
	i := slices.Index(lessonParts, part)
	within := func(part string) lessonLink {
		return lessonLink{s.w.Text("lessons." + part), lessonURL(s.lesson.Slug, part, true)}
	}
	if back = to(at-1, "explain"); i > 0 {
		back = within(lessonParts[i-1])
	}
	if next = to(at+1, "predict"); i < len(lessonParts)-1 {
		next = within(lessonParts[i+1])
	}
	return back, next
}

// ready reports whether a student is signed in all three ways.
func (s *lessonStep) ready() bool {
	for _, f := range s.findings {
		if !f.Verdict.Accepted() || f.Who != s.findings[0].Who || f.Who.Role != lanes.RoleStudent {
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
	if !s.book.MayWrite() {
		return input.NewProblem(http.StatusConflict, "no_notebook", locale.Msg("lessons.no_notebook"))
	}
	if s.findings, err = h.auth.RecallAll(c); err != nil {
		return err
	}
	switch act := fields["act"]; act {
	case "predict":
		err = s.predict(fields["said"])
	case "reset":
		err = s.reset()
	default:
		do, ok := s.lesson.Acts[act]
		switch {
		case !ok:
			return input.NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("lessons.no_act"))
		case !s.asked():
			return input.NewProblem(http.StatusConflict, "predict_first", locale.Msg("lessons.predict_first"))
		}
		err = do(s)
	}
	if err != nil {
		return err
	}
	s.finish()
	return s.save()
}

// predict keeps what somebody expects. A second answer changes the first only
// while nothing was seen yet.
func (s *lessonStep) predict(said string) error {
	if !slices.Contains([]string{"A", "B", "C", unsure, unasked}, said) {
		return input.NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("lessons.choose"))
	}
	if s.begun() && s.asked() {
		return s.done()
	}
	s.notes.Said, s.notes.SaidAt = said, s.course.site.Clock.Now().UTC()
	if s.notes.Opened.IsZero() {
		s.notes.Opened = s.notes.SaidAt
	}
	if err := s.prepare(); err != nil {
		return err
	}
	return s.to("do")
}

// prepare brings about the state with which the lesson begins, as far as that
// can be done on what this browser has.
func (s *lessonStep) prepare() error {
	if !s.lesson.SignedIn || s.ready() {
		return nil
	}
	if who, ok := s.course.auth.SignedIn(s.c); ok && who.Role != lanes.RoleStudent {
		return nil // who is a teacher signs in as a student, or not
	}
	if err := s.before(); err != nil {
		return err
	}
	return s.restore()
}

// reset forgets the lesson, and takes back what it left in the browser.
func (s *lessonStep) reset() error {
	s.lesson.eraseCookies(s.c)
	if s.lesson.Reset != nil {
		if err := s.lesson.Reset(s); err != nil {
			return err
		}
	}
	s.notes = lessonNotes{Opened: s.course.site.Clock.Now().UTC()}
	if err := s.prepare(); err != nil {
		return err
	}
	return s.to("predict")
}

// eraseCookies deletes what the lesson has set.
func (l *lesson) eraseCookies(c echo.Context) {
	for _, cookie := range l.Cookies {
		lanes.EraseLine(c, cookie)
	}
}

// Forget deletes the cookies of the lessons that were opened.
func (h *Course) Forget(c echo.Context, n *notebook.Notebook) {
	for _, l := range h.lessons {
		if n.Session().Has(bookLesson + l.Slug) {
			l.eraseCookies(c)
		}
	}
}
