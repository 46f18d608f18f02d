// Package web is what every page stands in: the router and its guard rails, templates,
// static files, the source that pages show, and the page's head.
package web

import (
	"log/slog"
	"sync"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/sessions"
)

// Site is what a page needs of the lab around it. Many goroutines may use it at once.
type Site struct {
	*Assets
	Clock  sessions.Clock // nil: time.Now
	Log    *slog.Logger   // required
	Server string         // its letter among several, "A"; "": it is alone
	Others []input.Server // the other servers
	Keep   []string       // query parameters that the language and theme links carry along

	// Who returns who is signed in, by the session lane: it asks the lane, unless this
	// request asked it before. ok is false if nobody is signed in.
	Who func(c echo.Context) (who lanes.Identity, ok bool, err error)
	// Asked returns whom the session lane has found in this request. asked is false if it
	// was not asked.
	Asked func(c echo.Context) (who lanes.Identity, asked bool)

	buffers sync.Pool // of *bytes.Buffer, to render to
}
