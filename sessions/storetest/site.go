// Site and Browser: a program to visit, over real HTTP, and a client that keeps
// cookies.

package storetest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/labstack/echo/v4"

	"cookielab/sessions"
)

// Site is an Echo program with [sessions.Hold] and one manager. What its only
// route does is said by each request: see [Browser.Do].
type Site struct {
	Engine  sessions.Engine
	Clock   *Clock
	Manager *sessions.Manager
	Echo    *echo.Echo

	t        testing.TB
	server   *httptest.Server
	visits   atomic.Int64
	handlers sync.Map // visit number → echo.HandlerFunc
}

// visitHeader says which handler a request is for.
const visitHeader = "Storetest-Visit"

// NewSite opens a site whose manager has the default options, changed by
// change if that is not nil. It closes with the test.
func NewSite(t testing.TB, engine sessions.Engine, clock *Clock, change func(*sessions.Options)) *Site {
	t.Helper()
	options := sessions.DefaultOptions()
	options.Clock = clock.Now
	if change != nil {
		change(&options)
	}
	manager, err := sessions.New(engine, options)
	if err != nil {
		t.Fatal(err)
	}
	s := &Site{Engine: engine, Clock: clock, Manager: manager, Echo: echo.New(), t: t}
	s.Echo.Use(sessions.Hold())
	s.Echo.Any("/", func(c echo.Context) error {
		handler, ok := s.handlers.LoadAndDelete(c.Request().Header.Get(visitHeader))
		if !ok {
			return echo.ErrNotFound
		}
		return handler.(echo.HandlerFunc)(c)
	})
	s.server = httptest.NewServer(s.Echo)
	s.server.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = 1000
	t.Cleanup(s.server.Close)
	return s
}

// With opens another site over the same engine, clock and cookie, with other
// options.
func (s *Site) With(change func(*sessions.Options)) *Site {
	s.t.Helper()
	return NewSite(s.t, s.Engine, s.Clock, change)
}

// Browser makes a client without cookies.
func (s *Site) Browser() *Browser { return &Browser{site: s, cookies: map[string]string{}} }

// Browser is a client that keeps the cookies it is given until it is told to
// forget them. It has no clock: whether a session is over is for the server to
// say, which must not trust a browser with it.
type Browser struct {
	site    *Site
	mu      sync.Mutex
	cookies map[string]string
}

// Key is what the browser carries in the session cookie, "" for none.
func (b *Browser) Key() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cookies[b.site.Manager.Options().Name]
}

// Carry makes the browser carry something else in the session cookie.
func (b *Browser) Carry(value string) *Browser {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cookies[b.site.Manager.Options().Name] = value
	return b
}

// Twin is another client with the same session cookie: what it is given does
// not change what this one carries.
func (b *Browser) Twin() *Browser { return b.At(b.site) }

// At is a twin that visits another site.
func (b *Browser) At(site *Site) *Browser {
	twin := site.Browser()
	if key := b.Key(); key != "" {
		twin.Carry(key)
	}
	return twin
}

// Reply is what a browser got back.
type Reply struct {
	Status  int
	Header  http.Header
	Body    string
	Cookies []*http.Cookie // what Set-Cookie says
}

// Cookie is the Set-Cookie of a name, nil if there is none.
func (r Reply) Cookie(name string) *http.Cookie {
	for _, cookie := range r.Cookies {
		if cookie.Name == name {
			return cookie
		}
	}
	return nil
}

// Visit sends a GET whose handler loads the session, lets work use it, and
// answers "done" with status 200 if that gives no error.
func (b *Browser) Visit(work func(*sessions.Session) error) Reply {
	b.site.t.Helper()
	return b.Do(http.MethodGet, func(c echo.Context) error {
		session, err := b.site.Manager.Load(c)
		if err != nil {
			return err
		}
		if err := work(session); err != nil {
			return err
		}
		return c.String(http.StatusOK, "done")
	})
}

// Do sends a request and has it answered by handler, inside Hold. It may be
// called in a handler, too: that is how a test lets one request happen while
// another is at work.
func (b *Browser) Do(method string, handler echo.HandlerFunc) Reply {
	t := b.site.t
	t.Helper()
	request, err := http.NewRequest(method, b.site.server.URL, nil)
	if err != nil {
		t.Error(err)
		return Reply{}
	}
	visit := strconv.FormatInt(b.site.visits.Add(1), 10)
	b.site.handlers.Store(visit, handler)
	request.Header.Set(visitHeader, visit)
	if line := b.cookieLine(); line != "" {
		request.Header.Set("Cookie", line)
	}
	response, err := b.site.server.Client().Do(request)
	if err != nil {
		t.Error(err)
		return Reply{}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	reply := Reply{Status: response.StatusCode, Header: response.Header, Body: string(body), Cookies: response.Cookies()}
	b.keep(reply.Cookies)
	return reply
}

// cookieLine is the Cookie header. AddCookie would not do: a test must be able
// to send what no server sets.
func (b *Browser) cookieLine() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var pairs []string
	for name, value := range b.cookies {
		pairs = append(pairs, name+"="+value)
	}
	return strings.Join(pairs, "; ")
}

func (b *Browser) keep(cookies []*http.Cookie) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, cookie := range cookies {
		if cookie.MaxAge < 0 {
			delete(b.cookies, cookie.Name)
		} else {
			b.cookies[cookie.Name] = cookie.Value
		}
	}
}

// hangUp has a request answered whose client goes away while the handler is at
// work.
func (s *Site) hangUp(b *Browser, work func(*sessions.Session) error) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	request := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	request.Header.Set("Cookie", b.cookieLine())
	request.Header.Set(visitHeader, "hang up")
	s.handlers.Store("hang up", echo.HandlerFunc(func(c echo.Context) error {
		session, err := s.Manager.Load(c)
		if err != nil {
			return err
		}
		cancel()
		return work(session)
	}))
	s.Echo.ServeHTTP(httptest.NewRecorder(), request)
}
