// SQLite's files: how the database is made, whether it is still the one that was
// opened, and the reserve with which removals work on a full disk.

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

// makeSQLite has SQLite make the database file, if it is missing, with mode 0600, so that
// no other user can read it. Its WAL gets the same mode.
//
// Only SQLite may open the database file, even to make it. If a process opens the file
// and closes it again, Unix drops all locks that the process has on it. Another program
// could then believe that it is the last user and remove the WAL, with everything that
// was saved since the last checkpoint. So this makes an empty file with mode 0600, and
// SQLite copies that file's mode.
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

// errLost: the open files are not those at the database's path, so another program, or
// this one after a restart, would not find what is written now.
var errLost = errors.New("a file of the database was moved, deleted, replaced or emptied while it was open; put it back, or restart the program")

// sqliteFiles are the files of an open database, as they were when it was opened. SQLite
// does not make any of them again while somebody has the database open.
type sqliteFiles struct {
	database, wal, shm sqliteFile
	seen               glance
}

type sqliteFile struct {
	path       string
	mayBeEmpty bool // a checkpoint can empty the WAL; the database is never empty
	info       fs.FileInfo
}

// glance remembers for 5 milliseconds that a check succeeded: the check takes a fifth of
// the time of a load.
type glance struct {
	began time.Time
	last  atomic.Int64 // when the last check succeeded, in nanoseconds since began; 0: it must be made
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
		os.SameFile(of.info, of.info) // makes Windows read the file's identity now
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

// check returns an error unless the database is still the one that was opened. It comes
// after each write, before the caller is told that it succeeded.
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

// glance is a check that is made at most every 5 milliseconds. It is for reads, because a
// check after each of them would cost too much, and for the moment before a write, because
// a full check follows the write.
func (f *sqliteFiles) glance() error {
	return f.seen.at(f.check)
}

// reserve is a file beside the database that only takes room on the disk. A removal needs
// a little room itself, so on a full disk it deletes the reserve. While the reserve is
// missing nothing is added to the database, by any process, so that only removals use its
// room.
type reserve struct {
	path   string
	clock  Clock
	turn   stripe // one at a time makes it or deletes it
	seen   glance
	failed atomic.Int64 // when making it failed last, or it was deleted, in nanoseconds since 1970
}

// reserveSize is the size to which the WAL grows, and so the room that its content may
// need in the database: see openSQLite.
const reserveSize = sqliteCheckpoint * 4096

func newReserve(file string, clock Clock) *reserve {
	return &reserve{path: file + "-reserve", clock: clock, turn: make(stripe, 1), seen: glance{began: time.Now()}}
}

func (r *reserve) look() error {
	info, err := os.Stat(r.path)
	if err == nil && info.Size() < reserveSize { // it is being made, or a program was killed while it made it
		err = fs.ErrNotExist
	}
	return err
}

// keep makes the reserve if it is missing. [ErrFull] if that fails, or failed less than a
// second ago.
func (r *reserve) keep(ctx context.Context, until time.Time) error {
	if r.seen.at(r.look) == nil {
		return nil
	}
	if err := turn(ctx, r.turn, until); err != nil {
		return err
	}
	defer r.turn.unlock()
	now := r.clock.Now()
	if now.Sub(time.Unix(0, r.failed.Load())).Abs() < time.Second {
		return fmt.Errorf("%w: the rest is kept for removals", ErrFull)
	}
	if err := r.make(); err != nil {
		r.failed.Store(now.UnixNano())
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return nil
}

// make writes the reserve. Several stores may do that at once: each writes the same
// content into the same file, and look does not count a file that is not complete yet.
func (r *reserve) make() error {
	file, err := os.OpenFile(r.path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	content := make([]byte, reserveSize)
	rand.NewChaCha8([32]byte{}).Read(content) // random, so that no file system can compress it; never fails
	_, err = file.Write(content)
	err = errors.Join(err, file.Close())
	lacks := r.look()
	if lacks == nil {
		return nil
	}
	_ = os.Remove(r.path)
	return errors.Join(err, lacks)
}

// give deletes the reserve, so that its room can be used.
func (r *reserve) give() {
	_ = os.Remove(r.path)
	r.seen.last.Store(0)
	r.failed.Store(r.clock.Now().UnixNano()) // so that it is not made again at once
}
