// The copy in lessons: 7, 8 and 9 each leave one with somebody, have it sent by
// another program or by a line of curl, and show what was concluded.

package handlers

import (
	"time"

	"cookielab/handlers/auth"
	"cookielab/handlers/lanes"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
	"cookielab/handlers/web"
	"cookielab/sessions"
)

// leaveCopy leaves somebody with the cookies as they came, once this request is done.
func (s *lessonStep) leaveCopy() {
	taken := s.course.auth.CopyOf(s.lanes.Values(s.c))
	sessions.AfterCommit(s.c, func() { taken.Keep(s.book.Log()) })
}

// noteYou writes down what the three ways conclude about the browser itself.
func (s *lessonStep) noteYou(name string) {
	for _, f := range s.findings {
		s.noteVerdict(name+"."+f.Lane, f.Verdict, f.Who)
	}
}

// copied reports whether a copy was taken since the question was answered. One of
// before is sent again with each action, and may have ended meanwhile.
func (s *lessonStep) copied() bool {
	taken := notebook.Of[*auth.Copy](s.book.Log())
	return taken != nil && taken.Taken.After(s.answeredAt())
}

// noteCopy writes down what they concluded about the copy, if another program sent
// it since the lesson's question was answered; and says when that was.
func (s *lessonStep) noteCopy(name string) (sent time.Time, ok bool) {
	taken := notebook.Of[*auth.Copy](s.book.Log())
	if taken == nil || taken.Failed || !taken.Sent.After(s.answeredAt()) {
		return sent, false
	}
	for _, way := range taken.Lanes {
		s.noteVerdict(name+"."+way.ID, way.Verdict, lanes.Identity{User: markup.TextOf(way.User), Role: markup.TextOf(way.Role)})
	}
	return taken.Sent, true
}

// curlFacts are what a line of curl was told: see witnessCopy.
const curlFacts = "curl"

// noteAs writes down under name what was concluded about a copy, and who sent it,
// as it stands under facts: nothing where that is nothing.
func (s *lessonStep) noteAs(name, facts string) {
	for _, fact := range []string{lanes.Plain, lanes.Signed, lanes.Session, "client"} {
		s.note(name+"."+fact, s.fact(facts+"."+fact))
	}
}

// youRow is what noteYou wrote down, with the browser that it is about.
func (s *lessonStep) youRow(name, title string) lessonRow {
	row := s.verdictRow(name, title)
	row.Note = s.browser()
	return row
}

// copyRow is what noteCopy or noteAs wrote down, with who sent the copy.
func (s *lessonStep) copyRow(name, title string) lessonRow {
	row := s.verdictRow(name, title)
	if row.Note = s.fact(name + ".client"); row.Note == "" {
		row.Note = s.word("program")
	}
	return row
}

// takenIn reports which ways took the sender for somebody.
func (s *lessonStep) takenIn(name string) (plain, signed, session bool) {
	return s.accepted(name + "." + lanes.Plain), s.accepted(name + "." + lanes.Signed), s.accepted(name + "." + lanes.Session)
}

// makeCurlLine begins a run, so that the line can say whose copy it is.
func makeCurlLine(s *lessonStep) error {
	if err := s.newRun(); err != nil {
		return err
	}
	return s.to("board-curl")
}

// curlView offers the line, once it was made, and shows what it was told.
func (s *lessonStep) curlView() (v closerView) {
	v.Tasks = []task{s.task("curl")}
	if s.runKey() != "" {
		v.Tasks = []task{{Label: s.word("paste"), Line: s.curlLine()}}
	}
	if s.fact(curlFacts+"."+lanes.Plain) != "" {
		v.Board = lessonBoard{Columns: s.ways(), Rows: []lessonRow{s.copyRow(curlFacts, s.word("told"))}}
	}
	return v
}

// curlLine is a line for a terminal: it sends a copy of the three cookies, and
// names the run, by which the lesson learns what the server concluded.
func (s *lessonStep) curlLine() string {
	taken := s.course.auth.CopyOf(s.lanes.Values(s.c))
	if old := notebook.Of[*auth.Copy](s.book.Log()); len(taken.Cookies) == 0 && old != nil {
		taken = old // the browser's own are gone; the thief has his
	}
	return "curl -H 'Cookie: " + markup.Quoted(taken.Header()) + "' 'http://" + s.c.Request().Host + "/api/lanes?" + web.RunParam + "=" + s.runKey() + "'"
}
