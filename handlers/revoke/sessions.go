// Where am I signed in: the live sessions of one user, and ending them. Only a
// server that keeps records can do that.

package revoke

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/auth"
	"cookielab/handlers/input"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
	"cookielab/handlers/web"
	"cookielab/sessions"
)

type sessionsData struct {
	web.Page
	Keeps    bool   // sessions lie on the server, so they can be listed
	Verdict  string // in words, where nobody is signed in
	Sessions []listedSession
	Count    locale.Message // how many there are
	Others   bool           // there are other sessions than this one
	Next     string         // the address of the next page; "": there is none
	Further  bool           // this is not the first page
	How      locale.Message // how the engine found them
	Ended    locale.Message // what was ended last; no ID: nothing
	EndedAt  time.Time
}

// listedSession is a session as its user may see it: without its key, which the
// server does not know either.
type listedSession struct {
	ID             string // of the record; a browser cannot send it as a key
	Client         string // the program that signed in; "": it did not say
	Here           bool   // this request's own
	Created, Saved string
}

// A page lists maxListed sessions, those last saved first; a link leads to the next page.
// They are counted up to maxCounted, a number that the labels mention.
const maxListed, maxCounted = 50, 1000

// Sessions serves GET /sessions: the live sessions of whoever is signed in.
func (h *Page) Sessions(c echo.Context) error {
	after, err := input.After(c)
	if err != nil {
		return err
	}
	page, err := h.site.Page(c, locale.Msg("sessions.title"))
	if err != nil {
		return err
	}
	w := h.site.Words(c)
	p := sessionsData{Page: page, Keeps: h.auth.Lanes.Sessions.KeepsRecords()}
	if f, ok := h.auth.SessionFinding(c); ok {
		p.Verdict = w.Text("verdict." + string(f.Verdict) + ".word")
	}
	who, ok := h.auth.SignedIn(c)
	if !ok || !p.Keeps {
		return h.site.Render(c, http.StatusOK, "sessions", p)
	}
	ctx := c.Request().Context()
	here, err := h.recordHere(c)
	if err != nil {
		return err
	}
	start := time.Now() // a duration, not a judgement of age: no clock to move
	all, err := h.auth.Lanes.Sessions.Owned(ctx, who.User, sessions.Record{}, maxCounted+1)
	if err != nil {
		return err
	}
	p.How = locale.Msg("sessions.how", locale.Args{"Took": markup.Milliseconds(time.Since(start))})
	p.Count, p.Others = locale.Msg("sessions.count", locale.Args{"Count": len(all), "Name": who.User}), len(all) > 1
	if len(all) > maxCounted {
		p.Count = locale.Msg("sessions.count_many", locale.Args{"Name": who.User})
	}
	list, most := all, maxListed
	var records []sessions.Record
	if p.Further = !after.Saved.IsZero(); p.Further {
		list, err = h.auth.Lanes.Sessions.Owned(ctx, who.User, after, most+2) // one may be this session, and one shows whether there is a next page
		if err != nil {
			return err
		}
	} else { // the first page begins with this session
		records, most = append(records, here), most-1
	}
	list = slices.DeleteFunc(list, func(r sessions.Record) bool { return r.ID == here.ID })
	list, p.Next = input.FirstOf(list, most, "/sessions")
	for _, record := range append(records, list...) {
		client, err := auth.ClientNamed(ctx, h.auth.Lanes.Sessions, who.User, record.ID)
		if err != nil {
			return err
		}
		p.Sessions = append(p.Sessions, listedSession{
			ID: record.ID.String(), Client: client, Here: record.ID == here.ID,
			Created: markup.ClockTime(record.Created), Saved: markup.ClockTime(record.Saved),
		})
	}
	if action, ok := notebook.From(c).Action(); ok {
		p.EndedAt = action.At
		switch {
		case action.Name == "end" && action.Client == "":
			p.Ended = locale.Msg("sessions.ended", locale.Args{"Client": w.Text("sessions.no_client")})
		case action.Name == "end":
			p.Ended = locale.Msg("sessions.ended", locale.Args{"Client": action.Client})
		case action.Name == "end.others" && action.More:
			p.Ended = locale.Msg("sessions.ended_some", locale.Args{"Count": action.Ended})
		case action.Name == "end.others" && action.Ended == 0:
			p.Ended = locale.Msg("sessions.ended_none")
		case action.Name == "end.others":
			p.Ended = locale.Msg("sessions.ended_others", locale.Args{"Count": action.Ended})
		}
	}
	return h.site.Render(c, http.StatusOK, "sessions", p)
}

// End serves POST /sessions/end (field id): it ends one of the visitor's own sessions. For
// somebody else's it answers 404, as for one that does not exist. For this request's own it
// signs out.
func (h *Page) End(c echo.Context) error {
	text, err := input.Single(c.Request().PostForm, "id")
	if err != nil {
		return err
	}
	who, here, err := h.ownerHere(c)
	if err != nil {
		return err
	}
	id, ok := sessions.ParseID(text)
	if !ok {
		return noSuchSession
	}
	if id == here.ID {
		return h.auth.SignOut(c, "/dashboard")
	}
	record, err := auth.FindOwned(c.Request().Context(), h.auth.Lanes.Sessions, who, id)
	if err == nil {
		err = h.auth.Lanes.Sessions.End(c.Request().Context(), id, 0)
	}
	if errors.Is(err, sessions.ErrNotFound) {
		return noSuchSession.Wrap(err)
	}
	if err != nil {
		return err
	}
	h.site.Log.Info("session ended elsewhere", "name", who, "ended", 1)
	return h.auth.Done(c, notebook.Action{Name: "end", Client: auth.ClientOf(record), Ended: 1}, "/sessions")
}

// EndOthers serves POST /sessions/end-others: it ends all of the visitor's sessions but this
// one. If there are so many that it takes long, the page says how many have
// ended so far, and the visitor presses the button again.
func (h *Page) EndOthers(c echo.Context) error {
	who, here, err := h.ownerHere(c)
	if err != nil {
		return err
	}
	ended, more, err := h.endOthers(c.Request().Context(), who, here.ID)
	if err != nil {
		return err
	}
	h.site.Log.Info("session ended elsewhere", "name", who, "ended", ended, "more", more)
	return h.auth.Done(c, notebook.Action{Name: "end.others", Ended: ended, More: more}, "/sessions")
}

// endTimeout is how long one click may take to end sessions.
const endTimeout = 5 * time.Second

// endOthers ends as many sessions as its time allows; more: there may be others.
func (h *Page) endOthers(ctx context.Context, user string, keep sessions.ID) (ended int, more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, endTimeout)
	defer cancel()
	return h.auth.Lanes.Sessions.EndOthers(ctx, user, keep)
}

var noSuchSession = input.NewProblem(http.StatusNotFound, "no_such_session", locale.Msg("sessions.no_such"))

// ownerHere returns who may end sessions: whoever the session lane has found, and this
// request's record. The error is an [input.Problem], a 403, if nobody is signed in, and
// [sessions.ErrNotSupported] if the server keeps no records.
func (h *Page) ownerHere(c echo.Context) (user string, here sessions.Record, err error) {
	if n := notebook.From(c); n != nil {
		n.Session().Expendable() // sessions can be ended even if the disk is full
	}
	if err := h.auth.Before(c); err != nil {
		return "", here, err
	}
	if !h.auth.Lanes.Sessions.KeepsRecords() {
		return "", here, sessions.ErrNotSupported
	}
	who, ok := h.auth.SignedIn(c)
	if !ok {
		return "", here, input.NewProblem(http.StatusForbidden, "not_signed_in", locale.Msg("sessions.not_signed_in"))
	}
	here, err = h.recordHere(c)
	return who.User, here, err
}

// recordHere is the record of the session that this request carries.
func (h *Page) recordHere(c echo.Context) (sessions.Record, error) {
	session, err := h.auth.Lanes.Sessions.Load(c)
	if err != nil {
		return sessions.Record{}, err
	}
	record, _ := session.Record()
	return record, nil
}
