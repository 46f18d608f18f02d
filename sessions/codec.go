// Encodings: session data as JSON, and signed values (securecookie) for what
// the browser itself keeps.

package sessions

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gorilla/securecookie"
)

// MaxStored is how many bytes of data one stored session may have.
const MaxStored = 64 << 10

// ErrTooLarge: the session's data exceed [MaxStored]. Nothing was saved, what
// was stored before is intact.
var ErrTooLarge = errors.New("sessions: the session is too large")

// Values are a session's data, each value as its JSON text: what Get returns
// is decoded anew each time, so a change inside a returned list or map is not
// part of the session until it is Set again (Django needs session.modified for
// the same reason).
type Values map[string]json.RawMessage

// Get decodes the value of a key: string, bool, int64, float64, []any,
// map[string]any or nil, nil also for a missing key. Whole numbers stay exact
// up to 64 bits.
func (v Values) Get(key string) any {
	raw, ok := v[key]
	if !ok {
		return nil
	}
	var value any
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil {
		return nil
	}
	return exactNumbers(value)
}

// Into decodes the value of a key into a Go value; found is false, and into
// untouched, when there is none.
func (v Values) Into(key string, into any) (found bool, err error) {
	raw, ok := v[key]
	if !ok {
		return false, nil
	}
	return true, json.Unmarshal(raw, into)
}

// Text is the value of a key if it is a string, else "".
func (v Values) Text(key string) string {
	raw := v[key]
	if len(raw) < 2 || raw[0] != '"' {
		return ""
	}
	if inner := raw[1 : len(raw)-1]; !slices.Contains(inner, '\\') && utf8.Valid(inner) {
		return string(inner)
	}
	return decodeText(raw)
}

// decodeText is a string decoded, "" if it is none.
func decodeText(raw []byte) (text string) {
	_ = json.Unmarshal(raw, &text)
	return text
}

// Set puts a value under a key. An error when JSON cannot hold it, or key is
// empty or no UTF-8 text, which JSON would change; the old value stays then.
func (v Values) Set(key string, value any) error {
	if key == "" {
		return errors.New("sessions: a key must not be empty")
	}
	if !utf8.ValidString(key) {
		return fmt.Errorf("sessions: the key %q is no UTF-8 text", key)
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("sessions: the value of %q does not fit into JSON: %w", key, err)
	}
	v[key] = raw
	return nil
}

// Keys are the keys in alphabetical order.
func (v Values) Keys() []string {
	keys := make([]string, 0, len(v))
	for key := range v {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// encode writes the values as one JSON object, keys in alphabetical order.
func (v Values) encode() ([]byte, error) {
	size := 2
	for key, raw := range v {
		size += len(key) + len(raw) + 4
	}
	buf := append(make([]byte, 0, size), '{')
	for i, key := range v.Keys() {
		if i > 0 {
			buf = append(buf, ',')
		}
		if !json.Valid(v[key]) { // written past Set; the record could not be read again
			return nil, fmt.Errorf("sessions: the value of %q is no JSON", key)
		}
		buf = append(append(appendText(buf, key), ':'), v[key]...)
	}
	buf = append(buf, '}')
	if len(buf) > MaxStored {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(buf), MaxStored)
	}
	return buf, nil
}

// appendText appends a string as json.Marshal writes it. Most have nothing to
// escape.
func appendText(buf []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || strings.IndexByte(`"\<>&`, c) >= 0 {
			raw, _ := json.Marshal(text) // strings never fail
			return append(buf, raw...)
		}
	}
	return append(append(append(buf, '"'), text...), '"')
}

// DecodeValues reads the data of a [Record]. The values share its memory.
func DecodeValues(data []byte) (Values, error) {
	begin := 0
	if json.Valid(data) {
		begin = skip(data, 0, ' ')
		switch data[begin] {
		case '{':
			return members(data, begin), nil
		case 'n': // null
			return Values{}, nil
		}
	}
	err := json.Unmarshal(data, &Values{}) // says what is wrong
	return nil, fmt.Errorf("sessions: stored data are no JSON object: %w", err)
}

// members takes the valid JSON object apart that begins there: in a third of the
// time of json.Unmarshal (measured), which makes its way by reflection and copies
// each value. As everywhere in Go, the last of several members of one
// name counts.
func members(data []byte, begin int) Values {
	values, names := Values{}, string(data) // one copy for all names
	for at := begin + 1; ; {
		at = skip(data, at, ',')
		if data[at] == '}' {
			return values
		}
		end := textEnd(data, at)
		name := names[at+1 : end-1]
		if strings.IndexByte(name, '\\') >= 0 || !utf8.ValidString(name) {
			name = decodeText(data[at:end])
		}
		at = skip(data, end, ':')
		end = valueEnd(data, at)
		values[name] = data[at:end:end]
		at = end
	}
}

// skip passes over white space and one kind of sign.
func skip(data []byte, at int, sign byte) int {
	for {
		switch data[at] {
		case ' ', '\t', '\r', '\n', sign:
			at++
		default:
			return at
		}
	}
}

// valueEnd is where the value of a member ends that begins there.
func valueEnd(data []byte, at int) int {
	for depth := 0; ; at++ {
		switch data[at] {
		case '"':
			at = textEnd(data, at) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return at
			}
			depth--
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return at
			}
		}
	}
}

// textEnd is where the string ends that begins there.
func textEnd(data []byte, at int) int {
	for at++; data[at] != '"'; at++ {
		if data[at] == '\\' {
			at++
		}
	}
	return at + 1
}

func exactNumbers(value any) any {
	switch value := value.(type) {
	case json.Number:
		if whole, err := strconv.ParseInt(value.String(), 10, 64); err == nil {
			return whole
		}
		fraction, _ := value.Float64()
		return fraction
	case []any:
		for i := range value {
			value[i] = exactNumbers(value[i])
		}
	case map[string]any:
		for key := range value {
			value[key] = exactNumbers(value[key])
		}
	}
	return value
}

// What [Signer.Verify] finds wrong with a value; test with errors.Is.
var (
	// ErrTampered: the seal does not fit the content, the purpose or any of our keys.
	ErrTampered = errors.New("sessions: the MAC does not fit")
	// ErrUnreadable: not in the form of a signed value, or the content is not what was expected.
	ErrUnreadable = errors.New("sessions: not in the form of a signed value")
	// ErrTooLong: longer than any cookie could be.
	ErrTooLong = errors.New("sessions: the value is too long")
)

// MinSecret is the least number of bytes of a signing key.
const MinSecret = 32

// maxSigned bounds a signed value: no browser keeps a longer cookie.
const maxSigned = 4096

// Signer seals values so that a browser can keep them but not change them
// (Django: set_signed_cookie). Sealed is not secret: anybody can read them.
type Signer struct {
	purpose string
	codecs  []*securecookie.SecureCookie
}

// NewSigner makes a signer for one purpose (Django's salt): what was sealed
// for another does not verify. The first secret seals, all verify, so keys can
// be rotated (Django: SECRET_KEY, SECRET_KEY_FALLBACKS).
func NewSigner(purpose string, secrets ...[]byte) (*Signer, error) {
	return newSigner(purpose, secrets, func([]byte) []byte { return nil })
}

// NewEncrypter makes a signer whose values are encrypted before they are sealed
// (AES-256 in counter mode): nobody but us can read them either.
func NewEncrypter(purpose string, secrets ...[]byte) (*Signer, error) {
	return newSigner(purpose, secrets, func(secret []byte) []byte {
		// A key of its own, so that the one secret does not serve two algorithms.
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte("encrypt " + purpose))
		return mac.Sum(nil)
	})
}

func newSigner(purpose string, secrets [][]byte, encryption func(secret []byte) []byte) (*Signer, error) {
	if purpose == "" {
		return nil, errors.New("sessions: a signer needs a purpose")
	}
	if len(secrets) == 0 {
		return nil, errors.New("sessions: a signer needs a secret")
	}
	signer := &Signer{purpose: purpose}
	for i, secret := range secrets {
		if len(secret) < MinSecret {
			return nil, fmt.Errorf("sessions: secret %d has %d bytes, at least %d are needed", i+1, len(secret), MinSecret)
		}
		codec := securecookie.New(secret, encryption(secret))
		codec.SetSerializer(securecookie.JSONEncoder{})
		codec.MaxAge(0) // age is judged by our clock, from what the content says
		codec.MaxLength(maxSigned)
		signer.codecs = append(signer.codecs, codec)
	}
	return signer, nil
}

// Sign seals a value that JSON can hold. ErrTooLong when the result would
// exceed what a browser keeps.
func (s *Signer) Sign(value any) (string, error) {
	sealed, err := s.codecs[0].Encode(s.purpose, value)
	if err != nil && isTooLong(err) {
		return "", fmt.Errorf("%w: %w", ErrTooLong, err)
	}
	return sealed, err
}

// Verify checks a sealed value in this order, and the first failure decides:
//
//  1. its length (ErrTooLong),
//  2. its outer form, base64 (ErrUnreadable),
//  3. the MAC under each secret (ErrTampered),
//  4. that the content decodes into the given value (ErrUnreadable).
//
// Nothing inside is looked at before the MAC holds. Age is not judged here.
func (s *Signer) Verify(sealed string, into any) error {
	_, err := s.verify(sealed, into)
	return err
}

// verify also says which secret sealed the value: 0 is the one that seals today.
func (s *Signer) verify(sealed string, into any) (secret int, err error) {
	if len(sealed) > maxSigned {
		return 0, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLong, len(sealed), maxSigned)
	}
	if outer, err := base64.URLEncoding.DecodeString(sealed); err != nil || len(outer) == 0 {
		return 0, fmt.Errorf("%w: not base64", ErrUnreadable)
	}
	failure := ErrTampered
	for i, codec := range s.codecs {
		err := codec.Decode(s.purpose, sealed, into)
		if err == nil {
			return i, nil
		}
		if !errors.Is(err, securecookie.ErrMacInvalid) { //nolint:staticcheck // deprecated as a name, and the only one there is
			failure = fmt.Errorf("%w: %w", ErrUnreadable, err)
		}
	}
	return 0, failure
}

// securecookie's "too long" satisfies none of its error types.
func isTooLong(err error) bool { return strings.Contains(err.Error(), "too long") }

// Sealed is a signed value taken apart: base64("time|base64(content)|MAC").
// Nothing in it has been verified.
type Sealed struct {
	Time    time.Time // when securecookie sealed it, whole seconds
	Stamp   string    // the same as it stands in the value
	Content string    // decoded
	Inner   string    // content as it stands in the value: base64
	MAC     []byte
}

// Dissect takes a signed value apart without verifying it; [ErrUnreadable]
// when it has not the form of one.
func Dissect(sealed string) (Sealed, error) {
	outer, err := base64.URLEncoding.DecodeString(sealed)
	if err != nil {
		return Sealed{}, fmt.Errorf("%w: not base64", ErrUnreadable)
	}
	parts := strings.SplitN(string(outer), "|", 3)
	if len(parts) != 3 {
		return Sealed{}, fmt.Errorf("%w: not the three parts time|content|MAC", ErrUnreadable)
	}
	seconds, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil {
		return Sealed{}, fmt.Errorf("%w: its time is no number", ErrUnreadable)
	}
	content, err := base64.URLEncoding.DecodeString(parts[1])
	if err != nil {
		return Sealed{}, fmt.Errorf("%w: its content is not base64", ErrUnreadable)
	}
	return Sealed{
		Time: time.Unix(seconds, 0), Stamp: parts[0],
		Content: string(content), Inner: parts[1], MAC: []byte(parts[2]),
	}, nil
}
