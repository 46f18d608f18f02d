// A hundred thousand sessions: what each takes in memory, for how long cleaning
// holds a request up, how long it takes to find one owner's.

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"time"

	"github.com/alexedwards/scs/v2/memstore"

	"cookielab/sessions"
)

const (
	scsBytes  = 378                  // heap a session, as scs was measured
	longest   = 5 * time.Millisecond // that a request may be held up, or a list may take
	ownerHas  = 5                    // sessions, among all
	probed    = 1000                 // live sessions that are asked for during a cleaning
	fillers   = 8                    // goroutines
	cleanings = 5                    // of a tenth of the sessions each
	ownerName = "alice"
)

func measureMany(h *host, e effort, t *table) error {
	t.heading(fmt.Sprintf("Among %d sessions", e.sessions), "ours", "peer", "alone")
	if err := measureHeap(e, t); err != nil {
		return err
	}
	b, err := h.backs()
	if err != nil {
		return err
	}
	places, err := b.all(e.places)
	if err != nil {
		return err
	}
	for _, p := range places {
		if p.store == nil {
			continue
		}
		if err := measureAmong(p, e, t); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// measureHeap fills one memory store after the other.
func measureHeap(e effort, t *table) error {
	var kept any
	memory, err := sessions.NewMemory(200_000, nil)
	if err != nil {
		return err
	}
	ours, err := heapEach(e.sessions, func() error {
		kept = memory
		return fillOurs(sessions.Keyed("bench", memory), nil, 0, e.sessions)
	})
	if err != nil {
		return err
	}
	store := memstore.NewWithCleanupInterval(0)
	theirs, err := heapEach(e.sessions, func() error {
		kept = store
		return fillScs(newScs(store), e.sessions)
	})
	runtime.KeepAlive(kept)
	runtime.KeepAlive(memory)
	t.row("memory: heap bytes a session", "scs memstore", atMost(scsBytes, ours, "%.0f"),
		fmt.Sprintf("%.0f", ours), fmt.Sprintf("%.0f", theirs), "")
	return err
}

// heapEach is by how many bytes the heap grew, for each of n.
func heapEach(n int, fill func() error) (float64, error) {
	inUse := func() float64 {
		runtime.GC()
		runtime.GC() // what the first one left to finalizers and pools
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	before := inUse()
	err := fill()
	return (inUse() - before) / float64(n), err
}

// fillOurs makes sessions first to last, each of another user.
func fillOurs(engine sessions.Engine, clock sessions.Clock, first, last int) error {
	options := sessions.DefaultOptions()
	options.Clock = clock
	manager, err := sessions.New(engine, options)
	if err != nil {
		return err
	}
	errs := make(chan error, fillers)
	for worker := range fillers {
		go func() {
			var err error
			for i := first + worker; i < last && err == nil; i += fillers {
				_, err = manager.Create(context.Background(), func(s *sessions.Session) error {
					return fill(s, fmt.Sprintf("user-%06d", i))
				})
			}
			errs <- err
		}()
	}
	for range fillers {
		if err := <-errs; err != nil {
			return err
		}
	}
	return nil
}

func fillScs(s scsLibrary, n int) error {
	for i := range n {
		ctx, err := s.manager.Load(context.Background(), "")
		if err != nil {
			return err
		}
		s.fill(ctx, fmt.Sprintf("user-%06d", i))
		if _, _, err := s.manager.Commit(ctx); err != nil {
			return err
		}
	}
	return nil
}

// measureAmong fills a place, half of it with what has expired.
func measureAmong(p place, e effort, t *table) error {
	ctx, n, filler := context.Background(), e.sessions, p.engine
	if p.filler != nil {
		filler = p.filler
	}
	if p.name == "file" {
		n /= 10 // each step of cleaning, and each list, walks them all: it says so
	}
	live, err := p.fillLive()
	if err != nil {
		return err
	}
	if err := fillOurs(filler, nil, 0, n/2-len(live)-ownerHas); err != nil {
		return err
	}
	// What has expired did so in as many different weeks as there are cleanings.
	for i := range cleanings {
		clock := func() time.Time { return time.Now().Add(-time.Duration(10-i) * 7 * 24 * time.Hour) }
		part := n / 2 / cleanings
		if err := fillOurs(filler, clock, n/2+i*part, n/2+(i+1)*part); err != nil {
			return err
		}
	}

	list, err := timeList(ctx, p.engine)
	if err != nil {
		return err
	}
	bar, theirList := verdict("≤ 5 ms", list <= longest), ""
	if p.name == "file" {
		bar = noBar // it walks its folder, and says so
	}
	if p.name == "memory" {
		if theirList, err = timeScsList(e.sessions); err != nil {
			return err
		}
	}
	t.row(fmt.Sprintf("%s: one owner's %d of %d", p.name, ownerHas, n), peerIf(theirList, "scs memstore, by a walk"), bar, millis(list), theirList, "")
	if p.name == "cached_db" {
		return nil // it is cleaned by its database
	}

	clean := func(i int) (load, save time.Duration, err error) {
		return p.heldUp(live, func() error {
			// Made i weeks later than ten ago, and good for two.
			before := time.Now().Add(-time.Duration(10-i)*7*24*time.Hour + sessions.DefaultOptions().Age + 24*time.Hour)
			cleaned, err := sessions.ClearExpired(ctx, p.store, before)
			if err == nil && cleaned != n/2/cleanings {
				err = fmt.Errorf("%d were cleaned", cleaned)
			}
			return err
		})
	}
	if p.longest != nil { // what came before does not count
		if _, err := p.longest(); err != nil {
			return err
		}
	}
	start := time.Now()
	load, save, err := leastOf(clean)
	if err != nil {
		return err
	}
	took := time.Since(start) / cleanings
	if p.longest != nil {
		longestCommand, err := p.longest()
		if err != nil {
			return err
		}
		t.row(p.name+": its longest command meanwhile", "", verdict("≤ 5 ms", longestCommand <= longest), millis(longestCommand), "", "")
	}
	calmLoad, calmSave, err := leastOf(func(int) (load, save time.Duration, err error) {
		return p.heldUp(live, func() error { time.Sleep(took); return nil })
	})
	if err != nil {
		return err
	}
	theirs := ""
	if p.name == "memory" {
		if theirs, err = scsHeldUp(e.sessions); err != nil {
			return err
		}
	}
	t.row(p.name+": load while cleaning", peerIf(theirs, "scs memstore"), verdict("≤ 5 ms", load <= longest), millis(load), theirs, millis(calmLoad))
	t.row(p.name+": save while cleaning", "", verdict("≤ 5 ms", save <= longest), millis(save), "", millis(calmSave))
	return nil
}

// leastOf gives the shortest of the longest times that several cleanings took:
// what cleaning costs is in all of them, a moment in which the machine did
// something else is not.
func leastOf(clean func(i int) (load, save time.Duration, err error)) (load, save time.Duration, err error) {
	load, save = time.Hour, time.Hour
	for i := range cleanings {
		l, s, err := clean(i)
		if err != nil {
			return 0, 0, err
		}
		load, save = min(load, l), min(save, s)
	}
	return load, save, nil
}

func peerIf(figure, name string) string {
	if figure == "" {
		return ""
	}
	return name
}

// fillLive makes the sessions that are asked for later, and the owner's.
func (p place) fillLive() (keys []string, err error) {
	manager, err := sessions.New(p.engine, sessions.DefaultOptions())
	if err != nil {
		return nil, err
	}
	for i := range probed + ownerHas {
		user := fmt.Sprint("probed-", i)
		if i >= probed {
			user = ownerName
		}
		session, err := manager.Create(context.Background(), func(s *sessions.Session) error { return fill(s, user) })
		if err != nil {
			return nil, err
		}
		if i < probed {
			keys = append(keys, session.Key())
		}
	}
	return keys, nil
}

// timeList is the median of some lists.
func timeList(ctx context.Context, engine sessions.Engine) (time.Duration, error) {
	var costs []cost
	for range 11 {
		start := time.Now()
		list, err := engine.Directory().Owned(ctx, ownerName, sessions.Record{}, 1000)
		if err == nil && len(list) != ownerHas {
			err = fmt.Errorf("%d sessions are listed", len(list))
		}
		if err != nil {
			return 0, err
		}
		costs = append(costs, cost{wall: float64(time.Since(start))})
		if time.Since(start) > time.Second {
			break // once is enough
		}
	}
	return time.Duration(median(costs).wall), nil
}

// heldUp loads and saves live sessions in turn until the work is done, and gives
// the longest that one of each took.
func (p place) heldUp(keys []string, work func() error) (load, save time.Duration, err error) {
	done := make(chan error, 1)
	go func() { done <- work() }()
	changes := sessions.Changes{Values: map[string]json.RawMessage{"n": json.RawMessage("2")}, Age: sessions.DefaultOptions().Age}
	for i := 0; ; i++ {
		select {
		case err := <-done:
			return load, save, err
		default:
		}
		start := time.Now()
		state, err := p.engine.Load(context.Background(), keys[i%len(keys)])
		loaded := time.Now()
		if err != nil {
			return 0, 0, err
		}
		changes.Now = loaded
		if _, err := p.engine.Commit(context.Background(), state, changes); err != nil {
			return 0, 0, err
		}
		load, save = max(load, loaded.Sub(start)), max(save, time.Since(loaded))
	}
}

// timeScsList has scs walk all its sessions for one owner's.
func timeScsList(n int) (string, error) {
	library := newScs(memstore.NewWithCleanupInterval(0))
	if err := fillScs(library, n); err != nil {
		return "", err
	}
	start, found := time.Now(), 0
	err := library.manager.Iterate(context.Background(), func(ctx context.Context) error {
		if library.manager.GetString(ctx, userKey) == "user-000001" {
			found++
		}
		return nil
	})
	if err == nil && found != 1 {
		err = fmt.Errorf("scs found %d", found)
	}
	return millis(time.Since(start)), err
}

// scsHeldUp is the longest load while scs cleans half of n, which it does by
// itself at an interval: the least of several times, as for ours.
func scsHeldUp(n int) (string, error) {
	const interval = time.Second
	library := newScs(nil)
	data, err := library.manager.Codec.Encode(time.Now().Add(time.Hour), map[string]any{userKey: ownerName, roleKey: role, sinceKey: since, "n": 1})
	if err != nil {
		return "", err
	}
	store := memstore.NewWithCleanupInterval(interval)
	defer store.StopCleanup()
	library.manager.Store = store
	slowest := time.Hour
	for range cleanings {
		for i := range n {
			expiry := time.Now().Add(time.Hour)
			if i%2 == 0 {
				expiry = time.Now()
			}
			if err := store.Commit(fmt.Sprint("token-", i), data, expiry); err != nil {
				return "", err
			}
		}
		longest := time.Duration(0)
		for start := time.Now(); time.Since(start) < interval+interval/2; {
			before := time.Now()
			if _, err := library.manager.Load(context.Background(), "token-1"); err != nil {
				return "", err
			}
			longest = max(longest, time.Since(before))
		}
		slowest = min(slowest, longest)
	}
	return millis(slowest), nil
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1e3)
}
