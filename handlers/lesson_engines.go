// Lesson 15, engines: what happens to a session depends on where it lives. The
// actions are those of the page /engines; what came of them it tells the lesson.

package handlers

import (
	"slices"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/engines"
	"cookielab/sessions"
)

const enginesSlug = "engines"

// engineEvents are the actions of the lesson, in its order: what the question is
// about comes first.
var engineEvents = []string{"second", "restart", "clear", "elsewhere", "tabs"}

// Page is lesson 15.
func (all lessons) Engines() lesson {
	return lesson{
		Number: 15, Slug: enginesSlug, Minutes: 12, Answer: "A",
		Do: func(s *lessonStep) (tasks []task) {
			for _, event := range engineEvents {
				if !engineEvent(s, event) {
					tasks = append(tasks, task{Act: event, Action: engines.Path + "/" + event, Label: s.word(event + ".do"), Quiet: len(tasks) > 0})
				}
			}
			if len(tasks) == 0 {
				return []task{{Label: s.word("all")}}
			}
			return tasks
		},
		Board: func(s *lessonStep) lessonBoard {
			var b lessonBoard
			for _, engine := range sessions.Engines() {
				b.Columns = append(b.Columns, lessonColumn{Title: engine})
			}
			for _, event := range engineEvents {
				row := lessonRow{ID: event, Title: s.word(event)}
				for _, engine := range sessions.Engines() {
					row.Cells = append(row.Cells, engineCell(s, event+"."+engine))
				}
				b.Rows = append(b.Rows, row)
			}
			if !all.engines.OwnMemory() {
				b.Note = s.word("shared")
			}
			return b
		},
		Happened: func(s *lessonStep) string {
			switch "engines.word." + s.fact("second.cache") {
			case engines.OutcomeUnknown:
				return "A"
			case engines.OutcomeKnown:
				return "B"
			}
			return ""
		},
		Done: func(s *lessonStep) bool {
			for _, event := range engineEvents {
				if !engineEvent(s, event) {
					return false
				}
			}
			return true
		},
		Reset: func(s *lessonStep) error {
			all.engines.Forget(s.c, s.book)
			return nil
		},
		Closer: map[string]func(*lessonStep) closerView{
			"places": func(s *lessonStep) closerView {
				return closerView{Tasks: []task{{To: engines.Path, Label: s.word("places"), Quiet: true}}}
			},
		},
		Code:   []string{"engines.cluster.do", "sessions.Stores.Engine", "engines.addOne"},
		Django: "SESSION_ENGINE = \"django.contrib.sessions.backends.db\"    # or cache, file, cached_db, signed_cookies",
	}
}

// engineEvent reports whether an action was done: whether something came of it.
func engineEvent(s *lessonStep, event string) bool {
	return s.fact(event+"."+sessions.EngineDB) != ""
}

// engineCell is what became of the session in one engine.
func engineCell(s *lessonStep, name string) lessonCell {
	word := s.fact(name)
	if word == "" {
		return lessonCell{}
	}
	word = "engines.word." + word
	codes := map[string]string{"✓": "yes", "?": "warn", "✗": "no", "○": "none"}
	return lessonCell{Code: codes[engines.OutcomeMark(word)], Text: s.w.Text(word)}
}

// noteEngines returns what the engines page tells of its actions: it writes down what
// became of the session in each engine, whichever page the action was done on; not before
// the question was answered.
func noteEngines(h *Course) func(c echo.Context, action string, outcomes map[string]engines.Outcome) error {
	return func(c echo.Context, action string, outcomes map[string]engines.Outcome) error {
		if !slices.Contains(engineEvents, action) {
			return nil
		}
		s, err := h.stepOf(c, h.lesson(enginesSlug))
		if err != nil || !s.asked() {
			return err
		}
		for engine, outcome := range outcomes {
			s.note(action+"."+engine, engines.CodeOf(outcome.Word))
		}
		s.finish()
		return s.save()
	}
}
