// Package input reads what came with a request, strictly: its body, its fields, its host. It
// also knows the request's deadline. What it refuses is a [Problem], one clear sentence for the
// visitor.
package input

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/locale"
	"cookielab/sessions"
)

// Problem is an error for the visitor: one clear sentence, as the reply to an HTTP request.
// Its cause is for the log, and for errors.Is.
type Problem struct {
	Status  int            // of the reply
	Code    string         // for programs: the "error" of the JSON
	Message locale.Message // for people
	cause   error
}

// NewProblem makes a Problem without a cause.
func NewProblem(status int, code string, message locale.Message) *Problem {
	return &Problem{Status: status, Code: code, Message: message}
}

// Error returns the code and, in parentheses, the cause. It is for the log.
func (p *Problem) Error() string {
	if p.cause == nil {
		return p.Code
	}
	return p.Code + " (" + p.cause.Error() + ")"
}

// Unwrap returns the cause; nil if there is none.
func (p *Problem) Unwrap() error { return p.cause }

// Wrap returns a copy of the problem, with a cause.
func (p *Problem) Wrap(cause error) *Problem {
	with := *p
	with.cause = cause
	return &with
}

// AsProblem returns the Problem for any error: the one that it wraps, or one for an error of
// package sessions or of Echo; else a 500.
func AsProblem(err error) *Problem {
	var p *Problem
	var h *echo.HTTPError
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, sessions.ErrUnavailable):
		return NewProblem(http.StatusServiceUnavailable, "store_unavailable", locale.Msg("error.store_unavailable")).Wrap(err)
	case errors.Is(err, sessions.ErrEnded):
		return NewProblem(http.StatusConflict, "session_ended", locale.Msg("error.session_ended")).Wrap(err)
	case errors.Is(err, sessions.ErrNotSupported):
		return NewProblem(http.StatusConflict, "not_supported", locale.Msg("error.not_supported")).Wrap(err)
	case errors.Is(err, sessions.ErrTooLarge):
		return NewProblem(http.StatusRequestEntityTooLarge, "session_too_large", locale.Msg("error.session_too_large")).Wrap(err)
	case errors.As(err, &h) && h.Code == http.StatusNotFound:
		return NewProblem(http.StatusNotFound, "not_found", locale.Msg("error.not_found")).Wrap(err)
	case errors.As(err, &h) && h.Code == http.StatusMethodNotAllowed:
		return NewProblem(http.StatusMethodNotAllowed, "method_not_allowed", locale.Msg("error.method_not_allowed")).Wrap(err)
	case errors.As(err, &h):
		return NewProblem(h.Code, strings.ReplaceAll(strings.ToLower(http.StatusText(h.Code)), " ", "_"), locale.Msg("error.refused")).Wrap(err)
	default:
		return NewProblem(http.StatusInternalServerError, "internal", locale.Msg("error.internal")).Wrap(err)
	}
}

// TitleOf returns the label ID of an error page's title, by what the status means for the
// visitor.
func TitleOf(status int) string {
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
