// Memory: what requests leave behind does not grow with their number.

package handlers_test

import (
	"runtime/debug"
	"strings"
	"testing"

	"cookielab/handlers/labtest"
	"cookielab/handlers/notebook"
	"cookielab/handlers/webtest"
)

// A request frees all the memory that it needed: ten times as many leave no more behind.
func TestMemoryStaysFlat(t *testing.T) {
	// No collection but HeapLeft's, so that it is the same each time.
	percent := debug.SetGCPercent(-1)
	t.Cleanup(func() { debug.SetGCPercent(percent) })
	lab := labtest.New(t, labtest.AsUnconnected)
	full := lab.Client().SignIn("alice")
	for range notebook.MaxExchanges {
		full.Get("/dashboard", webtest.With("User-Agent", strings.Repeat("x", 20<<10)))
	}
	for _, path := range []string{"/dashboard", "/api/lanes", "/api/wire", "/sessions", "/healthz"} {
		t.Run(path, func(t *testing.T) {
			c, few := full, 10
			if path != "/api/wire" { // it is large, and does not push out what it shows
				c, few = lab.Client().SignIn("bob"), 50
			}
			for range notebook.MaxExchanges { // its log is full from here on
				c.Ask(path)
			}
			const bound = 2 << 20 // what one reply takes, and what the next can use again
			before := labtest.HeapLeft()
			for range few {
				c.Ask(path)
			}
			after := labtest.HeapLeft()
			for range 10 * few {
				c.Ask(path)
			}
			if more := labtest.HeapLeft() - after; more > bound {
				t.Errorf("%d requests leave %d KB, and %d more leave %d KB", few, (after-before)>>10, 10*few, more>>10)
			}
		})
	}
}
