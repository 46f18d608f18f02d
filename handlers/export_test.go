// What tests need to reach inside the lab, and routes that exist only for them.

package handlers

import (
	"context"
	"errors"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/handlers/notebook"
	"cookielab/sessions"
)

// Limits of memory.
const (
	MaxBooks         = notebook.MaxLogs
	MaxExchanges     = notebook.MaxExchanges
	MaxOps           = notebook.MaxOps
	MaxExchangeBytes = notebook.MaxExchangeBytes
)

// NewWire makes a wire without a lab.
func NewWire(clock sessions.Clock) *notebook.Logs { return notebook.NewLogs(clock) }

// Labels are the texts of each language, by the language.
func (lab *Lab) Labels() map[string]map[string]string {
	labels := map[string]map[string]string{}
	for _, w := range lab.Site.Languages.All {
		labels[w.Tag.String()] = w.Texts()
	}
	return labels
}

// Routes are the lab's routes.
func (lab *Lab) Routes() []*echo.Route { return lab.Router.Routes() }

// WireOf is the wire of the notebook that this key, a cookie's value, opens.
func (lab *Lab) WireOf(key string) []*notebook.Exchange {
	return lab.Logs.OfKey(key).Exchanges()
}

// ThrottledNames are how many students' names the throttle remembers.
func (lab *Lab) ThrottledNames() int { return lab.Auth.ThrottledNames() }

// TryFailed tells the throttle of a student's wrong try.
func (lab *Lab) TryFailed(name string) { lab.Auth.TryFailed(name) }

// CauseOf is what the log tells of an error.
func CauseOf(err error) string { return input.CauseOf(err) }

// EndClass ends the class as somebody with this key does who was let in.
func (lab *Lab) EndClass(key string) error {
	_, err := lab.Class.End(context.Background(), sessions.KeyID(lanes.SessionPurpose, key), lab.Site.Clock.Now())
	return err
}

// Break adds, below /test and /api/test, routes whose handlers go wrong after
// they have signed somebody in and begun a page.
func (lab *Lab) Break() {
	half := func(c echo.Context) error {
		if err := lab.Auth.SignIn(c, lanes.Identity{User: "mallory", Role: lanes.RoleTeacher}, time.Hour); err != nil {
			return err
		}
		c.Response().Header().Set("Half-Done", "yes")
		return c.HTML(200, "half a page")
	}
	for _, prefix := range []string{"/test", "/api/test"} {
		lab.Router.Get(prefix+"/panic", page, func(c echo.Context) error {
			if err := half(c); err != nil {
				return err
			}
			panic("a secret of the panic")
		})
		lab.Router.Get(prefix+"/failure", page, func(c echo.Context) error {
			return errors.Join(half(c), errors.New("a secret of the failure"))
		})
	}
}
