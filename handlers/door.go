// Doors: each opens for a teacher, by one lane's finding alone. Behind it lies
// a sentence and nothing else.

package handlers

import (
	"html/template"
	"net/http"

	"github.com/labstack/echo/v4"
)

// opensDoor is the rule of every door: the way took the visitor for a teacher.
func (f Finding) opensDoor() bool { return f.Verdict.Accepted() && f.Who.Role == RoleTeacher }

type doorPage struct {
	Page
	Lane    string
	Open    bool
	By      template.HTML // who, by this way alone
	Failed  Phrase        // the check that kept it shut
	Detail  Phrase
	Verdict Verdict
}

// getDoor serves GET /door/{lane}: 200 to a teacher, else 403 with the check
// that failed.
func (lab *Lab) getDoor(c echo.Context) error {
	lane, err := lab.lanes.Param(c)
	if err != nil {
		return err
	}
	f, err := lab.recall(c, lane)
	if err != nil {
		return err
	}
	p := doorPage{
		Lane: lane.ID(), By: whoIs(f.Who), Verdict: f.Verdict,
		Open: f.opensDoor(),
	}
	status := http.StatusOK
	if !p.Open {
		status = http.StatusForbidden
		p.Failed, p.Detail = say("check.role"), say("role.no", Args{"Role": f.Who.Role})
		if f.Who.Role == "" {
			p.Detail = say("role.none")
		}
		if check, ok := f.FailedCheck(); ok && !f.Verdict.Accepted() {
			p.Failed, p.Detail = check.Title(), check.Detail
		}
	}
	if lane.ID() != Session {
		// The page's head names who is signed in, which the session lane knows.
		if err := lab.recallSession(c); err != nil {
			return err
		}
	}
	p.Page = lab.page(c, say("door.title."+lane.ID()))
	return lab.render(c, status, "door", p)
}
