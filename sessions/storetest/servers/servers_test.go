package servers_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"cookielab/sessions/storetest"
	"cookielab/sessions/storetest/servers"
)

func TestRedisStopsAndStartsAgain(t *testing.T) {
	s := servers.Redis(t)
	url := s.URL()
	client := redisClient(t, url)
	storetest.Is(t, "Ping", client.Ping(t.Context()).Err(), nil)
	s.Stop(t)
	if connection, err := net.Dial("tcp", strings.TrimPrefix(url, "redis://")); err == nil {
		_ = connection.Close()
		t.Error("it listens though it is stopped")
	}
	s.Start(t)
	storetest.Equal(t, "URL", s.URL(), url)
	storetest.Is(t, "Ping after Start", client.Ping(t.Context()).Err(), nil)
}

func TestRedisTakesOptions(t *testing.T) {
	s := servers.Redis(t, "--appendonly", "yes", "--appendfsync", "always")
	client := redisClient(t, s.URL())
	storetest.Is(t, "Set", client.Set(t.Context(), "a", "1", 0).Err(), nil)
	s.Stop(t)
	s.Start(t)
	storetest.Equal(t, "what it kept", client.Get(t.Context(), "a").Val(), "1")
}

func TestRedisClusterHasAllSlots(t *testing.T) {
	s := servers.RedisCluster(t)
	set := func() {
		client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{strings.TrimPrefix(s.URL(), "redis://")}})
		for _, key := range []string{"a", "b", "c", "d"} { // in different slots
			storetest.Is(t, "Set", client.Set(t.Context(), key, "1", 0).Err(), nil)
		}
		storetest.Is(t, "Close", client.Close(), nil)
	}
	set()
	s.Stop(t)
	s.Start(t)
	set()
}

func redisClient(t *testing.T, url string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestPostgresStopsAndStartsAgainWithItsData(t *testing.T) {
	s := servers.Postgres(t)
	one, other := s.Schema(t), s.Schema(t)
	exec := func(url, statement string) error {
		client, err := pgx.Connect(t.Context(), url)
		if err != nil {
			return err
		}
		defer client.Close(context.Background())
		_, err = client.Exec(t.Context(), statement)
		return err
	}
	storetest.Is(t, "CREATE TABLE", exec(one, `CREATE TABLE a (b int)`), nil)
	storetest.Is(t, "CREATE TABLE in another schema", exec(other, `CREATE TABLE a (b text)`), nil)
	s.Stop(t)
	if exec(one, `SELECT b FROM a`) == nil {
		t.Error("it answers though it is stopped")
	}
	s.Start(t)
	storetest.Is(t, "SELECT after Start", exec(one, `SELECT b FROM a`), nil)
}

// A test binary that is killed cannot clean up, so this one runs itself as a
// second process, and kills that.
func TestServersDieWithATestThatIsKilled(t *testing.T) {
	const role, prefix = "COOKIELAB_TEST_SERVERS", "server at "
	if os.Getenv(role) != "" {
		for _, s := range []*servers.Server{servers.Redis(t), servers.Postgres(t)} {
			fmt.Println(prefix + s.URL())
		}
		select {} // until it is killed
	}
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ends a process together with its parent")
	}
	servers.Redis(t)                                      // skips,
	servers.Postgres(t)                                   // if there is none
	folder, err := os.MkdirTemp("", "cookielab-servers-") // takes what it leaves behind
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	storetest.Is(t, "Chmod", os.Chmod(folder, 0o755), nil) // PostgreSQL is another user
	second := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	second.Env = append(os.Environ(), role+"=second", "TMPDIR="+folder)
	out, err := second.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Start(); err != nil {
		t.Fatal(err)
	}
	var hosts []string
	for lines := bufio.NewScanner(out); len(hosts) < 2 && lines.Scan(); {
		if address, ok := strings.CutPrefix(lines.Text(), prefix); ok {
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			hosts = append(hosts, u.Host)
		}
	}
	storetest.Is(t, "Kill", second.Process.Kill(), nil)
	_ = second.Wait() // it was killed, which is an error
	storetest.Equal(t, "servers that were started", len(hosts), 2)
	for _, host := range hosts {
		for until := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			client, err := net.Dial("tcp", host)
			if err != nil {
				break // nobody is there any more
			}
			_ = client.Close()
			if time.Now().After(until) {
				t.Errorf("the server at %s lives on", host)
				break
			}
		}
	}
}
