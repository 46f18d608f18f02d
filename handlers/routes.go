// The routes: every address of the lab, and what a request to it may do.

package handlers

// What a route may do. An address has one access, whatever the method.
var (
	asset      = Access{}                                     // never asks for the notebook: static files, health
	page       = Access{Notebook: Open, Recorded: true}       // opens a notebook for a visitor who has none
	secretPage = Access{Notebook: Open}                       // the same, and not on the wire: its form may hold anybody's secret
	formPage   = Access{Notebook: OpenByForm, Recorded: true} // a page whose form may be posted without a notebook
	action     = Access{Notebook: Write, Recorded: true}      // writes the notebook, and never opens one
	api        = Access{Notebook: Read, Recorded: true}       // reads the notebook, and never opens one
	silentAPI  = Access{Notebook: Read}                       // the same, and not on the wire: it may be asked about anybody's secret
	fastAPI    = Access{Recorded: true}                       // an API that must cost little: asks no store for the notebook, and is on the wire if memory knows whose it is
	stream     = Access{Notebook: Read, Stream: true}         // shows the wire, and is not on it: it would push out what it shows
	crossSite  = Access{Recorded: true, AnyOrigin: true}      // what pages of other sites ask in lessons: no notebook, no lane; see play.go
)

// routes lists every address.
func (lab *Lab) routes(r *Router) {
	r.Get("/", page, lab.getHome)
	r.Get("/login", formPage, lab.getLogin)
	r.Post("/login", formPage, lab.postLogin)
	r.Post("/logout", action, lab.postLogout)
	r.Get("/dashboard", page, lab.getDashboard)
	r.Get("/lessons", page, lab.getLessons)
	r.Get("/lessons/:slug", page, lab.getLesson)
	r.Post("/lessons/:slug", page, lab.postLesson)
	for _, at := range lab.playRoutes() {
		r.Handle(at.method, at.path, crossSite, at.handler)
	}
	r.Get("/notes", page, lab.getNotes)
	r.Get(handoutPath, page, lab.getHandout)
	r.Get("/wire", page, lab.getWire)
	r.Get("/wire/events", stream, lab.getWireEvents)
	r.Get("/tokens", formPage, lab.getTokens)
	r.Post("/tokens", formPage, lab.postTokens)
	r.Post("/tokens/ask", action, lab.postTokensAsk)
	r.Post("/tokens/end", action, lab.postTokensEnd)
	r.Post("/tokens/revoke", action, lab.postTokensRevoke)
	r.Get("/console", page, lab.getConsole)
	r.Post("/console", page, lab.postConsole)
	r.Get("/dissect", secretPage, lab.getDissect)
	r.Post("/dissect", secretPage, lab.postDissect)
	r.Get("/composer", secretPage, lab.getComposer)
	r.Post("/composer", secretPage, lab.postComposer)
	r.Post(sendPath, action, lab.postSend)
	r.Get("/sent", page, lab.getSent)
	r.Get("/engines", page, lab.getEngines)
	r.Post("/engines/:deed", action, lab.postEngines)
	r.Get("/door/:lane", page, lab.getDoor)
	r.Get("/class", page, lab.getClass)
	r.Post("/class", page, lab.postClass)
	r.Get("/reset", action, lab.getReset) // opens no notebook: it proves that nothing is left
	r.Post("/reset", action, lab.postReset)

	// The action bar: all three ways at once, or one of them.
	r.Post("/act/edit", action, lab.postEdit)
	r.Post("/act/copy", action, lab.postCopy)
	r.Post("/act/replay", action, lab.postReplay)
	r.Post("/act/expire", action, lab.postExpire)
	r.Post("/act/restore", action, lab.postRestore)
	r.Post("/act/logout/:lane", action, lab.postLogoutLane)
	r.Post("/act/drop/:lane", action, lab.postDrop)
	r.Post("/act/flip/:lane", action, lab.postFlip)

	// What lessons play with.
	if len(lab.config.Others) > 0 { // who is alone has no neighbour
		r.Get("/play/neighbour", asset, lab.getNeighbour)
	}

	// Where am I signed in?
	r.Get("/sessions", page, lab.getSessions)
	r.Post("/sessions/end", action, lab.postEndSession)
	r.Post("/sessions/end-others", action, lab.postEndOthers)

	r.Get("/api/lanes", api, lab.getLanes)
	r.Post("/api/token", api, lab.postToken)
	r.Delete("/api/token", api, lab.deleteToken)
	r.Delete("/api/token/sealed", api, lab.deleteSealedToken)
	r.Get("/api/whoami", fastAPI, lab.getWhoami)
	r.Get("/api/whoami/sealed", fastAPI, lab.getWhoamiSealed)
	r.Post("/api/session/:op", api, lab.postSessionOp)
	r.Post(predictPath, silentAPI.WithBody(maxPredict), lab.postPredict)
	r.Get("/api/wire", stream, lab.getWireJSON) // it may be large
	r.Get("/healthz", asset, lab.getHealth)
	r.Get("/favicon.ico", asset, lab.getFavicon)
	r.Get("/static/*", asset, lab.getStatic)
}
