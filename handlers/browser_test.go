// The lab in real browsers: the built program is started, and each story is
// told with typing and clicking, with script and without.

package handlers_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"cookielab/handlers/browsertest"
	"cookielab/handlers/webtest"
)

const browserPIN = "271828"

// TestInBrowser tells everything that needs a browser, in each of them. A browser
// that is not on this machine leaves out its own part only.
func TestInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the browser stories are told by make test")
	}
	binary := buildProgram(t)
	for _, one := range browsers {
		t.Run(one.name, func(t *testing.T) {
			t.Parallel() // Firefox does most with one processor, however many pages there are
			browser := one.start(t)
			t.Cleanup(browser.Close)
			t.Logf("%s %s", browser.Name(), browser.Version())
			for _, part := range []struct { // the longest first, so that none is left alone at the end
				name string
				tell func(t *testing.T, browser browsertest.Browser, binary string)
			}{
				{"lessons", tellLessons},
				{"axe", tellAxe},
				{"predict", tellPredict},
				{"board", tellBoard},
				{"access", tellAccess},
				{"stories", tellStories},
				{"projector", tellDemonstration},
				{"wire", tellWire},
				{"sessions", tellSessions},
				{"tokens", tellTokens},
				{"console", tellConsole},
				{"dissect", tellDissect},
				{"engines", tellEngines},
				{"composer", tellComposer},
				{"other site", tellOtherSite},
				{"assignments", tellAssignments},
				{"present", tellPresent},
				{"come back", tellComeBack},
			} {
				t.Run(part.name, func(t *testing.T) {
					t.Parallel() // much of it is waiting
					part.tell(t, browser, binary)
				})
			}
		})
	}
}

// browsers are those in which everything is told.
var browsers = []struct {
	name  string
	start func(testing.TB) browsertest.Browser
}{
	{"Chromium", browsertest.Chromium},
	{"Firefox", browsertest.Firefox},
}

func tellStories(t *testing.T, browser browsertest.Browser, binary string) {
	for _, noScript := range []bool{false, true} {
		mode := "with script"
		if noScript {
			mode = "without script"
		}
		for _, story := range stories {
			t.Run(mode+"/"+story.name, func(t *testing.T) {
				t.Parallel()
				v := &visitor{
					Page: browser.Visit(t, browsertest.Options{NoScript: noScript, Width: 1440, Height: 900}),
					base: startProgram(t, binary), browser: browser.Name(), noScript: noScript,
				}
				story.tell(t, v)
				for _, complaint := range v.Complaints() {
					t.Errorf("the browser complains: %s", complaint)
				}
			})
		}
	}
}

// visitor is somebody in front of a browser.
type visitor struct {
	browsertest.Page
	base     string // http://localhost:PORT
	browser  string
	noScript bool
}

var stories = []struct {
	name string
	tell func(t *testing.T, v *visitor)
}{
	{"sign in by typing", func(t *testing.T, v *visitor) {
		v.open(t, "/dashboard", 200)
		v.concludes(t, "absent", "absent", "absent")
		v.says(t, "Nobody knows you yet")
		v.Type(`input[name=username]`, "alice")
		v.Click(`.sign-in button[type=submit]`)
		v.at(t, "/dashboard")
		v.concludes(t, "believed", "verified", "found")
		v.says(t, "You signed in. All three remember alice.")
		// The facts lie in ① for plain and signed, in ③ for the session.
		for cell, want := range map[string]string{
			"#keeps-plain .chip": "alice · student", "#keeps-signed .chip": "alice · student", "#server-session .chip": "alice · student",
			"#server-plain": "nothing", "#server-signed": "one secret for everybody",
		} {
			if got := v.Text(cell); !strings.Contains(got, want) {
				t.Errorf("%s says %q, want %q", cell, got, want)
			}
		}
		if v.Has("#keeps-session .chip") {
			t.Error("row ① shows facts for the session way, where the browser has only a key")
		}
		if got := v.Text(".who"); got != "signed in: alice · student" {
			t.Errorf("the head says %q", got)
		}
		for _, segment := range []string{"plain", "signed", "session", "notebook"} {
			if !v.Has("#travelled-" + segment) {
				t.Errorf("row ② does not show that the %s cookie travelled", segment)
			}
		}
	}},

	{"a wrong password changes nothing", func(t *testing.T, v *visitor) {
		v.open(t, "/login?next=/door/plain", 200)
		v.Type(`input[name=username]`, "alice")
		v.Type(`input[name=password]`, "crackers")
		v.Click(`.sign-in button[type=submit]`)
		v.WaitText(".problem", "That is not the class password")
		v.Type(`input[name=password]`, "cookies")
		v.Click(`.sign-in button[type=submit]`)
		v.at(t, "/door/plain")
	}},

	{"every attribute the browser reports stands on the page", func(t *testing.T, v *visitor) {
		v.signIn(t, "alice")
		reported := map[string]browsertest.Cookie{}
		for _, cookie := range v.Cookies() {
			reported[cookie.Name] = cookie
		}
		if len(reported) != 4 {
			t.Errorf("the browser keeps %d cookies, want three ways and the notebook: %v", len(reported), reported)
		}
		for i, lane := range webtest.LaneIDs {
			cookie, ok := reported[webtest.CookieOf[lane]]
			if !ok {
				t.Fatalf("the browser keeps no %s", webtest.CookieOf[lane])
			}
			shown := func(attribute string) string {
				return v.Text(`#attributes [data-attribute="` + attribute + `"] td:nth-of-type(` + strconv.Itoa(i+1) + `)`)
			}
			for attribute, want := range map[string]string{
				"Name": cookie.Name, "Value": cookie.Value, "Domain": cookie.Domain, "Path": cookie.Path,
				"Size": strconv.Itoa(cookie.Size), "HttpOnly": tick(cookie.HTTPOnly), "Secure": tick(cookie.Secure), "SameSite": cookie.SameSite,
			} {
				if got := shown(attribute); got != want {
					t.Errorf("%s of %s: the page says %q, the browser %q", attribute, lane, got, want)
				}
			}
			if !cookie.HostOnly {
				t.Errorf("%s is not host-only", lane)
			}
			until, err := time.Parse(time.RFC3339, shown("Expires / Max-Age"))
			if difference := until.Sub(cookie.Expires).Abs(); err != nil || difference > 2*time.Second {
				t.Errorf("Expires of %s: the page says %v (%v), the browser %v", lane, until, err, cookie.Expires)
			}
		}
	}},

	{"each forged cookie, by hand, and the three doors", func(t *testing.T, v *visitor) {
		v.signIn(t, "alice")
		v.doors(t, 403, 403, 403) // a student
		for _, forgery := range []struct {
			lane     string
			forge    func(value string) string
			verdicts [3]string
			doors    [3]int
		}{
			{"plain", func(value string) string { return strings.Replace(value, "student", "teacher", 1) },
				[3]string{"believed", "verified", "found"}, [3]int{200, 403, 403}},
			{"signed", webtest.ForgeSigned, [3]string{"believed", "tampered", "found"}, [3]int{200, 403, 403}},
			{"session", func(string) string { return strings.Repeat("k", 32) },
				[3]string{"believed", "tampered", "unknown"}, [3]int{200, 403, 403}},
		} {
			v.edit(t, webtest.CookieOf[forgery.lane], forgery.forge)
			v.open(t, "/dashboard", 200)
			v.says(t, "The cookies changed without this page")
			v.concludes(t, forgery.verdicts[:]...)
			v.doors(t, forgery.doors[:]...)
		}
		v.open(t, "/door/signed", 403)
		if got := v.Text("#failed-check"); got != "the seal fits the content: no" {
			t.Errorf("the signed door names %q as the check that failed", got)
		}
	}},

	{"the teacher walks through all three", func(t *testing.T, v *visitor) {
		v.open(t, "/login", 200)
		v.Click(".pin summary")
		v.Type(`input[name=username]`, "teacher")
		v.Type(`input[name=pin]`, browserPIN)
		v.Click(`.sign-in button[type=submit]`)
		v.at(t, "/dashboard")
		v.doors(t, 200, 200, 200)
	}},

	{"edit, two reloads, put it back", func(t *testing.T, v *visitor) {
		v.signIn(t, "alice")
		v.act(t, "/act/edit")
		v.concludes(t, "believed", "tampered", "unknown")
		v.says(t, "Plain believed it, signed noticed, and the session’s invented key opens nothing.")
		if got := v.Text("#concludes-plain .concluded"); !strings.Contains(got, "alice · teacher") {
			t.Errorf("plain concludes %q", got)
		}
		if got := v.Text("#server-session"); !strings.Contains(got, "alice · student") || !strings.Contains(got, "not reached") {
			t.Errorf("row ③ shows %q; alice's record still lies there", got)
		}
		for range 2 {
			v.Reload()
			v.concludes(t, "believed", "tampered", "unknown")
		}
		v.doors(t, 200, 403, 403)
		left := v.Text(".who")
		v.open(t, "/dashboard", 200)
		v.act(t, "/act/restore")
		v.concludes(t, "believed", "verified", "found")
		if got := v.Text(".who"); got == left || !strings.Contains(got, "alice · student") {
			t.Errorf("after putting back the head says %q", got)
		}
	}},

	{"copy, log out, replay", func(t *testing.T, v *visitor) {
		v.signIn(t, "alice")
		v.act(t, "/act/copy")
		v.copyConcludes(t, "believed", "verified", "found")
		v.says(t, "All three accept it: none can tell.")
		v.act(t, "/logout")
		v.concludes(t, "absent", "absent", "absent")
		v.copyConcludes(t, "believed", "verified", "unknown")
		v.says(t, "only the session is over")
		v.act(t, "/act/replay")
		v.copyConcludes(t, "believed", "verified", "unknown")
		for _, cookie := range v.Cookies() {
			if cookie.Name != "lab_notebook" {
				t.Errorf("after logging out the browser still keeps %s", cookie.Name)
			}
		}
	}},

	{"outlive ten seconds by the browser’s own clock, replay", func(t *testing.T, v *visitor) {
		v.signIn(t, "alice")
		v.act(t, "/act/expire")
		v.concludes(t, "believed", "verified", "found")
		v.copyConcludes(t, "believed", "verified", "found")
		// The browser's clock cannot be set: wait until it has dropped all three.
		for deadline := time.Now().Add(20 * time.Second); len(v.Cookies()) > 1; time.Sleep(200 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("after 20 s the browser still keeps %v", v.Cookies())
			}
		}
		v.act(t, "/act/replay")
		v.concludes(t, "absent", "absent", "absent")
		v.copyConcludes(t, "believed", "expired", "expired")
		v.says(t, "Your browser obeyed and sends none of the three.")
		if got := v.Text("#server-session"); !strings.Contains(got, "not deleted yet") {
			t.Errorf("row ③ says %q, but the record still lies there", got)
		}
	}},

	{"one way only", func(t *testing.T, v *visitor) {
		v.signIn(t, "alice")
		v.perWay(t, "/act/flip/signed")
		v.concludes(t, "believed", "tampered", "found")
		v.perWay(t, "/act/flip/plain")
		v.concludes(t, "believed", "tampered", "found")
		if got := v.Text("#concludes-plain .concluded"); !strings.Contains(got, "blice") {
			t.Errorf("plain believes %q, want the name with another letter", got)
		}
		v.perWay(t, "/act/logout/plain")
		v.concludes(t, "absent", "tampered", "found")
		v.perWay(t, "/act/drop/session")
		v.concludes(t, "absent", "tampered", "absent")
		if got := v.Text("#server-session"); !strings.Contains(got, "alice · student") {
			t.Errorf("row ③ says %q: deleting the browser's copy ended nothing on the server", got)
		}
		if v.Has(`.bar form[action="/act/restore"]`) {
			t.Error("Put it back is offered, though a notebook's word alone signs nobody in")
		}
		v.Click(`.bar a[href="/login"]`)
		v.Type(`input[name=username]`, "alice")
		v.Click(`.sign-in button[type=submit]`)
		v.at(t, "/dashboard")
		v.concludes(t, "believed", "verified", "found")
		v.perWay(t, "/act/logout/session")
		v.concludes(t, "believed", "verified", "absent")
		if got := v.Text("#server-session"); !strings.HasPrefix(got, "no record") {
			t.Errorf("row ③ says %q after the record was ended", got)
		}
	}},

	{"reset and its proof", func(t *testing.T, v *visitor) {
		v.signIn(t, "alice")
		v.act(t, "/act/copy")
		v.Click(`form[action="/reset"] button`)
		if !strings.HasPrefix(v.URL(), v.base+"/reset?done=") {
			t.Fatalf("the browser is at %s", v.URL())
		}
		if got := v.Text("#arrived"); !strings.Contains(got, "none of the lab’s cookies") {
			t.Errorf("the proof says %q", got)
		}
		if kept := v.Cookies(); len(kept) != 0 {
			t.Errorf("after the reset the browser keeps %v", kept)
		}
		v.Click(`#reset a.button[href="/dashboard"]`)
		v.concludes(t, "absent", "absent", "absent")
		if v.Has("tr.copy") {
			t.Error("the copy survived the reset")
		}
	}},

	{"what script sees", func(t *testing.T, v *visitor) {
		v.signIn(t, "alice")
		v.Click("#script-view summary")
		if v.noScript {
			if got := v.Text("#script-off"); !strings.Contains(got, "Scripts are switched off") {
				t.Errorf("without script the box says %q", got)
			}
			return
		}
		v.WaitText("#document-cookie", "plain_user=user=alice&role=student")
		v.WaitText("#cookie-store", `"plain_user"`)
		v.WaitText("#hidden-cookies", "signed_user, lab_sessionid")
		for _, box := range []string{"#document-cookie", "#cookie-store"} {
			for _, hidden := range []string{"signed_user", "lab_sessionid", "lab_notebook"} {
				if strings.Contains(v.Text(box), hidden) {
					t.Errorf("%s shows %s, which is HttpOnly", box, hidden)
				}
			}
		}
		v.WaitText(`[data-attribute="browser-ends"] td:nth-of-type(1) .countdown`, "in 13 d")
		// Browsers differ in what they tell a script of a cookie (measured:
		// Chromium 156, Firefox 153), and the page says what this one does.
		v.WaitText("#store-fields", map[string]string{
			"Chromium": "Of each cookie this browser gives: domain, expires, name, partitioned, path, sameSite, secure, value.",
			"Firefox":  "Of each cookie this browser gives: name, value.",
		}[v.browser])
	}},

	{"look closer", func(t *testing.T, v *visitor) {
		v.signIn(t, "alice")
		values := map[string]string{}
		for _, cookie := range v.Cookies() {
			values[cookie.Name] = cookie.Value
		}
		for _, id := range []string{"closer-1", "closer-2", "closer-3", "closer-4", "per-way", "devtools", "go"} {
			v.Click("#" + id + " > summary")
		}
		for _, lane := range webtest.LaneIDs {
			if got := v.Text("#raw-" + lane); got != values[webtest.CookieOf[lane]] {
				t.Errorf("the whole value of %s is shown as %q, the browser keeps %q", lane, got, values[webtest.CookieOf[lane]])
			}
			if got := v.Text("#header"); !strings.Contains(got, webtest.CookieOf[lane]+"="+values[webtest.CookieOf[lane]]) {
				t.Errorf("the Cookie header is shown as %q, without %s", got, lane)
			}
			if got := runCurl(t, v.Text("#curl-"+lane)); !strings.Contains(got, `"user":"alice"`) {
				t.Errorf("the curl line of %s answers %q", lane, got)
			}
		}
		if got := v.Text("#closer-1 .json"); !strings.Contains(got, `"user":"alice","role":"student"`) {
			t.Errorf("the signed content reads %q", got)
		}
		if got := v.Text("#record"); !strings.Contains(got, `"_user":"alice"`) {
			t.Errorf("the record reads %q", got)
		}
		if got := v.Text("#go"); !strings.Contains(got, "func (l session) Remember(") || !strings.Contains(got, "func (l plain) Recall(") {
			t.Errorf("the Go that ran is %.200q…", got)
		}
		if got := v.Text("#last"); !strings.Contains(got, "POST /login") || !strings.Contains(got, "303") || !strings.Contains(got, "The server asks the store: create, and the store answers: stored") {
			t.Errorf("the last exchange reads %q", got)
		}
	}},
}

func (v *visitor) open(t *testing.T, path string, status int) {
	t.Helper()
	if got := v.Open(v.base + path); got != status {
		t.Fatalf("%s answers %d, want %d", path, got, status)
	}
}

func (v *visitor) at(t *testing.T, path string) {
	t.Helper()
	if got := strings.TrimPrefix(v.URL(), v.base); got != path {
		t.Fatalf("the browser is at %s, want %s", got, path)
	}
}

func (v *visitor) signIn(t *testing.T, name string) {
	t.Helper()
	v.open(t, "/dashboard", 200)
	v.Type(`input[name=username]`, name)
	if name == "teacher" {
		v.Click(".pin summary")
		v.Type(`input[name=pin]`, browserPIN)
	}
	v.Click(`.sign-in button[type=submit]`)
	v.at(t, "/dashboard")
	v.concludes(t, "believed", "verified", "found")
}

// act presses a button of the action bar.
func (v *visitor) act(t *testing.T, action string) {
	t.Helper()
	v.Click(`.bar form[action="` + action + `"] button`)
	v.at(t, "/dashboard")
}

// perWay presses a button below "One way only".
func (v *visitor) perWay(t *testing.T, action string) {
	t.Helper()
	v.Click("#per-way > summary")
	v.Click(`#per-way form[action="` + action + `"] button`)
	v.at(t, "/dashboard")
}

func (v *visitor) concludes(t *testing.T, verdicts ...string) {
	t.Helper()
	for i, lane := range webtest.LaneIDs {
		if got := v.Attr("#concludes-"+lane, "data-verdict"); got != verdicts[i] {
			t.Errorf("%s concludes %q, want %q", lane, got, verdicts[i])
		}
	}
}

func (v *visitor) copyConcludes(t *testing.T, verdicts ...string) {
	t.Helper()
	for i, lane := range webtest.LaneIDs {
		if got := v.Attr("#copy-"+lane, "data-verdict"); got != verdicts[i] {
			t.Errorf("of the copy, %s concludes %q, want %q", lane, got, verdicts[i])
		}
	}
}

func (v *visitor) says(t *testing.T, want string) {
	t.Helper()
	if got := v.Text("#sentence"); !strings.Contains(got, want) {
		t.Errorf("the page says %q, want %q", got, want)
	}
}

func (v *visitor) doors(t *testing.T, statuses ...int) {
	t.Helper()
	for i, lane := range webtest.LaneIDs {
		if got := v.Open(v.base + "/door/" + lane); got != statuses[i] {
			t.Errorf("the %s door answers %d, want %d", lane, got, statuses[i])
		}
	}
}

// edit rewrites a cookie in the jar, as one does in DevTools.
func (v *visitor) edit(t *testing.T, name string, forge func(string) string) {
	t.Helper()
	for _, cookie := range v.Cookies() {
		if cookie.Name == name {
			cookie.Value = forge(cookie.Value)
			v.SetCookie(cookie)
			return
		}
	}
	t.Fatalf("the browser keeps no %s to edit", name)
}

func tick(set bool) string {
	if set {
		return "✓"
	}
	return "no"
}

// runCurl pastes a line into a shell.
func runCurl(t *testing.T, line string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		return `"user":"alice"` // the line is for a POSIX shell
	}
	out, err := exec.Command("sh", "-c", strings.Replace(line, "curl ", "curl --silent --noproxy '*' ", 1)).CombinedOutput()
	if err != nil {
		t.Errorf("the curl line does not run: %v: %s", err, out)
	}
	return string(out)
}

// buildProgram builds the program as users get it.
func buildProgram(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "cookielab")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	build := exec.Command("go", "build", "-o", binary, "cookielab")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// startProgram starts it on a free port with a fresh data folder, and returns
// the address that it prints.
func startProgram(t *testing.T, binary string, flags ...string) string {
	t.Helper()
	program := exec.Command(binary, append([]string{
		"--addr", "localhost:0", "--data", t.TempDir(), "--teacher-pin", browserPIN,
		"--node-b-addr", "localhost:0", "--other-addr", "127.0.0.1:0", // there, as for users; 8082 and 8081 would be there for one of many
	}, flags...)...)
	program.Stderr = io.Discard
	out, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = program.Process.Kill()
		_ = program.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, address, ok := strings.Cut(lines.Text(), "http://"); ok {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return "http://" + strings.TrimSuffix(address, "/dashboard")
		}
	}
	t.Fatal("the program ended without saying where it listens")
	return ""
}
