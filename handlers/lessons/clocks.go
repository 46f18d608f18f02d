// Lesson 9, clocks: all three get ten seconds. The browser goes by its clock and
// stops sending; whoever has a copy meets the server's clock, if that looks.

package lessons

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"cookielab/handlers/auth"
	"cookielab/handlers/course"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
)

// Clocks is lesson 9.
func (lessons) Clocks() course.Lesson {
	return course.Lesson{
		Number: 9, Slug: "clocks", Minutes: 9, Answer: "A", Why: []string{"plain-believed", "signed-expired", "row-lies"}, SignedIn: true,
		Acts: map[string]func(*course.Step) error{"ten": giveTenSeconds, "send": sendLate, "clean": clearExpired, "curl": course.MakeCurlLine},
		Do: func(s *course.Step) []course.Task {
			switch {
			case s.Fact("until") == "":
				return []course.Task{s.Task("ten")}
			case s.Fact("late.plain") == "":
				return []course.Task{s.Task("send")}
			}
			return []course.Task{{Label: s.Word("all")}}
		},
		Look:  lookAtClocks,
		Board: clocksBoard,
		Happened: func(s *course.Step) string {
			switch plain, signed, session := s.TakenIn("late"); {
			case s.Fact("late.plain") == "":
				return ""
			case plain && signed && session:
				return "C"
			case plain && !signed && !session:
				return "A"
			case !plain && !signed && !session:
				return "B"
			}
			return ""
		},
		Done: func(s *course.Step) bool { return s.Lesson.Happened(s) != "" },
		Reset: func(s *course.Step) error { // who has ten seconds left gets a whole life again
			if err := s.Before(); err != nil || s.Fact("until") == "" {
				return err
			}
			return s.Restore()
		},
		Closer: map[string]func(*course.Step) course.View{
			"clear": clearedView,
			"cache": func(s *course.Step) course.View {
				return course.View{Tasks: []course.Task{{To: "/engines", Label: s.Word("engines")}}}
			},
			"curl": func(s *course.Step) course.View {
				if _, ten := tenSeconds(s); !ten {
					return course.View{Tasks: []course.Task{{Label: s.Word("first")}}} // the line is to carry what lasts ten seconds
				}
				return s.CurlView()
			},
		},
		Code:   []string{"auth.Auth.ExpireSoon", "lanes.plain.Recall", "lanes.signed.Recall", "lanes.Finding.lookUp"},
		Django: "response.set_cookie(\"plain_user\", who, max_age=10)     # the browser's clock\nrequest.get_signed_cookie(\"signed_user\", max_age=10)   # the server's: SignatureExpired\nrequest.session.set_expiry(10)                        # the server's: a row with expire_date",
	}
}

// giveTenSeconds has all three end in ten seconds, and leaves a copy of them with
// somebody.
func giveTenSeconds(s *course.Step) error {
	ok, err := s.ExpireSoon()
	if err != nil {
		return err
	}
	s.Forget("until", "soon.", "late.", "you.", "sent.", course.CurlFacts+".", "cleared", "clean.")
	if !ok {
		return s.To("do")
	}
	s.DropRun() // its line carries older cookies
	return s.Did("expire", "observe")
}

// sendLate sends the copy once more, which done does.
func sendLate(s *course.Step) error {
	return s.Did("replay", "observe")
}

// lookAtClocks writes down what was concluded about the copy, whoever sent it:
// another program from here, or a line of curl.
func lookAtClocks(s *course.Step) {
	until, ok := tenSeconds(s)
	if !ok {
		return
	}
	s.Note("until", markup.ISOTime(until))
	latest := map[string]string{} // whose facts say what was concluded when
	copies := []sentCopy{{course.CurlFacts, s.At(course.CurlFacts + ".plain")}}
	if sent, ok := s.NoteCopy("sent"); ok {
		copies = append(copies, sentCopy{"sent", sent})
	}
	slices.SortFunc(copies, func(a, b sentCopy) int { return a.at.Compare(b.at) })
	for _, c := range copies {
		if !c.at.IsZero() {
			latest[whenSent(s, c, until)] = c.facts
		}
	}
	for when, facts := range latest {
		noteAt(s, when, facts)
	}
	if s.Fact("late.plain") != "" && s.Fact("you.plain") != string(lanes.Absent) {
		s.NoteYou("you")
	}
}

// sentCopy is a copy that was sent: what was concluded then has names that begin so.
type sentCopy struct {
	facts string // "sent": by another program from here; CurlFacts: by a line of curl
	at    time.Time
}

// whenSent is whether a copy was sent while the ten seconds ran, after them, or after
// the expired records were removed.
func whenSent(s *course.Step, c sentCopy, until time.Time) string {
	switch {
	case s.Fact("cleared") != "" && !c.at.Before(s.At("cleared")):
		return "clean"
	case !c.at.Before(until) || !s.Accepted(c.facts+".signed"):
		return "late"
	}
	return "soon"
}

// tenSeconds is when the browser drops the cookies that it was given last; ok is
// false when those are not the ones that last ten seconds.
func tenSeconds(s *course.Step) (until time.Time, ok bool) {
	a, ok := s.Notebook.Attributes(lanes.Session)
	if !ok || a.MaxAge == nil || time.Duration(*a.MaxAge)*time.Second != auth.ShortLife || a.SetAt.Before(s.AnsweredAt()) {
		return until, false
	}
	return a.SetAt.Add(auth.ShortLife), true
}

// noteAt writes down what was concluded about a copy that was sent then.
func noteAt(s *course.Step, when, facts string) {
	s.NoteAs(when, facts)
	if when != "soon" && s.Fact(when+".row") == "" {
		s.NoteRow(when + ".row")
	}
}

func clocksBoard(s *course.Step) course.Board {
	soon, you, late := s.VerdictRow("soon", s.Word("soon")), s.YouRow("you", s.Word("you")), lateRow(s, "late")
	b := course.Board{Columns: s.LaneColumns(), Rows: []course.Row{soon, you, late}, Note: s.EngineNote()}
	if until, ok := tenSeconds(s); ok && s.Fact("late.plain") == "" {
		for i := range soon.Cells {
			soon.Cells[i].Until, soon.Cells[i].Over = markup.ISOTime(until), s.Word("past")
		}
		b.Note = strings.TrimSpace(s.Word("over") + " " + b.Note)
	}
	return b
}

// lateRow is what was concluded about the copy when its time was over, and
// whether the session's row still lay there.
func lateRow(s *course.Step, when string) course.Row {
	row := s.CopyRow(when, s.Word(when))
	if lies := s.Fact(when + ".row"); lies != "" {
		row.Cells[lanes.SessionColumn].Detail = s.Word("row." + lies)
	}
	return row
}

// clearExpired removes the expired records, everybody's, and has the copy sent
// once more.
func clearExpired(s *course.Step) error {
	if s.Fact("late.plain") == "" {
		return s.To("do")
	}
	n, err := s.Lanes.Sessions.ClearExpired(s.C.Request().Context())
	if err != nil {
		return err
	}
	s.Note("cleared", strconv.Itoa(n))
	return s.Did("replay", "board-clear")
}

func clearedView(s *course.Step) (v course.View) {
	if s.Fact("late.plain") == "" {
		v.Tasks = []course.Task{{Label: s.Word("wait")}}
		return v
	}
	v.Tasks = []course.Task{{Act: "clean", Label: s.Word("clean_up"), Quiet: s.Fact("cleared") != ""}}
	v.Board = course.Board{Columns: s.LaneColumns(), Rows: []course.Row{lateRow(s, "clean")}}
	if n := s.Fact("cleared"); n != "" {
		v.Board.Note = s.Word("removed", locale.Args{"N": n})
	}
	return v
}
