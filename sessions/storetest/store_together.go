// The suite for stores: what holds when many goroutines are at work at once.

package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"cookielab/sessions"
)

var storeTogetherFacts = []storeFact{
	{"of many Creates of one ID exactly one succeeds", func(t *testing.T, store sessions.Store, clock *Clock) {
		// Django: "must create" is a compare-and-set.
		for n := range 10 {
			won := winners(t, 16, sessions.ErrExists, func(i int) error {
				rec := recordOf(n, clock)
				rec.Data = fmt.Appendf(nil, `{"by":%d}`, i)
				return store.Create(context.Background(), rec)
			})
			rec := recordOf(n, clock)
			rec.Version, rec.Data = 1, fmt.Appendf(nil, `{"by":%d}`, won)
			lies(t, store, rec, nil)
		}
	}},

	{"of many Updates of one version exactly one succeeds", func(t *testing.T, store sessions.Store, clock *Clock) {
		rec := create(t, store, recordOf(1, clock))
		for range 20 {
			won := winners(t, 16, sessions.ErrConflict, func(i int) error {
				mine := rec
				mine.Data = fmt.Appendf(nil, `{"by":%d}`, i)
				return store.Update(context.Background(), mine)
			})
			rec.Version, rec.Data = rec.Version+1, fmt.Appendf(nil, `{"by":%d}`, won)
			lies(t, store, rec, nil)
		}
	}},

	{"of many Deletes of one record exactly one succeeds", func(t *testing.T, store sessions.Store, clock *Clock) {
		for n := range 10 {
			rec := create(t, store, recordOf(n, clock))
			winners(t, 16, sessions.ErrNotFound, func(i int) error {
				return store.Delete(context.Background(), rec.ID, uint64(i%2)) // any version, or this one
			})
			gone(t, store, rec.ID)
		}
	}},

	{"an Update and a Delete of one version: one of them succeeds", func(t *testing.T, store sessions.Store, clock *Clock) {
		// What CycleKey relies on: a write that counted is not left behind.
		for n := range 20 {
			rec := create(t, store, recordOf(n, clock))
			var errs [2]error
			Together(2, func(i int) {
				if i == 0 {
					errs[0] = store.Update(context.Background(), rec)
				} else {
					errs[1] = store.Delete(context.Background(), rec.ID, rec.Version)
				}
			})
			switch {
			case errs[0] == nil:
				Is(t, "Delete after the Update", errs[1], sessions.ErrConflict)
				rec.Version++
				lies(t, store, rec, nil)
			case errs[1] == nil:
				Is(t, "Update after the Delete", errs[0], sessions.ErrNotFound)
				gone(t, store, rec.ID)
			default:
				t.Errorf("both failed: %v, %v", errs[0], errs[1])
			}
		}
	}},

	{"counting by load and swap loses nothing", func(t *testing.T, store sessions.Store, clock *Clock) {
		const workers, each = 8, 10
		rec := recordOf(1, clock)
		rec.Data = []byte("0")
		create(t, store, rec)
		Together(workers, func(int) {
			for range each {
				for {
					rec, err := store.Load(context.Background(), idOf(1))
					if err != nil {
						t.Error(err)
						return
					}
					var count int
					fmt.Sscan(string(rec.Data), &count)
					rec.Data = fmt.Append(nil, count+1)
					if err = store.Update(context.Background(), rec); err == nil {
						break
					}
					if !errors.Is(err, sessions.ErrConflict) {
						t.Error(err)
						return
					}
				}
			}
		})
		rec.Version, rec.Data = workers*each+1, fmt.Append(nil, workers*each)
		lies(t, store, rec, nil)
	}},

	{"owners stay right while records come, change hands and go", func(t *testing.T, store sessions.Store, clock *Clock) {
		const workers, each = 8, 6
		names := []string{"alice", "bob", ""}
		Together(workers, func(w int) {
			for i := range each {
				rec := recordOf(w*each+i, clock)
				rec.Owner = names[i%3]
				err := store.Create(context.Background(), rec)
				rec.Version = 1
				for step := 1; step <= 2 && err == nil; step++ {
					rec.Owner = names[(i+step)%3]
					err = store.Update(context.Background(), rec)
					rec.Version++
				}
				if err == nil && i%2 == 1 {
					err = store.Delete(context.Background(), rec.ID, rec.Version)
				}
				if err != nil {
					t.Error(err)
				}
				if _, err := store.ByOwner(context.Background(), "alice", sessions.Record{}, 1000); err != nil {
					t.Error(err)
				}
			}
		})
		want := map[string]int{}
		for i := 0; i < each; i += 2 {
			want[names[(i+2)%3]] += workers
		}
		want[""] = 0 // nobody's records are listed for nobody
		for _, name := range names {
			recs, err := store.ByOwner(t.Context(), name, sessions.Record{}, 1000)
			must(t, err)
			Equal(t, fmt.Sprintf("records of %q", name), len(recs), want[name])
			for _, rec := range recs {
				Equal(t, "their owner", rec.Owner, name)
			}
		}
	}},

	{"cleaning goes on beside everything else and takes only what is over", func(t *testing.T, store sessions.Store, clock *Clock) {
		const dead, live = 60, 30
		for n := range dead {
			rec := recordOf(n, clock)
			rec.Expires = clock.Now().Add(-time.Hour)
			create(t, store, rec)
		}
		var cleared atomic.Int64
		Together(4, func(w int) {
			if w == 0 {
				for {
					n, err := store.ClearExpired(context.Background(), clock.Now(), 5)
					if err != nil {
						t.Error(err)
					}
					if cleared.Add(int64(n)); n < 5 || err != nil {
						return
					}
				}
			}
			for n := w - 1; n < live; n += 3 {
				rec := recordOf(1000+n, clock)
				err := store.Create(context.Background(), rec)
				rec.Version = 1
				if err == nil {
					err = store.Update(context.Background(), rec)
				}
				if err == nil {
					_, err = store.Load(context.Background(), rec.ID)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
		Equal(t, "cleared", cleared.Load(), int64(dead))
		recs, err := store.ByOwner(t.Context(), "alice", sessions.Record{}, 1000)
		must(t, err)
		Equal(t, "live records", len(recs), live)
	}},

	{"EndAll ends what is just being saved, again and again", func(t *testing.T, store sessions.Store, clock *Clock) {
		const workers = 6
		for n := range workers {
			create(t, store, recordOf(n, clock))
		}
		var saved, over atomic.Int64
		Together(workers+1, func(w int) {
			if w == workers {
				for saved.Load() < workers { // until they are at work
					runtime.Gosched()
				}
				if _, err := sessions.EndAll(context.Background(), store); err != nil {
					t.Error(err)
				}
				over.Store(1)
				return
			}
			rec := recordOf(w, clock)
			for rec.Version = 1; ; rec.Version++ {
				late := over.Load() > 0
				err := store.Update(context.Background(), rec)
				switch saved.Add(1); {
				case errors.Is(err, sessions.ErrNotFound):
					return
				case err != nil:
					t.Error(err)
					return
				case late:
					t.Errorf("record %d lives on", w)
					return
				}
			}
		})
	}},
}

// winners lets n goroutines try the same; one must succeed, the others must
// get the error that says another did. It tells which one.
func winners(t *testing.T, n int, lost error, try func(i int) error) int {
	t.Helper()
	errs := make([]error, n)
	Together(n, func(i int) { errs[i] = try(i) })
	won, winner := 0, -1
	for i, err := range errs {
		if err == nil {
			won, winner = won+1, i
		} else {
			Is(t, "a try that came too late", err, lost)
		}
	}
	Equal(t, "tries that succeeded", won, 1)
	return winner
}
