// Routes: every address of the lab, and what a request to it may do.

package handlers

import (
	"cookielab/handlers/composer"
	"cookielab/handlers/notebook"
	"cookielab/handlers/web"
)

// What a route may do. An address has one access, whatever the method.
var (
	asset      = web.Access{}                                              // never asks for the notebook: static files, health
	page       = web.Access{Notebook: notebook.Open, Recorded: true}       // opens a notebook for a visitor who has none
	secretPage = web.Access{Notebook: notebook.Open}                       // the same, and not on the wire: its form may hold anybody's secret
	formPage   = web.Access{Notebook: notebook.OpenByForm, Recorded: true} // a page whose form may be posted without a notebook
	action     = web.Access{Notebook: notebook.Write, Recorded: true}      // writes the notebook, and never opens one
	api        = web.Access{Notebook: notebook.Read, Recorded: true}       // reads the notebook, and never opens one
	silentAPI  = web.Access{Notebook: notebook.Read}                       // the same, and not on the wire: it may be asked about anybody's secret
	fastAPI    = web.Access{Recorded: true}                                // an API that must cost little: asks no store for the notebook, and is on the wire if memory knows whose it is
	stream     = web.Access{Notebook: notebook.Read, Stream: true}         // shows the wire, and is not on it, since it would push out what it shows
	crossSite  = web.Access{Recorded: true, AnyOrigin: true}               // what pages of other sites ask in lessons: no notebook, no lane; see lessons
)

// routes registers every address.
func (lab *Lab) routes(r *web.Router) {
	r.Get("/", page, lab.dashboard.Home)
	r.Get("/login", formPage, lab.signIn.Get)
	r.Post("/login", formPage, lab.signIn.Post)
	r.Post("/logout", action, lab.signIn.Logout)
	r.Get("/dashboard", page, lab.dashboard.Get)
	r.Get("/lessons", page, lab.Course.List)
	r.Get("/lessons/:slug", page, lab.Course.Get)
	r.Post("/lessons/:slug", page, lab.Course.Post)
	for _, at := range lab.Course.Play() {
		r.Handle(at.Method, at.Path, crossSite, at.Handler)
	}
	r.Get("/notes", page, lab.Course.Notes)
	r.Get("/handout", page, lab.Course.Handout)
	r.Get("/wire", page, lab.wire.Get)
	r.Get("/wire/events", stream, lab.wire.Events)
	r.Get("/tokens", formPage, lab.tokens.Get)
	r.Post("/tokens", formPage, lab.tokens.Post)
	r.Post("/tokens/ask", action, lab.tokens.Ask)
	r.Post("/tokens/end", action, lab.tokens.End)
	r.Post("/tokens/revoke", action, lab.tokens.Revoke)
	r.Get("/console", page, lab.console.Get)
	r.Post("/console", page, lab.console.Post)
	r.Get("/dissect", secretPage, lab.dissect.Get)
	r.Post("/dissect", secretPage, lab.dissect.Post)
	r.Get("/composer", secretPage, lab.composer.Get)
	r.Post("/composer", secretPage, lab.composer.Post)
	r.Post("/send", action, lab.composer.Send)
	r.Get("/sent", page, lab.composer.Sent)
	r.Get("/engines", page, lab.engines.Get)
	r.Post("/engines/:action", action, lab.engines.Post)
	r.Get("/door/:lane", page, lab.dashboard.Door)
	r.Get("/class", page, lab.revoke.Class)
	r.Post("/class", page, lab.revoke.PostClass)
	r.Get("/reset", action, lab.revoke.Reset) // opens no notebook: it proves that nothing is left
	r.Post("/reset", action, lab.revoke.PostReset)

	// The action bar: all three lanes at once, or one of them.
	r.Post("/act/edit", action, lab.dashboard.Edit)
	r.Post("/act/copy", action, lab.dashboard.Copy)
	r.Post("/act/replay", action, lab.dashboard.Replay)
	r.Post("/act/expire", action, lab.dashboard.Expire)
	r.Post("/act/restore", action, lab.dashboard.Restore)
	r.Post("/act/logout/:lane", action, lab.signIn.LogoutLane)
	r.Post("/act/drop/:lane", action, lab.dashboard.Drop)
	r.Post("/act/flip/:lane", action, lab.dashboard.Flip)

	// What lessons play with.
	if lab.neighbour != nil { // there is another server
		r.Get("/play/neighbour", asset, lab.neighbour.Get)
	}

	// Where am I signed in?
	r.Get("/sessions", page, lab.revoke.Sessions)
	r.Post("/sessions/end", action, lab.revoke.End)
	r.Post("/sessions/end-others", action, lab.revoke.EndOthers)

	r.Get("/api/lanes", api, lab.dashboard.Lanes)
	r.Post("/api/token", api, lab.tokens.Issue)
	r.Delete("/api/token", api, lab.tokens.Delete)
	r.Delete("/api/token/sealed", api, lab.tokens.DeleteSealed)
	r.Get("/api/whoami", fastAPI, lab.tokens.WhoAmI)
	r.Get("/api/whoami/sealed", fastAPI, lab.tokens.WhoAmISealed)
	r.Post("/api/session/:op", api, lab.console.Call)
	r.Post("/api/predict", silentAPI.WithBody(composer.MaxPredict), lab.composer.Predict)
	r.Get("/api/wire", stream, lab.wire.JSON) // it may be large
	r.Get("/healthz", asset, lab.getHealth)
	r.Get("/favicon.ico", asset, lab.Site.GetFavicon)
	r.Get("/static/*", asset, lab.Site.GetStatic)
}
