// The strip of what a request carried.

package diagram

import (
	"cookielab/handlers/lanes"
	"cookielab/handlers/notebook"
)

// SentStrip returns the strip of what a request carried: the header Authorization, and the
// cookies.
func SentStrip(e *notebook.Exchange) (row Strip) {
	if e.Authorization != "" {
		row.Add("Authorization", lanes.Token, false)
	}
	for cookie := range e.Cookies() {
		row.Add(cookie.Name, cookie.Lane, false)
	}
	row.End()
	return row
}
