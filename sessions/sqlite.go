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
// Each method is answered in some five seconds, also while another program keeps
// the database locked, and however many wait: [ErrUnavailable] then.
//
// If the file, or its -wal or -shm, is moved, deleted or replaced while it is
// open, all methods answer [ErrUnavailable] until it is back in its place.
//
// ClearExpired and Trim give the disk back what they made free, but for 1 MB, in
// small steps; a file that a version before this made is only used again. On a
// full disk Create and Update answer [ErrFull], and removals still work: by the
// room of the file -reserve beside the database, which takes 1 MB until then.
//
// A row that cannot be read, because somebody changed the table, is no record:
// [ErrNotFound], wrapped with the reason. Delete of any version removes it, and
// ClearExpired if it would never expire.
type SQLite struct {
	clock   Clock
	files   *sqliteFiles
	reserve *reserve
	shrinks bool // the file was made so that it can

	// Who may use a connection: to wait for one in database/sql has no end, or
	// costs a goroutine.
	reading, writing stripe

	read  *sql.DB
	write *sql.DB // one connection: SQLite has one writer, and waiting in Go is cheaper

	load, stamp, ofOwner, overQuota, free                      *sql.Stmt
	create, update                                             *sql.Stmt
	remove, removeVersion, clear, clearUnreadable, removeOlder *sql.Stmt
	vacuum, checkpoint                                         *sql.Stmt
}

const (
	// sqliteStart is for how long a start may find the file busy: several may
	// start at once, on a slow disk.
	sqliteStart = 10 * time.Second

	// sqlitePatience is for how long a call may wait: for its turn in this
	// process, and for other programs that write. Of that, SQLite itself waits
	// sqliteBusy at a time.
	sqlitePatience = 5 * time.Second
	sqliteBusy     = 100 * time.Millisecond

	// sqliteCheckpoint is how many pages of 4 KB the WAL grows to. Smaller and more
	// frequent than SQLite's own 1000: the save that has to make a checkpoint takes
	// 1 ms instead of 3, all of them together as long.
	sqliteCheckpoint = 250

	// sqliteSpare is how many free pages stay in the file, to be used again; of the
	// others sqliteVacuum go at a time, and at most sqliteVacuums times that a call.
	sqliteSpare, sqliteVacuum, sqliteVacuums = 256, 64, 64
)

var _ Store = (*SQLite)(nil)

// OpenSQLite opens the database file, made with mode 0600 if it is missing,
// its folder must exist. A nil clock is time.Now. Close it at the end.
func OpenSQLite(ctx context.Context, file string, clock Clock) (*SQLite, error) {
	s, err := openSQLiteStore(ctx, file, clock)
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
	beside, err := filepath.EvalSymlinks(file) // where SQLite puts the other files
	if err != nil {
		return nil, err
	}
	readers := max(4, runtime.GOMAXPROCS(0))
	s := &SQLite{clock: clock, reserve: newReserve(beside, clock), reading: make(stripe, readers), writing: make(stripe, 1)}
	existing := map[string][]string{"mode": {"rw"}} // so that a lost file is not made anew
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
	_ = s.reserve.keep(ctx, time.Now().Add(sqlitePatience)) // without it Create says why
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
		// A WAL that had to grow, while somebody read for long, shrinks again.
		fmt.Sprintf("journal_size_limit(%d)", 2*sqliteCheckpoint*4096),
	}
	parameters["_txlock"] = []string{"immediate"}
	source := url.URL{Scheme: "file", Path: path, RawQuery: strings.ReplaceAll(parameters.Encode(), "+", "%20")} // as SQLite reads a blank
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
// this lets go and tries again, for a while. On a full disk it takes the reserve.
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
	if pages == 0 { // later it would take a VACUUM, which writes all of the file
		if _, err := s.write.ExecContext(ctx, `PRAGMA auto_vacuum = INCREMENTAL`); err != nil {
			return err
		}
	}
	if err := s.write.QueryRowContext(ctx, `PRAGMA journal_mode = WAL`).Scan(&mode); err != nil { // the file keeps it
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
		return nil // SQLite would carry the lost WAL over: the end of the process closes what is open
	}
	return errors.Join(s.read.Close(), s.write.Close())
}

// Ping reports whether the database answers, and is the one that was opened.
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
	if err == nil && !rec.Expires.After(s.clock.now()) {
		err = ErrExpired
	}
	return rec, err
}

// Update implements [Store]: one statement, so the swap is atomic by itself.
func (s *SQLite) Update(ctx context.Context, rec Record) error {
	until := waitsUntil(ctx)
	n, err := s.add(ctx, until, s.update, rec.Owner, rec.Saved.UnixMicro(), rec.Expires.UnixMicro(),
		string(rec.Data), rec.ID[:], rec.Version, s.clock.now().UnixMicro())
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

// ByOwner implements [Store], by an index that has its order.
func (s *SQLite) ByOwner(ctx context.Context, owner string, after Record, limit int) ([]Record, error) {
	saved := int64(math.MaxInt64)
	if after.ID != (ID{}) || !after.Saved.IsZero() {
		saved = after.Saved.UnixMicro()
	}
	until := waitsUntil(ctx)
	if err := turn(ctx, s.reading, until); err != nil {
		return nil, err
	}
	defer s.reading.unlock()
	query := func() (*sql.Rows, error) { // to SQLite, a limit of -1 is none
		return s.ofOwner.QueryContext(whole(ctx), owner, s.clock.now().UnixMicro(), saved, after.ID[:], max(limit, 0))
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

// Trim implements [Store]: it finds the newest record that the quota has no room
// for, which changes nothing, and removes that and what is older in small steps.
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
		_ = s.reserve.keep(ctx, waitsUntil(ctx)) // Create says why, if it cannot be
	}
	return n, err
}

// inSteps removes rows by a statement whose last argument is how many.
func (s *SQLite) inSteps(ctx context.Context, limit int, statement *sql.Stmt, args ...any) (int, error) {
	return clearInSteps(ctx, limit, func(limit int) (int, error) {
		n, err := s.cut(ctx, waitsUntil(ctx), statement, append(slices.Clip(args), limit)...)
		return int(n), err
	})
}

// shrink gives back to the disk what is free in the file, in steps in which
// nobody else can write.
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
			if i > 0 { // the file itself shrinks at a checkpoint
				_, err := s.exec(ctx, waitsUntil(ctx), s.checkpoint)
				return err
			}
			return nil
		}
		if _, err := s.exec(ctx, waitsUntil(ctx), s.vacuum); err != nil {
			if isFull(err) {
				return nil // it needs room itself, for a moment
			}
			return err
		}
		if err := pause(ctx, clearRest); err != nil {
			return err
		}
	}
	return nil
}

// waitsUntil is until when a call may wait that begins now.
func waitsUntil(ctx context.Context) time.Time {
	until := time.Now().Add(sqlitePatience) // how long to wait is no judgement of age: no clock to move
	if end, has := ctx.Deadline(); has && end.Before(until) {
		return end
	}
	return until
}

// turn waits for a place, until its end if all are taken.
func turn(ctx context.Context, places stripe, until time.Time) error {
	select {
	case places <- struct{}{}: // mostly: to have a context with an end is not for nothing
		return nil
	default:
	}
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	_, err := places.lock(ctx)
	return err
}

// one reads one row; [ErrNotFound] when there is none.
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

// add lets a statement write that needs room.
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

// cut lets a statement write that makes room. If the disk is full it takes that of
// the reserve; once all of the WAL is in the database, it begins anew, and the room
// of it serves the next ones.
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
	_, _ = s.exec(ctx, until, s.checkpoint) // if it cannot be, the room may do all the same
	return s.exec(ctx, until, statement, args...)
}

// exec lets a statement write, while another program writes it tries again. Nothing
// is written once a file is lost: SQLite would carry what it writes into a WAL that
// is nobody's over to a database that others use by then.
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

// again says whether there is time for another try, after a moment.
func again(ctx context.Context, until time.Time) bool {
	return time.Now().Before(until) && pause(ctx, time.Millisecond) == nil
}

// isBusy: another program has the database locked.
func isBusy(err error) bool { return codeOf(err)&0xff == sqlite3.SQLITE_BUSY }

// isFull: there is no room, for the database, the WAL or its index.
func isFull(err error) bool {
	code := codeOf(err)
	return code == sqlite3.SQLITE_FULL || code == sqlite3.SQLITE_IOERR_SHMSIZE
}

// codeOf is SQLite's code of an error; of what is none of its errors, OK.
func codeOf(err error) int {
	var failed *sqlite.Error
	if errors.As(err, &failed) {
		return failed.Code()
	}
	return sqlite3.SQLITE_OK
}

// whole lets a statement that has begun finish, whoever has hung up: each takes
// microseconds, and at worst sqliteBusy. The driver starts a goroutine for every
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
