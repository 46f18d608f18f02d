// What a handler does with a session, and the one Echo server around it.

package main

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
)

// library is one session library at one place, as the same handlers use it.
type library interface {
	// around is the middleware it needs.
	around() []echo.MiddlewareFunc
	// signIn begins a session that holds what signedIn says.
	signIn(c echo.Context, user string) error
	// user is who is signed in.
	user(c echo.Context) (string, error)
	// set sets one value and has the session saved.
	set(c echo.Context, key string, value int) error
	// has reports whether there is a value.
	has(c echo.Context, key string) (bool, error)
	signOut(c echo.Context) error
}

// The payload of every session, beside a number under "n".
const (
	userKey, roleKey, sinceKey = "_user", "_role", "_since"
	role                       = "student"
	since                      = "2026-11-23T08:00:00Z"
)

// site is an Echo server with one library, or with none.
type site struct {
	*echo.Echo
	loaded, resume chan struct{} // of /late
}

// bare answers what a site does, without a session.
func bare() *site {
	e := echo.New()
	ok := func(c echo.Context) error { return c.String(http.StatusOK, "alice") }
	e.GET("/load", ok)
	e.GET("/modify", ok)
	return &site{Echo: e}
}

func newSite(lib library) *site {
	s := &site{Echo: echo.New(), loaded: make(chan struct{}), resume: make(chan struct{})}
	s.Use(lib.around()...)
	ok := func(c echo.Context, err error) error {
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, "ok")
	}
	s.GET("/signin", func(c echo.Context) error { return ok(c, lib.signIn(c, "alice")) })
	s.GET("/signout", func(c echo.Context) error { return ok(c, lib.signOut(c)) })
	s.GET("/load", func(c echo.Context) error {
		user, err := lib.user(c)
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, user)
	})
	n := 0
	s.GET("/modify", func(c echo.Context) error {
		n++
		return ok(c, lib.set(c, "n", n%10))
	})
	// /slow takes 5 ms between load and save.
	s.GET("/slow", func(c echo.Context) error {
		if _, err := lib.user(c); err != nil {
			return err
		}
		time.Sleep(5 * time.Millisecond)
		return ok(c, lib.set(c, c.QueryParam("key"), 1))
	})
	// /late saves only when it is told to.
	s.GET("/late", func(c echo.Context) error {
		_, err := lib.user(c)
		s.loaded <- struct{}{}
		<-s.resume
		if err != nil {
			return err
		}
		return ok(c, lib.set(c, "late", 1))
	})
	// /count says how many of the keys k0, k1, … there are.
	s.GET("/count", func(c echo.Context) error {
		count := 0
		for i := range updates {
			has, err := lib.has(c, fmt.Sprint("k", i))
			if err != nil {
				return err
			}
			if has {
				count++
			}
		}
		return c.String(http.StatusOK, strconv.Itoa(count))
	})
	// /api/whoami is the lab's route, as small.
	s.GET("/api/whoami", func(c echo.Context) error {
		user, err := lib.user(c)
		if err != nil {
			return err
		}
		if user == "" {
			return echo.ErrUnauthorized
		}
		return c.JSON(http.StatusOK, whoami{user, role, "session"})
	})
	return s
}

type whoami struct {
	User string `json:"user"`
	Role string `json:"role"`
	Auth string `json:"auth"`
}

// visitor is a client with a cookie.
type visitor struct {
	site   *site
	cookie string
}

// signedIn is a visitor with a session.
func (s *site) signedIn() (*visitor, error) {
	v := &visitor{site: s}
	if status, body := v.get("/signin"); status != http.StatusOK {
		return nil, fmt.Errorf("signing in: %d %s", status, body)
	}
	if status, body := v.get("/load"); status != http.StatusOK || body != "alice" {
		return nil, fmt.Errorf("after signing in: %d %q", status, body)
	}
	return v, nil
}

// get makes a request and keeps the cookie that comes back.
func (v *visitor) get(path string) (status int, body string) {
	reply := newReply()
	v.site.ServeHTTP(reply, requestTo(path, v.cookie))
	if set := reply.Header().Get("Set-Cookie"); set != "" {
		if cookie, err := http.ParseSetCookie(set); err == nil {
			v.cookie = cookie.Name + "=" + cookie.Value
		}
	}
	return reply.status, string(reply.body)
}

func requestTo(target, cookie string) *http.Request {
	r, err := http.NewRequest(http.MethodGet, target, nil)
	if err != nil {
		panic(err) // the targets are ours
	}
	r.RemoteAddr, r.RequestURI, r.Host = "127.0.0.1:50000", target, "localhost"
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	return r
}

// reply is a ResponseWriter that can be used again.
type reply struct {
	header http.Header
	status int
	body   []byte
}

func newReply() *reply { return &reply{header: http.Header{}, status: http.StatusOK} }

func (r *reply) again() {
	clear(r.header)
	r.status, r.body = http.StatusOK, r.body[:0]
}

func (r *reply) Header() http.Header    { return r.header }
func (r *reply) WriteHeader(status int) { r.status = status }
func (r *reply) Write(b []byte) (int, error) {
	r.body = append(r.body, b...)
	return len(b), nil
}
