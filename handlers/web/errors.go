// Errors: the one place that turns an error into a page or into JSON.

package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/locale"
)

// HandleError answers an error with a page, or with JSON below /api/: see [input.AsProblem].
// It logs those with a status of 500 or more. It is Echo's HTTPErrorHandler.
func (s *Site) HandleError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	p := input.AsProblem(err)
	if p.Status >= http.StatusInternalServerError {
		s.Log.Error("request failed", "method", input.MethodOf(c.Request()), "route", input.RouteOf(c), "status", p.Status, "error", input.CauseOf(err))
	}
	setSecureHeaders(c.Response().Header())   // refused hosts come by before the middleware
	c.Response().Header().Del("Content-Type") // of a page that was begun before the error
	if p.Status == http.StatusServiceUnavailable {
		c.Response().Header().Set("Retry-After", "5")
	}
	if input.IsAPI(c.Request()) {
		err = c.JSON(p.Status, map[string]string{"error": p.Code, "message": s.Words(c).Say(p.Message)})
	} else {
		err = s.Render(c, p.Status, "error", errorPage{
			Page: s.PageWithoutAsking(c, locale.Msg(input.TitleOf(p.Status))), Status: p.Status, Message: p.Message, Home: homeOf(c, p.Status),
		})
	}
	if err != nil {
		s.Log.Error("the error page failed", "error", err)
		_ = c.NoContent(http.StatusInternalServerError) // nothing left to try
	}
}

type errorPage struct {
	Page
	Status  int
	Message locale.Message
	Home    string // where to go on from here
}

// homeOf returns the address of the dashboard; for a host that is refused, under localhost.
func homeOf(c echo.Context, status int) string {
	if status == http.StatusMisdirectedRequest {
		return "http://localhost:" + input.LocalPort(c.Request()) + "/dashboard"
	}
	return "/dashboard"
}
