// Colours and type: the contrast of every pair is computed anew from the style
// sheets, and nothing in them leaves the few sizes and weights there are.

package handlers_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// pair is a colour of text on a ground, both by their names in :root.
type pair struct{ text, ground string }

// contrasts are the ratios that the design names, in light and in dark. One
// without figures is used as well, and has to reach AA.
var contrasts = map[pair][2]float64{
	{"ink", "page"}:           {14.8, 15.6},
	{"ink", "surface"}:        {},
	{"ink", "grey-bg"}:        {}, // a button under the mouse
	{"ink", "refusal-bg"}:     {}, // what follows a refusing verdict
	{"muted", "page"}:         {6.1, 8.5},
	{"muted", "surface"}:      {},
	{"page", "ink"}:           {}, // the primary button, the changed tag
	{"page", "muted"}:         {}, // the primary button under the mouse
	{"plain", "plain-bg"}:     {6.5, 8.5},
	{"plain", "page"}:         {6.7, 10.1},
	{"plain", "surface"}:      {},
	{"plain", "refusal-bg"}:   {}, // turned round, the way's name stands in a refusing cell
	{"signed", "signed-bg"}:   {7.0, 7.8},
	{"signed", "page"}:        {7.6, 9.2},
	{"signed", "surface"}:     {},
	{"signed", "refusal-bg"}:  {},
	{"session", "session-bg"}: {6.9, 8.7},
	{"session", "page"}:       {7.4, 10.3},
	{"session", "surface"}:    {},
	{"session", "refusal-bg"}: {},
	{"token", "token-bg"}:     {7.3, 8.1},
	{"token", "page"}:         {7.9, 9.2},
	{"token", "surface"}:      {},
	{"token", "refusal-bg"}:   {},
	{"refusal", "refusal-bg"}: {6.9, 8.2},
	{"refusal", "page"}:       {},
	{"refusal", "surface"}:    {},
	{"grey", "grey-bg"}:       {5.7, 6.7},
	{"grey", "page"}:          {},
	{"grey", "surface"}:       {},
}

const contrastAA = 4.5

func TestContrast(t *testing.T) {
	sheet := readStyles(t)
	themes := map[string]map[string]rgb{"light": {}, "dark": {}, "print": {}}
	lightDark := regexp.MustCompile(`^light-dark\((#\w+), (#\w+)\)$`)
	for _, d := range sheet {
		name, custom := strings.CutPrefix(d.property, "--")
		switch {
		case !custom || !d.root():
		case d.media == "":
			if both := lightDark.FindStringSubmatch(d.value); both != nil {
				themes["light"][name], themes["dark"][name] = readColour(t, both[1]), readColour(t, both[2])
			} else if strings.Contains(d.value, "#") || colourFunction.MatchString(d.value) {
				t.Errorf("%s: a colour is light-dark(#rrggbb, #rrggbb)", d)
			}
		case strings.HasPrefix(d.value, "#"):
			if !strings.HasPrefix(d.media, "@media print") {
				t.Errorf("%s: colours change by theme and on paper only", d)
				continue
			}
			themes["print"][name] = readColour(t, d.value)
		}
	}
	if len(themes["light"]) < 15 {
		t.Fatalf("only %d colours were found", len(themes["light"]))
	}
	for name, colour := range themes["light"] { // what paper does not change
		if _, ok := themes["print"][name]; !ok {
			themes["print"][name] = colour
		}
	}
	for theme, colours := range themes {
		for p, want := range contrasts {
			text, ok := colours[p.text]
			ground, also := colours[p.ground]
			if !ok || !also {
				t.Errorf("there is no --%s or no --%s", p.text, p.ground)
				continue
			}
			got := contrast(text, ground)
			if got < contrastAA {
				t.Errorf("%s: %s on %s is %.2f, under %v", theme, p.text, p.ground, got, contrastAA)
			}
			design := map[string]float64{"light": want[0], "dark": want[1]}[theme]
			if design != 0 && math.Abs(got-design) > 0.1 {
				t.Errorf("%s: %s on %s is %.2f, the design says %v", theme, p.text, p.ground, got, design)
			}
		}
		if theme != "print" {
			continue
		}
		for name, c := range colours {
			if c[0] != c[1] || c[1] != c[2] {
				t.Errorf("on paper --%s is not a grey: %v", name, c)
			}
		}
	}

	// What the rules use is in the table, and where one rule sets both, so is the pair.
	texts, grounds := map[string]bool{}, map[string]bool{}
	for p := range contrasts {
		texts[p.text], grounds[p.ground] = true, true
	}
	type rule struct{ file, media, selector string }
	sets := map[rule]*pair{}
	for _, d := range sheet {
		r := rule{filepath.Base(d.file), d.media, d.selector}
		if sets[r] == nil {
			sets[r] = &pair{}
		}
		switch d.property {
		case "color":
			sets[r].text = d.value
		case "background", "background-color":
			sets[r].ground = d.value
		}
	}
	for r, p := range sets {
		for _, way := range ways {
			text, ground := colourOf(p.text, way), colourOf(p.ground, way)
			if text != "" && !texts[text] {
				t.Errorf("%v: no contrast is checked for %s as a text", r, text)
			}
			if ground != "" && !grounds[ground] {
				t.Errorf("%v: no contrast is checked for %s as a ground", r, ground)
			}
			if _, ok := contrasts[pair{text, ground}]; !ok && text != "" && ground != "" {
				t.Errorf("%v: no contrast is checked for %s on %s", r, text, ground)
			}
		}
	}
}

// ways are what --way and --way-bg stand for; in none of them they have no value.
var ways = []string{"", "plain", "signed", "session", "token", "grey"}

var variable = regexp.MustCompile(`^var\(--([\w-]+)(?:, *(.+))?\)$`)

// colourOf is the colour that a value is within a way, by name; "" when it is
// that of the element around, or none.
func colourOf(value, way string) string {
	match := variable.FindStringSubmatch(value)
	switch {
	case slices.Contains([]string{"", "none", "inherit", "currentColor", "transparent"}, value):
		return ""
	case match == nil:
		return value // no colour that there is
	case match[1] != "way" && match[1] != "way-bg":
		return match[1]
	case way == "":
		return colourOf(match[2], way)
	}
	return way + strings.TrimPrefix(match[1], "way")
}

// Colours stand in :root and nowhere else, and type keeps to its scale: nothing
// under 14 px, two weights, and none of what Chinese does not have.
func TestStylesKeepToTheDesign(t *testing.T) {
	quoted := regexp.MustCompile(`"[^"]*"|url\([^)]*\)|--[\w-]+`)
	word := regexp.MustCompile(`[a-zA-Z-]+`)
	size := regexp.MustCompile(`^([\d.]+)(px|pt)$`)
	for _, d := range readStyles(t) {
		value := quoted.ReplaceAllString(d.value, "")
		if !d.root() {
			if hexColour.MatchString(value) || colourFunction.MatchString(value) {
				t.Errorf("%s: a colour outside of :root", d)
			}
			for _, w := range word.FindAllString(value, -1) {
				if slices.Contains(namedColours, strings.ToLower(w)) {
					t.Errorf("%s: a colour outside of :root", d)
				}
			}
		}

		fontSize, weight := "", ""
		switch d.property {
		case "font-size":
			fontSize = d.value
		case "font-weight":
			weight = d.value
		case "font": // [weight] size/line family
			for _, part := range strings.Fields(d.value) {
				if before, _, _ := strings.Cut(part, "/"); size.MatchString(before) {
					fontSize = before
				} else if regexp.MustCompile(`^\d+$|^bold|^lighter`).MatchString(part) {
					weight = part
				}
			}
		case "text-transform", "letter-spacing", "font-style", "font-variant", "font-variant-caps", "word-spacing":
			t.Errorf("%s: there are no capitals, letterspacing or italics for emphasis", d)
		}
		if weight != "" && weight != "400" && weight != "650" {
			t.Errorf("%s: the weights are 400 and 650", d)
		}
		if fontSize == "" || fontSize == "inherit" {
			continue
		}
		parts := size.FindStringSubmatch(fontSize)
		if parts == nil {
			t.Errorf("%s: a size is in px, on paper in pt", d)
			continue
		}
		number, err := strconv.ParseFloat(parts[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		paper := strings.HasPrefix(d.media, "@media print")
		if parts[2] == "pt" != paper || !paper && number < 14 || paper && number < 9 {
			t.Errorf("%s: nothing is under 14 px, on paper under 9 pt", d)
		}
	}
}

// declaration is one of a style sheet, with where it stands.
type declaration struct {
	file, media, selector, property, value string
}

func (d declaration) root() bool {
	return regexp.MustCompile(`^:root\b[^ ]*(, :root\b[^ ]*)*$`).MatchString(d.selector)
}

func (d declaration) String() string {
	return fmt.Sprintf("%s: %s %s { %s: %s }", filepath.Base(d.file), d.media, d.selector, d.property, d.value)
}

// otherStyle is the style sheet of somebody else; it has a test of its own.
const otherStyle = "other.css"

// readStyles reads every style sheet of the lab.
func readStyles(t *testing.T) (all []declaration) {
	t.Helper()
	files, err := filepath.Glob("../static/*.css")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if filepath.Base(file) != otherStyle {
			all = append(all, readStyle(t, file)...)
		}
	}
	if len(all) < 300 {
		t.Fatalf("only %d declarations were read", len(all))
	}
	return all
}

// readStyle reads one. It understands what they use: rules, and rules in
// at-rules.
func readStyle(t *testing.T, file string) (all []declaration) {
	t.Helper()
	comment := regexp.MustCompile(`(?s)/\*.*?\*/`)
	space := regexp.MustCompile(`\s+`)
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := space.ReplaceAllString(comment.ReplaceAllString(string(raw), ""), " ")
	var within []string // what is open: at-rules, and a selector last
	for text != "" {
		i := strings.IndexAny(text, "{};")
		if i < 0 {
			if strings.TrimSpace(text) != "" || len(within) > 0 {
				t.Fatalf("%s ends within a rule: %q %q", file, within, text)
			}
			break
		}
		before := strings.TrimSpace(text[:i])
		if text[i] == '{' {
			within = append(within, before)
		} else if before != "" {
			property, value, ok := strings.Cut(before, ":")
			if !ok || len(within) == 0 {
				t.Fatalf("%s: %q is no declaration", file, before)
			}
			all = append(all, declaration{
				file: file, media: strings.Join(within[:len(within)-1], " "), selector: within[len(within)-1],
				property: property, value: strings.TrimSpace(strings.TrimSuffix(value, "!important")),
			})
		}
		if text[i] == '}' {
			if len(within) == 0 {
				t.Fatalf("%s: a } too many", file)
			}
			within = within[:len(within)-1]
		}
		text = text[i+1:]
	}
	return all
}

type rgb [3]uint8

func readColour(t *testing.T, hex string) (c rgb) {
	t.Helper()
	if _, err := fmt.Sscanf(hex, "#%02x%02x%02x", &c[0], &c[1], &c[2]); err != nil || len(hex) != 7 {
		t.Fatalf("%q is not #rrggbb", hex)
	}
	return c
}

// contrast is the ratio of WCAG 2.
func contrast(a, b rgb) float64 {
	high, low := luminance(a), luminance(b)
	if high < low {
		high, low = low, high
	}
	return (high + 0.05) / (low + 0.05)
}

// luminance is the relative luminance of WCAG 2.
func luminance(c rgb) float64 {
	var linear [3]float64
	for i, part := range c {
		s := float64(part) / 255
		if s <= 0.04045 {
			linear[i] = s / 12.92
		} else {
			linear[i] = math.Pow((s+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*linear[0] + 0.7152*linear[1] + 0.0722*linear[2]
}

func TestContrastOfKnownPairs(t *testing.T) {
	for hex, want := range map[string]float64{"#000000": 21, "#ffffff": 1, "#767676": 4.54, "#777777": 4.48, "#ff0000": 4.00} {
		if got := contrast(readColour(t, hex), rgb{255, 255, 255}); math.Abs(got-want) > 0.005 {
			t.Errorf("%s on white is %.3f, want %v", hex, got, want)
		}
	}
}

var (
	hexColour      = regexp.MustCompile(`#[0-9a-fA-F]{3,8}\b`)
	colourFunction = regexp.MustCompile(`\b(rgba?|hsla?|hwb|lab|lch|oklab|oklch|color|color-mix|light-dark)\(`)
)

// namedColours are those of CSS, without transparent and currentColor.
var namedColours = strings.Fields(`
	aliceblue antiquewhite aqua aquamarine azure beige bisque black blanchedalmond blue blueviolet brown burlywood
	cadetblue chartreuse chocolate coral cornflowerblue cornsilk crimson cyan darkblue darkcyan darkgoldenrod darkgray
	darkgreen darkgrey darkkhaki darkmagenta darkolivegreen darkorange darkorchid darkred darksalmon darkseagreen
	darkslateblue darkslategray darkslategrey darkturquoise darkviolet deeppink deepskyblue dimgray dimgrey dodgerblue
	firebrick floralwhite forestgreen fuchsia gainsboro ghostwhite gold goldenrod gray green greenyellow grey honeydew
	hotpink indianred indigo ivory khaki lavender lavenderblush lawngreen lemonchiffon lightblue lightcoral lightcyan
	lightgoldenrodyellow lightgray lightgreen lightgrey lightpink lightsalmon lightseagreen lightskyblue lightslategray
	lightslategrey lightsteelblue lightyellow lime limegreen linen magenta maroon mediumaquamarine mediumblue
	mediumorchid mediumpurple mediumseagreen mediumslateblue mediumspringgreen mediumturquoise mediumvioletred
	midnightblue mintcream mistyrose moccasin navajowhite navy oldlace olive olivedrab orange orangered orchid
	palegoldenrod palegreen paleturquoise palevioletred papayawhip peachpuff peru pink plum powderblue purple
	rebeccapurple red rosybrown royalblue saddlebrown salmon sandybrown seagreen seashell sienna silver skyblue
	slateblue slategray slategrey snow springgreen steelblue tan teal thistle tomato turquoise violet wheat white
	whitesmoke yellow yellowgreen`)
