// The stream: what it tells, to whom, how it is picked up again, and what ends
// it.

package handlers_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"cookielab/handlers"
	"cookielab/handlers/notebook"
)

// streamPath is the one address whose replies do not end: tests that ask all
// addresses leave it to those of this file.
const streamPath = "/wire/events"

// following is a stream as a browser reads it.
type following struct {
	t        testing.TB
	status   int
	header   http.Header
	lines    *bufio.Reader
	close    func()
	comments int
}

// event is one server-sent event.
type event struct{ id, name, data string }

// follow opens the stream of a client. One that hangs is ended by the time
// limit of the lab's own client.
func (c *client) follow(query string, changes ...func(*http.Request)) *following {
	t := c.lab.t
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.lab.addr+streamPath+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	if line := c.header(); line != "" {
		request.Header.Set("Cookie", line)
	}
	for _, change := range changes {
		change(request)
	}
	response, err := c.lab.web.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	if cookies := response.Header.Values("Set-Cookie"); len(cookies) > 0 {
		t.Errorf("the stream sets %q", cookies)
	}
	return &following{t: t, status: response.StatusCode, header: response.Header, lines: bufio.NewReader(response.Body), close: cancel}
}

// read returns the next event, or the error with which the stream ended.
func (f *following) read() (event, error) {
	var e event
	var data []string
	for {
		line, err := f.lines.ReadString('\n')
		if err != nil {
			return e, err
		}
		switch name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); {
		case name == "id":
			e.id = value
		case name == "event":
			e.name = value
		case name == "data", name == "data:":
			data = append(data, value)
		case name == ":", name == "retry":
			f.comments++
		case line == "\n" && data != nil:
			e.data = strings.Join(data, "\n")
			return e, nil
		case line != "\n":
			return e, fmt.Errorf("a line that is none: %q", line)
		}
	}
}

func (f *following) next() event {
	f.t.Helper()
	e, err := f.read()
	if err != nil {
		f.t.Fatalf("no event: %v", err)
	}
	return e
}

// ends complains unless the stream ends now, by the server's will.
func (f *following) ends() {
	f.t.Helper()
	for {
		switch _, err := f.read(); {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			f.t.Fatalf("the stream ends with: %v", err)
		}
	}
}

func TestStreamTellsOfEachExchange(t *testing.T) {
	c := newLab(t).client()
	c.get("/dashboard")
	f := c.follow("?after=1")
	if f.status != http.StatusOK || f.header.Get("Content-Type") != "text/event-stream" || f.header.Get("Cache-Control") != "no-store" ||
		f.header.Get("Content-Security-Policy") == "" {
		t.Fatalf("answered %d with %v", f.status, f.header)
	}
	c.signIn("alice")
	f.ends() // its key was replaced: whoever else knows the old key does not read the login
	f = c.follow("?after=1")
	told := f.next()
	if told.id != "2" || told.name != "exchange" || !strings.Contains(told.data, "POST /login") {
		t.Errorf("told: %+v", told)
	}
	c.get("/dashboard")
	if told := f.next(); told.id != "3" || !strings.Contains(told.data, "GET /dashboard") {
		t.Errorf("told: %+v", told)
	}
	// Script only inserts it: it is the page's own item.
	numbers, texts := items(c.get("/wire").body)
	if numbers[1] != "2" || texts[1] != strings.TrimSpace(told.data) {
		t.Errorf("the page has\n%s\nthe stream\n%s", texts[1], told.data)
	}
}

func TestStreamIsPickedUpAgain(t *testing.T) {
	c := newLab(t).client()
	for range 4 {
		c.get("/dashboard")
	}
	for _, test := range []struct{ name, query, last, first string }{
		{"from the start", "", "", "1"},
		{"after the one that the page ends with", "?after=2", "", "3"},
		{"after the last event", "", "3", "4"},
		{"the last event counts more than the address", "?after=1", "3", "4"},
		{"a number of an earlier life of the server", "?after=99", "", "1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := c.follow(test.query, with("Last-Event-ID", test.last))
			if got := f.next(); got.id != test.first {
				t.Errorf("begins with %s", got.id)
			}
			f.close()
		})
	}
	for _, bad := range []string{"?after=x", "?after=-1", "?after=1.5", "?after=99999999999999999999", "?lang=xx"} {
		t.Run(bad, func(t *testing.T) {
			if f := c.follow(bad); f.status != http.StatusBadRequest {
				t.Errorf("answered %d", f.status)
			}
		})
	}
	if f := c.follow("", with("Last-Event-ID", "x")); f.status != http.StatusBadRequest {
		t.Errorf("a bad Last-Event-ID is answered %d", f.status)
	}
}

// The stream speaks the page's language, whatever the notebook keeps.
func TestStreamSpeaksThePagesLanguage(t *testing.T) {
	c := newLab(t).client()
	c.get("/dashboard?lang=en")
	for query, words := range map[string]string{"?lang=zh": "服务器响应：", "?lang=en": "The server answers:", "": "The server answers:"} {
		f := c.follow(query)
		if told := f.next(); !strings.Contains(told.data, words) {
			t.Errorf("%q tells %s", query, told.data)
		}
		f.close()
	}
	if page := c.get("/wire").body; !strings.Contains(page, `lang="en"`) {
		t.Error("the stream changed the notebook's language")
	}
}

// To a stranger there is nothing to tell, and 204 tells an EventSource to stay
// away. A page of another site or port is a stranger, too.
func TestStreamIsForNobodyElse(t *testing.T) {
	lab := newLab(t)
	c := lab.client().signIn("alice")
	before := lab.rows(t)
	for name, f := range map[string]*following{
		"a stranger":            lab.client().follow(""),
		"a made-up notebook":    lab.client().carry(notebookCookie, strings.Repeat("a", 32)).follow(""),
		"a page of another one": c.follow("", with("Sec-Fetch-Site", "cross-site")),
		"a page of a neighbour": c.follow("", with("Sec-Fetch-Site", "same-site")),
	} {
		if f.status != http.StatusNoContent {
			t.Errorf("%s is answered %d", name, f.status)
		}
		f.ends()
	}
	c.follow("").next()
	if lab.rows(t) != before {
		t.Error("something was stored")
	}
	if head := c.do(http.MethodHead, streamPath); head.status != http.StatusOK || head.header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("HEAD is answered %d, %s", head.status, head.header.Get("Content-Type"))
	}
}

func TestTooManyStreams(t *testing.T) {
	lab := newLab(t)
	c, other := lab.client(), lab.client()
	c.get("/dashboard")
	other.get("/dashboard")
	var open []*following
	for range notebook.MaxWatchers {
		f := c.follow("")
		f.next() // it is under way
		open = append(open, f)
	}
	if f := c.follow(""); f.status != http.StatusTooManyRequests {
		t.Errorf("one more is answered %d", f.status)
	}
	if f := other.follow(""); f.status != http.StatusOK {
		t.Errorf("another visitor is answered %d", f.status)
	}
	open[0].close()
	await(t, "a stream that was left is still counted", func() bool { return lab.WatchersOf(c.cookie(notebookCookie)) < notebook.MaxWatchers })
	if f := c.follow(""); f.status != http.StatusOK {
		t.Errorf("after one was left, the next is answered %d", f.status)
	}
}

// All streams together leave room for other connections, however many notebooks somebody
// opens. A reader too many is told to come back, in their language.
func TestStreamsOfTheWholeServer(t *testing.T) {
	const most = 4
	lab := newLab(t, func(c *handlers.Config) { c.Streams = most })
	visitors := []*client{lab.client(), lab.client(), lab.client()}
	for _, c := range visitors {
		c.get("/dashboard")
	}
	var open []*following
	for i := range most {
		f := visitors[i%2].follow("")
		f.next()
		open = append(open, f)
	}
	late := visitors[2]
	for language, words := range map[string]string{"en": "Too many people are reading the wire of this server", "zh": "人太多了"} {
		f := late.follow("?lang=" + language)
		page, _ := io.ReadAll(f.lines)
		if f.status != http.StatusServiceUnavailable || f.header.Get("Retry-After") == "" || !strings.Contains(string(page), words) {
			t.Errorf("in %s one more is answered %d, Retry-After %q: %s", language, f.status, f.header.Get("Retry-After"), page)
		}
		guarded(t, reply{status: f.status, header: f.header, body: string(page)})
		if r := late.get("/api/wire?lang=" + language); r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" || !strings.Contains(r.body, words) {
			t.Errorf("in %s /api/wire is answered %d: %s", language, r.status, r.body)
		}
	}
	if r := late.get("/wire"); r.status != http.StatusOK {
		t.Errorf("meanwhile the page is answered %d", r.status)
	}
	open[0].close()
	await(t, "a stream that was left is still counted", func() bool { return late.get("/api/wire").status == http.StatusOK })
	if f := late.follow(""); f.status != http.StatusOK {
		t.Errorf("after one was left, the next is answered %d", f.status)
	}
}

// await waits for what another goroutine is about to do.
func await(t *testing.T, otherwise string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(otherwise)
		}
	}
}

func TestWhatEndsAStream(t *testing.T) {
	t.Run("a reset", func(t *testing.T) {
		c := newLab(t).client().signIn("alice")
		f := c.follow("")
		f.next()
		before := c.header()
		c.post("/reset", nil)
		f.ends()
		again := c.follow("", with("Cookie", before))
		if again.status != http.StatusNoContent {
			t.Errorf("coming again is answered %d", again.status)
		}
	})
	t.Run("the end of the server", func(t *testing.T) {
		lab := newLab(t)
		c := lab.client().signIn("alice")
		f := c.follow("")
		f.next()
		lab.EndStreams()
		f.ends()
		lab.EndStreams() // twice does no harm
		late := c.follow("?after=1")
		late.ends()
	})
	t.Run("a thousand newer notebooks", func(t *testing.T) {
		wire := notebook.NewLogs(nil)
		book := wire.Log([32]byte{1})
		_, more := book.After(0)
		for i := range notebook.MaxLogs {
			wire.Log([32]byte{2, byte(i), byte(i >> 8)})
		}
		<-more
		if _, more := book.After(0); more != nil {
			t.Error("it goes on")
		}
	})
}

// The server's limits are for replies that come to an end: a stream goes on
// past all of them, also when nothing happens. (Its own time: testing/synctest,
// which also finds a goroutine that does not end.)
func TestStreamOutlivesDeadlines(t *testing.T) {
	inItsOwnTime(t, func(t *testing.T, lab *testLab, dial func() net.Conn) {
		c := lab.client()
		c.get("/dashboard")
		connection := dial()
		f := &following{t: t, lines: startStream(t, connection, c)}
		f.next()
		began := time.Now()
		for f.comments < 9 { // one every 15 seconds
			if line, err := f.lines.ReadString('\n'); err != nil {
				t.Fatalf("after %v the stream ends: %v", time.Since(began), err)
			} else if strings.HasPrefix(line, ":") {
				f.comments++
			}
		}
		if passed := time.Since(began); passed < 2*time.Minute {
			t.Errorf("nine signs of life within %v", passed)
		}
		c.get("/dashboard")
		if told := f.next(); told.id != "2" {
			t.Errorf("then it tells %+v", told)
		}
		_ = connection.Close()
	})
}

// A reader that takes nothing does not hold the stream for ever.
func TestStreamWithoutAReader(t *testing.T) {
	inItsOwnTime(t, func(t *testing.T, lab *testLab, dial func() net.Conn) {
		c := lab.client()
		c.get("/dashboard")
		connection := dial()
		f := &following{t: t, lines: startStream(t, connection, c)}
		f.next()
		if n := lab.WatchersOf(c.cookie(notebookCookie)); n != 1 {
			t.Fatalf("%d watch", n)
		}
		time.Sleep(50 * time.Second) // a sign of life after 15, which nobody takes within 30
		if n := lab.WatchersOf(c.cookie(notebookCookie)); n != 0 {
			t.Errorf("after 50 seconds %d watch", n)
		}
		_ = connection.Close()
	})
}

// startStream asks for the stream over a connection, and reads up to its events.
func startStream(t *testing.T, connection net.Conn, c *client) *bufio.Reader {
	t.Helper()
	if _, err := io.WriteString(connection, "GET "+streamPath+" HTTP/1.0\r\nHost: "+c.lab.addr+"\r\nCookie: "+c.header()+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(connection) // HTTP/1.0: no chunks
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "\r\n" {
			return reader
		}
	}
}
