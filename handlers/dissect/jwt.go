// The dissector on JSON Web Tokens (RFC 7519): header.payload.signature. The lab
// makes none but the examples of that page; their key stands on it.

package dissect

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
)

// jwtParts is what checking needs of a token.
type jwtParts struct {
	alg       string
	signed    string // what the signature is about: header.payload
	signature []byte
	audience  string
}

// isJWT recognises a token by its dots and by how a JSON object begins in base64,
// which a wrong character leaves in at least one of the parts.
func isJWT(value string) bool {
	if strings.ContainsAny(value, " \n\"") {
		return false
	}
	parts := strings.Split(value, ".")
	return len(parts) > 1 && strings.HasPrefix(parts[0], "eyJ") || len(parts) == 3 && strings.HasPrefix(parts[1], "eyJ")
}

func (d *dissected) takeJWT() {
	d.Title = "dissect.form.jwt"
	d.Parts = []namedPart{{kindHead, "dissect.part.header"}, {kindContent, "dissect.part.payload"}, {kindSeal, "dissect.part.signature"}}
	texts := strings.SplitN(d.value, ".", 4) // three parts, and whatever follows them
	flaw := func(p locale.Message) {         // only the first flaw is shown
		if d.Flaw.ID == "" {
			d.Flaw = p
		}
	}
	if len(texts) != 3 {
		d.Flaw = locale.Msg("dissect.flaw.parts", locale.Args{"Parts": strings.Count(d.value, ".") + 1})
	}
	var raw [3][]byte
	s := step{Title: "dissect.step.jwt"}
	from := 0
	for i, text := range texts {
		if i > 2 {
			d.Wire = append(d.Wire, wirePart{Text: "."}, wirePart{Kind: kindSeal, Text: text})
			break
		}
		part := d.Parts[i]
		decoded, at := fromBase64(text)
		if strange := strings.IndexFunc(text, func(r rune) bool { return !strings.ContainsRune(markup.Base64URL, r) }); strange >= 0 {
			at = strange // a JWT has one alphabet, and no padding
		}
		if at >= 0 {
			flaw(locale.Msg("dissect.flaw.base64", locale.Args{"At": character(d.value, from+at)}))
		}
		if i > 0 {
			d.Wire = append(d.Wire, wirePart{Text: "."})
		}
		d.Wire = append(d.Wire, cut(part.Kind, text, at)...)
		d.Spare = d.Spare || isSpare(text, decoded)
		if from += len(text) + 1; i < 2 {
			s.Blocks = append(s.Blocks, contentOf(part.Kind, part.Label, decoded))
		} else {
			s.Blocks = append(s.Blocks, bytesOf(part.Kind, part.Label, decoded))
		}
		raw[i] = decoded
	}
	d.Steps = []step{s}
	d.object = instantsIn(raw[1])
	header, payload := objectIn(raw[0]), objectIn(raw[1])
	if header == nil {
		flaw(locale.Msg("dissect.flaw.object", locale.Args{"Part": locale.Msg("dissect.part.header")}))
	}
	if payload == nil {
		flaw(locale.Msg("dissect.flaw.object", locale.Args{"Part": locale.Msg("dissect.part.payload")}))
	}
	if json.Unmarshal(header["alg"], &d.jwt.alg) != nil || d.jwt.alg == "" {
		flaw(locale.Msg("dissect.flaw.alg"))
	}
	if header["crit"] != nil { // RFC 7515: who does not know what it asks for must refuse
		flaw(locale.Msg("dissect.flaw.crit"))
	}
	d.jwt.signed, d.jwt.signature = d.value[:max(strings.LastIndex(d.value, "."), 0)], raw[2]
	d.jwt.audience = string(bytes.TrimSpace(payload["aud"]))
}

// objectIn is a JSON object by its names, exactly as they are written; nil: it is
// none.
func objectIn(content []byte) (object map[string]json.RawMessage) {
	if json.Unmarshal(content, &object) != nil {
		return nil
	}
	return object
}

// hashOf is the hash of an algorithm that signs with a key which both sides have;
// 0: it is none of them.
func hashOf(alg string) crypto.Hash {
	switch alg {
	case "HS256":
		return crypto.SHA256
	case "HS384":
		return crypto.SHA384
	case "HS512":
		return crypto.SHA512
	}
	return 0
}

// publicAlgorithms sign with a private key; to verify takes the public one.
var publicAlgorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "ES256K", "EdDSA", "Ed25519", "Ed448"}

// verifyJWT checks a token with a key that was typed.
func (h *Page) verifyJWT(d *dissected, key string) (v conclusion) {
	if !v.formed(d, locale.Msg("dissect.formed.jwt")) {
		return v
	}
	alg := d.jwt.alg
	hash := hashOf(alg)
	signed := false
	switch {
	case strings.EqualFold(alg, "none"):
		v.line("signature", checkFailed, locale.Msg("dissect.signature.none"))
		return v
	case slices.Contains(publicAlgorithms, alg):
		v.line("signature", checkOpen, locale.Msg("dissect.signature.public", locale.Args{"Algorithm": alg}))
	case hash == 0:
		v.line("signature", checkOpen, locale.Msg("dissect.signature.algorithm", locale.Args{"Algorithm": alg}))
	case key == "":
		v.line("signature", checkOpen, locale.Msg("dissect.signature.no_key", locale.Args{"Algorithm": alg}))
	case fits(d.jwt, hash, []byte(key)):
		signed = v.line("signature", checkPassed, locale.Msg("dissect.signature.yes.jwt", locale.Args{"Algorithm": alg}))
	default:
		decoded, at := fromBase64(key)
		if at >= 0 || len(decoded) == 0 || !fits(d.jwt, hash, decoded) {
			v.line("signature", checkFailed, locale.Msg("dissect.signature.no.jwt", locale.Args{"Algorithm": alg}))
			return v
		}
		signed = v.line("signature", checkPassed, locale.Msg("dissect.signature.yes.jwt_base64", locale.Args{"Algorithm": alg}))
	}
	v.age(d.object, h.site.Clock.Now(), signed)
	if audience := d.jwt.audience; audience != "" {
		v.line("purpose", checkOpen, locale.Msg("dissect.purpose.audience", locale.Args{"Audience": markup.Clip(audience, markup.MaxValueText)}))
	} else {
		v.line("purpose", checkOpen, locale.Msg("dissect.purpose.no_audience"))
	}
	return v
}

// fits reports whether a key makes the signature that came. The one that it should
// have been is told to nobody: that would be signing.
func fits(token jwtParts, hash crypto.Hash, key []byte) bool {
	mac := hmac.New(hash.New, key)
	mac.Write([]byte(token.signed))
	return hmac.Equal(mac.Sum(nil), token.signature)
}

// exampleKey signs the page's examples. It stands on the page, so it protects
// nothing.
const exampleKey = "everybody-may-read-this-example-key"

func exampleJWT(facts lanes.SignedFacts) string {
	signed := unsignedJWT("HS256", facts)
	mac := hmac.New(crypto.SHA256.New, []byte(exampleKey))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// exampleUnsignedJWT is what a forger sends: it says that it needs no signature.
func exampleUnsignedJWT(facts lanes.SignedFacts) string {
	facts.Role = lanes.RoleTeacher
	return unsignedJWT("none", facts) + "."
}

func unsignedJWT(alg string, facts lanes.SignedFacts) string {
	payload, _ := json.Marshal(struct { // texts and numbers always fit
		Subject  string     `json:"sub"`
		Role     string     `json:"role"`
		IssuedAt lanes.Date `json:"iat"`
		Expires  lanes.Date `json:"exp"`
	}{facts.User, facts.Role, facts.IssuedAt, facts.Expires})
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"`+alg+`","typ":"JWT"}`)) + "." + encode(payload)
}
