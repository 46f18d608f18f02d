// Lesson 9, clocks: all three get ten seconds. The browser goes by its clock and
// stops sending; whoever has a copy meets the server's clock, if that looks.

package handlers

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"cookielab/handlers/auth"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
)

// Clocks is lesson 9.
func (lessons) Clocks() lesson {
	return lesson{
		Number: 9, Slug: "clocks", Minutes: 9, Answer: "A", Why: []string{"plain-believed", "signed-expired", "row-lies"}, SignedIn: true,
		Acts: map[string]func(*lessonStep) error{"ten": giveTenSeconds, "send": sendLate, "clean": clearExpired, "curl": makeCurlLine},
		Do: func(s *lessonStep) []task {
			switch {
			case s.fact("until") == "":
				return []task{s.task("ten")}
			case s.fact("late.plain") == "":
				return []task{s.task("send")}
			}
			return []task{{Label: s.word("all")}}
		},
		Look:  lookAtClocks,
		Board: clocksBoard,
		Happened: func(s *lessonStep) string {
			switch plain, signed, session := s.takenIn("late"); {
			case s.fact("late.plain") == "":
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
		Done: func(s *lessonStep) bool { return s.lesson.Happened(s) != "" },
		Reset: func(s *lessonStep) error { // who has ten seconds left gets a whole life again
			if err := s.before(); err != nil || s.fact("until") == "" {
				return err
			}
			return s.restore()
		},
		Closer: map[string]func(*lessonStep) closerView{
			"clear": clearedView,
			"cache": func(s *lessonStep) closerView {
				return closerView{Tasks: []task{{To: "/engines", Label: s.word("engines")}}}
			},
			"curl": func(s *lessonStep) closerView {
				if _, ten := tenSeconds(s); !ten {
					return closerView{Tasks: []task{{Label: s.word("first")}}} // the line is to carry what lasts ten seconds
				}
				return s.curlView()
			},
		},
		Code:   []string{"auth.Auth.ExpireSoon", "lanes.plain.Recall", "lanes.signed.Recall", "lanes.Finding.lookUp"},
		Django: "response.set_cookie(\"plain_user\", who, max_age=10)     # the browser's clock\nrequest.get_signed_cookie(\"signed_user\", max_age=10)   # the server's: SignatureExpired\nrequest.session.set_expiry(10)                        # the server's: a row with expire_date",
	}
}

// giveTenSeconds has all three end in ten seconds, and leaves a copy of them with
// somebody.
func giveTenSeconds(s *lessonStep) error {
	ok, err := s.expireSoon()
	if err != nil {
		return err
	}
	s.forget("until", "soon.", "late.", "you.", "sent.", curlFacts+".", "cleared", "clean.")
	if !ok {
		return s.to("do")
	}
	s.dropRun() // its line carries older cookies
	return s.did("expire", "observe")
}

// sendLate sends the copy once more, which done does.
func sendLate(s *lessonStep) error {
	return s.did("replay", "observe")
}

// lookAtClocks writes down what was concluded about the copy, whoever sent it:
// another program from here, or a line of curl.
func lookAtClocks(s *lessonStep) {
	until, ok := tenSeconds(s)
	if !ok {
		return
	}
	s.note("until", markup.IsoTime(until))
	latest := map[string]string{} // whose facts say what was concluded when
	copies := []sentCopy{{curlFacts, s.at(curlFacts + ".plain")}}
	if sent, ok := s.noteCopy("sent"); ok {
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
	if s.fact("late.plain") != "" && s.fact("you.plain") != string(lanes.Absent) {
		s.noteYou("you")
	}
}

// sentCopy is a copy that was sent: what was concluded then has names that begin so.
type sentCopy struct {
	facts string // "sent": by another program from here; curlFacts: by a line of curl
	at    time.Time
}

// whenSent is whether a copy was sent while the ten seconds ran, after them, or after
// the expired records were removed.
func whenSent(s *lessonStep, c sentCopy, until time.Time) string {
	switch {
	case s.fact("cleared") != "" && !c.at.Before(s.at("cleared")):
		return "clean"
	case !c.at.Before(until) || !s.accepted(c.facts+".signed"):
		return "late"
	}
	return "soon"
}

// tenSeconds is when the browser drops the cookies that it was given last; ok is
// false when those are not the ones that last ten seconds.
func tenSeconds(s *lessonStep) (until time.Time, ok bool) {
	a, ok := s.book.Attributes(lanes.Session)
	if !ok || a.MaxAge == nil || time.Duration(*a.MaxAge)*time.Second != auth.ShortLife || a.SetAt.Before(s.answeredAt()) {
		return until, false
	}
	return a.SetAt.Add(auth.ShortLife), true
}

// noteAt writes down what was concluded about a copy that was sent then.
func noteAt(s *lessonStep, when, facts string) {
	s.noteAs(when, facts)
	if when != "soon" && s.fact(when+".row") == "" {
		s.noteRow(when + ".row")
	}
}

func clocksBoard(s *lessonStep) lessonBoard {
	soon, you, late := s.verdictRow("soon", s.word("soon")), s.youRow("you", s.word("you")), lateRow(s, "late")
	b := lessonBoard{Columns: s.ways(), Rows: []lessonRow{soon, you, late}, Note: s.engineNote()}
	if until, ok := tenSeconds(s); ok && s.fact("late.plain") == "" {
		for i := range soon.Cells {
			soon.Cells[i].Until, soon.Cells[i].Over = markup.IsoTime(until), s.word("past")
		}
		b.Note = strings.TrimSpace(s.word("over") + " " + b.Note)
	}
	return b
}

// lateRow is what was concluded about the copy when its time was over, and
// whether the session's row still lay there.
func lateRow(s *lessonStep, when string) lessonRow {
	row := s.copyRow(when, s.word(when))
	if lies := s.fact(when + ".row"); lies != "" {
		row.Cells[lanes.SessionColumn].Detail = s.word("row." + lies)
	}
	return row
}

// clearExpired removes the expired records, everybody's, and has the copy sent
// once more.
func clearExpired(s *lessonStep) error {
	if s.fact("late.plain") == "" {
		return s.to("do")
	}
	n, err := s.lanes.Sessions.ClearExpired(s.c.Request().Context())
	if err != nil {
		return err
	}
	s.note("cleared", strconv.Itoa(n))
	return s.did("replay", "board-clear")
}

func clearedView(s *lessonStep) (v closerView) {
	if s.fact("late.plain") == "" {
		v.Tasks = []task{{Label: s.word("wait")}}
		return v
	}
	v.Tasks = []task{{Act: "clean", Label: s.word("clean_up"), Quiet: s.fact("cleared") != ""}}
	v.Board = lessonBoard{Columns: s.ways(), Rows: []lessonRow{lateRow(s, "clean")}}
	if n := s.fact("cleared"); n != "" {
		v.Board.Note = s.word("removed", locale.Args{"N": n})
	}
	return v
}
