// The other site and the neighbour: foreign pages that send requests to the lab,
// know nothing of it, and look like nothing of it.

package handlers_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
)

// Nothing of the lab's looks: no style sheet, no class, no part; one type and
// colours of its own, which can be read from the last row.
func TestOtherSiteLooksForeign(t *testing.T) {
	ours := map[string]bool{}
	class := regexp.MustCompile(`\.([a-zA-Z][\w-]*)`)
	for _, d := range readStyles(t) {
		for _, match := range class.FindAllStringSubmatch(d.selector, -1) {
			ours[match[1]] = true
		}
	}
	files, err := filepath.Glob("../templates/other/*.html")
	if err != nil || len(files) < 6 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, tag := range webtest.TagsIn(string(text)) {
			for _, a := range tag.Attributes {
				for name := range strings.FieldsSeq(a[1]) {
					if a[0] == "class" && ours[name] {
						t.Errorf("%s has the lab's class %s", file, name)
					}
				}
			}
		}
		for _, match := range regexp.MustCompile(`static "([^"]*)"`).FindAllStringSubmatch(string(text), -1) {
			if !strings.HasPrefix(match[1], "other.") {
				t.Errorf("%s uses %s", file, match[1])
			}
		}
	}
	colours := map[string]rgb{}
	size := regexp.MustCompile(`\b([\d.]+)px\b`)
	for _, d := range readStyle(t, "../static/"+otherStyle) {
		if name, custom := strings.CutPrefix(d.property, "--"); custom && strings.HasPrefix(d.value, "#") {
			colours[name] = readColour(t, d.value)
		} else if !d.root() && (hexColour.MatchString(d.value) || colourFunction.MatchString(d.value)) {
			t.Errorf("%s: a colour outside of :root", d)
		}
		if found := size.FindStringSubmatch(d.value); found != nil && (d.property == "font-size" || d.property == "font") && (len(found[1]) < 2 || found[1] < "16") {
			t.Errorf("%s: nothing is under 16 px", d)
		}
		if d.selector == ".host" && d.property == "font-size" && d.value != "36px" {
			t.Errorf("the host's name is of %s", d.value)
		}
	}
	for _, p := range []pair{{"text", "paper"}, {"text", "box"}, {"quiet", "paper"}, {"loud", "paper"}} {
		if got := contrast(colours[p.text], colours[p.ground]); got < contrastAA {
			t.Errorf("%s on %s is %.2f", p.text, p.ground, got)
		}
	}
	if colours["paper"] != (rgb{255, 255, 255}) {
		t.Errorf("its paper is %v", colours["paper"])
	}
}

func TestAServerThatIsAloneHasNoNeighbour(t *testing.T) {
	if r := labtest.New(t).Client().Get("/play/neighbour?run=R1"); r.Status != http.StatusNotFound {
		t.Errorf("it answers %d", r.Status)
	}
}
