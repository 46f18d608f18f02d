// The engines page in the whole lab: its sessions and the lab's own do not touch each other.

package handlers_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"cookielab/handlers/labtest"
	"cookielab/handlers/lanes"
	"cookielab/handlers/webtest"
	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

// The lab's own session stays as it was, and a key of the page opens nothing in the lab.
func TestEnginesLeaveTheLabAlone(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client().SignIn("alice")
	c.Get(webtest.EnginesPath)
	c.Press("all")
	if c.Verdicts() != webtest.Everywhere {
		t.Error("the lab's own session did not stay as it was")
	}
	thief := lab.Client().Carry("lab_sessionid", c.Cookie("lab_e_db"))
	if got := thief.Lanes()[lanes.Session].Verdict; got != "unknown" {
		t.Errorf("the lab takes a key of the page for %s", got)
	}
	if key := c.Cookie("lab_e_db"); len(key) != sessions.KeyLength || strings.Contains(lab.Rows(t), key) || strings.Contains(lab.Log.String(), key) {
		t.Error("the key lies in the lab's database or in its log")
	}
}

// The page works while the lab's own sessions cannot be reached.
func TestEnginesWithoutTheLabsSessions(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client().SignIn("alice")
	lab.Sessions.Before = storetest.Down()
	if got := webtest.Outcomes(c.Press("write"), "write"); got != webtest.EnginesTable[0].Want {
		t.Errorf("%q", got)
	}
	lab.Sessions.Before = nil
	if c.Verdicts() != webtest.Everywhere {
		t.Error("alice was signed out")
	}
}

func TestResetOfEngines(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client()
	c.Get(webtest.EnginesPath)
	c.Press("write")
	kept := c.Cookie("lab_e_db")
	r := c.Post("/reset", nil)
	for _, engine := range sessions.Engines() {
		if cookie := r.Sets("lab_e_" + engine); cookie == nil || cookie.MaxAge >= 0 || cookie.Path != "/engines" {
			t.Errorf("the reset leaves lab_e_%s: %v", engine, cookie)
		}
	}
	again := lab.Client().Carry("lab_e_db", kept)
	again.Get(webtest.EnginesPath)
	if got := webtest.Outcomes(again.Press("read"), "read"); got != "gone nothing nothing nothing nothing" {
		t.Errorf("the server's half stays: %q", got)
	}
	if r := lab.Client().Post("/reset", nil); slices.ContainsFunc(r.Cookies, func(c *http.Cookie) bool { return strings.HasPrefix(c.Name, "lab_e_") }) {
		t.Error("who was never there has the cookies expired, too")
	}
}
