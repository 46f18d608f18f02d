// This file starts Redis, alone or as a cluster of one.

package servers

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

const allSlots = 16384 // of a Redis cluster

// Redis starts a Redis that keeps nothing on disk, unless args say otherwise:
// they are options as redis-server takes them, and the last of a name counts.
// Where there is no redis-server the test is skipped; in CI it fails.
func Redis(t testing.TB, args ...string) *Server {
	t.Helper()
	return newRedis(t, args...).open(t)
}

// RedisCluster starts a Redis in cluster mode, which answers clients that speak
// it: one node that has all slots.
func RedisCluster(t testing.TB, args ...string) *Server {
	t.Helper()
	s := newRedis(t, append([]string{"--cluster-enabled", "yes"}, args...)...)
	s.wait = s.takeAllSlots
	return s.open(t)
}

func newRedis(t testing.TB, args ...string) *Server {
	t.Helper()
	path := find(t, "redis-server", "'apt install redis-server' or 'brew install redis'")
	folder := t.TempDir()
	s := &Server{name: "redis-server", ready: "Ready to accept connections", stop: syscall.SIGTERM}
	s.make = func(port int) *exec.Cmd {
		s.url = fmt.Sprintf("redis://127.0.0.1:%d", port)
		process := exec.Command(path, append([]string{
			"--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--dir", folder,
			"--save", "", "--appendonly", "no",
		}, args...)...)
		process.Dir = folder
		return process
	}
	return s
}

// takeAllSlots makes the node responsible for every key and waits until it says
// that its cluster is complete. A node started again knows its slots already.
func (s *Server) takeAllSlots(ctx context.Context) error {
	options, err := redis.ParseURL(s.url)
	if err != nil {
		return err
	}
	client := redis.NewClient(options)
	defer client.Close()
	for given := false; ; {
		info, err := client.ClusterInfo(ctx).Result()
		if err != nil {
			return fmt.Errorf("redis cluster: %w", err)
		}
		if strings.Contains(info, "cluster_state:ok") {
			return nil
		}
		if !given && strings.Contains(info, "cluster_slots_assigned:0\r\n") {
			if err := client.ClusterAddSlotsRange(ctx, 0, allSlots-1).Err(); err != nil {
				return fmt.Errorf("redis cluster: %w", err)
			}
			given = true
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("redis cluster: it does not get complete: %s", info)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
