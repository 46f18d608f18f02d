//go:build unix

// Files on Unix: whose a file is, and how to open one that may be anything.

package sessions

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// safeOpen, as flags: a symlink is not followed, a FIFO is not waited for.
const safeOpen = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// private says what keeps a folder from being ours alone.
func private(info fs.FileInfo) error {
	switch mode := info.Mode(); {
	case mode&fs.ModeSymlink != 0:
		return errors.New("is a symlink")
	case !mode.IsDir():
		return errors.New("is no folder")
	case !ours(info):
		return errors.New("belongs to another user")
	case mode.Perm()&0o077 != 0:
		return fmt.Errorf("is open to others: mode %04o, it must be 0700", mode.Perm())
	}
	return nil
}

// ours says whether a file belongs to the user that this process is.
func ours(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

// heldFolder is a folder that is kept open only so that no other folder can get its
// inode number.
type heldFolder struct {
	file *os.File
	stat syscall.Stat_t
}

func holdFolder(dir string) (*heldFolder, error) {
	file, err := os.OpenFile(dir, os.O_RDONLY|safeOpen, 0)
	if err != nil {
		return nil, err
	}
	h := &heldFolder{file: file}
	if err := syscall.Fstat(int(file.Fd()), &h.stat); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return h, nil
}

func (h *heldFolder) Close() error { return h.file.Close() }

// liesAt returns an error unless the folder is at this path.
func (h *heldFolder) liesAt(path string) error {
	var there syscall.Stat_t
	if err := syscall.Lstat(path, &there); err != nil {
		return &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	if there.Dev != h.stat.Dev || there.Ino != h.stat.Ino {
		return errOtherFolder
	}
	return nil
}

// isDiskFull reports whether the disk is full, or the user's quota on it.
func isDiskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// readFile reads a regular file of ours, of at most limit bytes; anything else
// is errNoSession. Open, fstat, read, lstat, close: an os.File does more.
func readFile(path string, limit int) ([]byte, error) {
	fd, err := open(path)
	if err != nil {
		// Systems differ in what they say of a symlink or a socket, and only
		// root can open a stranger's file.
		switch info, err := os.Lstat(path); {
		case err != nil:
		case !info.Mode().IsRegular():
			return nil, fmt.Errorf("%w: it is no regular file: mode %v", errNoSession, info.Mode())
		case !ours(info):
			return nil, fmt.Errorf("%w: it belongs to another user", errNoSession)
		}
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer syscall.Close(fd)
	var stat syscall.Stat_t
	if err := syscall.Fstat(fd, &stat); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	switch {
	case stat.Mode&syscall.S_IFMT != syscall.S_IFREG:
		return nil, fmt.Errorf("%w: it is no regular file", errNoSession)
	case int(stat.Uid) != os.Geteuid():
		return nil, fmt.Errorf("%w: it belongs to another user", errNoSession)
	case stat.Size > int64(limit):
		return nil, fmt.Errorf("%w: it has %d bytes, at most %d are read", errNoSession, stat.Size, limit)
	}
	content, err := readAll(fd, make([]byte, stat.Size))
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	// Swapped out since it was opened, it may by now hold what is not saved yet.
	var there syscall.Stat_t
	if err := syscall.Lstat(path, &there); err != nil || there.Ino != stat.Ino {
		return nil, fmt.Errorf("%w: it was replaced while it was read", errNoSession)
	}
	return content, nil
}

// readAll fills the buffer, or what of it the file has left.
func readAll(fd int, content []byte) ([]byte, error) {
	for read := 0; read < len(content); {
		n, err := syscall.Read(fd, content[read:])
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return nil, err
		case n == 0:
			return content[:read], nil // somebody cut it short meanwhile
		default:
			read += n
		}
	}
	return content, nil
}

func open(path string) (fd int, err error) {
	for {
		fd, err = syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC|safeOpen, 0)
		if err != syscall.EINTR {
			return fd, err
		}
	}
}

func removeFile(path string) error { return os.Remove(path) }
