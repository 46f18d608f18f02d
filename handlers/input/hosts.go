// Hosts: which names this server answers to, and where its neighbours are.

package input

import (
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// SplitHost takes a Host header apart; the port is that of plain HTTP when it
// names none. An IPv6 address keeps its brackets.
func SplitHost(hostport string) (host, port string, ok bool) {
	host, port, ok = hostport, "80", hostport != ""
	if i := strings.LastIndexByte(hostport, ':'); i > strings.LastIndexByte(hostport, ']') {
		host, port = hostport[:i], hostport[i+1:]
	}
	return strings.ToLower(host), port, ok
}

// IsOwnHost reports whether a request was sent to one of the lab's own hosts: this machine,
// at the port on which the request came.
func IsOwnHost(r *http.Request) bool {
	host, port, ok := SplitHost(r.Host)
	return ok && port == LocalPort(r) && IsLoopbackName(host)
}

// IsLoopbackName reports whether a host, in any spelling a browser may send,
// is this machine: localhost, every name below it, 127.0.0.1, [::1] and
// [::ffff:127.0.0.1].
func IsLoopbackName(host string) bool {
	if host == "localhost" {
		return true
	}
	if name, ok := strings.CutSuffix(host, ".localhost"); ok {
		return isHostName(name)
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(inner)
		return ok && err == nil && addr.Is6() && addr.Zone() == "" &&
			(addr == netip.IPv6Loopback() || addr.Unmap() == loopback4)
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr == loopback4
}

var loopback4 = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// isHostName reports whether name is one or more labels of letters, digits,
// hyphens and underscores.
func isHostName(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

// OnServer is a page's address on another server, under the name by which this
// one was asked: another name would be another jar of cookies. What answered a
// form is no page, so from there it is the dashboard.
func OnServer(r *http.Request, other Server) string {
	path := "/dashboard"
	if IsSafe(r.Method) {
		path = r.URL.EscapedPath()
	}
	return other.Origin(r) + path
}

// Origin is where another server is found under the name by which this one was
// asked.
func (s Server) Origin(r *http.Request) string {
	host, _, ok := SplitHost(r.Host)
	if !ok || !IsLoopbackName(host) {
		host = "localhost"
	}
	return "http://" + host + ":" + s.Port
}

// LocalPort is the port of the listener that a request came in by.
func LocalPort(r *http.Request) string {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return ""
	}
	return strconv.Itoa(addr.Port)
}

// Server is another server of the same lab: it has a memory of its own and
// shares the rest. A browser sends it the same cookies, because ports do not
// count for them (RFC 6265bis 8.5).
type Server struct {
	Server string // its letter
	Port   string // where it listens, on the same hosts
}

// FromElsewhere reports whether another site, or another port, began a request.
func FromElsewhere(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site != "" && site != "same-origin" && site != "none"
}
