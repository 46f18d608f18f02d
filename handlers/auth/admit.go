// Who is let in: whoever gives a name and the class password. The lab is not about who
// somebody is, but about how a server remembers it.

package auth

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/labstack/echo/v4"
	"golang.org/x/text/unicode/norm"

	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
)

// TeacherName is the one name that needs the PIN, and has the role of a teacher.
const TeacherName = "teacher"

const maxName = 30 // characters

// Form is what fills the form to sign in, wherever a page has it.
type Form struct {
	Username string
	Password string         // the class password: no secret, since pages show it
	Next     string         // "": the dashboard
	Teacher  bool           // the PIN is asked for
	Problem  locale.Message // what was wrong; no ID: nothing was
	ForToken bool           // for tokens, not for a login
}

// Form returns the form as it is first shown: with the name that this browser last signed in
// with, or else alice, and with the class password.
func (a *Auth) Form(c echo.Context) Form {
	return Form{Username: cmp.Or(notebook.From(c).Name(), "alice"), Password: a.classPassword}
}

// Credentials are what somebody signs in with.
type Credentials struct {
	Username string `json:"username"`
	Password string `json:"password"`
	PIN      string `json:"pin"`
}

// CredentialsIn reads credentials from the form fields username, password and pin. The error
// is an [input.Problem], a 400, if one is repeated.
func CredentialsIn(form url.Values) (given Credentials, err error) {
	for _, field := range []struct {
		name string
		into *string
	}{{"username", &given.Username}, {"password", &given.Password}, {"pin", &given.PIN}} {
		if *field.into, err = input.Single(form, field.name); err != nil {
			return Credentials{}, err
		}
	}
	return given, nil
}

// Admit returns who somebody is by what they give. It is the only way in, for a login and for
// a token. It refuses with an [input.Problem]: 422 for a name that is not valid, 403 for a
// wrong password or PIN, 429 with Retry-After after too many of those. Another error is that
// of the store that counts the tries.
func (a *Auth) Admit(c echo.Context, given Credentials) (lanes.Identity, error) {
	name, password, pin := cleanName(given.Username), given.Password, given.PIN
	if !ValidName(name) {
		return lanes.Identity{}, input.NewProblem(http.StatusUnprocessableEntity, "bad_name", locale.Msg("login.bad_name", locale.Args{"Most": maxName}))
	}
	if name == TeacherName && pin == "" && password == a.classPassword {
		return lanes.Identity{}, input.NewProblem(http.StatusForbidden, "needs_pin", locale.Msg("login.needs_pin")) // no guess, so no try
	}
	if name == TeacherName {
		return a.admitTeacher(c, cmp.Or(pin, password)) // one field is enough for a program
	}
	if wait := a.throttle.try(name); wait > 0 {
		return lanes.Identity{}, a.tooMany(c, lanes.RoleStudent, wait)
	}
	if !equal(password, a.classPassword) {
		a.log.Warn("login failed", "role", lanes.RoleStudent)
		return lanes.Identity{}, input.NewProblem(http.StatusForbidden, "wrong_password", locale.Msg("login.wrong_password"))
	}
	a.throttle.succeeded(name)
	return lanes.Identity{User: name, Role: lanes.RoleStudent}, nil
}

// admitTeacher is Admit for somebody who gives the teacher's name. The error may also come
// from the store that counts the tries: then nobody is let in.
func (a *Auth) admitTeacher(c echo.Context, pin string) (lanes.Identity, error) {
	ctx := c.Request().Context()
	from, err := a.originOf(c)
	if err != nil {
		return lanes.Identity{}, err
	}
	wait, err := a.pin.try(ctx, from)
	if err != nil {
		return lanes.Identity{}, err
	}
	if wait > 0 {
		return lanes.Identity{}, a.tooMany(c, lanes.RoleTeacher, wait)
	}
	if !equal(pin, a.teacherPIN) {
		a.log.Warn("login failed", "role", lanes.RoleTeacher)
		return lanes.Identity{}, input.NewProblem(http.StatusForbidden, "wrong_pin", locale.Msg("login.wrong_pin"))
	}
	return lanes.Identity{User: TeacherName, Role: lanes.RoleTeacher}, a.pin.succeeded(ctx, from)
}

// tooMany refuses one try too many. It does not log the name that was typed: before a
// login succeeds, that may be somebody's password.
func (a *Auth) tooMany(c echo.Context, role string, wait time.Duration) error {
	a.log.Warn("login throttled", "role", role)
	seconds := int((wait + time.Second - 1) / time.Second)
	c.Response().Header().Set("Retry-After", strconv.Itoa(seconds))
	label := "login.too_many"
	if role == lanes.RoleTeacher {
		label = "login.too_many_pins"
	}
	return input.NewProblem(http.StatusTooManyRequests, "too_many_tries", locale.Msg(label, locale.Args{"Count": seconds}))
}

// Refusal returns the problem with which Admit refused somebody; nil for any other error.
func Refusal(err error) *input.Problem {
	var refused *input.Problem
	errors.As(err, &refused)
	return refused
}

// RefusedForm returns the form to show again, with what was given, but for secrets, and with
// what was wrong.
func (a *Auth) RefusedForm(given Credentials, refused *input.Problem) Form {
	name := markup.AtMost(cleanName(given.Username), markup.MaxValueText)
	return Form{Username: name, Password: a.classPassword, Teacher: name == TeacherName, Problem: refused.Message}
}

// cleanName returns a name in Unicode form NFC, and teacher in small letters.
func cleanName(name string) string {
	name = norm.NFC.String(name)
	if strings.EqualFold(name, TeacherName) {
		return TeacherName
	}
	return name
}

// ValidName reports whether a name has 1 to 30 characters, all of them Unicode letters,
// digits, - or _. Marks, such as the vowel signs of Indian scripts, count as letters, but not
// at the beginning.
func ValidName(name string) bool {
	if name == "" || !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxName {
		return false
	}
	first, _ := utf8.DecodeRuneInString(name)
	return !unicode.IsMark(first) && !strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && r != '-' && r != '_'
	})
}

// equal compares in constant time, whatever the lengths.
func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
