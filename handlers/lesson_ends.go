// Lesson 10, ends: a session cookie without an end belongs to the browser, not to
// a tab, and its record lives by a clock of its own.

package handlers

import (
	"strconv"
	"time"

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
func (lessons) Ends() lesson {
	return lesson{
		Number: 10, Slug: "ends", Minutes: 8, Answer: "B", SignedIn: true,
		Acts: map[string]func(*lessonStep) error{"close": endWithBrowser, "still": whoAmIStill, "read": onlyRead, "write": writeSomething},
		Do: func(s *lessonStep) []task {
			second := task{To: secondTab(s), NewTab: true, Label: s.word("open")}
			switch {
			case s.fact("close") == "":
				return []task{s.task("close")}
			case isSecondTab(s) && s.fact("still.session") == "":
				return []task{{Label: s.word("close_this")}}
			case s.fact("tab.session") == "": // without a script the page does not hear of the other
				return []task{second, {Act: "still", Label: s.word("still"), Quiet: true}}
			case s.fact("still.session") == "":
				return []task{s.task("still")}
			}
			return []task{{Label: s.word("all")}}
		},
		Look:  lookAtEnds,
		Board: endsBoard,
		Happened: func(s *lessonStep) string {
			switch {
			case s.fact("still.session") == "":
				return ""
			case s.accepted("still.session"):
				return "B"
			case s.fact("still.row") == "yes":
				return "C"
			}
			return "A"
		},
		Done:  func(s *lessonStep) bool { return s.lesson.Happened(s) != "" },
		Reset: endByPolicy,
		Closer: map[string]func(*lessonStep) closerView{
			"outlives": outlivesView,
			"slides":   slidesView,
		},
		Code:   []string{"handlers.endWithBrowser", "sessions.BrowserClose", "sessions.Expiry.expiresAt", "sessions.Manager.finish"},
		Django: "request.session.set_expiry(0)              # the row: for SESSION_COOKIE_AGE\nSESSION_EXPIRE_AT_BROWSER_CLOSE = True     # the same for everybody",
	}
}

// endWithBrowser leaves Max-Age and Expires out of the session's cookie.
func endWithBrowser(s *lessonStep) error {
	if !s.ready() {
		return s.to("do")
	}
	session, err := s.session()
	if err != nil {
		return err
	}
	s.forget("close", "tab.", "still.")
	if err := session.SetExpiry(sessions.BrowserClose()); err != nil {
		return err
	}
	return s.done()
}

// endByPolicy gives the cookie back the end that it had.
func endByPolicy(s *lessonStep) error {
	session, err := s.session()
	if err == nil && session.Rejected() == nil && s.fact("close") != "" {
		session.Delete(lessonSeen)
		err = session.SetExpiry(sessions.Policy())
	}
	return err
}

// whoAmIStill asks once more, from the tab that is left.
func whoAmIStill(s *lessonStep) error {
	if s.fact("tab.session") != "" {
		s.noteYou("still")
		s.noteRow("still.row")
	}
	return s.done()
}

func lookAtEnds(s *lessonStep) {
	if a, ok := s.book.Attributes(lanes.Session); ok && a.BrowserExpires() == nil {
		s.note("close", "yes")
		for _, way := range []string{lanes.Plain, lanes.Signed, lanes.Session} {
			if a, ok := s.book.Attributes(way); ok {
				s.note("ends."+way, instantFact(a.BrowserExpires()))
			}
		}
		if f := s.finding(lanes.Session); !f.Expires.IsZero() {
			s.note("ends.record", instantFact(&f.Expires))
		}
	}
	if s.fact("close") != "" && isSecondTab(s) && s.fact("still.session") == "" {
		s.noteYou("tab")
	}
	noteSlide(s)
}

// instantFact is an instant as a fact; of none, "never".
func instantFact(at *time.Time) string {
	if at == nil {
		return "never"
	}
	return markup.IsoTime(*at)
}

// endCell shows such a fact.
func endCell(s *lessonStep, name string) lessonCell {
	switch at, err := time.Parse(time.RFC3339Nano, s.fact(name)); {
	case err == nil:
		return lessonCell{Text: at.UTC().Format(time.DateOnly)}
	case s.fact(name) == "":
		return lessonCell{}
	}
	return lessonCell{Code: "warn", Text: s.word("no_end"), Detail: s.word("no_attributes")}
}

func isSecondTab(s *lessonStep) bool { return s.c.QueryParam(tabParam) == "2" }

// secondTab is the lesson's own page, as the second tab opens it.
func secondTab(s *lessonStep) string {
	if s.presents() {
		return s.url("observe") + "&" + tabParam + "=2"
	}
	return "/lessons/" + s.lesson.Slug + "?" + tabParam + "=2#observe"
}

func endsBoard(s *lessonStep) lessonBoard {
	cookie := lessonRow{ID: "cookie", Title: s.word("kept")}
	for _, way := range []string{lanes.Plain, lanes.Signed, lanes.Session} {
		cookie.Cells = append(cookie.Cells, endCell(s, "ends."+way))
	}
	return lessonBoard{Columns: s.ways(), Rows: []lessonRow{cookie, s.verdictRow("tab", s.word("tab")), s.verdictRow("still", s.word("after"))}}
}

// outlivesView sets the cookie's end beside the record's.
func outlivesView(s *lessonStep) (v closerView) {
	v.Tasks = []task{{To: "/dashboard#attributes", Label: s.word("both"), Quiet: true}}
	v.Board.Columns = []lessonColumn{{Title: s.word("kept")}}
	v.Board.Rows = []lessonRow{
		{ID: "end-cookie", Title: s.word("end.cookie"), Cells: []lessonCell{endCell(s, "ends."+lanes.Session)}},
		{ID: "end-record", Title: s.word("end.record"), Cells: []lessonCell{endCell(s, "ends.record")}},
	}
	return v
}

// onlyRead asks the session for something, and changes nothing.
func onlyRead(s *lessonStep) error {
	session, err := s.session()
	if err != nil {
		return err
	}
	_ = session.Text(sessions.UserKey)
	return slide(s, "read", session)
}

// writeSomething sets a value, so that the session is saved.
func writeSomething(s *lessonStep) error {
	session, err := s.session()
	if err != nil {
		return err
	}
	if session.Rejected() == nil {
		if err := session.Set(lessonSeen, s.now().UTC().Format(time.RFC3339)); err != nil {
			return err
		}
	}
	return slide(s, "write", session)
}

// slide writes down when the session ends as this request found it; the next
// request finds out whether that moved.
func slide(s *lessonStep, how string, session *sessions.Session) error {
	s.forget("slide." + how)
	if session.Rejected() == nil {
		s.note("slide", how)
		s.note("slide.from", markup.IsoTime(session.Ends()))
	}
	return s.to("board-slides")
}

func noteSlide(s *lessonStep) {
	how, ends := s.fact("slide"), s.finding(lanes.Session).Expires
	from, err := time.Parse(time.RFC3339Nano, s.fact("slide.from"))
	if how == "" || s.fact("slide."+how) != "" || err != nil || ends.IsZero() {
		return
	}
	s.note("slide."+how, strconv.FormatInt(ends.Sub(from).Milliseconds(), 10))
}

func slidesView(s *lessonStep) (v closerView) {
	v.Tasks = []task{{Act: "read", Label: s.word("read"), Quiet: s.fact("slide.read") != ""}, {Act: "write", Label: s.word("write"), Quiet: s.fact("slide.read") == "" || s.fact("slide.write") != ""}}
	v.Board.Columns = []lessonColumn{{Title: s.word("end.record")}}
	for _, how := range []string{"read", "write"} {
		row := lessonRow{ID: "slide-" + how, Title: s.word("row." + how), Cells: make([]lessonCell, 1)}
		switch moved := s.fact("slide." + how); moved {
		case "":
		case "0":
			row.Cells[0] = lessonCell{Code: "none", Text: s.word("stayed")}
		default:
			ms, _ := strconv.Atoi(moved)
			row.Cells[0] = lessonCell{Code: "yes", Text: s.word("moved", locale.Args{"Seconds": strconv.FormatFloat(float64(ms)/1000, 'f', 1, 64)})}
		}
		v.Board.Rows = append(v.Board.Rows, row)
	}
	v.Board.Note = s.word("save_always." + markup.YesNo(s.lanes.Sessions.Options().SaveEveryRequest))
	return v
}
