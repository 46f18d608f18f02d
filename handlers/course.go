// What the course says: the texts of the lessons and the sheets to print, in each
// language. They are read and checked once; the servers of one process share them.

package handlers

import (
	"errors"
	"html/template"
	"io/fs"

	"cookielab/handlers/locale"
)

// CourseTexts are the texts of the course, in the languages of the pages that they
// were read for. No request changes them.
type CourseTexts struct {
	assets    *Assets // that they were read for
	lessons   lessonTexts
	different map[string]template.HTML // by lesson: its unsafe function beside the safe one
	handouts  map[*locale.Printer]*handoutText
}

// errOtherCourse says that texts and pages do not belong together.
var errOtherCourse = errors.New("the texts of the course were not read for these pages")

// ReadCourse reads templates/lessons and templates/handout in the languages of the
// pages. An error names the file that cannot work, or the function that a lesson
// shows and the source lacks.
func ReadCourse(files fs.FS, assets *Assets) (*CourseTexts, error) {
	t := &CourseTexts{assets: assets, different: map[string]template.HTML{}}
	var err error
	if t.lessons, err = readLessons(files, assets.languages, assets.source); err != nil {
		return nil, err
	}
	for _, l := range allLessons() {
		if l.Unsafe != "" {
			t.different[l.Slug] = assets.source.difference(l.Unsafe, l.Safe)
		}
	}
	if t.handouts, err = readHandouts(files, assets.languages); err != nil {
		return nil, err
	}
	return t, nil
}

// lesson is what a lesson says in a language.
func (t *CourseTexts) lesson(w *locale.Printer, slug string) *lessonText { return t.lessons[w][slug] }
