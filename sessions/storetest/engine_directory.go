// The suite for engines: sessions found, listed and ended by others than those
// who carry them.

package storetest

import (
	"testing"
	"time"

	"cookielab/sessions"
)

// signIn is a browser that is signed in.
func signIn(t *testing.T, site *Site, user string) *Browser {
	t.Helper()
	return signedUp(t, site, map[string]any{sessions.UserKey: user})
}

// recordOfBrowser is what the browser's session is filed as.
func recordOfBrowser(t *testing.T, b *Browser) (rec sessions.Record) {
	t.Helper()
	done(t, b.Twin().Visit(func(s *sessions.Session) error {
		var filed bool
		rec, filed = s.Record()
		Equal(t, "filed", filed, true)
		return nil
	}))
	return rec
}

var directoryFacts = []engineFact{
	{"a user's sessions are listed, the last saved first, and nobody else's", func(t *testing.T, site *Site) {
		first := signIn(t, site, "alice")
		site.Clock.Advance(time.Second)
		second := signIn(t, site, "alice")
		signIn(t, site, "bob")
		signedUp(t, site, map[string]any{"a": 1})
		want := []sessions.ID{recordOfBrowser(t, second).ID, recordOfBrowser(t, first).ID}
		owned, err := site.Manager.Owned(t.Context(), "alice", sessions.Record{}, 1000)
		Is(t, "Owned", err, nil)
		Equal(t, "IDs", ids(owned), want)
		for _, rec := range owned {
			Equal(t, "Owner", rec.Owner, "alice")
			Equal(t, "bytes of data in the list", len(rec.Data), 0)
		}
		for _, nobody := range []string{"", "carol", "alic", "alice2", "Alice", "session:alice", "%", "*"} {
			owned, err := site.Manager.Owned(t.Context(), nobody, sessions.Record{}, 1000)
			Is(t, "Owned "+nobody, err, nil)
			Equal(t, "sessions of "+nobody, len(owned), 0)
		}
	}},

	{"CycleKey, logout and expiry take a session off the list", func(t *testing.T, site *Site) {
		b := signIn(t, site, "alice")
		before := recordOfBrowser(t, b).ID
		done(t, b.Visit(func(s *sessions.Session) error { s.CycleKey(); return nil }))
		after := recordOfBrowser(t, b).ID
		owned, err := site.Manager.Owned(t.Context(), "alice", sessions.Record{}, 1000)
		Is(t, "Owned", err, nil)
		Equal(t, "after CycleKey", ids(owned), []sessions.ID{after})
		_, err = site.Manager.Find(t.Context(), before)
		Is(t, "Find of what was cycled", err, sessions.ErrNotFound)
		done(t, b.Visit(logout))
		owned, err = site.Manager.Owned(t.Context(), "alice", sessions.Record{}, 1000)
		Is(t, "Owned", err, nil)
		Equal(t, "after a logout", len(owned), 0)
		late := signIn(t, site, "alice")
		done(t, late.Visit(expire(sessions.Idle(time.Minute))))
		site.Clock.Advance(time.Minute)
		owned, err = site.Manager.Owned(t.Context(), "alice", sessions.Record{}, 1000)
		Is(t, "Owned", err, nil)
		Equal(t, "after its time", len(owned), 0)
		rec, err := site.Manager.Find(t.Context(), recordOfExpired(t, late).ID)
		Is(t, "Find of what has expired", err, sessions.ErrExpired)
		Equal(t, "Owner", rec.Owner, "alice")
	}},

	{"End ends the one session, whoever carries it", func(t *testing.T, site *Site) {
		one, other := signIn(t, site, "alice"), signIn(t, site, "alice")
		rec := recordOfBrowser(t, one)
		Is(t, "End of an older version", site.Manager.End(t.Context(), rec.ID, rec.Version+1), sessions.ErrConflict)
		holds(t, one, map[string]any{sessions.UserKey: "alice"})
		Is(t, "End", site.Manager.End(t.Context(), rec.ID, rec.Version), nil)
		dead(t, site, one.Key(), sessions.ErrNotFound)
		holds(t, other, map[string]any{sessions.UserKey: "alice"})
		Is(t, "End again", site.Manager.End(t.Context(), rec.ID, 0), sessions.ErrNotFound)
	}},

	{"EndOthers leaves the one, and what is nobody else's", func(t *testing.T, site *Site) {
		kept, bob := signIn(t, site, "alice"), signIn(t, site, "bob")
		var others []*Browser
		for range 3 {
			others = append(others, signIn(t, site, "alice"))
		}
		n, more, err := site.Manager.EndOthers(t.Context(), "alice", recordOfBrowser(t, kept).ID)
		Is(t, "EndOthers", err, nil)
		Equal(t, "more", more, false)
		Equal(t, "ended", n, 3)
		for _, b := range others {
			dead(t, site, b.Key(), sessions.ErrNotFound)
		}
		holds(t, kept, map[string]any{sessions.UserKey: "alice"})
		holds(t, bob, map[string]any{sessions.UserKey: "bob"})
	}},

	// test_delete: exists does not look at expiry
	{"Exists is true from the save to the end, also of what has expired", func(t *testing.T, site *Site) {
		exists := func(key string, want bool) {
			t.Helper()
			got, err := site.Manager.Exists(t.Context(), key)
			Is(t, "Exists", err, nil)
			Equal(t, "Exists "+key, got, want)
		}
		b := signIn(t, site, "alice")
		exists(b.Key(), true)
		site.Clock.Advance(twoWeeks)
		exists(b.Key(), true)
		n, err := site.Manager.ClearExpired(t.Context())
		Is(t, "ClearExpired", err, nil)
		Equal(t, "cleared", n, 1)
		for _, key := range []string{b.Key(), "", "1", "../../etc/passwd", sessions.NewKey()} {
			exists(key, false)
		}
	}},

	{"Create makes a session that no request carries", func(t *testing.T, site *Site) {
		made, err := site.Manager.Create(t.Context(), func(s *sessions.Session) error { return s.Set("a", 1) })
		Is(t, "Create", err, nil)
		holds(t, site.Browser().Carry(made.Key()), map[string]any{"a": int64(1)})
		_, err = site.Manager.Create(t.Context(), func(*sessions.Session) error { return sessions.ErrEnded })
		Is(t, "Create that its maker ends", err, sessions.ErrEnded)
	}},

	// Django: session.save
	{"Save saves at once, whatever becomes of the reply, and the client is told", func(t *testing.T, site *Site) {
		b := site.Browser()
		var key string
		reply := b.Visit(func(s *sessions.Session) error {
			Is(t, "Save of nothing", s.Save(t.Context()), nil)
			Equal(t, "Key", s.Key(), "")
			Is(t, "Set", s.Set("a", 1), nil)
			Is(t, "Save", s.Save(t.Context()), nil)
			key = s.Key()
			Equal(t, "modified", s.Modified(), true)
			return s.Set("b", 2)
		})
		done(t, reply)
		Equal(t, "what the browser carries", b.Key(), key)
		holds(t, b, map[string]any{"a": int64(1), "b": int64(2)})
		failed := b.Twin().Visit(func(s *sessions.Session) error {
			Is(t, "Set", s.Set("c", 3), nil)
			Is(t, "Save", s.Save(t.Context()), nil)
			return sessions.ErrUnavailable
		})
		refused(t, failed, 503)
		holds(t, b, map[string]any{"a": int64(1), "b": int64(2), "c": int64(3)})
	}},
}

// recordOfExpired is what the browser's expired session is filed as.
func recordOfExpired(t *testing.T, b *Browser) (rec sessions.Record) {
	t.Helper()
	done(t, b.Twin().Visit(func(s *sessions.Session) error {
		var lies bool
		rec, lies = s.Expired()
		Equal(t, "lies there", lies, true)
		return nil
	}))
	return rec
}
