package sessions_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
	"cookielab/sessions/storetest/servers"
)

// openCached is a store over a SQLite file, with a cache in memory.
func openCached(t testing.TB, file string, clock sessions.Clock) *sessions.Cached {
	t.Helper()
	return sessions.NewCached(openSQLite(t, file, clock), openMemory(t, clock), clock, nil)
}

func TestCachedIsAStore(t *testing.T) {
	t.Parallel()
	storetest.Store(t, func(t *testing.T, clock sessions.Clock) sessions.Store {
		return openCached(t, sqliteFile(t), clock)
	})
}

func TestCachedMakesAnEngine(t *testing.T) {
	t.Parallel()
	storetest.Engine(t, func(t *testing.T, clock sessions.Clock) sessions.Engine {
		return sessions.Keyed("session", openCached(t, sqliteFile(t), clock))
	})
}

func TestCachedByRedisIsAStoreAndMakesAnEngine(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	open := func(t *testing.T, clock sessions.Clock) sessions.Store {
		return sessions.NewCached(openSQLite(t, sqliteFile(t), clock), openRedis(t, server, clock), clock, nil)
	}
	storetest.Store(t, open)
	storetest.Engine(t, func(t *testing.T, clock sessions.Clock) sessions.Engine {
		return sessions.Keyed("session", open(t, clock))
	})
}

func TestCachedWithoutAWorkingCacheIsAStore(t *testing.T) {
	t.Parallel()
	storetest.Store(t, func(t *testing.T, clock sessions.Clock) sessions.Store {
		return sessions.NewCached(openSQLite(t, sqliteFile(t), clock), brokenCache{}, clock, slog.New(slog.DiscardHandler))
	})
}

// brokenCache is a cache that is down.
type brokenCache struct{}

func (brokenCache) Load(context.Context, sessions.ID) (sessions.Record, error) {
	return sessions.Record{}, sessions.ErrUnavailable
}
func (brokenCache) Put(context.Context, sessions.Record) error { return sessions.ErrUnavailable }
func (brokenCache) Delete(context.Context, sessions.ID, uint64) error {
	return sessions.ErrUnavailable
}
func (brokenCache) ClearExpired(context.Context, time.Time, int) (int, error) {
	return 0, sessions.ErrUnavailable
}
func (brokenCache) Clear(context.Context) error { return sessions.ErrUnavailable }

// switched is a cache that can be taken away for a while.
type switched struct {
	sessions.Cache
	down bool
}

func (s *switched) Load(ctx context.Context, id sessions.ID) (sessions.Record, error) {
	if s.down {
		return sessions.Record{}, sessions.ErrUnavailable
	}
	return s.Cache.Load(ctx, id)
}

func (s *switched) Put(ctx context.Context, rec sessions.Record) error {
	if s.down {
		return sessions.ErrUnavailable
	}
	return s.Cache.Put(ctx, rec)
}

func (s *switched) Delete(ctx context.Context, id sessions.ID, version uint64) error {
	if s.down {
		return sessions.ErrUnavailable
	}
	return s.Cache.Delete(ctx, id, version)
}

// twoServers are two stores over one database, each with a cache of its own.
func twoServers(t *testing.T) (a, b *sessions.Cached, cache *switched, clock *storetest.Clock) {
	clock = storetest.NewClock()
	file := sqliteFile(t)
	cache = &switched{Cache: openMemory(t, clock.Now)}
	a = sessions.NewCached(openSQLite(t, file, clock.Now), cache, clock.Now, slog.New(slog.DiscardHandler))
	return a, openCached(t, file, clock.Now), cache, clock
}

func TestCachedNeverServesWhatEndedOnAnotherServer(t *testing.T) {
	t.Parallel()
	a, b, cache, clock := twoServers(t)
	rec := recordOf(neighbour(1), clock)
	mustCreate(t, a, rec)
	_, err := cache.Load(t.Context(), rec.ID)
	storetest.Is(t, "the copy before", err, nil)
	storetest.Is(t, "Delete by the other", b.Delete(t.Context(), rec.ID, 0), nil)
	_, err = a.Load(t.Context(), rec.ID)
	storetest.Is(t, "Load", err, sessions.ErrNotFound)
	_, err = cache.Load(t.Context(), rec.ID)
	storetest.Is(t, "the copy after", err, sessions.ErrNotFound)
}

func TestCachedLeavesNoCopyOfWhatEndAllEnded(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	cache := openMemory(t, clock.Now)
	store := sessions.NewCached(openSQLite(t, sqliteFile(t), clock.Now), cache, clock.Now, nil)
	mustCreate(t, store, recordOf(neighbour(1), clock))
	mustCreate(t, store, recordOf(neighbour(2), clock))
	storetest.Equal(t, "copies before", cache.Len(), 2)
	n, err := sessions.EndAll(t.Context(), store)
	storetest.Is(t, "EndAll", err, nil)
	storetest.Equal(t, "ended", n, 2)
	storetest.Equal(t, "copies left", cache.Len(), 0)
}

func TestCachedNeverServesWhatIsOlderThanTheDatabase(t *testing.T) {
	t.Parallel()
	a, b, _, clock := twoServers(t)
	rec := recordOf(neighbour(1), clock)
	mustCreate(t, a, rec)
	rec.Version, rec.Data = 1, []byte(`{"n":"newer"}`)
	rec.Expires = rec.Expires.Add(time.Hour)
	storetest.Is(t, "Update by the other", b.Update(t.Context(), rec), nil)
	for range 2 { // from the database, then from the new copy
		found, err := a.Load(t.Context(), rec.ID)
		storetest.Is(t, "Load", err, nil)
		storetest.Equal(t, "Version", found.Version, uint64(2))
		storetest.Equal(t, "Data", string(found.Data), string(rec.Data))
		storetest.Equal(t, "Expires", found.Expires.UnixMicro(), rec.Expires.UnixMicro())
	}
}

// Security list 7.4.3: a logout while the cache is down must not be undone when
// it comes back.
func TestCachedWritesReachTheDatabaseWhileTheCacheIsDown(t *testing.T) {
	t.Parallel()
	a, b, cache, clock := twoServers(t)
	ended, changed, late := recordOf(neighbour(1), clock), recordOf(neighbour(2), clock), recordOf(neighbour(3), clock)
	mustCreate(t, a, ended)
	mustCreate(t, a, changed)
	cache.down = true
	storetest.Is(t, "Delete", a.Delete(t.Context(), ended.ID, 0), nil)
	changed.Version, changed.Data = 1, []byte(`{"n":"newer"}`)
	storetest.Is(t, "Update", a.Update(t.Context(), changed), nil)
	mustCreate(t, a, late)
	check := func(when string) {
		for _, server := range []*sessions.Cached{a, b} {
			_, err := server.Load(t.Context(), ended.ID)
			storetest.Is(t, "what was ended, "+when, err, sessions.ErrNotFound)
			found, err := server.Load(t.Context(), changed.ID)
			storetest.Is(t, "what was changed, "+when, err, nil)
			storetest.Equal(t, "Data", string(found.Data), string(changed.Data))
			_, err = server.Load(t.Context(), late.ID)
			storetest.Is(t, "what was made, "+when, err, nil)
		}
	}
	check("while it is down")
	cache.down = false // with the copies of before
	check("when it is back")
}

func TestCachedWithoutItsDatabaseKnowsNobody(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	database := &faultyDatabase{SQLite: openSQLite(t, sqliteFile(t), clock.Now)}
	store := sessions.NewCached(database, openMemory(t, clock.Now), clock.Now, nil)
	rec := recordOf(neighbour(1), clock)
	mustCreate(t, store, rec)
	database.down = true
	_, err := store.Load(t.Context(), rec.ID)
	storetest.Is(t, "Load, though there is a copy", err, sessions.ErrUnavailable)
	database.down = false
	_, err = store.Load(t.Context(), rec.ID)
	storetest.Is(t, "Load afterwards", err, nil)
}

type faultyDatabase struct {
	*sessions.SQLite
	down bool
}

func (d *faultyDatabase) Stamp(ctx context.Context, id sessions.ID) (uint64, time.Time, error) {
	if d.down {
		return 0, time.Time{}, sessions.ErrUnavailable
	}
	return d.SQLite.Stamp(ctx, id)
}

func TestCachedLoadsByOneSmallReadWhereThereIsACopy(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	engine := sessions.Keyed("session", openCached(t, sqliteFile(t), clock.Now))
	var ops []string
	ctx := sessions.WithTrace(t.Context(), &sessions.Trace{StoreDone: func(op sessions.StoreOp) {
		storetest.Equal(t, "Purpose", op.Purpose, "session")
		outcome := ""
		if op.Err != nil {
			outcome = " not found"
			storetest.Is(t, op.Name, op.Err, sessions.ErrNotFound)
		}
		ops = append(ops, op.Name+" "+op.Store+outcome)
	}})
	did := func(what, want string) {
		t.Helper()
		storetest.Equal(t, what, strings.Join(ops, ", "), want)
		ops = nil
	}
	state, err := engine.Commit(ctx, nil, sessions.Changes{Values: sessions.Values{"a": []byte("1")}, Age: time.Hour, Now: clock.Now()})
	storetest.Is(t, "Commit", err, nil)
	did("create", "create sqlite, put memory")
	_, err = engine.Load(ctx, state.Value)
	storetest.Is(t, "Load", err, nil)
	did("load", "load memory, stamp sqlite")
	_, err = engine.Commit(ctx, state, sessions.Changes{Flush: true, Now: clock.Now()})
	storetest.Is(t, "Flush", err, nil)
	did("flush", "delete sqlite, delete memory")
	_, err = engine.Load(ctx, state.Value)
	storetest.Is(t, "Load of what is gone", err, sessions.ErrNotFound)
	did("load of what is gone", "load memory not found, load sqlite not found")
}

func TestCachedTellsTheLogOnceThatItsCacheFails(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	var log strings.Builder
	cache := &switched{Cache: openMemory(t, clock.Now), down: true}
	store := sessions.NewCached(openSQLite(t, sqliteFile(t), clock.Now), cache, clock.Now, slog.New(slog.NewTextHandler(&log, nil)))
	for n := range 3 {
		mustCreate(t, store, recordOf(neighbour(n), clock))
	}
	storetest.Equal(t, "lines about the failure", strings.Count(log.String(), "\n"), 1)
	cache.down = false
	for n := range 3 {
		mustCreate(t, store, recordOf(neighbour(3+n), clock))
	}
	storetest.Equal(t, "lines in all", strings.Count(log.String(), "\n"), 2)
	if !strings.Contains(log.String(), "works again") {
		t.Errorf("the log does not say that it works again:\n%s", log.String())
	}
}

func TestBackendOpensTheStoreOfEachEngine(t *testing.T) {
	t.Parallel()
	redis := servers.Redis(t)
	for _, cache := range []string{"memory:", redis.URL()} {
		backend := sessions.Backend{Database: sqliteFile(t), Cache: cache, CachePrefix: t.Name() + ":", Files: t.TempDir() + "/sessions"}
		here, there := backend.Stores(), backend.Stores()
		shared := map[string]bool{sessions.EngineDB: true, sessions.EngineCache: cache != "memory:", sessions.EngineFile: true, sessions.EngineCachedDB: true}
		clock := storetest.NewClock()
		for n, name := range sessions.Engines() {
			store, err := here.Engine(t.Context(), name)
			storetest.Is(t, name, err, nil)
			if name == sessions.EngineSignedCookies {
				storetest.Equal(t, "a store of signed_cookies", store, sessions.Store(nil))
				continue
			}
			again, err := here.Engine(t.Context(), name)
			storetest.Is(t, name, err, nil)
			storetest.Equal(t, name+" is opened once", again == store, true)
			rec := recordOf(neighbour(n), clock)
			rec.Expires = time.Now().Add(time.Hour) // the stores have the real clock
			mustCreate(t, store, rec)
			other, err := there.Engine(t.Context(), name)
			storetest.Is(t, name, err, nil)
			want := error(nil)
			if !shared[name] {
				want = sessions.ErrNotFound
			}
			_, err = other.Load(t.Context(), rec.ID)
			storetest.Is(t, name+" on the other server", err, want)
		}
		for _, stores := range []*sessions.Stores{here, there} {
			storetest.Is(t, "Close", stores.Close(), nil)
		}
	}
	_, err := sessions.Backend{}.Stores().Engine(t.Context(), "memcached")
	storetest.Is(t, "an engine that does not exist", err, sessions.ErrOption)
	_, err = sessions.Backend{Cache: "memcached://localhost"}.Stores().Engine(t.Context(), sessions.EngineCache)
	storetest.Is(t, "a cache that does not exist", err, sessions.ErrOption)
	_, err = sessions.Backend{Database: "postgres://%zz"}.Stores().Engine(t.Context(), sessions.EngineDB)
	storetest.Is(t, "a URL that cannot be meant", err, sessions.ErrOption)
}

func TestStoresCleanAllThatIsOpen(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	stores := sessions.Backend{Database: sqliteFile(t), Files: t.TempDir() + "/sessions", Clock: clock.Now}.Stores()
	t.Cleanup(func() { _ = stores.Close() })
	rec := recordOf(neighbour(1), clock)
	var all []sessions.Store
	for _, name := range []string{sessions.EngineDB, sessions.EngineCache, sessions.EngineFile} {
		store, err := stores.Engine(t.Context(), name)
		storetest.Is(t, name, err, nil)
		mustCreate(t, store, rec)
		all = append(all, store)
	}
	clock.Advance(2 * time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	go stores.Clean(ctx, time.Millisecond)
	for _, store := range all {
		for {
			_, err := store.Load(ctx, rec.ID)
			if errors.Is(err, sessions.ErrNotFound) {
				break
			}
			if ctx.Err() != nil {
				t.Fatalf("%v is not cleaned: %v", store, err)
			}
		}
	}
}
