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
	"time"

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
			"written": func(c echo.Context, err error) error { return errors.Join(half(c), err) },
			"not written": func(c echo.Context, err error) error {
				c.SetCookie(&http.Cookie{Name: "half", Value: "page"})
				if err != nil {
					return err
				}
				return c.NoContent(http.StatusNoContent)
			},
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

func TestEachFailureHasItsStatusAndDropsTheReply(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		retry  string
	}{
		{sessions.ErrUnavailable, 503, "5"},
		{fmt.Errorf("wrapped: %w", sessions.ErrUnavailable), 503, "5"},
		{sessions.ErrEnded, 409, ""}, // Django: 400
		{fmt.Errorf("wrapped: %w", sessions.ErrEnded), 409, ""},
		{sessions.ErrTooLarge, 413, ""},
		{fmt.Errorf("wrapped: %w", sessions.ErrTooLarge), 413, ""},
		{errOther, 500, ""},
		{echo.NewHTTPError(418, "tea"), 418, ""},
	} {
		check := func(where string, reply *httptest.ResponseRecorder) {
			t.Helper()
			where = fmt.Sprint(c.err, " ", where, ": ")
			storetest.Equal(t, where+"status", reply.Code, c.status)
			storetest.Equal(t, where+"Retry-After", reply.Header().Get("Retry-After"), c.retry)
			storetest.Equal(t, where+"Set-Cookie", reply.Header()["Set-Cookie"], nil)
			storetest.Equal(t, where+"half a page", strings.Contains(reply.Body.String(), "half"), false)
		}
		reply := answer(func(ctx echo.Context) error {
			sessions.OnCommit(ctx, func(context.Context) error { return c.err })
			return half(ctx)
		}, sessions.Hold())
		check("at the commit", reply)
		storetest.Equal(t, "X-Handler", reply.Header().Get("X-Handler"), "")
		if c.status == 418 {
			continue // passed on by a handler it is an ordinary reply: it takes its cookies along
		}
		check("passed on by the handler", answer(func(ctx echo.Context) error {
			return errors.Join(half(ctx), c.err)
		}, sessions.Hold()))
	}
}

// What a handler passes on about a session ends the other commits, too: a half
// login is a half page.
func TestNothingIsCommittedAfterASessionFailed(t *testing.T) {
	for err, want := range map[error]bool{
		nil: true, echo.ErrNotFound: true, errOther: false,
		sessions.ErrEnded: false, sessions.ErrTooLarge: false, sessions.ErrUnavailable: false,
	} {
		committed := false
		answer(func(c echo.Context) error {
			sessions.OnCommit(c, func(context.Context) error { committed = true; return nil })
			return err
		}, sessions.Hold())
		storetest.Equal(t, fmt.Sprint("committed after ", err), committed, want)
	}
}

func TestOfTwoManagersBothOrNoneTellTheBrowser(t *testing.T) {
	site, faulty, _ := keyedOver(t)
	other, err := sessions.New(sessions.Keyed("other", openMemory(t, nil)), func() sessions.Options {
		o := sessions.DefaultOptions()
		o.Name = "other"
		return o
	}())
	if err != nil {
		t.Fatal(err)
	}
	both := func(c echo.Context) error {
		for _, manager := range []*sessions.Manager{site.Manager, other} {
			session, err := manager.Load(c)
			if err == nil {
				err = session.Set("a", 1)
			}
			if err != nil {
				return err
			}
		}
		return c.String(http.StatusOK, "done")
	}
	reply := site.Browser().Do(http.MethodGet, both)
	wantStatus(t, reply, http.StatusOK)
	storetest.Equal(t, "Vary", reply.Header["Vary"], []string{"Cookie"}) // once
	if reply.Cookie("sessionid") == nil || reply.Cookie("other") == nil {
		t.Errorf("Set-Cookie: %v", reply.Cookies)
	}
	faulty.Before = storetest.Down("create")
	reply = site.Browser().Do(http.MethodGet, both)
	wantStatus(t, reply, http.StatusServiceUnavailable)
	storetest.Equal(t, "Set-Cookie", reply.Header["Set-Cookie"], nil)
}

func TestWhatOuterMiddlewareSetStaysInEveryReply(t *testing.T) {
	outer := func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.SetCookie(&http.Cookie{Name: "outer", Value: "1"})
			c.Response().Header().Set("X-Outer", "1")
			return next(c)
		}
	}
	for name, handler := range map[string]echo.HandlerFunc{
		"done":  half,
		"error": func(c echo.Context) error { return errors.Join(half(c), errOther) },
		"500":   func(c echo.Context) error { return c.String(500, "") },
		"commit fails": func(c echo.Context) error {
			sessions.OnCommit(c, func(context.Context) error { return sessions.ErrEnded })
			return half(c)
		},
	} {
		reply := answer(handler, outer, sessions.Hold())
		storetest.Equal(t, name+": X-Outer", reply.Header().Get("X-Outer"), "1")
		want := []string{"outer=1"}
		if name == "done" {
			want = append(want, "half=page")
		}
		storetest.Equal(t, name+": Set-Cookie", reply.Header()["Set-Cookie"], want)
	}
}

func TestAPanicPassesThroughAndNothingWasSent(t *testing.T) {
	recorder := httptest.NewRecorder()
	committed := false
	func() {
		defer func() { storetest.Equal(t, "recovered", recover(), any("at the disco")) }()
		e := echo.New()
		e.Use(sessions.Hold())
		e.GET("/", func(c echo.Context) error {
			sessions.OnCommit(c, func(context.Context) error { committed = true; return nil })
			if err := half(c); err != nil {
				return err
			}
			panic("at the disco")
		})
		e.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/", nil))
	}()
	storetest.Equal(t, "body", recorder.Body.Len(), 0)
	storetest.Equal(t, "headers", recorder.Header(), http.Header{})
	storetest.Equal(t, "committed", committed, false)
}

func TestRecoverCanAnswerAPanicOutsideHoldAndInside(t *testing.T) {
	quiet := middleware.RecoverWithConfig(middleware.RecoverConfig{DisablePrintStack: true})
	for name, middlewares := range map[string][]echo.MiddlewareFunc{
		"outside": {quiet, sessions.Hold()},
		"inside":  {sessions.Hold(), quiet},
	} {
		committed := false
		reply := answer(func(c echo.Context) error {
			sessions.OnCommit(c, func(context.Context) error { committed = true; return nil })
			c.SetCookie(&http.Cookie{Name: "half", Value: "page"})
			panic("at the disco")
		}, middlewares...)
		storetest.Equal(t, name+": status", reply.Code, http.StatusInternalServerError)
		storetest.Equal(t, name+": body", reply.Body.String(), "{\"message\":\"Internal Server Error\"}\n")
		storetest.Equal(t, name+": Set-Cookie", reply.Header()["Set-Cookie"], nil)
		storetest.Equal(t, name+": committed", committed, false)
	}
}

// An Echo mounted in another has contexts of its own, which end with its answer:
// what its handlers began must be done by then.
func TestAMountedEchoHoldsItsOwnReply(t *testing.T) {
	done := []string{}
	inner := echo.New()
	inner.Use(sessions.Hold())
	inner.GET("/", func(c echo.Context) error {
		sessions.OnCommit(c, func(context.Context) error { done = append(done, "inner committed"); return nil })
		return half(c)
	})
	reply := answer(func(c echo.Context) error {
		sessions.OnCommit(c, func(context.Context) error { done = append(done, "outer committed"); return nil })
		inner.ServeHTTP(c.Response(), c.Request())
		done = append(done, "inner answered")
		return nil
	}, sessions.Hold())
	storetest.Equal(t, "in order", done, []string{"inner committed", "inner answered", "outer committed"})
	storetest.Equal(t, "Set-Cookie", reply.Header()["Set-Cookie"], []string{"half=page"})
}

// Echo renders an error only after all middleware; by then it would be too late
// to decide about the save.
func TestAnErrorIsRenderedInside(t *testing.T) {
	for err, want := range map[error]struct {
		status    int
		committed bool
	}{
		echo.ErrNotFound:                 {404, true}, // Django: 4xx save
		echo.NewHTTPError(422, "no"):     {422, true},
		errOther:                         {500, false},
		echo.NewHTTPError(502, "no"):     {502, false},
		echo.NewHTTPError(503, "closed"): {503, false}, // somebody else's 503
	} {
		committed := false
		reply := answer(func(c echo.Context) error {
			sessions.OnCommit(c, func(context.Context) error { committed = true; return nil })
			return err
		}, sessions.Hold())
		storetest.Equal(t, fmt.Sprint(err, ": status"), reply.Code, want.status)
		storetest.Equal(t, fmt.Sprint(err, ": committed"), committed, want.committed)
		storetest.Equal(t, fmt.Sprint(err, ": Retry-After"), reply.Header().Get("Retry-After"), "")
	}
}

func TestTheErrorPageMayUseTheSession(t *testing.T) {
	site, _, _ := keyedOver(t)
	site.Echo.HTTPErrorHandler = func(err error, c echo.Context) {
		session, loadErr := site.Manager.Load(c)
		if loadErr != nil {
			t.Error(loadErr)
			return
		}
		storetest.Is(t, "Set", session.Set("seen", err.Error()), nil)
		storetest.Is(t, "String", c.String(http.StatusTeapot, "hello "+session.Text("name")), nil)
	}
	b := site.Browser()
	wantStatus(t, b.Visit(setter("name", "alice")), http.StatusOK)
	reply := b.Visit(func(*sessions.Session) error { return errOther })
	wantStatus(t, reply, http.StatusTeapot)
	storetest.Equal(t, "body", reply.Body, "hello alice")
	storetest.Equal(t, "items", items(t, b), map[string]any{"name": "alice", "seen": errOther.Error()})
}

func TestAHoldInsideAHoldDoesNothing(t *testing.T) {
	commits := 0
	reply := answer(func(c echo.Context) error {
		sessions.OnCommit(c, func(context.Context) error { commits++; return nil })
		return half(c)
	}, sessions.Hold(), sessions.Hold(), func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			err := next(c)
			storetest.Equal(t, "commits while the outer one still holds", commits, 0)
			return err
		}
	}, sessions.Hold())
	storetest.Equal(t, "commits", commits, 1)
	storetest.Equal(t, "status", reply.Code, http.StatusOK)
	storetest.Equal(t, "body", reply.Body.String(), "half a page")
}

func TestOnCommitIsCalledLastFirstAndStopsAtAnError(t *testing.T) {
	for failing, want := range map[string]string{"": "cba", "c": "c", "b": "cb", "a": "cba"} {
		order := ""
		reply := answer(func(c echo.Context) error {
			for _, name := range []string{"a", "b", "c"} {
				sessions.OnCommit(c, func(context.Context) error {
					order += name
					if name == failing {
						return errOther
					}
					return nil
				})
			}
			return half(c)
		}, sessions.Hold())
		storetest.Equal(t, "order when "+failing+" fails", order, want)
		status := http.StatusOK
		if failing != "" {
			status = http.StatusInternalServerError
		}
		storetest.Equal(t, "status", reply.Code, status)
	}
}

// The client may be gone by the time of the save, and the save must still have
// an end.
func TestACommitHasItsOwnDeadlineAndIsNotCancelledWithTheRequest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	request := httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx)
	called := false
	answerTo(request, func(c echo.Context) error {
		sessions.OnCommit(c, func(ctx context.Context) error {
			called = true
			storetest.Is(t, "context", ctx.Err(), nil)
			_, limited := ctx.Deadline()
			storetest.Equal(t, "has a deadline", limited, true)
			return nil
		})
		cancel()
		return half(c)
	}, sessions.Hold())
	storetest.Equal(t, "called", called, true)
}

// However slowly each store answers, a reply leaves within 25 seconds, before the
// server stops writing.
func TestWhatARequestWaitsForHasAnEnd(t *testing.T) {
	within := func(what string, ctx context.Context, most time.Duration) time.Time {
		t.Helper()
		end, limited := ctx.Deadline()
		if left := time.Until(end); !limited || left > most || left < most-5*time.Second {
			t.Errorf("%s ends in %v, not in %v", what, left, most)
		}
		return end
	}
	for name, c := range map[string]struct{ given, handler, saves time.Duration }{
		"alone":                  {time.Hour, 15 * time.Second, 10 * time.Second},
		"under a shorter one":    {6 * time.Second, 6 * time.Second, 10 * time.Second},
		"under one that is over": {-5 * time.Second, -5 * time.Second, 5 * time.Second},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), c.given)
		request := httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx)
		commits := 0
		answerTo(request, func(e echo.Context) error {
			within(name+": the handler", e.Request().Context(), c.handler)
			end := within(name+": what it saves", sessions.Saving(e), c.saves)
			for range 2 {
				sessions.OnCommit(e, func(ctx context.Context) error {
					commits++
					storetest.Is(t, name+": a save", ctx.Err(), nil)
					storetest.Equal(t, name+": all saves together", within("a save", ctx, c.saves), end)
					return nil
				})
			}
			return half(e)
		}, sessions.Hold())
		storetest.Equal(t, name+": commits", commits, 2)
		cancel()
	}
}

func TestAStoreThatDidNotAnswerIsNotAskedAgain(t *testing.T) {
	site, faulty, _ := keyedOver(t)
	b := site.Browser()
	wantStatus(t, b.Visit(setter("a", 1)), http.StatusOK)
	asked := 0
	faulty.Before = func(string) error { asked++; return sessions.ErrUnavailable }
	site.Echo.HTTPErrorHandler = func(err error, c echo.Context) {
		session, again := site.Manager.Load(c)
		if session != nil || !errors.Is(again, sessions.ErrUnavailable) {
			t.Errorf("the error page finds %v, %v", session, again)
		}
		site.Echo.DefaultHTTPErrorHandler(err, c)
	}
	wantStatus(t, b.Visit(setter("a", 2)), http.StatusServiceUnavailable)
	storetest.Equal(t, "store operations", asked, 1)
}

// wire notes in which order things happen to a reply.
type wire struct {
	http.ResponseWriter
	events *[]string
}

func (w wire) WriteHeader(status int) {
	*w.events = append(*w.events, fmt.Sprint("status ", status))
	w.ResponseWriter.WriteHeader(status)
}

func (w wire) Write(b []byte) (int, error) {
	*w.events = append(*w.events, "body")
	return w.ResponseWriter.Write(b)
}

func TestTheFirstByteLeavesAfterCommitAndAfterCommit(t *testing.T) {
	var events []string
	note := func(what string) { events = append(events, what) }
	tap := func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.Response().Writer = wire{c.Response().Writer, &events}
			return next(c)
		}
	}
	answer(func(c echo.Context) error {
		sessions.AfterCommit(c, func() { note("after 1") })
		sessions.OnCommit(c, func(context.Context) error { note("commit"); return nil })
		sessions.AfterCommit(c, func() { note("after 2") })
		err := half(c)
		note("handler")
		return err
	}, tap, sessions.Hold())
	storetest.Equal(t, "order", events, []string{"handler", "commit", "after 1", "after 2", "status 200", "body"})
}

func TestAfterCommitIsNotCalledWhenNothingWasSaved(t *testing.T) {
	for name, handler := range map[string]echo.HandlerFunc{
		"commit fails": func(c echo.Context) error {
			sessions.OnCommit(c, func(context.Context) error { return errOther })
			return half(c)
		},
		"500":           func(c echo.Context) error { return c.String(500, "") },
		"error":         func(echo.Context) error { return errOther },
		"session ended": func(echo.Context) error { return sessions.ErrEnded },
	} {
		answer(func(c echo.Context) error {
			sessions.AfterCommit(c, func() { t.Error(name) })
			return handler(c)
		}, sessions.Hold())
	}
}

func TestOutsideHoldThereIsNoSession(t *testing.T) {
	site, _, _ := keyedOver(t)
	reply := answer(func(c echo.Context) error {
		sessions.OnCommit(c, func(context.Context) error { t.Error("OnCommit"); return nil })
		sessions.AfterCommit(c, func() { t.Error("AfterCommit") })
		_, err := site.Manager.Load(c)
		storetest.Is(t, "Load", err, sessions.ErrNoHold)
		return err
	})
	storetest.Equal(t, "status", reply.Code, http.StatusInternalServerError)

	var afterwards error
	answer(half, func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			err := next(c)
			_, afterwards = site.Manager.Load(c)
			return err
		}
	}, sessions.Hold())
	storetest.Is(t, "Load once Hold is over", afterwards, sessions.ErrNoHold)
}

func TestServerTimingSaysWhatTheStoreCost(t *testing.T) {
	site, faulty, _ := keyedOver(t)
	b := site.Browser()
	// W3C Server Timing: name;desc="…";dur=milliseconds, separated by commas.
	const metric = `[a-z-]+;desc="store";dur=[0-9]+\.[0-9]{3}`
	form := regexp.MustCompile(`^` + metric + `(, ` + metric + `)*$`)
	names := regexp.MustCompile(`([a-z-]+);`)
	timing := func(reply storetest.Reply, want ...string) {
		t.Helper()
		lines := reply.Header["Server-Timing"]
		if len(lines) != 1 || !form.MatchString(lines[0]) {
			t.Errorf("Server-Timing: %q", lines)
			return
		}
		var got []string
		for _, match := range names.FindAllStringSubmatch(lines[0], -1) {
			if match[1] != "" {
				got = append(got, match[1])
			}
		}
		storetest.Equal(t, "operations", got, want)
	}
	timing(b.Visit(setter("a", 1)), "create")
	timing(b.Visit(setter("a", 2)), "load", "update")
	timing(b.Visit(cycle), "load", "create", "update")
	timing(b.Do(http.MethodGet, func(c echo.Context) error { // what a handler asks by itself counts, too
		recs, err := sessions.Traced(faulty).ByOwner(c.Request().Context(), "alice", sessions.Record{}, 1000)
		return errors.Join(err, c.JSON(http.StatusOK, recs))
	}), "by-owner")
	faulty.Before = storetest.Down("update")
	timing(b.Visit(setter("a", 3)), "load", "update") // a failure took its time, too
}

func TestHEADHasTheHeadersOfGETAndNoBody(t *testing.T) {
	site, _, _ := keyedOver(t)
	get := site.Browser().Visit(setter("a", 1))
	head := site.Browser().Do(http.MethodHead, func(c echo.Context) error {
		session, err := site.Manager.Load(c)
		if err != nil {
			return err
		}
		return errors.Join(session.Set("a", 1), c.String(http.StatusOK, "done"))
	})
	wantStatus(t, head, http.StatusOK)
	storetest.Equal(t, "body", head.Body, "")
	storetest.Equal(t, "Content-Length", head.Header.Get("Content-Length"), "4")
	storetest.Equal(t, "Content-Length of GET", get.Header.Get("Content-Length"), "4")
	storetest.Equal(t, "Set-Cookie", head.Cookie("sessionid") != nil, true)

	recorder := answerTo(httptest.NewRequest(http.MethodHead, "/", nil), half, sessions.Hold())
	storetest.Equal(t, "what Hold itself writes", recorder.Body.Len(), 0)
}

func TestARepliesLengthIsThatOfItsBody(t *testing.T) {
	for name, c := range map[string]struct {
		handler echo.HandlerFunc
		length  []string
	}{
		"text":         {func(c echo.Context) error { return c.String(200, "four") }, []string{"4"}},
		"empty":        {func(c echo.Context) error { return c.NoContent(200) }, []string{"0"}},
		"not written":  {func(echo.Context) error { return nil }, []string{"0"}},
		"no content":   {func(c echo.Context) error { return c.NoContent(204) }, nil},
		"not modified": {func(c echo.Context) error { return c.NoContent(304) }, nil},
		"own length": {func(c echo.Context) error {
			c.Response().Header().Set("Content-Length", "4")
			return c.String(200, "four")
		}, []string{"4"}},
		"length of what an error replaced": {func(c echo.Context) error {
			c.Response().Header().Set("Content-Length", "4")
			return errors.Join(c.String(200, "four"), errOther)
		}, []string{"36"}},
	} {
		reply := answer(c.handler, sessions.Hold())
		storetest.Equal(t, name, reply.Header()["Content-Length"], c.length)
	}
}

// Access logs stand outside Hold.
func TestOuterMiddlewareSeesStatusAndSizeOfWhatWasSent(t *testing.T) {
	var status int
	var size int64
	var writer http.ResponseWriter
	look := func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			writer = c.Response().Writer
			err := next(c)
			status, size = c.Response().Status, c.Response().Size
			storetest.Equal(t, "Committed", c.Response().Committed, true)
			storetest.Equal(t, "Writer", c.Response().Writer, writer)
			return err
		}
	}
	reply := answer(func(c echo.Context) error { return c.String(http.StatusAccepted, "four") }, look, sessions.Hold())
	storetest.Equal(t, "status", status, http.StatusAccepted)
	storetest.Equal(t, "size", size, int64(4))
	storetest.Equal(t, "body", reply.Body.String(), "four")

	reply = answer(func(c echo.Context) error { return errors.Join(half(c), sessions.ErrEnded) }, look, sessions.Hold())
	storetest.Equal(t, "status", status, http.StatusConflict)
	storetest.Equal(t, "size", size, int64(reply.Body.Len()))
}
