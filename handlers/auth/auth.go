// Package auth says who somebody is, by all lanes: it lets people in, remembers them, signs
// them out and in again, and does to their cookies what anybody could: tampers with them,
// copies and replays them.
package auth

import (
	"log/slog"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/notebook"
	"cookielab/sessions"
)

// Config is what an Auth is made of.
type Config struct {
	Lanes         *lanes.Set
	Logs          *notebook.Logs                     // for what the server sends as another program
	Tries         sessions.Store                     // counts the tries of the teacher's PIN, for all servers that share it
	ClassPassword string                             // for every name but TeacherName
	TeacherPIN    string                             // for TeacherName
	Words         func(echo.Context) *locale.Printer // the language in which a request is answered
	Clock         sessions.Clock                     // nil: time.Now
	Log           *slog.Logger                       // required
}

// Auth lets people in, finds out who they are, and signs them out. Many goroutines may use it
// at once.
type Auth struct {
	Lanes   *lanes.Set
	Program *Program // another program, which this server plays

	clock                     sessions.Clock
	log                       *slog.Logger
	words                     func(echo.Context) *locale.Printer
	classPassword, teacherPIN string
	throttle                  *throttle
	pin                       pinThrottle
}

// New makes an Auth. The caller must Close it.
func New(config Config) *Auth {
	return &Auth{
		Lanes: config.Lanes, Program: newProgram(config.Logs, config.Words),
		clock: config.Clock, log: config.Log, words: config.Words,
		classPassword: config.ClassPassword, teacherPIN: config.TeacherPIN,
		throttle: newThrottle(config.Clock), pin: pinThrottle{config.Tries, config.Clock},
	}
}

// ClearTries forgets the wrong tries that memory holds: those for students' names.
func (a *Auth) ClearTries() { a.throttle.clear() }

// Close closes the other program's connections.
func (a *Auth) Close() { a.Program.close() }
