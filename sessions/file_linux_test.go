package sessions_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

// disk is a real file system of two megabytes.
type disk struct {
	t    *testing.T
	path string
	fill int // files that fill it
}

func newDisk(t *testing.T) *disk {
	t.Helper()
	return &disk{t: t, path: smallDisk(t, "size=2m,nr_inodes=800,mode=0700")}
}

// full leaves no byte on the disk, and no place for another file.
func (d *disk) full() {
	d.t.Helper()
	var err error
	for size := 1 << 16; ; d.fill++ { // one file with what there is, then as many as can be
		if err = os.WriteFile(filepath.Join(d.path, fmt.Sprint("fill ", d.fill)), make([]byte, size), 0o600); err != nil {
			if size == 0 {
				break
			}
			size /= 2
		}
	}
	storetest.Is(d.t, "what the disk says", err, syscall.ENOSPC)
}

// On a full disk a write returns ErrFull. What is stored can still be read and removed.
func TestAFullDiskIsUnavailableForWritesAlone(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	clock := storetest.NewClock()
	store := openFiles(t, filepath.Join(d.path, "sessions"), clock.Now)
	site := storetest.NewSite(t, sessions.Keyed("session", store), clock, nil)
	b, leaves := site.Browser(), site.Browser()
	for _, browser := range []*storetest.Browser{b, leaves} {
		browser.Visit(func(s *sessions.Session) error { return s.Set("a", 1) })
	}
	for n := range 6 {
		clock.Advance(time.Second)
		mustCreate(t, store, recordOf(neighbour(n), clock))
	}
	fresh, old, elsewhere := recordOf(neighbour(9), clock), recordOf(neighbour(1), clock), recordOf(sessions.ID{8, 1}, clock)
	old.Version, old.Data = 1, versionData(1)
	check := func(what string) {
		t.Helper()
		d.full()
		for name, err := range map[string]error{
			"Create": store.Create(t.Context(), fresh), "Update": store.Update(t.Context(), old),
			"Create in a folder that is to be made": store.Create(t.Context(), elsewhere),
		} {
			storetest.Is(t, what+": "+name, err, sessions.ErrFull)
			storetest.Is(t, what+": "+name, err, sessions.ErrUnavailable)
		}
		_, err := store.Load(t.Context(), old.ID)
		storetest.Is(t, what+": Load", err, nil)
		storetest.Is(t, what+": Delete of what never was", store.Delete(t.Context(), elsewhere.ID, 0), sessions.ErrNotFound)
	}
	check("full")
	storetest.Equal(t, "sessions of alice", owned(t, store, "alice"), 6)
	storetest.Equal(t, "status of a save", b.Visit(func(s *sessions.Session) error { return s.Set("a", string(versionData(1))) }).Status, http.StatusServiceUnavailable)
	storetest.Equal(t, "the session is as it was", items(t, b)["a"], any(int64(1)))
	storetest.Equal(t, "status of a logout", leaves.Visit(func(s *sessions.Session) error { s.Flush(); return nil }).Status, http.StatusOK)
	check("full after a logout")
	storetest.Is(t, "Delete", store.Delete(t.Context(), neighbour(0), 1), nil)
	check("full after Delete")
	n, err := store.Trim(t.Context(), "alice", sessions.Quota{Records: 4, Bytes: 1 << 20})
	storetest.Is(t, "Trim", err, nil)
	storetest.Equal(t, "trimmed", n, 1)
	storetest.Equal(t, "left", loads(t, store, 6), "2345")
	old.ID = neighbour(2)

	// A removal also works if somebody has removed the file of the lock by hand.
	if err := os.Remove(filepath.Join(d.path, "sessions", "07", "lock")); err != nil {
		t.Fatal(err)
	}
	check("full, and without a lock")
	storetest.Equal(t, "sessions of alice", owned(t, store, "alice"), 4)
	storetest.Is(t, "Delete", store.Delete(t.Context(), neighbour(3), 0), nil)
	d.full()
	n, err = store.Trim(t.Context(), "alice", sessions.Quota{Records: 2, Bytes: 1 << 20})
	storetest.Is(t, "Trim", err, nil)
	storetest.Equal(t, "trimmed", n, 1)
	d.full()
	clock.Advance(2 * time.Hour)
	n, err = store.ClearExpired(t.Context(), clock.Now(), 1)
	storetest.Is(t, "ClearExpired", err, nil)
	storetest.Equal(t, "cleared", n, 1)

	for n := range d.fill {
		if err := os.Remove(filepath.Join(d.path, fmt.Sprint("fill ", n))); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	fresh.Expires = clock.Now().Add(time.Hour)
	mustCreate(t, store, fresh)
}

// The disk is taken away: first its folder is empty, then it holds another disk.
func TestADiskThatIsTakenAwayIsUnavailable(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	clock := storetest.NewClock()
	store := openFiles(t, d.path, clock.Now)
	mustCreate(t, store, recordOf(neighbour(1), clock))
	storetest.Is(t, "Unmount", unix.Unmount(d.path, unix.MNT_DETACH), nil)
	allUnavailable(t, store, clock)
	storetest.Is(t, "Mount", unix.Mount("tmpfs", d.path, "tmpfs", 0, "size=1m,mode=0700"), nil)
	allUnavailable(t, store, clock)
}
