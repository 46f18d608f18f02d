// The engines page over HTTP: each button is pressed, and what the table says is
// what the engines did.

package engines_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"cookielab/handlers"
	"cookielab/handlers/labtest"
	"cookielab/handlers/lanes"
	"cookielab/sessions"
	"cookielab/sessions/storetest"
	"cookielab/sessions/storetest/servers"
)

func TestEngines(t *testing.T) {
	lab := labtest.New(t)

	t.Run("each button", func(t *testing.T) {
		c := lab.Client()
		if page := c.Get(labtest.EnginesPath).Body; labtest.Outcomes(page, "write") != "    " || strings.Contains(page, "lab_e_db=") {
			t.Error("the table is not empty before anything was done")
		}
		for _, row := range labtest.EnginesTable {
			if got := labtest.Outcomes(c.Press(row.Deed), row.Deed); got != row.Want {
				t.Errorf("%s: %q, want %q", row.Deed, got, row.Want)
			}
		}
		// Each one stays in the table, and is what it was also alone.
		page := c.Get(labtest.EnginesPath).Body
		for _, row := range labtest.EnginesTable {
			if got := labtest.Outcomes(page, row.Deed); got != row.Want {
				t.Errorf("in the end, %s: %q, want %q", row.Deed, got, row.Want)
			}
			alone := lab.Client()
			alone.Get(labtest.EnginesPath)
			want := row.Want
			if row.Deed == "read" { // the only one that does not write first
				want = "nothing nothing nothing nothing nothing"
			}
			if got := labtest.Outcomes(alone.Press(row.Deed), row.Deed); got != want {
				t.Errorf("%s alone: %q, want %q", row.Deed, got, want)
			}
		}
		if other := lab.Client().Get(labtest.EnginesPath).Body; labtest.Outcomes(other, "write") != "    " {
			t.Error("somebody else sees what came out")
		}
	})

	t.Run("all at once", func(t *testing.T) {
		c := lab.Client().SignIn("alice")
		c.Get(labtest.EnginesPath)
		page := c.Press("all")
		for _, row := range labtest.EnginesTable {
			if got := labtest.Outcomes(page, row.Deed); got != row.Want {
				t.Errorf("%s: %q, want %q", row.Deed, got, row.Want)
			}
		}
		if !strings.Contains(page, "was not believed") {
			t.Error("it does not say that the cache still had a copy of what was ended")
		}
		if !strings.Contains(page, "it was not known there") || !strings.Contains(page, "ended there, not here") {
			t.Error("it does not say why a session goes on")
		}
		if c.Verdicts() != labtest.Everywhere {
			t.Error("the lab's own session did not stay as it was")
		}
	})

	t.Run("reading after a logout elsewhere", func(t *testing.T) {
		c := lab.Client()
		c.Get(labtest.EnginesPath)
		c.Press("elsewhere")
		if got := labtest.Outcomes(c.Press("read"), "read"); got != "gone found gone gone found" {
			t.Errorf("%q", got)
		}
	})

	t.Run("the cookies", func(t *testing.T) {
		c := lab.Client()
		c.Get(labtest.EnginesPath)
		r := c.Post(labtest.EnginesPath+"/write", nil)
		for _, engine := range sessions.Engines() {
			cookie := r.Sets("lab_e_" + engine)
			if cookie == nil || cookie.Path != "/engines" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.MaxAge != 14*24*3600 || cookie.Domain != "" {
				t.Errorf("%s: %v", engine, cookie)
			}
		}
		if again := c.Post(labtest.EnginesPath+"/read", nil); again.Header["Set-Cookie"] != nil {
			t.Errorf("reading sets %v", again.Cookies)
		}
		// A key of one engine opens nothing in another, nor in the lab.
		thief := lab.Client().Carry("lab_sessionid", c.Cookie("lab_e_db")).Carry("lab_e_file", c.Cookie("lab_e_db")).
			Carry("lab_e_signed_cookies", c.Cookie("lab_e_db")).Carry("lab_e_cached_db", c.Cookie("lab_e_db")).Carry("lab_e_db", c.Cookie("lab_e_cached_db"))
		if got := thief.Lanes()[lanes.Session].Verdict; got != "unknown" {
			t.Errorf("the lab takes a key of the page for %s", got)
		}
		thief.Get(labtest.EnginesPath)
		if got := labtest.Outcomes(thief.Press("read"), "read"); got != "gone nothing gone gone gone" {
			t.Errorf("moved keys: %q", got)
		}
	})

	indent := regexp.MustCompile(`\n +`)
	t.Run("where the bytes lie", func(t *testing.T) {
		c := lab.Client().SignIn("alice")
		c.Get(labtest.EnginesPath)
		page := c.Press("write")
		for engine, wants := range map[string][]string{
			"db":             {"SELECT version, owner, created, saved, expires, data FROM sessions WHERE id = ?", "<dd>e_db:alice</dd>", "<dt>version</dt><dd>1</dd>", "sqlite create"},
			"cache":          {"<dd>e_cache:alice</dd>", "data-until=", "memory create"},
			"file":           {`{"version":1,"owner":"e_file:alice"`, "file create"},
			"cached_db":      {"memory put", "sqlite create"},
			"signed_cookies": {`"data":{"_user":"alice"`, "not encrypted"},
		} {
			column := strings.ReplaceAll(labtest.EngineOf(page, engine), "&#34;", `"`)
			column = strings.ReplaceAll(indent.ReplaceAllString(column, ""), `": `, `":`) // what lies in the cookie is indented
			for _, want := range append(wants, `"counter":1`, `"note":"written at `, "Set-Cookie: lab_e_"+engine+"=") {
				if !strings.Contains(column, want) {
					t.Errorf("%s does not show %q:\n%s", engine, want, column)
				}
			}
		}
		if n := strings.Count(labtest.EngineOf(page, "cached_db"), "<dt>version</dt><dd>1</dd>"); n != 2 {
			t.Errorf("cached_db shows its version %d times, not in both places", n)
		}
		name := sessions.KeyID("e_file", c.Cookie("lab_e_file")).String()
		path := filepath.Join(filepath.Dir(lab.File), "engines", name[:2], name)
		if content, err := os.ReadFile(path); err != nil || !strings.Contains(page, path) || !strings.Contains(page, labtest.Escaped(strings.TrimSpace(string(content)))) {
			t.Errorf("%s is not shown as it is: %v", path, err)
		}
		// Keys stay with the browser: no place has one, and the page shows none whole.
		for _, engine := range []string{"db", "cache", "file", "cached_db"} {
			key := c.Cookie("lab_e_" + engine)
			if len(key) != sessions.KeyLength || strings.Contains(page, key) || strings.Contains(lab.Rows(t), key) || strings.Contains(lab.Log.String(), key) {
				t.Errorf("the key of %s is among it", engine)
			}
		}
		page = c.Press("clear")
		if got := labtest.EngineOf(page, "cache"); !strings.Contains(got, `data-state="nothing"`) {
			t.Errorf("the cache was cleared, and has %s", got)
		}
		page = c.Press("elsewhere")
		if got := labtest.EngineOf(page, "cached_db"); strings.Count(got, `data-state="nothing"`) != 2 {
			t.Errorf("what was ended still lies there: %s", got)
		}
	})

	t.Run("the two ways of reading", func(t *testing.T) {
		c := lab.Client()
		c.Get(labtest.EnginesPath)
		c.Press("elsewhere")
		_, django, _ := strings.Cut(c.Get(labtest.EnginesPath).Body, `id="way-django"`)
		django, ours, _ := strings.Cut(django, `id="way-ours"`)
		if !strings.Contains(django, `class="result" data-outcome="works"`) || !strings.Contains(ours, `class="result" data-outcome="ended"`) {
			t.Error("what each way said after the logout is not shown")
		}
		if !strings.Contains(django, "the cache alone load") || strings.Contains(django, "sqlite stamp") || !strings.Contains(ours, "sqlite stamp") {
			t.Error("what each way cost is not shown")
		}
	})

	t.Run("settings", func(t *testing.T) {
		page := labtest.New(t, func(config *handlers.Config) {
			config.Engines.Database = "postgres://lab:hunter2@127.0.0.1:1/lab?password=hunter3"
			config.Engines.Cache = "redis://:hunter4@127.0.0.1:1/1"
			config.Cookie.Age, config.Cookie.SaveEveryRequest = time.Hour, true
		}).Client().Get(labtest.EnginesPath)
		if page.Status != http.StatusOK || strings.Contains(page.Body, "hunter") {
			t.Errorf("it answers %d, or shows a password", page.Status)
		}
		for name, want := range map[string]string{
			"SESSION_ENGINE": "db", "SESSION_CACHE_ALIAS": "redis://127.0.0.1:1/1", "DATABASES": "postgres://127.0.0.1:1/lab?…", "SESSION_FILE_PATH": "sessions",
			"SESSION_COOKIE_NAME": "lab_sessionid", "SESSION_COOKIE_PATH": "/", "SESSION_COOKIE_DOMAIN": "none: this host alone", "SESSION_COOKIE_SECURE": "false",
			"SESSION_COOKIE_HTTPONLY": "true", "SESSION_COOKIE_SAMESITE": "Lax", "SESSION_COOKIE_AGE": "3600", "SESSION_EXPIRE_AT_BROWSER_CLOSE": "false", "SESSION_SAVE_EVERY_REQUEST": "true",
		} {
			_, row, _ := strings.Cut(page.Body, `id="setting-`+name+`"`)
			if row, _, _ = strings.Cut(row, "</tr>"); !strings.Contains(row, want) {
				t.Errorf("%s is not %q: %s", name, want, row)
			}
		}
	})

	t.Run("reset", func(t *testing.T) {
		c := lab.Client()
		c.Get(labtest.EnginesPath)
		c.Press("write")
		kept := c.Cookie("lab_e_db")
		r := c.Post("/reset", nil)
		for _, engine := range sessions.Engines() {
			if cookie := r.Sets("lab_e_" + engine); cookie == nil || cookie.MaxAge >= 0 || cookie.Path != "/engines" {
				t.Errorf("the reset leaves lab_e_%s: %v", engine, cookie)
			}
		}
		again := lab.Client().Carry("lab_e_db", kept)
		again.Get(labtest.EnginesPath)
		if got := labtest.Outcomes(again.Press("read"), "read"); got != "gone nothing nothing nothing nothing" {
			t.Errorf("the server's half stays: %q", got)
		}
		if r := lab.Client().Post("/reset", nil); slices.ContainsFunc(r.Cookies, func(c *http.Cookie) bool { return strings.HasPrefix(c.Name, "lab_e_") }) {
			t.Error("who was never there has the cookies expired, too")
		}
	})

	t.Run("refused", func(t *testing.T) {
		c := lab.Client()
		c.Get(labtest.EnginesPath)
		for path, want := range map[string]int{"/engines/none": 404, "/engines/": 404, "/engines/write/more": 404} {
			if r := c.Post(path, nil); r.Status != want {
				t.Errorf("POST %s answers %d", path, r.Status)
			}
		}
		if r := c.Get("/engines/write"); r.Status != http.StatusMethodNotAllowed {
			t.Errorf("GET /engines/write answers %d", r.Status)
		}
		if r := c.Post("/engines/write", nil, labtest.With("Sec-Fetch-Site", "cross-site")); r.Status != http.StatusForbidden || len(r.Cookies) > 0 {
			t.Errorf("from another site it answers %d", r.Status)
		}
		hostile := lab.Client()
		for _, engine := range sessions.Engines() {
			hostile.Carry("lab_e_"+engine, `<script>alert(1)</script>`)
		}
		if r := hostile.Get(labtest.EnginesPath); r.Status != http.StatusOK || strings.Contains(r.Body, "<script>alert") {
			t.Errorf("hostile cookies: %d", r.Status)
		}
		if got := labtest.Outcomes(hostile.Press("read"), "read"); got != "gone gone gone gone gone" {
			t.Errorf("hostile cookies: %q", got)
		}
		if got := labtest.Outcomes(hostile.Press("write"), "write"); got != labtest.EnginesTable[0].Want {
			t.Errorf("hostile cookies cannot be written over: %q", got)
		}
	})

	t.Run("the lab's own sessions cannot be reached", func(t *testing.T) {
		lab := labtest.New(t)
		c := lab.Client().SignIn("alice")
		lab.Sessions.Before = storetest.Down()
		if got := labtest.Outcomes(c.Press("write"), "write"); got != labtest.EnginesTable[0].Want {
			t.Errorf("%q", got)
		}
		lab.Sessions.Before = nil
		if c.Verdicts() != labtest.Everywhere {
			t.Error("alice was signed out")
		}
	})

	t.Run("a store that cannot be opened", func(t *testing.T) {
		lab := labtest.New(t, func(config *handlers.Config) {
			config.Engines.Files = filepath.Join(t.TempDir(), "missing", "folder")
		})
		c := lab.Client()
		c.Get(labtest.EnginesPath)
		if got := labtest.Outcomes(c.Press("write"), "write"); got != "written written unreachable written written" {
			t.Errorf("%q", got)
		}
		if page := c.Get(labtest.EnginesPath).Body; !strings.Contains(labtest.EngineOf(page, "file"), `data-state="unreachable"`) || !strings.Contains(page, "Cannot be reached") {
			t.Error("the page does not say so")
		}
	})
}

// With PostgreSQL and Redis two servers share both, and one that is stopped costs
// the others nothing.
func TestEnginesShared(t *testing.T) {
	redis, postgres := servers.Redis(t), servers.Postgres(t)
	lab := labtest.New(t, func(config *handlers.Config) {
		config.Engines.Database, config.Engines.Cache, config.Engines.CachePrefix = postgres.URL(), redis.URL(), "lab-engines:"
	})
	c := lab.Client()
	c.Get(labtest.EnginesPath)
	page := c.Press("all")
	for _, row := range []struct{ Deed, Want string }{
		{"write", "written written written written written"},
		{"read", "found found found found found"},
		{"clear", "survived gone survived survived survived"},
		{"restart", "survived survived survived survived survived"},
		{"second", "known known known known known"},
		{"elsewhere", "ended ended ended ended works django:ended"},
		{"tabs", "kept kept kept kept lost"},
	} {
		if got := labtest.Outcomes(page, row.Deed); got != row.Want {
			t.Errorf("%s: %q, want %q", row.Deed, got, row.Want)
		}
	}
	for engine, wants := range map[string][]string{
		"db":        {"WHERE id = $1", "postgres load"},
		"cache":     {"HGETALL, PTTL", "lab-engines:session:", "<dt>PTTL</dt>", "redis load"},
		"cached_db": {"HGETALL, PTTL", "WHERE id = $1"},
	} {
		for _, want := range wants {
			if got := labtest.EngineOf(page, engine); !strings.Contains(got, want) {
				t.Errorf("%s does not show %q: %s", engine, want, got)
			}
		}
	}

	redis.Stop(t)
	page = c.Press("write") // cached_db goes on without its cache
	if got := labtest.Outcomes(page, "write"); got != "written unreachable written written written" {
		t.Errorf("with Redis stopped: %q", got)
	}
	if got := labtest.EngineOf(page, "cache"); !strings.Contains(got, `data-state="unreachable"`) || !strings.Contains(got, "cannot be reached") {
		t.Errorf("its column does not say so: %s", got)
	}
	if got := labtest.EngineOf(page, "cached_db"); strings.Count(got, `data-state="unreachable"`) != 1 || strings.Count(got, `data-state="there"`) != 1 {
		t.Errorf("cached_db: %s", got)
	}
	if got := labtest.Outcomes(c.Press("clear"), "clear"); got != "survived unreachable survived unreachable survived" {
		t.Errorf("clearing what is not there: %q", got)
	}
	redis.Start(t)
	if got := labtest.Outcomes(c.Press("write"), "write"); got != "written written written written written" {
		t.Errorf("with Redis back: %q", got)
	}

	postgres.Stop(t)
	if got := labtest.Outcomes(c.Press("read"), "read"); got != "unreachable found found unreachable found" {
		t.Errorf("with PostgreSQL stopped: %q", got)
	}
	postgres.Start(t)
	if got := labtest.Outcomes(c.Press("read"), "read"); got != "found found found found found" {
		t.Errorf("with PostgreSQL back: %q", got)
	}
}

// Many visitors at once: whatever they press, none gets an error, and each keeps
// the table that is true of one alone.
func TestEnginesTogether(t *testing.T) {
	lab := labtest.New(t)
	errs := make(chan string, 64)
	for range 4 {
		go func() {
			c := lab.Client()
			c.Get(labtest.EnginesPath)
			r := c.Post(labtest.EnginesPath+"/all", nil)
			if r.Status != http.StatusSeeOther {
				errs <- r.Body
				return
			}
			page := c.Get(labtest.EnginesPath).Body
			for _, row := range labtest.EnginesTable {
				if got := labtest.Outcomes(page, row.Deed); got != row.Want {
					errs <- row.Deed + ": " + got
					return
				}
			}
			errs <- ""
		}()
	}
	for range 4 {
		if problem := <-errs; problem != "" {
			t.Error(problem)
		}
	}
}
