// Lesson 15, engines: what happens to a session depends on where it lives. The
// actions are those of the page /engines; what came of them it tells the lesson.

package lessons

import (
	"slices"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/course"
	"cookielab/handlers/engines"
	"cookielab/sessions"
)

const enginesSlug = "engines"

// engineEvents are the actions of the lesson, in its order: what the question is
// about comes first.
var engineEvents = []string{"second", "restart", "clear", "elsewhere", "tabs"}

// Engines is lesson 15.
func (all lessons) Engines() course.Lesson {
	return course.Lesson{
		Number: 15, Slug: enginesSlug, Minutes: 12, Answer: "A",
		Do: func(s *course.Step) (tasks []course.Task) {
			for _, event := range engineEvents {
				if !engineEvent(s, event) {
					tasks = append(tasks, course.Task{Act: event, Action: engines.Path + "/" + event, Label: s.Word(event + ".do"), Quiet: len(tasks) > 0})
				}
			}
			if len(tasks) == 0 {
				return []course.Task{{Label: s.Word("all")}}
			}
			return tasks
		},
		Board: func(s *course.Step) course.Board {
			var b course.Board
			for _, engine := range sessions.Engines() {
				b.Columns = append(b.Columns, course.Column{Title: engine})
			}
			for _, event := range engineEvents {
				row := course.Row{ID: event, Title: s.Word(event)}
				for _, engine := range sessions.Engines() {
					row.Cells = append(row.Cells, engineCell(s, event+"."+engine))
				}
				b.Rows = append(b.Rows, row)
			}
			if !all.engines.OwnMemory() {
				b.Note = s.Word("shared")
			}
			return b
		},
		Happened: func(s *course.Step) string {
			switch engines.Outcome(s.Fact("second.cache")) {
			case engines.OutcomeUnknown:
				return "A"
			case engines.OutcomeKnown:
				return "B"
			}
			return ""
		},
		Done: func(s *course.Step) bool {
			for _, event := range engineEvents {
				if !engineEvent(s, event) {
					return false
				}
			}
			return true
		},
		Reset: func(s *course.Step) error {
			all.engines.Forget(s.C, s.Notebook)
			return nil
		},
		Closer: map[string]func(*course.Step) course.View{
			"places": func(s *course.Step) course.View {
				return course.View{Tasks: []course.Task{{To: engines.Path, Label: s.Word("places"), Quiet: true}}}
			},
		},
		Code:   []string{"engines.cluster.do", "sessions.Stores.Engine", "engines.addOne"},
		Django: "SESSION_ENGINE = \"django.contrib.sessions.backends.db\"    # or cache, file, cached_db, signed_cookies",
	}
}

// engineEvent reports whether an action was done: whether something came of it.
func engineEvent(s *course.Step, event string) bool {
	return s.Fact(event+"."+sessions.EngineDB) != ""
}

// engineCell is what became of the session in one engine.
func engineCell(s *course.Step, name string) course.Cell {
	outcome := engines.Outcome(s.Fact(name))
	if outcome == "" {
		return course.Cell{}
	}
	codes := map[string]string{"✓": "yes", "?": "warn", "✗": "no", "○": "none"}
	return course.Cell{Code: codes[outcome.Mark()], Text: s.W.Text(outcome.Label())}
}

// NoteEngines returns what the engines page tells of its actions: it writes down what
// became of the session in each engine, whichever page the action was done on; not before
// the question was answered.
func NoteEngines(h *course.Course) func(c echo.Context, action string, outcomes map[string]engines.Outcome) error {
	return func(c echo.Context, action string, outcomes map[string]engines.Outcome) error {
		if !slices.Contains(engineEvents, action) {
			return nil
		}
		s, err := h.StepOf(c, h.Lesson(enginesSlug))
		if err != nil || !s.Asked() {
			return err
		}
		for engine, outcome := range outcomes {
			s.Note(action+"."+engine, string(outcome))
		}
		s.Finish()
		return s.Save()
	}
}
