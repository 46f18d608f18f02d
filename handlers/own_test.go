// Nobody sees another's notebook: not by the address of a lesson's run, not with a
// key that was planted or stolen before a login, not by a stream that was opened
// before it.

package handlers_test

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

	"cookielab/handlers/lanes"
	"cookielab/handlers/notebook"
	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

// wireText is all that a client reads of its wire: by the API, on the page, and
// from the stream.
func (c *client) wireText(t *testing.T) string {
	t.Helper()
	text := c.get("/api/wire").body + c.get("/wire").body
	if f := c.follow(""); f.status == http.StatusOK {
		var list struct{ Exchanges []json.RawMessage }
		if err := json.Unmarshal([]byte(c.get("/api/wire").body), &list); err != nil {
			t.Fatal(err)
		}
		for range list.Exchanges {
			text += f.next().data
		}
		f.close()
	}
	return text
}

// keepsFrom complains where a text has a value of a cookie, as it is or as a page spells it.
func (c *client) keepsFrom(t *testing.T, whose, text string) {
	t.Helper()
	for _, cookie := range c.cookies {
		for _, spelled := range []string{cookie.Value, escaped(cookie.Value), strings.ReplaceAll(cookie.Value, "&", `\u0026`)} {
			if strings.Contains(text, spelled) {
				t.Errorf("%s shows the value of another's %s", whose, cookie.Name)
			}
		}
	}
}

// Anyone may open the address of somebody's run, and whoever reads the run's wire may
// have sent them there. So the wire shows names alone.
func TestARunShowsNamesAlone(t *testing.T) {
	lab := newLab(t, atHome)
	alice, run := atOtherSite(t, lab)
	victim := lab.client().signIn("teacher")
	victim.carry("play_lax", "the-victim’s-own-play-cookie")
	for _, path := range []string{"/play/hello", "/api/lanes", "/play/cookies?how=img", "/play/prize", "/play/neighbour", "/play/none"} {
		separator := "?"
		if strings.Contains(path, "?") {
			separator = "&"
		}
		victim.get(path+separator+"run="+run, with("Authorization", "Token 0123456789abcdef0123456789abcdef01234567"))
	}
	victim.post("/play/transfer/none?run="+run, url.Values{"to": {"mallory"}, "amount": {"10"}})

	text := alice.wireText(t)
	victim.keepsFrom(t, "the wire of the run", text)
	for _, secret := range []string{"0123456789abcdef", "the-victim"} {
		if strings.Contains(text, secret) {
			t.Errorf("the wire shows %q", secret)
		}
	}
	var names, verdicts bool
	for _, e := range lab.WireOf(alice.cookie(notebookCookie)) {
		if e.NamesOnly {
			names = names || strings.Contains(e.Cookie, "lab_sessionid=…")
			verdicts = verdicts || slices.ContainsFunc(e.Findings, func(f notebook.Conclusion) bool { return f.Lane == lanes.Session && f.Verdict == lanes.Found })
		}
	}
	if !names || !verdicts {
		t.Errorf("names on the wire: %t, verdicts: %t", names, verdicts)
	}
	// She sees the values that her own browser sends there.
	alice.get("/play/hello?run=" + run)
	if !strings.Contains(alice.wireText(t), alice.cookie(notebookCookie)) {
		t.Error("her own exchange under the run shows no value")
	}
	victim.keepsFrom(t, "the victim's own wire to alice", alice.wireText(t))
}

// Any port of localhost can plant a notebook's cookie. Whoever planted one and waits for
// a login reads nothing of it, and cannot sign in with that cookie.
func TestAPlantedNotebookIsWorthNothing(t *testing.T) {
	lab := newLab(t)
	attacker := lab.client()
	attacker.get("/dashboard")
	planted := attacker.cookie(notebookCookie)
	watching := attacker.follow("?after=1")

	teacher := lab.client().carry(notebookCookie, planted)
	teacher.get("/dashboard")
	if told := watching.next(); !strings.Contains(told.data, "GET /dashboard") {
		t.Errorf("told: %+v", told)
	}
	teacher.signIn("teacher")
	if teacher.cookie(notebookCookie) == planted {
		t.Fatal("signing in leaves the notebook's key as it was")
	}
	watching.ends()
	teacher.get("/dashboard")
	teacher.keepsFrom(t, "the planted notebook's wire", attacker.wireText(t))
	for name, form := range map[string][]*http.Cookie{
		"alone":                   nil,
		"with a made-up session":  {{Name: sessionCookie, Value: strings.Repeat("k", 32)}},
		"with an edit of his own": {{Name: sessionCookie, Value: strings.Repeat("e", 32)}},
	} {
		thief := lab.client().carry(notebookCookie, planted)
		for _, cookie := range form {
			thief.carry(cookie.Name, cookie.Value)
		}
		if strings.Contains(name, "edit") {
			thief.post("/act/edit", nil)
		}
		thief.post("/act/restore", nil)
		if got := thief.lanes()[lanes.Session]; got.Verdict.Accepted() {
			t.Errorf("%s it signs in as %v", name, got.User)
		}
	}
	if got := teacher.lanes()[lanes.Session]; got.Verdict != lanes.Found || text(got.Role) != "teacher" {
		t.Errorf("the teacher's session is %s", got.Verdict)
	}
	if got := len(lab.WireOf(teacher.cookie(notebookCookie))); got < 4 {
		t.Errorf("the teacher's own wire has %d exchanges", got)
	}
}

// A thief who has the notebook's newest key is not signed in with it, either.
func TestANotebookAloneSignsNobodyIn(t *testing.T) {
	for _, deeds := range [][]string{nil, {"/act/edit"}, {"/act/flip/session"}, {"/act/drop/session"}, {"/act/edit", "/act/edit"}} {
		t.Run(fmt.Sprint(deeds), func(t *testing.T) {
			lab := newLab(t)
			teacher := lab.client().signIn("teacher")
			for _, deed := range deeds {
				teacher.deed(t, deed)
			}
			for _, session := range []string{"", strings.Repeat("k", 32), "x"} {
				thief := lab.client().carry(notebookCookie, teacher.cookie(notebookCookie))
				if session != "" {
					thief.carry(sessionCookie, session)
				}
				for _, path := range []string{"/act/restore", "/act/edit", "/act/restore", "/act/flip/session", "/act/restore"} {
					thief.post(path, nil)
				}
				thief.post("/lessons/signed", url.Values{"act": {"put"}})
				if got := thief.lanes()[lanes.Session]; got.Verdict.Accepted() {
					t.Errorf("with the session %q it signs in as %s", session, text(got.User))
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
		ask  func(c *client)
	}{
		{"a page", func(c *client) { c.get("/dashboard") }},
		{"a deed", func(c *client) { c.post("/act/copy", nil) }},
		{"a refused form", func(c *client) { c.post("/login", wrong("alice")) }},
		{"the API", func(c *client) { c.get("/api/lanes") }},
		{"whoami", func(c *client) { c.get("/api/whoami") }},
		{"an image of another port's page", func(c *client) { c.get("/api/whoami", with("Sec-Fetch-Site", "same-site")) }},
		{"a page that another port links to", func(c *client) { c.get("/dashboard", with("Sec-Fetch-Site", "same-site")) }},
		{"a session call", func(c *client) { c.call("keys", "{}") }},
		{"a page that fails", func(c *client) { c.get("/test/failure") }},
		{"a page that panics", func(c *client) { c.get("/test/panic") }},
		{"a lesson", func(c *client) { c.get("/lessons/stolen") }},
		{"the wire", func(c *client) { c.get("/wire") }},
		{"a door", func(c *client) { c.get("/door/session") }},
		{"nothing here", func(c *client) { c.get("/play/hello?run=x") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			lab := newLab(t, atHome)
			lab.Break()
			attacker := lab.client().signIn("mallory") // a notebook that noted another login
			attacker.get("/dashboard")
			anonymous := lab.client()
			anonymous.get("/dashboard")
			for name, planter := range map[string]*client{"signed in": attacker, "anonymous": anonymous} {
				victim := lab.client().signIn("teacher")
				key := victim.cookie(sessionCookie)
				watching := planter.follow("?after=99")
				victim.carry(notebookCookie, planter.cookie(notebookCookie))
				test.ask(victim)
				test.ask(victim)
				watching.close()
				if strings.Contains(planter.wireText(t), key) {
					t.Errorf("the planter, %s, reads the session's key", name)
				}
			}
		})
	}
}

// A planted cookie may come before the real one of the same name, if it has another path.
// Whoever planted it, together with a notebook of their own, reads none of the real ones.
func TestTwoCookiesOfOneName(t *testing.T) {
	lab := newLab(t)
	planter := lab.client().signIn("mallory")
	planter.get("/dashboard")
	for name, first := range map[string]string{
		"a made-up key": "x", "one in the right form": strings.Repeat("k", 32), "the planter's own session": planter.cookie(sessionCookie),
	} {
		victim := lab.client().signIn("teacher")
		jar := victim.header()
		for _, path := range []string{"/dashboard", "/api/whoami", "/api/lanes", "/wire", "/lessons"} {
			planted := sessionCookie + "=" + first + "; " + notebookCookie + "=" + planter.cookie(notebookCookie) + "; " + jar
			lab.client().get(path, with("Cookie", planted))
		}
		text := planter.wireText(t)
		for _, cookie := range victim.cookies {
			if cookie.Name != "plain_user" && strings.Contains(text, cookie.Value) {
				t.Errorf("%s first: the planter reads %s", name, cookie.Name)
			}
		}
		lab.client().get("/dashboard", with("Cookie", sessionCookie+"="+first+"; "+victim.header()))
		if got := lab.client().carry(sessionCookie, victim.cookie(sessionCookie)).lanes()[lanes.Session].Verdict; got != lanes.Found {
			t.Errorf("%s first: the victim's own session is %s", name, got)
		}
	}
}

// A notebook shows only values that it saw the lab give to its browser, whatever happened
// to the session since: somebody may have planted it in another person's browser.
func TestAPlantedNotebookShowsNothingOfBefore(t *testing.T) {
	for name, before := range map[string]func(*client){
		"edited":                    func(c *client) { c.post("/act/edit", nil) },
		"one character changed":     func(c *client) { c.post("/act/flip/session", nil) },
		"the session dropped":       func(c *client) { c.post("/act/drop/session", nil) },
		"the session ended":         func(c *client) { c.post("/act/logout/session", nil) },
		"the planter's key planted": nil,
	} {
		t.Run(name, func(t *testing.T) {
			lab := newLab(t)
			planter := lab.client().signIn("mallory")
			planter.get("/dashboard")
			victim := lab.client()
			if before == nil {
				victim.carry(sessionCookie, planter.cookie(sessionCookie)) // the teacher signs in on top of it
			}
			victim.signIn("teacher")
			if before != nil {
				before(victim)
			}
			secrets := []string{victim.cookie("signed_user")}
			if key := victim.cookie(sessionCookie); key != "" {
				secrets = append(secrets, key)
			}
			victim.carry(notebookCookie, planter.cookie(notebookCookie))
			for _, path := range []string{"/api/lanes", "/api/whoami", "/dashboard", "/wire"} {
				victim.get(path)
			}
			text := planter.wireText(t)
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
	lab := newLab(t)
	planter := lab.client()
	planter.get("/dashboard")
	victim := lab.client().signIn("teacher")
	key := victim.cookie(sessionCookie)
	victim.carry(notebookCookie, planter.cookie(notebookCookie))
	for _, op := range []string{"create", "update"} {
		lab.notebooks.Before = storetest.Down(op)
		if r := victim.get("/dashboard"); r.status != http.StatusServiceUnavailable {
			t.Errorf("%s fails: answered %d", op, r.status)
		}
		lab.notebooks.Before = nil
	}
	if strings.Contains(planter.wireText(t), key) {
		t.Error("the planter reads the session's key")
	}
}

// Asking for tokens changes the notebook's key, too: whoever knew the old key does not see
// the tokens.
func TestTokensChangeTheNotebooksKey(t *testing.T) {
	lab := newLab(t)
	planter := lab.client()
	planter.get("/dashboard")
	victim := lab.client().carry(notebookCookie, planter.cookie(notebookCookie))
	if r := victim.post("/tokens", login("teacher")); r.status != http.StatusSeeOther || r.sets(notebookCookie) == nil {
		t.Fatalf("answered %d with %v", r.status, r.cookies)
	}
	token := regexp.MustCompile(`[0-9a-f]{40}`)
	if page := planter.get("/tokens").body; token.MatchString(page) {
		t.Error("the planter sees a token")
	}
	if page := victim.get("/tokens").body; !token.MatchString(page) {
		t.Error("the one who asked for it does not see it")
	}
}

// A key from before a login ends nothing after it: neither the session nor the notebook.
func TestAnOldKeyEndsNothing(t *testing.T) {
	lab := newLab(t)
	planter := lab.client()
	planter.get("/dashboard")
	planter.answers(t, "set", `{"key":"a","value":1}`, "null")
	planted := planter.thief()
	victim := planter.thief()
	victim.get("/dashboard?lang=zh")
	victim.signIn("teacher")
	for _, path := range []string{"/logout", "/act/logout/session", "/reset"} {
		planted.thief().post(path, nil)
		if got := victim.lanes()[lanes.Session]; got.Verdict != lanes.Found || text(got.User) != "teacher" {
			t.Errorf("after %s with the old keys the session is %s", path, got.Verdict)
		}
		if page := victim.get("/dashboard"); !strings.Contains(page.body, `lang="zh-Hans"`) || page.sets(notebookCookie) != nil {
			t.Errorf("after %s with the old keys the notebook is lost", path)
		}
	}
}

// A request under way with a session's old key sets no cookie: it would take the place of
// the new one.
func TestASessionsOldKeySetsNoCookie(t *testing.T) {
	lab := newLab(t)
	alice := lab.client().signIn("alice")
	late := alice.thief()
	alice.answers(t, "cycle_key", "{}", "null")
	for op, fields := range map[string]string{"set": `{"key":"a","value":1}`, "add": `{"key":"a"}`, "clear": "{}", "cycle_key": "{}", "set_expiry": `{"seconds":60}`} {
		if r := late.call(op, fields); r.status != http.StatusConflict || len(r.cookies) > 0 {
			t.Errorf("%s: %d with %v", op, r.status, r.cookies)
		}
	}
	if r := late.call("items", "{}"); r.status != http.StatusOK || len(r.cookies) > 0 || strings.Contains(r.body, "alice") {
		t.Errorf("items: %d with %v: %s", r.status, r.cookies, r.body)
	}
	lab.clock.Advance(10 * time.Second)
	if r := late.call("set", `{"key":"a","value":1}`); r.status != http.StatusOK || r.sets(sessionCookie) == nil {
		t.Errorf("ten seconds later: %d with %v", r.status, r.cookies)
	}
}

// Two tabs sign in, one after the other, both with the cookies from before: one session is
// left.
func TestTwoTabsSignIn(t *testing.T) {
	lab := newLab(t)
	tab := lab.client()
	tab.get("/dashboard")
	other := tab.thief()
	tab.signIn("alice")
	first := tab.cookie(sessionCookie)
	for _, cookie := range other.signIn("alice").cookies { // the browser has one jar
		if cookie.Name != notebookCookie {
			tab.carry(cookie.Name, cookie.Value)
		}
	}
	tab.get("/dashboard")
	tab.post("/logout", nil)
	if got := lab.client().carry(sessionCookie, first).lanes()[lanes.Session].Verdict; got.Accepted() {
		t.Errorf("the first tab's session is %s after the logout", got)
	}
}

// A reset that was under way while the notebook got another key removes nothing: whoever
// sent it may have planted the old key.
func TestAResetWithAnOldKey(t *testing.T) {
	for name, before := range map[string]func(*client){
		"planted": func(*client) {}, "from before the user signed in again": func(c *client) { c.signIn("alice") },
	} {
		lab := newLab(t)
		c := lab.client()
		c.get("/dashboard")
		before(c)
		connection, err := net.Dial("tcp", lab.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		// The server asks for the body once it has loaded the notebook.
		_, _ = io.WriteString(connection, "POST /reset HTTP/1.1\r\nHost: "+lab.addr+"\r\nCookie: "+notebookCookie+"="+c.cookie(notebookCookie)+
			"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
		if r := answerOn(t, connection, "POST"); r.status != http.StatusContinue {
			t.Fatalf("%s: answered %d", name, r.status)
		}
		c.signIn("alice")
		seen := len(lab.WireOf(c.cookie(notebookCookie)))
		_, _ = io.WriteString(connection, "a=1")
		if r := answerOn(t, connection, "POST"); r.status != http.StatusConflict {
			t.Errorf("%s: answered %d", name, r.status)
		}
		if got := len(lab.WireOf(c.cookie(notebookCookie))); got < seen || seen == 0 {
			t.Errorf("%s: of %d exchanges, %d are left", name, seen, got)
		}
		if got := c.lanes()[lanes.Session].Verdict; got != lanes.Found {
			t.Errorf("%s: the session is %s", name, got)
		}
	}
}

// The program that the lab plays asks with its tokens while another tab signs in: the page
// says that something changed meanwhile, and not that the lab failed.
func TestTokensAskWhileAnotherTabSignsIn(t *testing.T) {
	lab := newLab(t)
	tab := lab.client().signIn("alice")
	tab.post("/tokens", login("alice"))
	other := tab.thief()
	var signed atomic.Bool // the login loads sessions, too
	lab.sessions.Before = func(op string) error {
		if op == "load" && signed.CompareAndSwap(false, true) {
			other.signIn("alice")
		}
		return nil
	}
	if r := tab.post("/tokens/ask", nil); r.status != http.StatusConflict {
		t.Errorf("answered %d", r.status)
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
		lab := newLab(t)
		alice, other := lab.client().signIn("alice"), lab.client().signIn("alice")
		id := sessions.KeyID("session", other.cookie(sessionCookie)).String()
		lab.sessions.Before, lab.notebooks.Before = noRoom, noRoom
		if r := alice.post(path, url.Values{"id": {id}}); r.status != http.StatusSeeOther {
			t.Errorf("%s is answered %d", path, r.status)
		}
		lab.sessions.Before, lab.notebooks.Before = nil, nil
		if got := other.lanes()[lanes.Session].Verdict; got != lanes.Unknown {
			t.Errorf("after %s the other session is %s", path, got)
		}
	}
}

// Records that somebody makes on the page /engines without a login have no owner, so the
// quota counts them.
func TestGuestsOfTheEnginesOwnNothing(t *testing.T) {
	lab := newLab(t)
	guest := lab.client()
	guest.get("/engines")
	if r := guest.post("/engines/write", nil); r.status != http.StatusSeeOther {
		t.Fatalf("answered %d", r.status)
	}
	if rows := lab.rows(t); !strings.Contains(rows, " e_db: ") || strings.Contains(rows, ":guest ") {
		t.Errorf("the rows are\n%s", rows)
	}
}

// Every login, logout and Put it back gives the notebook a new key, and the notebook loses
// nothing.
func TestNotebookKeyChanges(t *testing.T) {
	signedIn := func(c *client) { c.signIn("alice") }
	edited := func(c *client) { c.signIn("alice").post("/act/edit", nil) }
	for _, test := range []struct {
		name    string
		before  func(*client)
		path    string
		form    url.Values
		changes bool
	}{
		{"signing in", nil, "/login", login("alice"), true},
		{"signing in again", signedIn, "/login", login("alice"), true},
		{"signing in as somebody else", signedIn, "/login", login("bob"), true},
		{"signing in as teacher", signedIn, "/login", login("teacher"), true},
		{"logging out", signedIn, "/logout", nil, true},
		{"logging out of the session alone", signedIn, "/act/logout/session", nil, true},
		{"putting back", edited, "/act/restore", nil, true},
		{"a lesson that puts back", edited, "/lessons/stolen", url.Values{"act": {"predict"}, "said": {"A"}}, true},
		{"ten seconds", signedIn, "/act/expire", nil, true},
		{"a wrong password", nil, "/login", wrong("alice"), false},
		{"an edit", signedIn, "/act/edit", nil, false},
		{"a copy", signedIn, "/act/copy", nil, false},
		{"a page", signedIn, "/dashboard", nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			lab := newLab(t)
			c := lab.client()
			c.get("/dashboard?lang=zh&theme=dark")
			c.post("/lessons/forgets", url.Values{"act": {"predict"}, "said": {"B"}})
			if test.before != nil {
				test.before(c)
			}
			old, seen := c.cookie(notebookCookie), len(lab.WireOf(c.cookie(notebookCookie)))
			if test.path == "/dashboard" {
				c.get(test.path)
			} else {
				c.post(test.path, test.form)
			}
			if changed := c.cookie(notebookCookie) != old; changed != test.changes {
				t.Fatalf("changed: %t", changed)
			}
			if !test.changes {
				return
			}
			if got := len(lab.WireOf(c.cookie(notebookCookie))); got <= seen {
				t.Errorf("the wire goes on with %d exchanges after %d", got, seen)
			}
			page := c.get("/lessons/forgets").body
			if !strings.Contains(page, `lang="zh-Hans"`) || !strings.Contains(page, `class="dark"`) || !strings.Contains(page, `value="B" class="answer chosen`) {
				t.Error("what the notebook knew is lost")
			}

			// The old key: for ten seconds it opens nothing and gets no other, as
			// requests may be under way with it; then it is unknown as any other.
			late := lab.client().carry(notebookCookie, old)
			for _, path := range []string{"/dashboard", "/login", "/lessons", "/wire", "/api/lanes", "/api/wire", "/static/lab.css"} {
				if r := late.get(path); r.status != http.StatusOK || len(r.cookies) > 0 {
					t.Errorf("%s with the old key: %d, %v", path, r.status, r.cookies)
				}
			}
			if body := late.get("/api/wire").body; !strings.Contains(body, `"exchanges":[]`) {
				t.Errorf("the old key reads %s", body)
			}
			if f := late.follow(""); f.status != http.StatusOK {
				t.Errorf("a stream with the old key: %d", f.status) // an EventSource comes again after a 200 only
			} else {
				f.ends()
			}
			if len(lab.WireOf(old)) != 0 {
				t.Error("the old key leads to a wire")
			}
			c.get("/dashboard")
			if body := c.get("/api/lanes"); len(body.cookies) > 0 {
				t.Error("the new key does not stay")
			}
			lab.clock.Advance(10 * time.Second)
			if r := late.get("/dashboard"); r.sets(notebookCookie) == nil {
				t.Error("after ten seconds the old key gets no new notebook")
			}
			if page := late.get("/lessons/forgets").body; strings.Contains(page, `value="B" class="answer chosen`) {
				t.Error("the new notebook knows what the old one knew")
			}
		})
	}
}

// What one tab notes while another signs in is kept, under the new key.
func TestNotesOfAnotherTabSurviveALogin(t *testing.T) {
	lab := newLab(t)
	tab := lab.client()
	tab.get("/lessons/forgets")
	other := tab.thief().carry(sessionCookie, strings.Repeat("k", 32)) // the same browser's second tab
	var once sync.Once
	lab.sessions.Before = func(op string) error {
		if op == "load" { // by now the notebook was read
			once.Do(func() { tab.signIn("alice") })
		}
		return nil
	}
	r := other.post("/lessons/forgets", url.Values{"act": {"predict"}, "said": {"B"}})
	lab.sessions.Before = nil
	if r.status != http.StatusSeeOther || r.sets(notebookCookie) != nil {
		t.Fatalf("answered %d with %v", r.status, r.cookies)
	}
	if page := tab.get("/lessons/forgets").body; !strings.Contains(page, `value="B" class="answer chosen`) {
		t.Error("what the other tab noted is lost")
	}
}

// Whatever Put it back and Log out do at the same moment, nobody is signed in
// afterwards.
func TestPutItBackRacingLogOut(t *testing.T) {
	lab := newLab(t)
	for range 40 {
		alice := lab.client().signIn("alice")
		alice.post("/act/edit", nil)
		other := alice.thief()
		var both sync.WaitGroup
		var out reply
		both.Go(func() { alice.post("/act/restore", nil) })
		both.Go(func() { out = other.post("/logout", nil) })
		both.Wait()
		if out.status != http.StatusSeeOther {
			continue // it was told that it did not happen
		}
		if got := alice.lanes()[lanes.Session].Verdict; got.Accepted() {
			t.Fatalf("the session is %s after a logout", got)
		}
		if rows := lab.rows(t); strings.Contains(rows, " session:alice ") {
			t.Fatalf("a session of alice lies there:\n%s", rows)
		}
	}
}

// A logout only removes, so it works where there is no room left. What the notebook
// would have noted of it is lost, and nothing else.
func TestLoggingOutWithoutRoom(t *testing.T) {
	for _, path := range []string{"/logout", "/act/logout/session", "/reset"} {
		t.Run(path, func(t *testing.T) {
			lab := newLab(t)
			alice := lab.client().signIn("alice")
			key := alice.cookie(sessionCookie)
			lab.sessions.Before, lab.notebooks.Before = noRoom, noRoom
			if r := alice.post("/login", login("alice")); r.status != http.StatusServiceUnavailable || len(r.cookies) > 0 {
				t.Errorf("a login is answered %d with %v", r.status, r.cookies)
			}
			if r := alice.post(path, nil); r.status != http.StatusSeeOther || r.sets(sessionCookie) == nil || r.sets(sessionCookie).MaxAge >= 0 {
				t.Errorf("answered %d with %v", r.status, r.cookies)
			}
			lab.sessions.Before, lab.notebooks.Before = nil, nil
			if got := lab.client().carry(sessionCookie, key).lanes()[lanes.Session].Verdict; got != lanes.Unknown {
				t.Errorf("afterwards the key is %s", got)
			}
			if alice.signIn("alice"); alice.verdicts() != everywhere {
				t.Error("nobody can sign in afterwards")
			}
		})
	}
}
