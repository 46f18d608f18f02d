// Doors: each opens for a teacher, by one lane's finding alone. Behind it lies
// a sentence and nothing else.

package dashboard

import (
	"html/template"
	"net/http"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/web"
)

type doorData struct {
	web.Page
	Lane    string
	Open    bool
	By      template.HTML  // who, by this lane alone
	Failed  locale.Message // the check that kept it shut
	Detail  locale.Message
	Verdict lanes.Verdict
}

// Door serves GET /door/{lane}: 200 for a teacher, by this lane; else 403 with the check that
// failed.
func (h *Page) Door(c echo.Context) error {
	lane, err := h.auth.Lanes.Param(c)
	if err != nil {
		return err
	}
	f, err := h.auth.Recall(c, lane)
	if err != nil {
		return err
	}
	p := doorData{
		Lane: lane.ID(), By: lanes.WhoIs(f.Who), Verdict: f.Verdict,
		Open: f.OpensDoor(),
	}
	status := http.StatusOK
	if !p.Open {
		status = http.StatusForbidden
		p.Failed, p.Detail = locale.Msg("check.role"), locale.Msg("role.no", locale.Args{"Role": f.Who.Role})
		if f.Who.Role == "" {
			p.Detail = locale.Msg("role.none")
		}
		if check, ok := f.FailedCheck(); ok && !f.Verdict.Accepted() {
			p.Failed, p.Detail = check.Title(), check.Detail
		}
	}
	if p.Page, err = h.site.Page(c, locale.Msg("door.title."+lane.ID())); err != nil {
		return err
	}
	return h.site.Render(c, status, "door", p)
}
