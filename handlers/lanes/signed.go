// The signed lane: the facts lie in the browser, sealed by the server. They
// can be read and copied, but not changed.

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

const SignedCookie = "signed_user"

// MaxSkew is how far ahead of the server's clock a value may be dated before
// it is refused: clocks are set back by a little all the time.
const MaxSkew = time.Minute

type signed struct {
	signer *sessions.Signer // its purpose is the cookie's name, Django's salt
	clock  sessions.Clock
}

// SignedFacts is what the cookie holds. When it was made and when it ends lie
// inside the seal, so the server needs no memory to judge its age.
type SignedFacts struct {
	User     string `json:"user"`
	Role     string `json:"role"`
	IssuedAt Date   `json:"iat"`
	Expires  Date   `json:"exp"` // the server believes it before this instant
}

// Date is an instant in seconds since 1970, with a fraction (NumericDate of RFC
// 7519): in whole seconds the server's clock and the browser's would not end
// together.
type Date float64

func DateOf(t time.Time) Date { return Date(float64(t.UnixMilli()) / 1000) }

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
	long, form, seal := errors.Is(err, sessions.ErrTooLong), errors.Is(err, sessions.ErrUnreadable), errors.Is(err, sessions.ErrTampered)
	if !f.check("length", !long, locale.Msg("length."+markup.YesNo(!long), locale.Args{"Bytes": len(f.Value)})) ||
		!f.check("readable", !form, locale.Msg("readable."+markup.YesNo(!form)+".signed")) {
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

// Json is the content as the signed way writes it.
func (f SignedFacts) Json() string {
	text, _ := json.Marshal(f) // texts and numbers always fit
	return string(text)
}
