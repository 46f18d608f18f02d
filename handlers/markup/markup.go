// Package markup writes HTML and SVG by hand, where a template would take too long, and
// says how values are shown: times, keys, bytes.
package markup

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Writer writes HTML or SVG. The zero Writer is ready.
type Writer struct{ strings.Builder }

// Raw writes markup as it is. It is for text of this program only; see [Writer.Text].
func (m *Writer) Raw(text string) { m.WriteString(text) }

// Int writes a number in decimal.
func (m *Writer) Int(n int) {
	var digits [20]byte
	m.Write(strconv.AppendInt(digits[:0], int64(n), 10))
}

// Point writes two coordinates of an SVG path, in its units.
func (m *Writer) Point(x, y int) {
	m.Int(x)
	m.Raw(" ")
	m.Int(y)
}

// Rect writes an SVG rectangle with round corners, in the drawing's units.
func (m *Writer) Rect(x, y, width, height int) {
	m.Raw(`<rect rx="4" x="`)
	m.Int(x)
	m.Raw(`" y="`)
	m.Int(y)
	m.Raw(`" width="`)
	m.Int(width)
	m.Raw(`" height="`)
	m.Int(height)
	m.Raw(`"/>`)
}

// Label writes an SVG text. anchor says what of it stands at x: its "start", "middle" or
// "end"; y is its baseline.
func (m *Writer) Label(x, y int, anchor, label string) {
	m.Raw(`<text x="`)
	m.Int(x)
	m.Raw(`" y="`)
	m.Int(y)
	if anchor != "start" {
		m.Raw(`" text-anchor="`)
		m.Raw(anchor)
	}
	m.Raw(`">`)
	m.Text(label)
	m.Raw(`</text>`)
}

// Text writes any text, escaped for HTML, for XML and for a quoted attribute. A character
// that XML does not allow becomes U+FFFD.
func (m *Writer) Text(text string) {
	from := 0 // text[from:i] can go as it is
	for i := 0; i < len(text); {
		c, size := rune(text[i]), 1
		if c >= utf8.RuneSelf {
			c, size = utf8.DecodeRuneInString(text[i:])
		}
		if instead := insteadOf(c); instead != "" {
			m.Raw(text[from:i])
			m.Raw(instead)
			from = i + size
		}
		i += size
	}
	m.Raw(text[from:])
}

// insteadOf returns what must be written in place of a character; "" if it can stand as it
// is.
func insteadOf(c rune) string {
	switch {
	case c == '&':
		return "&amp;"
	case c == '<':
		return "&lt;"
	case c == '>':
		return "&gt;"
	case c == '"':
		return "&#34;"
	case c == '\'':
		return "&#39;"
	case c < ' ', c >= 0x7f && c < 0xa0, c == utf8.RuneError, c == 0xfffe, c == 0xffff:
		return "\ufffd"
	default:
		return ""
	}
}

// spelt is the markup of a text in which everything is visible: characters that cannot be
// printed, and bytes that are not UTF-8, are written as \x00 or \u202e. lines says that the
// text has several lines. The markup has at most most bytes; rest is how many bytes of the
// text are left out for that.
func spelt(text string, lines bool, most int) (html template.HTML, rest int) {
	var m Writer
	for i := 0; i < len(text); {
		if m.Len() > most-maxSpelt {
			return template.HTML(m.String()), len(text) - i
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			m.Raw(fmt.Sprintf(`<b class="byte">\x%02x</b>`, text[i]))
		case lines && (r == '\n' || r == '\t'):
			m.Raw(text[i : i+size])
		case unicode.IsPrint(r):
			m.Text(text[i : i+size])
		case r < utf8.RuneSelf:
			m.Raw(fmt.Sprintf(`<b class="byte">\x%02x</b>`, r))
		default:
			m.Raw(fmt.Sprintf(`<b class="byte">\u%04x</b>`, r))
		}
		i += size
	}
	return template.HTML(m.String()), 0
}

// maxSpelt is how many bytes of markup one character takes at most.
const maxSpelt = len(`<b class="byte">\u10ffff</b>`)

// Cells returns how many cells a text takes in a monospaced font: two for each character of
// East Asia, one for all others.
func Cells(text string) (n int) {
	for _, c := range text {
		n += cellsOfRune(c)
	}
	return n
}

func cellsOfRune(c rune) int {
	if c >= 0x1100 && (c <= 0x115f || c >= 0x2e80 && c <= 0xd7ff || c >= 0xf900 && c <= 0xfaff || c >= 0xfe30 && c <= 0xfe6f || c >= 0xff00 && c <= 0xff60 || c >= 0x1f300) {
		return 2
	}
	return 1
}

// Clip shortens a text to at most most cells (see [Cells]). A text that it cuts ends with …,
// which is one of them.
func Clip(text string, most int) string {
	if len(text) <= most { // no text has more cells than bytes
		return text
	}
	n, end := 0, 0 // end: how much would stay if it must be cut
	for i, c := range text {
		if n < most {
			end = i
		}
		if n += cellsOfRune(c); n > most {
			return text[:end] + "…"
		}
	}
	return text
}

// Key is a session's key, of which paper shows no more than six characters.
func Key(key string) template.HTML {
	var m Writer
	const shown = 6
	if len(key) <= shown {
		m.Text(key)
		return template.HTML(m.String())
	}
	m.Raw(`<span class="cut">`)
	m.Text(key[:shown])
	m.Raw(`<span class="rest">`)
	m.Text(key[shown:])
	m.Raw("</span></span>")
	return template.HTML(m.String())
}
