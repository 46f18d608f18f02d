// The suite for engines: what a self-contained one cannot promise, and what it
// does instead.

package storetest

import (
	"strings"
	"testing"
	"time"

	"cookielab/sessions"
)

// needRecords are the facts that only records on a server can give, with the
// reason.
var needRecords = map[string]string{
	"Clear empties the data and keeps the key":                                               noKey,
	"Update can merge a map into a new session":                                              noUpdate,
	"Update of a stored session is saved at once, whatever becomes of the reply":             noUpdate,
	"Update sees what another request saved meanwhile":                                       noUpdate,
	"Update, Set and Update again in one request all count":                                  noUpdate,
	"Update can remove a key, stored or new":                                                 noUpdate,
	"an error ends Update, comes back unchanged, and nothing is changed":                     noUpdate,
	"Update after Flush is part of the new session":                                          noUpdate,
	"Update after Clear is not cleared":                                                      noUpdate,
	"Update before and after CycleKey counts beside others":                                  noUpdate,
	"Update tells the browser the new expiry":                                                noUpdate,
	"Update of a session that ended meanwhile is ErrEnded, and 409 if passed on":             noUpdate,
	"a session keeps its key from save to save":                                              noRecord,
	"after the save the session is as the next request finds it":                             noRecord,
	"a record can be read without a session":                                                 noRecord,
	"what was saved elsewhere is seen by the next load":                                      noRecord,
	"Flush ends the session: data, key and record are gone":                                  noRecord,
	"what is set after Flush begins a new session under a new key":                           noRecord,
	"CycleKey keeps the data, changes the key, and the old key is dead":                      noRecord,
	"CycleKey before anything was read loses nothing":                                        noRecord,
	"CycleKey takes along what is changed before and after it":                               noRecord,
	"CycleKey of an emptied session keeps an empty one":                                      noRecord,
	"Flush after CycleKey ends the session, CycleKey after Flush does not bring it back":     noRecord,
	"the owner is the user in the data, and nobody once that is gone":                        noRecord,
	"Created stays from save to save, Saved moves":                                           noRecord,
	"a key that is issued has the one exact shape of a key, and no two are alike":            noKey,
	"a value that was not issued is refused by its kind":                                     noKey,
	"a malformed value is refused before any store sees it":                                  noKey,
	"an unknown key is never adopted by a read, creates nothing, and stays in the browser":   noKey,
	"an unknown key is never adopted by a write: a new one is issued":                        noKey,
	"an unknown key is never adopted by Clear, CycleKey, Flush or Update either":             noKey,
	"a key with one character changed is rejected":                                           noKey,
	"a session that is saved as over is over at once":                                        noRecord,
	"an expired session can be told from an unknown one, and its data are not the visitor's": noRecord,
	"replies below 500 are saved, from 500 up nothing is":                                    noKey,
	"a session emptied by hand stays, with its key":                                          noKey,
	"the cookie does not grow with the data":                                                 noKey,
	"an engine that fails at the save answers 503 with Retry-After and no Set-Cookie":        noStore,
	"a session can hold 64 KB and not a byte more, and what it held stays":                   noStore,
	"a commit after a logout elsewhere answers 409 and revives nothing":                      noRecord,
	"with SaveEveryRequest a mere read after a logout elsewhere answers 409, too":            noRecord,
	"a commit after CycleKey elsewhere answers 409, and the old key stays dead":              noRecord,
	"CycleKey takes along what was committed elsewhere since it was loaded":                  noRecord,
	"requests that change different keys all win; for one key the last does":                 noRecord,
	"Clear drops what was there when it is committed, before what is set":                    noRecord,
	"Flush ends a session that was changed elsewhere since":                                  noRecord,
	"500 concurrent commits of distinct keys keep 500":                                       noRecord,
	"500 concurrent increments count 500":                                                    noRecord,
	"concurrent Updates of a session count, whatever else the requests set":                  noRecord,
	"commits racing CycleKey are in the new record or answered 409, and the old key is dead": noRecord,
	"of two CycleKeys of one session one wins, and one session is left":                      noRecord,
	"commits racing a logout are over or answered 409, and nothing is revived":               noRecord,
	"sessions do not stand in each other's way":                                              noRecord,
	"a commit that nobody waits for any more is made all the same":                           noRecord,
}

const (
	noKey    = "the value is the session, so it changes and grows with it"
	noRecord = "no record says what others did, or that it is over"
	noStore  = "there is no store that could fail or be full"
	noUpdate = "Update is not supported"
)

var selfContainedFacts = []engineFact{
	{"nothing lies on the server", func(t *testing.T, site *Site) {
		b := signIn(t, site, "alice")
		done(t, b.Visit(func(s *sessions.Session) error {
			_, filed := s.Record()
			Equal(t, "a record", filed, false)
			Equal(t, "Ends", s.Ends().UnixMicro(), site.Clock.Now().Add(twoWeeks).UnixMicro())
			return nil
		}))
		site.Clock.Advance(twoWeeks)
		done(t, b.Visit(func(s *sessions.Session) error {
			Is(t, "Rejected", s.Rejected(), sessions.ErrExpired)
			_, lies := s.Expired()
			Equal(t, "a record", lies, false)
			Equal(t, "Ends", s.Ends().UnixMicro(), site.Clock.Now().UnixMicro())
			return nil
		}))
	}},

	{"listing, finding, ending and Update are ErrNotSupported, 409 if passed on, and change nothing", func(t *testing.T, site *Site) {
		b := signIn(t, site, "alice")
		_, err := site.Manager.Owned(t.Context(), "alice", sessions.Record{}, 1000)
		Is(t, "Owned", err, sessions.ErrNotSupported)
		_, err = site.Manager.Find(t.Context(), sessions.ID{})
		Is(t, "Find", err, sessions.ErrNotSupported)
		Is(t, "End", site.Manager.End(t.Context(), sessions.ID{}, 0), sessions.ErrNotSupported)
		_, _, err = site.Manager.EndOthers(t.Context(), "alice", sessions.ID{})
		Is(t, "EndOthers", err, sessions.ErrNotSupported)
		Is(t, "Replace", site.Manager.Replace(t.Context(), sessions.ID{}, 1, sessions.ID{}), sessions.ErrNotSupported)
		for _, browser := range []*Browser{b, site.Browser()} {
			refused(t, browser.Visit(func(s *sessions.Session) error {
				Is(t, "Set", s.Set("a", 1), nil)
				err := s.Update(t.Context(), func(sessions.Values) error { t.Error("called"); return nil })
				Is(t, "Update", err, sessions.ErrNotSupported)
				return err
			}), 409)
		}
		holds(t, b, map[string]any{sessions.UserKey: "alice"})
	}},

	{"there is nothing to clear", func(t *testing.T, site *Site) {
		signIn(t, site, "alice")
		site.Clock.Advance(twoWeeks)
		n, err := site.Manager.ClearExpired(t.Context())
		Is(t, "ClearExpired", err, nil)
		Equal(t, "cleared", n, 0)
	}},

	// As tried with Django: after cycle_key, after flush: does the old key still work? Yes.
	{"CycleKey changes the value and keeps the data; a copy of the old value goes on working", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1})
		copied := b.Twin()
		done(t, b.Visit(func(s *sessions.Session) error { s.CycleKey(); return nil }))
		if b.Key() == "" || b.Key() == copied.Key() {
			t.Errorf("%q after %q", b.Key(), copied.Key())
		}
		holds(t, b, map[string]any{"a": int64(1)})
		holds(t, copied, map[string]any{"a": int64(1)})
	}},

	{"CycleKey changes the value even within one instant, and of equal data", func(t *testing.T, site *Site) {
		seen := map[string]bool{}
		b := signedUp(t, site, map[string]any{"a": 1})
		for range 5 {
			Equal(t, "seen before", seen[b.Key()], false)
			seen[b.Key()] = true
			done(t, b.Visit(func(s *sessions.Session) error { s.CycleKey(); return nil }))
		}
	}},

	{"Flush erases the cookie; a copy goes on working until its time is over", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1})
		copied := b.Twin()
		done(t, b.Visit(logout))
		Equal(t, "what the browser carries", b.Key(), "")
		holds(t, copied, map[string]any{"a": int64(1)})
		site.Clock.Advance(twoWeeks)
		done(t, copied.Visit(func(s *sessions.Session) error {
			Is(t, "Rejected", s.Rejected(), sessions.ErrExpired)
			Equal(t, "items", s.Items(), map[string]any{})
			return nil
		}))
	}},

	{"what is set after Flush begins anew", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"old": 1})
		done(t, b.Visit(func(s *sessions.Session) error { s.Flush(); return s.Set("new", 2) }))
		holds(t, b, map[string]any{"new": int64(2)})
	}},

	// As tried with Django: set_expiry(1), set_expiry(-10): still loads in Django
	{"the expiry under the seal decides, not the browser", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1})
		done(t, b.Visit(expire(sessions.Idle(time.Second))))
		site.Clock.Advance(time.Second - time.Microsecond)
		holds(t, b.Twin(), map[string]any{"a": int64(1), "_expiry": int64(1)})
		site.Clock.Advance(time.Microsecond)
		done(t, b.Visit(func(s *sessions.Session) error {
			Is(t, "Rejected", s.Rejected(), sessions.ErrExpired)
			return s.Set("b", 2)
		}))
		holds(t, b, map[string]any{"b": int64(2)}) // a new one, and nothing of the old
	}},

	{"a value with one byte changed is tampered with or malformed, and nobody's", func(t *testing.T, site *Site) {
		value := signedUp(t, site, map[string]any{"a": 1}).Key()
		// The last letters may hold bits that no byte uses.
		for i := range len(value) - 4 {
			changed := []byte(value)
			if changed[i] = 'A'; value[i] == 'A' {
				changed[i] = 'B'
			}
			_, err := site.Engine.Load(t.Context(), string(changed))
			if err == nil {
				t.Fatalf("accepted with byte %d changed", i)
			}
		}
		// One within the payload, and the letter put there is one of the form's own:
		// then it is the seal that refuses it.
		changed := []byte(value)
		if middle := len(value) / 2; changed[middle] == 'A' {
			changed[middle] = 'B'
		} else {
			changed[middle] = 'A'
		}
		done(t, site.Browser().Carry(string(changed)).Visit(func(s *sessions.Session) error {
			Is(t, "Rejected", s.Rejected(), sessions.ErrTampered)
			Equal(t, "items", s.Items(), map[string]any{})
			return nil
		}))
	}},

	{"what was never sealed is malformed, whatever its length", func(t *testing.T, site *Site) {
		for value := range strangers {
			_, err := site.Engine.Load(t.Context(), value)
			if err == nil {
				t.Fatalf("%.40q was accepted", value)
			}
		}
		for _, value := range []string{"", "1", "../../etc/passwd", "é", strings.Repeat("A", 1<<20)} {
			_, err := site.Engine.Load(t.Context(), value)
			Is(t, value[:min(len(value), 20)], err, sessions.ErrMalformed)
		}
	}},

	// As tried with Django: Set-Cookie for 6,000 random characters
	{"what would not fit into a cookie is 413, and the browser keeps what it had", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1})
		before := b.Key()
		for size := range []int{0, 1, 2} {
			reply := b.Visit(func(s *sessions.Session) error { return s.Set("b", strings.Repeat("x", 3000<<size)) })
			refused(t, reply, 413)
		}
		Equal(t, "value", b.Key(), before)
		holds(t, b, map[string]any{"a": int64(1)})
		// Up to the limit it is taken, and then name and value have at most 4096.
		largest := 0
		for size := 1500; size < 3000; size += 20 {
			reply := b.Twin().Visit(func(s *sessions.Session) error { return s.Set("b", strings.Repeat("x", size)) })
			if reply.Status != 200 {
				refused(t, reply, 413)
				break
			}
			cookie := reply.Cookie("sessionid")
			if largest = len(cookie.Name) + len(cookie.Value); largest > sessions.MaxCookie {
				t.Fatalf("a cookie of %d bytes", largest)
			}
		}
		if largest < sessions.MaxCookie-100 {
			t.Errorf("refused after %d bytes already", largest)
		}
	}},

	{"of two requests at work at once the reply that comes last wins", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1})
		late := b.Twin()
		done(t, late.Visit(func(s *sessions.Session) error {
			done(t, b.Visit(setter("b", 2)))
			return s.Set("c", 3)
		}))
		holds(t, late, map[string]any{"a": int64(1), "c": int64(3)})
		holds(t, b, map[string]any{"a": int64(1), "b": int64(2)})
	}},
}
