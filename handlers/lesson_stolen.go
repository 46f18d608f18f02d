// Lesson 7, stolen: a copy of a cookie is as good as the cookie, for all three ways.

package handlers

import "cookielab/sessions"

// Stolen is lesson 7.
func (lessons) Stolen() lesson {
	return lesson{
		Number: 7, Slug: "stolen", Minutes: 7, Short: true, Answer: "C", SignedIn: true,
		Acts: map[string]func(*lessonStep) error{"copy": copyAndReplay, "curl": makeCurlLine},
		Do: func(s *lessonStep) []deed {
			if s.fact("copy.plain") != "" {
				return []deed{{Label: s.word("all")}}
			}
			return []deed{s.deed("copy")}
		},
		Look: func(s *lessonStep) {
			if s.noteCopy("copy"); s.fact("copy.plain") != "" && s.fact("you.plain") == "" {
				s.noteYou("you")
			}
		},
		Board: func(s *lessonStep) lessonBoard {
			thief := s.verdictRow("copy", s.word("thief"))
			if thief.Note = s.fact("copy.client"); thief.Note == "" {
				thief.Note = s.word("program")
			}
			you := s.verdictRow("you", s.word("you"))
			you.Note = s.browser()
			return lessonBoard{Columns: s.ways(), Rows: []lessonRow{you, thief}}
		},
		Happened: func(s *lessonStep) string {
			plain, signed, session := s.accepted("copy.plain"), s.accepted("copy.signed"), s.accepted("copy.session")
			switch {
			case s.fact("copy.plain") == "":
				return ""
			case plain && signed && session:
				return "C"
			case plain && signed:
				return "A"
			case plain:
				return "B"
			}
			return ""
		},
		Done: func(s *lessonStep) bool { return s.lesson.Happened(s) == "C" },
		Closer: map[string]func(*lessonStep) closerView{
			"curl": func(s *lessonStep) closerView {
				if s.notes.Run == "" {
					return closerView{Deeds: []deed{s.deed("curl")}}
				}
				return closerView{Deeds: []deed{{Label: s.word("paste"), Line: s.curlLine()}}}
			},
		},
		Code:   []string{"handlers.copyAndReplay", "handlers.Lab.asAnother"},
		Django: "request.session[\"_auth_user_id\"]   # who carries the key is whoever the key belongs to",
	}
}

// copyAndReplay takes the cookies that came, and has another program send them.
func copyAndReplay(s *lessonStep) error {
	taken := s.lab.copyOf(s.lab.valuesOf(s.c))
	sessions.AfterCommit(s.c, func() { s.book.Book().setCopy(taken) })
	return s.lab.done(s.c, Deed{Name: "copy"}, s.url("observe"))
}

// makeCurlLine begins a run, so that the line can say whose copy it is.
func makeCurlLine(s *lessonStep) error {
	if err := s.newRun(); err != nil {
		return err
	}
	return s.c.Redirect(303, s.url("closer"))
}
