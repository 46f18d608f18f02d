// What the course says: the texts of the lessons and the sheets to print, in each
// language. They are read and checked once; the servers of one process share them.

package handlers

import (
	"errors"
	"html/template"
	"io/fs"

	"cookielab/handlers/auth"
	"cookielab/handlers/locale"
	"cookielab/handlers/notebook"
	"cookielab/handlers/web"
	"cookielab/sessions"
)

// CourseTexts are the texts of the course, in the languages of the pages that they
// were read for. No request changes them.
type CourseTexts struct {
	assets    *web.Assets // that they were read for
	lessons   lessonTexts
	different map[string]template.HTML // by lesson: its unsafe function beside the safe one
	handouts  map[*locale.Printer]*handoutText
}

// errOtherCourse says that texts and pages do not belong together.
var errOtherCourse = errors.New("the texts of the course were not read for these pages")

// readCourse reads templates/lessons and templates/handout in the languages of the
// pages. An error names the file that cannot work, or the function that a lesson
// shows and the source lacks.
func readCourse(files fs.FS, assets *web.Assets, all []*lesson) (*CourseTexts, error) {
	t := &CourseTexts{assets: assets, different: map[string]template.HTML{}}
	var err error
	if t.lessons, err = readLessons(files, assets.Languages, assets.Source, all); err != nil {
		return nil, err
	}
	for _, l := range all {
		if l.Unsafe != "" {
			t.different[l.Slug] = assets.Source.Difference(l.Unsafe, l.Safe)
		}
	}
	if t.handouts, err = readHandouts(files, assets.Languages); err != nil {
		return nil, err
	}
	return t, nil
}

// lesson is what a lesson says in a language.
func (t *CourseTexts) lesson(w *locale.Printer, slug string) *lessonText { return t.lessons[w][slug] }

// CourseConfig is what a Course is made of.
type CourseConfig struct {
	Texts     *CourseTexts   // read for the assets of the site
	Lessons   []*lesson      // in order
	Store     sessions.Store // where runs lie, and what lessons keep of their own
	Wire      *notebook.Logs
	OtherSite string // where browsers find it; "": there is none
	Home      string // where browsers find this server
}

// Course is what the pages of the lessons need.
type Course struct {
	site            *web.Site
	auth            *auth.Auth
	texts           *CourseTexts
	lessons         []*lesson
	store           sessions.Store
	wire            *notebook.Logs
	otherSite, home string
	runs            *sessions.Manager
	sessions        map[string]*sessions.Manager // of the lessons' own, by slug
}

// newCourse makes it; an error names what cannot work.
func newCourse(site *web.Site, auth *auth.Auth, config CourseConfig) (*Course, error) {
	if config.Texts == nil || config.Texts.assets != site.Assets {
		return nil, errOtherCourse
	}
	h := &Course{
		site: site, auth: auth, texts: config.Texts, lessons: config.Lessons, store: config.Store, wire: config.Wire,
		otherSite: config.OtherSite, home: config.Home,
	}
	var errs [2]error
	h.runs, errs[0] = h.newRuns()
	h.sessions, errs[1] = h.newLessonSessions()
	return h, errors.Join(errs[:]...)
}
