// Nobody sees another's notebook: not by the address of a lesson's run, not with a
// key that was planted or stolen before a login, not by a stream that was opened
// before it.

package notebook_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cookielab/handlers/labtest"
	"cookielab/handlers/lanes"
	"cookielab/handlers/notebook"
	"cookielab/handlers/webtest"
	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

// Anyone may open the address of somebody's run, and whoever reads the run's wire may
// have sent them there. So the wire shows names alone.
func TestARunShowsNamesAlone(t *testing.T) {
	lab := labtest.New(t, labtest.AtHome)
	alice, run := labtest.AtOtherSite(t, lab)
	victim := lab.Client().SignIn("teacher")
	victim.Carry("play_lax", "the-victim’s-own-play-cookie")
	for _, path := range []string{"/play/hello", "/api/lanes", "/play/cookies?how=img", "/play/prize", "/play/neighbour", "/play/none"} {
		separator := "?"
		if strings.Contains(path, "?") {
			separator = "&"
		}
		victim.Get(path+separator+"run="+run, webtest.With("Authorization", "Token 0123456789abcdef0123456789abcdef01234567"))
	}
	victim.Post("/play/transfer/none?run="+run, url.Values{"to": {"mallory"}, "amount": {"10"}})

	text := wireText(t, alice)
	keepsFrom(t, victim, "the wire of the run", text)
	for _, secret := range []string{"0123456789abcdef", "the-victim"} {
		if strings.Contains(text, secret) {
			t.Errorf("the wire shows %q", secret)
		}
	}
	var names, verdicts bool
	for _, e := range lab.WireOf(alice.Cookie(webtest.NotebookCookie)) {
		if e.NamesOnly {
			names = names || strings.Contains(e.Cookie, "lab_sessionid=…")
			verdicts = verdicts || slices.ContainsFunc(e.Findings, func(f notebook.Conclusion) bool { return f.Lane == lanes.Session && f.Verdict == lanes.Found })
		}
	}
	if !names || !verdicts {
		t.Errorf("names on the wire: %t, verdicts: %t", names, verdicts)
	}
	// She sees the values that her own browser sends there.
	alice.Get("/play/hello?run=" + run)
	if !strings.Contains(wireText(t, alice), alice.Cookie(webtest.NotebookCookie)) {
		t.Error("her own exchange under the run shows no value")
	}
	keepsFrom(t, victim, "the victim's own wire to alice", wireText(t, alice))
}

// Any port of localhost can plant a notebook's cookie. Whoever planted one and waits for
// a login reads nothing of it, and cannot sign in with that cookie.
func TestAPlantedNotebookIsWorthNothing(t *testing.T) {
	lab := labtest.New(t)
	attacker := lab.Client()
	attacker.Get("/dashboard")
	planted := attacker.Cookie(webtest.NotebookCookie)
	watching := attacker.Follow("?after=1")

	teacher := lab.Client().Carry(webtest.NotebookCookie, planted)
	teacher.Get("/dashboard")
	if told := watching.Next(); !strings.Contains(told.Data, "GET /dashboard") {
		t.Errorf("told: %+v", told)
	}
	teacher.SignIn("teacher")
	if teacher.Cookie(webtest.NotebookCookie) == planted {
		t.Fatal("signing in leaves the notebook's key as it was")
	}
	watching.Ends()
	teacher.Get("/dashboard")
	keepsFrom(t, teacher, "the planted notebook's wire", wireText(t, attacker))
	for name, form := range map[string][]*http.Cookie{
		"alone":                   nil,
		"with a made-up session":  {{Name: webtest.SessionCookie, Value: strings.Repeat("k", 32)}},
		"with an edit of his own": {{Name: webtest.SessionCookie, Value: strings.Repeat("e", 32)}},
	} {
		thief := lab.Client().Carry(webtest.NotebookCookie, planted)
		for _, cookie := range form {
			thief.Carry(cookie.Name, cookie.Value)
		}
		if strings.Contains(name, "edit") {
			thief.Post("/act/edit", nil)
		}
		thief.Post("/act/restore", nil)
		if got := thief.Lanes()[lanes.Session]; got.Verdict.Accepted() {
			t.Errorf("%s it signs in as %v", name, got.User)
		}
	}
	if got := teacher.Lanes()[lanes.Session]; got.Verdict != lanes.Found || webtest.Text(got.Role) != "teacher" {
		t.Errorf("the teacher's session is %s", got.Verdict)
	}
	if got := len(lab.WireOf(teacher.Cookie(webtest.NotebookCookie))); got < 4 {
		t.Errorf("the teacher's own wire has %d exchanges", got)
	}
}

// A thief who has the notebook's newest key is not signed in with it, either.
func TestANotebookAloneSignsNobodyIn(t *testing.T) {
	for _, deeds := range [][]string{nil, {"/act/edit"}, {"/act/flip/session"}, {"/act/drop/session"}, {"/act/edit", "/act/edit"}} {
		t.Run(fmt.Sprint(deeds), func(t *testing.T) {
			lab := labtest.New(t)
			teacher := lab.Client().SignIn("teacher")
			for _, deed := range deeds {
				teacher.Act(t, deed)
			}
			for _, session := range []string{"", strings.Repeat("k", 32), "x"} {
				thief := lab.Client().Carry(webtest.NotebookCookie, teacher.Cookie(webtest.NotebookCookie))
				if session != "" {
					thief.Carry(webtest.SessionCookie, session)
				}
				for _, path := range []string{"/act/restore", "/act/edit", "/act/restore", "/act/flip/session", "/act/restore"} {
					thief.Post(path, nil)
				}
				thief.Post("/lessons/signed", url.Values{"act": {"put"}})
				if got := thief.Lanes()[lanes.Session]; got.Verdict.Accepted() {
					t.Errorf("with the session %q it signs in as %s", session, webtest.Text(got.User))
				}
			}
		})
	}
}

// If a notebook is planted in a browser that is already signed in, its wire does not show
// the session's key.
func TestANotebookPlantedAfterTheLogin(t *testing.T) {
	for _, test := range []struct {
		name string
		ask  func(c *webtest.Client)
	}{
		{"a page", func(c *webtest.Client) { c.Get("/dashboard") }},
		{"a deed", func(c *webtest.Client) { c.Post("/act/copy", nil) }},
		{"a refused form", func(c *webtest.Client) { c.Post("/login", webtest.Wrong("alice")) }},
		{"the API", func(c *webtest.Client) { c.Get("/api/lanes") }},
		{"whoami", func(c *webtest.Client) { c.Get("/api/whoami") }},
		{"an image of another port's page", func(c *webtest.Client) { c.Get("/api/whoami", webtest.With("Sec-Fetch-Site", "same-site")) }},
		{"a page that another port links to", func(c *webtest.Client) { c.Get("/dashboard", webtest.With("Sec-Fetch-Site", "same-site")) }},
		{"a session call", func(c *webtest.Client) { c.Call("keys", "{}") }},
		{"a page that fails", func(c *webtest.Client) { c.Get("/test/failure") }},
		{"a page that panics", func(c *webtest.Client) { c.Get("/test/panic") }},
		{"a lesson", func(c *webtest.Client) { c.Get("/lessons/stolen") }},
		{"the wire", func(c *webtest.Client) { c.Get("/wire") }},
		{"a door", func(c *webtest.Client) { c.Get("/door/session") }},
		{"nothing here", func(c *webtest.Client) { c.Get("/play/hello?run=x") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			lab := labtest.New(t, labtest.AtHome)
			lab.Break()
			attacker := lab.Client().SignIn("mallory") // a notebook that noted another login
			attacker.Get("/dashboard")
			anonymous := lab.Client()
			anonymous.Get("/dashboard")
			for name, planter := range map[string]*webtest.Client{"signed in": attacker, "anonymous": anonymous} {
				victim := lab.Client().SignIn("teacher")
				key := victim.Cookie(webtest.SessionCookie)
				watching := planter.Follow("?after=99")
				victim.Carry(webtest.NotebookCookie, planter.Cookie(webtest.NotebookCookie))
				test.ask(victim)
				test.ask(victim)
				watching.Close()
				if strings.Contains(wireText(t, planter), key) {
					t.Errorf("the planter, %s, reads the session's key", name)
				}
			}
		})
	}
}

// A planted cookie may come before the real one of the same name, if it has another path.
// Whoever planted it, together with a notebook of their own, reads none of the real ones.
func TestTwoCookiesOfOneName(t *testing.T) {
	lab := labtest.New(t)
	planter := lab.Client().SignIn("mallory")
	planter.Get("/dashboard")
	for name, first := range map[string]string{
		"a made-up key": "x", "one in the right form": strings.Repeat("k", 32), "the planter's own session": planter.Cookie(webtest.SessionCookie),
	} {
		victim := lab.Client().SignIn("teacher")
		jar := victim.Header()
		for _, path := range []string{"/dashboard", "/api/whoami", "/api/lanes", "/wire", "/lessons"} {
			planted := webtest.SessionCookie + "=" + first + "; " + webtest.NotebookCookie + "=" + planter.Cookie(webtest.NotebookCookie) + "; " + jar
			lab.Client().Get(path, webtest.With("Cookie", planted))
		}
		text := wireText(t, planter)
		for _, cookie := range victim.Cookies {
			if cookie.Name != "plain_user" && strings.Contains(text, cookie.Value) {
				t.Errorf("%s first: the planter reads %s", name, cookie.Name)
			}
		}
		lab.Client().Get("/dashboard", webtest.With("Cookie", webtest.SessionCookie+"="+first+"; "+victim.Header()))
		if got := lab.Client().Carry(webtest.SessionCookie, victim.Cookie(webtest.SessionCookie)).Lanes()[lanes.Session].Verdict; got != lanes.Found {
			t.Errorf("%s first: the victim's own session is %s", name, got)
		}
	}
}

// A notebook shows only values that it saw the lab give to its browser, whatever happened
// to the session since: somebody may have planted it in another person's browser.
func TestAPlantedNotebookShowsNothingOfBefore(t *testing.T) {
	for name, before := range map[string]func(*webtest.Client){
		"edited":                    func(c *webtest.Client) { c.Post("/act/edit", nil) },
		"one character changed":     func(c *webtest.Client) { c.Post("/act/flip/session", nil) },
		"the session dropped":       func(c *webtest.Client) { c.Post("/act/drop/session", nil) },
		"the session ended":         func(c *webtest.Client) { c.Post("/act/logout/session", nil) },
		"the planter's key planted": nil,
	} {
		t.Run(name, func(t *testing.T) {
			lab := labtest.New(t)
			planter := lab.Client().SignIn("mallory")
			planter.Get("/dashboard")
			victim := lab.Client()
			if before == nil {
				victim.Carry(webtest.SessionCookie, planter.Cookie(webtest.SessionCookie)) // the teacher signs in on top of it
			}
			victim.SignIn("teacher")
			if before != nil {
				before(victim)
			}
			secrets := []string{victim.Cookie("signed_user")}
			if key := victim.Cookie(webtest.SessionCookie); key != "" {
				secrets = append(secrets, key)
			}
			victim.Carry(webtest.NotebookCookie, planter.Cookie(webtest.NotebookCookie))
			for _, path := range []string{"/api/lanes", "/api/whoami", "/dashboard", "/wire"} {
				victim.Get(path)
			}
			text := wireText(t, planter)
			for _, secret := range secrets {
				if strings.Contains(text, secret) {
					t.Errorf("the planter reads %s", secret)
				}
			}
		})
	}
}

// If the notebook's new key cannot be saved, the exchange is on the planter's wire, and
// without values.
func TestAPlantedNotebookWhileTheStoreFails(t *testing.T) {
	lab := labtest.New(t)
	planter := lab.Client()
	planter.Get("/dashboard")
	victim := lab.Client().SignIn("teacher")
	key := victim.Cookie(webtest.SessionCookie)
	victim.Carry(webtest.NotebookCookie, planter.Cookie(webtest.NotebookCookie))
	for _, op := range []string{"create", "update"} {
		lab.Notebooks.Before = storetest.Down(op)
		if r := victim.Get("/dashboard"); r.Status != http.StatusServiceUnavailable {
			t.Errorf("%s fails: answered %d", op, r.Status)
		}
		lab.Notebooks.Before = nil
	}
	if strings.Contains(wireText(t, planter), key) {
		t.Error("the planter reads the session's key")
	}
}

// Asking for tokens changes the notebook's key, too: whoever knew the old key does not see
// the tokens.
func TestTokensChangeTheNotebooksKey(t *testing.T) {
	lab := labtest.New(t)
	planter := lab.Client()
	planter.Get("/dashboard")
	victim := lab.Client().Carry(webtest.NotebookCookie, planter.Cookie(webtest.NotebookCookie))
	if r := victim.Post("/tokens", webtest.Login("teacher")); r.Status != http.StatusSeeOther || r.Sets(webtest.NotebookCookie) == nil {
		t.Fatalf("answered %d with %v", r.Status, r.Cookies)
	}
	token := regexp.MustCompile(`[0-9a-f]{40}`)
	if page := planter.Get("/tokens").Body; token.MatchString(page) {
		t.Error("the planter sees a token")
	}
	if page := victim.Get("/tokens").Body; !token.MatchString(page) {
		t.Error("the one who asked for it does not see it")
	}
}

// A key from before a login ends nothing after it: neither the session nor the notebook.
func TestAnOldKeyEndsNothing(t *testing.T) {
	lab := labtest.New(t)
	planter := lab.Client()
	planter.Get("/dashboard")
	planter.Answers(t, "set", `{"key":"a","value":1}`, "null")
	planted := planter.Thief()
	victim := planter.Thief()
	victim.Get("/dashboard?lang=zh")
	victim.SignIn("teacher")
	for _, path := range []string{"/logout", "/act/logout/session", "/reset"} {
		planted.Thief().Post(path, nil)
		if got := victim.Lanes()[lanes.Session]; got.Verdict != lanes.Found || webtest.Text(got.User) != "teacher" {
			t.Errorf("after %s with the old keys the session is %s", path, got.Verdict)
		}
		if page := victim.Get("/dashboard"); !strings.Contains(page.Body, `lang="zh-Hans"`) || page.Sets(webtest.NotebookCookie) != nil {
			t.Errorf("after %s with the old keys the notebook is lost", path)
		}
	}
}

// A request under way with a session's old key sets no cookie: it would take the place of
// the new one.
func TestASessionsOldKeySetsNoCookie(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	late := alice.Thief()
	alice.Answers(t, "cycle_key", "{}", "null")
	for op, fields := range map[string]string{"set": `{"key":"a","value":1}`, "add": `{"key":"a"}`, "clear": "{}", "cycle_key": "{}", "set_expiry": `{"seconds":60}`} {
		if r := late.Call(op, fields); r.Status != http.StatusConflict || len(r.Cookies) > 0 {
			t.Errorf("%s: %d with %v", op, r.Status, r.Cookies)
		}
	}
	if r := late.Call("items", "{}"); r.Status != http.StatusOK || len(r.Cookies) > 0 || strings.Contains(r.Body, "alice") {
		t.Errorf("items: %d with %v: %s", r.Status, r.Cookies, r.Body)
	}
	lab.Clock.Advance(10 * time.Second)
	if r := late.Call("set", `{"key":"a","value":1}`); r.Status != http.StatusOK || r.Sets(webtest.SessionCookie) == nil {
		t.Errorf("ten seconds later: %d with %v", r.Status, r.Cookies)
	}
}

// Two tabs sign in, one after the other, both with the cookies from before: one session is
// left.
func TestTwoTabsSignIn(t *testing.T) {
	lab := labtest.New(t)
	tab := lab.Client()
	tab.Get("/dashboard")
	other := tab.Thief()
	tab.SignIn("alice")
	first := tab.Cookie(webtest.SessionCookie)
	for _, cookie := range other.SignIn("alice").Cookies { // the browser has one jar
		if cookie.Name != webtest.NotebookCookie {
			tab.Carry(cookie.Name, cookie.Value)
		}
	}
	tab.Get("/dashboard")
	tab.Post("/logout", nil)
	if got := lab.Client().Carry(webtest.SessionCookie, first).Lanes()[lanes.Session].Verdict; got.Accepted() {
		t.Errorf("the first tab's session is %s after the logout", got)
	}
}

// A reset that was under way while the notebook got another key removes nothing: whoever
// sent it may have planted the old key.
func TestAResetWithAnOldKey(t *testing.T) {
	for name, before := range map[string]func(*webtest.Client){
		"planted": func(*webtest.Client) {}, "from before the user signed in again": func(c *webtest.Client) { c.SignIn("alice") },
	} {
		lab := labtest.New(t)
		c := lab.Client()
		c.Get("/dashboard")
		before(c)
		connection, err := net.Dial("tcp", lab.Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		// The server asks for the body once it has loaded the notebook.
		_, _ = io.WriteString(connection, "POST /reset HTTP/1.1\r\nHost: "+lab.Addr+"\r\nCookie: "+webtest.NotebookCookie+"="+c.Cookie(webtest.NotebookCookie)+
			"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
		if r := webtest.AnswerOn(t, connection, "POST"); r.Status != http.StatusContinue {
			t.Fatalf("%s: answered %d", name, r.Status)
		}
		c.SignIn("alice")
		seen := len(lab.WireOf(c.Cookie(webtest.NotebookCookie)))
		_, _ = io.WriteString(connection, "a=1")
		if r := webtest.AnswerOn(t, connection, "POST"); r.Status != http.StatusConflict {
			t.Errorf("%s: answered %d", name, r.Status)
		}
		if got := len(lab.WireOf(c.Cookie(webtest.NotebookCookie))); got < seen || seen == 0 {
			t.Errorf("%s: of %d exchanges, %d are left", name, seen, got)
		}
		if got := c.Lanes()[lanes.Session].Verdict; got != lanes.Found {
			t.Errorf("%s: the session is %s", name, got)
		}
	}
}

// The program that the lab plays asks with its tokens while another tab signs in: the page
// says that something changed meanwhile, and not that the lab failed.
func TestTokensAskWhileAnotherTabSignsIn(t *testing.T) {
	lab := labtest.New(t)
	tab := lab.Client().SignIn("alice")
	tab.Post("/tokens", webtest.Login("alice"))
	other := tab.Thief()
	var signed atomic.Bool // the login loads sessions, too
	lab.Sessions.Before = func(op string) error {
		if op == "load" && signed.CompareAndSwap(false, true) {
			other.SignIn("alice")
		}
		return nil
	}
	if r := tab.Post("/tokens/ask", nil); r.Status != http.StatusConflict {
		t.Errorf("answered %d", r.Status)
	}
}

// noRoom is how a store answers on a full disk: it can only remove.
func noRoom(op string) error {
	if op == "create" || op == "update" {
		return sessions.ErrFull
	}
	return nil
}

// On a full disk, too, a user can end sessions, and the lab says that they ended.
func TestEndingOthersWithoutRoom(t *testing.T) {
	for _, path := range []string{"/sessions/end-others", "/sessions/end"} {
		lab := labtest.New(t)
		alice, other := lab.Client().SignIn("alice"), lab.Client().SignIn("alice")
		id := sessions.KeyID("session", other.Cookie(webtest.SessionCookie)).String()
		lab.Sessions.Before, lab.Notebooks.Before = noRoom, noRoom
		if r := alice.Post(path, url.Values{"id": {id}}); r.Status != http.StatusSeeOther {
			t.Errorf("%s is answered %d", path, r.Status)
		}
		lab.Sessions.Before, lab.Notebooks.Before = nil, nil
		if got := other.Lanes()[lanes.Session].Verdict; got != lanes.Unknown {
			t.Errorf("after %s the other session is %s", path, got)
		}
	}
}

// Records that somebody makes on the page /engines without a login have no owner, so the
// quota counts them.
func TestGuestsOfTheEnginesOwnNothing(t *testing.T) {
	lab := labtest.New(t)
	guest := lab.Client()
	guest.Get("/engines")
	if r := guest.Post("/engines/write", nil); r.Status != http.StatusSeeOther {
		t.Fatalf("answered %d", r.Status)
	}
	if rows := lab.Rows(t); !strings.Contains(rows, " e_db: ") || strings.Contains(rows, ":guest ") {
		t.Errorf("the rows are\n%s", rows)
	}
}

// Every login, logout and Put it back gives the notebook a new key, and the notebook loses
// nothing.
func TestNotebookKeyChanges(t *testing.T) {
	signedIn := func(c *webtest.Client) { c.SignIn("alice") }
	edited := func(c *webtest.Client) { c.SignIn("alice").Post("/act/edit", nil) }
	for _, test := range []struct {
		name    string
		before  func(*webtest.Client)
		path    string
		form    url.Values
		changes bool
	}{
		{"signing in", nil, "/login", webtest.Login("alice"), true},
		{"signing in again", signedIn, "/login", webtest.Login("alice"), true},
		{"signing in as somebody else", signedIn, "/login", webtest.Login("bob"), true},
		{"signing in as teacher", signedIn, "/login", webtest.Login("teacher"), true},
		{"logging out", signedIn, "/logout", nil, true},
		{"logging out of the session alone", signedIn, "/act/logout/session", nil, true},
		{"putting back", edited, "/act/restore", nil, true},
		{"a lesson that puts back", edited, "/lessons/stolen", url.Values{"act": {"predict"}, "said": {"A"}}, true},
		{"ten seconds", signedIn, "/act/expire", nil, true},
		{"a wrong password", nil, "/login", webtest.Wrong("alice"), false},
		{"an edit", signedIn, "/act/edit", nil, false},
		{"a copy", signedIn, "/act/copy", nil, false},
		{"a page", signedIn, "/dashboard", nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			lab := labtest.New(t)
			c := lab.Client()
			c.Get("/dashboard?lang=zh&theme=dark")
			c.Post("/lessons/forgets", url.Values{"act": {"predict"}, "said": {"B"}})
			if test.before != nil {
				test.before(c)
			}
			old, seen := c.Cookie(webtest.NotebookCookie), len(lab.WireOf(c.Cookie(webtest.NotebookCookie)))
			if test.path == "/dashboard" {
				c.Get(test.path)
			} else {
				c.Post(test.path, test.form)
			}
			if changed := c.Cookie(webtest.NotebookCookie) != old; changed != test.changes {
				t.Fatalf("changed: %t", changed)
			}
			if !test.changes {
				return
			}
			if got := len(lab.WireOf(c.Cookie(webtest.NotebookCookie))); got <= seen {
				t.Errorf("the wire goes on with %d exchanges after %d", got, seen)
			}
			page := c.Get("/lessons/forgets").Body
			if !strings.Contains(page, `lang="zh-Hans"`) || !strings.Contains(page, `class="dark"`) || !strings.Contains(page, `value="B" class="answer chosen`) {
				t.Error("what the notebook knew is lost")
			}

			// The old key: for ten seconds it opens nothing and gets no other, as
			// requests may be under way with it; then it is unknown as any other.
			late := lab.Client().Carry(webtest.NotebookCookie, old)
			for _, path := range []string{"/dashboard", "/login", "/lessons", "/wire", "/api/lanes", "/api/wire", "/static/lab.css"} {
				if r := late.Get(path); r.Status != http.StatusOK || len(r.Cookies) > 0 {
					t.Errorf("%s with the old key: %d, %v", path, r.Status, r.Cookies)
				}
			}
			if body := late.Get("/api/wire").Body; !strings.Contains(body, `"exchanges":[]`) {
				t.Errorf("the old key reads %s", body)
			}
			if f := late.Follow(""); f.Status != http.StatusOK {
				t.Errorf("a stream with the old key: %d", f.Status) // an EventSource comes again after a 200 only
			} else {
				f.Ends()
			}
			if len(lab.WireOf(old)) != 0 {
				t.Error("the old key leads to a wire")
			}
			c.Get("/dashboard")
			if body := c.Get("/api/lanes"); len(body.Cookies) > 0 {
				t.Error("the new key does not stay")
			}
			lab.Clock.Advance(10 * time.Second)
			if r := late.Get("/dashboard"); r.Sets(webtest.NotebookCookie) == nil {
				t.Error("after ten seconds the old key gets no new notebook")
			}
			if page := late.Get("/lessons/forgets").Body; strings.Contains(page, `value="B" class="answer chosen`) {
				t.Error("the new notebook knows what the old one knew")
			}
		})
	}
}

// What one tab notes while another signs in is kept, under the new key.
func TestNotesOfAnotherTabSurviveALogin(t *testing.T) {
	lab := labtest.New(t)
	tab := lab.Client()
	tab.Get("/lessons/forgets")
	other := tab.Thief().Carry(webtest.SessionCookie, strings.Repeat("k", 32)) // the same browser's second tab
	var once sync.Once
	lab.Sessions.Before = func(op string) error {
		if op == "load" { // by now the notebook was read
			once.Do(func() { tab.SignIn("alice") })
		}
		return nil
	}
	r := other.Post("/lessons/forgets", url.Values{"act": {"predict"}, "said": {"B"}})
	lab.Sessions.Before = nil
	if r.Status != http.StatusSeeOther || r.Sets(webtest.NotebookCookie) != nil {
		t.Fatalf("answered %d with %v", r.Status, r.Cookies)
	}
	if page := tab.Get("/lessons/forgets").Body; !strings.Contains(page, `value="B" class="answer chosen`) {
		t.Error("what the other tab noted is lost")
	}
}

// Whatever Put it back and Log out do at the same moment, nobody is signed in
// afterwards.
func TestPutItBackRacingLogOut(t *testing.T) {
	lab := labtest.New(t)
	for range 40 {
		alice := lab.Client().SignIn("alice")
		alice.Post("/act/edit", nil)
		other := alice.Thief()
		var both sync.WaitGroup
		var out webtest.Reply
		both.Go(func() { alice.Post("/act/restore", nil) })
		both.Go(func() { out = other.Post("/logout", nil) })
		both.Wait()
		if out.Status != http.StatusSeeOther {
			continue // it was told that it did not happen
		}
		if got := alice.Lanes()[lanes.Session].Verdict; got.Accepted() {
			t.Fatalf("the session is %s after a logout", got)
		}
		if rows := lab.Rows(t); strings.Contains(rows, " session:alice ") {
			t.Fatalf("a session of alice lies there:\n%s", rows)
		}
	}
}

// A logout only removes, so it works where there is no room left. What the notebook
// would have noted of it is lost, and nothing else.
func TestLoggingOutWithoutRoom(t *testing.T) {
	for _, path := range []string{"/logout", "/act/logout/session", "/reset"} {
		t.Run(path, func(t *testing.T) {
			lab := labtest.New(t)
			alice := lab.Client().SignIn("alice")
			key := alice.Cookie(webtest.SessionCookie)
			lab.Sessions.Before, lab.Notebooks.Before = noRoom, noRoom
			if r := alice.Post("/login", webtest.Login("alice")); r.Status != http.StatusServiceUnavailable || len(r.Cookies) > 0 {
				t.Errorf("a login is answered %d with %v", r.Status, r.Cookies)
			}
			if r := alice.Post(path, nil); r.Status != http.StatusSeeOther || r.Sets(webtest.SessionCookie) == nil || r.Sets(webtest.SessionCookie).MaxAge >= 0 {
				t.Errorf("answered %d with %v", r.Status, r.Cookies)
			}
			lab.Sessions.Before, lab.Notebooks.Before = nil, nil
			if got := lab.Client().Carry(webtest.SessionCookie, key).Lanes()[lanes.Session].Verdict; got != lanes.Unknown {
				t.Errorf("afterwards the key is %s", got)
			}
			if alice.SignIn("alice"); alice.Verdicts() != webtest.Everywhere {
				t.Error("nobody can sign in afterwards")
			}
		})
	}
}

// wireText is all that a client reads of its wire: by the API, on the page, and
// from the stream.
func wireText(t *testing.T, c *webtest.Client) string {
	t.Helper()
	text := c.Get("/api/wire").Body + c.Get("/wire").Body
	if f := c.Follow(""); f.Status == http.StatusOK {
		var list struct{ Exchanges []json.RawMessage }
		if err := json.Unmarshal([]byte(c.Get("/api/wire").Body), &list); err != nil {
			t.Fatal(err)
		}
		for range list.Exchanges {
			text += f.Next().Data
		}
		f.Close()
	}
	return text
}

// keepsFrom complains where a text has a value of a cookie, as it is or as a page spells it.
func keepsFrom(t *testing.T, c *webtest.Client, whose, text string) {
	t.Helper()
	for _, cookie := range c.Cookies {
		for _, spelled := range []string{cookie.Value, webtest.Escaped(cookie.Value), strings.ReplaceAll(cookie.Value, "&", `\u0026`)} {
			if strings.Contains(text, spelled) {
				t.Errorf("%s shows the value of another's %s", whose, cookie.Name)
			}
		}
	}
}
