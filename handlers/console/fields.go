// The fields of a session call: what each must be, and what JSON is taken at all.

package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"cookielab/handlers/input"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/sessions"
)

// The bounds of a session call.
const (
	maxThink = 2 * time.Second
	maxDepth = 100 // of lists and objects within each other
)

// arguments are the fields of a call, read.
type arguments struct {
	key, sessionKey string
	value, fallback json.RawMessage // fallback is the field "default"; nil: none
	values          map[string]json.RawMessage
	by              int64
	expiry          sessions.Expiry
	think           time.Duration
}

// argument says what a field must be, in words, and reads it; false: it is not that.
type argument struct {
	must string
	read func(args *arguments, raw json.RawMessage) bool
}

var argumentsByName = map[string]argument{
	"key": {"session_api.must.name", func(args *arguments, raw json.RawMessage) (ok bool) {
		args.key, ok = textIn(raw)
		return ok && args.key != ""
	}},
	"session_key": {"session_api.must.text", func(args *arguments, raw json.RawMessage) (ok bool) {
		args.sessionKey, ok = textIn(raw)
		return ok
	}},
	"value":   {"", func(args *arguments, raw json.RawMessage) bool { args.value = raw; return true }},
	"default": {"", func(args *arguments, raw json.RawMessage) bool { args.fallback = raw; return true }},
	"values": {"session_api.must.object", func(args *arguments, raw json.RawMessage) bool {
		return raw[0] == '{' && json.Unmarshal(raw, &args.values) == nil
	}},
	"by": {"session_api.must.whole", func(args *arguments, raw json.RawMessage) (ok bool) {
		args.by, ok = wholeIn(raw)
		return ok
	}},
	"seconds": {"session_api.must.seconds", func(args *arguments, raw json.RawMessage) bool {
		const most = int64(sessions.MaxAge / time.Second)
		seconds, ok := wholeIn(raw)
		if !ok || seconds > most || seconds < -most {
			return false
		}
		args.expiry = sessions.Idle(time.Duration(seconds) * time.Second)
		return true
	}},
	"at": {"session_api.must.instant", func(args *arguments, raw json.RawMessage) bool {
		text, _ := textIn(raw)
		at, err := time.Parse(time.RFC3339Nano, text)
		args.expiry = sessions.Until(at)
		return err == nil
	}},
	"browser_close": {"session_api.must.true", func(args *arguments, raw json.RawMessage) bool {
		args.expiry = sessions.BrowserClose()
		return string(raw) == "true"
	}},
	"reset": {"session_api.must.true", func(args *arguments, raw json.RawMessage) bool {
		args.expiry = sessions.Policy()
		return string(raw) == "true"
	}},
	"think_ms": {"session_api.must.think", func(args *arguments, raw json.RawMessage) bool {
		ms, ok := wholeIn(raw)
		if !ok || ms < 0 || ms > int64(maxThink/time.Millisecond) {
			return false
		}
		args.think = time.Duration(ms) * time.Millisecond
		return true
	}},
}

// read reads the body of a call: one object with the fields that the operation
// needs, perhaps those that it may have, and no other. What is wrong is a 400
// that names it.
func (op operation) read(body []byte) (arguments, error) {
	args := arguments{by: 1}
	bad := func(sentence locale.Message) (arguments, error) {
		return arguments{}, input.NewProblem(http.StatusBadRequest, "bad_request", sentence)
	}
	if len(body) == 0 {
		body = []byte("{}")
	}
	if err := checkJSON(body); err != nil {
		return arguments{}, err
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(body, &fields); err != nil || fields == nil {
		return bad(locale.Msg("error.json_object"))
	}
	takes := slices.Concat(op.needs, op.one, op.may, []string{"think_ms"})
	for _, name := range sortedKeys(fields) {
		if !slices.Contains(takes, name) {
			return bad(locale.Msg("session_api.unknown_field", locale.Args{"Op": op.name, "Field": markup.Clip(name, markup.MaxValueText), "Fields": strings.Join(takes, ", ")}))
		}
	}
	for _, name := range op.needs {
		if _, ok := fields[name]; !ok {
			return bad(locale.Msg("session_api.missing", locale.Args{"Op": op.name, "Field": name}))
		}
	}
	given := slices.DeleteFunc(slices.Clone(op.one), func(name string) bool { _, ok := fields[name]; return !ok })
	if len(op.one) > 0 && len(given) != 1 {
		return bad(locale.Msg("session_api.exactly_one", locale.Args{"Op": op.name, "Fields": strings.Join(op.one, ", ")}))
	}
	for _, name := range sortedKeys(fields) {
		if field := argumentsByName[name]; !field.read(&args, fields[name]) {
			return bad(locale.Msg("session_api.wrong_field", locale.Args{"Field": name, "Must": locale.Msg(field.must)}))
		}
	}
	return args, nil
}

func sortedKeys(fields map[string]json.RawMessage) []string { return sessions.Values(fields).Keys() }

// textIn is a JSON string; ok is false for anything else, null too.
func textIn(raw json.RawMessage) (text string, ok bool) {
	return text, raw[0] == '"' && json.Unmarshal(raw, &text) == nil
}

// wholeIn is a JSON number without fraction or exponent, of 64 bits.
func wholeIn(raw json.RawMessage) (int64, bool) {
	n, err := strconv.ParseInt(string(raw), 10, 64)
	return n, err == nil
}

// checkJSON refuses what some reader of the session would take for something
// else than the next: text that is no UTF-8, a name that stands twice in an
// object, a number too large for any machine's, nesting without end.
func checkJSON(body []byte) error {
	bad := func(sentence locale.Message) error {
		return input.NewProblem(http.StatusBadRequest, "bad_request", sentence)
	}
	if !utf8.Valid(body) {
		return bad(locale.Msg("error.broken_json"))
	}
	type level struct {
		names map[string]bool // nil in a list
		named bool            // the next token is the value of a name
	}
	var levels []level
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return bad(locale.Msg("error.broken_json"))
		}
		if end, ok := token.(json.Delim); ok && (end == '}' || end == ']') {
			levels = levels[:len(levels)-1]
			continue
		}
		if n := len(levels); n > 0 && levels[n-1].names != nil {
			at := &levels[n-1]
			if at.named = !at.named; at.named {
				name, _ := token.(string)
				if at.names[name] {
					return bad(locale.Msg("session_api.twice", locale.Args{"Field": markup.Clip(name, markup.MaxValueText)}))
				}
				at.names[name] = true
				continue
			}
		}
		switch token := token.(type) {
		case json.Delim:
			if len(levels) == maxDepth {
				return bad(locale.Msg("session_api.too_deep", locale.Args{"Most": maxDepth}))
			}
			inner := level{}
			if token == '{' {
				inner.names = map[string]bool{}
			}
			levels = append(levels, inner)
		case json.Number:
			if _, err := token.Float64(); err != nil {
				return bad(locale.Msg("session_api.too_large_number"))
			}
		}
	}
}
