// Tampering: what anybody can do to the cookies in their own browser, without knowing a
// secret. The lab does it for those who have no DevTools at hand.

package lanes

import (
	"encoding/base64"
	"unicode/utf8"

	"cookielab/sessions"
)

// TamperRole writes the role of a teacher into a value, as far as its format (see [Format])
// allows that:
//
//   - plain: it rewrites the role;
//   - signed: it rewrites the content, and leaves the old seal, which does not fit any more;
//   - session: the value contains no role, so it returns a new key.
//
// It returns a value that is not in its format as it is.
func TamperRole(format, value string) string {
	switch format {
	case Plain:
		if who, ok := ReadPlain(value); ok {
			return PlainValue(Identity{User: who.User, Role: RoleTeacher})
		}
	case Signed:
		if tampered, ok := tamperSealed(value, RoleTeacher); ok {
			return tampered
		}
	case Session:
		return sessions.NewKey()
	}
	return value // not in its format, so there is nothing to rewrite
}

// tamperSealed rewrites the role inside a sealed value, and leaves the time and the MAC as
// they are. ok is false if the value cannot be decoded.
func tamperSealed(value, role string) (tampered string, ok bool) {
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

// FlipCharacter changes one character of a value, by the value's format (see [Format]). In
// the plain format that is the first letter of the name, so the value is still readable. In
// the others it is one in the middle, because the last character before the padding of
// base64 may have bits that nobody reads.
func FlipCharacter(format, value string) string {
	if who, ok := ReadPlain(value); ok && format == Plain {
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

// OtherLetter returns "a", or "b" for a.
func OtherLetter(r rune) string {
	if r == 'a' {
		return "b"
	}
	return "a"
}
