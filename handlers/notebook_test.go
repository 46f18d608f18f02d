// The notebook: who gets one, what it never holds, and that nobody sees
// another's.

package handlers_test

import (
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"cookielab/handlers"
	"cookielab/handlers/lanes"
	"cookielab/handlers/notebook"
	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

func TestWhoOpensANotebook(t *testing.T) {
	lab := newLab(t)
	site := func(value string) func(*http.Request) { return with("Sec-Fetch-Site", value) }
	for _, test := range []struct {
		name, method, path string
		changes            []func(*http.Request)
		opens              bool
	}{
		{"the front page", "GET", "/", nil, true},
		{"the login page", "GET", "/login", nil, true},
		{"the dashboard", "GET", "/dashboard", nil, true},
		{"a door", "GET", "/door/plain", nil, true},
		{"a door that does not exist", "GET", "/door/none", nil, true},
		{"a page that was typed in", "GET", "/dashboard", []func(*http.Request){site("none")}, true},
		{"a page from our own page", "GET", "/dashboard", []func(*http.Request){site("same-origin")}, true},
		{"the login form", "POST", "/login", []func(*http.Request){body(formType, login("alice").Encode())}, true},
		{"the login form with a wrong word", "POST", "/login", []func(*http.Request){body(formType, wrong("alice").Encode())}, true},

		{"HEAD of a page does not", "HEAD", "/dashboard", nil, false},
		{"OPTIONS of a page does not", "OPTIONS", "/dashboard", nil, false},
		{"a method that the page does not take does not", "DELETE", "/login", nil, false},
		{"the reset page does not: it proves that nothing is left", "GET", "/reset", nil, false},
		{"the proof after a reset does not", "GET", "/reset?done=1", nil, false},
		{"the reset does not", "POST", "/reset", nil, false},
		{"a new class does not", "POST", "/class", nil, false},
		{"the API does not", "GET", "/api/lanes", nil, false},
		{"an address that the API lacks does not", "GET", "/api/none", nil, false},
		{"a static file does not", "GET", "/static/lab.css", nil, false},
		{"the favicon does not", "GET", "/favicon.ico", nil, false},
		{"the health check does not", "GET", "/healthz", nil, false},
		{"an unknown address does not", "GET", "/none", nil, false},
		{"logging out does not", "POST", "/logout", nil, false},
		{"an edit does not", "POST", "/act/edit", nil, false},
		{"a copy does not", "POST", "/act/copy", nil, false},
		{"one way’s logout does not", "POST", "/act/logout/plain", nil, false},
		{"a page that another site links to does not", "GET", "/dashboard", []func(*http.Request){site("cross-site")}, false},
		{"a page that another port links to does not", "GET", "/dashboard", []func(*http.Request){site("same-site")}, false},
		{"a login from another site does not", "POST", "/login", []func(*http.Request){site("cross-site"), body(formType, login("alice").Encode())}, false},
		{"a login from another port does not", "POST", "/login", []func(*http.Request){site("same-site"), body(formType, login("alice").Encode())}, false},
		{"a login from another site, by its Origin, does not", "POST", "/login", []func(*http.Request){with("Origin", "http://evil.example"), body(formType, login("alice").Encode())}, false},
		{"a page asked of another host does not", "GET", "/dashboard", []func(*http.Request){func(r *http.Request) { r.Host = "evil.example" }}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := strings.Count(lab.rows(t), "\n")
			c := lab.client()
			answer := c.do(test.method, test.path, test.changes...)
			if opened := answer.sets(notebookCookie) != nil; opened != test.opens {
				t.Errorf("opened: %v (status %d)", opened, answer.status)
			}
			if !test.opens && strings.Count(lab.rows(t), "\n") != before {
				t.Error("something was stored all the same")
			}
			if test.opens && len(lab.WireOf(c.cookie(notebookCookie))) != 1 {
				t.Error("the exchange that opened it is not on its wire")
			}
		})
	}
}

func TestNotebookCookie(t *testing.T) {
	lab := newLab(t)
	got := lab.client().get("/dashboard").header.Values("Set-Cookie")
	ends := lab.clock.Now().Add(30 * 24 * time.Hour).UTC().Format(http.TimeFormat)
	if len(got) != 1 || !strings.HasPrefix(got[0], "lab_notebook=") {
		t.Fatalf("a page sets %q", got)
	}
	if _, attributes, _ := strings.Cut(got[0], "; "); attributes != "Path=/; Expires="+ends+"; Max-Age=2592000; HttpOnly; SameSite=Lax" {
		t.Errorf("its attributes are %s", attributes)
	}
}

func TestNotebookIsKeptWhileItIsKnown(t *testing.T) {
	lab := newLab(t)
	made := sessions.NewKey()
	for _, test := range []struct {
		name    string
		carries func(c *client) // what the client brings
		same    bool            // it stays as it is
	}{
		{"a known one stays", func(*client) {}, true},
		{"a known one stays on a cookie jar of 100", func(c *client) {
			for i := range 100 {
				c.carry("x"+strings.Repeat("y", i), "z")
			}
		}, true},
		{"a made-up key is not adopted", func(c *client) { c.carry(notebookCookie, made) }, false},
		{"a key of another form is not adopted", func(c *client) { c.carry(notebookCookie, "../x") }, false},
		{"a session’s key opens no notebook", func(c *client) { c.carry(notebookCookie, c.signIn("alice").cookie("lab_sessionid")) }, false},
		{"after 30 days there is a new one", func(*client) { lab.clock.Advance(30 * 24 * time.Hour) }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := lab.client()
			c.get("/dashboard")
			test.carries(c)
			brought := c.cookie(notebookCookie)
			answer := c.get("/dashboard")
			if same := answer.sets(notebookCookie) == nil; same != test.same || (c.cookie(notebookCookie) == brought) != test.same {
				t.Errorf("stays: %v", same)
			}
			if test.same {
				return
			}
			if api := lab.client().carry(notebookCookie, brought).get("/api/lanes"); api.status != http.StatusOK || len(api.cookies) > 0 {
				t.Errorf("the API answers the one that is not known with %d and %v", api.status, api.cookies)
			}
		})
	}
}

// What a browser carries is in no file of the server: neither a value nor a
// key, as it came or as JSON would spell it.
func TestDatabaseHoldsNoCookieValue(t *testing.T) {
	lab := newLab(t)
	c := lab.client()
	secrets := map[string]string{"a cookie of another program": "v4lue-0f-an0ther-pr0gram"}
	step := func(answer reply) {
		t.Helper()
		if answer.status >= 400 {
			t.Fatalf("%d %s", answer.status, answer.body)
		}
		for _, cookie := range append(slices.Clone(c.cookies), answer.cookies...) {
			if cookie.Value != "" {
				secrets[cookie.Name+" "+cookie.Value] = cookie.Value
			}
		}
	}
	c.carry("other", secrets["a cookie of another program"])
	step(c.get("/dashboard"))
	step(c.post("/login", login("alice")))
	step(c.post("/act/copy", nil))
	step(c.post("/act/edit", nil))
	step(c.get("/dashboard"))
	step(c.post("/act/flip/signed", nil))
	step(c.post("/act/restore", nil))
	step(c.post("/act/expire", nil))
	step(c.get("/dashboard"))
	step(c.post("/act/drop/session", nil))
	step(c.post("/login", login("teacher")))
	if len(secrets) < 10 {
		t.Fatalf("the story made only %d values", len(secrets))
	}

	stored := lab.rows(t)
	// By another process: ours would let go of the database's locks with the file.
	files, err := exec.Command("cat", lab.file, lab.file+"-wal", lab.file+"-shm").Output()
	if err != nil {
		t.Fatal(err)
	}
	stored += string(files)
	if !strings.Contains(stored, `"as_name":"teacher"`) {
		t.Fatal("the notebook is not where the test looks for it")
	}
	for whose, secret := range secrets {
		for _, spelled := range []string{secret, strings.ReplaceAll(secret, "&", `\u0026`)} {
			if strings.Contains(stored, spelled) {
				t.Errorf("%s is stored", whose)
			}
		}
	}
}

func TestNobodySeesAnothersWire(t *testing.T) {
	lab := newLab(t)
	alice, bob := lab.client().signIn("alice"), lab.client().signIn("bob")
	for range 3 {
		for _, c := range []*client{alice, bob} {
			c.get("/dashboard")
			c.post("/act/copy", nil)
		}
	}
	lab.client().get("/api/lanes", with("Cookie", strings.ReplaceAll(alice.header(), notebookCookie, "x"))) // without the notebook: nobody's
	for whose, pair := range map[string][2]*client{"alice's": {alice, bob}, "bob's": {bob, alice}} {
		own, other := pair[0], pair[1]
		t.Run(whose, func(t *testing.T) {
			wire := lab.WireOf(own.cookie(notebookCookie))
			if len(wire) != 10 { // the login, and three times a page, a copy and its replay
				t.Errorf("%d exchanges", len(wire))
			}
			for _, e := range wire {
				for _, cookie := range other.cookies {
					if strings.Contains(e.Cookie, cookie.Value) || strings.Contains(strings.Join(e.SetCookie, "\n"), cookie.Value) {
						t.Errorf("%s %s carries another's %s", e.Method, e.Target, cookie.Name)
					}
				}
			}
			page := own.get("/dashboard").body
			for _, cookie := range other.cookies {
				if strings.Contains(page, cookie.Value) || strings.Contains(page, escaped(cookie.Value)) {
					t.Errorf("the dashboard shows another's %s", cookie.Name)
				}
			}
		})
	}
}

// Nobody can put exchanges on another's wire: the word that announces a replay
// is drawn anew for each, works once, and never leaves the server.
func TestReplayHeaderIsNotForStrangers(t *testing.T) {
	lab := newLab(t)
	alice := lab.client().signIn("alice")
	alice.post("/act/copy", nil)
	before := len(lab.WireOf(alice.cookie(notebookCookie)))
	for _, word := range []string{"", "x", "true", alice.cookie(notebookCookie), strings.Repeat("A", 26)} {
		if answer := lab.client().get("/api/lanes", with("Lab-Replay", word)); answer.status != http.StatusOK {
			t.Errorf("%q: answered %d", word, answer.status)
		}
	}
	if after := len(lab.WireOf(alice.cookie(notebookCookie))); after != before {
		t.Errorf("%d exchanges more", after-before)
	}
}

// The notebook survives a restart; the wire does not.
func TestNotebookAfterARestart(t *testing.T) {
	lab := newLab(t)
	alice := lab.client().signIn("alice")
	before := alice.lanes()
	alice.lab = newLab(t, func(c *handlers.Config) {
		c.Sessions, c.Notebooks, c.Clock = lab.sessions, lab.notebooks, lab.clock.Now
	})
	if wire := alice.lab.WireOf(alice.cookie(notebookCookie)); len(wire) != 0 {
		t.Errorf("%d exchanges on the wire", len(wire))
	}
	after := alice.lanes()
	for id, lane := range after {
		if id == lanes.Token { // no cookie, so no attributes
			continue
		}
		if lane.Attributes == nil || !lane.Attributes.SetAt.Equal(before[id].Attributes.SetAt) {
			t.Errorf("%s: the attributes are forgotten", id)
		}
	}
	if page := alice.get("/dashboard"); page.status != http.StatusOK || len(page.cookies) > 0 {
		t.Errorf("the dashboard answers %d and sets %v", page.status, page.cookies)
	}
	if wire := alice.lab.WireOf(alice.cookie(notebookCookie)); len(wire) != 2 {
		t.Errorf("the wire does not go on: %d exchanges", len(wire))
	}
}

// What memory holds is bounded; the oldest goes first.
func TestWireIsBounded(t *testing.T) {
	clock := storetest.NewClock()
	id := func(i int) (id sessions.ID) { id[0], id[1] = byte(i), byte(i>>8); return id }

	t.Run("1,000 notebooks: the one unused longest goes", func(t *testing.T) {
		wire := notebook.NewLogs(clock.Now)
		for i := range notebook.MaxLogs {
			clock.Advance(time.Second)
			wire.Log(id(i)).Add(&notebook.Exchange{})
		}
		clock.Advance(time.Second)
		wire.Log(id(0)) // used again
		clock.Advance(time.Second)
		wire.Log(id(notebook.MaxLogs))
		for i, want := range map[int]int{0: 1, 1: 0, 2: 1, notebook.MaxLogs - 1: 1} {
			if i == 1 {
				continue // asking would make room for it
			}
			if got := len(wire.Log(id(i)).Exchanges()); got != want {
				t.Errorf("notebook %d has %d exchanges, not %d", i, got, want)
			}
		}
		if got := len(wire.Log(id(1)).Exchanges()); got != 0 {
			t.Errorf("the one unused longest still has %d", got)
		}
	})

	t.Run("50 exchanges: the oldest goes", func(t *testing.T) {
		book := notebook.NewLogs(clock.Now).Log(id(1))
		for range notebook.MaxExchanges + 3 {
			book.Add(&notebook.Exchange{})
		}
		got := book.Exchanges()
		if len(got) != 50 || got[0].Number != 4 || got[49].Number != 53 {
			t.Errorf("%d exchanges, from %d to %d", len(got), got[0].Number, got[len(got)-1].Number)
		}
	})

	for _, test := range []struct {
		name                  string
		exchange              notebook.Exchange
		agent, target, cookie int // bytes that stay
		cut                   bool
	}{
		{"64 KB an exchange are kept", notebook.Exchange{UserAgent: long(4), Target: long(20), Cookie: long(40)}, 4, 20, 40, false},
		{"what is more is cut, the user agent first", notebook.Exchange{UserAgent: long(4), Target: long(20), Cookie: long(42)}, 2, 20, 42, true},
		{"then the address", notebook.Exchange{UserAgent: long(4), Target: long(20), Cookie: long(60)}, 0, 4, 60, true},
		{"then the cookies", notebook.Exchange{UserAgent: long(4), Target: long(20), Cookie: long(90)}, 0, 0, 64, true},
		{"what the server set stays", notebook.Exchange{Cookie: long(40), SetCookie: []string{long(30)}}, 0, 0, 34, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			book := notebook.NewLogs(clock.Now).Log(id(1))
			book.Add(&test.exchange)
			e := book.Exchanges()[0]
			if len(e.UserAgent) != test.agent<<10 || len(e.Target) != test.target<<10 || len(e.Cookie) != test.cookie<<10 || e.Cut != test.cut {
				t.Errorf("left: user agent %d, address %d, cookies %d bytes; cut: %v", len(e.UserAgent), len(e.Target), len(e.Cookie), e.Cut)
			}
		})
	}
}

// long is a text of so many KB.
func long(kilobytes int) string { return strings.Repeat("x", kilobytes<<10) }
