// Where am I signed in: the live sessions of one user, and ending them. Only a
// server that keeps records can do that.

package handlers

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/sessions"
)

type sessionsPage struct {
	Page
	Keeps    bool   // sessions lie on the server, so they can be listed
	Verdict  string // in words, where nobody is signed in
	Sessions []listedSession
	Count    Phrase // how many there are
	More     int    // further ones, not listed
	How      Phrase // how the engine found them
	Ended    Phrase // what was ended last; no ID: nothing
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

// maxListed sessions fit on a page; who has more sees those last saved. They are
// counted up to maxCounted.
const maxListed, maxCounted = 50, 1000

// getSessions serves GET /sessions.
func (lab *Lab) getSessions(c echo.Context) error {
	if err := lab.recallSession(c); err != nil {
		return err
	}
	w := lab.words(c)
	p := sessionsPage{Page: lab.page(c, say("sessions.title")), Keeps: lab.sessions.KeepsRecords()}
	if f, ok := c.Get(sessionFindingKey).(Finding); ok {
		p.Verdict = w.text("verdict." + string(f.Verdict) + ".word")
	}
	who, ok := lab.signedIn(c)
	if !ok || !p.Keeps {
		return lab.render(c, http.StatusOK, "sessions", p)
	}
	start := time.Now() // a duration, not a judgement of age: no clock to move
	records, err := lab.sessions.Owned(c.Request().Context(), who.User, sessions.Record{}, maxCounted)
	if err != nil {
		return err
	}
	p.How = say("sessions.how", Args{"Took": milliseconds(time.Since(start))})
	p.Count = say("sessions.count", Args{"Count": len(records), "Name": who.User})
	here, err := lab.recordHere(c)
	if err != nil {
		return err
	}
	slices.SortStableFunc(records, func(a, b sessions.Record) int { // this one first
		return cmp.Compare(yesNo(b.ID == here), yesNo(a.ID == here))
	})
	p.More = max(0, len(records)-maxListed)
	for _, record := range records[:len(records)-p.More] {
		client, err := clientNamed(c.Request().Context(), lab.sessions, record.ID)
		if err != nil {
			return err
		}
		p.Sessions = append(p.Sessions, listedSession{
			ID: record.ID.String(), Client: client, Here: record.ID == here,
			Created: clockTime(record.Created), Saved: clockTime(record.Saved),
		})
	}
	if deed, ok := notebookOf(c).Deed(); ok {
		p.EndedAt = deed.At
		switch {
		case deed.Name == "end" && deed.Client == "":
			p.Ended = say("sessions.ended", Args{"Client": w.text("sessions.no_client")})
		case deed.Name == "end":
			p.Ended = say("sessions.ended", Args{"Client": deed.Client})
		case deed.Name == "end.others" && deed.Ended == 0:
			p.Ended = say("sessions.ended_none")
		case deed.Name == "end.others":
			p.Ended = say("sessions.ended_others", Args{"Count": deed.Ended})
		}
	}
	return lab.render(c, http.StatusOK, "sessions", p)
}

// postEndSession serves POST /sessions/end (field id): one session of the
// visitor's own. Somebody else's is not told from one that does not exist, and
// this very one is ended by the ordinary logout.
func (lab *Lab) postEndSession(c echo.Context) error {
	text, err := single(c.Request().PostForm, "id")
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
	if id == here {
		return lab.postLogout(c)
	}
	record, err := lab.sessions.Find(c.Request().Context(), id)
	if err == nil && record.Owner == who {
		err = lab.sessions.End(c.Request().Context(), id, 0)
	} else if err == nil {
		return noSuchSession
	}
	if errors.Is(err, sessions.ErrNotFound) || errors.Is(err, sessions.ErrExpired) {
		return noSuchSession.wrap(err)
	}
	if err != nil {
		return err
	}
	lab.log.Info("session ended elsewhere", "name", who, "ended", 1)
	return lab.done(c, Deed{Name: "end", Client: clientOf(record), Ended: 1}, "/sessions")
}

// postEndOthers serves POST /sessions/end-others: all of the visitor's sessions
// but this one.
func (lab *Lab) postEndOthers(c echo.Context) error {
	who, here, err := lab.ownerHere(c)
	if err != nil {
		return err
	}
	ended, _, err := lab.sessions.EndOthers(c.Request().Context(), who, here)
	if err != nil {
		return err
	}
	lab.log.Info("session ended elsewhere", "name", who, "ended", ended)
	return lab.done(c, Deed{Name: "end.others", Ended: ended}, "/sessions")
}

var noSuchSession = problem(http.StatusNotFound, "no_such_session", say("sessions.no_such"))

// ownerHere is who may end sessions: whoever the session way has found, and by
// which record. Nobody may where there are none.
func (lab *Lab) ownerHere(c echo.Context) (user string, here sessions.ID, err error) {
	if err := lab.before(c); err != nil {
		return "", here, err
	}
	if !lab.sessions.KeepsRecords() {
		return "", here, sessions.ErrNotSupported
	}
	who, ok := lab.signedIn(c)
	if !ok {
		return "", here, problem(http.StatusForbidden, "not_signed_in", say("sessions.not_signed_in"))
	}
	here, err = lab.recordHere(c)
	return who.User, here, err
}

// recordHere is the ID of the record that this request's key led to.
func (lab *Lab) recordHere(c echo.Context) (sessions.ID, error) {
	session, err := lab.sessions.Load(c)
	if err != nil {
		return sessions.ID{}, err
	}
	record, _ := session.Record()
	return record.ID, nil
}

// clientNamed is the program that signed in, by a session's ID: a list has no data.
func clientNamed(ctx context.Context, manager *sessions.Manager, id sessions.ID) (string, error) {
	record, err := manager.Find(ctx, id)
	if err != nil && !errors.Is(err, sessions.ErrExpired) && !errors.Is(err, sessions.ErrNotFound) {
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
