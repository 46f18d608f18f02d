// Slow and silent clients, with the limits of the program and a time of their
// own (testing/synctest): nobody waits. The connections are pipes, which hold
// nothing back, so that each byte counts.

package handlers_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
)

func TestSlowRequests(t *testing.T) {
	const head = "POST /login HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Type: " + webtest.FormType + "\r\n"
	for _, test := range []struct {
		name, sends string
		status      int // 0: closed without an answer, or with a word of Go's
	}{
		{"row 58: connect and say nothing", "", 0},
		{"row 58: half a line, then silence", "POST /log", 0},
		{"row 58: half a header, then silence", head, 0},
		{"row 59: three bytes of a body, then silence", head + "Content-Length: 30\r\n\r\nuse", http.StatusBadRequest},
		{"row 59: a whole login but for its last byte", head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(webtest.Login("alice").Encode())+1, webtest.Login("alice").Encode()), http.StatusBadRequest},
		{"row 59: half a chunk, then silence", head + "Transfer-Encoding: chunked\r\n\r\n1e\r\nusername=alice&", http.StatusBadRequest},
	} {
		t.Run(test.name, func(t *testing.T) {
			labtest.InItsOwnTime(t, func(t *testing.T, lab *labtest.Lab, dial func() net.Conn) {
				connection := dial()
				defer connection.Close()
				if _, err := io.WriteString(connection, test.sends); err != nil {
					t.Fatal(err)
				}
				answer := webtest.AnswerOn(t, connection, "POST") // returns, so the server gave up
				if answer.Status != test.status && (test.status != 0 || answer.Status != http.StatusBadRequest) {
					t.Errorf("answered %d, not %d", answer.Status, test.status)
				}
				if len(answer.Cookies) > 1 || (len(answer.Cookies) == 1 && answer.Sets(webtest.NotebookCookie) == nil) {
					t.Errorf("half a request, and it sets %v", answer.Cookies)
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
		labtest.InItsOwnTime(t, func(t *testing.T, lab *labtest.Lab, dial func() net.Conn) {
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
		labtest.InItsOwnTime(t, func(t *testing.T, lab *labtest.Lab, dial func() net.Conn) {
			whole := len(lab.Client().Get("/dashboard").Body)
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
	labtest.InItsOwnTime(t, func(t *testing.T, lab *labtest.Lab, dial func() net.Conn) {
		idle := make([]net.Conn, 500)
		for i := range idle {
			idle[i] = dial()
			if _, err := io.WriteString(idle[i], "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			if answer := webtest.AnswerOn(t, idle[i], "GET"); answer.Status != http.StatusOK {
				t.Fatalf("connection %d: %d", i, answer.Status)
			}
		}
		lab.Client().SignIn("alice") // they keep nobody out
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
	labtest.InItsOwnTime(t, func(t *testing.T, lab *labtest.Lab, dial func() net.Conn) {
		alice := lab.Client().SignIn("alice")
		connection := dial()
		defer connection.Close()
		sent := make(chan int)
		go func() {
			total := 0
			defer func() { sent <- total }()
			_, _ = io.WriteString(connection, "POST /logout HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nCookie: "+alice.Header()+
				"\r\nContent-Type: "+webtest.FormType+"\r\nTransfer-Encoding: chunked\r\n\r\n")
			for chunk := "400\r\n" + strings.Repeat("x", 0x400) + "\r\n"; total < 1<<30; total += len(chunk) {
				if _, err := io.WriteString(connection, chunk); err != nil {
					return
				}
			}
		}()
		if answer := webtest.AnswerOn(t, connection, "POST"); answer.Status != http.StatusRequestEntityTooLarge || len(answer.Cookies) > 0 {
			t.Errorf("answered %d with cookies %v", answer.Status, answer.Cookies)
		}
		if n := <-sent; n > webtest.Limit+(300<<10) {
			t.Errorf("%d bytes were taken", n)
		}
		if got := alice.Verdicts(); got != webtest.Everywhere {
			t.Errorf("afterwards the three ways conclude %q", got)
		}
	})
}
