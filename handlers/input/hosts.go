// Hosts: which names this server answers to, and where the other servers are.

package input

import (
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// SplitHost splits a Host header into the host, in small letters, and the port, which is
// "80" if the header names none. An IPv6 address keeps its brackets. ok is false for an empty
// header.
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

// OnServer returns the address of a request's page on another server, under the same host
// name, since browsers keep cookies by host name. For the reply to a form, which has no
// address of its own, it is the address of the dashboard.
func OnServer(r *http.Request, other Server) string {
	path := "/dashboard"
	if IsSafe(r.Method) {
		path = r.URL.EscapedPath()
	}
	return other.Origin(r) + path
}

// Origin returns the origin of the server, such as "http://localhost:8081", under the host
// name of a request to this one; under localhost if that name is not this machine's.
func (s Server) Origin(r *http.Request) string {
	host, _, ok := SplitHost(r.Host)
	if !ok || !IsLoopbackName(host) {
		host = "localhost"
	}
	return "http://" + host + ":" + s.Port
}

// LocalPort returns the port of the listener at which a request came in; "" if it came by no
// connection.
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
	Server string // its letter, such as "B"
	Port   string // where it listens, on the same hosts
}

// FromElsewhere reports whether a page of another site, or of another port, began a request.
// It is false for browsers and programs that send no Sec-Fetch-Site header.
func FromElsewhere(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site != "" && site != "same-origin" && site != "none"
}
