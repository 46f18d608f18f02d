// The handout: sheets to print for a class. Their words stand in Markdown,
// templates/handout; the questions are the lessons' own.

package course

import (
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/web"
)

const (
	handoutFolder = "templates/handout"
	handoutPath   = "/handout"
)

// handoutText is what the sheets say in one language.
type handoutText struct {
	Title                              string
	Grid, Questions, Card, Assignments handoutPart
}

// handoutPart is a heading and what stands below it.
type handoutPart struct {
	ID, Title string
	Number    int // within the part above it
	Text      template.HTML
	Columns   []handoutCell // of a table to fill in: its head
	Rows      [][]handoutCell
	Fields    []handoutField
	Parts     []handoutPart
}

// handoutCell is a cell with its right answer, and the lane that its column stands
// for; "": its column names the rows.
type handoutCell struct {
	Text template.HTML
	Lane string
}

// handoutField is something to hand in.
type handoutField struct {
	Text, Answer template.HTML
	Lines        int // to write on
}

// A handout's file:
//
//	# Title
//	## Title {#grid}           a table to fill in: its cells but the first of each row are the answers;
//	                           "### Title {#name}" for a further table, whose cells are all answers
//	## Title {#questions}      what stands before the lessons' questions
//	## Title {#card}           "### Title {#name}" for each thing to decide
//	## Title {#assignments}    "### Title {#name}" for each; in it "- …" for what to hand in, with
//	                           "- {3} …" for three lines to write on, and below it "  > …" for the answer
var (
	fieldItem  = regexp.MustCompile(`^- (?:\{([1-9])\} )?(.+)$`)
	answerItem = regexp.MustCompile(`^  > (.+)$`)
	tableRule  = regexp.MustCompile(`^\|[-:| ]+\|$`)
)

// readHandouts reads the sheets of all languages. An error names what is missing.
func readHandouts(files fs.FS, all locale.Languages) (map[*locale.Printer]*handoutText, error) {
	texts := map[*locale.Printer]*handoutText{}
	for _, w := range all.All {
		name := path.Join(handoutFolder, w.Tag.String()+".md")
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		if texts[w], err = readHandout(string(raw), w); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return texts, nil
}

func readHandout(raw string, w *locale.Printer) (*handoutText, error) {
	title, parts, err := sections(raw)
	if err != nil {
		return nil, err
	}
	t, m := &handoutText{Title: title}, newConverter(w)
	for name, part := range map[string]*handoutPart{"grid": &t.Grid, "questions": &t.Questions, "card": &t.Card, "assignments": &t.Assignments} {
		found, ok := sectionNamed(parts, name)
		if !ok {
			return nil, fmt.Errorf("it has no part {#%s}", name)
		}
		read := m.plain
		switch name {
		case "grid":
			read = m.table
		case "assignments":
			read = m.fields
		}
		*part = m.part(found, read)
	}
	switch {
	case m.failed != nil:
		return nil, m.failed
	case t.Title == "":
		return nil, errors.New("it has no title")
	case len(parts) > 4:
		return nil, errors.New("it has a part that no sheet shows")
	case len(t.Grid.Rows) == 0:
		return nil, errors.New("its part {#grid} has no table")
	}
	for _, one := range t.Assignments.Parts {
		if len(one.Fields) == 0 || slices.ContainsFunc(one.Fields, func(f handoutField) bool { return f.Answer == "" }) {
			return nil, fmt.Errorf("its assignment {#%s} asks for nothing, or for something without an answer", one.ID)
		}
	}
	return t, nil
}

// part reads a section, and those below it.
func (m *converter) part(of section, read func(*handoutPart, []string)) handoutPart {
	part := handoutPart{ID: of.ID, Title: of.Title}
	read(&part, of.Lines)
	for i, below := range of.Parts {
		one := m.part(below, read)
		one.Number = i + 1
		part.Parts = append(part.Parts, one)
	}
	return part
}

// plain reads a part that holds nothing but text.
func (m *converter) plain(part *handoutPart, lines []string) { part.Text = m.html(lines) }

// Tables are those to fill in.
func (t *handoutText) Tables() []handoutPart { return append([]handoutPart{t.Grid}, t.Grid.Parts...) }

// table reads a part with a table to fill in. Where its first column has no head,
// that names the rows, and the others are the lanes; else it is about the token.
func (m *converter) table(part *handoutPart, lines []string) {
	var others []string
	laneOf := []string{lanes.Token, lanes.Token, lanes.Token, lanes.Token}
	for _, line := range lines {
		if !strings.HasPrefix(line, "|") {
			others = append(others, line)
			continue
		}
		if tableRule.MatchString(line) {
			continue
		}
		texts := strings.Split(strings.Trim(line, "|"), "|")
		if part.Columns == nil && strings.TrimSpace(texts[0]) == "" {
			laneOf = []string{"", lanes.Plain, lanes.Signed, lanes.Session}
		}
		if len(texts) != len(laneOf) {
			m.failed = errors.Join(m.failed, fmt.Errorf("the row %q has %d cells, not %d", line, len(texts), len(laneOf)))
			return
		}
		var row []handoutCell
		for i, text := range texts {
			row = append(row, handoutCell{m.inline(strings.TrimSpace(text)), laneOf[i]})
		}
		if part.Columns == nil {
			part.Columns = row
		} else {
			part.Rows = append(part.Rows, row)
		}
	}
	part.Text = m.html(others)
}

// fields reads a part that asks for something.
func (m *converter) fields(part *handoutPart, lines []string) {
	var others []string
	for _, line := range lines {
		if match := fieldItem.FindStringSubmatch(line); match != nil {
			n, _ := strconv.Atoi(match[1]) // none given: one
			part.Fields = append(part.Fields, handoutField{Text: m.inline(match[2]), Lines: max(1, n)})
			continue
		}
		if match := answerItem.FindStringSubmatch(line); match != nil && len(part.Fields) > 0 {
			part.Fields[len(part.Fields)-1].Answer = m.inline(match[1])
			continue
		}
		others = append(others, line)
	}
	part.Text = m.html(others)
}

// handoutData is all the sheets.
type handoutData struct {
	web.Page
	Text    *handoutText
	Asked   []handoutQuestion
	Answers bool   // the right ones stand there
	Other   string // the address with them, or without
}

// handoutQuestion is a lesson's question.
type handoutQuestion struct {
	Number      int
	Slug, Title string
	Question    template.HTML
	Choices     []handoutChoice
	Answer      string
	Why         template.HTML
}

type handoutChoice struct {
	choice
	Right bool // to be marked
}

// Handout serves GET /handout, and with ?answers the teacher's sheets.
func (h *Course) Handout(c echo.Context) error {
	page, err := h.site.Page(c, locale.Msg("handout.title"))
	if err != nil {
		return err
	}
	w := h.site.Words(c)
	p := handoutData{Page: page, Text: h.Texts.handouts[w],
		Answers: c.QueryParams().Has(web.AnswersParam), Other: handoutPath + "?" + web.AnswersParam}
	if p.Answers {
		p.Other = handoutPath
	}
	for _, l := range h.Lessons {
		text := h.Texts.Lesson(w, l.Slug)
		asked := handoutQuestion{Number: l.Number, Slug: l.Slug, Title: text.Title,
			Question: text.Question, Answer: l.Answer, Why: text.because(l.Why)}
		for _, choice := range text.Choices {
			asked.Choices = append(asked.Choices, handoutChoice{choice, p.Answers && choice.Letter == l.Answer})
		}
		p.Asked = append(p.Asked, asked)
	}
	return h.site.Render(c, http.StatusOK, "handout", p)
}
