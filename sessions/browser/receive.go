// What becomes of a Set-Cookie line: RFC 6265bis 5.6 (it is taken apart) and 5.7
// (it is stored).

package browser

import (
	"strings"
	"time"
)

// Outcome is what became of a line.
type Outcome string

const (
	Stored   Outcome = "stored"
	Replaced Outcome = "replaced" // another of the same name, domain and path
	Deleted  Outcome = "deleted"
	Ignored  Outcome = "ignored"
)

// Response is an answer with cookies. Its status does not matter: they count with
// 302, 404 and 500 as well (RFC 6265bis 5.3).
type Response struct {
	URL       URL
	SetCookie []string  // the value of each header, byte by byte
	Date      time.Time // of its header Date; zero: it has none
	Now       time.Time // by the browser's clock
	Context             // of the request
}

// Verdict is what becomes of one line, and why.
type Verdict struct {
	Outcome
	Rule     Rule    // the first that decided
	Cookie   *Cookie // as it now lies in the jar; nil: it does not
	Warnings []Warning
	Evicted  []Cookie // that had to go for it
}

// Receive reads a response, and gives a verdict for each line of its cookies. If a
// line break makes more than one header of it, the verdict is about the first.
func (j *Jar) Receive(r Response) []Verdict {
	verdicts := make([]Verdict, len(r.SetCookie))
	values, fails := j.profile.values(r.SetCookie)
	if fails {
		for i := range verdicts {
			verdicts[i] = Verdict{Outcome: Ignored, Rule: Rule{"response-fails", "RFC 9110 5.5", `\x00`}}
		}
		return verdicts
	}
	j.moment++
	for i := range verdicts {
		verdicts[i] = Verdict{Outcome: Ignored, Rule: Rule{"after-headers", "RFC 9112 2.1", ""}}
		for n, value := range values[i] {
			if verdict := j.set(value, r.URL, r.Date, r.Now, r.Context, false); n == 0 {
				verdicts[i] = verdict
			}
		}
	}
	return verdicts
}

// Script is document.cookie = text, in a page of the top level.
func (j *Jar) Script(at URL, text string, now time.Time) Verdict {
	j.moment++
	return j.set(text, at, time.Time{}, now, Context{Navigation: true}, true)
}

// attempt is a line on its way into the jar: what the checks judge.
type attempt struct {
	jar     *Jar
	line    parsed
	domain  string // the last Domain, without its dot; "": none
	dotted  bool   // Domain was given as "." alone
	at      URL
	now     time.Time
	context Context
	script  bool
	cookie  *Cookie
}

// set takes a line through all steps.
func (j *Jar) set(raw string, at URL, date, now time.Time, context Context, script bool) Verdict {
	// 1. The line is taken apart.
	at.Path = j.profile.path(at)
	a := &attempt{jar: j, line: j.profile.parseLine(raw), at: at, now: now, context: context, script: script}
	a.build(date)

	// 2. The first check that fails decides.
	warnings := a.lineWarnings()
	for _, check := range checks {
		if rule, refused := check(a); refused {
			return Verdict{Outcome: Ignored, Rule: rule, Warnings: warnings}
		}
	}

	// 3. It takes the place of the cookie that is the same but for its value.
	old := j.find(a.cookie)
	if old != nil && old.expired(now) {
		j.remove(old)
		old = nil
	}
	if a.cookie.expired(now) {
		if old == nil {
			return Verdict{Outcome: Ignored, Rule: Rule{"expired", "5.7 step 24", ""}, Warnings: warnings}
		}
		j.remove(old)
		return Verdict{Outcome: Deleted, Rule: Rule{"deleted", "5.7 step 24", ""}, Warnings: warnings}
	}
	warnings = append(warnings, a.cookieWarnings()...)
	verdict := Verdict{Outcome: Stored, Rule: Rule{"stored", "5.7 step 24", ""}, Warnings: warnings}
	if old != nil {
		verdict.Outcome, verdict.Rule = Replaced, Rule{"replaced", "5.7 step 23", ""}
		if !j.profile.does(newValueIsNewer) || old.Value == a.cookie.Value {
			a.cookie.Created, a.cookie.number = old.Created, old.number
		}
		j.remove(old)
	}

	// 4. If there are too many now, some go.
	verdict.Evicted = j.insert(a.cookie)
	kept := *a.cookie
	if verdict.Cookie = &kept; j.find(a.cookie) == nil {
		return Verdict{Outcome: Ignored, Rule: Rule{"jar-full", Measured, ""}, Warnings: warnings, Evicted: verdict.Evicted}
	}
	return verdict
}

// find is the cookie in the jar that this one would replace.
func (j *Jar) find(c *Cookie) *Cookie {
	for _, old := range j.cookies {
		if old.same(c) {
			return old
		}
	}
	return nil
}

// parseLine is parse, with what the profile makes of a line without =.
func (p Profile) parseLine(raw string) parsed {
	line := parse(raw)
	if !line.equals && p.does(nameWithoutEquals) {
		line.name, line.value = line.value, ""
	}
	return line
}

// build makes the cookie that the line describes (RFC 6265bis 5.7, steps 5 to 18),
// judging nothing.
func (a *attempt) build(date time.Time) {
	p, number := a.jar.profile, a.jar.next()
	c := &Cookie{Name: a.line.name, Value: a.line.value, Created: a.now, number: number, used: number}
	if p.does(usedAtOnce) {
		c.used = a.jar.moment
	}
	c.Expires = p.expiry(&a.line, a.now, date)
	domain, _ := a.line.last("domain", false)
	a.dotted = domain == "."
	a.domain = lower(strings.TrimPrefix(domain, "."))
	if p.does(domainToPunycode) && !isASCII(a.domain) && registrable(a.at.Host) != "" {
		if ascii, ok := canonicalHost(a.domain); ok {
			a.domain = ascii
		}
	}
	c.Domain, c.HostOnly = a.domain, false
	if a.domain == "" || a.domain == a.at.Host && a.standsAlone() {
		c.Domain, c.HostOnly = a.at.Host, true
	}
	c.site = URL{Host: c.Domain}.Site()
	if c.Path, _ = a.line.last("path", false); !strings.HasPrefix(c.Path, "/") {
		if path := a.at.defaultPath(); len(path) <= MaxAttribute || !p.does(longDefaultPathLost) {
			c.Path = path
		}
	}
	_, c.Secure = a.line.last("secure", p.does(longFlagsKept))
	_, c.HTTPOnly = a.line.last("httponly", p.does(longFlagsKept))
	sameSite, _ := a.line.last("samesite", p.does(longFlagsKept))
	c.SameSite = map[string]string{"strict": "Strict", "lax": "Lax", "none": "None"}[lower(sameSite)]
	if p.does(partitions) {
		_, c.Partitioned = a.line.last("partitioned", p.does(longFlagsKept))
	}
	c.Partition = a.jar.partition(a.at, a.context, c.Partitioned)
	if p.does(priorities) {
		priority, _ := a.line.last("priority", false)
		if c.Priority = map[string]string{"low": "Low", "high": "High"}[lower(priority)]; c.Priority == "" {
			c.Priority = "Medium"
		}
	}
	a.cookie = c
}

// standsAlone reports whether a Domain that is the host itself means that host
// only: a public suffix (RFC 6265bis 5.7, step 9), and for the browsers an address.
func (a *attempt) standsAlone() bool {
	return isPublicSuffix(a.at.Host) || isIP(a.at.Host) && a.jar.profile.does(addressIsHostOnly)
}

// Failed reports whether the whole response failed, and with it its page.
func (v Verdict) Failed() bool { return v.Rule.ID == "response-fails" }
