// Command bench measures the package sessions beside the libraries that Go
// programs use today: alexedwards/scs and gorilla/sessions. It prints one table.
//
// It is a module of its own, so that the peers stay out of the lab's go.mod. In
// reading order:
//
//	main.go      what is measured, and against which bar
//	library.go   what a handler does with a session, and the one Echo server for all
//	ours.go      that in the words of this package, scs.go and gorilla.go in the peers'
//	places.go    where sessions lie: memory, SQLite, Redis, PostgreSQL, files, the cookie
//	cost.go      what a session adds to a request
//	lost.go      updates that get lost, sessions that come back after a logout
//	many.go      100,000 sessions: bytes, cleaning, one owner's
//	loopback.go  requests a second of real servers
//	memory.go    what the lab's process takes after many pages
//	django.go    one of them, where it is installed
//	table.go     the table
//	host.go      what the servers of storetest need to run outside a test
package main

import (
	"bufio"
	"cmp"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// effort is how long all of it may take. Only the full run is worth quoting.
type effort struct {
	rounds   int           // of each comparison
	round    time.Duration // of each side in a round
	sessions int           // that are many
	rates    int           // rounds in which real servers take turns
	pages    int           // loads of the dashboard before the memory is measured
	places   string        // the only ones, comma separated; "": all
}

var (
	full  = effort{rounds: 60, round: 15 * time.Millisecond, sessions: 100_000, rates: 24, pages: 100_000}
	short = effort{rounds: 12, round: 8 * time.Millisecond, sessions: 5_000, rates: 4, pages: 5_000}
)

func main() {
	serve := flag.String("serve", "", "be one of the servers that are measured (the program starts them by itself)")
	hurry := flag.Bool("short", false, "under a minute, to see that it works; the figures are rough")
	only := flag.String("only", "", "of requests, lost, many, memory and rates, these (comma separated)")
	places := flag.String("places", "", "of memory, sqlite, redis, postgres, file, signed_cookies and cached_db, these (comma separated)")
	profile := flag.String("profile", "", "do nothing but to profile our side of `what/how`, such as sqlite/load (the peer's: peer:sqlite/load), into cpu.out and mem.out")
	flag.Parse()
	e := full
	if *hurry {
		e = short
	}
	e.places = *places
	if err := run(e, *serve, *only, *profile); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(e effort, serve, only, profile string) error {
	h := newHost()
	defer h.close()
	switch {
	case serve != "":
		return serveOne(h, serve)
	case profile != "":
		return profileOne(h, profile)
	}
	fmt.Printf("%s · %s · %s, %d cores · %s %s\n\n", time.Now().Format(time.DateOnly), runtime.Version(), processor(),
		runtime.NumCPU(), runtime.GOOS, load())
	var t table
	for _, part := range []struct {
		name    string
		measure func(*host, effort, *table) error
	}{{"requests", measureRequests}, {"lost", measureLost}, {"many", measureMany}, {"memory", measureMemory}, {"rates", measureRates}} {
		if !among(part.name, only) {
			continue
		}
		if err := part.measure(h, e, &t); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	fmt.Print(notes)
	return nil
}

// among reports whether a name is in a list, which may be empty for all.
func among(name, list string) bool {
	return list == "" || slices.Contains(strings.Split(list, ","), name)
}

const notes = `
A session holds _user, _role, _since and a number n. "Load" answers the user's name, "modify" sets n, which all libraries
answer with a Set-Cookie. Microseconds are what the session adds to the same Echo request without one, median of
rounds in which all three take turns; the ratio is the median of the rounds' own, by wall clock (CPU time of this
process after it). Requests go straight to ServeHTTP, which leaves the network's noise out; req/s are over loopback.
While cleaning: the longest time that one of the loads and saves took, made one after the other; "alone" is the same
without cleaning. Both are the least of 5 tries, as the machine's own pauses are not in each. Redis serves one command
after the other, and notes itself how long each took: its longest of all 5 cleanings.
`

// processor is what the machine calls its CPU.
func processor() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if name, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(name) == "model name" {
			return cmp.Or(strings.TrimSpace(value), runtime.GOARCH)
		}
	}
	return runtime.GOARCH
}

// load says how busy the machine was before, where it tells.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	minute, _, _ := strings.Cut(string(text), " ")
	return "· load " + minute
}
