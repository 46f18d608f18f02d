// Words: what a finding says, kept apart from how it is said, so that a
// finding can be told in any language.

package handlers

import (
	"fmt"
	"time"

	"cookielab/sessions"
)

// Phrase is a sentence by its name, with what to put into it.
type Phrase struct {
	ID   string
	Args []any
}

func say(id string, args ...any) Phrase { return Phrase{ID: id, Args: args} }

// String is the sentence in English. A name that is missing shows itself, and
// a test looks for those.
func (p Phrase) String() string {
	format, ok := english[p.ID]
	if !ok {
		return "⟨" + p.ID + "⟩"
	}
	if len(p.Args) == 0 {
		return format
	}
	return fmt.Sprintf(format, p.Args...)
}

// clockTime is an instant as DevTools shows it, to the second.
func clockTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func now(clock sessions.Clock) time.Time {
	if clock == nil {
		return time.Now()
	}
	return clock()
}

// english is every sentence of this package's findings.
var english = map[string]string{
	"check.came":       "the cookie came",
	"check.count":      "no more cookies came than a server reads",
	"check.characters": "it has only characters that a cookie may have",
	"check.readable":   "it can be read",
	"check.length":     "it is no longer than a cookie can be",
	"check.seal":       "the seal fits the content",
	"check.complete":   "it says who and until when",
	"check.dated":      "it is not dated in the future",
	"check.age":        "its time is not over",
	"check.shape":      "it has the form of a key",
	"check.record":     "a record has this key",

	"came.yes":            "the request carried %s",
	"came.quoted":         "the request carried %s in quotes, which do not count",
	"came.no":             "the request carried no cookie named %s",
	"count.no":            "more than %d cookies came at once, and the server reads none of them then",
	"characters.no":       "quotes inside, backslashes, control and non-ASCII characters are not allowed in a cookie, so the server did not read it; write them URL-encoded, 小 as %E5%B0%8F",
	"readable.yes.plain":  "the text names a user; nothing else was asked",
	"readable.no.plain":   "the text is not of the form user=…&role=…",
	"readable.yes.signed": "base64 of time|content|MAC",
	"readable.no.signed":  "the value is not base64, or its content is not the expected JSON",
	"length.yes":          "%d bytes of value",
	"length.no":           "%d bytes of value are more than any cookie may have",
	"seal.yes":            "the MAC was computed anew with the server's secret, and is the same",
	"seal.no":             "the MAC was computed anew with the server's secret, and is another: the content, the cookie's name or the server's secret is not what it was",
	"complete.no":         "the seal holds, but the content lacks a user or an end",
	"dated.yes":           "made at %s",
	"dated.no":            "made at %s, which has not come yet by the server's clock: one of the two clocks is wrong",
	"age.yes.signed":      "the sealed content says: until %s",
	"age.no.signed":       "the sealed content says: until %s, and the server's clock is past that",
	"age.yes.session":     "the record says: until %s",
	"age.no.session":      "the record still lies there, but ended at %s by the server's clock",
	"shape.yes":           "32 characters of a-z and 0-9",
	"shape.no":            "a key has exactly 32 characters of a-z and 0-9; the store was not asked",
	"record.yes":          "the store has a record under the hash of this key",
	"record.no":           "no record has this key: never made, ended, or cleaned away",

	"reason.absent":   "the request brought nothing for this way",
	"reason.believed": "the text was taken at its word; anybody could have written it",
	"reason.verified": "the seal fits, so the server wrote it; who sent it, nobody knows",
	"reason.found":    "a live record has this key",
	"reason.others":   "%v; %d more of the name %s came, the first counts",
}
