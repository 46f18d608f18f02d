// The copy: cookies taken from the browser and sent by another program. The
// server itself is that program, over a real connection.

package handlers

import (
	"github.com/labstack/echo/v4"

	"cookielab/handlers/auth"
	"cookielab/handlers/notebook"
	"cookielab/sessions"
)

// Copy serves POST /act/copy: takes a copy of what came, and sends it.
func (h *Dashboard) Copy(c echo.Context) error {
	if err := h.auth.Before(c); err != nil {
		return err
	}
	taken := h.auth.CopyOf(h.auth.Lanes.Values(c))
	if len(taken.Cookies) == 0 {
		return h.auth.Done(c, notebook.Action{Name: "copy.nothing"}, "/dashboard")
	}
	n := notebook.From(c)
	sessions.AfterCommit(c, func() { taken.Keep(n.Log()) })
	return h.auth.Done(c, notebook.Action{Name: "copy"}, "/dashboard")
}

// Replay serves POST /act/replay: sends the copy again.
func (h *Dashboard) Replay(c echo.Context) error {
	if err := h.auth.Before(c); err != nil {
		return err
	}
	if notebook.Of[*auth.Copy](notebook.From(c).Log()) == nil {
		return h.auth.Done(c, notebook.Action{Name: "replay.nothing"}, "/dashboard")
	}
	return h.auth.Done(c, notebook.Action{Name: "replay"}, "/dashboard")
}
