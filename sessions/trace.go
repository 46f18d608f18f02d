// Trace: hooks, in the manner of net/http/httptrace, that tell what a request
// asked of a store and how long it took.

package sessions

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// StoreOp is one finished store operation.
type StoreOp struct {
	Name     string // "create", "load", "update", "delete", "by owner", "trim", "clear expired"; "stamp" and "put" of a [Cached]
	Store    string // what kind of store: "sqlite", "memory"
	Purpose  string // what the engine keeps there, as given to [Keyed]; "" when a store was asked directly
	ID       ID     // the record's; zero where the operation is not about one
	Bytes    int    // of session data, read or written
	Start    time.Time
	Duration time.Duration
	Err      error // nil, ErrNotFound, …; ErrReplaced if all that a load found is a note of what took the record's place
}

// Trace receives what happens under a context. Hooks may be called from
// several goroutines; nil ones are skipped.
type Trace struct {
	StoreDone func(StoreOp)
}

type traceKey struct{}

// WithTrace returns a context under which trace hears of every store
// operation. A trace that the context already has goes on hearing too.
func WithTrace(ctx context.Context, trace *Trace) context.Context {
	if trace == nil {
		return ctx
	}
	if outer, ok := ctx.Value(traceKey{}).(*Trace); ok && outer.StoreDone != nil {
		inner := trace
		trace = &Trace{StoreDone: func(op StoreOp) {
			if inner.StoreDone != nil {
				inner.StoreDone(op)
			}
			outer.StoreDone(op)
		}}
	}
	return context.WithValue(ctx, traceKey{}, trace)
}

// tracedFor is the store with its operations reported to the context's [Trace], as those
// for a purpose.
func tracedFor(store Store, purpose string) Store {
	if cached, ok := store.(*Cached); ok {
		return cached.tracedFor(purpose)
	}
	return traced{store, purpose}
}

type traced struct {
	Store
	purpose string
}

func (t traced) report(ctx context.Context, name string, id ID) func(bytes int, err error) {
	return report(ctx, t.Store, t.purpose, name, id)
}

// report notes one operation. Without a listener it costs one context lookup.
func report(ctx context.Context, store any, purpose, name string, id ID) func(bytes int, err error) {
	trace, ok := ctx.Value(traceKey{}).(*Trace)
	if !ok || trace.StoreDone == nil {
		return func(int, error) {}
	}
	start := time.Now() // a duration, not a judgement of age: no clock to move
	return func(bytes int, err error) {
		trace.StoreDone(StoreOp{
			Name: name, Store: storeName(store), Purpose: purpose, ID: id, Bytes: bytes,
			Start: start, Duration: time.Since(start), Err: err,
		})
	}
}

// storeName is what kind of store it is, by its own words.
func storeName(store any) string {
	if named, ok := store.(fmt.Stringer); ok {
		return named.String()
	}
	return "store"
}

func (t traced) Create(ctx context.Context, rec Record) error {
	done := t.report(ctx, "create", rec.ID)
	err := t.Store.Create(ctx, rec)
	done(len(rec.Data), err)
	return err
}

func (t traced) Load(ctx context.Context, id ID) (Record, error) {
	done := t.report(ctx, "load", id)
	rec, err := t.Store.Load(ctx, id)
	done(len(rec.Data), whatWasFound(rec, err))
	return rec, err
}

// whatWasFound is what a trace says of a load.
func whatWasFound(rec Record, err error) error {
	if _, _, replaced := successor(rec); replaced && err == nil {
		return ErrReplaced
	}
	return err
}

func (t traced) Update(ctx context.Context, rec Record) error {
	done := t.report(ctx, "update", rec.ID)
	err := t.Store.Update(ctx, rec)
	done(len(rec.Data), err)
	return err
}

func (t traced) Delete(ctx context.Context, id ID, version uint64) error {
	done := t.report(ctx, "delete", id)
	err := t.Store.Delete(ctx, id, version)
	done(0, err)
	return err
}

func (t traced) ByOwner(ctx context.Context, owner string, after Record, limit int) ([]Record, error) {
	done := t.report(ctx, "by owner", ID{})
	recs, err := t.Store.ByOwner(ctx, owner, after, limit)
	done(0, err)
	return recs, err
}

func (t traced) Trim(ctx context.Context, owner string, keep Quota) (int, error) {
	done := t.report(ctx, "trim", ID{})
	n, err := t.Store.Trim(ctx, owner, keep)
	done(0, err)
	return n, err
}

func (t traced) ClearExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	done := t.report(ctx, "clear expired", ID{})
	n, err := t.Store.ClearExpired(ctx, before, limit)
	done(0, err)
	return n, err
}

// tracedDatabase is a database whose small reads are reported, too.
type tracedDatabase struct {
	traced
	stamper Stamper
}

func (t tracedDatabase) Stamp(ctx context.Context, id ID) (uint64, time.Time, error) {
	done := t.report(ctx, "stamp", id)
	version, expires, err := t.stamper.Stamp(ctx, id)
	done(0, err)
	return version, expires, err
}

// tracedCache is a cache with its operations reported.
type tracedCache struct {
	Cache
	purpose string
}

func (t tracedCache) Load(ctx context.Context, id ID) (Record, error) {
	done := report(ctx, t.Cache, t.purpose, "load", id)
	rec, err := t.Cache.Load(ctx, id)
	done(len(rec.Data), whatWasFound(rec, err))
	return rec, err
}

func (t tracedCache) Put(ctx context.Context, rec Record) error {
	done := report(ctx, t.Cache, t.purpose, "put", rec.ID)
	err := t.Cache.Put(ctx, rec)
	done(len(rec.Data), err)
	return err
}

func (t tracedCache) Delete(ctx context.Context, id ID, version uint64) error {
	done := report(ctx, t.Cache, t.purpose, "delete", id)
	err := t.Cache.Delete(ctx, id, version)
	done(0, err)
	return err
}

func (t tracedCache) ClearExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	done := report(ctx, t.Cache, t.purpose, "clear expired", ID{})
	n, err := t.Cache.ClearExpired(ctx, before, limit)
	done(0, err)
	return n, err
}

// addServerTiming tells DevTools' Timing panel what the store cost (the
// Server-Timing header of W3C Server Timing; milliseconds).
func addServerTiming(header http.Header, ops []StoreOp) {
	if len(ops) == 0 {
		return
	}
	line := make([]byte, 0, 96) // written by strconv: fmt takes three times as long
	for i, op := range ops {
		if i > 0 {
			line = append(line, ", "...)
		}
		line = append(line, strings.ReplaceAll(op.Name, " ", "-")...)
		line = strconv.AppendQuote(append(line, ";desc="...), op.Store)
		line = strconv.AppendFloat(append(line, ";dur="...), float64(op.Duration.Nanoseconds())/1e6, 'f', 3, 64)
	}
	header.Add("Server-Timing", string(line))
}
