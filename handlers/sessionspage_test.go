// Where am I signed in: the list is complete and the visitor's own, shows no
// key, and ends what was asked for.

package handlers_test

import (
	"context"
	"fmt"
	"html"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"cookielab/handlers"
	"cookielab/handlers/lanes"
	"cookielab/sessions"
)

// recordOf is the ID of the record that a client's key leads to.
func (c *client) recordOf() string {
	return sessions.KeyID("session", c.cookie("lab_sessionid")).String()
}

// ending is the form that ends a session.
func ending(id string) url.Values { return url.Values{"id": {id}} }

// listed are the programs on the page, in order.
func (c *client) listed() (clients []string) {
	c.lab.t.Helper()
	return clientsOn(c.get("/sessions").body)
}

// clientsOn are the programs on a page.
func clientsOn(page string) (clients []string) {
	for _, match := range regexp.MustCompile(`(?s)<p class="client">.*?</p>`).FindAllString(page, -1) {
		clients = append(clients, strings.Join(strings.Fields(markupIn.ReplaceAllString(match, " ")), " "))
	}
	return clients
}

// at signs in with a program of that name.
func (lab *testLab) at(user, agent string) *client {
	lab.t.Helper()
	c := lab.client()
	c.get("/dashboard")
	if r := c.post("/login", login(user), func(r *http.Request) { r.Header["User-Agent"] = []string{agent} }); r.status != http.StatusSeeOther {
		lab.t.Fatalf("signing in answers %d", r.status)
	}
	return c
}

const (
	firefox  = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"
	chromium = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
)

func TestSessionsPage(t *testing.T) {
	lab := newLab(t)
	desk := lab.at("alice", firefox)
	lab.clock.Advance(time.Hour)
	phone := lab.at("alice", chromium)
	lab.at("bob", "bobs-browser/1")
	lab.clock.Advance(time.Second)
	lab.at("alice", "").carry("lab_sessionid", "gone") // its cookie is lost, its record is not

	if got := strings.Join(desk.listed(), " | "); got != "Firefox 153.0 this browser | a program that did not say its name | Chromium 156.0.0.0" {
		t.Errorf("the desk sees %s", got)
	}
	page := desk.get("/sessions").body
	if got := part(t, page, "count", "</p>"); got != "alice is signed in at 3 places." {
		t.Errorf("it counts: %s", got)
	}
	if !strings.Contains(page, "<dd>2026-11-23 08:00:00 UTC</dd>") || !strings.Contains(page, "<dd>2026-11-23 09:00:00 UTC</dd>") {
		t.Error("it does not say since when")
	}
	if got := part(t, page, "how", "</p>"); !regexp.MustCompile(`^Engine db: .* in \d+\.\d\d ms\.`).MatchString(got) {
		t.Errorf("how they were found: %s", got)
	}
	for _, c := range []*client{desk, phone} {
		if strings.Contains(page, c.cookie("lab_sessionid")) {
			t.Error("a key stands on the page")
		}
		if text := markupIn.ReplaceAllString(page, ""); strings.Contains(text, c.recordOf()[:8]) {
			t.Error("a key's hash stands in the text")
		}
	}
	if strings.Contains(page, desk.recordOf()) {
		t.Error("this browser's own session can be ended but by logging out")
	}

	// Ending one: the next request from there finds nothing.
	r := desk.post("/sessions/end", ending(phone.recordOf()))
	if r.status != http.StatusSeeOther || r.header.Get("Location") != "/sessions" {
		t.Fatalf("ending one answers %d to %s: %s", r.status, r.header.Get("Location"), r.body)
	}
	if got := phone.verdicts(); got != "believed verified unknown" {
		t.Errorf("there, the three ways conclude %s", got)
	}
	if got := desk.verdicts(); got != everywhere {
		t.Errorf("here, the three ways conclude %s", got)
	}
	if got := part(t, desk.get("/sessions").body, "ended", "</p>"); !strings.Contains(got, "Ended: Chromium 156.0.0.0.") {
		t.Errorf("it says %q", got)
	}
	if got := desk.sentence(); !strings.HasPrefix(got, "You ended other sessions of your name") {
		t.Errorf("the dashboard says %q", got)
	}
	if got := part(t, phone.get("/sessions").body, "sessions", "</section>"); !strings.Contains(got, "Nobody is signed in here") || !strings.Contains(got, "Unknown key") {
		t.Errorf("there, the page says %s", got)
	}

	// Ending all others.
	phone.signIn("alice")
	third := lab.at("alice", firefox)
	if r := desk.post("/sessions/end-others", nil); r.status != http.StatusSeeOther {
		t.Fatalf("ending all others answers %d", r.status)
	}
	for _, c := range []*client{phone, third} {
		if got := c.lanes()[lanes.Session].Verdict; got != lanes.Unknown {
			t.Errorf("another one is %s", got)
		}
	}
	if got := part(t, desk.get("/sessions").body, "ended", "</p>"); !strings.Contains(got, "Ended: 3 other sessions.") || len(desk.listed()) != 1 {
		t.Errorf("it says %q, and lists %v", got, desk.listed())
	}
	desk.post("/sessions/end-others", nil)
	if got := part(t, desk.get("/sessions").body, "ended", "</p>"); !strings.Contains(got, "There was no other session to end.") {
		t.Errorf("once more, it says %q", got)
	}
	if got := desk.sentence(); strings.Contains(got, "ended") {
		t.Errorf("and the dashboard says %q", got)
	}

	// This one: the ordinary logout.
	if r := desk.post("/sessions/end", ending(desk.recordOf())); r.status != http.StatusSeeOther || r.header.Get("Location") != "/dashboard" || desk.verdicts() != nowhere {
		t.Errorf("ending this one answers %d, and the three ways conclude %s", r.status, desk.verdicts())
	}
}

// Nobody ends what is not theirs, and nobody learns what there is.
func TestSessionsOfOthers(t *testing.T) {
	lab := newLab(t)
	alice, bob := lab.client().signIn("alice"), lab.client().signIn("bob")
	ctx := context.Background()

	// A token of alice lies in the same store, and so does her notebook.
	options := sessions.DefaultOptions()
	options.Clock = lab.clock.Now
	tokens, err := sessions.New(sessions.Tokens("token", lab.sessions), options)
	if err != nil {
		t.Fatal(err)
	}
	token, err := tokens.Create(ctx, func(s *sessions.Session) error { return s.Set(sessions.UserKey, "alice") })
	if err != nil {
		t.Fatal(err)
	}
	tokenRecord, _ := token.Record()
	expired := lab.at("alice", firefox)
	expired.post("/act/expire", nil)
	lab.clock.Advance(11 * time.Second)
	edited := lab.client().signIn("alice")
	edited.post("/act/edit", nil)

	if got := len(alice.listed()); got != 2 { // alice's own, and the one that the edit left behind
		t.Errorf("%d sessions are listed: %v", got, alice.listed())
	}
	before := lab.rows(t)
	for _, test := range []struct {
		name   string
		by     *client
		form   string
		status int
	}{
		{"bob's, by alice", alice, ending(bob.recordOf()).Encode(), 404},
		{"her token", alice, ending(tokenRecord.ID.String()).Encode(), 404},
		{"her notebook", alice, ending(sessions.KeyID("notebook", alice.cookie(notebookCookie)).String()).Encode(), 404},
		{"one that is over", alice, ending(expired.recordOf()).Encode(), 404},
		{"one that never was", alice, ending(strings.Repeat("0", 64)).Encode(), 404},
		{"her own key instead of an ID", alice, ending(alice.cookie("lab_sessionid")).Encode(), 404},
		{"an ID with more behind it", alice, ending(bob.recordOf() + "0").Encode(), 404},
		{"bytes", alice, "id=%00%ff", 404},
		{"no ID", alice, "", 404},
		{"two IDs", alice, "id=" + bob.recordOf() + "&id=" + alice.recordOf(), 400},
		{"by a stranger", lab.client(), ending(alice.recordOf()).Encode(), 403},
		{"by somebody whom only the plain cookie names", lab.client().carry("plain_user", "user=alice&role=teacher"), ending(alice.recordOf()).Encode(), 403},
		{"by a key that was invented", edited, ending(alice.recordOf()).Encode(), 403},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := test.by.post("/sessions/end", nil, body(formType, test.form))
			guarded(t, r)
			if r.status != test.status || !strings.Contains(r.body, `id="error"`) {
				t.Errorf("answered %d, not %d", r.status, test.status)
			}
			if test.status == 404 && !strings.Contains(r.body, "There is no such session of yours") {
				t.Errorf("it says %s", r.body)
			}
		})
	}
	if r := lab.client().post("/sessions/end-others", nil); r.status != http.StatusForbidden {
		t.Errorf("a stranger ends all others: %d", r.status)
	}
	if r := bob.post("/sessions/end-others", nil); r.status != http.StatusSeeOther {
		t.Errorf("bob ends his others: %d", r.status)
	}
	for _, path := range []string{"/sessions/end", "/sessions/end-others"} {
		if r := alice.post(path, ending(bob.recordOf()), with("Sec-Fetch-Site", "cross-site")); r.status != http.StatusForbidden {
			t.Errorf("another site's form to %s is answered %d", path, r.status)
		}
		if r := alice.get(path); r.status != http.StatusMethodNotAllowed {
			t.Errorf("GET %s is answered %d", path, r.status)
		}
	}
	if got := alice.lanes()[lanes.Session].Verdict; got != lanes.Found {
		t.Errorf("alice's session is %s", got)
	}
	sessionsOf := func(rows string) (n int) { return strings.Count(rows, " session:") + strings.Count(rows, " token:") }
	if a, b := sessionsOf(before), sessionsOf(lab.rows(t)); a != b || a < 4 {
		t.Errorf("of %d sessions and tokens %d are left", a, b)
	}
}

// nextIn is the address of the next page, as this page links to it; "": there is none.
func nextIn(t *testing.T, page string) string {
	t.Helper()
	match := regexp.MustCompile(`href="([^"]*)" rel="next"`).FindStringSubmatch(page)
	if match == nil {
		return ""
	}
	return strings.TrimSuffix(html.UnescapeString(match[1]), "#mine")
}

// Many sessions of one name come in pages. Each session is on exactly one page, and
// this browser's comes first.
func TestSessionsComeInPages(t *testing.T) {
	lab := newLab(t)
	alice := lab.client().signIn("alice")
	want := map[string]bool{}
	for i := range 120 {
		if i%7 == 0 { // several were saved at the same instant
			lab.clock.Advance(time.Second)
		}
		lab.at("alice", fmt.Sprintf("<b>robot-%d", i))
		want[fmt.Sprintf("&lt;b&gt;robot-%d", i)] = true
	}
	sizes, path := []int{}, "/sessions"
	for path != "" {
		page := alice.get(path)
		clients := clientsOn(page.body)
		if page.status != http.StatusOK || strings.Contains(page.body, "<b>robot") || part(t, page.body, "count", "</p>") != "alice is signed in at 121 places." {
			t.Fatalf("%s is answered %d", path, page.status)
		}
		if back := strings.Contains(page.body, `href="/sessions">Back to`); back != (path != "/sessions") {
			t.Errorf("%s leads back: %v", path, back)
		}
		for i, client := range clients {
			if here := strings.HasSuffix(client, "this browser"); here != (path == "/sessions" && i == 0) {
				t.Errorf("%s shows this browser as number %d", path, i)
			} else if !here && !want[client] {
				t.Errorf("%s shows %s, twice or too much", path, client)
			}
			delete(want, client)
		}
		sizes, path = append(sizes, len(clients)), nextIn(t, page.body)
	}
	if fmt.Sprint(sizes) != "[50 50 21]" || len(want) > 0 {
		t.Errorf("pages of %v, and %d stand on none", sizes, len(want))
	}
	// The same page in another language, or with another theme, is the same page.
	second := nextIn(t, alice.get("/sessions").body)
	if page := alice.get(second).body; !strings.Contains(page, html.EscapeString("/sessions?"+second[len("/sessions?"):]+"&lang=zh")) {
		t.Error("the other language loses the page")
	}
}

// An address that no page links to is answered 400, or with sessions of this user alone.
func TestSessionsAfterNonsense(t *testing.T) {
	lab := newLab(t)
	alice, bob := lab.client().signIn("alice"), lab.client().signIn("bob")
	id := strings.Repeat("a", 64)
	for _, path := range []string{"/sessions", "/tokens"} {
		for _, after := range []string{"", "x", "_", "2026-11-23T08:00:00Z", "2026-11-23T08:00:00Z_", "2026-11-23T08:00:00Z_x", "_" + id, "1_" + id,
			"2026-13-23T08:00:00Z_" + id, "2026-11-23T08:00:00Z_" + id + "0", "10000-01-01T00:00:00Z_" + id, "2026-11-23T08:00:00Z_" + id + "&after=2026-11-23T08:00:00Z_" + id, "%00", "%ff_%ff"} {
			for name, c := range map[string]*client{"alice": alice, "a stranger": lab.client()} {
				if r := c.get(path + "?after=" + after); r.status != http.StatusBadRequest || !strings.Contains(r.body, "The list has no such page") {
					t.Errorf("%s after %q is answered %d to %s", path, after, r.status, name)
				}
			}
		}
		for _, after := range []string{"9999-12-31T23:59:59.999999999Z_" + id, "0001-01-01T00:00:00Z_" + id, "0000-01-01T00:00:00Z_" + id, "2026-11-23T08:00:00%2B14:00_" + id} {
			r := alice.get(path + "?after=" + after)
			if r.status != http.StatusOK || strings.Contains(r.body, bob.recordOf()) {
				t.Errorf("%s after %q is answered %d", path, after, r.status)
			}
		}
	}
}

// However many sessions there are, the page stays small, and loads only the data of those
// that it lists. The count then says only that they are more than 1000.
func TestManySessionsOfOne(t *testing.T) {
	lab := newLab(t)
	alice := lab.client().signIn("alice")
	record := sessions.Record{Owner: "session:alice", Created: lab.clock.Now(), Saved: lab.clock.Now(), Expires: lab.clock.Now().Add(time.Hour), Data: []byte("{}")}
	for i := range 1100 {
		record.ID = sessions.ID{1, byte(i), byte(i >> 8)}
		if err := lab.sessions.Create(context.Background(), record); err != nil {
			t.Fatal(err)
		}
	}
	for language, words := range map[string]string{"en": "alice is signed in at more than 1000 places.", "zh": "alice 在 1000 多个地方登录了。"} {
		if got := part(t, alice.get("/sessions?lang="+language).body, "count", "</p>"); got != words {
			t.Errorf("in %s it counts: %s", language, got)
		}
	}
	page := alice.get("/sessions").body
	if end, list := strings.Index(page, `action="/sessions/end-others"`), strings.Index(page, `id="list"`); strings.Count(page, "/sessions/end-others") != 1 || end > list {
		t.Error("what ends all others does not stand above a list of many, once")
	}
	asked := map[string]int{}
	lab.sessions.Before = func(op string) error { asked[op]++; return nil }
	if page := alice.get("/sessions"); len(clientsOn(page.body)) != 50 || asked["load"] > 60 || asked["by owner"] != 1 {
		t.Errorf("%d are listed, and the store was asked %v", len(clientsOn(page.body)), asked)
	}
	lab.sessions.Before = nil
	alice.post("/sessions/end-others", nil)
	if page := alice.get("/wire?lang=en").body; strings.Count(page, "The server asked the store more often") != 1 || strings.Contains(page, "and is cut") {
		t.Errorf("the wire does not say once that the store was asked more often than is drawn: %d, %t", strings.Count(page, "more often"), strings.Contains(page, "and is cut"))
	}
}

// slowToDelete is a store that is slow to delete, and otherwise not.
type slowToDelete struct {
	sessions.Store
	takes time.Duration
}

func (s *slowToDelete) Delete(ctx context.Context, id sessions.ID, version uint64) error {
	return slow{Store: s.Store, takes: &s.takes}.Delete(ctx, id, version)
}

// Ending very many sessions takes long: after some seconds the page says how many were
// ended so far, and the next click ends more. (Its own time: testing/synctest.)
func TestEndingVeryManyOthersIsAnswered(t *testing.T) {
	inItsOwnTime(t, func(t *testing.T, lab *testLab, _ func() net.Conn) {
		alice := lab.client().signIn("alice")
		for range 10 {
			lab.client().signIn("alice")
		}
		slow := &slowToDelete{Store: lab.sessions.Store, takes: 900 * time.Millisecond}
		lab.sessions.Store = slow
		began := time.Now()
		r := alice.post("/sessions/end-others", nil)
		if took := time.Since(began); r.status != http.StatusSeeOther || took > 15*time.Second {
			t.Fatalf("answered %d after %v: %s", r.status, took, r.body)
		}
		for language, words := range map[string]string{"en": "Ended so far: 5 other sessions. More are left", "zh": "目前已结束其他 5 个 Session，还有没结束的"} {
			if got := part(t, alice.get("/sessions?lang="+language).body, "ended", "</p>"); !strings.Contains(got, words) {
				t.Errorf("in %s it says %q", language, got)
			}
		}
		alice.get("/sessions?lang=en")
		slow.takes = 0
		alice.post("/sessions/end-others", nil)
		if got := part(t, alice.get("/sessions").body, "ended", "</p>"); !strings.Contains(got, "Ended: 5 other sessions.") {
			t.Errorf("then it says %q", got)
		}
	})
}

// Each engine says how it finds them.
func TestSessionsPageSaysHow(t *testing.T) {
	for engine, want := range map[string]string{
		"db": "indexed by their owner", "cached_db": "behind the cache", "cache": "a list of each owner’s", "file": "walked through its whole folder",
	} {
		lab := newLab(t, func(c *handlers.Config) { readFor(c, engine) })
		if got := part(t, lab.client().signIn("alice").get("/sessions").body, "how", "</p>"); !strings.HasPrefix(got, "Engine "+engine+": ") || !strings.Contains(got, want) {
			t.Errorf("%s: %s", engine, got)
		}
	}
}
