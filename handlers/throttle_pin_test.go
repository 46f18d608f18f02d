// The throttle of the teacher's PIN: all servers of one database count together, each
// origin has a counter, and nobody can lock out somebody at another origin.

package handlers_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cookielab/handlers"
	"cookielab/sessions/storetest"
)

const proxyName = "lab.example"

// behindProxy lets the lab also answer requests to the host of a proxy.
func behindProxy(c *handlers.Config) { c.AllowHosts = []string{proxyName} }

// via sends a request as the proxy does for a client with this address.
func via(address string) func(*http.Request) {
	return func(r *http.Request) {
		r.Host = proxyName
		r.Header.Set("X-Forwarded-For", address)
	}
}

// twoLabs are two servers that share a database and nothing else.
func twoLabs(t *testing.T) (a, b *testLab) {
	a = newLab(t, behindProxy)
	b = newLab(t, behindProxy, func(c *handlers.Config) {
		c.Sessions, c.Notebooks, c.Clock = a.sessions, a.notebooks, a.clock.Now
	})
	return a, b
}

// guess posts a wrong PIN and returns the status.
func guess(lab *testLab, changes ...func(*http.Request)) int {
	return tries(lab, "teacher", 1, changes...)[0]
}

// teacherFrom posts the right PIN and returns the status.
func teacherFrom(lab *testLab, changes ...func(*http.Request)) int {
	return lab.client().post("/login", login("teacher"), changes...).status
}

// counters are the throttle's records.
func (lab *testLab) counters(t *testing.T) (rows []string) {
	for row := range strings.Lines(lab.rows(t)) {
		if strings.Contains(row, " throttle: ") {
			rows = append(rows, row)
		}
	}
	return rows
}

// sessionRows are all records except the throttle's.
func (lab *testLab) sessionRows(t *testing.T) string {
	rows := lab.rows(t)
	for _, counter := range lab.counters(t) {
		rows = strings.Replace(rows, counter, "", 1)
	}
	return rows
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
	}{{"this machine", func(*http.Request) {}}, {"the network", via("192.0.2.7")}} {
		t.Run(from.name, func(t *testing.T) {
			if got := fmt.Sprint(tries(a, "teacher", 3, from.with), tries(b, "teacher", 3, from.with), tries(a, "teacher", 1, from.with)); got != "[403 403 403] [403 403 429] [429]" {
				t.Errorf("on A, B and A: %s", got)
			}
			for _, lab := range []*testLab{a, b} {
				r := lab.client().post("/login", login("teacher"), from.with)
				if r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") != "60" {
					t.Errorf("the right PIN is answered %d, Retry-After %q", r.status, r.header.Get("Retry-After"))
				}
				if r := lab.client().askToken(`{"username":"teacher","pin":"`+teacherPIN+`"}`, from.with); r.status != http.StatusTooManyRequests {
					t.Errorf("a token is answered %d", r.status)
				}
			}
			a.clock.Advance(time.Minute)
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
		storetest.Together(len(statuses), func(i int) { statuses[i] = guess([]*testLab{a, b}[i%2]) })
		if got := judged(statuses[:]); got != 5 {
			t.Errorf("of 50 wrong tries in %s minute %d were judged: %v", minute, got, statuses)
		}
		a.clock.Advance(time.Minute)
	}
	t.Run("from many addresses", func(t *testing.T) {
		var statuses [100]int
		storetest.Together(len(statuses), func(i int) {
			statuses[i] = guess([]*testLab{a, b}[i%2], via(fmt.Sprintf("192.0.2.%d", i)))
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
		{"one address", via("192.0.2.7"), via("192.0.2.7"), true},
		{"two", via("192.0.2.7"), via("192.0.2.8"), false},
		{"what the client says stands before", via("192.0.2.7"), via("198.51.100.1, 192.0.2.7"), true},
		{"on a line of its own", via("192.0.2.7"), func(r *http.Request) {
			r.Host, r.Header["X-Forwarded-For"] = proxyName, []string{"198.51.100.1", "192.0.2.7"}
		}, true},
		{"with a port", via("192.0.2.7"), via("192.0.2.7:4711"), true},
		{"IPv4 in IPv6", via("192.0.2.7"), via("::ffff:192.0.2.7"), true},
		{"IPv6: a /64", via("2001:db8:1:2::1"), via("2001:db8:1:2:3:4:5:6"), true},
		{"IPv6: another /64", via("2001:db8:1:2::1"), via("2001:db8:1:3::1"), false},
		{"IPv6 with a port", via("2001:db8:1:2::1"), via("[2001:db8:1:2::9]:4711"), true},
		{"Forwarded", via("2001:db8:1:2::1"), forwarded(`for=198.51.100.1, For="[2001:db8:1:2::9]:4711";proto=http`), true},
		{"another Forwarded", via("2001:db8:1:2::1"), forwarded(`for=192.0.2.7`), false},
		{"X-Forwarded-For goes first", via("192.0.2.7"), func(r *http.Request) { forwarded("for=198.51.100.1")(r); via("192.0.2.7")(r) }, true},
		{"what is none counts as one", via("unknown"), forwarded("for=_hidden"), true},
		{"nothing forwarded is the same", via("no address"), func(r *http.Request) { r.Host = proxyName }, true},
		{"this machine and the network", func(*http.Request) {}, via("192.0.2.7"), false},
		{"the network and this machine", via("192.0.2.7"), func(*http.Request) {}, false},
		{"who says to be this machine is not", via("127.0.0.1"), func(*http.Request) {}, false},
		{"this machine, whatever it says", func(*http.Request) {}, with("X-Forwarded-For", "192.0.2.7"), true},
		{"this machine, whatever it says in the other way", func(*http.Request) {}, with("Forwarded", "for=192.0.2.7"), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			lab := newLab(t, behindProxy)
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
		r.Host = proxyName
		r.Header.Set("Forwarded", line)
	}
}

// All addresses on the network together have sixty tries, and a flood from new addresses
// stores no more counters than that. This machine and the network do not lock each other out.
func TestThrottleOfThePINTogether(t *testing.T) {
	lab := newLab(t, behindProxy)
	tries(lab, "teacher", 200, via("192.0.2.7")) // uses up only five of the sixty
	flood := make([]int, 0, 500)
	for i := range cap(flood) {
		flood = append(flood, guess(lab, via(fmt.Sprintf("2001:db8:0:%x::1", i))))
	}
	if got := judged(flood); got != 55 || slices.Contains(flood[55:], http.StatusForbidden) {
		t.Errorf("of 500 tries from as many networks %d were judged", got)
	}
	if got := len(lab.counters(t)); got > 61 {
		t.Errorf("%d counters lie in the database", got)
	}
	if r := lab.client().post("/login", login("teacher"), via("198.51.100.1")); r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") != "60" {
		t.Errorf("the right PIN from elsewhere is answered %d, Retry-After %q", r.status, r.header.Get("Retry-After"))
	}
	if got := teacherFrom(lab); got != http.StatusSeeOther {
		t.Errorf("the teacher at this machine is answered %d", got)
	}
	lab.clock.Advance(time.Minute)
	tries(lab, "teacher", 6) // and the other way around
	if got := teacherFrom(lab, via("198.51.100.1")); got != http.StatusSeeOther {
		t.Errorf("the teacher elsewhere is answered %d", got)
	}
}

// Somebody who is signed in as teacher can sign in again, whatever strangers do. They
// have five wrong tries a minute, however often their key changes.
func TestThrottleOfThePINAndTheTeacher(t *testing.T) {
	for engine, option := range map[string]func(*handlers.Config){"db": func(*handlers.Config) {}, "signed_cookies": inCookies} {
		t.Run(engine, func(t *testing.T) {
			lab := newLab(t, behindProxy, option)
			here, there := lab.client().signIn("teacher"), lab.client()
			lab.clock.Advance(time.Second)
			if r := there.post("/login", login("teacher"), via("198.51.100.1")); r.status != http.StatusSeeOther {
				t.Fatalf("signing in is answered %d", r.status)
			}
			student := lab.client().signIn("alice")
			student.post("/act/edit", nil) // a teacher for the plain way
			for i := range 100 {
				guess(lab)
				guess(lab, via(fmt.Sprintf("192.0.2.%d", i)))
				guess(lab, via("198.51.100.1"))
			}
			if r := student.post("/login", login("teacher")); r.status != http.StatusTooManyRequests {
				t.Errorf("a student is answered %d", r.status)
			}
			lab.clock.Advance(time.Second)
			for range 7 { // the right PIN uses up no try
				if r := here.post("/login", login("teacher")); r.status != http.StatusSeeOther {
					t.Fatalf("the teacher at this machine is answered %d", r.status)
				}
			}
			if r := there.askToken(`{"username":"teacher","pin":"`+teacherPIN+`"}`, via("198.51.100.1")); r.status != http.StatusCreated {
				t.Errorf("for a token, the teacher elsewhere is answered %d", r.status)
			}
			for i := range 7 {
				want := http.StatusForbidden
				if i >= 5 {
					want = http.StatusTooManyRequests
				}
				if r := there.post("/login", wrong("teacher"), via(fmt.Sprintf("203.0.113.%d", i))); r.status != want {
					t.Errorf("wrong try %d of who is signed in is answered %d, not %d", i+1, r.status, want)
				}
				key := there.cookie("lab_sessionid")
				if there.do(http.MethodPost, "/api/session/cycle_key", body(jsonType, "{}"), via("203.0.113.7")); engine == "db" && there.cookie("lab_sessionid") == key {
					t.Error("the key is the same")
				}
			}
			if r := here.post("/login", login("teacher")); r.status != http.StatusSeeOther {
				t.Errorf("then, the teacher at this machine is answered %d", r.status)
			}
		})
	}
}

// Signing in resets the counter of this origin, and no other one.
func TestThrottleOfThePINForgets(t *testing.T) {
	lab := newLab(t, behindProxy)
	for _, address := range []string{"192.0.2.7", "192.0.2.8"} {
		tries(lab, "teacher", 4, via(address))
	}
	tries(lab, "teacher", 4)
	if got := teacherFrom(lab, via("192.0.2.7")); got != http.StatusSeeOther {
		t.Fatalf("the right PIN is answered %d", got)
	}
	for from, test := range map[string]struct {
		with func(*http.Request)
		left int
	}{"there": {via("192.0.2.7"), 5}, "another address": {via("192.0.2.8"), 1}, "this machine": {func(*http.Request) {}, 1}} {
		if got := judged(tries(lab, "teacher", 6, test.with)); got != test.left {
			t.Errorf("%s has %d tries left, not %d", from, got, test.left)
		}
	}
	t.Run("a new class forgets all", func(t *testing.T) {
		lab.clock.Advance(time.Minute)
		teacher := lab.client().signIn("teacher")
		tries(lab, "teacher", 6)
		tries(lab, "teacher", 6, via("192.0.2.7"))
		if r := teacher.post(classPath, sure); r.status != http.StatusSeeOther {
			t.Fatalf("answered %d", r.status)
		}
		if rows := lab.counters(t); len(rows) > 0 {
			t.Errorf("the database still has %q", rows)
		}
		if got := []int{teacherFrom(lab), teacherFrom(lab, via("192.0.2.7"))}; !slices.Equal(got, []int{http.StatusSeeOther, http.StatusSeeOther}) {
			t.Errorf("the right PIN is answered %v", got)
		}
	})
}

// A counter expires after a minute, has no data, and its owner is not the owner of any
// session.
func TestThrottleOfThePINInTheDatabase(t *testing.T) {
	lab := newLab(t, behindProxy)
	tries(lab, "teacher", 6)
	tries(lab, "teacher", 2, via("192.0.2.7"))
	database := lab.database(t)
	defer database.Close()
	var n, expire, bytes int
	if err := database.QueryRow(`SELECT count(*), sum(expires = ?), sum(length(data)) FROM sessions WHERE owner = 'throttle:'`,
		lab.clock.Now().Add(time.Minute).UnixMicro()).Scan(&n, &expire, &bytes); err != nil || n != 3 || expire != n || bytes != 0 {
		t.Errorf("%d counters, of which %d expire in a minute, with %d bytes: %v", n, expire, bytes, err)
	}
	lab.clock.Advance(time.Minute + time.Microsecond)
	if n, err := lab.notebooks.ClearExpired(context.Background(), lab.clock.Now(), 100); n != 3 || err != nil {
		t.Errorf("the cleaning takes %d: %v", n, err)
	}
}

// If the clock is set back, or another server's clock is ahead, no try is forgotten, and
// nobody is locked out for longer than a minute.
func TestThrottleOfThePINWhenTheClockIsSetBack(t *testing.T) {
	for _, by := range []time.Duration{time.Second, time.Hour} {
		for made, want := range map[int]string{4: "[403 429]", 5: "[429 429]"} {
			lab := newLab(t)
			tries(lab, "teacher", made)
			lab.clock.Advance(-by)
			if got := fmt.Sprint(tries(lab, "teacher", 2)); got != want {
				t.Errorf("set back by %v after %d tries, two more: %s, not %s", by, made, got, want)
			}
			if r := lab.client().post("/login", login("teacher")); r.header.Get("Retry-After") != "60" {
				t.Errorf("Retry-After is %q", r.header.Get("Retry-After"))
			}
			lab.clock.Advance(time.Minute)
			if got := teacherFrom(lab); got != http.StatusSeeOther {
				t.Errorf("a minute later the right PIN is answered %d", got)
			}
		}
	}
}

// If the store that counts the tries is down, nobody may try a PIN. Students can still
// sign in: their tries are not counted there.
func TestThrottleOfThePINWhileItsStoreIsDown(t *testing.T) {
	lab := newLab(t)
	pin := `{"username":"teacher","pin":"` + teacherPIN + `"}`
	for _, op := range []string{"load", "create"} {
		lab.notebooks.Before = storetest.Down(op)
		for _, json := range []string{pin, `{"username":"teacher","pin":"000000"}`} {
			if r := lab.client().askToken(json); r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
				t.Errorf("with no %s, answered %d: %s", op, r.status, r.body)
			}
		}
		if r := lab.client().askToken(`{"username":"alice","password":"cookies"}`); r.status != http.StatusCreated {
			t.Errorf("with no %s, a student is answered %d", op, r.status)
		}
	}
	lab.notebooks.Before = nil
	if got := guess(lab); got != http.StatusForbidden {
		t.Fatalf("a wrong PIN is answered %d", got)
	}
	for _, op := range []string{"update", "delete"} {
		lab.notebooks.Before = storetest.Down(op)
		if r := lab.client().askToken(pin); r.status != http.StatusServiceUnavailable || strings.Contains(r.body, `"token"`) {
			t.Errorf("with no %s, answered %d: %s", op, r.status, r.body)
		}
	}
}

// A counter that another program made unreadable locks nobody out.
func TestAnUnreadableCounterIsRemoved(t *testing.T) {
	lab := newLab(t)
	tries(lab, "teacher", 1)
	database := lab.database(t)
	defer database.Close()
	if _, err := database.Exec(`UPDATE sessions SET version = -1 WHERE owner = 'throttle:'`); err != nil {
		t.Fatal(err)
	}
	lab.client().signIn("teacher")
	if got, want := fmt.Sprint(tries(lab, "teacher", 6)), "[403 403 403 403 403 429]"; got != want {
		t.Errorf("then six wrong tries: %s, not %s", got, want)
	}
}
