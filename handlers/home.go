// The front page: what this is, and where to begin.

package handlers

import (
	"net/http"

	"cookielab/handlers/locale"

	"github.com/labstack/echo/v4"
)

// KeptBack serves GET /.
func (h *Dashboard) Home(c echo.Context) error {
	page, err := h.site.Page(c, locale.Msg("home.name"))
	if err != nil {
		return err
	}
	return h.site.Render(c, http.StatusOK, "home", page)
}
