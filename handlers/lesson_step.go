// A step through a lesson: one request, what the lesson knows of this browser,
// and what it writes down. Nothing of that is a cookie's value or a key.

package handlers

import (
	"cmp"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"cookielab/handlers/auth"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
	"cookielab/handlers/web"
	"cookielab/sessions"
	"cookielab/sessions/browser"

	"github.com/labstack/echo/v4"
)

// bookLesson + slug is a key in the notebook's session: lessonNotes.
const bookLesson = "lesson."

// lessonNotes are what the notebook keeps of one lesson.
type lessonNotes struct {
	Opened  time.Time       `json:"opened,omitzero"`
	Said    string          `json:"said,omitempty"` // "A", "B", "C"; unsure; unasked; "": not asked yet
	SaidAt  time.Time       `json:"said_at,omitzero"`
	Facts   map[string]fact `json:"facts,omitempty"` // what was seen, by name
	Done    time.Time       `json:"done,omitzero"`
	Browser string          `json:"browser,omitempty"` // in which it was done
	Run     string          `json:"run,omitempty"`     // the run under way: see run.go
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

// visit is one request to a lesson, or to what it plays with.
type visit struct {
	course *Course
	lanes  *lanes.Set
	c      echo.Context
	w      *locale.Printer
	lesson *lesson
	text   *lessonText
}

func (h *Course) visit(c echo.Context, l *lesson) visit {
	w := h.site.Words(c)
	return visit{course: h, lanes: h.auth.Lanes, c: c, w: w, lesson: l, text: h.texts.lesson(w, l.Slug)}
}

// lessonStep is what a lesson's functions work with.
type lessonStep struct {
	visit
	notes lessonNotes
	was   string // notes as they were, to save them only if they changed
	book  *notebook.Notebook

	findings []lanes.Finding // of this request, by lane: in order
}

// step begins one: it reads the notebook, and what the run under way has seen.
func (h *Course) step(c echo.Context) (*lessonStep, error) {
	l := h.lesson(c.Param("slug"))
	if l == nil {
		return nil, echo.ErrNotFound
	}
	return h.stepOf(c, l)
}

func (h *Course) stepOf(c echo.Context, l *lesson) (*lessonStep, error) {
	s := &lessonStep{visit: h.visit(c, l), book: notebook.From(c)}
	s.notes = notesIn(s.book, l.Slug)
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

func notesText(notes lessonNotes) string {
	text, _ := json.Marshal(notes) // of text and times: it never fails
	return string(text)
}

// notesIn are what a notebook keeps of a lesson; empty where nothing is.
func notesIn(n *notebook.Notebook, slug string) (notes lessonNotes) {
	if n == nil {
		return notes
	}
	if ok, err := n.Session().Into(bookLesson+slug, &notes); !ok || err != nil {
		return lessonNotes{}
	}
	return notes
}

// save keeps the notes, if they changed and this request may write them.
func (s *lessonStep) save() error {
	if !s.book.MayWrite() || notesText(s.notes) == s.was {
		return nil
	}
	return s.book.Session().Set(bookLesson+s.lesson.Slug, s.notes)
}

// now is the server's time.
func (v *visit) now() time.Time { return v.course.site.Clock.Now() }

// labSecrets are the lab's: the first seals.
func (v *visit) labSecrets() [][]byte { return v.course.auth.Lanes.Secrets() }

// own is the manager of the lesson's own sessions; nil: it has none.
func (v *visit) own() *sessions.Manager { return v.course.sessions[v.lesson.Slug] }

// neighbour is the address of a path on the other server of the lab; ok is false
// where there is none.
func (v *visit) neighbour(path string) (address string, ok bool) {
	if len(v.course.site.Others) == 0 {
		return "", false
	}
	return v.course.site.Others[0].Origin(v.c.Request()) + path, true
}

// other is where browsers find the other site; "": there is none.
func (v *visit) other() string { return v.course.otherSite }

// asked reports whether the question was answered, or left out.
func (s *lessonStep) asked() bool { return s.notes.Said != "" }

// answeredAt is when; zero: not yet.
func (s *lessonStep) answeredAt() time.Time { return s.notes.SaidAt }

// runKey is the key of the run under way; "": there is none.
func (s *lessonStep) runKey() string { return s.notes.Run }

// dropRun leaves the run under way to itself: it is not read any more.
func (s *lessonStep) dropRun() { s.notes.Run = "" }

// begun reports whether anything was done or seen yet.
func (s *lessonStep) begun() bool { return len(s.notes.Facts) > 0 }

// note writes down what was just seen. Its name says what, such as "copy.plain".
func (s *lessonStep) note(name, value string) {
	if s.notes.Facts[name].Value != value {
		s.see(name, s.course.factNow(value))
	}
}

func (s *lessonStep) see(name string, seen fact) {
	if s.notes.Facts == nil {
		s.notes.Facts = map[string]fact{}
	}
	s.notes.Facts[name] = seen
}

// fact is what was seen under a name; "": nothing yet.
func (s *lessonStep) fact(name string) string { return s.notes.Facts[name].Value }

// at is when.
func (s *lessonStep) at(name string) time.Time { return s.notes.Facts[name].At }

// forget takes back what was seen under names that begin so.
func (s *lessonStep) forget(prefixes ...string) {
	for name := range s.notes.Facts {
		if slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			delete(s.notes.Facts, name)
		}
	}
}

// word is one of the lesson's words. A missing one shows itself, as a label does.
func (v *visit) word(name string, args ...locale.Args) string {
	text, ok := v.text.Words[name]
	if !ok {
		return "⟨" + name + "⟩"
	}
	if len(args) > 0 {
		return v.w.Fill(text, args[0])
	}
	return text
}

// task is a button for an act, with its words.
func (s *lessonStep) task(act string) task { return task{Act: act, Label: s.word(act)} }

// finding is what a way concluded from this request.
func (s *lessonStep) finding(way string) lanes.Finding {
	for _, f := range s.findings {
		if f.Lane == way {
			return f
		}
	}
	return lanes.Finding{Lane: way, Verdict: lanes.Absent}
}

// noteVerdict writes down what a way concluded, and about whom.
func (s *lessonStep) noteVerdict(name string, verdict lanes.Verdict, who lanes.Identity) {
	s.note(name, verdictFact(verdict, who))
}

// verdictFact is a verdict as a fact: "believed alice teacher". Names have no spaces.
func verdictFact(verdict lanes.Verdict, who lanes.Identity) string {
	return strings.TrimRight(string(verdict)+" "+who.User+" "+who.Role, " ")
}

// verdict is one that was written down, and about whom: "alice · teacher".
func (s *lessonStep) verdict(name string) (verdict lanes.Verdict, who string) {
	parts := strings.Split(s.fact(name), " ")
	return lanes.Verdict(parts[0]), strings.Join(parts[1:], " · ")
}

// accepted reports whether a verdict that was written down took somebody for somebody.
func (s *lessonStep) accepted(name string) bool {
	verdict, _ := s.verdict(name)
	return verdict.Accepted()
}

// url is the lesson's page at one of its parts, in the mode in which it is read.
func (s *lessonStep) url(part string) string {
	return lessonURL(s.lesson.Slug, part, s.presents())
}

func lessonURL(slug, part string, present bool) string {
	if present {
		return "/lessons/" + slug + "?" + web.PresentParam + "=" + part
	}
	return "/lessons/" + slug + "#" + part
}

// presents reports whether the lesson is shown to a class.
func (s *lessonStep) presents() bool {
	return s.c.QueryParams().Has(web.PresentParam) || s.c.Request().PostForm.Has(web.PresentParam)
}

// done ends an act: on to what is to be seen.
func (s *lessonStep) done() error { return s.to("observe") }

// to ends an act that shows elsewhere: on to another part of the page.
func (s *lessonStep) to(part string) error {
	return s.c.Redirect(http.StatusSeeOther, s.url(part))
}

// SetCookie sets one of the lesson's cookies, as a line: a lesson is about what
// such a line does.
func (v *visit) setCookie(line string) { v.c.Response().Header().Add("Set-Cookie", line) }

// carried is the value of a cookie that came; ok is false when none did.
func (v *visit) carried(name string) (value string, ok bool) {
	values := sessions.RawCookies(v.c.Request(), name)
	if len(values) == 0 {
		return "", false
	}
	return values[0], true
}

// browser is the one that asks, such as "Firefox 153"; of another program the
// beginning of its name.
func (v *visit) browser() string {
	name, _, _ := strings.Cut(browser.ClientName(v.c.Request().UserAgent()), ".")
	return name
}

// noteRow writes down whether the record that this browser was last given still
// lies there, expired or not.
func (s *lessonStep) noteRow(name string) {
	if !s.lanes.Sessions.KeepsRecords() {
		s.note(name, "none")
	} else if record, err := s.course.auth.LastRecord(s.c); err == nil {
		s.note(name, markup.YesNo(record != nil))
	}
}

// session is the visitor's own, of the session lane.
func (s *lessonStep) session() (*sessions.Session, error) { return s.lanes.Sessions.Load(s.c) }

// before notes how the dashboard stands, before an act changes it.
func (s *lessonStep) before() error { return s.course.auth.Before(s.c) }

// restore signs the visitor in again as before, in all three ways.
func (s *lessonStep) restore() error {
	_, err := s.course.auth.Restore(s.c)
	return err
}

// ExpireSoon has all three ways end in ten seconds; ok is false where nobody is
// signed in.
func (s *lessonStep) expireSoon() (ok bool, err error) { return s.course.auth.ExpireSoon(s.c) }

// SignOut makes all three ways forget who this is, and goes on to a part of the page.
func (s *lessonStep) signOut(part string) error { return s.course.auth.SignOut(s.c, s.url(part)) }

// curl are the lines for a terminal that get a token, use it and end it.
func (s *lessonStep) curl() auth.TokenCurl {
	return s.course.auth.TokenCurl(s.c.Request().Host, s.playName())
}

// figure is a static file, with its name.
func (s *lessonStep) figure(file string) template.HTML { return s.course.site.StaticFigure(file) }

// forge changes the cookies of some lanes as anybody can, and ends the act.
func (s *lessonStep) forge(action string, changed []lanes.CookieLane, change func(form, value string) string) error {
	return s.course.auth.Tamper(s.c, action, changed, change, s.url("observe"))
}

// did ends an act that is one of the dashboard's: the copy, if there is one, is sent
// once more, and the browser goes on to a part of the lesson.
func (s *lessonStep) did(action, part string) error {
	return s.course.auth.Done(s.c, notebook.Action{Name: action}, s.url(part))
}

// asAnother sends a request as another program does, with one header. The exchange
// stands on the wire.
func (s *lessonStep) asAnother(method, path, name, value string) (*notebook.Exchange, []byte, error) {
	return s.course.auth.Program.Exchange(s.c, s.book.Log(), method, path, http.Header{name: {value}})
}

// exchanges are those on the wire, the oldest first.
func (s *lessonStep) exchanges() []*notebook.Exchange { return s.book.Log().Exchanges() }

// otherSite is the address of a page of the other site for this run, or what to
// do first where there is none.
func (s *lessonStep) otherSite(path string) (address string, instead *task) {
	switch home := s.course.home; {
	case s.other() == "":
		return "", &task{Label: s.w.Text("lessons.no_other_site")}
	case "http://"+s.c.Request().Host != home: // it sends its requests there, and that is where the cookies have to be
		return "", &task{Label: s.w.Say(locale.Msg("lessons.open_at_home", locale.Args{"Home": home})), To: home + "/lessons/" + s.lesson.Slug}
	}
	query := url.Values{web.RunParam: {s.runKey()}, "lang": {s.w.Tag.String()}}
	return s.other() + path + "?" + query.Encode(), nil
}

// playName is who logs in at a play login.
func (s *lessonStep) playName() string { return cmp.Or(s.book.Name(), "alice") }
