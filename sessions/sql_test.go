package sessions_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

func TestSQLiteStampsRecords(t *testing.T) {
	clock := storetest.NewClock()
	stamps(t, openSQLite(t, sqliteFile(t), clock.Now), clock)
}

// stamps checks what [sessions.Stamper] promises of an empty store.
func stamps(t *testing.T, store interface {
	sessions.Store
	sessions.Stamper
}, clock *storetest.Clock) {
	t.Helper()
	rec := recordOf(neighbour(1), clock)
	says := func(what string, version uint64, expires time.Time) {
		t.Helper()
		gotVersion, gotExpires, err := store.Stamp(t.Context(), rec.ID)
		storetest.Is(t, what, err, nil)
		storetest.Equal(t, what+": version", gotVersion, version)
		storetest.Equal(t, what+": expires", gotExpires.UnixMicro(), expires.UnixMicro())
	}
	missing := func(what string) {
		t.Helper()
		_, _, err := store.Stamp(t.Context(), rec.ID)
		storetest.Is(t, what, err, sessions.ErrNotFound)
	}
	missing("before Create")
	mustCreate(t, store, rec)
	mustCreate(t, store, recordOf(neighbour(2), clock))
	says("after Create", 1, rec.Expires)
	rec.Version, rec.Expires = 1, clock.Now().Add(time.Minute)
	storetest.Is(t, "Update", store.Update(t.Context(), rec), nil)
	says("after Update", 2, rec.Expires)
	clock.Advance(time.Hour)
	says("when it has expired", 2, rec.Expires)
	storetest.Is(t, "Delete", store.Delete(t.Context(), rec.ID, 2), nil)
	missing("after Delete")
}

// oneBadRow checks that a row which cannot be read is one unknown session. spoil
// sets a column to a value, as the database writes it.
func oneBadRow(t *testing.T, store sessions.Database, clock *storetest.Clock, spoil func(id sessions.ID, column, value string), values map[string][]string) {
	t.Helper()
	n := 0
	good := recordOf(neighbour(n), clock)
	mustCreate(t, store, good)
	for column, values := range values {
		for _, value := range values {
			n++
			bad := recordOf(neighbour(n), clock)
			mustCreate(t, store, bad)
			bad.Version = 1
			spoil(bad.ID, column, value)
			what := fmt.Sprintf("%s = %s: ", column, value)

			_, err := store.Load(t.Context(), bad.ID)
			storetest.Is(t, what+"Load", err, sessions.ErrNotFound)
			if !strings.Contains(fmt.Sprint(err), "its row cannot be read: "+column+" is ") {
				t.Errorf("%s%q does not say why", what, err)
			}
			if column == "version" || column == "expires" {
				_, _, err = store.Stamp(t.Context(), bad.ID)
				storetest.Is(t, what+"Stamp", err, sessions.ErrNotFound)
			}
			storetest.Is(t, what+"Update", store.Update(t.Context(), bad), sessions.ErrNotFound)
			storetest.Is(t, what+"Create", store.Create(t.Context(), bad), sessions.ErrExists)
			recs, err := store.ByOwner(t.Context(), "alice", sessions.Record{}, 1)
			storetest.Is(t, what+"ByOwner", err, nil)
			storetest.Equal(t, what+"the good record is all of the page", len(recs) == 1 && recs[0].ID == good.ID, true)

			if n%2 == 0 || column != "expires" {
				storetest.Is(t, what+"Delete", store.Delete(t.Context(), bad.ID, 0), nil)
			} else {
				cleared, err := store.ClearExpired(t.Context(), clock.Now(), 10)
				storetest.Is(t, what+"ClearExpired", err, nil)
				storetest.Equal(t, what+"cleared", cleared, 1)
			}
			mustCreate(t, store, recordOf(bad.ID, clock))
			storetest.Is(t, what+"Delete of the new one", store.Delete(t.Context(), bad.ID, 1), nil)
		}
	}
}

// allAreAnswered makes many calls to a store that somebody keeps locked, and checks that
// each gets its error in time: they wait together, not one after the other.
func allAreAnswered(t *testing.T, store sessions.Database, clock *storetest.Clock) {
	t.Helper()
	const callers, patience = 40, 5 * time.Second
	answers := make(chan error, callers)
	for n := range callers {
		rec := recordOf(neighbour(n), clock)
		rec.Version = 1
		go func() {
			switch n % 5 {
			case 0:
				answers <- store.Create(context.Background(), rec)
			case 1:
				answers <- store.Update(context.Background(), rec)
			case 2:
				answers <- store.Delete(context.Background(), rec.ID, 1)
			case 3:
				_, err := store.ClearExpired(context.Background(), clock.Now(), 10)
				answers <- err
			case 4:
				answers <- store.Delete(context.Background(), rec.ID, 0)
			}
		}()
	}
	tooLate := time.After(2 * patience) // one after the other they would take minutes
	for range callers {
		select {
		case err := <-answers:
			storetest.Is(t, "the answer", err, sessions.ErrUnavailable)
		case <-tooLate:
			t.Fatal("some are not answered")
		}
	}
}

// manyOfOneOwner checks listing and trimming of 100,000 records of alice, of 100
// bytes each, that make has filed in a new store, ten at each instant.
func manyOfOneOwner(t *testing.T, store sessions.Store) {
	t.Helper()
	const many = 100_000
	recs, _ := storetest.Pages(t, store, "alice", 7000)
	storetest.Equal(t, "records", len(recs), many)
	for i, rec := range recs {
		if rec.Data != nil || rec.Owner != "alice" || rec.Saved.Location() != time.UTC {
			t.Fatalf("record %d is listed as %+v", i, rec)
		}
		if i > 0 && !(recs[i-1].Saved.After(rec.Saved) || recs[i-1].Saved.Equal(rec.Saved) && recs[i-1].ID.String() > rec.ID.String()) {
			t.Fatalf("record %d does not come after the one before", i)
		}
	}
	trim := func(keep sessions.Quota, want int) {
		t.Helper()
		n, err := store.Trim(t.Context(), "alice", keep)
		storetest.Is(t, "Trim", err, nil)
		storetest.Equal(t, fmt.Sprintf("removed to keep %+v", keep), n, want)
		recs = recs[:len(recs)-want] // the oldest are last
		for _, at := range []int{0, len(recs) / 2, len(recs) - 1} {
			_, err := store.Load(t.Context(), recs[at].ID)
			storetest.Is(t, "Load of what stays", err, nil)
		}
	}
	trim(sessions.Quota{Records: many, Bytes: 100 * many}, 0)
	last := recs[many-1]
	trim(sessions.Quota{Records: many - 1005, Bytes: 100 * many}, 1005)
	_, err := store.Load(t.Context(), last.ID)
	storetest.Is(t, "Load of the oldest", err, sessions.ErrNotFound)
	trim(sessions.Quota{Records: many, Bytes: 100*(many-2000) + 99}, 995)
	for _, owner := range []string{"", "bob"} {
		n, err := store.Trim(t.Context(), owner, sessions.Quota{})
		storetest.Is(t, "Trim", err, nil)
		storetest.Equal(t, "removed of "+owner, n, 0)
	}
	left, _ := storetest.Pages(t, store, "alice", 20_000)
	storetest.Equal(t, "listed in the end", len(left), len(recs))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := store.Trim(ctx, "alice", sessions.Quota{}); !errors.Is(err, sessions.ErrUnavailable) {
		t.Errorf("a Trim that nobody waits for goes on: %v", err)
	}
}
