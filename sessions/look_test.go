// Look: a session for reading, where nothing holds the reply.

package sessions_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

func TestLook(t *testing.T) {
	clock := storetest.NewClock()
	memory, err := sessions.NewMemory(1000, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	store := &storetest.Faulty{Store: memory}
	options := sessions.DefaultOptions()
	options.Clock = clock.Now
	manager, err := sessions.New(sessions.Keyed("look", store), options)
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	e.GET("/set", func(c echo.Context) error {
		session, err := manager.Load(c)
		if err != nil {
			return err
		}
		return errors.Join(session.Set("name", "alice"), c.NoContent(http.StatusOK))
	}, sessions.Hold())
	var found string
	var rejected error
	e.GET("/look", func(c echo.Context) error {
		if _, err := manager.Load(c); !errors.Is(err, sessions.ErrNoHold) {
			t.Errorf("Load says %v", err)
		}
		session, err := manager.Look(c)
		if err != nil {
			return err
		}
		found, rejected = session.Text("name"), session.Rejected()
		return errors.Join(session.Set("name", "mallory"), c.NoContent(http.StatusOK))
	})
	ask := func(path, cookie string) *httptest.ResponseRecorder {
		found, rejected = "", nil
		request := httptest.NewRequest(http.MethodGet, path, nil)
		if cookie != "" {
			request.Header.Set("Cookie", options.Name+"="+cookie)
		}
		answer := httptest.NewRecorder()
		e.ServeHTTP(answer, request)
		return answer
	}
	key := ask("/set", "").Result().Cookies()[0].Value
	for range 2 { // the second time, too: what it changed was not saved
		answer := ask("/look", key)
		if answer.Code != http.StatusOK || found != "alice" || rejected != nil {
			t.Errorf("answered %d, found %q, rejected %v", answer.Code, found, rejected)
		}
		if answer.Header().Get("Set-Cookie") != "" || answer.Header().Get("Vary") != "Cookie" {
			t.Errorf("the reply has %v", answer.Header())
		}
	}
	if ask("/look", ""); !errors.Is(rejected, sessions.ErrAbsent) {
		t.Errorf("without a cookie: %v", rejected)
	}
	if ask("/look", sessions.NewKey()); !errors.Is(rejected, sessions.ErrNotFound) {
		t.Errorf("with a made-up key: %v", rejected)
	}
	store.Before = storetest.Down("load")
	if answer := ask("/look", key); answer.Code == http.StatusOK {
		t.Error("a store that is down looks like a visitor without a session")
	}
}
