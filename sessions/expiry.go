// Expiry: when a session ends, in the four ways of Django's set_expiry.

package sessions

import (
	"encoding/json"
	"fmt"
	"time"
)

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
// set_expiry with a datetime; its timedelta is Until(now.Add(d))). Years that
// its text form does not have, below 0 and above 9999, mean the nearest.
func Until(t time.Time) Expiry {
	first, last := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	if t.Before(first) {
		t = first
	} else if t.After(last) {
		t = last
	}
	return Expiry{kind: atInstant, at: t}
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
		return saved.Add(e.idle)
	case atInstant:
		return e.at
	default:
		return saved.Add(age)
	}
}

// MarshalJSON writes seconds, an instant as text, or "browser_close".
func (e Expiry) MarshalJSON() ([]byte, error) {
	switch e.kind {
	case afterIdle:
		return json.Marshal(int64(e.idle / time.Second))
	case atInstant:
		return json.Marshal(e.at.UTC().Format(time.RFC3339Nano))
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
		*e = Idle(time.Duration(seconds) * time.Second)
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
