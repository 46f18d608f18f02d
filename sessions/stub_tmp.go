package sessions

import (
	"context"
	"time"
)

func (s *Session) Replaced() (at time.Time, ok bool) { return at, false }

func (m *Manager) Replace(ctx context.Context, id ID, version uint64, by ID) error {
	return m.End(ctx, id, version)
}

func (m *Manager) Became(ctx context.Context, id ID) (ID, error) { return ID{}, ErrNotFound }
