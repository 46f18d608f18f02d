// Times: how pages show them.

package markup

import (
	"time"
)

// ClockTime returns an instant as sentences show it, in UTC and to the second.
func ClockTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// DevToolsTime returns an instant as the Expires column of DevTools shows it, in UTC, but
// without milliseconds: the browser counts from the moment when it got the reply, which no
// server knows so exactly.
func DevToolsTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// ISOTime returns an instant as scripts read it: RFC 3339, in UTC.
func ISOTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// Minute returns an instant in UTC, to the minute.
func Minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// Epoch is the Expires of a cookie that the browser is to delete.
var Epoch = time.Unix(0, 0)
