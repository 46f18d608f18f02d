// What pages keep in a Book: by type, weighed, and handed over with it.

package notebook_test

import (
	"sync"
	"testing"

	"cookielab/handlers/notebook"
)

// kilobytes and flagged are what two pages might keep.
type kilobytes int

func (k kilobytes) Weigh() int { return int(k) << 10 }

type flagged struct {
	kilobytes
	flag bool
}

func (f flagged) Shrink() notebook.Kept {
	if !f.flag {
		return nil
	}
	return flagged{flag: true}
}

func keep[T notebook.Kept](b *notebook.Log, value T) (before T) {
	return notebook.Change(b, func(kept *T) { *kept = value })
}

func TestBookKeepsOneValueOfEachType(t *testing.T) {
	wire := notebook.NewLogs(nil)
	book, other := wire.Log(numbered(0)), wire.Log(numbered(1))
	if got := notebook.Of[kilobytes](book); got != 0 {
		t.Errorf("%d where nothing was kept", got)
	}
	keep(book, kilobytes(0))
	keep(book, flagged{})
	empty := wire.Weight()
	keep(book, kilobytes(1))
	keep(book, flagged{kilobytes: 2, flag: true})
	with := wire.Weight()
	if with-empty != 3<<10 {
		t.Errorf("3 KB weigh %d", with-empty)
	}
	if before := keep(book, kilobytes(5)); before != 1 || wire.Weight() != with+4<<10 {
		t.Errorf("before it was %d, and 4 KB more weigh %d", before, wire.Weight()-with)
	}
	if one, two, none := notebook.Of[kilobytes](book), notebook.Of[flagged](book), notebook.Of[kilobytes](other); one != 5 || two.kilobytes != 2 || none != 0 {
		t.Errorf("%d, %v are kept, and %d by another notebook", one, two, none)
	}
	if keep(nil, kilobytes(1)); notebook.Of[kilobytes](nil) != 0 {
		t.Error("something is kept without a Book")
	}
	wire.Drop(numbered(0))
	if keep(book, kilobytes(7)); wire.Weight() != 0 {
		t.Errorf("what a dropped Book keeps weighs %d", wire.Weight())
	}
}

// Whoever has the newer key has what was kept; with the older one nobody reads it.
func TestKeptValuesAreHandedOver(t *testing.T) {
	wire := notebook.NewLogs(nil)
	old := wire.Open(numbered(0), numbered(1), 0, false)
	keep(old, kilobytes(3))
	weight := wire.Weight()
	heir := wire.Open(numbered(0), numbered(2), 1, false)
	if was, is := notebook.Of[kilobytes](old), notebook.Of[kilobytes](heir); was != 0 || is != 3 {
		t.Errorf("the old one has %d, the new one %d", was, is)
	}
	if got := wire.Weight(); got != weight {
		t.Errorf("it weighed %d, and now %d", weight, got)
	}
}

// A Book that takes too much loses its exchanges first, then what pages keep, but for what
// they say must stay.
func TestKeptValuesGiveWay(t *testing.T) {
	wire := notebook.NewLogs(nil)
	book, other := wire.Log(numbered(0)), wire.Log(numbered(1))
	keep(other, kilobytes(1))
	book.Add(large(10))
	keep(book, kilobytes(1))
	keep(book, flagged{kilobytes: notebook.MaxBytes >> 10, flag: true})
	if len(book.Exchanges()) != 0 || notebook.Of[kilobytes](book) != 0 || notebook.Of[flagged](book) != (flagged{flag: true}) {
		t.Errorf("%d exchanges, %d KB and %v stay", len(book.Exchanges()), notebook.Of[kilobytes](book), notebook.Of[flagged](book))
	}
	keep(book, flagged{kilobytes: notebook.MaxBytes >> 10})
	if got := notebook.Of[flagged](book); got != (flagged{}) {
		t.Errorf("%v stays", got)
	}
	if notebook.Of[kilobytes](other) != 1 {
		t.Error("another notebook lost what was kept")
	}
	if weight := wire.Weight(); weight > notebook.MaxBytes {
		t.Errorf("%d bytes are on the wire", weight)
	}
}

// holding keeps an exchange, as the console keeps that of the call which is being made.
type holding struct{ exchange *notebook.Exchange }

func (h holding) Weigh() int {
	if h.exchange == nil {
		return 0
	}
	return h.exchange.Weigh()
}

// A page may keep the exchange that is still under way. Another request of the same notebook
// may weigh it just when it goes on the wire. The race detector watches.
func TestKeptExchangeIsWeighedWhileItIsAdded(t *testing.T) {
	wire := notebook.NewLogs(nil)
	book := wire.Log(numbered(0))
	var other sync.WaitGroup
	over := make(chan struct{})
	other.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
				keep(book, kilobytes(1))
			}
		}
	})
	for range 200 {
		e := large(60 << 10) // it takes a moment to copy
		keep(book, holding{e})
		book.Add(e)
	}
	close(over)
	other.Wait()
	with := wire.Weight()
	last := notebook.Of[holding](book).exchange.Weigh()
	keep(book, holding{})
	if got := with - wire.Weight(); got != int64(last) {
		t.Errorf("the exchange that a page keeps weighs %d of %d", got, last)
	}
}
