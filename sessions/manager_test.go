package sessions_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

// token is a carrier as a program may write its own: a header instead of a cookie.
type token struct{}

func (token) Read(r *http.Request) (string, bool) {
	_, value, found := strings.Cut(r.Header.Get("Authorization"), "Token ")
	return value, found
}
func (token) Write(h http.Header, value string, _ time.Duration, _ time.Time) error {
	h.Set("Token", value)
	return nil
}
func (token) Erase(h http.Header) { h.Set("Token", "") }
func (token) Vary() string        { return "Authorization" }

func TestAProgramMayBringItsOwnCarrier(t *testing.T) {
	site, _, _ := keyedOver(t)
	site = site.With(func(o *sessions.Options) { o.Carrier = token{} })
	reply := site.Browser().Visit(setter("a", 1))
	storetest.Equal(t, "Vary", reply.Header["Vary"], []string{"Authorization"})
	storetest.Equal(t, "Set-Cookie", reply.Header["Set-Cookie"], nil)
	_, err := site.Engine.Load(t.Context(), reply.Header.Get("Token"))
	storetest.Is(t, "Load of what the carrier was given", err, nil)
	site.Browser().Carry(reply.Header.Get("Token")).Visit(func(s *sessions.Session) error {
		storetest.Is(t, "Rejected: a cookie is not what it reads", s.Rejected(), sessions.ErrAbsent)
		return nil
	})
}

func TestAManagerTellsItsOptions(t *testing.T) {
	site, _, _ := keyedOver(t)
	site = site.With(func(o *sessions.Options) { o.Name = "other" })
	storetest.Equal(t, "Name", site.Manager.Options().Name, "other")
}

// steps is a store that has so many expired records, and counts the steps in
// which they are cleared.
type steps struct {
	sessions.Store
	dead   int
	limits []int
	after  func(step int)
	err    error
}

func (s *steps) ClearExpired(_ context.Context, _ time.Time, limit int) (int, error) {
	s.limits = append(s.limits, limit)
	n := min(s.dead, limit)
	s.dead -= n
	if s.after != nil {
		s.after(len(s.limits))
	}
	return n, s.err
}

func TestClearExpiredGoesInBoundedStepsToTheEnd(t *testing.T) {
	for dead, want := range map[int]int{0: 1, 1: 1, 9_999: 1, 10_000: 2, 10_001: 2, 35_000: 4} {
		store := &steps{dead: dead}
		n, err := sessions.ClearExpired(t.Context(), store, time.Now())
		storetest.Is(t, "ClearExpired", err, nil)
		storetest.Equal(t, "cleared", n, dead)
		storetest.Equal(t, "steps", len(store.limits), want)
		for _, limit := range store.limits {
			if limit < 1 || limit > 10_000 {
				t.Errorf("a step of %d", limit)
			}
		}
	}
}

func TestClearExpiredStopsWithItsContextAndAtAnError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	store := &steps{dead: 1 << 20, after: func(step int) {
		if step == 3 {
			cancel()
		}
	}}
	n, err := sessions.ClearExpired(ctx, store, time.Now())
	storetest.Is(t, "ClearExpired", err, context.Canceled)
	storetest.Equal(t, "cleared until then", n, 30_000)

	n, err = sessions.ClearExpired(t.Context(), &steps{dead: 1 << 20, err: sessions.ErrUnavailable}, time.Now())
	storetest.Is(t, "ClearExpired", err, sessions.ErrUnavailable)
	storetest.Equal(t, "cleared until then", n, 10_000)
}

func TestEndAllGoesOnUntilNothingIsLeft(t *testing.T) {
	store := &steps{dead: 25_000}
	store.after = func(step int) {
		if step == 3 { // where the first walk had been already
			store.dead = 1
		}
	}
	n, err := sessions.EndAll(t.Context(), store)
	storetest.Is(t, "EndAll", err, nil)
	storetest.Equal(t, "ended", n, 25_001)
	flood := &steps{dead: 25_000}
	flood.after = func(int) { flood.dead += 10 }
	n, err = sessions.EndAll(t.Context(), flood)
	storetest.Is(t, "EndAll while others start sessions", err, nil)
	storetest.Equal(t, "all that lay there was ended", n >= 25_000, true)
	n, err = sessions.EndAll(t.Context(), &steps{dead: 1 << 20, err: sessions.ErrUnavailable})
	storetest.Is(t, "EndAll of a store that fails", err, sessions.ErrUnavailable)
	storetest.Equal(t, "ended until then", n, 10_000)
}

// A user with more sessions than one request has time to end sends another request.
func TestEndOthersWorksInPagesUntilItsContextEnds(t *testing.T) {
	site, faulty, _ := keyedOver(t)
	const all = 2_500
	var kept sessions.Record
	for range all {
		made, err := site.Manager.Create(t.Context(), setter(sessions.UserKey, "alice"))
		storetest.Is(t, "Create", err, nil)
		site.Clock.Advance(time.Second)
		kept, _ = made.Record()
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended, pages := 0, 0
	faulty.Before = func(op string) error {
		switch op {
		case "by owner":
			pages++
		case "delete":
			if ended++; ended == 1_000 {
				cancel()
			}
		}
		return nil
	}
	n, more, err := site.Manager.EndOthers(ctx, "alice", kept.ID)
	storetest.Is(t, "EndOthers", err, nil)
	storetest.Equal(t, "more", more, true)
	if n < 900 || n > 1_000 || pages < 2 {
		t.Errorf("%d ended, in %d pages", n, pages)
	}
	faulty.Before = nil
	rest, more, err := site.Manager.EndOthers(t.Context(), "alice", kept.ID)
	storetest.Is(t, "EndOthers", err, nil)
	storetest.Equal(t, "more", more, false)
	storetest.Equal(t, "ended by both", n+rest, all-1)
	faulty.Before = storetest.Down("by owner")
	_, _, err = site.Manager.EndOthers(t.Context(), "alice", kept.ID)
	storetest.Is(t, "EndOthers of a store that fails", err, sessions.ErrUnavailable)
}

// lockedLog is a log that may be read while others write.
type lockedLog struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func TestCleanLeavesWhatExpiredJustNowAndGoesOnAfterAFailure(t *testing.T) {
	clock := storetest.NewClock()
	memory := openMemory(t, clock.Now)
	long, just := recordOf(neighbour(1), clock), recordOf(neighbour(2), clock)
	long.Expires = clock.Now().Add(-sessions.Linger - time.Second)
	just.Expires = clock.Now().Add(-sessions.Linger + time.Second)
	mustCreate(t, memory, long)
	mustCreate(t, memory, just)

	calls, rounds := 0, make(chan int, 100)
	faulty := &storetest.Faulty{Store: memory, Before: func(op string) error {
		calls++
		select {
		case rounds <- calls:
		default:
		}
		if calls == 1 {
			return sessions.ErrUnavailable
		}
		return nil
	}}
	ctx, cancel := context.WithCancel(t.Context())
	var log lockedLog
	over := make(chan struct{})
	go func() {
		sessions.Clean(ctx, faulty, time.Millisecond, clock.Now, slog.New(slog.NewTextHandler(&log, nil)))
		close(over)
	}()
	for n := range rounds { // the first fails, the second cleans, the third means it is over
		if n == 3 {
			break
		}
	}
	cancel()
	<-over

	_, err := memory.Load(t.Context(), long.ID)
	storetest.Is(t, "what expired long ago", err, sessions.ErrNotFound)
	_, err = memory.Load(t.Context(), just.ID)
	storetest.Is(t, "what expired just now", err, sessions.ErrExpired)
	storetest.Equal(t, "failures in the log", strings.Count(log.String(), "cleaning expired sessions failed"), 1)
}

// sharing is an engine that gives one state to several requests, as one with a
// cache may.
type sharing struct {
	sessions.Engine
	states []*sessions.State
}

func (e *sharing) Load(ctx context.Context, value string) (*sessions.State, error) {
	state, err := e.Engine.Load(ctx, value)
	e.states = append(e.states, state)
	return state, err
}

func TestAHandlerDoesNotChangeTheStateThatTheEngineGave(t *testing.T) {
	plain, _, _ := keyedOver(t)
	engine := &sharing{Engine: plain.Engine}
	site := storetest.NewSite(t, engine, plain.Clock, nil)
	for name, change := range map[string]func(*sessions.Session) error{
		"Set":       setter("a", 2),
		"new Set":   setter("b", 2),
		"Delete":    func(s *sessions.Session) error { s.Delete("a"); return nil },
		"Clear":     func(s *sessions.Session) error { s.Clear(); return s.Set("b", 2) },
		"SetExpiry": func(s *sessions.Session) error { return s.SetExpiry(sessions.BrowserClose()) },
		"Update": func(s *sessions.Session) error {
			return s.Update(context.Background(), func(values sessions.Values) error {
				delete(values, "a")
				return values.Set("b", 2)
			})
		},
		"Items": func(s *sessions.Session) error { s.Items()["a"] = 2; return nil },
	} {
		b := site.Browser()
		wantStatus(t, b.Visit(setter("a", []int{1})), http.StatusOK)
		engine.states = nil
		wantStatus(t, b.Visit(change), http.StatusOK)
		storetest.Equal(t, name+": states", len(engine.states), 1)
		storetest.Equal(t, name, engine.states[0].Values, sessions.Values{"a": []byte("[1]")})
	}
}

// A session whose data cannot be read is unknown. That is logged once, and not at each
// request.
func TestUnreadableDataAreLoggedOnce(t *testing.T) {
	store, err := sessions.NewMemory(256, nil)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	options := sessions.DefaultOptions()
	options.Logger = slog.New(slog.NewTextHandler(&log, nil))
	manager, err := sessions.New(sessions.Keyed("session", store), options)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(key string) {
		t.Helper()
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.Header.Set("Cookie", "sessionid="+key)
		session, err := manager.Look(echo.New().NewContext(request, httptest.NewRecorder()))
		storetest.Is(t, "Look", err, nil)
		storetest.Is(t, "Rejected", session.Rejected(), sessions.ErrNotFound)
	}
	keys := []string{sessions.NewKey(), sessions.NewKey()}
	for _, key := range keys {
		rec := sessions.Record{ID: sessions.KeyID("session", key), Expires: time.Now().Add(time.Hour), Data: []byte("no JSON")}
		storetest.Is(t, "Create", store.Create(t.Context(), rec), nil)
		for range 3 {
			ask(key)
		}
	}
	ask(sessions.NewKey()) // a key without a record is not logged
	if got := strings.Count(log.String(), "level=WARN"); got != len(keys) {
		t.Errorf("%d lines for %d records:\n%s", got, len(keys), log.String())
	}
}
