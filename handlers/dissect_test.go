// The dissector in the whole lab: it agrees with what the lanes conclude, its examples let
// nobody in, and what was typed stays nowhere.

package handlers_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cookielab/handlers"
	"cookielab/handlers/labtest"
	"cookielab/handlers/lanes"
	"cookielab/handlers/webtest"
	"cookielab/sessions"
)

// What the dissector says of the lab's own cookies is what the lab concludes.
func TestDissectAgreesWithTheLab(t *testing.T) {
	for name, options := range map[string][]func(*handlers.Config){"db": nil, "signed_cookies": {labtest.InCookies}} {
		t.Run(name, func(t *testing.T) {
			lab := labtest.New(t, options...)
			alice := lab.Client().SignIn("alice")
			value, _ := alice.DissectExample(t, "signed")
			if value != alice.Cookie("signed_user") {
				t.Errorf("filled in is %q", value)
			}
			cookies := []string{"signed_user"}
			if name == "signed_cookies" {
				cookies = append(cookies, "lab_sessionid")
			}
			for _, cookie := range cookies {
				whole := alice.Cookie(cookie)
				agree := func(value string) {
					t.Helper()
					c := lab.Client().Carry(cookie, value)
					lane := map[string]string{"signed_user": lanes.Signed, "lab_sessionid": lanes.Session}[cookie]
					accepted := c.Lanes()[lane].Verdict == lanes.Verified
					if got, _ := c.Dissect("verify", cookie+"="+value).Verdict(t); (got == "verified") != accepted {
						t.Errorf("%s=%s: %s, and the lab accepts it: %t", cookie, value, got, accepted)
					}
				}
				for at := range len(whole) { // every character
					if at%7 == 0 || at > len(whole)-8 {
						agree(whole[:at] + map[bool]string{true: "B", false: "A"}[whole[at] == 'A'] + whole[at+1:])
					}
				}
				agree(whole)
				lab.Clock.Advance(15 * 24 * time.Hour)
				agree(whole)
				lab.Clock.Advance(-15 * 24 * time.Hour)
			}
		})
	}
}

// An example lets nobody in.
func TestDissectExamplesLetNobodyIn(t *testing.T) {
	lab := labtest.New(t)
	for _, name := range []string{"signed", "over", "purpose", "jwt", "none", "base64", "json", "url"} {
		value, _ := lab.Client().DissectExample(t, name)
		for _, cookie := range []string{"plain_user", "signed_user", "lab_sessionid"} {
			found := lab.Client().Carry(cookie, strings.TrimPrefix(value, "signed_user=")).Lanes()
			if got := found[lanes.Signed].Verdict; got == lanes.Verified || found[lanes.Session].Verdict == lanes.Found {
				t.Errorf("%s, sent as %s, is %s", name, cookie, got)
			}
		}
		if r := lab.Client().Get("/api/whoami/sealed", webtest.With("Authorization", "Token "+strings.TrimPrefix(value, "signed_user="))); r.Status != http.StatusUnauthorized {
			t.Errorf("%s, sent as a token, is answered %d", name, r.Status)
		}
	}
}

// Nothing that was typed stays anywhere: not in the log, not on the wire, not in
// the notebook or in anything else of the database; nor does it go into an address.
func TestDissectKeepsNothing(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client().SignIn("alice")
	c.Get("/dissect")
	number := len(c.Wire())
	secret := "n0body-may-keep-th1s"
	for _, value := range []string{
		secret, "Cookie: other=" + secret, "Authorization: Bearer " + secret, "user=" + secret + "&role=x", `{"user": "` + secret + `"`,
		base64.StdEncoding.EncodeToString([]byte(secret)) + "." + secret, "eyJhbGciOiJIUzI1NiJ9." + secret + "." + secret, secret + strings.Repeat("x", 9000), "%" + secret,
		webtest.Seal(t, secret, webtest.Secrets[0], secret),
	} {
		for _, act := range []string{"decode", "verify", "flip", "undo", secret} {
			r := c.Dissect(act, value, "key", secret, "before", secret, "last", "verify")
			if r.Header.Get("Location") != "" || strings.Contains(fmt.Sprint(r.Header), secret) || len(r.Cookies) > 0 {
				t.Errorf("%s is answered with %v", act, r.Header)
			}
		}
	}
	c.Post("/dissect", url.Values{"act": {"verify"}, "value": {secret}, "purpose": {secret}})
	c.Post("/dissect", nil, webtest.Body(webtest.FormType, "act=verify&value="+secret+"%zz"))
	c.Post("/dissect", nil, webtest.Body(webtest.FormType, "act=verify&value="+secret+strings.Repeat("x", 64<<10)))
	c.Post("/dissect", nil, webtest.Body("application/json", `{"value":"`+secret+`"}`))
	c.Post("/dissect", url.Values{"act": {"verify"}, "value": {secret}}, webtest.With("Sec-Fetch-Site", "cross-site"))
	lab.Sessions.Before = func(string) error { return fmt.Errorf("%w: down", sessions.ErrUnavailable) }
	c.Dissect("verify", secret)
	lab.Sessions.Before = nil

	if got := len(c.Wire()); got != number {
		t.Errorf("the wire has %d exchanges, %d before", got, number)
	}
	for name, text := range map[string]string{"the log": lab.Log.String(), "the wire": c.Get("/wire").Body + c.Get("/api/wire").Body, "the page, anew": c.Get("/dissect").Body, "the dashboard": c.Get("/dashboard").Body} {
		if strings.Contains(text, secret) {
			t.Errorf("%s has what was typed", name)
		}
	}
	files, err := filepath.Glob(lab.File + "*") // the write-ahead log, too
	if err != nil || len(files) == 0 {
		t.Fatal("no database", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), secret) {
			t.Errorf("%s has what was typed", filepath.Base(file))
		}
	}
}
