// The wire: the last exchanges of each notebook, in memory only. A Log holds those of one
// notebook, and Logs holds all Logs of a server.

package notebook

import (
	"crypto/rand"
	"errors"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cookielab/handlers/lanes"
	"cookielab/sessions"
)

// What the wire stores at most, so that memory is bounded; MaxBytes is another bound.
const (
	MaxLogs          = 1000     // of a server
	MaxExchanges     = 50       // of one Log
	MaxExchangeBytes = 64 << 10 // bytes of an exchange's texts
	MaxOps           = 100      // store operations of one exchange; one that ends very many sessions has more
	MaxWatchers      = 6        // of one Log, and as many readers: the number of connections that a browser opens to one server
)

// Exchange is one request and its response as seen on the wire, with the store
// operations between.
type Exchange struct {
	Number   int    // counts from 1 within a notebook
	Client   string // ClientBrowser or ClientOther
	Start    time.Time
	Duration time.Duration // until the reply's first byte

	Method, Target, Protocol, Host string
	Fetch                          FetchMetadata
	UserAgent                      string
	Cookie                         string // the raw header, "" where none was sent
	Authorization                  string // the same, shortened: see shortCredentials
	KeptBack                       []KeptBack
	lanes                          map[string]string // the lane's ID by the cookie's name, the same map for all

	Status    int
	Location  string   // the raw header, "" where none was sent
	SetCookie []string // the raw lines
	Ops       []sessions.StoreOp
	Findings  []Conclusion
	Cut       bool // more was sent than the wire keeps
	MoreOps   bool // the store was asked more often than the wire keeps
	Hidden    bool // the value of a cookie is left out: see hide
	NamesOnly bool // without values: see namesOnly
	weight    int  // how much memory it takes, in bytes
}

// Conclusion is a finding with the moment at which it was made. The clock is that of store
// operations, so a diagram can show both in the order in which they happened.
type Conclusion struct {
	lanes.Finding
	At time.Time
}

// Lane returns the ID of the lane that a cookie belongs to, by the cookie's name; "" for other
// cookies.
func (e *Exchange) Lane(cookie string) string { return e.lanes[cookie] }

// SentCookie is one pair of a Cookie header.
type SentCookie struct {
	Name  string
	Lane  string // the lane's ID; "": it is no lane's
	Bytes int    // of name and value, as they came
	named bool   // a "=" tells where its name ends
	Left  bool   // its value was left out
}

// Cookies returns the pairs of the Cookie header, in the order in which they came.
func (e *Exchange) Cookies() iter.Seq[SentCookie] {
	return func(yield func(SentCookie) bool) {
		for pair := range strings.SplitSeq(e.Cookie, ";") {
			name, value, named := strings.Cut(strings.Trim(pair, " \t"), "=")
			if name == "" && value == "" {
				continue
			}
			if !yield(SentCookie{name, e.lanes[name], len(name) + len(value), named, value == unsaid}) {
				return
			}
		}
	}
}

// SetLine is one Set-Cookie line, as far as pages show it.
type SetLine struct {
	Name, Lane string // Lane is the lane's ID; "": it is no lane's
	Deletes    bool   // it deletes the cookie: Max-Age is 0
}

// Sets returns the Set-Cookie lines of the response, in their order.
func (e *Exchange) Sets() iter.Seq[SetLine] {
	return func(yield func(SetLine) bool) {
		for _, line := range e.SetCookie {
			name, attributes, _ := strings.Cut(line, "=")
			_, age, _ := strings.Cut(attributes, "; Max-Age=")
			age, _, _ = strings.Cut(age, ";")
			if !yield(SetLine{name, e.lanes[name], age == "0"}) {
				return
			}
		}
	}
}

// FetchMetadata holds the Sec-Fetch-* headers, in which a browser says where a request comes
// from (W3C Fetch Metadata). Other programs send none: then all are "".
type FetchMetadata struct{ Site, Mode, Dest, User string }

// The two kinds of client: Exchange.Client.
const (
	ClientBrowser = "browser"
	ClientOther   = "another program"
)

// Logs holds the Logs of all notebooks of a server, in a bounded amount of memory: see
// budget.go. Many goroutines may use it at once.
type Logs struct {
	weight atomic.Int64 // of all Logs, in bytes
	mu     sync.Mutex   // taken before the lock of a Log
	clock  sessions.Clock
	byID   map[sessions.ID]*Log
	byKey  map[sessions.ID]*Log // by the hash of the notebook's key, for those whose key is known
	// replays are the requests that the lab itself has under way as another program: a nonce
	// in their header says on which Log's wire they go.
	replays map[string]*Log
}

// NewLogs makes Logs without any Log. A nil clock is time.Now.
func NewLogs(clock sessions.Clock) *Logs {
	return &Logs{clock: clock, byID: map[sessions.ID]*Log{}, byKey: map[sessions.ID]*Log{}, replays: map[string]*Log{}}
}

// Log returns the Log with an ID; a new one if there is none. It is for adding to a Log. To
// read one, open also asks for the notebook's key.
func (l *Logs) Log(id sessions.ID) *Log {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log(id)
}

// open returns the Log with an ID to a request that carried the notebook's key; turn is
// how often the key had changed before, and signedIn says that the notebook belongs to
// somebody: then its Log stays while there are others to drop. The first request with a newer
// key takes the Log over. From then on, a request or a stream with an older key reads
// nothing, and open returns nil for it.
func (l *Logs) open(id, key sessions.ID, turn int, signedIn bool) *Log {
	l.mu.Lock()
	defer l.mu.Unlock()
	log := l.log(id)
	switch {
	case log.key == key:
		log.signedIn = signedIn
		return log
	case log.key != (sessions.ID{}) && turn <= log.turn:
		return nil
	case log.key != (sessions.ID{}):
		delete(l.byKey, log.key)
		log = log.handOver()
		log.used = l.clock.Now()
		l.byID[id] = log
	}
	log.key, log.turn, log.signedIn = key, turn, signedIn
	l.byKey[key] = log
	return log
}

// log does what Log does. The wire is locked.
func (l *Logs) log(id sessions.ID) *Log {
	log, ok := l.byID[id]
	if !ok {
		l.makeRoomForLog()
		log = newLog(l)
		l.byID[id] = log
	}
	log.used = l.clock.Now()
	return log
}

// known returns the Log of a request's notebook by memory alone; nil if memory knows none. No
// store is asked whether the notebook still lives.
func (l *Logs) known(r *http.Request) *Log {
	keys := sessions.ReadCookies(r, CookieName)
	if len(keys) == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	log := l.byKey[sessions.KeyID(purpose, keys[0])]
	if log != nil {
		log.used = l.clock.Now()
	}
	return log
}

// OfKey returns the Log of the notebook that a key opens, by memory alone; nil if memory knows
// none. The key is the value of the notebook's cookie.
func (l *Logs) OfKey(key string) *Log {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byKey[sessions.KeyID(purpose, key)]
}

// Weight returns how much memory all Logs take, in bytes: hardly more than [MaxBytes].
func (l *Logs) Weight() int64 { return l.weight.Load() }

// Drop forgets a notebook's Log. Whoever still watches it sees its end.
func (l *Logs) Drop(id sessions.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(id)
}

// Clear forgets all Logs. Whoever still watches one sees its end.
func (l *Logs) Clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, log := range l.byID {
		log.close()
	}
	clear(l.byID)
	clear(l.byKey)
}

// Announce says that the lab itself is about to send a request as another program, and that
// the exchange goes on a Log's wire: it puts a nonce into the request's headers. The caller
// must call withdraw once the request was answered or has failed.
func (l *Logs) Announce(r *http.Request, log *Log) (withdraw func()) {
	nonce := rand.Text()
	r.Header.Set(replayHeader, nonce)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.replays[nonce] = log
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.replays, nonce)
	}
}

// replayed returns the Log for which a nonce was announced, once; nil if there is none.
func (l *Logs) replayed(nonce string) *Log {
	if nonce == "" {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	log := l.replays[nonce]
	delete(l.replays, nonce)
	return log
}

// Log is what memory holds for one notebook. It may be used by several
// requests at once.
type Log struct {
	logs     *Logs
	used     time.Time    // when it was last asked for; the lock of the Logs guards this and the next three
	key      sessions.ID  // hash of the notebook's key; zero: no request has carried it yet
	turn     int          // how often that key had changed before
	signedIn bool         // the notebook belongs to somebody who is signed in
	weight   atomic.Int64 // how much memory it takes, in bytes

	mu       sync.Mutex
	news     chan struct{} // each exchange that is added closes it and makes a new one
	watchers int
	readers  int
	closed   bool // it was dropped or taken over, and nobody can read it any more
	heir     *Log // the Log that took this one over; nil: none did
	logContent
}

// logContent is what a Log holds. The Log's lock guards it.
type logContent struct {
	count           int
	exchanges       []*Exchange          // the oldest first
	exchangesWeight int                  // of all of them, in bytes
	slots           slots                // what pages keep
	known           map[sessions.ID]bool // hashes of the values that its browser was given
}

func newLog(logs *Logs) *Log { return &Log{logs: logs, news: make(chan struct{})} }

// handOver moves everything that the Log holds to a new one, and ends this one. Whoever
// still has this one reads nothing; what a request under way adds to it goes to the new
// one.
func (l *Log) handOver() *Log {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heir = newLog(l.logs)
	l.heir.logContent, l.logContent = l.logContent, logContent{}
	l.heir.reweigh()
	l.end()
	return l.heir
}

// HandedOver reports whether another Log has taken over what this one held.
func (l *Log) HandedOver() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.heir != nil
}

// add puts an exchange on the wire, and gives it its Number. It must not be changed after
// that.
func (l *Log) add(e *Exchange) {
	e.settle()
	weight := e.measure()
	done := l.change()
	if heir := l.heir; heir != nil {
		done()
		heir.add(e)
		return
	}
	defer done()
	if !l.closed {
		close(l.news)
		l.news = make(chan struct{})
	}
	l.count++
	e.Number = l.count
	if len(l.exchanges) == MaxExchanges {
		l.dropOldest()
	}
	e.weight = weight // not before the Log is locked: a page may keep the exchange already, and weigh it
	l.exchanges = append(l.exchanges, e)
	l.exchangesWeight += e.weight
}

// Exchanges returns the exchanges on the wire, the oldest first; none for a nil Log. They must
// not be changed.
func (l *Log) Exchanges() []*Exchange {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*Exchange(nil), l.exchanges...)
}

// After returns the exchanges with a higher number than seen, and a channel that is closed
// when there are more; nil if there will be none. If no exchange has had the number seen yet,
// it is from before a restart of the server: then all exchanges are new.
func (l *Log) After(seen int) (exchanges []*Exchange, more <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, nil
	}
	if seen > l.count {
		seen = 0
	}
	for _, e := range l.exchanges {
		if e.Number > seen {
			exchanges = append(exchanges, e)
		}
	}
	return exchanges, l.news
}

// Watch counts somebody who watches the Log live, until done is called; ok is false if
// [MaxWatchers] do already.
func (l *Log) Watch() (done func(), ok bool) { return l.countAt(&l.watchers) }

// Read counts somebody who reads the whole Log, in the same way as Watch.
func (l *Log) Read() (done func(), ok bool) { return l.countAt(&l.readers) }

func (l *Log) countAt(count *int) (done func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if *count >= MaxWatchers {
		return nil, false
	}
	*count++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		*count--
	}, true
}

// Next returns the first exchange with a number above seen and not above last; nil if there
// is none, and for a nil Log. A reader who takes them one by one keeps only one of them in
// memory.
func (l *Log) Next(seen, last int) *Exchange {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.exchanges {
		if e.Number > seen && e.Number <= last {
			return e
		}
	}
	return nil
}

// Last returns the number of the Log's newest exchange; 0 if there was none.
func (l *Log) Last() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}

// Watchers returns how many watch the Log live now, at most [MaxWatchers]; 0 for a nil Log.
func (l *Log) Watchers() int {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.watchers
}

// close tells all who watch that the Log was dropped.
func (l *Log) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end()
}

func (l *Log) end() {
	if !l.closed {
		l.closed = true
		close(l.news)
		l.reweigh()
	}
}

// setKnown keeps the hashes of the values that its browser was given.
func (l *Log) setKnown(known map[sessions.ID]bool) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known = known
}

// knows reports whether its browser was given a value, as far as memory knows.
func (l *Log) knows(value string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known[knownAs(value)]
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
		case name == CookieName:
			notebooks++
			hidden = notebooks > 1
		case slices.Contains(secretLanes, e.lanes[name]):
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

// namesOnly is the exchange without the values of cookies and tokens: only their names, and
// what was concluded. It is for a Log whose reader may not be the sender, for example that
// of a run: anyone may know the run's address, and give it to anyone.
func (e *Exchange) namesOnly() *Exchange {
	path, _, _ := strings.Cut(e.Target, "?")
	location, _, _ := strings.Cut(e.Location, "?")
	names := &Exchange{
		NamesOnly: true, Client: e.Client, Start: e.Start, Duration: e.Duration,
		Method: e.Method, Target: path, Protocol: e.Protocol, Host: e.Host, Fetch: e.Fetch, lanes: e.lanes,
		Status: e.Status, Location: location, MoreOps: e.MoreOps,
	}
	var pairs []string
	for cookie := range e.Cookies() {
		if !cookie.named { // then it is all value
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

// OutcomeOf returns a word for how a store operation failed, such as "not_found"; "" if it did
// not fail.
func OutcomeOf(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, sessions.ErrReplaced):
		return "replaced"
	case errors.Is(err, sessions.ErrNotFound):
		return "not_found"
	case errors.Is(err, sessions.ErrExpired):
		return "expired"
	case errors.Is(err, sessions.ErrConflict):
		return "conflict"
	case errors.Is(err, sessions.ErrExists):
		return "exists"
	default:
		return "unavailable"
	}
}

// OfSession reports whether a store operation belongs to the session lane or to the token
// lane. The others are the lab's own: those for the notebook, and those by which it looks what
// a store holds.
func OfSession(op sessions.StoreOp) bool {
	return op.Purpose == lanes.SessionPurpose || op.Purpose == lanes.TokenPurpose || op.Purpose == "" && op.Name != "load"
}
