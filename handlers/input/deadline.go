// The deadline of a request, for the slow work that a handler does while its client waits, such as
// to end many records or to send a request itself. All of it ends within the time that
// sessions.Hold gives the request. So the reply leaves before the server closes the connection,
// however slow the stores are.

package input

import (
	"context"
	"time"
)

// ReplyTimeout is the time for such work if the request's context has no deadline.
const ReplyTimeout = 15 * time.Second

// InTime returns a context for work that goes on when the client hangs up. It ends after
// the timeout, and not later than the request's deadline.
func InTime(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	return context.WithDeadline(context.WithoutCancel(ctx), DueIn(ctx, timeout))
}

// DueIn returns the instant when the timeout is over, or the context's deadline if that is
// earlier.
func DueIn(ctx context.Context, timeout time.Duration) time.Time {
	at := time.Now().Add(timeout)
	if due, ok := ctx.Deadline(); ok && due.Before(at) {
		return due
	}
	return at
}
