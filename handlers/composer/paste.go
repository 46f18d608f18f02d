// The composer's box for headers of any site: each Set-Cookie line in it is
// explained. Nothing leaves the machine.

package composer

import (
	"html/template"
	"net/http"
	"regexp"
	"strings"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/sessions/browser"
)

// pastedText is what was pasted, and each of its lines explained.
type pastedText struct {
	Text    string
	Address string // of the site; "": guessed for each line
	Problem locale.Message
	Lines   []pastedLine
	Hidden  locale.Message // says how much of the lines is not shown; no ID: nothing
	More    locale.Message // says how many lines are not explained; no ID: none
}

// pastedLine is one Set-Cookie line.
type pastedLine struct {
	Parts    template.HTML
	From     string          // the address that was guessed for it; "": none had to be
	Verdicts []profileColumn // of the browsers
	Same     bool            // they agree
	Life     locale.Message
	Hints    []hint
	More     locale.Message // says how many hints are not given; no ID: none
}

const (
	maxPastedLines = 50 // lines that are explained
	maxPastedHints = 10 // hints for each of them
)

// explain takes the text apart, and shows as much of it as there is room for.
func (h *Page) explain(c echo.Context, p *pastedText, shown markup.Room) {
	if len(p.Text) > maxPasted {
		p.Problem = locale.Msg("composer.paste.too_long", locale.Args{"Most": maxPasted >> 10})
		p.Text, p.Address = markup.AtMost(p.Text, maxPasted), markup.AtMost(p.Address, maxAddress)
		return
	}
	lines := setCookieLines(p.Text)
	switch {
	case len(lines) == 0 && sentCookies.MatchString(p.Text):
		p.Problem = locale.Msg("composer.paste.sent")
		return
	case len(lines) == 0:
		p.Problem = locale.Msg("composer.paste.nothing")
		return
	}
	if p.Address != "" && !strings.Contains(p.Address, ":") {
		p.Address = "https://" + p.Address
	}
	given, flaw := addressOf(p.Address)
	if p.Address != "" && flaw.ID != "" {
		p.Problem, p.Address = flaw, markup.AtMost(p.Address, maxAddress)
		return
	}
	if len(lines) > maxPastedLines {
		p.More = locale.Msg("composer.paste.more_lines", locale.Args{"Count": len(lines) - maxPastedLines})
		lines = lines[:maxPastedLines]
	}
	moment := h.site.Clock.Now()
	jars := map[string]*browser.Jar{} // by site and profile: lines of one site meet
	for _, line := range lines {
		one := pastedLine{Parts: lineParts(line, &shown), Same: true}
		at := given
		if p.Address == "" {
			one.From, at = guessAddress(line, p.Lines)
		}
		for _, profile := range []browser.Profile{browser.Chromium, browser.Firefox} {
			jar := jars[at.Host+" "+string(profile)]
			if jar == nil {
				jar = browser.New(profile)
				jars[at.Host+" "+string(profile)] = jar
			}
			v := jar.Receive(browser.Response{URL: at, SetCookie: []string{line}, Now: moment, Context: browser.Typed})[0]
			one.Verdicts = append(one.Verdicts, profileColumn{
				Profile: profile, Title: profileTitles[profile], outcome: outcomeOf(v), Rule: v.Rule, Section: sectionOf(h.site.Words(c), v.Rule), Reason: ruleReason(v.Rule),
			})
			one.Same = one.Same && v.Rule == one.Verdicts[0].Rule
			if v.Cookie != nil && one.Life.ID == "" {
				one.Life = lifeOf(*v.Cookie, moment)
			}
			if profile == browser.Chromium {
				hints := v.Warnings[:min(len(v.Warnings), maxPastedHints)]
				if more := len(v.Warnings) - len(hints); more > 0 {
					one.More = locale.Msg("composer.paste.more_hints", locale.Args{"Count": more})
				}
				for _, warning := range hints {
					one.Hints = append(one.Hints, hint{Text: warningText(warning), Tip: warning.Tip})
				}
			}
		}
		p.Lines = append(p.Lines, one)
	}
	p.Hidden = locale.Some("layout.hidden", shown.Hidden())
}

// sentCookies is a header of the other direction: what a browser sends.
var sentCookies = regexp.MustCompile(`(?i)(^|[\n"' ])cookie["']?\s*:`)

// setCookieLines are the values of the Set-Cookie headers in a text as it comes
// from DevTools, curl or a HAR file: with or without "Set-Cookie:", the name on a
// line of its own, in quotes, with curl's < before it, and among other headers. A
// text with no header's name at all is lines of values.
func setCookieLines(text string) []string {
	var named, bare []string
	other, next := false, false // other headers were there; the next line is a value
	for raw := range strings.SplitSeq(text, "\n") {
		line := strings.Trim(raw, " \t\r")
		line = strings.TrimLeft(strings.TrimPrefix(line, "<"), " \t")
		name, value, ok := strings.Cut(line, ":")
		name = strings.Trim(name, " \t\"'")
		switch {
		case line == "":
		case next:
			named, next = append(named, line), false
		case strings.EqualFold(name, "set-cookie"):
			if value = unquoted(value); value == "" {
				next = true
			} else {
				named = append(named, value)
			}
		case ok && isHeaderName(name), strings.HasPrefix(line, "HTTP/"), sentCookies.MatchString(line):
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

// unquoted is a value without the quotes and the comma that JSON puts around it.
func unquoted(value string) string {
	value = strings.Trim(value, " \t")
	if inner := strings.TrimSuffix(value, ","); len(inner) > 1 && inner[0] == '"' && inner[len(inner)-1] == '"' {
		return inner[1 : len(inner)-1]
	}
	return value
}

// isHeaderName reports whether a text before a colon is one, and not the beginning
// of a cookie that has a colon somewhere.
func isHeaderName(name string) bool {
	return name != "" && name == http.CanonicalHeaderKey(name) && !strings.ContainsAny(name, "=; ") ||
		strings.Trim(name, "abcdefghijklmnopqrstuvwxyz-") == ""
}

// guessAddress is one that could have sent a line, by https: below the domain that
// it names, or else where the line before it came from.
func guessAddress(line string, before []pastedLine) (string, browser.URL) {
	if domain := strings.TrimPrefix(fieldsOfLine(line).Domain, "."); domain != "" {
		guess := "https://www." + domain + "/"
		if at, flaw := addressOf(guess); flaw.ID == "" {
			return guess, at
		}
	}
	guess := "https://www.example.com/"
	if len(before) > 0 {
		guess = before[len(before)-1].From
	}
	at, _ := addressOf(guess) // one that was guessed before can be read
	return guess, at
}
