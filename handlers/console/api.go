// The session's calls for programs: POST /api/session/{op}. Each is one call of
// the session API, under Django's name, on the session that the request carries.

package console

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

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
	run   func(*sessionCall) (any, error)
}

// operations are all calls, as the API lists them.
var operations = []operation{
	{name: "get", needs: []string{"key"}, may: []string{"default"}, run: (*sessionCall).get},
	{name: "set", needs: []string{"key", "value"}, run: (*sessionCall).set},
	{name: "setdefault", needs: []string{"key", "value"}, run: (*sessionCall).setDefault},
	{name: "pop", needs: []string{"key"}, may: []string{"default"}, run: (*sessionCall).pop},
	{name: "delete", needs: []string{"key"}, run: (*sessionCall).delete},
	{name: "has", needs: []string{"key"}, run: func(s *sessionCall) (any, error) { return s.session.Has(s.key), nil }},
	{name: "keys", run: func(s *sessionCall) (any, error) { return append([]string{}, s.session.Keys()...), nil }},
	{name: "values", run: (*sessionCall).list},
	{name: "items", run: (*sessionCall).items},
	{name: "update", needs: []string{"values"}, run: (*sessionCall).update},
	{name: "add", needs: []string{"key"}, may: []string{"by"}, run: (*sessionCall).add},
	{name: "clear", run: func(s *sessionCall) (any, error) { s.session.Clear(); return nil, nil }},
	{name: "flush", run: func(s *sessionCall) (any, error) { s.session.Flush(); return nil, nil }},
	{name: "cycle_key", run: func(s *sessionCall) (any, error) { s.session.CycleKey(); return nil, nil }},
	{name: "set_expiry", one: []string{"seconds", "at", "browser_close", "reset"}, run: (*sessionCall).setExpiry},
	{name: "expiry", run: (*sessionCall).expires},
	{name: "exists", needs: []string{"session_key"}, run: func(s *sessionCall) (any, error) { return s.manager.Exists(s.ctx, s.sessionKey) }},
	{name: "clear_expired", run: func(s *sessionCall) (any, error) { return s.manager.ClearExpired(s.ctx) }},
}

func operationNamed(name string) (operation, bool) {
	for _, op := range operations {
		if op.name == name {
			return op, true
		}
	}
	return operation{}, false
}

// callAnswer is what a call answers.
type callAnswer struct {
	Op     string `json:"op"`
	Result any    `json:"result"` // null where there is no value
	// SessionKey is the key as it is after the save: null while nothing is stored.
	SessionKey *string `json:"session_key"`
	Accessed   bool    `json:"accessed"` // Django: session.accessed
	Modified   bool    `json:"modified"` // Django: session.modified
}

// expiryAnswer is the result of the call expiry: when the session would end if
// it were saved now.
type expiryAnswer struct {
	Seconds      int64     `json:"seconds"`
	At           time.Time `json:"at"`
	BrowserClose bool      `json:"browser_close"`
}

// Call serves POST /api/session/{op}.
func (h *Page) Call(c echo.Context) error {
	op, ok := operationNamed(c.Param("op"))
	if !ok {
		names := make([]string, len(operations))
		for i, op := range operations {
			names[i] = op.name
		}
		return input.NewProblem(http.StatusNotFound, "unknown_op", locale.Msg("session_api.unknown_op", locale.Args{"Ops": strings.Join(names, ", ")}))
	}
	body, _ := c.Get(input.JSONKey).([]byte)
	args, err := op.read(body)
	if err != nil {
		return err
	}
	answer, err := h.perform(c, op, args)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, answer)
}

// perform makes one call:
//
//  1. load the session,
//  2. think, for as long as the request asks: no lock is held, and whatever
//     others save meanwhile stays,
//  3. run the operation, in memory; add, exists and clear_expired ask the store,
//  4. save now, not at the end, since the answer tells the key.
func (h *Page) perform(c echo.Context, op operation, args arguments) (callAnswer, error) {
	session, err := h.auth.Lanes.Sessions.Load(c)
	if err != nil {
		return callAnswer{}, err
	}
	if err := think(c.Request().Context(), args.think); err != nil {
		return callAnswer{}, err
	}
	ctx := sessions.Saving(c) // from here on the work is finished even if the client hangs up
	result, err := op.run(&sessionCall{arguments: args, ctx: ctx, manager: h.auth.Lanes.Sessions, session: session})
	if err != nil {
		return callAnswer{}, err
	}
	if err := session.Save(ctx); err != nil {
		return callAnswer{}, err
	}
	return callAnswer{op.name, result, markup.TextOrNil(session.Key()), session.Accessed(), session.Modified()}, nil
}

// think waits as a slow handler would, unless the client goes away.
func think(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return input.NewProblem(http.StatusRequestTimeout, "gone", locale.Msg("session_api.gone")).Wrap(ctx.Err())
	}
}

// sessionCall is one call at work.
type sessionCall struct {
	arguments
	ctx     context.Context
	manager *sessions.Manager
	session *sessions.Session
}

// look is the value of a key as JSON: nothing is rounded on its way.
func (s *sessionCall) look(key string) (raw json.RawMessage, found bool) {
	found, err := s.session.Into(key, &raw)
	return raw, found && err == nil
}

func (s *sessionCall) get() (any, error) {
	if raw, found := s.look(s.key); found {
		return raw, nil
	}
	return s.fallback, nil
}

func (s *sessionCall) set() (any, error) {
	if err := writable(s.key); err != nil {
		return nil, err
	}
	return nil, s.session.Set(s.key, s.value)
}

func (s *sessionCall) setDefault() (any, error) {
	if err := writable(s.key); err != nil {
		return nil, err
	}
	if _, err := s.session.SetDefault(s.key, s.value); err != nil {
		return nil, err
	}
	raw, _ := s.look(s.key)
	return raw, nil
}

func (s *sessionCall) pop() (any, error) {
	if err := writable(s.key); err != nil {
		return nil, err
	}
	raw, found := s.look(s.key)
	if !found {
		return s.fallback, nil
	}
	s.session.Delete(s.key)
	return raw, nil
}

func (s *sessionCall) delete() (any, error) {
	if err := writable(s.key); err != nil {
		return nil, err
	}
	return s.session.Delete(s.key), nil
}

func (s *sessionCall) list() (any, error) {
	values := []json.RawMessage{}
	for _, key := range s.session.Keys() {
		raw, _ := s.look(key)
		values = append(values, raw)
	}
	return values, nil
}

func (s *sessionCall) items() (any, error) {
	items := map[string]json.RawMessage{}
	for _, key := range s.session.Keys() {
		items[key], _ = s.look(key)
	}
	return items, nil
}

func (s *sessionCall) update() (any, error) {
	for _, key := range sortedKeys(s.values) { // all before any is set
		if key == "" {
			return nil, input.NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("session_api.wrong_field", locale.Args{"Field": "values", "Must": locale.Msg("session_api.must.object")}))
		}
		if err := writable(key); err != nil {
			return nil, err
		}
	}
	for key, value := range s.values {
		if err := s.session.Set(key, value); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// add counts in the store at once: no other request's change falls between
// reading and writing. A key that is not there counts from 0.
func (s *sessionCall) add() (any, error) {
	if err := writable(s.key); err != nil {
		return nil, err
	}
	var sum int64
	err := s.session.Update(s.ctx, func(values sessions.Values) error {
		var old int64
		if raw, ok := values[s.key]; ok {
			if old, ok = wholeIn(raw); !ok {
				return input.NewProblem(http.StatusConflict, "not_whole", locale.Msg("session_api.not_whole", locale.Args{"Key": s.key}))
			}
		}
		if sum = old + s.by; (sum > old) != (s.by > 0) && s.by != 0 {
			return input.NewProblem(http.StatusConflict, "number_too_large", locale.Msg("session_api.sum_too_large", locale.Args{"Key": s.key}))
		}
		return values.Set(s.key, sum)
	})
	return sum, err
}

func (s *sessionCall) setExpiry() (any, error) {
	err := s.session.SetExpiry(s.expiry)
	if errors.Is(err, sessions.ErrExpiryTooFar) {
		return nil, input.NewProblem(http.StatusBadRequest, "expiry_too_far", locale.Msg("session_api.expiry_too_far")).Wrap(err)
	}
	return nil, err
}

func (s *sessionCall) expires() (any, error) {
	age := s.session.ExpiryAge()
	return expiryAnswer{int64(math.Floor(age.Seconds())), s.session.ExpiryDate(), s.session.ExpiresAtBrowserClose()}, nil
}

// writable refuses the keys that say who somebody is and when a session ends:
// those are set by signing in and by set_expiry.
func writable(key string) error {
	if strings.HasPrefix(key, "_") {
		return input.NewProblem(http.StatusForbidden, "reserved_key", locale.Msg("session_api.reserved", locale.Args{"Key": key}))
	}
	return nil
}
