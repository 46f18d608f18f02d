// Lesson 8, logout: the browser forgets all three; of the copies only the
// session's is worth nothing.

package handlers

import (
	"net/http"

	"cookielab/handlers/lanes"
)

// tagCookie is what lesson 8 deletes with a wrong Path, and then with the right one.
var tagCookie = &http.Cookie{Name: "tag", Path: "/lessons/logout"}

// Logout is lesson 8.
func (lessons) Logout() lesson {
	return lesson{
		Number: 8, Slug: "logout", Minutes: 7, Short: true, Answer: "B", Why: []string{"copies-live", "session-ends"}, SignedIn: true,
		Cookies: []*http.Cookie{tagCookie},
		Acts: map[string]func(*lessonStep) error{
			"logout": copyAndLogOut, "curl": makeCurlLine,
			"set": sendTag, "wrong": deleteTagWrongly, "right": deleteTag,
		},
		Do: func(s *lessonStep) []task {
			if s.fact("copy.plain") == "" {
				return []task{s.task("logout")}
			}
			return []task{{Label: s.word("all")}}
		},
		Look: func(s *lessonStep) {
			if s.fact("copy.plain") == "" && gone(s) { // what becomes of the copy later is no part of this lesson
				if _, sent := s.noteCopy("copy"); sent {
					s.noteYou("you")
				}
			}
			if step := s.fact("tag"); step != "" && s.fact("tag."+step) == "" {
				_, came := s.carried(tagCookie.Name)
				s.note("tag."+step, cameFact(came))
			}
		},
		Board: func(s *lessonStep) lessonBoard {
			return lessonBoard{Columns: s.ways(), Rows: []lessonRow{s.youRow("you", s.word("you")), s.copyRow("copy", s.word("copy"))}, Note: s.engineNote()}
		},
		Happened: func(s *lessonStep) string {
			switch plain, signed, session := s.takenIn("copy"); {
			case s.fact("copy.plain") == "":
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
		Done: func(s *lessonStep) bool { return s.lesson.Happened(s) != "" },
		Closer: map[string]func(*lessonStep) closerView{
			"path": tagView,
			"engine": func(s *lessonStep) closerView {
				return closerView{Tasks: []task{{To: "/engines", Label: s.word("engines")}}}
			},
			"curl": func(s *lessonStep) closerView {
				if s.fact("copy.plain") == "" || !gone(s) {
					return closerView{Tasks: []task{{Label: s.word("first")}}} // the line carries the copy, not what the browser has now
				}
				return s.curlView()
			},
		},
		Code:   []string{"handlers.copyAndLogOut", "lanes.plain.Forget", "lanes.signed.Forget", "lanes.session.Forget"},
		Django: "logout(request)                          # session.flush(): deletes the row\nresponse.delete_cookie(\"plain_user\")     # asks the browser, and no one else",
	}
}

// copyAndLogOut leaves a thief with the cookies as they came, and then logs out.
func copyAndLogOut(s *lessonStep) error {
	if !s.ready() {
		return s.to("do")
	}
	s.leaveCopy()
	return s.signOut("observe")
}

// gone reports whether this request brought none of the three.
func gone(s *lessonStep) bool {
	for _, f := range s.findings {
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

func sendTag(s *lessonStep) error {
	s.forget("tag")
	return tagLine(s, "set", tagSet)
}

// deleteTagWrongly deletes a cookie that does not exist: of another Path.
func deleteTagWrongly(s *lessonStep) error { return tagLine(s, "wrong", tagWrong) }

// deleteTag repeats the Path with which the cookie was set.
func deleteTag(s *lessonStep) error { return tagLine(s, "right", tagRight) }

func tagLine(s *lessonStep, step, line string) error {
	s.setCookie(line)
	s.note("tag", step)
	return s.to("board-path")
}

func tagView(s *lessonStep) (v closerView) {
	next := map[string]string{"": "set", "set": "wrong", "wrong": "right", "right": "set"}[s.fact("tag")]
	v.Tasks = []task{{Act: next, Label: s.word(next), Quiet: s.fact("tag") == "right"}}
	v.Board.Columns = []lessonColumn{{Title: s.word("line")}, {Title: s.word("then")}}
	for _, step := range []struct{ name, line string }{{"set", tagSet}, {"wrong", tagWrong}, {"right", tagRight}} {
		row := lessonRow{ID: "tag-" + step.name, Title: s.word("row." + step.name), Cells: []lessonCell{{}, s.cameCell("tag." + step.name)}}
		if s.fact("tag."+step.name) != "" {
			row.Cells[0].Value = "Set-Cookie: " + step.line
		}
		v.Board.Rows = append(v.Board.Rows, row)
	}
	return v
}
