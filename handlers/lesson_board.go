// The board: what a lesson has seen so far, as a table of words and marks. It is
// drawn from what was written down, so that it still stands there tomorrow.

package handlers

import (
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/sessions"
)

// lessonBoard is a table. Its columns are the ways, or kinds of what was done.
type lessonBoard struct {
	ID      string // for its element; "": the lesson's own
	Columns []lessonColumn
	Rows    []lessonRow
	Note    string // below it
}

// Wide reports whether it has so many columns that each is narrow.
func (b lessonBoard) Wide() bool { return len(b.Columns) > 4 }

type lessonColumn struct {
	Title string
	Lane  string // of a way: its colour and icon
}

type lessonRow struct {
	ID    string // for tests and links
	Title string
	Note  string // below the title, muted
	Cells []lessonCell
}

// lessonCell is one thing that was seen. The zero cell was not seen yet.
type lessonCell struct {
	Code   string // "yes", "warn", "no", "none": how it looks; also what tests go by. "": not yet
	Text   string // in words
	Detail string // below them
	Value  string // as it travelled, in mono
	Until  string // an instant, for a countdown
	Over   string // what stands there then
}

// Mark stands before the words, for those who see no colours.
func (c lessonCell) Mark() string {
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
func (c lessonCell) Seen() bool { return c.Code != "" || c.Text != "" || c.Value != "" }

// ways are the columns of the three ways.
func (s *lessonStep) ways() []lessonColumn {
	var columns []lessonColumn
	for _, way := range []string{lanes.Plain, lanes.Signed, lanes.Session} {
		columns = append(columns, lessonColumn{s.w.Text("way." + way + ".short"), way})
	}
	return columns
}

// verdictCell is a verdict that was written down by noteVerdict.
func (s *lessonStep) verdictCell(name string) lessonCell {
	verdict, who := s.verdict(name)
	if verdict == "" {
		return lessonCell{}
	}
	cell := lessonCell{Code: verdictCodes[verdict], Text: s.w.Text("verdict." + string(verdict) + ".word"), Detail: who}
	if who == "" {
		cell.Detail = s.w.Text("dashboard.nobody")
	}
	return cell
}

// engineNote says which engine runs where the question is about another, db;
// "": it is that one.
func (s *lessonStep) engineNote() string {
	if s.course.site.Engine == sessions.EngineDB {
		return ""
	}
	return s.w.Say(locale.Msg("lessons.other_engine", locale.Args{"Engine": s.course.site.Engine}))
}

var verdictCodes = map[lanes.Verdict]string{
	lanes.Absent: "none", lanes.Believed: "warn", lanes.Verified: "yes", lanes.Found: "yes", lanes.Tampered: "no", lanes.Expired: "no", lanes.Unknown: "no", lanes.Unreadable: "no",
}

// yesNoCell is one of two cells, by what was written down as YesNo says it.
func (s *lessonStep) yesNoCell(name string, yes, no lessonCell) lessonCell {
	switch s.fact(name) {
	case markup.YesNo(true):
		return yes
	case markup.YesNo(false):
		return no
	default:
		return lessonCell{}
	}
}

// yesNoRow is a row of such cells, of the three ways.
func (s *lessonStep) yesNoRow(name, title string, yes, no lessonCell) lessonRow {
	row := lessonRow{ID: name, Title: title}
	for _, way := range []string{lanes.Plain, lanes.Signed, lanes.Session} {
		row.Cells = append(row.Cells, s.yesNoCell(name+"."+way, yes, no))
	}
	return row
}

// verdictRow is a row of what the three ways concluded, written down as
// "NAME.plain" and so on.
func (s *lessonStep) verdictRow(name, title string) lessonRow {
	row := lessonRow{ID: name, Title: title}
	for _, way := range []string{lanes.Plain, lanes.Signed, lanes.Session} {
		row.Cells = append(row.Cells, s.verdictCell(name+"."+way))
	}
	return row
}

// cameFact is what is written down of a cookie or header: whether it came.
func cameFact(came bool) string {
	if came {
		return "came"
	}
	return "stayed"
}

// cameCell shows it.
func (s *lessonStep) cameCell(name string) lessonCell {
	switch s.fact(name) {
	case "came":
		return lessonCell{Code: "yes", Text: s.w.Text("lessons.came")}
	case "stayed":
		return lessonCell{Code: "none", Text: s.w.Text("lessons.stayed")}
	}
	return lessonCell{}
}
