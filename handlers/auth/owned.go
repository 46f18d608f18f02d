// What a user has: sessions, tokens.

package auth

import (
	"context"
	"errors"

	"cookielab/sessions"
)

// FindOwned finds a live session of a user by its ID. The error is
// [sessions.ErrNotFound] if there is none, or if it is somebody else's.
func FindOwned(ctx context.Context, manager *sessions.Manager, user string, id sessions.ID) (sessions.Record, error) {
	record, err := manager.Find(ctx, id)
	if errors.Is(err, sessions.ErrExpired) || err == nil && record.Owner != user {
		err = sessions.ErrNotFound
	}
	return record, err
}

// ClientNamed is the program that signed in, by the session's ID: the data, which says it,
// is not in the records of a list.
func ClientNamed(ctx context.Context, manager *sessions.Manager, user string, id sessions.ID) (string, error) {
	record, err := FindOwned(ctx, manager, user, id)
	if err != nil && !errors.Is(err, sessions.ErrNotFound) {
		return "", err
	}
	return ClientOf(record), nil
}

// ClientOf is the program that signed in.
func ClientOf(record sessions.Record) string {
	values, err := sessions.DecodeValues(record.Data)
	if err != nil {
		return ""
	}
	return values.Text(sessions.ClientKey)
}
