// The session lane: the facts lie on the server, and the browser carries a key. With the
// engine signed_cookies, the facts lie in the cookie itself, under a seal. The
// token lane looks its keys up and opens its seals by the same two methods of Finding.

package lanes

import (
	"errors"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/sessions"
	"cookielab/sessions/browser"
)

type session struct {
	manager *sessions.Manager
	clock   sessions.Clock
}

func (session) ID() string { return Session }

func (l session) Cookie() sessions.Options { return l.manager.Options() }

// Remember files the facts in the session and gives it a new key, so that a
// key somebody planted or saw before the login is worth nothing. What Hold
// saves after the handler is what the next request finds.
func (l session) Remember(c echo.Context, who Identity, age time.Duration) error {
	session, err := l.manager.Load(c)
	if err != nil {
		return err
	}
	// As django.contrib.auth.login: somebody else's data go, a visitor's own
	// (collected before signing in, say) stay.
	if user := session.Text(sessions.UserKey); user != "" && user != who.User {
		session.Flush()
	} else {
		session.CycleKey()
	}
	at := l.clock.Now()
	expiry := sessions.Until(at.Add(age))
	if age == l.manager.Options().Age {
		expiry = sessions.Policy()
	}
	return errors.Join(
		session.SetExpiry(expiry),
		session.Set(sessions.UserKey, who.User),
		session.Set(sessions.RoleKey, who.Role),
		session.Set(sessions.SinceKey, at.UTC().Format(time.RFC3339)),
		session.Set(sessions.ClientKey, browser.ClientName(c.Request().UserAgent())),
	)
}

// Recall looks the key up or, where nothing lies on the server, checks the seal.
func (l session) Recall(c echo.Context) (Finding, error) {
	f, readable := newFinding(c, l)
	if !readable {
		return f, nil
	}
	session, err := l.manager.Load(c)
	if err != nil {
		return f, err // the store did not answer: that is not "nobody"
	}
	if !l.manager.KeepsRecords() {
		return f.unseal(session), nil
	}
	return f.lookUp(session), nil
}

// lookUp goes on with a finding whose value is a key: it checks whether there is a record.
func (f Finding) lookUp(session *sessions.Session) Finding {
	keyed := f.Lane // session or token: their keys look different
	rejected := session.Rejected()
	shape := !errors.Is(rejected, sessions.ErrMalformed)
	if !f.check("shape", shape, locale.Msg("shape."+markup.YesNo(shape)+"."+keyed)) {
		return f.conclude(Unreadable, Identity{})
	}
	exists := !errors.Is(rejected, sessions.ErrNotFound)
	if !f.check("record", exists, locale.Msg("record."+markup.YesNo(exists))) {
		return f.conclude(Unknown, Identity{})
	}
	record, live := session.Record()
	if !live {
		record, _ = session.Expired()
	}
	f.Record, f.Expires = &record, record.Expires
	if !f.check("age", live, locale.Msg("age."+markup.YesNo(live)+".session", locale.Args{"At": markup.ClockTime(record.Expires)})) {
		return f.conclude(Expired, Identity{})
	}
	return f.conclude(Found, Identity{
		User: session.Text(sessions.UserKey), Role: session.Text(sessions.RoleKey),
	})
}

// unseal goes on with a finding whose value is sealed: there is no record to look up. The
// engine checks in the same order.
func (f Finding) unseal(session *sessions.Session) Finding {
	short := len(f.Value) <= sessions.MaxCookie
	if f.Cookie != "" && !f.check("length", short, locale.Msg("length."+markup.YesNo(short), locale.Args{"Bytes": len(f.Value)})) {
		return f.conclude(Unreadable, Identity{})
	}
	rejected := session.Rejected()
	readable := !errors.Is(rejected, sessions.ErrMalformed)
	if !f.check("readable", readable, locale.Msg("readable."+markup.YesNo(readable)+".signed")) {
		return f.conclude(Unreadable, Identity{})
	}
	sealed := !errors.Is(rejected, sessions.ErrTampered)
	if !f.check("seal", sealed, locale.Msg("seal."+markup.YesNo(sealed))) {
		return f.conclude(Tampered, Identity{})
	}
	live := rejected == nil
	f.Expires = session.Ends()
	if !f.check("age", live, locale.Msg("age."+markup.YesNo(live)+".signed", locale.Args{"At": markup.ClockTime(f.Expires)})) {
		return f.conclude(Expired, Identity{})
	}
	return f.conclude(Verified, Identity{
		User: session.Text(sessions.UserKey), Role: session.Text(sessions.RoleKey),
	})
}

// Forget removes the record and the cookie. A copy of the key opens nothing. Of a
// session that lay in the cookie, a copy goes on working until its time is over.
func (l session) Forget(c echo.Context) error {
	session, err := l.manager.Load(c)
	if err != nil {
		return err
	}
	session.Flush()
	if errors.Is(session.Rejected(), sessions.ErrAbsent) && len(sessions.RawCookies(c.Request(), l.Cookie().Name)) > 0 {
		// One came that net/http refuses to read; the manager never saw it.
		EraseCookie(c, l)
	}
	return nil
}
