// Listening: addresses of this machine, and how browsers reach them.

package serve

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
)

// Endpoint is where a server listens.
type Endpoint struct {
	Host      string         // under which browsers reach it: "localhost", "127.0.0.1" or "::1"
	Port      string         // of all listeners
	Listeners []net.Listener // two for localhost: 127.0.0.1 and [::1], on the same port
}

// URL returns where a browser finds the endpoint, without a path.
func (e *Endpoint) URL() string { return e.URLAt(e.Port) }

// URLAt returns where a browser finds another port of its host, without a path.
func (e *Endpoint) URLAt(port string) string { return "http://" + net.JoinHostPort(e.Host, port) }

// Hosts returns the names under which browsers reach it, as they are written in a URL.
func (e *Endpoint) Hosts() []string {
	var hosts []string
	if e.Host == localhost {
		hosts = append(hosts, localhost)
	}
	for _, listener := range e.Listeners {
		host, _ := addressOf(listener)
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		hosts = append(hosts, host)
	}
	return hosts
}

// Close closes the listeners. It may be called after a server has closed them.
func (e *Endpoint) Close() {
	for _, listener := range e.Listeners {
		_ = listener.Close() // nothing is lost if this fails
	}
}

const localhost = "localhost"

// ErrBusy means that another program listens at the address.
var ErrBusy = errors.New("is in use by another program")

// Listen opens an address, HOST:PORT; port 0 picks a free one. The host is localhost,
// 127.0.0.1 or [::1], and any other is an error. "localhost" means both 127.0.0.1 and
// [::1] on the same port, because browsers try one or the other first. The notes say, in
// words for the user, what is different from the usual. The error is [ErrBusy] if another
// program listens there, also if it does so on one of the two addresses alone.
func Listen(address string) (at *Endpoint, notes []string, err error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, nil, fmt.Errorf("%q is not HOST:PORT", address)
	}
	if strings.EqualFold(host, localhost) {
		return listenLocalhost(address, port)
	}
	// Not IsLoopback: requests to 127.0.0.2 would all be answered 421.
	if ip := net.ParseIP(host); !ip.Equal(net.IPv4(127, 0, 0, 1)) && !ip.Equal(net.IPv6loopback) {
		return nil, nil, fmt.Errorf("%q: only localhost, 127.0.0.1 and [::1] are served; the lab shows every cookie in clear and stays on this machine", address)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, nil, busy(address, err)
	}
	host, port = addressOf(l)
	return &Endpoint{host, port, []net.Listener{l}}, nil, nil
}

func listenLocalhost(address, port string) (at *Endpoint, notes []string, err error) {
	// Port 0 picks a free port once, for both; it may be taken on the other
	// address, so another is tried.
	for range 10 {
		four, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			return nil, nil, busy(address, err)
		}
		_, chosen := addressOf(four)
		six, err := net.Listen("tcp6", net.JoinHostPort("::1", chosen))
		switch {
		case err == nil:
			return &Endpoint{localhost, chosen, []net.Listener{four, six}}, nil, nil
		case isNoIPv6(err):
			return &Endpoint{localhost, chosen, []net.Listener{four}}, []string{"This machine has no IPv6, so only 127.0.0.1 is served."}, nil
		}
		_ = four.Close() // half an address is none
		if port != "0" || !isBusy(err) {
			return nil, nil, busy(address, err)
		}
	}
	return nil, nil, fmt.Errorf("no port is free on both 127.0.0.1 and [::1]")
}

// ListenIfFree is [Listen] for a server that the lab can do without. The endpoint is nil
// if the address is empty, and if it is in use; the latter is no error but a note, which
// calls the server by what it is and names the setting that chooses another address.
// Other errors name the setting, too.
func ListenIfFree(setting, address, what string) (at *Endpoint, notes []string, err error) {
	if address == "" {
		return nil, nil, nil
	}
	at, notes, err = Listen(address)
	switch {
	case errors.Is(err, ErrBusy):
		return nil, []string{fmt.Sprintf("There is no %s: %s is in use. %s chooses another address.", what, address, setting)}, nil
	case err != nil:
		return nil, nil, fmt.Errorf("%s: %w", setting, err)
	}
	return at, notes, nil
}

func addressOf(listener net.Listener) (host, port string) {
	host, port, _ = net.SplitHostPort(listener.Addr().String()) // what a listener says is well formed
	return host, port
}

// busy returns the error of listening at an address: ErrBusy, if it means that.
func busy(address string, err error) error {
	if isBusy(err) {
		return fmt.Errorf("%s %w", address, ErrBusy)
	}
	return err
}

func isBusy(err error) bool {
	const windows = syscall.Errno(10048) // WSAEADDRINUSE, which Go does not translate
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, windows)
}

// isNoIPv6 reports that there is no such address here, or no such kind of address.
func isNoIPv6(err error) bool {
	const windowsFamily, windowsAddress = syscall.Errno(10047), syscall.Errno(10049)
	return errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EADDRNOTAVAIL) ||
		errors.Is(err, windowsFamily) || errors.Is(err, windowsAddress)
}
