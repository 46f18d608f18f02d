// Package handlers is the lab itself: its pages, its lanes, its wire. This file
// lists every route; each page has a file of its own.
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
	Course    *CourseTexts     // read for these Pages
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
	echo    *echo.Echo
	pages   *Pages
	buffers sync.Pool // of *bytes.Buffer, to render to

	lanes          *lanes.Set
	sessions       *sessions.Manager // of the session lane
	notebooks      *sessions.Manager
	wire           *Wire
	streams        chan struct{}   // has one item for each stream under way
	closing        context.Context // done when streams must end
	close          context.CancelFunc
	throttle       *throttle
	pin            pinThrottle
	second         *http.Client // the other program that replays copies
	room           *engineRoom  // of the page /engines
	lessons        []*lesson    // in order
	course         *CourseTexts // what they say
	runs           *sessions.Manager
	lessonSessions map[string]*sessions.Manager // of their own, by slug
	origins        *http.CrossOriginProtection
	class          *Class           // with the others in this process
	proofs         *sessions.Signer // that a class was ended
	kinds          map[string]routeKind
}

// notebookPurpose is mixed into the hash of a notebook's key.
const notebookPurpose = "notebook"

// New makes the lab; an error names what cannot work.
func New(config Config) (*Lab, error) {
	lab := &Lab{
		config: config, pages: config.Pages, clock: config.Clock, log: config.Log,
		wire:     newWire(config.Clock),
		throttle: newThrottle(config.Clock), pin: pinThrottle{config.Notebooks, config.Clock}, kinds: map[string]routeKind{},
		second: newSecondClient(), lessons: allLessons(), course: config.Course, origins: http.NewCrossOriginProtection(),
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
	if lab.course == nil || lab.course.pages != lab.pages {
		return nil, errOtherCourse
	}
	var err error
	lab.lanes, err = lanes.New(lanes.Config{Store: config.Sessions, Cookie: config.Cookie, Secrets: config.Secrets, Clock: config.Clock, Log: lab.log}, notebookCookie)
	if err != nil {
		return nil, err
	}
	lab.sessions = lab.lanes.Sessions
	bookOptions := lab.lanes.Options(notebookAge)
	bookOptions.Name = notebookCookie
	bookOptions.FollowReplaced = true // so that what one tab notes is not lost when another tab signs in

	var errs [4]error
	lab.notebooks, errs[0] = sessions.New(sessions.Keyed(notebookPurpose, config.Notebooks), bookOptions)
	lab.runs, errs[1] = lab.newRuns()
	lab.lessonSessions, errs[2] = lab.newLessonSessions()
	lab.proofs, errs[3] = sessions.NewSigner(classPurpose, config.Secrets...)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	config.Log = lab.log
	lab.room = newEngineRoom(config, lab.closing)
	lab.class = cmp.Or(config.Class, new(Class))
	lab.class.join(lab)
	lab.routes()
	return lab, nil
}

// routeKind says what a route may do with the notebook.
type routeKind int

const (
	bare      routeKind = iota // never asks for it: static files, health
	lost                       // an unknown address: reads it if it can, to answer in the visitor's language
	api                        // reads it, and never opens one
	quick                      // an api that must cost little: asks no store for it, and is on the wire if memory knows whose
	looking                    // an api that is not on the wire: it may be asked about anybody's secret
	stream                     // shows the wire, and is not on it: it would push out what it shows. Sent piece by piece, so outside Hold, which would keep it back
	action                     // reads and writes it
	page                       // opens one for a visitor who has none
	discreet                   // the same, and not on the wire: its form may hold anybody's secret
	loginForm                  // a page whose form may be posted without one
	played                     // what pages of other sites ask in lessons: no notebook, no lane; see play.go
)

func (k routeKind) readsOnly() bool { return k == lost || k == api || k == looking || k == stream }

func (k routeKind) onWire() bool {
	return k != bare && k != lost && k != looking && k != stream && k != discreet
}

// hold is sessions.Hold, for every reply except streams. Echo calls a middleware again for
// each request. So whatever a middleware keeps between requests must be made before that:
// here the buffers in which replies wait.
func (lab *Lab) hold() echo.MiddlewareFunc {
	hold := sessions.Hold()
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		held := hold(next)
		return func(c echo.Context) error {
			if lab.kind(c) == stream {
				return next(c)
			}
			return held(c)
		}
	}
}

// routes lists every address, and what stands before it.
func (lab *Lab) routes() {
	e := echo.New()
	e.HTTPErrorHandler = lab.handleError
	e.IPExtractor = echo.ExtractIPDirect()
	lab.echo = e

	// Outermost first; a test holds the order.
	e.Use(
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

	lab.get("/", page, lab.getHome)
	lab.get("/login", loginForm, lab.getLogin)
	lab.post("/login", loginForm, lab.postLogin)
	lab.post("/logout", action, lab.postLogout)
	lab.get("/dashboard", page, lab.getDashboard)
	lab.get("/lessons", page, lab.getLessons)
	lab.get("/lessons/:slug", page, lab.getLesson)
	lab.post("/lessons/:slug", page, lab.postLesson) // the same kind: an address has one
	lab.playRoutes()
	lab.get("/notes", page, lab.getNotes)
	lab.get(handoutPath, page, lab.getHandout)
	lab.get("/wire", page, lab.getWire)
	lab.get("/wire/events", stream, lab.getWireEvents)
	lab.get("/tokens", loginForm, lab.getTokens)
	lab.post("/tokens", loginForm, lab.postTokens)
	lab.post("/tokens/ask", action, lab.postTokensAsk)
	lab.post("/tokens/end", action, lab.postTokensEnd)
	lab.post("/tokens/revoke", action, lab.postTokensRevoke)
	lab.get("/console", page, lab.getConsole)
	lab.post("/console", page, lab.postConsole) // the same kind: an address has one
	lab.get("/dissect", discreet, lab.getDissect)
	lab.post("/dissect", discreet, lab.postDissect)
	lab.get("/composer", discreet, lab.getComposer)
	lab.post("/composer", discreet, lab.postComposer)
	lab.post(sendPath, action, lab.postSend)
	lab.get("/sent", page, lab.getSent)
	lab.get("/engines", page, lab.getEngines)
	lab.post("/engines/:deed", action, lab.postEngines)
	lab.get("/door/:lane", page, lab.getDoor)
	lab.get("/class", page, lab.getClass)
	lab.post("/class", page, lab.postClass)
	lab.get("/reset", api, lab.getReset) // opens no notebook: it proves that nothing is left
	lab.post("/reset", action, lab.postReset)

	// The action bar: all three ways at once, or one of them.
	lab.post("/act/edit", action, lab.postEdit)
	lab.post("/act/copy", action, lab.postCopy)
	lab.post("/act/replay", action, lab.postReplay)
	lab.post("/act/expire", action, lab.postExpire)
	lab.post("/act/restore", action, lab.postRestore)
	lab.post("/act/logout/:lane", action, lab.postLogoutLane)
	lab.post("/act/drop/:lane", action, lab.postDrop)
	lab.post("/act/flip/:lane", action, lab.postFlip)

	// What lessons play with.
	if len(lab.config.Others) > 0 { // who is alone has no neighbour
		lab.get("/play/neighbour", bare, lab.getNeighbour)
	}

	// Where am I signed in?
	lab.get("/sessions", page, lab.getSessions)
	lab.post("/sessions/end", action, lab.postEndSession)
	lab.post("/sessions/end-others", action, lab.postEndOthers)

	lab.get("/api/lanes", api, lab.getLanes)
	lab.post("/api/token", api, lab.postToken)
	lab.delete("/api/token", api, lab.deleteToken)
	lab.delete("/api/token/sealed", api, lab.deleteSealedToken)
	lab.get("/api/whoami", quick, lab.getWhoami)
	lab.get("/api/whoami/sealed", quick, lab.getWhoamiSealed)
	lab.post("/api/session/:op", api, lab.postSessionOp)
	lab.post(predictPath, looking, lab.postPredict)
	lab.get("/api/wire", stream, lab.getWireJSON) // it may be large
	lab.get("/healthz", bare, lab.getHealth)
	lab.get("/favicon.ico", bare, lab.getFavicon)
	lab.get("/static/*", bare, lab.getStatic)
}

// get registers a route for GET and, since a reply to HEAD is the same without
// its body, for HEAD.
func (lab *Lab) get(path string, kind routeKind, handler echo.HandlerFunc) {
	lab.echo.GET(path, handler)
	lab.echo.HEAD(path, handler)
	lab.kinds[path] = kind
}

func (lab *Lab) post(path string, kind routeKind, handler echo.HandlerFunc) {
	lab.echo.POST(path, handler)
	lab.kinds[path] = kind
}

func (lab *Lab) delete(path string, kind routeKind, handler echo.HandlerFunc) {
	lab.echo.DELETE(path, handler)
	lab.kinds[path] = kind
}

// kind is a request's.
func (lab *Lab) kind(c echo.Context) routeKind {
	if kind, ok := lab.kinds[c.Path()]; ok {
		return kind
	}
	return lost
}

// ServeHTTP makes the lab an http.Handler.
func (lab *Lab) ServeHTTP(w http.ResponseWriter, r *http.Request) { lab.echo.ServeHTTP(w, r) }

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
