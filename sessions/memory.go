// Memory: a Store in this process's memory, bounded and sharded.

package sessions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Memory keeps records in the memory of one process: fast, gone with a
// restart, and not shared with another server. It is bounded: when it is full,
// a new record pushes out an expired one or, of a few looked at, the one saved
// longest ago, whose owner is then signed out, as in any cache.
type Memory struct {
	clock    Clock
	perShard int
	shards   [shardCount]shard
	owners   owners
}

// Work on one shard leaves the other 255 alone, so a step of cleaning holds up
// few requests, and those only for the time it takes to walk one shard.
const shardCount = 256

type shard struct {
	mu      sync.RWMutex
	entries map[ID]*entry
}

// entry is a Record with its times as microseconds, which halves its size.
// Its shard's lock guards all of it, but for id, which never changes, and place.
type entry struct {
	id                      ID
	version                 uint64
	created, saved, expires int64
	owner                   string
	data                    []byte
	place                   int32 // in its owner's list; guarded by owners
	listed                  bool  // there; false for what was Put
}

// NewMemory makes a store for at most limit records; an error that wraps
// [ErrOption] for fewer than one in each of its 256 shards. A nil clock is
// time.Now.
func NewMemory(limit int, clock Clock) (*Memory, error) {
	if limit < shardCount {
		return nil, fmt.Errorf("%w: a memory store needs room for %d records, not %d", ErrOption, shardCount, limit)
	}
	m := &Memory{clock: clock, perShard: limit / shardCount}
	m.owners.of = map[string][]*entry{}
	for i := range m.shards {
		m.shards[i].entries = map[ID]*entry{}
	}
	return m, nil
}

var (
	_ Store = (*Memory)(nil)
	_ Cache = (*Memory)(nil)
)

// String names the store in traces.
func (m *Memory) String() string { return "memory" }

// The first byte of a hash spreads evenly.
func (m *Memory) shard(id ID) *shard { return &m.shards[id[0]] }

// Create implements [Store].
func (m *Memory) Create(_ context.Context, rec Record) error {
	s := m.shard(rec.ID)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.entries[rec.ID]; taken {
		return ErrExists
	}
	if len(s.entries) >= m.perShard {
		m.evict(s)
	}
	rec.Version = 1
	e := entryOf(rec)
	s.entries[rec.ID] = e
	m.owners.add(e)
	return nil
}

// Put implements [Cache].
func (m *Memory) Put(_ context.Context, rec Record) error {
	s := m.shard(rec.ID)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e, taken := s.entries[rec.ID]; {
	case taken && e.version > rec.Version:
		return nil
	case taken:
		m.owners.remove(e)
	case len(s.entries) >= m.perShard:
		m.evict(s)
	}
	s.entries[rec.ID] = entryOf(rec)
	return nil
}

// Clear implements [Cache], one shard at a time.
func (m *Memory) Clear(ctx context.Context) error {
	for i := range m.shards {
		if ctx.Err() != nil {
			return unavailable(ctx.Err())
		}
		s := &m.shards[i]
		s.mu.Lock()
		for _, e := range s.entries {
			m.remove(s, e)
		}
		s.mu.Unlock()
	}
	return nil
}

// evict makes room for one record. A map is walked from a random place, so a
// handful of entries is a fair sample.
func (m *Memory) evict(s *shard) {
	const sample = 8
	var victim *entry
	now, seen := m.clock.now().UnixMicro(), 0
	for _, e := range s.entries {
		if victim == nil || e.saved < victim.saved {
			victim = e
		}
		if e.expires <= now {
			victim = e
			break
		}
		if seen++; seen == sample {
			break
		}
	}
	m.remove(s, victim)
}

func (m *Memory) remove(s *shard, e *entry) {
	delete(s.entries, e.id)
	m.owners.remove(e)
}

// Load implements [Store].
func (m *Memory) Load(_ context.Context, id ID) (Record, error) {
	rec, ok := m.look(id)
	switch {
	case !ok:
		return Record{}, ErrNotFound
	case !rec.Expires.After(m.clock.now()):
		return rec, ErrExpired
	default:
		return rec, nil
	}
}

func (m *Memory) look(id ID) (rec Record, ok bool) {
	s := m.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	e, ok := s.entries[id]
	if !ok {
		return rec, false
	}
	return e.record(), true
}

// Update implements [Store].
func (m *Memory) Update(_ context.Context, rec Record) error {
	now := m.clock.now().UnixMicro()
	s := m.shard(rec.ID)
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[rec.ID]
	switch {
	case !ok:
		return ErrNotFound
	case e.expires <= now:
		return ErrExpired
	case e.version != rec.Version:
		return ErrConflict
	}
	if e.owner != rec.Owner || !e.listed {
		m.owners.remove(e)
		e.owner = rec.Owner
		m.owners.add(e)
	}
	e.version++
	e.saved, e.expires, e.data = rec.Saved.UnixMicro(), rec.Expires.UnixMicro(), rec.Data
	return nil
}

// Delete implements [Store].
func (m *Memory) Delete(_ context.Context, id ID, version uint64) error {
	s := m.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[id]
	if !ok {
		return ErrNotFound
	}
	if version != 0 && e.version != version {
		return ErrConflict
	}
	m.remove(s, e)
	return nil
}

// ByOwner implements [Store], by an index.
func (m *Memory) ByOwner(ctx context.Context, owner string, after Record, limit int) ([]Record, error) {
	recs, err := m.byOwner(ctx, owner)
	return pageOf(recs, after, limit), err
}

// Trim implements [Store].
func (m *Memory) Trim(ctx context.Context, owner string, keep Quota) (int, error) {
	recs, err := m.byOwner(ctx, owner)
	if err != nil {
		return 0, err
	}
	return trim(ctx, m, recs, keep)
}

func (m *Memory) byOwner(_ context.Context, owner string) ([]Record, error) {
	now := m.clock.now()
	var found []Record
	for _, id := range m.owners.list(owner) {
		// It may have gone, or gone to another owner, since the list was made.
		if rec, ok := m.look(id); ok && rec.Owner == owner && rec.Expires.After(now) {
			found = append(found, rec)
		}
	}
	slices.SortFunc(found, func(a, b Record) int { return b.Saved.Compare(a.Saved) })
	return found, nil
}

// ClearExpired implements [Store], one shard at a time.
func (m *Memory) ClearExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	cut, cleared := before.UnixMicro(), 0
	for i := range m.shards {
		if cleared >= limit {
			break
		}
		if ctx.Err() != nil {
			return cleared, errors.Join(ErrUnavailable, ctx.Err())
		}
		s := &m.shards[i]
		s.mu.Lock()
		for _, e := range s.entries {
			if cleared < limit && e.expires < cut {
				m.remove(s, e)
				cleared++
			}
		}
		s.mu.Unlock()
	}
	return cleared, nil
}

// Len is how many records lie there, expired ones included.
func (m *Memory) Len() int {
	total := 0
	for i := range m.shards {
		m.shards[i].mu.RLock()
		total += len(m.shards[i].entries)
		m.shards[i].mu.RUnlock()
	}
	return total
}

func entryOf(rec Record) *entry {
	return &entry{
		id: rec.ID, version: rec.Version, owner: rec.Owner, data: rec.Data,
		created: rec.Created.UnixMicro(), saved: rec.Saved.UnixMicro(), expires: rec.Expires.UnixMicro(),
	}
}

func (e *entry) record() Record {
	return Record{
		ID: e.id, Version: e.version, Owner: e.owner, Data: e.data,
		Created: time.UnixMicro(e.created), Saved: time.UnixMicro(e.saved), Expires: time.UnixMicro(e.expires),
	}
}

// owners is the index behind ByOwner. Its lock may be taken inside a shard's,
// never the other way round.
type owners struct {
	mu sync.Mutex
	of map[string][]*entry
}

func (o *owners) add(e *entry) {
	if e.listed = e.owner != ""; !e.listed {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	e.place = int32(len(o.of[e.owner]))
	o.of[e.owner] = append(o.of[e.owner], e)
}

// remove lets the last of the owner's entries take the place that gets free.
func (o *owners) remove(e *entry) {
	if !e.listed {
		return
	}
	e.listed = false
	o.mu.Lock()
	defer o.mu.Unlock()
	list := o.of[e.owner]
	last := len(list) - 1
	moved := list[last]
	list[e.place], moved.place = moved, e.place
	list[last] = nil
	if o.of[e.owner] = list[:last]; last == 0 {
		delete(o.of, e.owner)
	}
}

func (o *owners) list(owner string) []ID {
	o.mu.Lock()
	defer o.mu.Unlock()
	ids := make([]ID, 0, len(o.of[owner]))
	for _, e := range o.of[owner] {
		ids = append(ids, e.id)
	}
	return ids
}
