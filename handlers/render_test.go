// Pages: each renders in every state, says nothing unfinished, has no inline
// script or style, leads only to addresses that exist, and takes what visitors
// write for text.

package handlers_test

import (
	"html"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"cookielab/handlers/composer"
	"cookielab/handlers/lanes"
)

// pages visits every page in every state that it has, and hands each reply on.
func pages(t *testing.T, lab *testLab, look func(t *testing.T, path string, r reply)) {
	t.Helper()
	lab.Break()
	visit := func(t *testing.T, c *client, paths ...string) {
		t.Helper()
		for _, path := range paths {
			look(t, path, c.get(path))
		}
	}
	all := []string{"/", "/login", "/login?next=/door/plain", "/dashboard", "/wire", "/console", "/composer", "/dissect", "/engines", "/door/plain", "/door/signed", "/door/session", "/sessions", "/tokens", "/class", "/reset", "/lessons", "/handout", "/handout?answers"}
	for _, lesson := range LessonsForTest(lab) {
		all = append(all, "/lessons/"+lesson.Slug, "/lessons/"+lesson.Slug+"?present=observe")
	}
	t.Run("a stranger", func(t *testing.T) { visit(t, lab.client(), all...) })
	t.Run("errors", func(t *testing.T) {
		visit(t, lab.client(), "/none", "/test/failure", "/test/panic")
		look(t, "/login", lab.client().post("/login", wrong("alice")))
		look(t, "/login", lab.client().post("/login", wrong("teacher")))
		look(t, "/login", lab.client().post("/login", wrong("no name")))
	})
	for _, name := range []string{"alice", "teacher"} {
		t.Run(name, func(t *testing.T) { visit(t, lab.client().signIn(name), all...) })
	}
	t.Run("a new class", func(t *testing.T) {
		c := lab.client().signIn("teacher")
		look(t, "/class", c.post("/class", nil))
		visit(t, c, c.post("/class", url.Values{"sure": {"yes"}}).header.Get("Location"))
	})
	t.Run("tokens", func(t *testing.T) {
		c := lab.client().signIn("alice")
		look(t, "/tokens", c.post("/tokens", wrong("alice")))
		c.post("/tokens", login("alice"))
		visit(t, c, "/tokens", "/tokens")
		for _, deed := range []string{"ask", "end"} {
			c.post("/tokens/"+deed, nil)
			visit(t, c, "/tokens", "/wire")
		}
	})
	deeds := map[string][]string{"nothing to do": {"copy", "replay", "edit", "expire", "restore"}}
	for _, deed := range []string{"copy", "edit", "expire", "flip/plain", "flip/signed", "flip/session", "drop/plain", "drop/signed", "drop/session",
		"logout/plain", "logout/signed", "logout/session"} {
		deeds[deed] = []string{deed}
	}
	deeds["copied, edited and put back"] = []string{"copy", "edit", "replay", "restore"}
	for name, steps := range deeds {
		t.Run(name, func(t *testing.T) {
			c := lab.client()
			if c.get("/dashboard"); name != "nothing to do" {
				c.signIn("alice")
			}
			for _, step := range steps {
				c.post("/act/"+step, nil)
				visit(t, c, "/dashboard")
			}
			visit(t, c, "/door/plain", "/door/signed", "/door/session", "/sessions")
			c.post("/logout", nil)
			visit(t, c, "/dashboard")
			c.post("/reset", nil)
			visit(t, c, "/reset?done=1", "/dashboard")
		})
	}
	t.Run("engines", func(t *testing.T) {
		c := lab.client()
		for _, deed := range []string{"read", "all", "elsewhere", "write"} {
			c.post("/engines/"+deed, nil)
			visit(t, c, "/engines")
		}
	})
	t.Run("lessons", func(t *testing.T) {
		for _, lesson := range LessonsForTest(lab) {
			c, path := lab.client().signIn("alice"), "/lessons/"+lesson.Slug
			visit(t, c, path)
			c.post(path, url.Values{"act": {"predict"}, "said": {"D"}})
			visit(t, c, path, path+"?present=do", path+"?present=predict", path+"?present=explain")
			for _, act := range lesson.Acts {
				c.post(path, url.Values{"act": {act}})
				visit(t, c, path, path+"?present=observe")
			}
			for _, address := range regexp.MustCompile(`href="(/play/[^"]*)"`).FindAllStringSubmatch(c.get(path).body, -1) {
				visit(t, c, html.UnescapeString(address[1]))
			}
		}
	})
	t.Run("composer", func(t *testing.T) {
		c := lab.client()
		visit(t, c, "/composer")
		for _, preset := range composer.Presets() {
			visit(t, c, "/composer?preset="+preset)
		}
		look(t, "/composer", c.compose("line", strings.Repeat("x", 9000)))
		look(t, "/composer", c.compose("line", "a=b", "address", "ftp://x"))
		look(t, "/composer", c.compose("line", "a=b; Domain=x", "paste", "set-cookie: a=1; Foo; Max-Age=x\nset-cookie: b=2\t3"))
		c.post("/send", url.Values{"line": {"a=b"}})
		visit(t, c, "/sent")
		look(t, "/send", c.post("/send", url.Values{"line": {"lab_notebook=1"}}))
	})
	t.Run("dissector", func(t *testing.T) {
		c := lab.client().signIn("alice")
		for _, example := range []string{"signed", "over", "purpose", "jwt", "none", "base64", "json", "url"} {
			value, key := c.dissectExample(t, example)
			for _, act := range []string{"decode", "verify", "flip"} {
				look(t, "/dissect", c.dissect(act, value, "key", key, "last", "verify"))
			}
		}
		look(t, "/dissect", c.dissect("verify", strings.Repeat("x", 9000)))
	})
	t.Run("old and broken cookies", func(t *testing.T) {
		c := lab.client().signIn("alice")
		c.post("/act/copy", nil)
		c.post("/act/expire", nil)
		lab.clock.Advance(20 * time.Second)
		visit(t, c, all...)
		lab.clock.Advance(14 * 24 * time.Hour)
		visit(t, c, all...)
		for name, value := range map[string]string{"plain_user": "x", "signed_user": "%", "lab_sessionid": "x", "other": "y"} {
			c.carry(name, value)
		}
		visit(t, c, all...)
		visit(t, c, "/reset?done=1") // though they still come
	})
}

var (
	code     = regexp.MustCompile(`(?s)<pre class="go"[^>]*>.*?</pre>`)   // Go that a page quotes may say anything
	data     = regexp.MustCompile(`(?s)<pre class="json"[^>]*>.*?</pre>`) // and so may data
	choice   = regexp.MustCompile(`[?&](lang|theme)=`)                    // the same page in another way
	ownNames = regexp.MustCompile(`^http://((\w+\.)*localhost|127\.0\.0\.1|\[::1\]|%5b::1%5d|\[::ffff:7f00:1\]):\d+/(reset|lessons/scope#[\w-]+|play/[\w/?&=]*)$`)
)

// tag is one tag of a page; its attributes are those in double quotes, as a
// template writes them.
type tag struct {
	name       string
	attributes [][2]string // name, value as text
}

func tagsIn(page string) (tags []tag) {
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
			one.attributes = append(one.attributes, [2]string{strings.ToLower(before[strings.LastIndexAny(before, " \n\t")+1:]), html.UnescapeString(value)})
		}
		tags = append(tags, one)
	}
	return tags
}

// live is what on a page could act or be fetched from elsewhere: "" for none.
func live(page string) string {
	for _, tag := range tagsIn(page) {
		var src string
		for _, a := range tag.attributes {
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

func TestEveryPage(t *testing.T) {
	t.Run("db", func(t *testing.T) { everyPage(t, newLab(t)) })
	t.Run("signed_cookies", func(t *testing.T) { everyPage(t, newLab(t, inCookies)) })
}

func everyPage(t *testing.T, lab *testLab) {
	shown := map[string]bool{} // templates
	checked := map[string]bool{}
	pages(t, lab, func(t *testing.T, path string, r reply) {
		t.Helper()
		if !strings.HasPrefix(path, "/play/") || r.status != http.StatusOK { // those may be framed by the other site
			guarded(t, r)
		}
		text := data.ReplaceAllString(code.ReplaceAllString(r.body, ""), "")
		for _, unfinished := range []string{"⟨", "⟩", "%!", "<no value>", "ZgotmplZ", "{{", "}}", "&lt;nil&gt;", "0001-01-01"} {
			if at := strings.Index(text, unfinished); at >= 0 {
				t.Errorf("%s says %q: …%.120s", path, unfinished, text[max(0, at-60):])
			}
		}
		if !strings.HasPrefix(r.body, "<!doctype html>") || !strings.HasSuffix(strings.TrimSpace(r.body), "</html>") {
			t.Errorf("%s is no whole page", path)
		}
		if found := live(r.body); found != "" {
			t.Errorf("%s has inline script or style, or something from elsewhere: %s", path, found)
		}
		seen := map[string]bool{}
		for _, tag := range tagsIn(r.body) {
			for _, a := range tag.attributes {
				name, value := a[0], a[1]
				switch name {
				case "id":
					if seen[value] {
						t.Errorf("%s has the id %q twice", path, value)
					}
					seen[value] = true
				case "href", "src", "action":
					if strings.HasPrefix(value, "/") && !checked[name+value] && !choice.MatchString(value) {
						checked[name+value] = true
						leads(t, lab, name, value)
					}
				}
			}
		}
		for name, mark := range map[string]string{
			"home": `<section class="home">`, "login": `<h1>Sign in</h1>`, "dashboard": `id="journey"`, "wire": `id="wire"`, "console": `id="console"`, "composer": `id="composer"`, "dissect": `id="dissect"`, "engines": `id="engines"`, "tokens": `id="tokens"`, "door": `id="door"`, "sessions": `id="sessions"`, "class": `id="class"`, "reset": `id="reset"`, "lessons": `id="progress"`, "lesson": `id="lesson"`, "handout": `id="handout"`, "play": `id="play"`, "error": `id="error"`,
		} {
			shown[name] = shown[name] || strings.Contains(r.body, mark)
		}
	})
	files, err := filepath.Glob("../templates/*.html")
	if err != nil || len(files) == 0 {
		t.Fatal("no templates", err)
	}
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".html"); name != "layout" && !shown[name] {
			t.Errorf("no page of %s was looked at", file)
		}
	}
}

// leads complains of a link or a form that leads nowhere.
func leads(t *testing.T, lab *testLab, attribute, address string) {
	t.Helper()
	method := http.MethodGet
	if attribute == "action" {
		method = http.MethodPost
	}
	if answer := lab.client().do(method, address, with("Sec-Fetch-Site", "same-origin")); answer.status >= 500 || answer.status == 404 || answer.status == 405 {
		t.Errorf("%s %s answers %d", method, address, answer.status)
	}
}

// What a visitor writes is text wherever it is shown: it says what it says, and
// does nothing.
func TestHostileTextIsInert(t *testing.T) {
	lab := newLab(t)
	for _, hostile := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'><svg onload='alert(1)'>`, `{{.}}`, `{{template "sign-in"}}`,
		`javascript:alert(1)`, `</pre></code><h1>x`, `<!--`, `</title><script>alert(1)</script>`, `%s%d%!`, `⟨check.age⟩`, "$(id)", "`id`", `' onfocus='alert(1)`,
	} {
		t.Run(hostile, func(t *testing.T) {
			value := "user=" + url.QueryEscape(hostile) + "&role=" + url.QueryEscape(hostile)
			signed := seal(t, "signed_user", secrets[0], facts{User: hostile, Role: hostile, Issued: lab.clock.Now().Unix(), Expires: lab.clock.Now().Unix() + 60})
			query := "?x=" + url.QueryEscape(hostile) + "&next=" + url.QueryEscape("/"+hostile)

			c := lab.client()
			c.get("/dashboard")
			c.carry("plain_user", value).carry("signed_user", signed).carry("other", strings.NewReplacer(`"`, "", `\`, "", ";", "").Replace(hostile))
			c.post("/act/copy", nil)
			ask := func(path string) reply {
				return c.get(path+query, with("User-Agent", hostile), with("Referer", hostile), with("Sec-Fetch-Dest", hostile))
			}
			for _, path := range []string{"/", "/login", "/dashboard", "/dashboard", "/wire", "/composer", "/dissect", "/engines", "/door/plain", "/door/signed", "/door/session", "/sessions", "/class", "/reset", "/none", "/none/" + url.PathEscape(hostile), "/test/none"} {
				inert(t, path, hostile, ask(path))
			}
			for _, path := range []string{"/dashboard", "/door/plain", "/door/signed"} {
				if page := ask(path); !strings.Contains(html.UnescapeString(page.body), hostile) {
					t.Errorf("%s does not show the name as it is", path)
				}
			}
			form := url.Values{"username": {hostile}, "password": {hostile}, "pin": {hostile}, "next": {"/" + hostile}}
			for _, act := range []string{"decode", "verify", "flip"} {
				for _, typed := range []string{hostile, value, "signed_user=" + signed, hostile + "=" + signed} {
					inert(t, "the dissector", hostile, c.dissect(act, typed, "key", hostile, "before", hostile))
				}
			}
			inert(t, "the composer", hostile, c.compose("line", "a="+hostile+"; "+hostile+"="+hostile+"; Domain="+hostile, "address", hostile, "paste", "set-cookie: "+hostile+"="+hostile+"; Path="+hostile, "paste_address", hostile))
			inert(t, "the composer's fields", hostile, c.compose("by", "fields", "name", hostile, "value", hostile, "path", "/"+hostile, "rest", hostile, "address", "http://localhost/"+hostile))
			refused := c.post("/login", form)
			inert(t, "the refused login", hostile, refused)
			if !strings.Contains(html.UnescapeString(refused.body), `value="`+hostile) {
				t.Error("the refused login does not show the name as it is")
			}
			api := ask("/api/lanes")
			if kind := api.header.Get("Content-Type"); kind != "application/json" || strings.Contains(api.body, "<") {
				t.Errorf("the API answers %s: %s", kind, api.body)
			}
			if got := lanesIn(t, api.body)[lanes.Plain].User; got == nil || *got != hostile {
				t.Errorf("the API says %v", got)
			}
		})
	}
}

// inert complains of a page on which a hostile text could do something.
func inert(t *testing.T, path, hostile string, r reply) {
	t.Helper()
	page := code.ReplaceAllString(r.body, "")
	if strings.ContainsAny(hostile, `<>"'`) && strings.Contains(page, hostile) {
		t.Errorf("%s has it as it came", path)
	}
	if found := live(page); found != "" {
		t.Errorf("%s has a live %s", path, found)
	}
	if strings.Count(page, "<title>") != 1 || strings.Count(page, "</pre>") != strings.Count(page, "<pre") || strings.Contains(page, "<!--") {
		t.Errorf("%s is broken up", path)
	}
	if r.status >= 500 {
		t.Errorf("%s answers %d", path, r.status)
	}
}
