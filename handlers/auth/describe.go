// Findings as programs read them: with what the notebook and the store know.

package auth

import (
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
	"cookielab/sessions"
)

// LanesAnswer is the answer of GET /api/lanes.
type LanesAnswer struct {
	Lanes []LaneFinding `json:"lanes"` // in the order of the lanes
}

// LaneFinding is a [lanes.Finding] as programs read it.
type LaneFinding struct {
	ID             string               `json:"id"`
	Cookie         *string              `json:"cookie"` // null: the lane has none
	Sent           bool                 `json:"sent"`
	Verdict        lanes.Verdict        `json:"verdict"`
	User           *string              `json:"user"`
	Role           *string              `json:"role"`
	Reason         string               `json:"reason"`
	Checks         []LaneCheck          `json:"checks"`
	Attributes     *notebook.Attributes `json:"attributes"` // null where this notebook did not see them set
	BrowserExpires *time.Time           `json:"browser_expires_at"`
	ServerExpires  *time.Time           `json:"server_expires_at"`
	ServerKeeps    *ServerRecord        `json:"server_keeps"`
}

// LaneCheck is a [lanes.Check] as programs read it.
type LaneCheck struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// ServerRecord is what lies on the server for one lane.
type ServerRecord struct {
	Kind string `json:"kind"` // "nothing", "secret" (one for everybody), or [KeepsRecord]

	// Of a record only.
	ID      string          `json:"id,omitempty"` // the hash of the key
	Reached bool            `json:"reached"`      // this request's key led to it
	Live    bool            `json:"live"`         // its time is not over
	Version uint64          `json:"version,omitempty"`
	Owner   string          `json:"owner,omitempty"`
	Created *time.Time      `json:"created,omitempty"`
	Saved   *time.Time      `json:"saved,omitempty"`
	Expires *time.Time      `json:"expires,omitempty"`
	Bytes   int             `json:"bytes,omitempty"`
	Data    json.RawMessage `json:"data,omitempty"`
}

// KeepsRecord is the Kind of a [ServerRecord] that is a record.
const KeepsRecord = "record"

const (
	keepsNothing = "nothing"
	keepsSecret  = "secret"
)

// Describe returns findings, in their order, as programs read them: with what the notebook and
// the store know, and in the request's language. The error is that of the store.
func (a *Auth) Describe(c echo.Context, findings []lanes.Finding) ([]LaneFinding, error) {
	keeps, err := a.ServerKeeps(c, findings)
	if err != nil {
		return nil, err
	}
	n, w := notebook.From(c), a.words(c)
	described := make([]LaneFinding, len(findings))
	for i, f := range findings {
		d := LaneFinding{
			ID: f.Lane, Cookie: markup.TextOrNil(f.Cookie), Sent: f.Sent, Verdict: f.Verdict,
			User: markup.TextOrNil(f.Who.User), Role: markup.TextOrNil(f.Who.Role), Reason: w.Say(f.Reason),
			Checks: DescribeChecks(w, f), ServerExpires: markup.TimeOrNil(f.Expires), ServerKeeps: keeps[i],
		}
		if set, ok := n.Attributes(f.Lane); ok {
			d.Attributes, d.BrowserExpires = &set, set.BrowserExpires()
		}
		if d.ServerExpires == nil && keeps[i].Kind == KeepsRecord {
			d.ServerExpires = keeps[i].Expires // it lies there, though nothing led to it
		}
		described[i] = d
	}
	return described, nil
}

// DescribeChecks returns the checks of a finding as programs read them.
func DescribeChecks(w *locale.Printer, f lanes.Finding) []LaneCheck {
	described := make([]LaneCheck, len(f.Checks))
	for i, check := range f.Checks {
		described[i] = LaneCheck{check.Name, check.OK, w.Say(check.Detail)}
	}
	return described
}

// ChecksOf returns the list of a finding's checks for a page; described are the same checks,
// from DescribeChecks.
func ChecksOf(w *locale.Printer, f lanes.Finding, described []LaneCheck) template.HTML {
	var m markup.Writer
	m.Grow(1 << 10)
	m.Raw(`<ol class="checks">`)
	for i, check := range f.Checks {
		if check.OK {
			m.Raw(`<li class="ok"><span aria-hidden="true">✓</span> `)
			m.Text(w.Say(check.Title()))
		} else {
			m.Raw(`<li class="failed"><span aria-hidden="true">✗</span> `)
			m.Text(w.Say(check.Title()))
			m.Raw(": ")
			m.Text(w.Text("closer.failed"))
		}
		m.Raw(` <span class="detail">`)
		m.Text(described[i].Detail)
		m.Raw("</span></li>")
	}
	m.Raw("</ol>")
	return template.HTML(m.String())
}

// ServerKeeps returns what lies on the server for each finding. For the session lane it is the
// record that the request reached, or else the one that this browser was last given, if it
// still lies there. The error is that of the store.
func (a *Auth) ServerKeeps(c echo.Context, findings []lanes.Finding) ([]*ServerRecord, error) {
	keeps := make([]*ServerRecord, len(findings))
	for i, f := range findings {
		switch a.Lanes.Format(f.Lane) {
		case lanes.Signed:
			keeps[i] = &ServerRecord{Kind: keepsSecret}
		case lanes.Session, lanes.Token:
			record, reached := f.Record, f.Record != nil
			if record == nil && f.Lane == lanes.Session {
				var err error
				if record, err = a.LastRecord(c); err != nil {
					return nil, err
				}
			}
			if record != nil {
				keeps[i] = describeRecord(record, reached, a.clock.Now())
				break
			}
			fallthrough
		default:
			keeps[i] = &ServerRecord{Kind: keepsNothing}
		}
	}
	return keeps, nil
}

// LastRecord returns the record that this browser was last given, live or expired; nil if it
// does not lie there any more. The error is that of the store.
func (a *Auth) LastRecord(c echo.Context) (*sessions.Record, error) {
	id, ok := notebook.From(c).Record()
	if !ok {
		return nil, nil
	}
	return a.Lying(c, id)
}

// Lying returns a record of the session lane by its ID, live or expired; nil if none lies
// there. The error is that of the store.
func (a *Auth) Lying(c echo.Context, id sessions.ID) (*sessions.Record, error) {
	record, err := a.Lanes.Sessions.Find(c.Request().Context(), id)
	switch {
	case err == nil, errors.Is(err, sessions.ErrExpired):
		return &record, nil
	case errors.Is(err, sessions.ErrNotFound), errors.Is(err, sessions.ErrNotSupported):
		return nil, nil
	default:
		return nil, err
	}
}

func describeRecord(r *sessions.Record, reached bool, at time.Time) *ServerRecord {
	d := &ServerRecord{
		Kind: KeepsRecord, ID: r.ID.String(), Reached: reached, Live: r.Expires.After(at), Version: r.Version,
		Owner: r.Owner, Created: &r.Created, Saved: &r.Saved, Expires: &r.Expires, Bytes: len(r.Data),
	}
	if json.Valid(r.Data) {
		d.Data = r.Data
	}
	return d
}

// OtherCookies returns the size of the notebook's cookie, in bytes of its name and value, and
// the number of cookies of other programs. Browsers send those, too, since all programs on
// localhost share its cookies.
func (a *Auth) OtherCookies(r *http.Request) (ofNotebook, others int) {
	for _, cookie := range r.Cookies() {
		switch {
		case cookie.Name == notebook.CookieName:
			ofNotebook = len(cookie.Name) + len(cookie.Value)
		case a.Lanes.OfCookie(cookie.Name) == nil:
			others++
		}
	}
	return ofNotebook, others
}
