// SQLite: a Store in one file, shared by all processes that open it.

package sessions

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	// Pure Go: one static binary on every system. Measured against
	// ncruces/go-sqlite3, the other one: equally fast once nothing is
	// cancelled (see whole), opens in half the time, a smaller binary.
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// SQLite keeps records in one database file, in WAL mode: readers and the one
// writer do not wait for each other. What was answered survives the end of the
// process, kill -9 included; after a power cut the last moments may be missing
// (synchronous=NORMAL), the file is whole. Several processes may share it.
type SQLite struct {
	clock Clock
	read  *sql.DB
	write *sql.DB // one connection: SQLite has one writer, and waiting in Go is cheaper

	load, stamp, ofOwner, create, update, remove, removeVersion, clear *sql.Stmt
}

// sqliteStart is for how long a start may find the file busy: several may start
// at once, on a slow disk.
const sqliteStart = 10 * time.Second

var _ Store = (*SQLite)(nil)

// OpenSQLite opens the database file, made with mode 0600 if it is missing,
// its folder must exist. A nil clock is time.Now. Close it at the end.
func OpenSQLite(ctx context.Context, file string, clock Clock) (*SQLite, error) {
	// SQLite would make the file readable for everybody; its WAL takes the
	// same mode.
	made, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("sessions: open the database: %w", err)
	}
	_ = made.Close() // nothing was written
	s := &SQLite{clock: clock}
	if s.write, err = openSQLite(file, 1, "journal_mode(WAL)"); err != nil { // the file keeps it
		return nil, err
	}
	if s.read, err = openSQLite(file, max(4, runtime.GOMAXPROCS(0))); err != nil {
		return nil, errors.Join(err, s.write.Close())
	}
	if err = s.begin(ctx); err == nil {
		err = s.prepare(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sessions: %s is not usable as a session database: %w", file, err), s.Close())
	}
	return s, nil
}

func openSQLite(file string, connections int, pragmas ...string) (*sql.DB, error) {
	absolute, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	path := filepath.ToSlash(absolute)
	if path[0] != '/' {
		path = "/" + path // file:///C:/… on Windows
	}
	source := url.URL{Scheme: "file", Path: path, RawQuery: url.Values{
		// Checkpoints are smaller and more frequent than SQLite's own 1000 pages: the
		// save that has to make one takes 1 ms instead of 3, all of them together as long.
		"_pragma": append([]string{"busy_timeout(5000)", "synchronous(NORMAL)", "wal_autocheckpoint(250)"}, pragmas...),
		"_txlock": {"immediate"},
	}.Encode()}
	db, err := sql.Open("sqlite", source.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// begin switches a new file to WAL mode and makes its table. While another
// program does the same, SQLite may answer "busy" at once, whatever the
// busy_timeout: to wait with what it has locked already could be for ever. So
// this lets go and tries again, for a while.
func (s *SQLite) begin(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sqliteStart)
	defer cancel()
	for {
		_, err := s.write.ExecContext(ctx, sqliteSQL.table+";"+sqliteSQL.byExpiry+";"+sqliteSQL.ofOwner)
		var no *sqlite.Error
		if err == nil || !errors.As(err, &no) || no.Code()&0xff != sqlite3.SQLITE_BUSY {
			return err
		}
		if pause(ctx, 5*time.Millisecond+rand.N(20*time.Millisecond)) != nil {
			return err
		}
	}
}

func (s *SQLite) prepare(ctx context.Context) error {
	for _, p := range []struct {
		into **sql.Stmt
		db   *sql.DB
		text string
	}{
		{&s.load, s.read, sqliteSQL.load},
		{&s.stamp, s.read, sqliteSQL.stamp},
		{&s.ofOwner, s.read, sqliteSQL.byOwner},
		{&s.create, s.write, sqliteSQL.create},
		{&s.update, s.write, sqliteSQL.update},
		{&s.remove, s.write, sqliteSQL.remove},
		{&s.removeVersion, s.write, sqliteSQL.removeVersion},
		{&s.clear, s.write, sqliteSQL.clear},
	} {
		statement, err := p.db.PrepareContext(ctx, p.text)
		if err != nil {
			return err
		}
		*p.into = statement
	}
	return nil
}

// String names the store in traces.
func (s *SQLite) String() string { return "sqlite" }

// Close closes the database; all its methods fail afterwards.
func (s *SQLite) Close() error { return errors.Join(s.read.Close(), s.write.Close()) }

// Ping reports whether the database answers.
func (s *SQLite) Ping(ctx context.Context) error { return unavailable(s.read.PingContext(ctx)) }

// Create implements [Store].
func (s *SQLite) Create(ctx context.Context, rec Record) error {
	n, err := affected(s.create.ExecContext(whole(ctx), rec.ID[:], rec.Owner,
		rec.Created.UnixMicro(), rec.Saved.UnixMicro(), rec.Expires.UnixMicro(), string(rec.Data)))
	if err == nil && n == 0 {
		return ErrExists
	}
	return err
}

// Load implements [Store].
func (s *SQLite) Load(ctx context.Context, id ID) (Record, error) {
	rec := Record{ID: id}
	var created, saved, expires int64
	err := s.load.QueryRowContext(whole(ctx), id[:]).Scan(&rec.Version, &rec.Owner, &created, &saved, &expires, &rec.Data)
	if errors.Is(err, sql.ErrNoRows) {
		return Record{}, ErrNotFound
	}
	if err != nil {
		return Record{}, unavailable(err)
	}
	rec.Created, rec.Saved, rec.Expires = time.UnixMicro(created), time.UnixMicro(saved), time.UnixMicro(expires)
	if !rec.Expires.After(s.clock.now()) {
		return rec, ErrExpired
	}
	return rec, nil
}

// Update implements [Store]: one statement, so the swap is atomic by itself.
func (s *SQLite) Update(ctx context.Context, rec Record) error {
	n, err := affected(s.update.ExecContext(whole(ctx), rec.Owner, rec.Saved.UnixMicro(), rec.Expires.UnixMicro(),
		string(rec.Data), rec.ID[:], rec.Version, s.clock.now().UnixMicro()))
	if err == nil && n == 0 {
		return s.whyNot(ctx, rec.ID)
	}
	return err
}

// Delete implements [Store].
func (s *SQLite) Delete(ctx context.Context, id ID, version uint64) error {
	if version == 0 {
		n, err := affected(s.remove.ExecContext(whole(ctx), id[:]))
		if err == nil && n == 0 {
			return ErrNotFound
		}
		return err
	}
	n, err := affected(s.removeVersion.ExecContext(whole(ctx), id[:], version))
	if err == nil && n == 0 {
		if err = s.whyNot(ctx, id); errors.Is(err, ErrExpired) {
			err = ErrConflict // it lies there, so its version is another
		}
	}
	return err
}

// whyNot says why a statement that names a version found no row. The row may
// have changed again since: a conflict then, and the caller looks afresh.
func (s *SQLite) whyNot(ctx context.Context, id ID) error {
	_, expires, err := s.Stamp(ctx, id)
	switch {
	case err != nil:
		return err
	case !expires.After(s.clock.now()):
		return ErrExpired
	default:
		return ErrConflict
	}
}

// Stamp implements [Stamper].
func (s *SQLite) Stamp(ctx context.Context, id ID) (version uint64, expires time.Time, err error) {
	var micro int64
	err = s.stamp.QueryRowContext(whole(ctx), id[:]).Scan(&version, &micro)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, time.Time{}, ErrNotFound
	}
	if err != nil {
		return 0, time.Time{}, unavailable(err)
	}
	return version, time.UnixMicro(micro), nil
}

// ByOwner implements [Store], by an index.
func (s *SQLite) ByOwner(ctx context.Context, owner string, after Record, limit int) ([]Record, error) {
	recs, err := s.byOwner(ctx, owner)
	return pageOf(recs, after, limit), err
}

// Trim implements [Store].
func (s *SQLite) Trim(ctx context.Context, owner string, keep Quota) (int, error) {
	recs, err := s.byOwner(ctx, owner)
	if err != nil {
		return 0, err
	}
	return trim(ctx, s, recs, keep)
}

func (s *SQLite) byOwner(ctx context.Context, owner string) ([]Record, error) {
	rows, err := s.ofOwner.QueryContext(whole(ctx), owner, s.clock.now().UnixMicro())
	if err != nil {
		return nil, unavailable(err)
	}
	defer rows.Close()
	var found []Record
	for rows.Next() {
		var rec Record
		var id []byte
		var created, saved, expires int64
		if err := rows.Scan(&id, &rec.Version, &rec.Owner, &created, &saved, &expires, &rec.Data); err != nil {
			return nil, unavailable(err)
		}
		if len(id) != len(rec.ID) {
			return nil, unavailable(fmt.Errorf("an ID of %d bytes", len(id)))
		}
		rec.ID = ID(id)
		rec.Created, rec.Saved, rec.Expires = time.UnixMicro(created), time.UnixMicro(saved), time.UnixMicro(expires)
		found = append(found, rec)
	}
	return found, unavailable(rows.Err())
}

// ClearExpired implements [Store].
func (s *SQLite) ClearExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	return clearInSteps(ctx, limit, func(limit int) (int, error) {
		n, err := affected(s.clear.ExecContext(whole(ctx), before.UnixMicro(), limit))
		return int(n), err
	})
}

// whole lets a statement that has begun finish, whoever has hung up: each takes
// microseconds, and at worst the five seconds of busy_timeout. The driver starts
// a goroutine for every statement that could be cancelled, which costs more
// than most statements do (measured: a load takes half as long without).
func whole(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }

func affected(result sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, unavailable(err)
	}
	n, err := result.RowsAffected()
	return n, unavailable(err)
}

// unavailable marks an error as the store's own failure.
func unavailable(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
