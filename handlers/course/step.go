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

// notesKey + slug is a key in the notebook's session, where the notes on a lesson lie.
const notesKey = "lesson."

// notes are what the notebook keeps of one lesson.
type notes struct {
	Opened  time.Time       `json:"opened,omitzero"`
	Said    string          `json:"said,omitempty"` // "A", "B", "C"; unsure; unasked; "": not asked yet
	SaidAt  time.Time       `json:"said_at,omitzero"`
	Facts   map[string]fact `json:"facts,omitempty"` // what was seen, by name
	Done    time.Time       `json:"done,omitzero"`
	Browser string          `json:"browser,omitempty"` // in which it was done
	Run     string          `json:"run,omitempty"`     // the key of the run under way
}

// What somebody may say besides a choice.
const (
	unsure  = "D" // not sure yet
	unasked = "-" // shown without an answer
)

// fact is one thing that was seen.
type fact struct {
	Value string    `json:"v"`
	At    time.Time `json:"at"`
}

// factNow is what was seen just now.
func (h *Course) factNow(value string) fact {
	return fact{value, h.site.Clock.Now().UTC().Truncate(time.Millisecond)}
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
	notes    notes
	was      string // notes as they were, to save them only if they changed
	Notebook *notebook.Notebook

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

// StepOf returns the step of a request through a lesson that the caller names. Its error
// says that the run under way could not be read.
func (h *Course) StepOf(c echo.Context, l *Lesson) (*Step, error) {
	s := &Step{Visit: h.visit(c, l), Notebook: notebook.From(c)}
	s.notes = notesIn(s.Notebook, l.Slug)
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

func notesText(n notes) string {
	text, _ := json.Marshal(n) // of text and times: it never fails
	return string(text)
}

// notesIn are what a notebook keeps of a lesson; empty where nothing is.
func notesIn(n *notebook.Notebook, slug string) (noted notes) {
	if n == nil {
		return noted
	}
	if ok, err := n.Session().Into(notesKey+slug, &noted); !ok || err != nil {
		return notes{}
	}
	return noted
}

// Save keeps the notes, if they changed and this request may write them.
func (s *Step) Save() error {
	if !s.Notebook.MayWrite() || notesText(s.notes) == s.was {
		return nil
	}
	return s.Notebook.Session().Set(notesKey+s.Lesson.Slug, s.notes)
}

// Now returns the time by the server's clock.
func (v *Visit) Now() time.Time { return v.course.site.Clock.Now() }

// Secrets returns the keys of the lab: the first one seals, all of them verify.
func (v *Visit) Secrets() [][]byte { return v.course.auth.Lanes.Secrets() }

// Own returns the manager of the lesson's own sessions; nil: it has none.
func (v *Visit) Own() *sessions.Manager { return v.course.sessions[v.Lesson.Slug] }

// Neighbour returns the address of a path on the other server of the lab; ok is false if
// the lab has one server.
func (v *Visit) Neighbour(path string) (address string, ok bool) {
	if len(v.course.site.Others) == 0 {
		return "", false
	}
	return v.course.site.Others[0].Origin(v.C.Request()) + path, true
}

// OtherOrigin returns the origin at which browsers find the other site; "": there is none.
func (v *Visit) OtherOrigin() string { return v.course.otherSite }

// Asked reports whether the question was answered, or left out.
func (s *Step) Asked() bool { return s.notes.Said != "" }

// AnsweredAt returns when the question was answered, or left out; zero: not yet.
func (s *Step) AnsweredAt() time.Time { return s.notes.SaidAt }

// RunKey returns the key of the run under way; "": there is none.
func (s *Step) RunKey() string { return s.notes.Run }

// DropRun forgets the run under way: it goes on until it expires, but is not read any more.
func (s *Step) DropRun() { s.notes.Run = "" }

// begun reports whether anything was done or seen yet.
func (s *Step) begun() bool { return len(s.notes.Facts) > 0 }

// Note writes down a fact: what was just seen, under a name that says what it is, such as
// "copy.plain". A value that stands there already keeps its time.
func (s *Step) Note(name, value string) {
	if s.notes.Facts[name].Value != value {
		s.see(name, s.course.factNow(value))
	}
}

func (s *Step) see(name string, seen fact) {
	if s.notes.Facts == nil {
		s.notes.Facts = map[string]fact{}
	}
	s.notes.Facts[name] = seen
}

// Fact returns what was seen under a name; "": nothing yet.
func (s *Step) Fact(name string) string { return s.notes.Facts[name].Value }

// At returns when the fact of a name was seen; zero: not yet.
func (s *Step) At(name string) time.Time { return s.notes.Facts[name].At }

// Forget removes the facts whose names begin with one of the prefixes.
func (s *Step) Forget(prefixes ...string) {
	for name := range s.notes.Facts {
		if slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			delete(s.notes.Facts, name)
		}
	}
}

// Word returns one of the lesson's words, in the language of the page, with args in its
// places. A missing one shows its name, as a missing label does.
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

// Task returns the button for an act. Its label is the lesson's word of that name.
func (s *Step) Task(act string) Task { return Task{Act: act, Label: s.Word(act)} }

// Finding returns what a lane concluded from this request. The verdict of an unknown lane is
// lanes.Absent.
func (s *Step) Finding(lane string) lanes.Finding {
	for _, f := range s.Findings {
		if f.Lane == lane {
			return f
		}
	}
	return lanes.Finding{Lane: lane, Verdict: lanes.Absent}
}

// NoteVerdict writes down what a lane concluded, and about whom.
func (s *Step) NoteVerdict(name string, verdict lanes.Verdict, who lanes.Identity) {
	s.Note(name, verdictFact(verdict, who))
}

// verdictFact is a verdict as a fact: "believed alice teacher". Names have no spaces.
func verdictFact(verdict lanes.Verdict, who lanes.Identity) string {
	return strings.TrimRight(string(verdict)+" "+who.User+" "+who.Role, " ")
}

// Verdict returns what NoteVerdict wrote down under a name: the verdict, "" if there is none,
// and about whom it is, such as "alice · teacher".
func (s *Step) Verdict(name string) (verdict lanes.Verdict, who string) {
	parts := strings.Split(s.Fact(name), " ")
	return lanes.Verdict(parts[0]), strings.Join(parts[1:], " · ")
}

// Accepted reports whether a verdict that was written down took somebody for somebody.
func (s *Step) Accepted(name string) bool {
	verdict, _ := s.Verdict(name)
	return verdict.Accepted()
}

// URL returns the address of a part of the lesson's page ("predict", "do", "observe",
// "explain", or the ID of an element), in the mode in which the page is read.
func (s *Step) URL(part string) string {
	return LessonURL(s.Lesson.Slug, part, s.Presents())
}

// LessonURL returns the address of a part of the page of any lesson. present says whether
// the page is shown to a class, one part at a time.
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

// Done ends an act: it sends the browser on to the part "observe".
func (s *Step) Done() error { return s.To("observe") }

// To ends an act that shows elsewhere: it sends the browser on to a part of the page, as
// URL names it.
func (s *Step) To(part string) error {
	return s.C.Redirect(http.StatusSeeOther, s.URL(part))
}

// SetCookie adds a Set-Cookie line to the reply, as it is written: a lesson is about what
// such a line does.
func (v *Visit) SetCookie(line string) { v.C.Response().Header().Add("Set-Cookie", line) }

// Carried returns the value of a cookie that came, the first of that name; ok is false if
// none did.
func (v *Visit) Carried(name string) (value string, ok bool) {
	values := sessions.RawCookies(v.C.Request(), name)
	if len(values) == 0 {
		return "", false
	}
	return values[0], true
}

// Browser returns the name of the browser that asks, with its version, such as
// "Firefox 153"; of another program it returns the beginning of its name.
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

// Session returns the visitor's session of the session lane. Its error says that the store
// cannot be reached.
func (s *Step) Session() (*sessions.Session, error) { return s.Lanes.Sessions.Load(s.C) }

// Before notes how the dashboard stands, before an act changes it.
func (s *Step) Before() error { return s.course.auth.Before(s.C) }

// Restore signs the visitor in again as before, in all three lanes.
func (s *Step) Restore() error {
	_, err := s.course.auth.Restore(s.C)
	return err
}

// ExpireSoon has all three lanes end after auth.ShortLife (ten seconds); ok is false where
// nobody is signed in.
func (s *Step) ExpireSoon() (ok bool, err error) { return s.course.auth.ExpireSoon(s.C) }

// SignOut makes all three lanes forget who this is, and goes on to a part of the page.
func (s *Step) SignOut(part string) error { return s.course.auth.SignOut(s.C, s.URL(part)) }

// Curl returns the lines for a terminal that get a token, use it and end it.
func (s *Step) Curl() auth.TokenCurl {
	return s.course.auth.TokenCurl(s.C.Request().Host, s.PlayName())
}

// Figure returns a static file as the page shows it, with its name.
func (s *Step) Figure(file string) template.HTML { return s.course.site.StaticFigure(file) }

// Tamper changes the cookies of some lanes as anybody can, and ends the act.
func (s *Step) Tamper(action string, changed []lanes.CookieLane, change func(form, value string) string) error {
	return s.course.auth.Tamper(s.C, action, changed, change, s.URL("observe"))
}

// Did ends an act that is one of the dashboard's: the copy, if there is one, is sent
// once more, and the browser goes on to a part of the lesson.
func (s *Step) Did(action, part string) error {
	return s.course.auth.Done(s.C, notebook.Action{Name: action}, s.URL(part))
}

// AsAnother sends a request as another program does, with one header. The exchange
// stands on the wire.
func (s *Step) AsAnother(method, path, name, value string) (*notebook.Exchange, []byte, error) {
	return s.course.auth.Program.Exchange(s.C, s.Notebook.Log(), method, path, http.Header{name: {value}})
}

// Exchanges returns the exchanges on the wire, the oldest first.
func (s *Step) Exchanges() []*notebook.Exchange { return s.Notebook.Log().Exchanges() }

// OtherSite returns the address of a page of the other site for this run. Where it cannot
// be used, address is "" and instead is the task that says what to do first.
func (s *Step) OtherSite(path string) (address string, instead *Task) {
	switch home := s.course.home; {
	case s.OtherOrigin() == "":
		return "", &Task{Label: s.W.Text("lessons.no_other_site")}
	case "http://"+s.C.Request().Host != home: // it sends its requests there, and that is where the cookies have to be
		return "", &Task{Label: s.W.Say(locale.Msg("lessons.open_at_home", locale.Args{"Home": home})), To: home + "/lessons/" + s.Lesson.Slug}
	}
	query := url.Values{web.RunParam: {s.RunKey()}, "lang": {s.W.Tag.String()}}
	return s.OtherOrigin() + path + "?" + query.Encode(), nil
}

// PlayName returns the name that logs in at a play login: the visitor's, or "alice".
func (s *Step) PlayName() string { return cmp.Or(s.Notebook.Name(), "alice") }

// Copied reports whether a copy was taken since the question was answered. One of
// before is sent again with each action, and may have ended meanwhile.
func (s *Step) Copied() bool {
	taken := notebook.Of[*auth.Copy](s.Notebook.Log())
	return taken != nil && taken.Taken.After(s.AnsweredAt())
}
