// Which addresses are served, how browsers reach them, and what is said where one is in use.

package serve_test

import (
	"errors"
	"net"
	"slices"
	"strings"
	"testing"

	"cookielab/handlers/serve"
)

func TestListen(t *testing.T) {
	four, six := "127.0.0.1", "[::1]"
	both := []string{"localhost", four, six}
	if !hasIPv6() {
		both = both[:2]
	}
	for _, test := range []struct {
		address, host string
		hosts         []string
	}{
		{"localhost:0", "localhost", both},
		{"LocalHost:0", "localhost", both},
		{"127.0.0.1:0", "127.0.0.1", []string{four}},
		{"[::1]:0", "[::1]", []string{six}},
		{"[0:0:0:0:0:0:0:1]:0", "[::1]", []string{six}},
	} {
		if !hasIPv6() && test.host == six {
			continue
		}
		t.Run(test.address, func(t *testing.T) {
			at, notes, err := serve.Listen(test.address)
			if err != nil {
				t.Fatal(err)
			}
			defer at.Close()
			if at.Port == "" || at.Port == "0" || at.URL() != "http://"+test.host+":"+at.Port || at.URLAt("8082") != "http://"+test.host+":8082" {
				t.Errorf("browsers find it at %s, and the port beside it at %s", at.URL(), at.URLAt("8082"))
			}
			if !slices.Equal(at.Hosts(), test.hosts) {
				t.Errorf("browsers reach it as %v, not %v", at.Hosts(), test.hosts)
			}
			for _, listener := range at.Listeners {
				if _, port, _ := net.SplitHostPort(listener.Addr().String()); port != at.Port {
					t.Errorf("it listens on %s, and the port is said to be %s", listener.Addr(), at.Port)
				}
			}
			if told := len(notes) > 0; told != (!hasIPv6() && test.host == "localhost") {
				t.Errorf("the notes are %q", notes)
			}
		})
	}
}

func TestListenIsForLoopbackAlone(t *testing.T) {
	for _, address := range []string{
		"", "bad", "localhost", "localhost:99999", "0.0.0.0:0", "[::]:0", ":0", "192.168.1.5:0", "127.0.0.2:0",
		"lab.example:0", "localhost.:0", "[::1%lo]:0",
	} {
		at, _, err := serve.Listen(address)
		if err == nil || errors.Is(err, serve.ErrBusy) {
			t.Errorf("%q: %v", address, err)
		}
		if at != nil {
			t.Errorf("%q is served as %s", address, at.URL())
			at.Close()
		}
	}
}

// An address in use is an error, even if only one half of localhost is; then the other
// half is free again afterwards.
func TestListenWhereAnotherProgramDoes(t *testing.T) {
	hosts := []string{"127.0.0.1", "::1"}
	if !hasIPv6() {
		hosts = hosts[:1]
	}
	for i, host := range hosts {
		t.Run(host, func(t *testing.T) {
			other, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			_, port, _ := net.SplitHostPort(other.Addr().String())
			for _, address := range []string{"localhost:" + port, net.JoinHostPort(host, port)} {
				if _, _, err := serve.Listen(address); !errors.Is(err, serve.ErrBusy) || !strings.HasPrefix(err.Error(), address+" is in use") {
					t.Errorf("%s: %v", address, err)
				}
				at, notes, err := serve.ListenIfFree("--flag", address, "second server")
				if at != nil || err != nil || len(notes) != 1 || notes[0] != "There is no second server: "+address+" is in use. --flag chooses another address." {
					t.Errorf("%s, if free: %v, %q, %v", address, at, notes, err)
				}
			}
			if len(hosts) > 1 {
				half, err := net.Listen("tcp", net.JoinHostPort(hosts[1-i], port))
				if err != nil {
					t.Fatalf("the other half: %v", err)
				}
				half.Close()
			}
		})
	}
}

func TestListenIfFree(t *testing.T) {
	if at, notes, err := serve.ListenIfFree("--flag", "", "second server"); at != nil || notes != nil || err != nil {
		t.Errorf("without an address: %v, %q, %v", at, notes, err)
	}
	if at, _, err := serve.ListenIfFree("--flag", "0.0.0.0:0", "second server"); at != nil || err == nil || !strings.HasPrefix(err.Error(), "--flag: ") {
		t.Errorf("every address: %v, %v", at, err)
	}
	at, notes, err := serve.ListenIfFree("--flag", "127.0.0.1:0", "second server")
	if err != nil || len(notes) > 0 {
		t.Fatalf("%q, %v", notes, err)
	}
	at.Close()
	at.Close() // does no harm
	again, _, err := serve.Listen(net.JoinHostPort(at.Host, at.Port))
	if err != nil {
		t.Fatalf("after Close: %v", err)
	}
	again.Close()
}

func hasIPv6() bool {
	listener, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	listener.Close()
	return true
}
