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
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/sessions"
)

// Config is what the lab is made of.
type Config struct {
	Assets    *Assets          // of the engine that Sessions is the store of
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

// stores are those in which the lab keeps records; they may be the same one.
func (config *Config) stores() []sessions.Store {
	if config.Sessions == nil { // signed_cookies keeps its sessions in cookies
		return []sessions.Store{config.Notebooks}
	}
	return []sessions.Store{config.Sessions, config.Notebooks}
}

// Lab is one running Cookie Lab.
type Lab struct {
	config Config
	*Site
	router *Router

	lanes     *lanes.Set
	sessions  *sessions.Manager // of the session lane
	notebooks *sessions.Manager
	wire      *Wire
	streams   chan struct{}   // has one item for each stream under way
	closing   context.Context // done when streams must end
	close     context.CancelFunc
	throttle  *throttle
	pin       pinThrottle
	program   *Program
	composer  *composer
	room      *engineRoom       // of the page /engines
	purposes  map[string]string // for the dissector: see cookiePurposes
	lessons   course
	texts     *CourseTexts // what they say

	// onFindings is told what /api/lanes found, without the token. Its error ends the
	// request. nil: nobody is told.
	onFindings func(c echo.Context, findings []lanes.Finding) error

	forget         []Forgetter // in the order in which they are asked
	runs           *sessions.Manager
	lessonSessions map[string]*sessions.Manager // of their own, by slug
	origins        *http.CrossOriginProtection
	class          *Class           // with the others in this process
	member         *Member          // of that class
	proofs         *sessions.Signer // that a class was ended
}

// New makes the lab; an error names what cannot work.
func New(config Config) (*Lab, error) {
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	lab := &Lab{
		config:   config,
		wire:     newWire(config.Clock),
		throttle: newThrottle(config.Clock), pin: pinThrottle{config.Notebooks, config.Clock}, router: NewRouter(),
		composer: &composer{config.Clock}, lessons: allLessons(), texts: config.Course, origins: http.NewCrossOriginProtection(),
	}
	lab.streams = make(chan struct{}, cmp.Or(config.Streams, maxStreams()))
	lab.closing, lab.close = context.WithCancel(context.Background())
	lab.Site = &Site{
		Assets: config.Assets, clock: config.Clock, log: config.Log, server: config.Server, others: config.Others,
		keep: []string{"done", presentParam, runParam, answersParam, input.AfterParam},
		who:  lab.who, asked: lab.asked,
	}
	lab.program = newProgram(lab.wire, lab.words)
	if (config.Sessions == nil) != (lab.engine == sessions.EngineSignedCookies) {
		return nil, fmt.Errorf("the engine %s and its store do not go together", lab.engine)
	}
	config.Cookie.Clock, config.Cookie.Logger = config.Clock, lab.log
	if lab.texts == nil || lab.texts.assets != lab.Assets {
		return nil, errOtherCourse
	}
	var err error
	lab.lanes, err = lanes.New(lanes.Config{Store: config.Sessions, Cookie: config.Cookie, Secrets: config.Secrets, Clock: config.Clock, Log: lab.log}, notebookCookie)
	if err != nil {
		return nil, err
	}
	lab.sessions = lab.lanes.Sessions
	var errs [4]error
	lab.notebooks, errs[0] = newNotebooks(config.Notebooks, lab.lanes)
	lab.runs, errs[1] = lab.newRuns()
	lab.lessonSessions, errs[2] = lab.newLessonSessions()
	lab.proofs, errs[3] = sessions.NewSigner(classPurpose, config.Secrets...)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	lab.room = newEngineRoom(config, lab.closing)
	lab.purposes = lab.cookiePurposes()
	lab.room.OnAction = lab.noteEngines
	lab.onFindings = lab.witnessCopy
	lab.forget = []Forgetter{lab.composer, lab.lessons, lab.room}
	lab.class = cmp.Or(config.Class, new(Class))
	lab.member = &Member{Stores: config.stores(), Clear: []func(){lab.wire.Clear, lab.throttle.clear}, After: []func(context.Context){lab.room.endAll}}
	lab.class.join(lab.member)
	lab.router.HTTPErrorHandler = lab.handleError
	guard := &guard{router: lab.router, log: lab.log, origins: lab.origins, hosts: config.AllowHosts}
	exchanges := recorder{Wire: lab.wire, Lanes: lab.lanes, Access: lab.router.Recorded}
	notebooks := opener{
		Notebooks: lab.notebooks, Wire: lab.wire, Lanes: lab.lanes, Clock: lab.clock, Origins: lab.origins,
		BeforeSave: lab.beforeSave, Access: lab.router.Notebook,
	}
	// Outermost first; a test holds the order.
	lab.router.Use(
		guard.checkHost,
		recoverPanic(lab.log),
		secureHeaders,
		exchanges.Record,
		guard.hold(),
		notebooks.Open,
		lab.prefer(lab.router.Access),
		guard.readForm,
		guard.sameOrigin,
	)
	lab.routes(lab.router)
	return lab, nil
}

// cookiePurposes are what the values of the lab's cookies may be sealed for, by
// the name of the cookie; "" for one in which nothing ever is.
func (lab *Lab) cookiePurposes() map[string]string {
	purposes := map[string]string{notebookCookie: ""}
	for name := range lab.lanes.IDs() {
		purposes[name] = ""
	}
	purposes[lanes.SignedCookie] = lanes.SignedCookie
	purposes[lab.config.Cookie.Name] = lanes.SessionPurpose
	for _, engine := range sessions.Engines() {
		purposes[engineCookie(engine)] = ""
	}
	purposes[engineCookie(sessions.EngineSignedCookies)] = enginePurpose(sessions.EngineSignedCookies)
	return purposes
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
	lab.class.leave(lab.member)
	lab.program.close()
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

// sessionFinding is what the session lane found in this request; ok is false if it was not
// asked.
func (lab *Lab) sessionFinding(c echo.Context) (f lanes.Finding, ok bool) {
	f, ok = c.Get(sessionFindingKey).(lanes.Finding)
	return f, ok
}

// who is who is signed in, by the session lane: the only lane that authorises anything. It
// asks the lane, unless this request asked it before. ok is false for nobody.
func (lab *Lab) who(c echo.Context) (who lanes.Identity, ok bool, err error) {
	if _, asked := lab.sessionFinding(c); !asked {
		if _, err := lab.recall(c, lab.lanes.Session()); err != nil {
			return who, false, err
		}
	}
	who, ok = lab.signedIn(c)
	return who, ok, nil
}

// asked is who the session lane found in this request, if it was asked.
func (lab *Lab) asked(c echo.Context) (who lanes.Identity, asked bool) {
	f, asked := lab.sessionFinding(c)
	if f.Verdict.Accepted() {
		who = f.Who
	}
	return who, asked
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
	if err := notebookOf(c).ChangeKey(); err != nil {
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
	for _, store := range lab.config.stores() {
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
