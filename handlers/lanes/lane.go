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

// Lane is one way to remember a visitor. Read its files side by side, top to
// bottom: plain.go, signed.go, session.go, token.go.
type Lane interface {
	// ID names the lane in code, in URLs and in the API.
	ID() string
	// Remember makes the reply carry who this is, for a while.
	Remember(c echo.Context, who Identity, age time.Duration) error
	// Recall says what the request tells by this lane alone. Whatever came is
	// a finding; an error means that the server could not look.
	Recall(c echo.Context) (Finding, error)
	// Forget ends what can be ended: the browser's copy always, the server's
	// half where there is one.
	Forget(c echo.Context) error
}

// CookieLane is a lane that browsers take part in: what it gives them travels in
// a cookie. These stand on the dashboard.
type CookieLane interface {
	Lane
	// Cookie is the name and the attributes of the cookie it uses.
	Cookie() sessions.Options
}

// The lanes' names, in the order in which they always stand.
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

// The two roles. Doors open for a teacher.
const (
	RoleStudent = "student"
	RoleTeacher = "teacher"
)

// Verdict is what a lane concludes.
type Verdict string

// All verdicts. The session lane says Found where the signed one says
// Verified: one looked a record up, the other only checked a seal.
const (
	Absent     Verdict = "absent"     // nothing came
	Believed   Verdict = "believed"   // nobody checked
	Verified   Verdict = "verified"   // the MAC holds
	Found      Verdict = "found"      // a live record
	Tampered   Verdict = "tampered"   // the MAC does not fit
	Expired    Verdict = "expired"    // too old by the server's clock
	Unknown    Verdict = "unknown"    // no such record
	Unreadable Verdict = "unreadable" // not in the expected form
)

// Accepted reports whether the lane takes the visitor for somebody.
func (v Verdict) Accepted() bool { return v == Believed || v == Verified || v == Found }

// Finding is what a lane concludes about one request: verdict, who, each
// check, why.
type Finding struct {
	Lane    string
	Cookie  string // the cookie's name; "": the lane has none
	Sent    bool   // it came with the request
	Value   string // as it is judged; never a token, which is shown once only
	Raw     string // as it came: with the quotes that some programs put around it
	Others  int    // further cookies of the same name, which do not count
	Verdict Verdict
	Who     Identity // empty where nobody is recognised
	Reason  locale.Message
	Checks  []Check

	// Expires is when the server stops believing; zero: it never does, or
	// there is nothing to stop.
	Expires time.Time
	// Record is what the session or the token lane found, live or expired.
	Record *sessions.Record
}

// Check is one thing a lane looked at, in the order of looking. The first that
// fails decides the verdict.
type Check struct {
	Name   string // "seal"; its words are "check.seal"
	OK     bool
	Detail locale.Message
}

// Title is the check in words.
func (c Check) Title() locale.Message { return locale.Msg("check." + c.Name) }

// FailedCheck is the check that decided against the visitor; ok is false when
// none did.
func (f Finding) FailedCheck() (failed Check, ok bool) {
	for _, check := range f.Checks {
		if !check.OK {
			return check, true
		}
	}
	return Check{}, false
}

// Reached reports whether the lane came as far as a check, passed or not.
func (f Finding) Reached(name string) bool {
	return slices.ContainsFunc(f.Checks, func(c Check) bool { return c.Name == name })
}

// newFinding begins a cookie lane's Recall: did a cookie of this name come at all, and
// one that can be a cookie? readable is false where there is nothing to judge.
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

// maxPairs is how many cookies net/http reads in one request; of more, none.
const maxPairs = 3000

// check notes one check and returns its outcome.
func (f *Finding) check(name string, ok bool, detail locale.Message) bool {
	f.Checks = append(f.Checks, Check{Name: name, OK: ok, Detail: detail})
	return ok
}

// conclude ends every Recall. The reason is the check that failed, or else
// what the verdict means.
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

// cookie is a cookie as the plain and the signed lane have it: on every path
// of this host, and Lax.
func cookie(name string, httpOnly bool) sessions.Options {
	return sessions.Options{Name: name, Path: "/", HTTPOnly: httpOnly, SameSite: http.SameSiteLaxMode}
}

// SetCookie makes the reply set a lane's cookie, for age; 0: until the browser
// is closed. ErrTooLarge when no browser would keep it.
func SetCookie(c echo.Context, lane CookieLane, value string, age time.Duration, at time.Time) error {
	return sessions.Cookie(lane.Cookie()).Write(c.Response().Header(), value, age, at)
}

// EraseLine makes the reply delete any cookie, by its name, path and domain.
func EraseLine(c echo.Context, cookie *http.Cookie) {
	gone := *cookie
	gone.MaxAge, gone.Expires = -1, markup.Epoch
	c.SetCookie(&gone)
}

// EraseCookie makes the reply delete a lane's cookie.
func EraseCookie(c echo.Context, lane CookieLane) {
	sessions.Cookie(lane.Cookie()).Erase(c.Response().Header())
}

// WhoIs is "alice · student", wherever it is kept; "" for nobody.
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

// VerdictMarks stand beside a verdict's word. Believed is a warning, not a
// success.
var VerdictMarks = map[Verdict]string{
	Absent: "○", Believed: "?", Verified: "✓", Found: "✓", Tampered: "✗", Expired: "◷", Unknown: "✗", Unreadable: "✗",
}

// OpensDoor is the rule of every door: the way took the visitor for a teacher.
func (f Finding) OpensDoor() bool { return f.Verdict.Accepted() && f.Who.Role == RoleTeacher }

// WayClass is the class that gives a cookie its colour.
func WayClass(lane string) string {
	if lane == "" {
		return "notebook"
	}
	return "lane-" + lane
}
