// Lesson 7, stolen: a copy of a cookie is as good as the cookie, for all three lanes.

package lessons

import "cookielab/handlers/course"

// Stolen is lesson 7.
func (lessons) Stolen() course.Lesson {
	return course.Lesson{
		Number: 7, Slug: "stolen", Minutes: 7, Short: true, Answer: "C", SignedIn: true,
		Acts: map[string]func(*course.Step) error{"copy": copyAndReplay, "curl": course.MakeCurlLine},
		Do: func(s *course.Step) []course.Task {
			if s.Fact("copy.plain") != "" {
				return []course.Task{{Label: s.Word("all")}}
			}
			return []course.Task{s.Task("copy")}
		},
		Look: func(s *course.Step) {
			if s.Fact("copy.plain") != "" {
				return // what becomes of the copy later is no part of this lesson
			}
			if s.NoteAs("copy", course.CurlFacts); s.Copied() {
				s.NoteCopy("copy")
			}
			if s.Fact("copy.plain") != "" {
				s.NoteYou("you")
			}
		},
		Board: func(s *course.Step) course.Board {
			return course.Board{Columns: s.LaneColumns(), Rows: []course.Row{s.YouRow("you", s.Word("you")), s.CopyRow("copy", s.Word("thief"))}}
		},
		Happened: func(s *course.Step) string {
			switch plain, signed, session := s.TakenIn("copy"); {
			case s.Fact("copy.plain") == "":
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
		Done:   func(s *course.Step) bool { return s.Lesson.Happened(s) == "C" },
		Closer: map[string]func(*course.Step) course.View{"curl": (*course.Step).CurlView},
		Code:   []string{"lessons.copyAndReplay", "auth.Program.Do"},
		Django: "request.session[\"_auth_user_id\"]   # who carries the key is whoever the key belongs to",
	}
}

// copyAndReplay takes the cookies that came, and has another program send them.
func copyAndReplay(s *course.Step) error {
	s.LeaveCopy()
	return s.Did("copy", "observe")
}
