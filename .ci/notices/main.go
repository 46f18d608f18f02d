// Command notices writes a file with the licences of everything that is in the program, for
// people who get only the binary: of Go, and of each module that has a package in the binary
// on one of the systems that make dist builds for.
//
//	go run ./.ci/notices dist/THIRD-PARTY-NOTICES.txt
//
// It fails, and writes nothing, if a module has no licence.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func main() {
	err := errors.New("usage: go run ./.ci/notices FILE")
	if len(os.Args) == 2 {
		var text []byte
		if text, err = notices("."); err == nil {
			err = os.WriteFile(os.Args[1], text, 0o644)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

// pkg is what go list prints about a package.
type pkg struct {
	Dir      string
	Standard bool
	Module   *struct {
		Path, Version, Dir string
		Main               bool
	}
}

// module is a module in the binary, with the folders of those of its packages that are in
// it, and all folders above them.
type module struct {
	dir     string
	folders []string
}

// notices is the text of the file for the program whose source is in a folder.
func notices(program string) ([]byte, error) {
	modules := map[string]*module{}
	for _, system := range []string{"linux", "darwin", "windows"} {
		for _, arch := range []string{"amd64", "arm64"} {
			if err := list(program, system, arch, modules); err != nil {
				return nil, err
			}
		}
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	goDir := strings.TrimSpace(string(root))
	modules["Go, its standard library and runtime"] = &module{dir: goDir, folders: []string{goDir}}

	var out bytes.Buffer
	out.WriteString("Cookie Lab contains the work of others, under these licences.\n")
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		texts, err := modules[name].licences()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, text := range texts {
			fmt.Fprintf(&out, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), name, strings.TrimSpace(text))
		}
	}
	return out.Bytes(), nil
}

// list adds the modules in the binary for one system.
func list(program, system, arch string, modules map[string]*module) error {
	list := exec.Command("go", "list", "-deps", "-json=Dir,Standard,Module", ".")
	list.Dir = program
	list.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+arch, "CGO_ENABLED=0")
	list.Stderr = os.Stderr
	told, err := list.Output()
	if err != nil {
		return fmt.Errorf("go list for %s: %w", system, err)
	}
	for decoder := json.NewDecoder(bytes.NewReader(told)); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if p.Standard || p.Module == nil || p.Module.Main {
			continue
		}
		name := p.Module.Path + " " + p.Module.Version
		if modules[name] == nil {
			modules[name] = &module{dir: p.Module.Dir}
		}
		// A package may have a licence of its own, or be in a folder below one that has.
		for folder := p.Dir; ; folder = filepath.Dir(folder) {
			if !slices.Contains(modules[name].folders, folder) {
				modules[name].folders = append(modules[name].folders, folder)
			}
			if folder == p.Module.Dir || len(folder) <= len(p.Module.Dir) {
				break
			}
		}
	}
}

var (
	licence = regexp.MustCompile(`(?i)^(un)?(licen[cs]e|copying|copyright)`) // a module needs one of these
	notice  = regexp.MustCompile(`(?i)^(notice|patents)`)                    // and may have these, too
)

// licences are the texts of a module, each with the name of its file. A text that is in
// several folders is included once.
func (m *module) licences() (texts []string, err error) {
	slices.Sort(m.folders) // the module's own first
	licensed := false
	var seen []string
	for _, folder := range m.folders {
		entries, err := os.ReadDir(folder)
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			is := licence.MatchString(entry.Name())
			if entry.IsDir() || filepath.Ext(entry.Name()) == ".go" || !is && !notice.MatchString(entry.Name()) {
				continue
			}
			text, err := os.ReadFile(filepath.Join(folder, entry.Name()))
			if err != nil {
				return nil, err
			}
			licensed = licensed || is
			if slices.Contains(seen, string(text)) {
				continue
			}
			seen = append(seen, string(text))
			file, _ := filepath.Rel(m.dir, filepath.Join(folder, entry.Name()))
			texts = append(texts, filepath.ToSlash(file)+"\n\n"+string(text))
		}
	}
	if !licensed {
		return nil, errors.New("it has no licence")
	}
	return texts, nil
}
