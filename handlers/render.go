// Rendering: each page is the layout, the parts and its own template, parsed
// once at the start and executed to memory.

package handlers

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// Page is what the layout shows around every page.
type Page struct {
	Title   string
	Current string   // the path, to mark it in the menu
	Asked   bool     // the session lane was asked who this is
	Who     Identity // by the session lane; empty: nobody
}

// page fills the layout. Who is signed in is asked of the session lane, as far
// as this request has a live session; where the store fails, nobody is named.
func (lab *Lab) page(c echo.Context, title string) Page {
	p := Page{Title: title, Current: c.Request().URL.Path}
	f, ok := c.Get(sessionFindingKey).(Finding)
	if p.Asked = ok; ok && f.Verdict == Found {
		p.Who = f.Who
	}
	return p
}

// templates holds one set per page.
type templates map[string]*template.Template

func parseTemplates(files fs.FS, functions template.FuncMap) (templates, error) {
	pages, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	shared := []string{"templates/layout.html"}
	parts, err := fs.Glob(files, "templates/parts/*.html")
	if err != nil {
		return nil, err
	}
	shared = append(shared, parts...)
	set := templates{}
	for _, file := range pages {
		if file == "templates/layout.html" {
			continue
		}
		t, err := template.New("layout.html").Funcs(functions).Option("missingkey=error").ParseFS(files, append(shared, file)...)
		if err != nil {
			return nil, fmt.Errorf("template %s: %w", file, err)
		}
		set[strings.TrimSuffix(path.Base(file), ".html")] = t
	}
	return set, nil
}

// render executes a page to memory first, so that a failure leaves no half page.
func (lab *Lab) render(c echo.Context, status int, name string, data any) error {
	t, ok := lab.templates[name]
	if !ok {
		return fmt.Errorf("there is no page %q", name)
	}
	var page bytes.Buffer
	if err := t.Execute(&page, data); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	return c.HTMLBlob(status, page.Bytes())
}

func templateFunctions() template.FuncMap {
	return template.FuncMap{
		"iso":   func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) },
		"stamp": devToolsTime,
		"clock": func(t time.Time) string { return t.UTC().Format("15:04:05 UTC") },
		"short": shortKey,
	}
}

// devToolsTime is an instant as the Expires column of DevTools shows it, but
// for the fraction: the browser counts from the moment it got the reply, which
// no server knows to the millisecond.
func devToolsTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// shortKey shows a key by its first four and last two characters.
func shortKey(key string) string {
	if len(key) <= 8 {
		return key
	}
	return key[:4] + "…" + key[len(key)-2:]
}
