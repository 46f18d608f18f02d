// Package servers starts private Redis and PostgreSQL servers for tests: each on
// a free port of 127.0.0.1, in a temporary folder, gone with the test. They can
// be stopped and started again, so that a test sees a store fail for real.
package servers

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// patience is how long a server may take to start or to stop. It needs a second;
// a busy machine may stand still meanwhile.
const patience = time.Minute

// Server is a server of its own for one test and its subtests.
type Server struct {
	name  string
	port  int
	url   string
	ready string                      // what it prints once it can be asked
	stop  syscall.Signal              // ends it, with the connections of its clients
	make  func(port int) *exec.Cmd    // its command
	wait  func(context.Context) error // for more than ready, nil if that is enough

	process *exec.Cmd     // nil while it is stopped
	ended   chan struct{} // closed when the process is gone
	printed *printed
	schemas atomic.Int64 // see Schema
}

// URL is where clients find the server; it stays the same when the server is
// started again.
func (s *Server) URL() string { return s.url }

// Stop ends the server and waits until it is gone; its clients' connections
// break. What it has on disk stays for the next Start.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if s.process == nil {
		return
	}
	_ = s.process.Process.Signal(s.stop) // fails if it has ended by itself
	select {
	case <-s.ended:
	case <-time.After(patience):
		_ = s.process.Process.Kill()
		t.Errorf("%s does not stop:\n%s", s.name, s.printed)
	}
	s.process = nil
}

// Start starts a stopped server again, on the same port and with what it has on
// disk, and waits until it can be asked.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) start() error {
	process := s.make(s.port)
	dieWithUs(process, s.stop)
	out, in, err := os.Pipe()
	if err != nil {
		return err
	}
	defer in.Close() // it has its own
	process.Stdout, process.Stderr = in, in
	if err := process.Start(); err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	ended, ready := make(chan struct{}), make(chan struct{})
	s.process, s.ended, s.printed = process, ended, &printed{}
	go s.printed.read(out, s.ready, ready)
	go func() {
		_ = process.Wait() // how it ended is in what it printed
		close(ended)
	}()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	select {
	case <-ready:
		if s.wait != nil {
			return s.wait(ctx)
		}
		return nil
	case <-ended:
		err = fmt.Errorf("%s ended at its start:\n%s", s.name, s.printed)
	case <-ctx.Done():
		err = fmt.Errorf("%s does not start:\n%s", s.name, s.printed)
		_ = process.Process.Kill()
	}
	s.process = nil
	return err
}

// open starts a server for the first time; it stops with the test. Somebody may
// take the free port before the server does, hence the tries.
func (s *Server) open(t testing.TB) *Server {
	t.Helper()
	var err error
	for range 5 {
		if s.port, err = freePort(); err != nil {
			break
		}
		if err = s.start(); err == nil {
			break
		}
	}
	t.Cleanup(func() {
		if s.Stop(t); t.Failed() && s.printed != nil {
			t.Logf("%s printed:\n%s", s.name, s.printed)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// freePort finds a port that nobody listens on, nor 10,000 above it if that is
// where a Redis cluster would want its second one.
func freePort() (int, error) {
	for {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		port := listener.Addr().(*net.TCPAddr).Port
		if err := listener.Close(); err != nil {
			return 0, err
		}
		if port+10000 < 1<<16 {
			return port, nil
		}
	}
}

// find gives the path of a program, which is in PATH or in one of the folders,
// and otherwise skips the test, or fails it in CI (the variable CI is "true").
func find(t testing.TB, program, install string, folders ...string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("this test starts a server of its own, which it can on Linux and macOS only")
	}
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	for _, folder := range folders {
		found, _ := filepath.Glob(filepath.Join(folder, program)) // the pattern is ours
		if len(found) > 0 {
			return found[len(found)-1] // the newest
		}
	}
	missing(t, fmt.Sprintf("there is no %s on this machine: to run this test, install it with %s", program, install))
	return ""
}

func missing(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// printed is what a server printed so far.
type printed struct {
	mu   sync.Mutex
	text strings.Builder
}

// read takes in what is printed until there is no more, and closes ready at the
// line that contains the word.
func (p *printed) read(from io.ReadCloser, word string, ready chan<- struct{}) {
	defer from.Close()
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		p.mu.Lock()
		p.text.WriteString(lines.Text() + "\n")
		p.mu.Unlock()
		if ready != nil && strings.Contains(lines.Text(), word) {
			close(ready)
			ready = nil
		}
	}
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}
