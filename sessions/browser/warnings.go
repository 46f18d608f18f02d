// What a careful developer wants to hear about a line, whatever became of it.

package browser

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Warning is one such thing.
type Warning struct {
	ID    string
	About string
	Tip   bool // nothing is wrong, and it could be tighter
}

// longLife is from when on a life is worth a word.
const longLife = 180 * 24 * time.Hour

// mostWarnings are given about one line.
const mostWarnings = 40

// lineWarnings look at the line, whatever becomes of it.
func (a *attempt) lineWarnings() (all []Warning) {
	warn := func(id, about string) {
		if one := (Warning{ID: id, About: about}); len(all) < mostWarnings && !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	tip := func(id, about string) { all = append(all, Warning{ID: id, About: about, Tip: true}) }
	c := a.cookie

	// The pair
	if !a.line.equals {
		warn("no-equals", "")
	} else if c.Name != "" && !isToken(c.Name) {
		warn("name-not-token", "")
	}
	if strings.HasPrefix(c.Value, `"`) && strings.HasSuffix(c.Value, `"`) && len(c.Value) > 1 {
		warn("quotes", "")
	}
	if !utf8.ValidString(c.Name + c.Value) {
		warn("not-utf8", "")
	} else if !isASCII(c.Name + c.Value) {
		warn("not-ascii", "")
	} else if strings.ContainsAny(c.Value, ` ,\`) || strings.Contains(strings.Trim(c.Value, `"`), `"`) {
		warn("value-characters", "")
	}
	if a.looksFolded() {
		warn("two-cookies", "")
	}

	// Its attributes, one by one; of those that are repeated the last
	last := map[string]int{} // where each name stands for the last time
	for i, one := range a.line.attributes {
		last[one.name] = i
	}
	has := func(name string) bool { _, ok := last[name]; return ok }
	for i, one := range a.line.attributes {
		switch {
		case one.name == "" && !one.valid:
		case !known[one.name]:
			warn("unknown-attribute", one.given)
		case last[one.name] != i:
			warn("repeated", one.given)
		case len(one.value) > MaxAttribute:
			warn("attribute-too-long", one.given)
		default:
			a.warnAttribute(one, warn)
		}
	}
	if _, ok := a.jar.profile.maxAge(&a.line); ok && has("expires") {
		tip("max-age-wins", "")
	}
	if has("partitioned") && !a.jar.profile.does(partitions) {
		warn("not-in-draft", "Partitioned")
	}
	if has("priority") && !a.jar.profile.does(priorities) {
		warn("not-in-draft", "Priority")
	}

	if c.SameSite == "" && !c.expired(a.now) {
		warn("no-samesite", "")
	}
	return all
}

// cookieWarnings look at the cookie that is kept.
func (a *attempt) cookieWarnings() (all []Warning) {
	c := a.cookie
	warn := func(id, about string) { all = append(all, Warning{ID: id, About: about}) }
	tip := func(id, about string) { all = append(all, Warning{ID: id, About: about, Tip: true}) }
	if !c.HostOnly {
		warn("domain-widens", c.Domain)
	}
	if !c.Secure {
		tip("no-secure", "")
	}
	if !c.HTTPOnly && !a.script {
		tip("no-httponly", "")
	}
	if c.Secure && c.HostOnly && c.Path == "/" && !strings.HasPrefix(c.Name, "__") {
		tip("could-be-host", "")
	}
	if !c.Expires.IsZero() && c.Expires.Sub(a.now) > longLife {
		tip("long-life", strconv.Itoa(int(c.Expires.Sub(a.now).Hours()/24)))
	}
	return all
}

// warnAttribute looks at one attribute that counts.
func (a *attempt) warnAttribute(one attribute, warn func(id, about string)) {
	p := a.jar.profile
	switch one.name {
	case "secure", "httponly", "partitioned":
		if one.value != "" {
			warn("flag-with-value", one.given+"="+one.value)
		}
	case "samesite":
		if v := lower(one.value); v != "strict" && v != "lax" && v != "none" {
			warn("samesite-unknown", one.value)
		}
	case "path":
		if !strings.HasPrefix(one.value, "/") {
			warn("path-defaults", a.cookie.Path)
		}
	case "max-age":
		if seconds, ok := p.seconds(one.value); !ok {
			warn("max-age-unreadable", one.value)
		} else if seconds > int64(MaxAge/time.Second) {
			warn("over-400-days", one.given)
		}
	case "expires":
		ends, ok := p.date(one.value)
		if _, err := http.ParseTime(one.value); !ok {
			warn("expires-unreadable", one.value)
		} else if ends.Sub(a.now) > MaxAge {
			warn("over-400-days", one.given)
		} else if err != nil {
			warn("expires-form", one.value)
		}
	case "domain":
		if strings.HasPrefix(one.value, ".") {
			warn("leading-dot", "")
		}
	}
}

// looksFolded reports whether a comma joins two cookies, as some programs join
// headers: no browser takes them apart.
func (a *attempt) looksFolded() bool {
	texts := []string{a.line.value}
	for _, one := range a.line.attributes {
		if one.name != "expires" { // its date has a comma
			texts = append(texts, one.given+"="+one.value)
		}
	}
	return slices.ContainsFunc(texts, secondCookie.MatchString)
}

var secondCookie = regexp.MustCompile(`, *[A-Za-z0-9_.-]+=`)

// isToken reports whether a name is one that a server may send (RFC 9110 5.6.2).
func isToken(name string) bool {
	for i := range len(name) {
		if c := name[i]; !isDigit(c) && !isLetter(c) && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return name != ""
}
