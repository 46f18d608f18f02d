// The library that this is about.

package main

import (
	"errors"

	"github.com/labstack/echo/v4"

	"cookielab/sessions"
)

type ours struct{ manager *sessions.Manager }

func newOurs(engine sessions.Engine) (ours, error) {
	manager, err := sessions.New(engine, sessions.DefaultOptions())
	return ours{manager}, err
}

func (ours) around() []echo.MiddlewareFunc { return []echo.MiddlewareFunc{sessions.Hold()} }

func (o ours) signIn(c echo.Context, user string) error {
	session, err := o.manager.Load(c)
	if err != nil {
		return err
	}
	session.CycleKey()
	return fill(session, user)
}

func fill(session *sessions.Session, user string) error {
	return errors.Join(session.Set(userKey, user), session.Set(roleKey, role), session.Set(sinceKey, since), session.Set("n", 1))
}

func (o ours) user(c echo.Context) (string, error) {
	session, err := o.manager.Load(c)
	if err != nil {
		return "", err
	}
	return session.Text(userKey), nil
}

func (o ours) set(c echo.Context, key string, value int) error {
	session, err := o.manager.Load(c)
	if err != nil {
		return err
	}
	return session.Set(key, value)
}

func (o ours) has(c echo.Context, key string) (bool, error) {
	session, err := o.manager.Load(c)
	if err != nil {
		return false, err
	}
	return session.Has(key), nil
}

func (o ours) signOut(c echo.Context) error {
	session, err := o.manager.Load(c)
	if err != nil {
		return err
	}
	session.Flush()
	return nil
}
