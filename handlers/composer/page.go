// Package composer answers what a browser would do with a line of Set-Cookie: a page whose
// line is typed, pasted and really sent, and /api/predict.
package composer

import (
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
	"cookielab/handlers/web"
	"cookielab/sessions/browser"
)

const (
	maxLine   = 8 << 10  // bytes of a line
	maxPasted = 32 << 10 // bytes of pasted headers
	sendPath  = "/send"  // its default path is /
)

// form is what the page's form says.
type form struct {
	Line    string // the raw line
	Address string // that sends it
	Before  string // a line that came before it; "": none
	fields
}

// Page is the composer's pages and /api/predict.
type Page struct{ site *web.Site }

// New makes the pages on a site.
func New(site *web.Site) *Page { return &Page{site} }

type pageData struct {
	web.Page
	Form      form
	Problem   locale.Message // why the line was not looked at
	Preset    string         // the label of the one that was chosen
	Headline  locale.Message
	Elsewhere bool // the address is not the lab's: it cannot send from there
	Sends     int  // lines that were really sent and not deleted since
	Parts     template.HTML
	Hidden    locale.Message // says how much of the line Parts leaves out; no ID: nothing
	Size      int            // bytes of name and value
	Columns   []profileColumn
	Hints     []hint
	Board     []boardRow
	Presets   []preset
	Sent      *sent // nil: nothing was sent from here
	Paste     pastedText
}

// profileColumn is what one profile does.
type profileColumn struct {
	Profile browser.Profile
	Title   string
	Here    bool // the visitor's own browser is of this kind
	outcome
	Rule    browser.Rule
	Section string // of the rule
	Reason  locale.Message
	Life    locale.Message
	Beside  locale.Message // another cookie of that name; no ID: there is none
	Cookie  *browser.Cookie
	jar     *browser.Jar
}

// hint is a warning, and which profiles have it.
type hint struct {
	Text locale.Message
	Tip  bool
	Who  string // "": all
}

// profileTitles are the names of the profiles, with the versions that they were
// measured on.
var profileTitles = map[browser.Profile]string{
	browser.Draft: "RFC 6265bis", browser.Chromium: "Chromium 156", browser.Firefox: "Firefox 153",
}

// outcome is what became of a line, as pages show it.
type outcome struct {
	Outcome string // "stored", "replaced", "deleted", "ignored", or "deletes": there was nothing to delete
	Mark    string
	Label   string
}

// outcomeOf returns the outcome of a verdict. A line that deletes is no mistake, even if there
// was nothing to delete.
func outcomeOf(v browser.Verdict) outcome {
	switch {
	case v.Rule.ID == "expired":
		return outcome{"deletes", "–", "composer.outcome.deletes"}
	case v.Outcome == browser.Deleted:
		return outcome{"deleted", "✓", "composer.outcome.deleted"}
	case v.Outcome == browser.Replaced:
		return outcome{"replaced", "✓", "composer.outcome.replaced"}
	case v.Outcome == browser.Stored:
		return outcome{"stored", "✓", "composer.outcome.stored"}
	}
	return outcome{"ignored", "✗", "composer.outcome.ignored"}
}

// name is the name that the profile reads in a line.
func (column profileColumn) name(line string) string {
	if column.Cookie != nil {
		return column.Cookie.Name
	}
	return fieldsOfLine(line).Name
}

// Get serves GET /composer (query preset): one of the classic mistakes, or
// a line that makes none.
func (h *Page) Get(c echo.Context) error {
	chosen := presets[0]
	if name := c.QueryParam("preset"); name != "" {
		i := slices.IndexFunc(presets, func(p preset) bool { return p.ID() == name })
		if i < 0 {
			return echo.ErrNotFound
		}
		chosen = presets[i]
	}
	f := form{Line: chosen.line(h.site.Clock.Now()), Address: chosen.Address, Before: chosen.Before}
	f.fields = fieldsOfLine(f.Line)
	p := pageData{Form: f}
	if c.QueryParam("preset") != "" {
		p.Preset = chosen.Label
	}
	return h.show(c, p)
}

// Post serves POST /composer: what the form says now.
func (h *Page) Post(c echo.Context) error {
	text, err := input.Singles(c.Request().PostForm, "paste", "paste_address")
	if err != nil {
		return err
	}
	f, err := readForm(c.Request().PostForm)
	if err != nil {
		return err
	}
	paste := pastedText{Text: strings.ReplaceAll(text["paste"], "\r\n", "\n"), Address: strings.TrimSpace(text["paste_address"])}
	return h.show(c, pageData{Form: f, Paste: paste})
}

// show judges the line and shows the page.
func (h *Page) show(c echo.Context, p pageData) error {
	page, err := h.site.Page(c, locale.Msg("composer.title"))
	if err != nil {
		return err
	}
	f := &p.Form
	if f.Address == "" {
		f.Address = h.sendAddress(c)
	}
	if !strings.Contains(f.Address, ":") {
		f.Address = "https://" + f.Address // as people say it
	}
	p.Page, p.Presets = page, presets
	p.Sends = len(notebook.Of[sentLines](notebook.From(c).Log()))
	at, flaw := addressOf(f.Address)
	status := http.StatusOK
	shown := markup.NewRoom(markup.MaxShown / 2)
	switch {
	case len(f.Line) > maxLine, len(f.Before) > maxLine:
		status = http.StatusRequestEntityTooLarge
		p.Problem = locale.Msg("composer.too_long", locale.Args{"Most": maxLine})
		f.Line, f.Before = markup.AtMost(f.Line, maxLine), markup.AtMost(f.Before, maxLine)
		f.fields = fieldsOfLine(f.Line)
	case flaw.ID != "":
		status = http.StatusBadRequest
		p.Problem = flaw
	default:
		p.Parts = lineParts(p.Form.Line, &shown)
		p.Hidden = locale.Some("layout.hidden", shown.Hidden())
		h.judge(c, &p, at)
	}
	f.Address = markup.AtMost(f.Address, maxAddress)
	if p.Paste.Text != "" {
		h.explain(c, &p.Paste, markup.NewRoom(markup.MaxShown/2+max(shown.Left(), 0)))
	}
	return h.site.Render(c, status, "composer", p)
}

// judge asks the three profiles.
func (h *Page) judge(c echo.Context, p *pageData, at browser.URL) {
	moment := h.site.Clock.Now()
	here := profileOf(c.Request().UserAgent())
	own, err := browser.ParseURL(h.sendAddress(c))
	p.Elsewhere = err != nil || at.Scheme != own.Scheme || at.Host != own.Host
	line := fieldsOfLine(p.Form.Line)
	p.Size = len(line.Name) + len(line.Value)
	hints := map[string]*hint{}
	var order []string
	who := map[string][]string{}
	for _, profile := range browser.Profiles() {
		jar := browser.New(profile)
		response := browser.Response{URL: at, Now: moment, Context: browser.Typed}
		if p.Form.Before != "" {
			response.SetCookie = []string{p.Form.Before}
			jar.Receive(response)
		}
		response.SetCookie = []string{p.Form.Line}
		v := jar.Receive(response)[0]
		column := profileColumn{
			Profile: profile, Title: profileTitles[profile], Here: profile == here,
			outcome: outcomeOf(v), Rule: v.Rule, Section: sectionOf(h.site.Words(c), v.Rule), Reason: ruleReason(v.Rule), Cookie: v.Cookie, jar: jar,
		}
		if v.Cookie != nil {
			column.Life = lifeOf(*v.Cookie, moment)
		}
		for _, other := range jar.Cookies(moment) {
			if v.Rule.ID != "replaced" && other.Name == column.name(p.Form.Line) && (v.Cookie == nil || !v.Cookie.Same(other)) {
				column.Beside = locale.Msg("composer.beside", locale.Args{"Domain": markup.Excerpt(other.Domain), "Path": markup.Excerpt(other.Path)})
			}
		}
		p.Columns = append(p.Columns, column)
		for _, warning := range v.Warnings {
			key := warning.ID + " " + warning.About
			if hints[key] == nil {
				hints[key] = &hint{Text: warningText(warning), Tip: warning.Tip}
				order = append(order, key)
			}
			who[key] = append(who[key], column.Title)
		}
	}
	for _, key := range order {
		hint := *hints[key]
		if len(who[key]) < len(p.Columns) && hint.Text.ID != "warning.not-in-draft" {
			hint.Who = strings.Join(who[key], ", ")
		}
		p.Hints = append(p.Hints, hint)
	}
	p.Board = h.board(p.Columns, at, moment)
	p.Headline = headlineOf(p.Columns, p.Board, h.site.Words(c).Text("reset.comma"))
}

// headlineOf says in one sentence what the profiles make of the line.
func headlineOf(columns []profileColumn, board []boardRow, comma string) locale.Message {
	var keep, drop []string
	for _, column := range columns {
		if column.Cookie != nil {
			keep = append(keep, column.Title)
		} else {
			drop = append(drop, column.Title)
		}
	}
	switch {
	case len(drop) == 0 && sameCookies(columns):
		if slices.ContainsFunc(board, func(row boardRow) bool { return !row.Alike }) {
			return locale.Msg("composer.all_keep_send_otherwise")
		}
		return locale.Msg("composer.all_keep")
	case len(drop) == 0:
		return locale.Msg("composer.all_keep_otherwise")
	case allAre(columns, "deletes"):
		return locale.Msg("composer.all_find_nothing")
	case allAre(columns, "deleted"):
		return locale.Msg("composer.all_delete")
	case len(keep) == 0:
		return locale.Msg("composer.none_keeps", locale.Args{"Reason": columns[0].Reason})
	}
	return locale.Msg("composer.some_keep", locale.Args{"Keep": strings.Join(keep, comma), "Drop": strings.Join(drop, comma)})
}

func allAre(columns []profileColumn, outcome string) bool {
	return !slices.ContainsFunc(columns, func(column profileColumn) bool { return column.Outcome != outcome })
}

// sameCookies reports whether all profiles keep the same, but for what only one of
// them knows.
func sameCookies(columns []profileColumn) bool {
	first := inCommon(columns[0].Cookie)
	for _, column := range columns[1:] {
		if inCommon(column.Cookie) != first {
			return false
		}
	}
	return true
}

// inCommon is what every browser knows of a cookie.
func inCommon(c *browser.Cookie) browser.Cookie {
	return browser.Cookie{Name: c.Name, Value: c.Value, Domain: c.Domain, HostOnly: c.HostOnly, Path: c.Path, Expires: c.Expires, Secure: c.Secure, HTTPOnly: c.HTTPOnly, SameSite: c.SameSite}
}

// sectionOf is where the rule stands: in RFC 6265bis, if nothing else is said, or
// nowhere.
func sectionOf(w *locale.Printer, rule browser.Rule) string {
	if rule.Section == browser.Measured {
		return w.Text("composer.measured")
	}
	if rule.Section != "" && rule.Section[0] <= '9' {
		return "§ " + rule.Section
	}
	return rule.Section
}

// lifeOf says how long a cookie lives.
func lifeOf(c browser.Cookie, at time.Time) locale.Message {
	if c.Expires.IsZero() {
		return locale.Msg("composer.life.session")
	}
	left := c.Expires.Sub(at).Round(time.Second)
	until := markup.ClockTime(c.Expires)
	switch {
	case left >= 48*time.Hour:
		return locale.Msg("composer.life.days", locale.Args{"N": strconv.Itoa(int(left.Hours() / 24)), "Until": until})
	case left >= 2*time.Hour:
		return locale.Msg("composer.life.hours", locale.Args{"N": strconv.Itoa(int(left.Hours())), "Until": until})
	case left >= 2*time.Minute:
		return locale.Msg("composer.life.minutes", locale.Args{"N": strconv.Itoa(int(left.Minutes())), "Until": until})
	}
	return locale.Msg("composer.life.seconds", locale.Args{"N": strconv.Itoa(int(left.Seconds())), "Until": until})
}

// measured reports whether a browser, by name and version, is one of those that
// the profiles were measured on.
func measured(name string) bool {
	return strings.HasPrefix(name, profileTitles[browser.Chromium]+".") || strings.HasPrefix(name, profileTitles[browser.Firefox]+".")
}

// profileOf is the profile of the browser that a User-Agent names; "": none is.
func profileOf(userAgent string) browser.Profile {
	switch name, _, _ := strings.Cut(browser.NameOf(userAgent), " "); name {
	case "Firefox":
		return browser.Firefox
	case "Chromium", "Edge", "Opera":
		return browser.Chromium
	}
	return ""
}

// sendAddress is where the lab sends the line from.
func (h *Page) sendAddress(c echo.Context) string { return "http://" + c.Request().Host + sendPath }

// lineParts shows a line in the colours of its parts, as much of it as there is room for.
func lineParts(line string, shown *markup.Room) template.HTML {
	const around = len(`<span class="part-attribute"></span>`)
	var m markup.Writer
	for _, part := range browser.Parts(line) {
		text := shown.Spelt(part.Text, false, around)
		if text == "" {
			continue
		}
		m.Raw(`<span class="part-`)
		m.Raw(string(part.Kind))
		m.Raw(`">`)
		m.Raw(string(text))
		m.Raw(`</span>`)
	}
	return template.HTML(m.String())
}

// Forget deletes the cookies of the lines that were sent, from the browser and from the log.
func (h *Page) Forget(c echo.Context, n *notebook.Notebook) { h.forgetSends(c, n.Log()) }

// forgetSends deletes the cookies that were sent, in the form in which each profile stores
// them, and returns the lines, which the log then no longer has.
func (h *Page) forgetSends(c echo.Context, log *notebook.Log) (sends []sentLine) {
	sends = notebook.Change(log, func(sends *sentLines) { *sends = nil })
	moment := h.site.Clock.Now()
	var lines []string
	for _, profile := range browser.Profiles() {
		jar, _ := replay(profile, sends)
		for _, cookie := range jar.Cookies(moment) {
			cookie.Value, cookie.Expires = "x", moment.Add(-time.Second) // a cookie without a name needs a value
			if at := (browser.URL{Path: "/"}); cookie.Name != notebook.CookieName {
				lines = append(lines, strings.Replace(cookie.SetCookie(at, moment), "; Max-Age=", "; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=", 1))
			}
		}
	}
	slices.Sort(lines)
	for _, line := range slices.Compact(lines) {
		c.Response().Header().Add("Set-Cookie", line)
	}
	return sends
}
