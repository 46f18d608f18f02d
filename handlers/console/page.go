// Package console offers every call of the session API: by hand, by program, and two at
// once.
package console

import (
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/auth"
	"cookielab/handlers/diagram"
	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
	"cookielab/handlers/web"
	"cookielab/sessions"
)

// call is the last call that was made, as a Log keeps it: short texts
// only, so that memory stays flat.
type call struct {
	entry  string
	inputs map[string]string // what stood in the fields

	Status             int
	Code               string // of a refusal
	Message            locale.Message
	Result             string
	Accessed, Modified bool
	Before, After      uint64 // the record's versions; 0: there was none
	Changes            []valueChange
	MoreChanges        int

	exchange *notebook.Exchange // done once it is on the wire
	race     *race
}

// valueChange is one value before and after; "" is none.
type valueChange struct{ Key, Before, After string }

// Bounds of what a Log keeps of a call.
const (
	maxResultText = 2000
	maxChanges    = 6
)

// standing is how a session stands at one moment.
type standing struct {
	version uint64
	values  map[string]json.RawMessage
}

func (h *Page) standing(session *sessions.Session) (s standing) {
	if record, ok := session.Record(); ok {
		s.version = record.Version
		s.values, _ = sessions.DecodeValues(record.Data) // it was decoded before
	} else if !h.auth.Lanes.Sessions.KeepsRecords() {
		s.values = map[string]json.RawMessage{}
		for _, key := range session.Keys() {
			var raw json.RawMessage
			_, _ = session.Into(key, &raw)
			s.values[key] = raw
		}
	}
	return s
}

// differences are the values that changed, the first ones.
func (made *call) differences(before, after standing) {
	made.Before, made.After = before.version, after.version
	all := map[string]json.RawMessage{}
	for _, s := range []standing{before, after} {
		for key := range s.values {
			all[key] = nil
		}
	}
	for _, key := range sortedKeys(all) {
		was, is := string(before.values[key]), string(after.values[key])
		if was == is {
			continue
		}
		if len(made.Changes) == maxChanges {
			made.MoreChanges++
			continue
		}
		made.Changes = append(made.Changes, valueChange{markup.Clip(key, markup.MaxValueText), markup.Clip(was, markup.MaxValueText), markup.Clip(is, markup.MaxValueText)})
	}
}

// keep puts the call into a Log, as the last. It also begins a new chapter for the
// dashboard.
func (made *call) keep(log *notebook.Log) {
	made.inputs = notebook.OwnTexts(made.inputs)
	notebook.Change(log, func(last **call) { *last = made })
	auth.NewChapter(log)
}

// Weigh is how much memory a call takes, in bytes.
func (made *call) Weigh() int {
	if made == nil {
		return 0
	}
	n := 2*notebook.StructBytes + notebook.WeighTexts(made.inputs) + len(made.Result) + notebook.WeighMessage(made.Message)
	for _, change := range made.Changes {
		n += 3*notebook.TextBytes + len(change.Key) + len(change.Before) + len(change.After)
	}
	if made.exchange != nil {
		n += made.exchange.Weigh() // counted again, as it may no longer be on the wire
	}
	if made.race != nil {
		n += 2 * notebook.StructBytes
		n += len(made.race.before) + len(made.race.after)
		for _, p := range made.race.programs {
			n += len(p.Read) + len(p.Wrote) + len(p.Answer)
		}
	}
	return n
}

// Post serves POST /console: makes the call that the form names. What is
// refused is answered at once, with its status; nothing was changed then.
func (h *Page) Post(c echo.Context) error {
	form := c.Request().PostForm
	id, err := input.Single(form, "call")
	if err != nil {
		return err
	}
	chosen, _, err := h.entry(c, id)
	if err != nil {
		return err
	}
	made := &call{entry: chosen.ID, inputs: map[string]string{}, Status: http.StatusOK, exchange: notebook.Recording(c)}
	if chosen.ID == atOnce {
		kind, err := input.Single(form, "kind")
		if err != nil {
			return err
		}
		if made.race, err = h.race(c, kind); err != nil {
			return err
		}
		return h.called(c, made)
	}
	body, err := chosen.body(form, made)
	if err != nil {
		return err
	}
	before, answer, err := h.makeCall(c, chosen.Op, body)
	if err != nil {
		return h.refused(c, chosen, made, err)
	}
	session, err := h.auth.Lanes.Sessions.Load(c)
	if err != nil {
		return err
	}
	result, err := json.Marshal(answer.Result)
	if err != nil {
		return err
	}
	after := h.standing(session)
	if chosen.Op.name == deleteRecordOp.name {
		after = standing{}
	}
	made.Result, made.Accessed, made.Modified = markup.Clip(string(result), maxResultText), answer.Accessed, answer.Modified
	made.differences(before, after)
	return h.called(c, made)
}

// makeCall is what POST /api/session/{op} does, and how the session stood before.
func (h *Page) makeCall(c echo.Context, op operation, body []byte) (before standing, answer callAnswer, err error) {
	args, err := op.read(body)
	if err != nil {
		return before, answer, err
	}
	// A session of its own to look at: looking is not to count as accessing. Where
	// a record lies it tells without being asked.
	load := h.auth.Lanes.Sessions.Load
	if !h.auth.Lanes.Sessions.KeepsRecords() {
		load = h.auth.Lanes.Sessions.Look
	}
	session, err := load(c)
	if err != nil {
		return before, answer, err
	}
	before = h.standing(session)
	answer, err = h.perform(c, op, args)
	return before, answer, err
}

// called writes a call down and goes on to the page that shows it.
func (h *Page) called(c echo.Context, made *call) error {
	n := notebook.From(c)
	sessions.AfterCommit(c, func() { made.keep(n.Log()) })
	return h.auth.Done(c, notebook.Action{Name: "console"}, "/console?"+url.Values{"call": {made.entry}}.Encode()+"#outcome")
}

// refused answers a call that changed nothing. A store that is down, and a
// session that was ended meanwhile, have pages of their own.
func (h *Page) refused(c echo.Context, chosen *entry, made *call, err error) error {
	p := input.AsProblem(err)
	if p.Status >= http.StatusInternalServerError || errors.Is(err, sessions.ErrEnded) {
		return err
	}
	session, loadErr := h.auth.Lanes.Sessions.Load(c)
	if loadErr != nil {
		return loadErr
	}
	session.Discard()
	made.Status, made.Code, made.Message = p.Status, p.Code, p.Message
	made.differences(h.standing(session), h.standing(session))
	made.keep(notebook.From(c).Log())
	return h.show(c, p.Status, chosen.ID, made)
}

// body is the form's fields as the JSON that the API takes. A value is JSON, or
// else text, so that nobody has to write quotes.
func (e *entry) body(form url.Values, made *call) ([]byte, error) {
	fields := map[string]json.RawMessage{}
	for name, raw := range e.Fixed {
		fields[name] = json.RawMessage(raw)
	}
	for _, field := range e.Fields {
		text, err := input.Single(form, field.Name)
		if err != nil {
			return nil, err
		}
		made.inputs[field.Name] = markup.Clip(text, maxResultText)
		if text == "" && (slices.Contains(e.Op.may, field.Name)) {
			continue // left out
		}
		raw := []byte(strings.TrimSpace(text))
		if field.Text || !json.Valid(raw) {
			if raw, err = json.Marshal(text); err != nil {
				return nil, err
			}
		}
		fields[field.Name] = raw
	}
	return json.Marshal(fields)
}

// endedIsFine takes it as done when somebody else was first.
func endedIsFine(err error) error {
	if errors.Is(err, sessions.ErrNotFound) {
		return nil
	}
	return err
}

// Page is the console's page and API.
type Page struct {
	site *web.Site
	auth *auth.Auth
}

// New makes the page and the API on a site.
func New(site *web.Site, auth *auth.Auth) *Page { return &Page{site, auth} }

type pageData struct {
	web.Page
	Groups    []group
	Entry     *entry
	Supported bool // this engine keeps records
	Now       state
	Call      *call // the last; nil: none yet, or another entry's
	Flags     *call // of which accessed and modified are told
	Cookie    []template.HTML
	Ops       []opView
	Wire      *exchangeLine
	Drawing   template.HTML
	Race      *raceView
	Curl      string // the chosen call for a terminal
}

// state is the session as this request found it.
type state struct {
	There         bool
	Why           string // why not
	Key           string
	Bytes         int
	Version       uint64
	Expires       string
	BrowserClose  bool
	Data, Session string
}

// opView is one store operation.
type opView struct{ Name, Answer, Took string }

// exchangeLine is one exchange in one line.
type exchangeLine struct {
	Number               int
	Request, Reply, Took string
}

// Get serves GET /console.
func (h *Page) Get(c echo.Context) error {
	last := notebook.Of[*call](notebook.From(c).Log())
	id := c.QueryParam("call")
	if id == "" {
		if id = "set"; last != nil {
			id = last.entry
		}
	}
	return h.show(c, http.StatusOK, id, last)
}

func (h *Page) show(c echo.Context, status int, id string, last *call) error {
	chosen, groups, err := h.entry(c, id)
	if err != nil {
		return err
	}
	page, err := h.site.Page(c, locale.Msg("console.title"))
	if err != nil {
		return err
	}
	w := h.site.Words(c)
	p := pageData{Page: page, Groups: groups, Entry: chosen, Supported: h.auth.Lanes.Sessions.KeepsRecords(), Flags: last}
	if p.Now, err = h.state(c, w); err != nil {
		return err
	}
	if last != nil && last.entry == chosen.ID {
		p.Call = last
		for i, field := range chosen.Fields {
			if text, ok := last.inputs[field.Name]; ok && (last.Code != "" || field.Name != "at" && field.Name != "session_key") {
				chosen.Fields[i].Value = text
			}
		}
		h.describeCall(c, w, &p)
	}
	p.Curl = h.curlOf(c, chosen)
	return h.site.Render(c, status, "console", p)
}

// describeCall adds what the wire knows of the last call.
func (h *Page) describeCall(c echo.Context, w *locale.Printer, p *pageData) {
	exchanges := notebook.From(c).Log().Exchanges()
	if p.Call.race != nil {
		p.Race = p.Call.race.view(w)
		p.Drawing = diagram.Draw(w, p.Call.race.onWire(exchanges))
		return
	}
	e := p.Call.exchange
	if e == nil || !slices.Contains(exchanges, e) { // still under way, or pushed out
		return
	}
	for _, line := range e.SetCookie {
		name, rest, _ := strings.Cut(line, "=")
		if e.Lane(name) != lanes.Session {
			continue
		}
		value, attributes, _ := strings.Cut(rest, ";")
		var m markup.Writer
		m.Text("Set-Cookie: " + name + "=" + markup.ShortKey(value) + ";" + attributes)
		p.Cookie = append(p.Cookie, template.HTML(m.String()))
	}
	naming := diagram.Sequence{W: w}
	for i := range e.Ops {
		if notebook.OfSession(e.Ops[i]) {
			name, answer := naming.OperationLabels(&e.Ops[i])
			p.Ops = append(p.Ops, opView{name, answer, markup.Milliseconds(e.Ops[i].Duration)})
		}
	}
	p.Wire = &exchangeLine{e.Number, diagram.RequestLabel(e), markup.StatusLabel(e.Status), markup.Milliseconds(e.Duration)}
	p.Drawing = diagram.Draw(w, []*notebook.Exchange{e})
}

func (h *Page) state(c echo.Context, w *locale.Printer) (now state, err error) {
	session, err := h.auth.Lanes.Sessions.Load(c)
	if err != nil {
		return now, err
	}
	now.Session = h.auth.Lanes.Sessions.Options().Name
	if session.Rejected() != nil {
		f, _ := h.auth.SessionFinding(c)
		now.Why = w.Text("verdict." + string(f.Verdict) + ".word")
		if f.Verdict == lanes.Absent {
			now.Why = w.Text("console.none_yet")
		}
		return now, nil
	}
	data, err := json.Marshal(h.standing(session).values)
	if err != nil {
		return now, err
	}
	now.There, now.Key, now.Bytes, now.Data = true, markup.ShortKey(session.Key()), len(data), string(data)
	if !h.auth.Lanes.Sessions.KeepsRecords() {
		now.Bytes = len(session.Key())
	}
	if record, ok := session.Record(); ok {
		now.Version = record.Version
	}
	now.Expires, now.BrowserClose = markup.ClockTime(session.Ends()), session.ExpiresAtBrowserClose()
	return now, nil
}

// Versions are "3 → 4", or the one that stayed.
func (made *call) Versions() string {
	name := func(version uint64) string {
		if version == 0 {
			return "–"
		}
		return strconv.FormatUint(version, 10)
	}
	if made.Before == made.After {
		return name(made.Before)
	}
	return name(made.Before) + " → " + name(made.After)
}

// Long reports a result that large type has no room for.
func (made *call) Long() bool { return len(made.Result) > 60 }

// IsRace reports two calls at once, which have no flags of one request.
func (made *call) IsRace() bool { return made.race != nil }

// curlOf is the call as a program would make it, with this browser's cookie; ""
// for one that only this page has.
func (h *Page) curlOf(c echo.Context, chosen *entry) string {
	if _, ok := operationNamed(chosen.Op.name); !ok {
		return ""
	}
	form := url.Values{}
	for _, field := range chosen.Fields {
		form.Set(field.Name, field.Value)
	}
	body, err := chosen.body(form, &call{inputs: map[string]string{}})
	if err != nil {
		return ""
	}
	line := "curl -H 'Content-Type: application/json'"
	if cookies := sessions.ReadCookies(c.Request(), h.auth.Lanes.Sessions.Options().Name); len(cookies) > 0 {
		line += " -H 'Cookie: " + markup.Quoted(h.auth.Lanes.Sessions.Options().Name+"="+cookies[0]) + "'"
	}
	return line + " -d '" + markup.Quoted(string(body)) + "' 'http://" + c.Request().Host + "/api/session/" + chosen.Op.name + "'"
}
