// Signing out: one logout forgets all three ways.

package handlers

import (
	"context"
	"errors"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/lanes"
	"cookielab/sessions"
)

// postLogout serves POST /logout.
func (lab *Lab) postLogout(c echo.Context) error {
	return lab.signOut(c, "/dashboard")
}

// signOut makes all three ways forget who this is, and sends the browser on.
func (lab *Lab) signOut(c echo.Context, to string) error {
	if err := lab.before(c); err != nil {
		return err
	}
	for _, lane := range lab.lanes.Cookies {
		if err := lane.Forget(c); err != nil {
			return err
		}
	}
	if err := lab.endLeftBehind(c); err != nil {
		return err
	}
	lab.log.Info("signed out")
	if err := notebookOf(c).NoteLogout(); err != nil {
		return err
	}
	return lab.done(c, Action{Name: "logout"}, to)
}

// postLogoutLane serves POST /act/logout/{lane}: that way only.
func (lab *Lab) postLogoutLane(c echo.Context) error {
	lane, err := lab.lanes.Param(c)
	if err != nil {
		return err
	}
	if err := lab.before(c); err != nil {
		return err
	}
	if err := lane.Forget(c); err != nil {
		return err
	}
	if lane.ID() == lanes.Session {
		if err := errors.Join(lab.endLeftBehind(c), notebookOf(c).NoteLogout()); err != nil {
			return err
		}
	}
	return lab.done(c, Action{Name: "logout", Lane: lane.ID()}, "/dashboard")
}

// endLeftBehind ends the record this browser was last given, also when its key
// does not come any more: an edit or DevTools may have taken it away.
func (lab *Lab) endLeftBehind(c echo.Context) error {
	id, ok := notebookOf(c).Record()
	if !ok {
		return nil
	}
	session, err := lab.sessions.Load(c)
	if err != nil {
		return err
	}
	if record, live := session.Record(); live && record.ID == id {
		return nil // the one in use: its flush ends it
	}
	sessions.OnCommit(c, func(ctx context.Context) error { return lab.endRecord(ctx, id) })
	return nil
}

// endRecord removes a record of the session lane, if it still lies there.
func (lab *Lab) endRecord(ctx context.Context, id sessions.ID) error {
	err := lab.sessions.End(ctx, id, 0)
	if errors.Is(err, sessions.ErrNotFound) || errors.Is(err, sessions.ErrNotSupported) {
		return nil
	}
	return err
}
