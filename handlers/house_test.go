// The house: which room may import which. Toolkits know no page, pages do not know each
// other, lessons know the course and what they show, and only handlers knows all.

package handlers_test

import (
	"encoding/json"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// floors are the rooms, from the ground up. A room may import what lies below its floor.
var floors = [][]string{
	{"locale", "markup"},
	{"lanes", "input"},
	{"notebook"},
	{"auth", "web", "diagram"},
	{"dashboard", "signin", "revoke", "wire", "tokens", "console", "engines", "composer", "dissect", "othersite", "course"},
	{"lessons"},
	{""}, // handlers itself
}

// beside the floors: the program's listeners, and what only tests use.
var besides = []string{"serve", "browsertest", "labtest"}

const house = "cookielab/handlers"

func TestImportsRunDown(t *testing.T) {
	floor := map[string]int{}
	for i, rooms := range floors {
		for _, room := range rooms {
			floor[room] = i
		}
	}
	imports := importsOfRooms(t)
	for _, room := range besides {
		for _, imported := range imports[room] {
			if room == "serve" && imported != "markup" {
				t.Errorf("%s imports %s: it serves any handler, and knows none of the rooms", room, imported)
			}
		}
		delete(imports, room)
	}
	for room, imported := range imports {
		at, known := floor[room]
		if !known {
			t.Errorf("handlers/%s has no floor: give it one here, and in README", room)
			continue
		}
		for _, other := range imported {
			below, known := floor[other]
			switch {
			case !known:
				t.Errorf("handlers/%s imports handlers/%s, which is for the program or for tests", room, other)
			case below > at:
				t.Errorf("handlers/%s imports handlers/%s, which lies above it", room, other)
			case below == at:
				t.Errorf("handlers/%s imports handlers/%s, which lies on the same floor", room, other)
			}
		}
	}
	for room := range floor {
		if _, there := imports[room]; !there {
			t.Errorf("there is no handlers/%s any more", room)
		}
	}
}

// importsOfRooms are the rooms that each room imports, without its tests.
func importsOfRooms(t *testing.T) map[string][]string {
	t.Helper()
	listed, err := exec.Command("go", "list", "-json=ImportPath,Imports", house+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	imports := map[string][]string{}
	for decoder := json.NewDecoder(strings.NewReader(string(listed))); ; {
		var one struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&one); err == io.EOF {
			return imports
		} else if err != nil {
			t.Fatal(err)
		}
		room := roomOf(one.ImportPath)
		imports[room] = []string{}
		for _, path := range one.Imports {
			if path == house || strings.HasPrefix(path, house+"/") {
				imports[room] = append(imports[room], roomOf(path))
			}
		}
	}
}

// roomOf is the room of a package, by its path: "auth"; "" for handlers itself.
func roomOf(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, house), "/")
}
