// Times in every zone: no page fails because of the time zone that the server is in.

package handlers_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the zones, also where the machine has none

	"cookielab/handlers"
	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
	"cookielab/sessions"
)

const inZone = "COOKIELAB_TEST_ZONE"

// The zone is a setting of the whole process, so each zone is tried in a new process.
func TestNoZoneMakesADateFail(t *testing.T) {
	for _, zone := range []string{"Asia/Shanghai", "Pacific/Kiritimati", "America/Los_Angeles", "UTC"} {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDatesInTheZoneOfTheProcess$", "-test.count=1")
			child.Env = append(os.Environ(), "TZ="+zone, inZone+"="+zone)
			if output, err := child.CombinedOutput(); err != nil || !strings.Contains(string(output), "in "+zone+" all is well") {
				t.Errorf("%v\n%s", err, output)
			}
		})
	}
}

func TestDatesInTheZoneOfTheProcess(t *testing.T) {
	zone := os.Getenv(inZone)
	if zone == "" {
		return // not a skip: TestNoZoneMakesADateFail starts this test in a new process
	}
	if here := time.Now().Location().String(); here != zone && zone != "UTC" {
		t.Fatalf("the process lives in %s, not in %s", here, zone)
	}
	lab := labtest.New(t, func(c *handlers.Config) {
		clock := c.Clock
		c.Clock = func() time.Time { return clock().Local() } // as time.Now gives it
	})
	looks := func(c *webtest.Client, what string) {
		t.Helper()
		for _, path := range []string{"/api/lanes", "/api/whoami", "/api/wire", "/dashboard", "/console", "/sessions", "/wire", "/engines"} {
			if r := c.Get(path); r.Status >= http.StatusInternalServerError {
				t.Errorf("%s: GET %s answers %d: %.200s", what, path, r.Status, r.Body)
			}
		}
		c.Call("expiry", "{}")
	}
	for _, at := range []string{
		"9999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00", "0000-01-01T00:00:00Z", "0000-01-01T00:00:00+14:00",
		"0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "1969-12-31T23:59:59Z", "2026-11-23T07:59:59Z",
	} {
		api := lab.Client().SignIn("alice")
		if r := api.Call("set_expiry", `{"at":"`+at+`"}`); r.Status >= http.StatusInternalServerError {
			t.Errorf("%s: set_expiry answers %d: %s", at, r.Status, r.Body)
		}
		looks(api, at)
		page := lab.Client().SignIn("bob")
		if r := page.Post("/console", url.Values{"call": {"at"}, "at": {at}}); r.Status >= http.StatusInternalServerError {
			t.Errorf("%s: the console answers %d", at, r.Status)
		}
		looks(page, at)
	}
	// Such records are in databases from before expiry was bounded.
	for _, expires := range []time.Time{time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)} {
		c := lab.Client().SignIn("carol")
		rec, err := lab.Sessions.Load(t.Context(), sessions.KeyID("session", c.Cookie(webtest.SessionCookie)))
		rec.Expires = expires
		rec.Data = []byte(fmt.Sprintf(`{"_expiry":%q,%s`, expires.Format(time.RFC3339Nano), rec.Data[1:]))
		if err = errors.Join(err, lab.Sessions.Update(t.Context(), rec)); err != nil {
			t.Fatal(err)
		}
		looks(c, expires.String())
		c.Call("set", `{"key":"a","value":1}`)
		looks(c, expires.String()+", saved again")
	}
	fmt.Println("in", zone, "all is well")
}
