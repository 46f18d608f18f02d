// The router: Echo's, with what each address may do.

package web

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/notebook"
)

// Access is what a route may do, and what is done before its handler. The zero Access is
// for what has nothing to do with the visitor, such as static files: then not even the
// language is read from the address.
type Access struct {
	Notebook  notebook.Use
	Recorded  bool // its exchanges go on the wire
	Stream    bool // its reply is sent piece by piece, so it is not held back: see sessions.Hold
	AnyOrigin bool // other sites may ask: that they do is what a lesson is about
	MaxBody   int  // bytes of the request's body; 0: input.MaxBody
}

// unknown is the access of an address that does not exist: its error page is in the
// visitor's language, if the notebook's store answers.
var unknown = Access{Notebook: notebook.IfItCan}

// WithBody returns the same access, for a body of at most most bytes.
func (a Access) WithBody(most int) Access {
	a.MaxBody = most
	return a
}

// Router is Echo's, with the access of each address. Middleware asks for it.
type Router struct {
	*echo.Echo
	access map[string]Access // by the address
}

// NewRouter makes a router without addresses.
func NewRouter() *Router {
	r := &Router{echo.New(), map[string]Access{}}
	r.IPExtractor = echo.ExtractIPDirect()
	return r
}

// Get registers a handler for GET and, since a reply to HEAD is the same without its
// body, for HEAD.
func (r *Router) Get(path string, a Access, h echo.HandlerFunc) { r.Handle(http.MethodGet, path, a, h) }

// Post registers a handler for POST.
func (r *Router) Post(path string, a Access, h echo.HandlerFunc) {
	r.Handle(http.MethodPost, path, a, h)
}

// Delete registers a handler for DELETE.
func (r *Router) Delete(path string, a Access, h echo.HandlerFunc) {
	r.Handle(http.MethodDelete, path, a, h)
}

// Handle registers a handler for a method; GET includes HEAD. It panics if the address has
// another access for another method: middleware knows only the address.
func (r *Router) Handle(method, path string, a Access, h echo.HandlerFunc) {
	if other, ok := r.access[path]; ok && other != a {
		panic(fmt.Sprintf("the address %s has two accesses: %+v and %+v", path, other, a))
	}
	r.access[path] = a
	r.Add(method, path, h)
	if method == http.MethodGet {
		r.Add(http.MethodHead, path, h)
	}
}

// Access returns the access of a request's address. An unknown address reads the notebook if
// it can, and is not recorded.
func (r *Router) Access(c echo.Context) Access {
	if a, ok := r.access[c.Path()]; ok {
		return a
	}
	return unknown
}

// Notebook returns the part of a request's access that [notebook.Opener] needs: what the
// request may do with the notebook, and whether its reply is a stream.
func (r *Router) Notebook(c echo.Context) (use notebook.Use, stream bool) {
	a := r.Access(c)
	return a.Notebook, a.Stream
}

// Recorded returns the part of a request's access that [notebook.Recorder] needs: whether the
// exchange goes on the wire, what the request may do with the notebook, and whether other
// sites may ask.
func (r *Router) Recorded(c echo.Context) (recorded bool, use notebook.Use, anyOrigin bool) {
	a := r.Access(c)
	return a.Recorded, a.Notebook, a.AnyOrigin
}
