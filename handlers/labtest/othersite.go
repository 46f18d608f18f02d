// The other site beside a lab.

package labtest

import (
	"net/http"
	"testing"

	"cookielab/handlers/othersite"
	"cookielab/handlers/webtest"
	"cookielab/sessions"
)

// NewOtherSite starts another site beside a lab that need not be there, and returns its
// host and port.
func NewOtherSite(t testing.TB, lab, neighbour string) (addr string) {
	t.Helper()
	server := webtest.NewServer(t)
	server.StartAt(func(url string) http.Handler {
		other, err := othersite.New(othersite.Config{Assets: webtest.AssetsOf(sessions.EngineDB), Address: url, Lab: lab, Neighbour: neighbour})
		if err != nil {
			t.Fatal(err)
		}
		return other
	})
	return server.Addr
}
