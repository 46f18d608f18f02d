// New class: the teacher has everything go that the server keeps of everybody,
// after one confirmation. Nobody else can.

package handlers

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/sessions"
)

// Class is what the servers of one process share, so that a new class begins on
// all of them: each has a memory of its own. The zero value is ready.
type Class struct {
	mu   sync.Mutex
	labs []*Lab
	last classEnd
	by   sessions.ID // of the key that ended the last one; zero: nobody has yet
}

// classEnd is how a class was ended. It stands, sealed, in the address of the page
// that proves it, so that nobody can make up what that page says.
type classEnd struct {
	At      lanes.Date `json:"at"`
	Records int        `json:"records"` // that lay in the stores
}

const classPurpose = "class"

func (class *Class) join(lab *Lab) {
	class.mu.Lock()
	defer class.mu.Unlock()
	class.labs = append(class.labs, lab)
}

func (class *Class) leave(lab *Lab) {
	class.mu.Lock()
	defer class.mu.Unlock()
	class.labs = slices.DeleteFunc(class.labs, func(other *Lab) bool { return other == lab })
}

// ended is how somebody with this key ended the last class; ok is false where it
// was somebody else, or nobody.
func (class *Class) ended(by sessions.ID) (end classEnd, ok bool) {
	class.mu.Lock()
	defer class.mu.Unlock()
	return class.last, by == class.by
}

// classRoomsPatience is the part of the request's time that is kept for the stores of
// the engines page.
const classRoomsPatience = 5 * time.Second

// end ends everything: first what lies in the stores, then what memory holds, as
// a notebook that still lived could fill it again. What is new since is of the
// new class: a form that is sent twice, by two clicks, ends one.
func (class *Class) end(ctx context.Context, by sessions.ID, at time.Time) (classEnd, error) {
	class.mu.Lock()
	defer class.mu.Unlock()
	if by == class.by {
		return class.last, nil
	}
	// It goes on when the browser goes away: half of it would help nobody.
	due := dueIn(ctx, replyPatience)
	ctx, cancel := context.WithDeadline(context.Background(), due.Add(-classRoomsPatience))
	defer cancel()
	records := 0
	for _, lab := range class.labs {
		n, err := lab.endRecords(ctx)
		if records += n; err != nil {
			return classEnd{}, err
		}
	}
	for _, lab := range class.labs {
		lab.wire.Clear()
		lab.throttle.clear()
	}
	ctx, cancel = context.WithDeadline(context.Background(), due)
	defer cancel()
	for _, lab := range class.labs {
		if err := lab.room.endAll(ctx); err != nil {
			lab.log.Warn("sessions of the engines page stay until their time is over", "error", err)
		}
	}
	class.by, class.last = by, classEnd{lanes.DateOf(at), records}
	return class.last, nil
}

// endRecords ends what lies in the lab's stores, which may be one: then the second
// finds nothing. With signed_cookies there is only one.
func (lab *Lab) endRecords(ctx context.Context) (records int, err error) {
	for _, store := range []sessions.Store{lab.config.Sessions, lab.config.Notebooks} {
		if store == nil {
			continue
		}
		n, err := sessions.EndAll(ctx, store)
		if records += n; err != nil {
			return records, err
		}
	}
	return records, nil
}

type classPage struct {
	Page
	Refused bool           // whoever asks is no teacher
	Unsure  bool           // the form came without its tick
	Done    bool           // and this is the proof
	Records locale.Message // how many went, and when
}

// getClass serves GET /class: what it will do, or, after it, what it did. The
// proof's reader is signed out by then, so its address is enough: whatever server
// answers, it can tell that one of them sealed it.
func (lab *Lab) getClass(c echo.Context) error {
	teacher, err := lab.isTeacher(c)
	if err != nil {
		return err
	}
	var end classEnd
	if lab.proofs.Verify(c.QueryParam("done"), &end) == nil {
		return lab.showClass(c, http.StatusOK, classPage{
			Done: true, Records: locale.Msg("class.records", locale.Args{"Count": end.Records, "At": markup.ClockTime(end.At.Time())}),
		})
	}
	if !teacher {
		return lab.showClass(c, http.StatusForbidden, classPage{Refused: true})
	}
	return lab.showClass(c, http.StatusOK, classPage{})
}

// postClass serves POST /class (field sure).
func (lab *Lab) postClass(c echo.Context) error {
	sure, err := input.Single(c.Request().PostForm, "sure")
	if err != nil {
		return err
	}
	teacher, err := lab.isTeacher(c)
	if err != nil {
		return err
	}
	key := "" // as it came: a session that has ended since has no other ID
	if keys := sessions.ReadCookies(c.Request(), lab.config.Cookie.Name); len(keys) > 0 {
		key = keys[0]
	}
	by := sessions.KeyID(lanes.SessionPurpose, key)
	if end, again := lab.class.ended(by); again { // the second of two clicks comes from nobody
		return lab.toProof(c, end, url.Values{})
	}
	if !teacher {
		return lab.showClass(c, http.StatusForbidden, classPage{Refused: true})
	}
	if sure == "" {
		return lab.showClass(c, http.StatusUnprocessableEntity, classPage{Unsure: true})
	}
	chosen, err := lab.forgetBrowser(c) // before its notebook goes, which knows what to delete
	if err != nil {
		return err
	}
	end, err := lab.class.end(c.Request().Context(), by, lab.clock.Now())
	if err != nil {
		return err
	}
	lab.log.Info("class ended", "records", end.Records)
	return lab.toProof(c, end, chosen)
}

// toProof sends the browser on, to be read in the language and theme that were chosen.
func (lab *Lab) toProof(c echo.Context, end classEnd, chosen url.Values) error {
	sealed, err := lab.proofs.Sign(end)
	if err != nil {
		return err
	}
	chosen.Set("done", sealed)
	return c.Redirect(http.StatusSeeOther, "/class?"+chosen.Encode())
}

// isTeacher asks the session way.
func (lab *Lab) isTeacher(c echo.Context) (bool, error) {
	who, ok, err := lab.who(c)
	return ok && who.Role == lanes.RoleTeacher, err
}

func (lab *Lab) showClass(c echo.Context, status int, p classPage) error {
	page, err := lab.page(c, locale.Msg("class.title"))
	if err != nil {
		return err
	}
	p.Page = page
	return lab.render(c, status, "class", p)
}
