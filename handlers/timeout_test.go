// Every reply is sent before the server closes the connection, however slow the stores
// are (in its own time: testing/synctest).

package handlers_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"cookielab/sessions"
)

// slow is a store that takes this long for each operation. It gives up as soon as our
// stores do, or when its context ends.
type slow struct {
	sessions.Store
	takes *time.Duration
}

func (s slow) wait(ctx context.Context) error {
	const most = 5 * time.Second // as long as our stores wait for a database
	select {
	case <-time.After(min(*s.takes, most)):
		if *s.takes > most {
			return sessions.ErrUnavailable
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", sessions.ErrUnavailable, ctx.Err())
	}
}

func (s slow) Create(ctx context.Context, rec sessions.Record) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	return s.Store.Create(ctx, rec)
}

func (s slow) Load(ctx context.Context, id sessions.ID) (sessions.Record, error) {
	if err := s.wait(ctx); err != nil {
		return sessions.Record{}, err
	}
	return s.Store.Load(ctx, id)
}

func (s slow) Update(ctx context.Context, rec sessions.Record) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	return s.Store.Update(ctx, rec)
}

func (s slow) Delete(ctx context.Context, id sessions.ID, version uint64) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	return s.Store.Delete(ctx, id, version)
}

func (s slow) ByOwner(ctx context.Context, owner string, after sessions.Record, limit int) ([]sessions.Record, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	return s.Store.ByOwner(ctx, owner, after, limit)
}

func (s slow) ClearExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	if err := s.wait(ctx); err != nil {
		return 0, err
	}
	return s.Store.ClearExpired(ctx, before, limit)
}

func TestRepliesLeaveInTime(t *testing.T) {
	for _, takes := range []time.Duration{1900 * time.Millisecond, 4900 * time.Millisecond, time.Hour} {
		t.Run(takes.String(), func(t *testing.T) {
			inItsOwnTime(t, func(t *testing.T, lab *testLab, _ func() net.Conn) {
				lab.web.Timeout = time.Minute
				c := lab.client().signIn("teacher")
				for range 3 {
					lab.client().signIn("teacher")
				}
				var nothing time.Duration
				s, n := slow{Store: lab.sessions.Store, takes: &nothing}, slow{Store: lab.notebooks.Store, takes: &nothing}
				lab.sessions.Store, lab.notebooks.Store = s, n
				ask := func(method, path string, form url.Values) {
					twin := c.thief()
					nothing = takes
					began := time.Now()
					var r reply
					if method == http.MethodGet {
						r = twin.get(path)
					} else if strings.HasPrefix(path, "/api/") {
						r = twin.do(method, path, body("application/json", form.Get("json")))
					} else {
						r = twin.post(path, form)
					}
					took := time.Since(began)
					nothing = 0
					if took > 28*time.Second || r.status >= 500 && r.status != http.StatusServiceUnavailable && r.status != http.StatusBadGateway {
						t.Errorf("%s %s is answered %d after %v", method, path, r.status, took)
					}
				}
				for _, path := range []string{"/", "/login", "/dashboard", "/lessons", "/lessons/planted", "/notes", "/handout", "/wire", "/tokens", "/console", "/dissect",
					"/composer", "/sent", "/door/session", "/class", "/reset", "/sessions", "/api/lanes", "/api/whoami", "/api/wire", "/healthz", "/engines", "/none"} {
					ask(http.MethodGet, path, nil)
				}
				for path, form := range map[string]url.Values{
					"/login": login("alice"), "/logout": nil, "/tokens": login("alice"), "/act/edit": nil, "/act/expire": nil, "/act/restore": nil, "/act/logout/session": nil,
					"/sessions/end": {"id": {strings.Repeat("a", 64)}}, "/sessions/end-others": nil, "/class": {"sure": {"yes"}}, "/reset": nil,
					"/lessons/planted": {"act": {"invent"}}, "/console": {"call": {"set"}, "key": {"a"}, "value": {"1"}},
					"/api/session/set":       {"json": {`{"key":"a","value":1,"think_ms":2000}`}},
					"/api/session/add":       {"json": {`{"key":"a"}`}},
					"/api/session/cycle_key": {"json": {`{}`}},
					"/api/token":             {"json": {`{"username":"alice","password":"` + classPassword + `"}`}},
					"/engines/write":         nil,
				} {
					ask(http.MethodPost, path, form)
				}
			})
		})
	}
}
