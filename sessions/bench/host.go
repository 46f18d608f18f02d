// What the servers of storetest need to run outside a test.

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// host stands in for the test that storetest/servers start their servers for,
// with what they use of it.
type host struct {
	testing.TB // nil: what is missing below would panic
	cleanups   []func()
}

func newHost() *host { return &host{} }

// close stops what was started, the last first.
func (h *host) close() {
	for i := len(h.cleanups) - 1; i >= 0; i-- {
		h.cleanups[i]()
	}
}

// stopped is how a server ends its start.
type stopped struct{ error }

// try starts something; its error is why it could not.
func (h *host) try(start func()) (err error) {
	defer func() {
		if s, ok := recover().(stopped); ok {
			err = s.error
		}
	}()
	start()
	return nil
}

func (h *host) Helper()             {}
func (h *host) Failed() bool        { return false }
func (h *host) Cleanup(f func())    { h.cleanups = append(h.cleanups, f) }
func (h *host) Skip(args ...any)    { h.Fatal(args...) }
func (h *host) Fatal(args ...any)   { panic(stopped{errors.New(fmt.Sprint(args...))}) }
func (h *host) Error(args ...any)   { fmt.Fprintln(os.Stderr, args...) }
func (h *host) Logf(string, ...any) {}

func (h *host) Fatalf(format string, args ...any) { panic(stopped{fmt.Errorf(format, args...)}) }
func (h *host) Errorf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// TempDir is a folder that goes with the program.
func (h *host) TempDir() string {
	folder, err := os.MkdirTemp("", "cookielab-bench-")
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { _ = os.RemoveAll(folder) })
	return folder
}

// stopAtEnd ends a process, as Ctrl+C does, when the program ends.
func (h *host) stopAtEnd(command *exec.Cmd) {
	h.Cleanup(func() {
		_ = command.Process.Signal(os.Interrupt)
		_ = command.Wait()
	})
}
