// The log's bound: how much is written in a minute, and that the rest is counted.

package serve_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"cookielab/handlers/serve"
	"cookielab/sessions/storetest"
)

// output is what a log has written.
type output struct{ bytes.Buffer }

// boundedLog is a log whose clock the test can set.
func boundedLog() (log *slog.Logger, out *output, clock *storetest.Clock, flush func()) {
	out, clock = &output{}, storetest.NewClock()
	handler := serve.NewBoundedLog(out, clock.Now)
	return slog.New(handler), out, clock, handler.Flush
}

// tells counts the lines that contain a text.
func (o *output) tells(text string) (n int) {
	for line := range strings.Lines(o.String()) {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

func TestLogIsBounded(t *testing.T) {
	const flood = 100_000
	log, out, clock, flush := boundedLog()
	server := slog.NewLogLogger(log.Handler(), slog.LevelWarn) // as http.Server.ErrorLog
	for i := range flood {
		log.Warn("login throttled", "role", "student")
		if i%2 == 0 {
			server.Print("http: something with a connection")
		}
	}
	log.Error("request failed")
	log.Info("signed in")
	if lines := strings.Count(out.String(), "\n"); lines != 202 || out.tells("request failed") != 1 || out.tells("signed in") != 1 {
		t.Errorf("a flood of warnings left %d lines, of these %d of the error and %d of the login", lines, out.tells("request failed"), out.tells("signed in"))
	}
	clock.Advance(time.Minute - time.Nanosecond)
	log.Warn("login throttled")
	if out.tells("left out") > 0 {
		t.Error("the minute is said to be over before it is")
	}
	clock.Advance(time.Nanosecond)
	log.Info("signed out")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if told := lines[len(lines)-2]; !strings.Contains(told, "level=WARN") || !strings.Contains(told, fmt.Sprintf("errors=0 warnings=%d others=0", flood+flood/2-200+1)) {
		t.Errorf("of what it left out the log tells %q", told)
	}
	if last := lines[len(lines)-1]; !strings.Contains(last, "signed out") {
		t.Errorf("the next minute begins with %q", last)
	}
	t.Run("the end tells, too", func(t *testing.T) {
		flush()
		if out.tells("left out") != 1 {
			t.Error("something is said to be left out where nothing was")
		}
		for range 203 {
			log.Error("request failed")
		}
		flush()
		flush()
		if out.tells("left out") != 2 || out.tells("errors=3 warnings=0 others=0") != 1 {
			t.Errorf("the log ends with %q", out.String()[len(out.String())-300:])
		}
	})
	t.Run("a clock that was set back begins a minute", func(t *testing.T) {
		for range 201 {
			log.Warn("login failed")
		}
		clock.Advance(-time.Hour)
		log.Warn("afterwards")
		if out.tells("afterwards") != 1 || out.tells("left out") != 3 {
			t.Error("the log is silent for an hour")
		}
	})
}

// Bytes are counted as they are written, whatever the values are and however they were
// passed. No value is long, and no character is cut in two.
func TestLogIsBoundedInBytes(t *testing.T) {
	long := "x" + strings.Repeat("é", 1<<16)
	for name, write := range map[string]func(*slog.Logger){
		"a message": func(log *slog.Logger) { log.Info(long) },
		"a text":    func(log *slog.Logger) { log.Info("it", "text", long) },
		"an error":  func(log *slog.Logger) { log.Info("it", "error", errors.New(long)) },
		"a list":    func(log *slog.Logger) { log.Info("it", "list", []string{long, long}) },
		"a group":   func(log *slog.Logger) { log.Info("it", slog.Group("a", slog.Group("b", "text", long))) },
		"what every line has": func(log *slog.Logger) {
			log.With("text", long).WithGroup("a").With("text", long).Info("it", "text", long)
		},
		"what must be quoted": func(log *slog.Logger) { log.Info("it", "text", strings.Repeat("\x00", 1<<16)) },
	} {
		t.Run(name, func(t *testing.T) {
			log, out, clock, flush := boundedLog()
			for range 100 {
				write(log)
			}
			for line := range strings.Lines(out.String()) {
				if len(line) > 20<<10 || !utf8.ValidString(line) || strings.Contains(line, "�") || !strings.HasPrefix(line, "time=") {
					t.Fatalf("a line of %d bytes: %.200q", len(line), line)
				}
			}
			written, lines := len(out.String()), strings.Count(out.String(), "\n")
			if written > 85<<10 || lines < 3 {
				t.Errorf("a minute has %d bytes in %d lines", written, lines)
			}
			flush()
			if out.tells(fmt.Sprintf("others=%d", 100-lines)) != 1 {
				t.Errorf("of %d lines it tells %q", 100-lines, out.String()[written:])
			}
			clock.Advance(time.Minute)
			log.Info("short")
			if out.tells("short") != 1 {
				t.Error("the next minute is silent")
			}
		})
	}
}

// All logs that were derived from one log have one bound together, even when they are
// used at the same moment.
func TestLogIsBoundedTogether(t *testing.T) {
	log, out, _, flush := boundedLog()
	storetest.Together(20, func(i int) {
		mine := log.With("i", i).WithGroup("g")
		for range 100 {
			mine.Warn("it", "text", "value")
		}
	})
	flush()
	if lines := out.tells("g.text=value"); lines != 200 || out.tells("warnings=1800 ") != 1 || strings.Count(out.String(), "\n") != 201 {
		t.Errorf("20 together wrote %d lines, and at last %q", lines, out.String()[max(0, len(out.String())-200):])
	}
}
