package sessions

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"cookielab/sessions/storetest/servers"
)

// shelf is a store on a server of its own, whose clock a test can move, and what
// it takes to look at its owner index.
type shelf struct {
	*Redis
	t   *testing.T
	ctx context.Context
	now time.Time
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	s := &shelf{t: t, ctx: t.Context(), now: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)}
	var err error
	s.Redis, err = OpenRedis(s.ctx, servers.Redis(t).URL(), RedisOptions{Clock: func() time.Time { return s.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func (s *shelf) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// record is the n-th record of alice, alive for an hour.
func (s *shelf) record(n byte) Record {
	return Record{ID: ID{n}, Version: 1, Owner: "alice", Created: s.now, Saved: s.now, Expires: s.now.Add(time.Hour), Data: []byte("{}")}
}

// owns checks which records ByOwner gives.
func (s *shelf) owns(owner string, want ...byte) {
	s.t.Helper()
	recs, err := s.ByOwner(s.ctx, owner, Record{}, 1000)
	s.must(err)
	got := map[byte]bool{}
	for _, rec := range recs {
		got[rec.ID[0]] = true
	}
	wanted := map[byte]bool{}
	for _, n := range want {
		wanted[n] = true
	}
	if fmt.Sprint(got) != fmt.Sprint(wanted) || len(recs) != len(want) {
		s.t.Errorf("%s has the records %v, want %v", owner, got, wanted)
	}
}

// entries checks how many IDs an owner's list has, true or not.
func (s *shelf) entries(owner string, want int) {
	s.t.Helper()
	all, err := s.client.ZCard(s.ctx, s.ownerKey(owner)).Result()
	s.must(err)
	if int(all) != want {
		s.t.Errorf("the list of %s has %d entries, want %d", owner, all, want)
	}
}

// settle makes the entries of a list look two minutes older.
func (s *shelf) settle(owner string) {
	s.t.Helper()
	names, err := s.client.ZRange(s.ctx, s.ownerKey(owner), 0, -1).Result()
	s.must(err)
	for _, name := range names {
		s.must(s.client.ZIncrBy(s.ctx, s.ownerKey(owner), -120, name).Err())
	}
}

// outlives checks that the owner's list has a longer TTL than the record.
func (s *shelf) outlives(rec Record) {
	s.t.Helper()
	list, err := s.client.PTTL(s.ctx, s.ownerKey(rec.Owner)).Result()
	s.must(err)
	record, err := s.client.PTTL(s.ctx, s.recordKey(rec.ID)).Result()
	s.must(err)
	if list <= record || record <= 0 {
		s.t.Errorf("the list has a TTL of %v, its record one of %v", list, record)
	}
}

func TestAnOwnersListIsPutRightWhenItIsRead(t *testing.T) {
	s := newShelf(t)
	for n := range byte(5) {
		s.must(s.Create(s.ctx, s.record(n)))
	}
	s.must(s.Delete(s.ctx, ID{0}, 0))
	moved := s.record(1)
	moved.Owner = "bob"
	s.must(s.Update(s.ctx, moved))
	s.must(s.Put(s.ctx, Record{ID: ID{2}, Version: 9, Owner: "alice", Expires: s.now.Add(time.Hour)}))
	s.must(s.client.Del(s.ctx, s.recordKey(ID{3})).Err()) // evicted, or its TTL was over

	s.owns("alice", 4)
	s.entries("alice", 5) // they are new, so their records may still come
	s.settle("alice")
	s.owns("alice", 4)
	s.entries("alice", 1)
	s.owns("alice", 4)
	s.owns("bob", 1)

	s.must(s.Delete(s.ctx, ID{4}, 0))
	s.owns("alice")
	s.entries("alice", 0)
	if n := s.client.Exists(s.ctx, s.ownerKey("alice")).Val(); n != 0 {
		t.Error("an empty list stays")
	}
}

// An expired record stays listed: for another server's clock it may be alive.
func TestAnExpiredRecordIsLeftOutAndStaysListed(t *testing.T) {
	s := newShelf(t)
	s.must(s.Create(s.ctx, s.record(1)))
	s.settle("alice")
	s.now = s.now.Add(time.Hour)
	s.owns("alice")
	s.now = s.now.Add(-time.Minute)
	s.owns("alice", 1)
}

// A list may get new entries all the time, as the list of the sessions without a user does.
// An entry without a record is still removed a minute after it was written.
func TestAListThatAlwaysGrowsIsPutRight(t *testing.T) {
	s := newShelf(t)
	for n := range byte(250) {
		s.must(s.Create(s.ctx, s.record(n)))
	}
	trimmed, err := s.Trim(s.ctx, "alice", Quota{Records: 10, Bytes: 1000})
	s.must(err)
	if trimmed != 240 {
		t.Errorf("%d were trimmed", trimmed)
	}
	s.settle("alice")
	s.must(s.Create(s.ctx, s.record(251)))
	_, err = s.Trim(s.ctx, "alice", Quota{Records: 10, Bytes: 1000})
	s.must(err)
	s.entries("alice", 11) // ten, and the one that this Trim removed
}

// An entry says until when it is kept and when it was written. Writing it again never
// shortens the time for which it is kept.
func TestAnEntryIsNeverCutShort(t *testing.T) {
	s := newShelf(t)
	rec := s.record(1)
	rec.Expires = s.now.Add(24 * time.Hour)
	s.must(s.Create(s.ctx, rec))
	parts := func() (till time.Time, age time.Duration) {
		score, err := s.client.ZScore(s.ctx, s.ownerKey("alice"), rec.ID.String()).Result()
		s.must(err)
		clock, err := s.client.Time(s.ctx).Result()
		s.must(err)
		return time.Unix(int64(score)>>20, 0), time.Duration((clock.Unix()-int64(score))&(1<<20-1)) * time.Second
	}
	want := s.now.Add(26 * time.Hour).Unix()
	for range 2 {
		till, age := parts()
		if till.Unix() != want || age > time.Minute {
			t.Errorf("kept until %v, written %v ago", till, age)
		}
		s.settle("alice")
		if _, age := parts(); age < 2*time.Minute || age > 3*time.Minute {
			t.Errorf("settled %v ago", age)
		}
		short := s.record(1)
		_, _, err := s.list(s.ctx, short, s.now)
		s.must(err)
	}
}

// The reader comes between the two writes of a request: whether it looks before
// the record comes, or has asked already and removes after that.
func TestAReaderBetweenEntryAndRecordLosesNothing(t *testing.T) {
	for name, op := range map[string]string{"a new record": "create", "a record that changes its owner": "update"} {
		t.Run(name, func(t *testing.T) {
			s := newShelf(t)
			stray := s.record(9) // something to tidy up
			s.must(s.Create(s.ctx, stray))
			s.must(s.Delete(s.ctx, stray.ID, 0))
			rec := s.record(1)
			if op == "update" {
				rec.Owner = "bob"
				s.must(s.Create(s.ctx, rec))
				rec.Owner = "alice"
			}
			s.settle("alice")

			// 1. One reader has asked what time it is, and found both missing …
			looked, err := s.run(s.ctx, s.tidying, s.ownerKey("alice")).Int64()
			s.must(err)
			looked -= 5 // a while ago
			// 2. … the writer writes its entry …
			_, _, err = s.list(s.ctx, rec, s.now)
			s.must(err)
			// 3. … another reader reads the list from its beginning …
			s.owns("alice")
			s.entries("alice", 1)
			// 4. … and the first removes what it found.
			s.must(s.run(s.ctx, s.tidying, s.ownerKey("alice"), looked, stray.ID.String(), rec.ID.String()).Err())
			s.entries("alice", 1)
			// 5. The record: without the entry of step 2, this would be lost.
			listed := s.now.Add(3 * time.Hour).UnixMicro()
			s.must(s.swap(s.ctx, rec.ID, op, rec.Version, s.now.UnixMicro(), rec.Version, rec.Owner, 0,
				rec.Expires.UnixMicro(), 3600_000, rec.Data, 0, listed, int64(1)<<52))
			s.owns("alice", 1)
		})
	}
}

// A writer that stood still for too long between its two writes has to list its
// record again: the entry may be gone.
func TestARecordThatComesLongAfterItsEntryIsRefused(t *testing.T) {
	s := newShelf(t)
	rec := s.record(1)
	_, by, err := s.list(s.ctx, rec, s.now)
	s.must(err)
	clock, err := s.client.Time(s.ctx).Result()
	s.must(err)
	if due := time.UnixMicro(by).Sub(clock); due <= 0 || due > 30*time.Second {
		t.Errorf("the record is due in %v", due)
	}
	late := clock.Add(-time.Second).UnixMicro()
	err = s.swap(s.ctx, rec.ID, "create", 0, s.now.UnixMicro(), 1, "alice", 0, rec.Expires.UnixMicro(), 3600_000, "{}", 0, 1, late)
	if !errors.Is(err, errUnlisted) {
		t.Errorf("too late: %v", err)
	}
	if _, err := s.Load(s.ctx, rec.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("Load: %v", err)
	}
	// The writer does so by itself.
	s.must(s.Create(s.ctx, rec))
	s.owns("alice", 1)
}

// A crash between the two writes leaves an entry without a record.
func TestAnEntryWithoutARecordHarmsNobody(t *testing.T) {
	s := newShelf(t)
	rec := s.record(1)
	_, _, err := s.list(s.ctx, rec, s.now)
	s.must(err)
	s.owns("alice")
	s.settle("alice")
	s.owns("alice")
	s.entries("alice", 0)
	s.must(s.Create(s.ctx, rec))
	s.owns("alice", 1)
}

// However often and for however long a session is saved, its owner's list is
// there for longer.
func TestAnOwnersListOutlivesItsSessions(t *testing.T) {
	s := newShelf(t)
	rec := s.record(1)
	s.must(s.Create(s.ctx, rec))
	s.outlives(rec)
	for n, lives := range []time.Duration{
		2 * time.Hour, 24 * time.Hour, time.Minute, 24 * time.Hour, 400 * 24 * time.Hour, 4000 * 24 * time.Hour, time.Hour,
	} {
		s.now = s.now.Add(40 * time.Second)
		rec.Version, rec.Saved, rec.Expires = uint64(n+1), s.now, s.now.Add(lives)
		s.must(s.Update(s.ctx, rec))
		s.outlives(rec)
		s.owns("alice", 1)
	}
}

// A short session beside a long one does not cut the list short.
func TestAnOwnersListIsNeverCutShort(t *testing.T) {
	s := newShelf(t)
	long, short := s.record(1), s.record(2)
	long.Expires = s.now.Add(24 * time.Hour)
	s.must(s.Create(s.ctx, long))
	s.must(s.Create(s.ctx, short))
	s.outlives(long)
	_, _, err := s.list(s.ctx, s.record(1), s.now) // a writer that then finds a newer version
	s.must(err)
	s.now = s.now.Add(12 * time.Hour)
	s.must(s.Create(s.ctx, s.record(3)))
	s.owns("alice", 1, 3)
}

// Most saves write no entry; one an hour does, so what Redis lost comes back.
func TestASessionInUseIsListedAnewEveryHour(t *testing.T) {
	s := newShelf(t)
	rec := s.record(1)
	s.must(s.Create(s.ctx, rec))
	s.must(s.client.Del(s.ctx, s.ownerKey("alice")).Err()) // evicted
	save := func(after time.Duration) {
		s.now = s.now.Add(after)
		rec.Saved, rec.Expires = s.now, s.now.Add(time.Hour)
		s.must(s.Update(s.ctx, rec))
		rec.Version++
	}
	save(30 * time.Minute)
	save(30 * time.Minute)
	s.entries("alice", 0) // two saves without a word about owners
	save(time.Second)
	s.owns("alice", 1)
	s.outlives(rec)
}

// A list does not grow by what is long over, even if nobody ever reads it.
func TestAnOwnersListForgetsWhatIsLongOver(t *testing.T) {
	s := newShelf(t)
	for n := range byte(100) {
		s.must(s.Create(s.ctx, s.record(n)))
		s.now = s.now.Add(time.Hour)
	}
	all, err := s.client.ZCard(s.ctx, s.ownerKey("alice")).Result()
	s.must(err)
	if all > 5 { // those of the last three hours
		t.Errorf("%d entries", all)
	}
	s.now = s.now.Add(-time.Minute)
	s.owns("alice", 99)
}
