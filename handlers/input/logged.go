// What the log may say of a request.

package input

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// RouteOf returns the route of a request, as it was registered, such as "/door/:lane"; "none"
// if there is none. The path itself may hold anything.
func RouteOf(c echo.Context) string {
	if c.Path() == "" {
		return "none"
	}
	return c.Path()
}

// MethodOf returns the request's method if it is a usual one; else "another".
func MethodOf(r *http.Request) string {
	return known(r.Method, http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions)
}

// SiteOf returns the Sec-Fetch-Site header, which says what site began the request (W3C
// Fetch Metadata), if its value is a defined one or ""; else "another".
func SiteOf(r *http.Request) string {
	return known(r.Header.Get("Sec-Fetch-Site"), "cross-site", "same-site", "same-origin", "none", "")
}

func known(text string, words ...string) string {
	if slices.Contains(words, text) {
		return text
	}
	return "another"
}

// CauseOf returns the text of an error for the log. It leaves out the address of a request
// that the lab sent for a visitor, since that may hold a secret.
func CauseOf(err error) string {
	text := err.Error()
	var sent *url.Error
	if errors.As(err, &sent) {
		text = strings.ReplaceAll(text, sent.Error(), sent.Op+": "+sent.Err.Error())
	}
	return text
}
