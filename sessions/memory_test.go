package sessions_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
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
	recs, err := store.ByOwner(t.Context(), "alice", sessions.Record{}, 2*limit)
	storetest.Is(t, "ByOwner", err, nil)
	storetest.Equal(t, "records in the index of owners", len(recs), store.Len())
}

// A store has a limit in bytes, whatever the size of its records, and the heap stays
// within it.
func TestMemoryNeverHoldsMoreThanItsBytes(t *testing.T) {
	const limit, most = 10_000, 10_000*350 + 256*(sessions.MaxStored+1024)
	inUse := func() int64 {
		runtime.GC()
		runtime.GC() // what the first one left to finalizers and pools
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	clock := storetest.NewClock()
	before := inUse()
	store := memoryOf(t, limit, clock.Now)
	for n := range 2 * limit {
		rec := recordOf(sessions.KeyID("large", fmt.Sprint(n)), clock)
		rec.Owner = []string{"", "session:", "session:alice"}[n%3]
		small := rec
		small.Version = 1
		if rec.Data = make([]byte, sessions.MaxStored); n%2 == 0 {
			put(t, store, rec)
		} else if err := store.Create(t.Context(), small); err == nil {
			rec.Version = 1
			err = store.Update(t.Context(), rec) // a record that grows counts, too
			if err != nil && !errors.Is(err, sessions.ErrFull) {
				t.Fatal(err)
			}
		} else if !errors.Is(err, sessions.ErrFull) {
			t.Fatal(err)
		}
		if store.Bytes() > most {
			t.Fatalf("%d bytes after %d records, at most %d", store.Bytes(), n+1, most)
		}
	}
	if store.Bytes() < most/2 {
		t.Errorf("only %d bytes: it pushes out more than it must", store.Bytes())
	}
	if grown := inUse() - before; grown > most*11/10 {
		t.Errorf("the heap grew by %d bytes, %d are what the store says", grown, store.Bytes())
	}
	for n := range 2 * limit {
		_ = store.Delete(t.Context(), sessions.KeyID("large", fmt.Sprint(n)), 0)
	}
	storetest.Equal(t, "bytes of nothing", store.Bytes(), int64(0))
}

func TestRecordsThatGrowKeepToTheSameBytes(t *testing.T) {
	const each, share = 40, 40 * 350
	clock := storetest.NewClock()
	store := memoryOf(t, each*256, clock.Now)
	for n := range each {
		mustCreate(t, store, recordOf(neighbour(n), clock))
	}
	for n := range each {
		clock.Advance(time.Second)
		rec := recordOf(neighbour(n), clock)
		rec.Version, rec.Data = 1, make([]byte, sessions.MaxStored)
		if err := store.Update(t.Context(), rec); err != nil && !errors.Is(err, sessions.ErrNotFound) {
			t.Fatal(err)
		}
		if most := int64(share + sessions.MaxStored + 1024); store.Bytes() > most {
			t.Fatalf("%d bytes, at most %d", store.Bytes(), most)
		}
	}
	_, err := store.Load(t.Context(), neighbour(0))
	storetest.Is(t, "Load of the first to grow, which the others pushed out", err, sessions.ErrNotFound)
}

// Somebody who is not signed in can push out no session of a user, however much he saves.
func TestAFloodOfNobodysNeverPushesOutWhatSomebodyOwns(t *testing.T) {
	clock := storetest.NewClock()
	store := memoryOf(t, 40*256, clock.Now)
	mine := func(n int) sessions.Record {
		rec := recordOf(neighbour(n), clock)
		rec.Owner = "session:alice"
		return rec
	}
	for n := range 10 { // saved longest ago
		mustCreate(t, store, mine(n))
	}
	refused := 0
	for n := range 1000 {
		clock.Advance(time.Second)
		rec := recordOf(neighbour(100+n), clock)
		rec.Owner = []string{"", "session:"}[n%2]
		rec.Data = make([]byte, []int{10, 1000, sessions.MaxStored}[n%3])
		switch err := store.Create(t.Context(), rec); {
		case errors.Is(err, sessions.ErrFull):
			refused++
		case err != nil:
			t.Fatal(err)
		}
		rec.ID, rec.Version = neighbour(5000+n), 7
		put(t, store, rec)
	}
	storetest.Equal(t, "left", loads(t, store, 10), "0123456789")
	storetest.Equal(t, "refused, though there were records without an owner to push out", refused, 0)

	// 1. While the store holds records without an owner, they make room for a user's.
	for n := 10; n < 40; n++ {
		clock.Advance(time.Second)
		mustCreate(t, store, mine(n))
	}
	storetest.Equal(t, "records of alice", owned(t, store, "session:alice"), 40)
	// 2. When all records have owners, a record without one is refused, and a copy of one
	//    is not kept.
	nobodys := recordOf(neighbour(9999), clock)
	nobodys.Owner = "session:"
	err := store.Create(t.Context(), nobodys)
	storetest.Is(t, "Create of nobody's", err, sessions.ErrFull)
	storetest.Is(t, "Create of nobody's", err, sessions.ErrUnavailable)
	put(t, store, nobodys)
	_, err = store.Load(t.Context(), nobodys.ID)
	storetest.Is(t, "Load of the copy", err, sessions.ErrNotFound)
	storetest.Equal(t, "records of alice", owned(t, store, "session:alice"), 40)
	// 3. A user's record takes the place of another user's: of a few, the one saved longest
	//    ago.
	mustCreate(t, store, mine(40))
	storetest.Equal(t, "records of alice", owned(t, store, "session:alice"), 40)
	// 4. An expired record makes room for any record.
	clock.Advance(2 * time.Hour)
	nobodys.Expires = clock.Now().Add(time.Hour)
	mustCreate(t, store, nobodys)
}

func TestARecordLargerThanAShardsShareIsHeldBesideNothing(t *testing.T) {
	clock := storetest.NewClock()
	store := memoryOf(t, 2*256, clock.Now) // 700 bytes a shard
	large := recordOf(neighbour(0), clock)
	large.Data = make([]byte, sessions.MaxStored)
	mustCreate(t, store, large)
	large.Version = 1
	storetest.Is(t, "Update", store.Update(t.Context(), large), nil)
	storetest.Equal(t, "left", loads(t, store, 3), "0")
	clock.Advance(time.Second)
	mustCreate(t, store, recordOf(neighbour(1), clock))
	storetest.Equal(t, "left", loads(t, store, 3), "1")
	large.ID, large.Version = neighbour(2), 1
	mustCreate(t, store, large) // beside one that is small
	storetest.Equal(t, "left", loads(t, store, 3), "12")
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
