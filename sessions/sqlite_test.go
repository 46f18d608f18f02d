package sessions_test

import (
	"path/filepath"
	"testing"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

func openSQLite(t *testing.T, clock sessions.Clock) sessions.Store {
	return openFile(t, filepath.Join(t.TempDir(), "sessions.db"), clock)
}

func openFile(t testing.TB, file string, clock sessions.Clock) *sessions.SQLite {
	store, err := sessions.OpenSQLite(t.Context(), file, clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func TestSQLiteIsAStore(t *testing.T) { storetest.Store(t, openSQLite) }

func TestSQLiteMakesAnEngine(t *testing.T) {
	storetest.Engine(t, func(t *testing.T, clock sessions.Clock) sessions.Engine {
		return sessions.Keyed("session", openSQLite(t, clock))
	})
}
