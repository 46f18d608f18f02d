// The suite for engines: when a session ends.

package storetest

import (
	"testing"
	"time"

	"cookielab/sessions"
)

const twoWeeks = 14 * 24 * time.Hour

func expire(e sessions.Expiry) func(*sessions.Session) error {
	return func(s *sessions.Session) error { return s.SetExpiry(e) }
}

// lifeOf is what a session says about its own end.
func lifeOf(t *testing.T, s *sessions.Session, site *Site, age time.Duration) {
	t.Helper()
	Equal(t, "ExpiryAge", s.ExpiryAge(), age)
	Equal(t, "ExpiryDate", s.ExpiryDate().UnixNano(), site.Clock.Now().Add(age).UnixNano())
}

// until checks that a session lives up to an instant, and is dead from it on.
func until(t *testing.T, site *Site, b *Browser, left time.Duration) {
	t.Helper()
	site.Clock.Advance(left - time.Microsecond)
	done(t, b.Twin().Visit(func(s *sessions.Session) error {
		Is(t, "a moment before the end", s.Rejected(), nil)
		return nil
	}))
	site.Clock.Advance(time.Microsecond)
	dead(t, site, b.Key(), sessions.ErrExpired)
}

var expiryFacts = []engineFact{
	// test_default_expiry
	{"with nothing set a session lives for the age in the options", func(t *testing.T, site *Site) {
		b := site.Browser()
		done(t, b.Visit(func(s *sessions.Session) error {
			lifeOf(t, s, site, twoWeeks)
			return s.Set("a", 1)
		}))
		until(t, site, b, twoWeeks)
	}},

	// test_default_expiry, second half
	{"a session that ends with the browser still has the default age on the server", func(t *testing.T, site *Site) {
		// Django: set_expiry(0).
		b := site.Browser()
		reply := b.Visit(func(s *sessions.Session) error {
			Is(t, "SetExpiry", s.SetExpiry(sessions.BrowserClose()), nil)
			lifeOf(t, s, site, twoWeeks)
			Equal(t, "ExpiresAtBrowserClose", s.ExpiresAtBrowserClose(), true)
			return s.Set("a", 1)
		})
		done(t, reply)
		Equal(t, "Set-Cookie", reply.Header["Set-Cookie"], []string{"sessionid=" + b.Key() + "; Path=/; HttpOnly; SameSite=Lax"})
		until(t, site, b, twoWeeks)
	}},

	// test_default_expiry, test_custom_expiry_reset: an age of one's own
	{"the options can set another age", func(t *testing.T, site *Site) {
		site = site.With(func(o *sessions.Options) { o.Age = 24 * time.Hour })
		for _, e := range []sessions.Expiry{sessions.Policy(), sessions.BrowserClose()} {
			b := signedUp(t, site, map[string]any{"a": 1})
			done(t, b.Visit(func(s *sessions.Session) error {
				Is(t, "SetExpiry", s.SetExpiry(e), nil)
				lifeOf(t, s, site, 24*time.Hour)
				return nil
			}))
			until(t, site, b, 24*time.Hour)
		}
	}},

	// test_custom_expiry_seconds; as tried with Django: set_expiry(1), asked after 2.5 s (Django's file engine and signed cookies: still loads)
	{"Idle ends a session so long after its last save", func(t *testing.T, site *Site) {
		b := site.Browser()
		reply := b.Visit(func(s *sessions.Session) error {
			Is(t, "SetExpiry", s.SetExpiry(sessions.Idle(10*time.Second)), nil)
			lifeOf(t, s, site, 10*time.Second)
			return nil
		})
		done(t, reply)
		Equal(t, "Max-Age", reply.Cookie("sessionid").MaxAge, 10)
		until(t, site, b, 10*time.Second)
	}},

	// Django: an integer is relative and stays relative
	{"Idle counts anew from each save, and not from a read", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1})
		done(t, b.Visit(expire(sessions.Idle(time.Minute))))
		for range 3 {
			site.Clock.Advance(50 * time.Second)
			done(t, b.Visit(setter("a", 2)))
		}
		site.Clock.Advance(50 * time.Second)
		silent(t, b.Visit(look))
		until(t, site, b, 10*time.Second)
	}},

	// test_custom_expiry_timedelta; as tried with Django: set_expiry(1 hour as a duration), an error at the save in Django before 4.1
	{"Until a duration from now ends a session there", func(t *testing.T, site *Site) {
		b := site.Browser()
		reply := b.Visit(func(s *sessions.Session) error {
			Is(t, "SetExpiry", s.SetExpiry(sessions.Until(site.Clock.Now().Add(time.Hour))), nil)
			lifeOf(t, s, site, time.Hour)
			return nil
		})
		done(t, reply)
		Equal(t, "Max-Age", reply.Cookie("sessionid").MaxAge, 3600)
		until(t, site, b, time.Hour)
	}},

	// test_custom_expiry_datetime: an instant is absolute
	{"Until an instant stays that instant, however often the session is saved", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1})
		end := site.Clock.Now().Add(10 * time.Minute)
		done(t, b.Visit(expire(sessions.Until(end.In(time.FixedZone("east", 8*3600))))))
		for left := 9; left > 0; left-- {
			site.Clock.Advance(time.Minute)
			reply := b.Visit(func(s *sessions.Session) error {
				lifeOf(t, s, site, time.Duration(left)*time.Minute)
				return s.Set("a", left)
			})
			done(t, reply)
			Equal(t, "Max-Age", reply.Cookie("sessionid").MaxAge, left*60)
		}
		until(t, site, b, time.Minute)
	}},

	// test_custom_expiry_reset
	{"Policy goes back to the options", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1})
		silent(t, b.Visit(expire(sessions.Policy()))) // nothing was set before, nothing is changed
		done(t, b.Visit(expire(sessions.Idle(10*time.Second))))
		reply := b.Visit(func(s *sessions.Session) error {
			Is(t, "SetExpiry", s.SetExpiry(sessions.Policy()), nil)
			lifeOf(t, s, site, twoWeeks)
			return nil
		})
		done(t, reply)
		Equal(t, "Max-Age", reply.Cookie("sessionid").MaxAge, 1209600)
		holds(t, b, map[string]any{"a": int64(1)})
		until(t, site, b, twoWeeks)
	}},

	// test_get_expire_at_browser_close
	{"a session's own expiry beats the options about the browser's end", func(t *testing.T, site *Site) {
		for _, c := range []struct {
			option bool
			expiry sessions.Expiry
			want   bool
		}{
			{false, sessions.Idle(10 * time.Second), false},
			{false, sessions.BrowserClose(), true},
			{false, sessions.Policy(), false},
			{true, sessions.Idle(10 * time.Second), false},
			{true, sessions.BrowserClose(), true},
			{true, sessions.Policy(), true},
			{true, sessions.Until(site.Clock.Now().Add(time.Hour)), false}, // not among Django's six
		} {
			site := site.With(func(o *sessions.Options) { o.ExpireAtBrowserClose = c.option })
			reply := site.Browser().Visit(func(s *sessions.Session) error {
				Is(t, "SetExpiry", s.SetExpiry(c.expiry), nil)
				Equal(t, "ExpiresAtBrowserClose", s.ExpiresAtBrowserClose(), c.want)
				return s.Set("a", 1)
			})
			done(t, reply)
			cookie := reply.Cookie("sessionid")
			Equal(t, "no Max-Age", cookie.MaxAge == 0, c.want)
			Equal(t, "no Expires", cookie.Expires.IsZero(), c.want)
		}
	}},

	// test_actual_expiry (an expected failure of Django's signed cookies); as tried with Django: set_expiry(-10), asked at once
	{"a session that is saved as over is over at once", func(t *testing.T, site *Site) {
		// Django: passes a negative age on as Max-Age; ours erases the cookie.
		for name, e := range map[string]sessions.Expiry{
			"10 s ago":  sessions.Until(site.Clock.Now().Add(-10 * time.Second)),
			"now":       sessions.Until(site.Clock.Now()),
			"long ago":  sessions.Until(time.Time{}),
			"-10 s":     sessions.Idle(-10 * time.Second),
			"0 s":       sessions.Idle(0), // Django: 0 means the browser's end; here that is BrowserClose
			"under 1 s": sessions.Idle(time.Second - 1),
		} {
			silent(t, site.Browser().Visit(expire(e))) // nothing for a browser to carry
			b := signedUp(t, site, map[string]any{"a": 1})
			key := b.Key()
			reply := b.Visit(expire(e))
			done(t, reply)
			Equal(t, name+": Set-Cookie", reply.Header["Set-Cookie"], []string{erased})
			dead(t, site, key, sessions.ErrExpired)
		}
	}},

	// As tried with Django: valid key, view only reads: no sliding
	{"reading is not activity: a session ends so long after its last save", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1})
		for range 13 {
			site.Clock.Advance(24 * time.Hour)
			silent(t, b.Visit(look))
		}
		until(t, site, b, 24*time.Hour)
	}},

	{"each save makes it live for the whole age again", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1})
		for range 3 {
			site.Clock.Advance(twoWeeks - time.Second)
			reply := b.Visit(setter("a", 2))
			done(t, reply)
			Equal(t, "Max-Age", reply.Cookie("sessionid").MaxAge, 1209600)
		}
		until(t, site, b, twoWeeks)
	}},

	// SESSION_SAVE_EVERY_REQUEST
	{"with SaveEveryRequest a read counts as activity", func(t *testing.T, site *Site) {
		plain := site
		site = site.With(func(o *sessions.Options) { o.SaveEveryRequest = true })
		b := signedUp(t, site, map[string]any{"a": 1})
		for range 3 {
			site.Clock.Advance(twoWeeks - time.Second)
			reply := b.Visit(look)
			done(t, reply)
			Equal(t, "Set-Cookie with the same key", reply.Cookie("sessionid").Value, b.Key())
			Equal(t, "Max-Age", reply.Cookie("sessionid").MaxAge, 1209600)
		}
		silent(t, site.Browser().Visit(look))                                           // still nothing to save
		silent(t, site.Browser().Carry("abcdefghijklmnopqrstuvwxyz012345").Visit(look)) // nor to erase
		until(t, plain, b.At(plain), twoWeeks)
	}},

	// Django's _session_expiry
	{"the expiry lies among the data and counts as data", func(t *testing.T, site *Site) {
		b := site.Browser()
		done(t, b.Visit(expire(sessions.Idle(time.Minute)))) // enough to be stored
		holds(t, b, map[string]any{"_expiry": int64(60)})
		done(t, b.Visit(func(s *sessions.Session) error {
			s.Clear()
			lifeOf(t, s, site, twoWeeks)
			return nil
		}))
		holds(t, b, map[string]any{})
	}},

	{"what is no expiry under its key follows the options", func(t *testing.T, site *Site) {
		for _, value := range []any{"tomorrow", true, 1.5, []int{1}, nil} {
			b := signedUp(t, site, map[string]any{"_expiry": value})
			done(t, b.Visit(func(s *sessions.Session) error {
				lifeOf(t, s, site, twoWeeks)
				return nil
			}))
		}
	}},

	{"the expiry goes along with CycleKey", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1})
		done(t, b.Visit(expire(sessions.Idle(time.Minute))))
		done(t, b.Visit(func(s *sessions.Session) error {
			s.CycleKey()
			return nil
		}))
		until(t, site, b, time.Minute)
	}},

	{"an expired session can be told from an unknown one, and its data are not the visitor's", func(t *testing.T, site *Site) {
		// Django: an expired session is like one that never was.
		b := signedUp(t, site, map[string]any{"a": 1, sessions.UserKey: "alice"})
		end := site.Clock.Now().Add(twoWeeks)
		site.Clock.Advance(twoWeeks + time.Hour)
		reply := b.Visit(func(s *sessions.Session) error {
			Is(t, "Rejected", s.Rejected(), sessions.ErrExpired)
			Equal(t, "items", s.Items(), map[string]any{})
			Equal(t, "Key", s.Key(), "")
			_, stored := s.Record()
			Equal(t, "Record", stored, false)
			rec, lies := s.Expired()
			Equal(t, "Expired", lies, true)
			Equal(t, "Owner", rec.Owner, "alice")
			Equal(t, "Expires, off by 1 µs at most", rec.Expires.Sub(end).Abs() < time.Microsecond, true)
			return nil
		})
		done(t, reply)
		silent(t, reply) // it stays until a write, like any rejected cookie
	}},

	{"an expired session is not revived by a write: a new one begins", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"old": 1})
		key := b.Key()
		site.Clock.Advance(twoWeeks)
		done(t, b.Visit(setter("new", 2)))
		if b.Key() == key {
			t.Error("the key of the expired session was issued again")
		}
		holds(t, b, map[string]any{"new": int64(2)})
		dead(t, site, key, sessions.ErrExpired)
	}},

	{"an expired session can be dropped at once, as Django does", func(t *testing.T, site *Site) {
		site = site.With(func(o *sessions.Options) { o.DropRejected = true })
		b := signedUp(t, site, map[string]any{"a": 1})
		site.Clock.Advance(twoWeeks)
		reply := b.Visit(look)
		done(t, reply)
		Equal(t, "Set-Cookie", reply.Header["Set-Cookie"], []string{erased})
	}},
}
