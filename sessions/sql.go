// SQL: what the two SQL stores say to their databases, one dialect above the
// other, line by line.

package sessions

import (
	"context"
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

	load, stamp, byOwner  string
	create, update        string
	remove, removeVersion string
	clear, clearUsed      string
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
	ofOwner:  `CREATE INDEX IF NOT EXISTS sessions_by_owner  ON sessions (owner, saved) WHERE owner <> ''`,

	load:          `SELECT version, owner, created, saved, expires, data FROM sessions WHERE id = ?`,
	stamp:         `SELECT version, expires FROM sessions WHERE id = ?`,
	byOwner:       `SELECT id, version, owner, created, saved, expires, data FROM sessions WHERE owner = ? AND owner <> '' AND expires > ? ORDER BY saved DESC`,
	create:        `INSERT INTO sessions (id, version, owner, created, saved, expires, data) VALUES (?, 1, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
	update:        `UPDATE sessions SET version = version + 1, owner = ?, saved = ?, expires = ?, data = ? WHERE id = ? AND version = ? AND expires > ?`,
	remove:        `DELETE FROM sessions WHERE id = ?`,
	removeVersion: `DELETE FROM sessions WHERE id = ? AND version = ?`,
	clear:         `DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires < ? LIMIT ?)`, // nothing is locked: one writes at a time
}

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
	ofOwner:  `CREATE INDEX IF NOT EXISTS sessions_by_owner  ON sessions (owner, saved) WHERE owner <> ''`,

	load:          `SELECT version, owner, created, saved, expires, data FROM sessions WHERE id = $1`,
	stamp:         `SELECT version, expires FROM sessions WHERE id = $1`,
	byOwner:       `SELECT id, version, owner, created, saved, expires, data FROM sessions WHERE owner = $1 AND owner <> '' AND expires > $2 ORDER BY saved DESC`,
	create:        `INSERT INTO sessions (id, version, owner, created, saved, expires, data) VALUES ($1, 1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
	update:        `UPDATE sessions SET version = version + 1, owner = $1, saved = $2, expires = $3, data = $4 WHERE id = $5 AND version = $6 AND expires > $7`,
	remove:        `DELETE FROM sessions WHERE id = $1`,
	removeVersion: `DELETE FROM sessions WHERE id = $1 AND version = $2`,
	// ARRAY: the inner query must run once only. What is locked is in use, or
	// somebody else's to clear. To wait for it takes an order, so that two who do
	// never wait for each other.
	clear:     `DELETE FROM sessions WHERE id = ANY(ARRAY(SELECT id FROM sessions WHERE expires < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))`,
	clearUsed: `DELETE FROM sessions WHERE id = ANY(ARRAY(SELECT id FROM sessions WHERE expires < $1 ORDER BY id LIMIT $2 FOR UPDATE))`,
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
