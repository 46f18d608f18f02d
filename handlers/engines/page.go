// Package engines takes one session through the five engines, so that a restart, an emptied
// cache and a second server are not told of, but happen.
package engines

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/input"
	"cookielab/handlers/lanes"
	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
	"cookielab/handlers/web"
	"cookielab/sessions"
)

// Config says where the page keeps its own sessions, and how.
type Config struct {
	Backend  sessions.Backend // apart from the lab's
	FilePath string           // where the engine file would keep the lab's: the page says so
	Cookie   sessions.Options
	Secrets  [][]byte // the first seals, all verify
	Clock    sessions.Clock
	Log      *slog.Logger
}

// Page is the engines page.
type Page struct {
	site    *web.Site
	config  Config
	cluster *cluster

	// OnAction is told, after each action, what became of the session: the outcomes by
	// engine. Its error ends the request. nil: nobody is told.
	OnAction func(c echo.Context, action string, outcomes map[string]Outcome) error
}

// New makes the page. It opens no store yet. Expired sessions are cleaned each minute until
// closing is done; only then Close returns.
func New(site *web.Site, config Config, closing context.Context) *Page {
	return &Page{site: site, config: config, cluster: newCluster(config, closing)}
}

// EndAll ends all of the page's sessions, as far as the stores can be reached.
func (h *Page) EndAll(ctx context.Context) { h.cluster.endAll(ctx) }

// Close waits until the cleaning has ended, and closes the stores. Its error is theirs.
func (h *Page) Close() error { return h.cluster.close() }

// OwnMemory reports whether the cache is each server's own.
func (h *Page) OwnMemory() bool { return !strings.HasPrefix(h.config.Backend.Cache, "redis") }

// tell tells OnAction what became of an action.
func (h *Page) tell(c echo.Context, action string, trials []*trial) error {
	if h.OnAction == nil {
		return nil
	}
	outcomes := make(map[string]Outcome, len(trials))
	for _, t := range trials {
		outcomes[t.engine] = t.Outcome
	}
	return h.OnAction(c, action, outcomes)
}

type pageData struct {
	web.Page
	Columns  []column
	Rows     []outcomeRow
	Did      string // the label of the last action; "": none yet
	Became   []outcomeGroup
	First    string // engines for which the last action wrote a session first
	Readings [2]reading
	Settings []setting
	Can      []abilityRow
	Alone    bool // the cache is each server's own
}

// column is one engine.
type column struct {
	Name, Class, Kind string
	Cookie, Value     string
	Came              bool
	Bytes             int
	Set               string // the last Set-Cookie line, shortened
	Places            []place
	Ops               []opRow
	Statements        []string
}

// opRow is one store operation on the page.
type opRow struct {
	Second                    bool
	Store, Name, Took, Answer string
}

// outcomeRow is one action with what became of the session in each engine.
type outcomeRow struct {
	Name, Label, Tip string
	Last             bool
	Cells            []outcomeCell
}

type outcomeCell struct {
	Engine, Code, Mark, Word, Detail string
	Django, DjangoMark, DjangoWord   string
}

// outcomeGroup is a word and the engines of which it was true.
type outcomeGroup struct{ Code, Word, Engines string }

// reading is a way of reading a session that lies in two places.
type reading struct {
	Steps            []opRow
	Total            string
	Code, Mark, Word string // what it said after a logout elsewhere; "": not tried yet
}

// Get serves GET /engines. A store that cannot be reached is shown as
// such: the page is about that, too.
func (h *Page) Get(c echo.Context) error {
	page, err := h.site.Page(c, locale.Msg("engines.title"))
	if err != nil && !errors.Is(err, sessions.ErrUnavailable) {
		return err
	}
	w := h.site.Words(c)
	p := pageData{Page: page, Settings: h.settings(), Can: h.abilities(), Alone: h.OwnMemory()}
	m := notebook.Of[memory](notebook.From(c).Log())
	trials := h.trialsOf(c.Request())
	places := h.cluster.first.places(c.Request().Context(), w, trials)
	for _, t := range trials {
		col := column{
			Name: t.engine, Class: "lane-" + lanes.Session, Kind: h.kindOf(w, t.engine), Cookie: t.name,
			Came: t.carried, Value: markup.ShortKey(t.value), Set: shortLine(m.set[t.engine]), Places: places[t.engine],
			Ops: opsOf(w, m.ops[t.engine]), Statements: h.cluster.first.statementsOf(c.Request().Context(), m.ops[t.engine]),
		}
		if t.carried {
			col.Bytes = len(t.name) + len(t.value)
		}
		if t.engine == sessions.EngineSignedCookies {
			col.Class = "lane-" + lanes.Signed
		}
		p.Columns = append(p.Columns, col)
	}
	for _, action := range actions {
		row := outcomeRow{Name: action.name, Label: w.Text(action.label), Tip: w.Text(action.tip), Last: action.name == m.last}
		for _, t := range trials {
			r := m.results[action.name][t.engine]
			if action.name != "elsewhere" && r.django == r.Outcome {
				r.django = "" // the two ways differ where a session was ended
			}
			row.Cells = append(row.Cells, cellOf(w, t.engine, r))
		}
		if row.Last {
			p.Did, p.Became = row.Label, groupsOf(w, row.Cells)
		}
		p.Rows = append(p.Rows, row)
	}
	p.First = strings.Join(m.fresh, w.Text("reset.comma"))
	ended := m.results["elsewhere"][sessions.EngineCachedDB]
	p.Readings = [2]reading{readingOf(w, m.django, ended.django), readingOf(w, m.reading, ended.Outcome)}
	return h.site.Render(c, http.StatusOK, "engines", p)
}

func cellOf(w *locale.Printer, engine string, r result) outcomeCell {
	cell := outcomeCell{Engine: engine, Mark: r.Mark(), Code: string(r.Outcome), Django: string(r.django), DjangoMark: r.django.Mark()}
	if r.Outcome != "" {
		cell.Word = w.Text(r.Label())
	}
	if r.detail.ID != "" {
		cell.Detail = w.Say(r.detail)
	}
	if r.django != "" {
		cell.DjangoWord = w.Text(r.django.Label())
	}
	return cell
}

// groupsOf are the outcomes of one action, by word.
func groupsOf(w *locale.Printer, cells []outcomeCell) (groups []outcomeGroup) {
	for _, cell := range cells {
		i := slices.IndexFunc(groups, func(g outcomeGroup) bool { return g.Code == cell.Code })
		if i < 0 {
			groups = append(groups, outcomeGroup{cell.Code, cell.Word, cell.Engine})
			continue
		}
		groups[i].Engines += w.Text("reset.comma") + cell.Engine
	}
	return groups
}

func opsOf(w *locale.Printer, ops []serverOp) (views []opRow) {
	for _, op := range ops {
		v := opRow{Second: op.Second, Store: op.Store, Name: op.Name, Took: took(op.Duration)}
		switch {
		case op.Err == nil:
		case errors.Is(op.Err, sessions.ErrNotFound):
			v.Answer = w.Text("engines.not_found")
		case errors.Is(op.Err, sessions.ErrConflict):
			v.Answer = w.Text("engines.conflict")
		case errors.Is(op.Err, sessions.ErrExpired):
			v.Answer = w.Text("engines.expired")
		default:
			v.Answer = w.Text("engines.no_answer")
		}
		views = append(views, v)
	}
	return views
}

func readingOf(w *locale.Printer, ops []serverOp, outcome Outcome) reading {
	var total time.Duration
	for _, op := range ops {
		total += op.Duration
	}
	r := reading{Steps: opsOf(w, ops), Total: took(total), Code: string(outcome), Mark: outcome.Mark()}
	if outcome != "" {
		r.Word = w.Text(outcome.Label())
	}
	return r
}

// shortLine is a Set-Cookie line without most of its value.
func shortLine(line string) string {
	pair, attributes, more := strings.Cut(line, ";")
	name, value, _ := strings.Cut(pair, "=")
	if name == "" {
		return ""
	}
	if line = name + "=" + markup.ShortKey(value); more {
		line += ";" + attributes
	}
	return line
}

// trialsOf begins with what a request carries for each engine.
func (h *Page) trialsOf(r *http.Request) []*trial {
	var trials []*trial
	for _, engine := range sessions.Engines() {
		t := &trial{engine: engine, name: CookieName(engine)}
		if values := sessions.ReadCookies(r, t.name); len(values) > 0 {
			t.value, t.carried = values[0], true
		}
		trials = append(trials, t)
	}
	return trials
}

// everyAction runs the whole table.
const everyAction = "all"

// Post serves POST /engines/{action}: one action, or all of them.
func (h *Page) Post(c echo.Context) error {
	var chosen []string
	for _, action := range actions {
		if name := c.Param("action"); name == action.name || name == everyAction {
			chosen = append(chosen, action.name)
		}
	}
	if len(chosen) == 0 {
		return echo.ErrNotFound
	}
	who, _, err := h.site.Who(c)
	if err != nil && !errors.Is(err, sessions.ErrUnavailable) {
		return err
	}
	wait, cancel := context.WithTimeout(c.Request().Context(), queueTimeout)
	defer cancel()
	done, err := h.cluster.begin(wait)
	if err != nil {
		return err
	}
	defer done()
	trials, set := h.trialsOf(c.Request()), map[string]string{}
	// Not of the request's context: what it hears of the stores goes on the wire
	// and into a header, and this is a crowd.
	all, cancel := context.WithDeadline(context.Background(), input.DueIn(c.Request().Context(), input.ReplyTimeout))
	defer cancel()
	for _, action := range chosen {
		if all.Err() != nil {
			break // a store does not even refuse; what was not tried stays so
		}
		ctx, cancel := context.WithTimeout(all, actionTimeout)
		h.cluster.do(ctx, action, trials, who.User)
		cancel()
		notebook.Change(notebook.From(c).Log(), func(m *memory) { *m = m.after(action, trials) })
		if err := h.tell(c, action, trials); err != nil {
			return err
		}
		for i, t := range trials {
			if t.set != "" {
				set[t.engine] = t.set
			}
			trials[i] = &trial{engine: t.engine, name: t.name, value: t.value, carried: t.carried}
		}
	}
	for _, t := range trials {
		if line := set[t.engine]; line != "" {
			c.Response().Header().Add("Set-Cookie", line)
			if err := noteRecord(notebook.From(c), t); err != nil {
				return err
			}
		}
	}
	next, _ := input.NextOf(c.Request().PostForm)
	if next == "" || next == "/" { // none, or one that leads out of the lab
		next = Path
	}
	return c.Redirect(http.StatusSeeOther, next)
}

// noteEngine writes down which record an engine's cookie leads to, by its ID, so
// that a reset can remove both.
func noteRecord(n *notebook.Notebook, t *trial) error {
	if n == nil {
		return nil
	}
	id := ""
	if sessions.ValidKey(t.value) {
		id = sessions.KeyID(Purpose(t.engine), t.value).String()
	}
	return n.Session().Set(notebook.EngineKey+t.engine, id)
}

// Forget expires the page's cookies and ends their records, as far as the stores can be
// reached: what stays there ends by its age.
func (h *Page) Forget(c echo.Context, n *notebook.Notebook) {
	for _, engine := range sessions.Engines() {
		if !n.Session().Has(notebook.EngineKey + engine) {
			continue
		}
		lanes.EraseLine(c, &http.Cookie{
			Name: CookieName(engine), Path: Path, Secure: h.config.Cookie.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
		if id, ok := sessions.ParseID(n.Session().Text(notebook.EngineKey + engine)); ok {
			if err := h.cluster.first.end(c.Request().Context(), engine, id); err != nil {
				h.site.Log.Warn("a session of the engines page stays until its time is over", "engine", engine, "error", err)
			}
		}
	}
}
