// Package locale holds every word of the interface, in each language, from
// templates/labels, which has a file for each page and language. A label that
// stands in a template is written into its text before it is parsed, so it may
// hold markup and template actions; a message is said by Go while a request is
// at work.
package locale

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	i18ntemplate "github.com/nicksnyder/go-i18n/v2/i18n/template"
	"golang.org/x/text/language"
)

// Message is a sentence that no language has been chosen for yet: the ID of its label, and
// what fills the label's places. The zero Message says nothing.
type Message struct {
	ID   string
	Args Args
}

// Args fill the places {{.Name}} of a label. A Message among them is said in the same
// language. Count, a number, also chooses between singular and plural.
type Args map[string]any

// Msg makes a Message; only the first args count.
func Msg(id string, args ...Args) Message {
	if len(args) == 0 {
		return Message{ID: id}
	}
	return Message{ID: id, Args: args[0]}
}

// Some makes a Message that counts something, with n as its Count; the zero Message if n is
// 0.
func Some(id string, n int) Message {
	if n == 0 {
		return Message{}
	}
	return Msg(id, Args{"Count": n})
}

// Printer says messages in one language. Many goroutines may use it at once.
type Printer struct {
	Tag       language.Tag
	texts     map[string]string // as written; of one with a plural, the plural
	localizer *i18n.Localizer   // knows plurals
}

// Say returns the text of a message. A label that is missing shows its ID, as ⟨ID⟩; a test
// looks for those.
func (w *Printer) Say(p Message) string {
	text, ok := w.texts[p.ID]
	if !ok {
		return "⟨" + p.ID + "⟩"
	}
	if count, ok := p.Args["Count"]; ok {
		var err error
		if text, err = w.localizer.Localize(&i18n.LocalizeConfig{MessageID: p.ID, PluralCount: count, TemplateParser: i18ntemplate.IdentityParser{}}); err != nil {
			return "⟨" + p.ID + ": " + err.Error() + "⟩"
		}
	}
	if len(p.Args) == 0 {
		return text
	}
	return w.Fill(text, p.Args)
}

// Fill fills the places of a text, from left to right, and never looks at what it filled in:
// that may look like a place. A place without an argument shows its name, as ⟨Name⟩.
func (w *Printer) Fill(text string, args Args) string {
	var filled strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{{.")
		filled.WriteString(before)
		if !found {
			return filled.String()
		}
		name, after, _ := strings.Cut(rest, "}}")
		switch arg := args[name].(type) {
		case string:
			filled.WriteString(arg)
		case Message:
			filled.WriteString(w.Say(arg))
		case nil:
			filled.WriteString("⟨" + name + "⟩")
		default:
			fmt.Fprint(&filled, arg)
		}
		text = after
	}
}

// Texts returns the labels as they are written, by their IDs; of a label with a plural, the
// plural. Callers must not change the map.
func (w *Printer) Texts() map[string]string { return w.texts }

// Text returns a label without places, by its ID.
func (w *Printer) Text(id string) string { return w.Say(Message{ID: id}) }

// Label returns a label as it is written, for a template that is not parsed yet. A label that
// is missing is an error.
func (w *Printer) Label(id string) (string, error) {
	text, ok := w.texts[id]
	if !ok {
		return "", fmt.Errorf("no label %q in %v", id, w.Tag)
	}
	return text, nil
}

// engineVariant begins the name of a label that says the same for one engine:
// "engine.file.sessions.how" stands in for "sessions.how" where sessions lie in
// files. None has a plural.
const engineVariant = "engine."

// Vary replaces labels by their variants for a session engine, such as "file". It must be
// called before any Printer is used.
func (l Languages) Vary(engine string) {
	for _, w := range l.All {
		for id, text := range w.texts {
			if general, ok := strings.CutPrefix(id, engineVariant+engine+"."); ok {
				w.texts[general] = text
			}
		}
	}
}

// Languages are those that the interface speaks.
type Languages struct {
	All     []*Printer // English first
	matcher language.Matcher
}

// Read reads templates/labels/PAGE.LANGUAGE.toml, and merges the files of
// each language. A label that two files of a language define is an error, which
// names both.
func Read(files fs.FS) (Languages, error) {
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	names, err := fs.Glob(files, "templates/labels/*.toml")
	if err != nil {
		return Languages{}, err
	}
	var all Languages
	byTag := map[language.Tag]*Printer{}
	definedIn := map[*Printer]map[string]string{} // the file of each label
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return Languages{}, err
		}
		file, err := bundle.ParseMessageFileBytes(text, path.Base(name)) // whose name tells the language
		if err != nil {
			return Languages{}, fmt.Errorf("labels %s: %w", name, err)
		}
		w := byTag[file.Tag]
		if w == nil {
			w = &Printer{Tag: file.Tag, texts: map[string]string{}, localizer: i18n.NewLocalizer(bundle, file.Tag.String())}
			byTag[file.Tag], definedIn[w] = w, map[string]string{}
			all.All = append(all.All, w)
		}
		for _, message := range file.Messages {
			if first, ok := definedIn[w][message.ID]; ok {
				return Languages{}, fmt.Errorf("labels: %s and %s both define %q", first, name, message.ID)
			}
			w.texts[message.ID], definedIn[w][message.ID] = message.Other, name
		}
	}
	english := slices.Index(all.All, byTag[language.English])
	if english < 0 {
		return Languages{}, errors.New("labels: templates/labels has no file in English (PAGE.en.toml)")
	}
	all.All[0], all.All[english] = all.All[english], all.All[0]
	tags := make([]language.Tag, len(all.All))
	for i, w := range all.All {
		tags[i] = w.Tag
	}
	all.matcher = language.NewMatcher(tags)
	return all, nil
}

// Named finds a language by a BCP 47 name such as "zh" or "zh-CN"; nil if the interface does
// not speak it.
func (l Languages) Named(name string) *Printer {
	tag, err := language.Parse(name)
	if err != nil {
		return nil
	}
	asked, _ := tag.Base()
	for _, w := range l.All {
		if base, _ := w.Tag.Base(); base == asked {
			return w
		}
	}
	return nil
}

// Accepted returns the best language for an Accept-Language header (RFC 9110 section 12.5.4);
// English if the interface speaks none of its languages, or the header cannot be read.
func (l Languages) Accepted(header string) *Printer {
	_, i := language.MatchStrings(l.matcher, header)
	return l.All[i]
}

// Other returns the language to switch to from one: the next in All.
func (l Languages) Other(w *Printer) *Printer {
	for i, one := range l.All {
		if one == w {
			return l.All[(i+1)%len(l.All)]
		}
	}
	return w
}

// Asked returns the language that a request's address asks for with ?lang=, or else the best
// that the browser accepts. ok is false if the interface does not speak the one that the
// address asks for.
func (l Languages) Asked(r *http.Request) (w *Printer, ok bool) {
	w, ok = l.Accepted(r.Header.Get("Accept-Language")), true
	if query := r.URL.Query(); query.Has("lang") {
		named := l.Named(query.Get("lang"))
		if ok = named != nil; ok {
			w = named
		}
	}
	return w, ok
}
