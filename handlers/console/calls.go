// The console's calls: what the notes name of Django's session API, each with
// the line of Django and the line of Go. A test compiles the latter.

package console

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/locale"
	"cookielab/sessions"
)

// group is one row of calls.
type group struct {
	Title string // a label
	Calls []*entry
}

// entry is one call, as the page offers it.
type entry struct {
	ID         string // in the address and in the form
	Name       string // on the link; names of code are the same in every language
	Title      string // a label instead, where it has no such name
	Django, Go string
	Note       string // a label: what the notes leave out, or say otherwise
	Op         operation
	Fields     []field
	Fixed      map[string]string // fields that are what the call is, as JSON
	NeedsStore bool              // the engine signed_cookies cannot do it
}

// field is one field of the form and, as JSON or as text, what stands in
// it at first.
type field struct {
	Name, Value string
	Text        bool // it is text, whatever it looks like
}

// atOnce is the entry that sends two calls at the same time.
const atOnce = "at_once"

// counter is the key under which the console counts.
const counter = "visits"

// groups are all calls in the order of the notes.
func (h *Page) groups(c echo.Context) []group {
	op := func(name string) operation {
		op, _ := operationNamed(name)
		return op
	}
	key, value := field{"key", "k1", true}, field{"value", "123", false}
	current := ""
	if cookies := sessions.ReadCookies(c.Request(), h.auth.Lanes.Sessions.Options().Name); len(cookies) > 0 {
		current = cookies[0]
	}
	inAnHour := h.site.Clock.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	return []group{
		{"console.group.read", []*entry{
			{ID: "get", Name: "get", Op: op("get"), Fields: []field{key, {"default", "", false}}, Note: "console.note.get",
				Django: "request.session.get('k1', None)", Go: `value := session.Get("k1")`},
			{ID: "has", Name: "in", Op: op("has"), Fields: []field{key}, Note: "console.note.has",
				Django: "'k1' in request.session", Go: `there := session.Has("k1")`},
		}},
		{"console.group.write", []*entry{
			{ID: "set", Name: "[k] = v", Op: op("set"), Fields: []field{key, value}, Note: "console.note.set",
				Django: "request.session['k1'] = 123", Go: `err := session.Set("k1", 123)`},
			{ID: "setdefault", Name: "setdefault", Op: op("setdefault"), Fields: []field{key, value}, Note: "console.note.setdefault",
				Django: "request.session.setdefault('k1', 123)", Go: `value, err := session.SetDefault("k1", 123)`},
			{ID: "update", Name: "update", Op: op("update"), Fields: []field{{"values", `{"a":1,"b":2}`, false}}, Note: "console.note.update",
				Django: "request.session.update({'a': 1, 'b': 2})", Go: "err := session.Set(\"a\", 1)\nerr = session.Set(\"b\", 2)"},
			{ID: "add", Name: "add", Op: op("add"), Fields: []field{{"key", counter, true}, {"by", "1", false}}, Note: "console.note.add", NeedsStore: true,
				Django: "n = request.session.get('visits', 0)\nrequest.session['visits'] = n + 1", Go: goAdd},
			{ID: "pop", Name: "pop", Op: op("pop"), Fields: []field{key, {"default", "", false}}, Note: "console.note.pop",
				Django: "request.session.pop('k1', None)", Go: `value, existed := session.Pop("k1")`},
			{ID: "delete", Name: "del [k]", Op: op("delete"), Fields: []field{key}, Note: "console.note.delete",
				Django: "del request.session['k1']", Go: `existed := session.Delete("k1")`},
		}},
		{"console.group.lists", []*entry{
			{ID: "keys", Name: "keys", Op: op("keys"), Note: "console.note.keys", Django: "request.session.keys()", Go: "keys := session.Keys()"},
			{ID: "values", Name: "values", Op: op("values"), Note: "console.note.values", Django: "request.session.values()", Go: "values := session.Values()"},
			{ID: "items", Name: "items", Op: op("items"), Note: "console.note.items", Django: "request.session.items()", Go: "items := session.Items()"},
		}},
		{"console.group.life", []*entry{
			{ID: "seconds", Name: "set_expiry(300)", Op: op("set_expiry"), Fields: []field{{"seconds", "300", false}}, Note: "console.note.seconds",
				Django: "request.session.set_expiry(300)", Go: "err := session.SetExpiry(sessions.Idle(300 * time.Second))"},
			{ID: "at", Name: "(datetime)", Op: op("set_expiry"), Fields: []field{{"at", inAnHour, true}}, Note: "console.note.at",
				Django: "request.session.set_expiry(at)  # datetime, timedelta", Go: "err := session.SetExpiry(sessions.Until(at))"},
			{ID: "browser_close", Name: "(0)", Op: op("set_expiry"), Fixed: map[string]string{"browser_close": "true"}, Note: "console.note.browser_close",
				Django: "request.session.set_expiry(0)", Go: "err := session.SetExpiry(sessions.BrowserClose())"},
			{ID: "reset", Name: "(None)", Op: op("set_expiry"), Fixed: map[string]string{"reset": "true"}, Note: "console.note.reset",
				Django: "request.session.set_expiry(None)", Go: "err := session.SetExpiry(sessions.Policy())"},
			{ID: "expiry", Name: "get_expiry_…", Op: op("expiry"), Note: "console.note.expiry", Django: "session = request.session\nsession.get_expiry_age()\nsession.get_expiry_date()\nsession.get_expire_at_browser_close()",
				Go: "age := session.ExpiryAge()\ndate := session.ExpiryDate()\natClose := session.ExpiresAtBrowserClose()"},
			{ID: "cycle_key", Name: "cycle_key", Op: op("cycle_key"), Note: "console.note.cycle_key", Django: "request.session.cycle_key()", Go: "session.CycleKey()"},
			{ID: "clear", Name: "clear", Op: op("clear"), Note: "console.note.clear", Django: "request.session.clear()", Go: "session.Clear()"},
			{ID: "flush", Name: "flush", Op: op("flush"), Note: "console.note.flush", Django: "request.session.flush()", Go: "session.Flush()"},
		}},
		{"console.group.house", []*entry{
			{ID: "session_key", Name: "session_key", Op: sessionKeyOp, Note: "console.note.session_key", Django: "request.session.session_key", Go: "key := session.Key()"},
			{ID: "exists", Name: "exists", Op: op("exists"), Fields: []field{{"session_key", current, true}}, Note: "console.note.exists",
				Django: "request.session.exists(key)", Go: "there, err := manager.Exists(ctx, key)"},
			{ID: "delete_record", Name: "delete()", Op: deleteRecordOp, Note: "console.note.delete_record", NeedsStore: true,
				Django: "request.session.delete()", Go: "err := manager.End(ctx, record.ID, 0)"},
			{ID: "clear_expired", Name: "clear_expired", Op: op("clear_expired"), Note: "console.note.clear_expired",
				Django: "request.session.clear_expired()", Go: "n, err := manager.ClearExpired(ctx)"},
		}},
		{"console.group.at_once", []*entry{
			{ID: atOnce, Title: "console.at_once", Note: "console.note.at_once"},
		}},
	}
}

// goAdd is the one call that is more than a line.
const goAdd = `increment := func(v sessions.Values) error {
    n, _ := v.Get("visits").(int64)
    return v.Set("visits", n+1)
}
err := session.Update(ctx, increment)`

// entry finds the call that an address or a form names.
func (h *Page) entry(c echo.Context, id string) (*entry, []group, error) {
	groups := h.groups(c)
	for _, g := range groups {
		for _, e := range g.Calls {
			if e.ID == id {
				return e, groups, nil
			}
		}
	}
	return nil, nil, input.NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("console.unknown"))
}
