// Lessons make you predict, do, see. This file says what a lesson is made of; each has a file of its own in package lessons, and its words in
// templates/lessons.

package course

import (
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"

	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/web"
	"cookielab/sessions"
)

// Lesson is one lesson of the course.
type Lesson struct {
	Number  int
	Slug    string // in its address, and the name of its words' files
	Minutes int
	Short   bool     // it belongs to the short course
	Answer  string   // "A", "B" or "C", for the teacher's sheet; the page shows what happened
	Why     []string // the claims that say why, by their IDs; none: the first

	SignedIn bool // it begins with a student whom all three lanes know

	// Do is what can be done next: the first thing is the one to do. It also
	// tells what stands there when everything was done.
	Do func(*Step) []Task
	// Acts are what its buttons do, by the name of the task. Each ends with
	// s.Done(), or with another reply.
	Acts map[string]func(*Step) error
	// Look writes down what this very request shows: the way by DevTools, or by
	// any other page of the lab. It runs with each visit of the lesson's page.
	Look func(*Step)
	// Board is what was seen.
	Board func(*Step) Board
	// Happened is the choice that came true, by what was seen; "": not known yet.
	Happened func(*Step) string
	// Done reports whether the state that the lesson aims at was seen.
	Done func(*Step) bool
	// Reset takes back what the lesson left in the browser; Cookies go anyhow.
	Reset func(*Step) error
	// Closer are the tasks and boards of what stands below "Look closer".
	Closer map[string]func(*Step) View

	Play    map[string]PlayHandler // routes below /play, by "GET /hello": what other sites and programs ask
	Cookies []*http.Cookie         // that it sets: name, path and domain, to delete them

	// Sessions makes the manager of sessions of the lesson's own, which open nothing
	// else; nil: it has none.
	Sessions func(*lanes.Set, sessions.Store) (*sessions.Manager, error)
	Script   string // a static file; "": none. Only for what is about script

	Code         []string // functions that ran
	Unsafe, Safe string   // two functions of which one is how not to do it; "": there are none
	Django       string   // the line it stands for
}

// Task is one thing to do: a button, a link, or a line to copy.
type Task struct {
	Act    string // a button does this; "": it is no button
	Label  string
	To     string // a link leads there
	NewTab bool   // it opens in a tab of its own
	Line   string // a line to copy, for the terminal or the console of DevTools
	Action string // where the button's form goes; "": to the lesson
	Script bool   // the lesson's script does it: hidden without
	Quiet  bool   // not the thing to do next
}

// View is what can be done and seen below one heading of "Look closer".
type View struct {
	Tasks []Task
	Board Board
	Code  []template.HTML
}

const textsFolder = "templates/lessons"

// textsBySlug are the words of the lessons, by language and slug.
type textsBySlug map[*locale.Printer]map[string]*Text

// readTexts reads the words of all lessons. An error names what is missing in
// which language, or which function that a lesson shows is not in the source.
func readTexts(files fs.FS, all locale.Languages, code web.Source, known []*Lesson) (textsBySlug, error) {
	texts := textsBySlug{}
	for _, w := range all.All {
		folder := path.Join(textsFolder, w.Tag.String())
		texts[w] = map[string]*Text{}
		for _, l := range known {
			text, err := readText(files, path.Join(folder, l.Slug+".md"), w)
			if err != nil {
				return nil, fmt.Errorf("lesson %s: %w", l.Slug, err)
			}
			texts[w][l.Slug] = text
			for _, id := range l.Why {
				if _, ok := text.claimed[id]; !ok {
					return nil, fmt.Errorf("lesson %s: it has no claim %q", l.Slug, id)
				}
			}
		}
		names, err := fs.Glob(files, folder+"/*.md")
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if slug := strings.TrimSuffix(path.Base(name), ".md"); texts[w][slug] == nil {
				return nil, fmt.Errorf("%s: there is no lesson of that name", name)
			}
		}
	}
	for _, l := range known {
		for _, name := range append([]string{l.Unsafe, l.Safe}, l.Code...) {
			if _, err := code.Figure(name); err != nil && name != "" {
				return nil, fmt.Errorf("lesson %s: %w", l.Slug, err)
			}
		}
	}
	return texts, nil
}

// newSessions makes the managers of the sessions that lessons have of their own,
// by slug.
func (h *Course) newSessions() (map[string]*sessions.Manager, error) {
	own := map[string]*sessions.Manager{}
	for _, l := range h.Lessons {
		if l.Sessions == nil {
			continue
		}
		manager, err := l.Sessions(h.auth.Lanes, h.store)
		if err != nil {
			return nil, fmt.Errorf("lesson %s: %w", l.Slug, err)
		}
		own[l.Slug] = manager
	}
	return own, nil
}

// Lesson returns the lesson of a slug; nil: there is none.
func (h *Course) Lesson(slug string) *Lesson {
	i := slices.IndexFunc(h.Lessons, func(l *Lesson) bool { return l.Slug == slug })
	if i < 0 {
		return nil
	}
	return h.Lessons[i]
}

// sittingStarts are the numbers of the lessons with which each of the three begins.
var sittingStarts = []int{1, 7, 12}
