package sessions_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

var errOther = errors.New("something else")

// answer is what an Echo program with these middlewares, and then the handler,
// answers to a GET.
func answer(handler echo.HandlerFunc, middlewares ...echo.MiddlewareFunc) *httptest.ResponseRecorder {
	return answerTo(httptest.NewRequest(http.MethodGet, "/", nil), handler, middlewares...)
}

func answerTo(request *http.Request, handler echo.HandlerFunc, middlewares ...echo.MiddlewareFunc) *httptest.ResponseRecorder {
	e := echo.New()
	e.Logger.SetOutput(new(strings.Builder))
	e.Use(middlewares...)
	e.Any("/", handler)
	recorder := httptest.NewRecorder()
	e.ServeHTTP(recorder, request)
	return recorder
}

// half is a reply as a handler writes it before something goes wrong.
func half(c echo.Context) error {
	c.SetCookie(&http.Cookie{Name: "half", Value: "page"})
	c.Response().Header().Set("X-Handler", "was here")
	return c.String(http.StatusOK, "half a page")
}

func TestAStoreThatFailsAnswers503AndDropsTheReply(t *testing.T) {
	for op, change := range map[string]func(*sessions.Session) error{
		"load":   func(*sessions.Session) error { return nil },
		"update": setter("a", 2),
		"create": func(s *sessions.Session) error { s.Flush(); return s.Set("a", 2) },
		"delete": flush,
	} {
		for when, write := range map[string]func(echo.Context, error) error{
			"written":     func(c echo.Context, err error) error { return errors.Join(half(c), err) },
			"not written": func(c echo.Context, err error) error { c.SetCookie(&http.Cookie{Name: "half"}); return err },
		} {
			t.Run(op+", "+when, func(t *testing.T) {
				site, faulty, _ := keyedOver(t)
				b := site.Browser()
				wantStatus(t, b.Visit(setter("a", 1)), http.StatusOK)
				key := b.Key()
				faulty.Before = storetest.Down(op)
				reply := b.Do(http.MethodGet, func(c echo.Context) error {
					session, err := site.Manager.Load(c)
					if err == nil {
						err = change(session)
					}
					return write(c, err)
				})
				wantStatus(t, reply, http.StatusServiceUnavailable)
				storetest.Equal(t, "Retry-After", reply.Header.Get("Retry-After"), "5")
				storetest.Equal(t, "Set-Cookie", reply.Header["Set-Cookie"], nil)
				if strings.Contains(reply.Body, "half a page") || !strings.Contains(reply.Body, "store cannot be reached") {
					t.Errorf("body: %q", reply.Body)
				}
				storetest.Equal(t, "what the browser carries", b.Key(), key)
			})
		}
	}
}

func TestEachFailureHasItsStatus(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		retry  string
	}{
		{sessions.ErrUnavailable, 503, "5"},
		{fmt.Errorf("wrapped: %w", sessions.ErrUnavailable), 503, "5"},
		{sessions.ErrEnded, 409, ""},
		{fmt.Errorf("wrapped: %w", sessions.ErrEnded), 409, ""},
		{sessions.ErrTooLarge, 413, ""},
		{fmt.Errorf("wrapped: %w", sessions.ErrTooLarge), 413, ""},
		{errOther, 500, ""},
		{echo.NewHTTPError(418, "tea"), 418, ""},
	} {
		for where, handler := range map[string]echo.HandlerFunc{
			"at the commit": func(c echo.Context) error {
				sessions.OnCommit(c, func(context.Context) error { return c.err(c) })
				return half(c)
			},
		} {
			_ = handler
			_ = where
		}
		commit := answer(func(ctx echo.Context) error {
			sessions.OnCommit(ctx, func(context.Context) error { return c.err })
			return half(ctx)
		}, sessions.Hold())
		storetest.Equal(t, fmt.Sprint(c.err, " at the commit"), commit.Code, c.status)
	}
}
