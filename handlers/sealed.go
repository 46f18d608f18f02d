// Sealed contents: what lies under a seal, read by somebody who has no secret.
// The signed way's are a few facts; with the engine signed_cookies the session
// way's are the whole session.

package handlers

import (
	"encoding/json"
	"errors"
	"time"

	"cookielab/sessions"
)

// sealedContent is what stands under a seal, believed or not.
type sealedContent interface {
	who() Identity
	fields() []field
	withRole(role string) ([]byte, error) // the content with another role in it
}

// readSealed decodes a content, whichever of the two it is.
func readSealed(content string) (sealedContent, error) {
	var session sealedSession
	if json.Unmarshal([]byte(content), &session) == nil && session.Data != nil {
		return session, nil
	}
	var facts signedFacts
	err := json.Unmarshal([]byte(content), &facts)
	return facts, err
}

func (f signedFacts) who() Identity { return Identity{f.User, f.Role} }

func (f signedFacts) fields() []field {
	return []field{
		{"user", f.User}, {"role", f.Role},
		{"iat", clockTime(f.IssuedAt.time())}, {"exp", clockTime(f.Expires.time())},
	}
}

func (f signedFacts) withRole(role string) ([]byte, error) {
	f.Role = role
	return json.Marshal(f)
}

// sealedSession is a session as [sessions.SignedCookies] writes it. Times are
// microseconds since 1970.
type sealedSession struct {
	ID      string          `json:"id"`
	Created int64           `json:"iat"`
	Saved   int64           `json:"saved"`
	Expires int64           `json:"exp"`
	Data    sessions.Values `json:"data"`
}

func (s sealedSession) who() Identity {
	return Identity{s.Data.Text(sessions.UserKey), s.Data.Text(sessions.RoleKey)}
}

func (s sealedSession) fields() []field {
	at := func(micro int64) string { return clockTime(time.UnixMicro(micro)) }
	return []field{
		{sessions.UserKey, s.who().User}, {sessions.RoleKey, s.who().Role},
		{"iat", at(s.Created)}, {"saved", at(s.Saved)}, {"exp", at(s.Expires)},
	}
}

func (s sealedSession) withRole(role string) ([]byte, error) {
	err := s.Data.Set(sessions.RoleKey, role) // decoded for this call alone
	content, failed := json.Marshal(s)
	return content, errors.Join(err, failed)
}
