// Guard rails: what every request passes before a handler sees it.

package web

import (
	"cmp"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/locale"
	"cookielab/sessions"
)

// Guard is the middleware that needs to know the routes or the hosts.
type Guard struct {
	Router  *Router
	Log     *slog.Logger                // required
	Origins *http.CrossOriginProtection // tells which requests another origin began
	Hosts   []string                    // further Host headers to answer to, besides those of this machine
}

// Middleware returns what every request passes, outermost first: record notes the exchange,
// open finds the visitor's notebook. A test holds the order.
func (g *Guard) Middleware(s *Site, record, open echo.MiddlewareFunc) []echo.MiddlewareFunc {
	return []echo.MiddlewareFunc{
		g.checkHost,
		RecoverPanic(g.Log),
		withSecureHeaders,
		record,
		g.hold(),
		open,
		s.prefer(g.Router.Access),
		g.readForm,
		g.sameOrigin,
	}
}

// checkHost is middleware that refuses requests for other hosts with 421. A page of another
// site can make its own name point to 127.0.0.1 (DNS rebinding); then only the Host
// header tells its requests from ours.
func (g *Guard) checkHost(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if !input.IsOwnHost(r) && !slices.ContainsFunc(g.Hosts, func(h string) bool { return strings.EqualFold(h, r.Host) }) {
			return input.NewProblem(http.StatusMisdirectedRequest, "misdirected_request", locale.Msg("error.misdirected"))
		}
		return next(c)
	}
}

// RecoverPanic makes middleware that turns a panic into the 500 page, and logs its stack. It
// lets http.ErrAbortHandler through.
func RecoverPanic(log *slog.Logger) echo.MiddlewareFunc {
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

// withSecureHeaders is middleware that adds [SecureHeaders] to every reply, also to errors.
// They allow no inline script or style, nothing from other origins, and no framing.
func withSecureHeaders(next echo.HandlerFunc) echo.HandlerFunc {
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

// SecureHeaders returns a copy of the headers that every reply of the lab has. The server
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

// hold makes the middleware [sessions.Hold], for every reply except streams. Echo calls a
// middleware again for each request. So whatever a middleware keeps between requests must be
// made before that: here the buffers in which replies wait.
func (g *Guard) hold() echo.MiddlewareFunc {
	hold := sessions.Hold()
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		held := hold(next)
		return func(c echo.Context) error {
			if g.Router.Access(c).Stream {
				return next(c)
			}
			return held(c)
		}
	}
}

// readForm is middleware that reads the whole body of an unsafe request before its handler is
// called. The body must be a form; below /api/ it must be JSON, for [input.ReadJSON] to decode.
// The error is an [input.Problem]: 413 if it is too long, 400 if it is broken, 415 if it is of
// another type. Then the connection is closed after the reply.
func (g *Guard) readForm(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if input.IsSafe(r.Method) {
			return next(c)
		}
		most := cmp.Or(g.Router.Access(c).MaxBody, input.MaxBody)
		parse := input.ParseForm
		if input.IsAPI(r) {
			parse = func(r *http.Request, most int) (url.Values, error) {
				body, err := input.JSONBody(r, most)
				c.Set(input.JSONKey, body)
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

// sameOrigin is middleware that refuses unsafe requests that another origin began, with 403.
// [http.CrossOriginProtection] tells them by Sec-Fetch-Site or, without that, by comparing
// Origin with Host.
func (g *Guard) sameOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if g.Router.Access(c).AnyOrigin {
			return next(c) // that it comes from elsewhere is what the lesson is about
		}
		if err := g.Origins.Check(c.Request()); err != nil {
			g.Log.Warn("cross-origin request refused", "route", input.RouteOf(c), "site", input.SiteOf(c.Request()))
			return input.NewProblem(http.StatusForbidden, "cross_origin", locale.Msg("error.cross_origin")).Wrap(err)
		}
		return next(c)
	}
}
