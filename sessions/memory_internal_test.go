package sessions

import (
	"context"
	"errors"
	"testing"
	"time"
)

// oneInEachShard makes a store that has one record in each shard.
func oneInEachShard(t *testing.T, now time.Time, in func(shard byte) Record) *Memory {
	t.Helper()
	m, err := NewMemory(1<<12, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	for shard := range shardCount {
		if err := m.Create(context.Background(), in(byte(shard))); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// othersWork calls every method for a record in each shard, except in the one that is
// stuck.
func othersWork(t *testing.T, m *Memory, stuck byte, in func(shard byte) Record) {
	t.Helper()
	ctx := context.Background()
	for i := range shardCount {
		shard := byte(i)
		if shard == stuck {
			continue
		}
		rec := in(shard)
		err := m.Create(ctx, rec)
		rec.Version = 1
		_, loaded := m.Load(ctx, rec.ID)
		if err := errors.Join(err, loaded, m.Update(ctx, rec), m.Delete(ctx, rec.ID, 2)); err != nil {
			t.Errorf("shard %d: %v", shard, err)
		}
	}
}

// While cleaning waits for one shard, held here for as long as it likes, every
// operation on all the others comes to its end: nothing but that one shard is
// ever locked by it. If more were, this test would not end.
func TestCleaningMemoryHoldsUpOneShardAtMost(t *testing.T) {
	const stuck = 100
	ctx, now := context.Background(), time.Now()
	in := func(shard, n byte, expires time.Duration) Record {
		owner := "alice"
		if shard == stuck {
			owner = "bob"
		}
		return Record{ID: ID{shard, n}, Owner: owner, Saved: now, Expires: now.Add(expires), Data: []byte("{}")}
	}
	m := oneInEachShard(t, now, func(shard byte) Record { return in(shard, 1, -time.Hour) })

	m.shards[stuck].mu.Lock()
	cleared := make(chan int)
	go func() {
		n, err := m.ClearExpired(ctx, now, 2*shardCount)
		if err != nil {
			t.Error(err)
		}
		cleared <- n
	}()
	// It goes shard by shard, so once the one before is clean it has arrived.
	for {
		if _, err := m.Load(ctx, ID{stuck - 1, 1}); errors.Is(err, ErrNotFound) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	othersWork(t, m, stuck, func(shard byte) Record { return in(shard, 2, time.Hour) })
	if _, err := m.ByOwner(ctx, "alice", Record{}, 10); err != nil {
		t.Error(err)
	}
	m.shards[stuck].mu.Unlock()

	if n := <-cleared; n != shardCount {
		t.Errorf("cleared %d records, want %d", n, shardCount)
	}
}

// A clean step that has removed its share leaves the other shards alone.
func TestCleaningMemoryEndsWithItsLimit(t *testing.T) {
	now := time.Now()
	m, err := NewMemory(1<<12, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	for shard := range 10 {
		if err := m.Create(context.Background(), Record{ID: ID{byte(shard)}, Expires: now.Add(-time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	m.shards[5].mu.Lock() // would be in the way
	defer m.shards[5].mu.Unlock()
	if n, err := m.ClearExpired(context.Background(), now, 5); n != 5 || err != nil {
		t.Errorf("cleared %d records (%v), want 5", n, err)
	}
}

// Listing and trimming an owner's records wait for one shard at a time. Meanwhile the
// other shards and the index of owners can be used.
func TestTrimmingMemoryHoldsUpOneShardAtMost(t *testing.T) {
	const stuck = 100
	ctx, now := context.Background(), time.Now()
	in := func(shard, n byte) Record {
		return Record{ID: ID{shard, n}, Owner: "alice", Saved: now, Expires: now.Add(time.Hour), Data: []byte("{}")}
	}
	m := oneInEachShard(t, now, func(shard byte) Record { return in(shard, 1) })
	m.shards[stuck].mu.Lock()
	trimmed, listed := make(chan int), make(chan int)
	go func() {
		n, err := m.Trim(ctx, "alice", Quota{})
		if err != nil {
			t.Error(err)
		}
		trimmed <- n
	}()
	go func() {
		recs, err := m.ByOwner(ctx, "alice", Record{}, 1000)
		if err != nil {
			t.Error(err)
		}
		listed <- len(recs)
	}()
	othersWork(t, m, stuck, func(shard byte) Record { return in(shard, 2) })
	select {
	case <-trimmed:
		t.Error("Trim did not wait for the shard")
	default:
	}
	m.shards[stuck].mu.Unlock()
	if n := <-trimmed; n < shardCount {
		t.Errorf("trimmed %d records of %d", n, shardCount)
	}
	<-listed
}
