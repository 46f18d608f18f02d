// Package course is what lessons are made of: a lesson's step and board, its text, its runs,
// its pages, and the notes and the handout of all.
package course

import (
	"errors"

	"cookielab/handlers/auth"
	"cookielab/handlers/notebook"
	"cookielab/handlers/web"
	"cookielab/sessions"
)

// Config is what a Course is made of.
type Config struct {
	Texts     *Texts         // read for the assets of the site
	Lessons   []*Lesson      // in order
	Store     sessions.Store // of runs, and of the lessons' own sessions
	Logs      *notebook.Logs
	OtherSite string // the origin at which browsers find the other site; "": there is none
	Home      string // the origin at which browsers find this server
}

// Course is what the pages of the lessons need.
type Course struct {
	site            *web.Site
	auth            *auth.Auth
	Texts           *Texts    // in the languages of the site
	Lessons         []*Lesson // in order
	store           sessions.Store
	logs            *notebook.Logs
	otherSite, home string
	runs            *sessions.Manager
	sessions        map[string]*sessions.Manager // of the lessons' own, by slug
}

// New makes the course of a site. Its error names the options or the lesson of which no
// session manager can be made, or says that the texts are for another site.
func New(site *web.Site, auth *auth.Auth, config Config) (*Course, error) {
	if config.Texts == nil || config.Texts.assets != site.Assets {
		return nil, errOtherCourse
	}
	h := &Course{
		site: site, auth: auth, Texts: config.Texts, Lessons: config.Lessons, store: config.Store, logs: config.Logs,
		otherSite: config.OtherSite, home: config.Home,
	}
	var errs [2]error
	h.runs, errs[0] = h.newRuns()
	h.sessions, errs[1] = h.newSessions()
	return h, errors.Join(errs[:]...)
}
