// The strip of what a request carried.

package diagram

import (
	"cookielab/handlers/lanes"
	"cookielab/handlers/notebook"
)

// SentStrip is what the request carried, cut as it is drawn: the token's header, and
// the cookies.
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
