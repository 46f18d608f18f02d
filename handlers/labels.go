// Labels: every word of the interface, in each language, from
// templates/labels, which has a file for each page and language. A label that
// stands in a template is written into its text before it is parsed, so it may
// hold markup and template actions; a phrase is said by Go while a request is
// at work.

package handlers

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	i18ntemplate "github.com/nicksnyder/go-i18n/v2/i18n/template"
	"golang.org/x/text/language"
)

// Phrase is a sentence by its name, with what to put into it: what is said,
// apart from the language in which it is said.
type Phrase struct {
	ID   string
	Args Args
}

// Args fill the places {{.Name}} of a phrase. A Phrase among them is said in
// the same language; Count, a number, also chooses between singular and plural.
type Args map[string]any

func say(id string, args ...Args) Phrase {
	if len(args) == 0 {
		return Phrase{ID: id}
	}
	return Phrase{ID: id, Args: args[0]}
}

// some is a phrase that counts something, Count of them; without an ID for 0.
func some(id string, n int) Phrase {
	if n == 0 {
		return Phrase{}
	}
	return say(id, Args{"Count": n})
}

// words are the labels of one language.
type words struct {
	tag       language.Tag
	texts     map[string]string // as written; of one with a plural, the plural
	localizer *i18n.Localizer   // knows plurals
}

// say says a phrase. A name that is missing shows itself, and a test looks for
// those.
func (w *words) say(p Phrase) string {
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
	return w.fill(text, p.Args)
}

// fill fills the places of a text, from left to right: what fills one place may
// look like another.
func (w *words) fill(text string, args Args) string {
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
		case Phrase:
			filled.WriteString(w.say(arg))
		case nil:
			filled.WriteString("⟨" + name + "⟩")
		default:
			fmt.Fprint(&filled, arg)
		}
		text = after
	}
}

// text is a label without places, by its name.
func (w *words) text(id string) string { return w.say(Phrase{ID: id}) }

// label serves templates before they are parsed; a name that is missing is an
// error.
func (w *words) label(id string) (string, error) {
	text, ok := w.texts[id]
	if !ok {
		return "", fmt.Errorf("no label %q in %v", id, w.tag)
	}
	return text, nil
}

// engineVariant begins the name of a label that says the same for one engine:
// "engine.file.sessions.how" stands in for "sessions.how" where sessions lie in
// files. None has a plural.
const engineVariant = "engine."

// vary has the labels say what is true for an engine.
func (l languages) vary(engine string) {
	for _, w := range l.all {
		for id, text := range w.texts {
			if general, ok := strings.CutPrefix(id, engineVariant+engine+"."); ok {
				w.texts[general] = text
			}
		}
	}
}

// languages are all that the interface speaks, English first.
type languages struct {
	all     []*words
	matcher language.Matcher
}

// readLabels reads templates/labels/PAGE.LANGUAGE.toml, and merges the files of
// each language. A label that two files of a language define is an error, which
// names both.
func readLabels(files fs.FS) (languages, error) {
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	names, err := fs.Glob(files, "templates/labels/*.toml")
	if err != nil {
		return languages{}, err
	}
	var all languages
	byTag := map[language.Tag]*words{}
	definedIn := map[*words]map[string]string{} // the file of each label
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return languages{}, err
		}
		file, err := bundle.ParseMessageFileBytes(text, path.Base(name)) // whose name tells the language
		if err != nil {
			return languages{}, fmt.Errorf("labels %s: %w", name, err)
		}
		w := byTag[file.Tag]
		if w == nil {
			w = &words{tag: file.Tag, texts: map[string]string{}, localizer: i18n.NewLocalizer(bundle, file.Tag.String())}
			byTag[file.Tag], definedIn[w] = w, map[string]string{}
			all.all = append(all.all, w)
		}
		for _, message := range file.Messages {
			if first, ok := definedIn[w][message.ID]; ok {
				return languages{}, fmt.Errorf("labels: %s and %s both define %q", first, name, message.ID)
			}
			w.texts[message.ID], definedIn[w][message.ID] = message.Other, name
		}
	}
	english := slices.Index(all.all, byTag[language.English])
	if english < 0 {
		return languages{}, errors.New("labels: templates/labels has no file in English (PAGE.en.toml)")
	}
	all.all[0], all.all[english] = all.all[english], all.all[0]
	tags := make([]language.Tag, len(all.all))
	for i, w := range all.all {
		tags[i] = w.tag
	}
	all.matcher = language.NewMatcher(tags)
	return all, nil
}

// named finds a language by a name such as "zh" or "zh-CN"; nil: the interface
// does not speak it.
func (l languages) named(name string) *words {
	tag, err := language.Parse(name)
	if err != nil {
		return nil
	}
	asked, _ := tag.Base()
	for _, w := range l.all {
		if base, _ := w.tag.Base(); base == asked {
			return w
		}
	}
	return nil
}

// accepted is the best for an Accept-Language header: English when nothing of
// it is spoken, or it cannot be read.
func (l languages) accepted(header string) *words {
	_, i := language.MatchStrings(l.matcher, header)
	return l.all[i]
}

// other is the language to switch to: the next one.
func (l languages) other(w *words) *words {
	for i, one := range l.all {
		if one == w {
			return l.all[(i+1)%len(l.all)]
		}
	}
	return w
}
