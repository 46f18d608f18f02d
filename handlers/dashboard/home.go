// The front page: what this is, and where to begin.

package dashboard

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/locale"
)

// Home serves GET /.
func (h *Page) Home(c echo.Context) error {
	page, err := h.site.Page(c, locale.Msg("home.name"))
	if err != nil {
		return err
	}
	return h.site.Render(c, http.StatusOK, "home", page)
}
