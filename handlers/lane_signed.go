// The signed lane: the facts lie in the browser, sealed by the server. They
// can be read and copied, but not changed.

package handlers

import (
	"errors"
	"math"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/sessions"
)

const signedCookie = "signed_user"

// maxSkew is how far ahead of the server's clock a value may be dated before
// it is refused: clocks are set back by a little all the time.
const maxSkew = time.Minute

type signedLane struct {
	signer *sessions.Signer // its purpose is the cookie's name, Django's salt
	clock  sessions.Clock
}

// signedFacts is what the cookie holds. When it was made and when it ends lie
// inside the seal, so the server needs no memory to judge its age.
type signedFacts struct {
	User     string `json:"user"`
	Role     string `json:"role"`
	IssuedAt date   `json:"iat"`
	Expires  date   `json:"exp"` // the server believes it before this instant
}

// date is an instant in seconds since 1970, with a fraction (NumericDate of RFC
// 7519): in whole seconds the server's clock and the browser's would not end
// together.
type date float64

func dateOf(t time.Time) date { return date(float64(t.UnixMilli()) / 1000) }

func (d date) time() time.Time { return time.UnixMilli(int64(math.Round(float64(d) * 1000))) }

func (signedLane) ID() string               { return Signed }
func (signedLane) Cookie() sessions.Options { return laneCookie(signedCookie, true) }

// Remember writes the facts and seals them.
func (l signedLane) Remember(c echo.Context, who Identity, age time.Duration) error {
	at := l.clock.Now()
	value, err := l.signer.Sign(signedFacts{User: who.User, Role: who.Role, IssuedAt: dateOf(at), Expires: dateOf(at.Add(age))})
	if err != nil {
		return err
	}
	return setCookie(c, l, value, age, at)
}

// Recall checks the seal first; only then does it look inside.
func (l signedLane) Recall(c echo.Context) (Finding, error) {
	f, readable := newFinding(c, l)
	if !readable {
		return f, nil
	}
	var facts signedFacts
	err := l.signer.Verify(f.Value, &facts)
	long, form, seal := errors.Is(err, sessions.ErrTooLong), errors.Is(err, sessions.ErrUnreadable), errors.Is(err, sessions.ErrTampered)
	if !f.check("length", !long, say("length."+yesNo(!long), Args{"Bytes": len(f.Value)})) ||
		!f.check("readable", !form, say("readable."+yesNo(!form)+".signed")) {
		return f.conclude(Unreadable, Identity{}), nil
	}
	if !f.check("seal", !seal, say("seal."+yesNo(!seal))) {
		return f.conclude(Tampered, Identity{}), nil
	}
	if err != nil {
		return f, err
	}
	if facts.User == "" || facts.Expires == 0 {
		f.check("complete", false, say("complete.no"))
		return f.conclude(Unreadable, Identity{}), nil
	}
	at := l.clock.Now()
	issued := facts.IssuedAt.time()
	f.Expires = facts.Expires.time()
	past := !issued.After(at.Add(maxSkew))
	if !f.check("dated", past, say("dated."+yesNo(past), Args{"At": clockTime(issued)})) {
		return f.conclude(Unreadable, Identity{}), nil
	}
	fresh := at.Before(f.Expires)
	if !f.check("age", fresh, say("age."+yesNo(fresh)+".signed", Args{"At": clockTime(f.Expires)})) {
		return f.conclude(Expired, Identity{}), nil
	}
	return f.conclude(Verified, Identity{User: facts.User, Role: facts.Role}), nil
}

// Forget asks the browser to drop the cookie. A copy of it goes on working
// until its time is over: the server keeps no list to strike it from.
func (l signedLane) Forget(c echo.Context) error {
	eraseCookie(c, l)
	return nil
}
