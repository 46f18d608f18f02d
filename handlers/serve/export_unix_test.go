//go:build unix

package serve

import (
	"net"
	"syscall"
)

// SendBuffer is how much the kernel stores for a client of [GuardListener] that does not
// read, in bytes.
func SendBuffer(c net.Conn) (size int, err error) {
	inner, err := c.(*guardedConn).Conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return 0, err
	}
	failed := inner.Control(func(fd uintptr) {
		size, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF)
	})
	if failed != nil {
		return 0, failed
	}
	return size, err
}
