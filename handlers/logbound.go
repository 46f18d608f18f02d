// The log: how much it may write, and which parts of a request it may contain.

package handlers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/markup"
	"cookielab/sessions"
)

// How much the log may write in a minute, for each of three levels: errors, warnings, and
// the rest. Each level has a share of its own, so that a flood of one hides no other.
const (
	maxLogRecords = 200
	maxLogBytes   = 85 << 10
	maxLogText    = 4 << 10 // bytes of a message or a value: enough for the first frames of a stack
)

// BoundedLog is a [slog.Handler] that writes lines of text, at most 600 records and
// 255 KB a minute: 200 records and 85 KB each for errors, for warnings and for the rest.
// It leaves out all further records of that minute, and later writes one line that says
// how many they were: when something is logged in a later minute, or when
// [BoundedLog.Flush] is called. Texts of more than 4 KB are cut. Many goroutines may use
// it at once.
type BoundedLog struct {
	slog.Handler // writes to page.line
	page         *logPage
}

// logPage is the current minute of a log. All logs that WithAttrs and WithGroup made from
// it share it.
type logPage struct {
	mu     sync.Mutex
	out    io.Writer
	clock  sessions.Clock
	line   bytes.Buffer // the newest line: it is written to out only if there is room for it
	plain  slog.Handler // for the line that says what was left out
	since  time.Time    // of the minute's first record
	shares [3]logShare
}

// logShare is what a level has used in this minute.
type logShare struct{ records, bytes, leftOut int }

// NewBoundedLog makes a log that writes to out; a nil clock is time.Now.
func NewBoundedLog(out io.Writer, clock sessions.Clock) *BoundedLog {
	page := &logPage{out: out, clock: clock}
	page.plain = slog.NewTextHandler(&page.line, nil)
	return &BoundedLog{page.plain, page}
}

// Handle implements [slog.Handler].
func (l *BoundedLog) Handle(ctx context.Context, r slog.Record) error {
	cut := slog.NewRecord(r.Time, r.Level, cutText(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		cut.AddAttrs(cutAttr(a))
		return true
	})
	p := l.page
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.clock.Now()
	if age := at.Sub(p.since); age >= time.Minute || age < 0 {
		p.turn(at)
	}
	share := &p.shares[shareOf(r.Level)]
	if share.records == maxLogRecords {
		share.leftOut++
		return nil
	}
	p.line.Reset()
	if err := l.Handler.Handle(ctx, cut); err != nil {
		return err
	}
	if share.bytes+p.line.Len() > maxLogBytes {
		share.leftOut++
		return nil
	}
	share.records++
	share.bytes += p.line.Len()
	_, err := p.out.Write(p.line.Bytes())
	return err
}

// WithAttrs implements [slog.Handler].
func (l *BoundedLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	attrs = slices.Clone(attrs)
	for i := range attrs {
		attrs[i] = cutAttr(attrs[i])
	}
	return &BoundedLog{l.Handler.WithAttrs(attrs), l.page}
}

// WithGroup implements [slog.Handler].
func (l *BoundedLog) WithGroup(name string) slog.Handler {
	return &BoundedLog{l.Handler.WithGroup(name), l.page}
}

// Flush writes how many records were left out, if no line has said it yet. It is for the
// end of the program.
func (l *BoundedLog) Flush() {
	l.page.mu.Lock()
	defer l.page.mu.Unlock()
	l.page.turn(l.page.clock.Now())
}

// turn begins a new minute, and writes how many records the last one left out.
func (p *logPage) turn(at time.Time) {
	since, shares := p.since, p.shares
	p.since, p.shares = at, [3]logShare{}
	r := slog.NewRecord(at, slog.LevelWarn, "records were left out of the log", 0)
	r.AddAttrs(slog.Time("since", since))
	total := 0
	for i, kind := range []string{"errors", "warnings", "others"} {
		r.AddAttrs(slog.Int(kind, shares[i].leftOut))
		total += shares[i].leftOut
	}
	if total == 0 {
		return
	}
	p.line.Reset()
	if p.plain.Handle(context.Background(), r) == nil {
		_, _ = p.out.Write(p.line.Bytes()) // if this fails, there is no other place to say so
	}
}

// shareOf is the share of a level: errors, warnings, others.
func shareOf(level slog.Level) int {
	switch {
	case level >= slog.LevelError:
		return 0
	case level >= slog.LevelWarn:
		return 1
	default:
		return 2
	}
}

func cutAttr(a slog.Attr) slog.Attr {
	switch a.Value = a.Value.Resolve(); a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(cutText(a.Value.String()))
	case slog.KindGroup:
		group := slices.Clone(a.Value.Group())
		for i := range group {
			group[i] = cutAttr(group[i])
		}
		a.Value = slog.GroupValue(group...)
	case slog.KindAny:
		a.Value = slog.StringValue(cutText(fmt.Sprintf("%+v", a.Value.Any())))
	}
	return a
}

func cutText(text string) string {
	if len(text) <= maxLogText {
		return text
	}
	return markup.AtMost(text, maxLogText) + "…"
}

// The log contains nothing that a visitor typed: it may be a password in the wrong field.
// So it names a request's route and not its address, and of a method or a header it
// writes only known words.

// routeOf is the route of a request, as routes.go lists it, or "none".
func routeOf(c echo.Context) string {
	if c.Path() == "" {
		return "none"
	}
	return c.Path()
}

// methodOf is the request's method, or "another".
func methodOf(r *http.Request) string {
	return known(r.Method, http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions)
}

// siteOf is the Sec-Fetch-Site header, which says what site started the request, or
// "another".
func siteOf(r *http.Request) string {
	return known(r.Header.Get("Sec-Fetch-Site"), "cross-site", "same-site", "same-origin", "none", "")
}

func known(text string, words ...string) string {
	if slices.Contains(words, text) {
		return text
	}
	return "another"
}

// causeOf is the text of an error for the log. It leaves out the address of a request
// that the lab sent for a visitor.
func causeOf(err error) string {
	text := err.Error()
	var sent *url.Error
	if errors.As(err, &sent) {
		text = strings.ReplaceAll(text, sent.Error(), sent.Op+": "+sent.Err.Error())
	}
	return text
}
