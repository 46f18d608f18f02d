// PostgreSQL: a Store that several machines share.

package sessions

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Postgres keeps records in a table of a PostgreSQL database, for any number of
// programs on any number of machines. What was answered is as safe as the
// server's synchronous_commit makes it. A server that was away is found again
// by itself: connections that broke are replaced as they are needed.
//
// While the server's disk is full, Create and Update return [ErrFull]; removals need
// room only in the server's own log. A row that cannot be read, because somebody
// changed the table, is no record: [ErrNotFound], wrapped with the reason. Delete of
// version 0 removes it, and so does ClearExpired if it would never expire.
type Postgres struct {
	clock  Clock
	pool   *pgxpool.Pool
	shared atomic.Pointer[postgresTurn]
}

var _ Store = (*Postgres)(nil)

// What a URL that says nothing else gets; see [OpenPostgres].
const (
	postgresPatience    = 5 * time.Second // as SQLite waits for its lock
	postgresTurnLength  = time.Second     // see bounded
	postgresConnect     = 3 * time.Second
	postgresStatement   = 4 * time.Second // ends on the server before we give up on it
	postgresLock        = 2 * time.Second // each is held for one statement
	postgresConnections = 16              // a server allows 100: six programs
)

// postgresStart is how long a start may wait for another that makes the table.
const postgresStart = 30 * time.Second

// OpenPostgres connects to the database of a URL, as in
//
//	postgres://user:password@host:5432/database?sslmode=verify-full
//
// and makes the table sessions, in the first schema of the search path, unless
// it is there; several programs may start at once. A nil clock is time.Now.
// Close it at the end.
//
// Every call is given up after 5 to 6 seconds, the wait for a free connection
// included, also if its context ended before. Within that, unless the URL says
// otherwise: connect_timeout=3 (seconds), statement_timeout=4s and lock_timeout=2s
// (kept by the server, so that it does not work on for nobody),
// default_transaction_isolation=read committed, pool_max_conns=16, and what else
// pgxpool.ParseConfig names.
//
// An error that wraps [ErrOption] for a URL that cannot be meant, else one that
// wraps [ErrUnavailable]. Neither tells the password.
func OpenPostgres(ctx context.Context, url string, clock Clock) (*Postgres, error) {
	config, err := postgresConfig(url)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, postgresStart)
	defer cancel()
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, unavailable(err)
	}
	p := &Postgres{clock: clock, pool: pool}
	if err := p.begin(ctx); err != nil {
		pool.Close()
		return nil, unavailable(fmt.Errorf("open the database: %w", err))
	}
	return p, nil
}

func postgresConfig(text string) (*pgxpool.Config, error) {
	// Errors of url.Parse quote what they cannot parse, the password included.
	// Those of pgx do not, for what url.Parse can.
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return nil, &OptionError{"the database URL", "it has not the form postgres://user:password@host:5432/database"}
	}
	config, err := pgxpool.ParseConfig(text)
	if err != nil {
		return nil, &OptionError{"the database URL", err.Error()}
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = postgresConnect
	}
	if !u.Query().Has("pool_max_conns") {
		config.MaxConns = max(postgresConnections, config.MinConns, config.MinIdleConns)
	}
	for name, value := range map[string]string{
		"statement_timeout": fmt.Sprint(postgresStatement.Milliseconds()),
		"lock_timeout":      fmt.Sprint(postgresLock.Milliseconds()),
		// Where swaps meet, the later one shall see what the earlier one left.
		"default_transaction_isolation": "read committed",
	} {
		if _, set := config.ConnConfig.RuntimeParams[name]; !set {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	return config, nil
}

// begin makes the table if it is missing, and asks it once, so that a table of
// somebody else is found out now.
func (p *Postgres) begin(ctx context.Context) error {
	// 1. Where it is there nothing is written, so the right to is not needed.
	var there bool
	const look = `SELECT to_regclass('sessions') IS NOT NULL`
	if err := p.pool.QueryRow(ctx, look).Scan(&there); err != nil {
		return err
	}
	// 2. IF NOT EXISTS does not help when two do it at once: the later one fails.
	// So they queue up, by a lock that ends with the transaction.
	if !there {
		if err := pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
			for _, statement := range []string{
				fmt.Sprintf(`SET LOCAL statement_timeout = %d`, postgresStart.Milliseconds()),
				fmt.Sprintf(`SET LOCAL lock_timeout = %d`, postgresStart.Milliseconds()),
				`SELECT pg_advisory_xact_lock(hashtext('cookielab/sessions'))`,
				postgresSQL.table, postgresSQL.byExpiry, postgresSQL.ofOwner,
			} {
				if _, err := tx.Exec(ctx, statement); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	// 3. No record has this ID, but the columns must be there.
	_, err := p.pool.Exec(ctx, postgresSQL.load, make([]byte, len(ID{})))
	return err
}

// String names the store in traces.
func (p *Postgres) String() string { return "postgres" }

// Close closes all connections, after the calls that are under way; all methods
// fail afterwards. Its error is always nil.
func (p *Postgres) Close() error {
	p.pool.Close()
	return nil
}

// Ping reports whether the database answers.
func (p *Postgres) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, postgresPatience)
	defer cancel()
	return unavailable(p.pool.Ping(ctx))
}

// Create implements [Store].
func (p *Postgres) Create(_ context.Context, rec Record) error {
	n, err := p.add(p.bounded(), postgresSQL.create, rec.ID[:], []byte(rec.Owner), rec.Created, rec.Saved, rec.Expires, notNull(rec.Data))
	if err == nil && n == 0 {
		return ErrExists
	}
	return err
}

// Load implements [Store].
func (p *Postgres) Load(_ context.Context, id ID) (Record, error) { return p.load(p.bounded(), id) }

func (p *Postgres) load(ctx context.Context, id ID) (Record, error) {
	var v [6]any
	if err := p.one(ctx, postgresSQL.load, v[:], id[:]); err != nil {
		return Record{}, err
	}
	rec, err := row(v[:]).record(id)
	if err == nil && !rec.Expires.After(p.clock.Now()) {
		err = ErrExpired
	}
	return rec, err
}

// Update implements [Store]: one statement, so the swap is atomic by itself. Of
// two for one record, the later one waits for the earlier and looks again.
func (p *Postgres) Update(_ context.Context, rec Record) error {
	ctx := p.bounded()
	n, err := p.add(ctx, postgresSQL.update, []byte(rec.Owner), rec.Saved, rec.Expires, notNull(rec.Data), rec.ID[:], rec.Version, p.clock.Now())
	if err == nil && n == 0 {
		return p.whyNot(ctx, rec.ID)
	}
	return err
}

// Delete implements [Store].
func (p *Postgres) Delete(_ context.Context, id ID, version uint64) error {
	ctx := p.bounded()
	if version == 0 {
		n, err := p.exec(ctx, postgresSQL.remove, id[:])
		if err == nil && n == 0 {
			return ErrNotFound
		}
		return err
	}
	n, err := p.exec(ctx, postgresSQL.removeVersion, id[:], version)
	if err == nil && n == 0 {
		if err = p.whyNot(ctx, id); errors.Is(err, ErrExpired) {
			err = ErrConflict // it lies there, so its version is another
		}
	}
	return err
}

// whyNot says why a statement that names a version found no row. The row may
// have changed again since: a conflict then, and the caller looks afresh.
func (p *Postgres) whyNot(ctx context.Context, id ID) error {
	if _, err := p.load(ctx, id); err != nil {
		return err
	}
	return ErrConflict
}

// Stamp implements [Stamper].
func (p *Postgres) Stamp(_ context.Context, id ID) (version uint64, expires time.Time, err error) {
	var v [2]any
	if err := p.one(p.bounded(), postgresSQL.stamp, v[:], id[:]); err != nil {
		return 0, time.Time{}, err
	}
	return stampOf(v[0], v[1])
}

// ByOwner implements [Store]. An index has the rows in this order.
func (p *Postgres) ByOwner(_ context.Context, owner string, after Record, limit int) ([]Record, error) {
	saved := pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true}
	if !isStart(after) {
		saved = pgtype.Timestamptz{Time: after.Saved, Valid: true}
	}
	rows, err := p.pool.Query(p.bounded(), postgresSQL.byOwner, []byte(owner), p.clock.Now(), saved, after.ID[:], max(limit, 0))
	if err != nil {
		return nil, unavailable(err)
	}
	defer rows.Close()
	page := []Record{}
	for rows.Next() {
		v, err := rows.Values()
		if err != nil {
			return nil, unavailable(err)
		}
		id, _ := asBytes(v[0])
		rec, err := row(v[1:]).record(ID(id))
		if err != nil {
			return nil, unavailable(err)
		}
		page = append(page, rec)
	}
	return page, unavailable(rows.Err())
}

// Trim implements [Store]: it finds the newest record that the quota has no room for,
// and removes that one and all older ones, in small steps. Rows that are locked stay:
// they are in use, or another server is about to remove them.
func (p *Postgres) Trim(ctx context.Context, owner string, keep Quota) (int, error) {
	var newest [2]any
	err := p.one(p.bounded(), postgresSQL.overQuota, newest[:], []byte(owner), keep.Records, keep.Bytes)
	if errors.Is(err, ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return p.inSteps(ctx, math.MaxInt, postgresSQL.removeOlder, []byte(owner), newest[0], newest[1])
}

// ClearExpired implements [Store]. Requests do not wait for it: to read needs no
// lock, and what it locks, for a moment, has expired. What others have locked is
// passed over; only where the living are meant, too ([EndAll]), it is waited for:
// a request that is just saving a session must not keep it.
func (p *Postgres) ClearExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := p.inSteps(ctx, limit, postgresSQL.clear, before)
	if err == nil && n < limit {
		var more int
		more, err = p.inSteps(ctx, limit-n, postgresSQL.clearUnreadable)
		n += more
	}
	if err != nil || n >= limit || !before.After(p.clock.Now()) {
		return n, err
	}
	more, err := p.inSteps(ctx, limit-n, postgresSQL.clearUsed, before)
	return n + more, err
}

// inSteps removes rows with a statement whose last argument limits their number.
func (p *Postgres) inSteps(ctx context.Context, limit int, statement string, args ...any) (int, error) {
	return clearInSteps(ctx, limit, func(limit int) (int, error) {
		n, err := p.exec(p.bounded(), statement, append(slices.Clip(args), limit)...)
		return int(n), err
	})
}

// one reads one row; [ErrNotFound] if there is none.
func (p *Postgres) one(ctx context.Context, statement string, into []any, args ...any) error {
	columns := make([]any, len(into))
	for i := range into {
		columns[i] = &into[i]
	}
	err := p.pool.QueryRow(ctx, statement, args...).Scan(columns...)
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNotFound
	}
	return unavailable(err)
}

// add runs a statement that needs room; [ErrFull] on a full disk.
func (p *Postgres) add(ctx context.Context, statement string, args ...any) (rows int64, err error) {
	rows, err = p.exec(ctx, statement, args...)
	var said *pgconn.PgError
	if errors.As(err, &said) && said.Code == "53100" { // disk_full
		err = fmt.Errorf("%w: %w", ErrFull, err)
	}
	return rows, err
}

func (p *Postgres) exec(ctx context.Context, statement string, args ...any) (rows int64, err error) {
	tag, err := p.pool.Exec(ctx, statement, args...)
	return tag.RowsAffected(), unavailable(err)
}

// bounded lets a statement that has begun finish, whoever has hung up, as whole
// does, but not for ever: a server may be so far gone that it does not even
// refuse. (To cancel a statement would cost its connection.) One context serves
// all calls of a second: a timer for each costs a tenth of what a load does.
func (p *Postgres) bounded() context.Context {
	now := time.Now() // how long to wait is no judgement of age: no clock to move
	shared := p.shared.Load()
	if shared == nil || now.After(shared.until) {
		shared = &postgresTurn{until: now.Add(postgresTurnLength)}
		shared.ctx, shared.cancel = context.WithTimeout(context.Background(), postgresPatience+postgresTurnLength)
		p.shared.Store(shared) // if two do this at once, both are good
	}
	return shared.ctx
}

// postgresTurn is what the calls that begin until then share.
type postgresTurn struct {
	until  time.Time
	ctx    context.Context
	cancel context.CancelFunc // not called: calls may be under way until the context ends by itself
}

// notNull is the data of a record that has none: nil would be NULL.
func notNull(data []byte) []byte {
	if data == nil {
		return []byte{}
	}
	return data
}
