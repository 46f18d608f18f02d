// Hosts: which names this server answers to. A page of another site can make
// its own name point to 127.0.0.1 (DNS rebinding); then only the Host header
// tells its requests from ours.

package handlers

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
)

// checkHost refuses requests for other hosts with 421, before anything else.
func (lab *Lab) checkHost(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !lab.allowedHost(c.Request()) {
			return problem(http.StatusMisdirectedRequest, "misdirected_request", say("error.misdirected"))
		}
		return next(c)
	}
}

func (lab *Lab) allowedHost(r *http.Request) bool {
	return lab.ownHost(r) || slices.ContainsFunc(lab.config.AllowHosts, func(h string) bool { return strings.EqualFold(h, r.Host) })
}

// ownHost reports whether a request was sent to one of the lab's own hosts, and not to a
// host of --allow-host.
func (lab *Lab) ownHost(r *http.Request) bool {
	host, port, ok := splitHost(r.Host)
	return ok && port == localPort(r) && isLoopbackName(host)
}

// splitHost takes a Host header apart; the port is that of plain HTTP when it
// names none. An IPv6 address keeps its brackets.
func splitHost(hostport string) (host, port string, ok bool) {
	host, port, ok = hostport, "80", hostport != ""
	if i := strings.LastIndexByte(hostport, ':'); i > strings.LastIndexByte(hostport, ']') {
		host, port = hostport[:i], hostport[i+1:]
	}
	return strings.ToLower(host), port, ok
}

// isLoopbackName reports whether a host, in any spelling a browser may send,
// is this machine: localhost, every name below it, 127.0.0.1, [::1] and
// [::ffff:127.0.0.1].
func isLoopbackName(host string) bool {
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

// onServer is a page's address on another server, under the name by which this
// one was asked: another name would be another jar of cookies. What answered a
// form is no page, so from there it is the dashboard.
func onServer(r *http.Request, other OtherServer) string {
	path := "/dashboard"
	if isSafe(r.Method) {
		path = r.URL.EscapedPath()
	}
	return other.origin(r) + path
}

// origin is where another server is found under the name by which this one was
// asked.
func (s OtherServer) origin(r *http.Request) string {
	host, _, ok := splitHost(r.Host)
	if !ok || !isLoopbackName(host) {
		host = "localhost"
	}
	return "http://" + host + ":" + s.Port
}

// localPort is the port of the listener that a request came in by.
func localPort(r *http.Request) string {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return ""
	}
	return strconv.Itoa(addr.Port)
}
