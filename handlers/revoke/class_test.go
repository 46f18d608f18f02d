// New class: for the teacher alone, on one confirmation, and nothing that the
// server kept is left.

package revoke_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"cookielab/handlers"
	"cookielab/handlers/labtest"
	"cookielab/handlers/lanes"
	"cookielab/handlers/revoke"
	"cookielab/handlers/webtest"
	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

func TestNewClassIsForTheTeacherAlone(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	forged := lab.Client().SignIn("mallory")
	forged.Post("/act/edit", nil) // a teacher for the plain way
	onlySigned := lab.Client().SignIn("teacher")
	onlySigned.Drop("lab_sessionid") // a teacher for the plain way and the signed one
	gone := lab.Client().SignIn("teacher")
	loggedOut := gone.Thief()
	gone.Post("/logout", nil)
	token := lab.Client().Token("teacher")
	before := lab.Rows(t)
	for who, c := range map[string]*webtest.Client{
		"nobody": lab.Client(), "a student": alice, "a forged teacher": forged, "a teacher without a session": onlySigned, "a teacher who logged out": loggedOut,
	} {
		t.Run(who, func(t *testing.T) {
			link := webtest.With("Sec-Fetch-Site", "cross-site") // which opens no notebook
			for asked, r := range map[string]webtest.Reply{
				"GET": c.Get(webtest.ClassPath, link), "POST": c.Post(webtest.ClassPath, webtest.Sure), "POST, unsure": c.Post(webtest.ClassPath, nil),
				"an invented proof": c.Get(webtest.ClassPath+"?done=12", link), "with a teacher’s token": c.Post(webtest.ClassPath, webtest.Sure, webtest.Sending(token)),
			} {
				if classState(r) != "403 refused" || !strings.Contains(r.Body, "Only somebody who is signed in as teacher") || !strings.Contains(r.Body, `href="/login?next=/class"`) {
					t.Errorf("%s is answered %s: %s", asked, classState(r), r.Body)
				}
			}
		})
	}
	if after := lab.Rows(t); after != before {
		t.Errorf("the database changed from\n%s to\n%s", before, after)
	}
	if strings.Contains(alice.Get("/dashboard").Body, `href="/class"`) {
		t.Error("the menu of a student leads there")
	}
	if page := lab.Client().SignIn("teacher").Get("/dashboard").Body; !strings.Contains(page, `<li><a href="/class">`) {
		t.Error("the menu of the teacher does not lead there")
	}
}

func TestNewClass(t *testing.T) {
	lab := labtest.New(t)
	alice, bob := lab.Client().SignIn("alice"), lab.Client().SignIn("bob")
	alice.Post("/act/copy", nil)
	stream := alice.Follow("")
	token := bob.Token("bob")
	bob.Post("/act/edit", nil) // a record that its key does not come for
	lab.Client().Post("/login", webtest.Wrong("carol"))
	if got := wrongTries(lab, "carol", 5); got != "403 403 403 403 429" {
		t.Fatalf("five more wrong tries are answered %s", got)
	}
	teacher := lab.Client().SignIn("teacher")
	teacher.Get("/dashboard?lang=zh")
	elsewhere := lab.Client().SignIn("teacher")
	stolen := teacher.Thief()

	if page := teacher.Get(webtest.ClassPath); classState(page) != "200 asks" || !strings.Contains(page.Body, `name="sure" value="yes" required`) {
		t.Fatalf("the page is %s: %s", classState(page), page.Body)
	}
	records := strings.Count(lab.Rows(t), "\n")
	r := teacher.Post(webtest.ClassPath, webtest.Sure)
	if r.Status != http.StatusSeeOther || len(teacher.Cookies) > 0 {
		t.Errorf("answered %d, and the browser keeps %v: %s", r.Status, teacher.Cookies, r.Body)
	}
	if rows := lab.Rows(t); rows != "" {
		t.Errorf("the database still has\n%s", rows)
	}
	stream.Ends()
	for name, c := range map[string]*webtest.Client{"alice": alice, "bob": bob, "the teacher": stolen} {
		if got := lab.WireOf(c.Cookie(webtest.NotebookCookie)); len(got) > 0 {
			t.Errorf("memory has %d exchanges of %s", len(got), name)
		}
	}
	if got := wrongTries(lab, "carol", 1); got != "403" {
		t.Errorf("after six wrong tries before the new class, one more is answered %s", got)
	}

	proof := teacher.Get(r.Header.Get("Location"))
	if classState(proof) != "200 ended" || !strings.Contains(proof.Body, fmt.Sprintf("服务器上原有 %d 条记录", records)) {
		t.Errorf("the proof, of %d records and in the language that was chosen, is %s: %s", records, classState(proof), proof.Body)
	}
	// Only what a server sealed is a proof, on any that has the key.
	sealed := regexp.MustCompile(`done=([^&]+)`).FindStringSubmatch(r.Header.Get("Location"))[1]
	made := map[string]any{"at": lab.Clock.Now().Unix(), "records": 999}
	for done, want := range map[string]string{
		sealed: "200 ended", webtest.Seal(t, "class", webtest.Secrets[1], made): "200 ended", // with the older key, which still verifies
		webtest.Seal(t, "class", []byte("a secret of somebody else, 32+ bytes"), made): "403 refused", webtest.Seal(t, "signed_user", webtest.Secrets[0], made): "403 refused",
		"999": "403 refused", "": "403 refused",
	} {
		for name, there := range map[string]*labtest.Lab{"this server": lab, "another": labtest.New(t)} {
			if got := classState(there.Client().Get(webtest.ClassPath + "?done=" + done)); got != want {
				t.Errorf("the proof %q is %s for a stranger on %s, not %s", done, got, name, want)
			}
		}
	}

	// Keys open nothing. What browsers hold themselves stays good, as the page says.
	for name, c := range map[string]*webtest.Client{"alice": alice, "a teacher elsewhere": elsewhere, "a copy of the teacher’s": stolen} {
		if got := c.Verdicts(); got != "believed verified unknown" {
			t.Errorf("%s: the three ways conclude %q", name, got)
		}
	}
	webtest.IsNobody(t, "a token", bob.Get("/api/whoami", webtest.Sending(token)))
	if got := classState(elsewhere.Get(webtest.ClassPath)); got != "403 refused" {
		t.Errorf("a teacher of before is %s", got)
	}
	if strings.Contains(alice.Get("/dashboard").Body, `class="copy">`) {
		t.Error("the copy is still there")
	}

	// The lab goes on.
	if got := alice.SignIn("alice").Verdicts(); got != webtest.Everywhere {
		t.Errorf("the new class: the three ways conclude %q", got)
	}
}

// Nothing happens before the box is ticked, and the page comes again.
func TestNewClassUnconfirmed(t *testing.T) {
	lab := labtest.New(t)
	alice, teacher := lab.Client().SignIn("alice"), lab.Client().SignIn("teacher")
	before := lab.Rows(t)
	for name, test := range map[string]struct {
		form  url.Values
		state string
		says  string
	}{
		"no tick":           {nil, "422 asks", "Tick the box first"},
		"an empty tick":     {url.Values{"sure": {""}}, "422 asks", `aria-invalid="true"`},
		"a tick of another": {url.Values{"shure": {"yes"}}, "422 asks", "Tick the box first"},
		"two ticks":         {url.Values{"sure": {"yes", "yes"}}, "400 ", "The field sure"},
	} {
		t.Run(name, func(t *testing.T) {
			if r := teacher.Post(webtest.ClassPath, test.form); classState(r) != test.state || !strings.Contains(r.Body, test.says) {
				t.Errorf("answered %s: %s", classState(r), r.Body)
			}
		})
	}
	if r := teacher.Post(webtest.ClassPath, webtest.Sure, webtest.With("Sec-Fetch-Site", "cross-site")); r.Status != http.StatusForbidden || !strings.Contains(r.Body, "another origin") {
		t.Errorf("another site’s form is answered %d: %s", r.Status, r.Body)
	}
	if after := lab.Rows(t); after != before {
		t.Errorf("the database changed from\n%s to\n%s", before, after)
	}
	for _, c := range []*webtest.Client{alice, teacher} {
		if got := c.Verdicts(); got != webtest.Everywhere {
			t.Errorf("the three ways conclude %q", got)
		}
	}
}

// wrongTries asks for a token with a wrong password, some times. It returns the statuses. No
// notebook is opened.
func wrongTries(lab *labtest.Lab, name string, times int) string {
	var statuses []string
	for range times {
		r := lab.Client().AskToken(`{"username":"` + name + `","password":"wrong"}`)
		statuses = append(statuses, strconv.Itoa(r.Status))
	}
	return strings.Join(statuses, " ")
}

// Two clicks send the form twice. The browser shows the answer to the second,
// which comes from nobody by then; it ends nothing that is new.
func TestNewClassPressedTwice(t *testing.T) {
	lab := labtest.New(t)
	teacher := lab.Client().SignIn("teacher")
	again := teacher.Thief()
	newClass(t, teacher)
	alice := lab.Client().SignIn("alice")
	if proof := newClass(t, again).Body; !strings.Contains(proof, "2 records lay") {
		t.Errorf("the second proof says %s", proof)
	}
	if err := lab.Class.End(t.Context(), sessions.KeyID(lanes.SessionPurpose, again.Cookie("lab_sessionid")), lab.Clock.Now()); err != nil { // the second was let in before the first had ended anything
		t.Error(err)
	}
	if got := alice.Verdicts(); got != webtest.Everywhere {
		t.Errorf("somebody of the new class: the three ways conclude %q", got)
	}
	t.Run("at once", func(t *testing.T) {
		teacher.SignIn("teacher")
		records := strings.Count(lab.Rows(t), "\n")
		var replies [8]webtest.Reply
		storetest.Together(len(replies), func(i int) { replies[i] = teacher.Thief().Post(webtest.ClassPath, webtest.Sure) })
		for _, r := range replies {
			if proof := lab.Client().Get(r.Header.Get("Location")); r.Status != http.StatusSeeOther || !strings.Contains(proof.Body, fmt.Sprintf("%d records lay", records)) {
				t.Errorf("one is answered %d, and of %d records the proof says %s", r.Status, records, proof.Body)
			}
		}
	})
	t.Run("and again by a session of its own", func(t *testing.T) {
		newClass(t, teacher.SignIn("teacher"))
		if rows := lab.Rows(t); strings.Contains(rows, "_user") {
			t.Errorf("the database still has\n%s", rows)
		}
	})
}

// Each server of a process has a memory of its own: a new class on one begins on
// all of them.
func TestNewClassOnAllServers(t *testing.T) {
	class := new(revoke.Class)
	own := func(c *handlers.Config) {
		c.Class = class
		labtest.ReadFor(c, sessions.EngineCache)
	}
	a := labtest.New(t, own, labtest.InMemory(t))
	b := labtest.New(t, own, labtest.InMemory(t), func(c *handlers.Config) { c.Notebooks = a.Notebooks })
	alone := labtest.New(t, labtest.InMemory(t))
	onA, onB, other, teacher := a.Client().SignIn("alice"), b.Client().SignIn("bob"), alone.Client().SignIn("carol"), b.Client().SignIn("teacher")
	b.Client().Post("/login", webtest.Wrong("dave"))
	for _, lab := range []*labtest.Lab{a, b} {
		if got := wrongTries(lab, "dave", 6); !strings.HasSuffix(got, "429") {
			t.Fatalf("six wrong tries are answered %s", got)
		}
	}
	proof := newClass(t, teacher)
	for name, c := range map[string]*webtest.Client{"A": onA, "B": onB} {
		if n := len(c.Wire()); n > 0 {
			t.Errorf("server %s has %d exchanges", name, n)
		}
		if got := c.Verdicts(); got != "believed verified unknown" {
			t.Errorf("server %s: the three ways conclude %q", name, got)
		}
	}
	for name, lab := range map[string]*labtest.Lab{"A": a, "B": b} {
		if got := wrongTries(lab, "dave", 1); got != "403" {
			t.Errorf("server %s: the throttle remembers the tries of the last class: %s", name, got)
		}
	}
	if !strings.Contains(proof.Body, "7 records lay on the server") { // three sessions and four notebooks, each in its place
		t.Errorf("the proof says %s", proof.Body)
	}
	if got := other.Verdicts(); got != webtest.Everywhere {
		t.Errorf("another program’s: the three ways conclude %q", got)
	}
}

func TestNewClassWhereSessionsLieInCookies(t *testing.T) {
	lab := labtest.New(t, labtest.InCookies)
	alice, teacher := lab.Client().SignIn("alice"), lab.Client().SignIn("teacher")
	token := alice.Token("alice")
	stolen := teacher.Thief()
	if page := teacher.Get(webtest.ClassPath).Body; !strings.Contains(page, "Not ended: with the engine signed_cookies") || !strings.Contains(page, "another secret key") {
		t.Errorf("the page does not say that they stay: %s", page)
	}
	r := teacher.Post(webtest.ClassPath, webtest.Sure)
	if rows := lab.Rows(t); r.Status != http.StatusSeeOther || rows != "" || len(teacher.Cookies) > 0 {
		t.Errorf("answered %d; the browser keeps %v, the database\n%s", r.Status, teacher.Cookies, rows)
	}
	proof := teacher.Get(r.Header.Get("Location")).Body
	if !strings.Contains(proof, "Notebooks deleted; sessions stay good") || !strings.Contains(proof, "Not ended:") || !strings.Contains(proof, "2 records lay on the server") {
		t.Errorf("the proof says %s", proof)
	}
	for name, c := range map[string]*webtest.Client{"alice": alice, "a copy of the teacher’s": stolen} {
		if got := c.Verdicts(); got != "believed verified verified" {
			t.Errorf("%s: the three ways conclude %q", name, got)
		}
	}
	webtest.IsAlice(t, "the token", alice.Get("/api/whoami", webtest.Sending(token)), "token")
}

// Saving with every request is no reason to save what has just been ended.
func TestNewClassWhereEveryRequestSaves(t *testing.T) {
	lab := labtest.New(t, func(c *handlers.Config) { c.Cookie.SaveEveryRequest = true })
	teacher := lab.Client().SignIn("teacher")
	if r := teacher.Post(webtest.ClassPath, webtest.Sure); r.Status != http.StatusSeeOther || lab.Rows(t) != "" {
		t.Errorf("answered %d; the database has\n%s", r.Status, lab.Rows(t))
	}
}

// A store that fails is said to have failed: no proof, no cookie, and the teacher
// can try again.
func TestNewClassWhileAStoreIsDown(t *testing.T) {
	lab := labtest.New(t)
	teacher := lab.Client()
	for name, store := range map[string]*storetest.Faulty{"sessions": lab.Sessions, "notebooks": lab.Notebooks} {
		t.Run(name, func(t *testing.T) {
			teacher.SignIn("teacher")
			store.Before = storetest.Down("clear expired")
			r := teacher.Post(webtest.ClassPath, webtest.Sure)
			store.Before = nil
			if r.Status != http.StatusServiceUnavailable || len(r.Cookies) > 0 || r.Header.Get("Location") != "" {
				t.Errorf("answered %d to %q with cookies %v", r.Status, r.Header.Get("Location"), r.Cookies)
			}
			if name == "notebooks" { // the sessions, in the same database here, went before
				teacher.SignIn("teacher")
			}
			newClass(t, teacher)
		})
	}
}

// The sessions of the engines page go, too, from all their places.
func TestNewClassEndsThoseOfTheEnginesPage(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	alice.Get(webtest.EnginesPath)
	alice.Press("write")
	alice.Press("second") // the other server's memory has some, too
	files := func() (names []string) {
		_ = filepath.WalkDir(filepath.Join(filepath.Dir(lab.File), "engines"), func(path string, entry fs.DirEntry, err error) error {
			if err == nil && len(entry.Name()) == 64 {
				names = append(names, path)
			}
			return err
		})
		return names
	}
	if len(files()) == 0 {
		t.Fatal("the page wrote no file")
	}
	newClass(t, lab.Client().SignIn("teacher"))
	if left := files(); len(left) > 0 {
		t.Errorf("files are left: %q", left)
	}
	page := alice.Get(webtest.EnginesPath).Body
	for _, engine := range []string{"db", "cache", "file", "cached_db"} {
		if column := webtest.EngineOf(page, engine); strings.Contains(column, `data-state="there"`) {
			t.Errorf("%s still has something: %s", engine, column)
		}
	}
	if got := webtest.Outcomes(alice.Press("read"), "read"); got != "gone gone gone gone found" {
		t.Errorf("read again: %q", got)
	}
}

// newClass begins a new class, and gives the page that says so.
func newClass(t *testing.T, c *webtest.Client) webtest.Reply {
	t.Helper()
	r := c.Post(webtest.ClassPath, webtest.Sure)
	if r.Status != http.StatusSeeOther || !strings.HasPrefix(r.Header.Get("Location"), webtest.ClassPath+"?done=") {
		t.Fatalf("a new class is answered %d to %q: %s", r.Status, r.Header.Get("Location"), r.Body)
	}
	proof := c.Get(r.Header.Get("Location"))
	if classState(proof) != "200 ended" {
		t.Fatalf("the proof is %s: %s", classState(proof), proof.Body)
	}
	return proof
}

// classState is a reply's status, and what the page is: asks, ended, refused.
func classState(r webtest.Reply) string {
	_, state, _ := strings.Cut(r.Body, `data-class="`)
	state, _, _ = strings.Cut(state, `"`)
	return fmt.Sprint(r.Status, " ", state)
}
