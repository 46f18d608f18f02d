// The difference between two functions, line by line: how not to do it, and how.

package web

import (
	"html/template"
	"strings"

	"cookielab/handlers/markup"
)

// Difference returns two functions, by their names, as a page shows them in one text: lines
// that only the unsafe one has begin with −, those that only the safe one has with +. A
// function that does not exist is empty.
func (s Source) Difference(unsafe, safe string) template.HTML {
	a, b := s[unsafe], s[safe]
	var m markup.Writer
	m.Raw(`<figure class="difference"><figcaption>`)
	m.Raw(`<span class="unsafe">− `)
	m.Text(unsafe)
	m.Raw(`</span> <span class="safe">+ `)
	m.Text(safe)
	m.Raw(`</span> · `)
	m.Text(a.File)
	if b.File != a.File {
		m.Text(", " + b.File)
	}
	m.Raw(`</figcaption><pre class="go" translate="no">`)
	for _, line := range compare(strings.Split(a.Text, "\n"), strings.Split(b.Text, "\n")) {
		switch line.kind {
		case '-':
			m.Raw(`<del>− `)
			m.Text(line.text)
			m.Raw("\n</del>") // inside, since the element is a line of its own
		case '+':
			m.Raw(`<ins>+ `)
			m.Text(line.text)
			m.Raw("\n</ins>")
		default:
			m.Raw("  ")
			m.Text(line.text)
			m.Raw("\n")
		}
	}
	m.Raw("</pre></figure>")
	return template.HTML(m.String())
}

type comparedLine struct {
	kind byte // '-', '+' or ' '
	text string
}

// compare finds the longest sequence of lines that both have.
func compare(a, b []string) (lines []comparedLine) {
	longest := make([][]int, len(a)+1) // of a[i:] and b[j:]
	for i := range longest {
		longest[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				longest[i][j] = longest[i+1][j+1] + 1
			} else {
				longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			lines = append(lines, comparedLine{' ', a[i]})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && longest[i+1][j] >= longest[i][j+1]:
			lines = append(lines, comparedLine{'-', a[i]})
			i++
		default:
			lines = append(lines, comparedLine{'+', b[j]})
			j++
		}
	}
	return lines
}
