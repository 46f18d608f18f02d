// Opening a Redis store: what its URL says, and the limits of its client.

package sessions

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// RedisOptions of a [Redis] store.
type RedisOptions struct {
	// Prefix of every key; default "cookielab:". Stores with one prefix share
	// their records, others do not see them.
	Prefix string
	// Clock tells the time; default time.Now.
	Clock Clock
}

// Limits of a client, where the URL says nothing else. A Redis that is gone or
// does not answer is found out within two seconds: one to get or make a
// connection, one for the answer.
const (
	redisPatience    = time.Second
	redisConnections = 64 // for each node; a busy server waits for a free one
	redisLookAgain   = 10 * time.Second
)

// OpenRedis connects to a Redis, which must answer:
//
//	redis://user:password@host:port/number    one server; number is the database, 0 to 15
//	redis://host:port?addr=host:port&addr=…   a Cluster, by some of its nodes
//	rediss://…                                either, with TLS
//
// A server that says it belongs to a Cluster is taken as one, with or without
// addr; all of it may be left out but the scheme. Other settings of go-redis, such as
// pool_size or read_timeout, go with the URL as there (redis.ParseURL).
//
// An error wraps [ErrOption] if the URL cannot be used, else [ErrUnavailable]. It
// never holds the password. Close the store at the end.
func OpenRedis(ctx context.Context, address string, o RedisOptions) (*Redis, error) {
	client, err := redisClient(ctx, address)
	if err != nil {
		return nil, err
	}
	r := &Redis{
		client: client, clock: o.Clock, prefix: cmp.Or(o.Prefix, "cookielab:"),
		swapping: newScript(swapText), listing: newScript(listText), tidying: newScript(tidyText),
	}
	if err := r.Ping(ctx); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

const noDatabases = "a Redis Cluster has no numbered databases"

func redisClient(ctx context.Context, address string) (redis.UniversalClient, error) {
	bad := func(reason string) error { return &OptionError{"URL", reason} }
	parsed, err := url.Parse(address)
	if err != nil || strings.Contains(parsed.Path+parsed.RawQuery+parsed.Fragment+parsed.Opaque, "@") {
		// Where a URL is cut wrongly, any part of it may be the password.
		return nil, bad("it is no URL; what a user name or a password has besides letters and digits must be written as %XX")
	}
	if parsed.Scheme != "redis" && parsed.Scheme != "rediss" {
		return nil, bad("it must begin with redis:// or rediss://")
	}
	if !parsed.Query().Has("addr") {
		one, err := redis.ParseURL(address)
		if err != nil {
			return nil, bad(err.Error())
		}
		limitOne(one)
		client := redis.NewClient(one)
		if err := client.Ping(ctx).Err(); err != nil {
			if redis.HasErrorPrefix(err, "SELECT is not allowed in cluster mode") {
				err = bad(noDatabases)
			} else {
				err = unavailable(err)
			}
			return nil, errors.Join(err, client.Close())
		}
		info, err := client.ClusterInfo(ctx).Result()
		if err != nil || !strings.Contains(info, "cluster_state:") {
			return client, nil // it says that it is no Cluster, or may not say
		}
		if err := client.Close(); err != nil {
			return nil, unavailable(err)
		}
	} else if path := strings.Trim(parsed.Path, "/"); path != "" && path != "0" {
		return nil, bad(noDatabases)
	}
	many, err := redis.ParseClusterURL(address)
	if err != nil {
		return nil, bad(err.Error())
	}
	limitMany(many)
	return redis.NewClusterClient(many), nil
}

func limitOne(o *redis.Options) {
	o.DialTimeout = cmp.Or(o.DialTimeout, redisPatience)
	o.ReadTimeout = cmp.Or(o.ReadTimeout, redisPatience)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, redisPatience)
	o.PoolTimeout = cmp.Or(o.PoolTimeout, redisPatience)
	o.PoolSize = cmp.Or(o.PoolSize, redisConnections)
	o.PipelinePoolSize = cmp.Or(o.PipelinePoolSize, -1) // lists are read seldom: the same connections do
	o.MaxRetries = cmp.Or(o.MaxRetries, -1)
	o.DialerRetries = 1
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}

func limitMany(o *redis.ClusterOptions) {
	o.DialTimeout = cmp.Or(o.DialTimeout, redisPatience)
	o.ReadTimeout = cmp.Or(o.ReadTimeout, redisPatience)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, redisPatience)
	o.PoolTimeout = cmp.Or(o.PoolTimeout, redisPatience)
	o.PoolSize = cmp.Or(o.PoolSize, redisConnections)
	o.PipelinePoolSize = cmp.Or(o.PipelinePoolSize, -1)
	o.DialerRetries = cmp.Or(o.DialerRetries, 1)
	o.ClusterStateReloadInterval = redisLookAgain
	o.DisableRoutingPolicies = true                                     // every command here has one key, which routes it
	o.ReadOnly, o.RouteByLatency, o.RouteRandomly = false, false, false // a replica may not know of a logout yet
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}

// lookAgain learns anew which node of a Cluster has what, if one did not answer:
// another may have taken over.
func (r *Redis) lookAgain(ctx context.Context, err error) {
	var answer redis.Error
	if cluster, ok := r.client.(*redis.ClusterClient); ok && !errors.As(err, &answer) {
		cluster.ReloadState(ctx) // in the background
	}
}

// masters are the nodes that together have every key.
func (r *Redis) masters(ctx context.Context) ([]*redis.Client, error) {
	cluster, ok := r.client.(*redis.ClusterClient)
	if !ok {
		return []*redis.Client{r.client.(*redis.Client)}, nil
	}
	var mu sync.Mutex
	var nodes []*redis.Client
	err := cluster.ForEachMaster(ctx, func(_ context.Context, node *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		nodes = append(nodes, node)
		return nil
	})
	return slices.Clip(nodes), err
}
