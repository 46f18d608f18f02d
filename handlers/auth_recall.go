// What the lanes conclude about a request, and what they remember with its reply.

package handlers

import (
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/lanes"
	"cookielab/handlers/notebook"
)

const (
	sessionFindingKey = "cookielab/handlers.session finding"
	rememberedKey     = "cookielab/handlers.remembered"
	leftBehindKey     = "cookielab/handlers.left behind"
)

// recall asks one lane and puts what it finds on the wire.
func (a *Auth) recall(c echo.Context, lane lanes.Lane) (lanes.Finding, error) {
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

// sessionFinding is what the session lane found in this request; ok is false if it was not
// asked.
func (a *Auth) sessionFinding(c echo.Context) (f lanes.Finding, ok bool) {
	f, ok = c.Get(sessionFindingKey).(lanes.Finding)
	return f, ok
}

// who is who is signed in, by the session lane: the only lane that authorises anything. It
// asks the lane, unless this request asked it before. ok is false for nobody.
func (a *Auth) who(c echo.Context) (who lanes.Identity, ok bool, err error) {
	if _, asked := a.sessionFinding(c); !asked {
		if _, err := a.recall(c, a.Lanes.Session()); err != nil {
			return who, false, err
		}
	}
	who, ok = a.signedIn(c)
	return who, ok, nil
}

// asked is who the session lane found in this request, if it was asked.
func (a *Auth) asked(c echo.Context) (who lanes.Identity, asked bool) {
	f, asked := a.sessionFinding(c)
	if f.Verdict.Accepted() {
		who = f.Who
	}
	return who, asked
}

// recallAll asks every lane of the dashboard, in order.
func (a *Auth) recallAll(c echo.Context) ([]lanes.Finding, error) {
	findings := make([]lanes.Finding, 0, len(a.Lanes.Cookies))
	for _, lane := range a.Lanes.Cookies {
		f, err := a.recall(c, lane)
		if err != nil {
			return nil, err
		}
		findings = append(findings, f)
	}
	return findings, nil
}

// SignIn makes every lane remember somebody, for the same time, and ends the
// record that this browser was given before, if its key does not come any more.
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

// age is how long the lanes remember somebody, unless an action says otherwise.
func (a *Auth) age() time.Duration { return a.Lanes.Sessions.Options().Age }
