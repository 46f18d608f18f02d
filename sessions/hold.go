// Hold: the middleware that keeps a reply back until what it promises is saved.

package sessions

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

// A request stops waiting for its stores before the server's WriteTimeout, which should
// be 30 seconds or more: after that no reply can leave. However slowly the stores
// answer, the handler's context ends 15 seconds after the request began. The saves
// together have 10 seconds, which begin with the first save, but at the latest when the
// handler's context ends. Saves go on when the client hangs up: half a save helps nobody.
const (
	handlerPatience = 15 * time.Second
	commitTimeout   = 10 * time.Second
)

// Hold is the middleware every session needs. The reply is one promise with
// the save, so:
//
//  1. the handler's reply, an error page included, is written to memory; an
//     error takes the place of what the handler wrote before it;
//  2. a status from 500 up saves nothing, and takes no Set-Cookie along;
//  3. otherwise every session the handler loaded is committed, in reverse
//     order of loading, like deferred calls;
//  4. if one fails, or the handler passes on that a session could not be
//     loaded or updated, the held reply is dropped with every header the
//     handler set, Set-Cookie first of all, and the error is answered instead:
//     503 with Retry-After when the store cannot be reached, 409 when the
//     session was ended meanwhile or its engine cannot do what was asked, 413
//     when it is too large, else 500;
//  5. only then does the first byte leave, with a Server-Timing header that
//     says what the stores cost.
//
// The request's context ends 15 seconds after Hold began, and the saves end at most 10
// seconds later. So the reply leaves after 25 seconds at most, if everything that the
// handler waits for ends with this context.
//
// Inside another Hold it does nothing. Replies that are streamed must stay
// outside. A panic passes through, and nothing was sent.
func Hold() echo.MiddlewareFunc {
	bodies := new(sync.Pool) // of *bytes.Buffer: most of what a request would allocate
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if heldBy(c) != nil {
				return next(c)
			}
			body, _ := bodies.Get().(*bytes.Buffer)
			if body == nil {
				body = new(bytes.Buffer)
			}
			err := hold(c, next, body) // after a panic nobody gets it back
			if body.Cap() <= maxPooled {
				bodies.Put(body)
			}
			return err
		}
	}
}

// maxPooled is how large a reply's memory may be to be used again, in bytes.
const maxPooled = 1 << 20

// OnCommit registers work that must succeed before the reply leaves, in one
// row with the sessions: last registered, first called. Its error drops the
// reply as theirs does. Outside Hold it does nothing.
func OnCommit(c echo.Context, commit func(context.Context) error) {
	if held := heldBy(c); held != nil {
		held.commits = append(held.commits, func() error { return commit(Saving(c)) })
	}
}

// AfterCommit registers work to be done once everything is saved, before the
// reply leaves. Outside Hold it does nothing.
func AfterCommit(c echo.Context, work func()) {
	if held := heldBy(c); held != nil {
		held.after = append(held.after, work)
	}
}

// Saving is the context of a request's saves, for a handler that saves something
// itself. It goes on when the client hangs up. It ends 10 seconds after the first call
// in the request, and at most 25 seconds after the request began. Outside [Hold] each
// call returns a new context, which ends after 10 seconds.
func Saving(c echo.Context) context.Context {
	h := heldBy(c)
	if h == nil {
		h = &held{}
	}
	if h.saving.Context == nil {
		ctx := c.Request().Context()
		h.saving.begin(context.WithoutCancel(ctx), commitTimeout)
		if end, ok := ctx.Deadline(); ok && end.Add(commitTimeout).Before(h.saving.end) {
			h.saving.end = end.Add(commitTimeout)
		}
	}
	return &h.saving
}

// patience is a context that ends at an instant. It makes a timer only when something
// waits for its end: in most requests nothing does, and the unused timer took a tenth of
// their time.
type patience struct {
	context.Context // the one it is made from
	end             time.Time

	mu     sync.Mutex
	timed  context.Context // the one with the timer; nil: nothing has waited yet
	cancel context.CancelFunc
}

func (p *patience) begin(ctx context.Context, d time.Duration) {
	p.Context, p.end = ctx, time.Now().Add(d)
	if end, ok := ctx.Deadline(); ok && end.Before(p.end) {
		p.end = end
	}
}

// over stops the timer, if there is one.
func (p *patience) over() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cancel != nil {
		p.cancel()
	}
}

func (p *patience) waits() context.Context {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timed == nil {
		p.timed, p.cancel = context.WithDeadline(p.Context, p.end)
	}
	return p.timed
}

func (p *patience) Deadline() (time.Time, bool) { return p.end, true }
func (p *patience) Done() <-chan struct{}       { return p.waits().Done() }

func (p *patience) Err() error {
	p.mu.Lock()
	timed := p.timed
	p.mu.Unlock()
	switch {
	case timed != nil:
		return timed.Err()
	case time.Now().Before(p.end):
		return p.Context.Err()
	default:
		return p.waits().Err()
	}
}

// AfterFunc saves package context a goroutine for each context that is made from
// this one.
func (p *patience) AfterFunc(f func()) (stop func() bool) { return context.AfterFunc(p.waits(), f) }

// held is what one request has under way.
type held struct {
	handling patience   // the context of the handler
	saving   patience   // the context of the saves; its Context is nil until it is needed
	sessions []*Session // one of a manager; a program has two or three
	commits  []func() error
	after    []func()

	mu  sync.Mutex
	ops []StoreOp
}

const heldKey = "cookielab/sessions.held"

func heldBy(c echo.Context) *held {
	h, _ := c.Get(heldKey).(*held)
	return h
}

// of is the session that a manager has loaded, nil if none.
func (h *held) of(m *Manager) *Session {
	for _, session := range h.sessions {
		if session.manager == m {
			return session
		}
	}
	return nil
}

func hold(c echo.Context, next echo.HandlerFunc, body *bytes.Buffer) error {
	h := &held{}
	c.Set(heldKey, h)
	defer c.Set(heldKey, nil)

	request, outer := c.Request(), c.Response().Writer
	h.handling.begin(request.Context(), handlerPatience)
	defer h.handling.over()
	defer h.saving.over()
	c.SetRequest(request.WithContext(WithTrace(&h.handling, &Trace{StoreDone: h.note})))
	reply := newReply(c, outer, body)
	defer func() { // a panic must find the reply as untouched as we did
		if c.Response().Writer != outer {
			reply.rewind()
			reset(c, outer)
		}
		c.SetRequest(request)
	}()

	err := next(c)
	if err != nil && !ofSession(err) {
		reply.unwrite(c)
		c.Error(err)
		err = nil
	}
	if err == nil && reply.status < http.StatusInternalServerError {
		if err = h.commit(); err == nil {
			for _, work := range h.after {
				work()
			}
		}
	}
	switch {
	case err != nil:
		reply.rewind()
		reset(c, reply)
		if errors.Is(err, ErrUnavailable) {
			reply.header.Set("Retry-After", "5")
		}
		c.Error(statusOf(err))
	case reply.status >= http.StatusInternalServerError:
		reply.dropCookies()
	}
	addServerTiming(reply.header, h.noted())
	reset(c, outer)
	response := c.Response()
	response.Status, response.Size, response.Committed = reply.status, int64(reply.body.Len()), true
	return reply.release(outer, request)
}

func (h *held) commit() error {
	for _, commit := range slices.Backward(h.commits) {
		if err := commit(); err != nil {
			return err
		}
	}
	return nil
}

// mostTimed is how many store operations of a request Server-Timing lists one by one.
// The others are added up: a request that ends thousands of sessions has thousands.
const mostTimed = 50

func (h *held) note(op StoreOp) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch last := len(h.ops) - 1; {
	case last < mostTimed:
		h.ops = append(h.ops, op)
	case last == mostTimed:
		h.ops[last] = StoreOp{Name: "rest", Store: op.Store, Duration: h.ops[last].Duration + op.Duration}
	}
}

func (h *held) noted() []StoreOp {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ops
}

// ofSession reports an error that says a session was not loaded or not saved.
func ofSession(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, ErrEnded) || errors.Is(err, ErrTooLarge) || errors.Is(err, ErrNotSupported)
}

// statusOf gives an error of this package the status that a client should
// see; the cause stays inside, for the log and for errors.Is.
func statusOf(err error) error {
	var already *echo.HTTPError
	switch {
	case errors.As(err, &already):
		return err
	case errors.Is(err, ErrUnavailable):
		return echo.NewHTTPError(http.StatusServiceUnavailable, "The session store cannot be reached just now.").SetInternal(err)
	case errors.Is(err, ErrEnded):
		return echo.NewHTTPError(http.StatusConflict, "The session was ended while this request was at work; nothing of it was saved.").SetInternal(err)
	case errors.Is(err, ErrNotSupported):
		return echo.NewHTTPError(http.StatusConflict, "Sessions are kept in the cookie alone here, so the server cannot do that.").SetInternal(err)
	case errors.Is(err, ErrTooLarge):
		return echo.NewHTTPError(http.StatusRequestEntityTooLarge, "That is more than a session can hold; nothing was changed.").SetInternal(err)
	default:
		return err
	}
}

// reply is a response whose status and body wait in memory. Its headers are the
// outer writer's own, which wait, too: to copy them there and back was measured to
// cost a thirtieth of a small request.
type reply struct {
	header http.Header
	before []headerLines // what was there at first
	status int
	body   *bytes.Buffer
}

type headerLines struct {
	name  string
	lines []string
}

// newReply makes everything that is written to the context from now on wait;
// its headers start as those the outer middleware has set.
func newReply(c echo.Context, outer http.ResponseWriter, body *bytes.Buffer) *reply {
	body.Reset()
	r := &reply{header: outer.Header(), status: http.StatusOK, body: body}
	r.before = make([]headerLines, 0, len(r.header))
	for name, lines := range r.header {
		r.before = append(r.before, headerLines{name, lines})
	}
	reset(c, r)
	return r
}

// rewind drops all that was written since, headers included.
func (r *reply) rewind() {
	clear(r.header)
	for _, header := range r.before {
		r.header[header.name] = header.lines
	}
	r.status = http.StatusOK
	r.body.Reset()
}

// dropCookies drops those that were set since.
func (r *reply) dropCookies() {
	delete(r.header, "Set-Cookie")
	for _, header := range r.before {
		if header.name == "Set-Cookie" {
			r.header[header.name] = header.lines
		}
	}
}

// unwrite makes room for an error page: what was written before the error is
// half a page. The headers stay, as where nothing was written yet.
func (r *reply) unwrite(c echo.Context) {
	r.body.Reset()
	r.status = http.StatusOK
	r.header.Del("Content-Length")
	reset(c, r)
}

func reset(c echo.Context, w http.ResponseWriter) {
	response := c.Response()
	response.Writer, response.Status, response.Size, response.Committed = w, http.StatusOK, 0, false
}

func (r *reply) Header() http.Header         { return r.header }
func (r *reply) WriteHeader(status int)      { r.status = status }
func (r *reply) Write(b []byte) (int, error) { return r.body.Write(b) }

func (r *reply) release(w http.ResponseWriter, request *http.Request) error {
	if r.status != http.StatusNoContent && r.status != http.StatusNotModified && r.header.Get("Content-Length") == "" {
		r.header.Set("Content-Length", strconv.Itoa(r.body.Len())) // for HEAD, too
	}
	w.WriteHeader(r.status)
	if request.Method == http.MethodHead {
		return nil
	}
	_, err := w.Write(r.body.Bytes())
	return err
}
