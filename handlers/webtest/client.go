// The client: it keeps its cookies, sends what it is told, and signs in.

package webtest

import (
	"bufio"
	"cmp"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"cookielab/handlers/auth"
	"cookielab/handlers/lanes"
	"cookielab/handlers/notebook"
)

// Client is a browser as far as these tests need one: it keeps cookies, has no
// clock to drop them by, and follows no redirect.
type Client struct {
	Server  *Server
	Cookies []*http.Cookie // name and value, the oldest first
}

// Client makes a browser that has no cookie yet.
func (s *Server) Client() *Client { return &Client{Server: s} }

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

// Thief is another client with a copy of every cookie.
func (c *Client) Thief() *Client {
	thief := c.Server.Client()
	for _, cookie := range c.Cookies {
		thief.Carry(cookie.Name, cookie.Value)
	}
	return thief
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

// Get asks for a page.
func (c *Client) Get(path string, with ...func(*http.Request)) Reply {
	c.Server.t.Helper()
	return c.Do(http.MethodGet, path, with...)
}

// Post sends a form as a browser on the lab's own page does.
func (c *Client) Post(path string, form url.Values, changes ...func(*http.Request)) Reply {
	c.Server.t.Helper()
	own := []func(*http.Request){Body(FormType, form.Encode()), With("Sec-Fetch-Site", "same-origin")}
	return c.Do(http.MethodPost, path, append(own, changes...)...)
}

// Do sends a request with the client's cookies, and keeps those that the reply sets.
func (c *Client) Do(method, path string, with ...func(*http.Request)) Reply {
	t := c.Server.t
	t.Helper()
	request, err := http.NewRequest(method, "http://"+c.Server.Addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if line := c.Header(); line != "" {
		request.Header.Set("Cookie", line)
	}
	for _, change := range with {
		change(request)
	}
	response, err := c.Server.Web.Do(request)
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

// SignIn signs in under a name; the name teacher also gives the PIN.
func (c *Client) SignIn(name string) *Client {
	c.Server.t.Helper()
	if r := c.Post("/login", Login(name)); r.Status != http.StatusSeeOther {
		c.Server.t.Fatalf("signing in as %s: %d %s", name, r.Status, r.Body)
	}
	return c
}

// Ask asks the lab without a connection, so that nothing but the lab allocates.
func (c *Client) Ask(path string) {
	t := c.Server.t
	t.Helper()
	request := httptest.NewRequest(http.MethodGet, path, nil)
	request.Host = Unconnected
	request.Header.Set("Cookie", c.Header())
	answer := &Unread{Headers: http.Header{}}
	if c.Server.Handler.ServeHTTP(answer, request); answer.status != http.StatusOK {
		t.Fatalf("GET %s: %d", path, answer.status)
	}
}

// Unconnected is the host of requests that come by no connection.
const Unconnected = "lab.test"

// Unread is a reply that nobody reads.
type Unread struct {
	Headers http.Header
	status  int
}

func (u *Unread) Header() http.Header { return u.Headers }

func (u *Unread) WriteHeader(status int) { u.status = status }

func (u *Unread) Write(b []byte) (int, error) { return len(b), nil }

// Lanes are what /api/lanes answers, by lane.
func (c *Client) Lanes(with ...func(*http.Request)) map[string]auth.LaneFinding {
	c.Server.t.Helper()
	r := c.Get("/api/lanes", with...)
	if r.Status != http.StatusOK {
		c.Server.t.Fatalf("GET /api/lanes: %d: %s", r.Status, r.Body)
	}
	return LanesIn(c.Server.t, r.Body)
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

// Verdicts are the three lanes' verdicts in order, such as "believed verified found".
func (c *Client) Verdicts(with ...func(*http.Request)) string {
	c.Server.t.Helper()
	found := c.Lanes(with...)
	return string(found[lanes.Plain].Verdict + " " + found[lanes.Signed].Verdict + " " + found[lanes.Session].Verdict)
}

// What verdicts says about somebody who is signed in, and about nobody.
const (
	Everywhere = "believed verified found"
	Nowhere    = "absent absent absent"
)

// WireOf is the wire of the notebook that this key, a cookie's value, opens.
func (s *Server) WireOf(key string) []*notebook.Exchange { return s.Recorded.OfKey(key).Exchanges() }

// Wire is a client's wire.
func (c *Client) Wire() []*notebook.Exchange { return c.Server.WireOf(c.Cookie(NotebookCookie)) }

// Last is the last exchange on it.
func (c *Client) Last() *notebook.Exchange {
	c.Server.t.Helper()
	wire := c.Wire()
	if len(wire) == 0 {
		c.Server.t.Fatal("nothing is on the wire")
	}
	return wire[len(wire)-1]
}

// JSON is what a reply of 200 holds. It complains of a field that T does not have.
func JSON[T any](t testing.TB, r Reply) (answer T) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(r.Body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&answer); err != nil || r.Status != http.StatusOK {
		t.Fatalf("%d, %v: %.500s", r.Status, err, r.Body)
	}
	return answer
}

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
