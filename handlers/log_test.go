// The log: tells what happened, and holds nothing that would let its reader in.

package handlers_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"cookielab/handlers"
	"cookielab/handlers/input"
	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

func TestLogHoldsNoSecret(t *testing.T) {
	const password, pin, wrongWord = "a-class-password", "918273", "a-wrong-word"
	lab := labtest.New(t, func(c *handlers.Config) { c.ClassPassword, c.TeacherPIN = password, pin })
	lab.Break()
	secret := map[string]string{"the class password": password, "the PIN": pin, "a wrong word": wrongWord,
		"a signing key": string(webtest.Secrets[0]), "the older signing key": string(webtest.Secrets[1]), "another program’s cookie": "v4lue-0f-an0ther-pr0gram"}
	form := func(name, password, pin string) url.Values {
		return url.Values{"username": {name}, "password": {password}, "pin": {pin}}
	}

	c := lab.Client().Carry("other", secret["another program’s cookie"])
	step := func(answer webtest.Reply, statuses ...int) {
		t.Helper()
		for _, cookie := range answer.Cookies {
			secret["a Set-Cookie of "+cookie.Name+" "+cookie.Value] = cookie.Value
		}
		for _, cookie := range c.Cookies {
			secret["the cookie "+cookie.Name+" "+cookie.Value] = cookie.Value
		}
		if len(statuses) > 0 && answer.Status != statuses[0] {
			t.Errorf("answered %d, not %d", answer.Status, statuses[0])
		}
	}
	step(c.Get("/dashboard"))
	step(c.Post("/login", form("alice", wrongWord, "")), http.StatusForbidden)
	step(c.Post("/login", form("alice", password, "")), http.StatusSeeOther)
	step(c.Post("/act/copy", nil), http.StatusSeeOther)
	step(c.Post("/act/edit", nil), http.StatusSeeOther)
	step(c.Get("/dashboard"), http.StatusOK)
	step(c.Post("/act/flip/signed", nil))
	step(c.Post("/act/restore", nil))
	step(c.Post("/act/expire", nil))
	c.Carry("plain_user", "user=mallory&role=teacher").Carry("signed_user", "Zm9yZ2Vk").Carry("lab_sessionid", sessions.NewKey())
	step(c.Get("/dashboard"), http.StatusOK)
	step(c.Get("/door/signed"), http.StatusForbidden)
	step(c.Post("/login", form("teacher", "", wrongWord)), http.StatusForbidden)
	step(c.Post("/login", form("teacher", "", pin)), http.StatusSeeOther)
	step(c.Post("/logout", nil, webtest.With("Sec-Fetch-Site", "cross-site")), http.StatusForbidden)
	step(c.Post("/logout", nil, webtest.Body("application/json", `{"password":"`+password+`"}`)), http.StatusUnsupportedMediaType)
	step(c.Post("/logout", nil, webtest.Body(webtest.FormType, "password="+password+"%zz")), http.StatusBadRequest)
	step(c.Get("/test/panic"), http.StatusInternalServerError)
	step(c.Get("/test/failure"), http.StatusInternalServerError)
	lab.Sessions.Before = storetest.Down()
	step(c.Get("/dashboard"), http.StatusServiceUnavailable)
	step(c.Post("/login", form("alice", password, "")), http.StatusServiceUnavailable)
	lab.Sessions.Before = nil
	for range 6 {
		step(c.Post("/login", form("bob", wrongWord, "")))
	}
	step(c.Post("/logout", nil), http.StatusSeeOther)
	step(c.Post("/reset", nil), http.StatusSeeOther)

	log := lab.Log.String()
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

// What a visitor typed is not logged, except for a name after a successful login. It may
// be a PIN that was typed as the name, in the address, or anywhere else.
func TestLogHoldsNothingTyped(t *testing.T) {
	const mark = "m4rker"
	lab := labtest.New(t, labtest.BehindProxy)
	lab.Break()
	everywhere := func(r *http.Request) {
		r.URL.RawQuery = "run=" + mark + "&token=" + mark + "&" + mark
		for _, name := range []string{"User-Agent", "Referer", "Origin", "Accept-Language", "X-Forwarded-For", "Forwarded", "X-Forwarded-Host", "Lab-Replay", "Last-Event-Id", mark} {
			r.Header.Set(name, mark)
		}
		r.Header.Set("Authorization", "Token "+mark)
		for _, name := range []string{"lab_sessionid", webtest.NotebookCookie, "plain_user", "signed_user", mark} {
			r.Header.Add("Cookie", name+"="+mark)
		}
		if r.Header.Get("Sec-Fetch-Site") == "" { // without it, all would be refused as cross-origin
			r.Header.Set("Sec-Fetch-Site", "same-origin")
		}
	}
	asks := func(statuses []int, method, path string, changes ...func(*http.Request)) {
		t.Helper()
		for _, way := range [][]func(*http.Request){{everywhere}, {everywhere, webtest.Via(mark)}} {
			if got := lab.Client().Do(method, path, append(slices.Clone(changes), way...)...).Status; !slices.Contains(statuses, got) {
				t.Errorf("%s %s is answered %d, not %v", method, path, got, statuses)
			}
		}
	}
	form := func(text string) func(*http.Request) { return webtest.Body(webtest.FormType, text) }
	json := func(text string) func(*http.Request) { return webtest.Body(webtest.JSONType, text) }

	for _, path := range []string{"/login", "/tokens"} {
		for text, statuses := range map[string][]int{
			"username=" + mark + "&password=" + mark + "&pin=" + mark + "&next=/" + mark:             {403, 429},
			"username=" + mark + "&password=":                                                        {403, 429},
			"username=no+" + mark + "&password=" + mark:                                              {422},
			"username=teacher&password=" + mark:                                                      {403, 429},
			"username=Teacher&pin=" + mark:                                                           {403, 429},
			"username=teacher&password=cookies&next=" + mark:                                         {403},
			"username=" + mark + "&username=" + mark:                                                 {400},
			mark + "=" + mark:                                                                        {422},
			"username=" + mark + "%zz":                                                               {400},
			"username=" + mark + strings.Repeat(mark, 64<<10/len(mark)) + "&password=" + mark:        {413},
			strings.Repeat("username="+mark+"&", 101):                                                {413},
			"username=" + mark + "&password=" + mark + "&" + url.QueryEscape(mark+"\n") + "=" + mark: {403, 429},
		} {
			asks(statuses, "POST", path, form(text))
		}
		asks([]int{415}, "POST", path, webtest.Body("text/"+mark, mark))
		asks([]int{400}, "POST", path, webtest.Body(webtest.FormType+"; "+mark, mark))
		asks([]int{403}, "POST", path, webtest.With("Sec-Fetch-Site", mark), form("username="+mark))
		asks([]int{403}, "POST", path, webtest.With("Sec-Fetch-Site", "cross-site"), form("username="+mark))
	}
	for text, statuses := range map[string][]int{
		`{"username":"` + mark + `","password":"` + mark + `","pin":"` + mark + `"}`: {403, 429},
		`{"username":"` + mark + `"}`:                                   {403, 429},
		`{"username":"no ` + mark + `"}`:                                {422},
		`{"username":"teacher","pin":"` + mark + `"}`:                   {403, 429},
		`{"username":"` + mark + `","` + mark + `":"` + mark + `"}`:     {400},
		`{"username":"` + mark + `","username":"` + mark + `"}`:         {400},
		`{"username":["` + mark + `"]}`:                                 {400},
		`{"username":"` + mark:                                          {400},
		`"` + mark + `"`:                                                {400},
		`{"username":"` + strings.Repeat(mark, 64<<10/len(mark)) + `"}`: {413},
	} {
		asks(statuses, "POST", "/api/token", json(text))
	}
	asks([]int{415}, "POST", "/api/token", webtest.Body("text/"+mark, mark))
	asks([]int{400}, "POST", "/api/token", webtest.Body("text/ "+mark, mark))
	asks([]int{403}, "POST", "/api/token", webtest.With("Sec-Fetch-Site", mark), json(`{"username":"`+mark+`"}`))
	asks([]int{401}, "DELETE", "/api/token")
	for range 6 { // throttled, by name and by address
		asks([]int{403, 429}, "POST", "/login", form("username="+mark+"&password="+mark))
		asks([]int{403, 429}, "POST", "/login", form("username=teacher&password="+mark))
	}

	// Addresses, methods and hosts.
	asks([]int{403}, "POST", "/"+mark, webtest.With("Sec-Fetch-Site", "cross-site"))
	asks([]int{403}, "POST", "/act/flip/"+mark, webtest.With("Sec-Fetch-Site", mark))
	asks([]int{404}, "GET", "/lessons/"+mark)
	lab.Client().Get("/dashboard?lang=" + mark)
	asks([]int{405}, mark, "/login")
	asks([]int{500}, "GET", "/test/panic")
	asks([]int{500}, "GET", "/api/test/failure")
	lab.Client().Get("/dashboard", everywhere, func(r *http.Request) { r.Host = mark })
	for _, line := range []string{"GET /" + mark + " HTTP/1.1\r\nHost: " + mark + "\r\n" + mark + "\r\n\r\n", mark + "\r\n\r\n", "GET " + mark + " HTTP/1.1\r\n\r\n",
		"GET /%zz" + mark + " HTTP/1.1\r\nHost: " + lab.Addr + "\r\n\r\n", "GET /?a;" + mark + " HTTP/1.1\r\nHost: " + lab.Addr + "\r\n\r\n",
		"POST /login HTTP/1.1\r\nHost: " + lab.Addr + "\r\nTransfer-Encoding: " + mark + "\r\n\r\n", "POST /login HTTP/1.1\r\nHost: " + lab.Addr + "\r\nContent-Length: " + mark + "\r\n\r\n",
		"POST /login HTTP/1.1\r\nHost: " + lab.Addr + "\r\nExpect: " + mark + "\r\n\r\n"} {
		webtest.Raw(t, lab.Addr, line)
	}
	for _, store := range []*storetest.Faulty{lab.Sessions, lab.Notebooks} {
		store.Before = storetest.Down()
		asks([]int{403, 429, 503}, "POST", "/login", form("username="+mark+"&password="+mark))
		asks([]int{429, 503}, "POST", "/login", form("username=teacher&password="+mark))
		lab.Client().Carry(webtest.NotebookCookie, sessions.NewKey()).Do(mark, "/login?"+mark)
		asks([]int{404, 503}, "GET", "/door/"+mark)
		store.Before = nil
	}
	if cause := input.CauseOf(fmt.Errorf("no answer (%w)", &url.Error{Op: "Get", URL: "http://localhost/" + mark, Err: errors.New("timeout")})); cause != "no answer (Get: timeout)" {
		t.Errorf("of a request that was sent for a visitor, the log tells %q", cause)
	}

	log := lab.Log.String()
	for _, told := range []string{"login failed", "login throttled", "role=student", "role=teacher", "cross-origin request refused", "route=/login", "site=another", "method=another", "panic", "request failed"} {
		if !strings.Contains(log, told) {
			t.Errorf("the log does not tell of %q", told)
		}
	}
	for line := range strings.Lines(log) {
		if strings.Contains(strings.ToLower(line), mark) {
			t.Fatalf("the log repeats what was typed: %.300s", line)
		}
	}
	lab.Clock.Advance(time.Minute)
	lab.Client().SignIn(mark)
	if !strings.Contains(lab.Log.String(), `"signed in" name=`+mark) {
		t.Error("the log does not tell who signed in")
	}
}

// Nobody can write lines of their own into the log.
func TestLogLinesAreOurOwn(t *testing.T) {
	lab := labtest.New(t)
	forged := "x\nlevel=INFO msg=\"signed in\" name=mallory"
	c := lab.Client()
	c.Post("/login", webtest.Wrong(forged))
	c.Post("/login?"+url.QueryEscape(forged), webtest.Wrong("alice"))
	c.Post("/"+url.PathEscape(forged), nil, webtest.With("Sec-Fetch-Site", "cross-site"))
	webtest.Raw(t, lab.Addr, "GET /dashboard HTTP/1.1\r\nHost: "+lab.Addr+"\r\nCookie: "+strings.Replace(forged, "\n", "\n ", 1)+"\r\n\r\n")
	for line := range strings.Lines(lab.Log.String()) {
		if !strings.HasPrefix(line, "time=") || strings.Contains(line, "msg=\"signed in\"") {
			t.Errorf("a line of somebody else's: %s", line)
		}
	}
}
