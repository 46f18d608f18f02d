//go:build unix

package serve_test

import (
	"net"
	"testing"

	"cookielab/handlers/serve"
)

// A client that does not read takes little of the memory that TCP has.
func TestTheKernelStoresLittleForASlowReader(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	guarded := serve.GuardListener(listener, nil)
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
	if size, err := serve.SendBuffer(served); err != nil || size > 256<<10 {
		t.Errorf("%d bytes, %v", size, err)
	}
}
