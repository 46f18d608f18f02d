// SQLite's files: how the database is made, whether it is still the one that was
// opened, and the reserve that lets removals work on a full disk.

package sessions

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// makeSQLite lets SQLite make the database file, if it is missing, with mode
// 0600 instead of one that everybody may read; its WAL takes the same mode.
//
// Nobody but SQLite may ever open that file, not even to make it: when a process
// closes a file, Unix drops all locks that the process has on it. Another program
// would believe itself the last user then, and remove the WAL, with all that was
// answered since the last checkpoint. So SQLite is shown a file with the mode.
func makeSQLite(ctx context.Context, file string) error {
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	model, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+"-mode-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(model.Name())
	if err := model.Close(); err != nil {
		return err
	}
	db, err := openSQLite(file, 1, map[string][]string{"mode": {"rwc"}, "modeof": {model.Name()}})
	if err != nil {
		return err
	}
	return errors.Join(db.PingContext(ctx), db.Close())
}

// errLost: what is written and read is not where the next start, or another
// program, would look for it.
var errLost = errors.New("a file of the database was moved, deleted, replaced or emptied while it was open; put it back, or start anew")

// sqliteFiles are the files of an open database, as they were when it was opened.
// SQLite itself makes none of them anew while somebody has the database open.
type sqliteFiles struct {
	database, wal, shm sqliteFile
	seen               glance
}

type sqliteFile struct {
	path       string
	mayBeEmpty bool // a checkpoint can empty the WAL, and nobody the database
	info       fs.FileInfo
}

// glance remembers for some milliseconds that all was well: to look costs a fifth of
// what a load does.
type glance struct {
	began time.Time
	last  atomic.Int64 // when it was, as time since began; 0: it is not
}

func (g *glance) at(look func() error) error {
	const every = 5 * time.Millisecond
	now := int64(time.Since(g.began))
	if last := g.last.Load(); last != 0 && now-last < int64(every) {
		return nil
	}
	err := look()
	if err == nil {
		g.last.Store(now)
	}
	return err
}

func lookAtSQLite(file, beside string) (*sqliteFiles, error) {
	f := &sqliteFiles{
		database: sqliteFile{path: file}, wal: sqliteFile{path: beside + "-wal", mayBeEmpty: true}, shm: sqliteFile{path: beside + "-shm"},
		seen: glance{began: time.Now()},
	}
	for _, of := range []*sqliteFile{&f.database, &f.wal, &f.shm} {
		var err error
		if of.info, err = os.Stat(of.path); err != nil {
			return nil, err
		}
		os.SameFile(of.info, of.info) // Windows asks for the identity only now
	}
	return f, nil
}

func (f *sqliteFile) check() error {
	info, err := os.Stat(f.path)
	switch {
	case err == nil && os.SameFile(info, f.info) && (info.Size() > 0 || f.mayBeEmpty):
		return nil
	case err == nil || errors.Is(err, fs.ErrNotExist):
		return unavailable(fmt.Errorf("%s: %w", f.path, errLost))
	default:
		return unavailable(err)
	}
}

// check says whether the database is still the one that was opened. What was
// written is answered only after it.
func (f *sqliteFiles) check() error {
	for _, file := range []*sqliteFile{&f.database, &f.wal, &f.shm} {
		if err := file.check(); err != nil {
			f.seen.last.Store(0)
			return err
		}
	}
	f.seen.last.Store(int64(time.Since(f.seen.began)))
	return nil
}

// glance is check for reads, which come too often to look each time, and for what is
// looked at once more afterwards.
func (f *sqliteFiles) glance() error {
	return f.seen.at(f.check)
}

// reserve is a file beside the database that only takes room. A removal that
// meets a full disk needs a little room itself, and gives the reserve back for
// it. While it is missing nothing is added, so that only removals use that room;
// all processes see that.
type reserve struct {
	path   string
	clock  Clock
	turn   stripe // for who makes it or gives it back
	seen   glance
	failed atomic.Int64 // when it could last not be made, in nanoseconds since 1970
}

// reserveSize is as much as the WAL grows to, and what it holds may need in the
// database: see openSQLite.
const reserveSize = sqliteCheckpoint * 4096

func newReserve(file string, clock Clock) *reserve {
	return &reserve{path: file + "-reserve", clock: clock, turn: make(stripe, 1), seen: glance{began: time.Now()}}
}

func (r *reserve) look() error {
	info, err := os.Stat(r.path)
	if err == nil && info.Size() < reserveSize {
		err = fs.ErrNotExist
	}
	return err
}

// keep makes the reserve if it is missing; [ErrFull] while it cannot be, or was
// found not to be within a second.
func (r *reserve) keep(ctx context.Context, until time.Time) error {
	if r.seen.at(r.look) == nil {
		return nil
	}
	if err := turn(ctx, r.turn, until); err != nil {
		return err
	}
	defer r.turn.unlock()
	now := r.clock.now()
	if now.Sub(time.Unix(0, r.failed.Load())).Abs() < time.Second {
		return fmt.Errorf("%w: it is left to removals", ErrFull)
	}
	if err := r.make(); err != nil {
		r.failed.Store(now.UnixNano())
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return nil
}

// make writes the reserve aside, so that it is there whole or not at all. Several
// processes may do it at once: each writes all of it.
func (r *reserve) make() error {
	aside := r.path + "-new"
	file, err := os.OpenFile(aside, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	content := make([]byte, reserveSize)
	rand.NewChaCha8([32]byte{}).Read(content) // what no file system stores in less; never fails
	_, err = file.Write(content)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(aside, r.path)
	}
	if err != nil && r.look() != nil { // another process may have been faster
		_ = os.Remove(aside)
		return err
	}
	return nil
}

// give gives the room back.
func (r *reserve) give() {
	_ = os.Remove(r.path)
	r.seen.last.Store(0)
	r.failed.Store(r.clock.now().UnixNano()) // so that it is not taken again at once
}
