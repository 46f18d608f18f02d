// The live records of one user, in a store of sessions or of tokens.

package handlers

import (
	"context"
	"errors"

	"cookielab/sessions"
)

// findOwned finds a live session of a user by its ID. The error is
// [sessions.ErrNotFound] if there is none, or if it is somebody else's.
func findOwned(ctx context.Context, manager *sessions.Manager, user string, id sessions.ID) (sessions.Record, error) {
	record, err := manager.Find(ctx, id)
	if errors.Is(err, sessions.ErrExpired) || err == nil && record.Owner != user {
		err = sessions.ErrNotFound
	}
	return record, err
}

// clientNamed is the program that signed in, by the session's ID: the data, which says it,
// is not in the records of a list.
func clientNamed(ctx context.Context, manager *sessions.Manager, user string, id sessions.ID) (string, error) {
	record, err := findOwned(ctx, manager, user, id)
	if err != nil && !errors.Is(err, sessions.ErrNotFound) {
		return "", err
	}
	return clientOf(record), nil
}

// clientOf is the program that signed in.
func clientOf(record sessions.Record) string {
	values, err := sessions.DecodeValues(record.Data)
	if err != nil {
		return ""
	}
	return values.Text(sessions.ClientKey)
}
