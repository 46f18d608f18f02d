// Signed values that are not as the server made them, through the front door:
// each is told apart, and none is believed.

package lanes_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"cookielab/handlers/labtest"
	"cookielab/handlers/lanes"
	"cookielab/handlers/webtest"
)

func TestForgedSignedValues(t *testing.T) {
	lab := labtest.New(t)
	lab.Clock.Advance(time.Second - time.Duration(lab.Clock.Now().Nanosecond())) // a whole second: an end can be met exactly
	at := lab.Clock.Now()
	alice := webtest.Facts{User: "alice", Role: "teacher", Issued: at.Unix(), Expires: at.Add(time.Hour).Unix()}
	genuine := func(content any) string { return webtest.Seal(t, "signed_user", webtest.Secrets[0], content) }
	cut := func(parts int) string { // of time|content|MAC, the first so many
		split := strings.SplitAfter(webtest.Unseal(t, genuine(alice)), "|")
		return base64.URLEncoding.EncodeToString([]byte(strings.Join(split[:parts], "")))
	}
	issued := func(ago time.Duration) webtest.Facts {
		f := alice
		f.Issued = at.Add(-ago).Unix()
		return f
	}
	until := func(left time.Duration) webtest.Facts {
		f := alice
		f.Expires = at.Add(left).Unix()
		return f
	}
	padded := alice
	for padded.User = "a"; !strings.HasSuffix(genuine(padded), "="); padded.User += "a" {
	}

	for _, test := range []struct {
		name, value string
		verdict     lanes.Verdict
		check       string // that failed, "" for none
	}{
		{"as the server made it", genuine(alice), lanes.Verified, ""},
		{"sealed with the older secret", webtest.Seal(t, "signed_user", webtest.Secrets[1], alice), lanes.Verified, ""},
		{"row 34: no MAC", cut(2), lanes.Tampered, "seal"},
		{"row 34: no MAC and no content", cut(1), lanes.Tampered, "seal"},
		{"row 34: half a MAC", base64.URLEncoding.EncodeToString([]byte(webtest.Unseal(t, genuine(alice))[:len(webtest.Unseal(t, genuine(alice)))-16])), lanes.Tampered, "seal"},
		{"row 34: moved here from another cookie’s name", webtest.Seal(t, "plain_user", webtest.Secrets[0], alice), lanes.Tampered, "seal"},
		{"row 34: sealed with a key of somebody else's", webtest.Seal(t, "signed_user", []byte(strings.Repeat("k", 32)), alice), lanes.Tampered, "seal"},
		{"row 35: not base64", "%%%", lanes.Unreadable, "readable"},
		{"row 35: base64 of the other alphabet", "++//", lanes.Unreadable, "readable"},
		{"row 35: padding lost", strings.TrimRight(genuine(padded), "="), lanes.Unreadable, "readable"},
		{"row 35: empty", "", lanes.Unreadable, "readable"},
		{"row 35: 5 KB", strings.Repeat("QUJD", 5<<10/4), lanes.Unreadable, "length"},
		{"row 35: sealed, but no object", genuine("alice"), lanes.Unreadable, "readable"},
		{"row 35: sealed, but fields of another kind", genuine(map[string]any{"user": 1}), lanes.Unreadable, "readable"},
		{"sealed, but without a user", genuine(webtest.Facts{Role: "teacher", Issued: alice.Issued, Expires: alice.Expires}), lanes.Unreadable, "complete"},
		{"sealed, but without an end", genuine(webtest.Facts{User: "alice", Role: "teacher", Issued: alice.Issued}), lanes.Unreadable, "complete"},
		{"a second before its end", genuine(until(time.Second)), lanes.Verified, ""},
		{"row 36: at its end", genuine(until(0)), lanes.Expired, "age"},
		{"row 36: long after its end", genuine(until(-1000 * time.Hour)), lanes.Expired, "age"},
		{"dated half a minute ahead: clocks differ", genuine(issued(-30 * time.Second)), lanes.Verified, ""},
		{"row 36: dated two minutes ahead", genuine(issued(-2 * time.Minute)), lanes.Unreadable, "dated"},
		{"row 36: dated ahead, and expired: the date decides", genuine(webtest.Facts{User: "alice", Role: "teacher", Issued: at.Add(time.Hour).Unix(), Expires: at.Add(-time.Hour).Unix()}), lanes.Unreadable, "dated"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := lab.Client().Carry("signed_user", test.value)
			found := c.Lanes()[lanes.Signed]
			if found.Verdict != test.verdict {
				t.Errorf("concluded %s, not %s: %s", found.Verdict, test.verdict, found.Reason)
			}
			failed := ""
			for _, check := range found.Checks {
				if !check.OK && failed == "" {
					failed = check.Name
				}
			}
			if failed != test.check {
				t.Errorf("the check that failed is %q, not %q", failed, test.check)
			}
			if known := found.User != nil; known != (test.verdict == lanes.Verified) {
				t.Errorf("%s, and the user is %v", found.Verdict, found.User)
			}

			door := c.Get("/door/signed")
			if open := door.Status == http.StatusOK; open != (test.verdict == lanes.Verified) {
				t.Errorf("%s, and the door answers %d", found.Verdict, door.Status)
			}
			if test.check != "" && !strings.Contains(door.Body, webtest.Escaped(found.Reason)) {
				t.Errorf("the door does not say why: %q", found.Reason)
			}
			if page := c.Get("/dashboard"); page.Status != http.StatusOK || c.Cookie("signed_user") != test.value {
				t.Errorf("the dashboard answers %d and leaves %q in the browser", page.Status, c.Cookie("signed_user"))
			}
		})
	}
}

// Of the signed bytes none can be changed, wherever it stands; of the text, as
// base64 spells it, only what decodes to the same bytes.
func TestEveryByteIsSealed(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client().SignIn("alice")
	value := c.Cookie("signed_user")
	text := webtest.Unseal(t, value)
	for i := range len(text) {
		changed := []byte(text)
		changed[i] ^= 1
		c.Carry("signed_user", base64.URLEncoding.EncodeToString(changed))
		if got := c.Lanes()[lanes.Signed].Verdict; got != lanes.Tampered {
			t.Errorf("row 34: byte %d of %q changed: %s", i, text, got)
		}
	}
	if c.Carry("signed_user", value); c.Verdicts() != webtest.Everywhere {
		t.Error("the value itself does not verify any more")
	}
}

// Row 31: what the lab sets is never longer than a browser keeps.
func TestNoCookieIsTooLongForABrowser(t *testing.T) {
	const kept = 4096 // bytes of name and value (RFC 6265bis 5.7)
	lab := labtest.New(t)
	for _, name := range []string{strings.Repeat("a", 30), strings.Repeat("é", 30), strings.Repeat("𠀀", 30)} {
		t.Run("row 31: signed in as "+name, func(t *testing.T) {
			for _, cookie := range lab.Client().SignIn(name).Cookies {
				if n := len(cookie.Name) + len(cookie.Value); n > kept {
					t.Errorf("%s has %d bytes", cookie.Name, n)
				}
			}
		})
	}
	longest := func(content func(user string) string, name string) string {
		value := ""
		for n := 1; ; n++ {
			next := content(strings.Repeat("a", n))
			if len(name)+len(next) > kept {
				return value
			}
			value = next
		}
	}
	plain := func(user string) string { return "user=" + user + "&role=x" }
	signed := func(user string) string {
		f, err := json.Marshal(webtest.Facts{User: user, Role: "x"})
		if err != nil {
			t.Fatal(err)
		}
		return base64.URLEncoding.EncodeToString([]byte("1|" + base64.URLEncoding.EncodeToString(f) + "|no MAC"))
	}
	for _, test := range []struct{ name, cookie, value string }{
		{"plain, as long as a cookie can be", "plain_user", longest(plain, "plain_user")},
		{"plain, of characters that take three each", "plain_user", plain(strings.Repeat("(", 2000))},
		{"signed, as long as a cookie can be", "signed_user", longest(signed, "signed_user")},
	} {
		t.Run("row 31: edited, "+test.name, func(t *testing.T) {
			c := lab.Client()
			c.Get("/dashboard")
			c.Carry("plain_user", "user=bob&role=student").Carry(test.cookie, test.value)
			answer := c.Post("/act/edit", nil)
			if answer.Status != http.StatusUnprocessableEntity || !strings.Contains(answer.Body, "none of more than 4096") {
				t.Errorf("answered %d without saying why: %.2000s", answer.Status, answer.Body)
			}
			if len(answer.Cookies) > 0 {
				t.Errorf("half an edit: sets %v", answer.Cookies)
			}
		})
	}
}
