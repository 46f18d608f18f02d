// Package labtest is a whole lab behind a real server, for tests: with a client that keeps
// its cookies, and a connection that takes any bytes.
package labtest

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"html"
	"html/template"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cookielab/handlers"
	"cookielab/handlers/auth"
	"cookielab/handlers/composer"
	"cookielab/handlers/course"
	"cookielab/handlers/lanes"
	"cookielab/handlers/serve"
	"cookielab/handlers/web"
	"cookielab/sessions"
	"cookielab/sessions/browser"
	"cookielab/sessions/storetest"
)

const (
	ClassPassword  = "cookies"
	TeacherPIN     = "123456"
	NotebookCookie = "lab_notebook"
	FormType       = "application/x-www-form-urlencoded"
)

// Secrets are the lab's signing keys: the first seals, both verify.
var Secrets = [][]byte{
	[]byte("the first secret of the lab, 32+ bytes"),
	[]byte("the second secret of the lab, 32+ bytes"),
}

// Lab is a lab that serves at an address of its own until the test ends.
type Lab struct {
	*handlers.Lab
	t         testing.TB
	Addr      string // 127.0.0.1 and a port
	Clock     *storetest.Clock
	Sessions  *storetest.Faulty // set Before to make it fail
	Notebooks *storetest.Faulty
	File      string // the database; it holds the sessions and the notebooks
	Log       *logged
	Web       *http.Client
}

// New starts a lab; options change its configuration.
func New(t testing.TB, options ...func(*handlers.Config)) *Lab {
	t.Helper()
	lab := Make(t, options...)
	at, _, err := serve.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := serverFor(lab, at)
	go func() { _ = server.Serve() }()
	t.Cleanup(func() {
		lab.Web.CloseIdleConnections()
		_ = server.Close()
	})
	lab.Addr = net.JoinHostPort(at.Host, at.Port)
	return lab
}

// Make makes a lab that does not serve yet.
func Make(t testing.TB, options ...func(*handlers.Config)) *Lab {
	t.Helper()
	lab := &Lab{
		t: t, Clock: storetest.NewClock(), Log: &logged{}, File: filepath.Join(t.TempDir(), "lab.db"),
		Web: &http.Client{
			Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 100},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Timeout:       20 * time.Second, // a test that hangs says where
		},
	}
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
		Cookie: cookie, Secrets: Secrets, ClassPassword: ClassPassword, TeacherPIN: TeacherPIN,
		Clock: lab.Clock.Now, Log: slog.New(slog.NewTextHandler(lab.Log, &slog.HandlerOptions{Level: slog.LevelDebug})),
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

// root is the folder of the project, from whichever package a test runs in.
func root() string {
	for up := ".."; len(up) < 100; up = filepath.Join(up, "..") {
		if _, err := os.Stat(filepath.Join(up, "go.mod")); err == nil {
			return up
		}
	}
	panic("no go.mod above the test's folder")
}

var wereRead sync.Map // of func() (*handlers.Assets, *handlers.CourseTexts), by engine

// readOf are the pages of an engine, and what the course says on them. No request
// changes them: the first test that asks reads them for all.
func readOf(engine string) (*web.Assets, *course.Texts) {
	read, _ := wereRead.LoadOrStore(engine, sync.OnceValues(func() (*web.Assets, *course.Texts) {
		assets, err := web.ReadAssets(os.DirFS(root()), engine)
		if err != nil {
			panic(err)
		}
		course, err := handlers.ReadCourse(os.DirFS(root()), assets)
		if err != nil {
			panic(err)
		}
		return assets, course
	}))
	return read.(func() (*web.Assets, *course.Texts))()
}

func AssetsOf(engine string) *web.Assets {
	assets, _ := readOf(engine)
	return assets
}

// ReadFor gives a lab the pages and the course of an engine.
func ReadFor(c *handlers.Config, engine string) { c.Assets, c.Course = readOf(engine) }

// InCookies lets the lab keep its sessions in the cookie and its tokens in
// themselves: the engine signed_cookies.
func InCookies(c *handlers.Config) {
	c.Sessions = nil
	ReadFor(c, sessions.EngineSignedCookies)
}

// serverFor is a server with the limits of the program.
func serverFor(lab *Lab, at *serve.Endpoint) *serve.Server {
	return serve.NewServer(at, lab, web.SecureHeaders(), slog.New(slog.NewTextHandler(lab.Log, nil)))
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

// Client is a browser as far as these tests need one: it keeps cookies, has no
// clock to drop them by, and follows no redirect.
type Client struct {
	Lab     *Lab
	Cookies []*http.Cookie // name and value, the oldest first
}

func (lab *Lab) Client() *Client { return &Client{Lab: lab} }

// Reply is what a client got back.
type Reply struct {
	Status  int
	Header  http.Header
	Body    string
	Cookies []*http.Cookie // what Set-Cookie says
}

// Sets is the Set-Cookie of a name, nil if there is none.
func (r Reply) Sets(name string) *http.Cookie {
	for _, cookie := range r.Cookies {
		if cookie.Name == name {
			return cookie
		}
	}
	return nil
}

// Cookie is the value that a client carries under a name, "" for none.
func (c *Client) Cookie(name string) string {
	for _, cookie := range c.Cookies {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

// Carry makes the client carry a cookie, as somebody with DevTools could.
func (c *Client) Carry(name, value string) *Client {
	for _, cookie := range c.Cookies {
		if cookie.Name == name {
			cookie.Value = value
			return c
		}
	}
	c.Cookies = append(c.Cookies, &http.Cookie{Name: name, Value: value})
	return c
}

// Drop makes the client forget a cookie.
func (c *Client) Drop(name string) {
	c.Cookies = slices.DeleteFunc(c.Cookies, func(cookie *http.Cookie) bool { return cookie.Name == name })
}

// Header is the Cookie header that a client sends. Request.AddCookie would not
// do: a test must be able to send what no server sets.
func (c *Client) Header() string {
	pairs := make([]string, 0, len(c.Cookies))
	for _, cookie := range c.Cookies {
		pairs = append(pairs, cookie.Name+"="+cookie.Value)
	}
	return strings.Join(pairs, "; ")
}

// With sets a header of one request; an empty value takes it away.
func With(name, value string) func(*http.Request) {
	return func(r *http.Request) {
		if value == "" {
			r.Header.Del(name)
			return
		}
		r.Header.Set(name, value)
	}
}

// Body gives one request another body, of a length that is told beforehand.
func Body(kind, text string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Content-Type", kind)
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	}
}

// Chunked gives one request another body, of a length that nobody is told.
func Chunked(kind, text string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Content-Type", kind)
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), -1
	}
}

func (c *Client) Get(path string, with ...func(*http.Request)) Reply {
	c.Lab.t.Helper()
	return c.Do(http.MethodGet, path, with...)
}

// Post sends a form as a browser on the lab's own page does.
func (c *Client) Post(path string, form url.Values, changes ...func(*http.Request)) Reply {
	c.Lab.t.Helper()
	own := []func(*http.Request){Body(FormType, form.Encode()), With("Sec-Fetch-Site", "same-origin")}
	return c.Do(http.MethodPost, path, append(own, changes...)...)
}

func (c *Client) Do(method, path string, with ...func(*http.Request)) Reply {
	t := c.Lab.t
	t.Helper()
	request, err := http.NewRequest(method, "http://"+c.Lab.Addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if line := c.Header(); line != "" {
		request.Header.Set("Cookie", line)
	}
	for _, change := range with {
		change(request)
	}
	response, err := c.Lab.Web.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	r := Reply{Status: response.StatusCode, Header: response.Header, Body: string(text), Cookies: response.Cookies()}
	for _, cookie := range r.Cookies {
		if cookie.MaxAge < 0 {
			c.Drop(cookie.Name)
		} else {
			c.Carry(cookie.Name, cookie.Value)
		}
	}
	return r
}

// Login is the form that signs somebody in.
func Login(name string) url.Values {
	form := url.Values{"username": {name}, "password": {ClassPassword}}
	if name == "teacher" {
		form.Set("pin", TeacherPIN)
	}
	return form
}

func (c *Client) SignIn(name string) *Client {
	c.Lab.t.Helper()
	if r := c.Post("/login", Login(name)); r.Status != http.StatusSeeOther {
		c.Lab.t.Fatalf("signing in as %s: %d %s", name, r.Status, r.Body)
	}
	return c
}

// Lanes are what /api/lanes answers, by lane.
func (c *Client) Lanes(with ...func(*http.Request)) map[string]auth.LaneFinding {
	c.Lab.t.Helper()
	r := c.Get("/api/lanes", with...)
	if r.Status != http.StatusOK {
		c.Lab.t.Fatalf("GET /api/lanes: %d: %s", r.Status, r.Body)
	}
	return LanesIn(c.Lab.t, r.Body)
}

// LanesIn reads an answer of /api/lanes.
func LanesIn(t testing.TB, answer string) map[string]auth.LaneFinding {
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

// Verdicts are the three ways' verdicts in order, such as "believed verified found".
func (c *Client) Verdicts(with ...func(*http.Request)) string {
	c.Lab.t.Helper()
	found := c.Lanes(with...)
	return string(found[lanes.Plain].Verdict + " " + found[lanes.Signed].Verdict + " " + found[lanes.Session].Verdict)
}

// What verdicts says about somebody who is signed in, and about nobody.
const (
	Everywhere = "believed verified found"
	Nowhere    = "absent absent absent"
)

// Raw sends bytes as they are, over a connection of their own, and returns the
// server's answer; status 0 when it closes without a word.
func Raw(t testing.TB, addr, request string) Reply {
	t.Helper()
	connection, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	go func() { _, _ = io.WriteString(connection, request) }() // the server may answer before it has all
	return AnswerOn(t, connection, request)
}

// AnswerOn reads one answer; the method of the request says whether it has a body.
func AnswerOn(t testing.TB, connection net.Conn, request string) Reply {
	t.Helper()
	method, _, _ := strings.Cut(request, " ")
	response, err := http.ReadResponse(bufio.NewReader(connection), &http.Request{Method: cmp.Or(method, http.MethodGet)})
	if err != nil {
		return Reply{}
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return Reply{Status: response.StatusCode, Header: response.Header, Body: string(text), Cookies: response.Cookies()}
}

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

// Escaped is a text as a page has it.
func Escaped(text string) string { return template.HTMLEscapeString(text) }

// Typed is what stands in the page's field.
func (r Reply) Typed(t testing.TB) string {
	t.Helper()
	found := typedValue.FindStringSubmatch(r.Body)
	if found == nil {
		t.Fatalf("no field: %d %.200s", r.Status, r.Body)
	}
	return html.UnescapeString(found[1])
}

// Verdict is what the page says in large type: its name and its words.
func (r Reply) Verdict(t testing.TB) (name, words string) {
	t.Helper()
	found := headline.FindStringSubmatch(r.Body)
	if found == nil {
		t.Fatalf("no verdict: %d %.2000s", r.Status, TextIn(r.Body))
	}
	return found[1], TextIn(found[2])
}

// Checks are the outcomes of the four checks as signs, and what each says.
func (r Reply) Checks() (signs string, details map[string]string) {
	details = map[string]string{}
	for _, found := range checkOf.FindAllStringSubmatch(r.Body, -1) {
		signs += map[string]string{"passed": "✓", "failed": "✗", "open": "–"}[found[2]]
		details[found[1]] = TextIn(found[3])
	}
	return signs, details
}

// part is the text of the element with an id, its tags taken out.
func (r Reply) part(id string) string {
	_, rest, found := strings.Cut(r.Body, ` id="`+id+`"`)
	if !found {
		return ""
	}
	_, rest, _ = strings.Cut(rest, ">")
	for _, end := range []string{"</dd>", "</p>", "</table>"} {
		if before, _, ok := strings.Cut(rest, end); ok && len(before) < len(rest) {
			rest = before
		}
	}
	text := html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(rest, " "))
	return strings.Join(strings.Fields(text), " ")
}

// Holds complains unless the element says all of this, in this order.
func (r Reply) Holds(t *testing.T, id string, want ...string) {
	t.Helper()
	rest := r.part(id)
	for _, words := range want {
		at := strings.Index(rest, words)
		if at < 0 {
			t.Errorf("%s says %q, not %q", id, r.part(id), want)
			return
		}
		rest = rest[at+len(words):]
	}
}

// Predict asks /api/predict.
func (lab *Lab) Predict(t *testing.T, question any) composer.PredictAnswer {
	t.Helper()
	body, err := json.Marshal(question)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := http.Post("http://"+lab.Addr+"/api/predict", "application/json", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	var answer composer.PredictAnswer
	if err := json.NewDecoder(reply.Body).Decode(&answer); err != nil || reply.StatusCode != http.StatusOK {
		t.Fatalf("%d, %v for %.500s", reply.StatusCode, err, body)
	}
	return answer
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
func (lab *Lab) At(user, agent string) *Client {
	lab.t.Helper()
	c := lab.Client()
	c.Get("/dashboard")
	if r := c.Post("/login", Login(user), func(r *http.Request) { r.Header["User-Agent"] = []string{agent} }); r.Status != http.StatusSeeOther {
		lab.t.Fatalf("signing in answers %d", r.Status)
	}
	return c
}

func (lab *Lab) Ask(question string, changes ...func(*http.Request)) Reply {
	return lab.Client().Do(http.MethodPost, "/api/predict", append([]func(*http.Request){Body("application/json", question)}, changes...)...)
}

func (lab *Lab) Jar(host string) *jar {
	return &jar{Client: &Client{Lab: lab}, Jar: browser.New(browser.Chromium), Lab: lab, host: host}
}
