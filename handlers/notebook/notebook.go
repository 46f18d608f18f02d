// Package notebook is what the lab remembers about one browser: the half that lies in a
// store, the half that only memory holds (its Log, the wire), and the recorder that fills
// it.
package notebook

import (
	"crypto/rand"
	"errors"
	"maps"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/lanes"
	"cookielab/sessions"
)

// CookieName is the name of the notebook's cookie, which carries its key.
const CookieName = "lab_notebook"

const age = 30 * 24 * time.Hour // of a notebook that nobody uses

// Keys in the notebook's session, besides those of pages. It never holds the value of a
// cookie. While somebody is signed in, the session also has their name under
// sessions.UserKey, so it is not removed with the sessions that belong to no user.
const (
	logIDKey    = "id"      // of its Log, in hex: random, and it stays when the key changes
	turnKey     = "turn"    // how often the key has changed
	openedKey   = "opened"  // when
	setKey      = "set."    // + lane: Attributes as last set
	knownKey    = "known."  // + one of secretLanes: hash of the value that was set last
	recordKey   = "record"  // ID of the session record this browser was last given
	tamperedKey = "forged"  // hash of the value that the lab wrote in place of that session's key: see NoteTampered
	sinceKey    = "since"   // who signed in last, and when
	actionKey   = "action"  // what was done last, see Action
	nameKey     = "as_name" // the name last signed in with, to fill the form
)

// Attributes are those of a cookie as this server last set it. No server sees an edit in
// DevTools.
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

// BrowserExpires returns when the browser drops the cookie, by its own clock; nil for a cookie
// that lives until the browser is closed. Max-Age counts before Expires (RFC 6265bis section
// 5.7, step 6).
func (a Attributes) BrowserExpires() *time.Time {
	if a.MaxAge == nil {
		return a.Expires
	}
	at := a.SetAt.Add(time.Duration(*a.MaxAge) * time.Second)
	return &at
}

// Notebook is a browser's notebook during one request: a part that lies in a store and
// survives a restart, and the Log, which only memory holds. Its reading methods work on nil.
type Notebook struct {
	session *sessions.Session
	logs    *Logs
	writes  bool // see MayWrite
	own     bool // whoever is signed in with this request may see all of it: see BelongTo

	known map[sessions.ID]bool // hashes of the values that it knows its browser was given

	id   sessions.ID // of its Log; zero: it has none yet, and this request may give it none
	came sessions.ID // hash of the key that the request carried; zero: it carried none
	turn int         // how often the key had changed by then

	signedIn bool // by then somebody was signed in
}

// Keys in a request's context.
const (
	requestKey  = "cookielab/notebook"
	replacedKey = "cookielab/notebook.replaced"
)

// From returns the request's notebook; nil if there is none.
func From(c echo.Context) *Notebook {
	n, _ := c.Get(requestKey).(*Notebook)
	return n
}

// replacedGrace is how long after a change of key requests with the old key may still be
// under way. They find no notebook, and open none: its cookie would overwrite the one
// with the new key.
const replacedGrace = sessions.UnderWay

// ChangeKey gives the notebook a new key with this reply, if the request may write it. Every
// login, logout and Put it back calls it, so that the old key opens nothing afterwards, even
// for somebody who planted or stole it. The Log stays the same.
func (n *Notebook) ChangeKey() error {
	if !n.MayWrite() {
		return nil
	}
	n.session.CycleKey()
	return n.session.Set(turnKey, n.turn+1)
}

// turnIn is how often a notebook's key has changed, as its session says.
func turnIn(session *sessions.Session) (turn int) {
	_, _ = session.Into(turnKey, &turn) // without the value it is 0
	return turn
}

// name gives the notebook's Log an ID, if it has none yet.
func (n *Notebook) name() error {
	var named bool
	if n.id, named = sessions.ParseID(n.session.Text(logIDKey)); named || !n.writes {
		return nil
	}
	rand.Read(n.id[:]) // never fails
	return n.session.Set(logIDKey, n.id.String())
}

// knownAs returns the hash by which a notebook knows a cookie's value again.
func knownAs(value string) sessions.ID { return sessions.KeyID("known", value) }

// secretLanes are the lanes whose values may be shown only to whoever was given them. The
// plain value is no secret.
var secretLanes = []string{lanes.Signed, lanes.Session}

// knownValues are the hashes of the values that this notebook saw set.
func (n *Notebook) knownValues() map[sessions.ID]bool {
	known := map[sessions.ID]bool{}
	for _, lane := range secretLanes {
		if id, ok := sessions.ParseID(n.session.Text(knownKey + lane)); ok {
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
			if err := n.session.Set(knownKey+lanes.Session, id.String()); err != nil {
				return err
			}
		}
		known[id] = true
	}
	sessions.AfterCommit(c, func() {
		n.own = true
		n.Log().setKnown(known)
		maps.Copy(n.known, known) // and what came was known before
	})
	return nil
}

// NoteLogin writes down who is signed in in this browser, and by which login.
func (n *Notebook) NoteLogin(session *sessions.Session) error {
	n.session.Delete(tamperedKey)
	err := errors.Join(
		n.session.Set(sessions.UserKey, session.Text(sessions.UserKey)),
		n.session.Set(sinceKey, sinceOf(session)),
	)
	if record, ok := session.Record(); ok {
		err = errors.Join(err, n.NoteRecord(record.ID))
	}
	return err
}

// NoteRecord writes down which session record this browser was given last.
func (n *Notebook) NoteRecord(id sessions.ID) error { return n.session.Set(recordKey, id.String()) }

// NoteTampered writes down the hash of the value that the lab wrote in place of the
// session's key, until somebody signs in or out.
func (n *Notebook) NoteTampered(hash string) error { return n.session.Set(tamperedKey, hash) }

// Tampered returns the hash that NoteTampered wrote down; "" if there is none, and without a
// notebook.
func (n *Notebook) Tampered() string { return n.Text(tamperedKey) }

// NoteLogout writes down that nobody is signed in any more, and changes the key.
func (n *Notebook) NoteLogout() error {
	if !n.MayWrite() {
		return nil
	}
	n.session.Expendable() // a logout must work on a full disk, too
	for _, key := range []string{sessions.UserKey, sinceKey, tamperedKey} {
		n.session.Delete(key)
	}
	return n.ChangeKey()
}

// NotedLogin reports whether a notebook noted the login of a session, whatever key that
// session has now; true also if nobody is signed in by it.
func (n *Notebook) NotedLogin(session *sessions.Session) bool {
	return session.Text(sessions.UserKey) == "" || n.session.Text(sinceKey) == sinceOf(session)
}

// sinceOf says who signed in and when, from the session's values.
func sinceOf(session *sessions.Session) string {
	return session.Text(sessions.UserKey) + " " + session.Text(sessions.SinceKey)
}

func attributesOf(cookie *http.Cookie, at time.Time) Attributes {
	a := Attributes{
		Domain: cookie.Domain, Path: cookie.Path, HTTPOnly: cookie.HttpOnly, Secure: cookie.Secure,
		SameSite: SameSiteName(cookie.SameSite), Size: len(cookie.Name) + len(cookie.Value), SetAt: at,
	}
	if cookie.MaxAge > 0 {
		a.MaxAge = &cookie.MaxAge
	}
	if !cookie.Expires.IsZero() {
		a.Expires = &cookie.Expires
	}
	return a
}

// SameSiteName returns the value of a SameSite attribute, such as "Lax"; "" if a cookie has
// none.
func SameSiteName(mode http.SameSite) string {
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

// Attributes returns those of a lane's cookie, by the lane's ID, as it was last set. ok is
// false if this notebook did not see it set.
func (n *Notebook) Attributes(lane string) (a Attributes, ok bool) {
	if n == nil {
		return a, false
	}
	ok, err := n.session.Into(setKey+lane, &a)
	return a, ok && err == nil
}

// Record returns the ID of the session record that this browser was last given; ok is false
// if it was given none.
func (n *Notebook) Record() (id sessions.ID, ok bool) {
	if n == nil {
		return sessions.ID{}, false
	}
	return sessions.ParseID(n.session.Text(recordKey))
}

// Name returns the name that somebody last signed in with; "" if there is none.
func (n *Notebook) Name() string { return n.Text(nameKey) }

// NoteName writes down the name that somebody signs in with. Without a notebook it does
// nothing.
func (n *Notebook) NoteName(name string) error {
	if n == nil {
		return nil
	}
	return n.session.Set(nameKey, name)
}

// Session returns the session in which the notebook lies; nil without a notebook. Each page
// has keys of its own there.
func (n *Notebook) Session() *sessions.Session {
	if n == nil {
		return nil
	}
	return n.session
}

// MayWrite reports whether this request may write the notebook. Requests begun by other
// sites or other ports only read it, and so do routes for programs.
func (n *Notebook) MayWrite() bool { return n != nil && n.writes }

// Came returns the hash of the notebook's key that the request carried; ok is false if the
// notebook was opened by this request.
func (n *Notebook) Came() (key sessions.ID, ok bool) {
	if n == nil {
		return key, false
	}
	return n.came, n.came != sessions.ID{}
}

// Text returns a text in the notebook's session, by its key; "" if there is none.
func (n *Notebook) Text(key string) string {
	if n == nil {
		return ""
	}
	return n.session.Text(key)
}

// Keep puts a text into the notebook's session, under a key, if this request may write the
// notebook and the text is new.
func (n *Notebook) Keep(key, value string) error {
	if !n.MayWrite() || n.session.Text(key) == value {
		return nil
	}
	return n.session.Set(key, value)
}

// ID returns the ID of the notebook's Log; ok is false before the notebook is saved.
func (n *Notebook) ID() (id sessions.ID, ok bool) {
	if n == nil {
		return id, false
	}
	_, saved := n.session.Record()
	return n.id, saved && n.id != sessions.ID{}
}

// Log returns the part of the notebook that only memory holds; nil before the notebook is
// saved, and if another request replaced the notebook's key after this one began.
func (n *Notebook) Log() *Log {
	id, ok := n.ID()
	if !ok {
		return nil
	}
	record, _ := n.session.Record()
	turn := n.turn
	if record.ID != n.came { // a new key was saved with this reply
		turn = turnIn(n.session)
	}
	return n.logs.open(id, record.ID, turn, n.signedIn)
}

// Action is what was done last, for the sentence that says what just happened.
type Action struct {
	Name    string    `json:"name"`              // such as "login"
	Lane    string    `json:"lane,omitempty"`    // the ID of one lane; "": all three
	Changed []string  `json:"changed,omitempty"` // lanes whose cookie it rewrote
	Client  string    `json:"client,omitempty"`  // whose session it ended
	Ended   int       `json:"ended,omitempty"`   // how many sessions it ended
	More    bool      `json:"more,omitempty"`    // there may be others that it did not end
	At      time.Time `json:"at"`
}

// Action returns what was done last; ok is false if nothing was.
func (n *Notebook) Action() (d Action, ok bool) {
	if n == nil {
		return d, false
	}
	ok, err := n.session.Into(actionKey, &d)
	return d, ok && err == nil
}

// Note writes an action down. Without a notebook it does nothing.
func (n *Notebook) Note(d Action) error {
	if n == nil {
		return nil
	}
	return n.session.Set(actionKey, d)
}

// Keys in the notebook's session, of preferences.
const (
	LanguageKey = "language" // "en", "zh"
	ThemeKey    = "theme"    // "light", "dark"; none: as the browser prefers
)

// EngineKey, followed by the name of an engine, is the key in the notebook's session of the
// ID of that engine's record on the page /engines; "" stands for an engine without records.
const EngineKey = "engine."
