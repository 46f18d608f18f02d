// Rendering: the page's head, the templates, and what they may call.

package web

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/sessions/browser"
)

// Page is what the layout shows around every page.
type Page struct {
	Title locale.Message
	Name  string         // the title in words, with the lab's name
	Asked bool           // the session lane was asked who this is
	Who   lanes.Identity // by the session lane; empty: nobody

	At string // the entry of the menu that is marked, such as "dashboard"

	Presenting    bool   // a lesson is shown to a class
	Theme         string // "light", "dark"; "": as the browser prefers
	Light, Dark   string // this page's address with the other theme
	OtherLanguage string // this page's address in the other language
	Printed       string // date, browser and engine, for paper

	Server  string      // which server answered; "": there is only one
	Servers []pageThere // the others
}

// pageThere is this page on another server.
type pageThere struct{ Server, URL string }

// Page fills the layout, and asks who is signed in, unless this request asked that before. The
// error is that of the store; the page then names nobody, and can be shown nevertheless.
func (s *Site) Page(c echo.Context, title locale.Message) (Page, error) {
	_, _, err := s.Who(c)
	return s.PageWithoutAsking(c, title), err
}

// PageWithoutAsking fills the layout, and names who is signed in only if this request asked
// that before. It is for errors, since the store may be their cause, and for pages that
// lead nowhere in the lab.
func (s *Site) PageWithoutAsking(c echo.Context, title locale.Message) Page {
	p := Page{
		Title: title, Name: s.Words(c).Say(title),
		At:    menuEntry(c.Path()),
		Light: s.choosing(c, "theme", "light"), Dark: s.choosing(c, "theme", "dark"),
		OtherLanguage: s.choosing(c, "lang", s.Languages.Other(s.Words(c)).Tag.String()),
	}
	p.Server = s.Server
	for _, other := range s.Others {
		p.Servers = append(p.Servers, pageThere{other.Server, input.OnServer(c.Request(), other)})
	}
	if p.Name != LabName {
		p.Name += " · " + LabName
	}
	p.Theme, _ = c.Get(themeKey).(string)
	p.Printed = markup.Minute(s.Clock.Now())
	for _, part := range []string{browser.NameOf(c.Request().UserAgent()), "SESSION_ENGINE=" + s.Engine} {
		if part != "" {
			p.Printed += " · " + part
		}
	}
	p.Who, p.Asked = s.Asked(c)
	return p
}

// menuEntry is the entry of the menu that a path lies under: "lessons" for
// "/lessons/:slug". What lies below the other entries is no page of theirs.
func menuEntry(path string) string {
	first, _, deeper := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if deeper && first != "lessons" {
		return ""
	}
	return first
}

// LabName is the lab's name, in every language.
const LabName = "Cookie Lab"

// templates holds one set per language and page.
type templates map[*locale.Printer]map[string]*template.Template

// parseTemplates reads the pages in a folder: their layout, and the parts below.
func parseTemplates(files fs.FS, folder string, all locale.Languages, assets staticFiles, code Source, format func(lane string) string) (templates, error) {
	layout := folder + "/layout.html"
	pages, err := fs.Glob(files, folder+"/*.html")
	if err != nil {
		return nil, err
	}
	parts, err := fs.Glob(files, folder+"/parts/*.html")
	if err != nil {
		return nil, err
	}
	parsed := templates{}
	for _, w := range all.All {
		parsed[w] = map[string]*template.Template{}
		b := baker{
			known:  map[string]func(string) (string, error){"t": w.Label, "static": assets.url, "source": code.text},
			live:   templateFunctions(w, code, assets),
			format: format,
		}
		for _, page := range pages {
			if page == layout {
				continue
			}
			t, err := b.page(files, append([]string{layout, page}, parts...))
			if err != nil {
				return nil, fmt.Errorf("in %v: %w", w.Tag, err)
			}
			parsed[w][strings.TrimSuffix(path.Base(page), ".html")] = t
		}
	}
	return parsed, nil
}

// baker makes templates of one language. What is known before any request is
// written into their text before they are parsed, since asking for it at each
// request was most of a page's cost (about a microsecond for each action):
//
//   - {{t "page.label"}}, {{static "lab.css"}} and {{source "lanes.plain.Recall"}};
//   - a block {{lanes}}…{{/lanes}}, which is written once for each lane with a cookie, with
//     LANE replaced by its ID ("plain"), FIELD by its field's name ("Plain") and FORMAT by
//     the format of its values, see [lanes.Format].
type baker struct {
	known  map[string]func(name string) (text string, err error)
	live   template.FuncMap
	format func(lane string) string
}

var (
	everyLane   = regexp.MustCompile(`(?s)\{\{lanes\}\}(.*?)\{\{/lanes\}\}`)
	knownAction = regexp.MustCompile(`\{\{(t|static|source) "([^"]*)"\}\}`)
)

// page parses the files of one page, the layout first.
func (b baker) page(files fs.FS, names []string) (*template.Template, error) {
	page := template.New("layout").Funcs(b.live).Option("missingkey=error")
	for i, name := range names {
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		text, err := b.bake(string(raw))
		if err != nil {
			return nil, fmt.Errorf("template %s: %w", name, err)
		}
		t := page
		if i > 0 {
			t = page.New(name)
		}
		if _, err := t.Parse(text); err != nil {
			return nil, fmt.Errorf("template %s: %w", name, err)
		}
	}
	return page, nil
}

func (b baker) bake(text string) (string, error) {
	text = everyLane.ReplaceAllStringFunc(text, func(block string) string {
		inner := everyLane.FindStringSubmatch(block)[1]
		var out strings.Builder
		for _, lane := range []string{lanes.Plain, lanes.Signed, lanes.Session} {
			out.WriteString(strings.NewReplacer("LANE", lane, "FIELD", strings.ToUpper(lane[:1])+lane[1:], "FORMAT", b.format(lane)).Replace(inner))
		}
		return out.String()
	})
	var failed error
	text = knownAction.ReplaceAllStringFunc(text, func(action string) string {
		parts := knownAction.FindStringSubmatch(action)
		known, err := b.known[parts[1]](parts[2])
		failed = errors.Join(failed, err)
		return known
	})
	return text, failed
}

// Render answers with a page of the lab, templates/NAME.html. If the page fails, nothing has
// been sent.
func (s *Site) Render(c echo.Context, status int, name string, data any) error {
	page, _ := s.buffers.Get().(*bytes.Buffer)
	if page == nil {
		page = new(bytes.Buffer)
	}
	defer func() {
		if page.Cap() <= maxPooledPage { // a large one is rarely needed, and its memory would never be freed
			s.buffers.Put(page)
		}
	}()
	page.Reset()
	return s.templates.render(c, s.Words(c), page, status, name, data)
}

// Template returns a page's template in the language in which a request is answered, with its
// parts; nil if there is no such page.
func (s *Site) Template(c echo.Context, name string) *template.Template {
	return s.templates[s.Words(c)][name]
}

// maxPooledPage is how large a buffer may be to be kept for another page, in bytes.
const maxPooledPage = 1 << 20

// RenderOtherSite answers with a page of the other site, templates/other/NAME.html, in w's
// language. If the page fails, nothing has been sent.
func (a *Assets) RenderOtherSite(c echo.Context, w *locale.Printer, status int, name string, data any) error {
	return a.otherSite.render(c, w, new(bytes.Buffer), status, name, data)
}

// render executes a page to memory first, so that a failure leaves no half page.
func (s templates) render(c echo.Context, w *locale.Printer, page *bytes.Buffer, status int, name string, data any) error {
	t, ok := s[w][name]
	if !ok {
		return fmt.Errorf("there is no page %q", name)
	}
	if err := t.Execute(page, data); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	c.Response().Header().Set("Content-Language", w.Tag.String())
	text := page.Bytes()
	if !utf8.Valid(text) { // what came may be any bytes; a page is UTF-8
		text = bytes.ToValidUTF8(text, []byte("\uFFFD"))
	}
	return c.HTMLBlob(status, text)
}

// templateFunctions returns the functions that templates call for what only a request knows.
func templateFunctions(w *locale.Printer, code Source, assets staticFiles) template.FuncMap {
	return template.FuncMap{
		"asset": assets.url,
		"say":   w.Say, "text": w.Text, "short": markup.ShortKey, "key": markup.Key,
		"clock":  func(t time.Time) string { return t.UTC().Format("15:04:05 UTC") },
		"figure": code.Figure,
	}
}

// Query parameters that several packages read.
const (
	PresentParam = "present" // the part of a lesson to show to a class
	AnswersParam = "answers" // the sheets to print have the right answers
	RunParam     = "run"     // the run of a lesson to which a request belongs
)
