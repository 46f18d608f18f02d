// Package lanes holds the four ways to remember a visitor, and what each concludes about
// a request; also what anybody can do to their values. A page says "way"; lane is the word
// of the code.
package lanes

import (
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/sessions"
)

// Lane is one way to remember a visitor. The four lie side by side in plain.go, signed.go,
// session.go and token.go, and read alike from top to bottom.
type Lane interface {
	// ID returns the lane's name in code, in URLs and in the API: [Plain], [Signed], [Session]
	// or [Token].
	ID() string
	// Remember makes the reply carry who somebody is. The server believes it for age.
	Remember(c echo.Context, who Identity, age time.Duration) error
	// Recall returns what the request tells by this lane alone. Anything that came, and also
	// nothing, is a finding. The error is that of a store that does not answer.
	Recall(c echo.Context) (Finding, error)
	// Forget makes the reply end what can be ended: the browser's copy, and the record on the
	// server if there is one.
	Forget(c echo.Context) error
}

// CookieLane is a lane whose value travels in a cookie, so browsers send it by themselves.
// The dashboard shows these lanes.
type CookieLane interface {
	Lane
	// Cookie returns the name and the attributes of the lane's cookie.
	Cookie() sessions.Options
}

// The lanes' IDs, in the order in which they always stand.
const (
	Plain   = "plain"
	Signed  = "signed"
	Session = "session"
	Token   = "token"
)

// Identity is who somebody is, or claims to be.
type Identity struct {
	User string
	Role string
}

// The two roles. Doors open for a teacher only.
const (
	RoleStudent = "student"
	RoleTeacher = "teacher"
)

// Verdict is what a lane concludes about a request.
type Verdict string

// All verdicts. The session lane says Found where the signed lane says Verified: the first
// has looked up a record, the second has only checked a seal.
const (
	Absent     Verdict = "absent"     // nothing came
	Believed   Verdict = "believed"   // nobody checked
	Verified   Verdict = "verified"   // the MAC holds
	Found      Verdict = "found"      // a live record
	Tampered   Verdict = "tampered"   // the MAC does not fit
	Expired    Verdict = "expired"    // too old by the server's clock
	Unknown    Verdict = "unknown"    // no such record
	Unreadable Verdict = "unreadable" // not in the expected format
)

// Accepted reports whether the lane recognises the visitor: Believed, Verified or Found.
func (v Verdict) Accepted() bool { return v == Believed || v == Verified || v == Found }

// Finding is what a lane concludes about one request, and why.
type Finding struct {
	Lane    string // its ID
	Cookie  string // the cookie's name; "": the lane has none
	Sent    bool   // a value came with the request
	Value   string // as it is judged; always "" for a token, which is shown once only
	Raw     string // as it came, also with the quotes that some programs put around it
	Others  int    // further cookies of the same name, which do not count
	Verdict Verdict
	Who     Identity // the zero Identity if nobody is recognised
	Reason  locale.Message
	Checks  []Check

	// Expires is when the server stops believing the value; zero if it never does, and if it
	// does not believe it.
	Expires time.Time
	// Record is what the session or the token lane found, live or expired.
	Record *sessions.Record
}

// Check is one thing a lane looked at, in the order of looking. The first that
// fails decides the verdict.
type Check struct {
	Name   string // such as "seal"; the ID of its label is "check.seal"
	OK     bool
	Detail locale.Message
}

// Title returns the check in words.
func (c Check) Title() locale.Message { return locale.Msg("check." + c.Name) }

// FailedCheck returns the check that decided against the visitor; ok is false if none did.
func (f Finding) FailedCheck() (failed Check, ok bool) {
	for _, check := range f.Checks {
		if !check.OK {
			return check, true
		}
	}
	return Check{}, false
}

// Reached reports whether the lane made a check, whether or not it passed.
func (f Finding) Reached(name string) bool {
	return slices.ContainsFunc(f.Checks, func(c Check) bool { return c.Name == name })
}

// newFinding begins a cookie lane's Recall. It checks whether a cookie of this name came, and
// whether net/http can read it. readable is false if there is no value to judge.
func newFinding(c echo.Context, lane CookieLane) (f Finding, readable bool) {
	f = Finding{Lane: lane.ID(), Cookie: lane.Cookie().Name}
	raw := sessions.RawCookies(c.Request(), f.Cookie)
	if f.Sent = len(raw) > 0; !f.Sent {
		f.check("came", false, locale.Msg("came.no", locale.Args{"Cookie": f.Cookie}))
		return f.conclude(Absent, Identity{}), false
	}
	f.Raw, f.Others = raw[0], len(raw)-1
	values := sessions.ReadCookies(c.Request(), f.Cookie)
	if len(values) == 0 {
		f.check("came", true, locale.Msg("came.yes", locale.Args{"Cookie": f.Cookie}))
		if len(c.Request().Cookies()) == 0 && strings.Count(c.Request().Header.Get("Cookie"), ";") >= maxPairs {
			f.check("count", false, locale.Msg("count.no", locale.Args{"Limit": maxPairs}))
		} else {
			f.check("characters", false, locale.Msg("characters.no"))
		}
		return f.conclude(Unreadable, Identity{}), false
	}
	f.Value = values[0]
	came := locale.Msg("came.yes", locale.Args{"Cookie": f.Cookie})
	if f.Raw == `"`+f.Value+`"` {
		came = locale.Msg("came.quoted", locale.Args{"Cookie": f.Cookie})
	}
	f.check("came", true, came)
	return f, true
}

// maxPairs is how many cookies net/http reads in one request. If more come, it reads none.
const maxPairs = 3000

// check notes one check and returns its outcome.
func (f *Finding) check(name string, ok bool, detail locale.Message) bool {
	f.Checks = append(f.Checks, Check{Name: name, OK: ok, Detail: detail})
	return ok
}

// conclude ends every Recall. The reason is the detail of the check that failed, or else what
// the verdict means.
func (f Finding) conclude(v Verdict, who Identity) Finding {
	f.Verdict, f.Who, f.Reason = v, who, locale.Msg("reason."+string(v))
	if failed, ok := f.FailedCheck(); ok {
		f.Reason = failed.Detail
	}
	if f.Others > 0 {
		f.Reason = locale.Msg("reason.others", locale.Args{"Reason": f.Reason, "Count": f.Others, "Cookie": f.Cookie})
	}
	return f
}

// cookie returns the attributes of the plain lane's cookie and of the signed lane's: for
// every path of this host, and SameSite=Lax.
func cookie(name string, httpOnly bool) sessions.Options {
	return sessions.Options{Name: name, Path: "/", HTTPOnly: httpOnly, SameSite: http.SameSiteLaxMode}
}

// SetCookie makes the reply set a lane's cookie, from the instant at and for age; 0: until
// the browser is closed. The error is [sessions.ErrTooLarge] if no browser would keep it.
func SetCookie(c echo.Context, lane CookieLane, value string, age time.Duration, at time.Time) error {
	return sessions.Cookie(lane.Cookie()).Write(c.Response().Header(), value, age, at)
}

// EraseLine makes the reply delete a cookie by its name, path and domain, by which browsers
// tell cookies apart (RFC 6265bis section 5.7).
func EraseLine(c echo.Context, cookie *http.Cookie) {
	gone := *cookie
	gone.MaxAge, gone.Expires = -1, markup.Epoch
	c.SetCookie(&gone)
}

// EraseCookie makes the reply delete a lane's cookie, as the lane sets it.
func EraseCookie(c echo.Context, lane CookieLane) {
	sessions.Cookie(lane.Cookie()).Erase(c.Response().Header())
}

// WhoIs returns an identity as a page shows it, such as "alice · student"; "" for nobody.
func WhoIs(who Identity) template.HTML {
	if who.User == "" {
		return ""
	}
	var m markup.Writer
	m.Raw("<bdi>")
	m.Text(who.User)
	m.Raw("</bdi>")
	if who.Role != "" {
		m.Raw(" · <bdi>")
		m.Text(who.Role)
		m.Raw("</bdi>")
	}
	return template.HTML(m.String())
}

// VerdictMarks are the marks that stand beside verdicts on a page. That of Believed is a
// question mark, because it is a warning and no success. Nobody changes the map.
var VerdictMarks = map[Verdict]string{
	Absent: "○", Believed: "?", Verified: "✓", Found: "✓", Tampered: "✗", Expired: "◷", Unknown: "✗", Unreadable: "✗",
}

// OpensDoor is the rule of every door: the lane recognises the visitor as a teacher.
func (f Finding) OpensDoor() bool { return f.Verdict.Accepted() && f.Who.Role == RoleTeacher }

// CSSClass returns the class that gives a lane's cookie its colour. The lane "" stands for
// the notebook.
func CSSClass(lane string) string {
	if lane == "" {
		return "notebook"
	}
	return "lane-" + lane
}
