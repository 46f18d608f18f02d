package sessions_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

func traceInto(ops *[]sessions.StoreOp) *sessions.Trace {
	return &sessions.Trace{StoreDone: func(op sessions.StoreOp) { *ops = append(*ops, op) }}
}

func TestATraceHearsOfEachStoreOperation(t *testing.T) {
	clock := storetest.NewClock()
	store := sessions.Traced(openMemory(t, clock.Now))
	rec := recordOf(neighbour(1), clock)
	rec.Version, rec.Data = 1, []byte(`{"a":1}`)
	none := neighbour(2)
	for _, c := range []struct {
		ask  func(context.Context, sessions.Store)
		want sessions.StoreOp
	}{
		{func(ctx context.Context, s sessions.Store) { _ = s.Create(ctx, rec) },
			sessions.StoreOp{Name: "create", ID: rec.ID, Bytes: 7}},
		{func(ctx context.Context, s sessions.Store) { _ = s.Create(ctx, rec) },
			sessions.StoreOp{Name: "create", ID: rec.ID, Bytes: 7, Err: sessions.ErrExists}},
		{func(ctx context.Context, s sessions.Store) { _, _ = s.Load(ctx, rec.ID) },
			sessions.StoreOp{Name: "load", ID: rec.ID, Bytes: 7}},
		{func(ctx context.Context, s sessions.Store) { _, _ = s.Load(ctx, none) },
			sessions.StoreOp{Name: "load", ID: none, Err: sessions.ErrNotFound}},
		{func(ctx context.Context, s sessions.Store) { _, _ = s.ByOwner(ctx, "alice", sessions.Record{}, 1000) },
			sessions.StoreOp{Name: "by owner"}},
		{func(ctx context.Context, s sessions.Store) { _ = s.Update(ctx, rec) },
			sessions.StoreOp{Name: "update", ID: rec.ID, Bytes: 7}},
		{func(ctx context.Context, s sessions.Store) { _ = s.Update(ctx, rec) },
			sessions.StoreOp{Name: "update", ID: rec.ID, Bytes: 7, Err: sessions.ErrConflict}},
		{func(ctx context.Context, s sessions.Store) { _ = s.Delete(ctx, rec.ID, 1) },
			sessions.StoreOp{Name: "delete", ID: rec.ID, Err: sessions.ErrConflict}},
		{func(ctx context.Context, s sessions.Store) { _ = s.Delete(ctx, rec.ID, 0) },
			sessions.StoreOp{Name: "delete", ID: rec.ID}},
		{func(ctx context.Context, s sessions.Store) { _, _ = s.ClearExpired(ctx, clock.Now(), 1) },
			sessions.StoreOp{Name: "clear expired"}},
	} {
		var ops []sessions.StoreOp
		before := time.Now()
		c.ask(sessions.WithTrace(t.Context(), traceInto(&ops)), store)
		if len(ops) != 1 {
			t.Fatalf("%s: %d operations", c.want.Name, len(ops))
		}
		got := ops[0]
		if got.Start.Before(before) || got.Duration < 0 || got.Start.Add(got.Duration).After(time.Now()) {
			t.Errorf("%s: from %v for %v", got.Name, got.Start, got.Duration)
		}
		got.Start, got.Duration, c.want.Store = time.Time{}, 0, "memory"
		storetest.Equal(t, c.want.Name, got, c.want)
	}
}

func TestAnEngineTracesItsStoreOnce(t *testing.T) {
	var ops []sessions.StoreOp
	ctx := sessions.WithTrace(t.Context(), traceInto(&ops))
	_, err := sessions.Keyed("session", openMemory(t, nil)).Load(ctx, sessions.NewKey())
	storetest.Is(t, "Load", err, sessions.ErrNotFound)
	storetest.Equal(t, "operations", len(ops), 1)
	storetest.Equal(t, "store", ops[0].Store, "memory")
}

func TestEachTraceOfAContextHears(t *testing.T) {
	store := sessions.Traced(openMemory(t, nil))
	var outer, inner []sessions.StoreOp
	outerCtx := sessions.WithTrace(t.Context(), traceInto(&outer))
	innerCtx := sessions.WithTrace(outerCtx, traceInto(&inner))
	_, _ = store.Load(innerCtx, neighbour(1))
	storetest.Equal(t, "heard by both", fmt.Sprint(len(outer), len(inner)), "1 1")
	_, _ = store.Load(outerCtx, neighbour(1))
	storetest.Equal(t, "heard by the outer one", fmt.Sprint(len(outer), len(inner)), "2 1")
	storetest.Equal(t, "the same operation", outer[0], inner[0])
}

func TestATraceWithoutAHookIsSkipped(t *testing.T) {
	store := sessions.Traced(openMemory(t, nil))
	var ops []sessions.StoreOp
	deaf, hearing := &sessions.Trace{}, traceInto(&ops)
	for _, ctx := range []context.Context{
		t.Context(),
		sessions.WithTrace(t.Context(), deaf),
		sessions.WithTrace(sessions.WithTrace(t.Context(), deaf), hearing),
		sessions.WithTrace(sessions.WithTrace(t.Context(), hearing), deaf),
	} {
		_, err := store.Load(ctx, neighbour(1))
		storetest.Is(t, "Load", err, sessions.ErrNotFound)
	}
	storetest.Equal(t, "heard", len(ops), 2)
}

func TestAStoreWithoutANameIsAStore(t *testing.T) {
	var ops []sessions.StoreOp
	store := sessions.Traced(&storetest.Faulty{Store: openMemory(t, nil)})
	_, _ = store.Load(sessions.WithTrace(t.Context(), traceInto(&ops)), neighbour(1))
	storetest.Equal(t, "name", ops[0].Store, "store")
}

// All that lies under a key that was replaced is a note of what took its place. Nobody
// reads a trace as if the session had been found.
func TestATraceSaysThatAKeyWasReplaced(t *testing.T) {
	site, _, _ := keyedOver(t)
	b := site.Browser()
	wantStatus(t, b.Visit(setter("a", 1)), http.StatusOK)
	old := b.Key()
	wantStatus(t, b.Visit(cycle), http.StatusOK)
	var ops []sessions.StoreOp
	there, err := site.Manager.Exists(sessions.WithTrace(t.Context(), traceInto(&ops)), old)
	storetest.Is(t, "Exists", err, nil)
	storetest.Equal(t, "exists", there, false)
	storetest.Equal(t, "operations", len(ops), 1)
	storetest.Is(t, "what the load found", ops[0].Err, sessions.ErrReplaced)
}
