// The token lane: a key that a client sends itself, in the header Authorization, while in
// the other lanes a browser sends a cookie. With the engine signed_cookies, the facts lie in
// the token itself, under a seal.

package lanes

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/sessions"
	"cookielab/sessions/browser"
)

// TokenScheme is the authentication scheme that stands before the token:
// "Authorization: Token 9944b0…" (TokenAuthentication of Django REST framework).
const TokenScheme = "Token"

// TokenLane is the token lane, with one kind of token.
type TokenLane struct {
	Manager *sessions.Manager // of the sessions that the tokens lead to
	clock   sessions.Clock
}

// ID returns [Token].
func (TokenLane) ID() string { return Token }

// Remember files the facts under a new key and hands it over in the reply's
// body, this once: what is filed is its hash. The client has to keep it itself.
func (l TokenLane) Remember(c echo.Context, who Identity, age time.Duration) error {
	token, err := l.Issue(c.Request().Context(), who, age, browser.ClientName(c.Request().UserAgent()))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, tokenAnswer{token.Key(), token.Ends().UTC().Truncate(time.Second)})
}

// Issue makes a token for somebody, which ends after age. Use does not make it live longer.
// client is the name of the program that gets it. [sessions.Session.Key] is the token itself.
func (l TokenLane) Issue(ctx context.Context, who Identity, age time.Duration, client string) (*sessions.Session, error) {
	at := l.clock.Now()
	return l.Manager.Create(ctx, func(token *sessions.Session) error {
		return errors.Join(
			token.SetExpiry(sessions.Until(at.Add(age))),
			token.Set(sessions.UserKey, who.User),
			token.Set(sessions.RoleKey, who.Role),
			token.Set(sessions.SinceKey, at.UTC().Format(time.RFC3339)),
			token.Set(sessions.ClientKey, client),
		)
	})
}

// Recall looks the key up or, where nothing lies on the server, checks the seal.
// It asks the header alone: not the address, not a form, not a cookie.
func (l TokenLane) Recall(c echo.Context) (Finding, error) {
	f := Finding{Lane: Token, Sent: len(c.Request().Header["Authorization"]) > 0}
	token, err := l.Manager.Load(c)
	if err != nil {
		return f, err // the store did not answer: that is not "nobody"
	}
	if !f.check("header", f.Sent, locale.Msg("header."+markup.YesNo(f.Sent))) {
		return f.conclude(Absent, Identity{}), nil
	}
	value, _ := l.Manager.Options().Carrier.Read(c.Request())
	if !f.check("scheme", value != "", locale.Msg("scheme."+markup.YesNo(value != ""))) {
		return f.conclude(Unreadable, Identity{}), nil
	}
	if !l.Manager.KeepsRecords() {
		return f.unseal(token), nil
	}
	return f.lookUp(token), nil
}

// Forget removes the record, so no copy of the token opens anything any more. The error is
// [sessions.ErrNotSupported] for a self-contained token, which cannot be ended.
func (l TokenLane) Forget(c echo.Context) error {
	if !l.Manager.KeepsRecords() {
		return sessions.ErrNotSupported
	}
	token, err := l.Manager.Load(c)
	if err != nil {
		return err
	}
	token.Flush()
	return nil
}

type tokenAnswer struct {
	Token   string    `json:"token"`
	Expires time.Time `json:"expires_at"`
}
