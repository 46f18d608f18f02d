// Package serve is how the lab stands on the network: it listens on loopback alone
// ([Listen]), limits what a client may cost ([NewServer]), ends cleanly ([Run]) and bounds
// the log ([BoundedLog]). It knows no page.
package serve

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// Server is an HTTP server with limits, so that slow or silent clients do not hold a connection
// for ever.
type Server struct {
	http    *http.Server
	at      *Endpoint
	headers http.Header
}

// NewServer makes a server that answers at an endpoint with a handler, as soon as
// [Server.Serve] or [Run] is called. A client may take 5 seconds for the header of a
// request, which has at most 32 KB, and 15 seconds for the whole request. The reply may
// take 30 seconds, if the handler sets no other limit, and a connection may be idle for 60
// seconds. Headers are for the replies that net/http makes itself, without the handler.
// What net/http complains of goes to the log as a warning.
func NewServer(at *Endpoint, handler http.Handler, headers http.Header, log *slog.Logger) *Server {
	s := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	guardServer(s)
	return &Server{s, at, headers}
}

// OnShutdown has a function called when the server begins to end. It must end the replies
// that would not end by themselves: streams.
func (s *Server) OnShutdown(f func()) { s.http.RegisterOnShutdown(f) }

// Serve answers at all listeners of the endpoint. It returns the first error of one of
// them: [http.ErrServerClosed] after [Server.Close].
func (s *Server) Serve() error {
	failed := make(chan error, len(s.at.Listeners))
	for _, listener := range s.at.Listeners {
		go func() { failed <- s.http.Serve(guardListener(listener, s.headers)) }()
	}
	return <-failed
}

// Close ends the server at once, and breaks off the requests under way.
func (s *Server) Close() error { return s.http.Close() }

// Run lets servers answer until the context ends. Then it calls stop and finishes the
// requests under way, for ten seconds at most. Stop gives the signals back that end the
// context, so that a second signal ends the program at once. If a listener fails, Run ends
// all servers in the same way, and returns its error. [context.DeadlineExceeded] means that
// requests were still under way after the ten seconds.
func Run(ctx context.Context, stop func(), servers ...*Server) error {
	failed := make(chan error, len(servers))
	for _, s := range servers {
		go func() { failed <- s.Serve() }()
	}
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	stop()
	last, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var ended sync.WaitGroup
	errs := make([]error, len(servers))
	for i, s := range servers {
		ended.Go(func() { errs[i] = s.http.Shutdown(last) })
	}
	ended.Wait()
	return errors.Join(append(errs, err)...)
}
