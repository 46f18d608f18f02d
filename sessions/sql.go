// SQL: what the two SQL stores say to their databases, one dialect above the
// other, line by line.

package sessions

import (
	"context"
	"fmt"
	"math"
	"time"
)

// Stamper is a store that can tell whether a record changed without reading all
// of it, by its primary key. It does not judge age: that is for who asks.
type Stamper interface {
	// Stamp gives the version of a record and when it expires. ErrNotFound when
	// there is none; ErrExpired never; else an error that wraps ErrUnavailable.
	Stamp(ctx context.Context, id ID) (version uint64, expires time.Time, err error)
}

var (
	_ Stamper = (*SQLite)(nil)
	_ Stamper = (*Postgres)(nil)
)

// statements are the texts of one dialect. The parameters of a statement, and
// the columns it gives, have the same order in both.
type statements struct {
	table, byExpiry, ofOwner string // made at the start

	load, stamp, byOwner   string
	create, update         string
	remove, removeVersion  string
	clear, clearUsed       string
	clearUnreadable        string
	overQuota, removeOlder string
}

// sqliteSQL: times are microseconds since 1970, UTC. An ordinary table, with the
// IDs in an index beside it: WITHOUT ROWID was measured a fifth slower to update.
var sqliteSQL = statements{
	table: `CREATE TABLE IF NOT EXISTS sessions (
		id      BLOB    PRIMARY KEY,
		version INTEGER NOT NULL,
		owner   TEXT    NOT NULL,
		created INTEGER NOT NULL,
		saved   INTEGER NOT NULL,
		expires INTEGER NOT NULL,
		data    TEXT    NOT NULL)`,
	byExpiry: `CREATE INDEX IF NOT EXISTS sessions_by_expiry ON sessions (expires)`,
	// An earlier version made this index without the ID. It still works: SQLite then
	// sorts the records that were saved at the same instant by itself.
	ofOwner: `CREATE INDEX IF NOT EXISTS sessions_by_owner  ON sessions (owner, saved, id) WHERE owner <> ''`,

	load:          `SELECT version, owner, created, saved, expires, data FROM sessions WHERE id = ?`,
	stamp:         `SELECT version, expires FROM sessions WHERE id = ?`,
	byOwner:       `SELECT id, version, owner, created, saved, expires FROM sessions WHERE owner = ? AND owner <> '' AND expires > ? AND (saved, id) < (?, ?)` + sqliteReadable + sqliteReadableKey + ` ORDER BY saved DESC, id DESC LIMIT ?`,
	create:        `INSERT INTO sessions (id, version, owner, created, saved, expires, data) VALUES (?, 1, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
	update:        `UPDATE sessions SET version = version + 1, owner = ?, saved = ?, expires = ?, data = ? WHERE id = ? AND version = ? AND expires > ?` + sqliteReadable,
	remove:        `DELETE FROM sessions WHERE id = ?`,
	removeVersion: `DELETE FROM sessions WHERE id = ? AND version = ?`,
	clear:         `DELETE FROM sessions WHERE rowid IN (SELECT rowid FROM sessions WHERE expires < ? LIMIT ?)`, // rows need no locks: SQLite has one writer at a time

	clearUnreadable: `DELETE FROM sessions WHERE rowid IN (SELECT rowid FROM sessions WHERE expires >= 253402300800000000 UNION ALL SELECT rowid FROM sessions WHERE expires IS NULL LIMIT ?)`, // not OR, for which SQLite would walk the whole index
	overQuota:       `SELECT saved, id FROM (SELECT saved, id, row_number() OVER newest AS records, sum(octet_length(data)) OVER newest AS bytes FROM sessions WHERE owner = ? AND owner <> '' WINDOW newest AS (ORDER BY saved DESC, id DESC ROWS UNBOUNDED PRECEDING)) WHERE records > ? OR bytes > ? LIMIT 1`,
	removeOlder:     `DELETE FROM sessions WHERE rowid IN (SELECT rowid FROM sessions WHERE owner = ? AND owner <> '' AND (saved, id) <= (?, ?) ORDER BY saved, id LIMIT ?)`,
}

// The conditions under which a row can be read (see row), in SQL, for statements that
// must know it before the row is read: each time is a number from the year 1 to the year
// 9999, and not text or NULL.
const (
	sqliteReadable    = ` AND min(created, saved, expires) >= -62135596800000000 AND max(created, saved, expires) < 253402300800000000 AND owner NOT NULL AND data NOT NULL`
	sqliteReadableKey = ` AND typeof(id) = 'blob' AND length(id) = 32 AND typeof(version) = 'integer' AND version > 0 AND version < 9223372036854775807`

	postgresReadable    = ` AND least(created, saved, expires) >= '0001-01-01T00:00:00Z' AND greatest(created, saved, expires) <= '9999-12-31T23:59:59.999999Z' AND (owner, created, saved, expires, data) IS NOT NULL`
	postgresReadableKey = ` AND length(id) = 32 AND version > 0 AND version < 9223372036854775807`
)

// postgresSQL: times are exact to the microsecond, too, and never compared with
// the server's own clock. Owners and data are bytes, because a PostgreSQL text
// holds no U+0000 and orders by the rules of a language. They are read like this:
//
//	SELECT convert_from(owner, 'UTF8'), expires, convert_from(data, 'UTF8') FROM sessions;
var postgresSQL = statements{
	table: `CREATE TABLE IF NOT EXISTS sessions (
		id      bytea       PRIMARY KEY,
		version bigint      NOT NULL,
		owner   bytea       NOT NULL,
		created timestamptz NOT NULL,
		saved   timestamptz NOT NULL,
		expires timestamptz NOT NULL,
		data    bytea       NOT NULL)`,
	byExpiry: `CREATE INDEX IF NOT EXISTS sessions_by_expiry ON sessions (expires)`,
	ofOwner:  `CREATE INDEX IF NOT EXISTS sessions_by_owner  ON sessions (owner, saved, id) WHERE owner <> ''`,

	load:          `SELECT version, owner, created, saved, expires, data FROM sessions WHERE id = $1`,
	stamp:         `SELECT version, expires FROM sessions WHERE id = $1`,
	byOwner:       `SELECT id, version, owner, created, saved, expires FROM sessions WHERE owner = $1 AND owner <> '' AND expires > $2 AND (saved, id) < ($3, $4)` + postgresReadable + postgresReadableKey + ` ORDER BY saved DESC, id DESC LIMIT $5`,
	create:        `INSERT INTO sessions (id, version, owner, created, saved, expires, data) VALUES ($1, 1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
	update:        `UPDATE sessions SET version = version + 1, owner = $1, saved = $2, expires = $3, data = $4 WHERE id = $5 AND version = $6 AND expires > $7` + postgresReadable,
	remove:        `DELETE FROM sessions WHERE id = $1`,
	removeVersion: `DELETE FROM sessions WHERE id = $1 AND version = $2`,
	// ARRAY: the inner query must run once only. What is locked is in use, or
	// somebody else's to clear. To wait for it takes an order, so that two who do
	// never wait for each other.
	clear:     `DELETE FROM sessions WHERE id = ANY(ARRAY(SELECT id FROM sessions WHERE expires < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))`,
	clearUsed: `DELETE FROM sessions WHERE id = ANY(ARRAY(SELECT id FROM sessions WHERE expires < $1 ORDER BY id LIMIT $2 FOR UPDATE))`,

	clearUnreadable: `DELETE FROM sessions WHERE id = ANY(ARRAY(SELECT id FROM sessions WHERE expires IS NULL OR expires > '9999-12-31T23:59:59.999999Z' LIMIT $1 FOR UPDATE SKIP LOCKED))`,
	overQuota:       `SELECT saved, id FROM (SELECT saved, id, row_number() OVER newest AS records, sum(octet_length(data)) OVER newest AS bytes FROM sessions WHERE owner = $1 AND owner <> '' WINDOW newest AS (ORDER BY saved DESC, id DESC ROWS UNBOUNDED PRECEDING)) AS listed WHERE records > $2 OR bytes > $3 LIMIT 1`,
	removeOlder:     `DELETE FROM sessions WHERE id = ANY(ARRAY(SELECT id FROM sessions WHERE owner = $1 AND owner <> '' AND (saved, id) <= ($2, $3) ORDER BY saved, id LIMIT $4 FOR UPDATE SKIP LOCKED))`,
}

// row is a row as a database gave it: version, owner, created, saved, expires and, if
// they were asked for, data. They may be of any type, as somebody may have changed the
// table or its content.
type row []any

// record reads the record in a row. If the row holds none the error is [ErrNotFound],
// with the reason: one bad row means one unknown session, and not a broken store.
func (r row) record(id ID) (rec Record, err error) {
	version, isVersion := asVersion(r[0])
	owner, isText := asBytes(r[1])
	switch {
	case !isVersion:
		return Record{}, unreadable("version", r[0])
	case !isText:
		return Record{}, unreadable("owner", r[1])
	}
	rec = Record{ID: id, Version: version, Owner: string(owner)}
	for i, column := range []struct {
		name string
		into *time.Time
	}{{"created", &rec.Created}, {"saved", &rec.Saved}, {"expires", &rec.Expires}} {
		var ok bool
		if *column.into, ok = asTime(r[2+i]); !ok {
			return Record{}, unreadable(column.name, r[2+i])
		}
	}
	if len(r) > 5 {
		if rec.Data, isText = asBytes(r[5]); !isText {
			return Record{}, unreadable("data", r[5])
		}
	}
	return rec, nil
}

// stampOf reads what a [Stamper] returns from two columns of a row.
func stampOf(version, expires any) (uint64, time.Time, error) {
	number, ok := asVersion(version)
	if !ok {
		return 0, time.Time{}, unreadable("version", version)
	}
	at, ok := asTime(expires)
	if !ok {
		return 0, time.Time{}, unreadable("expires", expires)
	}
	return number, at, nil
}

// unreadable is the error that names the column that cannot be read. It shows a number or
// a time. Of other content it shows only the type, because it may be somebody's data.
func unreadable(column string, value any) error {
	switch value.(type) {
	case int64, float64, time.Time:
		return fmt.Errorf("%w: its row cannot be read: %s is %v", ErrNotFound, column, value)
	default:
		return fmt.Errorf("%w: its row cannot be read: %s is of type %T", ErrNotFound, column, value)
	}
}

// asVersion reads a version. No version can come after the largest number, so that one is
// not a version.
func asVersion(value any) (version uint64, ok bool) {
	number, isInteger := value.(int64)
	return uint64(number), isInteger && 0 < number && number < math.MaxInt64
}

func asBytes(value any) ([]byte, bool) {
	switch v := value.(type) {
	case string:
		return []byte(v), true
	case []byte:
		return v, v != nil
	default:
		return nil, false
	}
}

// asTime reads a time of SQLite, in microseconds, or of PostgreSQL. ok is false outside
// of the years 1 to 9999.
func asTime(value any) (at time.Time, ok bool) {
	switch v := value.(type) {
	case int64:
		at = time.UnixMicro(v).UTC()
	case float64: // SQLite may store any number as a float
		at = time.UnixMicro(int64(v)).UTC()
	case time.Time:
		at = v.UTC()
	default:
		return time.Time{}, false
	}
	return at, 1 <= at.Year() && at.Year() <= 9999
}

// clearStep is how many records are removed at once: few, because in SQLite nobody else can
// write meanwhile. A thousand took 30 ms, twenty take one.
const clearStep, clearRest = 20, time.Millisecond

// clearInSteps removes up to limit records, with rests in which others write.
func clearInSteps(ctx context.Context, limit int, step func(limit int) (int, error)) (int, error) {
	for total := 0; ; {
		most := max(min(clearStep, limit-total), 0) // to SQLite, -1 is no limit
		n, err := step(most)
		if total += n; err != nil || n < clearStep {
			return total, err
		}
		if err := pause(ctx, clearRest); err != nil {
			return total, err
		}
	}
}
