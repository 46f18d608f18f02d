// What a session costs: requests through Echo and Hold, beside the same request
// without a session. The ratio counts, not the nanoseconds.

package sessions_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/sessions"
)

func BenchmarkRequest(b *testing.B) {
	memory, err := sessions.NewMemory(200_000, nil)
	if err != nil {
		b.Fatal(err)
	}
	sqlite, err := sessions.OpenSQLite(b.Context(), filepath.Join(b.TempDir(), "bench.db"), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer sqlite.Close()

	bare := echo.New()
	bare.GET("/load", func(c echo.Context) error { return c.String(http.StatusOK, "ok") })
	for _, kind := range []struct {
		name  string
		store sessions.Store
	}{{"memory", memory}, {"sqlite", sqlite}} {
		with := benchServer(b, kind.store)
		cookie := benchCookie(with)
		for _, path := range []string{"/load", "/modify"} {
			b.Run(kind.name+path, func(b *testing.B) {
				b.ReportAllocs()
				var alone time.Duration
				for i := range b.N {
					if i%16 == 0 { // interleaved, so that both see the same machine
						b.StopTimer()
						start := time.Now()
						for range 16 {
							benchRequest(bare, "/load", cookie)
						}
						alone += time.Since(start)
						b.StartTimer()
					}
					benchRequest(with, path, cookie)
				}
				rounds := (b.N + 15) / 16
				b.ReportMetric(float64(b.Elapsed())/float64(b.N)/(float64(alone)/float64(16*rounds)), "x-bare")
			})
		}
	}
}

func benchServer(b *testing.B, store sessions.Store) *echo.Echo {
	manager, err := sessions.New(sessions.Keyed("bench", store), sessions.DefaultOptions())
	if err != nil {
		b.Fatal(err)
	}
	e := echo.New()
	e.Use(sessions.Hold())
	e.GET("/load", func(c echo.Context) error {
		session, err := manager.Load(c)
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, session.Text(sessions.UserKey))
	})
	e.GET("/modify", func(c echo.Context) error {
		session, err := manager.Load(c)
		if err != nil {
			return err
		}
		n, _ := session.Get("n").(int64)
		if err := session.Set("n", n+1); err != nil {
			return err
		}
		return c.String(http.StatusOK, "ok")
	})
	e.GET("/begin", func(c echo.Context) error {
		session, err := manager.Load(c)
		if err != nil {
			return err
		}
		if err := session.Set(sessions.UserKey, "alice"); err != nil {
			return err
		}
		return c.String(http.StatusOK, "ok")
	})
	return e
}

func benchCookie(e *echo.Echo) string {
	recorder := httptest.NewRecorder()
	e.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/begin", nil))
	cookie := recorder.Result().Cookies()[0]
	return cookie.Name + "=" + cookie.Value
}

func benchRequest(e *echo.Echo, path, cookie string) {
	request := httptest.NewRequest(http.MethodGet, path, nil)
	request.Header.Set("Cookie", cookie)
	e.ServeHTTP(httptest.NewRecorder(), request)
}
