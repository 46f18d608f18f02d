// Lesson 1, forgets: two requests without a cookie are two strangers; with one,
// the second is somebody the server knows.

package lessons

import (
	"fmt"
	"net/http"
	"slices"

	"cookielab/handlers/course"
	"cookielab/handlers/diagram"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
)

// helloCookie is the name tag of lesson 1.
const helloCookie = "hello"

// Forgets is lesson 1.
func (lessons) Forgets() course.Lesson {
	return course.Lesson{
		Number: 1, Slug: "forgets", Minutes: 5, Short: true, Answer: "B",
		Cookies: []*http.Cookie{{Name: helloCookie, Path: "/lessons/forgets"}},
		Acts:    map[string]func(*course.Step) error{"ask": askWhoIAm, "tag": takeNameTag},
		Do: func(s *course.Step) []course.Task {
			switch {
			case s.Fact("second") == "":
				return []course.Task{s.Task("ask")}
			case s.Fact("tag") == "":
				return []course.Task{s.Task("tag")}
			case s.Fact("third") == "":
				return []course.Task{{Label: s.Word("tagged", locale.Args{"Number": s.Fact("tag")})}, {Act: "ask", Label: s.Word("again")}}
			}
			return []course.Task{{Label: s.Word("all")}}
		},
		Board: func(s *course.Step) course.Board {
			b := course.Board{
				Columns: []course.Column{{Title: s.Word("sent")}, {Title: s.Word("said")}},
				Note:    s.Word("grey"),
			}
			for _, request := range []string{"first", "second", "third"} {
				row := course.Row{ID: request, Title: s.Word(request), Cells: make([]course.Cell, 2)}
				switch seen := s.Fact(request); seen {
				case "":
				case "stranger":
					row.Note = markup.ClockTime(s.At(request))
					row.Cells[0] = course.Cell{Code: "none", Text: s.Word("nothing")}
					row.Cells[1] = course.Cell{Code: "no", Text: s.Word("stranger")}
				default:
					row.Note = markup.ClockTime(s.At(request))
					row.Cells[0] = course.Cell{Value: helloCookie + "=" + seen}
					row.Cells[1] = course.Cell{Code: "yes", Text: s.Word("known", locale.Args{"Number": seen})}
				}
				b.Rows = append(b.Rows, row)
			}
			return b
		},
		Happened: func(s *course.Step) string {
			switch s.Fact("second") {
			case "":
				return ""
			case "stranger":
				return "B"
			}
			return "A" // without a cookie, how?
		},
		Done: func(s *course.Step) bool {
			return s.Fact("second") == "stranger" && s.Fact("third") != "" && s.Fact("third") != "stranger"
		},
		Closer: map[string]func(*course.Step) course.View{"flows": bothFlows},
		Code:   []string{"lessons.askWhoIAm", "lessons.takeNameTag"},
		Django: "request.COOKIES.get(\"hello\")        # None: a stranger\nresponse.set_cookie(\"hello\", \"7\")    # from now on somebody",
	}
}

// bothFlows draws, from the wire, the last request that brought the name tag, and
// the last for which the server asked its store about a session.
func bothFlows(s *course.Step) (v course.View) {
	var flows [2]*notebook.Exchange
	for _, e := range s.Exchanges() {
		for cookie := range e.Cookies() {
			if cookie.Name == helloCookie && e.Method == http.MethodPost {
				flows[0] = e
			}
		}
		if e.Client == notebook.ClientBrowser && slices.ContainsFunc(e.Ops, notebook.OfSession) {
			flows[1] = e
		}
	}
	for i, e := range flows {
		if e != nil && e != flows[1-i] {
			v.Code = append(v.Code, diagram.Draw(s.W, []*notebook.Exchange{e}))
		}
	}
	return v
}

// askWhoIAm answers from nothing but what this request brought.
func askWhoIAm(s *course.Step) error {
	who, known := s.Carried(helloCookie)
	if !known {
		who = "stranger"
	}
	for _, request := range []string{"first", "second", "third"} {
		if s.Fact(request) == "" && (request != "third" || s.Fact("tag") != "") {
			s.Note(request, who)
			break
		}
	}
	return s.Done()
}

// takeNameTag gives the browser a cookie: a number, and nothing else.
func takeNameTag(s *course.Step) error {
	number := fmt.Sprint(1 + s.At("first").UnixMilli()%999)
	s.SetCookie(helloCookie + "=" + number + "; Path=/lessons/forgets; HttpOnly; SameSite=Lax")
	s.Note("tag", number)
	return s.Done()
}
