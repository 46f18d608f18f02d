// What each lane concludes, as programs read it at /api/lanes.

package handlers_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"cookielab/handlers"
	"cookielab/handlers/lanes"
)

func TestLoginSetsAllThreeCookies(t *testing.T) {
	lab := newLab(t)
	r := lab.client().post("/login", login("alice"))
	if r.status != http.StatusSeeOther || r.header.Get("Location") != "/dashboard" {
		t.Fatalf("login answers %d to %q", r.status, r.header.Get("Location"))
	}
	ends := lab.clock.Now().Add(14 * 24 * time.Hour).UTC().Format(http.TimeFormat)
	want := map[string]string{
		"plain_user":    "Path=/; Expires=" + ends + "; Max-Age=1209600; SameSite=Lax",
		"signed_user":   "Path=/; Expires=" + ends + "; Max-Age=1209600; HttpOnly; SameSite=Lax",
		"lab_sessionid": "Path=/; Expires=" + ends + "; Max-Age=1209600; HttpOnly; SameSite=Lax",
	}
	for _, line := range r.header["Set-Cookie"] {
		pair, attributes, _ := strings.Cut(line, "; ")
		name, value, _ := strings.Cut(pair, "=")
		if name == notebookCookie {
			continue
		}
		if attributes != want[name] {
			t.Errorf("%s is set with %q, want %q", name, attributes, want[name])
		}
		if name == "plain_user" && value != "user=alice&role=student" {
			t.Errorf("plain_user is %q", value)
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("not set: %v", slices.Sorted(maps.Keys(want)))
	}
}

func TestLogoutForgetsAllThree(t *testing.T) {
	lab := newLab(t)
	alice := lab.client().signIn("alice")
	thief := alice.thief()
	r := alice.post("/logout", nil)
	for _, name := range cookieOf {
		cookie := r.sets(name)
		if cookie == nil || cookie.MaxAge >= 0 || cookie.Value != "" || cookie.Path != "/" || cookie.RawExpires != "Thu, 01 Jan 1970 00:00:00 GMT" {
			t.Errorf("the deletion of %s is %v", name, cookie)
		}
	}
	if got := alice.verdicts(); got != nowhere {
		t.Errorf("after logging out: %s", got)
	}
	thief.drop(notebookCookie)
	if got := thief.verdicts(); got != "believed verified unknown" {
		t.Errorf("the copies after the logout: %s", got)
	}
}

func TestLanesAnswer(t *testing.T) {
	lab := newLab(t)
	alice := lab.client().signIn("alice")
	stranger := lab.client()

	var answer struct{ Lanes []map[string]json.RawMessage }
	if err := json.Unmarshal([]byte(stranger.get("/api/lanes").body), &answer); err != nil {
		t.Fatal(err)
	}
	for i, id := range laneIDs {
		lane := answer.Lanes[i]
		want := []string{"attributes", "browser_expires_at", "checks", "cookie", "id", "reason", "role", "sent", "server_expires_at", "server_keeps", "user", "verdict"}
		if got := slices.Sorted(maps.Keys(lane)); !slices.Equal(got, want) {
			t.Errorf("a lane has the fields %v, want %v", got, want)
		}
		for field, want := range map[string]string{
			"id": `"` + id + `"`, "cookie": `"` + cookieOf[id] + `"`, "sent": "false", "verdict": `"absent"`,
			"user": "null", "role": "null", "attributes": "null", "browser_expires_at": "null", "server_expires_at": "null",
		} {
			if got := string(lane[field]); got != want {
				t.Errorf("%s of %s for a stranger is %s, want %s", field, id, got, want)
			}
		}
	}

	two := lab.clock.Now().Add(14 * 24 * time.Hour)
	found := alice.lanes()
	for _, id := range laneIDs {
		lane := found[id]
		if !lane.Sent || *lane.User != "alice" || *lane.Role != "student" {
			t.Errorf("%s: %+v", id, lane)
		}
		for _, check := range lane.Checks {
			if !check.OK {
				t.Errorf("%s: check %s failed: %s", id, check.Name, check.Detail)
			}
		}
		if a := lane.Attributes; a == nil || a.Path != "/" || a.Domain != "" || a.SameSite != "Lax" || a.HTTPOnly != (id != "plain") || *a.MaxAge != 1209600 {
			t.Errorf("%s: attributes %+v", id, a)
		}
		if at := lane.BrowserExpires; at == nil || at.Sub(two).Abs() > time.Second {
			t.Errorf("%s ends by the browser's clock at %v, want %v", id, at, two)
		}
		switch at := lane.ServerExpires; {
		case id == "plain" && at != nil:
			t.Errorf("plain ends by the server's clock at %v, but the server has none for it", at)
		case id != "plain" && (at == nil || at.Sub(two).Abs() > time.Second):
			t.Errorf("%s ends by the server's clock at %v, want %v", id, at, two)
		}
	}
	// The same cookies without the notebook: the lab did not see this program's being set.
	other := alice.thief()
	other.drop(notebookCookie)
	for id, lane := range other.lanes() {
		if lane.Attributes != nil || lane.BrowserExpires != nil {
			t.Errorf("%s: attributes %+v for a program whose notebook did not see them set", id, lane.Attributes)
		}
	}
}

func TestPlainVerdicts(t *testing.T) {
	lab := newLab(t)
	for _, c := range []struct {
		rule, value string
		verdict     lanes.Verdict
		user, role  string
	}{
		{"as the lab writes it", "user=alice&role=student", lanes.Believed, "alice", "student"},
		{"any role is believed", "user=alice&role=emperor", lanes.Believed, "alice", "emperor"},
		{"a user is enough", "user=mallory", lanes.Believed, "mallory", ""},
		{"the order does not matter", "role=teacher&user=bob", lanes.Believed, "bob", "teacher"},
		{"URL encoding is decoded", "user=%E6%9D%8E&role=student", lanes.Believed, "李", "student"},
		{"the first of two users counts", "user=a&user=b", lanes.Believed, "a", ""},
		{"no user", "role=teacher", lanes.Unreadable, "", ""},
		{"an empty user", "user=&role=teacher", lanes.Unreadable, "", ""},
		{"an empty value", "", lanes.Unreadable, "", ""},
		{"broken encoding", "user=%zz", lanes.Unreadable, "", ""},
		{"a text that is no UTF-8", "user=%ff", lanes.Unreadable, "", ""},
		{"another form", "alice", lanes.Unreadable, "", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			lane := lab.client().carry("plain_user", c.value).lanes()["plain"]
			if lane.Verdict != c.verdict || text(lane.User) != c.user || text(lane.Role) != c.role {
				t.Errorf("%q: %s %q %q", c.value, lane.Verdict, text(lane.User), text(lane.Role))
			}
		})
	}
}

// Such a cookie came, though nobody may read it: the page must not deny it.
func TestCookieThatNoCookieMayBe(t *testing.T) {
	lab := newLab(t)
	found := lab.client().lanes(with("Cookie", `plain_user=user=小明; signed_user=a"b; lab_sessionid=x\\y`))
	for _, id := range laneIDs {
		if lane := found[id]; !lane.Sent || lane.Verdict != lanes.Unreadable || !strings.Contains(lane.Reason, "not allowed in a cookie") {
			t.Errorf("%s: sent %v, %s, because %s", id, lane.Sent, lane.Verdict, lane.Reason)
		}
	}
	if r := lab.client().post("/logout", nil, with("Cookie", `lab_sessionid=x\\y`)); r.sets("lab_sessionid") == nil {
		t.Error("a logout does not erase it")
	}
}

func TestNotebookIsNotSetByReading(t *testing.T) {
	lab := newLab(t, func(c *handlers.Config) { c.Cookie.SaveEveryRequest = true })
	alice := lab.client().signIn("alice")
	if r := alice.get("/api/lanes"); r.sets(notebookCookie) != nil || r.sets("lab_sessionid") == nil {
		t.Errorf("GET /api/lanes sets %v", r.cookies)
	}
	if r := alice.get("/dashboard", with("Sec-Fetch-Site", "cross-site")); r.sets(notebookCookie) != nil {
		t.Errorf("a link from another site sets %v", r.cookies)
	}
}

func TestFirstCookieOfANameCounts(t *testing.T) {
	lab := newLab(t)
	lane := lab.client().lanes(with("Cookie", "plain_user=user=first; plain_user=user=second; plain_user=user=third"))["plain"]
	if text(lane.User) != "first" || !strings.Contains(lane.Reason, "2 more of the name plain_user came") {
		t.Errorf("%q, because %q", text(lane.User), lane.Reason)
	}
}

func TestExpiryByTheServersClock(t *testing.T) {
	for _, c := range []struct {
		rule string
		wait time.Duration
		want string
	}{
		{"a moment before", 14*24*time.Hour - 2*time.Second, everywhere},
		{"a moment after: the record still lies there", 14*24*time.Hour + 2*time.Second, "believed expired expired"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			lab := newLab(t)
			alice := lab.client().signIn("alice")
			lab.clock.Advance(c.wait)
			for range 2 { // looking changes nothing
				if got := alice.verdicts(); got != c.want {
					t.Errorf("after %v: %s, want %s", c.wait, got, c.want)
				}
			}
		})
	}
}

func TestRejectedCookieStays(t *testing.T) {
	lab := newLab(t)
	for _, value := range []string{strings.Repeat("k", 32), "too-short", "UPPER" + strings.Repeat("k", 27)} {
		visitor := lab.client().carry("lab_sessionid", value)
		for range 2 {
			if r := visitor.get("/dashboard"); r.sets("lab_sessionid") != nil {
				t.Errorf("reading %q answers %v", value, r.sets("lab_sessionid"))
			}
		}
		if visitor.post("/login", login("alice")); visitor.cookie("lab_sessionid") == value {
			t.Errorf("the key %q was adopted by a login", value)
		}
	}
}

func TestLoginAsSomebodyElseLeavesNothingBehind(t *testing.T) {
	lab := newLab(t)
	visitor := lab.client().signIn("alice")
	old := visitor.thief()
	visitor.signIn("bob")
	if got := text(visitor.lanes()["session"].User); got != "bob" {
		t.Errorf("the session is %q's", got)
	}
	if got := old.lanes()["session"].Verdict; got != lanes.Unknown {
		t.Errorf("alice's key is %s after bob signed in", got)
	}
	if rows := lab.rows(t); strings.Contains(rows, "alice") && strings.Contains(rows, `"_user":"alice"`) {
		t.Errorf("alice's record is still there:\n%s", rows)
	}
}

func TestDoors(t *testing.T) {
	lab := newLab(t)
	student, teacher, nobody := lab.client().signIn("alice"), lab.client().signIn("teacher"), lab.client()
	forger := student.thief().carry("plain_user", "user=alice&role=teacher")
	for _, c := range []struct {
		who   string
		by    *client
		plain int
		other int
	}{{"student", student, 403, 403}, {"teacher", teacher, 200, 200}, {"nobody", nobody, 403, 403}, {"forger of the plain cookie", forger, 200, 403}} {
		for id, want := range map[string]int{"plain": c.plain, "signed": c.other, "session": c.other} {
			if got := c.by.get("/door/" + id).status; got != want {
				t.Errorf("the %s door answers %d to a %s, want %d", id, got, c.who, want)
			}
		}
	}
	if got := nobody.get("/door/cellar").status; got != 404 {
		t.Errorf("a door that is not there answers %d", got)
	}
}

// A page's head names who is signed in, and only the session lane knows that.
func TestHeadBelievesTheSessionOnly(t *testing.T) {
	lab := newLab(t)
	alice := lab.client().signIn("alice").carry("plain_user", "user=mallory&role=teacher")
	for _, path := range []string{"/", "/dashboard", "/login", "/reset", "/sessions", "/door/plain", "/door/signed", "/door/session"} {
		_, head, _ := strings.Cut(alice.get(path).body, `<p class="who">`)
		head, _, _ = strings.Cut(head, "</p>")
		if !strings.Contains(head, "alice") || strings.Contains(head, "mallory") {
			t.Errorf("the head of %s says %s", path, head)
		}
	}
}

func TestNames(t *testing.T) {
	lab := newLab(t)
	for _, c := range []struct {
		name   string
		status int
	}{
		{"alice", 303}, {"李小龙", 303}, {"Zoë-2_b", 303}, {"प्रिया", 303}, {strings.Repeat("x", 30), 303}, {strings.Repeat("李", 30), 303},
		{"", 422}, {strings.Repeat("x", 31), 422}, {"a b", 422}, {"a;b", 422}, {"<b>", 422}, {"a\x00b", 422}, {"\u0301a", 422}, {"\xff", 422}, {"\u202eabc", 422},
	} {
		form := url.Values{"username": {c.name}, "password": {classPassword}}
		visitor := lab.client()
		if got := visitor.post("/login", form).status; got != c.status {
			t.Errorf("the name %q is answered %d, want %d", c.name, got, c.status)
		} else if got == 303 && text(visitor.lanes()["plain"].User) != c.name {
			t.Errorf("the name %q comes back as %q", c.name, text(visitor.lanes()["plain"].User))
		}
	}
}

// text is a text that may be missing.
func text(t *string) string {
	if t == nil {
		return ""
	}
	return *t
}
