// Play: the only routes that take requests from anywhere. What comes to them
// changes one run of a lesson, and nothing else.

package course_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
)

func TestPlay(t *testing.T) {
	lab := labtest.New(t, labtest.AtHome)
	c, run := labtest.AtOtherSite(t, lab)
	others := func() string { // all rows but the run's own
		rows := strings.Split(lab.Rows(t), "\n")
		kept := ""
		for _, row := range rows {
			if !strings.Contains(row, `"_balance"`) {
				kept += row + "\n"
			}
		}
		return kept
	}
	before := others()
	foreign := []func(*http.Request){webtest.With("Sec-Fetch-Site", "cross-site"), webtest.With("Origin", labtest.ElsewhereSite)}
	for _, test := range []struct {
		path   string
		status int
		says   string
	}{
		{"/play/transfer/none", 200, "10 were moved"},
		{"/play/transfer/samesite", 200, "10 were moved"}, // this client sends every cookie, whatever its SameSite
		{"/play/transfer/token", 403, "no token"},
		{"/play/transfer/metadata", 403, "another origin"},
	} {
		r := c.Post(test.path+"?run="+run, url.Values{"to": {"mallory"}, "amount": {"10"}}, foreign...)
		if r.Status != test.status || !strings.Contains(r.Body, test.says) || len(r.Cookies) > 0 {
			t.Errorf("%s: %d, %v, without %q", test.path, r.Status, r.Cookies, test.says)
		}
		if policy := r.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors "+labtest.ElsewhereSite) || r.Header.Get("X-Frame-Options") != "" || r.Header.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
			t.Errorf("%s: %q, %q", test.path, policy, r.Header)
		}
	}
	if after := others(); after != before {
		t.Errorf("more than the run changed, from\n%s to\n%s", before, after)
	}
	if !strings.Contains(lab.Rows(t), `"_balance":"80"`) {
		t.Error("the play account has not 80")
	}
	if got := c.Verdicts(); got != webtest.Everywhere {
		t.Errorf("afterwards the three ways conclude %q", got)
	}
	t.Run("nothing of it without the run's own cookie", func(t *testing.T) {
		stranger := lab.Client().Carry("play_none", "x").Carry("play_lax", "x").Carry(webtest.SessionCookie, c.Cookie(webtest.SessionCookie))
		for _, path := range []string{"/play/transfer/none", "/play/transfer/samesite"} {
			if r := stranger.Post(path+"?run="+run, nil, foreign...); r.Status != http.StatusForbidden {
				t.Errorf("%s: %d", path, r.Status)
			}
		}
	})
	t.Run("bad addresses", func(t *testing.T) {
		for path, status := range map[string]int{
			"/play/transfer/none": 410, "/play/transfer/none?run=": 410, "/play/transfer/none?run=" + strings.Repeat("k", 32): 410,
			"/play/transfer/x?run=" + run: 404, "/play/transfer/none?from=x&run=" + run: 400, "/play/cookies?how=x&run=" + run: 400, "/play/cookies?run=" + run: 400,
		} {
			if r := c.Post(path, nil, foreign...); r.Status != status || !strings.HasPrefix(r.Body, "<!doctype html>") {
				t.Errorf("%s: %d, want %d", path, r.Status, status)
			}
		}
	})
	t.Run("a run ends with the next, and after a day", func(t *testing.T) {
		c.Post("/lessons/other-site", url.Values{"act": {"begin"}})
		if r := c.Get("/play/hello?run=" + run); r.Status != http.StatusGone {
			t.Errorf("the run before: %d", r.Status)
		}
	})
	t.Run("it is on the wire of its notebook", func(t *testing.T) {
		seen := 0
		for _, e := range lab.WireOf(c.Cookie(webtest.NotebookCookie)) {
			if strings.HasPrefix(e.Target, "/play/transfer/") {
				seen++
			}
		}
		if seen < 4 {
			t.Errorf("%d exchanges", seen)
		}
	})
}
