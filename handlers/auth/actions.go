// Actions: what a visitor does to the lanes' values, at the dashboard or in a lesson. Each begins
// with Before and ends with Done. Between them stand the ones that several pages offer: Tamper
// edits values, ExpireSoon shortens their time, and Restore puts the session back.

package auth

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/notebook"
	"cookielab/sessions"
)

// ShortLife is how long the lanes remember somebody after ExpireSoon.
const ShortLife = 10 * time.Second

// Before asks all lanes, and keeps how the dashboard's cells are, so that the next dashboard
// can show what an action changed. Each action calls it first.
func (a *Auth) Before(c echo.Context) error {
	findings, err := a.RecallAll(c)
	if err != nil {
		return err
	}
	log := notebook.From(c).Log()
	if log == nil {
		return nil
	}
	described, err := a.Describe(c, findings)
	if err != nil {
		return err
	}
	keepBefore(log, CellsOf(findings, described, notebook.Of[*Copy](log)))
	return nil
}

// Done ends an action. It writes the action down, with the time, and sends the browser on to a
// path. If there is a copy, it sends the copy once more when the reply is saved.
func (a *Auth) Done(c echo.Context, action notebook.Action, to string) error {
	n := notebook.From(c)
	action.At = a.clock.Now()
	if err := n.Note(action); err != nil {
		return err
	}
	sessions.AfterCommit(c, func() {
		if log := n.Log(); log != nil {
			expect(log, a.Lanes.ValuesAfter(c))
			a.replay(c, log)
		}
	})
	return c.Redirect(http.StatusSeeOther, to)
}

// Tamper rewrites the values of some lanes that came, as a visitor could, and sets them for
// the time that they had left. rewrite gets a value with its format (see [lanes.Format]). Then
// it ends the action, as Done does. The error is an [input.Problem], a 422, if a cookie would
// be longer than browsers keep.
func (a *Auth) Tamper(c echo.Context, action string, changed []lanes.CookieLane, rewrite func(form, value string) string, to string) error {
	if err := a.Before(c); err != nil {
		return err
	}
	done := notebook.Action{Name: action, Lane: laneOf(changed)}
	n, came, tampered := notebook.From(c), a.Lanes.Values(c), map[string]string{}
	for _, lane := range changed { // all before any is set: no half an edit
		value, ok := came[lane.ID()]
		if !ok {
			continue // nothing to edit
		}
		rewritten := rewrite(a.Lanes.Format(lane.ID()), value)
		if rewritten == value {
			continue
		}
		if size := len(lane.Cookie().Name) + len(rewritten); size > sessions.MaxCookie {
			return input.NewProblem(http.StatusUnprocessableEntity, "cookie_too_long", locale.Msg("error.cookie_too_long",
				locale.Args{"Cookie": lane.Cookie().Name, "Bytes": size, "Limit": sessions.MaxCookie}))
		}
		tampered[lane.ID()] = rewritten
		done.Changed = append(done.Changed, lane.ID())
	}
	if value, ok := tampered[lanes.Session]; ok {
		if err := a.noteTampered(c, value); err != nil {
			return err
		}
	}
	for _, lane := range changed {
		if value, ok := tampered[lane.ID()]; ok {
			if err := lanes.SetCookie(c, lane, value, a.ageLeft(n, lane), a.clock.Now()); err != nil {
				return err
			}
		}
	}
	return a.Done(c, done, to)
}

// ageLeft is how long the browser would still keep a lane's cookie; 0: until it
// is closed.
func (a *Auth) ageLeft(n *notebook.Notebook, lane lanes.CookieLane) time.Duration {
	set, ok := n.Attributes(lane.ID())
	if !ok {
		return a.Age()
	}
	until := set.BrowserExpires()
	if until == nil {
		return 0
	}
	return max(time.Second, until.Sub(a.clock.Now()))
}

// ExpireSoon makes all lanes remember whoever is signed in for [ShortLife], and takes a new
// copy. ok is false if nobody is signed in; then it does nothing.
func (a *Auth) ExpireSoon(c echo.Context) (ok bool, err error) {
	if err := a.Before(c); err != nil {
		return false, err
	}
	who, ok := a.SignedIn(c)
	if !ok {
		return false, nil
	}
	if err := a.SignIn(c, who, ShortLife); err != nil {
		return false, err
	}
	if n := notebook.From(c); n != nil {
		// The new cookies exist only once they are saved.
		sessions.AfterCommit(c, func() { a.CopyOf(a.Lanes.ValuesAfter(c)).Keep(n.Log()) })
	}
	return true, nil
}

// noteTampered notes the hash of a value that the lab writes in place of this browser's
// session key, if the key opened a session or was such a value itself: [Auth.MayRestore]
// compares it.
func (a *Auth) noteTampered(c echo.Context, value string) error {
	n := notebook.From(c)
	if !n.MayWrite() {
		return nil
	}
	session, err := a.Lanes.Sessions.Load(c)
	if err != nil {
		return err
	}
	record, live := session.Record()
	switch {
	case live && session.Text(sessions.UserKey) != "":
		if err := n.NoteRecord(record.ID); err != nil {
			return err
		}
	case !a.MayRestore(c):
		return nil
	}
	return n.NoteTampered(tamperedHash(value))
}

// MayRestore reports whether a request carries the value that the lab itself wrote in
// place of this browser's session key. The notebook's cookie alone is not enough to be
// signed in again: somebody else may have a copy of it.
func (a *Auth) MayRestore(c echo.Context) bool {
	came := a.Lanes.Values(c)[lanes.Session]
	return came != "" && equal(notebook.From(c).Tampered(), tamperedHash(came))
}

// tamperedHash returns the hash by which the notebook recognises a value that the lab wrote.
func tamperedHash(value string) string { return sessions.KeyID("forged", value).String() }

// Restore signs in again whoever is signed in with this request or, if the request may (see
// MayRestore), whoever the record names that this browser was last given. ok is false if it
// cannot know who that is; then it does nothing.
func (a *Auth) Restore(c echo.Context) (ok bool, err error) {
	who, ok := a.SignedIn(c)
	var from *sessions.Record
	if !ok {
		if !a.MayRestore(c) {
			return false, nil
		}
		record, values, err := a.restorable(c)
		if err != nil || record == nil || values.Text(sessions.UserKey) == "" {
			return false, err
		}
		who = lanes.Identity{User: values.Text(sessions.UserKey), Role: values.Text(sessions.RoleKey)}
		from = record
	}
	if err := a.SignIn(c, who, a.Age()); err != nil {
		return false, err
	}
	if from != nil {
		c.Set(leftBehindKey, leftBehind{from.ID, from.Version})
	}
	return true, nil
}

// SignedIn returns who is signed in, by the session lane, which is the only lane that
// authorises anything. ok is false if nobody is. The request must have asked the lane before:
// see Before and Who.
func (a *Auth) SignedIn(c echo.Context) (lanes.Identity, bool) {
	f, ok := a.SessionFinding(c)
	return f.Who, ok && f.Verdict.Accepted() && f.Who.User != ""
}

// restorable returns the live record that this browser was last given, and its values; nil if
// it has expired or ended, and if there was none.
func (a *Auth) restorable(c echo.Context) (*sessions.Record, sessions.Values, error) {
	record, err := a.LastRecord(c)
	if err != nil || record == nil || !record.Expires.After(a.clock.Now()) {
		return nil, nil, err
	}
	values, err := sessions.DecodeValues(record.Data)
	if err != nil {
		return nil, nil, nil //nolint:nilerr // unreadable is as good as over
	}
	return record, values, nil
}

// laneOf returns the ID of the one lane that an action is about; "" for all.
func laneOf(some []lanes.CookieLane) string {
	if len(some) == 1 {
		return some[0].ID()
	}
	return ""
}
