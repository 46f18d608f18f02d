// Guard rails: what every request passes before a handler sees it.

package handlers

import (
	"cmp"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"

	"cookielab/handlers/input"
	"cookielab/handlers/locale"
	"cookielab/sessions"

	"github.com/labstack/echo/v4"
)

// guard is what needs to know the routes, or the hosts.
type guard struct {
	router  *Router
	log     *slog.Logger
	origins *http.CrossOriginProtection
	hosts   []string // further Host headers to answer to, besides those of this machine
}

// checkHost refuses requests for other hosts with 421, before anything else. A page of
// another site can make its own name point to 127.0.0.1 (DNS rebinding); then only the Host
// header tells its requests from ours.
func (g *guard) checkHost(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if !input.IsOwnHost(r) && !slices.ContainsFunc(g.hosts, func(h string) bool { return strings.EqualFold(h, r.Host) }) {
			return input.NewProblem(http.StatusMisdirectedRequest, "misdirected_request", locale.Msg("error.misdirected"))
		}
		return next(c)
	}
}

// recoverPanic turns a panic into the 500 page; its stack goes to the log.
func recoverPanic(log *slog.Logger) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) (err error) {
			defer func() {
				switch r := recover(); r {
				case nil:
				case http.ErrAbortHandler: // means: drop the connection, say nothing
					panic(r)
				default:
					log.Error("panic", "route", input.RouteOf(c), "panic", r, "stack", string(debug.Stack()))
					err = input.NewProblem(http.StatusInternalServerError, "internal", locale.Msg("error.internal"))
					c.Error(err)
					err = nil
				}
			}()
			return next(c)
		}
	}
}

// secureHeaders go with every reply, errors included. No inline script or
// style anywhere, nothing from elsewhere, no framing.
func secureHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		setSecureHeaders(c.Response().Header())
		return next(c)
	}
}

func setSecureHeaders(h http.Header) {
	vary := h["Vary"]
	if maps.Copy(h, secureHeaderLines); len(vary) > 0 {
		h["Vary"] = vary // an error keeps what else its handler looked at
	}
}

// SecureHeaders are the headers that every reply of the lab has, as a copy. The server
// needs them for the replies that net/http makes without asking the lab.
func SecureHeaders() http.Header { return secureHeaderLines.Clone() }

// secureHeaderLines are the same for all replies, which share them: nobody
// changes a line in place, and who appends to one gets a copy, as none has room.
// Names are in the form of http.CanonicalHeaderKey.
var secureHeaderLines = http.Header{
	"Content-Security-Policy": {"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
		"connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"},
	"X-Content-Type-Options": {"nosniff"},
	"X-Frame-Options":        {"DENY"},
	// Not no-referrer: with that, a browser posts our own forms with
	// "Origin: null" where it sends no Fetch metadata.
	"Referrer-Policy":              {"same-origin"},
	"Cross-Origin-Opener-Policy":   {"same-origin"},
	"Cross-Origin-Resource-Policy": {"same-origin"},
	"Permissions-Policy":           {"camera=(), geolocation=(), microphone=()"},
	// Every page shows who is looking. What may be kept says so itself.
	"Cache-Control": {"no-store"},
	"Vary":          {"Cookie, Accept-Language"},
}

// hold is sessions.Hold, for every reply except streams. Echo calls a middleware again for
// each request. So whatever a middleware keeps between requests must be made before that:
// here the buffers in which replies wait.
func (g *guard) hold() echo.MiddlewareFunc {
	hold := sessions.Hold()
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		held := hold(next)
		return func(c echo.Context) error {
			if g.router.Access(c).Stream {
				return next(c)
			}
			return held(c)
		}
	}
}

// readForm reads the body of an unsafe request, whole and before anything is
// done: too long (413), broken (400) or of another kind (415) has no effect. It
// is a form; below /api/ it is JSON, for [ReadJSON] to decode.
func (g *guard) readForm(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if input.IsSafe(r.Method) {
			return next(c)
		}
		most := cmp.Or(g.router.Access(c).MaxBody, input.MaxBody)
		parse := input.ParseForm
		if input.IsAPI(r) {
			parse = func(r *http.Request, most int) (url.Values, error) {
				body, err := input.JsonBody(r, most)
				c.Set(input.JsonKey, body)
				return nil, err
			}
		}
		form, err := parse(r, most)
		if err != nil {
			// The rest of the body is not worth reading.
			c.Response().Header().Set("Connection", "close")
			return err
		}
		r.PostForm, r.Form = form, form
		return next(c)
	}
}

// sameOrigin refuses unsafe requests that another origin began
// (net/http.CrossOriginProtection: Fetch metadata, else Origin against Host).
func (g *guard) sameOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if g.router.Access(c).AnyOrigin {
			return next(c) // that it comes from elsewhere is what the lesson is about
		}
		if err := g.origins.Check(c.Request()); err != nil {
			g.log.Warn("cross-origin request refused", "route", input.RouteOf(c), "site", input.SiteOf(c.Request()))
			return input.NewProblem(http.StatusForbidden, "cross_origin", locale.Msg("error.cross_origin")).Wrap(err)
		}
		return next(c)
	}
}
