// The throttle: after five wrong tries within a minute there is a pause. For a student's
// name each server counts the tries by itself. For the teacher's PIN, which opens more, all
// servers count together, in the database.

package auth

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

	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/sessions"
)

const (
	maxTries       = 5  // wrong tries a minute: for a name, and at the PIN from one origin
	maxTogether    = 60 // tries a minute at the PIN, right ones too, from all addresses on the network together
	throttleWindow = time.Minute
	throttlePlaces = 1 << 15 // counters for students' names, in one megabyte
)

// throttle counts the tries for students' names. A name's hash decides which counter it
// uses, and several names may share one. So the memory is bounded, no counter is ever
// dropped, and a flood of other names cannot lower a count.
type throttle struct {
	mu     sync.Mutex
	clock  sessions.Clock
	places [throttlePlaces]tries
}

// tries counts the tries of a minute, which begins with the first of them.
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
	tried, at := t.place(name), t.clock.Now()
	// Tries that seem to come from the future do not count either: after the clock was
	// set back, a name must not be locked for longer.
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

// pinThrottle counts the tries at the teacher's PIN, in the store that all servers with one
// database share. A counter is a record without data. Its version is the number of tries,
// which grows by a compare-and-swap, and it expires a minute after the first try. A new
// class deletes it, like every record. If the store cannot be reached nobody may try.
type pinThrottle struct {
	store sessions.Store
	clock sessions.Clock
}

const (
	throttlePurpose = "throttle"
	throttleOwner   = throttlePurpose + ":" // of the counters: it is no session's owner, so no quota of sessions counts them
)

// origin is where a try at the PIN comes from, and the name of its counter.
type origin struct {
	name    string
	network bool // it comes from the network, and also counts in wholeNetwork
}

// wholeNetwork is the name of the counter for all tries from the network together.
const wholeNetwork = "network"

// try counts a try, before its outcome is known, as [throttle.try] does.
func (p pinThrottle) try(ctx context.Context, from origin) (wait time.Duration, err error) {
	if !from.network {
		return p.count(ctx, from.name, maxTries)
	}
	// The counter of the whole network is read first: once it is full, new addresses get
	// no counters of their own. It is increased last: an address that has used up its own
	// five tries does not use up those of the network.
	counter, left, err := p.counter(ctx, wholeNetwork)
	if err != nil || (left > 0 && counter.Version >= maxTogether) {
		return min(left, throttleWindow), err
	}
	if wait, err = p.count(ctx, from.name, maxTries); wait > 0 || err != nil {
		return wait, err
	}
	return p.count(ctx, wholeNetwork, maxTogether)
}

// succeeded forgets the tries of this origin; those of the whole network stay.
func (p pinThrottle) succeeded(ctx context.Context, from origin) error {
	err := p.store.Delete(ctx, pinCounter(from.name), 0)
	if errors.Is(err, sessions.ErrNotFound) { // a new class has deleted it
		return nil
	}
	return err
}

// count counts one try. A counter is full when it has counted most tries in a minute.
func (p pinThrottle) count(ctx context.Context, name string, most uint64) (wait time.Duration, err error) {
	unreadable := 0
	for range most + 10 { // each time that another request is faster, the count is higher, until it is full
		counter, left, err := p.counter(ctx, name)
		if err != nil {
			return 0, err
		}
		at, full := p.clock.Now(), counter.Version >= most
		switch {
		case counter.Version == 0:
			counter.Owner, counter.Created, counter.Saved, counter.Expires = throttleOwner, at, at, at.Add(throttleWindow)
			if err = p.store.Create(ctx, counter); errors.Is(err, sessions.ErrExists) {
				// Another request was faster. But if the counter is then still not
				// found, the store has a record for it that cannot be read.
				if unreadable++; unreadable > 2 {
					_ = p.store.Delete(ctx, counter.ID, 0) // if it fails, so does the next Create
				}
			}
		case left <= 0:
			if err = p.store.Delete(ctx, counter.ID, counter.Version); err == nil {
				continue // and make a new one
			}
		case full && left <= throttleWindow:
			return left, nil
		default:
			// More than a minute may be left: the clock was set back since the counter
			// began, or the clock of another server is ahead. The counter keeps its
			// number, and expires within a minute from now.
			left = min(left, throttleWindow)
			counter.Saved, counter.Expires = at, at.Add(left)
			if err = p.store.Update(ctx, counter); err == nil && full {
				return left, nil
			}
		}
		if err == nil || !overtaken(err) {
			return 0, err
		}
	}
	return 0, sessions.ErrUnavailable
}

// counter reads a counter, and how long it still counts; version 0: there is none.
func (p pinThrottle) counter(ctx context.Context, name string) (counter sessions.Record, left time.Duration, err error) {
	counter, err = p.store.Load(ctx, pinCounter(name))
	switch {
	case errors.Is(err, sessions.ErrNotFound):
		return sessions.Record{ID: pinCounter(name)}, 0, nil
	case err != nil && !errors.Is(err, sessions.ErrExpired):
		return counter, 0, err
	}
	return counter, counter.Expires.Sub(p.clock.Now()), nil
}

func pinCounter(name string) sessions.ID {
	return sessions.KeyID(throttlePurpose, TeacherName+"/"+name)
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

// originOf says for which origin a request's try at the PIN counts:
//
//  1. Someone who is already signed in as teacher has a counter of their own, named by
//     the time of that login, which stays when the key changes. So no stranger can lock
//     them out.
//  2. All other requests from this machine have one counter, apart from the network.
//  3. All others count by their address.
func (a *Auth) originOf(c echo.Context) (origin, error) {
	session, err := a.Lanes.Sessions.Look(c)
	if err != nil {
		return origin{}, err
	}
	if session.Rejected() == nil && session.Text(sessions.RoleKey) == lanes.RoleTeacher {
		return origin{name: "login/" + session.Text(sessions.SinceKey)}, nil
	}
	r := c.Request()
	var peer netip.Addr
	if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		peer = from.Addr().Unmap()
	}
	if peer.IsLoopback() {
		if input.IsOwnHost(r) {
			return origin{name: "loopback"}, nil
		}
		// The request names a host of --allow-host, so it comes from a proxy. (Another
		// program on this machine could do the same, and make up the addresses that a
		// proxy forwards. It then counts as the network, where all addresses together
		// have sixty tries a minute.) Even a forwarded address that is loopback counts
		// as the network: nobody may use up the tries of the person at this machine.
		peer = forwardedFor(r.Header)
	}
	return origin{name: wholeNetwork + "/" + networkOf(peer), network: true}, nil
}

// networkOf is the name by which an address counts. For IPv6 that is its /64, because one
// customer gets at least as many addresses.
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

// forwardedFor is the address for which the proxy sent a request: the last one in
// X-Forwarded-For, or else in Forwarded (RFC 7239). Those before it may be made up by the
// client. It is not valid if neither header has one.
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

// lastItem is the last item of a header that is a list, on one line or several.
func lastItem(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	line := lines[len(lines)-1]
	return strings.TrimSpace(line[strings.LastIndexByte(line, ',')+1:])
}

// addressIn reads an address, with or without a port. The result is not valid if the text
// is no address.
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
