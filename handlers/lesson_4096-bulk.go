// The throw-away host of lesson 5: for a browser every NAME.localhost is a site of
// its own, so 181 cookies can be thrown into that jar, and no other loses any.

package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/sessions"
)

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
		row.Cells[1] = lessonCell{Code: "no", Text: s.word("cookies", locale.Args{"Count": came}), Detail: s.bulkGone(s.fact("bulk.oldest"), came)}
		if came == bulkSent {
			row.Cells[1].Code = "yes"
		}
	}
	v.Board = lessonBoard{Columns: []lessonColumn{{Title: s.word("sent")}, {Title: s.word("came")}}, Rows: []lessonRow{row}}
	host, _, _ := input.SplitHost(s.c.Request().Host)
	switch {
	case !input.IsLoopbackName(host):
		v.Tasks = []task{{Label: s.word("local")}}
	case s.notes.Run == "":
		v.Tasks = []task{s.task("bulk")}
	default:
		there := "http://" + bulkHost + ":" + input.LocalPort(s.c.Request()) + playPath + "/bulk?" + url.Values{runParam: {s.notes.Run}}.Encode()
		v.Tasks = []task{{To: there, Label: s.word("go"), Quiet: s.fact("bulk.came") != ""}}
	}
	return v
}

// bulkGone says which are gone.
func (s *lessonStep) bulkGone(oldest string, came int) string {
	switch {
	case came == bulkSent:
		return s.word("none-gone")
	case oldest == strconv.Itoa(bulkSent-came):
		return s.word("oldest-gone", locale.Args{"Count": oldest, "Last": bulkName(bulkSent - came)})
	}
	return s.word("some-gone", locale.Args{"Count": bulkSent - came})
}

func bulkName(number int) string { return fmt.Sprintf("play_%03d", number) }

// playBulk throws the cookies into the jar, after deleting what is left of the last
// time: by Expires alone. After Max-Age=0, Firefox 153 was seen to push out fewer of
// the new ones, as if some that were just ended still took up room.
func (lab *Lab) playBulk(c echo.Context, _ *sessions.Session) error {
	if err := onBulkHost(c); err != nil {
		return err
	}
	h := c.Response().Header()
	for number := 1; number <= bulkSent; number++ {
		if len(sessions.RawCookies(c.Request(), bulkName(number))) > 0 {
			h.Add("Set-Cookie", bulkName(number)+"=; Path="+playPath+"; Expires="+markup.Epoch.UTC().Format(http.TimeFormat))
		}
	}
	for number := 1; number <= bulkSent; number++ {
		h.Add("Set-Cookie", bulkName(number)+"=1; Path="+playPath+"; Max-Age=120; HttpOnly; SameSite=Lax")
	}
	return c.Redirect(http.StatusSeeOther, playPath+"/bulk/count?"+url.Values{runParam: {c.QueryParam(runParam)}}.Encode())
}

// playBulkCount counts what came back, and writes it down.
func (lab *Lab) playBulkCount(c echo.Context, run *sessions.Session) error {
	if err := onBulkHost(c); err != nil {
		return err
	}
	s := &lessonStep{lab: lab, c: c, w: lab.words(c), text: lab.playText(c, bytesSlug)}
	came, oldest := 0, 0 // how many came, and how many of the first did not
	for number := 1; number <= bulkSent; number++ {
		if len(sessions.RawCookies(c.Request(), bulkName(number))) > 0 {
			came++
		} else if came == 0 {
			oldest++
		}
	}
	if came > 0 || !run.Has("bulk.came") { // after two minutes none comes, and that is not what is counted
		if err := lab.witness(run, map[string]string{"bulk.came": strconv.Itoa(came), "bulk.oldest": strconv.Itoa(oldest), "bulk.browser": s.browser()}); err != nil {
			return err
		}
	}
	p := playPage{
		Page: lab.page(c, locale.Msg("lessons.title")), Title: bulkHost,
		Sentence: s.word("counted", locale.Args{"Sent": bulkSent, "Came": came, "Gone": s.bulkGone(strconv.Itoa(oldest), came)}),
		Onward:   []task{{To: "http://" + run.Text(runHome) + bytesPath + "#board-limit", Label: s.w.Text("lessons.back_to_lesson")}},
	}
	p.Name = bulkHost + " · " + labName
	p.Presenting = true // without the lab's menu: here, it would lead to a lab that knows nobody
	return lab.render(c, http.StatusOK, "play", p)
}

// onBulkHost refuses to do it anywhere else: the lab's own cookies would be among
// those that are pushed out.
func onBulkHost(c echo.Context) error {
	if host, _, _ := input.SplitHost(c.Request().Host); host != bulkHost {
		return echo.ErrNotFound
	}
	return nil
}
