// The Cache contract: a store in front of another, which may lose what it holds.

package sessions

import (
	"context"
	"time"
)

// Cache is what [Memory] and [Redis] offer a store that keeps its records
// elsewhere, so that it need not read each one from there. Its errors are those
// of a [Store]. What was filed with Put is in no owner's list: whom a session
// belongs to is for the other store to tell.
type Cache interface {
	// Load finds a record, as in [Store].
	Load(ctx context.Context, id ID) (Record, error)

	// Put files a record as it is, its version and Created included, whether
	// one lies there already or not, unless that has a newer version: then it
	// stays, and Put answers nil all the same.
	Put(ctx context.Context, rec Record) error

	// Delete removes a record, as in [Store].
	Delete(ctx context.Context, id ID, version uint64) error

	// ClearExpired removes records, as in [Store].
	ClearExpired(ctx context.Context, before time.Time, limit int) (int, error)

	// Clear removes everything that the cache holds. What others put in
	// meanwhile may stay.
	Clear(ctx context.Context) error
}
