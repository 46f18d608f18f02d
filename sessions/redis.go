// Redis: a Store on one Redis server or a Redis Cluster, shared by all processes
// that open it.

package sessions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis keeps each record in a hash that can be read with redis-cli:
//
//	<prefix>session:<ID in hex>  version owner created saved expires listed data
//	<prefix>owner:<owner>        whose sessions they are: see redis_owners.go
//
// Times are microseconds since 1970 by our clock, which alone judges what has
// expired. Every key has a TTL: a record's is what is left of it, at most
// [MaxAge], plus [Linger], so Redis removes by itself what [Clean] would.
//
// What Redis loses is lost: a restart without persistence signs everybody out,
// and a Redis short of memory (maxmemory) may sign out anybody. If it evicts, let
// it be by volatile-ttl: the list of an owner's sessions has a longer TTL than
// each of them and goes last. If it does not evict (noeviction), Create and Update
// return [ErrFull], and everything else still works.
//
// What is stored under a record's key in another form than this one is no record:
// [ErrNotFound], wrapped with the reason. Delete of version 0 removes it.
//
// A failure is told at once, and nothing is sent twice: a write whose answer got
// lost may have counted, and the second would call the first one a conflict. It
// takes Redis 6.2 or later.
type Redis struct {
	client   redis.UniversalClient
	clock    Clock
	prefix   string
	swapping script // writes one record
	listing  script // writes one entry of an owner's list
	tidying  script // removes entries
}

var (
	_ Store = (*Redis)(nil)
	_ Cache = (*Redis)(nil)
)

// String names the store in traces.
func (r *Redis) String() string { return "redis" }

// Close closes the connections; all methods fail afterwards.
func (r *Redis) Close() error { return r.client.Close() }

// Ping reports whether Redis answers.
func (r *Redis) Ping(ctx context.Context) error { return unavailable(r.do(ctx, "ping").Err()) }

func (r *Redis) recordKey(id ID) string { return r.prefix + "session:" + id.String() }

// swapText is every write of a record. It touches this one key, so it runs in a
// Cluster, and nothing comes between its steps. Lua's numbers are exact up to
// 2^53, enough for microseconds until the year 2255; versions stay text.
const swapText = `
local op, version, now, new, owner, saved, expires, ttl, data, created, listed, by = unpack(ARGV)
local lies = redis.pcall('HMGET', KEYS[1], 'version', 'owner', 'expires', 'listed', 'created', 'saved')
if lies.err and not string.find(lies.err, 'WRONGTYPE', 1, true) then return lies end
local current, ends = lies[1], lies[3]
local sound = current and lies[2] and ends and lies[4] and lies[5] and lies[6] and string.find(
	current .. ' ' .. ends .. ' ' .. lies[4] .. ' ' .. lies[5] .. ' ' .. lies[6], '^%d+ %-?%d+ %-?%d+ %-?%d+ %-?%d+$')

-- 1. Does that lie there which has to?
if op == 'update' then
	if not sound or redis.call('HEXISTS', KEYS[1], 'data') == 0 then return 'missing' end
	if tonumber(ends) <= tonumber(now) then return 'over' end
	if current ~= version then return 'changed' end
elseif op == 'create' then
	if current or redis.call('EXISTS', KEYS[1]) == 1 then return 'taken' end
elseif op == 'delete' then
	if not sound and version ~= '0' then return 'missing' end
	if sound and version ~= '0' and current ~= version then return 'changed' end
	if redis.call('DEL', KEYS[1]) == 0 then return 'missing' end
	return 'done'
elseif op == 'clear' then -- now is the instant before which it has to have ended
	if not sound or tonumber(ends) >= tonumber(now) then return 'changed' end
	redis.call('DEL', KEYS[1])
	return 'done'
elseif sound and (#current > #new or #current == #new and current > new) then
	return 'done' -- put: the newer one stays
elseif not sound and redis.call('EXISTS', KEYS[1]) == 1 then
	redis.call('DEL', KEYS[1]) -- put: it is no record, so it is not ours
end -- nothing else is written here: only a script's first write fails if there is no room

-- 2. Is it in its owner's list, for as long as it may live? (34560000 s: MaxAge)
if op == 'put' or owner == '' then
	listed = '0'
elseif listed then
	local time = redis.call('TIME')
	if time[1] * 1000000 + time[2] > tonumber(by) then return 'unlisted' end
elseif lies[2] ~= owner or tonumber(lies[4]) < math.min(tonumber(expires), now + 34560000000000) then
	return 'unlisted'
end

-- 3. Write.
redis.call('HSET', KEYS[1], 'version', new, 'owner', owner, 'saved', saved, 'expires', expires, 'data', data)
if op ~= 'update' then redis.call('HSET', KEYS[1], 'created', created) end
if listed then redis.call('HSET', KEYS[1], 'listed', listed) end
redis.call('PEXPIRE', KEYS[1], ttl)
return 'done'
`

// Create implements [Store], in two round trips: the owner's list, the record.
func (r *Redis) Create(ctx context.Context, rec Record) error {
	return r.write(ctx, "create", 0, 1, rec)
}

// Update implements [Store], in one round trip. When the owner changes, and once
// an hour, it takes three: the list must come before the record, and only the
// record knows whether it is listed.
func (r *Redis) Update(ctx context.Context, rec Record) error {
	return r.write(ctx, "update", rec.Version, rec.Version+1, rec)
}

// Put implements [Cache].
func (r *Redis) Put(ctx context.Context, rec Record) error {
	return r.write(ctx, "put", 0, rec.Version, rec)
}

func (r *Redis) write(ctx context.Context, op string, version, next uint64, rec Record) error {
	now := r.clock.Now()
	all := []any{op, version, now.UnixMicro(), next, rec.Owner, rec.Saved.UnixMicro(), rec.Expires.UnixMicro(),
		(max(reach(rec, now).Sub(now), 0) + Linger).Milliseconds(), rec.Data, rec.Created.UnixMicro()}
	args := all
	if op == "update" {
		args = all[:9] // Created stays as it was, and each argument costs time
	}
	unlisted := op == "create" && rec.Owner != ""
	for range 3 {
		if unlisted {
			listed, by, err := r.list(ctx, rec, now)
			if err != nil {
				return err
			}
			args = append(all[:10:10], listed, by)
		}
		err := r.swap(ctx, rec.ID, args...)
		if unlisted = errors.Is(err, errUnlisted); !unlisted {
			return err
		}
	}
	return unavailable(errUnlisted) // three times
}

// reach is until when a record has to be kept: no browser keeps its cookie longer
// than MaxAge.
func reach(rec Record, now time.Time) time.Time {
	if last := now.Add(MaxAge); rec.Expires.After(last) {
		return last
	}
	return rec.Expires
}

// Delete implements [Store]. The owner's list is put right when it is read.
func (r *Redis) Delete(ctx context.Context, id ID, version uint64) error {
	return r.swap(ctx, id, "delete", version)
}

// errUnlisted is the script's answer when the owner's list comes first.
var errUnlisted = errors.New("the record came too late after its owner's list")

func (r *Redis) swap(ctx context.Context, id ID, args ...any) error {
	outcome, err := r.run(ctx, r.swapping, r.recordKey(id), args...).Text()
	if err != nil {
		return failed(err)
	}
	switch outcome {
	case "done":
		return nil
	case "taken":
		return ErrExists
	case "missing":
		return ErrNotFound
	case "over":
		return ErrExpired
	case "changed":
		return ErrConflict
	default:
		return errUnlisted
	}
}

// failed returns [ErrFull] for a Redis that has no memory left, and [ErrUnavailable]
// for any other failure.
func failed(err error) error {
	if err != nil && strings.Contains(err.Error(), "OOM command not allowed") { // an older Redis writes more before these words
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return unavailable(err)
}

// isWrongType reports that a key holds another type than we store there.
func isWrongType(err error) bool { return redis.HasErrorPrefix(err, "WRONGTYPE") }

// Load implements [Store].
func (r *Redis) Load(ctx context.Context, id ID) (Record, error) {
	found, err := r.found(id, r.do(ctx, append(r.reading(id), "data")...))
	switch {
	case err != nil:
		return Record{}, err
	case !found.rec.Expires.After(r.clock.Now()):
		return found.rec, ErrExpired
	default:
		return found.rec, nil
	}
}

// found is a record as it lies there.
type found struct {
	rec    Record
	listed bool // in its owner's list
}

// reading is the command that asks for a record without its data; the field data may
// be added at the end.
func (r *Redis) reading(id ID) []any {
	return []any{"hmget", r.recordKey(id), "version", "owner", "created", "saved", "expires", "listed"}
}

// found takes the answer to reading.
func (r *Redis) found(id ID, cmd *redis.Cmd) (found, error) {
	fields, err := cmd.Slice()
	if err != nil && !isWrongType(err) {
		return found{}, unavailable(err)
	}
	if err == nil && !slices.ContainsFunc(fields, func(field any) bool { return field != nil }) {
		return found{}, ErrNotFound
	}
	text := func(n int) string {
		field, ok := "", false
		if n < len(fields) {
			field, ok = fields[n].(string)
		}
		if !ok && err == nil {
			err = errors.New("a field is missing")
		}
		return field
	}
	number := func(n int) int64 {
		value, bad := strconv.ParseInt(text(n), 10, 64)
		if err == nil {
			err = bad
		}
		return value
	}
	when := func(n int) time.Time { return time.UnixMicro(number(n)).UTC() }
	version, bad := strconv.ParseUint(text(0), 10, 64)
	if err == nil {
		err = bad
	}
	f := found{listed: number(5) != 0, rec: Record{
		ID: id, Version: version, Owner: text(1), Created: when(2), Saved: when(3), Expires: when(4),
	}}
	if len(fields) > 6 {
		f.rec.Data = []byte(text(6))
	}
	if err != nil {
		return found{}, fmt.Errorf("%w: what %s holds is no record: %w", ErrNotFound, r.recordKey(id), err)
	}
	return f, nil
}

// ClearExpired implements [Store]. Redis shows its keys in small steps and
// answers others between them.
func (r *Redis) ClearExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	cleared := 0
	if limit <= 0 {
		return 0, nil
	}
	err := r.scan(ctx, "session:", func(keys []string) error {
		// 1. Which of these are over?
		pipe := r.client.Pipeline()
		var ids []ID
		var ends []*redis.Cmd
		for _, key := range keys {
			if id, ok := ParseID(strings.TrimPrefix(key, r.prefix+"session:")); ok {
				cmd := redis.NewCmd(ctx, "hmget", key, "expires")
				_ = pipe.Process(ctx, once{cmd})
				ids, ends = append(ids, id), append(ends, cmd)
			}
		}
		_, _ = pipe.Exec(ctx) // each command has its own error
		// 2. Those go, unless they were saved for longer meanwhile.
		for i, cmd := range ends {
			fields, err := cmd.Slice()
			if isWrongType(err) {
				continue
			}
			if err != nil {
				return err
			}
			expires, _ := fields[0].(string)
			if at, err := strconv.ParseInt(expires, 10, 64); err != nil || at >= before.UnixMicro() {
				continue // it lives, or went, or is not ours
			}
			switch err := r.swap(ctx, ids[i], "clear", 0, before.UnixMicro()); {
			case err == nil:
				if cleared++; cleared == limit {
					return errEnough
				}
			case errors.Is(err, ErrUnavailable):
				return err
			}
		}
		return pause(ctx, clearRest) // the server has others to answer
	})
	return cleared, err
}

// Clear implements [Cache]: it removes every key under the prefix.
func (r *Redis) Clear(ctx context.Context) error {
	return r.scan(ctx, "", func(keys []string) error {
		pipe := r.client.Pipeline()
		for _, key := range keys { // one by one: a Cluster keeps them apart
			_ = pipe.Process(ctx, once{redis.NewCmd(ctx, "unlink", key)}) // Exec tells
		}
		_, err := pipe.Exec(ctx)
		return err
	})
}

// errEnough ends a scan early.
var errEnough = errors.New("enough")

// scan walks all keys under the prefix that begin like this, on each master of a
// Cluster. It may give a key twice.
func (r *Redis) scan(ctx context.Context, begin string, each func(keys []string) error) error {
	const step = 50 // a server answers nobody else meanwhile
	nodes, err := r.masters(ctx)
	if err != nil {
		return unavailable(err)
	}
	pattern := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(r.prefix+begin) + "*"
	for _, node := range nodes {
		for cursor := uint64(0); ; {
			if ctx.Err() != nil {
				return unavailable(ctx.Err())
			}
			keys, next, err := node.Scan(ctx, cursor, pattern, step).Result()
			if err == nil && len(keys) > 0 {
				err = each(keys)
			}
			switch {
			case err == errEnough:
				return nil
			case errors.Is(err, ErrUnavailable):
				return err
			case err != nil:
				return unavailable(err)
			}
			if cursor = next; cursor == 0 {
				break
			}
		}
	}
	return nil
}

// script is a Lua text that Redis may know already, by its SHA-1.
type script struct{ text, sha string }

func newScript(text string) script { return script{text, redis.NewScript(text).Hash()} }

// run runs a script on one key. A server that was started again, and each node of
// a Cluster, has to be told the text once.
func (r *Redis) run(ctx context.Context, s script, key string, args ...any) *redis.Cmd {
	words := append([]any{"evalsha", s.sha, 1, key}, args...)
	cmd := r.do(ctx, words...)
	if redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") {
		words[0], words[1] = "eval", s.text
		cmd = r.do(ctx, words...)
	}
	return cmd
}

// do runs one command, once.
func (r *Redis) do(ctx context.Context, words ...any) *redis.Cmd {
	cmd := redis.NewCmd(ctx, words...)
	if err := r.client.Process(ctx, once{cmd}); err != nil {
		r.lookAgain(ctx, err)
	}
	return cmd
}

// once is a command that the client must not send again by itself (see [Redis]).
// It still follows the redirections of a Cluster, which did nothing yet.
type once struct{ *redis.Cmd }

// NoRetry tells the client.
func (once) NoRetry() bool { return true }
