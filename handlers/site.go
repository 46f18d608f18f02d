// The site: what a page needs of the lab around it.

package handlers

import (
	"log/slog"
	"sync"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/sessions"
)

// Site is what a page needs of the lab around it.
type Site struct {
	*Assets
	clock  sessions.Clock
	log    *slog.Logger
	server string         // its letter among several, "A"; "": it is alone
	others []input.Server // the other servers
	keep   []string       // query parameters that the language and theme links carry along

	// who is who is signed in, by the session lane: it asks the lane, unless this request
	// asked it before. ok is false for nobody.
	who func(c echo.Context) (who lanes.Identity, ok bool, err error)
	// asked is who the session lane has found in this request, if it was asked.
	asked func(c echo.Context) (who lanes.Identity, asked bool)

	buffers sync.Pool // of *bytes.Buffer, to render to
}
