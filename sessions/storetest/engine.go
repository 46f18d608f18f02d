// The suite for engines: what Django 3.2 tests and does (comments give the names
// of its tests, test_…), and what this package promises beyond it.
// Where we differ on purpose, a comment says "Django:".

package storetest

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/labstack/echo/v4"

	"cookielab/sessions"
)

// Engine checks an engine over a store as a program uses it: through a
// [sessions.Manager], [sessions.Hold] and HTTP. open must give a new engine that
// remembers nothing and judges age by the clock; it closes what it opened with
// t.Cleanup.
func Engine(t *testing.T, open func(t *testing.T, clock sessions.Clock) sessions.Engine) {
	checkEngine(t, open, append(everyFact(), factGroup{"directory", directoryFacts}, factGroup{"replaced", replacedFacts}, factGroup{"quota", quotaFacts}))
}

// SelfContained checks an engine that keeps nothing on the server: all that
// Engine checks but what only records can give, and what takes its place.
func SelfContained(t *testing.T, open func(t *testing.T, clock sessions.Clock) sessions.Engine) {
	groups, left := everyFact(), maps.Clone(needRecords)
	for i, group := range groups {
		groups[i].facts = slices.DeleteFunc(slices.Clone(group.facts), func(fact engineFact) bool {
			_, needs := left[fact.name]
			delete(left, fact.name)
			return needs
		})
	}
	for name := range left {
		t.Errorf("no fact has the name %q", name)
	}
	checkEngine(t, open, append(groups, factGroup{"self-contained", selfContainedFacts}))
}

func everyFact() []factGroup {
	return []factGroup{
		{"data", dataFacts},
		{"update", editFacts},
		{"life", lifeFacts},
		{"keys", keyFacts},
		{"expiry", expiryFacts},
		{"reply", replyFacts},
		{"cookie", cookieFacts},
		{"failure", failureFacts},
		{"meanwhile", meanwhileFacts},
		{"together", togetherFacts},
	}
}

func checkEngine(t *testing.T, open func(t *testing.T, clock sessions.Clock) sessions.Engine, groups []factGroup) {
	for _, group := range groups {
		t.Run(group.name, func(t *testing.T) {
			for _, fact := range group.facts {
				t.Run(fact.name, func(t *testing.T) {
					clock := NewClock()
					fact.check(t, NewSite(t, open(t, clock.Now), clock, nil))
				})
			}
		})
	}
}

type factGroup struct {
	name  string
	facts []engineFact
}

type engineFact struct {
	name  string
	check func(t *testing.T, site *Site)
}

// signedUp is a browser whose session holds these values already.
func signedUp(t *testing.T, site *Site, values map[string]any) *Browser {
	t.Helper()
	b := site.Browser()
	done(t, b.Visit(func(s *sessions.Session) error { return setAll(s, values) }))
	if b.Key() == "" {
		t.Fatal("the browser got no key")
	}
	return b
}

func setAll(s *sessions.Session, values map[string]any) error {
	for key, value := range values {
		if err := s.Set(key, value); err != nil {
			return err
		}
	}
	return nil
}

// done checks that a visit came to its end.
func done(t *testing.T, reply Reply) {
	t.Helper()
	Equal(t, "status", reply.Status, http.StatusOK)
	Equal(t, "body", reply.Body, "done")
}

// refused checks a reply in place of the handler's own: its status, and that
// nothing of what the handler wrote came along.
func refused(t *testing.T, reply Reply, status int) {
	t.Helper()
	Equal(t, "status", reply.Status, status)
	Equal(t, "Set-Cookie", reply.Header["Set-Cookie"], nil)
	if reply.Body == "done" {
		t.Error("the handler's body came along")
	}
}

// holds checks what the browser's session holds, as the next request finds it.
func holds(t *testing.T, b *Browser, want map[string]any) {
	t.Helper()
	done(t, b.Visit(func(s *sessions.Session) error {
		Is(t, "why there is no session", s.Rejected(), nil)
		Equal(t, "items", s.Items(), want)
		return nil
	}))
}

// dead checks that a key stands for nothing any more.
func dead(t *testing.T, site *Site, key string, why error) {
	t.Helper()
	_, err := site.Engine.Load(context.Background(), key)
	Is(t, "Load of a dead key", err, why)
	done(t, site.Browser().Carry(key).Visit(func(s *sessions.Session) error {
		Is(t, "Rejected", s.Rejected(), why)
		Equal(t, "Key", s.Key(), "")
		Equal(t, "items", s.Items(), map[string]any{})
		return nil
	}))
}

func flags(t *testing.T, s *sessions.Session, accessed, modified bool) {
	t.Helper()
	Equal(t, "accessed", s.Accessed(), accessed)
	Equal(t, "modified", s.Modified(), modified)
}

// silent checks a reply that tells the browser nothing about its session.
func silent(t *testing.T, reply Reply) {
	t.Helper()
	Equal(t, "Set-Cookie", reply.Header["Set-Cookie"], nil)
}

func logout(s *sessions.Session) error {
	s.Flush()
	return nil
}

func setter(key string, value any) func(*sessions.Session) error {
	return func(s *sessions.Session) error { return s.Set(key, value) }
}

func look(s *sessions.Session) error {
	s.Keys()
	return nil
}

// status is a handler's reply with a status of its own, after work.
func status(site *Site, code int, work func(*sessions.Session) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		session, err := site.Manager.Load(c)
		if err != nil {
			return err
		}
		return errors.Join(work(session), c.String(code, "done"))
	}
}
