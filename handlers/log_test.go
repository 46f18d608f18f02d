// The log: tells what happened, and holds nothing that would let its reader in.

package handlers_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cookielab/handlers"
	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

func TestLogHoldsNoSecret(t *testing.T) {
	const password, pin, wrongWord = "a-class-password", "918273", "a-wrong-word"
	lab := newLab(t, func(c *handlers.Config) { c.ClassPassword, c.TeacherPIN = password, pin })
	lab.Break()
	secret := map[string]string{"the class password": password, "the PIN": pin, "a wrong word": wrongWord,
		"a signing key": string(secrets[0]), "the older signing key": string(secrets[1]), "another program’s cookie": "v4lue-0f-an0ther-pr0gram"}
	form := func(name, password, pin string) url.Values {
		return url.Values{"username": {name}, "password": {password}, "pin": {pin}}
	}

	c := lab.client().carry("other", secret["another program’s cookie"])
	step := func(answer reply, statuses ...int) {
		t.Helper()
		for _, cookie := range answer.cookies {
			secret["a Set-Cookie of "+cookie.Name+" "+cookie.Value] = cookie.Value
		}
		for _, cookie := range c.cookies {
			secret["the cookie "+cookie.Name+" "+cookie.Value] = cookie.Value
		}
		if len(statuses) > 0 && answer.status != statuses[0] {
			t.Errorf("answered %d, not %d", answer.status, statuses[0])
		}
	}
	step(c.get("/dashboard"))
	step(c.post("/login", form("alice", wrongWord, "")), http.StatusForbidden)
	step(c.post("/login", form("alice", password, "")), http.StatusSeeOther)
	step(c.post("/act/copy", nil), http.StatusSeeOther)
	step(c.post("/act/edit", nil), http.StatusSeeOther)
	step(c.get("/dashboard"), http.StatusOK)
	step(c.post("/act/flip/signed", nil))
	step(c.post("/act/restore", nil))
	step(c.post("/act/expire", nil))
	c.carry("plain_user", "user=mallory&role=teacher").carry("signed_user", "Zm9yZ2Vk").carry("lab_sessionid", sessions.NewKey())
	step(c.get("/dashboard"), http.StatusOK)
	step(c.get("/door/signed"), http.StatusForbidden)
	step(c.post("/login", form("teacher", "", wrongWord)), http.StatusForbidden)
	step(c.post("/login", form("teacher", "", pin)), http.StatusSeeOther)
	step(c.post("/logout", nil, with("Sec-Fetch-Site", "cross-site")), http.StatusForbidden)
	step(c.post("/logout", nil, body("application/json", `{"password":"`+password+`"}`)), http.StatusUnsupportedMediaType)
	step(c.post("/logout", nil, body(formType, "password="+password+"%zz")), http.StatusBadRequest)
	step(c.get("/test/panic"), http.StatusInternalServerError)
	step(c.get("/test/failure"), http.StatusInternalServerError)
	lab.sessions.Before = storetest.Down()
	step(c.get("/dashboard"), http.StatusServiceUnavailable)
	step(c.post("/login", form("alice", password, "")), http.StatusServiceUnavailable)
	lab.sessions.Before = nil
	for range 6 {
		step(c.post("/login", form("bob", wrongWord, "")))
	}
	step(c.post("/logout", nil), http.StatusSeeOther)
	step(c.post("/reset", nil), http.StatusSeeOther)

	log := lab.log.String()
	for _, told := range []string{"signed in", "login failed", "login throttled", "cross-origin request refused", "signed out", "browser reset", "panic", "request failed", "name=alice", "role=teacher"} {
		if !strings.Contains(log, told) {
			t.Errorf("the log does not tell of %q", told)
		}
	}
	if len(secret) < 18 {
		t.Fatalf("the story made only %d secrets", len(secret))
	}
	for whose, text := range secret {
		for _, spelled := range []string{text, url.QueryEscape(text)} {
			if text != "" && strings.Contains(log, spelled) {
				t.Errorf("the log holds %s", whose)
			}
		}
	}
}

// Nobody can write lines of their own into the log.
func TestLogLinesAreOurOwn(t *testing.T) {
	lab := newLab(t)
	forged := "x\nlevel=INFO msg=\"signed in\" name=mallory"
	c := lab.client()
	c.post("/login", wrong(forged))
	c.post("/login?"+url.QueryEscape(forged), wrong("alice"))
	c.post("/"+url.PathEscape(forged), nil, with("Sec-Fetch-Site", "cross-site"))
	raw(t, lab.addr, "GET /dashboard HTTP/1.1\r\nHost: "+lab.addr+"\r\nCookie: "+strings.Replace(forged, "\n", "\n ", 1)+"\r\n\r\n")
	for line := range strings.Lines(lab.log.String()) {
		if !strings.HasPrefix(line, "time=") || strings.Contains(line, "msg=\"signed in\"") {
			t.Errorf("a line of somebody else's: %s", line)
		}
	}
}
