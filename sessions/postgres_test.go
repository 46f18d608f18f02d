package sessions_test

import (
	"testing"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
	"cookielab/sessions/storetest/servers"
)

func openPostgres(t testing.TB, url string, clock sessions.Clock) *sessions.Postgres {
	t.Helper()
	store, err := sessions.OpenPostgres(t.Context(), url, clock)
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

// One server for all; each store has a schema of its own in it.
func TestPostgres(t *testing.T) {
	server := servers.Postgres(t)
	t.Run("is a store", func(t *testing.T) {
		storetest.Store(t, func(t *testing.T, clock sessions.Clock) sessions.Store {
			return openPostgres(t, server.Schema(t), clock)
		})
	})
	t.Run("makes an engine", func(t *testing.T) {
		storetest.Engine(t, func(t *testing.T, clock sessions.Clock) sessions.Engine {
			return sessions.Keyed("session", openPostgres(t, server.Schema(t), clock))
		})
	})
}
