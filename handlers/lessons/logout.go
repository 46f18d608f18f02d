// Lesson 8, logout: the browser forgets all three; of the copies only the
// session's is worth nothing.

package lessons

import (
	"net/http"

	"cookielab/handlers/course"
	"cookielab/handlers/lanes"
)

// tagCookie is what lesson 8 deletes with a wrong Path, and then with the right one.
var tagCookie = &http.Cookie{Name: "tag", Path: "/lessons/logout"}

// Logout is lesson 8.
func (lessons) Logout() course.Lesson {
	return course.Lesson{
		Number: 8, Slug: "logout", Minutes: 7, Short: true, Answer: "B", Why: []string{"copies-live", "session-ends"}, SignedIn: true,
		Cookies: []*http.Cookie{tagCookie},
		Acts: map[string]func(*course.Step) error{
			"logout": copyAndLogOut, "curl": course.MakeCurlLine,
			"set": sendTag, "wrong": deleteTagWrongly, "right": deleteTag,
		},
		Do: func(s *course.Step) []course.Task {
			if s.Fact("copy.plain") == "" {
				return []course.Task{s.Task("logout")}
			}
			return []course.Task{{Label: s.Word("all")}}
		},
		Look: func(s *course.Step) {
			if s.Fact("copy.plain") == "" && gone(s) { // what becomes of the copy later is no part of this lesson
				if _, sent := s.NoteCopy("copy"); sent {
					s.NoteYou("you")
				}
			}
			if step := s.Fact("tag"); step != "" && s.Fact("tag."+step) == "" {
				_, came := s.Carried(tagCookie.Name)
				s.Note("tag."+step, course.CameFact(came))
			}
		},
		Board: func(s *course.Step) course.Board {
			return course.Board{Columns: s.LaneColumns(), Rows: []course.Row{s.YouRow("you", s.Word("you")), s.CopyRow("copy", s.Word("copy"))}, Note: s.EngineNote()}
		},
		Happened: func(s *course.Step) string {
			switch plain, signed, session := s.TakenIn("copy"); {
			case s.Fact("copy.plain") == "":
				return ""
			case plain && signed && session:
				return "C"
			case plain && signed:
				return "B"
			case !plain && !signed && !session:
				return "A"
			}
			return ""
		},
		Done: func(s *course.Step) bool { return s.Lesson.Happened(s) != "" },
		Closer: map[string]func(*course.Step) course.View{
			"path": tagView,
			"engine": func(s *course.Step) course.View {
				return course.View{Tasks: []course.Task{{To: "/engines", Label: s.Word("engines")}}}
			},
			"curl": func(s *course.Step) course.View {
				if s.Fact("copy.plain") == "" || !gone(s) {
					return course.View{Tasks: []course.Task{{Label: s.Word("first")}}} // the line carries the copy, not what the browser has now
				}
				return s.CurlView()
			},
		},
		Code:   []string{"lessons.copyAndLogOut", "lanes.plain.Forget", "lanes.signed.Forget", "lanes.session.Forget"},
		Django: "logout(request)                          # session.flush(): deletes the row\nresponse.delete_cookie(\"plain_user\")     # asks the browser, and no one else",
	}
}

// copyAndLogOut leaves a thief with the cookies as they came, and then logs out.
func copyAndLogOut(s *course.Step) error {
	if !s.Ready() {
		return s.To("do")
	}
	s.LeaveCopy()
	return s.SignOut("observe")
}

// gone reports whether this request brought none of the three.
func gone(s *course.Step) bool {
	for _, f := range s.Findings {
		if f.Verdict != lanes.Absent {
			return false
		}
	}
	return true
}

// The three lines about the cookie tag.
const (
	tagSet   = "tag=1; Path=/lessons/logout; Max-Age=600; HttpOnly; SameSite=Lax"
	tagWrong = "tag=; Path=/lessons; Max-Age=0"
	tagRight = "tag=; Path=/lessons/logout; Max-Age=0"
)

func sendTag(s *course.Step) error {
	s.Forget("tag")
	return tagLine(s, "set", tagSet)
}

// deleteTagWrongly deletes a cookie that does not exist: of another Path.
func deleteTagWrongly(s *course.Step) error { return tagLine(s, "wrong", tagWrong) }

// deleteTag repeats the Path with which the cookie was set.
func deleteTag(s *course.Step) error { return tagLine(s, "right", tagRight) }

func tagLine(s *course.Step, step, line string) error {
	s.SetCookie(line)
	s.Note("tag", step)
	return s.To("board-path")
}

func tagView(s *course.Step) (v course.View) {
	next := map[string]string{"": "set", "set": "wrong", "wrong": "right", "right": "set"}[s.Fact("tag")]
	v.Tasks = []course.Task{{Act: next, Label: s.Word(next), Quiet: s.Fact("tag") == "right"}}
	v.Board.Columns = []course.Column{{Title: s.Word("line")}, {Title: s.Word("then")}}
	for _, step := range []struct{ name, line string }{{"set", tagSet}, {"wrong", tagWrong}, {"right", tagRight}} {
		row := course.Row{ID: "tag-" + step.name, Title: s.Word("row." + step.name), Cells: []course.Cell{{}, s.CameCell("tag." + step.name)}}
		if s.Fact("tag."+step.name) != "" {
			row.Cells[0].Value = "Set-Cookie: " + step.line
		}
		v.Board.Rows = append(v.Board.Rows, row)
	}
	return v
}
