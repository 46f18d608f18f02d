// Runs: how something that carries no notebook is written down for the one it
// concerns. A run is a session whose key travels in the address: the page of the
// other site, a curl line, an image name it, and what the lab sees under it, the
// lesson finds there. It can do nothing else: it opens no notebook.

package course

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cookielab/handlers/lanes"
	"cookielab/handlers/notebook"
	"cookielab/handlers/web"
	"cookielab/sessions"
	"cookielab/sessions/browser"
)

const (
	runPurpose = "run"
	runAge     = 24 * time.Hour
	runLog     = "_book"  // the ID of the Log of whoever runs it
	RunHome    = "_home"  // the host, with its port, at which its lesson is read
	runWords   = "_words" // the language in which its reader reads
)

// runCarrier reads a run's key from the address. Nobody is told a new one.
type runCarrier struct{}

// Read returns the key in the query.
func (runCarrier) Read(r *http.Request) (string, bool) {
	query := r.URL.Query()
	return query.Get(web.RunParam), query.Has(web.RunParam)
}

// Write does nothing.
func (runCarrier) Write(http.Header, string, time.Duration, time.Time) error { return nil }

// Erase does nothing.
func (runCarrier) Erase(http.Header) {}

// Vary names Cookie, as all pages of the lab do.
func (runCarrier) Vary() string { return "Cookie" }

func (h *Course) newRuns() (*sessions.Manager, error) {
	options := h.auth.Lanes.Options(runAge)
	options.Carrier = runCarrier{}
	return sessions.New(sessions.Keyed(runPurpose, h.store), options)
}

// NewRun begins a run of the lesson, in place of the one before; own is what the
// lesson keeps in it, under names that begin with "_".
func (s *Step) NewRun(own ...map[string]string) error {
	id, ok := s.Notebook.ID()
	run, err := s.course.runs.Create(s.C.Request().Context(), func(run *sessions.Session) error {
		if !ok {
			id = sessions.ID{}
		}
		err := errors.Join(run.Set(runLog, id.String()), run.Set(runWords, s.W.Tag.String()))
		for _, values := range own {
			for name, value := range values {
				err = errors.Join(err, run.Set(name, value))
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	if s.notes.Run != "" {
		old := sessions.KeyID(runPurpose, s.notes.Run)
		if err := s.course.runs.End(s.C.Request().Context(), old, 0); err != nil && !errors.Is(err, sessions.ErrNotFound) {
			return err
		}
	}
	s.notes.Run = run.Key()
	return nil
}

// run is the session of the run that a request names; nil if it names none, or one that
// has ended. The exchange goes on the wire of the run's notebook: without values, unless
// the request itself shows that it comes from that notebook's browser.
func (h *Course) run(c echo.Context) (*sessions.Session, error) {
	if !c.QueryParams().Has(web.RunParam) {
		return nil, nil
	}
	run, err := h.runs.Load(c)
	if err != nil || run.Rejected() != nil {
		return nil, err
	}
	if id, ok := sessions.ParseID(run.Text(runLog)); ok && id != (sessions.ID{}) && notebook.Recording(c) != nil {
		notebook.AlsoOnWire(c, h.logs.Log(id))
	}
	return run, nil
}

// witness writes down, under a run, what was seen: values by their names.
func (h *Course) witness(run *sessions.Session, seen map[string]string) (err error) {
	for name, value := range seen {
		err = errors.Join(err, run.Set(name, h.factNow(value)))
	}
	return err
}

// WitnessCopy writes down what the three lanes conclude about a request that names
// a run: a copy, sent from a terminal.
func (h *Course) WitnessCopy(c echo.Context, findings []lanes.Finding) error {
	run, err := h.run(c)
	if err != nil || run == nil {
		return err
	}
	if e := notebook.Recording(c); e != nil && notebook.From(c) == nil {
		e.Client = notebook.ClientOther
	}
	seen := map[string]string{CurlFacts + ".client": browser.ClientName(c.Request().UserAgent())}
	for _, f := range findings {
		seen[CurlFacts+"."+f.Lane] = verdictFact(f.Verdict, f.Who)
	}
	return h.witness(run, seen)
}

// runFacts are what was seen under a run; none where it is over.
func (h *Course) runFacts(ctx context.Context, key string) (map[string]fact, error) {
	if key == "" {
		return nil, nil
	}
	record, err := h.runs.Find(ctx, sessions.KeyID(runPurpose, key))
	switch {
	case errors.Is(err, sessions.ErrNotFound), errors.Is(err, sessions.ErrExpired):
		return nil, nil
	case err != nil:
		return nil, err
	}
	values, err := sessions.DecodeValues(record.Data)
	if err != nil {
		return nil, nil //nolint:nilerr // unreadable is as good as over
	}
	facts := map[string]fact{}
	for name := range values {
		var seen fact
		if strings.HasPrefix(name, "_") {
			continue // the run's own
		}
		if _, err := values.Into(name, &seen); err == nil && seen.Value != "" {
			facts[name] = seen
		}
	}
	return facts, nil
}
