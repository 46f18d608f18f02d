// What a page says: parts of its HTML, and what must be true of each.

package webtest

import (
	"html"
	"html/template"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// Guarded complains of a reply that lacks what every reply must have.
func Guarded(t *testing.T, r Reply) {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
			"form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
		"Referrer-Policy":              "same-origin",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy":           "camera=(), geolocation=(), microphone=()",
	} {
		if got := r.Header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
	// Nothing for other origins to read, nothing that outlives the lab on
	// localhost, where all ports share it, nothing that tells of what runs here.
	for name := range r.Header {
		if strings.HasPrefix(name, "Access-Control-") ||
			slices.Contains([]string{"Strict-Transport-Security", "Clear-Site-Data", "Server", "X-Powered-By", "X-Xss-Protection"}, name) {
			t.Errorf("%s is sent: %q", name, r.Header[name])
		}
	}
	if kind := r.Header.Get("Content-Type"); r.Body != "" && kind == "" {
		t.Errorf("a body of no type: %.80q", r.Body)
	} else if strings.HasPrefix(kind, "text/") && !strings.Contains(strings.ToLower(kind), "charset=utf-8") {
		t.Errorf("Content-Type %q names no charset", kind)
	}
	if static := strings.HasPrefix(r.Header.Get("Cache-Control"), "public"); static {
		if len(r.Cookies) > 0 || r.Header.Get("Vary") != "" {
			t.Errorf("may be kept for everybody, and sets %v, varies by %q", r.Cookies, r.Header.Get("Vary"))
		}
	} else if r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("Vary") != "Cookie, Accept-Language" {
		t.Errorf("Cache-Control %q, Vary %q", r.Header.Get("Cache-Control"), r.Header.Values("Vary"))
	}
}

var ownNames = regexp.MustCompile(`^http://((\w+\.)*localhost|127\.0\.0\.1|\[::1\]|%5b::1%5d|\[::ffff:7f00:1\]):\d+/(reset|lessons/scope#[\w-]+|play/[\w/?&=]*)$`)

// tag is one tag of a page; its attributes are those in double quotes, as a
// template writes them.
type tag struct {
	name       string
	Attributes [][2]string // name, value as text
}

// TagsIn are the tags of a page in their order.
func TagsIn(page string) (tags []tag) {
	for part := range strings.SplitSeq(page, "<") {
		text, _, _ := strings.Cut(part, ">")
		name, rest, _ := strings.Cut(text, " ")
		one := tag{name: strings.ToLower(name)}
		for {
			before, after, more := strings.Cut(rest, `="`)
			if !more {
				break
			}
			var value string
			value, rest, _ = strings.Cut(after, `"`)
			one.Attributes = append(one.Attributes, [2]string{strings.ToLower(before[strings.LastIndexAny(before, " \n\t")+1:]), html.UnescapeString(value)})
		}
		tags = append(tags, one)
	}
	return tags
}

// Live is what on a page could act or be fetched from elsewhere: "" for none.
func Live(page string) string {
	for _, tag := range TagsIn(page) {
		var src string
		for _, a := range tag.Attributes {
			name, value := a[0], strings.TrimSpace(strings.ToLower(a[1]))
			switch {
			case name == "style", strings.HasPrefix(name, "on"):
				return tag.name + " " + name
			case name == "href", name == "src", name == "action":
				if src = value; !strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "#") && !ownNames.MatchString(value) || strings.HasPrefix(value, "//") {
					return tag.name + " " + name + " " + value
				}
			}
		}
		switch tag.name {
		case "script":
			if src == "" {
				return "an inline script"
			}
		case "style", "iframe", "object", "embed", "base", "img":
			return tag.name
		}
	}
	return ""
}

// MarkupIn is all tags.
var MarkupIn = regexp.MustCompile(`<[^>]*>`)

// Part is the text of the element with an id, up to a closing tag.
func Part(t testing.TB, page, id, end string) string {
	t.Helper()
	_, from, ok := strings.Cut(page, ` id="`+id+`"`)
	text, _, closed := strings.Cut(from, end)
	if !ok || !closed {
		t.Fatalf("the page has no %s", id)
	}
	_, text, _ = strings.Cut(text, ">")
	return strings.Join(strings.Fields(html.UnescapeString(MarkupIn.ReplaceAllString(text, " "))), " ")
}

// words are the text of a piece of a page.
func TextIn(markup string) string {
	return strings.Join(strings.Fields(html.UnescapeString(anyTag.ReplaceAllString(markup, ""))), " ")
}

var anyTag = regexp.MustCompile(`<[^>]*>`)

// Escaped is a text as a page has it.
func Escaped(text string) string { return template.HTMLEscapeString(text) }

// plainAnswer complains of an answer that sets cookies or may be kept.
func plainAnswer(t *testing.T, what string, r Reply) {
	t.Helper()
	if len(r.Header["Set-Cookie"]) > 0 || r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s sets %q, Cache-Control %q", what, r.Header["Set-Cookie"], r.Header.Get("Cache-Control"))
	}
	if !strings.Contains(strings.Join(r.Header.Values("Vary"), ","), "Authorization") {
		t.Errorf("%s varies by %q", what, r.Header.Values("Vary"))
	}
}

// IsNobody complains of anything but the one answer that everybody gets who is not known.
func IsNobody(t *testing.T, what string, r Reply) {
	t.Helper()
	const want = `{"error":"not_authenticated","message":"This address answers to those it knows: send a live session’s cookie, or a live token as Authorization: Token …"}`
	if r.Status != http.StatusUnauthorized || strings.TrimSpace(r.Body) != want {
		t.Errorf("%s is answered %d %s", what, r.Status, r.Body)
	}
	if got := r.Header.Get("WWW-Authenticate"); got != "Token" {
		t.Errorf("%s: WWW-Authenticate is %q", what, got)
	}
	plainAnswer(t, what, r)
}

// IsAlice complains unless the answer says that this is alice, by that lane.
func IsAlice(t *testing.T, what string, r Reply, auth string) {
	t.Helper()
	if want := `{"user":"alice","role":"student","auth":"` + auth + `"}`; r.Status != http.StatusOK || strings.TrimSpace(r.Body) != want {
		t.Errorf("%s is answered %d %s, not %s", what, r.Status, r.Body, want)
	}
	plainAnswer(t, what, r)
}

// Await waits for what another goroutine is about to do.
func Await(t *testing.T, otherwise string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(otherwise)
		}
	}
}

// InOrder complains unless texts has these among its own, in this order.
func InOrder(t *testing.T, what string, texts []string, want ...string) {
	t.Helper()
	rest := texts
	for _, text := range want {
		at := slices.IndexFunc(rest, func(s string) bool { return strings.Contains(s, text) })
		if at < 0 {
			t.Errorf("%s: no %q where it should be in %q", what, text, texts)
			return
		}
		rest = rest[at+1:]
	}
}

var item = regexp.MustCompile(`(?s)<li class="exchange[^"]*" id="exchange-(\d+)".*?</details>\s*</li>`)

// Items are the page's exchanges in their order, by number.
func Items(page string) (numbers, texts []string) {
	for _, found := range item.FindAllStringSubmatch(page, -1) {
		numbers, texts = append(numbers, found[1]), append(texts, found[0])
	}
	return numbers, texts
}

// NextIn is the address of the next page, as this page links to it; "": there is none.
func NextIn(t *testing.T, page string) string {
	t.Helper()
	match := regexp.MustCompile(`href="([^"]*)" rel="next"`).FindStringSubmatch(page)
	if match == nil {
		return ""
	}
	return strings.TrimSuffix(html.UnescapeString(match[1]), "#mine")
}

// place is what a translation must have as well: places, actions and tags.
var place = regexp.MustCompile(`\{\{.*?\}\}|\{\w+\}|</?\w+[^>]*>`)

// Parts are the places, actions and tags in a label, sorted.
func Parts(text string) []string {
	found := place.FindAllString(text, -1)
	slices.Sort(found)
	return found
}

// Unavailable is what a page says while the store of sessions cannot be reached.
const Unavailable = "The server cannot reach the place where sessions lie, so it cannot say who you are. Try again in a few seconds."

// part is the text of the element with an id, its tags taken out.
func (r Reply) part(id string) string {
	_, rest, found := strings.Cut(r.Body, ` id="`+id+`"`)
	if !found {
		return ""
	}
	_, rest, _ = strings.Cut(rest, ">")
	for _, end := range []string{"</dd>", "</p>", "</table>"} {
		if before, _, ok := strings.Cut(rest, end); ok && len(before) < len(rest) {
			rest = before
		}
	}
	text := html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(rest, " "))
	return strings.Join(strings.Fields(text), " ")
}

// Holds complains unless the element says all of this, in this order.
func (r Reply) Holds(t *testing.T, id string, want ...string) {
	t.Helper()
	rest := r.part(id)
	for _, words := range want {
		at := strings.Index(rest, words)
		if at < 0 {
			t.Errorf("%s says %q, not %q", id, r.part(id), want)
			return
		}
		rest = rest[at+len(words):]
	}
}

// Presets are the names of the lines with which the composer can begin, in order.
func (c *Client) Presets() (names []string) {
	c.Server.t.Helper()
	for _, link := range regexp.MustCompile(`href="/composer\?preset=([^"]+)"`).FindAllStringSubmatch(c.Get("/composer").Body, -1) {
		names = append(names, link[1])
	}
	if len(names) == 0 {
		c.Server.t.Fatal("the composer offers no line to begin with")
	}
	return names
}
