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
	notebookCookie = "lab_notebook"
	notebookAge    = 30 * 24 * time.Hour
)

// Keys in the notebook's session. It never holds the value of a cookie. While somebody is
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
	own     bool // whoever is signed in with this request may see all of it: see claim

	known map[sessions.ID]bool // hashes of the values that it knows its browser was given

	id   sessions.ID // of its Book; zero: it has none yet, and this request may give it none
	came sessions.ID // hash of the key that the request carried; zero: it carried none
	turn int         // how often the key had changed by then

	signedIn bool // by then somebody was signed in
}

const (
	notebookKey = "cookielab/handlers.notebook"
	replacedKey = "cookielab/handlers.replaced" // set if the key that the request carried was replaced a moment ago
)

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
		n := &Notebook{session: session, wire: lab.wire, turn: turnIn(session), signedIn: session.Text(sessions.UserKey) != ""}
		if record, ok := session.Record(); ok {
			n.came = record.ID
		}
		if session.Rejected() != nil {
			if lab.justReplaced(session) {
				c.Set(replacedKey, true)
				return next(c)
			}
			if !lab.opensNotebook(c.Request(), kind) {
				return next(c)
			}
			if err := session.Set(bookOpened, lab.clock.Now().UTC().Format(time.RFC3339)); err != nil {
				return err
			}
		}
		n.writes = !kind.readsOnly() && !input.FromElsewhere(c.Request())
		if err := n.name(); err != nil {
			return err
		}
		n.known = n.knownValues()
		c.Set(notebookKey, n)
		lab.noteHome(c, n)
		sessions.AfterCommit(c, func() {
			if len(c.Response().Header()["Set-Cookie"]) > 0 {
				n.Book().reissued(lab.lanes.Values(c), lab.lanes.ValuesAfter(c))
			}
		})
		// Commits run last registered first: after the lanes' cookies are
		// written into the reply, before the notebook itself is saved.
		sessions.OnCommit(c, func(ctx context.Context) error {
			if n.session.Key() == "" && n.session.Rejected() == nil {
				return nil // flushed by a reset: nothing is noted after that
			}
			if n.writes { // otherwise this reply must not set the cookie
				if err := lab.noteReply(ctx, c, n); err != nil {
					return err
				}
			}
			return lab.claim(ctx, c, n)
		})
		return next(c)
	}
}

func (lab *Lab) opensNotebook(r *http.Request, kind routeKind) bool {
	if input.FromElsewhere(r) {
		return false
	}
	switch kind {
	case page, discreet:
		return r.Method == http.MethodGet
	case loginForm:
		// Where a browser sends no Fetch metadata, its Origin tells.
		return r.Method == http.MethodGet || (r.Method == http.MethodPost && lab.origins.Check(r) == nil)
	default:
		return false
	}
}

// noteReply writes down what this reply sets, from the Set-Cookie lines
// themselves, so that no handler can forget to.
func (lab *Lab) noteReply(ctx context.Context, c echo.Context, n *Notebook) error {
	at := lab.clock.Now()
	for lane, cookie := range lab.lanes.CookiesSet(c) {
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
	return lab.noteRecord(ctx, c, n)
}

// replacedGrace is how long after a change of key requests with the old key may still be
// under way. They find no notebook, and open none: its cookie would overwrite the one
// with the new key.
const replacedGrace = sessions.UnderWay

func (lab *Lab) justReplaced(session *sessions.Session) bool {
	at, replaced := session.Replaced()
	return replaced && lab.clock.Now().Sub(at) < replacedGrace
}

// changeKey gives the notebook a new key with this reply. Every login, logout and Put it
// back calls it, so that the old key opens nothing afterwards, even for somebody who
// planted or stole it. The Book stays the same.
func (n *Notebook) changeKey() error {
	if n == nil || !n.writes {
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

// claim makes sure that a notebook belongs to whoever is signed in with this request: it
// has noted the login of this session, whatever key the session has now. Otherwise
// somebody else may have planted the notebook's cookie in this browser, and could read
// the session's key on the notebook's wire, once this exchange is there. So the notebook
// gets a new key, which they do not know. If this reply can set no cookie, the wire
// leaves out the values that the notebook did not see set (see hide).
func (lab *Lab) claim(ctx context.Context, c echo.Context, n *Notebook) error {
	session, err := lab.sessions.Load(c)
	if err != nil {
		return nil //nolint:nilerr // who is signed in cannot be found out, so nothing is claimed
	}
	if !n.notedLogin(session) {
		if !n.writes {
			return nil
		}
		if err := errors.Join(lab.endNoted(ctx, c, n, session), n.changeKey(), n.noteLogin(session)); err != nil {
			return err
		}
	}
	known, err := n.know(session)
	if err != nil {
		return err
	}
	sessions.AfterCommit(c, func() { // before that nobody knows whether the new key was saved
		n.own = true
		n.Book().setKnown(known)
		maps.Copy(n.known, known) // and what came was known before
	})
	return nil
}

// endNoted ends the session of the login that the notebook noted last, if another one is
// signed in with this browser by now and no cookie of this request leads to the first. (A
// second cookie of the same name still leads to it: somebody may have planted the cookie
// that comes first.)
func (lab *Lab) endNoted(ctx context.Context, c echo.Context, n *Notebook, session *sessions.Session) error {
	left, noted := n.Record()
	record, kept := session.Record()
	if !noted || !kept || left == record.ID {
		return nil
	}
	for _, key := range sessions.ReadCookies(c.Request(), lab.config.Cookie.Name) {
		if sessions.KeyID(lanes.SessionPurpose, key) == left {
			return nil
		}
	}
	return lab.takePlace(ctx, c, leftBehind{ID: left}, record.ID)
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

// know notes the key of a session that this notebook's browser has, and returns the hashes
// of all values that the notebook knows by now.
func (n *Notebook) know(session *sessions.Session) (known map[sessions.ID]bool, err error) {
	known = n.knownValues()
	if key := session.Key(); key != "" {
		id := knownAs(key)
		if n.writes && !known[id] {
			err = n.session.Set(bookKnown+lanes.Session, id.String())
		}
		known[id] = true
	}
	return known, err
}

// noteLogin writes down who is signed in in this browser, and by which login.
func (n *Notebook) noteLogin(session *sessions.Session) error {
	n.session.Delete(bookForged)
	err := errors.Join(
		n.session.Set(sessions.UserKey, session.Text(sessions.UserKey)),
		n.session.Set(bookSince, sinceOf(session)),
	)
	if record, ok := session.Record(); ok {
		err = errors.Join(err, n.session.Set(bookRecord, record.ID.String()))
	}
	return err
}

// noteLogout writes down that nobody is signed in any more, and changes the key.
func (n *Notebook) noteLogout() error {
	if n == nil || !n.writes {
		return nil
	}
	n.session.Expendable() // a logout must work on a full disk, too
	for _, key := range []string{sessions.UserKey, bookSince, bookForged} {
		n.session.Delete(key)
	}
	return n.changeKey()
}

// notedLogin reports whether a notebook noted the login of a session, whatever key that
// session has now; true also if nobody is signed in by it.
func (n *Notebook) notedLogin(session *sessions.Session) bool {
	return session.Text(sessions.UserKey) == "" || n.session.Text(bookSince) == sinceOf(session)
}

// sinceOf says who signed in and when, from the session's values.
func sinceOf(session *sessions.Session) string {
	return session.Text(sessions.UserKey) + " " + session.Text(sessions.SinceKey)
}

// leftBehind is the record of this browser's old session. Once the new session is saved it
// takes the place of the old one: a logout that is still under way with the old key ends
// the new one. Version is set by Put it back: the new session was made from what this
// record said, and counts only if the record still has that version.
type leftBehind struct {
	ID      sessions.ID
	Version uint64
}

// noteRecord remembers which record this browser was given, by its ID, which
// no browser could send. It shows what lies on the server when a request does
// not reach it any more. The one it replaces ends only now that the new one is
// saved: if that failed, there is still something to put back.
func (lab *Lab) noteRecord(ctx context.Context, c echo.Context, n *Notebook) error {
	session, ok := c.Get(rememberedKey).(*sessions.Session)
	if !ok {
		return nil
	}
	record, ok := session.Record() // saved by now: its commit came first
	if left, leaves := c.Get(leftBehindKey).(leftBehind); ok && leaves {
		if err := lab.takePlace(ctx, c, left, record.ID); err != nil {
			return err
		}
	}
	return n.noteLogin(session)
}

// takePlace ends the session that was left behind, and notes that the session by takes
// its place.
func (lab *Lab) takePlace(ctx context.Context, c echo.Context, left leftBehind, by sessions.ID) error {
	err := lab.sessions.Replace(ctx, left.ID, left.Version, by)
	switch gone := errors.Is(err, sessions.ErrNotFound) || errors.Is(err, sessions.ErrConflict); {
	case gone && left.Version != 0:
		// The old session ended meanwhile. The new one was made from its record, so
		// it has to end, too.
		return errors.Join(sessions.ErrEnded, lab.endRecord(ctx, by))
	case err != nil && !gone:
		return err
	case left.Version == 0:
		return nil
	}
	// This is Put it back. A logout may be under way with the value that the lab wrote in
	// place of the key: it has to end the new session, too.
	if err = lab.sessions.Point(ctx, lab.lanes.Values(c)[lanes.Session], by); errors.Is(err, sessions.ErrExists) {
		return nil
	}
	return err
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

// note writes an action down. Without a notebook it is not remembered.
func (n *Notebook) note(d Action) error {
	if n == nil {
		return nil
	}
	return n.session.Set(bookAction, d)
}
