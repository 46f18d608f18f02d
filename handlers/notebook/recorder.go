// The recorder: middleware that puts each exchange of a known notebook on the
// wire, as its bytes come and go.

package notebook

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/lanes"
	"cookielab/handlers/markup"
	"cookielab/sessions"
)

// replayHeader has a nonce, which says on which Log's wire a request of the lab's own goes.
const replayHeader = "Lab-Replay"

const recordingKey = "cookielab/notebook.recording" // in a request's context

// recording is an exchange while it is under way.
type recording struct {
	http.ResponseWriter
	c        echo.Context
	exchange *Exchange
	log      *Log // on whose wire this goes; nil: that of the request's notebook
	run      *Log // the Log of the run that the address names, which also gets it, without values; nil: none
	replay   bool // the lab sends this request itself, as another program
	done     bool

	mu sync.Mutex // guards exchange.Ops: trace hooks may come from anywhere
}

// Recorder puts exchanges on the wire.
type Recorder struct {
	Logs  *Logs
	Lanes *lanes.Set

	// Access says whether the request goes on the wire, what its route may do with the
	// notebook, and whether other sites may ask it.
	Access func(echo.Context) (recorded bool, use Use, anyOrigin bool)
}

// Record is middleware that puts the exchange on the wire. It stands outside of
// [sessions.Hold], so it sees what really leaves. It adds the exchange just before the first
// byte leaves, so the browser's next request finds it.
func (rec *Recorder) Record(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		recorded, use, anyOrigin := rec.Access(c)
		request := c.Request()
		if !recorded {
			return next(c)
		}
		log := rec.Logs.replayed(request.Header.Get(replayHeader))
		replay := log != nil
		if use == Never && !replay { // the notebook is not loaded
			if log = rec.Logs.known(request); log == nil && !anyOrigin {
				return next(c) // nobody could look at it; of what other sites ask, the run of a lesson can
			}
		}
		r := &recording{ResponseWriter: c.Response().Writer, c: c, exchange: newExchange(request), log: log, replay: replay}
		if r.exchange.lanes = rec.Lanes.IDs(); replay {
			r.exchange.Client = ClientOther
		}
		trace := &sessions.Trace{StoreDone: func(op sessions.StoreOp) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if len(r.exchange.Ops) == MaxOps {
				r.exchange.MoreOps = true
				return
			}
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

// shortCredentials returns an Authorization header without its secret: the scheme, and the
// first and the last characters of what follows. So no token lies in the wire's memory.
func shortCredentials(line string) string {
	scheme, secret, found := strings.Cut(line, " ")
	if !found || len(scheme) > maxScheme {
		scheme, secret = "", line
	}
	if len(secret) > 12 {
		secret = markup.ShortKey(secret)
	} else { // too short to show any of it
		secret = strings.Repeat("·", len(secret))
	}
	return strings.TrimLeft(scheme+" "+secret, " ")
}

const maxScheme = 16 // characters of an authentication scheme

// NoteFinding adds a lane's conclusion to the exchange under way.
func NoteFinding(c echo.Context, f lanes.Finding) {
	if e := Recording(c); e != nil {
		e.Findings = append(e.Findings, Conclusion{f, time.Now()})
	}
}

// Recording returns the exchange under way; nil if it does not go on the wire.
func Recording(c echo.Context) *Exchange {
	if r, ok := c.Get(recordingKey).(*recording); ok {
		return r.exchange
	}
	return nil
}

// AlsoOnWire also puts the exchange under way on another Log's wire, without the values of
// cookies and tokens.
func AlsoOnWire(c echo.Context, log *Log) {
	if r, ok := c.Get(recordingKey).(*recording); ok {
		r.run = log
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
	log, knows, own := r.logOf()
	if log == nil && r.run == nil {
		return // it belongs to no notebook, so nobody could look at it
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.exchange
	e.Duration, e.Status = time.Since(e.Start), status
	e.SetCookie = append([]string(nil), r.Header()["Set-Cookie"]...)
	e.Location = r.Header().Get("Location")
	if r.run != nil && r.run != log {
		r.run.add(e.namesOnly())
	}
	if log != nil {
		if !r.replay {
			e.hide(knows, own)
		}
		log.add(e)
	}
}

// logOf returns the Log on whose wire the exchange goes; nil if it belongs to no notebook.
// knows tells the values that its notebook saw this browser get. own says that the notebook
// belongs to whoever is signed in with the request.
func (r *recording) logOf() (log *Log, knows func(value string) bool, own bool) {
	if r.log != nil {
		return r.log, r.log.knows, false
	}
	n := From(r.c)
	if log = n.Log(); log == nil {
		return nil, nil, false
	}
	return log, n.knows, n.own
}

// withoutValue is a Set-Cookie line with its name and attributes alone.
func withoutValue(line string) string {
	name, rest, _ := strings.Cut(line, "=")
	_, attributes, found := strings.Cut(rest, ";")
	if line = name + "=" + unsaid; found {
		line += ";" + attributes
	}
	return line
}

// unsaid is written in place of a value that somebody else must not see.
const unsaid = "…"
