// Patience: the time for slow work of a handler (to send a copy, the races, the actions on
// the engines page, the end of a class). All of it ends within the time that sessions.Hold
// gives the request. So the reply leaves before the server closes the connection, however
// slow the stores are.

package handlers

import (
	"context"
	"time"
)

// replyPatience is the time for such work if the request's context has no deadline.
const replyPatience = 15 * time.Second

// inTime returns a context for work that goes on when the client hangs up. It ends when
// the patience is over, and not later than the request's deadline.
func inTime(ctx context.Context, patience time.Duration) (context.Context, context.CancelFunc) {
	return context.WithDeadline(context.WithoutCancel(ctx), dueIn(ctx, patience))
}

// dueIn is the instant when the patience is over, or the context's deadline if that is
// earlier.
func dueIn(ctx context.Context, patience time.Duration) time.Time {
	at := time.Now().Add(patience)
	if due, ok := ctx.Deadline(); ok && due.Before(at) {
		return due
	}
	return at
}
