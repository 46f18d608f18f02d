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
	// ErrReplaced: within the last minute the session got another key, and this key
	// opens nothing any more. An error that is ErrReplaced is also ErrNotFound.
	ErrReplaced = fmt.Errorf("%w: its key was replaced", ErrNotFound)
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

	// Replaced is when another value took the place of the given one; zero if none
	// did. The state does not contain the new value: after Load it has only an ID,
	// after Commit only the owner and the data that were filed.
	Replaced time.Time
	// Given reports that the session under the new value belongs to another user:
	// then nobody can end it with the old value.
	Given bool
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

	// Follow saves the changes also if the session got another value after it was
	// loaded; without Follow that is [ErrEnded]. A Cycle is [ErrEnded] then in
	// any case, and a Flush ends the session in any case.
	Follow bool

	Age time.Duration // how long a session without an Expiry of its own lives from now
	Now time.Time     // the instant of the save
}

// Engine turns carried values into sessions and back.
type Engine interface {
	// Load finds what a carried value stands for. [ErrMalformed],
	// [ErrNotFound], [ErrReplaced] (with a state that says since when, and that
	// can be flushed), [ErrExpired] (with the state that still lies there) and
	// [ErrUnavailable] say why not. It never adopts a value it did not issue,
	// and never writes.
	Load(ctx context.Context, value string) (*State, error)

	// Commit applies changes to the state a Load gave (nil: there is none yet)
	// and returns what is there now, nil when nothing is. [ErrEnded] when the
	// session ended since, [ErrTooLarge], [ErrUnavailable]: nothing was saved
	// then. An error of Edit comes back as it is. A Flush ends the session even if
	// it got another value after Load, or gets one at the same moment.
	Commit(ctx context.Context, state *State, changes Changes) (*State, error)

	// Directory is nil where nothing lies on the server.
	Directory() Directory
}

// Directory is what an engine has whose sessions lie on a server: they can be
// found, listed and ended by others than those who carry them.
type Directory interface {
	// Find looks a session up by its ID, which no client could send.
	// ErrNotFound, ErrReplaced, ErrExpired (with the record), ErrUnavailable.
	Find(ctx context.Context, id ID) (Record, error)

	// Owned lists live sessions of one user as [Store.ByOwner] does: the last saved
	// first, without data, at most limit of them, those after the given one. Those
	// of engines with another purpose are not among them.
	Owned(ctx context.Context, user string, after Record, limit int) ([]Record, error)

	// End ends a session if its version is still the given one. Version 0 means any
	// version, and also ends the session if it got another ID within the last minute.
	// ErrNotFound, ErrConflict, ErrUnavailable.
	End(ctx context.Context, id ID, version uint64) error

	// Replace ends a session, if its version is still the given one, and notes that
	// the session with the ID by took its place at an instant. For a minute after
	// that, whoever ends the first session ends the second one, if both belong to the
	// same user. ErrNotFound (also if one of the two has expired), ErrReplaced,
	// ErrConflict, ErrUnavailable.
	//
	// Version 0 means any version, and follows the session if it got another ID; if
	// that ID is by, nothing is left to do. ErrNotFound, ErrUnavailable.
	Replace(ctx context.Context, id ID, version uint64, by ID, at time.Time) error

	// Point notes, for a value that stands for no session, that the session with the
	// ID to took its place at the instant now. For a minute, a request that carries
	// the value and flushes ends that session. ErrMalformed, ErrExists (the value
	// stands for something), ErrUnavailable.
	Point(ctx context.Context, value string, to ID, now time.Time) error

	// Trim removes sessions of this purpose that belong to no user, those saved
	// longest ago first, until the rest is within the quota, and returns how many
	// it removed. ErrUnavailable.
	Trim(ctx context.Context, keep Quota) (int, error)

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

// maxFollowed is how many changes of its key a session is followed through.
const maxFollowed = 1000

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
	e := &keyed{purpose: purpose, form: form, store: ofPurpose{tracedFor(store, purpose), purpose + ":"}}
	for i := range e.stripes {
		e.stripes[i] = make(stripe, 1)
	}
	return e
}

func (e *keyed) Load(ctx context.Context, key string) (*State, error) {
	if !e.form.valid(key) {
		return nil, ErrMalformed
	}
	rec, err := e.find(ctx, KeyID(e.purpose, key))
	switch {
	case errors.Is(err, ErrReplaced):
		// The state says when the key was replaced, but not by which: whoever carries
		// the old key may be a thief.
		_, same, _ := successor(rec)
		return &State{Record: Record{ID: rec.ID}, Replaced: rec.Saved, Given: !same}, err
	case err != nil && !errors.Is(err, ErrExpired):
		return nil, err
	}
	state, decodeErr := stateOf(key, rec)
	if decodeErr != nil {
		return nil, decodeErr
	}
	return state, err
}

func (e *keyed) Directory() Directory { return e }

func (e *keyed) Find(ctx context.Context, id ID) (Record, error) {
	rec, err := e.find(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return Record{}, err
	}
	return rec, err
}

// find is like Find, but if the record was replaced it also returns what is left of it.
func (e *keyed) find(ctx context.Context, id ID) (Record, error) {
	rec, err := e.store.Load(ctx, id)
	if _, _, replaced := successor(rec); !replaced {
		return rec, err
	}
	if err != nil {
		return rec, ErrNotFound // it was replaced more than a minute ago
	}
	return rec, ErrReplaced
}

func (e *keyed) Owned(ctx context.Context, user string, after Record, limit int) ([]Record, error) {
	return e.store.ByOwner(ctx, user, after, limit)
}

func (e *keyed) End(ctx context.Context, id ID, version uint64) error {
	if version != 0 {
		return e.store.Delete(ctx, id, version)
	}
	rec, err := e.find(ctx, id)
	_, _, moved := successor(rec)
	switch {
	case errors.Is(err, ErrReplaced):
		rec = Record{ID: id}
	case errors.Is(err, ErrNotFound) && !moved:
		return e.store.Delete(ctx, id, 0) // what cannot be read can still be removed
	case err != nil && !errors.Is(err, ErrExpired):
		return err
	}
	_, err = e.swap(ctx, rec, ofSameUser, e.remove(ctx))
	return gone(err)
}

func (e *keyed) Replace(ctx context.Context, id ID, version uint64, by ID, at time.Time) error {
	next, err := e.Find(ctx, by)
	if err != nil {
		return gone(err)
	}
	replace := e.replace(ctx, next, at)
	if version == 0 {
		_, err := e.swap(ctx, Record{ID: id}, ofSameUser, func(now Record) error {
			if now.ID == by {
				return nil
			}
			return replace(now)
		})
		return gone(err)
	}
	rec, err := e.Find(ctx, id)
	if err == nil && rec.Version != version {
		return ErrConflict
	}
	if err == nil {
		err = replace(rec)
	}
	return gone(err)
}

// gone is the error of a Directory for a session that has ended or expired.
func gone(err error) error {
	if errors.Is(err, ErrEnded) || errors.Is(err, ErrExpired) {
		return ErrNotFound
	}
	return err
}

func (e *keyed) Point(ctx context.Context, value string, to ID, now time.Time) error {
	if !e.form.valid(value) {
		return ErrMalformed
	}
	return e.store.Create(ctx, replaced(Record{ID: KeyID(e.purpose, value), Created: now}, to, true, now))
}

func (e *keyed) Trim(ctx context.Context, keep Quota) (int, error) {
	return e.store.Trim(ctx, "", keep)
}

func (e *keyed) ClearExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	return e.store.ClearExpired(ctx, before, limit)
}

func (e *keyed) Commit(ctx context.Context, state *State, ch Changes) (*State, error) {
	switch {
	case state == nil:
		return e.create(ctx, nil, ch)
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

// flush ends the record, or the one that took its place. Values that are set after
// the flush begin another session. It takes the place of this one, so a request that
// ends this one later ends it, too, unless it belongs to another user.
//
//  1. file those values under a new key, if there are any,
//  2. remove the old record or, if there is a new one, replace it by that.
//
// If 1 fails because the store cannot be reached, the old record is ended all the same:
// the visitor has to sign in again, and no session stays that they meant to end.
func (e *keyed) flush(ctx context.Context, state *State, ch Changes) (*State, error) {
	next, failed := e.create(ctx, nil, ch)
	if failed != nil && !errors.Is(failed, ErrUnavailable) {
		return nil, failed
	}
	end := e.remove(ctx)
	if next != nil {
		end = e.replace(ctx, next.Record, ch.Now)
	}
	if _, err := e.swap(ctx, state.Record, ofSameUser, end); err != nil && !errors.Is(err, ErrEnded) {
		return nil, errors.Join(err, e.takeBack(ctx, next))
	}
	return next, failed
}

// update swaps the record for one with the changes in it.
func (e *keyed) update(ctx context.Context, state *State, ch Changes) (next *State, err error) {
	follow := never
	if ch.Follow {
		follow = always
	}
	at, err := e.swap(ctx, state.Record, follow, func(now Record) error {
		from, err := state.asIn(now)
		if err != nil {
			return err
		}
		rec, values, err := ch.apply(now, from)
		if err != nil {
			return outcome{err}
		}
		if err = e.store.Update(ctx, rec); err != nil {
			return err
		}
		rec.Version++
		next = &State{Value: state.Value, Record: rec, Values: values, Filed: true}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !at.IsZero() {
		return &State{Replaced: at, Filed: true, Record: Record{Owner: next.Record.Owner, Data: next.Record.Data}}, nil
	}
	return next, nil
}

// cycle moves the session to a new key:
//
//  1. file its data, with the changes, under a new key,
//  2. replace the old record, if it is still the one whose data were filed,
//  3. if it changed in between, take the new record away again, load the old
//     one afresh and go on with 1: a write that was answered is never left behind.
//
// A crash after 1 leaves a record whose key nobody has; cleaning removes it.
//
// If the session got another key meanwhile, cycle ends with [ErrEnded]: a login that
// followed would give the new session to whoever has that other key.
func (e *keyed) cycle(ctx context.Context, state *State, ch Changes) (next *State, err error) {
	_, err = e.swap(ctx, state.Record, never, func(now Record) error {
		from, err := state.asIn(now)
		if err != nil {
			return err
		}
		if next, err = e.create(ctx, from, ch); err != nil {
			return outcome{err}
		}
		if err = e.replace(ctx, next.Record, ch.Now)(now); err != nil {
			if undo := e.takeBack(ctx, next); undo != nil {
				return undo
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return next, nil
}

// remove and replace are the two ways to end a record, for swap.
func (e *keyed) remove(ctx context.Context) func(Record) error {
	return func(now Record) error { return e.store.Delete(ctx, now.ID, now.Version) }
}

func (e *keyed) replace(ctx context.Context, by Record, at time.Time) func(Record) error {
	return func(now Record) error {
		return e.store.Update(ctx, replaced(now, by.ID, now.Owner == by.Owner, at))
	}
}

// takeBack removes a record whose key nobody has been told, if there is one.
func (e *keyed) takeBack(ctx context.Context, state *State) error {
	if state == nil {
		return nil
	}
	if err := e.store.Delete(ctx, state.Record.ID, 0); !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

// following says when swap goes on with the record that took another's place.
type following int

const (
	never      following = iota
	ofSameUser           // not past a login: a key from before it must end nothing after it
	always
)

// swap has act change or end a record in its newest version:
//
//  1. wait until no other goroutine of this process changes a record of the same
//     stripe, so that the first try mostly succeeds,
//  2. call act with the record as it was loaded (it is loaded first if its Version is
//     0, or if there was a wait),
//  3. if the stored record has another version by now ([ErrConflict]), load it afresh
//     and go on with 2,
//  4. if another record took its place and follow allows it, go on with that one;
//     at is when the first one was replaced, zero if it was not.
//
// [ErrEnded] if the record is gone or has expired, or was replaced and is not followed.
func (e *keyed) swap(ctx context.Context, rec Record, follow following, act func(now Record) error) (at time.Time, err error) {
	for range maxFollowed {
		err := e.swapOne(ctx, &rec, act)
		next, same, moved := successor(rec)
		switch {
		case !errors.Is(err, ErrReplaced):
			return at, meaning(err)
		case !moved || follow == never || follow == ofSameUser && !same:
			return at, ErrEnded
		}
		if at.IsZero() {
			at = rec.Saved
		}
		rec = Record{ID: next}
	}
	return at, fmt.Errorf("%w: the session changed its key more than %d times", ErrUnavailable, maxFollowed)
}

// swapOne does the first three of swap's steps, and leaves the record as it was
// last loaded. With [ErrReplaced] that record says what took its place.
func (e *keyed) swapOne(ctx context.Context, rec *Record, act func(now Record) error) error {
	stripe := e.stripes[rec.ID[0]]
	waited, err := stripe.lock(ctx)
	if err != nil {
		return err
	}
	defer stripe.unlock()
	// Whoever had the stripe before us has probably changed the record: a swap with
	// the version from before the wait would fail.
	fresh := rec.Version != 0 && !waited
	for try := 1; ; try++ {
		if !fresh {
			if *rec, err = e.find(ctx, rec.ID); err != nil && !errors.Is(err, ErrExpired) {
				return err
			}
		}
		if err = act(*rec); !errors.Is(err, ErrConflict) {
			return err
		}
		if try == maxTries {
			return fmt.Errorf("%w: %d swaps in a row met a newer version", ErrUnavailable, try)
		}
		if fresh = false; try > 1 {
			// Not just old, but changed since the last look: another process
			// is at this record. Step aside for a random moment, longer each
			// time, so that the two do not keep step.
			if err := pause(ctx, rand.N(time.Duration(min(try, 10))*time.Millisecond)); err != nil {
				return err
			}
		}
	}
}

// outcome wraps an error of the caller's own. It says nothing about the record, even if
// it is ErrNotFound, for example.
type outcome struct{ error }

// meaning is what swap's errors mean to a request that had found the session alive.
func meaning(err error) error {
	var own outcome
	switch {
	case errors.As(err, &own):
		return own.error
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrExpired):
		return ErrEnded
	default:
		return err
	}
}

// asIn returns the session's values in this version of its record, which may be newer
// than the one that was loaded.
func (s *State) asIn(rec Record) (Values, error) {
	if rec.ID == s.Record.ID && rec.Version == s.Record.Version && s.Values != nil {
		return s.Values, nil
	}
	state, err := stateOf(s.Value, rec)
	if err != nil {
		return nil, err
	}
	return state.Values, nil
}

// UnderWay is how long requests may still come with a key that was replaced: the client
// sent them before it had the new key. They find no session, can save none, and set no
// cookie.
const UnderWay = 10 * time.Second

// replacedFor is how long a replaced record still says which record took its place:
// longer than any request lasts.
const replacedFor = time.Minute

// The data of a replaced record begin with one of these. The data of a session never
// do: they are an object, whatever a program sets.
const (
	becameText = `"became `   // the session goes on under another ID
	givenText  = `"given to ` // the session under the other ID belongs to another user
)

// replaced is what is left of a record when another takes its place: the ID of that
// one, for requests that end or change the session late.
func replaced(rec Record, by ID, sameUser bool, now time.Time) Record {
	text := givenText
	if sameUser {
		text = becameText
	}
	return Record{
		ID: rec.ID, Version: rec.Version, Created: rec.Created, Saved: now, Expires: now.Add(replacedFor),
		Data: []byte(text + by.String() + `"`),
	}
}

// successor is the record that took the place of this one; ok is false if none did.
func successor(rec Record) (by ID, sameUser, ok bool) {
	for _, text := range []string{becameText, givenText} {
		if len(rec.Data) == len(text)+2*len(by)+1 && string(rec.Data[:len(text)]) == text {
			by, ok = ParseID(string(rec.Data[len(text) : len(rec.Data)-1]))
			return by, text == becameText, ok
		}
	}
	return by, false, false
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
// sessions does not hold her tokens. What belongs to no user is filed under the purpose
// alone, so each purpose has a quota of its own.
type ofPurpose struct {
	Store
	prefix string
}

func (s ofPurpose) filed(rec Record) Record {
	rec.Owner = s.prefix + rec.Owner
	return rec
}

func (s ofPurpose) found(rec Record) Record {
	rec.Owner = strings.TrimPrefix(rec.Owner, s.prefix)
	rec.Created, rec.Saved = inReach(rec.Created), inReach(rec.Saved)
	rec.Expires = notTooFar(rec.Expires, rec.Saved) // another program may have written a later time
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

func (s ofPurpose) Trim(ctx context.Context, owner string, keep Quota) (int, error) {
	return s.Store.Trim(ctx, s.prefix+owner, keep)
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
