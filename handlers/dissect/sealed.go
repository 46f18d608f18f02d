// The dissector on values that this lab signed: base64 of time|content|MAC, as
// securecookie writes them. The first check that fails is the one that a reader of
// the lab stops at, but for the purpose: such a reader tries its own alone, and
// cannot tell a value for another purpose from one that was changed.

package dissect

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/sessions"
)

var (
	sealedBegin  = regexp.MustCompile(`^\d{9,11}\|`)
	sealedMiddle = regexp.MustCompile(`\|[A-Za-z0-9_-]{16,}={0,2}\|`)
)

// isSealed recognises a value also if a character of it was changed, put in or
// taken out: then one end of it still decodes, from one of four places on.
func isSealed(value string) bool {
	letters := strings.Map(func(r rune) rune {
		if strings.ContainsRune(markup.Base64URL, r) {
			return r
		}
		return 'A' // as good as any: here it does not matter what stands there
	}, strings.TrimRight(value, "="))
	for from := range min(4, len(letters)) {
		decoded, _ := fromBase64(letters[from:])
		if from == 0 && sealedBegin.Match(decoded) || sealedMiddle.Match(decoded) {
			return true
		}
	}
	return false
}

func (d *dissected) takeSealed() {
	d.Title = "dissect.form.sealed"
	at := -1
	outer, err := base64.URLEncoding.DecodeString(d.value)
	var corrupt base64.CorruptInputError
	if strange := strings.IndexFunc(d.value, func(r rune) bool { return !strings.ContainsRune(markup.Base64URL+"=", r) }); strange >= 0 {
		at = strange // line breaks too, which Go's decoder passes over
		d.Flaw = locale.Msg("dissect.flaw.base64", locale.Args{"At": character(d.value, at)})
	} else if errors.As(err, &corrupt) {
		at = min(int(corrupt), len(d.value))
		d.Flaw = locale.Msg("dissect.flaw.groups")
	}
	if at >= 0 {
		outer, _ = fromBase64(d.value[:at])
	}
	d.Wire = cut(kindWhole, d.value, at)
	d.Spare = at < 0 && isSpare(d.value, outer)

	parts := strings.SplitN(string(outer), "|", 3)
	if d.Flaw.ID == "" && len(parts) != 3 {
		d.Flaw = locale.Msg("dissect.flaw.bars")
	}
	if len(d.value) > maxSealed {
		d.Flaw = locale.Msg("dissect.flaw.long", locale.Args{"Bytes": len(d.value), "Most": maxSealed})
	}
	once := step{Title: "dissect.step.sealed"}
	stamp := block{Kind: kindHead, Label: "dissect.part.time", Text: parts[0], Note: locale.Msg("dissect.no_number")}
	if seconds, err := strconv.ParseInt(parts[0], 10, 64); err == nil && seconds <= lastSecond && seconds >= -lastSecond {
		stamp.Note = locale.Msg("dissect.sealed_at", locale.Args{"At": markup.ClockTime(time.Unix(seconds, 0))})
	}
	once.Blocks = append(once.Blocks, stamp)
	d.Steps = []step{once}
	if len(parts) < 2 {
		return
	}
	inner := parts[1]
	once.Blocks = append(once.Blocks, block{Kind: kindContent, Label: "dissect.part.content", Text: inner})
	if len(parts) == 3 {
		once.Blocks = append(once.Blocks, bytesOf(kindSeal, "dissect.part.mac", []byte(parts[2])))
	}
	content, _ := fromBase64(inner)
	again := contentOf(kindContent, "", content)
	d.object = instantsIn(content)
	d.Steps = []step{once, {Title: "dissect.step.content", Blocks: []block{again}}}
}

// maxSealed is how long a signed value may be.
const maxSealed = 4096

// verifySealed checks a value with the lab's keys, or with one that was typed.
func (h *Page) verifySealed(d *dissected, key, wanted string) (v conclusion) {
	if !v.formed(d, locale.Msg("dissect.formed.sealed", locale.Args{"Bytes": len(d.value)})) {
		return v
	}
	secrets, typed := h.lanes.Secrets(), key != ""
	if typed {
		secret, at := fromBase64(key)
		if at >= 0 || len(secret) < sessions.MinSecret {
			v.line("signature", checkOpen, locale.Msg("dissect.signature.no_such_key", locale.Args{"Least": sessions.MinSecret}))
			v.age(d.object, h.site.Clock.Now(), false)
			v.line("purpose", checkOpen, locale.Msg("dissect.purpose.unknown"))
			return v
		}
		secrets = [][]byte{secret}
	}
	purposes := h.allPurposes()
	if wanted == "" {
		wanted = d.For
	}
	if wanted != "" {
		purposes = append([]string{wanted}, purposes...)
	}
	purpose, index, content := opened(d.value, purposes, secrets)
	if purpose == "" {
		if typed {
			v.line("signature", checkFailed, locale.Msg("dissect.signature.no.typed"))
		} else {
			v.line("signature", checkFailed, locale.Msg("dissect.signature.no.lab"))
		}
		return v
	}
	switch {
	case typed:
		v.line("signature", checkPassed, locale.Msg("dissect.signature.yes.typed"))
	case index > 0:
		v.line("signature", checkPassed, locale.Msg("dissect.signature.yes.older"))
	default:
		v.line("signature", checkPassed, locale.Msg("dissect.signature.yes.lab"))
	}
	if content == nil {
		v.line("age", checkFailed, locale.Msg("dissect.age.unreadable"))
		return v
	}
	v.age(d.object, h.site.Clock.Now(), true)
	if wanted != "" && wanted != purpose {
		v.line("purpose", checkFailed, locale.Msg("dissect.purpose.no", locale.Args{"Wanted": wanted, "Found": purpose}))
	} else {
		v.line("purpose", checkPassed, locale.Msg("dissect.purpose.yes", locale.Args{"Found": purpose}))
	}
	return v
}

// opened finds the purpose and the key that a value was sealed with; purpose is
// "" where none fits. Content is nil where the seal fits and no JSON lies under it.
func opened(value string, purposes []string, secrets [][]byte) (purpose string, index int, content json.RawMessage) {
	for _, purpose := range purposes {
		for index, secret := range secrets {
			signer, err := sessions.NewSigner(purpose, secret)
			if err != nil {
				continue // a purpose or a key that cannot seal
			}
			switch err := signer.Verify(value, &content); {
			case err == nil:
				return purpose, index, content
			case errors.Is(err, sessions.ErrUnreadable):
				return purpose, index, nil
			}
		}
	}
	return "", 0, nil
}
