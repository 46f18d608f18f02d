// Forging: what anybody can do to the cookies in their own browser, without
// knowing a secret. The lab does it for those who have no DevTools at hand.

package lanes

import (
	"encoding/base64"
	"unicode/utf8"

	"cookielab/sessions"
)

// ForgeRole makes a teacher of whoever a value names, as far as a value of its
// form can be written:
//
//   - plain: the role is rewritten;
//   - signed: the content is rewritten, the old seal is all there is;
//   - session: nothing is written there to edit, so a key is invented.
func ForgeRole(form, value string) string {
	switch form {
	case Plain:
		if who, ok := ReadPlain(value); ok {
			return PlainValue(Identity{User: who.User, Role: RoleTeacher})
		}
	case Signed:
		if forged, ok := forgeSealed(value, RoleTeacher); ok {
			return forged
		}
	case Session:
		return sessions.NewKey()
	}
	return value // not in a form that says who: nothing to rewrite
}

// forgeSealed rewrites the role inside a sealed value and leaves the time and
// the MAC as they are.
func forgeSealed(value, role string) (string, bool) {
	sealed, err := sessions.Dissect(value)
	if err != nil {
		return "", false
	}
	facts, err := ReadSealed(sealed.Content)
	if err != nil {
		return "", false
	}
	if facts.Who().Role == role {
		return value, true
	}
	content, err := facts.withRole(role)
	if err != nil {
		return "", false
	}
	inner := base64.URLEncoding.EncodeToString(content)
	return base64.URLEncoding.EncodeToString([]byte(sealed.Stamp + "|" + inner + "|" + string(sealed.MAC))), true
}

// FlipCharacter changes one character of a value. In the plain value the first
// letter of the name, so that it still reads; elsewhere one in the middle,
// because the last one before the padding of base64 may carry bits that nobody
// reads.
func FlipCharacter(form, value string) string {
	if who, ok := ReadPlain(value); ok && form == Plain {
		first, size := utf8.DecodeRuneInString(who.User)
		who.User = OtherLetter(first) + who.User[size:]
		return PlainValue(who)
	}
	if value == "" {
		return value
	}
	at := len(value) / 2
	return value[:at] + OtherLetter(rune(value[at])) + value[at+1:]
}

func OtherLetter(r rune) string {
	if r == 'a' {
		return "b"
	}
	return "a"
}
