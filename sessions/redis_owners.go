// The owner index of a Redis store: which sessions are an owner's.
//
// A record and its owner's list are two keys, in a Cluster on two nodes, so no
// step writes both. A live record is in its owner's list all the same, whatever
// comes in between:
//
//  1. The list is written before the record, so a crash leaves an entry too many,
//     never one too few. Who reads a list asks each record.
//  2. A record notes in "listed" until when its entry will do; saving it for
//     longer, or for another owner, asks for an entry first (swapText, step 2).
//     An entry is written for an hour more than the session has, so most saves
//     need none, and one that Redis lost is there again after an hour of saves.
//  3. An entry, and the TTL of the list, outlive that by another hour, so clocks
//     of servers may differ. Neither is ever cut short.
//  4. An entry that is one too many is removed when it is read, but never one that
//     was written in the last minute, since its record may be under way: a record
//     that comes half a minute after its entry is refused and listed once more.
//     Redis tells this time: the entry "changed" is when the list last grew.

package sessions

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	listFor = time.Hour        // longer than the session has
	listDue = 30 * time.Second // for the record to come
)

// An owner may be any text; escaped it is readable, and has no {} for a Cluster
// to make something of.
func (r *Redis) ownerKey(owner string) string { return r.prefix + "owner:" + url.QueryEscape(owner) }

// listText adds an entry to a list: a sorted set of IDs by the instant until
// which they are to be kept. What no one needs any more goes by the way. It
// answers when that was, by Redis's clock.
const listText = `
local id, till, now, ttl = unpack(ARGV)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. now)
redis.call('ZADD', KEYS[1], 'GT', till, id)
local time = redis.call('TIME')
local changed = string.format('%d%06d', time[1], time[2])
redis.call('ZADD', KEYS[1], changed, 'changed')
if redis.call('PTTL', KEYS[1]) < tonumber(ttl) then redis.call('PEXPIRE', KEYS[1], ttl) end
return changed
`

// list puts a record on its owner's list, before it is written. It gives what the
// record is to note, and by when it has to be there.
func (r *Redis) list(ctx context.Context, rec Record, now time.Time) (listed, by int64, err error) {
	good := reach(rec, now)
	till := good.Add(2 * listFor)
	if good.Before(now) {
		till = now.Add(2 * listFor)
	}
	changed, err := r.run(ctx, r.listing, r.ownerKey(rec.Owner),
		rec.ID.String(), till.UnixMicro(), now.UnixMicro(), till.Sub(now).Milliseconds()).Int64()
	return good.Add(listFor).UnixMicro(), changed + listDue.Microseconds(), unavailable(err)
}

// ByOwner implements [Store].
func (r *Redis) ByOwner(ctx context.Context, owner string, after Record, limit int) ([]Record, error) {
	recs, err := r.byOwner(ctx, owner)
	return pageOf(recs, after, limit), err
}

// Trim implements [Store].
func (r *Redis) Trim(ctx context.Context, owner string, keep Quota) (int, error) {
	recs, err := r.byOwner(ctx, owner)
	if err != nil {
		return 0, err
	}
	return trim(ctx, r, recs, keep)
}

func (r *Redis) byOwner(ctx context.Context, owner string) ([]Record, error) {
	if owner == "" {
		return nil, nil
	}
	names, err := r.do(ctx, "zrange", r.ownerKey(owner), 0, -1).StringSlice()
	if err != nil {
		return nil, unavailable(err)
	}
	var ids []ID
	for _, name := range names {
		if id, ok := ParseID(name); ok {
			ids = append(ids, id)
		}
	}
	recs, strays, err := r.listedFor(ctx, owner, ids)
	if err != nil {
		return nil, err
	}
	if len(strays) > 0 {
		r.tidy(ctx, owner, strays)
	}
	now := r.clock.now()
	recs = slices.DeleteFunc(recs, func(rec Record) bool { return !rec.Expires.After(now) })
	slices.SortFunc(recs, func(a, b Record) int { return b.Saved.Compare(a.Saved) })
	return recs, nil
}

// listedFor loads the records of a list: those that belong there, and the IDs of
// which nothing does. An expired record still does: another server's clock may
// call it live, and Redis removes it soon.
func (r *Redis) listedFor(ctx context.Context, owner string, ids []ID) (recs []Record, strays []ID, err error) {
	for some := range slices.Chunk(ids, 200) {
		pipe := r.client.Pipeline()
		cmds := make([]*redis.Cmd, len(some))
		for i, id := range some {
			cmds[i] = redis.NewCmd(ctx, r.reading(id)...)
			_ = pipe.Process(ctx, once{cmds[i]}) // Exec tells
		}
		if _, err := pipe.Exec(ctx); err != nil {
			r.lookAgain(ctx, err)
			return nil, nil, unavailable(err)
		}
		for i, id := range some {
			lies, err := r.found(id, cmds[i])
			switch {
			case errors.Is(err, ErrNotFound), err == nil && (lies.rec.Owner != owner || !lies.listed):
				strays = append(strays, id)
			case err != nil:
				return nil, nil, err
			default:
				recs = append(recs, lies.rec)
			}
		}
	}
	return recs, strays, nil
}

// tidyText removes entries of a list that has not grown since it was asked before,
// which was at least a minute after it had grown.
const tidyText = `
local changed = redis.call('ZSCORE', KEYS[1], 'changed')
if ARGV[1] == '' then
	local time = redis.call('TIME')
	if not changed or time[1] * 1000000 + time[2] - changed < 60000000 then return '' end
	return changed
end
if changed ~= ARGV[1] then return '' end
for i = 2, #ARGV do redis.call('ZREM', KEYS[1], ARGV[i]) end
if redis.call('ZCARD', KEYS[1]) == 1 then redis.call('DEL', KEYS[1]) end
return changed
`

// tidy removes entries that no record belongs to. Whatever fails, the next reader
// tries again.
func (r *Redis) tidy(ctx context.Context, owner string, strays []ID) {
	const most = 1000 // at once: a script holds everybody up
	key := r.ownerKey(owner)
	// 1. Every entry is older than a minute: its record came, or never will.
	changed, err := r.run(ctx, r.tidying, key, "").Text()
	if err != nil || changed == "" {
		return
	}
	// 2. So if it is not there now,
	_, strays, err = r.listedFor(ctx, owner, strays[:min(len(strays), most)])
	if err != nil || len(strays) == 0 {
		return
	}
	// 3. only a new entry could bring it, which the script would see.
	args := []any{changed}
	for _, id := range strays {
		args = append(args, id.String())
	}
	r.run(ctx, r.tidying, key, args...)
}
