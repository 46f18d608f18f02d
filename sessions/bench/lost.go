// Updates that get lost, and sessions that come back after a logout.

package main

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
)

const (
	updates = 500 // of one session, all at once
	logouts = 20  // each overtaken by a slower request
)

func measureLost(h *host, e effort, t *table) error {
	b, err := h.backs()
	if err != nil {
		return err
	}
	places, err := b.all(e.places)
	if err != nil {
		return err
	}
	t.heading("Nothing is lost", "ours", "peer", "")
	for _, p := range places {
		if p.store == nil {
			continue // a cookie lies with the client, where nothing can be merged or ended
		}
		library, err := newOurs(p.engine)
		if err != nil {
			return err
		}
		kept, answered, err := keepUpdates(newSite(library))
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		peerKept, peerAnswered, err := keepUpdates(newSite(p.theirs))
		if err != nil {
			return fmt.Errorf("%s: %w", p.peer, err)
		}
		t.row(fmt.Sprintf("%s: of %d updates kept", p.name, updates), p.peer, atLeast(updates, float64(kept), "%.0f"),
			fmt.Sprintf("%d", kept), fmt.Sprintf("%d", peerKept), fmt.Sprintf("%d/%d said ok", answered, peerAnswered))
		back, err := comeBack(newSite(library))
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		peerBack, err := comeBack(newSite(p.theirs))
		if err != nil {
			return fmt.Errorf("%s: %w", p.peer, err)
		}
		t.row(fmt.Sprintf("%s: of %d logouts undone", p.name, logouts), p.peer, verdict("≤ 0", back == 0),
			fmt.Sprint(back), fmt.Sprint(peerBack), "")
	}
	return nil
}

// keepUpdates sets so many different keys of one session at once, with 5 ms
// between load and save, and counts those that are there afterwards.
func keepUpdates(s *site) (kept, answered int, err error) {
	v, err := s.signedIn()
	if err != nil {
		return 0, 0, err
	}
	var wait sync.WaitGroup
	var ok atomic.Int64
	for i := range updates {
		tab := &visitor{s, v.cookie} // one more of the same browser
		wait.Go(func() {
			if status, _ := tab.get(fmt.Sprint("/slow?key=k", i)); status == http.StatusOK {
				ok.Add(1)
			}
		})
	}
	wait.Wait()
	status, body := v.get("/count")
	if status != http.StatusOK {
		return 0, 0, fmt.Errorf("counting: %d %s", status, body)
	}
	_, err = fmt.Sscan(body, &kept)
	return kept, int(ok.Load()), err
}

// comeBack logs out while a slower request is at work, which saves afterwards,
// and counts how often the old cookie is signed in again.
func comeBack(s *site) (back int, err error) {
	for range logouts {
		v, err := s.signedIn()
		if err != nil {
			return 0, err
		}
		slow, old := &visitor{s, v.cookie}, &visitor{s, v.cookie}
		done := make(chan struct{})
		go func() {
			defer close(done)
			slow.get("/late")
		}()
		<-s.loaded
		status, body := v.get("/signout")
		s.resume <- struct{}{}
		<-done
		if status != http.StatusOK {
			return 0, fmt.Errorf("signing out: %d %s", status, body)
		}
		if _, user := old.get("/load"); user == "alice" {
			back++
		}
	}
	return back, nil
}
