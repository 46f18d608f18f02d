// The throttle: five wrong tries a minute and name, then a pause.

package handlers

import (
	"sync"
	"time"

	"cookielab/sessions"
)

const (
	maxTries       = 5
	throttleWindow = time.Minute
	maxThrottled   = 10_000 // names remembered at once
)

type throttle struct {
	mu    sync.Mutex
	clock sessions.Clock
	tries map[string]*tries
}

// tries of one name since a minute began with the first of them.
type tries struct {
	since time.Time
	count int
}

func newThrottle(clock sessions.Clock) *throttle {
	return &throttle{clock: clock, tries: map[string]*tries{}}
}

// try counts a try, before its outcome is known: tries at the same moment must
// not slip through together. It returns how many seconds the name must wait
// instead; 0: it may try.
func (t *throttle) try(name string) (wait int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	tried := t.current(name)
	if tried == nil {
		if len(t.tries) >= maxThrottled {
			for other := range t.tries { // any one: memory stays bounded
				delete(t.tries, other)
				break
			}
		}
		tried = &tries{since: now(t.clock)}
		t.tries[name] = tried
	}
	if tried.count < maxTries {
		tried.count++
		return 0
	}
	left := throttleWindow - now(t.clock).Sub(tried.since)
	return int((left + time.Second - 1) / time.Second)
}

// current forgets tries older than the window, and those of a time that has
// not come: a clock that was set back must not lock a name for longer.
func (t *throttle) current(name string) *tries {
	tried := t.tries[name]
	if tried == nil {
		return nil
	}
	if age := now(t.clock).Sub(tried.since); age >= throttleWindow || age < 0 {
		delete(t.tries, name)
		return nil
	}
	return tried
}

// clear forgets all tries.
func (t *throttle) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.tries)
}

// succeeded forgets a name's tries: only wrong ones count.
func (t *throttle) succeeded(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.tries, name)
}
