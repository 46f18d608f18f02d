// Lesson 6, key: whatever a session holds, the browser carries only its key; and
// why a key must be more than unique.

package handlers

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"iter"
	"math/rand/v2"
	"strconv"
	"strings"

	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/sessions"
)

// lessonNote is the key under which lesson 6 stores its 10 KB.
const lessonNote = "lesson_note"

// Key is lesson 6.
func (lessons) Key() lesson {
	return lesson{
		Number: 6, Slug: "key", Minutes: 8, Short: true, Answer: "A", SignedIn: true,
		Acts: map[string]func(*lessonStep) error{"store": storeTenKB, "issue": issueIDs},
		Do: func(s *lessonStep) []task {
			if s.fact("stored") == "" {
				return []task{s.task("store")}
			}
			return []task{{Label: s.word("all")}}
		},
		Look: func(s *lessonStep) {
			if s.fact("stored") != "" && s.fact("after.cookie") == "" {
				noteSizes(s, "after")
			}
		},
		Board: keyBoard,
		Happened: func(s *lessonStep) string {
			switch before, after := bytesCell(s, "before.cookie"), bytesCell(s, "after.cookie"); {
			case s.fact("stored") == "refused":
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
		Done:  func(s *lessonStep) bool { return s.lesson.Happened(s) != "" },
		Reset: takeBackTenKB,
		Closer: map[string]func(*lessonStep) closerView{
			"unguessable": func(s *lessonStep) closerView {
				return closerView{Tasks: []task{{Act: "issue", Label: s.word("issue"), Quiet: s.fact("ids.counter") != ""}}, Board: idBoard(s)}
			},
			"password": func(s *lessonStep) closerView {
				return closerView{Tasks: []task{{To: "/console?call=items", Label: s.word("console")}}}
			},
		},
		Code:   []string{"handlers.storeTenKB", "sessions.KeyID", "sessions.NewKey"},
		Django: "request.session[\"lesson_note\"] = \"x\" * 10_240    # into the row of table django_session; the cookie stays as it is",
	}
}

// storeTenKB puts 10 KB into the visitor's own session, and saves it at once: a
// refusal is something to see as well.
func storeTenKB(s *lessonStep) error {
	if !s.ready() {
		return s.to("do")
	}
	session, err := s.session()
	if err != nil {
		return err
	}
	s.forget("stored", "before.", "after.")
	noteSizes(s, "before")
	if err := session.Set(lessonNote, strings.Repeat("Here lies a lot. ", 10<<10)[:10<<10]); err != nil {
		return err
	}
	switch err := session.Save(s.c.Request().Context()); {
	case errors.Is(err, sessions.ErrTooLarge):
		session.Discard()
		s.note("stored", "refused")
	case err != nil:
		return err
	default:
		s.note("stored", "yes")
	}
	return s.done()
}

// takeBackTenKB leaves the session as it was.
func takeBackTenKB(s *lessonStep) error {
	session, err := s.session()
	if err == nil {
		session.Delete(lessonNote)
	}
	return err
}

// noteSizes writes down how large the cookie is that came, and the record it led
// to, and how that is named.
func noteSizes(s *lessonStep, when string) {
	f := s.finding(lanes.Session)
	if !f.Verdict.Accepted() {
		return
	}
	s.note(when+".cookie", strconv.Itoa(len(f.Cookie)+len(f.Raw)))
	if f.Record != nil {
		s.note(when+".record", strconv.Itoa(len(f.Record.Data)))
		s.note(when+".row", markup.ShortKey(f.Record.ID.String()))
	}
}

// bytesCell is a number that was written down; 0: none was.
func bytesCell(s *lessonStep, name string) int {
	n, _ := strconv.Atoi(s.fact(name))
	return n
}

func keyBoard(s *lessonStep) lessonBoard {
	cookie, record := lessonRow{ID: "cookie", Title: s.word("cookie")}, lessonRow{ID: "record", Title: s.word("record")}
	row := lessonRow{ID: "row", Title: s.word("row"), Note: s.word("hash")}
	for _, when := range []string{"before", "after"} {
		cookie.Cells = append(cookie.Cells, sizeCell(s, when, "cookie"))
		record.Cells = append(record.Cells, sizeCell(s, when, "record"))
		cell := lessonCell{Value: s.fact(when + ".row")}
		if cell.Value == "" && s.fact(when+".cookie") != "" {
			cell = lessonCell{Code: "none", Text: s.word("no_row")}
		}
		row.Cells = append(row.Cells, cell)
	}
	return lessonBoard{
		Columns: []lessonColumn{{Title: s.word("before")}, {Title: s.word("after")}},
		Rows:    []lessonRow{cookie, record, row}, Note: s.engineNote(),
	}
}

// sizeCell is a size, and how it differs from the one before.
func sizeCell(s *lessonStep, when, what string) lessonCell {
	n, before := bytesCell(s, when+"."+what), bytesCell(s, "before."+what)
	switch {
	case n == 0 && s.fact(when+".cookie") != "":
		return lessonCell{Code: "none", Text: s.word("no_row")}
	case n == 0:
		return lessonCell{}
	}
	cell := lessonCell{Text: s.word("bytes", locale.Args{"Bytes": n})}
	switch {
	case when == "before":
	case s.fact("stored") == "refused" && what == "cookie":
		cell.Code, cell.Detail = "no", s.word("refused", locale.Args{"Limit": sessions.MaxCookie})
	case n == before:
		cell.Code, cell.Detail = "yes", s.word("same")
	default:
		if cell.Detail = s.word("grew", locale.Args{"Bytes": n - before}); what == "cookie" {
			cell.Code = "warn"
		}
	}
	return cell
}

// issueIDs makes IDs in four ways, and then guesses the next of each.
func issueIDs(s *lessonStep) error {
	for _, kind := range issuers(s.now) {
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
		s.note("ids."+kind.name, strings.Join(issued[:last], "  "))
		s.note("tries."+kind.name, strconv.Itoa(tries))
	}
	return s.to("board-unguessable")
}

func idBoard(s *lessonStep) lessonBoard {
	b := lessonBoard{Columns: []lessonColumn{{Title: s.word("four")}, {Title: s.word("next")}}}
	for _, kind := range issuers(nil) {
		row := lessonRow{ID: "ids-" + kind.name, Title: s.word("kind." + kind.name), Cells: []lessonCell{{Value: s.fact("ids." + kind.name)}, {}}}
		switch tries := bytesCell(s, "tries."+kind.name); {
		case row.Cells[0].Value == "":
		case tries > 0:
			row.Cells[1] = lessonCell{Code: "warn", Text: s.word("guessed"), Detail: s.word("tries", locale.Args{"N": tries})}
		default:
			row.Cells[1] = lessonCell{Code: "yes", Text: s.word("not_guessed"), Detail: s.word("tried", locale.Args{"N": maxGuesses})}
		}
		b.Rows = append(b.Rows, row)
	}
	return b
}

// Four ways to issue IDs, one for each visitor, and how somebody guesses the next one
// who has seen the last. Only one of the ways makes keys.

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
