// The suite for engines: what a reply says and saves.

package storetest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/sessions"
)

// erased is the Set-Cookie that makes a browser forget its key.
const erased = "sessionid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; SameSite=Lax"

var replyFacts = []engineFact{
	// As tried with Django: valid key, view does not touch the session
	{"a handler that does not ask for the session costs nothing", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1})
		reply := b.Do(http.MethodGet, func(c echo.Context) error { return c.String(http.StatusOK, "done") })
		done(t, reply)
		silent(t, reply)
		Equal(t, "Vary", reply.Header["Vary"], nil)
		Equal(t, "Server-Timing", reply.Header["Server-Timing"], nil) // no store was asked
	}},

	// As tried with Django: valid key, view only reads
	{"a handler that only reads sets no cookie and varies by it", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1})
		reply := b.Visit(look)
		done(t, reply)
		silent(t, reply)
		Equal(t, "Vary", reply.Header["Vary"], []string{"Cookie"})
	}},

	// Django: merged into an existing Vary
	{"Vary names Cookie once, beside what was there", func(t *testing.T, site *Site) {
		for given, want := range map[string][]string{
			"":                       {"Cookie"},
			"Accept-Encoding":        {"Accept-Encoding", "Cookie"},
			"Accept, cookie, Origin": {"Accept, cookie, Origin"},
		} {
			reply := site.Browser().Do(http.MethodGet, func(c echo.Context) error {
				if given != "" {
					c.Response().Header().Set("Vary", given)
				}
				for range 2 {
					if _, err := site.Manager.Load(c); err != nil {
						return err
					}
				}
				return c.String(http.StatusOK, "done")
			})
			done(t, reply)
			Equal(t, "Vary", reply.Header["Vary"], want)
		}
	}},

	{"one request has one session, however often it is asked for", func(t *testing.T, site *Site) {
		b := site.Browser()
		reply := b.Do(http.MethodGet, func(c echo.Context) error {
			first, err := site.Manager.Load(c)
			if err != nil {
				return err
			}
			second, err := site.Manager.Load(c)
			Equal(t, "the same", first == second, true)
			Is(t, "Set", second.Set("a", 1), nil)
			Equal(t, "a", first.Get("a"), any(int64(1)))
			return err
		})
		Equal(t, "Set-Cookie lines", len(reply.Cookies), 1)
		holds(t, b, map[string]any{"a": int64(1)})
	}},

	// test_session_save_on_500, test_session_save_on_5xx; as tried with Django: 404 / 500 / 503
	{"replies below 500 are saved, from 500 up nothing is", func(t *testing.T, site *Site) {
		// Django 3.2: 503 saves.
		for code, saved := range map[int]bool{
			200: true, 201: true, 303: true, 400: true, 404: true, 499: true,
			500: false, 502: false, 503: false, 599: false,
		} {
			for name, reply := range map[string]func(echo.Context) error{
				"status":  func(c echo.Context) error { return c.String(code, "done") },
				"error":   func(c echo.Context) error { return echo.NewHTTPError(code) },
				"wrapped": func(c echo.Context) error { return echo.NewHTTPError(code).SetInternal(errChange) },
			} {
				b := signedUp(t, site, map[string]any{"a": "old"})
				key := b.Key()
				reply := b.Do(http.MethodGet, func(c echo.Context) error {
					s, err := site.Manager.Load(c)
					if err != nil {
						return err
					}
					c.SetCookie(&http.Cookie{Name: "other", Value: "1"})
					Is(t, "Set", s.Set("a", "new"), nil)
					return reply(c)
				})
				what := fmt.Sprint(code, " as ", name)
				Equal(t, what, reply.Status, code)
				want := "old"
				if saved {
					want = "new"
				} else {
					silent(t, reply) // nor a cookie of the handler's own
				}
				Equal(t, what+": session cookie", reply.Cookie("sessionid") != nil, saved)
				Equal(t, what+": other cookie", reply.Cookie("other") != nil, saved)
				holds(t, b.Twin().Carry(key), map[string]any{"a": want})
			}
		}
	}},

	// test_session_save_on_500 for a new session and for a logout
	{"a failed reply begins no session and ends none", func(t *testing.T, site *Site) {
		b := site.Browser()
		silent(t, b.Do(http.MethodGet, status(site, 500, setter("a", 1))))
		b = signedUp(t, site, map[string]any{"a": 1})
		silent(t, b.Do(http.MethodGet, status(site, 500, logout)))
		silent(t, b.Do(http.MethodGet, status(site, 500, func(s *sessions.Session) error { s.CycleKey(); return nil })))
		holds(t, b, map[string]any{"a": int64(1)})
	}},

	// test_session_delete_on_end
	{"Flush erases the cookie that came", func(t *testing.T, site *Site) {
		reply := signedUp(t, site, map[string]any{"a": 1}).Visit(logout)
		done(t, reply)
		Equal(t, "Set-Cookie", reply.Header["Set-Cookie"], []string{erased})
		Equal(t, "Vary", reply.Header["Vary"], []string{"Cookie"})
	}},

	// test_session_delete_on_end_with_custom_domain_and_path
	{"the erasing cookie has the Domain and Path of the one it erases", func(t *testing.T, site *Site) {
		site = site.With(func(o *sessions.Options) { o.Domain, o.Path = "example.local", "/example/" })
		b := signedUp(t, site, map[string]any{"a": 1})
		reply := b.Visit(logout)
		done(t, reply)
		Equal(t, "Set-Cookie", reply.Header["Set-Cookie"], []string{
			"sessionid=; Path=/example/; Domain=example.local; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; SameSite=Lax",
		})
	}},

	// test_flush_empty_without_session_cookie_doesnt_set_cookie
	{"Flush without a cookie sets none, and varies by it", func(t *testing.T, site *Site) {
		reply := site.Browser().Visit(logout)
		done(t, reply)
		silent(t, reply)
		Equal(t, "Vary", reply.Header["Vary"], []string{"Cookie"})
	}},

	// test_empty_session_saved; as tried with Django: last data key removed with del
	{"a session emptied by hand stays, with its key", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"foo": "bar"})
		key := b.Key()
		reply := b.Visit(func(s *sessions.Session) error {
			Equal(t, "Delete", s.Delete("foo"), true)
			return nil
		})
		done(t, reply)
		Equal(t, "Set-Cookie", reply.Cookie("sessionid").Value, key)
		Equal(t, "Vary", reply.Header["Vary"], []string{"Cookie"})
		holds(t, b, map[string]any{})
	}},

	// As tried with Django: Set-Cookie for 6,000 random characters
	{"the cookie does not grow with the data", func(t *testing.T, site *Site) {
		small := site.Browser().Visit(setter("a", 1))
		large := site.Browser().Visit(setter("a", strings.Repeat("0123456789", 600)))
		done(t, large)
		Equal(t, "bytes", len(large.Header.Get("Set-Cookie")), len(small.Header.Get("Set-Cookie")))
	}},
}

var cookieFacts = []engineFact{
	// B31; test_httponly_session_cookie, test_samesite_session_cookie: the defaults
	{"by default: sessionid, Path /, no Domain, HttpOnly, Lax, not Secure, Max-Age and Expires both", func(t *testing.T, site *Site) {
		b := site.Browser()
		reply := b.Visit(setter("a", 1))
		done(t, reply)
		end := site.Clock.Now().Add(twoWeeks).UTC().Format(http.TimeFormat)
		Equal(t, "Set-Cookie", reply.Header["Set-Cookie"], []string{
			"sessionid=" + b.Key() + "; Path=/; Expires=" + end + "; Max-Age=1209600; HttpOnly; SameSite=Lax",
		})
	}},

	// test_secure_session_cookie
	{"Secure reaches the cookie", func(t *testing.T, site *Site) {
		Equal(t, "Secure", cookieWith(t, site, func(o *sessions.Options) { o.Secure = true }).Secure, true)
	}},

	// test_httponly_session_cookie, test_no_httponly_session_cookie
	{"HttpOnly reaches the cookie, and can be switched off", func(t *testing.T, site *Site) {
		Equal(t, "HttpOnly", cookieWith(t, site, nil).HttpOnly, true)
		Equal(t, "HttpOnly", cookieWith(t, site, func(o *sessions.Options) { o.HTTPOnly = false }).HttpOnly, false)
	}},

	// test_samesite_session_cookie
	{"SameSite reaches the cookie", func(t *testing.T, site *Site) {
		for _, mode := range []http.SameSite{http.SameSiteLaxMode, http.SameSiteStrictMode, http.SameSiteNoneMode} {
			Equal(t, "SameSite", cookieWith(t, site, func(o *sessions.Options) { o.SameSite, o.Secure = mode, true }).SameSite, mode)
		}
	}},

	{"Name, Path, Domain and Age reach the cookie", func(t *testing.T, site *Site) {
		cookie := cookieWith(t, site, func(o *sessions.Options) {
			o.Name, o.Path, o.Domain, o.Age = "other", "/app", "example.local", time.Minute
		})
		Equal(t, "Name", cookie.Name, "other")
		Equal(t, "Path", cookie.Path, "/app")
		Equal(t, "Domain", cookie.Domain, "example.local")
		Equal(t, "MaxAge", cookie.MaxAge, 60)
	}},

	{"of several cookies of its name the first counts", func(t *testing.T, site *Site) {
		b := signedUp(t, site, map[string]any{"a": 1})
		holds(t, b.Twin().Carry(b.Key()+"; sessionid=other"), map[string]any{"a": int64(1)})
		done(t, b.Twin().Carry("other; sessionid="+b.Key()).Visit(func(s *sessions.Session) error {
			Is(t, "Rejected", s.Rejected(), sessions.ErrMalformed)
			return nil
		}))
	}},
}

func cookieWith(t *testing.T, site *Site, change func(*sessions.Options)) *http.Cookie {
	t.Helper()
	site = site.With(change)
	reply := site.Browser().Visit(setter("a", 1))
	done(t, reply)
	cookie := reply.Cookie(site.Manager.Options().Name)
	if cookie == nil {
		t.Fatal("no Set-Cookie")
	}
	return cookie
}
