// Play: what pages of other sites ask of the lab in lessons. These routes are the
// only ones that take requests from anywhere, and may be framed by the other site.
// They read nothing but the run in the address, cookies named play_* and tokens of
// a lesson's own API. They can change nothing but what that run holds, and sessions
// of a lesson's own.

package course

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/locale"
	"cookielab/handlers/web"
	"cookielab/sessions"
)

// PlayPath is where the play cookies are sent.
const PlayPath = "/play"

// Play is a request to what a lesson plays with, within a run that lives.
type Play struct {
	Visit
	Run *sessions.Session
}

// PlayHandler answers such a request.
type PlayHandler func(*Play) error

// playRoute is an address below /play.
type playRoute struct {
	Method, Path string
	Handler      echo.HandlerFunc
}

// Play returns the addresses that lessons have below /play, in no order.
func (h *Course) Play() (routes []playRoute) {
	for _, l := range h.Lessons {
		for address, handler := range l.Play { // by "POST /transfer/:defence"
			method, path, _ := strings.Cut(address, " ")
			routes = append(routes, playRoute{method, PlayPath + path, h.play(l, handler)})
		}
	}
	return routes
}

// play finds the run, without which there is nothing to play with.
func (h *Course) play(l *Lesson, handler PlayHandler) echo.HandlerFunc {
	return func(c echo.Context) error {
		run, err := h.run(c)
		if err != nil {
			return err
		}
		if run == nil {
			return input.NewProblem(http.StatusGone, "no_run", locale.Msg("lessons.no_run"))
		}
		if w := h.site.Assets.Languages.Named(run.Text(runWords)); w != nil && !c.QueryParams().Has("lang") {
			h.site.AnswerIn(c, w)
		}
		header := c.Response().Header()
		header.Del("X-Frame-Options")
		header.Set("Cross-Origin-Resource-Policy", "cross-origin") // an image on another site's page is one request of the lesson
		header.Set("Content-Security-Policy", strings.Replace(header.Get("Content-Security-Policy"), "frame-ancestors 'none'", "frame-ancestors "+h.framer(), 1))
		return handler(&Play{h.visit(c, l), run})
	}
}

// Witness writes down what was seen, values by their names, for the lesson to find.
func (p *Play) Witness(seen map[string]string) error { return p.course.witness(p.Run, seen) }

// Came reports whether a play cookie came with the value that this run gave it.
func (p *Play) Came(name string) bool { return carriesPlay(p.C, p.Run, name) }

// Query returns the query of an address that names the run, with its "?".
func (p *Play) Query() string {
	return "?" + web.RunParam + "=" + url.QueryEscape(p.C.QueryParam(web.RunParam))
}

// framer is who may show a page of play in a frame.
func (h *Course) framer() string {
	if h.otherSite == "" {
		return "'none'"
	}
	return h.otherSite
}

// PlayPage is what somebody sees of a request to play: what it brought, and what
// the lab made of it.
type PlayPage struct {
	web.Page
	Title, Sentence string
	Refused         bool         // the sentence is a refusal
	Came            []PlayCookie // the play cookies, whether they came or not
	Site            string       // what the browser says of who asked: Sec-Fetch-Site
	Balance         string       // of the play account; "": it is about none
	Forms           []PlayForm   // the lab's own
	Onward          []Task
}

// PlayCookie is one of the cookies that a lesson set below /play.
type PlayCookie struct {
	Name, Kind string
	Came       bool
}

// PlayForm is a form of the lab itself.
type PlayForm struct {
	Action, Token, Label string
}

// Show answers with such a page and an HTTP status.
func (p *Play) Show(status int, page PlayPage) error {
	page.Page = p.course.site.PageWithoutAsking(p.C, locale.Msg("lessons.title"))
	page.Servers = nil // what came to this server, another cannot show
	page.Name = page.Title + " · " + web.LabName
	page.Site = p.C.Request().Header.Get("Sec-Fetch-Site")
	return p.course.site.Render(p.C, status, "play", page)
}

// ShowAlone answers with such a page at a host that knows nobody: without the lab's
// menu, which would lead to a lab for strangers.
func (p *Play) ShowAlone(page PlayPage) error {
	page.Page = p.course.site.PageWithoutAsking(p.C, locale.Msg("lessons.title"))
	page.Name = page.Title + " · " + web.LabName
	page.Presenting = true
	return p.course.site.Render(p.C, http.StatusOK, "play", page)
}

// carriesPlay reports whether a play cookie came with the value that this run gave it.
func carriesPlay(c echo.Context, run *sessions.Session, name string) bool {
	values := sessions.RawCookies(c.Request(), name)
	return len(values) > 0 && values[0] != "" && values[0] == run.Text(RunNonce)
}

// RunNonce is the key in a run of the nonce that its play cookies carry as their value.
const RunNonce = "_account"

// FetchSite returns what the browser says of the page that made it ask, the value of
// Sec-Fetch-Site; "?": nothing that browsers say.
func FetchSite(r *http.Request) string {
	if site := r.Header.Get("Sec-Fetch-Site"); slices.Contains([]string{"same-origin", "same-site", "cross-site", "none"}, site) {
		return site
	}
	return "?"
}

// FromParam says in an address below /play whose page asks: for the lesson's table,
// and for the way back.
const FromParam = "from"
