// The copy: cookies taken from the browser and sent by another program. The server itself
// is that program, over a real connection.

package auth

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
)

// Copy is what a thief has: the cookies, and what the server concluded when
// they were last sent.
type Copy struct {
	Cookies []CopiedCookie // in the order of the lanes
	Taken   time.Time      // when they came
	Sent    time.Time      // when last replayed; zero: not yet
	Lanes   []LaneFinding  // what the server answered then
	Failed  bool           // the last replay got no answer
}

// CopiedCookie is one cookie of a copy.
type CopiedCookie struct{ Name, Value string }

// Header returns the Cookie header that carries the copy.
func (c *Copy) Header() string {
	pairs := make([]string, 0, len(c.Cookies))
	for _, cookie := range c.Cookies {
		pairs = append(pairs, cookie.Name+"="+cookie.Value)
	}
	return strings.Join(pairs, "; ")
}

// own is the copy as a Log keeps it: with texts copied out of the request, and only with
// those conclusions of each lane that pages show.
func (c *Copy) own() *Copy {
	own := *c
	own.Cookies = make([]CopiedCookie, len(c.Cookies))
	for i, cookie := range c.Cookies {
		own.Cookies[i] = CopiedCookie{strings.Clone(cookie.Name), strings.Clone(cookie.Value)}
	}
	own.Lanes = make([]LaneFinding, len(c.Lanes))
	for i, lane := range c.Lanes {
		own.Lanes[i] = LaneFinding{ID: lane.ID, Verdict: lane.Verdict, User: lane.User, Role: lane.Role}
	}
	return &own
}

// Keep puts the copy into a Log, in place of the one before. With a nil Log it does nothing.
func (c *Copy) Keep(log *notebook.Log) {
	notebook.Change(log, func(kept **Copy) { *kept = c.own() })
}

// Weigh returns how much memory a copy takes, in bytes.
func (c *Copy) Weigh() int {
	if c == nil {
		return 0
	}
	n := notebook.StructBytes
	for _, cookie := range c.Cookies {
		n += 2*notebook.TextBytes + len(cookie.Name) + len(cookie.Value)
	}
	for _, lane := range c.Lanes {
		n += notebook.StructBytes + len(markup.TextOf(lane.User)) + len(markup.TextOf(lane.Role))
	}
	return n
}

// CopyOf makes a copy of values, by the IDs of their lanes, as of now.
func (a *Auth) CopyOf(values map[string]string) *Copy {
	taken := &Copy{Taken: a.clock.Now()}
	for _, lane := range a.Lanes.Cookies {
		if value, ok := values[lane.ID()]; ok {
			taken.Cookies = append(taken.Cookies, CopiedCookie{lane.Cookie().Name, value})
		}
	}
	return taken
}

// replay sends the copy once more, as another program, and keeps what the server concludes. If
// that fails, the copy says so, and the action that caused it is not undone.
func (a *Auth) replay(c echo.Context, log *notebook.Log) {
	taken := notebook.Of[*Copy](log)
	if taken == nil {
		return
	}
	sent := *taken
	sent.Sent = a.clock.Now()
	told, err := a.sendCopy(c, log, taken)
	if sent.Lanes, sent.Failed = told, err != nil; err != nil {
		a.log.Error("the replay failed", "error", input.CauseOf(err))
	}
	notebook.Change(log, func(kept **Copy) {
		if *kept == taken { // else another tab took a newer one meanwhile
			*kept = sent.own()
		}
	})
}

func (a *Auth) sendCopy(c echo.Context, log *notebook.Log, taken *Copy) ([]LaneFinding, error) {
	answer, err := a.Program.Do(c, log, http.MethodGet, "/api/lanes", http.Header{"Cookie": {taken.Header()}}, nil)
	if err != nil {
		return nil, err
	}
	if answer.Status != http.StatusOK {
		return nil, fmt.Errorf("the replay was answered %d", answer.Status)
	}
	var told LanesAnswer
	if err := json.Unmarshal(answer.Body, &told); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(told.Lanes, func(d LaneFinding) bool { return d.ID == lanes.Token }), nil // cookies were copied
}
