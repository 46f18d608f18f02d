// Assets: what pages are made of, and no request changes. They are read and checked once,
// and the servers of one process share them.

package web

import (
	"io/fs"

	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
)

// Assets are the labels, templates, static files and source that pages are made of, in the
// words that are true for one session engine. Many goroutines may use them at once.
type Assets struct {
	Engine    string // its name, such as "file"
	Languages locale.Languages
	templates templates
	otherSite templates // of the other site
	static    staticFiles
	Source    Source
}

// ReadAssets reads templates/, static/ and the Go source that pages show
// (handlers/*.go, handlers/*/*.go, sessions/*.go), for a lab with the named engine. An error
// names the file that cannot work.
func ReadAssets(files fs.FS, engine string) (*Assets, error) {
	a := &Assets{Engine: engine}
	var err error
	if a.static, err = readStatic(files); err != nil {
		return nil, err
	}
	if a.Source, err = readSource(files); err != nil {
		return nil, err
	}
	if a.Languages, err = locale.Read(files); err != nil {
		return nil, err
	}
	a.Languages.Vary(engine)
	if a.templates, err = parseTemplates(files, "templates", a.Languages, a.static, a.Source, a.format); err != nil {
		return nil, err
	}
	if a.otherSite, err = parseTemplates(files, "templates/other", a.Languages, a.static, a.Source, a.format); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *Assets) format(lane string) string { return lanes.Format(a.Engine, lane) }
