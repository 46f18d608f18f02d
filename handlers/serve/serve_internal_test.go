// The limits of the HTTP server.

package serve

import (
	"log/slog"
	"net/http"
	"testing"
	"time"
)

func TestServerLimits(t *testing.T) {
	s := NewServer(&Endpoint{}, http.NotFoundHandler(), nil, slog.New(slog.DiscardHandler)).http
	for what, limit := range map[string]struct{ got, want time.Duration }{
		"reading a header": {s.ReadHeaderTimeout, 5 * time.Second},
		"reading":          {s.ReadTimeout, 15 * time.Second},
		"writing":          {s.WriteTimeout, 30 * time.Second},
		"being idle":       {s.IdleTimeout, time.Minute},
	} {
		if limit.got != limit.want {
			t.Errorf("%s may take %v, want %v", what, limit.got, limit.want)
		}
	}
	if s.MaxHeaderBytes != 32<<10 {
		t.Errorf("a header may have %d bytes", s.MaxHeaderBytes)
	}
}
