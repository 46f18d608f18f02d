// Lesson 4, signed, in real browsers; and by HTTP, its examples of seals.

package handlers_test

import (
	"encoding/base64"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
)

// Signed tells lesson 4: the line is run in the browser, then one character is
// changed, in Chinese by the button, in English also by hand.
func (tellers) Signed(s *student) {
	s.predict("A")
	if s.waits {
		s.edit(s.t, webtest.CookieOf["signed"], func(value string) string {
			return value[:len(value)/2] + map[bool]string{true: "b", false: "a"}[value[len(value)/2] == 'a'] + value[len(value)/2+1:]
		})
		s.open(s.t, "/lessons/signed", 200)
		s.act("put")
		s.came()
		s.Click(".restart button")
		s.predict("C")
	}
	line, value := s.Text("#do .copyfield code"), s.jar(webtest.CookieOf["signed"])
	var read string
	s.Eval(line, &read)
	s.claim("readable", strings.Contains(line, value) && read == contentOf(value) && strings.Contains(read, `"role":"student"`), "%s reads %q", line, read)
	s.act("flip")
	flipped := s.jar(webtest.CookieOf["signed"])
	s.claim("sealed", s.row("set") == "yes yes" && s.cell("changed", 2) == "no" && differences(value, flipped) == 1 &&
		strings.HasSuffix(s.Text("#row-changed td:nth-of-type(2)"), map[string]string{"en": "the seal fits the content: no", "zh": "签名与内容相符：否"}[s.language]), "%q, %q; %d differ", s.row("set"), s.Text("#row-changed"), differences(value, flipped))
	var told struct {
		Lanes []struct{ ID, Verdict, User string }
	}
	s.Eval(`fetch("/api/lanes").then(r => r.json())`, &told)
	s.claim("nobody", told.Lanes[1].Verdict == "tampered" && told.Lanes[1].User == "" && told.Lanes[2].Verdict == "found", "%+v", told)
	s.came()
	s.act("put")
	s.came()

	s.closer("encrypted")
	if sealed, hidden := s.Texts("#row-sealed code"), s.Texts("#row-encrypted code"); s.row("sealed") != " yes" || s.row("encrypted") != " none" ||
		strings.TrimSpace(contentOf(sealed[0])) != sealed[1] || strings.Contains(contentOf(hidden[0]), "user") {
		s.t.Errorf("sealed %q, encrypted %q", sealed, hidden)
	}
	s.closer("moved")
	if s.row("as-example") != "yes" || s.row("as-discount") != "no" {
		s.t.Errorf("as itself %q, as another %q", s.row("as-example"), s.row("as-discount"))
	}
}

// contentOf is what a signed value says, read without a key.
func contentOf(value string) string {
	outer, _ := base64.URLEncoding.DecodeString(value)
	content, _ := base64.URLEncoding.DecodeString(strings.Split(string(outer), "|")[1])
	return string(content)
}

// differences are the places in which two texts of the same length differ; -1 for others.
func differences(a, b string) (n int) {
	if len(a) != len(b) {
		return -1
	}
	for i := range len(a) {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

// The unused bits of base64: none, two or four, so 0, 3 or 15 of 63 characters do
// nothing. Each value is sealed anew, and never for a purpose that a lane has.
func TestLessonSigned(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client().SignIn("alice")
	c.Get("/lessons/signed")
	c.Post("/lessons/signed", url.Values{"act": {"predict"}, "said": {"A"}})
	body := c.Get("/lessons/signed").Body
	still := map[string]string{}
	for _, row := range regexp.MustCompile(`id="row-last-[^"]*">.*?<code[^>]*>…[^=]*(=*)</code>.*?<strong class="word">([^<]*)<`).FindAllStringSubmatch(body, -1) {
		still[row[1]] = row[2]
	}
	if len(still) != 3 || still[""] != "none" || still["="] != "3" || still["=="] != "15" {
		t.Errorf("by their padding still verify %v", still)
	}
	own := c.Cookie(webtest.CookieOf["signed"])
	if !strings.Contains(body, "(&#39;"+own+"&#39;)") {
		t.Error("the line does not hold the value")
	}
	for _, code := range regexp.MustCompile(`<code[^>]*>([A-Za-z0-9_-]{60,}=*)</code>`).FindAllStringSubmatch(body, -1) {
		thief := lab.Client().Carry(webtest.CookieOf["signed"], code[1])
		if got := thief.Lanes()["signed"].Verdict; got != "tampered" {
			t.Errorf("an example counts as a signed_user: %s", got)
		}
	}

	t.Run("a character that does nothing makes it C", func(t *testing.T) {
		c.Post("/lessons/signed", url.Values{"act": {"flip"}})
		c.Carry(webtest.CookieOf["signed"], own)
		if body := c.Get("/lessons/signed").Body; !strings.Contains(body, `<strong id="came">C</strong>`) {
			t.Error("the server verified it, and the lesson does not say C")
		}
	})
	t.Run("what was changed before the question is no part of it", func(t *testing.T) {
		c := lab.Client().SignIn("bob")
		c.Post("/act/flip/signed", nil)
		for range 2 {
			if body := c.Get("/lessons/signed").Body; strings.Contains(body, `data-code="no"`) || strings.Contains(body, "disabled") {
				t.Error("something was seen before the question was answered")
			}
		}
		c.Post("/lessons/signed", url.Values{"act": {"predict"}, "said": {"A"}})
		if got := c.Lanes()["signed"].Verdict; got != "verified" {
			t.Errorf("it begins with a cookie that is %s", got)
		}
	})
	t.Run("signed out, it asks to sign in", func(t *testing.T) {
		c.Post("/logout", nil)
		if body := c.Get("/lessons/signed").Body; !strings.Contains(body, "/login?next=/lessons/signed") {
			t.Error("there is nothing to do")
		}
	})
}
