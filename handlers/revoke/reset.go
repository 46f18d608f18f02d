// Reset: it removes everything that the lab put into this browser, and what belongs to it on
// the server. The next page proves that by listing the cookies that still arrive.

package revoke

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/auth"
	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/notebook"
	"cookielab/handlers/web"
	"cookielab/sessions"
)

// Forgetter is a page that leaves something in the browser besides the lanes' cookies.
type Forgetter interface {
	// Forget takes that back: the reply expires the cookies, and what lies on the server
	// ends. What cannot be ended now is logged, and ends when its time is over.
	Forget(c echo.Context, n *notebook.Notebook)
}

type resetData struct {
	web.Page
	Done             bool     // shown after a reset
	Record           string   // the session's record that was deleted, by its ID; "": there was none
	Lies             bool     // that record still lies there
	Arrived          []string // names of the lab's cookies in this very request
	OtherCookies     int      // cookies of other programs on this host: not ours to delete
	OtherCookiesNote locale.Message
	Keep             template.URL // language and theme chosen, for the link onwards: the notebook that kept them is gone
	Host             string
	Others           []string // the same lab under other names, each with a jar of its own
}

// doneNothing, in the address of the proof, says that neither cookies nor notebook led to a
// record. If one did, the address has the record's ID, which no browser could send as a key,
// and the proof looks it up.
const doneNothing = "nothing"

// Reset serves GET /reset: what a reset will do or, after one, the proof.
func (h *Page) Reset(c echo.Context) error {
	p := resetData{Host: c.Request().Host}
	done := c.QueryParam("done")
	id, named := sessions.ParseID(done)
	if p.Done = named || done == doneNothing; named {
		p.Record = done
		record, err := h.auth.Lying(c, id)
		if err != nil {
			return err
		}
		p.Lies = record != nil
	}
	for _, name := range h.ourCookies() {
		if len(sessions.RawCookies(c.Request(), name)) > 0 {
			p.Arrived = append(p.Arrived, name)
		}
	}
	_, p.OtherCookies = h.auth.OtherCookies(c.Request())
	p.OtherCookiesNote = locale.Msg("reset.foreign", locale.Args{"Count": p.OtherCookies})
	chosen := url.Values{}
	for _, name := range []string{"lang", "theme"} {
		if value := c.QueryParam(name); value != "" {
			chosen.Set(name, value)
		}
	}
	if len(chosen) > 0 {
		p.Keep = template.URL("?" + chosen.Encode())
	}
	page, err := h.site.Page(c, locale.Msg("reset.title"))
	if err != nil {
		return err
	}
	host, _, _ := input.SplitHost(p.Host)
	for _, name := range h.hosts {
		if name != host {
			p.Others = append(p.Others, name+":"+input.LocalPort(c.Request()))
		}
	}
	p.Page = page
	return h.site.Render(c, http.StatusOK, "reset", p)
}

// ourCookies returns the names of the cookies that the lab sets.
func (h *Page) ourCookies() []string {
	var names []string
	for _, lane := range h.auth.Lanes.Cookies {
		names = append(names, lane.Cookie().Name)
	}
	return append(names, notebook.CookieName)
}

// PostReset serves POST /reset: it resets the browser, and leads to the proof.
func (h *Page) PostReset(c echo.Context) error {
	findings, err := h.auth.RecallAll(c)
	if err != nil {
		return err
	}
	keeps, err := h.auth.ServerKeeps(c, findings)
	if err != nil {
		return err
	}
	outcome := doneNothing
	for _, record := range keeps {
		if record.Kind == auth.KeepsRecord {
			outcome = record.ID
		}
	}
	next, err := h.forgetBrowser(c)
	if err != nil {
		return err
	}
	h.site.Log.Info("browser reset")
	next.Set("done", outcome)
	return c.Redirect(http.StatusSeeOther, "/reset?"+next.Encode())
}

// forgetBrowser removes what this browser was given, and the server's half of it:
//
//  1. The lanes forget: their cookies go, and the session's record.
//  2. The record that this browser was last given goes, if it is another.
//  3. A cookie that was set with another Path or Domain is another cookie: it
//     is expired under those, too.
//  4. Pages take back what they left in the browser: see [Forgetter].
//  5. The notebook goes, with what memory holds for it.
//
// It returns the language and the theme that the notebook kept, as the query of the next
// page's address. If the notebook's key was replaced while this request was under way, it
// removes nothing, and the error is [sessions.ErrEnded].
func (h *Page) forgetBrowser(c echo.Context) (chosen url.Values, err error) {
	if key, came := notebook.From(c).Came(); came {
		if _, err := h.notebooks.Find(c.Request().Context(), key); errors.Is(err, sessions.ErrReplaced) {
			return nil, fmt.Errorf("%w: the notebook has another key", sessions.ErrEnded)
		}
	}
	for _, lane := range h.auth.Lanes.Cookies {
		if err := lane.Forget(c); err != nil {
			return nil, err
		}
		// Forget says nothing about a cookie that did not come, but it may be
		// there all the same, for another path.
		if lane.ID() == lanes.Session && len(sessions.ReadCookies(c.Request(), lane.Cookie().Name)) == 0 {
			lanes.EraseCookie(c, lane)
		}
	}
	if err := h.auth.EndLeftBehind(c); err != nil {
		return nil, err
	}
	if n := notebook.From(c); n != nil {
		h.eraseElsewhere(c, n)
		for _, page := range h.forget {
			page.Forget(c, n)
		}
		if id, saved := n.ID(); saved {
			sessions.AfterCommit(c, func() { h.logs.Drop(id) })
		}
	}
	chosen = url.Values{}
	for name, key := range map[string]string{"lang": notebook.LanguageKey, "theme": notebook.ThemeKey} {
		if value := notebook.From(c).Text(key); value != "" {
			chosen.Set(name, value)
		}
	}
	own, err := h.notebooks.Load(c) // also one that is not known any more
	if err != nil {
		return nil, err
	}
	if _, replaced := own.Replaced(); replaced {
		return chosen, nil // an old key must not end the notebook, which has another key by now
	}
	own.Flush()
	return chosen, nil
}

// eraseElsewhere expires the lanes' cookies under the Path and Domain that the
// notebook saw them set with, where those are not the usual ones.
func (h *Page) eraseElsewhere(c echo.Context, n *notebook.Notebook) {
	for _, lane := range h.auth.Lanes.Cookies {
		a, ok := n.Attributes(lane.ID())
		if !ok || (a.Path == "/" && a.Domain == "") {
			continue
		}
		lanes.EraseLine(c, &http.Cookie{Name: lane.Cookie().Name, Path: a.Path, Domain: a.Domain, Secure: a.Secure})
	}
}
