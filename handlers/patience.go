// Patience: what a handler does besides asking stores (a copy sent, races, deeds on
// the engines page, the end of a class) is over in the request's time, which
// sessions.Hold gives it: so its reply leaves before the server gives the connection
// up, however slow the stores are.

package handlers

import (
	"context"
	"time"
)

// replyPatience is how long it may take where a request has no time of its own.
const replyPatience = 15 * time.Second

// inTime is a context for what goes on when the client hangs up: it ends after a
// while, and at the latest when the request's time is over.
func inTime(ctx context.Context, patience time.Duration) (context.Context, context.CancelFunc) {
	return context.WithDeadline(context.WithoutCancel(ctx), dueIn(ctx, patience))
}

// dueIn is when something that may take a while has to be done.
func dueIn(ctx context.Context, patience time.Duration) time.Time {
	at := time.Now().Add(patience)
	if due, ok := ctx.Deadline(); ok && due.Before(at) {
		return due
	}
	return at
}
