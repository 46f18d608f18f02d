// Guard rails: what every request passes before a handler sees it.

package handlers

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"

	"github.com/labstack/echo/v4"
)

const (
	maxBody   = 64 << 10 // bytes of a form
	maxFields = 100      // fields of a form
)

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
					log.Error("panic", "route", routeOf(c), "panic", r, "stack", string(debug.Stack()))
					err = problem(http.StatusInternalServerError, "internal", say("error.internal"))
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
func (lab *Lab) secureHeaders(next echo.HandlerFunc) echo.HandlerFunc {
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

// readForm reads the body of an unsafe request, whole and before anything is
// done: too long (413), broken (400) or of another kind (415) has no effect. It
// is a form; below /api/ it is JSON, for [readJSON] to decode.
func (lab *Lab) readForm(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if isSafe(r.Method) {
			return next(c)
		}
		parse := parseForm
		if isAPI(r) {
			limit := maxBody
			if c.Path() == predictPath {
				limit = maxPredict
			}
			parse = func(r *http.Request) (url.Values, error) {
				body, err := jsonBody(r, limit)
				c.Set(jsonKey, body)
				return nil, err
			}
		}
		form, err := parse(r)
		if err != nil {
			// The rest of the body is not worth reading.
			c.Response().Header().Set("Connection", "close")
			return err
		}
		r.PostForm, r.Form = form, form
		return next(c)
	}
}

func isAPI(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/") }

// readBody reads the whole body, which may have so many bytes.
func readBody(r *http.Request, most int) ([]byte, error) {
	if r.ContentLength > int64(most) {
		return nil, problem(http.StatusRequestEntityTooLarge, "too_large", say("error.too_large"))
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, int64(most)+1))
	if err != nil {
		return nil, problem(http.StatusBadRequest, "bad_request", say("error.broken_request")).wrap(err)
	}
	if len(body) > most {
		return nil, problem(http.StatusRequestEntityTooLarge, "too_large", say("error.too_large"))
	}
	return body, nil
}

const jsonKey = "cookielab/handlers.json"

// jsonBody reads a body of JSON; an empty one may be of no kind.
func jsonBody(r *http.Request, most int) ([]byte, error) {
	body, err := readBody(r, most)
	if err != nil || len(body) == 0 {
		return nil, err
	}
	switch kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); {
	case err != nil:
		return nil, problem(http.StatusBadRequest, "bad_request", say("error.broken_type")).wrap(err)
	case kind != "application/json":
		return nil, problem(http.StatusUnsupportedMediaType, "unsupported_media_type", say("error.json_only"))
	case !json.Valid(body):
		return nil, problem(http.StatusBadRequest, "bad_request", say("error.broken_json"))
	}
	return body, nil
}

// readJSON decodes the request's body into a struct; an empty body is {}. What
// is no object, or has a field that the struct has not or has in another type,
// is a 400 that names it.
func readJSON(c echo.Context, into any) error {
	body, _ := c.Get(jsonKey).([]byte)
	if len(body) == 0 {
		return nil
	}
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); trimmed[0] != '{' {
		return problem(http.StatusBadRequest, "bad_request", say("error.json_object"))
	}
	if field := repeatedField(body); field != "" { // decoding would take the last, another program the first
		return problem(http.StatusBadRequest, "bad_request", say("error.repeated", Args{"Field": excerpt(field)}))
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) && kind.Field != "" {
			return problem(http.StatusBadRequest, "bad_request", say("error.json_type", Args{"Field": excerpt(kind.Field), "Value": excerpt(kind.Value)})).wrap(err)
		}
		return problem(http.StatusBadRequest, "bad_request", say("error.json_field", Args{"Cause": excerpt(strings.TrimPrefix(err.Error(), "json: "))})).wrap(err)
	}
	return nil
}

// repeatedField is a field that a JSON object has twice, in whatever letters,
// since decoding does not tell them apart; "" when there is none.
func repeatedField(object []byte) string {
	decoder := json.NewDecoder(bytes.NewReader(object))
	_, _ = decoder.Token() // the brace; all of it is known to be well formed
	seen := map[string]bool{}
	for decoder.More() {
		token, _ := decoder.Token()
		name, _ := token.(string)
		if seen[strings.ToLower(name)] {
			return name
		}
		seen[strings.ToLower(name)] = true
		var value json.RawMessage
		_ = decoder.Decode(&value)
	}
	return ""
}

func parseForm(r *http.Request) (url.Values, error) {
	body, err := readBody(r, maxBody)
	if err != nil {
		return nil, err
	}
	if strings.Count(string(body), "&") >= maxFields {
		return nil, problem(http.StatusRequestEntityTooLarge, "too_large", say("error.too_large"))
	}
	if len(body) == 0 {
		return url.Values{}, nil
	}
	switch kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type")); {
	case err != nil, kind == "multipart/form-data" && parameters["boundary"] == "":
		return nil, problem(http.StatusBadRequest, "bad_request", say("error.broken_type")).wrap(err)
	case kind != "application/x-www-form-urlencoded":
		return nil, problem(http.StatusUnsupportedMediaType, "unsupported_media_type", say("error.forms_only"))
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, problem(http.StatusBadRequest, "bad_request", say("error.broken_form")).wrap(err)
	}
	return form, nil
}

// sameOrigin refuses unsafe requests that another origin began
// (net/http.CrossOriginProtection: Fetch metadata, else Origin against Host).
func (lab *Lab) sameOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if lab.kind(c) == played {
			return next(c) // that it comes from elsewhere is what the lesson is about
		}
		if err := lab.origins.Check(c.Request()); err != nil {
			lab.log.Warn("cross-origin request refused", "route", routeOf(c), "site", siteOf(c.Request()))
			return problem(http.StatusForbidden, "cross_origin", say("error.cross_origin")).wrap(err)
		}
		return next(c)
	}
}

func isSafe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// single returns a form field that must not be repeated.
func single(form url.Values, name string) (string, error) {
	if values := form[name]; len(values) > 1 {
		return "", problem(http.StatusBadRequest, "bad_request", say("error.repeated", Args{"Field": name}))
	}
	return form.Get(name), nil
}

// singles are several such fields.
func singles(form url.Values, names ...string) (texts map[string]string, err error) {
	texts = make(map[string]string, len(names))
	for _, name := range names {
		if texts[name], err = single(form, name); err != nil {
			return nil, err
		}
	}
	return texts, nil
}
