// Where the bytes lie: each engine's place is read anew for the page, past the
// engine, as somebody with access to the server would read it.

package engines

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"cookielab/handlers/locale"
	"cookielab/handlers/markup"
	"cookielab/handlers/notebook"
	"cookielab/sessions"
)

// place is one place where bytes lie.
type place struct {
	Title     string // what it is: "table sessions"
	Name      string // as the back end names it: a path, a key
	Statement string // with which it was read
	Fields    []markup.Field
	Text      string // as it is
	Until     string // when it goes, for a countdown
	Ends      string // the same, to read
	Over      string // what happens then
	Note      string
	State     string // "there", "nothing", "unreachable"
}

// lookTimeout is how long one back end may take to show itself.
const lookTimeout = 3 * time.Second

// places reads where each engine's bytes lie, all at once.
func (s *server) places(ctx context.Context, w *locale.Printer, trials []*trial) map[string][]place {
	s.open.RLock()
	defer s.open.RUnlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
	defer cancel()
	found := make([][]place, len(trials))
	var all sync.WaitGroup
	for i, t := range trials {
		all.Go(func() { found[i] = s.placesOf(ctx, w, t) })
	}
	all.Wait()
	byEngine := map[string][]place{}
	for i, t := range trials {
		byEngine[t.engine] = found[i]
	}
	return byEngine
}

func (s *server) placesOf(ctx context.Context, w *locale.Printer, t *trial) []place {
	if t.engine == sessions.EngineSignedCookies {
		return []place{sealedPlace(w, t)}
	}
	var id sessions.ID // of nothing, unless a key came
	if t.carried && sessions.ValidKey(t.value) {
		id = sessions.KeyID(Purpose(t.engine), t.value)
	}
	switch t.engine {
	case sessions.EngineDB:
		return []place{s.row(ctx, w, id)}
	case sessions.EngineCache:
		return []place{s.entry(ctx, w, id)}
	case sessions.EngineFile:
		return []place{s.file(ctx, w, id)}
	default:
		return []place{s.entry(ctx, w, id), s.row(ctx, w, id)}
	}
}

// stateOf says what an attempt to read found.
func stateOf(err error) string {
	switch {
	case err == nil, errors.Is(err, sessions.ErrExpired): // that still lies there
		return "there"
	case errors.Is(err, sessions.ErrNotFound):
		return "nothing"
	default:
		return "unreachable"
	}
}

// row is the row in the database.
func (s *server) row(ctx context.Context, w *locale.Printer, id sessions.ID) place {
	p := place{Title: w.Text("engines.row")}
	database, err := s.stores.Database(ctx)
	if err != nil {
		p.State = stateOf(err)
		return p
	}
	if teller, ok := database.(interface{ Statement(op string) string }); ok {
		p.Statement = teller.Statement("load")
	}
	rec, err := database.Load(ctx, id)
	if p.State = stateOf(err); p.State == "there" {
		p.Fields = fieldsOf(rec)
		p.Text = string(rec.Data)
	}
	return p
}

func fieldsOf(rec sessions.Record) []markup.Field {
	return []markup.Field{
		{Name: "id", Value: markup.ShortKey(rec.ID.String())}, {Name: "version", Value: strconv.FormatUint(rec.Version, 10)}, {Name: "owner", Value: rec.Owner},
		{Name: "created", Value: markup.DevToolsTime(rec.Created)}, {Name: "saved", Value: markup.DevToolsTime(rec.Saved)}, {Name: "expires", Value: markup.DevToolsTime(rec.Expires)},
	}
}

// entry is the entry in the cache, and for how long it is there.
func (s *server) entry(ctx context.Context, w *locale.Printer, id sessions.ID) place {
	p := place{Title: w.Text("engines.entry")}
	cache, err := s.stores.Cache(ctx)
	if err != nil {
		p.State = stateOf(err)
		return p
	}
	shown, ok := cache.(*sessions.Redis)
	if !ok {
		rec, err := cache.Load(ctx, id)
		if p.State = stateOf(err); p.State == "there" {
			p.Fields, p.Text = fieldsOf(rec), string(rec.Data)
			p.Until, p.Ends, p.Over = markup.ISOTime(rec.Expires), markup.DevToolsTime(rec.Expires), w.Text("engines.ends")
			p.Note = w.Text("engines.entry_note")
		}
		return p
	}
	p.Statement = "HGETALL, PTTL"
	entry, err := shown.Entry(ctx, id)
	if p.State = stateOf(err); p.State != "there" {
		return p
	}
	p.Name = strings.Replace(entry.Key, id.String(), markup.ShortKey(id.String()), 1)
	for _, name := range []string{"version", "owner", "created", "saved", "expires", "listed"} {
		if value, ok := entry.Fields[name]; ok {
			p.Fields = append(p.Fields, markup.Field{Name: name, Value: value})
		}
	}
	p.Fields = append(p.Fields, markup.Field{Name: "PTTL", Value: strconv.FormatInt(entry.TTL.Milliseconds(), 10) + " ms"})
	p.Text = entry.Fields["data"]
	at := s.config.Clock.Now().Add(entry.TTL)
	p.Until, p.Ends, p.Over = markup.ISOTime(at), markup.DevToolsTime(at), w.Text("engines.ttl")
	p.Note = w.Text("engines.ttl_note")
	return p
}

// file is the file and its content.
func (s *server) file(ctx context.Context, w *locale.Printer, id sessions.ID) place {
	p := place{Title: w.Text("engines.file")}
	store, err := s.stores.Engine(ctx, sessions.EngineFile)
	if err != nil {
		p.State = stateOf(err)
		return p
	}
	_, err = store.Load(ctx, id) // it refuses what is no file of ours
	if p.State = stateOf(err); p.State != "there" {
		return p
	}
	files, ok := store.(interface{ Path(sessions.ID) string })
	if !ok {
		return p
	}
	p.Name = files.Path(id)
	content, err := os.Open(p.Name)
	if err != nil {
		p.State = "nothing" // it went just now
		return p
	}
	defer content.Close()
	text, err := io.ReadAll(io.LimitReader(content, 2*sessions.MaxStored))
	if err != nil {
		p.State = "unreachable"
	}
	p.Text = strings.TrimSpace(string(text))
	return p
}

// sealedPlace is the cookie, taken apart.
func sealedPlace(w *locale.Printer, t *trial) place {
	p := place{Title: w.Text("engines.cookie_itself"), State: "nothing"}
	if !t.carried {
		return p
	}
	sealed, err := sessions.Dissect(t.value)
	if err != nil {
		return p
	}
	p.State, p.Text = "there", sealed.Content
	var lines bytes.Buffer
	if json.Indent(&lines, []byte(sealed.Content), "", "  ") == nil { // else it is no JSON, and stays as it is
		p.Text = lines.String()
	}
	p.Fields = []markup.Field{{Name: w.Text("engines.sealed_at"), Value: markup.DevToolsTime(sealed.Time)}, {Name: w.Text("engines.seal"), Value: strconv.Itoa(len(sealed.MAC)) + " B"}}
	p.Note = w.Text("engines.readable")
	return p
}

// withoutSecrets is a URL as a page may show it: a password can stand before the
// @, and in the query.
func withoutSecrets(text string) string {
	if !strings.Contains(text, "://") {
		return text // memory:, or a file
	}
	scheme, _, _ := strings.Cut(text, "://")
	u, err := url.Parse(text)
	if err != nil || strings.Contains(u.Path, "@") {
		return scheme + "://…"
	}
	shown := scheme + "://" + u.Host + u.Path
	if u.RawQuery != "" {
		shown += "?…"
	}
	return shown
}

// setting is one live setting.
type setting struct {
	Django, Flag string
	Value        string
	Label        string // instead of a value: a label
	Note         string // a label: what the notes get wrong about it
}

// settings are those that the notes name, as they are now.
func (h *Page) settings() []setting {
	o := h.config.Cookie
	cache := h.config.Backend.Cache
	if cache == "" {
		cache = "memory:"
	}
	domain := setting{"SESSION_COOKIE_DOMAIN", "--session-cookie-domain", o.Domain, "", ""}
	if o.Domain == "" {
		domain.Label = "engines.this_host"
	}
	return []setting{
		{"SESSION_ENGINE", "--engine", h.site.Assets.Engine, "", ""},
		{"DATABASES", "--database-url", withoutSecrets(h.config.Backend.Database), "", ""},
		{"SESSION_CACHE_ALIAS", "--cache-url", withoutSecrets(cache), "", "engines.note_cache"},
		{"SESSION_FILE_PATH", "--session-file-path", h.config.FilePath, "", "engines.note_file"},
		{"SESSION_COOKIE_NAME", "--session-cookie-name", o.Name, "", ""},
		{"SESSION_COOKIE_PATH", "--session-cookie-path", o.Path, "", ""},
		domain,
		{"SESSION_COOKIE_SECURE", "--session-cookie-secure", strconv.FormatBool(o.Secure), "", ""},
		{"SESSION_COOKIE_HTTPONLY", "--session-cookie-httponly", strconv.FormatBool(o.HTTPOnly), "", ""},
		{"SESSION_COOKIE_SAMESITE", "--session-cookie-samesite", notebook.SameSiteName(o.SameSite), "", ""},
		{"SESSION_COOKIE_AGE", "--session-cookie-age", strconv.FormatInt(int64(o.Age/time.Second), 10), "", "engines.note_age"},
		{"SESSION_EXPIRE_AT_BROWSER_CLOSE", "--session-expire-at-browser-close", strconv.FormatBool(o.ExpireAtBrowserClose), "", "engines.note_close"},
		{"SESSION_SAVE_EVERY_REQUEST", "--session-save-every-request", strconv.FormatBool(o.SaveEveryRequest), "", "engines.note_save"},
	}
}

// ability is what one engine can do.
type ability struct {
	Mark  string // "✓", "✗" or "?"
	Label string
}

type abilityRow struct {
	Title   string // a label
	Engines []ability
}

// abilities are what each engine can and cannot, in the order of the columns.
// Whether a cache is shared depends on which one it is.
func (h *Page) abilities() []abilityRow {
	yes, no := ability{"✓", "engines.can_yes"}, ability{"✗", "engines.can_no"}
	sealed := ability{"✓", "engines.can_carried"}
	survives, shared, ended := no, no, ability{"?", "engines.can_here"}
	if !h.OwnMemory() {
		survives, shared, ended = ability{"✓", "engines.can_redis"}, yes, yes
	}
	index, large := ability{"✓", "engines.can_index"}, ability{"✓", "engines.can_large"}
	return []abilityRow{
		{"engines.can_survive", []ability{yes, survives, yes, yes, sealed}},
		{"engines.can_share", []ability{yes, shared, {"✓", "engines.can_folder"}, yes, {"✓", "engines.can_secrets"}}},
		{"engines.can_end", []ability{yes, ended, yes, yes, {"✗", "engines.can_copies"}}},
		{"engines.can_size", []ability{large, large, large, large, {"?", "engines.can_small"}}},
		{"engines.can_list", []ability{index, index, {"✓", "engines.can_walk"}, index, no}},
	}
}

// kindOf is what lies behind an engine, in a word or two.
func (h *Page) kindOf(w *locale.Printer, engine string) string {
	database, cache := "SQLite", w.Text("engines.memory")
	if b := h.config.Backend.Database; strings.HasPrefix(b, "postgres://") || strings.HasPrefix(b, "postgresql://") {
		database = "PostgreSQL"
	}
	if !h.OwnMemory() {
		cache = "Redis"
	}
	switch engine {
	case sessions.EngineDB:
		return database
	case sessions.EngineCache:
		return cache
	case sessions.EngineFile:
		return w.Text("engines.files")
	case sessions.EngineCachedDB:
		return cache + " + " + database
	default:
		return w.Text("engines.in_cookie")
	}
}

// took is a duration that may be very short.
func took(d time.Duration) string {
	if d < time.Millisecond {
		return strconv.FormatFloat(float64(d)/float64(time.Microsecond), 'f', 1, 64) + " µs"
	}
	return markup.Milliseconds(d)
}

// statementsOf are the texts of the SQL among some operations, each once.
func (s *server) statementsOf(ctx context.Context, ops []serverOp) (texts []string) {
	asked := slices.ContainsFunc(ops, func(op serverOp) bool { return op.Store == "sqlite" || op.Store == "postgres" })
	if !asked {
		return nil
	}
	s.open.RLock()
	defer s.open.RUnlock()
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	database, err := s.stores.Database(ctx)
	if err != nil {
		return nil
	}
	teller, ok := database.(interface{ Statement(op string) string })
	if !ok {
		return nil
	}
	for _, op := range ops {
		if text := teller.Statement(op.Name); op.Store == fmt.Sprint(database) && text != "" && !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return texts
}
