// Replies of net/http's own: to what it cannot read as a request it answers by
// itself (400, 417, 431, 501, 505), before a handler is asked. They carry the
// headers of all other replies, too.

package handlers

import (
	"bytes"
	"context"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
)

// GuardServer prepares a server, before it serves, to have net/http's own replies
// carry the lab's headers; its listeners are to go through [GuardListener]. What
// answers to "OPTIONS *" is the server's handler.
func GuardServer(server *http.Server) {
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
		if c, ok := c.(*guardedConn); ok && state == http.StateIdle { // a reply has left whole
			c.answering.Store(false)
		}
	}
}

type guardedConnKey struct{}

// GuardListener makes the connections of a server that [GuardServer] has prepared.
func GuardListener(listener net.Listener) net.Listener {
	var lines bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(secureHeaderLines)) {
		lines.WriteString(name + ": " + secureHeaderLines.Get(name) + "\r\n")
	}
	return guardedListener{listener, lines.Bytes()}
}

type guardedListener struct {
	net.Listener
	lines []byte // of the headers
}

func (l guardedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &guardedConn{Conn: c, lines: l.lines}, nil
}

// guardedConn adds the headers to a reply that begins while no handler answers: it
// is net/http's own. Its first write has all of its header.
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
	if err != nil { // how much of b has left hardly matters: net/http gives the connection up
		return min(n, len(b)), err
	}
	return len(b), nil
}

// CloseWrite lets net/http say its last word to a client that is still sending.
func (c *guardedConn) CloseWrite() error {
	if inner, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return inner.CloseWrite()
	}
	return nil
}
