// The notebook: who gets one, what it never holds, and that nobody sees
// another's.

package notebook_test

import (
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"cookielab/handlers"
	"cookielab/handlers/labtest"
	"cookielab/handlers/lanes"
	"cookielab/handlers/notebook"
	"cookielab/handlers/webtest"
	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

func TestWhoOpensANotebook(t *testing.T) {
	lab := labtest.New(t)
	site := func(value string) func(*http.Request) { return webtest.With("Sec-Fetch-Site", value) }
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
		{"the login form", "POST", "/login", []func(*http.Request){webtest.Body(webtest.FormType, webtest.Login("alice").Encode())}, true},
		{"the login form with a wrong word", "POST", "/login", []func(*http.Request){webtest.Body(webtest.FormType, webtest.Wrong("alice").Encode())}, true},

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
		{"a login from another site does not", "POST", "/login", []func(*http.Request){site("cross-site"), webtest.Body(webtest.FormType, webtest.Login("alice").Encode())}, false},
		{"a login from another port does not", "POST", "/login", []func(*http.Request){site("same-site"), webtest.Body(webtest.FormType, webtest.Login("alice").Encode())}, false},
		{"a login from another site, by its Origin, does not", "POST", "/login", []func(*http.Request){webtest.With("Origin", "http://evil.example"), webtest.Body(webtest.FormType, webtest.Login("alice").Encode())}, false},
		{"a page asked of another host does not", "GET", "/dashboard", []func(*http.Request){func(r *http.Request) { r.Host = "evil.example" }}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := strings.Count(lab.Rows(t), "\n")
			c := lab.Client()
			answer := c.Do(test.method, test.path, test.changes...)
			if opened := answer.Sets(webtest.NotebookCookie) != nil; opened != test.opens {
				t.Errorf("opened: %v (status %d)", opened, answer.Status)
			}
			if !test.opens && strings.Count(lab.Rows(t), "\n") != before {
				t.Error("something was stored all the same")
			}
			if test.opens && len(lab.WireOf(c.Cookie(webtest.NotebookCookie))) != 1 {
				t.Error("the exchange that opened it is not on its wire")
			}
		})
	}
}

func TestNotebookCookie(t *testing.T) {
	lab := labtest.New(t)
	got := lab.Client().Get("/dashboard").Header.Values("Set-Cookie")
	ends := lab.Clock.Now().Add(30 * 24 * time.Hour).UTC().Format(http.TimeFormat)
	if len(got) != 1 || !strings.HasPrefix(got[0], "lab_notebook=") {
		t.Fatalf("a page sets %q", got)
	}
	if _, attributes, _ := strings.Cut(got[0], "; "); attributes != "Path=/; Expires="+ends+"; Max-Age=2592000; HttpOnly; SameSite=Lax" {
		t.Errorf("its attributes are %s", attributes)
	}
}

func TestNotebookIsKeptWhileItIsKnown(t *testing.T) {
	lab := labtest.New(t)
	made := sessions.NewKey()
	for _, test := range []struct {
		name    string
		carries func(c *webtest.Client) // what the client brings
		same    bool                    // it stays as it is
	}{
		{"a known one stays", func(*webtest.Client) {}, true},
		{"a known one stays on a cookie jar of 100", func(c *webtest.Client) {
			for i := range 100 {
				c.Carry("x"+strings.Repeat("y", i), "z")
			}
		}, true},
		{"a made-up key is not adopted", func(c *webtest.Client) { c.Carry(webtest.NotebookCookie, made) }, false},
		{"a key of another form is not adopted", func(c *webtest.Client) { c.Carry(webtest.NotebookCookie, "../x") }, false},
		{"a session’s key opens no notebook", func(c *webtest.Client) { c.Carry(webtest.NotebookCookie, c.SignIn("alice").Cookie("lab_sessionid")) }, false},
		{"after 30 days there is a new one", func(*webtest.Client) { lab.Clock.Advance(30 * 24 * time.Hour) }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := lab.Client()
			c.Get("/dashboard")
			test.carries(c)
			brought := c.Cookie(webtest.NotebookCookie)
			answer := c.Get("/dashboard")
			if same := answer.Sets(webtest.NotebookCookie) == nil; same != test.same || (c.Cookie(webtest.NotebookCookie) == brought) != test.same {
				t.Errorf("stays: %v", same)
			}
			if test.same {
				return
			}
			if api := lab.Client().Carry(webtest.NotebookCookie, brought).Get("/api/lanes"); api.Status != http.StatusOK || len(api.Cookies) > 0 {
				t.Errorf("the API answers the one that is not known with %d and %v", api.Status, api.Cookies)
			}
		})
	}
}

// What a browser carries is in no file of the server: neither a value nor a
// key, as it came or as JSON would spell it.
func TestDatabaseHoldsNoCookieValue(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client()
	secrets := map[string]string{"a cookie of another program": "v4lue-0f-an0ther-pr0gram"}
	step := func(answer webtest.Reply) {
		t.Helper()
		if answer.Status >= 400 {
			t.Fatalf("%d %s", answer.Status, answer.Body)
		}
		for _, cookie := range append(slices.Clone(c.Cookies), answer.Cookies...) {
			if cookie.Value != "" {
				secrets[cookie.Name+" "+cookie.Value] = cookie.Value
			}
		}
	}
	c.Carry("other", secrets["a cookie of another program"])
	step(c.Get("/dashboard"))
	step(c.Post("/login", webtest.Login("alice")))
	step(c.Post("/act/copy", nil))
	step(c.Post("/act/edit", nil))
	step(c.Get("/dashboard"))
	step(c.Post("/act/flip/signed", nil))
	step(c.Post("/act/restore", nil))
	step(c.Post("/act/expire", nil))
	step(c.Get("/dashboard"))
	step(c.Post("/act/drop/session", nil))
	step(c.Post("/login", webtest.Login("teacher")))
	if len(secrets) < 10 {
		t.Fatalf("the story made only %d values", len(secrets))
	}

	stored := lab.Rows(t)
	// By another process: ours would let go of the database's locks with the file.
	files, err := exec.Command("cat", lab.File, lab.File+"-wal", lab.File+"-shm").Output()
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
	lab := labtest.New(t)
	alice, bob := lab.Client().SignIn("alice"), lab.Client().SignIn("bob")
	for range 3 {
		for _, c := range []*webtest.Client{alice, bob} {
			c.Get("/dashboard")
			c.Post("/act/copy", nil)
		}
	}
	lab.Client().Get("/api/lanes", webtest.With("Cookie", strings.ReplaceAll(alice.Header(), webtest.NotebookCookie, "x"))) // without the notebook: nobody's
	for whose, pair := range map[string][2]*webtest.Client{"alice's": {alice, bob}, "bob's": {bob, alice}} {
		own, other := pair[0], pair[1]
		t.Run(whose, func(t *testing.T) {
			wire := lab.WireOf(own.Cookie(webtest.NotebookCookie))
			if len(wire) != 10 { // the login, and three times a page, a copy and its replay
				t.Errorf("%d exchanges", len(wire))
			}
			for _, e := range wire {
				for _, cookie := range other.Cookies {
					if strings.Contains(e.Cookie, cookie.Value) || strings.Contains(strings.Join(e.SetCookie, "\n"), cookie.Value) {
						t.Errorf("%s %s carries another's %s", e.Method, e.Target, cookie.Name)
					}
				}
			}
			page := own.Get("/dashboard").Body
			for _, cookie := range other.Cookies {
				if strings.Contains(page, cookie.Value) || strings.Contains(page, webtest.Escaped(cookie.Value)) {
					t.Errorf("the dashboard shows another's %s", cookie.Name)
				}
			}
		})
	}
}

// Nobody can put exchanges on another's wire: the word that announces a replay
// is drawn anew for each, works once, and never leaves the server.
func TestReplayHeaderIsNotForStrangers(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	alice.Post("/act/copy", nil)
	before := len(lab.WireOf(alice.Cookie(webtest.NotebookCookie)))
	for _, word := range []string{"", "x", "true", alice.Cookie(webtest.NotebookCookie), strings.Repeat("A", 26)} {
		if answer := lab.Client().Get("/api/lanes", webtest.With("Lab-Replay", word)); answer.Status != http.StatusOK {
			t.Errorf("%q: answered %d", word, answer.Status)
		}
	}
	if after := len(lab.WireOf(alice.Cookie(webtest.NotebookCookie))); after != before {
		t.Errorf("%d exchanges more", after-before)
	}
}

// The notebook survives a restart; the wire does not.
func TestNotebookAfterARestart(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	before := alice.Lanes()
	alice.Server = labtest.New(t, func(c *handlers.Config) {
		c.Sessions, c.Notebooks, c.Clock = lab.Sessions, lab.Notebooks, lab.Clock.Now
	}).Server
	if wire := alice.Server.WireOf(alice.Cookie(webtest.NotebookCookie)); len(wire) != 0 {
		t.Errorf("%d exchanges on the wire", len(wire))
	}
	after := alice.Lanes()
	for id, lane := range after {
		if id == lanes.Token { // no cookie, so no attributes
			continue
		}
		if lane.Attributes == nil || !lane.Attributes.SetAt.Equal(before[id].Attributes.SetAt) {
			t.Errorf("%s: the attributes are forgotten", id)
		}
	}
	if page := alice.Get("/dashboard"); page.Status != http.StatusOK || len(page.Cookies) > 0 {
		t.Errorf("the dashboard answers %d and sets %v", page.Status, page.Cookies)
	}
	if wire := alice.Server.WireOf(alice.Cookie(webtest.NotebookCookie)); len(wire) != 2 {
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
		log := notebook.NewLogs(clock.Now).Log(id(1))
		for range notebook.MaxExchanges + 3 {
			log.Add(&notebook.Exchange{})
		}
		got := log.Exchanges()
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
			log := notebook.NewLogs(clock.Now).Log(id(1))
			log.Add(&test.exchange)
			e := log.Exchanges()[0]
			if len(e.UserAgent) != test.agent<<10 || len(e.Target) != test.target<<10 || len(e.Cookie) != test.cookie<<10 || e.Cut != test.cut {
				t.Errorf("left: user agent %d, address %d, cookies %d bytes; cut: %v", len(e.UserAgent), len(e.Target), len(e.Cookie), e.Cut)
			}
		})
	}
}

// long is a text of so many KB.
func long(kilobytes int) string { return strings.Repeat("x", kilobytes<<10) }
