// gorilla/sessions, whose handlers save by themselves.

package main

import (
	gorilla "github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
)

type gorillaLibrary struct{ store gorilla.Store }

func (gorillaLibrary) around() []echo.MiddlewareFunc { return nil }

func (g gorillaLibrary) load(c echo.Context) (*gorilla.Session, error) {
	return g.store.Get(c.Request(), "session")
}

func (g gorillaLibrary) signIn(c echo.Context, user string) error {
	session, err := g.load(c)
	if err != nil {
		return err
	}
	session.Values[userKey] = user
	session.Values[roleKey] = role
	session.Values[sinceKey] = since
	session.Values["n"] = 1
	return session.Save(c.Request(), c.Response())
}

func (g gorillaLibrary) user(c echo.Context) (string, error) {
	session, err := g.load(c)
	if err != nil {
		return "", err
	}
	user, _ := session.Values[userKey].(string)
	return user, nil
}

func (g gorillaLibrary) set(c echo.Context, key string, value int) error {
	session, err := g.load(c)
	if err != nil {
		return err
	}
	session.Values[key] = value
	return session.Save(c.Request(), c.Response())
}

func (g gorillaLibrary) has(c echo.Context, key string) (bool, error) {
	session, err := g.load(c)
	if err != nil {
		return false, err
	}
	_, ok := session.Values[key]
	return ok, nil
}

func (g gorillaLibrary) signOut(c echo.Context) error {
	session, err := g.load(c)
	if err != nil {
		return err
	}
	session.Options.MaxAge = -1
	return session.Save(c.Request(), c.Response())
}
