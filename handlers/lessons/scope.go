// Lesson 11, scope: to which addresses a cookie goes. The browser is really sent
// there, and each address writes down, in the run of the lesson, what came.

package lessons

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"cookielab/handlers/course"
	"cookielab/handlers/input"
	"cookielab/handlers/locale"
	"cookielab/handlers/web"
)

const (
	scopeCookie = "play_scope"
	scopePath   = course.PlayPath + "/scope"
)

// Scope is lesson 11.
func (lessons) Scope() course.Lesson {
	l := course.Lesson{
		Number: 11, Slug: "scope", Minutes: 9, Answer: "A",
		Acts: map[string]func(*course.Step) error{"set": setScope},
		Do: func(s *course.Step) []course.Task {
			there, ok := scopeNeighbour(s)
			switch {
			case !ok:
				return []course.Task{{Label: s.Word("no_server"), Line: "go run . --node-b-addr localhost:8082"}}
			case s.Fact("set") == "":
				return []course.Task{s.Task("set")}
			case s.Fact("port") == "":
				return []course.Task{{To: there, Label: s.Word("open")}}
			default:
				return []course.Task{{Label: s.Word("all")}}
			}
		},
		Board: func(s *course.Step) course.Board {
			here := course.Row{ID: "here", Title: s.Word("here"), Cells: make([]course.Cell, 2)}
			if home := s.Fact("set"); home != "" {
				here.Note = home
				here.Cells = []course.Cell{siteCell(s, "here.site"), {Text: s.Word("sets"), Value: scopeCookie + "=A"}}
			}
			port := course.Row{ID: "port", Title: s.Word("port"), Note: s.Fact("port.at"), Cells: []course.Cell{siteCell(s, "port.site"), s.CameCell("port")}}
			return course.Board{Columns: []course.Column{{Title: s.Word("origin")}, {Title: s.Word("cookie")}}, Rows: []course.Row{here, port}}
		},
		Happened: func(s *course.Step) string {
			switch s.Fact("port") {
			case "came":
				return "A"
			case "stayed":
				return "B"
			}
			return ""
		},
		Done:    func(s *course.Step) bool { return s.Fact("port") == "came" },
		Closer:  map[string]func(*course.Step) course.View{"schemes": scopeSchemes},
		Play:    map[string]course.PlayHandler{"GET /scope": playScope, "GET /scope/*": playScopeTrip},
		Cookies: []*http.Cookie{{Name: scopeCookie, Path: course.PlayPath}},
		Code:    []string{"lessons.setScope", "lessons.playScope"},
		Django:  "response.set_cookie(\"scope\", \"A\")                               # domain=None: this host alone, every port\nresponse.set_cookie(\"scope\", \"A\", domain=\"shop.example\")        # that host, and all hosts below it: wider",
	}
	for name, trip := range scopeTrips {
		l.Closer[name] = func(s *course.Step) course.View { return scopeTripView(s, name) }
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
func setScope(s *course.Step) error {
	home := s.C.Request().Host
	if err := s.NewRun(map[string]string{course.RunHome: home}); err != nil {
		return err
	}
	s.Forget("")
	s.SetCookie(scopeCookie + "=A; Path=" + course.PlayPath + "; SameSite=Lax")
	s.Note("set", home)
	s.Note("here.site", course.FetchSite(s.C.Request()))
	return s.Done()
}

// scopeNeighbour is the address of the other server for this run; ok is false where
// there is none.
func scopeNeighbour(s *course.Step) (address string, ok bool) {
	query := url.Values{web.RunParam: {s.RunKey()}}
	if s.Presents() {
		query.Set(web.PresentParam, "")
	}
	address, ok = s.Neighbour(scopePath)
	return address + "?" + query.Encode(), ok
}

// playScope serves GET /play/scope, on the other port: what came?
func playScope(p *course.Play) error {
	_, err := p.C.Cookie(scopeCookie)
	came := err == nil
	if err := p.Witness(map[string]string{"port": course.CameFact(came), "port.at": p.C.Request().Host, "port.site": course.FetchSite(p.C.Request())}); err != nil {
		return err
	}
	back := course.LessonURL(p.Lesson.Slug, "observe", p.C.QueryParams().Has(web.PresentParam))
	return p.Show(http.StatusOK, course.PlayPage{
		Title:    p.Word("play.title", locale.Args{"Host": p.C.Request().Host}),
		Sentence: p.Word("play." + course.CameFact(came)),
		Came:     []course.PlayCookie{{Name: scopeCookie, Kind: "Path=" + course.PlayPath, Came: came}},
		Onward:   []course.Task{{To: "http://" + p.Run.Text(course.RunHome) + back, Label: p.W.Text("lessons.back_to_lesson")}},
	})
}

// siteCell shows what the browser said of who asks whom.
func siteCell(s *course.Step, name string) course.Cell {
	cell := course.Cell{Value: s.Fact(name)}
	if cell.Value == "same-origin" || cell.Value == "same-site" {
		cell.Text = s.Word(cell.Value)
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
func playScopeTrip(p *course.Play) error {
	name, home, port := p.C.QueryParam("trip"), p.Run.Text(course.RunHome), input.LocalPort(p.C.Request())
	trip := scopeTrips[name]
	at, err := strconv.Atoi(p.C.QueryParam("stop"))
	if err != nil || at < 0 || at >= len(trip.stops) || trip.stops[at].address(home, port) != "http://"+p.C.Request().Host+p.C.Request().URL.Path {
		return input.NewProblem(http.StatusBadRequest, "bad_request", locale.Msg("lessons.no_act"))
	}
	stop, h := trip.stops[at], p.C.Response().Header()
	if stop.on == mappedHost {
		h.Del("Cross-Origin-Opener-Policy") // browsers heed it at safe addresses only
	}
	for _, line := range stop.sets {
		h.Add("Set-Cookie", line)
	}
	page := course.PlayPage{Title: p.Word("play.title", locale.Args{"Host": p.C.Request().Host}), Sentence: p.Word("play.trip")}
	if stop.row != "" {
		seen := map[string]string{}
		for _, cookie := range trip.cookies {
			_, err := p.C.Cookie(cookie)
			page.Came = append(page.Came, course.PlayCookie{Name: cookie, Kind: p.Word("column." + cookie), Came: err == nil})
			seen[scopeFact(name, stop.row, cookie)] = course.CameFact(err == nil)
		}
		if err := p.Witness(seen); err != nil {
			return err
		}
	}
	next, onward := "http://"+home+course.LessonURL(p.Lesson.Slug, "board-"+name, false), p.W.Text("lessons.back_to_lesson")
	if at++; at < len(trip.stops) {
		next, onward = trip.stops[at].url(home, port, name, at, p.C.QueryParam(web.RunParam)), p.Word("play.on")
	}
	if to, err := url.Parse(next); err != nil || to.Host == p.C.Request().Host || stop.row == "" {
		return p.C.Redirect(http.StatusSeeOther, next)
	}
	page.Onward = []course.Task{{To: next, Label: onward}}
	return p.Show(http.StatusOK, page)
}

// url is a stop's address with what it has to be told.
func (stop scopeStop) url(home, port, trip string, at int, run string) string {
	return stop.address(home, port) + "?" + url.Values{"trip": {trip}, "stop": {fmt.Sprint(at)}, web.RunParam: {run}}.Encode()
}

func scopeFact(trip, row, cookie string) string { return trip + "." + row + "." + cookie }

// scopeTripView is a trip to take, and what it has shown.
func scopeTripView(s *course.Step, name string) (v course.View) {
	trip, home, port := scopeTrips[name], s.C.Request().Host, input.LocalPort(s.C.Request())
	if s.Fact("set") == home {
		v.Tasks = []course.Task{{To: trip.stops[0].url(home, port, name, 0, s.RunKey()), Label: s.Word("trip")}}
	} else { // there is no run, or it began at another address
		v.Tasks = []course.Task{s.Task("set")}
	}
	for _, cookie := range trip.cookies {
		v.Board.Columns = append(v.Board.Columns, course.Column{Title: s.Word("column." + cookie)})
	}
	for _, stop := range trip.stops {
		if stop.row == "" {
			continue
		}
		row := course.Row{ID: name + "-" + stop.row, Title: strings.ReplaceAll(stop.host(home), ".", ".\u200b")} // may break there
		if name == "path" {
			row.Title = "…" + stop.path
		}
		for _, cookie := range trip.cookies {
			row.Cells = append(row.Cells, s.CameCell(scopeFact(name, stop.row, cookie)))
		}
		v.Board.Rows = append(v.Board.Rows, row)
	}
	return v
}

// scopeSchemes leads to the composer, which knows both schemes.
func scopeSchemes(s *course.Step) course.View {
	return course.View{Tasks: []course.Task{{To: "/composer?preset=bare", Label: s.Word("composer"), Quiet: true}}}
}
