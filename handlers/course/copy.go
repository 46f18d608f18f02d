// The copy in lessons: 7, 8 and 9 each leave one with somebody, have it sent by
// another program or by a line of curl, and show what was concluded.

package course

import (
	"time"

	"cookielab/handlers/auth"
	"cookielab/handlers/lanes"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
	"cookielab/handlers/web"
	"cookielab/sessions"
)

// LeaveCopy leaves somebody with the cookies as they came, once this request is done.
func (s *Step) LeaveCopy() {
	taken := s.course.auth.CopyOf(s.Lanes.Values(s.C))
	sessions.AfterCommit(s.C, func() { taken.Keep(s.Notebook.Log()) })
}

// NoteYou writes down what the three lanes conclude about the browser itself, under
// "NAME.plain", "NAME.signed" and "NAME.session".
func (s *Step) NoteYou(name string) {
	for _, f := range s.Findings {
		s.NoteVerdict(name+"."+f.Lane, f.Verdict, f.Who)
	}
}

// NoteCopy writes down what they concluded about the copy, if another program sent
// it since the lesson's question was answered; and says when that was.
func (s *Step) NoteCopy(name string) (sent time.Time, ok bool) {
	taken := notebook.Of[*auth.Copy](s.Notebook.Log())
	if taken == nil || taken.Failed || !taken.Sent.After(s.AnsweredAt()) {
		return sent, false
	}
	for _, lane := range taken.Lanes {
		s.NoteVerdict(name+"."+lane.ID, lane.Verdict, lanes.Identity{User: markup.TextOf(lane.User), Role: markup.TextOf(lane.Role)})
	}
	return taken.Sent, true
}

// CurlFacts is the name under which WitnessCopy writes down what a line of curl was told.
const CurlFacts = "curl"

// NoteAs writes down under name what was concluded about a copy, and who sent it,
// as it stands under facts: nothing where that is nothing.
func (s *Step) NoteAs(name, facts string) {
	for _, fact := range []string{lanes.Plain, lanes.Signed, lanes.Session, "client"} {
		s.Note(name+"."+fact, s.Fact(facts+"."+fact))
	}
}

// YouRow returns the row of what NoteYou wrote down, with the browser that it is about.
func (s *Step) YouRow(name, title string) Row {
	row := s.VerdictRow(name, title)
	row.Note = s.Browser()
	return row
}

// CopyRow returns the row of what NoteCopy or NoteAs wrote down, with who sent the copy.
func (s *Step) CopyRow(name, title string) Row {
	row := s.VerdictRow(name, title)
	if row.Note = s.Fact(name + ".client"); row.Note == "" {
		row.Note = s.Word("program")
	}
	return row
}

// TakenIn reports which lanes took the sender for somebody.
func (s *Step) TakenIn(name string) (plain, signed, session bool) {
	return s.Accepted(name + "." + lanes.Plain), s.Accepted(name + "." + lanes.Signed), s.Accepted(name + "." + lanes.Session)
}

// MakeCurlLine is an act: it begins a run, so that the line can say whose copy it is.
func MakeCurlLine(s *Step) error {
	if err := s.NewRun(); err != nil {
		return err
	}
	return s.To("board-curl")
}

// CurlView offers the line, once it was made, and shows what it was told.
func (s *Step) CurlView() (v View) {
	v.Tasks = []Task{s.Task("curl")}
	if s.RunKey() != "" {
		v.Tasks = []Task{{Label: s.Word("paste"), Line: s.curlLine()}}
	}
	if s.Fact(CurlFacts+"."+lanes.Plain) != "" {
		v.Board = Board{Columns: s.LaneColumns(), Rows: []Row{s.CopyRow(CurlFacts, s.Word("told"))}}
	}
	return v
}

// curlLine is a line for a terminal: it sends a copy of the three cookies, and
// names the run, by which the lesson learns what the server concluded.
func (s *Step) curlLine() string {
	taken := s.course.auth.CopyOf(s.Lanes.Values(s.C))
	if old := notebook.Of[*auth.Copy](s.Notebook.Log()); len(taken.Cookies) == 0 && old != nil {
		taken = old // the browser's own are gone; the thief has his
	}
	return "curl -H 'Cookie: " + markup.Quoted(taken.Header()) + "' 'http://" + s.C.Request().Host + "/api/lanes?" + web.RunParam + "=" + s.RunKey() + "'"
}
