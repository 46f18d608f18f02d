// The dates of Expires, as the draft and Chromium read them: almost alike. Firefox
// reads them quite otherwise, see date_firefox.go.

package browser

import (
	"strconv"
	"strings"
	"time"
)

// date reads the value of an Expires attribute; false: it is none.
func (p Profile) date(text string) (time.Time, bool) {
	switch {
	case p.does(lenientDates):
		return readNSPR(text)
	case p.does(looseDates):
		return chromiumDate(text)
	}
	return draftDate(text)
}

var months = []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}

// dateTokens splits a date at its delimiters (RFC 6265bis 5.1.1): the printable
// ASCII characters but letters, digits and the colon; and the tab.
func dateTokens(text string) []string {
	delimiter := func(c byte) bool {
		return c == '\t' || 0x20 <= c && c <= 0x2f || 0x3b <= c && c <= 0x40 || 0x5b <= c && c <= 0x60 || 0x7b <= c && c <= 0x7e
	}
	var tokens []string
	begin := 0
	for i := 0; i <= len(text); i++ {
		if i < len(text) && !delimiter(text[i]) {
			continue
		}
		if i > begin {
			tokens = append(tokens, text[begin:i])
		}
		begin = i + 1
	}
	return tokens
}

// draftDate is RFC 6265bis 5.1.1: each token is the first missing field that it
// fits, in the order time, day, month, year.
func draftDate(text string) (time.Time, bool) {
	var clock []int
	day, month, year := -1, -1, -1
	for _, token := range dateTokens(text) {
		if clock == nil {
			if clock = clockOf(token); clock != nil {
				continue
			}
		}
		if n, ok := leading(token, 1, 2); ok && day < 0 {
			day = n
			continue
		}
		if m := monthOf(token); m > 0 && month < 0 {
			month = m
			continue
		}
		if n, ok := leading(token, 2, 4); ok && year < 0 {
			year = n
		}
	}
	if clock == nil || day < 0 || month < 0 || year < 0 {
		return time.Time{}, false
	}
	if year = fullYear(year); year < 1601 {
		return time.Time{}, false
	}
	return exactDate(year, month, day, clock)
}

// clockOf reads h:m:s with one or two digits each, and anything after a non-digit.
func clockOf(token string) []int {
	parts := strings.SplitN(token, ":", 3)
	if len(parts) < 3 {
		return nil
	}
	clock := make([]int, 3)
	for i, part := range parts {
		if i < 2 && strings.Trim(part, "0123456789") != "" {
			return nil
		}
		n, ok := leading(part, 1, 2)
		if !ok {
			return nil
		}
		clock[i] = n
	}
	return clock
}

// leading is the number at the start of a token, if it has that many digits.
func leading(token string, least, most int) (int, bool) {
	digits := len(token) - len(strings.TrimLeft(token, "0123456789"))
	if digits < least || digits > most {
		return 0, false
	}
	n, err := strconv.Atoi(token[:digits])
	return n, err == nil
}

// monthOf is the month that a token begins with; 0: none.
func monthOf(token string) int {
	if len(token) < 3 {
		return 0
	}
	for i, month := range months {
		if lower(token[:3]) == month {
			return i + 1
		}
	}
	return 0
}

func fullYear(year int) int {
	switch {
	case 70 <= year && year <= 99:
		return year + 1900
	case 0 <= year && year <= 69:
		return year + 2000
	}
	return year
}

// exactDate is the date if there is such a one.
func exactDate(year, month, day int, clock []int) (time.Time, bool) {
	if clock[0] > 23 || clock[1] > 59 || clock[2] > 59 || day < 1 || day > 31 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, clock[0], clock[1], clock[2], 0, time.UTC)
	return t, t.Day() == day
}

// chromiumDate is what Chromium does: a token that begins with no digit may be the
// month, one with a colon the time, and of those with digits only the first of up
// to two is the day and the first of up to five the year.
func chromiumDate(text string) (time.Time, bool) {
	var clock []int
	day, month, year := -1, -1, -1
	for _, token := range dateTokens(text) {
		n, err := strconv.Atoi(token)
		number := err == nil
		switch {
		case !isDigit(token[0]):
			if month < 0 {
				if m := monthOf(token); m > 0 {
					month = m
				}
			}
		case strings.Contains(token, ":"):
			if clock == nil {
				clock = chromiumClock(token)
			}
		case number && day < 0 && len(token) <= 2:
			day = n
		case number && year < 0 && len(token) <= 5:
			year = n
		}
	}
	if clock == nil || day < 0 || month < 0 || year < 0 {
		return time.Time{}, false
	}
	return exactDate(fullYear(year), month, day, clock)
}

// chromiumClock reads h:m:s with any number of digits each and nothing else. Whether
// there is such a time is looked at in the end: 99:00:00 is one here.
func chromiumClock(token string) []int {
	parts := strings.Split(token, ":")
	if len(parts) != 3 {
		return nil
	}
	clock := make([]int, 3)
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 32)
		if err != nil {
			return nil
		}
		clock[i] = int(n)
	}
	return clock
}
