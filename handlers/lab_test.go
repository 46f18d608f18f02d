// What the tests of this package share: a lab behind a real server, a client
// that keeps its cookies, and a connection that takes any bytes.

package handlers_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"html/template"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cookielab/handlers"
	"cookielab/handlers/auth"
	"cookielab/handlers/course"
	"cookielab/handlers/lanes"
	"cookielab/handlers/serve"
	"cookielab/handlers/web"
	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

const (
	classPassword  = "cookies"
	teacherPIN     = "123456"
	notebookCookie = "lab_notebook"
	formType       = "application/x-www-form-urlencoded"
)

// secrets are the lab's signing keys: the first seals, both verify.
var secrets = [][]byte{
	[]byte("the first secret of the lab, 32+ bytes"),
	[]byte("the second secret of the lab, 32+ bytes"),
}

// testLab is a lab that serves at an address of its own until the test ends.
type testLab struct {
	*handlers.Lab
	t         testing.TB
	addr      string // 127.0.0.1 and a port
	clock     *storetest.Clock
	sessions  *storetest.Faulty // set Before to make it fail
	notebooks *storetest.Faulty
	file      string // the database; it holds the sessions and the notebooks
	log       *logged
	web       *http.Client
}

// newLab starts a lab; options change its configuration.
func newLab(t testing.TB, options ...func(*handlers.Config)) *testLab {
	t.Helper()
	lab := makeLab(t, options...)
	at, _, err := serve.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := serverFor(lab, at)
	go func() { _ = server.Serve() }()
	t.Cleanup(func() {
		lab.web.CloseIdleConnections()
		_ = server.Close()
	})
	lab.addr = net.JoinHostPort(at.Host, at.Port)
	return lab
}

// makeLab makes a lab that does not serve yet.
func makeLab(t testing.TB, options ...func(*handlers.Config)) *testLab {
	t.Helper()
	lab := &testLab{
		t: t, clock: storetest.NewClock(), log: &logged{}, file: filepath.Join(t.TempDir(), "lab.db"),
		web: &http.Client{
			Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 100},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Timeout:       20 * time.Second, // a test that hangs says where
		},
	}
	database, err := sessions.OpenSQLite(context.Background(), lab.file, lab.clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = database.Close() })
	lab.sessions, lab.notebooks = &storetest.Faulty{Store: database}, &storetest.Faulty{Store: database}
	cookie := sessions.DefaultOptions()
	cookie.Name = "lab_sessionid"
	config := handlers.Config{
		Sessions: lab.sessions, Notebooks: lab.notebooks,
		Engines: sessions.Backend{Database: lab.file, Files: filepath.Join(filepath.Dir(lab.file), "engines"), MemoryLimit: 1000}, FilePath: "sessions",
		Cookie: cookie, Secrets: secrets, ClassPassword: classPassword, TeacherPIN: teacherPIN,
		Clock: lab.clock.Now, Log: slog.New(slog.NewTextHandler(lab.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	readFor(&config, sessions.EngineDB)
	for _, option := range options {
		option(&config)
	}
	if lab.Lab, err = handlers.New(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(lab.Close)
	return lab
}

var wereRead sync.Map // of func() (*handlers.Assets, *handlers.CourseTexts), by engine

// readOf are the pages of an engine, and what the course says on them. No request
// changes them: the first test that asks reads them for all.
func readOf(engine string) (*web.Assets, *course.Texts) {
	read, _ := wereRead.LoadOrStore(engine, sync.OnceValues(func() (*web.Assets, *course.Texts) {
		assets, err := web.ReadAssets(os.DirFS(".."), engine)
		if err != nil {
			panic(err)
		}
		course, err := handlers.ReadCourse(os.DirFS(".."), assets)
		if err != nil {
			panic(err)
		}
		return assets, course
	}))
	return read.(func() (*web.Assets, *course.Texts))()
}

func assetsOf(engine string) *web.Assets {
	assets, _ := readOf(engine)
	return assets
}

// readFor gives a lab the pages and the course of an engine.
func readFor(c *handlers.Config, engine string) { c.Assets, c.Course = readOf(engine) }

// inCookies lets the lab keep its sessions in the cookie and its tokens in
// themselves: the engine signed_cookies.
func inCookies(c *handlers.Config) {
	c.Sessions = nil
	readFor(c, sessions.EngineSignedCookies)
}

// serverFor is a server with the limits of the program.
func serverFor(lab *testLab, at *serve.Endpoint) *serve.Server {
	return serve.NewServer(at, lab, web.SecureHeaders(), slog.New(slog.NewTextHandler(lab.log, nil)))
}

// logged is what was logged.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// client is a browser as far as these tests need one: it keeps cookies, has no
// clock to drop them by, and follows no redirect.
type client struct {
	lab     *testLab
	cookies []*http.Cookie // name and value, the oldest first
}

func (lab *testLab) client() *client { return &client{lab: lab} }

// reply is what a client got back.
type reply struct {
	status  int
	header  http.Header
	body    string
	cookies []*http.Cookie // what Set-Cookie says
}

// sets is the Set-Cookie of a name, nil if there is none.
func (r reply) sets(name string) *http.Cookie {
	for _, cookie := range r.cookies {
		if cookie.Name == name {
			return cookie
		}
	}
	return nil
}

// cookie is the value that a client carries under a name, "" for none.
func (c *client) cookie(name string) string {
	for _, cookie := range c.cookies {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

// carry makes the client carry a cookie, as somebody with DevTools could.
func (c *client) carry(name, value string) *client {
	for _, cookie := range c.cookies {
		if cookie.Name == name {
			cookie.Value = value
			return c
		}
	}
	c.cookies = append(c.cookies, &http.Cookie{Name: name, Value: value})
	return c
}

// drop makes the client forget a cookie.
func (c *client) drop(name string) {
	c.cookies = slices.DeleteFunc(c.cookies, func(cookie *http.Cookie) bool { return cookie.Name == name })
}

// header is the Cookie header that a client sends. Request.AddCookie would not
// do: a test must be able to send what no server sets.
func (c *client) header() string {
	pairs := make([]string, 0, len(c.cookies))
	for _, cookie := range c.cookies {
		pairs = append(pairs, cookie.Name+"="+cookie.Value)
	}
	return strings.Join(pairs, "; ")
}

// with sets a header of one request; an empty value takes it away.
func with(name, value string) func(*http.Request) {
	return func(r *http.Request) {
		if value == "" {
			r.Header.Del(name)
			return
		}
		r.Header.Set(name, value)
	}
}

// body gives one request another body, of a length that is told beforehand.
func body(kind, text string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Content-Type", kind)
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	}
}

// chunked gives one request another body, of a length that nobody is told.
func chunked(kind, text string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Content-Type", kind)
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), -1
	}
}

func (c *client) get(path string, with ...func(*http.Request)) reply {
	c.lab.t.Helper()
	return c.do(http.MethodGet, path, with...)
}

// post sends a form as a browser on the lab's own page does.
func (c *client) post(path string, form url.Values, changes ...func(*http.Request)) reply {
	c.lab.t.Helper()
	own := []func(*http.Request){body(formType, form.Encode()), with("Sec-Fetch-Site", "same-origin")}
	return c.do(http.MethodPost, path, append(own, changes...)...)
}

func (c *client) do(method, path string, with ...func(*http.Request)) reply {
	t := c.lab.t
	t.Helper()
	request, err := http.NewRequest(method, "http://"+c.lab.addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if line := c.header(); line != "" {
		request.Header.Set("Cookie", line)
	}
	for _, change := range with {
		change(request)
	}
	response, err := c.lab.web.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	r := reply{status: response.StatusCode, header: response.Header, body: string(text), cookies: response.Cookies()}
	for _, cookie := range r.cookies {
		if cookie.MaxAge < 0 {
			c.drop(cookie.Name)
		} else {
			c.carry(cookie.Name, cookie.Value)
		}
	}
	return r
}

// login is the form that signs somebody in.
func login(name string) url.Values {
	form := url.Values{"username": {name}, "password": {classPassword}}
	if name == "teacher" {
		form.Set("pin", teacherPIN)
	}
	return form
}

func (c *client) signIn(name string) *client {
	c.lab.t.Helper()
	if r := c.post("/login", login(name)); r.status != http.StatusSeeOther {
		c.lab.t.Fatalf("signing in as %s: %d %s", name, r.status, r.body)
	}
	return c
}

// lanes are what /api/lanes answers, by lane.
func (c *client) lanes(with ...func(*http.Request)) map[string]auth.LaneFinding {
	c.lab.t.Helper()
	r := c.get("/api/lanes", with...)
	if r.status != http.StatusOK {
		c.lab.t.Fatalf("GET /api/lanes: %d: %s", r.status, r.body)
	}
	return lanesIn(c.lab.t, r.body)
}

// lanesIn reads an answer of /api/lanes.
func lanesIn(t testing.TB, answer string) map[string]auth.LaneFinding {
	t.Helper()
	var list struct{ Lanes []auth.LaneFinding }
	if err := json.Unmarshal([]byte(answer), &list); err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	byID := map[string]auth.LaneFinding{}
	for _, lane := range list.Lanes {
		byID[lane.ID] = lane
	}
	return byID
}

// verdicts are the three ways' verdicts in order, such as "believed verified found".
func (c *client) verdicts(with ...func(*http.Request)) string {
	c.lab.t.Helper()
	found := c.lanes(with...)
	return string(found[lanes.Plain].Verdict + " " + found[lanes.Signed].Verdict + " " + found[lanes.Session].Verdict)
}

// What verdicts says about somebody who is signed in, and about nobody.
const (
	everywhere = "believed verified found"
	nowhere    = "absent absent absent"
)

// raw sends bytes as they are, over a connection of their own, and returns the
// server's answer; status 0 when it closes without a word.
func raw(t testing.TB, addr, request string) reply {
	t.Helper()
	connection, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	go func() { _, _ = io.WriteString(connection, request) }() // the server may answer before it has all
	return answerOn(t, connection, request)
}

// answerOn reads one answer; the method of the request says whether it has a body.
func answerOn(t testing.TB, connection net.Conn, request string) reply {
	t.Helper()
	method, _, _ := strings.Cut(request, " ")
	response, err := http.ReadResponse(bufio.NewReader(connection), &http.Request{Method: cmp.Or(method, http.MethodGet)})
	if err != nil {
		return reply{}
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return reply{status: response.StatusCode, header: response.Header, body: string(text), cookies: response.Cookies()}
}

// database opens the lab's database a second time, as another program does.
func (lab *testLab) database(t testing.TB) *sql.DB {
	t.Helper()
	database, err := sql.Open("sqlite", lab.file)
	if err != nil {
		t.Fatal(err)
	}
	return database
}

// rows are the whole database, as text to compare.
func (lab *testLab) rows(t testing.TB) string {
	t.Helper()
	database := lab.database(t)
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

// escaped is a text as a page has it.
func escaped(text string) string { return template.HTMLEscapeString(text) }
