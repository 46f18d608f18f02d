// Patience: how long a request may work, so that its reply leaves before the server
// gives the connection up, 30 seconds after it has read the header, however slow the
// stores are. Saving at the end has ten seconds of its own: see sessions.Hold.

package handlers

import (
	"context"
	"time"

	"github.com/labstack/echo/v4"
)

// replyPatience is how long what comes before the saving may take.
const replyPatience = 15 * time.Second

// due gives a request its time. What asks at most two stores once or sets no cookie
// needs none, and streams have a time of their own.
func (lab *Lab) due(c echo.Context) (done func()) {
	if kind := lab.kind(c); kind == bare || kind == quick || kind == stream {
		return func() {}
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), replyPatience)
	c.SetRequest(c.Request().WithContext(ctx))
	return cancel
}

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
