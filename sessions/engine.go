// Engines: what a carried value stands for. Keyed, here, is the engine of
// every store: the value is a key, the data lie on the server. The other one,
// where the value holds the data itself, is in signed_cookies.go.

package sessions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Errors of engines and managers; test with errors.Is.
var (
	// ErrAbsent: the request carried no value at all.
	ErrAbsent = errors.New("sessions: the request carries no key")
	// ErrMalformed: what the request carried has not the shape of a value of
	// this engine; no store was asked.
	ErrMalformed = errors.New("sessions: not in the form of a key")
	// ErrEnded: the session was ended while this request was at work. What the
	// request changed is not saved, and nothing is brought back.
	ErrEnded = errors.New("sessions: the session ended meanwhile")
	// ErrNotSupported: this engine cannot do that, because it keeps nothing on
	// the server: see [SignedCookies].
	ErrNotSupported = errors.New("sessions: the engine cannot do that")
)

// State is a session as an engine found or left it.
type State struct {
	// Value is what the carrier carries: for Keyed the key. Load may give
	// another one than it was given, which the client should carry from now on.
	Value  string
	Record Record // its Data are Values, encoded
	Values Values
	Filed  bool // the record lies in a store; else all of it is in the value
}

// Changes are what one request wants done to a session, in the order of the
// fields. They are relative, so that they can be applied to a record that
// another request changed in between.
type Changes struct {
	Flush  bool                       // end what there is; what follows starts anew
	Cycle  bool                       // same data under a new value; the old one is dead
	Clear  bool                       // drop all values
	Values map[string]json.RawMessage // set, or removed where nil
	Edit   func(Values) error         // applied last, once for each try; its error ends the commit

	Age time.Duration // how long a session without an Expiry of its own lives from now
	Now time.Time     // the instant of the save
}

// Engine turns carried values into sessions and back.
type Engine interface {
	// Load finds what a carried value stands for. [ErrMalformed],
	// [ErrNotFound], [ErrExpired] (with the state that still lies there) and
	// [ErrUnavailable] say why not. It never adopts a value it did not issue,
	// and never writes.
	Load(ctx context.Context, value string) (*State, error)

	// Commit applies changes to the state a Load gave (nil: there is none yet)
	// and returns what is there now, nil when nothing is. [ErrEnded] when the
	// session ended since, [ErrTooLarge], [ErrUnavailable]: nothing was saved
	// then. An error of Edit comes back as it is.
	Commit(ctx context.Context, state *State, changes Changes) (*State, error)

	// Directory is nil where nothing lies on the server.
	Directory() Directory
}

// Directory is what an engine has whose sessions lie on a server: they can be
// found, listed and ended by others than those who carry them.
type Directory interface {
	// Find looks a session up by its ID, which no client could send.
	// ErrNotFound, ErrExpired (with the record), ErrUnavailable.
	Find(ctx context.Context, id ID) (Record, error)

	// Owned lists live sessions of one user as [Store.ByOwner] does: the last saved
	// first, without data, at most limit of them, those after the given one. Those
	// of engines with another purpose are not among them.
	Owned(ctx context.Context, user string, after Record, limit int) ([]Record, error)

	// End ends a session if its version is still the given one; version 0: any.
	// ErrNotFound, ErrConflict, ErrUnavailable.
	End(ctx context.Context, id ID, version uint64) error

	// ClearExpired is the store's: it also removes what other purposes filed there.
	ClearExpired(ctx context.Context, before time.Time, limit int) (int, error)
}

// Reserved keys: who a session belongs to. They begin with "_", and a page
// that lets a visitor set keys must refuse those.
const (
	UserKey   = "_user"   // the name; also the record's Owner
	RoleKey   = "_role"   // what that user may do
	SinceKey  = "_since"  // when they signed in
	ClientKey = "_client" // with which program
)

// maxTries bounds the swaps that one commit attempts. Within one process the
// commits of a key queue up, so only other processes can make a swap fail.
const maxTries = 64

// keyed is the engine over a Store.
type keyed struct {
	purpose string
	form    keyForm
	store   Store
	stripes [256]stripe
}

// Keyed is the engine whose carried value is a key to a record in a store.
// The purpose is mixed into every ID: a key issued for one purpose means
// nothing to another, even in the same store.
func Keyed(purpose string, store Store) Engine {
	return newKeyed(purpose, keyForm{NewKey, ValidKey}, store)
}

// Tokens is Keyed with keys for programs: 40 hex digits, as those of Django
// REST framework. A token is a session that travels in a header, see
// [Authorization].
func Tokens(purpose string, store Store) Engine {
	return newKeyed(purpose, keyForm{NewToken, ValidToken}, store)
}

func newKeyed(purpose string, form keyForm, store Store) *keyed {
	e := &keyed{purpose: purpose, form: form, store: ofPurpose{tracedFor(untraced(store), purpose), purpose + ":"}}
	for i := range e.stripes {
		e.stripes[i] = make(stripe, 1)
	}
	return e
}

func (e *keyed) Load(ctx context.Context, key string) (*State, error) {
	if !e.form.valid(key) {
		return nil, ErrMalformed
	}
	rec, err := e.store.Load(ctx, KeyID(e.purpose, key))
	if err != nil && !errors.Is(err, ErrExpired) {
		return nil, err
	}
	state, decodeErr := stateOf(key, rec)
	if decodeErr != nil {
		return nil, decodeErr
	}
	return state, err
}

func (e *keyed) Directory() Directory { return e }

func (e *keyed) Find(ctx context.Context, id ID) (Record, error) { return e.store.Load(ctx, id) }

func (e *keyed) Owned(ctx context.Context, user string, after Record, limit int) ([]Record, error) {
	return e.store.ByOwner(ctx, user, after, limit)
}

func (e *keyed) End(ctx context.Context, id ID, version uint64) error {
	return e.store.Delete(ctx, id, version)
}

func (e *keyed) ClearExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	return e.store.ClearExpired(ctx, before, limit)
}

func (e *keyed) Commit(ctx context.Context, state *State, ch Changes) (*State, error) {
	if state == nil {
		return e.create(ctx, nil, ch)
	}
	// Commits of one key wait for each other here, so that in one process the
	// first swap succeeds; other keys of the same stripe wait a moment longer.
	stripe := e.stripes[state.Record.ID[0]]
	waited, err := stripe.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer stripe.unlock()
	if waited && !ch.Flush {
		// Whoever was before us has probably changed the record: a swap with
		// the state of before the wait would be in vain.
		if state, err = e.Load(ctx, state.Value); err != nil {
			return nil, endedIfGone(err)
		}
	}
	switch {
	case ch.Flush:
		return e.flush(ctx, state, ch)
	case ch.Cycle:
		return e.cycle(ctx, state, ch)
	default:
		return e.update(ctx, state, ch)
	}
}

// create files a new record under a key that nobody has. Nothing to keep,
// nothing filed.
func (e *keyed) create(ctx context.Context, from Values, ch Changes) (*State, error) {
	rec, values, err := ch.apply(Record{Created: ch.Now}, from)
	if err != nil || (len(values) == 0 && from == nil) {
		return nil, err
	}
	// Keys of 165 bits do not collide. If they seem to, the random source or
	// the store is broken, and going on would hand out somebody's session.
	for range 3 {
		key := e.form.draw()
		rec.ID, rec.Version = KeyID(e.purpose, key), 1
		switch err := e.store.Create(ctx, rec); {
		case err == nil:
			return &State{Value: key, Record: rec, Values: values, Filed: true}, nil
		case !errors.Is(err, ErrExists):
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: three new keys in a row exist already", ErrUnavailable)
}

// flush ends the record first: if the store fails between the two steps, the
// visitor signs in again, and nobody keeps a session they meant to end.
func (e *keyed) flush(ctx context.Context, state *State, ch Changes) (*State, error) {
	if err := e.store.Delete(ctx, state.Record.ID, 0); err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	return e.create(ctx, nil, ch)
}

// update swaps the record for one with the changes in it:
//
//  1. apply the changes to the record as it was loaded,
//  2. swap; the version says whether it is still that record,
//  3. if not, load it afresh and go on with 1.
func (e *keyed) update(ctx context.Context, state *State, ch Changes) (*State, error) {
	for try := 1; ; try++ {
		rec, values, err := ch.apply(state.Record, state.Values)
		if err != nil {
			return nil, err
		}
		if err = e.store.Update(ctx, rec); err == nil {
			rec.Version++
			return &State{Value: state.Value, Record: rec, Values: values, Filed: true}, nil
		}
		if state, err = e.again(ctx, state, err, try); err != nil {
			return nil, err
		}
	}
}

// cycle moves the session to a new key:
//
//  1. file its data, with the changes, under a new key,
//  2. remove the old record, if it is still the one whose data were filed,
//  3. if it changed in between, take the new record away again, load the old
//     one afresh and go on with 1: a write that was answered is never left behind.
//
// A crash after 1 leaves a record whose key nobody has; cleaning removes it.
func (e *keyed) cycle(ctx context.Context, state *State, ch Changes) (*State, error) {
	for try := 1; ; try++ {
		if !state.Record.Expires.After(ch.Now) {
			return nil, ErrEnded // Delete would take it all the same
		}
		from := state.Values
		if from == nil {
			from = Values{}
		}
		next, err := e.create(ctx, from, ch)
		if err != nil {
			return nil, err
		}
		if err = e.store.Delete(ctx, state.Record.ID, state.Record.Version); err == nil {
			return next, nil
		}
		if undo := e.store.Delete(ctx, next.Record.ID, 0); undo != nil && !errors.Is(undo, ErrNotFound) {
			return nil, undo
		}
		if state, err = e.again(ctx, state, err, try); err != nil {
			return nil, err
		}
	}
}

// again decides after a swap that failed: the record as it is now for another
// try, or the error that ends the commit.
func (e *keyed) again(ctx context.Context, state *State, err error, try int) (*State, error) {
	if errors.Is(err, ErrConflict) {
		if try == maxTries {
			return nil, fmt.Errorf("%w: %d swaps in a row met a newer version", ErrUnavailable, try)
		}
		if try > 1 {
			// Not just old, but changed since the last look: another process
			// is at this record. Step aside for a random moment, longer each
			// time, so that the two do not keep step.
			if err := pause(ctx, rand.N(time.Duration(min(try, 10))*time.Millisecond)); err != nil {
				return nil, err
			}
		}
		state, err = e.Load(ctx, state.Value)
	}
	return state, endedIfGone(err)
}

// endedIfGone is what a store's answer means to a request that had found the
// session alive.
func endedIfGone(err error) error {
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrExpired) {
		return ErrEnded
	}
	return err
}

// apply makes the record that should be stored from the one that is.
func (ch Changes) apply(old Record, from Values) (Record, Values, error) {
	values := ch.over(from)
	if ch.Edit != nil {
		if err := ch.Edit(values); err != nil {
			return Record{}, nil, err
		}
	}
	data, err := values.encode()
	if err != nil {
		return Record{}, nil, err
	}
	rec := old
	rec.Data, rec.Owner, rec.Saved = data, values.Text(UserKey), ch.Now
	rec.Expires = values.expiry().expiresAt(ch.Now, ch.Age)
	return rec, values, nil
}

func stateOf(key string, rec Record) (*State, error) {
	values, err := DecodeValues(rec.Data)
	if err != nil {
		// Nobody can be told from it, and answering "broken" for ever would
		// lock its owner out; Django gives an empty session here too.
		return nil, fmt.Errorf("%w: record %s cannot be read: %w", ErrNotFound, rec.ID, err)
	}
	return &State{Value: key, Record: rec, Values: values, Filed: true}, nil
}

// ofPurpose is a store as an engine of one purpose sees it: records are filed
// under the owner's name with the purpose before it, so that a list of alice's
// sessions is not one of her tokens, too.
type ofPurpose struct {
	Store
	prefix string
}

func (s ofPurpose) filed(rec Record) Record {
	if rec.Owner != "" {
		rec.Owner = s.prefix + rec.Owner
	}
	return rec
}

func (s ofPurpose) found(rec Record) Record {
	rec.Owner = strings.TrimPrefix(rec.Owner, s.prefix)
	rec.Created, rec.Saved = inReach(rec.Created), inReach(rec.Saved)
	rec.Expires = notTooFar(rec.Expires, rec.Saved) // others may have dated it
	return rec
}

func (s ofPurpose) Create(ctx context.Context, rec Record) error {
	return s.Store.Create(ctx, s.filed(rec))
}

func (s ofPurpose) Load(ctx context.Context, id ID) (Record, error) {
	rec, err := s.Store.Load(ctx, id)
	return s.found(rec), err
}

func (s ofPurpose) Update(ctx context.Context, rec Record) error {
	return s.Store.Update(ctx, s.filed(rec))
}

func (s ofPurpose) ByOwner(ctx context.Context, owner string, after Record, limit int) ([]Record, error) {
	if owner == "" {
		return nil, nil
	}
	recs, err := s.Store.ByOwner(ctx, s.prefix+owner, after, limit)
	for i := range recs {
		recs[i] = s.found(recs[i])
	}
	return recs, err
}

// stripe is a lock that gives up when the request does.
type stripe chan struct{}

func (s stripe) lock(ctx context.Context) (waited bool, err error) {
	select {
	case s <- struct{}{}:
		return false, nil
	default:
	}
	select {
	case s <- struct{}{}:
		return true, nil
	case <-ctx.Done():
		return true, fmt.Errorf("%w: waited too long for the session: %w", ErrUnavailable, ctx.Err())
	}
}

func (s stripe) unlock() { <-s }

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
}
