// The neighbour: a foreign page on the lab's second server. Its port is another,
// its host the lab's, so for a browser it is the same site: what only looks at
// the site does not stop it.

package handlers

import (
	"github.com/labstack/echo/v4"

	"cookielab/handlers/locale"
	"cookielab/handlers/web"
)

// Neighbour is what this page needs: a site with another server.
type Neighbour struct{ site *web.Site }

func newNeighbour(site *web.Site) *Neighbour { return &Neighbour{site} }

// Get serves GET /play/neighbour: a page that posts to the other server,
// under the name by which this one was asked.
func (h *Neighbour) Get(c echo.Context) error {
	p := foreignPage{Host: c.Request().Host, Lab: h.site.Others[0].Origin(c.Request()), Lesson: "other-site"}
	c.Response().Header().Set("Content-Security-Policy", foreignPolicy(p.Lab)) // an error takes the lab's again
	return p.show(c, h.site.Assets, "neighbour", locale.Msg("other.neighbour.title"))
}
