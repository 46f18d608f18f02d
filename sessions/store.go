// The Store contract: where records lie, and what every store promises.

package sessions

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"
)

// Errors that a Store, an Engine or a Manager returns; test with errors.Is.
var (
	// ErrNotFound: no record lies under this ID (any more).
	ErrNotFound = errors.New("sessions: no such record")
	// ErrExpired: a record still lies there, but its time is over.
	ErrExpired = errors.New("sessions: the record has expired")
	// ErrExists: Create met a record with the same ID.
	ErrExists = errors.New("sessions: a record with this ID exists already")
	// ErrConflict: the record changed since it was loaded.
	ErrConflict = errors.New("sessions: the record changed meanwhile")
	// ErrUnavailable: the store did not answer, or not in a way it should. It
	// never means "nobody": a visitor must not be logged out by a broken disk.
	ErrUnavailable = errors.New("sessions: the store is unavailable")
	// ErrFull: the store has no room for more, because the disk is full, for example.
	// An error that is ErrFull is also ErrUnavailable. Delete, Trim and ClearExpired
	// only make room, and never return it.
	ErrFull = fmt.Errorf("%w: no room is left", ErrUnavailable)
)

// Record is one session as a store keeps it.
type Record struct {
	ID      ID
	Version uint64 // 1 after Create, one more after each Update
	Owner   string // whose session it is; "" is nobody's
	Created time.Time
	Saved   time.Time
	Expires time.Time // dead from this instant on
	Data    []byte    // never changed in place: neither by the store nor by its callers
}

// Store keeps records. Every method may be called by many goroutines at once,
// and, unless a store says otherwise, by several processes. Times are kept to
// the microsecond or better. A method whose error is none of those it names
// answers one that wraps [ErrUnavailable].
type Store interface {
	// Create files a new record with version 1; rec.Version is not read.
	// ErrExists when the ID is taken, even by an expired record.
	Create(ctx context.Context, rec Record) error

	// Load finds a record. ErrNotFound when there is none; ErrExpired, together
	// with the record, while one still lies there whose time is over. Load
	// never deletes and never writes.
	Load(ctx context.Context, id ID) (Record, error)

	// Update replaces a live record if its version is still rec.Version, which
	// then grows by one; Created stays as it was. ErrConflict when the version
	// differs, ErrExpired when its time is over, ErrNotFound when it is gone:
	// Update never creates, so that a slow request cannot undo a logout.
	Update(ctx context.Context, rec Record) error

	// Delete removes a record, expired or not, if its version is still the
	// given one; version 0 removes any. ErrConflict and ErrNotFound as above.
	Delete(ctx context.Context, id ID, version uint64) error

	// ByOwner lists the live records of one owner, without their Data, the last saved
	// first (of those saved at the same instant, the greater ID first). It returns at
	// most limit records, only those that come after the given one in this order. Of
	// that one only Saved and ID are read; the zero Record starts the list. An empty
	// owner owns nothing.
	ByOwner(ctx context.Context, owner string, after Record, limit int) ([]Record, error)

	// Trim removes records of one owner, expired ones too, the one saved longest ago
	// first, until the rest is within the quota. It returns how many it removed. It
	// works in small steps, so that the other methods never wait for it for long. An
	// empty owner owns nothing.
	Trim(ctx context.Context, owner string, keep Quota) (int, error)

	// ClearExpired removes at most limit records that expired before the given
	// instant, and says how many. It never blocks the other methods for long.
	ClearExpired(ctx context.Context, before time.Time, limit int) (int, error)
}

// Quota is how much a store may hold for one owner. In [Store.Trim] a field that is zero
// allows nothing; in [Options] it means the default.
type Quota struct {
	Records int
	Bytes   int64 // of all Data together
}

// Clock tells the time. Every part that judges age takes one, so that a test
// can move it; nil is time.Now.
type Clock func() time.Time

// Now is the time that the clock tells, in UTC: in a local zone, a time that is calculated
// from it could fall into a year that JSON does not accept.
func (c Clock) Now() time.Time {
	if c == nil {
		return time.Now().UTC()
	}
	return c().UTC()
}

// isStart reports whether this record, given to [Store.ByOwner], means the start of the
// list.
func isStart(after Record) bool { return after.ID == ID{} && after.Saved.IsZero() }

// laterSaved compares two records in the order of [Store.ByOwner].
func laterSaved(a, b Record) int {
	if c := b.Saved.Compare(a.Saved); c != 0 {
		return c
	}
	return bytes.Compare(b.ID[:], a.ID[:])
}
