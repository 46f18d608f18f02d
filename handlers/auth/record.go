// The record that this browser was last given, and to whom its notebook belongs: what is
// noted of them just before the notebook is saved.

package auth

import (
	"context"
	"errors"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/lanes"
	"cookielab/handlers/notebook"
	"cookielab/sessions"
)

// BeforeSave notes what this reply changes for its browser. It is for
// [notebook.Opener.BeforeSave]: by then the session is saved, and the notebook is not. The
// error is that of a store, or [sessions.ErrEnded] if the session that Restore signs in again
// has ended meanwhile.
func (a *Auth) BeforeSave(ctx context.Context, c echo.Context, n *notebook.Notebook) error {
	sessions.AfterCommit(c, func() {
		if len(c.Response().Header()["Set-Cookie"]) > 0 {
			reissued(n.Log(), a.Lanes.Values(c), a.Lanes.ValuesAfter(c))
		}
	})
	if n.MayWrite() { // otherwise this reply must not set its cookie
		if err := a.noteRecord(ctx, c, n); err != nil {
			return err
		}
	}
	return a.claim(ctx, c, n)
}

// takePlace ends the session that was left behind, and notes that the session by takes
// its place.
func (a *Auth) takePlace(ctx context.Context, c echo.Context, left leftBehind, by sessions.ID) error {
	err := a.Lanes.Sessions.Replace(ctx, left.ID, left.Version, by)
	switch gone := errors.Is(err, sessions.ErrNotFound) || errors.Is(err, sessions.ErrConflict); {
	case gone && left.Version != 0:
		// The old session ended meanwhile. The new one was made from its record, so
		// it has to end, too.
		return errors.Join(sessions.ErrEnded, a.endRecord(ctx, by))
	case err != nil && !gone:
		return err
	case left.Version == 0:
		return nil
	}
	// This is Put it back. A logout may be under way with the value that the lab wrote in
	// place of the key: it has to end the new session, too.
	if err = a.Lanes.Sessions.Point(ctx, a.Lanes.Values(c)[lanes.Session], by); errors.Is(err, sessions.ErrExists) {
		return nil
	}
	return err
}

// claim makes sure that a notebook belongs to whoever is signed in with this request: it
// has noted the login of this session, whatever key the session has now. Otherwise
// somebody else may have planted the notebook's cookie in this browser, and could read
// the session's key on the notebook's wire, once this exchange is there. So the notebook
// gets a new key, which they do not know. If this reply can set no cookie, the wire
// leaves out the values that the notebook did not see set (see hide).
func (a *Auth) claim(ctx context.Context, c echo.Context, n *notebook.Notebook) error {
	session, err := a.Lanes.Sessions.Load(c)
	if err != nil {
		return nil //nolint:nilerr // who is signed in cannot be found out, so nothing is claimed
	}
	if !n.NotedLogin(session) {
		if !n.MayWrite() {
			return nil
		}
		if err := errors.Join(a.endNoted(ctx, c, n, session), n.ChangeKey(), n.NoteLogin(session)); err != nil {
			return err
		}
	}
	return n.BelongTo(c, session)
}

// endNoted ends the session of the login that the notebook noted last, if another one is
// signed in with this browser by now and no cookie of this request leads to the first. (A
// second cookie of the same name still leads to it: somebody may have planted the cookie
// that comes first.)
func (a *Auth) endNoted(ctx context.Context, c echo.Context, n *notebook.Notebook, session *sessions.Session) error {
	left, noted := n.Record()
	record, stored := session.Record()
	if !noted || !stored || left == record.ID {
		return nil
	}
	for _, key := range sessions.ReadCookies(c.Request(), a.Lanes.Sessions.Options().Name) {
		if sessions.KeyID(lanes.SessionPurpose, key) == left {
			return nil
		}
	}
	return a.takePlace(ctx, c, leftBehind{ID: left}, record.ID)
}
