// What tests of the sheets and of the notes need of the course without a request.

package course

import (
	"html/template"

	"cookielab/handlers/locale"
)

// MarkdownForTest is a line of HTML as the notes have it.
func MarkdownForTest(text string) string { return markdown(template.HTML(text)) }

// ReadHandoutForTest reads a file of the sheets.
func ReadHandoutForTest(w *locale.Printer, raw string) error {
	_, err := readHandout(raw, w)
	return err
}

// Handout returns what the sheets say in a language.
func (t *Texts) Handout(w *locale.Printer) *handoutText { return t.handouts[w] }

// Because returns the claims that answer the question, by their IDs.
func (t *Text) Because(ids []string) template.HTML { return t.because(ids) }
