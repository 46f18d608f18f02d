// Package othersite is the other site, whose pages send requests to the lab, and the page
// that sends requests to the lab's other server, its neighbour, which gets the same cookies.
package othersite

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/locale"
	"cookielab/handlers/web"
)

// Config is what the other site is made of. Addresses are those by which browsers find a
// server, such as "http://localhost:8080".
type Config struct {
	Assets    *web.Assets
	Address   string       // its own
	Lab       string       // of the lab that its requests go to
	Neighbour string       // of the lab's second server, on the lab's host; "": there is none
	Log       *slog.Logger // nil: nothing is logged
}

// ErrSameSite means that the other site has the same host as the lab. Then browsers take both
// for one site, whatever their ports are.
var ErrSameSite = errors.New("the other site has the lab’s host, and ports do not count")

// Site is the other site. Many goroutines may use it at once.
type Site struct {
	config  Config
	host    string // its own, with the port
	log     *slog.Logger
	echo    *echo.Echo
	headers http.Header
}

// New makes the other site. The error is [ErrSameSite], or names an address that is none.
func New(config Config) (*Site, error) {
	own, err := parseOrigin(config.Address)
	if err != nil {
		return nil, err
	}
	lab, err := parseOrigin(config.Lab)
	if err != nil {
		return nil, err
	}
	if strings.EqualFold(own.Hostname(), lab.Hostname()) {
		return nil, ErrSameSite
	}
	// Its Referrer-Policy, same-origin, lets a page hide where it is: its forms
	// reach the lab with "Origin: null" and no Referer, in Chromium and Firefox.
	s := &Site{config: config, host: own.Host, log: config.Log, headers: web.SecureHeaders()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.headers.Set("Content-Security-Policy", contentPolicy(config.Lab))
	s.headers.Set("Vary", "Accept-Language")
	s.routes()
	return s, nil
}

// parseOrigin reads an address of a server: scheme, host and port.
func parseOrigin(address string) (*url.URL, error) {
	origin, err := url.Parse(address)
	if err != nil || origin.Host == "" || origin.Scheme+"://"+origin.Host != address {
		return nil, fmt.Errorf("%q is no address of a server", address)
	}
	return origin, nil
}

// routes registers every address, and the middleware before them.
func (s *Site) routes() {
	e := echo.New()
	e.HTTPErrorHandler = s.handleError
	e.Use(web.RecoverPanic(s.log), s.guard)
	get := func(path string, handler echo.HandlerFunc) {
		e.GET(path, handler)
		e.HEAD(path, handler)
	}
	get("/", s.page("prize", "other-site", "other.prize.title"))
	get("/more", s.page("more", "other-site", "other.more.title"))
	get("/token", s.page("token", "token", "other.token.title"))
	for _, name := range []string{"other.css", "other.js", "other.svg"} {
		get("/static/"+name, func(c echo.Context) error { return s.config.Assets.ServeStatic(c, name) })
	}
	s.echo = e
}

// ServeHTTP implements [http.Handler].
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

// guard is middleware that allows only GET and HEAD, and only under the one host name that
// makes this another site.
func (s *Site) guard(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r, header := c.Request(), c.Response().Header()
		maps.Copy(header, s.headers)
		switch {
		case !sameHost(r.Host, s.host):
			return input.NewProblem(http.StatusMisdirectedRequest, "misdirected_request", locale.Msg("other.misdirected", locale.Args{"Host": s.host}))
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			header.Set("Allow", "GET, HEAD")
			return echo.ErrMethodNotAllowed
		}
		return next(c)
	}
}

// sameHost reports whether two Host headers mean the same.
func sameHost(a, b string) bool {
	host, port, ok := input.SplitHost(a)
	wantHost, wantPort, _ := input.SplitHost(b)
	return ok && host == wantHost && port == wantPort
}

// page serves one of its pages, for a lesson.
func (s *Site) page(name, lesson, title string) echo.HandlerFunc {
	return func(c echo.Context) error {
		p := shownPage{Host: s.host, Lab: s.config.Lab, Neighbour: s.config.Neighbour, Lesson: lesson}
		return p.show(c, s.config.Assets, name, locale.Msg(title))
	}
}

// handleError answers an error with a page of its own.
func (s *Site) handleError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	p := input.AsProblem(err)
	if p.Status >= http.StatusInternalServerError {
		s.log.Error("request to the other site failed", "method", input.MethodOf(c.Request()), "route", input.RouteOf(c), "status", p.Status, "error", input.CauseOf(err))
	}
	w, _ := s.config.Assets.Languages.Asked(c.Request())
	page := shownPage{Title: locale.Msg(input.TitleOf(p.Status)), Host: s.host, Lab: s.config.Lab, Lesson: "other-site", Status: p.Status, Message: p.Message}
	if err := s.config.Assets.RenderOtherSite(c, w, p.Status, "error", page); err != nil {
		s.log.Error("the error page of the other site failed", "error", err)
		_ = c.NoContent(http.StatusInternalServerError) // nothing left to try
	}
}

// shownPage is what a template in templates/other shows: a page of the other site, or the
// neighbour's.
type shownPage struct {
	Title     locale.Message
	Host      string // whose page it is, as the address bar says it
	Lab       string // the server that its requests go to
	Neighbour string // the lab's other server; "": there is none
	Lesson    string // the lesson it belongs to

	Run           string // whose requests these are, for the lab: a word that it gave; "": there is none yet
	Prize, More   string // pages beside it
	OtherLanguage string // this page in the other language

	Status  int // of an error
	Message locale.Message
}

// LabHost returns the lab's host and port, as a request names them.
func (p shownPage) LabHost() string { return strings.TrimPrefix(p.Lab, "http://") }

// order is what a forged form sends.
type order struct{ Path, Host string }

// Posting returns the order that goes to a path of the lab.
func (p shownPage) Posting(path string) order { return order{path, p.LabHost()} }

// aRun matches the word by which the lab calls one reader's run of a lesson.
var aRun = regexp.MustCompile(`^[A-Za-z0-9]{1,64}$`)

// show answers with a page, for the run that its address names. If it names none, it answers
// with a page that says where to begin.
func (p shownPage) show(c echo.Context, assets *web.Assets, name string, title locale.Message) error {
	query, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return input.NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("other.bad_run")).Wrap(err)
	}
	asked, err := input.Singles(query, "run", "lang")
	if err != nil {
		return err
	}
	if query.Has("run") && !aRun.MatchString(asked["run"]) {
		return input.NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("other.bad_run"))
	}
	w, ok := assets.Languages.Asked(c.Request())
	if !ok {
		return input.NewProblem(http.StatusBadRequest, "unknown_language", locale.Msg("other.bad_lang"))
	}
	p.Title, p.Run = title, asked["run"]
	p.Prize, p.More = p.beside("/", asked["lang"]), p.beside("/more", asked["lang"])
	p.OtherLanguage = p.beside(c.Request().URL.Path, assets.Languages.Other(w).Tag.String())
	if p.Run == "" {
		name, p.Title = "start", locale.Msg("other.start.title")
	}
	return assets.RenderOtherSite(c, w, http.StatusOK, name, p)
}

// beside returns the address of a page beside this one, with the same run, and with a language
// if one was chosen.
func (p shownPage) beside(path, language string) string {
	query := url.Values{}
	if p.Run != "" {
		query.Set("run", p.Run)
	}
	if language != "" {
		query.Set("lang", language)
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// contentPolicy returns the Content-Security-Policy of these pages, which allows requests only
// to the lab.
func contentPolicy(lab string) string {
	if strings.Contains(lab, "[") {
		lab = "http:" // a policy cannot name an IPv6 address
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' " + lab + "; frame-src " + lab +
		"; connect-src " + lab + "; form-action " + lab + "; base-uri 'none'; frame-ancestors 'none'"
}

// Neighbour serves the page that posts to the lab's other server: see NewNeighbour.
type Neighbour struct{ site *web.Site }

// NewNeighbour makes the page, for a site with at least one other server.
func NewNeighbour(site *web.Site) *Neighbour { return &Neighbour{site} }

// Get serves GET /play/neighbour: a page that posts to the other server, under the host name
// of the request.
func (h *Neighbour) Get(c echo.Context) error {
	p := shownPage{Host: c.Request().Host, Lab: h.site.Others[0].Origin(c.Request()), Lesson: "other-site"}
	c.Response().Header().Set("Content-Security-Policy", contentPolicy(p.Lab)) // an error takes the lab's again
	return p.show(c, h.site.Assets, "neighbour", locale.Msg("other.neighbour.title"))
}
