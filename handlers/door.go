// Doors: each opens for a teacher, by one lane's finding alone. Behind it lies
// a sentence and nothing else.

package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

type doorPage struct {
	Page
	Lane   string
	Way    string // its title
	Open   bool
	By     Identity // by this way alone
	Label  verdictLabel
	Failed string // the check that kept it shut
	Detail string
}

// getDoor serves GET /door/{lane}: 200 to a teacher, else 403 with the check
// that failed.
func (lab *Lab) getDoor(c echo.Context) error {
	lane, err := lab.laneParam(c)
	if err != nil {
		return err
	}
	f, err := lab.recall(c, lane)
	if err != nil {
		return err
	}
	p := doorPage{
		Lane: lane.ID(), Way: laneWords[lane.ID()][0], By: f.Who,
		Open:  f.Verdict.Accepted() && f.Who.Role == RoleTeacher,
		Label: verdictLabels[f.Verdict],
	}
	status := http.StatusOK
	if !p.Open {
		status = http.StatusForbidden
		p.Failed, p.Detail = "the role is teacher", "by this way you are a "+f.Who.Role
		if f.Who.Role == "" {
			p.Detail = "by this way you have no role"
		}
		if check, ok := f.FailedCheck(); ok && !f.Verdict.Accepted() {
			p.Failed, p.Detail = check.Title().String(), check.Detail.String()
		}
	}
	if lane.ID() != Session {
		// The page's head names who is signed in, which the session lane knows.
		if err := lab.recallSession(c); err != nil {
			return err
		}
	}
	p.Page = lab.page(c, "The door of the "+laneWords[lane.ID()][0])
	return lab.render(c, status, "door", p)
}
