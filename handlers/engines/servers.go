// The servers behind the engines page: two, each with connections and a memory
// of its own, in the same places. So a restart and a second server are not told
// of, but happen.

package engines

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/sessions"
)

// Path is where the page lives, and where its cookies are sent.
const Path = "/engines"

// djangoCachedDB is no engine of ours: cached_db as Django reads it, for comparison.
const djangoCachedDB = "django"

// CookieName returns the name of an engine's cookie on the page.
func CookieName(engine string) string { return "lab_" + Purpose(engine) }

// Purpose returns what is mixed into an engine's keys, so that they open nothing else. Django's
// way reads what cached_db wrote, with the same key.
func Purpose(engine string) string {
	if engine == djangoCachedDB {
		engine = sessions.EngineCachedDB
	}
	return "e_" + engine
}

// cluster is what the page works with, for all visitors.
type cluster struct {
	first, second *server // this server, and a second one
	// queue lets one action at a time happen, from its writing to its last reading:
	// else one visitor's restart would be the other's outcome.
	queue   chan struct{}
	cleaned sync.WaitGroup
}

// server is one of the two.
type server struct {
	config Config
	second bool
	inner  *echo.Echo
	hold   echo.MiddlewareFunc

	// open is held for reading while the stores are in use, for writing while
	// they are closed.
	open   sync.RWMutex
	stores *sessions.Stores // which open when they are first asked for

	mu       sync.Mutex
	managers map[string]*sessions.Manager
}

func newCluster(config Config, closing context.Context) *cluster {
	c := &cluster{first: newServer(config), second: newServer(config), queue: make(chan struct{}, 1)}
	c.second.second = true
	for _, s := range []*server{c.first, c.second} {
		c.cleaned.Go(func() { s.stores.Clean(closing, time.Minute) })
	}
	return c
}

func newServer(config Config) *server {
	backend := config.Backend
	backend.Clock, backend.Logger = config.Clock, config.Log
	s := &server{config: config, inner: echo.New(), hold: sessions.Hold(), stores: backend.Stores(), managers: map[string]*sessions.Manager{}}
	s.inner.HTTPErrorHandler = func(err error, c echo.Context) {
		*c.Request().Context().Value(visitErrorKey{}).(*error) = err
		_ = c.NoContent(input.AsProblem(err).Status) // to memory, which does not fail
	}
	return s
}

// begin waits for the turn; done gives it back.
func (c *cluster) begin(ctx context.Context) (done func(), err error) {
	select {
	case c.queue <- struct{}{}:
		return func() { <-c.queue }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: others are at work on the engines page: %w", sessions.ErrUnavailable, ctx.Err())
	}
}

// close closes the stores of both, once nothing cleans them any more.
func (c *cluster) close() error {
	c.cleaned.Wait()
	return errors.Join(c.first.restart(), c.second.restart())
}

// restart closes the stores. They are opened again when they are asked for; what
// lay in memory does not come back.
func (s *server) restart() error {
	s.open.Lock()
	defer s.open.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.managers)
	return s.stores.Close()
}

// clearCache empties the cache.
func (s *server) clearCache(ctx context.Context) error {
	s.open.RLock()
	defer s.open.RUnlock()
	cache, err := s.stores.Cache(ctx)
	if err != nil {
		return err
	}
	return cache.Clear(ctx)
}

// endAll ends all of the page's sessions, as far as the stores can be reached.
func (c *cluster) endAll(ctx context.Context) {
	if err := errors.Join(c.first.endAll(ctx), c.second.endAll(ctx)); err != nil {
		c.first.config.Log.Warn("sessions of the engines page stay until their time is over", "error", err)
	}
}

func (s *server) endAll(ctx context.Context) error {
	s.open.RLock()
	defer s.open.RUnlock()
	var errs []error
	for _, engine := range sessions.Engines() {
		store, err := s.stores.Engine(ctx, engine)
		if err == nil && store != nil { // signed_cookies has none
			_, err = sessions.EndAll(ctx, store)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// end ends a session, if it is there.
func (s *server) end(ctx context.Context, engine string, id sessions.ID) error {
	s.open.RLock()
	defer s.open.RUnlock()
	m, err := s.manager(ctx, engine)
	if err != nil {
		return err
	}
	if err = m.End(ctx, id, 0); errors.Is(err, sessions.ErrNotFound) || errors.Is(err, sessions.ErrNotSupported) {
		return nil
	}
	return err
}

// manager is the one of an engine, as any program makes it.
func (s *server) manager(ctx context.Context, name string) (*sessions.Manager, error) {
	s.mu.Lock()
	m := s.managers[name]
	s.mu.Unlock()
	if m != nil {
		return m, nil
	}
	engine, err := s.engine(ctx, name)
	if err != nil {
		return nil, err
	}
	o := s.config.Cookie
	o.Name, o.Path, o.Domain, o.HTTPOnly, o.SameSite = CookieName(name), Path, "", true, http.SameSiteLaxMode
	o.Clock, o.Logger = s.config.Clock, s.config.Log
	if m, err = sessions.New(engine, o); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if already := s.managers[name]; already != nil {
		return already, nil // two at once; one, so that its commits queue up
	}
	s.managers[name] = m
	return m, nil
}

func (s *server) engine(ctx context.Context, name string) (sessions.Engine, error) {
	purpose := Purpose(name)
	switch name {
	case sessions.EngineSignedCookies:
		signer, err := sessions.NewSigner(purpose, s.config.Secrets...)
		if err != nil {
			return nil, err
		}
		return sessions.SignedCookies(signer, s.config.Clock), nil
	case djangoCachedDB:
		cached, err := s.stores.Engine(ctx, sessions.EngineCachedDB)
		if err != nil {
			return nil, err
		}
		cache, err := s.stores.Cache(ctx)
		if err != nil {
			return nil, err
		}
		return sessions.Keyed(purpose, cacheAlone{cached, cache}), nil
	default:
		store, err := s.stores.Engine(ctx, name)
		if err != nil {
			return nil, err
		}
		return sessions.Keyed(purpose, store), nil
	}
}

// cacheAlone is UNSAFE, and here to be seen so: it reads as Django's cached_db
// does. A copy in the cache is believed without asking the database, so a session
// that was ended on another server lives on until its copy goes.
type cacheAlone struct {
	sessions.Store // cached_db, as it should be
	cache          sessions.Cache
}

// String names the store in traces.
func (s cacheAlone) String() string { return "the cache alone" }

// Load believes the copy; without one it asks as cached_db does.
func (s cacheAlone) Load(ctx context.Context, id sessions.ID) (sessions.Record, error) {
	rec, err := s.cache.Load(ctx, id)
	if err == nil || errors.Is(err, sessions.ErrExpired) {
		return rec, err
	}
	return s.Store.Load(ctx, id)
}

// serverOp is a store operation of one of the two servers.
type serverOp struct {
	Second bool
	sessions.StoreOp
}

// trial is one engine during one action.
type trial struct {
	engine string
	name   string // of its cookie

	mu      sync.Mutex // two tabs may be at work
	value   string     // what the browser carries by now
	carried bool
	set     string // the last Set-Cookie line for it, "": none
	ops     []serverOp

	counter int64      // before the action
	fresh   bool       // there was no session, so one was written first
	reading []serverOp // the operations of the last reading, and those of Django's
	django  []serverOp
	result
}

// decided reports whether there is nothing more to find out.
func (t *trial) decided() bool { return t.Outcome != "" }

// visitErrorKey is the key, in a visit's context, of the *error that the error handler sets.
type visitErrorKey struct{}

// visit is a request of its own to this server: it carries the engine's cookie
// alone, and its reply is held like any other, so that a store that fails costs
// the other engines nothing. What it asks of the stores stands on the page and
// not on the wire. reply is the Set-Cookie line that came back; it is for the
// caller to hand to the browser.
func (s *server) visit(ctx context.Context, t *trial, engine string, use func(*sessions.Session) error) (reply string, ops []serverOp, err error) {
	s.open.RLock()
	defer s.open.RUnlock()
	m, err := s.manager(ctx, engine)
	if err != nil {
		return "", nil, err
	}
	var failed error
	ctx = context.WithValue(ctx, visitErrorKey{}, &failed)
	var mu sync.Mutex
	ctx = sessions.WithTrace(ctx, &sessions.Trace{StoreDone: func(op sessions.StoreOp) {
		mu.Lock()
		defer mu.Unlock()
		ops = append(ops, serverOp{s.second, op})
	}})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, Path, http.NoBody)
	if err != nil {
		return "", nil, err
	}
	t.mu.Lock()
	if t.carried {
		request.Header.Set("Cookie", t.name+"="+t.value)
	}
	t.mu.Unlock()
	written := &headersOnly{header: http.Header{}}
	c := s.inner.NewContext(request, written)
	err = s.hold(func(c echo.Context) error {
		session, err := m.Load(c)
		if err != nil {
			return err
		}
		if err := use(session); err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	})(c)
	if failed != nil {
		err = failed
	}
	if lines := written.header["Set-Cookie"]; len(lines) > 0 {
		reply = lines[len(lines)-1]
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ops = append(t.ops, ops...)
	return reply, ops, err
}

// take gives the browser a Set-Cookie line.
func (t *trial) take(line string) {
	if line == "" {
		return
	}
	cookie, err := http.ParseSetCookie(line)
	if err != nil {
		return // what a manager writes can be read
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.set, t.value, t.carried = line, cookie.Value, cookie.MaxAge >= 0
}

// headersOnly is a reply of which only the headers are read.
type headersOnly struct{ header http.Header }

// Header returns the headers, for the handler to set.
func (r *headersOnly) Header() http.Header { return r.header }

// WriteHeader ignores the status.
func (r *headersOnly) WriteHeader(int) {}

// Write drops the body.
func (r *headersOnly) Write(b []byte) (int, error) { return len(b), nil }
