// SQLite: a Store in one file, shared by all processes that open it.

package sessions

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
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
//
// No method waits for longer than some five seconds, even while another program keeps
// the database locked, and however many callers wait; then it returns [ErrUnavailable].
//
// If the database file, its -wal or its -shm is moved, deleted or replaced while it is
// open, all methods return [ErrUnavailable] until it is back in its place.
//
// ClearExpired and Trim shrink the file in small steps, and leave 1 MB of free pages in
// it. (A file that an earlier version made does not shrink; its free pages are used
// again.) On a full disk Create and Update return [ErrFull], and removals still work: a
// file beside the database, with its name and -reserve, takes 1 MB of the disk until a
// removal needs that room.
//
// A row that cannot be read, because somebody changed the table, is no record:
// [ErrNotFound], wrapped with the reason. Delete of version 0 removes it, and so does
// ClearExpired if it would never expire.
type SQLite struct {
	clock   Clock
	files   *sqliteFiles
	reserve *reserve
	shrinks bool // the file was made in a way that lets it shrink

	// Turns for the connections: database/sql would wait for one without end, or with
	// a goroutine for each call.
	reading, writing stripe

	read  *sql.DB
	write *sql.DB // one connection: SQLite has one writer, and waiting in Go is cheaper

	load, stamp, ofOwner, overQuota, free                      *sql.Stmt
	create, update                                             *sql.Stmt
	remove, removeVersion, clear, clearUnreadable, removeOlder *sql.Stmt
	vacuum, checkpoint                                         *sql.Stmt
}

const (
	// sqliteStart is how long a start tries while the file is busy: several programs
	// may start at once, on a slow disk.
	sqliteStart = 10 * time.Second

	// sqlitePatience is how long a call waits, for its turn in this process and for
	// other programs that write. SQLite itself waits sqliteBusy for each try.
	sqlitePatience = 5 * time.Second
	sqliteBusy     = 100 * time.Millisecond

	// sqliteCheckpoint is how many pages of 4 KB the WAL grows to before a checkpoint.
	// SQLite's default is 1000. With 250 a save that makes a checkpoint takes 1 ms
	// instead of 3, and all checkpoints together take as long as before.
	sqliteCheckpoint = 250

	// sqliteSpare is how many free pages stay in the file, to be used again. The others
	// are removed in steps of sqliteVacuum pages, at most sqliteVacuums steps a call.
	sqliteSpare, sqliteVacuum, sqliteVacuums = 256, 64, 64
)

var _ Store = (*SQLite)(nil)

// OpenSQLite opens the database file, made with mode 0600 if it is missing,
// its folder must exist. A nil clock is time.Now. Close it at the end.
func OpenSQLite(ctx context.Context, file string, clock Clock) (*SQLite, error) {
	// Each step may find the file locked for a moment, by another program that opens or
	// closes it.
	until := time.Now().Add(sqliteStart)
	s, err := openSQLiteStore(ctx, file, clock)
	for isBusy(err) && time.Now().Before(until) && pause(ctx, 5*time.Millisecond+rand.N(20*time.Millisecond)) == nil {
		s, err = openSQLiteStore(ctx, file, clock)
	}
	if err != nil {
		return nil, fmt.Errorf("sessions: %s is not usable as a session database: %w", file, err)
	}
	return s, nil
}

func openSQLiteStore(ctx context.Context, file string, clock Clock) (_ *SQLite, err error) {
	if file, err = filepath.Abs(file); err != nil {
		return nil, err
	}
	if err = makeSQLite(ctx, file); err != nil {
		return nil, err
	}
	beside, err := filepath.EvalSymlinks(file) // where SQLite puts its other files
	if err != nil {
		return nil, err
	}
	readers := max(4, runtime.GOMAXPROCS(0))
	s := &SQLite{clock: clock, reserve: newReserve(beside, clock), reading: make(stripe, readers), writing: make(stripe, 1)}
	existing := map[string][]string{"mode": {"rw"}} // so that SQLite does not make a lost file again
	if s.write, err = openSQLite(file, 1, existing); err != nil {
		return nil, err
	}
	if s.read, err = openSQLite(file, readers, existing); err != nil {
		return nil, errors.Join(err, s.write.Close())
	}
	if err = s.begin(ctx); err == nil {
		err = s.prepare(ctx)
	}
	if err == nil {
		s.files, err = lookAtSQLite(file, beside)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	_ = s.reserve.keep(ctx, time.Now().Add(sqlitePatience)) // if that fails, Create will return the error
	return s, nil
}

// openSQLite prepares connections to a file, by its absolute name.
func openSQLite(file string, connections int, parameters url.Values) (*sql.DB, error) {
	path := filepath.ToSlash(file)
	if path[0] != '/' {
		path = "/" + path // file:///C:/… on Windows
	}
	parameters = maps.Clone(parameters)
	parameters["_pragma"] = []string{
		fmt.Sprintf("busy_timeout(%d)", sqliteBusy.Milliseconds()), "synchronous(NORMAL)",
		fmt.Sprintf("wal_autocheckpoint(%d)", sqliteCheckpoint),
		// A WAL that became larger, because somebody read for a long time, shrinks again.
		fmt.Sprintf("journal_size_limit(%d)", 2*sqliteCheckpoint*4096),
	}
	parameters["_txlock"] = []string{"immediate"}
	source := url.URL{Scheme: "file", Path: path, RawQuery: strings.ReplaceAll(parameters.Encode(), "+", "%20")} // SQLite reads %20 as a space, but not +
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
// this lets go and tries again, for a while. On a full disk it uses the room of the
// reserve.
func (s *SQLite) begin(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sqliteStart)
	defer cancel()
	for {
		err := s.setUp(ctx)
		switch {
		case isFull(err) && s.reserve.look() == nil:
			s.reserve.give()
		case !isBusy(err) || pause(ctx, 5*time.Millisecond+rand.N(20*time.Millisecond)) != nil:
			return err
		}
	}
}

func (s *SQLite) setUp(ctx context.Context) error {
	var pages, vacuum int
	var mode string
	if err := s.write.QueryRowContext(ctx, `PRAGMA page_count`).Scan(&pages); err != nil {
		return err
	}
	if pages == 0 { // a new file; later this would need a VACUUM, which writes the whole file
		if _, err := s.write.ExecContext(ctx, `PRAGMA auto_vacuum = INCREMENTAL`); err != nil {
			return err
		}
	}
	if err := s.write.QueryRowContext(ctx, `PRAGMA journal_mode = WAL`).Scan(&mode); err != nil { // a setting that the file keeps
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("its journal mode stays %s", mode)
	}
	if _, err := s.write.ExecContext(ctx, sqliteSQL.table+";"+sqliteSQL.byExpiry+";"+sqliteSQL.ofOwner); err != nil {
		return err
	}
	err := s.write.QueryRowContext(ctx, `PRAGMA auto_vacuum`).Scan(&vacuum)
	s.shrinks = vacuum == 2 // INCREMENTAL
	return err
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
		{&s.overQuota, s.read, sqliteSQL.overQuota},
		{&s.free, s.read, `PRAGMA freelist_count`},
		{&s.create, s.write, sqliteSQL.create},
		{&s.update, s.write, sqliteSQL.update},
		{&s.remove, s.write, sqliteSQL.remove},
		{&s.removeVersion, s.write, sqliteSQL.removeVersion},
		{&s.clear, s.write, sqliteSQL.clear},
		{&s.clearUnreadable, s.write, sqliteSQL.clearUnreadable},
		{&s.removeOlder, s.write, sqliteSQL.removeOlder},
		{&s.vacuum, s.write, fmt.Sprintf(`PRAGMA incremental_vacuum(%d)`, sqliteVacuum)},
		{&s.checkpoint, s.write, `PRAGMA wal_checkpoint(PASSIVE)`},
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
func (s *SQLite) Close() error {
	if s.files != nil && s.files.check() != nil {
		return nil // SQLite would copy the lost WAL into the database; the files close with the process
	}
	return errors.Join(s.read.Close(), s.write.Close())
}

// Ping returns an error unless the database answers and is the one that was opened.
func (s *SQLite) Ping(ctx context.Context) error {
	if err := s.read.PingContext(ctx); err != nil {
		return unavailable(err)
	}
	return s.files.check()
}

// Create implements [Store].
func (s *SQLite) Create(ctx context.Context, rec Record) error {
	n, err := s.add(ctx, waitsUntil(ctx), s.create, rec.ID[:], rec.Owner, rec.Created.UnixMicro(), rec.Saved.UnixMicro(), rec.Expires.UnixMicro(), string(rec.Data))
	if err == nil && n == 0 {
		return ErrExists
	}
	return err
}

// Load implements [Store].
func (s *SQLite) Load(ctx context.Context, id ID) (Record, error) {
	return s.loadUntil(ctx, waitsUntil(ctx), id)
}

func (s *SQLite) loadUntil(ctx context.Context, until time.Time, id ID) (Record, error) {
	var v [6]any
	if err := s.one(ctx, until, s.load, v[:], id[:]); err != nil {
		return Record{}, err
	}
	rec, err := row(v[:]).record(id)
	if err == nil && !rec.Expires.After(s.clock.Now()) {
		err = ErrExpired
	}
	return rec, err
}

// Update implements [Store]: one statement, so the swap is atomic by itself.
func (s *SQLite) Update(ctx context.Context, rec Record) error {
	until := waitsUntil(ctx)
	n, err := s.add(ctx, until, s.update, rec.Owner, rec.Saved.UnixMicro(), rec.Expires.UnixMicro(),
		string(rec.Data), rec.ID[:], rec.Version, s.clock.Now().UnixMicro())
	if err == nil && n == 0 {
		return s.whyNot(ctx, until, rec.ID)
	}
	return err
}

// Delete implements [Store].
func (s *SQLite) Delete(ctx context.Context, id ID, version uint64) error {
	until := waitsUntil(ctx)
	if version == 0 {
		n, err := s.cut(ctx, until, s.remove, id[:])
		if err == nil && n == 0 {
			return ErrNotFound
		}
		return err
	}
	n, err := s.cut(ctx, until, s.removeVersion, id[:], version)
	if err == nil && n == 0 {
		if err = s.whyNot(ctx, until, id); errors.Is(err, ErrExpired) {
			err = ErrConflict // it lies there, so its version is another
		}
	}
	return err
}

// whyNot says why a statement that names a version found no row. The row may
// have changed again since: a conflict then, and the caller looks afresh.
func (s *SQLite) whyNot(ctx context.Context, until time.Time, id ID) error {
	if _, err := s.loadUntil(ctx, until, id); err != nil {
		return err
	}
	return ErrConflict
}

// Stamp implements [Stamper].
func (s *SQLite) Stamp(ctx context.Context, id ID) (version uint64, expires time.Time, err error) {
	var v [2]any
	if err := s.one(ctx, waitsUntil(ctx), s.stamp, v[:], id[:]); err != nil {
		return 0, time.Time{}, err
	}
	return stampOf(v[0], v[1])
}

// ByOwner implements [Store]. An index has the rows in this order.
func (s *SQLite) ByOwner(ctx context.Context, owner string, after Record, limit int) ([]Record, error) {
	saved := int64(math.MaxInt64)
	if !isStart(after) {
		saved = after.Saved.UnixMicro()
	}
	until := waitsUntil(ctx)
	if err := turn(ctx, s.reading, until); err != nil {
		return nil, err
	}
	defer s.reading.unlock()
	query := func() (*sql.Rows, error) { // max, because for SQLite -1 means no limit
		return s.ofOwner.QueryContext(whole(ctx), owner, s.clock.Now().UnixMicro(), saved, after.ID[:], max(limit, 0))
	}
	rows, err := query()
	for isBusy(err) && again(ctx, until) {
		rows, err = query()
	}
	if err != nil {
		return nil, unavailable(err)
	}
	defer rows.Close()
	page := []Record{}
	for rows.Next() {
		var id []byte
		var v [5]any
		if err := rows.Scan(&id, &v[0], &v[1], &v[2], &v[3], &v[4]); err != nil {
			return nil, unavailable(err)
		}
		rec, err := row(v[:]).record(ID(id))
		if err != nil {
			return nil, unavailable(err)
		}
		page = append(page, rec)
	}
	if err := rows.Err(); err != nil {
		return nil, unavailable(err)
	}
	return page, s.files.glance()
}

// Trim implements [Store]: it finds the newest record that the quota has no room for,
// by reading alone, and removes that one and all older ones, in small steps.
func (s *SQLite) Trim(ctx context.Context, owner string, keep Quota) (int, error) {
	var newest [2]any
	err := s.one(ctx, waitsUntil(ctx), s.overQuota, newest[:], owner, keep.Records, keep.Bytes)
	if errors.Is(err, ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	n, err := s.inSteps(ctx, math.MaxInt, s.removeOlder, owner, newest[0], newest[1])
	if err == nil && n > 0 {
		err = s.shrink(ctx)
	}
	return n, err
}

// ClearExpired implements [Store].
func (s *SQLite) ClearExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := s.inSteps(ctx, limit, s.clear, before.UnixMicro())
	if err == nil && n < limit {
		var more int
		more, err = s.inSteps(ctx, limit-n, s.clearUnreadable)
		n += more
	}
	if err == nil {
		err = s.shrink(ctx)
	}
	if err == nil {
		_ = s.reserve.keep(ctx, waitsUntil(ctx)) // if that fails, Create will return the error
	}
	return n, err
}

// inSteps removes rows with a statement whose last argument limits their number.
func (s *SQLite) inSteps(ctx context.Context, limit int, statement *sql.Stmt, args ...any) (int, error) {
	return clearInSteps(ctx, limit, func(limit int) (int, error) {
		n, err := s.cut(ctx, waitsUntil(ctx), statement, append(slices.Clip(args), limit)...)
		return int(n), err
	})
}

// shrink gives free pages of the file back to the disk, in small steps: nobody else can
// write during a step.
func (s *SQLite) shrink(ctx context.Context) error {
	if !s.shrinks {
		return nil
	}
	for i := range sqliteVacuums {
		var free [1]any
		if err := s.one(ctx, waitsUntil(ctx), s.free, free[:]); err != nil {
			return err
		}
		if pages, _ := free[0].(int64); pages < sqliteSpare+sqliteVacuum {
			if i > 0 { // the file itself gets shorter at a checkpoint
				_, err := s.exec(ctx, waitsUntil(ctx), s.checkpoint)
				return err
			}
			return nil
		}
		if _, err := s.exec(ctx, waitsUntil(ctx), s.vacuum); err != nil {
			if isFull(err) {
				return nil // shrinking needs some room itself, so it has to wait
			}
			return err
		}
		if err := pause(ctx, clearRest); err != nil {
			return err
		}
	}
	return nil
}

// waitsUntil is the instant until which a call that begins now may wait.
func waitsUntil(ctx context.Context) time.Time {
	until := time.Now().Add(sqlitePatience) // how long to wait is no judgement of age: no clock to move
	if end, has := ctx.Deadline(); has && end.Before(until) {
		return end
	}
	return until
}

// turn takes a place. If all are taken it waits for one, until an instant.
func turn(ctx context.Context, places stripe, until time.Time) error {
	select {
	case places <- struct{}{}: // mostly one is free, so no context with a deadline is made
		return nil
	default:
	}
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	_, err := places.lock(ctx)
	return err
}

// one reads one row; [ErrNotFound] if there is none.
func (s *SQLite) one(ctx context.Context, until time.Time, statement *sql.Stmt, into []any, args ...any) error {
	if err := turn(ctx, s.reading, until); err != nil {
		return err
	}
	defer s.reading.unlock()
	columns := make([]any, len(into))
	for i := range into {
		columns[i] = &into[i]
	}
	err := statement.QueryRowContext(whole(ctx), args...).Scan(columns...)
	for isBusy(err) && again(ctx, until) {
		err = statement.QueryRowContext(whole(ctx), args...).Scan(columns...)
	}
	if lost := s.files.glance(); lost != nil {
		return lost
	}
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return unavailable(err)
}

// add runs a statement that needs room; [ErrFull] on a full disk.
func (s *SQLite) add(ctx context.Context, until time.Time, statement *sql.Stmt, args ...any) (int64, error) {
	if err := s.reserve.keep(ctx, until); err != nil {
		return 0, err
	}
	n, err := s.exec(ctx, until, statement, args...)
	if isFull(err) {
		err = fmt.Errorf("%w: %w", ErrFull, err)
	}
	return n, err
}

// cut runs a statement that makes room. If the disk is full it removes the reserve and
// uses its room. A checkpoint then copies the WAL into the database, so that the next
// removals can use the WAL's room again.
func (s *SQLite) cut(ctx context.Context, until time.Time, statement *sql.Stmt, args ...any) (int64, error) {
	n, err := s.exec(ctx, until, statement, args...)
	if !isFull(err) {
		return n, err
	}
	if err := turn(ctx, s.reserve.turn, until); err != nil {
		return 0, err
	}
	defer s.reserve.turn.unlock()
	s.reserve.give()
	_, _ = s.exec(ctx, until, s.checkpoint) // if the checkpoint fails, the room of the reserve may be enough
	return s.exec(ctx, until, statement, args...)
}

// exec runs a statement that writes, and tries again while another program writes.
// It writes nothing once a file is lost: what SQLite writes into a lost WAL it copies
// into the database later, which other programs use by then.
func (s *SQLite) exec(ctx context.Context, until time.Time, statement *sql.Stmt, args ...any) (int64, error) {
	if err := turn(ctx, s.writing, until); err != nil {
		return 0, err
	}
	defer s.writing.unlock()
	if lost := s.files.glance(); lost != nil {
		return 0, lost
	}
	n, err := affected(statement.ExecContext(whole(ctx), args...))
	for isBusy(err) && again(ctx, until) {
		n, err = affected(statement.ExecContext(whole(ctx), args...))
	}
	if lost := s.files.check(); lost != nil {
		return 0, lost
	}
	return n, err
}

// again pauses for a moment, and reports whether there is time for another try.
func again(ctx context.Context, until time.Time) bool {
	return time.Now().Before(until) && pause(ctx, time.Millisecond) == nil
}

// isBusy reports that another program has the database locked.
func isBusy(err error) bool { return codeOf(err)&0xff == sqlite3.SQLITE_BUSY }

// isFull reports that there is no room for the database, the WAL or its index.
func isFull(err error) bool {
	code := codeOf(err)
	return code == sqlite3.SQLITE_FULL || code == sqlite3.SQLITE_IOERR_SHMSIZE
}

// codeOf is SQLite's code of an error; SQLITE_OK if the error is not from SQLite.
func codeOf(err error) int {
	var failed *sqlite.Error
	if errors.As(err, &failed) {
		return failed.Code()
	}
	return sqlite3.SQLITE_OK
}

// whole lets a statement that has begun finish, even if the client has hung up: it takes
// microseconds, and sqliteBusy at worst. The driver starts a goroutine for every
// statement that could be cancelled, which costs more than most statements do
// (measured: a load takes half as long without).
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
