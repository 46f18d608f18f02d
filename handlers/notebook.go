// The notebook: what the lab remembers about this browser, so that it can show
// what browsers never send back. It is a session like any other, with its own
// cookie and purpose, and never among the cookies under study.

package handlers

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/sessions"
)

const (
	notebookCookie = "lab_notebook"
	notebookAge    = 30 * 24 * time.Hour
)

// Keys in the notebook's session. No value of a cookie is ever among them.
const (
	bookOpened = "opened"  // when
	bookSet    = "set."    // + lane: Attributes as last set
	bookRecord = "record"  // ID of the session record this browser was last given
	bookAction = "action"  // what was done last, see Deed
	bookName   = "as_name" // the name last signed in with, to fill the form
	bookEngine = "engine." // + engine: ID of its record of the page /engines; "" where there is none
)

// Attributes are those of a cookie as this server last set it. An edit in
// DevTools is seen by no server.
type Attributes struct {
	Domain   string     `json:"domain"` // "": this host alone
	Path     string     `json:"path"`
	MaxAge   *int       `json:"max_age"` // seconds; nil: none given
	Expires  *time.Time `json:"expires"` // nil: none given
	HTTPOnly bool       `json:"http_only"`
	Secure   bool       `json:"secure"`
	SameSite string     `json:"same_site"` // "": none given
	Size     int        `json:"size"`      // bytes of name and value
	SetAt    time.Time  `json:"set_at"`
}

// BrowserExpires is when the browser drops the cookie, by its own clock: nil
// for a cookie that lives until the browser is closed. Max-Age beats Expires
// (RFC 6265bis 5.7, step 6).
func (a Attributes) BrowserExpires() *time.Time {
	if a.MaxAge == nil {
		return a.Expires
	}
	at := a.SetAt.Add(time.Duration(*a.MaxAge) * time.Second)
	return &at
}

// Notebook is this browser's notebook during one request: a part that lies in
// the database and survives a restart, and the wire, which only memory holds.
type Notebook struct {
	session *sessions.Session
	wire    *Wire
	writes  bool // this request may write it; others' requests and programs' only read
}

const notebookKey = "cookielab/handlers.notebook"

// notebookOf is the request's notebook; nil where there is none, and all its
// reading methods work on nil.
func notebookOf(c echo.Context) *Notebook {
	n, _ := c.Get(notebookKey).(*Notebook)
	return n
}

// openNotebook is the middleware that finds the request's notebook, or opens
// one: for pages, and for the login form, which may be posted without one.
// Requests begun by other sites or other ports find but never open.
func (lab *Lab) openNotebook(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		kind := lab.kind(c)
		if kind == bare || kind == quick || kind == played {
			return next(c)
		}
		load := lab.notebooks.Load
		if kind == stream {
			load = lab.notebooks.Look // nothing holds its reply
		}
		session, err := load(c)
		switch {
		case err != nil && kind == lost:
			return next(c)
		case err != nil:
			return err
		}
		n := &Notebook{session: session, wire: lab.wire}
		if session.Rejected() != nil {
			if !opensNotebook(c.Request(), kind) {
				return next(c)
			}
			if err := session.Set(bookOpened, now(lab.clock).UTC().Format(time.RFC3339)); err != nil {
				return err
			}
		}
		c.Set(notebookKey, n)
		lab.noteHome(c, n)
		sessions.AfterCommit(c, func() {
			if len(c.Response().Header()["Set-Cookie"]) > 0 {
				n.Book().reissued(lab.valuesOf(c), lab.valuesAfter(c))
			}
		})
		if kind.readsOnly() || fromElsewhere(c.Request()) {
			return next(c) // reads only: such a reply must not set the cookie
		}
		n.writes = true
		// Commits run last registered first: after the lanes' cookies are
		// written into the reply, before the notebook itself is saved.
		sessions.OnCommit(c, func(context.Context) error { return lab.noteReply(c, n) })
		return next(c)
	}
}

// fromElsewhere reports whether another site, or another port, began a request.
func fromElsewhere(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site != "" && site != "same-origin" && site != "none"
}

func opensNotebook(r *http.Request, kind routeKind) bool {
	if fromElsewhere(r) {
		return false
	}
	switch kind {
	case page, discreet:
		return r.Method == http.MethodGet
	case loginForm:
		// Where a browser sends no Fetch metadata, its Origin tells.
		return r.Method == http.MethodGet || (r.Method == http.MethodPost && http.NewCrossOriginProtection().Check(r) == nil)
	default:
		return false
	}
}

// noteReply writes down what this reply sets, from the Set-Cookie lines
// themselves, so that no handler can forget to.
func (lab *Lab) noteReply(c echo.Context, n *Notebook) error {
	if n.session.Key() == "" && n.session.Rejected() == nil {
		return nil // flushed by a reset: nothing is noted after that
	}
	at := now(lab.clock)
	for lane, cookie := range lab.cookiesSet(c) {
		if cookie.MaxAge < 0 {
			n.session.Delete(bookSet + lane.ID())
			continue
		}
		if err := n.session.Set(bookSet+lane.ID(), attributesOf(cookie, at)); err != nil {
			return err
		}
	}
	return lab.noteRecord(c, n)
}

// leftBehind is a record to end once the new one is saved. With a Version, the
// new one was given on its word, which counts only while it is still that.
type leftBehind struct {
	ID      sessions.ID
	Version uint64
}

// noteRecord remembers which record this browser was given, by its ID, which
// no browser could send. It shows what lies on the server when a request does
// not reach it any more. The one it replaces ends only now that the new one is
// saved: if that failed, there is still something to put back.
func (lab *Lab) noteRecord(c echo.Context, n *Notebook) error {
	session, ok := c.Get(rememberedKey).(*sessions.Session)
	if !ok {
		return nil
	}
	record, ok := session.Record() // saved by now: its commit came first
	if !ok {
		return nil
	}
	if left, ok := c.Get(leftBehindKey).(leftBehind); ok {
		err := lab.sessions.Replace(c.Request().Context(), left.ID, left.Version, record.ID)
		switch gone := errors.Is(err, sessions.ErrNotFound) || errors.Is(err, sessions.ErrConflict); {
		case gone && left.Version != 0:
			// It was ended meanwhile, so its word counts no more, and neither
			// does what was signed in on it.
			return errors.Join(sessions.ErrEnded, lab.endRecord(c, record.ID))
		case err != nil && !gone:
			return err
		}
	}
	return n.session.Set(bookRecord, record.ID.String())
}

func attributesOf(cookie *http.Cookie, at time.Time) Attributes {
	a := Attributes{
		Domain: cookie.Domain, Path: cookie.Path, HTTPOnly: cookie.HttpOnly, Secure: cookie.Secure,
		SameSite: sameSiteName(cookie.SameSite), Size: len(cookie.Name) + len(cookie.Value), SetAt: at,
	}
	if cookie.MaxAge > 0 {
		a.MaxAge = &cookie.MaxAge
	}
	if !cookie.Expires.IsZero() {
		a.Expires = &cookie.Expires
	}
	return a
}

func sameSiteName(mode http.SameSite) string {
	switch mode {
	case http.SameSiteLaxMode:
		return "Lax"
	case http.SameSiteStrictMode:
		return "Strict"
	case http.SameSiteNoneMode:
		return "None"
	default:
		return ""
	}
}

// Attributes of a lane's cookie as last set; ok is false where this notebook
// did not see it set.
func (n *Notebook) Attributes(lane string) (a Attributes, ok bool) {
	if n == nil {
		return a, false
	}
	ok, err := n.session.Into(bookSet+lane, &a)
	return a, ok && err == nil
}

// Record is the ID of the session record this browser was last given.
func (n *Notebook) Record() (sessions.ID, bool) {
	if n == nil {
		return sessions.ID{}, false
	}
	return sessions.ParseID(n.session.Text(bookRecord))
}

// Name is the name last signed in with, "" when unknown.
func (n *Notebook) Name() string {
	if n == nil {
		return ""
	}
	return n.session.Text(bookName)
}

// ID names the notebook in memory; ok is false before it is saved.
func (n *Notebook) ID() (id sessions.ID, ok bool) {
	if n == nil {
		return id, false
	}
	record, ok := n.session.Record()
	return record.ID, ok
}

// Book is the part of the notebook that only memory holds; nil before the
// notebook is saved.
func (n *Notebook) Book() *Book {
	id, ok := n.ID()
	if !ok {
		return nil
	}
	return n.wire.Book(id)
}

// Deed is what was done last, by its name, for "what just happened".
type Deed struct {
	Name    string    `json:"name"`
	Lane    string    `json:"lane,omitempty"`    // one way only; "": all three
	Changed []string  `json:"changed,omitempty"` // lanes whose cookie it rewrote
	Client  string    `json:"client,omitempty"`  // whose session it ended
	Ended   int       `json:"ended,omitempty"`   // how many sessions it ended
	At      time.Time `json:"at"`
}

// Deed returns what was done last; ok is false when nothing was.
func (n *Notebook) Deed() (d Deed, ok bool) {
	if n == nil {
		return d, false
	}
	ok, err := n.session.Into(bookAction, &d)
	return d, ok && err == nil
}

// note writes a deed down. Without a notebook it is not remembered.
func (n *Notebook) note(d Deed) error {
	if n == nil {
		return nil
	}
	return n.session.Set(bookAction, d)
}
