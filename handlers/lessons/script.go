// Lesson 12, script: a script in the page cannot read an HttpOnly cookie, and is
// signed in all the same. The script is static/lesson-script.js; what it reports,
// the server checks as far as it can see it.

package lessons

import (
	"html/template"
	"net/http"
	"slices"
	"strings"

	"cookielab/handlers/course"
	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
)

// scriptFile is the attacker's script.
const scriptFile = "lesson-script.js"

// Script is lesson 12.
func (lessons) Script() course.Lesson {
	return course.Lesson{
		Number: 12, Slug: "script", Minutes: 8, Answer: "C", Why: []string{"not-read", "used"}, SignedIn: true, Script: scriptFile,
		Acts: map[string]func(*course.Step) error{"seen": scriptSeen, "overwrite": scriptOverwrote, "echo": scriptHeard},
		Do: func(s *course.Step) []course.Task {
			if s.Fact("used") == "" {
				return []course.Task{{Script: true, To: "seen", Label: s.Word("run")}}
			}
			return []course.Task{{Label: s.Word("all")}}
		},
		Board: func(s *course.Step) course.Board {
			read := s.YesNoRow("read", s.Word("read"), course.Cell{Code: "warn", Text: s.Word("readable")}, course.Cell{Code: "none", Text: s.Word("hidden")})
			read.Note = "document.cookie"
			use := s.VerdictRow("use", s.Word("use"))
			use.Note = "fetch()"
			return course.Board{Columns: s.LaneColumns(), Rows: []course.Row{read, use}}
		},
		Happened: func(s *course.Step) string {
			switch {
			case s.Fact("used") == "":
				return ""
			case s.Fact("read.session") == "yes":
				return "A"
			case s.Fact("used") == "yes":
				return "C"
			default:
				return "B"
			}
		},
		Done: func(s *course.Step) bool { return s.Lesson.Happened(s) == "C" },
		Closer: map[string]func(*course.Step) course.View{
			"source": func(s *course.Step) course.View {
				return course.View{Code: []template.HTML{s.Figure(scriptFile)}}
			},
			"console": scriptByHand,
			"overwrite": func(s *course.Step) course.View {
				return scriptView(s, "overwrite", course.Cell{Code: "yes", Text: s.Word("ignored"), Detail: s.Word("ignored.detail")}, course.Cell{Code: "no", Text: s.Word("overwritten")})
			},
			"echo": func(s *course.Step) course.View {
				return scriptView(s, "echo", course.Cell{Code: "warn", Text: s.Word("echoed"), Detail: s.Word("echoed.detail")}, course.Cell{Code: "none", Text: s.Word("hidden")})
			},
			"sniffer": func(s *course.Step) course.View {
				return course.View{Tasks: []course.Task{{To: "/wire", Label: s.Word("wire"), Quiet: true}}}
			},
		},
		Code:   []string{"lessons.scriptSeen", "tokens.Page.WhoAmI"},
		Django: "SESSION_COOKIE_HTTPONLY = True                        # the default\nresponse.set_cookie(\"theme\", \"dark\", httponly=True)    # not the default: say it for each cookie",
	}
}

// scriptSeen writes down what the script saw, by the names alone, and what this
// server makes of the script's request: it came with the cookies, or not.
func scriptSeen(s *course.Step) error {
	told, err := scriptReport(s, "names", "who")
	if err != nil {
		return err
	}
	names := strings.Fields(told["names"])
	for _, lane := range s.Lanes.Cookies {
		s.Note("read."+lane.ID(), markup.YesNo(slices.Contains(names, lane.Cookie().Name)))
	}
	s.NoteYou("use")
	session := s.Finding(lanes.Session)
	s.Note("used", markup.YesNo(session.Verdict.Accepted() && session.Who.User == told["who"]))
	return s.Done()
}

// scriptOverwrote writes down whose key came, after the script wrote over it.
func scriptOverwrote(s *course.Step) error {
	if _, err := scriptReport(s); err != nil {
		return err
	}
	s.Note("overwrite", markup.YesNo(s.Finding(lanes.Session).Verdict.Accepted()))
	return s.Done()
}

// scriptHeard writes down whether the script knows the session's key: it says how
// the key begins and ends.
func scriptHeard(s *course.Step) error {
	told, err := scriptReport(s, "key")
	if err != nil {
		return err
	}
	key, came := s.Carried(s.Finding(lanes.Session).Cookie)
	s.Note("echo", markup.YesNo(came && told["key"] == markup.ShortKey(key)))
	return s.Done()
}

// scriptReport reads what a script reports; a form of a page cannot.
func scriptReport(s *course.Step, fields ...string) (map[string]string, error) {
	r := s.C.Request()
	told, err := input.Singles(r.PostForm, fields...)
	if err != nil {
		return nil, err
	}
	whole := !slices.ContainsFunc(fields, func(name string) bool { return !r.PostForm.Has(name) })
	if by := r.Header.Get("Sec-Fetch-Dest"); !whole || (by != "" && by != "empty") {
		return nil, input.NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("lessons.needs_script"))
	}
	return told, nil
}

// scriptView is something to do by script, and what came of it.
func scriptView(s *course.Step, name string, yes, no course.Cell) course.View {
	row := course.Row{ID: name, Title: s.Word(name), Cells: []course.Cell{s.YesNoCell(name, yes, no)}}
	return course.View{
		Tasks: []course.Task{{Script: true, To: name, Label: s.Word(name + ".run"), Quiet: true}},
		Board: course.Board{Columns: []course.Column{{Title: s.W.Text("way.session.short"), Lane: lanes.Session}}, Rows: []course.Row{row}},
	}
}

// scriptByHand are lines for the console of DevTools. The last does what the
// button does.
func scriptByHand(s *course.Step) course.View {
	return course.View{Tasks: []course.Task{
		{Label: s.Word("line.read"), Line: `document.cookie`},
		{Label: s.Word("line.use"), Line: `fetch("/api/whoami").then(r => r.json()).then(console.log)`},
		{Label: s.Word("line.tell"), Line: `fetch("/api/whoami").then(r => r.json()).then(me => fetch("/lessons/script", {method: "POST", body: new URLSearchParams({act: "seen", names: document.cookie.replace(/=[^;]*;?/g, ""), who: me.user})}))`},
	}}
}
