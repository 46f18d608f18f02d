// Lesson 10, ends: a session cookie without an end belongs to the browser, not to
// a tab, and its record lives by a clock of its own.

package lessons

import (
	"strconv"
	"time"

	"cookielab/handlers/course"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/sessions"
)

// lessonSeen is the key under which the lesson writes something.
const lessonSeen = "lesson_seen"

// tabParam in the lesson's address says that it was opened in the second tab.
const tabParam = "tab"

// Ends is lesson 10.
func (lessons) Ends() course.Lesson {
	return course.Lesson{
		Number: 10, Slug: "ends", Minutes: 8, Answer: "B", SignedIn: true,
		Acts: map[string]func(*course.Step) error{"close": endWithBrowser, "still": whoAmIStill, "read": onlyRead, "write": writeSomething},
		Do: func(s *course.Step) []course.Task {
			second := course.Task{To: secondTab(s), NewTab: true, Label: s.Word("open")}
			switch {
			case s.Fact("close") == "":
				return []course.Task{s.Task("close")}
			case isSecondTab(s) && s.Fact("still.session") == "":
				return []course.Task{{Label: s.Word("close_this")}}
			case s.Fact("tab.session") == "": // without a script the page does not hear of the other
				return []course.Task{second, {Act: "still", Label: s.Word("still"), Quiet: true}}
			case s.Fact("still.session") == "":
				return []course.Task{s.Task("still")}
			}
			return []course.Task{{Label: s.Word("all")}}
		},
		Look:  lookAtEnds,
		Board: endsBoard,
		Happened: func(s *course.Step) string {
			switch {
			case s.Fact("still.session") == "":
				return ""
			case s.Accepted("still.session"):
				return "B"
			case s.Fact("still.row") == "yes":
				return "C"
			}
			return "A"
		},
		Done:  func(s *course.Step) bool { return s.Lesson.Happened(s) != "" },
		Reset: endByPolicy,
		Closer: map[string]func(*course.Step) course.View{
			"outlives": outlivesView,
			"slides":   slidesView,
		},
		Code:   []string{"lessons.endWithBrowser", "sessions.BrowserClose", "sessions.Expiry.expiresAt", "sessions.Manager.finish"},
		Django: "request.session.set_expiry(0)              # the row: for SESSION_COOKIE_AGE\nSESSION_EXPIRE_AT_BROWSER_CLOSE = True     # the same for everybody",
	}
}

// endWithBrowser leaves Max-Age and Expires out of the session's cookie.
func endWithBrowser(s *course.Step) error {
	if !s.Ready() {
		return s.To("do")
	}
	session, err := s.Session()
	if err != nil {
		return err
	}
	s.Forget("close", "tab.", "still.")
	if err := session.SetExpiry(sessions.BrowserClose()); err != nil {
		return err
	}
	return s.Done()
}

// endByPolicy gives the cookie back the end that it had.
func endByPolicy(s *course.Step) error {
	session, err := s.Session()
	if err == nil && session.Rejected() == nil && s.Fact("close") != "" {
		session.Delete(lessonSeen)
		err = session.SetExpiry(sessions.Policy())
	}
	return err
}

// whoAmIStill asks once more, from the tab that is left.
func whoAmIStill(s *course.Step) error {
	if s.Fact("tab.session") != "" {
		s.NoteYou("still")
		s.NoteRow("still.row")
	}
	return s.Done()
}

func lookAtEnds(s *course.Step) {
	if a, ok := s.Notebook.Attributes(lanes.Session); ok && a.BrowserExpires() == nil {
		s.Note("close", "yes")
		for _, lane := range []string{lanes.Plain, lanes.Signed, lanes.Session} {
			if a, ok := s.Notebook.Attributes(lane); ok {
				s.Note("ends."+lane, instantFact(a.BrowserExpires()))
			}
		}
		if f := s.Finding(lanes.Session); !f.Expires.IsZero() {
			s.Note("ends.record", instantFact(&f.Expires))
		}
	}
	if s.Fact("close") != "" && isSecondTab(s) && s.Fact("still.session") == "" {
		s.NoteYou("tab")
	}
	noteSlide(s)
}

// instantFact is an instant as a fact; of none, "never".
func instantFact(at *time.Time) string {
	if at == nil {
		return "never"
	}
	return markup.ISOTime(*at)
}

// endCell shows such a fact.
func endCell(s *course.Step, name string) course.Cell {
	switch at, err := time.Parse(time.RFC3339Nano, s.Fact(name)); {
	case err == nil:
		return course.Cell{Text: at.UTC().Format(time.DateOnly)}
	case s.Fact(name) == "":
		return course.Cell{}
	}
	return course.Cell{Code: "warn", Text: s.Word("no_end"), Detail: s.Word("no_attributes")}
}

func isSecondTab(s *course.Step) bool { return s.C.QueryParam(tabParam) == "2" }

// secondTab is the lesson's own page, as the second tab opens it.
func secondTab(s *course.Step) string {
	if s.Presents() {
		return s.URL("observe") + "&" + tabParam + "=2"
	}
	return "/lessons/" + s.Lesson.Slug + "?" + tabParam + "=2#observe"
}

func endsBoard(s *course.Step) course.Board {
	cookie := course.Row{ID: "cookie", Title: s.Word("kept")}
	for _, lane := range []string{lanes.Plain, lanes.Signed, lanes.Session} {
		cookie.Cells = append(cookie.Cells, endCell(s, "ends."+lane))
	}
	return course.Board{Columns: s.LaneColumns(), Rows: []course.Row{cookie, s.VerdictRow("tab", s.Word("tab")), s.VerdictRow("still", s.Word("after"))}}
}

// outlivesView sets the cookie's end beside the record's.
func outlivesView(s *course.Step) (v course.View) {
	v.Tasks = []course.Task{{To: "/dashboard#attributes", Label: s.Word("both"), Quiet: true}}
	v.Board.Columns = []course.Column{{Title: s.Word("kept")}}
	v.Board.Rows = []course.Row{
		{ID: "end-cookie", Title: s.Word("end.cookie"), Cells: []course.Cell{endCell(s, "ends."+lanes.Session)}},
		{ID: "end-record", Title: s.Word("end.record"), Cells: []course.Cell{endCell(s, "ends.record")}},
	}
	return v
}

// onlyRead asks the session for something, and changes nothing.
func onlyRead(s *course.Step) error {
	session, err := s.Session()
	if err != nil {
		return err
	}
	_ = session.Text(sessions.UserKey)
	return slide(s, "read", session)
}

// writeSomething sets a value, so that the session is saved.
func writeSomething(s *course.Step) error {
	session, err := s.Session()
	if err != nil {
		return err
	}
	if session.Rejected() == nil {
		if err := session.Set(lessonSeen, s.Now().UTC().Format(time.RFC3339)); err != nil {
			return err
		}
	}
	return slide(s, "write", session)
}

// slide writes down when the session ends as this request found it; the next
// request finds out whether that moved.
func slide(s *course.Step, how string, session *sessions.Session) error {
	s.Forget("slide." + how)
	if session.Rejected() == nil {
		s.Note("slide", how)
		s.Note("slide.from", markup.ISOTime(session.Ends()))
	}
	return s.To("board-slides")
}

func noteSlide(s *course.Step) {
	how, ends := s.Fact("slide"), s.Finding(lanes.Session).Expires
	from, err := time.Parse(time.RFC3339Nano, s.Fact("slide.from"))
	if how == "" || s.Fact("slide."+how) != "" || err != nil || ends.IsZero() {
		return
	}
	s.Note("slide."+how, strconv.FormatInt(ends.Sub(from).Milliseconds(), 10))
}

func slidesView(s *course.Step) (v course.View) {
	v.Tasks = []course.Task{{Act: "read", Label: s.Word("read"), Quiet: s.Fact("slide.read") != ""}, {Act: "write", Label: s.Word("write"), Quiet: s.Fact("slide.read") == "" || s.Fact("slide.write") != ""}}
	v.Board.Columns = []course.Column{{Title: s.Word("end.record")}}
	for _, how := range []string{"read", "write"} {
		row := course.Row{ID: "slide-" + how, Title: s.Word("row." + how), Cells: make([]course.Cell, 1)}
		switch moved := s.Fact("slide." + how); moved {
		case "":
		case "0":
			row.Cells[0] = course.Cell{Code: "none", Text: s.Word("stayed")}
		default:
			ms, _ := strconv.Atoi(moved)
			row.Cells[0] = course.Cell{Code: "yes", Text: s.Word("moved", locale.Args{"Seconds": strconv.FormatFloat(float64(ms)/1000, 'f', 1, 64)})}
		}
		v.Board.Rows = append(v.Board.Rows, row)
	}
	v.Board.Note = s.Word("save_always." + markup.YesNo(s.Lanes.Sessions.Options().SaveEveryRequest))
	return v
}
