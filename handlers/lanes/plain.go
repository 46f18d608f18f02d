// The plain lane: the facts lie in the browser, as anybody may write them.

package lanes

import (
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/sessions"
)

const plainCookie = "plain_user" // the cookie's name

type plain struct{ clock sessions.Clock }

func (plain) ID() string { return Plain }

func (plain) Cookie() sessions.Options { return cookie(plainCookie, false) }

// Remember writes the facts into a cookie, readable for scripts as well.
func (l plain) Remember(c echo.Context, who Identity, age time.Duration) error {
	return SetCookie(c, l, PlainValue(who), age, l.clock.Now())
}

// Recall believes what came. There is nothing to check it against.
func (l plain) Recall(c echo.Context) (Finding, error) {
	f, readable := newFinding(c, l)
	if !readable {
		return f, nil
	}
	who, ok := ReadPlain(f.Value)
	if !f.check("readable", ok, locale.Msg("readable."+markup.YesNo(ok)+".plain")) {
		return f.conclude(Unreadable, Identity{}), nil
	}
	return f.conclude(Believed, who), nil
}

// Forget asks the browser to drop the cookie. A copy of it goes on working.
func (l plain) Forget(c echo.Context) error {
	EraseCookie(c, l)
	return nil
}

// PlainValue returns the cookie's value for somebody, such as "user=alice&role=student".
func PlainValue(who Identity) string {
	return "user=" + url.QueryEscape(who.User) + "&role=" + url.QueryEscape(who.Role)
}

// ReadPlain decodes a value as PlainValue writes it. ok is false if it names no user, or is
// not UTF-8.
func ReadPlain(value string) (who Identity, ok bool) {
	fields, err := url.ParseQuery(value)
	if err != nil {
		return Identity{}, false
	}
	who = Identity{User: fields.Get("user"), Role: fields.Get("role")}
	return who, who.User != "" && utf8.ValidString(who.User) && utf8.ValidString(who.Role)
}
