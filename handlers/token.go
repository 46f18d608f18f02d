// Tokens for programs: to get one, to end it, and to ask who one is.

package handlers

import (
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/sessions"
)

type tokenAnswer struct {
	Token   string    `json:"token"`
	Expires time.Time `json:"expires_at"`
}

// postToken serves POST /api/token: a name and the class password, as for a
// login, for a token. It is 201 with the token, which no later answer repeats.
func (lab *Lab) postToken(c echo.Context) error {
	var given credentials
	if err := readJSON(c, &given); err != nil {
		return err
	}
	who, err := lab.admit(c, given)
	if err != nil {
		return err
	}
	if err := lab.lanes.Opaque.Remember(c, who, lab.age()); err != nil {
		return err
	}
	lab.log.Info("token issued", "name", who.User, "role", who.Role)
	return nil
}

// deleteToken serves DELETE /api/token: ends the token that the request carries.
func (lab *Lab) deleteToken(c echo.Context) error { return lab.endToken(c, lab.lanes.Opaque) }

// deleteSealedToken serves DELETE /api/token/sealed: the same for a self-contained
// token of /tokens, which is refused.
func (lab *Lab) deleteSealedToken(c echo.Context) error { return lab.endToken(c, lab.lanes.Sealed) }

// endToken answers 204, and the token is dead at once; 401 where none came that
// counts; 409 where the server keeps nothing that it could remove.
func (lab *Lab) endToken(c echo.Context, lane tokenLane) error {
	f, err := lab.recall(c, lane)
	if err != nil {
		return err
	}
	if !f.Verdict.Accepted() {
		return unauthorized(c)
	}
	err = lane.Forget(c)
	if errors.Is(err, sessions.ErrNotSupported) {
		return problem(http.StatusConflict, "not_supported", say("error.token_stays", Args{"At": clockTime(f.Expires)})).wrap(err)
	}
	if err != nil {
		return err
	}
	lab.log.Info("token ended", "name", f.Who.User)
	return c.NoContent(http.StatusNoContent)
}

type whoamiAnswer struct {
	User string `json:"user"`
	Role string `json:"role"`
	Auth string `json:"auth"` // "session", "token": what told
}

// getWhoami serves GET /api/whoami. Whoever sends an Authorization header is
// judged by that alone: a request that names its own credentials must not become
// somebody else's because a browser added a cookie.
func (lab *Lab) getWhoami(c echo.Context) error {
	if len(c.Request().Header["Authorization"]) > 0 {
		return lab.whoami(c, lab.lanes.Opaque, lab.lanes.Opaque.manager)
	}
	c.Response().Header().Add("Vary", "Authorization")
	return lab.whoami(c, lab.lanes.Session(), lab.sessions)
}

// getWhoamiSealed serves GET /api/whoami/sealed: the same for a self-contained
// token of /tokens. It decides nothing: the door to the lab is /api/whoami.
func (lab *Lab) getWhoamiSealed(c echo.Context) error {
	return lab.whoami(c, lab.lanes.Sealed, lab.lanes.Sealed.manager)
}

// whoami answers who this is by the session that one lane carries; 401 for
// nobody. What the lane would find, check by check, only the wire shows.
func (lab *Lab) whoami(c echo.Context, lane Lane, manager *sessions.Manager) error {
	if noted(c) != nil {
		if _, err := lab.recall(c, lane); err != nil {
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
	c.Response().Header().Set("WWW-Authenticate", tokenScheme)
	return problem(http.StatusUnauthorized, "not_authenticated", say("error.not_authenticated"))
}
