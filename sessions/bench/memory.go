// Memory of the program: what the lab's process takes after many pages, and with
// large exchanges on the wires of many browsers.

package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
)

// mostMemory is the bar, in megabytes, for the whole program, after any requests.
const mostMemory = 200

// What the wires hold in the last row.
const (
	wires         = 200
	wireExchanges = 50
	largeHeader   = 24 << 10 // bytes
)

func measureMemory(h *host, e effort, t *table) error {
	lab, err := startLab(h)
	if err != nil {
		return err
	}
	t.heading("Memory of the program", "MB", "", "at most")
	row := func(what string) {
		now, most, err := lab.memory()
		if err != nil {
			t.row(what, "none: "+err.Error(), noBar, "", "", "")
			return
		}
		t.row(what, "", atMost(mostMemory, now, "%.0f"), fmt.Sprintf("%.0f", now), "", fmt.Sprintf("%.0f", most))
	}
	row("lab, just started")
	done := 0
	for _, pages := range []int{e.pages / 5, e.pages} {
		if err := lab.askTimes("/dashboard", pages-done); err != nil {
			return err
		}
		done = pages
		row(fmt.Sprintf("after %d /dashboard", pages))
	}
	for range wires {
		browser := &server{addr: lab.addr}
		if _, err := browser.get(http.MethodGet, "/dashboard", ""); err != nil {
			return err
		}
		browser.cookie += "; x=" + strings.Repeat("x", largeHeader)
		if err := browser.askTimes("/dashboard", wireExchanges); err != nil {
			return err
		}
	}
	row(fmt.Sprintf("with %d wires of %d times %d KB", wires, wireExchanges, largeHeader>>10))
	return nil
}

// askTimes asks for a path about n times.
func (s *server) askTimes(path string, n int) error {
	var asked atomic.Int64
	_, err := s.askWhile(path, func() bool { return asked.Add(connections) <= int64(n) })
	return err
}

// memory is how much the process takes now, and the most that it ever took, in megabytes. It
// is an error on a system that does not show that.
func (s *server) memory() (now, most float64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Pid))
	if err != nil {
		return 0, 0, errors.New("this system does not show the memory of a process")
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		kilobytes, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
		switch name {
		case "VmRSS":
			now = kilobytes / 1024
		case "VmHWM":
			most = kilobytes / 1024
		}
	}
	return now, most, nil
}
