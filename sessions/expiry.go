// Expiry: when a session ends, in the four ways of Django's set_expiry.

package sessions

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ErrExpiryTooFar: an expiry is more than [MaxAge], 400 days, from now. Nothing was
// changed.
var ErrExpiryTooFar = errors.New("sessions: the expiry is more than 400 days ahead")

// expiryKey is where a session keeps its own expiry among its data (Django:
// _session_expiry). It counts as data and shows among the keys.
const expiryKey = "_expiry"

// Expiry is when a session ends; the zero value follows the manager's options.
type Expiry struct {
	kind expiryKind
	idle time.Duration
	at   time.Time
}

type expiryKind int

const (
	byPolicy expiryKind = iota
	afterIdle
	atInstant
	atBrowserClose
)

// Idle ends a session this long after it was last saved; reading it is not
// activity (Django: set_expiry with an integer). Whole seconds; zero or less
// means that it is over at once.
func Idle(d time.Duration) Expiry { return Expiry{kind: afterIdle, idle: d.Truncate(time.Second)} }

// Until ends a session at a fixed instant, however often it is saved (Django:
// set_expiry with a datetime; its timedelta is Until(now.Add(d))). With an instant in
// the past the session expires at once. An instant before the year 1 or after 9999
// becomes the first or the last one between them.
func Until(t time.Time) Expiry { return Expiry{kind: atInstant, at: inReach(t)} }

// inReach returns an instant in UTC, moved into the years 1 to 9999 if it is outside:
// JSON and some databases take no other.
func inReach(t time.Time) time.Time {
	switch t = t.UTC(); {
	case t.Year() < 1:
		return time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	case t.Year() > 9999:
		return time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	default:
		return t
	}
}

// notTooFar returns expires, or MaxAge after the save if that is earlier: no session
// lives longer, whoever wrote its expiry.
func notTooFar(expires, saved time.Time) time.Time {
	if last := saved.Add(MaxAge); expires.After(last) {
		expires = last
	}
	return inReach(expires)
}

// BrowserClose makes the cookie one without Max-Age and Expires; the record
// still lives for Options.Age (Django: set_expiry(0)).
func BrowserClose() Expiry { return Expiry{kind: atBrowserClose} }

// Policy goes back to what the manager's options say (Django:
// set_expiry(None)).
func Policy() Expiry { return Expiry{} }

// expiresAt is the instant at which a session that is saved now ends.
func (e Expiry) expiresAt(saved time.Time, age time.Duration) time.Time {
	switch e.kind {
	case afterIdle:
		return notTooFar(saved.Add(e.idle), saved)
	case atInstant:
		return notTooFar(e.at, saved)
	default:
		return saved.Add(age).UTC()
	}
}

// tooFar reports whether this expiry is more than MaxAge after now.
func (e Expiry) tooFar(now time.Time) bool {
	return e.idle > MaxAge || (e.kind == atInstant && e.at.After(now.Add(MaxAge)))
}

// MarshalJSON writes seconds, an instant as text, or "browser_close".
func (e Expiry) MarshalJSON() ([]byte, error) {
	switch e.kind {
	case afterIdle:
		return json.Marshal(int64(e.idle / time.Second))
	case atInstant:
		return json.Marshal(e.at.Format(time.RFC3339Nano))
	case atBrowserClose:
		return []byte(`"browser_close"`), nil
	default:
		return []byte("null"), nil
	}
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (e *Expiry) UnmarshalJSON(raw []byte) error {
	var seconds int64
	var text string
	switch {
	case string(raw) == "null":
		*e = Policy()
	case json.Unmarshal(raw, &seconds) == nil:
		const most = int64(MaxAge / time.Second) // a store may hold more, which would overflow a Duration
		*e = Idle(time.Duration(max(-most, min(seconds, most))) * time.Second)
	case json.Unmarshal(raw, &text) != nil:
		return fmt.Errorf("sessions: %s is no expiry", raw)
	case text == "browser_close":
		*e = BrowserClose()
	default:
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return fmt.Errorf("sessions: %q is no expiry", text)
		}
		*e = Until(at)
	}
	return nil
}

// expiry is the session's own expiry. Data that cannot be one follow the
// policy: they were not written by SetExpiry.
func (v Values) expiry() Expiry {
	var e Expiry
	if _, err := v.Into(expiryKey, &e); err != nil {
		return Policy()
	}
	return e
}
