// What can be done on the engines page: each deed happens to all engines, and
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

// engineDeeds are the deeds, in the order of the table.
var engineDeeds = []struct{ name, label, tip string }{
	{"write", "engines.write", "engines.write_tip"},
	{"read", "engines.read", "engines.read_tip"},
	{"clear", "engines.clear", "engines.clear_tip"},
	{"restart", "engines.restart", "engines.restart_tip"},
	{"second", "engines.second", "engines.second_tip"},
	{"elsewhere", "engines.elsewhere", "engines.elsewhere_tip"},
	{"tabs", "engines.tabs", "engines.tabs_tip"},
}

// What became of a session: the names of the words.
const (
	outcomeWritten     = "engines.word.written"
	outcomeFound       = "engines.word.found"
	outcomeNothing     = "engines.word.nothing" // there was nothing to read
	outcomeSurvived    = "engines.word.survived"
	outcomeGone        = "engines.word.gone"
	OutcomeKnown       = "engines.word.known"
	OutcomeUnknown     = "engines.word.unknown"
	outcomeEnded       = "engines.word.ended"
	outcomeWorks       = "engines.word.works"
	outcomeKept        = "engines.word.kept"
	outcomeLost        = "engines.word.lost"
	outcomeUnreachable = "engines.word.unreachable"
)

// Outcome is one cell of the table.
type Outcome struct {
	Word   string // one of the above; "": not tried yet
	Detail locale.Message
	Django string // what Django's cached_db makes of the same; "": not asked
}

// Limits of time: for one deed, and for waiting until the deeds of others are done. All
// seven deeds together have what is left of the request's time.
const (
	deedTimeout = 8 * time.Second
	turnTimeout = 5 * time.Second
)

// Keys in the page's sessions.
const (
	engineCounter = "counter"
	engineNote    = "note"
	engineVisitor = "visitor" // in place of the user, if nobody is signed in
)

// do lets a deed happen. Page do not wait for each other, so one whose store
// does not answer costs the others nothing.
func (room *cluster) do(ctx context.Context, deed string, runs []*trial, who string) {
	switch deed {
	case "write":
		each(runs, func(r *trial) { room.write(ctx, r, who) })
	case "read":
		each(runs, func(r *trial) { room.readAgain(ctx, room.first, r, outcomeFound, outcomeGone) })
	case "clear":
		each(runs, func(r *trial) { room.ensure(ctx, r, who) })
		if err := room.first.clearCache(ctx); err != nil {
			for _, r := range runs {
				if !r.decided() && (r.engine == sessions.EngineCache || r.engine == sessions.EngineCachedDB) {
					r.fail(err)
				}
			}
		}
		each(runs, func(r *trial) { room.readAgain(ctx, room.first, r, outcomeSurvived, outcomeGone) })
	case "restart":
		each(runs, func(r *trial) { room.ensure(ctx, r, who) })
		_ = room.first.restart() // what does not close is let go of all the same
		each(runs, func(r *trial) { room.readAgain(ctx, room.first, r, outcomeSurvived, outcomeGone) })
	case "second":
		each(runs, func(r *trial) {
			room.ensure(ctx, r, who)
			room.readAgain(ctx, room.second, r, OutcomeKnown, OutcomeUnknown)
		})
	case "elsewhere":
		each(runs, func(r *trial) { room.logOutElsewhere(ctx, r, who) })
	case "tabs":
		each(runs, func(r *trial) { room.twoTabs(ctx, r, who) })
	}
}

// each works on all engines at once.
func each(runs []*trial, work func(*trial)) {
	var all sync.WaitGroup
	for _, r := range runs {
		if !r.decided() {
			all.Go(func() { work(r) })
		}
	}
	all.Wait()
}

// fail decides that an engine cannot answer.
func (r *trial) fail(err error) {
	if errors.Is(err, sessions.ErrEnded) {
		r.outcome.Word = outcomeGone
		return
	}
	r.outcome = Outcome{Word: outcomeUnreachable}
}

// write counts, and says when: in a session of any kind these are two values.
func (room *cluster) write(ctx context.Context, r *trial, who string) {
	if room.put(ctx, r, who, true); !r.decided() {
		r.outcome = Outcome{Word: outcomeWritten, Detail: locale.Msg("engines.counter", locale.Args{"N": r.counter})}
	}
}

// ensure begins a deed: where there is no session, one is written.
func (room *cluster) ensure(ctx context.Context, r *trial, who string) {
	room.put(ctx, r, who, false)
}

func (room *cluster) put(ctx context.Context, r *trial, who string, always bool) {
	reply, _, err := room.first.visit(ctx, r, r.engine, func(s *sessions.Session) error {
		if _, err := s.Into(engineCounter, &r.counter); err != nil {
			r.counter = 0
		}
		if r.fresh = s.Rejected() != nil; !r.fresh && !always {
			return nil
		}
		r.counter++
		whose := sessions.UserKey
		if who == "" { // a session without a user counts in a quota
			whose, who = engineVisitor, "guest"
		}
		return errors.Join(
			s.Set(whose, who),
			s.Set(engineCounter, r.counter),
			s.Set(engineNote, "written at "+room.first.config.Clock.Now().UTC().Format("15:04:05")+" UTC"))
	})
	if err != nil {
		r.fail(err)
		return
	}
	r.take(reply)
}

// readAgain decides by what a server says of the session now, and what it would
// say if it read as Django does.
func (room *cluster) readAgain(ctx context.Context, s *engineServer, r *trial, found, gone string) {
	if r.decided() {
		return
	}
	there, ops, err := room.look(ctx, s, r, r.engine)
	switch {
	case err != nil:
		r.fail(err)
		return
	case there:
		r.outcome.Word = found
		if found == outcomeFound {
			r.outcome.Detail = locale.Msg("engines.counter", locale.Args{"N": r.counter})
		}
	case r.carried:
		r.outcome.Word = gone
	default:
		r.outcome.Word = outcomeNothing
	}
	r.reading = ops
	if r.engine == sessions.EngineCachedDB && r.carried {
		room.asDjango(ctx, s, r, found, gone)
	}
}

// look asks a server whether there is a session, and reads its counter.
func (room *cluster) look(ctx context.Context, s *engineServer, r *trial, engine string) (there bool, ops []engineOp, err error) {
	reply, ops, err := s.visit(ctx, r, engine, func(session *sessions.Session) error {
		if there = session.Rejected() == nil; there && engine == r.engine {
			if _, err := session.Into(engineCounter, &r.counter); err != nil {
				return fmt.Errorf("%w: %w", sessions.ErrUnavailable, err)
			}
		}
		return nil
	})
	if err == nil && !s.second && engine == r.engine {
		r.take(reply) // only with SESSION_SAVE_EVERY_REQUEST there is one
	}
	return there, ops, err
}

func (room *cluster) asDjango(ctx context.Context, s *engineServer, r *trial, found, gone string) {
	there, ops, err := room.look(ctx, s, r, djangoWay)
	switch {
	case err != nil:
		r.outcome.Django = outcomeUnreachable
	case there:
		r.outcome.Django = found
	default:
		r.outcome.Django = gone
	}
	r.django = ops
}

// logOutElsewhere ends the session on the second server, and asks this one, whose
// browser still carries the cookie: the logout's own reply went elsewhere.
//
//  1. the second server ends it;
//  2. is there still a copy in this server's cache? Our reading would drop it;
//  3. Django's way reads, then ours.
func (room *cluster) logOutElsewhere(ctx context.Context, r *trial, who string) {
	room.ensure(ctx, r, who)
	if r.decided() {
		return
	}
	known := false
	if _, _, err := room.second.visit(ctx, r, r.engine, func(s *sessions.Session) error {
		known = s.Rejected() == nil
		s.Flush()
		return nil
	}); err != nil {
		r.fail(err)
		return
	}
	var django string
	var detail locale.Message
	if r.engine == sessions.EngineCachedDB {
		if version, ok := room.first.copied(ctx, sessions.KeyID(Purpose(r.engine), r.value)); ok {
			detail = locale.Msg("engines.copy_stayed", locale.Args{"Version": version})
		}
		room.asDjango(ctx, room.first, r, outcomeWorks, outcomeEnded)
		django = r.outcome.Django
	}
	there, ops, err := room.look(ctx, room.first, r, r.engine)
	switch {
	case err != nil:
		r.fail(err)
		return
	case there && known:
		r.outcome.Word, detail = outcomeWorks, locale.Msg("engines.ended_there")
	case there:
		r.outcome.Word, detail = outcomeWorks, locale.Msg("engines.not_known_there")
	default:
		r.outcome.Word = outcomeEnded
	}
	r.reading, r.outcome.Django, r.outcome.Detail = ops, django, detail
}

// copied is the version of the copy in a server's cache.
func (s *engineServer) copied(ctx context.Context, id sessions.ID) (version uint64, ok bool) {
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
func (room *cluster) twoTabs(ctx context.Context, r *trial, who string) {
	room.ensure(ctx, r, who)
	if r.decided() {
		return
	}
	before := r.counter
	carried := &trial{engine: r.engine, name: r.name, value: r.value, carried: r.carried} // by both, whoever is answered first
	loaded, errs := []chan struct{}{make(chan struct{}), make(chan struct{})}, make([]error, len(tabKeys))
	var both sync.WaitGroup
	for i, key := range tabKeys {
		both.Go(func() {
			arrive := sync.OnceFunc(func() { close(loaded[i]) })
			defer arrive() // also if it could not be loaded
			reply, _, err := room.first.visit(ctx, carried, r.engine, func(s *sessions.Session) error {
				arrive()
				select {
				case <-loaded[1-i]:
				case <-ctx.Done():
					return fmt.Errorf("%w: %w", sessions.ErrUnavailable, ctx.Err())
				}
				return errors.Join(s.Set(key, before+1), addOne(ctx, s))
			})
			if errs[i] = err; err == nil {
				r.take(reply)
			}
		})
	}
	both.Wait()
	r.ops = append(r.ops, carried.ops...)
	if err := errors.Join(errs...); err != nil {
		r.fail(err)
		return
	}
	kept := 0
	_, ops, err := room.first.visit(ctx, r, r.engine, func(s *sessions.Session) error {
		for _, key := range tabKeys {
			if n, ok := s.Get(key).(int64); ok && n == before+1 {
				kept++
			}
		}
		_, err := s.Into(engineCounter, &r.counter)
		return err
	})
	if err != nil {
		r.fail(err)
		return
	}
	r.reading = ops
	r.outcome = Outcome{Word: outcomeKept, Detail: locale.Msg("engines.counter", locale.Args{"N": r.counter})}
	if kept < len(tabKeys) || r.counter != before+int64(len(tabKeys)) {
		r.outcome = Outcome{Word: outcomeLost, Detail: locale.Msg("engines.counter_short", locale.Args{"N": r.counter, "Want": before + int64(len(tabKeys))})}
	}
}

// addOne adds to the counter: at once against the store where there is one, else
// to what the request brought, which is all that there is.
func addOne(ctx context.Context, s *sessions.Session) error {
	add := func(n int64) int64 { return n + 1 }
	err := s.Update(ctx, func(v sessions.Values) error {
		var n int64
		if _, err := v.Into(engineCounter, &n); err != nil {
			return err
		}
		return v.Set(engineCounter, add(n))
	})
	if errors.Is(err, sessions.ErrNotSupported) {
		n, _ := s.Get(engineCounter).(int64)
		return s.Set(engineCounter, add(n))
	}
	return err
}

// memory is what memory holds of the page for one notebook.
type memory struct {
	outcomes map[string]map[string]Outcome // by deed and engine
	last     string                        // deed
	set      map[string]string             // the last Set-Cookie line, by engine
	ops      map[string][]engineOp         // of the last deed, by engine
	fresh    []string                      // engines for which the last deed wrote a session first
	reading  []engineOp                    // of cached_db, when both ways were last asked, and of Django's
	django   []engineOp
}

// maxEngineOps bounds what is kept of one deed.
const maxEngineOps = 40

// after is the memory once a deed was done. The memory before does not change.
func (m memory) after(deed string, runs []*trial) memory {
	outcomes := map[string]Outcome{}
	m.outcomes, m.set = cloned(m.outcomes), cloned(m.set)
	m.outcomes[deed] = outcomes
	m.last, m.ops, m.fresh = deed, map[string][]engineOp{}, nil
	for _, r := range runs {
		outcomes[r.engine] = r.outcome
		if m.ops[r.engine] = slices.Clip(r.ops); len(r.ops) > maxEngineOps {
			m.ops[r.engine] = slices.Clone(r.ops[:maxEngineOps])
		}
		if r.set != "" {
			m.set[r.engine] = r.set
		}
		if r.fresh && deed != "write" {
			m.fresh = append(m.fresh, r.engine)
		}
		if len(r.django) > 0 && len(r.reading) > 0 {
			m.reading, m.django = r.reading, r.django
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
	for _, outcomes := range m.outcomes {
		n += notebook.MapBytes + len(outcomes)*2*notebook.EntryBytes
		for _, outcome := range outcomes {
			n += notebook.WeighMessage(outcome.Detail)
		}
	}
	for _, ops := range slices.AppendSeq([][]engineOp{m.reading, m.django}, maps.Values(m.ops)) {
		for i := range ops {
			n += notebook.WeighOp(&ops[i].StoreOp)
		}
	}
	return n
}
