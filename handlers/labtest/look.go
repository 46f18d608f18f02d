// What tests look at inside a lab, and routes that exist only for them.

package labtest

import (
	"errors"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/lanes"
	"cookielab/handlers/notebook"
	"cookielab/handlers/web"
)

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
	opens := web.Access{Notebook: notebook.Open, Recorded: true}
	for _, prefix := range []string{"/test", "/api/test"} {
		lab.Router.Get(prefix+"/panic", opens, func(c echo.Context) error {
			if err := half(c); err != nil {
				return err
			}
			panic("a secret of the panic")
		})
		lab.Router.Get(prefix+"/failure", opens, func(c echo.Context) error {
			return errors.Join(half(c), errors.New("a secret of the failure"))
		})
	}
}

// WatchersOf are how many streams the notebook that this key opens has now.
func (lab *Lab) WatchersOf(key string) int { return lab.Logs.OfKey(key).Watchers() }

// WireWeight is how much memory all Logs of the lab take, in bytes.
func (lab *Lab) WireWeight() int64 { return lab.Logs.Weight() }
