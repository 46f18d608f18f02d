package sessions_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
	"cookielab/sessions/storetest/servers"
)

// sharedStores are what two processes may have open at once: how a test gets new,
// empty ones that lie at addresses, and how one is opened.
func sharedStores() []sharedStore {
	return []sharedStore{
		{"SQLite", func(testing.TB) newAddress { return sqliteFile }, keyed(openSQLite)},
		{"PostgreSQL", func(t testing.TB) newAddress { return servers.Postgres(t).Schema }, keyed(openPostgres)},
		{"Redis", emptyRedis, keyed(func(t testing.TB, url string, clock sessions.Clock) *sessions.Redis {
			return openRedisAt(t, url, sessions.RedisOptions{Clock: clock})
		})},
		{"files", func(testing.TB) newAddress { return filesDir }, keyed(openFiles)},
		// Each process has a cache of its own: the hardest case.
		{"cached_db", func(testing.TB) newAddress { return sqliteFile }, keyed(openCached)},
	}
}

// emptyRedis is one Redis, emptied for each test.
func emptyRedis(t testing.TB) newAddress {
	server := servers.Redis(t)
	return func(t testing.TB) string {
		if err := openRedisAt(t, server.URL(), sessions.RedisOptions{}).Clear(t.Context()); err != nil {
			t.Fatal(err)
		}
		return server.URL()
	}
}

type sharedStore struct {
	name      string
	addresses func(testing.TB) newAddress
	open      func(t testing.TB, address string, clock sessions.Clock) sessions.Engine
}

type newAddress = func(testing.TB) string

func keyed[S sessions.Store](open func(testing.TB, string, sessions.Clock) S) func(testing.TB, string, sessions.Clock) sessions.Engine {
	return func(t testing.TB, address string, clock sessions.Clock) sessions.Engine {
		return sessions.Keyed("session", open(t, address, clock))
	}
}

// Two programs on one store, each with its own locks: only what the store
// promises is left to keep them from losing each other's writes. The second one
// is this test binary once more; it runs TestSecondProcess alone, and the two
// talk by lines on its standard input and output.

const (
	processEnv = "COOKIELAB_TEST_PROCESS" // the store, its address, the key and the task, by line
	share      = 250
	prefix     = "second process: " // tells its lines from those of package testing
)

func TestTwoProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: two processes share no memory that could race")
	}
	t.Parallel()
	for _, store := range sharedStores() {
		t.Run(store.name, func(t *testing.T) {
			p := processes{store, store.addresses(t)}
			t.Run("keep all of 500 commits", p.commits)
			t.Run("count all of 500 increments", p.increments)
			t.Run("a commit after a logout in the other answers 409", p.logout)
			t.Run("commits racing CycleKey in the other are kept or answered 409", p.cycle)
			t.Run("what one was answered is there after its kill -9", p.kill)
			t.Run("one that only reads, and ends, removes nothing", p.onlooker)
		})
	}
}

// processes are tests of one store.
type processes struct {
	store   sharedStore
	address newAddress
}

func (p processes) commits(t *testing.T) {
	site, b, address := p.shared(t, map[string]any{"a": 1})
	second := p.start(t, address, b.Key(), "commits")
	second.say("go")
	storetest.Commits(t, b, 0, share)
	second.end()
	storetest.Committed(t, site.Browser().Carry(b.Key()), 2*share)
}

func (p processes) increments(t *testing.T) {
	_, b, address := p.shared(t, map[string]any{"n": 0})
	second := p.start(t, address, b.Key(), "increments")
	second.say("go")
	storetest.Increments(t, b, share)
	second.end()
	storetest.Equal(t, "n", items(t, b)["n"], any(int64(2*share)))
}

func (p processes) logout(t *testing.T) {
	site, b, address := p.shared(t, map[string]any{"a": 1})
	key := b.Key()
	second := p.start(t, address, key, "late commit")
	second.hear("loaded")
	storetest.Equal(t, "status", b.Visit(func(s *sessions.Session) error { s.Flush(); return nil }).Status, http.StatusOK)
	second.say("go")
	second.end()
	site.Browser().Carry(key).Visit(func(s *sessions.Session) error {
		storetest.Is(t, "the session that was ended", s.Rejected(), sessions.ErrNotFound)
		return nil
	})
}

func (p processes) cycle(t *testing.T) {
	site, b, address := p.shared(t, map[string]any{"a": 1})
	key := b.Key()
	second := p.start(t, address, key, "racing commits")
	second.say("go")
	second.hear("one is in")
	storetest.Equal(t, "status", b.Visit(func(s *sessions.Session) error { s.CycleKey(); return nil }).Status, http.StatusOK)
	kept := second.end()
	site.Browser().Carry(key).Visit(func(s *sessions.Session) error {
		storetest.Is(t, "the old key", s.Rejected(), sessions.ErrNotFound)
		return nil
	})
	var found []string
	for name := range items(t, b) {
		if name != "a" {
			found = append(found, "kept "+name)
		}
	}
	slices.Sort(found)
	slices.Sort(kept)
	storetest.Equal(t, "what was answered 200", kept, found)
}

// kill ends the second process with SIGKILL while its browsers save as fast as
// they are answered; several times, because few are in the air when a kill comes.
func (p processes) kill(t *testing.T) {
	const kills, answers = 4, 100
	site, b, address := p.shared(t, map[string]any{"a": 1})
	var claims []string
	for range kills {
		second := p.start(t, address, b.Key(), "saves")
		second.say("go")
		for len(second.heard) < answers && second.next() {
		}
		storetest.Is(t, "Kill", second.cmd.Process.Kill(), nil)
		second.hear("") // what it was answered before
		_ = second.cmd.Wait()
		claims = append(claims, second.heard...)
	}
	if len(claims) < kills*answers {
		t.Errorf("only %d answers: this shows nothing", len(claims))
	}
	kept := items(t, b)
	for _, claim := range claims {
		did, what, _ := strings.Cut(claim, " ")
		switch did {
		case "set":
			storetest.Equal(t, what, kept[what], any(int64(1)))
		case "began":
			storetest.Equal(t, "in a new session", items(t, site.Browser().Carry(what))["a"], any(int64(1)))
		case "ended":
			site.Browser().Carry(what).Visit(func(s *sessions.Session) error {
				storetest.Is(t, "a session that was ended", s.Rejected(), sessions.ErrNotFound)
				return nil
			})
		default:
			t.Errorf("the second process says %q", claim)
		}
	}
}

// onlooker opens the store in other processes, which read a session and end as they
// should, while the first goes on saving: the next one finds all of it.
func (p processes) onlooker(t *testing.T) {
	_, b, address := p.shared(t, map[string]any{"a": 1})
	want := []string{"a"}
	for n := range 4 {
		seen := p.start(t, address, b.Key(), "look").end()
		slices.Sort(seen)
		storetest.Equal(t, "an onlooker sees", seen, want)
		name := fmt.Sprint("k", n)
		storetest.Equal(t, "status", b.Visit(func(s *sessions.Session) error { return s.Set(name, n) }).Status, http.StatusOK)
		want = append(want, name)
	}
}

// TestSecondProcess is what the second process does; it is no test by itself.
func TestSecondProcess(t *testing.T) {
	t.Parallel()
	orders := strings.Split(os.Getenv(processEnv), "\n")
	if len(orders) != 4 {
		return // not a skip: there is nothing here that anybody misses
	}
	name, address, key, task := orders[0], orders[1], orders[2], orders[3]
	stores := sharedStores()
	p := processes{store: stores[slices.IndexFunc(stores, func(s sharedStore) bool { return s.name == name })]}
	site := p.site(t, address)
	b := site.Browser().Carry(key)
	in := bufio.NewReader(os.Stdin)
	say := func(line string) { fmt.Println(prefix + line) }
	wait := func() {
		if line, err := in.ReadString('\n'); line != "go\n" {
			t.Errorf("the first process says %q (%v)", line, err)
		}
	}
	say("ready")
	switch task {
	case "commits":
		wait()
		storetest.Commits(t, b, share, share)
	case "increments":
		wait()
		storetest.Increments(t, b, share)
	case "look":
		for name := range items(t, b) {
			say(name)
		}
	case "late commit":
		reply := b.Visit(func(s *sessions.Session) error {
			say("loaded")
			wait()
			return s.Set("a", "late")
		})
		storetest.Equal(t, "status", reply.Status, http.StatusConflict)
		storetest.Equal(t, "Set-Cookie", reply.Header["Set-Cookie"], nil)
	case "racing commits":
		wait()
		var first sync.Once
		storetest.Together(40, func(i int) {
			name := fmt.Sprint("k", i)
			reply := b.Twin().Visit(func(s *sessions.Session) error {
				if s.Rejected() != nil {
					return sessions.ErrEnded // came too late: no part of the race
				}
				return s.Set(name, i)
			})
			if reply.Status == http.StatusOK {
				say("kept " + name)
				first.Do(func() { say("one is in") })
			} else {
				storetest.Equal(t, "status", reply.Status, http.StatusConflict)
			}
		})
	case "saves":
		wait()
		storetest.Together(12, func(worker int) {
			for n := 0; ; n++ { // until it is killed, or nobody listens any more
				claim, reply := save(site, b.Twin(), worker%3, fmt.Sprintf("k%d-%d-%d", os.Getpid(), worker, n))
				if reply.Status != http.StatusOK {
					claim = fmt.Sprintf("(%d) %s", reply.Status, claim)
				}
				say(claim)
			}
		})
	default:
		t.Errorf("no such task: %q", task)
	}
}

// save is one of three kinds of saves, and what a reply of 200 promises.
func save(site *storetest.Site, shared *storetest.Browser, kind int, name string) (claim string, reply storetest.Reply) {
	set := func(name string) func(*sessions.Session) error {
		return func(s *sessions.Session) error { return s.Set(name, 1) }
	}
	if kind == 0 {
		return "set " + name, shared.Visit(set(name))
	}
	b := site.Browser()
	reply = b.Visit(set("a"))
	key := b.Key()
	if kind == 1 {
		return "began " + key, reply
	}
	return "ended " + key, b.Visit(func(s *sessions.Session) error { s.Flush(); return nil })
}

func (p processes) site(t *testing.T, address string) *storetest.Site {
	t.Helper()
	clock := storetest.NewClock() // stands still, at the same instant in both
	return storetest.NewSite(t, p.store.open(t, address, clock.Now), clock, nil)
}

// shared is a site whose sessions lie in a new store, and a browser with a session.
func (p processes) shared(t *testing.T, values map[string]any) (*storetest.Site, *storetest.Browser, string) {
	t.Helper()
	address := p.address(t)
	site := p.site(t, address)
	b := site.Browser()
	reply := b.Visit(func(s *sessions.Session) error {
		for key, value := range values {
			if err := s.Set(key, value); err != nil {
				return err
			}
		}
		return nil
	})
	if reply.Status != http.StatusOK || b.Key() == "" {
		t.Fatalf("no session to share: %+v", reply)
	}
	return site, b, address
}

func items(t *testing.T, b *storetest.Browser) (items map[string]any) {
	t.Helper()
	b.Visit(func(s *sessions.Session) error {
		storetest.Is(t, "Rejected", s.Rejected(), nil)
		items = s.Items()
		return nil
	})
	return items
}

// process is the second process, seen from the first.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Scanner
	heard []string // its lines, but for what hear was waiting for
	other lockedLog
}

func (p processes) start(t *testing.T, address, key, task string) *process {
	t.Helper()
	return start(t, p.store.name, address, key, task)
}

func start(t *testing.T, orders ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSecondProcess$", "-test.count=1")}
	p.cmd.Env = append(os.Environ(), processEnv+"="+strings.Join(orders, "\n"))
	p.cmd.Stderr = &p.other
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.in, p.out = in, bufio.NewScanner(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() }) // fails if it has ended: fine
	p.hear("ready")
	return p
}

func (p *process) say(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

// hear waits for a line; "" is none, so it reads to the end.
func (p *process) hear(want string) {
	p.t.Helper()
	for p.next() {
		if last := len(p.heard) - 1; last >= 0 && p.heard[last] == want {
			p.heard = p.heard[:last]
			return
		}
	}
	if want != "" {
		p.t.Fatalf("the second process ended without %q:\n%s", want, p.other.String())
	}
}

// next reads one line; false is the end.
func (p *process) next() bool {
	if !p.out.Scan() {
		return false
	}
	if line, ours := strings.CutPrefix(p.out.Text(), prefix); ours {
		p.heard = append(p.heard, line)
	} else {
		fmt.Fprintln(&p.other, line)
	}
	return true
}

// end waits for the end of the second process, which must have found
// everything right, and gives what it said meanwhile.
func (p *process) end() []string {
	p.t.Helper()
	p.hear("")
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the second process: %v\n%s", err, p.other.String())
	}
	return p.heard
}
