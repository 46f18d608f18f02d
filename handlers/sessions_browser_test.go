// In browsers: the session that lies in its cookie, and one that is ended from
// another browser.

package handlers_test

import (
	"strings"
	"testing"

	"cookielab/handlers/browsertest"
	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
)

func tellSessions(t *testing.T, browser browsertest.Browser, _ string) {
	visit := func(t *testing.T, lab *labtest.Lab, options browsertest.Options) *visitor {
		return &visitor{Page: browser.Visit(t, options), base: "http://" + lab.Addr, browser: browser.Name(), noScript: options.NoScript}
	}
	quiet := func(t *testing.T, visitors ...*visitor) {
		t.Helper()
		for _, v := range visitors {
			for _, complaint := range v.Complaints() {
				t.Errorf("the browser complains: %s", complaint)
			}
		}
	}
	wide, without := browsertest.Options{Width: 1440, Height: 900}, browsertest.Options{Width: 1440, Height: 900, NoScript: true}

	for mode, options := range map[string]browsertest.Options{"with script": wide, "without script": without} {
		t.Run("signed_cookies, "+mode, func(t *testing.T) {
			t.Parallel()
			v := visit(t, labtest.New(t, labtest.InCookies), options)
			signIn := func() {
				t.Helper()
				v.open(t, "/login", 200)
				v.Click(`.sign-in button[type=submit]`)
				v.at(t, "/dashboard")
				v.concludes(t, "believed", "verified", "verified")
			}
			signIn()
			if got := v.Text("#keeps-session"); !strings.Contains(got, "alice · student") || v.Has("#keeps-session .key") {
				t.Errorf("① of the session says %q", got)
			}
			if got := v.Text("#server-session"); !strings.Contains(got, "one secret for everybody") {
				t.Errorf("③ of the session says %q", got)
			}
			v.act(t, "/act/edit")
			v.concludes(t, "believed", "tampered", "tampered")
			v.says(t, "signed and session noticed")
			if !v.Has("#keeps-session .seal.broken") {
				t.Error("the session's seal is whole after the edit")
			}
			v.doors(t, 200, 403, 403)
			signIn()
			v.act(t, "/act/copy")
			v.copyConcludes(t, "believed", "verified", "verified")
			v.act(t, "/logout")
			v.concludes(t, "absent", "absent", "absent")
			v.copyConcludes(t, "believed", "verified", "verified")
			v.says(t, "The copy still works for all three")
			quiet(t, v)
		})
	}

	t.Run("ended from another browser", func(t *testing.T) {
		t.Parallel()
		lab := labtest.New(t)
		desk, phone := visit(t, lab, wide), visit(t, lab, browsertest.Options{Width: 390, Height: 844, NoScript: true})
		desk.signIn(t, "alice")
		phone.signIn(t, "alice")
		desk.Click(".menu summary")
		desk.Click(`.menu a[href="/sessions"]`)
		desk.at(t, "/sessions")
		if got := desk.Texts("#list li .client"); len(got) != 2 || !strings.Contains(got[0], "this browser") || !strings.Contains(got[1], browser.Name()) {
			t.Errorf("the page lists %q", got)
		}
		desk.Click(`form[action="/sessions/end"] button`)
		desk.at(t, "/sessions")
		if got := desk.Text("#ended"); !strings.Contains(got, "Ended: "+browser.Name()) || len(desk.Texts("#list li")) != 1 {
			t.Errorf("the page says %q", got)
		}
		phone.Reload()
		phone.concludes(t, "believed", "verified", "unknown")
		desk.open(t, "/dashboard", 200)
		desk.concludes(t, "believed", "verified", "found")
		desk.open(t, "/sessions", 200)
		desk.Click(`#list form[action="/logout"] button`)
		desk.at(t, "/dashboard")
		desk.concludes(t, "absent", "absent", "absent")
		quiet(t, desk, phone)
	})

	eachAuditor(t, browser, func(t *testing.T, a *auditor, options browsertest.Options) {
		lab := labtest.New(t)
		a.visitor = visit(t, lab, options)
		a.signIn(t, "alice")
		lab.At(t, "alice", webtest.Firefox)
		a.open(t, "/sessions", 200)
		a.audit(t, "/sessions, two")
		a.Click(`form[action="/sessions/end-others"] button`)
		a.audit(t, "/sessions, one ended")

		a.visitor = visit(t, labtest.New(t, labtest.InCookies), options)
		a.open(t, "/login", 200)
		a.Click(`.sign-in button[type=submit]`)
		a.Click(`.bar form[action="/act/copy"] button`)
		a.Click(`.bar form[action="/act/edit"] button`)
		a.audit(t, "/dashboard, signed_cookies, edited with a copy")
		a.open(t, "/sessions", 200)
		a.audit(t, "/sessions, signed_cookies")
	})
}
