//go:build unix

// How much the kernel stores of a reply that nobody reads.

package serve

import (
	"net"
	"syscall"
	"testing"
)

// A client that does not read takes little of the memory that TCP has.
func TestTheKernelStoresLittleForASlowReader(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	guarded := guardListener(listener, nil)
	defer guarded.Close()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	served, err := guarded.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer served.Close()
	inner, err := served.(*guardedConn).Conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var size int
	failed := inner.Control(func(fd uintptr) {
		size, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF)
	})
	if failed != nil || err != nil || size > 256<<10 {
		t.Errorf("%d bytes, %v, %v", size, failed, err)
	}
}
