// Cached: a cache in front of a database, which never serves what the database
// no longer says.

package sessions

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Database is a store that can stand behind a cache: [SQLite] and [Postgres].
type Database interface {
	Store
	Stamper
}

// Cached keeps records in a database and copies of them in a cache (Django: the
// session engine cached_db). The database decides; what the cache saves is
// reading, not asking:
//
//   - a write or an end reaches the database first; the cache follows, and when
//     it is down that is only logged;
//   - a load takes the copy, and asks the database for version and expiry, one
//     small read by primary key. A copy that is not of today is replaced, one
//     whose record is gone is dropped. So a cache that this process does not
//     share, or one that slept through a logout, cannot serve an ended session.
//
// A cache that fails, or does not answer in time, is left out from then on: only one
// request every 5 seconds tries it again. Meanwhile the cache misses saves and logouts.
// That does no harm, because the database is always asked, too.
//
// Django asks the cache alone, which is one read less, and serves a session that
// was ended elsewhere until the copy's time is over.
type Cached struct {
	clock    Clock
	database Database
	cache    Cache
	breaker  *breaker // leaves the cache out while it fails
}

var _ Store = (*Cached)(nil)

// NewCached puts a cache in front of a database; both stay their owner's to
// close. A nil clock is time.Now, a nil logger slog.Default.
func NewCached(database Database, cache Cache, clock Clock, logger *slog.Logger) *Cached {
	if logger == nil {
		logger = slog.Default()
	}
	return &Cached{clock: clock, database: database, cache: cache, breaker: &breaker{clock: clock, logger: logger}}
}

// String names the store in traces.
func (c *Cached) String() string { return "cached_db" }

// Create implements [Store].
func (c *Cached) Create(ctx context.Context, rec Record) error {
	if err := c.database.Create(ctx, rec); err != nil {
		return err
	}
	rec.Version = 1
	c.put(ctx, rec)
	return nil
}

// Load implements [Store]:
//
//  1. take the copy from the cache;
//  2. ask the database what it is worth: of which version the record is now, and
//     until when;
//  3. if there is no copy, or not of that version, read the record and file a
//     new copy.
func (c *Cached) Load(ctx context.Context, id ID) (Record, error) {
	if rec, ok := c.copied(ctx, id); ok {
		version, expires, err := c.database.Stamp(ctx, id)
		if errors.Is(err, ErrNotFound) {
			c.drop(ctx, id)
		}
		if err != nil {
			return Record{}, err
		}
		if version == rec.Version && expires.UnixMicro() == rec.Expires.UnixMicro() {
			if !rec.Expires.After(c.clock.Now()) {
				return rec, ErrExpired
			}
			return rec, nil
		}
	}
	rec, err := c.database.Load(ctx, id)
	if err == nil {
		c.put(ctx, rec)
	}
	return rec, err
}

// Update implements [Store].
func (c *Cached) Update(ctx context.Context, rec Record) error {
	if err := c.database.Update(ctx, rec); err != nil {
		if errors.Is(err, ErrNotFound) {
			c.drop(ctx, rec.ID)
		}
		return err
	}
	// Only the database knows when the record was created, unless the copy it
	// replaces says so.
	if old, ok := c.copied(ctx, rec.ID); ok {
		rec.Created = old.Created
		rec.Version++
		c.put(ctx, rec)
	}
	return nil
}

// Delete implements [Store].
func (c *Cached) Delete(ctx context.Context, id ID, version uint64) error {
	err := c.database.Delete(ctx, id, version)
	if err == nil || errors.Is(err, ErrNotFound) {
		c.drop(ctx, id)
	}
	return err
}

// ByOwner implements [Store]: the database knows.
func (c *Cached) ByOwner(ctx context.Context, owner string, after Record, limit int) ([]Record, error) {
	return c.database.ByOwner(ctx, owner, after, limit)
}

// Trim implements [Store]. The copies of the removed records stay in the cache until
// they expire there: a load asks the database and finds that the record is gone.
func (c *Cached) Trim(ctx context.Context, owner string, keep Quota) (int, error) {
	return c.database.Trim(ctx, owner, keep)
}

// ClearExpired implements [Store]. The copies of what is removed are worth
// nothing from then on, and go as well: those in this cache, once the database
// has no more, and those in another server's as they do in any cache.
func (c *Cached) ClearExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := c.database.ClearExpired(ctx, before, limit)
	if err == nil && n < limit {
		c.breaker.try(ctx, func() error {
			_, err := ClearExpired(ctx, c.cache, before)
			return err
		})
	}
	return n, err
}

// copied finds a copy, expired or not.
func (c *Cached) copied(ctx context.Context, id ID) (rec Record, ok bool) {
	c.breaker.try(ctx, func() (err error) {
		if rec, err = c.cache.Load(ctx, id); errors.Is(err, ErrExpired) {
			err = nil
		}
		ok = err == nil
		return err
	})
	return rec, ok
}

func (c *Cached) put(ctx context.Context, rec Record) {
	c.breaker.try(ctx, func() error { return c.cache.Put(ctx, rec) })
}

func (c *Cached) drop(ctx context.Context, id ID) {
	c.breaker.try(ctx, func() error { return c.cache.Delete(ctx, id, 0) })
}

// tracedFor is the store with the operations of both its halves reported, in
// place of its own.
func (c *Cached) tracedFor(purpose string) *Cached {
	return &Cached{
		clock: c.clock, breaker: c.breaker,
		database: tracedDatabase{traced{c.database, purpose}, c.database},
		cache:    tracedCache{c.cache, purpose},
	}
}

// breaker leaves the cache out after it failed, and lets a request try it now and then.
// It logs when the cache begins to fail and when it works again, and not once a request.
type breaker struct {
	clock  Clock
	logger *slog.Logger
	out    atomic.Bool // the cache is left out; atomic, so that no request waits for the lock while all is well
	full   atomic.Bool // that the cache is full has been logged

	mu   sync.Mutex
	next time.Time // when it may be tried again
}

// cacheRest is how long a cache that failed is left out before it is tried again.
const cacheRest = 5 * time.Second

// try calls do, which uses the cache, unless the cache is left out.
func (b *breaker) try(ctx context.Context, do func() error) {
	if ctx.Err() != nil || !b.may() {
		return
	}
	err := do()
	switch {
	case err == nil, errors.Is(err, ErrNotFound), errors.Is(err, ErrFull): // it answers
		if b.out.Load() && b.out.Swap(false) {
			b.logger.Info("the cache of the sessions works again")
		}
		if errors.Is(err, ErrFull) && !b.full.Swap(true) {
			b.logger.Warn("the cache of the sessions is full: what it has no room for is read from the database", "error", err)
		}
	case errors.Is(ctx.Err(), context.Canceled): // the visitor hung up, which says nothing about the cache
	default:
		b.leave()
		if !b.out.Swap(true) {
			b.logger.Error("the cache of the sessions fails: only the database is used, and the cache is tried again every 5 seconds", "error", err)
		}
	}
}

// may says whether the cache may be used. While it is left out, one caller every
// cacheRest gets true, and tries it; all others get false.
func (b *breaker) may() bool {
	if !b.out.Load() {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock.Now()
	if wait := b.next.Sub(now); wait > 0 && wait <= cacheRest { // a longer wait: the clock was set back
		return false
	}
	b.next = now.Add(cacheRest)
	return true
}

// leave starts, or starts again, the time in which the cache is left out.
func (b *breaker) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next = b.clock.Now().Add(cacheRest)
}
