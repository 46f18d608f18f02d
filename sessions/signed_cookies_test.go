package sessions_test

import (
	"strings"
	"testing"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

var (
	oldSecret = []byte("the secret of last year, 32 bytes and more")
	newSecret = []byte("the secret of this year, 32 bytes and more")
)

// signers are those that the engine signed_cookies may have.
var signers = map[string]func(string, ...[]byte) (*sessions.Signer, error){
	"signed": sessions.NewSigner, "encrypted": sessions.NewEncrypter,
}

func signedCookies(t *testing.T, signer func(string, ...[]byte) (*sessions.Signer, error), clock sessions.Clock, purpose string, secrets ...[]byte) sessions.Engine {
	t.Helper()
	s, err := signer(purpose, secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return sessions.SignedCookies(s, clock)
}

func TestSignedCookies(t *testing.T) {
	for name, signer := range signers {
		t.Run(name, func(t *testing.T) {
			storetest.SelfContained(t, func(t *testing.T, clock sessions.Clock) sessions.Engine {
				return signedCookies(t, signer, clock, "session", newSecret)
			})
		})
	}
}

func TestSignedCookiesRotateTheirSecrets(t *testing.T) {
	for name, signer := range signers {
		t.Run(name, func(t *testing.T) {
			clock := storetest.NewClock()
			site := func(secrets ...[]byte) *storetest.Site {
				return storetest.NewSite(t, signedCookies(t, signer, clock.Now, "session", secrets...), clock, nil)
			}
			before, both, after := site(oldSecret), site(newSecret, oldSecret), site(newSecret)
			b := before.Browser()
			b.Visit(setter("a", 1))
			issued := b.Key()
			clock.Advance(3600e9)

			// A mere read gives the value out anew, with the expiry it had.
			b = b.At(both)
			reply := b.Visit(func(s *sessions.Session) error {
				storetest.Is(t, "Rejected", s.Rejected(), nil)
				storetest.Equal(t, "a", s.Get("a"), any(int64(1)))
				storetest.Equal(t, "modified", s.Modified(), false)
				return nil
			})
			cookie := reply.Cookie("sessionid")
			if cookie == nil || cookie.Value == issued {
				t.Fatalf("the old secret's value was not given out anew: %v", reply.Header["Set-Cookie"])
			}
			storetest.Equal(t, "Max-Age", cookie.MaxAge, 14*24*3600-3600)
			storetest.Equal(t, "Set-Cookie once it is new", b.Visit(func(s *sessions.Session) error { s.Keys(); return nil }).Header["Set-Cookie"], nil)

			for _, try := range []struct {
				carrier *storetest.Browser
				want    error
			}{{b.At(after), nil}, {after.Browser().Carry(issued), sessions.ErrTampered}} {
				try.carrier.Visit(func(s *sessions.Session) error {
					storetest.Is(t, "Rejected after the rotation", s.Rejected(), try.want)
					return nil
				})
			}
		})
	}
}

func TestSignedCookiesOfAnotherPurposeOrKindMeanNothing(t *testing.T) {
	value := map[string]string{}
	for name, signer := range signers {
		made, err := newManager(t, signedCookies(t, signer, nil, "session", newSecret)).Create(t.Context(), func(s *sessions.Session) error {
			return s.Set("secret", "Kekse")
		})
		storetest.Is(t, "Create", err, nil)
		value[name] = made.Key()
		_, err = signedCookies(t, signer, nil, "token", newSecret).Load(t.Context(), made.Key())
		storetest.Is(t, "Load for another purpose", err, sessions.ErrTampered)
	}
	for name, signer := range signers {
		for other, v := range value {
			if _, err := signedCookies(t, signer, nil, "session", newSecret).Load(t.Context(), v); (err == nil) != (name == other) {
				t.Errorf("%s value for %s engine: %v", other, name, err)
			}
		}
	}
	sealed, err := sessions.Dissect(value["signed"])
	storetest.Is(t, "Dissect", err, nil)
	if !strings.Contains(sealed.Content, `"Kekse"`) {
		t.Errorf("signed is not secret: %s", sealed.Content)
	}
	if sealed, err := sessions.Dissect(value["encrypted"]); err == nil && strings.Contains(sealed.Content, "Kekse") {
		t.Errorf("encrypted, and readable: %s", sealed.Content)
	}
}

// A good seal over something else than a session (Django: test_decode_serializer_exception).
func TestSignedCookiesTakeOnlySessionsFromUnderTheirSeal(t *testing.T) {
	signer, err := sessions.NewSigner("session", newSecret)
	storetest.Is(t, "NewSigner", err, nil)
	for _, content := range []any{"text", 7, []int{1}, map[string]any{"data": "text"}, map[string]any{"id": 7}, map[string]any{"data": []int{1}}} {
		value, err := signer.Sign(content)
		storetest.Is(t, "Sign", err, nil)
		_, err = sessions.SignedCookies(signer, nil).Load(t.Context(), value)
		storetest.Is(t, value, err, sessions.ErrMalformed)
	}
}

func newManager(t *testing.T, engine sessions.Engine) *sessions.Manager {
	t.Helper()
	manager, err := sessions.New(engine, sessions.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	return manager
}
