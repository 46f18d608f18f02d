// The suite for engines: what cannot be saved, and an engine that does not
// answer. A broken disk never means "nobody".

package storetest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"cookielab/sessions"
)

// broken is an engine that does not answer, as one whose store is down.
type broken struct {
	sessions.Engine
	load, commit error
}

func (e *broken) Load(ctx context.Context, value string) (*sessions.State, error) {
	if e.load != nil {
		return nil, e.load
	}
	return e.Engine.Load(ctx, value)
}

func (e *broken) Commit(ctx context.Context, state *sessions.State, changes sessions.Changes) (*sessions.State, error) {
	if e.commit != nil {
		return nil, e.commit
	}
	return e.Engine.Commit(ctx, state, changes)
}

// halfPage loads the session, changes it, writes a cookie and a body of its
// own, and only then hands on what went wrong.
func halfPage(site *Site, change func(*sessions.Session) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.SetCookie(&http.Cookie{Name: "half", Value: "page"})
		s, err := site.Manager.Load(c)
		if err != nil {
			return err
		}
		return errors.Join(c.String(http.StatusOK, "done"), change(s))
	}
}

// fill makes the stored data exactly so many bytes long.
func fill(bytes int) string { return strings.Repeat("x", bytes-len(`{"a":""}`)) }

var failureFacts = []engineFact{
	{"an engine that fails at the load answers 503 with Retry-After and no Set-Cookie", func(t *testing.T, site *Site) {
		engine := &broken{Engine: site.Engine}
		site = NewSite(t, engine, site.Clock, nil)
		b := signedUp(t, site, map[string]any{"a": 1})
		engine.load = sessions.ErrUnavailable
		reply := b.Do(http.MethodGet, halfPage(site, look))
		refused(t, reply, http.StatusServiceUnavailable)
		Equal(t, "Retry-After", reply.Header.Get("Retry-After"), "5")
		engine.load = nil
		holds(t, b, map[string]any{"a": int64(1)}) // nobody was signed out
	}},

	{"an engine that fails at the save answers 503 with Retry-After and no Set-Cookie", func(t *testing.T, site *Site) {
		engine := &broken{Engine: site.Engine}
		site = NewSite(t, engine, site.Clock, nil)
		b := signedUp(t, site, map[string]any{"a": 1})
		engine.commit = sessions.ErrUnavailable
		for name, change := range map[string]func(*sessions.Session) error{
			"Set":      setter("a", 2),
			"Flush":    logout,
			"CycleKey": func(s *sessions.Session) error { s.CycleKey(); return nil },
			"Update":   func(s *sessions.Session) error { return count(s, "a") },
		} {
			for _, b := range []*Browser{b, site.Browser()} {
				if b.Key() == "" && name != "Set" {
					continue // there is nothing to save
				}
				reply := b.Do(http.MethodGet, halfPage(site, change))
				refused(t, reply, http.StatusServiceUnavailable)
				Equal(t, name+": Retry-After", reply.Header.Get("Retry-After"), "5")
			}
		}
		engine.commit = nil
		holds(t, b, map[string]any{"a": int64(1)})
	}},

	{"a save that fails otherwise answers 500, and no Set-Cookie", func(t *testing.T, site *Site) {
		engine := &broken{Engine: site.Engine}
		site = NewSite(t, engine, site.Clock, nil)
		b := signedUp(t, site, map[string]any{"a": 1})
		engine.commit = errChange
		reply := b.Do(http.MethodGet, halfPage(site, setter("a", 2)))
		refused(t, reply, http.StatusInternalServerError)
		Equal(t, "Retry-After", reply.Header.Get("Retry-After"), "")
		if strings.Contains(reply.Body, errChange.Error()) {
			t.Errorf("the cause was told to the client: %s", reply.Body)
		}
	}},

	{"a session can hold 64 KB and not a byte more, and what it held stays", func(t *testing.T, site *Site) {
		// Django: no limit at all.
		b := signedUp(t, site, map[string]any{"a": fill(sessions.MaxStored)})
		for name, change := range map[string]func(*sessions.Session) error{
			"Set": setter("a", fill(sessions.MaxStored+1)),
			"Update": func(s *sessions.Session) error {
				err := s.Update(context.Background(), func(values sessions.Values) error {
					return values.Set("a", fill(sessions.MaxStored+1))
				})
				Is(t, "Update", err, sessions.ErrTooLarge)
				return err
			},
			"CycleKey": func(s *sessions.Session) error { s.CycleKey(); return s.Set("b", 1) },
		} {
			key := b.Key()
			refused(t, b.Do(http.MethodGet, halfPage(site, change)), http.StatusRequestEntityTooLarge)
			Equal(t, name+": key", b.Key(), key)
			holds(t, b, map[string]any{"a": fill(sessions.MaxStored)})
		}
		refused(t, site.Browser().Visit(setter("a", fill(sessions.MaxStored+1))), http.StatusRequestEntityTooLarge)
	}},

	{"an error that the handler passes on after writing is not lost", func(t *testing.T, site *Site) {
		// Echo alone would let the half-written 200 go.
		b := signedUp(t, site, map[string]any{"a": 1})
		for err, code := range map[error]int{errChange: 500, echo.ErrNotFound: 404, echo.ErrServiceUnavailable: 503} {
			reply := b.Do(http.MethodGet, func(c echo.Context) error {
				if err := c.String(http.StatusOK, "done"); err != nil {
					return err
				}
				return err
			})
			refused(t, reply, code)
		}
	}},
}
