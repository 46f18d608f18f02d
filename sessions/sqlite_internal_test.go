package sessions

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// A read that finds no free connection waits only until its context ends.
func TestAReadOfSQLiteThatFindsNoConnectionFreeEnds(t *testing.T) {
	store, err := OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "sessions.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for range cap(store.reading) {
		if _, err := store.reading.lock(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 1)
	defer cancel()
	_, loaded := store.Load(ctx, ID{})
	_, _, stamped := store.Stamp(ctx, ID{})
	_, listed := store.ByOwner(ctx, "alice", Record{}, 10)
	_, trimmed := store.Trim(ctx, "alice", Quota{})
	for what, err := range map[string]error{"Load": loaded, "Stamp": stamped, "ByOwner": listed, "Trim": trimmed} {
		if !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	store.reading.unlock()
	if _, err := store.Load(t.Context(), ID{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("Load with a free connection: %v", err)
	}
}

// Several stores, of one process or of several, may make the reserve at the same time.
func TestManyCanMakeTheReserveOfSQLiteAtOnce(t *testing.T) {
	t.Parallel()
	for range 30 {
		file := filepath.Join(t.TempDir(), "sessions.db")
		var all sync.WaitGroup
		start := make(chan struct{})
		for range 8 {
			all.Go(func() {
				r := newReserve(file, nil)
				<-start
				if err := r.keep(t.Context(), time.Now().Add(sqlitePatience)); err != nil {
					t.Error(err)
				}
				if err := r.look(); err != nil {
					t.Errorf("the reserve, after it was made: %v", err)
				}
			})
		}
		close(start)
		all.Wait()
		left, err := filepath.Glob(file + "*")
		if err != nil || len(left) != 1 {
			t.Errorf("files after that: %v (%v)", left, err)
		}
	}
}
