// The composer's board: which requests would carry the cookie, for each profile.

package handlers

import (
	"strings"
	"time"

	"cookielab/sessions/browser"
)

// boardRow is one kind of request.
type boardRow struct {
	ID    string
	Title string // a label
	To    string // the address, where it is another
	From  string // the other site; "": none began it
	Same  bool   // all profiles do the same
	Cells []boardCell
}

// boardCell is what one profile does with it.
type boardCell struct {
	Title   string // of the profile
	Kept    bool   // there is a cookie at all
	Goes    bool
	Reason  Phrase // why it stays
	Allowed bool   // it goes where third-party cookies are allowed
}

// boardRequest is a request of the board.
type boardRequest struct {
	label   string
	to      browser.URL
	context browser.Context
	script  bool
}

// board asks each profile's jar for each request.
func (lab *Lab) board(columns []composeColumn, at browser.URL, moment time.Time) []boardRow {
	var rows []boardRow
	for _, r := range boardRequests(at) {
		row := boardRow{ID: lastOf(r.label), Title: r.label, Same: true}
		if r.to != at {
			row.To = r.to.String()
		}
		if from := r.context.From; from != nil && *from != at {
			row.From = from.Scheme + "://" + from.Host
		}
		for _, column := range columns {
			cell := boardCellOf(column, r, moment)
			row.Cells = append(row.Cells, cell)
			row.Same = row.Same && cell.like(row.Cells[0])
		}
		rows = append(rows, row)
	}
	return rows
}

func (c boardCell) like(other boardCell) bool {
	return c.Kept == other.Kept && c.Goes == other.Goes && c.Allowed == other.Allowed && c.Reason.ID == other.Reason.ID
}

func boardCellOf(column composeColumn, r boardRequest, moment time.Time) boardCell {
	cell := boardCell{Title: column.Title, Kept: column.Cookie != nil}
	if !cell.Kept {
		return cell
	}
	request := browser.Request{URL: r.to, Now: moment, Script: r.script, Context: r.context}
	sent := column.jar.Send(request)
	if len(sent.Cookies) > 0 {
		cell.Goes = true
		return cell
	}
	column.jar.ThirdParty = true
	defer func() { column.jar.ThirdParty = false }()
	cell.Reason, cell.Allowed = ruleReason(sent.Kept[0].Rule), len(column.jar.Send(request).Cookies) > 0
	return cell
}

// boardRequests are the requests that make sense for an address.
func boardRequests(at browser.URL) []boardRequest {
	other := browser.URL{Scheme: "https", Host: "other.example", Path: "/"}
	if strings.HasSuffix(at.Host, "localhost") || strings.HasPrefix(at.Host, "127.") || strings.HasPrefix(at.Host, "[") {
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
	if !at.IsAddress() {
		below := at
		below.Host = "sub." + at.Host
		requests = append(requests, boardRequest{label: "composer.board.sub", to: below, context: browser.Typed})
	}
	if _, parent, ok := strings.Cut(at.Host, "."); ok && !at.IsAddress() && strings.Contains(parent, ".") {
		above := at
		above.Host = parent
		requests = append(requests, boardRequest{label: "composer.board.parent", to: above, context: browser.Typed})
	}
	return append(requests,
		boardRequest{label: schemeLabel, to: scheme, context: browser.Typed},
		boardRequest{label: "composer.board.link", to: at, context: browser.Context{From: &other, Navigation: true}},
		boardRequest{label: "composer.board.form", to: at, context: browser.Context{From: &other, Navigation: true, Method: "POST"}},
		boardRequest{label: "composer.board.image", to: at, context: browser.Context{From: &other}},
		boardRequest{label: "composer.board.script", to: at, context: browser.Typed, script: true},
	)
}
