package handlers_test

import (
	"os/exec"
	"runtime"
	"strings"
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
	s.closer("kinds")
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
	if stored != token || strings.Contains(cookies, notebookCookie) || strings.Contains(cookies, "play_token_demo") {
		s.t.Errorf("script stored %q; of cookies it sees %q", stored, cookies)
	}
	s.Eval(lines[2]+"; localStorage.length", nil)
}

// tokenOrSession pastes the lines for a terminal.
func (s *student) tokenOrSession() {
	s.t.Helper()
	s.closer("either")
	s.Click(`#closer-either a[href^="/login"]`)
	s.Click(`.sign-in button[type=submit]`)
	s.closer("either")
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
