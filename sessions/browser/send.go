// Which cookies go with a request, in which order, and why the others stay:
// RFC 6265bis 5.8.3.

package browser

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
)

// Request asks for the cookies of an address.
type Request struct {
	URL    URL
	Now    time.Time
	Script bool // document.cookie reads them, in a page of the top level
	Context
}

// Sent is what goes with a request.
type Sent struct {
	Cookies  []Cookie // in the order of the header
	Header   string   // the value of Cookie, byte by byte; "": none is sent
	KeptBack []KeptBack
}

// KeptBack is a cookie that does not go with a request, and the first reason.
type KeptBack struct {
	Cookie Cookie
	Rule   Rule
}

// freshLax is how long a cookie without SameSite goes with a cross-site POST in
// Chromium (RFC 6265bis 5.6.7.2, Lax-allowing-unsafe).
const freshLax = 2 * time.Minute

// Send says which cookies go.
func (j *Jar) Send(r Request) Sent {
	r.URL.Path = j.profile.path(r.URL)
	var sent Sent
	var going []*Cookie
	to := j.asked(r)
	for _, c := range j.cookies {
		if c.expired(r.Now) {
			continue
		}
		if rule, stays := to.stays(c); stays {
			sent.KeptBack = append(sent.KeptBack, KeptBack{*c, rule})
			continue
		}
		going = append(going, c)
	}
	slices.SortStableFunc(going, func(a, b *Cookie) int {
		return cmp.Or(len(b.Path)-len(a.Path), a.number-b.number)
	})
	pairs := make([]string, len(going))
	for i, c := range going {
		sent.Cookies = append(sent.Cookies, *c)
		pairs[i] = j.profile.pair(c)
	}
	sent.Header = strings.Join(pairs, "; ")
	if r.Script && j.profile.does(scriptNeedsUTF8) && !utf8.ValidString(sent.Header) {
		sent.Header = ""
	}
	return sent
}

// asked is a request, with what has to be found out only once for all cookies.
type asked struct {
	Request
	profile     Profile
	foreign     bool   // another site started it
	apart       string // the partition of cookies without Partitioned
	partitioned string // the partition of cookies with Partitioned
	blocked     bool   // cookies without Partitioned are not sent
}

func (j *Jar) asked(r Request) asked {
	return asked{
		Request: r, profile: j.profile,
		foreign: !j.profile.sameSite(r.URL, r.Context), blocked: j.blocks(r.URL, r.Context),
		apart: j.partition(r.URL, r.Context, false), partitioned: j.partition(r.URL, r.Context, true),
	}
}

// stays is the first reason why a cookie does not go.
func (r asked) stays(c *Cookie) (Rule, bool) {
	partition := r.apart
	if c.Partitioned {
		partition = r.partitioned
	}
	switch {
	case c.HostOnly && r.URL.Host != c.Domain:
		return Rule{"other-host", "5.8.3 step 1", c.Domain}, true
	case !c.HostOnly && !domainMatches(r.URL.Host, c.Domain):
		return Rule{"other-domain", "5.8.3 step 1", c.Domain}, true
	case !pathMatches(r.URL.Path, c.Path):
		return Rule{"other-path", "5.8.3 step 1", c.Path}, true
	case c.Secure && !r.URL.Secure():
		return Rule{"needs-secure", "5.8.3 step 1", ""}, true
	case c.HTTPOnly && r.Script:
		return Rule{"not-for-script", "5.8.3 step 1", ""}, true
	case r.foreign && c.SameSite == "Strict":
		return Rule{"strict", "5.8.3 step 3", ""}, true
	case r.foreign && c.SameSite == "Lax" && !r.laxEnough():
		return Rule{"lax", "5.8.3 step 3", ""}, true
	case r.foreign && c.SameSite == "" && r.profile.does(laxByDefault) && !r.laxEnough():
		if r.Navigation && r.profile.does(laxMethodExempt) && r.Now.Sub(c.Created) < freshLax {
			break
		}
		return Rule{"lax-by-default", "5.8.3 step 3", ""}, true
	case c.Partition == "" && r.apart != "":
		return Rule{"apart", Measured, ""}, true
	case c.Partition != partition:
		return Rule{"other-partition", "CHIPS 2.2", c.Partition}, true
	case !c.Partitioned && r.blocked:
		return Rule{"third-party", "5.3, 7.2", ""}, true
	}
	return pass, false
}

// laxEnough reports whether a cross-site request is one that Lax allows: a safe
// one of the top level.
func (r Request) laxEnough() bool {
	safe := r.Method == "" || r.Method == http.MethodGet || r.Method == http.MethodHead ||
		r.Method == http.MethodOptions || r.Method == http.MethodTrace
	return r.Navigation && safe
}

// pair writes a cookie for the header: without a name only the value (5.8.3 step 5).
func (p Profile) pair(c *Cookie) string {
	value := c.Value
	if p.does(lossyValues) && !utf8.ValidString(value) {
		value, _ = unicode.UTF8.NewDecoder().String(value) // never fails: it puts U+FFFD
	}
	if c.Name == "" {
		return value
	}
	return c.Name + "=" + value
}
