// SQLite's files, and what other programs do to them while a store is open.

package sessions_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

// Another program opens the database, reads it and closes it. It must not believe that it
// is the last user, because the last user removes the WAL. The server has two stores on
// the file, as the lab has with node B.
func TestWhatWasAnsweredSurvivesAnOnlookerAndAKill(t *testing.T) {
	t.Parallel()
	const rounds, written = 3, 20
	clock := storetest.NewClock()
	file := sqliteFile(t)
	server := startSQLiteChild(t, "write", file)
	server.hear("ready")
	for range rounds {
		onlook(t, file)
		server.say("go")
		server.hear("answered")
	}
	if _, err := os.Stat(file + "-wal"); err != nil {
		t.Errorf("the onlooker removed the WAL: %v", err)
	}
	server.kill()
	store := openSQLite(t, file, clock.Now)
	for n := range rounds * written {
		if _, err := store.Load(t.Context(), neighbour(n)); err != nil {
			t.Errorf("record %d, whose Create was answered: %v", n, err)
		}
	}
}

// onlook opens, reads and closes a database. It uses the program sqlite3 if there is one,
// because older versions of SQLite look only at the locks.
func onlook(t *testing.T, file string) {
	t.Helper()
	const question = "SELECT count(*) FROM sessions"
	if program, err := exec.LookPath("sqlite3"); err == nil {
		if out, err := exec.Command(program, file, question).CombinedOutput(); err != nil {
			t.Fatalf("sqlite3: %v: %s", err, out)
		}
		return
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	err = db.QueryRow(question).Scan(&n)
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// sqliteHarms are things that can happen to a file of an open database. undo puts the file
// back; it is nil if that is not possible.
var sqliteHarms = []struct {
	name string
	do   func(file string) (undo func() error, err error)
}{
	{"moved", func(file string) (func() error, error) {
		return func() error { return os.Rename(file+".away", file) }, os.Rename(file, file+".away")
	}},
	{"deleted", func(file string) (func() error, error) { return nil, os.Remove(file) }},
	{"replaced", func(file string) (func() error, error) {
		undo := func() error { return os.Rename(file+".away", file) }
		return undo, errors.Join(os.Rename(file, file+".away"), os.WriteFile(file, nil, 0o600))
	}},
}

func TestALostFileOfSQLiteIsUnavailableAndNoSilence(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("nobody can take away a file that is open")
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		for _, harm := range sqliteHarms {
			t.Run("sessions.db"+suffix+" "+harm.name, func(t *testing.T) {
				clock := storetest.NewClock()
				file := sqliteFile(t)
				store := openSQLite(t, file, clock.Now)
				mustCreate(t, store, recordOf(neighbour(0), clock))
				undo, err := harm.do(file + suffix)
				storetest.Is(t, harm.name, err, nil)
				err = store.Ping(t.Context())
				storetest.Is(t, "Ping", err, sessions.ErrUnavailable)
				if !strings.Contains(fmt.Sprint(err), file+suffix+": a file of the database was moved, deleted, replaced or emptied") {
					t.Errorf("%q does not say why", err)
				}
				for deadline := time.Now().Add(time.Minute); ; {
					_, err := store.Load(t.Context(), neighbour(0))
					if errors.Is(err, sessions.ErrUnavailable) {
						break
					}
					if time.Now().After(deadline) { // it looks every few milliseconds
						t.Fatal("reads do not notice")
					}
				}
				_, err = store.Load(t.Context(), sessions.ID{}) // as /healthz asks
				storetest.Is(t, "Load of nothing", err, sessions.ErrUnavailable)
				allUnavailable(t, store, clock)
				if undo == nil {
					return
				}
				storetest.Is(t, "putting it back", undo(), nil)
				storetest.Is(t, "Ping with the file back in its place", store.Ping(t.Context()), nil)
				mustCreate(t, store, recordOf(neighbour(2), clock))
				storetest.Equal(t, "records", loads(t, store, 3)[:1], "0")
			})
		}
	}
}

// A connection that opens later does not make a lost database again.
func TestALostSQLiteFileIsNotMadeAnew(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("nobody can take away a file that is open")
	}
	clock := storetest.NewClock()
	file := sqliteFile(t)
	store := openSQLite(t, file, clock.Now)
	storetest.Is(t, "Remove", os.Remove(file), nil)
	storetest.Together(20, func(n int) { // more than it has connections so far
		_, err := store.ByOwner(context.Background(), "alice", sessions.Record{}, 10)
		if err == nil {
			_, err = store.Load(context.Background(), neighbour(n))
		}
		_ = err // nil if it came before the first check
	})
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is there again: %v", err)
	}
}

// smallDisk is an empty disk that is made for this test. The options, of a tmpfs, say its
// size and who may use it.
func smallDisk(t *testing.T, options string) string {
	t.Helper()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("only root on Linux can make a small disk")
	}
	folder, err := os.MkdirTemp("", "cookielab-disk-") // one of t.TempDir is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { storetest.Is(t, "Remove", os.Remove(folder), nil) })
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", options, "tmpfs", folder).CombinedOutput()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("mount: %v: %s", err, out)
		}
		t.Skipf("mount: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "--lazy", folder).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return folder
}

// fill uses all free space of a disk; free gives it back.
func fill(t *testing.T, folder string) (free func()) {
	t.Helper()
	file, err := os.CreateTemp(folder, "filler")
	if err != nil {
		t.Fatal(err)
	}
	for size := 1 << 20; size > 0; size /= 2 {
		for err = nil; err == nil; {
			_, err = file.Write(make([]byte, size))
		}
	}
	storetest.Is(t, "Close", file.Close(), nil)
	return func() {
		t.Helper()
		storetest.Is(t, "Remove", os.Remove(file.Name()), nil)
	}
}

// large is a record that takes some pages.
func large(n int, clock *storetest.Clock) sessions.Record {
	rec := recordOf(neighbour(n), clock)
	rec.Data = []byte(`{"a":"` + strings.Repeat("x", 30_000) + `"}`)
	return rec
}

func TestOnAFullDiskSQLiteOnlyRemoves(t *testing.T) {
	t.Parallel()
	const records = 40
	clock := storetest.NewClock()
	disk := smallDisk(t, "size=8m,mode=0777")
	file := filepath.Join(disk, "sessions.db")
	store := openSQLite(t, file, clock.Now)
	for n := range records {
		mustCreate(t, store, large(n, clock))
	}
	free := fill(t, disk)
	more := records
	for ; more < 4*records; more++ { // some room was free in the files
		if err := store.Create(t.Context(), large(more, clock)); err != nil {
			storetest.Is(t, "Create that finds the disk full", err, sessions.ErrFull)
			break
		}
	}
	nothingIsAdded := func(store sessions.Store) {
		t.Helper()
		err := store.Create(t.Context(), large(more, clock))
		storetest.Is(t, "Create", err, sessions.ErrFull)
		storetest.Is(t, "Create", err, sessions.ErrUnavailable)
		rec := large(more-1, clock)
		rec.Version = 1
		storetest.Is(t, "Update", store.Update(t.Context(), rec), sessions.ErrFull)
	}
	nothingIsAdded(store)
	for n := range 10 {
		storetest.Is(t, "Delete", store.Delete(t.Context(), neighbour(n), 1), nil)
	}
	clock.Advance(time.Minute)
	nothingIsAdded(store) // although the file has room, because the next removal needs that room
	n, err := store.Trim(t.Context(), "alice", sessions.Quota{Records: more - 15, Bytes: 1 << 30})
	storetest.Is(t, "Trim", err, nil)
	storetest.Equal(t, "trimmed", n, 5)
	storetest.Equal(t, "left", owned(t, store, "alice"), more-15)

	free()
	clock.Advance(time.Minute)
	mustCreate(t, store, large(more, clock))
	info, err := os.Stat(file + "-reserve")
	storetest.Is(t, "Stat of the reserve", err, nil)
	storetest.Equal(t, "the reserve is there again", err == nil && info.Size() >= 1_000_000, true)
}

// A program that starts on a full disk can also remove records, and a removal that it
// answered survives a kill.
func TestOnADiskThatIsFullAtTheStartSQLiteOnlyRemoves(t *testing.T) {
	t.Parallel()
	const records = 40
	clock := storetest.NewClock()
	disk := smallDisk(t, "size=8m,mode=0777")
	file := filepath.Join(disk, "sessions.db")
	store, err := sessions.OpenSQLite(t.Context(), file, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	for n := range records {
		mustCreate(t, store, large(n, clock))
	}
	storetest.Is(t, "Close", store.Close(), nil)
	free := fill(t, disk)
	server := startSQLiteChild(t, "remove", file)
	server.hear("ready")
	for range 2 {
		server.say("go")
		server.hear("answered")
	}
	server.kill()
	store = openSQLite(t, file, clock.Now)
	storetest.Equal(t, "left after the kill", owned(t, store, "alice"), records-20)
	storetest.Is(t, "Create", store.Create(t.Context(), large(records, clock)), sessions.ErrFull)

	free()
	clock.Advance(2 * time.Hour)
	n, err := store.ClearExpired(t.Context(), clock.Now(), 1000)
	storetest.Is(t, "ClearExpired", err, nil)
	storetest.Equal(t, "cleared", n, records-20)
	mustCreate(t, store, large(records, clock)) // ClearExpired has made the reserve anew
}

// sqliteChild is a program that has a database open, as a server has.
type sqliteChild struct {
	t       *testing.T
	command *exec.Cmd
	in      *os.File
	out     *bufio.Scanner
}

const sqliteChildEnv = "COOKIELAB_TEST_SQLITE" // the task and the file, by line

func startSQLiteChild(t *testing.T, task, file string) *sqliteChild {
	t.Helper()
	c := &sqliteChild{t: t, command: exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSQLiteChild$", "-test.count=1")}
	c.command.Env = append(os.Environ(), sqliteChildEnv+"="+task+"\n"+file)
	c.command.Stderr = os.Stderr
	theirs, ours, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.command.Stdin, c.in = theirs, ours
	out, err := c.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.out = bufio.NewScanner(out)
	if err := c.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.command.Process.Kill() // fails if it has ended: fine
		_ = errors.Join(theirs.Close(), ours.Close())
	})
	return c
}

func (c *sqliteChild) say(line string) {
	c.t.Helper()
	if _, err := fmt.Fprintln(c.in, line); err != nil {
		c.t.Fatal(err)
	}
}

func (c *sqliteChild) hear(line string) {
	c.t.Helper()
	var heard []string
	for c.out.Scan() {
		if c.out.Text() == line {
			return
		}
		heard = append(heard, c.out.Text())
	}
	c.t.Fatalf("the other process ended without %q:\n%s", line, strings.Join(heard, "\n"))
}

func (c *sqliteChild) kill() {
	c.t.Helper()
	storetest.Is(c.t, "Kill", c.command.Process.Kill(), nil)
	_ = c.command.Wait() // it was killed, which is an error
}

// TestSQLiteChild is what the other process does; it is no test by itself.
func TestSQLiteChild(t *testing.T) {
	task, file, is := strings.Cut(os.Getenv(sqliteChildEnv), "\n")
	if !is {
		return // not a skip, because this is no test by itself
	}
	clock := storetest.NewClock()
	a, b := openSQLite(t, file, clock.Now), openSQLite(t, file, clock.Now)
	in := bufio.NewScanner(os.Stdin)
	fmt.Println("ready")
	for n := 0; in.Scan(); n += 20 {
		switch task {
		case "write":
			for i := range 10 {
				mustCreate(t, a, recordOf(neighbour(n+2*i), clock))
				mustCreate(t, b, recordOf(neighbour(n+2*i+1), clock))
			}
		case "remove":
			recs, err := a.ByOwner(t.Context(), "alice", sessions.Record{}, 10)
			if err != nil {
				t.Fatal(err)
			}
			for _, rec := range recs {
				if err := b.Delete(t.Context(), rec.ID, rec.Version); err != nil {
					t.Fatal(err)
				}
			}
		}
		fmt.Println("answered")
	}
}
