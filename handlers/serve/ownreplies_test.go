// Replies that net/http makes itself have the security headers, and replies of handlers
// are not changed.

package serve_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"cookielab/handlers/serve"
)

// headers go with every reply of the servers in these tests.
var headers = http.Header{
	"Content-Security-Policy": {"default-src 'none'; script-src 'self'"},
	"X-Frame-Options":         {"DENY"},
	"Cache-Control":           {"no-store"},
}

// serveWith answers with a handler, which sets the headers itself, until the test ends.
// It returns the server's address.
func serveWith(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	at, _, err := serve.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := serve.NewServer(at, handler, headers, slog.New(slog.DiscardHandler))
	go func() { _ = server.Serve() }()
	t.Cleanup(func() { _ = server.Close() })
	return net.JoinHostPort(at.Host, at.Port)
}

// hasHeaders complains of a reply that has not each of the headers once.
func hasHeaders(t *testing.T, r *http.Response) {
	t.Helper()
	for name, want := range headers {
		if got := r.Header.Values(name); !slices.Equal(got, want) {
			t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
}

func TestOwnReplies(t *testing.T) {
	addr := serveWith(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	head := "GET / HTTP/1.1\r\nHost: " + addr + "\r\n"
	for _, test := range []struct {
		name, request string
		status        int
	}{
		{"no request line", "hello\r\n\r\n", 400},
		{"a header that is none", head + "no colon\r\n\r\n", 400},
		{"a header with a space before the colon", head + "X : y\r\n\r\n", 400},
		{"a broken address", "GET /%zz HTTP/1.1\r\nHost: " + addr + "\r\n\r\n", 400},
		{"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
		{"a malformed Host", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
		{"two Hosts", head + "Host: " + addr + "\r\n\r\n", 400},
		{"two lengths", head + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
		{"an unknown version", "GET / HTTP/3.7\r\nHost: " + addr + "\r\n\r\n", 505},
		{"a large header", head + "X: " + strings.Repeat("x", 2<<20) + "\r\n\r\n", 431},
		{"an unknown transfer encoding", head + "Transfer-Encoding: zip\r\n\r\n", 501},
		{"an unknown expectation", head + "Expect: miracles\r\n\r\n", 417},
		{"the second on a connection", head + "\r\nhello\r\n\r\n", 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			connection, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer connection.Close()
			go func() { _, _ = io.WriteString(connection, test.request) }()
			reader := bufio.NewReader(connection)
			if strings.HasPrefix(test.name, "the second") {
				first, err := http.ReadResponse(reader, nil)
				if err != nil {
					t.Fatal(err)
				}
				if first.StatusCode != http.StatusNoContent || first.Header.Get("X-Frame-Options") != "" {
					t.Errorf("the handler's reply is changed: %v", first)
				}
			}
			response, err := http.ReadResponse(reader, nil)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(response.Body)
			if response.StatusCode != test.status {
				t.Errorf("answered %d: %s", response.StatusCode, text)
			}
			hasHeaders(t, response)
			if rest, _ := io.ReadAll(reader); len(rest) > 0 {
				t.Errorf("and then %q", rest)
			}
		})
	}
}

// A handler's reply, and the 100 Continue before it, are not changed, even if the body
// looks like a reply that net/http makes itself. "OPTIONS *" goes to the handler, too.
func TestRepliesOfHandlersStayAsTheyAre(t *testing.T) {
	const own = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request"
	addr := serveWith(t, func(w http.ResponseWriter, r *http.Request) {
		for name, values := range headers {
			w.Header()[name] = values
		}
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		_, _ = io.WriteString(w, r.FormValue("value"))
	})
	value := strings.Repeat(own, 50)
	form := url.Values{"value": {value}}.Encode()
	connection, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	reader := bufio.NewReader(connection)
	for range 3 {
		fmt.Fprintf(connection, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", addr, len(form))
		if line, err := reader.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
			t.Fatalf("%q, %v", line, err)
		}
		if line, _ := reader.ReadString('\n'); line != "\r\n" {
			t.Fatalf("after the 100 stands %q", line)
		}
		fmt.Fprint(connection, form)
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK || string(text) != value {
			t.Fatalf("answered %d with %d bytes of %d, %v", response.StatusCode, len(text), len(value), err)
		}
		hasHeaders(t, response)
	}
	fmt.Fprintf(connection, "OPTIONS * HTTP/1.1\r\nHost: %s\r\n\r\n", addr)
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusTeapot {
		t.Errorf("OPTIONS * is answered %d", response.StatusCode)
	}
	hasHeaders(t, response)
}
