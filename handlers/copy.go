// The copy: cookies taken from the browser and sent by another program. The
// server itself is that program, over a real connection.

package handlers

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
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
		return lab.done(c, Action{Name: "copy.nothing"}, "/dashboard")
	}
	n := notebookOf(c)
	sessions.AfterCommit(c, func() { n.Book().setCopy(taken) })
	return lab.done(c, Action{Name: "copy"}, "/dashboard")
}

// postReplay serves POST /act/replay: sends the copy again.
func (lab *Lab) postReplay(c echo.Context) error {
	if err := lab.before(c); err != nil {
		return err
	}
	if notebookOf(c).Book().Copy() == nil {
		return lab.done(c, Action{Name: "replay.nothing"}, "/dashboard")
	}
	return lab.done(c, Action{Name: "replay"}, "/dashboard")
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

// newSecondClient is the other program: no jar, no proxy, no redirects.
func newSecondClient() *http.Client {
	return &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{DialContext: (&net.Dialer{Timeout: time.Second}).DialContext, MaxIdleConns: 4, IdleConnTimeout: 30 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// replay sends the copy once more, as another client, and keeps what the
// server concludes. A replay that fails is said to have failed; the action that
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
	status, body, err := lab.asAnother(c, book, http.MethodGet, "/api/lanes", "Cookie", taken.Header())
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("the replay was answered %d", status)
	}
	var answer lanesAnswer
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(answer.Lanes, func(d LaneFinding) bool { return d.ID == lanes.Token }), nil // cookies were copied
}

// exchangeAsAnother is asAnother for a page that shows the exchange itself, as it
// stands on the wire.
func (lab *Lab) exchangeAsAnother(c echo.Context, book *Book, method, path, name, value string) (*Exchange, []byte, error) {
	_, body, err := lab.asAnother(c, book, method, path, name, value)
	if err == nil {
		for _, e := range slices.Backward(book.Exchanges()) {
			if e.Client == ClientOther && e.Method == method && e.Target == path {
				return e, body, nil
			}
		}
		if book.handedOver() {
			return nil, nil, fmt.Errorf("%w: the notebook has another key", sessions.ErrEnded)
		}
		err = errors.New("the exchange that was just made has left the wire")
	}
	return nil, nil, input.NewProblem(http.StatusBadGateway, "no_answer", locale.Msg("error.no_answer")).Wrap(err)
}

// asAnother sends a request to this lab as another program does: over a
// connection of its own, with one header of what it holds and nothing of the
// browser's. It goes on the book's wire.
func (lab *Lab) asAnother(c echo.Context, book *Book, method, path, name, value string) (status int, body []byte, err error) {
	local, ok := c.Request().Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return 0, nil, fmt.Errorf("this request came by no connection, so there is no address to send another to")
	}
	// The browser may go away while this runs; it is sent all the same.
	ctx, cancel := inTime(c.Request().Context(), 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, "http://"+local.String()+path, nil)
	if err != nil {
		return 0, nil, err
	}
	word, withdraw := lab.wire.announce(book)
	defer withdraw()
	request.Host = c.Request().Host // the name the cookies were set under
	request.Header.Set(name, value)
	request.Header.Set("User-Agent", "another-program/1.0")
	request.Header.Set("Accept-Language", lab.words(c).Tag.String()) // that of the page which shows the answer
	request.Header.Set(replayHeader, word)
	response, err := lab.second.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err = io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return response.StatusCode, body, err
}
