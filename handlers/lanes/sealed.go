// Sealed contents: what lies under a seal, as somebody reads it who has no secret. In the
// signed lane it is a few facts. With the engine signed_cookies, in the session lane it is
// the whole session.

package lanes

import (
	"encoding/json"
	"errors"
	"time"

	"cookielab/handlers/markup"
	"cookielab/sessions"
)

// sealedContent is what lies under a seal, whether or not the seal holds.
type sealedContent interface {
	Who() Identity                        // whom it names
	Fields() []markup.Field               // its parts, for a page
	withRole(role string) ([]byte, error) // the content with another role in it
}

// ReadSealed decodes what lies under a seal: a session, or else [SignedFacts]. It checks no
// seal. The error is that of package json.
func ReadSealed(content string) (sealedContent, error) {
	var session sealedSession
	if json.Unmarshal([]byte(content), &session) == nil && session.Data != nil {
		return session, nil
	}
	var facts SignedFacts
	err := json.Unmarshal([]byte(content), &facts)
	return facts, err
}

// Claims is whom a sealed value names, as everybody can read it without its key. Nobody
// checks it. It is empty for a value that names nobody.
func Claims(value string) Identity {
	sealed, err := sessions.Dissect(value)
	if err != nil {
		return Identity{}
	}
	content, err := ReadSealed(sealed.Content)
	if err != nil {
		return Identity{}
	}
	return content.Who()
}

// Who returns whom the facts name.
func (f SignedFacts) Who() Identity { return Identity{f.User, f.Role} }

// Fields returns the facts' parts, for a page.
func (f SignedFacts) Fields() []markup.Field {
	return []markup.Field{
		{Name: "user", Value: f.User}, {Name: "role", Value: f.Role},
		{Name: "iat", Value: markup.ClockTime(f.IssuedAt.Time())}, {Name: "exp", Value: markup.ClockTime(f.Expires.Time())},
	}
}

func (f SignedFacts) withRole(role string) ([]byte, error) {
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

func (s sealedSession) Who() Identity {
	return Identity{s.Data.Text(sessions.UserKey), s.Data.Text(sessions.RoleKey)}
}

func (s sealedSession) Fields() []markup.Field {
	at := func(micro int64) string { return markup.ClockTime(time.UnixMicro(micro)) }
	return []markup.Field{
		{Name: sessions.UserKey, Value: s.Who().User}, {Name: sessions.RoleKey, Value: s.Who().Role},
		{Name: "iat", Value: at(s.Created)}, {Name: "saved", Value: at(s.Saved)}, {Name: "exp", Value: at(s.Expires)},
	}
}

func (s sealedSession) withRole(role string) ([]byte, error) {
	err := s.Data.Set(sessions.RoleKey, role) // decoded for this call alone
	content, failed := json.Marshal(s)
	return content, errors.Join(err, failed)
}
