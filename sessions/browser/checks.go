// The rules by which a cookie is refused, in the order of RFC 6265bis 5.7.

package browser

import (
	"fmt"
	"strconv"
	"strings"
)

// check refuses an attempt, with the rule by which it does, or lets it pass.
type check func(*attempt) (Rule, bool)

// checks are all of them. The first that refuses decides.
var checks = []check{
	(*attempt).controlCharacter,
	(*attempt).empty,
	(*attempt).tooBig,
	(*attempt).nameless,
	(*attempt).domainCharacters,
	(*attempt).publicSuffix,
	(*attempt).domainMismatch,
	(*attempt).pathCharacters,
	(*attempt).secureOverHTTP,
	(*attempt).httpOnlyFromScript,
	(*attempt).overwritesSecure,
	(*attempt).thirdParty,
	(*attempt).crossSite,
	(*attempt).noneNeedsSecure,
	(*attempt).partitionedNeedsSecure,
	(*attempt).prefix,
	(*attempt).prefixWithoutName,
	(*attempt).overwritesHTTPOnly,
}

var pass = Rule{}

func (a *attempt) is(d difference) bool { return a.jar.profile.does(d) }

// controlCharacter is 5.6 step 1. White space is off at the ends already, so a tab
// there does no harm anywhere.
func (a *attempt) controlCharacter() (Rule, bool) {
	texts := []string{a.line.name, a.line.value}
	for _, one := range a.line.attributes {
		texts = append(texts, one.name, one.value)
	}
	for _, text := range texts {
		if i := control(text, a.is(tabIsControl)); i >= 0 {
			section := "5.6 step 1"
			if text[i] == '\t' {
				section = Measured
			}
			return Rule{"control-character", section, fmt.Sprintf(`\x%02x`, text[i])}, true
		}
	}
	return pass, false
}

func (a *attempt) empty() (Rule, bool) {
	return Rule{"empty", "5.7 step 2", ""}, a.cookie.Name == "" && a.cookie.Value == ""
}

func (a *attempt) tooBig() (Rule, bool) {
	return Rule{"too-big", "5.7 step 4", strconv.Itoa(a.cookie.size())}, a.cookie.size() > MaxPair
}

// nameless: the draft keeps them all.
func (a *attempt) nameless() (Rule, bool) {
	refused := a.cookie.Name == "" && (a.is(namelessRefused) || a.is(namelessEqualsRefused) && strings.Contains(a.cookie.Value, "="))
	return Rule{"nameless", Measured, ""}, refused
}

func (a *attempt) domainCharacters() (Rule, bool) {
	return Rule{"domain-characters", "5.7 step 8", a.domain}, !isASCII(a.domain)
}

func (a *attempt) publicSuffix() (Rule, bool) {
	return Rule{"public-suffix", "5.7 step 9", a.domain}, !a.cookie.HostOnly && isPublicSuffix(a.domain)
}

func (a *attempt) domainMismatch() (Rule, bool) {
	if a.dotted && a.is(lonelyDotRefused) {
		return Rule{"domain-mismatch", "5.7 step 10", "."}, true
	}
	return Rule{"domain-mismatch", "5.7 step 10", a.domain}, !a.cookie.HostOnly && !domainMatches(a.at.Host, a.domain)
}

func (a *attempt) pathCharacters() (Rule, bool) {
	return Rule{"path-characters", Measured, `\x09`}, a.is(tabInPathRefused) && strings.Contains(a.cookie.Path, "\t")
}

func (a *attempt) secureOverHTTP() (Rule, bool) {
	return Rule{"secure-over-http", "5.7 step 13", a.at.Host}, a.cookie.Secure && !a.at.Secure()
}

func (a *attempt) httpOnlyFromScript() (Rule, bool) {
	return Rule{"httponly-from-script", "5.7 step 15", ""}, a.script && a.cookie.HTTPOnly
}

// overwritesSecure: without Secure and over an insecure connection nobody covers a
// Secure cookie ("leave secure cookies alone").
func (a *attempt) overwritesSecure() (Rule, bool) {
	c := a.cookie
	if c.Secure || a.at.Secure() {
		return pass, false
	}
	for _, old := range a.jar.cookies {
		if !old.Secure || old.Name != c.Name || old.Partition != c.Partition || old.expired(a.now) {
			continue
		}
		near := domainMatches(old.Domain, c.Domain) || domainMatches(c.Domain, old.Domain)
		if near && pathMatches(c.Path, old.Path) {
			return Rule{"overwrites-secure", "5.7 step 16", old.Path}, true
		}
	}
	return pass, false
}

// thirdParty is 5.7 step 1: what the user agent's policy says.
func (a *attempt) thirdParty() (Rule, bool) {
	return Rule{"third-party", "5.3, 7.2", a.at.Site()}, a.jar.blocks(a.at, a.context) && !a.cookie.Partitioned
}

func (a *attempt) crossSite() (Rule, bool) {
	sameSite := a.cookie.SameSite
	if sameSite == "" && a.is(laxByDefault) {
		sameSite = "Lax"
	}
	foreign := !a.context.Navigation && !a.jar.profile.sameSite(a.at, a.context)
	return Rule{"cross-site", "5.7 step 18", sameSite}, foreign && sameSite != "None" && sameSite != ""
}

func (a *attempt) noneNeedsSecure() (Rule, bool) {
	return Rule{"none-needs-secure", "5.7 step 19", ""}, a.cookie.SameSite == "None" && !a.cookie.Secure
}

func (a *attempt) partitionedNeedsSecure() (Rule, bool) {
	return Rule{"partitioned-needs-secure", "CHIPS 2.3", ""}, a.cookie.Partitioned && !a.cookie.Secure
}

// prefixes are names that promise something (5.7 steps 20 to 22, and
// draft-ietf-httpbis-layered-cookies), the longer before the shorter.
var prefixes = []struct {
	text           string
	host, httpOnly bool
	more           bool // not in 6265bis
	section        string
}{
	{"__host-http-", true, true, true, "layered-cookies"},
	{"__http-", false, true, true, "layered-cookies"},
	{"__host-", true, false, false, "5.7 step 21"},
	{"__secure-", false, false, false, "5.7 step 20"},
}

// prefix holds a name to what it promises.
func (a *attempt) prefix() (Rule, bool) {
	c := a.cookie
	for _, prefix := range prefixes {
		if prefix.more && !a.is(moreHTTPPrefixes) || !strings.HasPrefix(lower(c.Name), prefix.text) {
			continue
		}
		begins := c.Name[:len(prefix.text)]
		switch {
		case !c.Secure || !a.at.Secure():
			return Rule{"prefix-secure", prefix.section, begins}, true
		case prefix.httpOnly && (!c.HTTPOnly || a.script):
			return Rule{"prefix-httponly", prefix.section, begins}, true
		case prefix.host && !a.hostOnly():
			return Rule{"prefix-domain", prefix.section, begins}, true
		case prefix.host && !a.rootPath():
			return Rule{"prefix-path", prefix.section, begins}, true
		}
		return pass, false
	}
	return pass, false
}

// hostOnly reports whether __Host- is content with the domain. A browser may look
// at the attribute, which must not be there even if it changes nothing.
func (a *attempt) hostOnly() bool {
	domain, _ := a.line.last("domain", false)
	if !a.cookie.HostOnly || a.is(prefixByResult) {
		return a.cookie.HostOnly
	}
	return domain == "" || domain == a.at.Host && isIP(domain)
}

// rootPath reports whether __Host- is content with the path.
func (a *attempt) rootPath() bool {
	if a.is(prefixByResult) {
		return a.cookie.Path == "/"
	}
	path, _ := a.line.last("path", false)
	return path == "/"
}

// prefixWithoutName is 5.7 step 22: a value that would look like a name when it is
// sent alone.
func (a *attempt) prefixWithoutName() (Rule, bool) {
	for _, prefix := range prefixes {
		if a.cookie.Name == "" && strings.HasPrefix(lower(a.cookie.Value), prefix.text) && (!prefix.more || a.is(moreHTTPPrefixes)) {
			return Rule{"prefix-without-name", "5.7 step 22", a.cookie.Value[:len(prefix.text)]}, true
		}
	}
	return pass, false
}

func (a *attempt) overwritesHTTPOnly() (Rule, bool) {
	old := a.jar.find(a.cookie)
	return Rule{"overwrites-httponly", "5.7 step 23", ""}, a.script && old != nil && old.HTTPOnly && !old.expired(a.now)
}
