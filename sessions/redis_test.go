package sessions_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

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
	store, err := sessions.OpenRedis(context.Background(), url, o)
	return opened(t, store, err)
}

// rawRedis is a client beside the store, as redis-cli would be.
func rawRedis(t testing.TB, server *servers.Server) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { client.Close() })
	return client
}

func TestRedisIsAStore(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	storetest.Store(t, func(t *testing.T, clock sessions.Clock) sessions.Store { return openRedis(t, server, clock) }, badKeys(server)...)
}

func TestRedisMakesAnEngine(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	storetest.Engine(t, func(t *testing.T, clock sessions.Clock) sessions.Engine {
		return sessions.Keyed("session", openRedis(t, server, clock))
	})
}

// A node in cluster mode refuses whatever touches two slots at once, and a
// client that does not speak its protocol.
func TestARedisClusterIsAStore(t *testing.T) {
	t.Parallel()
	server := servers.RedisCluster(t)
	storetest.Store(t, func(t *testing.T, clock sessions.Clock) sessions.Store { return openRedis(t, server, clock) })
}

func TestARedisClusterMayBeNamedByItsNodes(t *testing.T) {
	t.Parallel()
	server := servers.RedisCluster(t)
	clock := storetest.NewClock()
	store := openRedisAt(t, server.URL()+"?addr="+strings.TrimPrefix(server.URL(), "redis://"), sessions.RedisOptions{Clock: clock.Now})
	mustCreate(t, store, recordOf(neighbour(1), clock))
	for _, database := range []string{"/3", "/3?addr=127.0.0.1:1"} {
		_, err := sessions.OpenRedis(t.Context(), server.URL()+database, sessions.RedisOptions{})
		storetest.Is(t, "a numbered database of a Cluster", err, sessions.ErrOption)
	}
}

// keysWithTTL checks that every key of a server has a TTL, and gives their number.
func keysWithTTL(t *testing.T, server *servers.Server) int {
	t.Helper()
	client, keys := rawRedis(t, server), 0
	scan := client.Scan(t.Context(), 0, "*", 1000).Iterator()
	for scan.Next(t.Context()) {
		ttl, err := client.PTTL(t.Context(), scan.Val()).Result()
		storetest.Is(t, "PTTL", err, nil)
		if ttl <= 0 || ttl > sessions.MaxAge+3*time.Hour {
			t.Errorf("%s: TTL %v", scan.Val(), ttl)
		}
		keys++
	}
	storetest.Is(t, "SCAN", scan.Err(), nil)
	return keys
}

func TestEveryRedisKeyHasATTL(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	clock := storetest.NewClock()
	store := openRedis(t, server, clock.Now)
	ctx := t.Context()
	year := 365 * 24 * time.Hour
	for n, lives := range []time.Duration{0, -time.Second, -100 * year, time.Microsecond, time.Hour, 399 * 24 * time.Hour, year * 100, 7000 * year / 24} {
		rec := recordOf(sessions.KeyID("of many ages", fmt.Sprint(n)), clock)
		rec.Expires = clock.Now().Add(lives)
		mustCreate(t, store, rec)
		rec.Version, rec.Owner = 1, fmt.Sprint("owner ", n%3)
		if err := store.Update(ctx, rec); lives > 0 {
			storetest.Is(t, "Update", err, nil)
		}
		rec.ID[0]++
		put(t, store, rec)
		rec.ID[0]++
		rec.Owner = ""
		mustCreate(t, store, rec)
	}
	if keys := keysWithTTL(t, server); keys < 3*8 {
		t.Errorf("only %d keys", keys)
	}
}

func TestARedisRecordLingersAfterItsEnd(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	clock := storetest.NewClock()
	store := openRedis(t, server, clock.Now)
	ttl := func(rec sessions.Record) time.Duration {
		left, err := rawRedis(t, server).PTTL(t.Context(), t.Name()+":session:"+rec.ID.String()).Result()
		storetest.Is(t, "PTTL", err, nil)
		return left
	}
	within := func(name string, got, want time.Duration) {
		t.Helper()
		if got > want || got < want-5*time.Minute { // the time that has passed
			t.Errorf("%s: TTL %v, want %v", name, got, want)
		}
	}
	rec := recordOf(neighbour(1), clock)
	mustCreate(t, store, rec)
	within("new", ttl(rec), time.Hour+sessions.Linger)
	rec.Version, rec.Expires = 1, clock.Now().Add(48*time.Hour)
	storetest.Is(t, "Update", store.Update(t.Context(), rec), nil)
	within("saved for longer", ttl(rec), 48*time.Hour+sessions.Linger)
	rec.Version, rec.Expires = 2, clock.Now().Add(-48*time.Hour)
	storetest.Is(t, "Update", store.Update(t.Context(), rec), nil)
	within("over", ttl(rec), sessions.Linger)
	rec.ID, rec.Expires = neighbour(2), clock.Now().Add(1000*24*time.Hour)
	mustCreate(t, store, rec)
	within("longer than any cookie", ttl(rec), sessions.MaxAge+sessions.Linger)
}

func TestRedisHolds10000Sessions(t *testing.T) {
	t.Parallel()
	const all, expired = 10_000, 2_000
	server := servers.Redis(t)
	clock := storetest.NewClock()
	store := openRedis(t, server, clock.Now)
	storetest.Together(8, func(w int) {
		for n := w; n < all; n += 8 {
			rec := recordOf(sessions.KeyID("many", fmt.Sprint(n)), clock)
			rec.Owner = fmt.Sprint("owner ", n%1000)
			if n < expired {
				rec.Expires = clock.Now().Add(-time.Hour)
			}
			if err := store.Create(context.Background(), rec); err != nil {
				t.Error(err)
			}
		}
	})
	storetest.Equal(t, "keys", keysWithTTL(t, server), all+1000)
	storetest.Equal(t, "of one owner", owned(t, store, "owner 77"), 8)
	n, err := store.ClearExpired(t.Context(), clock.Now(), 500)
	storetest.Is(t, "ClearExpired", err, nil)
	storetest.Equal(t, "cleared by one step", n, 500)
	n, err = sessions.ClearExpired(t.Context(), store, clock.Now())
	storetest.Is(t, "ClearExpired", err, nil)
	storetest.Equal(t, "cleared", n, expired-500)
	storetest.Is(t, "Clear", store.Clear(t.Context()), nil)
	storetest.Equal(t, "keys after Clear", keysWithTTL(t, server), 0)
}

// Other keys, and other stores, on the same server are none of our business,
// however their names look as a pattern.
func TestARedisStoreKeepsToItsPrefix(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	clock := storetest.NewClock()
	stores := map[string]*sessions.Redis{}
	for _, prefix := range []string{"", "a*:", "ab:", "a?:", "a[b]:", `a\b:`, "a:", "{a}"} {
		stores[prefix] = openRedisAt(t, server.URL(), sessions.RedisOptions{Prefix: prefix, Clock: clock.Now})
		mustCreate(t, stores[prefix], recordOf(neighbour(1), clock))
	}
	clock.Advance(2 * time.Hour)
	for prefix, store := range stores {
		n, err := store.ClearExpired(t.Context(), clock.Now(), 100)
		storetest.Is(t, "ClearExpired", err, nil)
		storetest.Equal(t, fmt.Sprintf("cleared under %q", prefix), n, 1)
	}
	clock.Advance(-2 * time.Hour)
	for _, store := range stores {
		mustCreate(t, store, recordOf(neighbour(1), clock))
	}
	for prefix, store := range stores {
		storetest.Is(t, "Clear", store.Clear(t.Context()), nil)
		delete(stores, prefix)
		for other, store := range stores {
			storetest.Equal(t, fmt.Sprintf("under %q after Clear of %q", other, prefix), owned(t, store, "alice"), 1)
		}
	}
}

// What one process answered, another finds at once.
func TestARedisStoreCanBeOpenedTwice(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	clock := storetest.NewClock()
	one, two := openRedis(t, server, clock.Now), openRedis(t, server, clock.Now)
	rec := recordOf(neighbour(1), clock)
	mustCreate(t, one, rec)
	rec.Version = 1
	storetest.Is(t, "Update elsewhere", two.Update(t.Context(), rec), nil)
	storetest.Is(t, "Update of the old version", one.Update(t.Context(), rec), sessions.ErrConflict)
	storetest.Equal(t, "records of alice", owned(t, one, "alice"), 1)
	storetest.Is(t, "Delete elsewhere", two.Delete(t.Context(), rec.ID, 0), nil)
	storetest.Is(t, "Update of what is gone", one.Update(t.Context(), rec), sessions.ErrNotFound)
}

func TestRedisForgetsScriptsAndIsToldAgain(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	clock := storetest.NewClock()
	store := openRedis(t, server, clock.Now)
	mustCreate(t, store, recordOf(neighbour(1), clock))
	storetest.Is(t, "SCRIPT FLUSH", rawRedis(t, server).ScriptFlush(t.Context()).Err(), nil)
	mustCreate(t, store, recordOf(neighbour(2), clock))
	storetest.Equal(t, "records of alice", owned(t, store, "alice"), 2)
}

// allFail checks that each operation says the store is unavailable.
func allFail(t *testing.T, store *sessions.Redis, clock *storetest.Clock) {
	t.Helper()
	ctx, rec := context.Background(), recordOf(neighbour(1), clock)
	asks := map[string]func() error{
		"Create":       func() error { return store.Create(ctx, rec) },
		"Load":         func() error { _, err := store.Load(ctx, rec.ID); return err },
		"Update":       func() error { return store.Update(ctx, rec) },
		"Delete":       func() error { return store.Delete(ctx, rec.ID, 0) },
		"Put":          func() error { return store.Put(ctx, rec) },
		"Clear":        func() error { return store.Clear(ctx) },
		"Ping":         func() error { return store.Ping(ctx) },
		"ByOwner":      func() error { _, err := store.ByOwner(ctx, "alice", sessions.Record{}, 1000); return err },
		"Trim":         func() error { _, err := store.Trim(ctx, "alice", sessions.Quota{}); return err },
		"ClearExpired": func() error { _, err := store.ClearExpired(ctx, clock.Now(), 10); return err },
	}
	names := slices.Collect(maps.Keys(asks))
	storetest.Together(len(names), func(i int) {
		start := time.Now()
		storetest.Is(t, names[i], asks[names[i]](), sessions.ErrUnavailable)
		took := time.Since(start)
		t.Logf("%s failed after %v", names[i], took)
		if took > 30*time.Second { // a second or two, but machines stall
			t.Errorf("%s took %v to fail", names[i], took)
		}
	})
}

// answersAgain waits until a store recovers by itself.
func answersAgain(t *testing.T, store *sessions.Redis) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		err := store.Ping(t.Context())
		if _, loaded := store.Load(t.Context(), neighbour(99)); err == nil && loaded == sessions.ErrNotFound {
			return
		} else if time.Now().After(deadline) {
			t.Fatal(err, loaded)
		}
	}
}

func TestARedisThatIsGoneIsUnavailableAndComesBack(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB, ...string) *servers.Server{
		"one server": servers.Redis, "cluster": servers.RedisCluster,
	} {
		t.Run(name, func(t *testing.T) {
			server := start(t, "--appendonly", "yes", "--appendfsync", "always")
			clock := storetest.NewClock()
			store := openRedis(t, server, clock.Now)
			site := storetest.NewSite(t, sessions.Keyed("session", store), clock, nil)
			b := site.Browser()
			set := func(s *sessions.Session) error { return s.Set("a", 1) }
			storetest.Equal(t, "status", b.Visit(set).Status, http.StatusOK)
			storetest.Together(8, func(int) { _ = store.Ping(context.Background()) }) // several connections
			key := b.Key()

			server.Stop(t)
			allFail(t, store, clock)
			for name, b := range map[string]*storetest.Browser{"at the load": b, "at the save": site.Browser()} {
				reply := b.Visit(set)
				storetest.Equal(t, name+": status", reply.Status, http.StatusServiceUnavailable)
				storetest.Equal(t, name+": Set-Cookie", reply.Header["Set-Cookie"], nil)
			}

			server.Start(t)
			answersAgain(t, store)
			storetest.Equal(t, "status", b.Visit(set).Status, http.StatusOK)
			storetest.Equal(t, "the session", b.Key(), key)
			mustCreate(t, store, recordOf(neighbour(1), clock))
			storetest.Equal(t, "records of alice", owned(t, store, "alice"), 1)
		})
	}
}

func TestARedisThatDoesNotAnswerIsUnavailable(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB, ...string) *servers.Server{
		"one server": servers.Redis, "cluster": servers.RedisCluster,
	} {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			clock := storetest.NewClock()
			store := openRedis(t, server, clock.Now)
			info, err := rawRedis(t, server).InfoMap(t.Context(), "server").Result()
			storetest.Is(t, "INFO", err, nil)
			signal := func(name string) {
				storetest.Is(t, name, exec.Command("kill", name, info["Server"]["process_id"]).Run(), nil)
			}
			signal("-STOP")
			defer signal("-CONT")
			allFail(t, store, clock)
			signal("-CONT")
			answersAgain(t, store)
		})
	}
}

// go-redis would send a command of a Cluster four times; a write that counted, and
// whose answer got lost, must not be called a conflict by the next try.
func TestARedisWriteIsSentOnce(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB, ...string) *servers.Server{
		"one server": servers.Redis, "cluster": servers.RedisCluster,
	} {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			clock := storetest.NewClock()
			store := openRedis(t, server, clock.Now)
			client := rawRedis(t, server)
			rec := recordOf(neighbour(1), clock)
			mustCreate(t, store, rec)
			rec.Version = 1
			storetest.Together(16, func(int) { // so that there are connections for a second try
				for range 50 {
					_, _ = store.Load(context.Background(), rec.ID)
				}
			})
			info, err := client.InfoMap(t.Context(), "server").Result()
			storetest.Is(t, "INFO", err, nil)
			storetest.Is(t, "CONFIG RESETSTAT", client.ConfigResetStat(t.Context()).Err(), nil)
			signal := func(name string) {
				storetest.Is(t, name, exec.Command("kill", name, info["Server"]["process_id"]).Run(), nil)
			}
			signal("-STOP")
			defer signal("-CONT")
			storetest.Is(t, "Update", store.Update(t.Context(), rec), sessions.ErrUnavailable)
			signal("-CONT")
			answersAgain(t, store)
			for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
				stats, err := client.Info(t.Context(), "commandstats").Result()
				storetest.Is(t, "INFO", err, nil)
				if strings.Contains(stats, "cmdstat_evalsha:calls=1,") {
					break
				} else if time.Now().After(deadline) {
					t.Fatalf("not one write:\n%s", stats)
				}
			}
			got, err := store.Load(t.Context(), rec.ID)
			storetest.Is(t, "Load", err, nil)
			storetest.Equal(t, "version: it counted", got.Version, uint64(2))
		})
	}
}

func TestAClosedRedisIsUnavailable(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	store, err := sessions.OpenRedis(t.Context(), servers.Redis(t).URL(), sessions.RedisOptions{})
	storetest.Is(t, "OpenRedis", err, nil)
	storetest.Is(t, "Close", store.Close(), nil)
	allFail(t, store, clock)
}

// A full Redis refuses to write, with ErrFull. Records can still be read, and removing
// them needs no room.
func TestAFullRedisIsUnavailableForWritesAlone(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB, ...string) *servers.Server{
		"one server": servers.Redis, "cluster": servers.RedisCluster,
	} {
		t.Run(name, func(t *testing.T) {
			server := start(t, "--maxmemory-policy", "noeviction")
			clock := storetest.NewClock()
			store := openRedis(t, server, clock.Now)
			for n := range 6 {
				clock.Advance(time.Second)
				mustCreate(t, store, recordOf(neighbour(n), clock))
			}
			storetest.Is(t, "CONFIG SET", rawRedis(t, server).ConfigSet(t.Context(), "maxmemory", "1mb").Err(), nil)
			old, fresh, anothers := recordOf(neighbour(1), clock), recordOf(neighbour(9), clock), recordOf(neighbour(2), clock)
			old.Version, anothers.Version, anothers.Owner = 1, 1, "bob"
			for name, err := range map[string]error{
				"Create": store.Create(t.Context(), fresh), "Update": store.Update(t.Context(), old), "Put": store.Put(t.Context(), fresh),
				"Update for another owner": store.Update(t.Context(), anothers),
			} {
				storetest.Is(t, name, err, sessions.ErrFull)
				storetest.Is(t, name, err, sessions.ErrUnavailable)
			}
			_, err := store.Load(t.Context(), old.ID)
			storetest.Is(t, "Load", err, nil)
			storetest.Equal(t, "records of alice", owned(t, store, "alice"), 6)
			list := rawRedis(t, server).ZCard(t.Context(), t.Name()+":owner:alice").Val()
			storetest.Equal(t, "entries of her list, to which a refused record adds none", list, 6)

			storetest.Is(t, "Delete", store.Delete(t.Context(), old.ID, 1), nil)
			n, err := store.Trim(t.Context(), "alice", sessions.Quota{Records: 3, Bytes: 1000})
			storetest.Is(t, "Trim", err, nil)
			storetest.Equal(t, "trimmed", n, 2)
			n, err = store.ClearExpired(t.Context(), clock.Now().Add(2*time.Hour), 2)
			storetest.Is(t, "ClearExpired", err, nil)
			storetest.Equal(t, "cleared", n, 2)
			storetest.Equal(t, "records of alice", owned(t, store, "alice"), 1)
		})
	}
}

// badKeys are changes after which the key of a record holds no record.
func badKeys(server *servers.Server) (bad []storetest.Spoil) {
	for _, words := range [][]any{
		{"set", "", "text", "ex", 3600},
		{"rpush", "", "a", "list"},
		{"hset", "", "expires", "soon"},
		{"hset", "", "version", "1.5"},
		{"hset", "", "version", ""},
		{"hset", "", "saved", "0x10"},
		{"hset", "", "created", "1e9"},
		{"hset", "", "listed", " 1"},
		{"hdel", "", "version"},
		{"hdel", "", "owner"},
		{"hdel", "", "expires"},
		{"hdel", "", "created", "saved", "listed"},
		{"hdel", "", "data"},
	} {
		bad = append(bad, func(t *testing.T, _ sessions.Store, id sessions.ID) {
			t.Helper()
			client := rawRedis(t, server)
			key := t.Name() + ":session:" + id.String()
			if words[0] == "rpush" {
				storetest.Equal(t, "DEL", client.Del(t.Context(), key).Val(), 1)
			}
			command := slices.Clone(words)
			command[1] = key
			storetest.Is(t, fmt.Sprint(words...), client.Do(t.Context(), command...).Err(), nil)
		})
	}
	return bad
}

func TestAForeignKeyIsNoRecord(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	clock := storetest.NewClock()
	store := openRedis(t, server, clock.Now)
	for n, spoil := range badKeys(server) {
		rec := cached(7, fmt.Sprint(n), clock)
		put(t, store, rec)
		spoil(t, store, rec.ID)
		_, err := store.Load(t.Context(), rec.ID)
		storetest.Is(t, "Load", err, sessions.ErrNotFound)
		if err == sessions.ErrNotFound || !strings.Contains(err.Error(), rec.ID.String()) {
			t.Errorf("the error does not say what is wrong with which key: %v", err)
		}
		put(t, store, rec) // a copy takes the place of whatever it is
		holdsRecord(t, store, rec, nil)
		spoil(t, store, rec.ID)
		storetest.Is(t, "Clear", store.Clear(t.Context()), nil)
		mustCreate(t, store, rec)
		storetest.Is(t, "Delete", store.Delete(t.Context(), rec.ID, 0), nil)
	}
}

// If the key of an owner's list holds something else, only that list is lost.
func TestAForeignKeyIsNoList(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	clock := storetest.NewClock()
	store := openRedis(t, server, clock.Now)
	storetest.Is(t, "SET", rawRedis(t, server).Set(t.Context(), t.Name()+":owner:alice", "text", 0).Err(), nil)
	storetest.Equal(t, "records of alice", owned(t, store, "alice"), 0)
	n, err := store.Trim(t.Context(), "alice", sessions.Quota{})
	storetest.Is(t, "Trim", err, nil)
	storetest.Equal(t, "trimmed", n, 0)
	mustCreate(t, store, recordOf(neighbour(1), clock))
	storetest.Equal(t, "records of alice", owned(t, store, "alice"), 1)
	keysWithTTL(t, server)
}

func TestARedisPasswordIsNeverTold(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t-w0rd"
	locked := strings.TrimPrefix(servers.Redis(t, "--requirepass", "another one").URL(), "redis://")
	for url, want := range map[string]error{
		"redis://user:" + secret + "@127.0.0.1:1/0":              sessions.ErrUnavailable, // refused
		"redis://:" + secret + "@no-such-host.invalid":           sessions.ErrUnavailable,
		"redis://:" + secret + "@" + locked:                      sessions.ErrUnavailable, // wrong
		"redis://user:" + secret + "@" + locked:                  sessions.ErrUnavailable,
		"redis://user:" + secret + "@" + locked + "?addr=x:1":    sessions.ErrUnavailable,
		"redis://user:" + secret + "@127.0.0.1:port":             sessions.ErrOption,
		"redis://user:" + secret + "@127.0.0.1:1/zero":           sessions.ErrOption,
		"redis://user:" + secret + "@127.0.0.1:1?colour=blue":    sessions.ErrOption,
		"redis://user:" + secret + "/@127.0.0.1:1":               sessions.ErrOption,
		"redis://user:1/" + secret + "@127.0.0.1:1":              sessions.ErrOption,
		"redis://user:1?" + secret + "@127.0.0.1:1":              sessions.ErrOption,
		"redis://user:1#" + secret + "@127.0.0.1:1":              sessions.ErrOption,
		"redis://user:%" + secret + "@127.0.0.1:1":               sessions.ErrOption,
		"http://user:" + secret + "@127.0.0.1:1":                 sessions.ErrOption,
		"user:" + secret + "@127.0.0.1:1":                        sessions.ErrOption,
		"redis://user:" + secret + "@127.0.0.1:1?addr=" + "nono": sessions.ErrOption,
	} {
		store, err := sessions.OpenRedis(t.Context(), url, sessions.RedisOptions{})
		storetest.Is(t, url, err, want)
		if err == nil {
			store.Close()
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error holds the password: %v", url, err)
		}
	}
}

func TestARedisURLIsRefusedWithAReason(t *testing.T) {
	t.Parallel()
	for url, reason := range map[string]string{
		"":                                "redis://",
		"localhost:6379":                  "redis://",
		"unix:///tmp/redis.sock":          "redis://",
		"redis://127.0.0.1:1/a":           "database number",
		"redis://127.0.0.1:1?colour=blue": "colour",
		"redis://127.0.0.1:1?addr=a":      "addr",
	} {
		_, err := sessions.OpenRedis(t.Context(), url, sessions.RedisOptions{})
		storetest.Is(t, url, err, sessions.ErrOption)
		if err != nil && !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: %v does not name %q", url, err, reason)
		}
	}
}

// What a load and an update cost beside a plain GET and SET of as many bytes, by
// the same kind of client on the same server, in turns. The ratio counts.
func BenchmarkRedis(b *testing.B) {
	server := servers.Redis(b)
	store := openRedisAt(b, server.URL(), sessions.RedisOptions{})
	client, ctx := rawRedis(b, server), b.Context()
	now := time.Now()
	rec := sessions.Record{
		ID: sessions.KeyID("bench", ""), Owner: "alice", Created: now, Saved: now, Expires: now.Add(time.Hour),
		Data: []byte(`{"_role":"student","_since":"2026-11-23T08:00:00Z","_user":"alice","n":12345,"text":"` + strings.Repeat("x", 100) + `"}`),
	}
	if err := errors.Join(store.Create(ctx, rec), client.Set(ctx, "plain", rec.Data, time.Hour).Err()); err != nil {
		b.Fatal(err)
	}
	rec.Version = 1
	for _, pair := range []struct {
		name        string
		ours, plain func() error
	}{
		{"load over GET",
			func() error { _, err := store.Load(ctx, rec.ID); return err },
			func() error { return client.Get(ctx, "plain").Err() }},
		{"update over SET",
			func() error {
				rec.Saved = time.Now()
				rec.Expires = rec.Saved.Add(time.Hour)
				err := store.Update(ctx, rec)
				rec.Version++
				return err
			},
			func() error { return client.Set(ctx, "plain", rec.Data, time.Hour).Err() }},
	} {
		b.Run(pair.name, func(b *testing.B) {
			const turn = 16
			var ours, plain time.Duration
			run := func(total *time.Duration, ask func() error) {
				start := time.Now()
				for range turn {
					if err := ask(); err != nil {
						b.Fatal(err)
					}
				}
				*total += time.Since(start)
			}
			rounds := (b.N + turn - 1) / turn
			for range rounds {
				run(&ours, pair.ours)
				run(&plain, pair.plain)
			}
			b.ReportMetric(float64(ours)/float64(rounds*turn), "ns/op")
			b.ReportMetric(float64(plain)/float64(rounds*turn), "ns/plain")
			b.ReportMetric(float64(ours)/float64(plain), "x-plain")
		})
	}
}
