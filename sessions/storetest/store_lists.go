// The suite for stores: an owner's records, and those whose time is over.

package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cookielab/sessions"
)

// oddOwners are pairwise different, however alike they look.
var oddOwners = []string{
	"alice", "Alice", "alice ", " alice", "alice\x00", "alice\x00b", "\x00", "a%", "a_", "%", "*", `'"`, `\`, "alice\n",
	"é", "e\u0301", "曲奇", "🍪", "ß", "ss", "ı", "i", "I", "null", "0", strings.Repeat("long ", 200),
}

var ownerFacts = []storeFact{
	{"ByOwner lists the live records of one owner, the last saved first", func(t *testing.T, store sessions.Store, clock *Clock) {
		// Django has no such list: test_extra_session_field is its beginning.
		var want []sessions.Record
		for n := range 5 {
			clock.Advance(time.Second)
			want = append(want, create(t, store, recordOf(n, clock)))
			other := recordOf(100+n, clock)
			other.Owner = "bob"
			create(t, store, other)
		}
		clock.Advance(time.Second)
		want[1].Saved = clock.Now() // saved again: to the front
		must(t, store.Update(t.Context(), want[1]))
		want[1].Version = 2
		want = []sessions.Record{want[1], want[4], want[3], want[2], want[0]}
		got, err := store.ByOwner(t.Context(), "alice", sessions.Record{}, 1000)
		must(t, err)
		Equal(t, "order", ids(got), ids(want))
		for i := range min(len(got), len(want)) {
			want[i].Data = nil
			same(t, got[i], want[i])
		}
	}},

	{"ByOwner leaves expired records out", func(t *testing.T, store sessions.Store, clock *Clock) {
		short, long := endingExactly(1, clock), recordOf(2, clock)
		long.Expires = clock.Now().Add(2 * time.Hour)
		create(t, store, short)
		create(t, store, long)
		clock.Advance(short.Expires.Sub(clock.Now()))
		recs, err := store.ByOwner(t.Context(), "alice", sessions.Record{}, 1000)
		must(t, err)
		Equal(t, "live records", ids(recs), []sessions.ID{long.ID})
	}},

	{"an empty owner owns nothing", func(t *testing.T, store sessions.Store, clock *Clock) {
		rec := recordOf(1, clock)
		rec.Owner = ""
		rec = create(t, store, rec)
		must(t, store.Update(t.Context(), rec))
		recs, err := store.ByOwner(t.Context(), "", sessions.Record{}, 1000)
		must(t, err)
		Equal(t, "records of nobody", len(recs), 0)
	}},

	{"an owner without records has none", func(t *testing.T, store sessions.Store, clock *Clock) {
		create(t, store, recordOf(1, clock))
		recs, err := store.ByOwner(t.Context(), "carol", sessions.Record{}, 1000)
		must(t, err)
		Equal(t, "records", len(recs), 0)
	}},

	{"owners are told apart byte by byte", func(t *testing.T, store sessions.Store, clock *Clock) {
		for n, owner := range oddOwners {
			rec := recordOf(n, clock)
			rec.Owner = owner
			create(t, store, rec)
		}
		for n, owner := range oddOwners {
			recs, err := store.ByOwner(t.Context(), owner, sessions.Record{}, 1000)
			must(t, err)
			Equal(t, fmt.Sprintf("records of %.20q", owner), ids(recs), []sessions.ID{idOf(n)})
		}
	}},

	{"a record moves with its owner", func(t *testing.T, store sessions.Store, clock *Clock) {
		// test_extra_session_field: filled at login, emptied at logout.
		rec := recordOf(1, clock)
		rec.Owner = ""
		rec = create(t, store, rec)
		for _, owner := range []string{"alice", "alice", "bob", "", "alice"} {
			rec.Owner = owner
			must(t, store.Update(t.Context(), rec))
			rec.Version++
			for _, who := range []string{"alice", "bob", ""} {
				recs, err := store.ByOwner(t.Context(), who, sessions.Record{}, 1000)
				must(t, err)
				want := []sessions.ID{}
				if who == owner && who != "" {
					want = append(want, rec.ID)
				}
				Equal(t, fmt.Sprintf("records of %q while %q owns it", who, owner), ids(recs), want)
			}
		}
	}},

	{"an owner's other records stay listed in whatever order some go", func(t *testing.T, store sessions.Store, clock *Clock) {
		for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
			want := []sessions.ID{}
			for n := range order {
				clock.Advance(time.Second)
				create(t, store, recordOf(n, clock))
				want = slices.Insert(want, 0, idOf(n))
			}
			for _, n := range order {
				must(t, store.Delete(t.Context(), idOf(n), 1))
				want = slices.DeleteFunc(want, func(id sessions.ID) bool { return id == idOf(n) })
				recs, err := store.ByOwner(t.Context(), "alice", sessions.Record{}, 1000)
				must(t, err)
				Equal(t, fmt.Sprint("left when they go in the order ", order), ids(recs), want)
			}
		}
	}},

	{"what was deleted or cleared belongs to nobody", func(t *testing.T, store sessions.Store, clock *Clock) {
		rec := create(t, store, recordOf(1, clock))
		create(t, store, recordOf(2, clock))
		must(t, store.Delete(t.Context(), rec.ID, 0))
		clock.Advance(2 * time.Hour)
		_, err := store.ClearExpired(t.Context(), clock.Now(), 10)
		must(t, err)
		clock.Advance(-2 * time.Hour) // so that age is not why they are missing
		recs, err := store.ByOwner(t.Context(), "alice", sessions.Record{}, 1000)
		must(t, err)
		Equal(t, "records", len(recs), 0)
	}},
}

var clearFacts = []storeFact{
	{"ClearExpired removes what expired before the instant, and says how many", func(t *testing.T, store sessions.Store, clock *Clock) {
		// test_clearsessions_command: one in the future stays, one in the past goes.
		var recs []sessions.Record
		for n := range 10 {
			rec := recordOf(n, clock)
			rec.Expires = clock.Now().Add(time.Duration(n) * time.Minute).Truncate(time.Microsecond)
			recs = append(recs, create(t, store, rec))
		}
		clock.Advance(time.Hour) // all are over, but that is not what was asked
		n, err := store.ClearExpired(t.Context(), recs[4].Expires, 100)
		must(t, err)
		Equal(t, "removed", n, 4) // "before": the one that ended at this instant stays
		for _, rec := range recs[:4] {
			gone(t, store, rec.ID)
		}
		for _, rec := range recs[4:] {
			lies(t, store, rec, sessions.ErrExpired)
		}
	}},

	{"ClearExpired leaves live records alone", func(t *testing.T, store sessions.Store, clock *Clock) {
		rec := create(t, store, recordOf(1, clock))
		n, err := store.ClearExpired(t.Context(), clock.Now(), 100)
		must(t, err)
		Equal(t, "removed", n, 0)
		lies(t, store, rec, nil)
	}},

	{"ClearExpired goes by the record as last saved", func(t *testing.T, store sessions.Store, clock *Clock) {
		rec := create(t, store, recordOf(1, clock))
		rec.Expires = clock.Now().Add(3 * time.Hour)
		must(t, store.Update(t.Context(), rec))
		rec.Version = 2
		clock.Advance(2 * time.Hour)
		n, err := store.ClearExpired(t.Context(), clock.Now(), 100)
		must(t, err)
		Equal(t, "removed", n, 0)
		lies(t, store, rec, nil)
	}},

	{"ClearExpired removes at most limit records a call, and all of them in the end", func(t *testing.T, store sessions.Store, clock *Clock) {
		const all, limit = 50, 7
		alike := func(n int) sessions.ID { // a store may keep those with one beginning together
			id := idOf(n)
			id[0] = byte(n % 2)
			return id
		}
		for n := range all {
			rec := recordOf(n, clock)
			rec.ID = alike(n)
			create(t, store, rec)
		}
		keep := recordOf(all, clock)
		keep.Expires = clock.Now().Add(9 * time.Hour)
		keep = create(t, store, keep)
		clock.Advance(2 * time.Hour)
		var steps []int
		for range all {
			n, err := store.ClearExpired(t.Context(), clock.Now(), limit)
			must(t, err)
			steps = append(steps, n)
			if n < limit {
				break
			}
		}
		Equal(t, "removed a call", steps, append(slices.Repeat([]int{limit}, all/limit), all%limit))
		for n := range all {
			gone(t, store, alike(n))
		}
		lies(t, store, keep, nil)
	}},

	{"ClearExpired with no room in its limit removes nothing", func(t *testing.T, store sessions.Store, clock *Clock) {
		rec := create(t, store, recordOf(1, clock))
		clock.Advance(2 * time.Hour)
		for _, limit := range []int{0, -1} {
			n, err := store.ClearExpired(t.Context(), clock.Now(), limit)
			must(t, err)
			Equal(t, "removed", n, 0)
		}
		lies(t, store, rec, sessions.ErrExpired)
	}},

	{"ClearExpired of an empty store is no error", func(t *testing.T, store sessions.Store, clock *Clock) {
		// As tried with Django: clear_expired() runs without error.
		n, err := store.ClearExpired(t.Context(), clock.Now(), 100)
		must(t, err)
		Equal(t, "removed", n, 0)
	}},

	{"all that expired can be cleared with the package's own loop", func(t *testing.T, store sessions.Store, clock *Clock) {
		for n := range 20 {
			create(t, store, recordOf(n, clock))
		}
		clock.Advance(2 * time.Hour)
		n, err := sessions.ClearExpired(t.Context(), store, clock.Now())
		must(t, err)
		Equal(t, "removed", n, 20)
	}},

	{"EndAll ends the living, too, whatever their time, and the store goes on", func(t *testing.T, store sessions.Store, clock *Clock) {
		const all = 60 // more than a step
		ends := []time.Time{clock.Now().Add(-time.Hour), clock.Now().Add(time.Hour), clock.Now().Add(sessions.MaxAge),
			time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)} // the last that a session can be given
		file := func(n int) {
			rec := recordOf(n, clock)
			rec.Owner = []string{"alice", "bob", ""}[n%3]
			rec.Expires = ends[n%len(ends)]
			create(t, store, rec)
		}
		for n := range all {
			file(n)
			_, _ = store.Load(t.Context(), idOf(n)) // whatever may have a copy has one
		}
		n, err := sessions.EndAll(t.Context(), store)
		must(t, err)
		Equal(t, "ended", n, all)
		for n := range all {
			gone(t, store, idOf(n))
			rec := recordOf(n, clock)
			rec.Version = 1
			Is(t, "Update of what was ended", store.Update(t.Context(), rec), sessions.ErrNotFound)
		}
		for _, owner := range []string{"alice", "bob"} {
			recs, err := store.ByOwner(t.Context(), owner, sessions.Record{}, 1000)
			must(t, err)
			Equal(t, "records of "+owner, len(recs), 0)
		}
		n, err = sessions.EndAll(t.Context(), store)
		must(t, err)
		Equal(t, "ended when there was nothing", n, 0)

		rec := create(t, store, recordOf(1, clock)) // the same ID, even
		must(t, store.Update(t.Context(), rec))
		rec.Version++
		lies(t, store, rec, nil)
		recs, err := store.ByOwner(t.Context(), "alice", sessions.Record{}, 1000)
		must(t, err)
		Equal(t, "records of alice, who came again", ids(recs), []sessions.ID{rec.ID})
	}},
}
