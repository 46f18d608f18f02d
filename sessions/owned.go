// Owned: ByOwner and Trim for the stores that walk all of an owner's records (memory,
// Redis, files). However many there are, a walk keeps no more of them in memory than a page
// of ByOwner, or a batch of Trim, needs.

package sessions

import (
	"context"
	"errors"
	"slices"
	"time"
)

// walk calls show once for each record of an owner, expired ones too, in any order: with
// the record without its Data, and with the size of the Data in bytes.
type walk func(show func(rec Record, size int)) error

// pageOfWalk does what [Store.ByOwner] does, by a walk.
func pageOfWalk(all walk, now time.Time, after Record, limit int) ([]Record, error) {
	page := shortlist{order: laterSaved, limit: max(limit, 0)}
	start := isStart(after)
	err := all(func(rec Record, size int) {
		if rec.Expires.After(now) && (start || laterSaved(after, rec) < 0) {
			page.add(rec, size)
		}
	})
	if err != nil {
		return nil, err
	}
	recs := make([]Record, 0, len(page.recs))
	for _, rec := range page.first() {
		recs = append(recs, rec.Record)
	}
	return recs, nil
}

const (
	trimBatch = 10_000 // records that one walk of a Trim can find to remove, in some 4 MB of memory
	trimStep  = 20     // records that are removed between two rests
)

// trimWalk does what [Store.Trim] does, by walks. Each walk adds up what there is and
// finds the records saved longest ago, which are then removed until the rest is within
// the quota. A record is removed only in the version that the walk saw: one that was
// saved meanwhile, perhaps for another owner, is not among the oldest any more. rest is
// the pause after each trimStep records, in which other requests get their turn; 0: none.
func trimWalk(ctx context.Context, store Store, all walk, keep Quota, rest time.Duration) (removed int, err error) {
	for {
		records, bytes := 0, int64(0)
		oldest := shortlist{order: func(a, b Record) int { return laterSaved(b, a) }, limit: trimBatch}
		err := all(func(rec Record, size int) {
			records++
			bytes += int64(size)
			oldest.add(rec, size)
		})
		if err != nil {
			return removed, err
		}
		tooMuch := func() bool { return records > keep.Records || bytes > keep.Bytes }
		for _, rec := range oldest.first() {
			if !tooMuch() {
				return removed, nil
			}
			switch err := store.Delete(ctx, rec.ID, rec.Version); {
			case errors.Is(err, ErrConflict):
				continue
			case err == nil:
				removed++
			case !errors.Is(err, ErrNotFound):
				return removed, err
			}
			records--
			bytes -= int64(rec.size)
			if rest > 0 && records%trimStep == 0 {
				if err := pause(ctx, rest); err != nil {
					return removed, err
				}
			}
		}
		if !tooMuch() || records <= 0 {
			return removed, nil
		}
		if err := pause(ctx, clearRest); err != nil { // there were more than one batch, or some were saved meanwhile: walk again
			return removed, err
		}
	}
}

// shortlist keeps, of all the records that are added, the first ones in an order.
type shortlist struct {
	order func(a, b Record) int
	limit int
	recs  []sized
	cut   bool // the first limit of recs are sorted, and a record that sorts behind them is not kept
}

type sized struct {
	Record
	size int
}

func (l *shortlist) add(rec Record, size int) {
	if l.limit == 0 || l.cut && l.order(l.recs[l.limit-1].Record, rec) <= 0 {
		return
	}
	l.recs = append(l.recs, sized{rec, size})
	if len(l.recs)-l.limit >= max(l.limit, 64) {
		l.first()
	}
}

// first returns the records that are kept, sorted.
func (l *shortlist) first() []sized {
	slices.SortFunc(l.recs, func(a, b sized) int { return l.order(a.Record, b.Record) })
	if len(l.recs) >= l.limit {
		l.recs, l.cut = l.recs[:l.limit], true
	}
	return l.recs
}
