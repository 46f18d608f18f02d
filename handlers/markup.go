// Markup written by hand, where a template would take too long.

package handlers

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// markup is HTML, or SVG, while it is written.
type markup struct{ strings.Builder }

// raw writes what this program says itself.
func (m *markup) raw(text string) { m.WriteString(text) }

func (m *markup) int(n int) {
	var digits [20]byte
	m.Write(strconv.AppendInt(digits[:0], int64(n), 10))
}

func (m *markup) point(x, y int) {
	m.int(x)
	m.raw(" ")
	m.int(y)
}

func (m *markup) rect(x, y, width, height int) {
	m.raw(`<rect rx="4" x="`)
	m.int(x)
	m.raw(`" y="`)
	m.int(y)
	m.raw(`" width="`)
	m.int(width)
	m.raw(`" height="`)
	m.int(height)
	m.raw(`"/>`)
}

func (m *markup) label(x, y int, anchor, label string) {
	m.raw(`<text x="`)
	m.int(x)
	m.raw(`" y="`)
	m.int(y)
	if anchor != "start" {
		m.raw(`" text-anchor="`)
		m.raw(anchor)
	}
	m.raw(`">`)
	m.text(label)
	m.raw(`</text>`)
}

// text writes a stranger's text, which stays text in HTML, in XML and in a
// quoted attribute. What no XML may hold becomes a replacement character.
func (m *markup) text(text string) {
	from := 0 // text[from:i] can go as it is
	for i := 0; i < len(text); {
		c, size := rune(text[i]), 1
		if c >= utf8.RuneSelf {
			c, size = utf8.DecodeRuneInString(text[i:])
		}
		if instead := insteadOf(c); instead != "" {
			m.raw(text[from:i])
			m.raw(instead)
			from = i + size
		}
		i += size
	}
	m.raw(text[from:])
}

// insteadOf is what must stand for a character; "": itself.
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
	var m markup
	for i := 0; i < len(text); {
		if m.Len() > most-maxSpelt {
			return template.HTML(m.String()), len(text) - i
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			m.raw(fmt.Sprintf(`<b class="byte">\x%02x</b>`, text[i]))
		case lines && (r == '\n' || r == '\t'):
			m.raw(text[i : i+size])
		case unicode.IsPrint(r):
			m.text(text[i : i+size])
		case r < utf8.RuneSelf:
			m.raw(fmt.Sprintf(`<b class="byte">\x%02x</b>`, r))
		default:
			m.raw(fmt.Sprintf(`<b class="byte">\u%04x</b>`, r))
		}
		i += size
	}
	return template.HTML(m.String()), 0
}

// maxSpelt is how many bytes of markup one character takes at most.
const maxSpelt = len(`<b class="byte">\u10ffff</b>`)

// room is how many bytes of markup a page may still use for the values that it takes
// apart. It is bounded because one byte of a value can take thirty bytes of markup, and a
// value can contain other values.
type room struct {
	left, leftOut int // leftOut: bytes of values for which there was no room
}

// newRoom is room for so many bytes.
func newRoom(bytes int) room { return room{left: bytes} }

// Left is how many bytes may still be used; below 0: more were used than there was room for.
func (r *room) Left() int { return r.left }

// maxShown is the room that a page has in all.
const maxShown = 128 << 10

// spelt writes as much of a text as there is room for. It also counts around, the bytes
// that the page puts around the text.
func (r *room) spelt(text string, lines bool, around int) template.HTML {
	html, rest := spelt(text, lines, r.left-around)
	r.left -= len(html) + around // below 0: there was no room even for what is around it
	r.leftOut += rest
	return html
}

// Hidden is how many bytes are not shown.
func (r *room) Hidden() int { return r.leftOut }

// cells is how wide a text is in monospace: characters of East Asia take two.
func cells(text string) (n int) {
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

// clip shortens a text to a number of cells.
func clip(text string, most int) string {
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

// maxValueText is how many cells of a value a sentence or a row quotes.
const maxValueText = 120

// excerpt is how a sentence quotes a text that somebody sent: only its beginning, and
// without bytes that are not UTF-8 (see [asText]).
func excerpt(sent string) string { return clip(asText(sent), maxValueText) }

// atMost is the beginning of a text, of at most so many bytes, without half a character
// at its end.
func atMost(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
