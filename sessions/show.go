// Showing: what a back end holds, as it lies there, for those who want to look.
// (Of files, see [Files.Path].)

package sessions

import (
	"context"
	"time"
)

// Statement is the SQL that serves an operation, by its name in a [StoreOp]; ""
// for a name that none serves.
func (s *SQLite) Statement(op string) string { return sqliteSQL.of(op) }

// Statement is the SQL that serves an operation, by its name in a [StoreOp]; ""
// for a name that none serves.
func (p *Postgres) Statement(op string) string { return postgresSQL.of(op) }

func (s statements) of(op string) string {
	switch op {
	case "load":
		return s.load
	case "stamp":
		return s.stamp
	case "by owner":
		return s.byOwner
	case "create":
		return s.create
	case "update":
		return s.update
	case "delete":
		return s.remove
	case "clear expired":
		return s.clear
	default:
		return ""
	}
}

// RedisEntry is a record as Redis holds it.
type RedisEntry struct {
	Key    string            // with the prefix
	Fields map[string]string // as HGETALL gives them
	TTL    time.Duration     // after which Redis removes it by itself, as PTTL gives it
}

// Entry reads a record as it lies there, expired or not: what redis-cli would
// show. ErrNotFound, or an error that wraps ErrUnavailable.
func (r *Redis) Entry(ctx context.Context, id ID) (RedisEntry, error) {
	e := RedisEntry{Key: r.recordKey(id)}
	var err error
	if e.Fields, err = r.client.HGetAll(ctx, e.Key).Result(); err != nil {
		return RedisEntry{}, unavailable(err)
	}
	if e.TTL, err = r.client.PTTL(ctx, e.Key).Result(); err != nil {
		return RedisEntry{}, unavailable(err)
	}
	if len(e.Fields) == 0 || e.TTL < 0 { // it may have gone between the two
		return RedisEntry{}, ErrNotFound
	}
	return e, nil
}
