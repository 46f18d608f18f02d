// Every reply is sent before the server closes the connection, however slow the stores
// are (in its own time: testing/synctest).

package handlers_test

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
)

func TestRepliesLeaveInTime(t *testing.T) {
	for _, takes := range []time.Duration{1900 * time.Millisecond, 4900 * time.Millisecond, time.Hour} {
		t.Run(takes.String(), func(t *testing.T) {
			labtest.InItsOwnTime(t, func(t *testing.T, lab *labtest.Lab, _ func() net.Conn) {
				lab.Web.Timeout = time.Minute
				c := lab.Client().SignIn("teacher")
				for range 3 {
					lab.Client().SignIn("teacher")
				}
				var nothing time.Duration
				s, n := labtest.Slow{Store: lab.Sessions.Store, Takes: &nothing}, labtest.Slow{Store: lab.Notebooks.Store, Takes: &nothing}
				lab.Sessions.Store, lab.Notebooks.Store = s, n
				ask := func(method, path string, form url.Values) {
					twin := c.Thief()
					nothing = takes
					began := time.Now()
					var r webtest.Reply
					if method == http.MethodGet {
						r = twin.Get(path)
					} else if strings.HasPrefix(path, "/api/") {
						r = twin.Do(method, path, webtest.Body("application/json", form.Get("json")))
					} else {
						r = twin.Post(path, form)
					}
					took := time.Since(began)
					nothing = 0
					if took > 28*time.Second || r.Status >= 500 && r.Status != http.StatusServiceUnavailable && r.Status != http.StatusBadGateway {
						t.Errorf("%s %s is answered %d after %v", method, path, r.Status, took)
					}
				}
				for _, path := range []string{"/", "/login", "/dashboard", "/lessons", "/lessons/planted", "/notes", "/handout", "/wire", "/tokens", "/console", "/dissect",
					"/composer", "/sent", "/door/session", "/class", "/reset", "/sessions", "/api/lanes", "/api/whoami", "/api/wire", "/healthz", "/engines", "/none"} {
					ask(http.MethodGet, path, nil)
				}
				for path, form := range map[string]url.Values{
					"/login": webtest.Login("alice"), "/logout": nil, "/tokens": webtest.Login("alice"), "/act/edit": nil, "/act/expire": nil, "/act/restore": nil, "/act/logout/session": nil,
					"/sessions/end": {"id": {strings.Repeat("a", 64)}}, "/sessions/end-others": nil, "/class": {"sure": {"yes"}}, "/reset": nil,
					"/lessons/planted": {"act": {"invent"}}, "/console": {"call": {"set"}, "key": {"a"}, "value": {"1"}},
					"/api/session/set":       {"json": {`{"key":"a","value":1,"think_ms":2000}`}},
					"/api/session/add":       {"json": {`{"key":"a"}`}},
					"/api/session/cycle_key": {"json": {`{}`}},
					"/api/token":             {"json": {`{"username":"alice","password":"` + webtest.ClassPassword + `"}`}},
					"/engines/write":         nil,
				} {
					ask(http.MethodPost, path, form)
				}
			})
		})
	}
}
