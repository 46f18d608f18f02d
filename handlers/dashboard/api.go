// The dashboard for programs.

package dashboard

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/auth"
	"cookielab/handlers/notebook"
	"cookielab/handlers/web"
)

// Lanes serves GET /api/lanes: the dashboard's three lanes, and the token's.
func (h *Page) Lanes(c echo.Context) error {
	findings, err := h.auth.RecallAll(c)
	if err != nil {
		return err
	}
	token, err := h.auth.Lanes.Opaque.Recall(c)
	if err != nil {
		return err
	}
	if token.Sent { // no browser ever sends one by itself, so that is no news on the wire
		notebook.NoteFinding(c, token)
	}
	if h.OnFindings != nil {
		if err := h.OnFindings(c, findings); err != nil {
			return err
		}
	}
	findings = append(findings, token)
	answer, err := h.auth.Describe(c, findings)
	if err != nil {
		return err
	}
	if c.QueryParams().Has(web.RunParam) { // a lesson's line of curl: its reader looks for three verdicts in a terminal
		for _, d := range answer {
			d.ServerKeeps.Data = nil
		}
	}
	return c.JSON(http.StatusOK, auth.LanesAnswer{Lanes: answer})
}
