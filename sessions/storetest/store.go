// The suite for stores: every sentence of the comments in sessions/store.go.

package storetest

import (
	"fmt"
	"testing"
	"time"

	"cookielab/sessions"
)

// Spoil changes what is stored under an ID so that the store cannot read it any more, as a
// broken disk would, or somebody who edits it. It is called with the test that open was
// called with, and the store that open returned.
type Spoil func(t *testing.T, store sessions.Store, id sessions.ID)

// Store checks what the comments of [sessions.Store] promise. open must give a
// new, empty store that judges age by the clock and has room for 10,000 records;
// it closes it with t.Cleanup. Each of the spoils is one way in which a record can become
// unreadable; leave them out if no record of the store can.
func Store(t *testing.T, open func(t *testing.T, clock sessions.Clock) sessions.Store, spoils ...Spoil) {
	for _, group := range []struct {
		name  string
		facts []storeFact
	}{
		{"create and load", createFacts},
		{"update", updateFacts},
		{"delete", deleteFacts},
		{"by owner", ownerFacts},
		{"pages", pageFacts},
		{"trim", trimFacts},
		{"clear expired", clearFacts},
		{"together", storeTogetherFacts},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, fact := range group.facts {
				t.Run(fact.name, func(t *testing.T) {
					clock := NewClock()
					fact.check(t, open(t, clock.Now), clock)
				})
			}
		})
	}
	for n, spoil := range spoils {
		t.Run(fmt.Sprint("spoiled ", n), func(t *testing.T) {
			for _, fact := range spoiledFacts {
				t.Run(fact.name, func(t *testing.T) {
					clock := NewClock()
					store := open(t, clock.Now)
					fact.check(t, store, clock, func(id sessions.ID) { spoil(t, store, id) })
				})
			}
		})
	}
}

type storeFact struct {
	name  string
	check func(t *testing.T, store sessions.Store, clock *Clock)
}

// idOf is the ID of the n-th record of a test: spread like real ones.
func idOf(n int) sessions.ID { return sessions.KeyID("storetest", fmt.Sprint(n)) }

// recordOf is the n-th record of a test, saved now, alive for an hour.
func recordOf(n int, clock *Clock) sessions.Record {
	now := clock.Now()
	return sessions.Record{
		ID: idOf(n), Owner: "alice", Created: now, Saved: now, Expires: now.Add(time.Hour),
		Data: fmt.Appendf(nil, `{"n":%d}`, n),
	}
}

// endingExactly is a record that ends in about an hour, at an instant that
// stores and the clock can both tell exactly.
func endingExactly(n int, clock *Clock) sessions.Record {
	rec := recordOf(n, clock)
	rec.Expires = rec.Expires.Truncate(time.Microsecond)
	return rec
}

// create files a record and gives it back as it is stored, with its version.
func create(t *testing.T, store sessions.Store, rec sessions.Record) sessions.Record {
	t.Helper()
	must(t, store.Create(t.Context(), rec))
	rec.Version = 1
	return rec
}

// lies checks that exactly this record lies in the store, and how Load says so:
// nil, or ErrExpired.
func lies(t *testing.T, store sessions.Store, want sessions.Record, says error) {
	t.Helper()
	got, err := store.Load(t.Context(), want.ID)
	Is(t, "Load", err, says)
	same(t, got, want)
}

// gone checks that nothing lies under an ID.
func gone(t *testing.T, store sessions.Store, id sessions.ID) {
	t.Helper()
	_, err := store.Load(t.Context(), id)
	Is(t, "Load of what is gone", err, sessions.ErrNotFound)
}

// same compares records, with times to the microsecond, as exact as stores keep them. The
// times must be in UTC: in another zone the end of the year 9999 could be in the year
// 10000, which JSON cannot hold.
func same(t *testing.T, got, want sessions.Record) {
	t.Helper()
	Equal(t, "ID", got.ID, want.ID)
	Equal(t, "Version", got.Version, want.Version)
	Equal(t, "Owner", got.Owner, want.Owner)
	Equal(t, "Data", string(got.Data), string(want.Data))
	for _, time := range []struct {
		name      string
		got, want time.Time
	}{
		{"Created", got.Created, want.Created},
		{"Saved", got.Saved, want.Saved},
		{"Expires", got.Expires, want.Expires},
	} {
		if off := time.got.Sub(time.want).Abs(); off >= 1000 {
			t.Errorf("%s: got %v, want %v", time.name, time.got, time.want)
		}
		Equal(t, time.name+" is in", time.got.Location().String(), "UTC")
	}
}

// ids are the IDs of records, in their order.
func ids(recs []sessions.Record) []sessions.ID {
	list := []sessions.ID{}
	for _, rec := range recs {
		list = append(list, rec.ID)
	}
	return list
}
