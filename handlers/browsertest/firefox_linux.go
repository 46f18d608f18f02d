// This file lets no Firefox outlive a test that is killed.

package browsertest

import (
	"os/exec"
	"syscall"
)

func dieWithUs(process *exec.Cmd) {
	process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
