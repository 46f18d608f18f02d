// Replies that net/http makes itself have the same security headers as all others, and
// replies of handlers are not changed.

package handlers_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestOwnRepliesOfTheServer(t *testing.T) {
	lab := newLab(t)
	site := newOtherSite(t, theLab, theNeighbour)
	for server, addr := range map[string]string{"the lab": lab.addr, "the other site": site.addr} {
		head := "GET /static/other.css HTTP/1.1\r\nHost: " + addr + "\r\n"
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
			t.Run(server+": "+test.name, func(t *testing.T) {
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
					_, _ = io.Copy(io.Discard, first.Body)
				}
				response, err := http.ReadResponse(reader, nil)
				if err != nil {
					t.Fatal(err)
				}
				text, _ := io.ReadAll(response.Body)
				if response.StatusCode != test.status {
					t.Errorf("answered %d: %s", response.StatusCode, text)
				}
				guarded(t, reply{status: response.StatusCode, header: response.Header, body: string(text)})
				if response.Header.Get("Cache-Control") != "no-store" {
					t.Error("it may be kept")
				}
				if rest, _ := io.ReadAll(reader); len(rest) > 0 {
					t.Errorf("and then %q", rest)
				}
			})
		}
	}
}

// A handler's reply, and the 100 Continue before it, are not changed, even if the body
// looks like a reply that net/http makes itself.
func TestRepliesOfHandlersStayAsTheyAre(t *testing.T) {
	lab := newLab(t)
	const own = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request"
	form := url.Values{"value": {strings.Repeat(own, 50)}}.Encode()
	connection, err := net.Dial("tcp", lab.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	reader := bufio.NewReader(connection)
	for range 3 {
		fmt.Fprintf(connection, "POST /dissect HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", lab.addr, formType, len(form))
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
		text, err := io.ReadAll(response.Body)
		if err != nil || int64(len(text)) != response.ContentLength {
			t.Fatalf("%d bytes of %d, %v", len(text), response.ContentLength, err)
		}
		guarded(t, reply{status: response.StatusCode, header: response.Header, body: string(text)})
	}
	if r := raw(t, lab.addr, "OPTIONS * HTTP/1.1\r\nHost: "+lab.addr+"\r\n\r\n"); r.status < 400 {
		t.Errorf("OPTIONS * is answered %d", r.status)
	} else {
		guarded(t, r)
	}
}
