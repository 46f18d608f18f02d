// Lesson 11, scope, in real browsers; and by HTTP, its addresses without a run.

package handlers_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cookielab/handlers"
	"cookielab/handlers/input"
	"cookielab/handlers/labtest"
)

// Scope tells lesson 11: on both ports, and on each of the trips.
func (tellers) Scope(s *student) {
	s.predict("B")
	s.act("set")
	if s.jar("play_scope") != "A" {
		s.t.Errorf("the browser keeps %q", s.jar("play_scope"))
	}
	s.Click("#observe .deed a")
	neighbour := s.Text("h1")
	if strings.HasPrefix(s.URL(), s.base) || !strings.Contains(s.URL(), "/play/scope?") || s.Attr(`#came [data-cookie="play_scope"]`, "data-came") != "yes" {
		s.t.Errorf("at %s: %s", s.URL(), s.Text("main"))
	}
	s.Click(".deed a")
	s.at(s.t, "/lessons/scope#observe")
	s.came()
	s.claim("ports", s.cell("port", 2) == "yes" && strings.Contains(neighbour, s.Text("#row-port .note")), "%q, %s", s.row("port"), s.Text("#row-port"))
	s.claim("not-origin", s.Text("#row-here code") == "same-origin" && s.Text("#row-port code") == "same-site", "%s; %s", s.Text("#row-here"), s.Text("#row-port"))

	// It came back from another origin, whose requests write nothing into the
	// notebook; what was seen is kept all the same.
	s.open(s.t, "/lessons", 200)
	if got := s.Text(`.contents a[href="/lessons/scope"] .state`); got != "✓" {
		s.t.Errorf("in the contents its mark is %q", got)
	}
	s.open(s.t, "/lessons/scope", 200)

	s.trip("host")
	s.claim("this-host", s.row("host-home") == "yes" && s.row("host-beside") == "none", "%q, %q", s.row("host-home"), s.row("host-beside"))
	s.trip("domain")
	s.claim("wider", s.row("domain-app") == "yes yes none none" && s.row("domain-x") == "none yes none none" && s.row("domain-top") == "none none none yes",
		"%q, %q, %q", s.row("domain-app"), s.row("domain-x"), s.row("domain-top"))
	s.trip("path")
	var paths []string
	for _, row := range []string{"shop", "till", "shopping", "market"} {
		paths = append(paths, s.row("path-"+row))
	}
	set := false
	for _, cookie := range s.Cookies() {
		set = set || cookie.Name == "play_scope" && cookie.Path == "/play" && cookie.HostOnly
	}
	s.claim("path", set && strings.Join(paths, " ") == "yes yes none none", "%v, %v", set, paths)
	s.trip("insecure")
	if s.row("insecure-local") != "yes yes" || s.row("insecure-mapped") != "yes none" {
		s.t.Errorf("Secure: %q at localhost, %q at the address that is not safe", s.row("insecure-local"), s.row("insecure-mapped"))
	}
	if s.waits {
		s.closer("schemes")
		s.Click("#closer-schemes .deed a")
		for _, row := range []string{"port", "https"} {
			if classes := s.boardRow(row); classes != "goes" {
				s.t.Errorf("the composer says of %s: %s", row, classes)
			}
		}
	}
}

// trip sends the browser round, and looks at what it brought home.
func (s *student) trip(name string) {
	s.t.Helper()
	s.closer(name)
	s.Click("#closer-" + name + " .deed a")
	for strings.Contains(s.URL(), "/play/scope/") {
		s.Click("#play .deed a")
	}
	s.at(s.t, "/lessons/scope#board-"+name)
	s.closer(name)
}

// boardRow is what the composer's board says of a kind of request: the classes of
// its cells.
func (s *student) boardRow(id string) string {
	s.t.Helper()
	var classes []string
	s.Eval(fmt.Sprintf(`Array.from(document.querySelectorAll("#board-%s td"), td => td.className)`, id), &classes)
	return strings.Join(classes, " ")
}

// Without a second server the lesson says how to get one; its addresses below
// /play answer to nobody who has no run, and at no other address than their own.
func TestScope(t *testing.T) {
	lab := labtest.New(t)
	c := lab.Client()
	c.Get("/lessons/scope")
	c.Post("/lessons/scope", url.Values{"act": {"predict"}, "said": {"A"}})
	if body := c.Get("/lessons/scope").Body; !strings.Contains(body, "--node-b-addr localhost:8082") || strings.Contains(body, "#observe .deed a") {
		t.Error("it does not say that there is no second server")
	}

	lab = labtest.New(t, func(config *handlers.Config) { config.Others = []input.Server{{Server: "B", Port: "1"}} })
	c = lab.Client()
	c.Get("/lessons/scope")
	c.Post("/lessons/scope", url.Values{"act": {"predict"}, "said": {"A"}})
	r := c.Post("/lessons/scope", url.Values{"act": {"set"}})
	if cookie := r.Sets("play_scope"); cookie == nil || cookie.Path != "/play" || cookie.Domain != "" {
		t.Fatalf("it sets %v", r.Cookies)
	}
	page := c.Get("/lessons/scope").Body
	_, run, _ := strings.Cut(page, "/play/scope?run=")
	run, _, _ = strings.Cut(run, `"`)
	host, port, _ := strings.Cut(lab.Addr, ":")
	if !strings.Contains(page, "http://"+host+":1/play/scope?run="+run) {
		t.Fatal("no link leads to the other port")
	}

	t.Run("refused", func(t *testing.T) {
		for path, want := range map[string]int{
			"/play/scope":                                    http.StatusGone,
			"/play/scope?run=x":                              http.StatusGone,
			"/play/scope/shop?run=" + run:                    http.StatusBadRequest,
			"/play/scope/shop?trip=none&stop=0&run=" + run:   http.StatusBadRequest,
			"/play/scope/shop?trip=path&stop=9&run=" + run:   http.StatusBadRequest,
			"/play/scope/shop?trip=path&stop=-1&run=" + run:  http.StatusBadRequest,
			"/play/scope/shop?trip=path&stop=0&run=" + run:   http.StatusBadRequest, // another stop's path
			"/play/scope/shop?trip=domain&stop=1&run=" + run: http.StatusBadRequest, // another stop's host
		} {
			if r := lab.Client().Get(path); r.Status != want || len(r.Cookies) > 0 || r.Header.Get("Location") != "" {
				t.Errorf("%s: %d, %v, to %q", path, r.Status, r.Cookies, r.Header.Get("Location"))
			}
		}
	})
	t.Run("a cookie that does not come is seen not to", func(t *testing.T) {
		value := c.Cookie("play_scope")
		c.Drop("play_scope")
		if r := c.Get("/play/scope?run=" + run); r.Status != http.StatusOK || !strings.Contains(r.Body, "did not come") || len(r.Cookies) > 0 {
			t.Errorf("%d, %v", r.Status, r.Cookies)
		}
		if body := c.Get("/lessons/scope").Body; !strings.Contains(body, `<strong id="came">B</strong>`) || strings.Contains(body, "data-done=") {
			t.Error("what happened is not B")
		}
		c.Carry("play_scope", value)
	})
	t.Run("each trip goes round and comes home", func(t *testing.T) {
		for name, want := range map[string][]string{
			"path":     {lab.Addr, lab.Addr, lab.Addr, lab.Addr, lab.Addr},
			"host":     {lab.Addr, "localhost:" + port},
			"domain":   {"localhost:" + port, "app.localhost:" + port, "app.localhost:" + port, "x.app.localhost:" + port, "localhost:" + port},
			"insecure": {lab.Addr, lab.Addr, "[::ffff:7f00:1]:" + port, "[::ffff:7f00:1]:" + port},
		} {
			_, at, _ := strings.Cut(page, fmt.Sprintf(`id="closer-%s"`, name))
			_, at, _ = strings.Cut(at, `href="`)
			at, _, _ = strings.Cut(at, `"`)
			at = strings.ReplaceAll(at, "&amp;", "&")
			for i, stop := range want {
				to, err := url.Parse(at)
				if err != nil || to.Host != stop || !strings.HasPrefix(to.Path, "/play/scope/") {
					t.Fatalf("%s: stop %d is %s, want one at %s", name, i, at, stop)
				}
				r := c.Get(to.RequestURI(), func(request *http.Request) { request.Host = to.Host })
				if at = r.Header.Get("Location"); r.Status == http.StatusOK { // a page that leads on
					_, at, _ = strings.Cut(r.Body, `<p class="deed"><a class="button primary" href="`)
					at, _, _ = strings.Cut(at, `"`)
					at = strings.ReplaceAll(at, "&amp;", "&")
				} else if r.Status != http.StatusSeeOther {
					t.Fatalf("%s: stop %d answers %d", name, i, r.Status)
				}
			}
			if at != "http://"+lab.Addr+"/lessons/scope#board-"+name {
				t.Errorf("%s ends at %s", name, at)
			}
		}
	})
}
