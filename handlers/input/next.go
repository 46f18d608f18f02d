// Where to go on after a form: only to an address of this lab.

package input

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

const maxNext = 2 << 10 // bytes of an address

// NextOf reads the form field next. It returns a path of this lab, with or without a query;
// "/" for anything else, and for a repeated field. asked is false, and next "", if there is
// no such field.
func NextOf(form url.Values) (next string, asked bool) {
	values, asked := form["next"]
	if !asked {
		return "", false
	}
	if len(values) == 1 && safeNext(values[0]) {
		return values[0], true
	}
	return "/", true
}

// safeNext reports whether a redirect to next stays on this lab in every
// browser: browsers read \ as /, drop tabs and newlines, and take // for a host.
func safeNext(next string) bool {
	if len(next) > maxNext || !strings.HasPrefix(next, "/") ||
		strings.ContainsFunc(next, func(r rune) bool { return r == '\\' || r < ' ' || r == 0x7f || r == utf8.RuneError }) {
		return false
	}
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil {
		return false
	}
	return !strings.HasPrefix(u.Path, "//") && !strings.ContainsFunc(u.Path, func(r rune) bool {
		return r == '\\' || r < ' ' || r == 0x7f
	}) && !strings.Contains(u.Path, "/..")
}
