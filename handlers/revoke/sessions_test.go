// Where am I signed in: the list is complete and the visitor's own, shows no
// key, and ends what was asked for.

package revoke_test

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
	"cookielab/handlers/labtest"
	"cookielab/handlers/lanes"
	"cookielab/handlers/webtest"
	"cookielab/sessions"
)

// ending is the form that ends a session.
func ending(id string) url.Values { return url.Values{"id": {id}} }

const chromium = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"

func TestSessionsPage(t *testing.T) {
	lab := labtest.New(t)
	desk := lab.At(t, "alice", webtest.Firefox)
	lab.Clock.Advance(time.Hour)
	phone := lab.At(t, "alice", chromium)
	lab.At(t, "bob", "bobs-browser/1")
	lab.Clock.Advance(time.Second)
	lab.At(t, "alice", "").Carry("lab_sessionid", "gone") // its cookie is lost, its record is not

	if got := strings.Join(listed(t, desk), " | "); got != "Firefox 153.0 this browser | a program that did not say its name | Chromium 156.0.0.0" {
		t.Errorf("the desk sees %s", got)
	}
	page := desk.Get("/sessions").Body
	if got := webtest.Part(t, page, "count", "</p>"); got != "alice is signed in at 3 places." {
		t.Errorf("it counts: %s", got)
	}
	if !strings.Contains(page, "<dd>2026-11-23 08:00:00 UTC</dd>") || !strings.Contains(page, "<dd>2026-11-23 09:00:00 UTC</dd>") {
		t.Error("it does not say since when")
	}
	if got := webtest.Part(t, page, "how", "</p>"); !regexp.MustCompile(`^Engine db: .* in \d+\.\d\d ms\.`).MatchString(got) {
		t.Errorf("how they were found: %s", got)
	}
	for _, c := range []*webtest.Client{desk, phone} {
		if strings.Contains(page, c.Cookie("lab_sessionid")) {
			t.Error("a key stands on the page")
		}
		if text := webtest.MarkupIn.ReplaceAllString(page, ""); strings.Contains(text, recordOf(c)[:8]) {
			t.Error("a key's hash stands in the text")
		}
	}
	if strings.Contains(page, recordOf(desk)) {
		t.Error("this browser's own session can be ended but by logging out")
	}

	// Ending one: the next request from there finds nothing.
	r := desk.Post("/sessions/end", ending(recordOf(phone)))
	if r.Status != http.StatusSeeOther || r.Header.Get("Location") != "/sessions" {
		t.Fatalf("ending one answers %d to %s: %s", r.Status, r.Header.Get("Location"), r.Body)
	}
	if got := phone.Verdicts(); got != "believed verified unknown" {
		t.Errorf("there, the three ways conclude %s", got)
	}
	if got := desk.Verdicts(); got != webtest.Everywhere {
		t.Errorf("here, the three ways conclude %s", got)
	}
	if got := webtest.Part(t, desk.Get("/sessions").Body, "ended", "</p>"); !strings.Contains(got, "Ended: Chromium 156.0.0.0.") {
		t.Errorf("it says %q", got)
	}
	if got := desk.Sentence(); !strings.HasPrefix(got, "You ended other sessions of your name") {
		t.Errorf("the dashboard says %q", got)
	}
	if got := webtest.Part(t, phone.Get("/sessions").Body, "sessions", "</section>"); !strings.Contains(got, "Nobody is signed in here") || !strings.Contains(got, "Unknown key") {
		t.Errorf("there, the page says %s", got)
	}

	// Ending all others.
	phone.SignIn("alice")
	third := lab.At(t, "alice", webtest.Firefox)
	if r := desk.Post("/sessions/end-others", nil); r.Status != http.StatusSeeOther {
		t.Fatalf("ending all others answers %d", r.Status)
	}
	for _, c := range []*webtest.Client{phone, third} {
		if got := c.Lanes()[lanes.Session].Verdict; got != lanes.Unknown {
			t.Errorf("another one is %s", got)
		}
	}
	if got := webtest.Part(t, desk.Get("/sessions").Body, "ended", "</p>"); !strings.Contains(got, "Ended: 3 other sessions.") || len(listed(t, desk)) != 1 {
		t.Errorf("it says %q, and lists %v", got, listed(t, desk))
	}
	desk.Post("/sessions/end-others", nil)
	if got := webtest.Part(t, desk.Get("/sessions").Body, "ended", "</p>"); !strings.Contains(got, "There was no other session to end.") {
		t.Errorf("once more, it says %q", got)
	}
	if got := desk.Sentence(); strings.Contains(got, "ended") {
		t.Errorf("and the dashboard says %q", got)
	}

	// This one: the ordinary logout.
	if r := desk.Post("/sessions/end", ending(recordOf(desk))); r.Status != http.StatusSeeOther || r.Header.Get("Location") != "/dashboard" || desk.Verdicts() != webtest.Nowhere {
		t.Errorf("ending this one answers %d, and the three ways conclude %s", r.Status, desk.Verdicts())
	}
}

// Nobody ends what is not theirs, and nobody learns what there is.
func TestSessionsOfOthers(t *testing.T) {
	lab := labtest.New(t)
	alice, bob := lab.Client().SignIn("alice"), lab.Client().SignIn("bob")
	ctx := context.Background()

	// A token of alice lies in the same store, and so does her notebook.
	options := sessions.DefaultOptions()
	options.Clock = lab.Clock.Now
	tokens, err := sessions.New(sessions.Tokens("token", lab.Sessions), options)
	if err != nil {
		t.Fatal(err)
	}
	token, err := tokens.Create(ctx, func(s *sessions.Session) error { return s.Set(sessions.UserKey, "alice") })
	if err != nil {
		t.Fatal(err)
	}
	tokenRecord, _ := token.Record()
	expired := lab.At(t, "alice", webtest.Firefox)
	expired.Post("/act/expire", nil)
	lab.Clock.Advance(11 * time.Second)
	edited := lab.Client().SignIn("alice")
	edited.Post("/act/edit", nil)

	if got := len(listed(t, alice)); got != 2 { // alice's own, and the one that the edit left behind
		t.Errorf("%d sessions are listed: %v", got, listed(t, alice))
	}
	before := lab.Rows(t)
	for _, test := range []struct {
		name   string
		by     *webtest.Client
		form   string
		status int
	}{
		{"bob's, by alice", alice, ending(recordOf(bob)).Encode(), 404},
		{"her token", alice, ending(tokenRecord.ID.String()).Encode(), 404},
		{"her notebook", alice, ending(sessions.KeyID("notebook", alice.Cookie(webtest.NotebookCookie)).String()).Encode(), 404},
		{"one that is over", alice, ending(recordOf(expired)).Encode(), 404},
		{"one that never was", alice, ending(strings.Repeat("0", 64)).Encode(), 404},
		{"her own key instead of an ID", alice, ending(alice.Cookie("lab_sessionid")).Encode(), 404},
		{"an ID with more behind it", alice, ending(recordOf(bob) + "0").Encode(), 404},
		{"bytes", alice, "id=%00%ff", 404},
		{"no ID", alice, "", 404},
		{"two IDs", alice, "id=" + recordOf(bob) + "&id=" + recordOf(alice), 400},
		{"by a stranger", lab.Client(), ending(recordOf(alice)).Encode(), 403},
		{"by somebody whom only the plain cookie names", lab.Client().Carry("plain_user", "user=alice&role=teacher"), ending(recordOf(alice)).Encode(), 403},
		{"by a key that was invented", edited, ending(recordOf(alice)).Encode(), 403},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := test.by.Post("/sessions/end", nil, webtest.Body(webtest.FormType, test.form))
			webtest.Guarded(t, r)
			if r.Status != test.status || !strings.Contains(r.Body, `id="error"`) {
				t.Errorf("answered %d, not %d", r.Status, test.status)
			}
			if test.status == 404 && !strings.Contains(r.Body, "There is no such session of yours") {
				t.Errorf("it says %s", r.Body)
			}
		})
	}
	if r := lab.Client().Post("/sessions/end-others", nil); r.Status != http.StatusForbidden {
		t.Errorf("a stranger ends all others: %d", r.Status)
	}
	if r := bob.Post("/sessions/end-others", nil); r.Status != http.StatusSeeOther {
		t.Errorf("bob ends his others: %d", r.Status)
	}
	for _, path := range []string{"/sessions/end", "/sessions/end-others"} {
		if r := alice.Post(path, ending(recordOf(bob)), webtest.With("Sec-Fetch-Site", "cross-site")); r.Status != http.StatusForbidden {
			t.Errorf("another site's form to %s is answered %d", path, r.Status)
		}
		if r := alice.Get(path); r.Status != http.StatusMethodNotAllowed {
			t.Errorf("GET %s is answered %d", path, r.Status)
		}
	}
	if got := alice.Lanes()[lanes.Session].Verdict; got != lanes.Found {
		t.Errorf("alice's session is %s", got)
	}
	sessionsOf := func(rows string) (n int) { return strings.Count(rows, " session:") + strings.Count(rows, " token:") }
	if a, b := sessionsOf(before), sessionsOf(lab.Rows(t)); a != b || a < 4 {
		t.Errorf("of %d sessions and tokens %d are left", a, b)
	}
}

// Many sessions of one name come in pages. Each session is on exactly one page, and
// this browser's comes first.
func TestSessionsComeInPages(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	want := map[string]bool{}
	for i := range 120 {
		if i%7 == 0 { // several were saved at the same instant
			lab.Clock.Advance(time.Second)
		}
		lab.At(t, "alice", fmt.Sprintf("<b>robot-%d", i))
		want[fmt.Sprintf("&lt;b&gt;robot-%d", i)] = true
	}
	sizes, path := []int{}, "/sessions"
	for path != "" {
		page := alice.Get(path)
		clients := clientsOn(page.Body)
		if page.Status != http.StatusOK || strings.Contains(page.Body, "<b>robot") || webtest.Part(t, page.Body, "count", "</p>") != "alice is signed in at 121 places." {
			t.Fatalf("%s is answered %d", path, page.Status)
		}
		if back := strings.Contains(page.Body, `href="/sessions">Back to`); back != (path != "/sessions") {
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
		sizes, path = append(sizes, len(clients)), webtest.NextIn(t, page.Body)
	}
	if fmt.Sprint(sizes) != "[50 50 21]" || len(want) > 0 {
		t.Errorf("pages of %v, and %d stand on none", sizes, len(want))
	}
	// The same page in another language, or with another theme, is the same page.
	second := webtest.NextIn(t, alice.Get("/sessions").Body)
	if page := alice.Get(second).Body; !strings.Contains(page, html.EscapeString("/sessions?"+second[len("/sessions?"):]+"&lang=zh")) {
		t.Error("the other language loses the page")
	}
}

// An address that no page links to is answered 400, or with sessions of this user alone.
func TestSessionsAfterNonsense(t *testing.T) {
	lab := labtest.New(t)
	alice, bob := lab.Client().SignIn("alice"), lab.Client().SignIn("bob")
	id := strings.Repeat("a", 64)
	for _, path := range []string{"/sessions", "/tokens"} {
		for _, after := range []string{"", "x", "_", "2026-11-23T08:00:00Z", "2026-11-23T08:00:00Z_", "2026-11-23T08:00:00Z_x", "_" + id, "1_" + id,
			"2026-13-23T08:00:00Z_" + id, "2026-11-23T08:00:00Z_" + id + "0", "10000-01-01T00:00:00Z_" + id, "2026-11-23T08:00:00Z_" + id + "&after=2026-11-23T08:00:00Z_" + id, "%00", "%ff_%ff"} {
			for name, c := range map[string]*webtest.Client{"alice": alice, "a stranger": lab.Client()} {
				if r := c.Get(path + "?after=" + after); r.Status != http.StatusBadRequest || !strings.Contains(r.Body, "The list has no such page") {
					t.Errorf("%s after %q is answered %d to %s", path, after, r.Status, name)
				}
			}
		}
		for _, after := range []string{"9999-12-31T23:59:59.999999999Z_" + id, "0001-01-01T00:00:00Z_" + id, "0000-01-01T00:00:00Z_" + id, "2026-11-23T08:00:00%2B14:00_" + id} {
			r := alice.Get(path + "?after=" + after)
			if r.Status != http.StatusOK || strings.Contains(r.Body, recordOf(bob)) {
				t.Errorf("%s after %q is answered %d", path, after, r.Status)
			}
		}
	}
}

// However many sessions there are, the page stays small, and loads only the data of those
// that it lists. The count then says only that they are more than 1000.
func TestManySessionsOfOne(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	record := sessions.Record{Owner: "session:alice", Created: lab.Clock.Now(), Saved: lab.Clock.Now(), Expires: lab.Clock.Now().Add(time.Hour), Data: []byte("{}")}
	for i := range 1100 {
		record.ID = sessions.ID{1, byte(i), byte(i >> 8)}
		if err := lab.Sessions.Create(context.Background(), record); err != nil {
			t.Fatal(err)
		}
	}
	for language, words := range map[string]string{"en": "alice is signed in at more than 1000 places.", "zh": "alice 在 1000 多个地方登录了。"} {
		if got := webtest.Part(t, alice.Get("/sessions?lang="+language).Body, "count", "</p>"); got != words {
			t.Errorf("in %s it counts: %s", language, got)
		}
	}
	page := alice.Get("/sessions").Body
	if end, list := strings.Index(page, `action="/sessions/end-others"`), strings.Index(page, `id="list"`); strings.Count(page, "/sessions/end-others") != 1 || end > list {
		t.Error("what ends all others does not stand above a list of many, once")
	}
	asked := map[string]int{}
	lab.Sessions.Before = func(op string) error { asked[op]++; return nil }
	if page := alice.Get("/sessions"); len(clientsOn(page.Body)) != 50 || asked["load"] > 60 || asked["by owner"] != 1 {
		t.Errorf("%d are listed, and the store was asked %v", len(clientsOn(page.Body)), asked)
	}
	lab.Sessions.Before = nil
	alice.Post("/sessions/end-others", nil)
	if page := alice.Get("/wire?lang=en").Body; strings.Count(page, "The server asked the store more often") != 1 || strings.Contains(page, "and is cut") {
		t.Errorf("the wire does not say once that the store was asked more often than is drawn: %d, %t", strings.Count(page, "more often"), strings.Contains(page, "and is cut"))
	}
}

// slowToDelete is a store that is slow to delete, and otherwise not.
type slowToDelete struct {
	sessions.Store
	takes time.Duration
}

func (s *slowToDelete) Delete(ctx context.Context, id sessions.ID, version uint64) error {
	return labtest.Slow{Store: s.Store, Takes: &s.takes}.Delete(ctx, id, version)
}

// Ending very many sessions takes long: after some seconds the page says how many were
// ended so far, and the next click ends more. (Its own time: testing/synctest.)
func TestEndingVeryManyOthersIsAnswered(t *testing.T) {
	labtest.InItsOwnTime(t, func(t *testing.T, lab *labtest.Lab, _ func() net.Conn) {
		alice := lab.Client().SignIn("alice")
		for range 10 {
			lab.Client().SignIn("alice")
		}
		slow := &slowToDelete{Store: lab.Sessions.Store, takes: 900 * time.Millisecond}
		lab.Sessions.Store = slow
		began := time.Now()
		r := alice.Post("/sessions/end-others", nil)
		if took := time.Since(began); r.Status != http.StatusSeeOther || took > 15*time.Second {
			t.Fatalf("answered %d after %v: %s", r.Status, took, r.Body)
		}
		for language, words := range map[string]string{"en": "Ended so far: 5 other sessions. More are left", "zh": "目前已结束其他 5 个 Session，还有没结束的"} {
			if got := webtest.Part(t, alice.Get("/sessions?lang="+language).Body, "ended", "</p>"); !strings.Contains(got, words) {
				t.Errorf("in %s it says %q", language, got)
			}
		}
		alice.Get("/sessions?lang=en")
		slow.takes = 0
		alice.Post("/sessions/end-others", nil)
		if got := webtest.Part(t, alice.Get("/sessions").Body, "ended", "</p>"); !strings.Contains(got, "Ended: 5 other sessions.") {
			t.Errorf("then it says %q", got)
		}
	})
}

// Each engine says how it finds them.
func TestSessionsPageSaysHow(t *testing.T) {
	for engine, want := range map[string]string{
		"db": "indexed by their owner", "cached_db": "behind the cache", "cache": "a list of each owner’s", "file": "walked through its whole folder",
	} {
		lab := labtest.New(t, func(c *handlers.Config) { labtest.ReadFor(c, engine) })
		if got := webtest.Part(t, lab.Client().SignIn("alice").Get("/sessions").Body, "how", "</p>"); !strings.HasPrefix(got, "Engine "+engine+": ") || !strings.Contains(got, want) {
			t.Errorf("%s: %s", engine, got)
		}
	}
}

// recordOf is the ID of the record that a client's key leads to.
func recordOf(c *webtest.Client) string {
	return sessions.KeyID("session", c.Cookie("lab_sessionid")).String()
}

// listed are the programs on the page, in order.
func listed(t *testing.T, c *webtest.Client) (clients []string) {
	t.Helper()
	return clientsOn(c.Get("/sessions").Body)
}

// clientsOn are the programs on a page.
func clientsOn(page string) (clients []string) {
	for _, match := range regexp.MustCompile(`(?s)<p class="client">.*?</p>`).FindAllString(page, -1) {
		clients = append(clients, strings.Join(strings.Fields(webtest.MarkupIn.ReplaceAllString(match, " ")), " "))
	}
	return clients
}
