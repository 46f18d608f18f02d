// The suite for engines: sessions that belong to no user are bounded.

package storetest

import (
	"strings"
	"testing"
	"time"

	"cookielab/sessions"
)

// known counts the browsers whose key still opens a session.
func known(t *testing.T, site *Site, browsers []*Browser) (n int) {
	t.Helper()
	for _, b := range browsers {
		there, err := site.Manager.Exists(t.Context(), b.Key())
		Is(t, "Exists", err, nil)
		if there {
			n++
		}
	}
	return n
}

var quotaFacts = []engineFact{
	{"sessions of no user stay within the quota: those saved longest ago are removed, and none of a user", func(t *testing.T, site *Site) {
		const quota = 32
		site = site.With(func(o *sessions.Options) { o.Quota.Records = quota })
		alice := signIn(t, site, "alice")
		saved, left := signedUp(t, site, map[string]any{"a": 1}), signedUp(t, site, map[string]any{"a": 1})
		var flood []*Browser
		for i := range 5 * quota {
			site.Clock.Advance(time.Second)
			flood = append(flood, signedUp(t, site, map[string]any{"a": 1}))
			if i%8 == 0 {
				done(t, saved.Visit(setter("a", i)))
				if n := known(t, site, flood); n > quota*5/4 {
					t.Fatalf("%d sessions of nobody, with a quota of %d", n, quota)
				}
			}
		}
		if n := known(t, site, flood); n < quota-2 {
			t.Errorf("only %d are left, with a quota of %d", n, quota)
		}
		Equal(t, "of the last half a quota, left", known(t, site, flood[len(flood)-quota/2:]), quota/2)
		dead(t, site, left.Key(), sessions.ErrNotFound)
		done(t, saved.Visit(func(s *sessions.Session) error { Is(t, "saved again and again", s.Rejected(), nil); return nil }))
		holds(t, alice, map[string]any{sessions.UserKey: "alice"})
	}},

	{"the quota counts bytes, too", func(t *testing.T, site *Site) {
		site = site.With(func(o *sessions.Options) { o.Quota.Bytes = 16 << 10 })
		alice := signedUp(t, site, map[string]any{sessions.UserKey: "alice", "a": strings.Repeat("x", 32<<10)})
		var flood []*Browser
		for range 40 {
			site.Clock.Advance(time.Second)
			flood = append(flood, signedUp(t, site, map[string]any{"a": strings.Repeat("x", 1000)}))
			if n := known(t, site, flood); n > 20 {
				t.Fatalf("%d sessions of 1 KB, with a quota of 16", n)
			}
		}
		if n := known(t, site, flood); n < 15 {
			t.Errorf("only %d are left", n)
		}
		done(t, alice.Visit(func(s *sessions.Session) error { Is(t, "alice", s.Rejected(), nil); return nil }))
	}},

	{"a session of no user has no owner, although the store files it under one", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1})
		Equal(t, "Owner", recordOfBrowser(t, b).Owner, "")
		found, err := site.Manager.Find(t.Context(), recordOfBrowser(t, b).ID)
		Is(t, "Find", err, nil)
		Equal(t, "Owner", found.Owner, "")
		n, more, err := site.Manager.EndOthers(t.Context(), "", sessions.ID{})
		Is(t, "EndOthers", err, nil)
		Equal(t, "ended of nobody's", n, 0)
		Equal(t, "more", more, false)
		holds(t, b, map[string]any{"a": int64(1)})
	}},
}
