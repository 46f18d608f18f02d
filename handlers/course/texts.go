// What the course says: the texts of the lessons and the sheets to print, in each
// language. They are read and checked once; the servers of one process share them.

package course

import (
	"errors"
	"html/template"
	"io/fs"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/locale"
	"cookielab/handlers/notebook"
	"cookielab/handlers/web"
)

// Texts are the texts of the course, in the languages of the pages that they
// were read for. No request changes them.
type Texts struct {
	assets    *web.Assets // that they were read for
	lessons   textsBySlug
	different map[string]template.HTML // by lesson: its unsafe function beside the safe one
	handouts  map[*locale.Printer]*handoutText
}

// errOtherCourse says that texts and pages do not belong together.
var errOtherCourse = errors.New("the texts of the course were not read for these pages")

// Read reads templates/lessons and templates/handout in the languages of the
// pages. An error names the file that cannot work, or the function that a lesson
// shows and the source lacks.
func Read(files fs.FS, assets *web.Assets, all []*Lesson) (*Texts, error) {
	t := &Texts{assets: assets, different: map[string]template.HTML{}}
	var err error
	if t.lessons, err = readTexts(files, assets.Languages, assets.Source, all); err != nil {
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

// Lesson returns what a lesson says in a language; nil: there is no such lesson.
func (t *Texts) Lesson(w *locale.Printer, slug string) *Text { return t.lessons[w][slug] }

// Forget deletes the cookies of the lessons that n says were opened.
func (h *Course) Forget(c echo.Context, n *notebook.Notebook) {
	for _, l := range h.Lessons {
		if n.Session().Has(notesKey + l.Slug) {
			l.eraseCookies(c)
		}
	}
}
