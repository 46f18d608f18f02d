// How the files of labels become languages.

package locale

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// labelFiles are files of templates/labels, by their names.
func labelFiles(texts map[string]string) fstest.MapFS {
	files := fstest.MapFS{}
	for name, text := range texts {
		files["templates/labels/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

func TestReadLabels(t *testing.T) {
	all, err := Read(labelFiles(map[string]string{
		"login.de.toml": "[login]\ntitle = \"Anmelden\"", // sorts before every English file
		"login.en.toml": "[login]\ntitle = \"Sign in\"\n[login.too_many]\none = \"{{.Count}} try\"\nother = \"{{.Count}} tries\"",
		"wire.de.toml":  "[wire]\ntitle = \"Die Leitung\"",
		"wire.en.toml":  "[wire]\ntitle = \"The wire\"\n[login]\nlead = \"One login\"", // a table may lie in many files
	}))
	if err != nil {
		t.Fatal(err)
	}
	var tags []string
	for _, w := range all.All {
		tags = append(tags, w.Tag.String())
	}
	if !slices.Equal(tags, []string{"en", "de"}) {
		t.Fatalf("the languages are %v, not English and then German", tags)
	}
	english, german := all.All[0], all.All[1]
	for id, want := range map[string]string{"login.title": "Sign in", "login.lead": "One login", "wire.title": "The wire"} {
		if got := english.Text(id); got != want {
			t.Errorf("%s says %q, want %q", id, got, want)
		}
	}
	if got := english.Say(Msg("login.too_many", Args{"Count": 1})); got != "1 try" {
		t.Errorf("the singular is %q", got)
	}
	if got := german.Text("login.title") + ", " + german.Text("wire.title"); got != "Anmelden, Die Leitung" {
		t.Errorf("German says %q", got)
	}
}

func TestReadLabelsRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		want  []string // stands in the error
	}{
		"a label that two files define": {
			map[string]string{"lab.en.toml": "[wire]\ncolon = \": \"", "wire.en.toml": "[wire]\ncolon = \":\""},
			[]string{"templates/labels/lab.en.toml", "templates/labels/wire.en.toml", `"wire.colon"`},
		},
		"a file that is broken":     {map[string]string{"lab.en.toml": "[wire"}, []string{"templates/labels/lab.en.toml"}},
		"languages without English": {map[string]string{"lab.zh.toml": "a = \"b\""}, []string{"English"}},
		"no file":                   {nil, []string{"English"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(labelFiles(test.files))
			if err == nil {
				t.Fatal("it is read")
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error is %q, without %s", err, part)
				}
			}
		})
	}
}
