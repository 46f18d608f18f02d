// The suite for engines: sessions that have got another key. A request with the old key
// can still end the session for a minute, but it sees nothing of it.

package storetest

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"cookielab/sessions"
)

// cycled is a browser with an old key, and its twin, which has given their session the new
// key.
func cycled(t *testing.T, site *Site, values map[string]any) (old, twin *Browser) {
	t.Helper()
	old = signedUp(t, site, values)
	twin = old.Twin()
	done(t, twin.Visit(everyChange["CycleKey"]))
	return old, twin
}

// another signs in another user: nothing of the old session stays.
func another(s *sessions.Session) error {
	s.Flush()
	return s.Set(sessions.UserKey, "bob")
}

// waysOn are the ways in which a session gets another key.
var waysOn = map[string]func(*sessions.Session) error{
	"CycleKey":         everyChange["CycleKey"],
	"CycleKey and Set": func(s *sessions.Session) error { s.CycleKey(); return s.Set(sessions.UserKey, "alice") },
	elseWay:            another,
}

const elseWay = "Flush and somebody else's"

var replacedFacts = []engineFact{
	{"a key that was replaced is unknown to everybody, and says since when for a minute", func(t *testing.T, site *Site) {
		for name, on := range waysOn {
			b := signIn(t, site, "alice")
			id, at := recordOfBrowser(t, b).ID, site.Clock.Now()
			twin := b.Twin()
			done(t, twin.Visit(on))
			site.Clock.Advance(time.Minute - time.Millisecond)
			dead(t, site, b.Key(), sessions.ErrReplaced)
			dead(t, site, b.Key(), sessions.ErrNotFound)
			reply := b.Visit(func(s *sessions.Session) error {
				since, replaced := s.Replaced()
				Equal(t, name+": replaced", replaced, true)
				Equal(t, name+": off by 1 µs at most", since.Sub(at).Abs() < time.Microsecond, true)
				_, expired := s.Expired()
				_, filed := s.Record()
				Equal(t, name+": a record is shown", expired || filed || !s.Ends().IsZero(), false)
				return nil
			})
			done(t, reply)
			silent(t, reply)
			found, err := site.Manager.Find(t.Context(), id)
			Is(t, name+": Find", err, sessions.ErrReplaced)
			Equal(t, name+": what Find shows", fmt.Sprint(found), fmt.Sprint(sessions.Record{}))
			there, err := site.Manager.Exists(t.Context(), b.Key())
			Is(t, name+": Exists", err, nil)
			Equal(t, name+": Exists", there, false)
			for _, user := range []string{"", "alice", "bob", "session:"} {
				owned, err := site.Manager.Owned(t.Context(), user, sessions.Record{}, 1000)
				Is(t, name+": Owned", err, nil)
				for _, rec := range owned {
					Equal(t, name+": the old record is listed for "+user, rec.ID == id, false)
				}
			}
			n, err := site.Manager.ClearExpired(t.Context())
			Is(t, name+": ClearExpired", err, nil)
			Equal(t, name+": cleared before its minute is over", n, 0)

			site.Clock.Advance(2 * time.Millisecond)
			done(t, b.Visit(func(s *sessions.Session) error {
				Equal(t, name+": Rejected", s.Rejected(), sessions.ErrNotFound)
				_, replaced := s.Replaced()
				Equal(t, name+": replaced", replaced, false)
				return nil
			}))
			n, err = site.Manager.ClearExpired(t.Context())
			Is(t, name+": ClearExpired", err, nil)
			Equal(t, name+": cleared afterwards", n, 1)
			done(t, twin.Visit(logout))
		}
	}},

	{"even with DropRejected a replaced key is not erased: the browser may have the new one by now", func(t *testing.T, site *Site) {
		b, _ := cycled(t, site, map[string]any{"a": 1})
		silent(t, b.At(site.With(func(o *sessions.Options) { o.DropRejected = true })).Visit(look))
	}},

	{"a logout under way ends the session also under the key that it got meanwhile", func(t *testing.T, site *Site) {
		for name, on := range waysOn {
			if name == elseWay {
				continue // that session belongs to another user
			}
			b := signIn(t, site, "alice")
			twin := b.Twin()
			reply := b.Visit(func(s *sessions.Session) error {
				done(t, twin.Visit(on))
				done(t, twin.Visit(everyChange["CycleKey"])) // and another key again
				return logout(s)
			})
			done(t, reply)
			t.Log(name)
			Equal(t, "what the browser carries", b.Key(), "")
			dead(t, site, twin.Key(), sessions.ErrNotFound)
		}
	}},

	{"a sign-in of another user also ends a session that got another key meanwhile; a late logout with the old key does not end the sign-in", func(t *testing.T, site *Site) {
		b := signIn(t, site, "alice")
		twin, late := b.Twin(), b.Twin()
		done(t, late.Visit(func(s *sessions.Session) error {
			done(t, b.Visit(func(s *sessions.Session) error {
				done(t, twin.Visit(everyChange["CycleKey"]))
				return another(s)
			}))
			dead(t, site, twin.Key(), sessions.ErrNotFound)
			holds(t, b, map[string]any{sessions.UserKey: "bob"})
			return logout(s)
		}))
		holds(t, b, map[string]any{sessions.UserKey: "bob"})
	}},

	{"a key from before a login ends nothing after it, and writes nothing", func(t *testing.T, site *Site) {
		planted := site.Browser()
		done(t, planted.Visit(setter("a", 1)))
		b := planted.Twin()
		done(t, b.Visit(func(s *sessions.Session) error {
			s.CycleKey()
			return s.Set(sessions.UserKey, "alice")
		}))
		for name, change := range everyChange {
			reply := planted.Twin().Visit(change)
			if name != "Delete" { // of what is not there changes nothing
				Equal(t, name+": status", reply.Status, http.StatusConflict)
			}
			Equal(t, name+": Set-Cookie", reply.Header["Set-Cookie"], nil)
		}
		reply := planted.Twin().Visit(logout)
		Equal(t, "logout: status", reply.Status, http.StatusConflict)
		Equal(t, "logout: Set-Cookie", reply.Header["Set-Cookie"], nil)
		holds(t, b, map[string]any{"a": int64(1), sessions.UserKey: "alice"})
	}},

	{"a logout with a key that was replaced a moment ago ends the session", func(t *testing.T, site *Site) {
		// The browser sent it before it heard of the new key.
		b, twin := cycled(t, site, map[string]any{sessions.UserKey: "alice"})
		reply := b.Visit(logout)
		done(t, reply)
		Equal(t, "Set-Cookie", reply.Header["Set-Cookie"], []string{erased})
		dead(t, site, twin.Key(), sessions.ErrNotFound)

		b, twin = cycled(t, site, map[string]any{"a": 1})
		site.Clock.Advance(time.Minute + time.Millisecond)
		done(t, b.Visit(logout))
		holds(t, twin, map[string]any{"a": int64(1)}) // after a minute the old key ends nothing any more
	}},

	{"End by the old ID ends the session under its new key; with a version it ends only that one record", func(t *testing.T, site *Site) {
		b := signIn(t, site, "alice")
		rec := recordOfBrowser(t, b)
		done(t, b.Visit(everyChange["CycleKey"]))
		done(t, b.Visit(everyChange["CycleKey"]))
		Is(t, "End of its version", site.Manager.End(t.Context(), rec.ID, rec.Version), sessions.ErrConflict)
		holds(t, b, map[string]any{sessions.UserKey: "alice"})
		Is(t, "End", site.Manager.End(t.Context(), rec.ID, 0), nil)
		dead(t, site, b.Key(), sessions.ErrNotFound)
		Is(t, "End again", site.Manager.End(t.Context(), rec.ID, 0), sessions.ErrNotFound)
	}},

	{"End by an ID that was replaced more than a minute ago ends nothing, and says so", func(t *testing.T, site *Site) {
		b := signIn(t, site, "alice")
		id := recordOfBrowser(t, b).ID
		done(t, b.Visit(everyChange["CycleKey"]))
		site.Clock.Advance(time.Minute + time.Millisecond)
		Is(t, "End", site.Manager.End(t.Context(), id, 0), sessions.ErrNotFound)
		holds(t, b, map[string]any{sessions.UserKey: "alice"})
	}},

	{"Replace puts another session in the place of one, if that still has the given version", func(t *testing.T, site *Site) {
		left, next := signIn(t, site, "alice"), signIn(t, site, "alice")
		old, by := recordOfBrowser(t, left), recordOfBrowser(t, next).ID
		Is(t, "another version", site.Manager.Replace(t.Context(), old.ID, old.Version+1, by), sessions.ErrConflict)
		holds(t, left, map[string]any{sessions.UserKey: "alice"})
		Is(t, "Replace", site.Manager.Replace(t.Context(), old.ID, old.Version, by), nil)
		dead(t, site, left.Key(), sessions.ErrReplaced)
		holds(t, next, map[string]any{sessions.UserKey: "alice"})
		Is(t, "Replace again", site.Manager.Replace(t.Context(), old.ID, old.Version, by), sessions.ErrReplaced)
		Is(t, "End of the old one", site.Manager.End(t.Context(), old.ID, 0), nil)
		dead(t, site, next.Key(), sessions.ErrNotFound)
		Is(t, "Replace of nothing", site.Manager.Replace(t.Context(), sessions.ID{9}, 1, by), sessions.ErrNotFound)
		gone := signIn(t, site, "alice")
		rec := recordOfBrowser(t, gone)
		site.Clock.Advance(twoWeeks)
		Is(t, "Replace of what is over", site.Manager.Replace(t.Context(), rec.ID, rec.Version, by), sessions.ErrNotFound)
		live := signIn(t, site, "alice")
		old = recordOfBrowser(t, live)
		for _, version := range []uint64{0, old.Version} {
			Is(t, "Replace by what is over", site.Manager.Replace(t.Context(), old.ID, version, rec.ID), sessions.ErrNotFound)
		}
		holds(t, live, map[string]any{sessions.UserKey: "alice"})
	}},

	{"Replace of version 0 follows a session to its new key, and does not end the one that takes its place", func(t *testing.T, site *Site) {
		b := signIn(t, site, "alice")
		first := recordOfBrowser(t, b).ID
		done(t, b.Visit(everyChange["CycleKey"]))
		done(t, b.Visit(everyChange["CycleKey"]))
		Is(t, "by what it became", site.Manager.Replace(t.Context(), first, 0, recordOfBrowser(t, b).ID), nil)
		holds(t, b, map[string]any{sessions.UserKey: "alice"})
		next := signIn(t, site, "alice")
		Is(t, "by another", site.Manager.Replace(t.Context(), first, 0, recordOfBrowser(t, next).ID), nil)
		dead(t, site, b.Key(), sessions.ErrReplaced)
		holds(t, next, map[string]any{sessions.UserKey: "alice"})
		Is(t, "End", site.Manager.End(t.Context(), first, 0), nil)
		dead(t, site, next.Key(), sessions.ErrNotFound)
		Is(t, "of what is over", site.Manager.Replace(t.Context(), first, 0, sessions.ID{9}), sessions.ErrNotFound)
		Is(t, "of nothing", site.Manager.Replace(t.Context(), sessions.ID{9}, 0, first), sessions.ErrNotFound)
	}},

	{"EndOthers ends a session that has got another key, and counts it once", func(t *testing.T, site *Site) {
		kept, other := signIn(t, site, "alice"), signIn(t, site, "alice")
		old := recordOfBrowser(t, other)
		done(t, other.Visit(everyChange["CycleKey"]))
		n, more, err := site.Manager.EndOthers(t.Context(), "alice", recordOfBrowser(t, kept).ID)
		Is(t, "EndOthers", err, nil)
		Equal(t, "ended", n, 1)
		Equal(t, "more", more, false)
		dead(t, site, other.Key(), sessions.ErrNotFound)
		_, err = site.Manager.Find(t.Context(), old.ID)
		Is(t, "Find", err, sessions.ErrNotFound)
		holds(t, kept, map[string]any{sessions.UserKey: "alice"})
	}},

	{"with FollowReplaced a save is made under the new key, and a request with the old key sees nothing of it and sets no cookie", func(t *testing.T, site *Site) {
		site = site.With(func(o *sessions.Options) { o.FollowReplaced = true })
		for name, change := range everyChange {
			if name == "CycleKey" {
				continue
			}
			b := signedUp(t, site, map[string]any{"a": 1, "n": 1})
			key, twin := b.Key(), b.Twin()
			reply := b.Visit(func(s *sessions.Session) error {
				done(t, twin.Visit(func(s *sessions.Session) error { s.CycleKey(); return s.Set("secret", "of the new key") }))
				done(t, twin.Visit(everyChange["CycleKey"]))
				err := change(s)
				Is(t, name+": Save", s.Save(context.Background()), nil)
				Equal(t, name+": what the old key sees of the new one's", s.Get("secret"), nil)
				rec, _ := s.Record()
				Equal(t, name+": the record", rec.ID, sessions.KeyID("session", key))
				at, replaced := s.Replaced()
				Equal(t, name+": replaced", replaced && at.Sub(site.Clock.Now()).Abs() < time.Microsecond, true)
				return err
			})
			done(t, reply)
			silent(t, reply)
			Equal(t, name+": what the browser carries", b.Key(), key)
			dead(t, site, key, sessions.ErrReplaced)
			want := map[string]any{"a": int64(1), "n": int64(1), "secret": "of the new key"}
			switch name {
			case "Set":
				want["a"] = "late"
			case "Delete":
				delete(want, "a")
			case "Clear":
				want = map[string]any{}
			case "SetExpiry":
				want["_expiry"] = int64(3600)
			case "Update":
				want["n"] = int64(2)
			}
			holds(t, twin, want)
		}
	}},

	{"with FollowReplaced a change after Update, and a logout after it, reach the new key, too", func(t *testing.T, site *Site) {
		site = site.With(func(o *sessions.Options) { o.FollowReplaced = true })
		b := signedUp(t, site, map[string]any{"n": 1})
		twin := b.Twin()
		done(t, b.Visit(func(s *sessions.Session) error {
			done(t, twin.Visit(everyChange["CycleKey"]))
			err := count(s, "n")
			Is(t, "Set", s.Set("a", 1), nil)
			return err
		}))
		holds(t, twin, map[string]any{"n": int64(2), "a": int64(1)})
		late := twin.Twin()
		reply := late.Visit(func(s *sessions.Session) error {
			done(t, twin.Visit(everyChange["CycleKey"]))
			err := count(s, "n")
			s.Flush()
			return err
		})
		done(t, reply)
		Equal(t, "Set-Cookie", reply.Header["Set-Cookie"], []string{erased})
		dead(t, site, twin.Key(), sessions.ErrNotFound)
	}},

	{"even with FollowReplaced CycleKey is refused after a change of key, and a session that ended stays ended", func(t *testing.T, site *Site) {
		site = site.With(func(o *sessions.Options) { o.FollowReplaced = true })
		// Whoever planted the old key may have the new one, so a login must not follow to it.
		b := signedUp(t, site, map[string]any{"a": 1})
		planter := b.Twin()
		refused(t, b.Visit(func(s *sessions.Session) error {
			done(t, planter.Visit(everyChange["CycleKey"]))
			s.CycleKey()
			return s.Set(sessions.UserKey, "alice")
		}), http.StatusConflict)
		holds(t, planter, map[string]any{"a": int64(1)})
		for name, change := range everyChange {
			b := signedUp(t, site, map[string]any{"a": 1})
			twin := b.Twin()
			reply := b.Twin().Visit(func(s *sessions.Session) error {
				done(t, twin.Visit(everyChange["CycleKey"]))
				done(t, twin.Visit(logout))
				return change(s)
			})
			t.Log(name)
			refused(t, reply, http.StatusConflict)
		}
	}},

	{"logouts, sign-ins and changes of key at the same time leave no session that came from the old one", func(t *testing.T, site *Site) {
		for round := range 20 {
			b := signIn(t, site, "alice")
			var mu sync.Mutex
			var keys []string
			work := func(i int, twin *Browser) {
				for range 3 {
					reply := twin.Visit(func(s *sessions.Session) error {
						if s.Rejected() != nil {
							return nil // too late: this request could only begin a new session
						}
						time.Sleep(time.Duration(i%3) * time.Millisecond)
						switch i % 3 {
						case 0:
							s.CycleKey()
						case 1:
							s.CycleKey()
							return s.Set(sessions.UserKey, "alice")
						default:
							return s.Set("k", i)
						}
						return nil
					})
					mu.Lock()
					if key := twin.Key(); reply.Status == http.StatusOK && key != "" {
						keys = append(keys, key)
					}
					mu.Unlock()
				}
			}
			Together(7, func(i int) {
				switch {
				case i < 6:
					work(i, b.Twin())
				case round%2 == 0:
					done(t, b.Twin().Visit(func(s *sessions.Session) error {
						time.Sleep(time.Duration(round%4) * time.Millisecond)
						return logout(s)
					}))
				default:
					time.Sleep(time.Duration(round%4) * time.Millisecond)
					Is(t, "End", site.Manager.End(context.Background(), sessions.KeyID("session", b.Key()), 0), nil)
				}
			})
			for _, key := range append(keys, b.Key()) {
				dead(t, site, key, sessions.ErrNotFound)
			}
			if owned, err := site.Manager.Owned(t.Context(), "alice", sessions.Record{}, 1000); err != nil || len(owned) != 0 {
				t.Fatalf("round %d: alice has %d sessions left, %v", round, len(owned), err)
			}
		}
	}},
}
