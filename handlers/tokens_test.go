// The page of the tokens, over HTTP; tokens_browser_test.go has it in browsers.

package handlers_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"cookielab/handlers/notebook"
	"cookielab/sessions/storetest"
)

// cell is what one cell of the page says.
func cell(t *testing.T, page reply, id string) string {
	t.Helper()
	found := regexp.MustCompile(`(?s)<td role="cell" id="` + id + `"(.*?)</td>`).FindStringSubmatch(page.body)
	if found == nil {
		t.Fatalf("there is no cell %s: %d %.200s", id, page.status, page.body)
	}
	return html.UnescapeString(found[1])
}

// whole is a token that the page shows whole, "" where it does not.
func whole(page reply, kind string) string {
	found := regexp.MustCompile(`id="whole-` + kind + `" tabindex="0">([^<]+)<`).FindStringSubmatch(page.body)
	if found == nil {
		return ""
	}
	return html.UnescapeString(found[1])
}

func TestTokensPage(t *testing.T) {
	lab := newLab(t)
	c := lab.client() // not signed in: a token needs no session
	says := func(page reply, id string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if got := cell(t, page, id); !strings.Contains(got, want) {
				t.Errorf("%s does not say %q: %s", id, want, got)
			}
		}
	}
	happened := func(page reply, want string) {
		t.Helper()
		if !strings.Contains(page.body, `role="status">`+escaped(want)) {
			t.Errorf("it does not say %q", want)
		}
	}
	page := c.get("/tokens")
	happened(page, "Your program has no token yet.")
	for _, path := range []string{"/tokens/ask", "/tokens/end"} { // without any: nothing happens, and the page says why
		if r := c.post(path, nil); r.status != http.StatusSeeOther || r.header.Get("Location") != "/tokens" {
			t.Errorf("%s without a token: %d", path, r.status)
		}
		happened(c.get("/tokens"), "Your program has no token yet.")
	}

	if r := c.post("/tokens", login("alice")); r.status != http.StatusSeeOther || r.header.Get("Location") != "/tokens" || strings.Contains(r.body, "Token ") {
		t.Errorf("getting them is answered %d %s", r.status, r.body)
	}
	if head := c.do(http.MethodHead, "/tokens"); head.status != http.StatusOK || head.body != "" {
		t.Errorf("HEAD: %d %s", head.status, head.body)
	}
	page = c.get("/tokens")
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
	ends := lab.clock.Now().Add(14 * 24 * time.Hour).UTC().Format("2006-01-02T15:04:05Z")
	says(page, "until-opaque", ends)
	says(page, "until-sealed", ends)

	// Once, and in no other browser.
	for who, other := range map[string]reply{"again": c.get("/tokens"), "a stranger": lab.client().get("/tokens"), "the wire": c.get("/wire"), "the API": c.get("/api/wire")} {
		if strings.Contains(other.body, opaque) || strings.Contains(other.body, sealed) {
			t.Errorf("%s: shown twice", who)
		}
	}

	// Used, as a program does: no cookie of the browser's goes along.
	c.post("/tokens/ask", nil)
	page = c.get("/tokens")
	happened(page, "Both were accepted.")
	says(page, "sent-opaque", "Token "+opaque[:4]+"…"+opaque[38:], "46 B", "no Cookie")
	says(page, "concludes-opaque", `data-verdict="found"`, "alice", "200 OK")
	says(page, "concludes-sealed", `data-verdict="verified"`, "alice", "200 OK")
	wire := lab.WireOf(c.cookie(notebookCookie))
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
	c.post("/tokens/end", nil)
	page = c.get("/tokens")
	happened(page, "The opaque token is over: its record is gone.")
	says(page, "endable-opaque", "204 No Content")
	says(page, "endable-sealed", "409 Conflict", "no list of such tokens")
	says(page, "server-opaque", "no record")
	says(page, "concludes-opaque", `data-verdict="unknown"`, "401 Unauthorized")
	says(page, "concludes-sealed", `data-verdict="verified"`, "200 OK")
	isNobody(t, "the opaque token, elsewhere", lab.client().get("/api/whoami", sending(opaque)))
	isAlice(t, "the self-contained one, where it is checked", lab.client().get("/api/whoami/sealed", sending(sealed)), "token")
	isNobody(t, "the self-contained one, where it does not count", lab.client().get("/api/whoami", sending(sealed)))
	isNobody(t, "an opaque one where self-contained ones are checked", lab.client().get("/api/whoami/sealed", sending(lab.client().token("alice"))))
	isNobody(t, "a changed one", lab.client().get("/api/whoami/sealed", sending(forgeSigned(sealed))))
	isNobody(t, "a signed cookie as a token", lab.client().get("/api/whoami/sealed", sending(lab.client().signIn("alice").cookie("signed_user"))))

	// It works until its time is over.
	lab.clock.Advance(14*24*time.Hour + time.Second)
	c.post("/tokens/ask", nil)
	page = c.get("/tokens")
	happened(page, "The server accepts none of them any more.")
	says(page, "concludes-sealed", `data-verdict="expired"`, "401 Unauthorized")
}

func TestTokensPageRefuses(t *testing.T) {
	lab := newLab(t)
	for _, test := range []struct {
		form   url.Values
		status int
		says   string
	}{
		{wrong("alice"), http.StatusForbidden, "That is not the class password."},
		{wrong("no name"), http.StatusUnprocessableEntity, "A name has 1 to 30 letters"},
		{url.Values{"username": {"teacher"}, "password": {classPassword}}, http.StatusForbidden, "needs the PIN"},
	} {
		c := lab.client()
		r := c.post("/tokens", test.form)
		if r.status != test.status || !strings.Contains(r.body, escaped(test.says)) || !strings.Contains(r.body, `action="/tokens"`) {
			t.Errorf("%v is answered %d", test.form, r.status)
		}
		guarded(t, r)
		if rows := lab.rows(t); strings.Contains(rows, "token:") {
			t.Errorf("%v made a token: %s", test.form, rows)
		}
	}
	if r := lab.client().post("/tokens", url.Values{"username": {"a", "b"}, "password": {classPassword}}); r.status != http.StatusBadRequest {
		t.Errorf("two names are answered %d", r.status)
	}
	// A refusal does not use up the one time that a token is shown.
	c := lab.client()
	c.post("/tokens", login("alice"))
	if r := c.post("/tokens", wrong("alice")); whole(r, "opaque") != "" {
		t.Error("the refusal shows the token")
	}
	if whole(c.get("/tokens"), "opaque") == "" {
		t.Error("after a refusal the token is not shown any more")
	}
	if r := lab.client().post("/tokens", login("teacher")); r.status != http.StatusSeeOther {
		t.Errorf("the teacher is answered %d", r.status)
	}
}

// Whoever is signed in by the session sees the own tokens, and ends them.
func TestListOfTokens(t *testing.T) {
	lab := newLab(t)
	alice, bob := lab.client().signIn("alice"), lab.client().signIn("bob")
	if page := lab.client().get("/tokens"); !strings.Contains(page.body, `href="/login?next=/tokens"`) || strings.Contains(page.body, `action="/tokens/revoke"`) {
		t.Error("a stranger sees a list")
	}
	theirs := bob.token("bob")
	one := lab.client().askToken(`{"username":"alice","password":"cookies"}`, with("User-Agent", "curl/8.5.0"))
	lab.clock.Advance(time.Second)
	two := alice.token("alice")
	ids := func(c *client) (ids []string) {
		for _, found := range regexp.MustCompile(`data-id="([0-9a-f]{64})"`).FindAllStringSubmatch(c.get("/tokens").body, -1) {
			ids = append(ids, found[1])
		}
		return ids
	}
	mine := ids(alice)
	if len(mine) != 2 || len(ids(bob)) != 1 || one.status != http.StatusCreated {
		t.Fatalf("alice sees %v, bob %v", mine, ids(bob))
	}
	page := alice.get("/tokens").body
	for _, want := range []string{"<td>curl/8.5.0</td>", `value="alice"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the list does not say %q", want)
		}
	}
	if strings.Contains(page, two) {
		t.Error("the list shows a token")
	}
	revoke := func(c *client, ids ...string) reply { return c.post("/tokens/revoke", url.Values{"id": ids}) }
	for what, r := range map[string]reply{"bob's": revoke(alice, ids(bob)[0]), "none": revoke(alice, ""), "a text": revoke(alice, "x"), "no record": revoke(alice, strings.Repeat("0", 64))} {
		if r.status != http.StatusNotFound {
			t.Errorf("ending %s is answered %d", what, r.status)
		}
	}
	if r := revoke(alice, mine...); r.status != http.StatusBadRequest {
		t.Errorf("two at once are answered %d", r.status)
	}
	if r := revoke(lab.client(), mine[0]); r.status != http.StatusSeeOther || r.header.Get("Location") != "/login?next=/tokens" {
		t.Errorf("a stranger is answered %d to %s", r.status, r.header.Get("Location"))
	}
	plain := lab.client().carry("plain_user", "user=alice&role=student")
	if r := revoke(plain, mine[0]); r.header.Get("Location") != "/login?next=/tokens" || strings.Contains(plain.get("/tokens").body, mine[0]) {
		t.Error("a plain cookie is enough to see or end alice's tokens")
	}
	if got := ids(alice); len(got) != 2 {
		t.Fatalf("afterwards alice sees %v", got)
	}
	if r := revoke(alice, mine[0]); r.status != http.StatusSeeOther || r.header.Get("Location") != "/tokens#mine" {
		t.Errorf("the own one is answered %d", r.status)
	}
	isNobody(t, "the newest, which was ended", alice.get("/api/whoami", sending(two)))
	if r := bob.get("/api/whoami", sending(theirs)); r.status != http.StatusOK {
		t.Errorf("bob's is answered %d", r.status)
	}
	for range 22 {
		alice.token("alice")
	}
	page = alice.get("/tokens").body
	if got := ids(alice); len(got) != 20 {
		t.Errorf("of 23 are listed %d", len(got))
	}
	rest := alice.get(nextIn(t, page)).body
	if n := strings.Count(rest, "<tr data-id="); n != 3 || nextIn(t, rest) != "" || !strings.Contains(rest, `href="/tokens#mine"`) {
		t.Errorf("of the next 3 are listed %d", n)
	}
}

// Where nothing lies on the server the page has no opaque token, and says so.
func TestTokensPageOnSignedCookies(t *testing.T) {
	lab := newLab(t, inCookies)
	c := lab.client().signIn("alice")
	c.post("/tokens", login("alice"))
	page := c.get("/tokens")
	token := whole(page, "sealed")
	if strings.Contains(page.body, `id="keeps-opaque"`) || !strings.Contains(page.body, `id="no-opaque"`) || token == "" {
		t.Fatalf("the page: %.3000s", page.body)
	}
	isAlice(t, "the page's token, which is what /api/token issues here", c.get("/api/whoami", sending(token)), "token")
	c.post("/tokens/end", nil)
	page = c.get("/tokens")
	if got := cell(t, page, "endable-sealed"); !strings.Contains(got, "409 Conflict") {
		t.Errorf("ending says %s", got)
	}
	if !strings.Contains(page.body, "It could not be ended: the server has no list of such tokens.") || strings.Contains(page.body, `action="/tokens/revoke"`) {
		t.Error("the page does not say that it stays")
	}
	if r := c.post("/tokens/revoke", url.Values{"id": {strings.Repeat("0", 64)}}); r.status != http.StatusConflict {
		t.Errorf("ending one of the list is answered %d", r.status)
	}
}

// The program's requests fail with the store: the page shows no half of it.
func TestTokensPageWithoutAStore(t *testing.T) {
	lab := newLab(t)
	c := lab.client()
	c.post("/tokens", login("alice"))
	c.get("/tokens")
	lab.sessions.Before = storetest.Down()
	if r := c.post("/tokens/ask", nil); r.status != http.StatusSeeOther {
		t.Errorf("asking is answered %d", r.status)
	}
	lab.sessions.Before = nil
	page := c.get("/tokens")
	if got := cell(t, page, "concludes-opaque"); !strings.Contains(got, "503 Service Unavailable") || strings.Contains(got, "alice") {
		t.Errorf("the page says %s", got)
	}
	lab.sessions.Before = storetest.Down("create")
	if r := lab.client().post("/tokens", login("alice")); r.status != http.StatusServiceUnavailable || len(r.cookies) > 0 {
		t.Errorf("getting one is answered %d with %v", r.status, r.cookies)
	}
}

func TestTokensForeign(t *testing.T) {
	lab := newLab(t)
	c := lab.client()
	c.post("/tokens", login("alice"))
	token := whole(c.get("/tokens"), "opaque")
	for _, path := range []string{"/tokens", "/tokens/ask", "/tokens/end", "/tokens/revoke"} {
		if r := c.post(path, login("mallory"), with("Sec-Fetch-Site", "cross-site")); r.status != http.StatusForbidden {
			t.Errorf("%s is answered %d", path, r.status)
		}
	}
	isAlice(t, "the token", c.get("/api/whoami", sending(token)), "token")
}
