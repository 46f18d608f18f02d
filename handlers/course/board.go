// The board: what a lesson has seen so far, as a table of words and marks. It is
// drawn from what was written down, so that it still stands there tomorrow.

package course

import (
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/sessions"
)

// Board is a table. Its columns are the lanes, or kinds of what was done.
type Board struct {
	ID      string // for its element; "": the lesson's own
	Columns []Column
	Rows    []Row
	Note    string // below it
}

// Wide reports whether it has so many columns that each is narrow.
func (b Board) Wide() bool { return len(b.Columns) > 4 }

// Column is the head of a column.
type Column struct {
	Title string
	Lane  string // whose colour and icon it has; "": none
}

// Row is one thing that was looked at, with what was seen of it in each column.
type Row struct {
	ID    string // for tests and links
	Title string
	Note  string // below the title, muted
	Cells []Cell
}

// Cell is one thing that was seen. The zero cell was not seen yet.
type Cell struct {
	Code   string // "yes", "warn", "no", "none": how it looks; also what tests go by. "": not yet
	Text   string // in words
	Detail string // below them
	Value  string // as it travelled, in mono
	Until  string // an instant, for a countdown
	Over   string // what stands there then
}

// Mark returns the sign before the text, for those who see no colours; "": none.
func (c Cell) Mark() string {
	switch c.Code {
	case "yes":
		return "✓"
	case "warn":
		return "?"
	case "no":
		return "✗"
	case "none":
		return "○"
	default:
		return ""
	}
}

// Seen reports whether there is anything to show.
func (c Cell) Seen() bool { return c.Code != "" || c.Text != "" || c.Value != "" }

// LaneColumns returns a column for each of the lanes plain, signed and session.
func (s *Step) LaneColumns() []Column {
	var columns []Column
	for _, lane := range []string{lanes.Plain, lanes.Signed, lanes.Session} {
		columns = append(columns, Column{s.W.Text("way." + lane + ".short"), lane})
	}
	return columns
}

// VerdictCell returns the cell of what NoteVerdict wrote down under a name.
func (s *Step) VerdictCell(name string) Cell {
	verdict, who := s.Verdict(name)
	if verdict == "" {
		return Cell{}
	}
	cell := Cell{Code: verdictCodes[verdict], Text: s.W.Text("verdict." + string(verdict) + ".word"), Detail: who}
	if who == "" {
		cell.Detail = s.W.Text("dashboard.nobody")
	}
	return cell
}

// EngineNote returns a note that says which engine the lab uses, where that is not db, the
// one that questions are about; "": it is db.
func (s *Step) EngineNote() string {
	if s.course.site.Engine == sessions.EngineDB {
		return ""
	}
	return s.W.Say(locale.Msg("lessons.other_engine", locale.Args{"Engine": s.course.site.Engine}))
}

var verdictCodes = map[lanes.Verdict]string{
	lanes.Absent: "none", lanes.Believed: "warn", lanes.Verified: "yes", lanes.Found: "yes", lanes.Tampered: "no", lanes.Expired: "no", lanes.Unknown: "no", lanes.Unreadable: "no",
}

// YesNoCell returns one of two cells, by the fact that markup.YesNo has put into words. The
// zero Cell: there is no such fact yet.
func (s *Step) YesNoCell(name string, yes, no Cell) Cell {
	switch s.Fact(name) {
	case markup.YesNo(true):
		return yes
	case markup.YesNo(false):
		return no
	default:
		return Cell{}
	}
}

// YesNoRow returns a row of such cells, by the facts "NAME.plain", "NAME.signed" and
// "NAME.session".
func (s *Step) YesNoRow(name, title string, yes, no Cell) Row {
	row := Row{ID: name, Title: title}
	for _, lane := range []string{lanes.Plain, lanes.Signed, lanes.Session} {
		row.Cells = append(row.Cells, s.YesNoCell(name+"."+lane, yes, no))
	}
	return row
}

// VerdictRow returns a row of what the three lanes concluded, by the facts "NAME.plain",
// "NAME.signed" and "NAME.session".
func (s *Step) VerdictRow(name, title string) Row {
	row := Row{ID: name, Title: title}
	for _, lane := range []string{lanes.Plain, lanes.Signed, lanes.Session} {
		row.Cells = append(row.Cells, s.VerdictCell(name+"."+lane))
	}
	return row
}

// CameFact returns the fact to write down of a cookie or header: whether it came.
func CameFact(came bool) string {
	if came {
		return "came"
	}
	return "stayed"
}

// CameCell returns the cell of such a fact; the zero Cell: it was not written down yet.
func (s *Step) CameCell(name string) Cell {
	switch s.Fact(name) {
	case "came":
		return Cell{Code: "yes", Text: s.W.Text("lessons.came")}
	case "stayed":
		return Cell{Code: "none", Text: s.W.Text("lessons.stayed")}
	}
	return Cell{}
}
