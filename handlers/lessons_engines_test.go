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
			// This lab's caches keep what has expired, as the database does.
			if lies := test.engine != sessions.EngineSignedCookies; strings.Contains(said["clocks"], "its row still lies there") != lies {
				t.Errorf("that the expired row still lies there is said: %v", !lies)
			}
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
		readFor(c, sessions.EngineCache)
	}
}

// outlive lets ten seconds go by, after which a browser sends none of the three.
func (c *client) outlive(lab *testLab) {
	lab.clock.Advance(11 * time.Second)
	for _, name := range cookieOf {
		c.drop(name)
	}
}

// What a page that was left open still offers changes nothing, once it makes no
// sense any more.
func TestLessonActsOutOfTurn(t *testing.T) {
	lab := newLab(t)
	for _, act := range []struct{ slug, name string }{
		{"key", "store"}, {"logout", "logout"}, {"clocks", "ten"}, {"clocks", "clean"}, {"ends", "close"}, {"ends", "still"}, {"ends", "write"},
	} {
		c := lab.client() // nobody
		page := c.learn(act.slug, act.name)
		if strings.Contains(page, "data-done=") || cameBy(page) != "" {
			t.Errorf("%s of %s, signed out: the lesson says that %s happened", act.name, act.slug, cameBy(page))
		}
		for _, name := range cookieOf {
			if c.cookie(name) != "" {
				t.Errorf("%s of %s, signed out, sets %s", act.name, act.slug, name)
			}
		}
	}
	c := lab.client().signIn("alice")
	for slug, act := range map[string]string{"clocks": "clean", "ends": "still"} {
		if page := c.learn(slug, act); cameBy(page) != "" || !strings.Contains(page, "Nothing happened yet") {
			t.Errorf("%s of %s before its turn: it says that %q happened", act, slug, cameBy(page))
		}
	}
}

// After the records were removed, the copy of lesson 9 is answered otherwise, and
// what happened before stands as it was.
func TestLessonClocksCleared(t *testing.T) {
	lab := newLab(t)
	c := lab.client().signIn("alice")
	c.learn("clocks", "ten")
	c.outlive(lab)
	page := c.learn("clocks", "send", "clean")
	for row, want := range map[string]string{"late": "its row still lies there", "clean": "no row lies there"} {
		if _, after, _ := strings.Cut(page, `id="row-`+row+`"`); !strings.Contains(strings.SplitN(after, "</tr>", 2)[0], want) {
			t.Errorf("the row %s does not say %q", row, want)
		}
	}
	if got := cameBy(page); got != "A" {
		t.Errorf("it says that %q happened", got)
	}
}
