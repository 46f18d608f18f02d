// The draft's profile, line by line, against RFC 6265bis; and what holds for all
// profiles. The browsers' profiles are held against the browsers themselves, see
// handlers/predict_browser_test.go.

package browser_test

import (
	"strings"
	"testing"
	"time"

	"cookielab/sessions/browser"
)

var now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func at(t testing.TB, raw string) browser.URL {
	t.Helper()
	url, err := browser.ParseURL(raw)
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// receive lets a new jar receive lines of one response.
func receive(t testing.TB, profile browser.Profile, url string, lines ...string) (*browser.Jar, []browser.Verdict) {
	t.Helper()
	jar := browser.New(profile)
	return jar, jar.Receive(browser.Response{URL: at(t, url), SetCookie: lines, Now: now, Context: browser.Typed})
}

const session = -1 // seconds

func TestDraft(t *testing.T) {
	long := strings.Repeat("x", 1025)
	for _, test := range []struct {
		url, line string
		rule      string // that decides
		name      string
		value     string
		domain    string // with a leading dot if it is not for one host only
		path      string
		seconds   int
	}{
		// 5.6: taking apart
		{"http://localhost/", "a=b", "stored", "a", "b", "localhost", "/", session},
		{"http://localhost/", " a = b ; path=/x", "stored", "a", "b", "localhost", "/x", session},
		{"http://localhost/", "b", "stored", "", "b", "localhost", "/", session},
		{"http://localhost/", "=b", "stored", "", "b", "localhost", "/", session},
		{"http://localhost/", "a=b=c", "stored", "a", "b=c", "localhost", "/", session},
		{"http://localhost/", `a="b;c"`, "stored", "a", `"b`, "localhost", "/", session},
		{"http://localhost/", "a=b\tc", "stored", "a", "b\tc", "localhost", "/", session},
		{"http://localhost/", "a=b\x00", "control-character", "", "", "", "", 0},
		{"http://localhost/", "a=b; x=\x7f", "control-character", "", "", "", "", 0},
		{"http://localhost/", "=", "empty", "", "", "", "", 0},
		{"http://localhost/", "a=" + strings.Repeat("v", 4096), "too-big", "", "", "", "", 0},
		{"http://localhost/", "a=" + strings.Repeat("v", 4095), "stored", "a", strings.Repeat("v", 4095), "localhost", "/", session},
		{"http://localhost/", "a=b; Path=/" + long, "stored", "a", "b", "localhost", "/", session},
		{"http://localhost/", "a=b; Foo=bar; Partitioned; Priority=High", "stored", "a", "b", "localhost", "/", session},

		// 5.6.1, 5.1.1: dates
		{"http://localhost/", "a=b; Expires=Thu, 26 Nov 2026 12:01:00 GMT", "stored", "a", "b", "localhost", "/", 60},
		{"http://localhost/", "a=b; Expires=Thu, 26-Nov-26 12:01:00 GMT", "stored", "a", "b", "localhost", "/", 60},
		{"http://localhost/", "a=b; Expires=2026 Nov 26 12:01:00", "stored", "a", "b", "localhost", "/", 60},
		{"http://localhost/", "a=b; Expires=26 Nov 2026 12:01:00 +0100", "stored", "a", "b", "localhost", "/", 60},
		{"http://localhost/", "a=b; Expires=2026-11-26T12:01:00Z", "stored", "a", "b", "localhost", "/", session},
		{"http://localhost/", "a=b; Expires=26 Nov 2026 12:01", "stored", "a", "b", "localhost", "/", session},
		{"http://localhost/", "a=b; Expires=30 Feb 2027 12:01:00", "stored", "a", "b", "localhost", "/", session},
		{"http://localhost/", "a=b; Expires=26 Nov 1600 12:01:00", "stored", "a", "b", "localhost", "/", session},
		{"http://localhost/", "a=b; Expires=26 Nov 99 12:01:00", "expired", "", "", "", "", 0},
		{"http://localhost/", "a=b; Expires=26 Nov 69 12:01:00", "stored", "a", "b", "localhost", "/", 400 * 86400},
		{"http://localhost/", "a=b; Expires=26 Nov 2026 12:01:00; Expires=junk", "stored", "a", "b", "localhost", "/", 60},

		// 5.6.2: seconds
		{"http://localhost/", "a=b; Max-Age=60", "stored", "a", "b", "localhost", "/", 60},
		{"http://localhost/", "a=b; Max-Age=0", "expired", "", "", "", "", 0},
		{"http://localhost/", "a=b; Max-Age=-1", "expired", "", "", "", "", 0},
		{"http://localhost/", "a=b; Max-Age=+5", "stored", "a", "b", "localhost", "/", session},
		{"http://localhost/", "a=b; Max-Age=-", "stored", "a", "b", "localhost", "/", session},
		{"http://localhost/", "a=b; Max-Age=1x", "stored", "a", "b", "localhost", "/", session},
		{"http://localhost/", "a=b; Max-Age=99999999999999999999999", "stored", "a", "b", "localhost", "/", 400 * 86400},
		{"http://localhost/", "a=b; Max-Age=100; Max-Age=x", "stored", "a", "b", "localhost", "/", 100},
		{"http://localhost/", "a=b; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "stored", "a", "b", "localhost", "/", 60},

		// 5.6.3, 5.7 steps 7 to 10: domains
		{"http://www.example.com/", "a=b; Domain=example.com", "stored", "a", "b", ".example.com", "/", session},
		{"http://www.example.com/", "a=b; Domain=.EXAMPLE.com", "stored", "a", "b", ".example.com", "/", session},
		{"http://www.example.com/", "a=b; Domain=", "stored", "a", "b", "www.example.com", "/", session},
		{"http://www.example.com/", "a=b; Domain=.", "stored", "a", "b", "www.example.com", "/", session},
		{"http://www.example.com/", "a=b; Domain=ample.com", "domain-mismatch", "", "", "", "", 0},
		{"http://www.example.com/", "a=b; Domain=com", "public-suffix", "", "", "", "", 0},
		{"http://www.example.co.uk/", "a=b; Domain=co.uk", "public-suffix", "", "", "", "", 0},
		{"http://a.github.io/", "a=b; Domain=github.io", "public-suffix", "", "", "", "", 0},
		{"http://github.io/", "a=b; Domain=github.io", "stored", "a", "b", "github.io", "/", session},
		{"http://example.com/", "a=b; Domain=exämple.com", "domain-characters", "", "", "", "", 0},
		{"http://localhost/", "a=b; Domain=localhost", "stored", "a", "b", "localhost", "/", session},
		{"http://127.0.0.1/", "a=b; Domain=0.0.1", "domain-mismatch", "", "", "", "", 0},

		// 5.6.4, 5.1.4: paths
		{"http://localhost/a/b/c?x=/y", "a=b", "stored", "a", "b", "localhost", "/a/b", session},
		{"http://localhost/a", "a=b; Path=", "stored", "a", "b", "localhost", "/", session},
		{"http://localhost/a/b", "a=b; Path=x", "stored", "a", "b", "localhost", "/a", session},
		{"http://localhost/a/b", "a=b; Path=/x; Path=/y", "stored", "a", "b", "localhost", "/y", session},

		// 5.7 steps 12 to 22
		{"http://example.com/", "a=b; Secure", "secure-over-http", "", "", "", "", 0},
		{"http://localhost/", "a=b; Secure=false", "stored", "a", "b", "localhost", "/", session},
		{"https://example.com/", "a=b; SameSite=None", "none-needs-secure", "", "", "", "", 0},
		{"https://example.com/", "__Secure-a=b", "prefix-secure", "", "", "", "", 0},
		{"https://example.com/", "__HOST-a=b; Secure", "prefix-path", "", "", "", "", 0},
		{"https://example.com/", "__Host-a=b; Secure; Path=/; Domain=example.com", "prefix-domain", "", "", "", "", 0},
		{"https://example.com/", "__Host-a=b; Secure; Path=/", "stored", "__Host-a", "b", "example.com", "/", session},
		{"https://example.com/", "__Http-a=b", "stored", "__Http-a", "b", "example.com", "/", session},
		{"https://example.com/", "=__Host-a", "prefix-without-name", "", "", "", "", 0},
	} {
		_, verdicts := receive(t, browser.Draft, test.url, test.line)
		v := verdicts[0]
		if v.Rule.ID != test.rule {
			t.Errorf("%.100s: %s, want %s", test.line, v.Rule.ID, test.rule)
			continue
		}
		if (v.Cookie == nil) != (test.rule != "stored") {
			t.Errorf("%.100s: %s with the cookie %v", test.line, v.Outcome, v.Cookie)
		}
		if v.Cookie == nil {
			continue
		}
		domain := v.Cookie.Domain
		if !v.Cookie.HostOnly {
			domain = "." + domain
		}
		seconds := session
		if !v.Cookie.Expires.IsZero() {
			seconds = int(v.Cookie.Expires.Sub(now).Seconds())
		}
		if v.Cookie.Name != test.name || v.Cookie.Value != test.value || domain != test.domain || v.Cookie.Path != test.path || seconds != test.seconds {
			t.Errorf("%.100s: %.100q=%.100q %s %s %d, want %.100q=%.100q %s %s %d", test.line, v.Cookie.Name, v.Cookie.Value, domain, v.Cookie.Path, seconds,
				test.name, test.value, test.domain, test.path, test.seconds)
		}
	}
}

// TestOverwriting: what a second response does to the first one's cookies.
func TestOverwriting(t *testing.T) {
	for _, test := range []struct {
		first, second []string
		outcome       browser.Outcome // of the last line
		rule          string
		header        map[browser.Profile]string // that is sent then
	}{
		{[]string{"a=1", "b=2"}, []string{"a=3"}, browser.Replaced, "replaced", map[browser.Profile]string{
			browser.Draft: "a=3; b=2", browser.Chromium: "b=2; a=3", browser.Firefox: "a=3; b=2"}},
		{[]string{"a=1", "b=2"}, []string{"a=1"}, browser.Replaced, "replaced", map[browser.Profile]string{
			browser.Draft: "a=1; b=2", browser.Chromium: "a=1; b=2", browser.Firefox: "a=1; b=2"}},
		{[]string{"a=1"}, []string{"a=; Max-Age=0"}, browser.Deleted, "deleted", map[browser.Profile]string{}},
		{[]string{"a=1; Path=/x"}, []string{"a=; Max-Age=0"}, browser.Ignored, "expired", map[browser.Profile]string{}},
		{[]string{"a=1"}, []string{"A=2"}, browser.Stored, "stored", map[browser.Profile]string{
			browser.Draft: "a=1; A=2", browser.Chromium: "a=1; A=2", browser.Firefox: "a=1; A=2"}},
	} {
		for _, profile := range browser.Profiles() {
			jar, _ := receive(t, profile, "http://localhost/", test.first...)
			verdicts := jar.Receive(browser.Response{URL: at(t, "http://localhost/"), SetCookie: test.second, Now: now, Context: browser.Typed})
			last := verdicts[len(verdicts)-1]
			sent := jar.Send(browser.Request{URL: at(t, "http://localhost/"), Now: now, Context: browser.Typed})
			if last.Outcome != test.outcome || last.Rule.ID != test.rule || sent.Header != test.header[profile] {
				t.Errorf("%s: %q then %q: %s by %s, sends %q", profile, test.first, test.second, last.Outcome, last.Rule.ID, sent.Header)
			}
		}
	}
}

// TestSecureStaysAlone: 5.7 step 16, which no machine shows at localhost.
func TestSecureStaysAlone(t *testing.T) {
	for _, profile := range browser.Profiles() {
		for path, want := range map[string]string{"/login": "overwrites-secure", "/login/en": "overwrites-secure", "/": "stored", "/loginx": "stored"} {
			jar, _ := receive(t, profile, "https://example.com/", "a=1; Secure; Path=/login")
			v := jar.Receive(browser.Response{URL: at(t, "http://example.com/"), SetCookie: []string{"a=2; Path=" + path}, Now: now, Context: browser.Typed})[0]
			if v.Rule.ID != want {
				t.Errorf("%s: at %s: %s, want %s", profile, path, v.Rule.ID, want)
			}
		}
	}
}

// TestSending: 5.8.3, for requests that begin at another site.
func TestSending(t *testing.T) {
	other := at(t, "https://evil.example/")
	set := []string{"s=1; SameSite=Strict", "l=1; SameSite=Lax", "d=1", "n=1; SameSite=None; Secure"}
	for _, test := range []struct {
		name    string
		context browser.Context
		later   time.Duration
		header  map[browser.Profile]string
	}{
		{"typed", browser.Typed, 0, map[browser.Profile]string{
			browser.Draft: "s=1; l=1; d=1; n=1", browser.Chromium: "s=1; l=1; d=1; n=1", browser.Firefox: "s=1; l=1; d=1; n=1"}},
		{"link", browser.Context{From: &other, Navigation: true}, 0, map[browser.Profile]string{
			browser.Draft: "l=1; d=1; n=1", browser.Chromium: "l=1; d=1; n=1", browser.Firefox: "l=1; d=1; n=1"}},
		{"form", browser.Context{From: &other, Navigation: true, Method: "POST"}, 0, map[browser.Profile]string{
			browser.Draft: "n=1", browser.Chromium: "d=1; n=1", browser.Firefox: "d=1; n=1"}},
		{"form, later", browser.Context{From: &other, Navigation: true, Method: "POST"}, 130 * time.Second, map[browser.Profile]string{
			browser.Draft: "n=1", browser.Chromium: "n=1", browser.Firefox: "d=1; n=1"}},
		{"image", browser.Context{From: &other}, 0, map[browser.Profile]string{browser.Draft: "n=1"}},
	} {
		for _, profile := range browser.Profiles() {
			jar, _ := receive(t, profile, "https://example.com/", set...)
			sent := jar.Send(browser.Request{URL: at(t, "https://example.com/"), Now: now.Add(test.later), Context: test.context})
			if sent.Header != test.header[profile] {
				t.Errorf("%s: %s sends %q, want %q", profile, test.name, sent.Header, test.header[profile])
			}
			if len(sent.Cookies)+len(sent.KeptBack) != len(set) {
				t.Errorf("%s: %s: %d go and %d stay of %d", profile, test.name, len(sent.Cookies), len(sent.KeptBack), len(set))
			}
		}
	}
}

// TestExpiry: a cookie is gone when its time has come, and not before.
func TestExpiry(t *testing.T) {
	jar, _ := receive(t, browser.Draft, "http://localhost/", "a=1; Max-Age=60", "b=2")
	for after, want := range map[time.Duration]int{0: 2, 59 * time.Second: 2, 60 * time.Second: 1} {
		if got := len(jar.Cookies(now.Add(after))); got != want {
			t.Errorf("after %v there are %d cookies, want %d", after, got, want)
		}
	}
}

func TestParseURL(t *testing.T) {
	for raw, want := range map[string]string{
		"http://localhost":                "http://localhost/",
		"HTTP://LocalHost:8080/A?b#c":     "http://localhost/A",
		"http://127.1/":                   "http://127.0.0.1/",
		"http://0x7f.0.0.1/":              "http://127.0.0.1/",
		"http://2130706433/":              "http://127.0.0.1/",
		"http://[0:0:0:0:0:0:0:1]:80/":    "http://[::1]/",
		"http://[::ffff:127.0.0.1]/":      "http://[::ffff:7f00:1]/",
		"http://localhost./":              "http://localhost./",
		"https://Exämple.com/ä b":         "https://xn--exmple-cua.com/%C3%A4%20b",
		"http://user:pw@host/a/../b/./c":  "http://host/b/c",
		"http://host/a/b/..":              "http://host/a/",
		"http://host/%2e%2e/x":            "http://host/x",
		`http:\\host\a\b`:                 "http://host/a/b",
		"http://my_app.localhost/a;b=c/d": "http://my_app.localhost/a;b=c/d",
	} {
		if got, err := browser.ParseURL(raw); err != nil || got.String() != want {
			t.Errorf("%s: %v, %v, want %s", raw, got, err, want)
		}
	}
	for _, raw := range []string{"", "localhost", "ftp://host/", "http://", "http:///", "javascript:1", "http://a b/", "http://[::1/", "http://[1.2.3.4]/", "http://host:x/", "http://host:99999/", "http://256.0.0.1/", "http://1.2.3.4.5/"} {
		if got, err := browser.ParseURL(raw); err == nil {
			t.Errorf("%q is taken for %v", raw, got)
		}
	}
}

// TestParts: nothing of a line is lost on the way to the eye.
func TestParts(t *testing.T) {
	for _, line := range []string{"", "a=b", " a = b ;Path = /x; Foo=bar ;; Secure", "b; =", "=;=", "a=b; SameSite"} {
		var joined, kinds strings.Builder
		for _, part := range browser.Parts(line) {
			joined.WriteString(part.Text)
			kinds.WriteString(string(part.Kind[0]))
		}
		if joined.String() != line {
			t.Errorf("%q comes out as %q (%s)", line, joined.String(), kinds.String())
		}
	}
}

// FuzzSetCookie: no line is too strange, and what is kept is the same cookie when
// it is sent again.
func FuzzSetCookie(f *testing.F) {
	for _, line := range []string{"a=b", "b", "=b", "a=b; Path=/x; Domain=app.localhost; Max-Age=60; Secure; HttpOnly; SameSite=None; Partitioned; Priority=High", "__Host-a=b; Secure; Path=/",
		"a=b; Expires=Thu, 26 Nov 2026 12:01:00 GMT", "a=b; Expires=11/26/26 1:5pm +0100", "a=\xff\x00\r\n", "a=b; Max-Age=99999999999999999999"} {
		f.Add(line, "/a;b/c")
	}
	f.Fuzz(func(t *testing.T, line, path string) {
		url, err := browser.ParseURL("http://x.app.localhost/" + path)
		if err != nil {
			t.Skip(err)
		}
		for _, profile := range browser.Profiles() {
			jar := browser.New(profile)
			v := jar.Receive(browser.Response{URL: url, SetCookie: []string{line}, Now: now, Date: now.Add(-time.Hour), Context: browser.Typed})[0]
			browser.New(profile).Script(url, line, now)
			jar.Send(browser.Request{URL: url, Now: now, Context: browser.Typed})
			if v.Cookie == nil || !v.Cookie.Expires.IsZero() && v.Cookie.Expires.Sub(now) < time.Second {
				continue
			}
			again := browser.New(profile).Receive(browser.Response{URL: url, SetCookie: []string{v.Cookie.SetCookie(url, now)}, Now: now, Context: browser.Typed})[0]
			if again.Cookie == nil {
				t.Fatalf("%s: %q becomes %q, which is refused: %s", profile, line, v.Cookie.SetCookie(url, now), again.Rule.ID)
			}
			was, is := *v.Cookie, *again.Cookie
			was.Expires, is.Expires = was.Expires.Truncate(time.Second), is.Expires.Truncate(time.Second)
			if was != is {
				t.Fatalf("%s: %q becomes %+v, and then %+v", profile, line, was, is)
			}
		}
	})
}
