// alexedwards/scs v2, used in Echo as its README says.

package main

import (
	"context"

	"github.com/alexedwards/scs/v2"
	"github.com/labstack/echo/v4"
)

type scsLibrary struct{ manager *scs.SessionManager }

func newScs(store scs.Store) scsLibrary {
	manager := scs.New()
	manager.Store = store
	return scsLibrary{manager}
}

func (s scsLibrary) around() []echo.MiddlewareFunc {
	return []echo.MiddlewareFunc{echo.WrapMiddleware(s.manager.LoadAndSave)}
}

func (s scsLibrary) signIn(c echo.Context, user string) error {
	ctx := c.Request().Context()
	if err := s.manager.RenewToken(ctx); err != nil {
		return err
	}
	s.fill(ctx, user)
	return nil
}

func (s scsLibrary) fill(ctx context.Context, user string) {
	s.manager.Put(ctx, userKey, user)
	s.manager.Put(ctx, roleKey, role)
	s.manager.Put(ctx, sinceKey, since)
	s.manager.Put(ctx, "n", 1)
}

func (s scsLibrary) user(c echo.Context) (string, error) {
	return s.manager.GetString(c.Request().Context(), userKey), nil
}

func (s scsLibrary) set(c echo.Context, key string, value int) error {
	s.manager.Put(c.Request().Context(), key, value)
	return nil
}

func (s scsLibrary) has(c echo.Context, key string) (bool, error) {
	return s.manager.Exists(c.Request().Context(), key), nil
}

func (s scsLibrary) signOut(c echo.Context) error {
	return s.manager.Destroy(c.Request().Context())
}
