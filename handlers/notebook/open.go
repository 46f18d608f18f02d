// The middleware that finds a request's notebook, or opens one.

package notebook

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/sessions"
)

const purpose = "notebook" // mixed into the hash of a notebook's key

// JustReplaced reports whether the notebook's key that the request carried was replaced less
// than [sessions.UnderWay] ago. Then the request has no notebook.
func JustReplaced(c echo.Context) bool { return c.Get(replacedKey) != nil }

// Opener finds the notebooks of requests, and opens new ones.
type Opener struct {
	Notebooks *sessions.Manager // see NewManager
	Logs      *Logs
	Lanes     *lanes.Set
	Clock     sessions.Clock              // nil: time.Now
	Origins   *http.CrossOriginProtection // tells whether a form was posted from the lab's own pages

	// BeforeSave is called when a reply's sessions are saved and its notebook is about to
	// be. Its error drops the reply. nil: there is nothing to do.
	BeforeSave func(ctx context.Context, c echo.Context, n *Notebook) error

	// Access says what the request's route may do with the notebook, and whether its reply
	// is a stream.
	Access func(echo.Context) (use Use, stream bool)
}

// Open is middleware that finds the request's notebook, or opens one if the route allows that
// (see [Use]). A request that another site or another port began never opens one.
func (o *Opener) Open(next echo.HandlerFunc) echo.HandlerFunc {
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
		n := &Notebook{session: session, logs: o.Logs, turn: turnIn(session), signedIn: session.Text(sessions.UserKey) != ""}
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
			if err := session.Set(openedKey, o.Clock.Now().UTC().Format(time.RFC3339)); err != nil {
				return err
			}
		}
		n.writes = use >= Write && !input.FromElsewhere(c.Request())
		if err := n.name(); err != nil {
			return err
		}
		n.known = n.knownValues()
		c.Set(requestKey, n)
		o.noteKeptBack(c, n)
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

// NewManager makes the manager of the notebooks in a store, with the clock and the log of the
// lanes. A notebook that nobody uses ends after 30 days. The error is a
// [sessions.OptionError].
func NewManager(store sessions.Store, set *lanes.Set) (*sessions.Manager, error) {
	options := set.Options(age)
	options.Name = CookieName
	options.FollowReplaced = true // so that what one tab notes is not lost when another tab signs in
	return sessions.New(sessions.Keyed(purpose, store), options)
}

// opens reports whether a request without a notebook gets one.
func (o *Opener) opens(r *http.Request, use Use) bool {
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
func (o *Opener) noteReply(c echo.Context, n *Notebook) error {
	at := o.Clock.Now()
	for lane, cookie := range o.Lanes.CookiesSet(c) {
		if cookie.MaxAge < 0 {
			n.session.Delete(setKey + lane.ID())
			n.session.Delete(knownKey + lane.ID())
			continue
		}
		if slices.Contains(secretLanes, lane.ID()) {
			if err := n.session.Set(knownKey+lane.ID(), knownAs(cookie.Value).String()); err != nil {
				return err
			}
		}
		if err := n.session.Set(setKey+lane.ID(), attributesOf(cookie, at)); err != nil {
			return err
		}
	}
	return nil
}

// isUnderWay reports whether a request with a key that was replaced may still be under way.
func (o *Opener) isUnderWay(session *sessions.Session) bool {
	at, replaced := session.Replaced()
	return replaced && o.Clock.Now().Sub(at) < replacedGrace
}

// noteKeptBack adds the cookies that did not come to the exchange under way.
func (o *Opener) noteKeptBack(c echo.Context, n *Notebook) {
	if e := Recording(c); e != nil {
		e.KeptBack = o.keptBack(c.Request(), n)
	}
}
