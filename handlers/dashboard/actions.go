// The action bar: what it does to all three lanes at once, or to one. Each action is a form
// with a real response, so that DevTools shows what happened.

package dashboard

import (
	"github.com/labstack/echo/v4"

	"cookielab/handlers/auth"
	"cookielab/handlers/lanes"
	"cookielab/handlers/notebook"
	"cookielab/sessions"
)

// Edit serves POST /act/edit: it makes all three lanes' values say teacher, as far as one
// could do that in DevTools.
func (h *Page) Edit(c echo.Context) error {
	return h.auth.Tamper(c, "edit", h.auth.Lanes.Cookies, lanes.TamperRole, "/dashboard")
}

// Flip serves POST /act/flip/{lane}: it changes one character of the lane's value.
func (h *Page) Flip(c echo.Context) error {
	lane, err := h.auth.Lanes.Param(c)
	if err != nil {
		return err
	}
	return h.auth.Tamper(c, "flip", []lanes.CookieLane{lane}, lanes.FlipCharacter, "/dashboard")
}

// Expire serves POST /act/expire: all three lanes end in ten seconds, by the browser's clock
// and by the server's. It also takes a new copy of them.
func (h *Page) Expire(c echo.Context) error {
	ok, err := h.auth.ExpireSoon(c)
	if err != nil {
		return err
	}
	if !ok {
		return h.auth.Done(c, notebook.Action{Name: "expire.nobody"}, "/dashboard")
	}
	return h.auth.Done(c, notebook.Action{Name: "expire"}, "/dashboard")
}

// Restore serves POST /act/restore: it signs in again whoever the last record of this browser
// names, if that record still lives, and ends the record.
func (h *Page) Restore(c echo.Context) error {
	if err := h.auth.Before(c); err != nil {
		return err
	}
	ok, err := h.auth.Restore(c)
	if err != nil {
		return err
	}
	if !ok {
		return h.auth.Done(c, notebook.Action{Name: "restore.nobody"}, "/dashboard")
	}
	return h.auth.Done(c, notebook.Action{Name: "restore"}, "/dashboard")
}

// Drop serves POST /act/drop/{lane}: it deletes only the browser's cookie, as one could in
// DevTools. What lies on the server stays.
func (h *Page) Drop(c echo.Context) error {
	lane, err := h.auth.Lanes.Param(c)
	if err != nil {
		return err
	}
	if err := h.auth.Before(c); err != nil {
		return err
	}
	lanes.EraseCookie(c, lane)
	return h.auth.Done(c, notebook.Action{Name: "drop", Lane: lane.ID()}, "/dashboard")
}

// Copy serves POST /act/copy: it takes a copy of the values that came, and sends it.
func (h *Page) Copy(c echo.Context) error {
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

// Replay serves POST /act/replay: it sends the copy again.
func (h *Page) Replay(c echo.Context) error {
	if err := h.auth.Before(c); err != nil {
		return err
	}
	if notebook.Of[*auth.Copy](notebook.From(c).Log()) == nil {
		return h.auth.Done(c, notebook.Action{Name: "replay.nothing"}, "/dashboard")
	}
	return h.auth.Done(c, notebook.Action{Name: "replay"}, "/dashboard")
}
