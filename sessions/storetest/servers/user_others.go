//go:build !unix

// This file is for systems where no server is started; see find.

package servers

import (
	"os/exec"
	"testing"
)

func asPostgres(testing.TB, *exec.Cmd)  {}
func giveToPostgres(testing.TB, string) {}
