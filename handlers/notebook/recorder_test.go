// The recorder: an exchange on the wire is what really came and went.

package notebook_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"cookielab/handlers/labtest"
	"cookielab/handlers/notebook"
	"cookielab/handlers/webtest"
	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

func TestExchangeIsWhatCameAndWent(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client()
	c.Get("/login")
	brought := "other=1; " + c.Header()
	answer := c.Post("/login?from=here", webtest.Login("alice"), webtest.With("Cookie", brought), webtest.With("User-Agent", "a browser/1"),
		webtest.With("Sec-Fetch-Mode", "navigate"), webtest.With("Sec-Fetch-Dest", "document"), webtest.With("Sec-Fetch-User", "?1"))
	e := c.Last()
	for _, fact := range []struct{ name, got, want string }{
		{"the client", e.Client, notebook.ClientBrowser},
		{"the method", e.Method, "POST"},
		{"the address, with its query", e.Target, "/login?from=here"},
		{"the protocol", e.Protocol, "HTTP/1.1"},
		{"the host", e.Host, lab.Addr},
		{"the user agent", e.UserAgent, "a browser/1"},
		{"Fetch metadata", fmt.Sprint(e.Fetch), "{same-origin navigate document ?1}"},
		{"the Cookie header, raw", e.Cookie, brought},
		{"the status", fmt.Sprint(e.Status), "303"},
		{"the location", e.Location, "/dashboard"},
		{"the Set-Cookie lines, raw", strings.Join(e.SetCookie, "\n"), strings.Join(answer.Header.Values("Set-Cookie"), "\n")},
		{"the number", fmt.Sprint(e.Number), "2"},
		{"nothing was cut", fmt.Sprint(e.Cut), "false"},
	} {
		if fact.got != fact.want {
			t.Errorf("%s: %q, not %q", fact.name, fact.got, fact.want)
		}
	}
	if len(e.SetCookie) != 4 { // the three ways' and the notebook's
		t.Errorf("a login sets %d cookies: %q", len(e.SetCookie), e.SetCookie)
	}
	// The notebook was looked up, the session made, the notebook filed under a new
	// key, and its old one marked as replaced.
	if got, want := strings.Join(opNames(e), ", "), "load, create, create, update"; got != want {
		t.Errorf("the store was asked to %s, not to %s", got, want)
	}
	if e.Ops[1].ID != sessions.KeyID("session", c.Cookie("lab_sessionid")) || e.Ops[1].Bytes == 0 {
		t.Errorf("the record that was made is %v, of %d bytes", e.Ops[1].ID, e.Ops[1].Bytes)
	}

	c.Get("/dashboard")
	var verdicts []string
	for _, f := range c.Last().Findings {
		verdicts = append(verdicts, string(f.Verdict))
	}
	if got := strings.Join(verdicts, " "); got != webtest.Everywhere {
		t.Errorf("the findings on the wire are %q", got)
	}
}

func opNames(e *notebook.Exchange) (names []string) {
	for _, op := range e.Ops {
		names = append(names, op.Name)
	}
	return names
}

func TestTwoCookieHeadersAreOneOnTheWire(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client()
	c.Get("/dashboard")
	webtest.Raw(t, lab.Addr, "GET /dashboard HTTP/1.1\r\nHost: "+lab.Addr+"\r\nCookie: a=1\r\nCookie: "+c.Header()+"\r\n\r\n")
	if got, want := c.Last().Cookie, "a=1; "+c.Header(); got != want {
		t.Errorf("%q, not %q", got, want)
	}
}

// A replay goes on the wire of whose copy it is, as another program's.
func TestReplayIsOnTheWire(t *testing.T) {
	c := labtest.New(t).Client().SignIn("alice")
	copied := strings.TrimSuffix(c.Header(), "; "+webtest.NotebookCookie+"="+c.Cookie(webtest.NotebookCookie))
	c.Post("/act/copy", nil)
	wire := c.Wire()
	replay, act := wire[len(wire)-2], wire[len(wire)-1]
	if act.Target != "/act/copy" || act.Client != notebook.ClientBrowser {
		t.Errorf("the deed: %s by %s", act.Target, act.Client)
	}
	if replay.Client != notebook.ClientOther || replay.Target != "/api/lanes" || replay.Cookie != copied || replay.Status != http.StatusOK {
		t.Errorf("the replay: %s by %s with %q, answered %d", replay.Target, replay.Client, replay.Cookie, replay.Status)
	}
	if c.Get("/dashboard"); len(c.Wire()) != len(wire)+1 {
		t.Error("looking replays as well")
	}
}

// The wire has the reply that left, not the one that the handler made.
func TestWireHasWhatLeft(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client()
	c.Get("/dashboard")
	lab.Sessions.Before = storetest.Down("create")
	answer := c.Post("/login", webtest.Login("alice"))
	if e := c.Last(); answer.Status != http.StatusServiceUnavailable || e.Status != answer.Status || len(e.SetCookie) > 0 || e.Location != "" {
		t.Errorf("answered %d; on the wire: %d, %q, %q", answer.Status, e.Status, e.SetCookie, e.Location)
	}
	if e := c.Last(); !slices.ContainsFunc(e.Ops, func(op sessions.StoreOp) bool { return op.Name == "create" && op.Err != nil }) {
		t.Errorf("the operation that failed is not on the wire: %v", e.Ops)
	}
}

func TestWhatIsNotOnTheWire(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client()
	c.Get("/dashboard")
	for _, path := range []string{"/static/lab.css", "/favicon.ico", "/healthz", "/none"} {
		t.Run(path, func(t *testing.T) {
			if c.Get(path); len(c.Wire()) != 1 {
				t.Error("is")
			}
		})
	}
	for range 60 {
		c.Get("/dashboard")
	}
	if wire := c.Wire(); len(wire) != 50 || wire[49].Number != 61 {
		t.Errorf("of 61 exchanges %d are kept, up to number %d", len(wire), wire[len(wire)-1].Number)
	}
}

// A wire read while it is written to is whole (run with -race).
func TestWireUnderManyRequests(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client()
	c.Get("/dashboard")
	done := make(chan struct{})
	const readers = 4
	for range readers {
		twin := &webtest.Client{Server: lab.Server, Cookies: slices.Clone(c.Cookies)}
		go func() {
			defer func() { done <- struct{}{} }()
			for range 10 {
				if answer := twin.Get("/dashboard"); answer.Status != http.StatusOK {
					t.Errorf("answered %d", answer.Status)
				}
			}
		}()
	}
	for range readers {
		<-done
	}
	numbers := map[int]bool{}
	for _, e := range c.Wire() {
		numbers[e.Number] = true
	}
	if len(numbers) != 41 {
		t.Errorf("%d exchanges with a number of their own, not 41", len(numbers))
	}
}
