// Session: one visitor's data during one request, in Django's vocabulary.

package sessions

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// Session is what a handler works with. Its methods touch memory only, but for
// Update; what changed is saved once, by [Hold], after the handler. It belongs
// to its request: not for several goroutines at once.
type Session struct {
	manager  *Manager
	carried  bool   // the request carried a value
	value    string // which
	state    *State // as loaded, nil when there is no live session
	rejected error  // why there is none
	lies     *State // the expired session that still lies there
	moved    *State // what is left under this key, if the session has another key now
	failed   error  // why the session could not be loaded; then nothing else is set

	values  Values // as the handler sees them
	owned   bool   // values is a copy of ours, not the state's own map
	changes Changes

	accessed, modified bool
	saved              bool // Update has saved already: the carrier is told at the end
	expendable         bool // see Expendable
}

// Get is the value of a key, nil when there is none (Django: session.get). A
// change inside a returned list or map is not noticed: Set it again.
func (s *Session) Get(key string) any {
	s.accessed = true
	return s.values.Get(key)
}

// Into decodes the value of a key into a Go value; found is false when there
// is none.
func (s *Session) Into(key string, into any) (found bool, err error) {
	s.accessed = true
	return s.values.Into(key, into)
}

// Text is the value of a key if it is a string, else "".
func (s *Session) Text(key string) string {
	s.accessed = true
	return s.values.Text(key)
}

// Has reports whether there is a key (Django: key in session).
func (s *Session) Has(key string) bool {
	s.accessed = true
	_, ok := s.values[key]
	return ok
}

// Keys are the keys in alphabetical order (Django: session.keys).
func (s *Session) Keys() []string {
	s.accessed = true
	return s.values.Keys()
}

// Values are the values in the order of Keys (Django: session.values).
func (s *Session) Values() []any {
	values := make([]any, 0, len(s.values))
	for _, key := range s.Keys() {
		values = append(values, s.values.Get(key))
	}
	return values
}

// Items is a copy of everything (Django: session.items).
func (s *Session) Items() map[string]any {
	items := make(map[string]any, len(s.values))
	for _, key := range s.Keys() {
		items[key] = s.values.Get(key)
	}
	return items
}

// Set puts a value under a key (Django: session[key] = value). The error, when
// JSON cannot hold the value, comes now and not at the save; the old value
// stays then.
func (s *Session) Set(key string, value any) error {
	s.own()
	if err := s.values.Set(key, value); err != nil {
		return err
	}
	s.change(key, s.values[key])
	return nil
}

// SetDefault sets a key unless it is there, and returns its value (Django:
// session.setdefault).
func (s *Session) SetDefault(key string, value any) (any, error) {
	if !s.Has(key) {
		if err := s.Set(key, value); err != nil {
			return nil, err
		}
	}
	return s.Get(key), nil
}

// Delete removes a key and reports whether it was there (Django: del
// session[key], which raises KeyError when it was not).
func (s *Session) Delete(key string) (existed bool) {
	if !s.Has(key) {
		return false
	}
	s.own()
	delete(s.values, key)
	s.change(key, nil)
	return true
}

// Pop removes a key and returns its value; existed is false when there was
// none (Django: session.pop).
func (s *Session) Pop(key string) (value any, existed bool) {
	value = s.Get(key)
	return value, s.Delete(key)
}

// Clear removes every value but keeps the key (Django: session.clear).
func (s *Session) Clear() {
	s.values, s.owned = Values{}, true
	s.changes.Clear, s.changes.Values = true, nil
	s.accessed, s.modified = true, true
}

// Flush ends the session: its record is removed, and what is set afterwards
// in this request begins a new one under a new key (Django: session.flush, which
// logout uses). A copy of the old key finds nothing. If another request has given the
// session a new key, after it was loaded or up to a minute before, it ends all the same.
func (s *Session) Flush() {
	s.values, s.owned = Values{}, true
	s.changes = Changes{Flush: true}
	s.accessed, s.modified = true, true
}

// CycleKey keeps the data and changes the key: to be called whenever somebody
// signs in, so that a key known from before is worth nothing (Django:
// session.cycle_key).
func (s *Session) CycleKey() {
	s.changes.Cycle = true
	s.accessed, s.modified = true, true
}

// SetExpiry says when the session ends: [Idle], [Until], [BrowserClose] or
// [Policy] (Django: session.set_expiry). [ErrExpiryTooFar] if that is more than [MaxAge]
// from now; the expiry that was set before stays then.
func (s *Session) SetExpiry(e Expiry) error {
	switch {
	case e.tooFar(s.manager.now()):
		return ErrExpiryTooFar
	case e.kind == byPolicy:
		s.Delete(expiryKey)
		return nil
	default:
		return s.Set(expiryKey, e)
	}
}

// ExpiryDate is when the session would end if it were saved now (Django:
// get_expiry_date).
func (s *Session) ExpiryDate() time.Time { return s.expiresAt(s.manager.now()) }

// ExpiryAge is how long the session would live if it were saved now (Django:
// get_expiry_age).
func (s *Session) ExpiryAge() time.Duration {
	saved := s.manager.now() // once: two readings of a clock are never the same
	return s.expiresAt(saved).Sub(saved)
}

func (s *Session) expiresAt(saved time.Time) time.Time {
	s.accessed = true
	return s.values.expiry().expiresAt(saved, s.manager.options.Age)
}

// ExpiresAtBrowserClose reports whether the cookie has no age of its own
// (Django: get_expire_at_browser_close).
func (s *Session) ExpiresAtBrowserClose() bool {
	s.accessed = true
	switch s.values.expiry().kind {
	case byPolicy:
		return s.manager.options.ExpireAtBrowserClose
	case atBrowserClose:
		return true
	default:
		return false
	}
}

// Update changes the stored session at once, atomically: change works on the
// values as they are in the store now, and no other request's change falls
// between its reading and its writing. It may be called several times, until a
// swap succeeds, so it must not do anything else. Its error ends the update and
// comes back unchanged. What Update saved stays, whatever becomes of the reply.
// With Options.FollowReplaced it also changes a session that got another key meanwhile:
// then the function change sees the values under that key, but this Session does not.
// Without that option it is [ErrEnded].
// (Django's session.update merges values; change can do that, and count, too.)
// [ErrNotSupported] where nothing lies on the server.
func (s *Session) Update(ctx context.Context, change func(Values) error) error {
	s.accessed = true
	if !s.manager.KeepsRecords() {
		return ErrNotSupported
	}
	if s.state == nil || s.changes.Flush || s.changes.Clear {
		return s.updateUnsaved(change)
	}
	state, err := s.manager.commit(ctx, s.state, Changes{Edit: change})
	if err != nil {
		return err
	}
	s.saved, s.modified = true, true
	if s.follows(state) {
		return nil
	}
	// What this request changed so far is still to be saved, on top of this.
	s.state = state
	s.values, s.owned = s.changes.over(state.Values), true
	return nil
}

// updateUnsaved serves Update where nobody else has a part in the values: the
// key is issued with the reply, or what others set is about to be cleared.
func (s *Session) updateUnsaved(change func(Values) error) error {
	before := s.values
	s.values, s.owned = maps.Clone(before), true
	if s.values == nil {
		s.values = Values{}
	}
	if err := change(s.values); err != nil {
		s.values, s.owned = before, false
		return err
	}
	for key := range before {
		if _, still := s.values[key]; !still {
			s.change(key, nil)
		}
	}
	for key, raw := range s.values {
		if string(before[key]) != string(raw) {
			s.change(key, raw)
		}
	}
	return nil
}

// Save saves what was changed so far, now instead of at the end (Django:
// session.save): for a program that must know the new key. What it saved stays,
// whatever becomes of the reply. It fails as an [Engine]'s Commit does.
func (s *Session) Save(ctx context.Context) error {
	if !s.changes.any() {
		return nil
	}
	return s.commit(ctx)
}

// Expendable lets the reply leave even if the store has no room for the changes of this
// session ([ErrFull]). The changes are lost then, and that is logged. It is for a session
// that only takes notes: they must not make a logout fail on a full disk.
func (s *Session) Expendable() { s.expendable = true }

// Discard forgets what was changed and is not saved yet: for a handler that
// answers a refused [Session.Save] by itself. Modified goes on telling that
// there was something.
func (s *Session) Discard() {
	s.values, s.owned, s.changes = nil, false, Changes{}
	if s.state != nil {
		s.values = s.state.Values
	}
}

// commit has the engine apply the changes.
func (s *Session) commit(ctx context.Context) error {
	from := s.state
	if from == nil && s.moved != nil && s.manager.now().Sub(s.moved.Replaced) < UnderWay {
		_, signsIn := s.changes.Values[UserKey]
		switch {
		case signsIn: // begins a session of its own, whatever the key stood for
		case !s.changes.Flush || s.moved.Given:
			return ErrEnded // the client is about to have the new key: nothing may take its place
		}
	}
	if from == nil && s.changes.Flush {
		from = s.moved // whoever has the key of a moment ago may still end the session
	}
	state, err := s.manager.commit(ctx, from, s.changes)
	if err != nil {
		return err
	}
	s.saved, s.changes = true, Changes{}
	if s.follows(state) {
		return nil
	}
	s.state, s.moved = state, nil
	if state != nil {
		s.values, s.owned = state.Values, false
	}
	return nil
}

// follows reports whether the changes were saved under another key. The session then
// stays as it was loaded: whoever carries the old key must not see the new state.
func (s *Session) follows(state *State) bool {
	if state == nil || state.Replaced.IsZero() {
		return false
	}
	s.moved = state
	return true
}

// Key is the key under which the session is stored, "" while it is not
// (Django: session_key).
func (s *Session) Key() string {
	if s.state == nil || s.changes.Flush {
		return ""
	}
	return s.state.Value
}

// Record is the session's record as it was loaded or last saved; ok is false
// while nothing lies on the server.
func (s *Session) Record() (rec Record, ok bool) {
	if s.state == nil || !s.state.Filed {
		return Record{}, false
	}
	return s.state.Record, true
}

// Rejected says why the request has no session: [ErrAbsent], [ErrMalformed],
// [ErrNotFound], [ErrReplaced] (which is also ErrNotFound), [ErrTampered] or
// [ErrExpired]; nil when it has one.
func (s *Session) Rejected() error { return s.rejected }

// Replaced is when another request gave the session a new key in place of the one that
// this request carries: before the session was loaded (then [Session.Rejected] is
// [ErrReplaced]), or between the load and a save under the new key (see
// Options.FollowReplaced). ok is false if that did not happen within the last minute.
func (s *Session) Replaced() (at time.Time, ok bool) {
	if s.moved == nil {
		return time.Time{}, false
	}
	return s.moved.Replaced, true
}

// Expired is the record of a session that has expired but still lies there.
func (s *Session) Expired() (rec Record, ok bool) {
	if s.lies == nil || !s.lies.Filed {
		return Record{}, false
	}
	return s.lies.Record, true
}

// Ends is when the session that came, or was last saved, ends or ended; zero
// when there is none.
func (s *Session) Ends() time.Time {
	switch {
	case s.state != nil:
		return s.state.Record.Expires
	case s.lies != nil:
		return s.lies.Record.Expires
	default:
		return time.Time{}
	}
}

// Accessed reports whether anything was read or changed (Django:
// session.accessed).
func (s *Session) Accessed() bool { return s.accessed }

// Modified reports whether anything was changed that will be saved (Django:
// session.modified).
func (s *Session) Modified() bool { return s.modified }

// own copies the state's values before the first change: they are what a
// commit starts from.
func (s *Session) own() {
	if !s.owned {
		s.values, s.owned = Changes{}.over(s.values), true
	}
}

// change notes that a key gets a value, or, with nil, that it goes.
func (s *Session) change(key string, raw json.RawMessage) {
	if s.changes.Values == nil {
		s.changes.Values = map[string]json.RawMessage{}
	}
	s.changes.Values[key] = raw
	s.accessed, s.modified = true, true
}

// any reports whether there is anything to save.
func (ch Changes) any() bool {
	return ch.Flush || ch.Cycle || ch.Clear || len(ch.Values) > 0 || ch.Edit != nil
}

// over is what the changes make of values.
func (ch Changes) over(values Values) Values {
	result := Values{}
	if !ch.Clear && !ch.Flush {
		maps.Copy(result, values)
	}
	for key, raw := range ch.Values {
		if raw == nil {
			delete(result, key)
		} else {
			result[key] = raw
		}
	}
	return result
}

// String names the session without its key, for logs.
func (s *Session) String() string {
	if s.state == nil {
		return fmt.Sprintf("no session (%v)", s.rejected)
	}
	return "session " + s.state.Record.ID.String()[:8]
}
