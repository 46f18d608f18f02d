// Lesson 13, other-site, in real browsers.

package handlers_test

import (
	"fmt"
	"strings"
)

// OtherSite tells lesson 13: the link and the form, and then everything else that
// the other site can do.
func (tellers) OtherSite(s *student) {
	toOther := func() { s.Click("#do .deed a, #observe .deed a") }
	s.predict("A")
	s.act("begin")
	toOther()
	s.Click("#by-link a")
	s.claim("link", s.Attr(`[data-cookie="play_lax"]`, "data-came") == "yes", "%s", s.Text("#came"))
	s.Click(`.deed a.primary[href*="/?run="]`)
	s.Click("#by-form button")
	s.claim("form", s.Attr(`[data-cookie="play_lax"]`, "data-came") == "no" && s.Has(".sentence.refused") && s.Text("#balance") == "100", "%s, %s", s.Text("#came"), s.Text("#sentence"))
	s.claim("sent-anyway", s.Has("#play") && strings.HasPrefix(s.URL(), s.base), "the form did not arrive: %s", s.URL())
	s.Click(`.deed a.primary[href^="/lessons/"]`)
	if s.row("link") != "yes yes" || s.row("form") != "none no" {
		s.t.Errorf("link %q, form %q", s.row("link"), s.row("form"))
	}
	s.came()

	s.closer("neighbour")
	s.Click("#closer-neighbour .deed a")
	s.Click("#samesite button")
	through := s.Attr(`[data-cookie="play_lax"]`, "data-came") == "yes" && s.Text("#balance") == "90"
	s.open(s.t, "/lessons/other-site", 200)
	s.claim("same-site", through && s.row("n-samesite") == "warn", "%q", s.row("n-samesite"))
	if !s.waits {
		return
	}

	s.closer("matrix")
	s.act("anew") // of what was seen nothing is lost
	s.came()
	s.Click(`#closer-matrix .deed a`)
	s.WaitText("#fetched", "") // in this language or that
	s.Click("#by-link a")
	s.Click(`.deed a.primary[href*="/more?run="]`)
	s.Click("#by-form button")
	s.open(s.t, "/lessons/other-site", 200)
	// As measured in Chromium 156, which blocks third-party cookies in this build, and
	// Firefox 153, which does not between two pages that one goes to and fro.
	third, says := "none none none none", "blocks third-party cookies here"
	if s.browser == "Firefox" {
		third, says = "none none yes yes", "lets third-party cookies through here"
	}
	for row, want := range map[string]string{"link": "none yes yes yes", "form": "none none yes yes", "img": third, "frame": third, "fetch": third} {
		if got := s.row("m-" + row); got != want {
			s.t.Errorf("in %s the %s carries %q, want %q", s.browser, row, got, want)
		}
	}
	s.closer("matrix")
	if got := s.Text("#closer-matrix"); !strings.Contains(got, says) {
		s.t.Errorf("it does not say that this browser %s: %s", says, got)
	}

	for _, defence := range []string{"none", "samesite", "token", "metadata"} {
		s.open(s.t, "/lessons/other-site", 200)
		s.closer("defences")
		s.Click(`#closer-defences .deed a`)
		s.Click(fmt.Sprintf(`form[action*="/transfer/%s"] button`, defence))
	}
	for _, defence := range []string{"none", "samesite", "token", "metadata"} {
		s.open(s.t, "/lessons/other-site", 200)
		s.closer("defences")
		s.Click(`#closer-defences a[href^="/play/account"]`)
		s.Click(fmt.Sprintf(`form[action*="/transfer/%s"] button`, defence))
	}
	s.open(s.t, "/lessons/other-site", 200)
	s.closer("neighbour")
	s.Click("#closer-neighbour .deed a")
	s.Click("#metadata button")
	s.open(s.t, "/lessons/other-site", 200)
	for row, want := range map[string]string{"d-none": "warn yes", "d-samesite": "no yes", "d-token": "no yes", "d-metadata": "no yes", "n-samesite": "warn", "n-metadata": "no"} {
		if got := s.row(row); got != want {
			s.t.Errorf("%s is %q, want %q", row, got, want)
		}
	}
}
