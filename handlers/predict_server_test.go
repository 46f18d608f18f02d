// A server that writes its responses byte by byte, since net/http would mend
// them, and reads the Cookie header as it came.

package handlers_test

import (
	"bufio"
	"bytes"
	"fmt"
	"html"
	"net"
	"strings"
	"sync"
	"testing"
)

// rawServer answers on two ports, each on 127.0.0.1 and [::1]. What it answers to
// an address with ?id is what was planned for that id.
type rawServer struct {
	ports [2]string

	mu      sync.Mutex
	planned map[string][]byte // id: header lines
	cookies map[string]string // id: the Cookie header that came last
	ids     int
}

func newRawServer(t *testing.T) *rawServer {
	t.Helper()
	s := &rawServer{planned: map[string][]byte{}, cookies: map[string]string{}}
	for i := range s.ports {
		first, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, s.ports[i], _ = net.SplitHostPort(first.Addr().String())
		listeners := []net.Listener{first}
		for _, more := range []string{"[::1]:", "127.0.0.2:"} { // not on every system
			if listener, err := net.Listen("tcp", more+s.ports[i]); err == nil {
				listeners = append(listeners, listener)
			}
		}
		for _, listener := range listeners {
			t.Cleanup(func() { _ = listener.Close() })
			go func() {
				for {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					go s.serve(conn)
				}
			}()
		}
	}
	return s
}

// on is an address on the first port.
func (s *rawServer) on(host, path string) string {
	return "http://" + host + ":" + s.ports[0] + path
}

// id is one that nobody has.
func (s *rawServer) id() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids++
	return fmt.Sprintf("id%d", s.ids)
}

// plan says what headers the answer to ?id has.
func (s *rawServer) plan(id string, headers []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.planned[id] = headers
}

// came is the Cookie header that came with ?id.
func (s *rawServer) came(id string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	header, ok := s.cookies[id]
	return header, ok
}

func (s *rawServer) serve(conn net.Conn) {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for {
		target, cookie, length := "", "", 0
		for {
			line, err := reader.ReadString('\n')
			if err != nil {
				return
			}
			line = strings.TrimRight(line, "\r\n")
			if line == "" && target != "" {
				break
			}
			if target == "" {
				if fields := strings.Fields(line); len(fields) == 3 {
					target = fields[1]
				}
				continue
			}
			name, value, _ := strings.Cut(line, ":")
			switch strings.ToLower(name) {
			case "cookie":
				cookie = strings.TrimPrefix(value, " ")
			case "content-length":
				_, _ = fmt.Sscan(value, &length)
			}
		}
		if _, err := reader.Discard(length); err != nil {
			return
		}
		_, id, _ := strings.Cut(target, "?")
		id, _, _ = strings.Cut(id, "&")
		s.mu.Lock()
		s.cookies[id] = cookie
		headers := s.planned[id]
		s.mu.Unlock()
		status := "200 OK"
		if bytes.HasPrefix(headers, []byte("Location:")) {
			status = "302 Found"
		}
		body := "<!doctype html><title>raw</title><p>raw " + html.EscapeString(id)
		var out bytes.Buffer
		fmt.Fprintf(&out, "HTTP/1.1 %s\r\nContent-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\nContent-Length: %d\r\n", status, len(body))
		out.Write(headers)
		out.WriteString("\r\n" + body)
		if _, err := conn.Write(out.Bytes()); err != nil {
			return
		}
	}
}
