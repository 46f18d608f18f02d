// Lesson 12, script: a script in the page cannot read an HttpOnly cookie, and is
// signed in all the same. The script is static/lesson-script.js; what it reports,
// the server checks as far as it can see it.

package handlers

import (
	"html/template"
	"net/http"
	"slices"
	"strings"

	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
)

// scriptFile is the attacker's script.
const scriptFile = "lesson-script.js"

// Script is lesson 12.
func (lessons) Script() lesson {
	return lesson{
		Number: 12, Slug: "script", Minutes: 8, Answer: "C", Why: []string{"not-read", "used"}, SignedIn: true, Script: scriptFile,
		Acts: map[string]func(*lessonStep) error{"seen": scriptSeen, "overwrite": scriptOverwrote, "echo": scriptHeard},
		Do: func(s *lessonStep) []task {
			if s.fact("used") == "" {
				return []task{{Script: true, To: "seen", Label: s.word("run")}}
			}
			return []task{{Label: s.word("all")}}
		},
		Board: func(s *lessonStep) lessonBoard {
			read := s.yesNoRow("read", s.word("read"), lessonCell{Code: "warn", Text: s.word("readable")}, lessonCell{Code: "none", Text: s.word("hidden")})
			read.Note = "document.cookie"
			use := s.verdictRow("use", s.word("use"))
			use.Note = "fetch()"
			return lessonBoard{Columns: s.ways(), Rows: []lessonRow{read, use}}
		},
		Happened: func(s *lessonStep) string {
			switch {
			case s.fact("used") == "":
				return ""
			case s.fact("read.session") == "yes":
				return "A"
			case s.fact("used") == "yes":
				return "C"
			default:
				return "B"
			}
		},
		Done: func(s *lessonStep) bool { return s.lesson.Happened(s) == "C" },
		Closer: map[string]func(*lessonStep) closerView{
			"source": func(s *lessonStep) closerView {
				return closerView{Code: []template.HTML{s.figure(scriptFile)}}
			},
			"console": scriptByHand,
			"overwrite": func(s *lessonStep) closerView {
				return scriptView(s, "overwrite", lessonCell{Code: "yes", Text: s.word("ignored"), Detail: s.word("ignored.detail")}, lessonCell{Code: "no", Text: s.word("overwritten")})
			},
			"echo": func(s *lessonStep) closerView {
				return scriptView(s, "echo", lessonCell{Code: "warn", Text: s.word("echoed"), Detail: s.word("echoed.detail")}, lessonCell{Code: "none", Text: s.word("hidden")})
			},
			"sniffer": func(s *lessonStep) closerView {
				return closerView{Tasks: []task{{To: "/wire", Label: s.word("wire"), Quiet: true}}}
			},
		},
		Code:   []string{"handlers.scriptSeen", "tokens.Page.WhoAmI"},
		Django: "SESSION_COOKIE_HTTPONLY = True                        # the default\nresponse.set_cookie(\"theme\", \"dark\", httponly=True)    # not the default: say it for each cookie",
	}
}

// scriptSeen writes down what the script saw, by the names alone, and what this
// server makes of the script's request: it came with the cookies, or not.
func scriptSeen(s *lessonStep) error {
	told, err := scriptReport(s, "names", "who")
	if err != nil {
		return err
	}
	names := strings.Fields(told["names"])
	for _, lane := range s.lanes.Cookies {
		s.note("read."+lane.ID(), markup.YesNo(slices.Contains(names, lane.Cookie().Name)))
	}
	s.noteYou("use")
	session := s.finding(lanes.Session)
	s.note("used", markup.YesNo(session.Verdict.Accepted() && session.Who.User == told["who"]))
	return s.done()
}

// scriptOverwrote writes down whose key came, after the script wrote over it.
func scriptOverwrote(s *lessonStep) error {
	if _, err := scriptReport(s); err != nil {
		return err
	}
	s.note("overwrite", markup.YesNo(s.finding(lanes.Session).Verdict.Accepted()))
	return s.done()
}

// scriptHeard writes down whether the script knows the session's key: it says how
// the key begins and ends.
func scriptHeard(s *lessonStep) error {
	told, err := scriptReport(s, "key")
	if err != nil {
		return err
	}
	key, came := s.carried(s.finding(lanes.Session).Cookie)
	s.note("echo", markup.YesNo(came && told["key"] == markup.ShortKey(key)))
	return s.done()
}

// scriptReport reads what a script reports; a form of a page cannot.
func scriptReport(s *lessonStep, fields ...string) (map[string]string, error) {
	r := s.c.Request()
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
func scriptView(s *lessonStep, name string, yes, no lessonCell) closerView {
	row := lessonRow{ID: name, Title: s.word(name), Cells: []lessonCell{s.yesNoCell(name, yes, no)}}
	return closerView{
		Tasks: []task{{Script: true, To: name, Label: s.word(name + ".run"), Quiet: true}},
		Board: lessonBoard{Columns: []lessonColumn{{Title: s.w.Text("way.session.short"), Lane: lanes.Session}}, Rows: []lessonRow{row}},
	}
}

// scriptByHand are lines for the console of DevTools. The last does what the
// button does.
func scriptByHand(s *lessonStep) closerView {
	return closerView{Tasks: []task{
		{Label: s.word("line.read"), Line: `document.cookie`},
		{Label: s.word("line.use"), Line: `fetch("/api/whoami").then(r => r.json()).then(console.log)`},
		{Label: s.word("line.tell"), Line: `fetch("/api/whoami").then(r => r.json()).then(me => fetch("/lessons/script", {method: "POST", body: new URLSearchParams({act: "seen", names: document.cookie.replace(/=[^;]*;?/g, ""), who: me.user})}))`},
	}}
}
