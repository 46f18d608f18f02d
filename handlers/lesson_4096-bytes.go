// Lesson 5, 4096-bytes: a cookie that is too big is ignored whole, and the old one
// stays. How many cookies fit is tried on a host of its own: lesson_4096-bulk.go.

package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/handlers/web"
	"cookielab/sessions"
)

const bytesPath = "/lessons/4096-bytes"

// filling is a cookie of this lesson: a name, and one character so many times.
type filling struct {
	id, cookie, character string
	count                 int
	over                  string // the filling that it is to replace; "": none
	shown                 string // the part of the page that shows it
}

// fillings are the four: just as big as a cookie may be, and a character more; of
// characters of one byte, and of three.
var fillings = []filling{
	{"full", "big", "a", sessions.MaxCookie - len("big"), "", "observe"},
	{"more", "big", "b", sessions.MaxCookie - len("big") + 1, "full", "observe"},
	{"han", "z", "汉", (sessions.MaxCookie - len("z")) / len("汉"), "", "board-characters"},
	{"han-more", "z", "字", (sessions.MaxCookie-len("z"))/len("字") + 1, "han", "board-characters"},
}

// Bytes is lesson 5.
func (lessons) Bytes() lesson {
	l := lesson{
		Number: 5, Slug: "4096-bytes", Minutes: 6, Answer: "C", Why: []string{"ignored"},
		Cookies: []*http.Cookie{{Name: "big", Path: bytesPath}, {Name: "z", Path: bytesPath}},
		Acts:    map[string]func(*lessonStep) error{"bulk": beginBulk},
		Do: func(s *lessonStep) []task {
			switch {
			case s.fact("came.full") == "":
				return []task{s.task("full")}
			case s.fact("came.more") == "":
				return []task{s.task("more")}
			}
			return []task{{Label: s.word("all")}}
		},
		Look: func(s *lessonStep) {
			for _, f := range fillings {
				if s.fact("sent."+f.id) != "" && s.fact("came."+f.id) == "" {
					s.note("came."+f.id, filledWith(s, f.cookie))
				}
			}
		},
		Board: func(s *lessonStep) lessonBoard { return fillingBoard(s, fillings[:2]) },
		Happened: func(s *lessonStep) string {
			if s.fact("came.full") != "4096 a" {
				return ""
			}
			return map[string]string{"4096 b": "A", "nothing": "B", "4096 a": "C"}[s.fact("came.more")]
		},
		Done: func(s *lessonStep) bool { return s.fact("came.full") == "4096 a" && s.fact("came.more") == "4096 a" },
		Closer: map[string]func(*lessonStep) closerView{
			"characters": func(s *lessonStep) closerView {
				v := closerView{Tasks: []task{s.task("han")}, Board: fillingBoard(s, fillings[2:])}
				switch {
				case s.fact("came.han-more") != "":
					v.Tasks = []task{{Label: s.word("all-han")}}
				case s.fact("came.han") != "":
					v.Tasks = []task{s.task("han-more")}
				}
				return v
			},
			"limit": bulkCloser,
		},
		Play:   map[string]playHandler{"GET /bulk": playBulk, "GET /bulk/count": playBulkCount},
		Code:   []string{"handlers.filling.set", "handlers.filledWith"},
		Django: "response.set_cookie(\"big\", \"b\" * 4094)   # no error: Django does not count, and the browser says nothing\nrequest.COOKIES[\"big\"]                  # in the next request: still the old value",
	}
	for _, f := range fillings {
		l.Acts[f.id] = f.set
	}
	return l
}

// set sends the cookie; what the browser did with it shows the next request. Where
// the one is gone that it was to replace, that one is sent again.
func (f filling) set(s *lessonStep) error {
	for _, old := range fillings {
		if old.id == f.over && filledWith(s, f.cookie) != old.whole() {
			f = old
			break
		}
	}
	s.setCookie(f.cookie + "=" + strings.Repeat(f.character, f.count) + "; Path=" + bytesPath + "; HttpOnly; SameSite=Lax")
	s.forget("came." + f.id)
	s.note("sent."+f.id, strconv.Itoa(f.bytes()))
	return s.to(f.shown)
}

// filledWith tells what came under a cookie's name: how many bytes, with the name,
// and of which character, as "4096 a"; or "nothing".
func filledWith(s *lessonStep, cookie string) string {
	value, came := s.carried(cookie)
	if !came {
		return "nothing"
	}
	character := "?" // somebody else's
	for _, f := range fillings {
		if f.cookie == cookie && strings.Trim(value, f.character) == "" {
			character = f.character
		}
	}
	return fmt.Sprintf("%d %s", len(cookie)+len(value), character)
}

// bytes is the size of the cookie: of name and value.
func (f filling) bytes() int { return len(f.cookie) + len(f.character)*f.count }

// whole is what filledWith tells when all of it came.
func (f filling) whole() string { return fmt.Sprintf("%d %s", f.bytes(), f.character) }

// fillingBoard shows what was sent, and what came back.
func fillingBoard(s *lessonStep, shown []filling) lessonBoard {
	b := lessonBoard{Columns: []lessonColumn{{Title: s.word("sent")}, {Title: s.word("came")}}}
	begins := func(cookie, character string) string { return cookie + "=" + strings.Repeat(character, 6) + "…" }
	for _, f := range shown {
		row := lessonRow{ID: f.id, Title: s.word("row-" + f.id), Cells: make([]lessonCell, 2)}
		if s.fact("sent."+f.id) != "" {
			row.Cells[0] = lessonCell{
				Text: s.word("bytes", locale.Args{"Bytes": f.bytes()}), Value: begins(f.cookie, f.character),
				Detail: s.word("made", locale.Args{"Name": len(f.cookie), "Count": f.count, "Character": f.character}),
			}
			if len(f.character) > 1 {
				row.Cells[0].Detail = s.word("made-han", locale.Args{"Name": len(f.cookie), "Count": f.count, "Character": f.character})
			}
		}
		came := s.fact("came." + f.id)
		size, character, _ := strings.Cut(came, " ")
		switch {
		case came == "":
		case came == "nothing":
			row.Cells[1] = lessonCell{Code: "none", Text: s.word("nothing")}
		case came == f.whole():
			row.Cells[1] = lessonCell{Code: "yes", Text: s.word("bytes", locale.Args{"Bytes": size}), Value: begins(f.cookie, character), Detail: s.word("kept")}
		case character == f.character || character == "?":
			row.Cells[1] = lessonCell{Code: "no", Text: s.word("bytes", locale.Args{"Bytes": size}), Detail: s.word("other")}
		default:
			row.Cells[1] = lessonCell{Code: "no", Text: s.word("bytes", locale.Args{"Bytes": size}), Value: begins(f.cookie, character), Detail: s.word("old")}
		}
		b.Rows = append(b.Rows, row)
	}
	return b
}

// The throw-away host: for a browser every NAME.localhost is a site of its own, so 181
// cookies can be thrown into that jar, and no other loses any.

const (
	bulkHost = "bulk.localhost"
	bulkSent = 181 // one more than Chromium and Firefox keep of a site
)

// beginBulk begins a run, so that the throw-away host can say whose count it is.
func beginBulk(s *lessonStep) error {
	if err := s.newRun(map[string]string{runHome: s.c.Request().Host}); err != nil {
		return err
	}
	s.forget("bulk.")
	return s.to("board-limit")
}

// bulkCloser leads there, and shows what was counted.
func bulkCloser(s *lessonStep) (v closerView) {
	row := lessonRow{ID: "bulk", Title: bulkHost, Note: s.fact("bulk.browser"), Cells: make([]lessonCell, 2)}
	if came, err := strconv.Atoi(s.fact("bulk.came")); err == nil {
		row.Cells[0] = lessonCell{Text: s.word("cookies", locale.Args{"Count": bulkSent})}
		row.Cells[1] = lessonCell{Code: "no", Text: s.word("cookies", locale.Args{"Count": came}), Detail: bulkGone(&s.visit, s.fact("bulk.oldest"), came)}
		if came == bulkSent {
			row.Cells[1].Code = "yes"
		}
	}
	v.Board = lessonBoard{Columns: []lessonColumn{{Title: s.word("sent")}, {Title: s.word("came")}}, Rows: []lessonRow{row}}
	host, _, _ := input.SplitHost(s.c.Request().Host)
	switch {
	case !input.IsLoopbackName(host):
		v.Tasks = []task{{Label: s.word("local")}}
	case s.runKey() == "":
		v.Tasks = []task{s.task("bulk")}
	default:
		there := "http://" + bulkHost + ":" + input.LocalPort(s.c.Request()) + playPath + "/bulk?" + url.Values{web.RunParam: {s.runKey()}}.Encode()
		v.Tasks = []task{{To: there, Label: s.word("go"), Quiet: s.fact("bulk.came") != ""}}
	}
	return v
}

// bulkGone says which are gone.
func bulkGone(v *visit, oldest string, came int) string {
	switch {
	case came == bulkSent:
		return v.word("none-gone")
	case oldest == strconv.Itoa(bulkSent-came):
		return v.word("oldest-gone", locale.Args{"Count": oldest, "Last": bulkName(bulkSent - came)})
	}
	return v.word("some-gone", locale.Args{"Count": bulkSent - came})
}

func bulkName(number int) string { return fmt.Sprintf("play_%03d", number) }

// playBulk throws the cookies into the jar, after deleting what is left of the last
// time: by Expires alone. After Max-Age=0, Firefox 153 was seen to push out fewer of
// the new ones, as if some that were just ended still took up room.
func playBulk(p *play) error {
	if err := onBulkHost(p.c); err != nil {
		return err
	}
	h := p.c.Response().Header()
	for number := 1; number <= bulkSent; number++ {
		if len(sessions.RawCookies(p.c.Request(), bulkName(number))) > 0 {
			h.Add("Set-Cookie", bulkName(number)+"=; Path="+playPath+"; Expires="+markup.Epoch.UTC().Format(http.TimeFormat))
		}
	}
	for number := 1; number <= bulkSent; number++ {
		h.Add("Set-Cookie", bulkName(number)+"=1; Path="+playPath+"; Max-Age=120; HttpOnly; SameSite=Lax")
	}
	return p.c.Redirect(http.StatusSeeOther, playPath+"/bulk/count?"+url.Values{web.RunParam: {p.c.QueryParam(web.RunParam)}}.Encode())
}

// playBulkCount counts what came back, and writes it down.
func playBulkCount(p *play) error {
	if err := onBulkHost(p.c); err != nil {
		return err
	}
	came, oldest := 0, 0 // how many came, and how many of the first did not
	for number := 1; number <= bulkSent; number++ {
		if len(sessions.RawCookies(p.c.Request(), bulkName(number))) > 0 {
			came++
		} else if came == 0 {
			oldest++
		}
	}
	if came > 0 || !p.run.Has("bulk.came") { // after two minutes none comes, and that is not what is counted
		if err := p.witness(map[string]string{"bulk.came": strconv.Itoa(came), "bulk.oldest": strconv.Itoa(oldest), "bulk.browser": p.browser()}); err != nil {
			return err
		}
	}
	return p.showAlone(playPage{
		Title:    bulkHost,
		Sentence: p.word("counted", locale.Args{"Sent": bulkSent, "Came": came, "Gone": bulkGone(&p.visit, strconv.Itoa(oldest), came)}),
		Onward:   []task{{To: "http://" + p.run.Text(runHome) + bytesPath + "#board-limit", Label: p.w.Text("lessons.back_to_lesson")}},
	})
}

// onBulkHost refuses to do it anywhere else: the lab's own cookies would be among
// those that are pushed out.
func onBulkHost(c echo.Context) error {
	if host, _, _ := input.SplitHost(c.Request().Host); host != bulkHost {
		return echo.ErrNotFound
	}
	return nil
}
