// New class: for the teacher alone, on one confirmation, and nothing that the
// server kept is left.

package handlers_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"cookielab/handlers"
	"cookielab/handlers/revoke"
	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

const classPath = "/class"

// sure is the form that begins a new class.
var sure = url.Values{"sure": {"yes"}}

// newClass begins a new class, and gives the page that says so.
func (c *client) newClass() reply {
	c.lab.t.Helper()
	r := c.post(classPath, sure)
	if r.status != http.StatusSeeOther || !strings.HasPrefix(r.header.Get("Location"), classPath+"?done=") {
		c.lab.t.Fatalf("a new class is answered %d to %q: %s", r.status, r.header.Get("Location"), r.body)
	}
	proof := c.get(r.header.Get("Location"))
	if classState(proof) != "200 ended" {
		c.lab.t.Fatalf("the proof is %s: %s", classState(proof), proof.body)
	}
	return proof
}

// classState is a reply's status, and what the page is: asks, ended, refused.
func classState(r reply) string {
	_, state, _ := strings.Cut(r.body, `data-class="`)
	state, _, _ = strings.Cut(state, `"`)
	return fmt.Sprint(r.status, " ", state)
}

func TestNewClassIsForTheTeacherAlone(t *testing.T) {
	lab := newLab(t)
	alice := lab.client().signIn("alice")
	forged := lab.client().signIn("mallory")
	forged.post("/act/edit", nil) // a teacher for the plain way
	onlySigned := lab.client().signIn("teacher")
	onlySigned.drop("lab_sessionid") // a teacher for the plain way and the signed one
	gone := lab.client().signIn("teacher")
	loggedOut := gone.thief()
	gone.post("/logout", nil)
	token := lab.client().token("teacher")
	before := lab.rows(t)
	for who, c := range map[string]*client{
		"nobody": lab.client(), "a student": alice, "a forged teacher": forged, "a teacher without a session": onlySigned, "a teacher who logged out": loggedOut,
	} {
		t.Run(who, func(t *testing.T) {
			link := with("Sec-Fetch-Site", "cross-site") // which opens no notebook
			for asked, r := range map[string]reply{
				"GET": c.get(classPath, link), "POST": c.post(classPath, sure), "POST, unsure": c.post(classPath, nil),
				"an invented proof": c.get(classPath+"?done=12", link), "with a teacher’s token": c.post(classPath, sure, sending(token)),
			} {
				if classState(r) != "403 refused" || !strings.Contains(r.body, "Only somebody who is signed in as teacher") || !strings.Contains(r.body, `href="/login?next=/class"`) {
					t.Errorf("%s is answered %s: %s", asked, classState(r), r.body)
				}
			}
		})
	}
	if after := lab.rows(t); after != before {
		t.Errorf("the database changed from\n%s to\n%s", before, after)
	}
	if strings.Contains(alice.get("/dashboard").body, `href="/class"`) {
		t.Error("the menu of a student leads there")
	}
	if page := lab.client().signIn("teacher").get("/dashboard").body; !strings.Contains(page, `<li><a href="/class">`) {
		t.Error("the menu of the teacher does not lead there")
	}
}

func TestNewClass(t *testing.T) {
	lab := newLab(t)
	alice, bob := lab.client().signIn("alice"), lab.client().signIn("bob")
	alice.post("/act/copy", nil)
	stream := alice.follow("")
	token := bob.token("bob")
	bob.post("/act/edit", nil) // a record that its key does not come for
	lab.client().post("/login", wrong("carol"))
	teacher := lab.client().signIn("teacher")
	teacher.get("/dashboard?lang=zh")
	elsewhere := lab.client().signIn("teacher")
	stolen := teacher.thief()

	if page := teacher.get(classPath); classState(page) != "200 asks" || !strings.Contains(page.body, `name="sure" value="yes" required`) {
		t.Fatalf("the page is %s: %s", classState(page), page.body)
	}
	records := strings.Count(lab.rows(t), "\n")
	r := teacher.post(classPath, sure)
	if r.status != http.StatusSeeOther || len(teacher.cookies) > 0 {
		t.Errorf("answered %d, and the browser keeps %v: %s", r.status, teacher.cookies, r.body)
	}
	if rows := lab.rows(t); rows != "" {
		t.Errorf("the database still has\n%s", rows)
	}
	stream.ends()
	for name, c := range map[string]*client{"alice": alice, "bob": bob, "the teacher": stolen} {
		if got := lab.WireOf(c.cookie(notebookCookie)); len(got) > 0 {
			t.Errorf("memory has %d exchanges of %s", len(got), name)
		}
	}
	if n := lab.Auth.ThrottledNames(); n != 0 {
		t.Errorf("the throttle remembers %d names", n)
	}

	proof := teacher.get(r.header.Get("Location"))
	if classState(proof) != "200 ended" || !strings.Contains(proof.body, fmt.Sprintf("服务器上原有 %d 条记录", records)) {
		t.Errorf("the proof, of %d records and in the language that was chosen, is %s: %s", records, classState(proof), proof.body)
	}
	// Only what a server sealed is a proof, on any that has the key.
	sealed := regexp.MustCompile(`done=([^&]+)`).FindStringSubmatch(r.header.Get("Location"))[1]
	made := map[string]any{"at": lab.clock.Now().Unix(), "records": 999}
	for done, want := range map[string]string{
		sealed: "200 ended", seal(t, "class", secrets[1], made): "200 ended", // with the older key, which still verifies
		seal(t, "class", []byte("a secret of somebody else, 32+ bytes"), made): "403 refused", seal(t, "signed_user", secrets[0], made): "403 refused",
		"999": "403 refused", "": "403 refused",
	} {
		for name, there := range map[string]*testLab{"this server": lab, "another": newLab(t)} {
			if got := classState(there.client().get(classPath + "?done=" + done)); got != want {
				t.Errorf("the proof %q is %s for a stranger on %s, not %s", done, got, name, want)
			}
		}
	}

	// Keys open nothing. What browsers hold themselves stays good, as the page says.
	for name, c := range map[string]*client{"alice": alice, "a teacher elsewhere": elsewhere, "a copy of the teacher’s": stolen} {
		if got := c.verdicts(); got != "believed verified unknown" {
			t.Errorf("%s: the three ways conclude %q", name, got)
		}
	}
	isNobody(t, "a token", bob.get("/api/whoami", sending(token)))
	if got := classState(elsewhere.get(classPath)); got != "403 refused" {
		t.Errorf("a teacher of before is %s", got)
	}
	if strings.Contains(alice.get("/dashboard").body, `class="copy">`) {
		t.Error("the copy is still there")
	}

	// The lab goes on.
	if got := alice.signIn("alice").verdicts(); got != everywhere {
		t.Errorf("the new class: the three ways conclude %q", got)
	}
}

// Nothing happens before the box is ticked, and the page comes again.
func TestNewClassUnconfirmed(t *testing.T) {
	lab := newLab(t)
	alice, teacher := lab.client().signIn("alice"), lab.client().signIn("teacher")
	before := lab.rows(t)
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
			if r := teacher.post(classPath, test.form); classState(r) != test.state || !strings.Contains(r.body, test.says) {
				t.Errorf("answered %s: %s", classState(r), r.body)
			}
		})
	}
	if r := teacher.post(classPath, sure, with("Sec-Fetch-Site", "cross-site")); r.status != http.StatusForbidden || !strings.Contains(r.body, "another origin") {
		t.Errorf("another site’s form is answered %d: %s", r.status, r.body)
	}
	if after := lab.rows(t); after != before {
		t.Errorf("the database changed from\n%s to\n%s", before, after)
	}
	for _, c := range []*client{alice, teacher} {
		if got := c.verdicts(); got != everywhere {
			t.Errorf("the three ways conclude %q", got)
		}
	}
}

// Two clicks send the form twice. The browser shows the answer to the second,
// which comes from nobody by then; it ends nothing that is new.
func TestNewClassPressedTwice(t *testing.T) {
	lab := newLab(t)
	teacher := lab.client().signIn("teacher")
	again := teacher.thief()
	teacher.newClass()
	alice := lab.client().signIn("alice")
	if proof := again.newClass().body; !strings.Contains(proof, "2 records lay") {
		t.Errorf("the second proof says %s", proof)
	}
	if err := lab.EndClass(again.cookie("lab_sessionid")); err != nil { // the second was let in before the first had ended anything
		t.Error(err)
	}
	if got := alice.verdicts(); got != everywhere {
		t.Errorf("somebody of the new class: the three ways conclude %q", got)
	}
	t.Run("at once", func(t *testing.T) {
		teacher.signIn("teacher")
		records := strings.Count(lab.rows(t), "\n")
		var replies [8]reply
		storetest.Together(len(replies), func(i int) { replies[i] = teacher.thief().post(classPath, sure) })
		for _, r := range replies {
			if proof := lab.client().get(r.header.Get("Location")); r.status != http.StatusSeeOther || !strings.Contains(proof.body, fmt.Sprintf("%d records lay", records)) {
				t.Errorf("one is answered %d, and of %d records the proof says %s", r.status, records, proof.body)
			}
		}
	})
	t.Run("and again by a session of its own", func(t *testing.T) {
		teacher.signIn("teacher").newClass()
		if rows := lab.rows(t); strings.Contains(rows, "_user") {
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
		readFor(c, sessions.EngineCache)
	}
	a := newLab(t, own, inMemory(t))
	b := newLab(t, own, inMemory(t), func(c *handlers.Config) { c.Notebooks = a.notebooks })
	alone := newLab(t, inMemory(t))
	onA, onB, other, teacher := a.client().signIn("alice"), b.client().signIn("bob"), alone.client().signIn("carol"), b.client().signIn("teacher")
	b.client().post("/login", wrong("dave"))
	proof := teacher.newClass()
	for name, c := range map[string]*client{"A": onA, "B": onB} {
		if n := len(c.wire()); n > 0 {
			t.Errorf("server %s has %d exchanges", name, n)
		}
		if got := c.verdicts(); got != "believed verified unknown" {
			t.Errorf("server %s: the three ways conclude %q", name, got)
		}
	}
	if a.Auth.ThrottledNames()+b.Auth.ThrottledNames() > 0 {
		t.Error("a throttle remembers names")
	}
	if !strings.Contains(proof.body, "7 records lay on the server") { // three sessions and four notebooks, each in its place
		t.Errorf("the proof says %s", proof.body)
	}
	if got := other.verdicts(); got != everywhere {
		t.Errorf("another program’s: the three ways conclude %q", got)
	}
}

func TestNewClassWhereSessionsLieInCookies(t *testing.T) {
	lab := newLab(t, inCookies)
	alice, teacher := lab.client().signIn("alice"), lab.client().signIn("teacher")
	token := alice.token("alice")
	stolen := teacher.thief()
	if page := teacher.get(classPath).body; !strings.Contains(page, "Not ended: with the engine signed_cookies") || !strings.Contains(page, "another secret key") {
		t.Errorf("the page does not say that they stay: %s", page)
	}
	r := teacher.post(classPath, sure)
	if rows := lab.rows(t); r.status != http.StatusSeeOther || rows != "" || len(teacher.cookies) > 0 {
		t.Errorf("answered %d; the browser keeps %v, the database\n%s", r.status, teacher.cookies, rows)
	}
	proof := teacher.get(r.header.Get("Location")).body
	if !strings.Contains(proof, "Notebooks deleted; sessions stay good") || !strings.Contains(proof, "Not ended:") || !strings.Contains(proof, "2 records lay on the server") {
		t.Errorf("the proof says %s", proof)
	}
	for name, c := range map[string]*client{"alice": alice, "a copy of the teacher’s": stolen} {
		if got := c.verdicts(); got != "believed verified verified" {
			t.Errorf("%s: the three ways conclude %q", name, got)
		}
	}
	isAlice(t, "the token", alice.get("/api/whoami", sending(token)), "token")
}

// Saving with every request is no reason to save what has just been ended.
func TestNewClassWhereEveryRequestSaves(t *testing.T) {
	lab := newLab(t, func(c *handlers.Config) { c.Cookie.SaveEveryRequest = true })
	teacher := lab.client().signIn("teacher")
	if r := teacher.post(classPath, sure); r.status != http.StatusSeeOther || lab.rows(t) != "" {
		t.Errorf("answered %d; the database has\n%s", r.status, lab.rows(t))
	}
}

// A store that fails is said to have failed: no proof, no cookie, and the teacher
// can try again.
func TestNewClassWhileAStoreIsDown(t *testing.T) {
	lab := newLab(t)
	teacher := lab.client()
	for name, store := range map[string]*storetest.Faulty{"sessions": lab.sessions, "notebooks": lab.notebooks} {
		t.Run(name, func(t *testing.T) {
			teacher.signIn("teacher")
			store.Before = storetest.Down("clear expired")
			r := teacher.post(classPath, sure)
			store.Before = nil
			if r.status != http.StatusServiceUnavailable || len(r.cookies) > 0 || r.header.Get("Location") != "" {
				t.Errorf("answered %d to %q with cookies %v", r.status, r.header.Get("Location"), r.cookies)
			}
			if name == "notebooks" { // the sessions, in the same database here, went before
				teacher.signIn("teacher")
			}
			teacher.newClass()
		})
	}
}

// The sessions of the engines page go, too, from all their places.
func TestNewClassEndsThoseOfTheEnginesPage(t *testing.T) {
	lab := newLab(t)
	alice := lab.client().signIn("alice")
	alice.get(enginesPath)
	alice.press("write")
	alice.press("second") // the other server's memory has some, too
	files := func() (names []string) {
		_ = filepath.WalkDir(filepath.Join(filepath.Dir(lab.file), "engines"), func(path string, entry fs.DirEntry, err error) error {
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
	lab.client().signIn("teacher").newClass()
	if left := files(); len(left) > 0 {
		t.Errorf("files are left: %q", left)
	}
	page := alice.get(enginesPath).body
	for _, engine := range []string{"db", "cache", "file", "cached_db"} {
		if column := engineOf(page, engine); strings.Contains(column, `data-state="there"`) {
			t.Errorf("%s still has something: %s", engine, column)
		}
	}
	if got := outcomes(alice.press("read"), "read"); got != "gone gone gone gone found" {
		t.Errorf("read again: %q", got)
	}
}
