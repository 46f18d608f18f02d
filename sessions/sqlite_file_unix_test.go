//go:build unix

package sessions_test

import (
	"io"
	"os"
	"syscall"
	"testing"

	"cookielab/sessions/storetest"
)

// Before it removes a WAL, SQLite before version 3.51 checks only one thing: whether another
// process has a lock on these bytes of the database.
func TestSQLiteKeepsItsLockAsLongAsAnyStoreOfAProcessIsOpen(t *testing.T) {
	t.Parallel()
	file := sqliteFile(t)
	server := startSQLiteChild(t, "write", file)
	server.hear("ready")
	asks, err := os.OpenFile(file, os.O_RDWR, 0) // not the process that has the database open, so this drops no locks
	if err != nil {
		t.Fatal(err)
	}
	defer asks.Close()
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart, Start: 0x40000002, Len: 510}
	storetest.Is(t, "F_GETLK", syscall.FcntlFlock(asks.Fd(), syscall.F_GETLK, &lock), nil)
	storetest.Equal(t, "the lock that is in the way", lock.Type, int16(syscall.F_RDLCK))
	storetest.Equal(t, "its process", int(lock.Pid), server.command.Process.Pid)
}
