// Lesson 1, forgets: two requests without a cookie are two strangers; with one,
// the second is somebody the server knows.

package handlers

import (
	"fmt"
	"net/http"
	"slices"

	"cookielab/handlers/diagram"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
)

// helloCookie is the name tag of lesson 1.
const helloCookie = "hello"

// Forgets is lesson 1.
func (lessons) Forgets() lesson {
	return lesson{
		Number: 1, Slug: "forgets", Minutes: 5, Short: true, Answer: "B",
		Cookies: []*http.Cookie{{Name: helloCookie, Path: "/lessons/forgets"}},
		Acts:    map[string]func(*lessonStep) error{"ask": askWhoIAm, "tag": takeNameTag},
		Do: func(s *lessonStep) []task {
			switch {
			case s.fact("second") == "":
				return []task{s.task("ask")}
			case s.fact("tag") == "":
				return []task{s.task("tag")}
			case s.fact("third") == "":
				return []task{{Label: s.word("tagged", locale.Args{"Number": s.fact("tag")})}, {Act: "ask", Label: s.word("again")}}
			}
			return []task{{Label: s.word("all")}}
		},
		Board: func(s *lessonStep) lessonBoard {
			b := lessonBoard{
				Columns: []lessonColumn{{Title: s.word("sent")}, {Title: s.word("said")}},
				Note:    s.word("grey"),
			}
			for _, request := range []string{"first", "second", "third"} {
				row := lessonRow{ID: request, Title: s.word(request), Cells: make([]lessonCell, 2)}
				switch seen := s.fact(request); seen {
				case "":
				case "stranger":
					row.Note = markup.ClockTime(s.at(request))
					row.Cells[0] = lessonCell{Code: "none", Text: s.word("nothing")}
					row.Cells[1] = lessonCell{Code: "no", Text: s.word("stranger")}
				default:
					row.Note = markup.ClockTime(s.at(request))
					row.Cells[0] = lessonCell{Value: helloCookie + "=" + seen}
					row.Cells[1] = lessonCell{Code: "yes", Text: s.word("known", locale.Args{"Number": seen})}
				}
				b.Rows = append(b.Rows, row)
			}
			return b
		},
		Happened: func(s *lessonStep) string {
			switch s.fact("second") {
			case "":
				return ""
			case "stranger":
				return "B"
			}
			return "A" // without a cookie, how?
		},
		Done: func(s *lessonStep) bool {
			return s.fact("second") == "stranger" && s.fact("third") != "" && s.fact("third") != "stranger"
		},
		Closer: map[string]func(*lessonStep) closerView{"flows": bothFlows},
		Code:   []string{"handlers.askWhoIAm", "handlers.takeNameTag"},
		Django: "request.COOKIES.get(\"hello\")        # None: a stranger\nresponse.set_cookie(\"hello\", \"7\")    # from now on somebody",
	}
}

// bothFlows draws, from the wire, the last request that brought the name tag, and
// the last for which the server asked its store about a session.
func bothFlows(s *lessonStep) (v closerView) {
	var flows [2]*notebook.Exchange
	for _, e := range s.exchanges() {
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
			v.Code = append(v.Code, diagram.Draw(s.w, []*notebook.Exchange{e}))
		}
	}
	return v
}

// askWhoIAm answers from nothing but what this request brought.
func askWhoIAm(s *lessonStep) error {
	who, known := s.carried(helloCookie)
	if !known {
		who = "stranger"
	}
	for _, request := range []string{"first", "second", "third"} {
		if s.fact(request) == "" && (request != "third" || s.fact("tag") != "") {
			s.note(request, who)
			break
		}
	}
	return s.done()
}

// takeNameTag gives the browser a cookie: a number, and nothing else.
func takeNameTag(s *lessonStep) error {
	number := fmt.Sprint(1 + s.at("first").UnixMilli()%999)
	s.setCookie(helloCookie + "=" + number + "; Path=/lessons/forgets; HttpOnly; SameSite=Lax")
	s.note("tag", number)
	return s.done()
}
