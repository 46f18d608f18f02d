// Package labtest is a whole lab behind a real server, for tests. Package webtest has the
// client, and what pages say.
package labtest

import (
	"context"
	"database/sql"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"cookielab/handlers"
	"cookielab/handlers/course"
	"cookielab/handlers/webtest"
	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

// Lab is a lab that serves at an address of its own until the test ends.
type Lab struct {
	*handlers.Lab
	*webtest.Server
	Sessions  *storetest.Faulty // set Before to make it fail
	Notebooks *storetest.Faulty
	File      string // the database; it holds the sessions and the notebooks
}

// New starts a lab; options change its configuration.
func New(t testing.TB, options ...func(*handlers.Config)) *Lab {
	t.Helper()
	lab := Make(t, options...)
	lab.Start(lab.Lab, lab.Logs)
	return lab
}

// Make makes a lab that does not serve yet.
func Make(t testing.TB, options ...func(*handlers.Config)) *Lab {
	t.Helper()
	lab := &Lab{Server: webtest.NewServer(t), File: filepath.Join(t.TempDir(), "lab.db")}
	database, err := sessions.OpenSQLite(context.Background(), lab.File, lab.Clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = database.Close() })
	lab.Sessions, lab.Notebooks = &storetest.Faulty{Store: database}, &storetest.Faulty{Store: database}
	cookie := sessions.DefaultOptions()
	cookie.Name = "lab_sessionid"
	config := handlers.Config{
		Sessions: lab.Sessions, Notebooks: lab.Notebooks,
		Engines: sessions.Backend{Database: lab.File, Files: filepath.Join(filepath.Dir(lab.File), "engines"), MemoryLimit: 1000}, FilePath: "sessions",
		Cookie: cookie, Secrets: webtest.Secrets, ClassPassword: webtest.ClassPassword, TeacherPIN: webtest.TeacherPIN,
		Clock: lab.Clock.Now, Log: lab.Logger(),
	}
	ReadFor(&config, sessions.EngineDB)
	for _, option := range options {
		option(&config)
	}
	if lab.Lab, err = handlers.New(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(lab.Close)
	return lab
}

var coursesRead sync.Map // of func() *course.Texts, by engine

// courseOf is what the course says about an engine. The first test that asks reads it for all.
func courseOf(engine string) *course.Texts {
	read, _ := coursesRead.LoadOrStore(engine, sync.OnceValue(func() *course.Texts {
		course, err := handlers.ReadCourse(os.DirFS(webtest.Root()), webtest.AssetsOf(engine))
		if err != nil {
			panic(err)
		}
		return course
	}))
	return read.(func() *course.Texts)()
}

// ReadFor gives a lab the pages and the course of an engine.
func ReadFor(c *handlers.Config, engine string) {
	c.Assets, c.Course = webtest.AssetsOf(engine), courseOf(engine)
}

// InCookies lets the lab keep its sessions in the cookie and its tokens in
// themselves: the engine signed_cookies.
func InCookies(c *handlers.Config) {
	c.Sessions = nil
	ReadFor(c, sessions.EngineSignedCookies)
}

// InMemory lets the lab keep its sessions in memory.
func InMemory(t testing.TB) func(*handlers.Config) {
	return func(c *handlers.Config) {
		memory, err := sessions.NewMemory(1000, c.Clock)
		if err != nil {
			t.Fatal(err)
		}
		c.Sessions = memory
	}
}

// BehindProxy lets the lab also answer requests to the host of a proxy.
func BehindProxy(c *handlers.Config) { c.AllowHosts = []string{webtest.ProxyName} }

// Database opens the lab's database a second time, as another program does.
func (lab *Lab) Database(t testing.TB) *sql.DB {
	t.Helper()
	database, err := sql.Open("sqlite", lab.File)
	if err != nil {
		t.Fatal(err)
	}
	return database
}

// Rows are the whole database, as text to compare.
func (lab *Lab) Rows(t testing.TB) string {
	t.Helper()
	database := lab.Database(t)
	defer database.Close()
	rows, err := database.Query(`SELECT hex(id) || ' ' || version || ' ' || owner || ' ' || created || ' ' || saved || ' ' || expires || ' ' || data
		FROM sessions ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var text strings.Builder
	for rows.Next() {
		var row string
		if err := rows.Scan(&row); err != nil {
			t.Fatal(err)
		}
		text.WriteString(row + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// Counters are the throttle's records.
func (lab *Lab) Counters(t *testing.T) (rows []string) {
	for row := range strings.Lines(lab.Rows(t)) {
		if strings.Contains(row, " throttle: ") {
			rows = append(rows, row)
		}
	}
	return rows
}

// SessionRows are all records except the throttle's.
func (lab *Lab) SessionRows(t *testing.T) string {
	rows := lab.Rows(t)
	for _, counter := range lab.Counters(t) {
		rows = strings.Replace(rows, counter, "", 1)
	}
	return rows
}

// At signs in with a program of that name.
func (lab *Lab) At(t testing.TB, user, agent string) *webtest.Client {
	t.Helper()
	c := lab.Client()
	c.Get("/dashboard")
	if r := c.Post("/login", webtest.Login(user), func(r *http.Request) { r.Header["User-Agent"] = []string{agent} }); r.Status != http.StatusSeeOther {
		t.Fatalf("signing in answers %d", r.Status)
	}
	return c
}
