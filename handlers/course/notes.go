// Notes to take home: what a visitor predicted in each lesson, and what happened,
// as a Markdown file. Only that: no value of a cookie, no key, nobody's name.

package course

import (
	"html"
	"html/template"
	"net/http"
	"regexp"
	"strings"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
)

const notesFile = "cookie-lab-notes.md"

// Notes serves GET /notes.
func (h *Course) Notes(c echo.Context) error {
	var begun, open strings.Builder
	w, done := h.site.Words(c), 0
	for _, l := range h.Lessons {
		s, err := h.StepOf(c, l)
		if err != nil {
			return err
		}
		title := w.Say(locale.Msg("lessons.number", locale.Args{"N": l.Number, "Title": s.text.Title}))
		if !s.Asked() && !s.begun() {
			open.WriteString("- " + title + "\n")
			continue
		}
		begun.WriteString("\n## " + title + "\n\n" + s.ownNotes())
		if !s.notes.Done.IsZero() {
			done++
		}
	}
	text := "# " + w.Text("notes.title") + "\n\n" +
		w.Say(locale.Msg("notes.written", locale.Args{"At": markup.Minute(h.site.Clock.Now()), "Done": done, "Of": len(h.Lessons)})) + "\n" + begun.String()
	if open.Len() > 0 {
		text += "\n## " + w.Text("notes.open") + "\n\n" + open.String()
	}
	header := c.Response().Header()
	header.Set("Content-Language", w.Tag.String())
	header.Set("Content-Disposition", `attachment; filename="`+notesFile+`"`)
	return c.Blob(http.StatusOK, "text/markdown; charset=utf-8", []byte(text))
}

// ownNotes are the lines about one lesson.
func (s *Step) ownNotes() string {
	choice := func(letter string) string {
		for _, choice := range s.text.Choices {
			if choice.Letter == letter {
				return s.W.Say(locale.Msg("notes.choice", locale.Args{"Letter": letter, "Text": markdown(choice.Text)}))
			}
		}
		return ""
	}
	lines := []string{markdown(s.text.Question), ""}
	line := func(p locale.Message) { lines = append(lines, "- "+s.W.Say(p)) }
	switch said := choice(s.notes.Said); {
	case said != "":
		line(locale.Msg("notes.predicted", locale.Args{"Choice": said, "At": markup.Minute(s.notes.SaidAt)}))
	case s.notes.Said == unsure:
		line(locale.Msg("notes.unsure", locale.Args{"At": markup.Minute(s.notes.SaidAt)}))
	default:
		line(locale.Msg("notes.unasked"))
	}
	came := ""
	if s.begun() {
		came = choice(s.Lesson.Happened(s))
	}
	if came != "" {
		line(locale.Msg("notes.happened", locale.Args{"Choice": came}))
	} else {
		line(locale.Msg("notes.nothing_yet"))
	}
	if !s.notes.Done.IsZero() {
		line(locale.Msg("notes.done", locale.Args{"At": markup.Minute(s.notes.Done), "Browser": escapeMarkdown(s.notes.Browser)}))
	}
	return strings.Join(lines, "\n") + "\n"
}

var (
	codeTag  = regexp.MustCompile(`<code>(.*?)</code>`)
	otherTag = regexp.MustCompile(`<[^>]*>`)
)

// markdown is the text of a line of HTML that came from Markdown, as Markdown:
// code keeps its marks, all else is plain.
func markdown(text template.HTML) string {
	var out strings.Builder
	rest := string(text)
	plain := func(text string) {
		out.WriteString(escapeMarkdown(html.UnescapeString(otherTag.ReplaceAllString(text, ""))))
	}
	for {
		at := codeTag.FindStringSubmatchIndex(rest)
		if at == nil {
			plain(rest)
			return out.String()
		}
		plain(rest[:at[0]])
		out.WriteString("`" + html.UnescapeString(rest[at[2]:at[3]]) + "`")
		rest = rest[at[1]:]
	}
}

// escapeMarkdown keeps a text from being anything else.
func escapeMarkdown(text string) string {
	return strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "<", `\<`, "[", `\[`).Replace(text)
}
