// Lesson 14, planted: a key that an attacker put into the browser is worth nothing,
// until somebody logs in and the server keeps it. The login is one of this lesson's
// own; the lab's always gives a new key.

package handlers

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

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
	playKeyAsk  = "/planted" // below playPath

	plantedSecret  = "planted" // the attacker's key, while it is of use
	inventedSecret = "invented"
)

// Planted is lesson 14.
func (lessons) Planted() lesson {
	return lesson{
		Number: 14, Slug: "planted", Minutes: 9, Answer: "C", Why: []string{"kept"},
		Cookies: []*http.Cookie{{Name: playKey, Path: playKeyPath}},
		Acts: map[string]func(*lessonStep) error{
			"plant":  plantKey,
			"keep":   func(s *lessonStep) error { return logInAtPlay(s, "keep", plantedSecret, logInKeepingKey) },
			"cycle":  func(s *lessonStep) error { return logInAtPlay(s, "cycle", plantedSecret, logInCyclingKey) },
			"invent": inventKey,
			"adopt":  func(s *lessonStep) error { return logInAtPlay(s, "adopt", inventedSecret, logInKeepingKey) },
		},
		Do: func(s *lessonStep) []task {
			kept, cycled := s.fact("keep.attacker") != "", s.fact("cycle.attacker") != ""
			switch planted := holdsPlanted(s, plantedSecret); {
			case kept && cycled:
				return []task{{Label: s.word("all")}}
			case planted && !kept:
				return []task{s.task("keep")}
			case planted:
				return []task{s.task("cycle")}
			case kept:
				return []task{{Act: "plant", Label: s.word("again")}}
			}
			return []task{s.task("plant")}
		},
		Look: func(s *lessonStep) {
			if s.fact("plant.attacker") != "" && holdsPlanted(s, plantedSecret) {
				s.note("plant.you", "came")
			}
		},
		Board: func(s *lessonStep) lessonBoard {
			before := lessonRow{ID: "plant", Title: s.word("before"), Cells: []lessonCell{{}, attackerCell(s, "plant.attacker")}}
			if s.fact("plant.you") != "" {
				before.Cells[0] = lessonCell{Code: "none", Text: s.word("stranger"), Detail: s.word("brings")}
			}
			return lessonBoard{
				Columns: []lessonColumn{{Title: s.word("you")}, {Title: s.word("attacker")}},
				Rows:    []lessonRow{before, loginRow(s, "keep"), loginRow(s, "cycle")},
			}
		},
		Happened: func(s *lessonStep) string {
			switch verdict, who := s.verdict("keep.attacker"); {
			case verdict == "":
				return ""
			case who != "":
				return "C"
			case verdict == lanes.Found:
				return "B"
			}
			return "A"
		},
		Done: func(s *lessonStep) bool {
			verdict, _ := s.verdict("cycle.attacker")
			return s.lesson.Happened(s) == "C" && verdict == lanes.Unknown
		},
		Closer: map[string]func(*lessonStep) closerView{
			"invented": func(s *lessonStep) closerView {
				v := closerView{Board: lessonBoard{
					Columns: []lessonColumn{{Title: s.word("you")}, {Title: s.word("inventor")}},
					Rows:    []lessonRow{loginRow(s, "adopt")},
				}}
				switch {
				case holdsPlanted(s, inventedSecret):
					v.Tasks = []task{s.task("adopt")}
				case s.fact("adopt.attacker") == "":
					v.Tasks = []task{s.task("invent")}
				}
				return v
			},
		},
		Sessions: playSessions,
		Play: map[string]playHandler{
			"POST " + playKeyAsk: beginPlaying,
			"GET " + playKeyAsk:  whoPlays,
		},
		Code:   []string{"handlers.logInAtPlay", "sessions.Session.CycleKey"},
		Unsafe: "handlers.logInKeepingKey", Safe: "handlers.logInCyclingKey",
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
func plantKey(s *lessonStep) error {
	if err := s.newRun(); err != nil {
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
	s.forget("plant.")
	s.noteVerdict("plant.attacker", who.Verdict, lanes.Identity{User: who.User})
	plant(s, plantedSecret, cookie.Value)
	return s.done()
}

// inventKey plants a key in the right form, which no server gave to anybody.
func inventKey(s *lessonStep) error {
	if err := s.newRun(); err != nil {
		return err
	}
	plant(s, inventedSecret, sessions.NewKey())
	return s.to("board-invented")
}

// plant sets the cookie, and leaves the key in the planter's hands.
func plant(s *lessonStep, secret, key string) {
	s.setCookie(playKey + "=" + key + "; Path=" + playKeyPath + "; Max-Age=3600; HttpOnly; SameSite=Lax")
	s.keepSecret(secret, key)
}

// holdsPlanted reports whether the browser brought the key that was planted.
func holdsPlanted(s *lessonStep, secret string) bool {
	key, came := s.carried(playKey)
	return came && key != "" && key == s.secret(secret)
}

// logInAtPlay logs the visitor in, and then has whoever planted the key ask who he
// is. Without the planted key there is nothing to try.
func logInAtPlay(s *lessonStep, row, secret string, logIn func(*sessions.Session, string) error) error {
	back := s.url("observe")
	if secret == inventedSecret {
		back = s.url("board-invented")
	}
	if !holdsPlanted(s, secret) {
		return s.c.Redirect(http.StatusSeeOther, back)
	}
	planted := s.secret(secret)
	session, err := s.own().Load(s.c)
	if err != nil {
		return err
	}
	if err := logIn(session, s.playName()); err != nil {
		return err
	}
	if err := session.Save(s.c.Request().Context()); err != nil {
		return err
	}
	s.noteVerdict(row+".you", lanes.Found, lanes.Identity{User: session.Text(sessions.UserKey)})
	s.note(row+".same", markup.YesNo(session.Key() == planted))
	_, who, err := askPlay(s, http.MethodGet, "Cookie", playKey+"="+planted)
	if err != nil {
		return err
	}
	s.noteVerdict(row+".attacker", who.Verdict, lanes.Identity{User: who.User})
	s.keepSecret(secret, "") // it has served
	return s.c.Redirect(http.StatusSeeOther, back)
}

// playAnswer is what the play server says about a request: the key that it
// brought, and whose session that opens.
type playAnswer struct {
	Verdict lanes.Verdict `json:"verdict"`
	User    string        `json:"user"`
}

// askPlay asks the play server as another program.
func askPlay(s *lessonStep, method, name, value string) (e *notebook.Exchange, answer playAnswer, err error) {
	e, body, err := s.asAnother(method, playPath+playKeyAsk+"?"+web.RunParam+"="+s.runKey(), name, value)
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
func beginPlaying(p *play) error {
	session, err := p.own().Load(p.c)
	if err != nil {
		return err
	}
	if err := session.Set("basket", 0); err != nil {
		return err
	}
	return p.c.JSON(http.StatusOK, playAnswer{lanes.Found, session.Text(sessions.UserKey)})
}

// whoPlays serves GET /play/planted: who somebody is, by the key that came.
func whoPlays(p *play) error {
	session, err := p.own().Load(p.c)
	switch {
	case err != nil:
		return err
	case errors.Is(session.Rejected(), sessions.ErrAbsent):
		return p.c.JSON(http.StatusOK, playAnswer{Verdict: lanes.Absent})
	case session.Rejected() != nil:
		return p.c.JSON(http.StatusOK, playAnswer{Verdict: lanes.Unknown})
	}
	return p.c.JSON(http.StatusOK, playAnswer{lanes.Found, session.Text(sessions.UserKey)})
}

// loginRow is what a login did to both.
func loginRow(s *lessonStep, row string) lessonRow {
	cells := []lessonCell{{}, attackerCell(s, row+".attacker")}
	if _, who := s.verdict(row + ".you"); who != "" {
		cells[0] = lessonCell{Code: "yes", Text: s.word("in", locale.Args{"Name": who}), Detail: s.word("key." + s.fact(row+".same"))}
	}
	return lessonRow{ID: row, Title: s.word("login." + row), Cells: cells}
}

// attackerCell is what the server told whoever sent the planted key.
func attackerCell(s *lessonStep, name string) lessonCell {
	switch verdict, who := s.verdict(name); {
	case verdict == "":
		return lessonCell{}
	case who != "":
		return lessonCell{Code: "warn", Text: s.word("too", locale.Args{"Name": who}), Detail: s.word("no_password")}
	case verdict == lanes.Found:
		return lessonCell{Code: "none", Text: s.word("stranger"), Detail: s.word("empty")}
	default:
		return lessonCell{Code: "no", Text: s.w.Text("verdict.unknown.word"), Detail: s.word("nothing")}
	}
}
