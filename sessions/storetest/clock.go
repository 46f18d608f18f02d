// Package storetest holds what every store and every engine of package
// sessions must do: [Store] and [Engine] check it, one subtest for each fact.
// With them come the tools that such a test needs: a [Clock] that moves only
// when told to, a [Site] to visit with a [Browser], and a [Faulty] store.
package storetest

import (
	"sync"
	"time"
)

// Clock is a clock that stands still until it is moved.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock makes a clock. It starts at an instant that no microsecond can hold
// exactly, so that a test notices a time which was cut somewhere else than where
// a store may cut it.
func NewClock() *Clock {
	return &Clock{now: time.Date(2026, 11, 23, 8, 0, 0, 123_456_789, time.UTC)}
}

// Now is the time; hand it over as a [sessions.Clock].
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock; backwards if d is negative.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
