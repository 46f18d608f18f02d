// This file holds the one way in which the package waits.

package browsertest

import "time"

// patience is how long a browser may take for anything a test asks for.
const patience = 20 * time.Second

// poll asks ready at once and then every 20 ms. It reports whether ready said
// yes within the limit.
func poll(limit time.Duration, ready func() bool) bool {
	deadline := time.Now().Add(limit)
	for !ready() {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(20 * time.Millisecond)
	}
	return true
}
