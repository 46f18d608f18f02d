// Package handlers is the lab itself: its pages, its lanes, its wire. This file
// puts it together; routes.go lists every route, and each page has a file of its own.
package handlers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/sessions"
)

// Config is what the lab is made of.
type Config struct {
	Pages     *Pages           // of the engine that Sessions is the store of
	Sessions  sessions.Store   // where the session lane's records lie; nil for signed_cookies: in the cookie itself
	Notebooks sessions.Store   // where notebooks lie: always one that survives a restart
	Engines   sessions.Backend // where the page /engines keeps its own sessions, apart from the lab's
	FilePath  string           // where the engine file would keep the lab's, for that page
	Cookie    sessions.Options
	Secrets   [][]byte // the first seals, all verify; at least sessions.MinSecret bytes each

	ClassPassword string
	TeacherPIN    string
	AllowHosts    []string // further Host headers to answer to, as a browser sends them
	Hosts         []string // names under which browsers reach the lab, for links: "localhost", "[::1]"

	Server string // this server's letter among several, "A"; "": it is alone
	Others []input.Server
	Home   string // where browsers find this server: "http://localhost:8080"
	Other  string // where they find the other site, see [OtherSite]; "": there is none
	Class  *Class // what a new class ends besides this lab; nil: this lab alone

	// Streams is how many replies may be streamed at the same time; 0: a quarter of
	// the connections that this system allows the program, and at most 1,000.
	Streams int

	Clock sessions.Clock // nil: time.Now
	Log   *slog.Logger   // nil: nothing is logged
}

// Lab is one running Cookie Lab.
type Lab struct {
	config  Config
	clock   sessions.Clock
	log     *slog.Logger
	router  *Router
	pages   *Pages
	buffers sync.Pool // of *bytes.Buffer, to render to

	lanes     *lanes.Set
	sessions  *sessions.Manager // of the session lane
	notebooks *sessions.Manager
	wire      *Wire
	streams   chan struct{}   // has one item for each stream under way
	closing   context.Context // done when streams must end
	close     context.CancelFunc
	throttle  *throttle
	pin       pinThrottle
	second    *http.Client // the other program that replays copies
	room      *engineRoom  // of the page /engines
	lessons   []*lesson    // in order
	runs      *sessions.Manager
	playLogin *sessions.Manager // for the lesson planted
	playAPI   *sessions.Manager // for the lesson token
	origins   *http.CrossOriginProtection
	class     *Class           // with the others in this process
	proofs    *sessions.Signer // that a class was ended
}

// notebookPurpose is mixed into the hash of a notebook's key.
const notebookPurpose = "notebook"

// New makes the lab; an error names what cannot work.
func New(config Config) (*Lab, error) {
	lab := &Lab{
		config: config, pages: config.Pages, clock: config.Clock, log: config.Log,
		wire:     newWire(config.Clock),
		throttle: newThrottle(config.Clock), pin: pinThrottle{config.Notebooks, config.Clock}, router: NewRouter(),
		second: newSecondClient(), lessons: allLessons(), origins: http.NewCrossOriginProtection(),
	}
	lab.streams = make(chan struct{}, cmp.Or(config.Streams, maxStreams()))
	lab.closing, lab.close = context.WithCancel(context.Background())
	if lab.log == nil {
		lab.log = slog.New(slog.DiscardHandler)
	}
	if (config.Sessions == nil) != (lab.pages.engine == sessions.EngineSignedCookies) {
		return nil, fmt.Errorf("the engine %s and its store do not go together", lab.pages.engine)
	}
	config.Cookie.Clock, config.Cookie.Logger = config.Clock, lab.log
	var err error
	lab.lanes, err = lanes.New(lanes.Config{Store: config.Sessions, Cookie: config.Cookie, Secrets: config.Secrets, Clock: config.Clock, Log: lab.log}, notebookCookie)
	if err != nil {
		return nil, err
	}
	lab.sessions = lab.lanes.Sessions
	bookOptions := lab.lanes.Options(notebookAge)
	bookOptions.Name = notebookCookie
	bookOptions.FollowReplaced = true // so that what one tab notes is not lost when another tab signs in

	var errs [5]error
	lab.notebooks, errs[0] = sessions.New(sessions.Keyed(notebookPurpose, config.Notebooks), bookOptions)
	lab.runs, errs[1] = lab.newRuns()
	lab.playLogin, errs[2] = lab.newPlayLogin()
	lab.playAPI, errs[3] = lab.newPlayAPI()
	lab.proofs, errs[4] = sessions.NewSigner(classPurpose, config.Secrets...)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	config.Log = lab.log
	lab.room = newEngineRoom(config, lab.closing)
	lab.class = cmp.Or(config.Class, new(Class))
	lab.class.join(lab)
	lab.router.HTTPErrorHandler = lab.handleError
	// Outermost first; a test holds the order.
	lab.router.Use(
		lab.checkHost,
		recoverPanic(lab.log),
		lab.secureHeaders,
		lab.record,
		lab.hold(),
		lab.openNotebook,
		lab.prefer,
		lab.readForm,
		lab.sameOrigin,
	)
	lab.routes(lab.router)
	return lab, nil
}

// hold is sessions.Hold, for every reply except streams. Echo calls a middleware again for
// each request. So whatever a middleware keeps between requests must be made before that:
// here the buffers in which replies wait.
func (lab *Lab) hold() echo.MiddlewareFunc {
	hold := sessions.Hold()
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		held := hold(next)
		return func(c echo.Context) error {
			if lab.router.Access(c).Stream {
				return next(c)
			}
			return held(c)
		}
	}
}

// ServeHTTP makes the lab an http.Handler.
func (lab *Lab) ServeHTTP(w http.ResponseWriter, r *http.Request) { lab.router.ServeHTTP(w, r) }

// EndStreams ends the replies that would never end by themselves. A server that
// shuts down waits for every reply, so it has to say so first:
// [http.Server.RegisterOnShutdown].
func (lab *Lab) EndStreams() { lab.close() }

// Close lets go of what the lab holds open; its stores are their owner's.
func (lab *Lab) Close() {
	lab.EndStreams()
	lab.class.leave(lab)
	lab.second.CloseIdleConnections()
	if err := lab.room.close(); err != nil {
		lab.log.Error("closing the stores of the engines page", "error", err)
	}
}

const (
	sessionFindingKey = "cookielab/handlers.session finding"
	rememberedKey     = "cookielab/handlers.remembered"
	leftBehindKey     = "cookielab/handlers.left behind"
)

// recall asks one lane and puts what it finds on the wire.
func (lab *Lab) recall(c echo.Context, lane lanes.Lane) (lanes.Finding, error) {
	f, err := lane.Recall(c)
	if err != nil {
		return f, err
	}
	noteFinding(c, f)
	if lane.ID() == lanes.Session {
		c.Set(sessionFindingKey, f)
	}
	return f, nil
}

// recallSession asks the lane that knows who is signed in, for the page's head.
func (lab *Lab) recallSession(c echo.Context) error {
	_, err := lab.recall(c, lab.lanes.Session())
	return err
}

// recallAll asks every lane of the dashboard, in order.
func (lab *Lab) recallAll(c echo.Context) ([]lanes.Finding, error) {
	findings := make([]lanes.Finding, 0, len(lab.lanes.Cookies))
	for _, lane := range lab.lanes.Cookies {
		f, err := lab.recall(c, lane)
		if err != nil {
			return nil, err
		}
		findings = append(findings, f)
	}
	return findings, nil
}

// remember makes every lane remember somebody, for the same time, and ends the
// record that this browser was given before, if its key does not come any more.
func (lab *Lab) remember(c echo.Context, who lanes.Identity, age time.Duration) error {
	for _, lane := range lab.lanes.Cookies {
		if err := lane.Remember(c, who, age); err != nil {
			return err
		}
	}
	session, err := lab.sessions.Load(c)
	if err != nil {
		return err
	}
	if err := notebookOf(c).changeKey(); err != nil {
		return err
	}
	c.Set(rememberedKey, session) // the notebook notes its record once it is saved
	if left, ok := notebookOf(c).Record(); ok {
		if record, live := session.Record(); !live || record.ID != left { // else it is in use: its new key ends it
			c.Set(leftBehindKey, leftBehind{ID: left})
		}
	}
	return nil
}

// age is how long the lanes remember somebody, unless an action says otherwise.
func (lab *Lab) age() time.Duration { return lab.config.Cookie.Age }

// getHealth serves GET /healthz: 200 while the stores answer.
func (lab *Lab) getHealth(c echo.Context) error {
	for _, store := range []sessions.Store{lab.config.Sessions, lab.config.Notebooks} {
		if store == nil {
			continue // signed_cookies has none
		}
		if err := probe(c.Request().Context(), store); err != nil {
			return err
		}
	}
	return c.String(http.StatusOK, "ok\n")
}

// probe asks a store for a record that cannot exist.
func probe(ctx context.Context, store sessions.Store) error {
	if _, err := store.Load(ctx, sessions.ID{}); !errors.Is(err, sessions.ErrNotFound) {
		return err
	}
	return nil
}
