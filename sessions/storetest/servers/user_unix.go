//go:build unix

// This file lets PostgreSQL, which refuses to be root, be somebody else.

package servers

import (
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
	"testing"
)

// asPostgres makes a process of root one of the user postgres.
func asPostgres(t testing.TB, process *exec.Cmd) {
	t.Helper()
	process.SysProcAttr = &syscall.SysProcAttr{}
	if os.Geteuid() == 0 {
		uid, gid := postgresUser(t)
		process.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
}

func giveToPostgres(t testing.TB, folder string) {
	t.Helper()
	if os.Geteuid() == 0 {
		uid, gid := postgresUser(t)
		if err := os.Chown(folder, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
}

func postgresUser(t testing.TB) (uid, gid int) {
	t.Helper()
	u, err := user.Lookup("postgres")
	if err != nil {
		missing(t, "PostgreSQL refuses to run as root, and there is no user postgres: install PostgreSQL from your system's packages")
	}
	if uid, err = strconv.Atoi(u.Uid); err != nil {
		t.Fatal(err)
	}
	if gid, err = strconv.Atoi(u.Gid); err != nil {
		t.Fatal(err)
	}
	return uid, gid
}
