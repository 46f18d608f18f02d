// What the lanes conclude about a request, what they remember with its
// reply, and how they forget it.

package auth

import (
	"context"
	"errors"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/lanes"
	"cookielab/handlers/notebook"
	"cookielab/sessions"
)

// Keys in a request's context.
const (
	sessionFindingKey = "cookielab/auth.session finding" // what the session lane found: see SessionFinding
	rememberedKey     = "cookielab/auth.remembered"      // the session that SignIn made
	leftBehindKey     = "cookielab/auth.left behind"     // the session whose place it takes: see leftBehind
)

// Recall asks one lane, and puts what it finds on the wire. The error is that of the lane's
// store.
func (a *Auth) Recall(c echo.Context, lane lanes.Lane) (lanes.Finding, error) {
	f, err := lane.Recall(c)
	if err != nil {
		return f, err
	}
	notebook.NoteFinding(c, f)
	if lane.ID() == lanes.Session {
		c.Set(sessionFindingKey, f)
	}
	return f, nil
}

// SessionFinding returns what the session lane found in this request; ok is false if it was
// not asked.
func (a *Auth) SessionFinding(c echo.Context) (f lanes.Finding, ok bool) {
	f, ok = c.Get(sessionFindingKey).(lanes.Finding)
	return f, ok
}

// Who returns who is signed in, by the session lane, which is the only lane that authorises
// anything. It asks the lane, unless this request asked it before. ok is false if nobody is
// signed in.
func (a *Auth) Who(c echo.Context) (who lanes.Identity, ok bool, err error) {
	if _, asked := a.SessionFinding(c); !asked {
		if _, err := a.Recall(c, a.Lanes.Session()); err != nil {
			return who, false, err
		}
	}
	who, ok = a.SignedIn(c)
	return who, ok, nil
}

// Asked returns whom the session lane has found in this request. asked is false if it was not
// asked.
func (a *Auth) Asked(c echo.Context) (who lanes.Identity, asked bool) {
	f, asked := a.SessionFinding(c)
	if f.Verdict.Accepted() {
		who = f.Who
	}
	return who, asked
}

// RecallAll asks every lane with a cookie, in the order of [lanes.Set.Cookies], as Recall
// does.
func (a *Auth) RecallAll(c echo.Context) ([]lanes.Finding, error) {
	findings := make([]lanes.Finding, 0, len(a.Lanes.Cookies))
	for _, lane := range a.Lanes.Cookies {
		f, err := a.Recall(c, lane)
		if err != nil {
			return nil, err
		}
		findings = append(findings, f)
	}
	return findings, nil
}

// SignIn makes every lane with a cookie remember somebody, for age. It also ends the record
// that this browser was given before, if its key did not come with the request, and gives the
// notebook a new key.
func (a *Auth) SignIn(c echo.Context, who lanes.Identity, age time.Duration) error {
	for _, lane := range a.Lanes.Cookies {
		if err := lane.Remember(c, who, age); err != nil {
			return err
		}
	}
	session, err := a.Lanes.Sessions.Load(c)
	if err != nil {
		return err
	}
	if err := notebook.From(c).ChangeKey(); err != nil {
		return err
	}
	c.Set(rememberedKey, session) // the notebook notes its record once it is saved
	if left, ok := notebook.From(c).Record(); ok {
		if record, live := session.Record(); !live || record.ID != left { // else it is in use: its new key ends it
			c.Set(leftBehindKey, leftBehind{ID: left})
		}
	}
	return nil
}

// Age returns how long the lanes remember somebody, unless an action says otherwise.
func (a *Auth) Age() time.Duration { return a.Lanes.Sessions.Options().Age }

// SignOut makes every lane with a cookie forget who this is, and sends the browser on to a
// path.
func (a *Auth) SignOut(c echo.Context, to string) error {
	if err := a.Before(c); err != nil {
		return err
	}
	for _, lane := range a.Lanes.Cookies {
		if err := lane.Forget(c); err != nil {
			return err
		}
	}
	if err := a.EndLeftBehind(c); err != nil {
		return err
	}
	a.log.Info("signed out")
	if err := notebook.From(c).NoteLogout(); err != nil {
		return err
	}
	return a.Done(c, notebook.Action{Name: "logout"}, to)
}

// EndLeftBehind ends the record that this browser was last given, also if its key does not
// come any more: an edit or DevTools may have taken it away. It ends when the reply is saved.
func (a *Auth) EndLeftBehind(c echo.Context) error {
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

// leftBehind is the record of this browser's old session. Once the new session is saved it
// takes the place of the old one: a logout that is still under way with the old key ends
// the new one. Version is set by Put it back: the new session was made from what this
// record said, and counts only if the record still has that version.
type leftBehind struct {
	ID      sessions.ID
	Version uint64
}

// noteRecord remembers which record this browser was given, by its ID, which
// no browser could send. It shows what lies on the server when a request does
// not reach it any more. The one it replaces ends only now that the new one is
// saved: if that failed, there is still something to put back.
func (a *Auth) noteRecord(ctx context.Context, c echo.Context, n *notebook.Notebook) error {
	session, ok := c.Get(rememberedKey).(*sessions.Session)
	if !ok {
		return nil
	}
	record, ok := session.Record() // saved by now: its commit came first
	if left, leaves := c.Get(leftBehindKey).(leftBehind); ok && leaves {
		if err := a.takePlace(ctx, c, left, record.ID); err != nil {
			return err
		}
	}
	return n.NoteLogin(session)
}
