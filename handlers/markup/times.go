// Times: how pages show them.

package markup

import (
	"time"
)

// ClockTime is an instant as sentences show it, to the second.
func ClockTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// DevToolsTime is an instant as the Expires column of DevTools shows it, but
// for the fraction: the browser counts from the moment it got the reply, which
// no server knows to the millisecond.
func DevToolsTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// IsoTime is an instant as scripts read it.
func IsoTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// Minute is a time as pages say it to those who do not look for seconds.
func Minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// Epoch is the Expires of a cookie that is to go.
var Epoch = time.Unix(0, 0)
