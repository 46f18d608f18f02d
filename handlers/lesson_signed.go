// Lesson 4, signed: a seal hides nothing. Anybody reads a signed cookie, and
// nobody changes it unnoticed.

package handlers

import (
	"encoding/hex"
	"strings"
	"time"

	"cookielab/handlers/auth"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/sessions"
)

// Signed is lesson 4.
func (lessons) Signed() lesson {
	return lesson{
		Number: 4, Slug: "signed", Minutes: 8, Short: true, Answer: "B", Why: []string{"readable", "sealed"}, SignedIn: true,
		Acts: map[string]func(*lessonStep) error{"flip": flipSigned, "put": putSignedBack},
		Do: func(s *lessonStep) []task {
			f := s.finding(lanes.Signed)
			switch {
			case !s.finding(lanes.Session).Verdict.Accepted(): // on whose word would it be put back?
				return []task{{To: "/login?next=/lessons/signed", Label: s.w.Text("layout.sign_in")}}
			case s.fact("changed") == "" && f.Verdict == lanes.Verified:
				return []task{{Label: s.word("paste"), Line: strings.Replace(readingLine, "PASTE", f.Value, 1)}, s.task("flip")}
			case f.Verdict == lanes.Verified && s.fact("set") != "":
				return []task{{Label: s.word("all")}}
			}
			return []task{{Act: "put", Label: s.word("put"), Quiet: s.fact("set") != ""}}
		},
		Look: func(s *lessonStep) {
			switch f := s.finding(lanes.Signed); {
			case !s.asked(): // it may be tampered with since the lesson before
			case f.Verdict == lanes.Tampered, s.fact("flipped") != "" && s.fact("changed") == "":
				noteSealed(s, "changed", f)
			case f.Verdict == lanes.Verified && s.fact("changed") != "":
				noteSealed(s, "set", f)
			}
		},
		Board: func(s *lessonStep) lessonBoard {
			return lessonBoard{
				Columns: []lessonColumn{{Title: s.word("anybody")}, {Title: s.word("server")}},
				Rows:    []lessonRow{sealedRow(s, "set"), sealedRow(s, "changed")},
			}
		},
		Happened: func(s *lessonStep) string {
			verdict, _ := s.verdict("changed")
			switch read := s.fact("set.read"); {
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
		Done: func(s *lessonStep) bool {
			verdict, _ := s.verdict("changed")
			return verdict == lanes.Tampered && s.fact("set.read") != "" && s.fact("set.read") != "nothing"
		},
		Closer: map[string]func(*lessonStep) closerView{
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
func flipSigned(s *lessonStep) error {
	lane, _ := s.lanes.Lane(lanes.Signed)
	if f := s.finding(lanes.Signed); f.Verdict == lanes.Verified {
		noteSealed(s, "set", f)
		s.forget("changed")
		s.note("flipped", "yes")
	}
	return s.forge("flip", []lanes.CookieLane{lane}, lanes.FlipCharacter)
}

// putSignedBack signs in again as before.
func putSignedBack(s *lessonStep) error {
	if err := s.before(); err != nil {
		return err
	}
	if err := s.restore(); err != nil {
		return err
	}
	return s.did("restore", "observe")
}

// noteSealed writes down what anybody reads in a signed value, and what the
// server, which has the key, concludes.
func noteSealed(s *lessonStep, name string, f lanes.Finding) {
	read := "nothing"
	if who := readWithoutKey(f.Value); auth.ValidName(who.User) && (who.Role == lanes.RoleStudent || who.Role == lanes.RoleTeacher) {
		read = who.User + " " + who.Role
	}
	failed, _ := f.FailedCheck()
	s.noteVerdict(name, f.Verdict, f.Who)
	s.note(name+".read", read)
	s.note(name+".check", failed.Name)
}

// readWithoutKey is whom a signed value names, as everybody can read it.
func readWithoutKey(value string) lanes.Identity {
	sealed, err := sessions.Dissect(value)
	if err != nil {
		return lanes.Identity{}
	}
	content, err := lanes.ReadSealed(sealed.Content)
	if err != nil {
		return lanes.Identity{}
	}
	return content.Who()
}

// sealedRow is what noteSealed wrote down under a name.
func sealedRow(s *lessonStep, name string) lessonRow {
	row := lessonRow{ID: name, Title: s.word(name), Cells: make([]lessonCell, 2)}
	switch read := s.fact(name + ".read"); read {
	case "":
		return row
	case "nothing":
		row.Cells[0] = lessonCell{Code: "none", Text: s.word("garbled")}
	default:
		row.Cells[0] = lessonCell{Code: "yes", Text: s.word("reads"), Detail: strings.ReplaceAll(read, " ", " · ")}
	}
	row.Cells[1] = s.verdictCell(name)
	if failed := s.fact(name + ".check"); failed != "" {
		row.Cells[1].Detail = s.word("failed", locale.Args{"Check": s.w.Text("check." + failed)})
	}
	return row
}

// exampleFacts name whom this lesson's examples are about. They are dated in whole
// seconds, so that their length does not change with the time.
func exampleFacts(s *lessonStep, user string) lanes.SignedFacts {
	at := s.now().Truncate(time.Second)
	return lanes.SignedFacts{User: user, Role: lanes.RoleStudent, IssuedAt: lanes.DateOf(at), Expires: lanes.DateOf(at.Add(time.Hour))}
}

// encryptedBeside seals the same facts twice at this moment, once encrypted before,
// and reads both without the key.
func encryptedBeside(s *lessonStep) (v closerView) {
	facts := exampleFacts(s, "alice")
	v.Board.Columns = []lessonColumn{{Title: s.word("value")}, {Title: s.word("anybody")}}
	for _, kind := range []struct {
		name string
		make func(purpose string, secrets ...[]byte) (*sessions.Signer, error)
	}{
		{"sealed", sessions.NewSigner},
		{"encrypted", sessions.NewEncrypter},
	} {
		row := lessonRow{ID: kind.name, Title: s.word(kind.name), Cells: make([]lessonCell, 2)}
		if value, err := sealedBy(kind.make, s.labSecrets(), facts); err == nil {
			row.Cells = []lessonCell{{Value: value}, readableCell(s, value)}
		}
		v.Board.Rows = append(v.Board.Rows, row)
	}
	return v
}

// sealedBy seals facts for this lesson's examples: no way takes their purpose.
func sealedBy(make func(string, ...[]byte) (*sessions.Signer, error), secrets [][]byte, facts lanes.SignedFacts) (string, error) {
	signer, err := make(lanes.ExamplePurpose, secrets...)
	if err != nil {
		return "", err
	}
	return signer.Sign(facts)
}

// readableCell is what lies inside a value: a text, or bytes that say nothing.
func readableCell(s *lessonStep, value string) lessonCell {
	sealed, err := sessions.Dissect(value)
	switch {
	case err != nil:
		return lessonCell{}
	case readWithoutKey(value).User != "":
		return lessonCell{Code: "yes", Text: s.word("reads"), Value: sealed.Content}
	}
	return lessonCell{Code: "none", Text: s.word("bytes"), Value: hex.EncodeToString([]byte(sealed.Content))}
}

// movedElsewhere judges one value for the purpose it was sealed for, and for another.
func movedElsewhere(s *lessonStep) (v closerView) {
	v.Tasks = []task{{To: "/dissect", Label: s.word("dissect"), Quiet: true}}
	v.Board.Columns = []lessonColumn{{Title: s.word("server")}}
	value, err := sealedBy(sessions.NewSigner, s.labSecrets(), exampleFacts(s, "alice"))
	for _, purpose := range []string{lanes.ExamplePurpose, "discount"} {
		row := lessonRow{ID: "as-" + purpose, Title: s.word("as", locale.Args{"Name": purpose}), Cells: make([]lessonCell, 1)}
		if signer, failed := sessions.NewSigner(purpose, s.labSecrets()...); err == nil && failed == nil {
			row.Cells[0] = lessonCell{Code: "no", Text: s.word("broken")}
			if stillHolds(signer, value) {
				row.Cells[0] = lessonCell{Code: "yes", Text: s.word("fits")}
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
func lastCharacters(s *lessonStep) (v closerView) {
	v.Tasks = []task{{To: "/dissect", Label: s.word("dissect"), Quiet: true}}
	v.Board.Columns = []lessonColumn{{Title: s.word("ending")}, {Title: s.word("still")}}
	signer, err := sessions.NewSigner(lanes.ExamplePurpose, s.labSecrets()...)
	if err != nil {
		return v
	}
	for _, user := range []string{"alice", "alice-li", "alice-li-wu"} {
		value, err := signer.Sign(exampleFacts(s, user))
		if err != nil {
			continue
		}
		still := lessonCell{Code: "no", Text: s.word("none_of")}
		if n := stillVerify(signer, value); n > 0 {
			still = lessonCell{Code: "warn", Text: s.word("some_of", locale.Args{"Count": n})}
		}
		v.Board.Rows = append(v.Board.Rows, lessonRow{ID: "last-" + user, Title: user, Cells: []lessonCell{{Value: "…" + value[len(value)-6:]}, still}})
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
