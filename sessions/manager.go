// Manager: gives each request its session, once, and saves it when Hold says so.

package sessions

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

// Manager ties an [Engine], a [Carrier] and [Options] together. One serves
// many requests at once; a program may have several, each with its own purpose
// and cookie.
type Manager struct {
	engine     Engine
	carrier    Carrier
	options    Options
	nobodys    trimmer
	unreadable news
}

// news remembers which texts came before, so that each is logged only once.
type news struct {
	mu   sync.Mutex
	told map[ID]bool // by the texts' hashes
}

// mostTold is how many texts it remembers before it forgets them all.
const mostTold = 1000

// first reports whether a text comes for the first time.
func (n *news) first(text string) bool {
	id := ID(sha256.Sum256([]byte(text)))
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.told[id] {
		return false
	}
	if n.told == nil || len(n.told) == mostTold {
		n.told = map[ID]bool{}
	}
	n.told[id] = true
	return true
}

// New makes a manager; an error that wraps [ErrOption] when an option cannot
// work.
func New(engine Engine, options Options) (*Manager, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	carrier := options.Carrier
	if carrier == nil {
		carrier = Cookie(options)
	}
	if options.Quota.Records == 0 {
		options.Quota.Records = defaultQuota.Records
	}
	if options.Quota.Bytes == 0 {
		options.Quota.Bytes = defaultQuota.Bytes
	}
	m := &Manager{engine: engine, carrier: carrier, options: options}
	m.nobodys.keep, m.nobodys.logger = options.Quota, m.logger
	return m, nil
}

// ErrNoHold: a session was asked for outside [Hold], where nothing could save
// it. A mistake in the program.
var ErrNoHold = errors.New("sessions: Load needs the middleware Hold")

// Load returns the request's session; the first call asks the engine, later
// ones return the same session. A handler that never calls it costs nothing.
// A value that stands for nothing gives a new, empty session, and
// [Session.Rejected] says why; it is stored only if something is set.
// The error wraps [ErrUnavailable] when the engine cannot be reached: return it
// from the handler, and the client gets a 503.
func (m *Manager) Load(c echo.Context) (*Session, error) {
	held := heldBy(c)
	if held == nil {
		return nil, ErrNoHold
	}
	if session := held.of(m); session != nil {
		if session.failed != nil {
			return nil, session.failed
		}
		return session, nil
	}
	session, err := m.Look(c)
	if err != nil {
		// An error page may ask for the session again, and must not wait again.
		held.sessions = append(held.sessions, &Session{manager: m, failed: err})
		return nil, err
	}
	held.sessions = append(held.sessions, session)
	held.commits = append(held.commits, func() error { return m.finish(c, session) })
	return session, nil
}

// Look is Load for reading alone: it also works outside [Hold], where replies
// are streamed. It asks the engine each time; nothing saves what is changed in
// the session, and the client is told nothing.
func (m *Manager) Look(c echo.Context) (*Session, error) {
	session := &Session{manager: m}
	session.value, session.carried = m.carrier.Read(c.Request())
	if err := session.load(c.Request().Context()); err != nil {
		return nil, err
	}
	addVary(c.Response().Header(), m.carrier.Vary())
	return session, nil
}

// load asks the engine what the carried value stands for.
func (s *Session) load(ctx context.Context) error {
	if !s.carried {
		s.rejected = ErrAbsent
		return nil
	}
	state, err := s.manager.engine.Load(ctx, s.value)
	switch {
	case err == nil && state.Record.Expires.After(s.manager.now()):
		s.state, s.values = state, state.Values
	case err == nil || errors.Is(err, ErrExpired): // nil: what the store says of its expiry is later than MaxAge allows
		s.lies, s.rejected = state, ErrExpired
	case errors.Is(err, ErrMalformed):
		s.rejected = ErrMalformed
	case errors.Is(err, ErrTampered):
		s.rejected = ErrTampered
	case errors.Is(err, ErrReplaced):
		s.moved, s.rejected = state, ErrReplaced
	case errors.Is(err, ErrNotFound):
		s.rejected = ErrNotFound
		if err != ErrNotFound && s.manager.unreadable.first(s.value) { //nolint:errorlint // more than a plain "not found" has a cause worth a line
			s.manager.logger().Warn("session data cannot be read", "error", err)
		}
	default:
		return err
	}
	return nil
}

// finish saves a session at the end of its request and tells the client:
//
//  1. changed, or to be saved with every request and not saved yet: commit;
//  2. there is a session, and it was saved or has another value now: give the
//     client that value, and with it a new expiry;
//  3. there is none, and the client carries a value that this request ended or
//     replaced by nothing (or that it may not keep, see DropRejected): erase it.
//
// In all other cases the client keeps what it has. That includes a value that another
// request replaced a moment ago: the client may have received the new one since.
func (m *Manager) finish(c echo.Context, s *Session) error {
	if s.changes.any() || (m.options.SaveEveryRequest && s.state != nil && !s.saved) {
		switch err := s.commit(Saving(c)); {
		case s.expendable && errors.Is(err, ErrFull):
			m.logger().Warn("what a session noted is lost: its store is full", "error", err)
			return nil
		case err != nil:
			return err
		}
	}
	now := m.now()
	switch {
	case s.moved != nil:
		return nil
	case s.state != nil && (s.saved || s.state.Value != s.value) && s.state.Record.Expires.After(now):
		maxAge := time.Duration(0)
		if !s.ExpiresAtBrowserClose() {
			// Upwards, so that what was to live for ten seconds is not sent as nine.
			maxAge = (min(s.state.Record.Expires.Sub(now), MaxAge) + time.Second - 1).Truncate(time.Second)
		}
		return m.carrier.Write(c.Response().Header(), s.state.Value, maxAge, now)
	case s.carried && (s.saved || (s.state == nil && m.options.DropRejected)):
		m.carrier.Erase(c.Response().Header())
	}
	return nil
}

func (m *Manager) commit(ctx context.Context, state *State, changes Changes) (*State, error) {
	changes.Age, changes.Now, changes.Follow = m.options.Age, m.now(), m.options.FollowReplaced
	directory := m.engine.Directory()
	if directory == nil {
		return m.engine.Commit(ctx, state, changes)
	}
	if changes.filesForNobody(state) {
		if err := m.nobodys.wait(ctx); err != nil {
			return nil, err
		}
	}
	next, err := m.engine.Commit(ctx, state, changes)
	if err != nil || next == nil {
		return next, err
	}
	records, bytes := 0, 0
	fresh := state == nil || changes.Flush || changes.Cycle
	if fresh && state != nil {
		records++ // the old record stays for a minute, see replaced
	}
	if next.Record.Owner == "" {
		bytes = len(next.Record.Data)
		if fresh {
			records++
		}
	}
	if records > 0 || bytes > 0 {
		m.nobodys.note(ctx, directory, records, bytes, changes.Now)
	}
	return next, nil
}

// Create makes a session that belongs to no request, as a token is made: its
// [Session.Key] is for the program to hand out. fill sets what it holds; its
// error ends the making and comes back unchanged.
func (m *Manager) Create(ctx context.Context, fill func(*Session) error) (*Session, error) {
	session := &Session{manager: m, rejected: ErrAbsent}
	if err := fill(session); err != nil {
		return nil, err
	}
	return session, session.Save(ctx)
}

// directory is the engine's, or ErrNotSupported.
func (m *Manager) directory() (Directory, error) {
	if directory := m.engine.Directory(); directory != nil {
		return directory, nil
	}
	return nil, ErrNotSupported
}

// KeepsRecords reports whether sessions lie on the server. Where they do not,
// they can neither be listed nor ended, and [Session.Update] has nothing to
// work on: all of that answers [ErrNotSupported].
func (m *Manager) KeepsRecords() bool { return m.engine.Directory() != nil }

// Find looks a session's record up by its ID. [ErrNotFound], [ErrReplaced],
// [ErrExpired] (with the record), [ErrNotSupported], [ErrUnavailable].
func (m *Manager) Find(ctx context.Context, id ID) (Record, error) {
	directory, err := m.directory()
	if err != nil {
		return Record{}, err
	}
	return directory.Find(ctx, id)
}

// Owned lists live sessions of one user, the last saved first, without their data: it
// shows where the user is signed in. It returns at most limit of them. after is the
// last record of the page before; the zero Record means the first page.
// [ErrNotSupported], [ErrUnavailable].
func (m *Manager) Owned(ctx context.Context, user string, after Record, limit int) ([]Record, error) {
	directory, err := m.directory()
	if err != nil {
		return nil, err
	}
	return directory.Owned(ctx, user, after, limit)
}

// End ends a session by its ID, if its version is still the given one. Version 0
// means any version, and also ends the session if it got another key within the last
// minute. [ErrNotFound], [ErrConflict], [ErrNotSupported], [ErrUnavailable].
func (m *Manager) End(ctx context.Context, id ID, version uint64) error {
	directory, err := m.directory()
	if err != nil {
		return err
	}
	return directory.End(ctx, id, version)
}

// Point notes, for a value that stands for no session, that the session with the ID to
// has just taken its place. It is for a client that carried such a value and was given
// that session: if another request of the client is still under way with the value and
// flushes, it ends the session. That works for a minute. [ErrMalformed], [ErrExists] (the
// value stands for something), [ErrNotSupported], [ErrUnavailable].
func (m *Manager) Point(ctx context.Context, value string, to ID) error {
	directory, err := m.directory()
	if err != nil {
		return err
	}
	return directory.Point(ctx, value, to, m.now())
}

// Replace ends the session with an ID because the session by, of the same manager,
// takes its place: for a minute, a logout with the old key ends the new session. If the
// old session has no longer the given version, the error says what happened to it:
// [ErrNotFound] (gone or expired), [ErrReplaced] or [ErrConflict].
//
// Version 0 means any version, and follows the session if it got another key; if by is
// what it became, nothing is left to do. [ErrNotFound] if it has ended.
//
// In both cases: [ErrNotSupported], [ErrUnavailable].
func (m *Manager) Replace(ctx context.Context, id ID, version uint64, by ID) error {
	directory, err := m.directory()
	if err != nil {
		return err
	}
	return directory.Replace(ctx, id, version, by, m.now())
}

// endStep is how many sessions EndOthers lists in one step.
const endStep = 500

// EndOthers ends all of a user's sessions but one, and returns how many it ended; with
// a zero ID it ends all. If its context ends first, or it fails, more is true: there may
// be other sessions left, and another call ends those. [ErrNotSupported], [ErrUnavailable].
func (m *Manager) EndOthers(ctx context.Context, user string, keep ID) (ended int, more bool, err error) {
	directory, err := m.directory()
	if err != nil {
		return 0, false, err
	}
	for after := (Record{}); ; {
		page, err := directory.Owned(ctx, user, after, endStep)
		n := 0
		if err == nil {
			n, err = endEach(ctx, directory, page, keep)
			ended += n
		}
		switch {
		case ctx.Err() != nil:
			return ended, true, nil
		case err != nil:
			return ended, true, err
		case n > 0: // start again: a session that was saved meanwhile is now among the first
			after = Record{}
		case len(page) < endStep:
			return ended, false, nil
		default:
			after = page[len(page)-1]
		}
	}
}

// endEach ends the listed sessions but one, and returns how many it ended.
func endEach(ctx context.Context, directory Directory, list []Record, keep ID) (ended int, err error) {
	for _, rec := range list {
		if ctx.Err() != nil {
			return ended, ctx.Err()
		}
		if rec.ID == keep {
			continue
		}
		if err = directory.End(ctx, rec.ID, rec.Version); errors.Is(err, ErrConflict) {
			err = directory.End(ctx, rec.ID, 0) // it changed, or got another key, after it was listed
		}
		switch {
		case err == nil:
			ended++
		case !errors.Is(err, ErrNotFound): // not found: it ended by itself meanwhile
			return ended, err
		}
	}
	return ended, nil
}

// Exists reports whether a value stands for a session, expired or not (Django:
// session.exists). The error is [ErrUnavailable].
func (m *Manager) Exists(ctx context.Context, value string) (bool, error) {
	_, err := m.engine.Load(ctx, value)
	switch {
	case err == nil, errors.Is(err, ErrExpired):
		return true, nil
	case errors.Is(err, ErrUnavailable):
		return false, err
	default:
		return false, nil
	}
}

// ClearExpired removes every expired session, of all users, and says how many
// (Django: session.clear_expired, and manage.py clearsessions). Where nothing
// lies on the server there is nothing to remove.
func (m *Manager) ClearExpired(ctx context.Context) (int, error) {
	directory, err := m.directory()
	if err != nil {
		return 0, nil //nolint:nilerr // none can have expired
	}
	return ClearExpired(ctx, directory, m.now().Add(time.Microsecond)) // what ends at this very instant is over
}

// Options returns the manager's options.
func (m *Manager) Options() Options { return m.options }

// now is in UTC, so that all times calculated from it are, too.
func (m *Manager) now() time.Time { return m.options.Clock.Now() }

func (m *Manager) logger() *slog.Logger {
	if m.options.Logger != nil {
		return m.options.Logger
	}
	return slog.Default()
}

// addVary names a request header that the reply depends on, once.
func addVary(header http.Header, name string) {
	for _, line := range header.Values("Vary") {
		if slices.ContainsFunc(strings.Split(line, ","), func(field string) bool {
			return strings.EqualFold(strings.TrimSpace(field), name)
		}) {
			return
		}
	}
	header.Add("Vary", name)
}

// Cleaner is the part of a [Store] that cleaning needs.
type Cleaner interface {
	ClearExpired(ctx context.Context, before time.Time, limit int) (int, error)
}

// ClearExpired removes records that expired before an instant, in steps with
// rests between, so that requests pass in between; it says how many. Meant for a
// background loop ([Clean]) and for a command.
func ClearExpired(ctx context.Context, store Cleaner, before time.Time) (int, error) {
	// Large, as some stores walk all they have at each step, with rests of their own.
	const step, rest = 10_000, 5 * time.Millisecond
	for total := 0; ; {
		n, err := store.ClearExpired(ctx, before, step)
		total += n
		if err != nil || n < step {
			return total, err
		}
		if err := pause(ctx, rest); err != nil {
			return total, err
		}
	}
}

// EndAll ends everything that lies in a store, whatever its time and its purpose:
// all sessions, all tokens. It says how many records went. Whoever carries the
// key of one is a stranger from then on, and a request that was at work with one
// cannot save it ([ErrEnded]); what is filed anew meanwhile may stay. The error
// wraps [ErrUnavailable]: some are left then, and another call goes on.
func EndAll(ctx context.Context, store Cleaner) (int, error) {
	last := time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC) // no record lives as long: see [Until]
	total := 0
	// A session may get another key while this runs, and move to where it had been. So it
	// goes through the store again until nothing is left. But it does so five times at
	// most: it would never be done while others start sessions faster.
	for range 5 {
		n, err := ClearExpired(ctx, store, last)
		total += n
		if err != nil || n == 0 {
			return total, err
		}
	}
	return total, nil
}

// Linger is for how long [Clean] leaves an expired record where it is, so that
// "expired" can still be told from "unknown".
const Linger = 15 * time.Minute

// Clean calls [ClearExpired] every interval, for what expired more than
// [Linger] ago, until the context ends. A failure is logged (by slog.Default if
// logger is nil) and tried again.
func Clean(ctx context.Context, store Cleaner, interval time.Duration, clock Clock, logger *slog.Logger) {
	if logger == nil {
		logger = slog.Default()
	}
	for pause(ctx, interval) == nil {
		if _, err := ClearExpired(ctx, store, clock.Now().Add(-Linger)); err != nil && ctx.Err() == nil {
			logger.Error("cleaning expired sessions failed", "error", fmt.Errorf("clean: %w", err))
		}
	}
}
