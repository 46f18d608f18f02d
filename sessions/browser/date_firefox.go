// The dates of Expires, as Firefox reads them: with the parser of NSPR, its old
// system library (PR_ParseTimeString), which was made for mail. It takes
// 11/24/2026, obeys zones, needs no time, and lets numbers overflow: 30 February
// is 2 March.

package browser

import (
	"strings"
	"time"
)

// zones are those that NSPR knows, in minutes east of Greenwich.
var zones = map[string]int{
	"pst": -8 * 60, "pdt": -7 * 60, "mst": -7 * 60, "mdt": -6 * 60, "cst": -6 * 60, "cdt": -5 * 60,
	"est": -5 * 60, "edt": -4 * 60, "ast": -4 * 60, "nst": -3*60 - 30, "gmt": 0, "bst": 60,
	"met": 60, "eet": 2 * 60, "jst": 9 * 60,
}

// nspr reads a date from left to right and remembers what it found.
type nspr struct {
	text  string
	at    int
	clock [3]int // 0 where nothing was said
	timed bool

	day, month, year int // -1: not yet; month 0 is the one before January
	zone             string
	offset           int // minutes east
	shifted          bool
}

// readNSPR reads a date; false: it is none.
func readNSPR(text string) (time.Time, bool) {
	n := nspr{text: text, day: -1, month: -1, year: -1}
	for rounds := 0; n.at < len(n.text); rounds++ {
		if rounds > 1000 {
			return time.Time{}, false
		}
		n.token()
		n.skip()
	}
	if n.day < 0 || n.month < 0 || n.year < 0 || n.year > 32767 {
		return time.Time{}, false
	}
	if !n.shifted && n.zone != "" {
		n.offset = zones[n.zone]
	}
	t := time.Date(n.year, time.Month(n.month), n.day, n.clock[0], n.clock[1], n.clock[2], 0, time.UTC)
	return t.Add(-time.Duration(n.offset) * time.Minute), true
}

// peek is the character at a distance, 0 after the end.
func (n *nspr) peek(distance int) byte {
	if n.at+distance < len(n.text) {
		return n.text[n.at+distance]
	}
	return 0
}

// token takes in what stands here, if it is one of those that NSPR knows.
func (n *nspr) token() {
	switch c := n.peek(0); {
	case c == '+' || c == '-':
		n.sign()
	case isDigit(c):
		n.digits()
	case isLetter(c):
		n.word()
	}
}

// word may be a month or a zone; three letters tell. Of UT it takes two.
func (n *nspr) word() {
	if len(n.text)-n.at >= 3 {
		three := n.text[n.at : n.at+3]
		if m := monthOf(three); m > 0 && n.month < 0 {
			n.month = m
			return
		}
		if _, ok := zones[lower(three)]; ok && n.zone == "" {
			n.zone = lower(three)
			return
		}
	}
	if lower(n.text[n.at:min(n.at+2, len(n.text))]) == "ut" && n.zone == "" && !isLetter(n.peek(2)) {
		n.zone = "gmt"
	}
}

// sign begins an offset from Greenwich: +h, +hh or +hhmm.
func (n *nspr) sign() {
	negative := n.peek(0) == '-'
	n.at++
	if n.shifted || n.zone != "" && n.zone != "gmt" {
		return
	}
	digits := n.run(n.at)
	value := func(from, to int) int { return numberOf(n.text[n.at+from : n.at+to]) }
	switch digits {
	case 4:
		n.offset = value(0, 2)*60 + value(2, 4)
	case 1, 2:
		n.offset = value(0, digits) * 60
	default:
		return
	}
	if negative {
		n.offset = -n.offset
	}
	// An offset of one minute west is what NSPR writes for none at all.
	n.shifted, n.zone = n.offset != -1, "gmt"
}

// digits may be a time, a date with slashes, a year, a day.
func (n *nspr) digits() {
	length := n.run(n.at)
	switch next := n.peek(length); {
	case next == ':':
		n.time(length)
	case (next == '/' || next == '-') && isDigit(n.peek(length+1)):
		n.slashes()
	case isLetter(next):
	case length == 4 || length == 5:
		if n.year < 0 {
			n.year = numberOf(n.text[n.at : n.at+length])
		}
	case length == 2:
		value := numberOf(n.text[n.at : n.at+2])
		switch {
		case n.day < 0 && value < 32:
			n.day = value
		case n.year < 0:
			n.year = fullYear(value)
		}
	case length == 1 && n.day < 0:
		n.day = numberOf(n.text[n.at : n.at+1])
	}
}

// time is h:m with or without seconds, and with AM or PM.
func (n *nspr) time(length int) {
	if n.timed || length > 2 {
		return
	}
	clock := [3]int{numberOf(n.text[n.at : n.at+length])}
	n.at += length + 1
	if length = n.run(n.at); length == 0 || length > 2 {
		return
	}
	clock[1] = numberOf(n.text[n.at : n.at+length])
	n.at += length
	if n.peek(0) == ':' {
		n.at++
	}
	if length = n.run(n.at); length > 2 {
		return
	}
	if clock[2] = numberOf(n.text[n.at : n.at+length]); length == 0 {
		// Without seconds NSPR takes the next character for their digit, whatever it
		// is: a space is 16 seconds before the minute (measured), and a byte beyond
		// ASCII is negative. A slash is -1, which stands for none.
		if clock[2] = int(int8(n.peek(0))) - '0'; clock[2] == -1 {
			clock[2] = 0
		}
	}
	n.at += length
	if clock[0] <= 12 {
		rest := lower(strings.TrimLeft(n.text[n.at:], " \t"))
		switch {
		case strings.HasPrefix(rest, "pm") && clock[0] < 12:
			clock[0] += 12
		case strings.HasPrefix(rest, "am") && clock[0] == 12:
			clock[0] = 0
		}
	}
	n.clock, n.timed = clock, true
}

// slashes is month/day/year, day/month/year or year/month/day, also with hyphens.
// What is none of them is passed over.
func (n *nspr) slashes() {
	if n.month >= 0 { // a name came before
		return
	}
	var numbers [3]int
	at := n.at
	for i, most := range []int{2, 2, 5} {
		if i > 0 {
			if at >= len(n.text) || n.text[at] != '/' && n.text[at] != '-' {
				return
			}
			at++
		}
		length := min(n.run(at), most)
		if length == 0 || i == 2 && length == 3 {
			return
		}
		numbers[i] = numberOf(n.text[at : at+length])
		at += length
	}
	if at < len(n.text) && (isDigit(n.text[at]) || isLetter(n.text[at])) {
		return
	}
	first, second, third := numbers[0], numbers[1], numbers[2]
	switch {
	case first > 31 || first == 0:
		if second > 12 || third > 31 {
			return
		}
		n.year, n.month, n.day = fullYear(first), second, third
	case first > 12 && second > 12:
	case first > 12:
		n.day, n.month, n.year = first, second, fullYear(third)
	default:
		n.month, n.day, n.year = first, second, fullYear(third)
	}
	n.at = at
}

// skip goes to the next token: to the end of this one, and over what separates.
func (n *nspr) skip() {
	for n.at < len(n.text) && !strings.ContainsRune(" \t,;-+/()[]", rune(n.text[n.at])) {
		n.at++
	}
	n.pass()
}

// pass goes over what separates tokens. A hyphen does if it follows a letter while
// the year is missing (30-AUG-1966), or if no digit follows it.
func (n *nspr) pass() {
	for n.at < len(n.text) {
		switch c := n.text[n.at]; {
		case strings.IndexByte(" \t,;/()[]", c) >= 0:
		case c == '-' && (n.at > 0 && isLetter(n.text[n.at-1]) && n.year < 0 || !isDigit(n.peek(1))):
		default:
			return
		}
		n.at++
	}
}

// run is how many digits stand there.
func (n *nspr) run(at int) int {
	end := at
	for end < len(n.text) && isDigit(n.text[end]) {
		end++
	}
	return end - at
}

// numberOf reads a few digits.
func numberOf(digits string) int {
	value := 0
	for i := range len(digits) {
		value = value*10 + int(digits[i]-'0')
	}
	return value
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
