// Signed cookies: the engine that keeps nothing on the server. The value that
// the client carries is the session itself, sealed.

package sessions

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// SignedCookies is the engine whose carried value holds the whole session,
// sealed by the signer (Django: the session engine signed_cookies). Whoever
// carries it can read it, unless the signer is of [NewEncrypter], and cannot
// change it. There is no store to ask, to fill or to share; servers need the
// same secrets, that is all.
//
// What it cannot do, for that same reason:
//
//   - revoke: after Flush and CycleKey the client has no or another value, but a
//     copy of the old one goes on working until its time is over;
//   - list: nobody knows which sessions a user has, so [Manager.Owned],
//     [Manager.End] and [Manager.Find] answer [ErrNotSupported];
//   - merge: of two requests at work at once, each begins with what the client
//     sent, and the reply that comes last wins. [Session.Update] could not keep
//     its promise and answers [ErrNotSupported].
//
// The expiry stands inside, under the seal, and is judged by our clock. What
// would not fit into a cookie is [ErrTooLarge]; the client keeps what it had.
// Secrets can rotate: a value that an older one sealed is given out anew, with
// the same expiry, by the next request that loads it. A nil clock is time.Now.
func SignedCookies(signer *Signer, clock Clock) Engine { return signedCookies{signer, clock} }

type signedCookies struct {
	signer *Signer
	clock  Clock
}

// sealedSession is what lies under the seal. Short names: each byte takes
// almost two of the cookie's 4096. Times are microseconds since 1970, UTC.
type sealedSession struct {
	ID      string          `json:"id"` // random, so that CycleKey changes the value
	Created int64           `json:"iat"`
	Saved   int64           `json:"saved"`
	Expires int64           `json:"exp"`
	Data    json.RawMessage `json:"data"`
}

// Directory is nil: there is none.
func (signedCookies) Directory() Directory { return nil }

// Load checks, in this order, and the first failure decides:
//
//  1. the outer form of the value, and its length (ErrMalformed),
//  2. the seal (ErrTampered); nothing inside is looked at before it holds,
//  3. that a session lies inside (ErrMalformed),
//  4. its expiry (ErrExpired).
func (e signedCookies) Load(_ context.Context, value string) (*State, error) {
	var sealed sealedSession
	secret, err := e.signer.verify(value, &sealed)
	if errors.Is(err, ErrUnreadable) || errors.Is(err, ErrTooLong) {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if err != nil {
		return nil, err
	}
	values, err := DecodeValues(sealed.Data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	state := &State{Value: value, Values: values, Record: Record{
		ID: idOfText(sealed.ID), Owner: values.Text(UserKey), Data: sealed.Data,
		Created: inReach(time.UnixMicro(sealed.Created)), Saved: inReach(time.UnixMicro(sealed.Saved)),
	}}
	state.Record.Expires = notTooFar(time.UnixMicro(sealed.Expires), state.Record.Saved)
	if !state.Record.Expires.After(e.clock.Now()) {
		return state, ErrExpired
	}
	if secret > 0 {
		if state.Value, err = e.seal(state.Record); err != nil {
			return nil, err
		}
	}
	return state, nil
}

// Commit seals the changed session; nothing else has to be told.
func (e signedCookies) Commit(_ context.Context, state *State, ch Changes) (*State, error) {
	if ch.Edit != nil {
		return nil, ErrNotSupported
	}
	var from Values
	rec := Record{Created: ch.Now}
	if state != nil && !ch.Flush {
		if !state.Record.Expires.After(ch.Now) {
			return nil, ErrEnded // it was alive when the request began
		}
		if from = state.Values; !ch.Cycle {
			rec = state.Record
		}
	}
	if rec.ID == (ID{}) {
		rand.Read(rec.ID[:idBytes]) // never fails
	}
	rec, values, err := ch.apply(rec, from)
	if err != nil || (len(values) == 0 && from == nil) {
		return nil, err
	}
	sealed, err := e.seal(rec)
	if err != nil {
		return nil, err
	}
	return &State{Value: sealed, Record: rec, Values: values}, nil
}

func (e signedCookies) seal(rec Record) (string, error) {
	value, err := e.signer.Sign(sealedSession{
		ID: textOfID(rec.ID), Created: rec.Created.UnixMicro(), Saved: rec.Saved.UnixMicro(),
		Expires: rec.Expires.UnixMicro(), Data: rec.Data,
	})
	if errors.Is(err, ErrTooLong) {
		return "", fmt.Errorf("%w for a cookie: %w", ErrTooLarge, err)
	}
	return value, err
}

// idBytes of an ID are random here: 128 bits, 22 characters.
const idBytes = 16

func textOfID(id ID) string { return base64.RawURLEncoding.EncodeToString(id[:idBytes]) }

func idOfText(text string) (id ID) {
	// Only what we sealed comes here; from anything else, as much as can be read.
	raw, _ := base64.RawURLEncoding.DecodeString(text)
	copy(id[:idBytes], raw)
	return id
}
