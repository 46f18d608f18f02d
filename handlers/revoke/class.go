// Package revoke is what a server can take back: one session, all others, all of this
// browser, all of a class. This file is about the class.
package revoke

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/auth"
	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
	"cookielab/handlers/web"
	"cookielab/sessions"
)

// Class is what the servers of one process share, so that the teacher ends a class on all of
// them at once, after one confirmation: everything that they keep of anybody. The zero Class
// is ready. Many goroutines may use it at once.
type Class struct {
	mu      sync.Mutex
	members []*Member
	last    classEnd
	by      sessions.ID // of the key that ended the last one; zero: nobody has yet
}

// Member is what one server of the process ends with a class, in this order.
type Member struct {
	Stores []sessions.Store        // every record in them; after a failure nothing more is ended
	Clear  []func()                // clears what memory holds; not before, since a live notebook could fill it again
	After  []func(context.Context) // ends what can be ended until the context's deadline, and logs the rest
}

// classEnd says how a class was ended. The address of the page that proves it has it under a
// seal, so nobody can make up what that page says.
type classEnd struct {
	At      lanes.Date `json:"at"`
	Records int        `json:"records"` // how many lay in the stores
}

const classPurpose = "class"

// Join adds a server of the process.
func (class *Class) Join(m *Member) {
	class.mu.Lock()
	defer class.mu.Unlock()
	class.members = append(class.members, m)
}

// Leave removes a server that joined.
func (class *Class) Leave(m *Member) {
	class.mu.Lock()
	defer class.mu.Unlock()
	class.members = slices.DeleteFunc(class.members, func(other *Member) bool { return other == m })
}

// ended returns how somebody with this key ended the last class; ok is false if somebody else
// did, or nobody.
func (class *Class) ended(by sessions.ID) (end classEnd, ok bool) {
	class.mu.Lock()
	defer class.mu.Unlock()
	return class.last, by == class.by
}

// classAfterTimeout is the part of the request's time that is kept for what is ended
// last: see [Member].
const classAfterTimeout = 5 * time.Second

// end ends everything of all members, at the instant at. by is the hash of the key of whoever
// does it. If the same key has ended the last class, end does nothing, and returns how that
// was: a form that two clicks send twice must not end the new class. It goes on if the browser
// goes away, for as long as [input.DueIn] allows. The error is that of a store; then some
// records may have ended.
func (class *Class) end(ctx context.Context, by sessions.ID, at time.Time) (classEnd, error) {
	class.mu.Lock()
	defer class.mu.Unlock()
	if by == class.by {
		return class.last, nil
	}
	// Half of it would help nobody, so it does not end with the request.
	due := input.DueIn(ctx, input.ReplyTimeout)
	ctx, cancel := context.WithDeadline(context.Background(), due.Add(-classAfterTimeout))
	defer cancel()
	records := 0
	for _, member := range class.members {
		for _, store := range member.Stores {
			n, err := sessions.EndAll(ctx, store)
			if records += n; err != nil {
				return classEnd{}, err
			}
		}
	}
	for _, member := range class.members {
		for _, drop := range member.Clear {
			drop()
		}
	}
	ctx, cancel = context.WithDeadline(context.Background(), due)
	defer cancel()
	for _, member := range class.members {
		for _, end := range member.After {
			end(ctx)
		}
	}
	class.by, class.last = by, classEnd{lanes.DateOf(at), records}
	return class.last, nil
}

// Config is what a Page is made of.
type Config struct {
	Class     *Class            // what a new class ends: it knows this server's Member already
	Notebooks *sessions.Manager // of this server
	Logs      *notebook.Logs
	Forget    []Forgetter // in the order in which they are asked
	Hosts     []string    // names under which browsers reach the lab, for links
}

// Page serves these pages: see New.
type Page struct {
	site      *web.Site
	auth      *auth.Auth
	class     *Class
	notebooks *sessions.Manager
	logs      *notebook.Logs
	forget    []Forgetter
	hosts     []string
	proofs    *sessions.Signer // that a class was ended
}

// New makes the page. The error is that of [sessions.NewSigner].
func New(site *web.Site, auth *auth.Auth, config Config) (*Page, error) {
	proofs, err := sessions.NewSigner(classPurpose, auth.Lanes.Secrets()...)
	if err != nil {
		return nil, err
	}
	return &Page{
		site: site, auth: auth, class: config.Class, notebooks: config.Notebooks, logs: config.Logs,
		forget: config.Forget, hosts: config.Hosts, proofs: proofs,
	}, nil
}

type classData struct {
	web.Page
	Refused bool           // whoever asks is no teacher
	Unsure  bool           // the form came without its tick
	Done    bool           // and this is the proof
	Records locale.Message // how many went, and when
}

// Class serves GET /class: for a teacher, what ending a class will do; after that, the proof.
// The proof's reader is signed out by then, so the address is enough: any server can tell that
// one of them sealed it.
func (h *Page) Class(c echo.Context) error {
	teacher, err := h.isTeacher(c)
	if err != nil {
		return err
	}
	var end classEnd
	if h.proofs.Verify(c.QueryParam("done"), &end) == nil {
		return h.showClass(c, http.StatusOK, classData{
			Done: true, Records: locale.Msg("class.records", locale.Args{"Count": end.Records, "At": markup.ClockTime(end.At.Time())}),
		})
	}
	if !teacher {
		return h.showClass(c, http.StatusForbidden, classData{Refused: true})
	}
	return h.showClass(c, http.StatusOK, classData{})
}

// PostClass serves POST /class (field sure): it ends the class, for a teacher, and leads to
// the proof.
func (h *Page) PostClass(c echo.Context) error {
	sure, err := input.Single(c.Request().PostForm, "sure")
	if err != nil {
		return err
	}
	teacher, err := h.isTeacher(c)
	if err != nil {
		return err
	}
	key := "" // as it came: a session that has ended since has no other ID
	if keys := sessions.ReadCookies(c.Request(), h.auth.Lanes.Sessions.Options().Name); len(keys) > 0 {
		key = keys[0]
	}
	by := sessions.KeyID(lanes.SessionPurpose, key)
	if end, again := h.class.ended(by); again { // the second of two clicks comes from nobody
		return h.toProof(c, end, url.Values{})
	}
	if !teacher {
		return h.showClass(c, http.StatusForbidden, classData{Refused: true})
	}
	if sure == "" {
		return h.showClass(c, http.StatusUnprocessableEntity, classData{Unsure: true})
	}
	chosen, err := h.forgetBrowser(c) // before its notebook goes, which knows what to delete
	if err != nil {
		return err
	}
	end, err := h.class.end(c.Request().Context(), by, h.site.Clock.Now())
	if err != nil {
		return err
	}
	h.site.Log.Info("class ended", "records", end.Records)
	return h.toProof(c, end, chosen)
}

// toProof sends the browser on, to be read in the language and theme that were chosen.
func (h *Page) toProof(c echo.Context, end classEnd, chosen url.Values) error {
	sealed, err := h.proofs.Sign(end)
	if err != nil {
		return err
	}
	chosen.Set("done", sealed)
	return c.Redirect(http.StatusSeeOther, "/class?"+chosen.Encode())
}

// isTeacher reports whether a teacher is signed in, by the session lane.
func (h *Page) isTeacher(c echo.Context) (bool, error) {
	who, ok, err := h.auth.Who(c)
	return ok && who.Role == lanes.RoleTeacher, err
}

func (h *Page) showClass(c echo.Context, status int, p classData) error {
	page, err := h.site.Page(c, locale.Msg("class.title"))
	if err != nil {
		return err
	}
	p.Page = page
	return h.site.Render(c, status, "class", p)
}
