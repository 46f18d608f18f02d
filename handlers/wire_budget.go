// The wire's budget: how much memory all Books of a server may take together, and what is
// dropped when they take more. A Book's texts are copied out of the requests that they came
// with, so that a short text does not keep a large request in memory.

package handlers

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"cookielab/handlers/locale"
	"cookielab/sessions"
)

// maxWireBytes is how much memory all Books of a server may take together. If they take
// more, the largest Book loses its oldest exchanges. So a visitor who floods the server
// empties their own wire, and nobody else's.
const maxWireBytes = 64 << 20

// bookRest is how long after its last use a Book still counts as in use: see
// [Wire.makeRoomForBook].
const bookRest = time.Hour

// How much memory things take without their texts, in bytes; a test compares this with the
// real heap. For a map it is what a small one takes.
const (
	bookBytes       = 1 << 10
	exchangeBytes   = 640
	conclusionBytes = 256
	structBytes     = 256 // one of a page, of a dozen fields or less
	checkBytes      = 56
	stayedBytes     = 64
	opBytes         = 144
	errorBytes      = 192
	mapBytes        = 320
	entryBytes      = 48
	textBytes       = 16 // the header of a string
)

// texts are all the texts that a client or a handler can make long, the least useful
// first: those are cut first.
func (e *Exchange) texts() iter.Seq[*string] {
	return func(yield func(*string) bool) {
		for _, text := range []*string{
			&e.UserAgent, &e.Target, &e.Location, &e.Fetch.Site, &e.Fetch.Mode, &e.Fetch.Dest, &e.Fetch.User,
			&e.Cookie, &e.Authorization, &e.Host, &e.Method, &e.Protocol,
		} {
			if !yield(text) {
				return
			}
		}
		for i := range e.Findings {
			if !yield(&e.Findings[i].Who.User) || !yield(&e.Findings[i].Who.Role) {
				return
			}
		}
		for i := range e.SetCookie {
			if !yield(&e.SetCookie[i]) {
				return
			}
		}
	}
}

// settle turns an exchange into what the wire stores: cut if it is too long, with its
// texts copied into one piece of memory, and without values that no page shows.
func (e *Exchange) settle() {
	e.Findings = slices.Clip(slices.Clone(e.Findings))
	for i := range e.Findings {
		e.Findings[i].Value, e.Findings[i].Raw, e.Findings[i].Record = "", "", nil
	}
	long := 0
	for text := range e.texts() {
		long += len(*text)
	}
	for text := range e.texts() {
		if over := min(long-maxExchangeBytes, len(*text)); over > 0 {
			*text, e.Cut = (*text)[:len(*text)-over], true
			long -= over
		}
	}
	e.SetCookie = slices.DeleteFunc(e.SetCookie, func(line string) bool { return line == "" })
	var own strings.Builder
	own.Grow(long)
	for text := range e.texts() {
		from := own.Len()
		own.WriteString(*text)
		*text = own.String()[from:]
	}
	e.Ops = slices.Clip(slices.Clone(e.Ops))
	e.weight = e.measure()
}

// Weigh is how much memory an exchange that is on the wire takes, in bytes; 0: it is not
// there yet. Whatever keeps it counts it again, as it may have left the wire.
func (e *Exchange) Weigh() int { return e.weight }

// measure is how much memory an exchange takes, in bytes.
func (e *Exchange) measure() int {
	n := exchangeBytes + cap(e.SetCookie)*textBytes
	for i := range e.Ops {
		n += weighOp(&e.Ops[i])
	}
	for text := range e.texts() {
		n += len(*text)
	}
	for i := range e.Findings {
		f := &e.Findings[i]
		n += conclusionBytes + weighMessage(f.Reason) + cap(f.Checks)*checkBytes
		for _, check := range f.Checks {
			n += weighMessage(check.Detail)
		}
	}
	for _, home := range e.Home {
		n += stayedBytes + weighMessage(home.Reason)
	}
	return n
}

func weighOp(op *sessions.StoreOp) int {
	if op.Err != nil {
		return opBytes + errorBytes
	}
	return opBytes
}

func weighMessage(p locale.Message) int {
	if p.Args == nil {
		return 0
	}
	n := mapBytes
	for _, arg := range p.Args {
		switch arg := arg.(type) {
		case string:
			n += entryBytes + len(arg)
		case locale.Message:
			n += entryBytes + weighMessage(arg)
		}
	}
	return n
}

func weighTexts(texts map[string]string) int {
	if texts == nil {
		return 0
	}
	n := mapBytes
	for name, text := range texts {
		n += entryBytes + len(name) + len(text)
	}
	return n
}

// weigh is how much memory a Book takes, in bytes.
func (b *Book) weigh() int { return bookBytes + b.exchangesWeight + b.slots.weigh() }

// ownTexts copies texts, so that they do not keep a larger text in memory.
func ownTexts(texts map[string]string) map[string]string {
	own := maps.Clone(texts)
	for name, text := range own {
		own[name] = strings.Clone(text)
	}
	return own
}

// change locks a Book in order to change it. done weighs it again, unlocks it, and makes
// room if all Books together take too much now.
func (b *Book) change() (done func()) {
	b.mu.Lock()
	return func() {
		b.reweigh()
		b.mu.Unlock()
		b.wire.makeRoom()
	}
}

// reweigh updates how much memory the Book takes, here and in the Wire; a closed Book
// counts as 0. The Book is locked.
func (b *Book) reweigh() {
	weight := int64(0)
	if !b.closed {
		weight = int64(b.weigh())
	}
	b.wire.weight.Add(weight - b.weight.Swap(weight))
}

// makeRoom shrinks the largest Book, again and again, until all Books together are within
// the budget.
func (w *Wire) makeRoom() {
	if w.weight.Load() <= maxWireBytes {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.weight.Load() > maxWireBytes {
		var largest *Book
		for _, book := range w.books {
			if largest == nil || book.weight.Load() > largest.weight.Load() {
				largest = book
			}
		}
		if largest == nil || !largest.giveWay() {
			return
		}
	}
}

// giveWay drops the Book's oldest exchange or, if it has none, what pages keep in it;
// false: it holds nothing that could be dropped.
func (b *Book) giveWay() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.weight.Load()
	if len(b.exchanges) > 0 {
		b.dropOldest()
	} else {
		b.bookContent = bookContent{count: b.count, known: b.known, slots: b.slots.shrunk()}
	}
	b.reweigh()
	return b.weight.Load() < before
}

// dropOldest takes the oldest exchange off the wire. It makes a new slice, because readers
// may still use the old one.
func (b *Book) dropOldest() {
	b.exchangesWeight -= b.exchanges[0].weight
	b.exchanges = append(b.exchanges[:0:0], b.exchanges[1:]...)
}

// makeRoomForBook drops a Book if there are maxBooks of them: of those that nobody has used
// for an hour, the one that was used longest ago; if all are in use, the one with the
// fewest exchanges, and one of somebody who is signed in only if all are. So a crowd of
// visitors who come only once pushes out one another. The wire is locked.
func (w *Wire) makeRoomForBook() {
	if len(w.books) < maxBooks {
		return
	}
	rested := w.clock.Now().Add(-bookRest)
	type standing struct {
		use  int // 0: nobody has used it for an hour; 1: somebody has; 2: somebody who is signed in
		did  int // its exchanges, if it is in use
		used time.Time
	}
	var least sessions.ID
	var its standing
	for id, book := range w.books {
		one := standing{used: book.used}
		if book.used.After(rested) {
			one.use, one.did = 1, book.Last()
			if book.signedIn {
				one.use = 2
			}
		}
		if its.used.IsZero() || cmp.Or(cmp.Compare(one.use, its.use), cmp.Compare(one.did, its.did), one.used.Compare(its.used)) < 0 {
			least, its = id, one
		}
	}
	w.drop(least)
}

// drop removes a Book. Streams that show it end. The wire is locked.
func (w *Wire) drop(id sessions.ID) {
	if book, ok := w.books[id]; ok {
		book.close()
		delete(w.books, id)
		delete(w.byKey, book.key)
	}
}
