// What the binary carries: no test, and of the source only what pages show.

package main

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	"cookielab/handlers"
	"cookielab/handlers/web"
	"cookielab/sessions"
)

// TestFiles: the binary carries no test, and no Go file of which no page shows a function.
func TestFiles(t *testing.T) {
	assets, err := web.ReadAssets(files, sessions.EngineDB)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := handlers.ReadCourse(files, assets); err != nil {
		t.Fatal(err)
	}
	said := textOf(t)
	shown := map[string]bool{} // files
	for name, function := range assets.Source {
		if strings.Contains(said, `"`+name+`"`) {
			shown[function.File] = true
		}
	}
	var carried int
	err = fs.WalkDir(files, ".", func(name string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, ".go") {
			if carried++; !shown[name] {
				t.Errorf("the binary carries %s, and no page shows a function of it", name)
			}
		}
		return err
	})
	if err != nil || carried == 0 {
		t.Errorf("%d Go files, %v", carried, err)
	}
}

// textOf is what templates and lessons say, where functions are named to be shown.
func textOf(t *testing.T) string {
	var all strings.Builder
	for _, pattern := range []string{"templates/*.html", "handlers/lessons/*.go"} {
		names, err := fs.Glob(os.DirFS("."), pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
	}
	return all.String()
}
