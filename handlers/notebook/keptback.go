// Cookies that stayed home: the notebook saw them set, and this request did not
// bring them. The reason is shown where the request makes it knowable, and
// never guessed.

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

// KeptBack is one cookie that did not come.
type KeptBack struct {
	Lane, Name string
	Reason     locale.Message
}

// stayedHome finds the lanes' cookies that this browser was given and that this
// request did not bring.
func (o *Opener) keptBack(r *http.Request, n *Notebook) []KeptBack {
	var kept []KeptBack
	for _, lane := range o.Lanes.Cookies {
		name := lane.Cookie().Name
		if len(sessions.RawCookies(r, name)) > 0 {
			continue
		}
		if a, ok := n.Attributes(lane.ID()); ok {
			kept = append(kept, KeptBack{lane.ID(), name, whyKeptBack(a, r, o.Clock.Now())})
		}
	}
	return kept
}

// StayedGroup is what stayed home for one reason.
type KeptBackGroup struct {
	Code    string // of the reason: "home_reason.path"
	Reason  string
	Cookies []KeptBack
}

// ByReason puts together what stayed home for the same reason.
func ByReason(w *locale.Printer, kept []KeptBack) (groups []KeptBackGroup) {
	for _, one := range kept {
		reason := w.Say(one.Reason)
		i := slices.IndexFunc(groups, func(g KeptBackGroup) bool { return g.Reason == reason })
		if i < 0 {
			i, groups = len(groups), append(groups, KeptBackGroup{Code: one.Reason.ID, Reason: reason})
		}
		groups[i].Cookies = append(groups[i].Cookies, one)
	}
	return groups
}

// whyHome names what kept a cookie at home, by the order of RFC 6265bis 5.8.3:
// its path, the site that began the request, and before those its own end.
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

// pathMatches is the path-match of RFC 6265bis 5.1.4.
func pathMatches(cookie, request string) bool {
	return request == cookie || strings.HasPrefix(request, cookie) && (strings.HasSuffix(cookie, "/") || request[len(cookie)] == '/')
}
