// The throttle of the teacher's PIN: all servers of one database count together, each
// origin has a counter, and nobody can lock out somebody at another origin.

package auth_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cookielab/handlers"
	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
	"cookielab/sessions/storetest"
)

// twoLabs are two servers that share a database and nothing else.
func twoLabs(t *testing.T) (a, b *labtest.Lab) {
	a = labtest.New(t, labtest.BehindProxy)
	b = labtest.New(t, labtest.BehindProxy, func(c *handlers.Config) {
		c.Sessions, c.Notebooks, c.Clock = a.Sessions, a.Notebooks, a.Clock.Now
	})
	return a, b
}

// guess posts a wrong PIN and returns the status.
func guess(lab *labtest.Lab, changes ...func(*http.Request)) int {
	return tries(lab, "teacher", 1, changes...)[0]
}

// teacherFrom posts the right PIN and returns the status.
func teacherFrom(lab *labtest.Lab, changes ...func(*http.Request)) int {
	return lab.Client().Post("/login", webtest.Login("teacher"), changes...).Status
}

// judged counts the wrong tries whose PIN was checked: they are answered 403, not 429.
func judged(statuses []int) (n int) {
	for _, status := range statuses {
		if status == http.StatusForbidden {
			n++
		}
	}
	return n
}

func TestThrottleOfThePINIsShared(t *testing.T) {
	a, b := twoLabs(t)
	for _, from := range []struct {
		name string
		with func(*http.Request)
	}{{"this machine", func(*http.Request) {}}, {"the network", webtest.Via("192.0.2.7")}} {
		t.Run(from.name, func(t *testing.T) {
			if got := fmt.Sprint(tries(a, "teacher", 3, from.with), tries(b, "teacher", 3, from.with), tries(a, "teacher", 1, from.with)); got != "[403 403 403] [403 403 429] [429]" {
				t.Errorf("on A, B and A: %s", got)
			}
			for _, lab := range []*labtest.Lab{a, b} {
				r := lab.Client().Post("/login", webtest.Login("teacher"), from.with)
				if r.Status != http.StatusTooManyRequests || r.Header.Get("Retry-After") != "60" {
					t.Errorf("the right PIN is answered %d, Retry-After %q", r.Status, r.Header.Get("Retry-After"))
				}
				if r := lab.Client().AskToken(`{"username":"teacher","pin":"`+webtest.TeacherPIN+`"}`, from.with); r.Status != http.StatusTooManyRequests {
					t.Errorf("a token is answered %d", r.Status)
				}
			}
			a.Clock.Advance(time.Minute)
			if got := teacherFrom(b, from.with); got != http.StatusSeeOther {
				t.Errorf("a minute later the right PIN is answered %d", got)
			}
		})
	}
}

// Tries at the same moment are all counted: on two servers, and also when the counter
// of the last minute has just expired.
func TestThrottleOfThePINAtOnce(t *testing.T) {
	a, b := twoLabs(t)
	for _, minute := range []string{"the first", "another"} {
		var statuses [50]int
		storetest.Together(len(statuses), func(i int) { statuses[i] = guess([]*labtest.Lab{a, b}[i%2]) })
		if got := judged(statuses[:]); got != 5 {
			t.Errorf("of 50 wrong tries in %s minute %d were judged: %v", minute, got, statuses)
		}
		a.Clock.Advance(time.Minute)
	}
	t.Run("from many addresses", func(t *testing.T) {
		var statuses [100]int
		storetest.Together(len(statuses), func(i int) {
			statuses[i] = guess([]*labtest.Lab{a, b}[i%2], webtest.Via(fmt.Sprintf("192.0.2.%d", i)))
		})
		if got := judged(statuses[:]); got != 60 {
			t.Errorf("of 100 wrong tries from as many addresses %d were judged: %v", got, statuses)
		}
	})
}

func TestThrottleOfThePINByAddress(t *testing.T) {
	for _, test := range []struct {
		name         string
		first, other func(*http.Request)
		same         bool // for the throttle
	}{
		{"one address", webtest.Via("192.0.2.7"), webtest.Via("192.0.2.7"), true},
		{"two", webtest.Via("192.0.2.7"), webtest.Via("192.0.2.8"), false},
		{"what the client says stands before", webtest.Via("192.0.2.7"), webtest.Via("198.51.100.1, 192.0.2.7"), true},
		{"on a line of its own", webtest.Via("192.0.2.7"), func(r *http.Request) {
			r.Host, r.Header["X-Forwarded-For"] = webtest.ProxyName, []string{"198.51.100.1", "192.0.2.7"}
		}, true},
		{"with a port", webtest.Via("192.0.2.7"), webtest.Via("192.0.2.7:4711"), true},
		{"IPv4 in IPv6", webtest.Via("192.0.2.7"), webtest.Via("::ffff:192.0.2.7"), true},
		{"IPv6: a /64", webtest.Via("2001:db8:1:2::1"), webtest.Via("2001:db8:1:2:3:4:5:6"), true},
		{"IPv6: another /64", webtest.Via("2001:db8:1:2::1"), webtest.Via("2001:db8:1:3::1"), false},
		{"IPv6 with a port", webtest.Via("2001:db8:1:2::1"), webtest.Via("[2001:db8:1:2::9]:4711"), true},
		{"Forwarded", webtest.Via("2001:db8:1:2::1"), forwarded(`for=198.51.100.1, For="[2001:db8:1:2::9]:4711";proto=http`), true},
		{"another Forwarded", webtest.Via("2001:db8:1:2::1"), forwarded(`for=192.0.2.7`), false},
		{"X-Forwarded-For goes first", webtest.Via("192.0.2.7"), func(r *http.Request) { forwarded("for=198.51.100.1")(r); webtest.Via("192.0.2.7")(r) }, true},
		{"what is none counts as one", webtest.Via("unknown"), forwarded("for=_hidden"), true},
		{"nothing forwarded is the same", webtest.Via("no address"), func(r *http.Request) { r.Host = webtest.ProxyName }, true},
		{"this machine and the network", func(*http.Request) {}, webtest.Via("192.0.2.7"), false},
		{"the network and this machine", webtest.Via("192.0.2.7"), func(*http.Request) {}, false},
		{"who says to be this machine is not", webtest.Via("127.0.0.1"), func(*http.Request) {}, false},
		{"this machine, whatever it says", func(*http.Request) {}, webtest.With("X-Forwarded-For", "192.0.2.7"), true},
		{"this machine, whatever it says in the other way", func(*http.Request) {}, webtest.With("Forwarded", "for=192.0.2.7"), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			lab := labtest.New(t, labtest.BehindProxy)
			if got := judged(tries(lab, "teacher", 6, test.first)); got != 5 {
				t.Fatalf("%d of six tries were judged", got)
			}
			if got := guess(lab, test.other) == http.StatusTooManyRequests; got != test.same {
				t.Errorf("taken for the same: %t", got)
			}
		})
	}
}

func forwarded(line string) func(*http.Request) {
	return func(r *http.Request) {
		r.Host = webtest.ProxyName
		r.Header.Set("Forwarded", line)
	}
}

// All addresses on the network together have sixty tries, and a flood from new addresses
// stores no more counters than that. This machine and the network do not lock each other out.
func TestThrottleOfThePINTogether(t *testing.T) {
	lab := labtest.New(t, labtest.BehindProxy)
	tries(lab, "teacher", 200, webtest.Via("192.0.2.7")) // uses up only five of the sixty
	flood := make([]int, 0, 500)
	for i := range cap(flood) {
		flood = append(flood, guess(lab, webtest.Via(fmt.Sprintf("2001:db8:0:%x::1", i))))
	}
	if got := judged(flood); got != 55 || slices.Contains(flood[55:], http.StatusForbidden) {
		t.Errorf("of 500 tries from as many networks %d were judged", got)
	}
	if got := len(lab.Counters(t)); got > 61 {
		t.Errorf("%d counters lie in the database", got)
	}
	if r := lab.Client().Post("/login", webtest.Login("teacher"), webtest.Via("198.51.100.1")); r.Status != http.StatusTooManyRequests || r.Header.Get("Retry-After") != "60" {
		t.Errorf("the right PIN from elsewhere is answered %d, Retry-After %q", r.Status, r.Header.Get("Retry-After"))
	}
	if got := teacherFrom(lab); got != http.StatusSeeOther {
		t.Errorf("the teacher at this machine is answered %d", got)
	}
	lab.Clock.Advance(time.Minute)
	tries(lab, "teacher", 6) // and the other way around
	if got := teacherFrom(lab, webtest.Via("198.51.100.1")); got != http.StatusSeeOther {
		t.Errorf("the teacher elsewhere is answered %d", got)
	}
}

// Somebody who is signed in as teacher can sign in again, whatever strangers do. They
// have five wrong tries a minute, however often their key changes.
func TestThrottleOfThePINAndTheTeacher(t *testing.T) {
	for engine, option := range map[string]func(*handlers.Config){"db": func(*handlers.Config) {}, "signed_cookies": labtest.InCookies} {
		t.Run(engine, func(t *testing.T) {
			lab := labtest.New(t, labtest.BehindProxy, option)
			here, there := lab.Client().SignIn("teacher"), lab.Client()
			lab.Clock.Advance(time.Second)
			if r := there.Post("/login", webtest.Login("teacher"), webtest.Via("198.51.100.1")); r.Status != http.StatusSeeOther {
				t.Fatalf("signing in is answered %d", r.Status)
			}
			student := lab.Client().SignIn("alice")
			student.Post("/act/edit", nil) // a teacher for the plain way
			for i := range 100 {
				guess(lab)
				guess(lab, webtest.Via(fmt.Sprintf("192.0.2.%d", i)))
				guess(lab, webtest.Via("198.51.100.1"))
			}
			if r := student.Post("/login", webtest.Login("teacher")); r.Status != http.StatusTooManyRequests {
				t.Errorf("a student is answered %d", r.Status)
			}
			lab.Clock.Advance(time.Second)
			for range 7 { // the right PIN uses up no try
				if r := here.Post("/login", webtest.Login("teacher")); r.Status != http.StatusSeeOther {
					t.Fatalf("the teacher at this machine is answered %d", r.Status)
				}
			}
			if r := there.AskToken(`{"username":"teacher","pin":"`+webtest.TeacherPIN+`"}`, webtest.Via("198.51.100.1")); r.Status != http.StatusCreated {
				t.Errorf("for a token, the teacher elsewhere is answered %d", r.Status)
			}
			for i := range 7 {
				want := http.StatusForbidden
				if i >= 5 {
					want = http.StatusTooManyRequests
				}
				if r := there.Post("/login", webtest.Wrong("teacher"), webtest.Via(fmt.Sprintf("203.0.113.%d", i))); r.Status != want {
					t.Errorf("wrong try %d of who is signed in is answered %d, not %d", i+1, r.Status, want)
				}
				key := there.Cookie("lab_sessionid")
				if there.Do(http.MethodPost, "/api/session/cycle_key", webtest.Body(webtest.JSONType, "{}"), webtest.Via("203.0.113.7")); engine == "db" && there.Cookie("lab_sessionid") == key {
					t.Error("the key is the same")
				}
			}
			if r := here.Post("/login", webtest.Login("teacher")); r.Status != http.StatusSeeOther {
				t.Errorf("then, the teacher at this machine is answered %d", r.Status)
			}
		})
	}
}

// Signing in resets the counter of this origin, and no other one.
func TestThrottleOfThePINForgets(t *testing.T) {
	lab := labtest.New(t, labtest.BehindProxy)
	for _, address := range []string{"192.0.2.7", "192.0.2.8"} {
		tries(lab, "teacher", 4, webtest.Via(address))
	}
	tries(lab, "teacher", 4)
	if got := teacherFrom(lab, webtest.Via("192.0.2.7")); got != http.StatusSeeOther {
		t.Fatalf("the right PIN is answered %d", got)
	}
	for from, test := range map[string]struct {
		with func(*http.Request)
		left int
	}{"there": {webtest.Via("192.0.2.7"), 5}, "another address": {webtest.Via("192.0.2.8"), 1}, "this machine": {func(*http.Request) {}, 1}} {
		if got := judged(tries(lab, "teacher", 6, test.with)); got != test.left {
			t.Errorf("%s has %d tries left, not %d", from, got, test.left)
		}
	}
	t.Run("a new class forgets all", func(t *testing.T) {
		lab.Clock.Advance(time.Minute)
		teacher := lab.Client().SignIn("teacher")
		tries(lab, "teacher", 6)
		tries(lab, "teacher", 6, webtest.Via("192.0.2.7"))
		if r := teacher.Post(webtest.ClassPath, webtest.Sure); r.Status != http.StatusSeeOther {
			t.Fatalf("answered %d", r.Status)
		}
		if rows := lab.Counters(t); len(rows) > 0 {
			t.Errorf("the database still has %q", rows)
		}
		if got := []int{teacherFrom(lab), teacherFrom(lab, webtest.Via("192.0.2.7"))}; !slices.Equal(got, []int{http.StatusSeeOther, http.StatusSeeOther}) {
			t.Errorf("the right PIN is answered %v", got)
		}
	})
}

// A counter expires after a minute, has no data, and its owner is not the owner of any
// session.
func TestThrottleOfThePINInTheDatabase(t *testing.T) {
	lab := labtest.New(t, labtest.BehindProxy)
	tries(lab, "teacher", 6)
	tries(lab, "teacher", 2, webtest.Via("192.0.2.7"))
	database := lab.Database(t)
	defer database.Close()
	var n, expire, bytes int
	if err := database.QueryRow(`SELECT count(*), sum(expires = ?), sum(length(data)) FROM sessions WHERE owner = 'throttle:'`,
		lab.Clock.Now().Add(time.Minute).UnixMicro()).Scan(&n, &expire, &bytes); err != nil || n != 3 || expire != n || bytes != 0 {
		t.Errorf("%d counters, of which %d expire in a minute, with %d bytes: %v", n, expire, bytes, err)
	}
	lab.Clock.Advance(time.Minute + time.Microsecond)
	if n, err := lab.Notebooks.ClearExpired(context.Background(), lab.Clock.Now(), 100); n != 3 || err != nil {
		t.Errorf("the cleaning takes %d: %v", n, err)
	}
}

// If the clock is set back, or another server's clock is ahead, no try is forgotten, and
// nobody is locked out for longer than a minute.
func TestThrottleOfThePINWhenTheClockIsSetBack(t *testing.T) {
	for _, by := range []time.Duration{time.Second, time.Hour} {
		for made, want := range map[int]string{4: "[403 429]", 5: "[429 429]"} {
			lab := labtest.New(t)
			tries(lab, "teacher", made)
			lab.Clock.Advance(-by)
			if got := fmt.Sprint(tries(lab, "teacher", 2)); got != want {
				t.Errorf("set back by %v after %d tries, two more: %s, not %s", by, made, got, want)
			}
			if r := lab.Client().Post("/login", webtest.Login("teacher")); r.Header.Get("Retry-After") != "60" {
				t.Errorf("Retry-After is %q", r.Header.Get("Retry-After"))
			}
			lab.Clock.Advance(time.Minute)
			if got := teacherFrom(lab); got != http.StatusSeeOther {
				t.Errorf("a minute later the right PIN is answered %d", got)
			}
		}
	}
}

// If the store that counts the tries is down, nobody may try a PIN. Students can still
// sign in: their tries are not counted there.
func TestThrottleOfThePINWhileItsStoreIsDown(t *testing.T) {
	lab := labtest.New(t)
	pin := `{"username":"teacher","pin":"` + webtest.TeacherPIN + `"}`
	for _, op := range []string{"load", "create"} {
		lab.Notebooks.Before = storetest.Down(op)
		for _, json := range []string{pin, `{"username":"teacher","pin":"000000"}`} {
			if r := lab.Client().AskToken(json); r.Status != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" {
				t.Errorf("with no %s, answered %d: %s", op, r.Status, r.Body)
			}
		}
		if r := lab.Client().AskToken(`{"username":"alice","password":"cookies"}`); r.Status != http.StatusCreated {
			t.Errorf("with no %s, a student is answered %d", op, r.Status)
		}
	}
	lab.Notebooks.Before = nil
	if got := guess(lab); got != http.StatusForbidden {
		t.Fatalf("a wrong PIN is answered %d", got)
	}
	for _, op := range []string{"update", "delete"} {
		lab.Notebooks.Before = storetest.Down(op)
		if r := lab.Client().AskToken(pin); r.Status != http.StatusServiceUnavailable || strings.Contains(r.Body, `"token"`) {
			t.Errorf("with no %s, answered %d: %s", op, r.Status, r.Body)
		}
	}
}

// A counter that another program made unreadable locks nobody out.
func TestAnUnreadableCounterIsRemoved(t *testing.T) {
	lab := labtest.New(t)
	tries(lab, "teacher", 1)
	database := lab.Database(t)
	defer database.Close()
	if _, err := database.Exec(`UPDATE sessions SET version = -1 WHERE owner = 'throttle:'`); err != nil {
		t.Fatal(err)
	}
	lab.Client().SignIn("teacher")
	if got, want := fmt.Sprint(tries(lab, "teacher", 6)), "[403 403 403 403 403 429]"; got != want {
		t.Errorf("then six wrong tries: %s, not %s", got, want)
	}
}
