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

	"cookielab/handlers/labtest"
	"cookielab/handlers/lanes"
	"cookielab/handlers/webtest"
)

// pages visits every page in every state that it has, and hands each reply on.
func pages(t *testing.T, lab *labtest.Lab, look func(t *testing.T, path string, r webtest.Reply)) {
	t.Helper()
	lab.Break()
	visit := func(t *testing.T, c *webtest.Client, paths ...string) {
		t.Helper()
		for _, path := range paths {
			look(t, path, c.Get(path))
		}
	}
	all := []string{"/", "/login", "/login?next=/door/plain", "/dashboard", "/wire", "/console", "/composer", "/dissect", "/engines", "/door/plain", "/door/signed", "/door/session", "/sessions", "/tokens", "/class", "/reset", "/lessons", "/handout", "/handout?answers"}
	for _, lesson := range labtest.Lessons(lab) {
		all = append(all, "/lessons/"+lesson.Slug, "/lessons/"+lesson.Slug+"?present=observe")
	}
	t.Run("a stranger", func(t *testing.T) { visit(t, lab.Client(), all...) })
	t.Run("errors", func(t *testing.T) {
		visit(t, lab.Client(), "/none", "/test/failure", "/test/panic")
		look(t, "/login", lab.Client().Post("/login", webtest.Wrong("alice")))
		look(t, "/login", lab.Client().Post("/login", webtest.Wrong("teacher")))
		look(t, "/login", lab.Client().Post("/login", webtest.Wrong("no name")))
	})
	for _, name := range []string{"alice", "teacher"} {
		t.Run(name, func(t *testing.T) { visit(t, lab.Client().SignIn(name), all...) })
	}
	t.Run("a new class", func(t *testing.T) {
		c := lab.Client().SignIn("teacher")
		look(t, "/class", c.Post("/class", nil))
		visit(t, c, c.Post("/class", url.Values{"sure": {"yes"}}).Header.Get("Location"))
	})
	t.Run("tokens", func(t *testing.T) {
		c := lab.Client().SignIn("alice")
		look(t, "/tokens", c.Post("/tokens", webtest.Wrong("alice")))
		c.Post("/tokens", webtest.Login("alice"))
		visit(t, c, "/tokens", "/tokens")
		for _, deed := range []string{"ask", "end"} {
			c.Post("/tokens/"+deed, nil)
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
			c := lab.Client()
			if c.Get("/dashboard"); name != "nothing to do" {
				c.SignIn("alice")
			}
			for _, step := range steps {
				c.Post("/act/"+step, nil)
				visit(t, c, "/dashboard")
			}
			visit(t, c, "/door/plain", "/door/signed", "/door/session", "/sessions")
			c.Post("/logout", nil)
			visit(t, c, "/dashboard")
			c.Post("/reset", nil)
			visit(t, c, "/reset?done=1", "/dashboard")
		})
	}
	t.Run("engines", func(t *testing.T) {
		c := lab.Client()
		for _, deed := range []string{"read", "all", "elsewhere", "write"} {
			c.Post("/engines/"+deed, nil)
			visit(t, c, "/engines")
		}
	})
	t.Run("lessons", func(t *testing.T) {
		for _, lesson := range labtest.Lessons(lab) {
			c, path := lab.Client().SignIn("alice"), "/lessons/"+lesson.Slug
			visit(t, c, path)
			c.Post(path, url.Values{"act": {"predict"}, "said": {"D"}})
			visit(t, c, path, path+"?present=do", path+"?present=predict", path+"?present=explain")
			for _, act := range lesson.Acts {
				c.Post(path, url.Values{"act": {act}})
				visit(t, c, path, path+"?present=observe")
			}
			for _, address := range regexp.MustCompile(`href="(/play/[^"]*)"`).FindAllStringSubmatch(c.Get(path).Body, -1) {
				visit(t, c, html.UnescapeString(address[1]))
			}
		}
	})
	t.Run("composer", func(t *testing.T) {
		c := lab.Client()
		visit(t, c, "/composer")
		for _, preset := range c.Presets() {
			visit(t, c, "/composer?preset="+preset)
		}
		look(t, "/composer", c.Compose("line", strings.Repeat("x", 9000)))
		look(t, "/composer", c.Compose("line", "a=b", "address", "ftp://x"))
		look(t, "/composer", c.Compose("line", "a=b; Domain=x", "paste", "set-cookie: a=1; Foo; Max-Age=x\nset-cookie: b=2\t3"))
		c.Post("/send", url.Values{"line": {"a=b"}})
		visit(t, c, "/sent")
		look(t, "/send", c.Post("/send", url.Values{"line": {"lab_notebook=1"}}))
	})
	t.Run("dissector", func(t *testing.T) {
		c := lab.Client().SignIn("alice")
		for _, example := range []string{"signed", "over", "purpose", "jwt", "none", "base64", "json", "url"} {
			value, key := c.DissectExample(t, example)
			for _, act := range []string{"decode", "verify", "flip"} {
				look(t, "/dissect", c.Dissect(act, value, "key", key, "last", "verify"))
			}
		}
		look(t, "/dissect", c.Dissect("verify", strings.Repeat("x", 9000)))
	})
	t.Run("old and broken cookies", func(t *testing.T) {
		c := lab.Client().SignIn("alice")
		c.Post("/act/copy", nil)
		c.Post("/act/expire", nil)
		lab.Clock.Advance(20 * time.Second)
		visit(t, c, all...)
		lab.Clock.Advance(14 * 24 * time.Hour)
		visit(t, c, all...)
		for name, value := range map[string]string{"plain_user": "x", "signed_user": "%", "lab_sessionid": "x", "other": "y"} {
			c.Carry(name, value)
		}
		visit(t, c, all...)
		visit(t, c, "/reset?done=1") // though they still come
	})
}

var (
	code   = regexp.MustCompile(`(?s)<pre class="go"[^>]*>.*?</pre>`)   // Go that a page quotes may say anything
	data   = regexp.MustCompile(`(?s)<pre class="json"[^>]*>.*?</pre>`) // and so may data
	choice = regexp.MustCompile(`[?&](lang|theme)=`)                    // the same page in another way

)

func TestEveryPage(t *testing.T) {
	t.Run("db", func(t *testing.T) { everyPage(t, labtest.New(t)) })
	t.Run("signed_cookies", func(t *testing.T) { everyPage(t, labtest.New(t, labtest.InCookies)) })
}

func everyPage(t *testing.T, lab *labtest.Lab) {
	shown := map[string]bool{} // templates
	checked := map[string]bool{}
	pages(t, lab, func(t *testing.T, path string, r webtest.Reply) {
		t.Helper()
		if !strings.HasPrefix(path, "/play/") || r.Status != http.StatusOK { // those may be framed by the other site
			webtest.Guarded(t, r)
		}
		text := data.ReplaceAllString(code.ReplaceAllString(r.Body, ""), "")
		for _, unfinished := range []string{"⟨", "⟩", "%!", "<no value>", "ZgotmplZ", "{{", "}}", "&lt;nil&gt;", "0001-01-01"} {
			if at := strings.Index(text, unfinished); at >= 0 {
				t.Errorf("%s says %q: …%.120s", path, unfinished, text[max(0, at-60):])
			}
		}
		if !strings.HasPrefix(r.Body, "<!doctype html>") || !strings.HasSuffix(strings.TrimSpace(r.Body), "</html>") {
			t.Errorf("%s is no whole page", path)
		}
		if found := webtest.Live(r.Body); found != "" {
			t.Errorf("%s has inline script or style, or something from elsewhere: %s", path, found)
		}
		seen := map[string]bool{}
		for _, tag := range webtest.TagsIn(r.Body) {
			for _, a := range tag.Attributes {
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
			shown[name] = shown[name] || strings.Contains(r.Body, mark)
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
func leads(t *testing.T, lab *labtest.Lab, attribute, address string) {
	t.Helper()
	method := http.MethodGet
	if attribute == "action" {
		method = http.MethodPost
	}
	if answer := lab.Client().Do(method, address, webtest.With("Sec-Fetch-Site", "same-origin")); answer.Status >= 500 || answer.Status == 404 || answer.Status == 405 {
		t.Errorf("%s %s answers %d", method, address, answer.Status)
	}
}

// What a visitor writes is text wherever it is shown: it says what it says, and
// does nothing.
func TestHostileTextIsInert(t *testing.T) {
	lab := labtest.New(t)
	for _, hostile := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'><svg onload='alert(1)'>`, `{{.}}`, `{{template "sign-in"}}`,
		`javascript:alert(1)`, `</pre></code><h1>x`, `<!--`, `</title><script>alert(1)</script>`, `%s%d%!`, `⟨check.age⟩`, "$(id)", "`id`", `' onfocus='alert(1)`,
	} {
		t.Run(hostile, func(t *testing.T) {
			value := "user=" + url.QueryEscape(hostile) + "&role=" + url.QueryEscape(hostile)
			signed := webtest.Seal(t, "signed_user", webtest.Secrets[0], webtest.Facts{User: hostile, Role: hostile, Issued: lab.Clock.Now().Unix(), Expires: lab.Clock.Now().Unix() + 60})
			query := "?x=" + url.QueryEscape(hostile) + "&next=" + url.QueryEscape("/"+hostile)

			c := lab.Client()
			c.Get("/dashboard")
			c.Carry("plain_user", value).Carry("signed_user", signed).Carry("other", strings.NewReplacer(`"`, "", `\`, "", ";", "").Replace(hostile))
			c.Post("/act/copy", nil)
			ask := func(path string) webtest.Reply {
				return c.Get(path+query, webtest.With("User-Agent", hostile), webtest.With("Referer", hostile), webtest.With("Sec-Fetch-Dest", hostile))
			}
			for _, path := range []string{"/", "/login", "/dashboard", "/dashboard", "/wire", "/composer", "/dissect", "/engines", "/door/plain", "/door/signed", "/door/session", "/sessions", "/class", "/reset", "/none", "/none/" + url.PathEscape(hostile), "/test/none"} {
				inert(t, path, hostile, ask(path))
			}
			for _, path := range []string{"/dashboard", "/door/plain", "/door/signed"} {
				if page := ask(path); !strings.Contains(html.UnescapeString(page.Body), hostile) {
					t.Errorf("%s does not show the name as it is", path)
				}
			}
			form := url.Values{"username": {hostile}, "password": {hostile}, "pin": {hostile}, "next": {"/" + hostile}}
			for _, act := range []string{"decode", "verify", "flip"} {
				for _, typed := range []string{hostile, value, "signed_user=" + signed, hostile + "=" + signed} {
					inert(t, "the dissector", hostile, c.Dissect(act, typed, "key", hostile, "before", hostile))
				}
			}
			inert(t, "the composer", hostile, c.Compose("line", "a="+hostile+"; "+hostile+"="+hostile+"; Domain="+hostile, "address", hostile, "paste", "set-cookie: "+hostile+"="+hostile+"; Path="+hostile, "paste_address", hostile))
			inert(t, "the composer's fields", hostile, c.Compose("by", "fields", "name", hostile, "value", hostile, "path", "/"+hostile, "rest", hostile, "address", "http://localhost/"+hostile))
			refused := c.Post("/login", form)
			inert(t, "the refused login", hostile, refused)
			if !strings.Contains(html.UnescapeString(refused.Body), `value="`+hostile) {
				t.Error("the refused login does not show the name as it is")
			}
			api := ask("/api/lanes")
			if kind := api.Header.Get("Content-Type"); kind != "application/json" || strings.Contains(api.Body, "<") {
				t.Errorf("the API answers %s: %s", kind, api.Body)
			}
			if got := webtest.LanesIn(t, api.Body)[lanes.Plain].User; got == nil || *got != hostile {
				t.Errorf("the API says %v", got)
			}
		})
	}
}

// inert complains of a page on which a hostile text could do something.
func inert(t *testing.T, path, hostile string, r webtest.Reply) {
	t.Helper()
	page := code.ReplaceAllString(r.Body, "")
	if strings.ContainsAny(hostile, `<>"'`) && strings.Contains(page, hostile) {
		t.Errorf("%s has it as it came", path)
	}
	if found := webtest.Live(page); found != "" {
		t.Errorf("%s has a live %s", path, found)
	}
	if strings.Count(page, "<title>") != 1 || strings.Count(page, "</pre>") != strings.Count(page, "<pre") || strings.Contains(page, "<!--") {
		t.Errorf("%s is broken up", path)
	}
	if r.Status >= 500 {
		t.Errorf("%s answers %d", path, r.Status)
	}
}
