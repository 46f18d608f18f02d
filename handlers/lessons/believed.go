// Lesson 3, believed: whoever edits their cookie is believed by the plain lane, and
// by no other.

package lessons

import (
	"cookielab/handlers/course"
	"cookielab/handlers/lanes"
	"cookielab/handlers/markup"
)

// Believed is lesson 3.
func (lessons) Believed() course.Lesson {
	return course.Lesson{
		Number: 3, Slug: "believed", Minutes: 7, Short: true, Answer: "A", SignedIn: true,
		Acts: map[string]func(*course.Step) error{"edit": editAll},
		Do: func(s *course.Step) []course.Task {
			switch verdict, _ := s.Verdict("you.signed"); {
			case s.Fact("you.plain") == "":
				return []course.Task{s.Task("edit")}
			case verdict == lanes.Verified: // the plain one alone was edited, by hand
				return []course.Task{{Act: "edit", Label: s.Word("more")}}
			}
			return []course.Task{
				{To: "/door/plain", Label: s.Word("door"), Quiet: true},
				{To: "/door/signed", Label: s.Word("door.signed"), Quiet: true},
				{To: "/door/session", Label: s.Word("door.session"), Quiet: true},
			}
		},
		Look: func(s *course.Step) {
			if f := s.Finding(lanes.Plain); f.Verdict.Accepted() && f.Who.Role == lanes.RoleTeacher && s.Finding(lanes.Session).Who.Role != lanes.RoleTeacher {
				s.NoteYou("you")
				for _, f := range s.Findings {
					s.Note("door."+f.Lane, markup.YesNo(f.OpensDoor()))
				}
			}
		},
		Board: func(s *course.Step) course.Board {
			doors := s.YesNoRow("door", s.Word("doors"), course.Cell{Code: "warn", Text: s.Word("open")}, course.Cell{Code: "no", Text: s.Word("shut")})
			return course.Board{Columns: s.LaneColumns(), Rows: []course.Row{s.VerdictRow("you", s.Word("concludes")), doors}}
		},
		Happened: func(s *course.Step) string {
			if verdict, _ := s.Verdict("you.plain"); verdict == lanes.Believed && s.Fact("door.plain") == "yes" {
				return "A"
			}
			return ""
		},
		Done: func(s *course.Step) bool {
			plain, signed, session := s.TakenIn("you")
			return plain && s.Fact("door.plain") == "yes" && !signed && !session
		},
		Code:   []string{"lanes.TamperRole", "lanes.Finding.OpensDoor"},
		Unsafe: "lanes.plain.Recall", Safe: "lanes.signed.Recall",
		Django: "request.COOKIES[\"plain_user\"]                   # whatever the browser sends\nrequest.get_signed_cookie(\"signed_user\")        # raises BadSignature if it was changed",
	}
}

// editAll does what anybody can do in DevTools, for all three lanes at once.
func editAll(s *course.Step) error {
	return s.Tamper("edit", s.Lanes.Cookies, lanes.TamperRole)
}
