// The throttle: five wrong tries a minute and name, then a pause for that name. The
// teacher's PIN: throttle_pin_test.go.

package handlers_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"
)

func wrong(name string) url.Values {
	return url.Values{"username": {name}, "password": {"wrong"}, "pin": {"000000"}}
}

// tries posts the wrong word so often and says how each was answered.
func tries(lab *testLab, name string, n int, changes ...func(*http.Request)) (statuses []int) {
	for range n {
		statuses = append(statuses, lab.client().post("/login", wrong(name), changes...).status)
	}
	return statuses
}

func TestThrottle(t *testing.T) {
	for _, name := range []string{"alice", "teacher"} {
		t.Run(name, func(t *testing.T) {
			lab := newLab(t)
			if got, want := fmt.Sprint(tries(lab, name, 7)), "[403 403 403 403 403 429 429]"; got != want {
				t.Errorf("seven wrong tries: %s, not %s", got, want)
			}
			t.Run("the right word is refused meanwhile", func(t *testing.T) {
				c := lab.client()
				answer := c.post("/login", login(name))
				if answer.status != http.StatusTooManyRequests {
					t.Errorf("answered %d", answer.status)
				}
				if wait, err := strconv.Atoi(answer.header.Get("Retry-After")); err != nil || wait < 1 || wait > 60 {
					t.Errorf("Retry-After is %q", answer.header.Get("Retry-After"))
				}
				if got := c.verdicts(); got != nowhere {
					t.Errorf("the three ways conclude %q", got)
				}
			})
			t.Run("another name is not touched", func(t *testing.T) { lab.client().signIn("bob") })
			t.Run("it is over when Retry-After says", func(t *testing.T) {
				wait, _ := strconv.Atoi(lab.client().post("/login", login(name)).header.Get("Retry-After"))
				lab.clock.Advance(time.Duration(wait)*time.Second - time.Millisecond)
				if answer := lab.client().post("/login", login(name)); answer.status != http.StatusTooManyRequests {
					t.Errorf("a moment before: %d", answer.status)
				}
				lab.clock.Advance(time.Millisecond)
				lab.client().signIn(name)
			})
		})
	}
}

func TestThrottleForgets(t *testing.T) {
	lab := newLab(t)
	for _, test := range []struct {
		name    string
		between func()
	}{
		{"once somebody has signed in", func() { lab.client().signIn("alice") }},
		{"after a minute", func() { lab.clock.Advance(time.Minute) }},
		{"when the clock is set back", func() { lab.clock.Advance(-time.Hour) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			lab.clock.Advance(time.Hour)
			tries(lab, "alice", 4)
			test.between()
			if got, want := fmt.Sprint(tries(lab, "alice", 6)), "[403 403 403 403 403 429]"; got != want {
				t.Errorf("then six wrong tries: %s, not %s", got, want)
			}
		})
	}
}

// Tries for a student's name, and tries at the PIN from this machine, have one counter
// each, whatever a request says about where it comes from.
func TestThrottleIsByNameAlone(t *testing.T) {
	lab := newLab(t, behindProxy)
	for i := range 14 {
		got := tries(lab, []string{"alice", "teacher"}[i%2], 1, with("X-Forwarded-For", fmt.Sprintf("192.0.2.%d", i)), with("X-Real-Ip", fmt.Sprintf("192.0.2.%d", i)),
			with("Forwarded", fmt.Sprintf("for=192.0.2.%d", i)), with("User-Agent", strconv.Itoa(i)))[0]
		want := http.StatusForbidden
		if i >= 10 {
			want = http.StatusTooManyRequests
		}
		if got != want {
			t.Errorf("try %d, as if from elsewhere: %d, not %d", i+1, got, want)
		}
	}
}

// Names that nobody can have are refused before they are counted. A flood of other names
// does not lower a name's count, and does not fill the memory.
func TestThrottleIsNotFloodedOut(t *testing.T) {
	lab := newLab(t)
	tries(lab, "no name", 7)
	if n := lab.Auth.ThrottledNames(); n != 0 {
		t.Errorf("%d names remembered that are none", n)
	}
	for _, name := range []string{"alice", "teacher"} {
		tries(lab, name, 5)
	}
	for i := range 100_000 {
		lab.Auth.TryFailed("name" + strconv.Itoa(i))
	}
	for _, name := range []string{"alice", "teacher"} {
		if got := lab.client().post("/login", login(name)).status; got != http.StatusTooManyRequests {
			t.Errorf("after 100,000 other names, %s is answered %d", name, got)
		}
	}
	if n := lab.Auth.ThrottledNames(); n > 1<<15 {
		t.Errorf("%d names remembered", n)
	}
}
