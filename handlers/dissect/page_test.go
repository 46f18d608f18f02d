// The dissector over HTTP: what it recognises, what each check says, that nothing
// is called verified which is not, and that it keeps nothing.

package dissect_test

import (
	"bytes"
	"compress/zlib"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gorilla/securecookie"

	"cookielab/handlers/dissect"
	"cookielab/handlers/lanes"
	"cookielab/handlers/markup"
	"cookielab/handlers/webtest"
	"cookielab/sessions"
)

var kindOf = regexp.MustCompile(`(?s)<p class="kind"><b>(.*?)</b>`)

// newLab starts the dissector.
func newLab(t testing.TB) *webtest.Lab {
	lab := webtest.New(t)
	page := newPage(lab)
	lab.Router.Get("/dissect", webtest.SecretPage, page.Get)
	lab.Router.Post("/dissect", webtest.SecretPage, page.Post)
	return lab
}

// newPage makes the dissector, with the purposes of the lab's cookies.
func newPage(lab *webtest.Lab) *dissect.Page {
	return dissect.New(lab.Site, lab.Auth.Lanes, map[string]string{
		webtest.NotebookCookie: "", "plain_user": "", "signed_user": lanes.SignedCookie, webtest.SessionCookie: lanes.SessionPurpose, "lab_e_signed_cookies": "e_signed_cookies",
	})
}

// jwt makes a token of a header and a payload.
func jwt(header, payload string, newHash func() hash.Hash, key string) string {
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(header)) + "." + encode([]byte(payload))
	mac := hmac.New(newHash, []byte(key))
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil))
}

const (
	webKey   = "a key of another program"
	otherKey = "not the key of that program"
)

func TestDissect(t *testing.T) {
	lab := newLab(t)
	at := lab.Clock.Now()
	alice := webtest.Facts{User: "alice", Role: "student", Issued: at.Unix() - 10, Expires: at.Unix() + 3600}
	over := webtest.Facts{User: "alice", Role: "student", Issued: at.Unix() - 3600, Expires: at.Unix() - 10}
	ahead := webtest.Facts{User: "alice", Role: "student", Issued: at.Unix() + 3600, Expires: at.Unix() + 7200}
	strange := []byte("a secret that this lab has not, 32+ bytes")
	own := func(content any) string { return webtest.Seal(t, "signed_user", webtest.Secrets[0], content) }
	payload := func(f webtest.Facts) string {
		return fmt.Sprintf(`{"sub":"alice","iat":%d,"exp":%d}`, f.Issued, f.Expires)
	}
	hs256 := func(payload string) string { return jwt(`{"alg":"HS256","typ":"JWT"}`, payload, sha256.New, webKey) }
	middle := func(value string) string { // another character in the middle
		at := len(value) / 2
		return value[:at] + map[bool]string{true: "b", false: "a"}[value[at] == 'a'] + value[at+1:]
	}
	session := map[string]any{"id": "x", "iat": at.UnixMicro(), "saved": at.UnixMicro(), "exp": at.UnixMicro() + 1e9, "data": map[string]any{"_user": "alice"}}
	endedSession := map[string]any{"id": "x", "iat": at.UnixMicro() - 2e9, "saved": at.UnixMicro() - 2e9, "exp": at.UnixMicro() - 1e9, "data": map[string]any{}}

	gob, err := securecookie.New(strange, nil).Encode("signed_user", "alice")
	if err != nil {
		t.Fatal(err)
	}
	spare := own(alice) // with another last character that means the same
	for _, last := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" {
		end := len(strings.TrimRight(spare, "="))
		if other := spare[:end-1] + string(last) + spare[end:]; other != spare && webtest.Unseal(t, other) == webtest.Unseal(t, spare) {
			spare = other
			break
		}
	}
	const (
		sealed, token    = "A signed value of this lab", "A JSON Web Token (JWT)"
		verified         = "Verified"
		form, signature  = "Does not verify: Well-formed", "Does not verify: Signature"
		age, purpose     = "Does not verify: Age", "Does not verify: Purpose"
		decodedOnly      = "Decoded only, not verified"
		plain, django    = "Plain text", "A signed value of Django"
		base64ed, inJSON = "Base64", "JSON"
		encoded          = "URL encoding"
	)
	for _, test := range []struct {
		name, value string
		fields      []string
		kind        string
		verdict     string
		signs       string
		says        []string // of the first check that failed, or else of any
	}{
		// What this lab signed.
		{"sealed by the lab", own(alice), nil, sealed, verified, "✓✓✓✓", []string{"the lab’s own key", "“signed_user”", `"user": "alice"`}},
		{"sealed with the older key", webtest.Seal(t, "signed_user", webtest.Secrets[1], alice), nil, sealed, verified, "✓✓✓✓", []string{"an older key of the lab"}},
		{"as a cookie", "signed_user=" + own(alice), nil, sealed, verified, "✓✓✓✓", []string{"By its name the value is for signed_user"}},
		{"as a Cookie header", "Cookie: a=1; signed_user=" + own(alice) + "; b=2", nil, sealed, verified, "✓✓✓✓", nil},
		{"as a Set-Cookie header", "set-cookie: signed_user=" + own(alice) + "; Path=/; HttpOnly", nil, sealed, verified, "✓✓✓✓", nil},
		{"as several cookies", "a=1; signed_user=" + own(alice), nil, sealed, verified, "✓✓✓✓", nil},
		{"with space around", " \r\n" + own(alice) + "\r\n ", nil, sealed, verified, "✓✓✓✓", nil},
		{"one character changed", middle(own(alice)), nil, sealed, signature, "✓✗––", []string{"another MAC", "not reached"}},
		{"its first character changed", "X" + own(alice)[1:], nil, sealed, signature, "✓✗––", nil},
		{"a character that base64 has not", own(alice)[:50] + "!" + own(alice)[51:], nil, sealed, form, "✗–––", []string{"character 51 is none"}},
		{"a character put in", own(alice)[:50] + "A" + own(alice)[50:], nil, sealed, form, "✗–––", []string{"groups of four"}},
		{"a character put in at the front", "A" + own(alice), nil, sealed, form, "✗–––", []string{"groups of four"}},
		{"a character left out", own(alice)[:50] + own(alice)[51:], nil, sealed, form, "✗–––", []string{"groups of four"}},
		{"a line break in it", own(alice)[:50] + "\n" + own(alice)[50:], nil, sealed, form, "✗–––", []string{"character 51"}},
		{"over", own(over), nil, sealed, age, "✓✓✗–", []string{"over since"}},
		{"ending now", own(webtest.Facts{User: "alice", Role: "student", Issued: at.Unix() - 10, Expires: at.Unix()}), nil, sealed, age, "✓✓✗–", nil},
		{"from the future", own(ahead), nil, sealed, age, "✓✓✗–", []string{"has not come yet"}},
		{"a session of signed_cookies", webtest.Seal(t, "session", webtest.Secrets[0], session), nil, sealed, verified, "✓✓✓✓", []string{"“session”", `"_user": "alice"`}},
		{"such a session as its cookie", "lab_sessionid=" + webtest.Seal(t, "session", webtest.Secrets[0], session), nil, sealed, verified, "✓✓✓✓", nil},
		{"such a session, over", webtest.Seal(t, "session", webtest.Secrets[0], endedSession), nil, sealed, age, "✓✓✗–", nil},
		{"a token, with its header", "Authorization: Token " + webtest.Seal(t, "token", webtest.Secrets[0], session), nil, sealed, verified, "✓✓✓✓", nil},
		{"a token without its header", "Token " + webtest.Seal(t, "token", webtest.Secrets[0], session), nil, sealed, verified, "✓✓✓✓", nil},
		{"a token as a cookie", "signed_user=" + webtest.Seal(t, "token", webtest.Secrets[0], session), nil, sealed, purpose, "✓✓✓✗", []string{"for “token”, not for “signed_user”"}},
		{"of another purpose than chosen", own(alice), []string{"purpose", "token"}, sealed, purpose, "✓✓✓✗", []string{"for “signed_user”, not for “token”"}},
		{"of the purpose chosen", own(alice), []string{"purpose", "signed_user"}, sealed, verified, "✓✓✓✓", nil},
		{"of a purpose that the lab has not", webtest.Seal(t, "marks", webtest.Secrets[0], alice), nil, sealed, signature, "✓✗––", []string{"another purpose"}},
		{"the same, under its name", "marks=" + webtest.Seal(t, "marks", webtest.Secrets[0], alice), nil, sealed, verified, "✓✓✓✓", []string{"“marks”"}},
		{"with a key of others", webtest.Seal(t, "signed_user", strange, alice), nil, sealed, signature, "✓✗––", nil},
		{"with their key typed", webtest.Seal(t, "signed_user", strange, alice), []string{"key", base64.StdEncoding.EncodeToString(strange)}, sealed, verified, "✓✓✓✓", []string{"the typed key"}},
		{"with their key typed, in the other alphabet, unpadded", webtest.Seal(t, "signed_user", strange, alice), []string{"key", base64.RawURLEncoding.EncodeToString(strange)}, sealed, verified, "✓✓✓✓", nil},
		{"a typed key stands in for the lab’s", own(alice), []string{"key", base64.StdEncoding.EncodeToString(strange)}, sealed, signature, "✓✗––", []string{"the typed key gives another MAC"}},
		{"a typed key that is too short", own(alice), []string{"key", "c2hvcnQ="}, sealed, decodedOnly, "✓–––", []string{"base64 of 32 bytes or more"}},
		{"a typed key that is no base64", own(alice), []string{"key", strings.Repeat("*", 40)}, sealed, decodedOnly, "✓–––", nil},
		{"without an end", own(map[string]any{"user": "alice"}), nil, sealed, verified, "✓✓–✓", []string{"no time inside"}},
		{"another spelling of the same bytes", spare, nil, sealed, verified, "✓✓✓✓", []string{"bits that nobody reads"}},
		{"under the seal of others, no JSON", gob, []string{"key", base64.StdEncoding.EncodeToString(strange)}, sealed, age, "✓✓✗–", []string{"is not JSON"}},
		{"cut off", own(alice)[:40], nil, sealed, form, "✗–––", []string{"time|content|MAC"}},

		// JSON Web Tokens.
		{"a JWT and no key", hs256(payload(alice)), nil, token, decodedOnly, "✓–––", []string{"HS256 needs the key", `{"sub":"alice",`}},
		{"a JWT and its key", hs256(payload(alice)), []string{"key", webKey}, token, verified, "✓✓✓–", []string{"HS256, computed anew"}},
		{"a JWT and another key", hs256(payload(alice)), []string{"key", otherKey}, token, signature, "✓✗––", nil},
		{"a JWT, its key in base64", hs256(payload(alice)), []string{"key", base64.StdEncoding.EncodeToString([]byte(webKey))}, token, verified, "✓✓✓–", []string{"decoded from base64"}},
		{"HS384", jwt(`{"alg":"HS384"}`, payload(alice), sha512.New384, webKey), []string{"key", webKey}, token, verified, "✓✓✓–", nil},
		{"HS512", jwt(`{"alg":"HS512"}`, payload(alice), sha512.New, webKey), []string{"key", webKey}, token, verified, "✓✓✓–", nil},
		{"HS512 that was made with another hash", jwt(`{"alg":"HS512"}`, payload(alice), sha256.New, webKey), []string{"key", webKey}, token, signature, "✓✗––", nil},
		{"behind Bearer", "Authorization: Bearer " + hs256(payload(alice)), []string{"key", webKey}, token, verified, "✓✓✓–", nil},
		{"a JWT, one character changed", middle(hs256(payload(alice))), []string{"key", webKey}, token, "", "", nil},
		{"a JWT, over", hs256(payload(over)), []string{"key", webKey}, token, age, "✓✓✗–", nil},
		{"a JWT, over, and no key", hs256(payload(over)), nil, token, age, "✓–✗–", nil},
		{"a JWT, not yet good", hs256(fmt.Sprintf(`{"nbf":%d}`, at.Unix()+3600)), []string{"key", webKey}, token, age, "✓✓✗–", []string{"not good before"}},
		{"a JWT whose exp is no number", hs256(`{"exp":"tomorrow"}`), []string{"key", webKey}, token, age, "✓✓✗–", []string{"exp is no time"}},
		{"a JWT whose exp is beyond all years", hs256(`{"exp":1e300}`), []string{"key", webKey}, token, age, "✓✓✗–", nil},
		{"a JWT without times", hs256(`{"sub":"alice"}`), []string{"key", webKey}, token, verified, "✓✓––", []string{"no time inside"}},
		{"a JWT for somebody", hs256(`{"aud":"shop"}`), []string{"key", webKey}, token, verified, "✓✓––", []string{`aud says "shop"`}},
		{"alg none", strings.TrimRight(jwt(`{"alg":"none"}`, payload(alice), sha256.New, webKey), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"), nil, token, signature, "✓✗––", []string{"alg none", "anybody could have written it"}},
		{"alg nOnE, with a signature and its key", jwt(`{"alg":"nOnE"}`, payload(alice), sha256.New, webKey), []string{"key", webKey}, token, signature, "✓✗––", []string{"alg none"}},
		{"RS256, signed with a secret", jwt(`{"alg":"RS256"}`, payload(alice), sha256.New, webKey), []string{"key", webKey}, token, decodedOnly, "✓–––", []string{"RS256: cannot be verified here, it needs the public key"}},
		{"ES256", jwt(`{"alg":"ES256"}`, payload(alice), sha256.New, webKey), nil, token, decodedOnly, "✓–––", nil},
		{"an unknown algorithm", jwt(`{"alg":"HS257"}`, payload(alice), sha256.New, webKey), []string{"key", webKey}, token, decodedOnly, "✓–––", []string{"does not know this algorithm"}},
		{"names are as they are written", jwt(`{"Alg":"HS256"}`, payload(alice), sha256.New, webKey), []string{"key", webKey}, token, form, "✗–––", []string{"names no alg"}},
		{"alg is no text", jwt(`{"alg":1}`, payload(alice), sha256.New, webKey), []string{"key", webKey}, token, form, "✗–––", nil},
		{"crit", jwt(`{"alg":"HS256","crit":["b64"],"b64":false}`, payload(alice), sha256.New, webKey), []string{"key", webKey}, token, form, "✗–––", []string{"crit"}},
		{"a payload that is no object", jwt(`{"alg":"HS256"}`, "alice", sha256.New, webKey), []string{"key", webKey}, token, form, "✗–––", []string{"Payload: decoded it is no JSON object"}},
		{"two parts", strings.Join(strings.Split(hs256(payload(alice)), ".")[:2], "."), nil, token, form, "✗–––", []string{"here are 2"}},
		{"five parts", "eyJhbGciOiJkaXIifQ..a.b.c", nil, token, form, "✗–––", []string{"here are 5"}},
		{"padding in a JWT", strings.Replace(hs256(payload(alice)), ".", "=.", 1), []string{"key", webKey}, token, form, "✗–––", nil},
		{"a line break in the signature", hs256(payload(alice))[:len(hs256(payload(alice)))-5] + "\n" + hs256(payload(alice))[len(hs256(payload(alice)))-5:], []string{"key", webKey}, plain, decodedOnly, "✓–––", nil},

		// Django’s.
		{"Django’s signed cookie", "alice:1vNlQY:" + strings.Repeat("x", 43), nil, django, decodedOnly, "✓–––", []string{"needs Django’s SECRET_KEY", "no end inside"}},
		{"Django’s session", "eyJfYXV0aF91c2VyX2lkIjoiMSJ9:1vNlQY:" + strings.Repeat("x", 43), nil, django, decodedOnly, "✓–––", []string{`{"_auth_user_id":"1"}`}},
		{"the same, compressed", ".eJyrVkosLcmIzywpLi3KV8pMUbJSMlTSUSouSSxJVbJSSs1JTM5U0lEqTi0qAwkXFyUnGxmUFicWARnZyZk5OalA1QXJqXmpEBZQuBakFgBVJR5k:1vNlQY:" + strings.Repeat("x", 43), nil, django, decodedOnly, "✓–––", nil},

		// Encodings: nothing to verify.
		{"JSON", `{"user": "alice", "exp": 1}`, nil, inJSON, decodedOnly, "✓–––", []string{"anybody could have written this"}},
		{"JSON that breaks", `{"user": "alice" "exp": 1}`, nil, inJSON, form, "✗–––", []string{"character 18"}},
		{"JSON that ends too soon", `{"user": "alice"`, nil, inJSON, form, "✗–––", []string{"ends too soon"}},
		{"JSON, counted in characters", `{"名字": "小明" x}`, nil, inJSON, form, "✗–––", []string{"character 13"}},
		{"base64 of a text", base64.StdEncoding.EncodeToString([]byte("Grüße, 小明")), nil, base64ed, decodedOnly, "✓–––", []string{"Grüße, 小明"}},
		{"base64 of JSON", base64.RawURLEncoding.EncodeToString([]byte(`{"user":"alice"}`)), nil, base64ed, decodedOnly, "✓–––", []string{`{"user":"alice"}`}},
		{"base64 of bytes", "3q2+796tvu/erb7v3q2+7w==", nil, base64ed, decodedOnly, "✓–––", []string{"deadbeefdeadbeef", "16 bytes"}},
		{"base64, twice", base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte("user=alice&role=student")))), nil, base64ed, decodedOnly, "✓–––", []string{"user=alice&role=student", "Names and values"}},
		{"base64 of a JWT is not verified", base64.StdEncoding.EncodeToString([]byte(hs256(payload(alice)))), []string{"key", webKey}, base64ed, decodedOnly, "✓–––", []string{`{"sub":"alice",`}},
		{"base64, one character wrong", "R3LDvMOfZSwg*bCP5piO", nil, base64ed, form, "✗–––", []string{"character 13"}},
		{"URL encoding", "user=%E5%B0%8F%E6%98%8E&role=student", nil, encoded, decodedOnly, "✓–––", []string{"小明"}},
		{"the plain cookie", "plain_user=user=alice&role=student", nil, encoded, decodedOnly, "✓–––", []string{"By its name the value is for plain_user"}},
		{"percent escapes alone", "%7B%22user%22%3A%22alice%22%7D", nil, encoded, decodedOnly, "✓–––", []string{`{"user":"alice"}`}},
		{"a percent sign that encodes nothing", "user=%E5%B0%8&role=%zz", nil, encoded, form, "✗–––", []string{"after % come two digits"}},
		{"JSON in URL encoding", "next=" + url.QueryEscape(`{"user":"alice"}`), nil, encoded, decodedOnly, "✓–––", []string{"Laid out"}},
		{"a key", sessions.NewKey(), nil, "A session’s key", decodedOnly, "✓–––", []string{"Opaque", "only the record on the server decides"}},
		{"a token", sessions.NewToken(), nil, "An opaque token", decodedOnly, "✓–––", nil},
		{"a token behind its scheme", "Token " + sessions.NewToken(), nil, "An opaque token", decodedOnly, "✓–––", nil},
		{"JSON that is deep", strings.Repeat("[", 4000) + strings.Repeat("]", 4000), nil, inJSON, decodedOnly, "✓–––", nil},
		{"words", "it says what it says", nil, plain, decodedOnly, "✓–––", nil},
		{"a word that base64 could be", "cookies", nil, plain, decodedOnly, "✓–––", nil},
		{"bytes that nobody sees", "a\x00b\u202ec\xff", nil, plain, decodedOnly, "✓–––", []string{`a\x00b\u202ec\xff`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := lab.Client()
			r := c.Dissect("decode", test.value, test.fields...)
			webtest.Guarded(t, r)
			name, words := r.Verdict(t)
			if signs, _ := r.Checks(); r.Status != http.StatusOK || name != "decoded" || words != test.kind || signs != "" || !strings.Contains(r.Body, "Nothing was checked") {
				t.Errorf("decoded, answered %d: %s %q with the checks %q, want %q", r.Status, name, words, signs, test.kind)
			}
			r = c.Dissect("verify", test.value, test.fields...)
			webtest.Guarded(t, r)
			name, words = r.Verdict(t)
			signs, details := r.Checks()
			if r.Status != http.StatusOK || test.verdict != "" && (words != test.verdict || signs != test.signs) {
				t.Errorf("verified, answered %d: %q %s %v, want %q %s", r.Status, words, signs, details, test.verdict, test.signs)
			}
			if kind := webtest.TextIn(kindOf.FindStringSubmatch(r.Body)[1]); kind != test.kind {
				t.Errorf("it is %q, want %q", kind, test.kind)
			}
			if (name == "verified") != (signs[len("✓"):len("✓✓")] == "✓" && !strings.Contains(signs, "✗")) {
				t.Errorf("%s, though the checks are %s", name, signs)
			}
			if fault := strings.Contains(r.Body, `id="fault"`); fault != strings.Contains(signs, "✗") {
				t.Errorf("the first that failed is marked at the value: %t, of %s", fault, signs)
			}
			for _, want := range test.says {
				if !strings.Contains(webtest.TextIn(r.Body), strings.Join(strings.Fields(want), " ")) {
					t.Errorf("it does not say %q", want)
				}
			}
			if len(r.Body) > 100<<10 {
				t.Errorf("the page has %d bytes", len(r.Body))
			}
			if !utf8.ValidString(r.Body) || webtest.Live(r.Body) != "" {
				t.Errorf("the page is UTF-8: %t; what acts in it: %s", utf8.ValidString(r.Body), webtest.Live(r.Body))
			}
		})
	}
}

func TestDissectExamples(t *testing.T) {
	lab := newLab(t)
	c := lab.Client()
	for name, want := range map[string]string{
		"signed": "✓✓✓✓", "over": "✓✓✗–", "purpose": "✓✓✓✗", "jwt": "✓✓✓–", "none": "✓✗––", "base64": "✓–––", "json": "✓–––", "url": "✓–––",
	} {
		value, key := c.DissectExample(t, name)
		if signs, details := c.Dissect("verify", value, "key", key).Checks(); signs != want {
			t.Errorf("%s: %s %v, want %s", name, signs, details, want)
		}
		// One character changed, in the middle, and back.
		r := c.Dissect("flip", value, "last", "verify", "key", key)
		changed := r.Typed(t)
		if changed == value || len(changed) != len(value) && name != "url" {
			t.Errorf("%s: changed to %q", name, changed)
		}
		if got, _ := r.Verdict(t); got == "verified" {
			t.Errorf("%s: %s after a character was changed", name, got)
		}
		before := html.UnescapeString(regexp.MustCompile(`name="before" value="([^"]*)"`).FindStringSubmatch(r.Body)[1])
		if r = c.Dissect("undo", changed, "before", before, "last", "verify", "key", key); r.Typed(t) != value {
			t.Errorf("%s: taken back to %q", name, r.Typed(t))
		}
	}
}

func TestDissectRefuses(t *testing.T) {
	lab := newLab(t)
	c := lab.Client()
	const most = 8 << 10
	for _, test := range []struct {
		name   string
		form   url.Values
		status int
		says   string
	}{
		{"as long as it may be", url.Values{"act": {"verify"}, "value": {strings.Repeat("x", most)}}, http.StatusOK, ""},
		{"a byte longer", url.Values{"act": {"verify"}, "value": {strings.Repeat("x", most+1)}}, http.StatusRequestEntityTooLarge, "8192 bytes"},
		{"a key a byte longer", url.Values{"act": {"decode"}, "value": {"x"}, "key": {strings.Repeat("x", most+1)}}, http.StatusRequestEntityTooLarge, "8192 bytes"},
		{"longer than a form", url.Values{"act": {"decode"}, "value": {strings.Repeat("x", 64<<10)}}, http.StatusRequestEntityTooLarge, "more than a form"},
		{"nothing asked", url.Values{"value": {"x"}}, http.StatusBadRequest, "asked for something else"},
		{"something unknown asked", url.Values{"value": {"x"}, "act": {"forge"}}, http.StatusBadRequest, "asked for something else"},
		{"an unknown example", url.Values{"example": {"key"}}, http.StatusBadRequest, "asked for something else"},
		{"an unknown purpose", url.Values{"value": {"x"}, "act": {"verify"}, "purpose": {"marks"}}, http.StatusBadRequest, "seals nothing for that purpose"},
		{"two values", url.Values{"value": {"x", "y"}, "act": {"verify"}}, http.StatusBadRequest, "more than once"},
		{"nothing typed", url.Values{"value": {" \r\n "}, "act": {"verify"}}, http.StatusOK, "Paste a value"},
		{"nothing to change", url.Values{"value": {""}, "act": {"flip"}}, http.StatusOK, "Paste a value"},
		{"nothing to take back", url.Values{"value": {"x"}, "act": {"undo"}}, http.StatusOK, "Plain text"},
	} {
		r := c.Post("/dissect", test.form)
		webtest.Guarded(t, r)
		if r.Status != test.status || !strings.Contains(webtest.TextIn(r.Body), test.says) {
			t.Errorf("%s: answered %d: %.300s", test.name, r.Status, webtest.TextIn(r.Body))
		}
	}
	if r := c.Post("/dissect", url.Values{"act": {"verify"}, "value": {"x"}}, webtest.With("Sec-Fetch-Site", "cross-site")); r.Status != http.StatusForbidden {
		t.Errorf("another site's form is answered %d", r.Status)
	}
	// A value in the address is none.
	if r := c.Get("/dissect?value=eyJhbGciOiJub25lIn0.e30.&act=verify"); r.Typed(t) != "" || strings.Contains(r.Body, `id="came"`) {
		t.Error("the page takes a value from its address")
	}
}

// djangoPacked is a text as Django compresses and signs it.
func djangoPacked(content string) string {
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	_, _ = io.WriteString(w, content)
	_ = w.Close()
	return "." + base64.RawURLEncoding.EncodeToString(packed.Bytes()) + ":1vNlQY:" + strings.Repeat("x", 43)
}

// However much longer a value becomes when it is decoded, its page stays small, and says
// how much it leaves out.
func TestDissectBounds(t *testing.T) {
	lab := newLab(t)
	repeated := strings.Repeat
	most := func(value string) string { return value[:min(len(value), 8<<10)] }
	lists := repeated("[", 19) + repeated("1,", 30000) + "1" + repeated("]", 19)
	nested := "hello, this is a text"
	for next := nested; len(next) <= 8<<10; next = base64.StdEncoding.EncodeToString([]byte(next)) {
		nested = next
	}
	const (
		hides  = "not shown" // is said
		deeper = "more inside than this page decodes"
	)
	for name, test := range map[string]struct{ value, says string }{
		"one compressed list":            {djangoPacked(lists), ""},
		"a long compressed text":         {djangoPacked(`"` + repeated("\\u202e", 10000) + `"`), ""},
		"odd characters, compressed":     {djangoPacked(`"` + repeated("\u202e", 21000) + `"`), hides},
		"quotes, compressed":             {djangoPacked(`"` + repeated("'", 64000) + `"`), hides},
		"more than a session":            {djangoPacked(repeated("1", 5<<20)), deeper},
		"many compressed lists":          {most(repeated("a="+djangoPacked(lists)+"&", 50)), deeper},
		"compressed lists in base64":     {base64.StdEncoding.EncodeToString([]byte("x=" + djangoPacked(lists) + "&y=" + djangoPacked(lists))), ""},
		"a list of lists":                {lists[:19] + repeated("1,", 4000) + "1" + repeated("]", 19), ""},
		"brackets":                       {repeated("[", 4096) + repeated("]", 4096), ""},
		"bytes that cannot be printed":   {"x" + repeated("\x01", 8190) + "x", hides},
		"such bytes, one by one":         {repeated("a\x01", 4096), hides},
		"bytes that are no UTF-8":        {base64.StdEncoding.EncodeToString([]byte(repeated("hello \xff", 850))), ""},
		"dots":                           {"eyJ" + repeated(".", 8000), ""},
		"parts that begin as tokens do":  {repeated("eyJ.", 2048), ""},
		"pairs":                          {repeated("a=b&", 2047) + "c=d", hides},
		"empty pairs":                    {repeated("=&", 4095), ""},
		"pairs of escapes":               {most(repeated("a=%01&", 1300) + "b=c"), hides},
		"tokens in pairs":                {"x=y&" + repeated("a=eyJ.e30.&", 740) + "b=c", deeper},
		"base64 in base64":               {nested, ""},
		"escapes of escapes":             {"%25" + repeated("25", 4000), deeper},
		"cookies":                        {"Cookie: " + repeated("a=b; ", 1600) + "c=d", ""},
		"a cookie with a very long name": {"Cookie: " + repeated("a'", 4000) + "=x", ""},
	} {
		for _, act := range []string{"decode", "verify", "flip"} {
			r := lab.Client().Dissect(act, test.value, "last", "verify")
			if r.Status != http.StatusOK || len(r.Body) > 192<<10 {
				t.Errorf("%s, %s: %d bytes become %d, %d", name, act, len(test.value), len(r.Body), r.Status)
			}
			if act == "decode" && !strings.Contains(r.Body, test.says) {
				t.Errorf("%s: it does not say %q", name, test.says)
			}
		}
	}
	// The page says how much is left out, and shows the rest.
	r := lab.Client().Dissect("decode", djangoPacked(`"`+repeated("'", 64000)+`"`))
	_, inside, _ := strings.Cut(r.Body, `<section class="step">`)
	shown, hidden := strings.Count(inside, "&#39;"), 0
	if found := regexp.MustCompile(`… (\d+) more bytes are not shown\.`).FindStringSubmatch(inside); found != nil {
		hidden, _ = strconv.Atoi(found[1])
	}
	if missing := 64001 - shown; shown < 10000 || hidden < missing || hidden > missing+100 { // time and signature are behind it
		t.Errorf("%d of 64002 bytes are shown, %d are not, it says", shown+1, hidden)
	}
	if r := lab.Client().Do(http.MethodPost, "/dissect", webtest.Body(webtest.FormType, url.Values{"act": {"decode"}, "value": {repeated("a\x01", 4096)}}.Encode()), webtest.With("Accept-Language", "zh")); !strings.Contains(r.Body, "字节没有显示") {
		t.Error("it is not said in Chinese")
	}
}

// Whatever is typed is taken apart without a panic, every byte of it shown or
// taken off; and nothing is verified that the lab's key or the given one did not
// make. Run it with go test -fuzz '^FuzzDissect$' ./handlers/dissect
func FuzzDissect(f *testing.F) {
	page := newPage(webtest.New(f))
	// Sealed with the first secret, for the purpose example. It is the same in every
	// process: the ones that fuzz begin with what the first one gives them.
	const genuine = "MTc5NTcwNTQ1MHxleUoxYzJWeUlqb2lZV3hwWTJVaWZRbz18JccyQ9BDL5SEz4m0Dws9n6PGV34bjHQeRdf5l07R50g="
	if _, own, _ := page.Dissect(genuine, ""); own != "verified" {
		f.Fatalf("what was sealed is %s", own)
	}
	token := jwt(`{"alg":"HS256"}`, `{"sub":"alice"}`, sha256.New, webKey)
	for _, value := range []string{
		"", "=", ".", "..", "eyJ.", "eyJ..", "{", "[", `"`, "%", "a=%", "Cookie:", "Cookie: ", "Set-Cookie: a=b;", "Authorization: Token ", "Token a", "a=b; ", "a=b; c", "; ", "=; =",
		genuine, genuine[:30], genuine + "A", "signed_user=" + genuine, "Cookie: x=1; signed_user=" + genuine + "; y", token, token + ".", ".eJw:1vNlQY:" + strings.Repeat("x", 43),
		"\x00\xff\u202e", strings.Repeat("[", 8000), base64.StdEncoding.EncodeToString([]byte(genuine)), "a=" + url.QueryEscape(token), "MTIzNDU2Nzg5MHw=", "MTIzNDU2Nzg5MHx8",
	} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if len(value) > 8<<10 {
			return
		}
		before, inner, after := page.Unwrap(value)
		if before+inner+after != value {
			t.Errorf("%q falls into %q, %q and %q", value, before, inner, after)
		}
		if shown := page.Shown(value); shown > markup.MaxShown {
			t.Errorf("%q becomes %d bytes", value, shown)
		}
		form, own, typed := page.Dissect(value, webKey)
		if own == "verified" && !strings.Contains(value, genuine[:len(genuine)-4]) {
			t.Errorf("%q (%s) is verified with the lab's own key", value, form)
		}
		if typed == "verified" && !strings.Contains(value, token[:len(token)-1]) {
			t.Errorf("%q (%s) is verified with the typed key", value, form)
		}
	})
}
