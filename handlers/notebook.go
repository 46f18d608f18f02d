// The notebook: what the lab remembers about this browser, so that it can show
// what browsers never send back. It is a session like any other, with its own
// cookie and purpose, and never among the cookies under study.

package handlers

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/sessions"
)

const (
	notebookCookie  = "lab_notebook"
	notebookPurpose = "notebook" // mixed into the hash of a notebook's key
	notebookAge     = 30 * 24 * time.Hour
)

// Keys in the notebook's session, besides those of pages. It never holds the value of a cookie. While somebody is
// signed in, the session also has their name under sessions.UserKey, so it is not removed
// with the sessions that belong to no user.
const (
	bookID     = "id"      // of its Book, in hex: random, and it stays when the key changes
	bookTurn   = "turn"    // how often the key has changed
	bookOpened = "opened"  // when
	bookSet    = "set."    // + lane: Attributes as last set
	bookKnown  = "known."  // + one of secretLanes: hash of the value that was set last
	bookRecord = "record"  // ID of the session record this browser was last given
	bookForged = "forged"  // hash of the value that the lab wrote in place of that session's key: see forgery
	bookSince  = "since"   // who signed in last, and when
	bookAction = "action"  // what was done last, see Action
	bookName   = "as_name" // the name last signed in with, to fill the form
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
	writes  bool // see MayWrite
	own     bool // whoever is signed in with this request may see all of it: see BelongTo

	known map[sessions.ID]bool // hashes of the values that it knows its browser was given

	id   sessions.ID // of its Book; zero: it has none yet, and this request may give it none
	came sessions.ID // hash of the key that the request carried; zero: it carried none
	turn int         // how often the key had changed by then

	signedIn bool // by then somebody was signed in
}

// Keys in a request's context.
const (
	notebookKey = "cookielab/handlers/notebook"
	replacedKey = "cookielab/handlers/notebook.replaced"
)

// justReplaced reports whether the notebook's key that the request carried was replaced a
// moment ago. Then the request has no notebook.
func justReplaced(c echo.Context) bool { return c.Get(replacedKey) != nil }

// notebookOf is the request's notebook; nil where there is none, and all its
// reading methods work on nil.
func notebookOf(c echo.Context) *Notebook {
	n, _ := c.Get(notebookKey).(*Notebook)
	return n
}

// opener finds the notebooks of requests, and opens new ones.
type opener struct {
	Notebooks *sessions.Manager // see newNotebooks
	Wire      *Wire
	Lanes     *lanes.Set
	Clock     sessions.Clock
	Origins   *http.CrossOriginProtection // tells whether a form was posted from the lab's own pages

	// BeforeSave is called when a reply's sessions are saved and its notebook is about to
	// be. Its error drops the reply. nil: there is nothing to do.
	BeforeSave func(ctx context.Context, c echo.Context, n *Notebook) error

	// Access says what the request's route may do with the notebook, and whether its reply
	// is a stream.
	Access func(echo.Context) (use Use, stream bool)
}

// Open is the middleware that finds the request's notebook, or opens
// one: for pages, and for the login form, which may be posted without one.
// Requests begun by other sites or other ports find but never open.
func (o *opener) Open(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		use, stream := o.Access(c)
		if use == Never {
			return next(c)
		}
		load := o.Notebooks.Load
		if stream {
			load = o.Notebooks.Look // nothing holds its reply
		}
		session, err := load(c)
		switch {
		case err != nil && use == IfItCan:
			return next(c)
		case err != nil:
			return err
		}
		n := &Notebook{session: session, wire: o.Wire, turn: turnIn(session), signedIn: session.Text(sessions.UserKey) != ""}
		if record, ok := session.Record(); ok {
			n.came = record.ID
		}
		if session.Rejected() != nil {
			if o.isUnderWay(session) {
				c.Set(replacedKey, true)
				return next(c)
			}
			if !o.opens(c.Request(), use) {
				return next(c)
			}
			if err := session.Set(bookOpened, o.Clock.Now().UTC().Format(time.RFC3339)); err != nil {
				return err
			}
		}
		n.writes = use >= Write && !input.FromElsewhere(c.Request())
		if err := n.name(); err != nil {
			return err
		}
		n.known = n.knownValues()
		c.Set(notebookKey, n)
		o.noteHome(c, n)
		// Commits run last registered first: after the lanes' cookies are
		// written into the reply, before the notebook itself is saved.
		sessions.OnCommit(c, func(ctx context.Context) error {
			if n.session.Key() == "" && n.session.Rejected() == nil {
				return nil // flushed by a reset: nothing is noted after that
			}
			if n.writes { // otherwise this reply must not set the cookie
				if err := o.noteReply(c, n); err != nil {
					return err
				}
			}
			if o.BeforeSave == nil {
				return nil
			}
			return o.BeforeSave(ctx, c, n)
		})
		return next(c)
	}
}

// newNotebooks makes the manager of the notebooks in a store, with the same options as the
// lanes.
func newNotebooks(store sessions.Store, set *lanes.Set) (*sessions.Manager, error) {
	options := set.Options(notebookAge)
	options.Name = notebookCookie
	options.FollowReplaced = true // so that what one tab notes is not lost when another tab signs in
	return sessions.New(sessions.Keyed(notebookPurpose, store), options)
}

// opens reports whether a request without a notebook gets one.
func (o *opener) opens(r *http.Request, use Use) bool {
	if input.FromElsewhere(r) {
		return false
	}
	switch use {
	case Open:
		return r.Method == http.MethodGet
	case OpenByForm:
		// Where a browser sends no Fetch metadata, its Origin tells.
		return r.Method == http.MethodGet || (r.Method == http.MethodPost && o.Origins.Check(r) == nil)
	default:
		return false
	}
}

// noteReply writes down what this reply sets, from the Set-Cookie lines
// themselves, so that no handler can forget to.
func (o *opener) noteReply(c echo.Context, n *Notebook) error {
	at := o.Clock.Now()
	for lane, cookie := range o.Lanes.CookiesSet(c) {
		if cookie.MaxAge < 0 {
			n.session.Delete(bookSet + lane.ID())
			n.session.Delete(bookKnown + lane.ID())
			continue
		}
		if slices.Contains(secretLanes, lane.ID()) {
			if err := n.session.Set(bookKnown+lane.ID(), knownAs(cookie.Value).String()); err != nil {
				return err
			}
		}
		if err := n.session.Set(bookSet+lane.ID(), attributesOf(cookie, at)); err != nil {
			return err
		}
	}
	return nil
}

// replacedGrace is how long after a change of key requests with the old key may still be
// under way. They find no notebook, and open none: its cookie would overwrite the one
// with the new key.
const replacedGrace = sessions.UnderWay

// isUnderWay reports whether a request with a key that was replaced may still be under way.
func (o *opener) isUnderWay(session *sessions.Session) bool {
	at, replaced := session.Replaced()
	return replaced && o.Clock.Now().Sub(at) < replacedGrace
}

// ChangeKey gives the notebook a new key with this reply. Every login, logout and Put it
// back calls it, so that the old key opens nothing afterwards, even for somebody who
// planted or stole it. The Book stays the same.
func (n *Notebook) ChangeKey() error {
	if !n.MayWrite() {
		return nil
	}
	n.session.CycleKey()
	return n.session.Set(bookTurn, n.turn+1)
}

// turnIn is how often a notebook's key has changed, as its session says.
func turnIn(session *sessions.Session) (turn int) {
	_, _ = session.Into(bookTurn, &turn) // without the value it is 0
	return turn
}

// name gives the notebook's Book an ID, if it has none yet.
func (n *Notebook) name() error {
	var named bool
	if n.id, named = sessions.ParseID(n.session.Text(bookID)); named || !n.writes {
		return nil
	}
	rand.Read(n.id[:]) // never fails
	return n.session.Set(bookID, n.id.String())
}

// knownAs is the hash by which a notebook knows a cookie's value again.
func knownAs(value string) sessions.ID { return sessions.KeyID("known", value) }

// secretLanes are the ways whose values may be shown only to whoever was given them. The
// plain value is no secret.
var secretLanes = []string{lanes.Signed, lanes.Session}

// knownValues are the hashes of the values that this notebook saw set.
func (n *Notebook) knownValues() map[sessions.ID]bool {
	known := map[sessions.ID]bool{}
	for _, lane := range secretLanes {
		if id, ok := sessions.ParseID(n.session.Text(bookKnown + lane)); ok {
			known[id] = true
		}
	}
	return known
}

// knows reports whether this notebook saw its browser get a value.
func (n *Notebook) knows(value string) bool { return n.known[knownAs(value)] }

// BelongTo lets whoever is signed in by a session see all of the notebook, once this
// request's reply is saved: before that nobody knows whether a new key was. It also notes
// the session's key as one that the notebook's browser has.
func (n *Notebook) BelongTo(c echo.Context, session *sessions.Session) error {
	known := n.knownValues()
	if key := session.Key(); key != "" {
		id := knownAs(key)
		if n.writes && !known[id] {
			if err := n.session.Set(bookKnown+lanes.Session, id.String()); err != nil {
				return err
			}
		}
		known[id] = true
	}
	sessions.AfterCommit(c, func() {
		n.own = true
		n.Book().setKnown(known)
		maps.Copy(n.known, known) // and what came was known before
	})
	return nil
}

// NoteLogin writes down who is signed in in this browser, and by which login.
func (n *Notebook) NoteLogin(session *sessions.Session) error {
	n.session.Delete(bookForged)
	err := errors.Join(
		n.session.Set(sessions.UserKey, session.Text(sessions.UserKey)),
		n.session.Set(bookSince, sinceOf(session)),
	)
	if record, ok := session.Record(); ok {
		err = errors.Join(err, n.NoteRecord(record.ID))
	}
	return err
}

// NoteRecord writes down which session record this browser was given last.
func (n *Notebook) NoteRecord(id sessions.ID) error { return n.session.Set(bookRecord, id.String()) }

// NoteForged writes down the hash of the value that the lab wrote in place of the
// session's key, until somebody signs in or out.
func (n *Notebook) NoteForged(hash string) error { return n.session.Set(bookForged, hash) }

// Forged is that hash; "" where there is none, and without a notebook.
func (n *Notebook) Forged() string { return n.Text(bookForged) }

// NoteLogout writes down that nobody is signed in any more, and changes the key.
func (n *Notebook) NoteLogout() error {
	if !n.MayWrite() {
		return nil
	}
	n.session.Expendable() // a logout must work on a full disk, too
	for _, key := range []string{sessions.UserKey, bookSince, bookForged} {
		n.session.Delete(key)
	}
	return n.ChangeKey()
}

// NotedLogin reports whether a notebook noted the login of a session, whatever key that
// session has now; true also if nobody is signed in by it.
func (n *Notebook) NotedLogin(session *sessions.Session) bool {
	return session.Text(sessions.UserKey) == "" || n.session.Text(bookSince) == sinceOf(session)
}

// sinceOf says who signed in and when, from the session's values.
func sinceOf(session *sessions.Session) string {
	return session.Text(sessions.UserKey) + " " + session.Text(sessions.SinceKey)
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
func (n *Notebook) Name() string { return n.Text(bookName) }

// NoteName writes down the name signed in with. Without a notebook it is not remembered.
func (n *Notebook) NoteName(name string) error {
	if n == nil {
		return nil
	}
	return n.session.Set(bookName, name)
}

// Session is the session in which the notebook lies; nil without a notebook. Each page has
// keys of its own there.
func (n *Notebook) Session() *sessions.Session {
	if n == nil {
		return nil
	}
	return n.session
}

// MayWrite reports whether this request may write the notebook. Requests begun by other
// sites or other ports only read it, as do programs.
func (n *Notebook) MayWrite() bool { return n != nil && n.writes }

// Came is the hash of the notebook's key that the request carried; ok is false if the
// notebook was opened just now.
func (n *Notebook) Came() (key sessions.ID, ok bool) {
	if n == nil {
		return key, false
	}
	return n.came, n.came != sessions.ID{}
}

// Text is a text in the notebook's session, by its key; "" where there is none.
func (n *Notebook) Text(key string) string {
	if n == nil {
		return ""
	}
	return n.session.Text(key)
}

// Keep puts a text there, if this request may write the notebook and the text is new.
func (n *Notebook) Keep(key, value string) error {
	if !n.MayWrite() || n.session.Text(key) == value {
		return nil
	}
	return n.session.Set(key, value)
}

// ID is the ID of the notebook's Book; ok is false before the notebook is saved.
func (n *Notebook) ID() (id sessions.ID, ok bool) {
	if n == nil {
		return id, false
	}
	_, saved := n.session.Record()
	return n.id, saved && n.id != sessions.ID{}
}

// Book is the part of the notebook that only memory holds; nil before the
// notebook is saved, and for a request whose key was replaced after the request began.
func (n *Notebook) Book() *Book {
	id, ok := n.ID()
	if !ok {
		return nil
	}
	record, _ := n.session.Record()
	turn := n.turn
	if record.ID != n.came { // a new key was saved with this reply
		turn = turnIn(n.session)
	}
	return n.wire.Open(id, record.ID, turn, n.signedIn)
}

// Action is what was done last, by its name, for "what just happened".
type Action struct {
	Name    string    `json:"name"`
	Lane    string    `json:"lane,omitempty"`    // one way only; "": all three
	Changed []string  `json:"changed,omitempty"` // lanes whose cookie it rewrote
	Client  string    `json:"client,omitempty"`  // whose session it ended
	Ended   int       `json:"ended,omitempty"`   // how many sessions it ended
	More    bool      `json:"more,omitempty"`    // there may be others that it did not end
	At      time.Time `json:"at"`
}

// Action returns what was done last; ok is false when nothing was.
func (n *Notebook) Action() (d Action, ok bool) {
	if n == nil {
		return d, false
	}
	ok, err := n.session.Into(bookAction, &d)
	return d, ok && err == nil
}

// Note writes an action down. Without a notebook it is not remembered.
func (n *Notebook) Note(d Action) error {
	if n == nil {
		return nil
	}
	return n.session.Set(bookAction, d)
}
