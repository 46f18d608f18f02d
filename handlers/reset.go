// Reset: everything the lab put into this browser goes, and the server's half
// of it; the next page proves it by listing what still arrives.

package handlers

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/sessions"
)

type resetPage struct {
	Page
	Done    bool     // shown after a reset
	Record  string   // what became of the session's record: doneRecord, doneNothing
	Arrived []string // names of the lab's cookies in this very request
	Foreign int      // cookies of other programs on this host: not ours to delete
	Host    string
	Others  []string // the same lab under other names, each with a jar of its own
}

// What a reset did to the session's record, as the address of the proof says.
const (
	doneRecord  = "record"  // it was deleted
	doneNothing = "nothing" // neither cookies nor notebook led to one
)

// getReset serves GET /reset: what it will do, or, after it, the proof.
func (lab *Lab) getReset(c echo.Context) error {
	p := resetPage{Done: c.QueryParam("done") != "", Record: c.QueryParam("done"), Host: c.Request().Host}
	for _, cookie := range c.Request().Cookies() {
		if lab.isOurs(cookie.Name) {
			p.Arrived = append(p.Arrived, cookie.Name)
		} else {
			p.Foreign++
		}
	}
	if _, err := lab.recall(c, lab.lanes[len(lab.lanes)-1]); err != nil {
		return err
	}
	host, _, _ := splitHost(p.Host)
	for _, other := range []string{"localhost", "127.0.0.1", "[::1]"} {
		if other != host && isLoopbackName(host) {
			p.Others = append(p.Others, other+":"+localPort(c.Request()))
		}
	}
	p.Page = lab.page(c, "Reset this browser")
	return lab.render(c, http.StatusOK, "reset", p)
}

func (lab *Lab) isOurs(name string) bool {
	return name == notebookCookie || lab.laneOfCookie(name) != nil
}

// postReset serves POST /reset.
//
//  1. The lanes forget: their cookies go, and the session's record.
//  2. The record that this browser was last given goes, if it is another.
//  3. A cookie that was set with another Path or Domain is another cookie: it
//     is expired under those, too.
//  4. The notebook goes, with what memory holds for it.
func (lab *Lab) postReset(c echo.Context) error {
	findings, err := lab.recallAll(c)
	if err != nil {
		return err
	}
	keeps, err := lab.serverKeeps(c, findings)
	if err != nil {
		return err
	}
	outcome := doneNothing
	for _, kept := range keeps {
		if kept.Kind == keepsRecord {
			outcome = doneRecord
		}
	}
	for _, lane := range lab.lanes {
		if err := lane.Forget(c); err != nil {
			return err
		}
		// Forget says nothing about a cookie that did not come, but it may be
		// there all the same, for another path.
		if lane.ID() == Session && len(sessions.ReadCookies(c.Request(), lane.CookieName())) == 0 {
			sessions.Cookie(lab.config.Cookie).Erase(c.Response().Header())
		}
	}
	if err := lab.endLeftBehind(c); err != nil {
		return err
	}
	if n := notebookOf(c); n != nil {
		lab.eraseElsewhere(c, n)
		if id, saved := n.ID(); saved {
			sessions.AfterCommit(c, func() { lab.wire.Drop(id) })
		}
	}
	notebook, err := lab.notebooks.Load(c) // also one that is not known any more
	if err != nil {
		return err
	}
	notebook.Flush()
	lab.log.Info("browser reset")
	return c.Redirect(http.StatusSeeOther, "/reset?done="+outcome)
}

// eraseElsewhere expires the lanes' cookies under the Path and Domain that the
// notebook saw them set with, where those are not the usual ones.
func (lab *Lab) eraseElsewhere(c echo.Context, n *Notebook) {
	for _, lane := range lab.lanes {
		a, ok := n.Attributes(lane.ID())
		if !ok || (a.Path == "/" && a.Domain == "") {
			continue
		}
		c.SetCookie(&http.Cookie{
			Name: lane.CookieName(), Path: a.Path, Domain: a.Domain, Secure: a.Secure,
			MaxAge: -1, Expires: time.Unix(0, 0),
		})
	}
}
