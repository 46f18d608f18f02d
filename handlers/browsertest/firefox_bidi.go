// This file speaks WebDriver BiDi: commands, answers and events as JSON over a
// websocket.

package browsertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// object is the parameters of a command.
type object map[string]any

// bidi is a connection to a browser.
type bidi struct {
	socket *websocket.Conn
	ctx    context.Context // of the connection
	hangUp context.CancelFunc

	mu      sync.Mutex
	last    int // command
	waiting map[int]chan message
}

// message is whatever the browser sends.
type message struct {
	Type string // "success", "error" or "event"

	ID             int // of the command that is answered
	Result         json.RawMessage
	Error, Message string

	Method string // of an event
	Params json.RawMessage
}

// dial connects to a browser. All events go to hear, one after the other and
// before the answers that the browser gives later.
func dial(address string, hear func(event string, params json.RawMessage)) (*bidi, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		return talkative{conn}, err
	}}
	socket, _, err := websocket.Dial(ctx, address, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		return nil, err
	}
	socket.SetReadLimit(-1) // a screenshot is long
	c := &bidi{socket: socket, waiting: map[int]chan message{}}
	c.ctx, c.hangUp = context.WithCancel(context.Background())
	go c.listen(hear)
	return c, nil
}

// listen takes in what the browser sends until there is no more.
func (c *bidi) listen(hear func(event string, params json.RawMessage)) {
	defer c.socket.CloseNow()
	defer c.hangUp()
	for {
		var m message
		if err := wsjson.Read(c.ctx, c.socket, &m); err != nil {
			return
		}
		if m.Type == "event" {
			hear(m.Method, m.Params)
			continue
		}
		c.mu.Lock()
		if answer := c.waiting[m.ID]; answer != nil {
			answer <- m
		}
		c.mu.Unlock()
	}
}

// call sends a command and decodes its result; nil drops it.
func (c *bidi) call(method string, params object, result any) error {
	return c.callWithin(patience, method, params, result)
}

func (c *bidi) callWithin(limit time.Duration, method string, params object, result any) error {
	answer := make(chan message, 1)
	c.mu.Lock()
	c.last++
	id := c.last
	c.waiting[id] = answer
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.waiting, id)
		c.mu.Unlock()
	}()

	// A write that is given up would end the connection, so it has no deadline.
	if err := wsjson.Write(c.ctx, c.socket, object{"id": id, "method": method, "params": params}); err != nil {
		return errors.Join(errEnded, err)
	}
	select {
	case m := <-answer:
		if m.Type == "error" {
			return fmt.Errorf("%s (%s, %s)", m.Message, method, m.Error)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(m.Result, result)
	case <-c.ctx.Done():
		return errEnded
	case <-time.After(limit):
		return fmt.Errorf("no answer to %s in %v", method, limit)
	}
}

// remote is a value of a script.
type remote struct {
	Type  string
	Value json.RawMessage
}

// json gives the value as JSON.stringify does, or nothing.
func (r remote) json() (json.RawMessage, error) {
	switch r.Type {
	case "null":
		return json.RawMessage("null"), nil
	case "string", "boolean":
		return r.Value, nil
	case "number":
		if r.Value[0] == '"' { // NaN, an infinity or -0
			return json.RawMessage("null"), nil
		}
		return r.Value, nil
	case "array":
		var items []remote
		if err := json.Unmarshal(r.Value, &items); err != nil {
			return nil, err
		}
		list := make([]json.RawMessage, len(items))
		for i, item := range items {
			value, err := item.json()
			if err != nil {
				return nil, err
			}
			if list[i] = value; value == nil {
				list[i] = json.RawMessage("null")
			}
		}
		return json.Marshal(list)
	case "object":
		var entries [][2]json.RawMessage
		if err := json.Unmarshal(r.Value, &entries); err != nil {
			return nil, err
		}
		fields := map[string]json.RawMessage{}
		for _, entry := range entries {
			var name string
			var field remote
			if err := errors.Join(json.Unmarshal(entry[0], &name), json.Unmarshal(entry[1], &field)); err != nil {
				return nil, err
			}
			value, err := field.json()
			if err != nil {
				return nil, err
			}
			if value != nil {
				fields[name] = value
			}
		}
		return json.Marshal(fields)
	}
	return nil, nil
}
