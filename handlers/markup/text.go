// Texts of strangers, cut and made fit to stand on a page.

package markup

import (
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
)

// Excerpt returns what a sentence quotes of a text that somebody sent: its beginning, of at
// most [MaxValueText] cells, without bytes that are not UTF-8 (see [AsText]).
func Excerpt(sent string) string { return Clip(AsText(sent), MaxValueText) }

// AtMost returns the beginning of a text, of at most most bytes, without half a character at
// its end.
func AtMost(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// AsText returns a text that can stand in JSON and on a page: bytes that are not UTF-8 become
// U+FFFD, as browsers decode them (WHATWG Encoding).
func AsText(bytes string) string {
	text, _ := unicode.UTF8.NewDecoder().String(bytes) // never fails
	return text
}
