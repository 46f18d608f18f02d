// Play: the only routes that take requests from anywhere. What comes to them
// changes one run of a lesson, and nothing else.

package handlers_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"cookielab/handlers"
)

const elsewhereSite = "http://127.0.0.1:18081"

// atHome makes a lab that has another site beside it, and a name by which that
// finds it.
func atHome(c *handlers.Config) {
	c.Other, c.Home, c.AllowHosts = elsewhereSite, "http://lab.localhost", []string{"lab.localhost"}
}

// atOtherSite begins lesson 13 as somebody at localhost, where the other site
// sends its requests, and returns the run.
func atOtherSite(t *testing.T, lab *testLab) (c *client, run string) {
	t.Helper()
	c = lab.client().signIn("alice")
	c.get("/lessons/other-site")
	c.post("/lessons/other-site", url.Values{"act": {"predict"}, "said": {"B"}})
	if r := c.post("/lessons/other-site", url.Values{"act": {"begin"}}); r.status != http.StatusSeeOther || r.sets("play_lax") == nil || r.sets("play_none") == nil {
		t.Fatalf("beginning: %d, %v", r.status, r.cookies)
	}
	page := c.get("/lessons/other-site", func(r *http.Request) { r.Host = "lab.localhost" })
	found := regexp.MustCompile(regexp.QuoteMeta(elsewhereSite) + `/\?lang=en&amp;run=([0-9a-z]+)"`).FindStringSubmatch(page.body)
	if found == nil {
		t.Fatal("the lesson leads to no other site")
	}
	return c, found[1]
}

func TestPlay(t *testing.T) {
	lab := newLab(t, atHome)
	c, run := atOtherSite(t, lab)
	others := func() string { // all rows but the run's own
		rows := strings.Split(lab.rows(t), "\n")
		kept := ""
		for _, row := range rows {
			if !strings.Contains(row, `"_balance"`) {
				kept += row + "\n"
			}
		}
		return kept
	}
	before := others()
	foreign := []func(*http.Request){with("Sec-Fetch-Site", "cross-site"), with("Origin", elsewhereSite)}
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
		r := c.post(test.path+"?run="+run, url.Values{"to": {"mallory"}, "amount": {"10"}}, foreign...)
		if r.status != test.status || !strings.Contains(r.body, test.says) || len(r.cookies) > 0 {
			t.Errorf("%s: %d, %v, without %q", test.path, r.status, r.cookies, test.says)
		}
		if policy := r.header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors "+elsewhereSite) || r.header.Get("X-Frame-Options") != "" || r.header.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
			t.Errorf("%s: %q, %q", test.path, policy, r.header)
		}
	}
	if after := others(); after != before {
		t.Errorf("more than the run changed, from\n%s to\n%s", before, after)
	}
	if !strings.Contains(lab.rows(t), `"_balance":"80"`) {
		t.Error("the play account has not 80")
	}
	if got := c.verdicts(); got != everywhere {
		t.Errorf("afterwards the three ways conclude %q", got)
	}
	t.Run("nothing of it without the run's own cookie", func(t *testing.T) {
		stranger := lab.client().carry("play_none", "x").carry("play_lax", "x").carry(sessionCookie, c.cookie(sessionCookie))
		for _, path := range []string{"/play/transfer/none", "/play/transfer/samesite"} {
			if r := stranger.post(path+"?run="+run, nil, foreign...); r.status != http.StatusForbidden {
				t.Errorf("%s: %d", path, r.status)
			}
		}
	})
	t.Run("bad addresses", func(t *testing.T) {
		for path, status := range map[string]int{
			"/play/transfer/none": 410, "/play/transfer/none?run=": 410, "/play/transfer/none?run=" + strings.Repeat("k", 32): 410,
			"/play/transfer/x?run=" + run: 404, "/play/transfer/none?from=x&run=" + run: 400, "/play/cookies?how=x&run=" + run: 400, "/play/cookies?run=" + run: 400,
		} {
			if r := c.post(path, nil, foreign...); r.status != status || !strings.HasPrefix(r.body, "<!doctype html>") {
				t.Errorf("%s: %d, want %d", path, r.status, status)
			}
		}
	})
	t.Run("a run ends with the next, and after a day", func(t *testing.T) {
		c.post("/lessons/other-site", url.Values{"act": {"begin"}})
		if r := c.get("/play/hello?run=" + run); r.status != http.StatusGone {
			t.Errorf("the run before: %d", r.status)
		}
	})
	t.Run("it is on the wire of its notebook", func(t *testing.T) {
		seen := 0
		for _, e := range lab.WireOf(c.cookie(notebookCookie)) {
			if strings.HasPrefix(e.Target, "/play/transfer/") {
				seen++
			}
		}
		if seen < 4 {
			t.Errorf("%d exchanges", seen)
		}
	})
}
