// Lesson 4, signed: a seal hides nothing. Anybody reads a signed cookie, and
// nobody changes it unnoticed.

package lessons

import (
	"encoding/hex"
	"strings"
	"time"

	"cookielab/handlers/auth"
	"cookielab/handlers/course"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/sessions"
)

// Signed is lesson 4.
func (lessons) Signed() course.Lesson {
	return course.Lesson{
		Number: 4, Slug: "signed", Minutes: 8, Short: true, Answer: "B", Why: []string{"readable", "sealed"}, SignedIn: true,
		Acts: map[string]func(*course.Step) error{"flip": flipSigned, "put": putSignedBack},
		Do: func(s *course.Step) []course.Task {
			f := s.Finding(lanes.Signed)
			switch {
			case !s.Finding(lanes.Session).Verdict.Accepted(): // on whose word would it be put back?
				return []course.Task{{To: "/login?next=/lessons/signed", Label: s.W.Text("layout.sign_in")}}
			case s.Fact("changed") == "" && f.Verdict == lanes.Verified:
				return []course.Task{{Label: s.Word("paste"), Line: strings.Replace(readingLine, "PASTE", f.Value, 1)}, s.Task("flip")}
			case f.Verdict == lanes.Verified && s.Fact("set") != "":
				return []course.Task{{Label: s.Word("all")}}
			}
			return []course.Task{{Act: "put", Label: s.Word("put"), Quiet: s.Fact("set") != ""}}
		},
		Look: func(s *course.Step) {
			switch f := s.Finding(lanes.Signed); {
			case !s.Asked(): // it may be tampered with since the lesson before
			case f.Verdict == lanes.Tampered, s.Fact("flipped") != "" && s.Fact("changed") == "":
				noteSealed(s, "changed", f)
			case f.Verdict == lanes.Verified && s.Fact("changed") != "":
				noteSealed(s, "set", f)
			}
		},
		Board: func(s *course.Step) course.Board {
			return course.Board{
				Columns: []course.Column{{Title: s.Word("anybody")}, {Title: s.Word("server")}},
				Rows:    []course.Row{sealedRow(s, "set"), sealedRow(s, "changed")},
			}
		},
		Happened: func(s *course.Step) string {
			verdict, _ := s.Verdict("changed")
			switch read := s.Fact("set.read"); {
			case read == "" || verdict == "":
				return ""
			case verdict == lanes.Verified:
				return "C" // a character was changed, and the length was not
			case verdict == lanes.Tampered && read != "nothing":
				return "B"
			case verdict == lanes.Tampered:
				return "A"
			}
			return ""
		},
		Done: func(s *course.Step) bool {
			verdict, _ := s.Verdict("changed")
			return verdict == lanes.Tampered && s.Fact("set.read") != "" && s.Fact("set.read") != "nothing"
		},
		Closer: map[string]func(*course.Step) course.View{
			"encrypted": encryptedBeside,
			"moved":     movedElsewhere,
			"last":      lastCharacters,
		},
		Code:   []string{"sessions.Dissect", "lanes.FlipCharacter", "sessions.Signer.Verify"},
		Django: "response.set_signed_cookie(\"signed_user\", \"alice\")   # signed, not encrypted\nrequest.get_signed_cookie(\"signed_user\")             # BadSignature if it was changed",
	}
}

// readingLine reads a signed value in a browser's console, without a key: base64
// is no secret, and neither is what lies between the two bars.
const readingLine = `(d=>d(d('PASTE').split('|')[1]))(s=>atob(s.replace(/-/g,'+').replace(/_/g,'/')))`

// flipSigned changes one character of the signed cookie, and of no other.
func flipSigned(s *course.Step) error {
	lane, _ := s.Lanes.Lane(lanes.Signed)
	if f := s.Finding(lanes.Signed); f.Verdict == lanes.Verified {
		noteSealed(s, "set", f)
		s.Forget("changed")
		s.Note("flipped", "yes")
	}
	return s.Tamper("flip", []lanes.CookieLane{lane}, lanes.FlipCharacter)
}

// putSignedBack signs in again as before.
func putSignedBack(s *course.Step) error {
	if err := s.Before(); err != nil {
		return err
	}
	if err := s.Restore(); err != nil {
		return err
	}
	return s.Did("restore", "observe")
}

// noteSealed writes down what anybody reads in a signed value, and what the
// server, which has the key, concludes.
func noteSealed(s *course.Step, name string, f lanes.Finding) {
	read := "nothing"
	if who := lanes.Claims(f.Value); auth.ValidName(who.User) && (who.Role == lanes.RoleStudent || who.Role == lanes.RoleTeacher) {
		read = who.User + " " + who.Role
	}
	failed, _ := f.FailedCheck()
	s.NoteVerdict(name, f.Verdict, f.Who)
	s.Note(name+".read", read)
	s.Note(name+".check", failed.Name)
}

// sealedRow is what noteSealed wrote down under a name.
func sealedRow(s *course.Step, name string) course.Row {
	row := course.Row{ID: name, Title: s.Word(name), Cells: make([]course.Cell, 2)}
	switch read := s.Fact(name + ".read"); read {
	case "":
		return row
	case "nothing":
		row.Cells[0] = course.Cell{Code: "none", Text: s.Word("garbled")}
	default:
		row.Cells[0] = course.Cell{Code: "yes", Text: s.Word("reads"), Detail: strings.ReplaceAll(read, " ", " · ")}
	}
	row.Cells[1] = s.VerdictCell(name)
	if failed := s.Fact(name + ".check"); failed != "" {
		row.Cells[1].Detail = s.Word("failed", locale.Args{"Check": s.W.Text("check." + failed)})
	}
	return row
}

// exampleFacts name whom this lesson's examples are about. They are dated in whole
// seconds, so that their length does not change with the time.
func exampleFacts(s *course.Step, user string) lanes.SignedFacts {
	at := s.Now().Truncate(time.Second)
	return lanes.SignedFacts{User: user, Role: lanes.RoleStudent, IssuedAt: lanes.DateOf(at), Expires: lanes.DateOf(at.Add(time.Hour))}
}

// encryptedBeside seals the same facts twice at this moment, once encrypted before,
// and reads both without the key.
func encryptedBeside(s *course.Step) (v course.View) {
	facts := exampleFacts(s, "alice")
	v.Board.Columns = []course.Column{{Title: s.Word("value")}, {Title: s.Word("anybody")}}
	for _, kind := range []struct {
		name string
		make func(purpose string, secrets ...[]byte) (*sessions.Signer, error)
	}{
		{"sealed", sessions.NewSigner},
		{"encrypted", sessions.NewEncrypter},
	} {
		row := course.Row{ID: kind.name, Title: s.Word(kind.name), Cells: make([]course.Cell, 2)}
		if value, err := sealedBy(kind.make, s.Secrets(), facts); err == nil {
			row.Cells = []course.Cell{{Value: value}, readableCell(s, value)}
		}
		v.Board.Rows = append(v.Board.Rows, row)
	}
	return v
}

// sealedBy seals facts for this lesson's examples: no lane takes their purpose.
func sealedBy(make func(string, ...[]byte) (*sessions.Signer, error), secrets [][]byte, facts lanes.SignedFacts) (string, error) {
	signer, err := make(lanes.ExamplePurpose, secrets...)
	if err != nil {
		return "", err
	}
	return signer.Sign(facts)
}

// readableCell is what lies inside a value: a text, or bytes that say nothing.
func readableCell(s *course.Step, value string) course.Cell {
	sealed, err := sessions.Dissect(value)
	switch {
	case err != nil:
		return course.Cell{}
	case lanes.Claims(value).User != "":
		return course.Cell{Code: "yes", Text: s.Word("reads"), Value: sealed.Content}
	}
	return course.Cell{Code: "none", Text: s.Word("bytes"), Value: hex.EncodeToString([]byte(sealed.Content))}
}

// movedElsewhere judges one value for the purpose it was sealed for, and for another.
func movedElsewhere(s *course.Step) (v course.View) {
	v.Tasks = []course.Task{{To: "/dissect", Label: s.Word("dissect"), Quiet: true}}
	v.Board.Columns = []course.Column{{Title: s.Word("server")}}
	value, err := sealedBy(sessions.NewSigner, s.Secrets(), exampleFacts(s, "alice"))
	for _, purpose := range []string{lanes.ExamplePurpose, "discount"} {
		row := course.Row{ID: "as-" + purpose, Title: s.Word("as", locale.Args{"Name": purpose}), Cells: make([]course.Cell, 1)}
		if signer, failed := sessions.NewSigner(purpose, s.Secrets()...); err == nil && failed == nil {
			row.Cells[0] = course.Cell{Code: "no", Text: s.Word("broken")}
			if stillHolds(signer, value) {
				row.Cells[0] = course.Cell{Code: "yes", Text: s.Word("fits")}
			}
		}
		v.Board.Rows = append(v.Board.Rows, row)
	}
	return v
}

// stillHolds reports whether a value verifies.
func stillHolds(signer *sessions.Signer, value string) bool {
	var facts lanes.SignedFacts
	return signer.Verify(value, &facts) == nil
}

// lastCharacters seals three names of different lengths, so that each of the three
// ways in which base64 can end is there, and tries every other last character.
func lastCharacters(s *course.Step) (v course.View) {
	v.Tasks = []course.Task{{To: "/dissect", Label: s.Word("dissect"), Quiet: true}}
	v.Board.Columns = []course.Column{{Title: s.Word("ending")}, {Title: s.Word("still")}}
	signer, err := sessions.NewSigner(lanes.ExamplePurpose, s.Secrets()...)
	if err != nil {
		return v
	}
	for _, user := range []string{"alice", "alice-li", "alice-li-wu"} {
		value, err := signer.Sign(exampleFacts(s, user))
		if err != nil {
			continue
		}
		still := course.Cell{Code: "no", Text: s.Word("none_of")}
		if n := stillVerify(signer, value); n > 0 {
			still = course.Cell{Code: "warn", Text: s.Word("some_of", locale.Args{"Count": n})}
		}
		v.Board.Rows = append(v.Board.Rows, course.Row{ID: "last-" + user, Title: user, Cells: []course.Cell{{Value: "…" + value[len(value)-6:]}, still}})
	}
	return v
}

// stillVerify counts how many of the 63 other characters in the last place before
// the padding leave a value as good as it was.
func stillVerify(signer *sessions.Signer, value string) (n int) {
	at := len(strings.TrimRight(value, "=")) - 1
	for _, c := range markup.Base64URL {
		if changed := value[:at] + string(c) + value[at+1:]; changed != value && stillHolds(signer, changed) {
			n++
		}
	}
	return n
}
