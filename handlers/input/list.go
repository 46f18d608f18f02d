// A list of records that is shown in pages: each page's address says where it begins.

package input

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/locale"
	"cookielab/sessions"
)

// AfterParam is the query parameter that says after which record a page begins. Its value is
// the time at which the record was saved (RFC 3339), "_", and the record's ID.
const AfterParam = "after"

// After returns the record after which a page begins, with only its ID and Saved; the zero
// Record for the first page. The error is a [Problem], a 400, if the address does not name
// one.
func After(c echo.Context) (after sessions.Record, err error) {
	values := c.QueryParams()[AfterParam]
	if len(values) == 0 {
		return after, nil
	}
	saved, id, _ := strings.Cut(values[0], "_")
	at, err := time.Parse(time.RFC3339Nano, saved)
	var ok bool
	if after.ID, ok = sessions.ParseID(id); !ok || err != nil || len(values) > 1 {
		return after, NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("sessions.bad_after"))
	}
	after.Saved = at.UTC()
	return after, nil
}

// listURL returns the address of the page that begins after a record.
func listURL(path string, last sessions.Record) string {
	return path + "?" + url.Values{AfterParam: {last.Saved.UTC().Format(time.RFC3339Nano) + "_" + last.ID.String()}}.Encode()
}

// FirstOf returns the first records of a list, at most most of them. next is the address of
// the page, at path, that shows the records that follow; "" if none follow.
func FirstOf(list []sessions.Record, most int, path string) (records []sessions.Record, next string) {
	if len(list) <= most {
		return list, ""
	}
	return list[:most], listURL(path, list[most-1])
}
