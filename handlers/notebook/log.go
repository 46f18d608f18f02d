// The wire: the last exchanges of each notebook, in memory only.

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
	MaxLogs          = 1000
	MaxExchanges     = 50
	MaxExchangeBytes = 64 << 10
	MaxOps           = 100 // store operations of one exchange; one that ends very many sessions has more
	MaxWatchers      = 6   // of one Log, and as many readers: the number of connections that a browser opens to one server
)

// Exchange is one request and its response as seen on the wire, with the store
// operations between.
type Exchange struct {
	Number   int // counts from 1 within a notebook
	Client   string
	Start    time.Time
	Duration time.Duration

	Method, Target, Protocol, Host string
	Fetch                          FetchMetadata
	UserAgent                      string
	Cookie                         string // the raw header, "" where none was sent
	Authorization                  string // the same, shortened: see shortCredentials
	KeptBack                       []KeptBack
	ways                           map[string]string // whose cookie each name is, the same for all

	Status    int
	Location  string
	SetCookie []string // the raw lines
	Ops       []sessions.StoreOp
	Findings  []Conclusion
	Cut       bool // more was sent than the wire keeps
	MoreOps   bool // the store was asked more often than the wire keeps
	Hidden    bool // the value of a cookie is left out: see hide
	NamesOnly bool // without values: see namesOnly
	weight    int  // how much memory it takes, in bytes
}

// Conclusion is a finding with the moment at which it was made, by the same
// clock as store operations: a diagram shows them in the order of happening.
type Conclusion struct {
	lanes.Finding
	At time.Time
}

// Lane is whose cookie a name is, of the ways that the lab sets; "": of none.
func (e *Exchange) Lane(cookie string) string { return e.ways[cookie] }

// SentCookie is one pair of a Cookie header.
type SentCookie struct {
	Name  string
	Lane  string // "": none of the three ways
	Bytes int    // of name and value, as they came
	Named bool   // a "=" tells where its name ends
	Left  bool   // its value was left out
}

// Cookies are the pairs of the Cookie header, in the order in which they came.
func (e *Exchange) Cookies() iter.Seq[SentCookie] {
	return func(yield func(SentCookie) bool) {
		for pair := range strings.SplitSeq(e.Cookie, ";") {
			name, value, named := strings.Cut(strings.Trim(pair, " \t"), "=")
			if name == "" && value == "" {
				continue
			}
			if !yield(SentCookie{name, e.ways[name], len(name) + len(value), named, value == unsaid}) {
				return
			}
		}
	}
}

// SetLine is one Set-Cookie line, as far as pages show it.
type SetLine struct {
	Name, Lane string
	Deletes    bool
}

// Sets are the Set-Cookie lines of the response.
func (e *Exchange) Sets() iter.Seq[SetLine] {
	return func(yield func(SetLine) bool) {
		for _, line := range e.SetCookie {
			name, attributes, _ := strings.Cut(line, "=")
			_, age, _ := strings.Cut(attributes, "; Max-Age=")
			age, _, _ = strings.Cut(age, ";")
			if !yield(SetLine{name, e.ways[name], age == "0"}) {
				return
			}
		}
	}
}

// FetchMetadata is what a browser says about where a request comes from (W3C
// Fetch Metadata); all "" from other programs.
type FetchMetadata struct{ Site, Mode, Dest, User string }

// The two kinds of client.
const (
	ClientBrowser = "browser"
	ClientOther   = "another program"
)

// Logs holds the Books of all notebooks, by their IDs, in a bounded amount of memory: see
// budget.go.
type Logs struct {
	weight atomic.Int64 // of all books, in bytes
	mu     sync.Mutex   // taken before the lock of a Log
	clock  sessions.Clock
	books  map[sessions.ID]*Log
	byKey  map[sessions.ID]*Log // by the hash of the notebook's key, for those whose key is known
	// replays are the requests the lab itself has under way as another
	// client: a one-time word in their header says whose wire they go on.
	replays map[string]*Log
}

func NewLogs(clock sessions.Clock) *Logs {
	return &Logs{clock: clock, books: map[sessions.ID]*Log{}, byKey: map[sessions.ID]*Log{}, replays: map[string]*Log{}}
}

// Log returns the Log with an ID, a new one if there is none. It is for adding to a
// Log; to read one, Open asks for the notebook's key, too.
func (w *Logs) Log(id sessions.ID) *Log {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log(id)
}

// Open returns the Log with an ID to a request that carried the notebook's key; turn is
// how often the key had changed before, and signedIn says whether the notebook belongs to
// somebody: then its Log stays while there are others to drop. The first request with a newer key takes the Log
// over. From then on, a request or a stream with an older key reads nothing, and Open
// returns nil for it.
func (w *Logs) Open(id, key sessions.ID, turn int, signedIn bool) *Log {
	w.mu.Lock()
	defer w.mu.Unlock()
	book := w.log(id)
	switch {
	case book.key == key:
		book.signedIn = signedIn
		return book
	case book.key != (sessions.ID{}) && turn <= book.turn:
		return nil
	case book.key != (sessions.ID{}):
		delete(w.byKey, book.key)
		book = book.handOver()
		book.used = w.clock.Now()
		w.books[id] = book
	}
	book.key, book.turn, book.signedIn = key, turn, signedIn
	w.byKey[key] = book
	return book
}

// log does what Log does. The wire is locked.
func (w *Logs) log(id sessions.ID) *Log {
	book, ok := w.books[id]
	if !ok {
		w.makeRoomForBook()
		book = newLog(w)
		w.books[id] = book
	}
	book.used = w.clock.Now()
	return book
}

// known is the book of a request's notebook by memory alone: no store is asked
// whether that notebook still lives. Nil where memory knows none.
func (w *Logs) known(r *http.Request) *Log {
	keys := sessions.ReadCookies(r, CookieName)
	if len(keys) == 0 {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	book := w.byKey[sessions.KeyID(Purpose, keys[0])]
	if book != nil {
		book.used = w.clock.Now()
	}
	return book
}

// OfKey is the Log of the notebook that a key, a cookie's value, opens, by memory alone; nil
// where memory knows none.
func (w *Logs) OfKey(key string) *Log {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.byKey[sessions.KeyID(Purpose, key)]
}

// Weight is how much memory all Logs take, in bytes.
func (w *Logs) Weight() int64 { return w.weight.Load() }

// Len is how many Logs there are.
func (w *Logs) Len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.books)
}

// Drop forgets a notebook's book. Who still watches it sees its end.
func (w *Logs) Drop(id sessions.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drop(id)
}

// Clear forgets all books. Who still watches one sees its end.
func (w *Logs) Clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, book := range w.books {
		book.close()
	}
	clear(w.books)
	clear(w.byKey)
}

// Announce says that a request is one that the lab itself sends as another program, and
// goes on a Log's wire: a one-time word in its headers says so. withdraw is to be called
// once it was answered or has failed.
func (w *Logs) Announce(r *http.Request, book *Log) (withdraw func()) {
	word := rand.Text()
	r.Header.Set(replayHeader, word)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.replays[word] = book
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.replays, word)
	}
}

// replayed returns whose replay a word announces, once.
func (w *Logs) replayed(word string) *Log {
	if word == "" {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	book := w.replays[word]
	delete(w.replays, word)
	return book
}

// Log is what memory holds for one notebook. It may be used by several
// requests at once.
type Log struct {
	wire     *Logs
	used     time.Time    // when it was last asked for; the Logs's lock guards this and the next three
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
	bookContent
}

// bookContent is what a Log holds. The Log's lock guards it.
type bookContent struct {
	count           int
	exchanges       []*Exchange          // the oldest first
	exchangesWeight int                  // of all of them, in bytes
	slots           slots                // what pages keep
	known           map[sessions.ID]bool // hashes of the values that its browser was given
}

func newLog(wire *Logs) *Log { return &Log{wire: wire, news: make(chan struct{})} }

// handOver moves everything that the Log holds to a new one, and ends this one. Whoever
// still has this one reads nothing; what a request under way adds to it goes to the new
// one.
func (b *Log) handOver() *Log {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.heir = newLog(b.wire)
	b.heir.bookContent, b.bookContent = b.bookContent, bookContent{}
	b.heir.reweigh()
	b.end()
	return b.heir
}

// HandedOver reports that another Log has taken over what this one held.
func (b *Log) HandedOver() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.heir != nil
}

// Add puts an exchange on the wire.
func (b *Log) Add(e *Exchange) {
	e.settle()
	done := b.change()
	if heir := b.heir; heir != nil {
		done()
		heir.Add(e)
		return
	}
	defer done()
	if !b.closed {
		close(b.news)
		b.news = make(chan struct{})
	}
	b.count++
	e.Number = b.count
	if len(b.exchanges) == MaxExchanges {
		b.dropOldest()
	}
	b.exchanges = append(b.exchanges, e)
	b.exchangesWeight += e.weight
}

// Exchanges are those on the wire, the oldest first. They do not change.
func (b *Log) Exchanges() []*Exchange {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]*Exchange(nil), b.exchanges...)
}

// After are the exchanges with a higher number than one that was seen, and a
// channel that is closed when there are more; nil: there will be none. A number
// that was never given is of an earlier life of this server, which has
// forgotten: then everything is new.
func (b *Log) After(seen int) (exchanges []*Exchange, more <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, nil
	}
	if seen > b.count {
		seen = 0
	}
	for _, e := range b.exchanges {
		if e.Number > seen {
			exchanges = append(exchanges, e)
		}
	}
	return exchanges, b.news
}

// Watch counts somebody who watches the book live, until done is called; ok is
// false when too many do already.
func (b *Log) Watch() (done func(), ok bool) { return b.countAt(&b.watchers) }

// Read counts somebody who reads the whole Log, in the same way.
func (b *Log) Read() (done func(), ok bool) { return b.countAt(&b.readers) }

func (b *Log) countAt(count *int) (done func(), ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if *count >= MaxWatchers {
		return nil, false
	}
	*count++
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		*count--
	}, true
}

// Next is the first exchange with a number above seen, and not above last; nil: there is
// none. A reader who takes them one by one keeps only one of them in memory.
func (b *Log) Next(seen, last int) *Exchange {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.exchanges {
		if e.Number > seen && e.Number <= last {
			return e
		}
	}
	return nil
}

// Last is the number of the newest exchange of a book.
func (b *Log) Last() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count
}

// Watchers is how many watch the Log live now.
func (b *Log) Watchers() int {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.watchers
}

// close tells all who watch that the book was dropped.
func (b *Log) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.end()
}

func (b *Log) end() {
	if !b.closed {
		b.closed = true
		close(b.news)
		b.reweigh()
	}
}

// setKnown keeps the hashes of the values that its browser was given.
func (b *Log) setKnown(known map[sessions.ID]bool) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.known = known
}

// knows reports whether its browser was given a value, as far as memory knows.
func (b *Log) knows(value string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known[knownAs(value)]
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

// namesOnly is the exchange without the values of cookies and tokens: only their names, and
// what was concluded. It is for a Log whose reader may not be the sender, for example that
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

// OutcomeOf names how a store operation failed; "" when it did not.
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

// OfSession reports whether a store operation belongs to the session way or to
// the token, which is a session that travels otherwise. The lab's own are those of the notebook, and its looking at what lies there.
func OfSession(op sessions.StoreOp) bool {
	return op.Purpose == lanes.SessionPurpose || op.Purpose == lanes.TokenPurpose || op.Purpose == "" && op.Name != "load"
}
