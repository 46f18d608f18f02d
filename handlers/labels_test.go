// Labels: none is missing, none is unused, each is translated, and lies in the
// file of the same page in each language. What is used is read from the
// templates and from the source, so that a page which is seldom seen is checked,
// too.

package handlers_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"

	"cookielab/handlers"
	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
	"cookielab/sessions"
)

// sameInAll are labels that are the same in every language: names, mostly.
var sameInAll = []string{"home.name", "devtools.firefox", "devtools.chromium", "way.session.short", "way.token.short", "sentence.verdict", "sentence.verdict_who", "lessons.number", "notes.choice", "lessons.full_stop", "lessons.dash", "lessons.of", "wire.colon", "reset.comma"}

func TestLabels(t *testing.T) {
	languages := labtest.New(t).Labels()
	english := languages["en"]
	if len(languages) < 2 || len(english) < 100 {
		t.Fatalf("%d languages, %d labels", len(languages), len(english))
	}
	used := usedLabels(t, english)
	for language, labels := range languages {
		for id, where := range used {
			if labels[id] == "" {
				t.Errorf("%s: %s says %q, which has no words", language, where, id)
			}
		}
		for id, text := range labels {
			general := id
			if variant, ok := strings.CutPrefix(id, "engine."); ok { // used by that engine's lab, where the general one is
				engine, rest, _ := strings.Cut(variant, ".")
				if general = rest; !slices.Contains([]string{"cache", "file", "cached_db", "signed_cookies"}, engine) {
					t.Errorf("%s: %q is for an engine that there is not", language, id)
				}
			}
			switch {
			case used[general] == "":
				t.Errorf("%s: nothing uses %q", language, id)
			case text == "":
				t.Errorf("%s: %q is empty", language, id)
			}
			if language == "en" || english[id] == "" {
				continue
			}
			if got, want := webtest.Parts(text), webtest.Parts(english[id]); !slices.Equal(got, want) {
				t.Errorf("%s: %q has the places and tags %q, English %q", language, id, got, want)
			}
			if !slices.Contains(sameInAll, id) && id != "layout.other_language" && id != "layout.other_code" && id != "language.code" &&
				(text == english[id] || language == "zh" && !strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) })) {
				t.Errorf("%s: %q is not translated: %q", language, id, text)
			}
		}
	}
}

// A page's words lie in the same file in each language.
func TestLabelFiles(t *testing.T) {
	files, err := filepath.Glob("../templates/labels/*")
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]map[string]map[string]string{} // by page, language and label
	for _, file := range files {
		page, language, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".toml"), ".")
		if pages[page] == nil {
			pages[page] = map[string]map[string]string{}
		}
		pages[page][language] = labelsIn(t, file)
	}
	languages := labtest.New(t).Labels()
	for page, inLanguage := range pages {
		for language, labels := range inLanguage {
			if languages[language] == nil {
				t.Errorf("%s lies in a file of the language %q, which the lab does not speak", page, language)
			}
			for other := range languages {
				for id := range labels {
					if _, ok := inLanguage[other][id]; !ok {
						t.Errorf("%s.%s.toml lacks %q, which %s.%s.toml has", page, other, id, page, language)
					}
				}
			}
		}
	}
}

// labelsIn are the labels that stand in a file, by their names; of one with a
// plural, the plural.
func labelsIn(t *testing.T, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	read, err := i18n.ParseMessageFileBytes(text, filepath.Base(file), map[string]i18n.UnmarshalFunc{"toml": toml.Unmarshal})
	if err != nil {
		t.Fatal(file, err)
	}
	labels := map[string]string{}
	for _, message := range read.Messages {
		labels[message.ID] = message.Other
	}
	return labels
}

// usedLabels is where each label is used, by its id.
func usedLabels(t *testing.T, known map[string]string) map[string]string {
	t.Helper()
	used := map[string]string{}
	verdicts := []string{"absent", "believed", "verified", "found", "tampered", "expired", "unknown", "unreadable"}
	for _, verdict := range verdicts { // door.html says the word of any
		used["verdict."+verdict+".word"] = "door.html"
	}

	used["way.token.short"] = "diagram.go" // a conclusion may be of any lane

	action := regexp.MustCompile(`\{\{-? ?(?:t|text) "([^"]*)"`)
	for _, pattern := range []string{"../templates/*.html", "../templates/parts/*.html", "../templates/other/*.html", "../templates/other/parts/*.html"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range action.FindAllStringSubmatch(string(text), -1) {
				for _, lane := range webtest.LaneIDs {
					used[strings.ReplaceAll(match[1], "LANE", lane)] = file
				}
			}
		}
	}

	// What lessons say alike, and their texts name.
	lessons, err := filepath.Glob("../templates/lessons/*/*.md")
	if err != nil || len(lessons) == 0 {
		t.Fatal(lessons, err)
	}
	for _, file := range lessons {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`\[\[(\w+)\]\]`).FindAllStringSubmatch(string(text), -1) {
			used["lessons."+match[1]] = file
		}
	}

	// What may stand in an id that is put together.
	reasons, hints := browserWords(t)
	s := speller{t: t, parts: map[string][]string{
		"reason": reasons, "hint": hints,
		"YesNo": {"yes", "no"}, "Verdict": verdicts,
		"v":       {"absent", "believed", "verified", "found"}, // else a check failed, and its detail is the reason
		"TitleOf": {"error.title.not_found", "error.title.unavailable", "error.title.broken", "error.title.refused"},
		"name":    storeOperations(t),
		"answer":  {"done", "found", "stored", "deleted", "not_found", "expired", "replaced", "conflict", "exists", "unavailable"},
		"way":     webtest.LaneIDs, "verdict": verdicts, "part": {"predict", "do", "observe", "explain"},
		"ID": webtest.LaneIDs, "Lane": webtest.LaneIDs, "lane": webtest.LaneIDs, "keyed": {"session", "token"},
	}}
	var files []string
	for _, pattern := range []string{"*.go", "*/*.go"} {
		some, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, some...)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING { // handed on by its name
				if id, err := strconv.Unquote(literal.Value); err == nil && known[id] != "" {
					used[id] = file
				}
			}
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			if _, handedOn := call.Args[0].(*ast.Ident); handedOn {
				return true
			}
			var ids []string
			switch f := call.Fun.(type) {
			case *ast.Ident:
				switch f.Name {
				case "Msg":
					ids = s.spell(call.Args[0])
				case "said": // a sentence of what just happened
					for _, id := range s.spell(call.Args[0]) {
						ids = append(ids, "sentence."+id)
					}
				}
			case *ast.SelectorExpr:
				switch {
				case f.Sel.Name == "Msg", f.Sel.Name == "Text" && words(f.X):
					ids = s.spell(call.Args[0])
				case f.Sel.Name == "check" && len(call.Args) == 3: // a check is named, and has a title
					for _, name := range s.spell(call.Args[0]) {
						ids = append(ids, "check."+name)
					}
				}
			}
			for _, id := range ids {
				used[id] = file
			}
			return true
		})
	}
	return used
}

// words reports whether an expression is the words of a language, as this
// package calls them: w, or a field w.
func words(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "w" || e.Name == "W"
	case *ast.SelectorExpr:
		return e.Sel.Name == "w" || e.Sel.Name == "W"
	}
	return false
}

type speller struct {
	t     *testing.T
	parts map[string][]string
}

// spell is every text that an expression of the source may be; none for what is
// put together out of parts that are spelt elsewhere.
func (s speller) spell(e ast.Expr) (texts []string) {
	s.t.Helper()
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		if err != nil {
			s.t.Fatal(err)
		}
		return []string{text}
	case *ast.BinaryExpr:
		for _, left := range s.spell(e.X) {
			for _, right := range s.spell(e.Y) {
				texts = append(texts, left+right)
			}
		}
		return texts
	case *ast.CallExpr:
		switch f := e.Fun.(type) {
		case *ast.Ident:
			if f.Name == "string" {
				return s.spell(e.Args[0])
			}
			return s.parts[f.Name]
		case *ast.SelectorExpr:
			return s.parts[f.Sel.Name] // lane.ID()
		}
	case *ast.SelectorExpr:
		return s.parts[e.Sel.Name]
	case *ast.Ident:
		return s.parts[e.Name]
	}
	s.t.Fatalf("an id of a kind that this test does not know: %T", e)
	return nil
}

// storeOperations are the names of a store's operations, as labels spell them. They are
// read from the source that reports the operations.
func storeOperations(t *testing.T) (names []string) {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), "../sessions/trace.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		name := ""
		switch f := call.Fun.(type) {
		case *ast.Ident:
			name = f.Name
		case *ast.SelectorExpr:
			name = f.Sel.Name
		}
		if name != "report" {
			return true
		}
		for _, argument := range call.Args {
			if literal, ok := argument.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				operation, _ := strconv.Unquote(literal.Value)
				names = append(names, strings.ReplaceAll(operation, " ", "_"))
			}
		}
		return true
	})
	slices.Sort(names)
	if names = slices.Compact(names); len(names) < 9 {
		t.Fatalf("found only %q", names)
	}
	return names
}

// The engine decides which operations of a store are used, and so which words the pages
// need. No page, and not the wire, lacks a word under any engine, in any language,
// whatever was done before.
func TestLabelsUnderEveryEngine(t *testing.T) {
	for _, engine := range sessions.Engines() {
		for _, language := range []string{"en", "zh"} {
			t.Run(engine+" "+language, func(t *testing.T) {
				t.Parallel()
				lab := labtest.New(t, inEngine(t, engine))
				lab.Web.Transport = speaking{lab.Web.Transport, language}
				missing := func(t *testing.T, path string, r webtest.Reply) {
					t.Helper()
					text := data.ReplaceAllString(code.ReplaceAllString(r.Body, ""), "")
					if at := strings.Index(text, "⟨"); at >= 0 {
						t.Errorf("%s lacks a word: …%.120s", path, text[max(0, at-60):])
					}
				}
				pages(t, lab, missing)

				c := lab.Client().SignIn("alice")
				for _, call := range webtest.ConsoleCallsOf(c) {
					missing(t, "/console, "+call, c.Run(t, call))
				}
				for op, fields := range map[string]string{"set": `{"key":"a","value":1}`, "add": `{"key":"a"}`, "items": ``, "cycle_key": ``, "set_expiry": `{"seconds":60}`, "clear_expired": ``, "flush": ``, "none": ``} {
					missing(t, op, c.Do(http.MethodPost, "/api/session/"+op, webtest.Body("application/json", fields), webtest.With("Sec-Fetch-Site", "same-origin")))
				}
				c.SignIn("alice")
				for _, path := range []string{"/act/edit", "/act/copy", "/act/replay", "/engines/all", "/tokens/ask", "/sessions/end-others", "/act/expire", "/act/restore", "/logout"} {
					c.Post(path, nil)
				}
				for _, path := range []string{"/wire", "/api/wire", "/api/lanes", "/dashboard", "/console", "/engines", "/sessions", "/tokens"} {
					missing(t, path, c.Get(path))
				}
			})
		}
	}
}

// inEngine lets the lab store its sessions with the engine of this name.
func inEngine(t testing.TB, engine string) func(*handlers.Config) {
	return func(c *handlers.Config) {
		stores := c.Engines.Stores()
		t.Cleanup(func() { _ = stores.Close() })
		store, err := stores.Engine(t.Context(), engine)
		if err != nil {
			t.Fatal(err)
		}
		c.Sessions = store
		labtest.ReadFor(c, engine)
	}
}

// speaking sends requests in a language.
type speaking struct {
	http.RoundTripper
	language string
}

func (s speaking) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("Accept-Language", s.language)
	return s.RoundTripper.RoundTrip(r)
}

// The language is the one chosen, else the best that the browser accepts; the
// notebook keeps a choice, and another site's link does not make one.
func TestLanguage(t *testing.T) {
	lab := labtest.New(t)
	speaks := func(t *testing.T, r webtest.Reply, want string) {
		t.Helper()
		if !strings.Contains(r.Body, `<html lang="`+map[string]string{"en": "en", "zh": "zh-Hans"}[want]+`"`) || r.Header.Get("Content-Language") != want {
			t.Errorf("it speaks %q, want %s: %.60q", r.Header.Get("Content-Language"), want, r.Body)
		}
	}
	for accept, want := range map[string]string{
		"": "en", "zh-CN,zh;q=0.9,en;q=0.8": "zh", "zh-TW": "zh", "en-GB,zh;q=0.5": "en", "fr,zh;q=0.3": "zh", "fr": "en", "*": "en", ";;;": "en", "zh;q=0": "en",
	} {
		speaks(t, lab.Client().Get("/dashboard", webtest.With("Accept-Language", accept)), want)
	}
	t.Run("a choice is kept", func(t *testing.T) {
		c := lab.Client()
		speaks(t, c.Get("/dashboard?lang=zh"), "zh")
		speaks(t, c.Get("/dashboard"), "zh")
		speaks(t, c.Get("/none"), "zh")
		if got := c.Get("/api/lanes"); !strings.Contains(got.Body, "请求没有带") {
			t.Errorf("the API speaks another language: %.200s", got.Body)
		}
		proof := c.Post("/reset", nil)
		speaks(t, c.Get(proof.Header.Get("Location")), "zh") // though the notebook is gone
		speaks(t, c.Get("/dashboard"), "en")
	})
	t.Run("written in full", func(t *testing.T) {
		for _, name := range []string{"zh-CN", "zh-Hans", "ZH", "zh-Hans-CN"} {
			speaks(t, lab.Client().Get("/?lang="+name), "zh")
		}
	})
	t.Run("a link of another site chooses for that page only", func(t *testing.T) {
		c := lab.Client()
		c.Get("/dashboard")
		r := c.Get("/dashboard?lang=zh", webtest.With("Sec-Fetch-Site", "cross-site"))
		if speaks(t, r, "zh"); len(r.Cookies) > 0 {
			t.Errorf("it set %v", r.Cookies)
		}
		speaks(t, c.Get("/dashboard"), "en")
	})
	t.Run("an unknown one is refused", func(t *testing.T) {
		for _, name := range []string{"fr", "", "xx-yy-zz", "<script>", "tlh"} {
			if r := lab.Client().Get("/dashboard?lang=" + name); r.Status != http.StatusBadRequest || !strings.Contains(r.Body, "does not speak that language") {
				t.Errorf("lang=%s is answered %d", name, r.Status)
			}
		}
	})
}

// The theme is the browser's, unless one was chosen.
func TestTheme(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client()
	theme := func(path, want string) {
		t.Helper()
		if r := c.Get(path); !strings.Contains(r.Body, `<html lang="en"`+want+`>`) {
			t.Errorf("%s begins %.80q, want %q", path, r.Body, want)
		}
	}
	theme("/", "")
	theme("/dashboard?theme=dark", ` class="dark"`)
	theme("/login", ` class="dark"`)
	theme("/?theme=light", ` class="light"`)
	if r := c.Get("/?theme=pink"); r.Status != http.StatusBadRequest {
		t.Errorf("theme=pink is answered %d", r.Status)
	}
	theme("/", ` class="light"`)
}

// browserWords are the names of the rules and of the warnings of the model of the
// browser, as they stand in its source.
func browserWords(t *testing.T) (rules, warnings []string) {
	t.Helper()
	files, err := filepath.Glob("../sessions/browser/*.go")
	if err != nil {
		t.Fatal(err)
	}
	text := func(e ast.Expr) string {
		literal, ok := e.(*ast.BasicLit)
		if !ok {
			return ""
		}
		name, _ := strconv.Unquote(literal.Value)
		return name
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if kind, ok := n.Type.(*ast.Ident); ok && kind.Name == "Rule" && len(n.Elts) > 0 {
					rules = append(rules, text(n.Elts[0]))
				}
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.Ident); ok && (f.Name == "warn" || f.Name == "tip") {
					warnings = append(warnings, text(n.Args[0]))
				}
			}
			return true
		})
	}
	if len(rules) < 30 || len(warnings) < 20 {
		t.Fatalf("found %d rules and %d warnings", len(rules), len(warnings))
	}
	return rules, warnings
}
