// The house: which room may import which. Toolkits know no page, pages do not know each
// other, lessons know the course and what they show, and only handlers knows all.

package handlers_test

import (
	"go/build"
	"os"
	"slices"
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

// besides are the packages on no floor, and what each may import: the program's listeners,
// and what only tests use.
var besides = map[string]func(room string) bool{
	"serve":       func(room string) bool { return room == "markup" }, // it serves any handler
	"browsertest": func(string) bool { return false },                 // it opens any page
	"webtest":     func(room string) bool { return room == "serve" || floorOf(room) < floorOf("dashboard") },
	"labtest":     func(string) bool { return true },
}

// floorOf is the floor of a room, from 0; -1: it is on none.
func floorOf(room string) int {
	return slices.IndexFunc(floors, func(rooms []string) bool { return slices.Contains(rooms, room) })
}

const house = "cookielab/handlers"

func TestImportsRunDown(t *testing.T) {
	imports := importsOfRooms(t)
	for room, imported := range imports {
		may, beside := besides[room]
		at := floorOf(room)
		if !beside && at < 0 {
			t.Errorf("handlers/%s has no floor: give it one here, and in README", room)
			continue
		}
		for _, other := range imported {
			_, otherBeside := besides[other]
			switch below := floorOf(other); {
			case beside && !may(other):
				t.Errorf("handlers/%s imports handlers/%s, and may not", room, other)
			case beside:
			case otherBeside:
				t.Errorf("handlers/%s imports handlers/%s, which is for the program or for tests", room, other)
			case below > at:
				t.Errorf("handlers/%s imports handlers/%s, which lies above it", room, other)
			case below == at:
				t.Errorf("handlers/%s imports handlers/%s, which lies on the same floor", room, other)
			}
		}
	}
	for _, rooms := range floors {
		for _, room := range rooms {
			if _, there := imports[room]; !there {
				t.Errorf("there is no handlers/%s any more", room)
			}
		}
	}
}

// importsOfRooms are the rooms that each room imports, without its tests. It opens the
// source itself, so that go test runs this again when an import has changed.
func importsOfRooms(t *testing.T) map[string][]string {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	rooms := []string{""}
	for _, entry := range entries {
		if entry.IsDir() && entry.Name() != "testdata" {
			rooms = append(rooms, entry.Name())
		}
	}
	imports := map[string][]string{}
	for _, room := range rooms {
		built, err := build.ImportDir("./"+room, 0)
		if err != nil {
			t.Fatal(err)
		}
		imports[room] = []string{}
		for _, path := range built.Imports {
			if path == house || strings.HasPrefix(path, house+"/") {
				imports[room] = append(imports[room], roomOf(path))
			}
		}
	}
	return imports
}

// roomOf is the room of a package, by its path: "auth"; "" for handlers itself.
func roomOf(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, house), "/")
}
