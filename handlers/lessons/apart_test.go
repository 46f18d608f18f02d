// Lessons touch no other: each file of a lesson can be deleted, and the others
// compile. What they share lies in package course.

package lessons

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestLessonsApart(t *testing.T) {
	set := token.NewFileSet()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	lessons := map[string]bool{} // the files that have one
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
		if slices.ContainsFunc(file.Decls, declaresLesson) {
			lessons[name] = true
		}
	}
	if len(lessons) < 10 {
		t.Fatalf("found only %d files with a lesson", len(lessons))
	}
	between := usesBetween(set, files)
	if len(between) < len(lessons) { // each names the type of which it is a method
		t.Fatalf("found only %d names that are used in another file than their own", len(between))
	}
	for _, use := range between {
		if lessons[use.in] && lessons[use.of] {
			t.Errorf("%s names %s of %s: what lessons share belongs into package course", use.in, use.name, use.of)
		}
	}
}

// declaresLesson reports whether a declaration is a method of lessons: a lesson.
func declaresLesson(declaration ast.Decl) bool {
	function, ok := declaration.(*ast.FuncDecl)
	if !ok || function.Recv == nil {
		return false
	}
	receiver, ok := function.Recv.List[0].Type.(*ast.Ident)
	return ok && receiver.Name == "lessons"
}

// use is a name of one file that stands in another.
type use struct{ name, in, of string }

// usesBetween are those of a package. What it imports is left out, so its names are
// not found, and whatever needs their types is not either.
func usesBetween(set *token.FileSet, files []*ast.File) (found []use) {
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: emptyPackages{}, Error: func(error) {}}
	checked, _ := config.Check("lessons", set, files, info) // with errors, about what is left out
	for name, object := range info.Uses {
		if object.Pkg() != checked || !object.Pos().IsValid() {
			continue
		}
		in, of := set.Position(name.Pos()).Filename, set.Position(object.Pos()).Filename
		if in != of {
			found = append(found, use{name.Name, in, of})
		}
	}
	return found
}

// emptyPackages imports packages as if nothing were in them.
type emptyPackages struct{}

func (emptyPackages) Import(name string) (*types.Package, error) {
	empty := types.NewPackage(name, path.Base(name))
	empty.MarkComplete()
	return empty, nil
}
