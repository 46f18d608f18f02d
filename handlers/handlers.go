// The lab: what it is made of, how its parts are put together, and how it ends.

package handlers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/auth"
	"cookielab/handlers/composer"
	"cookielab/handlers/console"
	"cookielab/handlers/course"
	"cookielab/handlers/dashboard"
	"cookielab/handlers/dissect"
	"cookielab/handlers/engines"
	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/handlers/lessons"
	"cookielab/handlers/notebook"
	"cookielab/handlers/othersite"
	"cookielab/handlers/revoke"
	"cookielab/handlers/signin"
	"cookielab/handlers/tokens"
	"cookielab/handlers/web"
	"cookielab/handlers/wire"
	"cookielab/sessions"
)

// Config is what the lab is made of. Fields without another word are required.
type Config struct {
	Assets    *web.Assets      // read for the engine that Sessions belongs to
	Course    *course.Texts    // read for these Assets: see [ReadCourse]
	Sessions  sessions.Store   // where the session lane's records lie; nil for the engine signed_cookies: they lie in the cookie
	Notebooks sessions.Store   // where notebooks lie: always one that survives a restart
	Engines   sessions.Backend // where the page /engines keeps its own sessions, apart from the lab's
	FilePath  string           // where the engine file would keep the lab's, for that page
	Cookie    sessions.Options // of the session lane; New sets its Clock and its Logger
	Secrets   [][]byte         // the first seals, all verify; at least sessions.MinSecret bytes each

	ClassPassword string   // for everybody: it is no secret, and pages show it
	TeacherPIN    string   // for the name "teacher"; no page shows it
	AllowHosts    []string // further Host headers to answer to, as a browser sends them
	Hosts         []string // names under which browsers reach the lab, for links: "localhost", "[::1]"

	Server string         // this server's letter among several, "A"; "": it is alone
	Others []input.Server // the other servers
	Home   string         // where browsers find this server: "http://localhost:8080"
	Other  string         // where they find the other site, see [othersite.Site]; "": there is none
	Class  *revoke.Class  // what a new class ends besides this lab; nil: this lab alone

	// Streams is how many replies may be streamed at the same time; 0: a quarter of
	// the connections that this system allows the program, and at most 1,000.
	Streams int

	Clock sessions.Clock // nil: time.Now
	Log   *slog.Logger   // nil: nothing is logged
}

// stores lists the stores in which the lab keeps records. They may be the same one.
func (config *Config) stores() []sessions.Store {
	if config.Sessions == nil { // signed_cookies keeps its sessions in cookies
		return []sessions.Store{config.Notebooks}
	}
	return []sessions.Store{config.Sessions, config.Notebooks}
}

// ReadCourse reads the texts of the lessons and of the sheets to print, in the languages of
// the assets. The error names the file that cannot work, or a function that a lesson shows
// and the source does not have.
func ReadCourse(files fs.FS, assets *web.Assets) (*course.Texts, error) {
	return course.Read(files, assets, lessons.All(nil))
}

// Lab is one server of Cookie Lab. Many goroutines may use it at once.
type Lab struct {
	Site   *web.Site
	Auth   *auth.Auth
	Logs   *notebook.Logs
	Router *web.Router
	Class  *revoke.Class // shared with the other servers of this process
	Course *course.Course

	stores []sessions.Store // in which the lab keeps records

	dashboard *dashboard.Page
	signIn    *signin.Page
	revoke    *revoke.Page
	wire      *wire.Page
	tokens    *tokens.Page
	console   *console.Page
	engines   *engines.Page
	composer  *composer.Page
	dissect   *dissect.Page
	neighbour *othersite.Neighbour // nil: this server is alone
	member    *revoke.Member
	endStream context.CancelFunc
}

// New makes a lab. The error names what cannot work, for example a store that does not go
// together with the engine, or a [sessions.OptionError]. The caller must Close the lab.
func New(config Config) (*Lab, error) {
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if (config.Sessions == nil) != (config.Assets.Engine == sessions.EngineSignedCookies) {
		return nil, fmt.Errorf("the engine %s and its store do not go together", config.Assets.Engine)
	}
	config.Cookie.Clock, config.Cookie.Logger = config.Clock, config.Log
	lab := &Lab{stores: config.stores(), Router: web.NewRouter(), Class: cmp.Or(config.Class, new(revoke.Class)), Logs: notebook.NewLogs(config.Clock)}
	closing, end := context.WithCancel(context.Background())
	lab.endStream = end

	set, err := lanes.New(lanes.Config{Store: config.Sessions, Cookie: config.Cookie, Secrets: config.Secrets, Clock: config.Clock, Log: config.Log}, notebook.CookieName)
	if err != nil {
		return nil, err
	}
	notebooks, err := notebook.NewManager(config.Notebooks, set)
	if err != nil {
		return nil, err
	}
	lab.Site = &web.Site{
		Assets: config.Assets, Clock: config.Clock, Log: config.Log, Server: config.Server, Others: config.Others,
		Keep: []string{"done", web.PresentParam, web.RunParam, web.AnswersParam, input.AfterParam},
	}
	lab.Auth = auth.New(auth.Config{
		Lanes: set, Logs: lab.Logs, Tries: config.Notebooks, ClassPassword: config.ClassPassword, TeacherPIN: config.TeacherPIN,
		Words: lab.Site.Words, Clock: config.Clock, Log: config.Log,
	})
	lab.Site.Who, lab.Site.Asked = lab.Auth.Who, lab.Auth.Asked
	if err := lab.makePages(config, notebooks, closing); err != nil {
		end() // what cleans the stores of the engines page
		return nil, err
	}

	lab.member = &revoke.Member{
		Stores: lab.stores, Clear: []func(){lab.Logs.Clear, lab.Auth.ClearTries},
		After: []func(context.Context){lab.engines.EndAll},
	}
	lab.Class.Join(lab.member)
	lab.Router.HTTPErrorHandler = lab.Site.HandleError
	origins := http.NewCrossOriginProtection()
	guard := &web.Guard{Router: lab.Router, Log: config.Log, Origins: origins, Hosts: config.AllowHosts}
	exchanges := notebook.Recorder{Logs: lab.Logs, Lanes: set, Access: lab.Router.Recorded}
	opener := notebook.Opener{
		Notebooks: notebooks, Logs: lab.Logs, Lanes: set, Clock: config.Clock, Origins: origins,
		BeforeSave: lab.Auth.BeforeSave, Access: lab.Router.Notebook,
	}
	lab.Router.Use(guard.Middleware(lab.Site, exchanges.Record, opener.Open)...)
	lab.routes(lab.Router)
	return lab, nil
}

// makePages makes the pages, and connects those that tell each other something.
func (lab *Lab) makePages(config Config, notebooks *sessions.Manager, closing context.Context) (err error) {
	site, auth := lab.Site, lab.Auth
	lab.dashboard = dashboard.New(site, auth)
	lab.signIn = signin.New(site, auth)
	lab.wire = wire.New(site, closing, config.Streams)
	lab.tokens = tokens.New(site, auth)
	lab.console = console.New(site, auth)
	lab.composer = composer.New(site)
	lab.dissect = dissect.New(site, auth.Lanes, cookiePurposes(auth.Lanes))
	if len(config.Others) > 0 {
		lab.neighbour = othersite.NewNeighbour(site)
	}
	lab.engines = engines.New(site, engines.Config{
		Backend: config.Engines, FilePath: config.FilePath, Cookie: config.Cookie, Secrets: config.Secrets, Clock: config.Clock, Log: config.Log,
	}, closing)
	lab.Course, err = course.New(site, auth, course.Config{
		Texts: config.Course, Lessons: lessons.All(lab.engines), Store: config.Notebooks, Logs: lab.Logs, OtherSite: config.Other, Home: config.Home,
	})
	if err != nil {
		return err
	}
	lab.engines.OnAction = lessons.NoteEngines(lab.Course)
	lab.dashboard.OnFindings = lab.Course.WitnessCopy
	lab.revoke, err = revoke.New(site, auth, revoke.Config{
		Class: lab.Class, Notebooks: notebooks, Logs: lab.Logs, Forget: []revoke.Forgetter{lab.composer, lab.Course, lab.engines}, Hosts: config.Hosts,
	})
	return err
}

// cookiePurposes maps the name of each of the lab's cookies to the purpose for which its
// values are sealed; "" if they never are.
func cookiePurposes(set *lanes.Set) map[string]string {
	purposes := map[string]string{notebook.CookieName: ""}
	for name := range set.IDs() {
		purposes[name] = ""
	}
	purposes[lanes.SignedCookie] = lanes.SignedCookie
	purposes[set.Sessions.Options().Name] = lanes.SessionPurpose
	for _, engine := range sessions.Engines() {
		purposes[engines.CookieName(engine)] = ""
	}
	purposes[engines.CookieName(sessions.EngineSignedCookies)] = engines.Purpose(sessions.EngineSignedCookies)
	return purposes
}

// ServeHTTP implements [http.Handler].
func (lab *Lab) ServeHTTP(w http.ResponseWriter, r *http.Request) { lab.Router.ServeHTTP(w, r) }

// EndStreams ends the replies that would never end by themselves. It is for
// [http.Server.RegisterOnShutdown], because a server that shuts down waits for every reply.
func (lab *Lab) EndStreams() { lab.endStream() }

// Close ends streams and closes the lab's connections and the stores of the engines page. It
// does not close the stores of its Config, which belong to the caller.
func (lab *Lab) Close() {
	lab.EndStreams()
	lab.Class.Leave(lab.member)
	lab.Auth.Close()
	if err := lab.engines.Close(); err != nil {
		lab.Site.Log.Error("closing the stores of the engines page", "error", err)
	}
}

// getHealth serves GET /healthz: 200 while the stores answer.
func (lab *Lab) getHealth(c echo.Context) error {
	for _, store := range lab.stores {
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
