//go:build unix && !linux

// Files on the other Unix systems: a rename replaces what lies there.

package sessions

import "os"

func swapFiles(from, to string) error { return os.Rename(from, to) }
