// The engines page over HTTP: each button is pressed, and what the table says is
// what the engines did.

package engines_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"cookielab/handlers/engines"
	"cookielab/handlers/webtest"
	"cookielab/sessions"
	"cookielab/sessions/storetest/servers"
)

// engineLab is the page of the engines, and where its sessions lie.
type engineLab struct {
	*webtest.Lab
	file  string // the database
	files string // the folder of the engine file
}

// newLab starts the page; options change its configuration.
func newLab(t *testing.T, options ...func(*engines.Config)) engineLab {
	t.Helper()
	folder := t.TempDir()
	lab := engineLab{webtest.New(t), filepath.Join(folder, "lab.db"), filepath.Join(folder, "engines")}
	config := engines.Config{
		Backend:  sessions.Backend{Database: lab.file, Files: lab.files, MemoryLimit: 1000},
		FilePath: "sessions", Cookie: lab.Cookie, Secrets: webtest.Secrets, Clock: lab.Clock.Now, Log: lab.Logger(),
	}
	for _, option := range options {
		option(&config)
	}
	closing, end := context.WithCancel(context.Background())
	page := engines.New(lab.Site, config, closing)
	t.Cleanup(func() {
		end()
		if err := page.Close(); err != nil {
			t.Error(err)
		}
	})
	lab.Router.Get("/engines", webtest.Page, page.Get)
	lab.Router.Post("/engines/:action", webtest.Action, page.Post)
	return lab
}

// database is all that the database's files hold.
func (lab engineLab) database(t *testing.T) (content string) {
	t.Helper()
	files, err := filepath.Glob(lab.file + "*") // the write-ahead log, too
	if err != nil || len(files) == 0 {
		t.Fatal("no database", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		content += string(raw)
	}
	return content
}

func TestEngines(t *testing.T) {
	lab := newLab(t)

	t.Run("each button", func(t *testing.T) {
		c := lab.Client()
		if page := c.Get(webtest.EnginesPath).Body; webtest.Outcomes(page, "write") != "    " || strings.Contains(page, "lab_e_db=") {
			t.Error("the table is not empty before anything was done")
		}
		for _, row := range webtest.EnginesTable {
			if got := webtest.Outcomes(c.Press(row.Action), row.Action); got != row.Want {
				t.Errorf("%s: %q, want %q", row.Action, got, row.Want)
			}
		}
		// Each one stays in the table, and is what it was also alone.
		page := c.Get(webtest.EnginesPath).Body
		for _, row := range webtest.EnginesTable {
			if got := webtest.Outcomes(page, row.Action); got != row.Want {
				t.Errorf("in the end, %s: %q, want %q", row.Action, got, row.Want)
			}
			alone := lab.Client()
			alone.Get(webtest.EnginesPath)
			want := row.Want
			if row.Action == "read" { // the only one that does not write first
				want = "nothing nothing nothing nothing nothing"
			}
			if got := webtest.Outcomes(alone.Press(row.Action), row.Action); got != want {
				t.Errorf("%s alone: %q, want %q", row.Action, got, want)
			}
		}
		if other := lab.Client().Get(webtest.EnginesPath).Body; webtest.Outcomes(other, "write") != "    " {
			t.Error("somebody else sees what came out")
		}
	})

	t.Run("all at once", func(t *testing.T) {
		c := lab.Client().SignIn("alice")
		c.Get(webtest.EnginesPath)
		page := c.Press("all")
		for _, row := range webtest.EnginesTable {
			if got := webtest.Outcomes(page, row.Action); got != row.Want {
				t.Errorf("%s: %q, want %q", row.Action, got, row.Want)
			}
		}
		if !strings.Contains(page, "was not believed") {
			t.Error("it does not say that the cache still had a copy of what was ended")
		}
		if !strings.Contains(page, "it was not known there") || !strings.Contains(page, "ended there, not here") {
			t.Error("it does not say why a session goes on")
		}
	})

	t.Run("reading after a logout elsewhere", func(t *testing.T) {
		c := lab.Client()
		c.Get(webtest.EnginesPath)
		c.Press("elsewhere")
		if got := webtest.Outcomes(c.Press("read"), "read"); got != "gone found gone gone found" {
			t.Errorf("%q", got)
		}
	})

	t.Run("the cookies", func(t *testing.T) {
		c := lab.Client()
		c.Get(webtest.EnginesPath)
		r := c.Post(webtest.EnginesPath+"/write", nil)
		for _, engine := range sessions.Engines() {
			cookie := r.Sets("lab_e_" + engine)
			if cookie == nil || cookie.Path != "/engines" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.MaxAge != 14*24*3600 || cookie.Domain != "" {
				t.Errorf("%s: %v", engine, cookie)
			}
		}
		if again := c.Post(webtest.EnginesPath+"/read", nil); again.Header["Set-Cookie"] != nil {
			t.Errorf("reading sets %v", again.Cookies)
		}
		// A key of one engine opens nothing in another.
		thief := lab.Client().Carry("lab_e_file", c.Cookie("lab_e_db")).
			Carry("lab_e_signed_cookies", c.Cookie("lab_e_db")).Carry("lab_e_cached_db", c.Cookie("lab_e_db")).Carry("lab_e_db", c.Cookie("lab_e_cached_db"))
		thief.Get(webtest.EnginesPath)
		if got := webtest.Outcomes(thief.Press("read"), "read"); got != "gone nothing gone gone gone" {
			t.Errorf("moved keys: %q", got)
		}
	})

	indent := regexp.MustCompile(`\n +`)
	t.Run("where the bytes lie", func(t *testing.T) {
		c := lab.Client().SignIn("alice")
		c.Get(webtest.EnginesPath)
		page := c.Press("write")
		for engine, wants := range map[string][]string{
			"db":             {"SELECT version, owner, created, saved, expires, data FROM sessions WHERE id = ?", "<dd>e_db:alice</dd>", "<dt>version</dt><dd>1</dd>", "sqlite create"},
			"cache":          {"<dd>e_cache:alice</dd>", "data-until=", "memory create"},
			"file":           {`{"version":1,"owner":"e_file:alice"`, "file create"},
			"cached_db":      {"memory put", "sqlite create"},
			"signed_cookies": {`"data":{"_user":"alice"`, "not encrypted"},
		} {
			column := strings.ReplaceAll(webtest.EngineOf(page, engine), "&#34;", `"`)
			column = strings.ReplaceAll(indent.ReplaceAllString(column, ""), `": `, `":`) // what lies in the cookie is indented
			for _, want := range append(wants, `"counter":1`, `"note":"written at `, "Set-Cookie: lab_e_"+engine+"=") {
				if !strings.Contains(column, want) {
					t.Errorf("%s does not show %q:\n%s", engine, want, column)
				}
			}
		}
		if n := strings.Count(webtest.EngineOf(page, "cached_db"), "<dt>version</dt><dd>1</dd>"); n != 2 {
			t.Errorf("cached_db shows its version %d times, not in both places", n)
		}
		name := sessions.KeyID("e_file", c.Cookie("lab_e_file")).String()
		path := filepath.Join(lab.files, name[:2], name)
		if content, err := os.ReadFile(path); err != nil || !strings.Contains(page, path) || !strings.Contains(page, webtest.Escaped(strings.TrimSpace(string(content)))) {
			t.Errorf("%s is not shown as it is: %v", path, err)
		}
		// Keys stay with the browser: no place has one, and the page shows none whole.
		for _, engine := range []string{"db", "cache", "file", "cached_db"} {
			key := c.Cookie("lab_e_" + engine)
			if len(key) != sessions.KeyLength || strings.Contains(page, key) || strings.Contains(lab.database(t), key) || strings.Contains(lab.Log.String(), key) {
				t.Errorf("the key of %s is among it", engine)
			}
		}
		page = c.Press("clear")
		if got := webtest.EngineOf(page, "cache"); !strings.Contains(got, `data-state="nothing"`) {
			t.Errorf("the cache was cleared, and has %s", got)
		}
		page = c.Press("elsewhere")
		if got := webtest.EngineOf(page, "cached_db"); strings.Count(got, `data-state="nothing"`) != 2 {
			t.Errorf("what was ended still lies there: %s", got)
		}
	})

	t.Run("the two ways of reading", func(t *testing.T) {
		c := lab.Client()
		c.Get(webtest.EnginesPath)
		c.Press("elsewhere")
		_, django, _ := strings.Cut(c.Get(webtest.EnginesPath).Body, `id="way-django"`)
		django, ours, _ := strings.Cut(django, `id="way-ours"`)
		if !strings.Contains(django, `class="result" data-outcome="works"`) || !strings.Contains(ours, `class="result" data-outcome="ended"`) {
			t.Error("what each way said after the logout is not shown")
		}
		if !strings.Contains(django, "the cache alone load") || strings.Contains(django, "sqlite stamp") || !strings.Contains(ours, "sqlite stamp") {
			t.Error("what each way cost is not shown")
		}
	})

	t.Run("settings", func(t *testing.T) {
		page := newLab(t, func(config *engines.Config) {
			config.Backend.Database = "postgres://lab:hunter2@127.0.0.1:1/lab?password=hunter3"
			config.Backend.Cache = "redis://:hunter4@127.0.0.1:1/1"
			config.Cookie.Age, config.Cookie.SaveEveryRequest = time.Hour, true
		}).Client().Get(webtest.EnginesPath)
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

	t.Run("refused", func(t *testing.T) {
		c := lab.Client()
		c.Get(webtest.EnginesPath)
		for path, want := range map[string]int{"/engines/none": 404, "/engines/": 404, "/engines/write/more": 404} {
			if r := c.Post(path, nil); r.Status != want {
				t.Errorf("POST %s answers %d", path, r.Status)
			}
		}
		if r := c.Get("/engines/write"); r.Status != http.StatusMethodNotAllowed {
			t.Errorf("GET /engines/write answers %d", r.Status)
		}
		if r := c.Post("/engines/write", nil, webtest.With("Sec-Fetch-Site", "cross-site")); r.Status != http.StatusForbidden || len(r.Cookies) > 0 {
			t.Errorf("from another site it answers %d", r.Status)
		}
		hostile := lab.Client()
		for _, engine := range sessions.Engines() {
			hostile.Carry("lab_e_"+engine, `<script>alert(1)</script>`)
		}
		if r := hostile.Get(webtest.EnginesPath); r.Status != http.StatusOK || strings.Contains(r.Body, "<script>alert") {
			t.Errorf("hostile cookies: %d", r.Status)
		}
		if got := webtest.Outcomes(hostile.Press("read"), "read"); got != "gone gone gone gone gone" {
			t.Errorf("hostile cookies: %q", got)
		}
		if got := webtest.Outcomes(hostile.Press("write"), "write"); got != webtest.EnginesTable[0].Want {
			t.Errorf("hostile cookies cannot be written over: %q", got)
		}
	})

	t.Run("a store that cannot be opened", func(t *testing.T) {
		lab := newLab(t, func(config *engines.Config) {
			config.Backend.Files = filepath.Join(t.TempDir(), "missing", "folder")
		})
		c := lab.Client()
		c.Get(webtest.EnginesPath)
		if got := webtest.Outcomes(c.Press("write"), "write"); got != "written written unreachable written written" {
			t.Errorf("%q", got)
		}
		if page := c.Get(webtest.EnginesPath).Body; !strings.Contains(webtest.EngineOf(page, "file"), `data-state="unreachable"`) || !strings.Contains(page, "Cannot be reached") {
			t.Error("the page does not say so")
		}
	})
}

// With PostgreSQL and Redis two servers share both, and one that is stopped costs
// the others nothing.
func TestEnginesShared(t *testing.T) {
	redis, postgres := servers.Redis(t), servers.Postgres(t)
	lab := newLab(t, func(config *engines.Config) {
		config.Backend.Database, config.Backend.Cache, config.Backend.CachePrefix = postgres.URL(), redis.URL(), "lab-engines:"
	})
	c := lab.Client()
	c.Get(webtest.EnginesPath)
	page := c.Press("all")
	for _, row := range []struct{ Action, Want string }{
		{"write", "written written written written written"},
		{"read", "found found found found found"},
		{"clear", "survived gone survived survived survived"},
		{"restart", "survived survived survived survived survived"},
		{"second", "known known known known known"},
		{"elsewhere", "ended ended ended ended works django:ended"},
		{"tabs", "kept kept kept kept lost"},
	} {
		if got := webtest.Outcomes(page, row.Action); got != row.Want {
			t.Errorf("%s: %q, want %q", row.Action, got, row.Want)
		}
	}
	for engine, wants := range map[string][]string{
		"db":        {"WHERE id = $1", "postgres load"},
		"cache":     {"HGETALL, PTTL", "lab-engines:session:", "<dt>PTTL</dt>", "redis load"},
		"cached_db": {"HGETALL, PTTL", "WHERE id = $1"},
	} {
		for _, want := range wants {
			if got := webtest.EngineOf(page, engine); !strings.Contains(got, want) {
				t.Errorf("%s does not show %q: %s", engine, want, got)
			}
		}
	}

	redis.Stop(t)
	page = c.Press("write") // cached_db goes on without its cache
	if got := webtest.Outcomes(page, "write"); got != "written unreachable written written written" {
		t.Errorf("with Redis stopped: %q", got)
	}
	if got := webtest.EngineOf(page, "cache"); !strings.Contains(got, `data-state="unreachable"`) || !strings.Contains(got, "cannot be reached") {
		t.Errorf("its column does not say so: %s", got)
	}
	if got := webtest.EngineOf(page, "cached_db"); strings.Count(got, `data-state="unreachable"`) != 1 || strings.Count(got, `data-state="there"`) != 1 {
		t.Errorf("cached_db: %s", got)
	}
	if got := webtest.Outcomes(c.Press("clear"), "clear"); got != "survived unreachable survived unreachable survived" {
		t.Errorf("clearing what is not there: %q", got)
	}
	redis.Start(t)
	if got := webtest.Outcomes(c.Press("write"), "write"); got != "written written written written written" {
		t.Errorf("with Redis back: %q", got)
	}

	postgres.Stop(t)
	if got := webtest.Outcomes(c.Press("read"), "read"); got != "unreachable found found unreachable found" {
		t.Errorf("with PostgreSQL stopped: %q", got)
	}
	postgres.Start(t)
	if got := webtest.Outcomes(c.Press("read"), "read"); got != "found found found found found" {
		t.Errorf("with PostgreSQL back: %q", got)
	}
}

// Many visitors at once: whatever they press, none gets an error, and each keeps
// the table that is true of one alone.
func TestEnginesTogether(t *testing.T) {
	lab := newLab(t)
	errs := make(chan string, 64)
	for range 4 {
		go func() {
			c := lab.Client()
			c.Get(webtest.EnginesPath)
			r := c.Post(webtest.EnginesPath+"/all", nil)
			if r.Status != http.StatusSeeOther {
				errs <- r.Body
				return
			}
			page := c.Get(webtest.EnginesPath).Body
			for _, row := range webtest.EnginesTable {
				if got := webtest.Outcomes(page, row.Action); got != row.Want {
					errs <- row.Action + ": " + got
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
