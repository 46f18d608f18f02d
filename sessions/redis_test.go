package sessions_test

import (
	"testing"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
	"cookielab/sessions/storetest/servers"
)

// openRedis opens a store whose prefix is the test's name, so that tests can
// share a server.
func openRedis(t testing.TB, server *servers.Server, clock sessions.Clock) *sessions.Redis {
	t.Helper()
	return openRedisAt(t, server.URL(), sessions.RedisOptions{Prefix: t.Name() + ":", Clock: clock})
}

func openRedisAt(t testing.TB, url string, o sessions.RedisOptions) *sessions.Redis {
	t.Helper()
	store, err := sessions.OpenRedis(t.Context(), url, o)
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

func TestRedisIsAStore(t *testing.T) {
	server := servers.Redis(t)
	storetest.Store(t, func(t *testing.T, clock sessions.Clock) sessions.Store { return openRedis(t, server, clock) })
}

func TestRedisMakesAnEngine(t *testing.T) {
	server := servers.Redis(t)
	storetest.Engine(t, func(t *testing.T, clock sessions.Clock) sessions.Engine {
		return sessions.Keyed("session", openRedis(t, server, clock))
	})
}

func TestARedisClusterIsAStore(t *testing.T) {
	server := servers.RedisCluster(t)
	storetest.Store(t, func(t *testing.T, clock sessions.Clock) sessions.Store { return openRedis(t, server, clock) })
}
