package sessions_test

import (
	"testing"
	"time"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
	"cookielab/sessions/storetest/servers"
)

type cachingStore interface {
	sessions.Store
	sessions.Cache
}

// eachCache checks a fact with everything that is a cache.
func eachCache(t *testing.T, check func(t *testing.T, store cachingStore, clock *storetest.Clock)) {
	t.Run("memory", func(t *testing.T) {
		clock := storetest.NewClock()
		check(t, openMemory(t, clock.Now), clock)
	})
	t.Run("redis", func(t *testing.T) {
		clock := storetest.NewClock()
		check(t, openRedis(t, servers.Redis(t), clock.Now), clock)
	})
}

// cached is a record as another store has it, in this version.
func cached(version uint64, data string, clock *storetest.Clock) sessions.Record {
	rec := recordOf(neighbour(1), clock)
	rec.Created = rec.Created.Add(-time.Hour).Truncate(time.Microsecond)
	rec.Version, rec.Data = version, []byte(data)
	return rec
}

// holdsRecord checks version, data and Created of what lies in a store.
func holdsRecord(t *testing.T, store sessions.Cache, want sessions.Record, says error) {
	t.Helper()
	got, err := store.Load(t.Context(), want.ID)
	storetest.Is(t, "Load", err, says)
	storetest.Equal(t, "version", got.Version, want.Version)
	storetest.Equal(t, "data", string(got.Data), string(want.Data))
	storetest.Equal(t, "created", got.Created.UnixMicro(), want.Created.UnixMicro())
}

func put(t *testing.T, store sessions.Cache, rec sessions.Record) {
	t.Helper()
	if err := store.Put(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
}

func owned(t *testing.T, store sessions.Store, owner string) int {
	t.Helper()
	recs, err := store.ByOwner(t.Context(), owner, sessions.Record{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return len(recs)
}

func TestPutFilesARecordAsItIs(t *testing.T) {
	eachCache(t, func(t *testing.T, store cachingStore, clock *storetest.Clock) {
		put(t, store, cached(7, `{"a":7}`, clock))
		holdsRecord(t, store, cached(7, `{"a":7}`, clock), nil)
		newer := cached(8, `{"a":8}`, clock)
		newer.Created = newer.Created.Add(time.Minute)
		put(t, store, newer)
		holdsRecord(t, store, newer, nil)
	})
}

// Versions are numbers, not texts: 10 is newer than 9. Neither is rounded.
func TestPutLeavesANewerVersion(t *testing.T) {
	eachCache(t, func(t *testing.T, store cachingStore, clock *storetest.Clock) {
		for _, versions := range [][2]uint64{{1, 2}, {9, 10}, {99, 100}, {1<<60 - 1, 1 << 60}, {1<<64 - 2, 1<<64 - 1}} {
			newer := cached(versions[1], "newer", clock)
			put(t, store, newer)
			put(t, store, cached(versions[0], "older", clock))
			holdsRecord(t, store, newer, nil)
			newer.Data = []byte("the same, once more")
			put(t, store, newer)
			holdsRecord(t, store, newer, nil)
		}
	})
}

func TestPutTakesAnExpiredRecord(t *testing.T) {
	eachCache(t, func(t *testing.T, store cachingStore, clock *storetest.Clock) {
		rec := cached(3, "{}", clock)
		rec.Expires = clock.Now().Add(-24 * time.Hour)
		put(t, store, rec)
		holdsRecord(t, store, rec, sessions.ErrExpired)
	})
}

func TestWhatWasPutIsInNoOwnersList(t *testing.T) {
	eachCache(t, func(t *testing.T, store cachingStore, clock *storetest.Clock) {
		rec := cached(3, "{}", clock)
		put(t, store, rec)
		storetest.Equal(t, "after Put", owned(t, store, "alice"), 0)
		storetest.Is(t, "Update", store.Update(t.Context(), rec), nil)
		storetest.Equal(t, "after Update", owned(t, store, "alice"), 1)
		rec.Version = 5
		put(t, store, rec)
		storetest.Equal(t, "after Put over it", owned(t, store, "alice"), 0)
		storetest.Is(t, "Update", store.Update(t.Context(), rec), nil)
		storetest.Equal(t, "after Update again", owned(t, store, "alice"), 1)
		storetest.Is(t, "Delete", store.Delete(t.Context(), rec.ID, 6), nil)
		storetest.Equal(t, "after Delete", owned(t, store, "alice"), 0)
	})
}

func TestWhatWasPutIsDeletedByItsVersion(t *testing.T) {
	eachCache(t, func(t *testing.T, store cachingStore, clock *storetest.Clock) {
		rec := cached(3, "{}", clock)
		put(t, store, rec)
		storetest.Is(t, "Delete of another", store.Delete(t.Context(), rec.ID, 2), sessions.ErrConflict)
		storetest.Is(t, "Delete", store.Delete(t.Context(), rec.ID, 3), nil)
		_, err := store.Load(t.Context(), rec.ID)
		storetest.Is(t, "Load", err, sessions.ErrNotFound)
	})
}

func TestClearRemovesEverything(t *testing.T) {
	eachCache(t, func(t *testing.T, store cachingStore, clock *storetest.Clock) {
		storetest.Is(t, "Clear of nothing", store.Clear(t.Context()), nil)
		for n := range 1000 { // more than one step
			rec := recordOf(sessions.KeyID("many", string(rune(n))), clock)
			if n%2 == 0 {
				mustCreate(t, store, rec)
			} else {
				put(t, store, rec)
			}
		}
		storetest.Is(t, "Clear", store.Clear(t.Context()), nil)
		for n := range 1000 {
			if _, err := store.Load(t.Context(), sessions.KeyID("many", string(rune(n)))); err != sessions.ErrNotFound {
				t.Fatalf("record %d: %v", n, err)
			}
		}
		storetest.Equal(t, "records of alice", owned(t, store, "alice"), 0)
		mustCreate(t, store, recordOf(neighbour(1), clock))
		storetest.Equal(t, "records of alice, who came again", owned(t, store, "alice"), 1)
	})
}
