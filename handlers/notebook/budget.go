// The wire's budget: how much memory all Logs of a server may take together, and what is
// dropped when they take more. A Log's texts are copied out of the requests that they came
// with, so that a short text does not keep a large request in memory.

package notebook

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

// MaxBytes is how much memory the Logs of a server may take together, in bytes. If they take
// more, the largest Log loses its oldest exchanges. So a visitor who floods the server
// empties their own wire, and nobody else's.
const MaxBytes = 64 << 20

// logRest is how long after its last use a Log still counts as in use: see
// [Logs.makeRoomForLog].
const logRest = time.Hour

// How much memory things take without their texts, in bytes; a test compares this with the
// real heap. For a map it is what a small one takes.
const (
	logBytes        = 1 << 10
	exchangeBytes   = 640
	conclusionBytes = 256
	StructBytes     = 256 // one of a page, of a dozen fields or less
	checkBytes      = 56
	keptBackBytes   = 64
	opBytes         = 144
	errorBytes      = 192
	MapBytes        = 320
	EntryBytes      = 48
	TextBytes       = 16 // the header of a string
)

// texts returns all texts that a client or a handler can make long. The least useful come
// first, since they are cut first.
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
		if over := min(long-MaxExchangeBytes, len(*text)); over > 0 {
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
}

// Weigh returns how much memory an exchange that is on the wire takes, in bytes; 0 if it is
// not there yet. Whatever else keeps the exchange must count it again, since it may have left
// the wire. Only the Log on whose wire it goes may call Weigh before it is there: by the Weigh
// of what a page keeps, when the Log is locked.
func (e *Exchange) Weigh() int { return e.weight }

// measure returns how much memory an exchange takes, in bytes.
func (e *Exchange) measure() int {
	n := exchangeBytes + cap(e.SetCookie)*TextBytes
	for i := range e.Ops {
		n += WeighOp(&e.Ops[i])
	}
	for text := range e.texts() {
		n += len(*text)
	}
	for i := range e.Findings {
		f := &e.Findings[i]
		n += conclusionBytes + WeighMessage(f.Reason) + cap(f.Checks)*checkBytes
		for _, check := range f.Checks {
			n += WeighMessage(check.Detail)
		}
	}
	for _, cookie := range e.KeptBack {
		n += keptBackBytes + WeighMessage(cookie.Reason)
	}
	return n
}

// WeighOp returns how much memory a store operation takes, in bytes.
func WeighOp(op *sessions.StoreOp) int {
	if op.Err != nil {
		return opBytes + errorBytes
	}
	return opBytes
}

// WeighMessage returns how much memory a message's arguments take, in bytes.
func WeighMessage(p locale.Message) int {
	if p.Args == nil {
		return 0
	}
	n := MapBytes
	for _, arg := range p.Args {
		switch arg := arg.(type) {
		case string:
			n += EntryBytes + len(arg)
		case locale.Message:
			n += EntryBytes + WeighMessage(arg)
		}
	}
	return n
}

// WeighTexts returns how much memory a map of texts takes, in bytes.
func WeighTexts(texts map[string]string) int {
	if texts == nil {
		return 0
	}
	n := MapBytes
	for name, text := range texts {
		n += EntryBytes + len(name) + len(text)
	}
	return n
}

// weigh returns how much memory a Log takes, in bytes.
func (l *Log) weigh() int { return logBytes + l.exchangesWeight + l.slots.weigh() }

// OwnTexts copies a map and its texts, so that they do not keep a larger text in memory.
func OwnTexts(texts map[string]string) map[string]string {
	own := maps.Clone(texts)
	for name, text := range own {
		own[name] = strings.Clone(text)
	}
	return own
}

// change locks a Log in order to change it. done weighs it again, unlocks it, and makes
// room if all Logs together take too much now.
func (l *Log) change() (done func()) {
	l.mu.Lock()
	return func() {
		l.reweigh()
		l.mu.Unlock()
		l.logs.makeRoom()
	}
}

// reweigh updates how much memory the Log takes, here and in the Logs; a closed Log
// counts as 0. The Log is locked.
func (l *Log) reweigh() {
	weight := int64(0)
	if !l.closed {
		weight = int64(l.weigh())
	}
	l.logs.weight.Add(weight - l.weight.Swap(weight))
}

// makeRoom shrinks the largest Log, again and again, until all Logs together are within the
// budget.
func (l *Logs) makeRoom() {
	if l.weight.Load() <= MaxBytes {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.weight.Load() > MaxBytes {
		var largest *Log
		for _, log := range l.byID {
			if largest == nil || log.weight.Load() > largest.weight.Load() {
				largest = log
			}
		}
		if largest == nil || !largest.giveWay() {
			return
		}
	}
}

// giveWay drops the Log's oldest exchange or, if it has none, what pages keep in it;
// false: it holds nothing that could be dropped.
func (l *Log) giveWay() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.weight.Load()
	if len(l.exchanges) > 0 {
		l.dropOldest()
	} else {
		l.logContent = logContent{count: l.count, known: l.known, slots: l.slots.shrunk()}
	}
	l.reweigh()
	return l.weight.Load() < before
}

// dropOldest takes the oldest exchange off the wire. It makes a new slice, because readers
// may still use the old one.
func (l *Log) dropOldest() {
	l.exchangesWeight -= l.exchanges[0].weight
	l.exchanges = append(l.exchanges[:0:0], l.exchanges[1:]...)
}

// makeRoomForLog drops a Log if there are MaxLogs of them: of those that nobody has used
// for an hour, the one that was used longest ago; if all are in use, the one with the
// fewest exchanges, and one of somebody who is signed in only if all are. So a crowd of
// visitors who come only once pushes out one another. The wire is locked.
func (l *Logs) makeRoomForLog() {
	if len(l.byID) < MaxLogs {
		return
	}
	rested := l.clock.Now().Add(-logRest)
	type standing struct {
		use  int // 0: nobody has used it for an hour; 1: somebody has; 2: somebody who is signed in
		did  int // its exchanges, if it is in use
		used time.Time
	}
	var least sessions.ID
	var its standing
	for id, log := range l.byID {
		one := standing{used: log.used}
		if log.used.After(rested) {
			one.use, one.did = 1, log.Last()
			if log.signedIn {
				one.use = 2
			}
		}
		if its.used.IsZero() || cmp.Or(cmp.Compare(one.use, its.use), cmp.Compare(one.did, its.did), one.used.Compare(its.used)) < 0 {
			least, its = id, one
		}
	}
	l.drop(least)
}

// drop removes a Log. Streams that show it end. The wire is locked.
func (l *Logs) drop(id sessions.ID) {
	if log, ok := l.byID[id]; ok {
		log.close()
		delete(l.byID, id)
		delete(l.byKey, log.key)
	}
}
