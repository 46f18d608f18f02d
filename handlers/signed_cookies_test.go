// The lab with the engine signed_cookies: the session lies in its cookie,
// sealed, and nothing of it on the server. Every sentence has to be true then,
// too.

package handlers_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"cookielab/handlers"
	"cookielab/handlers/labtest"
	"cookielab/handlers/lanes"
	"cookielab/handlers/webtest"
	"cookielab/sessions"
)

// sealedEverywhere is everywhere, where the session lies in its cookie.
const sealedEverywhere = "believed verified verified"

// wantCells complains of cells of the dashboard that do not say what they should.
func wantCells(t *testing.T, page string, cells map[string]string) {
	t.Helper()
	for id, want := range cells {
		if got := webtest.Part(t, page, id, "</td>"); !strings.Contains(got, want) {
			t.Errorf("%s says %q, not %q", id, got, want)
		}
	}
}

// mine makes a sealed session, as the lab with that engine does.
func mine(t testing.TB, lab *labtest.Lab, fill func(*sessions.Session) error, secret ...[]byte) string {
	t.Helper()
	signer, err := sessions.NewSigner("session", append(secret, webtest.Secrets[0])...)
	if err != nil {
		t.Fatal(err)
	}
	options := sessions.DefaultOptions()
	options.Clock = lab.Clock.Now
	manager, err := sessions.New(sessions.SignedCookies(signer, lab.Clock.Now), options)
	if err != nil {
		t.Fatal(err)
	}
	session, err := manager.Create(context.Background(), fill)
	if err != nil {
		t.Fatal(err)
	}
	return session.Key()
}

func TestSealedSessionSignedIn(t *testing.T) {
	lab := labtest.New(t, labtest.InCookies)
	alice := lab.Client().SignIn("alice")
	if got := alice.Verdicts(); got != sealedEverywhere {
		t.Fatalf("signed in: %s", got)
	}
	page := alice.Get("/dashboard").Body
	if got := webtest.Part(t, page, "sentence", "</p>"); got != "You signed in. All three remember alice. Look where the name is kept." {
		t.Errorf("it says %q", got)
	}
	wantCells(t, page, map[string]string{
		"keeps-signed": "alice · student sealed", "keeps-session": "alice · student sealed",
		"server-plain": "nothing", "server-signed": "one secret for everybody", "server-session": "one secret for everybody",
		"concludes-session": "Verified alice · student",
	})
	if keeps, _, _ := strings.Cut(page[strings.Index(page, `id="keeps-session"`):], "</td>"); strings.Contains(keeps, `class="key"`) || !strings.Contains(keeps, `class="seal"`) {
		t.Errorf("① of the session has a key, or no seal: %s", keeps)
	}
	for _, lie := range []string{"a key in the browser", "facts on the server", "Server-side session", "Found", "an invented key"} {
		if strings.Contains(code.ReplaceAllString(page, ""), lie) {
			t.Errorf("the page says %q", lie)
		}
	}
	for _, true_ := range []string{
		"facts in the browser, sealed: signed_cookies", "SESSION_ENGINE=signed_cookies",
		webtest.Escaped(`"data":{"_client":`), webtest.Escaped(`"_role":"student"`), "<dt>_user</dt><dd>alice</dd>", // taken apart
		"func (f Finding) unseal(", "func (e signedCookies) Load(", // that ran
		"The store was not asked for a session.", "not asked", // drawn
	} {
		if !strings.Contains(page, true_) {
			t.Errorf("the page does not say %q", true_)
		}
	}
	if strings.Contains(lab.Client().Get("/dashboard").Body, "func (f Finding) unseal(") {
		t.Error("the page shows Go that did not run: no cookie came")
	}

	lane := alice.Lanes()[lanes.Session]
	if keeps := lane.ServerKeeps; keeps.Kind != "secret" || keeps.ID != "" || keeps.Reached || keeps.Data != nil {
		t.Errorf("the server keeps %+v", keeps)
	}
	if want := lab.Clock.Now().Add(14 * 24 * time.Hour); lane.ServerExpires == nil || lane.ServerExpires.Sub(want).Abs() > time.Second {
		t.Errorf("it ends by the server's clock at %v, not %v", lane.ServerExpires, want)
	}
	var names []string
	for _, check := range lane.Checks {
		names = append(names, check.Name)
	}
	if got := strings.Join(names, " "); got != "came length readable seal age" {
		t.Errorf("the checks are %s", got)
	}
	if rows := lab.Rows(t); strings.Contains(rows, " session:") {
		t.Errorf("a session lies in the database:\n%s", rows)
	}
	if answer := lab.Client().Get("/healthz"); answer.Status != http.StatusOK {
		t.Errorf("/healthz answers %d", answer.Status)
	}
	if head := webtest.Part(t, page, "main", "</main>"); head == "" || !strings.Contains(page, "<strong><bdi>alice</bdi> · <bdi>student</bdi></strong>") {
		t.Error("the head does not say who is signed in")
	}
}

// Each deed: what the three ways conclude of you and of the copy, and that the
// sentence says so.
func TestSealedSessionActions(t *testing.T) {
	for _, test := range []struct {
		name      string
		deeds     []string
		wait      time.Duration // before the last deed
		you, copy string
		says      string
	}{
		{"edit", []string{"/act/edit"}, 0, "believed tampered tampered", "",
			"You changed student to teacher. Plain believed it, signed and session noticed. No record lies on the server to put it back from: sign in again."},
		{"edit twice", []string{"/act/edit", "/act/edit"}, 0, "believed tampered tampered", "", "There was nothing to edit."},
		{"edit what the session alone is left of", []string{"/act/drop/plain", "/act/drop/signed", "/act/edit"}, 0, "absent absent tampered", "", "You edited what came."},
		{"put back after an edit", []string{"/act/edit", "/act/restore"}, 0, "believed tampered tampered", "",
			"Nothing to put back: nothing lies on the server, and no session cookie came whose seal holds. Sign in again."},
		{"put back while the session holds", []string{"/act/flip/plain", "/act/restore"}, 0, sealedEverywhere, "",
			"Put back: all three remember alice again, the session in a new cookie."},
		{"flip", []string{"/act/flip/session"}, 0, "believed verified tampered", "", "You changed one character of the session’s cookie. You: Plain – Believed (alice · student)."},
		{"copy", []string{"/act/copy"}, 0, sealedEverywhere, sealedEverywhere, "Another program sent a copy. All three accept it: none can tell."},
		{"log out with a copy", []string{"/act/copy", "/logout"}, 0, webtest.Nowhere, sealedEverywhere,
			"You logged out. The copy still works for all three: the server keeps nothing that it could end."},
		{"log out, replay", []string{"/act/copy", "/logout", "/act/replay"}, 0, webtest.Nowhere, sealedEverywhere, "Another program sent a copy. All three accept it: none can tell."},
		{"log out", []string{"/logout"}, 0, webtest.Nowhere, "",
			"You logged out. The browser brings none of the three any more. A copy, had somebody taken one, would still work for all three."},
		{"log out of the session only", []string{"/act/copy", "/act/logout/session"}, 0, "believed verified absent", sealedEverywhere, "You logged out of one way only: session."},
		{"delete it in the browser only", []string{"/act/drop/session"}, 0, "believed verified absent", "",
			"The session’s cookie is gone from your browser; the server keeps nothing of it that could stay behind."},
		{"expire", []string{"/act/expire"}, 0, sealedEverywhere, sealedEverywhere, "All three live ten seconds."},
		{"expire while nobody", []string{"/act/edit", "/act/expire"}, 0, "believed tampered tampered", "", "Only the session counts here, and it knows nobody: sign in first."},
		{"replay after ten seconds", []string{"/act/expire", "/act/replay"}, 11 * time.Second, "believed expired expired", "believed expired expired", "Another program sent a copy. The copy: Plain – Believed."},
	} {
		t.Run(test.name, func(t *testing.T) {
			lab := labtest.New(t, labtest.InCookies)
			alice := lab.Client().SignIn("alice")
			for i, deed := range test.deeds {
				if i == len(test.deeds)-1 {
					lab.Clock.Advance(test.wait)
				}
				alice.Act(t, deed)
			}
			if got := alice.Verdicts(); got != test.you {
				t.Errorf("you: %s, not %s", got, test.you)
			}
			page := alice.Get("/dashboard").Body
			if got := webtest.Part(t, page, "sentence", "</p>"); !strings.HasPrefix(got, test.says) {
				t.Errorf("it says %q, not %q", got, test.says)
			}
			copied := regexp.MustCompile(`id="copy-\w+" data-verdict="(\w+)"`).FindAllStringSubmatch(page, -1)
			var got []string
			for _, match := range copied {
				got = append(got, match[1])
			}
			if strings.Join(got, " ") != test.copy {
				t.Errorf("of the copy: %v, not %q", got, test.copy)
			}
			if rows := lab.Rows(t); strings.Contains(rows, " session:") {
				t.Errorf("a session lies in the database:\n%s", rows)
			}
		})
	}
}

// An edited session shows what was written into it, under the seal that broke.
func TestSealedSessionEdited(t *testing.T) {
	lab := labtest.New(t, labtest.InCookies)
	alice := lab.Client().SignIn("alice")
	before, err := sessions.Dissect(alice.Cookie("lab_sessionid"))
	if err != nil {
		t.Fatal(err)
	}
	alice.Act(t, "/act/edit")
	after, err := sessions.Dissect(alice.Cookie("lab_sessionid"))
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Replace(strings.TrimSpace(before.Content), `"_role":"student"`, `"_role":"teacher"`, 1); after.Content != want || after.Stamp != before.Stamp || string(after.MAC) != string(before.MAC) {
		t.Errorf("the edit made\n%+v of\n%+v, not %s", after, before, want)
	}
	page := alice.Get("/dashboard").Body
	wantCells(t, page, map[string]string{
		"keeps-session": "alice · teacher broken seal", "server-session": "one secret for everybody", "concludes-session": "Tampered nobody",
	})
	if !strings.Contains(page, `<a class="button quiet" href="/login">`) || strings.Contains(page, `action="/act/restore"`) {
		t.Error("it offers to put back what it cannot, or no sign in")
	}
	if strings.Contains(page, "<bdi>alice</bdi> · <bdi>teacher</bdi></strong></p>") {
		t.Error("the head believes it")
	}
	for door, want := range map[string]int{"plain": 200, "signed": 403, "session": 403} {
		if got := alice.Get("/door/" + door).Status; got != want {
			t.Errorf("the %s door answers %d", door, got)
		}
	}
	if page := alice.Get("/door/session").Body; !strings.Contains(page, `data-check="check.seal"`) || strings.Contains(page, "server-side") {
		t.Error("the session door does not name the seal, or calls itself server-side")
	}
	if alice.SignIn("alice"); alice.Verdicts() != sealedEverywhere {
		t.Errorf("signed in again: %s", alice.Verdicts())
	}
}

// Whatever comes as a sealed session is told apart, and nothing is believed
// that we did not seal for this.
func TestForgedSealedSessions(t *testing.T) {
	lab := labtest.New(t, labtest.InCookies)
	alice := lab.Client().SignIn("alice")
	genuine := alice.Cookie("lab_sessionid")
	for _, test := range []struct {
		name, value string
		verdict     lanes.Verdict
		check       string
	}{
		{"genuine", genuine, lanes.Verified, ""},
		{"anonymous", mine(t, lab, func(s *sessions.Session) error { return s.Set("cart", 3) }), lanes.Verified, ""},
		{"empty", "", lanes.Unreadable, "readable"},
		{"a key of another engine", strings.Repeat("k", 32), lanes.Tampered, "seal"},
		{"of the signed way", alice.Cookie("signed_user"), lanes.Tampered, "seal"},
		{"sealed by somebody else", mine(t, lab, func(s *sessions.Session) error { return s.Set("_user", "eve") }, []byte(strings.Repeat("e", 32))), lanes.Tampered, "seal"},
		{"sealed, but no session", webtest.Seal(t, "session", webtest.Secrets[0], "alice"), lanes.Unreadable, "readable"},
		{"no base64", "!", lanes.Unreadable, "readable"},
		{"5 KB", strings.Repeat("QUJD", 5<<10/4), lanes.Unreadable, "length"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := lab.Client().Carry("lab_sessionid", test.value)
			for range 2 { // a rejected cookie stays
				lane := c.Lanes()[lanes.Session]
				failed := ""
				for _, check := range lane.Checks {
					if !check.OK {
						failed = check.Name
					}
				}
				if lane.Verdict != test.verdict || failed != test.check {
					t.Errorf("%s by the check %q: %s", lane.Verdict, failed, lane.Reason)
				}
				if known := lane.User != nil; known != (test.name == "genuine") {
					t.Errorf("the user is %v", lane.User)
				}
			}
			if r := c.Get("/dashboard"); r.Status != http.StatusOK || r.Sets("lab_sessionid") != nil {
				t.Errorf("the dashboard answers %d and sets %v", r.Status, r.Sets("lab_sessionid"))
			}
			for _, path := range []string{"/act/edit", "/act/flip/session"} {
				want := http.StatusSeeOther
				if test.check == "length" && path == "/act/flip/session" {
					want = http.StatusUnprocessableEntity // no browser would keep that
				}
				if r := c.Thief().Post(path, nil); r.Status != want {
					t.Errorf("%s answers %d", path, r.Status)
				}
			}
		})
	}
	t.Run("sealed by an older secret: verified, and given out anew", func(t *testing.T) {
		c := lab.Client()
		c.Get("/dashboard")
		c.SignIn("alice")
		old := mine(t, lab, func(s *sessions.Session) error {
			return errors.Join(s.Set("_user", "alice"), s.Set("_role", "student"))
		}, webtest.Secrets[1])
		c.Carry("lab_sessionid", old)
		if got := c.Sentence(); !strings.HasPrefix(got, "The cookies changed without this page") {
			t.Errorf("changed by hand, it says %q", got)
		}
		if c.Cookie("lab_sessionid") == old {
			t.Fatal("it was not given out anew")
		}
		if got := c.Verdicts(); got != sealedEverywhere {
			t.Errorf("then %s", got)
		}
	})
}

// A session that is sealed anew with every request is not changed by other hands.
func TestSealedSessionSavedAlways(t *testing.T) {
	lab := labtest.New(t, labtest.InCookies, func(c *handlers.Config) { c.Cookie.SaveEveryRequest = true })
	alice := lab.Client().SignIn("alice")
	value := alice.Cookie("lab_sessionid")
	for range 3 {
		lab.Clock.Advance(time.Minute)
		alice.Get("/api/lanes")
		if got := alice.Sentence(); !strings.HasPrefix(got, "You signed in.") {
			t.Errorf("it says %q", got)
		}
	}
	if alice.Cookie("lab_sessionid") == value {
		t.Error("it is not saved with every request")
	}
}

// What does not fit into a cookie is refused in clear words, and nothing is lost.
func TestSealedSessionTooLarge(t *testing.T) {
	lab := labtest.New(t, labtest.InCookies)
	full := mine(t, lab, func(s *sessions.Session) error { return s.Set("notes", strings.Repeat("x", 2060)) })
	if free := sessions.MaxCookie - len("lab_sessionid") - len(full); free < 0 || free > 150 {
		t.Fatalf("%d bytes are free: too many or too few for what follows", free)
	}
	c := lab.Client()
	c.Get("/dashboard")
	c.Carry("lab_sessionid", full)
	answer := c.Post("/login", webtest.Login("alice"))
	if answer.Status != http.StatusRequestEntityTooLarge || len(answer.Cookies) > 0 || !strings.Contains(answer.Body, "browsers keep 4096 bytes of name and value together") ||
		!strings.Contains(answer.Body, "what the session held before is still there") {
		t.Errorf("answered %d with %v: %s", answer.Status, answer.Cookies, answer.Body)
	}
	if got := c.Post("/login", webtest.Login("alice"), webtest.With("Accept-Language", "zh")); !strings.Contains(got.Body, "4096 字节") {
		t.Errorf("in Chinese: %s", got.Body)
	}
	if got := c.Verdicts(); got != "absent absent verified" || c.Cookie("lab_sessionid") != full {
		t.Errorf("afterwards: %s", got)
	}
	c.Act(t, "/logout") // the way out that the page names
	if c.SignIn("alice"); c.Verdicts() != sealedEverywhere {
		t.Errorf("after logging out and in: %s", c.Verdicts())
	}
}

// Signing in as somebody else leaves nothing of the first one's session.
func TestSealedSessionOfSomebodyElse(t *testing.T) {
	lab := labtest.New(t, labtest.InCookies)
	fill := func(user string) func(*sessions.Session) error {
		return func(s *sessions.Session) error { return errors.Join(s.Set("_user", user), s.Set("notes", "hers")) }
	}
	notes := func(c *webtest.Client) bool {
		sealed, err := sessions.Dissect(c.Cookie("lab_sessionid"))
		if err != nil || !json.Valid([]byte(sealed.Content)) {
			t.Fatal(err)
		}
		return strings.Contains(sealed.Content, `"notes"`)
	}
	same := lab.Client().Carry("lab_sessionid", mine(t, lab, fill("alice"))).SignIn("alice")
	other := lab.Client().Carry("lab_sessionid", mine(t, lab, fill("eve"))).SignIn("alice")
	if !notes(same) || notes(other) {
		t.Errorf("alice has her own notes: %t, eve's: %t", notes(same), notes(other))
	}
}

// The reset says what it can prove: no record was there to delete.
func TestSealedSessionReset(t *testing.T) {
	lab := labtest.New(t, labtest.InCookies)
	alice := lab.Client().SignIn("alice")
	if page := alice.Get("/reset").Body; !strings.Contains(page, "Of the session it keeps nothing") {
		t.Errorf("before: %s", page)
	}
	thief := alice.Thief()
	r := alice.Post("/reset", nil)
	if got := r.Header.Get("Location"); !strings.HasPrefix(got, "/reset?done=nothing") || len(alice.Cookies) != 0 {
		t.Errorf("it goes on to %s, and leaves %v", got, alice.Cookies)
	}
	page := alice.Get(r.Header.Get("Location")).Body
	if got := webtest.Part(t, page, "record", "</p>"); !strings.Contains(got, "none lies on the server") || !strings.Contains(page, `data-record="none"`) {
		t.Errorf("the proof says %q", got)
	}
	if got := thief.Verdicts(); got != sealedEverywhere {
		t.Errorf("the copy, of which the page says that it works: %s", got)
	}
}

// No list, and nothing to end: the page says why, the deeds are refused.
func TestSealedSessionsCannotBeListed(t *testing.T) {
	lab := labtest.New(t, labtest.InCookies)
	for name, c := range map[string]*webtest.Client{"alice": lab.Client().SignIn("alice"), "a stranger": lab.Client()} {
		r := c.Get("/sessions")
		if r.Status != http.StatusOK || !strings.Contains(r.Body, "cannot end a session either") || strings.Contains(r.Body, "/sessions/end") {
			t.Errorf("%s: answered %d: %s", name, r.Status, r.Body)
		}
		for path, form := range map[string]string{"/sessions/end": "id=" + strings.Repeat("0", 64), "/sessions/end-others": ""} {
			r := c.Post(path, nil, webtest.Body(webtest.FormType, form))
			if r.Status != http.StatusConflict || !strings.Contains(r.Body, "SESSION_ENGINE=signed_cookies") {
				t.Errorf("%s: %s answers %d", name, path, r.Status)
			}
		}
	}
	if !strings.Contains(lab.Client().Get("/sessions", webtest.With("Accept-Language", "zh")).Body, "这台服务器查不出来") {
		t.Error("it says nothing in Chinese")
	}
}
