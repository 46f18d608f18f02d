package sessions_test

import (
	"testing"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

func openMemory(t *testing.T, clock sessions.Clock) sessions.Store {
	store, err := sessions.NewMemory(1<<16, clock)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestMemoryIsAStore(t *testing.T) { storetest.Store(t, openMemory) }

func TestMemoryMakesAnEngine(t *testing.T) {
	storetest.Engine(t, func(t *testing.T, clock sessions.Clock) sessions.Engine {
		return sessions.Keyed("session", openMemory(t, clock))
	})
}
