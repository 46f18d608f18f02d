// Faulty: a store that fails, or lets somebody else in first, when told to.

package storetest

import (
	"context"
	"time"

	"cookielab/sessions"
)

// Faulty is a store whose operations ask Before first; if that gives an error,
// they answer it and do nothing. Before may use the store behind, Store, to be
// the other process that comes in between. The names of the operations are
// those of [sessions.StoreOp].
type Faulty struct {
	sessions.Store
	Before func(op string) error
}

// Down is a Before that fails the operations of these names, or all of them if
// there is no name.
func Down(ops ...string) func(string) error {
	return func(op string) error {
		for _, down := range ops {
			if op == down {
				return sessions.ErrUnavailable
			}
		}
		if len(ops) == 0 {
			return sessions.ErrUnavailable
		}
		return nil
	}
}

func (f *Faulty) before(op string) error {
	if f.Before == nil {
		return nil
	}
	return f.Before(op)
}

// Create implements [sessions.Store].
func (f *Faulty) Create(ctx context.Context, rec sessions.Record) error {
	if err := f.before("create"); err != nil {
		return err
	}
	return f.Store.Create(ctx, rec)
}

// Load implements [sessions.Store].
func (f *Faulty) Load(ctx context.Context, id sessions.ID) (sessions.Record, error) {
	if err := f.before("load"); err != nil {
		return sessions.Record{}, err
	}
	return f.Store.Load(ctx, id)
}

// Update implements [sessions.Store].
func (f *Faulty) Update(ctx context.Context, rec sessions.Record) error {
	if err := f.before("update"); err != nil {
		return err
	}
	return f.Store.Update(ctx, rec)
}

// Delete implements [sessions.Store].
func (f *Faulty) Delete(ctx context.Context, id sessions.ID, version uint64) error {
	if err := f.before("delete"); err != nil {
		return err
	}
	return f.Store.Delete(ctx, id, version)
}

// ByOwner implements [sessions.Store].
func (f *Faulty) ByOwner(ctx context.Context, owner string, after sessions.Record, limit int) ([]sessions.Record, error) {
	if err := f.before("by owner"); err != nil {
		return nil, err
	}
	return f.Store.ByOwner(ctx, owner, after, limit)
}

// Trim implements [sessions.Store].
func (f *Faulty) Trim(ctx context.Context, owner string, keep sessions.Quota) (int, error) {
	if err := f.before("trim"); err != nil {
		return 0, err
	}
	return f.Store.Trim(ctx, owner, keep)
}

// ClearExpired implements [sessions.Store].
func (f *Faulty) ClearExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	if err := f.before("clear expired"); err != nil {
		return 0, err
	}
	return f.Store.ClearExpired(ctx, before, limit)
}
