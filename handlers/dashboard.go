// The dashboard: three ways side by side, each answering the same four
// questions about the request that asked for the page.

package handlers

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/sessions"
)

type dashboardPage struct {
	Page
	SignIn   signInForm
	Sentence string
	Lanes    []laneView

	Header   string // the raw Cookie header of this request
	Notebook int    // bytes of the grey cookie, 0: it did not come
	Foreign  int    // cookies that are not the lab's

	Copy     *Copy
	Table    []attributeRow
	Last     []*Exchange // the last finished one, after the replay that it caused
	Ran      []string    // functions that the last deed ran
	Host     string
	Engine   string
	MaySend  bool // some cookie of the three ways came
	MayLive  bool // the session lane knows who you are
	MayTurn  bool // there is something to put back
	MayLeave bool // there is something to log out of
}

// laneView is one column.
type laneView struct {
	LaneFinding
	Title, Short, Subtitle string

	Steps   []Check
	Value   string // as it came
	Bytes   int    // of name and value, as they came
	Claims  chip   // what the value says, believed or not
	Dropped *time.Time
	Record  chip // what the record says
	Label   verdictLabel
	Copy    *copyVerdict
	Changed map[string]bool // by row
	Fields  []field         // the value taken apart
	Sealed  *sessions.Sealed
	Curl    string
}

// chip is "alice · student", wherever it is kept.
type chip struct{ User, Role string }

type field struct{ Name, Value string }

type verdictLabel struct{ Mark, Word, Line string }

type copyVerdict struct {
	verdictLabel
	Verdict    Verdict
	User, Role string
}

type attributeRow struct {
	Name  string
	Cells []attributeCell
}

type attributeCell struct {
	Text string
	At   *time.Time // an instant to count down to
	None bool
}

// getDashboard serves GET /dashboard, to everybody: that nothing came is a
// finding, too.
func (lab *Lab) getDashboard(c echo.Context) error {
	findings, err := lab.recallAll(c)
	if err != nil {
		return err
	}
	described, err := lab.describe(c, findings)
	if err != nil {
		return err
	}
	n := notebookOf(c)
	book := n.Book()
	taken := book.Copy()
	p := dashboardPage{
		Page: lab.page(c, "Dashboard"), SignIn: lab.signInForm(c), Copy: taken,
		Header: strings.Join(c.Request().Header.Values("Cookie"), "; "), Host: c.Request().Host, Engine: lab.config.Engine,
	}
	p.Notebook, p.Foreign = lab.otherCookies(c.Request())
	p.Last = lastExchange(book.Exchanges())
	for i, d := range described {
		p.Lanes = append(p.Lanes, lab.view(d, findings[i], taken, c))
		p.MaySend = p.MaySend || d.Sent
	}
	cells := cellsOf(findings, described, taken)
	before, strayed := book.show(lab.valuesOf(c), cells)
	markChanged(p.Lanes, before, cells)
	session := described[len(described)-1]
	p.MayLive = session.Verdict == Found && session.User != nil
	signedIn := session.ServerKeeps.Kind == keepsRecord && session.ServerKeeps.Live && session.ServerKeeps.Owner != ""
	p.MayTurn = signedIn && !agreed(p.Lanes)
	p.MayLeave = p.MaySend || signedIn
	deed, _ := n.Deed()
	if strayed {
		deed = Deed{Name: "strayed"}
	}
	p.Sentence = sentence(deed, p.Lanes, taken)
	p.Table = attributeTable(p.Lanes, c.Request().Host)
	p.Ran = ranBy(deed)
	return lab.render(c, http.StatusOK, "dashboard", p)
}

// otherCookies weighs the grey cookie and counts those of other programs: all
// of localhost shares one jar.
func (lab *Lab) otherCookies(r *http.Request) (notebook, foreign int) {
	for _, cookie := range r.Cookies() {
		switch {
		case cookie.Name == notebookCookie:
			notebook = len(cookie.Name) + len(cookie.Value)
		case lab.laneOfCookie(cookie.Name) == nil:
			foreign++
		}
	}
	return notebook, foreign
}

// view makes the column of one lane.
func (lab *Lab) view(d LaneFinding, f Finding, taken *Copy, c echo.Context) laneView {
	v := laneView{LaneFinding: d, Steps: f.Checks, Value: f.Raw, Bytes: len(f.Cookie) + len(f.Raw), Label: verdictLabels[f.Verdict]}
	words := laneWords[d.ID]
	v.Title, v.Short, v.Subtitle = words[0], words[1], words[2]
	if f.Sent {
		v.Claims, v.Fields, v.Sealed = takeApart(d.ID, f.Value)
		v.Curl = curlLine(c.Request().Host, f.Cookie+"="+f.Raw)
	} else if d.BrowserExpires != nil && !d.BrowserExpires.After(now(lab.clock)) {
		v.Dropped = d.BrowserExpires
	}
	if d.ServerKeeps.Data != nil {
		if values, err := sessions.DecodeValues(d.ServerKeeps.Data); err == nil {
			v.Record = chip{values.Text(sessions.UserKey), values.Text(sessions.RoleKey)}
		}
	}
	if taken != nil && len(taken.Lanes) > 0 {
		for _, other := range taken.Lanes {
			if other.ID == d.ID {
				v.Copy = &copyVerdict{verdictLabels[other.Verdict], other.Verdict, textOf(other.User), textOf(other.Role)}
			}
		}
	}
	return v
}

func textOf(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// takeApart reads what a value says, without believing it.
func takeApart(lane, value string) (chip, []field, *sessions.Sealed) {
	switch lane {
	case Plain:
		who, ok := readPlain(value)
		if !ok {
			return chip{}, nil, nil
		}
		return chip(who), []field{{"user", who.User}, {"role", who.Role}}, nil
	case Signed:
		sealed, err := sessions.Dissect(value)
		if err != nil {
			return chip{}, nil, nil
		}
		var facts signedFacts
		if json.Unmarshal([]byte(sealed.Content), &facts) != nil {
			return chip{}, nil, &sealed
		}
		return chip{facts.User, facts.Role}, []field{
			{"user", facts.User}, {"role", facts.Role},
			{"iat", clockTime(time.Unix(facts.IssuedAt, 0))}, {"exp", clockTime(time.Unix(facts.Expires, 0))},
		}, &sealed
	default:
		return chip{}, nil, nil
	}
}

// curlLine sends one cookie from a terminal; it works as pasted into a shell.
func curlLine(host, pair string) string {
	return "curl -H 'Cookie: " + strings.ReplaceAll(pair, "'", `'\''`) + "' 'http://" + host + "/api/lanes'"
}

// lastExchange is the last exchange of the browser and, before it, the replay
// by the other program that went on while it was at work.
func lastExchange(exchanges []*Exchange) []*Exchange {
	from := len(exchanges) - 1
	for from > 0 && exchanges[from-1].Client == ClientOther {
		from--
	}
	return exchanges[max(from, 0):]
}

// agreed reports whether all ways take the visitor for the same person.
func agreed(lanes []laneView) bool {
	for _, v := range lanes {
		if !v.Verdict.Accepted() || v.User == nil || *v.User != textOf(lanes[0].User) || textOf(v.Role) != textOf(lanes[0].Role) {
			return false
		}
	}
	return true
}

// cellsOf boils each cell of the rows down to a text, to compare. Row ② follows
// row ①, so it has none.
func cellsOf(findings []Finding, described []LaneFinding, taken *Copy) map[string]string {
	cells := map[string]string{}
	for i, f := range findings {
		keeps := described[i].ServerKeeps
		cells["1-"+f.Lane] = f.Raw
		if at := described[i].BrowserExpires; f.Sent && at != nil {
			cells["1-"+f.Lane] += " until " + clockTime(*at)
		}
		cells["3-"+f.Lane] = keeps.Kind + keeps.ID + yesNo(keeps.Reached) + yesNo(keeps.Live)
		cells["4-"+f.Lane] = string(f.Verdict) + " " + f.Who.User + " " + f.Who.Role
	}
	if taken != nil {
		for _, lane := range taken.Lanes {
			cells["copy-"+lane.ID] = string(lane.Verdict) + " " + textOf(lane.User) + " " + textOf(lane.Role)
		}
	}
	return cells
}

// markChanged marks what changed.
func markChanged(lanes []laneView, before, after map[string]string) {
	for i := range lanes {
		lanes[i].Changed = map[string]bool{}
		if before == nil {
			continue
		}
		for _, row := range []string{"1", "3", "4", "copy"} {
			cell := row + "-" + lanes[i].ID
			lanes[i].Changed[row] = before[cell] != after[cell]
		}
	}
}

// attributeTable is the table beside which DevTools is read: its column names
// are our rows. The attributes are those that this server last set.
func attributeTable(lanes []laneView, host string) []attributeRow {
	host, _, _ = splitHost(host)
	type cell = attributeCell
	rows := []struct {
		name string
		of   func(v laneView, a *Attributes) cell
	}{
		{"Name", func(v laneView, _ *Attributes) cell { return cell{Text: v.Cookie} }},
		{"Value", func(v laneView, _ *Attributes) cell {
			if !v.Sent {
				return cell{None: true}
			}
			return cell{Text: v.Value}
		}},
		{"Domain", func(_ laneView, a *Attributes) cell {
			if a.Domain == "" {
				return cell{Text: host}
			}
			return cell{Text: "." + a.Domain}
		}},
		{"Path", func(_ laneView, a *Attributes) cell { return cell{Text: a.Path} }},
		{"Expires / Max-Age", func(v laneView, _ *Attributes) cell {
			if v.BrowserExpires == nil {
				return cell{Text: "Session"}
			}
			return cell{Text: devToolsTime(*v.BrowserExpires)}
		}},
		{"Size", func(v laneView, a *Attributes) cell {
			if v.Sent {
				return cell{Text: strconv.Itoa(v.Bytes)} // of what came, like Value
			}
			return cell{Text: strconv.Itoa(a.Size)}
		}},
		{"HttpOnly", func(_ laneView, a *Attributes) cell { return tick(a.HTTPOnly) }},
		{"Secure", func(_ laneView, a *Attributes) cell { return tick(a.Secure) }},
		{"SameSite", func(_ laneView, a *Attributes) cell { return cell{Text: a.SameSite} }},
	}
	var table []attributeRow
	for _, row := range rows {
		r := attributeRow{Name: row.name}
		for _, v := range lanes {
			if v.Attributes == nil && row.name != "Name" && row.name != "Value" {
				r.Cells = append(r.Cells, cell{None: true})
				continue
			}
			r.Cells = append(r.Cells, row.of(v, v.Attributes))
		}
		table = append(table, r)
	}
	browser, server := attributeRow{Name: "Ends by the browser's clock"}, attributeRow{Name: "Ends by the server's clock"}
	for _, v := range lanes {
		switch {
		case v.Attributes == nil:
			browser.Cells = append(browser.Cells, cell{None: true})
		case v.BrowserExpires == nil:
			browser.Cells = append(browser.Cells, cell{Text: "when the browser is closed"})
		default:
			browser.Cells = append(browser.Cells, cell{At: v.BrowserExpires})
		}
		switch {
		case v.ServerExpires != nil:
			server.Cells = append(server.Cells, cell{At: v.ServerExpires})
		case v.ID == Plain:
			server.Cells = append(server.Cells, cell{Text: "never: the server keeps no clock for it"})
		default:
			server.Cells = append(server.Cells, cell{None: true})
		}
	}
	return append(table, browser, server)
}

func tick(set bool) attributeCell {
	if set {
		return attributeCell{Text: "✓"}
	}
	return attributeCell{Text: "no"}
}
