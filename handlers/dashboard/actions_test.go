// What the action bar does, over HTTP; the same deeds are done by clicking in
// browser_test.go.

package dashboard_test

import (
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"cookielab/handlers/labtest"
	"cookielab/handlers/lanes"
	"cookielab/handlers/notebook"
	"cookielab/handlers/webtest"
)

func TestEdit(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	key := alice.Cookie("lab_sessionid")
	alice.Act(t, "/act/edit")
	found := alice.Lanes()
	if got := alice.Verdicts(); got != "believed tampered unknown" {
		t.Errorf("after the edit: %s", got)
	}
	if got := webtest.Text(found["plain"].Role); got != "teacher" {
		t.Errorf("plain believes the role %q", got)
	}
	// Alice's record still lies there; this browser just does not reach it.
	if keeps := found["session"].ServerKeeps; keeps.Kind != "record" || keeps.Reached || !keeps.Live || keeps.Owner != "alice" {
		t.Errorf("the server keeps %+v", keeps)
	}
	if got := lab.Client().Carry("lab_sessionid", key).Lanes()["session"].Verdict; got != lanes.Found {
		t.Errorf("the key that the edit took away is %s", got)
	}
}

func TestPutItBack(t *testing.T) {
	for _, c := range []struct {
		rule   string
		before []string
		wait   time.Duration
		want   string
	}{
		{"after an edit", []string{"/act/edit"}, 0, webtest.Everywhere},
		{"not after deleting the browser’s copies: a notebook alone proves nothing", []string{"/act/drop/plain", "/act/drop/signed", "/act/drop/session"}, 0, webtest.Nowhere},
		{"not after deleting the session’s alone", []string{"/act/drop/session"}, 0, "believed verified absent"},
		{"after two edits", []string{"/act/edit", "/act/edit"}, 0, webtest.Everywhere},
		{"after one character was changed", []string{"/act/flip/session"}, 0, webtest.Everywhere},
		{"while signed in, under a new key", nil, 0, webtest.Everywhere},
		{"not after logging out", []string{"/logout"}, 0, webtest.Nowhere},
		{"not after logging out of the session alone", []string{"/act/logout/session"}, 0, "believed verified absent"},
		{"not when the session is over", []string{"/act/expire"}, 11 * time.Second, "believed expired expired"},
		{"not when an edited session is over", []string{"/act/edit"}, 15 * 24 * time.Hour, "believed tampered unknown"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			lab := labtest.New(t)
			alice := lab.Client().SignIn("alice")
			key := alice.Cookie("lab_sessionid")
			for _, deed := range c.before {
				alice.Act(t, deed)
			}
			lab.Clock.Advance(c.wait)
			alice.Act(t, "/act/restore")
			if got := alice.Verdicts(); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			if c.want == webtest.Everywhere {
				if got := lab.Client().Carry("lab_sessionid", key).Lanes()["session"].Verdict; got != lanes.Unknown {
					t.Errorf("the record that was left behind is %s", got)
				}
			}
		})
	}
}

func TestLogoutEndsWhatAnEditLeftBehind(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	key := alice.Cookie("lab_sessionid")
	alice.Act(t, "/act/edit")
	alice.Act(t, "/logout")
	if got := lab.Client().Carry("lab_sessionid", key).Lanes()["session"].Verdict; got != lanes.Unknown {
		t.Errorf("after logging out, the key from before the edit is %s", got)
	}
}

func TestOneWayOnly(t *testing.T) {
	for _, c := range []struct{ path, want string }{
		{"/act/logout/plain", "absent verified found"},
		{"/act/logout/signed", "believed absent found"},
		{"/act/logout/session", "believed verified absent"},
		{"/act/drop/plain", "absent verified found"},
		{"/act/drop/signed", "believed absent found"},
		{"/act/drop/session", "believed verified absent"},
		{"/act/flip/plain", webtest.Everywhere},
		{"/act/flip/signed", "believed tampered found"},
		{"/act/flip/session", "believed verified unknown"},
	} {
		t.Run(c.path, func(t *testing.T) {
			lab := labtest.New(t)
			alice := lab.Client().SignIn("alice")
			key := alice.Cookie("lab_sessionid")
			alice.Act(t, c.path)
			if got := alice.Verdicts(); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			// Only a logout ends the record; the browser's copy is not it.
			want := lanes.Found
			if c.path == "/act/logout/session" {
				want = lanes.Unknown
			}
			if got := lab.Client().Carry("lab_sessionid", key).Lanes()["session"].Verdict; got != want {
				t.Errorf("a copy of the key is %s, want %s", got, want)
			}
		})
	}
	for _, path := range []string{"/act/logout/x", "/act/drop/x", "/act/flip/x"} {
		if got := labtest.New(t).Client().Post(path, nil).Status; got != 404 {
			t.Errorf("%s answers %d", path, got)
		}
	}
}

func TestExpireInTenSeconds(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	r := alice.Post("/act/expire", nil)
	for _, name := range webtest.CookieOf {
		if cookie := r.Sets(name); cookie == nil || cookie.MaxAge != 10 {
			t.Errorf("%s is set as %v, want Max-Age=10", name, cookie)
		}
	}
	if got := alice.Verdicts(); got != webtest.Everywhere {
		t.Errorf("at first: %s", got)
	}
	lab.Clock.Advance(9 * time.Second)
	if got := alice.Verdicts(); got != webtest.Everywhere {
		t.Errorf("after nine seconds: %s", got)
	}
	lab.Clock.Advance(2 * time.Second)
	if got := alice.Verdicts(); got != "believed expired expired" {
		t.Errorf("after eleven seconds: %s", got)
	}
}

func TestTheCopy(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client()
	alice.Get("/dashboard")
	alice.SignIn("alice")
	alice.Act(t, "/act/copy")
	replays := func() (n int) {
		for _, exchange := range lab.WireOf(alice.Cookie(webtest.NotebookCookie)) {
			if exchange.Client != notebook.ClientOther {
				continue
			}
			n++
			if strings.Contains(exchange.Cookie, webtest.NotebookCookie) || exchange.Target != "/api/lanes" || len(exchange.SetCookie) > 0 {
				t.Errorf("the other program sent %s with %q and was answered %v", exchange.Target, exchange.Cookie, exchange.SetCookie)
			}
		}
		return n
	}
	if got := replays(); got != 1 {
		t.Fatalf("taking the copy sent it %d times", got)
	}
	alice.Get("/dashboard")
	alice.Get("/api/lanes")
	if got := replays(); got != 1 {
		t.Errorf("a GET sent the copy: %d replays", got)
	}
	for i, path := range []string{"/act/replay", "/act/flip/plain", "/act/edit", "/logout"} {
		alice.Act(t, path)
		if got := replays(); got != 2+i {
			t.Errorf("after %s the copy was sent %d times, want %d", path, got, 2+i)
		}
	}
	page := alice.Get("/dashboard").Body
	for lane, verdict := range map[string]string{"plain": "believed", "signed": "verified", "session": "unknown"} {
		if !strings.Contains(page, `id="copy-`+lane+`" data-verdict="`+verdict+`"`) {
			t.Errorf("the dashboard does not say %s of the copy's %s", verdict, lane)
		}
	}
}

func TestNobodyElseMayReplay(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client()
	alice.Get("/dashboard")
	before := len(lab.WireOf(alice.Cookie(webtest.NotebookCookie)))
	lab.Client().Lanes(webtest.With("Lab-Replay", "a guess"))
	if got := len(lab.WireOf(alice.Cookie(webtest.NotebookCookie))); got != before {
		t.Errorf("a guessed word put %d exchanges on somebody's wire", got-before)
	}
}

func TestWhatJustHappened(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client()
	says := func(want string) {
		t.Helper()
		page := alice.Get("/dashboard").Body
		_, after, _ := strings.Cut(page, `id="sentence" role="status">`)
		got, _, _ := strings.Cut(after, "</p>")
		if !strings.Contains(got, webtest.Escaped(want)) {
			t.Errorf("the page says %q, want %q", got, want)
		}
	}
	says("Nobody knows you yet. Sign in and watch rows ① to ④.")
	alice.Act(t, "/act/expire")
	says("Only the session counts here, and it knows nobody")
	alice.Act(t, "/act/restore")
	says("Nothing to put back")
	alice.Act(t, "/act/copy")
	says("Nothing to copy")
	alice.Act(t, "/act/replay")
	says("Nothing to copy")
	alice.SignIn("alice")
	says("You signed in. All three remember alice. Look where the name is kept.")
	alice.Act(t, "/act/edit")
	says("You changed student to teacher. Plain believed it, signed noticed, and the session’s invented key opens nothing.")
	alice.Act(t, "/act/edit")
	says("No role could be changed this time")
	alice.Act(t, "/act/restore")
	says("Put back: all three remember alice again, the session under a new key.")
	alice.Act(t, "/act/flip/signed")
	says("You changed one character of the signed cookie. You: Plain – Believed (alice · student). Signed – Tampered. Session – Found (alice · student).")
	alice.Act(t, "/act/restore")
	alice.Act(t, "/act/copy")
	says("Another program sent a copy. All three accept it: none can tell.")
	alice.Act(t, "/logout")
	says("You logged out. The copy still works for plain and signed; only the session is over.")
	alice.SignIn("alice")
	alice.Act(t, "/act/expire")
	says("All three live ten seconds.")
	lab.Clock.Advance(11 * time.Second)
	for _, name := range webtest.CookieOf {
		alice.Drop(name) // as the browser does by its own clock
	}
	says("Your browser obeyed its clock and sends none of the three. And the copy?")
	alice.Act(t, "/act/replay")
	says("Your browser obeyed and sends none of the three. The copy has no clock: plain is still believed, signed and session are over.")
}

func TestReset(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client()
	alice.Get("/dashboard")
	alice.SignIn("alice")
	thief := alice.Thief()
	r := alice.Post("/reset", nil)
	if r.Status != 303 || !strings.HasPrefix(r.Header.Get("Location"), "/reset?done=") {
		t.Fatalf("POST /reset answers %d to %q", r.Status, r.Header.Get("Location"))
	}
	if len(alice.Cookies) != 0 {
		t.Errorf("after the reset the browser carries %v", alice.Cookies)
	}
	proof := alice.Get(r.Header.Get("Location"))
	if !strings.Contains(proof.Body, "Nothing arrived") || !strings.Contains(proof.Body, "it is not on the server any more") || len(proof.Cookies) != 0 {
		t.Errorf("the proof sets %v and says %s", proof.Cookies, proof.Body)
	}
	if got := thief.Lanes()["session"]; got.Verdict != lanes.Unknown || got.Attributes != nil {
		t.Errorf("the server’s half is still there: %+v", got)
	}
	// Of a key that was replaced there is, for a minute, by which one.
	if rows := regexp.MustCompile(`(?m)^.* "(became|given to) [0-9a-f]{64}"\n`).ReplaceAllString(lab.Rows(t), ""); rows != "" {
		t.Errorf("the database still has\n%s", rows)
	}
	if got := lab.WireOf(thief.Cookie(webtest.NotebookCookie)); len(got) > 1 { // the thief's own visit opened an empty one
		t.Errorf("the wire still has %d exchanges", len(got))
	}
	// What does arrive after a reset is named.
	stubborn := lab.Client().Carry("plain_user", "user=alice")
	if got := stubborn.Get("/reset?done=nothing").Body; !strings.Contains(got, "This request brought") || !strings.Contains(got, "<code>plain_user</code>") {
		t.Errorf("a cookie that still arrives is not named: %s", got)
	}
}

// What DevTools does is no deed of the lab: the page must not repeat the last one.
func TestChangesByOtherHands(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client()
	alice.Get("/dashboard")
	alice.SignIn("alice")
	alice.Get("/dashboard")
	alice.Carry("plain_user", "user=bob&role=teacher")
	for range 2 {
		page := alice.Get("/dashboard").Body
		if !strings.Contains(page, "The cookies changed without this page") {
			t.Error("the page does not say that somebody changed a cookie")
		}
		for lane, changed := range map[string]bool{"plain": true, "signed": false, "session": false} {
			_, cell, _ := strings.Cut(page, `id="keeps-`+lane+`"`)
			if cell, _, _ = strings.Cut(cell, "</td>"); strings.Contains(cell, "changed-tag") != changed {
				t.Errorf("row ① of %s is tagged changed: %v, want %v", lane, !changed, changed)
			}
		}
	}
	alice.Carry("plain_user", "user="+strings.Repeat("x", 3000)+"&role=teacher")
	if got := alice.Sentence(); !strings.Contains(got, "xxx… · teacher") || len(got) > 400 {
		t.Errorf("with a very long name it says %s", got)
	}
	for _, name := range webtest.CookieOf {
		alice.Drop(name)
	}
	if page := alice.Get("/dashboard").Body; !strings.Contains(page, webtest.Escaped("Your browser sent none of the three. The server still keeps its record about alice.")) {
		t.Error("the page does not say that the record still lies there")
	}
}

// Signing in anew must not leave a live session behind that no logout reaches.
func TestSigningInAgainEndsWhatAnEditLeftBehind(t *testing.T) {
	for _, end := range []string{"/logout", "/reset"} {
		lab := labtest.New(t)
		alice := lab.Client()
		alice.Get("/dashboard")
		alice.SignIn("alice")
		thief := alice.Thief()
		thief.Drop(webtest.NotebookCookie)
		alice.Act(t, "/act/edit")
		alice.SignIn("alice")
		alice.Post(end, nil)
		if got := thief.Lanes()["session"].Verdict; got != lanes.Unknown {
			t.Errorf("after %s the first key is %s", end, got)
		}
	}
}

// The proof looks the record up, whatever the address says.
func TestTheProofOfAResetIsNoHearsay(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	id := alice.Lanes()["session"].ServerKeeps.ID
	if page := lab.Client().Get("/reset?done=" + id).Body; !strings.Contains(page, "is still on the server") {
		t.Error("the page does not say that the record still lies there")
	}
	for _, done := range []string{"1", "x", "record"} {
		if page := lab.Client().Get("/reset?done=" + done).Body; strings.Contains(page, "the proof") {
			t.Errorf("done=%s passes for a reset", done)
		}
	}
}

// "Put it back" signs in on the word of a record: if that ends meanwhile, its
// word counts no more.
func TestPutItBackRevivesNothing(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client()
	alice.Get("/dashboard")
	alice.SignIn("alice")
	alice.Act(t, "/act/edit")
	other := alice.Thief() // the same browser's second tab
	var once sync.Once
	lab.Sessions.Before = func(op string) error {
		if op == "create" {
			once.Do(func() { other.Act(t, "/logout") })
		}
		return nil
	}
	if r := alice.Post("/act/restore", nil); r.Status != 409 || len(r.Cookies) != 0 {
		t.Errorf("putting back a session that was logged out meanwhile answers %d with %v", r.Status, r.Cookies)
	}
	lab.Sessions.Before = nil
	if got := alice.Lanes()["session"].Verdict; got != lanes.Unknown {
		t.Errorf("after it the session is %s", got)
	}
	if rows := lab.Rows(t); strings.Contains(rows, " session:alice ") {
		t.Errorf("a session of alice lies there:\n%s", rows)
	}
}

func TestChangingOneLetterOfAnyNameStillReads(t *testing.T) {
	lab := labtest.New(t)
	for name, want := range map[string]string{"alice": "blice", "bob": "aob", "李小龙": "a小龙"} {
		visitor := lab.Client().SignIn(name)
		visitor.Act(t, "/act/flip/plain")
		if got := visitor.Lanes()["plain"]; got.Verdict != lanes.Believed || webtest.Text(got.User) != want {
			t.Errorf("%s becomes %s %q", name, got.Verdict, webtest.Text(got.User))
		}
	}
}

func TestResetDropsAKeyThatIsNotKnownAnyMore(t *testing.T) {
	lab := labtest.New(t)
	stranger := lab.Client().Carry(webtest.NotebookCookie, strings.Repeat("n", 32)).Carry("lab_sessionid", strings.Repeat("k", 32))
	stranger.Post("/reset", url.Values{})
	if len(stranger.Cookies) != 0 {
		t.Errorf("after the reset the browser carries %v", stranger.Cookies)
	}
}
