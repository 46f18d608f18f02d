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
