// A time of the test's own, clients that are slow, and the memory that is left.

package labtest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"cookielab/handlers"
	"cookielab/handlers/serve"
	"cookielab/handlers/webtest"
	"cookielab/sessions"
)

// Slow is a store that takes this long for each operation. It gives up as soon as our
// stores do, or when its context ends.
type Slow struct {
	sessions.Store
	Takes *time.Duration
}

func (s Slow) wait(ctx context.Context) error {
	const most = 5 * time.Second // as long as our stores wait for a database
	select {
	case <-time.After(min(*s.Takes, most)):
		if *s.Takes > most {
			return sessions.ErrUnavailable
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", sessions.ErrUnavailable, ctx.Err())
	}
}

func (s Slow) Create(ctx context.Context, rec sessions.Record) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	return s.Store.Create(ctx, rec)
}

func (s Slow) Load(ctx context.Context, id sessions.ID) (sessions.Record, error) {
	if err := s.wait(ctx); err != nil {
		return sessions.Record{}, err
	}
	return s.Store.Load(ctx, id)
}

func (s Slow) Update(ctx context.Context, rec sessions.Record) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	return s.Store.Update(ctx, rec)
}

func (s Slow) Delete(ctx context.Context, id sessions.ID, version uint64) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	return s.Store.Delete(ctx, id, version)
}

func (s Slow) ByOwner(ctx context.Context, owner string, after sessions.Record, limit int) ([]sessions.Record, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	return s.Store.ByOwner(ctx, owner, after, limit)
}

func (s Slow) ClearExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	if err := s.wait(ctx); err != nil {
		return 0, err
	}
	return s.Store.ClearExpired(ctx, before, limit)
}

// pipes is a listener whose connections are pipes.
type pipes struct {
	waiting chan net.Conn
	closed  chan struct{}
}

// pipe is a connection as it looks to the server.
type pipe struct{ net.Conn }

var here = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}

func (pipe) LocalAddr() net.Addr { return here }

func (*pipes) Addr() net.Addr { return here }

func (p *pipes) Close() error { close(p.closed); return nil }

func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.waiting <- pipe{server}
	return client
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case connection := <-p.waiting:
		return connection, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// InItsOwnTime runs a test with a lab behind pipes. When it returns, the lab
// must still serve others.
func InItsOwnTime(t *testing.T, test func(t *testing.T, lab *Lab, dial func() net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		lab := Make(t)
		lab.Addr = here.String()
		listener := &pipes{waiting: make(chan net.Conn), closed: make(chan struct{})}
		lab.Web.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
			return listener.dial(), nil
		}
		lab.Handler, lab.Recorded = lab.Lab, lab.Logs
		server := lab.ServeAt(&serve.Endpoint{Listeners: []net.Listener{listener}})
		test(t, lab, listener.dial)
		lab.Client().SignIn("somebody-else")
		lab.Web.CloseIdleConnections()
		_ = server.Close()
	})
}

// HeapLeft are the bytes of the heap that one collection leaves. One, and not two: what
// a sync.Pool holds outlives the first, so a program that makes a pool for each
// request keeps all that came since the collection before.
func HeapLeft() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// AsUnconnected lets the lab answer to [webtest.Client.Ask].
func AsUnconnected(c *handlers.Config) { c.AllowHosts = append(c.AllowHosts, webtest.Unconnected) }
