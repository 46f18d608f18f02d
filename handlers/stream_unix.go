//go:build unix

package handlers

import "syscall"

// maxStreams is how many streams a server tells at once: a quarter of the files
// that this process may have open, of which each connection is one.
func maxStreams() int {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return streamsOf(1024) // what systems begin with
	}
	return streamsOf(uint64(files.Cur))
}
