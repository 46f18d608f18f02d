// Values: how pages and answers show the small ones.

package markup

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// StatusLabel is "303 See Other".
func StatusLabel(status int) string {
	if text := http.StatusText(status); text != "" {
		return strconv.Itoa(status) + " " + text
	}
	return strconv.Itoa(status)
}

// Milliseconds is "0.05 ms".
func Milliseconds(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 2, 64) + " ms"
}

// ShortKey shows a key by its first four and last two characters.
func ShortKey(key string) string {
	if len(key) <= 8 {
		return key
	}
	return key[:4] + "…" + key[len(key)-2:]
}

func TextOrNil(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func TimeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func Indented(text string) string {
	var out bytes.Buffer
	if json.Indent(&out, []byte(text), "", "  ") != nil {
		return text
	}
	return strings.TrimSpace(out.String())
}

// Ending is an instant to count down to, or words where there is none.
type Ending struct {
	At   string // for scripts; "": no instant
	Text string
}

// Quoted is a text between the single quotes of a shell.
func Quoted(text string) string { return strings.ReplaceAll(text, "'", `'\''`) }

const base64Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

const Base64URL = base64Letters + "-_"

type Field struct{ Name, Value string }

func TextOf(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// MaxValueText is how many cells of a value a sentence or a row quotes.
const MaxValueText = 120

func YesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
