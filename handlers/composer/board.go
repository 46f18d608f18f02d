// The composer's board: which requests would carry the cookie, for each profile.

package composer

import (
	"slices"
	"strings"
	"time"

	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/sessions/browser"
)

// boardRow is one kind of request.
type boardRow struct {
	ID    string
	Title string // a label
	To    string // the address, where it is another
	From  string // the other site; "": none began it
	Alike bool   // all profiles do the same
	Same  bool   // and for the same reason
	Cells []boardCell
}

// boardCell is what one profile does with it.
type boardCell struct {
	Title  string // of the profile
	Stored bool   // there is a cookie at all
	Goes   bool
	Reason locale.Message // why it stays
	Note   string         // a label: what else is to be said
}

// boardRequest is a request of the board.
type boardRequest struct {
	label   string
	to      browser.URL
	context browser.Context
	script  bool
}

// board asks each profile's jar for each request; nil where none has a cookie.
func (h *Page) board(columns []profileColumn, at browser.URL, moment time.Time) []boardRow {
	if !slices.ContainsFunc(columns, func(column profileColumn) bool { return column.Cookie != nil }) {
		return nil
	}
	var rows []boardRow
	for _, r := range boardRequests(at, columns) {
		row := boardRow{ID: lastOf(r.label), Title: r.label, Same: true, Alike: true}
		if r.to != at {
			row.To = markup.Clip(r.to.String(), markup.MaxValueText)
		}
		if from := r.context.From; from != nil && *from != at {
			row.From = from.Scheme + "://" + from.Host
		}
		for _, column := range columns {
			cell := boardCellOf(column, r, moment)
			row.Cells = append(row.Cells, cell)
			row.Same = row.Same && cell.like(row.Cells[0])
			row.Alike = row.Alike && cell.Stored == row.Cells[0].Stored && cell.Goes == row.Cells[0].Goes
		}
		rows = append(rows, row)
	}
	return rows
}

func (c boardCell) like(other boardCell) bool {
	return c.Stored == other.Stored && c.Goes == other.Goes && c.Note == other.Note && c.Reason.ID == other.Reason.ID
}

func boardCellOf(column profileColumn, r boardRequest, moment time.Time) boardCell {
	cell := boardCell{Title: column.Title, Stored: column.Cookie != nil}
	if !cell.Stored {
		return cell
	}
	request := browser.Request{URL: r.to, Now: moment, Script: r.script, Context: r.context}
	if rule, stays := column.staysBack(request); stays {
		cell.Reason = ruleReason(rule)
		column.jar.ThirdParty = true
		if _, stays := column.staysBack(request); !stays {
			cell.Note = "composer.board.allowed"
		}
		column.jar.ThirdParty = false
		return cell
	}
	cell.Goes = true
	request.Now = moment.Add(3 * time.Minute)
	if rule, _ := column.staysBack(request); rule.ID == "lax-by-default" {
		cell.Note = "composer.board.young"
	}
	return cell
}

// staysBack is why the column's cookie does not go with a request.
func (column profileColumn) staysBack(request browser.Request) (browser.Rule, bool) {
	for _, back := range column.jar.Send(request).KeptBack {
		if column.Cookie.Same(back.Cookie) {
			return back.Rule, true
		}
	}
	return browser.Rule{}, false
}

// boardRequests are the requests that make sense for an address.
func boardRequests(at browser.URL, columns []profileColumn) []boardRequest {
	other := browser.URL{Scheme: "https", Host: "other.example", Path: "/"}
	if (browser.URL{Scheme: "http", Host: at.Host}).Secure() { // this machine
		other = browser.URL{Scheme: "http", Host: "127.0.0.1", Path: "/"}
		if at.Host == other.Host {
			other.Host = "localhost"
		}
	}
	elsewhere := at
	elsewhere.Path = "/elsewhere"
	scheme, schemeLabel := at, "composer.board.https"
	if scheme.Scheme = "https"; at.Scheme == "https" {
		scheme.Scheme, schemeLabel = "http", "composer.board.http"
	}
	requests := []boardRequest{
		{label: "composer.board.again", to: at, context: browser.Typed},
		{label: "composer.board.path", to: elsewhere, context: browser.Typed},
		{label: "composer.board.port", to: at, context: browser.Context{From: &at, Navigation: true}},
	}
	if below, ok := belowPath(at, columns); ok {
		requests = append(requests, boardRequest{label: "composer.board.below", to: below, context: browser.Typed})
	}
	if !at.IsAddress() {
		below := at
		below.Host = "sub." + at.Host
		requests = append(requests, boardRequest{label: "composer.board.sub", to: below, context: browser.Typed})
	}
	if _, parent, ok := strings.Cut(at.Host, "."); ok && at.Site() != at.Host && !at.IsAddress() {
		beside, above := at, at
		beside.Host, above.Host = "api."+parent, parent
		requests = append(requests,
			boardRequest{label: "composer.board.beside", to: beside, context: browser.Typed},
			boardRequest{label: "composer.board.parent", to: above, context: browser.Typed})
	}
	return append(requests,
		boardRequest{label: schemeLabel, to: scheme, context: browser.Typed},
		boardRequest{label: "composer.board.link", to: at, context: browser.Context{From: &other, Navigation: true}},
		boardRequest{label: "composer.board.form", to: at, context: browser.Context{From: &other, Navigation: true, Method: "POST"}},
		boardRequest{label: "composer.board.image", to: at, context: browser.Context{From: &other}},
		boardRequest{label: "composer.board.script", to: at, context: browser.Typed, script: true},
	)
}

// belowPath is an address below the cookie's Path, if the one that sent it is not.
func belowPath(at browser.URL, columns []profileColumn) (browser.URL, bool) {
	for _, column := range columns {
		if column.Cookie == nil {
			continue
		}
		request := browser.Request{URL: at, Context: browser.Typed}
		if rule, stays := column.staysBack(request); stays && rule.ID == "other-path" {
			at.Path = column.Cookie.Path
			return at, true
		}
	}
	return at, false
}
