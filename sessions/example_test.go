package sessions_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/sessions"
)

// A whole program: it greets a visitor by the name they gave, until they ask it
// to forget. OpenSQLite in place of NewMemory makes it remember across restarts.
func Example() {
	store, err := sessions.NewMemory(100_000, nil)
	if err != nil {
		log.Fatal(err)
	}
	manager, err := sessions.New(sessions.Keyed("session", store), sessions.DefaultOptions())
	if err != nil {
		log.Fatal(err)
	}

	e := echo.New()
	e.Use(sessions.Hold())
	e.GET("/", func(c echo.Context) error {
		session, err := manager.Load(c)
		if err != nil {
			return err
		}
		if name := session.Text("name"); name != "" {
			return c.String(http.StatusOK, "Welcome back, "+name+"!")
		}
		return c.String(http.StatusOK, "Who are you?")
	})
	e.POST("/name", func(c echo.Context) error {
		session, err := manager.Load(c)
		if err != nil {
			return err
		}
		session.CycleKey() // a key that somebody saw before is worth nothing now
		if err := session.Set("name", c.FormValue("name")); err != nil {
			return err
		}
		return c.Redirect(http.StatusSeeOther, "/")
	})
	e.POST("/forget", func(c echo.Context) error {
		session, err := manager.Load(c)
		if err != nil {
			return err
		}
		session.Flush()
		return c.Redirect(http.StatusSeeOther, "/")
	})
	// log.Fatal(e.Start("localhost:8080"))

	cookie := ""
	visit := func(method, path, body string) {
		request := httptest.NewRequest(method, path, strings.NewReader(body))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Cookie", cookie)
		reply := httptest.NewRecorder()
		e.ServeHTTP(reply, request)
		if line := reply.Header().Get("Set-Cookie"); line != "" {
			cookie, _, _ = strings.Cut(line, ";")
		}
		fmt.Printf("%s %s: %d %q\n", method, path, reply.Code, reply.Body)
	}
	visit("GET", "/", "")
	visit("POST", "/name", "name=Alice")
	visit("GET", "/", "")
	visit("POST", "/forget", "")
	visit("GET", "/", "")
	// Output:
	// GET /: 200 "Who are you?"
	// POST /name: 303 ""
	// GET /: 200 "Welcome back, Alice!"
	// POST /forget: 303 ""
	// GET /: 200 "Who are you?"
}

// inSession runs a handler's work with a new session, for the examples below.
func inSession(work func(c echo.Context, session *sessions.Session) error) {
	store, err := sessions.NewMemory(256, nil)
	if err != nil {
		log.Fatal(err)
	}
	manager, err := sessions.New(sessions.Keyed("session", store), sessions.DefaultOptions())
	if err != nil {
		log.Fatal(err)
	}
	e := echo.New()
	e.Use(sessions.Hold())
	e.GET("/", func(c echo.Context) error {
		session, err := manager.Load(c)
		if err != nil {
			return err
		}
		return work(c, session)
	})
	e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
}

// Two requests that count at the same time both count: nobody else's change
// falls between the reading and the writing.
func ExampleSession_Update() {
	inSession(func(c echo.Context, session *sessions.Session) error {
		err := session.Update(c.Request().Context(), func(values sessions.Values) error {
			visits, _ := values.Get("visits").(int64)
			return values.Set("visits", visits+1)
		})
		fmt.Println(session.Get("visits"), err)
		return err
	})
	// Output: 1 <nil>
}

func ExampleSession_SetExpiry() {
	inSession(func(c echo.Context, session *sessions.Session) error {
		session.SetExpiry(sessions.Idle(5 * time.Minute)) // five minutes after it was last saved
		fmt.Println(session.ExpiryAge().Round(time.Second), session.ExpiresAtBrowserClose())

		session.SetExpiry(sessions.BrowserClose()) // when the browser is closed
		fmt.Println(session.ExpiryAge().Round(time.Second), session.ExpiresAtBrowserClose())

		session.SetExpiry(sessions.Until(time.Now().Add(time.Hour))) // in an hour, come what may
		fmt.Println(session.ExpiryAge().Round(time.Second), session.ExpiresAtBrowserClose())

		session.SetExpiry(sessions.Policy()) // as the options say
		fmt.Println(session.ExpiryAge().Round(time.Second), session.ExpiresAtBrowserClose())
		return nil
	})
	// Output:
	// 5m0s false
	// 336h0m0s true
	// 1h0m0s false
	// 336h0m0s false
}

// The browser keeps the value itself: it can read it, and not change it.
func ExampleSigner() {
	signer, err := sessions.NewSigner("signed_user", []byte("32 bytes or more, from crypto/rand"))
	if err != nil {
		log.Fatal(err)
	}
	sealed, err := signer.Sign("alice")
	if err != nil {
		log.Fatal(err)
	}
	var name string
	fmt.Println(signer.Verify(sealed, &name), name)
	fmt.Println(signer.Verify("A"+sealed[1:], &name))
	// Output:
	// <nil> alice
	// sessions: the MAC does not fit
}

// Where is somebody signed in, and out with all others: any engine over a store
// can say, by the names that Django gives the engines.
func ExampleManager_EndOthers() {
	ctx := context.Background()
	stores := sessions.Backend{Cache: "memory:"}.Stores()
	defer stores.Close()
	store, err := stores.Engine(ctx, sessions.EngineCache)
	if err != nil {
		log.Fatal(err)
	}
	manager, err := sessions.New(sessions.Keyed("session", store), sessions.DefaultOptions())
	if err != nil {
		log.Fatal(err)
	}
	var last *sessions.Session
	for range 3 { // three programs
		if last, err = manager.Create(ctx, func(s *sessions.Session) error { return s.Set(sessions.UserKey, "alice") }); err != nil {
			log.Fatal(err)
		}
	}
	here, _ := last.Record()
	ended, _, err := manager.EndOthers(ctx, "alice", here.ID)
	if err != nil {
		log.Fatal(err)
	}
	left, err := manager.Owned(ctx, "alice", sessions.Record{}, 1000)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ended, "ended,", len(left), "left")
	// Output: 2 ended, 1 left
}

// A token is a session for programs: they send its key in a header.
func ExampleTokens() {
	store, err := sessions.NewMemory(100_000, nil)
	if err != nil {
		log.Fatal(err)
	}
	options := sessions.DefaultOptions()
	options.Carrier = sessions.Authorization("Token")
	tokens, err := sessions.New(sessions.Tokens("token", store), options)
	if err != nil {
		log.Fatal(err)
	}
	token, err := tokens.Create(context.Background(), func(s *sessions.Session) error { return s.Set(sessions.UserKey, "alice") })
	if err != nil {
		log.Fatal(err)
	}

	e := echo.New()
	e.Use(sessions.Hold())
	e.GET("/whoami", func(c echo.Context) error {
		session, err := tokens.Load(c)
		if err != nil {
			return err
		}
		if session.Rejected() != nil {
			return echo.ErrUnauthorized
		}
		return c.String(http.StatusOK, session.Text(sessions.UserKey))
	})
	request := httptest.NewRequest(http.MethodGet, "/whoami", nil)
	request.Header.Set("Authorization", "Token "+token.Key())
	reply := httptest.NewRecorder()
	e.ServeHTTP(reply, request)
	fmt.Println(len(token.Key()), reply.Code, reply.Body)
	// Output: 40 200 alice
}
