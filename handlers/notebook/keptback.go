// Cookies that the browser kept back: the notebook saw them set, and this request did not
// bring them. The reason is shown if the request tells it, and is never guessed.

package notebook

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/sessions"
)

// KeptBack is a lane's cookie that this browser was given, and did not send.
type KeptBack struct {
	Lane, Name string         // the lane's ID, and the cookie's name
	Reason     locale.Message // why
}

// keptBack finds the lanes' cookies that this browser was given, and did not send.
func (o *Opener) keptBack(r *http.Request, n *Notebook) []KeptBack {
	var back []KeptBack
	for _, lane := range o.Lanes.Cookies {
		name := lane.Cookie().Name
		if len(sessions.RawCookies(r, name)) > 0 {
			continue
		}
		if a, ok := n.Attributes(lane.ID()); ok {
			back = append(back, KeptBack{lane.ID(), name, whyKeptBack(a, r, o.Clock.Now())})
		}
	}
	return back
}

// KeptBackGroup holds the cookies that were kept back for one reason.
type KeptBackGroup struct {
	Code    string // of the reason: "home_reason.path"
	Reason  string // in words
	Cookies []KeptBack
}

// ByReason groups cookies by the reason for which they were kept back, in their order.
func ByReason(w *locale.Printer, back []KeptBack) (groups []KeptBackGroup) {
	for _, one := range back {
		reason := w.Say(one.Reason)
		i := slices.IndexFunc(groups, func(g KeptBackGroup) bool { return g.Reason == reason })
		if i < 0 {
			i, groups = len(groups), append(groups, KeptBackGroup{Code: one.Reason.ID, Reason: reason})
		}
		groups[i].Cookies = append(groups[i].Cookies, one)
	}
	return groups
}

// whyKeptBack returns why a browser did not send a cookie: its time is over, or its path or
// SameSite excludes the request, in the order of RFC 6265bis section 5.8.3.
func whyKeptBack(a Attributes, r *http.Request, at time.Time) locale.Message {
	until := a.BrowserExpires()
	switch {
	case until != nil && !until.After(at):
		return locale.Msg("home_reason.over")
	case !pathMatches(a.Path, r.URL.Path):
		return locale.Msg("home_reason.path", locale.Args{"Path": a.Path, "Asked": strings.Clone(markup.Clip(r.URL.Path, markup.MaxValueText))})
	case a.SameSite == "Strict" && r.Header.Get("Sec-Fetch-Site") == "cross-site":
		return locale.Msg("home_reason.strict")
	default:
		return locale.Msg("home_reason.unknown")
	}
}

// pathMatches is the path-match of RFC 6265bis section 5.1.4.
func pathMatches(cookie, request string) bool {
	return request == cookie || strings.HasPrefix(request, cookie) && (strings.HasSuffix(cookie, "/") || request[len(cookie)] == '/')
}
