// Preferences: the language and the theme in which somebody reads the lab.
// ?lang= and ?theme= choose them, and the notebook keeps them.

package web

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/locale"
	"cookielab/handlers/notebook"
)

// Keys in a request's context.
const (
	wordsKey = "cookielab/web.words"
	themeKey = "cookielab/web.theme"
)

// prefer makes the middleware that reads the language and the theme that a page's address
// chooses, and keeps them if this request may write the notebook. It must run after
// [notebook.Opener.Open]. The error of an unknown choice is an [input.Problem], a 400.
func (s *Site) prefer(access func(echo.Context) Access) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			n := notebook.From(c)
			if w := s.Languages.Named(n.Text(notebook.LanguageKey)); w != nil {
				s.AnswerIn(c, w)
			}
			if theme := n.Text(notebook.ThemeKey); theme != "" {
				c.Set(themeKey, theme)
			}
			if !input.IsSafe(c.Request().Method) || access(c) == (Access{}) {
				return next(c)
			}
			if query := c.QueryParams(); query.Has("lang") {
				w := s.Languages.Named(query.Get("lang"))
				if w == nil {
					return input.NewProblem(http.StatusBadRequest, "unknown_language", locale.Msg("error.unknown_language"))
				}
				s.AnswerIn(c, w)
				if err := n.Keep(notebook.LanguageKey, w.Tag.String()); err != nil {
					return err
				}
			}
			if query := c.QueryParams(); query.Has("theme") {
				theme := query.Get("theme")
				if theme != "light" && theme != "dark" {
					return input.NewProblem(http.StatusBadRequest, "unknown_theme", locale.Msg("error.unknown_theme"))
				}
				c.Set(themeKey, theme)
				if err := n.Keep(notebook.ThemeKey, theme); err != nil {
					return err
				}
			}
			return next(c)
		}
	}
}

// Words returns the printer of the language in which a request is answered: the one that the
// visitor chose, or else the best that the browser accepts.
func (s *Site) Words(c echo.Context) *locale.Printer {
	if w, ok := c.Get(wordsKey).(*locale.Printer); ok {
		return w
	}
	w := s.Languages.Accepted(c.Request().Header.Get("Accept-Language"))
	s.AnswerIn(c, w)
	return w
}

// AnswerIn sets the language in which the request is answered from now on.
func (*Site) AnswerIn(c echo.Context, w *locale.Printer) { c.Set(wordsKey, w) }

// choosing is this page's address with one choice in it; of a page that was the
// answer to a form, the dashboard's.
func (s *Site) choosing(c echo.Context, name, value string) string {
	r, query := c.Request(), url.Values{name: {value}}
	if !input.IsSafe(r.Method) {
		return "/dashboard?" + query.Encode()
	}
	for _, param := range s.Keep {
		if c.QueryParams().Has(param) {
			query.Set(param, c.QueryParam(param))
		}
	}
	if next, asked := input.NextOf(c.QueryParams()); asked && next != "/" {
		query.Set("next", next)
	}
	return r.URL.EscapedPath() + "?" + query.Encode()
}
