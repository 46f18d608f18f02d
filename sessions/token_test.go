package sessions_test

import (
	"net/http"
	"regexp"
	"testing"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

func TestATokenIsAKeyOfItsOwnForm(t *testing.T) {
	store := openMemory(t, nil)
	tokens := newManager(t, sessions.Tokens("token", store))
	seen := map[string]bool{}
	for range 20 {
		made, err := tokens.Create(t.Context(), func(s *sessions.Session) error { return s.Set(sessions.UserKey, "alice") })
		storetest.Is(t, "Create", err, nil)
		if !regexp.MustCompile(`^[0-9a-f]{40}$`).MatchString(made.Key()) || seen[made.Key()] {
			t.Errorf("token %q", made.Key())
		}
		seen[made.Key()] = true
	}
	// Neither a session nor in the list of sessions, in the same store.
	session := sessions.Keyed("session", store)
	for token := range seen {
		_, err := session.Load(t.Context(), token)
		storetest.Is(t, "a token as a session", err, sessions.ErrMalformed)
	}
	owned, err := newManager(t, session).Owned(t.Context(), "alice", sessions.Record{}, 1000)
	storetest.Is(t, "Owned", err, nil)
	storetest.Equal(t, "sessions of alice", len(owned), 0)
	owned, err = tokens.Owned(t.Context(), "alice", sessions.Record{}, 1000)
	storetest.Is(t, "Owned", err, nil)
	storetest.Equal(t, "tokens of alice", len(owned), 20)
	for _, value := range []string{"", sessions.NewKey(), "0123456789abcdef0123456789abcdef0123456", "0123456789ABCDEF0123456789ABCDEF01234567"} {
		_, err := sessions.Tokens("token", store).Load(t.Context(), value)
		storetest.Is(t, value, err, sessions.ErrMalformed)
	}
}

func TestAuthorizationCarriesOneValueAfterItsScheme(t *testing.T) {
	carrier := sessions.Authorization("Token")
	for _, try := range []struct {
		lines []string
		value string
		found bool
	}{
		{nil, "", false},
		{[]string{"Token abc"}, "abc", true},
		{[]string{"token abc"}, "abc", true},
		{[]string{"Token"}, "", true},
		{[]string{""}, "", true},
		{[]string{"Token  abc"}, " abc", true}, // no engine issued that
		{[]string{"Token abc "}, "abc ", true},
		{[]string{"Bearer abc"}, "", true},
		{[]string{"Basic YTpi"}, "", true},
		{[]string{"Token abc", "Token def"}, "", true},
	} {
		r := &http.Request{Header: http.Header{"Authorization": try.lines, "Cookie": {"sessionid=abc"}}}
		if try.lines == nil {
			delete(r.Header, "Authorization")
		}
		value, found := carrier.Read(r)
		storetest.Equal(t, "value", value, try.value)
		storetest.Equal(t, "found", found, try.found)
	}
	header := http.Header{}
	storetest.Is(t, "Write", carrier.Write(header, "abc", 0, storetest.NewClock().Now()), nil)
	carrier.Erase(header)
	storetest.Equal(t, "what the client is told", len(header), 0)
	storetest.Equal(t, "Vary", carrier.Vary(), "Authorization")
}

func TestACookieThatNoBrowserKeepsIsNotSent(t *testing.T) {
	carrier, header := sessions.Cookie(sessions.DefaultOptions()), http.Header{}
	long := make([]byte, sessions.MaxCookie-len("sessionid"))
	for i := range long {
		long[i] = 'x'
	}
	storetest.Is(t, "Write of 4097 bytes", carrier.Write(header, string(long)+"x", 0, storetest.NewClock().Now()), sessions.ErrTooLarge)
	storetest.Equal(t, "Set-Cookie", header["Set-Cookie"], nil)
	storetest.Is(t, "Write of 4096 bytes", carrier.Write(header, string(long), 0, storetest.NewClock().Now()), nil)
	storetest.Equal(t, "lines", len(header["Set-Cookie"]), 1)
}
