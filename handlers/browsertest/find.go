// This file finds a browser on the machine.

package browsertest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// find gives the path of the first browser that is there: by the names on PATH,
// then by the names of the applications of macOS, then by the paths in the usual
// folders of Windows. It is "" when there is none.
func find(names, applications, programs []string) string {
	candidates := names
	home, _ := os.UserHomeDir()
	for _, root := range []string{"/", home} {
		for _, path := range applications {
			candidates = append(candidates, filepath.Join(root, "Applications", path))
		}
	}
	for _, variable := range []string{"ProgramFiles", "ProgramFiles(x86)", "LocalAppData"} {
		root := os.Getenv(variable)
		if root == "" {
			continue
		}
		for _, path := range programs {
			candidates = append(candidates, filepath.Join(root, path))
		}
	}
	for _, candidate := range candidates {
		// LookPath takes a path as it is and looks a bare name up on PATH.
		if path, err := exec.LookPath(candidate); err == nil {
			return path
		}
	}
	return ""
}

// missing ends a test that needs a browser which is not there.
func missing(t testing.TB, advice string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(advice)
	}
	t.Skip(advice)
}
