package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// A database that cannot be reached is reported, and is no failure.
func TestUnreachable(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	empty := httptest.NewServer(http.NotFoundHandler())
	defer empty.Close()
	gone.Close()
	for _, database := range []string{gone.URL, empty.URL, "https://vulnerabilities.invalid", "no address"} {
		if err := ask(database); err != nil {
			t.Errorf("%s: %v", database, err)
		}
	}
}
