// The assignments of the handout, done in real browsers: the wire shows what its
// answers say.

package handlers_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"cookielab/handlers/browsertest"
	"cookielab/handlers/labtest"
	"cookielab/handlers/notebook"
	"cookielab/handlers/webtest"
	"cookielab/handlers/wire"
)

// assignments are done here as a student does them, by their names in the handout.
var assignments = map[string]func(t *testing.T, v *visitor){
	"there-and-back": func(t *testing.T, v *visitor) {
		v.open(t, "/reset", 200)
		v.Click(`main form[action="/reset"] button`)
		v.signIn(t, "alice")
		seen := v.wire()
		i := slices.IndexFunc(seen, func(e wire.Exchange) bool { return e.Target == "/login" })
		if i < 0 || i+1 >= len(seen) {
			t.Fatalf("no login is on the wire, or nothing after it: %v", seen)
		}
		in, after := seen[i], seen[i+1]
		var set []string
		for _, line := range in.SetCookie {
			name, rest, _ := strings.Cut(line, "=")
			set = append(set, name)
			for _, attribute := range []string{"; Path=", "; Expires=", "; Max-Age=", "; SameSite="} {
				if !strings.Contains(rest, attribute) || strings.Contains(after.Cookie, attribute) {
					t.Errorf("%s is set by %s and comes back in %s", name, line, after.Cookie)
				}
			}
		}
		if in.Method != "POST" || in.Status != 303 || after.Method != "GET" || after.Target != "/dashboard" {
			t.Errorf("%s %s %d, then %s %s", in.Method, in.Target, in.Status, after.Method, after.Target)
		}
		four := []string{"lab_notebook", "lab_sessionid", "plain_user", "signed_user"}
		if slices.Sort(set); !slices.Equal(set, four) || !slices.Equal(brought(after), four) {
			t.Errorf("set were %v, then came %v", set, brought(after))
		}
	},
	"one-word": func(t *testing.T, v *visitor) {
		v.signIn(t, "alice")
		v.edit(t, "plain_user", func(value string) string { return strings.Replace(value, "student", "teacher", 1) })
		v.open(t, "/dashboard", 200)
		own := v.last("/dashboard")
		if got := concluded(own); got != "believed teacher, verified student, found student" || !asked(own, "load", "") {
			t.Errorf("after the edit by hand: %s, %v", got, own.Store)
		}
		v.act(t, "/act/edit")
		all := v.last("/dashboard")
		if got := concluded(all); got != "believed teacher, tampered, unknown" || !asked(all, "load", "not_found") {
			t.Errorf("after the button: %s, %v", got, all.Store)
		}
	},
	"copy": func(t *testing.T, v *visitor) {
		v.signIn(t, "alice")
		v.act(t, "/act/copy")
		before := v.last("/api/lanes")
		v.act(t, "/logout")
		after, out := v.last("/api/lanes"), v.last("/logout")
		gone := 0
		for _, line := range out.SetCookie {
			if strings.Contains(line, "; Max-Age=0") && strings.Contains(line, " 1970 ") && strings.Contains(line, "; Path=/;") {
				gone++
			}
		}
		if gone != 3 || !asked(out, "delete", "") {
			t.Errorf("the logout set %v and did %v", out.SetCookie, out.Store)
		}
		for _, e := range []wire.Exchange{before, after} {
			if e.Client != notebook.ClientOther || e.Method != "GET" || !slices.Equal(brought(e), []string{"lab_sessionid", "plain_user", "signed_user"}) {
				t.Errorf("the copy: %s by %s with %v", e.Method, e.Client, brought(e))
			}
		}
		if before.Number >= after.Number || concluded(before) != "believed student, verified student, found student" || concluded(after) != "believed student, verified student, unknown" {
			t.Errorf("before: %s, after: %s", concluded(before), concluded(after))
		}
	},
	"clocks": func(t *testing.T, v *visitor) {
		v.signIn(t, "alice")
		v.act(t, "/act/expire")
		ten := 0
		for _, line := range v.last("/act/expire").SetCookie {
			if strings.Contains(line, "; Max-Age=10;") && strings.Contains(line, "; Expires=") {
				ten++
			}
		}
		if ten != 3 {
			t.Errorf("ten seconds stand in %d lines", ten)
		}
		time.Sleep(11 * time.Second) // by two clocks that cannot be set
		v.open(t, "/dashboard", 200)
		if e := v.last("/dashboard"); !slices.Equal(brought(e), []string{webtest.NotebookCookie}) || len(e.KeptBack) != 3 || e.KeptBack[0].Reason != "over" {
			t.Errorf("after ten seconds came %v, and stayed %v", brought(e), e.KeptBack)
		}
		v.act(t, "/act/replay")
		if e := v.last("/api/lanes"); concluded(e) != "believed student, expired, expired" || len(brought(e)) != 3 {
			t.Errorf("the copy: %s with %v", concluded(e), brought(e))
		}
	},
	"addresses": func(t *testing.T, v *visitor) {
		v.signIn(t, "alice")
		here := brought(v.last("/dashboard"))
		v.Click("#server a")
		on := v.wire()[0]
		if !strings.HasPrefix(on.Host, "localhost:") || "http://"+on.Host == v.base || on.Fetch.Site != "same-site" || !slices.Equal(brought(on), here) || len(here) != 4 {
			t.Errorf("on %s came %v, as %s; at home %v", on.Host, brought(on), on.Fetch.Site, here)
		}
		there := strings.Replace(v.base, "localhost", "127.0.0.1", 1)
		if got := v.Open(there + "/dashboard"); got != 200 {
			t.Fatalf("%s answers %d", there, got)
		}
		if e := v.wire()[0]; "http://"+e.Host != there || e.Cookie != "" {
			t.Errorf("on %s came %q", e.Host, e.Cookie)
		}
	},
}

func tellAssignments(t *testing.T, browser browsertest.Browser, binary string) {
	if browser.Name() != "Chromium" {
		return // what their answers say of cookies, the lessons make happen in both
	}
	var tasks []string
	for _, task := range regexp.MustCompile(`id="task-([^"]+)"`).FindAllStringSubmatch(labtest.New(t).Client().Get("/handout").Body, -1) {
		tasks = append(tasks, task[1])
	}
	if len(tasks) != len(assignments) {
		t.Errorf("the handout has %v, and here are %d", tasks, len(assignments))
	}
	for _, task := range tasks {
		t.Run(task, func(t *testing.T) {
			t.Parallel()
			do := assignments[task]
			if do == nil {
				t.Fatal("nobody does it here")
			}
			do(t, &visitor{Page: browser.Visit(t, browsertest.Options{Width: 1440, Height: 900}), base: startProgram(t, binary), browser: browser.Name()})
		})
	}
}

// wire are this browser's exchanges on the server it is at, the newest last.
func (v *visitor) wire() []wire.Exchange {
	var answer struct{ Exchanges []wire.Exchange }
	v.Eval(`fetch("/api/wire").then(r => r.json())`, &answer)
	return answer.Exchanges
}

// last is the newest exchange with an address.
func (v *visitor) last(target string) wire.Exchange {
	for _, e := range slices.Backward(v.wire()) {
		if e.Target == target {
			return e
		}
	}
	return wire.Exchange{}
}

// brought are the names in an exchange's Cookie header, in alphabetical order.
func brought(e wire.Exchange) (names []string) {
	for _, cookie := range e.Cookies {
		names = append(names, cookie.Name)
	}
	slices.Sort(names)
	return names
}

// concluded are the verdicts of an exchange, and for which role.
func concluded(e wire.Exchange) string {
	var all []string
	for _, f := range e.Findings {
		verdict := string(f.Verdict)
		if f.Role != nil {
			verdict += " " + *f.Role
		}
		all = append(all, verdict)
	}
	return strings.Join(all, ", ")
}

// asked reports whether the server first did something with a session's record,
// with that outcome; "": it could.
func asked(e wire.Exchange, name, outcome string) bool {
	for _, op := range e.Store {
		if op.Purpose == "session" && op.Name == name {
			return outcome == "" && op.Error == nil || op.Error != nil && *op.Error == outcome
		}
	}
	return false
}
