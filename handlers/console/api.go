// The session's calls for programs: POST /api/session/{op}. Each is one call of
// the session API, under Django's name, on the session that the request carries.

package console

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/sessions"
)

// callAnswer is what a call answers.
type callAnswer struct {
	Op     string `json:"op"`
	Result any    `json:"result"` // null where there is no value
	// SessionKey is the key as it is after the save: null while nothing is stored.
	SessionKey *string `json:"session_key"`
	Accessed   bool    `json:"accessed"` // Django: session.accessed
	Modified   bool    `json:"modified"` // Django: session.modified
}

// Call serves POST /api/session/{op}.
func (h *Page) Call(c echo.Context) error {
	op, ok := operationNamed(c.Param("op"))
	if !ok {
		names := make([]string, len(operations))
		for i, op := range operations {
			names[i] = op.name
		}
		return input.NewProblem(http.StatusNotFound, "unknown_op", locale.Msg("session_api.unknown_op", locale.Args{"Ops": strings.Join(names, ", ")}))
	}
	body, _ := c.Get(input.JSONKey).([]byte)
	args, err := op.read(body)
	if err != nil {
		return err
	}
	answer, err := h.perform(c, op, args)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, answer)
}

// perform makes one call:
//
//  1. load the session,
//  2. think, for as long as the request asks: no lock is held, and whatever
//     others save meanwhile stays,
//  3. run the operation, in memory; add, exists and clear_expired ask the store,
//  4. save now, not at the end, since the answer tells the key.
func (h *Page) perform(c echo.Context, op operation, args arguments) (callAnswer, error) {
	session, err := h.auth.Lanes.Sessions.Load(c)
	if err != nil {
		return callAnswer{}, err
	}
	if err := think(c.Request().Context(), args.think); err != nil {
		return callAnswer{}, err
	}
	ctx := sessions.Saving(c) // from here on the work is finished even if the client hangs up
	result, err := op.run(&invocation{arguments: args, ctx: ctx, manager: h.auth.Lanes.Sessions, session: session})
	if err != nil {
		return callAnswer{}, err
	}
	if err := session.Save(ctx); err != nil {
		return callAnswer{}, err
	}
	return callAnswer{op.name, result, markup.TextOrNil(session.Key()), session.Accessed(), session.Modified()}, nil
}

// think waits as a slow handler would, unless the client goes away.
func think(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return input.NewProblem(http.StatusRequestTimeout, "gone", locale.Msg("session_api.gone")).Wrap(ctx.Err())
	}
}
