// Package browser is a model of the browser's half of cookies: what becomes of a
// Set-Cookie line, and which cookies go with a request. It follows RFC 6265bis
// (draft-ietf-httpbis-rfc6265bis of 2026-01-07; its section numbers stand here
// and in every answer) and knows in what two browsers differ from it.
//
//	jar := browser.New(browser.Firefox)
//	at, err := browser.ParseURL("http://localhost/login")
//	…
//	verdicts := jar.Receive(browser.Response{URL: at, SetCookie: []string{"id=1; Secure"}, Now: now})
//	sent := jar.Send(browser.Request{URL: at, Now: now, Context: browser.Typed})
//
// Nothing in net/http does this: it reads cookies as a server, and its CookieJar
// leaves out what a browser refuses.
//
// A verdict is read in receive.go from top to bottom; checks.go has the rules by
// which a cookie is refused, differences.go what each browser does otherwise, and
// send.go what travels.
package browser

import (
	"slices"
	"time"
)

// Profile is whose rules apply.
type Profile string

const (
	Draft    Profile = "draft"    // RFC 6265bis to the letter; what it leaves open as noted in differences.go
	Chromium Profile = "chromium" // as measured on Chromium 156.0.8078.79 and .108, Debian 12
	Firefox  Profile = "firefox"  // as measured on Firefox 153.7.0 ESR, Debian 12
)

// Profiles are all there are, the draft first.
func Profiles() []Profile { return []Profile{Draft, Chromium, Firefox} }

// MaxAge is the longest life of a cookie: 400 days (RFC 6265bis 5.5).
const MaxAge = 400 * 24 * time.Hour

// MaxPair is how many bytes a name and its value may have together, and
// MaxAttribute the value of an attribute (RFC 6265bis 5.6).
const (
	MaxPair      = 4096
	MaxAttribute = 1024
)

// Cookie is a cookie in the jar.
type Cookie struct {
	Name, Value string // bytes as they came, not always UTF-8
	Domain      string // no leading dot
	HostOnly    bool   // goes to exactly Domain; else to the hosts below it, too
	Path        string
	Expires     time.Time // zero: when the browser session ends
	Secure      bool
	HTTPOnly    bool
	SameSite    string // "Strict", "Lax", "None", "": not given (RFC: "Default")
	Partition   string // the top-level site in whose jar it lies; "": the jar of all
	Partitioned bool   // asked to lie there (CHIPS)
	Priority    string // "Low", "Medium", "High": Chromium only

	Created time.Time
	number  int    // counts creations: the order among cookies created at one moment
	used    int    // the last use: its number, or its time
	site    string // whose cookies it counts among, whatever its host
}

// Same reports whether two cookies are one, but for what they say: whether one takes
// the other's place (RFC 6265bis 5.7, step 23).
func (c Cookie) Same(as Cookie) bool { return c.same(&as) }

// same compares first what differs most often.
func (c *Cookie) same(as *Cookie) bool {
	return c.Name == as.Name && c.Path == as.Path && c.Domain == as.Domain && c.HostOnly == as.HostOnly && c.Partition == as.Partition
}

// size counts against [MaxPair].
func (c *Cookie) size() int { return len(c.Name) + len(c.Value) }

func (c *Cookie) expired(now time.Time) bool { return !c.Expires.IsZero() && !c.Expires.After(now) }

// Jar is the cookie jar of one browser. It is not safe for several goroutines.
type Jar struct {
	// ThirdParty lets cookies without a partition travel in third-party requests.
	// It is off in the Chromium that was measured, by default; Firefox partitions
	// them instead, and the draft allows them, so there it does not matter.
	ThirdParty bool

	profile Profile
	cookies []*Cookie
	counter int
	moment  int // that of the last response or script
}

// New makes an empty jar.
func New(profile Profile) *Jar { return &Jar{profile: profile} }

// Cookies are all cookies that have not expired, the oldest first.
func (j *Jar) Cookies(now time.Time) []Cookie {
	var all []Cookie
	for _, c := range j.cookies {
		if !c.expired(now) {
			all = append(all, *c)
		}
	}
	slices.SortStableFunc(all, func(a, b Cookie) int { return a.number - b.number })
	return all
}

// next numbers what happens in the jar.
func (j *Jar) next() int {
	j.counter++
	return j.counter
}

// remove takes a cookie out of the jar.
func (j *Jar) remove(c *Cookie) {
	j.cookies = slices.DeleteFunc(j.cookies, func(other *Cookie) bool { return other == c })
}

// Context is how a request came about.
type Context struct {
	From       *URL   // the page that began it; nil: nobody did, the address was typed or is a bookmark
	Method     string // "": GET
	Navigation bool   // of the top level: the address bar will show it
	Via        []URL  // addresses that redirected to this one, the first first
}

// Typed is the context of an address that was typed.
var Typed = Context{Navigation: true}

// Rule is why something happened: its name, the section of RFC 6265bis (or of
// what else says so; [Measured] if nothing does), and the one thing that it is
// about, such as an attribute.
type Rule struct {
	ID      string
	Section string
	About   string
}

// Measured is the section of a rule that no text has: a browser was seen to follow
// it, see differences.go.
const Measured = "measured"
