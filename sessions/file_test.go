package sessions_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/flock"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

func openFiles(t testing.TB, dir string, clock sessions.Clock) *sessions.Files {
	t.Helper()
	store, err := sessions.OpenFiles(dir, clock)
	return opened(t, store, err)
}

func filesDir(t testing.TB) string { return filepath.Join(t.TempDir(), "sessions") }

func TestFilesAreAStore(t *testing.T) {
	t.Parallel()
	storetest.Store(t, func(t *testing.T, clock sessions.Clock) sessions.Store {
		return openFiles(t, filesDir(t), clock)
	}, badFiles()...)
}

// badFiles change a record's file into one that no store writes: empty, cut short or changed.
func badFiles() (bad []storetest.Spoil) {
	for _, change := range []func(content []byte) []byte{
		func([]byte) []byte { return nil },
		func(content []byte) []byte { return content[:len(content)/2] },
		func(content []byte) []byte { content[len(content)/2] ^= 1; return content },
	} {
		bad = append(bad, func(t *testing.T, store sessions.Store, id sessions.ID) {
			t.Helper()
			path := store.(*sessions.Files).Path(id)
			content, err := os.ReadFile(path)
			storetest.Is(t, "ReadFile", err, nil)
			storetest.Is(t, "WriteFile", os.WriteFile(path, change(content), 0o600), nil)
			// Cleaning goes by when the file was written, by the system's clock. This file shall
			// stay, however far the test's clock is ahead.
			now := time.Now().AddDate(100, 0, 0)
			storetest.Is(t, "Chtimes", os.Chtimes(path, now, now), nil)
		})
	}
	return bad
}

func TestFilesMakeAnEngine(t *testing.T) {
	t.Parallel()
	storetest.Engine(t, func(t *testing.T, clock sessions.Clock) sessions.Engine {
		return sessions.Keyed("session", openFiles(t, filesDir(t), clock))
	})
}

func TestAPersonCanReadASessionFile(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	dir := filesDir(t)
	store := openFiles(t, dir, clock.Now)
	rec := recordOf(neighbour(1), clock)
	rec.Owner, rec.Data = "<曲奇>", []byte(`{"a":"曲奇"}`)
	mustCreate(t, store, rec)
	rec.Version = 1
	storetest.Is(t, "Update", store.Update(t.Context(), rec), nil)
	path := filepath.Join(dir, "07", rec.ID.String())
	storetest.Equal(t, "Path", store.Path(rec.ID), path)
	content, err := os.ReadFile(path)
	storetest.Is(t, "ReadFile", err, nil)
	storetest.Equal(t, "content", string(content), `{"version":2,"owner":"<曲奇>",`+
		`"created":"2026-11-23T08:00:00.123456789Z","saved":"2026-11-23T08:00:00.123456789Z",`+
		`"expires":"2026-11-23T09:00:00.123456789Z"}`+"\n"+`{"a":"曲奇"}`+"\ncrc32c 0003c82e\n")
	_, err = store.ClearExpired(t.Context(), clock.Now(), 10) // may have found the file's predecessor
	storetest.Is(t, "ClearExpired", err, nil)
	storetest.Equal(t, "files", fmt.Sprint(filesIn(t, dir)), fmt.Sprint([]string{
		filepath.Join("07", rec.ID.String()), filepath.Join("07", "lock"),
	}))
}

func TestNothingInTheFolderIsAKey(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	dir := filesDir(t)
	site := storetest.NewSite(t, sessions.Keyed("session", openFiles(t, dir, clock.Now)), clock, nil)
	b := site.Browser()
	var keys []string
	for range 2 {
		b.Visit(func(s *sessions.Session) error { s.CycleKey(); return s.Set(sessions.UserKey, "alice") })
		keys = append(keys, b.Key())
	}
	names := filesIn(t, dir)
	storetest.Equal(t, "sessions in the folder", strings.Count(strings.Join(names, "\n"), "lock") < len(names), true)
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(dir, name))
		storetest.Is(t, "ReadFile", err, nil)
		for _, key := range keys {
			if len(key) != sessions.KeyLength || strings.Contains(name+string(content), key) {
				t.Errorf("%s holds the key %q:\n%s", name, key, content)
			}
		}
	}
}

// What one handle answered, another finds at once, also after the first is closed.
func TestAFolderCanBeOpenedTwice(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	dir := filesDir(t)
	one, two := openFiles(t, dir, clock.Now), openFiles(t, dir, clock.Now)
	rec := recordOf(neighbour(1), clock)
	rec.Data = []byte(`{"a":"曲奇"}`)
	mustCreate(t, one, rec)
	rec.Version = 1
	storetest.Is(t, "Update elsewhere", two.Update(t.Context(), rec), nil)
	storetest.Is(t, "Update of the old version", one.Update(t.Context(), rec), sessions.ErrConflict)
	storetest.Is(t, "Close", one.Close(), nil)
	got, err := openFiles(t, dir, clock.Now).Load(t.Context(), rec.ID)
	storetest.Is(t, "Load", err, nil)
	storetest.Equal(t, "data", string(got.Data), string(rec.Data))
	storetest.Equal(t, "version", got.Version, uint64(2))
}

// Two handles have locks of their own, like two processes.
func TestTwoHandlesOnOneFolderLoseNothing(t *testing.T) {
	t.Parallel()
	const each = 100
	clock := storetest.NewClock()
	dir := filesDir(t)
	rec := recordOf(neighbour(1), clock)
	rec.Data = []byte("0")
	mustCreate(t, openFiles(t, dir, clock.Now), rec)
	stores := []*sessions.Files{openFiles(t, dir, clock.Now), openFiles(t, dir, clock.Now)}
	storetest.Together(4, func(i int) {
		for done := 0; done < each; {
			mine, err := stores[i%2].Load(context.Background(), rec.ID)
			if err == nil {
				var count int
				fmt.Sscan(string(mine.Data), &count)
				mine.Data = fmt.Append(nil, count+1)
				err = stores[i%2].Update(context.Background(), mine)
			}
			switch {
			case err == nil:
				done++
			case !errors.Is(err, sessions.ErrConflict):
				t.Error(err)
				return
			}
		}
	})
	got, err := stores[0].Load(t.Context(), rec.ID)
	storetest.Is(t, "Load", err, nil)
	storetest.Equal(t, "count", string(got.Data), fmt.Sprint(4*each))
	storetest.Equal(t, "version", got.Version, uint64(4*each+1))
}

const soundHeader = `{"version":1,"owner":"alice","created":"2026-11-23T08:00:00Z","saved":"2026-11-23T08:00:00Z",` +
	`"expires":"2126-11-23T08:00:00Z"}`

// sealed is a file as a store writes it.
func sealed(id sessions.ID, body string) string {
	sum := crc32.Checksum(append(id[:], body...), crc32.MakeTable(crc32.Castagnoli))
	return fmt.Sprintf("%scrc32c %08x\n", body, sum)
}

// noSessions are contents that a store never wrote under an ID, by name.
func noSessions(id sessions.ID) map[string]string {
	const header = soundHeader
	sound := sealed(id, header+"\n{}\n")
	random := make([]byte, 300)
	rand.Read(random)
	other := id
	other[31] ^= 1
	return map[string]string{
		"nothing":                  "",
		"zeros":                    string(make([]byte, 300)),
		"random bytes":             string(random),
		"JSON":                     "[]",
		"a newline":                "\n",
		"half a header":            header[:60],
		"a header":                 header + "\n",
		"no seal":                  header + "\n{}\n",
		"half a seal":              sound[:len(sound)-5],
		"all but the last newline": sound[:len(sound)-1],
		"more behind it":           sound + "\n",
		"changed data":             strings.Replace(sound, "{}", "[]", 1),
		"a changed owner":          strings.Replace(sound, "alice", "alicf", 1),
		"another session":          sealed(other, header+"\n{}\n"),
		"a seal alone":             sealed(id, ""),
		"data alone":               sealed(id, "{\"a\":1}\n"),
		"null":                     sealed(id, "null\n{}\n"),
		"a list":                   sealed(id, "[1]\n{}\n"),
		"a text":                   sealed(id, "\"text\"\n{}\n"),
		"a version that is text":   sealed(id, strings.Replace(header, "1", `"1"`, 1)+"\n{}\n"),
		"a version below nothing":  sealed(id, strings.Replace(header, "1", "-1", 1)+"\n{}\n"),
		"an owner that is a list":  sealed(id, strings.Replace(header, `"alice"`, "[]", 1)+"\n{}\n"),
		"a time that is none":      sealed(id, strings.Replace(header, "2126", "soon", 1)+"\n{}\n"),
		"too much":                 sealed(id, header+"\n"+strings.Repeat(" ", 4*sessions.MaxStored)+"\n"),
	}
}

func TestAFileAsAStoreWritesItIsASession(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	store := openFiles(t, filesDir(t), clock.Now)
	rec := recordOf(neighbour(1), clock)
	mustCreate(t, store, rec)
	if err := os.WriteFile(store.Path(rec.ID), []byte(sealed(rec.ID, soundHeader+"\n{}\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := store.Load(t.Context(), rec.ID)
	storetest.Is(t, "Load", err, nil)
	storetest.Equal(t, "ends in", got.Expires.Year(), 2126)
}

func TestAFileThatIsNoSessionIsNone(t *testing.T) {
	t.Parallel()
	for name := range noSessions(sessions.ID{}) {
		t.Run(name, func(t *testing.T) {
			store, path, check := inPlaceOfASession(t)
			id, _ := sessions.ParseID(filepath.Base(path))
			content := noSessions(id)[name]
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			written := time.Now()
			check(t)
			after, err := os.ReadFile(path)
			storetest.Is(t, "ReadFile", err, nil)
			storetest.Equal(t, "it is as it was", len(after) == len(content), true)
			for _, cut := range []time.Duration{-time.Hour, time.Hour} {
				if cut > 0 {
					written = time.Now()
				}
				_, err := store.ClearExpired(t.Context(), written.Add(cut), 10)
				storetest.Is(t, "ClearExpired", err, nil)
				_, err = os.Lstat(path)
				storetest.Equal(t, "cleaned", errors.Is(err, fs.ErrNotExist), cut > 0)
			}
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			storetest.Is(t, "Delete of any version", store.Delete(t.Context(), id, 0), nil)
			_, err = os.Lstat(path)
			storetest.Is(t, "Lstat of what was deleted", err, fs.ErrNotExist)
		})
	}
}

// Files change places with the spare one while others read them: nobody may
// see another's data, or half of any.
func TestReadersSeeWholeSessionsOfTheirOwn(t *testing.T) {
	t.Parallel()
	const keepers, saves = 3, 300
	clock := storetest.NewClock()
	store := openFiles(t, filesDir(t), clock.Now)
	dataOf := func(i, save int) string {
		return fmt.Sprintf(`{"%d":"%s"}`, i, strings.Repeat(fmt.Sprint(save, " "), 100+save*i))
	}
	var stop atomic.Int32
	for i := range keepers {
		rec := recordOf(neighbour(i), clock)
		rec.Data = []byte(dataOf(i, 1))
		mustCreate(t, store, rec)
	}
	storetest.Together(2*keepers, func(w int) {
		i := w / 2
		if w%2 == 0 {
			defer stop.Add(1)
			rec := recordOf(neighbour(i), clock)
			for rec.Version = 1; rec.Version < saves; rec.Version++ {
				rec.Data = []byte(dataOf(i, int(rec.Version)+1))
				if err := store.Update(context.Background(), rec); err != nil {
					t.Error(err)
					return
				}
			}
			return
		}
		for last := uint64(0); stop.Load() < keepers; {
			rec, err := store.Load(context.Background(), neighbour(i))
			if err != nil || string(rec.Data) != dataOf(i, int(rec.Version)) || rec.Version < last {
				t.Errorf("%d: version %d after %d, error %v, data %.40q", i, rec.Version, last, err, rec.Data)
				return
			}
			last = rec.Version
		}
	})
}

// A logout leaves nothing of the session in the folder.
func TestDeleteLeavesNothing(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	dir := filesDir(t)
	store := openFiles(t, dir, clock.Now)
	rec := recordOf(neighbour(1), clock)
	for _, remove := range []func() error{
		func() error { return store.Delete(t.Context(), rec.ID, 0) },
		func() error {
			n, err := store.ClearExpired(t.Context(), rec.Expires.Add(time.Hour), 10)
			storetest.Equal(t, "cleared", n, 1)
			return err
		},
	} {
		mustCreate(t, store, rec)
		for rec.Version = 1; rec.Version < 4; rec.Version++ {
			storetest.Is(t, "Update", store.Update(t.Context(), rec), nil)
		}
		storetest.Is(t, "removal", remove(), nil)
		storetest.Equal(t, "files", filesIn(t, dir), []string{filepath.Join("07", "lock")})
	}
}

// Whatever lies in the place of the spare file is not written to; the write
// fails, says so, and clears the way for the next.
func TestASpareThatIsNoneIsNotUsed(t *testing.T) {
	t.Parallel()
	for name, put := range map[string]func(path, target string) error{
		"a folder":  func(path, _ string) error { return os.Mkdir(path, 0o700) },
		"a symlink": func(path, target string) error { return os.Symlink(target, path) },
	} {
		if name == "a symlink" && runtime.GOOS == "windows" {
			continue // needs a right there that few programs have
		}
		t.Run(name, func(t *testing.T) {
			clock := storetest.NewClock()
			dir := filesDir(t)
			store := openFiles(t, dir, clock.Now)
			rec := recordOf(neighbour(1), clock)
			mustCreate(t, store, rec)
			rec.Version = 1
			target := filepath.Join(t.TempDir(), "target")
			if err := os.WriteFile(target, []byte("target"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := put(filepath.Join(dir, "07", "spare"), target); err != nil {
				t.Fatal(err)
			}
			changed := rec
			changed.Data = []byte(`{"changed":true}`)
			storetest.Is(t, "Update", store.Update(t.Context(), changed), sessions.ErrUnavailable)
			got, err := store.Load(t.Context(), rec.ID)
			storetest.Is(t, "Load", err, nil)
			storetest.Equal(t, "data", string(got.Data), string(rec.Data))
			storetest.Is(t, "the next Update", store.Update(t.Context(), changed), nil)
			after, err := os.ReadFile(target)
			storetest.Is(t, "ReadFile", err, nil)
			storetest.Equal(t, "target", string(after), "target")
		})
	}
}

func TestAGigabyteInPlaceOfASessionIsNotRead(t *testing.T) {
	t.Parallel()
	_, path, check := inPlaceOfASession(t)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1<<30); err != nil {
		t.Fatal(err)
	}
	check(t)
	info, err := os.Lstat(path)
	storetest.Is(t, "Lstat", err, nil)
	storetest.Equal(t, "size", info.Size(), int64(1<<30))
}

// inPlaceOfASession gives a store, a free path in it, and a check that what is
// put there is nobody's session, and in nobody's way.
func inPlaceOfASession(t *testing.T) (store *sessions.Files, path string, check func(*testing.T)) {
	clock := storetest.NewClock()
	store = openFiles(t, filesDir(t), clock.Now)
	site := storetest.NewSite(t, sessions.Keyed("session", store), clock, nil)
	b := site.Browser()
	b.Visit(func(s *sessions.Session) error { return s.Set("a", 1) })
	id := sessions.KeyID("session", b.Key())
	sound := id
	sound[31]++ // in the same folder
	rec := recordOf(sound, clock)
	rec.Expires = clock.Now().AddDate(100, 0, 0)
	mustCreate(t, store, rec)
	path = store.Path(id)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	return store, path, func(t *testing.T) {
		t.Helper()
		ctx := t.Context()
		_, err := store.Load(ctx, id)
		storetest.Is(t, "Load", err, sessions.ErrNotFound)
		if err == sessions.ErrNotFound || !strings.Contains(err.Error(), path) {
			t.Errorf("the error does not say what is wrong with which file: %v", err)
		}
		mine := recordOf(id, clock)
		mine.Version = 1
		storetest.Is(t, "Update", store.Update(ctx, mine), sessions.ErrNotFound)
		storetest.Is(t, "Delete", store.Delete(ctx, id, 1), sessions.ErrNotFound)
		storetest.Is(t, "Create", store.Create(ctx, mine), sessions.ErrExists)
		recs, err := store.ByOwner(ctx, "alice", sessions.Record{}, 1000)
		storetest.Is(t, "ByOwner", err, nil)
		storetest.Equal(t, "sessions of alice", len(recs), 1)
		if _, err := os.Lstat(path); err != nil {
			t.Error(err)
		}
		reply := b.Visit(func(s *sessions.Session) error {
			storetest.Is(t, "Rejected", s.Rejected(), sessions.ErrNotFound)
			return s.Set("a", 2)
		})
		storetest.Equal(t, "status", reply.Status, http.StatusOK)
		storetest.Equal(t, "a new key", b.Key() != "" && sessions.KeyID("session", b.Key()) != id, true)
	}
}

func TestCleaningRemovesWhatACrashLeft(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	dir := filesDir(t)
	store := openFiles(t, dir, clock.Now)
	mustCreate(t, store, recordOf(neighbour(1), clock))
	kept := filesIn(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "07", "spare"), []byte(`{"vers`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"README", "07/README", "xx", "7"} { // somebody's own
		kept = append(kept, filepath.FromSlash(name))
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n, err := store.ClearExpired(t.Context(), clock.Now(), 10)
	storetest.Is(t, "ClearExpired", err, nil)
	storetest.Equal(t, "sessions cleared", n, 0)
	storetest.Equal(t, "files", len(filesIn(t, dir)), len(kept))
	for _, name := range kept {
		if _, err := os.Lstat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestTheWaitForALockIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		clock := storetest.NewClock()
		dir := filesDir(t)
		store := openFiles(t, dir, clock.Now)
		rec := recordOf(neighbour(1), clock)
		mustCreate(t, store, rec)
		rec.Version = 1
		other := flock.New(filepath.Join(dir, "07", "lock"))
		locked, err := other.TryLock()
		storetest.Is(t, "TryLock", err, nil)
		storetest.Equal(t, "the other process has the lock", locked, true)

		fresh := recordOf(neighbour(2), clock)
		start := time.Now() // of the bubble: it jumps while all wait
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for _, ctx := range []context.Context{short, t.Context()} {
			_, owned := store.ByOwner(ctx, "alice", sessions.Record{}, 1000)
			for name, err := range map[string]error{
				"Update": store.Update(ctx, rec), "Create": store.Create(ctx, fresh),
				"Delete": store.Delete(ctx, rec.ID, 0), "ByOwner": owned,
			} {
				storetest.Is(t, name, err, sessions.ErrUnavailable)
				storetest.Is(t, name, err, context.DeadlineExceeded)
			}
		}
		if waited := time.Since(start); waited > time.Second+4*6*time.Second {
			t.Errorf("four calls waited %v", waited)
		}
		_, err = store.Load(t.Context(), rec.ID)
		storetest.Is(t, "Load, which needs no lock", err, nil)
		elsewhere := recordOf(sessions.ID{8}, clock)
		storetest.Is(t, "Create elsewhere", store.Create(t.Context(), elsewhere), nil)

		storetest.Is(t, "Unlock", other.Unlock(), nil)
		storetest.Is(t, "Update", store.Update(t.Context(), rec), nil)
		_, err = store.Load(t.Context(), fresh.ID)
		storetest.Is(t, "Load of what was refused", err, sessions.ErrNotFound)
	})
}

func TestAClosedFolderIsUnavailable(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	store := openFiles(t, filesDir(t), clock.Now)
	mustCreate(t, store, recordOf(neighbour(1), clock))
	storetest.Is(t, "Close", store.Close(), nil)
	allUnavailable(t, store, clock)
}

// A disk that was taken away: nobody is logged out, and all is well again when
// it is back.
func TestAMissingFolderIsUnavailable(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	dir := filesDir(t)
	store := openFiles(t, dir, clock.Now)
	site := storetest.NewSite(t, sessions.Keyed("session", store), clock, nil)
	b := site.Browser()
	b.Visit(func(s *sessions.Session) error { return s.Set("a", 1) })
	key := b.Key()
	if err := os.Rename(dir, dir+" away"); err != nil {
		t.Fatal(err)
	}
	allUnavailable(t, store, clock)
	for name, b := range map[string]*storetest.Browser{"at the load": b, "at the save": site.Browser()} {
		reply := b.Visit(func(s *sessions.Session) error { return s.Set("a", 2) })
		storetest.Equal(t, name+": status", reply.Status, http.StatusServiceUnavailable)
		storetest.Equal(t, name+": Retry-After", reply.Header.Get("Retry-After"), "5")
		storetest.Equal(t, name+": Set-Cookie", reply.Header["Set-Cookie"], nil)
	}
	storetest.Equal(t, "the browser still carries its key", b.Key(), key)
	if err := os.Rename(dir+" away", dir); err != nil {
		t.Fatal(err)
	}
	storetest.Equal(t, "a", items(t, b)["a"], any(int64(1)))
}

// Another folder at the same path must not be used. In an empty one every session would
// be unknown; in a copy the sessions that ended since would still be live.
func TestAReplacedFolderIsUnavailable(t *testing.T) {
	t.Parallel()
	for name, replace := range map[string]func(dir, away string) error{
		"moved, and an empty one made": func(dir, away string) error {
			return errors.Join(os.Rename(dir, away), os.Mkdir(dir, 0o700))
		},
		"moved, and a copy put there": func(dir, away string) error {
			return errors.Join(os.Rename(dir, away), os.CopyFS(dir, os.DirFS(away)))
		},
		"moved, and a file made": func(dir, away string) error {
			return errors.Join(os.Rename(dir, away), os.WriteFile(dir, nil, 0o600))
		},
		"removed": func(dir, away string) error { return errors.Join(os.CopyFS(away, os.DirFS(dir)), os.RemoveAll(dir)) },
		"removed, and made again": func(dir, away string) error {
			return errors.Join(os.CopyFS(away, os.DirFS(dir)), os.RemoveAll(dir), os.Mkdir(dir, 0o700))
		},
		"removed, and made again by another process": func(dir, away string) error {
			if err := errors.Join(os.CopyFS(away, os.DirFS(dir)), os.RemoveAll(dir)); err != nil {
				return err
			}
			other, err := sessions.OpenFiles(dir, nil)
			if err != nil {
				return err
			}
			return other.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			clock := storetest.NewClock()
			dir := filesDir(t)
			store := openFiles(t, dir, clock.Now)
			mustCreate(t, store, recordOf(neighbour(1), clock))
			if err := replace(dir, dir+" away"); err != nil {
				t.Fatal(err)
			}
			before := []string{}
			if info, err := os.Stat(dir); err == nil && info.IsDir() {
				before = filesIn(t, dir)
			}
			allUnavailable(t, store, clock)
			_, err := store.Trim(t.Context(), "alice", sessions.Quota{})
			storetest.Is(t, "Trim", err, sessions.ErrUnavailable)
			if info, err := os.Stat(dir); err == nil && info.IsDir() {
				storetest.Equal(t, "files in the other folder", len(filesIn(t, dir)), len(before))
			}
			if !strings.HasPrefix(name, "moved") {
				return // it cannot come back
			}
			if err := errors.Join(os.RemoveAll(dir), os.Rename(dir+" away", dir)); err != nil {
				t.Fatal(err)
			}
			storetest.Equal(t, "there, when it is back", loads(t, store, 2), "1")
		})
	}
}

// Somebody empties the folder by hand while the program runs.
func TestAnEmptiedFolderIsUsedOn(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	dir := filesDir(t)
	store := openFiles(t, dir, clock.Now)
	rec := recordOf(neighbour(1), clock)
	mustCreate(t, store, rec)
	if err := os.RemoveAll(filepath.Join(dir, "07")); err != nil {
		t.Fatal(err)
	}
	_, err := store.Load(t.Context(), rec.ID)
	storetest.Is(t, "Load", err, sessions.ErrNotFound)
	recs, err := store.ByOwner(t.Context(), "alice", sessions.Record{}, 1000)
	storetest.Is(t, "ByOwner", err, nil)
	storetest.Equal(t, "records", len(recs), 0)
	mustCreate(t, store, rec)
	storetest.Equal(t, "there", loads(t, store, 2), "1")
}

func TestARecordTooLargeToReadAgainIsNotWritten(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	store := openFiles(t, filesDir(t), clock.Now)
	rec := recordOf(neighbour(1), clock)
	mustCreate(t, store, rec)
	rec.Version = 1
	rec.Owner = strings.Repeat("\x01", sessions.MaxStored) // six times as long in JSON
	err := store.Update(t.Context(), rec)
	storetest.Is(t, "Update", err, sessions.ErrUnavailable)
	storetest.Is(t, "Update", err, sessions.ErrTooLarge)
	got, err := store.Load(t.Context(), rec.ID)
	storetest.Is(t, "Load", err, nil)
	storetest.Equal(t, "owner", got.Owner, "alice")
}

// filesIn lists the files below a folder.
func filesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			name, _ := filepath.Rel(dir, path)
			names = append(names, name)
		}
		return err
	})
	storetest.Is(t, "WalkDir", err, nil)
	return names
}

// BenchmarkFile is one operation of the store, without HTTP and JSON of the data.
func BenchmarkFile(b *testing.B) {
	clock := storetest.NewClock()
	open := func(b *testing.B) (*sessions.Files, sessions.Record) {
		store := openFiles(b, filesDir(b), clock.Now)
		rec := recordOf(neighbour(1), clock)
		rec.Data = []byte(`{"_user":"alice","_role":"student","n":12345}`)
		mustCreate(b, store, rec)
		rec.Version = 1
		return store, rec
	}
	b.Run("load", func(b *testing.B) {
		store, rec := open(b)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := store.Load(b.Context(), rec.ID); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("update", func(b *testing.B) {
		store, rec := open(b)
		b.ReportAllocs()
		for b.Loop() {
			if err := store.Update(b.Context(), rec); err != nil {
				b.Fatal(err)
			}
			rec.Version++
		}
	})
}
