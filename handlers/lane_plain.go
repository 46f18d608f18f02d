// The plain lane: the facts lie in the browser, as anybody may write them.

package handlers

import (
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"cookielab/sessions"
)

const plainCookie = "plain_user"

type plainLane struct{ clock sessions.Clock }

func (plainLane) ID() string               { return Plain }
func (plainLane) Cookie() sessions.Options { return laneCookie(plainCookie, false) }

// Remember writes the facts into a cookie, readable for scripts as well.
func (l plainLane) Remember(c echo.Context, who Identity, age time.Duration) error {
	return setCookie(c, l, plainValue(who), age, l.clock.Now())
}

// Recall believes what came. There is nothing to check it against.
func (l plainLane) Recall(c echo.Context) (Finding, error) {
	f, readable := newFinding(c, l)
	if !readable {
		return f, nil
	}
	who, ok := readPlain(f.Value)
	if !f.check("readable", ok, say("readable."+yesNo(ok)+".plain")) {
		return f.conclude(Unreadable, Identity{}), nil
	}
	return f.conclude(Believed, who), nil
}

// Forget asks the browser to drop the cookie. A copy of it goes on working.
func (l plainLane) Forget(c echo.Context) error {
	eraseCookie(c, l)
	return nil
}

// plainValue is the cookie's value: "user=alice&role=student".
func plainValue(who Identity) string {
	return "user=" + url.QueryEscape(who.User) + "&role=" + url.QueryEscape(who.Role)
}

// readPlain decodes such a value; any text with a user in it is one.
func readPlain(value string) (who Identity, ok bool) {
	fields, err := url.ParseQuery(value)
	if err != nil {
		return Identity{}, false
	}
	who = Identity{User: fields.Get("user"), Role: fields.Get("role")}
	return who, who.User != "" && utf8.ValidString(who.User) && utf8.ValidString(who.Role)
}
