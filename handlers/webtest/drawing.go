// A drawing of what happened, taken apart.

package webtest

import (
	"encoding/xml"
	"errors"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"cookielab/handlers/diagram"
	"cookielab/handlers/notebook"
	"cookielab/sessions"
)

// Drawing is a diagram taken apart; taking it apart proves that it is
// well-formed XML, so that no text of it can be anything but text.
type Drawing struct {
	t           *testing.T
	Elements    map[string]int
	titles      []string // of <title> and <desc>
	Labels      []string // of <text>, from the top down, without the numbers
	numbers     []string // the numbers in the picture
	Steps       []string // the list's items that have a number
	values      []string // their numbers
	Asides      []string // the list's other items
	Pale        []string // the labels of lifelines that take no part
	described   string   // aria-labelledby
	ids         []string
	attributes  []string // names of all
	CrossedOut  int
	DashedLines int
}

// TakeApart reads a drawing; one that is not well-formed ends the test.
func TakeApart(t *testing.T, figure string) *Drawing {
	t.Helper()
	d := &Drawing{t: t, Elements: map[string]int{}}
	decoder := xml.NewDecoder(strings.NewReader(figure))
	var path []xml.StartElement
	var item strings.Builder
	attribute := func(e xml.StartElement, name string) string {
		for _, a := range e.Attr {
			if a.Name.Local == name {
				return a.Value
			}
		}
		return ""
	}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return d
		}
		if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, figure)
		}
		switch token := token.(type) {
		case xml.StartElement:
			token = token.Copy()
			path = append(path, token)
			d.Elements[token.Name.Local]++
			for _, a := range token.Attr {
				d.attributes = append(d.attributes, a.Name.Local)
				if a.Name.Local == "id" {
					d.ids = append(d.ids, a.Value)
				}
			}
			switch class := attribute(token, "class"); {
			case token.Name.Local == "svg":
				d.described = attribute(token, "aria-labelledby")
			case token.Name.Local == "li":
				item.Reset()
			case class == "crossed":
				d.CrossedOut++
			case class == "arrow dashed":
				d.DashedLines++
			}
		case xml.CharData:
			inside := path[len(path)-1]
			switch inside.Name.Local {
			case "title", "desc":
				d.titles = append(d.titles, string(token))
			case "text":
				switch {
				case attribute(inside, "class") == "step":
					d.numbers = append(d.numbers, string(token))
					continue
				case attribute(path[len(path)-2], "class") == "lifeline pale":
					d.Pale = append(d.Pale, string(token))
				}
				d.Labels = append(d.Labels, string(token))
			default:
				item.Write(token)
			}
		case xml.EndElement:
			if token.Name.Local == "li" {
				if value := attribute(path[len(path)-1], "value"); value != "" {
					d.Steps, d.values = append(d.Steps, item.String()), append(d.values, value)
				} else {
					d.Asides = append(d.Asides, item.String())
				}
			}
			path = path[:len(path)-1]
		}
	}
}

// Sound are what holds of every drawing.
func (d *Drawing) Sound(written ...string) {
	d.t.Helper()
	for element, n := range map[string]int{"figure": 1, "svg": 1, "title": 1, "desc": 1, "ol": 1} {
		if d.Elements[element] != n {
			d.t.Errorf("%d × <%s>", d.Elements[element], element)
		}
	}
	if len(d.ids) != 2 || d.described != strings.Join(d.ids, " ") {
		d.t.Errorf("labelled by %q, but the ids are %q", d.described, d.ids)
	}
	for _, text := range d.titles {
		if strings.TrimSpace(text) == "" {
			d.t.Error("title or description are empty")
		}
	}
	for _, label := range d.Labels {
		if n := utf8.RuneCountInString(label); n > 32 {
			d.t.Errorf("a label of %d characters: %q", n, label)
		}
		if strings.Contains(label, "⟨wire") && !slices.Contains(written, label) {
			d.t.Errorf("a label without words: %q", label)
		}
	}
	for _, forbidden := range []string{"style", "href", "onload", "onclick"} {
		if slices.Contains(d.attributes, forbidden) {
			d.t.Errorf("it has the attribute %s", forbidden)
		}
	}
	var counted []string
	for i := range d.numbers {
		counted = append(counted, strconv.Itoa(i+1))
	}
	if !slices.Equal(d.numbers, counted) || !slices.Equal(d.values, counted) {
		d.t.Errorf("numbered %q, in the list %q", d.numbers, d.values)
	}
}

// Draw draws exchanges in a language.
func Draw(language string, exchanges []*notebook.Exchange) template.HTML {
	return diagram.Draw(AssetsOf(sessions.EngineDB).Languages.Named(language), exchanges)
}

// Draw takes the drawing of a client's exchanges apart, from the nth last on.
func (c *Client) Draw(t *testing.T, language string, n int, written ...string) *Drawing {
	t.Helper()
	wire := c.Wire()
	d := TakeApart(t, string(Draw(language, wire[len(wire)-n:])))
	d.Sound(written...)
	return d
}
