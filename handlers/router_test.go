// The router: an address has one access.

package handlers_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/notebook"
	"cookielab/handlers/web"
)

func TestAnAddressHasOneAccess(t *testing.T) {
	r := web.NewRouter()
	recorded := web.Access{Notebook: notebook.Read, Recorded: true}
	var found web.Access
	look := func(c echo.Context) error { return c.NoContent(http.StatusNoContent) }
	r.Get("/a", recorded, look)
	r.Post("/a", recorded, look)
	r.Delete("/a", recorded, look)
	r.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			found = r.Access(c)
			return next(c)
		}
	})
	for _, test := range []struct {
		method, path string
		status       int
		want         web.Access
	}{
		{"GET", "/a", http.StatusNoContent, recorded},
		{"HEAD", "/a", http.StatusNoContent, recorded},
		{"POST", "/a", http.StatusNoContent, recorded},
		{"DELETE", "/a", http.StatusNoContent, recorded},
		{"PUT", "/a", http.StatusMethodNotAllowed, recorded},
		{"GET", "/b", http.StatusNotFound, web.Access{Notebook: notebook.IfItCan}},
	} {
		answer := httptest.NewRecorder()
		if r.ServeHTTP(answer, httptest.NewRequest(test.method, test.path, nil)); answer.Code != test.status || found != test.want {
			t.Errorf("%s %s: %d with %+v", test.method, test.path, answer.Code, found)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("an address was given two accesses")
		}
	}()
	r.Post("/a", web.Access{Notebook: notebook.Write}, look)
}
