// The front page: what this is, and where to begin.

package handlers

import (
	"net/http"

	"cookielab/handlers/locale"

	"github.com/labstack/echo/v4"
)

// getHome serves GET /.
func (lab *Lab) getHome(c echo.Context) error {
	page, err := lab.page(c, locale.Msg("home.name"))
	if err != nil {
		return err
	}
	return lab.render(c, http.StatusOK, "home", page)
}
