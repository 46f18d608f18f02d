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
// restart, and not shared with another server. It is bounded, in records and in
// bytes: when it is full, a new record pushes out an expired one or, of a few
// looked at, the one saved longest ago, whose owner is then signed out, as in any
// cache. Records without an owner are pushed out first, and never push out a live
// record that has one: Create and Update return [ErrFull] then, and Put keeps no copy.
type Memory struct {
	clock         Clock
	perShard      int
	bytesPerShard int
	shards        [shardCount]shard
	owners        owners
}

// Work on one shard leaves the other 255 alone, so a step of cleaning holds up
// few requests, and those only for the time it takes to walk one shard.
const shardCount = 256

// ordinary is how many bytes an ordinary session takes. entrySize of them are for
// everything but its data and its owner's name, its places in the maps included.
const ordinary, entrySize = 350, 240

type shard struct {
	mu      sync.RWMutex
	entries map[ID]*entry
	bytes   int // of all entries
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
	nobodys                 bool  // it has no owner; kept here so that victim reads few bytes of each entry
}

// NewMemory makes a store with room for limit ordinary sessions. It holds at most
// limit records. Each of its 256 shards holds its part of limit times 350 bytes, and
// may go beyond that by one record of any size. So 200,000 sessions take 70 MB, and at
// most 87 MB (if that one record has 64 KB in every shard). A limit below 256 is an
// error that wraps [ErrOption]. A nil clock is time.Now.
func NewMemory(limit int, clock Clock) (*Memory, error) {
	if limit < shardCount {
		return nil, fmt.Errorf("%w: a memory store needs room for %d records, not %d", ErrOption, shardCount, limit)
	}
	perShard := limit / shardCount
	m := &Memory{clock: clock, perShard: perShard, bytesPerShard: perShard * ordinary}
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
	if !m.makeRoom(s, rec.Owner, nil) {
		return ErrFull
	}
	rec.Version = 1
	e := entryOf(rec)
	s.add(e)
	m.owners.add(e)
	return nil
}

// Put implements [Cache].
func (m *Memory) Put(_ context.Context, rec Record) error {
	s := m.shard(rec.ID)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, taken := s.entries[rec.ID]; taken {
		if e.version > rec.Version {
			return nil
		}
		m.remove(s, e)
	}
	if m.makeRoom(s, rec.Owner, nil) {
		s.add(entryOf(rec))
	}
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

// makeRoom removes entries until the shard is within its limits without the record that
// is to be written: a new record of this owner or, if grows is given, that entry, which
// gets larger. It returns false if the record has no owner and all the others have one.
func (m *Memory) makeRoom(s *shard, owner string, grows *entry) bool {
	records, bytes := len(s.entries), s.bytes
	if grows != nil {
		records, bytes = records-1, bytes-grows.size()
	}
	for records >= m.perShard || bytes > m.bytesPerShard {
		victim := m.victim(s, grows)
		if !victim.nobodys && isNobodys(owner) && victim.expires > m.clock.Now().UnixMicro() {
			return false
		}
		records, bytes = records-1, bytes-victim.size()
		m.remove(s, victim)
	}
	return true
}

// victim finds the entry to remove next, which is never the one that stays. Go walks a
// map from a random place, so the first few entries are a fair sample. If all of them
// have owners, it looks at the other entries, too, for one that has none.
func (m *Memory) victim(s *shard, stays *entry) (victim *entry) {
	const sample = 8
	now, seen := m.clock.Now().UnixMicro(), 0
	for _, e := range s.entries {
		switch {
		case e == stays:
			continue
		case e.expires <= now:
			return e
		case victim == nil, e.nobodys && !victim.nobodys, e.nobodys == victim.nobodys && e.saved < victim.saved:
			victim = e
		}
		if seen++; seen >= sample && victim.nobodys {
			break
		}
	}
	return victim
}

// isNobodys reports whether a record belongs to no user: an engine files such records
// under its purpose and a colon alone.
func isNobodys(owner string) bool { return owner == "" || owner[len(owner)-1] == ':' }

func (s *shard) add(e *entry) {
	s.entries[e.id] = e
	s.bytes += e.size()
}

func (m *Memory) remove(s *shard, e *entry) {
	delete(s.entries, e.id)
	s.bytes -= e.size()
	m.owners.remove(e)
}

// Load implements [Store].
func (m *Memory) Load(_ context.Context, id ID) (Record, error) {
	rec, ok := m.look(id)
	switch {
	case !ok:
		return Record{}, ErrNotFound
	case !rec.Expires.After(m.clock.Now()):
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
	now := m.clock.Now().UnixMicro()
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
	size := e.size()
	if more := len(rec.Owner)+cap(rec.Data) > len(e.owner)+cap(e.data); more && !m.makeRoom(s, rec.Owner, e) {
		return ErrFull
	}
	if e.owner != rec.Owner || !e.listed {
		m.owners.remove(e)
		e.owner, e.nobodys = rec.Owner, isNobodys(rec.Owner)
		m.owners.add(e)
	}
	e.version++
	e.saved, e.expires, e.data = rec.Saved.UnixMicro(), rec.Expires.UnixMicro(), rec.Data
	s.bytes += e.size() - size
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
func (m *Memory) ByOwner(_ context.Context, owner string, after Record, limit int) ([]Record, error) {
	return pageOfWalk(m.owned(owner), m.clock.Now(), after, limit)
}

// Trim implements [Store], by the index of owners.
func (m *Memory) Trim(ctx context.Context, owner string, keep Quota) (int, error) {
	return trimWalk(ctx, m, m.owned(owner), keep, 0)
}

// owned walks the records of an owner. It locks each record's shard for a moment only.
func (m *Memory) owned(owner string) walk {
	return func(show func(Record, int)) error {
		for _, e := range m.owners.list(owner) {
			if rec, size, ok := m.glance(e, owner); ok {
				show(rec, size)
			}
		}
		return nil
	}
}

// glance reads an entry of an owner's list. ok is false if it was removed, or got
// another owner, after the list was made.
func (m *Memory) glance(e *entry, owner string) (rec Record, size int, ok bool) {
	s := m.shard(e.id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !e.listed || e.owner != owner {
		return rec, 0, false
	}
	rec = e.record()
	rec.Data = nil
	return rec, len(e.data), true
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

// Bytes is how much memory the records take, roughly, expired ones included.
func (m *Memory) Bytes() int64 {
	total := int64(0)
	for i := range m.shards {
		m.shards[i].mu.RLock()
		total += int64(m.shards[i].bytes)
		m.shards[i].mu.RUnlock()
	}
	return total
}

func entryOf(rec Record) *entry {
	return &entry{
		id: rec.ID, version: rec.Version, owner: rec.Owner, data: rec.Data, nobodys: isNobodys(rec.Owner),
		created: rec.Created.UnixMicro(), saved: rec.Saved.UnixMicro(), expires: rec.Expires.UnixMicro(),
	}
}

func (e *entry) record() Record {
	return Record{
		ID: e.id, Version: e.version, Owner: e.owner, Data: e.data,
		Created: time.UnixMicro(e.created).UTC(), Saved: time.UnixMicro(e.saved).UTC(), Expires: time.UnixMicro(e.expires).UTC(),
	}
}

// size is how many bytes an entry takes, its places in the maps included.
func (e *entry) size() int { return entrySize + len(e.owner) + cap(e.data) }

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

// list holds the lock only briefly: to copy 100,000 entries takes a fifth of a
// millisecond.
func (o *owners) list(owner string) []*entry {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.of[owner])
}
