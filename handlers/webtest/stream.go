// A stream as a browser follows it.

package webtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// StreamPath is the one address whose replies do not end: tests that ask all
// addresses leave it to those of this file.
const StreamPath = "/wire/events"

// Following is a stream as a browser reads it.
type Following struct {
	T        testing.TB
	Status   int
	Header   http.Header
	Lines    *bufio.Reader
	Close    func()
	Comments int
}

// event is one server-sent event.
type event struct{ Id, Name, Data string }

// Follow opens the stream of a client. One that hangs is ended by the time
// limit of the lab's own client.
func (c *Client) Follow(query string, changes ...func(*http.Request)) *Following {
	t := c.Server.t
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.Server.Addr+StreamPath+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	if line := c.Header(); line != "" {
		request.Header.Set("Cookie", line)
	}
	for _, change := range changes {
		change(request)
	}
	response, err := c.Server.Web.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	if cookies := response.Header.Values("Set-Cookie"); len(cookies) > 0 {
		t.Errorf("the stream sets %q", cookies)
	}
	return &Following{T: t, Status: response.StatusCode, Header: response.Header, Lines: bufio.NewReader(response.Body), Close: cancel}
}

// read returns the next event, or the error with which the stream ended.
func (f *Following) read() (event, error) {
	var e event
	var data []string
	for {
		line, err := f.Lines.ReadString('\n')
		if err != nil {
			return e, err
		}
		switch name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); {
		case name == "id":
			e.Id = value
		case name == "event":
			e.Name = value
		case name == "data", name == "data:":
			data = append(data, value)
		case name == ":", name == "retry":
			f.Comments++
		case line == "\n" && data != nil:
			e.Data = strings.Join(data, "\n")
			return e, nil
		case line != "\n":
			return e, fmt.Errorf("a line that is none: %q", line)
		}
	}
}

// Next waits for the next event; a stream that ends without one ends the test.
func (f *Following) Next() event {
	f.T.Helper()
	e, err := f.read()
	if err != nil {
		f.T.Fatalf("no event: %v", err)
	}
	return e
}

// Ends complains unless the stream ends now, by the server's will.
func (f *Following) Ends() {
	f.T.Helper()
	for {
		switch _, err := f.read(); {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			f.T.Fatalf("the stream ends with: %v", err)
		}
	}
}
