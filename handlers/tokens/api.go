// Tokens for programs: to get one, to end it, and to ask who one is.

package tokens

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/auth"
	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
	"cookielab/sessions"
)

// Issue serves POST /api/token: it gives a token for a name and the class password, as a login
// does. The answer is 201 with the token, which no later answer repeats.
func (h *Page) Issue(c echo.Context) error {
	var given auth.Credentials
	if err := input.ReadJSON(c, &given); err != nil {
		return err
	}
	who, err := h.auth.Admit(c, given)
	if err != nil {
		return err
	}
	if err := h.auth.Lanes.Opaque.Remember(c, who, h.auth.Age()); err != nil {
		return err
	}
	h.site.Log.Info("token issued", "name", who.User, "role", who.Role)
	return nil
}

// Delete serves DELETE /api/token: it ends the token that the request carries.
func (h *Page) Delete(c echo.Context) error { return h.endToken(c, h.auth.Lanes.Opaque) }

// DeleteSealed serves DELETE /api/token/sealed: it refuses to end a self-contained token of
// the page /tokens, since that cannot be ended.
func (h *Page) DeleteSealed(c echo.Context) error { return h.endToken(c, h.auth.Lanes.Sealed) }

// endToken answers 204, and the token is dead at once; 401 where none came that
// counts; 409 where the server keeps nothing that it could remove.
func (h *Page) endToken(c echo.Context, lane lanes.TokenLane) error {
	f, err := h.auth.Recall(c, lane)
	if err != nil {
		return err
	}
	if !f.Verdict.Accepted() {
		return unauthorized(c)
	}
	err = lane.Forget(c)
	if errors.Is(err, sessions.ErrNotSupported) {
		return input.NewProblem(http.StatusConflict, "not_supported", locale.Msg("error.token_stays", locale.Args{"At": markup.ClockTime(f.Expires)})).Wrap(err)
	}
	if err != nil {
		return err
	}
	h.site.Log.Info("token ended", "name", f.Who.User)
	return c.NoContent(http.StatusNoContent)
}

type whoamiAnswer struct {
	User string `json:"user"`
	Role string `json:"role"`
	Auth string `json:"auth"` // "session", "token": what told
}

// WhoAmI serves GET /api/whoami: who somebody is, by a token or by the session lane. If there
// is an Authorization header, that alone counts: a request with credentials of its own must
// not become somebody else's because a browser added a cookie.
func (h *Page) WhoAmI(c echo.Context) error {
	if len(c.Request().Header["Authorization"]) > 0 {
		return h.whoami(c, h.auth.Lanes.Opaque, h.auth.Lanes.Opaque.Manager)
	}
	c.Response().Header().Add("Vary", "Authorization")
	return h.whoami(c, h.auth.Lanes.Session(), h.auth.Lanes.Sessions)
}

// WhoAmISealed serves GET /api/whoami/sealed: the same for a self-contained token of the page
// /tokens. Nothing else in the lab accepts such a token, unless the engine is signed_cookies.
func (h *Page) WhoAmISealed(c echo.Context) error {
	return h.whoami(c, h.auth.Lanes.Sealed, h.auth.Lanes.Sealed.Manager)
}

// whoami answers who this is by the session that one lane carries; 401 for
// nobody. What the lane would find, check by check, only the wire shows.
func (h *Page) whoami(c echo.Context, lane lanes.Lane, manager *sessions.Manager) error {
	if notebook.Recording(c) != nil {
		if _, err := h.auth.Recall(c, lane); err != nil {
			return err
		}
	}
	session, err := manager.Load(c)
	if err != nil {
		return err
	}
	user := session.Text(sessions.UserKey)
	if session.Rejected() != nil || user == "" {
		return unauthorized(c)
	}
	return c.JSON(http.StatusOK, whoamiAnswer{user, session.Text(sessions.RoleKey), lane.ID()})
}

// unauthorized is the same answer for whatever was wrong: a wrong token learns
// nothing from it.
func unauthorized(c echo.Context) error {
	c.Response().Header().Set("WWW-Authenticate", lanes.TokenScheme)
	return input.NewProblem(http.StatusUnauthorized, "not_authenticated", locale.Msg("error.not_authenticated"))
}
