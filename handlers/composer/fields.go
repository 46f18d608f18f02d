// The two halves of the composer's form, the line and its fields, each made from
// the other; and the classic mistakes to begin with.

package composer

import (
	"net/url"
	"strings"
	"time"

	"cookielab/handlers/input"
	"cookielab/sessions/browser"
)

// fields are a line taken apart for the form. What it does not know stays
// in Rest.
type fields struct {
	Name, Value, Domain, Path, Expires, MaxAge, SameSite, Priority string
	Secure, HTTPOnly, Partitioned                                  bool
	Rest                                                           string // further attributes
}

// fieldNames are the names of the fields in the form.
var fieldNames = []string{"name", "value", "domain", "path", "expires", "max_age", "samesite", "priority", "secure", "httponly", "partitioned", "rest"}

// readForm reads the form. Which half of it counts, the line or the fields?
// That which the visitor changed since the page showed them (was is the line as it
// was then), or what a button says (by).
func readForm(posted url.Values) (f form, err error) {
	text, err := input.Singles(posted, append([]string{"line", "was", "by", "address", "came_before"}, fieldNames...)...)
	if err != nil {
		return f, err
	}
	f = form{Line: text["line"], Address: strings.TrimSpace(text["address"]), Before: text["came_before"]}
	fields := fieldsIn(text)
	edited := posted.Has("was") && text["was"] == f.Line && fields != fieldsOfLine(f.Line)
	if text["by"] == "fields" || edited {
		f.Line = fields.line()
	}
	f.fields = fieldsOfLine(f.Line) // a ; in a field ends it
	return f, nil
}

// fieldsIn reads the form's fields.
func fieldsIn(text map[string]string) fields {
	return fields{
		Name: text["name"], Value: text["value"], Domain: text["domain"], Path: text["path"], Expires: text["expires"],
		MaxAge: text["max_age"], SameSite: text["samesite"], Priority: text["priority"],
		Secure: text["secure"] != "", HTTPOnly: text["httponly"] != "", Partitioned: text["partitioned"] != "",
		Rest: text["rest"],
	}
}

// line writes the fields as one.
func (f fields) line() string {
	line := f.Name + "=" + f.Value
	for _, attribute := range []struct {
		text string
		set  bool
	}{
		{"Domain=" + f.Domain, f.Domain != ""}, {"Path=" + f.Path, f.Path != ""},
		{"Expires=" + f.Expires, f.Expires != ""}, {"Max-Age=" + f.MaxAge, f.MaxAge != ""},
		{"Secure", f.Secure}, {"HttpOnly", f.HTTPOnly}, {"SameSite=" + f.SameSite, f.SameSite != ""},
		{"Partitioned", f.Partitioned}, {"Priority=" + f.Priority, f.Priority != ""},
		{f.Rest, f.Rest != ""},
	} {
		if attribute.set {
			line += "; " + attribute.text
		}
	}
	return line
}

// fieldsOfLine takes a line apart. Of an attribute that is repeated the last counts,
// as it does for browsers.
func fieldsOfLine(line string) (f fields) {
	var rest []string
	for i, piece := range strings.Split(line, ";") {
		name, value, ok := strings.Cut(piece, "=")
		name, value = strings.Trim(name, " \t"), strings.Trim(value, " \t")
		switch key := strings.ToLower(name); {
		case i == 0 && ok:
			f.Name, f.Value = name, value
		case i == 0:
			f.Value = name
		case key == "domain":
			f.Domain = value
		case key == "path":
			f.Path = value
		case key == "expires":
			f.Expires = value
		case key == "max-age":
			f.MaxAge = value
		case key == "secure":
			f.Secure = true
		case key == "httponly":
			f.HTTPOnly = true
		case key == "partitioned":
			f.Partitioned = true
		case key == "samesite":
			f.SameSite = value
		case key == "priority":
			f.Priority = value
		case name != "" || ok:
			rest = append(rest, strings.Trim(piece, " \t"))
		}
	}
	f.Rest = strings.Join(rest, "; ")
	return f
}

// preset is a line to begin with.
type preset struct {
	Label   string // says what is to be seen
	Line    string
	Address string // "": the lab's own
	Before  string // a line that came before it; "": none
	Size    int    // bytes of a value that is put in place of VALUE
}

// ID names the preset in an address: the end of its label.
func (p preset) ID() string { return lastOf(p.Label) }

func lastOf(label string) string { return label[strings.LastIndexByte(label, '.')+1:] }

// line is the preset at a moment: DATE in it is tomorrow.
func (p preset) line(at time.Time) string {
	tomorrow := at.Add(24 * time.Hour).UTC().Format("Mon, 02 Jan 2006 15:04:05")
	return strings.NewReplacer("VALUE", strings.Repeat("v", p.Size), "DATE", tomorrow).Replace(p.Line)
}

// presets are a line without a mistake, and the classic mistakes.
var presets = []preset{
	{Label: "composer.preset.good", Line: "__Host-id=a3fWa; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax"},
	{Label: "composer.preset.bare", Line: "id=a3fWa"},
	{Label: "composer.preset.none", Line: "id=a3fWa; SameSite=None"},
	{Label: "composer.preset.false", Line: "id=a3fWa; Secure=false; HttpOnly=0"},
	{Label: "composer.preset.http", Line: "id=a3fWa; Path=/; Secure", Address: "http://shop.example/login"},
	{Label: "composer.preset.domain", Line: "id=a3fWa; Domain=shop.example; Path=/", Address: "https://www.shop.example/login"},
	{Label: "composer.preset.suffix", Line: "id=a3fWa; Domain=co.uk", Address: "https://shop.co.uk/"},
	{Label: "composer.preset.host", Line: "__Host-id=a3fWa; Secure"},
	{Label: "composer.preset.sister", Line: "__Host-id=a3fWa; Path=/; Secure; Domain=shop.example", Address: "https://www.shop.example/login"},
	{Label: "composer.preset.iso", Line: "id=a3fWa; Expires=2030-01-31T12:00:00Z"},
	{Label: "composer.preset.zone", Line: "id=a3fWa; Expires=DATE +0800"},
	{Label: "composer.preset.years", Line: "id=a3fWa; Max-Age=315360000"},
	{Label: "composer.preset.minus", Line: "id=a3fWa; Max-Age=-"},
	{Label: "composer.preset.path", Line: "id=; Path=/login; Max-Age=0", Before: "id=a3fWa; Path=/"},
	{Label: "composer.preset.big", Line: "id=VALUE; Path=/", Size: browser.MaxPair - 1},
	{Label: "composer.preset.typo", Line: "id=a3fWa; Http-Only; Same-Site=Lax"},
	{Label: "composer.preset.comma", Line: "id=a3fWa; Path=/, theme=dark; Path=/"},
	{Label: "composer.preset.equals", Line: "a3fWa; Path=/"},
	{Label: "composer.preset.tab", Line: "id=a3\tfWa; Path=/"},
	{Label: "composer.preset.chips", Line: "id=a3fWa; Partitioned; SameSite=Lax"},
}
