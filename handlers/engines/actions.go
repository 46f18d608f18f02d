// What can be done on the engines page: each action happens to all engines, and
// what became of the session is found out by reading it again.

package engines

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"cookielab/handlers/locale"
	"cookielab/handlers/notebook"
	"cookielab/sessions"
)

// actions are the actions, in the order of the table.
var actions = []struct{ name, label, tip string }{
	{"write", "engines.write", "engines.write_tip"},
	{"read", "engines.read", "engines.read_tip"},
	{"clear", "engines.clear", "engines.clear_tip"},
	{"restart", "engines.restart", "engines.restart_tip"},
	{"second", "engines.second", "engines.second_tip"},
	{"elsewhere", "engines.elsewhere", "engines.elsewhere_tip"},
	{"tabs", "engines.tabs", "engines.tabs_tip"},
}

// Outcome is what became of a session. Style sheets, tests and the facts of lessons go by
// its text. The zero Outcome says that it was not tried yet.
type Outcome string

// All outcomes. Package lessons asks for the two that have exported names.
const (
	outcomeWritten     Outcome = "written"
	outcomeFound       Outcome = "found"
	outcomeNothing     Outcome = "nothing" // there was nothing to read
	outcomeSurvived    Outcome = "survived"
	outcomeGone        Outcome = "gone"
	OutcomeKnown       Outcome = "known"   // the second server knows the session
	OutcomeUnknown     Outcome = "unknown" // the second server does not know the session
	outcomeEnded       Outcome = "ended"
	outcomeWorks       Outcome = "works"
	outcomeKept        Outcome = "kept"
	outcomeLost        Outcome = "lost"
	outcomeUnreachable Outcome = "unreachable"
)

// shown is how pages show each outcome: its label, and the mark before that, which is ✓
// for as it should be, ✗ for a loss, ? for a warning, ○ for nothing.
var shown = map[Outcome]struct{ label, mark string }{
	outcomeWritten:     {"engines.word.written", "✓"},
	outcomeFound:       {"engines.word.found", "✓"},
	outcomeNothing:     {"engines.word.nothing", "○"},
	outcomeSurvived:    {"engines.word.survived", "✓"},
	outcomeGone:        {"engines.word.gone", "✗"},
	OutcomeKnown:       {"engines.word.known", "✓"},
	OutcomeUnknown:     {"engines.word.unknown", "✗"},
	outcomeEnded:       {"engines.word.ended", "✓"},
	outcomeWorks:       {"engines.word.works", "?"},
	outcomeKept:        {"engines.word.kept", "✓"},
	outcomeLost:        {"engines.word.lost", "✗"},
	outcomeUnreachable: {"engines.word.unreachable", "✗"},
}

// Label returns the ID of the label that names the outcome; "" for the zero Outcome.
func (o Outcome) Label() string { return shown[o].label }

// Mark returns the sign that stands before the label: "✓", "✗", "?" or "○"; "" for the
// zero Outcome.
func (o Outcome) Mark() string { return shown[o].mark }

// result is one cell of the table.
type result struct {
	Outcome
	detail locale.Message
	django Outcome // what Django's cached_db makes of the same; "": not asked
}

// Limits of time: for one action, and for waiting until the actions of others are done. All
// seven actions together have what is left of the request's time.
const (
	actionTimeout = 8 * time.Second
	queueTimeout  = 5 * time.Second
)

// Keys in the page's sessions.
const (
	counterKey = "counter"
	noteKey    = "note"
	visitorKey = "visitor" // in place of the user, if nobody is signed in
)

// do lets an action happen. Engines do not wait for each other, so one whose store
// does not answer costs the others nothing.
func (c *cluster) do(ctx context.Context, action string, trials []*trial, who string) {
	switch action {
	case "write":
		each(trials, func(t *trial) { c.write(ctx, t, who) })
	case "read":
		each(trials, func(t *trial) { c.readAgain(ctx, c.first, t, outcomeFound, outcomeGone) })
	case "clear":
		each(trials, func(t *trial) { c.ensure(ctx, t, who) })
		if err := c.first.clearCache(ctx); err != nil {
			for _, t := range trials {
				if !t.decided() && (t.engine == sessions.EngineCache || t.engine == sessions.EngineCachedDB) {
					t.fail(err)
				}
			}
		}
		each(trials, func(t *trial) { c.readAgain(ctx, c.first, t, outcomeSurvived, outcomeGone) })
	case "restart":
		each(trials, func(t *trial) { c.ensure(ctx, t, who) })
		_ = c.first.restart() // what does not close is let go of all the same
		each(trials, func(t *trial) { c.readAgain(ctx, c.first, t, outcomeSurvived, outcomeGone) })
	case "second":
		each(trials, func(t *trial) {
			c.ensure(ctx, t, who)
			c.readAgain(ctx, c.second, t, OutcomeKnown, OutcomeUnknown)
		})
	case "elsewhere":
		each(trials, func(t *trial) { c.logOutElsewhere(ctx, t, who) })
	case "tabs":
		each(trials, func(t *trial) { c.twoTabs(ctx, t, who) })
	}
}

// each works on all engines at once.
func each(trials []*trial, work func(*trial)) {
	var all sync.WaitGroup
	for _, t := range trials {
		if !t.decided() {
			all.Go(func() { work(t) })
		}
	}
	all.Wait()
}

// fail decides that an engine cannot answer.
func (t *trial) fail(err error) {
	if errors.Is(err, sessions.ErrEnded) {
		t.Outcome = outcomeGone
		return
	}
	t.result = result{Outcome: outcomeUnreachable}
}

// write counts, and says when: in a session of any kind these are two values.
func (c *cluster) write(ctx context.Context, t *trial, who string) {
	if c.put(ctx, t, who, true); !t.decided() {
		t.result = result{Outcome: outcomeWritten, detail: locale.Msg("engines.counter", locale.Args{"N": t.counter})}
	}
}

// ensure begins an action: where there is no session, one is written.
func (c *cluster) ensure(ctx context.Context, t *trial, who string) {
	c.put(ctx, t, who, false)
}

func (c *cluster) put(ctx context.Context, t *trial, who string, always bool) {
	reply, _, err := c.first.visit(ctx, t, t.engine, func(s *sessions.Session) error {
		if _, err := s.Into(counterKey, &t.counter); err != nil {
			t.counter = 0
		}
		if t.fresh = s.Rejected() != nil; !t.fresh && !always {
			return nil
		}
		t.counter++
		whose := sessions.UserKey
		if who == "" { // a session without a user counts in a quota
			whose, who = visitorKey, "guest"
		}
		return errors.Join(
			s.Set(whose, who),
			s.Set(counterKey, t.counter),
			s.Set(noteKey, "written at "+c.first.config.Clock.Now().UTC().Format("15:04:05")+" UTC"))
	})
	if err != nil {
		t.fail(err)
		return
	}
	t.take(reply)
}

// readAgain decides by what a server says of the session now, and what it would
// say if it read as Django does.
func (c *cluster) readAgain(ctx context.Context, s *server, t *trial, found, gone Outcome) {
	if t.decided() {
		return
	}
	there, ops, err := c.look(ctx, s, t, t.engine)
	switch {
	case err != nil:
		t.fail(err)
		return
	case there:
		t.Outcome = found
		if found == outcomeFound {
			t.detail = locale.Msg("engines.counter", locale.Args{"N": t.counter})
		}
	case t.carried:
		t.Outcome = gone
	default:
		t.Outcome = outcomeNothing
	}
	t.reading = ops
	if t.engine == sessions.EngineCachedDB && t.carried {
		c.asDjango(ctx, s, t, found, gone)
	}
}

// look asks a server whether there is a session, and reads its counter.
func (c *cluster) look(ctx context.Context, s *server, t *trial, engine string) (there bool, ops []serverOp, err error) {
	reply, ops, err := s.visit(ctx, t, engine, func(session *sessions.Session) error {
		if there = session.Rejected() == nil; there && engine == t.engine {
			if _, err := session.Into(counterKey, &t.counter); err != nil {
				return fmt.Errorf("%w: %w", sessions.ErrUnavailable, err)
			}
		}
		return nil
	})
	if err == nil && !s.second && engine == t.engine {
		t.take(reply) // only with SESSION_SAVE_EVERY_REQUEST there is one
	}
	return there, ops, err
}

func (c *cluster) asDjango(ctx context.Context, s *server, t *trial, found, gone Outcome) {
	there, ops, err := c.look(ctx, s, t, djangoCachedDB)
	switch {
	case err != nil:
		t.result.django = outcomeUnreachable
	case there:
		t.result.django = found
	default:
		t.result.django = gone
	}
	t.django = ops
}

// logOutElsewhere ends the session on the second server, and asks this one, whose
// browser still carries the cookie: the logout's own reply went elsewhere.
//
//  1. the second server ends it;
//  2. is there still a copy in this server's cache? Our reading would drop it;
//  3. Django's way reads, then ours.
func (c *cluster) logOutElsewhere(ctx context.Context, t *trial, who string) {
	c.ensure(ctx, t, who)
	if t.decided() {
		return
	}
	known := false
	if _, _, err := c.second.visit(ctx, t, t.engine, func(s *sessions.Session) error {
		known = s.Rejected() == nil
		s.Flush()
		return nil
	}); err != nil {
		t.fail(err)
		return
	}
	var django Outcome
	var detail locale.Message
	if t.engine == sessions.EngineCachedDB {
		if version, ok := c.first.copied(ctx, sessions.KeyID(Purpose(t.engine), t.value)); ok {
			detail = locale.Msg("engines.copy_stayed", locale.Args{"Version": version})
		}
		c.asDjango(ctx, c.first, t, outcomeWorks, outcomeEnded)
		django = t.result.django
	}
	there, ops, err := c.look(ctx, c.first, t, t.engine)
	switch {
	case err != nil:
		t.fail(err)
		return
	case there && known:
		t.Outcome, detail = outcomeWorks, locale.Msg("engines.ended_there")
	case there:
		t.Outcome, detail = outcomeWorks, locale.Msg("engines.not_known_there")
	default:
		t.Outcome = outcomeEnded
	}
	t.reading, t.result.django, t.detail = ops, django, detail
}

// copied is the version of the copy in a server's cache.
func (s *server) copied(ctx context.Context, id sessions.ID) (version uint64, ok bool) {
	s.open.RLock()
	defer s.open.RUnlock()
	cache, err := s.stores.Cache(ctx)
	if err != nil {
		return 0, false
	}
	rec, err := cache.Load(ctx, id)
	return rec.Version, err == nil
}

// tabKeys are what the two tabs write, each its own.
var tabKeys = [2]string{"tab_a", "tab_b"}

// twoTabs has two requests at work at the same time: both have loaded the session
// before either saves. Each sets a key of its own and adds one to the counter.
// The browser gets both replies, and keeps what the later one says.
func (c *cluster) twoTabs(ctx context.Context, t *trial, who string) {
	c.ensure(ctx, t, who)
	if t.decided() {
		return
	}
	before := t.counter
	carried := &trial{engine: t.engine, name: t.name, value: t.value, carried: t.carried} // by both, whoever is answered first
	loaded, errs := []chan struct{}{make(chan struct{}), make(chan struct{})}, make([]error, len(tabKeys))
	var both sync.WaitGroup
	for i, key := range tabKeys {
		both.Go(func() {
			arrive := sync.OnceFunc(func() { close(loaded[i]) })
			defer arrive() // also if it could not be loaded
			reply, _, err := c.first.visit(ctx, carried, t.engine, func(s *sessions.Session) error {
				arrive()
				select {
				case <-loaded[1-i]:
				case <-ctx.Done():
					return fmt.Errorf("%w: %w", sessions.ErrUnavailable, ctx.Err())
				}
				return errors.Join(s.Set(key, before+1), addOne(ctx, s))
			})
			if errs[i] = err; err == nil {
				t.take(reply)
			}
		})
	}
	both.Wait()
	t.ops = append(t.ops, carried.ops...)
	if err := errors.Join(errs...); err != nil {
		t.fail(err)
		return
	}
	survived := 0
	_, ops, err := c.first.visit(ctx, t, t.engine, func(s *sessions.Session) error {
		for _, key := range tabKeys {
			if n, ok := s.Get(key).(int64); ok && n == before+1 {
				survived++
			}
		}
		_, err := s.Into(counterKey, &t.counter)
		return err
	})
	if err != nil {
		t.fail(err)
		return
	}
	t.reading = ops
	t.result = result{Outcome: outcomeKept, detail: locale.Msg("engines.counter", locale.Args{"N": t.counter})}
	if survived < len(tabKeys) || t.counter != before+int64(len(tabKeys)) {
		t.result = result{Outcome: outcomeLost, detail: locale.Msg("engines.counter_short", locale.Args{"N": t.counter, "Want": before + int64(len(tabKeys))})}
	}
}

// addOne adds to the counter: at once against the store where there is one, else
// to what the request brought, which is all that there is.
func addOne(ctx context.Context, s *sessions.Session) error {
	add := func(n int64) int64 { return n + 1 }
	err := s.Update(ctx, func(v sessions.Values) error {
		var n int64
		if _, err := v.Into(counterKey, &n); err != nil {
			return err
		}
		return v.Set(counterKey, add(n))
	})
	if errors.Is(err, sessions.ErrNotSupported) {
		n, _ := s.Get(counterKey).(int64)
		return s.Set(counterKey, add(n))
	}
	return err
}

// memory is what memory holds of the page for one notebook.
type memory struct {
	results map[string]map[string]result // by action and engine
	last    string                       // action
	set     map[string]string            // the last Set-Cookie line, by engine
	ops     map[string][]serverOp        // of the last action, by engine
	fresh   []string                     // engines for which the last action wrote a session first
	reading []serverOp                   // of cached_db, when both ways were last asked, and of Django's
	django  []serverOp
}

// maxOps bounds what is kept of one action.
const maxOps = 40

// after is the memory once an action was done. The memory before does not change.
func (m memory) after(action string, trials []*trial) memory {
	results := map[string]result{}
	m.results, m.set = cloned(m.results), cloned(m.set)
	m.results[action] = results
	m.last, m.ops, m.fresh = action, map[string][]serverOp{}, nil
	for _, t := range trials {
		results[t.engine] = t.result
		if m.ops[t.engine] = slices.Clip(t.ops); len(t.ops) > maxOps {
			m.ops[t.engine] = slices.Clone(t.ops[:maxOps])
		}
		if t.set != "" {
			m.set[t.engine] = t.set
		}
		if t.fresh && action != "write" {
			m.fresh = append(m.fresh, t.engine)
		}
		if len(t.django) > 0 && len(t.reading) > 0 {
			m.reading, m.django = t.reading, t.django
		}
	}
	return m
}

// cloned is a copy of a map that can be written to, also of a nil one.
func cloned[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return maps.Clone(m)
}

// Weigh is how much memory it takes, in bytes.
func (m memory) Weigh() int {
	n := notebook.StructBytes + notebook.WeighTexts(m.set)
	for _, results := range m.results {
		n += notebook.MapBytes + len(results)*2*notebook.EntryBytes
		for _, r := range results {
			n += notebook.WeighMessage(r.detail)
		}
	}
	for _, ops := range slices.AppendSeq([][]serverOp{m.reading, m.django}, maps.Values(m.ops)) {
		for i := range ops {
			n += notebook.WeighOp(&ops[i].StoreOp)
		}
	}
	return n
}
