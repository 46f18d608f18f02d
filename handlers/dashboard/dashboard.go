// Package dashboard shows the three lanes side by side, each answering the same four questions
// about the request that asked for the page: with the action bar, the doors, the front page,
// and /api/lanes.
package dashboard

import (
	"encoding/hex"
	"html/template"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/auth"
	"cookielab/handlers/diagram"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
	"cookielab/handlers/web"
	"cookielab/sessions"
)

// Page serves the dashboard and what belongs to it: see New.
type Page struct {
	site *web.Site
	auth *auth.Auth

	// OnFindings is called with what /api/lanes found, without the token. Its error ends the
	// request. nil: nothing is called.
	OnFindings func(c echo.Context, findings []lanes.Finding) error
}

// New makes the page.
func New(site *web.Site, auth *auth.Auth) *Page {
	return &Page{site: site, auth: auth}
}

type pageData struct {
	web.Page
	SignIn   auth.Form
	Sentence string
	Lanes    []*laneView // in order
	ByLane   byLane      // the same by name, for templates

	Header           string                   // the raw Cookie header of this request
	Envelope         []segment                // the Cookie header, cut at its cookies
	KeptBack         []notebook.KeptBackGroup // cookies that did not come
	OtherCookies     int                      // cookies that are not the lab's
	OtherCookiesNote locale.Message
	Doubles          []locale.Message // cookies that came more than once

	Copy         *auth.Copy
	Attributes   attributeTable
	Last         template.HTML   // the last finished exchange, drawn
	Action       notebook.Action // what was done last
	Host         string
	MaySend      bool // some cookie of the three lanes came
	SessionLives bool // this browser's session lives: the request opened it, or its record is still on the server
	MayTurn      bool // Put it back is offered: it works, and the three lanes disagree
	LookedUp     bool // the session lane looked a key up
	Unsealed     bool // or it opened a sealed cookie
}

// laneView is one column. It has no embedded struct, and text where it can: a
// template finds and writes that soonest.
type laneView struct {
	ID, Cookie       string
	Format           string // of its value: see lanes.Format
	Sent             bool
	Verdict          lanes.Verdict
	Mark, Word, Line string // the verdict in words
	User, Role       string
	Who              template.HTML // the same, as a chip has it; "": nobody

	Value   string        // as it came
	Short   string        // the same, shortened
	Bytes   int           // of name and value, as they came
	Claims  template.HTML // what the value says, believed or not
	Broken  bool          // the seal does not fit
	Soon    string        // when the browser drops it, for a countdown
	Dropped bool          // it did not come, and its time is over
	Changed changed

	// What lies on the server: a record, or nothing.
	OnServer      *recordView
	Record        lanes.Identity // that it says
	Owner         template.HTML
	Reached, Over bool

	Copy   *copyVerdict
	Parts  []markup.Field // the value taken apart
	Sealed *sessions.Sealed
	MAC    string
	Random int // characters of a key that was found
	Checks template.HTML
	Reason string // where it is accepted; else a check says it
	Curl   string
}

// recordView is a record as it lies on the server.
type recordView struct {
	*auth.ServerRecord
	Engine, Filed                 string
	CreatedAt, SavedAt, ExpiresAt string
	Size, Text                    string
}

func viewRecord(w *locale.Printer, engine string, record *auth.ServerRecord) *recordView {
	return &recordView{
		ServerRecord: record, Engine: engine, Filed: markup.ShortKey(record.ID),
		CreatedAt: markup.DevToolsTime(*record.Created), SavedAt: markup.DevToolsTime(*record.Saved), ExpiresAt: markup.DevToolsTime(*record.Expires),
		Size: w.Say(locale.Msg("closer.size_bytes", locale.Args{"Bytes": record.Bytes})), Text: string(record.Data),
	}
}

// byLane has the columns by name: a field of a struct is what a template finds
// soonest.
type byLane struct{ Plain, Signed, Session *laneView }

// changed says which of a lane's cells an action changed.
type changed struct{ Browser, Server, Concluded, Copy bool }

type copyVerdict struct {
	Verdict    lanes.Verdict
	Mark, Word string
	Who        template.HTML
}

// Get serves GET /dashboard. It is for everybody, since it is also a finding that nothing
// came.
func (h *Page) Get(c echo.Context) error {
	findings, err := h.auth.RecallAll(c)
	if err != nil {
		return err
	}
	described, err := h.auth.Describe(c, findings)
	if err != nil {
		return err
	}
	n, w := notebook.From(c), h.site.Words(c)
	log := n.Log()
	taken := notebook.Of[*auth.Copy](log)
	page, err := h.site.Page(c, locale.Msg("dashboard.title"))
	if err != nil {
		return err
	}
	p := pageData{
		Page: page, SignIn: h.auth.Form(c), Copy: taken,
		Header: strings.Join(c.Request().Header.Values("Cookie"), "; "), Host: c.Request().Host,
	}
	for i, d := range described {
		v := h.view(w, d, findings[i], taken, c)
		p.Lanes = append(p.Lanes, v)
		p.Attributes.fill(i, w, d, findings[i], c.Request())
		p.MaySend = p.MaySend || d.Sent
		if others := findings[i].Others; others > 0 {
			p.Doubles = append(p.Doubles, locale.Msg("dashboard.same_name", locale.Args{"Count": others, "Cookie": findings[i].Cookie}))
		}
	}
	p.ByLane = byLane{p.Lanes[0], p.Lanes[1], p.Lanes[2]}
	var ofNotebook int
	ofNotebook, p.OtherCookies = h.auth.OtherCookies(c.Request())
	p.OtherCookiesNote = locale.Msg("dashboard.foreign", locale.Args{"Count": p.OtherCookies})
	p.Envelope = envelope(p.Lanes, ofNotebook)
	if e := notebook.Recording(c); e != nil {
		p.KeptBack = notebook.ByReason(w, e.KeptBack)
	}
	cells := auth.CellsOf(findings, described, taken)
	before, changedElsewhere := auth.Show(log, h.auth.Lanes.Values(c), cells)
	markChanged(p.Lanes, before, cells)
	record := described[len(described)-1].ServerKeeps
	_, signedIn := h.auth.SignedIn(c)
	p.SessionLives = signedIn || record.Kind == auth.KeepsRecord && record.Live && record.Owner != ""
	p.MayTurn = p.SessionLives && (signedIn || h.auth.MayRestore(c)) && !agreed(p.Lanes)
	p.LookedUp, p.Unsealed = findings[len(findings)-1].Reached("shape"), findings[len(findings)-1].Reached("length")
	action, _ := n.Action()
	if changedElsewhere {
		action = notebook.Action{Name: "strayed"}
	}
	p.Sentence, p.Action = sentence(w, action, p.Lanes, taken), action
	p.Last = diagram.Draw(w, lastExchange(log.Exchanges()))
	return h.site.Render(c, http.StatusOK, "dashboard", p)
}

// view makes the column of one lane.
func (h *Page) view(w *locale.Printer, d auth.LaneFinding, f lanes.Finding, taken *auth.Copy, c echo.Context) *laneView {
	v := &laneView{
		ID: d.ID, Cookie: f.Cookie, Format: h.auth.Lanes.Format(d.ID), Sent: d.Sent, Verdict: d.Verdict, User: f.Who.User, Role: f.Who.Role, Who: lanes.WhoIs(f.Who),
		Mark: lanes.VerdictMarks[d.Verdict], Word: w.Text("verdict." + string(d.Verdict) + ".word"), Line: w.Text("verdict." + string(d.Verdict) + ".line"),
		Value: f.Raw, Short: markup.ShortKey(f.Raw), Bytes: len(f.Cookie) + len(f.Raw), Broken: d.Verdict == lanes.Tampered, Checks: auth.ChecksOf(w, f, d.Checks),
	}
	if d.Verdict.Accepted() {
		v.Reason = d.Reason
	}
	switch {
	case f.Sent:
		parts := takeApart(v.Format, f.Value)
		v.Claims, v.Parts, v.Sealed = lanes.WhoIs(parts.who), parts.fields, parts.sealed
		if f.Raw == "" {
			v.Short = w.Text("script.empty")
		}
		v.Curl = curlLine(c.Request().Host, f.Cookie+"="+f.Raw)
		if v.Sealed != nil {
			v.MAC = hex.EncodeToString(v.Sealed.MAC)
		}
		if d.Verdict == lanes.Found {
			v.Random = len(f.Value)
		}
		if d.BrowserExpires != nil {
			v.Soon = markup.ISOTime(*d.BrowserExpires)
		}
	case d.BrowserExpires != nil:
		v.Dropped = !d.BrowserExpires.After(h.site.Clock.Now())
	}
	if record := d.ServerKeeps; record.Kind == auth.KeepsRecord {
		v.OnServer, v.Reached, v.Over = viewRecord(w, h.site.Assets.Engine, record), record.Reached, !record.Live
		if v.Record = f.Who; d.Verdict != lanes.Found {
			v.Record = lanes.SaidBy(record.Data)
		}
		v.Owner = lanes.WhoIs(v.Record)
	}
	if taken != nil {
		for _, other := range taken.Lanes {
			if other.ID == d.ID {
				v.Copy = &copyVerdict{
					other.Verdict, lanes.VerdictMarks[other.Verdict], w.Text("verdict." + string(other.Verdict) + ".word"),
					lanes.WhoIs(lanes.Identity{User: markup.TextOf(other.User), Role: markup.TextOf(other.Role)}),
				}
			}
		}
	}
	return v
}

// valueParts is what a value says.
type valueParts struct {
	who    lanes.Identity
	fields []markup.Field
	sealed *sessions.Sealed
}

// takeApart reads what a value says, without believing it.
func takeApart(format, value string) (p valueParts) {
	switch format {
	case lanes.Plain:
		who, ok := lanes.ReadPlain(value)
		if !ok {
			return p
		}
		return valueParts{who: who, fields: []markup.Field{{Name: "user", Value: who.User}, {Name: "role", Value: who.Role}}}
	case lanes.Signed:
		sealed, err := sessions.Dissect(value)
		if err != nil {
			return p
		}
		p.sealed = &sealed
		if content, err := lanes.ReadSealed(sealed.Content); err == nil {
			p.who, p.fields = content.Who(), content.Fields()
		}
	}
	return p
}

// curlLine sends one cookie from a terminal; it works as pasted into a shell.
func curlLine(host, pair string) string {
	return "curl -H 'Cookie: " + markup.Quoted(pair) + "' 'http://" + host + "/api/lanes'"
}

// lastExchange is the last exchange of the browser and, before it, the replay
// by the other program that went on while it was at work.
func lastExchange(exchanges []*notebook.Exchange) []*notebook.Exchange {
	from := len(exchanges) - 1
	for from > 0 && exchanges[from-1].Client == notebook.ClientOther {
		from--
	}
	return exchanges[max(from, 0):]
}

// agreed reports whether all lanes recognise the visitor as the same person.
func agreed(views []*laneView) bool {
	for _, v := range views {
		if !v.Verdict.Accepted() || v.User == "" || v.User != views[0].User || v.Role != views[0].Role {
			return false
		}
	}
	return true
}

// markChanged marks what changed.
func markChanged(views []*laneView, before, after map[string]string) {
	if before == nil {
		return
	}
	for _, v := range views {
		differs := func(row string) bool { return before[row+"-"+v.ID] != after[row+"-"+v.ID] }
		v.Changed = changed{Browser: differs("1"), Server: differs("3"), Concluded: differs("4"), Copy: differs("copy")}
	}
}
