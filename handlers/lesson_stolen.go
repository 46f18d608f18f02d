// Lesson 7, stolen: a copy of a cookie is as good as the cookie, for all three ways.

package handlers

// Stolen is lesson 7.
func (lessons) Stolen() lesson {
	return lesson{
		Number: 7, Slug: "stolen", Minutes: 7, Short: true, Answer: "C", SignedIn: true,
		Acts: map[string]func(*lessonStep) error{"copy": copyAndReplay, "curl": makeCurlLine},
		Do: func(s *lessonStep) []task {
			if s.fact("copy.plain") != "" {
				return []task{{Label: s.word("all")}}
			}
			return []task{s.task("copy")}
		},
		Look: func(s *lessonStep) {
			if s.fact("copy.plain") != "" {
				return // what becomes of the copy later is no part of this lesson
			}
			if s.noteAs("copy", curlFacts); s.copied() {
				s.noteCopy("copy")
			}
			if s.fact("copy.plain") != "" {
				s.noteYou("you")
			}
		},
		Board: func(s *lessonStep) lessonBoard {
			return lessonBoard{Columns: s.ways(), Rows: []lessonRow{s.youRow("you", s.word("you")), s.copyRow("copy", s.word("thief"))}}
		},
		Happened: func(s *lessonStep) string {
			switch plain, signed, session := s.takenIn("copy"); {
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
		Done:   func(s *lessonStep) bool { return s.lesson.Happened(s) == "C" },
		Closer: map[string]func(*lessonStep) closerView{"curl": (*lessonStep).curlView},
		Code:   []string{"handlers.copyAndReplay", "auth.Program.Do"},
		Django: "request.session[\"_auth_user_id\"]   # who carries the key is whoever the key belongs to",
	}
}

// copyAndReplay takes the cookies that came, and has another program send them.
func copyAndReplay(s *lessonStep) error {
	s.leaveCopy()
	return s.did("copy", "observe")
}
