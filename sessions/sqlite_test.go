package sessions_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

func openSQLite(t testing.TB, file string, clock sessions.Clock) *sessions.SQLite {
	t.Helper()
	store, err := sessions.OpenSQLite(t.Context(), file, clock)
	return opened(t, store, err)
}

func sqliteFile(t testing.TB) string { return filepath.Join(t.TempDir(), "sessions.db") }

func TestSQLiteIsAStore(t *testing.T) {
	t.Parallel()
	var files sync.Map // of the stores
	spoil := func(column, value string) storetest.Spoil {
		return func(t *testing.T, store sessions.Store, id sessions.ID) {
			t.Helper()
			file, _ := files.Load(store)
			mustExec(t, foreign(t, file.(string)), `UPDATE sessions SET `+column+` = `+value+` WHERE id = ?`, id[:])
		}
	}
	storetest.Store(t, func(t *testing.T, clock sessions.Clock) sessions.Store {
		file := sqliteFile(t)
		store := openSQLite(t, file, clock)
		files.Store(store, file)
		return store
	}, spoil("version", "-1"), spoil("created", "'soon'"))
}

func TestSQLiteMakesAnEngine(t *testing.T) {
	t.Parallel()
	storetest.Engine(t, func(t *testing.T, clock sessions.Clock) sessions.Engine {
		return sessions.Keyed("session", openSQLite(t, sqliteFile(t), clock))
	})
}

func TestSQLiteFilesAreForTheirOwnerAlone(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no such mode bits")
	}
	clock := storetest.NewClock()
	file := sqliteFile(t)
	store := openSQLite(t, file, clock.Now)
	mustCreate(t, store, recordOf(neighbour(1), clock))
	for _, name := range []string{file, file + "-wal", file + "-shm"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Error(err)
			continue
		}
		storetest.Equal(t, filepath.Base(name), info.Mode().Perm(), os.FileMode(0o600))
	}
}

func TestSQLiteKeepsDataWhenItIsReopened(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	file := sqliteFile(t)
	rec := recordOf(neighbour(1), clock)
	rec.Data = []byte(`{"a":"曲奇"}`)
	first, err := sessions.OpenSQLite(t.Context(), file, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	mustCreate(t, first, rec)
	storetest.Is(t, "Close", first.Close(), nil)

	second := openSQLite(t, file, clock.Now)
	got, err := second.Load(t.Context(), rec.ID)
	storetest.Is(t, "Load", err, nil)
	storetest.Equal(t, "data", string(got.Data), string(rec.Data))
	recs, err := second.ByOwner(t.Context(), "alice", sessions.Record{}, 1000)
	storetest.Is(t, "ByOwner", err, nil)
	storetest.Equal(t, "records of the owner", len(recs), 1)
}

// What one handle answered, another finds at once.
func TestSQLiteFileCanBeOpenedTwice(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	file := sqliteFile(t)
	one, two := openSQLite(t, file, clock.Now), openSQLite(t, file, clock.Now)
	rec := recordOf(neighbour(1), clock)
	mustCreate(t, one, rec)
	rec.Version = 1
	storetest.Is(t, "Update elsewhere", two.Update(t.Context(), rec), nil)
	storetest.Is(t, "Update of the old version", one.Update(t.Context(), rec), sessions.ErrConflict)
	storetest.Is(t, "Delete elsewhere", two.Delete(t.Context(), rec.ID, 0), nil)
	storetest.Is(t, "Update of what is gone", one.Update(t.Context(), rec), sessions.ErrNotFound)
}

// Several programs may be started at once on a file that is not there yet.
func TestSQLiteFileCanBeOpenedForTheFirstTimeByManyAtOnce(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	for range 60 { // without tries anew, one or two in 20 fail
		file := sqliteFile(t)
		storetest.Together(8, func(n int) {
			store, err := sessions.OpenSQLite(context.Background(), file, clock.Now)
			if err != nil {
				t.Error(err)
				return
			}
			err = store.Create(context.Background(), recordOf(neighbour(n), clock))
			storetest.Is(t, "Create", err, nil)
			storetest.Is(t, "Close", store.Close(), nil)
		})
		storetest.Equal(t, "records", loads(t, openSQLite(t, file, clock.Now), 8), "01234567")
	}
}

func TestSQLiteTakesAnyFileName(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	file := filepath.Join(t.TempDir(), "odd %41 #name?mode=memory&曲奇.db")
	mustCreate(t, openSQLite(t, file, clock.Now), recordOf(neighbour(1), clock))
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() == 0 {
		t.Error("the records lie somewhere else")
	}
	entries, err := os.ReadDir(filepath.Dir(file))
	storetest.Is(t, "ReadDir", err, nil)
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), filepath.Base(file)) {
			t.Errorf("stray file %q", entry.Name())
		}
	}
}

func TestAnUnusableFileIsAnErrorThatNamesIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.db")
	text := strings.Repeat("this is no database\n", 500)
	if err := os.WriteFile(garbage, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{
		"not a database":    garbage,
		"a folder":          dir,
		"in no folder":      filepath.Join(dir, "missing", "sessions.db"),
		"in what is a file": filepath.Join(garbage, "sessions.db"),
	} {
		t.Run(name, func(t *testing.T) {
			store, err := sessions.OpenSQLite(t.Context(), file, nil)
			if err == nil {
				store.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), file) {
				t.Errorf("%q does not name the file", err)
			}
		})
	}
	after, err := os.ReadFile(garbage)
	storetest.Is(t, "ReadFile", err, nil)
	storetest.Equal(t, "somebody else's file is as it was", string(after) == text, true)
}

func TestAClosedDatabaseIsUnavailable(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	store, err := sessions.OpenSQLite(t.Context(), sqliteFile(t), clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	storetest.Is(t, "Ping", store.Ping(t.Context()), nil)
	site := storetest.NewSite(t, sessions.Keyed("session", store), clock, nil)
	b := site.Browser()
	storetest.Equal(t, "status", b.Visit(func(s *sessions.Session) error { return s.Set("a", 1) }).Status, http.StatusOK)
	key := b.Key()
	storetest.Is(t, "Close", store.Close(), nil)

	ctx, rec := context.Background(), recordOf(neighbour(1), clock)
	_, loaded := store.Load(ctx, rec.ID)
	_, _, stamped := store.Stamp(ctx, rec.ID)
	_, owned := store.ByOwner(ctx, "alice", sessions.Record{}, 1000)
	_, cleared := store.ClearExpired(ctx, clock.Now(), 10)
	for name, err := range map[string]error{
		"Create": store.Create(ctx, rec), "Load": loaded, "Stamp": stamped, "Update": store.Update(ctx, rec),
		"Delete": store.Delete(ctx, rec.ID, 0), "Delete of a version": store.Delete(ctx, rec.ID, 1),
		"ByOwner": owned, "ClearExpired": cleared, "Ping": store.Ping(ctx),
	} {
		storetest.Is(t, name, err, sessions.ErrUnavailable)
	}
	for name, b := range map[string]*storetest.Browser{"at the load": b, "at the save": site.Browser()} {
		reply := b.Visit(func(s *sessions.Session) error { return s.Set("a", 2) })
		storetest.Equal(t, name+": status", reply.Status, http.StatusServiceUnavailable)
		storetest.Equal(t, name+": Retry-After", reply.Header.Get("Retry-After"), "5")
		storetest.Equal(t, name+": Set-Cookie", reply.Header["Set-Cookie"], nil)
	}
	storetest.Equal(t, "the browser still carries its key", b.Key(), key)
}

func TestSQLiteClearsThousandsInSteps(t *testing.T) {
	t.Parallel()
	const dead = 2500 // three steps of sessions.ClearExpired
	clock := storetest.NewClock()
	store := openSQLite(t, sqliteFile(t), clock.Now)
	for n := range dead {
		rec := recordOf(sessions.KeyID("dead", fmt.Sprint(n)), clock)
		rec.Expires = clock.Now().Add(-time.Hour)
		mustCreate(t, store, rec)
	}
	live := recordOf(sessions.KeyID("live", ""), clock)
	mustCreate(t, store, live)
	n, err := sessions.ClearExpired(t.Context(), store, clock.Now())
	storetest.Is(t, "ClearExpired", err, nil)
	storetest.Equal(t, "cleared", n, dead)
	_, err = store.Load(t.Context(), live.ID)
	storetest.Is(t, "Load of the live one", err, nil)
}

// foreign is another program's connection to a database.
func foreign(t *testing.T, file string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", file+"?_txlock=immediate")
	return opened(t, db, err)
}

func mustExec(t *testing.T, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

func TestOneBadRowOfSQLiteIsOneUnknownSession(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	file := sqliteFile(t)
	db := foreign(t, file)
	mustExec(t, db, `CREATE TABLE sessions (id BLOB PRIMARY KEY, version INTEGER, owner TEXT, created INTEGER, saved INTEGER, expires INTEGER, data TEXT)`)
	store := openSQLite(t, file, clock.Now)
	spoil := func(id sessions.ID, column, value string) {
		mustExec(t, db, `UPDATE sessions SET `+column+` = `+value+` WHERE id = ?`, id[:])
	}
	times := []string{"NULL", "'soon'", "x'00'", "9223372036854775807", "253402300800000000", "-9223372036854775808", "1e300"}
	oneBadRow(t, store, clock, spoil, map[string][]string{
		"version": {"NULL", "'one'", "x'01'", "-1", "0", "1.5", "1e300", "9223372036854775807"},
		"owner":   {"NULL"},
		"created": times, "saved": times,
		"expires": append(times[:5:5], "1e300"), // what expired long ago has expired
		"data":    {"NULL"},
	})
	mustExec(t, db, `INSERT INTO sessions VALUES (x'01', 1, 'alice', 0, 0, ?, '{}'), (NULL, 1, 'alice', 0, 0, ?, '{}'), ('`+strings.Repeat("x", 32)+`', 1, 'alice', 0, 0, ?, '{}')`,
		clock.Now().Add(time.Hour).UnixMicro(), clock.Now().Add(time.Hour).UnixMicro(), clock.Now().Add(time.Hour).UnixMicro())
	storetest.Equal(t, "records whose ID can be read", owned(t, store, "alice"), 1)
	clock.Advance(2 * time.Hour)
	n, err := store.ClearExpired(t.Context(), clock.Now(), 100)
	storetest.Is(t, "ClearExpired", err, nil)
	storetest.Equal(t, "cleared", n, 4)
}

func TestAllWhoWaitForSQLiteAreAnswered(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	file := sqliteFile(t)
	store := openSQLite(t, file, clock.Now)
	tx, err := foreign(t, file).BeginTx(t.Context(), nil) // with the lock, by foreign
	if err != nil {
		t.Fatal(err)
	}
	allAreAnswered(t, store, clock)

	soon, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	storetest.Is(t, "Create of somebody with less patience", store.Create(soon, recordOf(neighbour(1), clock)), sessions.ErrUnavailable)
	_, err = store.Load(t.Context(), neighbour(1))
	storetest.Is(t, "Load, which waits for nobody", err, sessions.ErrNotFound)
	done := make(chan error, 1)
	go func() { done <- store.Create(context.Background(), recordOf(neighbour(1), clock)) }()
	storetest.Is(t, "Rollback", tx.Rollback(), nil)
	storetest.Is(t, "Create that was waiting", <-done, nil)
}

func TestSQLiteListsAndTrimsManyOfOneOwner(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	file := sqliteFile(t)
	store := openSQLite(t, file, clock.Now)
	mustExec(t, foreign(t, file), `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
		INSERT INTO sessions SELECT randomblob(32), 1, 'alice', ?1, ?1 - i/10, ?2, printf('{"a":"%.*c"}', 92, 'x') FROM n`,
		clock.Now().UnixMicro(), clock.Now().Add(time.Hour).UnixMicro())
	manyOfOneOwner(t, store)
}

func TestSQLiteGivesSpaceBack(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	file := sqliteFile(t)
	store := openSQLite(t, file, clock.Now)
	size := func() int64 {
		t.Helper()
		var total int64
		for _, suffix := range []string{"", "-wal"} {
			info, err := os.Stat(file + suffix)
			if err != nil {
				t.Fatal(err)
			}
			total += info.Size()
		}
		return total
	}
	flood := func() {
		for n := range 300 {
			mustCreate(t, store, large(n, clock))
		}
		if size() < 8_000_000 {
			t.Fatalf("the flood takes %d bytes: this shows nothing", size())
		}
	}
	const most = 1<<20 + 1<<20 + 1<<20 // what stays to be used again, the WAL, the rest
	flood()
	n, err := store.Trim(t.Context(), "alice", sessions.Quota{Records: 3, Bytes: 1 << 20})
	storetest.Is(t, "Trim", err, nil)
	storetest.Equal(t, "trimmed", n, 297)
	if size() > most {
		t.Errorf("%d bytes after Trim", size())
	}
	for n := range 300 {
		_ = store.Delete(t.Context(), neighbour(n), 0) // three are there
	}
	flood()
	clock.Advance(2 * time.Hour)
	n, err = store.ClearExpired(t.Context(), clock.Now(), 1000)
	storetest.Is(t, "ClearExpired", err, nil)
	storetest.Equal(t, "cleared", n, 300)
	if size() > most {
		t.Errorf("%d bytes after ClearExpired", size())
	}
}

// A file that an older version made cannot shrink. Its free pages are used again.
func TestSQLiteFileOfBeforeIsUsedAgain(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	file := sqliteFile(t)
	db := foreign(t, file)
	mustExec(t, db, `CREATE TABLE sessions (id BLOB PRIMARY KEY, version INTEGER NOT NULL, owner TEXT NOT NULL, created INTEGER NOT NULL, saved INTEGER NOT NULL, expires INTEGER NOT NULL, data TEXT NOT NULL)`)
	mustExec(t, db, `CREATE INDEX sessions_by_owner ON sessions (owner, saved) WHERE owner <> ''`)
	store := openSQLite(t, file, clock.Now)
	var pages [2]int
	for round := range pages {
		for n := range 100 {
			mustCreate(t, store, large(n, clock))
		}
		recs, _ := storetest.Pages(t, store, "alice", 7)
		storetest.Equal(t, "records", len(recs), 100)
		if err := db.QueryRow(`PRAGMA page_count`).Scan(&pages[round]); err != nil {
			t.Fatal(err)
		}
		clock.Advance(2 * time.Hour)
		n, err := store.ClearExpired(t.Context(), clock.Now(), 1000)
		storetest.Is(t, "ClearExpired", err, nil)
		storetest.Equal(t, "cleared", n, 100)
	}
	storetest.Equal(t, "pages of the second round as of the first", pages[1], pages[0])
}
