package sessions

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/flock"
)

// Another process saves a session between cleaning's first look and its lock.
func TestCleaningLeavesWhatWasSavedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "sessions")
		now := time.Now()
		store, err := OpenFiles(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		rec := Record{ID: KeyID("internal", "1"), Created: now, Saved: now, Expires: now.Add(-time.Hour), Data: []byte("{}")}
		if err := store.Create(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		other := flock.New(store.stripes[rec.ID[0]].outside.Path())
		if locked, err := other.TryLock(); !locked || err != nil {
			t.Fatal("no lock", err)
		}
		var cleared bool
		var clearErr error
		done := make(chan struct{})
		go func() {
			defer close(done)
			cleared, clearErr = store.clear(t.Context(), rec.ID, now)
		}()
		synctest.Wait() // it has looked, and waits for the lock
		select {
		case <-done:
			t.Fatal("it did not wait for the lock")
		default:
		}
		rec.Version, rec.Expires = 2, now.Add(time.Hour)
		if err := store.write(rec); err != nil {
			t.Fatal(err)
		}
		if err := other.Unlock(); err != nil {
			t.Fatal(err)
		}
		<-done
		if cleared || clearErr != nil {
			t.Errorf("cleared: %v, %v", cleared, clearErr)
		}
		if _, err := store.Load(t.Context(), rec.ID); err != nil {
			t.Error(err)
		}
	})
}

// A rename that fails leaves the old file, and nothing beside it.
func TestAFailedRenameLeavesTheOldFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sessions")
	store, err := OpenFiles(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	rec := Record{ID: KeyID("internal", "1"), Version: 1, Created: now, Saved: now, Expires: now.Add(time.Hour), Data: []byte("{}")}
	unlock, err := store.lock(t.Context(), rec.ID[0])
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if err := os.Mkdir(store.Path(rec.ID), 0o700); err != nil { // in the way
		t.Fatal(err)
	}
	if err := store.write(rec); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	entries, err := os.ReadDir(store.stripes[rec.ID[0]].folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if name := entry.Name(); name != lockName && name != rec.ID.String() {
			t.Errorf("%s is left", name)
		}
	}
}
