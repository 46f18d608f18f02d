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
	Message Phrase // for people
	cause   error
}

func problem(status int, code string, message Phrase) *Problem {
	return &Problem{Status: status, Code: code, Message: message}
}

// Error is for the log: the code and the cause.
func (p *Problem) Error() string {
	if p.cause == nil {
		return p.Code
	}
	return p.Code + " (" + p.cause.Error() + ")"
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
		return problem(http.StatusServiceUnavailable, "store_unavailable", say("error.store_unavailable")).wrap(err)
	case errors.Is(err, sessions.ErrEnded):
		return problem(http.StatusConflict, "session_ended", say("error.session_ended")).wrap(err)
	case errors.Is(err, sessions.ErrNotSupported):
		return problem(http.StatusConflict, "not_supported", say("error.not_supported")).wrap(err)
	case errors.Is(err, sessions.ErrTooLarge):
		return problem(http.StatusRequestEntityTooLarge, "session_too_large", say("error.session_too_large")).wrap(err)
	case errors.As(err, &h) && h.Code == http.StatusNotFound:
		return problem(http.StatusNotFound, "not_found", say("error.not_found")).wrap(err)
	case errors.As(err, &h) && h.Code == http.StatusMethodNotAllowed:
		return problem(http.StatusMethodNotAllowed, "method_not_allowed", say("error.method_not_allowed")).wrap(err)
	case errors.As(err, &h):
		return problem(h.Code, strings.ReplaceAll(strings.ToLower(http.StatusText(h.Code)), " ", "_"), say("error.refused")).wrap(err)
	default:
		return problem(http.StatusInternalServerError, "internal", say("error.internal")).wrap(err)
	}
}

// handleError answers an error: a page, or JSON below /api/.
func (lab *Lab) handleError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	p := asProblem(err)
	if p.Status >= http.StatusInternalServerError {
		lab.log.Error("request failed", "method", methodOf(c.Request()), "route", routeOf(c), "status", p.Status, "error", causeOf(err))
	}
	setSecureHeaders(c.Response().Header())   // refused hosts come by before the middleware
	c.Response().Header().Del("Content-Type") // of a page that was begun before the error
	if p.Status == http.StatusServiceUnavailable {
		c.Response().Header().Set("Retry-After", "5")
	}
	if isAPI(c.Request()) {
		err = c.JSON(p.Status, map[string]string{"error": p.Code, "message": lab.words(c).say(p.Message)})
	} else {
		err = lab.render(c, p.Status, "error", errorPage{
			Page: lab.page(c, say(titleOf(p.Status))), Status: p.Status, Message: p.Message, Home: homeOf(c, p.Status),
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
	Message Phrase
	Home    string // where to go on from here
}

// homeOf is the dashboard; from a host that is refused, under its real name.
func homeOf(c echo.Context, status int) string {
	if status == http.StatusMisdirectedRequest {
		return "http://localhost:" + localPort(c.Request()) + "/dashboard"
	}
	return "/dashboard"
}

// titleOf heads an error page, by what its status means for the visitor.
func titleOf(status int) string {
	switch {
	case status == http.StatusNotFound:
		return "error.title.not_found"
	case status == http.StatusServiceUnavailable:
		return "error.title.unavailable"
	case status >= http.StatusInternalServerError:
		return "error.title.broken"
	default:
		return "error.title.refused"
	}
}
