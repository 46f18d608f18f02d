// The wire: the last exchanges of each notebook, in memory only.

package handlers

import (
	"crypto/rand"
	"iter"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cookielab/handlers/lanes"
	"cookielab/sessions"
)

// What the wire stores at most, so that memory is bounded; maxWireBytes is another bound.
const (
	maxBooks         = 1000
	maxExchanges     = 50
	maxExchangeBytes = 64 << 10
	maxOps           = 100 // store operations of one exchange; one that ends very many sessions has more
	maxWatchers      = 6   // of one Book, and as many readers: the number of connections that a browser opens to one server
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
	Home                           []stayed
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

// Wire holds the Books of all notebooks, by their IDs, in a bounded amount of memory: see
// wire_budget.go.
type Wire struct {
	weight atomic.Int64 // of all books, in bytes
	mu     sync.Mutex   // taken before the lock of a Book
	clock  sessions.Clock
	books  map[sessions.ID]*Book
	byKey  map[sessions.ID]*Book // by the hash of the notebook's key, for those whose key is known
	// replays are the requests the lab itself has under way as another
	// client: a one-time word in their header says whose wire they go on.
	replays map[string]*Book
}

func newWire(clock sessions.Clock) *Wire {
	return &Wire{clock: clock, books: map[sessions.ID]*Book{}, byKey: map[sessions.ID]*Book{}, replays: map[string]*Book{}}
}

// Book returns the Book with an ID, a new one if there is none. It is for adding to a
// Book; to read one, Open asks for the notebook's key, too.
func (w *Wire) Book(id sessions.ID) *Book {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.book(id)
}

// Open returns the Book with an ID to a request that carried the notebook's key; turn is
// how often the key had changed before, and signedIn says whether the notebook belongs to
// somebody: then its Book stays while there are others to drop. The first request with a newer key takes the Book
// over. From then on, a request or a stream with an older key reads nothing, and Open
// returns nil for it.
func (w *Wire) Open(id, key sessions.ID, turn int, signedIn bool) *Book {
	w.mu.Lock()
	defer w.mu.Unlock()
	book := w.book(id)
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

// book does what Book does. The wire is locked.
func (w *Wire) book(id sessions.ID) *Book {
	book, ok := w.books[id]
	if !ok {
		w.makeRoomForBook()
		book = newBook(w)
		w.books[id] = book
	}
	book.used = w.clock.Now()
	return book
}

// known is the book of a request's notebook by memory alone: no store is asked
// whether that notebook still lives. Nil where memory knows none.
func (w *Wire) known(r *http.Request) *Book {
	keys := sessions.ReadCookies(r, notebookCookie)
	if len(keys) == 0 {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	book := w.byKey[sessions.KeyID(notebookPurpose, keys[0])]
	if book != nil {
		book.used = w.clock.Now()
	}
	return book
}

// Drop forgets a notebook's book. Who still watches it sees its end.
func (w *Wire) Drop(id sessions.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drop(id)
}

// Clear forgets all books. Who still watches one sees its end.
func (w *Wire) Clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, book := range w.books {
		book.close()
	}
	clear(w.books)
	clear(w.byKey)
}

// Announce says that a request is one that the lab itself sends as another program, and
// goes on a Book's wire: a one-time word in its headers says so. withdraw is to be called
// once it was answered or has failed.
func (w *Wire) Announce(r *http.Request, book *Book) (withdraw func()) {
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
func (w *Wire) replayed(word string) *Book {
	if word == "" {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	book := w.replays[word]
	delete(w.replays, word)
	return book
}

// Book is what memory holds for one notebook. It may be used by several
// requests at once.
type Book struct {
	wire     *Wire
	used     time.Time    // when it was last asked for; the Wire's lock guards this and the next three
	key      sessions.ID  // hash of the notebook's key; zero: no request has carried it yet
	turn     int          // how often that key had changed before
	signedIn bool         // the notebook belongs to somebody who is signed in
	weight   atomic.Int64 // how much memory it takes, in bytes

	mu       sync.Mutex
	news     chan struct{} // each exchange that is added closes it and makes a new one
	watchers int
	readers  int
	closed   bool  // it was dropped or taken over, and nobody can read it any more
	heir     *Book // the Book that took this one over; nil: none did
	bookContent
}

// bookContent is what a Book holds. The Book's lock guards it.
type bookContent struct {
	count           int
	exchanges       []*Exchange          // the oldest first
	exchangesWeight int                  // of all of them, in bytes
	slots           slots                // what pages keep
	known           map[sessions.ID]bool // hashes of the values that its browser was given
}

func newBook(wire *Wire) *Book { return &Book{wire: wire, news: make(chan struct{})} }

// handOver moves everything that the Book holds to a new one, and ends this one. Whoever
// still has this one reads nothing; what a request under way adds to it goes to the new
// one.
func (b *Book) handOver() *Book {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.heir = newBook(b.wire)
	b.heir.bookContent, b.bookContent = b.bookContent, bookContent{}
	b.heir.reweigh()
	b.end()
	return b.heir
}

// HandedOver reports that another Book has taken over what this one held.
func (b *Book) HandedOver() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.heir != nil
}

// Add puts an exchange on the wire.
func (b *Book) Add(e *Exchange) {
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
	if len(b.exchanges) == maxExchanges {
		b.dropOldest()
	}
	b.exchanges = append(b.exchanges, e)
	b.exchangesWeight += e.weight
}

// Exchanges are those on the wire, the oldest first. They do not change.
func (b *Book) Exchanges() []*Exchange {
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
func (b *Book) After(seen int) (exchanges []*Exchange, more <-chan struct{}) {
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
func (b *Book) Watch() (done func(), ok bool) { return b.countAt(&b.watchers) }

// Read counts somebody who reads the whole Book, in the same way.
func (b *Book) Read() (done func(), ok bool) { return b.countAt(&b.readers) }

func (b *Book) countAt(count *int) (done func(), ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if *count >= maxWatchers {
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
func (b *Book) Next(seen, last int) *Exchange {
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
func (b *Book) Last() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count
}

// close tells all who watch that the book was dropped.
func (b *Book) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.end()
}

func (b *Book) end() {
	if !b.closed {
		b.closed = true
		close(b.news)
		b.reweigh()
	}
}

// setKnown keeps the hashes of the values that its browser was given.
func (b *Book) setKnown(known map[sessions.ID]bool) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.known = known
}

// knows reports whether its browser was given a value, as far as memory knows.
func (b *Book) knows(value string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known[knownAs(value)]
}
