package sessions_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

// opened is a store that a test has opened, unless that failed; it closes with
// the test.
func opened[S io.Closer](t testing.TB, store S, err error) S {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func openMemory(t testing.TB, clock sessions.Clock) *sessions.Memory {
	t.Helper()
	return memoryOf(t, 1<<16, clock)
}

func memoryOf(t testing.TB, limit int, clock sessions.Clock) *sessions.Memory {
	t.Helper()
	store, err := sessions.NewMemory(limit, clock)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestMemoryIsAStore(t *testing.T) {
	storetest.Store(t, func(t *testing.T, clock sessions.Clock) sessions.Store { return openMemory(t, clock) })
}

func TestMemoryMakesAnEngine(t *testing.T) {
	storetest.Engine(t, func(t *testing.T, clock sessions.Clock) sessions.Engine {
		return sessions.Keyed("session", openMemory(t, clock))
	})
}

// neighbour is the ID of the n-th of several records that lie in one shard.
func neighbour(n int) sessions.ID {
	id := sessions.KeyID("neighbours", fmt.Sprint(n))
	id[0] = 7
	return id
}

func recordOf(id sessions.ID, clock *storetest.Clock) sessions.Record {
	now := clock.Now()
	return sessions.Record{ID: id, Owner: "alice", Created: now, Saved: now, Expires: now.Add(time.Hour), Data: []byte("{}")}
}

func mustCreate(t testing.TB, store sessions.Store, rec sessions.Record) {
	t.Helper()
	if err := store.Create(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
}

// loads says which of the first n neighbours are there, live or expired.
func loads(t *testing.T, store sessions.Store, n int) string {
	t.Helper()
	there := ""
	for i := range n {
		if _, err := store.Load(t.Context(), neighbour(i)); !errors.Is(err, sessions.ErrNotFound) {
			there += fmt.Sprint(i)
		}
	}
	return there
}

func TestMemoryNeverHoldsMoreThanItsLimit(t *testing.T) {
	const limit = 1024
	clock := storetest.NewClock()
	store := memoryOf(t, limit, clock.Now)
	for n := range 5 * limit {
		mustCreate(t, store, recordOf(sessions.KeyID("many", fmt.Sprint(n)), clock))
		if store.Len() > limit {
			t.Fatalf("%d records after %d were created", store.Len(), n+1)
		}
	}
	if store.Len() < limit*9/10 {
		t.Errorf("only %d records: it pushes out more than it must", store.Len())
	}
	recs, err := store.ByOwner(t.Context(), "alice", sessions.Record{}, 1000)
	storetest.Is(t, "ByOwner", err, nil)
	storetest.Equal(t, "records in the index of owners", len(recs), store.Len())
}

func TestMemoryNeedsRoomForOneRecordInEachShard(t *testing.T) {
	for limit, want := range map[int]error{-1: sessions.ErrOption, 0: sessions.ErrOption, 255: sessions.ErrOption, 256: nil} {
		_, err := sessions.NewMemory(limit, nil)
		storetest.Is(t, fmt.Sprint("limit ", limit), err, want)
	}
}

func TestFullMemoryPushesOutExpiredRecordsFirst(t *testing.T) {
	clock := storetest.NewClock()
	store := memoryOf(t, 4*256, clock.Now) // four in a shard: fewer than it looks at
	for n := range 4 {
		rec := recordOf(neighbour(n), clock)
		rec.Saved = clock.Now().Add(time.Duration(n) * time.Second)
		if n == 2 {
			rec.Expires = clock.Now() // not the one saved longest ago, but over
		}
		mustCreate(t, store, rec)
	}
	mustCreate(t, store, recordOf(neighbour(4), clock))
	storetest.Equal(t, "left", loads(t, store, 5), "0134")
}

func TestFullMemoryPushesOutWhatWasSavedLongestAgo(t *testing.T) {
	clock := storetest.NewClock()
	store := memoryOf(t, 4*256, clock.Now)
	for n := range 4 {
		clock.Advance(time.Second)
		mustCreate(t, store, recordOf(neighbour(n), clock))
	}
	clock.Advance(time.Second)
	saved := recordOf(neighbour(0), clock)
	saved.Version = 1
	storetest.Is(t, "Update", store.Update(t.Context(), saved), nil) // now 1 is the one
	for n := 4; n < 6; n++ {
		clock.Advance(time.Second)
		mustCreate(t, store, recordOf(neighbour(n), clock))
	}
	storetest.Equal(t, "left", loads(t, store, 6), "0345")
	recs, err := store.ByOwner(t.Context(), "alice", sessions.Record{}, 1000)
	storetest.Is(t, "ByOwner", err, nil)
	storetest.Equal(t, "records of the owner", len(recs), 4)
}

func TestFullMemoryPushesNothingOutForWhatItCannotTake(t *testing.T) {
	clock := storetest.NewClock()
	store := memoryOf(t, 4*256, clock.Now)
	for n := range 4 {
		mustCreate(t, store, recordOf(neighbour(n), clock))
	}
	storetest.Is(t, "Create", store.Create(t.Context(), recordOf(neighbour(1), clock)), sessions.ErrExists)
	other := recordOf(neighbour(9), clock)
	other.ID[0] = 8 // another shard has room
	mustCreate(t, store, other)
	storetest.Equal(t, "left", loads(t, store, 4), "0123")
}

func TestMemoryStopsCleaningWithItsContext(t *testing.T) {
	clock := storetest.NewClock()
	store := memoryOf(t, 1024, clock.Now)
	mustCreate(t, store, recordOf(neighbour(1), clock))
	clock.Advance(2 * time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n, err := store.ClearExpired(ctx, clock.Now(), 10)
	storetest.Is(t, "ClearExpired", err, sessions.ErrUnavailable)
	storetest.Equal(t, "cleared", n, 0)
	storetest.Equal(t, "left", store.Len(), 1)
}
