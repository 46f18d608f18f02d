// This file lets no server outlive a test that is killed.

package servers

import (
	"os/exec"
	"syscall"
)

func dieWithUs(process *exec.Cmd, signal syscall.Signal) {
	if process.SysProcAttr == nil {
		process.SysProcAttr = &syscall.SysProcAttr{}
	}
	process.SysProcAttr.Pdeathsig = signal
}
