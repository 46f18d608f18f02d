// The stream: the wire told while it happens, as server-sent events (WHATWG
// HTML, 9.2). Each event is an item of the wire's page, as the page has it.

package wire

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/locale"
	"cookielab/handlers/notebook"
)

// keepAlive is how often a silent stream says that it is still there. Nothing
// else finds out that the other end is gone without a word.
const keepAlive = 15 * time.Second

// Events serves GET /wire/events: the exchanges after the one that the reader saw last, and
// then each new one, until the reader goes, the notebook's Log is dropped, or the server ends.
// Without a notebook it answers 204, and also to pages of other sites and ports, so that no
// script there can hold it open.
func (h *Page) Events(c echo.Context) error {
	seen, err := seenLast(c.Request())
	if err != nil {
		return err
	}
	log := notebook.From(c).Log()
	if log == nil && notebook.JustReplaced(c) {
		return tellToComeAgain(c) // somebody has just signed in or out, and the browser will have the new key in a moment
	}
	if log == nil || input.FromElsewhere(c.Request()) {
		return c.NoContent(http.StatusNoContent) // tells an EventSource not to come again
	}
	done, err := h.beginStream(log, (*notebook.Log).Watch)
	if err != nil {
		return err
	}
	defer done()

	writeStreamHead(c)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	h.follow(c, log, seen, &eventWriter{c.Response(), http.NewResponseController(c.Response())})
	return nil
}

// comeAgain tells a browser to ask again 0.3 seconds after a stream ended. A stream ends
// whenever the key of its notebook changes.
const comeAgain = "retry: 300\n\n"

// writeStreamHead sends the status and the headers of a stream.
func writeStreamHead(c echo.Context) {
	header := c.Response().Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("X-Accel-Buffering", "no") // a proxy must not hold it back either
	c.Response().WriteHeader(http.StatusOK)
}

// tellToComeAgain answers with a stream without events, which ends at once: the browser
// then asks again.
func tellToComeAgain(c echo.Context) error {
	writeStreamHead(c)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	_, err := io.WriteString(c.Response(), comeAgain)
	return err
}

// beginStream counts a reply that is sent piece by piece, until done is called: for its
// Log, by count, and for the whole server, since each such reply holds a connection. It
// refuses one that is too many for either.
func (h *Page) beginStream(log *notebook.Log, count func(*notebook.Log) (done func(), ok bool)) (done func(), err error) {
	mine, ok := count(log)
	if !ok {
		return nil, input.NewProblem(http.StatusTooManyRequests, "too_many_streams", locale.Msg("wire.too_many"))
	}
	select {
	case h.streams <- struct{}{}:
		return func() { <-h.streams; mine() }, nil
	default:
		mine()
		return nil, input.NewProblem(http.StatusServiceUnavailable, "too_many_streams", locale.Msg("wire.too_many_here"))
	}
}

// mostStreams is how many streams a server sends at the same time, however many files it
// may open.
const mostStreams = 1000

// streamsOf is how many streams a server sends at the same time if it may open so many
// files.
func streamsOf(files uint64) int { return int(min(max(files/4, 1), mostStreams)) }

// seenLast is the number of the exchange that the reader saw last. What a
// browser says when it comes again counts more than the address.
func seenLast(r *http.Request) (int, error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("after")
	}
	if text == "" {
		return 0, nil
	}
	seen, err := strconv.Atoi(text)
	if err != nil || seen < 0 {
		return 0, input.NewProblem(http.StatusBadRequest, "bad_number", locale.Msg("wire.bad_number"))
	}
	return seen, nil
}

// follow writes a Log's exchanges as events until something ends it.
func (h *Page) follow(c echo.Context, log *notebook.Log, seen int, events *eventWriter) {
	t := h.site.Template(c, "wire")
	ticker := time.NewTicker(keepAlive)
	defer ticker.Stop()
	if events.write(comeAgain) != nil { // also sends the headers at once
		return
	}
	for {
		exchanges, more := log.After(seen)
		if more == nil {
			return
		}
		for _, e := range exchanges {
			var item bytes.Buffer
			if err := t.ExecuteTemplate(&item, "exchange", viewExchange(h.site.Words(c), e, maxRaw)); err != nil {
				h.site.Log.Error("an event failed", "error", err)
				return
			}
			if events.event(e.Number, item.String()) != nil {
				return
			}
			seen = e.Number
		}
		select {
		case <-more:
		case <-ticker.C:
			if events.comment() != nil {
				return
			}
		case <-c.Request().Context().Done():
			return
		case <-h.closing.Done():
			return
		}
	}
}

// eventWriter writes events, each out at once.
type eventWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// writeTimeout is how long a reader may take for one write.
const writeTimeout = 30 * time.Second

func (e *eventWriter) event(id int, data string) error {
	return e.write("id: " + strconv.Itoa(id) + "\nevent: exchange\ndata: " + dataLines.Replace(data) + "\n\n")
}

// dataLines begins a new data line after each line break, in whatever form, so that no
// line break ends the event.
var dataLines = strings.NewReplacer("\r\n", "\ndata: ", "\r", "\ndata: ", "\n", "\ndata: ")

// comment writes an empty comment, which shows that the stream is still there.
func (e *eventWriter) comment() error { return e.write(":\n\n") }

// write gives each write a deadline of its own: the server's is for replies
// that come to an end. (Its deadline for reading net/http lifts by itself, once
// the request is read.)
func (e *eventWriter) write(text string) error {
	if err := e.control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	if _, err := e.w.Write([]byte(text)); err != nil {
		return err
	}
	return e.control.Flush()
}
