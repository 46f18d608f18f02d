// The copy: cookies taken from the browser and sent by another program. The
// server itself is that program, over a real connection.

package handlers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/lanes"
	"cookielab/sessions"
)

// Copy is what a thief has: the cookies, and what the server concluded when
// they were last sent.
type Copy struct {
	Cookies []CopiedCookie // in the order of the lanes
	Taken   time.Time
	Sent    time.Time     // when last replayed; zero: not yet
	Lanes   []LaneFinding // what the server answered then
	Failed  bool          // the last replay got no answer
}

// CopiedCookie is one cookie of a copy.
type CopiedCookie struct{ Name, Value string }

// Header is the Cookie header that carries the copy.
func (c *Copy) Header() string {
	pairs := make([]string, 0, len(c.Cookies))
	for _, cookie := range c.Cookies {
		pairs = append(pairs, cookie.Name+"="+cookie.Value)
	}
	return strings.Join(pairs, "; ")
}

// postCopy serves POST /act/copy: takes a copy of what came, and sends it.
func (lab *Lab) postCopy(c echo.Context) error {
	if err := lab.before(c); err != nil {
		return err
	}
	taken := lab.copyOf(lab.lanes.Values(c))
	if len(taken.Cookies) == 0 {
		return lab.done(c, Deed{Name: "copy.nothing"}, "/dashboard")
	}
	n := notebookOf(c)
	sessions.AfterCommit(c, func() { n.Book().setCopy(taken) })
	return lab.done(c, Deed{Name: "copy"}, "/dashboard")
}

// postReplay serves POST /act/replay: sends the copy again.
func (lab *Lab) postReplay(c echo.Context) error {
	if err := lab.before(c); err != nil {
		return err
	}
	if notebookOf(c).Book().Copy() == nil {
		return lab.done(c, Deed{Name: "replay.nothing"}, "/dashboard")
	}
	return lab.done(c, Deed{Name: "replay"}, "/dashboard")
}

// copyOf is a copy of values by lane.
func (lab *Lab) copyOf(values map[string]string) *Copy {
	taken := &Copy{Taken: lab.clock.Now()}
	for _, lane := range lab.lanes.Cookies {
		if value, ok := values[lane.ID()]; ok {
			taken.Cookies = append(taken.Cookies, CopiedCookie{lane.Cookie().Name, value})
		}
	}
	return taken
}

// replay sends the copy once more, as another client, and keeps what the
// server concludes. A replay that fails is said to have failed; the deed that
// caused it stands.
func (lab *Lab) replay(c echo.Context, book *Book) {
	taken := book.Copy()
	if taken == nil {
		return
	}
	sent := *taken
	sent.Sent = lab.clock.Now()
	told, err := lab.sendCopy(c, book, taken)
	if sent.Lanes, sent.Failed = told, err != nil; err != nil {
		lab.log.Error("the replay failed", "error", causeOf(err))
	}
	book.swapCopy(taken, &sent) // unless another tab took a newer one meanwhile
}

func (lab *Lab) sendCopy(c echo.Context, book *Book, taken *Copy) ([]LaneFinding, error) {
	answer, err := lab.program.Do(c, book, http.MethodGet, "/api/lanes", http.Header{"Cookie": {taken.Header()}}, nil)
	if err != nil {
		return nil, err
	}
	if answer.Status != http.StatusOK {
		return nil, fmt.Errorf("the replay was answered %d", answer.Status)
	}
	var told lanesAnswer
	if err := json.Unmarshal(answer.Body, &told); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(told.Lanes, func(d LaneFinding) bool { return d.ID == lanes.Token }), nil // cookies were copied
}
