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
//     Redis's clock decides that, and each entry says when it was written.

package sessions

import (
	"context"
	"encoding/binary"
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

// listText adds an entry to a list: a sorted set of IDs. A score has two parts, in
// whole seconds: until when the entry is to be kept, by our clock, and when it was
// written, by Redis's (see tidyText). The script also removes entries that nobody needs
// any more. It returns the time by Redis's clock.
const listText = `
local id, till, now, ttl = unpack(ARGV)
local score = redis.pcall('ZSCORE', KEYS[1], id)
if type(score) == 'table' and score.err then
	if not string.find(score.err, 'WRONGTYPE', 1, true) then return score end
	redis.call('DEL', KEYS[1]) -- it is no list, so it is not ours
	score = false
end
local kept = score and math.floor(tonumber(score) / 1048576) or 0
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], string.format('%.0f', math.max(kept, tonumber(till)) * 1048576 + time[1] % 1048576), id) -- the first write: only that one fails if there is no room
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now * 1048576))
if redis.call('PTTL', KEYS[1]) < tonumber(ttl) then redis.call('PEXPIRE', KEYS[1], ttl) end
return string.format('%d%06d', time[1], time[2])
`

// list puts a record on its owner's list, before it is written. It gives what the
// record is to note, and by when it has to be there.
func (r *Redis) list(ctx context.Context, rec Record, now time.Time) (listed, by int64, err error) {
	good := reach(rec, now)
	till := good.Add(2 * listFor)
	if good.Before(now) {
		till = now.Add(2 * listFor)
	}
	written, err := r.run(ctx, r.listing, r.ownerKey(rec.Owner),
		rec.ID.String(), till.Unix(), now.Unix(), till.Sub(now).Milliseconds()).Int64()
	return good.Add(listFor).UnixMicro(), written + listDue.Microseconds(), failed(err)
}

// ByOwner implements [Store]. It walks all of an owner's list, in small steps.
func (r *Redis) ByOwner(ctx context.Context, owner string, after Record, limit int) ([]Record, error) {
	return pageOfWalk(r.owned(ctx, owner), r.clock.Now(), after, limit)
}

// Trim implements [Store]. A list still has entries of the removed records; the next
// walk removes those.
func (r *Redis) Trim(ctx context.Context, owner string, keep Quota) (int, error) {
	return trimWalk(ctx, r, r.owned(ctx, owner), keep, clearRest)
}

// listStep is how many entries of a list are read at once.
const listStep = 200

// owned walks an owner's records, and corrects the list on the way. Redis may return an
// entry several times, so the walk remembers which it had: some 20 bytes each.
func (r *Redis) owned(ctx context.Context, owner string) walk {
	return func(show func(Record, int)) error {
		if owner == "" {
			return nil
		}
		seen := map[uint64]bool{} // by the first bytes of an ID, which are random
		looked := ""
		for cursor := "0"; ; {
			var ids []ID
			var err error
			if ids, cursor, err = r.entries(ctx, owner, cursor); err != nil {
				return err
			}
			ids = slices.DeleteFunc(ids, func(id ID) bool {
				first := binary.BigEndian.Uint64(id[:])
				was := seen[first]
				seen[first] = true
				return was
			})
			strays, err := r.listedFor(ctx, owner, ids, show)
			if err != nil {
				return err
			}
			if len(strays) > 0 {
				looked = r.tidy(ctx, owner, strays, looked)
			}
			if cursor == "0" {
				return nil
			}
			if err := pause(ctx, clearRest); err != nil { // so that Redis can answer others
				return err
			}
		}
	}
}

// entries reads one step of a list, from a cursor on. The cursor "0" begins the list;
// next is "0" at its end.
func (r *Redis) entries(ctx context.Context, owner, cursor string) (ids []ID, next string, err error) {
	answer, err := r.do(ctx, "zscan", r.ownerKey(owner), cursor, "count", listStep).Slice()
	switch {
	case isWrongType(err):
		return nil, "0", nil
	case err != nil:
		return nil, "", unavailable(err)
	case len(answer) != 2:
		return nil, "", unavailable(errors.New("this is no answer to ZSCAN"))
	}
	next, _ = answer[0].(string)
	pairs, ok := answer[1].([]any)
	if !ok || next == "" {
		return nil, "", unavailable(errors.New("this is no answer to ZSCAN"))
	}
	for n := 0; n < len(pairs); n += 2 { // pairs of a member and its score
		name, _ := pairs[n].(string)
		if id, ok := ParseID(name); ok {
			ids = append(ids, id)
		}
	}
	return ids, next, nil
}

// listedFor calls show for the records that belong on the list, and returns the IDs of
// the entries that have no such record. An expired record still belongs there: by another
// server's clock it may be live, and Redis removes it soon.
func (r *Redis) listedFor(ctx context.Context, owner string, ids []ID, show func(Record, int)) (strays []ID, err error) {
	for some := range slices.Chunk(ids, listStep) {
		pipe := r.client.Pipeline()
		records, sizes := make([]*redis.Cmd, len(some)), make([]*redis.Cmd, len(some))
		for i, id := range some {
			records[i] = redis.NewCmd(ctx, r.reading(id)...)
			sizes[i] = redis.NewCmd(ctx, "hstrlen", r.recordKey(id), "data")
			_ = pipe.Process(ctx, once{records[i]}) // each command has its own error
			_ = pipe.Process(ctx, once{sizes[i]})
		}
		if _, err := pipe.Exec(ctx); err != nil {
			r.lookAgain(ctx, err)
		}
		for i, id := range some {
			lies, err := r.found(id, records[i])
			size, sizeErr := sizes[i].Int()
			there := true // length 0 means empty data, or no data at all, which is no record
			if err == nil && sizeErr == nil && size == 0 {
				there, sizeErr = r.do(ctx, "hexists", r.recordKey(id), "data").Bool()
			}
			switch {
			case errors.Is(err, ErrNotFound), err == nil && (lies.rec.Owner != owner || !lies.listed || !there):
				strays = append(strays, id)
			case err != nil:
				return nil, err
			case sizeErr != nil:
				return nil, unavailable(sizeErr)
			default:
				show(lies.rec, size)
			}
		}
	}
	return strays, nil
}

// tidyText removes entries whose records were looked for at an instant, and not found,
// if the entries had been written at least a minute before it. Without an instant it
// returns the time. The time in an entry starts again at 0 every 2^20 seconds (twelve
// days). So an entry that seems to come from the future was written after the instant,
// or is almost twelve days old, and then a later walk removes it.
const tidyText = `
local looked = ARGV[1]
if not looked then return redis.call('TIME')[1] end
for i = 2, #ARGV do
	local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
	local age = score and (looked - score) % 1048576
	if age and age >= 60 and age < 1048576 - 86400 then redis.call('ZREM', KEYS[1], ARGV[i]) end
end
return looked
`

// tidy removes entries that no record belongs to. Whatever fails, the next reader
// tries again. It returns the instant at which this walk first looked for such records,
// by Redis's clock; the next step needs it.
func (r *Redis) tidy(ctx context.Context, owner string, strays []ID, looked string) string {
	key := r.ownerKey(owner)
	if looked == "" {
		// 1. An entry that is a minute old has its record by now, or will never have it.
		var err error
		if looked, err = r.run(ctx, r.tidying, key).Text(); err != nil {
			return ""
		}
		// 2. If the record is not there now either,
		if strays, err = r.listedFor(ctx, owner, strays, func(Record, int) {}); err != nil {
			return looked
		}
	}
	// 3. it could only come with a newer entry, which the script would see and keep.
	args := []any{looked}
	for _, id := range strays {
		args = append(args, id.String())
	}
	r.run(ctx, r.tidying, key, args...)
	return looked
}
