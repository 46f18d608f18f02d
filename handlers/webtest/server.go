// Package webtest is a page behind a real server, for tests: with the real templates and
// labels, a client that keeps its cookies, and what must be true of every page. It knows no
// page but by its address. Package labtest is the whole lab on top of it.
package webtest

import (
	"bytes"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"cookielab/handlers/notebook"
	"cookielab/handlers/serve"
	"cookielab/handlers/web"
	"cookielab/sessions/storetest"
)

const (
	ClassPassword  = "cookies"
	TeacherPIN     = "123456"
	NotebookCookie = "lab_notebook"
	FormType       = "application/x-www-form-urlencoded"
)

// Secrets are the lab's signing keys: the first seals, both verify.
var Secrets = [][]byte{
	[]byte("the first secret of the lab, 32+ bytes"),
	[]byte("the second secret of the lab, 32+ bytes"),
}

// Server serves a lab, or a part of one, at an address of its own until the test ends.
type Server struct {
	t        testing.TB
	Addr     string // 127.0.0.1 and a port
	Clock    *storetest.Clock
	Log      *Log
	Web      *http.Client   // what the clients send with; it follows no redirect
	Handler  http.Handler   // what is served
	Recorded *notebook.Logs // the exchanges that it records
}

// NewServer makes a server that does not serve yet: what it serves needs its clock and its log.
func NewServer(t testing.TB) *Server {
	return &Server{
		t: t, Clock: storetest.NewClock(), Log: &Log{},
		Web: &http.Client{
			Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 100},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Timeout:       20 * time.Second, // a test that hangs says where
		},
	}
}

// Logger writes to the server's log, whatever the level.
func (s *Server) Logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(s.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Start serves a handler, which records its exchanges; nil: it records none.
func (s *Server) Start(handler http.Handler, recorded *notebook.Logs) {
	s.t.Helper()
	s.Recorded = recorded
	s.StartAt(func(string) http.Handler { return handler })
}

// StartAt serves a handler that has to know under which URL browsers find it.
func (s *Server) StartAt(make func(url string) http.Handler) {
	s.t.Helper()
	at, _, err := serve.Listen("127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	s.Addr, s.Handler = net.JoinHostPort(at.Host, at.Port), make(at.URL())
	server := s.ServeAt(at)
	s.t.Cleanup(func() {
		s.Web.CloseIdleConnections()
		_ = server.Close()
	})
}

// ServeAt serves Handler at an endpoint, with the limits of the program. The caller closes it.
func (s *Server) ServeAt(at *serve.Endpoint) *serve.Server {
	server := serve.NewServer(at, s.Handler, web.SecureHeaders(), slog.New(slog.NewTextHandler(s.Log, nil)))
	go func() { _ = server.Serve() }()
	return server
}

// Root is the folder of the project, from whichever package a test runs in.
func Root() string {
	for up := ".."; len(up) < 100; up = filepath.Join(up, "..") {
		if _, err := os.Stat(filepath.Join(up, "go.mod")); err == nil {
			return up
		}
	}
	panic("no go.mod above the test's folder")
}

var assetsRead sync.Map // of func() *web.Assets, by engine

// AssetsOf are the templates, the labels and the files of an engine. No request changes
// them: the first test that asks reads them for all.
func AssetsOf(engine string) *web.Assets {
	read, _ := assetsRead.LoadOrStore(engine, sync.OnceValue(func() *web.Assets {
		assets, err := web.ReadAssets(os.DirFS(Root()), engine)
		if err != nil {
			panic(err)
		}
		return assets
	}))
	return read.(func() *web.Assets)()
}

// Log is what was logged.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
