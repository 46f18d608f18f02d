// What pages are made of, and no request changes: it is read and checked once,
// and the servers of one process share it.

package handlers

import (
	"io/fs"

	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
)

// Assets are the labels, templates, static files and source that pages are made
// of, in the words that are true for one session engine.
type Assets struct {
	engine    string
	languages locale.Languages
	templates templates
	foreign   templates // of the other site
	static    staticFiles
	source    source
}

// ReadAssets reads templates/, static/ and the Go source that pages show
// (handlers/*.go, handlers/*/*.go, sessions/*.go), for a lab with the named engine. An error
// names the file that cannot work.
func ReadAssets(files fs.FS, engine string) (*Assets, error) {
	a := &Assets{engine: engine}
	var err error
	if a.static, err = readStatic(files); err != nil {
		return nil, err
	}
	if a.source, err = readSource(files); err != nil {
		return nil, err
	}
	if a.languages, err = locale.Read(files); err != nil {
		return nil, err
	}
	a.languages.Vary(engine)
	if a.templates, err = parseTemplates(files, "templates", a.languages, a.static, a.source, a.form); err != nil {
		return nil, err
	}
	if a.foreign, err = parseTemplates(files, "templates/other", a.languages, a.static, a.source, a.form); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *Assets) form(way string) string { return lanes.Format(a.engine, way) }
