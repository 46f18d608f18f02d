// How servers end, in a time of their own (testing/synctest): nobody waits. Connections
// are pipes.

package serve_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"cookielab/handlers/serve"
)

// pipes is a listener whose connections are pipes. Whoever closes broken lets it fail.
type pipes struct {
	waiting        chan net.Conn
	closed, broken chan struct{}
}

func newPipes() *pipes {
	return &pipes{make(chan net.Conn), make(chan struct{}), make(chan struct{})}
}

var errBroken = errors.New("the listener is broken")

func (*pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080} }
func (p *pipes) Close() error { close(p.closed); return nil }
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case connection := <-p.waiting:
		return connection, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-p.broken:
		return nil, errBroken
	}
}

// ask sends a request and returns the status of the reply, 0 if there is none.
func (p *pipes) ask(method string) (status int) {
	client, server := net.Pipe()
	defer client.Close()
	select {
	case p.waiting <- server:
	case <-p.closed:
		return 0
	}
	_, _ = io.WriteString(client, method+" / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReader(client), &http.Request{Method: method})
	if err != nil {
		return 0
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return 0
	}
	return response.StatusCode
}

// running are two servers whose handler takes the time that the test says, behind three
// listeners.
type running struct {
	listeners [3]*pipes
	stopped   chan struct{} // closed when the servers begin to end
	end       func()
	err       error
	ended     chan struct{} // closed when Run has returned err
}

func run(handler http.HandlerFunc, onShutdown func()) *running {
	r := &running{stopped: make(chan struct{}), ended: make(chan struct{})}
	for i := range r.listeners {
		r.listeners[i] = newPipes()
	}
	first := &serve.Endpoint{Listeners: []net.Listener{r.listeners[0], r.listeners[1]}}
	second := &serve.Endpoint{Listeners: []net.Listener{r.listeners[2]}}
	log := slog.New(slog.DiscardHandler)
	servers := []*serve.Server{serve.NewServer(first, handler, nil, log), serve.NewServer(second, handler, nil, log)}
	servers[0].OnShutdown(onShutdown)
	ctx, cancel := context.WithCancel(context.Background())
	r.end = cancel
	go func() {
		defer close(r.ended)
		r.err = serve.Run(ctx, func() { close(r.stopped) }, servers...)
	}()
	return r
}

// A handler that takes so long.
func after(d time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { time.Sleep(d) }
}

func TestRunAnswersAtAllListeners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(after(0), func() {})
		for i, listener := range r.listeners {
			if got := listener.ask("GET"); got != http.StatusOK {
				t.Errorf("listener %d answers %d", i, got)
			}
		}
		r.end()
		if <-r.ended; r.err != nil {
			t.Error(r.err)
		}
		for i, listener := range r.listeners {
			if got := listener.ask("GET"); got != 0 {
				t.Errorf("at the end, listener %d answers %d", i, got)
			}
		}
	})
}

// The requests under way have ten seconds, and the signals are given back before that.
func TestRunFinishesRequests(t *testing.T) {
	for name, test := range map[string]struct {
		takes  time.Duration
		status int
		err    error
	}{
		"in time":      {9 * time.Second, http.StatusOK, nil},
		"not for ever": {25 * time.Second, http.StatusOK, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := run(after(test.takes), func() {})
				answers := make(chan int)
				for _, listener := range r.listeners {
					go func() { answers <- listener.ask("GET") }()
				}
				synctest.Wait()
				told := time.Now()
				r.end()
				if <-r.stopped; time.Since(told) > 0 {
					t.Errorf("the signals are given back after %v", time.Since(told))
				}
				<-r.ended
				if took := time.Since(told); took > 10*time.Second || !errors.Is(r.err, test.err) || (test.err == nil && r.err != nil) {
					t.Errorf("the end takes %v: %v", took, r.err)
				}
				for range r.listeners {
					if got := <-answers; got != test.status {
						t.Errorf("a request is answered %d", got)
					}
				}
			})
		})
	}
}

// A stream would not end by itself.
func TestRunEndsStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := make(chan struct{})
		r := run(func(w http.ResponseWriter, r *http.Request) { <-over }, func() { close(over) })
		answer := make(chan int, 1)
		go func() { answer <- r.listeners[0].ask("GET") }()
		synctest.Wait()
		told := time.Now()
		r.end()
		if <-r.ended; r.err != nil || time.Since(told) > time.Second {
			t.Errorf("the end takes %v: %v", time.Since(told), r.err)
		}
		if got := <-answer; got != http.StatusOK {
			t.Errorf("the stream is answered %d", got)
		}
	})
}

// If one listener fails, all servers end, and the requests under way are finished.
func TestRunEndsIfAListenerFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(after(5*time.Second), func() {})
		answer := make(chan int, 1)
		go func() { answer <- r.listeners[0].ask("GET") }()
		synctest.Wait()
		close(r.listeners[2].broken)
		if <-r.ended; !errors.Is(r.err, errBroken) {
			t.Errorf("Run returns %v", r.err)
		}
		<-r.stopped
		if got := <-answer; got != http.StatusOK {
			t.Errorf("the request under way is answered %d", got)
		}
		r.end()
	})
}

func TestServeEndsWithClose(t *testing.T) {
	at, _, err := serve.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := serve.NewServer(at, after(0), nil, slog.New(slog.DiscardHandler))
	ended := make(chan error)
	go func() { ended <- server.Serve() }()
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve returns %v", err)
	}
}
