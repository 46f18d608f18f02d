// The signed lane: the facts lie in the browser, under the server's seal. Anybody can read
// and copy them, but nobody can change them.

package lanes

import (
	"encoding/json"
	"errors"
	"math"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/sessions"
)

// SignedCookie is the name of the signed lane's cookie, and the purpose of its seal.
const SignedCookie = "signed_user"

// MaxSkew is how far ahead of the server's clock a value may be dated without being refused.
// Clocks are set back by a little all the time.
const MaxSkew = time.Minute

type signed struct {
	signer *sessions.Signer // its purpose is the cookie's name, Django's salt
	clock  sessions.Clock
}

// SignedFacts is what the cookie holds. The seal also covers when it was made and when it
// ends, so the server needs no memory to judge its age.
type SignedFacts struct {
	User     string `json:"user"`
	Role     string `json:"role"`
	IssuedAt Date   `json:"iat"`
	Expires  Date   `json:"exp"` // the server believes it before this instant
}

// Date is an instant in seconds since 1970, with a fraction (NumericDate, RFC 7519 section
// 2). In whole seconds, the server and the browser would not end a value together.
type Date float64

// DateOf returns an instant as a Date, to the millisecond.
func DateOf(t time.Time) Date { return Date(float64(t.UnixMilli()) / 1000) }

// Time returns the instant, to the millisecond.
func (d Date) Time() time.Time { return time.UnixMilli(int64(math.Round(float64(d) * 1000))) }

func (signed) ID() string { return Signed }

func (signed) Cookie() sessions.Options { return cookie(SignedCookie, true) }

// Remember writes the facts and seals them.
func (l signed) Remember(c echo.Context, who Identity, age time.Duration) error {
	at := l.clock.Now()
	value, err := l.signer.Sign(SignedFacts{User: who.User, Role: who.Role, IssuedAt: DateOf(at), Expires: DateOf(at.Add(age))})
	if err != nil {
		return err
	}
	return SetCookie(c, l, value, age, at)
}

// Recall checks the seal first; only then does it look inside.
func (l signed) Recall(c echo.Context) (Finding, error) {
	f, readable := newFinding(c, l)
	if !readable {
		return f, nil
	}
	var facts SignedFacts
	err := l.signer.Verify(f.Value, &facts)
	long, format, seal := errors.Is(err, sessions.ErrTooLong), errors.Is(err, sessions.ErrUnreadable), errors.Is(err, sessions.ErrTampered)
	if !f.check("length", !long, locale.Msg("length."+markup.YesNo(!long), locale.Args{"Bytes": len(f.Value)})) ||
		!f.check("readable", !format, locale.Msg("readable."+markup.YesNo(!format)+".signed")) {
		return f.conclude(Unreadable, Identity{}), nil
	}
	if !f.check("seal", !seal, locale.Msg("seal."+markup.YesNo(!seal))) {
		return f.conclude(Tampered, Identity{}), nil
	}
	if err != nil {
		return f, err
	}
	if facts.User == "" || facts.Expires == 0 {
		f.check("complete", false, locale.Msg("complete.no"))
		return f.conclude(Unreadable, Identity{}), nil
	}
	at := l.clock.Now()
	issued := facts.IssuedAt.Time()
	f.Expires = facts.Expires.Time()
	past := !issued.After(at.Add(MaxSkew))
	if !f.check("dated", past, locale.Msg("dated."+markup.YesNo(past), locale.Args{"At": markup.ClockTime(issued)})) {
		return f.conclude(Unreadable, Identity{}), nil
	}
	fresh := at.Before(f.Expires)
	if !f.check("age", fresh, locale.Msg("age."+markup.YesNo(fresh)+".signed", locale.Args{"At": markup.ClockTime(f.Expires)})) {
		return f.conclude(Expired, Identity{}), nil
	}
	return f.conclude(Verified, Identity{User: facts.User, Role: facts.Role}), nil
}

// Forget asks the browser to drop the cookie. A copy of it goes on working
// until its time is over: the server keeps no list to strike it from.
func (l signed) Forget(c echo.Context) error {
	EraseCookie(c, l)
	return nil
}

// JSON returns the facts as the signed lane writes them under its seal.
func (f SignedFacts) JSON() string {
	text, _ := json.Marshal(f) // texts and numbers always fit
	return string(text)
}
