// The Go that ran: functions of this program, cut by name from the source that
// the binary carries.

package handlers

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"strings"
)

// source holds the text of every function, by "package.Function" or
// "package.Type.Method".
type source map[string]sourceFunction

type sourceFunction struct {
	File string
	Line int
	Text string
}

func readSource(files fs.FS) (source, error) {
	found := source{}
	for _, folder := range []string{"handlers", "sessions"} {
		names, err := fs.Glob(files, folder+"/*.go")
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue // no part of the program, and may use its names
			}
			text, err := fs.ReadFile(files, name)
			if err != nil {
				return nil, err
			}
			if err := found.add(folder, name, text); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

func (s source) add(folder, name string, text []byte) error {
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
		s[folder+"."+receiver(function)+function.Name.Name] = sourceFunction{
			File: name, Line: start.Line, Text: strings.ReplaceAll(string(text[start.Offset:end.Offset]), "\t", "    "),
		}
	}
	return nil
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

// function serves templates; a name that does not exist is an error, so that a
// renamed function cannot leave a page without its code.
func (s source) function(name string) (sourceFunction, error) {
	f, ok := s[name]
	if !ok {
		return f, fmt.Errorf("there is no function %s in the source", name)
	}
	return f, nil
}
