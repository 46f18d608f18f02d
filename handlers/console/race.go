// Two at once: two programs that use this browser's session at the same time,
// over real connections, to see what becomes of what they write.

package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
	"cookielab/sessions"
)

// The kinds of race.
const (
	raceKeys = "keys" // each sets a key of its own
	raceSet  = "set"  // both get a number, then both set it, plus one
	raceAdd  = "add"  // both add one
)

// raceThink is how long each program's call thinks, so that the two overlap.
const raceThink = 150

// race is what became of two programs' calls.
type race struct {
	kind          string
	programs      [2]racer
	before, after string // the values they were about
	lost          int    // writes that were answered 200 and are not there
	first, last   int    // numbers of the first and the last exchange, for the picture
}

// racer is one of the two.
type racer struct {
	Read, Op, Wrote, Answer string
	OK                      bool
}

// caller is a program with this browser's session cookie, and a jar for it.
type caller struct {
	h *Page
	c echo.Context

	mu     sync.Mutex
	cookie string // "": none
	line   string // the last Set-Cookie that came
}

// apiReply is what a session call answers.
type apiReply struct {
	Status     int
	Result     json.RawMessage
	SessionKey *string `json:"session_key"`
	Error      string
}

// race runs one of the kinds:
//
//  1. there must be a session, and a number to count from;
//  2. for set, both read before either writes;
//  3. both write at the same time;
//  4. what is there afterwards is read, and the browser is given the cookie that
//     came last, as if both programs had been its own tabs.
func (h *Page) race(c echo.Context, kind string) (*race, error) {
	if kind != raceKeys && kind != raceSet && kind != raceAdd {
		return nil, input.NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("console.unknown"))
	}
	program := &caller{h: h, c: c, cookie: h.auth.Lanes.Values(c)[lanes.Session]}
	r := &race{kind: kind}

	// 1.
	got, err := program.call("get", map[string]any{"key": counter})
	if err != nil {
		return nil, err
	}
	number, whole := wholeIn(got.Result)
	if !whole || got.SessionKey == nil {
		number = 0
		if _, err := program.call("set", map[string]any{"key": counter, "value": 0}); err != nil {
			return nil, err
		}
	}
	r.before = strconv.FormatInt(number, 10)
	if log := notebook.From(c).Log(); log != nil {
		r.first = log.Last() + 1
	}

	// 2.
	reads := [2]int64{number, number}
	if kind == raceSet {
		err := together(func(i int) error {
			got, err := program.call("get", map[string]any{"key": counter})
			reads[i], _ = wholeIn(got.Result)
			r.programs[i].Read = markup.Clip(string(got.Result), markup.MaxValueText)
			return err
		})
		if err != nil {
			return nil, err
		}
	}

	// 3.
	stamp := h.site.Clock.Now().UTC().Format("15:04:05.000")
	names := [2]string{"a", "b"}
	err = together(func(i int) error {
		op, fields := "set", map[string]any{"key": counter, "value": reads[i] + 1, "think_ms": raceThink}
		wrote := fmt.Sprintf("%s = %d", counter, reads[i]+1)
		switch kind {
		case raceKeys:
			fields["key"], fields["value"] = names[i], stamp
			wrote = fmt.Sprintf("%s = %q", names[i], stamp)
		case raceAdd:
			op, wrote = "add", counter+" + 1"
			fields = map[string]any{"key": counter, "think_ms": raceThink}
		}
		reply, err := program.call(op, fields)
		racer := &r.programs[i]
		racer.Op, racer.Wrote, racer.OK = op, wrote, reply.Status == http.StatusOK
		if racer.Answer = markup.StatusLabel(reply.Status); reply.Error != "" {
			racer.Answer += " · " + reply.Error
		} else if kind == raceAdd {
			racer.Answer += " · " + markup.Clip(string(reply.Result), markup.MaxValueText)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if log := notebook.From(c).Log(); log != nil {
		r.last = log.Last()
	}

	// 4.
	if err := r.count(program, number, stamp, names); err != nil {
		return nil, err
	}
	if program.line != "" {
		c.Response().Header().Add("Set-Cookie", program.line)
	}
	return r, nil
}

// count compares what is there with what was answered.
func (r *race) count(program *caller, number int64, stamp string, names [2]string) error {
	answered := int64(0)
	for _, program := range r.programs {
		if program.OK {
			answered++
		}
	}
	if r.kind != raceKeys {
		got, err := program.call("get", map[string]any{"key": counter})
		if err != nil {
			return err
		}
		is, _ := wholeIn(got.Result)
		r.after, r.lost = markup.Clip(string(got.Result), markup.MaxValueText), int(number+answered-is)
		return nil
	}
	survived := int64(0)
	r.before = ""
	for i, name := range names {
		got, err := program.call("get", map[string]any{"key": name})
		if err != nil {
			return err
		}
		if text, _ := textIn(got.Result); text == stamp {
			survived++
		}
		if i > 0 {
			r.after += ", "
		}
		r.after += name + " = " + markup.Clip(string(got.Result), markup.MaxValueText)
	}
	r.lost = int(answered - survived)
	return nil
}

// together runs the two programs at the same time.
func together(program func(i int) error) error {
	var errs [2]error
	var both sync.WaitGroup
	for i := range errs {
		both.Go(func() { errs[i] = program(i) })
	}
	both.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// call makes one session call as another program. A refusal is an answer like
// another; only a store that is down ends the race.
func (p *caller) call(op string, fields map[string]any) (reply apiReply, err error) {
	body, err := json.Marshal(fields)
	if err != nil {
		return reply, err
	}
	header, name := http.Header{"Content-Type": {"application/json"}}, p.h.auth.Lanes.Sessions.Options().Name
	p.mu.Lock()
	if p.cookie != "" {
		header.Set("Cookie", name+"="+p.cookie)
	}
	p.mu.Unlock()
	answer, err := p.h.auth.Program.Do(p.c, notebook.From(p.c).Log(), http.MethodPost, "/api/session/"+op, header, body)
	if err != nil {
		return reply, input.NewProblem(http.StatusServiceUnavailable, "no_answer", locale.Msg("console.no_answer")).Wrap(err)
	}
	if err := json.Unmarshal(answer.Body, &reply); err != nil {
		return reply, err
	}
	if reply.Status = answer.Status; reply.Status == http.StatusServiceUnavailable {
		return reply, fmt.Errorf("%w: a call of the console got no answer", sessions.ErrUnavailable)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, line := range answer.Header["Set-Cookie"] {
		if cookie, err := http.ParseSetCookie(line); err == nil && cookie.Name == name {
			p.cookie, p.line = cookie.Value, line
		}
	}
	return reply, nil
}

// raceView is a race on the page.
type raceView struct {
	Kind          string
	Programs      [2]racer
	Before, After string
	Sentence      string
	Failed        bool // something was lost, or refused
}

func (r *race) view(w *locale.Printer) *raceView {
	refused := !r.programs[0].OK || !r.programs[1].OK
	v := &raceView{Kind: r.kind, Programs: r.programs, Before: r.before, After: r.after, Failed: refused || r.lost > 0}
	switch {
	case refused:
		v.Sentence = w.Text("console.race.refused")
	case r.lost > 0 && r.kind == raceKeys:
		v.Sentence = w.Text("console.race.keys_lost")
	case r.lost > 0:
		v.Sentence = w.Text("console.race.set_lost")
	case r.kind == raceKeys:
		v.Sentence = w.Text("console.race.keys_kept")
	default:
		v.Sentence = w.Text("console.race.counted")
	}
	return v
}

// onWire are the exchanges of both programs.
func (r *race) onWire(exchanges []*notebook.Exchange) (theirs []*notebook.Exchange) {
	for _, e := range exchanges {
		if e.Number >= r.first && e.Number <= r.last && e.Client == notebook.ClientOther {
			theirs = append(theirs, e)
		}
	}
	return theirs
}
