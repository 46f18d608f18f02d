// Times: how pages show them.

package handlers

import "time"

// clockTime is an instant as sentences show it, to the second.
func clockTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// devToolsTime is an instant as the Expires column of DevTools shows it, but
// for the fraction: the browser counts from the moment it got the reply, which
// no server knows to the millisecond.
func devToolsTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// isoTime is an instant as scripts read it.
func isoTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// minute is a time as pages say it to those who do not look for seconds.
func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// epoch is the Expires of a cookie that is to go.
var epoch = time.Unix(0, 0)
