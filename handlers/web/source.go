// The Go that ran: functions of this program, cut by name from the source that
// the binary carries.

package web

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"html"
	"html/template"
	"io/fs"
	"path"
	"strings"
)

// Source holds the text of every function, by "package.Function" or
// "package.Type.Method".
type Source map[string]sourceFunction

type sourceFunction struct {
	File   string
	Line   int
	Text   string
	figure template.HTML // the same, ready to be shown
}

func readSource(files fs.FS) (Source, error) {
	found := Source{}
	for _, pattern := range []string{"handlers/*.go", "handlers/*/*.go", "sessions/*.go"} {
		names, err := fs.Glob(files, pattern)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue // where files is a folder: no part of the program, and may use its names
			}
			text, err := fs.ReadFile(files, name)
			if err != nil {
				return nil, err
			}
			if err := found.add(path.Base(path.Dir(name)), name, text); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

func (s Source) add(in, name string, text []byte) error {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, text, parser.ParseComments)
	if err != nil {
		return fmt.Errorf("the source that pages show: %w", err)
	}
	for _, declaration := range file.Decls {
		function, ok := declaration.(*ast.FuncDecl)
		if !ok {
			continue
		}
		from := function.Pos()
		if function.Doc != nil {
			from = function.Doc.Pos()
		}
		start, end := set.Position(from), set.Position(function.End())
		f := sourceFunction{File: name, Line: start.Line, Text: strings.ReplaceAll(string(text[start.Offset:end.Offset]), "\t", "    ")}
		f.figure = figureOf(fmt.Sprintf("%s:%d", f.File, f.Line), f.Text)
		s[in+"."+receiver(function)+function.Name.Name] = f
	}
	return nil
}

// figureOf is code with where it stands.
func figureOf(where, code string) template.HTML {
	return template.HTML(fmt.Sprintf(`<figure><figcaption>%s</figcaption><pre class="go" translate="no">%s</pre></figure>`, where, html.EscapeString(code)))
}

func receiver(function *ast.FuncDecl) string {
	if function.Recv == nil || len(function.Recv.List) == 0 {
		return ""
	}
	switch t := function.Recv.List[0].Type.(type) {
	case *ast.Ident:
		return t.Name + "."
	case *ast.StarExpr:
		if name, ok := t.X.(*ast.Ident); ok {
			return name.Name + "."
		}
	}
	return ""
}

// Figure returns a function as a page shows it, with its file and line. A name that does not
// exist is an error, so that a renamed function cannot leave a page without its code.
func (s Source) Figure(name string) (template.HTML, error) {
	f, ok := s[name]
	if !ok {
		return "", fmt.Errorf("there is no function %s in the source", name)
	}
	return f.figure, nil
}

// text returns the same as Figure, but escaped for the text of a template: {{ begins no
// action there.
func (s Source) text(name string) (string, error) {
	f, err := s.Figure(name)
	return strings.ReplaceAll(string(f), "{{", `{{"{{"}}`), err
}
