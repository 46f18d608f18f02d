// Memory: what requests leave behind does not grow with their number.

package handlers_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"cookielab/handlers"
	"cookielab/handlers/notebook"
)

// heapLeft are the bytes of the heap that one collection leaves. One, and not two: what
// a sync.Pool holds outlives the first, so a program that makes a pool for each
// request keeps all that came since the collection before.
func heapLeft() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// ask asks the lab without a connection, so that nothing but the lab allocates.
func (c *client) ask(path string) {
	t := c.lab.t
	t.Helper()
	request := httptest.NewRequest(http.MethodGet, path, nil)
	request.Host = unconnected
	request.Header.Set("Cookie", c.header())
	answer := &unread{header: http.Header{}}
	if c.lab.ServeHTTP(answer, request); answer.status != http.StatusOK {
		t.Fatalf("GET %s: %d", path, answer.status)
	}
}

// unconnected is the host of requests that come by no connection.
const unconnected = "lab.test"

func asUnconnected(c *handlers.Config) { c.AllowHosts = append(c.AllowHosts, unconnected) }

// unread is a reply that nobody reads.
type unread struct {
	header http.Header
	status int
}

func (u *unread) Header() http.Header         { return u.header }
func (u *unread) WriteHeader(status int)      { u.status = status }
func (u *unread) Write(b []byte) (int, error) { return len(b), nil }

// A request frees all the memory that it needed: ten times as many leave no more behind.
func TestMemoryStaysFlat(t *testing.T) {
	// No collection but heapLeft's, so that it is the same each time.
	percent := debug.SetGCPercent(-1)
	t.Cleanup(func() { debug.SetGCPercent(percent) })
	lab := newLab(t, asUnconnected)
	full := lab.client().signIn("alice")
	for range notebook.MaxExchanges {
		full.get("/dashboard", with("User-Agent", strings.Repeat("x", 20<<10)))
	}
	for _, path := range []string{"/dashboard", "/api/lanes", "/api/wire", "/sessions", "/healthz"} {
		t.Run(path, func(t *testing.T) {
			c, few := full, 10
			if path != "/api/wire" { // it is large, and does not push out what it shows
				c, few = lab.client().signIn("bob"), 50
			}
			for range notebook.MaxExchanges { // its book is full from here on
				c.ask(path)
			}
			const bound = 2 << 20 // what one reply takes, and what the next can use again
			before := heapLeft()
			for range few {
				c.ask(path)
			}
			after := heapLeft()
			for range 10 * few {
				c.ask(path)
			}
			if more := heapLeft() - after; more > bound {
				t.Errorf("%d requests leave %d KB, and %d more leave %d KB", few, (after-before)>>10, 10*few, more>>10)
			}
		})
	}
}
