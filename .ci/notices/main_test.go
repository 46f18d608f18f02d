package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNotices(t *testing.T) {
	text, err := notices("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"github.com/labstack/echo/v4 v", "github.com/jackc/pgx/v5 v", "modernc.org/sqlite v", "golang.org/x/sys v",
		"Go, its standard library and runtime", "Permission is hereby granted", "Redistribution and use in source and binary forms",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not there", want)
		}
	}
	if strings.Contains(string(text), "chromedp") {
		t.Error("what only tests use is there")
	}
}

// A licence may be in the folder of the module or of its package. A module without one is
// an error.
func TestLicences(t *testing.T) {
	root := t.TempDir()
	inner := filepath.Join(root, "inner")
	if err := os.Mkdir(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	m := module{dir: root, folders: []string{inner, root}}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("license.go", "package m")
	write("NOTICE", "a notice")
	if _, err := m.licences(); err == nil {
		t.Error("a module without a licence is taken")
	}
	write("inner/COPYING", "the licence")
	texts, err := m.licences()
	if err != nil || len(texts) != 2 || texts[0] != "NOTICE\n\na notice" || texts[1] != "inner/COPYING\n\nthe licence" {
		t.Errorf("%q, %v", texts, err)
	}
}
