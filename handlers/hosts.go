// Hosts: which names this server answers to. A page of another site can make
// its own name point to 127.0.0.1 (DNS rebinding); then only the Host header
// tells its requests from ours.

package handlers

import (
	"net/http"
	"slices"
	"strings"

	"cookielab/handlers/input"
	"cookielab/handlers/locale"

	"github.com/labstack/echo/v4"
)

// checkHost refuses requests for other hosts with 421, before anything else.
func (lab *Lab) checkHost(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !lab.allowedHost(c.Request()) {
			return input.NewProblem(http.StatusMisdirectedRequest, "misdirected_request", locale.Msg("error.misdirected"))
		}
		return next(c)
	}
}

func (lab *Lab) allowedHost(r *http.Request) bool {
	return lab.ownHost(r) || slices.ContainsFunc(lab.config.AllowHosts, func(h string) bool { return strings.EqualFold(h, r.Host) })
}

// ownHost reports whether a request was sent to one of the lab's own hosts, and not to a
// host of --allow-host.
func (lab *Lab) ownHost(r *http.Request) bool {
	host, port, ok := input.SplitHost(r.Host)
	return ok && port == input.LocalPort(r) && input.IsLoopbackName(host)
}
