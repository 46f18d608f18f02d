// What each lane concludes, as programs read it at /api/lanes.

package lanes_test

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
	"cookielab/handlers/labtest"
	"cookielab/handlers/lanes"
	"cookielab/handlers/webtest"
)

func TestLoginSetsAllThreeCookies(t *testing.T) {
	lab := labtest.New(t)
	r := lab.Client().Post("/login", webtest.Login("alice"))
	if r.Status != http.StatusSeeOther || r.Header.Get("Location") != "/dashboard" {
		t.Fatalf("login answers %d to %q", r.Status, r.Header.Get("Location"))
	}
	ends := lab.Clock.Now().Add(14 * 24 * time.Hour).UTC().Format(http.TimeFormat)
	want := map[string]string{
		"plain_user":    "Path=/; Expires=" + ends + "; Max-Age=1209600; SameSite=Lax",
		"signed_user":   "Path=/; Expires=" + ends + "; Max-Age=1209600; HttpOnly; SameSite=Lax",
		"lab_sessionid": "Path=/; Expires=" + ends + "; Max-Age=1209600; HttpOnly; SameSite=Lax",
	}
	for _, line := range r.Header["Set-Cookie"] {
		pair, attributes, _ := strings.Cut(line, "; ")
		name, value, _ := strings.Cut(pair, "=")
		if name == webtest.NotebookCookie {
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
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	thief := alice.Thief()
	r := alice.Post("/logout", nil)
	for _, name := range webtest.CookieOf {
		cookie := r.Sets(name)
		if cookie == nil || cookie.MaxAge >= 0 || cookie.Value != "" || cookie.Path != "/" || cookie.RawExpires != "Thu, 01 Jan 1970 00:00:00 GMT" {
			t.Errorf("the deletion of %s is %v", name, cookie)
		}
	}
	if got := alice.Verdicts(); got != webtest.Nowhere {
		t.Errorf("after logging out: %s", got)
	}
	thief.Drop(webtest.NotebookCookie)
	if got := thief.Verdicts(); got != "believed verified unknown" {
		t.Errorf("the copies after the logout: %s", got)
	}
}

func TestLanesAnswer(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice")
	stranger := lab.Client()

	var answer struct{ Lanes []map[string]json.RawMessage }
	if err := json.Unmarshal([]byte(stranger.Get("/api/lanes").Body), &answer); err != nil {
		t.Fatal(err)
	}
	for i, id := range webtest.LaneIDs {
		lane := answer.Lanes[i]
		want := []string{"attributes", "browser_expires_at", "checks", "cookie", "id", "reason", "role", "sent", "server_expires_at", "server_keeps", "user", "verdict"}
		if got := slices.Sorted(maps.Keys(lane)); !slices.Equal(got, want) {
			t.Errorf("a lane has the fields %v, want %v", got, want)
		}
		for field, want := range map[string]string{
			"id": `"` + id + `"`, "cookie": `"` + webtest.CookieOf[id] + `"`, "sent": "false", "verdict": `"absent"`,
			"user": "null", "role": "null", "attributes": "null", "browser_expires_at": "null", "server_expires_at": "null",
		} {
			if got := string(lane[field]); got != want {
				t.Errorf("%s of %s for a stranger is %s, want %s", field, id, got, want)
			}
		}
	}

	two := lab.Clock.Now().Add(14 * 24 * time.Hour)
	found := alice.Lanes()
	for _, id := range webtest.LaneIDs {
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
	other := alice.Thief()
	other.Drop(webtest.NotebookCookie)
	for id, lane := range other.Lanes() {
		if lane.Attributes != nil || lane.BrowserExpires != nil {
			t.Errorf("%s: attributes %+v for a program whose notebook did not see them set", id, lane.Attributes)
		}
	}
}

func TestPlainVerdicts(t *testing.T) {
	lab := labtest.New(t)
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
			lane := lab.Client().Carry("plain_user", c.value).Lanes()["plain"]
			if lane.Verdict != c.verdict || webtest.Text(lane.User) != c.user || webtest.Text(lane.Role) != c.role {
				t.Errorf("%q: %s %q %q", c.value, lane.Verdict, webtest.Text(lane.User), webtest.Text(lane.Role))
			}
		})
	}
}

// Such a cookie came, though nobody may read it: the page must not deny it.
func TestCookieThatNoCookieMayBe(t *testing.T) {
	lab := labtest.New(t)
	found := lab.Client().Lanes(webtest.With("Cookie", `plain_user=user=小明; signed_user=a"b; lab_sessionid=x\\y`))
	for _, id := range webtest.LaneIDs {
		if lane := found[id]; !lane.Sent || lane.Verdict != lanes.Unreadable || !strings.Contains(lane.Reason, "not allowed in a cookie") {
			t.Errorf("%s: sent %v, %s, because %s", id, lane.Sent, lane.Verdict, lane.Reason)
		}
	}
	if r := lab.Client().Post("/logout", nil, webtest.With("Cookie", `lab_sessionid=x\\y`)); r.Sets("lab_sessionid") == nil {
		t.Error("a logout does not erase it")
	}
}

func TestNotebookIsNotSetByReading(t *testing.T) {
	lab := labtest.New(t, func(c *handlers.Config) { c.Cookie.SaveEveryRequest = true })
	alice := lab.Client().SignIn("alice")
	if r := alice.Get("/api/lanes"); r.Sets(webtest.NotebookCookie) != nil || r.Sets("lab_sessionid") == nil {
		t.Errorf("GET /api/lanes sets %v", r.Cookies)
	}
	if r := alice.Get("/dashboard", webtest.With("Sec-Fetch-Site", "cross-site")); r.Sets(webtest.NotebookCookie) != nil {
		t.Errorf("a link from another site sets %v", r.Cookies)
	}
}

func TestFirstCookieOfANameCounts(t *testing.T) {
	lab := labtest.New(t)
	lane := lab.Client().Lanes(webtest.With("Cookie", "plain_user=user=first; plain_user=user=second; plain_user=user=third"))["plain"]
	if webtest.Text(lane.User) != "first" || !strings.Contains(lane.Reason, "2 more of the name plain_user came") {
		t.Errorf("%q, because %q", webtest.Text(lane.User), lane.Reason)
	}
}

func TestExpiryByTheServersClock(t *testing.T) {
	for _, c := range []struct {
		rule string
		wait time.Duration
		want string
	}{
		{"a moment before", 14*24*time.Hour - 2*time.Second, webtest.Everywhere},
		{"a moment after: the record still lies there", 14*24*time.Hour + 2*time.Second, "believed expired expired"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			lab := labtest.New(t)
			alice := lab.Client().SignIn("alice")
			lab.Clock.Advance(c.wait)
			for range 2 { // looking changes nothing
				if got := alice.Verdicts(); got != c.want {
					t.Errorf("after %v: %s, want %s", c.wait, got, c.want)
				}
			}
		})
	}
}

func TestRejectedCookieStays(t *testing.T) {
	lab := labtest.New(t)
	for _, value := range []string{strings.Repeat("k", 32), "too-short", "UPPER" + strings.Repeat("k", 27)} {
		visitor := lab.Client().Carry("lab_sessionid", value)
		for range 2 {
			if r := visitor.Get("/dashboard"); r.Sets("lab_sessionid") != nil {
				t.Errorf("reading %q answers %v", value, r.Sets("lab_sessionid"))
			}
		}
		if visitor.Post("/login", webtest.Login("alice")); visitor.Cookie("lab_sessionid") == value {
			t.Errorf("the key %q was adopted by a login", value)
		}
	}
}

func TestLoginAsSomebodyElseLeavesNothingBehind(t *testing.T) {
	lab := labtest.New(t)
	visitor := lab.Client().SignIn("alice")
	old := visitor.Thief()
	visitor.SignIn("bob")
	if got := webtest.Text(visitor.Lanes()["session"].User); got != "bob" {
		t.Errorf("the session is %q's", got)
	}
	if got := old.Lanes()["session"].Verdict; got != lanes.Unknown {
		t.Errorf("alice's key is %s after bob signed in", got)
	}
	if rows := lab.Rows(t); strings.Contains(rows, "alice") && strings.Contains(rows, `"_user":"alice"`) {
		t.Errorf("alice's record is still there:\n%s", rows)
	}
}

func TestDoors(t *testing.T) {
	lab := labtest.New(t)
	student, teacher, nobody := lab.Client().SignIn("alice"), lab.Client().SignIn("teacher"), lab.Client()
	forger := student.Thief().Carry("plain_user", "user=alice&role=teacher")
	for _, c := range []struct {
		who   string
		by    *webtest.Client
		plain int
		other int
	}{{"student", student, 403, 403}, {"teacher", teacher, 200, 200}, {"nobody", nobody, 403, 403}, {"forger of the plain cookie", forger, 200, 403}} {
		for id, want := range map[string]int{"plain": c.plain, "signed": c.other, "session": c.other} {
			if got := c.by.Get("/door/" + id).Status; got != want {
				t.Errorf("the %s door answers %d to a %s, want %d", id, got, c.who, want)
			}
		}
	}
	if got := nobody.Get("/door/cellar").Status; got != 404 {
		t.Errorf("a door that is not there answers %d", got)
	}
}

// A page's head names who is signed in, and only the session lane knows that.
func TestHeadBelievesTheSessionOnly(t *testing.T) {
	lab := labtest.New(t)
	alice := lab.Client().SignIn("alice").Carry("plain_user", "user=mallory&role=teacher")
	for _, path := range []string{"/", "/dashboard", "/login", "/reset", "/sessions", "/door/plain", "/door/signed", "/door/session"} {
		_, head, _ := strings.Cut(alice.Get(path).Body, `<p class="who">`)
		head, _, _ = strings.Cut(head, "</p>")
		if !strings.Contains(head, "alice") || strings.Contains(head, "mallory") {
			t.Errorf("the head of %s says %s", path, head)
		}
	}
}

func TestNames(t *testing.T) {
	lab := labtest.New(t)
	for _, c := range []struct {
		name   string
		status int
	}{
		{"alice", 303}, {"李小龙", 303}, {"Zoë-2_b", 303}, {"प्रिया", 303}, {strings.Repeat("x", 30), 303}, {strings.Repeat("李", 30), 303},
		{"", 422}, {strings.Repeat("x", 31), 422}, {"a b", 422}, {"a;b", 422}, {"<b>", 422}, {"a\x00b", 422}, {"\u0301a", 422}, {"\xff", 422}, {"\u202eabc", 422},
	} {
		form := url.Values{"username": {c.name}, "password": {webtest.ClassPassword}}
		visitor := lab.Client()
		if got := visitor.Post("/login", form).Status; got != c.status {
			t.Errorf("the name %q is answered %d, want %d", c.name, got, c.status)
		} else if got == 303 && webtest.Text(visitor.Lanes()["plain"].User) != c.name {
			t.Errorf("the name %q comes back as %q", c.name, webtest.Text(visitor.Lanes()["plain"].User))
		}
	}
}
