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
)

// Two programs on one SQLite file, each with its own locks: only what the store
// promises is left to keep them from losing each other's writes. The second one
// is this test binary once more; it runs TestSecondProcess alone, and the two
// talk by lines on its standard input and output.

const (
	processEnv = "COOKIELAB_TEST_PROCESS" // the file, the key and the task, by line
	share      = 250
	prefix     = "second process: " // tells its lines from those of package testing
)

func TestTwoProcessesKeepAllOf500Commits(t *testing.T) {
	site, b, file := shared(t, map[string]any{"a": 1})
	second := start(t, file, b.Key(), "commits")
	second.say("go")
	storetest.Commits(t, b, 0, share)
	second.end()
	storetest.Committed(t, site.Browser().Carry(b.Key()), 2*share)
}

func TestTwoProcessesCountAllOf500Increments(t *testing.T) {
	_, b, file := shared(t, map[string]any{"n": 0})
	second := start(t, file, b.Key(), "increments")
	second.say("go")
	storetest.Increments(t, b, share)
	second.end()
	storetest.Equal(t, "n", items(t, b)["n"], any(int64(2*share)))
}

func TestACommitAfterALogoutInAnotherProcessAnswers409(t *testing.T) {
	site, b, file := shared(t, map[string]any{"a": 1})
	key := b.Key()
	second := start(t, file, key, "late commit")
	second.hear("loaded")
	storetest.Equal(t, "status", b.Visit(func(s *sessions.Session) error { s.Flush(); return nil }).Status, http.StatusOK)
	second.say("go")
	second.end()
	site.Browser().Carry(key).Visit(func(s *sessions.Session) error {
		storetest.Is(t, "the session that was ended", s.Rejected(), sessions.ErrNotFound)
		return nil
	})
}

func TestCommitsRacingCycleKeyInAnotherProcessAreKeptOrAnswered409(t *testing.T) {
	site, b, file := shared(t, map[string]any{"a": 1})
	key := b.Key()
	second := start(t, file, key, "racing commits")
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

// TestSecondProcess is what the second process does; it is no test by itself.
func TestSecondProcess(t *testing.T) {
	orders := strings.Split(os.Getenv(processEnv), "\n")
	if len(orders) != 3 {
		return // not a skip: there is nothing here that anybody misses
	}
	file, key, task := orders[0], orders[1], orders[2]
	site := siteOn(t, file)
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
	default:
		t.Errorf("no such task: %q", task)
	}
}

func siteOn(t *testing.T, file string) *storetest.Site {
	t.Helper()
	clock := storetest.NewClock() // stands still, at the same instant in both
	return storetest.NewSite(t, sessions.Keyed("session", openSQLite(t, file, clock.Now)), clock, nil)
}

// shared is a site whose sessions lie in a file, and a browser with a session.
func shared(t *testing.T, values map[string]any) (*storetest.Site, *storetest.Browser, string) {
	t.Helper()
	file := sqliteFile(t)
	site := siteOn(t, file)
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
	return site, b, file
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

func start(t *testing.T, file, key, task string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSecondProcess$", "-test.count=1")}
	p.cmd.Env = append(os.Environ(), processEnv+"="+strings.Join([]string{file, key, task}, "\n"))
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
	for p.out.Scan() {
		line, ours := strings.CutPrefix(p.out.Text(), prefix)
		switch {
		case !ours:
			fmt.Fprintln(&p.other, line)
		case line == want:
			return
		default:
			p.heard = append(p.heard, line)
		}
	}
	if want != "" {
		p.t.Fatalf("the second process ended without %q:\n%s", want, p.other.String())
	}
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
