// This file is what only Linux can do for Firefox: to end it together with the
// test, and to let it speak without pauses.

package browsertest

import (
	"net"
	"os/exec"
	"syscall"
)

func dieWithUs(process *exec.Cmd) {
	process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// talkative acknowledges at once what comes in. Firefox sends its events and
// answers in small packets and keeps each back until the one before was
// acknowledged, which Linux puts off for 40 ms: half of the time of a test.
type talkative struct{ net.Conn }

func (c talkative) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if raw, failed := c.Conn.(*net.TCPConn).SyscallConn(); failed == nil {
		// Linux forgets it soon, so it is said again after each packet.
		_ = raw.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1) })
	}
	return n, err
}
