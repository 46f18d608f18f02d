// The recorder: middleware that puts each exchange of a known notebook on the
// wire, as its bytes come and go.

package handlers

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/sessions"
)

// replayHeader names, by a one-time word, whose wire a replay goes on.
const replayHeader = "Lab-Replay"

const recordingKey = "cookielab/handlers.recording"

// recording is an exchange while it is under way.
type recording struct {
	http.ResponseWriter
	c        echo.Context
	exchange *Exchange
	book     *Book // whose wire this goes on; nil: that of the request's notebook
	done     bool

	mu sync.Mutex // guards exchange.Ops: trace hooks may come from anywhere
}

// record stands outside Hold, so it sees what really leaves, and notes it the
// moment before the first byte does: the next request already finds it.
func (lab *Lab) record(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		kind, request := lab.kind(c), c.Request()
		if !kind.onWire() {
			return next(c)
		}
		book := lab.wire.replayed(request.Header.Get(replayHeader))
		replay := book != nil
		if kind == quick && !replay {
			if book = lab.wire.known(request); book == nil {
				return next(c) // nobody could look at it
			}
		}
		r := &recording{ResponseWriter: c.Response().Writer, c: c, exchange: newExchange(request), book: book}
		if r.exchange.ways = lab.ways; replay {
			r.exchange.Client = ClientOther
		}
		trace := &sessions.Trace{StoreDone: func(op sessions.StoreOp) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.exchange.Ops = append(r.exchange.Ops, op)
		}}
		c.SetRequest(request.WithContext(sessions.WithTrace(request.Context(), trace)))
		c.Set(recordingKey, r)
		c.Response().Writer = r
		defer func() { c.Response().Writer = r.ResponseWriter }()
		return next(c)
	}
}

func newExchange(r *http.Request) *Exchange {
	e := &Exchange{
		Client: ClientBrowser, Start: time.Now(),
		Method: r.Method, Target: r.URL.RequestURI(), Protocol: r.Proto, Host: r.Host,
		UserAgent: r.UserAgent(),
		Fetch: FetchMetadata{
			Site: r.Header.Get("Sec-Fetch-Site"), Mode: r.Header.Get("Sec-Fetch-Mode"),
			Dest: r.Header.Get("Sec-Fetch-Dest"), User: r.Header.Get("Sec-Fetch-User"),
		},
	}
	for i, line := range r.Header.Values("Cookie") {
		if i > 0 {
			e.Cookie += "; "
		}
		e.Cookie += line
	}
	for i, line := range r.Header["Authorization"] {
		if i > 0 {
			e.Authorization += ", "
		}
		e.Authorization += shortCredentials(line)
	}
	return e
}

// shortCredentials is an Authorization header of which nobody could make use:
// the scheme, and the first and the last characters of what follows. No token
// lies in the wire's memory.
func shortCredentials(line string) string {
	scheme, secret, found := strings.Cut(line, " ")
	if !found || len(scheme) > maxScheme {
		scheme, secret = "", line
	}
	if len(secret) > 12 {
		secret = shortKey(secret)
	} else { // too short to show any of it
		secret = strings.Repeat("·", len(secret))
	}
	return strings.TrimLeft(scheme+" "+secret, " ")
}

const maxScheme = 16 // characters of an authentication scheme

// noteFinding adds a lane's conclusion to the exchange under way.
func noteFinding(c echo.Context, f Finding) {
	if e := noted(c); e != nil {
		f.Record = nil // up to 64 KB, and none of the wire's
		e.Findings = append(e.Findings, Conclusion{f, time.Now()})
	}
}

// noted is the exchange under way; nil for what is not put on the wire.
func noted(c echo.Context) *Exchange {
	if r, ok := c.Get(recordingKey).(*recording); ok {
		return r.exchange
	}
	return nil
}

// noteHome adds the cookies that did not come to the exchange under way.
func (lab *Lab) noteHome(c echo.Context, n *Notebook) {
	if e := noted(c); e != nil {
		e.Home = lab.stayedHome(c.Request(), n)
	}
}

// WriteHeader notes the exchange, then lets the reply go.
func (r *recording) WriteHeader(status int) {
	r.finish(status)
	r.ResponseWriter.WriteHeader(status)
}

func (r *recording) Write(b []byte) (int, error) {
	r.finish(http.StatusOK)
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController through.
func (r *recording) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recording) finish(status int) {
	if r.done {
		return
	}
	r.done = true
	book := r.book
	if book == nil {
		if book = notebookOf(r.c).Book(); book == nil {
			return // a stranger: nobody could look at it
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.exchange
	e.Duration, e.Status = time.Since(e.Start), status
	e.SetCookie = append([]string(nil), r.Header()["Set-Cookie"]...)
	e.Location = r.Header().Get("Location")
	book.Add(e)
}
