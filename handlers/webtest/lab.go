// A lab without pages: what stands around a page, with none of the lab's routes.

package webtest

import (
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/auth"
	"cookielab/handlers/lanes"
	"cookielab/handlers/notebook"
	"cookielab/handlers/web"
	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

// Lab is what stands around a page: the site, who is signed in, the guard rails. A test makes
// its page and adds the page's routes to Router before the first request. Sessions and
// notebooks lie in memory.
type Lab struct {
	*Server
	Site      *web.Site
	Auth      *auth.Auth
	Router    *web.Router
	Cookie    sessions.Options  // of the session lane
	Sessions  *storetest.Faulty // set Before to make it fail
	Notebooks *storetest.Faulty
}

// Accesses of the kinds of routes that pages have: see the list of routes in handlers.
var (
	Page       = web.Access{Notebook: notebook.Open, Recorded: true}
	SecretPage = web.Access{Notebook: notebook.Open}
	Action     = web.Access{Notebook: notebook.Write, Recorded: true}
	SilentAPI  = web.Access{Notebook: notebook.Read}
	Asset      = web.Access{}
)

// New starts a lab without pages. It has one route: POST /login signs in whoever the form
// names, without a password, so that [Client.SignIn] works.
func New(t testing.TB) *Lab {
	t.Helper()
	lab := &Lab{Server: NewServer(t), Router: web.NewRouter(), Cookie: sessions.DefaultOptions()}
	lab.Sessions, lab.Notebooks = lab.memory(), lab.memory()
	lab.Cookie.Name, lab.Cookie.Clock, lab.Cookie.Logger = SessionCookie, lab.Clock.Now, lab.Logger()
	set, err := lanes.New(lanes.Config{Store: lab.Sessions, Cookie: lab.Cookie, Secrets: Secrets, Clock: lab.Clock.Now, Log: lab.Logger()}, notebook.CookieName)
	if err != nil {
		t.Fatal(err)
	}
	notebooks, err := notebook.NewManager(lab.Notebooks, set)
	if err != nil {
		t.Fatal(err)
	}
	logs := notebook.NewLogs(lab.Clock.Now)
	lab.Site = &web.Site{
		Assets: AssetsOf(sessions.EngineDB), Clock: lab.Clock.Now, Log: lab.Logger(),
		Keep: []string{web.PresentParam, web.RunParam, web.AnswersParam},
	}
	lab.Auth = auth.New(auth.Config{
		Lanes: set, Logs: logs, Tries: lab.Notebooks, ClassPassword: ClassPassword, TeacherPIN: TeacherPIN,
		Words: lab.Site.Words, Clock: lab.Clock.Now, Log: lab.Logger(),
	})
	t.Cleanup(lab.Auth.Close)
	lab.Site.Who, lab.Site.Asked = lab.Auth.Who, lab.Auth.Asked

	origins := http.NewCrossOriginProtection()
	guard := &web.Guard{Router: lab.Router, Log: lab.Logger(), Origins: origins}
	recorder := notebook.Recorder{Logs: logs, Lanes: set, Access: lab.Router.Recorded}
	opener := notebook.Opener{
		Notebooks: notebooks, Logs: logs, Lanes: set, Clock: lab.Clock.Now, Origins: origins,
		BeforeSave: lab.Auth.BeforeSave, Access: lab.Router.Notebook,
	}
	lab.Router.HTTPErrorHandler = lab.Site.HandleError
	lab.Router.Use(guard.Middleware(lab.Site, recorder.Record, opener.Open)...)
	lab.Router.Post("/login", web.Access{Notebook: notebook.OpenByForm, Recorded: true}, func(c echo.Context) error {
		who := lanes.Identity{User: c.FormValue("username"), Role: lanes.RoleStudent}
		if err := lab.Auth.SignIn(c, who, lab.Auth.Age()); err != nil {
			return err
		}
		return c.Redirect(http.StatusSeeOther, "/")
	})
	lab.Start(lab.Router, logs)
	return lab
}

// memory makes a store in memory.
func (lab *Lab) memory() *storetest.Faulty {
	memory, err := sessions.NewMemory(1000, lab.Clock.Now)
	if err != nil {
		lab.t.Fatal(err)
	}
	return &storetest.Faulty{Store: memory}
}
