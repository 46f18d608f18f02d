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

// Config is where the page keeps its own sessions, and how.
type Config struct {
	Backend  sessions.Backend // apart from the lab's
	FilePath string           // where the engine file would keep the lab's: the page says so
	Cookie   sessions.Options
	Secrets  [][]byte // the first seals, all verify
	Clock    sessions.Clock
	Log      *slog.Logger
}

// Page is what this page needs.
type Page struct {
	site   *web.Site
	config Config
	room   *cluster

	// OnAction is told, after each deed, what became of the session: the outcomes by
	// engine. Its error ends the request. nil: nobody is told.
	OnAction func(c echo.Context, deed string, outcomes map[string]Outcome) error
}

// New makes it. Its stores are cleaned until closing is done; then Close.
func New(site *web.Site, config Config, closing context.Context) *Page {
	return &Page{site: site, config: config, room: newEngineRoom(config, closing)}
}

// EndAll ends all of the page's sessions, as far as the stores can be reached.
func (h *Page) EndAll(ctx context.Context) { h.room.endAll(ctx) }

// Close closes its stores.
func (h *Page) Close() error { return h.room.close() }

// OwnMemory reports whether the cache is each server's own.
func (h *Page) OwnMemory() bool { return !strings.HasPrefix(h.config.Backend.Cache, "redis") }

// tell tells OnAction what became of a deed.
func (h *Page) tell(c echo.Context, deed string, runs []*trial) error {
	if h.OnAction == nil {
		return nil
	}
	outcomes := make(map[string]Outcome, len(runs))
	for _, r := range runs {
		outcomes[r.engine] = r.outcome
	}
	return h.OnAction(c, deed, outcomes)
}

type pageData struct {
	web.Page
	Columns  []engineColumn
	Rows     []outcomeRow
	Did      string // the label of the last deed; "": none yet
	Became   []outcomeGroup
	First    string // engines for which the last deed wrote a session first
	Way      [2]readingWay
	Settings []setting
	Can      []abilityRow
	Alone    bool // the cache is each server's own
}

// engineColumn is one engine.
type engineColumn struct {
	Name, Class, Kind string
	Cookie, Value     string
	Came              bool
	Bytes             int
	Set               string // the last Set-Cookie line, shortened
	Places            []enginePlace
	Ops               []opRow
	Statements        []string
}

// opRow is one store operation on the page.
type opRow struct {
	Second                    bool
	Store, Name, Took, Answer string
}

// outcomeRow is one deed with what became of the session in each engine.
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

// readingWay is a way of reading a session that lies in two places.
type readingWay struct {
	Steps            []opRow
	Total            string
	Code, Mark, Word string // what it said after a logout elsewhere; "": not tried yet
}

// OutcomeMark stands before the word: ✓ as it should be, ✗ a loss, ? a warning.
func OutcomeMark(word string) string {
	switch word {
	case "":
		return ""
	case outcomeNothing:
		return "○"
	case outcomeWorks:
		return "?"
	case outcomeGone, OutcomeUnknown, outcomeLost, outcomeUnreachable:
		return "✗"
	default:
		return "✓"
	}
}

// Get serves GET /engines. A store that cannot be reached is shown as
// such: the page is about that, too.
func (h *Page) Get(c echo.Context) error {
	page, err := h.site.Page(c, locale.Msg("engines.title"))
	if err != nil && !errors.Is(err, sessions.ErrUnavailable) {
		return err
	}
	w := h.site.Words(c)
	p := pageData{Page: page, Settings: h.engineSettings(), Can: h.abilities(), Alone: h.OwnMemory()}
	m := notebook.Of[memory](notebook.From(c).Log())
	runs := h.engineRuns(c.Request())
	places := h.room.first.places(c.Request().Context(), w, runs)
	for _, r := range runs {
		column := engineColumn{
			Name: r.engine, Class: "lane-" + lanes.Session, Kind: h.kindOf(w, r.engine), Cookie: r.name,
			Came: r.carried, Value: markup.ShortKey(r.value), Set: shortLine(m.set[r.engine]), Places: places[r.engine],
			Ops: opsOf(w, m.ops[r.engine]), Statements: h.room.first.statementsOf(c.Request().Context(), m.ops[r.engine]),
		}
		if r.carried {
			column.Bytes = len(r.name) + len(r.value)
		}
		if r.engine == sessions.EngineSignedCookies {
			column.Class = "lane-" + lanes.Signed
		}
		p.Columns = append(p.Columns, column)
	}
	for _, deed := range engineDeeds {
		row := outcomeRow{Name: deed.name, Label: w.Text(deed.label), Tip: w.Text(deed.tip), Last: deed.name == m.last}
		for _, r := range runs {
			o := m.outcomes[deed.name][r.engine]
			if deed.name != "elsewhere" && o.Django == o.Word {
				o.Django = "" // the two ways differ where a session was ended
			}
			row.Cells = append(row.Cells, cellOf(w, r.engine, o))
		}
		if row.Last {
			p.Did, p.Became = row.Label, groupsOf(w, row.Cells)
		}
		p.Rows = append(p.Rows, row)
	}
	p.First = strings.Join(m.fresh, w.Text("reset.comma"))
	ended := m.outcomes["elsewhere"][sessions.EngineCachedDB]
	p.Way = [2]readingWay{wayOf(w, m.django, ended.Django), wayOf(w, m.reading, ended.Word)}
	return h.site.Render(c, http.StatusOK, "engines", p)
}

func cellOf(w *locale.Printer, engine string, o Outcome) outcomeCell {
	cell := outcomeCell{Engine: engine, Mark: OutcomeMark(o.Word), Code: CodeOf(o.Word), Django: CodeOf(o.Django), DjangoMark: OutcomeMark(o.Django)}
	if o.Word != "" {
		cell.Word = w.Text(o.Word)
	}
	if o.Detail.ID != "" {
		cell.Detail = w.Say(o.Detail)
	}
	if o.Django != "" {
		cell.DjangoWord = w.Text(o.Django)
	}
	return cell
}

// CodeOf is the word's short name, which style sheets and tests go by.
func CodeOf(word string) string { return strings.TrimPrefix(word, "engines.word.") }

// groupsOf are the outcomes of one deed, by word.
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

func opsOf(w *locale.Printer, ops []engineOp) (views []opRow) {
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

func wayOf(w *locale.Printer, ops []engineOp, outcome string) readingWay {
	var total time.Duration
	for _, op := range ops {
		total += op.Duration
	}
	way := readingWay{Steps: opsOf(w, ops), Total: took(total), Code: CodeOf(outcome), Mark: OutcomeMark(outcome)}
	if outcome != "" {
		way.Word = w.Text(outcome)
	}
	return way
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

// engineRuns begins with what a request carries for each engine.
func (h *Page) engineRuns(r *http.Request) []*trial {
	var runs []*trial
	for _, engine := range sessions.Engines() {
		run := &trial{engine: engine, name: CookieName(engine)}
		if values := sessions.ReadCookies(r, run.name); len(values) > 0 {
			run.value, run.carried = values[0], true
		}
		runs = append(runs, run)
	}
	return runs
}

// everyDeed runs the whole table.
const everyDeed = "all"

// Post serves POST /engines/{deed}.
func (h *Page) Post(c echo.Context) error {
	var deeds []string
	for _, deed := range engineDeeds {
		if name := c.Param("deed"); name == deed.name || name == everyDeed {
			deeds = append(deeds, deed.name)
		}
	}
	if len(deeds) == 0 {
		return echo.ErrNotFound
	}
	who, _, err := h.site.Who(c)
	if err != nil && !errors.Is(err, sessions.ErrUnavailable) {
		return err
	}
	wait, cancel := context.WithTimeout(c.Request().Context(), turnTimeout)
	defer cancel()
	done, err := h.room.begin(wait)
	if err != nil {
		return err
	}
	defer done()
	runs, set := h.engineRuns(c.Request()), map[string]string{}
	// Not of the request's context: what it hears of the stores goes on the wire
	// and into a header, and this is a crowd.
	all, cancel := context.WithDeadline(context.Background(), input.DueIn(c.Request().Context(), input.ReplyTimeout))
	defer cancel()
	for _, deed := range deeds {
		if all.Err() != nil {
			break // a store does not even refuse; what was not tried stays so
		}
		ctx, cancel := context.WithTimeout(all, deedTimeout)
		h.room.do(ctx, deed, runs, who.User)
		cancel()
		notebook.Change(notebook.From(c).Log(), func(m *memory) { *m = m.after(deed, runs) })
		if err := h.tell(c, deed, runs); err != nil {
			return err
		}
		for i, r := range runs {
			if r.set != "" {
				set[r.engine] = r.set
			}
			runs[i] = &trial{engine: r.engine, name: r.name, value: r.value, carried: r.carried}
		}
	}
	for _, r := range runs {
		if line := set[r.engine]; line != "" {
			c.Response().Header().Add("Set-Cookie", line)
			if err := noteEngine(notebook.From(c), r); err != nil {
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
func noteEngine(n *notebook.Notebook, r *trial) error {
	if n == nil {
		return nil
	}
	id := ""
	if sessions.ValidKey(r.value) {
		id = sessions.KeyID(Purpose(r.engine), r.value).String()
	}
	return n.Session().Set(notebook.EngineKey+r.engine, id)
}

// Forget expires the page's cookies and ends their records, as far as the stores can be
// reached: what stays there ends by its age.
func (h *Page) Forget(c echo.Context, n *notebook.Notebook) {
	room := h.room
	for _, engine := range sessions.Engines() {
		if !n.Session().Has(notebook.EngineKey + engine) {
			continue
		}
		lanes.EraseLine(c, &http.Cookie{
			Name: CookieName(engine), Path: Path, Secure: h.config.Cookie.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
		if id, ok := sessions.ParseID(n.Session().Text(notebook.EngineKey + engine)); ok {
			if err := room.first.end(c.Request().Context(), engine, id); err != nil {
				h.site.Log.Warn("a session of the engines page stays until its time is over", "engine", engine, "error", err)
			}
		}
	}
}
