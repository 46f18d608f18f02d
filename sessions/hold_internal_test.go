package sessions

import (
	"context"
	"errors"
	"testing"
	"time"
)

// A patience ends on time, in whatever way something waits for it, and makes no timer if
// nothing waits.
func TestAPatienceEnds(t *testing.T) {
	for name, wait := range map[string]func(context.Context) error{
		"Done": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"Err": func(ctx context.Context) error {
			for ctx.Err() == nil {
				time.Sleep(100 * time.Microsecond)
			}
			return ctx.Err()
		},
		"a context made from it": func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			<-ctx.Done()
			return ctx.Err()
		},
		"AfterFunc": func(ctx context.Context) error {
			over := make(chan bool)
			context.AfterFunc(ctx, func() { close(over) })
			<-over
			return ctx.Err()
		},
	} {
		p := new(patience)
		p.begin(t.Context(), time.Millisecond)
		if err := wait(p); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
		p.over()

		ctx, cancel := context.WithCancel(t.Context())
		p = new(patience)
		p.begin(ctx, time.Hour)
		if err := p.Err(); err != nil {
			t.Errorf("%s: before its end: %v", name, err)
		}
		if p.timed != nil {
			t.Errorf("%s: a timer although nothing waits", name)
		}
		cancel()
		if err := wait(p); !errors.Is(err, context.Canceled) {
			t.Errorf("%s, of a request that was given up: %v", name, err)
		}
		p.over()
	}
}
