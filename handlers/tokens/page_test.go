// The page of the tokens, over HTTP; tokens_browser_test.go has it in browsers.

package tokens_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"cookielab/handlers/labtest"
	"cookielab/handlers/notebook"
	"cookielab/handlers/webtest"
	"cookielab/sessions/storetest"
)

// cell is what one cell of the page says.
func cell(t *testing.T, page webtest.Reply, id string) string {
	t.Helper()
	found := regexp.MustCompile(`(?s)<td role="cell" id="` + id + `"(.*?)</td>`).FindStringSubmatch(page.Body)
	if found == nil {
		t.Fatalf("there is no cell %s: %d %.200s", id, page.Status, page.Body)
	}
	return html.UnescapeString(found[1])
}

// whole is a token that the page shows whole, "" where it does not.
func whole(page webtest.Reply, kind string) string {
	found := regexp.MustCompile(`id="whole-` + kind + `" tabindex="0">([^<]+)<`).FindStringSubmatch(page.Body)
	if found == nil {
		return ""
	}
	return html.UnescapeString(found[1])
}

func TestTokensPage(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client() // not signed in: a token needs no session
	says := func(page webtest.Reply, id string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if got := cell(t, page, id); !strings.Contains(got, want) {
				t.Errorf("%s does not say %q: %s", id, want, got)
			}
		}
	}
	happened := func(page webtest.Reply, want string) {
		t.Helper()
		if !strings.Contains(page.Body, `role="status">`+webtest.Escaped(want)) {
			t.Errorf("it does not say %q", want)
		}
	}
	page := c.Get("/tokens")
	happened(page, "Your program has no token yet.")
	for _, path := range []string{"/tokens/ask", "/tokens/end"} { // without any: nothing happens, and the page says why
		if r := c.Post(path, nil); r.Status != http.StatusSeeOther || r.Header.Get("Location") != "/tokens" {
			t.Errorf("%s without a token: %d", path, r.Status)
		}
		happened(c.Get("/tokens"), "Your program has no token yet.")
	}

	if r := c.Post("/tokens", webtest.Login("alice")); r.Status != http.StatusSeeOther || r.Header.Get("Location") != "/tokens" || strings.Contains(r.Body, "Token ") {
		t.Errorf("getting them is answered %d %s", r.Status, r.Body)
	}
	if head := c.Do(http.MethodHead, "/tokens"); head.Status != http.StatusOK || head.Body != "" {
		t.Errorf("HEAD: %d %s", head.Status, head.Body)
	}
	page = c.Get("/tokens")
	happened(page, "alice has a token of each kind.")
	opaque, sealed := whole(page, "opaque"), whole(page, "sealed")
	if !regexp.MustCompile(`^[0-9a-f]{40}$`).MatchString(opaque) || len(sealed) < 100 {
		t.Fatalf("shown whole: %q and %q", opaque, sealed)
	}
	says(page, "keeps-opaque", opaque[:4]+"…"+opaque[38:], "40 characters")
	says(page, "keeps-sealed", sealed[:4]+"…", "alice", "student")
	says(page, "server-opaque", "alice", "student", "filed under")
	says(page, "server-sealed", "one secret for everybody")
	says(page, "readable-sealed", `"_user":"alice"`, `"_role":"student"`)
	says(page, "readable-opaque", "There is nothing to read")
	for _, id := range []string{"concludes-opaque", "concludes-sealed"} {
		says(page, id, "not asked yet")
	}
	ends := lab.Clock.Now().Add(14 * 24 * time.Hour).UTC().Format("2006-01-02T15:04:05Z")
	says(page, "until-opaque", ends)
	says(page, "until-sealed", ends)

	// Once, and in no other browser.
	for who, other := range map[string]webtest.Reply{"again": c.Get("/tokens"), "a stranger": lab.Client().Get("/tokens"), "the wire": c.Get("/wire"), "the API": c.Get("/api/wire")} {
		if strings.Contains(other.Body, opaque) || strings.Contains(other.Body, sealed) {
			t.Errorf("%s: shown twice", who)
		}
	}

	// Used, as a program does: no cookie of the browser's goes along.
	c.Post("/tokens/ask", nil)
	page = c.Get("/tokens")
	happened(page, "Both were accepted.")
	says(page, "sent-opaque", "Token "+opaque[:4]+"…"+opaque[38:], "46 B", "no Cookie")
	says(page, "concludes-opaque", `data-verdict="found"`, "alice", "200 OK")
	says(page, "concludes-sealed", `data-verdict="verified"`, "alice", "200 OK")
	wire := lab.WireOf(c.Cookie(webtest.NotebookCookie))
	var others []string
	for _, e := range wire {
		if e.Client == notebook.ClientOther {
			others = append(others, e.Method+" "+e.Target)
			if e.Cookie != "" || e.UserAgent != "another-program/1.0" || len(e.SetCookie) > 0 {
				t.Errorf("the program sent %+v", e)
			}
		}
	}
	if got := strings.Join(others, ", "); got != "GET /api/whoami, GET /api/whoami/sealed" {
		t.Errorf("the program sent %s", got)
	}

	// Ended: what can be is dead at once.
	c.Post("/tokens/end", nil)
	page = c.Get("/tokens")
	happened(page, "The opaque token is over: its record is gone.")
	says(page, "endable-opaque", "204 No Content")
	says(page, "endable-sealed", "409 Conflict", "no list of such tokens")
	says(page, "server-opaque", "no record")
	says(page, "concludes-opaque", `data-verdict="unknown"`, "401 Unauthorized")
	says(page, "concludes-sealed", `data-verdict="verified"`, "200 OK")
	webtest.IsNobody(t, "the opaque token, elsewhere", lab.Client().Get("/api/whoami", webtest.Sending(opaque)))
	webtest.IsAlice(t, "the self-contained one, where it is checked", lab.Client().Get("/api/whoami/sealed", webtest.Sending(sealed)), "token")
	webtest.IsNobody(t, "the self-contained one, where it does not count", lab.Client().Get("/api/whoami", webtest.Sending(sealed)))
	webtest.IsNobody(t, "an opaque one where self-contained ones are checked", lab.Client().Get("/api/whoami/sealed", webtest.Sending(lab.Client().Token("alice"))))
	webtest.IsNobody(t, "a changed one", lab.Client().Get("/api/whoami/sealed", webtest.Sending(webtest.ForgeSigned(sealed))))
	webtest.IsNobody(t, "a signed cookie as a token", lab.Client().Get("/api/whoami/sealed", webtest.Sending(lab.Client().SignIn("alice").Cookie("signed_user"))))

	// It works until its time is over.
	lab.Clock.Advance(14*24*time.Hour + time.Second)
	c.Post("/tokens/ask", nil)
	page = c.Get("/tokens")
	happened(page, "The server accepts none of them any more.")
	says(page, "concludes-sealed", `data-verdict="expired"`, "401 Unauthorized")
}

func TestTokensPageRefuses(t *testing.T) {
	lab := labtest.New(t)
	for _, test := range []struct {
		form   url.Values
		status int
		says   string
	}{
		{webtest.Wrong("alice"), http.StatusForbidden, "That is not the class password."},
		{webtest.Wrong("no name"), http.StatusUnprocessableEntity, "A name has 1 to 30 letters"},
		{url.Values{"username": {"teacher"}, "password": {webtest.ClassPassword}}, http.StatusForbidden, "needs the PIN"},
	} {
		c := lab.Client()
		r := c.Post("/tokens", test.form)
		if r.Status != test.status || !strings.Contains(r.Body, webtest.Escaped(test.says)) || !strings.Contains(r.Body, `action="/tokens"`) {
			t.Errorf("%v is answered %d", test.form, r.Status)
		}
		webtest.Guarded(t, r)
		if rows := lab.Rows(t); strings.Contains(rows, "token:") {
			t.Errorf("%v made a token: %s", test.form, rows)
		}
	}
	if r := lab.Client().Post("/tokens", url.Values{"username": {"a", "b"}, "password": {webtest.ClassPassword}}); r.Status != http.StatusBadRequest {
		t.Errorf("two names are answered %d", r.Status)
	}
	// A refusal does not use up the one time that a token is shown.
	c := lab.Client()
	c.Post("/tokens", webtest.Login("alice"))
	if r := c.Post("/tokens", webtest.Wrong("alice")); whole(r, "opaque") != "" {
		t.Error("the refusal shows the token")
	}
	if whole(c.Get("/tokens"), "opaque") == "" {
		t.Error("after a refusal the token is not shown any more")
	}
	if r := lab.Client().Post("/tokens", webtest.Login("teacher")); r.Status != http.StatusSeeOther {
		t.Errorf("the teacher is answered %d", r.Status)
	}
}

// Whoever is signed in by the session sees the own tokens, and ends them.
func TestListOfTokens(t *testing.T) {
	lab := labtest.New(t)
	alice, bob := lab.Client().SignIn("alice"), lab.Client().SignIn("bob")
	if page := lab.Client().Get("/tokens"); !strings.Contains(page.Body, `href="/login?next=/tokens"`) || strings.Contains(page.Body, `action="/tokens/revoke"`) {
		t.Error("a stranger sees a list")
	}
	theirs := bob.Token("bob")
	one := lab.Client().AskToken(`{"username":"alice","password":"cookies"}`, webtest.With("User-Agent", "curl/8.5.0"))
	lab.Clock.Advance(time.Second)
	two := alice.Token("alice")
	ids := func(c *webtest.Client) (ids []string) {
		for _, found := range regexp.MustCompile(`data-id="([0-9a-f]{64})"`).FindAllStringSubmatch(c.Get("/tokens").Body, -1) {
			ids = append(ids, found[1])
		}
		return ids
	}
	mine := ids(alice)
	if len(mine) != 2 || len(ids(bob)) != 1 || one.Status != http.StatusCreated {
		t.Fatalf("alice sees %v, bob %v", mine, ids(bob))
	}
	page := alice.Get("/tokens").Body
	for _, want := range []string{"<td>curl/8.5.0</td>", `value="alice"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the list does not say %q", want)
		}
	}
	if strings.Contains(page, two) {
		t.Error("the list shows a token")
	}
	revoke := func(c *webtest.Client, ids ...string) webtest.Reply {
		return c.Post("/tokens/revoke", url.Values{"id": ids})
	}
	for what, r := range map[string]webtest.Reply{"bob's": revoke(alice, ids(bob)[0]), "none": revoke(alice, ""), "a text": revoke(alice, "x"), "no record": revoke(alice, strings.Repeat("0", 64))} {
		if r.Status != http.StatusNotFound {
			t.Errorf("ending %s is answered %d", what, r.Status)
		}
	}
	if r := revoke(alice, mine...); r.Status != http.StatusBadRequest {
		t.Errorf("two at once are answered %d", r.Status)
	}
	if r := revoke(lab.Client(), mine[0]); r.Status != http.StatusSeeOther || r.Header.Get("Location") != "/login?next=/tokens" {
		t.Errorf("a stranger is answered %d to %s", r.Status, r.Header.Get("Location"))
	}
	plain := lab.Client().Carry("plain_user", "user=alice&role=student")
	if r := revoke(plain, mine[0]); r.Header.Get("Location") != "/login?next=/tokens" || strings.Contains(plain.Get("/tokens").Body, mine[0]) {
		t.Error("a plain cookie is enough to see or end alice's tokens")
	}
	if got := ids(alice); len(got) != 2 {
		t.Fatalf("afterwards alice sees %v", got)
	}
	if r := revoke(alice, mine[0]); r.Status != http.StatusSeeOther || r.Header.Get("Location") != "/tokens#mine" {
		t.Errorf("the own one is answered %d", r.Status)
	}
	webtest.IsNobody(t, "the newest, which was ended", alice.Get("/api/whoami", webtest.Sending(two)))
	if r := bob.Get("/api/whoami", webtest.Sending(theirs)); r.Status != http.StatusOK {
		t.Errorf("bob's is answered %d", r.Status)
	}
	for range 22 {
		alice.Token("alice")
	}
	page = alice.Get("/tokens").Body
	if got := ids(alice); len(got) != 20 {
		t.Errorf("of 23 are listed %d", len(got))
	}
	rest := alice.Get(webtest.NextIn(t, page)).Body
	if n := strings.Count(rest, "<tr data-id="); n != 3 || webtest.NextIn(t, rest) != "" || !strings.Contains(rest, `href="/tokens#mine"`) {
		t.Errorf("of the next 3 are listed %d", n)
	}
}

// Where nothing lies on the server the page has no opaque token, and says so.
func TestTokensPageOnSignedCookies(t *testing.T) {
	lab := labtest.New(t, labtest.InCookies)
	c := lab.Client().SignIn("alice")
	c.Post("/tokens", webtest.Login("alice"))
	page := c.Get("/tokens")
	token := whole(page, "sealed")
	if strings.Contains(page.Body, `id="keeps-opaque"`) || !strings.Contains(page.Body, `id="no-opaque"`) || token == "" {
		t.Fatalf("the page: %.3000s", page.Body)
	}
	webtest.IsAlice(t, "the page's token, which is what /api/token issues here", c.Get("/api/whoami", webtest.Sending(token)), "token")
	c.Post("/tokens/end", nil)
	page = c.Get("/tokens")
	if got := cell(t, page, "endable-sealed"); !strings.Contains(got, "409 Conflict") {
		t.Errorf("ending says %s", got)
	}
	if !strings.Contains(page.Body, "It could not be ended: the server has no list of such tokens.") || strings.Contains(page.Body, `action="/tokens/revoke"`) {
		t.Error("the page does not say that it stays")
	}
	if r := c.Post("/tokens/revoke", url.Values{"id": {strings.Repeat("0", 64)}}); r.Status != http.StatusConflict {
		t.Errorf("ending one of the list is answered %d", r.Status)
	}
}

// The program's requests fail with the store: the page shows no half of it.
func TestTokensPageWithoutAStore(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client()
	c.Post("/tokens", webtest.Login("alice"))
	c.Get("/tokens")
	lab.Sessions.Before = storetest.Down()
	if r := c.Post("/tokens/ask", nil); r.Status != http.StatusSeeOther {
		t.Errorf("asking is answered %d", r.Status)
	}
	lab.Sessions.Before = nil
	page := c.Get("/tokens")
	if got := cell(t, page, "concludes-opaque"); !strings.Contains(got, "503 Service Unavailable") || strings.Contains(got, "alice") {
		t.Errorf("the page says %s", got)
	}
	lab.Sessions.Before = storetest.Down("create")
	if r := lab.Client().Post("/tokens", webtest.Login("alice")); r.Status != http.StatusServiceUnavailable || len(r.Cookies) > 0 {
		t.Errorf("getting one is answered %d with %v", r.Status, r.Cookies)
	}
}

func TestTokensForeign(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client()
	c.Post("/tokens", webtest.Login("alice"))
	token := whole(c.Get("/tokens"), "opaque")
	for _, path := range []string{"/tokens", "/tokens/ask", "/tokens/end", "/tokens/revoke"} {
		if r := c.Post(path, webtest.Login("mallory"), webtest.With("Sec-Fetch-Site", "cross-site")); r.Status != http.StatusForbidden {
			t.Errorf("%s is answered %d", path, r.Status)
		}
	}
	webtest.IsAlice(t, "the token", c.Get("/api/whoami", webtest.Sending(token)), "token")
}
