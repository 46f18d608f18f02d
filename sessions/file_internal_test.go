package sessions

import (
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
