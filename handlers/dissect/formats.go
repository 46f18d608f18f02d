// How the dissector recognises a value and takes it apart, layer by layer, as far
// as anybody without a key can read. A value with one wrong character is still
// recognised, so that the page can say what broke.

package dissect

import (
	"html/template"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/sessions"
)

// format is how a value is written.
type format string

const (
	formatSealed format = "sealed" // of this lab: base64 of time|content|MAC
	formatJWT    format = "jwt"
	formatDjango format = "django" // content:time:signature
	formatJSON   format = "json"
	formatKey    format = "key"   // of a session
	formatToken  format = "token" // an opaque one
	formatBase64 format = "base64"
	formatURL    format = "url"
	formatText   format = "text"
)

// dissected is a value taken apart. Nothing of it has been verified.
type dissected struct {
	Format format
	Title  string         // what it is, a label
	For    string         // what it is for, by the name that stood before it; "": none did
	Wire   []wirePart     // the value as it came, cut into its parts
	Parts  []namedPart    // what those are called
	Steps  []step         // what decoding made of it
	Flaw   locale.Message // why it is not well formed; no ID: it is
	Spare  bool           // its last character has bits that nobody reads

	Came, Inside locale.Message // say how much of Wire and of Steps is not shown; no ID: nothing
	Deeper       bool           // there may be more inside than was decoded

	value  string // without what stood around it
	apart  int    // bytes of fields that there are no Steps for
	jwt    jwtParts
	object instants // the times that the content names
	signed time.Time
}

// kind is what a part of a value is, and so its colour. The zero kind only separates.
type kind string

const (
	kindHead    kind = "head"
	kindContent kind = "content"
	kindSeal    kind = "seal"
	kindWhole   kind = "whole" // the value is one piece
	kindOff     kind = "off"   // it stood around the value, and was taken off
	kindFlaw    kind = "flaw"  // the character where the format breaks
)

// wirePart is a part of the value as it came.
type wirePart struct {
	Kind kind
	Text string
	HTML template.HTML // as the page shows it
}

// namedPart is what the parts of a kind are called, by a label.
type namedPart struct {
	Kind  kind
	Label string
}

// step is one decoding.
type step struct {
	Title  string // a label
	Of     string // of which part, where a name tells
	Blocks []block
}

// Pairs reports whether the blocks are names and values in turn.
func (s step) Pairs() bool { return s.Title == "dissect.step.url" }

// Off reports whether something stood around the value.
func (d *dissected) Off() bool {
	return slices.ContainsFunc(d.Wire, func(p wirePart) bool { return p.Kind == kindOff })
}

// block is what one part turned out to be.
type block struct {
	Kind  kind
	Label string // a label; "": none
	Text  string
	HTML  template.HTML  // as the page shows it
	Lines bool           // several
	Note  locale.Message // what it means
	Times []markup.Field
}

// dissect takes what was typed apart.
func (h *Page) dissect(typed string) dissected {
	before, value, after, purpose := h.unwrap(typed)
	all := effort{left: maxDecoded}
	d := all.dissect(value)
	d.For, d.Deeper = purpose, all.deeper
	if before != "" {
		d.Wire = append([]wirePart{{Kind: kindOff, Text: before}}, d.Wire...)
	}
	if after != "" {
		d.Wire = append(d.Wire, wirePart{Kind: kindOff, Text: after})
	}
	d.show()
	return d
}

// effort bounds the work for one value and everything that is inside it.
type effort struct {
	left   int  // bytes that may still be decoded
	layers int  // layers of decoding that are under way
	deeper bool // there was more to decode
}

const (
	mostLayers = 8                      // layers of decoding; a value that fits into the form hardly has more
	maxDecoded = 2 * sessions.MaxStored // decoded bytes, in all layers together
)

// further takes apart a value that was found inside another one. It returns nil if that
// would be a layer too many.
func (e *effort) further(value string) []step {
	if e.layers+1 >= mostLayers {
		e.deeper = true
		return nil
	}
	e.layers++
	defer func() { e.layers-- }()
	return e.dissect(value).Steps
}

// spend counts bytes that are decoded; false: they are too many.
func (e *effort) spend(bytes int) bool {
	if bytes > e.left {
		e.deeper = true
		return false
	}
	e.left -= bytes
	return true
}

var (
	cookiePair = regexp.MustCompile(`^([!#$%&'*+.^_|~\w-]+)=`)
	headerName = regexp.MustCompile(`(?i)^(set-cookie|cookie|authorization):[ \t]*`)
	scheme     = regexp.MustCompile(`(?i)^(token|bearer)[ \t]+`)
)

// unwrap finds the value in a header, in a list of cookies or behind a cookie's
// name, and what the name says that it is for.
func (h *Page) unwrap(typed string) (before, value, after, purpose string) {
	value = typed
	header := strings.ToLower(strings.TrimRight(headerName.FindString(value), ": \t"))
	value = value[len(headerName.FindString(value)):]
	if name := scheme.FindString(value); name != "" && header != "cookie" && header != "set-cookie" {
		if value = value[len(name):]; strings.EqualFold(strings.TrimSpace(name), lanes.TokenScheme) {
			purpose = lanes.TokenPurpose
		}
		return typed[:len(typed)-len(value)], value, "", purpose
	}
	switch pairs := strings.SplitAfter(value, "; "); {
	case header == "set-cookie":
		if end := strings.IndexByte(value, ';'); end >= 0 {
			value, after = value[:end], value[end:]
		}
	case len(pairs) > 1 && (header == "cookie" || cookiePair.MatchString(value) && !strings.ContainsAny(value, "{\"")):
		at := tellingPair(pairs)
		value = value[len(strings.Join(pairs[:at], "")):]
		end := len(strings.TrimSuffix(pairs[at], "; "))
		value, after = value[:end], value[end:]
	}
	if pair := cookiePair.FindStringSubmatch(value); pair != nil {
		rest := value[len(pair[0]):]
		if header != "" || h.knowsCookie(pair[1]) || tells(rest) {
			value, purpose = rest, h.purposeOfCookie(pair[1])
		}
	}
	return typed[:len(typed)-len(after)-len(value)], value, after, purpose
}

// tellingPair is the cookie of several that is worth looking at: one that was
// signed, else the first.
func tellingPair(pairs []string) int {
	for i, pair := range pairs {
		if _, value, _ := strings.Cut(strings.TrimSuffix(pair, "; "), "="); tells(value) {
			return i
		}
	}
	return 0
}

// tells reports whether a value has a format that no other text has by chance.
func tells(value string) bool {
	switch formatOf(value) {
	case formatSealed, formatJWT, formatDjango, formatKey, formatToken:
		return true
	}
	return false
}

// formOf recognises a value.
func formatOf(value string) format {
	switch {
	case isJWT(value):
		return formatJWT
	case isSealed(value):
		return formatSealed
	case value != "" && strings.ContainsRune(`{["`, rune(value[0])):
		return formatJSON
	case sessions.ValidToken(value):
		return formatToken
	case sessions.ValidKey(value):
		return formatKey
	case djangoSigned.MatchString(value):
		return formatDjango
	case isBase64(value):
		return formatBase64
	case isURL(value):
		return formatURL
	}
	return formatText
}

// dissect takes a value apart, and the values inside it.
func (e *effort) dissect(value string) (d dissected) {
	if !e.spend(len(value)) {
		return d
	}
	d.Format, d.value = formatOf(value), value
	switch d.Format {
	case formatSealed:
		d.takeSealed()
	case formatJWT:
		d.takeJWT()
	case formatDjango:
		d.takeDjango(e)
	case formatJSON:
		d.takeJSON()
	case formatKey:
		d.Title, d.Wire = "dissect.form.key", []wirePart{{Kind: kindWhole, Text: value}}
		d.Steps = []step{{Title: "dissect.step.opaque"}}
	case formatToken:
		d.Title, d.Wire = "dissect.form.token", []wirePart{{Kind: kindWhole, Text: value}}
		d.Steps = []step{{Title: "dissect.step.opaque"}}
	case formatBase64:
		d.takeBase64(e)
	case formatURL:
		d.takeURL(e)
	default:
		d.Title, d.Wire = "dissect.form.text", []wirePart{{Kind: kindWhole, Text: value}}
		d.Steps = []step{{Title: "dissect.step.text"}}
	}
	return d
}

// further decodes a text that was found inside the value.
func (d *dissected) further(text string, e *effort) {
	if !utf8.ValidString(text) {
		return
	}
	if f := formatOf(text); f != formatText && f != formatJSON { // JSON is laid out where it stands
		d.Steps = append(d.Steps, e.further(text)...)
	}
}

// around is how many bytes of markup the page puts around a block, at most.
func (b *block) around() int {
	if b.Label != "" || b.Note.ID != "" || len(b.Times) > 0 {
		return 600
	}
	return 100
}

// show writes the markup of everything that was taken apart, as much as there is room
// for. Half of the room is for the value as it came; the steps get the rest.
func (d *dissected) show() {
	came := markup.NewRoom(markup.MaxShown / 2)
	for i := range d.Wire {
		d.Wire[i].HTML = came.Spelt(d.Wire[i].Text, false, aroundPart)
	}
	d.Wire = slices.DeleteFunc(d.Wire, func(p wirePart) bool { return p.HTML == "" })
	d.Came = locale.Some("layout.hidden", came.Hidden())

	inside := markup.NewRoom(markup.MaxShown/2 + max(came.Left(), 0))
	for i := range d.Steps {
		var shown []block
		for _, b := range d.Steps[i].Blocks {
			b.HTML = inside.Spelt(b.Text, b.Lines, b.around())
			if inside.Left() >= 0 {
				shown = append(shown, b)
			}
		}
		d.Steps[i].Blocks = shown
	}
	d.Inside = locale.Some("layout.hidden", d.apart+inside.Hidden())
}
