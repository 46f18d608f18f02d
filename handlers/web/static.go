// Static files: served from the binary, kept by browsers until they change.

package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

type staticFile struct {
	content []byte
	kind    string
	version string
}

type staticFiles map[string]staticFile

func readStatic(files fs.FS) (staticFiles, error) {
	set := staticFiles{}
	err := fs.WalkDir(files, "static", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		set[strings.TrimPrefix(name, "static/")] = staticFile{content, contentType(name), hex.EncodeToString(sum[:6])}
		return nil
	})
	return set, err
}

// contentType does not ask the system's table, which differs from one machine
// to the next.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".ico":
		return "image/x-icon"
	default:
		return mime.TypeByExtension(path.Ext(name))
	}
}

// url is a file's address, with its version: a new version is a new address.
func (s staticFiles) url(name string) (string, error) {
	file, ok := s[name]
	if !ok {
		return "", fmt.Errorf("there is no static file %q", name)
	}
	return "/static/" + name + "?v=" + file.version, nil
}

// StaticFigure returns a static file's text with its name, for a page that is about it.
func (a *Assets) StaticFigure(name string) template.HTML {
	return figureOf("static/"+name, string(a.static[name].content))
}

// GetStatic serves GET /static/*.
func (a *Assets) GetStatic(c echo.Context) error { return a.ServeStatic(c, c.Param("*")) }

// GetFavicon serves GET /favicon.ico, which browsers request by themselves.
func (a *Assets) GetFavicon(c echo.Context) error { return a.ServeStatic(c, "favicon.ico") }

// ServeStatic answers with a static file, by its name below static/. The error is
// [echo.ErrNotFound] if there is no such file.
func (a *Assets) ServeStatic(c echo.Context, name string) error {
	file, ok := a.static[name]
	if !ok {
		return echo.ErrNotFound
	}
	header := c.Response().Header()
	header.Set("Content-Type", file.kind)
	header.Set("Cache-Control", "public, max-age=3600")
	if c.QueryParam("v") == file.version {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	header.Del("Vary") // the same for everybody
	header.Set("ETag", `"`+file.version+`"`)
	http.ServeContent(c.Response(), c.Request(), name, time.Time{}, bytes.NewReader(file.content))
	return nil
}
