// Lesson 16, token: a browser adds cookies to a request by itself, and never a
// token. An API of the lesson's own takes orders, from the other site's form and
// from a program that holds the token.

package handlers

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/handlers/web"
	"cookielab/sessions"
)

const (
	playTokenPurpose = "play-token"
	playTokenAge     = time.Hour
	playTokenCookie  = "play_token_demo" // to see that cookies do go along
	playTokenSecret  = "token"           // in the hands of the program
	playAPI          = "/api"            // below playPath
)

// Token is lesson 16.
func (lessons) Token() lesson {
	return lesson{
		Number: 16, Slug: "token", Minutes: 8, Answer: "B", Why: []string{"token-stays"},
		Cookies: []*http.Cookie{{Name: playTokenCookie, Path: playPath}},
		Acts:    map[string]func(*lessonStep) error{"get": getPlayToken, "send": sendPlayToken, "end": endPlayToken},
		Do: func(s *lessonStep) []task {
			there, why := s.otherSite("/token")
			switch token := s.secret(playTokenSecret); {
			case s.fact("form.header") != "" && s.fact("program.status") != "":
				return []task{{Label: s.word("all")}}
			case why != nil:
				return []task{*why}
			case token == "":
				return []task{s.task("get")}
			case s.fact("form.header") == "":
				return []task{{To: there, Label: s.word("open")}, {Label: s.word("yours"), Line: lanes.TokenScheme + " " + token, Quiet: true}}
			}
			return []task{s.task("send")}
		},
		Board: func(s *lessonStep) lessonBoard {
			return lessonBoard{
				Columns: []lessonColumn{{Title: s.word("cookie")}, {Title: s.word("token")}, {Title: s.word("answer")}},
				Rows:    []lessonRow{orderRow(s, "form"), orderRow(s, "program")},
			}
		},
		Happened: func(s *lessonStep) string {
			switch s.fact("form.header") {
			case "came":
				return "A"
			case "stayed":
				return "B"
			}
			return ""
		},
		Done: func(s *lessonStep) bool {
			return s.lesson.Happened(s) == "B" && s.fact("form.status") == "401" && s.fact("program.status") == "200"
		},
		Closer:   map[string]func(*lessonStep) closerView{"kinds": endedToken, "where": tokenInStorage, "either": tokenOrSession},
		Sessions: playTokens,
		Play:     map[string]playHandler{"POST " + playAPI: playOrder},
		Code:     []string{"handlers.playOrder", "handlers.whoOrders"},
		Django:   "# settings: REST_FRAMEWORK = {\"DEFAULT_AUTHENTICATION_CLASSES\": [\"rest_framework.authentication.TokenAuthentication\"]}\ntoken, created = Token.objects.get_or_create(user=user)    # the client sends: Authorization: Token <token.key>",
	}
}

// playTokens makes the manager for the tokens of the lesson's API. They open nothing else.
func playTokens(set *lanes.Set, store sessions.Store) (*sessions.Manager, error) {
	options := set.Options(playTokenAge)
	options.Carrier = sessions.Authorization(lanes.TokenScheme)
	return sessions.New(sessions.Tokens(playTokenPurpose, store), options)
}

// getPlayToken hands a token to the program that the lab plays, and a cookie to
// the browser, for the same API.
func getPlayToken(s *lessonStep) error {
	token, err := s.own().Create(s.c.Request().Context(), func(token *sessions.Session) error {
		return token.Set(sessions.UserKey, s.playName())
	})
	if err != nil {
		return err
	}
	account := rand.Text()
	if err := s.newRun(map[string]string{runAccount: account}); err != nil {
		return err
	}
	s.setCookie(playTokenCookie + "=" + account + "; Path=" + playPath + "; Max-Age=3600; HttpOnly; SameSite=None; Secure")
	s.keepSecret(playTokenSecret, token.Key())
	s.forget("form.", "program.", "ended.")
	s.note("got", "yes")
	return s.done()
}

// sendPlayToken has the program send an order with the token that it holds.
func sendPlayToken(s *lessonStep) error {
	if err := order(s, "program"); err != nil {
		return err
	}
	return s.done()
}

// endPlayToken ends the token, and has the program send it once more.
func endPlayToken(s *lessonStep) error {
	token := s.secret(playTokenSecret)
	if token == "" || s.fact("program.status") == "" {
		return s.to("board-kinds")
	}
	if err := s.own().End(s.c.Request().Context(), sessions.KeyID(playTokenPurpose, token), 0); err != nil && !errors.Is(err, sessions.ErrNotFound) {
		return err
	}
	if err := order(s, "ended"); err != nil {
		return err
	}
	return s.to("board-kinds")
}

// order sends one as another program does; the API writes down what came.
func order(s *lessonStep, from string) error {
	token := s.secret(playTokenSecret)
	if token == "" {
		return nil
	}
	_, _, err := s.asAnother(http.MethodPost,
		playPath+playAPI+"?"+web.RunParam+"="+s.runKey()+"&"+fromParam+"="+from, "Authorization", lanes.TokenScheme+" "+token)
	return err
}

// playOrder serves POST /play/api: an order, for whoever sends a token that lives.
// Who says that they send it, and the cookie, are for the lesson's table alone.
func playOrder(p *play) error {
	row, ok := map[string]string{"other": "form", "program": "program", "ended": "ended"}[p.c.QueryParam(fromParam)]
	if !ok {
		return input.NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("lessons.no_act"))
	}
	user, err := whoOrders(p)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if user == "" {
		status = http.StatusUnauthorized
	}
	header := len(p.c.Request().Header["Authorization"]) > 0
	if err := p.witness(map[string]string{
		row + ".cookie": cameFact(p.came(playTokenCookie)), row + ".header": cameFact(header),
		row + ".status": strconv.Itoa(status), row + ".user": user,
	}); err != nil {
		return err
	}
	if user == "" {
		return refuseOrder(p, header)
	}
	return p.c.JSON(status, map[string]string{"user": user})
}

// whoOrders is whose token came in the header Authorization; "": nobody's. No
// cookie is asked.
func whoOrders(p *play) (string, error) {
	token, err := p.own().Load(p.c)
	if err != nil || token.Rejected() != nil {
		return "", err
	}
	return token.Text(sessions.UserKey), nil
}

// refuseOrder answers 401: a page where a browser asks for one, else JSON.
func refuseOrder(p *play, header bool) error {
	p.c.Response().Header().Set("WWW-Authenticate", lanes.TokenScheme)
	if !strings.Contains(p.c.Request().Header.Get("Accept"), "text/html") {
		return p.c.JSON(http.StatusUnauthorized, map[string]string{"error": "not_authenticated", "message": p.w.Text("error.not_authenticated")})
	}
	return p.show(http.StatusUnauthorized, playPage{
		Title: p.word("play.title"), Sentence: p.word("play.refused"), Refused: true,
		Came: []playCookie{
			{playTokenCookie, p.word("cookie"), p.came(playTokenCookie)},
			{"Authorization", p.word("header"), header},
		},
		Onward: []task{{To: "/lessons/token#observe", Label: p.w.Text("lessons.back_to_lesson")}},
	})
}

// orderRow is what came with an order, and what was answered.
func orderRow(s *lessonStep, row string) lessonRow {
	r := lessonRow{ID: row, Title: s.word("order." + row), Cells: make([]lessonCell, 3)}
	if s.fact(row+".status") == "" {
		return r
	}
	r.Cells[0], r.Cells[1] = s.cameCell(row+".cookie"), s.cameCell(row+".header")
	if row != "form" && s.fact(row+".cookie") == "stayed" {
		r.Cells[0].Text = s.word("no_cookie") // who has no jar leaves nothing at home
	}
	if s.fact(row+".header") == "stayed" {
		r.Cells[1].Text = s.word("no_header")
	}
	r.Cells[2] = lessonCell{Code: "no", Text: s.fact(row + ".status"), Detail: s.word("nobody")}
	if user := s.fact(row + ".user"); user != "" {
		r.Cells[2].Code, r.Cells[2].Detail = "yes", "OK: "+user
	}
	return r
}

// endedToken tries the token once more after its end.
func endedToken(s *lessonStep) (v closerView) {
	if s.fact("program.status") == "" {
		return v
	}
	if s.fact("ended.status") == "" {
		v.Tasks = []task{s.task("end")}
	}
	v.Board = lessonBoard{Columns: s.lesson.Board(s).Columns, Rows: []lessonRow{orderRow(s, "ended")}}
	return v
}

// tokenInStorage are lines for the console: what script stores, script reads.
func tokenInStorage(s *lessonStep) (v closerView) {
	token := s.secret(playTokenSecret)
	if token == "" {
		return v
	}
	v.Tasks = []task{
		{Label: s.word("store"), Line: `localStorage.setItem("play_token", "` + token + `"); localStorage.getItem("play_token")`},
		{Label: s.word("cookies"), Line: "document.cookie"},
		{Label: s.word("clean"), Line: `localStorage.removeItem("play_token")`},
	}
	return v
}

// tokenOrSession are lines for a terminal: the same address, asked with nothing,
// with a token, with the session of whoever is signed in.
func tokenOrSession(s *lessonStep) (v closerView) {
	host := s.c.Request().Host
	curl := s.curl()
	v.Tasks = []task{
		{Label: s.word("with_nothing"), Line: "curl -i 'http://" + host + "/api/whoami'"},
		{Label: s.word("with_token"), Line: curl.Get + "; " + curl.Ask},
	}
	if value := s.lanes.Values(s.c)[lanes.Session]; s.finding(lanes.Session).Verdict.Accepted() && value != "" {
		name := s.lanes.Sessions.Options().Name
		return closerView{Tasks: append(v.Tasks, task{Label: s.word("with_session"), Line: "curl -i -H 'Cookie: " + markup.Quoted(name+"="+value) + "' 'http://" + host + "/api/whoami'"})}
	}
	v.Tasks = append(v.Tasks, task{To: "/login?next=/lessons/token", Label: s.word("sign_in"), Quiet: true})
	return v
}
