// The suite for engines: Session.Update, the atomic read-modify-write. Django
// has no such thing: its session.update merges a map into the data of this
// request (test_update).

package storetest

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"cookielab/sessions"
)

// count adds one to a number in the session, at once.
func count(s *sessions.Session, key string) error {
	return s.Update(context.Background(), func(values sessions.Values) error {
		n, _ := values.Get(key).(int64)
		return values.Set(key, n+1)
	})
}

var errChange = errors.New("the change gave up")

var editFacts = []engineFact{
	// test_update
	{"Update can merge a map into a new session", func(t *testing.T, site *Site) {
		b := site.Browser()
		done(t, b.Visit(func(s *sessions.Session) error {
			err := s.Update(context.Background(), func(values sessions.Values) error {
				maps.Copy(values, sessions.Values{"update key": []byte("1")})
				return nil
			})
			Equal(t, "value", s.Get("update key"), any(int64(1)))
			flags(t, s, true, true)
			Equal(t, "Key before the save", s.Key(), "")
			return err
		}))
		holds(t, b, map[string]any{"update key": int64(1)})
	}},

	{"Update of a stored session is saved at once, whatever becomes of the reply", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"n": 1})
		key := b.Key()
		reply := b.Do(http.MethodGet, status(site, http.StatusInternalServerError, func(s *sessions.Session) error {
			err := count(s, "n")
			Equal(t, "n in this request", s.Get("n"), any(int64(2)))
			holds(t, b.Twin(), map[string]any{"n": int64(2)})
			return err
		}))
		Equal(t, "status", reply.Status, http.StatusInternalServerError)
		silent(t, reply)
		Equal(t, "key", b.Key(), key)
		holds(t, b, map[string]any{"n": int64(2)})
	}},

	{"Update sees what another request saved meanwhile", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"n": 1})
		done(t, b.Visit(func(s *sessions.Session) error {
			done(t, b.Twin().Visit(func(s *sessions.Session) error { return s.Set("n", 10) }))
			Equal(t, "n as loaded", s.Get("n"), any(int64(1)))
			err := count(s, "n")
			Equal(t, "n after Update", s.Get("n"), any(int64(11)))
			return err
		}))
		holds(t, b, map[string]any{"n": int64(11)})
	}},

	{"Update, Set and Update again in one request all count", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"n": 1, "old": 1})
		done(t, b.Visit(func(s *sessions.Session) error {
			s.Delete("old")
			err := errors.Join(count(s, "n"), s.Set("a", "set"), count(s, "n"))
			Equal(t, "items", s.Items(), map[string]any{"n": int64(3), "a": "set"})
			return err
		}))
		holds(t, b, map[string]any{"n": int64(3), "a": "set"})
	}},

	{"Update can remove a key, stored or new", func(t *testing.T, site *Site) {
		remove := func(key string) func(*sessions.Session) error {
			return func(s *sessions.Session) error {
				return s.Update(context.Background(), func(values sessions.Values) error {
					delete(values, key)
					return nil
				})
			}
		}
		b := signedUp(t, site, map[string]any{"a": 1, "b": 2})
		done(t, b.Visit(remove("a")))
		holds(t, b, map[string]any{"b": int64(2)})
		fresh := site.Browser()
		done(t, fresh.Visit(func(s *sessions.Session) error {
			return errors.Join(s.Set("a", 1), s.Set("b", 2), remove("a")(s))
		}))
		holds(t, fresh, map[string]any{"b": int64(2)})
	}},

	{"an error ends Update, comes back unchanged, and nothing is changed", func(t *testing.T, site *Site) {
		for _, b := range []*Browser{site.Browser(), signedUp(t, site, map[string]any{"a": 1})} {
			before := map[string]any{}
			if b.Key() != "" {
				before["a"] = int64(1)
			}
			reply := b.Visit(func(s *sessions.Session) error {
				err := s.Update(context.Background(), func(values sessions.Values) error {
					delete(values, "a")
					return errors.Join(values.Set("b", 2), errChange)
				})
				Is(t, "Update", err, errChange)
				Equal(t, "items", s.Items(), before)
				Equal(t, "modified", s.Modified(), false)
				return nil
			})
			done(t, reply)
			silent(t, reply)
			if b.Key() != "" {
				holds(t, b, before)
			}
		}
	}},

	{"Update that leaves something which is not JSON is refused, the data stay", func(t *testing.T, site *Site) {
		// Values is a map: nothing else keeps a program from writing this.
		b := signedUp(t, site, map[string]any{"a": 1})
		for _, raw := range []string{"", "{", "1 2", "nonsense"} {
			done(t, b.Visit(func(s *sessions.Session) error {
				if s.Update(context.Background(), func(values sessions.Values) error {
					values["b"] = []byte(raw)
					return nil
				}) == nil {
					t.Errorf("%q was taken", raw)
				}
				return nil
			}))
		}
		holds(t, b, map[string]any{"a": int64(1)})
	}},

	{"Update after Flush is part of the new session", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"n": 1})
		key := b.Key()
		done(t, b.Visit(func(s *sessions.Session) error {
			s.Flush()
			err := count(s, "n")
			Equal(t, "n", s.Get("n"), any(int64(1)))
			holds(t, b.Twin(), map[string]any{"n": int64(1)}) // the old one still lies there, as it was
			return err
		}))
		dead(t, site, key, sessions.ErrNotFound)
		holds(t, b, map[string]any{"n": int64(1)})
	}},

	{"Update after Clear is not cleared", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"n": 5, "a": 1})
		done(t, b.Visit(func(s *sessions.Session) error {
			s.Clear()
			err := count(s, "n")
			Equal(t, "items", s.Items(), map[string]any{"n": int64(1)})
			return err
		}))
		holds(t, b, map[string]any{"n": int64(1)})
	}},

	{"Update before and after CycleKey counts beside others", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"n": 0})
		increment := func(s *sessions.Session) error { return count(s, "n") }
		cycler := b.Twin()
		done(t, cycler.Visit(func(s *sessions.Session) error {
			before := count(s, "n")
			s.CycleKey()
			done(t, b.Twin().Visit(increment))
			after := count(s, "n")
			done(t, b.Twin().Visit(increment))
			return errors.Join(before, after)
		}))
		dead(t, site, b.Key(), sessions.ErrNotFound)
		holds(t, cycler, map[string]any{"n": int64(4)})
	}},

	{"Update tells the browser the new expiry", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"n": 1})
		reply := b.Visit(func(s *sessions.Session) error { return count(s, "n") })
		done(t, reply)
		if cookie := reply.Cookie("sessionid"); cookie == nil || cookie.Value != b.Key() || cookie.MaxAge != 1209600 {
			t.Errorf("Set-Cookie: %v", cookie)
		}
	}},

	{"Update of a session that ended meanwhile is ErrEnded, and 409 if passed on", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"n": 1})
		key := b.Key()
		reply := b.Twin().Do(http.MethodGet, func(c echo.Context) error {
			s, err := site.Manager.Load(c)
			if err != nil {
				return err
			}
			c.SetCookie(&http.Cookie{Name: "half", Value: "page"})
			done(t, b.Twin().Visit(logout))
			err = count(s, "n")
			Is(t, "Update", err, sessions.ErrEnded)
			return err
		})
		refused(t, reply, http.StatusConflict)
		dead(t, site, key, sessions.ErrNotFound)
	}},
}
