// Where am I signed in: the live sessions of one user, and ending them. Only a
// server that keeps records can do that.

package handlers

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/sessions"
)

type sessionsPage struct {
	Page
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
	ID             string // of the record: what a browser could not send as a key
	Client         string // the program that signed in; "": it did not say
	Here           bool   // this request's own
	Created, Saved string
}

// A page lists maxListed sessions, those last saved first; a link leads to the next page.
// They are counted up to maxCounted, a number that the labels mention.
const maxListed, maxCounted = 50, 1000

// afterParam is the parameter that says after which record a page begins: when the record
// was saved, and its ID.
const afterParam = "after"

// listAfter is the record after which a page begins, as its address says; the zero Record
// for the first page.
func listAfter(c echo.Context) (after sessions.Record, err error) {
	values := c.QueryParams()[afterParam]
	if len(values) == 0 {
		return after, nil
	}
	saved, id, _ := strings.Cut(values[0], "_")
	at, err := time.Parse(time.RFC3339Nano, saved)
	var ok bool
	if after.ID, ok = sessions.ParseID(id); !ok || err != nil || len(values) > 1 {
		return after, input.NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("sessions.bad_after"))
	}
	after.Saved = at.UTC()
	return after, nil
}

// listURL is the address of the page that begins after a record.
func listURL(path string, last sessions.Record) string {
	return path + "?" + url.Values{afterParam: {last.Saved.UTC().Format(time.RFC3339Nano) + "_" + last.ID.String()}}.Encode()
}

// firstOf returns the first records of a list, at most most of them. next is the address
// of the page with those that follow; "": none follow.
func firstOf(list []sessions.Record, most int, path string) (records []sessions.Record, next string) {
	if len(list) <= most {
		return list, ""
	}
	return list[:most], listURL(path, list[most-1])
}

// getSessions serves GET /sessions.
func (lab *Lab) getSessions(c echo.Context) error {
	after, err := listAfter(c)
	if err != nil {
		return err
	}
	if err := lab.recallSession(c); err != nil {
		return err
	}
	w := lab.words(c)
	p := sessionsPage{Page: lab.page(c, locale.Msg("sessions.title")), Keeps: lab.sessions.KeepsRecords()}
	if f, ok := c.Get(sessionFindingKey).(lanes.Finding); ok {
		p.Verdict = w.Text("verdict." + string(f.Verdict) + ".word")
	}
	who, ok := lab.signedIn(c)
	if !ok || !p.Keeps {
		return lab.render(c, http.StatusOK, "sessions", p)
	}
	ctx := c.Request().Context()
	here, err := lab.recordHere(c)
	if err != nil {
		return err
	}
	start := time.Now() // a duration, not a judgement of age: no clock to move
	all, err := lab.sessions.Owned(ctx, who.User, sessions.Record{}, maxCounted+1)
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
		list, err = lab.sessions.Owned(ctx, who.User, after, most+2) // one may be this session, and one shows whether there is a next page
		if err != nil {
			return err
		}
	} else { // the first page begins with this session
		records, most = append(records, here), most-1
	}
	list = slices.DeleteFunc(list, func(r sessions.Record) bool { return r.ID == here.ID })
	list, p.Next = firstOf(list, most, "/sessions")
	for _, record := range append(records, list...) {
		client, err := clientNamed(ctx, lab.sessions, who.User, record.ID)
		if err != nil {
			return err
		}
		p.Sessions = append(p.Sessions, listedSession{
			ID: record.ID.String(), Client: client, Here: record.ID == here.ID,
			Created: markup.ClockTime(record.Created), Saved: markup.ClockTime(record.Saved),
		})
	}
	if action, ok := notebookOf(c).Action(); ok {
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
	return lab.render(c, http.StatusOK, "sessions", p)
}

// postEndSession serves POST /sessions/end (field id): one session of the
// visitor's own. Somebody else's is not told from one that does not exist, and
// this very one is ended by the ordinary logout.
func (lab *Lab) postEndSession(c echo.Context) error {
	text, err := input.Single(c.Request().PostForm, "id")
	if err != nil {
		return err
	}
	who, here, err := lab.ownerHere(c)
	if err != nil {
		return err
	}
	id, ok := sessions.ParseID(text)
	if !ok {
		return noSuchSession
	}
	if id == here.ID {
		return lab.postLogout(c)
	}
	record, err := findOwned(c.Request().Context(), lab.sessions, who, id)
	if err == nil {
		err = lab.sessions.End(c.Request().Context(), id, 0)
	}
	if errors.Is(err, sessions.ErrNotFound) {
		return noSuchSession.Wrap(err)
	}
	if err != nil {
		return err
	}
	lab.log.Info("session ended elsewhere", "name", who, "ended", 1)
	return lab.done(c, Action{Name: "end", Client: clientOf(record), Ended: 1}, "/sessions")
}

// postEndOthers serves POST /sessions/end-others: all of the visitor's sessions
// but this one. If there are so many that it takes long, the page says how many have
// ended so far, and the visitor presses the button again.
func (lab *Lab) postEndOthers(c echo.Context) error {
	who, here, err := lab.ownerHere(c)
	if err != nil {
		return err
	}
	ended, more, err := lab.endOthers(c.Request().Context(), who, here.ID)
	if err != nil {
		return err
	}
	lab.log.Info("session ended elsewhere", "name", who, "ended", ended, "more", more)
	return lab.done(c, Action{Name: "end.others", Ended: ended, More: more}, "/sessions")
}

// endPatience is how long one click may take to end sessions.
const endPatience = 5 * time.Second

// endOthers ends as many sessions as its time allows; more: there may be others.
func (lab *Lab) endOthers(ctx context.Context, user string, keep sessions.ID) (ended int, more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, endPatience)
	defer cancel()
	return lab.sessions.EndOthers(ctx, user, keep)
}

var noSuchSession = input.NewProblem(http.StatusNotFound, "no_such_session", locale.Msg("sessions.no_such"))

// ownerHere is who may end sessions: whoever the session way has found, and by
// which record. Nobody may where there are none.
func (lab *Lab) ownerHere(c echo.Context) (user string, here sessions.Record, err error) {
	if n := notebookOf(c); n != nil {
		n.session.Expendable() // sessions can be ended even if the disk is full
	}
	if err := lab.before(c); err != nil {
		return "", here, err
	}
	if !lab.sessions.KeepsRecords() {
		return "", here, sessions.ErrNotSupported
	}
	who, ok := lab.signedIn(c)
	if !ok {
		return "", here, input.NewProblem(http.StatusForbidden, "not_signed_in", locale.Msg("sessions.not_signed_in"))
	}
	here, err = lab.recordHere(c)
	return who.User, here, err
}

// recordHere is the record of the session that this request carries.
func (lab *Lab) recordHere(c echo.Context) (sessions.Record, error) {
	session, err := lab.sessions.Load(c)
	if err != nil {
		return sessions.Record{}, err
	}
	record, _ := session.Record()
	return record, nil
}

// findOwned finds a live session of a user by its ID. The error is
// [sessions.ErrNotFound] if there is none, or if it is somebody else's.
func findOwned(ctx context.Context, manager *sessions.Manager, user string, id sessions.ID) (sessions.Record, error) {
	record, err := manager.Find(ctx, id)
	if errors.Is(err, sessions.ErrExpired) || err == nil && record.Owner != user {
		err = sessions.ErrNotFound
	}
	return record, err
}

// clientNamed is the program that signed in, by the session's ID: the data, which says it,
// is not in the records of a list.
func clientNamed(ctx context.Context, manager *sessions.Manager, user string, id sessions.ID) (string, error) {
	record, err := findOwned(ctx, manager, user, id)
	if err != nil && !errors.Is(err, sessions.ErrNotFound) {
		return "", err
	}
	return clientOf(record), nil
}

// clientOf is the program that signed in.
func clientOf(record sessions.Record) string {
	values, err := sessions.DecodeValues(record.Data)
	if err != nil {
		return ""
	}
	return values.Text(sessions.ClientKey)
}
