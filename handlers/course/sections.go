// How the files of the course are cut: at headings with a name in braces, which all
// languages share.

package course

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// section is what stands below a heading.
type section struct {
	ID, Title string
	Lines     []string // without those of its parts
	Parts     []section
}

var sectionHeading = regexp.MustCompile(`^(##|###) (.+) \{#([a-z0-9-]+)\}$`)

// sections cuts a file: a title ("# Title"), and sections ("## Title {#name}") with
// their parts ("### Title {#name}"). An error quotes the line that fits nowhere.
func sections(raw string) (title string, all []section, err error) {
	for line := range strings.Lines(raw) {
		line = strings.TrimRight(line, " \r\n")
		first, isTitle := strings.CutPrefix(line, "# ")
		match := sectionHeading.FindStringSubmatch(line)
		switch {
		case isTitle && title == "":
			title = first
		case match == nil && strings.HasPrefix(line, "##"):
			return "", nil, fmt.Errorf("the heading %q has no name in braces", line)
		case match != nil && match[1] == "##":
			all = append(all, section{ID: match[3], Title: match[2]})
		case len(all) == 0:
			if line != "" {
				return "", nil, fmt.Errorf("%q stands before the first part", line)
			}
		default:
			at := &all[len(all)-1]
			if match != nil {
				at.Parts = append(at.Parts, section{ID: match[3], Title: match[2]})
				continue
			}
			if n := len(at.Parts); n > 0 {
				at = &at.Parts[n-1]
			}
			at.Lines = append(at.Lines, line)
		}
	}
	return title, all, nil
}

// sectionNamed finds a section by its name.
func sectionNamed(all []section, id string) (found section, ok bool) {
	i := slices.IndexFunc(all, func(s section) bool { return s.ID == id })
	if i < 0 {
		return found, false
	}
	return all[i], true
}
