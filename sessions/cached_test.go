package sessions_test

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os/exec"
	"strings"
	"sync/atomic"
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

// switched is a cache that can be taken away for a while, and counts how often it is
// asked.
type switched struct {
	sessions.Cache
	down  atomic.Bool
	err   error // while it is down; ErrUnavailable if there is none
	asked atomic.Int64
}

func (s *switched) ask() error {
	s.asked.Add(1)
	if !s.down.Load() {
		return nil
	}
	return cmp.Or(s.err, sessions.ErrUnavailable)
}

func (s *switched) Load(ctx context.Context, id sessions.ID) (sessions.Record, error) {
	if err := s.ask(); err != nil {
		return sessions.Record{}, err
	}
	return s.Cache.Load(ctx, id)
}

func (s *switched) Put(ctx context.Context, rec sessions.Record) error {
	if err := s.ask(); err != nil {
		return err
	}
	return s.Cache.Put(ctx, rec)
}

func (s *switched) Delete(ctx context.Context, id sessions.ID, version uint64) error {
	if err := s.ask(); err != nil {
		return err
	}
	return s.Cache.Delete(ctx, id, version)
}

func (s *switched) ClearExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	if err := s.ask(); err != nil {
		return 0, err
	}
	return s.Cache.ClearExpired(ctx, before, limit)
}

// tryAgain is after how long a cache that failed is tried again.
const tryAgain = 5 * time.Second

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
	cache.down.Store(true)
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
	cache.down.Store(false) // with the copies of before
	check("when it is back, and nobody knows")
	asked := cache.asked.Load()
	clock.Advance(tryAgain)
	check("when it is asked again")
	if cache.asked.Load() == asked {
		t.Error("it is not asked again")
	}
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
	cache := &switched{Cache: openMemory(t, clock.Now)}
	store := sessions.NewCached(openSQLite(t, sqliteFile(t), clock.Now), cache, clock.Now, slog.New(slog.NewTextHandler(&log, nil)))
	n := 0
	create := func() {
		mustCreate(t, store, recordOf(neighbour(n), clock))
		n++
		clock.Advance(tryAgain)
	}
	says := func(when string, lines int, last string) {
		t.Helper()
		storetest.Equal(t, "lines "+when, strings.Count(log.String(), "\n"), lines)
		if !strings.Contains(log.String(), last) {
			t.Errorf("the log %s does not say %q:\n%s", when, last, log.String())
		}
	}
	for round := range 2 {
		cache.down.Store(true)
		for range 3 {
			create()
		}
		says("about a failure", 2*round+1, "fails")
		cache.down.Store(false)
		for range 3 {
			create()
		}
		says("after a failure", 2*round+2, "works again")
	}
	cache.err = sessions.ErrFull
	cache.down.Store(true)
	for range 3 {
		create()
	}
	says("about a full one", 5, "full")
	cache.down.Store(false)
	create()
	says("in all", 5, "full")
}

func TestCachedLeavesAFailedCacheOutAndTriesItNowAndThen(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	cache := &switched{Cache: openMemory(t, clock.Now)}
	store := sessions.NewCached(openSQLite(t, sqliteFile(t), clock.Now), cache, clock.Now, slog.New(slog.DiscardHandler))
	rec := recordOf(neighbour(1), clock)
	mustCreate(t, store, rec)
	everything := func(n int) {
		t.Helper()
		other := recordOf(neighbour(100+n), clock)
		mustCreate(t, store, other)
		other.Version = 1
		storetest.Is(t, "Update", store.Update(t.Context(), other), nil)
		_, err := store.Load(t.Context(), other.ID)
		storetest.Is(t, "Load", err, nil)
		storetest.Is(t, "Delete", store.Delete(t.Context(), other.ID, 2), nil)
		_, err = store.Load(t.Context(), rec.ID)
		storetest.Is(t, "Load", err, nil)
		_, err = store.ClearExpired(t.Context(), clock.Now(), 10)
		storetest.Is(t, "ClearExpired", err, nil)
	}
	asked := func(what string, want int64) {
		t.Helper()
		storetest.Equal(t, what, cache.asked.Swap(0), want)
	}
	cache.asked.Store(0)
	cache.down.Store(true)
	for n := range 20 {
		everything(n)
	}
	asked("asked once it failed", 1)
	clock.Advance(tryAgain - time.Millisecond)
	everything(20)
	asked("asked a moment too early", 0)
	clock.Advance(time.Millisecond)
	for n := range 20 {
		everything(30 + n)
	}
	asked("tried once", 1)
	clock.Advance(time.Hour)
	clock.Advance(-2 * time.Hour) // a clock that is put right
	everything(50)
	asked("tried, though its time seems to be far away", 1)

	cache.down.Store(false)
	clock.Advance(tryAgain)
	everything(51)
	if cache.asked.Swap(0) < 5 {
		t.Error("it works again, and is not asked")
	}

	// If a visitor hangs up, that says nothing about the cache.
	cache.err = context.Canceled
	cache.down.Store(true)
	ctx, hangUp := context.WithCancel(t.Context())
	hanging := &switched{Cache: hangingCache{cache, hangUp}}
	store = sessions.NewCached(openSQLite(t, sqliteFile(t), clock.Now), hanging, clock.Now, slog.New(slog.DiscardHandler))
	_, _ = store.Load(ctx, rec.ID)
	_, _ = store.Load(ctx, rec.ID)
	storetest.Equal(t, "asked by who hung up", hanging.asked.Swap(0), int64(1))
	_, err := store.Load(t.Context(), rec.ID)
	storetest.Is(t, "Load", err, sessions.ErrNotFound)
	storetest.Equal(t, "asked by the next", hanging.asked.Swap(0), int64(1))
}

// hangingCache is a cache during whose load the visitor hangs up.
type hangingCache struct {
	sessions.Cache
	hangUp func()
}

func (h hangingCache) Load(ctx context.Context, id sessions.ID) (sessions.Record, error) {
	h.hangUp()
	return h.Cache.Load(ctx, id)
}

// While one request tries a cache that hangs, the others neither try it nor wait.
func TestCachedTriesAFailedCacheByOneRequestAtATime(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	stuck := &stuckCache{Cache: openMemory(t, clock.Now), entered: make(chan bool), leave: make(chan bool)}
	cache := &switched{Cache: stuck}
	store := sessions.NewCached(openSQLite(t, sqliteFile(t), clock.Now), cache, clock.Now, slog.New(slog.DiscardHandler))
	rec := recordOf(neighbour(1), clock)
	mustCreate(t, store, rec)
	cache.down.Store(true)
	_, err := store.Load(t.Context(), rec.ID)
	storetest.Is(t, "Load while it fails", err, nil)
	cache.down.Store(false)
	clock.Advance(tryAgain)
	cache.asked.Store(0)
	tried := make(chan error)
	go func() {
		_, err := store.Load(context.Background(), rec.ID)
		tried <- err
	}()
	<-stuck.entered
	for range 20 {
		_, err := store.Load(t.Context(), rec.ID)
		storetest.Is(t, "Load beside the one that tries", err, nil)
	}
	storetest.Equal(t, "asked", cache.asked.Load(), int64(1))
	close(stuck.leave)
	storetest.Is(t, "Load that tried", <-tried, nil)
}

// stuckCache is a cache whose first load hangs until it is told to leave.
type stuckCache struct {
	sessions.Cache
	entered, leave chan bool
	hung           atomic.Bool
}

func (s *stuckCache) Load(ctx context.Context, id sessions.ID) (sessions.Record, error) {
	if s.hung.CompareAndSwap(false, true) {
		close(s.entered)
		<-s.leave
	}
	return s.Cache.Load(ctx, id)
}

// Only the first request waits for a Redis that hangs. Sessions that ended meanwhile stay
// dead when Redis is back, although it still has copies of them.
func TestCachedIsNotHeldUpByARedisThatHangs(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	clock := storetest.NewClock()
	cache := &switched{Cache: openRedis(t, server, clock.Now)}
	store := sessions.NewCached(openSQLite(t, sqliteFile(t), clock.Now), cache, clock.Now, slog.New(slog.DiscardHandler))
	site := storetest.NewSite(t, sessions.Keyed("session", store), clock, nil)
	b, leaves := site.Browser(), site.Browser()
	for _, browser := range []*storetest.Browser{b, leaves} {
		browser.Visit(func(s *sessions.Session) error { return s.Set("a", 1) })
	}
	stolen := leaves.Key()
	id := sessions.KeyID("session", stolen)
	_, err := cache.Cache.Load(t.Context(), id)
	storetest.Is(t, "the copy before", err, nil)

	info, err := rawRedis(t, server).InfoMap(t.Context(), "server").Result()
	storetest.Is(t, "INFO", err, nil)
	signal := func(name string) {
		storetest.Is(t, name, exec.Command("kill", name, info["Server"]["process_id"]).Run(), nil)
	}
	signal("-STOP")
	defer signal("-CONT")
	cache.asked.Store(0)
	for range 25 {
		storetest.Equal(t, "a", items(t, b)["a"], any(int64(1)))
		storetest.Equal(t, "status", b.Visit(func(s *sessions.Session) error { return s.Set("b", 2) }).Status, http.StatusOK)
	}
	leaves.Visit(func(s *sessions.Session) error { s.Flush(); return nil })
	storetest.Equal(t, "how often the cache was asked", cache.asked.Load(), int64(1))

	signal("-CONT")
	redis := cache.Cache.(*sessions.Redis)
	answersAgain(t, redis)
	_, err = redis.Load(t.Context(), id)
	storetest.Is(t, "the copy of what ended", err, nil)
	clock.Advance(tryAgain)
	_, err = store.Load(t.Context(), id)
	storetest.Is(t, "Load of what ended", err, sessions.ErrNotFound)
	if cache.asked.Load() == 1 {
		t.Error("the cache is not asked again")
	}
	_, err = redis.Load(t.Context(), id)
	storetest.Is(t, "its copy then", err, sessions.ErrNotFound)
	storetest.Equal(t, "b", items(t, b)["b"], any(int64(2)))
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
