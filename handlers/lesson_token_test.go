// Lesson 16, token, in real browsers; and by HTTP, its API.

package handlers_test

import (
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
)

// Token tells lesson 16: the other site's form, then the program; and the token's end.
func (tellers) Token(s *student) {
	s.predict("A")
	s.act("get")
	token := strings.TrimPrefix(s.Text("#observe .deed.line code"), "Token ")
	if len(token) != 40 {
		s.t.Fatalf("the token that was given is %q", token)
	}
	s.Click(`#observe .deed a[href*="/token?"]`)
	s.Click("#by-form button")
	carried := s.Attr(`[data-cookie="play_token_demo"]`, "data-came") + " " + s.Attr(`[data-cookie="Authorization"]`, "data-came")
	if carried != "yes no" || !strings.HasPrefix(s.Text("#sentence"), "401") {
		s.t.Errorf("the API says %q, cookie and token came: %s", s.Text("#sentence"), carried)
	}
	s.Click(`#play .deed a[href^="/lessons/"]`)
	s.claim("cookie-goes", s.cell("form", 1) == "yes", "%q", s.row("form"))
	s.claim("token-stays", s.cell("form", 2) == "none" && s.cell("form", 3) == "no", "%q", s.row("form"))
	s.act("send")
	s.claim("program", s.row("program") == "none yes yes", "%q", s.row("program"))
	s.came()
	if s.waits {
		s.tokenInStorage(token)
		s.tokenOrSession()
	}
	s.closer("kinds")
	s.act("end")
	s.claim("stolen", s.row("program") == "none yes yes" && s.row("ended") == "none yes no", "%q, %q", s.row("program"), s.row("ended"))
	s.came()
}

// tokenInStorage runs the lines for the console.
func (s *student) tokenInStorage(token string) {
	s.t.Helper()
	s.closer("where")
	lines := s.Texts("#closer-where code:not(p > code:only-child)")
	lines = lines[max(0, len(lines)-3):]
	var stored, cookies string
	s.Eval(lines[0], &stored)
	s.Eval(lines[1], &cookies)
	if stored != token || strings.Contains(cookies, webtest.NotebookCookie) || strings.Contains(cookies, "play_token_demo") {
		s.t.Errorf("script stored %q; of cookies it sees %q", stored, cookies)
	}
	s.Eval(lines[2]+"; localStorage.length", nil)
}

// tokenOrSession pastes the lines for a terminal.
func (s *student) tokenOrSession() {
	s.t.Helper()
	s.closer("either")
	if s.Has(`#closer-either a[href^="/login"]`) { // else an earlier lesson left somebody signed in
		s.Click(`#closer-either a[href^="/login"]`)
		s.Click(`.sign-in button[type=submit]`)
		s.closer("either")
	}
	if runtime.GOOS == "windows" {
		return // the lines are for a POSIX shell
	}
	script := strings.Join(s.Texts("#closer-either .deed code"), "\n")
	out, err := exec.Command("sh", "-ec", strings.ReplaceAll(script, "curl -", "curl --silent --noproxy '*' -")).CombinedOutput()
	answers := string(out)
	if err != nil || strings.Count(answers, "401 Unauthorized") != 1 || strings.Count(answers, `"auth":"token"`) != 1 || strings.Count(answers, `"auth":"session"`) != 1 {
		s.t.Errorf("the lines are answered (%v): %s", err, answers)
	}
}

// The API of the lesson takes its own tokens, in the one form, and nobody else does.
func TestPlayToken(t *testing.T) {
	lab := labtest.New(t, labtest.AtHome)
	c := lab.Client().SignIn("alice")
	c.Get("/lessons/token")
	c.Post("/lessons/token", url.Values{"act": {"predict"}, "said": {"B"}})
	for _, early := range []string{"send", "end"} {
		if r := c.Post("/lessons/token", url.Values{"act": {early}}); r.Status != http.StatusSeeOther {
			t.Errorf("%s without a token: %d", early, r.Status)
		}
	}
	if r := c.Post("/lessons/token", url.Values{"act": {"get"}}); r.Status != http.StatusSeeOther || r.Sets("play_token_demo") == nil {
		t.Fatalf("getting one: %d, %v", r.Status, r.Cookies)
	}
	page := c.Get("/lessons/token", func(r *http.Request) { r.Host = "lab.localhost" }).Body
	token := regexp.MustCompile(`>Token ([0-9a-f]{40})<`).FindStringSubmatch(page)
	run := regexp.MustCompile(regexp.QuoteMeta(labtest.ElsewhereSite) + `/token\?lang=en&amp;run=([0-9a-z]+)"`).FindStringSubmatch(page)
	if token == nil || run == nil {
		t.Fatal("the lesson shows no token, or leads to no other site")
	}
	if strings.Contains(lab.Rows(t), token[1]) {
		t.Error("the token lies in the database")
	}
	labs := regexp.MustCompile(`[0-9a-f]{40}`).FindString(lab.Client().Do(http.MethodPost, "/api/token", webtest.Body("application/json", `{"username":"alice","password":"`+webtest.ClassPassword+`"}`)).Body)
	api := "/play/api?from=program&run=" + run[1]
	foreign := webtest.With("Sec-Fetch-Site", "cross-site")
	for name, test := range map[string]struct {
		authorization []string
		status        int
	}{
		"the token": {[]string{"Token " + token[1]}, 200}, "lower case": {[]string{"token " + token[1]}, 200},
		"none": {nil, 401}, "empty": {[]string{""}, 401}, "another word": {[]string{"Bearer " + token[1]}, 401}, "two": {[]string{"Token " + token[1], "Token " + token[1]}, 401},
		"the lab's own": {[]string{"Token " + labs}, 401}, "invented": {[]string{"Token " + strings.Repeat("a", 40)}, 401}, "too long": {[]string{"Token " + strings.Repeat("a", 5000)}, 401},
	} {
		r := c.Post(api, nil, foreign, func(r *http.Request) { r.Header["Authorization"] = test.authorization })
		says, challenge := `{"user":"alice"}`, ""
		if test.status == http.StatusUnauthorized {
			says, challenge = `"error":"not_authenticated"`, "Token"
		}
		if r.Status != test.status || !strings.Contains(r.Body, says) || r.Header.Get("WWW-Authenticate") != challenge || len(r.Cookies) > 0 {
			t.Errorf("%s: %d, %q, %v: %s", name, r.Status, r.Header.Get("WWW-Authenticate"), r.Cookies, r.Body)
		}
	}
	if r := c.Post(api, url.Values{"to": {"mallory"}}, foreign, webtest.With("Accept", "text/html,*/*")); r.Status != http.StatusUnauthorized || !strings.HasPrefix(r.Body, "<!doctype html>") || !strings.Contains(r.Body, `href="/lessons/token#observe"`) {
		t.Errorf("for a browser: %d %.80s", r.Status, r.Body)
	}
	if r := lab.Client().Get("/api/whoami", webtest.With("Authorization", "Token "+token[1])); r.Status != http.StatusUnauthorized {
		t.Errorf("the lesson's token opens the lab's API: %d", r.Status)
	}
	for path, status := range map[string]int{"/play/api?from=other": 410, "/play/api?run=" + run[1]: 400, "/play/api?from=x&run=" + run[1]: 400} {
		if r := c.Post(path, nil, foreign); r.Status != status {
			t.Errorf("%s: %d, want %d", path, r.Status, status)
		}
	}
	for _, act := range []string{"send", "end"} {
		c.Post("/lessons/token", url.Values{"act": {act}})
	}
	if r := c.Post(api, nil, webtest.With("Authorization", "Token "+token[1])); r.Status != http.StatusUnauthorized {
		t.Errorf("after its end the token is answered %d", r.Status)
	}
}

// Without the other site the lesson says how to switch it on.
func TestTokenAlone(t *testing.T) {
	c := labtest.New(t).Client()
	c.Get("/lessons/token")
	c.Post("/lessons/token", url.Values{"act": {"predict"}, "said": {"B"}})
	if page := c.Get("/lessons/token").Body; !strings.Contains(page, "--other-addr 127.0.0.1:8081") || strings.Contains(page, `value="get"`) {
		t.Error("it does not say that the other site is switched off")
	}
}
