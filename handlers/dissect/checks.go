// The dissector's checks, in their order: well-formed, signature, age, purpose.
// The first that fails decides, and what comes after it is not looked at. What
// nobody could verify is never called verified.

package dissect

import (
	"time"

	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
)

// outcome is what one check came to.
type outcome string

const (
	checkPassed outcome = "passed"
	checkFailed outcome = "failed"
	checkOpen   outcome = "open" // not reached, or nothing to check
)

// conclusion is what verifying a value came to.
type conclusion struct{ Checks []checkLine }

// checkLine is one check.
type checkLine struct {
	ID      string // "form", "signature", "age", "purpose"
	Outcome outcome
	Detail  locale.Message
}

// checkTitles are the labels of the checks, in their order.
var checkTitles = []struct{ id, title string }{
	{"form", "dissect.check.form"}, {"signature", "dissect.check.signature"}, {"age", "dissect.check.age"}, {"purpose", "dissect.check.purpose"},
}

// line notes a check, and reports whether it passed. After one that failed none
// is reached.
func (v *conclusion) line(id string, o outcome, detail locale.Message) bool {
	if v.Failed() != nil {
		o, detail = checkOpen, locale.Msg("dissect.not_reached")
	}
	v.Checks = append(v.Checks, checkLine{id, o, detail})
	return o == checkPassed
}

// formed notes the first check of every value.
func (v *conclusion) formed(d *dissected, detail locale.Message) bool {
	if d.Flaw.ID != "" {
		return v.line("form", checkFailed, d.Flaw)
	}
	if d.Spare {
		detail = locale.Msg("dissect.formed.spare", locale.Args{"Formed": detail})
	}
	return v.line("form", checkPassed, detail)
}

// verify checks a value. A key that was typed is used instead of the lab's;
// wanted is the purpose that it is to be for, "": any.
func (h *Page) verify(d *dissected, key, wanted string) (v conclusion) {
	switch d.Format {
	case formatSealed:
		v = h.verifySealed(d, key, wanted)
	case formatJWT:
		v = h.verifyJWT(d, key)
	case formatDjango:
		v.formed(d, locale.Msg("dissect.formed.django"))
		v.line("signature", checkOpen, locale.Msg("dissect.signature.django"))
		v.line("age", checkOpen, locale.Msg("dissect.age.django", locale.Args{"At": markup.ClockTime(d.signed)}))
		v.line("purpose", checkOpen, locale.Msg("dissect.purpose.django"))
	case formatKey, formatToken:
		v.formed(d, locale.Msg("dissect.formed.key", locale.Args{"Characters": len(d.value)}))
		v.line("signature", checkOpen, locale.Msg("dissect.signature.key"))
		v.line("age", checkOpen, locale.Msg("dissect.age.key"))
		v.line("purpose", checkOpen, locale.Msg("dissect.purpose.key"))
	default:
		if v.formed(d, locale.Msg("dissect.formed.plain")) {
			v.line("signature", checkOpen, locale.Msg("dissect.signature.missing"))
			v.line("age", checkOpen, locale.Msg("dissect.age.missing"))
			v.line("purpose", checkOpen, locale.Msg("dissect.purpose.missing"))
		}
	}
	for _, one := range checkTitles[len(v.Checks):] {
		v.line(one.id, checkOpen, locale.Msg("dissect.not_reached"))
	}
	return v
}

// age judges the times inside a content against the server's clock. What no seal
// vouches for can be over by its own words, but not prove that it is not.
func (v *conclusion) age(in instants, at time.Time, signed bool) {
	switch {
	case in.odd != "":
		v.line("age", checkFailed, locale.Msg("dissect.age.odd", locale.Args{"Field": in.odd}))
	case !in.expires.IsZero() && !at.Before(in.expires):
		v.line("age", checkFailed, locale.Msg("dissect.age.over", locale.Args{"At": markup.ClockTime(in.expires)}))
	case in.notBefore.After(at.Add(lanes.MaxSkew)):
		v.line("age", checkFailed, locale.Msg("dissect.age.early", locale.Args{"At": markup.ClockTime(in.notBefore)}))
	case in.issued.After(at.Add(lanes.MaxSkew)):
		v.line("age", checkFailed, locale.Msg("dissect.age.future", locale.Args{"At": markup.ClockTime(in.issued)}))
	case in.expires.IsZero() && len(in.fields) > 0:
		v.line("age", checkOpen, locale.Msg("dissect.age.no_end"))
	case in.expires.IsZero():
		v.line("age", checkOpen, locale.Msg("dissect.age.none"))
	case !signed:
		v.line("age", checkOpen, locale.Msg("dissect.age.says", locale.Args{"At": markup.ClockTime(in.expires)}))
	default:
		v.line("age", checkPassed, locale.Msg("dissect.age.until", locale.Args{"At": markup.ClockTime(in.expires)}))
	}
}

// Verdict is verified only if the signature is, and nothing failed; unverified
// where nobody could look.
func (v *conclusion) Verdict() string {
	signed := false
	for _, c := range v.Checks {
		if c.Outcome == checkFailed {
			return "refused"
		}
		signed = signed || c.ID == "signature" && c.Outcome == checkPassed
	}
	if signed {
		return "verified"
	}
	return "unverified"
}

// Failed is the check that decided against the value; nil: none did.
func (v *conclusion) Failed() *checkLine {
	for i := range v.Checks {
		if v.Checks[i].Outcome == checkFailed {
			return &v.Checks[i]
		}
	}
	return nil
}

// Title is a check's label.
func (c checkLine) Title() string {
	for _, one := range checkTitles {
		if one.id == c.ID {
			return one.title
		}
	}
	return ""
}

// Mark is its sign.
func (c checkLine) Mark() string {
	return map[outcome]string{checkPassed: "✓", checkFailed: "✗", checkOpen: "–"}[c.Outcome]
}
