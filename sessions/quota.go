// The quota of what nobody owns: sessions that no user signed in to. Anybody can
// begin as many as they like, so they must not fill the store.

package sessions

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// defaultQuota is the Options.Quota of those who leave it out.
var defaultQuota = Quota{Records: 20_000, Bytes: 64 << 20}

const (
	trimPatience = 2 * time.Second // a request that trims answers after that: what is left goes with the next
	trimLogEvery = time.Minute
)

// trimmer keeps a manager's sessions of nobody within their quota. It counts what
// is filed, since to count what lies there costs a walk, and has the store trim
// from time to time:
//
//   - once an eighth of the quota was filed, and at first, as nobody knows what
//     lies there, the request that filed it trims, after its own save;
//   - one at a time; others go on meanwhile, and wait only where a quarter was
//     filed, so that no flood outruns the trimming.
//
// So at any moment there is at most a quarter more than the quota, and what is
// just being saved; as much again for each further server on the same store.
type trimmer struct {
	keep   Quota
	logger func() *slog.Logger

	mu       sync.Mutex
	filed    Quota         // since the last trim began
	begun    bool          // there was one
	trimming chan struct{} // closed when the trim that is at work is over; nil: none is
	logged   time.Time
}

// wait lets a request that files for nobody wait for a trim that it would outrun.
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

// reached reports whether such a part of the quota was filed.
func (t *trimmer) reached(part int) bool {
	return t.filed.Records >= max(1, t.keep.Records/part) || t.filed.Bytes >= max(1, t.keep.Bytes/int64(part))
}

// note counts what was filed, and trims if it is time to. Its failure is not the
// visitor's: what they saved is saved.
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
		t.begun = false // there is more to do than fits into one request
	case t.logged.IsZero() || now.Sub(t.logged) >= trimLogEvery:
		t.logged = now
		t.logger().Error("sessions of nobody could not be trimmed to their quota", "error", err)
	}
}

// trim is the house's work: a visitor who goes away does not end it, and it does
// not stand among what their request asked of the store.
func (t *trimmer) trim(ctx context.Context, directory Directory) (removed int, err error) {
	end := time.Now().Add(trimPatience) // a duration, not a judgement of age: no clock to move
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(end) {
		end = deadline
	}
	ctx, cancel := context.WithDeadline(context.WithValue(context.WithoutCancel(ctx), traceKey{}, nil), end)
	defer cancel()
	return directory.Trim(ctx, t.keep)
}

// filesForNobody reports whether what the changes file will belong to no user. A
// mere end files nothing.
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
