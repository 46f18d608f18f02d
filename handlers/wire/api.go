// The wire for programs.

package wire

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
)

// Exchange is a [notebook.Exchange] as programs read it.
type Exchange struct {
	Number     int       `json:"number"`
	Client     string    `json:"client"` // "browser", "another program"
	Start      time.Time `json:"start"`
	DurationMS float64   `json:"duration_ms"`
	Method     string    `json:"method"`
	Target     string    `json:"target"`
	Protocol   string    `json:"protocol"`
	Host       string    `json:"host"`
	Fetch      Fetch     `json:"fetch"`
	UserAgent  string    `json:"user_agent"`
	// Authorization is the raw header without most of its secret, since no token is shown
	// twice.
	Authorization string     `json:"authorization"`
	Cookie        string     `json:"cookie"` // the raw header
	Cookies       []Cookie   `json:"cookies"`
	MoreCookies   int        `json:"more_cookies"` // how many more there are; the raw header has them
	KeptBack      []KeptBack `json:"stayed_home"`
	Status        int        `json:"status"`
	Location      string     `json:"location"`
	SetCookie     []string   `json:"set_cookie"` // the raw lines
	Store         []StoreOp  `json:"store"`
	Findings      []Finding  `json:"findings"`
	Cut           bool       `json:"cut"`        // more was sent, or the store was asked more often, than the wire keeps
	Hidden        bool       `json:"hidden"`     // "…" stands for a value that this notebook did not see set
	NamesOnly     bool       `json:"names_only"` // without values, because this notebook's browser may not have sent it
}

// Fetch is a [notebook.FetchMetadata] as programs read it.
type Fetch struct {
	Site string `json:"site"`
	Mode string `json:"mode"`
	Dest string `json:"dest"`
	User string `json:"user"`
}

// Cookie is one pair of the Cookie header.
type Cookie struct {
	Name  string  `json:"name"`
	Lane  *string `json:"lane"`  // the lane's ID; null: it is no lane's
	Bytes *int    `json:"bytes"` // of name and value; null if the value was left out
}

// KeptBack is a cookie that this browser was given, and did not send.
type KeptBack struct {
	Name    string `json:"name"`
	Lane    string `json:"lane"`
	Reason  string `json:"reason"` // "over", "path", "strict", "unknown"
	Message string `json:"message"`
}

// StoreOp is one store operation.
type StoreOp struct {
	Store      string  `json:"store"`
	Name       string  `json:"name"`
	Purpose    string  `json:"purpose"` // "session", "token", "notebook"; "": it was the lab's own
	DurationMS float64 `json:"duration_ms"`
	Bytes      int     `json:"bytes"`
	Error      *string `json:"error"` // null: none
}

// Finding is what one lane concluded.
type Finding struct {
	Lane    string        `json:"lane"`
	Verdict lanes.Verdict `json:"verdict"`
	User    *string       `json:"user"`
	Role    *string       `json:"role"`
	Reason  string        `json:"reason"`
}

// JSON serves GET /api/wire: {"exchanges": […]}, the newest last. It shows the request's own
// notebook; without one, it is empty. A full wire has megabytes, so it is sent one exchange at
// a time, and only one is in memory while the reader is slow.
func (h *Page) JSON(c echo.Context) error {
	log, last := notebook.From(c).Log(), 0
	if log != nil {
		done, err := h.beginStream(log, (*notebook.Log).Read)
		if err != nil {
			return err
		}
		defer done()
		last = log.Last()
	}
	c.Response().Header().Set("Content-Type", echo.MIMEApplicationJSON)
	c.Response().WriteHeader(http.StatusOK)
	w, before := h.site.Words(c), `{"exchanges":[` // before is what is sent before the next exchange
	for e := log.Next(0, last); e != nil; e = log.Next(e.Number, last) {
		exchange, err := json.Marshal(describeExchange(w, e))
		if err == nil {
			_, err = c.Response().Write(append([]byte(before), exchange...))
		}
		if err != nil {
			return nil //nolint:nilerr // the reader is gone, and an error page would come too late
		}
		before = ","
	}
	_, _ = io.WriteString(c.Response(), strings.TrimPrefix(before, ",")+"]}\n")
	return nil
}

// maxListedCookies is how many cookies of one exchange are listed: more than a browser
// sends to one host.
const maxListedCookies = 200

func describeExchange(w *locale.Printer, e *notebook.Exchange) Exchange {
	d := Exchange{
		Number: e.Number, Client: e.Client, Start: e.Start.UTC(), DurationMS: inMilliseconds(e.Duration),
		Method: e.Method, Target: e.Target, Protocol: e.Protocol, Host: e.Host, Fetch: Fetch(e.Fetch), UserAgent: e.UserAgent,
		Authorization: e.Authorization, Cookie: e.Cookie, Cookies: []Cookie{}, KeptBack: []KeptBack{},
		Status: e.Status, Location: e.Location, SetCookie: append([]string{}, e.SetCookie...),
		Store: []StoreOp{}, Findings: []Finding{}, Cut: e.Cut || e.MoreOps, NamesOnly: e.NamesOnly, Hidden: e.Hidden,
	}
	for cookie := range e.Cookies() {
		if len(d.Cookies) == maxListedCookies {
			d.MoreCookies++
			continue
		}
		one := Cookie{Name: cookie.Name, Lane: markup.TextOrNil(cookie.Lane)}
		if !cookie.Left {
			one.Bytes = &cookie.Bytes
		}
		d.Cookies = append(d.Cookies, one)
	}
	for _, cookie := range e.KeptBack {
		d.KeptBack = append(d.KeptBack, KeptBack{cookie.Name, cookie.Lane, strings.TrimPrefix(cookie.Reason.ID, "home_reason."), w.Say(cookie.Reason)})
	}
	for _, op := range e.Ops {
		d.Store = append(d.Store, StoreOp{op.Store, op.Name, op.Purpose, inMilliseconds(op.Duration), op.Bytes, markup.TextOrNil(notebook.OutcomeOf(op.Err))})
	}
	for _, f := range e.Findings {
		d.Findings = append(d.Findings, Finding{f.Lane, f.Verdict, markup.TextOrNil(f.Who.User), markup.TextOrNil(f.Who.Role), w.Say(f.Reason)})
	}
	return d
}

func inMilliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
