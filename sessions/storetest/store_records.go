// The suite for stores: single records.

package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"cookielab/sessions"
)

var createFacts = []storeFact{
	{"what was created is loaded, every field", func(t *testing.T, store sessions.Store, clock *Clock) {
		rec := recordOf(1, clock)
		rec.Created, rec.Saved = rec.Created.Add(-3*time.Hour), rec.Saved.Add(-2*time.Hour)
		lies(t, store, create(t, store, rec), nil)
	}},

	{"a new record has version 1, whatever the version given", func(t *testing.T, store sessions.Store, clock *Clock) {
		rec := recordOf(1, clock)
		rec.Version = 41
		lies(t, store, create(t, store, rec), nil)
	}},

	{"times are kept to the microsecond or better", func(t *testing.T, store sessions.Store, clock *Clock) {
		// A store that keeps milliseconds or seconds fails this in "same".
		rec := recordOf(1, clock)
		rec.Created = time.Date(2026, 1, 2, 3, 4, 5, 999_999_000, time.UTC)
		rec.Saved = time.Date(2026, 1, 2, 3, 4, 5, 1_000, time.UTC)
		rec.Expires = time.Date(2126, 12, 31, 23, 59, 59, 123_456_000, time.FixedZone("east", 8*3600))
		lies(t, store, create(t, store, rec), nil)
	}},

	{"64 KB of data come back byte by byte", func(t *testing.T, store sessions.Store, clock *Clock) {
		rec := recordOf(1, clock)
		text := strings.Repeat("Kekse 曲奇 \\u0000 \\\" ", 4000)
		for !validAt(text, sessions.MaxStored-8) {
			text = "x" + text
		}
		rec.Data = []byte(`{"a":"` + text[:sessions.MaxStored-8] + `"}`)
		Equal(t, "bytes", len(rec.Data), sessions.MaxStored)
		lies(t, store, create(t, store, rec), nil)
	}},

	{"an owner may be any text", func(t *testing.T, store sessions.Store, clock *Clock) {
		for n, owner := range oddOwners {
			rec := recordOf(n, clock)
			rec.Owner = owner
			lies(t, store, create(t, store, rec), nil)
		}
	}},

	{"Create of an ID that is taken is ErrExists and changes nothing", func(t *testing.T, store sessions.Store, clock *Clock) {
		rec := create(t, store, recordOf(1, clock))
		other := recordOf(1, clock)
		other.Owner, other.Data = "bob", []byte(`{"other":true}`)
		Is(t, "Create", store.Create(t.Context(), other), sessions.ErrExists)
		lies(t, store, rec, nil)
		recs, err := store.ByOwner(t.Context(), "bob", sessions.Record{}, 1000)
		must(t, err)
		Equal(t, "records of bob", len(recs), 0)
	}},

	{"Create of an ID that an expired record has is ErrExists", func(t *testing.T, store sessions.Store, clock *Clock) {
		// Django's cache engine would overwrite it: for a cache it is gone.
		rec := create(t, store, recordOf(1, clock))
		clock.Advance(2 * time.Hour)
		Is(t, "Create", store.Create(t.Context(), recordOf(1, clock)), sessions.ErrExists)
		lies(t, store, rec, sessions.ErrExpired)
	}},

	{"an ID is free again once its record is deleted", func(t *testing.T, store sessions.Store, clock *Clock) {
		create(t, store, recordOf(1, clock))
		must(t, store.Delete(t.Context(), idOf(1), 0))
		lies(t, store, create(t, store, recordOf(1, clock)), nil)
	}},

	{"Load of an ID that nothing lies under is ErrNotFound and creates nothing", func(t *testing.T, store sessions.Store, clock *Clock) {
		gone(t, store, idOf(1))
		must(t, store.Create(t.Context(), recordOf(1, clock)))
	}},

	{"IDs that differ in one byte are different", func(t *testing.T, store sessions.Store, clock *Clock) {
		rec := create(t, store, recordOf(1, clock))
		for i := range rec.ID {
			id := rec.ID
			id[i] ^= 1
			gone(t, store, id)
		}
	}},

	{"a record is dead from the very instant of Expires on", func(t *testing.T, store sessions.Store, clock *Clock) {
		// Django: live means expire_date > now.
		rec := create(t, store, endingExactly(1, clock))
		clock.Advance(rec.Expires.Sub(clock.Now()) - time.Microsecond)
		lies(t, store, rec, nil)
		clock.Advance(time.Microsecond)
		lies(t, store, rec, sessions.ErrExpired)
	}},

	{"a record may be created expired", func(t *testing.T, store sessions.Store, clock *Clock) {
		// test_actual_expiry; as tried with Django: set_expiry(-10), asked at once.
		rec := recordOf(1, clock)
		rec.Expires = clock.Now().Add(-10 * time.Second)
		lies(t, store, create(t, store, rec), sessions.ErrExpired)
	}},

	{"Load of an expired record gives it with ErrExpired, never deletes and never writes", func(t *testing.T, store sessions.Store, clock *Clock) {
		// Django's file engine removes an expired file on load, others hide it.
		rec := create(t, store, recordOf(1, clock))
		for range 3 {
			clock.Advance(24 * time.Hour)
			lies(t, store, rec, sessions.ErrExpired)
		}
	}},

	{"Load of a live record writes nothing", func(t *testing.T, store sessions.Store, clock *Clock) {
		rec := create(t, store, recordOf(1, clock))
		for range 3 {
			clock.Advance(time.Minute)
			lies(t, store, rec, nil)
		}
		must(t, store.Update(t.Context(), rec)) // still version 1
	}},

	{"an ended context gives a named error or ErrUnavailable", func(t *testing.T, store sessions.Store, clock *Clock) {
		rec := create(t, store, recordOf(1, clock))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, loadErr := store.Load(ctx, rec.ID)
		_, ownerErr := store.ByOwner(ctx, "alice", sessions.Record{}, 1000)
		_, trimErr := store.Trim(ctx, "alice", sessions.Quota{})
		_, clearErr := store.ClearExpired(ctx, clock.Now(), 10)
		for name, err := range map[string]error{
			"Create": store.Create(ctx, recordOf(2, clock)), "Load": loadErr, "Update": store.Update(ctx, rec),
			"Delete": store.Delete(ctx, rec.ID, 0), "ByOwner": ownerErr, "Trim": trimErr, "ClearExpired": clearErr,
		} {
			// ErrNotFound: an Update before may have failed, or not.
			if err != nil && !errors.Is(err, sessions.ErrUnavailable) && !errors.Is(err, sessions.ErrNotFound) &&
				!errors.Is(err, sessions.ErrConflict) {
				t.Errorf("%s: %v does not wrap ErrUnavailable", name, err)
			}
		}
	}},
}

// validAt reports whether text can be cut at a byte without cutting a letter or
// an escape sequence in two.
func validAt(text string, cut int) bool { return len(text) > cut && text[cut-1] == ' ' }

var updateFacts = []storeFact{
	{"Update replaces the record and its version grows by one", func(t *testing.T, store sessions.Store, clock *Clock) {
		// test_save_doesnt_clear_data; test_sessionmanager_save.
		rec := create(t, store, recordOf(1, clock))
		for n := range 3 {
			clock.Advance(time.Minute)
			rec.Owner, rec.Data = fmt.Sprint("owner ", n), fmt.Appendf(nil, `{"update":%d}`, n)
			rec.Saved, rec.Expires = clock.Now(), clock.Now().Add(time.Duration(n+1)*time.Hour)
			must(t, store.Update(t.Context(), rec))
			rec.Version++
			lies(t, store, rec, nil)
		}
	}},

	{"Update leaves Created as it was", func(t *testing.T, store sessions.Store, clock *Clock) {
		rec := create(t, store, recordOf(1, clock))
		changed := rec
		changed.Created = clock.Now().Add(time.Minute)
		must(t, store.Update(t.Context(), changed))
		rec.Version = 2
		lies(t, store, rec, nil)
	}},

	{"Update with another version is ErrConflict and changes nothing", func(t *testing.T, store sessions.Store, clock *Clock) {
		rec := create(t, store, recordOf(1, clock))
		must(t, store.Update(t.Context(), rec))
		rec.Version = 2
		for _, version := range []uint64{0, 1, 3} { // 0 means "any" to Delete alone
			other := rec
			other.Version, other.Owner, other.Data = version, "bob", []byte(`{}`)
			Is(t, fmt.Sprint("Update with version ", version), store.Update(t.Context(), other), sessions.ErrConflict)
		}
		lies(t, store, rec, nil)
		recs, err := store.ByOwner(t.Context(), "bob", sessions.Record{}, 1000)
		must(t, err)
		Equal(t, "records of bob", len(recs), 0)
	}},

	{"Update never creates", func(t *testing.T, store sessions.Store, clock *Clock) {
		// test_session_save_does_not_resurrect_session_logged_out_in_other_context
		rec := recordOf(1, clock)
		for _, version := range []uint64{0, 1} {
			rec.Version = version
			Is(t, "Update of what never was", store.Update(t.Context(), rec), sessions.ErrNotFound)
		}
		rec = create(t, store, rec)
		must(t, store.Delete(t.Context(), rec.ID, 0))
		Is(t, "Update after Delete", store.Update(t.Context(), rec), sessions.ErrNotFound)
		gone(t, store, rec.ID)
		recs, err := store.ByOwner(t.Context(), rec.Owner, sessions.Record{}, 1000)
		must(t, err)
		Equal(t, "records of the owner", len(recs), 0)
	}},

	{"Update of an expired record is ErrExpired and does not revive it", func(t *testing.T, store sessions.Store, clock *Clock) {
		rec := create(t, store, endingExactly(1, clock))
		clock.Advance(rec.Expires.Sub(clock.Now()))
		late := rec
		late.Saved, late.Expires = clock.Now(), clock.Now().Add(time.Hour)
		Is(t, "Update", store.Update(t.Context(), late), sessions.ErrExpired)
		late.Version = 7
		Is(t, "Update with another version", store.Update(t.Context(), late), sessions.ErrExpired)
		lies(t, store, rec, sessions.ErrExpired)
	}},

	{"Update may let a record expire, and then no more", func(t *testing.T, store sessions.Store, clock *Clock) {
		// set_expiry with a negative number, on a session that is there.
		rec := create(t, store, recordOf(1, clock))
		rec.Expires = clock.Now().Add(-time.Second)
		must(t, store.Update(t.Context(), rec))
		rec.Version = 2
		lies(t, store, rec, sessions.ErrExpired)
		Is(t, "Update", store.Update(t.Context(), rec), sessions.ErrExpired)
	}},

	{"Update moves Expires: what is saved lives on", func(t *testing.T, store sessions.Store, clock *Clock) {
		rec := create(t, store, recordOf(1, clock))
		clock.Advance(time.Hour - time.Second)
		rec.Saved, rec.Expires = clock.Now(), clock.Now().Add(time.Hour)
		must(t, store.Update(t.Context(), rec))
		rec.Version = 2
		clock.Advance(time.Hour - time.Second)
		lies(t, store, rec, nil)
	}},

	{"data that were loaded are not changed by a later Update", func(t *testing.T, store sessions.Store, clock *Clock) {
		// A store may share the bytes with its callers, so it must not reuse them.
		given := []byte(`{"a":"first"}`)
		rec := recordOf(1, clock)
		rec.Data = given
		rec = create(t, store, rec)
		loaded, err := store.Load(t.Context(), rec.ID)
		must(t, err)
		rec.Data = []byte(`{"a":"other"}`)
		must(t, store.Update(t.Context(), rec))
		must(t, store.Delete(t.Context(), rec.ID, 0))
		create(t, store, recordOf(2, clock))
		for _, data := range [][]byte{given, loaded.Data} {
			Equal(t, "data held by a caller", string(data), `{"a":"first"}`)
		}
	}},
}

var deleteFacts = []storeFact{
	{"Delete with version 0 removes any version", func(t *testing.T, store sessions.Store, clock *Clock) {
		// test_delete, test_flush
		rec := create(t, store, recordOf(1, clock))
		must(t, store.Update(t.Context(), rec))
		must(t, store.Delete(t.Context(), rec.ID, 0))
		gone(t, store, rec.ID)
	}},

	{"Delete with the current version removes", func(t *testing.T, store sessions.Store, clock *Clock) {
		// test_cycle: what CycleKey relies on.
		rec := create(t, store, recordOf(1, clock))
		must(t, store.Update(t.Context(), rec))
		must(t, store.Delete(t.Context(), rec.ID, 2))
		gone(t, store, rec.ID)
	}},

	{"Delete with another version is ErrConflict and removes nothing", func(t *testing.T, store sessions.Store, clock *Clock) {
		rec := create(t, store, recordOf(1, clock))
		must(t, store.Update(t.Context(), rec))
		rec.Version = 2
		for _, version := range []uint64{1, 3} {
			Is(t, "Delete", store.Delete(t.Context(), rec.ID, version), sessions.ErrConflict)
		}
		lies(t, store, rec, nil)
	}},

	{"Delete removes an expired record, too, and asks for its version alike", func(t *testing.T, store sessions.Store, clock *Clock) {
		first, second := create(t, store, recordOf(1, clock)), create(t, store, recordOf(2, clock))
		clock.Advance(2 * time.Hour)
		Is(t, "Delete", store.Delete(t.Context(), first.ID, 2), sessions.ErrConflict)
		lies(t, store, first, sessions.ErrExpired)
		must(t, store.Delete(t.Context(), first.ID, 1))
		must(t, store.Delete(t.Context(), second.ID, 0))
		gone(t, store, first.ID)
		gone(t, store, second.ID)
	}},

	{"Delete of what is not there is ErrNotFound", func(t *testing.T, store sessions.Store, clock *Clock) {
		rec := create(t, store, recordOf(1, clock))
		must(t, store.Delete(t.Context(), rec.ID, 0))
		for _, version := range []uint64{0, 1} {
			Is(t, "Delete again", store.Delete(t.Context(), rec.ID, version), sessions.ErrNotFound)
			Is(t, "Delete of what never was", store.Delete(t.Context(), idOf(2), version), sessions.ErrNotFound)
		}
	}},

	{"Delete removes one record and no other", func(t *testing.T, store sessions.Store, clock *Clock) {
		first, second := create(t, store, recordOf(1, clock)), create(t, store, recordOf(2, clock))
		must(t, store.Delete(t.Context(), first.ID, 1))
		lies(t, store, second, nil)
		recs, err := store.ByOwner(t.Context(), "alice", sessions.Record{}, 1000)
		must(t, err)
		Equal(t, "what alice has left", ids(recs), []sessions.ID{second.ID})
	}},
}
