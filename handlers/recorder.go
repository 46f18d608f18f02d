// The recorder: middleware that puts each exchange of a known notebook on the
// wire, as its bytes come and go.

package handlers

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/lanes"
	"cookielab/handlers/markup"
	"cookielab/sessions"
)

// replayHeader names, by a one-time word, whose wire a replay goes on.
const replayHeader = "Lab-Replay"

const recordingKey = "cookielab/handlers/notebook.recording" // in a request's context

// recording is an exchange while it is under way.
type recording struct {
	http.ResponseWriter
	c        echo.Context
	exchange *Exchange
	book     *Book // whose wire this goes on; nil: that of the request's notebook
	run      *Book // the Book of the run that the address names, which also gets it, without values; nil: none
	replay   bool  // the lab sends this request itself, as another program
	done     bool

	mu sync.Mutex // guards exchange.Ops: trace hooks may come from anywhere
}

// recorder puts exchanges on the wire.
type recorder struct {
	Wire  *Wire
	Lanes *lanes.Set

	// Access says whether the request goes on the wire, what its route may do with the
	// notebook, and whether other sites may ask it.
	Access func(echo.Context) (recorded bool, use Use, anyOrigin bool)
}

// Record is middleware. It stands outside Hold, so it sees what really leaves, and notes it the
// moment before the first byte does: the next request already finds it.
func (rec *recorder) Record(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		recorded, use, anyOrigin := rec.Access(c)
		request := c.Request()
		if !recorded {
			return next(c)
		}
		book := rec.Wire.replayed(request.Header.Get(replayHeader))
		replay := book != nil
		if use == Never && !replay { // the notebook is not loaded
			if book = rec.Wire.known(request); book == nil && !anyOrigin {
				return next(c) // nobody could look at it; of what other sites ask, the run of a lesson can
			}
		}
		r := &recording{ResponseWriter: c.Response().Writer, c: c, exchange: newExchange(request), book: book, replay: replay}
		if r.exchange.ways = rec.Lanes.IDs(); replay {
			r.exchange.Client = ClientOther
		}
		trace := &sessions.Trace{StoreDone: func(op sessions.StoreOp) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if len(r.exchange.Ops) == maxOps {
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

// shortCredentials is an Authorization header of which nobody could make use:
// the scheme, and the first and the last characters of what follows. No token
// lies in the wire's memory.
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

// noteFinding adds a lane's conclusion to the exchange under way.
func noteFinding(c echo.Context, f lanes.Finding) {
	if e := noted(c); e != nil {
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

// alsoOnWire puts the exchange under way on another Book's wire, too, without values: see
// namesOnly.
func alsoOnWire(c echo.Context, book *Book) {
	if r, ok := c.Get(recordingKey).(*recording); ok {
		r.run = book
	}
}

// noteHome adds the cookies that did not come to the exchange under way.
func (o *opener) noteHome(c echo.Context, n *Notebook) {
	if e := noted(c); e != nil {
		e.Home = o.stayedHome(c.Request(), n)
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
	book, knows, own := r.bookOf()
	if book == nil && r.run == nil {
		return // a stranger's exchange, which nobody could look at
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.exchange
	e.Duration, e.Status = time.Since(e.Start), status
	e.SetCookie = append([]string(nil), r.Header()["Set-Cookie"]...)
	e.Location = r.Header().Get("Location")
	if r.run != nil && r.run != book {
		r.run.Add(e.namesOnly())
	}
	if book != nil {
		if !r.replay {
			e.hide(knows, own)
		}
		book.Add(e)
	}
}

// bookOf is the Book on whose wire the exchange goes; nil: none, for a stranger. knows
// tells the values that its notebook saw this browser get; own says that the notebook
// belongs to whoever is signed in with the request.
func (r *recording) bookOf() (book *Book, knows func(value string) bool, own bool) {
	if r.book != nil {
		return r.book, r.book.knows, false
	}
	n := notebookOf(r.c)
	if book = n.Book(); book == nil {
		return nil, nil, false
	}
	return book, n.knows, n.own
}

// hide leaves out the values that may be somebody else's. The reader of the wire may have
// planted this notebook's cookie in that person's browser. Left out are:
//
//  1. a signed value or a session's key that the notebook did not see set;
//  2. each notebook's key after the first;
//  3. what this reply sets, unless the notebook is its sender's own.
//
// The plain value is no secret, and other programs' cookies are left as they are.
func (e *Exchange) hide(knows func(value string) bool, own bool) {
	pairs := strings.Split(e.Cookie, ";")
	notebooks := 0
	for i, pair := range pairs {
		name, value, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
		hidden := false
		switch {
		case name == notebookCookie:
			notebooks++
			hidden = notebooks > 1
		case slices.Contains(secretLanes, e.ways[name]):
			hidden = !knows(value)
		}
		if hidden {
			pairs[i], e.Hidden = pair[:strings.Index(pair, "=")+1]+unsaid, true
		}
	}
	if e.Hidden {
		e.Cookie = strings.Join(pairs, ";")
	}
	if own {
		return
	}
	for i, line := range e.SetCookie {
		e.SetCookie[i], e.Hidden = withoutValue(line), true
	}
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

// namesOnly is the exchange without the values of cookies and tokens: only their names, and
// what was concluded. It is for a Book whose reader may not be the sender, for example that
// of a run: anyone may know the run's address, and give it to anyone.
func (e *Exchange) namesOnly() *Exchange {
	path, _, _ := strings.Cut(e.Target, "?")
	location, _, _ := strings.Cut(e.Location, "?")
	names := &Exchange{
		NamesOnly: true, Client: e.Client, Start: e.Start, Duration: e.Duration,
		Method: e.Method, Target: path, Protocol: e.Protocol, Host: e.Host, Fetch: e.Fetch, ways: e.ways,
		Status: e.Status, Location: location, MoreOps: e.MoreOps,
	}
	var pairs []string
	for cookie := range e.Cookies() {
		if !cookie.Named { // then it is all value
			cookie.Name = ""
		}
		pairs = append(pairs, cookie.Name+"="+unsaid)
	}
	names.Cookie = strings.Join(pairs, "; ")
	if scheme, _, _ := strings.Cut(e.Authorization, " "); slices.Contains([]string{lanes.TokenScheme, "Bearer", "Basic"}, scheme) {
		names.Authorization = scheme + " " + unsaid
	} else if e.Authorization != "" {
		names.Authorization = unsaid
	}
	for _, line := range e.SetCookie {
		names.SetCookie = append(names.SetCookie, withoutValue(line))
	}
	for _, op := range e.Ops {
		op.ID = sessions.ID{}
		names.Ops = append(names.Ops, op)
	}
	for _, f := range e.Findings {
		f.Finding = lanes.Finding{Lane: f.Lane, Cookie: f.Cookie, Sent: f.Sent, Verdict: f.Verdict, Who: f.Who, Reason: f.Reason}
		names.Findings = append(names.Findings, f)
	}
	return names
}

// unsaid is written in place of a value that somebody else must not see.
const unsaid = "…"
