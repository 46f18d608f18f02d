// Lesson 13, other-site: which cookies go along when a page of another site asks,
// and what a server can do about it. The other site really is one, the forged
// transfer really is sent, to a play account that lives in the run of the lesson.

package lessons

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/course"
	"cookielab/handlers/input"
	"cookielab/handlers/locale"
	"cookielab/handlers/web"
)

// siteCookies are the play cookies, one of each kind.
var siteCookies = []struct{ name, kind, attributes string }{
	{"play_strict", "SameSite=Strict", "; SameSite=Strict"},
	{"play_lax", "SameSite=Lax", "; SameSite=Lax"},
	{"play_unset", "", ""},
	{"play_none", "SameSite=None; Secure", "; SameSite=None; Secure"},
}

// siteRequests are the ways in which the other site asks.
var siteRequests = []string{"link", "form", "img", "frame", "fetch"}

// What the run keeps of the play account.
const (
	runBalance = "_balance"
	runToken   = "_token" // of the lab's own form
	runBegan   = "_began" // when the cookies were set, in seconds of Unix time
)

const (
	neighbourPath = course.PlayPath + "/neighbour" // on the lab's other server
	playMoney     = 100
	orderMoney    = 10
)

// OtherSite is lesson 13.
func (lessons) OtherSite() course.Lesson {
	l := course.Lesson{
		Number: 13, Slug: "other-site", Minutes: 12, Answer: "B", Why: []string{"link", "form"},
		Acts: map[string]func(*course.Step) error{"begin": beginOtherSite, "anew": setAnew},
		Do: func(s *course.Step) []course.Task {
			switch there, why := s.OtherSite("/"); {
			case why != nil:
				return []course.Task{*why}
			case s.Fact("begun") == "":
				return []course.Task{s.Task("begin")}
			case s.Fact("link.play_lax") == "" || s.Fact("form.play_lax") == "":
				open := course.Task{To: there, Label: s.Word("open")}
				if s.Fact("link.play_lax")+s.Fact("form.play_lax") == "" {
					return []course.Task{{Label: s.Word("given")}, open}
				}
				return []course.Task{open}
			default:
				return []course.Task{{Label: s.Word("all")}}
			}
		},
		Board: func(s *course.Step) course.Board {
			b := course.Board{Columns: []course.Column{{Title: s.Word("cookie")}, {Title: s.Word("server")}}}
			link := course.Row{ID: "link", Title: s.Word("link"), Cells: []course.Cell{s.CameCell("link.play_lax"), {}}}
			switch s.Fact("link.play_lax") {
			case "came":
				link.Cells[1] = course.Cell{Code: "yes", Text: s.Word("knows")}
			case "stayed":
				link.Cells[1] = course.Cell{Code: "none", Text: s.Word("nobody")}
			}
			form := course.Row{ID: "form", Title: s.Word("form"), Cells: []course.Cell{s.CameCell("form.play_lax"), transferCell(s, "samesite")}}
			b.Rows = []course.Row{link, form}
			if s.Fact("link.play_lax") != "" {
				b.Note = s.Word("seen", locale.Args{"Browser": s.Browser()})
			}
			return b
		},
		Happened: func(s *course.Step) string {
			switch s.Fact("link.play_lax") + " " + s.Fact("form.play_lax") {
			case "came came":
				return "A"
			case "came stayed":
				return "B"
			case "stayed stayed":
				return "C"
			}
			return ""
		},
		Done: func(s *course.Step) bool {
			return s.Fact("link.play_lax") == "came" && s.Fact("form.play_lax") == "stayed" && s.Fact("transfer.samesite") == errPlayNobody.Error()
		},
		Closer: map[string]func(*course.Step) course.View{
			"matrix":    siteMatrix,
			"defences":  siteDefences,
			"neighbour": siteNeighbour,
		},
		Play: map[string]course.PlayHandler{
			"GET /hello":              playHello,
			"GET /cookies":            playCookies,
			"POST /cookies":           playCookies,
			"GET /account":            playAccount,
			"POST /transfer/:defence": playTransfer,
		},
		Code:   []string{"course.carriesPlay", "lessons.transferBySameSite", "lessons.transferByToken"},
		Unsafe: "lessons.transferUnguarded", Safe: "lessons.transferGuarded",
		Django: "SESSION_COOKIE_SAMESITE = \"Lax\"    # the default since Django 2.1\n{% csrf_token %}                     # in each form of your own; CsrfViewMiddleware checks it",
	}
	for _, cookie := range siteCookies {
		l.Cookies = append(l.Cookies, &http.Cookie{Name: cookie.name, Path: course.PlayPath})
	}
	return l
}

// beginOtherSite gives the browser what the lesson begins with.
func beginOtherSite(s *course.Step) error {
	if err := setSiteCookies(s); err != nil {
		return err
	}
	s.Forget("link.", "form.", "all.", "transfer.")
	s.Note("begun", "yes")
	return s.Done()
}

// setAnew does so for the five requests alone: what was seen of the others stays.
func setAnew(s *course.Step) error {
	if err := setSiteCookies(s); err != nil {
		return err
	}
	s.Forget("all.")
	return s.To("board-matrix")
}

// setSiteCookies begins a run: a play account, and a cookie of each kind for it.
func setSiteCookies(s *course.Step) error {
	account, began := rand.Text(), s.Now()
	if err := s.NewRun(map[string]string{
		course.RunNonce: account, runBalance: strconv.Itoa(playMoney), runToken: rand.Text(), runBegan: strconv.FormatInt(began.Unix(), 10),
	}); err != nil {
		return err
	}
	for _, cookie := range siteCookies {
		s.SetCookie(cookie.name + "=" + account + "; Path=" + course.PlayPath + "; Max-Age=3600; HttpOnly" + cookie.attributes)
	}
	return nil
}

// transferCell shows what became of the forged transfer against a defence.
func transferCell(s *course.Step, defence string) course.Cell {
	switch outcome := s.Fact("transfer." + defence); outcome {
	case "":
		return course.Cell{}
	case "through":
		if strings.HasPrefix(defence, "own.") {
			return course.Cell{Code: "yes", Text: s.Word("through")}
		}
		return course.Cell{Code: "warn", Text: s.Word("through")}
	default:
		return course.Cell{Code: "no", Text: s.Word("refused"), Detail: s.Word("because." + outcome)}
	}
}

// siteMatrix is what goes along with which request: only what just did.
func siteMatrix(s *course.Step) (v course.View) {
	v.Tasks = []course.Task{{Act: "anew", Label: s.Word("anew"), Quiet: true}}
	there, why := s.OtherSite("/more")
	switch {
	case why != nil:
		v.Tasks = []course.Task{*why}
	case s.RunKey() != "":
		v.Tasks = append(v.Tasks, course.Task{To: there, Label: s.Word("more")})
	}
	for _, cookie := range siteCookies {
		title := cookie.kind
		if title == "" {
			title = s.Word("unset")
		}
		v.Board.Columns = append(v.Board.Columns, course.Column{Title: title})
	}
	for _, how := range siteRequests {
		row := course.Row{ID: "m-" + how, Title: s.Word("how." + how)}
		for _, cookie := range siteCookies {
			cell := s.CameCell("all." + how + "." + cookie.name)
			if age := s.Fact("all." + how + ".age"); cookie.kind == "" && age != "" {
				cell.Detail = s.Word("age", locale.Args{"Seconds": age})
			}
			row.Cells = append(row.Cells, cell)
		}
		v.Board.Rows = append(v.Board.Rows, row)
	}
	v.Board.Note = thirdParty(s)
	return v
}

// thirdParty says whether this browser blocks third-party cookies, once that shows:
// the link carried the None cookie, and what the page loaded by itself did not.
func thirdParty(s *course.Step) string {
	if s.Fact("all.link.play_none") != "came" {
		return ""
	}
	seen, came := false, false
	for _, how := range []string{"img", "frame", "fetch"} {
		fact := s.Fact("all." + how + ".play_none")
		seen, came = seen || fact != "", came || fact == "came"
	}
	switch {
	case !seen:
		return ""
	case came:
		return s.Word("third.sent", locale.Args{"Browser": s.Browser()})
	default:
		return s.Word("third.blocked", locale.Args{"Browser": s.Browser()})
	}
}

// siteDefences is the forged transfer against each defence.
func siteDefences(s *course.Step) (v course.View) {
	there, why := s.OtherSite("/more")
	switch {
	case why != nil:
		v.Tasks = []course.Task{*why}
	case s.RunKey() != "":
		v.Tasks = []course.Task{{To: there, Label: s.Word("more")}}
	default:
		v.Tasks = []course.Task{s.Task("begin")}
	}
	if s.RunKey() != "" {
		v.Tasks = append(v.Tasks, course.Task{To: course.PlayPath + "/account?" + web.RunParam + "=" + s.RunKey(), Label: s.Word("own"), Quiet: true})
	}
	v.Board.Columns = []course.Column{{Title: s.Word("forged")}, {Title: s.Word("honest")}}
	for _, defence := range defences {
		v.Board.Rows = append(v.Board.Rows, course.Row{ID: "d-" + defence.name, Title: s.Word("defence." + defence.name),
			Cells: []course.Cell{transferCell(s, defence.name), transferCell(s, "own."+defence.name)}})
	}
	return v
}

// siteNeighbour is the same from another port of the same host: the same site.
func siteNeighbour(s *course.Step) (v course.View) {
	switch there, ok := s.Neighbour(neighbourPath); {
	case !ok:
		v.Tasks = []course.Task{{Label: s.Word("no_neighbour")}}
	case s.RunKey() == "":
		v.Tasks = []course.Task{s.Task("begin")}
	default:
		v.Tasks = []course.Task{{To: there + "?" + web.RunParam + "=" + s.RunKey(), Label: s.Word("neighbour")}}
	}
	v.Board.Columns = []course.Column{{Title: s.Word("forged")}}
	for _, defence := range []string{"samesite", "metadata"} {
		v.Board.Rows = append(v.Board.Rows, course.Row{ID: "n-" + defence, Title: s.Word("defence." + defence), Cells: []course.Cell{transferCell(s, "neighbour."+defence)}})
	}
	return v
}

// playHello serves GET /play/hello: where the other site's link leads.
func playHello(p *course.Play) error {
	came := p.Came("play_lax")
	if err := p.Witness(map[string]string{"link.play_lax": course.CameFact(came)}); err != nil {
		return err
	}
	page := playPageOf(p, "", "observe", "play_lax")
	if page.Sentence = p.Word("play.nobody"); came {
		page.Sentence = p.Word("play.known")
	}
	return p.Show(http.StatusOK, page)
}

// playCookies serves GET and POST /play/cookies: any kind of request; how says
// which the page that makes it says it is.
func playCookies(p *course.Play) error {
	how := p.C.QueryParam("how")
	if !slices.Contains(siteRequests, how) {
		return input.NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("lessons.no_act"))
	}
	began, _ := strconv.ParseInt(p.Run.Text(runBegan), 10, 64)
	seen, all := map[string]string{"all." + how + ".age": fmt.Sprint(p.Now().Unix() - began)}, []string{}
	for _, cookie := range siteCookies {
		seen["all."+how+"."+cookie.name] = course.CameFact(p.Came(cookie.name))
		all = append(all, cookie.name)
	}
	if err := p.Witness(seen); err != nil {
		return err
	}
	switch how {
	case "img":
		return p.C.Blob(http.StatusOK, "image/svg+xml", []byte(`<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>`))
	case "fetch":
		return p.C.NoContent(http.StatusNoContent)
	}
	page := playPageOf(p, fromMore, "board-matrix", all...)
	page.Sentence = p.Word("play.cookies")
	return p.Show(http.StatusOK, page)
}

// playAccount serves GET /play/account: the lab's own page, with forms of its own.
func playAccount(p *course.Play) error {
	page := playPageOf(p, fromMore, "board-defences", "play_lax", "play_none")
	page.Sentence = p.Word("play.account")
	for _, defence := range defences {
		form := course.PlayForm{Action: course.PlayPath + "/transfer/" + defence.name + "?" + course.FromParam + "=" + fromOwn + "&" + web.RunParam + "=" + url.QueryEscape(p.C.QueryParam(web.RunParam)), Label: p.Word("defence." + defence.name)}
		if defence.name == "token" {
			form.Token = p.Run.Text(runToken)
		}
		page.Forms = append(page.Forms, form)
	}
	return p.Show(http.StatusOK, page)
}

// Why a transfer was refused.
var (
	errPlayNobody = errors.New("nobody")
	errPlayToken  = errors.New("token")
	errPlaySite   = errors.New("site")
)

// transfer is an order to the play account.
type transfer struct {
	*course.Play
	origins *http.CrossOriginProtection
}

func (t transfer) signedIn(cookie string) bool { return t.Came(cookie) }

func (t transfer) move() error {
	balance, _ := strconv.Atoi(t.Run.Text(runBalance))
	return t.Run.Set(runBalance, strconv.Itoa(balance-orderMoney))
}

// transferUnguarded obeys whoever comes with the cookie.
func transferUnguarded(t transfer) error {
	if !t.signedIn("play_none") {
		return errPlayNobody
	}
	return t.move()
}

// transferGuarded asks first which site sends the form (Fetch metadata).
func transferGuarded(t transfer) error {
	if err := t.origins.Check(t.C.Request()); err != nil {
		return errPlaySite
	}
	if !t.signedIn("play_none") {
		return errPlayNobody
	}
	return t.move()
}

// transferBySameSite leaves it to the browser: a Lax cookie stays at home.
func transferBySameSite(t transfer) error {
	if !t.signedIn("play_lax") {
		return errPlayNobody
	}
	return t.move()
}

// transferByToken wants a word that only the lab's own form has.
func transferByToken(t transfer) error {
	if subtle.ConstantTimeCompare([]byte(t.C.FormValue("token")), []byte(t.Run.Text(runToken))) != 1 {
		return errPlayToken
	}
	if !t.signedIn("play_none") {
		return errPlayNobody
	}
	return t.move()
}

// defence is a way to take such an order.
type defence struct {
	name, cookie string // the cookie that it goes by
	order        func(transfer) error
}

// defences are all of them.
var defences = []defence{
	{"none", "play_none", transferUnguarded},
	{"samesite", "play_lax", transferBySameSite},
	{"token", "play_none", transferByToken},
	{"metadata", "play_none", transferGuarded},
}

// playTransfer serves POST /play/transfer/{defence}: the form that the other site
// forges. Whose page really sent it, the address says only for the lesson's table.
func playTransfer(p *course.Play) error {
	i := slices.IndexFunc(defences, func(d defence) bool { return d.name == p.C.Param("defence") })
	if i < 0 {
		return echo.ErrNotFound
	}
	defence := defences[i]
	row, from, board := defence.name, p.C.QueryParam(course.FromParam), "observe"
	switch from {
	case "":
	case fromMore:
		board = "board-defences"
	case fromOwn:
		row, board = from+"."+defence.name, "board-defences"
	case fromNeighbour:
		row, board = from+"."+defence.name, "board-neighbour"
	default:
		return input.NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("lessons.no_act"))
	}
	outcome, status := "through", http.StatusOK
	switch err := defence.order(transfer{p, new(http.CrossOriginProtection)}); {
	case errors.Is(err, errPlayNobody), errors.Is(err, errPlayToken), errors.Is(err, errPlaySite):
		outcome, status = err.Error(), http.StatusForbidden
	case err != nil:
		return err
	}
	seen := map[string]string{"transfer." + row: outcome}
	if row == "samesite" {
		seen["form.play_lax"] = course.CameFact(p.Came("play_lax"))
	}
	if err := p.Witness(seen); err != nil {
		return err
	}
	page := playPageOf(p, from, board, defence.cookie)
	page.Sentence, page.Refused = p.Word("play.through"), outcome != "through"
	if page.Refused {
		page.Sentence = p.Word("play.refused") + " " + p.Word("because."+outcome)
	}
	return p.Show(status, page)
}

// Whose page sends a request, as its address says it, for the way back; "": the
// other site's first page.
const (
	fromMore      = "more"      // its second
	fromOwn       = "own"       // the lab's
	fromNeighbour = "neighbour" // server B's
)

// playPageOf begins the page that shows which of the run's cookies came. It leads
// back to where the request came from, and to a board of the lesson; what is to be
// done next stands out.
func playPageOf(p *course.Play, from, board string, cookies ...string) course.PlayPage {
	page := course.PlayPage{Title: p.Word("play.title"), Balance: p.Run.Text(runBalance)}
	for _, cookie := range siteCookies {
		if slices.Contains(cookies, cookie.name) {
			page.Came = append(page.Came, course.PlayCookie{Name: cookie.name, Kind: cookie.kind, Came: p.Came(cookie.name)})
		}
	}
	var back course.Task
	neighbour, ok := p.Neighbour(neighbourPath)
	other := p.OtherOrigin()
	switch {
	case from == fromOwn:
		back = course.Task{To: course.PlayPath + "/account" + p.Query(), Label: p.Word("own")}
	case from == fromNeighbour && ok:
		back = course.Task{To: neighbour + p.Query(), Label: p.Word("neighbour")}
	case from == fromMore && other != "":
		back = course.Task{To: other + "/more" + p.Query(), Label: p.Word("play.back")}
	case other != "":
		back = course.Task{To: other + "/" + p.Query(), Label: p.Word("play.back"), Quiet: p.Run.Has("link.play_lax") && p.Run.Has("form.play_lax")}
	}
	lesson := course.Task{To: course.LessonURL(p.Lesson.Slug, board, false), Label: p.W.Text("lessons.back_to_lesson"), Quiet: back.To != "" && !back.Quiet}
	if back.To != "" {
		page.Onward = append(page.Onward, back)
	}
	page.Onward = append(page.Onward, lesson)
	return page
}
