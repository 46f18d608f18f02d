// Requests a second: real servers, each a process of its own, asked in turn
// over a few connections that stay open.

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"cookielab/sessions"
)

const (
	askers      = 2  // that ask at the same time,
	connections = 16 // each over this many connections in turn

	turnLength = time.Second / 2 // of one server
)

// server is a process that answers requests.
type server struct {
	addr    string
	cookie  string
	process *os.Process
}

func measureRates(h *host, e effort, t *table) error {
	lab, err := startLab(h)
	if err != nil {
		return err
	}
	echoOurs, err := startSelf(h, "ours")
	if err != nil {
		return err
	}
	echoScs, err := startSelf(h, "scs")
	if err != nil {
		return err
	}
	t.heading("Requests a second", "ours", "peer", "ratio")
	const path, scs = "/api/whoami", "Echo + scs sqlite3store"
	row := func(name, path string, s *server, peerName string, peer *server, floor float64) error {
		ours, theirs, ratio, err := duel(s, peer, path, e.rates)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		b := noBar
		if floor > 0 {
			b = atLeast(floor, ratio.wall, "%.1f x")
		}
		t.row(name, peerName, b, rate(ours), rate(theirs), fmt.Sprintf("%.2f (%.2f)", ratio.wall, 1/ratio.cpu))
		return nil
	}
	// A browser brings its notebook along, which is a session more to load.
	program := &server{lab.addr, lab.sessionCookie(), lab.process}
	if err := row("lab /api/whoami, sqlite", path, program, scs, echoScs, 1.3); err != nil {
		return err
	}
	if err := row("the same from a browser", path, lab, scs, echoScs, 0); err != nil {
		return err
	}
	if err := row("small Echo /api/whoami, sqlite", path, echoOurs, scs, echoScs, 1.3); err != nil {
		return err
	}
	django, version, err := startDjango(h)
	switch {
	case errors.Is(err, errNoDjango):
		alone, err := lab.flood("/dashboard", time.Duration(e.rates)*turnLength)
		t.row("lab /dashboard, sqlite", "none: "+errNoDjango.Error(), noBar, rate(alone), "", "")
		return err
	case err != nil:
		return err
	}
	return row("lab /dashboard, sqlite", "/dashboard", lab, "Django "+version+", 3 lines", django, 1.5)
}

// rate is wall in requests a second and cpu in microseconds a request.
func rate(c cost) string { return fmt.Sprintf("%.0f/s (%.0f µs)", c.wall, c.cpu) }

// duel asks two servers in turn, half a second each, and gives the medians; ratio is
// that of the requests a second, and of the CPU time each took.
func duel(ours, theirs *server, path string, rounds int) (our, their, ratio cost, err error) {
	var a, b, ratios []cost
	for round := range rounds {
		var got [2]cost
		for i := range 2 {
			turn := (round + i) % 2
			if got[turn], err = []*server{ours, theirs}[turn].flood(path, turnLength); err != nil {
				return our, their, ratio, err
			}
		}
		a, b = append(a, got[0]), append(b, got[1])
		ratios = append(ratios, cost{got[0].wall / got[1].wall, got[0].cpu / got[1].cpu})
	}
	return median(a), median(b), median(ratios), nil
}

// flood asks for a path for a while, and measures.
func (s *server) flood(path string, d time.Duration) (cost, error) {
	before, start := s.cpu(), time.Now()
	total, err := s.askWhile(path, func() bool { return time.Since(start) < d })
	spent := time.Since(start).Seconds()
	return cost{wall: float64(total) / spent, cpu: float64((s.cpu() - before).Microseconds()) / float64(max(total, 1))}, err
}

// askWhile asks for a path over several connections as long as more says so, and returns
// how many replies came.
func (s *server) askWhile(path string, more func() bool) (total int, err error) {
	request := "GET " + path + " HTTP/1.1\r\nHost: " + s.addr + "\r\nCookie: " + s.cookie + "\r\n\r\n"
	counts, errs := make([]int, askers), make([]error, askers)
	var wait sync.WaitGroup
	for i := range askers {
		wait.Go(func() { counts[i], errs[i] = keepAsking(s.addr, request, more) })
	}
	wait.Wait()
	for _, n := range counts {
		total += n
	}
	return total, errors.Join(errs...)
}

// keepAsking asks on all its connections and then reads all the replies: most
// are there by then. Who waits for each of them spends more on waiting than a
// server on its answer, and on the same cores.
func keepAsking(addr, request string, more func() bool) (n int, err error) {
	var dialled [connections]net.Conn
	var replies [connections]*bufio.Reader
	for i := range dialled {
		if dialled[i], err = net.Dial("tcp", addr); err != nil {
			return 0, err
		}
		defer dialled[i].Close()
		replies[i] = bufio.NewReader(dialled[i])
	}
	for ; more(); n += connections {
		for _, connection := range dialled {
			if _, err := io.WriteString(connection, request); err != nil {
				return n, err
			}
		}
		for _, reply := range replies {
			if err := skipReply(reply); err != nil {
				return n, fmt.Errorf("%s: %w", addr, err)
			}
		}
	}
	return n, nil
}

// skipReply reads a reply of status 200 and looks at what it must only: the
// generator runs on the same cores, and each microsecond of its own would make
// servers look more alike than they are.
func skipReply(replies *bufio.Reader) error {
	length := -1
	for first := true; ; first = false {
		line, err := replies.ReadSlice('\n')
		if err != nil {
			return err
		}
		switch value, isLength := bytes.CutPrefix(line, []byte("Content-Length: ")); {
		case first:
			if !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")) {
				return fmt.Errorf("the reply is %q", line)
			}
		case isLength:
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		case len(line) <= 2: // the empty line
			if length < 0 {
				return errors.New("the reply does not say how long it is")
			}
			_, err = replies.Discard(length)
			return err
		}
	}
}

// cpu is what the process and its children have used so far, in steps of 10 ms,
// where the system shows it; else 0.
func (s *server) cpu() time.Duration {
	pid := s.process.Pid
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	total := cpuOf(strconv.Itoa(pid))
	for _, child := range strings.Fields(string(children)) {
		total += cpuOf(child)
	}
	return total
}

func cpuOf(pid string) time.Duration {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(text), ") ") // its name may have spaces
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// sessionCookie is the last that was set of those by that name.
func (s *server) sessionCookie() string {
	i := strings.LastIndex(s.cookie, "lab_sessionid=")
	cookie, _, _ := strings.Cut(s.cookie[max(i, 0):], ";")
	return cookie
}

func (s *server) answers(path string) bool {
	response, err := s.get(http.MethodGet, path, "")
	return err == nil && response.StatusCode == http.StatusOK
}

// get makes one request and takes over the cookies that are set.
func (s *server) get(method, path, form string) (*http.Response, error) {
	request, err := http.NewRequest(method, "http://"+s.addr+path, strings.NewReader(form))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if s.cookie != "" {
		request.Header.Set("Cookie", s.cookie)
	}
	response, err := http.DefaultTransport.RoundTrip(request) // no redirects
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	for _, cookie := range response.Cookies() {
		s.cookie = strings.TrimPrefix(s.cookie+"; "+cookie.Name+"="+cookie.Value, "; ")
	}
	return response, nil
}

// startSelf starts this program as one of its servers.
func startSelf(h *host, kind string) (*server, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s, err := start(h, exec.Command(program, "-serve", kind), "")
	if err != nil {
		return nil, err
	}
	if !s.answers("/signin") || !s.answers("/api/whoami") {
		return nil, fmt.Errorf("%s does not sign in", kind)
	}
	return s, nil
}

// startLab builds the lab and starts it, signed in.
func startLab(h *host) (*server, error) {
	folder := h.TempDir()
	program := filepath.Join(folder, "cookielab")
	if out, err := exec.Command("go", "build", "-C", "../..", "-o", program, ".").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the lab, from the folder sessions/bench: %w\n%s", err, out)
	}
	s, err := start(h, exec.Command(program, "--addr", "localhost:0", "--data", folder), "http://")
	if err != nil {
		return nil, err
	}
	if _, err := s.get(http.MethodGet, "/login", ""); err != nil {
		return nil, err
	}
	response, err := s.get(http.MethodPost, "/login", url.Values{"username": {"alice"}, "password": {"cookies"}}.Encode())
	if err == nil && response.StatusCode != http.StatusSeeOther {
		err = fmt.Errorf("signing in to the lab: %s", response.Status)
	}
	return s, err
}

// start starts a server, which prints its address on a line, after a prefix.
func start(h *host, command *exec.Cmd, prefix string) (*server, error) {
	command.Env = append(os.Environ(), "COOKIELAB_NODE_B_ADDR=", "COOKIELAB_OTHER_ADDR=") // one listener will do
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	h.stopAtEnd(command)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, addr, found := strings.Cut(lines.Text(), prefix); found && strings.Contains(addr, ":") {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			addr, _, _ = strings.Cut(strings.Fields(addr)[0], "/")
			return &server{addr: addr, process: command.Process}, nil
		}
	}
	return nil, fmt.Errorf("%s told no address", command)
}

// serveOne is this program as a server: an Echo with one library on SQLite.
func serveOne(h *host, kind string) error {
	folder := h.TempDir()
	var lib library
	var err error
	switch kind {
	case "ours":
		var store *sessions.SQLite
		if store, err = sessions.OpenSQLite(context.Background(), filepath.Join(folder, "sessions.db"), nil); err == nil {
			h.Cleanup(func() { _ = store.Close() })
			lib, err = newOurs(sessions.Keyed("bench", store))
		}
	case "scs":
		lib, err = scsSQLite(h, filepath.Join(folder, "sessions.db"))
	default:
		return fmt.Errorf("no server is called %q", kind)
	}
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	return http.Serve(listener, newSite(lib))
}
