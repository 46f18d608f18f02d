// Four ways to issue IDs, one for each visitor, and how somebody guesses the next one
// who has seen the last. Only one of the ways makes keys.

package handlers

import (
	"crypto/md5"
	"encoding/hex"
	"iter"
	"math/rand/v2"
	"strconv"

	"cookielab/sessions"
)

// issuer is one way.
type issuer struct {
	name    string
	issue   func() string
	guesses func(last string) iter.Seq[string] // in the order in which somebody tries them
}

// maxGuesses is how often it is tried.
const maxGuesses = 50_000

// issuers are the ways, the counters each from a number of their own.
func issuers(clock sessions.Clock) []issuer {
	count, hashed := countUp(), countUp()
	return []issuer{
		{"counter", func() string { return strconv.FormatInt(count(), 10) }, func(last string) iter.Seq[string] { return countOn(last, 1) }},
		{"time", func() string { return strconv.FormatInt(clock.Now().UnixMicro(), 10) }, func(last string) iter.Seq[string] { return countOn(last, 0) }},
		{"md5", func() string { return md5Of(hashed()) }, hashOn},
		{"random", sessions.NewKey, func(string) iter.Seq[string] { return drawOn }},
	}
}

func countUp() (next func() int64) {
	n := 1000 + rand.Int64N(9000)
	return func() int64 { n++; return n }
}

func md5Of(n int64) string {
	sum := md5.Sum([]byte(strconv.FormatInt(n, 10)))
	return hex.EncodeToString(sum[:])
}

// countOn tries the numbers that follow the last one; step 0: itself first, since
// of clocks two readings may be the same.
func countOn(last string, step int64) iter.Seq[string] {
	return func(yield func(string) bool) {
		n, _ := strconv.ParseInt(last, 10, 64)
		for n += step; yield(strconv.FormatInt(n, 10)); n++ {
		}
	}
}

// hashOn finds out of which number the last one was made, and counts on from there.
func hashOn(last string) iter.Seq[string] {
	return func(yield func(string) bool) {
		n := int64(0)
		for n < maxGuesses && md5Of(n) != last {
			n++
		}
		for n++; yield(md5Of(n)); n++ {
		}
	}
}

// drawOn draws others: there is nothing better to try.
func drawOn(yield func(string) bool) {
	for yield(sessions.NewKey()) {
	}
}

// triesToGuess counts the tries until one is the next ID; 0: none was.
func triesToGuess(guesses iter.Seq[string], next string) int {
	tries := 0
	for guess := range guesses {
		if tries++; guess == next {
			return tries
		}
		if tries == maxGuesses {
			break
		}
	}
	return 0
}
