// Package revoke is what a server can take back: one session, all others, all of this
// browser, all of a class.
// This file begins a new class: the teacher has everything go that the server keeps of
// everybody, after one confirmation. Nobody else can.
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

// Class is what the servers of one process share, so that a new class begins on
// all of them: each has a memory of its own. The zero value is ready.
type Class struct {
	mu      sync.Mutex
	members []*Member
	last    classEnd
	by      sessions.ID // of the key that ended the last one; zero: nobody has yet
}

// Member is what one server of the process ends with a class, in this order.
type Member struct {
	Stores []sessions.Store        // every record in them; after a failure nothing more is ended
	Clear  []func()                // what memory holds: a notebook that still lived could fill it again
	After  []func(context.Context) // what is ended as far as it can be, and logs what stays
}

// classEnd is how a class was ended. It stands, sealed, in the address of the page
// that proves it, so that nobody can make up what that page says.
type classEnd struct {
	At      lanes.Date `json:"at"`
	Records int        `json:"records"` // that lay in the stores
}

const classPurpose = "class"

func (class *Class) Join(m *Member) {
	class.mu.Lock()
	defer class.mu.Unlock()
	class.members = append(class.members, m)
}

func (class *Class) Leave(m *Member) {
	class.mu.Lock()
	defer class.mu.Unlock()
	class.members = slices.DeleteFunc(class.members, func(other *Member) bool { return other == m })
}

// ended is how somebody with this key ended the last class; ok is false where it
// was somebody else, or nobody.
func (class *Class) ended(by sessions.ID) (end classEnd, ok bool) {
	class.mu.Lock()
	defer class.mu.Unlock()
	return class.last, by == class.by
}

// classAfterTimeout is the part of the request's time that is kept for what is ended
// last: see [Member].
const classAfterTimeout = 5 * time.Second

// End ends everything of all members, for somebody by the hash of their key. What is new
// since is of the new class: a form that is sent twice, by two clicks, ends one. An error
// comes from a store; then some records may have ended.
func (class *Class) End(ctx context.Context, by sessions.ID, at time.Time) (classEnd, error) {
	class.mu.Lock()
	defer class.mu.Unlock()
	if by == class.by {
		return class.last, nil
	}
	// It goes on when the browser goes away: half of it would help nobody.
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

// Page is what these pages need.
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

// New makes it; an error says that there are no signing keys.
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

// Class serves GET /class: what it will do, or, after it, what it did. The
// proof's reader is signed out by then, so its address is enough: whatever server
// answers, it can tell that one of them sealed it.
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

// PostClass serves POST /class (field sure).
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
	end, err := h.class.End(c.Request().Context(), by, h.site.Clock.Now())
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

// isTeacher asks the session way.
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
