// What just happened: one sentence, picked from what was done and what the
// three ways, and the copy, concluded. Where none fits, their verdicts.

package handlers

import (
	"fmt"
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
	session := lanes[len(lanes)-1]
	all := you == "believed verified found" && agreed(lanes)
	none := you == "absent absent absent"
	switch {
	case deed.Name == "expire.nobody":
		return "Sign in first: there is nobody to remember for ten seconds."
	case deed.Name == "restore.nobody":
		return "Nothing to put back: no live session was left behind. Sign in again."
	case deed.Name == "copy.nothing" || deed.Name == "replay.nothing":
		return "Nothing to copy: no cookie of the three ways came."
	case (deed.Name == "copy" || deed.Name == "replay") && taken == nil:
		return "The copy lay in this server's memory only, and is gone."
	case deed.Name == "login" && all:
		return fmt.Sprintf("You signed in. All three remember %s. Look where the name is kept.", *session.User)
	case deed.Name == "restore" && all:
		return fmt.Sprintf("Put back: all three remember %s again, the session under a new key.", *session.User)
	case deed.Name == "edit" && len(deed.Changed) == 0:
		return "There was nothing to edit."
	case deed.Name == "edit" && you == "believed tampered unknown" && len(deed.Changed) == len(lanes) && session.Record.Role == RoleStudent:
		return "You changed student to teacher. Plain believed it, signed noticed, the session cookie had nothing to edit: an invented key went instead."
	case deed.Name == "edit" && len(deed.Changed) == 1 && deed.Changed[0] == Session:
		return "The role could not be changed any further; the session's key was replaced by an invented one. " + youPart(lanes)
	case (deed.Name == "copy" || deed.Name == "replay") && theirs == "believed verified found":
		return "Another program sent a copy. All three accept it: none can tell."
	case deed.Name == "expire" && all:
		return "All three live ten seconds; then your browser drops them. By the server's clock only signed and session end; plain has none. A new copy was taken."
	case none && timesUp(lanes) && theirs == "believed expired expired":
		return "Your browser obeyed and sends none of the three. The copy has no clock: plain is still believed, signed and session are over."
	case none && timesUp(lanes) && taken != nil:
		return "Your browser obeyed its clock and sends none of the three. And the copy? Press “Replay the copy”."
	case none && timesUp(lanes):
		return "Your browser obeyed its clock and sends none of the three."
	case deed.Name == "logout" && deed.Lane == "" && none && theirs == "believed verified unknown":
		return "You logged out. The copy still works for plain and signed; only the session is over."
	case deed.Name == "logout" && deed.Lane == "" && none && taken == nil:
		return "You logged out. The browser brings none of the three any more, and the record is gone."
	case none && session.ServerKeeps.Kind == keepsRecord && session.Record.User != "":
		return fmt.Sprintf("Your browser sent none of the three. The server's record about %s still lies there.", session.Record.User)
	case none && taken == nil:
		return "Nobody knows you yet. Sign in and watch rows ① to ④."
	}
	if deed.Name == "copy" || deed.Name == "replay" {
		return begin(deed, session) + copyPart(lanes) + " " + youPart(lanes)
	}
	return strings.TrimSpace(begin(deed, session) + youPart(lanes) + " " + copyPart(lanes))
}

// timesUp reports whether the browser's clock took all three.
func timesUp(lanes []laneView) bool {
	for _, v := range lanes {
		if v.Dropped == nil {
			return false
		}
	}
	return true
}

// begin names the deed where no sentence of its own fits.
func begin(deed Deed, session laneView) string {
	switch deed.Name {
	case "strayed":
		return "Something else changed what your browser sends. "
	case "flip":
		if len(deed.Changed) == 0 {
			return "There was nothing to change. "
		}
		return "You changed one character of the " + carried(deed.Lane) + ". "
	case "drop":
		if deed.Lane == Session && session.ServerKeeps.Kind == keepsRecord {
			return "Your browser's key is gone; the record stays on the server. "
		}
		if deed.Lane == Session {
			return "Your browser's key is gone; it led to no record. "
		}
		return "The " + carried(deed.Lane) + " is gone from your browser; the server keeps nothing of it that could stay behind. "
	case "logout":
		if deed.Lane != "" {
			return "You logged out of one way only: " + laneWords[deed.Lane][1] + ". "
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

// carried is what a browser has of a way.
func carried(lane string) string {
	if lane == Session {
		return "session's key"
	}
	return strings.ToLower(laneWords[lane][0])
}

// youPart is "You: Plain: Found. Signed: Verified.", copyPart the same of the
// copy, "" where there is none.
func youPart(lanes []laneView) string {
	part := "You:"
	for _, v := range lanes {
		part += " " + v.Short + ": " + v.Label.Word + "."
	}
	return part
}

func copyPart(lanes []laneView) string {
	part := ""
	for _, v := range lanes {
		if v.Copy != nil {
			part += " " + v.Short + ": " + v.Copy.Word + "."
		}
	}
	if part == "" {
		return ""
	}
	return "The copy:" + part
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
func ranBy(deed Deed) []string {
	each := func(method string) (names []string) {
		for _, lane := range []string{Plain, Signed, Session} {
			if deed.Lane == "" || deed.Lane == lane {
				names = append(names, "handlers."+lane+"Lane."+method)
			}
		}
		return names
	}
	switch deed.Name {
	case "login", "restore", "expire":
		return each("Remember")
	case "logout":
		return each("Forget")
	case "edit":
		return []string{"handlers.forgeRole", "handlers.forgeSealed"}
	case "flip":
		return []string{"handlers.flipCharacter"}
	case "copy", "replay":
		return []string{"handlers.Lab.sendCopy"}
	case "drop":
		return []string{"handlers.eraseCookie", "sessions.cookieCarrier.Erase"}
	default:
		return nil
	}
}
