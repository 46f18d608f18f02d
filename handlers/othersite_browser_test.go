// The other site and the neighbour in a real browser: their policies let their
// requests through, and a SameSite=Lax cookie of the lab goes along with those
// that it should.

package handlers_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cookielab/handlers"
	"cookielab/handlers/browsertest"
	"cookielab/handlers/input"
	"cookielab/handlers/labtest"
	"cookielab/handlers/webtest"
)

// target is a lab as far as the other site sees it: it takes any request, and
// notes it.
type target struct {
	port string
	mu   sync.Mutex
	seen []string
}

func newTarget(t *testing.T) *target {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := &target{}
	_, at.port, _ = net.SplitHostPort(listener.Addr().String())
	server := &http.Server{Handler: at}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return at
}

// at is its address, as browsers have it.
func (at *target) at() string { return "http://localhost:" + at.port }

// ServeHTTP sets a cookie on the front page and notes what comes to /play/: the
// request, the site it came from, its form, and whether the cookie came along.
func (at *target) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if r.URL.Path == "/" {
		http.SetCookie(w, &http.Cookie{Name: "known", Value: "1", Path: "/", SameSite: http.SameSiteLaxMode})
	}
	if strings.HasPrefix(r.URL.Path, "/play/") {
		form, _ := io.ReadAll(r.Body)
		_, err := r.Cookie("known")
		site := r.Header.Get("Sec-Fetch-Site")
		at.mu.Lock()
		at.seen = append(at.seen, strings.TrimSpace(fmt.Sprintf("%s %s %s known=%v %s", r.Method, r.URL.RequestURI(), site, err == nil, form)))
		at.mu.Unlock()
	}
	if r.URL.Query().Get("how") == "img" { // else a browser would complain
		w.Header().Set("Content-Type", "image/svg+xml")
		_, _ = io.WriteString(w, `<svg xmlns="http://www.w3.org/2000/svg"/>`)
		return
	}
	_, _ = io.WriteString(w, "<!doctype html><title>the lab</title><link rel=icon href=data:,>")
}

// takes waits until these requests have come, in whatever order, and forgets them.
func (at *target) takes(t *testing.T, want ...string) {
	t.Helper()
	var seen []string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		at.mu.Lock()
		seen = slices.Sorted(slices.Values(at.seen))
		at.mu.Unlock()
		if len(seen) >= len(want) {
			break
		}
	}
	at.mu.Lock()
	at.seen = nil
	at.mu.Unlock()
	if slices.Sort(want); !slices.Equal(seen, want) {
		t.Errorf("what came is\n%s\nnot\n%s", strings.Join(seen, "\n"), strings.Join(want, "\n"))
	}
}

func tellOtherSite(t *testing.T, browser browsertest.Browser, _ string) {
	const fields = "to=mallory&amount=10"
	for _, noScript := range []bool{false, true} {
		t.Run(fmt.Sprintf("requests, without script: %v", noScript), func(t *testing.T) {
			t.Parallel()
			lab := newTarget(t)
			site := labtest.NewOtherSite(t, lab.at(), "")
			v := &visitor{Page: browser.Visit(t, browsertest.Options{NoScript: noScript, Width: 1024, Height: 640}), base: "http://" + site}
			presses := func(path, selector, want string) {
				t.Helper()
				v.open(t, path, 200)
				lab.mu.Lock()
				lab.seen = nil
				lab.mu.Unlock()
				v.Click(selector)
				lab.takes(t, want)
			}
			v.Open(lab.at() + "/")
			presses("/?run=R1", "#by-link a", "GET /play/hello?run=R1&how=link cross-site known=true")
			presses("/?run=R1", "#by-form button", "POST /play/transfer/samesite?run=R1 cross-site known=false "+fields)
			presses("/token?run=R1", "#by-form button", "POST /play/api?run=R1&from=other cross-site known=false "+fields)

			v.open(t, "/more?run=R1", 200)
			alone := []string{"GET /play/cookies?run=R1&how=img cross-site known=false", "GET /play/cookies?run=R1&how=frame cross-site known=false"}
			if noScript {
				lab.takes(t, alone...)
				v.WaitText("#fetched", "Not sent")
				return
			}
			lab.takes(t, append(alone, "GET /play/cookies?run=R1&how=fetch cross-site known=false")...)
			v.WaitText("#fetched", "An answer came")
			for selector, want := range map[string]string{
				"#by-link a":                    "GET /play/cookies?run=R1&how=link cross-site known=true",
				"#by-form button":               "POST /play/cookies?run=R1&how=form cross-site known=false",
				"form[action*=none] button":     "POST /play/transfer/none?run=R1&from=more cross-site known=false " + fields,
				"form[action*=samesite] button": "POST /play/transfer/samesite?run=R1&from=more cross-site known=false " + fields,
				"form[action*=token] button":    "POST /play/transfer/token?run=R1&from=more cross-site known=false " + fields,
				"form[action*=metadata] button": "POST /play/transfer/metadata?run=R1&from=more cross-site known=false " + fields,
			} {
				v.open(t, "/more?run=R1", 200)
				lab.takes(t, append(slices.Clone(alone), "GET /play/cookies?run=R1&how=fetch cross-site known=false")...)
				v.Click(selector)
				lab.takes(t, want)
			}
			for _, complaint := range v.Complaints() {
				if !strings.HasPrefix(complaint, "bounceTrackingProtection") { // Firefox: nobody has clicked on a page of the lab yet
					t.Errorf("the browser complains: %s", complaint)
				}
			}
		})
	}
	t.Run("the neighbour is the same site", func(t *testing.T) {
		t.Parallel()
		first := newTarget(t)
		lab := labtest.New(t, func(c *handlers.Config) { c.Others = []input.Server{{Server: "A", Port: first.port}} })
		_, port, _ := net.SplitHostPort(lab.Addr)
		v := &visitor{Page: browser.Visit(t, browsertest.Options{Width: 1024, Height: 640}), base: "http://localhost:" + port}
		v.Open(first.at() + "/")
		for _, defence := range []string{"samesite", "metadata"} {
			v.open(t, "/play/neighbour?run=R1", 200)
			v.Click("#" + defence + " button")
			first.takes(t, "POST /play/transfer/"+defence+"?run=R1&from=neighbour same-site known=true "+fields)
		}
		for _, complaint := range v.Complaints() {
			t.Errorf("the browser complains: %s", complaint)
		}
	})
	if browser.Name() != "Chromium" {
		return
	}
	t.Run("what there is to do stands in the window", func(t *testing.T) {
		t.Parallel()
		lab := newTarget(t)
		site := labtest.NewOtherSite(t, lab.at(), "")
		neighbour := labtest.New(t, func(c *handlers.Config) { c.Others = []input.Server{{Server: "A", Port: lab.port}} })
		for _, size := range [][2]int{{1024, 640}, {390, 844}} {
			for _, language := range []string{"en", "zh"} {
				v := &visitor{Page: browser.Visit(t, browsertest.Options{Width: size[0], Height: size[1], Language: language, Dark: true}), base: "http://" + site}
				for _, path := range []string{"/?run=R1", "/more?run=R1", "/token?run=R1", "/", "http://" + neighbour.Addr + "/play/neighbour?run=R1"} {
					if strings.HasPrefix(path, "http") {
						v.Open(path)
					} else {
						v.open(t, path, 200)
					}
					var flaws []string
					v.Eval(foreignFlaws, &flaws)
					for _, flaw := range flaws {
						t.Errorf("%s in %s at %v: %s", path, language, size, flaw)
					}
				}
			}
		}
	})
	eachAuditor(t, browser, func(t *testing.T, a *auditor, options browsertest.Options) {
		site := labtest.NewOtherSite(t, newTarget(t).at(), webtest.TheNeighbour)
		a.visitor = &visitor{Page: browser.Visit(t, options), base: "http://" + site}
		for path, status := range map[string]int{"/?run=R1": 200, "/more?run=R1": 200, "/token?run=R1": 200, "/": 200, "/none": 404} {
			a.open(t, path, status)
			a.run(t, path, "document")
		}
	})
}

// foreignFlaws is what a foreign page is held to: it is no wider than the window,
// it stays white, its buttons are large, and the first two need no scrolling.
const foreignFlaws = `(() => {
	const flaws = []
	if (document.documentElement.scrollWidth > innerWidth) flaws.push("the page is " + document.documentElement.scrollWidth + " px wide")
	if (getComputedStyle(document.body).backgroundColor !== "rgb(255, 255, 255)") flaws.push("the page is not white")
	if (getComputedStyle(document.querySelector(".host")).fontSize !== "36px") flaws.push("the host's name is of another size")
	const deeds = [...document.querySelectorAll(".try a, .try button")]
	for (const deed of deeds.slice(0, 2)) if (deed.getBoundingClientRect().bottom > innerHeight) flaws.push(deed.textContent + " needs scrolling")
	for (const e of document.querySelectorAll("button, .try a, footer a, .on a")) {
		const box = e.getBoundingClientRect()
		if (box.height < 44) flaws.push(e.textContent + " is " + box.height + " px high")
	}
	return flaws
})()`
