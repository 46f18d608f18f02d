// Values: how pages and answers show statuses, keys, numbers and texts that may be missing.

package markup

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// StatusLabel returns a status with its name, such as "303 See Other"; the number alone if it
// has no name.
func StatusLabel(status int) string {
	if text := http.StatusText(status); text != "" {
		return strconv.Itoa(status) + " " + text
	}
	return strconv.Itoa(status)
}

// Milliseconds returns a duration such as "0.05 ms".
func Milliseconds(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 2, 64) + " ms"
}

// ShortKey returns a key shortened to its first four and last two characters; a key of at
// most eight as it is.
func ShortKey(key string) string {
	if len(key) <= 8 {
		return key
	}
	return key[:4] + "…" + key[len(key)-2:]
}

// TextOrNil returns a pointer to a text, for JSON; nil if the text is empty.
func TextOrNil(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// TimeOrNil returns a pointer to an instant, for JSON; nil if it is zero.
func TimeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Indented returns JSON with line breaks and indentation; a text that is not JSON as it is.
func Indented(text string) string {
	var out bytes.Buffer
	if json.Indent(&out, []byte(text), "", "  ") != nil {
		return text
	}
	return strings.TrimSpace(out.String())
}

// Ending is an instant to count down to, or words if there is none.
type Ending struct {
	At   string // for scripts: see [ISOTime]; "": no instant
	Text string // for people
}

// Quoted returns a text as it must stand between the single quotes of a POSIX shell.
func Quoted(text string) string { return strings.ReplaceAll(text, "'", `'\''`) }

const base64Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// Base64URL are the letters of base64 for URLs, without padding (RFC 4648 section 5).
const Base64URL = base64Letters + "-_"

// Field is a part of a value that was taken apart.
type Field struct{ Name, Value string }

// TextOf returns the text that a pointer leads to; "" for nil.
func TextOf(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// MaxValueText is how many cells of a value a sentence or a row quotes.
const MaxValueText = 120

// YesNo returns "yes" or "no", as the IDs of labels say it.
func YesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
