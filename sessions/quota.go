// The quota for sessions that belong to no user. Anyone can start as many of them as
// they like, so without a quota they could fill the store.

package sessions

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// defaultQuota is used for the fields of Options.Quota that are zero.
var defaultQuota = Quota{Records: 20_000, Bytes: 64 << 20}

const (
	trimPatience = 2 * time.Second // for one trim, in one request; the next request that trims goes on
	trimLogEvery = time.Minute
)

// trimmer keeps a manager's sessions without a user within their quota. Counting what is
// stored would mean reading the whole store, so it counts what is filed, and has the
// store trim from time to time:
//
//   - A request trims, after its own save, if an eighth of the quota was filed since
//     the last trim. The first request that files also trims, because nobody knows yet
//     what is stored.
//   - Only one request trims at a time. Others go on meanwhile, but once a quarter of
//     the quota was filed they wait for the trim, so that no flood is faster than it.
//
// So at any moment the store holds at most the quota, a quarter more, and what is just
// being saved. Each further server on the same store can add another quarter.
type trimmer struct {
	keep   Quota
	logger func() *slog.Logger

	mu       sync.Mutex
	filed    Quota         // what was filed since the last trim began
	begun    bool          // a trim has begun
	trimming chan struct{} // closed when the trim under way is over; nil: none is under way
	logged   time.Time
}

// wait makes a request that files a session without a user wait for the trim under way,
// if a quarter of the quota was filed since that began.
func (t *trimmer) wait(ctx context.Context) error {
	for {
		t.mu.Lock()
		over := t.trimming
		if !t.reached(4) {
			over = nil
		}
		t.mu.Unlock()
		if over == nil {
			return nil
		}
		select {
		case <-over:
		case <-ctx.Done():
			return errors.Join(ErrUnavailable, ctx.Err())
		}
	}
}

// reached reports whether a part of the quota was filed: an eighth for 8.
func (t *trimmer) reached(part int) bool {
	return t.filed.Records >= max(1, t.keep.Records/part) || t.filed.Bytes >= max(1, t.keep.Bytes/int64(part))
}

// note counts what was filed, and trims if it is time to. If that fails it is logged, and
// the visitor's request succeeds: its own save is done.
func (t *trimmer) note(ctx context.Context, directory Directory, records int, bytes int, now time.Time) {
	t.mu.Lock()
	t.filed.Records += records
	t.filed.Bytes += int64(bytes)
	if t.trimming != nil || (t.begun && !t.reached(8)) {
		t.mu.Unlock()
		return
	}
	over, counted := make(chan struct{}), t.filed
	t.trimming, t.begun = over, true
	t.mu.Unlock()

	removed, err := t.trim(ctx, directory)

	t.mu.Lock()
	defer t.mu.Unlock()
	close(over)
	t.trimming = nil
	t.filed.Records -= counted.Records
	t.filed.Bytes -= counted.Bytes
	switch {
	case err == nil:
	case removed > 0 && errors.Is(err, context.DeadlineExceeded):
		t.begun = false // the time of one request was too short: the next one goes on
	case t.logged.IsZero() || now.Sub(t.logged) >= trimLogEvery:
		t.logged = now
		t.logger().Error("sessions that belong to no user could not be trimmed to their quota", "error", err)
	}
}

// trim goes on if the visitor hangs up, and is not traced as an operation of their
// request: it is the manager's own work.
func (t *trimmer) trim(ctx context.Context, directory Directory) (removed int, err error) {
	end := time.Now().Add(trimPatience) // real time and not Options.Clock: it is a wait, not an age
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(end) {
		end = deadline
	}
	ctx, cancel := context.WithDeadline(context.WithValue(context.WithoutCancel(ctx), traceKey{}, nil), end)
	defer cancel()
	return directory.Trim(ctx, t.keep)
}

// filesForNobody reports whether the changes file a session that belongs to no user.
// Changes that only end a session file none.
func (ch Changes) filesForNobody(state *State) bool {
	switch raw, set := ch.Values[UserKey]; {
	case set:
		return Values{UserKey: raw}.Text(UserKey) == ""
	case ch.Flush:
		return len(ch.Values) > 0
	case state == nil || ch.Clear:
		return true
	default:
		return state.Values.Text(UserKey) == ""
	}
}
