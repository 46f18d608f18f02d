// Lesson 11, scope: to which addresses a cookie goes. The browser is really sent
// there, and each address writes down, in the run of the lesson, what came.

package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"cookielab/handlers/input"
	"cookielab/handlers/locale"
	"cookielab/handlers/web"
)

const (
	scopeCookie = "play_scope"
	scopePath   = playPath + "/scope"
)

// Scope is lesson 11.
func (lessons) Scope() lesson {
	l := lesson{
		Number: 11, Slug: "scope", Minutes: 9, Answer: "A",
		Acts: map[string]func(*lessonStep) error{"set": setScope},
		Do: func(s *lessonStep) []task {
			there, ok := scopeNeighbour(s)
			switch {
			case !ok:
				return []task{{Label: s.word("no_server"), Line: "go run . --node-b-addr localhost:8082"}}
			case s.fact("set") == "":
				return []task{s.task("set")}
			case s.fact("port") == "":
				return []task{{To: there, Label: s.word("open")}}
			default:
				return []task{{Label: s.word("all")}}
			}
		},
		Board: func(s *lessonStep) lessonBoard {
			here := lessonRow{ID: "here", Title: s.word("here"), Cells: make([]lessonCell, 2)}
			if home := s.fact("set"); home != "" {
				here.Note = home
				here.Cells = []lessonCell{siteCell(s, "here.site"), {Text: s.word("sets"), Value: scopeCookie + "=A"}}
			}
			port := lessonRow{ID: "port", Title: s.word("port"), Note: s.fact("port.at"), Cells: []lessonCell{siteCell(s, "port.site"), s.cameCell("port")}}
			return lessonBoard{Columns: []lessonColumn{{Title: s.word("origin")}, {Title: s.word("cookie")}}, Rows: []lessonRow{here, port}}
		},
		Happened: func(s *lessonStep) string {
			switch s.fact("port") {
			case "came":
				return "A"
			case "stayed":
				return "B"
			}
			return ""
		},
		Done:    func(s *lessonStep) bool { return s.fact("port") == "came" },
		Closer:  map[string]func(*lessonStep) closerView{"schemes": scopeSchemes},
		Play:    map[string]playHandler{"GET /scope": playScope, "GET /scope/*": playScopeTrip},
		Cookies: []*http.Cookie{{Name: scopeCookie, Path: playPath}},
		Code:    []string{"handlers.setScope", "handlers.playScope"},
		Django:  "response.set_cookie(\"scope\", \"A\")                               # domain=None: this host alone, every port\nresponse.set_cookie(\"scope\", \"A\", domain=\"shop.example\")        # that host, and all hosts below it: wider",
	}
	for name, trip := range scopeTrips {
		l.Closer[name] = func(s *lessonStep) closerView { return scopeTripView(s, name) }
		for _, stop := range trip.stops {
			for _, line := range stop.sets {
				if cookie, err := http.ParseSetCookie(line); err == nil && stop.on == "" {
					l.Cookies = append(l.Cookies, &http.Cookie{Name: cookie.Name, Path: cookie.Path})
				}
			}
		}
	}
	return l
}

// setScope sets the cookie, with no word about where it may go but a path.
func setScope(s *lessonStep) error {
	home := s.c.Request().Host
	if err := s.newRun(map[string]string{runHome: home}); err != nil {
		return err
	}
	s.forget("")
	s.setCookie(scopeCookie + "=A; Path=" + playPath + "; SameSite=Lax")
	s.note("set", home)
	s.note("here.site", fetchSite(s.c.Request()))
	return s.done()
}

// scopeNeighbour is the address of the other server for this run; ok is false where
// there is none.
func scopeNeighbour(s *lessonStep) (address string, ok bool) {
	query := url.Values{web.RunParam: {s.runKey()}}
	if s.presents() {
		query.Set(web.PresentParam, "")
	}
	address, ok = s.neighbour(scopePath)
	return address + "?" + query.Encode(), ok
}

// playScope serves GET /play/scope, on the other port: what came?
func playScope(p *play) error {
	_, err := p.c.Cookie(scopeCookie)
	came := err == nil
	if err := p.witness(map[string]string{"port": cameFact(came), "port.at": p.c.Request().Host, "port.site": fetchSite(p.c.Request())}); err != nil {
		return err
	}
	back := lessonURL(p.lesson.Slug, "observe", p.c.QueryParams().Has(web.PresentParam))
	return p.show(http.StatusOK, playPage{
		Title:    p.word("play.title", locale.Args{"Host": p.c.Request().Host}),
		Sentence: p.word("play." + cameFact(came)),
		Came:     []playCookie{{scopeCookie, "Path=" + playPath, came}},
		Onward:   []task{{To: "http://" + p.run.Text(runHome) + back, Label: p.w.Text("lessons.back_to_lesson")}},
	})
}

// siteCell shows what the browser said of who asks whom.
func siteCell(s *lessonStep, name string) lessonCell {
	cell := lessonCell{Value: s.fact(name)}
	if cell.Value == "same-origin" || cell.Value == "same-site" {
		cell.Text = s.word(cell.Value)
	}
	return cell
}

// scopeTrip is a round trip of the browser: from one address to the next, and back
// to the lesson. On the way cookies are set, and it is written down which of them
// came. Within a host it goes by redirects. Before it leaves one it stops at a
// page: a browser takes hosts that only redirect for trackers.
type scopeTrip struct {
	cookies []string // whose coming is written down
	stops   []scopeStop
}

// scopeStop is one address of a trip.
type scopeStop struct {
	row  string   // under which it is written down; "": it only sets
	on   string   // its host; "": where the lesson is
	path string   // below /play/scope
	sets []string // lines of Set-Cookie
}

// hostBeside is a stop's host where it shall be another: the same machine by its
// other name.
const hostBeside = "beside"

// scopeTrips are the trips, by the heading of "Look closer" that they belong to.
// What is set under other hosts, where no reset comes, ends by itself.
var scopeTrips = map[string]scopeTrip{
	"path": {
		cookies: []string{"play_path"},
		stops: []scopeStop{
			{path: "/set", sets: []string{"play_path=1; Path=/play/scope/shop; Max-Age=600"}},
			{row: "shop", path: "/shop"},
			{row: "till", path: "/shop/till"},
			{row: "shopping", path: "/shopping"},
			{row: "market", path: "/market"},
		},
	},
	"domain": {
		cookies: []string{"play_host", "play_domain", "play_up", "play_own"},
		stops: []scopeStop{
			{on: "localhost", path: "/set", sets: []string{"play_own=1; Domain=localhost; Path=/play; Max-Age=600"}},
			{on: "app.localhost", path: "/set", sets: []string{
				"play_host=1; Path=/play; Max-Age=600",
				"play_domain=1; Domain=app.localhost; Path=/play; Max-Age=600",
				"play_up=1; Domain=localhost; Path=/play; Max-Age=600",
			}},
			{row: "app", on: "app.localhost", path: "/shop"},
			{row: "x", on: "x.app.localhost", path: "/shop"},
			{row: "top", on: "localhost", path: "/shop"},
		},
	},
	"host": {
		cookies: []string{scopeCookie},
		stops: []scopeStop{
			{row: "home", path: "/shop"},
			{row: "beside", on: hostBeside, path: "/shop"},
		},
	},
	"insecure": {
		cookies: []string{"play_plain", "play_secure"},
		stops: []scopeStop{
			{path: "/set", sets: insecureLines},
			{row: "local", path: "/shop"},
			{on: mappedHost, path: "/set", sets: insecureLines},
			{row: "mapped", on: mappedHost, path: "/shop"},
		},
	},
}

// mappedHost is 127.0.0.1, as browsers write it in IPv6; but none takes it for safe.
const mappedHost = "[::ffff:7f00:1]"

var insecureLines = []string{"play_plain=1; Path=/play; Max-Age=600", "play_secure=1; Path=/play; Max-Age=600; Secure"}

// host is a stop's, of a trip that began at home.
func (stop scopeStop) host(home string) string {
	host, _, _ := input.SplitHost(home)
	switch {
	case stop.on == "":
		return host
	case stop.on != hostBeside:
		return stop.on
	case host == "localhost":
		return "127.0.0.1"
	default:
		return "localhost"
	}
}

// address is where a stop is, of a trip that is now at a port.
func (stop scopeStop) address(home, port string) string {
	if stop.on != "" {
		home = stop.host(home) + ":" + port
	}
	return "http://" + home + scopePath + stop.path
}

// playScopeTrip serves GET /play/scope/{…} (query trip, stop): a stop of a trip.
func playScopeTrip(p *play) error {
	name, home, port := p.c.QueryParam("trip"), p.run.Text(runHome), input.LocalPort(p.c.Request())
	trip := scopeTrips[name]
	at, err := strconv.Atoi(p.c.QueryParam("stop"))
	if err != nil || at < 0 || at >= len(trip.stops) || trip.stops[at].address(home, port) != "http://"+p.c.Request().Host+p.c.Request().URL.Path {
		return input.NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("lessons.no_act"))
	}
	stop, h := trip.stops[at], p.c.Response().Header()
	if stop.on == mappedHost {
		h.Del("Cross-Origin-Opener-Policy") // browsers heed it at safe addresses only
	}
	for _, line := range stop.sets {
		h.Add("Set-Cookie", line)
	}
	page := playPage{Title: p.word("play.title", locale.Args{"Host": p.c.Request().Host}), Sentence: p.word("play.trip")}
	if stop.row != "" {
		seen := map[string]string{}
		for _, cookie := range trip.cookies {
			_, err := p.c.Cookie(cookie)
			page.Came = append(page.Came, playCookie{cookie, p.word("column." + cookie), err == nil})
			seen[scopeFact(name, stop.row, cookie)] = cameFact(err == nil)
		}
		if err := p.witness(seen); err != nil {
			return err
		}
	}
	next, onward := "http://"+home+lessonURL(p.lesson.Slug, "board-"+name, false), p.w.Text("lessons.back_to_lesson")
	if at++; at < len(trip.stops) {
		next, onward = trip.stops[at].url(home, port, name, at, p.c.QueryParam(web.RunParam)), p.word("play.on")
	}
	if to, err := url.Parse(next); err != nil || to.Host == p.c.Request().Host || stop.row == "" {
		return p.c.Redirect(http.StatusSeeOther, next)
	}
	page.Onward = []task{{To: next, Label: onward}}
	return p.show(http.StatusOK, page)
}

// url is a stop's address with what it has to be told.
func (stop scopeStop) url(home, port, trip string, at int, run string) string {
	return stop.address(home, port) + "?" + url.Values{"trip": {trip}, "stop": {fmt.Sprint(at)}, web.RunParam: {run}}.Encode()
}

func scopeFact(trip, row, cookie string) string { return trip + "." + row + "." + cookie }

// scopeTripView is a trip to take, and what it has shown.
func scopeTripView(s *lessonStep, name string) (v closerView) {
	trip, home, port := scopeTrips[name], s.c.Request().Host, input.LocalPort(s.c.Request())
	if s.fact("set") == home {
		v.Tasks = []task{{To: trip.stops[0].url(home, port, name, 0, s.runKey()), Label: s.word("trip")}}
	} else { // there is no run, or it began at another address
		v.Tasks = []task{s.task("set")}
	}
	for _, cookie := range trip.cookies {
		v.Board.Columns = append(v.Board.Columns, lessonColumn{Title: s.word("column." + cookie)})
	}
	for _, stop := range trip.stops {
		if stop.row == "" {
			continue
		}
		row := lessonRow{ID: name + "-" + stop.row, Title: strings.ReplaceAll(stop.host(home), ".", ".\u200b")} // may break there
		if name == "path" {
			row.Title = "…" + stop.path
		}
		for _, cookie := range trip.cookies {
			row.Cells = append(row.Cells, s.cameCell(scopeFact(name, stop.row, cookie)))
		}
		v.Board.Rows = append(v.Board.Rows, row)
	}
	return v
}

// scopeSchemes leads to the composer, which knows both schemes.
func scopeSchemes(s *lessonStep) closerView {
	return closerView{Tasks: []task{{To: "/composer?preset=bare", Label: s.word("composer"), Quiet: true}}}
}
