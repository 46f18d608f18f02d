// Files on Windows: no owners and mode bits that Go can see, and files that
// somebody has open can be neither replaced nor removed for that moment.

package sessions

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// safeOpen: only programs with a right of their own can make a symlink.
const safeOpen = 0

// private says what keeps a folder from being one.
func private(info fs.FileInfo) error {
	if !info.IsDir() {
		return errors.New("is no folder")
	}
	return nil
}

func ours(fs.FileInfo) bool { return true }

// heldFolder is what a folder was when it was opened. It is not kept open, because
// then nobody could move it; Windows does not use its number again.
type heldFolder struct{ info fs.FileInfo }

func holdFolder(dir string) (*heldFolder, error) {
	info, err := os.Lstat(dir)
	if err != nil {
		return nil, err
	}
	os.SameFile(info, info) // reads the folder's number now; otherwise info would read it at the first question, from whatever is at the path then
	return &heldFolder{info}, nil
}

func (h *heldFolder) Close() error { return nil }

// liesAt returns an error unless the folder is at this path.
func (h *heldFolder) liesAt(path string) error {
	there, err := os.Lstat(path)
	if err == nil && !os.SameFile(there, h.info) {
		err = errOtherFolder
	}
	return err
}

// isDiskFull reports whether the disk is full.
func isDiskFull(err error) bool {
	const handleDiskFull, diskFull = syscall.Errno(39), syscall.Errno(112)
	return errors.Is(err, handleDiskFull) || errors.Is(err, diskFull)
}

// readFile reads a regular file of at most limit bytes; anything else is
// errNoSession.
func readFile(path string, limit int) ([]byte, error) {
	var file *os.File
	err := patiently(func() error {
		info, err := os.Lstat(path)
		if err == nil && !info.Mode().IsRegular() {
			err = fmt.Errorf("%w: mode %v", errNoSession, info.Mode())
		}
		if err == nil {
			file, err = os.Open(path)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, int64(limit)+1))
	if err == nil && len(content) > limit {
		return nil, fmt.Errorf("%w: it has more than %d bytes", errNoSession, limit)
	}
	return content, err
}

func swapFiles(from, to string) error {
	return patiently(func() error { return os.Rename(from, to) })
}

func removeFile(path string) error {
	return patiently(func() error { return os.Remove(path) })
}

// patiently repeats, for half a second, what fails because somebody has the
// file open: another process, or a virus scanner.
func patiently(do func() error) error {
	const sharingViolation, lockViolation = syscall.Errno(32), syscall.Errno(33)
	for wait := time.Millisecond; ; wait *= 2 {
		err := do()
		busy := errors.Is(err, sharingViolation) || errors.Is(err, lockViolation) || errors.Is(err, syscall.ERROR_ACCESS_DENIED)
		if !busy || wait > 256*time.Millisecond {
			return err
		}
		time.Sleep(wait)
	}
}
