// Cached: a cache in front of a database, which never serves what the database
// no longer says.

package sessions

import (
	"context"
	"errors"
	"log/slog"
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
// Django asks the cache alone, which is one read less, and serves a session that
// was ended elsewhere until the copy's time is over.
type Cached struct {
	clock    Clock
	database Database
	cache    Cache
	health   *health // of the cache
}

var _ Store = (*Cached)(nil)

// NewCached puts a cache in front of a database; both stay their owner's to
// close. A nil clock is time.Now, a nil logger slog.Default.
func NewCached(database Database, cache Cache, clock Clock, logger *slog.Logger) *Cached {
	if logger == nil {
		logger = slog.Default()
	}
	return &Cached{clock: clock, database: database, cache: cache, health: &health{logger: logger}}
}

// String names the store in traces.
func (c *Cached) String() string { return "cached_db" }

// Create implements [Store].
func (c *Cached) Create(ctx context.Context, rec Record) error {
	if err := c.database.Create(ctx, rec); err != nil {
		return err
	}
	rec.Version = 1
	c.health.note(c.cache.Put(ctx, rec))
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
	rec, err := c.cache.Load(ctx, id)
	if err == nil || errors.Is(err, ErrExpired) {
		version, expires, err := c.database.Stamp(ctx, id)
		if errors.Is(err, ErrNotFound) {
			c.drop(ctx, id)
		}
		if err != nil {
			return Record{}, err
		}
		if version == rec.Version && expires.UnixMicro() == rec.Expires.UnixMicro() {
			if !rec.Expires.After(c.clock.now()) {
				return rec, ErrExpired
			}
			return rec, nil
		}
	} else if !errors.Is(err, ErrNotFound) {
		c.health.note(err)
	}
	rec, err = c.database.Load(ctx, id)
	if err == nil {
		c.health.note(c.cache.Put(ctx, rec))
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
	old, err := c.cache.Load(ctx, rec.ID)
	switch {
	case err == nil || errors.Is(err, ErrExpired):
		rec.Created = old.Created
		rec.Version++
		c.health.note(c.cache.Put(ctx, rec))
	case !errors.Is(err, ErrNotFound):
		c.health.note(err)
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

// Trim implements [Store]. A copy of what is removed is worth nothing from then on,
// and goes as copies do.
func (c *Cached) Trim(ctx context.Context, owner string, keep Quota) (int, error) {
	return c.database.Trim(ctx, owner, keep)
}

// ClearExpired implements [Store]. The copies of what is removed are worth
// nothing from then on, and go as well: those in this cache, once the database
// has no more, and those in another server's as they do in any cache.
func (c *Cached) ClearExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := c.database.ClearExpired(ctx, before, limit)
	if err == nil && n < limit {
		_, err := ClearExpired(ctx, c.cache, before)
		c.health.note(err)
	}
	return n, err
}

func (c *Cached) drop(ctx context.Context, id ID) {
	if err := c.cache.Delete(ctx, id, 0); !errors.Is(err, ErrNotFound) {
		c.health.note(err)
	}
}

// tracedFor is the store with the operations of both its halves reported, in
// place of its own.
func (c *Cached) tracedFor(purpose string) *Cached {
	return &Cached{
		clock: c.clock, health: c.health,
		database: tracedDatabase{traced{c.database, purpose}, c.database},
		cache:    tracedCache{c.cache, purpose},
	}
}

// health tells the log when something begins to fail and when it works again,
// instead of once a request.
type health struct {
	logger *slog.Logger
	down   atomic.Bool
}

func (h *health) note(err error) {
	switch {
	case err != nil && !h.down.Swap(true):
		h.logger.Error("the cache of the sessions fails; the database goes on without it", "error", err)
	case err == nil && h.down.Load() && h.down.Swap(false):
		h.logger.Info("the cache of the sessions works again")
	}
}
