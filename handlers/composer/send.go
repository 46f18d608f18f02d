// Send it: the composer's line really goes out, and the next request shows
// whether the model was right about this browser.

package composer

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/locale"
	"cookielab/handlers/notebook"
	"cookielab/sessions"
	"cookielab/sessions/browser"
)

// The bounds of the lines that are sent to one browser until it deletes their cookies.
// The server refuses a request with more than 32 KB of headers. With too many cookies no
// page of the lab would open, not even the one that deletes them.
const (
	maxSends    = 40       // lines
	maxSentText = 64 << 10 // bytes of all lines together, which stay in memory
	maxSentBack = 16 << 10 // bytes of the longest Cookie header that a request to the lab could have

	// maxDomainWide is how many bytes the name and value of a cookie for a whole domain
	// may have together. Each host of the domain has a notebook of its own, so the lab
	// cannot count what all of them have sent. A browser keeps 180 such cookies, and
	// sends them beside those of the one host.
	maxDomainWide = 32
)

// bookApart is the notebook's key for a number of bytes: of the cookies that were set from
// here, but that browsers do not send to /send. No request to /send shows those cookies.
// The number is in the notebook because the server on another port must also know it, and
// so must this one after a restart.
const bookApart = "sent_apart"

// sentLine is a line that was really sent, in memory only, as all of the wire.
type sentLine struct {
	Line string
	URL  browser.URL
	At   time.Time
}

// sentLines are those that a Log keeps, the oldest first.
type sentLines []sentLine

// Weigh is how much memory they take, in bytes.
func (s sentLines) Weigh() (n int) {
	for _, sent := range s {
		n += 6*notebook.TextBytes + len(sent.Line) + len(sent.URL.Host) + len(sent.URL.Path)
	}
	return n
}

// Send serves POST /send: the reply has the line as its Set-Cookie, byte by
// byte. With act=forget it has what deletes all that were sent so.
func (h *Page) Send(c echo.Context) error {
	f, err := readForm(c.Request().PostForm)
	if err != nil {
		return err
	}
	line := f.Line
	act, err := input.Single(c.Request().PostForm, "act")
	if err != nil {
		return err
	}
	n := notebook.From(c)
	if n.Log() == nil { // without it nothing remembers the line, and its cookie could not be deleted
		return input.NewProblem(http.StatusConflict, "no_notebook", locale.Msg("composer.no_notebook"))
	}
	if act == "forget" {
		apart := 0
		for _, sent := range h.forgetSends(c, n.Log()) {
			apart += sent.apart()
		}
		if err := sendApart(c.Request().Context(), n, 0, -apart); err != nil {
			return err
		}
		return c.Redirect(http.StatusSeeOther, "/composer")
	}
	at, err := browser.ParseURL(h.sendAddress(c))
	if err != nil {
		return input.NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("error.broken_request")).Wrap(err)
	}
	sent := sentLine{Line: line, URL: at, At: h.site.Clock.Now()}
	switch {
	case len(line) > maxLine:
		return input.NewProblem(http.StatusRequestEntityTooLarge, "too_large", locale.Msg("composer.too_long", locale.Args{"Most": maxLine}))
	case strings.ContainsAny(line, "\r\n"):
		return input.NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("composer.line_break"))
	case isNotebooks(line):
		return input.NewProblem(http.StatusConflict, "reserved", locale.Msg("composer.reserved"))
	case sent.domainWide() > maxDomainWide:
		return input.NewProblem(http.StatusConflict, "too_wide", locale.Msg("composer.too_wide", locale.Args{"Most": maxDomainWide}))
	}
	told, apart := cookieBytes(c.Request()), sent.apart()
	if apart == 0 {
		told += len(f.Name) + len(f.Value)
	}
	if err := sendApart(c.Request().Context(), n, told, apart); err != nil {
		return err
	}
	notebook.Change(n.Log(), func(sends *sentLines) { *sends, err = sends.add(sent) })
	if err != nil {
		return errors.Join(err, sendApart(c.Request().Context(), n, 0, -apart))
	}
	c.Response().Header().Add("Set-Cookie", line)
	return c.Redirect(http.StatusSeeOther, "/sent")
}

// cookieBytes is the length of what came.
func cookieBytes(r *http.Request) int { return len(strings.Join(r.Header.Values("Cookie"), "; ")) }

// tooMuchSent refuses a line that would make a Cookie header too long.
func tooMuchSent() *input.Problem {
	return input.NewProblem(http.StatusConflict, "too_many", locale.Msg("composer.too_many", locale.Args{"KB": maxSentBack >> 10}))
}

// sendApart adds to the number of bytes that no request to /send shows (bookApart). It
// refuses if they are too many, together with those that this request shows (told).
func sendApart(ctx context.Context, n *notebook.Notebook, told, more int) error {
	return n.Session().Update(ctx, func(values sessions.Values) error {
		apart, _ := values.Get(bookApart).(int64)
		apart = max(apart+int64(more), 0)
		if int64(told)+apart > maxSentBack {
			return tooMuchSent()
		}
		return values.Set(bookApart, apart)
	})
}

// stored is the cookie that a browser of a profile stores for the line; nil: it stores
// none. goes reports whether the browser sends it to the address that set it.
func (s sentLine) stored(profile browser.Profile) (cookie *browser.Cookie, goes bool) {
	jar, verdict := replay(profile, []sentLine{s})
	return verdict.Cookie, len(jar.Send(browser.Request{URL: s.URL, Now: s.At, Context: browser.Typed}).Cookies) > 0
}

// inHeader is how many bytes a cookie takes in a Cookie header.
func inHeader(c browser.Cookie) int { return len(c.Name) + len("=") + len(c.Value) + len("; ") }

// apart is how many bytes the line's cookie takes in a Cookie header if browsers do not
// send it to /send: the most of all profiles; 0 if they send it there.
func (s sentLine) apart() (most int) {
	for _, profile := range browser.Profiles() {
		if cookie, goes := s.stored(profile); cookie != nil && !goes {
			most = max(most, inHeader(*cookie))
		}
	}
	return most
}

// domainWide is how many bytes of name and value the line sets for a whole domain: the
// most of all profiles; 0 if its cookie is for one host.
func (s sentLine) domainWide() (most int) {
	for _, profile := range browser.Profiles() {
		if cookie, _ := s.stored(profile); cookie != nil && !cookie.HostOnly {
			most = max(most, len(cookie.Name)+len(cookie.Value))
		}
	}
	return most
}

// add keeps a line that was sent, and refuses it if there are too many now. It counts
// all cookies that the lines set, for whatever path. So it also counts lines that are sent
// at the same moment, before any of their cookies comes back.
func (s sentLines) add(sent sentLine) (sentLines, error) {
	sent.Line = strings.Clone(sent.Line)
	text := len(sent.Line)
	for _, before := range s {
		text += len(before.Line)
	}
	if len(s) >= maxSends || text > maxSentText {
		return s, input.NewProblem(http.StatusConflict, "too_many", locale.Msg("composer.too_many_lines", locale.Args{"Most": maxSends, "KB": maxSentText >> 10}))
	}
	sends := append(slices.Clone(s), sent)
	for _, profile := range browser.Profiles() {
		jar, _ := replay(profile, sends)
		total := 0
		for _, cookie := range jar.Cookies(sent.At) {
			total += inHeader(cookie)
		}
		if total > maxSentBack {
			return s, tooMuchSent()
		}
	}
	return sends, nil
}

// isNotebooks reports whether a line would touch the notebook: the page could not
// find what it sent without it.
func isNotebooks(line string) bool {
	pair, _, _ := strings.Cut(line, ";")
	name, _, _ := strings.Cut(strings.Trim(pair, " \t="), "=")
	return strings.Trim(name, " \t") == notebook.CookieName
}

// replay plays what was sent to a profile. The verdict is that on the last line.
func replay(profile browser.Profile, sends []sentLine) (jar *browser.Jar, verdict browser.Verdict) {
	jar = browser.New(profile)
	for _, sent := range sends {
		verdict = jar.Receive(browser.Response{URL: sent.URL, SetCookie: []string{sent.Line}, Now: sent.At, Context: browser.Typed})[0]
	}
	return jar, verdict
}

// sent compares what was predicted with what came.
type sent struct {
	Line     string // that was sent last
	Others   int    // lines before it
	Browser  string // by its User-Agent
	Profile  string // the title of the profile it is held against
	Known    bool   // that is a profile of this browser
	Measured bool   // and of this version of it
	outcome
	Reason    locale.Message
	Predicted string // of the Cookie header, what was sent from here
	Came      string
	Agrees    bool
	Script    string            // what document.cookie should say of them
	Names     []string          // whose cookies are meant
	Look      locale.Message    // where in DevTools
	Store     map[string]string // what cookieStore should say of the last one, where it is Chromium's; nil: nothing
}

// Sent serves GET /sent: the composer, and what came back, if anything was sent.
func (h *Page) Sent(c echo.Context) error {
	sends := notebook.Of[sentLines](notebook.From(c).Log())
	if len(sends) == 0 {
		return h.Get(c)
	}
	at, err := browser.ParseURL("http://" + c.Request().Host + "/sent")
	if err != nil {
		return input.NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("error.broken_request")).Wrap(err)
	}
	view := compareSends(sends, at, c.Request(), h.site.Clock.Now())
	f := form{Line: view.Line, Address: h.sendAddress(c)}
	f.fields = fieldsOfLine(f.Line)
	return h.show(c, pageData{Form: f, Sent: &view})
}

// compareSends plays what was sent to the profile of this browser.
func compareSends(sends []sentLine, at browser.URL, r *http.Request, moment time.Time) sent {
	profile := profileOf(r.UserAgent())
	view := sent{Browser: browser.NameOf(r.UserAgent()), Known: profile != "", Others: len(sends) - 1}
	view.Measured = measured(view.Browser)
	if profile == "" {
		profile = browser.Draft
	}
	view.Profile = profileTitles[profile]
	jar, verdict := replay(profile, sends)
	for _, sent := range sends {
		f := fieldsOfLine(sent.Line)
		for _, name := range []string{f.Name, f.Value} { // without = it may be either
			if (name == f.Name || f.Name == "") && !slices.Contains(view.Names, name) {
				view.Names = append(view.Names, name)
			}
		}
		view.Line = sent.Line
	}
	view.outcome, view.Reason = outcomeOf(verdict), ruleReason(verdict.Rule)
	view.Predicted = jar.Send(browser.Request{URL: at, Now: moment, Context: browser.Typed}).Header
	seen := jar.Send(browser.Request{URL: at, Now: moment, Context: browser.Typed, Script: true})
	view.Script = seen.Header
	view.Came = ofNames(strings.Join(r.Header.Values("Cookie"), "; "), view.Names)
	view.Agrees = view.Predicted == view.Came
	view.Look = lookFor(profile)
	visible := verdict.Cookie != nil && slices.ContainsFunc(seen.Cookies, verdict.Cookie.Same)
	if profile == browser.Chromium && visible {
		view.Store = storeFields(*verdict.Cookie)
	}
	return view
}

// storeFields are what Chromium's cookieStore tells of a cookie (measured).
func storeFields(c browser.Cookie) map[string]string {
	fields := map[string]string{"path": c.Path, "secure": "false", "sameSite": "lax", "domain": "null"}
	if c.Secure {
		fields["secure"] = "true"
	}
	if c.SameSite != "" {
		fields["sameSite"] = strings.ToLower(c.SameSite)
	}
	if !c.HostOnly {
		fields["domain"] = c.Domain
	}
	return fields
}

func lookFor(profile browser.Profile) locale.Message {
	if profile == browser.Firefox {
		return locale.Msg("composer.look.firefox")
	}
	return locale.Msg("composer.look.chromium")
}

// ofNames are the pairs of a Cookie header that have one of the names.
func ofNames(header string, names []string) string {
	var pairs []string
	for pair := range strings.SplitSeq(header, "; ") {
		name, _, ok := strings.Cut(pair, "=")
		if !ok {
			name = ""
			if slices.Contains(names, pair) {
				name = pair
			}
		}
		if pair != "" && slices.Contains(names, name) {
			pairs = append(pairs, pair)
		}
	}
	return strings.Join(pairs, "; ")
}
