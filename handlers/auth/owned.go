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

// ClientNamed returns the name of the program that signed in, by the user and the session's
// ID; "" if it did not say one, and if there is no such session. It reads the record, since
// the records of a list have no data. The error is that of the store.
func ClientNamed(ctx context.Context, manager *sessions.Manager, user string, id sessions.ID) (string, error) {
	record, err := FindOwned(ctx, manager, user, id)
	if err != nil && !errors.Is(err, sessions.ErrNotFound) {
		return "", err
	}
	return ClientOf(record), nil
}

// ClientOf returns the name of the program that signed in, by a record with its data; "" if it
// did not say one.
func ClientOf(record sessions.Record) string {
	values, err := sessions.DecodeValues(record.Data)
	if err != nil {
		return ""
	}
	return values.Text(sessions.ClientKey)
}
