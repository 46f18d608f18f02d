// The operations: each is one call of the session API, under Django's name, with what it does
// to a session. The page offers them as calls, and the API to programs.

package console

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strings"
	"time"

	"cookielab/handlers/input"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/sessions"
)

// operation is one call and the fields of its body.
type operation struct {
	name  string
	needs []string
	one   []string // exactly one of these
	may   []string
	run   func(*invocation) (any, error)
}

// operations are all calls, as the API lists them.
var operations = []operation{
	{name: "get", needs: []string{"key"}, may: []string{"default"}, run: (*invocation).get},
	{name: "set", needs: []string{"key", "value"}, run: (*invocation).set},
	{name: "setdefault", needs: []string{"key", "value"}, run: (*invocation).setDefault},
	{name: "pop", needs: []string{"key"}, may: []string{"default"}, run: (*invocation).pop},
	{name: "delete", needs: []string{"key"}, run: (*invocation).delete},
	{name: "has", needs: []string{"key"}, run: func(inv *invocation) (any, error) { return inv.session.Has(inv.key), nil }},
	{name: "keys", run: func(inv *invocation) (any, error) { return append([]string{}, inv.session.Keys()...), nil }},
	{name: "values", run: (*invocation).list},
	{name: "items", run: (*invocation).items},
	{name: "update", needs: []string{"values"}, run: (*invocation).update},
	{name: "add", needs: []string{"key"}, may: []string{"by"}, run: (*invocation).add},
	{name: "clear", run: func(inv *invocation) (any, error) { inv.session.Clear(); return nil, nil }},
	{name: "flush", run: func(inv *invocation) (any, error) { inv.session.Flush(); return nil, nil }},
	{name: "cycle_key", run: func(inv *invocation) (any, error) { inv.session.CycleKey(); return nil, nil }},
	{name: "set_expiry", one: []string{"seconds", "at", "browser_close", "reset"}, run: (*invocation).setExpiry},
	{name: "expiry", run: (*invocation).expires},
	{name: "exists", needs: []string{"session_key"}, run: func(inv *invocation) (any, error) { return inv.manager.Exists(inv.ctx, inv.sessionKey) }},
	{name: "clear_expired", run: func(inv *invocation) (any, error) { return inv.manager.ClearExpired(inv.ctx) }},
}

func operationNamed(name string) (operation, bool) {
	for _, op := range operations {
		if op.name == name {
			return op, true
		}
	}
	return operation{}, false
}

// Calls of the page alone: a program gets the key with every answer, and ends a
// session by flush.
var (
	sessionKeyOp   = operation{name: "session_key", run: func(inv *invocation) (any, error) { return markup.TextOrNil(inv.session.Key()), nil }}
	deleteRecordOp = operation{name: "delete()", run: (*invocation).deleteRecord}
)

// invocation is one operation at work: its arguments, and the session that it works on.
type invocation struct {
	arguments
	ctx     context.Context
	manager *sessions.Manager
	session *sessions.Session
}

// look is the value of a key as JSON: nothing is rounded on its way.
func (inv *invocation) look(key string) (raw json.RawMessage, found bool) {
	found, err := inv.session.Into(key, &raw)
	return raw, found && err == nil
}

func (inv *invocation) get() (any, error) {
	if raw, found := inv.look(inv.key); found {
		return raw, nil
	}
	return inv.fallback, nil
}

func (inv *invocation) set() (any, error) {
	if err := writable(inv.key); err != nil {
		return nil, err
	}
	return nil, inv.session.Set(inv.key, inv.value)
}

func (inv *invocation) setDefault() (any, error) {
	if err := writable(inv.key); err != nil {
		return nil, err
	}
	if _, err := inv.session.SetDefault(inv.key, inv.value); err != nil {
		return nil, err
	}
	raw, _ := inv.look(inv.key)
	return raw, nil
}

func (inv *invocation) pop() (any, error) {
	if err := writable(inv.key); err != nil {
		return nil, err
	}
	raw, found := inv.look(inv.key)
	if !found {
		return inv.fallback, nil
	}
	inv.session.Delete(inv.key)
	return raw, nil
}

func (inv *invocation) delete() (any, error) {
	if err := writable(inv.key); err != nil {
		return nil, err
	}
	return inv.session.Delete(inv.key), nil
}

func (inv *invocation) list() (any, error) {
	values := []json.RawMessage{}
	for _, key := range inv.session.Keys() {
		raw, _ := inv.look(key)
		values = append(values, raw)
	}
	return values, nil
}

func (inv *invocation) items() (any, error) {
	items := map[string]json.RawMessage{}
	for _, key := range inv.session.Keys() {
		items[key], _ = inv.look(key)
	}
	return items, nil
}

func (inv *invocation) update() (any, error) {
	for _, key := range sortedKeys(inv.values) { // all before any is set
		if key == "" {
			return nil, input.NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("session_api.wrong_field", locale.Args{"Field": "values", "Must": locale.Msg("session_api.must.object")}))
		}
		if err := writable(key); err != nil {
			return nil, err
		}
	}
	for key, value := range inv.values {
		if err := inv.session.Set(key, value); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// add counts in the store at once: no other request's change falls between
// reading and writing. A key that is not there counts from 0.
func (inv *invocation) add() (any, error) {
	if err := writable(inv.key); err != nil {
		return nil, err
	}
	var sum int64
	err := inv.session.Update(inv.ctx, func(values sessions.Values) error {
		var old int64
		if raw, ok := values[inv.key]; ok {
			if old, ok = wholeIn(raw); !ok {
				return input.NewProblem(http.StatusConflict, "not_whole", locale.Msg("session_api.not_whole", locale.Args{"Key": inv.key}))
			}
		}
		if sum = old + inv.by; (sum > old) != (inv.by > 0) && inv.by != 0 {
			return input.NewProblem(http.StatusConflict, "number_too_large", locale.Msg("session_api.sum_too_large", locale.Args{"Key": inv.key}))
		}
		return values.Set(inv.key, sum)
	})
	return sum, err
}

func (inv *invocation) setExpiry() (any, error) {
	err := inv.session.SetExpiry(inv.expiry)
	if errors.Is(err, sessions.ErrExpiryTooFar) {
		return nil, input.NewProblem(http.StatusBadRequest, "expiry_too_far", locale.Msg("session_api.expiry_too_far")).Wrap(err)
	}
	return nil, err
}

// expiryAnswer is the result of the call expiry: when the session would end if
// it were saved now.
type expiryAnswer struct {
	Seconds      int64     `json:"seconds"`
	At           time.Time `json:"at"`
	BrowserClose bool      `json:"browser_close"`
}

func (inv *invocation) expires() (any, error) {
	age := inv.session.ExpiryAge()
	return expiryAnswer{int64(math.Floor(age.Seconds())), inv.session.ExpiryDate(), inv.session.ExpiresAtBrowserClose()}, nil
}

// deleteRecord removes the record and nothing else: the browser keeps its key.
func (inv *invocation) deleteRecord() (any, error) {
	if !inv.manager.KeepsRecords() {
		return nil, sessions.ErrNotSupported
	}
	record, ok := inv.session.Record()
	if !ok {
		return nil, nil
	}
	return nil, endedIsFine(inv.manager.End(inv.ctx, record.ID, 0))
}

// writable refuses the keys that say who somebody is and when a session ends:
// those are set by signing in and by set_expiry.
func writable(key string) error {
	if strings.HasPrefix(key, "_") {
		return input.NewProblem(http.StatusForbidden, "reserved_key", locale.Msg("session_api.reserved", locale.Args{"Key": key}))
	}
	return nil
}
