// Play: what pages of other sites ask of the lab in lessons. These routes are the
// only ones that take requests from anywhere, and may be framed by the other site.
// They read nothing but cookies named play_* and the run in the address, and can
// change nothing but what that run holds.

package handlers

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"cookielab/sessions"
)

// playPath is where the play cookies are sent.
const playPath = "/play"

// playHandler answers a request that names a run which lives.
type playHandler func(lab *Lab, c echo.Context, run *sessions.Session) error

// playRoutes registers what the lessons have below /play, by "POST /transfer/:defence".
func (lab *Lab) playRoutes() {
	for _, l := range lab.lessons {
		for address, handler := range l.Play {
			method, path, _ := strings.Cut(address, " ")
			if method == http.MethodPost {
				lab.post(playPath+path, played, lab.play(handler))
			} else {
				lab.get(playPath+path, played, lab.play(handler))
			}
		}
	}
}

// play finds the run, without which there is nothing to play with.
func (lab *Lab) play(handler playHandler) echo.HandlerFunc {
	return func(c echo.Context) error {
		run, err := lab.run(c)
		if err != nil {
			return err
		}
		if run == nil {
			return problem(http.StatusNotFound, "no_run", say("lessons.no_run"))
		}
		h := c.Response().Header()
		h.Del("X-Frame-Options")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin") // an image on another site's page is one request of the lesson
		h.Set("Content-Security-Policy", strings.Replace(h.Get("Content-Security-Policy"), "frame-ancestors 'none'", "frame-ancestors "+lab.framer(), 1))
		return handler(lab, c, run)
	}
}

// framer is who may show a page of play in a frame.
func (lab *Lab) framer() string {
	if lab.config.Other == "" {
		return "'none'"
	}
	return lab.config.Other
}
