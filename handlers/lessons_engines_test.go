// Lessons whose question speaks of the engine db, with others.

package handlers_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"cookielab/handlers"
	"cookielab/sessions"
)

// learn answers a lesson's question and does some of its acts, through HTTP.
func (c *client) learn(slug string, acts ...string) (page string) {
	c.lab.t.Helper()
	c.get("/lessons/" + slug)
	c.post("/lessons/"+slug, url.Values{"act": {"predict"}, "said": {"D"}})
	c.lab.clock.Advance(time.Second) // what was done before it began does not count
	c.get("/lessons/" + slug)
	for _, act := range acts {
		if r := c.post("/lessons/"+slug, url.Values{"act": {act}}); r.status != http.StatusSeeOther {
			c.lab.t.Fatalf("%s of %s: %d", act, slug, r.status)
		}
		page = c.get("/lessons/" + slug).body
	}
	return page
}

// cameBy is what a lesson's page says has happened; "": nothing yet.
func cameBy(page string) string {
	if match := regexp.MustCompile(`<strong id="came">([ABC])</strong>`).FindStringSubmatch(page); match != nil {
		return match[1]
	}
	return ""
}

// Whatever engine runs, the lesson says what happened with that one, and of which
// the question speaks.
func TestLessonsWithOtherEngines(t *testing.T) {
	for _, test := range []struct {
		engine              string
		option              func(*handlers.Config)
		key, logout, clocks string
	}{
		{sessions.EngineDB, func(*handlers.Config) {}, "A", "B", "A"},
		{sessions.EngineCache, inCache(t), "A", "B", "A"},
		{sessions.EngineSignedCookies, inCookies, "C", "C", "A"},
	} {
		t.Run(test.engine, func(t *testing.T) {
			lab := newLab(t, test.option)
			c := lab.client().signIn("alice")
			said := map[string]string{"key": c.learn("key", "store")}
			if r := c.post("/lessons/key", url.Values{"act": {"reset"}}); r.status != http.StatusSeeOther {
				t.Errorf("the reset: %d", r.status)
			}
			said["logout"] = c.learn("logout", "logout")
			c.signIn("alice")
			page := c.learn("clocks", "ten")
			if got := cameBy(page); got != "" {
				t.Errorf("within the ten seconds the lesson says %s", got)
			}
			c.outlive(lab)
			c.post("/lessons/clocks", url.Values{"act": {"send"}})
			said["clocks"] = c.get("/lessons/clocks").body
			for slug, want := range map[string]string{"key": test.key, "logout": test.logout, "clocks": test.clocks} {
				if got := cameBy(said[slug]); got != want {
					t.Errorf("%s: it says that %q happened, not %q", slug, got, want)
				}
				if other := test.engine != sessions.EngineDB; strings.Contains(said[slug], "--engine db") != other {
					t.Errorf("%s: that another engine runs is said: %v", slug, !other)
				}
			}
		})
	}
}

// inCache lets the lab keep its sessions in a memory cache: the engine cache.
func inCache(t testing.TB) func(*handlers.Config) {
	return func(c *handlers.Config) {
		inMemory(t)(c)
		c.Pages = pagesOf(sessions.EngineCache)
	}
}

// outlive lets ten seconds go by, after which a browser sends none of the three.
func (c *client) outlive(lab *testLab) {
	lab.clock.Advance(11 * time.Second)
	for _, name := range cookieOf {
		c.drop(name)
	}
}
