// What just happened: one sentence, picked from what was done and what the
// three ways, and the copy, concluded. Where none fits, their verdicts.

package handlers

import (
	"fmt"
	"strconv"
	"strings"
)

// laneWords are a way's title, short title and subtitle.
var laneWords = map[string][3]string{
	Plain:   {"Plain cookie", "Plain", "facts in the browser"},
	Signed:  {"Signed cookie", "Signed", "facts in the browser, sealed by the server"},
	Session: {"Server-side session", "Session", "facts on the server, a key in the browser"},
}

// verdictLabels are a verdict's mark, word and line. Believed is a warning, not
// a success.
var verdictLabels = map[Verdict]verdictLabel{
	Absent:     {"○", "Nothing came", "the request brought nothing for this way"},
	Believed:   {"?", "Believed, unchecked", "anybody could have written this"},
	Verified:   {"✓", "Verified", "the server wrote it; who sent it, nobody knows"},
	Found:      {"✓", "Found", "a live record has this key"},
	Tampered:   {"✗", "Tampered", "the seal does not fit the content"},
	Expired:    {"◷", "Expired", "too old by the server's clock"},
	Unknown:    {"✗", "Unknown key", "no record has this key (any more)"},
	Unreadable: {"✗", "Unreadable", "not in the form this way expects"},
}

func sentence(deed Deed, lanes []laneView, taken *Copy) string {
	you, theirs := verdictsOf(lanes)
	name := ""
	for _, v := range lanes {
		if v.User != nil {
			name = *v.User
		}
	}
	const (
		all     = "believed verified found"
		nothing = "absent absent absent"
	)
	switch {
	case deed.Name == "expire.nobody":
		return "Sign in first: there is nobody to remember for ten seconds."
	case deed.Name == "restore.nobody":
		return "Nothing to put back: no live session was left behind. Sign in again."
	case deed.Name == "copy.nothing" || deed.Name == "replay.nothing":
		return "Nothing to copy: no cookie of the three ways came."
	case deed.Name == "login" && you == all:
		return fmt.Sprintf("You signed in. All three remember %s. Look where the name is kept.", name)
	case deed.Name == "restore" && you == all:
		return fmt.Sprintf("Put back: all three remember %s, under a new key.", name)
	case deed.Name == "edit" && you == "believed tampered unknown":
		return "You changed student to teacher. Plain believed it, signed noticed, the session cookie had nothing to edit."
	case (deed.Name == "copy" || deed.Name == "replay") && theirs == all:
		return "Another program sent a copy. All three accept it: none can tell."
	case deed.Name == "expire" && you == all:
		return "All three end in ten seconds: the browser stops sending, the server stops believing. A new copy was taken."
	case you == nothing && theirs == "believed expired expired":
		return "Your browser obeyed and sends nothing. The copy has no clock: plain is still believed, signed and session are over."
	case deed.Name == "logout" && deed.Lane == "" && you == nothing && theirs == "believed verified unknown":
		return "You logged out. The copy still works for plain and signed; only the session is over."
	case deed.Name == "logout" && deed.Lane == "" && you == nothing && taken == nil:
		return "You logged out. The browser brings nothing any more, and the record is gone."
	case you == nothing && theirs == "" && deed.Name != "expire" && deed.Name != "drop":
		return "Nobody knows you yet. Sign in and watch rows ① to ④."
	}
	return begin(deed) + list(lanes, func(v laneView) string { return v.Label.Word }, "") + copyPart(lanes)
}

// begin names the deed where no sentence of its own fits.
func begin(deed Deed) string {
	way := strings.ToLower(laneWords[deed.Lane][0])
	switch deed.Name {
	case "flip":
		return "You changed one character of the " + way + ". "
	case "drop":
		return "You deleted the browser's copy of the " + way + "; the server did not notice. "
	case "logout":
		if deed.Lane != "" {
			return "You logged out of the " + way + " only. "
		}
		return "You logged out. "
	case "edit":
		return "You edited what came. "
	case "copy", "replay":
		return "Another program sent a copy. "
	default:
		return ""
	}
}

func copyPart(lanes []laneView) string {
	part := list(lanes, func(v laneView) string {
		if v.Copy == nil {
			return ""
		}
		return v.Copy.Word
	}, "")
	if part == "" {
		return ""
	}
	return " The copy: " + part
}

// list is "Plain: Found. Signed: Verified."
func list(lanes []laneView, word func(laneView) string, prefix string) string {
	var parts []string
	for _, v := range lanes {
		if w := word(v); w != "" {
			parts = append(parts, prefix+v.Short+": "+w+".")
		}
	}
	return strings.Join(parts, " ")
}

// verdictsOf are the three verdicts of you and of the copy, "" without a copy.
func verdictsOf(lanes []laneView) (you, theirs string) {
	var yours, copies []string
	for _, v := range lanes {
		yours = append(yours, string(v.Verdict))
		if v.Copy != nil {
			copies = append(copies, string(v.Copy.Verdict))
		}
	}
	return strings.Join(yours, " "), strings.Join(copies, " ")
}

// ranBy names the functions that a deed ran, in the order in which they did.
func ranBy(deed string) []string {
	switch deed {
	case "login", "restore", "expire":
		return []string{"handlers.plainLane.Remember", "handlers.signedLane.Remember", "handlers.sessionLane.Remember"}
	case "logout":
		return []string{"handlers.plainLane.Forget", "handlers.signedLane.Forget", "handlers.sessionLane.Forget"}
	case "edit":
		return []string{"handlers.forgeRole", "handlers.forgeSealed"}
	case "flip":
		return []string{"handlers.flipCharacter"}
	case "copy", "replay":
		return []string{"handlers.Lab.sendCopy"}
	case "drop":
		return []string{"handlers.eraseLaneCookie"}
	default:
		return nil
	}
}

func number(n int) string { return strconv.Itoa(n) }
