// Lesson 3, believed: whoever edits their cookie is believed by the plain way, and
// by no other.

package handlers

import (
	"cookielab/handlers/lanes"
	"cookielab/handlers/markup"
)

// Believed is lesson 3.
func (lessons) Believed() lesson {
	return lesson{
		Number: 3, Slug: "believed", Minutes: 7, Short: true, Answer: "A", SignedIn: true,
		Acts: map[string]func(*lessonStep) error{"edit": editAll},
		Do: func(s *lessonStep) []task {
			switch verdict, _ := s.verdict("you.signed"); {
			case s.fact("you.plain") == "":
				return []task{s.task("edit")}
			case verdict == lanes.Verified: // the plain one alone was edited, by hand
				return []task{{Act: "edit", Label: s.word("more")}}
			}
			return []task{
				{To: "/door/plain", Label: s.word("door"), Quiet: true},
				{To: "/door/signed", Label: s.word("door.signed"), Quiet: true},
				{To: "/door/session", Label: s.word("door.session"), Quiet: true},
			}
		},
		Look: func(s *lessonStep) {
			if f := s.finding(lanes.Plain); f.Verdict.Accepted() && f.Who.Role == lanes.RoleTeacher && s.finding(lanes.Session).Who.Role != lanes.RoleTeacher {
				s.noteYou("you")
				for _, f := range s.findings {
					s.note("door."+f.Lane, markup.YesNo(f.OpensDoor()))
				}
			}
		},
		Board: func(s *lessonStep) lessonBoard {
			doors := s.yesNoRow("door", s.word("doors"), lessonCell{Code: "warn", Text: s.word("open")}, lessonCell{Code: "no", Text: s.word("shut")})
			return lessonBoard{Columns: s.ways(), Rows: []lessonRow{s.verdictRow("you", s.word("concludes")), doors}}
		},
		Happened: func(s *lessonStep) string {
			if verdict, _ := s.verdict("you.plain"); verdict == lanes.Believed && s.fact("door.plain") == "yes" {
				return "A"
			}
			return ""
		},
		Done: func(s *lessonStep) bool {
			plain, signed, session := s.takenIn("you")
			return plain && s.fact("door.plain") == "yes" && !signed && !session
		},
		Code:   []string{"lanes.ForgeRole", "lanes.Finding.OpensDoor"},
		Unsafe: "lanes.plain.Recall", Safe: "lanes.signed.Recall",
		Django: "request.COOKIES[\"plain_user\"]                   # whatever the browser sends\nrequest.get_signed_cookie(\"signed_user\")        # raises BadSignature if it was changed",
	}
}

// editAll does what anybody can do in DevTools, for all three ways at once.
func editAll(s *lessonStep) error {
	return s.forge("edit", s.lanes.Cookies, lanes.ForgeRole)
}
