// The suite for stores: an owner's records page by page, and Trim, which removes those that
// a quota has no room for.

package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"cookielab/sessions"
)

// Pages walks an owner's list to its end, in pages of at most limit records.
func Pages(t *testing.T, store sessions.Store, owner string, limit int) (all []sessions.Record, pages int) {
	t.Helper()
	after := sessions.Record{}
	for pages = 1; ; pages++ {
		recs, err := store.ByOwner(t.Context(), owner, after, limit)
		must(t, err)
		if len(recs) > limit || pages > 1000 {
			t.Fatalf("page %d has %d records, at most %d are asked for", pages, len(recs), limit)
		}
		if all = append(all, recs...); len(recs) < limit {
			return all, pages
		}
		after = recs[limit-1]
	}
}

// inListOrder are the IDs of these records in the order in which ByOwner has to list them.
func inListOrder(recs []sessions.Record) []sessions.ID {
	sorted := slices.Clone(recs)
	slices.SortFunc(sorted, func(a, b sessions.Record) int {
		if c := b.Saved.Truncate(time.Microsecond).Compare(a.Saved.Truncate(time.Microsecond)); c != 0 {
			return c
		}
		return slices.Compare(b.ID[:], a.ID[:])
	})
	return ids(sorted)
}

var pageFacts = []storeFact{
	{"pages of any size make up the same list, each record once", func(t *testing.T, store sessions.Store, clock *Clock) {
		const many = 250 // more than a step of any store
		var want []sessions.Record
		for n := range many {
			if n%3 == 0 { // three records each are saved at the same instant
				clock.Advance(time.Second)
			}
			want = append(want, create(t, store, recordOf(n, clock)))
			if n%10 == 0 {
				other := recordOf(1000+n, clock)
				other.Owner = "bob"
				create(t, store, other)
			}
		}
		for _, limit := range []int{1, 2, 7, 100, many - 1, many, many + 1, math.MaxInt} {
			recs, pages := Pages(t, store, "alice", limit)
			Equal(t, fmt.Sprint("list in pages of ", limit), ids(recs), inListOrder(want))
			Equal(t, "pages", pages, many/limit+1)
			for _, rec := range recs {
				Equal(t, "Data", len(rec.Data), 0)
				Equal(t, "Owner", rec.Owner, "alice")
				Equal(t, "Version", rec.Version, uint64(1))
			}
			if t.Failed() {
				return
			}
		}
	}},

	{"a page with the limit 0 lists nothing", func(t *testing.T, store sessions.Store, clock *Clock) {
		create(t, store, recordOf(1, clock))
		for _, limit := range []int{0, -1, math.MinInt} {
			recs, err := store.ByOwner(t.Context(), "alice", sessions.Record{}, limit)
			must(t, err)
			Equal(t, fmt.Sprint("records, at most ", limit), len(recs), 0)
		}
	}},

	{"a page can also begin after a record that is gone, or that never existed", func(t *testing.T, store sessions.Store, clock *Clock) {
		var all []sessions.Record
		for n := range 5 {
			clock.Advance(time.Second)
			all = append(all, create(t, store, recordOf(n, clock)))
		}
		must(t, store.Delete(t.Context(), all[3].ID, 0))
		recs, err := store.ByOwner(t.Context(), "alice", sessions.Record{Saved: all[3].Saved, ID: all[3].ID}, 2)
		must(t, err)
		Equal(t, "after the one that is gone", ids(recs), ids([]sessions.Record{all[2], all[1]}))
		between := sessions.Record{Saved: all[2].Saved.Add(-time.Millisecond), ID: idOf(99)}
		recs, err = store.ByOwner(t.Context(), "alice", between, 9)
		must(t, err)
		Equal(t, "after one that never was", ids(recs), ids([]sessions.Record{all[1], all[0]}))
	}},

	{"while records are saved and made, no record is listed twice, and none that stays as it is is missing", func(t *testing.T, store sessions.Store, clock *Clock) {
		const many = 40
		stay := map[sessions.ID]bool{}
		for n := range many {
			clock.Advance(time.Second)
			rec := create(t, store, recordOf(n, clock))
			if n%2 == 0 {
				stay[rec.ID] = true
			}
		}
		seen := map[sessions.ID]int{}
		after := sessions.Record{}
		for page := 0; ; page++ {
			recs, err := store.ByOwner(t.Context(), "alice", after, 6)
			must(t, err)
			for _, rec := range recs {
				seen[rec.ID]++
			}
			if len(recs) < 6 {
				break
			}
			after = recs[5]
			// Between two pages one of the records is saved again, and a new one is made.
			clock.Advance(time.Second)
			moved := recordOf(2*page+1, clock)
			moved.Version = 1
			must(t, store.Update(t.Context(), moved))
			create(t, store, recordOf(many+page, clock))
		}
		for id, times := range seen {
			if times > 1 {
				t.Errorf("%v is listed %d times", id, times)
			}
		}
		for id := range stay {
			Equal(t, "a record that stayed is listed", seen[id], 1)
		}
	}},

	{"times far away are kept, and an owner's list goes by them", func(t *testing.T, store sessions.Store, clock *Clock) {
		first, last := time.Time{}, time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
		old, young := recordOf(1, clock), recordOf(2, clock)
		old.Created, old.Saved, old.Expires = first, first, last
		young.Created, young.Saved, young.Expires = last, last, last
		dead := recordOf(3, clock)
		dead.Created, dead.Saved, dead.Expires = first, first, first
		for _, rec := range []sessions.Record{old, young} {
			rec = create(t, store, rec)
			lies(t, store, rec, nil)
			must(t, store.Update(t.Context(), rec))
			rec.Version = 2
			lies(t, store, rec, nil)
		}
		lies(t, store, create(t, store, dead), sessions.ErrExpired)
		for _, limit := range []int{1, 2, 9} { // with 1, a page also begins after a record that was saved in the year 1
			recs, _ := Pages(t, store, "alice", limit)
			Equal(t, "list", ids(recs), ids([]sessions.Record{young, old}))
		}
		n, err := store.ClearExpired(t.Context(), clock.Now(), 10)
		must(t, err)
		Equal(t, "cleared", n, 1)
	}},

	{"whatever zone a time comes in, it is the same instant, in UTC", func(t *testing.T, store sessions.Store, clock *Clock) {
		rec := recordOf(1, clock)
		for _, when := range []*time.Time{&rec.Created, &rec.Saved, &rec.Expires} {
			*when = when.In(time.FixedZone("far east", 14*3600))
		}
		lies(t, store, create(t, store, rec), nil)
		recs, err := store.ByOwner(t.Context(), "alice", sessions.Record{}, 1)
		must(t, err)
		Equal(t, "list", ids(recs), []sessions.ID{rec.ID})
		for _, rec := range recs {
			for name, when := range map[string]time.Time{"Created": rec.Created, "Saved": rec.Saved, "Expires": rec.Expires} {
				Equal(t, name+" is in", when.Location().String(), "UTC")
			}
		}
	}},
}

// fileForTrim files records 0 to n-1 for alice, one a second with 100 bytes of
// data, and as many (from 1000 on) for bob.
func fileForTrim(t *testing.T, store sessions.Store, clock *Clock, n int) (alices, bobs []sessions.Record) {
	t.Helper()
	for n := range n {
		clock.Advance(time.Second)
		rec, other := recordOf(n, clock), recordOf(1000+n, clock)
		rec.Data, other.Owner = fmt.Appendf(nil, `{"n":"%092d"}`, n), "bob"
		alices, bobs = append(alices, create(t, store, rec)), append(bobs, create(t, store, other))
	}
	return alices, bobs
}

// trims has a store trim alice's records. It checks how many were removed, and that the left
// ones are those saved last, and that bob still has all of his.
func trims(t *testing.T, store sessions.Store, keep sessions.Quota, alices, bobs []sessions.Record, left int) {
	t.Helper()
	n, err := store.Trim(t.Context(), "alice", keep)
	must(t, err)
	Equal(t, fmt.Sprintf("removed for %+v", keep), n, len(alices)-left)
	for _, rec := range alices[:len(alices)-left] {
		gone(t, store, rec.ID)
	}
	for _, rec := range alices[len(alices)-left:] {
		lies(t, store, rec, nil)
	}
	for _, rec := range bobs {
		lies(t, store, rec, nil)
	}
	recs, err := store.ByOwner(t.Context(), "alice", sessions.Record{}, 1000)
	must(t, err)
	Equal(t, "alice's list", ids(recs), inListOrder(alices[len(alices)-left:]))
	recs, err = store.ByOwner(t.Context(), "bob", sessions.Record{}, 1000)
	must(t, err)
	Equal(t, "bob's list", ids(recs), inListOrder(bobs))
}

const plenty = 1 << 40 // bytes

var trimFacts = []storeFact{
	{"Trim leaves as many records as the quota has, those saved last", func(t *testing.T, store sessions.Store, clock *Clock) {
		alices, bobs := fileForTrim(t, store, clock, 12)
		trims(t, store, sessions.Quota{Records: 12, Bytes: plenty}, alices, bobs, 12)
		trims(t, store, sessions.Quota{Records: 5, Bytes: plenty}, alices, bobs, 5)
		trims(t, store, sessions.Quota{Records: 1, Bytes: plenty}, alices[7:], bobs, 1)
	}},

	{"Trim leaves no more bytes of data than the quota has, those saved last", func(t *testing.T, store sessions.Store, clock *Clock) {
		alices, bobs := fileForTrim(t, store, clock, 12)
		trims(t, store, sessions.Quota{Records: math.MaxInt, Bytes: 1200}, alices, bobs, 12)
		trims(t, store, sessions.Quota{Records: math.MaxInt, Bytes: 1199}, alices, bobs, 11)
		trims(t, store, sessions.Quota{Records: 100, Bytes: 350}, alices[1:], bobs, 3)
		trims(t, store, sessions.Quota{Records: 100, Bytes: 99}, alices[9:], bobs, 0) // there is no room even for one
	}},

	{"a quota of no records, or of no bytes, removes all", func(t *testing.T, store sessions.Store, clock *Clock) {
		for _, keep := range []sessions.Quota{{}, {Records: 9}, {Bytes: plenty}, {Records: -1, Bytes: -1}} {
			alices, _ := fileForTrim(t, store, clock, 3)
			n, err := store.Trim(t.Context(), "alice", keep)
			must(t, err)
			Equal(t, "removed", n, 3)
			for n, rec := range alices {
				gone(t, store, rec.ID)
				must(t, store.Delete(t.Context(), idOf(1000+n), 0))
			}
		}
	}},

	{"Trim goes by when records were saved last, not by when they were made", func(t *testing.T, store sessions.Store, clock *Clock) {
		alices, bobs := fileForTrim(t, store, clock, 4)
		clock.Advance(time.Second)
		alices[0].Saved = clock.Now()
		must(t, store.Update(t.Context(), alices[0]))
		alices[0].Version = 2
		alices = append(alices[1:], alices[0])
		trims(t, store, sessions.Quota{Records: 2, Bytes: plenty}, alices, bobs, 2)
	}},

	{"of records saved at the same instant Trim removes those that ByOwner lists last", func(t *testing.T, store sessions.Store, clock *Clock) {
		for n := range 9 {
			create(t, store, recordOf(n, clock))
		}
		before, err := store.ByOwner(t.Context(), "alice", sessions.Record{}, 9)
		must(t, err)
		n, err := store.Trim(t.Context(), "alice", sessions.Quota{Records: 4, Bytes: plenty})
		must(t, err)
		Equal(t, "removed", n, 5)
		after, err := store.ByOwner(t.Context(), "alice", sessions.Record{}, 9)
		must(t, err)
		Equal(t, "left", ids(after), ids(before[:4]))
	}},

	{"Trim counts expired records, and removes them in their turn", func(t *testing.T, store sessions.Store, clock *Clock) {
		older, over, younger := recordOf(1, clock), recordOf(2, clock), recordOf(3, clock)
		over.Saved, over.Expires = clock.Now().Add(time.Second), clock.Now().Add(-time.Minute)
		younger.Saved = clock.Now().Add(2 * time.Second)
		older, over, younger = create(t, store, older), create(t, store, over), create(t, store, younger)
		n, err := store.Trim(t.Context(), "alice", sessions.Quota{Records: 2, Bytes: plenty})
		must(t, err)
		Equal(t, "removed", n, 1)
		gone(t, store, older.ID)
		lies(t, store, over, sessions.ErrExpired)
		n, err = store.Trim(t.Context(), "alice", sessions.Quota{Records: 1, Bytes: plenty})
		must(t, err)
		Equal(t, "removed", n, 1)
		gone(t, store, over.ID)
		lies(t, store, younger, nil)
	}},

	{"an empty owner has nothing to trim", func(t *testing.T, store sessions.Store, clock *Clock) {
		rec := recordOf(1, clock)
		rec.Owner = ""
		rec = create(t, store, rec)
		for _, owner := range []string{"", "carol"} {
			n, err := store.Trim(t.Context(), owner, sessions.Quota{})
			must(t, err)
			Equal(t, "removed", n, 0)
		}
		lies(t, store, rec, nil)
	}},

	{"Trim tells owners apart byte by byte", func(t *testing.T, store sessions.Store, clock *Clock) {
		for n, owner := range oddOwners {
			rec := recordOf(n, clock)
			rec.Owner = owner
			create(t, store, rec)
		}
		for n, owner := range oddOwners {
			removed, err := store.Trim(t.Context(), owner, sessions.Quota{})
			must(t, err)
			Equal(t, fmt.Sprintf("removed of %.20q", owner), removed, 1)
			gone(t, store, idOf(n))
		}
	}},

	{"Trim removes more than a step at once", func(t *testing.T, store sessions.Store, clock *Clock) {
		const many, keep = 600, 10
		Together(8, func(w int) {
			for n := w; n < many; n += 8 {
				rec := recordOf(n, clock)
				rec.Saved = rec.Saved.Add(time.Duration(n) * time.Second)
				if err := store.Create(context.Background(), rec); err != nil {
					t.Error(err)
				}
			}
		})
		n, err := store.Trim(t.Context(), "alice", sessions.Quota{Records: keep, Bytes: plenty})
		must(t, err)
		Equal(t, "removed", n, many-keep)
		recs, err := store.ByOwner(t.Context(), "alice", sessions.Record{}, many)
		must(t, err)
		Equal(t, "left", len(recs), keep)
	}},

	{"a record that is saved while Trim is at work keeps everything that was saved, or is removed", func(t *testing.T, store sessions.Store, clock *Clock) {
		const savers, others, keep = 4, 40, 10
		for n := range savers {
			create(t, store, recordOf(n, clock))
		}
		for n := range others {
			create(t, store, recordOf(100+n, clock))
		}
		var over atomic.Int64
		var last [savers]sessions.Record // as the last save that succeeded left it
		Together(savers+1, func(w int) {
			if w == savers {
				for range 5 {
					if _, err := store.Trim(context.Background(), "alice", sessions.Quota{Records: keep, Bytes: plenty}); err != nil {
						t.Error(err)
					}
				}
				over.Store(1)
				return
			}
			rec := recordOf(w, clock)
			for rec.Version = 1; rec.Version == 1 || over.Load() == 0; rec.Version++ {
				rec.Saved = clock.Now().Add(time.Duration(rec.Version) * time.Second)
				rec.Data = fmt.Appendf(nil, `{"n":%d,"save":%d}`, w, rec.Version)
				switch err := store.Update(context.Background(), rec); {
				case errors.Is(err, sessions.ErrNotFound):
					last[w] = sessions.Record{}
					return
				case err != nil:
					t.Error(err)
					return
				}
				last[w] = rec
			}
		})
		for w, rec := range last {
			if rec.Version == 0 {
				gone(t, store, idOf(w))
				continue
			}
			// It was saved later than most others, so Trim has left it.
			rec.Version++
			lies(t, store, rec, nil)
		}
		recs, err := store.ByOwner(t.Context(), "alice", sessions.Record{}, 1000)
		must(t, err)
		Equal(t, "records left", len(recs), keep)
	}},

	{"Trim does not remove a record that gets another owner meanwhile", func(t *testing.T, store sessions.Store, clock *Clock) {
		const many = 60
		for n := range many {
			create(t, store, recordOf(n, clock))
		}
		var moved [many]bool
		Together(2, func(w int) {
			if w == 0 {
				if _, err := store.Trim(context.Background(), "alice", sessions.Quota{}); err != nil {
					t.Error(err)
				}
				return
			}
			for n := range many {
				rec := recordOf(n, clock)
				rec.Version, rec.Owner = 1, "bob"
				switch err := store.Update(context.Background(), rec); {
				case err == nil:
					moved[n] = true
				case !errors.Is(err, sessions.ErrNotFound):
					t.Error(err)
				}
			}
		})
		for n := range many {
			if !moved[n] {
				gone(t, store, idOf(n))
				continue
			}
			rec := recordOf(n, clock)
			rec.Version, rec.Owner = 2, "bob"
			lies(t, store, rec, nil)
		}
	}},
}

type spoiledFact struct {
	name  string
	check func(t *testing.T, store sessions.Store, clock *Clock, spoil func(sessions.ID))
}

// What cannot be read counts as one unknown session, and harms no other record.
var spoiledFacts = []spoiledFact{
	{"what cannot be read is no record, and blocks no other ID than its own", func(t *testing.T, store sessions.Store, clock *Clock, spoil func(sessions.ID)) {
		bad, good := create(t, store, recordOf(1, clock)), create(t, store, recordOf(2, clock))
		spoil(bad.ID)
		_, err := store.Load(t.Context(), bad.ID)
		Is(t, "Load", err, sessions.ErrNotFound)
		if errors.Is(err, sessions.ErrUnavailable) {
			t.Errorf("Load: %v is also ErrUnavailable", err)
		}
		if err == sessions.ErrNotFound {
			t.Error("Load does not say why")
		}
		Is(t, "Update", store.Update(t.Context(), bad), sessions.ErrNotFound)
		Is(t, "Create", store.Create(t.Context(), bad), sessions.ErrExists)
		lies(t, store, good, nil)
		must(t, store.Update(t.Context(), good))
	}},

	{"what cannot be read is passed over by lists, by Trim and by cleaning", func(t *testing.T, store sessions.Store, clock *Clock, spoil func(sessions.ID)) {
		var good []sessions.Record
		for n := range 4 {
			clock.Advance(time.Second)
			if rec := create(t, store, recordOf(n, clock)); n == 1 {
				spoil(rec.ID)
			} else {
				good = append(good, rec)
			}
		}
		for _, limit := range []int{1, 2, 9} {
			recs, _ := Pages(t, store, "alice", limit)
			Equal(t, "list", ids(recs), inListOrder(good))
		}
		n, err := store.ClearExpired(t.Context(), clock.Now(), 10)
		must(t, err)
		Equal(t, "cleared", n, 0)
		_, err = store.Trim(t.Context(), "alice", sessions.Quota{Records: 2, Bytes: plenty})
		must(t, err)
		recs, _ := Pages(t, store, "alice", 9)
		Equal(t, "list after Trim", ids(recs), inListOrder(good[1:]))
		_, err = store.Trim(t.Context(), "alice", sessions.Quota{})
		must(t, err)
		recs, _ = Pages(t, store, "alice", 9)
		Equal(t, "list after Trim to nothing", len(recs), 0)
		clock.Advance(24 * time.Hour)
		_, err = sessions.ClearExpired(t.Context(), store, clock.Now())
		must(t, err)
	}},

	{"what cannot be read can be deleted, and its ID is free again", func(t *testing.T, store sessions.Store, clock *Clock, spoil func(sessions.ID)) {
		bad, good := create(t, store, recordOf(1, clock)), create(t, store, recordOf(2, clock))
		spoil(bad.ID)
		must(t, store.Delete(t.Context(), bad.ID, 0))
		Is(t, "Delete once more", store.Delete(t.Context(), bad.ID, 0), sessions.ErrNotFound)
		gone(t, store, bad.ID)
		lies(t, store, create(t, store, recordOf(1, clock)), nil)
		lies(t, store, good, nil)
	}},
}
