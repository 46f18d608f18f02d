package sessions_test

import (
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
