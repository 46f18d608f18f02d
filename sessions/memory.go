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
// cache. But what nobody owns goes first, and never pushes out what somebody does:
// it is refused ([ErrFull]), or, as a copy, left out.
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

// ordinary is what an ordinary session takes, in bytes, of which all but its data
// and the name of its owner take entrySize, with their places in the maps.
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
	nobodys                 bool  // for evict, which is to read few bytes of each
}

// NewMemory makes a store with room for so many ordinary sessions: for at most
// limit records, and in each of its 256 shards for no more bytes than its share of
// them takes at 350 each, with one record besides, of any size. (So 200,000 are at
// most 87 MB, if that one has 64 KB everywhere.) An error that wraps [ErrOption]
// for fewer than one record in each shard. A nil clock is time.Now.
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

// makeRoom lets a record of this owner stand beside what lies in the shard, which
// by itself keeps to the shard's share: a new one or, if it is given, one that
// lies there and grows. It says whether it could.
func (m *Memory) makeRoom(s *shard, owner string, grows *entry) bool {
	records, bytes := len(s.entries), s.bytes
	if grows != nil {
		records, bytes = records-1, bytes-grows.size()
	}
	for records >= m.perShard || bytes > m.bytesPerShard {
		victim := m.victim(s, grows)
		if !victim.nobodys && isNobodys(owner) && victim.expires > m.clock.now().UnixMicro() {
			return false
		}
		records, bytes = records-1, bytes-victim.size()
		m.remove(s, victim)
	}
	return true
}

// victim finds what goes first, besides the one that is to stay. A map is walked
// from a random place, so a handful of entries is a fair sample; if each of them is
// somebody's, it looks for one that is nobody's among all.
func (m *Memory) victim(s *shard, stays *entry) (victim *entry) {
	const sample = 8
	now, seen := m.clock.now().UnixMicro(), 0
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

// isNobodys says whose a record is: an engine files what nobody owns under its
// purpose alone.
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
	return pageOfWalk(m.owned(owner), m.clock.now(), after, limit)
}

// Trim implements [Store], by the same index.
func (m *Memory) Trim(ctx context.Context, owner string, keep Quota) (int, error) {
	return trimWalk(ctx, m, m.owned(owner), keep, 0)
}

// owned walks the records of an owner, and locks the shard of each for a moment.
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

// glance looks at an entry of an owner's list, which may have gone, or gone to
// another owner, since the list was made.
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

// Bytes is about how much memory the records take, expired ones included.
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

// size is what an entry takes, with its places in the maps.
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

// list holds nobody up for long: 100,000 are copied in a fifth of a millisecond.
func (o *owners) list(owner string) []*entry {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.of[owner])
}
