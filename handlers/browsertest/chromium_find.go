// This file finds the Chromium of the machine.

package browsertest

import (
	"os"
	"os/exec"
	"path/filepath"
)

// findChromium gives the path of Chromium or of a browser made from it, first
// by its names on PATH, then in the usual places of macOS and Windows. It is
// "" when there is none.
func findChromium() string {
	candidates := []string{
		"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
		"microsoft-edge", "microsoft-edge-stable", "msedge",
	}
	home, _ := os.UserHomeDir()
	for _, root := range []string{"/", home} {
		for _, name := range []string{"Chromium", "Google Chrome", "Microsoft Edge"} {
			candidates = append(candidates, filepath.Join(root, "Applications", name+".app", "Contents", "MacOS", name))
		}
	}
	for _, variable := range []string{"ProgramFiles", "ProgramFiles(x86)", "LocalAppData"} {
		root := os.Getenv(variable)
		if root == "" {
			continue
		}
		for _, program := range []string{`Chromium\Application\chrome.exe`, `Google\Chrome\Application\chrome.exe`, `Microsoft\Edge\Application\msedge.exe`} {
			candidates = append(candidates, filepath.Join(root, program))
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
