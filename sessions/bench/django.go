// Django, where the machine has it: what a bare page of three lines costs there
// (django_page.py), in the same run as the lab's dashboard.

package main

import (
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

//go:embed django_page.py
var djangoPage []byte

// errNoDjango: the machine has none. Nothing is installed for it.
var errNoDjango = errors.New("no Django and gunicorn here (Debian: python3-django gunicorn)")

// python finds a Python that has Django and gunicorn; version is Django's.
func python() (interpreter, version string, err error) {
	for _, interpreter := range []string{"python3", "/usr/bin/python3"} { // Debian's own may stand behind another
		out, err := exec.Command(interpreter, "-c", "import django, gunicorn; print(django.__version__)").Output()
		if err == nil {
			return interpreter, strings.TrimSpace(string(out)), nil
		}
	}
	return "", "", errNoDjango
}

// startDjango serves django_page.py with a worker for each core, signed in.
func startDjango(h *host) (s *server, version string, err error) {
	interpreter, version, err := python()
	if err != nil {
		return nil, "", err
	}
	folder := h.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "django_page.py"), djangoPage, 0o600); err != nil {
		return nil, "", err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	addr := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return nil, "", err
	}
	command := func(args ...string) *exec.Cmd {
		c := exec.Command(interpreter, args...)
		c.Dir, c.Env = folder, append(os.Environ(), "BENCH_DATABASE="+filepath.Join(folder, "sessions.db"))
		return c
	}
	if out, err := command("django_page.py").CombinedOutput(); err != nil {
		return nil, "", fmt.Errorf("making Django's tables: %w\n%s", err, out)
	}
	// Threads keep connections open, which the plain worker does not.
	serve := command("-m", "gunicorn", "--bind", addr, "--workers", strconv.Itoa(runtime.NumCPU()),
		"--worker-class", "gthread", "--threads", "1", "--keep-alive", "60", "--log-level", "error", "django_page:site")
	if err := serve.Start(); err != nil {
		return nil, "", err
	}
	h.stopAtEnd(serve)
	s = &server{addr: addr, process: serve.Process}
	for range 100 {
		if response, err := s.get(http.MethodGet, "/signin", ""); err == nil && response.StatusCode == http.StatusOK && s.answers("/dashboard") {
			return s, version, nil
		}
		time.Sleep(100 * time.Millisecond) // it starts
	}
	return nil, "", fmt.Errorf("Django %s does not sign in", version)
}
