// What pages are made of, and no request changes: it is read and checked once,
// and the servers of one process share it.

package handlers

import (
	"io/fs"

	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
)

// Pages are the labels, templates, static files and source that pages are made
// of, in the words that are true for one session engine.
type Pages struct {
	engine    string
	languages locale.Languages
	templates templates
	foreign   templates // of the other site
	static    staticFiles
	source    source
}

// ReadPages reads templates/, static/ and the Go source that pages show
// (handlers/*.go, handlers/*/*.go, sessions/*.go), for a lab with the named engine. An error
// names the file that cannot work.
func ReadPages(files fs.FS, engine string) (*Pages, error) {
	p := &Pages{engine: engine}
	var err error
	if p.static, err = readStatic(files); err != nil {
		return nil, err
	}
	if p.source, err = readSource(files); err != nil {
		return nil, err
	}
	if p.languages, err = locale.Read(files); err != nil {
		return nil, err
	}
	p.languages.Vary(engine)
	if p.templates, err = parseTemplates(files, "templates", p.languages, p.static, p.source, p.form); err != nil {
		return nil, err
	}
	if p.foreign, err = parseTemplates(files, "templates/other", p.languages, p.static, p.source, p.form); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Pages) form(way string) string { return lanes.Format(p.engine, way) }
