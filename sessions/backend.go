// Back ends: from a program's settings to the stores of its engines.

package sessions

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// The names of the engines, as Django's SESSION_ENGINE has them.
const (
	EngineDB            = "db"             // records in a database
	EngineCache         = "cache"          // records in a cache: gone when it is full, or restarts
	EngineFile          = "file"           // a file for each record
	EngineCachedDB      = "cached_db"      // records in a database, copies in a cache
	EngineSignedCookies = "signed_cookies" // no records: see [SignedCookies]
)

// Engines are all of them, in the order in which Django's documentation has them.
func Engines() []string {
	return []string{EngineDB, EngineCache, EngineFile, EngineCachedDB, EngineSignedCookies}
}

// Backend says where the engines of a program keep records.
type Backend struct {
	// Database of db and cached_db: postgres://…, or the path of a SQLite file,
	// which is made if it is missing.
	Database string
	// Cache of cache and cached_db: "memory:", the default, or redis://…,
	// rediss://… as [OpenRedis] takes it. Memory is one server's own.
	Cache string
	// CachePrefix begins every key in Redis; "": as [OpenRedis] has it.
	CachePrefix string
	// Files is the folder of the engine file.
	Files string
	// MemoryLimit is the number of ordinary sessions that a cache in memory has
	// room for, see [NewMemory]; 0 means 200,000, which take some 70 MB.
	MemoryLimit int

	Clock  Clock        // nil: time.Now
	Logger *slog.Logger // nil: slog.Default
}

// Stores are the stores of one server. Each is opened when it is first asked
// for, and all are closed together. They may be used by several goroutines.
type Stores struct {
	backend Backend

	mu       sync.Mutex
	database Database
	cache    cacheStore
	files    *Files
	cached   *Cached
	closers  []io.Closer
	cleaners []Cleaner
}

// cacheStore is what can serve the engine cache and stand before a database.
type cacheStore interface {
	Store
	Cache
}

// Stores are another server's stores in the same places: what lies in memory is
// its own, the rest is shared.
func (b Backend) Stores() *Stores { return &Stores{backend: b} }

// Engine gives the store of an engine, by Django's name; nil for
// [EngineSignedCookies], which has none. An error that wraps [ErrOption] for
// another name or a setting that cannot be meant, else what opening it gives.
func (s *Stores) Engine(ctx context.Context, name string) (Store, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch name {
	case EngineDB:
		return asStore(s.openDatabase(ctx))
	case EngineCache:
		return asStore(s.openCache(ctx))
	case EngineFile:
		return asStore(s.openFiles())
	case EngineCachedDB:
		return asStore(s.openCached(ctx))
	case EngineSignedCookies:
		return nil, nil
	default:
		return nil, &OptionError{"the engine", fmt.Sprintf("%q is none of %s", name, strings.Join(Engines(), ", "))}
	}
}

// Database gives the database.
func (s *Stores) Database(ctx context.Context) (Database, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.openDatabase(ctx)
}

// Cache gives the cache.
func (s *Stores) Cache(ctx context.Context) (Cache, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.openCache(ctx)
}

// Close closes what was opened, the last first.
func (s *Stores) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i].Close())
	}
	s.database, s.cache, s.files, s.cached, s.closers, s.cleaners = nil, nil, nil, nil, nil, nil
	return errors.Join(errs...)
}

// Clean removes from all that was opened what expired more than [Linger] ago,
// every interval, until the context ends: see the function [Clean]. In Redis
// records go by themselves.
func (s *Stores) Clean(ctx context.Context, interval time.Duration) {
	Clean(ctx, opened{s}, interval, s.backend.Clock, s.backend.Logger)
}

// opened cleans all that is open at the moment.
type opened struct{ stores *Stores }

func (o opened) ClearExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	o.stores.mu.Lock()
	cleaners := append([]Cleaner(nil), o.stores.cleaners...)
	o.stores.mu.Unlock()
	most := 0
	var errs []error
	for _, cleaner := range cleaners {
		n, err := cleaner.ClearExpired(ctx, before, limit)
		most = max(most, n) // as long as one has more, all are asked again
		errs = append(errs, err)
	}
	return most, errors.Join(errs...)
}

func asStore[S Store](store S, err error) (Store, error) {
	if err != nil {
		return nil, err // not an interface that holds nil
	}
	return store, nil
}

func (s *Stores) openDatabase(ctx context.Context) (Database, error) {
	if s.database != nil {
		return s.database, nil
	}
	var database interface {
		Database
		io.Closer
	}
	var err error
	if strings.HasPrefix(s.backend.Database, "postgres://") || strings.HasPrefix(s.backend.Database, "postgresql://") {
		database, err = OpenPostgres(ctx, s.backend.Database, s.backend.Clock)
	} else {
		database, err = OpenSQLite(ctx, s.backend.Database, s.backend.Clock)
	}
	if err != nil {
		return nil, err // not an interface that holds nil
	}
	s.database = database
	s.opened(database)
	return database, nil
}

func (s *Stores) openCache(ctx context.Context) (cacheStore, error) {
	if s.cache != nil {
		return s.cache, nil
	}
	switch kind, _, _ := strings.Cut(s.backend.Cache, ":"); kind {
	case "", "memory":
		limit := s.backend.MemoryLimit
		if limit == 0 {
			limit = 200_000
		}
		memory, err := NewMemory(limit, s.backend.Clock)
		if err != nil {
			return nil, err
		}
		s.cache = memory
		s.cleaners = append(s.cleaners, memory)
	case "redis", "rediss":
		redis, err := OpenRedis(ctx, s.backend.Cache, RedisOptions{Prefix: s.backend.CachePrefix, Clock: s.backend.Clock})
		if err != nil {
			return nil, err
		}
		s.cache = redis
		s.closers = append(s.closers, redis)
	default:
		return nil, &OptionError{"the cache URL", "it must be memory: or redis://host:6379"}
	}
	return s.cache, nil
}

func (s *Stores) openFiles() (*Files, error) {
	if s.files != nil {
		return s.files, nil
	}
	files, err := OpenFiles(s.backend.Files, s.backend.Clock)
	if err != nil {
		return nil, err
	}
	s.files = files
	s.opened(files)
	return files, nil
}

func (s *Stores) openCached(ctx context.Context) (*Cached, error) {
	if s.cached != nil {
		return s.cached, nil
	}
	database, err := s.openDatabase(ctx)
	if err != nil {
		return nil, err
	}
	cache, err := s.openCache(ctx)
	if err != nil {
		return nil, err
	}
	s.cached = NewCached(database, cache, s.backend.Clock, s.backend.Logger)
	return s.cached, nil
}

func (s *Stores) opened(store interface {
	io.Closer
	Cleaner
}) {
	s.closers = append(s.closers, store)
	s.cleaners = append(s.cleaners, store)
}
