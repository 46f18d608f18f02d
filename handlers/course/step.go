// A step through a lesson: one request, what the lesson knows of this browser,
// and what it writes down. Nothing of that is a cookie's value or a key.

package course

import (
	"cmp"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/auth"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
	"cookielab/handlers/web"
	"cookielab/sessions"
	"cookielab/sessions/browser"
)

// bookLesson + slug is a key in the notebook's session: Notes.
const bookLesson = "lesson."

// Notes are what the notebook keeps of one lesson.
type Notes struct {
	Opened  time.Time       `json:"opened,omitzero"`
	Said    string          `json:"said,omitempty"` // "A", "B", "C"; unsure; unasked; "": not asked yet
	SaidAt  time.Time       `json:"said_at,omitzero"`
	Facts   map[string]Fact `json:"facts,omitempty"` // what was seen, by name
	Done    time.Time       `json:"done,omitzero"`
	Browser string          `json:"browser,omitempty"` // in which it was done
	Run     string          `json:"run,omitempty"`     // the run under way: see run.go
}

// What somebody may say besides a choice.
const (
	unsure  = "D" // not sure yet
	unasked = "-" // shown without an answer
)

// Fact is one thing that was seen.
type Fact struct {
	Value string    `json:"v"`
	At    time.Time `json:"at"`
}

// factNow is what was seen just now.
func (h *Course) factNow(value string) Fact {
	return Fact{value, h.site.Clock.Now().UTC().Truncate(time.Millisecond)}
}

// Visit is one request to a lesson, or to what it plays with.
type Visit struct {
	course *Course
	Lanes  *lanes.Set
	C      echo.Context
	W      *locale.Printer
	Lesson *Lesson
	text   *Text
}

func (h *Course) visit(c echo.Context, l *Lesson) Visit {
	w := h.site.Words(c)
	return Visit{course: h, Lanes: h.auth.Lanes, C: c, W: w, Lesson: l, text: h.Texts.Lesson(w, l.Slug)}
}

// Step is what a lesson's functions work with.
type Step struct {
	Visit
	notes Notes
	was   string // notes as they were, to save them only if they changed
	Book  *notebook.Notebook

	Findings []lanes.Finding // of this request, by lane: in order
}

// step begins one: it reads the notebook, and what the run under way has seen.
func (h *Course) step(c echo.Context) (*Step, error) {
	l := h.Lesson(c.Param("slug"))
	if l == nil {
		return nil, echo.ErrNotFound
	}
	return h.StepOf(c, l)
}

func (h *Course) StepOf(c echo.Context, l *Lesson) (*Step, error) {
	s := &Step{Visit: h.visit(c, l), Book: notebook.From(c)}
	s.notes = notesIn(s.Book, l.Slug)
	s.was = notesText(s.notes)
	facts, err := h.runFacts(c.Request().Context(), s.notes.Run)
	if err != nil {
		return nil, err
	}
	for name, seen := range facts {
		s.see(name, seen)
	}
	return s, nil
}

func notesText(notes Notes) string {
	text, _ := json.Marshal(notes) // of text and times: it never fails
	return string(text)
}

// notesIn are what a notebook keeps of a lesson; empty where nothing is.
func notesIn(n *notebook.Notebook, slug string) (notes Notes) {
	if n == nil {
		return notes
	}
	if ok, err := n.Session().Into(bookLesson+slug, &notes); !ok || err != nil {
		return Notes{}
	}
	return notes
}

// Save keeps the notes, if they changed and this request may write them.
func (s *Step) Save() error {
	if !s.Book.MayWrite() || notesText(s.notes) == s.was {
		return nil
	}
	return s.Book.Session().Set(bookLesson+s.Lesson.Slug, s.notes)
}

// Now is the server's time.
func (v *Visit) Now() time.Time { return v.course.site.Clock.Now() }

// Secrets are the lab's: the first seals.
func (v *Visit) Secrets() [][]byte { return v.course.auth.Lanes.Secrets() }

// Own is the manager of the lesson's own sessions; nil: it has none.
func (v *Visit) Own() *sessions.Manager { return v.course.sessions[v.Lesson.Slug] }

// Neighbour is the address of a path on the other server of the lab; ok is false
// where there is none.
func (v *Visit) Neighbour(path string) (address string, ok bool) {
	if len(v.course.site.Others) == 0 {
		return "", false
	}
	return v.course.site.Others[0].Origin(v.C.Request()) + path, true
}

// Other is where browsers find the other site; "": there is none.
func (v *Visit) Other() string { return v.course.otherSite }

// Asked reports whether the question was answered, or left out.
func (s *Step) Asked() bool { return s.notes.Said != "" }

// AnsweredAt is when; zero: not yet.
func (s *Step) AnsweredAt() time.Time { return s.notes.SaidAt }

// RunKey is the key of the run under way; "": there is none.
func (s *Step) RunKey() string { return s.notes.Run }

// DropRun leaves the run under way to itself: it is not read any more.
func (s *Step) DropRun() { s.notes.Run = "" }

// begun reports whether anything was done or seen yet.
func (s *Step) begun() bool { return len(s.notes.Facts) > 0 }

// Note writes down what was just seen. Its name says what, such as "copy.plain".
func (s *Step) Note(name, value string) {
	if s.notes.Facts[name].Value != value {
		s.see(name, s.course.factNow(value))
	}
}

func (s *Step) see(name string, seen Fact) {
	if s.notes.Facts == nil {
		s.notes.Facts = map[string]Fact{}
	}
	s.notes.Facts[name] = seen
}

// Fact is what was seen under a name; "": nothing yet.
func (s *Step) Fact(name string) string { return s.notes.Facts[name].Value }

// At is when.
func (s *Step) At(name string) time.Time { return s.notes.Facts[name].At }

// Forget takes back what was seen under names that begin so.
func (s *Step) Forget(prefixes ...string) {
	for name := range s.notes.Facts {
		if slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			delete(s.notes.Facts, name)
		}
	}
}

// Word is one of the lesson's words. A missing one shows itself, as a label does.
func (v *Visit) Word(name string, args ...locale.Args) string {
	text, ok := v.text.Words[name]
	if !ok {
		return "⟨" + name + "⟩"
	}
	if len(args) > 0 {
		return v.W.Fill(text, args[0])
	}
	return text
}

// Task is a button for an act, with its words.
func (s *Step) Task(act string) Task { return Task{Act: act, Label: s.Word(act)} }

// Finding is what a way concluded from this request.
func (s *Step) Finding(way string) lanes.Finding {
	for _, f := range s.Findings {
		if f.Lane == way {
			return f
		}
	}
	return lanes.Finding{Lane: way, Verdict: lanes.Absent}
}

// NoteVerdict writes down what a way concluded, and about whom.
func (s *Step) NoteVerdict(name string, verdict lanes.Verdict, who lanes.Identity) {
	s.Note(name, verdictFact(verdict, who))
}

// verdictFact is a verdict as a fact: "believed alice teacher". Names have no spaces.
func verdictFact(verdict lanes.Verdict, who lanes.Identity) string {
	return strings.TrimRight(string(verdict)+" "+who.User+" "+who.Role, " ")
}

// Verdict is one that was written down, and about whom: "alice · teacher".
func (s *Step) Verdict(name string) (verdict lanes.Verdict, who string) {
	parts := strings.Split(s.Fact(name), " ")
	return lanes.Verdict(parts[0]), strings.Join(parts[1:], " · ")
}

// Accepted reports whether a verdict that was written down took somebody for somebody.
func (s *Step) Accepted(name string) bool {
	verdict, _ := s.Verdict(name)
	return verdict.Accepted()
}

// Url is the lesson's page at one of its parts, in the mode in which it is read.
func (s *Step) Url(part string) string {
	return LessonURL(s.Lesson.Slug, part, s.Presents())
}

func LessonURL(slug, part string, present bool) string {
	if present {
		return "/lessons/" + slug + "?" + web.PresentParam + "=" + part
	}
	return "/lessons/" + slug + "#" + part
}

// Presents reports whether the lesson is shown to a class.
func (s *Step) Presents() bool {
	return s.C.QueryParams().Has(web.PresentParam) || s.C.Request().PostForm.Has(web.PresentParam)
}

// Done ends an act: on to what is to be seen.
func (s *Step) Done() error { return s.To("observe") }

// To ends an act that shows elsewhere: on to another part of the page.
func (s *Step) To(part string) error {
	return s.C.Redirect(http.StatusSeeOther, s.Url(part))
}

// SetCookie sets one of the lesson's cookies, as a line: a lesson is about what
// such a line does.
func (v *Visit) SetCookie(line string) { v.C.Response().Header().Add("Set-Cookie", line) }

// Carried is the value of a cookie that came; ok is false when none did.
func (v *Visit) Carried(name string) (value string, ok bool) {
	values := sessions.RawCookies(v.C.Request(), name)
	if len(values) == 0 {
		return "", false
	}
	return values[0], true
}

// Browser is the one that asks, such as "Firefox 153"; of another program the
// beginning of its name.
func (v *Visit) Browser() string {
	name, _, _ := strings.Cut(browser.ClientName(v.C.Request().UserAgent()), ".")
	return name
}

// NoteRow writes down whether the record that this browser was last given still
// lies there, expired or not.
func (s *Step) NoteRow(name string) {
	if !s.Lanes.Sessions.KeepsRecords() {
		s.Note(name, "none")
	} else if record, err := s.course.auth.LastRecord(s.C); err == nil {
		s.Note(name, markup.YesNo(record != nil))
	}
}

// Session is the visitor's own, of the session lane.
func (s *Step) Session() (*sessions.Session, error) { return s.Lanes.Sessions.Load(s.C) }

// Before notes how the dashboard stands, before an act changes it.
func (s *Step) Before() error { return s.course.auth.Before(s.C) }

// Restore signs the visitor in again as before, in all three ways.
func (s *Step) Restore() error {
	_, err := s.course.auth.Restore(s.C)
	return err
}

// ExpireSoon has all three ways end in ten seconds; ok is false where nobody is
// signed in.
func (s *Step) ExpireSoon() (ok bool, err error) { return s.course.auth.ExpireSoon(s.C) }

// SignOut makes all three ways forget who this is, and goes on to a part of the page.
func (s *Step) SignOut(part string) error { return s.course.auth.SignOut(s.C, s.Url(part)) }

// Curl are the lines for a terminal that get a token, use it and end it.
func (s *Step) Curl() auth.TokenCurl {
	return s.course.auth.TokenCurl(s.C.Request().Host, s.PlayName())
}

// Figure is a static file, with its name.
func (s *Step) Figure(file string) template.HTML { return s.course.site.StaticFigure(file) }

// Forge changes the cookies of some lanes as anybody can, and ends the act.
func (s *Step) Forge(action string, changed []lanes.CookieLane, change func(form, value string) string) error {
	return s.course.auth.Tamper(s.C, action, changed, change, s.Url("observe"))
}

// Did ends an act that is one of the dashboard's: the copy, if there is one, is sent
// once more, and the browser goes on to a part of the lesson.
func (s *Step) Did(action, part string) error {
	return s.course.auth.Done(s.C, notebook.Action{Name: action}, s.Url(part))
}

// AsAnother sends a request as another program does, with one header. The exchange
// stands on the wire.
func (s *Step) AsAnother(method, path, name, value string) (*notebook.Exchange, []byte, error) {
	return s.course.auth.Program.Exchange(s.C, s.Book.Log(), method, path, http.Header{name: {value}})
}

// Exchanges are those on the wire, the oldest first.
func (s *Step) Exchanges() []*notebook.Exchange { return s.Book.Log().Exchanges() }

// OtherSite is the address of a page of the other site for this run, or what to
// do first where there is none.
func (s *Step) OtherSite(path string) (address string, instead *Task) {
	switch home := s.course.home; {
	case s.Other() == "":
		return "", &Task{Label: s.W.Text("lessons.no_other_site")}
	case "http://"+s.C.Request().Host != home: // it sends its requests there, and that is where the cookies have to be
		return "", &Task{Label: s.W.Say(locale.Msg("lessons.open_at_home", locale.Args{"Home": home})), To: home + "/lessons/" + s.Lesson.Slug}
	}
	query := url.Values{web.RunParam: {s.RunKey()}, "lang": {s.W.Tag.String()}}
	return s.Other() + path + "?" + query.Encode(), nil
}

// PlayName is who logs in at a play login.
func (s *Step) PlayName() string { return cmp.Or(s.Book.Name(), "alice") }

// Copied reports whether a copy was taken since the question was answered. One of
// before is sent again with each action, and may have ended meanwhile.
func (s *Step) Copied() bool {
	taken := notebook.Of[*auth.Copy](s.Book.Log())
	return taken != nil && taken.Taken.After(s.AnsweredAt())
}
