// Package signin is the pages /login and /logout.
package signin

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/auth"
	"cookielab/handlers/input"
	"cookielab/handlers/locale"
	"cookielab/handlers/notebook"
	"cookielab/handlers/web"
	"cookielab/sessions"
)

// Page serves these pages: see New.
type Page struct {
	site *web.Site
	auth *auth.Auth
}

// New makes the page.
func New(site *web.Site, auth *auth.Auth) *Page { return &Page{site, auth} }

type pageData struct {
	web.Page
	SignIn auth.Form
}

// Get serves GET /login.
func (h *Page) Get(c echo.Context) error {
	form := h.auth.Form(c)
	if next, asked := input.NextOf(c.QueryParams()); asked && next != "/" {
		form.Next = next
	}
	page, err := h.site.Page(c, locale.Msg("login.title"))
	if err != nil {
		return err
	}
	return h.site.Render(c, http.StatusOK, "login", pageData{page, form})
}

// Post serves POST /login (fields username, password, pin, next). A login goes on in the
// Remember methods of the lanes.
func (h *Page) Post(c echo.Context) error {
	form := c.Request().PostForm
	given, err := auth.CredentialsIn(form)
	if err != nil {
		return err
	}
	next, asked := input.NextOf(form)
	if !asked {
		next = "/dashboard"
	}
	who, err := h.auth.Admit(c, given)
	if refused := auth.Refusal(err); refused != nil {
		shown := h.auth.RefusedForm(given, refused)
		if asked && next != "/" {
			shown.Next = next
		}
		return h.site.Render(c, refused.Status, "login", pageData{h.site.PageWithoutAsking(c, locale.Msg("login.title")), shown})
	}
	if err != nil {
		return err
	}
	if err := h.auth.Before(c); err != nil {
		return err
	}
	if err := h.auth.SignIn(c, who, h.auth.Age()); err != nil {
		return err
	}
	sessions.AfterCommit(c, func() { h.site.Log.Info("signed in", "name", who.User, "role", who.Role) })
	if err := notebook.From(c).NoteName(who.User); err != nil {
		return err
	}
	return h.auth.Done(c, notebook.Action{Name: "login"}, next)
}
