// Lesson 2, plain: of a cookie only its name and value come back. What else the
// server said about it is for the browser.

package lessons

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"cookielab/handlers/course"
)

// The cookie of lesson 2, as the server sends it, and what should come back.
const (
	colourLine = "colour=green; Path=/; Max-Age=600; HttpOnly"
	colourPair = "colour=green"
)

// shadeLine is its twin, which a script may see.
const shadeLine = "shade=light; Path=/lessons/plain; Max-Age=600; SameSite=Lax"

// Plain is lesson 2.
func (lessons) Plain() course.Lesson {
	return course.Lesson{
		Number: 2, Slug: "plain", Minutes: 6, Answer: "C",
		Cookies: []*http.Cookie{{Name: "colour", Path: "/"}, {Name: "shade", Path: "/lessons/plain"}},
		Acts:    map[string]func(*course.Step) error{"set": setColour, "twin": setShade},
		Do: func(s *course.Step) []course.Task {
			if s.Fact("back") == "pair" {
				return []course.Task{{Label: s.Word("all")}}
			}
			return []course.Task{s.Task("set")}
		},
		Look: func(s *course.Step) {
			if s.Fact("set") == "" {
				return
			}
			back := colourBack(s.C.Request().Header["Cookie"])
			if s.Fact("back") != "pair" {
				s.Note("back", back)
			}
			aMinute := s.Now().Sub(s.At("set")) >= time.Minute
			if aMinute && back != "nothing" && s.Fact("later") == "" { // nothing: its ten minutes are over
				s.Note("later", back)
			}
		},
		Board: func(s *course.Step) course.Board {
			b := course.Board{Columns: []course.Column{{Title: s.Word("line")}}, Note: s.Word("grey")}
			sent := course.Row{ID: "sent", Title: s.Word("sent"), Note: "Set-Cookie", Cells: make([]course.Cell, 1)}
			if s.Fact("set") != "" {
				sent.Cells[0] = course.Cell{Text: s.Word("whole"), Value: colourLine}
			}
			b.Rows = []course.Row{sent, backRow(s, "back")}
			if s.Fact("later") != "" {
				b.Rows = append(b.Rows, backRow(s, "later"))
			}
			return b
		},
		Happened: func(s *course.Step) string {
			back := s.Fact("later")
			if back == "" {
				back = s.Fact("back")
			}
			return map[string]string{"line": "A", "aged": "B", "pair": "C"}[back]
		},
		Done: func(s *course.Step) bool { return s.Fact("back") == "pair" },
		Closer: map[string]func(*course.Step) course.View{
			"script": func(s *course.Step) course.View {
				row := course.Row{ID: "twin", Title: s.Word("sent"), Cells: make([]course.Cell, 1)}
				v := course.View{Tasks: []course.Task{s.Task("twin")}}
				if s.Fact("twin") != "" {
					row.Cells[0] = course.Cell{Value: shadeLine}
					v.Tasks = []course.Task{{Label: s.Word("ask"), Line: "cookieStore.getAll().then(all => console.table(all))"}}
				}
				v.Board = course.Board{Columns: []course.Column{{Title: s.Word("line")}}, Rows: []course.Row{row}}
				return v
			},
			"table": func(s *course.Step) course.View {
				return course.View{Tasks: []course.Task{{To: "/dashboard#attributes", Label: s.Word("table"), Quiet: true}}}
			},
		},
		Code:   []string{"lessons.setColour", "lessons.colourBack"},
		Django: "response.set_cookie(\"colour\", \"green\", max_age=600, httponly=True)   # Django adds Path=/ and Expires\nrequest.COOKIES[\"colour\"]                                           # \"green\": nothing else came",
	}
}

// setColour sets a cookie with three attributes.
func setColour(s *course.Step) error {
	s.SetCookie(colourLine)
	s.Forget("set", "back", "later")
	s.Note("set", "yes")
	return s.Done()
}

// colourBack tells what of that line stands in a request's Cookie headers: "pair",
// the whole "line", "aged" (its age came too), "nothing", or "other".
func colourBack(headers []string) string {
	ours := []string{"colour", "path", "max-age", "httponly"}
	var came []string
	for pair := range strings.SplitSeq(strings.Join(headers, ";"), ";") {
		name, _, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if slices.Contains(ours, strings.ToLower(name)) {
			came = append(came, strings.TrimSpace(pair))
		}
	}
	switch back := strings.Join(came, "; "); {
	case back == "":
		return "nothing"
	case back == colourPair:
		return "pair"
	case back == colourLine:
		return "line"
	case strings.HasPrefix(back, colourPair+"; Max-Age="):
		return "aged"
	}
	return "other"
}

// backRow is what came back, as it was written down under a name.
func backRow(s *course.Step, name string) course.Row {
	row := course.Row{ID: name, Title: s.Word(name), Note: "Cookie", Cells: make([]course.Cell, 1)}
	switch s.Fact(name) {
	case "":
	case "pair":
		row.Cells[0] = course.Cell{Code: "yes", Text: s.Word("only"), Value: colourPair}
	case "line":
		row.Cells[0] = course.Cell{Code: "no", Text: s.Word("whole"), Value: colourLine}
	case "nothing":
		row.Cells[0] = course.Cell{Code: "none", Text: s.Word("nothing")}
	default:
		row.Cells[0] = course.Cell{Code: "no", Text: s.Word("other")}
	}
	return row
}

// setShade sets a cookie that is not HttpOnly.
func setShade(s *course.Step) error {
	s.SetCookie(shadeLine)
	s.Note("twin", "set")
	return s.To("board-script")
}
