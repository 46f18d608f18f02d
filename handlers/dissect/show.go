// How the dissector shows what it took apart: each part laid out, with everything
// in it to be seen.

package dissect

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
)

// contentOf is the block of a decoded content: JSON laid out, text, or bytes.
func contentOf(k kind, label string, content []byte) block {
	b := block{Kind: k, Label: label}
	switch {
	case json.Valid(content):
		b.Text = strings.TrimSpace(string(content))
		if most, size := layout(b.Text); len(b.Text) > shortJSON && most <= mostNesting && size <= markup.MaxShown {
			b.Text, b.Lines = markup.Indented(b.Text), true
		}
		b.Times = instantsIn(content).fields
	case isText(content), mostlyText(content): // with what broke it to be seen
		b.Text, b.Lines = string(content), true
	default:
		return bytesOf(k, label, content)
	}
	return b
}

const (
	shortJSON   = 60 // characters that are not worth several lines
	mostNesting = 20 // beyond it lines would be nothing but space
)

// layout returns how deep a JSON text is nested, and how many bytes it has at most when
// it is written in indented lines.
func layout(text string) (most, size int) {
	depth := 0
	for _, r := range text {
		switch r {
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case ',', ':':
		default:
			continue
		}
		size += 1 + len("  ")*max(depth, 0)
		most = max(most, depth)
	}
	return most, len(text) + size
}

const mostBytes = 256 // that are shown as hex

func bytesOf(k kind, label string, content []byte) block {
	b := block{Kind: k, Label: label, Note: locale.Msg("dissect.bytes", locale.Args{"Bytes": len(content)})}
	if len(content) == 0 {
		b.Note = locale.Msg("dissect.no_bytes")
	}
	if shown := content[:min(len(content), mostBytes)]; len(shown) > 0 {
		b.Text = hex.EncodeToString(shown)
	}
	if len(content) > mostBytes {
		b.Text += "…"
	}
	return b
}

// isText reports whether bytes are a text that somebody could have written.
func isText(content []byte) bool {
	if len(content) == 0 || !utf8.Valid(content) {
		return false
	}
	return !strings.ContainsFunc(string(content), func(r rune) bool {
		return !unicode.IsPrint(r) && r != '\n' && r != '\t' && r != '\r'
	})
}

// mostlyText reports whether bytes are a text of which some characters broke.
func mostlyText(content []byte) bool {
	odd := 0
	for _, r := range string(content) {
		if r == utf8.RuneError || !unicode.IsPrint(r) && r != '\n' {
			odd++
		}
	}
	return len(content) >= 16 && odd*4 <= len(content)
}

// cut is a value in up to three pieces: the character at a place is the flaw. At
// the end it is what should come there.
func cut(k kind, value string, at int) []wirePart {
	if at < 0 {
		return []wirePart{{Kind: k, Text: value}}
	}
	at = min(at, len(value))
	_, size := utf8.DecodeRuneInString(value[at:])
	flaw := value[at : at+size]
	if size == 0 {
		flaw = "▯"
	}
	var pieces []wirePart
	for _, p := range []wirePart{{Kind: k, Text: value[:at]}, {Kind: kindFlaw, Text: flaw}, {Kind: k, Text: value[at+size:]}} {
		if p.Text != "" {
			pieces = append(pieces, p)
		}
	}
	return pieces
}

// aroundPart is how many bytes of markup the page puts around a part.
const aroundPart = len(`<span class="is-content"></span>`)

// character counts from 1 for people, in characters.
func character(value string, at int) int {
	return utf8.RuneCountInString(value[:min(at, len(value))]) + 1
}
