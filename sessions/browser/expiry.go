// When a cookie ends: Max-Age, Expires, and the 400 days.

package browser

import (
	"math"
	"time"
)

// expiry is when the cookie ends, zero for a session cookie (RFC 6265bis 5.6.1,
// 5.6.2 and 5.7, step 6). Max-Age goes before Expires, wherever they stand. The
// date is that of the server's clock.
func (p Profile) expiry(line *parsed, now, date time.Time) time.Time {
	if seconds, ok := p.maxAge(line); ok {
		if seconds <= 0 {
			return now
		}
		return now.Add(min(time.Duration(min(seconds, int64(MaxAge/time.Second)))*time.Second, MaxAge))
	}
	ends, ok := p.expires(line)
	if !ok {
		return time.Time{}
	}
	if p.does(datesByServerClock) && !date.IsZero() {
		ends = ends.Add(now.Sub(date))
	}
	if latest := now.Add(MaxAge); ends.After(latest) {
		return latest
	}
	if ends.IsZero() { // a date like others, though it looks like none
		return ends.Add(1)
	}
	return ends
}

// maxAge is what the Max-Age of a line says: the last one that can be read, or for
// the browsers the last one if it can be read.
func (p Profile) maxAge(line *parsed) (seconds int64, ok bool) {
	for _, a := range line.attributes {
		if a.name != "max-age" || len(a.value) > MaxAttribute {
			continue
		}
		if n, readable := p.seconds(a.value); readable || p.does(lastExpiryCounts) {
			seconds, ok = n, readable
		}
	}
	return seconds, ok
}

// expires is the same for Expires.
func (p Profile) expires(line *parsed) (ends time.Time, ok bool) {
	for _, a := range line.attributes {
		if a.name != "expires" || len(a.value) > MaxAttribute {
			continue
		}
		if t, readable := p.date(a.value); readable || p.does(lastExpiryCounts) {
			ends, ok = t, readable
		}
	}
	return ends, ok
}

// seconds reads the value of a Max-Age; a number of any length.
func (p Profile) seconds(text string) (int64, bool) {
	if text == "" {
		return 0, false
	}
	digits, sign := text, int64(1)
	switch {
	case text[0] == '-':
		if p.does(maxAgeMinus) {
			return math.MinInt64, true
		}
		digits, sign = text[1:], -1
	case text[0] == '+' && p.does(maxAgePlus):
		digits = text[1:]
	}
	if digits == "" {
		return 0, false
	}
	var n int64
	full := false
	for i := range len(digits) {
		if !isDigit(digits[i]) {
			// A browser that has run out of numbers does not read on.
			return sign * n, full && p.does(lastExpiryCounts) || sign*n == math.MaxInt64 && p.does(maxAgeFull)
		}
		digit := int64(digits[i] - '0')
		if full = full || n > (math.MaxInt64-digit)/10; full {
			n = math.MaxInt64
			continue
		}
		n = n*10 + digit
	}
	return sign * n, true
}
