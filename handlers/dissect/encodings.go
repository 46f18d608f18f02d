// The dissector on encodings that anybody can undo: base64, JSON, URL encoding,
// and the values that Django signs, whose signature takes its own secret.

package dissect

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/url"
	"regexp"
	"strings"
	"time"

	"cookielab/handlers/input"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/sessions"
)

const (
	base64Either = markup.Base64URL + "+/"
)

// fromBase64 decodes either alphabet, padded or not, as far as it goes; at is the
// character where it stops being base64, -1 if it never does.
func fromBase64(text string) (decoded []byte, at int) {
	padded := text
	for range 2 {
		text = strings.TrimSuffix(text, "=")
	}
	at = strings.IndexFunc(text, func(r rune) bool { return !strings.ContainsRune(base64Either, r) })
	switch {
	case at >= 0:
		text = text[:at]
	case len(text)%4 == 1:
		at = len(text) - 1
	case len(text) < len(padded) && len(padded)%4 != 0:
		at = len(padded)
	}
	if len(text)%4 == 1 {
		text = text[:len(text)-1]
	}
	decoded, _ = base64.RawURLEncoding.DecodeString(oneAlphabet.Replace(text))
	return decoded, at
}

// oneAlphabet rewrites standard base64 in the alphabet of base64url.
var oneAlphabet = strings.NewReplacer("+", "-", "/", "_")

// isBase64 tells base64 from words, which may have its letters too: it decodes to
// a text, or at least looks like no word. One wrong character in it is allowed.
func isBase64(value string) bool {
	value = strings.ReplaceAll(value, "\n", "") // as mail and certificates break it
	decoded, at := fromBase64(value)
	if at >= 0 {
		rest := value[min(at+1, len(value)):]
		return len(decoded) >= 6 && isText(decoded) && strings.Trim(rest, base64Either+"=") == ""
	}
	if len(decoded) >= 3 && isText(decoded) {
		return true
	}
	has := func(letters string) bool { return strings.ContainsAny(value, letters) }
	return len(value) >= 16 && (has("=") || has("0123456789") && has("abcdefghijklmnopqrstuvwxyz") && has("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
}

func (d *dissected) takeBase64(e *effort) {
	d.Title = "dissect.form.base64"
	value := strings.ReplaceAll(d.value, "\n", "")
	decoded, at := fromBase64(value)
	d.Wire = cut(kindWhole, value, at)
	if at >= 0 {
		d.Flaw = locale.Msg("dissect.flaw.base64", locale.Args{"At": character(value, at)})
		if at == len(value)-1 || at == len(value) {
			d.Flaw = locale.Msg("dissect.flaw.groups")
		}
	}
	d.Spare = at < 0 && isSpare(value, decoded)
	d.Steps = []step{{Title: "dissect.step.base64", Blocks: []block{contentOf(kindContent, "", decoded)}}}
	d.object = instantsIn(decoded)
	d.further(string(decoded), e)
}

// isSpare reports whether the last character could have been another one.
func isSpare(value string, decoded []byte) bool {
	value = oneAlphabet.Replace(strings.TrimRight(value, "="))
	return base64.RawURLEncoding.EncodeToString(decoded) != value
}

func (d *dissected) takeJSON() {
	d.Title = "dissect.form.json"
	var syntax *json.SyntaxError
	var read json.RawMessage
	at := -1
	if err := json.Unmarshal([]byte(d.value), &read); errors.As(err, &syntax) {
		if at = int(syntax.Offset) - 1; strings.HasPrefix(syntax.Error(), "unexpected end") {
			at = len(d.value)
		}
		at = max(at, 0)
		if d.Flaw = locale.Msg("dissect.flaw.json", locale.Args{"At": character(d.value, at)}); at >= len(d.value) {
			d.Flaw = locale.Msg("dissect.flaw.json_end")
		}
	}
	d.Wire = cut(kindContent, d.value, at)
	if at < 0 {
		d.object = instantsIn([]byte(d.value))
		d.Steps = []step{{Title: "dissect.step.json", Blocks: []block{contentOf(kindContent, "", []byte(d.value))}}}
	}
}

// instants are the times that a JSON object names.
type instants struct {
	issued, notBefore, expires time.Time // zero: it names none
	fields                     []markup.Field
	odd                        string // one that is no time
}

// instantsIn finds them under the names of RFC 7519: in seconds since 1970, or in
// microseconds in a session as the engine signed_cookies writes it.
func instantsIn(content []byte) (in instants) {
	var object map[string]json.RawMessage
	if json.Unmarshal(content, &object) != nil {
		return in
	}
	unit := 1.0
	if object["saved"] != nil && object["data"] != nil {
		unit = 1e6
	}
	for _, name := range []string{"iat", "nbf", "saved", "exp"} {
		raw, ok := object[name]
		if !ok {
			continue
		}
		var number float64
		err := json.Unmarshal(raw, &number)
		seconds := number / unit
		if err != nil || string(raw) == "null" || math.Abs(seconds) > lastSecond {
			in.odd = name
			continue
		}
		at := time.UnixMilli(int64(math.Round(seconds * 1000)))
		in.fields = append(in.fields, markup.Field{Name: name, Value: markup.ClockTime(at)})
		switch name {
		case "iat":
			in.issued = at
		case "nbf":
			in.notBefore = at
		case "exp":
			in.expires = at
		}
	}
	return in
}

const lastSecond = 253402300799 // of the year 9999

var (
	percent  = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	anyPairs = regexp.MustCompile(`^[^\s=&]+=[^\s=]*(&[^\s=&]+=[^\s=]*)*$`)
)

func isURL(value string) bool {
	return !strings.ContainsAny(value, " \n\t") && (percent.MatchString(value) || anyPairs.MatchString(value))
}

func (d *dissected) takeURL(e *effort) {
	d.Title = "dissect.form.url"
	if _, at := percentDecoded(d.value); at >= 0 {
		d.Flaw = locale.Msg("dissect.flaw.percent", locale.Args{"At": character(d.value, at)})
		d.Wire = cut(kindContent, d.value, at)
		return
	}
	if !strings.Contains(d.value, "=") {
		decoded, _ := percentDecoded(d.value)
		d.Wire = cut(kindContent, d.value, -1)
		d.Steps = []step{{Title: "dissect.step.percent", Blocks: []block{contentOf(kindContent, "", []byte(decoded))}}}
		d.further(decoded, e)
		return
	}
	fields := step{Title: "dissect.step.url"}
	for i, pair := range strings.Split(d.value, "&") {
		name, value, found := strings.Cut(pair, "=")
		if i > 0 {
			d.Wire = append(d.Wire, wirePart{Text: "&"})
		}
		d.Wire = append(d.Wire, wirePart{Kind: kindHead, Text: name})
		if found {
			d.Wire = append(d.Wire, wirePart{Text: "="}, wirePart{Kind: kindContent, Text: value})
		}
		name, _ = percentDecoded(name)
		value, _ = percentDecoded(value)
		if i < input.MaxFields {
			fields.Blocks = append(fields.Blocks, block{Kind: kindHead, Text: name}, block{Kind: kindContent, Text: value})
		} else {
			d.apart += len(pair)
		}
	}
	d.Steps = []step{fields}
	for pair := range strings.SplitSeq(d.value, "&") {
		name, value, _ := strings.Cut(pair, "=")
		value, _ = percentDecoded(value)
		if inner := formatOf(value); inner == formatText || inner == formatURL {
			continue
		}
		if len(d.Steps) > mostLayers {
			e.deeper = true
			break
		}
		name, _ = percentDecoded(name)
		for _, s := range e.further(value) {
			s.Of = markup.Excerpt(name)
			d.Steps = append(d.Steps, s)
		}
	}
}

// percentDecoded is a text without its percent escapes, or where one is broken.
func percentDecoded(text string) (decoded string, at int) {
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			continue
		}
		if !percent.MatchString(text[i:min(i+3, len(text))]) {
			return text, i
		}
		i += 2
	}
	decoded, _ = url.QueryUnescape(text) // which cannot fail any more
	return decoded, -1
}

// A content, the time in base 62 and a signature with SHA-256 or, up to Django 3.0,
// SHA-1.
var djangoSigned = regexp.MustCompile(`^([^\n]+):([0-9A-Za-z]{5,7}):([A-Za-z0-9_-]{43}|[A-Za-z0-9_-]{27})$`)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func (d *dissected) takeDjango(e *effort) {
	d.Title = "dissect.form.django"
	parts := djangoSigned.FindStringSubmatch(d.value)
	content, stamp, signature := parts[1], parts[2], parts[3]
	d.Parts = []namedPart{{kindContent, "dissect.part.content"}, {kindHead, "dissect.part.time"}, {kindSeal, "dissect.part.signature"}}
	d.Wire = []wirePart{{Kind: kindContent, Text: content}, {Text: ":"}, {Kind: kindHead, Text: stamp}, {Text: ":"}, {Kind: kindSeal, Text: signature}}
	var seconds int64
	for _, digit := range stamp {
		seconds = seconds*62 + int64(strings.IndexRune(base62, digit))
	}
	d.signed = time.Unix(seconds, 0)
	mac, _ := fromBase64(signature)
	inside := block{Kind: kindContent, Label: "dissect.part.content", Text: content}
	if decoded, ok := djangoContent(content, e); ok {
		inside = contentOf(kindContent, "dissect.part.content", decoded)
	}
	d.Steps = []step{{Title: "dissect.step.django", Blocks: []block{
		inside,
		{Kind: kindHead, Label: "dissect.part.time", Text: stamp, Note: locale.Msg("dissect.at", locale.Args{"At": markup.ClockTime(d.signed)})},
		bytesOf(kindSeal, "dissect.part.signature", mac),
	}}}
	if isURL(content) {
		d.further(content, e)
	}
}

// djangoContent decodes what signing.dumps wrote: base64 of JSON, behind a dot
// compressed. Compressed content may be as long as a session when it is unpacked, and no
// longer.
func djangoContent(content string, e *effort) ([]byte, bool) {
	packed, compressed := strings.CutPrefix(content, ".")
	decoded, at := fromBase64(packed)
	if at >= 0 {
		return nil, false
	}
	if compressed {
		reader, err := zlib.NewReader(bytes.NewReader(decoded))
		if err != nil {
			return nil, false
		}
		most := min(e.left, sessions.MaxStored)
		if decoded, err = io.ReadAll(io.LimitReader(reader, int64(most)+1)); err != nil {
			return nil, false
		}
		if len(decoded) > most {
			e.deeper, e.left = true, e.left-most
			return nil, false
		}
		e.left -= len(decoded)
	}
	return decoded, json.Valid(decoded)
}
