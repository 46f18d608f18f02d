// Owned: ByOwner and Trim of the stores that walk an owner's records (memory, Redis,
// files), with room for a page of them at a time, however many there are.

package sessions

import (
	"context"
	"errors"
	"slices"
	"time"
)

// walk shows all records of an owner once, expired ones too, in any order, without
// their Data, and the size of that.
type walk func(show func(rec Record, size int)) error

// pageOfWalk is [Store.ByOwner] by a walk.
func pageOfWalk(all walk, now time.Time, after Record, limit int) ([]Record, error) {
	page := shortlist{order: laterSaved, limit: max(limit, 0)}
	begin := after.ID == ID{} && after.Saved.IsZero()
	err := all(func(rec Record, size int) {
		if rec.Expires.After(now) && (begin || laterSaved(after, rec) < 0) {
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
	trimBatch = 10_000 // records that one walk of a Trim can find to remove: some 2 MB
	trimStep  = 20     // records that are removed without a rest
)

// trimWalk is [Store.Trim] by walks: one that adds up what there is, and for as
// long as there is too much, those that were saved longest ago go. A record is
// removed as it was seen, or not at all: one that was saved meanwhile, perhaps for
// another owner, is none of the oldest any more. rest is for others; 0 if they
// need none.
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
		if err := pause(ctx, clearRest); err != nil { // more than a batch, or some were just being saved
			return removed, err
		}
	}
}

// shortlist keeps the first few records in an order, of all that are added.
type shortlist struct {
	order func(a, b Record) int
	limit int
	recs  []sized
	cut   bool // the first limit of recs are in order, and all that comes later is out
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

// first gives what is kept, in order.
func (l *shortlist) first() []sized {
	slices.SortFunc(l.recs, func(a, b sized) int { return l.order(a.Record, b.Record) })
	if len(l.recs) >= l.limit {
		l.recs, l.cut = l.recs[:l.limit], true
	}
	return l.recs
}
