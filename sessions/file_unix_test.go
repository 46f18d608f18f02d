//go:build unix

package sessions_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

const nobody = 54321 // a user who is not us

func TestFoldersAndFilesAreForTheirOwnerAlone(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0)) // nothing but our own modes
	clock := storetest.NewClock()
	dir := filesDir(t)
	store := openFiles(t, dir, clock.Now)
	rec := recordOf(neighbour(1), clock)
	mustCreate(t, store, rec)
	rec.Version = 1
	storetest.Is(t, "Update", store.Update(t.Context(), rec), nil)
	seen := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		storetest.Is(t, "Info", err, nil)
		want := os.FileMode(0o600)
		if entry.IsDir() {
			want = 0o700
		}
		storetest.Equal(t, entry.Name(), info.Mode().Perm(), want)
		seen++
		return nil
	})
	storetest.Is(t, "WalkDir", err, nil)
	if seen < 4 { // two folders, the session, the lock, and perhaps the spare file
		t.Errorf("%d folders and files", seen)
	}
}

func TestAFolderThatIsNotOursAloneIsRefused(t *testing.T) {
	top := t.TempDir()
	in := func(name string) string { return filepath.Join(top, name) }
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(os.Mkdir(in("private"), 0o700))
	do(os.Symlink(in("private"), in("link")))
	do(os.Symlink(in("nowhere"), in("dangling")))
	do(os.WriteFile(in("file"), nil, 0o600))
	do(syscall.Mkfifo(in("fifo"), 0o600))
	refused := map[string]string{ // folder: the word that says why
		in("link"): "symlink", in("link") + "/": "symlink", in("dangling"): "symlink",
		in("file"): "no folder", in("fifo"): "no folder", in("file/below"): "not a directory",
		in("missing/folder"): "no such file",
	}
	for _, mode := range []os.FileMode{0o755, 0o750, 0o710, 0o701, 0o704, 0o720, 0o702, 0o777} {
		name := in(fmt.Sprintf("%o", mode))
		do(os.Mkdir(name, 0o700))
		do(os.Chmod(name, mode))
		refused[name] = "open to others"
	}
	if os.Geteuid() == 0 {
		do(os.Mkdir(in("another's"), 0o700))
		do(os.Chown(in("another's"), nobody, nobody))
		refused[in("another's")] = "another user"
	} else {
		refused["/"] = "another user"
	}
	for dir, why := range refused {
		store, err := sessions.OpenFiles(dir, nil)
		storetest.Is(t, dir, err, sessions.ErrOption)
		if err == nil {
			store.Close()
		} else if !strings.Contains(err.Error(), filepath.Clean(dir)) || !strings.Contains(err.Error(), why) {
			t.Errorf("%q does not say %q of %s", err, why, dir)
		}
	}
	if _, err := os.Lstat(in("nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a symlink was followed: %v", err)
	}
	openFiles(t, in("private"), nil)
	openFiles(t, in("private")+"/", nil)
}

func TestWhatIsNoFileOfOursIsNotFollowedAndNotWaitedFor(t *testing.T) {
	session := func(path string) string { // what would be found if it were followed
		id, ok := sessions.ParseID(filepath.Base(path))
		storetest.Equal(t, "ParseID", ok, true)
		return sealed(id, soundHeader+"\n{}\n")
	}
	kinds := map[string]func(path, target string) error{
		"a symlink to a session": func(path, target string) error { return os.Symlink(target, path) },
		"a symlink to nothing":   func(path, target string) error { return os.Symlink(target+"?", path) },
		"a symlink to itself":    func(path, _ string) error { return os.Symlink(path, path) },
		"a FIFO":                 func(path, _ string) error { return syscall.Mkfifo(path, 0o600) },
		"a folder":               func(path, _ string) error { return os.Mkdir(path, 0o700) },
		"a socket": func(path, target string) error {
			// Their paths may be a hundred bytes long: it is made elsewhere.
			dir, err := os.MkdirTemp("", "socket")
			if err != nil {
				return err
			}
			defer os.RemoveAll(dir)
			socket, err := net.Listen("unix", filepath.Join(dir, "s"))
			if err != nil {
				return err
			}
			t.Cleanup(func() { socket.Close() })
			return os.Rename(filepath.Join(dir, "s"), path)
		},
	}
	if os.Geteuid() == 0 { // nobody else can make one
		kinds["another user's file"] = func(path, _ string) error {
			if err := os.WriteFile(path, []byte(session(path)), 0o600); err != nil {
				return err
			}
			return os.Chown(path, nobody, nobody)
		}
	}
	for name, put := range kinds {
		t.Run(name, func(t *testing.T) {
			store, path, check := inPlaceOfASession(t)
			target := filepath.Join(t.TempDir(), "target")
			if err := os.WriteFile(target, []byte(session(path)), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := put(path, target); err != nil {
				t.Fatal(err)
			}
			check(t)
			n, err := store.ClearExpired(t.Context(), time.Now().AddDate(50, 0, 0), 10) // not the one beside it
			storetest.Is(t, "ClearExpired", err, nil)
			storetest.Equal(t, "sessions cleared", n, 1) // the one that check began anew
			if _, err := os.Lstat(path); err != nil {
				t.Errorf("cleaning took it: %v", err)
			}
			after, err := os.ReadFile(target)
			storetest.Is(t, "ReadFile", err, nil)
			storetest.Equal(t, "target", string(after), session(path))
			entries, err := os.ReadDir(filepath.Dir(target))
			storetest.Is(t, "ReadDir", err, nil)
			storetest.Equal(t, "files beside the target", len(entries), 1)
		})
	}
}

// A symlink in place of one of the 256 folders leads nowhere.
func TestCleaningAndListingFollowNoFolder(t *testing.T) {
	clock := storetest.NewClock()
	here, there := filesDir(t), filesDir(t)
	store, elsewhere := openFiles(t, here, clock.Now), openFiles(t, there, clock.Now)
	mustCreate(t, elsewhere, recordOf(neighbour(1), clock))
	if err := os.Symlink(filepath.Join(there, "07"), filepath.Join(here, "07")); err != nil {
		t.Fatal(err)
	}
	recs, err := store.ByOwner(t.Context(), "alice", sessions.Record{}, 1000)
	storetest.Is(t, "ByOwner", err, nil)
	storetest.Equal(t, "records", len(recs), 0)
	n, err := store.ClearExpired(t.Context(), clock.Now().Add(9*time.Hour), 10)
	storetest.Is(t, "ClearExpired", err, nil)
	storetest.Equal(t, "cleared", n, 0)
	storetest.Equal(t, "there", loads(t, elsewhere, 2), "1")
}

// A session may be nowhere else than in a file, so a full disk must not eat it.
func TestAFailedWriteLeavesTheOldFile(t *testing.T) {
	dir := filesDir(t)
	clock := storetest.NewClock()
	rec := recordOf(neighbour(1), clock)
	mustCreate(t, openFiles(t, dir, clock.Now), rec)
	before := filesIn(t, dir)
	out, err := filesChild(t, dir, "full disk").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "refused twice") {
		t.Errorf("the second process: %v\n%s", err, out)
	}
	storetest.Equal(t, "files", filesIn(t, dir), before)
	got, err := openFiles(t, dir, clock.Now).Load(t.Context(), rec.ID)
	storetest.Is(t, "Load", err, nil)
	storetest.Equal(t, "data", string(got.Data), string(rec.Data))
	storetest.Equal(t, "version", got.Version, uint64(1))
}

// kill -9 in the middle of writing: what was answered is there, whole, and no
// lock is left behind.
func TestKillingAWriterLosesNothing(t *testing.T) {
	clock := storetest.NewClock()
	dir := filesDir(t)
	for round := range 3 {
		child := filesChild(t, dir, fmt.Sprint("write ", round))
		stdout, err := child.StdoutPipe()
		storetest.Is(t, "StdoutPipe", err, nil)
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		answered := map[string]uint64{} // key: the last version that was answered
		saves := 0
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			var key string
			var version uint64
			if n, _ := fmt.Sscanf(lines.Text(), "answered %s %d", &key, &version); n == 2 {
				answered[key] = max(answered[key], version)
				if saves++; saves == 200 {
					storetest.Is(t, "Kill", child.Process.Kill(), nil) // and hear out what it said
				}
			}
		}
		if err := child.Wait(); child.ProcessState.ExitCode() != -1 {
			t.Fatalf("it ended by itself after %d saves: %v", saves, err)
		}
		store := openFiles(t, dir, clock.Now)
		storetest.Equal(t, "sessions written", len(answered), writers)
		for key, version := range answered {
			rec, err := store.Load(t.Context(), killedID(key))
			storetest.Is(t, key, err, nil)
			if rec.Version != version && rec.Version != version+1 { // one may have been under way
				t.Errorf("%s: version %d, answered was %d", key, rec.Version, version)
			}
			storetest.Equal(t, key, string(rec.Data), string(versionData(rec.Version)))
			storetest.Is(t, "Update of "+key, store.Update(t.Context(), rec), nil)
		}
		n, err := store.ClearExpired(t.Context(), clock.Now(), 100)
		storetest.Is(t, "ClearExpired", err, nil)
		storetest.Equal(t, "cleared", n, 0)
		for _, name := range filesIn(t, dir) {
			if filepath.Base(name) == "spare" {
				t.Errorf("%s is left after cleaning", name)
			}
		}
	}
}

const writers = 4

// killedID is an ID in one folder with its like, so that their writers meet.
func killedID(key string) sessions.ID {
	id := sessions.KeyID("killed", key)
	id[0] = 7
	return id
}

// versionData is long enough for several writes, and tells one version from another.
func versionData(version uint64) []byte {
	return []byte(`{"a":"` + strings.Repeat(fmt.Sprint(version, " "), 4000) + `"}`)
}

const filesEnv = "COOKIELAB_TEST_FILES" // the folder and the task, by line

func filesChild(t *testing.T, dir, task string) *exec.Cmd {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSecondProcessOnFiles$", "-test.count=1")
	child.Env = append(os.Environ(), filesEnv+"="+dir+"\n"+task)
	return child
}

// TestSecondProcessOnFiles is what the second process does; it is no test by itself.
func TestSecondProcessOnFiles(t *testing.T) {
	dir, task, ok := strings.Cut(os.Getenv(filesEnv), "\n")
	if !ok {
		return // not a skip: there is nothing here that anybody misses
	}
	clock := storetest.NewClock()
	store := openFiles(t, dir, clock.Now)
	switch round, writing := strings.CutPrefix(task, "write "); {
	case writing:
		var out sync.Mutex
		storetest.Together(writers, func(w int) {
			key := fmt.Sprint("round", round, "writer", w)
			rec := recordOf(killedID(key), clock)
			rec.Data = versionData(1)
			err := store.Create(context.Background(), rec)
			for rec.Version = 1; err == nil; rec.Version++ { // until it is killed
				out.Lock()
				fmt.Println("answered", key, rec.Version)
				out.Unlock()
				rec.Data = versionData(rec.Version + 1)
				err = store.Update(context.Background(), rec)
			}
			t.Error(err)
		})
	case task == "full disk":
		signal.Ignore(syscall.SIGXFSZ) // it would end the process
		var limit syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		limit.Cur = 8000
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		update, create := recordOf(neighbour(1), clock), recordOf(neighbour(2), clock)
		update.Version = 1
		update.Data, create.Data = versionData(2), versionData(1)
		errs := []error{store.Update(t.Context(), update), store.Create(t.Context(), create)}
		for _, err := range errs {
			storetest.Is(t, "a write that does not fit", err, sessions.ErrUnavailable)
			storetest.Is(t, "its cause", err, syscall.EFBIG)
		}
		if !t.Failed() {
			fmt.Println("refused twice")
		}
	default:
		t.Errorf("no such task: %q", task)
	}
}
