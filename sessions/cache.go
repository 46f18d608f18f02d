// Cache
package sessions

import "context"

type Cache interface {
	Load(ctx context.Context, id ID) (Record, error)
	Put(ctx context.Context, rec Record) error
	Delete(ctx context.Context, id ID, version uint64) error
	Clear(ctx context.Context) error
}
