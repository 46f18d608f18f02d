//go:build unix

// How many streams the system allows, on Unix.

package wire

import (
	"syscall"
)

// maxStreams is how many streams a server sends at the same time: a quarter of the number
// of files that this process may open. Each connection counts as one.
func maxStreams() int {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return streamsOf(1024) // the usual limit
	}
	return streamsOf(uint64(files.Cur))
}
