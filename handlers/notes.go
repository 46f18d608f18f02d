// Notes to take home: what a visitor predicted in each lesson, and what happened,
// as a Markdown file. Only that: no value of a cookie, no key, nobody's name.

package handlers

import (
	"html"
	"html/template"
	"net/http"
	"regexp"
	"strings"

	"github.com/labstack/echo/v4"
)

const notesFile = "cookie-lab-notes.md"

// getNotes serves GET /notes.
func (lab *Lab) getNotes(c echo.Context) error {
	var begun, open strings.Builder
	w, done := lab.words(c), 0
	for _, l := range lab.lessons {
		s, err := lab.stepOf(c, l)
		if err != nil {
			return err
		}
		title := w.say(say("lessons.number", Args{"N": l.Number, "Title": s.text.Title}))
		if !s.asked() && !s.begun() {
			open.WriteString("- " + title + "\n")
			continue
		}
		begun.WriteString("\n## " + title + "\n\n" + s.ownNotes())
		if !s.notes.Done.IsZero() {
			done++
		}
	}
	text := "# " + w.text("notes.title") + "\n\n" +
		w.say(say("notes.written", Args{"At": minute(lab.clock.Now()), "Done": done, "Of": len(lab.lessons)})) + "\n" + begun.String()
	if open.Len() > 0 {
		text += "\n## " + w.text("notes.open") + "\n\n" + open.String()
	}
	h := c.Response().Header()
	h.Set("Content-Language", w.tag.String())
	h.Set("Content-Disposition", `attachment; filename="`+notesFile+`"`)
	return c.Blob(http.StatusOK, "text/markdown; charset=utf-8", []byte(text))
}

// ownNotes are the lines about one lesson.
func (s *lessonStep) ownNotes() string {
	choice := func(letter string) string {
		for _, choice := range s.text.Choices {
			if choice.Letter == letter {
				return s.w.say(say("notes.choice", Args{"Letter": letter, "Text": markdown(choice.Text)}))
			}
		}
		return ""
	}
	lines := []string{markdown(s.text.Question), ""}
	line := func(p Phrase) { lines = append(lines, "- "+s.w.say(p)) }
	switch said := choice(s.notes.Said); {
	case said != "":
		line(say("notes.predicted", Args{"Choice": said, "At": minute(s.notes.SaidAt)}))
	case s.notes.Said == unsure:
		line(say("notes.unsure", Args{"At": minute(s.notes.SaidAt)}))
	default:
		line(say("notes.unasked"))
	}
	came := ""
	if s.begun() {
		came = choice(s.lesson.Happened(s))
	}
	if came != "" {
		line(say("notes.happened", Args{"Choice": came}))
	} else {
		line(say("notes.nothing_yet"))
	}
	if !s.notes.Done.IsZero() {
		line(say("notes.done", Args{"At": minute(s.notes.Done), "Browser": escapeMarkdown(s.notes.Browser)}))
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
