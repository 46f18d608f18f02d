// Signing out: of all three lanes at once, or of one.

package signin

import (
	"errors"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/lanes"
	"cookielab/handlers/notebook"
)

// Logout serves POST /logout: all three lanes forget the visitor.
func (h *Page) Logout(c echo.Context) error {
	return h.auth.SignOut(c, "/dashboard")
}

// LogoutLane serves POST /act/logout/{lane}: only that lane forgets the visitor.
func (h *Page) LogoutLane(c echo.Context) error {
	lane, err := h.auth.Lanes.Param(c)
	if err != nil {
		return err
	}
	if err := h.auth.Before(c); err != nil {
		return err
	}
	if err := lane.Forget(c); err != nil {
		return err
	}
	if lane.ID() == lanes.Session {
		if err := errors.Join(h.auth.EndLeftBehind(c), notebook.From(c).NoteLogout()); err != nil {
			return err
		}
	}
	return h.auth.Done(c, notebook.Action{Name: "logout", Lane: lane.ID()}, "/dashboard")
}
