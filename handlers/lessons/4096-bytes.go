// Lesson 5, 4096-bytes: a cookie that is too big is ignored whole, and the old one
// stays. How many cookies fit is tried on a host of its own, bulkHost.

package lessons

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/course"
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
func (lessons) Bytes() course.Lesson {
	l := course.Lesson{
		Number: 5, Slug: "4096-bytes", Minutes: 6, Answer: "C", Why: []string{"ignored"},
		Cookies: []*http.Cookie{{Name: "big", Path: bytesPath}, {Name: "z", Path: bytesPath}},
		Acts:    map[string]func(*course.Step) error{"bulk": beginBulk},
		Do: func(s *course.Step) []course.Task {
			switch {
			case s.Fact("came.full") == "":
				return []course.Task{s.Task("full")}
			case s.Fact("came.more") == "":
				return []course.Task{s.Task("more")}
			}
			return []course.Task{{Label: s.Word("all")}}
		},
		Look: func(s *course.Step) {
			for _, f := range fillings {
				if s.Fact("sent."+f.id) != "" && s.Fact("came."+f.id) == "" {
					s.Note("came."+f.id, filledWith(s, f.cookie))
				}
			}
		},
		Board: func(s *course.Step) course.Board { return fillingBoard(s, fillings[:2]) },
		Happened: func(s *course.Step) string {
			if s.Fact("came.full") != "4096 a" {
				return ""
			}
			return map[string]string{"4096 b": "A", "nothing": "B", "4096 a": "C"}[s.Fact("came.more")]
		},
		Done: func(s *course.Step) bool { return s.Fact("came.full") == "4096 a" && s.Fact("came.more") == "4096 a" },
		Closer: map[string]func(*course.Step) course.View{
			"characters": func(s *course.Step) course.View {
				v := course.View{Tasks: []course.Task{s.Task("han")}, Board: fillingBoard(s, fillings[2:])}
				switch {
				case s.Fact("came.han-more") != "":
					v.Tasks = []course.Task{{Label: s.Word("all-han")}}
				case s.Fact("came.han") != "":
					v.Tasks = []course.Task{s.Task("han-more")}
				}
				return v
			},
			"limit": bulkCloser,
		},
		Play:   map[string]course.PlayHandler{"GET /bulk": playBulk, "GET /bulk/count": playBulkCount},
		Code:   []string{"lessons.filling.set", "lessons.filledWith"},
		Django: "response.set_cookie(\"big\", \"b\" * 4094)   # no error: Django does not count, and the browser says nothing\nrequest.COOKIES[\"big\"]                  # in the next request: still the old value",
	}
	for _, f := range fillings {
		l.Acts[f.id] = f.set
	}
	return l
}

// set sends the cookie; what the browser did with it shows the next request. Where
// the one is gone that it was to replace, that one is sent again.
func (f filling) set(s *course.Step) error {
	for _, old := range fillings {
		if old.id == f.over && filledWith(s, f.cookie) != old.whole() {
			f = old
			break
		}
	}
	s.SetCookie(f.cookie + "=" + strings.Repeat(f.character, f.count) + "; Path=" + bytesPath + "; HttpOnly; SameSite=Lax")
	s.Forget("came." + f.id)
	s.Note("sent."+f.id, strconv.Itoa(f.bytes()))
	return s.To(f.shown)
}

// filledWith tells what came under a cookie's name: how many bytes, with the name,
// and of which character, as "4096 a"; or "nothing".
func filledWith(s *course.Step, cookie string) string {
	value, came := s.Carried(cookie)
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
func fillingBoard(s *course.Step, shown []filling) course.Board {
	b := course.Board{Columns: []course.Column{{Title: s.Word("sent")}, {Title: s.Word("came")}}}
	begins := func(cookie, character string) string { return cookie + "=" + strings.Repeat(character, 6) + "…" }
	for _, f := range shown {
		row := course.Row{ID: f.id, Title: s.Word("row-" + f.id), Cells: make([]course.Cell, 2)}
		if s.Fact("sent."+f.id) != "" {
			row.Cells[0] = course.Cell{
				Text: s.Word("bytes", locale.Args{"Bytes": f.bytes()}), Value: begins(f.cookie, f.character),
				Detail: s.Word("made", locale.Args{"Name": len(f.cookie), "Count": f.count, "Character": f.character}),
			}
			if len(f.character) > 1 {
				row.Cells[0].Detail = s.Word("made-han", locale.Args{"Name": len(f.cookie), "Count": f.count, "Character": f.character})
			}
		}
		came := s.Fact("came." + f.id)
		size, character, _ := strings.Cut(came, " ")
		switch {
		case came == "":
		case came == "nothing":
			row.Cells[1] = course.Cell{Code: "none", Text: s.Word("nothing")}
		case came == f.whole():
			row.Cells[1] = course.Cell{Code: "yes", Text: s.Word("bytes", locale.Args{"Bytes": size}), Value: begins(f.cookie, character), Detail: s.Word("kept")}
		case character == f.character || character == "?":
			row.Cells[1] = course.Cell{Code: "no", Text: s.Word("bytes", locale.Args{"Bytes": size}), Detail: s.Word("other")}
		default:
			row.Cells[1] = course.Cell{Code: "no", Text: s.Word("bytes", locale.Args{"Bytes": size}), Value: begins(f.cookie, character), Detail: s.Word("old")}
		}
		b.Rows = append(b.Rows, row)
	}
	return b
}

const (
	bulkHost = "bulk.localhost"
	bulkSent = 181 // one more than Chromium and Firefox keep of a site
)

// beginBulk begins a run, so that the throw-away host can say whose count it is.
func beginBulk(s *course.Step) error {
	if err := s.NewRun(map[string]string{course.RunHome: s.C.Request().Host}); err != nil {
		return err
	}
	s.Forget("bulk.")
	return s.To("board-limit")
}

// bulkCloser leads there, and shows what was counted.
func bulkCloser(s *course.Step) (v course.View) {
	row := course.Row{ID: "bulk", Title: bulkHost, Note: s.Fact("bulk.browser"), Cells: make([]course.Cell, 2)}
	if came, err := strconv.Atoi(s.Fact("bulk.came")); err == nil {
		row.Cells[0] = course.Cell{Text: s.Word("cookies", locale.Args{"Count": bulkSent})}
		row.Cells[1] = course.Cell{Code: "no", Text: s.Word("cookies", locale.Args{"Count": came}), Detail: bulkGone(&s.Visit, s.Fact("bulk.oldest"), came)}
		if came == bulkSent {
			row.Cells[1].Code = "yes"
		}
	}
	v.Board = course.Board{Columns: []course.Column{{Title: s.Word("sent")}, {Title: s.Word("came")}}, Rows: []course.Row{row}}
	host, _, _ := input.SplitHost(s.C.Request().Host)
	switch {
	case !input.IsLoopbackName(host):
		v.Tasks = []course.Task{{Label: s.Word("local")}}
	case s.RunKey() == "":
		v.Tasks = []course.Task{s.Task("bulk")}
	default:
		there := "http://" + bulkHost + ":" + input.LocalPort(s.C.Request()) + course.PlayPath + "/bulk?" + url.Values{web.RunParam: {s.RunKey()}}.Encode()
		v.Tasks = []course.Task{{To: there, Label: s.Word("go"), Quiet: s.Fact("bulk.came") != ""}}
	}
	return v
}

// bulkGone says which are gone.
func bulkGone(v *course.Visit, oldest string, came int) string {
	switch {
	case came == bulkSent:
		return v.Word("none-gone")
	case oldest == strconv.Itoa(bulkSent-came):
		return v.Word("oldest-gone", locale.Args{"Count": oldest, "Last": bulkName(bulkSent - came)})
	}
	return v.Word("some-gone", locale.Args{"Count": bulkSent - came})
}

func bulkName(number int) string { return fmt.Sprintf("play_%03d", number) }

// playBulk throws the cookies into the jar, after deleting what is left of the last
// time: by Expires alone. After Max-Age=0, Firefox 153 was seen to push out fewer of
// the new ones, as if some that were just ended still took up room.
func playBulk(p *course.Play) error {
	if err := onBulkHost(p.C); err != nil {
		return err
	}
	h := p.C.Response().Header()
	for number := 1; number <= bulkSent; number++ {
		if len(sessions.RawCookies(p.C.Request(), bulkName(number))) > 0 {
			h.Add("Set-Cookie", bulkName(number)+"=; Path="+course.PlayPath+"; Expires="+markup.Epoch.UTC().Format(http.TimeFormat))
		}
	}
	for number := 1; number <= bulkSent; number++ {
		h.Add("Set-Cookie", bulkName(number)+"=1; Path="+course.PlayPath+"; Max-Age=120; HttpOnly; SameSite=Lax")
	}
	return p.C.Redirect(http.StatusSeeOther, course.PlayPath+"/bulk/count?"+url.Values{web.RunParam: {p.C.QueryParam(web.RunParam)}}.Encode())
}

// playBulkCount counts what came back, and writes it down.
func playBulkCount(p *course.Play) error {
	if err := onBulkHost(p.C); err != nil {
		return err
	}
	came, oldest := 0, 0 // how many came, and how many of the first did not
	for number := 1; number <= bulkSent; number++ {
		if len(sessions.RawCookies(p.C.Request(), bulkName(number))) > 0 {
			came++
		} else if came == 0 {
			oldest++
		}
	}
	if came > 0 || !p.Run.Has("bulk.came") { // after two minutes none comes, and that is not what is counted
		if err := p.Witness(map[string]string{"bulk.came": strconv.Itoa(came), "bulk.oldest": strconv.Itoa(oldest), "bulk.browser": p.Browser()}); err != nil {
			return err
		}
	}
	return p.ShowAlone(course.PlayPage{
		Title:    bulkHost,
		Sentence: p.Word("counted", locale.Args{"Sent": bulkSent, "Came": came, "Gone": bulkGone(&p.Visit, strconv.Itoa(oldest), came)}),
		Onward:   []course.Task{{To: "http://" + p.Run.Text(course.RunHome) + bytesPath + "#board-limit", Label: p.W.Text("lessons.back_to_lesson")}},
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
