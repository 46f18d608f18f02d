// The lanes of one server, with the engines behind them, and what all lanes are asked
// together: which values came, and which will the browser carry after this reply.

package lanes

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/sessions"
)

// The purposes that are mixed into the hash of a session's key and of a token.
const (
	SessionPurpose = "session"
	TokenPurpose   = "token"
)

// ExamplePurpose is the purpose of examples, which the lab seals for a page to show. No lane
// accepts it, so an example lets nobody in.
const ExamplePurpose = "example"

// Config is what the lanes are made of.
type Config struct {
	Store   sessions.Store   // of the sessions and the tokens; nil: they are sealed (engine signed_cookies)
	Cookie  sessions.Options // of the session lane
	Secrets [][]byte         // the first seals, all verify; at least sessions.MinSecret bytes each
	Clock   sessions.Clock   // nil: time.Now
	Log     *slog.Logger     // for the sessions' managers; nil: nothing is logged
}

// Set holds the lanes of one server. Many goroutines may use it at once.
type Set struct {
	Cookies  []CookieLane      // plain, signed and session, always in this order
	Opaque   TokenLane         // the fourth lane; with signed_cookies its tokens are sealed, too
	Sealed   TokenLane         // the same with self-contained tokens, for comparison
	Sessions *sessions.Manager // of the session lane
	config   Config
	ids      map[string]string // the lane of each cookie's name
}

// New makes the lanes. taken are names of other cookies of the lab. The error names what
// cannot work: for example, it is a [sessions.OptionError] if two cookies would have the same
// name.
func New(config Config, taken ...string) (*Set, error) {
	s := &Set{config: config, ids: map[string]string{}}
	engine, err := s.engine(SessionPurpose, sessions.Keyed)
	if err != nil {
		return nil, err
	}
	if s.Sessions, err = sessions.New(engine, config.Cookie); err != nil {
		return nil, err
	}
	signer, err := sessions.NewSigner(SignedCookie, config.Secrets...)
	if err != nil {
		return nil, err
	}
	if err := s.makeTokens(); err != nil {
		return nil, err
	}
	s.Cookies = []CookieLane{
		plain{config.Clock},
		signed{signer, config.Clock},
		session{s.Sessions, config.Clock},
	}
	for _, name := range taken {
		s.ids[name] = ""
	}
	for _, lane := range s.Cookies {
		name := lane.Cookie().Name
		if _, taken := s.ids[name]; taken {
			return nil, &sessions.OptionError{Option: "Name", Reason: fmt.Sprintf("%q is a name that the lab uses already", name)}
		}
		s.ids[name] = lane.ID()
	}
	for _, name := range taken {
		delete(s.ids, name)
	}
	return s, nil
}

// makeTokens makes the two token lanes. The server's engine decides which kind of token
// /api/token issues. Self-contained tokens are there in any case, for comparison.
func (s *Set) makeTokens() error {
	options := s.Options(s.config.Cookie.Age)
	options.Carrier = sessions.Authorization(TokenScheme)
	lane := func(engine sessions.Engine, err error) (TokenLane, error) {
		if err != nil {
			return TokenLane{}, err
		}
		manager, err := sessions.New(engine, options)
		return TokenLane{manager, s.config.Clock}, err
	}
	var errs [2]error
	s.Opaque, errs[0] = lane(s.engine(TokenPurpose, sessions.Tokens))
	s.Sealed, errs[1] = lane(s.sealing(TokenPurpose))
	return errors.Join(errs[:]...)
}

// engine makes the engine that the program was started with, for one purpose. If that has a
// store, over makes it, which is [sessions.Keyed] or [sessions.Tokens]. Else the engine keeps
// nothing on the server.
func (s *Set) engine(purpose string, over func(string, sessions.Store) sessions.Engine) (sessions.Engine, error) {
	if s.config.Store != nil {
		return over(purpose, s.config.Store), nil
	}
	return s.sealing(purpose)
}

// sealing makes the engine that keeps nothing on the server, for one purpose.
func (s *Set) sealing(purpose string) (sessions.Engine, error) {
	signer, err := sessions.NewSigner(purpose, s.config.Secrets...)
	if err != nil {
		return nil, err
	}
	return sessions.SignedCookies(signer, s.config.Clock), nil
}

// Options returns the options of sessions that the lab keeps besides the session lane's: the
// defaults, with an age, and with the lab's clock and log.
func (s *Set) Options(age time.Duration) sessions.Options {
	o := sessions.DefaultOptions()
	o.Age, o.Clock, o.Logger = age, s.config.Clock, s.config.Log
	return o
}

// Secrets returns the lab's secrets: the first seals, all verify. Callers must not change
// them.
func (s *Set) Secrets() [][]byte { return s.config.Secrets }

// Format returns the format of the values of a lane, by its ID: see the function [Format].
func (s *Set) Format(lane string) string {
	if lane == Session && !s.Sessions.KeepsRecords() {
		return Signed
	}
	return lane
}

// Lane finds one of Cookies by its ID.
func (s *Set) Lane(id string) (CookieLane, bool) {
	for _, lane := range s.Cookies {
		if lane.ID() == id {
			return lane, true
		}
	}
	return nil, false
}

// SessionColumn is the index of the session lane in Cookies, and so in each table that has a
// column for each of them.
const SessionColumn = 2

// Session returns the session lane.
func (s *Set) Session() CookieLane { return s.Cookies[SessionColumn] }

// Param finds the lane that the path parameter "lane" names. The error is [echo.ErrNotFound]
// if it names none.
func (s *Set) Param(c echo.Context) (CookieLane, error) {
	lane, ok := s.Lane(c.Param("lane"))
	if !ok {
		return nil, echo.ErrNotFound
	}
	return lane, nil
}

// OfCookie finds the lane of a cookie by the cookie's name; nil for other cookies.
func (s *Set) OfCookie(name string) CookieLane {
	for _, lane := range s.Cookies {
		if lane.Cookie().Name == name {
			return lane
		}
	}
	return nil
}

// IDs returns the lanes' IDs by the names of their cookies. Callers must not change the map.
func (s *Set) IDs() map[string]string { return s.ids }

// Values returns the values that came with a request, by the lanes' IDs. If several cookies
// of one name came, it is the first.
func (s *Set) Values(c echo.Context) map[string]string {
	values := map[string]string{}
	for _, lane := range s.Cookies {
		if came := sessions.ReadCookies(c.Request(), lane.Cookie().Name); len(came) > 0 {
			values[lane.ID()] = came[0]
		}
	}
	return values
}

// ValuesAfter returns the values that the browser will have after this reply, by the lanes'
// IDs: what it sent, changed as the reply's Set-Cookie lines say.
func (s *Set) ValuesAfter(c echo.Context) map[string]string {
	values := s.Values(c)
	for lane, cookie := range s.CookiesSet(c) {
		if cookie.MaxAge < 0 {
			delete(values, lane.ID())
		} else {
			values[lane.ID()] = cookie.Value
		}
	}
	return values
}

// CookiesSet returns the lanes' cookies that the reply sets so far or, with a negative
// MaxAge, deletes. It reads the reply's Set-Cookie lines, so that nothing is missed.
func (s *Set) CookiesSet(c echo.Context) iter.Seq2[CookieLane, *http.Cookie] {
	return func(yield func(CookieLane, *http.Cookie) bool) {
		for _, line := range c.Response().Header()["Set-Cookie"] {
			cookie, err := http.ParseSetCookie(line)
			if err != nil {
				continue // not one of ours: those always parse
			}
			if lane := s.OfCookie(cookie.Name); lane != nil && !yield(lane, cookie) {
				return
			}
		}
	}
}

// Format returns the format of a lane's values: the ID of the lane whose values look like
// that, which is its own. Only with the engine signed_cookies, the session lane's values have
// the format of the signed lane, since they hold the facts under a seal. So they are decoded,
// tampered with and shown as those are.
func Format(engine, lane string) string {
	if lane == Session && engine == sessions.EngineSignedCookies {
		return Signed
	}
	return lane
}

// SaidBy returns whom a record's data name; the zero Identity if they cannot be decoded.
func SaidBy(data []byte) Identity {
	values, err := sessions.DecodeValues(data)
	if err != nil {
		return Identity{}
	}
	return Identity{values.Text(sessions.UserKey), values.Text(sessions.RoleKey)}
}
