// Lesson 14, planted: a key that an attacker put into the browser is worth nothing,
// until somebody logs in and the server keeps it. The login is one of this lesson's
// own; the lab's always gives a new key.

package lessons

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/course"
	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
	"cookielab/handlers/web"
	"cookielab/sessions"
)

const (
	playKey     = "play_key" // the cookie of the play login's sessions
	playKeyPath = "/lessons/planted"
	playKeyAge  = time.Hour
	playKeyAsk  = "/planted" // below PlayPath

	plantedSecret  = "planted" // the attacker's key, while it is of use
	inventedSecret = "invented"
)

// Planted is lesson 14.
func (lessons) Planted() course.Lesson {
	return course.Lesson{
		Number: 14, Slug: "planted", Minutes: 9, Answer: "C", Why: []string{"kept"},
		Cookies: []*http.Cookie{{Name: playKey, Path: playKeyPath}},
		Acts: map[string]func(*course.Step) error{
			"plant":  plantKey,
			"keep":   func(s *course.Step) error { return logInAtPlay(s, "keep", plantedSecret, logInKeepingKey) },
			"cycle":  func(s *course.Step) error { return logInAtPlay(s, "cycle", plantedSecret, logInCyclingKey) },
			"invent": inventKey,
			"adopt":  func(s *course.Step) error { return logInAtPlay(s, "adopt", inventedSecret, logInKeepingKey) },
		},
		Do: func(s *course.Step) []course.Task {
			kept, cycled := s.Fact("keep.attacker") != "", s.Fact("cycle.attacker") != ""
			switch planted := holdsPlanted(s, plantedSecret); {
			case kept && cycled:
				return []course.Task{{Label: s.Word("all")}}
			case planted && !kept:
				return []course.Task{s.Task("keep")}
			case planted:
				return []course.Task{s.Task("cycle")}
			case kept:
				return []course.Task{{Act: "plant", Label: s.Word("again")}}
			}
			return []course.Task{s.Task("plant")}
		},
		Look: func(s *course.Step) {
			if s.Fact("plant.attacker") != "" && holdsPlanted(s, plantedSecret) {
				s.Note("plant.you", "came")
			}
		},
		Board: func(s *course.Step) course.Board {
			before := course.Row{ID: "plant", Title: s.Word("before"), Cells: []course.Cell{{}, attackerCell(s, "plant.attacker")}}
			if s.Fact("plant.you") != "" {
				before.Cells[0] = course.Cell{Code: "none", Text: s.Word("stranger"), Detail: s.Word("brings")}
			}
			return course.Board{
				Columns: []course.Column{{Title: s.Word("you")}, {Title: s.Word("attacker")}},
				Rows:    []course.Row{before, loginRow(s, "keep"), loginRow(s, "cycle")},
			}
		},
		Happened: func(s *course.Step) string {
			switch verdict, who := s.Verdict("keep.attacker"); {
			case verdict == "":
				return ""
			case who != "":
				return "C"
			case verdict == lanes.Found:
				return "B"
			}
			return "A"
		},
		Done: func(s *course.Step) bool {
			verdict, _ := s.Verdict("cycle.attacker")
			return s.Lesson.Happened(s) == "C" && verdict == lanes.Unknown
		},
		Closer: map[string]func(*course.Step) course.View{
			"invented": func(s *course.Step) course.View {
				v := course.View{Board: course.Board{
					Columns: []course.Column{{Title: s.Word("you")}, {Title: s.Word("inventor")}},
					Rows:    []course.Row{loginRow(s, "adopt")},
				}}
				switch {
				case holdsPlanted(s, inventedSecret):
					v.Tasks = []course.Task{s.Task("adopt")}
				case s.Fact("adopt.attacker") == "":
					v.Tasks = []course.Task{s.Task("invent")}
				}
				return v
			},
		},
		Sessions: playSessions,
		Play: map[string]course.PlayHandler{
			"POST " + playKeyAsk: beginPlaying,
			"GET " + playKeyAsk:  whoPlays,
		},
		Code:   []string{"lessons.logInAtPlay", "sessions.Session.CycleKey"},
		Unsafe: "lessons.logInKeepingKey", Safe: "lessons.logInCyclingKey",
		Django: "django.contrib.auth.login(request, user)    # calls request.session.cycle_key()\nrequest.session[\"user\"] = name               # a login of your own does not: call it yourself",
	}
}

// playSessions makes the manager for the sessions of the play login. They are apart from
// the lab's own sessions.
func playSessions(set *lanes.Set, store sessions.Store) (*sessions.Manager, error) {
	options := set.Options(playKeyAge)
	options.Name, options.Path = playKey, playKeyPath
	return sessions.New(sessions.Keyed("play", store), options)
}

// logInKeepingKey writes the name into the session that came. Who else knows its
// key is logged in, too.
func logInKeepingKey(session *sessions.Session, name string) error {
	return session.Set(sessions.UserKey, name)
}

// logInCyclingKey gives the session a new key first. Who knew the old one has
// nothing.
func logInCyclingKey(session *sessions.Session, name string) error {
	session.CycleKey()
	return session.Set(sessions.UserKey, name)
}

// plantKey has the attacker get a session of his own, and puts its key into the
// browser, as a script, a shared computer or a sister host does.
func plantKey(s *course.Step) error {
	if err := s.NewRun(); err != nil {
		return err
	}
	e, who, err := askPlay(s, http.MethodPost, "Accept", echo.MIMEApplicationJSON)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(e.SetCookie, func(line string) bool {
		cookie, err := http.ParseSetCookie(line)
		return err == nil && cookie.Name == playKey
	})
	if i < 0 {
		return errors.New("the attacker got no session")
	}
	cookie, err := http.ParseSetCookie(e.SetCookie[i])
	if err != nil {
		return err
	}
	s.Forget("plant.")
	s.NoteVerdict("plant.attacker", who.Verdict, lanes.Identity{User: who.User})
	plant(s, plantedSecret, cookie.Value)
	return s.Done()
}

// inventKey plants a key in the right form, which no server gave to anybody.
func inventKey(s *course.Step) error {
	if err := s.NewRun(); err != nil {
		return err
	}
	plant(s, inventedSecret, sessions.NewKey())
	return s.To("board-invented")
}

// plant sets the cookie, and leaves the key in the planter's hands.
func plant(s *course.Step, secret, key string) {
	s.SetCookie(playKey + "=" + key + "; Path=" + playKeyPath + "; Max-Age=3600; HttpOnly; SameSite=Lax")
	s.KeepSecret(secret, key)
}

// holdsPlanted reports whether the browser brought the key that was planted.
func holdsPlanted(s *course.Step, secret string) bool {
	key, came := s.Carried(playKey)
	return came && key != "" && key == s.Secret(secret)
}

// logInAtPlay logs the visitor in, and then has whoever planted the key ask who he
// is. Without the planted key there is nothing to try.
func logInAtPlay(s *course.Step, row, secret string, logIn func(*sessions.Session, string) error) error {
	back := s.URL("observe")
	if secret == inventedSecret {
		back = s.URL("board-invented")
	}
	if !holdsPlanted(s, secret) {
		return s.C.Redirect(http.StatusSeeOther, back)
	}
	planted := s.Secret(secret)
	session, err := s.Own().Load(s.C)
	if err != nil {
		return err
	}
	if err := logIn(session, s.PlayName()); err != nil {
		return err
	}
	if err := session.Save(s.C.Request().Context()); err != nil {
		return err
	}
	s.NoteVerdict(row+".you", lanes.Found, lanes.Identity{User: session.Text(sessions.UserKey)})
	s.Note(row+".same", markup.YesNo(session.Key() == planted))
	_, who, err := askPlay(s, http.MethodGet, "Cookie", playKey+"="+planted)
	if err != nil {
		return err
	}
	s.NoteVerdict(row+".attacker", who.Verdict, lanes.Identity{User: who.User})
	s.KeepSecret(secret, "") // it has served
	return s.C.Redirect(http.StatusSeeOther, back)
}

// playAnswer is what the play server says about a request: the key that it
// brought, and whose session that opens.
type playAnswer struct {
	Verdict lanes.Verdict `json:"verdict"`
	User    string        `json:"user"`
}

// askPlay asks the play server as another program.
func askPlay(s *course.Step, method, name, value string) (e *notebook.Exchange, answer playAnswer, err error) {
	e, body, err := s.AsAnother(method, course.PlayPath+playKeyAsk+"?"+web.RunParam+"="+s.RunKey(), name, value)
	if err != nil {
		return nil, answer, err
	}
	if err := json.Unmarshal(body, &answer); err != nil || e.Status != http.StatusOK {
		return nil, answer, input.NewProblem(http.StatusBadGateway, "no_answer", locale.Msg("error.no_answer")).Wrap(fmt.Errorf("the play server answered %d, and not as it should", e.Status))
	}
	return e, answer, nil
}

// beginPlaying serves POST /play/planted: a session for anybody, as a shop begins
// one for a basket.
func beginPlaying(p *course.Play) error {
	session, err := p.Own().Load(p.C)
	if err != nil {
		return err
	}
	if err := session.Set("basket", 0); err != nil {
		return err
	}
	return p.C.JSON(http.StatusOK, playAnswer{lanes.Found, session.Text(sessions.UserKey)})
}

// whoPlays serves GET /play/planted: who somebody is, by the key that came.
func whoPlays(p *course.Play) error {
	session, err := p.Own().Load(p.C)
	switch {
	case err != nil:
		return err
	case errors.Is(session.Rejected(), sessions.ErrAbsent):
		return p.C.JSON(http.StatusOK, playAnswer{Verdict: lanes.Absent})
	case session.Rejected() != nil:
		return p.C.JSON(http.StatusOK, playAnswer{Verdict: lanes.Unknown})
	}
	return p.C.JSON(http.StatusOK, playAnswer{lanes.Found, session.Text(sessions.UserKey)})
}

// loginRow is what a login did to both.
func loginRow(s *course.Step, row string) course.Row {
	cells := []course.Cell{{}, attackerCell(s, row+".attacker")}
	if _, who := s.Verdict(row + ".you"); who != "" {
		cells[0] = course.Cell{Code: "yes", Text: s.Word("in", locale.Args{"Name": who}), Detail: s.Word("key." + s.Fact(row+".same"))}
	}
	return course.Row{ID: row, Title: s.Word("login." + row), Cells: cells}
}

// attackerCell is what the server told whoever sent the planted key.
func attackerCell(s *course.Step, name string) course.Cell {
	switch verdict, who := s.Verdict(name); {
	case verdict == "":
		return course.Cell{}
	case who != "":
		return course.Cell{Code: "warn", Text: s.Word("too", locale.Args{"Name": who}), Detail: s.Word("no_password")}
	case verdict == lanes.Found:
		return course.Cell{Code: "none", Text: s.Word("stranger"), Detail: s.Word("empty")}
	default:
		return course.Cell{Code: "no", Text: s.W.Text("verdict.unknown.word"), Detail: s.Word("nothing")}
	}
}
