// The throttle: so many wrong tries a minute, then a pause. A student's name is
// counted by each server for itself; the teacher's PIN, which opens more, in the
// database, where all servers count together.

package handlers

import (
	"context"
	"errors"
	"hash/fnv"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/sessions"
)

const (
	maxTries       = 5  // wrong ones a minute: for a name, and at the PIN from one place
	maxTogether    = 60 // at the PIN, from all places on the network together
	throttleWindow = time.Minute
	throttlePlaces = 1 << 15 // for students' names: one megabyte
)

// throttle counts the tries of students' names. Each name has a place, by its
// hash, and shares its count with whoever has the same one: so memory is bounded
// though nothing is ever pushed out, and no flood of other names lowers a count.
type throttle struct {
	mu     sync.Mutex
	clock  sessions.Clock
	places [throttlePlaces]tries
}

// tries since a minute began with the first of them.
type tries struct {
	since time.Time
	count int
}

func newThrottle(clock sessions.Clock) *throttle { return &throttle{clock: clock} }

// try counts a try, before its outcome is known: tries at the same moment must
// not slip through together. It returns how long the name must wait instead;
// 0: it may try.
func (t *throttle) try(name string) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	tried, at := t.place(name), now(t.clock)
	// Those of a time that has not come do not count either: a clock that was
	// set back must not lock a name for longer.
	if age := at.Sub(tried.since); age >= throttleWindow || age < 0 {
		*tried = tries{since: at}
	}
	if tried.count < maxTries {
		tried.count++
		return 0
	}
	return throttleWindow - at.Sub(tried.since)
}

func (t *throttle) place(name string) *tries {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(name)) // never fails
	return &t.places[hash.Sum32()%throttlePlaces]
}

// clear forgets all tries.
func (t *throttle) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.places = [throttlePlaces]tries{}
}

// succeeded forgets a name's tries: only wrong ones count.
func (t *throttle) succeeded(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	*t.place(name) = tries{}
}

// pinThrottle counts the tries at the teacher's PIN, in the store that all
// servers of one database share. A counter is a record without data: its version
// is how many tries there were, which grows by a compare-and-swap, and it expires
// a minute after the first. A new class ends it as it ends every record. Where
// the store cannot be reached nobody may try.
type pinThrottle struct {
	store sessions.Store
	clock sessions.Clock
}

const (
	throttlePurpose = "throttle"
	throttleOwner   = throttlePurpose + ":" // of the counters: they are no session's, and no quota for those counts them
)

// origin is where a try at the PIN comes from.
type origin struct {
	name    string
	network bool // by the network: then it counts among all of those, too
}

// wholeNetwork is the counter of everybody on the network.
const wholeNetwork = "network"

// try counts a try, before its outcome is known, as [throttle.try] does.
func (p pinThrottle) try(ctx context.Context, from origin) (wait time.Duration, err error) {
	if !from.network {
		return p.count(ctx, from.name, maxTries)
	}
	// What all have together is looked at first, so that whoever has many
	// addresses files no more counters once it is used up; and counted last, so
	// that one address takes no more of it than its own five.
	counter, left, err := p.counter(ctx, wholeNetwork)
	if err != nil || (left > 0 && counter.Version >= maxTogether) {
		return min(left, throttleWindow), err
	}
	if wait, err = p.count(ctx, from.name, maxTries); wait > 0 || err != nil {
		return wait, err
	}
	return p.count(ctx, wholeNetwork, maxTogether)
}

// succeeded forgets the tries from there, and nobody else's.
func (p pinThrottle) succeeded(ctx context.Context, from origin) error {
	err := p.store.Delete(ctx, pinCounter(from.name), 0)
	if errors.Is(err, sessions.ErrNotFound) { // a new class began
		return nil
	}
	return err
}

// count counts one try of at most so many a minute.
func (p pinThrottle) count(ctx context.Context, name string, most uint64) (wait time.Duration, err error) {
	unreadable := 0
	for range most + 10 { // whoever is overtaken finds a higher count, until that is full
		counter, left, err := p.counter(ctx, name)
		if err != nil {
			return 0, err
		}
		at, full := now(p.clock), counter.Version >= most
		switch {
		case counter.Version == 0:
			counter.Owner, counter.Created, counter.Saved, counter.Expires = throttleOwner, at, at, at.Add(throttleWindow)
			if err = p.store.Create(ctx, counter); errors.Is(err, sessions.ErrExists) {
				// Another request was first; or, if it is still not found, what lies
				// there cannot be read.
				if unreadable++; unreadable > 2 {
					_ = p.store.Delete(ctx, counter.ID, 0) // the next try tells
				}
			}
		case left <= 0:
			if err = p.store.Delete(ctx, counter.ID, counter.Version); err == nil {
				continue // and begins anew
			}
		case full && left <= throttleWindow:
			return left, nil
		default:
			// It may have been begun by a clock that was set back since, or by that
			// of a server which is ahead: it counts on, and ends within a minute.
			counter.Saved, counter.Expires = at, at.Add(min(left, throttleWindow))
			err = p.store.Update(ctx, counter)
		}
		switch {
		case err == nil && full && left > throttleWindow:
			return throttleWindow, nil
		case err == nil:
			return 0, nil
		case !overtaken(err):
			return 0, err
		}
	}
	return 0, sessions.ErrUnavailable
}

// counter is a counter, and how long it counts on; version 0: there is none.
func (p pinThrottle) counter(ctx context.Context, name string) (counter sessions.Record, left time.Duration, err error) {
	counter, err = p.store.Load(ctx, pinCounter(name))
	switch {
	case errors.Is(err, sessions.ErrNotFound):
		return sessions.Record{ID: pinCounter(name)}, 0, nil
	case err != nil && !errors.Is(err, sessions.ErrExpired):
		return counter, 0, err
	}
	return counter, counter.Expires.Sub(now(p.clock)), nil
}

func pinCounter(name string) sessions.ID {
	return sessions.KeyID(throttlePurpose, teacherName+"/"+name)
}

// overtaken reports that another request changed a record first.
func overtaken(err error) bool {
	for _, first := range []error{sessions.ErrConflict, sessions.ErrExists, sessions.ErrNotFound, sessions.ErrExpired} {
		if errors.Is(err, first) {
			return true
		}
	}
	return false
}

// originOf is where a request's try at the PIN counts:
//
//  1. Whoever is signed in as teacher already counts alone, by when that login
//     was, which no new key changes: no stranger can lock them out.
//  2. This machine counts apart from the network, as one place.
//  3. Everybody else counts by their address.
func (lab *Lab) originOf(c echo.Context) (origin, error) {
	session, err := lab.sessions.Look(c)
	if err != nil {
		return origin{}, err
	}
	if session.Rejected() == nil && session.Text(sessions.RoleKey) == RoleTeacher {
		return origin{name: "login/" + session.Text(sessions.SinceKey)}, nil
	}
	r := c.Request()
	var peer netip.Addr
	if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		peer = from.Addr().Unmap()
	}
	if peer.IsLoopback() {
		if lab.ownHost(r) {
			return origin{name: "loopback"}, nil
		}
		// It was asked for under a name of --allow-host, which is a proxy's. A
		// program on this machine can say the same, and forge what a proxy
		// forwards; it then counts on the network, whose sixty a minute hold for
		// all addresses that anybody makes up. So does what says to come from
		// loopback: nobody may use up the tries of who sits here.
		peer = forwardedFor(r.Header)
	}
	return origin{name: wholeNetwork + "/" + networkOf(peer), network: true}, nil
}

// networkOf names an address to count by: all of IPv6 that one customer gets, a
// /64, is one.
func networkOf(addr netip.Addr) string {
	switch {
	case !addr.IsValid():
		return "unknown"
	case addr.Is4():
		return addr.String()
	default:
		return netip.PrefixFrom(addr, 64).Masked().String()
	}
}

// forwardedFor is the address for which the proxy sent a request, the last of
// X-Forwarded-For, else of Forwarded (RFC 7239): those before it are what the
// client says. It is not valid where neither tells.
func forwardedFor(h http.Header) netip.Addr {
	if said := lastItem(h["X-Forwarded-For"]); said != "" {
		return addressIn(said)
	}
	for pair := range strings.SplitSeq(lastItem(h["Forwarded"]), ";") {
		name, value, _ := strings.Cut(pair, "=")
		if strings.EqualFold(strings.TrimSpace(name), "for") {
			return addressIn(strings.Trim(strings.TrimSpace(value), `"`))
		}
	}
	return netip.Addr{}
}

// lastItem is the last item of a list that may stand on several lines.
func lastItem(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	line := lines[len(lines)-1]
	return strings.TrimSpace(line[strings.LastIndexByte(line, ',')+1:])
}

// addressIn reads an address, with or without a port; not valid: it is none.
func addressIn(text string) netip.Addr {
	if with, err := netip.ParseAddrPort(text); err == nil {
		return with.Addr().Unmap().WithZone("")
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}
