// The other site beside a lab.

package labtest

import (
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
	at := server.Listen()
	site, err := othersite.New(othersite.Config{
		Assets: webtest.AssetsOf(sessions.EngineDB), Address: at.URL(), Lab: lab, Neighbour: neighbour,
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Handler = site
	serving := server.ServeAt(at)
	t.Cleanup(func() { _ = serving.Close() })
	return server.Addr
}
