// What just happened: one sentence, picked by what was done and what the three lanes and the
// copy concluded. If none fits, their verdicts.

package dashboard

import (
	"strings"

	"cookielab/handlers/auth"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
)

// sentence is what just happened.
func sentence(w *locale.Printer, action notebook.Action, views []*laneView, taken *auth.Copy) string {
	you, theirs := verdictsOf(views)
	session := views[len(views)-1]
	// What the session lane says of a cookie as it was issued, of an edited one,
	// and of a copy after the logout.
	issued, edited, left := "found", "unknown", "unknown"
	if session.Format == lanes.Signed {
		issued, edited, left = "verified", "tampered", "verified"
	}
	all := you == "believed verified "+issued && agreed(views)
	none := you == "absent absent absent"
	name := locale.Args{"Name": session.User}
	said := func(id string, args ...locale.Args) string { return w.Say(locale.Msg("sentence."+id, args...)) }
	switch {
	case action.Name == "expire.nobody":
		return said("expire_nobody")
	case action.Name == "restore.nobody":
		return said("restore_nobody")
	case action.Name == "copy.nothing" || action.Name == "replay.nothing":
		return said("copy_nothing")
	case (action.Name == "copy" || action.Name == "replay") && taken == nil:
		return said("copy_gone")
	case action.Name == "login" && all:
		return said("login", name)
	case action.Name == "restore" && all:
		return said("restore", name)
	case action.Name == "edit" && len(action.Changed) == 0:
		return said("edit_nothing")
	case action.Name == "edit" && you == "believed tampered "+edited && len(action.Changed) == len(views) && (session.Record.Role == lanes.RoleStudent || session.Format == lanes.Signed):
		return said("edit")
	case action.Name == "edit" && len(action.Changed) == 1 && action.Changed[0] == lanes.Session && session.Format == lanes.Session:
		return joined(w, said("edit_again"), verdictList(w, views, false))
	case (action.Name == "copy" || action.Name == "replay") && theirs == "believed verified "+issued:
		return said("copy")
	case action.Name == "expire" && all:
		return said("expire")
	case none && timesUp(views) && theirs == "believed expired expired":
		return said("times_up_copy")
	case none && timesUp(views) && taken != nil && action.Name != "copy" && action.Name != "replay":
		return said("times_up_replay")
	case none && timesUp(views):
		return said("times_up")
	case action.Name == "logout" && action.Lane == "" && none && theirs == "believed verified "+left:
		return said("logout_copy")
	case action.Name == "logout" && action.Lane == "" && none && taken == nil:
		return said("logout")
	case none && session.Record.User != "":
		return said("record_left", locale.Args{"Name": session.Record.User})
	case none && taken == nil:
		return said("nobody")
	}
	// Row ④ says the rest: one list is enough beside a sentence.
	if action.Name == "copy" || action.Name == "replay" {
		return joined(w, said("copy_some"), verdictList(w, views, true))
	}
	return joined(w, begin(said, action, session), verdictList(w, views, action.Name == "logout" && none && taken != nil))
}

// timesUp reports whether the browser's clock took all three.
func timesUp(views []*laneView) bool {
	for _, v := range views {
		if !v.Dropped {
			return false
		}
	}
	return true
}

// begin names the action where no sentence of its own fits.
func begin(said func(string, ...locale.Args) string, action notebook.Action, session *laneView) string {
	switch action.Name {
	case "strayed":
		return said("strayed")
	case "flip":
		if len(action.Changed) == 0 {
			return said("flip_nothing")
		}
		return said("flip." + action.Lane)
	case "drop":
		if action.Lane == lanes.Session && session.OnServer == nil {
			return said("drop_nothing")
		}
		return said("drop." + action.Lane)
	case "logout":
		if action.Lane != "" {
			return said("logout_one." + action.Lane)
		}
		return said("logout_all")
	case "edit":
		return said("edit_some")
	case "end", "end.others":
		if action.Ended > 0 {
			return said("end")
		}
	}
	return ""
}

// verdictList is "You: Plain: Found. Signed: Verified." or the same of the
// copy; "" where there is none.
func verdictList(w *locale.Printer, views []*laneView, ofCopy bool) string {
	var parts []string
	for _, v := range views {
		switch {
		case !ofCopy && v.User != "" && !agreed(views): // who, where they do not agree
			parts = append(parts, w.Say(locale.Msg("sentence.verdict_who", locale.Args{"Way": w.Text("way." + v.ID + ".short"), "Word": v.Word, "User": markup.Clip(v.User, markup.MaxValueText), "Role": markup.Clip(v.Role, markup.MaxValueText)})))
		case !ofCopy:
			parts = append(parts, w.Say(locale.Msg("sentence.verdict", locale.Args{"Way": w.Text("way." + v.ID + ".short"), "Word": v.Word})))
		case v.Copy != nil:
			parts = append(parts, w.Say(locale.Msg("sentence.verdict", locale.Args{"Way": w.Text("way." + v.ID + ".short"), "Word": v.Copy.Word})))
		}
	}
	switch {
	case len(parts) == 0:
		return ""
	case ofCopy:
		return joined(w, w.Text("sentence.list_copy"), parts...)
	default:
		return joined(w, w.Text("sentence.list_you"), parts...)
	}
}

// joined puts sentences behind each other, as the language does.
func joined(w *locale.Printer, first string, more ...string) string {
	var parts []string
	for _, part := range append([]string{first}, more...) {
		if part != "" {
			parts = append(parts, part)
		}
	}
	separator := " "
	if base, _ := w.Tag.Base(); base.String() == "zh" {
		separator = "" // its full stop is as wide as a space already
	}
	return strings.Join(parts, separator)
}

// verdictsOf are the three verdicts of you and of the copy, "" without a copy.
func verdictsOf(views []*laneView) (you, theirs string) {
	var yours, copies []string
	for _, v := range views {
		yours = append(yours, string(v.Verdict))
		if v.Copy != nil {
			copies = append(copies, string(v.Copy.Verdict))
		}
	}
	return strings.Join(yours, " "), strings.Join(copies, " ")
}
