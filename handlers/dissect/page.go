// Package dissect takes a value that somebody pastes apart and, as a separate act, verifies
// it. The value comes by POST only, and nothing of it is kept: not in the log, not in the
// notebook, not on the wire.
package dissect

import (
	"cmp"
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/handlers/web"
	"cookielab/sessions"
)

const maxValue = 8 << 10 // bytes of a value, and of a key

// form is what the page's form says.
type form struct {
	value, key string
	purpose    string // what the value is to be for; "": whatever it says itself
	before     string // the value before the button that changed it; "": none did
	last       string // which of the two acts the page shows
}

// The two acts.
const (
	decodeAct = "decode"
	verifyAct = "verify"
)

// Page is the dissector's page.
type Page struct {
	site     *web.Site
	lanes    *lanes.Set
	purposes map[string]string // by the name of the cookie; "": nothing is sealed in it
}

// New makes the page. purposes say what the values of the lab's cookies may be sealed
// for, by the name of the cookie; "" for one in which nothing ever is.
func New(site *web.Site, set *lanes.Set, purposes map[string]string) *Page {
	return &Page{site, set, purposes}
}

type pageData struct {
	web.Page
	Value, Key, Purpose, Before, Last string

	Purposes []string
	Own      bool           // a signed_user cookie came, to be looked at
	Problem  locale.Message // why the value was not looked at
	Taken    *dissected
	Verified *conclusion // nil: the value was only decoded
}

// Get serves GET /dissect.
func (h *Page) Get(c echo.Context) error {
	return h.show(c, form{last: decodeAct})
}

// Post serves POST /dissect (fields value, key, purpose, and what the page
// showed before): act is decode, verify, flip or undo; or else example fills in
// a value of this moment.
func (h *Page) Post(c echo.Context) error {
	fields, err := input.Singles(c.Request().PostForm, "value", "key", "purpose", "before", "last", "act", "example")
	if err != nil {
		return err
	}
	f := form{
		value: typedText(fields["value"]), key: strings.TrimSpace(fields["key"]), purpose: fields["purpose"],
		before: typedText(fields["before"]), last: fields["last"],
	}
	if f.last != verifyAct {
		f.last = decodeAct
	}
	if f.purpose != "" && !slices.Contains(h.allPurposes(), f.purpose) {
		return input.NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("dissect.no_purpose"))
	}
	if fields["example"] != "" {
		if f.value, f.key, err = h.example(c, fields["example"]); err != nil {
			return err
		}
		f.purpose, f.before = "", ""
		return h.show(c, f)
	}
	switch fields["act"] {
	case decodeAct, verifyAct:
		f.last = fields["act"]
	case "flip":
		if flipped := flipMiddle(f.value); flipped != f.value {
			f.value, f.before = flipped, f.value
		}
	case "undo":
		if f.before != "" {
			f.value, f.before = f.before, ""
		}
	default:
		return input.NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("dissect.no_act"))
	}
	return h.show(c, f)
}

// typedText is a text as it was typed: a form ends lines as the network does, and
// nobody means the space around a pasted value.
func typedText(text string) string { return strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")) }

func (h *Page) show(c echo.Context, f form) error {
	page, err := h.site.Page(c, locale.Msg("dissect.title"))
	if err != nil {
		return err
	}
	p := pageData{
		Page:  page,
		Value: f.value, Key: f.key, Purpose: f.purpose, Before: f.before, Last: f.last,
		Purposes: h.allPurposes(), Own: len(sessions.RawCookies(c.Request(), lanes.SignedCookie)) > 0,
	}
	status := http.StatusOK
	switch {
	case max(len(f.value), len(f.key), len(f.before)) > maxValue:
		status = http.StatusRequestEntityTooLarge
		p.Problem = locale.Msg("dissect.too_long", locale.Args{"Most": maxValue})
		p.Value, p.Key, p.Before = markup.AtMost(p.Value, maxValue), markup.AtMost(p.Key, maxValue), markup.AtMost(p.Before, maxValue)
	case f.value != "":
		taken := h.dissect(f.value)
		p.Taken = &taken
		if f.last == verifyAct {
			verified := h.verify(&taken, f.key, f.purpose)
			p.Verified = &verified
		}
	}
	return h.site.Render(c, status, "dissect", p)
}

// example is a value of this moment, and the key that its maker used where
// that is not the lab's.
func (h *Page) example(c echo.Context, name string) (value, key string, err error) {
	at := h.site.Clock.Now()
	alice := lanes.SignedFacts{User: "alice", Role: lanes.RoleStudent, IssuedAt: lanes.DateOf(at), Expires: lanes.DateOf(at.Add(h.lanes.Sessions.Options().Age))}
	switch name {
	case "signed":
		if own := sessions.RawCookies(c.Request(), lanes.SignedCookie); len(own) > 0 {
			return typedText(own[0]), "", nil
		}
		value, err = h.sealExample(alice)
	case "over":
		alice.IssuedAt, alice.Expires = lanes.DateOf(at.Add(-time.Hour)), lanes.DateOf(at.Add(-time.Minute))
		value, err = h.sealExample(alice)
	case "purpose":
		value, err = h.sealExample(alice)
		value = lanes.SignedCookie + "=" + value
	case "jwt":
		return exampleJWT(alice), exampleKey, nil
	case "none":
		return exampleUnsignedJWT(alice), "", nil
	case "base64":
		value = base64.StdEncoding.EncodeToString([]byte(alice.JSON()))
	case "json":
		value = alice.JSON()
	case "url":
		value = lanes.PlainValue(lanes.Identity{User: "小明", Role: lanes.RoleStudent})
	default:
		err = input.NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("dissect.no_act"))
	}
	return value, "", err
}

// sealExample seals facts as the signed lane does, for a purpose that no lane has.
func (h *Page) sealExample(facts lanes.SignedFacts) (string, error) {
	signer, err := sessions.NewSigner(lanes.ExamplePurpose, h.lanes.Secrets()...)
	if err != nil {
		return "", err
	}
	return signer.Sign(facts)
}

// flipMiddle changes the character in the middle. What only separates is left
// alone: the value is to keep its format.
func flipMiddle(value string) string {
	characters := []rune(value)
	for at := len(characters) / 2; at < len(characters); at++ {
		if !strings.ContainsRune(".:=&%\"{}, ", characters[at]) {
			characters[at] = []rune(lanes.OtherLetter(characters[at]))[0]
			break
		}
	}
	return string(characters)
}

// allPurposes are those for which the lab seals values, with whatever engine.
func (h *Page) allPurposes() []string {
	all := []string{lanes.SignedCookie, lanes.SessionPurpose, lanes.TokenPurpose}
	for _, purpose := range slices.Sorted(maps.Values(h.purposes)) {
		if purpose != "" && !slices.Contains(all, purpose) {
			all = append(all, purpose)
		}
	}
	return append(all, lanes.ExamplePurpose)
}

// purposeOfCookie is what the value of a cookie is sealed for. A cookie in which nothing is
// sealed, or that the lab does not know, has its name as its purpose.
func (h *Page) purposeOfCookie(name string) string { return cmp.Or(h.purposes[name], name) }

// knowsCookie reports whether a name is one of the lab's cookies or Django's.
func (h *Page) knowsCookie(name string) bool {
	_, ours := h.purposes[name]
	return ours || name == "sessionid" || name == "csrftoken"
}
