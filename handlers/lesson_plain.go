// Lesson 2, plain: of a cookie only its name and value come back. What else the
// server said about it is for the browser.

package handlers

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// The cookie of lesson 2, as the server sends it, and what should come back.
const (
	colourLine = "colour=green; Path=/; Max-Age=600; HttpOnly"
	colourPair = "colour=green"
)

// shadeLine is its twin, which a script may see.
const shadeLine = "shade=light; Path=/lessons/plain; Max-Age=600; SameSite=Lax"

// Plain is lesson 2.
func (lessons) Plain() lesson {
	return lesson{
		Number: 2, Slug: "plain", Minutes: 6, Answer: "C",
		Cookies: []*http.Cookie{{Name: "colour", Path: "/"}, {Name: "shade", Path: "/lessons/plain"}},
		Acts:    map[string]func(*lessonStep) error{"set": setColour, "twin": setShade},
		Do: func(s *lessonStep) []task {
			if s.fact("back") == "pair" {
				return []task{{Label: s.word("all")}}
			}
			return []task{s.task("set")}
		},
		Look: func(s *lessonStep) {
			if s.fact("set") == "" {
				return
			}
			back := colourBack(s.c.Request().Header["Cookie"])
			if s.fact("back") != "pair" {
				s.note("back", back)
			}
			aMinute := s.now().Sub(s.at("set")) >= time.Minute
			if aMinute && back != "nothing" && s.fact("later") == "" { // nothing: its ten minutes are over
				s.note("later", back)
			}
		},
		Board: func(s *lessonStep) lessonBoard {
			b := lessonBoard{Columns: []lessonColumn{{Title: s.word("line")}}, Note: s.word("grey")}
			sent := lessonRow{ID: "sent", Title: s.word("sent"), Note: "Set-Cookie", Cells: make([]lessonCell, 1)}
			if s.fact("set") != "" {
				sent.Cells[0] = lessonCell{Text: s.word("whole"), Value: colourLine}
			}
			b.Rows = []lessonRow{sent, backRow(s, "back")}
			if s.fact("later") != "" {
				b.Rows = append(b.Rows, backRow(s, "later"))
			}
			return b
		},
		Happened: func(s *lessonStep) string {
			back := s.fact("later")
			if back == "" {
				back = s.fact("back")
			}
			return map[string]string{"line": "A", "aged": "B", "pair": "C"}[back]
		},
		Done: func(s *lessonStep) bool { return s.fact("back") == "pair" },
		Closer: map[string]func(*lessonStep) closerView{
			"script": func(s *lessonStep) closerView {
				row := lessonRow{ID: "twin", Title: s.word("sent"), Cells: make([]lessonCell, 1)}
				v := closerView{Tasks: []task{s.task("twin")}}
				if s.fact("twin") != "" {
					row.Cells[0] = lessonCell{Value: shadeLine}
					v.Tasks = []task{{Label: s.word("ask"), Line: "cookieStore.getAll().then(all => console.table(all))"}}
				}
				v.Board = lessonBoard{Columns: []lessonColumn{{Title: s.word("line")}}, Rows: []lessonRow{row}}
				return v
			},
			"table": func(s *lessonStep) closerView {
				return closerView{Tasks: []task{{To: "/dashboard#attributes", Label: s.word("table"), Quiet: true}}}
			},
		},
		Code:   []string{"handlers.setColour", "handlers.colourBack"},
		Django: "response.set_cookie(\"colour\", \"green\", max_age=600, httponly=True)   # Django adds Path=/ and Expires\nrequest.COOKIES[\"colour\"]                                           # \"green\": nothing else came",
	}
}

// setColour sets a cookie with three attributes.
func setColour(s *lessonStep) error {
	s.setCookie(colourLine)
	s.forget("set", "back", "later")
	s.note("set", "yes")
	return s.done()
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
func backRow(s *lessonStep, name string) lessonRow {
	row := lessonRow{ID: name, Title: s.word(name), Note: "Cookie", Cells: make([]lessonCell, 1)}
	switch s.fact(name) {
	case "":
	case "pair":
		row.Cells[0] = lessonCell{Code: "yes", Text: s.word("only"), Value: colourPair}
	case "line":
		row.Cells[0] = lessonCell{Code: "no", Text: s.word("whole"), Value: colourLine}
	case "nothing":
		row.Cells[0] = lessonCell{Code: "none", Text: s.word("nothing")}
	default:
		row.Cells[0] = lessonCell{Code: "no", Text: s.word("other")}
	}
	return row
}

// setShade sets a cookie that is not HttpOnly.
func setShade(s *lessonStep) error {
	s.setCookie(shadeLine)
	s.note("twin", "set")
	return s.to("board-script")
}
