// Options: what a program chooses about its session cookie, checked at start.

package sessions

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// ErrOption: an option has a value that cannot work. The error is an
// [OptionError], which names it.
var ErrOption = errors.New("sessions: bad option")

// OptionError names an option and says why its value cannot work. It is an
// [ErrOption] to errors.Is.
type OptionError struct {
	Option string // the name of the field
	Reason string
}

// Error is one line with both.
func (e *OptionError) Error() string { return ErrOption.Error() + ": " + e.Option + ": " + e.Reason }

// Is makes every OptionError an [ErrOption].
func (e *OptionError) Is(target error) bool { return target == ErrOption }

// Options of a [Manager]. Start from [DefaultOptions]: false and "" are
// choices too. In brackets the Django setting that each one stands for.
type Options struct {
	// Name of the cookie, a token of RFC 6265bis 4.1.1; default "sessionid"
	// [SESSION_COOKIE_NAME].
	Name string
	// Path the cookie is sent to; default "/" [SESSION_COOKIE_PATH].
	Path string
	// Domain that may see the cookie; default "", this host alone
	// [SESSION_COOKIE_DOMAIN].
	Domain string
	// Secure keeps the cookie off plain HTTP; default false, as for a program
	// without TLS; set it wherever there is TLS [SESSION_COOKIE_SECURE].
	Secure bool
	// HTTPOnly hides the cookie from scripts; default true
	// [SESSION_COOKIE_HTTPONLY].
	HTTPOnly bool
	// SameSite is when requests from other sites carry it; default Lax
	// [SESSION_COOKIE_SAMESITE].
	SameSite http.SameSite
	// Age is how long a session lives after it was last saved; default two
	// weeks, whole seconds [SESSION_COOKIE_AGE].
	Age time.Duration
	// ExpireAtBrowserClose leaves Max-Age and Expires out of the cookie; the
	// record still lives for Age; default false
	// [SESSION_EXPIRE_AT_BROWSER_CLOSE].
	ExpireAtBrowserClose bool
	// SaveEveryRequest saves a session that was only looked at, so that its
	// expiry slides with every visit; default false
	// [SESSION_SAVE_EVERY_REQUEST].
	SaveEveryRequest bool
	// DropRejected deletes a cookie whose value is unknown, expired or
	// malformed as soon as it is read, as Django does. Default false: it stays
	// until a login, a logout or a write, so that a visit to a server which
	// does not share the store costs nobody their session.
	DropRejected bool
	// FollowReplaced saves what a request changed also if another request gave the
	// session a new key meanwhile. It is saved under the new key, which this request
	// neither sees nor tells its client. Default false: such a save is [ErrEnded]. A
	// request that comes with the old key later has no session in either case, and a
	// [Session.CycleKey] in this request is [ErrEnded] in either case: see [Changes].
	FollowReplaced bool
	// Quota is how many sessions, and how many bytes of their data, the store may
	// hold of those that belong to no user, for this engine's purpose. Beyond it,
	// those saved longest ago are removed; for a moment there may be a quarter more.
	// Default (a zero field): 20,000 records, 64 MB. Sessions of users are neither
	// counted nor removed.
	Quota Quota
	// Carrier is how the value travels; default the cookie described above.
	Carrier Carrier
	// Clock tells the time; default time.Now.
	Clock Clock
	// Logger hears of stored data that cannot be read; default slog.Default.
	Logger *slog.Logger
}

// DefaultOptions are Django's defaults.
func DefaultOptions() Options {
	return Options{
		Name: "sessionid", Path: "/", HTTPOnly: true,
		SameSite: http.SameSiteLaxMode, Age: 14 * 24 * time.Hour,
	}
}

// MaxAge is the longest Age: browsers cut a cookie's life to 400 days (RFC
// 6265bis 5.5).
const MaxAge = 400 * 24 * time.Hour

// Validate reports the first option that a browser would refuse or that means
// nothing, as an error that wraps [ErrOption].
func (o Options) Validate() error {
	bad := func(name, format string, args ...any) error {
		return &OptionError{name, fmt.Sprintf(format, args...)}
	}
	prefix := func(p string) bool {
		return len(o.Name) >= len(p) && strings.EqualFold(o.Name[:len(p)], p)
	}
	switch probe := (&http.Cookie{Name: o.Name, Value: "v"}); {
	case probe.Valid() != nil:
		return bad("Name", "%q is no cookie name", o.Name)
	case !strings.HasPrefix(o.Path, "/"):
		return bad("Path", "%q must begin with /", o.Path)
	case (&http.Cookie{Name: "n", Value: "v", Path: o.Path}).Valid() != nil:
		return bad("Path", "%q has a character that no attribute can have", o.Path)
	case o.Domain != "" && (&http.Cookie{Name: "n", Value: "v", Domain: o.Domain}).Valid() != nil:
		return bad("Domain", "%q is no domain", o.Domain)
	case o.Age < time.Second || o.Age > MaxAge || o.Age%time.Second != 0:
		return bad("Age", "%v must be whole seconds, from one to 400 days", o.Age)
	case o.Quota.Records < 0 || o.Quota.Bytes < 0:
		return bad("Quota", "%+v is negative", o.Quota)
	case o.SameSite != http.SameSiteLaxMode && o.SameSite != http.SameSiteStrictMode && o.SameSite != http.SameSiteNoneMode:
		return bad("SameSite", "must be Lax, Strict or None")
	case o.SameSite == http.SameSiteNoneMode && !o.Secure:
		return bad("SameSite", "None needs Secure, or browsers drop the cookie")
	case prefix("__Secure-") && !o.Secure:
		return bad("Name", "%q needs Secure, or browsers drop the cookie", o.Name)
	case prefix("__Host-") && (!o.Secure || o.Path != "/" || o.Domain != ""):
		return bad("Name", "%q needs Secure, Path=/ and no Domain, or browsers drop the cookie", o.Name)
	}
	return nil
}
