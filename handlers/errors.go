// Errors: the one place that turns an error into a page or into JSON.

package handlers

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"cookielab/sessions"
)

// Problem is an error for the visitor: one clear sentence. Its cause is for the
// log, and for errors.Is.
type Problem struct {
	Status  int
	Code    string // for programs: the "error" of the JSON
	Message string // for people
	cause   error
}

func problem(status int, code, message string) *Problem {
	return &Problem{Status: status, Code: code, Message: message}
}

// Error is the sentence and, for the log, its cause.
func (p *Problem) Error() string {
	if p.cause == nil {
		return p.Message
	}
	return p.Message + " (" + p.cause.Error() + ")"
}

// Unwrap is the cause.
func (p *Problem) Unwrap() error { return p.cause }

func (p *Problem) wrap(cause error) *Problem {
	with := *p
	with.cause = cause
	return &with
}

// asProblem finds the sentence for any error.
func asProblem(err error) *Problem {
	var p *Problem
	var h *echo.HTTPError
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, sessions.ErrUnavailable):
		return problem(http.StatusServiceUnavailable, "store_unavailable",
			"The server cannot reach the place where sessions lie, so it cannot say who you are. Try again in a few seconds.").wrap(err)
	case errors.Is(err, sessions.ErrEnded):
		return problem(http.StatusConflict, "session_ended",
			"The session was ended by another request while this one was at work. Nothing of this one was saved.").wrap(err)
	case errors.Is(err, sessions.ErrTooLarge):
		return problem(http.StatusRequestEntityTooLarge, "session_too_large",
			"That is more than a session can hold. What it held before is still there.").wrap(err)
	case errors.As(err, &h) && h.Code == http.StatusNotFound:
		return problem(http.StatusNotFound, "not_found", "There is nothing at this address.").wrap(err)
	case errors.As(err, &h) && h.Code == http.StatusMethodNotAllowed:
		return problem(http.StatusMethodNotAllowed, "method_not_allowed", "This address does not take that method.").wrap(err)
	case errors.As(err, &h):
		return problem(h.Code, strings.ReplaceAll(strings.ToLower(http.StatusText(h.Code)), " ", "_"), http.StatusText(h.Code)+".").wrap(err)
	default:
		return problem(http.StatusInternalServerError, "internal",
			"Something went wrong on our side. The log has the details.").wrap(err)
	}
}

// handleError answers an error: a page, or JSON below /api/.
func (lab *Lab) handleError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	p := asProblem(err)
	if p.Status >= http.StatusInternalServerError {
		lab.log.Error("request failed", "method", c.Request().Method, "path", c.Request().URL.Path, "status", p.Status, "error", err)
	}
	setSecureHeaders(c.Response().Header())   // refused hosts come by before the middleware
	c.Response().Header().Del("Content-Type") // of a page that was begun before the error
	if p.Status == http.StatusServiceUnavailable {
		c.Response().Header().Set("Retry-After", "5")
	}
	if strings.HasPrefix(c.Request().URL.Path, "/api/") {
		err = c.JSON(p.Status, map[string]string{"error": p.Code, "message": p.Message})
	} else {
		err = lab.render(c, p.Status, "error", errorPage{
			Page: lab.page(c, http.StatusText(p.Status)), Status: p.Status, Message: p.Message, Home: homeOf(c, p.Status),
		})
	}
	if err != nil {
		lab.log.Error("the error page failed", "error", err)
		_ = c.NoContent(http.StatusInternalServerError) // nothing left to try
	}
}

type errorPage struct {
	Page
	Status  int
	Message string
	Home    string // where to go on from here
}

// homeOf is the dashboard; from a host that is refused, under its real name.
func homeOf(c echo.Context, status int) string {
	if status == http.StatusMisdirectedRequest {
		return "http://localhost:" + localPort(c.Request()) + "/dashboard"
	}
	return "/dashboard"
}
