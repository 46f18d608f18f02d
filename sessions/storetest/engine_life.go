// The suite for engines: save, flush, cycle_key.

package storetest

import (
	"errors"
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"cookielab/sessions"
)

var lifeFacts = []engineFact{
	// test_save
	{"an empty new session stores nothing and sets no cookie", func(t *testing.T, site *Site) {
		// Django: save issues a key even then, so each robot leaves a record.
		reply := site.Browser().Visit(look)
		done(t, reply)
		silent(t, reply)
		reply = site.Browser().Visit(func(s *sessions.Session) error {
			err := s.Set("a", 1)
			s.Delete("a")
			return err
		})
		done(t, reply)
		silent(t, reply)
		for _, change := range []func(*sessions.Session){
			(*sessions.Session).Clear, (*sessions.Session).Flush, (*sessions.Session).CycleKey,
		} {
			reply = site.Browser().Visit(func(s *sessions.Session) error {
				change(s)
				return nil
			})
			done(t, reply)
			silent(t, reply)
		}
	}},

	{"what was set is there in the next request, under the key that came", func(t *testing.T, site *Site) {
		b := site.Browser()
		done(t, b.Visit(func(s *sessions.Session) error {
			Is(t, "Rejected", s.Rejected(), sessions.ErrAbsent)
			Equal(t, "Key before the save", s.Key(), "")
			return s.Set("a", 1)
		}))
		key := b.Key()
		done(t, b.Visit(func(s *sessions.Session) error {
			Is(t, "Rejected", s.Rejected(), nil)
			Equal(t, "Key", s.Key(), key)
			Equal(t, "a", s.Get("a"), any(int64(1)))
			return nil
		}))
	}},

	{"a session keeps its key from save to save", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1})
		key := b.Key()
		done(t, b.Visit(setter("b", 2)))
		Equal(t, "key", b.Key(), key)
		holds(t, b, map[string]any{"a": int64(1), "b": int64(2)})
	}},

	// test_save_doesnt_clear_data
	{"after the save the session is as the next request finds it", func(t *testing.T, site *Site) {
		b := site.Browser()
		var key string
		var rec sessions.Record
		var found map[string]any
		for name, work := range map[string]func(*sessions.Session) error{
			"Set":      setter("a", "b"),
			"CycleKey": everyChange["CycleKey"],
			"Update":   func(s *sessions.Session) error { return count(s, "n") },
			"beside another": func(s *sessions.Session) error {
				b.Twin().Visit(setter("elsewhere", 1))
				return s.Set("here", 2)
			},
		} {
			done(t, b.Visit(setter("first", 1)))
			done(t, b.Do(http.MethodGet, func(c echo.Context) error {
				s, err := site.Manager.Load(c)
				if err != nil {
					return err
				}
				sessions.AfterCommit(c, func() {
					key, found = s.Key(), s.Items()
					rec, _ = s.Record()
				})
				return errors.Join(work(s), c.String(http.StatusOK, "done"))
			}))
			t.Log(name)
			Equal(t, "Key", key, b.Key())
			done(t, b.Visit(func(s *sessions.Session) error {
				Equal(t, "items", found, s.Items())
				next, _ := s.Record()
				same(t, rec, next)
				return nil
			}))
		}
	}},

	// test_session_get_decoded
	{"a record can be read without a session", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1, "b": "曲奇"})
		done(t, b.Visit(func(s *sessions.Session) error {
			rec, _ := s.Record()
			values, err := sessions.DecodeValues(rec.Data)
			Equal(t, "a", values.Get("a"), any(int64(1)))
			Equal(t, "b", values.Text("b"), "曲奇")
			return err
		}))
	}},

	// test_sessionmanager_save, test_create_and_save
	{"what was saved elsewhere is seen by the next load", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1})
		done(t, b.At(site.With(func(*sessions.Options) {})).Visit(setter("a", "elsewhere")))
		holds(t, b, map[string]any{"a": "elsewhere"})
	}},

	{"two browsers have two sessions", func(t *testing.T, site *Site) {
		one, two := signedUp(t, site, map[string]any{"a": 1}), signedUp(t, site, map[string]any{"a": 2})
		holds(t, one, map[string]any{"a": int64(1)})
		holds(t, two, map[string]any{"a": int64(2)})
	}},

	// test_flush, test_delete; as tried with Django: after flush the old key does not work
	{"Flush ends the session: data, key and record are gone", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"foo": "bar"})
		key := b.Key()
		done(t, b.Visit(func(s *sessions.Session) error {
			s.Flush()
			Equal(t, "Key", s.Key(), "")
			Equal(t, "items", s.Items(), map[string]any{})
			flags(t, s, true, true)
			return nil
		}))
		Equal(t, "what the browser carries", b.Key(), "")
		dead(t, site, key, sessions.ErrNotFound)
	}},

	// B9
	{"what is set after Flush begins a new session under a new key", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"old": 1})
		key := b.Key()
		done(t, b.Visit(func(s *sessions.Session) error {
			Is(t, "Set", s.Set("dropped", 1), nil)
			s.Flush()
			return s.Set("new", 2)
		}))
		if b.Key() == "" || b.Key() == key {
			t.Errorf("key %q after %q", b.Key(), key)
		}
		dead(t, site, key, sessions.ErrNotFound)
		holds(t, b, map[string]any{"new": int64(2)})
	}},

	{"Flush again, elsewhere and after a logout, is no error", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1})
		late := b.Twin()
		done(t, late.Visit(func(s *sessions.Session) error {
			done(t, b.Visit(logout))
			s.Flush()
			s.Flush()
			return nil
		}))
		Equal(t, "what the browser carries", late.Key(), "")
	}},

	// test_cycle; as tried with Django: after cycle_key the old key does not work
	{"CycleKey keeps the data, changes the key, and the old key is dead", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1, "b": 2})
		key := b.Key()
		done(t, b.Visit(func(s *sessions.Session) error {
			s.Keys()
			s.CycleKey()
			Equal(t, "items", s.Items(), map[string]any{"a": int64(1), "b": int64(2)})
			flags(t, s, true, true)
			return nil
		}))
		if b.Key() == "" || b.Key() == key {
			t.Errorf("key %q after %q", b.Key(), key)
		}
		dead(t, site, key, sessions.ErrNotFound)
		holds(t, b, map[string]any{"a": int64(1), "b": int64(2)})
	}},

	// test_cycle_with_no_session_cache
	{"CycleKey before anything was read loses nothing", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1})
		key := b.Key()
		done(t, b.Visit(func(s *sessions.Session) error {
			s.CycleKey()
			return nil
		}))
		dead(t, site, key, sessions.ErrNotFound)
		holds(t, b, map[string]any{"a": int64(1)})
	}},

	// Django: login over an anonymous session
	{"CycleKey takes along what is changed before and after it", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"cart": "Kekse", "old": 1})
		key := b.Key()
		done(t, b.Visit(func(s *sessions.Session) error {
			s.Delete("old")
			s.CycleKey()
			return s.Set(sessions.UserKey, "alice")
		}))
		dead(t, site, key, sessions.ErrNotFound)
		holds(t, b, map[string]any{"cart": "Kekse", sessions.UserKey: "alice"})
	}},

	{"CycleKey of an emptied session keeps an empty one", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1})
		key := b.Key()
		done(t, b.Visit(func(s *sessions.Session) error {
			s.Clear()
			s.CycleKey()
			return nil
		}))
		dead(t, site, key, sessions.ErrNotFound)
		holds(t, b, map[string]any{})
	}},

	{"CycleKey of a new session is its first save", func(t *testing.T, site *Site) {
		b := site.Browser()
		done(t, b.Visit(func(s *sessions.Session) error {
			s.CycleKey()
			return s.Set("a", 1)
		}))
		holds(t, b, map[string]any{"a": int64(1)})
	}},

	{"Flush after CycleKey ends the session, CycleKey after Flush does not bring it back", func(t *testing.T, site *Site) {
		for _, change := range []func(*sessions.Session){
			func(s *sessions.Session) { s.CycleKey(); s.Flush() },
			func(s *sessions.Session) { s.Flush(); s.CycleKey() },
		} {
			b := signedUp(t, site, map[string]any{"a": 1})
			key := b.Key()
			done(t, b.Visit(func(s *sessions.Session) error {
				change(s)
				return nil
			}))
			Equal(t, "what the browser carries", b.Key(), "")
			dead(t, site, key, sessions.ErrNotFound)
		}
	}},

	// test_extra_session_field
	{"the owner is the user in the data, and nobody once that is gone", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1})
		owner := func(want string) {
			done(t, b.Visit(func(s *sessions.Session) error {
				rec, ok := s.Record()
				Equal(t, "stored", ok, true)
				Equal(t, "Owner", rec.Owner, want)
				return nil
			}))
		}
		owner("")
		done(t, b.Visit(setter(sessions.UserKey, `Ünal "曲"`)))
		owner(`Ünal "曲"`)
		done(t, b.Visit(func(s *sessions.Session) error { return count(s, "a") }))
		owner(`Ünal "曲"`)
		done(t, b.Visit(func(s *sessions.Session) error {
			s.Delete(sessions.UserKey)
			return nil
		}))
		owner("")
	}},

	{"Created stays from save to save, Saved moves", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1})
		created := site.Clock.Now()
		site.Clock.Advance(90e9)
		done(t, b.Visit(setter("a", 2)))
		done(t, b.Visit(func(s *sessions.Session) error {
			rec, _ := s.Record()
			if rec.Created.Sub(created).Abs() >= 1000 || rec.Saved.Sub(site.Clock.Now()).Abs() >= 1000 {
				t.Errorf("created %v, saved %v", rec.Created, rec.Saved)
			}
			return nil
		}))
	}},
}
