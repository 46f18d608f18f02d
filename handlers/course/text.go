// What a lesson says: one Markdown file a language, read once at the start. Its
// parts are headings with a name in braces, which all languages share.

package course

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	tables "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"cookielab/handlers/locale"
)

// Text is a lesson in one language.
type Text struct {
	Title    string
	Question template.HTML
	Choices  []choice // A, B, C
	Do       template.HTML
	Observe  template.HTML // what to look at
	Claims   []claim
	Rule     template.HTML       // where the rule stands
	Notes    template.HTML       // what a teacher's notes on the subject say otherwise; "": nothing
	Hints    template.HTML       // each opens the next, and the last the solution
	Closer   []closer            // what needs no looking at to be done
	Words    map[string]string   // of buttons, rows and cells
	claimed  map[string]struct{} // IDs of the claims
}

type choice struct {
	Letter string
	Text   template.HTML
}

// claim is a sentence that a browser test makes happen.
type claim struct {
	ID   string
	Text template.HTML
}

// closer is one thing to look at more closely.
type closer struct {
	ID          string
	Title, Text template.HTML
}

// because returns the claims that answer the question, by their IDs; none: the first claim.
func (t *Text) because(ids []string) template.HTML {
	if len(ids) == 0 {
		return t.Claims[0].Text
	}
	var said []string
	for _, claim := range t.Claims {
		if slices.Contains(ids, claim.ID) {
			said = append(said, string(claim.Text))
		}
	}
	return template.HTML(strings.Join(said, " "))
}

// A lesson's file:
//
//	# Title
//	## Predict {#predict}      a question, and "- A: …" for each of the three choices
//	## Do {#do}                the one thing to do
//	## Observe {#observe}      what to look at then
//	## Explain {#explain}      "- {#name} …" for each claim; what follows them is the rule's source
//	## The notes {#notes}      optional
//	## Hints {#hints}          "- …" for each, shown one by one
//	## Solution {#solution}
//	## Look closer {#closer}   optional; "### Title {#name}" for each thing
//	## Words {#words}          "- name: words" for each button, row and cell
var (
	choiceItem = regexp.MustCompile(`^- ([ABC]): (.+)$`)
	claimItem  = regexp.MustCompile(`^- \{#([a-z0-9-]+)\} (.+)$`)
	wordItem   = regexp.MustCompile(`^- ([a-z0-9_.-]+): (.+)$`)
	fragment   = regexp.MustCompile(`\[\[([a-z_]+)\]\]`)
)

// readText reads a file. A line [[name]] stands for the label lessons.name,
// which may hold markup: what several lessons say alike.
func readText(files fs.FS, name string, w *locale.Printer) (*Text, error) {
	raw, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	title, parts, err := sections(string(raw))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path.Base(name), err)
	}
	lines := func(id string) []string {
		part, _ := sectionNamed(parts, id) // what must not be missing is told below
		return part.Lines
	}
	t := &Text{Title: title, Words: map[string]string{}, claimed: map[string]struct{}{}}
	m := newConverter(w)
	t.Question = m.html(m.items(lines("predict"), choiceItem, func(letter, text string) {
		t.Choices = append(t.Choices, choice{letter, m.inline(text)})
	}))
	t.Do, t.Observe, t.Notes = m.html(lines("do")), m.html(lines("observe")), m.html(lines("notes"))
	t.Rule = m.html(m.items(lines("explain"), claimItem, func(id, text string) {
		t.Claims = append(t.Claims, claim{id, m.inline(text)})
		t.claimed[id] = struct{}{}
	}))
	var hints []template.HTML
	for _, line := range lines("hints") {
		if hint, ok := strings.CutPrefix(line, "- "); ok {
			hints = append(hints, m.inline(hint))
		}
	}
	solution := m.html(lines("solution"))
	t.Hints = nestedHints(w, hints, solution)
	m.items(lines("words"), wordItem, func(name, text string) { t.Words[name] = text })
	closers, _ := sectionNamed(parts, "closer") // not every lesson has one
	for _, part := range closers.Parts {
		t.Closer = append(t.Closer, closer{part.ID, m.inline(part.Title), m.html(part.Lines)})
	}
	for _, needed := range []struct {
		what string
		ok   bool
	}{
		{"title", t.Title != ""}, {"question", t.Question != ""}, {"three choices", len(t.Choices) == 3}, {"do", t.Do != ""}, {"observe", t.Observe != ""},
		{"claims", len(t.Claims) > 0 && len(t.Claims) == len(t.claimed)}, {"rule after the claims", t.Rule != ""}, {"hints", len(hints) > 0}, {"solution", solution != ""},
	} {
		if !needed.ok {
			m.failed = errors.Join(m.failed, fmt.Errorf("it has no %s", needed.what))
		}
	}
	if m.failed != nil {
		return nil, fmt.Errorf("%s: %w", name, m.failed)
	}
	return t, nil
}

// converter makes HTML of Markdown. Raw HTML in a file is left out.
type converter struct {
	w      *locale.Printer
	md     goldmark.Markdown
	failed error
}

func newConverter(w *locale.Printer) *converter {
	columns := parser.WithASTTransformers(util.Prioritized(columnNames{}, 500)) // after the tables are made
	return &converter{w: w, md: goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithParserOptions(columns))}
}

// columnNames gives each cell of a table the name of its column: in a narrow
// window a table is turned round, and the heads are gone.
type columnNames struct{}

// Transform adds the attribute data-column to the cells of all tables.
func (columnNames) Transform(doc *ast.Document, reader text.Reader, _ parser.Context) {
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // no error: the function returns none
		if table, ok := n.(*tables.Table); ok && entering {
			head := table.FirstChild()
			for row := head.NextSibling(); row != nil; row = row.NextSibling() {
				name := head.FirstChild()
				for cell := row.FirstChild(); cell != nil && name != nil; cell, name = cell.NextSibling(), name.NextSibling() {
					cell.SetAttributeString("data-column", plainText(name, reader.Source()))
				}
			}
		}
		return ast.WalkContinue, nil
	})
}

// plainText is what a node says, without its markup.
func plainText(n ast.Node, source []byte) []byte {
	var said []byte
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if words, ok := n.(*ast.Text); ok && entering {
			said = append(said, words.Value(source)...)
		}
		return ast.WalkContinue, nil
	})
	return said
}

// items hands on the lines that are items of a kind, and returns the others.
func (m *converter) items(lines []string, kind *regexp.Regexp, use func(name, text string)) (others []string) {
	for _, line := range lines {
		if match := kind.FindStringSubmatch(line); match != nil {
			use(match[1], match[2])
			continue
		}
		others = append(others, line)
	}
	return others
}

func (m *converter) html(lines []string) template.HTML {
	var out bytes.Buffer
	if err := m.md.Convert([]byte(strings.Join(lines, "\n")), &out); err != nil {
		m.failed = errors.Join(m.failed, err)
	}
	upright := strings.NewReplacer("<em>", "<strong>", "</em>", "</strong>").Replace(out.String()) // Chinese has no italics
	text := fragment.ReplaceAllStringFunc(strings.TrimSpace(upright), func(found string) string {
		label, err := m.w.Label("lessons." + fragment.FindStringSubmatch(found)[1])
		m.failed = errors.Join(m.failed, err)
		return label
	})
	return template.HTML(text)
}

// inline is a single paragraph without its tags.
func (m *converter) inline(line string) template.HTML {
	text := strings.TrimSuffix(strings.TrimPrefix(string(m.html([]string{line})), "<p>"), "</p>")
	return template.HTML(text)
}
