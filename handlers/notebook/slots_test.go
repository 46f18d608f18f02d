// What pages keep in a Log: by type, weighed, and handed over with it.

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

func keep[T notebook.Kept](log *notebook.Log, value T) (before T) {
	return notebook.Change(log, func(kept *T) { *kept = value })
}

func TestLogKeepsOneValueOfEachType(t *testing.T) {
	wire := notebook.NewLogs(nil)
	log, other := wire.Log(numbered(0)), wire.Log(numbered(1))
	if got := notebook.Of[kilobytes](log); got != 0 {
		t.Errorf("%d where nothing was kept", got)
	}
	keep(log, kilobytes(0))
	keep(log, flagged{})
	empty := wire.Weight()
	keep(log, kilobytes(1))
	keep(log, flagged{kilobytes: 2, flag: true})
	with := wire.Weight()
	if with-empty != 3<<10 {
		t.Errorf("3 KB weigh %d", with-empty)
	}
	if before := keep(log, kilobytes(5)); before != 1 || wire.Weight() != with+4<<10 {
		t.Errorf("before it was %d, and 4 KB more weigh %d", before, wire.Weight()-with)
	}
	if one, two, none := notebook.Of[kilobytes](log), notebook.Of[flagged](log), notebook.Of[kilobytes](other); one != 5 || two.kilobytes != 2 || none != 0 {
		t.Errorf("%d, %v are kept, and %d by another notebook", one, two, none)
	}
	if keep(nil, kilobytes(1)); notebook.Of[kilobytes](nil) != 0 {
		t.Error("something is kept without a Log")
	}
	wire.Drop(numbered(0))
	if keep(log, kilobytes(7)); wire.Weight() != 0 {
		t.Errorf("what a dropped Log keeps weighs %d", wire.Weight())
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

// A Log that takes too much loses its exchanges first, then what pages keep, but for what
// they say must stay.
func TestKeptValuesGiveWay(t *testing.T) {
	wire := notebook.NewLogs(nil)
	log, other := wire.Log(numbered(0)), wire.Log(numbered(1))
	keep(other, kilobytes(1))
	log.Add(large(10))
	keep(log, kilobytes(1))
	keep(log, flagged{kilobytes: notebook.MaxBytes >> 10, flag: true})
	if len(log.Exchanges()) != 0 || notebook.Of[kilobytes](log) != 0 || notebook.Of[flagged](log) != (flagged{flag: true}) {
		t.Errorf("%d exchanges, %d KB and %v stay", len(log.Exchanges()), notebook.Of[kilobytes](log), notebook.Of[flagged](log))
	}
	keep(log, flagged{kilobytes: notebook.MaxBytes >> 10})
	if got := notebook.Of[flagged](log); got != (flagged{}) {
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
	log := wire.Log(numbered(0))
	var other sync.WaitGroup
	over := make(chan struct{})
	other.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
				keep(log, kilobytes(1))
			}
		}
	})
	for range 200 {
		e := large(60 << 10) // it takes a moment to copy
		keep(log, holding{e})
		log.Add(e)
	}
	close(over)
	other.Wait()
	with := wire.Weight()
	last := notebook.Of[holding](log).exchange.Weigh()
	keep(log, holding{})
	if got := with - wire.Weight(); got != int64(last) {
		t.Errorf("the exchange that a page keeps weighs %d of %d", got, last)
	}
}
