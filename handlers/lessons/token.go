// Lesson 16, token: a browser adds cookies to a request by itself, and never a
// token. An API of the lesson's own takes orders, from the other site's form and
// from a program that holds the token.

package lessons

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cookielab/handlers/course"
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
	playAPI          = "/api"            // below PlayPath
)

// Token is lesson 16.
func (lessons) Token() course.Lesson {
	return course.Lesson{
		Number: 16, Slug: "token", Minutes: 8, Answer: "B", Why: []string{"token-stays"},
		Cookies: []*http.Cookie{{Name: playTokenCookie, Path: course.PlayPath}},
		Acts:    map[string]func(*course.Step) error{"get": getPlayToken, "send": sendPlayToken, "end": endPlayToken},
		Do: func(s *course.Step) []course.Task {
			there, why := s.OtherSite("/token")
			switch token := s.Secret(playTokenSecret); {
			case s.Fact("form.header") != "" && s.Fact("program.status") != "":
				return []course.Task{{Label: s.Word("all")}}
			case why != nil:
				return []course.Task{*why}
			case token == "":
				return []course.Task{s.Task("get")}
			case s.Fact("form.header") == "":
				return []course.Task{{To: there, Label: s.Word("open")}, {Label: s.Word("yours"), Line: lanes.TokenScheme + " " + token, Quiet: true}}
			}
			return []course.Task{s.Task("send")}
		},
		Board: func(s *course.Step) course.Board {
			return course.Board{
				Columns: []course.Column{{Title: s.Word("cookie")}, {Title: s.Word("token")}, {Title: s.Word("answer")}},
				Rows:    []course.Row{orderRow(s, "form"), orderRow(s, "program")},
			}
		},
		Happened: func(s *course.Step) string {
			switch s.Fact("form.header") {
			case "came":
				return "A"
			case "stayed":
				return "B"
			}
			return ""
		},
		Done: func(s *course.Step) bool {
			return s.Lesson.Happened(s) == "B" && s.Fact("form.status") == "401" && s.Fact("program.status") == "200"
		},
		Closer:   map[string]func(*course.Step) course.View{"kinds": endedToken, "where": tokenInStorage, "either": tokenOrSession},
		Sessions: playTokens,
		Play:     map[string]course.PlayHandler{"POST " + playAPI: playOrder},
		Code:     []string{"lessons.playOrder", "lessons.whoOrders"},
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
func getPlayToken(s *course.Step) error {
	token, err := s.Own().Create(s.C.Request().Context(), func(token *sessions.Session) error {
		return token.Set(sessions.UserKey, s.PlayName())
	})
	if err != nil {
		return err
	}
	account := rand.Text()
	if err := s.NewRun(map[string]string{course.RunNonce: account}); err != nil {
		return err
	}
	s.SetCookie(playTokenCookie + "=" + account + "; Path=" + course.PlayPath + "; Max-Age=3600; HttpOnly; SameSite=None; Secure")
	s.KeepSecret(playTokenSecret, token.Key())
	s.Forget("form.", "program.", "ended.")
	s.Note("got", "yes")
	return s.Done()
}

// sendPlayToken has the program send an order with the token that it holds.
func sendPlayToken(s *course.Step) error {
	if err := order(s, "program"); err != nil {
		return err
	}
	return s.Done()
}

// endPlayToken ends the token, and has the program send it once more.
func endPlayToken(s *course.Step) error {
	token := s.Secret(playTokenSecret)
	if token == "" || s.Fact("program.status") == "" {
		return s.To("board-kinds")
	}
	if err := s.Own().End(s.C.Request().Context(), sessions.KeyID(playTokenPurpose, token), 0); err != nil && !errors.Is(err, sessions.ErrNotFound) {
		return err
	}
	if err := order(s, "ended"); err != nil {
		return err
	}
	return s.To("board-kinds")
}

// order sends one as another program does; the API writes down what came.
func order(s *course.Step, from string) error {
	token := s.Secret(playTokenSecret)
	if token == "" {
		return nil
	}
	_, _, err := s.AsAnother(http.MethodPost,
		course.PlayPath+playAPI+"?"+web.RunParam+"="+s.RunKey()+"&"+course.FromParam+"="+from, "Authorization", lanes.TokenScheme+" "+token)
	return err
}

// playOrder serves POST /play/api: an order, for whoever sends a token that lives.
// Who says that they send it, and the cookie, are for the lesson's table alone.
func playOrder(p *course.Play) error {
	row, ok := map[string]string{"other": "form", "program": "program", "ended": "ended"}[p.C.QueryParam(course.FromParam)]
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
	header := len(p.C.Request().Header["Authorization"]) > 0
	if err := p.Witness(map[string]string{
		row + ".cookie": course.CameFact(p.Came(playTokenCookie)), row + ".header": course.CameFact(header),
		row + ".status": strconv.Itoa(status), row + ".user": user,
	}); err != nil {
		return err
	}
	if user == "" {
		return refuseOrder(p, header)
	}
	return p.C.JSON(status, map[string]string{"user": user})
}

// whoOrders is whose token came in the header Authorization; "": nobody's. No
// cookie is asked.
func whoOrders(p *course.Play) (string, error) {
	token, err := p.Own().Load(p.C)
	if err != nil || token.Rejected() != nil {
		return "", err
	}
	return token.Text(sessions.UserKey), nil
}

// refuseOrder answers 401: a page where a browser asks for one, else JSON.
func refuseOrder(p *course.Play, header bool) error {
	p.C.Response().Header().Set("WWW-Authenticate", lanes.TokenScheme)
	if !strings.Contains(p.C.Request().Header.Get("Accept"), "text/html") {
		return p.C.JSON(http.StatusUnauthorized, map[string]string{"error": "not_authenticated", "message": p.W.Text("error.not_authenticated")})
	}
	return p.Show(http.StatusUnauthorized, course.PlayPage{
		Title: p.Word("play.title"), Sentence: p.Word("play.refused"), Refused: true,
		Came: []course.PlayCookie{
			{Name: playTokenCookie, Kind: p.Word("cookie"), Came: p.Came(playTokenCookie)},
			{Name: "Authorization", Kind: p.Word("header"), Came: header},
		},
		Onward: []course.Task{{To: "/lessons/token#observe", Label: p.W.Text("lessons.back_to_lesson")}},
	})
}

// orderRow is what came with an order, and what was answered.
func orderRow(s *course.Step, row string) course.Row {
	r := course.Row{ID: row, Title: s.Word("order." + row), Cells: make([]course.Cell, 3)}
	if s.Fact(row+".status") == "" {
		return r
	}
	r.Cells[0], r.Cells[1] = s.CameCell(row+".cookie"), s.CameCell(row+".header")
	if row != "form" && s.Fact(row+".cookie") == "stayed" {
		r.Cells[0].Text = s.Word("no_cookie") // who has no jar leaves nothing at home
	}
	if s.Fact(row+".header") == "stayed" {
		r.Cells[1].Text = s.Word("no_header")
	}
	r.Cells[2] = course.Cell{Code: "no", Text: s.Fact(row + ".status"), Detail: s.Word("nobody")}
	if user := s.Fact(row + ".user"); user != "" {
		r.Cells[2].Code, r.Cells[2].Detail = "yes", "OK: "+user
	}
	return r
}

// endedToken tries the token once more after its end.
func endedToken(s *course.Step) (v course.View) {
	if s.Fact("program.status") == "" {
		return v
	}
	if s.Fact("ended.status") == "" {
		v.Tasks = []course.Task{s.Task("end")}
	}
	v.Board = course.Board{Columns: s.Lesson.Board(s).Columns, Rows: []course.Row{orderRow(s, "ended")}}
	return v
}

// tokenInStorage are lines for the console: what script stores, script reads.
func tokenInStorage(s *course.Step) (v course.View) {
	token := s.Secret(playTokenSecret)
	if token == "" {
		return v
	}
	v.Tasks = []course.Task{
		{Label: s.Word("store"), Line: `localStorage.setItem("play_token", "` + token + `"); localStorage.getItem("play_token")`},
		{Label: s.Word("cookies"), Line: "document.cookie"},
		{Label: s.Word("clean"), Line: `localStorage.removeItem("play_token")`},
	}
	return v
}

// tokenOrSession are lines for a terminal: the same address, asked with nothing,
// with a token, with the session of whoever is signed in.
func tokenOrSession(s *course.Step) (v course.View) {
	host := s.C.Request().Host
	curl := s.Curl()
	v.Tasks = []course.Task{
		{Label: s.Word("with_nothing"), Line: "curl -i 'http://" + host + "/api/whoami'"},
		{Label: s.Word("with_token"), Line: curl.Get + "; " + curl.Ask},
	}
	if value := s.Lanes.Values(s.C)[lanes.Session]; s.Finding(lanes.Session).Verdict.Accepted() && value != "" {
		name := s.Lanes.Sessions.Options().Name
		return course.View{Tasks: append(v.Tasks, course.Task{Label: s.Word("with_session"), Line: "curl -i -H 'Cookie: " + markup.Quoted(name+"="+value) + "' 'http://" + host + "/api/whoami'"})}
	}
	v.Tasks = append(v.Tasks, course.Task{To: "/login?next=/lessons/token", Label: s.Word("sign_in"), Quiet: true})
	return v
}
