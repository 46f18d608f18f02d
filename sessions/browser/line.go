// A Set-Cookie line taken apart: RFC 6265bis 5.6, before anything is decided.

package browser

import (
	"strconv"
	"strings"
	"time"
)

// Kind is what a [Part] of a line is.
type Kind string

const (
	Name      Kind = "name"
	Value     Kind = "value"
	Attribute Kind = "attribute" // its name, if browsers know it
	Setting   Kind = "setting"   // its value
	Unknown   Kind = "unknown"   // an attribute that none knows, with its value
	Sign      Kind = "sign"      // = and ; and white space
)

// Part is a piece of a line. All parts in order are the line.
type Part struct {
	Kind Kind
	Text string
}

// known are the attributes that one of the profiles knows, in small letters.
var known = map[string]bool{
	"expires": true, "max-age": true, "domain": true, "path": true, "secure": true,
	"httponly": true, "samesite": true, "partitioned": true, "priority": true,
}

// Parts takes a line apart for the eye.
func Parts(line string) []Part {
	var parts []Part
	add := func(kind Kind, text string) {
		if text != "" {
			parts = append(parts, Part{kind, text})
		}
	}
	around := func(kind Kind, text string) {
		inner := trim(text)
		at := strings.Index(text, inner)
		add(Sign, text[:at])
		add(kind, inner)
		add(Sign, text[at+len(inner):])
	}
	for i, piece := range strings.Split(line, ";") {
		if i > 0 {
			add(Sign, ";")
		}
		name, value, ok := strings.Cut(piece, "=")
		kinds := [2]Kind{Attribute, Setting}
		switch {
		case i == 0 && !ok:
			kinds = [2]Kind{Value, Value}
		case i == 0:
			kinds = [2]Kind{Name, Value}
		case !known[lower(trim(name))]:
			kinds = [2]Kind{Unknown, Unknown}
		}
		around(kinds[0], name)
		if ok {
			add(Sign, "=")
			around(kinds[1], value)
		}
	}
	return parts
}

// attribute is one of a line, as it stands there.
type attribute struct {
	name  string // in small letters
	given string // as written
	value string
	valid bool // has "="
}

// parsed is a line taken apart.
type parsed struct {
	name, value string
	equals      bool // there is a = between them
	attributes  []attribute
}

// parse is RFC 6265bis 5.6: only ; separates, quotes mean nothing, and white space
// is taken off at both ends.
func parse(line string) parsed {
	var p parsed
	for i, piece := range strings.Split(line, ";") {
		name, value, ok := strings.Cut(piece, "=")
		name, value = trim(name), trim(value)
		switch {
		case i > 0:
			p.attributes = append(p.attributes, attribute{lower(name), name, value, ok})
		case ok:
			p.name, p.value, p.equals = name, value, true
		default:
			p.value = name
		}
	}
	return p
}

// last is the value of the last attribute of that name which is short enough to
// count; all of them count if the profile does not mind.
func (p *parsed) last(name string, anyLength bool) (value string, found bool) {
	for _, a := range p.attributes {
		if a.name == name && (anyLength || len(a.value) <= MaxAttribute) {
			value, found = a.value, true
		}
	}
	return value, found
}

// trim takes white space off: space and tab.
func trim(text string) string { return strings.Trim(text, " \t") }

// control is the first control character (RFC 6265bis 5.6, step 1); -1: none.
// A tab is one only if the profile says so.
func control(text string, tab bool) int {
	for i := range len(text) {
		if c := text[i]; c < 0x20 && (c != '\t' || tab) || c == 0x7f {
			return i
		}
	}
	return -1
}

// SetCookie is a line that makes the cookie again, sent by the same address at
// that moment. Its life is in whole seconds.
func (c Cookie) SetCookie(at URL, now time.Time) string {
	var line strings.Builder
	line.WriteString(c.Name + "=" + c.Value)
	if !c.HostOnly {
		line.WriteString("; Domain=" + c.Domain)
	}
	byDefault := URL{Path: at.defaultPath()}
	if c.Path == "/" || c.Path != byDefault.Path && c.Path != Chromium.path(byDefault) { // a default may have a ; in it
		line.WriteString("; Path=" + c.Path)
	}
	if !c.Expires.IsZero() {
		line.WriteString("; Max-Age=" + strconv.FormatInt(int64(c.Expires.Sub(now)/time.Second), 10))
	}
	for _, flag := range []struct {
		set  bool
		name string
	}{
		{c.Secure, "Secure"}, {c.HTTPOnly, "HttpOnly"}, {c.SameSite != "", "SameSite=" + c.SameSite},
		{c.Partitioned, "Partitioned"}, {c.Priority != "" && c.Priority != "Medium", "Priority=" + c.Priority},
	} {
		if flag.set {
			line.WriteString("; " + flag.name)
		}
	}
	return line.String()
}
