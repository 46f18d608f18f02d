// The composer's box for headers of any site: each Set-Cookie line in it is
// explained. Nothing leaves the machine.

package handlers

import (
	"html/template"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"cookielab/sessions/browser"
)

// pasteView is what was pasted, and each of its lines explained.
type pasteView struct {
	Text    string
	Address string // of the site; "": guessed
	Guessed string // the address that was taken then
	Problem Phrase
	Lines   []pastedLine
	More    int // lines that are not shown
}

// pastedLine is one Set-Cookie line.
type pastedLine struct {
	Parts    template.HTML
	Verdicts []composeColumn // of the browsers
	Same     bool            // they agree
	Life     Phrase
	Hints    []composeHint
}

// maxPastedLines are explained.
const maxPastedLines = 50

// explain takes the text apart.
func (lab *Lab) explain(c echo.Context, p *pasteView) {
	if len(p.Text) > maxPasted {
		p.Problem = say("composer.paste.too_long", Args{"Most": maxPasted >> 10})
		return
	}
	lines := setCookieLines(p.Text)
	if len(lines) == 0 {
		p.Problem = say("composer.paste.nothing")
		return
	}
	address := p.Address
	if address == "" {
		address = guessAddress(lines)
		p.Guessed = address
	}
	at, err := browser.ParseURL(address)
	if err != nil {
		p.Problem = say("predict.bad_url", Args{"URL": asText(address)})
		return
	}
	if len(lines) > maxPastedLines {
		p.More = len(lines) - maxPastedLines
		lines = lines[:maxPastedLines]
	}
	moment := now(lab.clock)
	response := browser.Response{URL: at, SetCookie: lines, Now: moment, Context: browser.Typed}
	verdicts := map[browser.Profile][]browser.Verdict{}
	for _, profile := range browser.Profiles() {
		verdicts[profile] = browser.New(profile).Receive(response)
	}
	for i, line := range lines {
		one := pastedLine{Parts: lineParts(line), Same: true}
		for _, profile := range []browser.Profile{browser.Chromium, browser.Firefox} {
			v := verdicts[profile][i]
			one.Verdicts = append(one.Verdicts, composeColumn{
				Profile: profile, Title: profileTitles[profile], Outcome: v.Outcome, Mark: outcomeMarks[v.Outcome], Word: outcomeWords[v.Outcome], Rule: v.Rule, Section: sectionOf(v.Rule), Reason: ruleReason(v.Rule),
			})
			one.Same = one.Same && v.Rule == one.Verdicts[0].Rule
			if v.Cookie != nil && one.Life.ID == "" {
				one.Life = lifeOf(*v.Cookie, moment)
			}
		}
		for _, warning := range verdicts[browser.Chromium][i].Warnings {
			one.Hints = append(one.Hints, composeHint{Text: warningText(warning), Tip: warning.Tip})
		}
		p.Lines = append(p.Lines, one)
	}
}

// setCookieLines are the values of the Set-Cookie headers in a text as it comes
// from DevTools or curl: with or without "Set-Cookie:", with curl's < before it,
// and among other headers. A text with no header's name at all is lines of values.
func setCookieLines(text string) []string {
	var named, bare []string
	other := false
	for raw := range strings.SplitSeq(text, "\n") {
		line := strings.Trim(raw, " \t\r")
		line = strings.TrimLeft(strings.TrimPrefix(line, "<"), " \t")
		name, value, ok := strings.Cut(line, ":")
		switch {
		case line == "":
		case ok && strings.EqualFold(strings.Trim(name, " \t"), "set-cookie"):
			named = append(named, strings.Trim(value, " \t"))
		case ok && isHeaderName(name), strings.HasPrefix(line, "HTTP/"):
			other = true
		default:
			bare = append(bare, line)
		}
	}
	if len(named) > 0 || other {
		return named
	}
	return bare
}

// isHeaderName reports whether a text before a colon is one, and not the beginning
// of a cookie that has a colon somewhere.
func isHeaderName(name string) bool {
	return name != "" && name == http.CanonicalHeaderKey(name) && !strings.ContainsAny(name, "=; ") ||
		strings.Trim(name, "abcdefghijklmnopqrstuvwxyz-") == ""
}

// guessAddress is one that could have sent the lines: below the domain that they
// name, by https.
func guessAddress(lines []string) string {
	for _, line := range lines {
		if domain := strings.TrimPrefix(fieldsOfLine(line).Domain, "."); domain != "" {
			if _, err := browser.ParseURL("https://www." + domain + "/"); err == nil {
				return "https://www." + domain + "/"
			}
		}
	}
	return "https://www.example.com/"
}
