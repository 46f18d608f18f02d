// Texts of strangers, cut and made fit to stand on a page.

package markup

import (
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
)

// Excerpt is how a sentence quotes a text that somebody sent: only its beginning, and
// without bytes that are not UTF-8 (see [AsText]).
func Excerpt(sent string) string { return Clip(AsText(sent), MaxValueText) }

// AtMost is the beginning of a text, of at most so many bytes, without half a character
// at its end.
func AtMost(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// AsText is what can stand in JSON and on a page: bytes that are no UTF-8 become
// U+FFFD, as browsers decode them.
func AsText(bytes string) string {
	text, _ := unicode.UTF8.NewDecoder().String(bytes) // never fails
	return text
}
