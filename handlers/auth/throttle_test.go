// The throttle: five wrong tries a minute and name, then a pause for that name. The
// teacher's PIN: throttle_pin_test.go.

package auth_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
)

// tries posts the wrong word so often and says how each was answered.
func tries(lab *labtest.Lab, name string, n int, changes ...func(*http.Request)) (statuses []int) {
	for range n {
		statuses = append(statuses, lab.Client().Post("/login", webtest.Wrong(name), changes...).Status)
	}
	return statuses
}

func TestThrottle(t *testing.T) {
	for _, name := range []string{"alice", "teacher"} {
		t.Run(name, func(t *testing.T) {
			lab := labtest.New(t)
			if got, want := fmt.Sprint(tries(lab, name, 7)), "[403 403 403 403 403 429 429]"; got != want {
				t.Errorf("seven wrong tries: %s, not %s", got, want)
			}
			t.Run("the right word is refused meanwhile", func(t *testing.T) {
				c := lab.Client()
				answer := c.Post("/login", webtest.Login(name))
				if answer.Status != http.StatusTooManyRequests {
					t.Errorf("answered %d", answer.Status)
				}
				if wait, err := strconv.Atoi(answer.Header.Get("Retry-After")); err != nil || wait < 1 || wait > 60 {
					t.Errorf("Retry-After is %q", answer.Header.Get("Retry-After"))
				}
				if got := c.Verdicts(); got != webtest.Nowhere {
					t.Errorf("the three ways conclude %q", got)
				}
			})
			t.Run("another name is not touched", func(t *testing.T) { lab.Client().SignIn("bob") })
			t.Run("it is over when Retry-After says", func(t *testing.T) {
				wait, _ := strconv.Atoi(lab.Client().Post("/login", webtest.Login(name)).Header.Get("Retry-After"))
				lab.Clock.Advance(time.Duration(wait)*time.Second - time.Millisecond)
				if answer := lab.Client().Post("/login", webtest.Login(name)); answer.Status != http.StatusTooManyRequests {
					t.Errorf("a moment before: %d", answer.Status)
				}
				lab.Clock.Advance(time.Millisecond)
				lab.Client().SignIn(name)
			})
		})
	}
}

func TestThrottleForgets(t *testing.T) {
	lab := labtest.New(t)
	for _, test := range []struct {
		name    string
		between func()
	}{
		{"once somebody has signed in", func() { lab.Client().SignIn("alice") }},
		{"after a minute", func() { lab.Clock.Advance(time.Minute) }},
		{"when the clock is set back", func() { lab.Clock.Advance(-time.Hour) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			lab.Clock.Advance(time.Hour)
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
	lab := labtest.New(t, labtest.BehindProxy)
	for i := range 14 {
		got := tries(lab, []string{"alice", "teacher"}[i%2], 1, webtest.With("X-Forwarded-For", fmt.Sprintf("192.0.2.%d", i)), webtest.With("X-Real-Ip", fmt.Sprintf("192.0.2.%d", i)),
			webtest.With("Forwarded", fmt.Sprintf("for=192.0.2.%d", i)), webtest.With("User-Agent", strconv.Itoa(i)))[0]
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
	lab := labtest.New(t)
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
		if got := lab.Client().Post("/login", webtest.Login(name)).Status; got != http.StatusTooManyRequests {
			t.Errorf("after 100,000 other names, %s is answered %d", name, got)
		}
	}
	if n := lab.Auth.ThrottledNames(); n > 1<<15 {
		t.Errorf("%d names remembered", n)
	}
}
