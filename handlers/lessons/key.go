// Lesson 6, key: whatever a session holds, the browser carries only its key; and
// why a key must be more than unique.

package lessons

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"iter"
	"math/rand/v2"
	"strconv"
	"strings"

	"cookielab/handlers/course"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/sessions"
)

// lessonNote is the key under which lesson 6 stores its 10 KB.
const lessonNote = "lesson_note"

// Key is lesson 6.
func (lessons) Key() course.Lesson {
	return course.Lesson{
		Number: 6, Slug: "key", Minutes: 8, Short: true, Answer: "A", SignedIn: true,
		Acts: map[string]func(*course.Step) error{"store": storeTenKB, "issue": issueIDs},
		Do: func(s *course.Step) []course.Task {
			if s.Fact("stored") == "" {
				return []course.Task{s.Task("store")}
			}
			return []course.Task{{Label: s.Word("all")}}
		},
		Look: func(s *course.Step) {
			if s.Fact("stored") != "" && s.Fact("after.cookie") == "" {
				noteSizes(s, "after")
			}
		},
		Board: keyBoard,
		Happened: func(s *course.Step) string {
			switch before, after := bytesCell(s, "before.cookie"), bytesCell(s, "after.cookie"); {
			case s.Fact("stored") == "refused":
				return "C"
			case before == 0 || after == 0:
				return ""
			case after == before:
				return "A"
			case after > before:
				return "B"
			}
			return ""
		},
		Done:  func(s *course.Step) bool { return s.Lesson.Happened(s) != "" },
		Reset: takeBackTenKB,
		Closer: map[string]func(*course.Step) course.View{
			"unguessable": func(s *course.Step) course.View {
				return course.View{Tasks: []course.Task{{Act: "issue", Label: s.Word("issue"), Quiet: s.Fact("ids.counter") != ""}}, Board: idBoard(s)}
			},
			"password": func(s *course.Step) course.View {
				return course.View{Tasks: []course.Task{{To: "/console?call=items", Label: s.Word("console")}}}
			},
		},
		Code:   []string{"lessons.storeTenKB", "sessions.KeyID", "sessions.NewKey"},
		Django: "request.session[\"lesson_note\"] = \"x\" * 10_240    # into the row of table django_session; the cookie stays as it is",
	}
}

// storeTenKB puts 10 KB into the visitor's own session, and saves it at once: a
// refusal is something to see as well.
func storeTenKB(s *course.Step) error {
	if !s.Ready() {
		return s.To("do")
	}
	session, err := s.Session()
	if err != nil {
		return err
	}
	s.Forget("stored", "before.", "after.")
	noteSizes(s, "before")
	if err := session.Set(lessonNote, strings.Repeat("Here lies a lot. ", 10<<10)[:10<<10]); err != nil {
		return err
	}
	switch err := session.Save(s.C.Request().Context()); {
	case errors.Is(err, sessions.ErrTooLarge):
		session.Discard()
		s.Note("stored", "refused")
	case err != nil:
		return err
	default:
		s.Note("stored", "yes")
	}
	return s.Done()
}

// takeBackTenKB leaves the session as it was.
func takeBackTenKB(s *course.Step) error {
	session, err := s.Session()
	if err == nil {
		session.Delete(lessonNote)
	}
	return err
}

// noteSizes writes down how large the cookie is that came, and the record it led
// to, and how that is named.
func noteSizes(s *course.Step, when string) {
	f := s.Finding(lanes.Session)
	if !f.Verdict.Accepted() {
		return
	}
	s.Note(when+".cookie", strconv.Itoa(len(f.Cookie)+len(f.Raw)))
	if f.Record != nil {
		s.Note(when+".record", strconv.Itoa(len(f.Record.Data)))
		s.Note(when+".row", markup.ShortKey(f.Record.ID.String()))
	}
}

// bytesCell is a number that was written down; 0: none was.
func bytesCell(s *course.Step, name string) int {
	n, _ := strconv.Atoi(s.Fact(name))
	return n
}

func keyBoard(s *course.Step) course.Board {
	cookie, record := course.Row{ID: "cookie", Title: s.Word("cookie")}, course.Row{ID: "record", Title: s.Word("record")}
	row := course.Row{ID: "row", Title: s.Word("row"), Note: s.Word("hash")}
	for _, when := range []string{"before", "after"} {
		cookie.Cells = append(cookie.Cells, sizeCell(s, when, "cookie"))
		record.Cells = append(record.Cells, sizeCell(s, when, "record"))
		cell := course.Cell{Value: s.Fact(when + ".row")}
		if cell.Value == "" && s.Fact(when+".cookie") != "" {
			cell = course.Cell{Code: "none", Text: s.Word("no_row")}
		}
		row.Cells = append(row.Cells, cell)
	}
	return course.Board{
		Columns: []course.Column{{Title: s.Word("before")}, {Title: s.Word("after")}},
		Rows:    []course.Row{cookie, record, row}, Note: s.EngineNote(),
	}
}

// sizeCell is a size, and how it differs from the one before.
func sizeCell(s *course.Step, when, what string) course.Cell {
	n, before := bytesCell(s, when+"."+what), bytesCell(s, "before."+what)
	switch {
	case n == 0 && s.Fact(when+".cookie") != "":
		return course.Cell{Code: "none", Text: s.Word("no_row")}
	case n == 0:
		return course.Cell{}
	}
	cell := course.Cell{Text: s.Word("bytes", locale.Args{"Bytes": n})}
	switch {
	case when == "before":
	case s.Fact("stored") == "refused" && what == "cookie":
		cell.Code, cell.Detail = "no", s.Word("refused", locale.Args{"Limit": sessions.MaxCookie})
	case n == before:
		cell.Code, cell.Detail = "yes", s.Word("same")
	default:
		if cell.Detail = s.Word("grew", locale.Args{"Bytes": n - before}); what == "cookie" {
			cell.Code = "warn"
		}
	}
	return cell
}

// issueIDs makes IDs in four ways, and then guesses the next of each.
func issueIDs(s *course.Step) error {
	for _, kind := range issuers(s.Now) {
		var issued []string
		for range 5 {
			issued = append(issued, kind.issue())
		}
		last := len(issued) - 1
		tries := triesToGuess(kind.guesses(issued[last-1]), issued[last])
		for i, id := range issued {
			if len(id) == sessions.KeyLength {
				issued[i] = markup.ShortKey(id)
			}
		}
		s.Note("ids."+kind.name, strings.Join(issued[:last], "  "))
		s.Note("tries."+kind.name, strconv.Itoa(tries))
	}
	return s.To("board-unguessable")
}

func idBoard(s *course.Step) course.Board {
	b := course.Board{Columns: []course.Column{{Title: s.Word("four")}, {Title: s.Word("next")}}}
	for _, kind := range issuers(nil) {
		row := course.Row{ID: "ids-" + kind.name, Title: s.Word("kind." + kind.name), Cells: []course.Cell{{Value: s.Fact("ids." + kind.name)}, {}}}
		switch tries := bytesCell(s, "tries."+kind.name); {
		case row.Cells[0].Value == "":
		case tries > 0:
			row.Cells[1] = course.Cell{Code: "warn", Text: s.Word("guessed"), Detail: s.Word("tries", locale.Args{"N": tries})}
		default:
			row.Cells[1] = course.Cell{Code: "yes", Text: s.Word("not_guessed"), Detail: s.Word("tried", locale.Args{"N": maxGuesses})}
		}
		b.Rows = append(b.Rows, row)
	}
	return b
}

// issuer is one way.
type issuer struct {
	name    string
	issue   func() string
	guesses func(last string) iter.Seq[string] // in the order in which somebody tries them
}

// maxGuesses is how often it is tried.
const maxGuesses = 50_000

// issuers are the ways, the counters each from a number of their own.
func issuers(clock sessions.Clock) []issuer {
	count, hashed := countUp(), countUp()
	return []issuer{
		{"counter", func() string { return strconv.FormatInt(count(), 10) }, func(last string) iter.Seq[string] { return countOn(last, 1) }},
		{"time", func() string { return strconv.FormatInt(clock.Now().UnixMicro(), 10) }, func(last string) iter.Seq[string] { return countOn(last, 0) }},
		{"md5", func() string { return md5Of(hashed()) }, hashOn},
		{"random", sessions.NewKey, func(string) iter.Seq[string] { return drawOn }},
	}
}

func countUp() (next func() int64) {
	n := 1000 + rand.Int64N(9000)
	return func() int64 { n++; return n }
}

func md5Of(n int64) string {
	sum := md5.Sum([]byte(strconv.FormatInt(n, 10)))
	return hex.EncodeToString(sum[:])
}

// countOn tries the numbers that follow the last one; step 0: itself first, since
// of clocks two readings may be the same.
func countOn(last string, step int64) iter.Seq[string] {
	return func(yield func(string) bool) {
		n, _ := strconv.ParseInt(last, 10, 64)
		for n += step; yield(strconv.FormatInt(n, 10)); n++ {
		}
	}
}

// hashOn finds out of which number the last one was made, and counts on from there.
func hashOn(last string) iter.Seq[string] {
	return func(yield func(string) bool) {
		n := int64(0)
		for n < maxGuesses && md5Of(n) != last {
			n++
		}
		for n++; yield(md5Of(n)); n++ {
		}
	}
}

// drawOn draws others: there is nothing better to try.
func drawOn(yield func(string) bool) {
	for yield(sessions.NewKey()) {
	}
}

// triesToGuess counts the tries until one is the next ID; 0: none was.
func triesToGuess(guesses iter.Seq[string], next string) int {
	tries := 0
	for guess := range guesses {
		if tries++; guess == next {
			return tries
		}
		if tries == maxGuesses {
			break
		}
	}
	return 0
}
