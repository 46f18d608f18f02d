// The engines page over HTTP: each button is pressed, and what the table says is
// what the engines did.

package handlers_test

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
	"cookielab/handlers/lanes"
	"cookielab/sessions"
	"cookielab/sessions/storetest"
	"cookielab/sessions/storetest/servers"
)

const enginesPath = "/engines"

// outcomes are the cells of one deed as the page shows them: their short names in
// the order of the engines, the one of Django's way last where there is one.
func outcomes(page, deed string) string {
	var words []string
	cell := regexp.MustCompile(`<td role="cell" id="` + deed + `-[a-z_]+"(?: data-outcome="(\w+)")?`)
	for _, found := range cell.FindAllStringSubmatch(page, -1) {
		words = append(words, found[1])
	}
	row, _, _ := strings.Cut(page[strings.Index(page, `id="deed-`+deed+`"`):], "</tr>")
	if _, django, ok := strings.Cut(row, `class="more django" data-outcome="`); ok {
		words = append(words, "django:"+django[:strings.Index(django, `"`)])
	}
	return strings.Join(words, " ")
}

// engineOf is the column of one engine.
func engineOf(page, engine string) string {
	_, column, _ := strings.Cut(page, `id="engine-`+engine+`"`)
	column, _, _ = strings.Cut(column, "</section>")
	return column
}

// press presses a button of the page, and gives the page that follows.
func (c *client) press(deed string) string {
	c.lab.t.Helper()
	r := c.post(enginesPath+"/"+deed, nil)
	if r.status != http.StatusSeeOther || r.header.Get("Location") != enginesPath {
		c.lab.t.Fatalf("%s answers %d to %q: %s", deed, r.status, r.header.Get("Location"), r.body)
	}
	page := c.get(enginesPath)
	if page.status != http.StatusOK {
		c.lab.t.Fatalf("after %s the page answers %d", deed, page.status)
	}
	return page.body
}

// enginesTable is what has to come out with a cache in each server's own memory.
var enginesTable = []struct{ Deed, Want string }{
	{"write", "written written written written written"},
	{"read", "found found found found found"},
	{"clear", "survived gone survived survived survived"},
	{"restart", "survived gone survived survived survived"},
	{"second", "known unknown known known known"},
	{"elsewhere", "ended works ended ended works django:works"},
	{"tabs", "kept kept kept kept lost"},
}

func TestEngines(t *testing.T) {
	lab := newLab(t)

	t.Run("each button", func(t *testing.T) {
		c := lab.client()
		if page := c.get(enginesPath).body; outcomes(page, "write") != "    " || strings.Contains(page, "lab_e_db=") {
			t.Error("the table is not empty before anything was done")
		}
		for _, row := range enginesTable {
			if got := outcomes(c.press(row.Deed), row.Deed); got != row.Want {
				t.Errorf("%s: %q, want %q", row.Deed, got, row.Want)
			}
		}
		// Each one stays in the table, and is what it was also alone.
		page := c.get(enginesPath).body
		for _, row := range enginesTable {
			if got := outcomes(page, row.Deed); got != row.Want {
				t.Errorf("in the end, %s: %q, want %q", row.Deed, got, row.Want)
			}
			alone := lab.client()
			alone.get(enginesPath)
			want := row.Want
			if row.Deed == "read" { // the only one that does not write first
				want = "nothing nothing nothing nothing nothing"
			}
			if got := outcomes(alone.press(row.Deed), row.Deed); got != want {
				t.Errorf("%s alone: %q, want %q", row.Deed, got, want)
			}
		}
		if other := lab.client().get(enginesPath).body; outcomes(other, "write") != "    " {
			t.Error("somebody else sees what came out")
		}
	})

	t.Run("all at once", func(t *testing.T) {
		c := lab.client().signIn("alice")
		c.get(enginesPath)
		page := c.press("all")
		for _, row := range enginesTable {
			if got := outcomes(page, row.Deed); got != row.Want {
				t.Errorf("%s: %q, want %q", row.Deed, got, row.Want)
			}
		}
		if !strings.Contains(page, "was not believed") {
			t.Error("it does not say that the cache still had a copy of what was ended")
		}
		if !strings.Contains(page, "it was not known there") || !strings.Contains(page, "ended there, not here") {
			t.Error("it does not say why a session goes on")
		}
		if c.verdicts() != everywhere {
			t.Error("the lab's own session did not stay as it was")
		}
	})

	t.Run("reading after a logout elsewhere", func(t *testing.T) {
		c := lab.client()
		c.get(enginesPath)
		c.press("elsewhere")
		if got := outcomes(c.press("read"), "read"); got != "gone found gone gone found" {
			t.Errorf("%q", got)
		}
	})

	t.Run("the cookies", func(t *testing.T) {
		c := lab.client()
		c.get(enginesPath)
		r := c.post(enginesPath+"/write", nil)
		for _, engine := range sessions.Engines() {
			cookie := r.sets("lab_e_" + engine)
			if cookie == nil || cookie.Path != "/engines" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.MaxAge != 14*24*3600 || cookie.Domain != "" {
				t.Errorf("%s: %v", engine, cookie)
			}
		}
		if again := c.post(enginesPath+"/read", nil); again.header["Set-Cookie"] != nil {
			t.Errorf("reading sets %v", again.cookies)
		}
		// A key of one engine opens nothing in another, nor in the lab.
		thief := lab.client().carry("lab_sessionid", c.cookie("lab_e_db")).carry("lab_e_file", c.cookie("lab_e_db")).
			carry("lab_e_signed_cookies", c.cookie("lab_e_db")).carry("lab_e_cached_db", c.cookie("lab_e_db")).carry("lab_e_db", c.cookie("lab_e_cached_db"))
		if got := thief.lanes()[lanes.Session].Verdict; got != "unknown" {
			t.Errorf("the lab takes a key of the page for %s", got)
		}
		thief.get(enginesPath)
		if got := outcomes(thief.press("read"), "read"); got != "gone nothing gone gone gone" {
			t.Errorf("moved keys: %q", got)
		}
	})

	indent := regexp.MustCompile(`\n +`)
	t.Run("where the bytes lie", func(t *testing.T) {
		c := lab.client().signIn("alice")
		c.get(enginesPath)
		page := c.press("write")
		for engine, wants := range map[string][]string{
			"db":             {"SELECT version, owner, created, saved, expires, data FROM sessions WHERE id = ?", "<dd>e_db:alice</dd>", "<dt>version</dt><dd>1</dd>", "sqlite create"},
			"cache":          {"<dd>e_cache:alice</dd>", "data-until=", "memory create"},
			"file":           {`{"version":1,"owner":"e_file:alice"`, "file create"},
			"cached_db":      {"memory put", "sqlite create"},
			"signed_cookies": {`"data":{"_user":"alice"`, "not encrypted"},
		} {
			column := strings.ReplaceAll(engineOf(page, engine), "&#34;", `"`)
			column = strings.ReplaceAll(indent.ReplaceAllString(column, ""), `": `, `":`) // what lies in the cookie is indented
			for _, want := range append(wants, `"counter":1`, `"note":"written at `, "Set-Cookie: lab_e_"+engine+"=") {
				if !strings.Contains(column, want) {
					t.Errorf("%s does not show %q:\n%s", engine, want, column)
				}
			}
		}
		if n := strings.Count(engineOf(page, "cached_db"), "<dt>version</dt><dd>1</dd>"); n != 2 {
			t.Errorf("cached_db shows its version %d times, not in both places", n)
		}
		name := sessions.KeyID("e_file", c.cookie("lab_e_file")).String()
		path := filepath.Join(filepath.Dir(lab.file), "engines", name[:2], name)
		if content, err := os.ReadFile(path); err != nil || !strings.Contains(page, path) || !strings.Contains(page, escaped(strings.TrimSpace(string(content)))) {
			t.Errorf("%s is not shown as it is: %v", path, err)
		}
		// Keys stay with the browser: no place has one, and the page shows none whole.
		for _, engine := range []string{"db", "cache", "file", "cached_db"} {
			key := c.cookie("lab_e_" + engine)
			if len(key) != sessions.KeyLength || strings.Contains(page, key) || strings.Contains(lab.rows(t), key) || strings.Contains(lab.log.String(), key) {
				t.Errorf("the key of %s is among it", engine)
			}
		}
		page = c.press("clear")
		if got := engineOf(page, "cache"); !strings.Contains(got, `data-state="nothing"`) {
			t.Errorf("the cache was cleared, and has %s", got)
		}
		page = c.press("elsewhere")
		if got := engineOf(page, "cached_db"); strings.Count(got, `data-state="nothing"`) != 2 {
			t.Errorf("what was ended still lies there: %s", got)
		}
	})

	t.Run("the two ways of reading", func(t *testing.T) {
		c := lab.client()
		c.get(enginesPath)
		c.press("elsewhere")
		_, django, _ := strings.Cut(c.get(enginesPath).body, `id="way-django"`)
		django, ours, _ := strings.Cut(django, `id="way-ours"`)
		if !strings.Contains(django, `class="result" data-outcome="works"`) || !strings.Contains(ours, `class="result" data-outcome="ended"`) {
			t.Error("what each way said after the logout is not shown")
		}
		if !strings.Contains(django, "the cache alone load") || strings.Contains(django, "sqlite stamp") || !strings.Contains(ours, "sqlite stamp") {
			t.Error("what each way cost is not shown")
		}
	})

	t.Run("settings", func(t *testing.T) {
		page := newLab(t, func(config *handlers.Config) {
			config.Engines.Database = "postgres://lab:hunter2@127.0.0.1:1/lab?password=hunter3"
			config.Engines.Cache = "redis://:hunter4@127.0.0.1:1/1"
			config.Cookie.Age, config.Cookie.SaveEveryRequest = time.Hour, true
		}).client().get(enginesPath)
		if page.status != http.StatusOK || strings.Contains(page.body, "hunter") {
			t.Errorf("it answers %d, or shows a password", page.status)
		}
		for name, want := range map[string]string{
			"SESSION_ENGINE": "db", "SESSION_CACHE_ALIAS": "redis://127.0.0.1:1/1", "DATABASES": "postgres://127.0.0.1:1/lab?…", "SESSION_FILE_PATH": "sessions",
			"SESSION_COOKIE_NAME": "lab_sessionid", "SESSION_COOKIE_PATH": "/", "SESSION_COOKIE_DOMAIN": "none: this host alone", "SESSION_COOKIE_SECURE": "false",
			"SESSION_COOKIE_HTTPONLY": "true", "SESSION_COOKIE_SAMESITE": "Lax", "SESSION_COOKIE_AGE": "3600", "SESSION_EXPIRE_AT_BROWSER_CLOSE": "false", "SESSION_SAVE_EVERY_REQUEST": "true",
		} {
			_, row, _ := strings.Cut(page.body, `id="setting-`+name+`"`)
			if row, _, _ = strings.Cut(row, "</tr>"); !strings.Contains(row, want) {
				t.Errorf("%s is not %q: %s", name, want, row)
			}
		}
	})

	t.Run("reset", func(t *testing.T) {
		c := lab.client()
		c.get(enginesPath)
		c.press("write")
		kept := c.cookie("lab_e_db")
		r := c.post("/reset", nil)
		for _, engine := range sessions.Engines() {
			if cookie := r.sets("lab_e_" + engine); cookie == nil || cookie.MaxAge >= 0 || cookie.Path != "/engines" {
				t.Errorf("the reset leaves lab_e_%s: %v", engine, cookie)
			}
		}
		again := lab.client().carry("lab_e_db", kept)
		again.get(enginesPath)
		if got := outcomes(again.press("read"), "read"); got != "gone nothing nothing nothing nothing" {
			t.Errorf("the server's half stays: %q", got)
		}
		if r := lab.client().post("/reset", nil); slices.ContainsFunc(r.cookies, func(c *http.Cookie) bool { return strings.HasPrefix(c.Name, "lab_e_") }) {
			t.Error("who was never there has the cookies expired, too")
		}
	})

	t.Run("refused", func(t *testing.T) {
		c := lab.client()
		c.get(enginesPath)
		for path, want := range map[string]int{"/engines/none": 404, "/engines/": 404, "/engines/write/more": 404} {
			if r := c.post(path, nil); r.status != want {
				t.Errorf("POST %s answers %d", path, r.status)
			}
		}
		if r := c.get("/engines/write"); r.status != http.StatusMethodNotAllowed {
			t.Errorf("GET /engines/write answers %d", r.status)
		}
		if r := c.post("/engines/write", nil, with("Sec-Fetch-Site", "cross-site")); r.status != http.StatusForbidden || len(r.cookies) > 0 {
			t.Errorf("from another site it answers %d", r.status)
		}
		hostile := lab.client()
		for _, engine := range sessions.Engines() {
			hostile.carry("lab_e_"+engine, `<script>alert(1)</script>`)
		}
		if r := hostile.get(enginesPath); r.status != http.StatusOK || strings.Contains(r.body, "<script>alert") {
			t.Errorf("hostile cookies: %d", r.status)
		}
		if got := outcomes(hostile.press("read"), "read"); got != "gone gone gone gone gone" {
			t.Errorf("hostile cookies: %q", got)
		}
		if got := outcomes(hostile.press("write"), "write"); got != enginesTable[0].Want {
			t.Errorf("hostile cookies cannot be written over: %q", got)
		}
	})

	t.Run("the lab's own sessions cannot be reached", func(t *testing.T) {
		lab := newLab(t)
		c := lab.client().signIn("alice")
		lab.sessions.Before = storetest.Down()
		if got := outcomes(c.press("write"), "write"); got != enginesTable[0].Want {
			t.Errorf("%q", got)
		}
		lab.sessions.Before = nil
		if c.verdicts() != everywhere {
			t.Error("alice was signed out")
		}
	})

	t.Run("a store that cannot be opened", func(t *testing.T) {
		lab := newLab(t, func(config *handlers.Config) {
			config.Engines.Files = filepath.Join(t.TempDir(), "missing", "folder")
		})
		c := lab.client()
		c.get(enginesPath)
		if got := outcomes(c.press("write"), "write"); got != "written written unreachable written written" {
			t.Errorf("%q", got)
		}
		if page := c.get(enginesPath).body; !strings.Contains(engineOf(page, "file"), `data-state="unreachable"`) || !strings.Contains(page, "Cannot be reached") {
			t.Error("the page does not say so")
		}
	})
}

// With PostgreSQL and Redis two servers share both, and one that is stopped costs
// the others nothing.
func TestEnginesShared(t *testing.T) {
	redis, postgres := servers.Redis(t), servers.Postgres(t)
	lab := newLab(t, func(config *handlers.Config) {
		config.Engines.Database, config.Engines.Cache, config.Engines.CachePrefix = postgres.URL(), redis.URL(), "lab-engines:"
	})
	c := lab.client()
	c.get(enginesPath)
	page := c.press("all")
	for _, row := range []struct{ Deed, Want string }{
		{"write", "written written written written written"},
		{"read", "found found found found found"},
		{"clear", "survived gone survived survived survived"},
		{"restart", "survived survived survived survived survived"},
		{"second", "known known known known known"},
		{"elsewhere", "ended ended ended ended works django:ended"},
		{"tabs", "kept kept kept kept lost"},
	} {
		if got := outcomes(page, row.Deed); got != row.Want {
			t.Errorf("%s: %q, want %q", row.Deed, got, row.Want)
		}
	}
	for engine, wants := range map[string][]string{
		"db":        {"WHERE id = $1", "postgres load"},
		"cache":     {"HGETALL, PTTL", "lab-engines:session:", "<dt>PTTL</dt>", "redis load"},
		"cached_db": {"HGETALL, PTTL", "WHERE id = $1"},
	} {
		for _, want := range wants {
			if got := engineOf(page, engine); !strings.Contains(got, want) {
				t.Errorf("%s does not show %q: %s", engine, want, got)
			}
		}
	}

	redis.Stop(t)
	page = c.press("write") // cached_db goes on without its cache
	if got := outcomes(page, "write"); got != "written unreachable written written written" {
		t.Errorf("with Redis stopped: %q", got)
	}
	if got := engineOf(page, "cache"); !strings.Contains(got, `data-state="unreachable"`) || !strings.Contains(got, "cannot be reached") {
		t.Errorf("its column does not say so: %s", got)
	}
	if got := engineOf(page, "cached_db"); strings.Count(got, `data-state="unreachable"`) != 1 || strings.Count(got, `data-state="there"`) != 1 {
		t.Errorf("cached_db: %s", got)
	}
	if got := outcomes(c.press("clear"), "clear"); got != "survived unreachable survived unreachable survived" {
		t.Errorf("clearing what is not there: %q", got)
	}
	redis.Start(t)
	if got := outcomes(c.press("write"), "write"); got != "written written written written written" {
		t.Errorf("with Redis back: %q", got)
	}

	postgres.Stop(t)
	if got := outcomes(c.press("read"), "read"); got != "unreachable found found unreachable found" {
		t.Errorf("with PostgreSQL stopped: %q", got)
	}
	postgres.Start(t)
	if got := outcomes(c.press("read"), "read"); got != "found found found found found" {
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
			c := lab.client()
			c.get(enginesPath)
			r := c.post(enginesPath+"/all", nil)
			if r.status != http.StatusSeeOther {
				errs <- r.body
				return
			}
			page := c.get(enginesPath).body
			for _, row := range enginesTable {
				if got := outcomes(page, row.Deed); got != row.Want {
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
