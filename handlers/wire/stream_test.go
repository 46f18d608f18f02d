// The stream: what it tells, to whom, how it is picked up again, and what ends
// it.

package wire_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"cookielab/handlers"
	"cookielab/handlers/labtest"
	"cookielab/handlers/notebook"
	"cookielab/handlers/webtest"
)

func TestStreamTellsOfEachExchange(t *testing.T) {
	c := labtest.New(t).Client()
	c.Get("/dashboard")
	f := c.Follow("?after=1")
	if f.Status != http.StatusOK || f.Header.Get("Content-Type") != "text/event-stream" || f.Header.Get("Cache-Control") != "no-store" ||
		f.Header.Get("Content-Security-Policy") == "" {
		t.Fatalf("answered %d with %v", f.Status, f.Header)
	}
	c.SignIn("alice")
	f.Ends() // its key was replaced: whoever else knows the old key does not read the login
	f = c.Follow("?after=1")
	told := f.Next()
	if told.Id != "2" || told.Name != "exchange" || !strings.Contains(told.Data, "POST /login") {
		t.Errorf("told: %+v", told)
	}
	c.Get("/dashboard")
	if told := f.Next(); told.Id != "3" || !strings.Contains(told.Data, "GET /dashboard") {
		t.Errorf("told: %+v", told)
	}
	// Script only inserts it: it is the page's own item.
	numbers, texts := webtest.Items(c.Get("/wire").Body)
	if numbers[1] != "2" || texts[1] != strings.TrimSpace(told.Data) {
		t.Errorf("the page has\n%s\nthe stream\n%s", texts[1], told.Data)
	}
}

func TestStreamIsPickedUpAgain(t *testing.T) {
	c := labtest.New(t).Client()
	for range 4 {
		c.Get("/dashboard")
	}
	for _, test := range []struct{ name, query, last, first string }{
		{"from the start", "", "", "1"},
		{"after the one that the page ends with", "?after=2", "", "3"},
		{"after the last event", "", "3", "4"},
		{"the last event counts more than the address", "?after=1", "3", "4"},
		{"a number of an earlier life of the server", "?after=99", "", "1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := c.Follow(test.query, webtest.With("Last-Event-ID", test.last))
			if got := f.Next(); got.Id != test.first {
				t.Errorf("begins with %s", got.Id)
			}
			f.Close()
		})
	}
	for _, bad := range []string{"?after=x", "?after=-1", "?after=1.5", "?after=99999999999999999999", "?lang=xx"} {
		t.Run(bad, func(t *testing.T) {
			if f := c.Follow(bad); f.Status != http.StatusBadRequest {
				t.Errorf("answered %d", f.Status)
			}
		})
	}
	if f := c.Follow("", webtest.With("Last-Event-ID", "x")); f.Status != http.StatusBadRequest {
		t.Errorf("a bad Last-Event-ID is answered %d", f.Status)
	}
}

// The stream speaks the page's language, whatever the notebook keeps.
func TestStreamSpeaksThePagesLanguage(t *testing.T) {
	c := labtest.New(t).Client()
	c.Get("/dashboard?lang=en")
	for query, words := range map[string]string{"?lang=zh": "服务器响应：", "?lang=en": "The server answers:", "": "The server answers:"} {
		f := c.Follow(query)
		if told := f.Next(); !strings.Contains(told.Data, words) {
			t.Errorf("%q tells %s", query, told.Data)
		}
		f.Close()
	}
	if page := c.Get("/wire").Body; !strings.Contains(page, `lang="en"`) {
		t.Error("the stream changed the notebook's language")
	}
}

// To a stranger there is nothing to tell, and 204 tells an EventSource to stay
// away. A page of another site or port is a stranger, too.
func TestStreamIsForNobodyElse(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client().SignIn("alice")
	before := lab.Rows(t)
	for name, f := range map[string]*webtest.Following{
		"a stranger":            lab.Client().Follow(""),
		"a made-up notebook":    lab.Client().Carry(webtest.NotebookCookie, strings.Repeat("a", 32)).Follow(""),
		"a page of another one": c.Follow("", webtest.With("Sec-Fetch-Site", "cross-site")),
		"a page of a neighbour": c.Follow("", webtest.With("Sec-Fetch-Site", "same-site")),
	} {
		if f.Status != http.StatusNoContent {
			t.Errorf("%s is answered %d", name, f.Status)
		}
		f.Ends()
	}
	c.Follow("").Next()
	if lab.Rows(t) != before {
		t.Error("something was stored")
	}
	if head := c.Do(http.MethodHead, webtest.StreamPath); head.Status != http.StatusOK || head.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("HEAD is answered %d, %s", head.Status, head.Header.Get("Content-Type"))
	}
}

func TestTooManyStreams(t *testing.T) {
	lab := labtest.New(t)
	c, other := lab.Client(), lab.Client()
	c.Get("/dashboard")
	other.Get("/dashboard")
	var open []*webtest.Following
	for range notebook.MaxWatchers {
		f := c.Follow("")
		f.Next() // it is under way
		open = append(open, f)
	}
	if f := c.Follow(""); f.Status != http.StatusTooManyRequests {
		t.Errorf("one more is answered %d", f.Status)
	}
	if f := other.Follow(""); f.Status != http.StatusOK {
		t.Errorf("another visitor is answered %d", f.Status)
	}
	open[0].Close()
	webtest.Await(t, "a stream that was left is still counted", func() bool { return lab.WatchersOf(c.Cookie(webtest.NotebookCookie)) < notebook.MaxWatchers })
	if f := c.Follow(""); f.Status != http.StatusOK {
		t.Errorf("after one was left, the next is answered %d", f.Status)
	}
}

// All streams together leave room for other connections, however many notebooks somebody
// opens. A reader too many is told to come back, in their language.
func TestStreamsOfTheWholeServer(t *testing.T) {
	const most = 4
	lab := labtest.New(t, func(c *handlers.Config) { c.Streams = most })
	visitors := []*webtest.Client{lab.Client(), lab.Client(), lab.Client()}
	for _, c := range visitors {
		c.Get("/dashboard")
	}
	var open []*webtest.Following
	for i := range most {
		f := visitors[i%2].Follow("")
		f.Next()
		open = append(open, f)
	}
	late := visitors[2]
	for language, words := range map[string]string{"en": "Too many people are reading the wire of this server", "zh": "人太多了"} {
		f := late.Follow("?lang=" + language)
		page, _ := io.ReadAll(f.Lines)
		if f.Status != http.StatusServiceUnavailable || f.Header.Get("Retry-After") == "" || !strings.Contains(string(page), words) {
			t.Errorf("in %s one more is answered %d, Retry-After %q: %s", language, f.Status, f.Header.Get("Retry-After"), page)
		}
		webtest.Guarded(t, webtest.Reply{Status: f.Status, Header: f.Header, Body: string(page)})
		if r := late.Get("/api/wire?lang=" + language); r.Status != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" || !strings.Contains(r.Body, words) {
			t.Errorf("in %s /api/wire is answered %d: %s", language, r.Status, r.Body)
		}
	}
	if r := late.Get("/wire"); r.Status != http.StatusOK {
		t.Errorf("meanwhile the page is answered %d", r.Status)
	}
	open[0].Close()
	webtest.Await(t, "a stream that was left is still counted", func() bool { return late.Get("/api/wire").Status == http.StatusOK })
	if f := late.Follow(""); f.Status != http.StatusOK {
		t.Errorf("after one was left, the next is answered %d", f.Status)
	}
}

func TestWhatEndsAStream(t *testing.T) {
	t.Run("a reset", func(t *testing.T) {
		c := labtest.New(t).Client().SignIn("alice")
		f := c.Follow("")
		f.Next()
		before := c.Header()
		c.Post("/reset", nil)
		f.Ends()
		again := c.Follow("", webtest.With("Cookie", before))
		if again.Status != http.StatusNoContent {
			t.Errorf("coming again is answered %d", again.Status)
		}
	})
	t.Run("the end of the server", func(t *testing.T) {
		lab := labtest.New(t)
		c := lab.Client().SignIn("alice")
		f := c.Follow("")
		f.Next()
		lab.EndStreams()
		f.Ends()
		lab.EndStreams() // twice does no harm
		late := c.Follow("?after=1")
		late.Ends()
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
	labtest.InItsOwnTime(t, func(t *testing.T, lab *labtest.Lab, dial func() net.Conn) {
		c := lab.Client()
		c.Get("/dashboard")
		connection := dial()
		f := &webtest.Following{T: t, Lines: startStream(t, connection, c)}
		f.Next()
		began := time.Now()
		for f.Comments < 9 { // one every 15 seconds
			if line, err := f.Lines.ReadString('\n'); err != nil {
				t.Fatalf("after %v the stream ends: %v", time.Since(began), err)
			} else if strings.HasPrefix(line, ":") {
				f.Comments++
			}
		}
		if passed := time.Since(began); passed < 2*time.Minute {
			t.Errorf("nine signs of life within %v", passed)
		}
		c.Get("/dashboard")
		if told := f.Next(); told.Id != "2" {
			t.Errorf("then it tells %+v", told)
		}
		_ = connection.Close()
	})
}

// A reader that takes nothing does not hold the stream for ever.
func TestStreamWithoutAReader(t *testing.T) {
	labtest.InItsOwnTime(t, func(t *testing.T, lab *labtest.Lab, dial func() net.Conn) {
		c := lab.Client()
		c.Get("/dashboard")
		connection := dial()
		f := &webtest.Following{T: t, Lines: startStream(t, connection, c)}
		f.Next()
		if n := lab.WatchersOf(c.Cookie(webtest.NotebookCookie)); n != 1 {
			t.Fatalf("%d watch", n)
		}
		time.Sleep(50 * time.Second) // a sign of life after 15, which nobody takes within 30
		if n := lab.WatchersOf(c.Cookie(webtest.NotebookCookie)); n != 0 {
			t.Errorf("after 50 seconds %d watch", n)
		}
		_ = connection.Close()
	})
}

// startStream asks for the stream over a connection, and reads up to its events.
func startStream(t *testing.T, connection net.Conn, c *webtest.Client) *bufio.Reader {
	t.Helper()
	if _, err := io.WriteString(connection, "GET "+webtest.StreamPath+" HTTP/1.0\r\nHost: "+c.Server.Addr+"\r\nCookie: "+c.Header()+"\r\n\r\n"); err != nil {
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
