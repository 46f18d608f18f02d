// Slow and silent clients, with the limits of the program and a time of their
// own (testing/synctest): nobody waits. The connections are pipes, which hold
// nothing back, so that each byte counts.

package handlers_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cookielab/handlers/serve"
)

// pipes is a listener whose connections are pipes.
type pipes struct {
	waiting chan net.Conn
	closed  chan struct{}
}

// pipe is a connection as it looks to the server.
type pipe struct{ net.Conn }

var here = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}

func (pipe) LocalAddr() net.Addr { return here }
func (*pipes) Addr() net.Addr    { return here }
func (p *pipes) Close() error    { close(p.closed); return nil }
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

// inItsOwnTime runs a test with a lab behind pipes. When it returns, the lab
// must still serve others.
func inItsOwnTime(t *testing.T, test func(t *testing.T, lab *testLab, dial func() net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		lab := makeLab(t)
		lab.addr = here.String()
		listener := &pipes{waiting: make(chan net.Conn), closed: make(chan struct{})}
		lab.web.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
			return listener.dial(), nil
		}
		server := serverFor(lab, &serve.Endpoint{Listeners: []net.Listener{listener}})
		go func() { _ = server.Serve() }()
		test(t, lab, listener.dial)
		lab.client().signIn("somebody-else")
		lab.web.CloseIdleConnections()
		_ = server.Close()
	})
}

func TestSlowRequests(t *testing.T) {
	const head = "POST /login HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Type: " + formType + "\r\n"
	for _, test := range []struct {
		name, sends string
		status      int // 0: closed without an answer, or with a word of Go's
	}{
		{"row 58: connect and say nothing", "", 0},
		{"row 58: half a line, then silence", "POST /log", 0},
		{"row 58: half a header, then silence", head, 0},
		{"row 59: three bytes of a body, then silence", head + "Content-Length: 30\r\n\r\nuse", http.StatusBadRequest},
		{"row 59: a whole login but for its last byte", head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(login("alice").Encode())+1, login("alice").Encode()), http.StatusBadRequest},
		{"row 59: half a chunk, then silence", head + "Transfer-Encoding: chunked\r\n\r\n1e\r\nusername=alice&", http.StatusBadRequest},
	} {
		t.Run(test.name, func(t *testing.T) {
			inItsOwnTime(t, func(t *testing.T, lab *testLab, dial func() net.Conn) {
				connection := dial()
				defer connection.Close()
				if _, err := io.WriteString(connection, test.sends); err != nil {
					t.Fatal(err)
				}
				answer := answerOn(t, connection, "POST") // returns, so the server gave up
				if answer.status != test.status && (test.status != 0 || answer.status != http.StatusBadRequest) {
					t.Errorf("answered %d, not %d", answer.status, test.status)
				}
				if len(answer.cookies) > 1 || (len(answer.cookies) == 1 && answer.sets(notebookCookie) == nil) {
					t.Errorf("half a request, and it sets %v", answer.cookies)
				}
				if _, err := connection.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
					t.Errorf("the connection stays open: %v", err)
				}
			})
		})
	}
}

func TestSlowBytes(t *testing.T) {
	const line = "GET /dashboard HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"
	t.Run("row 58: a header of one byte each 200 ms is not waited for", func(t *testing.T) {
		inItsOwnTime(t, func(t *testing.T, lab *testLab, dial func() net.Conn) {
			connection := dial()
			defer connection.Close()
			slow := line + "X: " + strings.Repeat("x", 1000)
			for i := range len(slow) {
				time.Sleep(200 * time.Millisecond)
				if _, err := connection.Write([]byte{slow[i]}); err != nil {
					return // closed
				}
			}
			t.Errorf("all %d bytes were taken", len(slow))
		})
	})
	t.Run("row 60: a reader of one byte a second is not served to the end", func(t *testing.T) {
		inItsOwnTime(t, func(t *testing.T, lab *testLab, dial func() net.Conn) {
			whole := len(lab.client().get("/dashboard").body)
			connection := dial()
			defer connection.Close()
			if _, err := io.WriteString(connection, line+"\r\n"); err != nil {
				t.Fatal(err)
			}
			read := 0
			for one := make([]byte, 1); read < whole; read++ {
				time.Sleep(time.Second)
				if _, err := connection.Read(one); err != nil {
					return // closed
				}
			}
			t.Errorf("all %d bytes were sent", whole)
		})
	})
}

// Row 60: silent connections keep nobody out, and are closed in the end.
func TestIdleConnections(t *testing.T) {
	inItsOwnTime(t, func(t *testing.T, lab *testLab, dial func() net.Conn) {
		idle := make([]net.Conn, 500)
		for i := range idle {
			idle[i] = dial()
			if _, err := io.WriteString(idle[i], "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			if answer := answerOn(t, idle[i], "GET"); answer.status != http.StatusOK {
				t.Fatalf("connection %d: %d", i, answer.status)
			}
		}
		lab.client().signIn("alice") // they keep nobody out
		for i, connection := range idle {
			if _, err := connection.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
				t.Fatalf("connection %d stays open: %v", i, err)
			}
			_ = connection.Close()
		}
	})
}

// Row 39: of a body without end no more is taken than a form may have, and the
// 256 KB that net/http reads to be polite.
func TestEndlessBody(t *testing.T) {
	inItsOwnTime(t, func(t *testing.T, lab *testLab, dial func() net.Conn) {
		alice := lab.client().signIn("alice")
		connection := dial()
		defer connection.Close()
		sent := make(chan int)
		go func() {
			total := 0
			defer func() { sent <- total }()
			_, _ = io.WriteString(connection, "POST /logout HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nCookie: "+alice.header()+
				"\r\nContent-Type: "+formType+"\r\nTransfer-Encoding: chunked\r\n\r\n")
			for chunk := "400\r\n" + strings.Repeat("x", 0x400) + "\r\n"; total < 1<<30; total += len(chunk) {
				if _, err := io.WriteString(connection, chunk); err != nil {
					return
				}
			}
		}()
		if answer := answerOn(t, connection, "POST"); answer.status != http.StatusRequestEntityTooLarge || len(answer.cookies) > 0 {
			t.Errorf("answered %d with cookies %v", answer.status, answer.cookies)
		}
		if n := <-sent; n > limit+(300<<10) {
			t.Errorf("%d bytes were taken", n)
		}
		if got := alice.verdicts(); got != everywhere {
			t.Errorf("afterwards the three ways conclude %q", got)
		}
	})
}
