// Replies that net/http makes itself (400, 417, 431, 501, 505): it answers a request that
// it cannot read without calling a handler. This adds the security headers to them, which
// all other replies have.

package serve

import (
	"bytes"
	"context"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
)

// guardServer prepares a server, before it serves, so that the replies that net/http makes
// itself also carry its listeners' headers. Each of its listeners must be wrapped by
// guardListener. "OPTIONS *" goes to the server's handler, too.
func guardServer(server *http.Server) {
	inner := server.Handler
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(guardedConnKey{}).(*guardedConn); ok {
			c.answering.Store(true)
		}
		inner.ServeHTTP(w, r)
	})
	server.DisableGeneralOptionsHandler = true
	server.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, guardedConnKey{}, c)
	}
	server.ConnState = func(c net.Conn, state http.ConnState) {
		if c, ok := c.(*guardedConn); ok && state == http.StateIdle { // a reply is complete
			c.answering.Store(false)
		}
	}
}

type guardedConnKey struct{}

// guardListener wraps a listener of a server that guardServer has prepared; headers go
// with the replies that net/http makes itself. It also sets how much the kernel stores for
// a client that reads slowly.
func guardListener(listener net.Listener, headers http.Header) net.Listener {
	var lines bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		lines.WriteString(name + ": " + headers.Get(name) + "\r\n")
	}
	return guardedListener{listener, lines.Bytes()}
}

// writeBuffer is how much of a reply may wait in the kernel until the client reads it, in
// bytes (Linux takes twice as much). Without it Linux stores up to 4 MB a connection, and
// a thousand clients that do not read take all the memory that TCP has.
const writeBuffer = 64 << 10

type guardedListener struct {
	net.Listener
	lines []byte // the headers, as they are sent
}

func (l guardedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(writeBuffer) // on failure the system's own bound holds
	}
	return &guardedConn{Conn: c, lines: l.lines}, nil
}

// guardedConn adds the headers to a reply that begins while no handler is answering:
// net/http makes such a reply itself, and its first write contains the whole header.
type guardedConn struct {
	net.Conn
	lines     []byte
	answering atomic.Bool
}

func (c *guardedConn) Write(b []byte) (int, error) {
	if c.answering.Load() {
		return c.Conn.Write(b)
	}
	c.answering.Store(true)
	end := bytes.Index(b, []byte("\r\n")) + 2 // of the status line
	if end < 2 || !bytes.HasPrefix(b, []byte("HTTP/1.")) {
		return c.Conn.Write(b)
	}
	n, err := c.Conn.Write(slices.Concat(b[:end], c.lines, b[end:]))
	if err != nil { // the exact number of bytes hardly matters: net/http closes the connection
		return min(n, len(b)), err
	}
	return len(b), nil
}

// CloseWrite lets net/http finish its reply to a client that is still sending.
func (c *guardedConn) CloseWrite() error {
	if inner, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return inner.CloseWrite()
	}
	return nil
}
