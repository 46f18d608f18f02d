// The wire's budget: what memory may hold for all notebooks of a server together,
// and who gives way. What a book holds is weighed as it is kept: texts are copied
// out of the requests they came with, so that none keeps a larger one alive.

package handlers

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"cookielab/sessions"
)

// maxWireBytes is what all books of a server may hold together. When they hold
// more, the largest book gives way, its oldest exchange first: whoever floods
// empties their own wire, and nobody else's.
const maxWireBytes = 64 << 20

// bookRest is for how long a book counts as in use: see [Wire.makeRoomForBook].
const bookRest = time.Hour

// What things weigh besides their texts, in bytes; a test holds them against the
// heap. Maps are weighed with the room that small ones take.
const (
	bookBytes       = 1 << 10
	exchangeBytes   = 640
	conclusionBytes = 256
	checkBytes      = 56
	stayedBytes     = 64
	opBytes         = 144
	errorBytes      = 192
	mapBytes        = 320
	entryBytes      = 48
	textBytes       = 16 // the header of a string
)

// texts are all that a client or a handler can make long, the least telling first.
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

// settle makes an exchange what the wire keeps: shortened where it is too long,
// with texts of its own, in one piece, and without what no page shows of it.
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
	e.weight = e.weigh()
}

// weigh is what an exchange takes, in bytes.
func (e *Exchange) weigh() int {
	n := exchangeBytes + cap(e.SetCookie)*textBytes + weighOps(e.Ops)
	for text := range e.texts() {
		n += len(*text)
	}
	for i := range e.Findings {
		f := &e.Findings[i]
		n += conclusionBytes + weighPhrase(f.Reason) + cap(f.Checks)*checkBytes
		for _, check := range f.Checks {
			n += weighPhrase(check.Detail)
		}
	}
	for _, home := range e.Home {
		n += stayedBytes + weighPhrase(home.Reason)
	}
	return n
}

func weighOps(ops []sessions.StoreOp) int {
	n := cap(ops) * opBytes
	for _, op := range ops {
		if op.Err != nil {
			n += errorBytes
		}
	}
	return n
}

func weighPhrase(p Phrase) int {
	if p.Args == nil {
		return 0
	}
	n := mapBytes
	for _, arg := range p.Args {
		switch arg := arg.(type) {
		case string:
			n += entryBytes + len(arg)
		case Phrase:
			n += entryBytes + weighPhrase(arg)
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

// weigh is what a book takes, in bytes. What it keeps besides exchanges has few
// parts, each of which is short or comes in small numbers.
func (b *Book) weigh() int {
	n := bookBytes + b.exchangesWeight + weighTexts(b.before) + weighTexts(b.shown) + weighTexts(b.expected) + weighTexts(b.secrets)
	if b.copied != nil {
		n += b.copied.weigh()
	}
	for _, held := range b.hands.Tokens {
		n += conclusionBytes + len(held.Value) + len(held.Answer) + len(held.EndAnswer)
		for _, e := range []*Exchange{held.Asked, held.Ending} {
			if e != nil {
				n += e.weight // it may have left the wire
			}
		}
	}
	if b.called != nil {
		n += b.called.weigh()
	}
	for _, sent := range b.sends {
		n += 6*textBytes + len(sent.Line) + len(sent.URL.Host) + len(sent.URL.Path)
	}
	if b.engines != nil {
		n += b.engines.weigh()
	}
	return n
}

func (c *Copy) weigh() int {
	n := conclusionBytes
	for _, cookie := range c.Cookies {
		n += 2*textBytes + len(cookie.Name) + len(cookie.Value)
	}
	for _, lane := range c.Lanes {
		n += conclusionBytes + len(textOf(lane.User)) + len(textOf(lane.Role))
	}
	return n
}

// own is the copy as a book keeps it: with texts of its own, and of what each way
// concluded no more than pages show.
func (c *Copy) own() *Copy {
	if c == nil {
		return nil
	}
	own := *c
	own.Cookies = make([]CopiedCookie, len(c.Cookies))
	for i, cookie := range c.Cookies {
		own.Cookies[i] = CopiedCookie{strings.Clone(cookie.Name), strings.Clone(cookie.Value)}
	}
	own.Lanes = make([]LaneFinding, len(c.Lanes))
	for i, lane := range c.Lanes {
		own.Lanes[i] = LaneFinding{ID: lane.ID, Verdict: lane.Verdict, User: lane.User, Role: lane.Role}
	}
	return &own
}

func (call *consoleCall) weigh() int {
	n := 2*conclusionBytes + weighTexts(call.inputs) + len(call.Result) + weighPhrase(call.Message)
	for _, change := range call.Changes {
		n += 3*textBytes + len(change.Key) + len(change.Before) + len(change.After)
	}
	if call.exchange != nil {
		n += call.exchange.weight // it may have left the wire
	}
	if call.race != nil {
		n += 2 * conclusionBytes
		n += len(call.race.before) + len(call.race.after)
		for _, p := range call.race.programs {
			n += len(p.Read) + len(p.Wrote) + len(p.Answer)
		}
	}
	return n
}

func (m *enginesMemory) weigh() int {
	n := conclusionBytes + weighTexts(m.set)
	for _, outcomes := range m.outcomes {
		n += mapBytes + len(outcomes)*2*entryBytes
		for _, outcome := range outcomes {
			n += weighPhrase(outcome.Detail)
		}
	}
	all := []([]engineOp){m.reading, m.django}
	for ops := range maps.Values(m.ops) {
		all = append(all, ops)
	}
	for _, ops := range all {
		for _, op := range ops {
			if n += opBytes; op.Err != nil {
				n += errorBytes
			}
		}
	}
	return n
}

// ownTexts are texts that keep no larger one alive.
func ownTexts(texts map[string]string) map[string]string {
	own := maps.Clone(texts)
	for name, text := range own {
		own[name] = strings.Clone(text)
	}
	return own
}

// change locks a book in order to change it; done weighs it, lets go of it, and
// has room made where all books together are too heavy now.
func (b *Book) change() (done func()) {
	b.mu.Lock()
	return func() {
		b.reweigh()
		b.mu.Unlock()
		b.wire.makeRoom()
	}
}

// reweigh tells the budget what the book takes now; a closed one is off it. The
// book is locked.
func (b *Book) reweigh() {
	weight := int64(0)
	if !b.closed {
		weight = int64(b.weigh())
	}
	b.wire.weight.Add(weight - b.weight.Swap(weight))
}

// makeRoom has the largest book give way until all books keep the budget.
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

// giveWay drops the book's oldest exchange or, where there is none, what else it
// holds; false: it was empty.
func (b *Book) giveWay() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.weight.Load()
	if len(b.exchanges) > 0 {
		b.dropOldest()
	} else {
		b.copied, b.hands, b.called, b.sends, b.engines = nil, hands{}, nil, nil, nil
		b.before, b.shown, b.expected, b.secrets = nil, nil, nil, nil
	}
	b.reweigh()
	return b.weight.Load() < before
}

// dropOldest takes the oldest exchange off the wire. Readers keep the slice they
// were given, so it is not changed in place.
func (b *Book) dropOldest() {
	b.exchangesWeight -= b.exchanges[0].weight
	b.exchanges = append(b.exchanges[:0:0], b.exchanges[1:]...)
}

// makeRoomForBook drops a book if there are as many as may be. It is one that has
// been at rest for an hour, the longest first; where all are in use, one of those
// who did least: a crowd of strangers, who never come again, pushes out strangers.
// The wire is locked.
func (w *Wire) makeRoomForBook() {
	if len(w.books) < maxBooks {
		return
	}
	rested := now(w.clock).Add(-bookRest)
	var least struct {
		id   sessions.ID
		did  int // 0: it is at rest
		used time.Time
	}
	for id, book := range w.books {
		did := 0
		if book.used.After(rested) {
			did = 1 + book.last()
		}
		if least.used.IsZero() || did < least.did || did == least.did && book.used.Before(least.used) {
			least.id, least.did, least.used = id, did, book.used
		}
	}
	w.drop(least.id)
}

// drop forgets a book. Who still watches it sees its end. The wire is locked.
func (w *Wire) drop(id sessions.ID) {
	if book, ok := w.books[id]; ok {
		book.close()
		delete(w.books, id)
		delete(w.byKey, book.key)
	}
}
