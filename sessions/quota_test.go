package sessions_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

// quotaOf is a site with a quota for sessions that belong to no user.
func quotaOf(t *testing.T, quota sessions.Quota, change ...func(*sessions.Options)) (*storetest.Site, *storetest.Faulty, *sessions.Memory) {
	t.Helper()
	site, faulty, memory := keyedOver(t)
	return site.With(func(o *sessions.Options) {
		o.Quota = quota
		for _, change := range change {
			change(o)
		}
	}), faulty, memory
}

// file makes a session without a request.
func file(ctx context.Context, m *sessions.Manager, key string, value any) error {
	_, err := m.Create(ctx, func(s *sessions.Session) error { return s.Set(key, value) })
	return err
}

func TestAFloodOfNobodysSessionsStaysWithinItsQuota(t *testing.T) {
	const quota, workers = 400, 4
	site, _, memory := quotaOf(t, sessions.Quota{Records: quota})
	alice := site.Browser()
	wantStatus(t, alice.Visit(setter(sessions.UserKey, "alice")), http.StatusOK)
	old := site.Browser()
	wantStatus(t, old.Visit(setter("a", 1)), http.StatusOK)
	site.Clock.Advance(time.Second)
	var most atomic.Int64
	storetest.Together(workers, func(int) {
		for i := range 100 * quota / workers {
			storetest.Is(t, "Create", file(context.Background(), site.Manager, "a", 1), nil)
			if i%10 > 0 {
				continue
			}
			// The owner's list is copied at one moment. Len counts one shard after the
			// other, so it adds up records that were never stored at the same time.
			nobodys, err := memory.ByOwner(context.Background(), "session:", sessions.Record{}, 10*quota)
			storetest.Is(t, "ByOwner", err, nil)
			for n := int64(len(nobodys)); ; {
				if seen := most.Load(); n <= seen || most.CompareAndSwap(seen, n) {
					break
				}
			}
		}
	})
	// Each worker may have saved one that is not counted yet, and be saving another.
	if most := most.Load(); most > quota*5/4+2*workers || most < quota {
		t.Errorf("%d records lay there, with a quota of %d", most, quota)
	}
	storetest.Equal(t, "alice", items(t, alice), map[string]any{sessions.UserKey: "alice"})
	old.Visit(func(s *sessions.Session) error {
		storetest.Is(t, "Rejected: the oldest of nobody's", s.Rejected(), sessions.ErrNotFound)
		return nil
	})
}

// When a program starts, it does not know what is stored.
func TestTheFirstFilingAfterAStartTrims(t *testing.T) {
	site, _, memory := quotaOf(t, sessions.Quota{})
	for range 100 {
		storetest.Is(t, "Create", file(t.Context(), site.Manager, "a", 1), nil)
	}
	again := site.With(func(o *sessions.Options) { o.Quota.Records = 10 })
	storetest.Equal(t, "records of the start before", memory.Len(), 100)
	wantStatus(t, again.Browser().Visit(setter("a", 1)), http.StatusOK)
	storetest.Equal(t, "records", memory.Len(), 10)
	storetest.Equal(t, "the quota's other half", again.Manager.Options().Quota.Bytes, 64<<20)
}

// A trim is no operation of the request that happens to make it.
func TestATrimStandsOnNobodysTrace(t *testing.T) {
	site, _, _ := quotaOf(t, sessions.Quota{Records: 8})
	for range 20 {
		reply := site.Browser().Visit(setter("a", 1))
		if timing := reply.Header.Get("Server-Timing"); !strings.HasPrefix(timing, "create;") || strings.Contains(timing, "trim") {
			t.Errorf("Server-Timing: %s", timing)
		}
	}
}

func TestWhoFilesForNobodyWaitsForATrimOnlyIfTheyOutrunIt(t *testing.T) {
	site, faulty, _ := quotaOf(t, sessions.Quota{Records: 80})
	alice, bob := site.Browser(), site.Browser()
	wantStatus(t, alice.Visit(setter(sessions.UserKey, "alice")), http.StatusOK)
	wantStatus(t, bob.Visit(setter("a", 1)), http.StatusOK) // the trim at the start
	at, free := make(chan bool), make(chan bool)
	faulty.Before = once("trim", func() error { at <- true; <-free; return nil })
	over := make(chan error)
	go func() {
		var err error
		for range 10 { // the tenth is an eighth: it trims
			err = errors.Join(err, file(context.Background(), site.Manager, "a", 1))
		}
		over <- err
	}()
	<-at
	for range 10 { // up to a quarter
		storetest.Is(t, "Create meanwhile", file(t.Context(), site.Manager, "a", 1), nil)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	err := file(ctx, site.Manager, "a", 1)
	storetest.Is(t, "Create beyond", err, sessions.ErrUnavailable)
	storetest.Is(t, "Create beyond", err, context.DeadlineExceeded)
	// Those who are signed in, or sign in or out, do not wait.
	wantStatus(t, alice.Visit(setter("a", 2)), http.StatusOK)
	wantStatus(t, alice.Visit(cycle), http.StatusOK)
	wantStatus(t, bob.Visit(setter(sessions.UserKey, "bob")), http.StatusOK)
	wantStatus(t, bob.Visit(flush), http.StatusOK)
	waited := make(chan error)
	go func() { waited <- file(context.Background(), site.Manager, "a", 1) }()
	close(free)
	storetest.Is(t, "the one that trimmed", <-over, nil)
	storetest.Is(t, "the one that waited", <-waited, nil)
}

func TestATrimThatFailsIsNobodysErrorAndOneLineAMinute(t *testing.T) {
	var log bytes.Buffer
	site, faulty, memory := quotaOf(t, sessions.Quota{Records: 8}, func(o *sessions.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	faulty.Before = storetest.Down("trim")
	for range 3 {
		for range 30 {
			wantStatus(t, site.Browser().Visit(setter("a", 1)), http.StatusOK)
		}
		site.Clock.Advance(time.Minute)
	}
	storetest.Equal(t, "lines", strings.Count(log.String(), "trimmed to their quota"), 3)
	storetest.Equal(t, "records", memory.Len(), 90)
	faulty.Before = nil
	wantStatus(t, site.Browser().Visit(setter("a", 1)), http.StatusOK)
	storetest.Equal(t, "records", memory.Len(), 8)
}
