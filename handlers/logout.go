// Signing out: one logout forgets all three ways.

package handlers

import (
	"context"
	"errors"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/lanes"
	"cookielab/handlers/notebook"
	"cookielab/sessions"
)

// Logout serves POST /logout.
func (h *SignIn) Logout(c echo.Context) error {
	return h.auth.signOut(c, "/dashboard")
}

// signOut makes all three ways forget who this is, and sends the browser on.
func (a *Auth) signOut(c echo.Context, to string) error {
	if err := a.Before(c); err != nil {
		return err
	}
	for _, lane := range a.Lanes.Cookies {
		if err := lane.Forget(c); err != nil {
			return err
		}
	}
	if err := a.endLeftBehind(c); err != nil {
		return err
	}
	a.log.Info("signed out")
	if err := notebook.From(c).NoteLogout(); err != nil {
		return err
	}
	return a.Done(c, notebook.Action{Name: "logout"}, to)
}

// LogoutLane serves POST /act/logout/{lane}: that way only.
func (h *SignIn) LogoutLane(c echo.Context) error {
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
		if err := errors.Join(h.auth.endLeftBehind(c), notebook.From(c).NoteLogout()); err != nil {
			return err
		}
	}
	return h.auth.Done(c, notebook.Action{Name: "logout", Lane: lane.ID()}, "/dashboard")
}

// endLeftBehind ends the record this browser was last given, also when its key
// does not come any more: an edit or DevTools may have taken it away.
func (a *Auth) endLeftBehind(c echo.Context) error {
	id, ok := notebook.From(c).Record()
	if !ok {
		return nil
	}
	session, err := a.Lanes.Sessions.Load(c)
	if err != nil {
		return err
	}
	if record, live := session.Record(); live && record.ID == id {
		return nil // the one in use: its flush ends it
	}
	sessions.OnCommit(c, func(ctx context.Context) error { return a.endRecord(ctx, id) })
	return nil
}

// endRecord removes a record of the session lane, if it still lies there.
func (a *Auth) endRecord(ctx context.Context, id sessions.ID) error {
	err := a.Lanes.Sessions.End(ctx, id, 0)
	if errors.Is(err, sessions.ErrNotFound) || errors.Is(err, sessions.ErrNotSupported) {
		return nil
	}
	return err
}
