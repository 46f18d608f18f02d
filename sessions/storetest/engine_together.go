// The suite for engines: what becomes of a request when others are at work on
// the same session. None of the peers that were measured passes these (see
// DESIGN.md, "A session that loses nothing"); Django's own part is
// test_session_save_does_not_resurrect_session_logged_out_in_other_context and
// test_session_update_error_redirect.

package storetest

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cookielab/sessions"
)

// requests is how many requests are at work at once where all must count.
const requests = 500

// everyChange is each way to change a session that is there.
var everyChange = map[string]func(*sessions.Session) error{
	"Set":       setter("a", "late"),
	"Delete":    func(s *sessions.Session) error { s.Delete("a"); return nil },
	"Clear":     func(s *sessions.Session) error { s.Clear(); return nil },
	"SetExpiry": expire(sessions.Idle(time.Hour)),
	"CycleKey":  func(s *sessions.Session) error { s.CycleKey(); return nil },
	"Update":    func(s *sessions.Session) error { return count(s, "n") },
}

var meanwhileFacts = []engineFact{
	// test_session_save_does_not_resurrect_…, test_session_update_error_redirect; as tried with Django: record deleted between load and save
	{"a commit after a logout elsewhere answers 409 and revives nothing", func(t *testing.T, site *Site) {
		// Django: 400. Its signed cookies, scs and gorilla save it again.
		for name, change := range everyChange {
			b := signedUp(t, site, map[string]any{"a": 1})
			late := b.Twin()
			reply := late.Visit(func(s *sessions.Session) error {
				done(t, b.Twin().Visit(logout))
				return change(s)
			})
			t.Log(name)
			refused(t, reply, http.StatusConflict)
			Equal(t, "what the late browser carries", late.Key(), b.Key())
			dead(t, site, b.Key(), sessions.ErrNotFound)
		}
	}},

	{"with SaveEveryRequest a mere read after a logout elsewhere answers 409, too", func(t *testing.T, site *Site) {
		site = site.With(func(o *sessions.Options) { o.SaveEveryRequest = true })
		b := signedUp(t, site, map[string]any{"a": 1})
		refused(t, b.Twin().Visit(func(s *sessions.Session) error {
			done(t, b.Twin().Visit(logout))
			return look(s)
		}), http.StatusConflict)
		dead(t, site, b.Key(), sessions.ErrNotFound)
	}},

	{"a request that only reads does not notice a logout elsewhere", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1})
		reply := b.Twin().Visit(func(s *sessions.Session) error {
			done(t, b.Twin().Visit(logout))
			return look(s)
		})
		done(t, reply)
		silent(t, reply)
	}},

	{"a session that expires while a request is at work is not revived", func(t *testing.T, site *Site) {
		for name, change := range everyChange {
			b := signedUp(t, site, map[string]any{"a": 1})
			reply := b.Twin().Visit(func(s *sessions.Session) error {
				site.Clock.Advance(twoWeeks)
				return change(s)
			})
			t.Log(name)
			refused(t, reply, http.StatusConflict)
			dead(t, site, b.Key(), sessions.ErrExpired)
		}
	}},

	{"a commit after CycleKey elsewhere answers 409, and the old key stays dead", func(t *testing.T, site *Site) {
		for name, change := range everyChange {
			b := signedUp(t, site, map[string]any{"a": 1})
			cycler := b.Twin()
			reply := b.Twin().Visit(func(s *sessions.Session) error {
				done(t, cycler.Visit(everyChange["CycleKey"]))
				return change(s)
			})
			t.Log(name)
			refused(t, reply, http.StatusConflict)
			dead(t, site, b.Key(), sessions.ErrNotFound)
			holds(t, cycler, map[string]any{"a": int64(1)})
		}
	}},

	{"CycleKey takes along what was committed elsewhere since it was loaded", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1, "n": 1})
		cycler := b.Twin()
		done(t, cycler.Visit(func(s *sessions.Session) error {
			done(t, b.Twin().Visit(setter("b", 2)))
			done(t, b.Twin().Visit(func(s *sessions.Session) error { return count(s, "n") }))
			s.CycleKey()
			return s.Set("c", 3)
		}))
		dead(t, site, b.Key(), sessions.ErrNotFound)
		holds(t, cycler, map[string]any{"a": int64(1), "b": int64(2), "c": int64(3), "n": int64(2)})
	}},

	// Django: last writer wins the whole session; here it wins its own keys
	{"requests that change different keys all win; for one key the last does", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1, "both": 1, "gone": 1})
		done(t, b.Twin().Visit(func(s *sessions.Session) error {
			done(t, b.Twin().Visit(func(s *sessions.Session) error {
				return setAll(s, map[string]any{"b": "inner", "both": "inner"})
			}))
			s.Delete("gone")
			return setAll(s, map[string]any{"c": "outer", "both": "outer"})
		}))
		holds(t, b, map[string]any{"a": int64(1), "b": "inner", "c": "outer", "both": "outer"})
	}},

	{"Clear drops what was there when it is committed, before what is set", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1})
		done(t, b.Twin().Visit(func(s *sessions.Session) error {
			done(t, b.Twin().Visit(setter("b", "inner")))
			s.Clear()
			return s.Set("c", "outer")
		}))
		holds(t, b, map[string]any{"c": "outer"})
	}},

	{"Flush ends a session that was changed elsewhere since", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1})
		done(t, b.Twin().Visit(func(s *sessions.Session) error {
			done(t, b.Twin().Visit(setter("b", 2)))
			return logout(s)
		}))
		dead(t, site, b.Key(), sessions.ErrNotFound)
	}},
}

var togetherFacts = []engineFact{
	{"500 concurrent commits of distinct keys keep 500", func(t *testing.T, site *Site) {
		// Django's engines, scs and gorilla keep 1 to 18, each answered with 200.
		b := signedUp(t, site, map[string]any{"a": 1})
		Commits(t, b, 0, requests)
		Committed(t, b, requests)
	}},

	{"500 concurrent increments count 500", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"n": 0})
		Increments(t, b, requests)
		holds(t, b, map[string]any{"n": int64(requests)})
	}},

	{"concurrent Updates of a session count, whatever else the requests set", func(t *testing.T, site *Site) {
		const n = 20
		b := signedUp(t, site, map[string]any{"n": 0})
		Together(n, func(i int) {
			done(t, b.Twin().Visit(func(s *sessions.Session) error {
				if err := s.Set(fmt.Sprint("k", i), i); err != nil {
					return err
				}
				time.Sleep(thinkTime)
				return count(s, "n")
			}))
		})
		want := map[string]any{"n": int64(n)}
		for i := range n {
			want[fmt.Sprint("k", i)] = int64(i)
		}
		holds(t, b, want)
	}},

	{"commits racing CycleKey are in the new record or answered 409, and the old key is dead", func(t *testing.T, site *Site) {
		for range 5 {
			b := signedUp(t, site, map[string]any{"a": 1})
			cycler := b.Twin()
			want := race(t, site, b, func() {
				done(t, cycler.Visit(func(s *sessions.Session) error {
					time.Sleep(thinkTime)
					s.CycleKey()
					return nil
				}))
			})
			want["a"] = int64(1)
			dead(t, site, b.Key(), sessions.ErrNotFound)
			holds(t, cycler, want)
		}
	}},

	{"of two CycleKeys of one session one wins, and one session is left", func(t *testing.T, site *Site) {
		for range 5 {
			b := signedUp(t, site, map[string]any{"a": 1})
			var won atomic.Int64
			Together(4, func(int) {
				cycler := b.Twin()
				reply := cycler.Visit(func(s *sessions.Session) error {
					if s.Rejected() != nil {
						return sessions.ErrEnded // it came too late: no part of the race
					}
					time.Sleep(thinkTime)
					s.CycleKey()
					return nil
				})
				if reply.Status == http.StatusOK {
					won.Add(1)
					holds(t, cycler, map[string]any{"a": int64(1)})
				} else {
					refused(t, reply, http.StatusConflict)
				}
			})
			Equal(t, "won", won.Load(), int64(1))
			dead(t, site, b.Key(), sessions.ErrNotFound)
		}
	}},

	{"commits racing a logout are over or answered 409, and nothing is revived", func(t *testing.T, site *Site) {
		for range 5 {
			b := signedUp(t, site, map[string]any{"a": 1})
			race(t, site, b, func() {
				done(t, b.Twin().Visit(func(s *sessions.Session) error {
					time.Sleep(thinkTime)
					return logout(s)
				}))
			})
			dead(t, site, b.Key(), sessions.ErrNotFound)
		}
	}},

	{"sessions do not stand in each other's way", func(t *testing.T, site *Site) {
		const n = 30
		browsers := make([]*Browser, n)
		Together(n, func(i int) {
			browsers[i] = signedUp(t, site, map[string]any{"i": i})
			done(t, browsers[i].Visit(everyChange["CycleKey"]))
			done(t, browsers[i].Visit(func(s *sessions.Session) error { return count(s, "n") }))
		})
		for i, b := range browsers {
			holds(t, b, map[string]any{"i": int64(i), "n": int64(1)})
		}
	}},

	{"a commit that nobody waits for any more is made all the same", func(t *testing.T, site *Site) {
		// The client hangs up after its request was taken: half a save helps nobody.
		b := signedUp(t, site, map[string]any{"a": 1})
		state, err := site.Engine.Load(context.Background(), b.Key())
		must(t, err)
		Equal(t, "a", state.Values.Get("a"), any(int64(1)))
		site.hangUp(b, setter("a", "committed"))
		holds(t, b, map[string]any{"a": "committed"})
	}},
}

// Commits sends requests that each set one key of their own in the browser's
// session, from "k<first>" on, all at once.
func Commits(t *testing.T, b *Browser, first, n int) {
	t.Helper()
	Together(n, func(i int) {
		insist(t, b, func(s *sessions.Session) error {
			time.Sleep(thinkTime)
			return s.Set(fmt.Sprint("k", first+i), first+i)
		})
	})
}

// Committed checks that the browser's session has the keys k0 to k<n-1>.
func Committed(t *testing.T, b *Browser, n int) {
	t.Helper()
	done(t, b.Visit(func(s *sessions.Session) error {
		kept := 0
		for i := range n {
			if s.Get(fmt.Sprint("k", i)) == int64(i) {
				kept++
			}
		}
		Equal(t, "commits kept", kept, n)
		return nil
	}))
}

// Increments sends requests that each add one to n in the browser's session,
// all at once.
func Increments(t *testing.T, b *Browser, n int) {
	t.Helper()
	Together(n, func(int) {
		insist(t, b, func(s *sessions.Session) error {
			time.Sleep(thinkTime)
			return count(s, "n")
		})
	})
}

// insist does what Retry-After asks for: on a machine so busy that a request
// waits for its turn longer than it may, 503 says that nothing was saved, and
// to send it again must be right. Never is a 200 lost.
func insist(t *testing.T, b *Browser, work func(*sessions.Session) error) {
	t.Helper()
	for range 10 {
		reply := b.Twin().Visit(work)
		if reply.Status != http.StatusServiceUnavailable {
			done(t, reply)
			return
		}
		refused(t, reply, http.StatusServiceUnavailable)
		Equal(t, "Retry-After", reply.Header.Get("Retry-After"), "5")
	}
	t.Error("ten times 503")
}

// race lets commits of distinct keys race something that ends or moves the
// session. Each must be answered 200 or 409; it gives what those with 200 set.
func race(t *testing.T, site *Site, b *Browser, end func()) map[string]any {
	t.Helper()
	const n = 30
	var mu sync.Mutex
	kept := map[string]any{}
	Together(n+1, func(i int) {
		if i == n {
			end()
			return
		}
		key := fmt.Sprint("k", i)
		reply := b.Twin().Visit(func(s *sessions.Session) error {
			if s.Rejected() != nil {
				return sessions.ErrEnded // it came too late: no part of the race
			}
			time.Sleep(thinkTime)
			return s.Set(key, i)
		})
		switch reply.Status {
		case http.StatusOK:
			mu.Lock()
			defer mu.Unlock()
			kept[key] = int64(i)
		default:
			refused(t, reply, http.StatusConflict)
		}
	})
	return kept
}
