// Lesson 13, other-site: which cookies go along when a page of another site asks,
// and what a server can do about it. The other site really is one, the forged
// transfer really is sent, to a play account that lives in the run of the lesson.

package handlers

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
	neighbourPath = playPath + "/neighbour" // on the lab's other server
	playMoney     = 100
	orderMoney    = 10
)

// OtherSite is lesson 13.
func (lessons) OtherSite() lesson {
	l := lesson{
		Number: 13, Slug: "other-site", Minutes: 12, Answer: "B", Why: []string{"link", "form"},
		Acts: map[string]func(*lessonStep) error{"begin": beginOtherSite, "anew": setAnew},
		Do: func(s *lessonStep) []task {
			switch there, why := s.otherSite("/"); {
			case why != nil:
				return []task{*why}
			case s.fact("begun") == "":
				return []task{s.task("begin")}
			case s.fact("link.play_lax") == "" || s.fact("form.play_lax") == "":
				open := task{To: there, Label: s.word("open")}
				if s.fact("link.play_lax")+s.fact("form.play_lax") == "" {
					return []task{{Label: s.word("given")}, open}
				}
				return []task{open}
			default:
				return []task{{Label: s.word("all")}}
			}
		},
		Board: func(s *lessonStep) lessonBoard {
			b := lessonBoard{Columns: []lessonColumn{{Title: s.word("cookie")}, {Title: s.word("server")}}}
			link := lessonRow{ID: "link", Title: s.word("link"), Cells: []lessonCell{s.cameCell("link.play_lax"), {}}}
			switch s.fact("link.play_lax") {
			case "came":
				link.Cells[1] = lessonCell{Code: "yes", Text: s.word("knows")}
			case "stayed":
				link.Cells[1] = lessonCell{Code: "none", Text: s.word("nobody")}
			}
			form := lessonRow{ID: "form", Title: s.word("form"), Cells: []lessonCell{s.cameCell("form.play_lax"), transferCell(s, "samesite")}}
			b.Rows = []lessonRow{link, form}
			if s.fact("link.play_lax") != "" {
				b.Note = s.word("seen", locale.Args{"Browser": s.browser()})
			}
			return b
		},
		Happened: func(s *lessonStep) string {
			switch s.fact("link.play_lax") + " " + s.fact("form.play_lax") {
			case "came came":
				return "A"
			case "came stayed":
				return "B"
			case "stayed stayed":
				return "C"
			}
			return ""
		},
		Done: func(s *lessonStep) bool {
			return s.fact("link.play_lax") == "came" && s.fact("form.play_lax") == "stayed" && s.fact("transfer.samesite") == errPlayNobody.Error()
		},
		Closer: map[string]func(*lessonStep) closerView{
			"matrix":    siteMatrix,
			"defences":  siteDefences,
			"neighbour": siteNeighbour,
		},
		Play: map[string]playHandler{
			"GET /hello":              playHello,
			"GET /cookies":            playCookies,
			"POST /cookies":           playCookies,
			"GET /account":            playAccount,
			"POST /transfer/:defence": playTransfer,
		},
		Code:   []string{"handlers.carriesPlay", "handlers.transferBySameSite", "handlers.transferByToken"},
		Unsafe: "handlers.transferUnguarded", Safe: "handlers.transferGuarded",
		Django: "SESSION_COOKIE_SAMESITE = \"Lax\"    # the default since Django 2.1\n{% csrf_token %}                     # in each form of your own; CsrfViewMiddleware checks it",
	}
	for _, cookie := range siteCookies {
		l.Cookies = append(l.Cookies, &http.Cookie{Name: cookie.name, Path: playPath})
	}
	return l
}

// beginOtherSite gives the browser what the lesson begins with.
func beginOtherSite(s *lessonStep) error {
	if err := setSiteCookies(s); err != nil {
		return err
	}
	s.forget("link.", "form.", "all.", "transfer.")
	s.note("begun", "yes")
	return s.done()
}

// setAnew does so for the five requests alone: what was seen of the others stays.
func setAnew(s *lessonStep) error {
	if err := setSiteCookies(s); err != nil {
		return err
	}
	s.forget("all.")
	return s.to("board-matrix")
}

// setSiteCookies begins a run: a play account, and a cookie of each kind for it.
func setSiteCookies(s *lessonStep) error {
	account, began := rand.Text(), s.now()
	if err := s.newRun(map[string]string{
		runAccount: account, runBalance: strconv.Itoa(playMoney), runToken: rand.Text(), runBegan: strconv.FormatInt(began.Unix(), 10),
	}); err != nil {
		return err
	}
	for _, cookie := range siteCookies {
		s.setCookie(cookie.name + "=" + account + "; Path=" + playPath + "; Max-Age=3600; HttpOnly" + cookie.attributes)
	}
	return nil
}

// transferCell shows what became of the forged transfer against a defence.
func transferCell(s *lessonStep, defence string) lessonCell {
	switch outcome := s.fact("transfer." + defence); outcome {
	case "":
		return lessonCell{}
	case "through":
		if strings.HasPrefix(defence, "own.") {
			return lessonCell{Code: "yes", Text: s.word("through")}
		}
		return lessonCell{Code: "warn", Text: s.word("through")}
	default:
		return lessonCell{Code: "no", Text: s.word("refused"), Detail: s.word("because." + outcome)}
	}
}

// siteMatrix is what goes along with which request: only what just did.
func siteMatrix(s *lessonStep) (v closerView) {
	v.Tasks = []task{{Act: "anew", Label: s.word("anew"), Quiet: true}}
	there, why := s.otherSite("/more")
	switch {
	case why != nil:
		v.Tasks = []task{*why}
	case s.runKey() != "":
		v.Tasks = append(v.Tasks, task{To: there, Label: s.word("more")})
	}
	for _, cookie := range siteCookies {
		title := cookie.kind
		if title == "" {
			title = s.word("unset")
		}
		v.Board.Columns = append(v.Board.Columns, lessonColumn{Title: title})
	}
	for _, how := range siteRequests {
		row := lessonRow{ID: "m-" + how, Title: s.word("how." + how)}
		for _, cookie := range siteCookies {
			cell := s.cameCell("all." + how + "." + cookie.name)
			if age := s.fact("all." + how + ".age"); cookie.kind == "" && age != "" {
				cell.Detail = s.word("age", locale.Args{"Seconds": age})
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
func thirdParty(s *lessonStep) string {
	if s.fact("all.link.play_none") != "came" {
		return ""
	}
	seen, came := false, false
	for _, how := range []string{"img", "frame", "fetch"} {
		fact := s.fact("all." + how + ".play_none")
		seen, came = seen || fact != "", came || fact == "came"
	}
	switch {
	case !seen:
		return ""
	case came:
		return s.word("third.sent", locale.Args{"Browser": s.browser()})
	default:
		return s.word("third.blocked", locale.Args{"Browser": s.browser()})
	}
}

// siteDefences is the forged transfer against each defence.
func siteDefences(s *lessonStep) (v closerView) {
	there, why := s.otherSite("/more")
	switch {
	case why != nil:
		v.Tasks = []task{*why}
	case s.runKey() != "":
		v.Tasks = []task{{To: there, Label: s.word("more")}}
	default:
		v.Tasks = []task{s.task("begin")}
	}
	if s.runKey() != "" {
		v.Tasks = append(v.Tasks, task{To: playPath + "/account?" + web.RunParam + "=" + s.runKey(), Label: s.word("own"), Quiet: true})
	}
	v.Board.Columns = []lessonColumn{{Title: s.word("forged")}, {Title: s.word("honest")}}
	for _, defence := range defences {
		v.Board.Rows = append(v.Board.Rows, lessonRow{ID: "d-" + defence.name, Title: s.word("defence." + defence.name),
			Cells: []lessonCell{transferCell(s, defence.name), transferCell(s, "own."+defence.name)}})
	}
	return v
}

// siteNeighbour is the same from another port of the same host: the same site.
func siteNeighbour(s *lessonStep) (v closerView) {
	switch there, ok := s.neighbour(neighbourPath); {
	case !ok:
		v.Tasks = []task{{Label: s.word("no_neighbour")}}
	case s.runKey() == "":
		v.Tasks = []task{s.task("begin")}
	default:
		v.Tasks = []task{{To: there + "?" + web.RunParam + "=" + s.runKey(), Label: s.word("neighbour")}}
	}
	v.Board.Columns = []lessonColumn{{Title: s.word("forged")}}
	for _, defence := range []string{"samesite", "metadata"} {
		v.Board.Rows = append(v.Board.Rows, lessonRow{ID: "n-" + defence, Title: s.word("defence." + defence), Cells: []lessonCell{transferCell(s, "neighbour."+defence)}})
	}
	return v
}

// playHello serves GET /play/hello: where the other site's link leads.
func playHello(p *play) error {
	came := p.came("play_lax")
	if err := p.witness(map[string]string{"link.play_lax": cameFact(came)}); err != nil {
		return err
	}
	page := playPageOf(p, "", "observe", "play_lax")
	if page.Sentence = p.word("play.nobody"); came {
		page.Sentence = p.word("play.known")
	}
	return p.show(http.StatusOK, page)
}

// playCookies serves GET and POST /play/cookies: any kind of request; how says
// which the page that makes it says it is.
func playCookies(p *play) error {
	how := p.c.QueryParam("how")
	if !slices.Contains(siteRequests, how) {
		return input.NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("lessons.no_act"))
	}
	began, _ := strconv.ParseInt(p.run.Text(runBegan), 10, 64)
	seen, all := map[string]string{"all." + how + ".age": fmt.Sprint(p.now().Unix() - began)}, []string{}
	for _, cookie := range siteCookies {
		seen["all."+how+"."+cookie.name] = cameFact(p.came(cookie.name))
		all = append(all, cookie.name)
	}
	if err := p.witness(seen); err != nil {
		return err
	}
	switch how {
	case "img":
		return p.c.Blob(http.StatusOK, "image/svg+xml", []byte(`<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>`))
	case "fetch":
		return p.c.NoContent(http.StatusNoContent)
	}
	page := playPageOf(p, fromMore, "board-matrix", all...)
	page.Sentence = p.word("play.cookies")
	return p.show(http.StatusOK, page)
}

// playAccount serves GET /play/account: the lab's own page, with forms of its own.
func playAccount(p *play) error {
	page := playPageOf(p, fromMore, "board-defences", "play_lax", "play_none")
	page.Sentence = p.word("play.account")
	for _, defence := range defences {
		form := playForm{Action: playPath + "/transfer/" + defence.name + "?" + fromParam + "=" + fromOwn + "&" + web.RunParam + "=" + url.QueryEscape(p.c.QueryParam(web.RunParam)), Label: p.word("defence." + defence.name)}
		if defence.name == "token" {
			form.Token = p.run.Text(runToken)
		}
		page.Forms = append(page.Forms, form)
	}
	return p.show(http.StatusOK, page)
}

// Why a transfer was refused.
var (
	errPlayNobody = errors.New("nobody")
	errPlayToken  = errors.New("token")
	errPlaySite   = errors.New("site")
)

// transfer is an order to the play account.
type transfer struct {
	*play
	origins *http.CrossOriginProtection
}

func (t transfer) signedIn(cookie string) bool { return t.came(cookie) }

func (t transfer) move() error {
	balance, _ := strconv.Atoi(t.run.Text(runBalance))
	return t.run.Set(runBalance, strconv.Itoa(balance-orderMoney))
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
	if err := t.origins.Check(t.c.Request()); err != nil {
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
	if subtle.ConstantTimeCompare([]byte(t.c.FormValue("token")), []byte(t.run.Text(runToken))) != 1 {
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
func playTransfer(p *play) error {
	i := slices.IndexFunc(defences, func(d defence) bool { return d.name == p.c.Param("defence") })
	if i < 0 {
		return echo.ErrNotFound
	}
	defence := defences[i]
	row, from, board := defence.name, p.c.QueryParam(fromParam), "observe"
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
		seen["form.play_lax"] = cameFact(p.came("play_lax"))
	}
	if err := p.witness(seen); err != nil {
		return err
	}
	page := playPageOf(p, from, board, defence.cookie)
	page.Sentence, page.Refused = p.word("play.through"), outcome != "through"
	if page.Refused {
		page.Sentence = p.word("play.refused") + " " + p.word("because."+outcome)
	}
	return p.show(status, page)
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
func playPageOf(p *play, from, board string, cookies ...string) playPage {
	page := playPage{Title: p.word("play.title"), Balance: p.run.Text(runBalance)}
	for _, cookie := range siteCookies {
		if slices.Contains(cookies, cookie.name) {
			page.Came = append(page.Came, playCookie{cookie.name, cookie.kind, p.came(cookie.name)})
		}
	}
	var back task
	neighbour, ok := p.neighbour(neighbourPath)
	other := p.other()
	switch {
	case from == fromOwn:
		back = task{To: playPath + "/account" + p.query(), Label: p.word("own")}
	case from == fromNeighbour && ok:
		back = task{To: neighbour + p.query(), Label: p.word("neighbour")}
	case from == fromMore && other != "":
		back = task{To: other + "/more" + p.query(), Label: p.word("play.back")}
	case other != "":
		back = task{To: other + "/" + p.query(), Label: p.word("play.back"), Quiet: p.run.Has("link.play_lax") && p.run.Has("form.play_lax")}
	}
	lesson := task{To: lessonURL(p.lesson.Slug, board, false), Label: p.w.Text("lessons.back_to_lesson"), Quiet: back.To != "" && !back.Quiet}
	if back.To != "" {
		page.Onward = append(page.Onward, back)
	}
	page.Onward = append(page.Onward, lesson)
	return page
}
