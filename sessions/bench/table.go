// The table: a line is printed as soon as it is measured.

package main

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// table prints one section after another.
type table struct{}

// bar is what a figure has to reach, in words, and whether it did.
type bar struct{ text, verdict string }

var noBar = bar{"", ""}

func atMost(limit, value float64, format string) bar {
	if limit == 0 {
		return noBar
	}
	return verdict("≤ "+fmt.Sprintf(format, limit), value <= limit)
}

func atLeast(limit, value float64, format string) bar {
	return verdict("≥ "+fmt.Sprintf(format, limit), value >= limit)
}

func verdict(text string, met bool) bar {
	if met {
		return bar{text, "met"}
	}
	return bar{text, "NOT met"}
}

func (t *table) heading(what, ours, peer, ratio string) {
	fmt.Printf("\n%s %s %s %s %s %s %s\n", left(what, 36), left("beside", 24), left("bar", 10), right(ours, 18), right(peer, 18), right(ratio, 14), "")
	fmt.Println(strings.Repeat("─", 134))
}

func (t *table) row(what, peer string, b bar, ours, theirs, ratio string) {
	fmt.Printf("%s %s %s %s %s %s  %s\n", left(what, 36), left(peer, 24), left(b.text, 10), right(ours, 18), right(theirs, 18), right(ratio, 14), b.verdict)
}

func left(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

func right(text string, width int) string {
	return strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text))) + text
}
