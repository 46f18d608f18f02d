// Lessons whose question speaks of the engine db, with others.

package course_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"cookielab/handlers"
	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
	"cookielab/sessions"
)

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
		{sessions.EngineSignedCookies, labtest.InCookies, "C", "C", "A"},
	} {
		t.Run(test.engine, func(t *testing.T) {
			lab := labtest.New(t, test.option)
			c := lab.Client().SignIn("alice")
			said := map[string]string{"key": learn(t, c, "key", "store")}
			if r := c.Post("/lessons/key", url.Values{"act": {"reset"}}); r.Status != http.StatusSeeOther {
				t.Errorf("the reset: %d", r.Status)
			}
			said["logout"] = learn(t, c, "logout", "logout")
			c.SignIn("alice")
			page := learn(t, c, "clocks", "ten")
			if got := cameBy(page); got != "" {
				t.Errorf("within the ten seconds the lesson says %s", got)
			}
			outlive(t, c)
			c.Post("/lessons/clocks", url.Values{"act": {"send"}})
			said["clocks"] = c.Get("/lessons/clocks").Body
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
		labtest.InMemory(t)(c)
		labtest.ReadFor(c, sessions.EngineCache)
	}
}

// What a page that was left open still offers changes nothing, once it makes no
// sense any more.
func TestLessonActsOutOfTurn(t *testing.T) {
	lab := labtest.New(t)
	for _, act := range []struct{ slug, name string }{
		{"key", "store"}, {"logout", "logout"}, {"clocks", "ten"}, {"clocks", "clean"}, {"ends", "close"}, {"ends", "still"}, {"ends", "write"},
	} {
		c := lab.Client() // nobody
		page := learn(t, c, act.slug, act.name)
		if strings.Contains(page, "data-done=") || cameBy(page) != "" {
			t.Errorf("%s of %s, signed out: the lesson says that %s happened", act.name, act.slug, cameBy(page))
		}
		for _, name := range webtest.CookieOf {
			if c.Cookie(name) != "" {
				t.Errorf("%s of %s, signed out, sets %s", act.name, act.slug, name)
			}
		}
	}
	c := lab.Client().SignIn("alice")
	for slug, act := range map[string]string{"clocks": "clean", "ends": "still"} {
		if page := learn(t, c, slug, act); cameBy(page) != "" || !strings.Contains(page, "Nothing happened yet") {
			t.Errorf("%s of %s before its turn: it says that %q happened", act, slug, cameBy(page))
		}
	}
}

// After the records were removed, the copy of lesson 9 is answered otherwise, and
// what happened before stands as it was.
func TestLessonClocksCleared(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client().SignIn("alice")
	learn(t, c, "clocks", "ten")
	outlive(t, c)
	page := learn(t, c, "clocks", "send", "clean")
	for row, want := range map[string]string{"late": "its row still lies there", "clean": "no row lies there"} {
		if _, after, _ := strings.Cut(page, `id="row-`+row+`"`); !strings.Contains(strings.SplitN(after, "</tr>", 2)[0], want) {
			t.Errorf("the row %s does not say %q", row, want)
		}
	}
	if got := cameBy(page); got != "A" {
		t.Errorf("it says that %q happened", got)
	}
}

// learn answers a lesson's question and does some of its acts, through HTTP.
func learn(t *testing.T, c *webtest.Client, slug string, acts ...string) (page string) {
	t.Helper()
	c.Get("/lessons/" + slug)
	c.Post("/lessons/"+slug, url.Values{"act": {"predict"}, "said": {"D"}})
	c.Server.Clock.Advance(time.Second) // what was done before it began does not count
	c.Get("/lessons/" + slug)
	for _, act := range acts {
		if r := c.Post("/lessons/"+slug, url.Values{"act": {act}}); r.Status != http.StatusSeeOther {
			t.Fatalf("%s of %s: %d", act, slug, r.Status)
		}
		page = c.Get("/lessons/" + slug).Body
	}
	return page
}

// outlive lets ten seconds go by, after which a browser sends none of the three.
func outlive(t *testing.T, c *webtest.Client) {
	c.Server.Clock.Advance(11 * time.Second)
	for _, name := range webtest.CookieOf {
		c.Drop(name)
	}
}
